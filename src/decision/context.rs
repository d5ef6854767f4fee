//! Permissions: which roles of a chain decide, whether they grant, and whether gates and requirements hold
//! (`policy-model.md` sections 3 and 4).

use super::ask::Facts;
use super::{Decision, Reason, Rule};
use crate::policy::relations::Part;
use crate::policy::table::{DomainId, ModuleId, PermissionId, PersonId, RoleId, ScopeId};
use crate::policy::{
    Assignments, Bundle, Domain, Granted, Grants, Kind, Level, Plan, Precedence, Relation, Tenure,
};
use crate::time::Time;

/// Who asks at a scope of a domain at a time.
#[derive(Clone, Copy)]
pub(super) struct At<'b> {
    pub(super) bundle: &'b Bundle,
    pub(super) domain: DomainId,
    pub(super) subject: PersonId,
    pub(super) scope: ScopeId,
    pub(super) facts: Facts<'b>,
    pub(super) now: Time,
}

/// What somebody holds where they ask.
#[derive(Clone, Copy)]
pub(super) struct Context<'b> {
    bundle: &'b Bundle,
    domain_id: DomainId,
    domain: &'b Domain,
    subject: PersonId,
    /// What the subject holds in the domain, looked up once; ordered by scope.
    held: Assignments<'b>,
    scope: ScopeId,
    facts: Facts<'b>,
    now: Time,
    /// The role that stands in for the mandatory one, and where it is held.
    default_role: Option<(RoleId, ScopeId)>,
}

/// A role that is held at a scope today.
#[derive(Clone, Copy)]
struct Seat<'b> {
    role: RoleId,
    /// The assignment; none for a role that is held by default.
    held: Option<&'b Tenure>,
    /// A suspended assignment is held and grants nothing, and so is one at an archived scope.
    active: bool,
}

impl Seat<'_> {
    /// A role that is held by default carries no `base`.
    fn is_assigned(&self) -> bool {
        self.held.is_some()
    }
}

/// The best seat at a scope, and how it answers.
#[derive(Clone, Copy)]
struct Found {
    holds: Holds,
    rule: Rule,
    role: RoleId,
    scope: ScopeId,
}

/// Which of the ways to a permission count.
#[derive(Clone, Copy)]
enum Ways {
    All,
    /// Outside of a plan that allows a choice, what every assignment carries.
    BaseAlone,
}

/// Whether a grant holds; the better answer is the greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    No,
    /// It is narrowed to a relation that the subject is not in.
    Unmet,
    /// It is narrowed to a relation of which something is not known.
    Unknown,
    Yes,
}

impl Holds {
    fn reason(self) -> Reason {
        match self {
            Holds::No => Reason::PermissionNotGranted,
            Holds::Unmet => Reason::RelationUnmet,
            Holds::Unknown => Reason::AttributeMissing,
            Holds::Yes => Reason::Granted,
        }
    }
}

impl<'b> At<'b> {
    /// Decides a permission.
    pub(super) fn decide(self, permission: PermissionId) -> Decision {
        let domain = &self.bundle.domains()[self.domain];
        let asked = &domain.permissions()[permission];
        let ended =
            |reason, rule| Decision { power: asked.power, ..Decision::with(reason, rule, self.domain) };
        let Some(node) = domain.node(self.scope) else { return ended(Reason::ScopeUnknown, Rule::None) };
        if node.level.is_broader_than(asked.level) {
            return ended(Reason::WrongLevel, Rule::None);
        }
        let Some(context) = self.enter() else {
            return ended(Reason::NoAccountRole, Rule::Mandatory);
        };
        Decision { power: asked.power, ..context.effective(permission) }
    }

    /// Whether a permission is effective, where that can be told: what hangs on an attribute that is missing, or on a
    /// token that was not shown, is neither a yes nor a no.
    pub(super) fn surely(self, permission: PermissionId) -> Option<bool> {
        match self.decide(permission).reason {
            Reason::Granted => Some(true),
            Reason::AttributeMissing | Reason::ScopeUnknown | Reason::WrongLevel | Reason::StepUpRequired => {
                None
            }
            // One that is missing for certain settles it.
            Reason::RequiresMissing => {
                let context = self.enter()?;
                let requires = &context.domain.permissions()[permission].requires;
                let missing = |reason| !matches!(reason, Reason::Granted | Reason::AttributeMissing);
                let settled = requires.iter().any(|required| missing(context.by_itself(*required).reason));
                if settled { Some(false) } else { None }
            }
            _ => Some(false),
        }
    }

    /// The subject's standing there; `None` where a mandatory role is missing.
    pub(super) fn enter(self) -> Option<Context<'b>> {
        let At { bundle, domain: domain_id, subject, scope, facts, now } = self;
        let domain = &bundle.domains()[domain_id];
        let held = bundle.assignments(subject, domain_id);
        let mut context =
            Context { bundle, domain_id, domain, subject, held, scope, facts, now, default_role: None };
        let Some(mandatory) = domain.mandatory() else { return Some(context) };
        if !bundle.kinds(subject, now).meets(mandatory.kinds) {
            return Some(context);
        }
        let anchor = domain.ancestor(scope, mandatory.level)?;
        // A suspended assignment at the level is still one there.
        if context.seats(anchor).next().is_none() {
            context.default_role = Some((mandatory.default_role?, anchor));
        }
        Some(context)
    }
}

impl<'b> Context<'b> {
    /// The permission by its own rules, all that it requires by theirs, and step-up where one of them asks for it.
    fn effective(&self, permission: PermissionId) -> Decision {
        let own = self.by_itself(permission);
        if !own.is_allow() {
            return own;
        }
        let permissions = self.domain.permissions();
        let requires = &permissions[permission].requires;
        // Its own module is open, or there would be no yes.
        let is_open = |module| module == permissions[permission].module || self.closed_by(module).is_none();
        let has = |required: &PermissionId| {
            self.by_grants(*required).is_allow() && is_open(permissions[*required].module)
        };
        if !requires.iter().all(has) {
            return Decision { reason: Reason::RequiresMissing, rule: Rule::Requires, ..own };
        }
        let stepped_up = |id: &PermissionId| match &permissions[*id].step_up {
            None => true,
            Some(wanted) => self.facts.claims.is_some_and(|claims| claims.holds(&wanted.claim, &wanted.has)),
        };
        if stepped_up(&permission) && requires.iter().all(stepped_up) {
            return own;
        }
        Decision { reason: Reason::StepUpRequired, rule: Rule::PowerRequires, ..own }
    }

    /// The permission by the roles of the chain and its module's gate, without what it requires.
    pub(super) fn by_itself(&self, permission: PermissionId) -> Decision {
        let decision = self.by_grants(permission);
        if !decision.is_allow() {
            return decision;
        }
        match self.closed_by(self.domain.permissions()[permission].module) {
            Some(rule) => Decision { reason: Reason::ModuleGated, rule, ..decision },
            None => decision,
        }
    }

    /// The permission by plans and roles alone.
    fn by_grants(&self, permission: PermissionId) -> Decision {
        self.by_plans(permission).unwrap_or_else(|| self.by_roles(permission, Ways::All))
    }

    /// What keeps a module closed here, if anything does.
    fn closed_by(&self, module: ModuleId) -> Option<Rule> {
        if self.domain.is_off(module, self.scope) {
            return Some(Rule::ModulesOff);
        }
        let level = self.domain.modules()[module].gate_at?;
        self.gate_opener(module, level).is_none().then_some(Rule::GateAt)
    }

    /// What the plans of the chain leave, each bounded by the others; `None` where roles decide.
    fn by_plans(&self, permission: PermissionId) -> Option<Decision> {
        let plans = || self.domain.plans(self.scope);
        plans().next()?;
        let outside = plans().any(|(_, plan)| matches!(plan, Plan::AnyOf(set) if !set.contains(permission)));
        let mut by_exact: Option<Decision> = None;
        for (school, plan) in plans() {
            let Plan::Exactly(set) = plan else { continue };
            let decision = self.by_exact_plan(permission, school, set.contains(permission) && !outside);
            if !decision.is_allow() {
                return Some(decision);
            }
            by_exact.get_or_insert(decision);
        }
        match by_exact {
            None if outside => {
                let by_base = self.by_roles(permission, Ways::BaseAlone);
                let told = Decision { rule: Rule::Plan, ..self.by_roles(permission, Ways::All) };
                Some(match by_base.reason {
                    Reason::PermissionNotGranted => Decision { reason: Reason::PermissionNotGranted, ..told },
                    _ => by_base,
                })
            }
            by_exact => by_exact,
        }
    }

    /// Whether roles held at `level` may decide `permission`.
    fn may_decide(&self, level: Level, permission: PermissionId) -> bool {
        self.domain.permissions()[permission].is_decided_at(level)
    }

    /// Which roles decide, and whether they grant.
    fn by_roles(&self, permission: PermissionId, ways: Ways) -> Decision {
        let rule = match self.domain.precedence() {
            Precedence::MostSpecific => Rule::MostSpecific,
            Precedence::Union => Rule::Union,
        };
        // What was found so far: the answer of the narrowest scope with a role under `most_specific`, the best of all
        // under `union`, where no single role stands behind a denial.
        let mut so_far: Option<Found> = None;
        let most_specific = self.domain.precedence() == Precedence::MostSpecific;
        let asked = &self.domain.permissions()[permission];
        for (scope, level) in self.domain.chain(self.scope) {
            if !asked.is_decided_at(level) {
                continue;
            }
            let replaced = so_far.is_some() && most_specific;
            let Some((role, holds)) = self.best_at(scope, permission, ways, replaced) else { continue };
            let rule = match () {
                () if replaced => Rule::NeverOverridden,
                () if self.is_default(scope) => Rule::DefaultRole,
                () => rule,
            };
            let found = Found { holds, rule, role, scope };
            if holds == Holds::Yes {
                return self.told(found);
            }
            match &mut so_far {
                None => so_far = Some(found),
                Some(before) if !most_specific => {
                    (before.holds, before.rule) = (before.holds.max(holds), rule);
                }
                Some(before) if holds > before.holds => *before = found,
                Some(_) => {}
            }
        }
        let denied = |reason, rule| Decision::with(reason, rule, self.domain_id);
        match so_far {
            None => denied(Reason::NoRoleInContext, rule),
            Some(found) if most_specific => self.told(found),
            Some(found) => denied(found.holds.reason(), found.rule),
        }
    }

    fn told(&self, found: Found) -> Decision {
        let Found { holds, rule, role, scope } = found;
        let (role, scope) = (Some(role), Some(scope));
        Decision { role, scope, ..Decision::with(holds.reason(), rule, self.domain_id) }
    }

    /// The role at `scope` that answers best, and how; `None` where none is held. Seats come in the order of role
    /// names, which settles ties. Where a narrower role has replaced this scope, only roles that are assigned and never
    /// overridden are asked.
    fn best_at(
        &self,
        scope: ScopeId,
        permission: PermissionId,
        ways: Ways,
        replaced: bool,
    ) -> Option<(RoleId, Holds)> {
        let roles = self.domain.roles();
        let mut best: Option<(RoleId, Holds)> = None;
        for seat in self.seats(scope) {
            if replaced && !(seat.is_assigned() && roles[seat.role].never_overridden) {
                continue;
            }
            let holds = match ways {
                Ways::All => self.holds(&seat, permission),
                Ways::BaseAlone if self.carries_base(&seat, permission) => Holds::Yes,
                Ways::BaseAlone => Holds::No,
            };
            if best.is_none_or(|(_, before)| holds > before) {
                best = Some((seat.role, holds));
            }
        }
        best
    }

    /// Whether a seat grants a permission.
    fn holds(&self, seat: &Seat<'b>, permission: PermissionId) -> Holds {
        if !seat.active {
            return Holds::No;
        }
        let grants = self.grants(seat);
        match grants.of(permission) {
            Granted::Outright => return Holds::Yes,
            _ if self.carries_base(seat, permission) => return Holds::Yes,
            Granted::Within(relations) => {
                let answers = relations.iter().map(|(_, relation)| self.stands_in(*relation));
                return answers.max().unwrap_or(Holds::No);
            }
            Granted::No if !self.options(seat).contains(&permission) => return Holds::No,
            Granted::No => {}
        }
        let offered = grants.option(permission);
        offered
            .map(|relation| relation.map_or(Holds::Yes, |relation| self.stands_in(relation)))
            .max()
            .unwrap_or(Holds::No)
    }

    /// Whether a seat carries the permission as one of those that every assignment carries.
    fn carries_base(&self, seat: &Seat<'_>, permission: PermissionId) -> bool {
        seat.active && seat.is_assigned() && self.domain.is_base(permission)
    }

    /// Whether the subject stands in a relation to what is asked about.
    fn stands_in(&self, relation: Relation) -> Holds {
        let told = |known: bool| if known { Holds::Yes } else { Holds::Unmet };
        let relations = self.bundle.relations();
        match relation {
            Relation::OwnClasses => {
                // An archived class is nobody's own any more, also not of those who teach in what it lies in.
                let teaches = |scope| relations.is_enrolled(self.subject, scope, Part::Teacher, self.now);
                let own = self.domain.chain(self.scope).any(|(scope, _)| teaches(scope));
                told(own && !self.domain.is_archived(self.scope))
            }
            Relation::OwnChildren => match self.facts.student {
                Some(student) => told(relations.is_guardian(self.subject, student, self.now)),
                None => Holds::Unknown,
            },
            // Whoever is named must be the subject: a request about oneself and another is not about oneself.
            Relation::Own if self.facts.stranger => Holds::Unknown,
            Relation::Own => match (self.facts.target, self.facts.student) {
                (None, None) => Holds::Unknown,
                (target, student) => {
                    told([target, student].into_iter().flatten().all(|person| person == self.subject))
                }
            },
            Relation::Assigned => match self.facts.assigned {
                Some(people) => told(people.contains(&self.subject)),
                None => Holds::Unknown,
            },
        }
    }

    /// A plan that fixes the set: that of every staff member with an assignment at the school, whatever is stored there
    /// or held above. A role of the school still decides nothing that roles of its level never decide.
    fn by_exact_plan(&self, permission: PermissionId, school: ScopeId, in_plan: bool) -> Decision {
        let denied = |reason| Decision::with(reason, Rule::Plan, self.domain_id);
        let deciding =
            || self.domain.chain(self.scope).filter(|(_, level)| self.may_decide(*level, permission));
        if !deciding().any(|(scope, _)| self.seats(scope).next().is_some()) {
            return denied(Reason::NoRoleInContext);
        }
        let decides = deciding().any(|(scope, _)| scope == school);
        let staff = self.bundle.kinds(self.subject, self.now).contains(Kind::Staff);
        let seat = self
            .seats(school)
            .filter(|seat| seat.is_assigned() && decides && staff)
            .max_by_key(|seat| (seat.active, std::cmp::Reverse(seat.role)));
        let Some(seat) = seat else { return denied(Reason::PermissionNotGranted) };
        let granted = seat.active && (in_plan || self.domain.is_base(permission));
        let reason = if granted { Reason::Granted } else { Reason::PermissionNotGranted };
        Decision { role: Some(seat.role), scope: Some(school), ..denied(reason) }
    }

    /// The role that opens the gate of `module` at `level`, if any does. Suspended assignments open none, nor do
    /// options and `base`; a custom set opens the gates of the modules that it names.
    pub(super) fn gate_opener(&self, module: ModuleId, level: Level) -> Option<RoleId> {
        let scope = self.domain.ancestor(self.scope, level)?;
        self.seats(scope).find(|seat| seat.active && self.grants(seat).has_on(module)).map(|seat| seat.role)
    }

    /// The narrowest of these roles that the subject holds by an assignment on the chain today, and where; ties by role.
    /// A role that is held by default gives nothing away.
    pub(super) fn holder_among(&self, roles: &[RoleId]) -> Option<(RoleId, ScopeId)> {
        self.domain.chain(self.scope).find_map(|(scope, _)| {
            let mut seats = self.seats(scope).filter(|seat| seat.active && seat.is_assigned());
            seats.find(|seat| roles.contains(&seat.role)).map(|seat| (seat.role, scope))
        })
    }

    /// Whether roles that are held at the very scope may decide `permission`.
    pub(super) fn may_decide_here(&self, permission: PermissionId) -> bool {
        let level = self.domain.node(self.scope).map(|node| node.level);
        level.is_some_and(|level| self.may_decide(level, permission))
    }

    /// Whether the subject would have less by holding a role with these grants at the very scope: it may take the place
    /// of broader roles, or of the one that is held by default.
    pub(super) fn is_lessened_by(&self, grants: &Grants) -> bool {
        if self.seats(self.scope).any(|seat| seat.is_assigned()) {
            return false;
        }
        let closes_a_gate =
            |seat: Seat<'b>| self.grants(&seat).modules_on().any(|module| !grants.has_on(module));
        self.seats(self.scope).any(closes_a_gate)
            || self.domain.permissions().iter().any(|(id, _)| {
                let mut lost = self.replaced_by_a_role_here(id);
                lost.any(|relation| !grants.covers(id, relation) && !self.stays(id, relation))
            })
    }

    /// What a role at the very scope would take the place of, of one permission: the relations in which it is had.
    fn replaced_by_a_role_here(&self, id: PermissionId) -> impl Iterator<Item = Option<Relation>> + '_ {
        let decides = self.may_decide_here(id) && !self.domain.is_base(id);
        let deciding = self.domain.chain(self.scope).filter(move |(scope, level)| {
            decides && self.may_decide(*level, id) && self.seats(*scope).next().is_some()
        });
        let first = deciding.take(1).filter(|(scope, _)| {
            self.domain.precedence() == Precedence::MostSpecific || *scope == self.scope
        });
        first
            .flat_map(|(scope, _)| self.seats(scope).filter(|seat| seat.active))
            .flat_map(move |seat| self.grants(&seat).carried(id, self.options(&seat)))
    }

    /// Whether a role that no narrower one replaces has the permission as far as `relation` does.
    fn stays(&self, id: PermissionId, relation: Option<Relation>) -> bool {
        let may = self.domain.chain(self.scope).filter(|(_, level)| self.may_decide(*level, id));
        let mut firm = may.flat_map(|(scope, _)| self.seats(scope)).filter(|seat| {
            seat.active && seat.is_assigned() && self.domain.roles()[seat.role].never_overridden
        });
        firm.any(|seat| {
            self.grants(&seat).carried(id, self.options(&seat)).any(|have| have.is_none() || have == relation)
        })
    }

    fn is_default(&self, scope: ScopeId) -> bool {
        self.default_role.is_some_and(|(_, anchor)| anchor == scope)
    }

    /// The roles held at exactly `scope` today, in the order of their names. Suspended ones are held.
    fn seats(&self, scope: ScopeId) -> impl Iterator<Item = Seat<'b>> + '_ {
        let mut assigned = self.held.at(scope);
        let mut by_default = self.default_role.filter(|(_, anchor)| *anchor == scope);
        // One step for both instead of a chain of two: this is the innermost loop of every decision.
        std::iter::from_fn(move || {
            for held in assigned.by_ref() {
                if held.is_current(self.now) {
                    let active = !held.grants_nothing();
                    return Some(Seat { role: held.role, held: Some(held.tenure()), active });
                }
            }
            let (role, _) = by_default.take()?;
            Some(Seat { role, held: None, active: !self.domain.is_archived(scope) })
        })
    }

    /// What a seat grants: the custom set of its assignment, else what its role does.
    fn grants(&self, seat: &Seat<'b>) -> &'b Grants {
        let own = seat.held.and_then(|held| self.bundle.set_of(held));
        own.unwrap_or_else(|| &self.domain.roles()[seat.role].grants)
    }

    /// The options that the assignment of a seat switches on.
    fn options(&self, seat: &Seat<'b>) -> &'b [PermissionId] {
        seat.held.map_or(&[], |held| self.bundle.options_of(held))
    }

    /// The role that stands in for the mandatory one.
    pub(super) fn stand_in(&self) -> Option<(RoleId, ScopeId)> {
        self.default_role
    }
}
