//! Queries as raw bytes: what a rule reads has one reading, and what no rule reads goes as it came.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use support::{By, Pass, Scene, TOLD_OF_ARI, ari, get, get_with};

const MALFORMED: By = By::Us(400, Reason::Malformed);
const AMBIGUOUS: By = By::Us(400, Reason::AmbiguousRequest);
const NO_ROUTE: By = By::Us(404, Reason::NoRoute);

/// What Ari may see.
const PAGE: &str = "/Modules.php?modname=Attendance&class=1A";

/// The page with more behind it.
fn pages<'a>(more: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    more.iter().map(|more| ari(&format!("{PAGE}{more}")))
}

#[test]
fn forwards_a_query_whose_rule_was_granted_as_it_came() {
    let scene = Scene::new();
    let pass = |target: &str, line: &str| {
        scene.passes([Pass::new(&ari(target), line).lines(&TOLD_OF_ARI)]);
    };
    pass(PAGE, "GET /Modules.php?modname=Attendance&class=1A");
    pass("/Modules.php?cl%61ss=%31A&modname=Attendance", "GET /Modules.php?cl%61ss=%31A&modname=Attendance");
    pass(&format!("{PAGE}&x[]=1&x[]=2&y"), "GET /Modules.php?modname=Attendance&class=1A&x[]=1&x[]=2&y");
    scene.refuses(By::Us(401, Reason::Unauthenticated), [get(PAGE)]);
}

#[test]
fn refuses_a_declared_parameter_that_is_there_twice() {
    let more = [
        "&class=2B",
        "&class=1A",
        "&cl%61ss=2B",
        "&CLASS=2B",
        "&cla\u{73}s=2B",
        "&class[]=2B",
        "&class[0]=2B",
        "&class[a][b]=2B",
        "&+class=2B",
        "&%20class=2B",
        "&class[=2B",
        "&class%5B%5D=2B",
        "&class",
        "&class=",
        "&=&class=",
        "&modname=Users",
        "&modname[]=Users",
        "&modname[0]=Users",
        "&MODNAME=Users",
        "&ModName=Users",
        "&mod%6eame=Users",
        "&+modname=Users",
        "&cla%C5%BFs=2B",
    ];
    Scene::new().refuses(AMBIGUOUS, pages(&more));
    let alone = [
        "/Modules.php?modname[]=Attendance&class=1A",
        "/Modules.php?MODNAME=Attendance&class=1A",
        "/Modules.php?modname=Attendance&Class=1A",
        "/Modules.php?modname=Attendance&class[]=1A",
        "/Modules.php?modname=Attendance&modname=Attendance&class=1A",
    ];
    Scene::new().refuses(AMBIGUOUS, alone.map(ari));
}

#[test]
fn refuses_a_declared_parameter_whose_brackets_some_parsers_drop() {
    // Rack up to 2.2 and qs (Express) drop brackets at the beginning, Rack also one at the end.
    let more = [
        "&[class]=2B",
        "&%5Bclass%5D=2B",
        "&[class=2B",
        "&class]=2B",
        "&[[class]]=2B",
        "&[]class=2B",
        "&[modname]=Users",
        "&[class][]=2B",
    ];
    Scene::new().refuses(AMBIGUOUS, pages(&more));
}

#[test]
fn refuses_a_cookie_that_is_named_like_a_declared_parameter() {
    // PHP without a php.ini fills `$_REQUEST` from cookies as well, and they win.
    let page = |lines: &str| get_with(PAGE, &format!("X-Remote-User: ari\r\n{lines}"));
    let scene = Scene::new();
    scene.refuses(
        AMBIGUOUS,
        [
            "Cookie: class=2B\r\n",
            "Cookie: session=1; class=2B\r\n",
            "Cookie: session=1;modname=Users\r\n",
            "Cookie: session=1\r\nCookie: class=2B\r\n",
            "Cookie: CLASS=2B\r\n",
            "Cookie: cl%61ss=2B\r\n",
            "Cookie: class[]=2B\r\n",
            "Cookie: class\r\n",
            "Cookie: session=1; \tclass =2B\r\n",
        ]
        .map(page),
    );
    let mine = page("Cookie: session=class; classroom=3\r\n");
    let told = [&TOLD_OF_ARI[..], &["cookie: session=class; classroom=3"]].concat();
    scene.passes([Pass::new(&mine, "GET /Modules.php?modname=Attendance&class=1A").lines(&told)]);
    // Where no parameter is read, no cookie can stand for one.
    let open = get_with("/open/a", "Cookie: class=2B\r\n");
    scene.passes([Pass::new(&open, "GET /open/a").lines(&["cookie: class=2B"])]);
}

#[test]
fn refuses_a_body_where_parameters_are_read() {
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let bodies = [
        ("GET", "Content-Length: 8\r\n", "class=2B"),
        ("POST", "Content-Length: 8\r\n", "class=2B"),
        ("GET", "Transfer-Encoding: chunked\r\n", "8\r\nclass=2B\r\n0\r\n\r\n"),
        ("POST", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ];
    let requests = bodies.map(|(method, framing, body)| {
        format!("{method} {PAGE} HTTP/1.1\r\nHost: app\r\nX-Remote-User: ari\r\n{form}{framing}\r\n{body}")
    });
    Scene::new().refuses(AMBIGUOUS, requests);
}

#[test]
fn another_value_is_another_page() {
    let pages = [
        "/Modules.php",
        "/Modules.php?",
        "/Modules.php?class=1A",
        "/Modules.php?modname=&class=1A",
        "/Modules.php?modname=attendance&class=1A",
        "/Modules.php?modname=Attendance/&class=1A",
        "/Modules.php?modname=Attendance%2fTake&class=1A",
        "/Modules.php?modname=+Attendance&class=1A",
        "/Modules.php?modname=Attendance%20&class=1A",
        "/Modules.php?modname=Users&class=1A",
        "/Modules.php??modname=Attendance&class=1A",
        "/Modules.php/?modname=Attendance&class=1A",
        "/Modules.php/Users?modname=Attendance&class=1A",
        "/modules.php?modname=Attendance&class=1A",
        "/Modules.php%3Fmodname=Attendance&class=1A",
    ];
    let scene = Scene::new();
    scene.refuses(NO_ROUTE, pages.map(ari));
    // The page is known, and the class that the rule is about is missing.
    scene.refuses(By::Us(403, Reason::AttributeMissing), [ari("/Modules.php?modname=Attendance")]);
}

#[test]
fn refuses_to_read_a_query_that_cannot_be_read() {
    let more = [
        "&x=%",
        "&%zz=1",
        "&x=%ff",
        "&x=%00",
        "&x=%0a",
        "&x=%c0%ae",
        "&class%00=2B",
        "&x=%u0041",
        "&%",
        "&cl%00ass=2B",
    ];
    Scene::new().refuses(MALFORMED, pages(&more));
}

#[test]
fn refuses_to_read_more_pairs_than_the_limit() {
    let target = format!("/Modules.php?{}modname=Attendance&class=1A", "x=1&".repeat(128));
    Scene::new().refuses(MALFORMED, [ari(&target), ari(&format!("{PAGE}{}", "&x".repeat(127)))]);
}

#[test]
fn refuses_to_read_where_a_semicolon_may_separate() {
    let targets = [
        "/Modules.php?modname=Attendance;class=2B&class=1A",
        "/Modules.php?modname=Attendance&class=1A;class=2B",
        "/Modules.php?modname=Attendance&class=1A&x;class=2B",
        "/Modules.php?modname=Attendance&class=1A;",
    ];
    Scene::new().refuses(AMBIGUOUS, targets.map(ari));
}

#[test]
fn forwards_a_query_that_no_rule_reads_as_it_came() {
    Scene::new().passes([
        Pass::new(&get("/open/a?x=%zz&&y;z=%C3%BC"), "GET /open/a?x=%zz&&y;z=%C3%BC"),
        Pass::new(&get("/open/a?"), "GET /open/a?"),
        Pass::new(&get("/open/a??b?c"), "GET /open/a??b?c"),
        Pass::new(&get("/open/a?/../%2f//\\"), "GET /open/a?/../%2f//\\"),
        Pass::new(&get("/open/a?class=1A&class=2B"), "GET /open/a?class=1A&class=2B"),
    ]);
}

#[test]
fn refuses_a_query_with_raw_bytes() {
    let scene = Scene::new();
    scene.refuses(MALFORMED, [get("/open/a?x=\u{fc}"), get(&format!("{PAGE}&x=\u{fc}"))]);
    scene.refuses(
        By::Parser(400),
        ["/open/a?x=\x7f", "/open/a?x=\0", "/open/a?x=\x01", "/open/a?x=\tb", "/open/a?x=a b"].map(get),
    );
    scene.refuses(By::Parser(400), [&b"GET /open/a?x=\xff HTTP/1.1\r\nHost: app\r\n\r\n"[..]]);
}

#[test]
fn refuses_a_parameter_that_overrides_the_method() {
    let queries = [
        "_method=DELETE",
        "%5Fmethod=delete",
        "%5f%6d%65%74%68%6f%64=PUT",
        ".method=PUT",
        "+_method=PUT",
        "%20_method=PUT",
        "_METHOD=PUT",
        "_method[]=PUT",
        "_method[0]=PUT",
        "_method%00=PUT",
        "_method%5B%5D=PUT",
        "a;_method=PUT",
        "a&_method=PUT",
        "_method=POST&_method=PUT",
        "_method=POST;_method=PUT",
        "_method",
        "_method=",
        "X-HTTP-Method-Override=PUT",
        "x-http-method-override=DELETE",
        "[_method]=DELETE",
        "%5B_method%5D=DELETE",
        "_method]=DELETE",
        "%u005fmethod=DELETE",
        "%u0058-HTTP-Method-Override=DELETE",
        "X-HTTP-Method%u002dOverride=DELETE",
    ];
    let scene = Scene::new();
    let posts = queries
        .map(|query| format!("POST /open/a?{query} HTTP/1.1\r\nHost: app\r\nContent-Length: 0\r\n\r\n"));
    scene.refuses(AMBIGUOUS, posts);
    scene
        .refuses(AMBIGUOUS, ["_method=POST", "_method=DELETE"].map(|query| get(&format!("/open/a?{query}"))));
    let same = "POST /open/a?_method=post HTTP/1.1\r\nHost: app\r\nContent-Length: 0\r\n\r\n";
    scene.passes([Pass::new(same, "POST /open/a?_method=post").lines(&["content-length: 0"])]);
}
