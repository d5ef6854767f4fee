//! Makes a failing bundle smaller for as long as it keeps failing.

use super::model::{Bundle, Domain, Question};
use super::route::Requirement;

/// Tries to leave things out, one by one, and to make what stays plainer, until nothing more can go. `fails` answers
/// false for a bundle that does not load.
pub fn shrink<Q: Clone>(
    bundle: &Bundle,
    question: &Q,
    plainer_questions: impl Fn(&Q) -> Vec<Q>,
    fails: impl Fn(&Bundle, &Q) -> bool,
) -> (Bundle, Q) {
    let (mut bundle, mut question) = (bundle.clone(), question.clone());
    loop {
        let mut smaller = false;
        let mut at = 0;
        while let Some(candidate) = without(&bundle, at) {
            if candidate.is_sound() && fails(&candidate, &question) {
                bundle = candidate;
                smaller = true;
            } else {
                at += 1;
            }
        }
        for plainer in plainer_questions(&question) {
            if fails(&bundle, &plainer) {
                question = plainer;
                smaller = true;
                break;
            }
        }
        if !smaller {
            return (bundle, question);
        }
    }
}

/// The bundle with the `at`th of all the things that can be left out left out; `None` when there is no such thing.
fn without(bundle: &Bundle, at: usize) -> Option<Bundle> {
    let mut result = bundle.clone();
    let mut left = at;
    /// Removes the `left`th item of a list, or counts past the list.
    macro_rules! list {
        ($list:expr) => {
            if left < $list.len() {
                $list.remove(left);
                return Some(result);
            }
            left -= $list.len();
        };
    }
    /// Sets a place to its plainest value if it is not that yet.
    macro_rules! plain {
        ($is_not:expr, $make:expr) => {
            if $is_not {
                if left == 0 {
                    $make;
                    return Some(result);
                }
                left -= 1;
            }
        };
    }
    list!(result.domains);
    list!(result.assignments);
    list!(result.people);
    list!(result.suspended);
    list!(result.listed);
    list!(result.routes);
    for number in 0..result.routes.len() {
        list!(result.routes[number].requirements);
        for requirement in &mut result.routes[number].requirements {
            if let Requirement::Any(all) = requirement {
                list!(all);
            }
        }
    }
    list!(result.enrolments);
    list!(result.guardians);
    list!(result.blocks);
    plain!(result.zone != super::model::Zone::Utc, result.zone = super::model::Zone::Utc);
    for number in 0..result.assignments.len() {
        list!(result.assignments[number].buildings);
        list!(result.assignments[number].options);
        plain!(
            result.assignments[number].permissions.is_some(),
            result.assignments[number].permissions = None
        );
        if result.assignments[number].permissions.is_some() {
            list!(result.assignments[number].permissions.as_mut().expect("just seen"));
        }
        plain!(result.assignments[number].suspended, result.assignments[number].suspended = false);
    }
    let rows = result.assignments.iter_mut().map(|row| &mut row.dates);
    let rows = rows.chain(result.enrolments.iter_mut().map(|row| &mut row.dates));
    let rows = rows.chain(result.guardians.iter_mut().map(|row| &mut row.dates));
    for dates in rows.chain(result.blocks.iter_mut().map(|row| &mut row.dates)) {
        plain!(dates.from.is_some(), dates.from = None);
        plain!(dates.until.is_some(), dates.until = None);
    }
    for number in 0..result.people.len() {
        list!(result.people[number].buildings);
        plain!(!result.people[number].enabled, result.people[number].enabled = true);
    }
    for domain in 0..result.domains.len() {
        plain!(result.domains[domain].mandatory.is_some(), result.domains[domain].mandatory = None);
        plain!(
            result.domains[domain].mandatory.as_ref().is_some_and(|m| m.default_role.is_some()),
            result.domains[domain].mandatory.as_mut().expect("just seen").default_role = None
        );
        plain!(
            result.domains[domain].same_scope_is_an_error,
            result.domains[domain].same_scope_is_an_error = false
        );
        plain!(result.domains[domain].documents.is_some(), result.domains[domain].documents = None);
        list!(result.domains[domain].base);
        list!(result.domains[domain].modules_off);
        list!(result.domains[domain].archived);
        list!(result.domains[domain].titles);
        plain!(
            result.domains[domain].add_to_oneself_denied,
            result.domains[domain].add_to_oneself_denied = false
        );
        list!(result.domains[domain].plans);
        for plan in 0..result.domains[domain].plans.len() {
            list!(result.domains[domain].plans[plan].1.permissions);
        }
        list!(result.domains[domain].roles);
        list!(result.domains[domain].modules);
        list!(result.domains[domain].scopes);
        for role in 0..result.domains[domain].roles.len() {
            list!(result.domains[domain].roles[role].grants);
            list!(result.domains[domain].roles[role].optional);
            list!(result.domains[domain].roles[role].includes);
            list!(result.domains[domain].roles[role].assignable_by);
            plain!(
                result.domains[domain].roles[role].locked,
                result.domains[domain].roles[role].locked = false
            );
            plain!(
                result.domains[domain].roles[role].never_overridden,
                result.domains[domain].roles[role].never_overridden = false
            );
            plain!(
                result.domains[domain].roles[role].deleted,
                result.domains[domain].roles[role].deleted = false
            );
            plain!(
                result.domains[domain].roles[role].forms.is_some(),
                result.domains[domain].roles[role].forms = None
            );
            if result.domains[domain].roles[role].forms.is_some() {
                list!(result.domains[domain].roles[role].forms.as_mut().expect("just seen"));
            }
        }
        for module in 0..result.domains[domain].modules.len() {
            plain!(
                result.domains[domain].modules[module].gate_at.is_some(),
                result.domains[domain].modules[module].gate_at = None
            );
            list!(result.domains[domain].modules[module].permissions);
            for permission in 0..result.domains[domain].modules[module].permissions.len() {
                list!(result.domains[domain].modules[module].permissions[permission].requires);
                plain!(
                    result.domains[domain].modules[module].permissions[permission].only_at.is_some(),
                    result.domains[domain].modules[module].permissions[permission].only_at = None
                );
                plain!(
                    result.domains[domain].modules[module].permissions[permission].step_up.is_some(),
                    result.domains[domain].modules[module].permissions[permission].step_up = None
                );
                plain!(
                    result.domains[domain].modules[module].permissions[permission].power,
                    result.domains[domain].modules[module].permissions[permission].power = false
                );
            }
        }
        if result.domains[domain].documents.is_some() {
            list!(result.domains[domain].documents.as_mut().expect("just seen").forms);
        }
    }
    let _ = left;
    None
}

pub fn plainer_questions(q: &Question) -> Vec<Question> {
    let mut all = Vec::new();
    if q.target.is_some() {
        all.push(Question { target: None, ..q.clone() });
    }
    if q.access.is_some() {
        all.push(Question { access: None, ..q.clone() });
    }
    if q.explicit.is_some() {
        all.push(Question { explicit: None, ..q.clone() });
    }
    if q.assigned.is_some() {
        all.push(Question { assigned: None, ..q.clone() });
    }
    if q.student.is_some() {
        all.push(Question { student: None, ..q.clone() });
    }
    if !q.claims.is_empty() {
        all.push(Question { claims: Vec::new(), ..q.clone() });
    }
    for at in 0..q.buildings.as_ref().map_or(0, Vec::len) {
        let mut fewer = q.clone();
        fewer.buildings.as_mut().expect("there are some").remove(at);
        all.push(fewer);
    }
    all
}

impl Bundle {
    /// Whether every name that something refers to is there.
    fn is_sound(&self) -> bool {
        let assignments = self.assignments.iter().all(|a| {
            self.person(&a.subject).is_some()
                && self.domains.iter().any(|domain| {
                    domain.name == a.domain
                        && domain.roles.iter().any(|role| role.name == a.role)
                        && domain.has_scope(&a.scope)
                })
        });
        let domains = self.domains.iter().all(|domain| {
            let parents = domain.scopes.iter().filter_map(|scope| scope.parent.as_deref());
            let roles = |name: &String| domain.roles.iter().any(|role| role.name == *name);
            let modules = |name: &String| domain.modules.iter().any(|module| module.name == *name);
            let required: Vec<&String> = domain
                .modules
                .iter()
                .flat_map(|module| &module.permissions)
                .flat_map(|permission| &permission.requires)
                .collect();
            parents.into_iter().all(|parent| domain.has_scope(parent))
                && domain.roles.iter().all(|role| {
                    role.includes.iter().chain(&role.assignable_by).all(roles)
                        && role.grants.iter().all(|(module, _)| modules(module))
                })
                && required.into_iter().all(|name| {
                    domain.modules.iter().any(|module| {
                        module.permissions.iter().any(|p| format!("{}.{}", module.name, p.name) == *name)
                    })
                })
                && domain
                    .mandatory
                    .as_ref()
                    .and_then(|mandatory| mandatory.default_role.as_ref())
                    .is_none_or(roles)
        });
        let listed = self.listed.iter().all(|listed| {
            let forms =
                |domain: &Domain| domain.documents.iter().flat_map(|d| d.forms.clone()).collect::<Vec<_>>();
            let known = |domain: &Domain| {
                domain.name == listed.domain && forms(domain).iter().any(|form| form.name == listed.form)
            };
            let people = [&listed.viewers, &listed.editors, &listed.owners];
            self.domains.iter().any(known)
                && self.person(&listed.student).is_some()
                && people.into_iter().flatten().chain(&listed.created_by).all(|id| self.person(id).is_some())
        });
        assignments && domains && listed
    }
}
