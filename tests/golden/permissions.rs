//! Role by permission, asked at each level.

use crate::columns::{Columns, WIDTH_MAX};
use crate::holders::{Golden, STUDENT, holder};
use hallpass::decision::{Reason, Rule};
use hallpass::policy::table::{DomainId, PermissionId, ScopeId};
use hallpass::policy::{Domain, Permission, Role};
use serde_json::json;

pub(crate) const LEGEND: &str = "\
Somebody who holds this one role is asked at the scope where it is held and at one of each level below: a letter for each.
  +  granted                                     -  not granted by the role
  c  granted in the classes that they teach      .  no role that decides this
  k  granted for their own children              g  off: the role at the gate's level does not have the module on
  s  granted for themselves                      r  a permission that it requires is missing
  a  granted where it is assigned to them        p  the plan of the school leaves it out
  O C K S A  the same, where the option is on    x  the module is switched off for everybody here
  !  granted after stepping up                   m  a role at another level is mandatory
  (ck) granted in either relation                   blank: the scope is broader than the permission
After the name: P power, L linked (requires others), G gated by a role of a broader level, N not decided by roles of other levels,
S asks for step-up.
";

/// Own classes, own children, self, assigned.
const RELATIONS: [&str; 4] = ["c", "k", "s", "a"];

/// The tables of a domain: one for each level of roles on each chain.
pub(crate) fn tables(golden: &Golden, id: DomainId) -> String {
    let domain = &golden.bundle.domains()[id];
    let heading = format!("DOMAIN {}: ROLES AND PERMISSIONS", domain.name());
    let mut text = format!("\n{heading}\n{}\n", "=".repeat(heading.len()));
    text.push_str(&roles(domain));
    if domain.permissions().is_empty() {
        return text;
    }
    for (at, chain) in golden.chains[&id].iter().enumerate() {
        for held in chain.iter().rev() {
            text.push_str(&Table { golden, id, domain, at, chain, held: *held }.text());
        }
    }
    text
}

/// What is true of the roles themselves.
fn roles(domain: &Domain) -> String {
    let rows = domain.roles().iter().map(|(_, role)| {
        let givers = role.assignable_by.iter().flatten().map(|giver| domain.roles()[*giver].name.as_str());
        let marks = [
            (role.locked, "locked"),
            (role.never_overridden, "never overridden"),
            (role.deleted, "deleted"),
            (role.bears_forms(), "forms"),
        ];
        let marks: Vec<&str> = marks.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
        vec![
            role.name.clone(),
            domain.level_name(role.level).to_owned(),
            or_dash(givers.collect::<Vec<_>>().join(", ")),
            or_dash(marks.join(", ")),
        ]
    });
    let heads = ["role", "level", "given by", "marks"].map(str::to_owned).to_vec();
    Columns { heads, rows: rows.collect(), fixed: 4 }.text()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

/// The roles that are held at one scope of a chain.
struct Table<'g> {
    golden: &'g Golden,
    id: DomainId,
    domain: &'g Domain,
    /// The number of the chain.
    at: usize,
    chain: &'g [ScopeId],
    held: ScopeId,
}

impl Table<'_> {
    fn text(&self) -> String {
        let level = self.domain.node(self.held).unwrap().level;
        let roles: Vec<&Role> = self
            .domain
            .roles()
            .iter()
            .map(|(_, role)| role)
            .filter(|role| !role.deleted && role.level == level)
            .collect();
        if roles.is_empty() {
            return String::new();
        }
        let columns: Vec<(&Role, Vec<String>)> =
            roles.iter().map(|role| (*role, self.column(role))).collect();
        let name = |scope: &ScopeId| self.golden.bundle.scopes().name(*scope);
        let below: Vec<&str> = self.asked_at().iter().map(name).collect();
        let mut text = format!("\nHeld at {}, asked at {}\n\n", name(&self.held), below.join(", "));
        let (speaking, silent): (Vec<_>, Vec<_>) =
            columns.into_iter().partition(|(_, cells)| cells.iter().any(|cell| is_more_than_a_no(cell)));
        if !speaking.is_empty() {
            let heads = ["permission".to_owned(), String::new()].into_iter();
            let heads = heads.chain(speaking.iter().map(|(role, _)| role.name.clone())).collect();
            let permissions = self.domain.permissions().iter().enumerate();
            let rows = permissions.map(|(row, (_, permission))| {
                let fixed = [permission.name.clone(), marks(self.domain, permission)].into_iter();
                fixed.chain(speaking.iter().map(|(_, cells)| cells[row].clone())).collect()
            });
            let (decided, others): (Vec<Vec<String>>, Vec<_>) = rows.partition(|row: &Vec<String>| {
                row[2..].iter().any(|cell| cell.chars().any(|letter| !matches!(letter, '.' | ' ')))
            });
            text.push_str(&Columns { heads, rows: decided, fixed: 2 }.text());
            let others: Vec<&str> = others.iter().map(|row| row[0].as_str()).collect();
            let others = self.by_module(&others);
            text.push_str(&list(
                "Decided by none of these roles",
                others.iter().map(String::as_str).collect(),
            ));
        }
        text.push_str(&list(
            "Nothing is granted to",
            silent.iter().map(|(role, _)| &role.name[..]).collect(),
        ));
        text
    }

    /// The names of permissions, with a module of which all are there as `module.*`.
    fn by_module(&self, names: &[&str]) -> Vec<String> {
        let module = |name: &str| name.split('.').next().unwrap().to_owned();
        let all: Vec<&str> =
            self.domain.permissions().iter().map(|(_, permission)| &permission.name[..]).collect();
        let mut short: Vec<String> = names
            .iter()
            .map(|name| {
                let others = all.iter().filter(|other| module(other) == module(name));
                let is_whole = others.clone().all(|other| names.contains(other));
                if is_whole { format!("{}.*", module(name)) } else { (*name).to_owned() }
            })
            .collect();
        short.dedup();
        short
    }

    /// The scope where the role is held and those below, broad to narrow.
    fn asked_at(&self) -> Vec<ScopeId> {
        self.chain.iter().rev().skip_while(|scope| **scope != self.held).copied().collect()
    }

    /// A cell for each permission.
    fn column(&self, role: &Role) -> Vec<String> {
        let permissions = self.domain.permissions().iter();
        permissions
            .map(|(id, _)| self.asked_at().iter().map(|scope| self.cell(role, id, *scope)).collect())
            .collect()
    }

    fn cell(&self, role: &Role, permission: PermissionId, scope: ScopeId) -> String {
        let letter = self.letter(role, permission, scope, "");
        if matches!(letter, '+' | '!' | ' ') {
            return letter.to_string();
        }
        for (options, outright) in [(false, '+'), (true, 'O')] {
            if self.ask(role, permission, scope, options, "").0 == Reason::Granted {
                return outright.to_string();
            }
            let within = RELATIONS
                .into_iter()
                .filter(|relation| self.ask(role, permission, scope, options, relation).0 == Reason::Granted);
            let within: String = within.collect();
            let within = if options { within.to_ascii_uppercase() } else { within };
            match within.len() {
                0 => {}
                1 => return within,
                _ => return format!("({within})"),
            }
        }
        if letter != '?' {
            return letter.to_string();
        }
        // A relation holds and is not enough: the letter is that of what is missing besides.
        let within = RELATIONS.into_iter().map(|relation| self.letter(role, permission, scope, relation));
        let missing = within.into_iter().find(|letter| *letter != '?');
        missing
            .unwrap_or_else(|| panic!("{} {permission:?}: no single relation holds", role.name))
            .to_string()
    }

    /// The letter of one answer, `?` where a relation does not hold or is not said.
    fn letter(&self, role: &Role, permission: PermissionId, scope: ScopeId, relation: &str) -> char {
        let (reason, rule) = self.ask(role, permission, scope, false, relation);
        match (reason, rule) {
            (Reason::Granted, _) => '+',
            (Reason::StepUpRequired, _) => '!',
            (Reason::WrongLevel, _) => ' ',
            (Reason::PermissionNotGranted, Rule::Plan) => 'p',
            (Reason::PermissionNotGranted, _) => '-',
            (Reason::NoRoleInContext, Rule::Plan) => 'p',
            (Reason::NoRoleInContext, _) => '.',
            (Reason::ModuleGated, Rule::ModulesOff) => 'x',
            (Reason::ModuleGated, _) => 'g',
            (Reason::RequiresMissing, _) => 'r',
            (Reason::NoAccountRole, _) => 'm',
            (Reason::RelationUnmet | Reason::AttributeMissing, _) => '?',
            other => panic!("{} {:?} has no letter", role.name, other),
        }
    }

    fn ask(
        &self,
        role: &Role,
        permission: PermissionId,
        scope: ScopeId,
        options: bool,
        relation: &str,
    ) -> (Reason, Rule) {
        let person = holder(self.domain, role, self.at, options, relation == "c");
        let name = &self.domain.permissions()[permission].name;
        let mut action = json!({"name": self.golden.bundle.outside_name(self.id, name)});
        let (level, id) = self.golden.bundle.scopes().name(scope).split_once('/').unwrap();
        let mut resource = json!({"type": level, "id": id});
        match relation {
            "k" => resource["properties"] = json!({"student": STUDENT}),
            "a" => resource["properties"] = json!({"assigned": [person]}),
            "s" => action["properties"] = json!({"target": person}),
            _ => {}
        }
        let decision = self.golden.ask(&person, action, resource);
        (decision.reason, decision.rule)
    }
}

fn is_more_than_a_no(cell: &str) -> bool {
    cell.chars().any(|letter| !matches!(letter, '-' | '.' | ' '))
}

/// A line that names what is not in the table, cut where it is too long. Nothing where there is nothing to name.
fn list(what: &str, names: Vec<&str>) -> String {
    let mut lines = vec![format!("\n{what}:")];
    for (at, name) in names.iter().enumerate() {
        let word = format!(" {name}{}", if at + 1 == names.len() { "" } else { "," });
        match lines.last_mut() {
            Some(line) if line.len() + word.len() <= WIDTH_MAX => line.push_str(&word),
            _ => lines.push(format!(" {word}")),
        }
    }
    if names.is_empty() { String::new() } else { format!("{}\n", lines.join("\n")) }
}

/// What is true of a permission in every role.
fn marks(domain: &Domain, permission: &Permission) -> String {
    let marks = [
        (permission.power, 'P'),
        (!permission.requires.is_empty(), 'L'),
        (domain.modules()[permission.module].gate_at.is_some(), 'G'),
        (permission.only_at.is_some(), 'N'),
        (permission.step_up.is_some(), 'S'),
    ];
    marks.iter().filter(|(on, _)| *on).map(|(_, letter)| letter).collect()
}
