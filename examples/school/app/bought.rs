//! What the district bought and had built in: opening apps, writing to families, data for vendors. It checks as little as
//! the rest.

use super::data::{School, Student};
use super::{Answer, Asked};
use hyper::StatusCode;
use serde_json::{Value, json};

/// Opens an app where it was put.
pub(super) fn launch(asked: &Asked, tile: &str) -> Answer {
    Answer::json(&json!({"opened": tile, "as": asked.signature()}))
}

/// Apps, the parents' portal and messages of a class.
pub(super) fn classes(asked: &Asked, class: &str, path: &[&str]) -> Answer {
    match (asked.method.as_str(), path) {
        ("PUT", ["apps", product]) => {
            Answer::json(&json!({"class": class, "app": product, "by": asked.signature()}))
        }
        ("GET", ["portal", student]) => Answer::json(&json!({"student": student, "absent_days": 2})),
        ("POST", ["messages"]) => {
            Answer::json(&json!({"sent_to": class, "by": asked.signature()})).with_status(StatusCode::CREATED)
        }
        _ => Answer::missing("endpoint"),
    }
}

/// Announcements, directory, app store and staff of a school.
pub(super) fn schools(asked: &Asked, school: &str, path: &[&str]) -> Answer {
    match (asked.method.as_str(), path) {
        ("GET", ["announcements"]) => {
            Answer::json(&json!({"school": school, "announcements": ["Snow day on Friday"]}))
        }
        ("POST", ["announcements"]) => {
            Answer::json(&json!({"announced": asked.field("text"), "by": asked.signature()}))
                .with_status(StatusCode::CREATED)
        }
        ("GET", ["directory"]) => Answer::json(&json!({"families": ["Hale", "Duarte", "Brandt", "Rahman"]})),
        ("GET", ["appstore"]) => Answer::json(&json!({"apps": ["readwell", "mapmaker"]})),
        ("PUT", ["staff", who, what @ ("title" | "permissions")]) => {
            Answer::json(&json!({"staff": who, "changed": what, "by": asked.signature()}))
        }
        _ => Answer::missing("endpoint"),
    }
}

/// What the administrators of the district and of a product do: it is all done and signed.
pub(super) fn administration(asked: &Asked, path: &[&str]) -> Answer {
    Answer::json(&json!({"done": path.join("/"), "by": asked.signature()}))
}

/// The data interface. It tells every program everything that it has of a student.
pub(super) fn data(school: &School, path: &[&str]) -> Answer {
    let record = |student: &Student| {
        let Student { id, name, born, building, class } = student;
        json!({"id": id, "name": name, "born": born, "school": building, "grade": class[..1], "iep_status": "Y"})
    };
    match path {
        ["schools"] => Answer::json(&json!({"data": [{"id": "north"}, {"id": "south"}]})),
        ["students"] => Answer::json(&json!({"data": school.students.iter().map(record).collect::<Value>()})),
        ["students", id] => match school.students.iter().find(|student| student.id == *id) {
            Some(student) => Answer::json(&json!({"data": record(student)})),
            None => Answer::missing("student"),
        },
        ["contacts", ..] => Answer::json(&json!({"data": []})),
        _ => Answer::missing("endpoint"),
    }
}
