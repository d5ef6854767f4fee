//! `explain DIR`: one request, answered in words.

use super::{ExplainArgs, Outcome, load};
use crate::decision::authzen::{self, Properties};
use crate::decision::{
    AccessRequest, Ask, Changed, Question, Reason, Rule, decide_route, explain, is_stale, questions,
};
use crate::json;
use crate::message::{Path, Query};
use crate::policy::records::Carries;
use crate::policy::route::{Lookup, Match};
use crate::policy::{Access, Bundle, Principal};
use crate::story;
use crate::time::Time;
use std::io::{self, Read, Write};

/// The longest request that is read from standard input, in bytes.
const REQUEST_BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn run(args: &ExplainArgs, now: Time) -> io::Result<Outcome> {
    let Some(bundle) = load(&args.bundle, &args.rosters)? else { return Ok(Outcome::No) };
    let mut out = io::stdout().lock();
    if let (Some(subject), Some(line)) = (&args.subject, &args.request) {
        return explain_route(&bundle, args, subject, line, now, &mut out);
    }
    let request = match named(args, &bundle) {
        Ok(request) => request,
        Err(message) => {
            writeln!(io::stderr(), "hallpass: {message}")?;
            return Ok(Outcome::CouldNotAnswer);
        }
    };
    let decision = story::answer(&bundle, &request, now, &mut out)?;
    Ok(if decision.is_allow() { Outcome::Yes } else { Outcome::No })
}

/// The request of the flags, or one AuthZEN request on standard input.
fn named(args: &ExplainArgs, bundle: &Bundle) -> Result<authzen::Request, String> {
    let Some(subject) = &args.subject else { return from_stdin() };
    let (Some(action), Some(on)) = (&args.can, &args.on) else {
        return Err("write --can ACTION --on RESOURCE, or --request \"GET /path\"".to_owned());
    };
    let Some((kind, id)) = on.split_once('/') else {
        return Err(format!("`{on}` is not a resource; write `class/1A` or `document/ID`"));
    };
    let person = bundle.people().find(subject).map(|person| bundle.people().row(person));
    let giving = match args.giving.as_deref().map(|word| (word, Access::parse(word))) {
        Some((word, None)) => return Err(format!("`{word}` is not an access; write view, edit or owner")),
        Some((_, access)) => access,
        None => None,
    };
    Ok(authzen::Request {
        subject_type: person.and_then(|person| person.kinds.words().next()).unwrap_or("staff").to_owned(),
        subject_id: subject.clone(),
        subject_properties: authzen::SubjectProperties::default(),
        action: action.clone(),
        target: args.target.clone(),
        access: giving,
        change: authzen::ChangeProperties {
            role: args.role.clone(),
            permissions: args
                .permissions
                .as_ref()
                .map(|set| set.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()),
            category: args.category.clone(),
            title: args.title.clone(),
        },
        resource_type: kind.to_owned(),
        resource_id: id.to_owned(),
        properties: Properties {
            form: args.form.clone(),
            student: args.student.clone(),
            ..Properties::default()
        },
        time: None,
        application: args.through.clone(),
        credential: None,
    })
}

fn from_stdin() -> Result<authzen::Request, String> {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(REQUEST_BYTES_MAX).read_to_end(&mut text);
    read.map_err(|error| format!("cannot read standard input: {error}"))?;
    let value =
        json::parse(&text).map_err(|error| format!("standard input is not one JSON request: {error}"))?;
    authzen::Request::read(&value).map_err(|error| error.to_string())
}

/// Explains a request as the proxy would see it: the route that it matches, and each thing that the route requires.
fn explain_route(
    bundle: &Bundle,
    args: &ExplainArgs,
    subject: &str,
    line: &str,
    now: Time,
    out: &mut impl Write,
) -> io::Result<Outcome> {
    writeln!(out, "May `{subject}` send `{line}` at {now}?")?;
    let Some((method, target)) = line.split_once(' ') else { return no(Reason::Malformed, out) };
    let (raw_path, raw_query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = match Path::parse(raw_path) {
        Ok(path) => path,
        Err(error) => {
            story::no(error.reason, out)?;
            writeln!(out, "The path cannot be read in one way only: {}.", error.detail)?;
            return Ok(Outcome::No);
        }
    };
    let matched = match find(bundle, method, path.decoded(), raw_query) {
        Ok(matched) => matched,
        Err(reason) => return no(reason, out),
    };
    writeln!(out, "It matches the route `{}`.", matched.route().template())?;
    if matched.route().is_public() {
        writeln!(out, "Yes: the route is public, and nobody is asked who they are. [public]")?;
        return Ok(Outcome::Yes);
    }
    if is_stale(bundle, matched.route().method(), now) {
        return no(Reason::StalePolicy, out);
    }
    let principal = match principal(bundle, args, subject, now) {
        Ok(principal) => principal,
        Err(reason) => return no(reason, out),
    };
    let outcome = every_requirement(bundle, &matched, principal, now, out)?;
    if outcome != Outcome::Yes {
        return Ok(outcome);
    }
    let decision = decide_route(bundle, &matched, principal, None, now);
    if !decision.is_allow() {
        return no(decision.reason, out);
    }
    story::obligations(bundle, &decision, out)?;
    if decision.obligations.is_empty() {
        return Ok(Outcome::Yes);
    }
    no(undeclared(&matched, raw_query).unwrap_or(Reason::Unfilterable), out)
}

fn no(reason: Reason, out: &mut impl Write) -> io::Result<Outcome> {
    story::no(reason, out)?;
    Ok(Outcome::No)
}

/// Who asks, and the application that they come through.
fn principal<'b>(
    bundle: &'b Bundle,
    args: &ExplainArgs,
    subject: &str,
    now: Time,
) -> Result<Principal<'b>, Reason> {
    let subject = bundle.people().find(subject).ok_or(Reason::UnknownSubject)?;
    let through = args.through.as_deref().map(|id| authzen::application(bundle, id)).transpose()?;
    let through = through.filter(|application| *application != subject);
    let principal = Principal { subject, through, credential: None };
    match () {
        () if bundle.suspends(principal) => Err(Reason::Suspended),
        () if bundle.kinds(subject, now).is_empty() => Err(Reason::UnknownSubject),
        () => Ok(principal),
    }
}

/// Why a request for records cannot have these query parameters, if it cannot.
fn undeclared(matched: &Match<'_, '_>, query: Option<&str>) -> Option<Reason> {
    let route = matched.route();
    let Carries::Records(_) = route.carries() else { return None };
    let method = http::Method::from_bytes(route.method().as_bytes()).ok()?;
    let query = Query::parse(query?, &method).ok()?;
    match query.names_only(|name| route.accepts(name)) {
        Ok(true) => None,
        Ok(false) => Some(Reason::ParameterNotDeclared),
        Err(error) => Some(error.reason),
    }
}

fn find<'b, 'p>(
    bundle: &'b Bundle,
    method: &str,
    path: &'p str,
    query: Option<&str>,
) -> Result<Match<'b, 'p>, Reason> {
    match bundle.routes().find(method, path) {
        Lookup::NoRoute => Err(Reason::NoRoute),
        Lookup::NoMethod(_) => Err(Reason::NoMethod),
        Lookup::Found(leaf) => {
            let method = http::Method::from_bytes(method.as_bytes()).map_err(|_| Reason::Malformed)?;
            let names = leaf.query_names();
            let values = match query.map(|query| Query::parse(query, &method)).transpose() {
                Err(error) => return Err(error.reason),
                Ok(None) => vec![None; names.len()],
                Ok(Some(query)) => query.read(names).map_err(|error| error.reason)?,
            };
            leaf.select(values).ok_or(Reason::NoRoute)
        }
    }
}

fn every_requirement(
    bundle: &Bundle,
    matched: &Match<'_, '_>,
    principal: Principal<'_>,
    now: Time,
    out: &mut impl Write,
) -> io::Result<Outcome> {
    let subject = principal.subject;
    for alternatives in questions(bundle, matched, principal, None, now) {
        let several = alternatives.len() > 1;
        let mut allowed = false;
        for question in alternatives {
            let told = match question {
                Question::Asked(ask, facts) => {
                    let asked = AccessRequest { subject, ask, facts, now };
                    let needs = if several { "One of what it requires:" } else { "It requires" };
                    writeln!(out)?;
                    writeln!(out, "{needs} {}.", required(bundle, &asked.ask))?;
                    let told = explain(bundle, &asked);
                    story::tell(bundle, &asked, &told, out)?;
                    told.decision.is_allow()
                }
                Question::Decided(decision) if decision.is_allow() => {
                    let what = match decision.rule {
                        Rule::Sharing => "such records are shared with the application",
                        _ => "the condition of the route holds",
                    };
                    writeln!(out, "Yes: {what}. [granted]")?;
                    true
                }
                Question::Decided(decision) => {
                    story::no(decision.reason, out)?;
                    false
                }
            };
            allowed |= told;
            if allowed {
                break;
            }
        }
        if !allowed {
            return Ok(Outcome::No);
        }
    }
    Ok(Outcome::Yes)
}

fn required(bundle: &Bundle, ask: &Ask<'_>) -> String {
    match ask {
        Ask::Permission { domain, permission, scope } => {
            let name = &bundle.domains()[*domain].permissions()[*permission].name;
            format!("`{}` at {}", bundle.outside_name(*domain, name), bundle.scopes().name(*scope))
        }
        Ask::Change(ask) => {
            let domain = &bundle.domains()[ask.domain];
            let name = |role| bundle.outside_name(ask.domain, &domain.roles()[role].name);
            let role = ask.change.role().map(name).unwrap_or_default();
            let whose = ask.change.whose().map(|(target, scope)| {
                format!("`{}` at {}", bundle.people().row(target).id, bundle.scopes().name(scope))
            });
            let whose = whose.unwrap_or_default();
            match ask.change {
                Changed::Give { .. } => format!("that `{role}` may be given to {whose}"),
                Changed::Take { .. } => format!("that `{role}` may be taken from {whose}"),
                Changed::Permissions { .. } => format!("that the permissions of {whose} may be changed"),
                Changed::Title { .. } => format!("that the title of {whose} may be changed"),
                Changed::Role { .. } => format!("that the role `{role}` may be changed"),
            }
        }
        Ask::Document(ask) => {
            let form =
                bundle.domains()[ask.domain].forms().map_or("", |forms| forms.forms[ask.form].name.as_str());
            format!("to {} a document of the form `{form}`", ask.action.as_str())
        }
        Ask::Record(_) => "a record".to_owned(),
    }
}
