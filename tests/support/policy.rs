//! Bundles for tests: those of `policies/`, with a line changed if need be, and answers as text.
//!
//! An answer to a permission reads `granted class_teacher class/1A`: reason, deciding role, its scope, `-` where none
//! decided. An answer about a document has the rule behind it.

#![allow(dead_code, reason = "each test file uses its own part")]

use hallpass::decision::{Decision, Reason, authzen, decide, decide_route};
use hallpass::policy::route::{Lookup, Requirement};
use hallpass::policy::{Bundle, Compilation, Diagnostic, Roster, Severity, Source, compile_with, render};
use hallpass::time::Time;
use serde_json::{Value, json};
use std::path::Path;

/// When tests ask, unless they say: a school day.
pub(crate) const NOW: &str = "2026-09-09T10:00:00Z";

/// The files of `policies/<name>`. Those of a roster beside them are called `sis/users.csv`.
pub(crate) fn files(name: &str) -> Vec<Source> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        if !entry.path().is_dir() {
            files.push(Source { name, bytes: std::fs::read(entry.path()).unwrap() });
            continue;
        }
        files.extend(std::fs::read_dir(entry.path()).unwrap().map(|file| file.unwrap()).map(|file| Source {
            name: format!("{name}/{}", file.file_name().to_str().unwrap()),
            bytes: std::fs::read(file.path()).unwrap(),
        }));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// Compiles files of a bundle, and of rosters as [`files`] calls them.
pub(crate) fn compiled(sources: &[Source]) -> Compilation {
    let mut own = Vec::new();
    let mut rosters: Vec<Roster> = Vec::new();
    for source in sources {
        let Some((roster, file)) = source.name.split_once('/') else {
            own.push(source.clone());
            continue;
        };
        let file = Source { name: file.to_owned(), bytes: source.bytes.clone() };
        match rosters.iter_mut().find(|known| known.name == roster) {
            Some(known) => known.files.push(file),
            None => rosters.push(Roster { name: roster.to_owned(), files: vec![file], pinned: None }),
        }
    }
    compile_with(&own, &rosters)
}

/// The same files with texts replaced: `(file, what stands there, what is to stand there)`. Each must stand there once.
pub(crate) fn changed(name: &str, changes: &[(&str, &str, &str)]) -> Vec<Source> {
    let mut files = files(name);
    for (file, from, to) in changes {
        let source = files.iter_mut().find(|source| source.name == *file).unwrap();
        let text = std::str::from_utf8(&source.bytes).unwrap();
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {file}");
        source.bytes = text.replacen(from, to, 1).into_bytes();
    }
    files
}

/// Compiles what must be without a mistake.
pub(crate) fn load(sources: &[Source]) -> Bundle {
    let compilation = compiled(sources);
    let told = render(&compilation.diagnostics, sources, false);
    compilation.bundle.unwrap_or_else(|| panic!("{told}"))
}

pub(crate) fn bundle(name: &str) -> Bundle {
    load(&files(name))
}

pub(crate) fn one_file(text: &str) -> Vec<Source> {
    vec![Source { name: "policy.yaml".to_owned(), bytes: text.as_bytes().to_vec() }]
}

/// What is said of the sources, each as `code file:line what-is-underlined`. A bundle comes out only without errors.
pub(crate) fn told(sources: &[Source]) -> Vec<String> {
    let compilation = compiled(sources);
    let failed = compilation.diagnostics.iter().any(|told| told.severity == Severity::Error);
    assert_eq!(compilation.bundle.is_none(), failed);
    compilation.diagnostics.iter().map(|told| tell(told, sources)).collect()
}

fn tell(told: &Diagnostic, sources: &[Source]) -> String {
    let place = &told.place;
    let source = sources.iter().find(|source| source.name == place.file).unwrap();
    let text = std::str::from_utf8(&source.bytes).unwrap();
    let line = text.lines().nth(place.line as usize - 1).unwrap_or_default();
    let underlined: String =
        line.chars().skip(place.column as usize - 1).take(place.length as usize).collect();
    format!("{} {}:{} {underlined}", told.code, place.file, place.line)
}

/// The number of the line of a file that holds this text; it must stand there once.
pub(crate) fn line_of(sources: &[Source], file: &str, text: &str) -> usize {
    let source = sources.iter().find(|source| source.name == file).unwrap();
    let whole = std::str::from_utf8(&source.bytes).unwrap();
    let lines: Vec<usize> =
        (1..).zip(whole.lines()).filter(|(_, line)| line.contains(text)).map(|(at, _)| at).collect();
    assert_eq!(lines.len(), 1, "`{text}` in {file}");
    lines[0]
}

/// The kind of a person, for a request.
fn kind(bundle: &Bundle, person: &str) -> &'static str {
    let found = bundle.people().find(person);
    found.map_or("staff", |id| bundle.people().row(id).kinds.words().next().unwrap())
}

/// Asks as another program would, and says what the answer was.
pub(crate) fn ask(bundle: &Bundle, request: &Value) -> Decision {
    let request = authzen::Request::read(request).unwrap();
    let now = Time::parse_rfc3339(NOW).unwrap();
    match request.resolve(bundle, now) {
        Ok(resolved) => decide(bundle, &resolved.request()),
        Err(reason) => Decision::before_any_rule(reason),
    }
}

fn permission_request(bundle: &Bundle, person: &str, permission: &str, scope: &str, at: &str) -> Value {
    let (level, id) = scope.split_once('/').unwrap();
    json!({
        "subject": {"type": kind(bundle, person), "id": person},
        "action": {"name": permission},
        "resource": {"type": level, "id": id},
        "context": {"time": at},
    })
}

/// Whether `person` has a permission on a scope: `granted class_teacher class/1A`.
pub(crate) fn can(bundle: &Bundle, person: &str, permission: &str, scope: &str) -> String {
    can_at(bundle, person, permission, scope, NOW)
}

/// The same at a time.
pub(crate) fn can_at(bundle: &Bundle, person: &str, permission: &str, scope: &str, at: &str) -> String {
    shown(bundle, &ask(bundle, &permission_request(bundle, person, permission, scope, at)))
}

/// The whole answer to a permission.
pub(crate) fn decision(bundle: &Bundle, person: &str, permission: &str, scope: &str) -> Decision {
    ask(bundle, &permission_request(bundle, person, permission, scope, NOW))
}

/// Reason, deciding role, its scope.
pub(crate) fn shown(bundle: &Bundle, decision: &Decision) -> String {
    let role =
        decision.domain.zip(decision.role).map(|(id, role)| &bundle.domains()[id].roles()[role].name[..]);
    let scope = decision.scope.map(|scope| bundle.scopes().name(scope));
    format!("{} {} {}", decision.reason, role.unwrap_or("-"), scope.unwrap_or("-"))
}

/// Compares answers to permissions, `(permission, scope, answer)`, and tells all that are wrong.
pub(crate) fn check(bundle: &Bundle, person: &str, rows: &[(&str, &str, &str)]) {
    all_right(rows.iter().map(|(permission, scope, wanted)| {
        let found = can(bundle, person, permission, scope);
        (format!("{person} {permission} {scope}"), found, *wanted)
    }));
}

/// Compares answers, each with what was asked, and tells all that are wrong.
pub(crate) fn all_right<'w>(answers: impl Iterator<Item = (String, String, &'w str)>) {
    let wrong: Vec<String> = answers
        .filter(|(_, found, wanted)| found != wanted)
        .map(|(asked, found, wanted)| format!("{asked}: {found}, not {wanted}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The permissions that no route asks for, and the roles that nobody holds.
pub(crate) fn idle(bundle: &Bundle) -> Vec<String> {
    let routes = bundle.routes().iter().flat_map(|route| route.requirements());
    let asked: Vec<_> = routes
        .flat_map(|requirement| match requirement {
            Requirement::Any(ways) => ways.as_slice(),
            one => std::slice::from_ref(one),
        })
        .filter_map(|requirement| match requirement {
            Requirement::Permission { domain, permission, .. } => Some((*domain, *permission)),
            _ => None,
        })
        .collect();
    let held: Vec<_> = bundle.all_assignments().map(|(_, held)| (held.domain, held.role)).collect();
    let mut idle = Vec::new();
    for (id, domain) in bundle.domains().iter() {
        let permissions = domain.permissions().iter();
        let permissions = permissions.filter(|(permission, _)| !asked.contains(&(id, *permission)));
        idle.extend(permissions.map(|(_, permission)| permission.name.clone()));
        let roles = domain.roles().iter().filter(|(role, _)| !held.contains(&(id, *role)));
        idle.extend(roles.map(|(_, role)| role.name.clone()));
    }
    idle
}

/// Asks for an access to a listed document: `granted sped school/north form_default`.
pub(crate) fn document(bundle: &Bundle, person: &str, action: &str, id: &str) -> String {
    of_document(bundle, person, json!({"name": action}), json!({"type": "document", "id": id}))
}

/// Asks for creating a document of a form for a student.
pub(crate) fn create(bundle: &Bundle, person: &str, form: &str, student: &str) -> String {
    let resource = json!({"type": "document", "id": "new", "properties": {"form": form, "student": student}});
    of_document(bundle, person, json!({"name": "create"}), resource)
}

/// Asks for giving somebody an access to a listed document; a transfer where the access is not said.
pub(crate) fn give(bundle: &Bundle, person: &str, id: &str, target: &str, access: Option<&str>) -> String {
    let action = match access {
        Some(access) => json!({"name": "share", "properties": {"target": target, "access": access}}),
        None => json!({"name": "transfer", "properties": {"target": target}}),
    };
    of_document(bundle, person, action, json!({"type": "document", "id": id}))
}

fn of_document(bundle: &Bundle, person: &str, action: Value, resource: Value) -> String {
    let request = json!({
        "subject": {"type": kind(bundle, person), "id": person},
        "action": action,
        "resource": resource,
        "context": {"time": NOW},
    });
    let decision = ask(bundle, &request);
    format!("{} {}", shown(bundle, &decision), decision.rule.as_str())
}

/// What a person may do with a listed document, as letters: v(iew), e(dit), d(elete, which needs owner).
pub(crate) fn access(bundle: &Bundle, person: &str, id: &str) -> &'static str {
    let may = |action: &str| document(bundle, person, action, id).starts_with("granted ");
    match (may("view"), may("edit"), may("delete")) {
        (false, false, false) => "none",
        (true, false, false) => "view",
        (true, true, false) => "edit",
        (true, true, true) => "owner",
        other => panic!("not a ladder: {other:?}"),
    }
}

/// The answer to a request as the proxy would match it, `POST /api/classes/1A/attendance?day=3`.
pub(crate) fn request(bundle: &Bundle, person: &str, line: &str) -> String {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let leaf = match bundle.routes().find(method, path) {
        Lookup::Found(leaf) => leaf,
        Lookup::NoMethod(allow) => return format!("{} {allow}", Reason::NoMethod),
        Lookup::NoRoute => return Reason::NoRoute.to_string(),
    };
    let value = |name: &String| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.to_owned())
    };
    let values = leaf.query_names().iter().map(value).collect();
    let Some(matched) = leaf.select(values) else { return Reason::NoRoute.to_string() };
    let now = Time::parse_rfc3339(NOW).unwrap();
    let Some(subject) = bundle.people().find(person) else {
        let public = matched.route().is_public();
        return if public { Reason::Public } else { Reason::Unauthenticated }.to_string();
    };
    shown(bundle, &decide_route(bundle, &matched, subject, None, now))
}
