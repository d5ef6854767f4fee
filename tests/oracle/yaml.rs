//! A bundle of [`super::model`] as the one YAML file that it stands for.

use super::model::{Blocked, Bundle, Dates, Documents, Domain, Entry, Grant, Item, Moment, Permission, Role};
use std::fmt::Write as _;

impl Bundle {
    /// The bundle as its one YAML file.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "bundle: {{name: oracle, time_zone: {}}}", self.zone.name());
        out.push_str("domains:\n");
        for domain in &self.domains {
            self.write_domain(domain, &mut out);
        }
        if !self.people.is_empty() {
            out.push_str("people:\n");
        }
        for person in &self.people {
            let _ = write!(out, "  {}: {{kinds: [{}]", person.id, person.kinds.join(", "));
            if !person.buildings.is_empty() {
                let _ = write!(out, ", buildings: [{}]", person.buildings.join(", "));
            }
            out.push_str(if person.enabled { "}\n" } else { ", enabled: false}\n" });
        }
        if !self.assignments.is_empty() {
            out.push_str("assignments:\n");
        }
        for a in &self.assignments {
            let role = self.outside(&a.domain, &a.role);
            let _ = write!(out, "  - {{subject: {}, role: {role}, scope: {}", a.subject, a.scope);
            if !a.buildings.is_empty() {
                let _ = write!(out, ", buildings: [{}]", a.buildings.join(", "));
            }
            out.push_str(&dates_text(a.dates));
            if !a.options.is_empty() {
                let _ = write!(out, ", options: [{}]", a.options.join(", "));
            }
            if let Some(set) = &a.permissions {
                let name = |item: &Item| match item.relation {
                    Some(relation) => format!("'{}:{}'", item.word, relation.word()),
                    None => item.word.clone(),
                };
                let names: Vec<String> = set.iter().map(name).collect();
                let _ = write!(out, ", permissions: [{}]", names.join(", "));
            }
            out.push_str(if a.suspended { ", suspended: true}\n" } else { "}\n" });
        }
        if !self.suspended.is_empty() {
            let _ = writeln!(out, "suspended: {{subjects: [{}]}}", self.suspended.join(", "));
        }
        if !self.listed.is_empty() {
            out.push_str("documents:\n");
        }
        for listed in &self.listed {
            let form = self.outside(&listed.domain, &listed.form);
            let _ = write!(out, "  {}: {{form: {form}, student: {}", listed.id, listed.student);
            if let Some(creator) = &listed.created_by {
                let _ = write!(out, ", created_by: {creator}");
            }
            let grants =
                [("viewers", &listed.viewers), ("editors", &listed.editors), ("owners", &listed.owners)];
            for (name, people) in grants.into_iter().filter(|(_, people)| !people.is_empty()) {
                let _ = write!(out, ", {name}: [{}]", people.join(", "));
            }
            out.push_str("}\n");
        }
        self.write_relations(&mut out);
        if !self.routes.is_empty() {
            out.push_str("routes:\n");
        }
        for route in &self.routes {
            out.push_str(&route.to_yaml());
        }
        out
    }

    fn write_relations(&self, out: &mut String) {
        let mut section = |name: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let _ = writeln!(out, "{name}:");
            }
            for line in lines {
                let _ = writeln!(out, "  - {{{line}}}");
            }
        };
        let enrolments = self.enrolments.iter().map(|row| {
            let part = if row.teaches { "teacher" } else { "student" };
            format!("person: {}, scope: {}, part: {part}{}", row.person, row.scope, dates_text(row.dates))
        });
        section("enrolments", enrolments.collect());
        let guardians = self.guardians.iter().map(|row| {
            format!("guardian: {}, student: {}{}", row.guardian, row.student, dates_text(row.dates))
        });
        section("guardians", guardians.collect());
        let blocks = self.blocks.iter().map(|row| {
            let from_what = match &row.from_what {
                Blocked::Student(id) => format!("student: {id}"),
                Blocked::Scope(name) => format!("scope: {name}"),
            };
            format!("subject: {}, {from_what}, reason: x{}", row.subject, dates_text(row.dates))
        });
        section("blocks", blocks.collect());
    }

    fn write_domain(&self, domain: &Domain, out: &mut String) {
        let _ = writeln!(out, "  {}:", domain.name);
        let _ = writeln!(out, "    precedence: {}", if domain.union { "union" } else { "most_specific" });
        let _ = writeln!(out, "    levels: [{}]", domain.levels.join(", "));
        if domain.same_scope_is_an_error {
            out.push_str("    same_scope: error\n");
        }
        if let Some(mandatory) = &domain.mandatory {
            let kinds = mandatory.kinds.join(", ");
            let _ = writeln!(out, "    mandatory: {{level: {}, kinds: [{kinds}]}}", mandatory.level);
            if let Some(role) = &mandatory.default_role {
                let _ = writeln!(out, "    default_role: {role}");
            }
        }
        if !domain.scopes.is_empty() {
            out.push_str("    scopes:\n");
            write_scopes(domain, None, 6, out);
        }
        if !domain.modules.is_empty() {
            out.push_str("    modules:\n");
        }
        for module in &domain.modules {
            let _ = write!(out, "      {}: {{level: {}", module.name, module.level);
            if let Some(gate) = &module.gate_at {
                let _ = write!(out, ", gate_at: {gate}");
            }
            let permissions: Vec<String> = module.permissions.iter().map(permission_text).collect();
            let _ = writeln!(out, ", permissions: {{{}}}}}", permissions.join(", "));
        }
        if !domain.roles.is_empty() {
            out.push_str("    roles:\n");
        }
        for role in &domain.roles {
            let _ = writeln!(out, "      {}: {{{}}}", role.name, role_text(role));
        }
        if let Some(documents) = &domain.documents {
            self.write_documents(domain, documents, out);
        }
        if !domain.base.is_empty() {
            let _ = writeln!(out, "    base: [{}]", domain.base.join(", "));
        }
        if !domain.modules_off.is_empty() {
            out.push_str("    modules_off:\n");
        }
        for (root, modules) in &domain.modules_off {
            let _ = writeln!(out, "      {root}: [{}]", modules.join(", "));
        }
        if domain.add_to_oneself_denied {
            out.push_str("    self_update: {add: deny}\n");
        }
        if !domain.titles.is_empty() {
            out.push_str("    titles:\n");
        }
        for (category, titles) in &domain.titles {
            let _ = writeln!(out, "      {category}: [{}]", titles.join(", "));
        }
        if !domain.archived.is_empty() {
            let _ = writeln!(out, "    archived: [{}]", domain.archived.join(", "));
        }
        if !domain.plans.is_empty() {
            out.push_str("    plans:\n");
        }
        for (number, (_, plan)) in domain.plans.iter().enumerate() {
            let kind = if plan.exactly { "exactly" } else { "any_of" };
            let _ = writeln!(out, "      p{number}: {{{kind}: [{}]}}", plan.permissions.join(", "));
        }
        if !domain.plans.is_empty() {
            out.push_str("    plan_of:\n");
        }
        for (number, (scope, _)) in domain.plans.iter().enumerate() {
            let _ = writeln!(out, "      {scope}: p{number}");
        }
    }

    fn write_documents(&self, domain: &Domain, documents: &Documents, out: &mut String) {
        out.push_str("    forms:\n");
        for form in &documents.forms {
            let deleted = if form.deleted { ", deleted: true" } else { "" };
            let _ = writeln!(out, "      {}: {{groups: [{}]{deleted}}}", form.name, form.groups.join(", "));
        }
        let allow = |allowed: bool| if allowed { "allow" } else { "deny" };
        let _ = writeln!(out, "    buildings: {}", documents.building_level);
        let _ = writeln!(out, "    when_unassigned: {}", entry_text(documents.when_unassigned));
        let _ = writeln!(out, "    when_no_buildings: {}", entry_text(documents.when_no_buildings));
        let explicit = allow(documents.explicit_grants_outside);
        let _ = writeln!(out, "    explicit_grants_outside_buildings: {explicit}");
        let _ = writeln!(out, "    create_outside_buildings: {}", allow(documents.create_outside));
        let bare = if documents.baseline { "baseline" } else { "inactive" };
        let _ = writeln!(out, "    role_without_buildings: {bare}");
        let fallbacks = [documents.when_unassigned, documents.when_no_buildings];
        if fallbacks.iter().any(|entry| *entry != Entry::NOTHING) {
            let [people, assignments, unassigned, without] = self.counts(domain);
            let _ = writeln!(
                out,
                "    expects: {{people: {people}, assignments: {assignments}, unassigned: {unassigned}, \
                 without_buildings: {without}}}"
            );
        }
    }
}

fn write_scopes(domain: &Domain, parent: Option<&str>, indent: usize, out: &mut String) {
    for scope in domain.scopes.iter().filter(|scope| scope.parent.as_deref() == parent) {
        let _ = writeln!(out, "{:indent$}{}:", "", scope.name);
        write_scopes(domain, Some(&scope.name), indent + 2, out);
    }
}

fn permission_text(permission: &Permission) -> String {
    let mut parts = Vec::new();
    if !permission.requires.is_empty() {
        parts.push(format!("requires: [{}]", permission.requires.join(", ")));
    }
    if permission.power {
        parts.push("power: true".to_owned());
    }
    if let Some((claim, has)) = &permission.step_up {
        parts.push(format!("power_requires: {{claim: {claim}, has: {has}}}"));
    }
    if let Some(level) = &permission.only_at {
        parts.push(format!("only_at: {level}"));
    }
    format!("{}: {{{}}}", permission.name, parts.join(", "))
}

fn role_text(role: &Role) -> String {
    let mut parts = vec![format!("level: {}", role.level)];
    if role.deleted {
        parts.push("deleted: true".to_owned());
    }
    if role.never_overridden {
        parts.push("never_overridden: true".to_owned());
    }
    for (name, grants) in [("grants", &role.grants), ("optional", &role.optional)] {
        if !grants.is_empty() {
            let grants: Vec<String> = grants.iter().map(grant_text).collect();
            parts.push(format!("{name}: {{{}}}", grants.join(", ")));
        }
    }
    if !role.assignable_by.is_empty() {
        parts.push(format!("assignable_by: [{}]", role.assignable_by.join(", ")));
    }
    if role.locked {
        parts.push("locked: true".to_owned());
    }
    if !role.includes.is_empty() {
        parts.push(format!("includes: [{}]", role.includes.join(", ")));
    }
    if let Some(forms) = &role.forms {
        let entry = |(name, entry): &(String, Entry)| format!("\"{name}\": {}", entry_text(*entry));
        let forms: Vec<String> = forms.iter().map(entry).collect();
        parts.push(format!("forms: {{{}}}", forms.join(", ")));
    }
    parts.join(", ")
}

fn grant_text((module, grant): &(String, Grant)) -> String {
    let word = |item: &Item| match item.relation {
        Some(relation) => format!("{{{}: {}}}", item.word, relation.word()),
        None => item.word.clone(),
    };
    match grant {
        Grant::Off => format!("{module}: off"),
        Grant::List(items) => match items.as_slice() {
            [only] if only.word.starts_with("all") => format!("{module}: {}", word(only)),
            items => format!("{module}: [{}]", items.iter().map(word).collect::<Vec<_>>().join(", ")),
        },
    }
}

fn dates_text(dates: Dates) -> String {
    let mut text = String::new();
    for (name, moment) in [("from", dates.from), ("until", dates.until)] {
        if let Some(moment) = moment {
            let _ = write!(text, ", {name}: {}", moment_text(moment));
        }
    }
    text
}

fn entry_text(entry: Entry) -> String {
    format!("{{default: {}, max: {}}}", entry.default.word(), entry.max.word())
}

fn moment_text(moment: Moment) -> String {
    match moment {
        Moment::Day { month, day } => format!("2026-{month:02}-{day:02}"),
        Moment::Instant(micros) => format!("\"{}\"", hallpass::time::Time::from_unix_micros(micros)),
    }
}
