//! Enrolments and guardians: which relations hold, and in which buildings students are, on which days.

use super::reading::{ALWAYS, Enrolment, Reading, State, holds};
use crate::policy::bundle::Revision;
use crate::policy::people::{Kind, Kinds};
use crate::policy::relations::{Part, Span as Days};
use crate::policy::roster::{Cause, PlaceWord, RoleWord, Version};
use crate::policy::source::Diags;
use crate::policy::table::{ClassId, OrgId, ScopeId, UserId};
use crate::time::Time;
use std::collections::HashMap;

const ENROLMENTS: &str = "enrollments.csv";
const USERS: &str = "users.csv";

/// Reads the enrolments and guardians of all rosters. Says whether all files could be read.
pub(super) fn read(readings: &mut [Reading<'_>], diags: &mut Diags) -> bool {
    let mut good = true;
    for reading in readings.iter_mut() {
        let kind_days = reading.kind_days();
        good &= reading.enrolments(&kind_days, diags);
        reading.agents();
    }
    good
}

/// Puts what holds into the bundle: relations, kinds and buildings.
pub(super) fn relate(readings: &[Reading<'_>], bundle: &mut Revision) {
    for reading in readings {
        if let Some(level) = reading.declared.level(PlaceWord::Student) {
            let level = bundle.scopes.intern_level(level);
            bundle.relations.student_levels.push(level);
        }
        for enrolment in &reading.enrolments {
            let part = match enrolment.word {
                RoleWord::Teacher => Part::Teacher,
                RoleWord::Student => Part::Student,
                _ => Part::Member,
            };
            let who = reading.users[enrolment.user].person;
            if let (Some(person), Some(scope)) = (who, reading.classes[enrolment.class].scope) {
                bundle.relations.enrolments.push((person, scope, part, enrolment.days));
            }
        }
        for tie in &reading.ties {
            // A teacher of a school does not teach each of its classes.
            let part = if tie.word == RoleWord::Student { Part::Student } else { Part::Member };
            let scope = reading.orgs[tie.org].scope;
            if let (Some(person), Some(scope)) = (reading.users[tie.user].person, scope) {
                bundle.relations.enrolments.push((person, scope, part, tie.days));
            }
        }
        let responsible = reading.guardian_days();
        for (guardian, student) in &reading.guardians {
            let both = reading.users[*guardian].person.zip(reading.users[*student].person);
            if let (Some((who, whom)), Some(days)) = (both, responsible.get(guardian)) {
                bundle.relations.guardians.extend(days.iter().map(|(_, days)| (who, whom, *days)));
            }
        }
        stages(reading, bundle);
    }
    // What holds whatever a row says twice.
    bundle.relations.student_levels.sort_unstable();
    bundle.relations.student_levels.dedup();
    bundle
        .relations
        .guardians
        .sort_unstable_by_key(|(guardian, student, days)| (*guardian, *student, days.from));
    bundle.relations.guardians.dedup();
}

impl Reading<'_> {
    /// On which days users are of which kind, as the rows of `roles.csv` say: spans that neither touch nor overlap. In
    /// 1.1 a person is what they are always, and is not here.
    fn kind_days(&self) -> HashMap<(UserId, Kind), Vec<Days>> {
        let mut days: HashMap<(UserId, Kind), Vec<Days>> = HashMap::new();
        if self.version == Version::V1_2 {
            for tie in &self.ties {
                days.entry((tie.user, tie.kind)).or_default().push(tie.days);
            }
        }
        for spans in days.values_mut() {
            spans.sort_unstable_by_key(|days| (days.from, days.until));
            spans.dedup_by(|later, kept| {
                let joined = later.from <= kept.until;
                if joined {
                    kept.until = kept.until.max(later.until);
                }
                joined
            });
        }
        days
    }

    fn enrolments(&mut self, kind_days: &HashMap<(UserId, Kind), Vec<Days>>, diags: &mut Diags) -> bool {
        self.each(ENROLMENTS, diags, |reading, record| {
            if !holds(record.get(0))? {
                return Ok(());
            }
            if record.get(1).is_empty() || record.get(2).is_empty() || record.get(3).is_empty() {
                return Err(Cause::MissingValue);
            }
            let class = reading.class_ids.find(record.get(1), Cause::UnknownClass)?;
            let user = reading.person(record.get(2))?;
            let word = RoleWord::parse(record.get(3)).ok_or(Cause::UnknownWord)?;
            let own = reading.calendar.days(record.get(4), record.get(5))?;
            let (Some(class), Some(user), Some(kind)) = (class, user, reading.declared.kind(word)) else {
                return Ok(());
            };
            if !reading.users[user].kinds.contains(kind) {
                return Err(Cause::WrongKind);
            }
            // Where the enrolment does not say when, the sessions of its class do.
            let taught = reading.classes[class].days;
            let days = Days {
                from: if own.from == Time::MIN { taught.from } else { own.from },
                until: if own.until == Time::MAX { taught.until } else { own.until },
            };
            // Nobody is in a class as what they are not on that day.
            for of_kind in kind_days.get(&(user, kind)).map_or(&[ALWAYS][..], Vec::as_slice) {
                let days = Days { from: days.from.max(of_kind.from), until: days.until.min(of_kind.until) };
                if days.from < days.until {
                    reading.enrolments.push(Enrolment { user, class, word, days, line: record.line });
                }
            }
            Ok(())
        })
    }

    /// Agents: a student's row names guardians, or a guardian's row students. The rest of such a row holds whoever they
    /// are.
    fn agents(&mut self) {
        for (user, agent) in std::mem::take(&mut self.agents) {
            if self.users[user].state != State::Holds {
                continue;
            }
            match self.person(&agent) {
                Err(cause) => {
                    let line = self.users[user].line;
                    self.put_aside(USERS, line, cause);
                }
                Ok(None) => {}
                Ok(Some(agent)) => {
                    let is = |user: UserId, kind| self.users[user].kinds.contains(kind);
                    let below = is(user, Kind::Student) && is(agent, Kind::Guardian);
                    let above = is(user, Kind::Guardian) && is(agent, Kind::Student);
                    // Where both could be either, nothing says who is responsible for whom.
                    match (below, above) {
                        (true, false) => self.guardians.push((agent, user)),
                        (false, true) => self.guardians.push((user, agent)),
                        _ => {}
                    }
                }
            }
        }
    }
}

/// A fact of a person that holds on some days.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Is(u8),
    In(ScopeId),
}

/// Works out of what kinds each person is and in which buildings each student is, and on which days that changes.
fn stages(reading: &Reading<'_>, bundle: &mut Revision) {
    let kind_at =
        |kind: Kind| Kind::WORDS.iter().position(|(_, known)| *known == kind).unwrap_or_default() as u8;
    let mut buildings: HashMap<OrgId, Vec<ScopeId>> = HashMap::new();
    let mut facts: Vec<(UserId, Fact, Days)> = Vec::new();
    let mut add_school = |bundle: &Revision, user: UserId, org: OrgId, days: Days, facts: &mut Vec<_>| {
        let known = buildings.entry(org).or_insert_with(|| buildings_of(reading, bundle, org));
        facts.extend(known.iter().map(|building| (user, Fact::In(*building), days)));
    };
    if reading.version == Version::V1_1 {
        // There a person is one thing, everywhere and always.
        for (id, user) in reading.users.iter().filter(|(_, user)| user.person.is_some()) {
            let kinds = Kind::WORDS.iter().map(|(_, kind)| *kind).filter(|kind| user.kinds.contains(*kind));
            facts.extend(kinds.map(|kind| (id, Fact::Is(kind_at(kind)), ALWAYS)));
        }
    }
    for tie in &reading.ties {
        if reading.version == Version::V1_2 {
            facts.push((tie.user, Fact::Is(kind_at(tie.kind)), tie.days));
        }
        if tie.kind == Kind::Student {
            add_school(bundle, tie.user, tie.org, tie.days, &mut facts);
        }
    }
    for enrolment in reading.enrolments.iter().filter(|enrolment| enrolment.word == RoleWord::Student) {
        let class: ClassId = enrolment.class;
        add_school(bundle, enrolment.user, reading.classes[class].school, enrolment.days, &mut facts);
    }
    facts.retain(|(user, ..)| reading.users[*user].person.is_some());
    facts.sort_unstable_by_key(|(user, fact, days)| (*user, *fact, days.from, days.until));
    facts.dedup();
    for of_user in facts.chunk_by(|(one, ..), (other, ..)| one == other) {
        let Some(person) = of_user.first().and_then(|(user, ..)| reading.users[*user].person) else {
            continue;
        };
        let mut edges: Vec<Time> = of_user.iter().flat_map(|(.., days)| [days.from, days.until]).collect();
        edges.extend([Time::MIN, Time::MAX]);
        edges.sort_unstable();
        edges.dedup();
        let mut stages: Vec<(Time, Kinds, Vec<ScopeId>)> = Vec::new();
        for pair in edges.windows(2) {
            let [from, until] = pair else { continue };
            let mut kinds = Kinds::default();
            let mut within: Vec<ScopeId> = Vec::new();
            for (_, fact, _) in of_user.iter().filter(|(.., days)| days.holds(*from)) {
                match fact {
                    Fact::Is(kind) => {
                        if let Some((_, kind)) = Kind::WORDS.get(usize::from(*kind)) {
                            kinds.insert(*kind);
                        }
                    }
                    Fact::In(building) if !within.contains(building) => within.push(*building),
                    Fact::In(_) => {}
                }
            }
            match stages.last_mut() {
                Some((end, same, buildings)) if *same == kinds && *buildings == within => *end = *until,
                _ => stages.push((*until, kinds, within)),
            }
        }
        bundle.set_stages(person, stages);
    }
}

/// The buildings of an org in each domain that has some: itself, or what it stands below.
fn buildings_of(reading: &Reading<'_>, bundle: &Revision, org: OrgId) -> Vec<ScopeId> {
    let Some(scope) =
        reading.nearest_org(org, |org| org.scope.is_some()).and_then(|org| reading.orgs[org].scope)
    else {
        return Vec::new();
    };
    let forms = bundle.domains.iter().filter_map(|(_, domain)| Some((domain, domain.forms()?)));
    let mut buildings: Vec<ScopeId> =
        forms.filter_map(|(domain, forms)| domain.ancestor(scope, forms.buildings)).collect();
    buildings.sort_unstable();
    buildings.dedup();
    buildings
}
