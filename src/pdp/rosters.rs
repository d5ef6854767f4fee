//! A bundle compiled with its rosters, and with the last good one of each that cannot be used now: what somebody else's
//! software hands over must not keep out what was written by hand.

use crate::policy::roster::{Freshness, Pin, Report};
use crate::policy::{self, Bundle, Diagnostic, Roster, Severity, Source};
use crate::reload::{Mistakes, RosterRead};
use crate::time::Time;
use std::collections::BTreeMap;
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

/// SHA-256 over the files of each roster, by its name.
type Digests = BTreeMap<String, String>;

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
        let mut digests = BTreeMap::new();
        let mut unreadable = Vec::new();
        for RosterRead { name, files, digest, .. } in read {
            match files {
                Ok(files) => {
                    digests.insert(name.clone(), digest);
                    given.push(Roster { name, files, pinned: None });
                }
                Err(text) => unreadable.push((name, text)),
            }
        }
        // Whether a roster is good can hang on the others, so one may turn out bad only once another is replaced. Each is
        // replaced once, so this ends.
        let mut replaced: Vec<String> = Vec::new();
        let mut told: Vec<Diagnostic> = Vec::new();
        loop {
            let compiled = policy::compile_unless(sources, &given, stale)?;
            let mistakes = |told: Vec<Diagnostic>| {
                let mut mistakes = Mistakes::of(told, sources);
                mistakes.text.insert_str(0, &lines(&unreadable));
                mistakes
            };
            if let Some(bundle) = compiled.bundle {
                let rosters: Vec<_> = compiled
                    .rosters
                    .into_iter()
                    .map(|report| {
                        let is_replaced = replaced.contains(&report.name);
                        let failing = is_replaced.then(|| why(&report.name, &unreadable, &told));
                        (report, failing)
                    })
                    .collect();
                // What is unreadable and not replaced is not declared, or the bundle would not be there.
                let left_out = (!replaced.is_empty() || !unreadable.is_empty()).then(|| mistakes(told));
                self.keep(given, digests, &rosters);
                return Some(Ok(self.compiled(bundle, compiled.diagnostics, rosters, left_out)));
            }
            let bad: Vec<String> = compiled
                .rosters
                .iter()
                .filter(|report| !report.is_good() && !replaced.contains(&report.name))
                .map(|report| report.name.clone())
                .collect();
            for diagnostic in compiled.diagnostics {
                if !told.contains(&diagnostic) {
                    told.push(diagnostic);
                }
            }
            let is_kept = |name: &String| self.kept.iter().any(|kept| kept.roster.name == *name);
            if bad.is_empty() || !bad.iter().all(is_kept) {
                return Some(Err(mistakes(told)));
            }
            self.put_back(&bad, &mut given, &mut digests);
            replaced.extend(bad);
        }
    }

    /// Puts the last good ones in the place of those that are bad.
    fn put_back(&self, bad: &[String], given: &mut Vec<Roster>, digests: &mut Digests) {
        for kept in self.kept.iter().filter(|kept| bad.contains(&kept.roster.name)) {
            // What the bundle says of the age now is said of the roster that came with it, and would make an old one
            // look new.
            let roster = Roster { pinned: Some(Pin { as_of: kept.as_of }), ..kept.roster.clone() };
            digests.insert(roster.name.clone(), kept.digest.clone());
            match given.iter_mut().find(|given| given.name == roster.name) {
                Some(given) => *given = roster,
                None => given.push(roster),
            }
        }
    }

    fn keep(&mut self, given: Vec<Roster>, mut digests: Digests, rosters: &[(Report, Option<String>)]) {
        let as_of = |name: &str| rosters.iter().find(|(report, _)| report.name == name)?.0.as_of;
        let keep = |roster: Roster| Kept {
            as_of: as_of(&roster.name),
            digest: digests.remove(&roster.name).unwrap_or_default(),
            roster,
        };
        self.kept = given.into_iter().map(keep).collect();
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

/// Why a roster is not the one that is on the disk.
fn why(name: &str, unreadable: &[(String, String)], told: &[Diagnostic]) -> String {
    if let Some((_, text)) = unreadable.iter().find(|(other, _)| other == name) {
        return text.clone();
    }
    let within = format!("{name}/");
    let is_error = |told: &&Diagnostic| told.severity == Severity::Error;
    let of_it = |told: &&Diagnostic| {
        told.place.file.starts_with(&within) || told.message.starts_with(&format!("`{within}"))
    };
    let said = told.iter().filter(is_error).find(of_it);
    said.map_or_else(|| "it is not there".to_owned(), |told| told.message.clone())
}

fn lines(unreadable: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, why) in unreadable {
        // Writing into a string does not fail.
        let _ = writeln!(text, "error: the roster `{name}` cannot be read: {why}");
    }
    text
}
