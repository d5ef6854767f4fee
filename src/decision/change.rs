//! Changes to assignments and roles: who may give what, and what nobody may do to themselves (`policy-model.md`
//! section 4). What a change rests on is what the subject holds now; nothing is guessed of what is not stored.

use super::ask::{ChangeAsk, Changed, Facts};
use super::{At, Context, Decision, Reason, Rule};
use crate::policy::table::{DomainId, PermissionId, PersonId, RoleId, ScopeId};
use crate::policy::{Assignment, Bundle, Domain, Listed, Mandatory, Plan, Relation, Tenure};
use crate::time::Time;

/// The longest set of permissions that is read.
const LISTED_MAX: usize = 256;

/// Decides a change.
pub(super) fn decide(
    bundle: &Bundle,
    subject: PersonId,
    ask: &ChangeAsk<'_>,
    facts: Facts<'_>,
    now: Time,
) -> Decision {
    let domain = &bundle.domains()[ask.domain];
    let ended = |reason, rule| Decision::with(reason, rule, ask.domain);
    let (target, scope) = match ask.change {
        Changed::Role { role } => {
            let locked = domain.roles()[role].locked;
            let (reason, rule) =
                if locked { (Reason::RoleLocked, Rule::Locked) } else { (Reason::Granted, Rule::Change) };
            return Decision { role: Some(role), ..ended(reason, rule) };
        }
        Changed::Give { target, scope, .. }
        | Changed::Take { target, scope, .. }
        | Changed::Permissions { target, scope, .. }
        | Changed::Title { target, scope, .. } => (target, scope),
    };
    if domain.node(scope).is_none() {
        return ended(Reason::ScopeUnknown, Rule::None);
    }
    let Some(context) = (At { bundle, domain: ask.domain, subject, scope, facts, now }).enter() else {
        return ended(Reason::NoAccountRole, Rule::Mandatory);
    };
    let asked =
        Asked { bundle, domain_id: ask.domain, domain, context, own: target == subject, target, scope, now };
    match ask.change {
        Changed::Give { role, .. } => asked.give(role),
        Changed::Take { role, .. } => asked.take(role),
        Changed::Permissions { set, .. } => asked.permissions(set),
        Changed::Title { category, title, .. } => asked.title(category, title),
        Changed::Role { .. } => ended(Reason::Internal, Rule::None),
    }
}

/// A change of somebody's assignments at a scope.
struct Asked<'b> {
    bundle: &'b Bundle,
    domain_id: DomainId,
    domain: &'b Domain,
    context: Context<'b>,
    /// The subject changes what is their own.
    own: bool,
    target: PersonId,
    scope: ScopeId,
    now: Time,
}

impl<'b> Asked<'b> {
    fn ended(&self, reason: Reason, rule: Rule) -> Decision {
        Decision::with(reason, rule, self.domain_id)
    }

    /// Allowed; a change of one's own that may add something is marked, or refused where the domain says so.
    fn allowed(&self, by: Decision, adds_to_own: bool) -> Decision {
        if !adds_to_own {
            return by;
        }
        if self.domain.denies_self_add() {
            return self.ended(Reason::NotAssignable, Rule::SelfUpdate);
        }
        Decision { self_update: true, ..by }
    }

    /// The answer to whether the subject may give and take this role here, at all.
    fn assignable(&self, role: RoleId) -> Result<Decision, Decision> {
        let row = &self.domain.roles()[role];
        if row.deleted {
            return Err(self.ended(Reason::AttributeMissing, Rule::None));
        }
        if self.domain.node(self.scope).map(|node| node.level) != Some(row.level) {
            return Err(self.ended(Reason::WrongLevel, Rule::None));
        }
        match self.context.holder_among(row.assignable_by.as_deref().unwrap_or_default()) {
            Some((role, scope)) => Ok(Decision {
                role: Some(role),
                scope: Some(scope),
                ..self.ended(Reason::Granted, Rule::AssignableBy)
            }),
            None => Err(self.ended(Reason::NotAssignable, Rule::AssignableBy)),
        }
    }

    fn give(&self, role: RoleId) -> Decision {
        match self.assignable(role) {
            Err(denied) => denied,
            Ok(_) if self.own && self.context.is_lessened_by(self.domain.roles()[role].grants()) => {
                self.ended(Reason::SelfRemoval, Rule::SelfUpdate)
            }
            Ok(by) => self.allowed(by, self.own),
        }
    }

    /// Nobody takes from themselves a role that carries anything: a permission would be missing, and so would a cap on
    /// documents. One that carries nothing may have stood in the place of a broader one.
    fn take(&self, role: RoleId) -> Decision {
        match self.assignable(role) {
            Err(denied) => denied,
            Ok(_) if self.own && self.carries(role) => self.ended(Reason::SelfRemoval, Rule::SelfUpdate),
            Ok(by) => self.allowed(by, self.own),
        }
    }

    /// Whether a role, or an assignment of it that the target has here, carries anything.
    fn carries(&self, role: RoleId) -> bool {
        let row = &self.domain.roles()[role];
        let stored = self.assignments().filter(|held| held.role == role);
        let mut custom = stored.filter(|held| held.has_set());
        let kinds = self.bundle.people().row(self.target).kinds;
        let must = |mandatory: &Mandatory| kinds.meets(mandatory.kinds);
        // Whoever has an assignment has what such a plan leaves.
        let mut fixed = self.domain.plans(self.scope).filter_map(|(_, plan)| match plan {
            Plan::Exactly(set) => Some(set),
            Plan::AnyOf(_) => None,
        });
        !row.grants().is_empty()
            || row.bears_forms()
            || self.domain.has_base()
            || fixed.any(|set| !set.is_empty())
            || self
                .domain
                .mandatory()
                .is_some_and(|mandatory| mandatory.level == row.level && must(mandatory))
            || custom.any(|held| !self.bundle.grants_of(&held).is_empty())
    }

    /// What is stored of the target here, whatever its dates.
    fn assignments(&self) -> impl Iterator<Item = Assignment<'b>> + use<'b> {
        self.bundle.assignments(self.target, self.domain_id).at(self.scope)
    }

    fn permissions(&self, set: Option<&str>) -> Decision {
        let plans = || self.domain.plans(self.scope);
        let fixed = |school| Decision { scope: Some(school), ..self.ended(Reason::PlanFixed, Rule::Plan) };
        if let Some((school, _)) = plans().find(|(_, plan)| matches!(plan, Plan::Exactly(_))) {
            return fixed(school);
        }
        let mut room = [None; LISTED_MAX];
        let Some(listed) = set.and_then(|text| read(self.domain, text, &mut room)) else {
            // What cannot be read may leave something out.
            return match self.own {
                true => self.ended(Reason::SelfRemoval, Rule::SelfUpdate),
                false => self.ended(Reason::AttributeMissing, Rule::None),
            };
        };
        if let Some(denied) = self.has_changeable_assignment().err() {
            return denied;
        }
        let set = Set { listed };
        for permission in set.items().map(|item| item.permission) {
            if !self.context.may_decide_here(permission) {
                return self.ended(Reason::WrongLevel, Rule::None);
            }
            let outside = |plan: &Plan| matches!(plan, Plan::AnyOf(allowed) if !allowed.contains(permission));
            let outside = plans().find(|(_, plan)| outside(plan));
            if let Some((school, _)) = outside.filter(|_| !self.domain.is_base(permission)) {
                return fixed(school);
            }
        }
        let granted = self.ended(Reason::Granted, Rule::Change);
        if !self.own {
            return granted;
        }
        let held = || self.assignments().filter(|held| held.is_active(self.now));
        if held().any(|held| self.leaves_out(&held, &set)) {
            return self.ended(Reason::SelfRemoval, Rule::SelfUpdate);
        }
        let has = |item: &Listed| {
            self.domain.is_base(item.permission)
                || held().any(|held| {
                    self.bundle.carried(&held, item.permission).any(|relation| item.is_covered_by(relation))
                })
        };
        self.allowed(granted, set.items().any(|item| !has(item) || self.opens_a_gate(item)))
    }

    /// Whether a set that lists this opens a gate that nothing which is held here opens: `base` and options open none.
    fn opens_a_gate(&self, item: &Listed) -> bool {
        let module = self.domain.permissions()[item.permission].module;
        let level = self.domain.node(self.scope).map(|node| node.level);
        let mut held = self.assignments().filter(|held| held.is_active(self.now));
        self.domain.modules()[module].gate_at == level
            && !held.any(|held| self.bundle.grants_of(&held).has_on(module))
    }

    /// Whether a set in the place of an assignment's permissions leaves out one of them, or a module that is on.
    fn leaves_out(&self, held: &Tenure, set: &Set<'_>) -> bool {
        let permissions = self.domain.permissions();
        let mut carried = permissions
            .iter()
            .filter(|(id, _)| !self.domain.is_base(*id))
            .flat_map(|(id, _)| self.bundle.carried(held, id).map(move |relation| (id, relation)));
        let mut on = self.bundle.grants_of(held).modules_on();
        carried.any(|(id, relation)| !set.has(id, relation))
            || on.any(|module| !set.items().any(|item| permissions[item.permission].module == module))
    }

    /// A title or a set labels what the target has here: somebody without an assignment here has nothing to change, and
    /// what a locked role grants is not edited for anybody.
    fn has_changeable_assignment(&self) -> Result<(), Decision> {
        if self.assignments().next().is_none() {
            return Err(self.ended(Reason::AttributeMissing, Rule::None));
        }
        match self.assignments().find(|held| self.domain.roles()[held.role].locked) {
            None => Ok(()),
            Some(held) => Err(Decision {
                role: Some(held.role),
                scope: Some(self.scope),
                ..self.ended(Reason::RoleLocked, Rule::Locked)
            }),
        }
    }

    fn title(&self, category: &str, title: &str) -> Decision {
        let listed = self.domain.titles().iter().any(|(known, label)| known == category && label == title);
        if !listed {
            return self.ended(Reason::UnknownTitle, Rule::Titles);
        }
        if self.assignments().next().is_none() {
            return self.ended(Reason::AttributeMissing, Rule::None);
        }
        self.ended(Reason::Granted, Rule::Titles)
    }
}

/// A set of permissions as a request lists it.
struct Set<'a> {
    listed: &'a [Option<Listed>],
}

impl Set<'_> {
    fn items(&self) -> impl Iterator<Item = &Listed> {
        self.listed.iter().flatten()
    }

    /// Whether the set grants this as far as `relation` does.
    fn has(&self, permission: PermissionId, relation: Option<Relation>) -> bool {
        let mut of_it = self.items().filter(|item| item.permission == permission);
        of_it.any(|item| item.relation.is_none() || item.relation == relation)
    }
}

/// Reads a set, joined by commas, into `room`. `None` where a name is not known or there are too many.
fn read<'r>(
    domain: &Domain,
    text: &str,
    room: &'r mut [Option<Listed>; LISTED_MAX],
) -> Option<&'r [Option<Listed>]> {
    let words = if text.is_empty() || text == "none" { None } else { Some(text.split(',')) };
    let mut count = 0;
    for word in words.into_iter().flatten() {
        *room.get_mut(count)? = Some(Listed::parse(domain, word)?);
        count += 1;
    }
    room.get(..count)
}
