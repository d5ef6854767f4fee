//! Forms and the rules for documents, and the counts that a bundle with a generous fallback must state.

use super::domain::Draft;
use super::{names, roles};
use crate::policy::access::Entry;
use crate::policy::bundle::{Fallback, Revision};
use crate::policy::domain::{Form, Forms, Permission};
use crate::policy::people::Kind;
use crate::policy::source::{Diags, Fields, Node, Value, choose};
use crate::policy::table::{DomainId, FormId, PermissionId, PersonId, Table};

/// The permission that sharing and transferring may rest on instead of owning the document.
const ADMINISTER: &str = "documents.administer";

pub(super) fn read(
    draft: &Draft<'_>,
    permissions: &Table<PermissionId, Permission>,
    diags: &mut Diags,
) -> Option<Forms> {
    let Some(node) = draft.fields.get("forms") else {
        for key in ["buildings", "when_unassigned", "when_no_buildings", "expects", "role_without_buildings"]
        {
            if draft.fields.get(key).is_some() {
                diags
                    .error(draft.fields.key_span(key), "no_forms", format!("`{key}` needs `forms` beside it"))
                    .help("declare the forms of this domain, or take this out");
            }
        }
        return None;
    };
    let mut forms: Table<FormId, Form> = Table::default();
    for (key, node) in node.as_map("the forms by name", diags).unwrap_or_default() {
        names::check(&key.text, "a form", key.span, diags);
        if let Some(form) = read_form(&key.text, node, diags) {
            forms.push(form);
        }
    }
    let fields = &draft.fields;
    let buildings = fields.need("buildings", diags).and_then(|node| draft.read_level(node, diags));
    let unassigned = fields.need("when_unassigned", diags).and_then(|node| roles::read_entry(node, diags));
    let no_buildings =
        fields.need("when_no_buildings", diags).and_then(|node| roles::read_entry(node, diags));
    let allow_or_deny = |name: &str, diags: &mut Diags| {
        let node = fields.need(name, diags)?;
        choose(node, "an answer", &[("allow", true), ("deny", false)], diags)
    };
    let explicit = allow_or_deny("explicit_grants_outside_buildings", diags);
    let create = allow_or_deny("create_outside_buildings", diags);
    let bare = fields.get("role_without_buildings").map(|node| {
        let words = [("inactive", false), ("baseline", true)];
        choose(node, "what a role without a building means beside others", &words, diags)
    });
    Some(Forms {
        buildings: buildings?,
        forms,
        // What could not be read is told above, and the bundle does not load: the closed value keeps one mistake from
        // making others.
        fallback: Fallback {
            unassigned: unassigned.unwrap_or_default(),
            no_buildings: no_buildings.unwrap_or_default(),
        },
        explicit_grants_outside_buildings: explicit.unwrap_or(false),
        create_outside_buildings: create.unwrap_or(false),
        bare_assignments_cover: bare.flatten().unwrap_or(false),
        administer: permissions
            .iter()
            .find(|(_, permission)| permission.name == ADMINISTER)
            .map(|(id, _)| id),
    })
}

fn read_form(name: &str, node: &Node, diags: &mut Diags) -> Option<Form> {
    let mut form = Form { name: name.to_owned(), title: None, groups: Vec::new(), deleted: false };
    if matches!(node.value, Value::Null) {
        return Some(form);
    }
    let fields = Fields::of(node, "a form", &["title", "groups", "deleted"], diags)?;
    form.title = fields.get("title").and_then(|node| node.as_text("text", diags)).map(str::to_owned);
    form.deleted =
        fields.get("deleted").and_then(|node| node.as_bool("true or false", diags)).unwrap_or(false);
    let groups = fields.get("groups").and_then(|node| node.as_list("names of groups", diags));
    for item in groups.unwrap_or_default() {
        if let Some(group) = item.as_text("the name of a group", diags) {
            names::check(group, "a group", item.span, diags);
            form.groups.push(group.to_owned());
        }
    }
    Some(form)
}

/// What the data holds, as `expects` states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    people: u32,
    assignments: u32,
    unassigned: u32,
    without_buildings: u32,
}

impl Counts {
    const NAMES: [&'static str; 4] = ["people", "assignments", "unassigned", "without_buildings"];

    fn of(bundle: &Revision, domain: DomainId) -> Counts {
        let mut counts = Counts { people: 0, assignments: 0, unassigned: 0, without_buildings: 0 };
        for (person, row) in bundle.people.iter() {
            let held = form_bearing(bundle, person, domain);
            counts.assignments += held.stored;
            if row.kinds.contains(Kind::Staff) {
                counts.people += 1;
                counts.unassigned += u32::from(!held.any);
                counts.without_buildings += u32::from(held.any && !held.names_a_building);
            }
        }
        counts
    }

    fn list(self) -> [u32; 4] {
        [self.people, self.assignments, self.unassigned, self.without_buildings]
    }
}

/// The form-bearing assignments of a person.
#[derive(Default)]
struct Borne {
    /// How many are stored; those that follow from a roster are not.
    stored: u32,
    any: bool,
    names_a_building: bool,
}

fn form_bearing(bundle: &Revision, person: PersonId, domain: DomainId) -> Borne {
    let roles = bundle.domains[domain].roles();
    let held =
        bundle.assignments(person, domain).iter().filter(|assignment| roles[assignment.role].bears_forms());
    held.fold(Borne::default(), |borne, assignment| Borne {
        stored: borne.stored + u32::from(!assignment.from_roster),
        any: true,
        names_a_building: borne.names_a_building || assignment.names_a_building(),
    })
}

/// A bundle whose fallback gives anything says how many people it reaches: a shorter file is never read as a smaller
/// school, in which fewer roles would mean more rights.
pub(super) fn check_expectations(bundle: &Revision, drafts: &[Draft<'_>], diags: &mut Diags) {
    for ((id, domain), draft) in bundle.domains.iter().zip(drafts) {
        let Some(forms) = domain.forms() else { continue };
        let counts = Counts::of(bundle, id);
        let generous =
            forms.fallback.unassigned != Entry::NOTHING || forms.fallback.no_buildings != Entry::NOTHING;
        let right: Vec<String> =
            Counts::NAMES.iter().zip(counts.list()).map(|(name, count)| format!("{name}: {count}")).collect();
        let right =
            format!("the data has `expects: {{{}}}`; write that if it is what you mean", right.join(", "));
        let Some(node) = draft.fields.get("expects") else {
            if generous {
                let message =
                    "people without roles can have documents here, so the bundle must say how many there are";
                diags.error(draft.fields.key_span("when_unassigned"), "missing_key", message).help(right);
            }
            continue;
        };
        let Some(fields) = Fields::of(node, "the expected counts", &Counts::NAMES, diags) else { continue };
        for (name, count) in Counts::NAMES.iter().zip(counts.list()) {
            let Some(node) = fields.need(name, diags) else { continue };
            let Some(stated) = node.as_u32("a count", diags) else { continue };
            if stated != count {
                let message = format!("`{name}` is {stated} here and {count} in the data");
                diags.error(node.span, "unexpected_count", message).help(right.clone());
            }
        }
    }
}
