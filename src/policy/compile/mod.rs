//! Sources in, a bundle that cannot be wrong out.
//!
//! Every step reads what it can and goes on after a mistake, so that all mistakes are told at once; a bundle comes out
//! only if there was none. Steps go from what stands alone to what refers to it: domains, people, assignments,
//! documents, records, routes.

mod assignments;
mod blocks;
mod carries;
mod changes;
mod conditions;
mod dates;
mod documents;
mod domain;
mod files;
mod forms;
mod grants;
mod locked;
mod names;
mod people;
mod permissions;
mod plans;
mod records;
mod relations;
mod roles;
mod rosters;
mod routes;
mod sharing;

pub use locked::against;

use super::bundle::{Bundle, HeldOff, Manifest, Revision, Scopes};
use super::diagnostic::{Diagnostic, Severity};
use super::holders::Holders;
use super::roster::{Outcome, Report, Roster};
use super::source::{Diags, Fields, Source, Span, VALUES_MAX, read_document, take_values};
use super::table::{Distinct, Lists, Table};
use crate::time::Time;
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
    /// What came of each roster that the bundle declares.
    pub rosters: Vec<Report>,
}

impl Compilation {
    /// The rosters that are the reason why there is no bundle. Whoever has an earlier version of each that was good
    /// compiles the same files with that; the rest of the bundle is not judged before all of its rosters are good.
    ///
    /// Without any, a compilation without a bundle means that the bundle itself has mistakes.
    pub fn bad_rosters(&self) -> impl Iterator<Item = &Report> {
        self.rosters.iter().filter(|report| !report.is_good())
    }
}

/// Compiles a bundle from the files of its directory, whole or not at all.
pub fn compile(sources: &[Source]) -> Compilation {
    compile_with(sources, &[])
}

/// The same, with the rosters that the bundle declares.
pub fn compile_with(sources: &[Source], rosters: &[Roster]) -> Compilation {
    // Nobody asks to stop, so there is always an answer.
    compile_unless(sources, rosters, &|| false).unwrap_or_else(|| Compilation {
        bundle: None,
        diagnostics: Vec::new(),
        rosters: Vec::new(),
    })
}

/// As [`compile_with`], but gives up as soon as `stale` says that the sources are not wanted any more; it is asked
/// between the steps. `None` if it gave up.
pub fn compile_unless(
    sources: &[Source],
    rosters: &[Roster],
    stale: &dyn Fn() -> bool,
) -> Option<Compilation> {
    let of_rosters = rosters.iter().flat_map(|roster| roster.files.iter().map(|file| roster.shown(file)));
    let names = sources.iter().map(|source| source.name.clone()).chain(of_rosters);
    let mut diags = Diags::of_names(names.collect());
    let mut reports = Vec::new();
    let bundle = match build(sources, rosters, &mut reports, &mut diags, stale) {
        Ok(bundle) => bundle.filter(|_| !diags.has_errors()).map(Bundle::new),
        Err(Stale) => return None,
    };
    let diagnostics = diags.into_sorted();
    let errors = || diagnostics.iter().filter(|told| told.severity == Severity::Error);
    for report in &mut reports {
        let inside = |told: &Diagnostic| {
            told.place.file.split_once('/').is_some_and(|(roster, _)| roster == report.name)
        };
        if errors().any(inside) {
            report.outcome = Outcome::Bad;
        }
    }
    Some(Compilation { bundle, diagnostics, rosters: reports })
}

/// Reads a file of its own that says who is suspended and who may not come near whom, besides those of whom the bundle
/// says so, in the words of a bundle: `suspended: {subjects: [...], applications: [...], credentials: [...]}` and `blocks`.
///
/// Comes with what could be understood and with all mistakes. If they are all names that the bundle does not have
/// ([`only_unknown_names`]), what is left is meant as it stands; else the file may be cut off, and is not to be used.
pub fn held_off(source: &Source, bundle: &Bundle) -> (HeldOff, Vec<Diagnostic>) {
    let mut diags = Diags::new(std::slice::from_ref(source));
    if !take_values(source, 0, &mut { VALUES_MAX }, &mut diags) {
        return (HeldOff::default(), diags.into_sorted());
    }
    let read = read_document(source, 0, &mut diags).and_then(|node| {
        let root = Fields::of(&node, "a file of suspensions", &["suspended", "blocks"], &mut diags)?;
        let blocks = blocks::blocks(bundle, &root, &bundle.time_zone, &mut diags).into();
        // Both keys must be there: a file that lost its content must not lift anything.
        let section = root.need("suspended", &mut diags)?;
        let fields = Fields::of(section, "who is suspended", people::SUSPENDED, &mut diags)?;
        fields.need("subjects", &mut diags)?;
        let (suspended, credentials) = people::suspended(bundle, &fields, &mut diags);
        Some(HeldOff { suspended, credentials, blocks })
    });
    (read.unwrap_or_default(), diags.into_sorted())
}

/// Whether the only errors are names that a bundle does not have: the next one may have them, or had them before.
pub fn only_unknown_names(diagnostics: &[Diagnostic]) -> bool {
    let mut errors = diagnostics.iter().filter(|told| told.severity == Severity::Error);
    errors.all(|error| error.code == names::UNKNOWN)
}

/// The sources are not wanted any more.
struct Stale;

/// SHA-256 over the names and bytes of the sources and of the rosters' files, each with its length, in the order of the
/// names. No file of a bundle has a slash in its name, and each of a roster has. Behind them, from when earlier rosters are
/// of which the files say something else: that decides too.
fn revision(sources: &[Source], rosters: &[Roster], pinned: &[(String, Option<Time>)]) -> String {
    let of_rosters =
        rosters.iter().flat_map(|roster| roster.files.iter().map(|file| (roster.shown(file), file)));
    let own = sources.iter().map(|source| (source.name.clone(), source));
    let mut ordered: Vec<(String, &Source)> = own.chain(of_rosters).collect();
    ordered.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut hash = Sha256::new();
    for (name, source) in ordered {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update((source.bytes.len() as u64).to_be_bytes());
        hash.update(&source.bytes);
    }
    for (name, as_of) in pinned {
        let as_of = as_of.map_or_else(|| "unknown".to_owned(), |as_of| as_of.to_string());
        for text in [name.as_str(), &as_of] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn build(
    sources: &[Source],
    given: &[Roster],
    reports: &mut Vec<Report>,
    diags: &mut Diags,
    stale: &dyn Fn() -> bool,
) -> Result<Option<Revision>, Stale> {
    let go_on = || if stale() { Err(Stale) } else { Ok(()) };
    let files = Files::read(sources, diags);
    go_on()?;
    let Some(root) = Fields::of(&files.root, "a bundle", files::SECTIONS, diags) else { return Ok(None) };
    let manifest = manifest(&root, diags);

    let mut scopes = Scopes::default();
    let (manifest, time_zone) = manifest.unwrap_or((Manifest::default(), TimeZone::UTC));
    let mut drafts = domain::read_all(&root, &files, &mut scopes, diags);
    let people = people::read_issuers(&root, diags);
    let declared = rosters::declared(&root, &people, diags);
    rosters::joined(&drafts, &declared, diags);
    let first_file = sources.len() as u32;
    let mut beside = rosters::open(&declared, given, first_file, &time_zone, &root, reports, diags);
    go_on()?;
    // What names people of a roster that did not load would be one mistake after the other.
    if reports.iter().any(|report| !report.is_good()) || !beside.stand(&mut drafts, &mut scopes, diags) {
        return Ok(None);
    }
    go_on()?;
    let mut domains = Table::default();
    for draft in &drafts {
        domains.push(domain::finish(draft, &scopes, diags));
    }

    let mut roster = people::read(people, &root, &files, &domains, &scopes, diags);
    go_on()?;
    if !beside.people(&mut roster, reports, diags) {
        return Ok(None);
    }
    go_on()?;
    let mut bundle = Revision {
        manifest,
        revision: revision(sources, given, &beside.pinned),
        freshness: std::mem::take(&mut beside.freshness).into(),
        domains,
        scopes,
        people: roster.people,
        holders: Holders::default(),
        buildings: roster.buildings,
        stages: Vec::new(),
        documents: super::document::Documents::default(),
        routes: super::route::Routes::default(),
        relations: super::relations::Relations::default(),
        records: super::records::Records::default(),
        sets: Distinct::default(),
        options: Lists::default(),
        held_off: HeldOff { suspended: roster.suspended, ..HeldOff::default() },
        time_zone: time_zone.clone(),
    };
    beside.relate(&mut bundle);
    go_on()?;
    let derived = beside.derive(&mut bundle, &drafts, diags);
    drop(beside);
    go_on()?;
    relations::read(&mut bundle, &root, &files, &time_zone, diags);
    blocks::read(&mut bundle, &root, &time_zone, diags);
    assignments::read(&mut bundle, &root, &files, &time_zone, &drafts, derived, diags);
    people::suspend(&mut bundle, &root, diags);
    go_on()?;
    forms::check_expectations(&bundle, &drafts, diags);
    domain::check_mandatory(&bundle, &drafts, diags);
    documents::read(&mut bundle, &root, &files, diags);
    bundle.records = records::read(&bundle, &root, diags);
    bundle.records.sharing = sharing::read(&bundle, &bundle.records, &root, diags);
    people::check_through(&bundle, &root, diags);
    go_on()?;
    routes::read(&mut bundle, &root, diags);
    Ok(Some(bundle))
}

/// `bundle: {name, time_zone}`; author and change are kept for the audit line, the description is for people.
fn manifest(root: &Fields<'_>, diags: &mut Diags) -> Option<(Manifest, TimeZone)> {
    const KNOWN: &[&str] = &["name", "time_zone", "author", "change", "description"];
    let node = root.need("bundle", diags)?;
    let fields = Fields::of(node, "the manifest of the bundle", KNOWN, diags)?;
    let mut optional =
        |name| fields.get(name).and_then(|node| node.as_text("text", diags)).map(str::to_owned);
    let (author, change, _) = (optional("author"), optional("change"), optional("description"));
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
    Some((Manifest { name: name?.to_owned(), author, change }, time_zone))
}

/// A word of the sources with its place.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    span: Span,
}
