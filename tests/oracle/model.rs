//! A bundle and a question as plain data: strings and lists, no ids, nothing precomputed.

use std::fmt::Write as _;

/// The ladder of section 5, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    None,
    View,
    Edit,
    Owner,
}

impl Access {
    pub const ALL: [Access; 4] = [Access::None, Access::View, Access::Edit, Access::Owner];

    pub fn word(self) -> &'static str {
        match self {
            Access::None => "none",
            Access::View => "view",
            Access::Edit => "edit",
            Access::Owner => "owner",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub default: Access,
    pub max: Access,
}

impl Entry {
    pub const NOTHING: Entry = Entry { default: Access::None, max: Access::None };
}

#[derive(Debug, Clone)]
pub struct Bundle {
    pub zone: Zone,
    pub domains: Vec<Domain>,
    pub people: Vec<Person>,
    pub assignments: Vec<Assignment>,
    pub suspended: Vec<String>,
    pub listed: Vec<Listed>,
}

/// A document that the bundle lists, with its own grants.
#[derive(Debug, Clone)]
pub struct Listed {
    pub id: String,
    pub domain: String,
    pub form: String,
    pub student: String,
    pub created_by: Option<String>,
    pub viewers: Vec<String>,
    pub editors: Vec<String>,
    pub owners: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Domain {
    pub name: String,
    pub union: bool,
    /// Broad to narrow.
    pub levels: Vec<String>,
    pub same_scope_is_an_error: bool,
    pub mandatory: Option<Mandatory>,
    /// Parents stand before their children.
    pub scopes: Vec<Scope>,
    pub modules: Vec<Module>,
    pub roles: Vec<Role>,
    pub documents: Option<Documents>,
}

#[derive(Debug, Clone)]
pub struct Mandatory {
    pub level: String,
    pub kinds: Vec<String>,
    pub default_role: Option<String>,
}

/// `name` is `level/id`.
#[derive(Debug, Clone)]
pub struct Scope {
    pub name: String,
    pub parent: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Module {
    pub name: String,
    pub level: String,
    pub gate_at: Option<String>,
    pub permissions: Vec<Permission>,
}

/// `name` is without its module, `requires` with it.
#[derive(Debug, Clone)]
pub struct Permission {
    pub name: String,
    pub requires: Vec<String>,
    pub power: bool,
    pub only_at: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Role {
    pub name: String,
    pub level: String,
    pub deleted: bool,
    pub grants: Vec<(String, Grant)>,
    pub includes: Vec<String>,
    /// By form, `group:name` or `*`. `None`: the role says nothing about documents.
    pub forms: Option<Vec<(String, Entry)>>,
}

#[derive(Debug, Clone)]
pub enum Grant {
    Off,
    /// Permissions of the module by their short names; `all` or `all_and_power` may come first.
    List(Vec<String>),
}

#[derive(Debug, Clone)]
pub struct Documents {
    pub building_level: String,
    pub forms: Vec<Form>,
    pub when_unassigned: Entry,
    pub when_no_buildings: Entry,
    pub explicit_grants_outside: bool,
    pub create_outside: bool,
    pub baseline: bool,
}

#[derive(Debug, Clone)]
pub struct Form {
    pub name: String,
    pub groups: Vec<String>,
    pub deleted: bool,
}

#[derive(Debug, Clone)]
pub struct Person {
    pub id: String,
    pub kinds: Vec<String>,
    pub buildings: Vec<String>,
    pub enabled: bool,
}

#[derive(Debug, Clone)]
pub struct Assignment {
    pub subject: String,
    pub domain: String,
    pub role: String,
    pub scope: String,
    pub buildings: Vec<String>,
    pub from: Option<Moment>,
    pub until: Option<Moment>,
    pub suspended: bool,
}

/// When something begins or ends.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// A plain date of the year 2026.
    Day { month: u32, day: u32 },
    /// Microseconds since the Unix epoch, a whole number of seconds.
    Instant(i64),
}

pub const SECOND: i64 = 1_000_000;
pub const HOUR: i64 = 3600 * SECOND;
pub const DAY: i64 = 24 * HOUR;

/// 2026-01-01T00:00:00Z.
const YEAR_2026: i64 = 1_767_225_600 * SECOND;

/// The start of a day of 2026 in UTC.
pub fn utc_midnight(month: u32, day: u32) -> i64 {
    let before: u32 = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].iter().take(month as usize - 1).sum();
    YEAR_2026 + i64::from(before + day - 1) * DAY
}

/// A time zone with its offset from UTC at the local midnight that a day of 2026 begins with, written down by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Utc,
    /// Summer time from 29 March, 02:00 local, to 25 October, 03:00 local.
    Berlin,
    /// Summer time from 8 March, 02:00 local, to 1 November, 02:00 local.
    NewYork,
    /// Always 5 hours and 45 minutes ahead.
    Kathmandu,
}

impl Zone {
    pub const ALL: [Zone; 4] = [Zone::Utc, Zone::Berlin, Zone::NewYork, Zone::Kathmandu];

    pub fn name(self) -> &'static str {
        match self {
            Zone::Utc => "UTC",
            Zone::Berlin => "Europe/Berlin",
            Zone::NewYork => "America/New_York",
            Zone::Kathmandu => "Asia/Kathmandu",
        }
    }

    /// The instant at which the day begins that is `later` days after a date.
    pub fn start_of_day(self, month: u32, day: u32, later: i64) -> i64 {
        let midnight = utc_midnight(month, day) + later * DAY;
        let within = |from: (u32, u32), until: (u32, u32)| {
            midnight > utc_midnight(from.0, from.1) && midnight <= utc_midnight(until.0, until.1)
        };
        let offset = match self {
            Zone::Utc => 0,
            Zone::Berlin if within((3, 29), (10, 25)) => 2 * HOUR,
            Zone::Berlin => HOUR,
            Zone::NewYork if within((3, 8), (11, 1)) => -4 * HOUR,
            Zone::NewYork => -5 * HOUR,
            Zone::Kathmandu => 5 * HOUR + 45 * 60 * SECOND,
        };
        midnight - offset
    }
}

/// An AuthZEN request as `eval` takes it, at an instant.
#[derive(Debug, Clone)]
pub struct Question {
    pub subject_type: String,
    pub subject_id: String,
    pub action: String,
    pub target: Option<String>,
    pub access: Option<Access>,
    pub resource_type: String,
    pub resource_id: String,
    pub form: Option<String>,
    pub student: Option<String>,
    pub buildings: Option<Vec<String>>,
    pub explicit: Option<Access>,
    /// Microseconds since the Unix epoch.
    pub now: i64,
}

/// The role, domain and scope are stated where the model fixes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub reason: &'static str,
    /// Domain, role, scope.
    pub decided_by: Option<(String, String, String)>,
}

impl Answer {
    pub fn is_allow(&self) -> bool {
        self.reason == "granted"
    }
}

impl Domain {
    /// The place of a level: 0 is the broadest.
    pub fn rank(&self, level: &str) -> usize {
        self.levels.iter().position(|known| known == level).expect("a level of the domain")
    }

    pub fn level_of<'a>(&self, scope: &'a str) -> &'a str {
        scope.split_once('/').expect("a scope is `level/id`").0
    }

    pub fn role(&self, name: &str) -> &Role {
        self.roles.iter().find(|role| role.name == name).expect("a role of the domain")
    }

    pub fn has_scope(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.name == name)
    }

    /// The role and all that it includes, transitively (section 4).
    pub fn with_included<'a>(&'a self, name: &str) -> Vec<&'a Role> {
        let mut all: Vec<&Role> = Vec::new();
        let mut open = vec![self.role(name)];
        while let Some(role) = open.pop() {
            if all.iter().any(|seen| seen.name == role.name) {
                continue;
            }
            all.push(role);
            open.extend(role.includes.iter().map(|name| self.role(name)));
        }
        all
    }

    /// Whether an assignment of the role bears forms: it has `forms` itself or by an include.
    pub fn bears_forms(&self, role: &str) -> bool {
        self.with_included(role).iter().any(|role| role.forms.is_some())
    }
}

impl Bundle {
    pub fn domain(&self, name: &str) -> &Domain {
        self.domains.iter().find(|domain| domain.name == name).expect("a domain")
    }

    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// The name outside its domain.
    pub fn outside(&self, domain: &str, name: &str) -> String {
        if self.domains.len() == 1 { name.to_owned() } else { format!("{domain}/{name}") }
    }

    /// The counts of `expects` (section 5): people, assignments, unassigned, without_buildings.
    pub fn counts(&self, domain: &Domain) -> [usize; 4] {
        let bearing = |person: Option<&str>| -> Vec<&Assignment> {
            self.assignments
                .iter()
                .filter(|a| a.domain == domain.name && person.is_none_or(|id| a.subject == id))
                .filter(|a| !domain.role(&a.role).deleted && domain.bears_forms(&a.role))
                .collect()
        };
        let staff: Vec<&Person> =
            self.people.iter().filter(|person| person.kinds.iter().any(|kind| kind == "staff")).collect();
        let unassigned = staff.iter().filter(|person| bearing(Some(&person.id)).is_empty()).count();
        let without = staff.iter().filter(|person| {
            let held = bearing(Some(&person.id));
            !held.is_empty() && held.iter().all(|a| a.buildings.is_empty())
        });
        [staff.len(), bearing(None).len(), unassigned, without.count()]
    }

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
            for (name, moment) in [("from", a.from), ("until", a.until)] {
                if let Some(moment) = moment {
                    let _ = write!(out, ", {name}: {}", moment_text(moment));
                }
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
        out
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
    let grant = |(module, grant): &(String, Grant)| match grant {
        Grant::Off => format!("{module}: off"),
        Grant::List(words) => match words.as_slice() {
            [only] if only.starts_with("all") => format!("{module}: {only}"),
            words => format!("{module}: [{}]", words.join(", ")),
        },
    };
    if !role.grants.is_empty() {
        let grants: Vec<String> = role.grants.iter().map(grant).collect();
        parts.push(format!("grants: {{{}}}", grants.join(", ")));
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

fn entry_text(entry: Entry) -> String {
    format!("{{default: {}, max: {}}}", entry.default.word(), entry.max.word())
}

fn moment_text(moment: Moment) -> String {
    match moment {
        Moment::Day { month, day } => format!("2026-{month:02}-{day:02}"),
        Moment::Instant(micros) => format!("\"{}\"", hallpass::time::Time::from_unix_micros(micros)),
    }
}
