//! Random questions and routes to a bundle, dense where rules meet.

use super::ask_condition::{Given, condition};
use super::change::{Change, Changing};
use super::evaluate::{begin, chain, end};
use super::generate::{DOCUMENTS, STUDENTS, SUBJECTS, buildings_of};
use super::model::{
    Access, Assignment, Bundle, Claim, Domain, HOUR, Module, Question, Relation, SECOND, utc_midnight,
};
use super::random::Random;
use super::route::{Parameter, Requirement, Route, Single, Value, Visit, What, Which};

/// An instant near which something begins or ends, or any in the season.
pub fn instant(r: &mut Random, bundle: &Bundle) -> i64 {
    let mut edges: Vec<i64> = Vec::new();
    let of_assignments = bundle.assignments.iter().map(|a| a.dates);
    let of_enrolments = bundle.enrolments.iter().map(|row| row.dates);
    let of_guardians = bundle.guardians.iter().map(|row| row.dates);
    let of_blocks = bundle.blocks.iter().map(|row| row.dates);
    for dates in of_assignments.chain(of_enrolments).chain(of_guardians).chain(of_blocks) {
        edges.extend(dates.from.map(|from| begin(bundle, from)));
        edges.extend(dates.until.map(|until| end(bundle, until)));
    }
    let around = if edges.is_empty() { utc_midnight(3, 15) } else { *r.pick(&edges) };
    let shift = match r.below(6) {
        0 => 0,
        1 => -1,
        2 => 1,
        3 => -HOUR,
        4 => SECOND,
        _ => (r.between(0, 200) as i64 - 100) * HOUR,
    };
    around + shift
}

fn outside_name(r: &mut Random, bundle: &Bundle, domain: &Domain, name: &str) -> String {
    match r.below(60) {
        0 => name.to_owned(),
        1 => format!("{}/{name}", domain.name),
        2 => format!("nowhere/{name}"),
        _ => bundle.outside(&domain.name, name),
    }
}

pub fn question(r: &mut Random, bundle: &Bundle) -> Question {
    let subject = match (r.below(40), r.maybe_pick(&bundle.assignments)) {
        (0, _) => "nobody".to_owned(),
        (1, _) => (*r.pick(&STUDENTS)).to_owned(),
        (2..32, Some(held)) => held.subject.clone(),
        _ => (*r.pick(&SUBJECTS)).to_owned(),
    };
    let kinds = bundle.person(&subject).map(|person| person.kinds.clone()).unwrap_or_default();
    let subject_type = match (r.chance(97), r.maybe_pick(&kinds)) {
        (true, Some(kind)) => kind.clone(),
        _ => (*r.pick(&["staff", "student", "guardian", "application", "wizard"])).to_owned(),
    };
    let mut q = Question {
        subject_type,
        subject_id: subject,
        action: String::new(),
        target: None,
        access: None,
        resource_type: String::new(),
        resource_id: String::new(),
        form: None,
        student: None,
        buildings: None,
        explicit: None,
        assigned: None,
        claims: claims(r),
        now: instant(r, bundle),
    };
    let with_documents = bundle.domains.iter().any(|domain| domain.documents.is_some());
    if with_documents && r.chance(60) {
        document(r, bundle, &mut q)
    } else {
        permission(r, bundle, &mut q)
    }
    if r.chance(55) {
        let mut people = vec!["nobody"];
        people.extend(SUBJECTS);
        let count = r.below(3);
        let mut assigned: Vec<String> = r.some(&people, count).into_iter().map(str::to_owned).collect();
        if r.chance(40) {
            assigned.push(q.subject_id.clone());
        }
        q.assigned = Some(assigned);
    }
    q
}

fn claims(r: &mut Random) -> Vec<(String, Claim)> {
    let mut claims = Vec::new();
    for name in ["amr", "acr"] {
        let word = |r: &mut Random| (*r.pick(&["mfa", "mfa", "pwd", ""])).to_owned();
        let claim = match r.below(10) {
            0..2 => continue,
            2 => Claim::Number,
            3 => Claim::Mixed(word(r)),
            4..8 => Claim::Word(word(r)),
            _ => Claim::List((0..r.below(3)).map(|_| word(r)).collect()),
        };
        claims.push((name.to_owned(), claim));
    }
    claims
}

fn permission(r: &mut Random, bundle: &Bundle, q: &mut Question) {
    // Most of the time what a role of the subject may decide: of its domain, and of its level or a narrower one.
    let held: Vec<&Assignment> = bundle.assignments.iter().filter(|a| a.subject == q.subject_id).collect();
    let held = r.maybe_pick(&held).copied().filter(|_| r.chance(75));
    let domain = held.map_or_else(|| r.pick(&bundle.domains), |a| bundle.domain(&a.domain));
    let rank = |a: &Assignment| domain.rank(domain.level_of(&a.scope));
    let fits = |module: &&Module| held.is_none_or(|a| domain.rank(&module.level) >= rank(a));
    let modules: Vec<&Module> = domain.modules.iter().filter(fits).collect();
    let name = match (r.maybe_pick(&modules), r.below(50)) {
        (Some(module), 1..) => format!("{}.{}", module.name, r.pick(&module.permissions).name),
        (Some(module), _) if r.chance(50) => format!("{}.nothing", module.name),
        _ => (*r.pick(&["nothing.view", "view", "", ".", "marks."])).to_owned(),
    };
    q.action = outside_name(r, bundle, domain, &name);
    let elsewhere = if r.chance(4) { r.pick(&bundle.domains) } else { domain };
    let scopes = &elsewhere.scopes;
    let rank = |scope: &str| elsewhere.rank(elsewhere.level_of(scope));
    let asked = name.split_once('.').and_then(|(module, _)| {
        domain.modules.iter().find(|known| known.name == module).map(|module| domain.rank(&module.level))
    });
    // Where the subject has a role and where the permission can be asked, most of the time.
    let held: Vec<&str> = bundle
        .assignments
        .iter()
        .filter(|a| a.subject == q.subject_id && a.domain == elsewhere.name)
        .map(|a| a.scope.as_str())
        .collect();
    let likely: Vec<usize> = (0..scopes.len())
        .filter(|at| rank(&scopes[*at].name) >= asked.unwrap_or(0))
        .filter(|at| chain(elsewhere, &scopes[*at].name).iter().any(|above| held.contains(&above.as_str())))
        .collect();
    let at = match r.maybe_pick(&likely) {
        Some(likely) if r.chance(80) => *likely,
        // Narrow scopes more often: more can be decided there.
        _ => r.below(scopes.len()).max(r.below(scopes.len())),
    };
    let (level, id) = scopes[at].name.split_once('/').expect("`level/id`");
    q.resource_type = level.to_owned();
    q.resource_id = id.to_owned();
    match r.below(60) {
        0 => q.resource_id = "nowhere".to_owned(),
        1 => q.resource_type = "galaxy".to_owned(),
        2 => q.resource_id = format!("{id}/x"),
        _ => {}
    }
    if r.chance(55) {
        q.student = Some(student(r));
    }
    if r.chance(35) {
        q.target = Some(target(r, &q.subject_id));
    }
}

fn student(r: &mut Random) -> String {
    match r.below(25) {
        0 => "nobody".to_owned(),
        1..3 => (*r.pick(&SUBJECTS)).to_owned(),
        _ => (*r.pick(&STUDENTS)).to_owned(),
    }
}

/// Oneself, somebody else, a student, nobody.
fn target(r: &mut Random, subject: &str) -> String {
    match r.below(25) {
        0 => "nobody".to_owned(),
        1..4 => (*r.pick(&STUDENTS)).to_owned(),
        4..12 => subject.to_owned(),
        _ => (*r.pick(&SUBJECTS)).to_owned(),
    }
}

fn document(r: &mut Random, bundle: &Bundle, q: &mut Question) {
    let having: Vec<&Domain> = bundle.domains.iter().filter(|domain| domain.documents.is_some()).collect();
    let domain = *r.pick(&having);
    let documents = domain.documents.as_ref().expect("documents");
    q.resource_type = "document".to_owned();
    q.resource_id = "some".to_owned();
    let actions = ["view", "edit", "create", "delete", "share", "share", "transfer", "marks.view"];
    let known = if r.chance(5) { 8 } else { 7 };
    q.action = (*r.pick(&actions[..known])).to_owned();
    let form = match r.below(40) {
        0 => None,
        1 => Some("nothing"),
        _ => Some(r.pick(&documents.forms).name.as_str()),
    };
    q.form = form.map(|form| outside_name(r, bundle, domain, form));
    match r.below(20) {
        0 => {}
        1 => q.student = Some("nobody".to_owned()),
        2..8 => {
            let count = r.between(0, 3);
            let names = r.some(&buildings_of(domain), count);
            let mut names: Vec<String> = names
                .into_iter()
                .map(|name| match name.split_once('/') {
                    Some((_, id)) if r.chance(30) => id.to_owned(),
                    _ => name,
                })
                .collect();
            if r.chance(5) {
                names.push("nowhere".to_owned());
            }
            if r.chance(5) {
                names.push(r.pick(&domain.scopes).name.clone());
            }
            q.buildings = Some(names);
        }
        _ => q.student = Some((*r.pick(&STUDENTS)).to_owned()),
    }
    q.explicit = if r.chance(25) { None } else { Some(*r.pick(&Access::ALL)) };
    if r.chance(25) {
        // A document of the bundle, which says of itself what the request leaves out.
        q.resource_id = match r.maybe_pick(&bundle.listed) {
            Some(listed) if r.chance(95) => listed.id.clone(),
            _ => (*r.pick(&DOCUMENTS)).to_owned(),
        };
        (q.form, q.student, q.explicit) = (None, None, q.explicit.filter(|_| r.chance(20)));
        q.buildings = q.buildings.take().filter(|_| r.chance(10));
    }
    let gives = matches!(q.action.as_str(), "share" | "transfer");
    if r.chance(if gives { 96 } else { 3 }) {
        let students = r.chance(5);
        q.target = Some(if students { *r.pick(&STUDENTS) } else { *r.pick(&SUBJECTS) }.to_owned());
        if r.chance(2) {
            q.target = Some("nobody".to_owned());
        }
    }
    if r.chance(if q.action == "share" { 96 } else { 5 }) {
        q.access = Some(*r.pick(&Access::ALL));
    }
}

/// A small route: two requirements that share parameters, or one, or one of several.
pub fn route(r: &mut Random, bundle: &Bundle, number: usize) -> Option<Route> {
    let method = *r.pick(&["GET", "GET", "POST", "DELETE"]);
    let mut route = Route {
        method,
        name: format!("r{number}"),
        parameters: Vec::new(),
        requirements: Vec::new(),
        public: r.chance(3),
    };
    if route.public {
        return Some(route);
    }
    for _ in 0..*r.pick(&[1, 1, 2, 2, 3]) {
        let requirement = if r.chance(14) {
            Requirement::One(Single::Change(changing(r, bundle, &mut route)?))
        } else if r.chance(30) {
            let count = r.between(1, 3);
            let all: Option<Vec<Single>> = (0..count).map(|_| single(r, bundle, &mut route)).collect();
            Requirement::Any(all?)
        } else {
            Requirement::One(single(r, bundle, &mut route)?)
        };
        route.requirements.push(requirement);
    }
    // A change that says what may not be stands beside something that says who may.
    if !route.requirements.iter().any(Requirement::asks_who) {
        let who = single(r, bundle, &mut route)?;
        route.requirements.push(Requirement::One(who));
    }
    // A requirement reads one list at most, and every list is read.
    let read: Vec<Vec<usize>> = route.requirements.iter().map(Requirement::reads).collect();
    for number in 0..route.parameters.len() {
        let others =
            |read: &Vec<usize>| read.iter().any(|other| *other < number && route.parameters[*other].is_list);
        let reading: Vec<&Vec<usize>> = read.iter().filter(|read| read.contains(&number)).collect();
        route.parameters[number].is_list &= !reading.is_empty() && !reading.into_iter().any(others);
    }
    Some(route).filter(|route| route.parameters.len() <= 6)
}

/// A parameter of this meaning: one that the route has, or a new one.
pub fn captured(r: &mut Random, route: &mut Route, what: What) -> usize {
    let known: Vec<usize> =
        (0..route.parameters.len()).filter(|at| route.parameters[*at].what == what).collect();
    if let Some(known) = r.maybe_pick(&known)
        && r.chance(60)
    {
        return *known;
    }
    let is_list = r.chance(30) && !matches!(what, What::Set(_) | What::Title);
    route.parameters.push(Parameter { what, in_query: r.chance(30), is_list });
    route.parameters.len() - 1
}

fn person_value(r: &mut Random, route: &mut Route, of: &[&str]) -> Value {
    if r.chance(20) {
        Value::Fixed((*r.pick(of)).to_owned())
    } else {
        Value::Captured(captured(r, route, What::Person))
    }
}

fn single(r: &mut Random, bundle: &Bundle, route: &mut Route) -> Option<Single> {
    if r.chance(25) {
        return Some(conditional(r, bundle, route));
    }
    let having: Vec<&Domain> = bundle.domains.iter().filter(|domain| domain.documents.is_some()).collect();
    if !having.is_empty() && r.chance(45) {
        return Some(document_single(r, bundle, route, &having));
    }
    let domain = r.pick(&bundle.domains);
    let module = r.maybe_pick(&domain.modules)?;
    let name = format!("{}.{}", module.name, r.pick(&module.permissions).name);
    let may: Vec<&str> = domain
        .scopes
        .iter()
        .map(|scope| scope.name.as_str())
        .filter(|scope| domain.rank(domain.level_of(scope)) >= domain.rank(&module.level))
        .collect();
    let (level, id) = r.maybe_pick(&may)?.split_once('/').expect("`level/id`");
    let id = if r.chance(20) {
        Value::Fixed(id.to_owned())
    } else {
        Value::Captured(captured(r, route, What::Scope(level.to_owned())))
    };
    let student = if r.chance(40) { Some(person_value(r, route, &STUDENTS)) } else { None };
    let target = if r.chance(30) { Some(person_value(r, route, &SUBJECTS)) } else { None };
    let name = bundle.outside(&domain.name, &name);
    Some(Single::Permission { name, on: (level.to_owned(), id), student, target })
}

/// A change to an assignment or a role of one domain.
fn changing(r: &mut Random, bundle: &Bundle, route: &mut Route) -> Option<Changing> {
    let domain = r.pick(&bundle.domains);
    let name = domain.name.clone();
    let role = |r: &mut Random, route: &mut Route| {
        Value::Captured(captured(r, route, What::Role(domain.name.clone())))
    };
    let which = r.below(10);
    if which == 9 {
        return Some(Changing { domain: name, change: Change::Role { role: role(r, route) } });
    }
    // Where roles of the domain are assigned, most of the time.
    let held: Vec<&str> =
        bundle.assignments.iter().filter(|a| a.domain == domain.name).map(|a| a.scope.as_str()).collect();
    let scope = match r.maybe_pick(&held) {
        Some(scope) if r.chance(80) => (*scope).to_owned(),
        _ => r.maybe_pick(&domain.scopes)?.name.clone(),
    };
    let (level, id) = scope.split_once('/').expect("`level/id`");
    let id = if r.chance(40) {
        Value::Fixed(id.to_owned())
    } else {
        Value::Captured(captured(r, route, What::Scope(level.to_owned())))
    };
    let on = (level.to_owned(), id);
    let target = if r.chance(15) {
        Value::Fixed((*r.pick(&SUBJECTS)).to_owned())
    } else {
        Value::Captured(captured(r, route, What::Person))
    };
    let change = match which {
        0..5 => Change::Assignment { takes: r.chance(40), role: role(r, route), target, on },
        5..8 => {
            let set = if r.chance(25) {
                Value::Fixed(set_text(r, domain, false))
            } else {
                Value::Captured(captured(r, route, What::Set(domain.name.clone())))
            };
            Change::Permissions { target, on, set }
        }
        _ if domain.titles.is_empty() => {
            Change::Assignment { takes: false, role: role(r, route), target, on }
        }
        _ => {
            let mut word = |r: &mut Random, fixed: &str| {
                if r.chance(50) {
                    Value::Fixed(fixed.to_owned())
                } else {
                    Value::Captured(captured(r, route, What::Title))
                }
            };
            Change::Title { target, on, category: word(r, "support"), title: word(r, "it") }
        }
    };
    Some(Changing { domain: name, change })
}

/// A custom set as a request writes it; at times one that cannot be read.
fn set_text(r: &mut Random, domain: &Domain, or_unreadable: bool) -> String {
    if or_unreadable && r.chance(8) {
        return (*r.pick(&["nothing.view", "marks", "marks.view:nobody", ",", "marks.view,"])).to_owned();
    }
    let names = domain.permission_names();
    // Nearly all of them, most of the time.
    let count = if r.chance(60) { names.len() } else { r.below(names.len() + 1) };
    let some = r.some(&names, count);
    let item = |name: &String| {
        if r.chance(12) { format!("{name}:{}", r.pick(&Relation::ALL).word()) } else { name.clone() }
    };
    let items: Vec<String> = some.iter().map(item).collect();
    if items.is_empty() && or_unreadable { "none".to_owned() } else { items.join(",") }
}

fn conditional(r: &mut Random, bundle: &Bundle, route: &mut Route) -> Single {
    let on = if r.chance(75) {
        let domain = r.pick(&bundle.domains);
        let scopes = &domain.scopes;
        let at = r.below(scopes.len()).max(r.below(scopes.len()));
        let (level, id) = scopes[at].name.split_once('/').expect("`level/id`");
        let id = if r.chance(40) {
            Value::Fixed(id.to_owned())
        } else {
            Value::Captured(captured(r, route, What::Scope(level.to_owned())))
        };
        Some((level.to_owned(), id))
    } else {
        None
    };
    let student = if r.chance(70) { Some(person_value(r, route, &STUDENTS)) } else { None };
    let target = if r.chance(85) { Some(person_value(r, route, &SUBJECTS)) } else { None };
    let given = Given { on: on.is_some(), student: student.is_some(), target: target.is_some() };
    Single::Condition { condition: condition(r, bundle, route, given, 0), on, student, target }
}

fn document_single(r: &mut Random, bundle: &Bundle, route: &mut Route, having: &[&Domain]) -> Single {
    let action = *r.pick(&["view", "edit", "create", "delete", "share", "share", "transfer"]);
    let which = if action != "create" && r.chance(50) {
        Which::Listed(captured(r, route, What::Document))
    } else {
        let domain = r.pick(having);
        let form = &r.pick(&domain.documents.as_ref().expect("documents").forms).name;
        let form = if having.len() == 1 && r.chance(50) {
            Value::Captured(captured(r, route, What::Form))
        } else {
            Value::Fixed(bundle.outside(&domain.name, form))
        };
        let student = person_value(r, route, &STUDENTS);
        Which::Of { domain: domain.name.clone(), form, student }
    };
    let gives = matches!(action, "share" | "transfer");
    let target = if gives { Some(person_value(r, route, &SUBJECTS)) } else { None };
    let giving = if action != "share" {
        None
    } else if r.chance(50) {
        Some(Value::Captured(captured(r, route, What::Access)))
    } else {
        Some(Value::Fixed(r.pick(&Access::ALL).word().to_owned()))
    };
    Single::Document { action, which, target, giving }
}

/// A request to one of the routes of a bundle that has some.
pub fn visit(r: &mut Random, bundle: &Bundle) -> Visit {
    let route = r.below(bundle.routes.len());
    let subject = match r.maybe_pick(&bundle.assignments) {
        Some(held) if r.chance(80) => held.subject.clone(),
        _ => (*r.pick(&SUBJECTS)).to_owned(),
    };
    // What nobody may do to themselves is asked of themselves.
    let changes = bundle.routes[route].requirements.iter().any(Requirement::reads_a_change);
    let of_oneself = changes && r.chance(40);
    let values = bundle.routes[route]
        .parameters
        .iter()
        .map(|parameter| {
            if parameter.in_query && r.chance(6) {
                return if r.chance(50) { Some(String::new()) } else { None };
            }
            let items = if r.chance(if parameter.is_list { 60 } else { 5 }) { r.between(1, 3) } else { 1 };
            if of_oneself && parameter.what == What::Person {
                return Some(subject.clone());
            }
            let items: Vec<String> =
                (0..items).map(|_| value(r, bundle, &parameter.what, &subject)).collect();
            Some(items.join(","))
        })
        .collect();
    let head = bundle.routes[route].method == "GET" && r.chance(15);
    Visit { route, head, values, subject, claims: claims(r), now: instant(r, bundle) }
}

fn value(r: &mut Random, bundle: &Bundle, what: &What, subject: &str) -> String {
    if r.chance(3) {
        return "nowhere".to_owned();
    }
    match what {
        What::Scope(level) => {
            let ids: Vec<&str> = bundle
                .domains
                .iter()
                .flat_map(|domain| &domain.scopes)
                .filter_map(|scope| scope.name.split_once('/'))
                .filter(|(of, _)| of == level)
                .map(|(_, id)| id)
                .collect();
            (*r.pick(&ids)).to_owned()
        }
        What::Person if r.chance(60) => (*r.pick(&STUDENTS)).to_owned(),
        What::Person => target(r, subject),
        What::Document => (*r.pick(&DOCUMENTS)).to_owned(),
        What::Form => (*r.pick(&["iep", "iep", "plan", "log"])).to_owned(),
        What::Access => r.pick(&Access::ALL).word().to_owned(),
        What::Role(name) => {
            let domain = bundle.domain(name);
            match r.maybe_pick(&domain.roles) {
                Some(role) => role.name.clone(),
                None => "ant".to_owned(),
            }
        }
        What::Set(name) => set_text(r, bundle.domain(name), true),
        What::Title => (*r.pick(&["support", "support", "it", "it", "office", "nothing"])).to_owned(),
        What::Number => {
            let nearly = ["-3", "+3", "3.0", " 3", "three", "99999999999999999999999", "0x3"];
            let numbers = ["0", "3", "4", "12", "007", "18446744073709551615"];
            let of = if r.chance(20) { &nearly[..] } else { &numbers };
            (*r.pick(of)).to_owned()
        }
    }
}
