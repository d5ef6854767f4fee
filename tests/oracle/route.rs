//! Routes as plain data, and the plain answer to all that one requires.

use super::change::{self, Changing, Verdict};
use super::condition::{self, Condition};
use super::evaluate::{Denied, evaluate, is_suspended, split};
use super::facts::{Facts, Named};
use super::model::{Access, Bundle, Claim, Person, Question};
use std::collections::BTreeSet;
use std::fmt::Write as _;

#[derive(Debug, Clone)]
pub struct Route {
    pub method: &'static str,
    /// The first segment, which no other route has.
    pub name: String,
    /// The parameters, by name: `p0`, `p1`, ...
    pub parameters: Vec<Parameter>,
    pub requirements: Vec<Requirement>,
    pub public: bool,
}

#[derive(Debug, Clone)]
pub struct Parameter {
    pub what: What,
    /// Stands in the query, and not in the path.
    pub in_query: bool,
    pub is_list: bool,
}

/// What the value of a parameter means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The id of a scope of this level.
    Scope(String),
    Person,
    Document,
    /// A form of the one domain that has forms.
    Form,
    Access,
    /// A whole number, or nearly one.
    Number,
    /// Of this domain.
    Role(String),
    /// A custom set of this domain.
    Set(String),
    /// A title or its category.
    Title,
}

#[derive(Debug, Clone)]
pub enum Requirement {
    One(Single),
    Any(Vec<Single>),
}

/// A value that is written out, or the number of a parameter.
#[derive(Debug, Clone)]
pub enum Value {
    Fixed(String),
    Captured(usize),
}

#[derive(Debug, Clone)]
pub enum Single {
    /// `name` as it is written outside its domain; `on` is the level and the id.
    Permission {
        name: String,
        on: (String, Value),
        student: Option<Value>,
        target: Option<Value>,
    },
    Document {
        action: &'static str,
        which: Which,
        target: Option<Value>,
        giving: Option<Value>,
    },
    Condition {
        condition: Condition,
        on: Option<(String, Value)>,
        student: Option<Value>,
        target: Option<Value>,
    },
    Change(Changing),
}

#[derive(Debug, Clone)]
pub enum Which {
    Listed(usize),
    /// A form by its name outside its domain, or captured; and the student.
    Of {
        domain: String,
        form: Value,
        student: Value,
    },
}

/// A request: the values of the parameters of a route, of the bundle's number `route`. Those of the query may be absent.
#[derive(Debug, Clone)]
pub struct Visit {
    pub route: usize,
    /// Asked with `HEAD`, where the route is one for `GET`.
    pub head: bool,
    pub values: Vec<Option<String>>,
    pub subject: String,
    pub claims: Vec<(String, Claim)>,
    pub now: i64,
}

impl Value {
    pub fn text(&self) -> String {
        match self {
            Value::Fixed(text) => text.clone(),
            Value::Captured(number) => format!("\"{{p{number}}}\""),
        }
    }

    pub fn had(&self, values: &[Option<String>]) -> Option<String> {
        match self {
            Value::Fixed(text) => Some(text.clone()),
            Value::Captured(number) => values[*number].clone(),
        }
    }

    /// What a rule needs and is not there is taken for what nobody and nothing is called.
    pub fn of(&self, values: &[Option<String>]) -> String {
        self.had(values).unwrap_or_default()
    }

    pub fn reads(&self) -> Option<usize> {
        match self {
            Value::Fixed(_) => None,
            Value::Captured(number) => Some(*number),
        }
    }
}

impl Single {
    fn text(&self) -> String {
        let mut out = String::new();
        let mut rest: Vec<(&str, &Option<Value>)> = Vec::new();
        match self {
            Single::Permission { name, on: (level, id), student, target } => {
                let id = id.text().replace('"', "");
                let _ = write!(out, "permission: {name}, on: \"{level}/{id}\"");
                rest.extend([("student", student), ("target", target)]);
            }
            Single::Document { action, which, target, giving } => {
                let _ = write!(out, "access: {action}");
                match which {
                    Which::Listed(number) => {
                        let _ = write!(out, ", document: \"{{p{number}}}\"");
                    }
                    Which::Of { form, student, .. } => {
                        let _ = write!(out, ", form: {}, student: {}", form.text(), student.text());
                    }
                }
                rest.extend([("target", target), ("giving", giving)]);
            }
            Single::Condition { condition, on, student, target } => {
                let _ = write!(out, "condition: {}", condition.to_yaml());
                if let Some((level, id)) = on {
                    let _ = write!(out, ", on: \"{level}/{}\"", id.text().replace('"', ""));
                }
                rest.extend([("student", student), ("target", target)]);
            }
            Single::Change(changing) => out.push_str(&changing.text()),
        }
        for (name, value) in rest {
            if let Some(value) = value {
                let _ = write!(out, ", {name}: {}", value.text());
            }
        }
        format!("{{{out}}}")
    }

    /// The parameters that it reads.
    fn reads(&self) -> Vec<usize> {
        let (mut all, rest) = match self {
            Single::Change(changing) => return changing.reads(),
            Single::Permission { on: (_, id), student, target, .. } => (vec![id.reads()], [student, target]),
            Single::Document { which, target, giving, .. } => {
                let of = match which {
                    Which::Listed(number) => vec![Some(*number)],
                    Which::Of { form, student, .. } => vec![form.reads(), student.reads()],
                };
                (of, [target, giving])
            }
            Single::Condition { condition, on, student, target } => {
                let mut of: Vec<Option<usize>> = condition.reads().into_iter().map(Some).collect();
                of.extend(on.iter().map(|(_, id)| id.reads()));
                (of, [student, target])
            }
        };
        all.extend(rest.into_iter().flatten().map(Value::reads));
        all.into_iter().flatten().collect()
    }

    /// Whether it reads what is given from a value that is no access.
    fn gives_nothing_known(&self, values: &[Option<String>]) -> bool {
        let Single::Document { giving: Some(giving), .. } = self else { return false };
        let word = giving.of(values);
        Access::ALL.into_iter().all(|access| access.word() != word)
    }

    /// What the policy model answers to it for these values.
    fn answer(&self, bundle: &Bundle, visit: &Visit, person: &Person, values: &[Option<String>]) -> Verdict {
        if let Single::Change(changing) = self {
            let asked = change::Asked { bundle, person, claims: &visit.claims, values, now: visit.now };
            return change::judge(changing, &asked);
        }
        Verdict::of(self.judged(bundle, visit, person, values))
    }

    fn judged(
        &self,
        bundle: &Bundle,
        visit: &Visit,
        person: &Person,
        values: &[Option<String>],
    ) -> Result<(), Denied> {
        let Single::Condition { condition, on, student, target } = self else {
            return match evaluate(bundle, &self.question(bundle, visit, person, values)).reason {
                "granted" => Ok(()),
                // Section 11: `unknown_name` is for `eval` and `explain` only.
                "unknown_name" => Err("attribute_missing"),
                reason => Err(reason),
            };
        };
        let had = |value: &Option<Value>| value.as_ref().map(|value| value.had(values));
        let (student, target) = (had(student), had(target));
        let named = |id: &Option<Option<String>>| match id {
            None => Named::Absent,
            // A parameter that is not there names nobody who is known.
            Some(id) => id.as_ref().map_or(Named::Unknown, |id| Named::of(bundle, Some(id))),
        };
        let facts = Facts {
            bundle,
            person,
            student: named(&student),
            target: named(&target),
            assigned: None,
            claims: &visit.claims,
            now: visit.now,
        };
        let on = on.as_ref().map(|(level, id)| format!("{level}/{}", id.of(values)));
        condition::judge(
            condition,
            &condition::Request {
                facts,
                on: on.as_deref(),
                method: bundle.routes[visit.route].method,
                parameters: values,
            },
        )
    }

    /// Whether the subject, or a target, is kept away from what it names, as far as that is known.
    fn is_kept_away(
        &self,
        bundle: &Bundle,
        visit: &Visit,
        person: &Person,
        values: &[Option<String>],
    ) -> bool {
        let named = |value: Option<&Value>| match value {
            None => Named::Absent,
            Some(value) => value.had(values).map_or(Named::Unknown, |id| Named::of(bundle, Some(&id))),
        };
        let (mut at, mut gives) = (None, false);
        let (student, target) = match self {
            Single::Permission { on: (level, id), student, target, .. } => {
                at = Some(format!("{level}/{}", id.of(values)));
                (named(student.as_ref()), named(target.as_ref()))
            }
            Single::Condition { on, student, target, .. } => {
                at = on.as_ref().map(|(level, id)| format!("{level}/{}", id.of(values)));
                (named(student.as_ref()), named(target.as_ref()))
            }
            Single::Change(changing) => {
                let whose = changing.whose();
                at = whose.map(|(_, (level, id))| format!("{level}/{}", id.of(values)));
                (Named::Absent, named(whose.map(|(target, _)| target)))
            }
            Single::Document { action, which, target, .. } => {
                gives = matches!(*action, "share" | "transfer");
                let student = match which {
                    Which::Listed(number) => {
                        let id = values[*number].as_deref();
                        let listed = bundle.listed.iter().find(|listed| Some(listed.id.as_str()) == id);
                        listed.map_or(Named::Unknown, |listed| Named::of(bundle, Some(&listed.student)))
                    }
                    Which::Of { student, .. } => named(Some(student)),
                };
                (student, named(target.as_ref()))
            }
        };
        let is_document = matches!(self, Single::Document { .. });
        let known = |scope: &String| bundle.domains.iter().any(|domain| domain.has_scope(scope));
        let at = at.filter(known);
        let facts =
            Facts { bundle, person, student, target, assigned: None, claims: &visit.claims, now: visit.now };
        facts.is_blocked(at.as_deref(), is_document)
            || (!gives && facts.target_is_blocked(at.as_deref(), is_document))
    }

    /// The question that it is for these values.
    fn question(
        &self,
        bundle: &Bundle,
        visit: &Visit,
        person: &Person,
        values: &[Option<String>],
    ) -> Question {
        let mut q = Question {
            subject_type: person.kinds[0].clone(),
            subject_id: person.id.clone(),
            action: String::new(),
            target: None,
            access: None,
            resource_type: "document".to_owned(),
            resource_id: "-".to_owned(),
            form: None,
            student: None,
            buildings: None,
            explicit: None,
            assigned: None,
            claims: visit.claims.clone(),
            now: visit.now,
        };
        match self {
            Single::Permission { name, on: (level, id), student, target } => {
                q.action = name.clone();
                (q.resource_type, q.resource_id) = (level.clone(), id.of(values));
                q.student = student.as_ref().map(|value| value.of(values));
                q.target = target.as_ref().map(|value| value.of(values));
            }
            Single::Document { action, which, target, giving } => {
                q.action = (*action).to_owned();
                match which {
                    Which::Listed(number) => q.resource_id = values[*number].clone().unwrap_or_default(),
                    Which::Of { domain, form, student } => {
                        q.form = Some(match form {
                            Value::Fixed(name) => name.clone(),
                            captured => bundle.outside(domain, &captured.of(values)),
                        });
                        q.student = Some(student.of(values));
                    }
                }
                q.target = target.as_ref().map(|value| value.of(values));
                let giving = giving.as_ref().map(|value| value.of(values));
                q.access =
                    giving.and_then(|word| Access::ALL.into_iter().find(|access| access.word() == word));
            }
            Single::Condition { .. } | Single::Change(_) => {}
        }
        q
    }
}

impl Requirement {
    fn all(&self) -> &[Single] {
        match self {
            Requirement::One(single) => std::slice::from_ref(single),
            Requirement::Any(all) => all,
        }
    }

    pub fn reads_a_condition(&self) -> bool {
        self.all().iter().any(|single| matches!(single, Single::Condition { .. }))
    }

    /// Whether it is about a change of one's own, too: what may not be brought about is asked of what somebody has.
    pub fn reads_a_change(&self) -> bool {
        self.all().iter().any(|single| matches!(single, Single::Change(_)))
    }

    /// Whether every alternative says who may.
    pub fn asks_who(&self) -> bool {
        self.all().iter().all(|single| match single {
            Single::Change(changing) => changing.asks_who(),
            _ => true,
        })
    }

    /// The parameters that it reads.
    pub fn reads(&self) -> Vec<usize> {
        self.all().iter().flat_map(Single::reads).collect()
    }
}

impl Single {
    /// What it is combined by.
    fn kind(&self, bundle: &Bundle) -> &'static str {
        match self {
            Single::Permission { name, .. } => {
                let (domain, _) = split(bundle, name).expect("a domain");
                if domain.union { "union" } else { "most_specific" }
            }
            Single::Document { .. } => "document",
            Single::Condition { .. } => "condition",
            Single::Change(_) => "change",
        }
    }
}

impl Route {
    /// By what its requirements are combined, each with each other.
    pub fn pairs(&self, bundle: &Bundle) -> BTreeSet<(&'static str, &'static str)> {
        let kinds = self.requirements.iter().map(|requirement| -> BTreeSet<&'static str> {
            requirement.all().iter().map(|single| single.kind(bundle)).collect()
        });
        let kinds: Vec<BTreeSet<&str>> = kinds.collect();
        let mut pairs = BTreeSet::new();
        for (at, one) in kinds.iter().enumerate() {
            for other in kinds.iter().skip(at + 1) {
                for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
                    pairs.insert((a.min(b), a.max(b)));
                }
            }
        }
        pairs
    }
}

impl Visit {
    pub fn has_an_empty_list(&self, bundle: &Bundle) -> bool {
        let parameters = bundle.routes[self.route].parameters.iter().zip(&self.values);
        parameters
            .into_iter()
            .any(|(parameter, value)| parameter.is_list && value.as_ref().is_none_or(String::is_empty))
    }
}

impl Route {
    pub fn lose_lists_that_are_not_read(&mut self) {
        let read: Vec<usize> = self.requirements.iter().flat_map(Requirement::reads).collect();
        for (number, parameter) in self.parameters.iter_mut().enumerate() {
            parameter.is_list &= read.contains(&number);
        }
    }

    /// `GET /name/{p0}?p1={p1}` and what it requires, as one line of YAML.
    pub fn to_yaml(&self) -> String {
        let mut template = format!("{} /{}", self.method, self.name);
        for (number, _) in self.numbered(false) {
            let _ = write!(template, "/{{p{number}}}");
        }
        for (at, (number, _)) in self.numbered(true).enumerate() {
            let _ = write!(template, "{}p{number}={{p{number}}}", if at == 0 { '?' } else { '&' });
        }
        if self.public {
            return format!("  \"{template}\": public\n");
        }
        let requirement = |requirement: &Requirement| match requirement {
            Requirement::One(single) => single.text(),
            Requirement::Any(all) => {
                format!("{{any: [{}]}}", all.iter().map(Single::text).collect::<Vec<_>>().join(", "))
            }
        };
        let requirements: Vec<String> = self.requirements.iter().map(requirement).collect();
        let mut out = match requirements.as_slice() {
            // A route may be its one requirement.
            [only] if self.parameters.len().is_multiple_of(2) => {
                only.strip_suffix('}').expect("a map").to_owned()
            }
            all => format!("{{require: [{}]", all.join(", ")),
        };
        let lists: Vec<String> = self
            .parameters
            .iter()
            .enumerate()
            .filter(|(_, parameter)| parameter.is_list)
            .map(|(number, _)| format!("p{number}"))
            .collect();
        if !lists.is_empty() {
            let _ = write!(out, ", lists: [{}]", lists.join(", "));
        }
        format!("  \"{template}\": {out}}}\n")
    }

    pub fn numbered(&self, in_query: bool) -> impl Iterator<Item = (usize, &Parameter)> {
        self.parameters.iter().enumerate().filter(move |(_, parameter)| parameter.in_query == in_query)
    }
}

/// What a request to a route is answered.
#[derive(Debug, Default)]
pub struct Answers {
    /// All the reasons of what fails; none where the request is allowed.
    pub denials: BTreeSet<&'static str>,
    /// Why it may be denied beside that, where the text leaves it open.
    pub open: BTreeSet<&'static str>,
    /// Somebody adds to their own rights.
    pub marked: bool,
}

/// Section 2, steps 4 to 6.
pub fn answers(bundle: &Bundle, visit: &Visit) -> Answers {
    let route = &bundle.routes[visit.route];
    let person = bundle.person(&visit.subject).expect("a subject of the roster");
    if route.public {
        return Answers::default();
    }
    if is_suspended(bundle, person) {
        return Answers { denials: BTreeSet::from(["suspended"]), ..Answers::default() };
    }
    let mut open = BTreeSet::new();
    let mut reasons = BTreeSet::new();
    let mut marked = false;
    // "an empty list is denied".
    for (parameter, value) in route.parameters.iter().zip(&visit.values) {
        if parameter.is_list && value.as_ref().is_none_or(String::is_empty) {
            reasons.insert("attribute_missing");
        }
    }
    // "Each requirement of the route, all of which must hold."
    for requirement in &route.requirements {
        // "A route may name several resources or targets: each must be allowed", by whichever of an `any:`.
        for values in combinations(route, requirement, &visit.values) {
            let answers =
                requirement.all().iter().map(|single| single.answer(bundle, visit, person, &values));
            let answers: Vec<Verdict> = answers.collect();
            marked |= answers.iter().all(|verdict| verdict.marked);
            // Section 2, step 4, comes before the requirements: "in every request that names one".
            if let Requirement::Any(alternatives) = requirement
                && alternatives.iter().any(|single| single.is_kept_away(bundle, visit, person, &values))
            {
                reasons.insert("blocked");
                continue;
            }
            if answers.iter().any(|verdict| verdict.must.is_empty() && verdict.may.is_empty()) {
                continue;
            }
            open.extend(answers.iter().flat_map(|verdict| verdict.may.iter().copied()));
            if answers.iter().all(|verdict| !verdict.must.is_empty()) {
                reasons.extend(answers.into_iter().flat_map(|verdict| verdict.must));
                // What a route gives that is no access may be told before a block is, and so may a parameter that is not
                // there.
                let absent = |single: &Single| single.reads().into_iter().any(|at| values[at].is_none());
                let unread = |single: &Single| single.gives_nothing_known(&values) || absent(single);
                if requirement.all().iter().any(unread) {
                    reasons.insert("attribute_missing");
                }
            } else {
                open.extend(answers.into_iter().flat_map(|verdict| verdict.must));
            }
        }
    }
    Answers { denials: reasons, open, marked }
}

/// The values with each list that is read taken item by item.
fn combinations(
    route: &Route,
    requirement: &Requirement,
    values: &[Option<String>],
) -> Vec<Vec<Option<String>>> {
    let mut all = vec![values.to_vec()];
    let mut read = requirement.reads();
    read.sort_unstable();
    read.dedup();
    for number in read.into_iter().filter(|number| route.parameters[*number].is_list) {
        let items: Vec<Option<&str>> = match &values[number] {
            Some(list) => list.split(',').map(Some).collect(),
            None => vec![None],
        };
        let with = |values: &Vec<Option<String>>| -> Vec<Vec<Option<String>>> {
            let with_item = |item: &Option<&str>| {
                let mut values = values.clone();
                values[number] = item.map(str::to_owned);
                values
            };
            items.iter().map(with_item).collect()
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}
