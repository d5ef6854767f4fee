//! One roster while it is read: its tables, what its ids lead to, and which rows are set aside.

use super::declared::Declared;
use crate::policy::compile::dates;
use crate::policy::people::{Kind, Kinds};
use crate::policy::relations::Span as Days;
use crate::policy::roster::{Cause, FILES, PlaceWord, RoleWord, SetAside, Version};
use crate::policy::source::data::{DataTable, Record};
use crate::policy::source::{Diags, Span};
use crate::policy::table::{ClassId, OrgId, PersonId, ScopeId, Table, UserId};
use crate::time::Time;
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// On every day.
pub(super) const ALWAYS: Days = Days { from: Time::MIN, until: Time::MAX };

/// A roster while it is read. Rows are read file by file, what is referred to before what refers to it; of several
/// rosters each file of all before the next, because ids of one may be those of another.
pub(super) struct Reading<'a> {
    pub(super) declared: &'a Declared,
    pub(super) version: Version,
    pub(super) tables: HashMap<&'static str, DataTable<'a>>,
    /// The numbers of its files, for places in them.
    files: HashMap<&'static str, u32>,
    pub(super) has_sessions: bool,
    pub(super) calendar: Calendar<'a>,
    rows: u32,
    /// By file (its place in [`FILES`]) and line: over how many lines, and why. A quote too few may have taken whole rows
    /// with it, so each line counts.
    aside: BTreeMap<(usize, u32), (u32, Cause)>,
    pub(super) orgs: Table<OrgId, Org<'a>>,
    pub(super) org_ids: Ids<'a, OrgId>,
    /// From when until when each session runs.
    pub(super) sessions: Ids<'a, Days>,
    pub(super) classes: Table<ClassId, Class<'a>>,
    pub(super) class_ids: Ids<'a, ClassId>,
    pub(super) users: Table<UserId, User<'a>>,
    pub(super) user_ids: Ids<'a, UserId>,
    /// Those who are to be deleted.
    pub(super) gone: HashMap<Cow<'a, str>, UserId>,
    /// The ids of those whom a row switches off, also one that is set aside.
    pub(super) off: Vec<Cow<'a, str>>,
    /// The keys of users, each by the place of its column in the declaration.
    pub(super) keys: Vec<(UserId, usize, Cow<'a, str>)>,
    pub(super) ties: Vec<Tie>,
    /// Users and those whom their rows name as agents.
    pub(super) agents: Vec<(UserId, Cow<'a, str>)>,
    /// Guardian, student.
    pub(super) guardians: Vec<(UserId, UserId)>,
    pub(super) enrolments: Vec<Enrolment>,
}

/// Whether a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not known yet.
    Open,
    /// It does.
    Holds,
    /// It is good, and nobody asked for such rows.
    NotKept,
    /// It is to be deleted, or rests on what is.
    Gone,
    /// It is set aside.
    Aside,
}

/// A row of `orgs.csv`.
pub(super) struct Org<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) word: PlaceWord,
    pub(super) parent_id: Cow<'a, str>,
    pub(super) parent: Option<OrgId>,
    /// How many orgs stand above it, and itself.
    pub(super) depth: u32,
    pub(super) state: State,
    pub(super) line: u32,
    /// Where it is a scope.
    pub(super) scope: Option<ScopeId>,
}

/// A row of `classes.csv`.
pub(super) struct Class<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) school: OrgId,
    /// When it is taught, as far as its sessions say so.
    pub(super) days: Days,
    pub(super) state: State,
    pub(super) line: u32,
    pub(super) scope: Option<ScopeId>,
}

/// A row of `users.csv`.
pub(super) struct User<'a> {
    /// The id as a person of the bundle.
    pub(super) id: Cow<'a, str>,
    pub(super) state: State,
    pub(super) line: u32,
    pub(super) enabled: bool,
    /// Whether some row says that they are, or were, what is kept.
    pub(super) is_wanted: bool,
    /// What they are, on whichever day.
    pub(super) kinds: Kinds,
    /// The words for it, a bit each.
    pub(super) words: u16,
    pub(super) person: Option<PersonId>,
}

/// Somebody is something at an org.
#[derive(Clone, Copy)]
pub(super) struct Tie {
    pub(super) user: UserId,
    pub(super) org: OrgId,
    pub(super) word: RoleWord,
    pub(super) kind: Kind,
    pub(super) days: Days,
    pub(super) line: u32,
}

/// Somebody is something in a class.
#[derive(Clone, Copy)]
pub(super) struct Enrolment {
    pub(super) user: UserId,
    pub(super) class: ClassId,
    pub(super) word: RoleWord,
    pub(super) days: Days,
    pub(super) line: u32,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        declared: &'a Declared,
        version: Version,
        tables: HashMap<&'static str, DataTable<'a>>,
        zone: &'a TimeZone,
    ) -> Reading<'a> {
        Reading {
            declared,
            version,
            files: tables.iter().map(|(name, table)| (*name, table.file())).collect(),
            has_sessions: tables.contains_key("academicSessions.csv"),
            tables,
            calendar: Calendar { zone, known: HashMap::new() },
            rows: 0,
            aside: BTreeMap::new(),
            orgs: Table::default(),
            org_ids: Ids::default(),
            sessions: Ids::default(),
            classes: Table::default(),
            class_ids: Ids::default(),
            users: Table::default(),
            user_ids: Ids::default(),
            gone: HashMap::new(),
            off: Vec::new(),
            keys: Vec::new(),
            ties: Vec::new(),
            agents: Vec::new(),
            guardians: Vec::new(),
            enrolments: Vec::new(),
        }
    }

    /// Hands on the rows of a file; one that comes back with a cause is set aside. Says whether the file was good.
    pub(super) fn each(
        &mut self,
        file: &'static str,
        diags: &mut Diags,
        mut row: impl FnMut(&mut Self, &Record<'_, 'a>) -> Result<(), Cause>,
    ) -> bool {
        let Some(table) = self.tables.remove(file) else { return true };
        table.each(diags, |record| {
            self.rows = self.rows.saturating_add(if record.whole { 1 } else { record.lines });
            if !record.whole {
                self.put(file, record.line, record.lines, Cause::BadRecord);
            } else if let Err(cause) = row(self, record) {
                self.put(file, record.line, record.lines, cause);
            }
        })
    }

    /// Sets a row aside, once, whatever it was set aside for before.
    pub(super) fn put_aside(&mut self, file: &'static str, line: u32, cause: Cause) {
        self.put(file, line, 1, cause);
    }

    fn put(&mut self, file: &'static str, line: u32, lines: u32, cause: Cause) {
        let rank = FILES.iter().position(|known| *known == file).unwrap_or_default();
        self.aside.insert((rank, line), (lines, cause));
    }

    /// The place of the first row that is set aside, for this cause or for any.
    pub(super) fn first(&self, cause: Option<Cause>) -> Span {
        let found = self.aside.iter().find(|(_, (_, why))| cause.is_none_or(|cause| cause == *why));
        let (rank, line) = found.map(|(place, _)| *place).unwrap_or_default();
        self.span(FILES.get(rank).copied().unwrap_or_default(), line.max(1))
    }

    /// The place of a row.
    pub(super) fn span(&self, file: &str, line: u32) -> Span {
        Span { line, ..Span::start_of(self.files.get(file).copied().unwrap_or_default()) }
    }

    /// How many rows were read, and which of them are set aside.
    pub(super) fn told(&self) -> (u32, SetAside) {
        let mut told = SetAside::default();
        for ((rank, line), (lines, cause)) in &self.aside {
            let file = FILES.get(*rank).copied().unwrap_or_default();
            told.add(&format!("{}/{file}", self.declared.name), *line, *lines, *cause);
        }
        (self.rows, told)
    }

    /// On which days users are guardians, and by which word, as the rows of `roles.csv` say. In 1.1 whoever is one is
    /// one always.
    pub(super) fn guardian_days(&self) -> HashMap<UserId, Vec<(Option<RoleWord>, Days)>> {
        let mut days: HashMap<UserId, Vec<(Option<RoleWord>, Days)>> = HashMap::new();
        match self.version {
            Version::V1_1 => {
                days.extend(self.guardians.iter().map(|(guardian, _)| (*guardian, vec![(None, ALWAYS)])));
            }
            Version::V1_2 => {
                for tie in self.ties.iter().filter(|tie| tie.kind == Kind::Guardian) {
                    days.entry(tie.user).or_default().push((Some(tie.word), tie.days));
                }
            }
        }
        days
    }

    /// The org, or the nearest above it, of which this is true.
    pub(super) fn nearest_org(&self, from: OrgId, is: impl Fn(&Org<'a>) -> bool) -> Option<OrgId> {
        let mut next = Some(from);
        while let Some(org) = next {
            if is(&self.orgs[org]) {
                return Some(org);
            }
            next = self.orgs[org].parent;
        }
        None
    }
}

/// What a `status` says: whether the row holds. Blank is what it is in a whole export.
pub(super) fn holds(status: &str) -> Result<bool, Cause> {
    match status {
        "" | "active" => Ok(true),
        "tobedeleted" | "inactive" => Ok(false),
        _ => Err(Cause::UnknownWord),
    }
}

/// What the ids of a file lead to.
pub(super) struct Ids<'a, T>(HashMap<Cow<'a, str>, (Slot<T>, u32)>);

/// What an id leads to.
#[derive(Clone, Copy)]
pub(super) enum Slot<T> {
    Row(T),
    Gone,
    Aside,
}

impl<T> Default for Ids<'_, T> {
    fn default() -> Self {
        Ids(HashMap::new())
    }
}

impl<'a, T: Copy> Ids<'a, T> {
    /// What an id leads to; that of a row that was set aside leads nowhere, as one that is not there.
    pub(super) fn find(&self, id: &str, unknown: Cause) -> Result<Option<T>, Cause> {
        match self.0.get(id) {
            Some((Slot::Row(row), _)) => Ok(Some(*row)),
            Some((Slot::Gone, _)) => Ok(None),
            Some((Slot::Aside, _)) | None => Err(unknown),
        }
    }

    /// Takes an id for the row at `line`, which is aside until more is known. Of two rows with one id neither holds:
    /// the first comes back.
    pub(super) fn claim(&mut self, id: Cow<'a, str>, line: u32) -> Result<(), Twice<T>> {
        if id.is_empty() {
            return Err(Twice { first: None, cause: Cause::MissingValue });
        }
        match self.0.get_mut(id.as_ref()) {
            None => {
                self.0.insert(id, (Slot::Aside, line));
                Ok(())
            }
            Some((slot, first)) => {
                let row = match slot {
                    Slot::Row(row) => Some(*row),
                    Slot::Gone | Slot::Aside => None,
                };
                *slot = Slot::Aside;
                Err(Twice { first: Some((*first, row)), cause: Cause::DuplicateId })
            }
        }
    }

    /// Says what a claimed id leads to.
    pub(super) fn set(&mut self, id: &str, to: Slot<T>) {
        if let Some((slot, _)) = self.0.get_mut(id) {
            *slot = to;
        }
    }
}

/// An id could not be taken; where another row has it, that row's line, and the row if it was good.
pub(super) struct Twice<T> {
    pub(super) first: Option<(u32, Option<T>)>,
    pub(super) cause: Cause,
}

/// Dates of OneRoster as instants. Few days occur, and often.
pub(super) struct Calendar<'a> {
    zone: &'a TimeZone,
    known: HashMap<Box<str>, Time>,
}

impl Calendar<'_> {
    /// From the start of the day `from` to the start of the day `until`, which OneRoster does not count in. What is
    /// not said is open.
    pub(super) fn days(&mut self, from: &str, until: &str) -> Result<Days, Cause> {
        let from = if from.is_empty() { Time::MIN } else { self.day(from)? };
        let until = if until.is_empty() { Time::MAX } else { self.day(until)? };
        // One that ends on the day it begins never held; it is no mistake.
        if from > until { Err(Cause::BadDate) } else { Ok(Days { from, until }) }
    }

    fn day(&mut self, text: &str) -> Result<Time, Cause> {
        if let Some(time) = self.known.get(text) {
            return Ok(*time);
        }
        let time = dates::parse(text, dates::End::From, self.zone).ok_or(Cause::BadDate)?;
        self.known.insert(text.into(), time);
        Ok(time)
    }
}
