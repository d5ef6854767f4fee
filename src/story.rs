//! An explanation in words that a school admin understands.
//!
//! [`answer`] tells the whole of one request by name, for the verb `explain` and for the admin listener alike; the other
//! functions tell a part of it. Every word comes from what `decision::explain` answered: this room decides nothing.

use crate::decision::authzen::Request;
use crate::decision::{
    AccessRequest, Ask, Candidate, ChangeAsk, Changed, Decision, DocumentAsk, DocumentFacts, Explanation,
    Obligations, Reason, RecordFacts, Rule, Standing, explain,
};
use crate::policy::records::Shown;
use crate::policy::table::{DomainId, PermissionId, RoleId};
use crate::policy::{Bundle, DocumentAction, Domain, Plan, Precedence, Tenure};
use crate::time::Time;
use std::io::{self, Write};

/// Decides one request by name and tells why. `now` stands in where the request states no time.
///
/// # Errors
/// `out` cannot be written.
pub fn answer(bundle: &Bundle, request: &Request, now: Time, out: &mut impl Write) -> io::Result<Decision> {
    writeln!(out, "{}", title(request, request.time.unwrap_or(now)))?;
    match request.resolve(bundle, now) {
        Ok(resolved) => {
            let asked = resolved.request();
            let told = explain(bundle, &asked);
            tell(bundle, &asked, &told, out)?;
            obligations(bundle, &told.decision, out)?;
            Ok(told.decision)
        }
        Err(reason) => {
            no(reason, out)?;
            hint(bundle, request, reason, out)?;
            Ok(Decision::before_any_rule(reason))
        }
    }
}

/// The question, as it was asked.
pub fn title(request: &Request, at: Time) -> String {
    let Request { subject_id, action, resource_type, resource_id, application, .. } = request;
    let through = match application {
        Some(application) => format!(" through `{application}`"),
        None => String::new(),
    };
    format!("May `{subject_id}`{through} do `{action}` on {resource_type}/{resource_id} at {at}?")
}

/// A denial that came before any rule.
///
/// # Errors
/// `out` cannot be written.
pub fn no(reason: Reason, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "No: {}. [{reason}]", in_words(reason))
}

/// What else could have been meant by a name that is not there.
///
/// # Errors
/// `out` cannot be written.
pub fn hint(bundle: &Bundle, request: &Request, reason: Reason, out: &mut impl Write) -> io::Result<()> {
    use crate::policy::source::nearest;
    let (asked, near) = match reason {
        Reason::UnknownSubject if bundle.people().find(&request.subject_id).is_none() => {
            let ids = bundle.people().iter().map(|(_, person)| person.id.as_str());
            (&request.subject_id, nearest(&request.subject_id, ids).map(str::to_owned))
        }
        Reason::UnknownName => {
            let all = bundle.domains().iter().flat_map(|(id, domain)| {
                domain
                    .permissions()
                    .iter()
                    .map(move |(_, permission)| bundle.outside_name(id, &permission.name))
            });
            let names: Vec<String> = all.collect();
            let near = nearest(&request.action, names.iter().map(String::as_str)).map(str::to_owned);
            (&request.action, near)
        }
        _ => return Ok(()),
    };
    match near {
        Some(near) => writeln!(out, "The bundle has no `{asked}`; did you mean `{near}`?"),
        None => writeln!(out, "The bundle has no `{asked}`."),
    }
}

/// The answer with its story.
///
/// # Errors
/// `out` cannot be written.
pub fn tell(
    bundle: &Bundle,
    request: &AccessRequest<'_>,
    told: &Explanation,
    out: &mut impl Write,
) -> io::Result<()> {
    let decision = &told.decision;
    let answer = if decision.is_allow() { "Yes" } else { "No" };
    writeln!(out, "{answer}: {}. [{}]", because(bundle, request, told), decision.reason)?;
    if decision.power {
        writeln!(out, "This is a power permission.")?;
    }
    if decision.self_update {
        writeln!(out, "It may add to the rights of the one who asks, and is marked so in the log.")?;
    }
    match &request.ask {
        Ask::Permission { domain, permission, .. } => {
            self::permission(bundle, *domain, *permission, told, out)
        }
        Ask::Change(ask) => change(bundle, request, ask, told, out),
        Ask::Document(ask) => {
            if let Some(facts) = &told.document {
                document(bundle, ask, facts, out)?;
            }
            candidates(bundle, ask.domain, told, out)
        }
        Ask::Record(_) => match &told.record {
            Some(facts) if decision.is_allow() => fields(facts, out),
            _ => Ok(()),
        },
    }
}

/// A permission: where it was looked for, its gate, what it requires, and what became of the roles.
fn permission(
    bundle: &Bundle,
    domain: DomainId,
    permission: PermissionId,
    told: &Explanation,
    out: &mut impl Write,
) -> io::Result<()> {
    let row = &bundle.domains()[domain];
    let level = row.level_name(row.permissions()[permission].level);
    let chain: Vec<&str> = told.chain.iter().map(|scope| bundle.scopes().name(*scope)).collect();
    if !chain.is_empty() {
        let how = match row.precedence() {
            Precedence::MostSpecific => "the first of these with a role decides alone",
            Precedence::Union => "a role at any of these may grant it",
        };
        writeln!(
            out,
            "Looked at, near to far: {}. It is a permission of level {level}; {how}.",
            chain.join(", ")
        )?;
    }
    if let Some(gate) = told.gate {
        let module = &row.modules()[gate.module].name;
        let level = row.level_name(gate.level);
        match gate.opened_by {
            Some(role) => writeln!(
                out,
                "The module `{module}` must be on in a role of level {level} too: it is on in {}.",
                role_name(row, role)
            )?,
            None => writeln!(
                out,
                "The module `{module}` must be on in a role of level {level} too: it is on in none."
            )?,
        }
    }
    for (required, answer) in &told.requires {
        let name = &row.permissions()[*required].name;
        let answer = if answer.is_allow() { "held".to_owned() } else { in_words(answer.reason).to_owned() };
        writeln!(out, "It needs `{name}` as well: {answer}.")?;
    }
    candidates(bundle, domain, told, out)
}

/// A change: what bounds it.
fn change(
    bundle: &Bundle,
    request: &AccessRequest<'_>,
    ask: &ChangeAsk<'_>,
    told: &Explanation,
    out: &mut impl Write,
) -> io::Result<()> {
    let domain = &bundle.domains()[ask.domain];
    if ask.change.whose().is_some_and(|(target, _)| target == request.subject) {
        writeln!(out, "They would change what is their own.")?;
    }
    match ask.change {
        Changed::Give { role, .. } | Changed::Take { role, .. } => {
            let givers = domain.roles()[role].assignable_by.as_deref().unwrap_or_default();
            let names: Vec<String> = givers.iter().map(|giver| role_name(domain, *giver)).collect();
            let who = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            writeln!(out, "{} is given and taken by: {who}.", role_name(domain, role))?;
            candidates(bundle, ask.domain, told, out)
        }
        Changed::Permissions { set: None, .. } => {
            writeln!(out, "The request does not say which permissions.")
        }
        Changed::Permissions { set: Some(set), .. } => {
            let set = if set.is_empty() { "none" } else { set };
            writeln!(out, "The permissions there would be: {}.", set.escape_debug())
        }
        Changed::Title { category, title, .. } => {
            writeln!(out, "The title there would be: {}, {}.", category.escape_debug(), title.escape_debug())
        }
        Changed::Role { role } => {
            let locked = if domain.roles()[role].locked { "locked" } else { "not locked" };
            writeln!(out, "{} is {locked}.", role_name(domain, role))
        }
    }
}

/// What must be done to an answer of the app before this caller gets it.
///
/// # Errors
/// `out` cannot be written.
pub fn obligations(bundle: &Bundle, decision: &Decision, out: &mut impl Write) -> io::Result<()> {
    let Obligations { catalogue, own, through } = decision.obligations;
    if catalogue {
        writeln!(out, "Records in the answer are cut to what the person may see.")?;
    }
    for application in [own, through].into_iter().flatten() {
        let name = &bundle.people().row(application).id;
        writeln!(out, "Records in the answer are cut to what is shared with `{name}`.")?;
    }
    Ok(())
}

fn fields(facts: &RecordFacts, out: &mut impl Write) -> io::Result<()> {
    for (what, shown) in [("Shown", Shown::Whole), ("Shown in part", Shown::Parts), ("Removed", Shown::No)] {
        let of_it = facts.fields.iter().filter(|(_, is)| *is == shown);
        let names: Vec<&str> = of_it.map(|(path, _)| path.as_str()).collect();
        if !names.is_empty() {
            writeln!(out, "{what}: {}.", names.join(", "))?;
        }
    }
    Ok(())
}

fn candidates(bundle: &Bundle, domain: DomainId, told: &Explanation, out: &mut impl Write) -> io::Result<()> {
    let row = &bundle.domains()[domain];
    if told.candidates.is_empty() {
        return writeln!(out, "No role in `{}` is held.", row.name());
    }
    writeln!(out, "Roles held in `{}`:", row.name())?;
    let name = |candidate: &Candidate| {
        format!("{} at {}", role_name(row, candidate.role), bundle.scopes().name(candidate.scope))
    };
    let width = told.candidates.iter().map(|candidate| name(candidate).chars().count()).max().unwrap_or(0);
    for candidate in &told.candidates {
        writeln!(out, "  {:width$}  {}", name(candidate), standing(bundle, row, told, candidate))?;
    }
    Ok(())
}

fn standing(bundle: &Bundle, domain: &Domain, told: &Explanation, candidate: &Candidate) -> String {
    let by_default = match candidate.assignment {
        None => ", held by default",
        Some(held) if held.from_roster => ", by the roster",
        Some(_) => "",
    };
    let dates = || match candidate.assignment {
        Some(held) if held.from != Time::MIN && held.until != Time::MAX => {
            format!(": it runs from {} to {}", held.from, held.until)
        }
        Some(held) if held.from != Time::MIN => format!(": it begins at {}", held.from),
        Some(held) => format!(": it ended at {}", held.until),
        None => String::new(),
    };
    let buildings = || match candidate.assignment {
        Some(held) => {
            let names = bundle.buildings_of(&held).iter().map(|building| bundle.scopes().name(*building));
            names.collect::<Vec<_>>().join(", ")
        }
        None => String::new(),
    };
    let text = match candidate.standing {
        Standing::Decided if told.decision.rule == Rule::AssignableBy => "decided: may give it".to_owned(),
        Standing::Decided if told.decision.is_allow() => "decided: grants it".to_owned(),
        Standing::Decided if told.decision.reason == Reason::PermissionNotGranted => {
            let is = |so: fn(&Tenure) -> bool| candidate.assignment.as_ref().is_some_and(so);
            match () {
                () if is(|held| held.suspended) => "decided: held, but suspended",
                () if domain.is_archived(candidate.scope) => "decided: held, but the place is archived",
                () if told.decision.rule == Rule::Plan => "decided: held, but bounded by the plan",
                () => "decided: does not grant it",
            }
            .to_owned()
        }
        Standing::Decided => "grants it, which is not enough here".to_owned(),
        Standing::AlsoGrants => "grants it too".to_owned(),
        Standing::GrantsWithin => "grants it to those in a relation that is not met here".to_owned(),
        Standing::DoesNotGrant => "does not grant it".to_owned(),
        Standing::ReplacedAt(scope) => {
            format!("not asked: the role at {} takes its place", bundle.scopes().name(scope))
        }
        Standing::Elsewhere => "not asked: this is not below it".to_owned(),
        Standing::LevelTooNarrow => {
            format!(
                "not asked: a role of level {} does not decide this",
                domain.level_name(domain.roles()[candidate.role].level)
            )
        }
        Standing::OnlyAt(level) => {
            format!("not asked: only a role of level {} decides this", domain.level_name(level))
        }
        Standing::NotCurrent => format!("not in force{}", dates()),
        Standing::Suspended => "suspended: held, and grants nothing".to_owned(),
        Standing::Archived => "the place is archived: held, and grants nothing".to_owned(),
        Standing::MayGive => "may give it too".to_owned(),
        Standing::MayNotGive => "may not give it".to_owned(),
        Standing::BearsNoForms => "says nothing of documents".to_owned(),
        Standing::Covers => format!("counts here: it covers {}", buildings()),
        Standing::CoversElsewhere => format!("covers {}, where the student is not", buildings()),
        Standing::NamesNoBuilding => "names no building".to_owned(),
    };
    format!("{text}{by_default}")
}

fn document(
    bundle: &Bundle,
    ask: &DocumentAsk<'_>,
    facts: &DocumentFacts,
    out: &mut impl Write,
) -> io::Result<()> {
    match ask.buildings {
        Ok([]) => writeln!(out, "The student is in no building.")?,
        Ok(buildings) => {
            let names: Vec<&str> = buildings.iter().map(|building| bundle.scopes().name(*building)).collect();
            writeln!(out, "The student is in {}.", names.join(", "))?;
        }
        Err(_) => writeln!(out, "It is not known in which buildings the student is.")?,
    }
    let whose = match facts.rights.rule {
        Rule::WhenUnassigned => "without any role for documents",
        Rule::WhenNoBuildings => "with roles that name no building",
        _ => "by the roles that count here",
    };
    let rights = &facts.rights;
    writeln!(
        out,
        "Access without being added: {}; the most that can be had: {} ({whose}).",
        rights.default, rights.max
    )?;
    if ask.action == DocumentAction::Create {
        let may = if rights.may_create { "may" } else { "may not" };
        return writeln!(out, "Creating needs a most of owner, in a building of their own: they {may}.");
    }
    writeln!(
        out,
        "The document itself gives {}. The higher of the two, cut to the most: {}. Needed: {}.",
        facts.explicit,
        facts.effective,
        ask.action.needs()
    )?;
    if let Some(max) = facts.grantee_max {
        writeln!(out, "The most that the other person can have of it: {max}.")?;
    }
    Ok(())
}

/// The school whose plan leaves out what is asked, where plans decided.
fn left_out_by<'a>(bundle: &'a Bundle, request: &AccessRequest<'_>, decision: &Decision) -> Option<&'a str> {
    let Ask::Permission { domain, permission, scope } = &request.ask else { return None };
    let domain = &bundle.domains()[*domain];
    if (decision.reason, decision.rule) != (Reason::PermissionNotGranted, Rule::Plan)
        || domain.is_base(*permission)
    {
        return None;
    }
    let (school, _) = domain.plans(*scope).find(|(_, plan)| {
        let (Plan::Exactly(set) | Plan::AnyOf(set)) = plan;
        !set.contains(*permission)
    })?;
    Some(bundle.scopes().name(school))
}

fn because(bundle: &Bundle, request: &AccessRequest<'_>, told: &Explanation) -> String {
    let decision = &told.decision;
    if let Some(school) = left_out_by(bundle, request, decision) {
        return format!("the plan of {school} leaves it out, whatever is held");
    }
    let role = decision.domain.zip(decision.role).map(|(id, role)| {
        let held = role_name(&bundle.domains()[id], role);
        match decision.scope {
            Some(scope) => format!("{held} at {}", bundle.scopes().name(scope)),
            None => held,
        }
    });
    match (decision.reason, role) {
        (Reason::Granted, Some(role)) if decision.rule == Rule::ExplicitGrant => {
            format!("the document itself gives it, and {role} allows as much")
        }
        (Reason::Granted, Some(role)) if decision.rule == Rule::AssignableBy => {
            format!("{role} may give and take it")
        }
        (Reason::Granted, Some(_)) if decision.rule == Rule::Change => in_words(Reason::Granted).to_owned(),
        (Reason::Granted, Some(role)) => format!("{role} grants it"),
        (Reason::NotAssignable, _) if decision.rule == Rule::SelfUpdate => {
            "nobody adds to their own rights here".to_owned()
        }
        (Reason::PlanFixed, _) if decision.scope.is_some() => {
            let school = decision.scope.map_or("", |scope| bundle.scopes().name(scope));
            format!("the plan of {school} fixes what can be had there")
        }
        (Reason::PermissionNotGranted, Some(role)) => format!("{role} decides, and does not grant it"),
        (Reason::ModuleGated | Reason::RequiresMissing, Some(role)) => {
            format!("{role} grants it, but {}", in_words(decision.reason))
        }
        (reason, _) => in_words(reason).to_owned(),
    }
}

fn role_name(domain: &Domain, role: RoleId) -> String {
    let role = &domain.roles()[role];
    match &role.title {
        Some(title) => format!("{title} ({})", role.name),
        None => role.name.clone(),
    }
}

/// A reason as a half sentence.
fn in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Granted => "all that is needed is there",
        Reason::Public => "the route is public",
        Reason::StalePolicy => "a roster is older than the policy allows",
        Reason::Malformed => "the request cannot be read in one way only",
        Reason::AmbiguousRequest => "the request says one thing twice",
        Reason::NoRoute => "no route of the bundle matches it",
        Reason::NoMethod => "the route has no such method",
        Reason::UnknownSubject => "nobody of that name and kind is in the roster",
        Reason::Suspended => "the person, or what they come with, is suspended",
        Reason::NoAccountRole => "a role is mandatory for everybody here, and this person has none",
        Reason::UnknownName => "the bundle has no such permission or form",
        Reason::AttributeMissing => "something that the rule must know is not known",
        Reason::ScopeUnknown => "the place is not in the bundle",
        Reason::WrongLevel => "the permission is asked at a place that is too broad for it",
        Reason::NoRoleInContext => "no role that could decide this is held here",
        Reason::PermissionNotGranted => "no role that is held here grants it",
        Reason::RelationUnmet => "it is granted for one's own only, and this is not",
        Reason::StepUpRequired => "it asks for a fresh or stronger log-in",
        Reason::ConditionFailed => "a condition of the route does not hold",
        Reason::ConditionError => "a condition of the route cannot be judged",
        Reason::Blocked => "the person, or what they come with, is kept away from this student or place",
        Reason::ModuleGated => "the module is not on in the role above",
        Reason::RequiresMissing => "another permission that it needs is missing",
        Reason::LevelBelowRequired => "the access to this document does not reach that far",
        Reason::CreateNeedsOwner => "creating needs a most of owner for this form, where the student is",
        Reason::FormDeleted => "the form is deleted, and nothing is created from it any more",
        Reason::SelfRemoval => "nobody takes a permission from themselves",
        Reason::PlanFixed => "the plan of the school fixes what can be had there",
        Reason::UnknownTitle => "there is no such title",
        Reason::RoleLocked => "the role is locked, and nobody changes it",
        Reason::NotAssignable => "no role that is held here may give and take that role",
        Reason::GranteeMax => "the other person may not have that much of it",
        Reason::RecordTypeNotShared => "such records are not shared with the application",
        Reason::Unfilterable => "the answer cannot be cut to what the caller may see, so nobody gets it",
        Reason::ParameterNotDeclared => "the route does not list this query parameter",
        _ => "it was refused before any rule was asked",
    }
}
