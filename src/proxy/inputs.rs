//! What a decision read and what decided it, by name, for the decision log. All names come from the snapshot that the
//! request began with.
//!
//! Inputs have the names of attributes, whatever the template calls its captures: a mask then holds on every route, and
//! a capture or query parameter that no requirement reads has no name here and cannot get out. Claims of a token are
//! never told, whatever reads them.

use crate::decision::{Considered, Decision, Obligations};
use crate::policy::change::Change;
use crate::policy::route::{Attribute as Source, DocumentAttribute, Match, Requirement, ScopeAttribute};
use crate::policy::table::{DomainId, FormId, PersonId};
use crate::policy::{Access, Bundle};
use crate::telemetry::{Attribute, Deciding, Record};

/// A value as its parts, so that nothing has to be joined.
type Value<'a> = [&'a str; 3];

/// The attributes that a requirement can read, in the order they are written.
const ATTRIBUTES: [Attribute; 10] = [
    Attribute::Scope,
    Attribute::Document,
    Attribute::Form,
    Attribute::Student,
    Attribute::Target,
    Attribute::Access,
    Attribute::Role,
    Attribute::Permissions,
    Attribute::Title,
    Attribute::Parameter,
];

/// More parameters than a template can have: those of its path, and those of a query.
const PARAMETERS_MAX: usize = 64;

/// Writes into `record` what was asked, what was read for it and what decided.
pub(super) fn describe(
    bundle: &Bundle,
    matched: &Match<'_, '_>,
    decision: &Decision,
    considered: Considered,
    record: &mut Record,
) {
    if !record.is_logged() {
        return;
    }
    let said = Said { bundle, matched, item: None };
    let requirements = matched.route().requirements();
    if let Some(decisive) = requirements.get(considered.decisive) {
        let said = said.items(decisive).nth(considered.item).unwrap_or(said);
        if let Some(decisive) = alternatives(decisive).get(considered.alternative) {
            said.asked(decisive, record);
        }
    }
    let requirements = requirements.get(..considered.count).unwrap_or(requirements);
    record.inputs(&ATTRIBUTES, |attribute, told| {
        for requirement in requirements {
            said.items(requirement).for_each(|said| {
                alternatives(requirement).iter().for_each(|one| said.values(one, attribute, told));
            });
        }
    });
    let role = decision.domain.zip(decision.role).map(|(domain, role)| {
        let name = &bundle.domains()[domain].roles()[role].name;
        outside(bundle, domain, name)
    });
    let Obligations { catalogue, own, through } = decision.obligations;
    let applications = [own, through].into_iter().flatten();
    let applications = applications.map(|id| ["sharing/", bundle.people().row(id).id.as_str()]);
    record.obligations(catalogue.then_some(["catalogue", ""]).into_iter().chain(applications));
    record.decided(Deciding {
        rule: Some(decision.rule.as_str()).filter(|rule| *rule != "none"),
        role: role.as_ref().map(Value::as_slice),
        scope: decision.scope.map(|scope| bundle.scopes().name(scope)),
        power: decision.power,
        self_update: decision.self_update,
    });
}

/// A matched request and the bundle that gives its values their meaning.
#[derive(Clone, Copy)]
struct Said<'a> {
    bundle: &'a Bundle,
    matched: &'a Match<'a, 'a>,
    /// Where a capture holds a list: its number, and one item.
    item: Option<(usize, &'a str)>,
}

/// The requirement, or what an `any:` consists of.
fn alternatives(requirement: &Requirement) -> &[Requirement] {
    match requirement {
        Requirement::Any(alternatives) => alternatives,
        _ => std::slice::from_ref(requirement),
    }
}

impl<'a> Said<'a> {
    /// Once for each item of the list that the requirement reads, or once.
    fn items(self, requirement: &Requirement) -> impl Iterator<Item = Said<'a>> + use<'a> {
        let list = self.matched.route().list_of(requirement);
        let items = list.and_then(|capture| Some((capture, self.matched.capture(capture)?)));
        let once = items.is_none().then_some(self);
        let each = items.into_iter().flat_map(move |(capture, text)| {
            text.split(',').map(move |item| Said { item: Some((capture, item)), ..self })
        });
        once.into_iter().chain(each)
    }

    fn capture(self, number: usize) -> Option<&'a str> {
        match self.item {
            Some((capture, item)) if capture == number => Some(item),
            _ => self.matched.capture(number),
        }
    }

    /// Action and resource, as `eval` takes them.
    fn asked(self, requirement: &'a Requirement, record: &mut Record) {
        match requirement {
            Requirement::Permission { domain, permission, .. } => {
                let name = &self.bundle.domains()[*domain].permissions()[*permission].name;
                record.action(&outside(self.bundle, *domain, name));
                if let Some(scope) = self.value(requirement, Attribute::Scope) {
                    record.resource("", Some((Attribute::Scope, &scope)));
                }
            }
            Requirement::Change { domain, change } => {
                let word = change.action().as_str();
                match self.bundle.domains().len() {
                    1 => record.action(&["change:", word]),
                    _ => record.action(&[self.bundle.domains()[*domain].name(), "/change:", word]),
                }
                match self.value(requirement, Attribute::Scope) {
                    Some(scope) => record.resource("", Some((Attribute::Scope, &scope))),
                    None => {
                        let role = self.value(requirement, Attribute::Role).unwrap_or_default();
                        record.resource("role/", Some((Attribute::Role, &role)));
                    }
                }
            }
            // These ask for no action on a resource.
            Requirement::Any(_) | Requirement::Condition { .. } | Requirement::Sharing(_) => {}
            Requirement::Document { action, .. } => {
                record.action(&[action.as_str()]);
                match self.value(requirement, Attribute::Document) {
                    Some(id) => record.resource("document/", Some((Attribute::Document, &id))),
                    None => record.resource("document", None),
                }
            }
        }
    }

    /// Tells what a requirement reads of an attribute.
    fn values(self, requirement: &'a Requirement, attribute: Attribute, told: &mut dyn FnMut(Value<'a>)) {
        if let (Requirement::Condition { condition, .. }, Attribute::Parameter) = (requirement, attribute) {
            let read = (0..PARAMETERS_MAX).filter(|number| condition.reads(*number));
            read.filter_map(|number| self.capture(number)).for_each(|text| told(whole(text)));
        } else if let Some(value) = self.value(requirement, attribute) {
            told(value);
        }
    }

    /// The value of an attribute that a requirement reads: the bundle's name of it, or what the request said where the
    /// bundle does not know it.
    fn value(self, requirement: &'a Requirement, attribute: Attribute) -> Option<Value<'a>> {
        match (requirement, attribute) {
            (Requirement::Permission { scope, .. }, Attribute::Scope)
            | (Requirement::Condition { scope: Some(scope), .. }, Attribute::Scope) => self.scope(scope),
            (
                Requirement::Permission { student: Some(person), .. }
                | Requirement::Condition { student: Some(person), .. },
                Attribute::Student,
            )
            | (
                Requirement::Permission { target: Some(person), .. }
                | Requirement::Condition { target: Some(person), .. }
                | Requirement::Document { target: Some(person), .. },
                Attribute::Target,
            ) => self.person(*person),
            (Requirement::Change { change, .. }, Attribute::Scope) => self.scope(change.scope()?),
            (Requirement::Change { change, .. }, Attribute::Target) => self.person(change.target()?),
            (Requirement::Change { domain, change }, Attribute::Role) => {
                self.taken(change.role()?, |role| &self.bundle.domains()[*domain].roles()[role].name)
            }
            (Requirement::Change { change: Change::Permissions { set, .. }, .. }, Attribute::Permissions) => {
                self.text(set).map(whole)
            }
            (Requirement::Change { change: Change::Title { category, title, .. }, .. }, Attribute::Title) => {
                Some([self.text(category)?, "/", self.text(title)?])
            }
            (Requirement::Document { document, .. }, Attribute::Document) => match document {
                DocumentAttribute::Listed(capture) => self.capture(*capture).map(whole),
                DocumentAttribute::Of { .. } => None,
            },
            (Requirement::Document { document, .. }, Attribute::Form) => match document {
                DocumentAttribute::Listed(capture) => {
                    let listed = self.bundle.documents().find(self.capture(*capture)?)?;
                    self.form(listed.domain, listed.form)
                }
                DocumentAttribute::Of { domain, form, .. } => match form {
                    Source::Fixed(form) => self.form(*domain, *form),
                    Source::Captured(capture) => {
                        let name = self.capture(*capture)?;
                        let forms = self.bundle.domains()[*domain].forms();
                        let known = forms.and_then(|forms| forms.find(name));
                        known.and_then(|form| self.form(*domain, form)).or(Some(whole(name)))
                    }
                },
            },
            (Requirement::Document { document, .. }, Attribute::Student) => match document {
                DocumentAttribute::Listed(capture) => {
                    let listed = self.bundle.documents().find(self.capture(*capture)?)?;
                    Some(whole(&self.bundle.people().row(listed.student).id))
                }
                DocumentAttribute::Of { student, .. } => self.person(*student),
            },
            (Requirement::Document { giving: Some(giving), .. }, Attribute::Access) => {
                self.taken(*giving, |access: Access| access.as_str())
            }
            _ => None,
        }
    }

    fn scope(self, scope: &'a ScopeAttribute) -> Option<Value<'a>> {
        let scopes = self.bundle.scopes();
        match scope {
            ScopeAttribute::Fixed(scope) => Some(whole(scopes.name(*scope))),
            ScopeAttribute::Captured(level, capture) => {
                let id = self.capture(*capture)?;
                let known = scopes.find_in(*level, id).map(|scope| whole(scopes.name(scope)));
                known.or(Some([scopes.level_name(*level), "/", id]))
            }
        }
    }

    fn form(self, domain: DomainId, form: FormId) -> Option<Value<'a>> {
        let forms = self.bundle.domains()[domain].forms()?;
        Some(outside(self.bundle, domain, &forms.forms[form].name))
    }

    fn person(self, source: Source<PersonId>) -> Option<Value<'a>> {
        self.taken(source, |person| &self.bundle.people().row(person).id)
    }

    fn text(self, source: &'a Source<Box<str>>) -> Option<&'a str> {
        match source {
            Source::Fixed(text) => Some(text),
            Source::Captured(capture) => self.capture(*capture),
        }
    }

    fn taken<T>(self, source: Source<T>, name: impl FnOnce(T) -> &'a str) -> Option<Value<'a>> {
        match source {
            Source::Fixed(value) => Some(whole(name(value))),
            Source::Captured(capture) => self.capture(capture).map(whole),
        }
    }
}

fn whole(text: &str) -> Value<'_> {
    [text, "", ""]
}

/// A name of `domain` as it is written outside of it.
fn outside<'a>(bundle: &'a Bundle, domain: DomainId, name: &'a str) -> Value<'a> {
    if bundle.domains().len() == 1 { whole(name) } else { [bundle.domains()[domain].name(), "/", name] }
}
