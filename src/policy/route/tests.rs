use super::*;
use proptest::prelude::*;

/// How literal a segment of a template is; the smaller wins.
fn rank(segment: Option<&Segment>) -> u8 {
    match segment {
        Some(Segment::Literal(_)) => 0,
        Some(Segment::Parameter { kind: SegmentType::Int, .. }) => 1,
        Some(Segment::Parameter { kind: SegmentType::Uuid, .. }) => 2,
        Some(Segment::Parameter { kind: SegmentType::Slug, .. }) => 3,
        Some(Segment::Parameter { kind: SegmentType::Any, .. }) => 4,
        Some(Segment::Tail { .. }) => 5,
        None => 6,
    }
}

/// What the template captures of the path, by trying it alone.
fn try_one<'p>(template: &Template, path: &'p str) -> Option<Vec<&'p str>> {
    let mut captured = Vec::new();
    let mut rest = path.strip_prefix('/');
    for segment in &template.segments {
        let whole = rest?;
        let (first, after) =
            whole.split_once('/').map_or((whole, None), |(first, after)| (first, Some(after)));
        match segment {
            Segment::Literal(text) if text == first => {}
            Segment::Parameter { kind, .. } if kind.accepts(first) => captured.push(first),
            Segment::Tail { .. } if !first.is_empty() => {
                captured.push(whole);
                return Some(captured);
            }
            _ => return None,
        }
        rest = after;
    }
    if rest.is_none() { Some(captured) } else { None }
}

/// The best of all templates that match, by trying all. One that has the path but for a slash at its end takes part as
/// well, and where it is the best there is none.
fn try_all<'t, 'p>(templates: &'t [Template], path: &'p str) -> Option<(&'t Template, Vec<&'p str>)> {
    let twin = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    let is_near = |template: &Template| {
        let tail = template.segments.iter().any(|segment| matches!(segment, Segment::Tail { .. }));
        !tail && !twin.is_empty() && try_one(template, &twin).is_some()
    };
    let matching = templates.iter().filter_map(|template| match try_one(template, path) {
        Some(captured) => Some((template, Some(captured))),
        None => is_near(template).then_some((template, None)),
    });
    let best = matching.min_by(|(one, exact), (other, other_exact)| {
        let (one, other) = (without_slash(one), without_slash(other));
        (0..one.len().max(other.len()))
            .map(|at| rank(one.get(at)).cmp(&rank(other.get(at))))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| other_exact.is_some().cmp(&exact.is_some()))
    });
    best.and_then(|(template, captured)| Some((template, captured?)))
}

fn without_slash(template: &Template) -> &[Segment] {
    match template.segments.split_last() {
        Some((Segment::Literal(text), before)) if text.is_empty() => before,
        _ => &template.segments,
    }
}

fn shape(template: &Template) -> String {
    let kinds = template.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => format!("={text}"),
        other => rank(Some(other)).to_string(),
    });
    kinds.collect::<Vec<_>>().join("/")
}

fn tree_of(templates: &[Template]) -> Tree {
    let mut tree = Tree::default();
    for (number, template) in templates.iter().enumerate() {
        tree.insert(&mut template.clone(), super::super::table::Id::from_row(number as u32), false);
    }
    tree
}

fn segment(last: bool) -> BoxedStrategy<String> {
    let inner = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "1", "a1"]).prop_map(str::to_owned),
        1 => Just("{x}".to_owned()),
        1 => Just("{x:int}".to_owned()),
        1 => Just("{x:slug}".to_owned()),
        1 => Just("{x:uuid}".to_owned()),
    ];
    if last {
        prop_oneof![6 => inner, 1 => Just("{x...}".to_owned()), 1 => Just(String::new())].boxed()
    } else {
        inner.boxed()
    }
}

fn template() -> impl Strategy<Value = Template> {
    (prop::collection::vec(segment(false), 0..4), segment(true)).prop_map(|(mut segments, last)| {
        segments.push(last);
        let named =
            segments.iter().enumerate().map(|(at, segment)| segment.replace("{x", &format!("{{x{at}")));
        Template::parse(&format!("GET /{}", named.collect::<Vec<_>>().join("/"))).unwrap()
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "1", "a1", "é", "22", ".x", ""]);
    prop::collection::vec(segment, 1..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_tree_finds_what_trying_all_finds(mut templates in prop::collection::vec(template(), 1..12), path in path()) {
        templates.sort_by_key(shape);
        templates.dedup_by_key(|template| shape(template));
        let tree = tree_of(&templates);
        let found = tree.find(&path).map(|(paths, captures)| {
            let id = paths.endpoint("GET").unwrap().routes[0];
            let template = &templates[super::super::table::Id::row(id)];
            let count = template.path_captures();
            (template, (0..count).map(|at| captures.get(at, &path).unwrap()).collect::<Vec<_>>())
        });
        prop_assert_eq!(found, try_all(&templates, &path));
    }
}

fn find<'t>(templates: &'t [&str], path: &str) -> Option<&'t str> {
    let parsed: Vec<Template> = templates.iter().map(|text| Template::parse(text).unwrap()).collect();
    let tree = tree_of(&parsed);
    let (paths, _) = tree.find(path)?;
    let id = paths.endpoint("GET")?.routes[0];
    Some(templates[super::super::table::Id::row(id)])
}

#[test]
fn the_more_literal_segment_at_the_first_difference_wins() {
    let all = ["GET /a/{x}/c", "GET /{x}/b/c", "GET /a/{x...}", "GET /{x...}", "GET /a/{x:int}/c"];
    assert_eq!(find(&all, "/a/b/c"), Some("GET /a/{x}/c"));
    assert_eq!(find(&all, "/a/7/c"), Some("GET /a/{x:int}/c"));
    assert_eq!(find(&all, "/z/b/c"), Some("GET /{x}/b/c"));
    assert_eq!(find(&all, "/a/b/d"), Some("GET /a/{x...}"));
    assert_eq!(find(&all, "/z"), Some("GET /{x...}"));
}

#[test]
fn backtracks_out_of_a_branch_that_ends_nowhere() {
    let all = ["GET /a/b/c/d", "GET /a/{x}/c/e", "GET /{x}/b/c/f"];
    assert_eq!(find(&all, "/a/b/c/e"), Some("GET /a/{x}/c/e"));
    assert_eq!(find(&all, "/a/b/c/f"), Some("GET /{x}/b/c/f"));
    assert_eq!(find(&all, "/a/b/c/g"), None);
}

#[test]
fn an_empty_segment_is_matched_by_nothing_but_a_trailing_slash() {
    assert_eq!(find(&["GET /a/"], "/a"), None);
    assert_eq!(find(&["GET /a/"], "/a/"), Some("GET /a/"));
    assert_eq!(find(&["GET /a", "GET /a/{x}", "GET /a/{x...}"], "/a/"), None);
    assert_eq!(find(&["GET /"], "/"), Some("GET /"));
    assert_eq!(find(&["GET /{x}", "GET /{x...}"], "/"), None);
    assert_eq!(find(&["GET /{x...}"], "a"), None);
}

#[test]
fn a_slash_at_the_end_does_not_lead_to_a_wider_template() {
    let all = ["GET /{x...}", "GET /a/b", "GET /a/{x}/", "GET /c/", "GET /d", "GET /d/", "GET /e/{x}/f"];
    for near in ["/a/b/", "/a/z", "/c", "/e/1/f/"] {
        assert_eq!(find(&all, near), None, "{near}");
    }
    for (path, template) in [
        ("/a/b", "GET /a/b"),
        ("/a/z/", "GET /a/{x}/"),
        ("/c/", "GET /c/"),
        ("/d", "GET /d"),
        ("/d/", "GET /d/"),
        ("/z/", "GET /{x...}"),
        ("/a/b/c", "GET /{x...}"),
        ("/e/1/", "GET /{x...}"),
        ("/e/1/f", "GET /e/{x}/f"),
    ] {
        assert_eq!(find(&all, path), Some(template), "{path}");
    }
}

#[test]
fn another_spelling_of_a_text_does_not_lead_to_a_wider_template() {
    let all = [
        "GET /{x...}",
        "GET /a/{x}",
        "GET /a/b",
        "GET /c/d/{x}",
        "GET /c/{y}/{x}/z",
        "GET /list.csv",
        "GET /list",
        "GET /B",
        "GET /b",
        "GET /caf\u{e9}",
    ];
    for near in [
        "/A/b",
        "/a/B",
        "/a/b.",
        "/a/b ",
        "/a/B. .",
        "/a/b.json",
        "/a/B.JSON",
        "/a/b/",
        "/C/d/1",
        "/c/D/1",
        "/c/d./1",
        "/LIST.csv",
        "/List",
        "/list.",
        "/list.xml",
        "/list.csv.gz",
        "/CAF\u{c9}",
        "/caf\u{c9}.json",
        "/LI\u{17f}T",
    ] {
        assert_eq!(find(&all, near), None, "{near}");
    }
    for (path, template) in [
        ("/a/b", "GET /a/b"),
        ("/a/bb", "GET /a/{x}"),
        ("/a/b.tar.gz", "GET /a/{x}"),
        ("/a/.b", "GET /a/{x}"),
        ("/a/b%", "GET /a/{x}"),
        ("/c/e/1/z", "GET /c/{y}/{x}/z"),
        // What no template has with the text as it should be is another path.
        ("/c/D/1/z", "GET /c/{y}/{x}/z"),
        ("/c/d/1/z", "GET /c/{y}/{x}/z"),
        ("/c/d.json/1", "GET /{x...}"),
        ("/list", "GET /list"),
        ("/list.csv", "GET /list.csv"),
        ("/B", "GET /B"),
        ("/b", "GET /b"),
        ("/caf\u{e9}", "GET /caf\u{e9}"),
        ("/A/c/d", "GET /{x...}"),
        ("/D/b", "GET /{x...}"),
    ] {
        assert_eq!(find(&all, path), Some(template), "{path}");
    }
}

#[test]
fn a_method_that_the_winner_lacks_is_not_looked_for_elsewhere() {
    let mut tree = Tree::default();
    for (number, text) in ["POST /a/export", "GET /a/{x}", "DELETE /a/{x}"].iter().enumerate() {
        let mut template = Template::parse(text).unwrap();
        tree.insert(&mut template, super::super::table::Id::from_row(number as u32), false);
    }
    let routes = Routes { table: Table::default(), tree };
    let allow = |method, path| match routes.find(method, path) {
        Lookup::NoMethod(allow) => Some(allow.to_owned()),
        _ => None,
    };
    assert_eq!(allow("DELETE", "/a/export").as_deref(), Some("POST"));
    assert_eq!(allow("PUT", "/a/1").as_deref(), Some("DELETE, GET, HEAD"));
    assert_eq!(allow("get", "/a/1").as_deref(), Some("DELETE, GET, HEAD"));
    assert_eq!(allow("HEAD", "/a/1"), None);
    assert!(matches!(routes.find("HEAD", "/a/1"), Lookup::Found(_)));
}

#[test]
fn a_concealed_route_is_not_told_of_by_allow() {
    let mut tree = Tree::default();
    for (number, (text, hidden)) in
        [("GET /a", false), ("DELETE /a", true), ("GET /b", true)].iter().enumerate()
    {
        let mut template = Template::parse(text).unwrap();
        tree.insert(&mut template, super::super::table::Id::from_row(number as u32), *hidden);
    }
    let routes = Routes { table: Table::default(), tree };
    assert!(matches!(routes.find("PUT", "/a"), Lookup::NoMethod("GET, HEAD")));
    assert!(matches!(routes.find("DELETE", "/a"), Lookup::Found(_)));
    assert!(matches!(routes.find("PUT", "/b"), Lookup::NoRoute));
}
