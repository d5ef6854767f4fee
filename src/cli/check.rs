//! `check DIR`: is the bundle good, and what is in it that somebody should look at.

use super::{Outcome, render};
use crate::pdp::directory;
use crate::policy::{self, Bundle, Severity};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

pub(super) fn run(path: &Path) -> io::Result<Outcome> {
    let sources = directory::read(path)?;
    let compilation = policy::compile(&sources);
    let stderr = io::stderr();
    if !compilation.diagnostics.is_empty() {
        write!(stderr.lock(), "{}", render(&compilation.diagnostics, &sources, &stderr))?;
    }
    let Some(bundle) = compilation.bundle else { return Ok(Outcome::No) };
    let warned = compilation.diagnostics.iter().filter(|told| told.severity == Severity::Warning).count();
    summary(&bundle, warned, &mut io::stdout().lock())?;
    Ok(Outcome::Yes)
}

fn summary(bundle: &Bundle, warnings: usize, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{} is good: revision {}", bundle.name(), bundle.revision())?;
    writeln!(
        out,
        "{} people, {} assignments, {} scopes, {} documents, {} routes, {} warnings",
        bundle.people().len(),
        bundle.all_assignments().count(),
        bundle.scopes().len(),
        bundle.documents().len(),
        bundle.routes().len(),
        warnings,
    )?;
    for (id, domain) in bundle.domains().iter() {
        writeln!(
            out,
            "domain {}: levels {}; {} modules, {} permissions, {} roles, {} forms",
            domain.name(),
            domain.levels().join(" > "),
            domain.modules().len(),
            domain.permissions().len(),
            domain.roles().len(),
            domain.forms().map_or(0, |forms| forms.forms.len()),
        )?;
        let mut holders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (person, held) in bundle.all_assignments().filter(|(_, held)| held.domain == id) {
            let role = &domain.roles()[held.role];
            for permission in bundle.grants_of(held).listed().into_iter().map(|id| &domain.permissions()[id])
            {
                if permission.power {
                    let who = &bundle.people().row(person).id;
                    let holder = format!("{who} ({} at {})", role.name, bundle.scopes().name(held.scope));
                    holders.entry(&permission.name).or_default().push(holder);
                }
            }
        }
        for (permission, holders) in holders {
            writeln!(out, "power permission {permission}: {}", holders.join(", "))?;
        }
    }
    Ok(())
}
