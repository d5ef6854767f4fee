use proptest::prelude::*;

use super::*;
use crate::decision::Reason;

fn both(raw: &str) -> (String, String) {
    let path = Path::parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
    (path.decoded().to_owned(), path.encoded().to_owned())
}

#[track_caller]
fn refused(raw: &str) {
    match Path::parse(raw) {
        Ok(path) => panic!("{raw} was read as {path:?}"),
        Err(error) => assert_eq!(error.reason, Reason::Malformed, "{raw}"),
    }
}

#[test]
fn keeps_a_plain_path_in_one_text() {
    for raw in ["/", "/classes/1A", "/classes/", "/a-._~!$&'()*+,=:@z"] {
        let path = Path::parse(raw).unwrap();
        assert_eq!((path.decoded(), path.encoded()), (raw, raw));
        assert_eq!(path.decoded, None);
    }
}

#[test]
fn writes_one_spelling_for_all_that_mean_the_same() {
    for raw in ["/a%7Eb", "/a%7eb", "/%61~b", "/a~b"] {
        assert_eq!(both(raw), ("/a~b".into(), "/a~b".into()));
    }
    assert_eq!(both("/gr%c3%bcn"), ("/grün".into(), "/gr%C3%BCn".into()));
    assert_eq!(both("/grün"), ("/grün".into(), "/gr%C3%BCn".into()));
    assert_eq!(both("/a%20b"), ("/a b".into(), "/a%20b".into()));
    assert_eq!(both("/{id}/[x]|^\"`"), ("/{id}/[x]|^\"`".into(), "/%7Bid%7D/%5Bx%5D%7C%5E%22%60".into()));
}

#[test]
fn keeps_an_escaped_question_mark_and_number_sign_inside_the_segment() {
    assert_eq!(both("/a%3fb%23c"), ("/a?b#c".into(), "/a%3Fb%23c".into()));
}

#[test]
fn keeps_the_case_of_letters() {
    assert_eq!(both("/ADMIN/panel").0, "/ADMIN/panel");
    assert_eq!(both("/%C8%BA.php/x"), ("/Ⱥ.php/x".into(), "/%C8%BA.php/x".into()));
}

#[test]
fn keeps_a_per_cent_sign_that_escapes_nothing() {
    assert_eq!(both("/100%25"), ("/100%".into(), "/100%25".into()));
    assert_eq!(both("/50%25up"), ("/50%up".into(), "/50%25up".into()));
}

#[test]
fn refuses_dot_segments_in_every_spelling() {
    for raw in [
        "/.",
        "/..",
        "/./a",
        "/a/..",
        "/a/../b",
        "/a/%2e%2e/b",
        "/a/.%2E/b",
        "/a/%2e./b",
        "/%2e",
        "/a/%2e/",
        "/info/../private",
        "/public/..%2fadmin/secret",
        "/...",
        "/a/..%20/b",
        "/a/%20./b",
        "/a/. ./b",
    ] {
        refused(raw);
    }
    // A dot is not a dot segment.
    assert_eq!(both("/.well-known/..x/x../a.b").0, "/.well-known/..x/x../a.b");
}

#[test]
fn refuses_an_escaped_slash_and_every_backslash() {
    for raw in ["/a%2fb", "/a%2F", "/public%2f..%2fadmin", "/private%5csecret.txt", "/a%5C", "/a\\b", "/\\"] {
        refused(raw);
    }
}

#[test]
fn refuses_empty_segments_and_keeps_one_trailing_slash() {
    for raw in ["//", "//admin/dashboard", "/data//secret", "/a//", "///"] {
        refused(raw);
    }
    assert_eq!(both("/a/").0, "/a/");
}

#[test]
fn refuses_path_parameters() {
    for raw in ["/..;/admin", "/secret.html;index.html", "/a;", "/;/a", "/a%3bb", "/a%3B", "/a;jsessionid=1"]
    {
        refused(raw);
    }
}

#[test]
fn refuses_control_characters_plain_and_escaped() {
    for raw in ["/a%00", "/xyz/.%00../abc", "/%%0000", "/a%0d%0ab", "/a%09", "/a%1f", "/a%7f", "/a\u{7f}"] {
        refused(raw);
    }
    // The C1 block of Unicode: U+0085 ends a line for some.
    refused("/a%c2%85");
    refused("/a\u{85}");
}

#[test]
fn refuses_bad_escapes_and_bad_utf_8() {
    for raw in [
        "/%",
        "/a%4",
        "/a%zz",
        "/a%u002f",
        "/%ff",
        "/%c0%ae%c0%ae",
        "/%c0%af",
        "/%e0%80%ae",
        "/%ed%a0%80",
        "/%c3",
    ] {
        refused(raw);
    }
}

#[test]
fn refuses_what_a_second_decoding_would_change() {
    for raw in ["/%252e%252e/a", "/%252e", "/a%252fb", "/a%2541", "/%25%34%31", "/a%25u002f", "/%25252e"] {
        refused(raw);
    }
}

#[test]
fn refuses_look_alikes_of_separators() {
    for raw in ["/a／b", "/a∕b", "/a＼b", "/a/．．/b", "/a/‥/b", "/a；b", "/a¥b", "/%ef%bc%8f", "/a％2fb"]
    {
        refused(raw);
    }
    assert_eq!(both("/学校").0, "/学校");
}

#[test]
fn refuses_what_is_not_a_path() {
    for raw in ["", "a", "*", "admin", "?a", "/a?b", "/a#b", "/a b"] {
        refused(raw);
    }
}

#[test]
fn bounds_the_length_of_the_encoded_form() {
    let at_the_limit = format!("/{}", "a".repeat(ENCODED_BYTES_MAX - 1));
    assert_eq!(both(&at_the_limit).1.len(), ENCODED_BYTES_MAX);
    refused(&format!("{at_the_limit}a"));
    // Three bytes for one: the raw form is under the limit, the encoded one is not.
    refused(&format!("/{}", "\"".repeat(ENCODED_BYTES_MAX / 2)));
    // And the other way round.
    assert_eq!(both(&format!("/{}", "%61".repeat(ENCODED_BYTES_MAX / 2))).1.len(), ENCODED_BYTES_MAX / 2 + 1);
}

/// Paths of pieces that are likely to hurt, in any order.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9._~:@-]{1,4}",
        Just("/".to_owned()),
        Just("%".to_owned()),
        any::<u8>().prop_map(|byte| format!("%{byte:02x}")),
        any::<u8>().prop_map(|byte| format!("%{byte:02X}")),
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![".", "..", "%2e", ";", "\\", "%25", "%u", "+", "&", "ü", "／", "2f"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn plainly_decoded(encoded: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        match percent::escape(rest) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_path_means_one_thing(raw in hostile()) {
        let Ok(path) = Path::parse(&raw) else { return Ok(()) };
        let (decoded, encoded) = (path.decoded(), path.encoded());

        // The two forms are the same path, and the canonical form is its own canonical form.
        prop_assert_eq!(plainly_decoded(encoded), decoded);
        prop_assert_eq!(Path::parse(encoded).unwrap(), path.clone());
        prop_assert_eq!(plainly_decoded(&raw), decoded);
        // A server that decodes what is already decoded finds nothing to decode.
        prop_assert_eq!(plainly_decoded(decoded), decoded);

        // The segments are the same ones, whoever splits first.
        prop_assert_eq!(
            encoded.split('/').map(plainly_decoded).collect::<Vec<_>>(),
            decoded.split('/').map(str::to_owned).collect::<Vec<_>>()
        );
        for form in [decoded, encoded] {
            prop_assert!(form.starts_with('/'));
            prop_assert!(!form.contains("//"));
            prop_assert!(!form.contains(['\\', ';']));
            prop_assert!(!form.chars().any(char::is_control));
            prop_assert!(form.split('/').all(|segment| segment != "." && segment != ".."));
        }
        prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#'));
        prop_assert!(!encoded.to_ascii_lowercase().contains("%2f"));
        // It is a request target for the next parser as well.
        let uri: http::Uri = encoded.parse().unwrap();
        prop_assert_eq!(uri.path(), encoded);
        prop_assert_eq!(uri.query(), None);
    }

    #[test]
    fn every_plain_text_of_segments_survives_escaping(
        segments in prop::collection::vec("[a-zA-Z0-9 ?#\"<>{}|^`\u{e4}-\u{17f}\u{4e00}-\u{4eff}-]{0,6}[a-z]", 1..5),
    ) {
        let decoded: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        let raw: String =
            decoded.bytes().map(|byte| if byte == b'/' { "/".into() } else { format!("%{byte:02x}") }).collect();
        let path = Path::parse(&raw).unwrap();
        prop_assert_eq!(path.decoded(), decoded);
    }
}
