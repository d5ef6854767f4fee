//! Rows that cannot be used: each is set aside for a cause, and of a roster with too many of them nothing is used.

use super::{V1_1, aside, changed, codes, compiled, files, may, policy, rostered, source};
use hallpass::policy::compile_with;
use hallpass::policy::roster::{Cause, Outcome};
use std::collections::BTreeSet;

#[test]
fn each_cause_sets_its_row_aside_and_nothing_else() {
    /// A cause, pieces of [`V1_1`] exchanged, and the rows that are set aside for it.
    type Row = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
    let cases: &[Row] = &[
        ("bad_record", &[("e3,,2B,south,sol,student,,,", "e3,,2B,south,sol")], &["enrollments.csv:4"]),
        ("bad_record", &[("south,active,,South,", "south,active,,So\"uth,")], &["orgs.csv:4"]),
        ("missing_value", &[("sol,,true,south,student", "sol,,,south,student")], &["users.csv:7"]),
        ("missing_value", &[("e3,,2B,south,sol,student", "e3,,2B,south,,student")], &["enrollments.csv:4"]),
        ("unknown_word", &[("sol,,true,south,student", "sol,,true,south,Student")], &["users.csv:7"]),
        ("unknown_word", &[("e3,,2B", "e3,maybe,2B")], &["enrollments.csv:4"]),
        ("bad_date", &[("2026-09-01,2026-12-01", "2026-09-01,2026-13-01")], &["enrollments.csv:3"]),
        ("bad_date", &[("2026-09-01,2026-12-01", "2026-09-02,2026-09-01")], &["enrollments.csv:3"]),
        ("bad_id", &[("ref,,true,north,relative", "r/f,,true,north,aide")], &["users.csv:11"]),
        (
            "duplicate_id",
            &[("ref,,true,north,relative", "off,,true,north,aide")],
            &["users.csv:9", "users.csv:11"],
        ),
        (
            "duplicate_key",
            &[("off,,false,north,teacher,", "off,,false,north,teacher,gus.g")],
            &["users.csv:8", "users.csv:9"],
        ),
        // Also where the other one is nobody who is kept.
        (
            "duplicate_key",
            &[("ref,,true,north,relative,", "ref,,true,north,relative,gus.g")],
            &["users.csv:8"],
        ),
        // Or is set aside for something else.
        (
            "duplicate_key",
            &[("off,,false,north,teacher,", "off,,false,west,teacher,gus.g")],
            &["users.csv:8"],
        ),
        (
            "duplicate_key",
            &[("off,,false,north,teacher,", "off,,perhaps,north,teacher,gus.g")],
            &["users.csv:8"],
        ),
        ("unknown_org", &[("off,,false,north,", "off,,false,west,")], &["users.csv:9"]),
        ("unknown_class", &[("e3,,2B", "e3,,3C")], &["enrollments.csv:4"]),
        ("unknown_session", &[("2B,,Class 2B,south,", "2B,,Class 2B,south,summer")], &["classes.csv:3"]),
        ("unknown_user", &[("e3,,2B,south,sol", "e3,,2B,south,nobody")], &["enrollments.csv:4"]),
        (
            "unknown_user",
            &[("una,,true,north,student,,,,gus", "una,,true,north,student,,,,\"gus,nobody\"")],
            &["users.csv:6"],
        ),
        (
            "cycle",
            &[("2B,,Class 2B,south,", "2B,,Class 2B,north,"), ("South,school,,lake", "South,school,,south")],
            &["orgs.csv:4"],
        ),
        ("wrong_level", &[("South,school,,lake", "South,district,,north")], &["orgs.csv:4"]),
        ("wrong_kind", &[("e3,,2B,south,sol,student", "e3,,2B,south,sol,teacher")], &["enrollments.csv:4"]),
    ];
    for (cause, changes, lines) in cases {
        let text = changed(V1_1, changes);
        let found = aside(&policy(), &text);
        for line in *lines {
            assert!(found.contains(&format!("sis/{line} {cause}")), "{cause} {line}: {found:?}");
        }
        let own: Vec<_> = found.iter().filter(|row| row.ends_with(cause)).collect();
        assert_eq!(own.len(), lines.len(), "{cause}: {found:?}");
        let bundle = rostered(&policy(), &text);
        assert_eq!(may(&bundle, "ada", "passport/office.manage", "school/north"), "granted", "{cause}");
    }
    let hand = format!("{}people: {{sol: {{kinds: [student]}}}}\n", policy());
    assert_eq!(aside(&hand, V1_1)[0], "sis/users.csv:7 written_by_hand");
    let causes: BTreeSet<&str> = cases.iter().map(|(cause, ..)| *cause).chain(["written_by_hand"]).collect();
    assert_eq!(causes, Cause::ALL.iter().map(|cause| cause.as_str()).collect());
    let page = include_str!("../../docs/bundle.md");
    for cause in causes {
        assert!(page.contains(&format!("| `{cause}` |")), "{cause} is not on the page");
    }
}

#[test]
fn whoever_is_written_by_hand_stands_and_stays_off_when_the_school_switches_them_off() {
    let hand = format!("{}people: {{off: {{kinds: [guardian]}}}}\n", policy());
    let bundle = rostered(&hand, V1_1);
    let off = bundle.people().find("off").unwrap();
    assert_eq!(bundle.people().row(off).kinds.words().collect::<Vec<_>>(), ["guardian"]);
    assert!(bundle.is_suspended(off));
    assert_eq!(bundle.relations().enrolments_of(off).count(), 0);
    // Whatever else is wrong with the row, or is not asked for.
    for row in [
        "off,,false,nowhere,teacher,,,,",
        "off,,false,north,relative,,,,",
        "off,,False,north,teacher,,,,",
        "off,tobedeleted,false,north,teacher,,,,",
        "off,,true,north,teacher,,,,\noff,,false,north,teacher,,,,",
    ] {
        let bundle = rostered(&hand, &changed(V1_1, &[("off,,false,north,teacher,,,,", row)]));
        assert!(bundle.is_suspended(bundle.people().find("off").unwrap()), "{row}");
    }
    let same_key = format!("{}people: {{hal: {{kinds: [staff], sso: gus.g}}}}\n", policy());
    let bundle = rostered(&same_key, V1_1);
    assert!(bundle.people().find("gus").is_none());
}

#[test]
fn a_few_bad_rows_load_and_many_do_not() {
    // 1,000 users beside the 20 rows that are there.
    let many = |bad: usize| {
        let users: String = (0..1_000)
            .map(|n| {
                let org = if n < bad { "nowhere" } else { "north" };
                format!("u{n},,true,{org},student,,,,\n")
            })
            .collect();
        changed(V1_1, &[("ref,,true,north,relative,,,,\n", &users)])
    };
    let one_percent = changed(&policy(), &[("    bad_rows_max: 50%\n", "")]);
    let few = compiled(&one_percent, &many(5));
    assert!(few.bundle.is_some(), "{:?}", few.diagnostics);
    assert_eq!(few.rosters[0].set_aside.counts().collect::<Vec<_>>(), [(Cause::UnknownOrg, 5)]);
    assert_eq!(codes(&few), ["no_routes", "rows_set_aside"]);
    assert_eq!(
        (few.diagnostics[1].place.file.as_str(), few.diagnostics[1].place.line),
        ("sis/users.csv", 11)
    );
    let bundle = few.bundle.unwrap();
    assert!(bundle.people().find("u4").is_none() && bundle.people().find("u5").is_some());

    let too_many = compiled(&one_percent, &many(50));
    assert!(too_many.bundle.is_none());
    assert_eq!(too_many.bad_rosters().map(|report| report.outcome).collect::<Vec<_>>(), [Outcome::Bad]);
    assert!(codes(&too_many).contains(&"roster_bad_rows"));
    assert_eq!(too_many.rosters[0].set_aside.total(), 50);
    // 10 of 1,020 rows are less than 1 %, 11 are more.
    assert!(compiled(&one_percent, &many(10)).bundle.is_some());
    assert!(compiled(&one_percent, &many(11)).bundle.is_none());
}

#[test]
fn a_file_that_is_not_whole_is_never_a_smaller_school() {
    let broken = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut roster = files(V1_1);
        change(&mut roster.files.iter_mut().find(|file| file.name == name).unwrap().bytes);
        let compilation = compile_with(&[source("policy.yaml", policy())], &[roster]);
        assert!(compilation.bundle.is_none());
        assert_eq!(compilation.bad_rosters().count(), 1, "{name}: {:?}", codes(&compilation));
        codes(&compilation)[0]
    };
    assert_eq!(broken("users.csv", &|bytes| bytes.truncate(bytes.len() - 9)), "truncated");
    assert_eq!(broken("users.csv", &|bytes| bytes.clear()), "truncated");
    assert_eq!(broken("enrollments.csv", &|bytes| bytes.truncate(20)), "truncated");
    assert_eq!(
        broken("enrollments.csv", &|bytes| bytes.extend(b"e9,,\"1A,north,tim,teacher,,,\n")),
        "truncated"
    );
    assert_eq!(broken("users.csv", &|bytes| bytes.extend(b"jos\xe9,,true,north,student,,,,\n")), "encoding");
    assert_eq!(broken("orgs.csv", &|bytes| bytes.splice(..2, *b"\xff\xfe").for_each(drop)), "encoding");
    let header = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            *bytes = text.replacen(from, to, 1).into_bytes();
        }
    };
    assert_eq!(broken("users.csv", &header("enabledUser", "enabled")), "missing_column");
    assert_eq!(broken("users.csv", &header("agentSourcedIds", "agents")), "missing_column");
    assert_eq!(broken("users.csv", &header("username", "user")), "missing_column");
    assert_eq!(broken("orgs.csv", &header("identifier", "status")), "duplicate_column");
    let marked = |bytes: &mut Vec<u8>| {
        bytes.splice(..0, *b"\xef\xbb\xbf").for_each(drop);
    };
    let mut roster = files(V1_1);
    roster.files.iter_mut().for_each(|file| marked(&mut file.bytes));
    assert!(compile_with(&[source("policy.yaml", policy())], &[roster]).bundle.is_some());
}

#[test]
fn a_quote_that_takes_rows_with_it_counts_each_of_their_lines() {
    let text = changed(
        V1_1,
        &[
            ("una,,true,north,student", "una,,\"true,north,student"),
            ("gus,,true,,guardian,gus.g,,,", "gus,,true\",x,,guardian,gus.g,,,"),
        ],
    );
    let compilation = compiled(&policy(), &text);
    let counts: Vec<_> = compilation.rosters[0].set_aside.counts().collect();
    assert!(counts.contains(&(Cause::BadRecord, 3)), "{counts:?}");
}
