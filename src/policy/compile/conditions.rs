//! Conditions of routes: data in, a tree out.

use super::routes::Reader;
use super::{documents, names, relations};
use crate::policy::condition::{Attribute, Condition, Operand, Operator, whole_number};
use crate::policy::source::{Fields, Key, Node, Span, Value};
use crate::time::Time;

const ATTRIBUTES: &[&str] = &[
    "subject.id",
    "subject.kinds",
    "subject.claims.NAME",
    "target.id",
    "target.kinds",
    "target.holds(permission)",
    "target.max(form)",
    "target.tied_to(scope)",
    "resource.student",
    "request.method",
    "request.time",
    "request.PARAMETER",
];
const HELP: &str = "write {attribute: {operator: value}}, or {all: [...]}, {any: [...]}, {not: ...}";
const DEPTH_MAX: u32 = 16;

/// What an operator may be applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Set,
    Claim,
    Flag,
    Access,
    Time,
}

impl Reader<'_, '_> {
    pub(super) fn condition(&mut self, node: &Node, depth: u32) -> Option<Condition> {
        let entries = node.as_map("a condition", self.diags)?;
        let [(key, value)] = entries else {
            let message = format!("a condition has one key, this has {}", entries.len());
            self.diags.error(node.span, "bad_condition", message).help("join several with `all: [...]`");
            return None;
        };
        if depth > DEPTH_MAX {
            self.diags
                .error(key.span, "bad_condition", "conditions stand too deep inside each other")
                .help(HELP);
            return None;
        }
        match key.text.as_str() {
            "all" => self.conditions(value, depth).map(Condition::All),
            "any" => self.conditions(value, depth).map(Condition::Any),
            "not" => Some(Condition::Not(Box::new(self.condition(value, depth + 1)?))),
            _ => self.comparison(key, value),
        }
    }

    fn conditions(&mut self, node: &Node, depth: u32) -> Option<Vec<Condition>> {
        let items = node.as_list("a list of conditions", self.diags)?;
        if items.is_empty() {
            self.diags.error(node.span, "empty_list", "an empty list of conditions says nothing").help(HELP);
            return None;
        }
        // All are read before any failure counts, so that all mistakes are told.
        let read: Vec<Option<Condition>> = items.iter().map(|item| self.condition(item, depth + 1)).collect();
        read.into_iter().collect()
    }

    /// `subject.kinds: {includes: staff}`.
    fn comparison(&mut self, key: &Key, node: &Node) -> Option<Condition> {
        let attribute = self.attribute_named(&key.text, key.span);
        let entries = node.as_map("an operator with its value", self.diags)?;
        let [(word, value)] = entries else {
            self.diags.error(node.span, "bad_condition", "an attribute is compared once").help(HELP);
            return None;
        };
        let Some((_, operator)) = Operator::WORDS.iter().find(|(known, _)| *known == word.text) else {
            let known = Operator::WORDS.iter().map(|(known, _)| *known);
            names::unknown("operator", &word.text, word.span, known, self.diags);
            return None;
        };
        let attribute = attribute?;
        let operand = self.operand(*operator, value)?;
        if !fits(type_of(&attribute), *operator, &operand) {
            let message = format!("`{}` cannot be compared like this", key.text);
            self.diags.error(value.span, "bad_condition", message).help(wanted(type_of(&attribute)));
            return None;
        }
        Some(Condition::Compare(attribute, *operator, operand))
    }

    /// What is read of a target, a student or a scope that the requirement does not name could never be had.
    pub(super) fn check_named(&mut self, condition: &Condition, fields: &Fields<'_>, span: Span) {
        let mut absent: Vec<&str> = Vec::new();
        condition.needs(&mut |attribute| {
            let reads: &[&str] = match attribute {
                Attribute::TargetId | Attribute::TargetKinds | Attribute::TargetTiedTo(_) => &["target"],
                Attribute::TargetHolds(..) => &["target", "on"],
                Attribute::TargetMax(..) => &["target", "student"],
                Attribute::Student => &["student"],
                Attribute::SubjectId
                | Attribute::SubjectKinds
                | Attribute::Claim(_)
                | Attribute::Method
                | Attribute::Now
                | Attribute::Capture(_) => &[],
            };
            absent.extend(reads.iter().filter(|key| fields.get(key).is_none()));
        });
        absent.sort_unstable();
        absent.dedup();
        for key in absent {
            let message = format!("the condition reads `{key}`, which the requirement does not name");
            self.diags
                .error(span, "bad_condition", message)
                .help(format!("write `{key}` beside `condition`, or ask for `present` alone"));
        }
    }

    fn operand(&mut self, operator: Operator, node: &Node) -> Option<Operand> {
        if let Value::Map(entries) = &node.value {
            let [(key, value)] = entries.as_slice() else {
                self.diags
                    .error(node.span, "bad_condition", "expected a value")
                    .help("write a word, a list, or {attribute: NAME}");
                return None;
            };
            if key.text != "attribute" {
                names::unknown("key", &key.text, key.span, ["attribute"], self.diags);
                return None;
            }
            let name = value.as_text("the name of an attribute", self.diags)?;
            return self.attribute_named(name, value.span).map(Operand::Attribute);
        }
        match operator {
            Operator::In | Operator::NotIn | Operator::Covers => {
                let items = node.as_list("a list of words", self.diags)?;
                let words = items.iter().map(|item| item.as_text("a word", self.diags).map(str::to_owned));
                let words: Vec<Option<String>> = words.collect();
                words.into_iter().collect::<Option<_>>().map(Operand::Words)
            }
            Operator::Present => node.as_bool("true or false", self.diags).map(Operand::Flag),
            Operator::Before | Operator::After => {
                let text = node.as_text("an instant", self.diags)?;
                let time = Time::parse_rfc3339(text);
                if time.is_none() {
                    let message = format!("`{}` is not an instant", text.escape_debug());
                    self.diags
                        .error(node.span, "bad_date", message)
                        .help("write `2026-08-31T12:00:00+02:00`");
                }
                time.map(Operand::Time)
            }
            Operator::Is | Operator::IsNot if matches!(node.value, Value::Bool(_)) => {
                node.as_bool("true or false", self.diags).map(Operand::Flag)
            }
            _ => node.as_text("a word", self.diags).map(|text| Operand::Text(text.to_owned())),
        }
    }

    fn attribute_named(&mut self, name: &str, span: Span) -> Option<Attribute> {
        let simple = match name {
            "subject.id" => Some(Attribute::SubjectId),
            "subject.kinds" => Some(Attribute::SubjectKinds),
            "target.id" => Some(Attribute::TargetId),
            "target.kinds" => Some(Attribute::TargetKinds),
            "resource.student" => Some(Attribute::Student),
            "request.method" => Some(Attribute::Method),
            "request.time" => Some(Attribute::Now),
            _ => None,
        };
        if simple.is_some() {
            return simple;
        }
        if let Some(claim) = name.strip_prefix("subject.claims.").filter(|claim| !claim.is_empty()) {
            return Some(Attribute::Claim(claim.to_owned()));
        }
        if let Some(parameter) = name.strip_prefix("request.") {
            return self.capture_named(parameter, span).map(Attribute::Capture);
        }
        let called = |prefix: &str| name.strip_prefix(prefix)?.strip_suffix(')');
        if let Some(permission) = called("target.holds(") {
            return self
                .permission_named(permission, span)
                .map(|(domain, id)| Attribute::TargetHolds(domain, id));
        }
        if let Some(form) = called("target.max(") {
            let found = documents::find_form(self.bundle, form, span, self.diags);
            return found.map(|(domain, form)| Attribute::TargetMax(domain, form));
        }
        if let Some(scope) = called("target.tied_to(") {
            let found = relations::scope(self.bundle, scope, span, self.diags);
            return found.map(Attribute::TargetTiedTo);
        }
        names::unknown("attribute", name, span, ATTRIBUTES.iter().copied(), self.diags);
        None
    }
}

fn type_of(attribute: &Attribute) -> Type {
    match attribute {
        Attribute::SubjectId
        | Attribute::TargetId
        | Attribute::Student
        | Attribute::Method
        | Attribute::Capture(_) => Type::Text,
        Attribute::SubjectKinds | Attribute::TargetKinds => Type::Set,
        Attribute::Claim(_) => Type::Claim,
        Attribute::TargetHolds(..) | Attribute::TargetTiedTo(_) => Type::Flag,
        Attribute::TargetMax(..) => Type::Access,
        Attribute::Now => Type::Time,
    }
}

/// Whether the operator means something for values of these types. What does not would be an error at every request.
fn fits(value: Type, operator: Operator, operand: &Operand) -> bool {
    let other = match operand {
        Operand::Attribute(attribute) => type_of(attribute),
        Operand::Flag(_) => Type::Flag,
        Operand::Time(_) => Type::Time,
        Operand::Words(_) => Type::Set,
        // A word may stand for an access.
        Operand::Text(word) if value == Type::Access && crate::policy::Access::parse(word).is_some() => {
            Type::Access
        }
        Operand::Text(_) => Type::Text,
    };
    match operator {
        Operator::Present => matches!(operand, Operand::Flag(_)),
        Operator::Is | Operator::IsNot => {
            value == other && matches!(value, Type::Text | Type::Flag | Type::Access)
        }
        Operator::In | Operator::NotIn => value == Type::Text && matches!(operand, Operand::Words(_)),
        Operator::Includes => matches!(value, Type::Set | Type::Claim) && other == Type::Text,
        Operator::Covers => matches!(value, Type::Set | Type::Claim) && matches!(operand, Operand::Words(_)),
        Operator::Before | Operator::After => value == Type::Time && other == Type::Time,
        Operator::AtLeast => match operand {
            Operand::Text(word) if value == Type::Text => whole_number(word).is_some(),
            _ => value == other && matches!(value, Type::Text | Type::Access),
        },
    }
}

fn wanted(value: Type) -> &'static str {
    match value {
        Type::Text => "text goes with is, is_not, in, not_in and, for whole numbers, at_least",
        Type::Set | Type::Claim => "this goes with includes (a word) and covers (a list of words)",
        Type::Flag => "this goes with is: true or is: false",
        Type::Access => "an access goes with is and at_least: none, view, edit or owner",
        Type::Time => "an instant goes with before and after",
    }
}
