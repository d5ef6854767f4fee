//! Decisions: a pure function of a bundle, a request and a time.
//!
//! Nothing here can fail, waits, logs, allocates or asks the clock. What cannot be answered is a denial with a reason.
//!
//! - [`AccessRequest`], [`Ask`]: everything that an answer may depend on. [`decide`]: the answer to one.
//! - [`decide_route`]: the answer to all requirements of a route.
//! - [`Decision`], [`Reason`], [`Rule`]: the answer, why, and what decided. [`Obligations`]: what must be done to the app's.
//! - [`judge`]: one [`Record`] of such an answer, and its fields.
//! - [`is_stale`]: whether a roster is too old for any answer. [`Edges`]: when the time changes an answer.
//! - [`explain`]: the same answer with the chain that was walked and the candidates that lost.
//! - [`authzen`]: requests by name, as `eval` and other programs send them.

mod ask;
pub mod authzen;
mod blocks;
mod change;
mod condition;
mod context;
mod document;
mod edges;
mod explain;
mod freshness;
mod given;
mod obligations;
mod reason;
mod records;
mod route;

pub use ask::{AccessRequest, Ask, ChangeAsk, Changed, DocumentAsk, Facts};
pub use document::Rights;
pub use edges::Edges;
pub use explain::{Candidate, DocumentFacts, Explanation, Gate, RecordFacts, Standing, explain};
pub use freshness::is_stale;
pub use given::{Given, Stated};
pub use obligations::Obligations;
pub use records::{Judged, Record, Viewer, judge};

pub use reason::Reason;
pub use route::{Considered, Question, decide_requirements, decide_route, questions};

use crate::policy::Bundle;
use crate::policy::table::{DomainId, RoleId, ScopeId};
use context::{At, Context};

/// An answer, and what decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Why. [`Decision::is_allow`] follows from it.
    pub reason: Reason,
    /// Which rule of the model came to the answer.
    pub rule: Rule,
    /// The domain that was asked, if it came to that.
    pub domain: Option<DomainId>,
    /// The role that decided, inside the domain.
    pub role: Option<RoleId>,
    /// Where that role is held; for documents, the building that was decisive.
    pub scope: Option<ScopeId>,
    /// A power permission was asked for. Changes no answer (`TD-15`).
    pub power: bool,
    /// Somebody adds to their own rights. Changes no answer.
    pub self_update: bool,
    /// What must be done to the answer of the app. A denial has none.
    pub obligations: Obligations,
}

/// The rule of the policy model that came to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// No rule was reached: the request ended before.
    None,
    /// The narrowest scope with a role decides alone (section 3).
    MostSpecific,
    /// Any role on the chain may grant (section 3).
    Union,
    /// The role that is held where nothing is assigned (section 3).
    DefaultRole,
    /// A role at this level is mandatory (section 3).
    Mandatory,
    /// A role at the gate's level must have the module on (section 4).
    GateAt,
    /// Another permission must be effective too (section 4).
    Requires,
    /// The default access of a covering role (section 5).
    FormDefault,
    /// The document's own grant, capped by the max (section 5).
    ExplicitGrant,
    /// The max of the roles caps every grant (section 5).
    FormMax,
    /// Staff with no form-bearing role (section 5).
    WhenUnassigned,
    /// Staff none of whose roles names a building (section 5).
    WhenNoBuildings,
    /// `documents.administer` on every building of the student (section 5).
    Administer,
    /// The grantee's own max bounds what can be given (section 5).
    GranteeMax,
    /// Nothing is created from a deleted form (section 5).
    FormDeleted,
    /// A role that no narrower one replaces (section 3).
    NeverOverridden,
    /// The plan of the school fixes or bounds the set (section 4).
    Plan,
    /// The module is switched off for everyone there (section 4).
    ModulesOff,
    /// A power permission asks for step-up (section 4).
    PowerRequires,
    /// A condition of the route (section 7).
    Condition,
    /// Somebody is kept away from this student or scope (section 4).
    Blocks,
    /// Suspended subjects come before any grant (section 4).
    Suspended,
    /// Who may give a role (section 4).
    AssignableBy,
    /// What people may not do to themselves (section 4).
    SelfUpdate,
    /// The catalogue of titles (section 4).
    Titles,
    /// A locked role is not changed (section 4).
    Locked,
    /// Nothing that is fixed is changed (section 4).
    Change,
    /// The catalogue says who of the people sees which records (section 6).
    Records,
    /// A record is visible only if its parents are (section 6).
    Parents,
    /// What is shared with an application (section 6).
    Sharing,
}

impl Rule {
    /// The stable name, as logs and `eval` write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Rule::None => "none",
            Rule::MostSpecific => "most_specific",
            Rule::Union => "union",
            Rule::DefaultRole => "default_role",
            Rule::Mandatory => "mandatory",
            Rule::GateAt => "gate_at",
            Rule::Requires => "requires",
            Rule::FormDefault => "form_default",
            Rule::ExplicitGrant => "explicit_grant",
            Rule::FormMax => "form_max",
            Rule::WhenUnassigned => "when_unassigned",
            Rule::WhenNoBuildings => "when_no_buildings",
            Rule::Administer => "documents.administer",
            Rule::GranteeMax => "grantee_max",
            Rule::FormDeleted => "form_deleted",
            Rule::NeverOverridden => "never_overridden",
            Rule::Plan => "plan",
            Rule::ModulesOff => "modules_off",
            Rule::PowerRequires => "power_requires",
            Rule::Condition => "condition",
            Rule::Blocks => "blocks",
            Rule::Suspended => "suspended",
            Rule::AssignableBy => "assignable_by",
            Rule::SelfUpdate => "self_update",
            Rule::Titles => "titles",
            Rule::Locked => "locked",
            Rule::Change => "change",
            Rule::Records => "records",
            Rule::Parents => "parents",
            Rule::Sharing => "sharing",
        }
    }
}

impl Decision {
    /// An answer that no role or rule came to.
    pub const fn before_any_rule(reason: Reason) -> Decision {
        Decision {
            reason,
            rule: Rule::None,
            domain: None,
            role: None,
            scope: None,
            power: false,
            self_update: false,
            obligations: Obligations::NONE,
        }
    }

    /// Whether the request may go on.
    pub const fn is_allow(&self) -> bool {
        self.reason.is_allow()
    }

    /// Before any grant, in every domain.
    const SUSPENDED: Decision = Decision::of_no_domain(Reason::Suspended, Rule::Suspended);
    /// The same.
    const BLOCKED: Decision = Decision::of_no_domain(Reason::Blocked, Rule::Blocks);

    const fn of_no_domain(reason: Reason, rule: Rule) -> Decision {
        Decision { rule, ..Decision::before_any_rule(reason) }
    }

    fn with(reason: Reason, rule: Rule, domain: DomainId) -> Decision {
        Decision { domain: Some(domain), ..Decision::of_no_domain(reason, rule) }
    }
}

/// Decides one request.
pub fn decide(bundle: &Bundle, request: &AccessRequest<'_>) -> Decision {
    if bundle.suspends(request.principal()) {
        return Decision::SUSPENDED;
    }
    if blocks::blocked(bundle, request) {
        return Decision::BLOCKED;
    }
    let AccessRequest { subject, ref ask, facts, now } = *request;
    let decision = match ask {
        Ask::Change(ask) => change::decide(bundle, subject, ask, facts, now),
        Ask::Permission { domain, permission, scope } => {
            At { bundle, domain: *domain, subject, scope: *scope, facts, now }.decide(*permission)
        }
        Ask::Document(ask) => document::decide(bundle, subject, ask, facts, now),
        Ask::Record(record) => judge(bundle, request.viewer(), *record, now).decision(),
    };
    if decision.is_allow() {
        Decision { obligations: Obligations::of(bundle, request.principal()), ..decision }
    } else {
        decision
    }
}
