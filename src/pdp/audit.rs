//! The audit line of an activation: from which revision to which, by whom and why, and for how many people it changes
//! something.

use super::RosterInForce;
use crate::policy::table::{DomainId, PermissionId, PersonId};
use crate::policy::{Assignment, Bundle, Domain, Entry, Granted, Grants, HeldOff, Relation, Role};
use crate::time::Time;
use std::collections::{BTreeSet, HashSet};

/// The tracing target of the audit lines.
pub const AUDIT_TARGET: &str = "hallpass::audit";

/// What a new revision changes, counted in people of the roster.
///
/// Two revisions are compared by the names in them: by assignments (role, scope, dates, suspension, buildings, options,
/// permissions of a set of its own), by who is in the roster, and by who is suspended in the bundle. A person whose
/// assignment was changed gains one and loses one, and is counted in both. What a role grants is not spread over those
/// who hold it: roles that were redefined are counted apart, so that it shows where assignments alone do not tell the
/// whole of it. Documents, relations, blocks, plans, gates, records,
/// sharing and routes are not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Difference {
    /// People with an assignment that they did not have before, or who are suspended no more.
    pub gaining: usize,
    /// People without an assignment that they had before, or who are suspended now.
    pub losing: usize,
    /// People with any of these.
    pub changed: usize,
    /// People who were not in the roster before.
    pub added: usize,
    /// People who are not in the roster any more.
    pub removed: usize,
    /// Roles that are in both and grant something else, or that came or went.
    pub roles_changed: usize,
}

/// An assignment by names, as far as it grants something.
#[derive(PartialEq, Eq, Hash)]
struct Named<'b> {
    role: (&'b str, &'b str),
    scope: &'b str,
    dates: (Time, Time),
    suspended: bool,
    buildings: BTreeSet<&'b str>,
    grants: NamedGrants<'b>,
    options: BTreeSet<&'b str>,
}

/// Permissions with how they are granted, options, and the modules that are on.
type NamedGrants<'b> = Vec<(&'b str, Vec<Option<Relation>>, bool)>;

impl Difference {
    /// What is different in `new`.
    pub fn between(old: Option<&Bundle>, new: &Bundle) -> Difference {
        let mut difference = Difference { roles_changed: roles_changed(old, new), ..Difference::default() };
        for (person, row) in new.people().iter() {
            let before = old.and_then(|old| Some((old, old.people().find(&row.id)?)));
            difference.added += usize::from(before.is_none());
            difference.count(before, Some((new, person)));
        }
        for (person, row) in old.into_iter().flat_map(|old| old.people().iter()) {
            if new.people().find(&row.id).is_none() {
                difference.removed += 1;
                difference.count(old.map(|old| (old, person)), None);
            }
        }
        difference
    }

    fn count(&mut self, before: Option<(&Bundle, PersonId)>, after: Option<(&Bundle, PersonId)>) {
        let (had, has) = (held(before), held(after));
        let suspended =
            |of: Option<(&Bundle, PersonId)>| of.map(|(bundle, person)| bundle.is_suspended(person));
        let (was, is) = (suspended(before), suspended(after));
        let gains = has.iter().any(|held| !had.contains(held)) || (was, is) == (Some(true), Some(false));
        let loses = had.iter().any(|held| !has.contains(held)) || (was, is) == (Some(false), Some(true));
        self.gaining += usize::from(gains);
        self.losing += usize::from(loses);
        self.changed += usize::from(gains || loses);
    }
}

fn held(of: Option<(&Bundle, PersonId)>) -> HashSet<Named<'_>> {
    let Some((bundle, person)) = of else { return HashSet::new() };
    let domains = bundle.domains().iter();
    let all = domains.flat_map(|(domain, _)| bundle.assignments(person, domain).iter());
    all.map(|assignment| named(bundle, &assignment)).collect()
}

fn named<'b>(bundle: &'b Bundle, assignment: &Assignment<'_>) -> Named<'b> {
    let domain = &bundle.domains()[assignment.domain];
    let buildings = bundle.buildings_of(assignment).iter();
    Named {
        role: (domain.name(), &domain.roles()[assignment.role].name),
        scope: bundle.scopes().name(assignment.scope),
        dates: (assignment.from, assignment.until),
        suspended: assignment.suspended,
        buildings: buildings.map(|building| bundle.scopes().name(*building)).collect(),
        // What the role grants is compared with the role.
        grants: match assignment.has_set() {
            true => named_grants(domain, bundle.grants_of(assignment)),
            false => Vec::new(),
        },
        options: bundle.options_of(assignment).iter().map(|id| permission_name(domain, *id)).collect(),
    }
}

fn permission_name(domain: &Domain, id: PermissionId) -> &str {
    &domain.permissions()[id].name
}

fn named_grants<'b>(domain: &'b Domain, grants: &'b Grants) -> NamedGrants<'b> {
    let how = |id| match grants.of(id) {
        Granted::No => (grants.option(id).collect(), true),
        Granted::Outright => (vec![None], false),
        Granted::Within(within) => (within.iter().map(|(_, relation)| Some(*relation)).collect(), false),
    };
    let listed = grants.listed().into_iter().map(|id| {
        let (relations, optional) = how(id);
        (permission_name(domain, id), relations, optional)
    });
    let on = domain.modules().iter().filter(|(module, _)| grants.has_on(*module));
    let mut named: NamedGrants<'_> =
        listed.chain(on.map(|(_, module)| (module.name.as_str(), Vec::new(), false))).collect();
    named.sort();
    named
}

/// A role by names: its level, whether it is deleted or never overridden, what it grants, and its entries for forms.
type NamedRole<'b> = (&'b str, bool, bool, NamedGrants<'b>, Vec<(&'b str, Entry)>);

fn roles_changed(old: Option<&Bundle>, new: &Bundle) -> usize {
    let Some(old) = old else { return 0 };
    let find = |bundle: &Bundle, domain: &str, role: &str| {
        let domain = bundle.domain(domain)?;
        Some((domain, bundle.domains()[domain].role(role)?))
    };
    let mut changed = 0;
    for (domain, told) in new.domains().iter() {
        for (_, role) in told.roles().iter() {
            let same = find(old, told.name(), &role.name).is_some_and(|(old_domain, old_role)| {
                let old_role = &old.domains()[old_domain].roles()[old_role];
                named_role(old, old_domain, old_role) == named_role(new, domain, role)
            });
            changed += usize::from(!same);
        }
    }
    let gone = old.domains().iter().flat_map(|(_, domain)| {
        domain.roles().iter().filter(|(_, role)| find(new, domain.name(), &role.name).is_none())
    });
    changed + gone.count()
}

fn named_role<'b>(bundle: &'b Bundle, domain: DomainId, role: &'b Role) -> NamedRole<'b> {
    let domain = &bundle.domains()[domain];
    let forms = domain.forms().filter(|_| role.bears_forms());
    let forms = forms.into_iter().flat_map(|forms| forms.forms.iter());
    let mut entries: Vec<_> = forms.map(|(id, form)| (form.name.as_str(), role.entry(id))).collect();
    entries.sort_by_key(|(form, _)| *form);
    let grants = named_grants(domain, &role.grants);
    (domain.level_name(role.level), role.deleted, role.never_overridden, grants, entries)
}

/// A bundle was put in force.
pub(super) fn bundle(from: Option<&Bundle>, to: &Bundle) {
    let Difference { gaining, losing, changed, added, removed, roles_changed } =
        Difference::between(from, to);
    let manifest = to.manifest();
    tracing::info!(
        target: AUDIT_TARGET,
        what = "bundle",
        from = from.map(|from| from.revision()),
        to = to.revision(),
        author = manifest.author.as_deref(),
        change = manifest.change.as_deref(),
        people_gaining = gaining,
        people_losing = losing,
        people_changed = changed,
        people_added = added,
        people_removed = removed,
        roles_changed,
        "activated"
    );
}

/// Rosters were put in force with a bundle: one line for each that is another one than before.
pub(super) fn rosters(before: &[RosterInForce], after: &[RosterInForce]) {
    for roster in after {
        let name = &roster.report.name;
        let from = before.iter().find(|other| other.report.name == *name);
        let from = from.map(|from| from.digest.as_str());
        if from != Some(&roster.digest) {
            tracing::info!(
                target: AUDIT_TARGET,
                what = "roster",
                roster = name.as_str(),
                from,
                to = roster.digest,
                as_of = roster.report.as_of.map(|as_of| as_of.to_string()),
                rows = roster.report.rows,
                set_aside = roster.report.set_aside.total(),
                "activated"
            );
        }
    }
}

/// What a file says besides the bundle was put in force.
pub(super) fn besides(from: Option<&str>, to: &str, before: &HeldOff, after: &HeldOff) {
    let people = |some: &HeldOff, others: &HeldOff| {
        some.suspended().iter().filter(|person| !others.suspended().contains(*person)).count()
    };
    let blocks = |some: &HeldOff, others: &HeldOff| {
        some.blocks().iter().filter(|block| !others.blocks().contains(block)).count()
    };
    let credentials = |some: &HeldOff, others: &HeldOff| {
        some.credentials().iter().filter(|name| !others.credentials().contains(name)).count()
    };
    tracing::info!(
        target: AUDIT_TARGET,
        what = "suspended",
        from,
        to,
        people_gaining = people(before, after),
        people_losing = people(after, before),
        blocks_added = blocks(after, before),
        blocks_removed = blocks(before, after),
        credentials_suspended = credentials(after, before),
        credentials_restored = credentials(before, after),
        "activated"
    );
}
