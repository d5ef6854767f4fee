//! The tree over decoded segments. Every node stands at one depth, so a look-up visits each node at most once.

use super::template::{QueryPart, Segment, SegmentType, Template};
use super::{CAPTURES_MAX, RouteId};
use crate::policy::names::NameMap;
use std::collections::BTreeMap;

/// The routes of all paths.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: NameMap<Node>,
    /// Whether a literal has a letter beyond ASCII: then the case of letters takes a longer look.
    beyond_ascii: bool,
    /// Ordered narrow to wide.
    parameters: Vec<(SegmentType, Node)>,
    tail: Option<Paths>,
    end: Option<Paths>,
}

/// The methods of one path template.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    endpoints: BTreeMap<Box<str>, Endpoint>,
    allow: String,
}

/// The routes of one path template and method.
#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    /// Whether any of the routes may be known to exist.
    listed: bool,
    pub(super) query_names: Vec<String>,
    pub(super) routes: Vec<RouteId>,
}

/// Where in the path the parameters stand, as byte ranges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Captures {
    ranges: [(u32, u32); CAPTURES_MAX],
    count: usize,
}

impl Captures {
    fn push(&mut self, start: usize, end: usize) {
        if let Some(range) = self.ranges.get_mut(self.count) {
            *range = (start as u32, end as u32);
            self.count += 1;
        }
    }

    pub(super) fn get<'p>(&self, number: usize, path: &'p str) -> Option<&'p str> {
        let (start, end) = self.ranges.get(..self.count)?.get(number)?;
        path.get(*start as usize..*end as usize)
    }
}

impl Paths {
    pub(super) fn endpoint(&self, method: &str) -> Option<&Endpoint> {
        self.endpoints.get(method)
    }

    /// The methods, as `Allow` lists them.
    pub(super) fn allow(&self) -> &str {
        &self.allow
    }
}

impl Tree {
    /// Adds a route. The query parts learn their slots. Gives back the routes of the same path and method that were
    /// there before. A `hidden` route is not listed in `Allow`, which would tell that it exists.
    pub(crate) fn insert(&mut self, template: &mut Template, route: RouteId, hidden: bool) -> Vec<RouteId> {
        let mut node = &mut self.root;
        let mut tail = false;
        for segment in &template.segments {
            match segment {
                Segment::Literal(text) => node = literal_child(node, text),
                Segment::Parameter { kind, .. } => node = parameter_child(node, *kind),
                Segment::Tail { .. } => tail = true,
            }
        }
        let paths = if tail { &mut node.tail } else { &mut node.end }.get_or_insert_default();
        let endpoint = paths.endpoints.entry(template.method.as_str().into()).or_default();
        for part in &mut template.query {
            let known = endpoint.query_names.iter().position(|name| name == part.name());
            let slot = known.unwrap_or_else(|| {
                endpoint.query_names.push(part.name().to_owned());
                endpoint.query_names.len() - 1
            });
            *part.slot_mut() = slot;
        }
        let before = endpoint.routes.clone();
        endpoint.routes.push(route);
        endpoint.listed |= !hidden;
        paths.allow =
            allow(paths.endpoints.iter().filter(|(_, endpoint)| endpoint.listed).map(|(method, _)| method));
        before
    }

    /// The best template for a decoded path that begins with `/`.
    pub(crate) fn find(&self, path: &str) -> Option<(&Paths, Captures)> {
        if !path.starts_with('/') || path.len() > u32::MAX as usize {
            return None;
        }
        let mut captures = Captures::default();
        match self.root.find(path, 1, &mut captures) {
            Step::Found(paths) => Some((paths, captures)),
            Step::Near | Step::Nothing => None,
        }
    }
}

/// What a branch of the tree says of a path.
enum Step<'n> {
    /// Its template has the path.
    Found(&'n Paths),
    /// Its template has the path but for a slash at the end, or but for the spelling of a text. To many apps that is the
    /// same path, so no wider template may speak for it.
    Near,
    Nothing,
}

impl Node {
    /// Looks at the segment that begins at `start`; past the end of the path there is none left.
    fn find(&self, path: &str, start: usize, captures: &mut Captures) -> Step<'_> {
        let Some(rest) = path.get(start..) else {
            return match &self.end {
                Some(paths) => Step::Found(paths),
                None if self.goes_on_with_a_slash() => Step::Near,
                None => Step::Nothing,
            };
        };
        let slash = rest.bytes().position(|byte| byte == b'/');
        let end = slash.map_or(path.len(), |length| start + length);
        let Some(segment) = path.get(start..end) else { return Step::Nothing };
        if let Some(node) = self.literals.get(segment) {
            match node.find(path, end + 1, captures) {
                Step::Nothing => {}
                step => return step,
            }
        }
        let spelling = Spelling::of(segment, slash.is_none(), self.beyond_ascii);
        for (_, node) in self.literals.iter().filter(|(text, _)| spelling.is_another_of(text)) {
            if !matches!(node.find(path, end + 1, captures), Step::Nothing) {
                return Step::Near;
            }
        }
        if segment.is_empty() {
            return if rest.is_empty() && self.end.is_some() { Step::Near } else { Step::Nothing };
        }
        let before = *captures;
        for (_, node) in self.parameters.iter().filter(|(kind, _)| kind.accepts(segment)) {
            captures.push(start, end);
            match node.find(path, end + 1, captures) {
                Step::Nothing => *captures = before,
                step => return step,
            }
        }
        let Some(tail) = &self.tail else { return Step::Nothing };
        captures.push(start, path.len());
        Step::Found(tail)
    }

    /// Whether a template ends with a slash right behind this node.
    fn goes_on_with_a_slash(&self) -> bool {
        self.literals.get("").is_some_and(|node| node.end.is_some())
    }
}

/// What some app may take a segment for: Express, ASP.NET and Windows do not look at the case of letters, Windows drops
/// dots and blanks at the end of a name, and Rails and Spring take what follows a dot at the end of the path for the
/// format of the answer.
struct Spelling<'s> {
    segment: &'s str,
    bare: &'s str,
    without_format: Option<&'s str>,
    beyond_ascii: bool,
}

impl<'s> Spelling<'s> {
    /// Of a segment, which may be the last of its path, beside literals that may be `beyond_ascii`.
    fn of(segment: &'s str, is_last: bool, beyond_ascii: bool) -> Spelling<'s> {
        let bare = bare(segment);
        let without_format = if is_last { bare.rsplit_once('.').map(|(name, _)| name) } else { None };
        Spelling { segment, bare, without_format, beyond_ascii: beyond_ascii || !segment.is_ascii() }
    }

    /// Whether the segment may be taken for `text`, and is not this very text.
    fn is_another_of(&self, text: &str) -> bool {
        let named = bare(text);
        let is = |name: &str| match self.beyond_ascii {
            false => name.eq_ignore_ascii_case(named),
            // `\u{17f}` is an `s` to some.
            true => folded(name).eq(folded(named)),
        };
        !named.is_empty() && (is(self.bare) || self.without_format.is_some_and(is)) && text != self.segment
    }
}

/// A name without dots and blanks at its end.
fn bare(name: &str) -> &str {
    match name.as_bytes().last() {
        Some(b'.' | b' ') => name.trim_end_matches(['.', ' ']),
        _ => name,
    }
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

fn literal_child<'n>(node: &'n mut Node, text: &str) -> &'n mut Node {
    node.beyond_ascii |= !text.is_ascii();
    node.literals.entry(text.into()).or_default()
}

fn parameter_child(node: &mut Node, kind: SegmentType) -> &mut Node {
    let parameters = &mut node.parameters;
    let at = match parameters.binary_search_by_key(&kind, |(known, _)| *known) {
        Ok(at) => at,
        Err(at) => {
            parameters.insert(at, (kind, Node::default()));
            at
        }
    };
    #[expect(clippy::indexing_slicing, reason = "the place was found or filled right before")]
    &mut parameters[at].1
}

fn allow<'m>(methods: impl Iterator<Item = &'m Box<str>>) -> String {
    let mut list: Vec<&str> = methods.map(AsRef::as_ref).collect();
    if list.contains(&"GET") {
        list.push("HEAD");
    }
    list.sort_unstable();
    list.join(", ")
}

/// Whether no query can satisfy both: one parameter that both fix, to different values.
pub(crate) fn are_disjoint(one: &[QueryPart], other: &[QueryPart]) -> bool {
    one.iter().any(|part| match part {
        QueryPart::Literal { name, value, .. } => other.iter().any(|part| match part {
            QueryPart::Literal { name: same, value: differs, .. } => name == same && value != differs,
            QueryPart::Capture { .. } => false,
        }),
        QueryPart::Capture { .. } => false,
    })
}
