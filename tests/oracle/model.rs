//! A bundle and a question as plain data: strings and lists, no ids, nothing precomputed.

use super::route::Route;

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
    pub enrolments: Vec<Enrolment>,
    pub guardians: Vec<Guardian>,
    pub blocks: Vec<Block>,
    pub routes: Vec<Route>,
}

/// From when until when something holds. What is not written is open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dates {
    pub from: Option<Moment>,
    pub until: Option<Moment>,
}

#[derive(Debug, Clone)]
pub struct Enrolment {
    pub person: String,
    pub scope: String,
    pub teaches: bool,
    pub dates: Dates,
}

#[derive(Debug, Clone)]
pub struct Guardian {
    pub guardian: String,
    pub student: String,
    pub dates: Dates,
}

#[derive(Debug, Clone)]
pub struct Block {
    pub subject: String,
    pub from_what: Blocked,
    pub dates: Dates,
}

#[derive(Debug, Clone)]
pub enum Blocked {
    Student(String),
    Scope(String),
}

/// What narrows a grant (section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    OwnClasses,
    OwnChildren,
    Self_,
    Assigned,
}

impl Relation {
    pub const ALL: [Relation; 4] =
        [Relation::OwnClasses, Relation::OwnChildren, Relation::Self_, Relation::Assigned];

    pub fn word(self) -> &'static str {
        match self {
            Relation::OwnClasses => "own_classes",
            Relation::OwnChildren => "own_children",
            Relation::Self_ => "self",
            Relation::Assigned => "assigned",
        }
    }
}

/// A word with the relation that narrows it: in roles a permission of the module, `all` or `all_and_power`; in custom
/// sets the full name of a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub word: String,
    pub relation: Option<Relation>,
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
    /// Full names of permissions.
    pub base: Vec<String>,
    /// Modules that are off, by root.
    pub modules_off: Vec<(String, Vec<String>)>,
    /// Scopes in which no work is done any more.
    pub archived: Vec<String>,
    /// `self_update: {add: deny}`.
    pub add_to_oneself_denied: bool,
    /// By category.
    pub titles: Vec<(String, Vec<String>)>,
    /// By the scope that names it.
    pub plans: Vec<(String, Plan)>,
}

/// What a plan leaves, by full names of permissions.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `exactly`, else `any_of`.
    pub exactly: bool,
    pub permissions: Vec<String>,
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
    /// `power_requires`: claim, has.
    pub step_up: Option<(String, String)>,
    pub only_at: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Role {
    pub name: String,
    pub level: String,
    pub deleted: bool,
    pub never_overridden: bool,
    pub grants: Vec<(String, Grant)>,
    pub optional: Vec<(String, Grant)>,
    pub includes: Vec<String>,
    pub assignable_by: Vec<String>,
    pub locked: bool,
    /// By form, `group:name` or `*`. `None`: the role says nothing about documents.
    pub forms: Option<Vec<(String, Entry)>>,
}

#[derive(Debug, Clone)]
pub enum Grant {
    Off,
    /// Permissions of the module by their short names; `all` or `all_and_power` may come first.
    List(Vec<Item>),
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

#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub dates: Dates,
    pub suspended: bool,
    /// Full names of permissions.
    pub options: Vec<String>,
    /// A custom set.
    pub permissions: Option<Vec<Item>>,
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
    pub assigned: Option<Vec<String>>,
    /// Properties of the subject that are words or lists of words.
    pub claims: Vec<(String, Claim)>,
    /// Microseconds since the Unix epoch.
    pub now: i64,
}

#[derive(Debug, Clone)]
pub enum Claim {
    Word(String),
    List(Vec<String>),
    Number,
    /// A list of this word and a number.
    Mixed(String),
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

    /// The full name of every permission.
    pub fn permission_names(&self) -> Vec<String> {
        let full = |module: &Module| -> Vec<String> {
            let names = module.permissions.iter();
            names.map(|permission| format!("{}.{}", module.name, permission.name)).collect()
        };
        self.modules.iter().flat_map(full).collect()
    }

    /// Whether a scope is archived, or lies in one that is.
    pub fn is_archived(&self, scope: &str) -> bool {
        super::evaluate::chain(self, scope).iter().any(|above| self.archived.contains(above))
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
}
