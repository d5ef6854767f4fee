//! A bundle compiled with its rosters, and with the last good one of each that cannot be used now: what somebody else's
//! software hands over must not keep out what was written by hand.

use crate::policy::roster::{Freshness, Report};
use crate::policy::{self, Bundle, Diagnostic, Roster, Source};
use crate::reload::{Mistakes, RosterRead};
use crate::time::Time;
use std::fmt::Write as _;

/// A roster in force.
#[derive(Debug, Clone)]
pub struct RosterInForce {
    /// What came of it.
    pub report: Report,
    /// How long it is believed; nothing where the bundle says nothing.
    pub freshness: Option<Freshness>,
    /// SHA-256 over its files.
    pub digest: String,
    /// Why it is not the one that is on the disk now: that one cannot be used.
    pub failing: Option<String>,
}

impl RosterInForce {
    /// Whether it is older than the bundle allows.
    pub fn is_stale(&self, now: Time) -> bool {
        self.freshness.as_ref().is_some_and(|freshness| freshness.is_stale(now))
    }
}

/// What came of a bundle with its rosters.
pub struct Compiled {
    /// The bundle.
    pub bundle: Bundle,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Its rosters, in their order.
    pub rosters: Vec<RosterInForce>,
    /// What of the files could not be used.
    pub left_out: Option<Mistakes>,
}

/// The rosters of the last bundle that was compiled.
#[derive(Debug, Default)]
pub struct LastGood {
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    roster: Roster,
    digest: String,
    as_of: Option<Time>,
}

impl LastGood {
    /// Compiles, and keeps the rosters if that went well. `None` if `stale` said that the files are not wanted any more.
    ///
    /// # Errors
    /// The bundle has mistakes; or a roster cannot be used, and there is no earlier one.
    pub fn compile(
        &mut self,
        sources: &[Source],
        read: Vec<RosterRead>,
        stale: &dyn Fn() -> bool,
    ) -> Option<Result<Compiled, Mistakes>> {
        let mut given = Vec::with_capacity(read.len());
        let mut digests = Vec::with_capacity(read.len());
        let mut unreadable = Vec::new();
        for RosterRead { name, files, digest, .. } in read {
            match files {
                Ok(files) => {
                    given.push(Roster { name, files });
                    digests.push(digest);
                }
                Err(text) => unreadable.push((name, text)),
            }
        }
        let first = policy::compile_unless(sources, &given, stale)?;
        let told = |diagnostics: Vec<Diagnostic>| Mistakes::of(diagnostics, sources);
        if let Some(bundle) = first.bundle {
            // None of these is declared, or the bundle would not be there.
            let left_out = (!unreadable.is_empty()).then(|| Mistakes::new(lines(&unreadable)));
            let rosters: Vec<_> = first.rosters.into_iter().map(|report| (report, None)).collect();
            self.keep(given, digests, &rosters);
            return Some(Ok(self.compiled(bundle, first.diagnostics, rosters, left_out)));
        }
        let bad: Vec<String> = first.bad_rosters().map(|report| report.name.clone()).collect();
        let mut mistakes = told(first.diagnostics);
        mistakes.text.insert_str(0, &lines(&unreadable));
        if bad.is_empty() || !bad.iter().all(|name| self.kept.iter().any(|kept| kept.roster.name == *name)) {
            return Some(Err(mistakes));
        }
        for kept in self.kept.iter().filter(|kept| bad.contains(&kept.roster.name)) {
            let place = given.iter().position(|roster| roster.name == kept.roster.name);
            let (roster, digest) = (pinned(kept), kept.digest.clone());
            match place.and_then(|place| Some((given.get_mut(place)?, digests.get_mut(place)?))) {
                Some(slot) => (*slot.0, *slot.1) = (roster, digest),
                None => {
                    given.push(roster);
                    digests.push(digest);
                }
            }
        }
        let second = policy::compile_unless(sources, &given, stale)?;
        let Some(bundle) = second.bundle else {
            let mut all = told(mistakes.diagnostics.into_iter().chain(second.diagnostics).collect());
            all.text.insert_str(0, &lines(&unreadable));
            return Some(Err(all));
        };
        let why = |name: &str| {
            let within = format!("{name}/");
            let of_it = |told: &&Diagnostic| {
                told.place.file.starts_with(&within) || told.message.starts_with(&format!("`{within}"))
            };
            let said = mistakes.diagnostics.iter().find(of_it).map(|told| told.message.clone());
            let said =
                unreadable.iter().find(|(other, _)| other == name).map(|(_, text)| text.clone()).or(said);
            said.unwrap_or_else(|| "it is not there".to_owned())
        };
        let rosters: Vec<_> = second
            .rosters
            .into_iter()
            .map(|report| {
                let failing = bad.contains(&report.name).then(|| why(&report.name));
                (report, failing)
            })
            .collect();
        self.keep(given, digests, &rosters);
        Some(Ok(self.compiled(bundle, second.diagnostics, rosters, Some(mistakes))))
    }

    fn keep(&mut self, given: Vec<Roster>, digests: Vec<String>, rosters: &[(Report, Option<String>)]) {
        let as_of = |name: &str| rosters.iter().find(|(report, _)| report.name == name)?.0.as_of;
        let kept = given.into_iter().zip(digests);
        self.kept =
            kept.map(|(roster, digest)| Kept { as_of: as_of(&roster.name), roster, digest }).collect();
    }

    fn compiled(
        &self,
        bundle: Bundle,
        diagnostics: Vec<Diagnostic>,
        rosters: Vec<(Report, Option<String>)>,
        left_out: Option<Mistakes>,
    ) -> Compiled {
        let in_force = |(report, failing): (Report, Option<String>)| {
            let freshness = bundle.freshness().iter().find(|freshness| freshness.roster == report.name);
            let kept = self.kept.iter().find(|kept| kept.roster.name == report.name);
            RosterInForce {
                freshness: freshness.cloned(),
                digest: kept.map(|kept| kept.digest.clone()).unwrap_or_default(),
                failing,
                report,
            }
        };
        let rosters = rosters.into_iter().map(in_force).collect();
        Compiled { bundle, diagnostics, rosters, left_out }
    }
}

/// The roster with its own age. What the bundle says of the age now is said of the roster that came with it, and would
/// make an old one look new.
fn pinned(kept: &Kept) -> Roster {
    const MANIFEST: &str = "manifest.csv";
    const AS_OF: &[u8] = b"as_of,";
    let mut roster = kept.roster.clone();
    let manifest = roster.files.iter_mut().find(|file| file.name == MANIFEST);
    if let (Some(manifest), Some(as_of)) = (manifest, kept.as_of) {
        let says = |line: &[u8]| line.starts_with(AS_OF) || line.starts_with(b"\"as_of\",");
        if !manifest.bytes.split(|byte| *byte == b'\n').any(says) {
            if !manifest.bytes.ends_with(b"\n") {
                manifest.bytes.push(b'\n');
            }
            manifest.bytes.extend_from_slice(format!("as_of,{as_of}\n").as_bytes());
        }
    }
    roster
}

fn lines(unreadable: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, why) in unreadable {
        // Writing into a string does not fail.
        let _ = writeln!(text, "error: the roster `{name}` cannot be read: {why}");
    }
    text
}
