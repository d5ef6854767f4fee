//! Conditions as plain data, and their plain answer: section 7, with the attributes that `docs/bundle.md` declares.

use super::evaluate::{Denied, chain, is_suspended, max_of, split, within};
use super::facts::{Facts, Named};
use super::model::{Access, Claim, Person};
use super::permission::{find, may};
use std::fmt::Write as _;

#[derive(Debug, Clone)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test(Attribute, Test),
}

#[derive(Debug, Clone)]
pub enum Attribute {
    SubjectId,
    SubjectKinds,
    Claim(String),
    TargetId,
    TargetKinds,
    /// A permission by its name outside its domain.
    Holds(String),
    /// A form by its name outside its domain.
    Max(String),
    /// A scope.
    TiedTo(String),
    Student,
    Method,
    Time,
    /// A parameter of the route, by its number.
    Parameter(usize),
}

/// The operators, each with what it compares with.
#[derive(Debug, Clone)]
pub enum Test {
    Is(Operand),
    IsNot(Operand),
    In(Vec<String>),
    NotIn(Vec<String>),
    Includes(Operand),
    Covers(Vec<String>),
    Present(bool),
    Before(Operand),
    After(Operand),
    AtLeast(Operand),
}

#[derive(Debug, Clone)]
pub enum Operand {
    Word(String),
    Flag(bool),
    /// Microseconds since the Unix epoch, a whole number of seconds.
    Instant(i64),
    Attribute(Attribute),
}

/// What an attribute is.
#[derive(Debug, Clone, PartialEq)]
enum Had {
    Text(String),
    Set(Vec<String>),
    Flag(bool),
    Access(Access),
    Instant(i64),
    /// There, and of a type that no operator takes.
    Other,
}

/// "An error anywhere (missing attribute, wrong type)".
#[derive(Debug, Clone, Copy)]
struct Error;

/// What a condition may read beside the facts.
pub struct Request<'a> {
    pub facts: Facts<'a>,
    pub on: Option<&'a str>,
    pub method: &'a str,
    pub parameters: &'a [Option<String>],
}

/// A requirement that is a condition, by the order of section 2.
pub fn judge(condition: &Condition, request: &Request<'_>) -> Result<(), Denied> {
    let facts = &request.facts;
    // What is named and is no scope may lie in one that the subject is blocked from.
    let known = |scope: &str| facts.bundle.domains.iter().any(|domain| domain.has_scope(scope));
    if request.on.is_some_and(|scope| !known(scope)) {
        return Err("scope_unknown");
    }
    if facts.is_blocked(request.on, false) || facts.target_is_blocked(request.on, false) {
        return Err("blocked");
    }
    // A target that is named and is nobody of the bundle may be blocked or not: the closed reading is a denial.
    if facts.target == Named::Unknown {
        return Err("attribute_missing");
    }
    match request.holds(condition) {
        Ok(true) => Ok(()),
        Ok(false) => Err("condition_failed"),
        // "makes the **whole** condition false, under `not` and `any` too"
        Err(Error) => Err("condition_error"),
    }
}

impl Request<'_> {
    /// Everything is judged, also what follows on what has settled the answer: an error anywhere counts.
    fn holds(&self, condition: &Condition) -> Result<bool, Error> {
        let all = |list: &[Condition]| -> Result<Vec<bool>, Error> {
            let judged: Vec<Result<bool, Error>> = list.iter().map(|one| self.holds(one)).collect();
            judged.into_iter().collect()
        };
        match condition {
            Condition::All(list) => Ok(all(list)?.into_iter().all(|held| held)),
            Condition::Any(list) => Ok(all(list)?.into_iter().any(|held| held)),
            Condition::Not(one) => Ok(!self.holds(one)?),
            Condition::Test(attribute, test) => self.passes(attribute, test),
        }
    }

    fn passes(&self, attribute: &Attribute, test: &Test) -> Result<bool, Error> {
        // "`present`: it can be had at all; never an error".
        if let Test::Present(wanted) = test {
            return Ok(self.had(attribute).is_some() == *wanted);
        }
        let had = self.had(attribute).ok_or(Error)?;
        match (test, had) {
            (Test::Is(operand), had) => self.equal(&had, operand),
            (Test::IsNot(operand), had) => Ok(!self.equal(&had, operand)?),
            (Test::In(words), Had::Text(text)) => Ok(words.contains(&text)),
            (Test::NotIn(words), Had::Text(text)) => Ok(!words.contains(&text)),
            (Test::Includes(operand), Had::Set(words)) => match self.operand(operand)? {
                Had::Text(word) => Ok(words.contains(&word)),
                _ => Err(Error),
            },
            (Test::Covers(all), Had::Set(words)) => Ok(all.iter().all(|word| words.contains(word))),
            (Test::Before(operand), Had::Instant(at)) => match self.operand(operand)? {
                Had::Instant(other) => Ok(at < other),
                _ => Err(Error),
            },
            (Test::After(operand), Had::Instant(at)) => match self.operand(operand)? {
                Had::Instant(other) => Ok(at > other),
                _ => Err(Error),
            },
            (Test::AtLeast(operand), Had::Access(access)) => match self.access(operand)? {
                Had::Access(other) => Ok(access >= other),
                _ => Err(Error),
            },
            (Test::AtLeast(operand), Had::Text(text)) => match self.operand(operand)? {
                Had::Text(other) => at_least(&text, &other),
                _ => Err(Error),
            },
            _ => Err(Error),
        }
    }

    fn equal(&self, had: &Had, operand: &Operand) -> Result<bool, Error> {
        match (
            had,
            if matches!(had, Had::Access(_)) { self.access(operand)? } else { self.operand(operand)? },
        ) {
            (Had::Text(one), Had::Text(other)) => Ok(*one == other),
            (Had::Flag(one), Had::Flag(other)) => Ok(*one == other),
            (Had::Access(one), Had::Access(other)) => Ok(*one == other),
            _ => Err(Error),
        }
    }

    fn operand(&self, operand: &Operand) -> Result<Had, Error> {
        match operand {
            Operand::Word(word) => Ok(Had::Text(word.clone())),
            Operand::Flag(flag) => Ok(Had::Flag(*flag)),
            Operand::Instant(at) => Ok(Had::Instant(*at)),
            Operand::Attribute(attribute) => self.had(attribute).ok_or(Error),
        }
    }

    /// The same, where a word stands for an access.
    fn access(&self, operand: &Operand) -> Result<Had, Error> {
        match self.operand(operand)? {
            Had::Text(word) => {
                let access = Access::ALL.into_iter().find(|access| access.word() == word);
                access.map(Had::Access).ok_or(Error)
            }
            had => Ok(had),
        }
    }

    /// What an attribute is, if it can be had.
    fn had(&self, attribute: &Attribute) -> Option<Had> {
        let facts = &self.facts;
        let target = match facts.target {
            Named::Known(person) => Some(person),
            Named::Absent | Named::Unknown => None,
        };
        match attribute {
            Attribute::SubjectId => Some(Had::Text(facts.person.id.clone())),
            Attribute::SubjectKinds => Some(Had::Set(facts.person.kinds.clone())),
            Attribute::Claim(name) => {
                facts.claims.iter().find(|(known, _)| known == name).map(|(_, claim)| match claim {
                    Claim::Word(word) => Had::Set(vec![word.clone()]),
                    Claim::List(words) => Had::Set(words.clone()),
                    Claim::Number | Claim::Mixed(_) => Had::Other,
                })
            }
            Attribute::TargetId => target.map(|person| Had::Text(person.id.clone())),
            Attribute::TargetKinds => target.map(|person| Had::Set(person.kinds.clone())),
            Attribute::Holds(permission) => self.target_holds(target?, permission).map(Had::Flag),
            Attribute::Max(form) => {
                let (domain, form) = split(facts.bundle, form).expect("a form");
                max_of(facts, domain, form, target?).map(Had::Access)
            }
            Attribute::TiedTo(scope) => Some(Had::Flag(self.is_tied(target?, scope))),
            // Who is nobody of the bundle cannot be had, as little as a target; the text leaves it open.
            Attribute::Student => match facts.student {
                Named::Known(person) => Some(Had::Text(person.id.clone())),
                Named::Absent | Named::Unknown => None,
            },
            Attribute::Method => Some(Had::Text(self.method.to_owned())),
            Attribute::Time => Some(Had::Instant(facts.now)),
            Attribute::Parameter(number) => self.parameters[*number].clone().map(Had::Text),
        }
    }

    /// `holds(permission)`: what sections 3 and 4 answer to the target, on the scope that is asked about.
    fn target_holds(&self, target: &Person, permission: &str) -> Option<bool> {
        let on = self.on?;
        if is_suspended(self.facts.bundle, target) {
            return Some(false);
        }
        let (domain, name) = split(self.facts.bundle, permission).expect("a permission");
        if !domain.has_scope(on) {
            return None;
        }
        // The target has shown no token, and it is not their request: `self` is not met by being the one who is asked
        // about, which the text leaves open.
        let facts = Facts { person: target, target: Named::Absent, claims: &[], ..self.facts };
        decided(&facts, domain, name, on)
    }

    /// `tied_to(scope)`: "assigned or enrolled there or below, today".
    fn is_tied(&self, target: &Person, scope: &str) -> bool {
        let bundle = self.facts.bundle;
        let below = |name: &String| {
            bundle.domains.iter().any(|domain| chain(domain, name).iter().any(|above| above == scope))
        };
        let enrolled = bundle.enrolments.iter().any(|row| {
            row.person == target.id && within(bundle, row.dates, self.facts.now) && below(&row.scope)
        });
        // "A suspended assignment counts as held"; those of deleted roles "count as not there".
        let assigned = bundle.assignments.iter().any(|a| {
            a.subject == target.id
                && !bundle.domain(&a.domain).role(&a.role).deleted
                && within(bundle, a.dates, self.facts.now)
                && below(&a.scope)
        });
        enrolled || assigned
    }
}

/// Whether a permission is effective, where that can be told.
fn decided(facts: &Facts<'_>, domain: &super::model::Domain, name: &str, on: &str) -> Option<bool> {
    let found = find(domain, name).expect("a permission");
    match may(facts, domain, found, on) {
        Ok(_) => Some(true),
        Err("attribute_missing" | "scope_unknown" | "wrong_level" | "step_up_required") => None,
        // A permission that is missing for sure settles it; one that cannot be told does not.
        Err("requires_missing") => {
            let mut required = found.1.requires.iter().map(|name| decided(facts, domain, name, on));
            if required.any(|told| told == Some(false)) { Some(false) } else { None }
        }
        Err(_) => Some(false),
    }
}

/// "text that is a whole number": digits, up to 2^64 - 1. What is no such number is an error, of whatever length.
fn at_least(text: &str, other: &str) -> Result<bool, Error> {
    let number = |text: &str| -> Result<u64, Error> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse::<u64>().map_err(|_| Error) } else { Err(Error) }
    };
    let (text, other) = (number(text), number(other));
    Ok(text? >= other?)
}

impl Condition {
    /// The parameters that it reads.
    pub fn reads(&self) -> Vec<usize> {
        match self {
            Condition::All(list) | Condition::Any(list) => list.iter().flat_map(Condition::reads).collect(),
            Condition::Not(one) => one.reads(),
            Condition::Test(attribute, test) => {
                let operand = match test {
                    Test::Is(operand)
                    | Test::IsNot(operand)
                    | Test::Includes(operand)
                    | Test::Before(operand)
                    | Test::After(operand)
                    | Test::AtLeast(operand) => Some(operand),
                    Test::In(_) | Test::NotIn(_) | Test::Covers(_) | Test::Present(_) => None,
                };
                let of_operand = match operand {
                    Some(Operand::Attribute(attribute)) => attribute.reads(),
                    _ => None,
                };
                attribute.reads().into_iter().chain(of_operand).collect()
            }
        }
    }

    pub fn to_yaml(&self) -> String {
        let joined = |list: &[Condition]| list.iter().map(Condition::to_yaml).collect::<Vec<_>>().join(", ");
        match self {
            Condition::All(list) => format!("{{all: [{}]}}", joined(list)),
            Condition::Any(list) => format!("{{any: [{}]}}", joined(list)),
            Condition::Not(one) => format!("{{not: {}}}", one.to_yaml()),
            Condition::Test(attribute, test) => {
                let (operator, value) = test.text();
                format!("{{{}: {{{operator}: {value}}}}}", attribute.name())
            }
        }
    }
}

impl Attribute {
    fn reads(&self) -> Option<usize> {
        if let Attribute::Parameter(number) = self { Some(*number) } else { None }
    }

    fn name(&self) -> String {
        match self {
            Attribute::SubjectId => "subject.id".to_owned(),
            Attribute::SubjectKinds => "subject.kinds".to_owned(),
            Attribute::Claim(name) => format!("subject.claims.{name}"),
            Attribute::TargetId => "target.id".to_owned(),
            Attribute::TargetKinds => "target.kinds".to_owned(),
            Attribute::Holds(permission) => format!("target.holds({permission})"),
            Attribute::Max(form) => format!("target.max({form})"),
            Attribute::TiedTo(scope) => format!("target.tied_to({scope})"),
            Attribute::Student => "resource.student".to_owned(),
            Attribute::Method => "request.method".to_owned(),
            Attribute::Time => "request.time".to_owned(),
            Attribute::Parameter(number) => format!("request.p{number}"),
        }
    }
}

impl Test {
    fn text(&self) -> (&'static str, String) {
        let list = |words: &[String]| {
            let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            format!("[{}]", words.join(", "))
        };
        match self {
            Test::Is(operand) => ("is", operand.text()),
            Test::IsNot(operand) => ("is_not", operand.text()),
            Test::In(words) => ("in", list(words)),
            Test::NotIn(words) => ("not_in", list(words)),
            Test::Includes(operand) => ("includes", operand.text()),
            Test::Covers(words) => ("covers", list(words)),
            Test::Present(wanted) => ("present", wanted.to_string()),
            Test::Before(operand) => ("before", operand.text()),
            Test::After(operand) => ("after", operand.text()),
            Test::AtLeast(operand) => ("at_least", operand.text()),
        }
    }
}

impl Operand {
    fn text(&self) -> String {
        let mut out = String::new();
        let _ = match self {
            Operand::Word(word) => write!(out, "'{word}'"),
            Operand::Flag(flag) => write!(out, "{flag}"),
            Operand::Instant(at) => write!(out, "'{}'", hallpass::time::Time::from_unix_micros(*at)),
            Operand::Attribute(attribute) => write!(out, "{{attribute: {}}}", attribute.name()),
        };
        out
    }
}
