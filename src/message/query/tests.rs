use proptest::prelude::*;

use super::*;
use crate::decision::Reason;

fn query(raw: &str) -> Query {
    Query::parse(raw, &Method::GET).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

fn read(raw: &str, names: &[&str]) -> Vec<Option<String>> {
    query(raw).read(names).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

#[track_caller]
fn read_fails(raw: &str, names: &[&str], reason: Reason) {
    assert_eq!(query(raw).read(names).map_err(|error| error.reason), Err(reason), "{raw}");
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn forwards_the_query_as_it_came() {
    for raw in ["", "a=1", "a=%zz&b", "a=1;b=2", "q=\"<>{}|\\^`'?/#", "%ff=%00", "&&", "a=1&a=2"] {
        assert_eq!(query(raw).as_str(), raw);
    }
}

#[test]
fn refuses_bytes_that_are_not_visible_ascii() {
    for raw in ["a b", "a=\u{fc}", "a\u{7f}", "a\tb", "a\0"] {
        assert_eq!(
            Query::parse(raw, &Method::GET).map_err(|error| error.reason),
            Err(Reason::Malformed),
            "{raw}"
        );
    }
}

#[test]
fn bounds_the_length() {
    let raw = "a".repeat(BYTES_MAX);
    assert_eq!(query(&raw).as_str().len(), BYTES_MAX);
    assert!(Query::parse(&format!("{raw}a"), &Method::GET).is_err());
}

#[test]
fn refuses_a_parameter_that_overrides_the_method() {
    for raw in [
        "_method=DELETE",
        "a=1&_method=delete",
        "_method",
        "_method=",
        "%5Fmethod=PUT",
        "%5f%6d%65thod=PUT",
        "_METHOD=PUT",
        ".method=PUT",
        "+_method=PUT",
        "%20_method=PUT",
        "_method[]=PUT",
        "_method[=PUT",
        "[method=PUT",
        "[_method]=PUT",
        "_method]=PUT",
        "_method%00x=PUT",
        "_method=GET&_method=PUT",
        "a=1;_method=PUT",
        "_method=GET;x",
        "_method=G%45T%20",
        "X-HTTP-Method-Override=PUT",
        "x-method-override=PUT",
        "X-HTTP-Method=PUT",
        "%u005fmethod=PUT",
        "%u0058-HTTP-Method-Override=PUT",
        "_method=GET%u0020",
    ] {
        let reason = Query::parse(raw, &Method::GET).map_err(|error| error.reason);
        assert_eq!(reason, Err(Reason::AmbiguousRequest), "{raw}");
    }
}

#[test]
fn takes_an_override_that_says_the_same_method() {
    for raw in ["_method=GET", "_method=get", "_method=G%45T", "my_method=PUT", "method=PUT", "_methods=PUT"]
    {
        assert_eq!(query(raw).as_str(), raw);
    }
    assert!(Query::parse("_method=delete", &Method::DELETE).is_ok());
}

#[test]
fn reads_declared_parameters_in_the_order_of_their_names() {
    assert_eq!(read("b=2&a=1", &["a", "b", "c"]), [some("1"), some("2"), None]);
    assert_eq!(read("", &["a"]), [None]);
    assert_eq!(read("a=1", &[]), []);
    assert_eq!(query("id=7").read(&["id".to_owned()]).unwrap(), [some("7")]);
}

#[test]
fn decodes_names_and_values_once() {
    let names = ["modname", "class"];
    assert_eq!(
        read("modname=Attendance%2FTake.php&cl%61ss=1+A", &names),
        [some("Attendance/Take.php"), some("1 A")]
    );
    assert_eq!(read("a=%2541", &["a"]), [some("%41")]);
    assert_eq!(read("a=b=c&=x", &["a"]), [some("b=c")]);
    assert_eq!(read("a=gr%C3%BCn", &["a"]), [some("grün")]);
}

#[test]
fn takes_empty_pairs_and_parameters_without_a_value() {
    assert_eq!(read("&&a&&b=&", &["a", "b"]), [some(""), some("")]);
}

#[test]
fn refuses_a_declared_parameter_that_is_there_twice() {
    for raw in ["a=1&a=2", "a=1&a=1", "a&a", "a=1&%61=2"] {
        read_fails(raw, &["a"], Reason::AmbiguousRequest);
    }
    // One that nobody reads may be.
    assert_eq!(read("b=1&b=2&a=3", &["a"]), [some("3")]);
}

#[test]
fn refuses_a_declared_parameter_in_another_spelling() {
    for raw in [
        "CLASS_ID=1",
        "class.id=1",
        "class%20id=1",
        "class+id=1",
        "class_id[]=1",
        "class_id[0]=1",
        "class[id=1",
        "+class_id=1",
        "%20%20class_id=1",
        "cla\u{73}s_id=1&Class_Id=2",
        "cla%C5%BFs_id=1",
        "class_id%5B%5D=1",
        "[class_id]=1",
        "[class_id=1",
        "class_id]=1",
        "[][class_id][]=1",
        "%5Bclass.id%5D=1",
    ] {
        read_fails(raw, &["class_id"], Reason::AmbiguousRequest);
    }
    read_fails("ids=1", &["ids[]"], Reason::AmbiguousRequest);
    assert_eq!(read("ids[]=1", &["ids[]"]), [some("1")]);
    assert_eq!(read("class=1&class_id_2=1&id=3&[]=4&x[class_id]=5", &["class_id"]), [None]);
}

#[test]
fn refuses_to_read_where_a_semicolon_may_separate() {
    read_fails("a=1;b=2", &["a"], Reason::AmbiguousRequest);
    read_fails(";", &["a"], Reason::AmbiguousRequest);
    assert_eq!(read("a=1%3Bb", &["a"]), [some("1;b")]);
}

#[test]
fn refuses_to_read_where_any_part_cannot_be_read() {
    for raw in [
        "x=%",
        "x=%4",
        "%zz=1&a=1",
        "x=%ff",
        "x=%c0%ae",
        "x=%00",
        "%00",
        "x=%0a",
        "x=%7f",
        "x=%c2%85",
        "x=%u0041",
    ] {
        read_fails(raw, &["a"], Reason::Malformed);
    }
}

#[test]
fn refuses_to_read_more_pairs_than_the_limit() {
    let full = vec!["x=1"; PAIRS_MAX - 1].join("&");
    assert_eq!(read(&format!("{full}&&a=1"), &["a"]), [some("1")]);
    read_fails(&format!("{full}&y=1&a=1"), &["a"], Reason::Malformed);
}

proptest! {
    #[test]
    fn reading_never_panics_and_agrees_with_a_form_encoder(
        values in prop::collection::vec("[a-zA-Z0-9 ü&=;%+/]{0,8}", 3),
    ) {
        let names = ["a", "b", "c"];
        let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let raw: Vec<_> = names.iter().zip(&values).map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let expected: Vec<_> = values.iter().cloned().map(Some).collect();
        prop_assert_eq!(read(&raw.join("&"), &names), expected);
    }

    #[test]
    fn what_is_read_was_there_exactly_once(raw in "([ab_.%+&=;\\[\\]]|%61|%5f|A){0,16}") {
        let Ok(query) = Query::parse(&raw, &Method::GET) else { return Ok(()) };
        let Ok(values) = query.read(&["a_b", "b"]) else { return Ok(()) };
        let decoded: Vec<_> = raw.split('&').map(|pair| decode(split_pair(pair).0).unwrap()).collect();
        for (name, value) in ["a_b", "b"].iter().zip(values) {
            prop_assert_eq!(decoded.iter().filter(|sent| sent == name).count(), usize::from(value.is_some()));
        }
    }
}
