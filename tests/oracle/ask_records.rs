//! Random catalogues that load, and random records.

use super::ask::instant;
use super::generate::{self, STUDENTS, SUBJECTS};
use super::model::{Bundle, Person};
use super::random::Random;
use super::records::{Catalogue, Field, LINK, Record, Rule, Sharing, Type};

pub const APPLICATIONS: [&str; 2] = ["app1", "app2"];
const TYPES: [&str; 4] = ["schools", "sections", "students", "contacts"];
const KINDS: [&str; 2] = ["red", "blue"];

/// Paths that are asked about: fields, what stands below them, what holds them, and what nobody listed.
pub const PATHS: [&str; 15] = [
    "id",
    "name",
    "home",
    "home.town",
    "home.town.street",
    "home.town.IEP",
    "iep",
    "iep.x",
    "ref",
    "x",
    "x.bus",
    "x.med",
    "x.bus.name",
    "x.iep",
    "unlisted",
];

/// A bundle with applications and a catalogue.
pub fn world(r: &mut Random) -> Option<(Bundle, Catalogue)> {
    let mut bundle = generate::bundle(r);
    bundle.routes.clear();
    for domain in &mut bundle.domains {
        domain.add_to_oneself_denied = false;
    }
    for id in APPLICATIONS {
        bundle.people.push(Person {
            id: id.to_owned(),
            kinds: vec!["application".to_owned()],
            buildings: Vec::new(),
            enabled: !r.chance(6),
        });
    }
    for block in &mut bundle.blocks {
        if r.chance(12) {
            block.subject = (*r.pick(&APPLICATIONS)).to_owned();
        }
    }
    let catalogue = catalogue(r, &bundle)?;
    Some((bundle, catalogue))
}

fn catalogue(r: &mut Random, bundle: &Bundle) -> Option<Catalogue> {
    let domain = r.pick(&bundle.domains);
    let count = r.between(1, TYPES.len());
    let mut types: Vec<Type> = Vec::new();
    // The broadest level on which the records of each type may be asked about.
    let mut ranks: Vec<usize> = Vec::new();
    for name in &TYPES[..count] {
        let parents: Vec<usize> = (0..types.len()).filter(|_| r.chance(45)).collect();
        let inherits = !parents.is_empty() && r.chance(40);
        let rank = r.below(domain.levels.len());
        let scope = (domain.levels[rank].clone(), (*r.pick(&["at", "id"])).to_owned());
        let rank = if inherits { parents.iter().map(|at| ranks[*at]).min()? } else { rank };
        let may: Vec<String> = domain
            .modules
            .iter()
            .filter(|module| domain.rank(&module.level) <= rank)
            .flat_map(|module| module.permissions.iter().map(|one| format!("{}.{}", module.name, one.name)))
            .collect();
        let permission = |r: &mut Random| r.maybe_pick(&may).cloned();
        let view = if r.chance(90) { permission(r) } else { None };
        let mut fields = Vec::new();
        for path in ["id", "name", "home.town", "iep", "ref", "x.bus", "x.med"] {
            if r.chance(20) {
                continue;
            }
            let known: Vec<&str> = TYPES[..count].to_vec();
            fields.push(Field {
                path: path.to_owned(),
                needs: if r.chance(25) { permission(r) } else { None },
                sensitive: r.chance(match path {
                    "iep" => 60,
                    "x.med" => 40,
                    _ => 5,
                }),
                refers: if path == "ref" { Some((*r.pick(&known)).to_owned()) } else { None },
            });
        }
        if fields.is_empty() {
            return None;
        }
        ranks.push(rank);
        types.push(Type {
            name: (*name).to_owned(),
            scope: if inherits { None } else { Some(scope) },
            parents: parents.into_iter().map(|at| TYPES[at].to_owned()).collect(),
            view,
            student: if r.chance(45) { Some("who".to_owned()) } else { None },
            keys: vec!["kind".to_owned()],
            fields,
        });
    }
    let sharing = APPLICATIONS.iter().filter(|_| r.chance(90)).map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let sharing = sharing.into_iter().map(|application| share(r, &types, application)).collect();
    Some(Catalogue { domain: domain.name.clone(), types, sharing })
}

fn share(r: &mut Random, types: &[Type], application: String) -> Sharing {
    let shared: Vec<&Type> = types.iter().filter(|_| r.chance(85)).collect();
    let mut rules: Vec<Rule> = Vec::new();
    for of in &shared {
        let names = of.fields.iter().map(|field| field.path.clone()).filter(|path| !path.starts_with("x."));
        let mut fields: Vec<String> = names.filter(|_| r.chance(50)).collect();
        if r.chance(50) || fields.is_empty() {
            fields.insert(0, "all".to_owned());
        }
        let mut only = Vec::new();
        if r.chance(35) {
            only.push(("kind".to_owned(), some_of(r, &KINDS)));
        }
        if !of.parents.is_empty() && r.chance(30) {
            only.push((LINK.to_owned(), some_of(r, &KINDS)));
        }
        // Those that are written behind this one, so that nothing is shared because of itself.
        let place = |name: &str| TYPES.iter().position(|known| *known == name);
        let below = shared.iter().filter(|other| place(&other.name) > place(&of.name));
        let below: Vec<String> = below.map(|other| other.name.clone()).collect();
        let count = if r.chance(30) { 1 } else { 0 };
        rules.push(Rule {
            of: of.name.clone(),
            only_implied: false,
            only,
            fields,
            implies: r.some(&below, count),
        });
    }
    let implied: Vec<String> = rules.iter().flat_map(|rule| rule.implies.clone()).collect();
    for rule in &mut rules {
        rule.only_implied = implied.contains(&rule.of) && r.chance(30);
        if rule.only_implied {
            rule.only.clear();
        }
    }
    let listed: Vec<String> = types
        .iter()
        .flat_map(|of| &of.fields)
        .filter_map(|field| field.path.strip_prefix("x.").map(str::to_owned))
        .collect();
    let extensions = match r.below(3) {
        0 => None,
        1 => Some(vec!["all".to_owned()]),
        _ => r.maybe_pick(&listed).map(|name| vec![name.clone()]),
    };
    Sharing { application, rules, extensions }
}

fn some_of(r: &mut Random, words: &[&str]) -> Vec<String> {
    let count = r.between(1, words.len());
    r.some(words, count).into_iter().map(str::to_owned).collect()
}

/// A record, with what it belongs to.
pub fn record(r: &mut Random, bundle: &Bundle, catalogue: &Catalogue, of: &Type, depth: usize) -> Record {
    let domain = bundle.domain(&catalogue.domain);
    let level = of.scope.as_ref().map(|(level, _)| level.clone());
    let ids: Vec<String> = domain
        .scopes
        .iter()
        .filter_map(|scope| scope.name.split_once('/'))
        .filter(|(at, _)| level.as_deref().is_none_or(|level| level == *at))
        .map(|(_, id)| id.to_owned())
        .collect();
    let id = |r: &mut Random| match r.maybe_pick(&ids) {
        Some(id) if r.chance(92) => id.clone(),
        _ => "nowhere".to_owned(),
    };
    let mut attributes = Vec::new();
    if r.chance(95) {
        let count = if r.chance(25) { 2 } else { 1 };
        attributes.push(("at".to_owned(), (0..count).map(|_| id(r)).collect()));
    }
    if r.chance(85) {
        attributes.push(("kind".to_owned(), some_of(r, &KINDS)));
    }
    if r.chance(85) {
        let who = if r.chance(90) { *r.pick(&STUDENTS) } else { "nobody" };
        attributes.push(("who".to_owned(), vec![who.to_owned()]));
    }
    let own = id(r);
    let mut related = Vec::new();
    if depth < 4 {
        for other in &catalogue.types {
            let parent = of.parents.contains(&other.name);
            let implies = catalogue.sharing.iter().flat_map(|sharing| &sharing.rules);
            let mut implies = implies.filter(|rule| rule.of == other.name);
            let implies = !parent && implies.any(|rule| rule.implies.contains(&of.name));
            let count = match (parent, implies) {
                (true, _) => *r.pick(&[0, 1, 1, 1, 1, 2]),
                // Of what implies it: not in a circle.
                (false, true) if depth < 1 => r.below(2),
                _ => 0,
            };
            for _ in 0..count {
                let link = if r.chance(85) { Some((*r.pick(&KINDS)).to_owned()) } else { None };
                related.push((link, record(r, bundle, catalogue, other, depth + 1)));
            }
        }
    }
    Record { of: of.name.clone(), id: own, attributes, related }
}

/// Who looks, through which application, when.
pub fn viewer(r: &mut Random, bundle: &Bundle) -> (String, Option<String>, i64) {
    let subject = match r.below(10) {
        0..3 => *r.pick(&APPLICATIONS),
        _ => *r.pick(&SUBJECTS),
    };
    let through = if !subject.starts_with("app") && r.chance(30) {
        Some((*r.pick(&APPLICATIONS)).to_owned())
    } else {
        None
    };
    (subject.to_owned(), through, instant(r, bundle))
}
