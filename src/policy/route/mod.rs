//! Routes: which request asks for what.
//!
//! A template names a method, a path and, for dispatchers, query parameters. [`Routes::find`] walks a tree over decoded
//! segments and backtracks; the template with the more literal segment at the first difference from the left wins
//! (literal, `int` and `uuid`, `slug`, any, tail). The path alone picks the template: a method that the winner does not have
//! is `no_method`, never another template. A path that differs from the winner's in a slash at its end has no route, unless
//! a template has it as it is: many apps take the two for one. Two templates that could both win do not load.
//!
//! - [`Routes`]: the table. [`Lookup`]: what a method and path lead to. [`Leaf`]: the routes of one path and method,
//!   told apart by query parameters. [`Match`]: the route with its captures.
//! - [`Route`]: what a request must satisfy. [`Requirement`], [`Attribute`]: what is asked, and from where it is taken.

mod template;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use template::{QueryPart, Template};
pub use template::{Segment, SegmentType, TemplateError};
pub(super) use tree::{Tree, are_disjoint};

use super::access::{Access, DocumentAction};
use super::change::Change;
use super::condition::Condition;
use super::records::Carries;
use super::table::{
    DomainId, FormId, LevelId, PermissionId, PersonId, RecordTypeId, RouteId, ScopeId, Table,
};

/// Path captures of one template at the most.
pub const CAPTURES_MAX: usize = 8;

/// The routes of a bundle.
#[derive(Debug, Default)]
pub struct Routes {
    pub(super) table: Table<RouteId, Route>,
    pub(super) tree: Tree,
}

/// What a request must satisfy to be forwarded.
#[derive(Debug)]
pub struct Route {
    pub(super) template: String,
    pub(super) public: bool,
    pub(super) conceal: bool,
    pub(super) requirements: Vec<Requirement>,
    pub(super) carries: Carries,
    /// The query parameters that a request for records may have.
    pub(super) accepts: Vec<String>,
    pub(super) query: Vec<QueryPart>,
    pub(super) path_captures: usize,
    /// Captures that hold a list, its items joined by commas.
    pub(super) lists: Vec<usize>,
}

impl Requirement {
    /// Whether the requirement reads this capture as the name of one thing.
    pub(in crate::policy) fn reads(&self, capture: usize) -> bool {
        fn is<T>(attribute: &Attribute<T>, capture: usize) -> bool {
            matches!(attribute, Attribute::Captured(number) if *number == capture)
        }
        let person =
            |attribute: &Option<Attribute<PersonId>>| attribute.as_ref().is_some_and(|a| is(a, capture));
        match self {
            Requirement::Any(alternatives) => alternatives.iter().any(|one| one.reads(capture)),
            Requirement::Sharing(_) => false,
            Requirement::Condition { condition, scope, student, target } => {
                condition.reads(capture)
                    || matches!(scope, Some(ScopeAttribute::Captured(_, number)) if *number == capture)
                    || person(student)
                    || person(target)
            }
            Requirement::Permission { scope, student, target, .. } => {
                matches!(scope, ScopeAttribute::Captured(_, number) if *number == capture)
                    || person(student)
                    || person(target)
            }
            // A set, a category and a title are one thing each, so they are no lists of things to be asked about.
            Requirement::Change { change, .. } => {
                change.role().is_some_and(|role| is(&role, capture))
                    || person(&change.target())
                    || matches!(change.scope(), Some(ScopeAttribute::Captured(_, number)) if *number == capture)
            }
            Requirement::Document { document, target, giving, .. } => {
                let names_document = match document {
                    DocumentAttribute::Listed(number) => *number == capture,
                    DocumentAttribute::Of { form, student, .. } => is(form, capture) || is(student, capture),
                };
                names_document || person(target) || giving.as_ref().is_some_and(|a| is(a, capture))
            }
        }
    }
}

impl Requirement {
    /// Whether it is bounded by who asks.
    pub(in crate::policy) fn asks_who(&self) -> bool {
        match self {
            Requirement::Any(alternatives) => alternatives.iter().all(Requirement::asks_who),
            Requirement::Change { change, .. } => change.asks_who(),
            _ => true,
        }
    }
}

impl Route {
    /// The capture that holds a list and is read by `requirement`, if there is one. A requirement that reads two does not
    /// load.
    pub fn list_of(&self, requirement: &Requirement) -> Option<usize> {
        self.lists.iter().copied().find(|capture| requirement.reads(*capture))
    }

    /// The template as the bundle writes it, method first.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The method of the template. `HEAD` is decided as `GET`.
    pub fn method(&self) -> &str {
        self.template.split(' ').next().unwrap_or_default()
    }

    /// Whether nobody is asked who they are.
    pub fn is_public(&self) -> bool {
        self.public
    }

    /// Whether a denial looks like what does not exist.
    pub fn conceals(&self) -> bool {
        self.conceal
    }

    /// Whether it gives roles or permissions of a domain, which people might give themselves.
    pub fn changes_rights_in(&self, asked: DomainId) -> bool {
        let alternatives = self.requirements.iter().flat_map(|requirement| match requirement {
            Requirement::Any(alternatives) => alternatives.as_slice(),
            _ => std::slice::from_ref(requirement),
        });
        let gives = |change: &Change| {
            matches!(change, Change::Assignment { takes: false, .. } | Change::Permissions { .. })
        };
        let mut changes = alternatives.filter_map(|requirement| match requirement {
            Requirement::Change { domain, change } if *domain == asked => Some(change),
            _ => None,
        });
        changes.any(gives)
    }

    /// What its answers carry.
    pub fn carries(&self) -> &Carries {
        &self.carries
    }

    /// The query parameters that a request for records may have: those of the template, and those that it lists besides.
    /// Any other could ask for what the answer must not show.
    pub fn accepts(&self, parameter: &str) -> bool {
        self.accepts.iter().any(|name| name == parameter)
            || self.query.iter().any(|part| part.name() == parameter)
    }

    /// What must hold, all of it.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }
}

/// One thing that must hold.
#[derive(Debug)]
pub enum Requirement {
    /// A permission on a scope.
    Permission {
        /// The domain.
        domain: DomainId,
        /// The permission, inside the domain.
        permission: PermissionId,
        /// Where.
        scope: ScopeAttribute,
        /// The student who is asked about, for relations and blocks.
        student: Option<Attribute<PersonId>>,
        /// A second person whom the request names.
        target: Option<Attribute<PersonId>>,
    },
    /// Any one of these, one level deep.
    Any(Vec<Requirement>),
    /// Records of this type are shared with the application that asks, or that the subject comes through.
    Sharing(RecordTypeId),
    /// A condition over attributes of the request, its subject and its target.
    Condition {
        /// What must hold.
        condition: Condition,
        /// Where the target's permissions are asked for.
        scope: Option<ScopeAttribute>,
        /// The student who is asked about.
        student: Option<Attribute<PersonId>>,
        /// The second person whom the request names.
        target: Option<Attribute<PersonId>>,
    },
    /// A change to an assignment or a role.
    Change {
        /// The domain.
        domain: DomainId,
        /// What is changed.
        change: Change,
    },
    /// An access to a document.
    Document {
        /// What is done with it.
        action: DocumentAction,
        /// Which document, or which form for which student.
        document: DocumentAttribute,
        /// For sharing and transferring: to whom.
        target: Option<Attribute<PersonId>>,
        /// For sharing: what is given.
        giving: Option<Attribute<Access>>,
    },
}

/// A value that the bundle fixes or the request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute<T> {
    /// Written in the bundle.
    Fixed(T),
    /// Capture number so-and-so of the template.
    Captured(usize),
}

/// Where a permission is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeAttribute {
    /// On one scope of the bundle.
    Fixed(ScopeId),
    /// On the scope of this level that the capture names.
    Captured(LevelId, usize),
}

/// Which document is meant.
#[derive(Debug, Clone, Copy)]
pub enum DocumentAttribute {
    /// One that the bundle lists, by its id.
    Listed(usize),
    /// Any of a form about a student.
    Of {
        /// The domain of the form.
        domain: DomainId,
        /// The form.
        form: Attribute<FormId>,
        /// The student.
        student: Attribute<PersonId>,
    },
}

/// What a method and a path lead to.
#[derive(Debug)]
pub enum Lookup<'b, 'p> {
    /// Routes of this path and method.
    Found(Leaf<'b, 'p>),
    /// The path has routes, none with this method. The methods that it has, as `Allow` lists them.
    NoMethod(&'b str),
    /// No template has this path.
    NoRoute,
}

/// The routes of one path template and method.
#[derive(Debug)]
pub struct Leaf<'b, 'p> {
    routes: &'b Routes,
    endpoint: &'b tree::Endpoint,
    path: &'p str,
    captures: tree::Captures,
}

/// A route with what its template captured.
#[derive(Debug)]
pub struct Match<'b, 'p> {
    id: RouteId,
    route: &'b Route,
    path: &'p str,
    captures: tree::Captures,
    /// By the place of the name in [`Leaf::query_names`].
    query: Vec<Option<String>>,
}

impl Routes {
    /// Looks up a decoded path that begins with `/`. `HEAD` is decided as `GET`.
    pub fn find<'b, 'p>(&'b self, method: &str, path: &'p str) -> Lookup<'b, 'p> {
        let Some((paths, captures)) = self.tree.find(path) else { return Lookup::NoRoute };
        let method = if method == "HEAD" { "GET" } else { method };
        match paths.endpoint(method) {
            Some(endpoint) => Lookup::Found(Leaf { routes: self, endpoint, path, captures }),
            // Where every method conceals itself, the path does not exist for those who ask with another.
            None if paths.allow().is_empty() => Lookup::NoRoute,
            None => Lookup::NoMethod(paths.allow()),
        }
    }

    /// All routes, in the order of the files.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.table.iter().map(|(_, route)| route)
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no route.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

impl<'b, 'p> Leaf<'b, 'p> {
    /// The query parameters that must be read before one route can be picked. Most leaves read none.
    pub fn query_names(&self) -> &'b [String] {
        &self.endpoint.query_names
    }

    /// Picks the route by the values of [`Leaf::query_names`], in that order; `None` where no route has them.
    pub fn select(self, query: Vec<Option<String>>) -> Option<Match<'b, 'p>> {
        let fits = |id: &&RouteId| {
            self.routes.table[**id].query.iter().all(|part| match part {
                QueryPart::Literal { slot, value, .. } => {
                    query.get(*slot).and_then(Option::as_deref) == Some(value.as_str())
                }
                QueryPart::Capture { .. } => true,
            })
        };
        let id = self.endpoint.routes.iter().find(fits)?;
        Some(Match {
            id: *id,
            route: &self.routes.table[*id],
            path: self.path,
            captures: self.captures,
            query,
        })
    }
}

impl<'b> Match<'b, '_> {
    /// The route.
    pub fn route(&self) -> &'b Route {
        self.route
    }

    /// The id of the route.
    pub fn id(&self) -> RouteId {
        self.id
    }

    /// What each capture holds, in order. A query parameter may be absent.
    pub fn captures(&self) -> impl Iterator<Item = Option<&str>> {
        let of_query = self.route.query.iter().filter_map(|part| match part {
            QueryPart::Capture { slot, .. } => Some(self.query.get(*slot).and_then(Option::as_deref)),
            QueryPart::Literal { .. } => None,
        });
        (0..self.route.path_captures).map(|number| self.captures.get(number, self.path)).chain(of_query)
    }

    /// What the capture holds: those of the path first, then those of the query. A query parameter may be absent.
    pub fn capture(&self, number: usize) -> Option<&str> {
        if number < self.route.path_captures {
            return self.captures.get(number, self.path);
        }
        let mut captured = self.route.query.iter().filter_map(|part| match part {
            QueryPart::Capture { slot, .. } => Some(*slot),
            QueryPart::Literal { .. } => None,
        });
        let slot = captured.nth(number - self.route.path_captures)?;
        self.query.get(slot)?.as_deref()
    }
}
