//! Random small bundles that load, dense where rules meet.

use super::ask;
use super::evaluate::{begin, chain, end};
use super::model::{
    Access, Assignment, Block, Blocked, Bundle, Dates, Documents, Domain, Enrolment, Entry, Form, Grant,
    Guardian, HOUR, Item, Listed, Mandatory, Module, Moment, Permission, Person, Plan, Relation, Role, Scope,
    Zone, utc_midnight,
};
use super::permission::is_optional;
use super::random::Random;

const ROLE_NAMES: [&str; 6] = ["ant", "bee", "cat", "dog", "elk", "fox"];
const FORM_NAMES: [&str; 3] = ["iep", "plan", "log"];
const GROUPS: [&str; 2] = ["special", "medical"];
pub const SUBJECTS: [&str; 4] = ["ari", "ben", "cleo", "dan"];
pub const DOCUMENTS: [&str; 3] = ["d-1", "d-2", "d-3"];
pub const STUDENTS: [&str; 4] = ["s1", "s2", "s3", "s4"];

/// The days around which assignments begin and end: both changes of the clocks in two of the zones lie in them.
const SEASONS: [[(u32, u32); 5]; 3] = [
    [(3, 27), (3, 28), (3, 29), (3, 30), (3, 31)],
    [(10, 23), (10, 24), (10, 25), (10, 26), (10, 31)],
    [(2, 27), (2, 28), (3, 1), (3, 7), (3, 8)],
];

pub fn bundle(r: &mut Random) -> Bundle {
    let mut domains = match r.below(10) {
        0..3 => vec![domain(r, "d", &["account", "programme", "grade", "class"], false)],
        3..6 => vec![domain(r, "f", &["district", "school", "class"], true)],
        6..9 => vec![
            domain(r, "d", &["account", "programme", "class"], false),
            domain(r, "f", &["district", "school", "class"], true),
        ],
        _ => vec![
            domain(r, "d", &["account", "school", "class"], true),
            domain(r, "f", &["district", "school", "class"], true),
        ],
    };
    if r.chance(30) {
        domains.reverse();
    }
    let buildings = all_buildings(&domains);
    let mut bundle = Bundle {
        zone: *r.pick(&Zone::ALL),
        people: people(r, &buildings),
        domains,
        assignments: Vec::new(),
        suspended: Vec::new(),
        listed: Vec::new(),
        enrolments: Vec::new(),
        guardians: Vec::new(),
        blocks: Vec::new(),
        routes: Vec::new(),
    };
    let season = *r.pick(&SEASONS);
    let count = if r.chance(5) { 0 } else { r.between(1, 15) };
    for _ in 0..count {
        let made = assignment(r, &bundle, &season);
        bundle.assignments.extend(made);
    }
    drop_clashes(&mut bundle);
    if r.chance(12) {
        bundle.suspended.push((*r.pick(&SUBJECTS)).to_owned());
    }
    listed(r, &mut bundle);
    relations(r, &mut bundle, &season);
    let routes = if r.chance(50) { r.between(1, 3) } else { 0 };
    for number in 0..routes {
        let made = ask::route(r, &bundle, number);
        bundle.routes.extend(made);
    }
    bundle
}

/// Who teaches and learns where, who is responsible for whom, and who is kept away.
fn relations(r: &mut Random, bundle: &mut Bundle, season: &[(u32, u32); 5]) {
    let mut scopes: Vec<String> =
        bundle.domains.iter().flat_map(|domain| &domain.scopes).map(|scope| scope.name.clone()).collect();
    scopes.sort();
    scopes.dedup();
    for _ in 0..r.below(8) {
        let teaches = r.chance(60);
        let of = if teaches == r.chance(95) { &SUBJECTS } else { &STUDENTS };
        bundle.enrolments.push(Enrolment {
            person: (*r.pick(of)).to_owned(),
            scope: r.pick(&scopes).clone(),
            teaches,
            dates: dates(r, bundle, season),
        });
    }
    for _ in 0..r.below(5) {
        bundle.guardians.push(Guardian {
            guardian: somebody(r),
            student: (*r.pick(&STUDENTS)).to_owned(),
            dates: dates(r, bundle, season),
        });
    }
    let blocks = if r.chance(35) { r.between(1, 3) } else { 0 };
    for _ in 0..blocks {
        bundle.blocks.push(Block {
            subject: somebody(r),
            from_what: if r.chance(50) {
                Blocked::Student((*r.pick(&STUDENTS)).to_owned())
            } else {
                // Narrow scopes more often, so that something stays.
                Blocked::Scope(scopes[r.below(scopes.len()).max(r.below(scopes.len()))].clone())
            },
            dates: dates(r, bundle, season),
        });
    }
}

/// One of those who ask, the first more often.
fn somebody(r: &mut Random) -> String {
    if r.chance(50) { SUBJECTS[0] } else { *r.pick(&SUBJECTS) }.to_owned()
}

fn dates(r: &mut Random, bundle: &Bundle, season: &[(u32, u32); 5]) -> Dates {
    let mut made = Dates {
        from: if r.chance(25) { Some(moment(r, season)) } else { None },
        until: if r.chance(35) { Some(moment(r, season)) } else { None },
    };
    if let (Some(from), Some(until)) = (made.from, made.until)
        && begin(bundle, from) >= end(bundle, until)
    {
        made.from = None;
    }
    made
}

/// A few documents with grants of their own, one person in several lists at times.
fn listed(r: &mut Random, bundle: &mut Bundle) {
    let domains = bundle.domains.iter().filter_map(|domain| Some((domain, domain.documents.as_ref()?)));
    let forms: Vec<(String, String)> = domains
        .flat_map(|(domain, documents)| {
            documents.forms.iter().map(|form| (domain.name.clone(), form.name.clone()))
        })
        .collect();
    for id in &DOCUMENTS[..r.below(DOCUMENTS.len() + 1)] {
        let Some((domain, form)) = r.maybe_pick(&forms).cloned() else { return };
        let people = |r: &mut Random| -> Vec<String> {
            let count = r.below(3);
            r.some(&SUBJECTS, count).into_iter().map(str::to_owned).collect()
        };
        bundle.listed.push(Listed {
            id: (*id).to_owned(),
            domain,
            form,
            student: (*r.pick(&STUDENTS)).to_owned(),
            created_by: if r.chance(50) { Some((*r.pick(&SUBJECTS)).to_owned()) } else { None },
            viewers: people(r),
            editors: people(r),
            owners: people(r),
        });
    }
}

fn entry(r: &mut Random) -> Entry {
    let max = (*r.pick(&Access::ALL)).max(*r.pick(&Access::ALL));
    let below: Vec<Access> = Access::ALL.into_iter().filter(|access| *access <= max).collect();
    Entry { default: *r.pick(&below), max }
}

/// Every building of every domain with forms.
fn all_buildings(domains: &[Domain]) -> Vec<String> {
    let mut all = Vec::new();
    for domain in domains {
        all.extend(buildings_of(domain));
    }
    all.sort();
    all.dedup();
    all
}

pub fn buildings_of(domain: &Domain) -> Vec<String> {
    let Some(documents) = &domain.documents else { return Vec::new() };
    let at_level = |scope: &&Scope| domain.level_of(&scope.name) == documents.building_level;
    domain.scopes.iter().filter(at_level).map(|scope| scope.name.clone()).collect()
}

fn domain(r: &mut Random, name: &str, levels: &[&str], with_documents: bool) -> Domain {
    let mut levels: Vec<String> = levels.iter().map(|level| (*level).to_owned()).collect();
    while levels.len() > 1 && r.chance(20) {
        levels.remove(r.below(levels.len()));
    }
    let mut domain = Domain {
        name: name.to_owned(),
        union: r.chance(50),
        scopes: scopes(r, &levels),
        levels,
        same_scope_is_an_error: r.chance(25),
        mandatory: None,
        modules: Vec::new(),
        roles: Vec::new(),
        documents: None,
        base: Vec::new(),
        modules_off: Vec::new(),
        archived: Vec::new(),
        add_to_oneself_denied: r.chance(25),
        titles: Vec::new(),
        plans: Vec::new(),
    };
    if with_documents {
        domain.documents = Some(documents(r, &domain));
    }
    modules(r, &mut domain);
    everyone(r, &mut domain);
    roles(r, &mut domain);
    if r.chance(28) {
        domain.mandatory = Some(mandatory(r, &domain));
    }
    domain
}

/// What holds for everyone at a scope: base, modules that are off, plans.
fn everyone(r: &mut Random, domain: &mut Domain) {
    let names = domain.permission_names();
    if r.chance(30) {
        let count = r.between(1, 2);
        domain.base = r.some(&names, count);
    }
    if r.chance(8) {
        let modules: Vec<String> = domain.modules.iter().map(|module| module.name.clone()).collect();
        let roots: Vec<&Scope> = domain.scopes.iter().filter(|scope| scope.parent.is_none()).collect();
        let root = r.pick(&roots).name.clone();
        let count = r.between(1, 2);
        domain.modules_off.push((root, r.some(&modules, count)));
    }
    if r.chance(40) {
        domain.titles.push(("support".to_owned(), vec!["it".to_owned(), "office".to_owned()]));
    }
    if r.chance(18) {
        // Narrow ones more often: below a broad one nothing is left.
        let scopes = &domain.scopes;
        let at = r.below(scopes.len()).max(r.below(scopes.len()));
        domain.archived.push(scopes[at].name.clone());
    }
    if r.chance(20) {
        let count = r.between(1, 2);
        let schools = r.some(&domain.scopes, count);
        for school in schools {
            let count = r.between(0, names.len());
            let plan = Plan { exactly: r.chance(50), permissions: r.some(&names, count) };
            domain.plans.push((school.name, plan));
        }
    }
}

/// One or two scopes of each level; parents may skip levels, and there may be several roots.
fn scopes(r: &mut Random, levels: &[String]) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = Vec::new();
    for (rank, level) in levels.iter().enumerate() {
        let above: Vec<Scope> = scopes.clone();
        let count = if rank == 0 { r.between(1, 2) } else { r.between(1, 3) };
        for number in 0..count {
            // The level next above most of the time.
            let near: Vec<&Scope> = above
                .iter()
                .filter(|scope| rank > 0 && scope.name.starts_with(&format!("{}/", levels[rank - 1])))
                .collect();
            let parent = match r.below(10) {
                0 => None,
                1 | 2 => r.maybe_pick(&above).map(|scope| scope.name.clone()),
                _ => r.maybe_pick(&near).map(|scope| scope.name.clone()),
            };
            scopes.push(Scope { name: format!("{level}/{}", ["x", "y", "z"][number]), parent });
        }
    }
    scopes
}

fn documents(r: &mut Random, domain: &Domain) -> Documents {
    let form_names = &FORM_NAMES[..r.between(1, 3)];
    let forms = form_names.iter().map(|name| {
        let count = r.between(0, 2);
        let groups = r.some(&GROUPS, count).into_iter().map(str::to_owned).collect();
        Form { name: (*name).to_owned(), groups, deleted: r.chance(15) }
    });
    let forms = forms.collect();
    let fallback = |r: &mut Random| match r.below(3) {
        0 => Entry::NOTHING,
        1 => Entry { default: Access::None, max: Access::Owner },
        _ => entry(r),
    };
    Documents {
        building_level: r.pick(&domain.levels).clone(),
        forms,
        when_unassigned: fallback(r),
        when_no_buildings: fallback(r),
        explicit_grants_outside: r.chance(50),
        create_outside: r.chance(40),
        baseline: r.chance(40),
    }
}

fn modules(r: &mut Random, domain: &mut Domain) {
    let mut names: Vec<&str> = ["marks", "news", "mark"][..r.between(1, 3)].to_vec();
    if domain.documents.is_some() && r.chance(75) {
        names.push("documents");
    }
    // Every permission so far with the rank of its level: what is required is written before, so nothing is a cycle.
    let mut known: Vec<(String, usize)> = Vec::new();
    for name in names {
        let rank = r.below(domain.levels.len());
        let broader = |r: &mut Random| domain.levels[r.below(rank + 1)].clone();
        let mut module = Module {
            name: name.to_owned(),
            level: domain.levels[rank].clone(),
            gate_at: if r.chance(35) { Some(broader(r)) } else { None },
            permissions: Vec::new(),
        };
        let count = r.between(1, 3);
        let mut short: Vec<&str> = ["view", "edit", "s"][..count].to_vec();
        if name == "documents" {
            short[0] = "administer";
        }
        r.shuffle(&mut short);
        for name in short {
            let may: Vec<String> =
                known.iter().filter(|(_, other)| *other <= rank).map(|(full, _)| full.clone()).collect();
            let required = if r.chance(35) { r.between(1, 2) } else { 0 };
            let power = r.chance(20);
            let step_up = power && r.chance(50);
            let claim = |r: &mut Random| (*r.pick(&["amr", "acr"])).to_owned();
            let permission = Permission {
                name: name.to_owned(),
                requires: r.some(&may, required),
                power,
                step_up: if step_up { Some((claim(r), "mfa".to_owned())) } else { None },
                only_at: if r.chance(20) { Some(broader(r)) } else { None },
            };
            known.push((format!("{}.{name}", module.name), rank));
            module.permissions.push(permission);
        }
        domain.modules.push(module);
    }
    r.shuffle(&mut domain.modules);
}

fn roles(r: &mut Random, domain: &mut Domain) {
    let count = r.between(1, 6);
    let names = r.some(&ROLE_NAMES, count);
    for name in names {
        let rank = r.below(domain.levels.len());
        let level = domain.levels[rank].clone();
        // Includes name roles that are written before, so nothing is a cycle; deleted ones may not be included.
        let may: Vec<String> = domain
            .roles
            .iter()
            .filter(|other| !other.deleted && domain.rank(&other.level) >= rank)
            .map(|other| other.name.clone())
            .collect();
        let included = if r.chance(40) { r.between(1, 2) } else { 0 };
        let (mut grants, mut optional) = (Vec::new(), Vec::new());
        for module in &domain.modules {
            if domain.rank(&module.level) < rank {
                if r.chance(10) {
                    grants.push((module.name.clone(), Grant::Off));
                }
                continue;
            }
            if let Some(grant) = grant(r, module, &level) {
                grants.push((module.name.clone(), grant));
            }
            if r.chance(15)
                && let Some(grant) = grant(r, module, &level)
            {
                optional.push((module.name.clone(), grant));
            }
        }
        let forms = domain.documents.as_ref().filter(|_| r.chance(75)).map(|docs| form_entries(r, docs));
        domain.roles.push(Role {
            name: name.to_owned(),
            level,
            deleted: r.chance(12),
            never_overridden: r.chance(22),
            grants,
            optional,
            includes: r.some(&may, included),
            assignable_by: Vec::new(),
            locked: r.chance(12),
            forms,
        });
    }
    r.shuffle(&mut domain.roles);
    let names: Vec<String> = domain.roles.iter().map(|role| role.name.clone()).collect();
    for role in &mut domain.roles {
        let count = r.below(4);
        role.assignable_by = r.some(&names, count);
    }
}

fn grant(r: &mut Random, module: &Module, level: &str) -> Option<Grant> {
    let may_list: Vec<&Permission> = module
        .permissions
        .iter()
        .filter(|permission| permission.only_at.as_ref().is_none_or(|only| only == level))
        .collect();
    let listed = |r: &mut Random| -> Vec<Item> {
        let count = r.between(0, 3);
        let some = r.some(&may_list, count);
        some.into_iter().map(|permission| item(r, &permission.name)).collect()
    };
    match r.below(12) {
        0..2 => None,
        2 => Some(Grant::Off),
        3 => Some(Grant::List(Vec::new())),
        4..7 => Some(Grant::List(listed(r))),
        7..9 => Some(Grant::List(vec![item(r, "all")])),
        9..11 => Some(Grant::List(vec![item(r, "all_and_power")])),
        _ => {
            let mut items = vec![item(r, "all")];
            items.extend(listed(r));
            Some(Grant::List(items))
        }
    }
}

/// A word, at times narrowed by a relation.
fn item(r: &mut Random, word: &str) -> Item {
    let relation = if r.chance(25) { Some(*r.pick(&Relation::ALL)) } else { None };
    Item { word: word.to_owned(), relation }
}

fn form_entries(r: &mut Random, documents: &Documents) -> Vec<(String, Entry)> {
    let mut keys: Vec<String> = documents.forms.iter().map(|form| form.name.clone()).collect();
    for group in GROUPS {
        if documents.forms.iter().any(|form| form.groups.iter().any(|name| name == group)) {
            keys.push(format!("group:{group}"));
        }
    }
    keys.push("*".to_owned());
    let count = r.between(0, keys.len().min(4));
    let keys = r.some(&keys, count);
    keys.into_iter().map(|key| (key, entry(r))).collect()
}

fn mandatory(r: &mut Random, domain: &Domain) -> Mandatory {
    let kinds = match r.below(4) {
        0 => vec!["staff".to_owned(), "guardian".to_owned()],
        1 => vec!["guardian".to_owned()],
        _ => vec!["staff".to_owned()],
    };
    let level = domain.levels[if r.chance(60) { 0 } else { r.below(domain.levels.len()) }].clone();
    // A default role may hold no power permission, also none that it includes or that comes with `all_and_power`.
    let fits = |role: &&Role| {
        role.level == level
            && !role.deleted
            && !domain.with_included(&role.name).iter().any(|role| powerful(domain, role))
    };
    let may: Vec<&Role> = domain.roles.iter().filter(fits).collect();
    let default_role = if r.chance(65) { r.maybe_pick(&may).map(|role| role.name.clone()) } else { None };
    Mandatory { level, kinds, default_role }
}

fn powerful(domain: &Domain, role: &Role) -> bool {
    role.grants.iter().chain(&role.optional).any(|(module, grant)| {
        let module = domain.modules.iter().find(|known| known.name == *module).expect("a module");
        let Grant::List(items) = grant else { return false };
        let mut powers = module.permissions.iter().filter(|permission| permission.power);
        powers.any(|power| items.iter().any(|item| item.word == "all_and_power" || item.word == power.name))
    })
}

fn people(r: &mut Random, buildings: &[String]) -> Vec<Person> {
    let mut people = Vec::new();
    for id in SUBJECTS {
        let kinds: &[&str] = match r.below(10) {
            0 => &["guardian"],
            1 => &["staff", "guardian"],
            2 => &["student"],
            _ => &["staff"],
        };
        people.push(Person {
            id: id.to_owned(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            buildings: Vec::new(),
            enabled: !r.chance(4),
        });
    }
    for id in STUDENTS {
        let count = *r.pick(&[0, 1, 1, 1, 2, 2, 3]);
        people.push(Person {
            id: id.to_owned(),
            kinds: vec!["student".to_owned()],
            buildings: r.some(buildings, count),
            enabled: true,
        });
    }
    r.shuffle(&mut people);
    people
}

fn moment(r: &mut Random, season: &[(u32, u32); 5]) -> Moment {
    let (month, day) = *r.pick(season);
    if r.chance(65) {
        Moment::Day { month, day }
    } else {
        Moment::Instant(utc_midnight(month, day) + r.between(0, 47) as i64 * HOUR / 2)
    }
}

fn assignment(r: &mut Random, bundle: &Bundle, season: &[(u32, u32); 5]) -> Option<Assignment> {
    let domain = r.pick(&bundle.domains);
    let role = r.maybe_pick(&domain.roles)?;
    let at_level: Vec<&Scope> =
        domain.scopes.iter().filter(|scope| domain.level_of(&scope.name) == role.level).collect();
    // The first scopes more often, so that roles meet.
    let scope = if r.chance(60) { *at_level.first()? } else { *r.maybe_pick(&at_level)? };
    let mut buildings = Vec::new();
    if domain.bears_forms(&role.name) && r.chance(70) {
        let count = r.between(1, 2);
        buildings = r.some(&buildings_of(domain), count);
    }
    let mut options = Vec::new();
    let mut permissions = None;
    if !role.deleted {
        let on: Vec<String> = domain
            .permission_names()
            .into_iter()
            .filter(|name| r.chance(60) && is_optional(domain, &role.name, name))
            .collect();
        options = on;
        if r.chance(18) {
            permissions = Some(custom_set(r, domain, role, &scope.name));
        }
    }
    Some(Assignment {
        subject: if r.chance(60) { SUBJECTS[0] } else { *r.pick(&SUBJECTS) }.to_owned(),
        domain: domain.name.clone(),
        role: role.name.clone(),
        scope: scope.name.clone(),
        buildings,
        dates: dates(r, bundle, season),
        suspended: r.chance(18),
        options,
        permissions,
    })
}

/// A custom set that loads: of the role's level or narrower, what its level may decide, and within the plans of choice.
fn custom_set(r: &mut Random, domain: &Domain, role: &Role, scope: &str) -> Vec<Item> {
    let chain = chain(domain, scope);
    let mut may = Vec::new();
    for module in &domain.modules {
        if domain.rank(&module.level) < domain.rank(&role.level) {
            continue;
        }
        for permission in &module.permissions {
            let name = format!("{}.{}", module.name, permission.name);
            let in_plans = domain.plans.iter().all(|(school, plan)| {
                plan.exactly || !chain.contains(school) || plan.permissions.contains(&name)
            });
            if in_plans && permission.only_at.as_ref().is_none_or(|only| *only == role.level) {
                may.push(name);
            }
        }
    }
    let count = r.between(0, 4);
    let some = r.some(&may, count);
    some.iter().map(|name| item(r, name)).collect()
}

/// `same_scope: error`: of roles of one person at one scope whose dates overlap, the first stays.
fn drop_clashes(bundle: &mut Bundle) {
    let mut kept: Vec<Assignment> = Vec::new();
    for a in std::mem::take(&mut bundle.assignments) {
        let domain = bundle.domain(&a.domain);
        let clashes = |other: &Assignment| {
            let starts = |a: &Assignment| a.dates.from.map_or(i64::MIN, |from| begin(bundle, from));
            let ends = |a: &Assignment| a.dates.until.map_or(i64::MAX, |until| end(bundle, until));
            domain.same_scope_is_an_error
                && (&a.subject, &a.domain, &a.scope) == (&other.subject, &other.domain, &other.scope)
                && !domain.role(&a.role).deleted
                && !domain.role(&other.role).deleted
                && starts(&a) < ends(other)
                && starts(other) < ends(&a)
        };
        if !kept.iter().any(clashes) {
            kept.push(a);
        }
    }
    bundle.assignments = kept;
}
