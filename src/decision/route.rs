//! All requirements of a route for one request.

use super::ask::{ChangeAsk, Changed, DocumentAsk, Facts};
use super::condition::Read;
use super::{AccessRequest, Ask, Decision, Obligations, Reason, Rule, blocks, decide, document, is_stale};
use crate::policy::change::Change;
use crate::policy::condition::Condition;
use crate::policy::records::Carries;
use crate::policy::route::{Attribute, DocumentAttribute, Match, Requirement, ScopeAttribute};
use crate::policy::table::{DomainId, PersonId, RecordTypeId, RoleId, ScopeId};
use crate::policy::{Access, Bundle, Claims, DocumentAction, Principal};
use crate::time::Time;

/// A matched request, its subject and the time: what all its questions share.
#[derive(Clone, Copy)]
struct Asking<'a> {
    bundle: &'a Bundle,
    matched: &'a Match<'a, 'a>,
    principal: Principal<'a>,
    claims: Option<&'a dyn Claims>,
    now: Time,
    /// Where a capture holds a list: its number, and the item that is asked about.
    item: Option<(usize, &'a str)>,
}

/// One thing that a route requires of a request, as far as it can be put to the roles.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// A question that can be explained.
    Asked(Ask<'a>, Facts<'a>),
    /// One that is answered without asking roles: a condition, or an attribute that cannot be had.
    Decided(Decision),
}

/// Decides a matched request: public, or every requirement in turn. The first that fails is the answer; where all hold
/// the answer names what decided the first one.
pub fn decide_route<'a>(
    bundle: &'a Bundle,
    matched: &'a Match<'a, 'a>,
    principal: impl Into<Principal<'a>>,
    claims: Option<&'a dyn Claims>,
    now: Time,
) -> Decision {
    decide_requirements(bundle, matched, principal, claims, now).0
}

/// Which requirements of a route an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Considered {
    /// How many of them were considered, from the first on.
    pub count: usize,
    /// The place of the one that the answer is about.
    pub decisive: usize,
    /// The place of the item in its list, where it reads one.
    pub item: usize,
    /// The place of the alternative, where it is an `any:`.
    pub alternative: usize,
}

/// As [`decide_route`], with where the answer comes from.
pub fn decide_requirements<'a>(
    bundle: &'a Bundle,
    matched: &'a Match<'a, 'a>,
    principal: impl Into<Principal<'a>>,
    claims: Option<&'a dyn Claims>,
    now: Time,
) -> (Decision, Considered) {
    let principal = principal.into();
    if matched.route().is_public() {
        return (Decision::before_any_rule(Reason::Public), Considered::default());
    }
    if is_stale(bundle, matched.route().method(), now) {
        return (Decision::before_any_rule(Reason::StalePolicy), Considered::default());
    }
    if bundle.suspends(principal) {
        return (Decision::SUSPENDED, Considered::default());
    }
    // Who is nothing today, as the roster says, is nobody today, whatever is written of them by hand.
    if bundle.kinds(principal.subject, now).is_empty() {
        return (Decision::before_any_rule(Reason::UnknownSubject), Considered::default());
    }
    let asking = Asking { bundle, matched, principal, claims, now, item: None };
    if asking.is_given_nothing() {
        let nothing = Decision::of_no_domain(Reason::RecordTypeNotShared, Rule::Sharing);
        return (nothing, Considered::default());
    }
    let mut count = 0;
    let each = matched.route().requirements().iter().enumerate().map(|(decisive, requirement)| {
        count = decisive + 1;
        let (decision, considered) = asking.each(requirement);
        (decision, Considered { decisive, ..considered })
    });
    // A route without requirements does not load; should there be one all the same, it grants nothing.
    let (decision, considered) = all(each, Reason::Internal);
    let decision = Decision { obligations: asking.obligations(&decision), ..decision };
    (decision, Considered { count, ..considered })
}

/// The questions that a matched request puts, in order: one list for each requirement, in which one yes is enough where
/// the requirement is an `any:`.
pub fn questions<'a>(
    bundle: &'a Bundle,
    matched: &'a Match<'a, 'a>,
    principal: impl Into<Principal<'a>>,
    claims: Option<&'a dyn Claims>,
    now: Time,
) -> Vec<Vec<Question<'a>>> {
    let asking = Asking { bundle, matched, principal: principal.into(), claims, now, item: None };
    let mut list = Vec::new();
    for requirement in matched.route().requirements() {
        match asking.items(requirement) {
            None => list.push(asking.alternatives(requirement)),
            Some(items) => {
                list.extend(items.map(|item| Asking { item: Some(item), ..asking }.alternatives(requirement)))
            }
        }
    }
    list
}

/// The first denial, or the first yes; `none` where there is nothing to join.
fn all(decisions: impl Iterator<Item = (Decision, Considered)>, none: Reason) -> (Decision, Considered) {
    let mut granted: Option<(Decision, Considered)> = None;
    for (decision, considered) in decisions {
        if !decision.is_allow() {
            return (decision, considered);
        }
        let before = granted.map(|(first, _)| first);
        let power = decision.power || before.is_some_and(|first| first.power);
        let self_update = decision.self_update || before.is_some_and(|first| first.self_update);
        let (first, considered) = granted.unwrap_or((decision, considered));
        granted = Some((Decision { power, self_update, ..first }, considered));
    }
    granted.unwrap_or((Decision::before_any_rule(none), Considered::default()))
}

impl<'a> Asking<'a> {
    /// What must be done to the answer, if there is to be one.
    fn obligations(&self, decision: &Decision) -> Obligations {
        match self.matched.route().carries() {
            _ if !decision.is_allow() => Obligations::NONE,
            Carries::None => Obligations::NONE,
            Carries::Unsaid | Carries::Records(_) => Obligations::of(self.bundle, self.principal),
        }
    }

    /// Whether an application is given nothing of all that the answers carry: then there is nothing to ask the app for.
    fn is_given_nothing(&self) -> bool {
        let Carries::Records(carried) = self.matched.route().carries() else { return false };
        let records = self.bundle.records();
        let nothing =
            |application| carried.iter().all(|carried| records.shared(application, carried.record).is_none());
        Obligations::of(self.bundle, self.principal).applications().any(nothing)
    }

    /// Whether records of a type are shared with every application that asks. People who come by themselves are none.
    fn sharing(&self, record: RecordTypeId) -> Decision {
        let mut applications = Obligations::of(self.bundle, self.principal).applications().peekable();
        let reason = if self.bundle.suspends(self.principal) {
            Reason::Suspended
        } else if applications.peek().is_some()
            && applications.all(|application| self.bundle.records().shared(application, record).is_some())
        {
            Reason::Granted
        } else {
            Reason::RecordTypeNotShared
        };
        Decision::of_no_domain(reason, Rule::Sharing)
    }

    /// Decides a requirement, for each item where a capture that it reads holds a list. An empty list is denied.
    fn each(&self, requirement: &'a Requirement) -> (Decision, Considered) {
        match self.items(requirement) {
            None => self.either(requirement),
            Some(items) => {
                let decisions = items.enumerate().map(|(place, item)| {
                    let (decision, considered) = Asking { item: Some(item), ..*self }.either(requirement);
                    (decision, Considered { item: place, ..considered })
                });
                all(decisions, Reason::AttributeMissing)
            }
        }
    }

    /// Decides a requirement; of an `any:` the first alternative that holds, or the first of all. Blocks come before any
    /// grant: whoever is kept away from what one alternative names is not let past it by another.
    fn either(&self, requirement: &'a Requirement) -> (Decision, Considered) {
        let about = |alternative| Considered { alternative, ..Considered::default() };
        let Requirement::Any(alternatives) = requirement else {
            return (self.decide(requirement), about(0));
        };
        if let Some(place) = alternatives.iter().position(|one| self.is_kept_away(one)) {
            return (Decision::BLOCKED, about(place));
        }
        let mut denied = None;
        for (place, alternative) in alternatives.iter().enumerate() {
            let decision = self.decide(alternative);
            if decision.is_allow() {
                return (decision, about(place));
            }
            denied.get_or_insert(decision);
        }
        (denied.unwrap_or(Decision::before_any_rule(Reason::Internal)), about(0))
    }

    /// Whether the subject, or whoever else a requirement names, is kept away from what it names, as far as that is known.
    fn is_kept_away(&self, requirement: &Requirement) -> bool {
        // Hardly any bundle has one.
        if self.bundle.held_off().blocks().is_empty() {
            return false;
        }
        let named = |person: Option<Attribute<PersonId>>| person.map(|person| self.person(person));
        let (at, student, target, gives) = match requirement {
            Requirement::Any(_) | Requirement::Sharing(_) => return false,
            Requirement::Permission { scope, student, target, .. } => {
                (Some(*scope), named(*student), *target, false)
            }
            Requirement::Condition { scope, student, target, .. } => {
                (*scope, named(*student), *target, false)
            }
            Requirement::Change { change, .. } => (change.scope().copied(), None, change.target(), false),
            Requirement::Document { action, document, target, .. } => {
                let student = match document {
                    DocumentAttribute::Listed(capture) => {
                        let listed = self.capture(*capture).and_then(|id| self.bundle.documents().find(id));
                        listed.map(|listed| listed.student)
                    }
                    DocumentAttribute::Of { student, .. } => self.person(*student),
                };
                let gives = matches!(action, DocumentAction::Share | DocumentAction::Transfer);
                (None, Some(student), *target, gives)
            }
        };
        let facts = Facts {
            student: student.flatten(),
            stranger: student == Some(None),
            target: target.and_then(|target| self.person(target)),
            ..self.facts()
        };
        let scope = at.and_then(|at| self.scope(at).ok());
        blocks::from_named(self.bundle, self.principal.subject, facts, scope, gives, self.now)
    }

    /// The items of the list that the requirement reads, each with the number of the capture.
    fn items(&self, requirement: &Requirement) -> Option<impl Iterator<Item = (usize, &'a str)> + use<'a>> {
        let capture = self.matched.route().list_of(requirement)?;
        let text = self.matched.capture(capture).unwrap_or_default();
        // A trailing comma names nothing, and nothing is what no scope is called.
        let items = if text.is_empty() { None } else { Some(text.split(',')) };
        Some(items.into_iter().flatten().map(move |item| (capture, item)))
    }

    fn decide(&self, requirement: &'a Requirement) -> Decision {
        if let Requirement::Any(_) = requirement {
            return self.either(requirement).0;
        }
        if let Requirement::Sharing(record) = requirement {
            return self.sharing(*record);
        }
        if let Requirement::Condition { condition, scope, student, target } = requirement {
            return self.condition(condition, *scope, *student, *target);
        }
        match self.question(requirement) {
            Ok((ask, facts)) => {
                let subject = self.principal.subject;
                decide(self.bundle, &AccessRequest { subject, ask, facts, now: self.now })
            }
            Err(reason) => Decision::before_any_rule(reason),
        }
    }

    /// The questions of a requirement: one for each alternative, unless a block comes before all of them.
    fn alternatives(&self, requirement: &'a Requirement) -> Vec<Question<'a>> {
        let Requirement::Any(alternatives) = requirement else { return vec![self.put(requirement)] };
        if !self.bundle.suspends(self.principal) && alternatives.iter().any(|one| self.is_kept_away(one)) {
            return vec![Question::Decided(Decision::BLOCKED)];
        }
        alternatives.iter().map(|one| self.put(one)).collect()
    }

    fn put(&self, requirement: &'a Requirement) -> Question<'a> {
        match requirement {
            Requirement::Any(_) | Requirement::Condition { .. } | Requirement::Sharing(_) => {
                Question::Decided(self.decide(requirement))
            }
            _ => match self.question(requirement) {
                Ok((ask, facts)) => Question::Asked(ask, facts),
                Err(reason) => Question::Decided(Decision::before_any_rule(reason)),
            },
        }
    }

    /// Decides a condition. People who are suspended, or kept away from the student, are refused before it is read.
    fn condition(
        &self,
        condition: &Condition,
        scope: Option<ScopeAttribute>,
        student: Option<Attribute<PersonId>>,
        target: Option<Attribute<PersonId>>,
    ) -> Decision {
        let person =
            |attribute: Option<Attribute<PersonId>>| attribute.and_then(|attribute| self.person(attribute));
        let (named, scope) = (target, scope.map(|scope| self.scope(scope)));
        let facts = Facts {
            student: person(student),
            stranger: student.is_some() && person(student).is_none(),
            target: person(target),
            ..self.facts()
        };
        let ended = |reason| Decision::of_no_domain(reason, Rule::Condition);
        if self.bundle.suspends(self.principal) {
            return ended(Reason::Suspended);
        }
        let scope = match scope {
            Some(Err(reason)) => return ended(reason),
            Some(Ok(scope)) => Some(scope),
            None => None,
        };
        if blocks::from_people(self.bundle, self.principal.subject, facts, scope, self.now) {
            return ended(Reason::Blocked);
        }
        if named.is_some() && facts.target.is_none() {
            return ended(Reason::AttributeMissing);
        }
        let read = Read {
            bundle: self.bundle,
            matched: self.matched,
            subject: self.principal.subject,
            facts,
            scope,
            now: self.now,
            item: self.item,
        };
        ended(match condition.judge(&read) {
            Ok(true) => Reason::Granted,
            Ok(false) => Reason::ConditionFailed,
            Err(_) => Reason::ConditionError,
        })
    }

    /// What every question of the request knows.
    fn facts(&self) -> Facts<'a> {
        let Principal { through, credential, .. } = self.principal;
        Facts { claims: self.claims, through, credential, ..Facts::default() }
    }

    fn scope(&self, scope: ScopeAttribute) -> Result<ScopeId, Reason> {
        match scope {
            ScopeAttribute::Fixed(scope) => Ok(scope),
            ScopeAttribute::Captured(level, capture) => {
                let id = self.capture(capture).ok_or(Reason::AttributeMissing)?;
                self.bundle.scopes().find_in(level, id).ok_or(Reason::ScopeUnknown)
            }
        }
    }

    fn question(&self, requirement: &'a Requirement) -> Result<(Ask<'a>, Facts<'a>), Reason> {
        match requirement {
            // These are no questions to the roles; they are decided above.
            Requirement::Any(_) | Requirement::Condition { .. } | Requirement::Sharing(_) => {
                Err(Reason::Internal)
            }
            Requirement::Permission { domain, permission, scope, student, target } => {
                let scope = self.scope(*scope)?;
                let known = student.and_then(|student| self.person(student));
                let facts = Facts {
                    student: known,
                    stranger: student.is_some() && known.is_none(),
                    // A target that is named and not known is not nobody: it may be blocked.
                    target: match target {
                        Some(target) => Some(self.person(*target).ok_or(Reason::AttributeMissing)?),
                        None => None,
                    },
                    ..self.facts()
                };
                Ok((Ask::Permission { domain: *domain, permission: *permission, scope }, facts))
            }
            Requirement::Change { domain, change } => {
                let change = self.change(*domain, change)?;
                let facts = Facts { target: change.whose().map(|(target, _)| target), ..self.facts() };
                Ok((Ask::Change(ChangeAsk { domain: *domain, change }), facts))
            }
            Requirement::Document { action, document, target, giving } => {
                let mut ask = self.document(document)?;
                ask.action = *action;
                if let Some(target) = target {
                    ask.target = Some(self.person(*target).ok_or(Reason::AttributeMissing)?);
                }
                if let Some(giving) = giving {
                    ask.giving =
                        Some(self.attribute(*giving, Access::parse).ok_or(Reason::AttributeMissing)?);
                }
                let facts = Facts {
                    student: ask.student,
                    stranger: ask.student.is_none(),
                    target: ask.target,
                    ..self.facts()
                };
                Ok((Ask::Document(ask), facts))
            }
        }
    }

    /// The change that the request asks for. Deleted roles are nowhere, but for a change of the role itself.
    fn change(&self, domain: DomainId, change: &'a Change) -> Result<Changed<'a>, Reason> {
        let roles = self.bundle.domains()[domain].roles();
        let role = |role: Attribute<RoleId>| {
            let found = self.attribute(role, |name| self.bundle.domains()[domain].role_of(name));
            found.ok_or(Reason::AttributeMissing)
        };
        let target = |target: Attribute<PersonId>| self.person(target).ok_or(Reason::AttributeMissing);
        Ok(match change {
            Change::Role { role: named } => Changed::Role { role: role(*named)? },
            Change::Assignment { takes, role: named, target: who, scope } => {
                let (scope, target, role) = (self.scope(*scope)?, target(*who)?, role(*named)?);
                match takes {
                    _ if roles[role].deleted => return Err(Reason::AttributeMissing),
                    false => Changed::Give { role, target, scope },
                    true => Changed::Take { role, target, scope },
                }
            }
            Change::Permissions { target: who, scope, set } => {
                let (scope, target) = (self.scope(*scope)?, target(*who)?);
                Changed::Permissions { target, scope, set: self.text(set) }
            }
            Change::Title { target: who, scope, category, title } => {
                let (scope, target) = (self.scope(*scope)?, target(*who)?);
                let (Some(category), Some(title)) = (self.text(category), self.text(title)) else {
                    return Err(Reason::AttributeMissing);
                };
                Changed::Title { target, scope, category, title }
            }
        })
    }

    fn text(&self, attribute: &'a Attribute<Box<str>>) -> Option<&'a str> {
        match attribute {
            Attribute::Fixed(text) => Some(text),
            Attribute::Captured(capture) => self.capture(*capture),
        }
    }

    fn document(&self, document: &DocumentAttribute) -> Result<DocumentAsk<'a>, Reason> {
        let bundle = self.bundle;
        let ask = |domain: DomainId, form, student: Option<PersonId>, explicit| DocumentAsk {
            action: DocumentAction::View,
            domain,
            form,
            student,
            buildings: student
                .ok_or(Reason::AttributeMissing)
                .and_then(|student| document::buildings_of_student(bundle, domain, student, self.now)),
            explicit,
            target: None,
            giving: None,
        };
        match document {
            DocumentAttribute::Listed(capture) => {
                let listed = self.capture(*capture).and_then(|id| bundle.documents().find(id));
                let listed = listed.ok_or(Reason::AttributeMissing)?;
                Ok(ask(
                    listed.domain,
                    listed.form,
                    Some(listed.student),
                    listed.granted_to(self.principal.subject),
                ))
            }
            DocumentAttribute::Of { domain, form, student } => {
                let forms = bundle.domains()[*domain].forms();
                let form = self.attribute(*form, |name| forms.and_then(|forms| forms.find(name)));
                let form = form.ok_or(Reason::AttributeMissing)?;
                Ok(ask(*domain, form, self.person(*student), Access::None))
            }
        }
    }

    fn capture(&self, number: usize) -> Option<&'a str> {
        match self.item {
            Some((capture, item)) if capture == number => Some(item),
            _ => self.matched.capture(number),
        }
    }

    fn person(&self, attribute: Attribute<PersonId>) -> Option<PersonId> {
        self.attribute(attribute, |id| self.bundle.people().find(id))
    }

    fn attribute<T>(&self, attribute: Attribute<T>, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        match attribute {
            Attribute::Fixed(value) => Some(value),
            Attribute::Captured(capture) => find(self.capture(capture)?),
        }
    }
}
