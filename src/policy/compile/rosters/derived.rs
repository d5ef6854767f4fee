//! `from_roster`: assignments that are computed at load and gone when the enrolment goes.

use super::reading::{ALWAYS, Enrolment, Reading, Tie};
use crate::policy::bundle::Revision;
use crate::policy::compile::assignments::Held;
use crate::policy::compile::domain::Draft;
use crate::policy::compile::names;
use crate::policy::domain::{Domain, TreeNode};
use crate::policy::holders::Tenure;
use crate::policy::people::Kind;
use crate::policy::relations::Span as Days;
use crate::policy::roster::{PlaceWord, RoleWord, Version};
use crate::policy::source::{Diags, Fields, Node, Span, Value};
use crate::policy::table::{DomainId, Id, List, OrgId, PersonId, RoleId, ScopeId, UserId};
use std::collections::HashMap;

/// Which roles of a domain words of OneRoster come to.
struct Mapping {
    domain: DomainId,
    roles: Vec<(RoleWord, RoleId)>,
}

/// An assignment to be.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seat {
    person: PersonId,
    domain: DomainId,
    scope: ScopeId,
    role: RoleId,
    days: Days,
    place: Span,
}

/// The assignments that follow from the rosters, in no order. Stands the scopes of children in the trees.
pub(super) fn read(
    readings: &[Reading<'_>],
    bundle: &mut Revision,
    drafts: &[Draft<'_>],
    diags: &mut Diags,
) -> Vec<Held> {
    let mut mappings = Vec::new();
    for ((domain, _), draft) in bundle.domains.iter().zip(drafts) {
        if let Some(node) = draft.fields.get("from_roster")
            && let Some(roles) = mapping(bundle, domain, draft, node, diags)
        {
            mappings.push(Mapping { domain, roles });
        }
    }
    let mut seats: Vec<Seat> = Vec::new();
    for reading in readings {
        let children = children(reading, bundle, drafts);
        for mapping in &mappings {
            let joins = drafts
                .get(mapping.domain.row())
                .is_some_and(|draft| draft.rosters.contains(&reading.declared.name));
            if joins {
                let domain = &bundle.domains[mapping.domain];
                let mut deriving = Deriving { reading, domain, mapping, seats: &mut seats };
                deriving.by_enrolments();
                deriving.by_orgs();
                deriving.by_children(&children);
            }
        }
    }
    merge(&mut seats);
    seats.into_iter().map(|seat| held(bundle, seat)).collect()
}

/// `from_roster: once`, which only tools carry out, or `from_roster: {derived: {teacher: role}}`.
fn mapping(
    bundle: &Revision,
    domain: DomainId,
    draft: &Draft<'_>,
    node: &Node,
    diags: &mut Diags,
) -> Option<Vec<(RoleWord, RoleId)>> {
    if let Value::Text { text, .. } = &node.value
        && text == "once"
    {
        return None;
    }
    let fields = Fields::of(node, "`once`, or what is derived", &["derived"], diags)?;
    let derived = fields.need("derived", diags)?;
    let mut roles = Vec::new();
    for (key, node) in derived.as_map("roles by the words of OneRoster", diags)? {
        let word = RoleWord::named(&key.text);
        if word.is_none() {
            names::unknown("word of OneRoster", &key.text, key.span, RoleWord::names(), diags);
        }
        let Some(name) = node.as_text("the name of a role", diags) else { continue };
        let row = &bundle.domains[domain];
        let Some(role) = row.role(name) else {
            let known = row.roles().iter().map(|(_, role)| role.name.as_str());
            names::unknown("role", name, node.span, known, diags);
            continue;
        };
        if row.roles()[role].deleted {
            let message = format!("`{name}` is deleted and gives nothing to anybody");
            diags.error(node.span, "deleted_role", message).help("name another role, or take this out");
        }
        roles.extend(word.map(|word| (word, role)));
    }
    if draft.rosters.is_empty() {
        diags
            .error(fields.span(), "missing_key", "`from_roster` says nothing without a roster that joins")
            .help("add `rosters: [...]` to the domain");
    }
    Some(roles)
}

/// The scopes of children, by user: below the one org of a student who is never anywhere else, else as a root.
fn children(reading: &Reading<'_>, bundle: &mut Revision, drafts: &[Draft<'_>]) -> HashMap<UserId, ScopeId> {
    let mut children = HashMap::new();
    let Some(level) = reading.declared.level(PlaceWord::Student) else { return children };
    let mut at: HashMap<UserId, Option<OrgId>> = HashMap::new();
    for tie in reading.ties.iter().filter(|tie| tie.kind == Kind::Student) {
        let only = at.entry(tie.user).or_insert(Some(tie.org));
        // A place in a tree has no dates.
        if *only != Some(tie.org) || tie.days != ALWAYS {
            *only = None;
        }
    }
    let mut students: Vec<(PersonId, UserId)> = reading
        .users
        .iter()
        .filter(|(_, user)| user.kinds.contains(Kind::Student))
        .filter_map(|(id, user)| Some((user.person?, id)))
        .collect();
    students.sort_unstable();
    let domains: Vec<DomainId> = bundle.domains.iter().map(|(id, _)| id).collect();
    for (person, user) in students {
        let id = bundle.people.row(person).id.clone();
        let scope = bundle.scopes.intern(level, &id);
        children.insert(user, scope);
        let org = at.get(&user).copied().flatten();
        for (domain, draft) in domains.iter().copied().zip(drafts) {
            if !draft.rosters.contains(&reading.declared.name) {
                continue;
            }
            let Some(level) = draft.level(level) else { continue };
            let row = &bundle.domains[domain];
            let above = org.and_then(|org| nearest_in(row, reading, org));
            let above =
                above.filter(|above| row.node(*above).is_some_and(|node| node.level.is_broader_than(level)));
            if let Some(row) = bundle.domains.get_mut(domain) {
                row.stand(scope, TreeNode { level, parent: above });
            }
        }
    }
    children
}

/// The scope of an org, or of the nearest one above it that stands in the tree of a domain.
fn nearest_in(domain: &Domain, reading: &Reading<'_>, org: OrgId) -> Option<ScopeId> {
    let stands = |scope: Option<ScopeId>| scope.is_some_and(|scope| domain.node(scope).is_some());
    let org = reading.nearest_org(org, |org| stands(org.scope))?;
    reading.orgs[org].scope
}

/// What follows from one roster in one domain.
struct Deriving<'a> {
    reading: &'a Reading<'a>,
    domain: &'a Domain,
    mapping: &'a Mapping,
    seats: &'a mut Vec<Seat>,
}

impl<'a> Deriving<'a> {
    /// Somebody has a role at a scope, if that is one of the role's level.
    fn seat(&mut self, user: UserId, role: RoleId, scope: Option<ScopeId>, days: Days, place: Span) {
        let level = self.domain.roles()[role].level;
        let fits = |scope: &ScopeId| self.domain.node(*scope).is_some_and(|node| node.level == level);
        if let (Some(person), Some(scope)) = (self.reading.users[user].person, scope.filter(fits)) {
            self.seats.push(Seat { person, domain: self.mapping.domain, scope, role, days, place });
        }
    }

    fn roles(&self, word: RoleWord) -> impl Iterator<Item = RoleId> + use<'a> {
        self.mapping.roles.iter().filter(move |(of, _)| *of == word).map(|(_, role)| *role)
    }

    /// Where somebody in a class has a role: in the class, or above it, as the role's level says.
    fn at_class(&self, enrolment: &Enrolment, role: RoleId) -> Option<ScopeId> {
        let class = &self.reading.classes[enrolment.class];
        let level = self.domain.roles()[role].level;
        let within = class.scope.filter(|scope| self.domain.node(*scope).is_some());
        within
            .or_else(|| nearest_in(self.domain, self.reading, class.school))
            .and_then(|scope| self.domain.ancestor(scope, level))
    }

    fn by_enrolments(&mut self) {
        let reading = self.reading;
        for enrolment in &reading.enrolments {
            let place = reading.span("enrollments.csv", enrolment.line);
            for role in self.roles(enrolment.word) {
                let scope = self.at_class(enrolment, role);
                self.seat(enrolment.user, role, scope, enrolment.days, place);
            }
        }
    }

    /// At an org itself, and at no other: an administrator of a district has no role of a school by that. Teachers have
    /// theirs by their classes, guardians by their children.
    fn by_orgs(&mut self) {
        let reading = self.reading;
        let tied_in = if reading.version == Version::V1_1 { "users.csv" } else { "roles.csv" };
        let own = |tie: &&Tie| tie.word != RoleWord::Teacher && tie.kind != Kind::Guardian;
        for tie in reading.ties.iter().filter(own) {
            for role in self.roles(tie.word) {
                let place = reading.span(tied_in, tie.line);
                self.seat(tie.user, role, reading.orgs[tie.org].scope, tie.days, place);
            }
        }
    }

    /// Guardians have their roles where their children are, on the days on which they are guardians themselves.
    fn by_children(&mut self, children: &HashMap<UserId, ScopeId>) {
        let (reading, mapping) = (self.reading, self.mapping);
        if reading.guardians.is_empty() || mapping.roles.is_empty() {
            return;
        }
        let mut ties: HashMap<UserId, Vec<&Tie>> = HashMap::new();
        for tie in reading.ties.iter().filter(|tie| tie.kind == Kind::Student) {
            ties.entry(tie.user).or_default().push(tie);
        }
        let mut enrolled: HashMap<UserId, Vec<&Enrolment>> = HashMap::new();
        for enrolment in reading.enrolments.iter().filter(|enrolment| enrolment.word == RoleWord::Student) {
            enrolled.entry(enrolment.user).or_default().push(enrolment);
        }
        let guardian_days = reading.guardian_days();
        for (guardian, student) in &reading.guardians {
            let words = reading.users[*guardian].words;
            let responsible = |word: &RoleWord| reading.declared.kind(*word) == Some(Kind::Guardian);
            let held = mapping.roles.iter().filter(|(word, _)| words & word.bit() != 0 && responsible(word));
            for (word, role) in held.copied() {
                let place = reading.span("users.csv", reading.users[*student].line);
                let at_home = children.get(student).map(|scope| (Some(*scope), ALWAYS));
                let at_orgs = ties.get(student).into_iter().flatten();
                let at_orgs = at_orgs.map(|tie| (reading.orgs[tie.org].scope, tie.days));
                let at_classes = enrolled.get(student).into_iter().flatten();
                let at_classes = at_classes.map(|one| (self.at_class(one, role), one.days));
                let places: Vec<_> = at_home.into_iter().chain(at_orgs).chain(at_classes).collect();
                let own = guardian_days.get(guardian).into_iter().flatten();
                for (_, own) in own.filter(|(as_what, _)| as_what.is_none_or(|as_what| as_what == word)) {
                    for (scope, days) in &places {
                        let days = Days { from: days.from.max(own.from), until: days.until.min(own.until) };
                        if days.from < days.until {
                            self.seat(*guardian, role, *scope, days, place);
                        }
                    }
                }
            }
        }
    }
}

/// One role at one scope is one assignment for each span of days without a gap, however many rows say so.
fn merge(seats: &mut Vec<Seat>) {
    seats.sort_unstable_by_key(|seat| {
        let Seat { person, domain, scope, role, days, place } = *seat;
        (person, domain, scope, role, days.from, days.until, place.file, place.line)
    });
    seats.dedup_by(|later, kept| {
        let same = (later.person, later.domain, later.scope, later.role)
            == (kept.person, kept.domain, kept.scope, kept.role);
        let joined = same && later.days.from <= kept.days.until;
        if joined {
            kept.days.until = kept.days.until.max(later.days.until);
        }
        joined
    });
}

/// An assignment as others are. Where the role speaks of documents, it names the building that its scope lies in.
fn held(bundle: &mut Revision, seat: Seat) -> Held {
    let domain = &bundle.domains[seat.domain];
    let forms = domain.forms().filter(|_| domain.roles()[seat.role].bears_forms());
    let building = forms.and_then(|forms| domain.ancestor(seat.scope, forms.buildings));
    let tenure = bundle.holders.tenures.put(Tenure {
        domain: seat.domain,
        role: seat.role,
        from: seat.days.from,
        until: seat.days.until,
        suspended: false,
        archived: domain.is_archived(seat.scope),
        from_roster: true,
        set: None,
        buildings: bundle.buildings.put(building.as_slice()),
        options: List::EMPTY,
    });
    Held { person: seat.person, scope: seat.scope, tenure, span: seat.place }
}
