//! A route template taken apart: `GET /classes/{class}/days/{day:int}?view={view}`.

use std::fmt;

/// A template: method, path segments, query parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) method: String,
    pub(crate) segments: Vec<Segment>,
    pub(crate) query: Vec<QueryPart>,
}

/// One segment of a path template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// This text, byte for byte. Empty only as the last one: the path ends in `/`.
    Literal(String),
    /// One segment that is not empty and of the type.
    Parameter {
        /// The name.
        name: String,
        /// What it may look like.
        kind: SegmentType,
    },
    /// One segment or more, to the end of the path.
    Tail {
        /// The name.
        name: String,
    },
}

/// What a parameter may look like, narrow to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentType {
    /// 1 to 18 decimal digits.
    Int,
    /// RFC 9562 text form, hexadecimal digits of either case.
    Uuid,
    /// ASCII letters, digits, `-` and `_`.
    Slug,
    /// Anything that is not empty.
    Any,
}

impl SegmentType {
    /// The types that a template can name.
    pub const WORDS: &'static [(&'static str, SegmentType)] =
        &[("int", SegmentType::Int), ("uuid", SegmentType::Uuid), ("slug", SegmentType::Slug)];

    /// Whether `segment` is of the type.
    pub fn accepts(self, segment: &str) -> bool {
        let bytes = segment.as_bytes();
        match self {
            SegmentType::Int => (1..=18).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit),
            SegmentType::Uuid => {
                bytes.len() == 36
                    && bytes.iter().enumerate().all(|(at, byte)| match at {
                        8 | 13 | 18 | 23 => *byte == b'-',
                        _ => byte.is_ascii_hexdigit(),
                    })
            }
            SegmentType::Slug => {
                !bytes.is_empty()
                    && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            }
            SegmentType::Any => !bytes.is_empty(),
        }
    }
}

/// One query parameter of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueryPart {
    /// The parameter must have this value; it picks the route.
    Literal {
        name: String,
        value: String,
        /// Its place among the parameters that the leaf reads; set when the tree is built.
        slot: usize,
    },
    /// The parameter is captured.
    Capture { name: String, capture: String, slot: usize },
}

impl QueryPart {
    pub(crate) fn name(&self) -> &str {
        match self {
            QueryPart::Literal { name, .. } | QueryPart::Capture { name, .. } => name,
        }
    }

    pub(crate) fn slot_mut(&mut self) -> &mut usize {
        match self {
            QueryPart::Literal { slot, .. } | QueryPart::Capture { slot, .. } => slot,
        }
    }
}

/// Why a text is not a template: where, counted in bytes from its start, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Offset of what is wrong, in bytes.
    pub offset: usize,
    /// Its length, in bytes.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: &'static str,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

const METHOD_HELP: &str = "write it like `GET /classes/{class}`";
const PARAMETER_HELP: &str =
    "write `{name}`, `{name:int}`, `{name:uuid}`, `{name:slug}` or, as the last segment, `{name...}`";

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Everything that is wrong with it, in order.
    pub(crate) fn parse(text: &str) -> Result<Template, Vec<TemplateError>> {
        let mut errors = Vec::new();
        let Some((method, rest)) = text.split_once(' ') else {
            return Err(vec![error(0, text.len(), "a route needs a method and a path".into(), METHOD_HELP)]);
        };
        if let Some((message, help)) = method_fault(method) {
            errors.push(error(0, method.len(), message, help));
        }
        let at = method.len() + 1;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let segments = parse_path(path, at, &mut errors);
        let query = query.map(|query| parse_query(query, at + path.len() + 1, &mut errors));
        let template = Template { method: method.to_owned(), segments, query: query.unwrap_or_default() };
        let mut names: Vec<&str> = Vec::new();
        for name in template.captures() {
            if names.contains(&name) {
                errors.push(error(at, rest.len(), format!("`{{{name}}}` is captured twice"), PARAMETER_HELP));
            }
            names.push(name);
        }
        if template.path_captures() > super::CAPTURES_MAX {
            errors.push(error(at, path.len(), "more than 8 parameters in one path".into(), PARAMETER_HELP));
        }
        if errors.is_empty() { Ok(template) } else { Err(errors) }
    }

    /// The names of the captures: those of the path, then those of the query.
    pub(crate) fn captures(&self) -> impl Iterator<Item = &str> {
        let path = self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter { name, .. } | Segment::Tail { name } => Some(name.as_str()),
        });
        let query = self.query.iter().filter_map(|part| match part {
            QueryPart::Literal { .. } => None,
            QueryPart::Capture { capture, .. } => Some(capture.as_str()),
        });
        path.chain(query)
    }

    /// How many captures the path has.
    pub(crate) fn path_captures(&self) -> usize {
        self.segments.iter().filter(|segment| !matches!(segment, Segment::Literal(_))).count()
    }
}

fn error(offset: usize, length: usize, message: String, help: &'static str) -> TemplateError {
    TemplateError { offset, length: length.max(1), message, help }
}

fn method_fault(method: &str) -> Option<(String, &'static str)> {
    match method {
        "HEAD" => Some(("`HEAD` is decided as `GET`".into(), "write the route for `GET` alone")),
        "TRACE" | "CONNECT" => Some((format!("`{method}` is never forwarded"), METHOD_HELP)),
        _ if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') => {
            Some((format!("`{method}` is not a method"), METHOD_HELP))
        }
        _ => None,
    }
}

fn parse_path(path: &str, at: usize, errors: &mut Vec<TemplateError>) -> Vec<Segment> {
    let Some(rest) = path.strip_prefix('/') else {
        errors.push(error(at, path.len(), "a path begins with `/`".into(), METHOD_HELP));
        return Vec::new();
    };
    let mut segments = Vec::new();
    let mut offset = at + 1;
    let mut parts = rest.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match parse_segment(part, last) {
            Ok(segment) => segments.push(segment),
            Err((message, help)) => errors.push(error(offset, part.len(), message, help)),
        }
        offset += part.len() + 1;
    }
    segments
}

fn parse_segment(part: &str, last: bool) -> Result<Segment, (String, &'static str)> {
    let Some(inner) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
        return literal(part, last);
    };
    if let Some(name) = inner.strip_suffix("...") {
        check_name(name)?;
        if !last {
            return Err((format!("`{part}` is not the last segment"), PARAMETER_HELP));
        }
        return Ok(Segment::Tail { name: name.to_owned() });
    }
    let (name, kind) = match inner.split_once(':') {
        None => (inner, SegmentType::Any),
        Some((name, word)) => {
            let found = SegmentType::WORDS.iter().find(|(known, _)| *known == word);
            let (_, kind) = found.ok_or_else(|| (format!("`{word}` is not a type"), PARAMETER_HELP))?;
            (name, *kind)
        }
    };
    check_name(name)?;
    Ok(Segment::Parameter { name: name.to_owned(), kind })
}

fn check_name(name: &str) -> Result<(), (String, &'static str)> {
    let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits { Ok(()) } else { Err((format!("`{name}` is not a parameter name"), PARAMETER_HELP)) }
}

/// A literal that a canonical path can equal; one that it cannot would be a route that never matches.
fn literal(part: &str, last: bool) -> Result<Segment, (String, &'static str)> {
    const HELP: &str = "write segments as they read when decoded: no `%`, `\\`, `;`, `#`, `{`, `}`, no dot segments, no empty ones";
    let odd = |c: char| c.is_control() || matches!(c, '%' | '\\' | ';' | '#' | '{' | '}');
    if part.contains(odd) || part == "." || part == ".." || (part.is_empty() && !last) {
        return Err((format!("no request path can have the segment `{part}`"), HELP));
    }
    Ok(Segment::Literal(part.to_owned()))
}

fn parse_query(query: &str, at: usize, errors: &mut Vec<TemplateError>) -> Vec<QueryPart> {
    const HELP: &str =
        "write `?name=value` to pick the route, `?name={capture}` to read a value, joined by `&`";
    let mut parts: Vec<QueryPart> = Vec::new();
    let mut offset = at;
    for part in query.split('&') {
        let parsed = match part.split_once('=') {
            Some((name, value)) if !name.is_empty() => query_part(name, value).map_err(|(m, _)| m),
            _ => Err(format!("`{part}` is not a query parameter")),
        };
        match parsed {
            Ok(part_read) if parts.iter().any(|other| other.name() == part_read.name()) => {
                let message = format!("`{}` stands twice", part_read.name());
                errors.push(error(offset, part.len(), message, HELP));
            }
            Ok(part_read) => parts.push(part_read),
            Err(message) => errors.push(error(offset, part.len(), message, HELP)),
        }
        offset += part.len() + 1;
    }
    parts
}

fn query_part(name: &str, value: &str) -> Result<QueryPart, (String, &'static str)> {
    let name = name.to_owned();
    if let Some(capture) = value.strip_prefix('{').and_then(|value| value.strip_suffix('}')) {
        check_name(capture)?;
        return Ok(QueryPart::Capture { name, capture: capture.to_owned(), slot: 0 });
    }
    if value.contains(['{', '}', '%', '+']) {
        return Err((format!("`{value}` is not a decoded value"), ""));
    }
    Ok(QueryPart::Literal { name, value: value.to_owned(), slot: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_template_apart() {
        let template = Template::parse("GET /a/{b}/{c:int}/{d...}?x=y/z.php&e={e}").unwrap();
        assert_eq!(template.method, "GET");
        assert_eq!(template.captures().collect::<Vec<_>>(), ["b", "c", "d", "e"]);
        assert_eq!(template.path_captures(), 3);
        assert_eq!(template.query.len(), 2);
        assert_eq!(Template::parse("GET /").unwrap().segments, [Segment::Literal(String::new())]);
    }

    #[test]
    fn says_everything_that_is_wrong_and_where() {
        let errors = Template::parse("get /a/{b:float}//..?=x").unwrap_err();
        let places: Vec<_> = errors.iter().map(|e| (e.offset, e.length)).collect();
        assert_eq!(places, [(0, 3), (7, 9), (17, 1), (18, 2), (21, 2)], "{errors:?}");
    }

    #[test]
    fn refuses_what_no_request_could_match_or_two_readings_have() {
        for text in [
            "GET",
            "GET a",
            "HEAD /a",
            "TRACE /a",
            "GET /a%20b",
            "GET /a;b",
            "GET /{a...}/b",
            "GET /{a}/{a}",
            "GET /x{a}",
            "GET /a?x",
            "GET /a?x=1&x=2",
            "GET /a?x={a}&y={a}",
            "GET /{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn types_accept_their_own_only() {
        assert!(SegmentType::Int.accepts("042") && !SegmentType::Int.accepts("4a"));
        assert!(!SegmentType::Int.accepts("") && !SegmentType::Int.accepts("1234567890123456789"));
        assert!(SegmentType::Uuid.accepts("0e37DF36-f698-11e6-8dd4-cb9ced3df976"));
        assert!(!SegmentType::Uuid.accepts("0e37df36f69811e68dd4cb9ced3df976"));
        assert!(SegmentType::Slug.accepts("a-B_9") && !SegmentType::Slug.accepts("a.b"));
        assert!(SegmentType::Any.accepts("é;%") && !SegmentType::Any.accepts(""));
    }
}
