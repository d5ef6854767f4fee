//! Random small bundles that load, and random questions to them, dense where rules meet.

use super::evaluate::{begin, chain, end};
use super::model::{
    Access, Assignment, Bundle, Documents, Domain, Entry, Form, Grant, HOUR, Listed, Mandatory, Module,
    Moment, Permission, Person, Question, Role, SECOND, Scope, Zone, utc_midnight,
};
use super::random::Random;

const ROLE_NAMES: [&str; 6] = ["ant", "bee", "cat", "dog", "elk", "fox"];
const FORM_NAMES: [&str; 3] = ["iep", "plan", "log"];
const GROUPS: [&str; 2] = ["special", "medical"];
const SUBJECTS: [&str; 4] = ["ari", "ben", "cleo", "dan"];
const DOCUMENTS: [&str; 3] = ["d-1", "d-2", "d-3"];
const STUDENTS: [&str; 4] = ["s1", "s2", "s3", "s4"];

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
    bundle
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

fn buildings_of(domain: &Domain) -> Vec<String> {
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
    };
    if with_documents {
        domain.documents = Some(documents(r, &domain));
    }
    modules(r, &mut domain);
    roles(r, &mut domain);
    if r.chance(22) {
        domain.mandatory = Some(mandatory(r, &domain));
    }
    domain
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
            let permission = Permission {
                name: name.to_owned(),
                requires: r.some(&may, required),
                power: r.chance(20),
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
        let mut grants = Vec::new();
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
        }
        let forms = domain.documents.as_ref().filter(|_| r.chance(75)).map(|docs| form_entries(r, docs));
        domain.roles.push(Role {
            name: name.to_owned(),
            level,
            deleted: r.chance(12),
            grants,
            includes: r.some(&may, included),
            forms,
        });
    }
    r.shuffle(&mut domain.roles);
}

fn grant(r: &mut Random, module: &Module, level: &str) -> Option<Grant> {
    let may_list: Vec<&Permission> = module
        .permissions
        .iter()
        .filter(|permission| permission.only_at.as_ref().is_none_or(|only| only == level))
        .collect();
    let listed = |r: &mut Random| -> Vec<String> {
        let count = r.between(0, 3);
        r.some(&may_list, count).into_iter().map(|permission| permission.name.clone()).collect()
    };
    match r.below(12) {
        0..2 => None,
        2 => Some(Grant::Off),
        3 => Some(Grant::List(Vec::new())),
        4..7 => Some(Grant::List(listed(r))),
        7..9 => Some(Grant::List(vec!["all".to_owned()])),
        9..11 => Some(Grant::List(vec!["all_and_power".to_owned()])),
        _ => {
            let mut words = vec!["all".to_owned()];
            words.extend(listed(r));
            Some(Grant::List(words))
        }
    }
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
    role.grants.iter().any(|(module, grant)| {
        let module = domain.modules.iter().find(|known| known.name == *module).expect("a module");
        let Grant::List(words) = grant else { return false };
        module.permissions.iter().any(|permission| {
            permission.power && words.iter().any(|word| word == "all_and_power" || *word == permission.name)
        })
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
    let mut made = Assignment {
        subject: if r.chance(60) { SUBJECTS[0] } else { *r.pick(&SUBJECTS) }.to_owned(),
        domain: domain.name.clone(),
        role: role.name.clone(),
        scope: scope.name.clone(),
        buildings,
        from: if r.chance(30) { Some(moment(r, season)) } else { None },
        until: if r.chance(40) { Some(moment(r, season)) } else { None },
        suspended: r.chance(14),
    };
    if let (Some(from), Some(until)) = (made.from, made.until)
        && begin(bundle, from) >= end(bundle, until)
    {
        made.from = None;
    }
    Some(made)
}

/// `same_scope: error`: of roles of one person at one scope whose dates overlap, the first stays.
fn drop_clashes(bundle: &mut Bundle) {
    let mut kept: Vec<Assignment> = Vec::new();
    for a in std::mem::take(&mut bundle.assignments) {
        let domain = bundle.domain(&a.domain);
        let clashes = |other: &Assignment| {
            let starts = |a: &Assignment| a.from.map_or(i64::MIN, |from| begin(bundle, from));
            let ends = |a: &Assignment| a.until.map_or(i64::MAX, |until| end(bundle, until));
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

/// An instant near which something begins or ends, or any in the season.
pub fn instant(r: &mut Random, bundle: &Bundle) -> i64 {
    let mut edges: Vec<i64> = Vec::new();
    for a in &bundle.assignments {
        edges.extend(a.from.map(|from| begin(bundle, from)));
        edges.extend(a.until.map(|until| end(bundle, until)));
    }
    let around = if edges.is_empty() { utc_midnight(3, 15) } else { *r.pick(&edges) };
    let shift = match r.below(6) {
        0 => 0,
        1 => -1,
        2 => 1,
        3 => -HOUR,
        4 => SECOND,
        _ => (r.between(0, 200) as i64 - 100) * HOUR,
    };
    around + shift
}

fn outside_name(r: &mut Random, bundle: &Bundle, domain: &Domain, name: &str) -> String {
    match r.below(60) {
        0 => name.to_owned(),
        1 => format!("{}/{name}", domain.name),
        2 => format!("nowhere/{name}"),
        _ => bundle.outside(&domain.name, name),
    }
}

pub fn question(r: &mut Random, bundle: &Bundle) -> Question {
    let subject = match (r.below(40), r.maybe_pick(&bundle.assignments)) {
        (0, _) => "nobody".to_owned(),
        (1, _) => (*r.pick(&STUDENTS)).to_owned(),
        (2..32, Some(held)) => held.subject.clone(),
        _ => (*r.pick(&SUBJECTS)).to_owned(),
    };
    let kinds = bundle.person(&subject).map(|person| person.kinds.clone()).unwrap_or_default();
    let subject_type = match (r.chance(97), r.maybe_pick(&kinds)) {
        (true, Some(kind)) => kind.clone(),
        _ => (*r.pick(&["staff", "student", "guardian", "application", "wizard"])).to_owned(),
    };
    let mut q = Question {
        subject_type,
        subject_id: subject,
        action: String::new(),
        target: None,
        access: None,
        resource_type: String::new(),
        resource_id: String::new(),
        form: None,
        student: None,
        buildings: None,
        explicit: None,
        now: instant(r, bundle),
    };
    let with_documents = bundle.domains.iter().any(|domain| domain.documents.is_some());
    if with_documents && r.chance(60) {
        document(r, bundle, &mut q)
    } else {
        permission(r, bundle, &mut q)
    }
    q
}

fn permission(r: &mut Random, bundle: &Bundle, q: &mut Question) {
    let domain = r.pick(&bundle.domains);
    let name = match (r.maybe_pick(&domain.modules), r.below(50)) {
        (Some(module), 1..) => format!("{}.{}", module.name, r.pick(&module.permissions).name),
        (Some(module), _) if r.chance(50) => format!("{}.nothing", module.name),
        _ => (*r.pick(&["nothing.view", "view", "", ".", "marks."])).to_owned(),
    };
    q.action = outside_name(r, bundle, domain, &name);
    let elsewhere = if r.chance(4) { r.pick(&bundle.domains) } else { domain };
    let scopes = &elsewhere.scopes;
    let rank = |scope: &str| elsewhere.rank(elsewhere.level_of(scope));
    let asked = name.split_once('.').and_then(|(module, _)| {
        domain.modules.iter().find(|known| known.name == module).map(|module| domain.rank(&module.level))
    });
    // Where the subject has a role and where the permission can be asked, most of the time.
    let held: Vec<&str> = bundle
        .assignments
        .iter()
        .filter(|a| a.subject == q.subject_id && a.domain == elsewhere.name)
        .map(|a| a.scope.as_str())
        .collect();
    let likely: Vec<usize> = (0..scopes.len())
        .filter(|at| rank(&scopes[*at].name) >= asked.unwrap_or(0))
        .filter(|at| chain(elsewhere, &scopes[*at].name).iter().any(|above| held.contains(&above.as_str())))
        .collect();
    let at = match r.maybe_pick(&likely) {
        Some(likely) if r.chance(80) => *likely,
        // Narrow scopes more often: more can be decided there.
        _ => r.below(scopes.len()).max(r.below(scopes.len())),
    };
    let (level, id) = scopes[at].name.split_once('/').expect("`level/id`");
    q.resource_type = level.to_owned();
    q.resource_id = id.to_owned();
    match r.below(60) {
        0 => q.resource_id = "nowhere".to_owned(),
        1 => q.resource_type = "galaxy".to_owned(),
        2 => q.resource_id = format!("{id}/x"),
        _ => {}
    }
}

fn document(r: &mut Random, bundle: &Bundle, q: &mut Question) {
    let having: Vec<&Domain> = bundle.domains.iter().filter(|domain| domain.documents.is_some()).collect();
    let domain = *r.pick(&having);
    let documents = domain.documents.as_ref().expect("documents");
    q.resource_type = "document".to_owned();
    q.resource_id = "some".to_owned();
    let actions = ["view", "edit", "create", "delete", "share", "share", "transfer", "marks.view"];
    let known = if r.chance(5) { 8 } else { 7 };
    q.action = (*r.pick(&actions[..known])).to_owned();
    let form = match r.below(40) {
        0 => None,
        1 => Some("nothing"),
        _ => Some(r.pick(&documents.forms).name.as_str()),
    };
    q.form = form.map(|form| outside_name(r, bundle, domain, form));
    match r.below(20) {
        0 => {}
        1 => q.student = Some("nobody".to_owned()),
        2..8 => {
            let count = r.between(0, 3);
            let names = r.some(&buildings_of(domain), count);
            let mut names: Vec<String> = names
                .into_iter()
                .map(|name| match name.split_once('/') {
                    Some((_, id)) if r.chance(30) => id.to_owned(),
                    _ => name,
                })
                .collect();
            if r.chance(5) {
                names.push("nowhere".to_owned());
            }
            if r.chance(5) {
                names.push(r.pick(&domain.scopes).name.clone());
            }
            q.buildings = Some(names);
        }
        _ => q.student = Some((*r.pick(&STUDENTS)).to_owned()),
    }
    q.explicit = if r.chance(25) { None } else { Some(*r.pick(&Access::ALL)) };
    if r.chance(25) {
        // A document of the bundle, which says of itself what the request leaves out.
        q.resource_id = match r.maybe_pick(&bundle.listed) {
            Some(listed) if r.chance(95) => listed.id.clone(),
            _ => (*r.pick(&DOCUMENTS)).to_owned(),
        };
        (q.form, q.student, q.explicit) = (None, None, q.explicit.filter(|_| r.chance(20)));
        q.buildings = q.buildings.take().filter(|_| r.chance(10));
    }
    let gives = matches!(q.action.as_str(), "share" | "transfer");
    if r.chance(if gives { 96 } else { 3 }) {
        let students = r.chance(5);
        q.target = Some(if students { *r.pick(&STUDENTS) } else { *r.pick(&SUBJECTS) }.to_owned());
        if r.chance(2) {
            q.target = Some("nobody".to_owned());
        }
    }
    if r.chance(if q.action == "share" { 96 } else { 5 }) {
        q.access = Some(*r.pick(&Access::ALL));
    }
}
