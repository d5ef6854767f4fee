//! A bundle with people besides its own, each of whom holds exactly one role.

use crate::policy_support::{ask, files, load};
use hallpass::decision::Decision;
use hallpass::policy::table::{DomainId, RoleId, ScopeId};
use hallpass::policy::{Bundle, Domain, Kind, Level, Role, Source};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The child of all who hold a role here.
pub(crate) const STUDENT: &str = "golden.student";
/// Staff without any role.
pub(crate) const NOBODY: &str = "golden.nobody";

/// A bundle, and the places where its roles are asked about.
pub(crate) struct Golden {
    pub(crate) bundle: Bundle,
    /// Of each domain: chains of scopes, narrow to broad, that differ in what can be asked or holds there.
    pub(crate) chains: BTreeMap<DomainId, Vec<Vec<ScopeId>>>,
    kinds: BTreeMap<String, &'static str>,
}

/// Somebody who holds one role.
#[derive(Default)]
struct Holder {
    id: String,
    kind: &'static str,
    role: String,
    scope: String,
    options: Vec<String>,
    building: Option<String>,
    /// Where they are enrolled as a teacher.
    teaches: Option<String>,
    bears_forms: bool,
}

impl Golden {
    /// That of a bundle in `policies/`.
    pub(crate) fn of(name: &str) -> Golden {
        Golden::over(&files(name))
    }

    /// That of these files.
    pub(crate) fn over(sources: &[Source]) -> Golden {
        let policy = load(sources);
        let chains: BTreeMap<DomainId, Vec<Vec<ScopeId>>> =
            policy.domains().iter().map(|(id, domain)| (id, chains(&policy, domain))).collect();
        let holders: Vec<Holder> = policy
            .domains()
            .iter()
            .flat_map(|(id, domain)| {
                let of_domain = Of { bundle: &policy, id, domain };
                of_domain.holders(&chains[&id])
            })
            .collect();
        let mut sources = counted(sources, &policy, &holders);
        sources.push(Source { name: "golden.json".to_owned(), bytes: written(&holders).into_bytes() });
        let kinds = holders.iter().map(|holder| (holder.id.clone(), holder.kind)).collect();
        Golden { bundle: load(&sources), chains, kinds }
    }

    pub(crate) fn domains(&self) -> impl Iterator<Item = DomainId> + '_ {
        self.bundle.domains().iter().map(|(id, _)| id)
    }

    /// Asks for one of those who hold a role, or for [`NOBODY`].
    pub(crate) fn ask(&self, person: &str, action: Value, resource: Value) -> Decision {
        let kind = self.kinds.get(person).copied().unwrap_or("staff");
        let request = json!({
            "subject": {"type": kind, "id": person},
            "action": action,
            "resource": resource,
            "context": {"time": crate::policy_support::NOW},
        });
        ask(&self.bundle, &request)
    }
}

/// The id of somebody who holds a role on a chain: `options` has all its options, `teaches` teaches where it is held.
pub(crate) fn holder(domain: &Domain, role: &Role, chain: usize, options: bool, teaches: bool) -> String {
    let marks = format!("{}{}", if options { ".options" } else { "" }, if teaches { ".teaches" } else { "" });
    format!("golden.{}.{}.{chain}{marks}", domain.name(), role.name)
}

/// The id of somebody who holds a role for one building, or for none.
pub(crate) fn with_building(domain: &Domain, role: &Role, building: bool) -> String {
    format!("golden.{}.{}.{}", domain.name(), role.name, if building { "building" } else { "bare" })
}

/// Chains from a scope without any below it up to a root: of those with the same levels and plans the first.
fn chains(bundle: &Bundle, domain: &Domain) -> Vec<Vec<ScopeId>> {
    let parents: BTreeSet<ScopeId> =
        bundle.scopes().iter().filter_map(|(scope, _)| domain.node(scope)?.parent).collect();
    let mut found: Vec<(Vec<Level>, String, Vec<ScopeId>)> = Vec::new();
    let ends = bundle.scopes().iter().map(|(scope, _)| scope);
    for end in ends.filter(|scope| domain.node(*scope).is_some() && !parents.contains(scope)) {
        let levels: Vec<Level> = domain.chain(end).map(|(_, level)| level).collect();
        let off: Vec<bool> = domain.modules().iter().map(|(module, _)| domain.is_off(module, end)).collect();
        let plans: Vec<_> = domain.plans(end).map(|(_, plan)| plan).collect();
        let what_holds = format!("{plans:?} {off:?}");
        if !found.iter().any(|(other, holds, _)| *other == levels && *holds == what_holds) {
            found.push((levels, what_holds, domain.chain(end).map(|(scope, _)| scope).collect()));
        }
    }
    // One whose levels another has, and more, shows nothing of its own.
    let wider = |levels: &Vec<Level>, holds: &String| {
        found.iter().any(|(other, also, _)| {
            also == holds && other.len() > levels.len() && levels.iter().all(|level| other.contains(level))
        })
    };
    found.iter().filter(|(levels, holds, _)| !wider(levels, holds)).map(|(.., chain)| chain.clone()).collect()
}

struct Of<'b> {
    bundle: &'b Bundle,
    id: DomainId,
    domain: &'b Domain,
}

impl Of<'_> {
    fn holders(&self, chains: &[Vec<ScopeId>]) -> Vec<Holder> {
        let roles = || self.domain.roles().iter().filter(|(_, role)| !role.deleted);
        let mut holders = Vec::new();
        for (at, chain) in chains.iter().enumerate() {
            for (id, role) in roles() {
                let held = chain.iter().find(|scope| self.domain.node(**scope).unwrap().level == role.level);
                for (options, teaches) in [(false, false), (false, true), (true, false), (true, true)] {
                    holders.extend(held.map(|scope| {
                        let id_of_holder = holder(self.domain, role, at, options, teaches);
                        let held = self.held(id, *scope, id_of_holder);
                        Holder {
                            options: if options { self.options(role) } else { Vec::new() },
                            teaches: teaches.then(|| held.scope.clone()),
                            ..held
                        }
                    }));
                }
            }
        }
        if let Some(forms) = self.domain.forms() {
            let building = self.scope_of(forms.buildings).map(|scope| self.name(scope));
            for (id, role) in roles().filter(|(_, role)| role.bears_forms()) {
                for named in [true, false] {
                    let scope = self.scope_of(role.level).unwrap();
                    let held = self.held(id, scope, with_building(self.domain, role, named));
                    let building = building.clone().filter(|_| named);
                    // Fallbacks are for staff, so staff it is, also where they must hold another role as well.
                    holders.push(Holder { kind: "staff", building, ..held });
                }
            }
        }
        holders
    }

    fn held(&self, role: RoleId, scope: ScopeId, id: String) -> Holder {
        let row = &self.domain.roles()[role];
        Holder {
            id,
            kind: self.kind(),
            role: self.bundle.outside_name(self.id, &row.name),
            scope: self.name(scope),
            bears_forms: row.bears_forms(),
            ..Holder::default()
        }
    }

    /// Staff, unless staff must hold a second role in this domain.
    fn kind(&self) -> &'static str {
        let must = self.domain.mandatory().map(|mandatory| mandatory.kinds).unwrap_or_default();
        let free = [Kind::Staff, Kind::Service, Kind::Application, Kind::Guardian, Kind::Student];
        let free = free.into_iter().find(|kind| !must.contains(*kind)).unwrap_or(Kind::Staff);
        Kind::WORDS.iter().find(|(_, kind)| *kind == free).unwrap().0
    }

    fn options(&self, role: &Role) -> Vec<String> {
        let permissions = self.domain.permissions().iter();
        let offered = permissions.filter(|(id, _)| role.grants.option(*id).next().is_some());
        offered.map(|(_, permission)| permission.name.clone()).collect()
    }

    fn scope_of(&self, level: Level) -> Option<ScopeId> {
        let mut scopes = self.bundle.scopes().iter().map(|(scope, _)| scope);
        scopes.find(|scope| self.domain.node(*scope).is_some_and(|node| node.level == level))
    }

    fn name(&self, scope: ScopeId) -> String {
        self.bundle.scopes().name(scope).to_owned()
    }
}

/// The people, assignments and relations as a file of a bundle.
fn written(holders: &[Holder]) -> String {
    let people: serde_json::Map<String, Value> = holders
        .iter()
        .map(|holder| (holder.id.as_str(), holder.kind))
        .chain([(STUDENT, "student"), (NOBODY, "staff")])
        .map(|(id, kind)| (id.to_owned(), json!({"kinds": [kind]})))
        .collect();
    let assignments: Vec<Value> = holders
        .iter()
        .map(|holder| {
            let mut row = json!({"subject": holder.id, "role": holder.role, "scope": holder.scope});
            if !holder.options.is_empty() {
                row["options"] = json!(holder.options);
            }
            if let Some(building) = &holder.building {
                row["buildings"] = json!([building]);
            }
            row
        })
        .collect();
    let teachers = holders.iter().filter_map(|holder| Some((holder, holder.teaches.as_ref()?)));
    let enrolments: Vec<Value> = teachers
        .map(|(holder, scope)| json!({"person": holder.id, "scope": scope, "part": "teacher"}))
        .collect();
    let guardians: Vec<Value> =
        holders.iter().map(|holder| json!({"guardian": holder.id, "student": STUDENT})).collect();
    let file = json!({
        "people": people,
        "assignments": assignments,
        "enrolments": enrolments,
        "guardians": guardians,
    });
    file.to_string()
}

/// The files, with the people that come besides counted in every `expects`.
fn counted(sources: &[Source], bundle: &Bundle, holders: &[Holder]) -> Vec<Source> {
    let mut sources = sources.to_vec();
    for source in sources.iter_mut().filter(|source| source.name.ends_with(".yaml")) {
        let text = String::from_utf8(source.bytes.clone()).unwrap();
        let lines: Vec<String> = text
            .lines()
            .map(|line| match line.split_once("expects: {") {
                Some((before, counts)) if !before.contains('#') => {
                    format!("{before}expects: {{{}", more(counts, bundle, holders))
                }
                _ => line.to_owned(),
            })
            .collect();
        source.bytes = format!("{}\n", lines.join("\n")).into_bytes();
    }
    sources
}

/// `people: 24, assignments: 22, unassigned: 4, without_buildings: 1}` with the people that come besides.
fn more(counts: &str, bundle: &Bundle, holders: &[Holder]) -> String {
    let domains = bundle.domains().iter().filter(|(_, domain)| domain.forms().is_some());
    assert_eq!(domains.count(), 1, "one domain with forms in a bundle is what is counted here");
    let staff = || holders.iter().filter(|holder| holder.kind == "staff");
    let bearing = holders.iter().filter(|holder| holder.bears_forms).count();
    let unassigned = staff().filter(|holder| !holder.bears_forms).count() + 1;
    let bare = staff().filter(|holder| holder.bears_forms && holder.building.is_none()).count();
    let counts = counts.trim_end().trim_end_matches('}').split(',').map(|count| {
        let (name, number) = count.split_once(':').unwrap();
        let besides = match name.trim() {
            "people" => staff().count() + 1,
            "assignments" => bearing,
            "unassigned" => unassigned,
            "without_buildings" => bare,
            other => panic!("`{other}` in expects"),
        };
        format!("{}: {}", name.trim(), number.trim().parse::<usize>().unwrap() + besides)
    });
    format!("{}}}", counts.collect::<Vec<_>>().join(", "))
}
