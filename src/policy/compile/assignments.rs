//! Assignments: who holds which role where, in which buildings, from when until when.

use super::dates::{self, End};
use super::domain::Draft;
use super::files::Files;
use super::{Word, grants, names, people, relations};
use crate::policy::bundle::Revision;
use crate::policy::domain::{Domain, Plan};
use crate::policy::grants::Grants;
use crate::policy::holders::{Holders, Row as HeldRow, Tenure};
use crate::policy::source::{Diags, Fields, Node, Row, Span, read_table};
use crate::policy::table::{DomainId, Id, List, PermissionId, PersonId, RoleId, ScopeId, TenureId};
use crate::time::Time;
use jiff::tz::TimeZone;

const COLUMNS: &[&str] = &[
    "subject",
    "role",
    "scope",
    "buildings",
    "from",
    "until",
    "suspended",
    "source",
    "options",
    "permissions",
    "title",
    "note",
];
const REQUIRED: &[&str] = &["subject", "role", "scope"];

/// One row, from whichever kind of file.
struct AssignmentRow {
    subject: Word,
    role: Word,
    scope: Word,
    buildings: Vec<Word>,
    from: Option<Word>,
    until: Option<Word>,
    source: Option<Word>,
    suspended: bool,
    options: Vec<Word>,
    /// A custom set; an empty one is a set of nothing.
    permissions: Option<Vec<Word>>,
    title: Option<Word>,
    span: Span,
}

/// An assignment, who has it, and where it is written.
pub(super) struct Held {
    pub(super) person: PersonId,
    pub(super) scope: ScopeId,
    pub(super) tenure: TenureId,
    pub(super) span: Span,
}

/// Reads all assignments into the bundle, packed by person.
pub(super) fn read(
    bundle: &mut Revision,
    root: &Fields<'_>,
    files: &Files<'_>,
    zone: &TimeZone,
    drafts: &[Draft<'_>],
    derived: Vec<Held>,
    diags: &mut Diags,
) {
    let mut held: Vec<Held> = derived;
    if let Some(node) = root.get("assignments") {
        for item in node.as_list("a list of assignments", diags).unwrap_or_default() {
            if let Some(row) = from_node(item, diags) {
                held.extend(resolve(bundle, row, zone, diags));
            }
        }
    }
    for (source, file) in files.tables("assignments") {
        read_table(source, file, COLUMNS, REQUIRED, diags, |row, diags| {
            if let Some(row) = from_row(row, diags) {
                held.extend(resolve(bundle, row, zone, diags));
            }
        });
    }
    held.sort_by_key(|h| {
        let Tenure { domain, role, from, from_roster, .. } = *bundle.holders.tenures.get(h.tenure);
        (h.person, domain, h.scope, role, from, from_roster)
    });
    check_same_scope(bundle, &held, drafts, diags);
    check_left_out(bundle, &held, diags);
    pack(bundle, held);
}

fn from_node(node: &Node, diags: &mut Diags) -> Option<AssignmentRow> {
    let fields = Fields::of(node, "an assignment", COLUMNS, diags)?;
    let word = |node: &Node, diags: &mut Diags| {
        let text = node.as_text("text", diags)?;
        Some(Word { text: text.to_owned(), span: node.span })
    };
    let subject = fields.need("subject", diags).and_then(|node| word(node, diags));
    let role = fields.need("role", diags).and_then(|node| word(node, diags));
    let scope = fields.need("scope", diags).and_then(|node| word(node, diags));
    let suspended = fields.get("suspended").map(|node| node.as_bool("true or false", diags));
    if let Some(node) = fields.get("note") {
        node.as_text("text", diags);
    }
    Some(AssignmentRow {
        buildings: fields
            .get("buildings")
            .map(|node| people::words(node, "buildings", diags))
            .unwrap_or_default(),
        from: fields.get("from").and_then(|node| word(node, diags)),
        until: fields.get("until").and_then(|node| word(node, diags)),
        source: fields.get("source").and_then(|node| word(node, diags)),
        suspended: suspended.flatten().unwrap_or(false),
        options: fields.get("options").map(|node| people::words(node, "options", diags)).unwrap_or_default(),
        permissions: fields.get("permissions").map(|node| people::words(node, "permissions", diags)),
        title: fields.get("title").and_then(|node| word(node, diags)),
        span: fields.span(),
        subject: subject?,
        role: role?,
        scope: scope?,
    })
}

fn from_row(row: &Row<'_>, diags: &mut Diags) -> Option<AssignmentRow> {
    let word =
        |column: &str| row.get(column).map(|cell| Word { text: cell.text.to_string(), span: cell.span });
    let list = |column: &str| {
        let cells = row.list(column).into_iter();
        cells.map(|cell| Word { text: cell.text.to_owned(), span: cell.span }).collect::<Vec<_>>()
    };
    // An empty cell says nothing; a set of nothing is written out.
    let permissions = match list("permissions") {
        words if words.is_empty() => None,
        words if words.len() == 1 && words.iter().all(|word| word.text == "none") => Some(Vec::new()),
        words => Some(words),
    };
    let suspended = match word("suspended") {
        None => false,
        Some(word) => flag(&word, diags)?,
    };
    Some(AssignmentRow {
        subject: word("subject")?,
        role: word("role")?,
        scope: word("scope")?,
        buildings: list("buildings"),
        options: list("options"),
        permissions,
        title: word("title"),
        from: word("from"),
        until: word("until"),
        source: word("source"),
        suspended,
        span: row.span(),
    })
}

/// A cell that says `true` or `false`.
pub(super) fn flag(word: &Word, diags: &mut Diags) -> Option<bool> {
    match word.text.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        other => {
            let message = format!("`{}` is neither `true` nor `false`", other.escape_debug());
            diags.error(word.span, "wrong_type", message).help("write `true` or `false`");
            None
        }
    }
}

fn resolve(bundle: &mut Revision, row: AssignmentRow, zone: &TimeZone, diags: &mut Diags) -> Option<Held> {
    let person = relations::person(bundle, &row.subject, diags);
    let role = find_role(bundle, &row.role, diags);
    let scope = role.and_then(|(domain, role)| find_scope(bundle, domain, role, &row.scope, diags));
    let mut buildings: Vec<ScopeId> = Vec::new();
    if let Some((domain, _)) = role {
        let domain = [&bundle.domains[domain]];
        for word in &row.buildings {
            buildings.extend(people::building(word, &domain, &bundle.scopes, diags));
        }
    }
    let from = row.from.as_ref().map(|word| dates::read(word, End::From, zone, diags));
    let until = row.until.as_ref().map(|word| dates::read(word, End::Until, zone, diags));
    if let Some(word) = &row.source
        && !matches!(word.text.as_str(), "manual" | "sync")
    {
        names::unknown("source of assignments", &word.text, word.span, ["manual", "sync"], diags);
    }
    let (from, until) = (from.unwrap_or(Some(Time::MIN))?, until.unwrap_or(Some(Time::MAX))?);
    if from >= until {
        let span = row.until.as_ref().or(row.from.as_ref()).map_or(row.span, |word| word.span);
        diags
            .error(span, "bad_date", format!("it ends at {until}, before it begins at {from}"))
            .help("`from` must lie before `until`");
    }
    let (person, (domain, role), scope) = (person?, role?, scope?);
    let row_of_role = &bundle.domains[domain].roles()[role];
    if row_of_role.deleted {
        if let Some(into) = row_of_role.merged_into {
            let into = &bundle.domains[domain].roles()[into].name;
            let message = format!("`{}` was merged into `{into}`, and gives nothing", row_of_role.name);
            diags
                .warning(row.role.span, "merged_role", message)
                .help(format!("assign `{into}` instead, or take it out"));
        }
        return None; // It stays in the data and counts as not there.
    }
    check_buildings(bundle, domain, role, scope, &row, diags);
    let set = row.permissions.as_ref().map(|words| custom_set(bundle, domain, role, words, diags));
    if let Some(set) = &set {
        check_plan(bundle, domain, scope, set, row.span, diags);
    }
    let set = set.map(|grants| bundle.sets.put(grants));
    let options = options(bundle, domain, role, &row.options, diags);
    if let Some(word) = &row.title {
        check_title(&bundle.domains[domain], word, diags);
    }
    let tenure = bundle.holders.tenures.put(Tenure {
        domain,
        role,
        from,
        until,
        suspended: row.suspended,
        archived: bundle.domains[domain].is_archived(scope),
        from_roster: false,
        set,
        buildings: bundle.buildings.put(&buildings),
        options,
    });
    Some(Held { person, scope, tenure, span: row.span })
}

/// The permissions of an assignment in the place of its role's; plans that allow a choice bound it.
fn custom_set(
    bundle: &Revision,
    domain: DomainId,
    role: RoleId,
    words: &[Word],
    diags: &mut Diags,
) -> Grants {
    let domain = &bundle.domains[domain];
    let mut reader = grants::Reader::new(domain, domain.roles()[role].level);
    let role = &domain.roles()[role];
    for word in words {
        reader.by_name(word, diags);
        if role.grants.has_relations() && !word.text.contains(':') {
            let message = format!(
                "`{}` is had for everybody here, where `{}` has relations",
                word.text.escape_debug(),
                role.name
            );
            diags
                .warning(word.span, "bare_permission", message)
                .help(format!("write `{}:RELATION` if it is meant for one's own", word.text.escape_debug()));
        }
    }
    Grants::pack(reader.grants, reader.modules_on)
}

/// Where the plan of a school allows a choice, nothing outside of it may be listed (`CT-20`).
fn check_plan(
    bundle: &Revision,
    domain: DomainId,
    scope: ScopeId,
    set: &Grants,
    span: Span,
    diags: &mut Diags,
) {
    let domain = &bundle.domains[domain];
    for (school, plan) in domain.plans(scope) {
        let Plan::AnyOf(allowed) = plan else { continue };
        for permission in set.listed().into_iter().filter(|id| !allowed.contains(*id) && !domain.is_base(*id))
        {
            let name = &domain.permissions[permission].name;
            let school = bundle.scopes.name(school);
            diags
                .error(span, "outside_plan", format!("`{name}` lies outside the plan of {school}"))
                .help("take it out of the custom set, or change the plan");
        }
    }
}

fn options(
    bundle: &mut Revision,
    domain: DomainId,
    role: RoleId,
    words: &[Word],
    diags: &mut Diags,
) -> List<PermissionId> {
    let mut options = Vec::new();
    for word in words {
        let row = &bundle.domains[domain];
        let role = &row.roles()[role];
        let Some(id) = grants::permission(row, &word.text, word.span, diags) else { continue };
        if role.grants.option(id).next().is_none() {
            diags
                .error(
                    word.span,
                    "not_optional",
                    format!("`{}` is not optional in `{}`", word.text, role.name),
                )
                .help("list it under `optional` of the role, or take it out");
        }
        options.push(id);
    }
    bundle.options.put(&options)
}

/// `category/title`, a pair of the catalogue (`CT-02`).
fn check_title(domain: &Domain, word: &Word, diags: &mut Diags) {
    let listed = domain.titles().iter().map(|(category, title)| format!("{category}/{title}"));
    let listed: Vec<String> = listed.collect();
    if !listed.contains(&word.text) {
        let help = names::one_of(&word.text, &listed.iter().map(String::as_str).collect::<Vec<_>>());
        let message = format!("`{}` is not a title of the catalogue", word.text.escape_debug());
        diags.error(word.span, "unknown_title", message).help(help);
    }
}

type RoleIn = (DomainId, RoleId);

fn find_role(bundle: &Revision, word: &Word, diags: &mut Diags) -> Option<RoleIn> {
    let found = bundle
        .split_name(&word.text)
        .and_then(|(domain, name)| Some((domain, bundle.domains[domain].role(name)?)));
    if found.is_none() {
        let roles = bundle.domains.iter().flat_map(|(id, domain)| {
            domain.roles().iter().map(move |(_, role)| bundle.outside_name(id, &role.name))
        });
        let known: Vec<String> = roles.collect();
        names::unknown("role", &word.text, word.span, known.iter().map(String::as_str), diags);
    }
    found
}

fn find_scope(
    bundle: &Revision,
    domain: DomainId,
    role: RoleId,
    word: &Word,
    diags: &mut Diags,
) -> Option<ScopeId> {
    let domain = &bundle.domains[domain];
    let role = &domain.roles()[role];
    let in_tree = |scope: ScopeId| domain.node(scope).map(|node| node.level);
    let Some((scope, level)) =
        bundle.scopes.find(&word.text).and_then(|scope| Some((scope, in_tree(scope)?)))
    else {
        let known = bundle.scopes.iter().filter(|(scope, _)| in_tree(*scope).is_some()).map(|(_, name)| name);
        let what = format!("scope of `{}` called", domain.name());
        names::unknown(&what, &word.text, word.span, known, diags);
        return None;
    };
    if level != role.level {
        let (wanted, found) = (domain.level_name(role.level), domain.level_name(level));
        diags
            .error(
                word.span,
                "level_violation",
                format!("`{}` is a role of level {wanted}, `{}` is of level {found}", role.name, word.text),
            )
            .help(format!("assign it at a scope of level {wanted}"));
        return None;
    }
    Some(scope)
}

/// A role that speaks of documents wants buildings; one that does not has no use for them.
fn check_buildings(
    bundle: &Revision,
    domain: DomainId,
    role: RoleId,
    scope: ScopeId,
    row: &AssignmentRow,
    diags: &mut Diags,
) {
    let domain = &bundle.domains[domain];
    let role = &domain.roles()[role];
    match (domain.forms(), row.buildings.first()) {
        (Some(forms), None)
            if role.bears_forms() && domain.node(scope).map(|n| n.level) == Some(forms.buildings) =>
        {
            let message = format!("`{}` is assigned at a building and names none", role.name);
            diags
                .warning(row.scope.span, "scope_is_not_a_building", message)
                .help("a scope never counts as a building; name it under `buildings` if it is meant");
        }
        (_, Some(word)) if !role.bears_forms() => {
            diags
                .error(
                    word.span,
                    "buildings_without_forms",
                    format!("`{}` says nothing of documents", role.name),
                )
                .help("buildings bear on documents only; take them out, or give the role `forms`");
        }
        _ => {}
    }
}

/// `same_scope: error`: one role for each person and scope at any one time (`TD-40`).
fn check_same_scope(bundle: &Revision, held: &[Held], drafts: &[Draft<'_>], diags: &mut Diags) {
    let tenure = |held: &Held| bundle.holders.tenures.get(held.tenure);
    let at = |held: &Held| (held.person, tenure(held).domain, held.scope);
    for group in held.chunk_by(|one, other| at(one) == at(other)) {
        for (number, later) in group.iter().enumerate() {
            let of_later = tenure(later);
            let strict = drafts.get(of_later.domain.row()).is_some_and(|draft| draft.same_scope_is_an_error);
            let overlaps = |earlier: &&Held| {
                let of_earlier = tenure(earlier);
                of_earlier.from < of_later.until && of_later.from < of_earlier.until
            };
            let clash = group.get(..number).unwrap_or_default().iter().find(overlaps);
            let (true, Some(earlier)) = (strict, clash) else { continue };
            let domain = &bundle.domains[of_later.domain];
            let role = |held: &Held| domain.roles()[tenure(held).role].name.clone();
            let message = format!(
                "`{}` holds `{}` and `{}` at {} at the same time",
                bundle.people.row(later.person).id,
                role(earlier),
                role(later),
                bundle.scopes.name(later.scope)
            );
            let also = diags.place(earlier.span);
            diags.error(later.span, "same_scope", message).also(also, "the other one").help(format!(
                "`{}` allows one role at a scope; end or take out one of the two",
                domain.name()
            ));
        }
    }
}

/// Tells of assignments that are left out, or covered by the fallback, because they name no building and others do.
fn check_left_out(bundle: &Revision, held: &[Held], diags: &mut Diags) {
    let tenure = |held: &Held| bundle.holders.tenures.get(held.tenure);
    let of = |held: &Held| (held.person, tenure(held).domain);
    for group in held.chunk_by(|one, other| of(one) == of(other)) {
        let Some(domain) = group.first().map(|held| &bundle.domains[tenure(held).domain]) else {
            continue;
        };
        let Some(forms) = domain.forms() else { continue };
        let role = |held: &Held| &domain.roles()[tenure(held).role];
        let bearing = group.iter().filter(|held| role(held).bears_forms());
        if !bearing.clone().any(|held| tenure(held).names_a_building()) {
            continue;
        }
        for bare in bearing.filter(|held| !tenure(held).names_a_building()) {
            let who = &bundle.people.row(bare.person).id;
            let what = match forms.bare_assignments_cover {
                true => "covers every document by `when_no_buildings`",
                false => "counts for nothing",
            };
            let message = format!(
                "`{}` of `{who}` names no building, where others of theirs do, and {what}",
                role(bare).name
            );
            diags
                .warning(bare.span, "names_no_building", message)
                .help("name the buildings, or take the assignment out");
        }
    }
}

fn pack(bundle: &mut Revision, held: Vec<Held>) {
    let gathered = std::mem::take(&mut bundle.holders.tenures);
    let (tenures, renamed) = gathered.in_order(bundle.domains.len());
    let mut holders = Holders::new(tenures);
    let mut held = held.into_iter().peekable();
    let mut rows = Vec::new();
    for (person, row) in bundle.people.iter() {
        rows.clear();
        while let Some(held) = held.next_if(|held| held.person == person) {
            rows.push(HeldRow { scope: held.scope, tenure: renamed[held.tenure] });
        }
        holders.push(row.kinds, row.stages.0 < row.stages.1, &rows);
    }
    bundle.holders = holders;
    bundle.buildings.close();
    bundle.options.close();
    bundle.sets.close();
}
