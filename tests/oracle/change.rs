//! Changes to assignments and roles as plain data, and what the text says of them (section 4; `docs/bundle.md`).
//!
//! That nobody may bring about that they lack a permission afterwards is asked of the bundle as it would be: the change is
//! made, and every permission is asked again.

use super::evaluate::{Denied, chain, within};
use super::facts::{Facts, Named};
use super::generate::STUDENTS;
use super::model::{Assignment, Bundle, Claim, Dates, Domain, Item, Person, Relation};
use super::permission::{find, held_roles, holdings, may};
use super::route::Value;

#[derive(Debug, Clone)]
pub struct Changing {
    pub domain: String,
    pub change: Change,
}

#[derive(Debug, Clone)]
pub enum Change {
    Assignment { takes: bool, role: Value, target: Value, on: (String, Value) },
    Permissions { target: Value, on: (String, Value), set: Value },
    Title { target: Value, on: (String, Value), category: Value, title: Value },
    Role { role: Value },
}

/// Why a change is denied for certain, and why it may be denied where the text leaves it open and the closed way is taken.
#[derive(Debug, Default)]
pub struct Verdict {
    pub must: Vec<Denied>,
    pub may: Vec<Denied>,
    /// An answer that is a yes is marked: somebody adds to their own rights.
    pub marked: bool,
}

impl Verdict {
    pub fn of(result: Result<(), Denied>) -> Verdict {
        Verdict { must: result.err().into_iter().collect(), may: Vec::new(), marked: false }
    }

    fn no(reason: Denied) -> Verdict {
        Verdict { must: vec![reason], may: Vec::new(), marked: false }
    }
}

impl Changing {
    /// Whose assignment is changed, and where it is held.
    pub fn whose(&self) -> Option<(&Value, &(String, Value))> {
        match &self.change {
            Change::Assignment { target, on, .. }
            | Change::Permissions { target, on, .. }
            | Change::Title { target, on, .. } => Some((target, on)),
            Change::Role { .. } => None,
        }
    }
}

/// A change with its values.
pub struct Asked<'a> {
    pub bundle: &'a Bundle,
    pub person: &'a Person,
    pub claims: &'a [(String, Claim)],
    pub values: &'a [Option<String>],
    pub now: i64,
}

pub fn judge(changing: &Changing, asked: &Asked<'_>) -> Verdict {
    let bundle = asked.bundle;
    let domain = bundle.domain(&changing.domain);
    let known = |value: &Value| {
        let name = value.had(asked.values)?;
        domain.roles.iter().find(|role| role.name == name)
    };
    // Section 9: assignments of a deleted role "count as not there".
    let role_named = |value: &Value| known(value).filter(|role| !role.deleted);
    let (target, on) = match &changing.change {
        Change::Role { role } => {
            // A deleted role can be undeleted.
            return match known(role) {
                None => Verdict::no("attribute_missing"),
                Some(role) if role.locked => Verdict::no("role_locked"),
                Some(_) => Verdict::default(),
            };
        }
        Change::Assignment { target, on, .. }
        | Change::Permissions { target, on, .. }
        | Change::Title { target, on, .. } => (target, on),
    };
    let scope = format!("{}/{}", on.0, on.1.of(asked.values));
    let target = target.had(asked.values);
    let facts = Facts {
        bundle,
        person: asked.person,
        student: Named::Absent,
        target: target.as_ref().map_or(Named::Unknown, |id| Named::of(bundle, Some(id))),
        assigned: None,
        claims: asked.claims,
        now: asked.now,
    };
    if !bundle.domains.iter().any(|domain| domain.has_scope(&scope)) {
        // The target may be told first.
        return Verdict { must: vec!["scope_unknown"], may: vec!["attribute_missing"], marked: false };
    }
    // "suspensions and blocks come first", of the target, too.
    if facts.is_blocked(Some(&scope), false) || facts.target_is_blocked(Some(&scope), false) {
        // What the change says may be told first, where it cannot be read.
        return Verdict { must: vec!["blocked"], may: vec!["attribute_missing"], marked: false };
    }
    let Named::Known(target) = facts.target else { return Verdict::no("attribute_missing") };
    if !domain.has_scope(&scope) {
        return Verdict { must: vec!["scope_unknown"], may: vec!["attribute_missing"], marked: false };
    }
    let oneself = target.id == asked.person.id;
    let mut verdict = Verdict::default();
    let held = match holdings(bundle, domain, asked.person, &chain(domain, &scope), asked.now) {
        Ok(held) => held_roles(domain, &held),
        Err(reason) => {
            // "denied everything in the domain"
            verdict.must.push(reason);
            Vec::new()
        }
    };
    let there = |a: &&Assignment| {
        a.subject == target.id && a.domain == domain.name && a.scope == scope && !domain.role(&a.role).deleted
    };
    let stored: Vec<&Assignment> = bundle.assignments.iter().filter(there).collect();
    let current: Vec<&&Assignment> = stored.iter().filter(|a| within(bundle, a.dates, asked.now)).collect();
    // What a change to a set or a title is made to.
    let needs_an_assignment = |verdict: &mut Verdict| {
        if stored.is_empty() {
            verdict.must.push("attribute_missing");
        } else if current.is_empty() {
            verdict.may.push("attribute_missing");
        }
    };
    let mut after = bundle.clone();
    match &changing.change {
        Change::Role { .. } => {}
        Change::Assignment { takes, role, .. } => {
            let Some(role) = role_named(role) else {
                verdict.must.push("attribute_missing");
                return verdict;
            };
            if domain.level_of(&scope) != role.level {
                verdict.must.push("wrong_level");
            }
            // "unless a role that the subject actively holds on the chain of the scope is in the role's `assignable_by`"
            if !held.iter().any(|held| role.assignable_by.contains(held)) {
                verdict.must.push("not_assignable");
            }
            if *takes {
                after.assignments.retain(|a| {
                    !(a.subject == target.id
                        && a.domain == domain.name
                        && a.scope == scope
                        && a.role == role.name)
                });
            } else {
                after.assignments.push(Assignment {
                    subject: target.id.clone(),
                    domain: domain.name.clone(),
                    role: role.name.clone(),
                    scope: scope.clone(),
                    buildings: Vec::new(),
                    dates: Dates::default(),
                    suspended: false,
                    options: Vec::new(),
                    permissions: None,
                });
            }
        }
        Change::Permissions { set, .. } => {
            needs_an_assignment(&mut verdict);
            if !current.is_empty() && current.iter().all(|a| domain.role(&a.role).locked) {
                verdict.must.push("role_locked");
            } else if stored.iter().any(|a| domain.role(&a.role).locked) {
                verdict.may.push("role_locked");
            }
            let chain = chain(domain, &scope);
            let plans: Vec<_> = domain.plans.iter().filter(|(school, _)| chain.contains(school)).collect();
            if plans.iter().any(|(_, plan)| plan.exactly) {
                verdict.must.push("plan_fixed");
            }
            let text = set.had(asked.values);
            let Some(items) = text.as_deref().and_then(|text| read_set(domain, text)) else {
                verdict.must.push(if oneself { "self_removal" } else { "attribute_missing" });
                verdict.may.extend(["attribute_missing", "plan_fixed"]);
                return verdict;
            };
            // What every assignment carries anyway, "under plans too", may be listed: it changes nothing. So it loads, too.
            let outside = |item: &Item| {
                let carried = domain.base.contains(&item.word);
                !carried && plans.iter().any(|(_, plan)| !plan.permissions.contains(&item.word))
            };
            if items.iter().any(outside) {
                verdict.must.push("plan_fixed");
            }
            // What no role of that level carries would not load.
            let unfit = |item: &Item| {
                let (module, permission) = find(domain, &item.word).expect("just read");
                let level = domain.level_of(&scope);
                domain.rank(&module.level) < domain.rank(level)
                    || permission.only_at.as_ref().is_some_and(|only| only != level)
            };
            if items.iter().any(unfit) {
                verdict.may.extend(["attribute_missing", "wrong_level", "permission_not_granted"]);
            }
            for a in after.assignments.iter_mut().filter(|a| there(&&**a)) {
                a.permissions = Some(items.clone());
            }
        }
        Change::Title { category, title, .. } => {
            needs_an_assignment(&mut verdict);
            let (category, title) = (category.had(asked.values), title.had(asked.values));
            let known = domain.titles.iter().any(|(known, titles)| {
                Some(known) == category.as_ref() && title.as_ref().is_some_and(|title| titles.contains(title))
            });
            if !known {
                verdict.must.push("unknown_title");
                verdict.may.push("attribute_missing");
            }
        }
    }
    if oneself && !matches!(changing.change, Change::Title { .. }) {
        let (lost, gained) = compare(bundle, &after, domain, asked, &scope);
        // "A person who holds any permission at a school may not bring about that one of them is missing afterwards."
        if lost {
            verdict.must.push("self_removal");
        }
        verdict.may.push("self_removal");
        // "Adding to oneself is allowed and marked, unless `self_update: {add: deny}`."
        verdict.marked = gained;
        if domain.add_to_oneself_denied {
            if gained {
                verdict.must.push("not_assignable");
            }
            verdict.may.push("not_assignable");
        }
    }
    verdict
}

/// A custom set as a request writes it.
fn read_set(domain: &Domain, text: &str) -> Option<Vec<Item>> {
    if text.is_empty() || text == "none" {
        return Some(Vec::new());
    }
    let item = |word: &str| {
        let (name, relation) = match word.split_once(':') {
            None => (word, None),
            Some((name, relation)) => {
                (name, Some(Relation::ALL.into_iter().find(|known| known.word() == relation)?))
            }
        };
        find(domain, name)?;
        Some(Item { word: name.to_owned(), relation })
    };
    text.split(',').map(item).collect()
}

/// Whether a permission of the domain is missing afterwards that is there before, and whether one is there that is not,
/// at the scope or below it, whatever a request would say.
fn compare(before: &Bundle, after: &Bundle, domain: &Domain, asked: &Asked<'_>, scope: &str) -> (bool, bool) {
    let (mut lost, mut gained) = (false, false);
    let stepped_up: Vec<(String, Claim)> =
        ["amr", "acr"].map(|name| (name.to_owned(), Claim::Word("mfa".to_owned()))).into();
    let oneself = [asked.person.id.clone()];
    let mut students: Vec<Named<'_>> = vec![Named::Absent, Named::Known(asked.person)];
    students.extend(STUDENTS.iter().filter_map(|id| before.person(id)).map(Named::Known));
    let below = domain.scopes.iter().filter(|at| chain(domain, &at.name).iter().any(|above| above == scope));
    for at in below {
        for name in domain.permission_names() {
            let found = find(domain, &name).expect("a permission");
            for student in &students {
                let holds = |bundle: &Bundle| {
                    let facts = Facts {
                        bundle,
                        person: asked.person,
                        student: *student,
                        target: Named::Absent,
                        assigned: Some(&oneself),
                        claims: &stepped_up,
                        now: asked.now,
                    };
                    may(&facts, domain, found, &at.name).is_ok()
                };
                let (was, will_be) = (holds(before), holds(after));
                lost |= was && !will_be;
                gained |= will_be && !was;
            }
        }
    }
    (lost, gained)
}

impl Changing {
    pub fn text(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        let word = match &self.change {
            Change::Assignment { takes: false, .. } => "give",
            Change::Assignment { takes: true, .. } => "take",
            Change::Permissions { .. } => "permissions",
            Change::Title { .. } => "title",
            Change::Role { .. } => "role",
        };
        parts.push(format!("change: {word}, domain: {}", self.domain));
        let mut whose = |target: &Value, on: &(String, Value)| {
            let id = on.1.text().replace('"', "");
            parts.push(format!("target: {}, on: \"{}/{id}\"", target.text(), on.0));
        };
        match &self.change {
            Change::Assignment { role, target, on, .. } => {
                whose(target, on);
                parts.push(format!("role: {}", role.text()));
            }
            Change::Permissions { target, on, set } => {
                whose(target, on);
                parts.push(match set {
                    Value::Fixed(set) => {
                        let items: Vec<String> = set
                            .split(',')
                            .filter(|item| !item.is_empty())
                            .map(|item| format!("'{item}'"))
                            .collect();
                        format!("permissions: [{}]", items.join(", "))
                    }
                    captured => format!("permissions: {}", captured.text()),
                });
            }
            Change::Title { target, on, category, title } => {
                whose(target, on);
                parts.push(format!("category: {}, title: {}", category.text(), title.text()));
            }
            Change::Role { role } => parts.push(format!("role: {}", role.text())),
        }
        parts.join(", ")
    }

    /// The parameters that it reads.
    pub fn reads(&self) -> Vec<usize> {
        let all: Vec<&Value> = match &self.change {
            Change::Assignment { role, target, on, .. } => vec![role, target, &on.1],
            Change::Permissions { target, on, set } => vec![target, &on.1, set],
            Change::Title { target, on, category, title } => vec![target, &on.1, category, title],
            Change::Role { role } => vec![role],
        };
        all.into_iter().filter_map(Value::reads).collect()
    }

    /// Whether it says who may, and not only what may not be.
    pub fn asks_who(&self) -> bool {
        matches!(self.change, Change::Assignment { .. })
    }
}
