//! Users and their roles: who becomes a person of the bundle, and as what.

use super::reading::{ALWAYS, Reading, Slot, State, Tie, User, holds};
use crate::policy::compile::{names, people};
use crate::policy::people::{EMAIL, Kind, Kinds, Person};
use crate::policy::roster::{Cause, RoleWord, UserColumn, Version};
use crate::policy::source::Diags;
use crate::policy::source::data::Record;
use crate::policy::table::{List, OrgId, UserId};
use std::borrow::Cow;
use std::collections::HashMap;

const USERS: &str = "users.csv";
const ROLES: &str = "roles.csv";

/// The columns of `users.csv` that are read: those that must be there, and those of which one must be.
pub(super) fn columns(
    version: Version,
    id: UserColumn,
    keys: impl Iterator<Item = UserColumn>,
) -> Vec<&'static str> {
    let mut columns = vec!["sourcedId", "status", "enabledUser"];
    if version == Version::V1_1 {
        columns.extend(["orgSourcedIds", "role"]);
    }
    for column in std::iter::once(id).chain(keys) {
        if !columns.contains(&column.header()) {
            columns.push(column.header());
        }
    }
    columns
}

/// Both spellings are around: that of the binding, and that of its tables.
pub(super) const AGENTS: &[&str] = &["agentSourcedIds", "agentSourceIds"];

/// Reads the users of all rosters and puts those of them that hold among the people. Says whether all files could be
/// read.
pub(super) fn read(readings: &mut [Reading<'_>], roster: &mut people::Roster, diags: &mut Diags) -> bool {
    let mut good = true;
    for reading in readings.iter_mut() {
        good &= reading.users(diags);
        good &= reading.roles(diags);
        reading.settle_users();
    }
    set_collisions_aside(readings, roster);
    add(readings, roster);
    good
}

impl<'a> Reading<'a> {
    fn users(&mut self, diags: &mut Diags) -> bool {
        let declared = self.declared;
        let columns = columns(self.version, declared.id, declared.columns.iter().map(|(column, ..)| *column));
        let place = |name: &str| columns.iter().position(|known| *known == name).unwrap_or(usize::MAX);
        let id_at = place(declared.id.header());
        let keys: Vec<usize> = declared.columns.iter().map(|(column, ..)| place(column.header())).collect();
        let agents_at = match self.tables.get(USERS) {
            Some(table) if table.has(columns.len()) => columns.len(),
            _ => columns.len() + 1,
        };
        let places = Places { id: id_at, keys, agents: agents_at };
        self.each(USERS, diags, |reading, record| reading.user(record, &places))
    }

    fn user(&mut self, record: &Record<'_, 'a>, at: &Places) -> Result<(), Cause> {
        // Noted before anything can be wrong with the row.
        if record.get(2).eq_ignore_ascii_case("false") {
            self.off.push(folded(self.declared.id, record.keep(at.id)));
        }
        let sourced_id = record.keep(0);
        if let Err(twice) = self.user_ids.claim(sourced_id.clone(), record.line) {
            if let Some(first) = self.gone.remove(&sourced_id).and_then(|user| self.users.get_mut(user)) {
                first.state = State::Aside;
            }
            self.push_aside(record, at);
            return Err(self.twice(USERS, twice, |reading, user| {
                reading.users.get_mut(user).map(|user| &mut user.state)
            }));
        }
        let read = self.claimed(record, at, sourced_id);
        if read.is_err() {
            self.push_aside(record, at);
        }
        read
    }

    /// A row that cannot be placed: nobody, whose id and keys could be somebody's all the same.
    fn push_aside(&mut self, record: &Record<'_, 'a>, at: &Places) {
        if holds(record.get(1)) != Ok(false) {
            self.push(record, at, State::Aside, false);
        }
    }

    /// The row of a user whose id no other row has. Pushes a user last, or not at all.
    fn claimed(
        &mut self,
        record: &Record<'_, 'a>,
        at: &Places,
        sourced_id: Cow<'a, str>,
    ) -> Result<(), Cause> {
        let gone = !holds(record.get(1))?;
        let enabled = match record.get(2) {
            "true" => true,
            "false" => false,
            "" if gone => false,
            "" => return Err(Cause::MissingValue),
            _ => return Err(Cause::UnknownWord),
        };
        let mut orgs: Vec<OrgId> = Vec::new();
        let mut role: Option<(RoleWord, Kind)> = None;
        if self.version == Version::V1_1 {
            let word = word(record.get(4))?;
            role = self.declared.kind(word).map(|kind| (word, kind));
            if role.is_some() && !gone {
                for org in record.list(3) {
                    orgs.extend(self.org_ids.find(org, Cause::UnknownOrg)?);
                }
            }
        }
        // Whoever is to be deleted is known, so that what names them is no mistake; what is said of them does not hold.
        let user = self.push(record, at, if gone { State::Gone } else { State::Open }, enabled);
        self.user_ids.set(&sourced_id, if gone { Slot::Gone } else { Slot::Row(user) });
        if gone {
            if let Some(user) = self.users.get_mut(user) {
                user.is_wanted = role.is_some();
            }
            self.gone.insert(sourced_id, user);
            return Ok(());
        }
        if let Some((word, kind)) = role {
            self.is_of(user, word, kind);
            let tie = |org| Tie { user, org, word, kind, days: ALWAYS, line: record.line };
            self.ties.extend(orgs.into_iter().map(tie));
        }
        self.agents.extend(record.list(at.agents).map(|agent| (user, Cow::Owned(agent.to_owned()))));
        Ok(())
    }

    /// A user, and the keys of one who is not to be deleted.
    fn push(&mut self, record: &Record<'_, 'a>, at: &Places, state: State, enabled: bool) -> UserId {
        let user = self.users.push(User {
            id: folded(self.declared.id, record.keep(at.id)),
            state,
            line: record.line,
            enabled,
            is_wanted: false,
            kinds: Kinds::default(),
            words: 0,
            person: None,
        });
        if state != State::Gone {
            for (place, (column, place_in_row)) in self.declared.columns.iter().zip(&at.keys).enumerate() {
                let key = record.keep(*place_in_row);
                if !key.is_empty() {
                    // What a token's address is compared with is an address, whatever column it came in.
                    let key = if column.1 == EMAIL { lower(key) } else { key };
                    self.keys.push((user, place, key));
                }
            }
        }
        user
    }

    /// The rows of `roles.csv`: in 1.2 a person is something at each of several orgs.
    fn roles(&mut self, diags: &mut Diags) -> bool {
        self.each(ROLES, diags, |reading, record| {
            let held = holds(record.get(1))?;
            let word = word(record.get(2))?;
            let kind = reading.declared.kind(word);
            if record.get(0).is_empty() {
                return Err(Cause::MissingValue);
            }
            let Some(user) = reading.user_ids.find(record.get(0), Cause::UnknownUser)? else {
                if let (Some(user), Some(_)) = (reading.gone.get(record.get(0)).copied(), kind)
                    && let Some(user) = reading.users.get_mut(user)
                {
                    user.is_wanted = true;
                }
                return Ok(());
            };
            let (true, Some(kind)) = (held, kind) else { return Ok(()) };
            if record.get(3).is_empty() {
                return Err(Cause::MissingValue);
            }
            let org = reading.org_ids.find(record.get(3), Cause::UnknownOrg)?;
            let days = reading.calendar.days(record.get(4), record.get(5))?;
            // At what is to be deleted nobody is anything, and who ends on the day they begin never was.
            if let Some(org) = org
                && days.from < days.until
            {
                reading.is_of(user, word, kind);
                reading.ties.push(Tie { user, org, word, kind, days, line: record.line });
            } else if let Some(user) = reading.users.get_mut(user) {
                user.is_wanted |= org.is_some();
            }
            Ok(())
        })
    }

    fn is_of(&mut self, user: UserId, word: RoleWord, kind: Kind) {
        if let Some(user) = self.users.get_mut(user) {
            user.words |= word.bit();
            user.kinds.insert(kind);
            user.is_wanted = true;
        }
    }

    /// Keeps those who are of a kind that is asked for.
    fn settle_users(&mut self) {
        let all: Vec<UserId> = self.users.iter().map(|(id, _)| id).collect();
        for id in all {
            let user = &self.users[id];
            let wrong = match user.id.as_ref() {
                "" => Some(Cause::MissingValue),
                id if !names::is_id(id) => Some(Cause::BadId),
                _ => None,
            };
            let (state, cause) = match (user.state, user.is_wanted) {
                (State::Open, false) => (State::NotKept, None),
                (State::Open, true) if wrong.is_some() => (State::Aside, wrong),
                (State::Open, true) => (State::Holds, None),
                (State::Gone, true) if wrong.is_none() => (State::Gone, None),
                (State::Gone, _) => (State::NotKept, None),
                (state, _) => (state, None),
            };
            let line = user.line;
            if let Some(user) = self.users.get_mut(id) {
                user.state = state;
            }
            if let Some(cause) = cause {
                self.put_aside(USERS, line, cause);
            }
        }
    }

    /// What a user leads to who is named elsewhere: nobody, where nobody asked for such people or they are to be
    /// deleted.
    pub(super) fn person(&self, id: &str) -> Result<Option<UserId>, Cause> {
        let found = self.user_ids.find(id, Cause::UnknownUser)?;
        match found.map(|user| (user, self.users[user].state)) {
            Some((user, State::Holds)) => Ok(Some(user)),
            Some((_, State::Aside)) => Err(Cause::UnknownUser),
            _ => Ok(None),
        }
    }
}

fn word(text: &str) -> Result<RoleWord, Cause> {
    match text {
        "" => Err(Cause::MissingValue),
        text => RoleWord::parse(text).ok_or(Cause::UnknownWord),
    }
}

/// Where in a record of users the columns stand that differ between rosters.
struct Places {
    id: usize,
    keys: Vec<usize>,
    agents: usize,
}

/// Addresses are compared in ASCII lower case.
fn folded(column: UserColumn, text: Cow<'_, str>) -> Cow<'_, str> {
    if column == UserColumn::Email { lower(text) } else { text }
}

fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        text
    }
}

/// Sets aside whoever cannot be told from somebody else: by the id, or by a key that a token may name, also where the
/// other one is not kept. What is written by hand stands.
fn set_collisions_aside(readings: &mut [Reading<'_>], roster: &mut people::Roster) {
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let mut keys: HashMap<(&str, &str), u32> = HashMap::new();
    let open = |state: State| matches!(state, State::Holds | State::NotKept | State::Aside);
    for reading in readings.iter() {
        for (_, user) in reading.users.iter().filter(|(_, user)| open(user.state) && !user.id.is_empty()) {
            *ids.entry(&user.id).or_default() += 1;
        }
        for (user, place, key) in &reading.keys {
            if open(reading.users[*user].state)
                && let Some((_, column)) = reading.declared.columns.get(*place)
            {
                *keys.entry((column, key)).or_default() += 1;
            }
        }
    }
    // Whom the school's software has switched off stays off, whatever else is wrong with their row or missing from it.
    for id in readings.iter().flat_map(|reading| &reading.off) {
        if let Some(person) = roster.people.find(id) {
            roster.suspended.insert(person);
        }
    }
    let mut found: Vec<(usize, UserId, Cause)> = Vec::new();
    for (at, reading) in readings.iter().enumerate() {
        for (id, user) in reading.users.iter().filter(|(_, user)| user.state == State::Holds) {
            if roster.people.find(&user.id).is_some() {
                found.push((at, id, Cause::WrittenByHand));
            } else if ids.get(user.id.as_ref()).is_some_and(|count| *count > 1) {
                found.push((at, id, Cause::DuplicateId));
            }
        }
        for (user, place, key) in &reading.keys {
            let Some((_, column)) = reading.declared.columns.get(*place) else { continue };
            let by_hand = roster.people.column(column);
            let twice = keys.get(&(column.as_str(), key.as_ref())).is_some_and(|count| *count > 1)
                || by_hand.is_some_and(|column| roster.people.by_key(column, key).is_some());
            if twice && reading.users[*user].state == State::Holds {
                found.push((at, *user, Cause::DuplicateKey));
            }
        }
    }
    for (at, user, cause) in found {
        let Some(reading) = readings.get_mut(at) else { continue };
        let Some(row) = reading.users.get_mut(user) else { continue };
        if row.state == State::Holds {
            row.state = State::Aside;
            let line = row.line;
            reading.put_aside(USERS, line, cause);
        }
    }
}

/// Puts those who hold among the people, in the order of their ids, and behind them those who are to be deleted: known,
/// so that what is written by hand of them is no mistake, of no kind, and suspended.
fn add(readings: &mut [Reading<'_>], roster: &mut people::Roster) {
    for state in [State::Holds, State::Gone] {
        let mut all: Vec<(usize, UserId)> = Vec::new();
        for (at, reading) in readings.iter().enumerate() {
            let held = reading.users.iter().filter(|(_, user)| user.state == state);
            all.extend(held.map(|(id, _)| (at, id)));
        }
        let id = |(at, user): &(usize, UserId)| readings.get(*at).map(|reading| &*reading.users[*user].id);
        all.sort_by(|a, b| id(a).cmp(&id(b)));
        for (at, user) in all {
            let Some(user) = readings.get_mut(at).and_then(|reading| reading.users.get_mut(user)) else {
                continue;
            };
            if roster.people.find(&user.id).is_some() {
                continue;
            }
            let person =
                Person { id: user.id.to_string(), kinds: user.kinds, buildings: List::EMPTY, stages: (0, 0) };
            let id: Box<str> = user.id.as_ref().into();
            let person = roster.people.rows.push(person);
            roster.people.by_id.insert(id, person);
            user.person = Some(person);
            if !user.enabled || state == State::Gone {
                roster.suspended.insert(person);
            }
        }
    }
    for reading in readings.iter_mut() {
        for (user, place, key) in std::mem::take(&mut reading.keys) {
            let column = reading.declared.columns.get(place).map(|(_, column)| column.as_str());
            if let (Some(person), Some(column)) = (reading.users[user].person, column) {
                let column = roster.people.intern_column(column);
                if let Some(keys) = roster.people.columns.get_mut(column) {
                    keys.people.insert(key.as_ref().into(), person);
                }
            }
        }
    }
}
