//! Packed tables and the ids that index them.
//!
//! An id is made only by pushing into its table, so reading with it cannot miss: this is the one place in the policy
//! core that indexes.

use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::Index;

/// The index of a row in a [`Table`].
pub trait Id: Copy {
    /// The id of row `row`.
    fn from_row(row: u32) -> Self;
    /// The row of this id.
    fn row(self) -> usize;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl Id for $name {
            fn from_row(row: u32) -> Self {
                $name(row)
            }

            fn row(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A domain of the bundle.
    DomainId;
    /// A module, inside its domain.
    ModuleId;
    /// A permission, inside its domain.
    PermissionId;
    /// A role, inside its domain. Ids follow the order of the role names.
    RoleId;
    /// A form, inside its domain.
    FormId;
    /// A scope. Scopes are shared by the domains of a bundle.
    ScopeId;
    /// The name of a level, shared by the domains that use it.
    LevelId;
    /// A column of people whose keys issuers name them by.
    ColumnId;
    /// A person (or application, or service) of the roster.
    PersonId;
    /// A document that the bundle lists.
    DocumentId;
    /// A route.
    RouteId;
    /// What assignments say besides who has them and where.
    TenureId;
    /// A custom set of an assignment.
    SetId;
    /// A type of record.
    RecordTypeId;
    /// A field, inside its type of record.
    FieldId;
    /// An org of a roster, while that is read.
    OrgId;
    /// A class of a roster, while that is read.
    ClassId;
    /// A user of a roster, while that is read.
    UserId;
}

/// Rows of `T`, read by ids that this table gave out.
#[derive(Debug, Clone)]
pub struct Table<I, T> {
    rows: Vec<T>,
    ids: PhantomData<I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Table { rows: Vec::new(), ids: PhantomData }
    }
}

impl<I: Id, T> Table<I, T> {
    /// Appends a row and gives out its id. A table holds fewer than `u32::MAX` rows: the sources are bounded in bytes.
    pub fn push(&mut self, row: T) -> I {
        let id = I::from_row(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        self.rows.push(row);
        id
    }

    /// The row to be changed while a bundle is compiled.
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.rows.get_mut(id.row())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows with their ids, in the order of the ids.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.rows.iter().enumerate().map(|(row, value)| (I::from_row(row as u32), value))
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;

    #[expect(clippy::indexing_slicing, reason = "ids are made by `push` and rows are never removed")]
    fn index(&self, id: I) -> &T {
        &self.rows[id.row()]
    }
}

/// A table in which equal rows are stored once.
#[derive(Debug)]
pub struct Distinct<I, T> {
    rows: Table<I, T>,
    /// While they are gathered.
    known: HashMap<T, I>,
}

impl<I, T> Default for Distinct<I, T> {
    fn default() -> Self {
        Distinct { rows: Table::default(), known: HashMap::new() }
    }
}

impl<I: Id, T: Clone + Eq + Hash> Distinct<I, T> {
    /// The id of this row, from now on.
    pub fn put(&mut self, row: T) -> I {
        if let Some(known) = self.known.get(&row) {
            return *known;
        }
        let id = self.rows.push(row.clone());
        self.known.insert(row, id);
        id
    }

    /// Nothing more is put in.
    pub fn close(&mut self) {
        self.known = HashMap::new();
    }

    /// The rows.
    pub fn rows(&self) -> &Table<I, T> {
        &self.rows
    }
}

impl<I: Id, T> Index<I> for Distinct<I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        &self.rows[id]
    }
}

/// A list among [`Lists`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct List<T> {
    start: u32,
    end: u32,
    items: PhantomData<T>,
}

impl<T> List<T> {
    /// The one of nothing.
    pub const EMPTY: List<T> = List { start: 0, end: 0, items: PhantomData };

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// Short lists, packed. Equal ones are stored once, so that those that many people share are read from one place.
#[derive(Debug)]
pub struct Lists<T> {
    items: Vec<T>,
    /// While they are gathered.
    known: HashMap<Box<[T]>, List<T>>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Lists { items: Vec::new(), known: HashMap::new() }
    }
}

impl<T: Copy + Eq + Hash> Lists<T> {
    /// Where a list is found from now on. Like tables, all of them together hold fewer than `u32::MAX` items.
    pub fn put(&mut self, list: &[T]) -> List<T> {
        if list.is_empty() {
            return List::EMPTY;
        }
        if let Some(known) = self.known.get(list) {
            return *known;
        }
        let start = self.items.len() as u32;
        self.items.extend(list);
        let put = List { start, end: self.items.len() as u32, items: PhantomData };
        self.known.insert(list.into(), put);
        put
    }

    /// The items of a list.
    pub fn get(&self, list: List<T>) -> &[T] {
        self.items.get(list.start as usize..list.end as usize).unwrap_or_default()
    }

    /// Nothing more is put in.
    pub fn close(&mut self) {
        self.known = HashMap::new();
        self.items.shrink_to_fit();
    }
}

/// A set of ids of one table, one bit each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdSet<I> {
    words: Vec<u64>,
    ids: PhantomData<I>,
}

impl<I> Default for IdSet<I> {
    fn default() -> Self {
        IdSet { words: Vec::new(), ids: PhantomData }
    }
}

impl<I: Id> IdSet<I> {
    /// The empty set.
    pub fn new() -> Self {
        IdSet { words: Vec::new(), ids: PhantomData }
    }

    /// Puts `id` into the set.
    pub fn insert(&mut self, id: I) {
        let word = id.row() / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= 1 << (id.row() % 64);
        }
    }

    /// Puts all of `other` into the set.
    pub fn extend(&mut self, other: impl IntoIterator<Item = I>) {
        for id in other {
            self.insert(id);
        }
    }

    /// Whether `id` is in the set.
    pub fn contains(&self, id: I) -> bool {
        self.words.get(id.row() / 64).is_some_and(|word| word & (1 << (id.row() % 64)) != 0)
    }

    /// Whether no id is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The ids of the set, in their order.
    pub fn iter(&self) -> impl Iterator<Item = I> + '_ {
        (0..self.words.len() as u32 * 64).map(I::from_row).filter(|id| self.contains(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else_on_both_sides_of_a_word() {
        let rows = [0, 1, 63, 64, 65, 127, 128, 300];
        let mut set = IdSet::new();
        set.extend(rows.map(PersonId::from_row));
        let found: Vec<usize> = set.iter().map(Id::row).collect();
        assert_eq!(found, rows.map(|row| row as usize));
        for row in 0..400 {
            assert_eq!(set.contains(PersonId::from_row(row)), rows.contains(&row), "{row}");
        }
        assert!(!set.is_empty() && IdSet::<PersonId>::new().is_empty());
    }

    #[test]
    fn equal_rows_are_stored_once_under_one_id() {
        let mut rows: Distinct<SetId, &str> = Distinct::default();
        let (one, other) = (rows.put("a"), rows.put("b"));
        assert_eq!((rows.put("a"), rows.put("b")), (one, other));
        rows.close();
        assert_eq!((rows[one], rows[other], rows.rows().len()), ("a", "b", 2));
    }

    #[test]
    fn equal_lists_are_stored_once_and_an_empty_one_nowhere() {
        let mut lists = Lists::default();
        let (one, other) = (lists.put(&[3, 1]), lists.put(&[1, 3]));
        assert_eq!((lists.put(&[3, 1]), lists.put(&[])), (one, List::EMPTY));
        assert!(one != other && !one.is_empty() && List::<u32>::EMPTY.is_empty());
        lists.close();
        assert_eq!((lists.get(one), lists.get(other)), (&[3, 1][..], &[1, 3][..]));
        assert_eq!(lists.get(List::EMPTY), &[] as &[u32]);
        assert_eq!(lists.items.len(), 4);
    }
}
