//! Requests by name, in the shape of the AuthZEN Authorization API 1.0: subject, action, resource, context.
//!
//! A permission's resource is a scope (`{type: "class", id: "1A"}`); a document is
//! `{type: "document", id, properties: {form, student, buildings, explicit}}`, and then the action is one of `view`,
//! `edit`, `create`, `share`, `transfer`, `delete`. `action.properties` holds `target` (the id of a person) and
//! `access` (what is given). A change to an assignment or a role is an action `change:give`, `change:take`,
//! `change:permissions` or `change:title` on a scope, with `target` and `role`, `permissions` (a list), or `category` and
//! `title` in `action.properties`; or `change:role` on `{type: "role", id}`. Where a bundle has several domains, the name
//! is written `domain/change:give`. A record of an answer is `{type: "record", id, properties: {record, attributes,
//! related, fields}}`, and the action `view`: `record` is its type, `related` the records that it belongs to, each with
//! the same members and `link`, the attributes of the way to it. `context.time` is RFC 3339; `context.application` is the
//! id of the application that the subject comes through, `context.credential` the name of the credential. Members that
//! are not named here are ignored.

use super::{
    AccessRequest, Ask, ChangeAsk, Changed, DocumentAsk, Facts, Given, Reason, Stated, document, is_stale,
};
use crate::policy::change::ChangeAction;
use crate::policy::table::{DomainId, PersonId, ScopeId};
use crate::policy::{Access, Bundle, Claims, DocumentAction, Kind, Listed, Principal};
use crate::{json, time::Time};
use serde_json::{Map, Value};
use std::fmt;

/// The type of a resource that is a record.
const RECORD: &str = "record";

/// A request whose shape is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// A kind of subject, as the caller sees it.
    pub subject_type: String,
    /// The id of a person of the roster.
    pub subject_id: String,
    /// `subject.properties`: read as the claims of a token.
    pub subject_properties: SubjectProperties,
    /// A permission, or what is done with a document.
    pub action: String,
    /// `action.properties.target`: the id of a person.
    pub target: Option<String>,
    /// `action.properties.access`: what is given.
    pub access: Option<Access>,
    /// What a change is about.
    pub change: ChangeProperties,
    /// The level of a scope, or `document`.
    pub resource_type: String,
    /// The id of a scope or document.
    pub resource_id: String,
    /// The attributes of a document.
    pub properties: Properties,
    /// `context.time`.
    pub time: Option<Time>,
    /// `context.application`: the id of the application that the subject comes through.
    pub application: Option<String>,
    /// `context.credential`: the name of the credential that was brought.
    pub credential: Option<String>,
}

/// What a request says of a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    /// The form.
    pub form: Option<String>,
    /// The id of the student.
    pub student: Option<String>,
    /// The buildings of the student.
    pub buildings: Option<Vec<String>>,
    /// What the document's own grants give the subject.
    pub explicit: Option<Access>,
    /// The ids of those to whom the resource is assigned.
    pub assigned: Option<Vec<String>>,
    /// What is said of a record.
    pub record: Option<Box<Stated>>,
}

/// What a request says of a change, in `action.properties`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeProperties {
    /// The role that is given or taken.
    pub role: Option<String>,
    /// The permissions that the target is to have.
    pub permissions: Option<Vec<String>>,
    /// The category of the title that the target is to have.
    pub category: Option<String>,
    /// That title.
    pub title: Option<String>,
}

/// Why a request is not one: where in it, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeError {
    /// The member, like `resource.properties.form`.
    pub member: &'static str,
    /// What it should be.
    pub wanted: &'static str,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` must be {}", self.member, self.wanted)
    }
}

impl std::error::Error for ShapeError {}

/// A request of which all names were found; it can be asked at once.
#[derive(Debug, Clone)]
pub struct Resolved {
    subject: PersonId,
    now: Time,
    student: Option<PersonId>,
    stranger: bool,
    target: Option<PersonId>,
    assigned: Option<Vec<PersonId>>,
    claims: SubjectProperties,
    through: Option<PersonId>,
    credential: Option<String>,
    question: Question,
}

#[derive(Debug, Clone)]
enum Question {
    Permission(Ask<'static>),
    Document {
        ask: DocumentAsk<'static>,
        buildings: Result<Vec<ScopeId>, Reason>,
    },
    Record {
        record: Given,
        fields: Option<Vec<String>>,
    },
    /// The words of a set or a title are filled in when it is asked.
    Change {
        ask: ChangeAsk<'static>,
        set: Option<String>,
        category: String,
        title: String,
    },
}

impl Resolved {
    /// The request as a bundle takes it.
    pub fn request(&self) -> AccessRequest<'_> {
        let ask = match &self.question {
            Question::Permission(ask) => *ask,
            Question::Change { ask, set, category, title } => {
                let change = match ask.change {
                    Changed::Permissions { target, scope, .. } => {
                        Changed::Permissions { target, scope, set: set.as_deref() }
                    }
                    Changed::Title { target, scope, .. } => Changed::Title { target, scope, category, title },
                    change => change,
                };
                Ask::Change(ChangeAsk { change, ..*ask })
            }
            Question::Record { record, .. } => Ask::Record(record),
            Question::Document { ask, buildings } => {
                let buildings = buildings.as_ref().map(Vec::as_slice).map_err(|reason| *reason);
                Ask::Document(DocumentAsk { buildings, ..*ask })
            }
        };
        let facts = Facts {
            student: self.student,
            stranger: self.stranger,
            target: self.target,
            assigned: self.assigned.as_deref(),
            claims: Some(&self.claims),
            through: self.through,
            credential: self.credential.as_deref(),
        };
        AccessRequest { subject: self.subject, ask, facts, now: self.now }
    }

    /// The fields of a record that are asked about, where some are named.
    pub fn fields(&self) -> Option<&[String]> {
        match &self.question {
            Question::Record { fields, .. } => fields.as_deref(),
            _ => None,
        }
    }
}

impl Request {
    /// Reads the shape. Names are looked up by [`Request::resolve`].
    ///
    /// # Errors
    /// The first member that is missing or of the wrong type.
    pub fn read(value: &Value) -> Result<Request, ShapeError> {
        let whole = value.as_object().ok_or(ShapeError { member: "request", wanted: "an object" })?;
        let subject = object(whole, "subject")?;
        let action = object(whole, "action")?;
        let resource = object(whole, "resource")?;
        let action_properties = optional_object(action, "properties", "action.properties")?;
        let properties = optional_object(resource, "properties", "resource.properties")?;
        let context = optional_object(whole, "context", "context")?;
        let time = match optional_text(context, "time", "context.time")? {
            None => None,
            Some(text) => {
                let wanted = "an RFC 3339 instant, like `2026-09-01T08:00:00Z`";
                Some(Time::parse_rfc3339(text).ok_or(ShapeError { member: "context.time", wanted })?)
            }
        };
        Ok(Request {
            subject_type: text(subject, "type", "subject.type")?.to_owned(),
            subject_id: text(subject, "id", "subject.id")?.to_owned(),
            subject_properties: SubjectProperties(
                optional_object(subject, "properties", "subject.properties")?.cloned().unwrap_or_default(),
            ),
            action: text(action, "name", "action.name")?.to_owned(),
            target: optional_text(action_properties, "target", "action.properties.target")?
                .map(str::to_owned),
            access: optional_access(action_properties, "access", "action.properties.access")?,
            change: ChangeProperties {
                role: optional_text(action_properties, "role", "action.properties.role")?.map(str::to_owned),
                permissions: names(action_properties, "permissions", "action.properties.permissions")?,
                category: optional_text(action_properties, "category", "action.properties.category")?
                    .map(str::to_owned),
                title: optional_text(action_properties, "title", "action.properties.title")?
                    .map(str::to_owned),
            },
            resource_type: text(resource, "type", "resource.type")?.to_owned(),
            resource_id: text(resource, "id", "resource.id")?.to_owned(),
            properties: Properties {
                form: optional_text(properties, "form", "resource.properties.form")?.map(str::to_owned),
                student: optional_text(properties, "student", "resource.properties.student")?
                    .map(str::to_owned),
                buildings: names(properties, "buildings", "resource.properties.buildings")?,
                explicit: optional_access(properties, "explicit", "resource.properties.explicit")?,
                assigned: names(properties, "assigned", "resource.properties.assigned")?,
                record: match properties.filter(|_| resource.get("type").is_some_and(|kind| kind == RECORD)) {
                    Some(said) => Some(Box::new(Stated::read(said, text(resource, "id", "resource.id")?)?)),
                    None => None,
                },
            },
            time,
            application: optional_text(context, "application", "context.application")?.map(str::to_owned),
            credential: optional_text(context, "credential", "context.credential")?.map(str::to_owned),
        })
    }

    /// Looks up all names. `now` stands in where the request states no time.
    ///
    /// # Errors
    /// Why the request is denied before a rule is asked: `unknown_subject`, `stale_policy`, `suspended`, `unknown_name`,
    /// `scope_unknown` or `attribute_missing`.
    pub fn resolve(&self, bundle: &Bundle, now: Time) -> Result<Resolved, Reason> {
        let subject = bundle.people().find(&self.subject_id).ok_or(Reason::UnknownSubject)?;
        let now = self.time.unwrap_or(now);
        let kinds = bundle.kinds(subject, now);
        if !Kind::parse(&self.subject_type).is_some_and(|kind| kinds.contains(kind)) {
            return Err(Reason::UnknownSubject);
        }
        // As enforcement: what is too old for any answer is too old for this one.
        if is_stale(bundle, if self.writes() { "PUT" } else { "GET" }, now) {
            return Err(Reason::StalePolicy);
        }
        let through = match &self.application {
            Some(id) => Some(application(bundle, id)?).filter(|application| *application != subject),
            None => None,
        };
        if bundle.suspends(Principal { subject, through, credential: self.credential.as_deref() }) {
            return Err(Reason::Suspended);
        }
        let find = |id: &String| bundle.people().find(id);
        let said = &self.properties;
        let listed = bundle.documents().find(&self.resource_id).filter(|_| said.form.is_none());
        let student = match &said.student {
            Some(id) => find(id),
            None => listed.filter(|_| self.resource_type == "document").map(|listed| listed.student),
        };
        let question = if let Some(stated) = &said.record {
            self.record(bundle, stated)?
        } else if self.resource_type == "document" {
            self.document(bundle, subject, student, now)?
        } else if let Some((domain, action)) = self.change_named() {
            self.change(bundle, domain, action)?
        } else {
            self.permission(bundle)?
        };
        // A target that is named and not known is not nobody: it may be blocked.
        let target = match &self.target {
            Some(id) => Some(find(id).ok_or(Reason::AttributeMissing)?),
            None => None,
        };
        // People who are not in the roster are nobody that a decision could be about.
        let assigned = said.assigned.as_ref().map(|ids| ids.iter().filter_map(find).collect());
        let claims = self.subject_properties.clone();
        let mut question = question;
        if let Question::Document { ask, .. } = &mut question {
            ask.target = target;
        }
        let stranger = said.student.is_some() && student.is_none();
        let credential = self.credential.clone();
        Ok(Resolved {
            subject,
            now,
            student,
            stranger,
            target,
            assigned,
            claims,
            through,
            credential,
            question,
        })
    }

    /// Whether something is changed for certain. Of a permission only a route knows the method.
    fn writes(&self) -> bool {
        let document =
            || DocumentAction::parse(&self.action).is_some_and(|action| action != DocumentAction::View);
        self.change_named().is_some() || (self.resource_type == "document" && document())
    }

    /// The change that the action names, and the domain if it says one.
    fn change_named(&self) -> Option<(Option<&str>, ChangeAction)> {
        let (domain, name) = match self.action.split_once('/') {
            Some((domain, name)) => (Some(domain), name),
            None => (None, self.action.as_str()),
        };
        Some((domain, ChangeAction::parse_name(name)?))
    }

    fn change(
        &self,
        bundle: &Bundle,
        domain: Option<&str>,
        action: ChangeAction,
    ) -> Result<Question, Reason> {
        let said = &self.change;
        let named = match action {
            ChangeAction::Role => Some(&self.resource_id),
            _ => said.role.as_ref(),
        };
        let domain = match (domain, named) {
            (Some(name), _) => bundle.domain(name),
            (None, named) => bundle.split_name(named.map_or("", String::as_str)).map(|(domain, _)| domain),
        };
        let domain = domain.ok_or(Reason::UnknownName)?;
        let row = &bundle.domains()[domain];
        let role = || {
            let role = row.role_of(named.ok_or(Reason::AttributeMissing)?).ok_or(Reason::UnknownName)?;
            let there = action == ChangeAction::Role || !row.roles()[role].deleted;
            there.then_some(role).ok_or(Reason::UnknownName)
        };
        let asked = |change, set, category, title| {
            let ask = ChangeAsk { domain, change };
            Ok(Question::Change { ask, set, category, title })
        };
        if action == ChangeAction::Role {
            if self.resource_type != "role" {
                return Err(Reason::UnknownName);
            }
            return asked(Changed::Role { role: role()? }, None, String::new(), String::new());
        }
        let level = bundle.scopes().level(&self.resource_type).ok_or(Reason::ScopeUnknown)?;
        let scope = bundle.scopes().find_in(level, &self.resource_id).ok_or(Reason::ScopeUnknown)?;
        let target = self.target.as_ref().and_then(|id| bundle.people().find(id));
        let target = target.ok_or(Reason::AttributeMissing)?;
        let (mut set, mut category, mut title) = (None, String::new(), String::new());
        let change = match action {
            ChangeAction::Give => Changed::Give { role: role()?, target, scope },
            ChangeAction::Take => Changed::Take { role: role()?, target, scope },
            ChangeAction::Permissions => {
                let words = said.permissions.as_deref();
                if words.unwrap_or_default().iter().any(|word| Listed::parse(row, word).is_none()) {
                    return Err(Reason::UnknownName);
                }
                set = words.map(|words| words.join(","));
                Changed::Permissions { target, scope, set: None }
            }
            ChangeAction::Title | ChangeAction::Role => {
                category = said.category.clone().ok_or(Reason::AttributeMissing)?;
                title = said.title.clone().ok_or(Reason::AttributeMissing)?;
                Changed::Title { target, scope, category: "", title: "" }
            }
        };
        asked(change, set, category, title)
    }

    fn record(&self, bundle: &Bundle, stated: &Stated) -> Result<Question, Reason> {
        let record = stated.resolve(bundle)?;
        if self.action != "view" {
            return Err(Reason::UnknownName);
        }
        Ok(Question::Record { record, fields: stated.fields.clone() })
    }

    fn permission(&self, bundle: &Bundle) -> Result<Question, Reason> {
        let (domain, name) = bundle.split_name(&self.action).ok_or(Reason::UnknownName)?;
        let permission = bundle.domains()[domain].permission(name).ok_or(Reason::UnknownName)?;
        let level = bundle.scopes().level(&self.resource_type).ok_or(Reason::ScopeUnknown)?;
        let scope = bundle.scopes().find_in(level, &self.resource_id).ok_or(Reason::ScopeUnknown)?;
        Ok(Question::Permission(Ask::Permission { domain, permission, scope }))
    }

    fn document(
        &self,
        bundle: &Bundle,
        subject: PersonId,
        student: Option<PersonId>,
        now: Time,
    ) -> Result<Question, Reason> {
        let action = DocumentAction::parse(&self.action).ok_or(Reason::UnknownName)?;
        let said = &self.properties;
        let listed = bundle.documents().find(&self.resource_id).filter(|_| said.form.is_none());
        let (domain, form) = match (&said.form, listed) {
            (Some(name), _) => {
                let (domain, name) = bundle.split_name(name).ok_or(Reason::UnknownName)?;
                let forms = bundle.domains()[domain].forms().ok_or(Reason::UnknownName)?;
                (domain, forms.find(name).ok_or(Reason::UnknownName)?)
            }
            (None, Some(listed)) => (listed.domain, listed.form),
            (None, None) => return Err(Reason::AttributeMissing),
        };
        // Of two answers to whom a document is about, neither is taken.
        if listed.is_some_and(|listed| Some(listed.student) != student) {
            return Err(Reason::AttributeMissing);
        }
        let known = student.map(|student| document::buildings_of_student(bundle, domain, student, now));
        let buildings = match (&said.buildings, known) {
            (Some(names), known) => stated_buildings(bundle, domain, names, known),
            (None, Some(known)) => known.map(<[ScopeId]>::to_vec),
            (None, None) => Err(Reason::AttributeMissing),
        };
        let granted = listed.map(|listed| listed.granted_to(subject));
        let ask = DocumentAsk {
            action,
            domain,
            form,
            buildings: Ok(&[]),
            student,
            explicit: said.explicit.or(granted).unwrap_or_default(),
            target: None,
            giving: self.access,
        };
        Ok(Question::Document { ask, buildings })
    }
}

/// The application of this id.
///
/// # Errors
/// There is none in the roster.
pub fn application(bundle: &Bundle, id: &str) -> Result<PersonId, Reason> {
    let found = bundle.people().find(id);
    let found = found.filter(|id| bundle.people().row(*id).kinds.contains(Kind::Application));
    found.ok_or(Reason::UnknownSubject)
}

/// The buildings that a request states. A student is in one or more, and where the roster knows the student it must
/// agree: of two answers to where a student is, neither is taken.
fn stated_buildings(
    bundle: &Bundle,
    domain: DomainId,
    names: &[String],
    known: Option<Result<&[ScopeId], Reason>>,
) -> Result<Vec<ScopeId>, Reason> {
    let stated: Vec<ScopeId> =
        names.iter().map(|name| building(bundle, domain, name)).collect::<Result<_, _>>()?;
    let agree = match known {
        Some(Ok(known)) => {
            let here =
                known.iter().filter(|scope| building(bundle, domain, bundle.scopes().name(**scope)).is_ok());
            here.clone().all(|scope| stated.contains(scope))
                && stated.iter().all(|scope| known.contains(scope))
        }
        Some(Err(_)) => false,
        None => true,
    };
    if stated.is_empty() || !agree { Err(Reason::AttributeMissing) } else { Ok(stated) }
}

/// A building as `level/id`, or by its id alone: a domain has one level of buildings. A scope of another level is no
/// building, whatever its name.
fn building(bundle: &Bundle, domain: DomainId, name: &str) -> Result<ScopeId, Reason> {
    let domain = &bundle.domains()[domain];
    let level = domain.forms().map(|forms| forms.buildings).ok_or(Reason::ScopeUnknown)?;
    let by_id = bundle
        .scopes()
        .level(domain.level_name(level))
        .and_then(|level| bundle.scopes().find_in(level, name));
    let found = bundle.scopes().find(name).or(by_id).ok_or(Reason::ScopeUnknown)?;
    match domain.node(found) {
        Some(node) if node.level == level => Ok(found),
        _ => Err(Reason::ScopeUnknown),
    }
}

fn object<'v>(map: &'v Map<String, Value>, name: &'static str) -> Result<&'v Map<String, Value>, ShapeError> {
    map.get(name).and_then(Value::as_object).ok_or(ShapeError { member: name, wanted: "an object" })
}

fn optional_object<'v>(
    map: &'v Map<String, Value>,
    name: &str,
    member: &'static str,
) -> Result<Option<&'v Map<String, Value>>, ShapeError> {
    match map.get(name) {
        None => Ok(None),
        Some(value) => value.as_object().map(Some).ok_or(ShapeError { member, wanted: "an object" }),
    }
}

fn text<'v>(map: &'v Map<String, Value>, name: &str, member: &'static str) -> Result<&'v str, ShapeError> {
    map.get(name).and_then(Value::as_str).ok_or(ShapeError { member, wanted: "text" })
}

fn optional_text<'v>(
    map: Option<&'v Map<String, Value>>,
    name: &str,
    member: &'static str,
) -> Result<Option<&'v str>, ShapeError> {
    match map.and_then(|map| map.get(name)) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(ShapeError { member, wanted: "text" }),
    }
}

fn optional_access(
    map: Option<&Map<String, Value>>,
    name: &str,
    member: &'static str,
) -> Result<Option<Access>, ShapeError> {
    match optional_text(map, name, member)? {
        None => Ok(None),
        Some(word) => {
            let wanted = "`none`, `view`, `edit` or `owner`";
            Access::parse(word).map(Some).ok_or(ShapeError { member, wanted })
        }
    }
}

fn names(
    map: Option<&Map<String, Value>>,
    name: &str,
    member: &'static str,
) -> Result<Option<Vec<String>>, ShapeError> {
    let error = || ShapeError { member, wanted: "a list of names" };
    let Some(value) = map.and_then(|map| map.get(name)) else { return Ok(None) };
    let items = value.as_array().ok_or_else(error)?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(error))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// What the caller says of the subject, as a token would.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SubjectProperties(Map<String, Value>);

impl Claims for SubjectProperties {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn is_words(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(json::is_words)
    }

    fn holds(&self, name: &str, word: &str) -> bool {
        match self.0.get(name) {
            Some(Value::String(text)) => text == word,
            Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(word)),
            _ => false,
        }
    }
}
