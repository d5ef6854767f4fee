//! Records: what the answers of the app carry, what of it people may see, and what is shared with which application
//! (`policy-model.md` section 6).
//!
//! - [`Records`]: the catalogue with its [`RecordType`]s and [`Field`]s, and what is shared.
//! - [`Sharing`] and [`SharedType`]: what one application is given. [`Shared`]: an allow-list of fields.
//! - [`Carried`]: what a route says of its answers.

use super::table::{DomainId, FieldId, LevelId, PermissionId, PersonId, RecordTypeId, Table};

/// The catalogue of records, and what of it is shared with whom. Without a type there is neither.
#[derive(Debug, Default)]
pub struct Records {
    pub(super) types: Table<RecordTypeId, RecordType>,
    /// Names that are sensitive on any type.
    pub(super) sensitive: Vec<String>,
    /// By application, in the order of their ids.
    pub(super) sharing: Vec<(PersonId, Sharing)>,
}

impl Records {
    /// Whether there is no catalogue.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The types.
    pub fn types(&self) -> &Table<RecordTypeId, RecordType> {
        &self.types
    }

    /// The type of this name.
    pub fn find(&self, name: &str) -> Option<RecordTypeId> {
        self.types.iter().find(|(_, record)| record.name == name).map(|(id, _)| id)
    }

    /// Whether a member of this name is sensitive, wherever it stands. The case of letters does not matter: an app that
    /// writes `IEP` in one answer writes `iep` in the next.
    pub fn is_sensitive(&self, name: &str) -> bool {
        self.sensitive.iter().any(|sensitive| sensitive.eq_ignore_ascii_case(name))
    }

    /// All applications with what is shared with them.
    pub fn applications(&self) -> impl Iterator<Item = (PersonId, &Sharing)> {
        self.sharing.iter().map(|(application, sharing)| (*application, sharing))
    }

    /// What is shared with an application; `None` where nothing is said of it.
    pub fn sharing(&self, application: PersonId) -> Option<&Sharing> {
        let at = self.sharing.binary_search_by_key(&application, |(id, _)| *id).ok()?;
        self.sharing.get(at).map(|(_, sharing)| sharing)
    }

    /// What an application is given of records of a type; `None` where nothing of it is shared.
    pub fn shared(&self, application: PersonId, record: RecordTypeId) -> Option<&SharedType> {
        self.sharing(application)?.of(record)
    }
}

/// A type of record.
#[derive(Debug)]
pub struct RecordType {
    /// The name.
    pub name: String,
    /// Where a record of the type says its own scope. Without it the scopes are those of its parents.
    pub scope: Option<OwnScope>,
    /// The attribute that holds the id of the student whom a record is about.
    pub student: Option<String>,
    /// Types of which one record each must be visible.
    pub parents: Vec<RecordTypeId>,
    /// The permission with which people see a record. Without it no person does.
    pub view: Option<(DomainId, PermissionId)>,
    /// What a record may hold.
    pub fields: Table<FieldId, Field>,
    /// Further attributes that a filter may name.
    pub keys: Vec<String>,
    /// Attributes of the way to a parent of a type, that a filter may name.
    pub links: Vec<(RecordTypeId, Vec<String>)>,
    /// The member that holds extension fields, which are shared by a rule of their own.
    pub extensions: Option<String>,
}

impl RecordType {
    /// The field with exactly this path.
    pub fn field(&self, path: &str) -> Option<&Field> {
        self.fields.iter().find(|(_, field)| field.path == path).map(|(_, field)| field)
    }

    /// What stands behind the member of the extension fields in `path`, if it lies in there.
    pub fn extension<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.extensions.as_deref()?)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
    }
}

/// The attribute of a record that holds the id of its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnScope {
    /// The level of the scope.
    pub level: LevelId,
    /// The attribute.
    pub attribute: String,
}

/// A member of records of a type.
#[derive(Debug)]
pub struct Field {
    /// Its path from the record: names with dots between them. Lists count for nothing.
    pub path: String,
    /// The permission with which people see it, beside the record.
    pub needs: Option<(DomainId, PermissionId)>,
    /// `all` never covers it, and its name is sensitive wherever it stands.
    pub sensitive: bool,
    /// It points at records of this type.
    pub refers: Option<RecordTypeId>,
}

impl Field {
    /// The last name of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

/// What one application is given.
#[derive(Debug, Default)]
pub struct Sharing {
    /// By type, in the order of the catalogue.
    pub(super) types: Vec<Option<SharedType>>,
    /// Extension fields, by what stands behind their member.
    pub(super) extensions: Option<Shared>,
}

impl Sharing {
    /// What is shared of a type; `None` where nothing is.
    pub fn of(&self, record: RecordTypeId) -> Option<&SharedType> {
        use super::table::Id;
        self.types.get(record.row())?.as_ref()
    }

    /// Which extension fields are shared; `None` where none are.
    pub fn extensions(&self) -> Option<&Shared> {
        self.extensions.as_ref()
    }
}

/// What is shared of one type.
#[derive(Debug, Default)]
pub struct SharedType {
    /// Nothing is shared but what another type implies.
    pub only_implied: bool,
    /// Attributes with the values of which a record must have one. All of them must fit.
    pub only: Vec<(String, Vec<String>)>,
    /// The same for the way to a parent of a type.
    pub only_links: Vec<(RecordTypeId, String, Vec<String>)>,
    /// The fields.
    pub fields: Shared,
    /// Types whose shared records imply the records of this type that belong to them.
    pub implied_by: Vec<RecordTypeId>,
}

/// An allow-list of fields.
#[derive(Debug, Default)]
pub struct Shared {
    /// Paths that are shared with what stands below them.
    pub(super) covered: Vec<String>,
    /// Those of them that were written out.
    pub(super) listed: Vec<String>,
}

/// What becomes of a field. The lesser answer is the stricter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// It is removed.
    No,
    /// It stays as far as what stands in it does: a value that holds nothing else is removed.
    Parts,
    /// It stays, but for what is removed inside of it.
    Whole,
}

impl Shared {
    /// What becomes of a path. A sensitive name on the way must have been written out with the path to it.
    pub fn shows(&self, path: &str, sensitive: impl Fn(&str) -> bool) -> Shown {
        if !steps(path).all(|(to, name)| !sensitive(name) || self.listed.iter().any(|listed| listed == to)) {
            return Shown::No;
        }
        if self.covered.iter().any(|covered| is_within(path, covered)) {
            Shown::Whole
        } else if self.covered.iter().any(|covered| is_within(covered, path)) {
            Shown::Parts
        } else {
            Shown::No
        }
    }

    /// The paths that are shared.
    pub fn paths(&self) -> &[String] {
        &self.covered
    }

    /// Whether nothing is shared at all.
    pub fn is_empty(&self) -> bool {
        self.covered.is_empty()
    }
}

/// Whether `path` is `above` or stands below it.
pub fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Each name of a path, with the path up to it.
pub fn steps(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(move |end| {
        let to = path.get(..end)?;
        Some((to, to.rsplit('.').next()?))
    })
}

/// What a route says of the records in its answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Carries {
    /// Nothing. Where there is a catalogue, such an answer goes to nobody.
    #[default]
    Unsaid,
    /// There are none.
    None,
    /// These.
    Records(Vec<Carried>),
}

/// Records of a type, and where they stand in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The type.
    pub record: RecordTypeId,
    /// A JSON pointer (RFC 6901) to the list of them, or to the one. Empty for the whole answer.
    pub at: String,
    /// One record, asked for by the id that this capture holds; else a list.
    pub one: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(covered: &[&str], listed: &[&str]) -> Shared {
        let own = |list: &[&str]| list.iter().map(|path| (*path).to_owned()).collect();
        Shared { covered: own(covered), listed: own(listed) }
    }

    #[test]
    fn steps_are_the_names_with_the_path_to_each() {
        assert_eq!(steps("a").collect::<Vec<_>>(), [("a", "a")]);
        assert_eq!(steps("a.bc.d").collect::<Vec<_>>(), [("a", "a"), ("a.bc", "bc"), ("a.bc.d", "d")]);
    }

    #[test]
    fn a_listed_field_is_shown_with_all_below_it_and_nothing_beside_it() {
        let fields = shared(&["name", "home.town"], &["name", "home.town"]);
        let shows = |path| fields.shows(path, |_| false);
        assert_eq!((shows("name"), shows("name.first")), (Shown::Whole, Shown::Whole));
        assert_eq!(
            (shows("home"), shows("home.town"), shows("home.street")),
            (Shown::Parts, Shown::Whole, Shown::No)
        );
        assert_eq!((shows("names"), shows("nam"), shows("homes.town")), (Shown::No, Shown::No, Shown::No));
    }

    #[test]
    fn a_sensitive_name_is_removed_at_every_depth_unless_its_path_is_listed() {
        let sensitive = |name: &str| name == "iep";
        let fields = shared(&["name", "iep", "plans.iep"], &["plans.iep"]);
        let shows = |path| fields.shows(path, sensitive);
        assert_eq!(
            (shows("iep"), shows("name.iep"), shows("name.iep.status")),
            (Shown::No, Shown::No, Shown::No)
        );
        assert_eq!(
            (shows("plans"), shows("plans.iep"), shows("plans.iep.until")),
            (Shown::Parts, Shown::Whole, Shown::Whole)
        );
        assert_eq!(shows("plans.iep.iep"), Shown::No);
    }
}
