//! The engine behind the same question.

use super::model::{Answer, Claim, Question as Asked};
use super::route::{Route, Visit};
use hallpass::decision::authzen::{Request, Resolved};
use hallpass::decision::{
    AccessRequest, Decision, Question, Reason, Rule, decide, decide_route, explain, questions,
};
use hallpass::policy::route::{Lookup, Match};
use hallpass::policy::table::PersonId;
use hallpass::policy::{self, Bundle, Claims, Source, compile};
use hallpass::time::Time;
use serde_json::{Map, Value, json};

/// Compiles one YAML file; what is wrong with it, if it does not load.
pub fn load(yaml: &str) -> Result<Bundle, String> {
    let sources = [Source { name: "bundle.yaml".to_owned(), bytes: yaml.as_bytes().to_vec() }];
    let compiled = compile(&sources);
    compiled.bundle.ok_or_else(|| policy::render(&compiled.diagnostics, &sources, false))
}

/// The question as a request, by way of JSON as `eval` takes it.
pub fn request(q: &Asked) -> Request {
    let mut properties = Map::new();
    let mut put =
        |name: &str, value: Option<Value>| value.map(|value| properties.insert(name.to_owned(), value));
    put("form", q.form.clone().map(Value::from));
    put("student", q.student.clone().map(Value::from));
    put("buildings", q.buildings.clone().map(Value::from));
    put("explicit", q.explicit.map(|access| access.word().into()));
    put("assigned", q.assigned.clone().map(Value::from));
    let mut action = Map::new();
    let mut put = |name: &str, value: Option<Value>| value.map(|value| action.insert(name.to_owned(), value));
    put("target", q.target.clone().map(Value::from));
    put("access", q.access.map(|access| access.word().into()));
    let mut request = json!({
        "subject": {"type": q.subject_type, "id": q.subject_id, "properties": claims(&q.claims)},
        "action": {"name": q.action, "properties": action},
        "resource": {"type": q.resource_type, "id": q.resource_id, "properties": properties},
    });
    // The time of the request and the time of the caller are the same question.
    if states_its_time(q) {
        request["context"] = json!({"time": Time::from_unix_micros(q.now).to_string()});
    }
    Request::read(&request).expect("a request")
}

fn claims(claims: &[(String, Claim)]) -> Value {
    let value = |claim: &Claim| match claim {
        Claim::Word(word) => json!(word),
        Claim::List(words) => json!(words),
        Claim::Number => json!(1),
        Claim::Mixed(word) => json!([word, 1]),
    };
    claims.iter().map(|(name, claim)| (name.clone(), value(claim))).collect::<Map<_, _>>().into()
}

/// What a request to a route is answered.
pub fn visited(bundle: &Bundle, route: &Route, visit: &Visit) -> Decision {
    on_route(bundle, route, visit, |matched, subject, claims, now| {
        decide_route(bundle, matched, subject, Some(claims), now)
    })
}

/// What each requirement of a route is answered, for each item of a list, with all the alternatives of an `any`.
pub fn explained(bundle: &Bundle, route: &Route, visit: &Visit) -> Vec<Vec<Reason>> {
    on_route(bundle, route, visit, |matched, subject, claims, now| {
        let answered = |question: Question<'_>| match question {
            Question::Asked(ask, facts) => {
                explain(bundle, &AccessRequest { subject, ask, facts, now }).decision.reason
            }
            Question::Decided(decision) => decision.reason,
        };
        let all = questions(bundle, matched, subject, Some(claims), now).into_iter();
        all.map(|alternatives| alternatives.into_iter().map(answered).collect()).collect()
    })
}

/// Calls `put` with the request as the engine is put it.
pub fn on_route<T>(
    bundle: &Bundle,
    route: &Route,
    visit: &Visit,
    put: impl FnOnce(&Match<'_, '_>, PersonId, &dyn Claims, Time) -> T,
) -> T {
    let mut path = format!("/{}", route.name);
    for (number, _) in route.numbered(false) {
        path.push('/');
        path.push_str(visit.values[number].as_deref().expect("a path has all its segments"));
    }
    let method = if visit.head { "HEAD" } else { route.method };
    let Lookup::Found(leaf) = bundle.routes().find(method, &path) else { panic!("no route for {path}") };
    let value = |name: &String| {
        let number: usize = name.strip_prefix('p').expect("a parameter").parse().expect("a number");
        visit.values[number].clone()
    };
    let values = leaf.query_names().iter().map(value).collect();
    let matched = leaf.select(values).expect("a route");
    let subject = bundle.people().find(&visit.subject).expect("a subject");
    let request = json!({
        "subject": {"type": "staff", "id": "-", "properties": claims(&visit.claims)},
        "action": {"name": "-"},
        "resource": {"type": "-", "id": "-"},
    });
    let request = Request::read(&request).expect("a request");
    put(&matched, subject, &request.subject_properties, Time::from_unix_micros(visit.now))
}

fn states_its_time(q: &Asked) -> bool {
    q.subject_type.len() % 2 == q.resource_id.len() % 2
}

pub fn resolve(bundle: &Bundle, q: &Asked) -> Result<Resolved, hallpass::decision::Reason> {
    let now = if states_its_time(q) { Time::MAX } else { Time::from_unix_micros(q.now) };
    request(q).resolve(bundle, now)
}

pub fn decision(bundle: &Bundle, q: &Asked) -> Decision {
    match resolve(bundle, q) {
        Ok(resolved) => decide(bundle, &resolved.request()),
        Err(reason) => Decision::before_any_rule(reason),
    }
}

/// The engine's answer. What decided is named for permissions that are granted alone.
pub fn answer(bundle: &Bundle, q: &Asked) -> Answer {
    let decision = decision(bundle, q);
    assert_eq!(decision.is_allow(), decision.reason.as_str() == "granted", "{decision:?}");
    let named = || {
        let domain = &bundle.domains()[decision.domain?];
        let role = domain.roles()[decision.role?].name.clone();
        Some((domain.name().to_owned(), role, bundle.scopes().name(decision.scope?).to_owned()))
    };
    // What a plan grants is held by no role.
    let fixed = decision.is_allow() && q.resource_type != "document" && decision.rule != Rule::Plan;
    Answer { reason: decision.reason.as_str(), decided_by: if fixed { named() } else { None } }
}
