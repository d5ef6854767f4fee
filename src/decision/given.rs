//! A record as a request by name states it: `resource.properties` of an AuthZEN request whose resource is a `record`.

use super::Reason;
use super::authzen::ShapeError;
use super::records::Record;
use crate::policy::Bundle;
use crate::policy::table::RecordTypeId;
use serde_json::{Map, Value};

/// Attributes with their values.
type Attributes = Vec<(String, Vec<String>)>;

/// A record whose shape is right: the names in it are not looked up yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stated {
    record: String,
    attributes: Attributes,
    /// Each with the attributes of the way to it.
    related: Vec<(Stated, Attributes)>,
    /// The paths that are asked about; all of the catalogue where none are named.
    pub(super) fields: Option<Vec<String>>,
}

/// A record that was stated by name.
#[derive(Debug, Clone)]
pub struct Given {
    record_type: RecordTypeId,
    attributes: Attributes,
    related: Vec<(Given, Attributes)>,
}

const NAMED: ShapeError =
    ShapeError { member: "resource.properties.record", wanted: "the name of a type of record" };
const RELATED: ShapeError = ShapeError {
    member: "resource.properties.related",
    wanted: "a list of records, each {record, id, attributes, link, related}",
};
const ATTRIBUTES: ShapeError = ShapeError {
    member: "resource.properties.attributes",
    wanted: "an object of text, numbers, true, false or lists of those",
};
const FIELDS: ShapeError = ShapeError { member: "resource.properties.fields", wanted: "a list of paths" };

impl Stated {
    /// Reads a record: its type, `attributes`, `related` and the `fields` that are asked about. Its id is the attribute `id`.
    ///
    /// # Errors
    /// The first member of the wrong type.
    pub fn read(properties: &Map<String, Value>, id: &str) -> Result<Stated, ShapeError> {
        let record = properties.get("record").and_then(Value::as_str).ok_or(NAMED)?.to_owned();
        let mut attributes = attributes(properties.get("attributes"))?;
        if !attributes.iter().any(|(name, _)| name == "id") {
            attributes.push(("id".to_owned(), vec![id.to_owned()]));
        }
        let mut related = Vec::new();
        if let Some(list) = properties.get("related") {
            for item in list.as_array().ok_or(RELATED)? {
                let item = item.as_object().ok_or(RELATED)?;
                let id = item.get("id").and_then(Value::as_str).ok_or(RELATED)?;
                related.push((Stated::read(item, id)?, self::attributes(item.get("link"))?));
            }
        }
        let path = |value: &Value| value.as_str().map(str::to_owned).ok_or(FIELDS);
        let fields = match properties.get("fields") {
            None => None,
            Some(list) => Some(list.as_array().ok_or(FIELDS)?.iter().map(path).collect::<Result<_, _>>()?),
        };
        Ok(Stated { record, attributes, related, fields })
    }

    /// Looks up the types.
    ///
    /// # Errors
    /// `unknown_name`, for a type that the catalogue does not have.
    pub fn resolve(&self, bundle: &Bundle) -> Result<Given, Reason> {
        let record_type = bundle.records().find(&self.record).ok_or(Reason::UnknownName)?;
        let related = self.related.iter().map(|(stated, link)| Ok((stated.resolve(bundle)?, link.clone())));
        let related = related.collect::<Result<_, Reason>>()?;
        Ok(Given { record_type, attributes: self.attributes.clone(), related })
    }
}

fn attributes(value: Option<&Value>) -> Result<Attributes, ShapeError> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(ATTRIBUTES),
    };
    let values = |value: &Value| match value {
        // Null is no value, as an app writes it.
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    };
    let members = value.as_object().ok_or(ATTRIBUTES)?.iter();
    members.map(|(name, value)| Ok((name.clone(), values(value)?))).collect()
}

fn any(attributes: &Attributes, name: &str, test: &mut dyn FnMut(&str) -> bool) -> Option<bool> {
    let (_, values) = attributes.iter().find(|(known, _)| known == name)?;
    if values.is_empty() { None } else { Some(values.iter().any(|value| test(value))) }
}

impl Record for Given {
    fn record_type(&self) -> RecordTypeId {
        self.record_type
    }

    fn any(&self, attribute: &str, test: &mut dyn FnMut(&str) -> bool) -> Option<bool> {
        any(&self.attributes, attribute, test)
    }

    fn related(&self, place: usize) -> Option<&dyn Record> {
        self.related.get(place).map(|(record, _)| record as &dyn Record)
    }

    fn link(&self, place: usize, attribute: &str, test: &mut dyn FnMut(&str) -> bool) -> Option<bool> {
        any(&self.related.get(place)?.1, attribute, test)
    }
}
