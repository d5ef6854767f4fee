//! Who holds which role where, packed: what a decision reads of a person is one line of the processor's cache, because
//! in a large roster each further one has to be waited for.

use super::people::Kinds;
use super::table::{
    Distinct, DomainId, Id, List, PermissionId, PersonId, RoleId, ScopeId, SetId, Table, TenureId,
};
use crate::time::Time;
use std::cmp::Ordering;
use std::ops::Deref;

/// Subject S holds role R at scope X. All that it says besides where is read through it.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'b> {
    /// Where it is held; of the role's level.
    pub scope: ScopeId,
    tenure: &'b Tenure,
}

/// What an assignment says besides who has it and where. Most are alike, so equal ones are stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenure {
    /// The domain of the role.
    pub domain: DomainId,
    /// The role, inside the domain.
    pub role: RoleId,
    /// From when on it is active.
    pub from: Time,
    /// From when on it is active no more.
    pub until: Time,
    /// A suspended assignment counts as held and grants nothing.
    pub suspended: bool,
    /// It is held at an archived scope, or below one; it counts as held and grants nothing.
    pub archived: bool,
    /// It follows from a roster, and is gone when what it follows from goes.
    pub from_roster: bool,
    /// Permissions of this assignment alone, in the place of those of its role.
    pub(super) set: Option<SetId>,
    pub(super) buildings: List<ScopeId>,
    pub(super) options: List<PermissionId>,
}

impl<'b> Deref for Assignment<'b> {
    type Target = Tenure;

    fn deref(&self) -> &Tenure {
        self.tenure
    }
}

impl<'b> Assignment<'b> {
    /// What it says besides where.
    pub fn tenure(self) -> &'b Tenure {
        self.tenure
    }
}

impl Tenure {
    /// Whether `now` lies inside its dates.
    pub fn is_current(&self, now: Time) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether it is held and grants nothing, whatever the day.
    pub fn grants_nothing(&self) -> bool {
        self.suspended || self.archived
    }

    /// Whether it grants what its role grants.
    pub fn is_active(&self, now: Time) -> bool {
        self.is_current(now) && !self.grants_nothing()
    }

    /// Whether it grants a set of permissions of its own instead of its role's.
    pub fn has_set(&self) -> bool {
        self.set.is_some()
    }

    /// Whether it names a building, which is asked of the data and not of the day.
    pub fn names_a_building(&self) -> bool {
        !self.buildings.is_empty()
    }
}

/// Assignments of one person in one domain, ordered by scope and role name.
#[derive(Debug, Clone, Copy)]
pub struct Assignments<'b> {
    rows: &'b [Row],
    tenures: &'b Tenures,
}

impl<'b> Assignments<'b> {
    /// Those that are held at exactly `scope`.
    pub fn at(self, scope: ScopeId) -> impl Iterator<Item = Assignment<'b>> + Clone {
        let rows = match self.rows.len() {
            0..=FEW => self.rows,
            _ => run(self.rows, |row| row.scope.cmp(&scope)),
        };
        rows.iter().filter(move |row| row.scope == scope).map(move |row| self.tenures.assignment(row))
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Assignment<'b>> + Clone {
        self.rows.iter().map(move |row| self.tenures.assignment(row))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.rows.is_empty()
    }
}

/// An assignment of a person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) scope: ScopeId,
    pub(super) tenure: TenureId,
}

/// How many rows stand with the person. Hardly anybody has more; all rows of those who have stand elsewhere.
const NEAR: usize = 6;

/// A person, as decisions see it.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Holder {
    kinds: Kinds,
    /// Whether the roster says that they are not the same on all days.
    is_staged: bool,
    count: u32,
    /// Where the rows begin that do not stand here.
    start: u32,
    near: [Row; NEAR],
}

const _: () = assert!(size_of::<Row>() == 8 && size_of::<Holder>() == 64);

/// Everybody, with what they hold.
#[derive(Debug, Default)]
pub(super) struct Holders {
    people: Table<PersonId, Holder>,
    /// The rows of those who have many, person by person.
    far: Vec<Row>,
    pub(super) tenures: Tenures,
}

impl Holders {
    /// Everybody is put in once, in the order of their ids, with all of their rows, ordered by domain, scope and role.
    pub(super) fn new(tenures: Tenures) -> Holders {
        Holders { tenures, ..Holders::default() }
    }

    /// Puts the next person in.
    pub(super) fn push(&mut self, kinds: Kinds, is_staged: bool, rows: &[Row]) {
        let empty = Row { scope: ScopeId::from_row(0), tenure: TenureId::from_row(0) };
        let (mut near, start) = ([empty; NEAR], self.far.len() as u32);
        match near.get_mut(..rows.len()) {
            Some(near) => near.copy_from_slice(rows),
            None => self.far.extend(rows),
        }
        self.people.push(Holder { kinds, is_staged, count: rows.len() as u32, start, near });
    }

    /// What somebody is, and whether that is not the same on all days.
    pub(super) fn kinds(&self, person: PersonId) -> (Kinds, bool) {
        let holder = &self.people[person];
        (holder.kinds, holder.is_staged)
    }

    pub(super) fn assignments(&self, person: PersonId, domain: DomainId) -> Assignments<'_> {
        let (first, end) = self.tenures.of[domain];
        let rows = run(self.rows(&self.people[person]), |row| match () {
            () if row.tenure < first => Ordering::Less,
            () if row.tenure < end => Ordering::Equal,
            () => Ordering::Greater,
        });
        Assignments { rows, tenures: &self.tenures }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (PersonId, Assignment<'_>)> {
        self.people.iter().flat_map(move |(person, holder)| {
            self.rows(holder).iter().map(move |row| (person, self.tenures.assignment(row)))
        })
    }

    fn rows<'h>(&'h self, holder: &'h Holder) -> &'h [Row] {
        let count = holder.count as usize;
        match holder.near.get(..count) {
            Some(near) => near,
            None => {
                let far = self.far.get(holder.start as usize..).unwrap_or_default();
                far.get(..count).unwrap_or_default()
            }
        }
    }
}

/// How many rows are sooner walked than halved.
const FEW: usize = 16;

/// The rows that `order` calls equal, which stand together behind those that it calls less.
fn run(rows: &[Row], order: impl Fn(&Row) -> Ordering) -> &[Row] {
    let rows = rows.get(leading(rows, |row| order(row).is_lt())..).unwrap_or_default();
    rows.get(..leading(rows, |row| order(row).is_eq())).unwrap_or_default()
}

/// How many rows stand before the first for which this does not hold; behind that it holds for none.
fn leading(rows: &[Row], holds: impl Fn(&Row) -> bool) -> usize {
    match rows.len() {
        0..=FEW => rows.iter().position(|row| !holds(row)).unwrap_or(rows.len()),
        _ => rows.partition_point(holds),
    }
}

/// The tenures of a bundle, each once; those of a domain stand together.
#[derive(Debug, Default)]
pub(super) struct Tenures {
    rows: Distinct<TenureId, Tenure>,
    /// Where those of each domain begin and end.
    of: Table<DomainId, (TenureId, TenureId)>,
}

impl Tenures {
    /// The id of a tenure, until they are put in order. Like all tables it has fewer rows than the sources have bytes.
    pub(super) fn put(&mut self, tenure: Tenure) -> TenureId {
        self.rows.put(tenure)
    }

    pub(super) fn get(&self, id: TenureId) -> &Tenure {
        &self.rows[id]
    }

    /// Puts them in the order of `domains`, and tells by the old ids what the new ones are.
    pub(super) fn in_order(self, domains: usize) -> (Tenures, Table<TenureId, TenureId>) {
        let mut old_ids: Vec<TenureId> = self.rows.rows().iter().map(|(id, _)| id).collect();
        old_ids.sort_by_key(|id| self.rows[*id].domain);
        let mut ordered = Tenures::default();
        let mut renamed: Vec<(TenureId, TenureId)> = Vec::with_capacity(old_ids.len());
        let mut old_ids = old_ids.into_iter().peekable();
        for domain in (0..domains as u32).map(DomainId::from_row) {
            let first = TenureId::from_row(ordered.rows.rows().len() as u32);
            while let Some(old) = old_ids.next_if(|id| self.rows[*id].domain == domain) {
                renamed.push((old, ordered.rows.put(self.rows[old])));
            }
            ordered.of.push((first, TenureId::from_row(ordered.rows.rows().len() as u32)));
        }
        ordered.rows.close();
        renamed.sort_unstable();
        let mut new_ids = Table::default();
        for (_, new) in renamed {
            new_ids.push(new);
        }
        (ordered, new_ids)
    }

    fn assignment(&self, row: &Row) -> Assignment<'_> {
        Assignment { scope: row.scope, tenure: &self.rows[row.tenure] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scope: u32, tenure: TenureId) -> Row {
        Row { scope: ScopeId::from_row(scope), tenure }
    }

    fn tenure(domain: u32, role: u32) -> Tenure {
        Tenure {
            domain: DomainId::from_row(domain),
            role: RoleId::from_row(role),
            from: Time::MIN,
            until: Time::MAX,
            suspended: false,
            archived: false,
            from_roster: false,
            set: None,
            buildings: List::EMPTY,
            options: List::EMPTY,
        }
    }

    #[test]
    fn people_with_any_number_of_assignments_have_those_of_each_domain_and_scope_and_no_others() {
        let mut gathered = Tenures::default();
        // Met in another order than that of the domains.
        let met: Vec<(u32, u32, TenureId)> = [(1, 0), (0, 1), (2, 5), (0, 0), (1, 3)]
            .map(|(domain, role)| (domain, role, gathered.put(tenure(domain, role))))
            .into();
        assert_eq!(gathered.put(tenure(0, 1)), met[1].2, "an equal one is stored once");
        let (tenures, renamed) = gathered.in_order(4);
        let mut holders = Holders::new(tenures);
        for count in 0..60 {
            let mut held: Vec<(u32, u32, u32)> = (0..count)
                .map(|at| (met[at as usize % met.len()].0, at / 9, met[at as usize % met.len()].1))
                .collect();
            held.sort_unstable();
            let id = |domain, role| {
                let (.., old) = met.iter().find(|(d, r, _)| (*d, *r) == (domain, role)).unwrap();
                renamed[*old]
            };
            let rows: Vec<Row> =
                held.iter().map(|(domain, scope, role)| row(*scope, id(*domain, *role))).collect();
            holders.push(Kinds::default(), count % 2 == 0, &rows);
            let person = PersonId::from_row(count);
            fn seen<'b>(of: impl Iterator<Item = Assignment<'b>>) -> Vec<(u32, u32, u32)> {
                let number = |id: usize| id as u32;
                of.map(|a| (number(a.domain.row()), number(a.scope.row()), number(a.role.row()))).collect()
            }
            for domain in 0..4 {
                let of_domain = holders.assignments(person, DomainId::from_row(domain));
                let wanted = |scope: Option<u32>| -> Vec<(u32, u32, u32)> {
                    let is =
                        |(d, s, _): &&(u32, u32, u32)| *d == domain && scope.is_none_or(|scope| scope == *s);
                    held.iter().filter(is).copied().collect()
                };
                assert_eq!(seen(of_domain.iter()), wanted(None), "{count} {domain}");
                assert_eq!(of_domain.is_empty(), wanted(None).is_empty());
                for scope in 0..9 {
                    assert_eq!(
                        seen(of_domain.at(ScopeId::from_row(scope))),
                        wanted(Some(scope)),
                        "{count} {domain}"
                    );
                }
            }
            assert_eq!(holders.kinds(person).1, count % 2 == 0);
        }
        let counted = holders.all().map(|(person, _)| person).fold([0; 60], |mut of, person| {
            of[person.row()] += 1;
            of
        });
        assert_eq!(counted.to_vec(), (0..60).collect::<Vec<_>>());
    }
}
