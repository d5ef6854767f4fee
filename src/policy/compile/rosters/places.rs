//! Orgs and classes: what becomes a scope, and where it stands in the trees of the domains that join.

use super::reading::{Class, Org, Reading, Slot, State, Twice, holds};
use crate::policy::bundle::Scopes;
use crate::policy::compile::domain::Draft;
use crate::policy::compile::names;
use crate::policy::relations::Span as Days;
use crate::policy::roster::{Cause, PlaceWord};
use crate::policy::source::{Diags, Span};
use crate::policy::table::{ClassId, OrgId};
use crate::time::Time;
use std::collections::{HashMap, HashSet};

const ORGS: &str = "orgs.csv";
const SESSIONS: &str = "academicSessions.csv";
const CLASSES: &str = "classes.csv";

/// How many orgs may stand one below the other, the uppermost counted in. States, districts and schools are three.
const DEPTH_MAX: u32 = 64;

/// Reads the orgs and classes of all rosters and stands them in the trees of the domains that join. Says whether all
/// files could be read.
pub(super) fn read(
    readings: &mut [Reading<'_>],
    drafts: &mut [Draft<'_>],
    scopes: &mut Scopes,
    diags: &mut Diags,
) -> bool {
    let mut good = true;
    for reading in readings.iter_mut() {
        good &= reading.orgs(diags);
    }
    set_doubles_aside(readings, |reading| {
        let named = reading.orgs.iter().filter(|(_, org)| org.state == State::Open);
        named.filter_map(|(id, org)| Some((reading.declared.level(org.word)?, &*org.id, id))).collect()
    })
    .into_iter()
    .for_each(|(at, org)| {
        if let Some(reading) = readings.get_mut(at) {
            reading.set_org_aside(org, Cause::DuplicateId);
        }
    });
    for reading in readings.iter_mut() {
        reading.settle_orgs(drafts);
        good &= reading.sessions(diags);
        good &= reading.classes(drafts, diags);
    }
    set_doubles_aside(readings, |reading| {
        let held = reading.classes.iter().filter(|(_, class)| class.state == State::Holds);
        held.filter_map(|(id, class)| Some((reading.declared.level(PlaceWord::Class)?, &*class.id, id)))
            .collect()
    })
    .into_iter()
    .for_each(|(at, class)| {
        if let Some(reading) = readings.get_mut(at) {
            reading.set_class_aside(class, Cause::DuplicateId);
        }
    });
    for reading in readings.iter_mut() {
        reading.stand(drafts, scopes);
    }
    good
}

/// Rows of several rosters that would be one scope: which roster, which row. Nothing says which of them is meant.
fn set_doubles_aside<'r, T>(
    readings: &'r [Reading<'_>],
    named: impl Fn(&'r Reading<'_>) -> Vec<(&'r str, &'r str, T)>,
) -> Vec<(usize, T)> {
    if readings.len() < 2 {
        return Vec::new();
    }
    let mut by_name: HashMap<(&str, &str), Vec<(usize, T)>> = HashMap::new();
    for (at, reading) in readings.iter().enumerate() {
        for (level, id, row) in named(reading) {
            by_name.entry((level, id)).or_default().push((at, row));
        }
    }
    by_name.into_values().filter(|rows| rows.len() > 1).flatten().collect()
}

impl<'a> Reading<'a> {
    fn orgs(&mut self, diags: &mut Diags) -> bool {
        self.each(ORGS, diags, |reading, record| {
            let id = record.keep(0);
            if let Err(twice) = reading.org_ids.claim(id.clone(), record.line) {
                return Err(reading
                    .twice(ORGS, twice, |reading, org| reading.orgs.get_mut(org).map(|org| &mut org.state)));
            }
            if !holds(record.get(1))? {
                reading.org_ids.set(&id, Slot::Gone);
                return Ok(());
            }
            let word = PlaceWord::parse_org(record.get(2)).ok_or(Cause::UnknownWord)?;
            let org = Org {
                id: id.clone(),
                word,
                parent_id: record.keep(3),
                parent: None,
                depth: 0,
                state: State::Open,
                line: record.line,
                scope: None,
            };
            let org = reading.orgs.push(org);
            reading.org_ids.set(&id, Slot::Row(org));
            Ok(())
        })
    }

    /// A second row with one id: the first is set aside as well.
    pub(super) fn twice<T>(
        &mut self,
        file: &'static str,
        twice: Twice<T>,
        state: impl FnOnce(&mut Self, T) -> Option<&mut State>,
    ) -> Cause {
        if let Some((line, row)) = twice.first {
            self.put_aside(file, line, twice.cause);
            if let Some(state) = row.and_then(|row| state(self, row)) {
                *state = State::Aside;
            }
        }
        twice.cause
    }

    fn set_org_aside(&mut self, org: OrgId, cause: Cause) {
        let Some(row) = self.orgs.get_mut(org) else { return };
        row.state = State::Aside;
        let (id, line) = (row.id.clone(), row.line);
        self.org_ids.set(&id, Slot::Aside);
        self.put_aside(ORGS, line, cause);
    }

    fn set_class_aside(&mut self, class: ClassId, cause: Cause) {
        let Some(row) = self.classes.get_mut(class) else { return };
        row.state = State::Aside;
        let (id, line) = (row.id.clone(), row.line);
        self.class_ids.set(&id, Slot::Aside);
        self.put_aside(CLASSES, line, cause);
    }

    /// Finds the parents of all orgs, parents before children.
    fn settle_orgs(&mut self, drafts: &[Draft<'_>]) {
        let all: Vec<OrgId> = self.orgs.iter().map(|(id, _)| id).collect();
        for start in all {
            let mut path = vec![start];
            let mut on_path = HashSet::from([start]);
            while let Some(org) = path.last().copied() {
                let row = &self.orgs[org];
                if row.state != State::Open {
                    path.pop();
                    continue;
                }
                let parent = match row.parent_id.as_ref() {
                    "" => Ok(None),
                    id => self.org_ids.find(id, Cause::UnknownOrg).map(Some),
                };
                match parent {
                    Err(cause) => self.set_org_aside(org, cause),
                    // Below what is to be deleted.
                    Ok(Some(None)) => self.let_go(org),
                    Ok(None) => self.settle_org(org, None, drafts),
                    Ok(Some(Some(parent))) => match self.orgs[parent].state {
                        State::Open => match on_path.insert(parent) {
                            true => {
                                path.push(parent);
                                continue;
                            }
                            false => {
                                let from = path.iter().position(|on| *on == parent).unwrap_or_default();
                                for org in path.split_off(from) {
                                    self.set_org_aside(org, Cause::Cycle);
                                }
                                continue;
                            }
                        },
                        State::Gone => self.let_go(org),
                        State::Aside => self.set_org_aside(org, Cause::UnknownOrg),
                        State::Holds | State::NotKept => self.settle_org(org, Some(parent), drafts),
                    },
                }
                path.pop();
            }
        }
    }

    fn let_go(&mut self, org: OrgId) {
        let Some(row) = self.orgs.get_mut(org) else { return };
        row.state = State::Gone;
        let id = row.id.clone();
        self.org_ids.set(&id, Slot::Gone);
    }

    fn settle_org(&mut self, org: OrgId, parent: Option<OrgId>, drafts: &[Draft<'_>]) {
        let depth = parent.map_or(0, |parent| self.orgs[parent].depth).saturating_add(1);
        if depth > DEPTH_MAX {
            return self.set_org_aside(org, Cause::WrongLevel);
        }
        let row = &self.orgs[org];
        let level = self.declared.level(row.word);
        if let Some(level) = level {
            if !names::is_id(&row.id) {
                return self.set_org_aside(org, Cause::BadId);
            }
            if !self.stands_below(parent, level, drafts) {
                return self.set_org_aside(org, Cause::WrongLevel);
            }
        }
        if let Some(row) = self.orgs.get_mut(org) {
            (row.parent, row.depth) = (parent, depth);
            row.state = if level.is_some() { State::Holds } else { State::NotKept };
        }
    }

    /// Whether a scope of this level may stand below an org, in every domain that joins.
    fn stands_below(&self, org: Option<OrgId>, level: &str, drafts: &[Draft<'_>]) -> bool {
        self.joining(drafts).all(|draft| {
            let Some(own) = draft.level(level) else { return true };
            let above =
                org.and_then(|org| self.nearest_in(org, draft)).and_then(|org| self.level_in(org, draft));
            above.is_none_or(|above| above.is_broader_than(own))
        })
    }

    /// The domains whose trees this roster joins.
    pub(super) fn joining<'d, 'f>(
        &'d self,
        drafts: &'d [Draft<'f>],
    ) -> impl Iterator<Item = &'d Draft<'f>> + use<'d, 'f, 'a> {
        drafts.iter().filter(|draft| draft.rosters.contains(&self.declared.name))
    }

    fn level_in(&self, org: OrgId, draft: &Draft<'_>) -> Option<crate::policy::domain::Level> {
        draft.level(self.declared.level(self.orgs[org].word)?)
    }

    /// The org, or the nearest above it, that has a level of this domain.
    fn nearest_in(&self, org: OrgId, draft: &Draft<'_>) -> Option<OrgId> {
        self.nearest_org(org, |org| {
            self.declared.level(org.word).is_some_and(|level| draft.level(level).is_some())
        })
    }

    fn sessions(&mut self, diags: &mut Diags) -> bool {
        self.each(SESSIONS, diags, |reading, record| {
            let id = record.keep(0);
            if let Err(twice) = reading.sessions.claim(id.clone(), record.line) {
                return Err(reading.twice(SESSIONS, twice, |_, _| None));
            }
            if !holds(record.get(1))? {
                reading.sessions.set(&id, Slot::Gone);
                return Ok(());
            }
            if record.get(2).is_empty() || record.get(3).is_empty() {
                return Err(Cause::MissingValue);
            }
            let days = reading.calendar.days(record.get(2), record.get(3))?;
            reading.sessions.set(&id, Slot::Row(days));
            Ok(())
        })
    }

    fn classes(&mut self, drafts: &[Draft<'_>], diags: &mut Diags) -> bool {
        let level = self.declared.level(PlaceWord::Class);
        let has_sessions = self.has_sessions;
        self.each(CLASSES, diags, |reading, record| {
            let id = record.keep(0);
            if let Err(twice) = reading.class_ids.claim(id.clone(), record.line) {
                return Err(reading.twice(CLASSES, twice, |reading, class| {
                    reading.classes.get_mut(class).map(|class| &mut class.state)
                }));
            }
            if !holds(record.get(1))? {
                reading.class_ids.set(&id, Slot::Gone);
                return Ok(());
            }
            if record.get(2).is_empty() {
                return Err(Cause::MissingValue);
            }
            let school = reading.org_ids.find(record.get(2), Cause::UnknownOrg)?;
            let mut days = None;
            let mut named = false;
            if has_sessions {
                for session in record.list(3) {
                    named = true;
                    let Some(session) = reading.sessions.find(session, Cause::UnknownSession)? else {
                        continue;
                    };
                    let whole: Days = days.unwrap_or(session);
                    days = Some(Days {
                        from: whole.from.min(session.from),
                        until: whole.until.max(session.until),
                    });
                }
            }
            if level.is_some() && !names::is_id(&id) {
                return Err(Cause::BadId);
            }
            // Without a school, or with sessions of which none is left, there is no class either.
            let (Some(school), true) = (school, days.is_some() || !named) else {
                reading.class_ids.set(&id, Slot::Gone);
                return Ok(());
            };
            if level.is_some_and(|level| !reading.stands_below(Some(school), level, drafts)) {
                return Err(Cause::WrongLevel);
            }
            let days = days.unwrap_or(Days { from: Time::MIN, until: Time::MAX });
            let class =
                Class { id: id.clone(), school, days, state: State::Holds, line: record.line, scope: None };
            let class = reading.classes.push(class);
            reading.class_ids.set(&id, Slot::Row(class));
            Ok(())
        })
    }

    /// Makes scopes of what has a level, in the order of the ids, and stands them in the trees. Where a scope stands by
    /// hand it stays.
    fn stand(&mut self, drafts: &mut [Draft<'_>], scopes: &mut Scopes) {
        let mut orgs: Vec<OrgId> =
            self.orgs.iter().filter(|(_, org)| org.state == State::Holds).map(|(id, _)| id).collect();
        orgs.sort_by(|a, b| self.orgs[*a].id.cmp(&self.orgs[*b].id));
        for org in &orgs {
            let Some(level) = self.declared.level(self.orgs[*org].word) else { continue };
            let scope = scopes.intern(level, &self.orgs[*org].id);
            if let Some(row) = self.orgs.get_mut(*org) {
                row.scope = Some(scope);
            }
        }
        let mut classes: Vec<ClassId> =
            self.classes.iter().filter(|(_, class)| class.state == State::Holds).map(|(id, _)| id).collect();
        classes.sort_by(|a, b| self.classes[*a].id.cmp(&self.classes[*b].id));
        if let Some(level) = self.declared.level(PlaceWord::Class) {
            for class in &classes {
                let scope = scopes.intern(level, &self.classes[*class].id);
                if let Some(row) = self.classes.get_mut(*class) {
                    row.scope = Some(scope);
                }
            }
        }
        let place = Span::start_of(0);
        for draft in drafts.iter_mut().filter(|draft| draft.rosters.contains(&self.declared.name)) {
            for org in &orgs {
                let (Some(scope), Some(level)) = (self.orgs[*org].scope, self.level_in(*org, draft)) else {
                    continue;
                };
                let above = self.orgs[*org].parent.and_then(|parent| self.nearest_in(parent, draft));
                draft.stand(scope, level, above.and_then(|above| self.orgs[above].scope), place);
            }
            let level = self.declared.level(PlaceWord::Class).and_then(|level| draft.level(level));
            for class in &classes {
                let (Some(scope), Some(level)) = (self.classes[*class].scope, level) else { continue };
                let above = self.nearest_in(self.classes[*class].school, draft);
                draft.stand(scope, level, above.and_then(|above| self.orgs[above].scope), place);
            }
        }
    }
}
