//! Why a request was answered as it was: one list for answers, logs and metrics.

use std::fmt;

/// The reason of an answer (`policy-model.md` section 11). The caller sees it only where the listener is told to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Every requirement of the route holds.
    Granted,
    /// The route is marked public; nobody was asked who they are.
    Public,
    /// No bundle is loaded.
    NoBundle,
    /// The data that the policy rests on is older than the policy allows.
    StalePolicy,
    /// More is going on than the limits allow.
    Overloaded,
    /// The request cannot be read in one way only.
    Malformed,
    /// The request says one thing twice, or two things that disagree.
    AmbiguousRequest,
    /// A filtered route was sent a query parameter that it does not declare.
    ParameterNotDeclared,
    /// A rule reads the body, and the body cannot be read.
    BodyUnparseable,
    /// A rule reads the body, and the body is larger than the limit.
    BodyTooLarge,
    /// No route of the bundle has this path.
    NoRoute,
    /// Routes of the bundle have this path, none with this method.
    NoMethod,
    /// The route needs to know who asks, and nobody was named.
    Unauthenticated,
    /// Somebody was named, and the proof does not hold.
    BadToken,
    /// The permission asks for a fresher or stronger log-in.
    StepUpRequired,
    /// The identity is proven, and nobody of the roster has it.
    UnknownSubject,
    /// The subject, its application or the credential is suspended.
    Suspended,
    /// The subject is blocked from this student or scope.
    Blocked,
    /// A role at this level is mandatory for such a subject, and there is none.
    NoAccountRole,
    /// The request of an `eval` names a permission or form that the bundle does not have.
    UnknownName,
    /// An attribute that the rule needs cannot be had.
    AttributeMissing,
    /// The scope that the request names is not in the bundle, or not in this domain.
    ScopeUnknown,
    /// The permission is asked on a scope broader than its level.
    WrongLevel,
    /// A look-up that the rule needs failed.
    LookupFailed,
    /// The subject holds no role that could decide this permission here.
    NoRoleInContext,
    /// The roles that decide do not grant the permission.
    PermissionNotGranted,
    /// The grant is narrowed to a relation that the subject is not in.
    RelationUnmet,
    /// The role at the gate's level does not have the module on.
    ModuleGated,
    /// A permission that this one requires is not effective.
    RequiresMissing,
    /// The effective access to the document is below what the action needs.
    LevelBelowRequired,
    /// Creating a document needs a max of owner.
    CreateNeedsOwner,
    /// The form is deleted; nothing can be created from it.
    FormDeleted,
    /// The grantee's max does not reach the access that would be given.
    GranteeMax,
    /// A person may not take a permission from themselves.
    SelfRemoval,
    /// The plan of the school fixes the set.
    PlanFixed,
    /// The title is not in the catalogue.
    UnknownTitle,
    /// The role is locked.
    RoleLocked,
    /// The subject may not give this role.
    NotAssignable,
    /// A condition of the route is false.
    ConditionFailed,
    /// A condition of the route could not be judged.
    ConditionError,
    /// The request writes a field that the subject cannot see.
    HiddenFieldWritten,
    /// The record type is not shared with the application.
    RecordTypeNotShared,
    /// The answer cannot be cut to what the caller may see.
    Unfilterable,
    /// The upstream could not be connected to.
    UpstreamRefused,
    /// The upstream answered what is not HTTP, or broke off.
    UpstreamBad,
    /// The upstream took too long.
    UpstreamTimeout,
    /// A fault of our own.
    Internal,
}

impl Reason {
    /// All of them, in their order: the place of a reason in this list is `reason as usize`.
    pub const ALL: &[Reason] = &[
        Reason::Granted,
        Reason::Public,
        Reason::NoBundle,
        Reason::StalePolicy,
        Reason::Overloaded,
        Reason::Malformed,
        Reason::AmbiguousRequest,
        Reason::ParameterNotDeclared,
        Reason::BodyUnparseable,
        Reason::BodyTooLarge,
        Reason::NoRoute,
        Reason::NoMethod,
        Reason::Unauthenticated,
        Reason::BadToken,
        Reason::StepUpRequired,
        Reason::UnknownSubject,
        Reason::Suspended,
        Reason::Blocked,
        Reason::NoAccountRole,
        Reason::UnknownName,
        Reason::AttributeMissing,
        Reason::ScopeUnknown,
        Reason::WrongLevel,
        Reason::LookupFailed,
        Reason::NoRoleInContext,
        Reason::PermissionNotGranted,
        Reason::RelationUnmet,
        Reason::ModuleGated,
        Reason::RequiresMissing,
        Reason::LevelBelowRequired,
        Reason::CreateNeedsOwner,
        Reason::FormDeleted,
        Reason::GranteeMax,
        Reason::SelfRemoval,
        Reason::PlanFixed,
        Reason::UnknownTitle,
        Reason::RoleLocked,
        Reason::NotAssignable,
        Reason::ConditionFailed,
        Reason::ConditionError,
        Reason::HiddenFieldWritten,
        Reason::RecordTypeNotShared,
        Reason::Unfilterable,
        Reason::UpstreamRefused,
        Reason::UpstreamBad,
        Reason::UpstreamTimeout,
        Reason::Internal,
    ];

    /// The stable name, as logs, metrics and `eval` write it.
    pub const fn as_str(self) -> &'static str {
        use Reason::*;
        match self {
            Granted => "granted",
            Public => "public",
            NoBundle => "no_bundle",
            StalePolicy => "stale_policy",
            Overloaded => "overloaded",
            Malformed => "malformed",
            AmbiguousRequest => "ambiguous_request",
            ParameterNotDeclared => "parameter_not_declared",
            BodyUnparseable => "body_unparseable",
            BodyTooLarge => "body_too_large",
            NoRoute => "no_route",
            NoMethod => "no_method",
            Unauthenticated => "unauthenticated",
            BadToken => "bad_token",
            StepUpRequired => "step_up_required",
            UnknownSubject => "unknown_subject",
            Suspended => "suspended",
            Blocked => "blocked",
            NoAccountRole => "no_account_role",
            UnknownName => "unknown_name",
            AttributeMissing => "attribute_missing",
            ScopeUnknown => "scope_unknown",
            WrongLevel => "wrong_level",
            LookupFailed => "lookup_failed",
            NoRoleInContext => "no_role_in_context",
            PermissionNotGranted => "permission_not_granted",
            RelationUnmet => "relation_unmet",
            ModuleGated => "module_gated",
            RequiresMissing => "requires_missing",
            LevelBelowRequired => "level_below_required",
            CreateNeedsOwner => "create_needs_owner",
            FormDeleted => "form_deleted",
            GranteeMax => "grantee_max",
            SelfRemoval => "self_removal",
            PlanFixed => "plan_fixed",
            UnknownTitle => "unknown_title",
            RoleLocked => "role_locked",
            NotAssignable => "not_assignable",
            ConditionFailed => "condition_failed",
            ConditionError => "condition_error",
            HiddenFieldWritten => "hidden_field_written",
            RecordTypeNotShared => "record_type_not_shared",
            Unfilterable => "unfilterable",
            UpstreamRefused => "upstream_refused",
            UpstreamBad => "upstream_bad",
            UpstreamTimeout => "upstream_timeout",
            Internal => "internal",
        }
    }

    /// Whether this reason lets the request through.
    pub const fn is_allow(self) -> bool {
        matches!(self, Reason::Granted | Reason::Public)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_all_has_each_at_its_place() {
        for (place, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, place);
        }
        // The last one of the list is the last one there is.
        assert_eq!(Reason::ALL.len(), Reason::Internal as usize + 1);
    }
}
