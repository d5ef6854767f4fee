//! Role by form: what a role says, and what comes of it.

use crate::columns::Columns;
use crate::holders::{Golden, NOBODY, with_building};
use hallpass::policy::table::DomainId;
use hallpass::policy::{Access, Form, Role};
use serde_json::{Value, json};

pub(crate) const LEGEND: &str = "\
What a role says of a form is default|max. What comes of it stands in letters: the access to a document without being added, added
to view, added to edit and as its owner (- none, v view, e edit, o owner), then whether a new one may be created (+ yes, - no).
  inside       the role is held for a building, and the student is in it
  outside      the role is held for a building, and the student is in another
  bare         the role is held for no building
";

/// The tables of a domain with forms.
pub(crate) fn tables(golden: &Golden, id: DomainId) -> String {
    let domain = &golden.bundle.domains()[id];
    let Some(forms) = domain.forms() else { return String::new() };
    let heading = format!("DOMAIN {}: ROLES AND FORMS", domain.name());
    let mut text = format!("\n{heading}\n{}\n", "=".repeat(heading.len()));
    let mut buildings = golden
        .bundle
        .scopes()
        .iter()
        .filter(|(scope, _)| domain.node(*scope).is_some_and(|node| node.level == forms.buildings));
    let inside = buildings.next().unwrap().1;
    let outside = buildings.next().unwrap().1;
    let mut rows = Vec::new();
    let roles = domain.roles().iter().map(|(_, role)| role);
    for role in roles.filter(|role| role.bears_forms() && !role.deleted) {
        rows.extend(forms.forms.iter().map(|(form_id, form)| {
            let ask = |building: &str, named: bool| {
                letters(golden, id, &with_building(domain, role, named), form, building)
            };
            let said = role.entry(form_id).to_string();
            row(Some(role), form, said, ask(inside, true), ask(outside, true), ask(inside, false))
        }));
    }
    rows.extend(forms.forms.iter().map(|(_, form)| {
        let nobody = |building| letters(golden, id, NOBODY, form, building);
        row(None, form, String::new(), String::new(), String::new(), nobody(inside))
    }));
    let heads = ["role", "form", "default|max", "inside", "outside", "bare"].map(str::to_owned).to_vec();
    text.push_str(&Columns { heads, rows, fixed: 6 }.text());
    text
}

fn row(
    role: Option<&Role>,
    form: &Form,
    said: String,
    inside: String,
    outside: String,
    bare: String,
) -> Vec<String> {
    let role = role.map_or("(staff without any)", |role| &role.name).to_owned();
    let deleted = if form.deleted { " (deleted)" } else { "" };
    vec![role, format!("{}{deleted}", form.name), said, inside, outside, bare]
}

/// `veeo -`: access without being added and by each way of being added; creating.
fn letters(golden: &Golden, domain: DomainId, person: &str, form: &Form, building: &str) -> String {
    let form = golden.bundle.outside_name(domain, &form.name);
    let may = |action: &str, explicit: &str| {
        let properties: Value = json!({
            "form": form, "buildings": [building], "explicit": explicit,
        });
        let resource = json!({"type": "document", "id": "new", "properties": properties});
        golden.ask(person, json!({"name": action}), resource).is_allow()
    };
    let access = |(explicit, _): &(&str, Access)| match (
        may("view", explicit),
        may("edit", explicit),
        may("delete", explicit),
    ) {
        (false, false, false) => '-',
        (true, false, false) => 'v',
        (true, true, false) => 'e',
        (true, true, true) => 'o',
        other => panic!("not a ladder: {other:?}"),
    };
    let letters: String = Access::WORDS.iter().map(access).collect();
    format!("{letters} {}", if may("create", "none") { '+' } else { '-' })
}
