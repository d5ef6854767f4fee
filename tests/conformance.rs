//! The decision tables of `tests/conformance/`: every row builds a small bundle as text, and must be decided as it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/policy.rs"]
mod policy_support;

use hallpass::decision::{Reason, Rule, explain};
use hallpass::policy::Bundle;
use hallpass::time::Time;
use policy_support::{NOW, ask, load, one_file};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;

type Row = HashMap<String, String>;

/// Reads a table and makes sure that it is the whole of it.
fn rows(name: &str, columns: &[&str], count: usize) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(name);
    let mut reader = csv::Reader::from_path(path).unwrap();
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), columns);
    let rows: Vec<Row> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), count, "rows of {name}");
    let mut asked: Vec<Vec<&str>> =
        rows.iter().map(|row| columns.iter().map(|column| row[*column].as_str()).collect()).collect();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), count, "{name} has a row twice");
    rows
}

/// Decides every row, and tells of all that differ at once.
fn check(rows: &[Row], columns: &[&str], mut differs: impl FnMut(&Row) -> Option<String>) {
    let failures: Vec<String> = (2..)
        .zip(rows)
        .filter_map(|(line, row)| {
            let cells: Vec<&str> = columns.iter().map(|column| row[*column].as_str()).collect();
            differs(row).map(|what| format!("line {line}: {}: {what}", cells.join(",")))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} rows differ:\n{}",
        failures.len(),
        rows.len(),
        failures.join("\n")
    );
}

fn permission_on(level: &str) -> Value {
    json!({
        "subject": {"type": "staff", "id": "ari"},
        "action": {"name": "work.do"},
        "resource": {"type": level, "id": "x"},
    })
}

/// Where the answers are compared: decision, reason, and the level of the deciding role if the table says it.
fn compare(bundle: &Bundle, request: &Value, row: &Row, level: Option<&str>) -> Option<String> {
    let decision = ask(bundle, request);
    let found_level = decision
        .domain
        .zip(decision.role)
        .map(|(id, role)| {
            let domain = &bundle.domains()[id];
            domain.level_name(domain.roles()[role].level)
        })
        .unwrap_or_default();
    let answer = if decision.is_allow() { "allow" } else { "deny" };
    let level_is_right = level.is_none_or(|level| level == found_level);
    let scope_is_right = decision.role.is_some() == decision.scope.is_some();
    let right = answer == row["decision"]
        && decision.reason.as_str() == row["reason"]
        && level_is_right
        && scope_is_right;
    (!right).then(|| format!("found {answer},{found_level},{}", decision.reason))
}

#[test]
fn every_row_of_precedence_is_decided_as_it_says() {
    let columns = [
        "precedence",
        "permission_level",
        "account_role",
        "programme_role",
        "class_role",
        "decision",
        "deciding_level",
        "reason",
    ];
    let rows = rows("precedence.csv", &columns, 162);
    check(&rows, &columns, |row| {
        let levels = ["account", "programme", "class"];
        let permission_level = row["permission_level"].as_str();
        let asked_at = levels.iter().position(|level| *level == permission_level).unwrap();
        let (mut roles, mut assignments) = (String::new(), String::new());
        for (at, level) in levels.into_iter().enumerate() {
            let held = row[&format!("{level}_role")].as_str();
            // A role of a level narrower than the permission's cannot list it.
            let grants = match held {
                "grants" if at <= asked_at => "{work: [do]}",
                "grants" | "lacks" => "{}",
                "absent" => continue,
                other => panic!("{other}"),
            };
            roles.push_str(&format!("      {level}_role: {{level: {level}, grants: {grants}}}\n"));
            assignments.push_str(&format!("  - {{subject: ari, role: {level}_role, scope: {level}/x}}\n"));
        }
        let roles =
            if roles.is_empty() { "    roles: {}\n".to_owned() } else { format!("    roles:\n{roles}") };
        let assignments = match assignments.is_empty() {
            true => "assignments: []\n".to_owned(),
            false => format!("assignments:\n{assignments}"),
        };
        let text = format!(
            "bundle: {{name: t, time_zone: UTC}}\n\
             domains:\n  d:\n    precedence: {}\n    same_scope: any\n    levels: [account, programme, class]\n    \
             scopes: {{account/x: {{programme/x: {{class/x: ~}}}}}}\n    \
             modules: {{work: {{level: {permission_level}, permissions: {{do: {{}}}}}}}}\n{roles}\
             people: {{ari: {{kinds: [staff]}}}}\n{assignments}routes: {{}}\n",
            row["precedence"]
        );
        let bundle = load(&one_file(&text));
        // Asked on the class: the whole chain stands below the account.
        let on_class = compare(&bundle, &permission_on("class"), row, Some(&row["deciding_level"]));
        // And on the scope of its own level, where no narrower role is on the chain: the answer must be the same,
        // because a narrower role never decides it.
        let on_own = compare(&bundle, &permission_on(permission_level), row, Some(&row["deciding_level"]));
        on_class.or(on_own)
    });
}

#[test]
fn every_row_of_gates_is_decided_as_it_says() {
    let columns =
        ["gate_at", "account_role_module", "deciding_role", "required_permission", "decision", "reason"];
    let rows = rows("gates.csv", &columns, 24);
    check(&rows, &columns, |row| {
        let gate = match row["gate_at"].as_str() {
            "none" => "",
            "account" => "gate_at: account, ",
            other => panic!("{other}"),
        };
        let opened = match row["account_role_module"].as_str() {
            "on" => "[]",
            "off" => "off",
            other => panic!("{other}"),
        };
        let granted = match row["deciding_role"].as_str() {
            "grants" => "[do]",
            "lacks" => "[]",
            other => panic!("{other}"),
        };
        let (requires, other_granted) = match row["required_permission"].as_str() {
            "none" => ("", "off"),
            "held" => ("requires: [other.do]", "[do]"),
            "missing" => ("requires: [other.do]", "[]"),
            other => panic!("{other}"),
        };
        let text = format!(
            "bundle: {{name: t, time_zone: UTC}}\n\
             domains:\n  d:\n    precedence: most_specific\n    levels: [account, programme]\n    \
             scopes: {{account/x: {{programme/x: ~}}}}\n    \
             modules:\n      work: {{level: programme, {gate}permissions: {{do: {{{requires}}}}}}}\n      \
             other: {{level: programme, permissions: {{do: {{}}}}}}\n    \
             roles:\n      top: {{level: account, grants: {{work: {opened}}}}}\n      \
             low: {{level: programme, grants: {{work: {granted}, other: {other_granted}}}}}\n\
             people: {{ari: {{kinds: [staff]}}}}\n\
             assignments:\n  - {{subject: ari, role: top, scope: account/x}}\n  \
             - {{subject: ari, role: low, scope: programme/x}}\nroutes: {{}}\n"
        );
        compare(&load(&one_file(&text)), &permission_on("programme"), row, Some("programme"))
    });
}

const FORMS_COLUMNS: [&str; 8] = [
    "default",
    "max",
    "explicit",
    "student_in_building",
    "explicit_grants_outside_buildings",
    "create_outside_buildings",
    "effective",
    "create",
];

/// A request for a document of the form about a student in one building; what the document itself gives is stated.
fn document(action: &str, explicit: &str, building: &str) -> Value {
    json!({
        "subject": {"type": "staff", "id": "ari"},
        "action": {"name": action},
        "resource": {
            "type": "document",
            "id": "d",
            "properties": {"form": "iep", "buildings": [building], "explicit": explicit},
        },
    })
}

#[test]
fn every_row_of_forms_is_decided_as_it_says() {
    let rows = rows("forms.csv", &FORMS_COLUMNS, 320);
    check(&rows, &FORMS_COLUMNS, |row| {
        let building = match row["student_in_building"].as_str() {
            "yes" => "school/in",
            "no" => "school/out",
            other => panic!("{other}"),
        };
        let text = format!(
            "bundle: {{name: t, time_zone: UTC}}\n\
             domains:\n  d:\n    precedence: union\n    levels: [district, school]\n    buildings: school\n    \
             scopes: {{district/x: {{school/in: ~, school/out: ~}}}}\n    forms: {{iep: ~}}\n    \
             when_unassigned: {{default: none, max: none}}\n    \
             when_no_buildings: {{default: none, max: none}}\n    \
             explicit_grants_outside_buildings: {}\n    create_outside_buildings: {}\n    \
             roles: {{r: {{level: district, forms: {{iep: {{default: {}, max: {}}}}}}}}}\n\
             people: {{ari: {{kinds: [staff]}}}}\n\
             assignments: [{{subject: ari, role: r, scope: district/x, buildings: [school/in]}}]\nroutes: {{}}\n",
            row["explicit_grants_outside_buildings"],
            row["create_outside_buildings"],
            row["default"],
            row["max"],
        );
        let bundle = load(&one_file(&text));
        let ladder = ["none", "view", "edit", "owner"];
        let reached = ladder.iter().position(|word| *word == row["effective"]).unwrap();
        for (action, needs) in [("view", 1), ("edit", 2), ("delete", 3)] {
            let decision = ask(&bundle, &document(action, &row["explicit"], building));
            let reason = if needs <= reached { Reason::Granted } else { Reason::LevelBelowRequired };
            if decision.reason != reason {
                return Some(format!("{action}: found {}", decision.reason));
            }
            // Where the default of a covering role suffices it is named; else the document's own grant.
            let by_default = row["student_in_building"] == "yes"
                && ladder.iter().position(|word| *word == row["default"]).unwrap() >= needs;
            let rule = if by_default { Rule::FormDefault } else { Rule::ExplicitGrant };
            if reason == Reason::Granted && decision.rule != rule {
                return Some(format!("{action}: found the rule {}", decision.rule.as_str()));
            }
        }
        // What `explain` says of it is the same.
        let request =
            hallpass::decision::authzen::Request::read(&document("view", &row["explicit"], building));
        let resolved = request.unwrap().resolve(&bundle, Time::parse_rfc3339(NOW).unwrap()).unwrap();
        let facts = explain(&bundle, &resolved.request()).document.unwrap();
        if facts.effective.as_str() != row["effective"] {
            return Some(format!("explain: found {}", facts.effective));
        }
        let decision = ask(&bundle, &document("create", &row["explicit"], building));
        let reason = if row["create"] == "allow" { Reason::Granted } else { Reason::CreateNeedsOwner };
        (decision.reason != reason).then(|| format!("create: found {}", decision.reason))
    });
}
