//! A compiled bundle: what a decision reads. Made only by [`compile`](super::compile), so it cannot be wrong.

use super::access::Entry;
use super::document::Documents;
use super::domain::Domain;
use super::grants::{Grants, Relation};
use super::holders::{Assignment, Assignments, Holders, Tenure};
use super::names::NameMap;
use super::people::{Kinds, People, Principal};
use super::records::Records;
use super::relations::{Block, Relations};
use super::roster::Freshness;
use super::route::Routes;
use super::table::{
    Distinct, DomainId, Id, IdSet, LevelId, List, Lists, PermissionId, PersonId, ScopeId, SetId, Table,
};
use crate::time::Time;
use jiff::tz::TimeZone;
use std::ops::Deref;
use std::sync::Arc;

/// What a decision is made from: a compiled revision, who is suspended, and who may not come near whom. All that a
/// revision says is read through it. Cheap to clone: the revision is shared.
#[derive(Debug, Clone)]
pub struct Bundle {
    compiled: Arc<Revision>,
    /// What the revision says, and what is said besides.
    held_off: HeldOff,
}

/// Suspensions and blocks. They come before any grant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldOff {
    /// People and applications.
    pub(super) suspended: IdSet<PersonId>,
    /// In their order.
    pub(super) credentials: Arc<[Box<str>]>,
    /// Ordered by subject.
    pub(super) blocks: Arc<[Block]>,
}

impl HeldOff {
    /// The people and applications that are suspended.
    pub fn suspended(&self) -> &IdSet<PersonId> {
        &self.suspended
    }

    /// The names of the credentials that are suspended, in their order.
    pub fn credentials(&self) -> &[Box<str>] {
        &self.credentials
    }

    /// The blocks, ordered by subject.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What either of them says.
    #[must_use]
    pub fn with(&self, other: &HeldOff) -> HeldOff {
        let mut suspended = self.suspended.clone();
        suspended.extend(other.suspended.iter());
        let more = other.blocks.iter().filter(|block| !self.blocks.contains(block));
        let mut blocks: Vec<Block> = self.blocks.iter().chain(more).cloned().collect();
        blocks.sort_by_key(|block| block.subject);
        let mut credentials: Vec<Box<str>> =
            self.credentials.iter().chain(other.credentials.iter()).cloned().collect();
        credentials.sort_unstable();
        credentials.dedup();
        HeldOff { suspended, credentials: credentials.into(), blocks: blocks.into() }
    }
}

impl Bundle {
    pub(super) fn new(compiled: Revision) -> Bundle {
        Bundle { held_off: compiled.held_off.clone(), compiled: Arc::new(compiled) }
    }

    /// The same revision, with these suspensions and blocks besides its own. They take the place of those that were
    /// said besides before.
    pub fn with(&self, besides: &HeldOff) -> Bundle {
        Bundle { compiled: self.compiled.clone(), held_off: self.compiled.held_off.with(besides) }
    }

    /// All suspensions and blocks.
    pub fn held_off(&self) -> &HeldOff {
        &self.held_off
    }

    /// Whether a person is suspended. Suspended people are refused before any grant is looked at.
    pub fn is_suspended(&self, person: PersonId) -> bool {
        self.held_off.suspended.contains(person)
    }

    /// Whether the subject, the application that they come through or the credential is suspended.
    pub fn suspends(&self, principal: Principal<'_>) -> bool {
        let Principal { subject, through, credential } = principal;
        let credentials = &self.held_off.credentials;
        self.is_suspended(subject)
            || through.is_some_and(|application| self.is_suspended(application))
            || credential
                .is_some_and(|name| credentials.binary_search_by(|known| (**known).cmp(name)).is_ok())
    }

    /// The blocks of `subject` that hold at `now`. Almost nobody has one.
    pub fn blocks(&self, subject: PersonId, now: Time) -> impl Iterator<Item = &Block> + Clone {
        let blocks = &self.held_off.blocks;
        let from = blocks.partition_point(|block| block.subject < subject);
        let rest = blocks.get(from..).unwrap_or_default().iter();
        rest.take_while(move |block| block.subject == subject).filter(move |block| block.span.holds(now))
    }
}

impl Deref for Bundle {
    type Target = Revision;

    fn deref(&self) -> &Revision {
        &self.compiled
    }
}

/// One revision of the policy, whole.
#[derive(Debug)]
pub struct Revision {
    pub(super) manifest: Manifest,
    pub(super) revision: String,
    /// How long the data of its rosters is believed, where the policy says so.
    pub(super) freshness: Box<[Freshness]>,
    pub(super) domains: Table<DomainId, Domain>,
    pub(super) scopes: Scopes,
    pub(super) people: People,
    /// Who holds what.
    pub(super) holders: Holders,
    /// Buildings of people and of assignments.
    pub(super) buildings: Lists<ScopeId>,
    /// What people are who are not the same on all days, packed.
    pub(super) stages: Vec<Stage>,
    pub(super) documents: Documents,
    pub(super) routes: Routes,
    pub(super) relations: Relations,
    /// The catalogue of records, and what of it is shared.
    pub(super) records: Records,
    /// Custom sets of assignments.
    pub(super) sets: Distinct<SetId, Grants>,
    /// Options that assignments switch on.
    pub(super) options: Lists<PermissionId>,
    /// The suspensions and blocks of the revision itself.
    pub(super) held_off: HeldOff,
    /// The time zone of the school, in which days begin and end.
    pub(super) time_zone: TimeZone,
}

/// What somebody is, and where, until an instant; from the end of the stage before on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    until: Time,
    kinds: Kinds,
    buildings: List<ScopeId>,
}

/// What a bundle says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Its name.
    pub name: String,
    /// Who made this revision.
    pub author: Option<String>,
    /// What asked for it: the id of a ticket or a merge request.
    pub change: Option<String>,
}

impl Revision {
    /// The name in the manifest.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The revision: SHA-256 over the names and bytes of the sources and of the rosters, as 64 hexadecimal digits.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// From when the data of its rosters is and how long that is believed, of those for which the policy says so.
    pub fn freshness(&self) -> &[Freshness] {
        &self.freshness
    }

    /// The domains.
    pub fn domains(&self) -> &Table<DomainId, Domain> {
        &self.domains
    }

    /// The scopes of all domains.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The roster.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// The documents that the bundle lists.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The routes.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Who a verified token or header is, through which application and with which credential, by the declaration of its
    /// issuer (`policy-model.md` section 1).
    pub fn join<'c>(&self, issuer: &str, claims: &'c dyn super::Claims) -> Option<Principal<'c>> {
        self.people.join(issuer, claims)
    }

    /// The assignments of `person` in `domain`. Those of deleted roles are not there.
    pub fn assignments(&self, person: PersonId, domain: DomainId) -> Assignments<'_> {
        self.holders.assignments(person, domain)
    }

    /// All assignments, with who holds them.
    pub fn all_assignments(&self) -> impl Iterator<Item = (PersonId, Assignment<'_>)> {
        self.holders.all()
    }

    /// The buildings that an assignment names.
    pub fn buildings_of(&self, assignment: &Tenure) -> &[ScopeId] {
        self.buildings.get(assignment.buildings)
    }

    /// The buildings that a person of the roster is in at `now`.
    pub fn buildings_of_person(&self, person: PersonId, now: Time) -> &[ScopeId] {
        let stage = self.stage(person, now);
        self.buildings.get(stage.map_or(self.people.row(person).buildings, |stage| stage.buildings))
    }

    /// What a person of the roster is on any day, as their row says; read from where decisions read the rest of them.
    pub fn kinds_ever(&self, person: PersonId) -> Kinds {
        self.holders.kinds(person).0
    }

    /// What a person of the roster is at `now`.
    pub fn kinds(&self, person: PersonId, now: Time) -> Kinds {
        match self.holders.kinds(person) {
            (kinds, false) => kinds,
            (kinds, true) => self.stage(person, now).map_or(kinds, |stage| stage.kinds),
        }
    }

    /// The instants at which somebody becomes something else, or changes buildings.
    pub fn stage_edges(&self) -> impl Iterator<Item = Time> + '_ {
        self.stages.iter().map(|stage| stage.until)
    }

    fn stage(&self, person: PersonId, now: Time) -> Option<&Stage> {
        let (start, end) = self.people.row(person).stages;
        let stages = self.stages.get(start as usize..end as usize).unwrap_or_default();
        stages.iter().find(|stage| now < stage.until)
    }

    /// Says what a person is until when, to the end of time. One stage is what they always are.
    pub(super) fn set_stages(&mut self, person: PersonId, stages: Vec<(Time, Kinds, Vec<ScopeId>)>) {
        let start = self.stages.len() as u32;
        let single = stages.len() == 1;
        let (mut listed, mut only) = (List::EMPTY, Kinds::default());
        for (until, kinds, buildings) in stages {
            only = kinds;
            listed = self.buildings.put(&buildings);
            if !single {
                self.stages.push(Stage { until, kinds, buildings: listed });
            }
        }
        let end = self.stages.len() as u32;
        if let Some(row) = self.people.rows.get_mut(person) {
            if single {
                (row.buildings, row.kinds) = (listed, only);
            } else {
                row.stages = (start, end);
            }
        }
    }

    /// The relations of the roster, and blocks.
    pub fn relations(&self) -> &Relations {
        &self.relations
    }

    /// The scopes that are a student's own, where a roster makes a scope of each: what is asked about there is asked
    /// about the student.
    pub fn own_scopes(&self, student: PersonId) -> impl Iterator<Item = ScopeId> + '_ {
        let id = &self.people.row(student).id;
        self.relations.student_levels.iter().filter_map(move |level| self.scopes.find_in(*level, id))
    }

    /// The catalogue of records, and what of it is shared.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// What an assignment grants: its custom set, else its role's grants.
    pub fn grants_of(&self, assignment: &Tenure) -> &Grants {
        let own = self.set_of(assignment);
        own.unwrap_or_else(|| &self.domains[assignment.domain].roles()[assignment.role].grants)
    }

    /// The custom set of an assignment, if it has one.
    pub fn set_of(&self, assignment: &Tenure) -> Option<&Grants> {
        assignment.set.map(|set| &self.sets[set])
    }

    /// The options that an assignment switches on.
    pub fn options_of(&self, assignment: &Tenure) -> &[PermissionId] {
        self.options.get(assignment.options)
    }

    /// In which relations an assignment has `permission`, `None` for outright; `base` and plans aside.
    pub fn carried(
        &self,
        assignment: &Tenure,
        permission: PermissionId,
    ) -> impl Iterator<Item = Option<Relation>> + '_ {
        self.grants_of(assignment).carried(permission, self.options_of(assignment))
    }

    /// The domain of this name.
    pub fn domain(&self, name: &str) -> Option<DomainId> {
        self.domains.iter().find(|(_, domain)| domain.name() == name).map(|(id, _)| id)
    }

    /// Takes `domain/name` apart. A bare name is enough where the bundle has one domain only.
    pub fn split_name<'n>(&self, name: &'n str) -> Option<(DomainId, &'n str)> {
        match name.split_once('/') {
            Some((domain, rest)) => Some((self.domain(domain)?, rest)),
            None if self.domains.len() == 1 => Some((DomainId::from_row(0), name)),
            None => None,
        }
    }

    /// A name of `domain` as it is written outside of it.
    pub fn outside_name(&self, domain: DomainId, name: &str) -> String {
        if self.domains.len() == 1 {
            name.to_owned()
        } else {
            format!("{}/{name}", self.domains[domain].name())
        }
    }
}

/// All scopes of a bundle by name. A scope belongs to every domain whose tree has it.
#[derive(Debug, Default)]
pub struct Scopes {
    names: Table<ScopeId, String>,
    levels: Table<LevelId, LevelScopes>,
}

#[derive(Debug, Default)]
struct LevelScopes {
    name: String,
    /// By the part of the name behind the level, so that a look-up from a request joins no strings.
    ids: NameMap<ScopeId>,
}

impl Scopes {
    /// The scope `level/id`.
    pub fn find(&self, name: &str) -> Option<ScopeId> {
        let (level, id) = name.split_once('/')?;
        self.find_in(self.level(level)?, id)
    }

    /// The scope `id` of the level `level`.
    pub fn find_in(&self, level: LevelId, id: &str) -> Option<ScopeId> {
        self.levels[level].ids.get(id).copied()
    }

    /// The level of this name.
    pub fn level(&self, name: &str) -> Option<LevelId> {
        self.levels.iter().find(|(_, level)| level.name == name).map(|(id, _)| id)
    }

    /// The name of a level.
    pub fn level_name(&self, level: LevelId) -> &str {
        &self.levels[level].name
    }

    /// The name of a scope, `level/id`.
    pub fn name(&self, scope: ScopeId) -> &str {
        &self.names[scope]
    }

    /// All scopes with their names.
    pub fn iter(&self) -> impl Iterator<Item = (ScopeId, &str)> {
        self.names.iter().map(|(id, name)| (id, name.as_str()))
    }

    /// How many scopes there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no scope.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn intern_level(&mut self, name: &str) -> LevelId {
        match self.level(name) {
            Some(level) => level,
            None => self.levels.push(LevelScopes { name: name.to_owned(), ids: NameMap::default() }),
        }
    }

    pub(super) fn intern(&mut self, level: &str, id: &str) -> ScopeId {
        let level_id = self.intern_level(level);
        if let Some(scope) = self.find_in(level_id, id) {
            return scope;
        }
        let scope = self.names.push(format!("{level}/{id}"));
        if let Some(level) = self.levels.get_mut(level_id) {
            level.ids.insert(id.into(), scope);
        }
        scope
    }
}

/// What stands in for roles where a person has none that says something of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// Staff with no form-bearing assignment at all (`FM-01`).
    pub unassigned: Entry,
    /// Staff none of whose form-bearing assignments names a building (`FM-25`).
    pub no_buildings: Entry,
}
