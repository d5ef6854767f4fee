//! The JSON side of the app, added to it in its later years.

use super::bought;
use super::data::{Class, Document, School, Student};
use super::{Answer, Asked};
use hyper::StatusCode;
use serde_json::{Value, json};

/// Who the app believes is asking.
pub(super) fn whoami(asked: &Asked) -> Answer {
    Answer::json(&json!({"user": asked.user, "kinds": asked.kinds}))
}

/// Answers a path under `/api`.
pub(super) fn answer(school: &mut School, asked: &Asked, path: &[&str]) -> Answer {
    match path {
        ["classes", class, rest @ ..] => classes(school, asked, class, rest),
        ["programmes", programme, rest @ ..] => programmes(school, asked, programme, rest),
        ["documents", id, rest @ ..] => documents(school, asked, id, rest),
        ["students", student, "forms", form, "documents"] => create(school, asked, student, form),
        ["schools", school_name, rest @ ..] => bought::schools(asked, school_name, rest),
        ["districts" | "products", rest @ ..] => bought::administration(asked, rest),
        ["students"] if asked.method == "POST" => add_student(school, asked),
        ["students"] => Answer::json(&school.students.iter().map(student_json).collect()),
        ["students.csv"] => Answer::csv(students_csv(school)),
        ["safeguarding", case] => match school.safeguarding.get(*case) {
            Some(note) => Answer::json(&json!({"case": case, "note": note})),
            None => Answer::missing("case"),
        },
        _ => Answer::missing("endpoint"),
    }
}

fn classes(school: &mut School, asked: &Asked, name: &str, path: &[&str]) -> Answer {
    if let ["students", student, "move-to", to] = path {
        return move_student(school, asked, student, to);
    }
    if let ["apps", ..] | ["portal", _] | ["messages"] = path {
        return bought::classes(asked, name, path);
    }
    let Some(class) = school.classes.get_mut(name) else { return Answer::missing("class") };
    match (asked.method.as_str(), path) {
        ("GET", []) => Answer::json(&json!({"class": name, "programme": class.programme})),
        ("DELETE", []) => {
            school.classes.remove(name);
            Answer::json(&json!({"class": name, "archived_by": asked.signature()}))
        }
        ("GET", ["report"]) => {
            Answer::json(&json!({"class": name, "report": class.unit_plan, "marked": class.attendance.len()}))
        }
        ("GET", ["attendance"]) => Answer::json(&json!({"class": name, "attendance": class.attendance})),
        ("POST", ["attendance"]) => mark(class, asked, &asked.field("student"), &asked.field("code")),
        ("GET", ["unit-plan"]) => Answer::json(&json!({"class": name, "unit_plan": class.unit_plan})),
        ("PUT", ["unit-plan"]) => {
            class.unit_plan = asked.field("text");
            Answer::json(&json!({"class": name, "unit_plan": class.unit_plan, "saved_by": asked.signature()}))
        }
        _ => Answer::missing("endpoint"),
    }
}

/// Writes one attendance code; the old page for it does the same.
pub(super) fn mark(class: &mut Class, asked: &Asked, student: &str, code: &str) -> Answer {
    class.attendance.insert(student.to_owned(), code.to_owned());
    Answer::json(&json!({"student": student, "code": code, "marked_by": asked.signature()}))
}

fn move_student(school: &mut School, asked: &Asked, student: &str, to: &str) -> Answer {
    let Some(found) = school.students.iter_mut().find(|known| known.id == student) else {
        return Answer::missing("student");
    };
    found.class = to.to_owned();
    Answer::json(&json!({"student": student, "class": to, "moved_by": asked.signature()}))
}

fn programmes(school: &mut School, asked: &Asked, name: &str, path: &[&str]) -> Answer {
    let Some(programme) = school.programmes.get_mut(name) else { return Answer::missing("programme") };
    let list = match path {
        ["calendar"] => &mut programme.calendar,
        ["announcements"] => &mut programme.announcements,
        ["calendar", "print"] => return print_calendar(name, &programme.calendar),
        _ => return Answer::missing("endpoint"),
    };
    match asked.method.as_str() {
        "GET" => Answer::json(&json!(list)),
        "POST" => {
            list.push(asked.field("text"));
            Answer::json(&json!({"published": asked.field("text"), "by": asked.signature()}))
                .with_status(StatusCode::CREATED)
        }
        "DELETE" => {
            let deleted = std::mem::take(list).len();
            Answer::json(&json!({"deleted": deleted, "by": asked.signature()}))
        }
        _ => Answer::missing("endpoint"),
    }
}

/// Printing has never worked for the MYP, and nobody is left who could mend it.
fn print_calendar(programme: &str, calendar: &[String]) -> Answer {
    if programme == "MYP" {
        let text = "<b>Fatal error</b>: Division by zero in <b>/var/www/calendar_print.php</b> on line 212\n";
        return Answer::html(text.to_owned()).with_status(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Answer::json(&json!({"printed": calendar}))
}

fn documents(school: &mut School, asked: &Asked, id: &str, path: &[&str]) -> Answer {
    let Some(document) = school.documents.get_mut(id) else { return Answer::missing("document") };
    match (asked.method.as_str(), path) {
        ("GET", []) => Answer::json(&json!({
            "document": id, "form": document.form, "student": document.student, "text": document.text,
            "attachment_bytes": document.attachment_bytes,
        })),
        ("PUT", []) => {
            document.text = asked.field("text");
            Answer::json(&json!({"document": id, "text": document.text, "saved_by": asked.signature()}))
        }
        ("DELETE", []) => {
            school.documents.remove(id);
            Answer::json(&json!({"document": id, "deleted_by": asked.signature()}))
        }
        ("POST", ["attachments"]) => {
            document.attachment_bytes += asked.body.len();
            Answer::json(&json!({"document": id, "received": asked.body.len()}))
        }
        ("POST", ["share", person]) => {
            Answer::json(&json!({"document": id, "shared_with": person, "by": asked.signature()}))
        }
        _ => Answer::missing("endpoint"),
    }
}

fn create(school: &mut School, asked: &Asked, student: &str, form: &str) -> Answer {
    let id = format!("new-{}", school.documents.len() + 1);
    school.documents.insert(id.clone(), Document::new(form, student, &asked.field("text")));
    Answer::json(&json!({"document": id, "form": form, "student": student, "created_by": asked.signature()}))
        .with_status(StatusCode::CREATED)
}

fn add_student(school: &mut School, asked: &Asked) -> Answer {
    let student = Student {
        id: asked.field("id"),
        name: asked.field("name"),
        born: asked.field("born"),
        building: asked.field("building"),
        class: asked.field("class"),
    };
    let answer = json!({"added": student_json(&student), "by": asked.signature()});
    school.students.push(student);
    Answer::json(&answer).with_status(StatusCode::CREATED)
}

fn student_json(student: &Student) -> Value {
    let Student { id, name, born, building, class } = student;
    json!({"id": id, "name": name, "born": born, "building": building, "class": class})
}

fn students_csv(school: &School) -> String {
    let mut text = "id,name,born,building,class\r\n".to_owned();
    for Student { id, name, born, building, class } in &school.students {
        text += &format!("{id},{name},{born},{building},{class}\r\n");
    }
    text
}
