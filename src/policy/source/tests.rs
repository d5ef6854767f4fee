use super::*;
use crate::policy::diagnostic::Diagnostic;
use proptest::prelude::*;

fn source(name: &str, text: impl AsRef<[u8]>) -> Source {
    Source { name: name.to_owned(), bytes: text.as_ref().to_vec() }
}

fn read(name: &str, text: impl AsRef<[u8]>) -> (Option<Node>, Vec<Diagnostic>) {
    let sources = [source(name, text)];
    let mut diags = Diags::new(&sources);
    let node = read_document(&sources[0], 0, &mut diags);
    (node, diags.into_sorted())
}

/// Code, line, column, length of every diagnostic.
fn places(diagnostics: &[Diagnostic]) -> Vec<(&'static str, u32, u32, u32)> {
    diagnostics.iter().map(|d| (d.code, d.place.line, d.place.column, d.place.length)).collect()
}

fn good(name: &str, text: &str) -> Node {
    let (node, diagnostics) = read(name, text);
    assert_eq!(diagnostics, [], "{text}");
    node.unwrap()
}

fn at(line: u32, column: u32, length: u32) -> Span {
    Span { file: 0, line, column, length }
}

fn text(node: &Node) -> &str {
    match &node.value {
        Value::Text { text, .. } => text,
        other => panic!("{other:?}"),
    }
}

fn map(node: &Node) -> &[(Key, Node)] {
    match &node.value {
        Value::Map(entries) => entries,
        other => panic!("{other:?}"),
    }
}

fn list(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_the_scalars_of_yaml_1_2_and_no_other_words() {
    let node = good(
        "a.yaml",
        "[~, null, true, false, off, yes, No, on, True, 0x1F, 1e3, 2026-08-01, \"null\", 'true', ö, NULL]\n",
    );
    let values: Vec<_> = list(&node).iter().map(|node| node.value.clone()).collect();
    let word = |text: &str, plain| Value::Text { text: text.to_owned(), plain };
    let mut expected = vec![Value::Null, Value::Null, Value::Bool(true), Value::Bool(false)];
    expected
        .extend(["off", "yes", "No", "on", "True", "0x1F", "1e3", "2026-08-01"].map(|text| word(text, true)));
    expected.extend([word("null", false), word("true", false), word("ö", true), word("NULL", true)]);
    assert_eq!(values, expected);
}

#[test]
fn places_of_values_are_where_a_person_looks() {
    let node = good(
        "a.yml",
        "\u{feff}top:\n  ü: \"é\" # x\n  list:\n  - a\n  - {x: 1}\n  flow: [a,\n    b]\n  none:\n  one: [a, b]\n",
    );
    let top = &map(&node)[0];
    assert_eq!((node.span, top.0.span, top.1.span), (at(1, 1, 3), at(1, 1, 3), at(1, 1, 3)));
    let entries = map(&top.1);
    assert_eq!((entries[0].0.span, entries[0].1.span), (at(2, 3, 1), at(2, 6, 3)));
    let items = list(&entries[1].1);
    assert_eq!((entries[1].1.span, items[1].span), (at(4, 5, 1), at(5, 5, 6)));
    assert_eq!(entries[2].1.span, at(6, 10, 1), "a list over many lines: its first item");
    assert_eq!((entries[3].1.span, &entries[3].1.value), (at(8, 3, 4), &Value::Null));
    assert_eq!(entries[4].1.span, at(9, 8, 6));
    let node = good("a.yaml", "a: ['x''y'  , \"a\\\"b\" ]\r\n'b' : \"c\"  # d\r\n");
    let entries = map(&node);
    let items = list(&entries[0].1);
    assert_eq!((items[0].span, items[1].span), (at(1, 5, 6), at(1, 15, 6)));
    assert_eq!((entries[1].0.span, entries[1].1.span), (at(2, 1, 3), at(2, 7, 3)));
}

#[test]
fn texts_of_many_lines_are_underlined_at_their_first() {
    let node = good("a.yaml", "a: one\n  two\nb: |\n  three\n  four\nc: \"five\n  six\"\n");
    let spans: Vec<_> = map(&node).iter().map(|(_, node)| (text(node).to_owned(), node.span)).collect();
    assert_eq!(
        spans,
        [
            ("one two".to_owned(), at(1, 4, 3)),
            ("three\nfour\n".to_owned(), at(4, 3, 5)),
            ("five six".to_owned(), at(6, 4, 5))
        ]
    );
}

#[test]
fn an_empty_file_is_nothing_at_its_first_character() {
    for name in ["a.yaml", "a.json"] {
        for content in ["", "\n\n", "\u{feff}"] {
            assert_eq!(good(name, content), Node { span: at(1, 1, 1), value: Value::Null });
        }
    }
    assert_eq!(good("a.yaml", "# nothing\n---\n").value, Value::Null);
}

#[test]
fn names_each_mistake_of_yaml_with_its_place() {
    for (content, expected) in [
        ("a: *x\nb: *\nc: {*: 1}\n", vec![("alias", 1, 4, 2), ("alias", 2, 4, 1), ("alias", 3, 5, 1)]),
        ("a: &x b\nc: *x\n", vec![("anchor", 1, 4, 2), ("alias", 2, 4, 2)]),
        ("é: !foo!x 1\nb: &x !t [1]\n", vec![("tag", 1, 4, 6), ("anchor", 2, 4, 2), ("tag", 2, 7, 2)]),
        ("<<: {a: 1}\n\"<<\": 1\n", vec![("merge_key", 1, 1, 2)]),
        (
            "? [a]\n: 1\n{b: 1}: 2\n: 3\n",
            vec![("complex_key", 1, 3, 3), ("complex_key", 3, 1, 6), ("complex_key", 4, 1, 1)],
        ),
        (
            "a: 1\nb: {c: 1, c: 2}\n\"a\": 3\na: 4\n",
            vec![("duplicate_key", 2, 11, 1), ("duplicate_key", 3, 1, 3), ("duplicate_key", 4, 1, 1)],
        ),
        ("a: 1\n---\nb: 1\nb: 2\n---\n", vec![("multiple_documents", 2, 1, 3), ("duplicate_key", 4, 1, 1)]),
        ("a: b\0c\rd\r\n", vec![("syntax", 1, 5, 1), ("syntax", 1, 7, 1)]),
        ("a: 1\nb\nc: 2\n", vec![("syntax", 2, 1, 1)]),
        ("a: 1\nb:2\n", vec![("syntax", 2, 1, 3)]),
        ("a: b: c\n", vec![("syntax", 1, 4, 4)]),
        ("a: 1\n  b: 2\n", vec![("syntax", 2, 3, 1)]),
        ("a:\n  b: 1\n c: 2\n", vec![("syntax", 3, 2, 4)]),
        ("a:\n\tb: 1\n", vec![("syntax", 2, 1, 1)]),
        ("a: {x: 1\nb: 2\n", vec![("syntax", 1, 4, 1)]),
        ("a: [1,\n\n", vec![("syntax", 1, 4, 1)]),
        ("a: \"x\nb: 2\n", vec![("syntax", 1, 4, 2)]),
        ("a: \"ok \\q\"\n", vec![("syntax", 1, 8, 2)]),
        ("a: 'it's'\n", vec![("syntax", 1, 8, 2)]),
        ("a: {on: class/{class}}\n", vec![("syntax", 1, 15, 1)]),
        ("a: @x\n", vec![("syntax", 1, 4, 1)]),
        ("a: }\n", vec![("syntax", 1, 4, 1)]),
        ("a: - b\n", vec![("syntax", 1, 4, 1)]),
    ] {
        let (_, diagnostics) = read("a.yaml", content);
        assert_eq!(places(&diagnostics), expected, "{content:?}: {diagnostics:#?}");
    }
}

#[test]
fn a_duplicate_key_names_both_places_and_keeps_the_first() {
    let (node, diagnostics) = read("a.yaml", "a: 1\na: 2\n");
    assert_eq!(text(&map(&node.unwrap())[0].1), "1");
    let (place, label) = &diagnostics[0].also[0];
    assert_eq!((place.line, place.column, place.length, label.as_str()), (1, 1, 1, "first here"));
}

#[test]
fn what_was_refused_is_passed_over_in_silence() {
    let sources = [source("a.yaml", "a: *x\n")];
    let mut diags = Diags::new(&sources);
    let node = read_document(&sources[0], 0, &mut diags).unwrap();
    assert_eq!(map(&node)[0].1.as_text("text", &mut diags), None);
    assert_eq!(map(&node)[0].1.as_u32("a number", &mut diags), None);
    assert_eq!(diags.error_count(), 1);
}

#[test]
fn bytes_that_are_not_utf_8_are_named_and_the_rest_is_read() {
    let (node, diagnostics) = read("a.yaml", b"a: 1\n\xc3\xa9: x\xff\nb: \xe9\na: 2\n");
    assert_eq!(places(&diagnostics), [("encoding", 2, 5, 1), ("duplicate_key", 4, 1, 1)]);
    assert_eq!(diagnostics[0].message, "byte 0xff is not UTF-8 (and 1 more place in this file)");
    assert!(node.is_some());
    let (node, diagnostics) = read("a.yaml", b"\xff\xfea\0:\0");
    assert_eq!(
        (node, diagnostics[0].help.as_deref()),
        (None, Some("this looks like UTF-16: save the file as UTF-8"))
    );
}

#[test]
fn depth_is_bounded_and_an_alias_bomb_costs_nothing() {
    let deep = format!("{}{}\n", "[".repeat(65), "]".repeat(65));
    for name in ["a.yaml", "a.json"] {
        assert_eq!(places(&read(name, &deep).1), [("too_deep", 1, 65, 1)]);
        assert!(read(name, &deep[1..129]).1.is_empty());
    }
    assert_eq!(read("a.yaml", "[".repeat(100_000)).1[0].code, "too_deep");
    assert_eq!(
        read("a.json", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).1[0].code,
        "too_deep"
    );
    assert!(!read("a.yaml", "- ".repeat(2_000)).1.is_empty());
    let (node, diagnostics) = read("a.yaml", "- *a\n".repeat(100));
    assert!(node.is_none() && diagnostics.len() == 33 && diagnostics.iter().all(|d| d.code == "alias"));
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for index in 1..30 {
        bomb.push_str(&format!("a{index}: &a [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"));
    }
    assert_eq!(read("a.yaml", bomb).1.len(), 30 + 29 * 9);
}

#[test]
fn json_is_read_strictly_and_with_places() {
    let node = good(
        "a.json",
        "{\"a\":\t\"\\ud83d\\ude00\\/\\u00e9\\n\", \"b\": [1e3, -0.5, true, null,\r\n\t{\"c\": {}}]}\n",
    );
    let entries = map(&node);
    assert_eq!((text(&entries[0].1), entries[0].1.span), ("😀/é\n", at(1, 7, 24)));
    let items = list(&entries[1].1);
    assert_eq!(items[0].value, Value::Text { text: "1e3".to_owned(), plain: true });
    assert_eq!((items[2].value.clone(), items[3].value.clone()), (Value::Bool(true), Value::Null));
    assert_eq!((items[4].span, map(&items[4])[0].1.span), (at(2, 2, 9), at(2, 3, 3)));
    for (content, expected) in [
        ("{\"a\": 1, \"é\": 2, \"a\": 3}", vec![("duplicate_key", 1, 18, 3)]),
        ("{\"a\": \"\\ud83d\"}", vec![("syntax", 1, 8, 6)]),
        ("{\"é\": [1,]}", vec![("syntax", 1, 10, 1)]),
        ("{\"a\": 1\n \"b\": 2}", vec![("syntax", 2, 2, 1)]),
        ("{a: 1}", vec![("syntax", 1, 2, 1)]),
        ("[1] 2", vec![("syntax", 1, 5, 1)]),
        ("{\"a\": \"x\ny\"}", vec![("syntax", 1, 8, 1)]),
        ("[1, 2", vec![("syntax", 1, 5, 1)]),
    ] {
        assert_eq!(places(&read("a.json", content).1), expected, "{content:?}");
    }
}

#[test]
fn a_long_json_file_of_one_line_is_read_at_once() {
    let items: Vec<String> = (0..200_000).map(|n| format!("{{\"id\": \"{n}\"}}")).collect();
    let node = good("a.json", &format!("[{}]", items.join(",")));
    assert_eq!(list(&node).len(), 200_000);
}

#[test]
fn a_long_yaml_file_of_one_line_is_read_at_once() {
    let items: Vec<String> = (0..50_000).map(|n| format!("{{id: \"{n}\"}}")).collect();
    let node = good("a.yaml", &format!("[{}]\n", items.join(",")));
    assert_eq!(map(&list(&node)[49_999])[0].1.span, at(1, 688_883, 7));
}

#[test]
fn fields_report_unknown_missing_and_wrong_ones() {
    let sources =
        [source("a.yaml", "role:\n  levl: class\n  zzz: 1\n  off: off\n  n: 12\n  t: {x}\n  yes: yes\n")];
    let mut diags = Diags::new(&sources);
    let node = read_document(&sources[0], 0, &mut diags).unwrap();
    let role = &map(&node)[0].1;
    let known = &["level", "off", "n", "t", "yes"];
    let fields = Fields::of(role, "a role", known, &mut diags).unwrap();
    assert!(fields.need("level", &mut diags).is_none());
    assert_eq!(fields.get("off").unwrap().as_bool("a switch", &mut diags), Some(false));
    assert_eq!(fields.get("n").unwrap().as_u32("a number", &mut diags), Some(12));
    assert_eq!(fields.get("t").unwrap().as_text("text", &mut diags), None);
    assert_eq!(fields.get("yes").unwrap().as_bool("a switch", &mut diags), None);
    assert_eq!(
        (fields.key_span("n"), fields.key_span("level"), fields.span()),
        (at(5, 3, 1), at(1, 1, 4), at(1, 1, 4))
    );
    let word = choose(fields.get("off").unwrap(), "a mode", &[("on", 1), ("off", 2)], &mut diags);
    assert_eq!(word, Some(2));
    assert_eq!(choose(fields.get("yes").unwrap(), "a mode", &[("yet", 1), ("maybe", 2)], &mut diags), None);
    let found: Vec<_> = diags
        .into_sorted()
        .into_iter()
        .map(|d| (d.code, d.place.line, d.message, d.help.unwrap_or_default()))
        .collect();
    let expect = |code, line, message: &str, help: &str| (code, line, message.to_owned(), help.to_owned());
    assert_eq!(
        found,
        [
            expect("missing_key", 1, "`level` is missing", "add `level: ...`"),
            expect("unknown_key", 2, "unknown key `levl` in a role", "did you mean `level`?"),
            expect(
                "unknown_key",
                3,
                "unknown key `zzz` in a role",
                "known here: `level`, `off`, `n`, `t` or `yes`"
            ),
            expect(
                "wrong_type",
                6,
                "expected text, found a map",
                "text with braces stands in quotes: `\"{x}\"`"
            ),
            expect("wrong_type", 7, "expected a switch, found `yes`", "write `true`"),
            expect("unknown_word", 7, "expected a mode, found `yes`", "did you mean `yet`?"),
        ]
    );
}

#[test]
fn numbers_are_plain_digits() {
    let node = good("a.yaml", "[0, 4294967295, 4294967296, \"1\", +1, -1, 1.0, 0x1, 01, ~]\n");
    let sources = [source("a.yaml", "")];
    let mut diags = Diags::new(&sources);
    let read: Vec<_> = list(&node).iter().map(|node| node.as_u32("a number", &mut diags)).collect();
    assert_eq!(read, [Some(0), Some(u32::MAX), None, None, None, None, None, None, Some(1), None]);
    assert_eq!(diags.error_count(), 7);
}

#[test]
fn only_a_near_miss_is_suggested() {
    let known = ["class_teacher", "attendance", "view", "edit"];
    for (name, near) in [
        ("clas_teacher", Some("class_teacher")),
        ("Attendence", Some("attendance")),
        ("veiw", Some("view")),
        ("x", None),
        ("publish", None),
        ("", None),
    ] {
        assert_eq!(nearest(name, known), near, "{name}");
    }
}

#[test]
fn keeps_a_thousand_errors_and_counts_the_rest() {
    let content: String = (0..1_501).map(|_| "a: 1\n").collect();
    let (_, diagnostics) = read("a.yaml", content);
    assert_eq!(diagnostics.len(), 1_001);
    let last = diagnostics.last().unwrap();
    assert_eq!(
        (last.code, last.message.as_str(), last.place.line),
        ("too_many", "500 more errors not shown", 1_001)
    );
}

/// Rows as texts, each cell with its place, then the diagnostics.
#[allow(clippy::type_complexity)]
fn rows(name: &str, content: impl AsRef<[u8]>) -> (Vec<Vec<(String, u32, u32, u32)>>, Vec<Diagnostic>) {
    let sources = [source(name, content)];
    let mut diags = Diags::new(&sources);
    let mut rows = Vec::new();
    read_table(&sources[0], 0, &["id", "kinds", "email"], &["id"], &mut diags, |row, _| {
        let cells = ["id", "kinds", "email"].iter().filter_map(|column| row.get(column));
        rows.push(cells.map(|c| (c.text.to_owned(), c.span.line, c.span.column, c.span.length)).collect());
    });
    (rows, diags.into_sorted())
}

#[test]
fn reads_csv_with_exact_places() {
    let content =
        "\u{feff}id,email,kinds\r\n ari ,\"a,\"\"b\",x\r\n\r\nzoé,,\"two\r\nlines\"\r\n\"bo\",é,y\n";
    let (rows, diagnostics) = rows("people.csv", content);
    assert_eq!(diagnostics, []);
    let cell = |text: &str, line, column, length| (text.to_owned(), line, column, length);
    assert_eq!(
        rows,
        [
            vec![cell("ari", 2, 2, 3), cell("x", 2, 15, 1), cell("a,\"b", 2, 7, 7)],
            vec![cell("zoé", 4, 1, 3), cell("two\r\nlines", 4, 6, 4)],
            vec![cell("bo", 6, 1, 4), cell("y", 6, 8, 1), cell("é", 6, 6, 1)],
        ]
    );
}

#[test]
fn names_each_mistake_of_a_table_with_its_place() {
    for (content, expected) in [
        ("id,id,emial\n", vec![("duplicate_column", 1, 4, 2), ("unknown_column", 1, 7, 5)]),
        ("kinds\nx\n", vec![("missing_column", 1, 1, 5)]),
        ("id,kinds\nx\ny,a,b,c\nz,\n", vec![("wrong_field_count", 2, 1, 1), ("wrong_field_count", 3, 5, 1)]),
        ("id,kinds\n,a\n", vec![("missing_cell", 2, 1, 2)]),
        ("id,kinds\nx,\"a\"b\ny,c\"d\n", vec![("syntax", 2, 6, 1), ("syntax", 3, 4, 1)]),
        ("id,kinds\nx,\"a\ny,b\n", vec![("syntax", 2, 3, 2), ("truncated", 2, 1, 4)]),
        ("id,kinds\nx,a\ny,b", vec![("truncated", 3, 1, 3)]),
        ("id", vec![("truncated", 1, 1, 2)]),
        ("", vec![("truncated", 1, 1, 1)]),
        (
            "id,kinds\nx\0,a\ny,b\rz,c\n",
            vec![("syntax", 2, 2, 1), ("wrong_field_count", 3, 6, 1), ("syntax", 3, 4, 1)],
        ),
    ] {
        let (_, diagnostics) = rows("people.csv", content);
        let mut expected = expected;
        expected.sort_by_key(|(_, line, column, _)| (*line, *column));
        let found = places(&diagnostics);
        if content.contains('\r') {
            assert!(
                found.contains(&("syntax", 2, 2, 1)) && found.contains(&("syntax", 3, 4, 1)),
                "{found:?}"
            );
        } else {
            assert_eq!(found, expected, "{content:?}");
        }
    }
    assert_eq!(places(&rows("people.csv", b"id\nx\n\xc3\xa9\xe9\n").1), [("encoding", 3, 2, 1)]);
}

#[test]
fn lists_in_cells_have_places_of_their_own() {
    for (name, content, expected) in [
        (
            "a.csv",
            "id,kinds\nx,a; é ;;b\ny,\"c;d\"\n",
            vec![("a", 2, 3, 1), ("é", 2, 6, 1), ("b", 2, 10, 1), ("c", 3, 4, 1), ("d", 3, 6, 1)],
        ),
        (
            "a.jsonl",
            "{\"id\": \"x\", \"kinds\": [\"a\", \"é\"]}\n\n{\"id\": 7, \"kinds\": \"b\"}\n",
            vec![("a", 1, 23, 3), ("é", 1, 28, 3), ("b", 3, 20, 3)],
        ),
    ] {
        let sources = [source(name, content)];
        let mut diags = Diags::new(&sources);
        let mut found = Vec::new();
        read_table(&sources[0], 0, &["id", "kinds"], &["id"], &mut diags, |row, _| {
            found.extend(row.list("kinds").iter().map(|c| (c.text.to_owned(), c.span)));
        });
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(text, line, column, length)| (text.to_owned(), at(line, column, length)))
            .collect();
        assert_eq!(found, expected);
        assert!(!diags.has_errors());
    }
}

#[test]
fn json_lines_are_strict() {
    let (read, diagnostics) = rows(
        "people.jsonl",
        "{\"id\": \"a\", \"id\": \"b\"}\n{\"id\": \"a\", \"emial\": 1}\n[1]\n{\"id\": {}}\n{\"email\": 1}\n{\"id\": [\"x\"]}\n{\"id\": 1,}\n{\"id\": true}\n{\"id\": 1}",
    );
    assert_eq!(
        places(&diagnostics),
        [
            ("duplicate_key", 1, 13, 4),
            ("unknown_column", 2, 13, 7),
            ("wrong_type", 3, 1, 3),
            ("wrong_type", 4, 2, 4),
            ("missing_cell", 5, 1, 12),
            ("wrong_type", 6, 8, 5),
            ("syntax", 7, 10, 1),
            ("truncated", 9, 1, 9),
        ]
    );
    assert_eq!(read.concat(), [("true".to_owned(), 8, 8, 4)]);
}

fn assert_inside(source: &Source, diagnostics: &[Diagnostic]) {
    let lossy = String::from_utf8_lossy(source.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.bytes))
        .into_owned();
    let lines: Vec<&str> = lossy.split('\n').collect();
    for diagnostic in diagnostics {
        for place in std::iter::once(&diagnostic.place).chain(diagnostic.also.iter().map(|(place, _)| place))
        {
            assert!(place.line >= 1 && place.column >= 1 && place.length >= 1, "{diagnostic:?}");
            let line = lines.get(place.line as usize - 1).unwrap_or_else(|| panic!("{diagnostic:?}"));
            let end = (place.column - 1 + place.length) as usize;
            assert!(end <= line.chars().count().max(1), "{diagnostic:?} in {line:?}");
        }
    }
}

fn anything_goes(name: &str, bytes: &[u8]) {
    let sources = [source(name, bytes)];
    let mut diags = Diags::new(&sources);
    if name.ends_with(".csv") || name.ends_with(".jsonl") {
        read_table(&sources[0], 0, &["id", "kinds", "a"], &["id"], &mut diags, |row, diags| {
            for column in ["id", "kinds", "a"] {
                for cell in row.get(column).into_iter().chain(row.list(column)) {
                    diags.warning(cell.span, "cell", "");
                }
            }
            diags.warning(row.span(), "row", "");
        });
    } else if let Some(node) = read_document(&sources[0], 0, &mut diags) {
        walk(&node, &mut diags);
    }
    let diagnostics = diags.into_sorted();
    assert_inside(&sources[0], &diagnostics);
    crate::policy::render(&diagnostics, &sources, false);
}

fn walk(node: &Node, diags: &mut Diags) {
    diags.warning(node.span, "node", "");
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| walk(item, diags)),
        Value::Map(entries) => entries.iter().for_each(|(key, item)| {
            diags.warning(key.span, "key", "");
            walk(item, diags);
        }),
        _ => {}
    }
}

/// Pieces that files are made of, and some that they should not be made of.
fn mangled() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "\r",
        "\t",
        " ",
        ": ",
        ":",
        ",",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "*",
        "*x",
        "&x ",
        "!t ",
        "!a!b ",
        "<<: ",
        "? ",
        "|\n",
        ">\n",
        "#",
        " # c",
        "---\n",
        "...\n",
        "%TAG",
        "%YAML 1.2\n",
        "\\",
        "\\u12",
        "\\ud83d",
        "é",
        "😀",
        "\u{feff}",
        "\0",
        "\u{85}",
        "\u{2028}",
        "id",
        "kinds",
        "\"\"",
        ";",
        "null",
        "true",
        "1",
        "{\"id\":1}\n",
        "@",
        "`",
        "~",
        "key: value\n",
        "\"x\": [1, 2]",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics_on_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for name in ["a.yaml", "a.json", "a.csv", "a.jsonl"] {
            anything_goes(name, &bytes);
        }
    }

    #[test]
    fn never_panics_on_mangled_text_and_stays_inside(content in mangled()) {
        for name in ["a.yaml", "a.json", "a.csv", "a.jsonl"] {
            anything_goes(name, content.as_bytes());
        }
        anything_goes("a.csv", format!("id,kinds,a\n{content}\n").as_bytes());
    }

    #[test]
    fn reads_csv_as_the_csv_crate_does(
        table in prop::collection::vec(prop::collection::vec("[a-z,\"\n é;]{0,6}", 3), 0..8)
    ) {
        let mut writer = ::csv::WriterBuilder::new().quote_style(::csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(["id", "kinds", "a"]).unwrap();
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let expected: Vec<Vec<String>> = ::csv::Reader::from_reader(bytes.as_slice())
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .collect();
        let sources = [source("a.csv", &bytes)];
        let mut diags = Diags::new(&sources);
        let mut found = Vec::new();
        read_table(&sources[0], 0, &["id", "kinds", "a"], &[], &mut diags, |row, _| {
            let text = |column| row.get(column).map(|cell| cell.text.to_owned()).unwrap_or_default();
            found.push(vec![text("id"), text("kinds"), text("a")]);
        });
        prop_assert!(!diags.has_errors());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn json_values_are_those_of_serde_json(content in mangled()) {
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&content) && !content.trim_ascii().is_empty() {
            let (node, diagnostics) = read("a.json", &content);
            prop_assert!(node.is_some());
            if diagnostics.is_empty() && let serde_json::Value::String(expected) = &value {
                let node = node.unwrap();
                prop_assert_eq!(text(&node), expected);
            }
        }
    }
}
