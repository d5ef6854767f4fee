//! All requirements of a route for one request.

use super::ask::{DocumentAsk, Facts};
use super::{AccessRequest, Ask, Decision, Reason, decide, document};
use crate::policy::route::{Attribute, DocumentAttribute, Match, Requirement, ScopeAttribute};
use crate::policy::table::{DomainId, PersonId};
use crate::policy::{Access, Bundle, Claims};
use crate::time::Time;

/// A matched request, its subject and the time: what all its questions share.
#[derive(Clone, Copy)]
struct Asking<'a> {
    bundle: &'a Bundle,
    matched: &'a Match<'a, 'a>,
    subject: PersonId,
    claims: Option<&'a dyn Claims>,
    now: Time,
    /// Where a capture holds a list: its number, and the item that is asked about.
    item: Option<(usize, &'a str)>,
}

/// A question of a route with its facts, or why it cannot be put: an attribute that it needs cannot be had.
pub type Question<'a> = Result<(Ask<'a>, Facts<'a>), Reason>;

/// Decides a matched request: public, or every requirement in turn. The first that fails is the answer; where all hold
/// the answer names what decided the first one.
pub fn decide_route(
    bundle: &Bundle,
    matched: &Match<'_, '_>,
    subject: PersonId,
    claims: Option<&dyn Claims>,
    now: Time,
) -> Decision {
    if matched.route().is_public() {
        return Decision::before_any_rule(Reason::Public);
    }
    let asking = Asking { bundle, matched, subject, claims, now, item: None };
    // A route without requirements does not load; should there be one all the same, it grants nothing.
    all(matched.route().requirements().iter().map(|requirement| asking.each(requirement)), Reason::Internal)
}

/// The questions that a matched request puts, in order: one list for each requirement, in which one yes is enough where
/// the requirement is an `any:`.
pub fn questions<'a>(
    bundle: &'a Bundle,
    matched: &'a Match<'a, 'a>,
    subject: PersonId,
    claims: Option<&'a dyn Claims>,
) -> Vec<Vec<Question<'a>>> {
    let asking = Asking { bundle, matched, subject, claims, now: Time::MIN, item: None };
    let mut list = Vec::new();
    for requirement in matched.route().requirements() {
        let single = std::slice::from_ref(requirement);
        let alternatives = match requirement {
            Requirement::Any(alternatives) => alternatives.as_slice(),
            _ => single,
        };
        match asking.items(requirement) {
            None => list.push(alternatives.iter().map(|one| asking.question(one)).collect()),
            Some(items) => {
                for item in items {
                    let asking = Asking { item: Some(item), ..asking };
                    list.push(alternatives.iter().map(|one| asking.question(one)).collect());
                }
            }
        }
    }
    list
}

/// The first denial, or the first yes; `none` where there is nothing to join.
fn all(decisions: impl Iterator<Item = Decision>, none: Reason) -> Decision {
    let mut granted: Option<Decision> = None;
    for decision in decisions {
        if !decision.is_allow() {
            return decision;
        }
        let power = decision.power || granted.is_some_and(|first| first.power);
        granted = Some(Decision { power, ..granted.unwrap_or(decision) });
    }
    granted.unwrap_or(Decision::before_any_rule(none))
}

impl<'a> Asking<'a> {
    /// Decides a requirement, for each item where a capture that it reads holds a list. An empty list is denied.
    fn each(&self, requirement: &'a Requirement) -> Decision {
        match self.items(requirement) {
            None => self.decide(requirement),
            Some(items) => {
                let decisions = items.map(|item| Asking { item: Some(item), ..*self }.decide(requirement));
                all(decisions, Reason::AttributeMissing)
            }
        }
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
        if let Requirement::Any(alternatives) = requirement {
            let mut denied = None;
            for alternative in alternatives {
                let decision = self.decide(alternative);
                if decision.is_allow() {
                    return decision;
                }
                denied.get_or_insert(decision);
            }
            return denied.unwrap_or(Decision::before_any_rule(Reason::Internal));
        }
        match self.question(requirement) {
            Ok((ask, facts)) => {
                decide(self.bundle, &AccessRequest { subject: self.subject, ask, facts, now: self.now })
            }
            Err(_) if self.bundle.people().row(self.subject).suspended => {
                Decision::before_any_rule(Reason::Suspended)
            }
            Err(reason) => Decision::before_any_rule(reason),
        }
    }

    fn question(&self, requirement: &'a Requirement) -> Question<'a> {
        match requirement {
            Requirement::Any(_) => Err(Reason::Internal),
            Requirement::Permission { domain, permission, scope, student, target } => {
                let scope = match scope {
                    ScopeAttribute::Fixed(scope) => Some(*scope),
                    ScopeAttribute::Captured(level, capture) => {
                        let id = self.capture(*capture).ok_or(Reason::AttributeMissing)?;
                        self.bundle.scopes().find_in(*level, id)
                    }
                };
                let scope = scope.ok_or(Reason::ScopeUnknown)?;
                let facts = Facts {
                    student: student.and_then(|student| self.person(student)),
                    // A target that is named and not known is not nobody: it may be blocked.
                    target: match target {
                        Some(target) => Some(self.person(*target).ok_or(Reason::AttributeMissing)?),
                        None => None,
                    },
                    assigned: None,
                    claims: self.claims,
                };
                Ok((Ask::Permission { domain: *domain, permission: *permission, scope }, facts))
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
                let facts =
                    Facts { student: ask.student, target: ask.target, claims: self.claims, assigned: None };
                Ok((Ask::Document(ask), facts))
            }
        }
    }

    fn document(&self, document: &DocumentAttribute) -> Result<DocumentAsk<'a>, Reason> {
        let bundle = self.bundle;
        let ask = |domain: DomainId, form, student: Option<PersonId>, explicit| DocumentAsk {
            action: crate::policy::DocumentAction::View,
            domain,
            form,
            student,
            buildings: student
                .ok_or(Reason::AttributeMissing)
                .and_then(|student| document::buildings_of_student(bundle, domain, student)),
            explicit,
            target: None,
            giving: None,
        };
        match document {
            DocumentAttribute::Listed(capture) => {
                let listed = self.capture(*capture).and_then(|id| bundle.documents().find(id));
                let listed = listed.ok_or(Reason::AttributeMissing)?;
                Ok(ask(listed.domain, listed.form, Some(listed.student), listed.granted_to(self.subject)))
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
