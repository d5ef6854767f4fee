//! Schools of any size, written as the text that an operator would write.
//!
//! Two domains. In `toddle` the narrowest role decides, staff need a role at the account, half of the modules have a
//! gate there and most permissions require another one. In `forms` roles unite and name buildings. Sizes are those of
//! a real school group: 300 permissions, 60 roles, up to 2,000 classes, four assignments for a member of staff.

use crate::Random;
use hallpass::policy::Source;
use std::fmt::Write;

/// Modules of `toddle`, ten permissions each.
pub const MODULES: usize = 30;
/// Permissions of one module.
pub const PERMISSIONS: usize = 10;
/// Roles at each of account, programme and class.
const ROLES: usize = 20;
/// Forms of the domain `forms`.
pub const FORMS: usize = 20;

/// The issuer that the bundle declares.
pub const ISSUER: &str = "https://login.school.example";

/// How large a school is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// People on the roster; one in five is a student.
    pub people: usize,
    /// Classes; each lies in a programme.
    pub classes: usize,
    /// Programmes.
    pub programmes: usize,
    /// Buildings.
    pub schools: usize,
    /// Documents that the bundle lists.
    pub documents: usize,
}

impl Size {
    /// The school that so many people make.
    pub fn of(people: usize) -> Size {
        Size {
            people,
            classes: (people / 2).clamp(5, 2_000),
            programmes: (people / 50).clamp(2, 40),
            schools: (people / 100).clamp(2, 40),
            documents: people,
        }
    }
}

/// Whether person number `person` is a student. The others are staff.
pub fn is_student(person: usize) -> bool {
    person % 5 == 4
}

/// What the module requires of a permission: the first one stands alone, every second one requires it.
pub fn requires(permission: usize) -> bool {
    permission % 2 == 1
}

/// Whether a module has a gate at the account.
pub fn is_gated(module: usize) -> bool {
    module.is_multiple_of(2)
}

/// All files of the bundle.
pub fn write(size: Size, seed: u64, public: bool) -> Vec<Source> {
    let mut random = Random::new(seed);
    let file = |name: &str, text: String| Source { name: name.to_owned(), bytes: text.into_bytes() };
    vec![
        file("assignments.csv", assignments(size, &mut random)),
        file("bundle.yaml", manifest()),
        file("documents.csv", documents(size, &mut random)),
        file("domains.yaml", domains(&mut random)),
        file("people.csv", people(size, &mut random)),
        file("routes.yaml", routes(public)),
        file("scopes.csv", scopes(size)),
    ]
}

fn manifest() -> String {
    format!(
        "bundle: {{name: measured, time_zone: Europe/Berlin}}\nissuers:\n  {ISSUER}: {{claim: sub, matches: id}}\n"
    )
}

fn domains(random: &mut Random) -> String {
    let mut text = String::from(
        "domains:\n  toddle:\n    precedence: most_specific\n    levels: [account, programme, class]\n    \
         same_scope: any\n    mandatory: {level: account, kinds: [staff]}\n    modules:\n",
    );
    for module in 0..MODULES {
        let gate = if is_gated(module) { ", gate_at: account" } else { "" };
        let _ = write!(text, "      m{module}: {{level: class{gate}, permissions: {{");
        for permission in 0..PERMISSIONS {
            let comma = if permission == 0 { "" } else { ", " };
            let needs =
                if requires(permission) { format!("requires: [m{module}.p0]") } else { String::new() };
            let _ = write!(text, "{comma}p{permission}: {{{needs}}}");
        }
        text.push_str("}}\n");
    }
    text.push_str("    roles:\n");
    for level in ["account", "programme", "class"] {
        for role in 0..ROLES {
            let _ = write!(text, "      {level}_{role}: {{level: {level}, grants: {{");
            for module in 0..MODULES {
                let comma = if module == 0 { "" } else { ", " };
                // Roles at the account have nearly everything on, or gates would end most questions.
                let dice = random.below(if level == "account" { 16 } else { 4 });
                match dice {
                    0 => {
                        let _ = write!(text, "{comma}m{module}: []");
                    }
                    1 => {
                        let _ = write!(text, "{comma}m{module}: [p0, p1, p2]");
                    }
                    _ => {
                        let _ = write!(text, "{comma}m{module}: all");
                    }
                }
            }
            text.push_str("}}\n");
        }
    }
    text.push_str(
        "  forms:\n    precedence: union\n    levels: [district, school]\n    buildings: school\n    \
         when_unassigned: {default: none, max: none}\n    when_no_buildings: {default: none, max: none}\n    \
         explicit_grants_outside_buildings: allow\n    create_outside_buildings: deny\n    \
         role_without_buildings: inactive\n    forms:\n",
    );
    for form in 0..FORMS {
        let _ = writeln!(text, "      f{form}: {{title: Form {form}, groups: [g{}]}}", form % 4);
    }
    text.push_str("    roles:\n");
    for role in 0..ROLES {
        let _ = write!(text, "      keeper_{role}: {{level: district, forms: {{");
        for form in 0..FORMS {
            let entry =
                ["default: none, max: owner", "default: view, max: edit", "default: edit, max: owner"]
                    [random.below(3)];
            let _ = write!(text, "f{form}: {{{entry}}}, ");
        }
        text.push_str("\"*\": {default: none, max: none}}}\n");
    }
    text
}

fn scopes(size: Size) -> String {
    let mut text = String::from("domain,scope,parent\ntoddle,account/a,\n");
    for programme in 0..size.programmes {
        let _ = writeln!(text, "toddle,programme/{programme},account/a");
    }
    for class in 0..size.classes {
        let _ = writeln!(text, "toddle,class/{class},programme/{}", class % size.programmes);
    }
    text.push_str("forms,district/d,\n");
    for school in 0..size.schools {
        let _ = writeln!(text, "forms,school/{school},district/d");
    }
    text
}

fn people(size: Size, random: &mut Random) -> String {
    let mut text = String::from("id,kinds,email,buildings\n");
    for person in 0..size.people {
        if is_student(person) {
            let school = random.below(size.schools);
            let _ = writeln!(text, "u{person},student,u{person}@school.example,school/{school}");
        } else {
            let _ = writeln!(text, "u{person},staff,u{person}@school.example,");
        }
    }
    text
}

/// The class that person number `person` surely has a role in.
pub fn home_class(size: Size, person: usize) -> usize {
    person.wrapping_mul(7) % size.classes
}

fn assignments(size: Size, random: &mut Random) -> String {
    let mut text = String::from("subject,role,scope,buildings,from,until\n");
    for person in (0..size.people).filter(|person| !is_student(*person)) {
        let mut role = || random.below(ROLES);
        let (account, programme, home, keeper) = (role(), role(), role(), role());
        let _ = writeln!(text, "u{person},toddle/account_{account},account/a,,,");
        let at = person % size.programmes;
        let _ =
            writeln!(text, "u{person},toddle/programme_{programme},programme/{at},,2025-08-01,2030-07-31");
        let class = home_class(size, person);
        let _ = writeln!(text, "u{person},toddle/class_{home},class/{class},,2025-08-01,2030-07-31");
        let school = random.below(size.schools);
        let _ = writeln!(text, "u{person},forms/keeper_{keeper},district/d,school/{school},,");
        // Some have a second class.
        if random.below(2) == 0 {
            let other = random.below(size.classes);
            if other != class {
                let role = random.below(ROLES);
                let _ = writeln!(text, "u{person},toddle/class_{role},class/{other},,,");
            }
        }
    }
    text
}

fn documents(size: Size, random: &mut Random) -> String {
    let mut text = String::from("id,form,student,created_by,viewers\n");
    for document in 0..size.documents {
        let form = random.below(FORMS);
        let student = random.below(size.people / 5) * 5 + 4;
        let creator = random.below(size.people / 5) * 5;
        let viewer = random.below(size.people / 5) * 5 + 1;
        let _ = writeln!(text, "d{document},forms/f{form},u{student},u{creator},u{viewer}");
    }
    text
}

/// The path of a permission on a class, as the routes have it.
pub fn path(module: usize, permission: usize, class: usize) -> String {
    format!("/api/m{module}/classes/{class}/p{permission}")
}

fn routes(public: bool) -> String {
    let mut text = String::from("routes:\n  GET /healthz: public\n");
    for module in 0..MODULES {
        for permission in 0..PERMISSIONS {
            let template = path(module, permission, 0).replace("/0/", "/{class}/");
            let needs = if public {
                String::from("public")
            } else {
                format!("{{permission: toddle/m{module}.p{permission}, on: \"class/{{class}}\"}}")
            };
            let _ = writeln!(text, "  GET {template}: {needs}");
        }
    }
    let needs = if public { "public" } else { "{access: view, document: \"{doc}\"}" };
    let _ = writeln!(text, "  GET /api/documents/{{doc}}: {needs}");
    text
}
