//! All requirements of a route for one request.

use super::ask::DocumentAsk;
use super::{AccessRequest, Ask, Decision, Reason, decide};
use crate::policy::Bundle;
use crate::policy::route::{Attribute, DocumentAttribute, Match, Requirement, ScopeAttribute};
use crate::policy::table::PersonId;
use crate::time::Time;

/// Decides a matched request: public, or every requirement in turn. The first that fails is the answer; where all hold
/// the answer names what decided the first one.
pub fn decide_route(bundle: &Bundle, matched: &Match<'_, '_>, subject: PersonId, now: Time) -> Decision {
    if matched.route().is_public() {
        return Decision::before_any_rule(Reason::Public);
    }
    let mut granted: Option<Decision> = None;
    for ask in asks(bundle, matched, subject) {
        let decision = match ask {
            Ok(ask) => decide(bundle, &AccessRequest { subject, ask, now }),
            Err(_) if bundle.people().row(subject).suspended => Decision::before_any_rule(Reason::Suspended),
            Err(reason) => Decision::before_any_rule(reason),
        };
        if !decision.is_allow() {
            return decision;
        }
        let power = decision.power || granted.is_some_and(|first| first.power);
        granted = Some(Decision { power, ..granted.unwrap_or(decision) });
    }
    // A route without requirements does not load; should there be one all the same, it grants nothing.
    granted.unwrap_or(Decision::before_any_rule(Reason::Internal))
}

/// The questions that a matched request puts, or why one cannot be put: an attribute that it needs cannot be had.
pub fn asks<'a>(
    bundle: &'a Bundle,
    matched: &'a Match<'_, '_>,
    subject: PersonId,
) -> impl Iterator<Item = Result<Ask<'a>, Reason>> + 'a {
    matched.route().requirements().iter().map(move |requirement| match requirement {
        Requirement::Permission { domain, permission, scope } => {
            let scope = match scope {
                ScopeAttribute::Fixed(scope) => Some(*scope),
                ScopeAttribute::Captured(level, capture) => {
                    let id = matched.capture(*capture).ok_or(Reason::AttributeMissing)?;
                    bundle.scopes().find_in(*level, id)
                }
            };
            let scope = scope.ok_or(Reason::ScopeUnknown)?;
            Ok(Ask::Permission { domain: *domain, permission: *permission, scope })
        }
        Requirement::Document { action, document, target, giving } => {
            let person = |id: &str| bundle.people().find(id);
            let mut ask = match document {
                DocumentAttribute::Listed(capture) => {
                    let listed = matched.capture(*capture).and_then(|id| bundle.documents().find(id));
                    let listed = listed.ok_or(Reason::AttributeMissing)?;
                    DocumentAsk {
                        action: *action,
                        domain: listed.domain,
                        form: listed.form,
                        buildings: Ok(bundle.buildings_of_person(listed.student)),
                        explicit: listed.granted_to(subject),
                        target: None,
                        giving: None,
                    }
                }
                DocumentAttribute::Of { domain, form, student } => {
                    let forms = bundle.domains()[*domain].forms();
                    let form = attribute(matched, *form, |name| forms.and_then(|forms| forms.find(name)));
                    let student = attribute(matched, *student, person);
                    DocumentAsk {
                        action: *action,
                        domain: *domain,
                        form: form.ok_or(Reason::AttributeMissing)?,
                        buildings: student
                            .map(|student| bundle.buildings_of_person(student))
                            .ok_or(Reason::AttributeMissing),
                        explicit: crate::policy::Access::None,
                        target: None,
                        giving: None,
                    }
                }
            };
            if let Some(target) = target {
                ask.target = Some(attribute(matched, *target, person).ok_or(Reason::AttributeMissing)?);
            }
            if let Some(giving) = giving {
                let access = attribute(matched, *giving, crate::policy::Access::parse);
                ask.giving = Some(access.ok_or(Reason::AttributeMissing)?);
            }
            Ok(Ask::Document(ask))
        }
    })
}

fn attribute<T>(
    matched: &Match<'_, '_>,
    attribute: Attribute<T>,
    find: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    match attribute {
        Attribute::Fixed(value) => Some(value),
        Attribute::Captured(capture) => find(matched.capture(capture)?),
    }
}
