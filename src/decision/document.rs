//! Documents: default, max and buildings (`policy-model.md` section 5). Effective access is min(M, max(D, E)).

use super::ask::{DocumentAsk, Facts};
use super::{At, Decision, Reason, Rule, blocks};
use crate::policy::table::{DomainId, FormId, PersonId, RoleId, ScopeId};
use crate::policy::{Access, Bundle, DocumentAction, Entry, Kind};
use crate::time::Time;

/// What a person's roles, or the fallbacks, say of a form for a student in certain buildings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// D: the access without being added.
    pub default: Access,
    /// M: the cap on every grant.
    pub max: Access,
    /// Whether a document of the form may be created.
    pub may_create: bool,
    /// Whether a role or a fallback speaks here.
    pub rule: Rule,
    /// Why the buildings could not be had, where they would have mattered: then the rights above are the least ones.
    pub missing: Option<Reason>,
    default_from: Option<(RoleId, Option<ScopeId>)>,
    max_from: Option<(RoleId, Option<ScopeId>)>,
}

impl Rights {
    /// A fallback, which covers every document.
    fn everywhere(entry: Entry, rule: Rule) -> Rights {
        Rights {
            default: entry.default,
            max: entry.max,
            may_create: entry.max == Access::Owner,
            rule,
            missing: None,
            default_from: None,
            max_from: None,
        }
    }

    /// What somebody has whom the document itself gives `explicit`.
    pub fn effective(&self, explicit: Access) -> Access {
        self.max.min(self.default.max(explicit))
    }

    /// The rights of `person` to documents of `form` for a student in `buildings`.
    pub fn of(
        bundle: &Bundle,
        domain_id: DomainId,
        person: PersonId,
        form: FormId,
        buildings: Result<&[ScopeId], Reason>,
        now: Time,
    ) -> Rights {
        let domain = &bundle.domains()[domain_id];
        let Some(forms) = domain.forms() else { return Rights::everywhere(Entry::NOTHING, Rule::FormMax) };
        let roles = domain.roles();
        let all = bundle.assignments(person, domain_id);
        let held = || all.iter().filter(|held| roles[held.role].bears_forms());
        let staff = bundle.kinds(person, now).contains(Kind::Staff);
        let fallback = |entry| if staff { entry } else { Entry::NOTHING };

        if held().next().is_none() {
            return Rights::everywhere(fallback(forms.fallback.unassigned), Rule::WhenUnassigned);
        }
        if !held().any(|held| held.names_a_building()) {
            // Time never widens: when all have ended, the fallback does not come back.
            let entry = if held().any(|held| held.is_active(now)) {
                fallback(forms.fallback.no_buildings)
            } else {
                Entry::NOTHING
            };
            return Rights::everywhere(entry, Rule::WhenNoBuildings);
        }

        let mut best_outside = Best::default();
        let mut covering = Best::default();
        for held in held() {
            let active = |entry| if held.is_active(now) { entry } else { Entry::NOTHING };
            if !held.names_a_building() {
                if forms.bare_assignments_cover {
                    let entry = active(fallback(forms.fallback.no_buildings));
                    covering.add(entry, held.role, None);
                    best_outside.add(entry, held.role, None);
                }
                continue;
            }
            let entry = active(roles[held.role].entry(form));
            best_outside.add(entry, held.role, None);
            let student_in = buildings.unwrap_or_default();
            let shared = bundle.buildings_of(&held).iter().find(|building| student_in.contains(building));
            if let Some(building) = shared {
                covering.add(entry, held.role, Some(*building));
            }
        }
        let missing = buildings.err();
        if covering.any || missing.is_some() {
            return covering.rights(true, missing);
        }
        let max = if forms.explicit_grants_outside_buildings { best_outside } else { Best::default() };
        let outside = Best { default: Access::None, default_from: None, ..max };
        outside.rights(forms.create_outside_buildings, None)
    }
}

/// The highest default and the highest max so far, and whose they are.
#[derive(Clone, Copy, Default)]
struct Best {
    any: bool,
    default: Access,
    max: Access,
    default_from: Option<(RoleId, Option<ScopeId>)>,
    max_from: Option<(RoleId, Option<ScopeId>)>,
}

impl Best {
    fn add(&mut self, entry: Entry, role: RoleId, building: Option<ScopeId>) {
        self.any = true;
        if self.default_from.is_none() || entry.default > self.default {
            (self.default, self.default_from) = (entry.default, Some((role, building)));
        }
        if self.max_from.is_none() || entry.max > self.max {
            (self.max, self.max_from) = (entry.max, Some((role, building)));
        }
    }

    fn rights(self, create_here: bool, missing: Option<Reason>) -> Rights {
        Rights {
            default: self.default,
            max: self.max,
            may_create: create_here && self.max == Access::Owner,
            rule: Rule::FormMax,
            missing,
            default_from: self.default_from,
            max_from: self.max_from,
        }
    }
}

/// The buildings of a student, for a document of `domain`. A student is in one or more of them: somebody who is in none
/// of this domain's, or is not a student, has buildings that cannot be had.
pub(super) fn buildings_of_student(
    bundle: &Bundle,
    domain: DomainId,
    person: PersonId,
    now: Time,
) -> Result<&[ScopeId], Reason> {
    let buildings = bundle.buildings_of_person(person, now);
    let student = bundle.kinds(person, now).contains(Kind::Student);
    let here = buildings.iter().any(|building| is_building(bundle, domain, *building));
    if student && here { Ok(buildings) } else { Err(Reason::AttributeMissing) }
}

fn is_building(bundle: &Bundle, domain: DomainId, scope: ScopeId) -> bool {
    let domain = &bundle.domains()[domain];
    let level = domain.forms().map(|forms| forms.buildings);
    level.is_some() && domain.node(scope).map(|node| node.level) == level
}

/// Decides an access to a document.
pub(super) fn decide(
    bundle: &Bundle,
    subject: PersonId,
    ask: &DocumentAsk<'_>,
    facts: Facts<'_>,
    now: Time,
) -> Decision {
    let ended = |reason, rule| Decision::with(reason, rule, ask.domain);
    if let Err(reason) = standing(bundle, subject, ask, now) {
        return ended(reason, Rule::Mandatory);
    }
    let domain = &bundle.domains()[ask.domain];
    let Some(forms) = domain.forms() else { return ended(Reason::UnknownName, Rule::None) };
    let rights = Rights::of(bundle, ask.domain, subject, ask.form, ask.buildings, now);
    match ask.action {
        DocumentAction::Create => {
            let (reason, rule) = match rights.missing {
                Some(missing) if !rights.may_create => (missing, Rule::None),
                _ if forms.forms[ask.form].deleted => (Reason::FormDeleted, Rule::FormDeleted),
                _ if rights.may_create => (Reason::Granted, rights.rule),
                _ => (Reason::CreateNeedsOwner, rights.rule),
            };
            from(rights.max_from, ended(reason, rule))
        }
        DocumentAction::View | DocumentAction::Edit | DocumentAction::Delete => {
            own_access(ask, &rights, ended)
        }
        DocumentAction::Share | DocumentAction::Transfer => {
            let giving = match ask.action {
                DocumentAction::Transfer => Some(Access::Owner),
                _ => ask.giving,
            };
            let (Some(target), Some(giving)) = (ask.target, giving) else {
                return ended(Reason::AttributeMissing, Rule::None);
            };
            let mut own = own_access(ask, &rights, ended);
            if !own.is_allow() {
                match (administers(bundle, subject, ask, facts, now), ask.buildings, forms.administer) {
                    (Some(by), ..) => own = by,
                    // What could be allowed instead rests on buildings that cannot be had.
                    (None, Err(missing), Some(_)) => return ended(missing, Rule::None),
                    _ => return own,
                }
            }
            match grantee_max(bundle, target, ask, now) {
                Ok(max) if giving <= max => own,
                Ok(_) => ended(Reason::GranteeMax, Rule::GranteeMax),
                Err(reason) => ended(reason, Rule::GranteeMax),
            }
        }
    }
}

/// Whether the subject has the access that the action needs, and which part of the formula it rests on.
fn own_access(ask: &DocumentAsk<'_>, rights: &Rights, ended: impl Fn(Reason, Rule) -> Decision) -> Decision {
    let needs = ask.action.needs();
    let by_role = matches!(rights.rule, Rule::FormMax);
    if rights.effective(ask.explicit) >= needs {
        return match rights.default >= needs {
            true if by_role => from(rights.default_from, ended(Reason::Granted, Rule::FormDefault)),
            true => ended(Reason::Granted, rights.rule),
            false => from(rights.max_from, ended(Reason::Granted, Rule::ExplicitGrant)),
        };
    }
    if let Some(missing) = rights.missing {
        return ended(missing, Rule::None);
    }
    let capped = rights.max < needs;
    let source = if capped { rights.max_from } else { rights.default_from };
    let rule = if by_role && !capped { Rule::FormDefault } else { rights.rule };
    from(source, ended(Reason::LevelBelowRequired, rule))
}

fn from(source: Option<(RoleId, Option<ScopeId>)>, decision: Decision) -> Decision {
    let (role, scope) = source.unzip();
    Decision { role, scope: scope.flatten(), ..decision }
}

/// A subject without a mandatory role is denied everything in the domain, documents too.
fn standing(bundle: &Bundle, person: PersonId, ask: &DocumentAsk<'_>, now: Time) -> Result<(), Reason> {
    let Some(mandatory) = bundle.domains()[ask.domain].mandatory() else { return Ok(()) };
    if !bundle.kinds(person, now).meets(mandatory.kinds) {
        return Ok(());
    }
    let mut buildings = buildings_here(bundle, ask)?.peekable();
    let stands = |building: ScopeId| {
        let at =
            At { bundle, domain: ask.domain, subject: person, scope: building, facts: Facts::default(), now };
        at.enter().is_some()
    };
    let stands_everywhere = buildings.peek().is_some() && buildings.all(stands);
    if stands_everywhere { Ok(()) } else { Err(Reason::NoAccountRole) }
}

/// The student's buildings that are buildings of the document's domain: a student may be in those of others, too.
fn buildings_here<'a>(
    bundle: &'a Bundle,
    ask: &DocumentAsk<'a>,
) -> Result<impl Iterator<Item = ScopeId> + 'a, Reason> {
    let (domain, buildings) = (ask.domain, ask.buildings?);
    Ok(buildings.iter().copied().filter(move |building| is_building(bundle, domain, *building)))
}

/// `documents.administer` on every building of the student, of which there must be one.
fn administers(
    bundle: &Bundle,
    subject: PersonId,
    ask: &DocumentAsk<'_>,
    facts: Facts<'_>,
    now: Time,
) -> Option<Decision> {
    let permission = bundle.domains()[ask.domain].forms()?.administer?;
    let mut last = None;
    for building in buildings_here(bundle, ask).ok()? {
        let at = At { bundle, domain: ask.domain, subject, scope: building, facts, now };
        let decision = at.decide(permission);
        if !decision.is_allow() {
            return None;
        }
        last = Some(Decision { rule: Rule::Administer, ..decision });
    }
    last
}

/// What the target could be given at the most (`FM-18`, `FM-19`).
pub(super) fn grantee_max(
    bundle: &Bundle,
    target: PersonId,
    ask: &DocumentAsk<'_>,
    now: Time,
) -> Result<Access, Reason> {
    if bundle.is_suspended(target) || blocks::from_document(bundle, target, ask, now) {
        return Ok(Access::None);
    }
    match standing(bundle, target, ask, now) {
        Ok(()) => {}
        Err(Reason::NoAccountRole) => return Ok(Access::None),
        Err(reason) => return Err(reason),
    }
    let rights = Rights::of(bundle, ask.domain, target, ask.form, ask.buildings, now);
    match rights.missing {
        Some(missing) if rights.max < Access::Owner => Err(missing),
        _ => Ok(rights.max),
    }
}
