//! Conditions of a route: data with a closed list of operators over declared attributes (`policy-model.md` section 7).
//!
//! A condition has three answers: true, false, and "cannot be judged". The third wins over everything around it, under
//! `not` and `any` too, so that a missing attribute never turns into a yes.

use super::access::Access;
use super::people::Kinds;
use super::table::{DomainId, FormId, PermissionId, ScopeId};
use crate::time::Time;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Every one holds. None is true.
    All(Vec<Condition>),
    /// One holds at least. None is false.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// An attribute compared with an operand.
    Compare(Attribute, Operator, Operand),
}

/// What a condition may read.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// `subject.id`: text.
    SubjectId,
    /// `subject.kinds`: a set of words.
    SubjectKinds,
    /// `subject.claims.NAME`: text, or a set of words.
    Claim(String),
    /// `target.id`: text.
    TargetId,
    /// `target.kinds`: a set of words.
    TargetKinds,
    /// `target.holds(permission)` on the scope that is asked about: a truth value.
    TargetHolds(DomainId, PermissionId),
    /// `target.max(form)` for the student who is asked about: an access.
    TargetMax(DomainId, FormId),
    /// `target.tied_to(scope)`: whether the target is enrolled or assigned there or below, a truth value.
    TargetTiedTo(ScopeId),
    /// `resource.student`: text.
    Student,
    /// `request.method`: text.
    Method,
    /// `request.time`: an instant.
    Now,
    /// `request.NAME`: what a parameter of the route holds, text.
    Capture(usize),
}

/// How an attribute is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Is,
    /// Not equal.
    IsNot,
    /// One of a list.
    In,
    /// None of a list.
    NotIn,
    /// A set has this member.
    Includes,
    /// A set has all of these members.
    Covers,
    /// It can be had at all. The one operator that is not an error where it cannot.
    Present,
    /// Earlier than.
    Before,
    /// Later than.
    After,
    /// As much or more: accesses, or whole numbers.
    AtLeast,
}

impl Operator {
    /// The words for the operators.
    pub const WORDS: &'static [(&'static str, Operator)] = &[
        ("is", Operator::Is),
        ("is_not", Operator::IsNot),
        ("in", Operator::In),
        ("not_in", Operator::NotIn),
        ("includes", Operator::Includes),
        ("covers", Operator::Covers),
        ("present", Operator::Present),
        ("before", Operator::Before),
        ("after", Operator::After),
        ("at_least", Operator::AtLeast),
    ];
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A word.
    Text(String),
    /// A list of words.
    Words(Vec<String>),
    /// A truth value.
    Flag(bool),
    /// An instant.
    Time(Time),
    /// Another attribute.
    Attribute(Attribute),
}

impl Operand {
    /// The instants that it names.
    pub fn times(&self) -> impl Iterator<Item = Time> {
        let time = match self {
            Operand::Time(time) => Some(*time),
            // Words are compared with words, and attributes read the request.
            Operand::Text(_) | Operand::Words(_) | Operand::Flag(_) | Operand::Attribute(_) => None,
        };
        time.into_iter()
    }
}

/// What an attribute holds in one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// Kinds of subjects.
    Kinds(Kinds),
    /// A claim that is there and is text or a list of text; whether it holds a word is asked apart.
    Claim,
    /// A claim that is there, of a type that is compared with nothing.
    Other,
    /// A truth value.
    Flag(bool),
    /// An access.
    Access(Access),
    /// An instant.
    Time(Time),
}

/// Where a condition reads its attributes from.
pub trait Attributes {
    /// The value of an attribute; `None` where it cannot be had.
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>>;
    /// Whether the claim `name` is `word`, or a list with it.
    fn claim_holds(&self, name: &str, word: &str) -> bool;
}

/// The condition could not be judged: an attribute is missing or of another type than the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CannotJudge;

impl Condition {
    /// Whether the condition reads this capture.
    pub fn reads(&self, capture: usize) -> bool {
        let is = |attribute: &Attribute| *attribute == Attribute::Capture(capture);
        match self {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().any(|part| part.reads(capture)),
            Condition::Not(part) => part.reads(capture),
            Condition::Compare(attribute, _, operand) => {
                is(attribute) || matches!(operand, Operand::Attribute(other) if is(other))
            }
        }
    }

    /// The attributes without which it cannot be judged: all but those that are only asked to be `present`.
    pub fn needs(&self, each: &mut impl FnMut(&Attribute)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                for part in parts {
                    part.needs(each);
                }
            }
            Condition::Not(part) => part.needs(each),
            Condition::Compare(_, Operator::Present, _) => {}
            Condition::Compare(attribute, _, operand) => {
                each(attribute);
                if let Operand::Attribute(other) = operand {
                    each(other);
                }
            }
        }
    }

    /// Judges the condition.
    ///
    /// # Errors
    /// [`CannotJudge`], if anything in it cannot be judged, wherever it stands.
    pub fn judge(&self, attributes: &impl Attributes) -> Result<bool, CannotJudge> {
        match self {
            // Every part is judged, also behind one that settles the answer: an error anywhere counts.
            Condition::All(parts) => {
                parts.iter().try_fold(true, |so_far, part| Ok(part.judge(attributes)? && so_far))
            }
            Condition::Any(parts) => {
                parts.iter().try_fold(false, |so_far, part| Ok(part.judge(attributes)? || so_far))
            }
            Condition::Not(part) => Ok(!part.judge(attributes)?),
            Condition::Compare(attribute, operator, operand) => {
                compare(attributes, attribute, *operator, operand)
            }
        }
    }
}

fn compare(
    attributes: &impl Attributes,
    attribute: &Attribute,
    operator: Operator,
    operand: &Operand,
) -> Result<bool, CannotJudge> {
    let value = attributes.value(attribute);
    if operator == Operator::Present {
        return match operand {
            Operand::Flag(wanted) => Ok(value.is_some() == *wanted),
            _ => Err(CannotJudge),
        };
    }
    let value = value.ok_or(CannotJudge)?;
    let other = match operand {
        Operand::Attribute(other) => Some(attributes.value(other).ok_or(CannotJudge)?),
        _ => None,
    };
    match operator {
        Operator::Is => equal(value, operand, other),
        Operator::IsNot => Ok(!equal(value, operand, other)?),
        Operator::In => one_of(value, operand),
        Operator::NotIn => Ok(!one_of(value, operand)?),
        Operator::Includes => match (operand, other) {
            (Operand::Text(word), _) => member(attributes, attribute, value, word),
            (_, Some(Value::Text(word))) => member(attributes, attribute, value, word),
            _ => Err(CannotJudge),
        },
        Operator::Covers => match operand {
            // Also a list without words says nothing of what is no set.
            Operand::Words(words) if matches!(value, Value::Kinds(_) | Value::Claim) => words
                .iter()
                .try_fold(true, |so_far, word| Ok(member(attributes, attribute, value, word)? && so_far)),
            _ => Err(CannotJudge),
        },
        Operator::Before | Operator::After => {
            let (Value::Time(value), Some(other)) = (value, instant(operand, other)) else {
                return Err(CannotJudge);
            };
            Ok(if operator == Operator::Before { value < other } else { value > other })
        }
        Operator::AtLeast => at_least(value, operand, other),
        Operator::Present => Err(CannotJudge),
    }
}

fn equal(value: Value<'_>, operand: &Operand, other: Option<Value<'_>>) -> Result<bool, CannotJudge> {
    match (value, operand, other) {
        (Value::Text(value), Operand::Text(word), _) => Ok(value == word),
        (Value::Text(value), _, Some(Value::Text(other))) => Ok(value == other),
        (Value::Flag(value), Operand::Flag(flag), _) => Ok(value == *flag),
        (Value::Flag(value), _, Some(Value::Flag(other))) => Ok(value == other),
        (Value::Access(value), Operand::Text(word), _) => {
            Access::parse(word).map(|access| access == value).ok_or(CannotJudge)
        }
        (Value::Access(value), _, Some(Value::Access(other))) => Ok(value == other),
        (Value::Time(value), Operand::Time(time), _) => Ok(value == *time),
        _ => Err(CannotJudge),
    }
}

fn one_of(value: Value<'_>, operand: &Operand) -> Result<bool, CannotJudge> {
    match (value, operand) {
        (Value::Text(value), Operand::Words(words)) => Ok(words.iter().any(|word| word == value)),
        _ => Err(CannotJudge),
    }
}

fn member(
    attributes: &impl Attributes,
    attribute: &Attribute,
    value: Value<'_>,
    word: &str,
) -> Result<bool, CannotJudge> {
    match (value, attribute) {
        (Value::Kinds(kinds), _) => Ok(kinds.words().any(|kind| kind == word)),
        (Value::Claim, Attribute::Claim(name)) => Ok(attributes.claim_holds(name, word)),
        _ => Err(CannotJudge),
    }
}

fn instant(operand: &Operand, other: Option<Value<'_>>) -> Option<Time> {
    match (operand, other) {
        (Operand::Time(time), _) => Some(*time),
        (_, Some(Value::Time(time))) => Some(time),
        _ => None,
    }
}

fn at_least(value: Value<'_>, operand: &Operand, other: Option<Value<'_>>) -> Result<bool, CannotJudge> {
    match (value, operand, other) {
        (Value::Access(value), Operand::Text(word), _) => {
            Access::parse(word).map(|least| value >= least).ok_or(CannotJudge)
        }
        (Value::Access(value), _, Some(Value::Access(least))) => Ok(value >= least),
        (Value::Text(value), Operand::Text(least), _) => as_much(value, least),
        (Value::Text(value), _, Some(Value::Text(least))) => as_much(value, least),
        _ => Err(CannotJudge),
    }
}

/// Compares whole numbers.
fn as_much(value: &str, least: &str) -> Result<bool, CannotJudge> {
    match (whole_number(value), whole_number(least)) {
        (Some(value), Some(least)) => Ok(value >= least),
        _ => Err(CannotJudge),
    }
}

/// Digits, up to 2^64 - 1.
pub fn whole_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}
