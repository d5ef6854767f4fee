//! The same answer, with everything that a person needs to see why: the chain that was walked, every role that was a
//! candidate and why it lost, gates, requirements, and the parts of the formula for documents.
//!
//! The answer itself comes from [`decide`]; what is added here only describes the data that it was decided from.

use super::ask::{ChangeAsk, DocumentAsk};
use super::{AccessRequest, Ask, At, Decision, Reason, Rights, decide, document, judge};
use crate::policy::records::Shown;
use crate::policy::table::{ModuleId, PermissionId, RoleId, ScopeId};
use crate::policy::{Access, Bundle, Granted, Level, Precedence, Tenure};
use crate::time::Time;

/// An answer with its story.
#[derive(Debug)]
pub struct Explanation {
    /// The answer.
    pub decision: Decision,
    /// The scopes that were walked, narrow to broad. Empty for documents.
    pub chain: Vec<ScopeId>,
    /// Every role that the subject holds in the domain, and what became of it.
    pub candidates: Vec<Candidate>,
    /// The gate of the permission's module, if it has one.
    pub gate: Option<Gate>,
    /// What the permission requires, each with its own answer.
    pub requires: Vec<(PermissionId, Decision)>,
    /// For documents: the parts of the formula.
    pub document: Option<DocumentFacts>,
    /// For records: what becomes of the parts.
    pub record: Option<RecordFacts>,
}

/// What becomes of the parts of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFacts {
    /// The paths of the catalogue, each with what becomes of it.
    pub fields: Vec<(String, Shown)>,
    /// For each related record, whether the way to it stays.
    pub kept: Vec<bool>,
}

/// A role that the subject holds, by assignment or by default.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// The role.
    pub role: RoleId,
    /// Where it is held.
    pub scope: ScopeId,
    /// The assignment; `None` for a role that is held by default.
    pub assignment: Option<Tenure>,
    /// What became of it.
    pub standing: Standing,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It decided.
    Decided,
    /// It grants too; another one was named first.
    AlsoGrants,
    /// It grants within a relation.
    GrantsWithin,
    /// It was looked at and does not grant.
    DoesNotGrant,
    /// A role at this narrower scope takes its place.
    ReplacedAt(ScopeId),
    /// The resource does not lie below its scope.
    Elsewhere,
    /// Roles of its level never decide this permission.
    LevelTooNarrow,
    /// Only roles of this level decide this permission.
    OnlyAt(Level),
    /// Its time has not come or is over.
    NotCurrent,
    /// It is suspended: held, and granting nothing.
    Suspended,
    /// Its scope is archived: held, and granting nothing.
    Archived,
    /// For changes: it may give the role.
    MayGive,
    /// For changes: it may not give the role.
    MayNotGive,
    /// For documents: it says nothing of forms.
    BearsNoForms,
    /// For documents: it names a building of the student.
    Covers,
    /// For documents: it names buildings, none of them the student's.
    CoversElsewhere,
    /// For documents: it names no building, and others do.
    NamesNoBuilding,
}

/// A gate: a role at this level must have the module on.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// The module.
    pub module: ModuleId,
    /// The level.
    pub level: Level,
    /// The role that has it on, if one has.
    pub opened_by: Option<RoleId>,
}

/// The parts of min(M, max(D, E)).
#[derive(Debug, Clone, Copy)]
pub struct DocumentFacts {
    /// D, M and where they come from.
    pub rights: Rights,
    /// E.
    pub explicit: Access,
    /// The result.
    pub effective: Access,
    /// For sharing and transferring: the target's M.
    pub grantee_max: Option<Access>,
}

/// Decides one request and tells the story.
pub fn explain(bundle: &Bundle, request: &AccessRequest<'_>) -> Explanation {
    let decision = decide(bundle, request);
    let mut told = Explanation {
        decision,
        chain: Vec::new(),
        candidates: Vec::new(),
        gate: None,
        requires: Vec::new(),
        document: None,
        record: None,
    };
    match &request.ask {
        Ask::Permission { domain, permission, scope } => {
            let AccessRequest { subject, facts, now, .. } = *request;
            let at = At { bundle, domain: *domain, subject, scope: *scope, facts, now };
            tell_permission(at, *permission, &mut told);
        }
        Ask::Document(ask) => tell_document(bundle, request, ask, &mut told),
        Ask::Change(ask) => tell_change(bundle, request, ask, &mut told),
        Ask::Record(record) => {
            let judged = judge(bundle, request.viewer(), *record, request.now);
            let fields = bundle.records().types()[record.record_type()].fields.iter();
            let fields = fields.map(|(_, field)| (field.path.clone(), judged.shows(&field.path)));
            let related = (0..).take_while(|place| record.related(*place).is_some());
            told.record = Some(RecordFacts {
                fields: fields.collect(),
                kept: related.map(|place| judged.keeps(place)).collect(),
            });
        }
    }
    told
}

fn tell_permission(at: At<'_>, permission: PermissionId, told: &mut Explanation) {
    let At { bundle, domain: domain_id, subject, scope, .. } = at;
    let domain = &bundle.domains()[domain_id];
    let asked = &domain.permissions()[permission];
    told.chain = domain.chain(scope).map(|(scope, _)| scope).collect();
    if let Some(context) = at.enter() {
        let module = &domain.modules()[asked.module];
        told.gate = module.gate_at.map(|level| Gate {
            module: asked.module,
            level,
            opened_by: context.gate_opener(asked.module, level),
        });
        told.requires = asked.requires.iter().map(|id| (*id, context.by_itself(*id))).collect();
        if let Some((role, scope)) = context.stand_in() {
            let standing = self::standing(at, permission, told, role, scope, None);
            told.candidates.push(Candidate { role, scope, assignment: None, standing });
        }
    }
    for held in bundle.assignments(subject, domain_id).iter() {
        let standing = self::standing(at, permission, told, held.role, held.scope, Some(&held));
        told.candidates.push(Candidate {
            role: held.role,
            scope: held.scope,
            assignment: Some(*held),
            standing,
        });
    }
}

/// What became of one role that is held at `scope`, seen from the decision; an assignment, if it is held by one.
fn standing(
    at: At<'_>,
    permission: PermissionId,
    told: &Explanation,
    role: RoleId,
    scope: ScopeId,
    held: Option<&Tenure>,
) -> Standing {
    let At { bundle, domain: domain_id, now, .. } = at;
    let domain = &bundle.domains()[domain_id];
    let asked = &domain.permissions()[permission];
    let level = domain.roles()[role].level;
    let grants = held.map_or(&domain.roles()[role].grants, |held| bundle.grants_of(held));
    if held.is_some_and(|held| !held.is_current(now)) {
        return Standing::NotCurrent;
    }
    let Some(place) = told.chain.iter().position(|at| *at == scope) else { return Standing::Elsewhere };
    if level.is_narrower_than(asked.level) {
        return Standing::LevelTooNarrow;
    }
    if let Some(only) = asked.only_at.filter(|only| *only != level) {
        return Standing::OnlyAt(only);
    }
    let decision = &told.decision;
    // The same role may be held twice at a scope; what is suspended grants nothing.
    let grants_nothing = decision.is_allow() && held.is_some_and(|held| held.grants_nothing());
    if decision.role == Some(role) && decision.scope == Some(scope) && !grants_nothing {
        return Standing::Decided;
    }
    let decided_at = decision.scope.and_then(|scope| told.chain.iter().position(|at| *at == scope));
    if let (Precedence::MostSpecific, Some(decided_at), Some(narrower)) =
        (domain.precedence(), decided_at, decision.scope)
        && place > decided_at
    {
        return Standing::ReplacedAt(narrower);
    }
    match held {
        Some(held) if held.suspended => Standing::Suspended,
        _ if domain.is_archived(scope) => Standing::Archived,
        _ if grants.of(permission) == Granted::Outright => Standing::AlsoGrants,
        _ if grants.of(permission) != Granted::No => Standing::GrantsWithin,
        _ => Standing::DoesNotGrant,
    }
}

/// Roles count for a change where one is given or taken.
fn tell_change(bundle: &Bundle, request: &AccessRequest<'_>, ask: &ChangeAsk<'_>, told: &mut Explanation) {
    let domain = &bundle.domains()[ask.domain];
    let (Some((_, scope)), Some(role)) = (ask.change.whose(), ask.change.role()) else { return };
    told.chain = domain.chain(scope).map(|(scope, _)| scope).collect();
    let givers = domain.roles()[role].assignable_by.as_deref().unwrap_or_default();
    for held in bundle.assignments(request.subject, ask.domain).iter() {
        let decided = (told.decision.role, told.decision.scope) == (Some(held.role), Some(held.scope));
        let standing = match () {
            () if !held.is_current(request.now) => Standing::NotCurrent,
            () if held.suspended => Standing::Suspended,
            () if held.archived => Standing::Archived,
            () if !told.chain.contains(&held.scope) => Standing::Elsewhere,
            () if decided => Standing::Decided,
            () if givers.contains(&held.role) => Standing::MayGive,
            () => Standing::MayNotGive,
        };
        told.candidates.push(Candidate {
            role: held.role,
            scope: held.scope,
            assignment: Some(*held),
            standing,
        });
    }
}

fn tell_document(
    bundle: &Bundle,
    request: &AccessRequest<'_>,
    ask: &DocumentAsk<'_>,
    told: &mut Explanation,
) {
    let rights = Rights::of(bundle, ask.domain, request.subject, ask.form, ask.buildings, request.now);
    told.document = Some(DocumentFacts {
        rights,
        explicit: ask.explicit,
        effective: rights.effective(ask.explicit),
        grantee_max: ask
            .target
            .and_then(|target| document::grantee_max(bundle, target, ask, request.now).ok()),
    });
    for held in bundle.assignments(request.subject, ask.domain).iter() {
        let standing = judge_for_document(bundle, ask, &held, request.now);
        told.candidates.push(Candidate {
            role: held.role,
            scope: held.scope,
            assignment: Some(*held),
            standing,
        });
    }
}

fn judge_for_document(bundle: &Bundle, ask: &DocumentAsk<'_>, held: &Tenure, now: Time) -> Standing {
    if !bundle.domains()[ask.domain].roles()[held.role].bears_forms() {
        return Standing::BearsNoForms;
    }
    if !held.is_current(now) {
        return Standing::NotCurrent;
    }
    if held.suspended {
        return Standing::Suspended;
    }
    if held.archived {
        return Standing::Archived;
    }
    let student_in = ask.buildings.unwrap_or_default();
    if !held.names_a_building() {
        return Standing::NamesNoBuilding;
    }
    let covers = bundle.buildings_of(held).iter().any(|building| student_in.contains(building));
    if covers { Standing::Covers } else { Standing::CoversElsewhere }
}

impl Explanation {
    /// Why the answer is what it is.
    pub fn reason(&self) -> Reason {
        self.decision.reason
    }
}
