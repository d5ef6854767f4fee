//! Rosters beside a bundle: what the bundle declares of them, and what their rows become.
//!
//! In the order of reading: `declared` is the section `rosters`; [`open`] looks at the files; `reading` is one roster while
//! it is read; `places` makes orgs and classes scopes, `people` users people, `ties` enrolments and agents relations;
//! `derived` makes assignments of them. Of several rosters each step is taken for all before the next. Nothing depends on
//! the order of rows.

mod declared;
mod derived;
mod people;
mod places;
mod reading;
mod ties;

pub(super) use declared::{Declared, declared};

use super::assignments::Held;
use super::domain::Draft;
use super::{names, people as by_hand};
use crate::policy::bundle::{Revision, Scopes};
use crate::policy::people::Kind;
use crate::policy::roster::{self, Freshness, Manifest, Outcome, Report, Roster, SetAside, Version};
use crate::policy::source::data::DataTable;
use crate::policy::source::{Diags, Fields, Span};
use crate::time::Time;
use jiff::tz::TimeZone;
use reading::Reading;
use std::collections::HashMap;

/// The rosters of a bundle while it is compiled.
pub(super) struct Rosters<'a> {
    readings: Vec<Reading<'a>>,
    pub(super) freshness: Vec<Freshness>,
    /// Earlier ones whose age is not the one that the files say.
    pub(super) pinned: Vec<(String, Option<Time>)>,
}

/// Looks at the rosters that are declared, and says of each what came of it. Diagnostics count their files from
/// `first_file` on.
pub(super) fn open<'a>(
    declared: &'a [Declared],
    given: &'a [Roster],
    first_file: u32,
    zone: &'a TimeZone,
    root: &Fields<'_>,
    reports: &mut Vec<Report>,
    diags: &mut Diags,
) -> Rosters<'a> {
    for roster in given.iter().filter(|roster| !declared.iter().any(|known| known.name == roster.name)) {
        let message =
            format!("a roster `{}` is given, and the bundle does not declare it", roster.name.escape_debug());
        diags
            .error(root.key_span("rosters"), "roster_missing", message)
            .help("declare it under `rosters`, or take it away");
    }
    let mut rosters = Rosters { readings: Vec::new(), freshness: Vec::new(), pinned: Vec::new() };
    for declared in declared {
        let mut report = Report {
            name: declared.name.clone(),
            outcome: Outcome::Bad,
            as_of: declared.as_of,
            rows: 0,
            set_aside: SetAside::default(),
        };
        let mut first_file = first_file;
        let mut found = None;
        for roster in given {
            if roster.name == declared.name {
                found = Some(roster);
                break;
            }
            first_file = first_file.saturating_add(roster.files.len() as u32);
        }
        match found {
            None => {
                report.outcome = Outcome::Missing;
                let message = format!("the roster `{}` is declared and was not given", declared.name);
                let help = "put its folder or zip of this name beside the bundle, or say where it is";
                diags.error(declared.span, "roster_missing", message).help(help);
            }
            Some(roster) => {
                if let Some(manifest) = manifest(declared, roster, first_file, diags) {
                    let said = declared.as_of(manifest.as_of, None);
                    report.as_of = declared.as_of(manifest.as_of, roster.pinned);
                    if report.as_of != said {
                        rosters.pinned.push((declared.name.clone(), report.as_of));
                    }
                    rosters.freshness.extend(declared.freshness(manifest.as_of, roster.pinned, diags));
                    if let Some(tables) = tables(declared, &manifest, roster, first_file, diags) {
                        report.outcome = Outcome::Loaded;
                        rosters.readings.push(Reading::new(declared, manifest.version, tables, zone));
                    }
                }
            }
        }
        reports.push(report);
    }
    rosters
}

impl Rosters<'_> {
    /// Reads what becomes a scope, and stands it in the trees of the domains that join. Says whether all files could be
    /// read.
    pub(super) fn stand(&mut self, drafts: &mut [Draft<'_>], scopes: &mut Scopes, diags: &mut Diags) -> bool {
        // Where no domain joins, the roster is one of people alone.
        for reading in self.readings.iter().filter(|reading| reading.joining(drafts).next().is_some()) {
            for (_, level, span) in &reading.declared.levels {
                if !reading.joining(drafts).any(|draft| draft.level(level).is_some()) {
                    let known =
                        reading.joining(drafts).flat_map(|draft| draft.levels.iter().map(String::as_str));
                    names::unknown("level of a domain that joins this roster", level, *span, known, diags);
                }
            }
        }
        places::read(&mut self.readings, drafts, scopes, diags)
    }

    /// Reads who there is and where, and counts what is set aside. Says whether all rosters are good.
    pub(super) fn people(
        &mut self,
        by_hand: &mut by_hand::Roster,
        reports: &mut [Report],
        diags: &mut Diags,
    ) -> bool {
        let mut good = people::read(&mut self.readings, by_hand, diags);
        good &= ties::read(&mut self.readings, diags);
        for (reading, report) in self.readings.iter().zip(reports) {
            (report.rows, report.set_aside) = reading.told();
            let aside = report.set_aside.total();
            for (cause, count) in report.set_aside.counts() {
                let rows = if count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") };
                let message = format!("{rows} set aside: {cause}");
                let place = reading.first(Some(cause));
                diags
                    .warning(place, "rows_set_aside", message)
                    .help("this is the first of them; they hold nothing");
            }
            let max = u64::from(reading.declared.bad_rows_max);
            if u64::from(aside) * 1_000_000 > max * u64::from(report.rows) {
                good = false;
                report.outcome = Outcome::Bad;
                let message = format!(
                    "{aside} of {} rows of `{}` cannot be placed, more than `bad_rows_max`",
                    report.rows, report.name
                );
                diags.error(reading.first(None), "roster_bad_rows", message).help("export the roster again");
            }
        }
        good
    }

    /// Puts what the rosters say of people into the bundle.
    pub(super) fn relate(&self, bundle: &mut Revision) {
        ties::relate(&self.readings, bundle);
    }

    /// The assignments that follow from the rosters, in no order.
    pub(super) fn derive(&self, bundle: &mut Revision, drafts: &[Draft<'_>], diags: &mut Diags) -> Vec<Held> {
        derived::read(&self.readings, bundle, drafts, diags)
    }
}

/// The manifest of a roster, if every file that it tells of is there and no other.
fn manifest(declared: &Declared, roster: &Roster, first_file: u32, diags: &mut Diags) -> Option<Manifest> {
    let missing = |name: &str, diags: &mut Diags| {
        let message = format!("`{}/{name}` is missing", declared.name);
        let help = "a roster without one of its files is never read as a smaller school: export it again";
        diags.error(declared.span, "roster_file_missing", message).help(help);
    };
    let find = |name: &str| (first_file..).zip(&roster.files).find(|(_, file)| file.name == name);
    let Some((file, source)) = find("manifest.csv") else {
        missing("manifest.csv", diags);
        return None;
    };
    let needed = |version, name: &str| match name {
        "orgs.csv" | "users.csv" => true,
        "roles.csv" => version == Version::V1_2,
        _ => false,
    };
    let manifest = Manifest::read(source, file, roster::FILES, needed, diags)?;
    let mut whole = true;
    for name in roster::FILES.iter().filter(|name| **name != "manifest.csv") {
        match (manifest.has(name), find(name)) {
            (true, None) => {
                whole = false;
                missing(name, diags);
            }
            (false, Some((file, _))) => {
                whole = false;
                let message = "the manifest does not say that this file is there";
                diags
                    .error(Span::start_of(file), "roster_manifest", message)
                    .help("correct the manifest, or take the file out");
            }
            _ => {}
        }
    }
    whole.then_some(manifest)
}

/// The tables of a roster, if each has its columns.
fn tables<'a>(
    declared: &Declared,
    manifest: &Manifest,
    roster: &'a Roster,
    first_file: u32,
    diags: &mut Diags,
) -> Option<HashMap<&'static str, DataTable<'a>>> {
    let mut tables = HashMap::new();
    let mut good = true;
    for (file, source) in (first_file..).zip(&roster.files) {
        let Some(name) = roster::FILES.iter().find(|name| **name == source.name && manifest.has(name)) else {
            continue;
        };
        let mut optional: &[&str] = &[];
        let required = match *name {
            "orgs.csv" => vec!["sourcedId", "status", "type", "parentSourcedId"],
            "academicSessions.csv" => vec!["sourcedId", "status", "startDate", "endDate"],
            "classes.csv" if manifest.has("academicSessions.csv") => {
                vec!["sourcedId", "status", "schoolSourcedId", "termSourcedIds"]
            }
            "classes.csv" => vec!["sourcedId", "status", "schoolSourcedId"],
            "users.csv" => {
                optional = people::AGENTS;
                let keys = declared.columns.iter().map(|(column, _)| *column);
                people::columns(manifest.version, declared.id, keys)
            }
            "roles.csv" => vec!["userSourcedId", "status", "role", "orgSourcedId", "beginDate", "endDate"],
            _ => vec!["status", "classSourcedId", "userSourcedId", "role", "beginDate", "endDate"],
        };
        let table = DataTable::open(source, file, &required, optional, diags);
        let agents = |table: &DataTable<'_>| (0..optional.len()).any(|at| table.has(required.len() + at));
        let guardians = declared.kinds.iter().any(|(_, kind)| *kind == Kind::Guardian);
        if let Some(table) = &table
            && !optional.is_empty()
            && guardians
            && !agents(table)
        {
            good = false;
            diags
                .error(Span::start_of(file), "missing_column", "the column `agentSourcedIds` is missing")
                .help("it says who is responsible for whom");
        }
        match table {
            Some(table) => {
                tables.insert(*name, table);
            }
            None => good = false,
        }
    }
    good.then_some(tables)
}

/// Tells of rosters that a domain joins and that the bundle does not declare.
pub(super) fn joined(drafts: &[Draft<'_>], declared: &[Declared], diags: &mut Diags) {
    for draft in drafts {
        for name in draft.rosters.iter().filter(|name| !declared.iter().any(|known| known.name == **name)) {
            let known = declared.iter().map(|known| known.name.as_str());
            names::unknown("roster", name, draft.fields.key_span("rosters"), known, diags);
        }
    }
}
