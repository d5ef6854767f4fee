//! What a route says of the records in its answers.

use super::names;
use super::records::texts;
use super::routes::Reader;
use crate::policy::records::{Carried, Carries};
use crate::policy::route::Route;
use crate::policy::source::{Fields, Node, Value};
use crate::policy::table::RecordTypeId;

const HELP: &str = "write `none`, {type: ..., at: /data}, {type: ..., one: \"{id}\"}, or a list of those";

impl Reader<'_, '_> {
    /// `records: none`, or what the answers carry, with the query parameters that are accepted.
    pub(super) fn carries(&mut self, fields: &Fields<'_>, route: &mut Route) {
        if let Some(node) = fields.get("records") {
            route.carries = match &node.value {
                Value::Text { text, plain: true } if text == "none" => Carries::None,
                Value::Map(_) => {
                    self.carried(node).map_or(Carries::Unsaid, |one| Carries::Records(vec![one]))
                }
                Value::List(items) => {
                    if items.is_empty() {
                        self.diags.error(node.span, "empty_list", "an empty list carries nothing").help(HELP);
                    }
                    let read: Vec<_> = items.iter().filter_map(|item| self.carried(item)).collect();
                    if read.is_empty() { Carries::Unsaid } else { Carries::Records(read) }
                }
                Value::Broken => Carries::Unsaid,
                _ => {
                    let message = format!("expected what the answers carry, found {}", node.kind());
                    self.diags.error(node.span, "wrong_type", message).help(HELP);
                    Carries::Unsaid
                }
            };
        }
        let carries = matches!(route.carries, Carries::Records(_));
        if carries && route.public {
            let message = "a public route asks nobody who they are, so its records cannot be cut for anybody";
            self.diags
                .error(fields.key_span("records"), "public_records", message)
                .help("require something, or carry no records");
        }
        if let Some(node) = fields.get("query") {
            route.accepts = texts(node, "names of query parameters", self.diags);
            if !carries {
                let message = "`query` is said of routes that carry records";
                self.diags
                    .error(fields.key_span("query"), "unknown_key", message)
                    .help("take it out, or say which records: `records: {type: ..., at: ...}`");
            }
        }
    }

    fn carried(&mut self, node: &Node) -> Option<Carried> {
        let fields = Fields::of(node, "records that an answer carries", &["type", "at", "one"], self.diags)?;
        let record = fields.need("type", self.diags).and_then(|node| self.record_type(node));
        let at = match fields.get("at") {
            None => String::new(),
            Some(node) => {
                let text = node.as_text("a JSON pointer", self.diags)?;
                if !is_pointer(text) {
                    let message = format!("`{}` is not a JSON pointer", text.escape_debug());
                    self.diags.error(node.span, "bad_pointer", message).help(
                        "write it like `/data/students`; leave `at` out where the whole answer is meant",
                    );
                    return None;
                }
                text.to_owned()
            }
        };
        let one = match fields.get("one") {
            None => None,
            Some(node) => {
                let text = node.as_text("a parameter", self.diags)?;
                Some(self.capture(text, node.span)?)
            }
        };
        Some(Carried { record: record?, at, one })
    }

    pub(super) fn record_type(&mut self, node: &Node) -> Option<RecordTypeId> {
        let name = node.as_text("a type of record", self.diags)?;
        let records = self.bundle.records();
        let found = records.find(name);
        if found.is_none() {
            let known = records.types().iter().map(|(_, record)| record.name.as_str());
            names::unknown("type of record", name, node.span, known, self.diags);
        }
        found
    }
}

/// RFC 6901: empty, or `/` before each name, with `~0` and `~1` for `~` and `/`.
fn is_pointer(text: &str) -> bool {
    let names = text.split('/').skip(1);
    let escapes = |name: &str| name.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && { names }.all(escapes)
}
