//! `check DIR`: is the bundle good, and what is in it that somebody should look at. `check --config FILE`: would `serve`
//! start with this file.

use super::{Outcome, render, sharing};
use crate::pdp::{Compiled, RosterInForce, directory};
use crate::policy::roster::Report;
use crate::policy::table::DomainId;
use crate::policy::{self, Assignment, Bundle, Precedence, Severity, counted};
use crate::proxy::Server;
use crate::settings;
use crate::telemetry::{Clock, SystemClock};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(super) fn config(path: &Path) -> io::Result<Outcome> {
    let stderr = io::stderr();
    let (settings, told) = settings::check(path, super::color(&stderr));
    write!(stderr.lock(), "{told}")?;
    let Some(settings) = settings else { return Ok(Outcome::No) };
    let mut out = io::stdout().lock();
    writeln!(out, "{} is good", path.display())?;
    for one in settings.unsafe_settings() {
        writeln!(out, "unsafe setting {}: {}", one.setting, one.why)?;
    }
    let Some(bundle) = compiled(&settings.proxy.bundle, &settings.proxy.rosters, &mut out)? else {
        return Ok(Outcome::No);
    };
    let text = match Server::check(&settings.proxy, SystemClock.now()) {
        // What was left out keeps nothing from starting, and is a mistake all the same.
        Ok(all) => all.iter().filter_map(|one| one.status().failure).map(|failure| failure.text).collect(),
        Err(error) => format!("{error}\n"),
    };
    if !text.is_empty() {
        write!(stderr.lock(), "{text}")?;
        return Ok(Outcome::No);
    }
    let authenticator = &settings.proxy.authenticator;
    let tokens = authenticator.issuers().iter().map(|issuer| issuer.issuer());
    for issuer in tokens.chain(authenticator.header().map(|header| header.issuer())) {
        if !bundle.people().declares(issuer) {
            writeln!(out, "the bundle does not say how `{issuer}` names people: it knows none of them")?;
        }
    }
    Ok(Outcome::Yes)
}

pub(super) fn run(path: &Path, rosters: &[(String, PathBuf)], against: Option<&Path>) -> io::Result<Outcome> {
    let mut out = io::stdout().lock();
    let Some(bundle) = compiled(path, rosters, &mut out)? else { return Ok(Outcome::No) };
    let Some(other) = against else { return Ok(Outcome::Yes) };
    let Some(old) = super::load(other, rosters)? else {
        writeln!(io::stderr(), "hallpass: `{}` does not load, so nothing is compared", other.display())?;
        return Ok(Outcome::CouldNotAnswer);
    };
    let sources = directory::read(path, rosters)?.sources;
    let refused = policy::against(&old, &bundle, &sources);
    if refused.is_empty() {
        writeln!(out, "the locked roles of revision {} are as they were", old.revision())?;
        return Ok(Outcome::Yes);
    }
    let stderr = io::stderr();
    write!(stderr.lock(), "{}", render(&refused, &sources, &stderr))?;
    Ok(Outcome::No)
}

/// The bundle in a directory, with all that there is to say of it.
fn compiled(path: &Path, rosters: &[(String, PathBuf)], out: &mut impl Write) -> io::Result<Option<Bundle>> {
    let (sources, compiled) = directory::compile(directory::read(path, rosters)?);
    let stderr = io::stderr();
    let Compiled { bundle, diagnostics, rosters, left_out } = match compiled {
        Ok(compiled) => compiled,
        Err(mistakes) => {
            write!(stderr.lock(), "{}", mistakes.render(&sources, super::color(&stderr)))?;
            return Ok(None);
        }
    };
    if !diagnostics.is_empty() {
        write!(stderr.lock(), "{}", render(&diagnostics, &sources, &stderr))?;
    }
    if let Some(mistakes) = left_out {
        write!(stderr.lock(), "{}", mistakes.text)?;
        return Ok(None);
    }
    let warned = diagnostics.iter().filter(|told| told.severity == Severity::Warning).count();
    summary(&bundle, warned, out)?;
    for roster in rosters {
        tell_roster(&roster, out)?;
    }
    Ok(Some(bundle))
}

/// How many rows of a roster hold nothing, for each cause with the first of its rows.
fn tell_roster(roster: &RosterInForce, out: &mut impl Write) -> io::Result<()> {
    let Report { name, as_of, rows, set_aside, .. } = &roster.report;
    write!(out, "roster {name}: {}, {} set aside", counted(*rows as usize, "row"), set_aside.total())?;
    if let Some(as_of) = as_of {
        write!(out, ", as of {as_of}")?;
    }
    writeln!(
        out,
        "{}",
        if roster.is_stale(SystemClock.now()) { ", older than the bundle allows" } else { "" }
    )?;
    for (cause, count) in set_aside.counts() {
        let first = set_aside.listed().iter().find(|aside| aside.cause == cause);
        let first = first.map(|aside| format!(", first in {}:{}", aside.file, aside.line));
        writeln!(out, "  {cause}: {count}{}", first.unwrap_or_default())?;
    }
    Ok(())
}

fn summary(bundle: &Bundle, warnings: usize, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{} is good: revision {}", bundle.name(), bundle.revision())?;
    let people = bundle.people().len();
    writeln!(
        out,
        "{people} {}, {}, {}, {}, {}, {}",
        if people == 1 { "person" } else { "people" },
        counted(bundle.all_assignments().count(), "assignment"),
        counted(bundle.scopes().len(), "scope"),
        counted(bundle.documents().len(), "document"),
        counted(bundle.routes().len(), "route"),
        counted(warnings, "warning"),
    )?;
    for (id, _) in bundle.domains().iter() {
        tell_domain(bundle, id, out)?;
    }
    sharing::tell(bundle, out)
}

fn tell_domain(bundle: &Bundle, id: DomainId, out: &mut impl Write) -> io::Result<()> {
    let domain = &bundle.domains()[id];
    writeln!(
        out,
        "domain {}: levels {}; {}, {}, {}, {}",
        domain.name(),
        domain.levels().join(" > "),
        counted(domain.modules().len(), "module"),
        counted(domain.permissions().len(), "permission"),
        counted(domain.roles().len(), "role"),
        counted(domain.forms().map_or(0, |forms| forms.forms.len()), "form"),
    )?;
    let changes = bundle.routes().iter().filter(|route| route.changes_rights_in(id)).count();
    if changes > 0 && !domain.denies_self_add() {
        let routes = counted(changes, "route");
        writeln!(out, "by {routes} people may add to their own rights (`self_update`)")?;
    }
    for replaced in replaced(bundle, id) {
        writeln!(out, "{replaced}")?;
    }
    for (permission, holders) in powerful(bundle, id) {
        writeln!(out, "power permission {permission}: {}", holders.join(", "))?;
    }
    Ok(())
}

/// Who holds each power permission, and by which role.
fn powerful(bundle: &Bundle, id: DomainId) -> BTreeMap<&str, Vec<String>> {
    let domain = &bundle.domains()[id];
    let mut holders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (person, held) in bundle.all_assignments().filter(|(_, held)| held.domain == id) {
        let role = &domain.roles()[held.role];
        let had = |id| domain.is_base(id) || bundle.carried(&held, id).next().is_some();
        for (_, permission) in domain.permissions().iter().filter(|(id, row)| row.power && had(*id)) {
            let who = &bundle.people().row(person).id;
            let rests = if held.grants_nothing() { ", at rest" } else { "" };
            let holder = format!("{who} ({} at {}{rests})", role.name, bundle.scopes().name(held.scope));
            holders.entry(&permission.name).or_default().push(holder);
        }
    }
    holders
}

/// People whose powers end where they hold a narrower role, which replaces the broader one: a surprise to most.
fn replaced(bundle: &Bundle, id: DomainId) -> Vec<String> {
    let domain = &bundle.domains()[id];
    if domain.precedence() != Precedence::MostSpecific {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for (person, broad) in bundle.all_assignments().filter(|(_, held)| held.domain == id) {
        let role = &domain.roles()[broad.role];
        let powerful = bundle
            .grants_of(&broad)
            .listed()
            .iter()
            .any(|permission| domain.permissions()[*permission].power);
        if role.never_overridden || !powerful {
            continue;
        }
        let below = bundle.assignments(person, id).iter().filter(|held| {
            held.scope != broad.scope && domain.chain(held.scope).any(|(scope, _)| scope == broad.scope)
        });
        for narrow in below {
            let scope = |held: Assignment<'_>| bundle.scopes().name(held.scope);
            lines.push(format!(
                "{} is {} at {}, and there is replaced as {} at {}",
                bundle.people().row(person).id,
                domain.roles()[narrow.role].name,
                scope(narrow),
                role.name,
                scope(broad),
            ));
        }
    }
    lines
}
