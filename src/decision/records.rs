//! One record: whether a caller may have it, and which of its fields (`policy-model.md` section 6).
//!
//! People are judged by the permissions of the catalogue on the record's own scope, applications by what is shared with
//! them; who comes through an application by both, and a parent counts only if it is visible by both. Blocks come
//! before all of it, for the record and for each of its parents.
//!
//! - [`Record`]: what a judge must know of a record. [`Viewer`]: who asks.
//! - [`judge`]: the answer for one record. [`Judged`]: its fields, and the ways to its parents.

use super::ask::Facts;
use super::blocks;
use super::{At, Decision, Obligations, Reason, Rule};
use crate::policy::records::{RecordType, SharedType, Shown, is_within, steps};
use crate::policy::relations::{Block, Blocked};
use crate::policy::table::{DomainId, PermissionId, PersonId, RecordTypeId, ScopeId};
use crate::policy::{Bundle, Claims, Principal};
use crate::time::Time;
use std::fmt;

/// A record with the attributes that the policy reads. Nothing is copied out of it.
pub trait Record: fmt::Debug {
    /// Its type.
    fn record_type(&self) -> RecordTypeId;

    /// Whether `test` takes one of the values of an attribute; `None` where the record has none of them. It is asked about
    /// every value until it takes one.
    fn any(&self, attribute: &str, test: &mut dyn FnMut(&str) -> bool) -> Option<bool>;

    /// The records that it belongs to, one by one; `None` behind the last. Those of parent types are its parents, and
    /// those of types that imply its own may imply it.
    fn related(&self, place: usize) -> Option<&dyn Record>;

    /// The same as [`any`](Record::any), for an attribute of the way to the related record at a place.
    fn link(&self, place: usize, attribute: &str, test: &mut dyn FnMut(&str) -> bool) -> Option<bool>;
}

/// Who asks for records.
#[derive(Clone, Copy)]
pub struct Viewer<'a> {
    /// The subject, and the application that they come through.
    pub principal: Principal<'a>,
    /// What the subject's token says.
    pub claims: Option<&'a dyn Claims>,
}

impl fmt::Debug for Viewer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Claims are not shown: a log is no place for them.
        f.debug_struct("Viewer").field("principal", &self.principal).finish_non_exhaustive()
    }
}

/// The answer for one record.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    judge: Judge<'a>,
    record: &'a dyn Record,
    decision: Decision,
}

/// Judges one record. A record that is not released is as if it did not exist.
pub fn judge<'a>(bundle: &'a Bundle, viewer: Viewer<'a>, record: &'a dyn Record, now: Time) -> Judged<'a> {
    let obligations = Obligations::of(bundle, viewer.principal);
    let judge = Judge { bundle, viewer, obligations, now };
    let decision = if bundle.suspends(viewer.principal) {
        Decision::SUSPENDED
    } else {
        judge.released(record).err().unwrap_or(Decision {
            rule: if obligations.catalogue { Rule::Records } else { Rule::Sharing },
            obligations,
            ..Decision::before_any_rule(Reason::Granted)
        })
    };
    Judged { judge, record, decision }
}

impl Judged<'_> {
    /// Whether the record is released, and if not, why not.
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// What becomes of a field of the record, by its path.
    pub fn shows(&self, path: &str) -> Shown {
        if !self.decision.is_allow() {
            return Shown::No;
        }
        self.judge.shows(self.record, path)
    }

    /// Whether the way to the related record at a place stays: one to a parent that is visible and fits the filter.
    pub fn keeps(&self, place: usize) -> bool {
        self.decision.is_allow() && self.judge.kept(self.record, place).is_some_and(|kept| kept.is_ok())
    }
}

/// A viewer at a time, and what they are bound by.
#[derive(Debug, Clone, Copy)]
struct Judge<'a> {
    bundle: &'a Bundle,
    viewer: Viewer<'a>,
    obligations: Obligations,
    now: Time,
}

impl Judge<'_> {
    fn record_type(&self, record: &dyn Record) -> &RecordType {
        &self.bundle.records().types()[record.record_type()]
    }

    /// Whether everything that binds the viewer releases a record, and some parent of each type.
    fn released(&self, record: &dyn Record) -> Result<(), Decision> {
        if self.blocked(record) {
            return Err(Decision::BLOCKED);
        }
        for application in self.obligations.applications() {
            self.shared(application, record)?;
        }
        if self.obligations.catalogue {
            let seen = self.viewed(record);
            if !seen.is_allow() {
                return Err(seen);
            }
        }
        for parent in &self.record_type(record).parents {
            self.some_parent(record, *parent)?;
        }
        Ok(())
    }

    /// Of several parents of a type one suffices.
    fn some_parent(&self, record: &dyn Record, parent: RecordTypeId) -> Result<(), Decision> {
        let mut last = Decision::of_no_domain(Reason::AttributeMissing, Rule::Parents);
        for place in 0.. {
            let Some(related) = record.related(place) else { break };
            if related.record_type() != parent {
                continue;
            }
            match self.kept(record, place) {
                Some(Ok(())) => return Ok(()),
                Some(Err(why)) => last = Decision { rule: Rule::Parents, ..why },
                None => {}
            }
        }
        Err(last)
    }

    /// Whether the way to a related record stays; `None` where it leads to no parent.
    fn kept(&self, record: &dyn Record, place: usize) -> Option<Result<(), Decision>> {
        let parent = record.related(place)?;
        if !self.record_type(record).parents.contains(&parent.record_type()) {
            return None;
        }
        let fits = |shared: &SharedType| {
            shared.only_links.iter().filter(|(of, ..)| *of == parent.record_type()).all(
                |(_, attribute, values)| {
                    let one_of = &mut |value: &str| values.iter().any(|known| known == value);
                    record.link(place, attribute, one_of) == Some(true)
                },
            )
        };
        let mut rules = self.rules(record.record_type());
        if !rules.all(|shared| shared.is_some_and(fits)) {
            return Some(Err(Decision::of_no_domain(Reason::ConditionFailed, Rule::Sharing)));
        }
        Some(self.released(parent))
    }

    /// What is shared of a type with each application that binds the viewer.
    fn rules(&self, record: RecordTypeId) -> impl Iterator<Item = Option<&SharedType>> {
        let records = self.bundle.records();
        self.obligations.applications().map(move |application| records.shared(application, record))
    }

    /// Whether a record is among those that are shared with an application.
    fn shared(&self, application: PersonId, record: &dyn Record) -> Result<(), Decision> {
        let Some(shared) = self.bundle.records().shared(application, record.record_type()) else {
            return Err(Decision::of_no_domain(Reason::RecordTypeNotShared, Rule::Sharing));
        };
        let fits = |(attribute, values): &(String, Vec<String>)| {
            record.any(attribute, &mut |value| values.iter().any(|known| known == value)) == Some(true)
        };
        let selected = !shared.only_implied && shared.only.iter().all(fits);
        if selected || self.implied(application, shared, record) {
            return Ok(());
        }
        Err(Decision::of_no_domain(Reason::ConditionFailed, Rule::Sharing))
    }

    /// Whether a record belongs to one that is shared and implies it. That is asked of the application alone: what is
    /// shared with it does not depend on who comes through it.
    fn implied(&self, application: PersonId, shared: &SharedType, record: &dyn Record) -> bool {
        let alone = Judge {
            obligations: Obligations { own: Some(application), ..Obligations::NONE },
            viewer: Viewer { principal: application.into(), claims: None },
            ..*self
        };
        let mut related = (0..).map_while(|place| record.related(place));
        !shared.implied_by.is_empty()
            && related.any(|of| shared.implied_by.contains(&of.record_type()) && alone.released(of).is_ok())
    }

    /// Whether the person has the permission to see a record, on one of its own scopes.
    fn viewed(&self, record: &dyn Record) -> Decision {
        let mut best: Option<Decision> = None;
        let view = self.record_type(record).view;
        let granted = self.on_own_scopes(record, &mut |scope, about| {
            let decision = self.permitted(view, scope, about);
            if best.is_none_or(|_| decision.is_allow()) {
                best = Some(decision);
            }
            decision.is_allow()
        });
        match (granted, best) {
            (_, Some(decision)) => Decision { rule: Rule::Records, ..decision },
            (None, None) => Decision::of_no_domain(Reason::AttributeMissing, Rule::Records),
            (Some(_), None) => Decision::of_no_domain(Reason::ScopeUnknown, Rule::Records),
        }
    }

    /// Whether `test` takes one of the scopes of a record, each with the record that says whom it is about; `None` where
    /// it says none. Without a scope of its own a record has those of its parents that stay.
    fn on_own_scopes(
        &self,
        record: &dyn Record,
        test: &mut dyn FnMut(ScopeId, &dyn Record) -> bool,
    ) -> Option<bool> {
        let record_type = self.record_type(record);
        if let Some(own) = &record_type.scope {
            let scopes = self.bundle.scopes();
            return record.any(&own.attribute, &mut |id| {
                scopes.find_in(own.level, id).is_some_and(|scope| test(scope, record))
            });
        }
        let about_itself = record_type.student.is_some();
        let mut found = None;
        for place in 0.. {
            let Some(parent) = record.related(place) else { break };
            if !matches!(self.kept(record, place), Some(Ok(()))) {
                continue;
            }
            let taken = self.on_own_scopes(parent, &mut |scope, about| {
                test(scope, if about_itself { record } else { about })
            });
            if taken == Some(true) {
                return taken;
            }
            found = found.or(taken);
        }
        found
    }

    /// A permission of the catalogue on a scope, for a record about one student, several or none. Of several, it must be
    /// granted for each.
    fn permitted(
        &self,
        permission: Option<(DomainId, PermissionId)>,
        scope: ScopeId,
        about: &dyn Record,
    ) -> Decision {
        let Some((domain, permission)) = permission else {
            return Decision::of_no_domain(Reason::PermissionNotGranted, Rule::Records);
        };
        let Principal { subject, through, credential } = self.viewer.principal;
        let ask = |student: Option<PersonId>, stranger| {
            let claims = self.viewer.claims;
            let facts = Facts { student, stranger, claims, through, credential, ..Facts::default() };
            At { bundle: self.bundle, domain, subject, scope, facts, now: self.now }.decide(permission)
        };
        let Some(attribute) = &self.record_type(about).student else { return ask(None, false) };
        let mut worst: Option<Decision> = None;
        about.any(attribute, &mut |id| {
            let student = self.bundle.people().find(id);
            let decision = ask(student, student.is_none());
            if worst.is_none_or(|so_far| so_far.is_allow()) {
                worst = Some(decision);
            }
            false
        });
        worst.unwrap_or_else(|| ask(None, true))
    }

    /// Whether somebody who asks is kept away from a record, or from any of its parents.
    fn blocked(&self, record: &dyn Record) -> bool {
        let Principal { subject, through, .. } = self.viewer.principal;
        let mut askers = [Some(subject), through].into_iter().flatten();
        askers.any(|asker| {
            self.bundle.blocks(asker, self.now).next().is_some() && self.is_kept_away(asker, record)
        })
    }

    fn is_kept_away(&self, asker: PersonId, record: &dyn Record) -> bool {
        let record_type = self.record_type(record);
        let away = |facts, scope| blocks::from_people(self.bundle, asker, facts, scope, self.now);
        if let Some(own) = &record_type.scope {
            // A scope that is not known may be any.
            let scopes = self.bundle.scopes();
            let from_a_scope = |block: &Block| matches!(block.from_what, Blocked::Scope(_));
            let anywhere = || self.bundle.blocks(asker, self.now).any(from_a_scope);
            let by_scope = record.any(&own.attribute, &mut |id| match scopes.find_in(own.level, id) {
                Some(scope) => away(Facts::default(), Some(scope)),
                None => anywhere(),
            });
            if by_scope.unwrap_or_else(anywhere) {
                return true;
            }
        }
        if let Some(attribute) = &record_type.student {
            // A student who is not known may be anybody.
            let mut named = false;
            let by_student = record.any(attribute, &mut |id| {
                named = true;
                let student = self.bundle.people().find(id);
                away(Facts { student, stranger: student.is_none(), ..Facts::default() }, None)
            });
            if by_student == Some(true) || !named {
                return true;
            }
        }
        let mut parents = (0..).map_while(|place| record.related(place));
        parents.any(|parent| {
            record_type.parents.contains(&parent.record_type()) && self.is_kept_away(asker, parent)
        })
    }

    /// What becomes of a field of a record that is released.
    fn shows(&self, record: &dyn Record, path: &str) -> Shown {
        let records = self.bundle.records();
        let record_type = self.record_type(record);
        let sensitive = |name: &str| records.is_sensitive(name);
        let mut shown = Shown::Whole;
        for application in self.obligations.applications() {
            let by_rule = match record_type.extension(path) {
                None => records
                    .shared(application, record.record_type())
                    .map(|shared| shared.fields.shows(path, sensitive)),
                Some(rest) => {
                    let extensions = records.sharing(application).and_then(|sharing| sharing.extensions());
                    extensions.map(|fields| match rest {
                        "" if fields.is_empty() => Shown::No,
                        "" => Shown::Parts,
                        // The rule is one for all types: of each, what the catalogue lists of it.
                        rest => fields.shows(rest, sensitive).min(listed(record_type, path)),
                    })
                }
            };
            let refers = record_type.fields.iter().filter(|(_, field)| is_within(path, &field.path));
            let dangling = refers
                .filter_map(|(_, field)| field.refers)
                .any(|to| records.shared(application, to).is_none());
            shown = shown.min(if dangling { Shown::No } else { by_rule.unwrap_or(Shown::No) });
        }
        if self.obligations.catalogue {
            shown = shown.min(self.catalogue_shows(record, record_type, path));
        }
        shown
    }

    /// What the catalogue leaves a person of a field.
    fn catalogue_shows(&self, record: &dyn Record, record_type: &RecordType, path: &str) -> Shown {
        let records = self.bundle.records();
        let listed = |to: &str| record_type.field(to).is_some();
        if !steps(path).all(|(to, name)| !records.is_sensitive(name) || listed(to)) {
            return Shown::No;
        }
        let fields = || record_type.fields.iter().map(|(_, field)| field);
        let mut above = fields().filter(|field| is_within(path, &field.path)).peekable();
        if above.peek().is_some() {
            let all = above.all(|field| {
                let leads_nowhere = field.refers.is_some_and(|to| records.types()[to].view.is_none());
                !leads_nowhere
                    && field.needs.is_none_or(|needs| self.has_on_own_scope(record, record_type, needs))
            });
            return if all { Shown::Whole } else { Shown::No };
        }
        let mut below = fields().filter(|field| is_within(&field.path, path));
        let some = below.any(|field| self.catalogue_shows(record, record_type, &field.path) == Shown::Whole);
        if some { Shown::Parts } else { Shown::No }
    }

    /// Whether a permission is granted on a scope of the record where the record itself is seen.
    fn has_on_own_scope(
        &self,
        record: &dyn Record,
        record_type: &RecordType,
        needs: (DomainId, PermissionId),
    ) -> bool {
        let granted = self.on_own_scopes(record, &mut |scope, about| {
            self.permitted(record_type.view, scope, about).is_allow()
                && self.permitted(Some(needs), scope, about).is_allow()
        });
        granted == Some(true)
    }
}

/// What the catalogue lists of a path: with all below it, in part, or not at all.
fn listed(record_type: &RecordType, path: &str) -> Shown {
    let fields = || record_type.fields.iter().map(|(_, field)| field.path.as_str());
    if fields().any(|field| is_within(path, field)) {
        Shown::Whole
    } else if fields().any(|field| is_within(field, path)) {
        Shown::Parts
    } else {
        Shown::No
    }
}
