//! Random conditions that load.

use super::ask::{captured, instant};
use super::condition::{Attribute, Condition, Operand, Test};
use super::generate::{STUDENTS, SUBJECTS};
use super::model::{Access, Bundle, Domain, SECOND};
use super::random::Random;
use super::route::{Route, What};

/// What the requirement names: what is compared must be of that.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    pub on: bool,
    pub student: bool,
    pub target: bool,
}

impl Given {
    fn allows(self, attribute: &Attribute) -> bool {
        match attribute {
            Attribute::TargetId | Attribute::TargetKinds | Attribute::TiedTo(_) => self.target,
            Attribute::Holds(_) => self.target && self.on,
            Attribute::Max(_) => self.target && self.student,
            Attribute::Student => self.student,
            _ => true,
        }
    }
}

pub fn condition(
    r: &mut Random,
    bundle: &Bundle,
    route: &mut Route,
    given: Given,
    depth: usize,
) -> Condition {
    let list = |r: &mut Random, route: &mut Route| -> Vec<Condition> {
        (0..r.between(1, 3)).map(|_| condition(r, bundle, route, given, depth + 1)).collect()
    };
    match r.below(if depth < 3 { 10 } else { 6 }) {
        6 => Condition::All(list(r, route)),
        7 | 8 => Condition::Any(list(r, route)),
        9 => Condition::Not(Box::new(condition(r, bundle, route, given, depth + 1))),
        _ => {
            let (attribute, test) = compared(r, bundle, route);
            let other = match &test {
                Test::Is(Operand::Attribute(other))
                | Test::IsNot(Operand::Attribute(other))
                | Test::Includes(Operand::Attribute(other))
                | Test::AtLeast(Operand::Attribute(other)) => Some(other),
                _ => None,
            };
            let allowed = given.allows(&attribute) && other.is_none_or(|other| given.allows(other));
            let test = if allowed && r.chance(88) { test } else { Test::Present(r.chance(60)) };
            Condition::Test(attribute, test)
        }
    }
}

/// An attribute with an operator that takes it.
fn compared(r: &mut Random, bundle: &Bundle, route: &mut Route) -> (Attribute, Test) {
    match r.below(12) {
        0..4 => {
            let attribute = text(r, route);
            let test = compare_text(r, route, &attribute);
            (attribute, test)
        }
        4 | 5 => set(r, route),
        6 | 7 => (flag(r, bundle), is(r, |r| Operand::Flag(r.chance(60)))),
        8 | 9 => match max(r, bundle) {
            Some(attribute) => {
                let other = if r.chance(12) { max(r, bundle) } else { None };
                let operand = |r: &mut Random| match &other {
                    Some(other) => Operand::Attribute(other.clone()),
                    None => Operand::Word(r.pick(&Access::ALL).word().to_owned()),
                };
                let test = if r.chance(50) { Test::AtLeast(operand(r)) } else { is(r, operand) };
                (attribute, test)
            }
            None => (flag(r, bundle), is(r, |r| Operand::Flag(r.chance(60)))),
        },
        10 => {
            let at = instant(r, bundle).div_euclid(SECOND) * SECOND;
            let operand =
                if r.chance(90) { Operand::Instant(at) } else { Operand::Attribute(Attribute::Time) };
            let test = if r.chance(50) { Test::Before(operand) } else { Test::After(operand) };
            (Attribute::Time, test)
        }
        _ => {
            let number = captured(r, route, What::Number);
            let operand = if r.chance(80) {
                Operand::Word((*r.pick(&["0", "3", "12", "007", "18446744073709551615"])).to_owned())
            } else {
                Operand::Attribute(Attribute::Parameter(captured(r, route, What::Number)))
            };
            (Attribute::Parameter(number), Test::AtLeast(operand))
        }
    }
}

fn is(r: &mut Random, operand: impl Fn(&mut Random) -> Operand) -> Test {
    let operand = operand(r);
    if r.chance(70) { Test::Is(operand) } else { Test::IsNot(operand) }
}

fn text(r: &mut Random, route: &mut Route) -> Attribute {
    match r.below(8) {
        0 => Attribute::SubjectId,
        1 | 2 => Attribute::TargetId,
        3 | 4 => Attribute::Student,
        5 => Attribute::Method,
        6 => Attribute::Parameter(captured(r, route, What::Number)),
        _ => Attribute::Parameter(captured(r, route, What::Person)),
    }
}

fn compare_text(r: &mut Random, route: &mut Route, attribute: &Attribute) -> Test {
    let words: &[&str] = match attribute {
        Attribute::Method => &["GET", "HEAD", "POST", "DELETE"],
        Attribute::Student => &STUDENTS,
        Attribute::Parameter(number) if route.parameters[*number].what == What::Number => &["0", "12", ""],
        _ => &SUBJECTS,
    };
    let list = |r: &mut Random| -> Vec<String> {
        let count = r.below(4);
        r.some(words, count).into_iter().map(str::to_owned).collect()
    };
    match r.below(4) {
        0 => Test::In(list(r)),
        1 => Test::NotIn(list(r)),
        2 => {
            let word = (*r.pick(words)).to_owned();
            is(r, |_| Operand::Word(word.clone()))
        }
        _ => {
            let other = text(r, route);
            is(r, |_| Operand::Attribute(other.clone()))
        }
    }
}

fn set(r: &mut Random, route: &mut Route) -> (Attribute, Test) {
    let kinds = &["staff", "staff", "student", "guardian"][..];
    let (attribute, words): (Attribute, &[&str]) = match r.below(4) {
        0 => (Attribute::SubjectKinds, kinds),
        1 => (Attribute::TargetKinds, kinds),
        2 => (Attribute::Claim("amr".to_owned()), &["mfa", "pwd", "ari"]),
        _ => (Attribute::Claim("acr".to_owned()), &["mfa", "pwd", ""]),
    };
    let test = match r.below(5) {
        0 | 1 => {
            let count = r.below(3);
            Test::Covers(r.some(words, count).into_iter().map(str::to_owned).collect())
        }
        2 => Test::Includes(Operand::Attribute(text(r, route))),
        _ => Test::Includes(Operand::Word((*r.pick(words)).to_owned())),
    };
    (attribute, test)
}

fn flag(r: &mut Random, bundle: &Bundle) -> Attribute {
    let domain = r.pick(&bundle.domains);
    let names = domain.permission_names();
    match r.maybe_pick(&names) {
        Some(name) if r.chance(60) => Attribute::Holds(bundle.outside(&domain.name, name)),
        _ => Attribute::TiedTo(r.pick(&domain.scopes).name.clone()),
    }
}

fn max(r: &mut Random, bundle: &Bundle) -> Option<Attribute> {
    let having: Vec<(&Domain, &String)> = bundle
        .domains
        .iter()
        .filter_map(|domain| Some((domain, domain.documents.as_ref()?)))
        .flat_map(|(domain, documents)| documents.forms.iter().map(move |form| (domain, &form.name)))
        .collect();
    let (domain, form) = *r.maybe_pick(&having)?;
    Some(Attribute::Max(bundle.outside(&domain.name, form)))
}
