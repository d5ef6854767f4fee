//! What is no bundle: what a slip, a merge, a wrong export or a copy that was cut off leaves behind.

/// A bundle that does not load.
pub(crate) struct BadInput {
    pub(crate) name: String,
    pub(crate) files: Vec<(&'static str, Vec<u8>)>,
    /// What is said of it, at least: a code, and the place as `file:line`.
    pub(crate) code: &'static str,
    pub(crate) place: String,
}

const GOOD: &str = r#"
bundle: {name: bad-input, time_zone: Europe/Berlin, change: "1"}
issuers:
  gateway: {claim: sub, matches: id}
domains:
  school:
    precedence: most_specific
    levels: [account, class]
    scopes: {account/main: {class/1A: ~, class/1B: ~}}
    modules:
      admin: {level: account, permissions: {open: {}}}
      attendance:
        level: class
        permissions:
          view: {}
          p1: {}
          p2: {}
          p3: {}
          p4: {}
    roles:
      r1: {level: class}
      r2: {level: class}
      r3: {level: class}
      r4: {level: class}
      class_teacher: {level: class, grants: {attendance: [view]}, forms: {note: {default: view, max: owner}}}
    buildings: account
    forms: {note: {}}
    when_unassigned: {default: none, max: none}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: deny
    create_outside_buildings: deny
people:
  ari: {kinds: [staff]}
assignments:
  - {subject: ari, role: class_teacher, scope: class/1A, buildings: [account/main]}
routes:
  "GET /classes/{class}/attendance": {permission: attendance.view, on: "class/{class}"}
"#;

/// The bundle that all of them come from. It lets ari into class 1A.
pub(crate) fn good() -> String {
    GOOD.to_owned()
}

/// All of them.
pub(crate) fn all() -> Vec<BadInput> {
    let mut all = Vec::new();
    for (name, from, to, code) in SLIPS {
        assert_eq!(GOOD.matches(from).count(), 1, "{from}");
        all.push(of(name, GOOD.replace(from, to), code, to));
    }
    for length in 1..=4 {
        let (mut requires, mut includes) = (GOOD.to_owned(), GOOD.to_owned());
        for at in 1..=length {
            let next = at % length + 1;
            let written = format!("p{at}: {{requires: [attendance.p{next}]}}");
            requires = requires.replace(&format!("p{at}: {{}}"), &written);
            let written = format!("r{at}: {{level: class, includes: [r{next}]}}");
            includes = includes.replace(&format!("r{at}: {{level: class}}"), &written);
        }
        // It is told where the ring closes.
        all.push(of(&format!("requires-{length}"), requires, "cycle", "requires: [attendance.p1]"));
        all.push(of(&format!("includes-{length}"), includes, "cycle", "includes: [r1]"));
    }
    all.extend(files());
    all
}

/// One text that stands in the good bundle, and what stands there instead.
const SLIPS: &[(&str, &str, &str, &str)] = &[
    ("wrong-level-role", "grants: {attendance: [view]}", "grants: {admin: all}", "level_violation"),
    ("wrong-level-assignment", "scope: class/1A,", "scope: account/main,", "level_violation"),
    ("wrong-level-route", "on: \"class/{class}\"", "on: account/main", "wrong_level"),
    ("wrong-level-requires", "open: {}", "open: {requires: [attendance.view]}", "level_violation"),
    ("wrong-level-scope", "{class/1A: ~, class/1B: ~}", "{account/other: ~}", "level_violation"),
    ("dangling-role", "role: class_teacher", "role: class_techer", "unknown_name"),
    ("dangling-subject", "subject: ari", "subject: arl", "unknown_name"),
    ("dangling-scope", "scope: class/1A,", "scope: class/9Z,", "unknown_name"),
    ("dangling-building", "[account/main]}", "[account/mian]}", "unknown_name"),
    ("dangling-permission", "attendance: [view]", "attendance: [veiw]", "unknown_name"),
    ("dangling-module", "grants: {attendance", "grants: {atendance", "unknown_name"),
    ("dangling-form", "forms: {note: {default", "forms: {noet: {default", "unknown_name"),
    ("dangling-requires", "p1: {}", "p1: {requires: [attendance.p9]}", "unknown_name"),
    ("dangling-includes", "r1: {level: class}", "r1: {level: class, includes: [r9]}", "unknown_name"),
    ("dangling-giver", "r2: {level: class}", "r2: {level: class, assignable_by: [r9]}", "unknown_name"),
    ("dangling-route", "permission: attendance.view", "permission: attendance.veiw", "unknown_name"),
    ("duplicate-role", "r2: {level: class}", "r1: {level: account}", "duplicate_key"),
    ("duplicate-section", "people:\n", "routes: {}\npeople:\n", "duplicate_key"),
    ("duplicate-flag", "{kinds: [staff]}", "{kinds: [staff], kinds: [student]}", "duplicate_key"),
    ("above-max", "{default: view, max: owner}", "{default: owner, max: view}", "default_above_max"),
    (
        "cut-off-yaml",
        "scope: class/1A, buildings: [account/main]}",
        "scope: class/1A, buildings: [acc",
        "syntax",
    ),
];

/// Files that are bad by themselves, beside the good bundle or in its place.
fn files() -> Vec<BadInput> {
    let beside = |name: &str, file: &'static str, bytes: Vec<u8>, code, line: u32| BadInput {
        name: name.to_owned(),
        files: vec![("bundle.yaml", good().into_bytes()), (file, bytes)],
        code,
        place: format!("{file}:{line}"),
    };
    let rows = "subject,role,scope\nari,class_teacher,class/1A\nari,class_teacher,class/1B\n";
    let objects = "{\"subject\":\"ari\",\"role\":\"r1\",\"scope\":\"class/1A\"}\n";
    let utf_16: Vec<u8> = "\u{feff}people: {}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cut = |text: &str, by: usize| text.as_bytes()[..text.len() - by].to_vec();
    vec![
        beside("latin-1", "more.yaml", b"people:\n  jos\xe9: {kinds: [staff]}\n".to_vec(), "encoding", 2),
        beside("utf-16", "more.yaml", utf_16, "encoding", 1),
        beside("latin-1-table", "people.csv", b"id,kinds\njos\xe9,staff\n".to_vec(), "encoding", 2),
        beside("zeros", "more.json", vec![0; 64], "syntax", 1),
        beside("cut-off-line", "assignments.csv", cut(rows, 1), "truncated", 3),
        beside("cut-off-field", "assignments.csv", cut(rows, 9), "truncated", 3),
        beside(
            "cut-off-quote",
            "assignments.csv",
            b"subject,role,scope\n\"ari,r1,class/1A\n".to_vec(),
            "syntax",
            2,
        ),
        beside("cut-off-all", "assignments.csv", Vec::new(), "truncated", 1),
        beside("cut-off-object", "assignments.jsonl", cut(objects, 5), "truncated", 1),
        beside("dangling-row", "assignments.csv", rows.replace("1B", "9Z").into_bytes(), "unknown_name", 3),
        beside(
            "short-row",
            "assignments.csv",
            rows.replace(",class/1B", "").into_bytes(),
            "wrong_field_count",
            3,
        ),
        beside(
            "two-files",
            "more.yaml",
            b"domains: {school: {roles: {r1: {level: class}}}}\n".to_vec(),
            "duplicate_key",
            1,
        ),
    ]
}

/// The good bundle with something else in it, which is told at the line of `at`.
fn of(name: &str, text: String, code: &'static str, at: &str) -> BadInput {
    let at = at.lines().next().unwrap();
    let line = text.lines().position(|line| line.contains(at));
    let place = format!("bundle.yaml:{}", line.unwrap_or_else(|| panic!("{name}: {at}")) + 1);
    BadInput { name: name.to_owned(), files: vec![("bundle.yaml", text.into_bytes())], code, place }
}
