//! Sections 3 and 4: whether a permission is effective on a scope, and by which role.

use super::evaluate::{Denied, chain, within};
use super::facts::{Facts, Met};
use super::model::{Assignment, Bundle, Domain, Grant, Module, Permission, Person, Relation, Role};

/// Domain, role, scope.
pub type Decider = (String, String, String);

/// A permission with the module that it is in.
pub type Found<'a> = (&'a Module, &'a Permission);

pub fn find<'a>(domain: &'a Domain, name: &str) -> Option<Found<'a>> {
    let (module, short) = name.split_once('.')?;
    let module = domain.modules.iter().find(|known| known.name == module)?;
    Some((module, module.permissions.iter().find(|known| known.name == short)?))
}

/// A role that counts on a chain: by an assignment, or by default without one.
pub struct Holding<'a> {
    role: &'a Role,
    scope: String,
    assignment: Option<&'a Assignment>,
}

impl Holding<'_> {
    /// Section 4: "A suspended assignment counts as held and grants nothing"; so does a role at an archived scope.
    fn grants_nothing(&self, domain: &Domain) -> bool {
        self.assignment.is_some_and(|a| a.suspended) || domain.is_archived(&self.scope)
    }
}

/// The roles that somebody actively holds by an assignment: one that grants nothing is not, and neither is the default
/// role.
pub fn held_roles(domain: &Domain, held: &[Holding<'_>]) -> Vec<String> {
    let active = held.iter().filter(|one| one.assignment.is_some() && !one.grants_nothing(domain));
    active.map(|one| one.role.name.clone()).collect()
}

/// The active assignments of a person on a chain, and the default role. `no_account_role` if a mandatory role is missing.
pub fn holdings<'a>(
    bundle: &'a Bundle,
    domain: &'a Domain,
    person: &Person,
    chain: &[String],
    now: i64,
) -> Result<Vec<Holding<'a>>, Denied> {
    let mut held = Vec::new();
    for a in &bundle.assignments {
        let counts = a.subject == person.id
            && a.domain == domain.name
            && chain.contains(&a.scope)
            // Section 9: assignments of a deleted role "count as not there".
            && !domain.role(&a.role).deleted
            && within(bundle, a.dates, now);
        if counts {
            let role = domain.role(&a.role);
            held.push(Holding { role, scope: a.scope.clone(), assignment: Some(a) });
        }
    }
    // Section 3, `mandatory`.
    if let Some(mandatory) = &domain.mandatory
        && person.kinds.iter().any(|kind| mandatory.kinds.contains(kind))
        // "A suspended assignment at the level is still one there."
        && !held.iter().any(|holding| domain.level_of(&holding.scope) == mandatory.level)
    {
        let Some(default_role) = &mandatory.default_role else { return Err("no_account_role") };
        // The role is held where it is missing: at the scope of that level on the chain. The text leaves open what
        // holds on a chain that has none; the closed reading is that the default role cannot be held there.
        let at_level = |scope: &&String| domain.level_of(scope) == mandatory.level;
        let scope = chain.iter().find(at_level).ok_or("no_account_role")?;
        let role = domain.role(default_role);
        held.push(Holding { role, scope: scope.clone(), assignment: None });
    }
    Ok(held)
}

/// A grant of one permission, by whatever relation.
type Granted = Option<Relation>;

/// Section 4: what the roles of a list say of a permission under `grants` or `optional`. `off` takes nothing away.
fn listed<'a>(
    roles: &[&'a Role],
    which: impl Fn(&'a Role) -> &'a [(String, Grant)],
    (module, permission): Found<'_>,
) -> Vec<Granted> {
    let mut found = Vec::new();
    for role in roles {
        for (name, grant) in which(role) {
            let Grant::List(items) = grant else { continue };
            if *name != module.name {
                continue;
            }
            // "`all` is everything it has, now and later, but for power permissions". Whether it is also what only roles of
            // another level decide, for a broader role that includes this one, is left open; the closed reading is no.
            let decides = permission.only_at.as_ref().is_none_or(|only| *only == role.level);
            found.extend(items.iter().filter_map(|item| {
                let names = match item.word.as_str() {
                    "all_and_power" => decides,
                    "all" => decides && !permission.power,
                    word => word == permission.name,
                };
                names.then_some(item.relation)
            }));
        }
    }
    found
}

/// What a role that is held grants of a permission: each way, with its relation.
fn grants(domain: &Domain, holding: &Holding<'_>, found: Found<'_>) -> Vec<Granted> {
    let full = format!("{}.{}", found.0.name, found.1.name);
    if holding.grants_nothing(domain) {
        return Vec::new();
    }
    // Section 4: "A custom set on an assignment replaces the permissions of that assignment alone."
    if let Some(set) = holding.assignment.and_then(|a| a.permissions.as_ref()) {
        return set.iter().filter(|item| item.word == full).map(|item| item.relation).collect();
    }
    // "all that the included roles have, transitively"; section 3: "An included grant keeps its relation and its
    // optionality."
    let roles = domain.with_included(&holding.role.name);
    let outright = listed(&roles, |role| role.grants.as_slice(), found);
    // Section 4: "an option adds nothing to a grant that is there already".
    let on = holding.assignment.is_some_and(|a| a.options.contains(&full));
    if outright.is_empty() && on { listed(&roles, |role| role.optional.as_slice(), found) } else { outright }
}

/// Section 4: "`base: [...]` of a domain are permissions that every assignment carries, under custom sets and plans too";
/// section 3: the default role "carries no `base`".
fn carries_base(domain: &Domain, holding: &Holding<'_>, found: Found<'_>) -> bool {
    let full = format!("{}.{}", found.0.name, found.1.name);
    holding.assignment.is_some() && !holding.grants_nothing(domain) && domain.base.contains(&full)
}

/// Whether options that a bundle switches on are ones of the role: no grant is there already.
pub fn is_optional(domain: &Domain, role: &str, name: &str) -> bool {
    let found = find(domain, name).expect("a permission");
    let roles = domain.with_included(role);
    listed(&roles, |role| role.grants.as_slice(), found).is_empty()
        && !listed(&roles, |role| role.optional.as_slice(), found).is_empty()
}

/// Section 4: "`[]` is on and grants nothing, but opens a gate"; "A module that is not named in a role is off"; "a custom
/// set opens the gates of the modules that it names; `base`, options and suspended assignments open none".
fn module_is_on(domain: &Domain, holding: &Holding<'_>, module: &Module) -> bool {
    if holding.grants_nothing(domain) {
        return false;
    }
    if let Some(set) = holding.assignment.and_then(|a| a.permissions.as_ref()) {
        let of_module = |name: &str| name.split_once('.').is_some_and(|(name, _)| name == module.name);
        return set.iter().any(|item| of_module(&item.word));
    }
    let named = |role: &&Role| {
        role.grants.iter().any(|(name, grant)| *name == module.name && matches!(grant, Grant::List(_)))
    };
    domain.with_included(&holding.role.name).iter().any(named)
}

/// Whether a permission is effective on a scope of the domain's tree. Granted by a plan, no role is named.
pub fn may(
    facts: &Facts<'_>,
    domain: &Domain,
    found: Found<'_>,
    scope: &str,
) -> Result<Option<Decider>, Denied> {
    let (module, permission) = found;
    let rank = |scope: &str| domain.rank(domain.level_of(scope));
    // Section 3: "A permission of level L is asked only on a scope of level L or narrower (`wrong_level`)."
    if rank(scope) < domain.rank(&module.level) {
        return Err("wrong_level");
    }
    let chain = chain(domain, scope);
    let held = holdings(facts.bundle, domain, facts.person, &chain, facts.now)?;
    // Section 3: eligible are those at scopes of the chain whose level is L or broader; section 4: "`only_at: K`: only
    // roles of level K decide".
    let eligible: Vec<&Holding<'_>> = held
        .iter()
        .filter(|holding| rank(&holding.scope) <= domain.rank(&module.level))
        .filter(|holding| permission.only_at.as_ref().is_none_or(|only| *only == holding.role.level))
        .collect();
    if eligible.is_empty() {
        return Err("no_role_in_context");
    }
    let decider = decided_by(facts, domain, found, scope, &chain, &eligible)?;
    // Section 4: "`modules_off: [...]` at a root switches a module off for everyone there."
    let off =
        |(root, modules): &(String, Vec<String>)| chain.contains(root) && modules.contains(&module.name);
    if domain.modules_off.iter().any(off) {
        return Err("module_gated");
    }
    // Section 4, `gate_at`: "an active role of the subject at level K on the chain must have the module on".
    if let Some(gate) = &module.gate_at {
        let opens =
            |holding: &Holding<'_>| holding.role.level == *gate && module_is_on(domain, holding, module);
        if !held.iter().any(opens) {
            return Err("module_gated");
        }
    }
    // Section 4, `requires`: "every named permission ... is effective too, each by its own rules"; `power_requires`:
    // "`step_up_required`, also where a permission that it requires is a power permission". In the order of section 2.
    let required = permission.requires.iter().map(|name| {
        let required = find(domain, name).expect("a required permission");
        may(facts, domain, required, scope)
    });
    let failed: Vec<Denied> = required.filter_map(Result::err).collect();
    if failed.iter().any(|reason| *reason != "step_up_required") {
        return Err("requires_missing");
    }
    let shown = permission.step_up.as_ref().is_none_or(|(claim, has)| facts.claims(claim, has));
    if shown && failed.is_empty() { Ok(decider) } else { Err("step_up_required") }
}

/// Which of the eligible roles grants: the narrowest that does, by what decides in the domain.
fn decided_by(
    facts: &Facts<'_>,
    domain: &Domain,
    found: Found<'_>,
    scope: &str,
    chain: &[String],
    eligible: &[&Holding<'_>],
) -> Result<Option<Decider>, Denied> {
    let full = format!("{}.{}", found.0.name, found.1.name);
    let plans: Vec<_> = domain.plans.iter().filter(|(school, _)| chain.contains(school)).collect();
    let exact: Vec<_> = plans.iter().filter(|(_, plan)| plan.exactly).collect();
    // "`any_of`: nothing outside it may be listed or is effective there"; `base` is carried "under plans too".
    let within_choice = plans.iter().all(|(_, plan)| plan.exactly || plan.permissions.contains(&full));
    if !exact.is_empty() {
        // "`exactly` is the effective set of every staff member with an assignment at that school, whatever is stored
        // there or held above"; "at that school and below nothing else holds"; "a suspended assignment gives nothing
        // and the default role is none". Where several scopes of a chain have plans, each bounds the others.
        let is_staff = facts.person.kinds.iter().any(|kind| kind == "staff");
        let holds = exact.iter().all(|(school, plan)| {
            let at_school = |holding: &&&Holding<'_>| {
                holding.scope == *school && holding.assignment.is_some() && !holding.grants_nothing(domain)
            };
            let in_plan = within_choice && plan.permissions.contains(&full);
            let mut there = eligible.iter().filter(at_school);
            is_staff && there.any(|holding| in_plan || carries_base(domain, holding, found))
        });
        return if holds { Ok(None) } else { Err("permission_not_granted") };
    }
    // Narrow to broad: where somebody is eligible, in the order of the chain.
    let places: Vec<&String> =
        chain.iter().filter(|scope| eligible.iter().any(|holding| holding.scope == **scope)).collect();
    let mut seen = (false, false);
    for (number, place) in places.into_iter().enumerate() {
        let mut granting: Vec<&str> = Vec::new();
        for holding in eligible.iter().filter(|holding| holding.scope == *place) {
            // Section 3, `most_specific`: "only the narrowest scope with an eligible assignment decides";
            // "`never_overridden: true` on a role: it grants wherever it is assigned". The default role is not assigned.
            let never_overridden = holding.role.never_overridden && holding.assignment.is_some();
            let decides = domain.union || number == 0;
            let mut ways = if within_choice && (decides || never_overridden) {
                grants(domain, holding, found)
            } else {
                Vec::new()
            };
            if (decides || never_overridden) && carries_base(domain, holding, found) {
                ways.push(None);
            }
            for way in ways {
                match way.map_or(Met::Yes, |relation| facts.meets(relation, domain, scope)) {
                    Met::Yes => granting.push(&holding.role.name),
                    Met::No => seen.0 = true,
                    Met::Missing => seen.1 = true,
                }
            }
        }
        // "The deciding role reported is that of the narrowest scope that grants, ties by role id."
        granting.sort_unstable();
        if let Some(first) = granting.first() {
            return Ok(Some((domain.name.clone(), (*first).to_owned(), place.clone())));
        }
    }
    // Section 2: an attribute "is needed only if no grant that does without it holds".
    Err(match seen {
        (_, true) => "attribute_missing",
        (true, false) => "relation_unmet",
        (false, false) => "permission_not_granted",
    })
}
