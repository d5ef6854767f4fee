//! The answer to a question, written from the text of the policy model alone: slow, in small steps, each with the
//! section that it comes from. It shares no code with the engine.

use super::facts::{Facts, Named};
use super::model::{
    Access, Answer, Assignment, Bundle, Dates, Documents, Domain, Entry, Listed, Moment, Person, Question,
};
use super::permission::{Decider, find, holdings, may};

/// Why a request is denied.
pub type Denied = &'static str;

/// Section 2, steps 3 to 6.
pub fn evaluate(bundle: &Bundle, q: &Question) -> Answer {
    match judge(bundle, q) {
        Ok(decided_by) => Answer { reason: "granted", decided_by },
        Err(reason) => Answer { reason, decided_by: None },
    }
}

fn judge(bundle: &Bundle, q: &Question) -> Result<Option<Decider>, Denied> {
    // Section 2, step 3; "a subject's `type` must be one of the person's kinds (else `unknown_subject`)".
    let person = bundle.person(&q.subject_id).ok_or("unknown_subject")?;
    if !person.kinds.contains(&q.subject_type) {
        return Err("unknown_subject");
    }
    // Section 2, step 4.
    if is_suspended(bundle, person) {
        return Err("suspended");
    }
    if q.resource_type == "document" {
        return document(bundle, person, q).map(|()| None);
    }
    let facts = Facts::of(bundle, person, q);
    // Section 2: "a permission ... that the bundle does not know is `unknown_name`" comes first.
    let (domain, name) = split(bundle, &q.action).ok_or("unknown_name")?;
    let permission = find(domain, name).ok_or("unknown_name")?;
    // Section 2: "An attribute that a rule needs and that cannot be had": the scope, in this domain's tree.
    let scope = format!("{}/{}", q.resource_type, q.resource_id);
    let known = bundle.domains.iter().any(|domain| domain.has_scope(&scope));
    if !known {
        return Err("scope_unknown");
    }
    // A target that is named and is nobody of the bundle may be blocked or not: the closed reading is a denial.
    if facts.target == Named::Unknown {
        return Err("attribute_missing");
    }
    // Section 2, step 4: "blocked from this student or scope"; "it bounds a target as well".
    if facts.is_blocked(Some(&scope), false) || facts.target_is_blocked(Some(&scope), false) {
        return Err("blocked");
    }
    if !domain.has_scope(&scope) {
        return Err("scope_unknown");
    }
    may(&facts, domain, permission, &scope)
}

/// Section 4: suspended subjects; section 8: `enabledUser: false` suspends.
pub fn is_suspended(bundle: &Bundle, person: &Person) -> bool {
    !person.enabled || bundle.suspended.contains(&person.id)
}

/// Section 1: outside its domain a name is `domain/name`; "A bundle with one domain need not name it".
pub fn split<'b, 'n>(bundle: &'b Bundle, name: &'n str) -> Option<(&'b Domain, &'n str)> {
    match (name.split_once('/'), bundle.domains.as_slice()) {
        (Some((domain, name)), _) => {
            bundle.domains.iter().find(|known| known.name == domain).map(|found| (found, name))
        }
        (None, [only]) => Some((only, name)),
        (None, _) => None,
    }
}

/// Section 1: "a resource's scope and its ancestors in a domain, narrow to broad". Empty where it is not in the tree.
pub fn chain(domain: &Domain, scope: &str) -> Vec<String> {
    let mut chain = Vec::new();
    let mut at = Some(scope.to_owned()).filter(|scope| domain.has_scope(scope));
    while let Some(name) = at {
        at = domain.scopes.iter().find(|scope| scope.name == name).and_then(|scope| scope.parent.clone());
        chain.push(name);
    }
    chain
}

/// Section 3: "active when `from <= now < until`", plain dates from the start of the day and to its end.
pub fn within(bundle: &Bundle, dates: Dates, now: i64) -> bool {
    let begun = dates.from.is_none_or(|from| begin(bundle, from) <= now);
    let ended = dates.until.is_some_and(|until| end(bundle, until) <= now);
    begun && !ended
}

pub fn begin(bundle: &Bundle, from: Moment) -> i64 {
    match from {
        Moment::Day { month, day } => bundle.zone.start_of_day(month, day, 0),
        Moment::Instant(micros) => micros,
    }
}

pub fn end(bundle: &Bundle, until: Moment) -> i64 {
    match until {
        // "in `until` the end of it": the start of the next.
        Moment::Day { month, day } => bundle.zone.start_of_day(month, day, 1),
        Moment::Instant(micros) => micros,
    }
}

/// The default and the max of one person for one form, and whether one covering assignment has a max of owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rights {
    default: Access,
    max: Access,
    owner_covers: bool,
}

impl Rights {
    /// An entry that covers every document.
    fn everywhere(entry: Entry) -> Rights {
        Rights { default: entry.default, max: entry.max, owner_covers: entry.max == Access::Owner }
    }
}

/// What is known of a person's rights.
enum Known {
    /// The rights.
    Exact(Rights),
    /// Where the student is cannot be had: they are at least these.
    AtLeast(Rights),
}

/// Section 5, for one document.
fn document(bundle: &Bundle, person: &Person, q: &Question) -> Result<(), Denied> {
    let action = q.action.as_str();
    let gives = matches!(action, "share" | "transfer");
    if !gives && !matches!(action, "view" | "edit" | "create" | "delete") {
        return Err("unknown_name");
    }
    // Inside a document: unknown name, attribute missing, form deleted, create needs owner, level, grantee's max.
    // A document of the bundle has its own form, student and grants; a request that names a form describes another.
    let listed = bundle.listed.iter().find(|listed| listed.id == q.resource_id && q.form.is_none());
    let (domain, name) = match (&q.form, listed) {
        (Some(name), _) => split(bundle, name).ok_or("unknown_name")?,
        (None, Some(listed)) => (bundle.domain(&listed.domain), listed.form.as_str()),
        (None, None) => return Err("attribute_missing"),
    };
    let documents = domain.documents.as_ref().ok_or("unknown_name")?;
    let form = documents.forms.iter().find(|form| form.name == name).ok_or("unknown_name")?;

    // A target that is named and is nobody of the bundle. The text leaves open what it means for an action that needs no
    // target; the closed reading is a denial (section 4 bounds "a target as well, in every request that names one").
    let target = q.target.as_ref().map(|id| bundle.person(id).ok_or("attribute_missing")).transpose()?;
    let student = q.student.as_ref().or(listed.map(|listed| &listed.student));
    let facts = Facts { student: Named::of(bundle, student), ..Facts::of(bundle, person, q) };
    // A document of the bundle is about its own student: of two answers neither is taken.
    if listed.is_some_and(|listed| q.student.as_ref().is_some_and(|student| *student != listed.student)) {
        return Err("attribute_missing");
    }
    // Section 2, step 4. In giving, a blocked target is bounded by a max of `none`.
    if facts.is_blocked(None, true) || (!gives && facts.target_is_blocked(None, true)) {
        return Err("blocked");
    }
    let buildings = buildings(bundle, domain, documents, q, listed);
    let at_buildings = Where { bundle, domain, documents, buildings: &buildings, now: q.now };
    // Section 3: without a mandatory role the person "is denied everything in the domain". The text does not place
    // `no_account_role` among the reasons inside a document: here it comes with who asks, before what is asked.
    at_buildings.mandatory(person)?;
    let target = match (gives, target) {
        (true, None) => return Err("attribute_missing"),
        (_, target) => target,
    };
    // A transfer gives all there is.
    let giving = match (action, q.access) {
        ("share", None) => return Err("attribute_missing"),
        ("share", Some(access)) => access,
        _ => Access::Owner,
    };

    // Section 5: "E: what the document's own grants give; its creator has `owner`"; section 2: "absent explicit grants
    // are `none`".
    let own = listed.map_or(Access::None, |listed| own_grants(listed, &person.id));
    let explicit = q.explicit.unwrap_or(own);
    let effective = |rights: Rights| rights.max.min(rights.default.max(explicit));
    let known = at_buildings.rights(person, &form.name);
    let (rights, exact) = match known {
        Known::Exact(rights) => (rights, true),
        Known::AtLeast(rights) => (rights, false),
    };
    // What fails with less than is known fails for want of the attribute.
    let or_missing = |reason: Denied| match (&buildings, exact) {
        (Err(missing), false) => *missing,
        _ => reason,
    };

    match action {
        "create" => {
            let inside = documents.create_outside || rights.owner_covers;
            if rights.max < Access::Owner || !inside {
                // "A deleted form: nothing can be created"; what is wrong with the form is told first.
                return Err(or_missing(if form.deleted { "form_deleted" } else { "create_needs_owner" }));
            }
            return if form.deleted { Err("form_deleted") } else { Ok(()) };
        }
        "view" | "edit" | "delete" => {
            let needed = match action {
                "view" => Access::View,
                "edit" => Access::Edit,
                _ => Access::Owner,
            };
            return if effective(rights) >= needed {
                Ok(())
            } else {
                Err(or_missing("level_below_required"))
            };
        }
        _ => {}
    }
    // "`share` and `transfer` may instead rest on the permission `documents.administer` on the student's building (on
    // each, if there are several)". A student in no building has none on which it could be held.
    if effective(rights) < Access::Owner {
        let Some(administer) = find(domain, "documents.administer") else {
            return Err(or_missing("level_below_required"));
        };
        let on = buildings.as_ref().map_err(|missing| *missing)?;
        let holds = |building: &String| may(&facts, domain, administer, building).is_ok();
        if on.is_empty() || !on.iter().all(holds) {
            return Err("level_below_required");
        }
    }
    // "Giving access is checked for both".
    let target = target.expect("share and transfer have a target");
    // "T's M is ... `none` when T is suspended, blocked or without a mandatory account role."
    let (max, exact) = if is_suspended(bundle, target) || facts.target_is_blocked(None, true) {
        (Access::None, true)
    } else {
        match at_buildings.mandatory(target) {
            Err("no_account_role") => (Access::None, true),
            Err(missing) => return Err(missing),
            Ok(()) => match at_buildings.rights(target, &form.name) {
                Known::Exact(rights) => (rights.max, true),
                Known::AtLeast(rights) => (rights.max, false),
            },
        }
    };
    // T's max is a bound, not a grant: it must be known, also where the least that it can be would do.
    let within = giving <= max && (exact || max == Access::Owner);
    match (within, &buildings) {
        (true, _) => Ok(()),
        (false, Err(missing)) if !exact => Err(missing),
        (false, _) => Err("grantee_max"),
    }
}

/// `max(form)` of a target (section 7): T's M of section 5, "and `none` when T is suspended, blocked or without a mandatory
/// account role", for a document about the student that is named. `None` where that cannot be told.
pub fn max_of(facts: &Facts<'_>, domain: &Domain, form: &str, target: &Person) -> Option<Access> {
    let documents = domain.documents.as_ref().expect("documents");
    // For the documents of a student: where none is known nothing is told, also of those for whom it would be the same
    // everywhere. The text leaves that open; it is the closed reading under `not`, too.
    let Named::Known(student) = facts.student else { return None };
    let buildings = student_buildings(domain, documents, student);
    let buildings = if buildings.is_empty() { Err("attribute_missing") } else { Ok(buildings) };
    if is_suspended(facts.bundle, target) || facts.target_is_blocked(None, true) {
        return Some(Access::None);
    }
    let at = Where { bundle: facts.bundle, domain, documents, buildings: &buildings, now: facts.now };
    match at.mandatory(target) {
        Err("no_account_role") => return Some(Access::None),
        Err(_) => return None,
        Ok(()) => {}
    }
    match at.rights(target, form) {
        Known::Exact(rights) => Some(rights.max),
        // The top of the ladder cannot be more.
        Known::AtLeast(rights) => Some(rights.max).filter(|max| *max == Access::Owner),
    }
}

/// The buildings of a domain that a student is in.
fn student_buildings(domain: &Domain, documents: &Documents, person: &Person) -> Vec<String> {
    let mut here = person.buildings.clone();
    here.retain(|name| domain.has_scope(name) && domain.level_of(name) == documents.building_level);
    if person.kinds.iter().any(|kind| kind == "student") { here } else { Vec::new() }
}

/// Section 5, E: the highest of what a document's own grants give a person.
fn own_grants(listed: &Listed, person: &String) -> Access {
    if listed.created_by.as_ref() == Some(person) || listed.owners.contains(person) {
        Access::Owner
    } else if listed.editors.contains(person) {
        Access::Edit
    } else if listed.viewers.contains(person) {
        Access::View
    } else {
        Access::None
    }
}

/// Section 5: "The document's student is in buildings Bs." As the request states them, else as the roster has them.
fn buildings(
    bundle: &Bundle,
    domain: &Domain,
    documents: &Documents,
    q: &Question,
    listed: Option<&Listed>,
) -> Result<Vec<String>, Denied> {
    // Section 1: "a student is in one or more" buildings: who is in none, or is no student, has none that can be had.
    // "A forms domain names the level whose scopes are the buildings": a student may be in those of other domains, too.
    let student = q.student.as_ref().or(listed.map(|listed| &listed.student));
    let known = student.and_then(|student| bundle.person(student));
    let known = known.map(|person| student_buildings(domain, documents, person));
    let Some(stated) = &q.buildings else {
        return known.filter(|known| !known.is_empty()).ok_or("attribute_missing");
    };
    let mut found = Vec::new();
    for name in stated {
        let full =
            if name.contains('/') { name.clone() } else { format!("{}/{name}", documents.building_level) };
        let is_building = domain.has_scope(&full) && domain.level_of(&full) == documents.building_level;
        found.push(if is_building { full } else { return Err("scope_unknown") });
    }
    // Section 2: "Never a default": of two answers that disagree neither is taken.
    let agree = known.is_none_or(|known| {
        known.iter().all(|name| found.contains(name)) && found.iter().all(|name| known.contains(name))
    });
    if found.is_empty() || !agree { Err("attribute_missing") } else { Ok(found) }
}

/// One form domain, at the buildings of one student, at one time.
struct Where<'a> {
    bundle: &'a Bundle,
    domain: &'a Domain,
    documents: &'a Documents,
    buildings: &'a Result<Vec<String>, Denied>,
    now: i64,
}

impl Where<'_> {
    /// Section 3, `mandatory`, on the chain of each building of the student.
    fn mandatory(&self, person: &Person) -> Result<(), Denied> {
        let Some(mandatory) = &self.domain.mandatory else { return Ok(()) };
        let of_kind = person.kinds.iter().any(|kind| mandatory.kinds.contains(kind));
        if !of_kind {
            return Ok(());
        }
        let buildings = self.buildings.as_ref().map_err(|missing| *missing)?;
        // No building, no chain on which the role could be held.
        if buildings.is_empty() {
            return Err("no_account_role");
        }
        for building in buildings {
            holdings(self.bundle, self.domain, person, &chain(self.domain, building), self.now)?;
        }
        Ok(())
    }

    /// Section 5: D and M.
    fn rights(&self, person: &Person, form: &str) -> Known {
        let is_staff = person.kinds.iter().any(|kind| kind == "staff");
        // "form-bearing ones of roles not deleted"
        let all: Vec<&Assignment> = self
            .bundle
            .assignments
            .iter()
            .filter(|a| a.subject == person.id && a.domain == self.domain.name)
            .filter(|a| !self.domain.role(&a.role).deleted && self.domain.bears_forms(&a.role))
            .collect();
        let for_staff = |entry: Entry| if is_staff { entry } else { Entry::NOTHING };
        if all.is_empty() {
            return Known::Exact(Rights::everywhere(for_staff(self.documents.when_unassigned)));
        }
        // "an assignment outside its dates, or suspended, still counts in the rules above, with `none|none`"
        let lives = |a: &Assignment| {
            !a.suspended && !self.domain.is_archived(&a.scope) && within(self.bundle, a.dates, self.now)
        };
        // "whether one names a building is asked of the data, not of the day"
        if all.iter().all(|a| a.buildings.is_empty()) {
            // "one all of whose assignments are so has `none|none`, also where none of them names a building"
            if !all.iter().any(|a| lives(a)) {
                return Known::Exact(Rights::everywhere(Entry::NOTHING));
            }
            return Known::Exact(Rights::everywhere(for_staff(self.documents.when_no_buildings)));
        }
        let mut everywhere: Vec<Entry> = Vec::new();
        let mut somewhere: Vec<(&Assignment, Entry)> = Vec::new();
        for a in all {
            let entry = |entry: Entry| if lives(a) { entry } else { Entry::NOTHING };
            if !a.buildings.is_empty() {
                somewhere.push((a, entry(self.entry(&a.role, form))));
            } else if self.documents.baseline {
                everywhere.push(entry(for_staff(self.documents.when_no_buildings)));
            }
            // Else `inactive`: left out.
        }
        let highest = |entries: &[Entry]| Rights {
            default: entries.iter().map(|entry| entry.default).max().unwrap_or(Access::None),
            max: entries.iter().map(|entry| entry.max).max().unwrap_or(Access::None),
            owner_covers: entries.iter().any(|entry| entry.max == Access::Owner),
        };
        let Ok(buildings) = self.buildings else { return Known::AtLeast(highest(&everywhere)) };
        let mut covering = everywhere.clone();
        for (a, entry) in &somewhere {
            if a.buildings.iter().any(|building| buildings.contains(building)) {
                covering.push(*entry);
            }
        }
        let mut rights = highest(&covering);
        if covering.is_empty() && self.documents.explicit_grants_outside {
            let entries: Vec<Entry> = somewhere.iter().map(|(_, entry)| *entry).collect();
            rights.max = highest(&entries).max;
        }
        Known::Exact(rights)
    }

    /// Section 5: "its own name, else its groups (the highest default and highest max of them), else `*`, else
    /// `none|none`"; section 4: "Forms come through includes form by form, the highest default and the highest max."
    fn entry(&self, role: &str, form: &str) -> Entry {
        let form = self.documents.forms.iter().find(|known| known.name == form).expect("a form");
        let mut highest = Entry::NOTHING;
        for role in self.domain.with_included(role) {
            let Some(forms) = &role.forms else { continue };
            let named = |name: &str| forms.iter().find(|(known, _)| known == name).map(|(_, entry)| *entry);
            let mut of_groups: Option<Entry> = None;
            for group in &form.groups {
                if let Some(entry) = named(&format!("group:{group}")) {
                    let sofar = of_groups.unwrap_or(Entry::NOTHING);
                    of_groups = Some(Entry {
                        default: sofar.default.max(entry.default),
                        max: sofar.max.max(entry.max),
                    });
                }
            }
            let entry = named(&form.name).or(of_groups).or_else(|| named("*")).unwrap_or(Entry::NOTHING);
            highest = Entry { default: highest.default.max(entry.default), max: highest.max.max(entry.max) };
        }
        highest
    }
}
