//! Sources in, a bundle that cannot be wrong out.
//!
//! Every step reads what it can and goes on after a mistake, so that all mistakes are told at once; a bundle comes out
//! only if there was none. Steps go from what stands alone to what refers to it: domains, people, assignments,
//! documents, routes.

mod assignments;
mod blocks;
mod conditions;
mod dates;
mod documents;
mod domain;
mod files;
mod forms;
mod grants;
mod names;
mod people;
mod permissions;
mod plans;
mod relations;
mod roles;
mod routes;

use super::bundle::{Bundle, Scopes};
use super::diagnostic::Diagnostic;
use super::source::{Diags, Fields, Source, Span};
use super::table::Table;
use files::Files;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

/// What came of compiling: a bundle if there was no error, and all that is to be said of the sources.
#[derive(Debug)]
pub struct Compilation {
    /// The bundle; `None` if any diagnostic is an error.
    pub bundle: Option<Bundle>,
    /// Errors and warnings in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a bundle from the files of its directory, whole or not at all.
pub fn compile(sources: &[Source]) -> Compilation {
    let mut diags = Diags::new(sources);
    let bundle = build(sources, &mut diags);
    let bundle = if diags.has_errors() { None } else { bundle };
    Compilation { bundle, diagnostics: diags.into_sorted() }
}

/// SHA-256 over the names and bytes of the sources, each with its length, in the order of the names.
pub(super) fn revision(sources: &[Source]) -> String {
    let mut ordered: Vec<&Source> = sources.iter().collect();
    ordered.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for source in ordered {
        hash.update((source.name.len() as u64).to_be_bytes());
        hash.update(source.name.as_bytes());
        hash.update((source.bytes.len() as u64).to_be_bytes());
        hash.update(&source.bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn build(sources: &[Source], diags: &mut Diags) -> Option<Bundle> {
    let files = Files::read(sources, diags);
    let root = Fields::of(&files.root, "a bundle", files::SECTIONS, diags)?;
    let manifest = manifest(&root, diags);

    let mut scopes = Scopes::default();
    let drafts = domain::read_all(&root, &files, &mut scopes, diags);
    let mut domains = Table::default();
    for draft in &drafts {
        domains.push(domain::finish(draft, &scopes, diags));
    }

    let roster = people::read(&root, &files, &domains, &scopes, diags);
    let time_zone = manifest.as_ref().map_or(TimeZone::UTC, |manifest| manifest.time_zone.clone());
    let mut bundle = Bundle {
        name: manifest.map(|manifest| manifest.name).unwrap_or_default(),
        revision: revision(sources),
        domains,
        scopes,
        people: roster.people,
        assignments: Vec::new(),
        held: Table::default(),
        buildings: roster.buildings,
        documents: super::document::Documents::default(),
        routes: super::route::Routes::default(),
        relations: super::relations::Relations::default(),
        sets: Table::default(),
        options: Vec::new(),
    };
    relations::read(&mut bundle, &root, &files, &time_zone, diags);
    blocks::read(&mut bundle, &root, &time_zone, diags);
    assignments::read(&mut bundle, &root, &files, &time_zone, &drafts, diags);
    people::suspend(&mut bundle, &root, diags);
    forms::check_expectations(&bundle, &drafts, diags);
    domain::check_mandatory(&bundle, &drafts, diags);
    documents::read(&mut bundle, &root, &files, diags);
    routes::read(&mut bundle, &root, diags);
    Some(bundle)
}

struct Manifest {
    name: String,
    time_zone: TimeZone,
}

/// `bundle: {name, time_zone}`; author, change and description are for people.
fn manifest(root: &Fields<'_>, diags: &mut Diags) -> Option<Manifest> {
    const KNOWN: &[&str] = &["name", "time_zone", "author", "change", "description"];
    let node = root.need("bundle", diags)?;
    let fields = Fields::of(node, "the manifest of the bundle", KNOWN, diags)?;
    for optional in ["author", "change", "description"] {
        if let Some(node) = fields.get(optional) {
            node.as_text("text", diags);
        }
    }
    let name = fields.need("name", diags)?.as_text("a name", diags);
    let zone = fields.need("time_zone", diags)?;
    let zone_name = zone.as_text("the name of a time zone", diags)?;
    let time_zone = match jiff::tz::db().get(zone_name) {
        Ok(time_zone) => time_zone,
        Err(_) => {
            diags
                .error(zone.span, "unknown_time_zone", format!("`{zone_name}` is not a time zone"))
                .help("write a name of the IANA database, like `Europe/Berlin`");
            return None;
        }
    };
    Some(Manifest { name: name?.to_owned(), time_zone })
}

/// A word of the sources with its place.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    span: Span,
}
