//! Permissions: which roles of a chain decide, whether they grant, and whether gates and requirements hold
//! (`policy-model.md` sections 3 and 4).

use super::{Decision, Reason, Rule};
use crate::policy::table::{DomainId, ModuleId, PermissionId, PersonId, RoleId, ScopeId};
use crate::policy::{Bundle, Domain, Level, Precedence};
use crate::time::Time;

/// A subject at a scope of a domain at a time.
#[derive(Clone, Copy)]
pub(super) struct Context<'b> {
    bundle: &'b Bundle,
    domain_id: DomainId,
    domain: &'b Domain,
    subject: PersonId,
    scope: ScopeId,
    now: Time,
    /// The role that stands in for the mandatory one, and where it is held.
    default_role: Option<(RoleId, ScopeId)>,
}

/// A role that is held at a scope, and whether it grants or is suspended.
#[derive(Clone, Copy)]
struct Seat {
    role: RoleId,
    active: bool,
}

impl<'b> Context<'b> {
    /// Decides a permission on a scope.
    pub(super) fn decide(
        bundle: &'b Bundle,
        domain_id: DomainId,
        subject: PersonId,
        permission: PermissionId,
        scope: ScopeId,
        now: Time,
    ) -> Decision {
        let domain = &bundle.domains()[domain_id];
        let asked = &domain.permissions()[permission];
        let ended = |reason, rule| Decision { power: asked.power, ..Decision::with(reason, rule, domain_id) };
        let Some(node) = domain.node(scope) else { return ended(Reason::ScopeUnknown, Rule::None) };
        if node.level.is_broader_than(asked.level) {
            return ended(Reason::WrongLevel, Rule::None);
        }
        let Some(context) = Context::enter(bundle, domain_id, subject, scope, now) else {
            return ended(Reason::NoAccountRole, Rule::Mandatory);
        };
        let decision = context.effective(permission);
        Decision { power: asked.power, ..decision }
    }

    /// The subject's standing at a scope of the domain; `None` where a mandatory role is missing.
    pub(super) fn enter(
        bundle: &'b Bundle,
        domain_id: DomainId,
        subject: PersonId,
        scope: ScopeId,
        now: Time,
    ) -> Option<Context<'b>> {
        let domain = &bundle.domains()[domain_id];
        let mut context = Context { bundle, domain_id, domain, subject, scope, now, default_role: None };
        let Some(mandatory) = domain.mandatory() else { return Some(context) };
        if !bundle.people().row(subject).kinds.meets(mandatory.kinds) {
            return Some(context);
        }
        let anchor = domain.ancestor(scope, mandatory.level)?;
        // A suspended assignment at the level is still one there.
        if context.seats(anchor).next().is_none() {
            context.default_role = Some((mandatory.default_role?, anchor));
        }
        Some(context)
    }

    /// The permission by its own rules, and all that it requires by theirs.
    fn effective(&self, permission: PermissionId) -> Decision {
        let own = self.by_itself(permission);
        if !own.is_allow() {
            return own;
        }
        let requires = &self.domain.permissions()[permission].requires;
        if requires.iter().all(|required| self.by_itself(*required).is_allow()) {
            return own;
        }
        Decision { reason: Reason::RequiresMissing, rule: Rule::Requires, ..own }
    }

    /// The permission by the roles of the chain and its module's gate, without what it requires.
    pub(super) fn by_itself(&self, permission: PermissionId) -> Decision {
        let decision = self.by_roles(permission);
        if !decision.is_allow() {
            return decision;
        }
        let module_id = self.domain.permissions()[permission].module;
        match self.domain.modules()[module_id].gate_at {
            Some(level) if self.gate_opener(module_id, level).is_none() => {
                Decision { reason: Reason::ModuleGated, rule: Rule::GateAt, ..decision }
            }
            _ => decision,
        }
    }

    /// Which roles decide, and whether they grant.
    fn by_roles(&self, permission: PermissionId) -> Decision {
        let asked = &self.domain.permissions()[permission];
        let rule = match self.domain.precedence() {
            Precedence::MostSpecific => Rule::MostSpecific,
            Precedence::Union => Rule::Union,
        };
        let mut nobody = Decision::with(Reason::NoRoleInContext, rule, self.domain_id);
        for (scope, level) in self.domain.chain(self.scope) {
            // A class role never decides a programme permission; `only_at` leaves one level to decide.
            if level.is_narrower_than(asked.level) || asked.only_at.is_some_and(|only| only != level) {
                continue;
            }
            let Some(first) = self.seats(scope).next() else { continue };
            let rule = if self.is_default(scope) { Rule::DefaultRole } else { rule };
            let decided = |reason, role| Decision {
                role: Some(role),
                scope: Some(scope),
                ..Decision::with(reason, rule, self.domain_id)
            };
            let roles = self.domain.roles();
            // Seats come in the order of role names, which settles ties.
            let granting = self.seats(scope).find(|seat| seat.active && roles[seat.role].grants(permission));
            if let Some(seat) = granting {
                return decided(Reason::Granted, seat.role);
            }
            match self.domain.precedence() {
                Precedence::MostSpecific => return decided(Reason::PermissionNotGranted, first.role),
                Precedence::Union => nobody.reason = Reason::PermissionNotGranted,
            }
        }
        nobody
    }

    /// The role that opens the gate of `module` at `level`, if any does. Suspended assignments open none.
    pub(super) fn gate_opener(&self, module: ModuleId, level: Level) -> Option<RoleId> {
        let scope = self.domain.ancestor(self.scope, level)?;
        let roles = self.domain.roles();
        self.seats(scope).find(|seat| seat.active && roles[seat.role].has_on(module)).map(|seat| seat.role)
    }

    fn is_default(&self, scope: ScopeId) -> bool {
        self.default_role.is_some_and(|(_, anchor)| anchor == scope)
    }

    /// The roles held at exactly `scope` today, in the order of their names. Suspended ones are held.
    fn seats(&self, scope: ScopeId) -> impl Iterator<Item = Seat> + '_ {
        let assigned = self.bundle.assignments_at(self.subject, self.domain_id, scope).iter();
        let current = assigned.filter(|held| held.is_current(self.now));
        let stands_in = self.default_role.filter(|(_, anchor)| *anchor == scope);
        current
            .map(|held| Seat { role: held.role, active: !held.suspended })
            .chain(stands_in.map(|(role, _)| Seat { role, active: true }))
    }

    /// The role that stands in for the mandatory one.
    pub(super) fn stand_in(&self) -> Option<(RoleId, ScopeId)> {
        self.default_role
    }
}
