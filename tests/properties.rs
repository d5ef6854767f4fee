//! What must hold of every decision, whatever the bundle: over random bundles and questions, seeds printed on failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub)]

#[path = "oracle/mod.rs"]
mod oracle;

use hallpass::decision::{
    Candidate, Decision, DocumentFacts, Explanation, Reason, Rule, Standing, decide, explain,
};
use hallpass::policy::{Access, Bundle as Loaded};
use oracle::model::{
    Assignment, Block, Blocked, Bundle, Enrolment, Grant, Guardian, Moment, Person, Question,
};
use oracle::random::Random;
use oracle::route::Visit;
use oracle::{ask, engine, evaluate, generate, permission};

const BUNDLES: u64 = 70;
const QUESTIONS_EACH: usize = 25;

/// Calls `check` with random bundles that load.
fn for_bundles(what: u64, check: impl Fn(&mut Random, &Bundle, &Loaded)) {
    for_many_bundles(BUNDLES, what, check);
}

fn for_many_bundles(count: u64, what: u64, check: impl Fn(&mut Random, &Bundle, &Loaded)) {
    for number in 0..count {
        let seed = (what << 32) + number;
        let mut random = Random::new(seed);
        let bundle = generate::bundle(&mut random);
        let loaded = load(&bundle).unwrap_or_else(|problems| panic!("seed {seed}\n{problems}"));
        check(&mut random, &bundle, &loaded);
    }
}

fn load(bundle: &Bundle) -> Result<Loaded, String> {
    engine::load(&bundle.to_yaml())
}

fn explained(loaded: &Loaded, question: &Question) -> Option<Explanation> {
    let resolved = engine::resolve(loaded, question).ok()?;
    Some(explain(loaded, &resolved.request()))
}

/// What a route answers to a request.
fn visited(loaded: &Loaded, bundle: &Bundle, visit: &Visit) -> Reason {
    engine::visited(loaded, &bundle.routes[visit.route], visit).reason
}

/// Requests to the routes of a bundle.
fn visits(r: &mut Random, bundle: &Bundle) -> Vec<Visit> {
    let count = if bundle.routes.is_empty() { 0 } else { QUESTIONS_EACH };
    (0..count).map(|_| ask::visit(r, bundle)).collect()
}

/// The bundle with nothing on its routes that asks who has something *not*, or that needs no role at all.
fn without_conditions(bundle: &Bundle) -> Bundle {
    let mut plain = bundle.clone();
    for route in &mut plain.routes {
        route.requirements.retain(|one| !one.reads_a_condition() && !one.reads_a_change());
    }
    plain.routes.retain(|route| route.public || !route.requirements.is_empty());
    for route in &mut plain.routes {
        route.lose_lists_that_are_not_read();
    }
    plain
}

/// What the answer is, and what decided it by name: ids change with the bundle.
fn told(loaded: &Loaded, q: &Question) -> (Reason, Option<String>, Option<String>) {
    let decision = engine::decision(loaded, q);
    let role =
        decision.domain.zip(decision.role).map(|(domain, role)| &loaded.domains()[domain].roles()[role]);
    let scope = decision.scope.map(|scope| loaded.scopes().name(scope).to_owned());
    (decision.reason, role.map(|role| role.name.clone()), scope)
}

/// Compares the answers of a bundle with those of one that has more in it.
fn all_is_the_same(r: &mut Random, bundle: &Bundle, loaded: &Loaded, more: &Bundle) {
    let other = load(more).unwrap();
    for _ in 0..QUESTIONS_EACH {
        let question = ask::question(r, bundle);
        assert_eq!(told(loaded, &question), told(&other, &question), "{}\n{question:?}", more.to_yaml());
    }
    for visit in visits(r, bundle) {
        let (before, after) = (visited(loaded, bundle, &visit), visited(&other, bundle, &visit));
        assert_eq!(before, after, "{}\n{visit:?}", more.to_yaml());
    }
}

#[test]
fn an_assignment_of_somebody_else_changes_nothing() {
    for_bundles(1, |r, bundle, loaded| {
        let mut more = bundle.clone();
        let stranger = Person {
            id: "zed".to_owned(),
            kinds: vec!["staff".to_owned()],
            buildings: Vec::new(),
            enabled: true,
        };
        more.people.insert(0, stranger);
        let copies: Vec<Assignment> = bundle
            .assignments
            .iter()
            .map(|a| Assignment { subject: "zed".to_owned(), ..a.clone() })
            .collect();
        more.assignments.extend(copies);
        // The copies of several people may meet at one scope.
        for domain in &mut more.domains {
            domain.same_scope_is_an_error = false;
        }
        all_is_the_same(r, bundle, loaded, &more);
    });
}

#[test]
fn an_assignment_outside_of_every_chain_that_is_asked_changes_no_permission() {
    for_bundles(2, |r, bundle, loaded| {
        // Each question needs a bundle of its own.
        for _ in 0..3 {
            let question = ask::question(r, bundle);
            if question.resource_type == "document" {
                continue;
            }
            let asked = format!("{}/{}", question.resource_type, question.resource_id);
            let mut fewer = bundle.clone();
            fewer
                .assignments
                .retain(|a| evaluate::chain(bundle.domain(&a.domain), &asked).contains(&a.scope));
            let other = load(&fewer).unwrap();
            assert_eq!(
                told(loaded, &question),
                told(&other, &question),
                "{}\n{question:?}",
                bundle.to_yaml()
            );
        }
    });
}

#[test]
fn without_roles_and_assignments_everything_is_denied() {
    for_bundles(3, |r, bundle, _| {
        let mut empty = without_conditions(bundle);
        empty.assignments.clear();
        for domain in &mut empty.domains {
            domain.roles.clear();
            if let Some(mandatory) = &mut domain.mandatory {
                mandatory.default_role = None;
            }
            // The fallbacks are rules of their own: what a bundle gives to staff without a role it says in so many words.
            if let Some(documents) = &mut domain.documents {
                documents.when_unassigned = oracle::model::Entry::NOTHING;
                documents.when_no_buildings = oracle::model::Entry::NOTHING;
            }
        }
        let loaded = load(&empty).unwrap();
        for _ in 0..QUESTIONS_EACH {
            let question = ask::question(r, bundle);
            let reason = engine::decision(&loaded, &question).reason;
            assert!(!reason.is_allow(), "{reason:?}\n{}\n{question:?}", empty.to_yaml());
        }
        for visit in visits(r, &empty) {
            let allowed = visited(&loaded, &empty, &visit).is_allow();
            assert_eq!(allowed, empty.routes[visit.route].public, "{}\n{visit:?}", empty.to_yaml());
        }
    });
}

#[test]
fn explain_and_decide_give_the_same_decision() {
    for_bundles(4, |r, bundle, loaded| {
        for _ in 0..QUESTIONS_EACH {
            let question = ask::question(r, bundle);
            let Ok(resolved) = engine::resolve(loaded, &question) else { continue };
            let request = resolved.request();
            let (told, decided) = (explain(loaded, &request), decide(loaded, &request));
            assert_eq!(told.decision, decided, "{}\n{question:?}", bundle.to_yaml());
            story_bears_out(&told, decided, &question, bundle);
            // The parts of the formula must bear the answer out.
            if let Some(facts) = told.document {
                bears_out(&facts, &question, decided.reason);
            }
        }
    });
}

#[test]
fn what_explains_a_route_adds_up_to_its_decision() {
    for_bundles(12, |r, bundle, loaded| {
        for visit in visits(r, bundle) {
            let decided = visited(loaded, bundle, &visit);
            // The requirements, item by item, with the alternatives of each.
            let told = engine::explained(loaded, &bundle.routes[visit.route], &visit);
            let held = |alternatives: &Vec<Reason>| alternatives.iter().any(|reason| reason.is_allow());
            let case = || format!("{}\n{visit:?}\n{told:?}\n{decided:?}", bundle.to_yaml());
            match decided {
                // Before any requirement is looked at.
                Reason::Public | Reason::Suspended => {}
                Reason::Granted => assert!(!told.is_empty() && told.iter().all(held), "{}", case()),
                denied => {
                    let failed = told.iter().filter(|alternatives| !held(alternatives));
                    let mut reasons = failed.flatten();
                    let empty = denied == Reason::AttributeMissing && visit.has_an_empty_list(bundle);
                    // A block on what one alternative names comes before what another would allow, and before what
                    // else is wrong with the one.
                    let kept_away = denied == Reason::Blocked && told.iter().any(|ways| ways.len() > 1);
                    assert!(empty || kept_away || reasons.any(|reason| *reason == denied), "{}", case());
                }
            }
        }
    });
}

/// What is told beside the answer must not speak against it.
fn story_bears_out(told: &Explanation, decided: Decision, question: &Question, bundle: &Bundle) {
    let case = || format!("{}\n{question:?}\n{told:?}", bundle.to_yaml());
    let closed = told.gate.as_ref().is_some_and(|gate| gate.opened_by.is_none());
    let required = told.requires.iter().all(|(_, decision)| decision.is_allow());
    if question.resource_type != "document" && decided.is_allow() {
        assert!(!closed && required, "{}", case());
        let by = |candidate: &&Candidate| candidate.standing == Standing::Decided;
        // The same role may be held twice at a scope, with custom sets.
        let mut by = told.candidates.iter().filter(by).peekable();
        assert!(by.peek().is_some(), "{}", case());
        let suspended =
            |candidate: &Candidate| candidate.assignment.is_some_and(|assignment| assignment.suspended);
        assert!(!by.any(suspended), "{}", case());
    }
    match (decided.reason, decided.rule) {
        (Reason::ModuleGated, Rule::GateAt) => assert!(closed, "{}", case()),
        (Reason::RequiresMissing, _) => assert!(!required, "{}", case()),
        _ => {}
    }
}

fn bears_out(facts: &DocumentFacts, question: &Question, reason: Reason) {
    let needs = match question.action.as_str() {
        "view" => Access::View,
        "edit" => Access::Edit,
        "delete" => Access::Owner,
        _ => return,
    };
    let allowed = reason == Reason::Granted;
    assert!(!allowed || facts.effective >= needs, "{facts:?}\n{question:?}");
    assert!(reason != Reason::LevelBelowRequired || facts.effective < needs, "{facts:?}\n{question:?}");
}

#[test]
fn access_to_documents_does_not_grow_when_an_assignment_ends() {
    for_many_bundles(5 * BUNDLES, 5, |r, bundle, loaded| {
        // Nothing begins any more: only ends lie between two instants.
        let mut only_ends = bundle.clone();
        for a in &mut only_ends.assignments {
            a.dates.from = None;
        }
        // The end of a block, or of what makes a student one of its scope, gives back what it took.
        only_ends.blocks.clear();
        for domain in &mut only_ends.domains {
            domain.same_scope_is_an_error = false;
        }
        let _ = loaded;
        let loaded = load(&only_ends).unwrap();
        for _ in 0..QUESTIONS_EACH {
            let question = ask::question(r, &only_ends);
            if question.resource_type != "document" {
                continue;
            }
            let mut later = question.clone();
            later.now = question.now.max(ask::instant(r, &only_ends));
            let (Some(before), Some(after)) = (explained(&loaded, &question), explained(&loaded, &later))
            else {
                continue;
            };
            let (before_is, after_is) = (before.document.unwrap(), after.document.unwrap());
            let case = || format!("{}\n{question:?}\nthen {}", only_ends.to_yaml(), later.now);
            assert!(after_is.effective <= before_is.effective, "{}", case());
            assert!(after_is.grantee_max <= before_is.grantee_max, "{}", case());
            // `documents.administer` is a permission: under `most_specific` an ended narrower role lets a broader one
            // decide again. It gives no access of its own.
            if !matches!(question.action.as_str(), "share" | "transfer") {
                assert!(before.decision.is_allow() || !after.decision.is_allow(), "{}", case());
            }
        }
    });
}

#[test]
fn access_to_documents_does_not_grow_when_an_assignment_is_suspended_or_ended_by_its_date() {
    for_many_bundles(5 * BUNDLES, 6, |r, bundle, loaded| {
        if bundle.assignments.is_empty() {
            return;
        }
        let at = r.below(bundle.assignments.len());
        let mut ended = bundle.clone();
        for domain in &mut ended.domains {
            domain.same_scope_is_an_error = false;
        }
        if r.chance(50) {
            ended.assignments[at].suspended = true;
        } else {
            ended.assignments[at].dates.from = None;
            ended.assignments[at].dates.until = Some(Moment::Day { month: 1, day: 2 });
        }
        let other = load(&ended).unwrap();
        for _ in 0..QUESTIONS_EACH {
            let question = ask::question(r, bundle);
            let (before, after) = (explained(loaded, &question), explained(&other, &question));
            let facts = |explained: Option<Explanation>| explained.and_then(|explained| explained.document);
            let (Some(before), Some(after)) = (facts(before), facts(after)) else { continue };
            let case = || format!("{}\n{question:?}\nchanged: {:?}", bundle.to_yaml(), ended.assignments[at]);
            assert!(after.effective <= before.effective, "{}", case());
            assert!(after.grantee_max <= before.grantee_max, "{}", case());
        }
    });
}

#[test]
fn taking_a_grant_from_a_role_turns_no_denial_of_a_permission_into_an_allowance() {
    for_bundles(7, |r, bundle, _| {
        // A condition may ask that somebody holds a permission not, and a change what they have.
        let bundle = &without_conditions(bundle);
        let loaded = &load(bundle).unwrap();
        // Of a role the grants alone: the role stays, and replaces what it replaced.
        let mut fewer = bundle.clone();
        let domain = r.below(fewer.domains.len());
        let Some(role) = fewer.domains[domain].roles.len().checked_sub(1).map(|last| r.between(0, last))
        else {
            return;
        };
        let role = &mut fewer.domains[domain].roles[role];
        // Of what is had outright, or of what is optional. An option that is switched on must stay one.
        let optional = r.chance(30);
        let grants = if optional { &mut role.optional } else { &mut role.grants };
        if grants.is_empty() {
            return;
        }
        let at = r.below(grants.len());
        match &mut grants[at].1 {
            Grant::List(items) if !items.is_empty() && r.chance(60) => {
                items.remove(r.below(items.len()));
            }
            grant if r.chance(50) => *grant = Grant::Off,
            _ => {
                grants.remove(at);
            }
        }
        // "What the role itself grants outright is not made optional by an include": without such a grant an option
        // that another role offers comes to life, where an assignment switches it on. Nobody has it switched on here.
        for a in &mut fewer.assignments {
            let domain = fewer.domains.iter().find(|domain| domain.name == a.domain).unwrap();
            a.options.retain(|name| permission::is_optional(domain, &a.role, name));
        }
        let other = load(&fewer).unwrap();
        for _ in 0..QUESTIONS_EACH {
            let question = ask::question(r, bundle);
            let (before, after) = (engine::decision(loaded, &question), engine::decision(&other, &question));
            // Nor of sharing, which may rest on a permission.
            assert!(before.is_allow() || !after.is_allow(), "{}\n{question:?}", bundle.to_yaml());
        }
        for visit in visits(r, bundle) {
            let (before, after) = (visited(loaded, bundle, &visit), visited(&other, bundle, &visit));
            assert!(before.is_allow() || !after.is_allow(), "{}\n{visit:?}", bundle.to_yaml());
        }
    });
}

#[test]
fn the_relations_and_blocks_of_somebody_else_change_nothing() {
    for_bundles(9, |r, bundle, loaded| {
        let mut more = bundle.clone();
        for (id, kind) in [("zed", "staff"), ("zoe", "student")] {
            more.people.push(Person {
                id: id.to_owned(),
                kinds: vec![kind.to_owned()],
                buildings: Vec::new(),
                enabled: true,
            });
        }
        // The same facts, of the stranger.
        let (zed, zoe) = (|| "zed".to_owned(), || "zoe".to_owned());
        let rows: Vec<Enrolment> =
            bundle.enrolments.iter().map(|row| Enrolment { person: zed(), ..row.clone() }).collect();
        more.enrolments.extend(rows);
        let rows: Vec<Guardian> = bundle
            .guardians
            .iter()
            .flat_map(|row| {
                [Guardian { guardian: zed(), ..row.clone() }, Guardian { student: zoe(), ..row.clone() }]
            })
            .collect();
        more.guardians.extend(rows);
        let rows: Vec<Block> =
            bundle.blocks.iter().map(|row| Block { subject: zed(), ..row.clone() }).collect();
        more.blocks.extend(rows);
        // Staff are counted where a fallback is above none.
        for person in more.people.iter_mut().filter(|person| person.id == "zed") {
            person.kinds = vec!["guardian".to_owned()];
        }
        all_is_the_same(r, bundle, loaded, &more);
    });
}

#[test]
fn a_block_only_ever_takes_away() {
    for_bundles(10, |r, bundle, loaded| {
        let mut more = bundle.clone();
        let person = r.pick(&bundle.people).id.clone();
        let scopes: Vec<&String> =
            bundle.domains.iter().flat_map(|domain| &domain.scopes).map(|scope| &scope.name).collect();
        let from_what = if r.chance(50) {
            Blocked::Student(r.pick(&bundle.people).id.clone())
        } else {
            Blocked::Scope((*r.pick(&scopes)).clone())
        };
        let dates = r.maybe_pick(&bundle.assignments).map(|a| a.dates).unwrap_or_default();
        more.blocks.push(Block { subject: person.clone(), from_what, dates });
        let other = load(&more).unwrap();
        for _ in 0..QUESTIONS_EACH {
            let question = ask::question(r, bundle);
            let (before, after) = (told(loaded, &question), told(&other, &question));
            let case = || format!("{}\n{question:?}", more.to_yaml());
            assert!(before.0.is_allow() || !after.0.is_allow(), "{}", case());
            // Whom it is not about is answered as before.
            if question.subject_id != person && question.target.as_ref() != Some(&person) {
                assert_eq!(before, after, "{}", case());
            }
        }
        // A condition may ask that somebody holds a permission not, and a change what they have.
        let plain = without_conditions(bundle);
        more.routes.clone_from(&plain.routes);
        let (one, two) = (load(&plain).unwrap(), load(&more).unwrap());
        for visit in visits(r, &plain) {
            let (before, after) = (visited(&one, &plain, &visit), visited(&two, &plain, &visit));
            assert!(before.is_allow() || !after.is_allow(), "{}\n{visit:?}", more.to_yaml());
        }
    });
}

#[test]
fn claims_only_ever_add_to_a_route_and_suspension_takes_all_but_public_ones() {
    for_bundles(11, |r, bundle, loaded| {
        if bundle.routes.is_empty() {
            return;
        }
        for _ in 0..QUESTIONS_EACH {
            let visit = ask::visit(r, bundle);
            let allowed = engine::visited(loaded, &bundle.routes[visit.route], &visit).is_allow();
            // The same request by somebody who is suspended, and by nobody's claims, is never more.
            let mut suspended = bundle.clone();
            suspended.suspended = vec![visit.subject.clone()];
            // A condition may ask for a claim that is not there.
            let mut requirements = bundle.routes[visit.route].requirements.iter();
            if !requirements.any(|one| one.reads_a_condition() || one.reads_a_change()) {
                let nothing = Visit { claims: Vec::new(), ..visit.clone() };
                let less = engine::visited(loaded, &bundle.routes[visit.route], &nothing).is_allow();
                assert!(allowed || !less, "{}\n{visit:?}", bundle.to_yaml());
            }
            if allowed && !bundle.routes[visit.route].public {
                let other = load(&suspended).unwrap();
                let got = engine::visited(&other, &bundle.routes[visit.route], &visit).reason;
                assert_eq!(got, Reason::Suspended, "{}\n{visit:?}", bundle.to_yaml());
            }
        }
    });
}

#[test]
fn a_decision_does_not_depend_on_the_order_of_the_file() {
    for_bundles(8, |r, bundle, loaded| {
        let mut other = bundle.clone();
        r.shuffle(&mut other.assignments);
        r.shuffle(&mut other.people);
        for domain in &mut other.domains {
            r.shuffle(&mut domain.roles);
            r.shuffle(&mut domain.modules);
            for module in &mut domain.modules {
                r.shuffle(&mut module.permissions);
            }
            // A sibling's place, not a parent's.
            domain.scopes.reverse();
        }
        let shuffled = load(&other).unwrap();
        for _ in 0..QUESTIONS_EACH {
            let question = ask::question(r, bundle);
            let (one, two) = (engine::answer(loaded, &question), engine::answer(&shuffled, &question));
            assert_eq!(one, two, "{}\n{question:?}", bundle.to_yaml());
        }
    });
}

#[test]
fn a_bundle_without_roles_answers_its_public_routes_alone() {
    use hallpass::decision::decide_route;
    use hallpass::policy::route::Lookup;
    use hallpass::time::Time;

    let yaml = "
bundle: {name: empty, time_zone: UTC}
domains:
  d:
    precedence: union
    levels: [school]
    scopes: {school/x: ~}
    modules: {marks: {level: school, permissions: {view: {}}}}
    forms: {iep: {}}
    buildings: school
    when_unassigned: {default: none, max: none}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: allow
    create_outside_buildings: allow
people:
  ari: {kinds: [staff]}
  sam: {kinds: [student], buildings: [school/x]}
documents:
  mine: {form: iep, student: sam, created_by: ari}
routes:
  GET /healthz: public
  GET /schools/{school}/marks: {permission: marks.view, on: \"school/{school}\"}
  GET /documents/{doc}: {access: view, document: \"{doc}\"}
  POST /students/{student}/iep: {access: create, form: iep, student: \"{student}\"}
";
    let bundle = engine::load(yaml).unwrap();
    let ari = bundle.people().find("ari").unwrap();
    let answer = |method: &str, path: &str| {
        let Lookup::Found(leaf) = bundle.routes().find(method, path) else {
            panic!("no route {method} {path}")
        };
        let matched = leaf.select(Vec::new()).unwrap();
        decide_route(&bundle, &matched, ari, None, Time::from_unix_seconds(0)).reason
    };
    assert_eq!(answer("GET", "/healthz"), Reason::Public);
    for (method, path) in [
        ("GET", "/schools/x/marks"),
        ("GET", "/schools/nowhere/marks"),
        ("GET", "/documents/mine"),
        ("GET", "/documents/nothing"),
        ("POST", "/students/sam/iep"),
        ("POST", "/students/nobody/iep"),
    ] {
        assert!(!answer(method, path).is_allow(), "{method} {path}");
    }
}
