//! The pages of the app: tables, a grey frame, and one script that serves whichever page a parameter names.

use super::data::School;
use super::{Answer, Asked, api};

/// The front page, for everybody.
pub(super) fn front(asked: &Asked) -> Answer {
    let text = "<p>Welcome to SchoolBase. Please choose a module.</p>\n\
        <ul>\n<li><a href=\"/Modules.php?modname=Attendance/Sheet.php&amp;class=1A\">Attendance</a></li>\n\
        <li><a href=\"/Modules.php?modname=Students/List.php\">Students</a></li>\n</ul>";
    page(asked, "Welcome", text)
}

/// The one stylesheet.
pub(super) fn stylesheet() -> Answer {
    let text = "body { font: 11px Verdana, Arial, sans-serif; background: #e8e8e0; margin: 20px }\n\
        #frame { width: 760px; margin: auto; background: #fff; border: 1px solid #889 }\n\
        h1 { font-size: 15px; color: #fff; background: #336699; margin: 0; padding: 6px 10px }\n\
        #user { float: right; padding: 6px 10px; color: #fff }\n\
        #content { padding: 10px } th { background: #ccd5e0; text-align: left }\n\
        td, th { font-size: 11px; padding: 3px 8px; border-bottom: 1px solid #ddd }\n";
    Answer { content_type: "text/css", ..Answer::html(text.to_owned()) }
}

/// `Modules.php`: the page is a parameter, and so is what it does.
pub(super) fn dispatch(school: &mut School, asked: &Asked) -> Answer {
    match asked.parameter("modname") {
        "Attendance/Sheet.php" => attendance_sheet(school, asked),
        "Attendance/Take.php" => match school.classes.get_mut(asked.parameter("class")) {
            // A GET that writes: the teachers' tablets have bookmarks of the form ...&student=sam&code=A.
            Some(class) => api::mark(class, asked, asked.parameter("student"), asked.parameter("code")),
            None => Answer::missing("class"),
        },
        "Students/List.php" => student_list(school, asked),
        // Left over from the installation. No link leads here any more.
        "Tools/Backup.php" => Answer::csv(format!("-- dump of all {} students\n", school.students.len())),
        _ => Answer::missing("module"),
    }
}

fn attendance_sheet(school: &School, asked: &Asked) -> Answer {
    let name = asked.parameter("class");
    let Some(class) = school.classes.get(name) else { return Answer::missing("class") };
    let mut rows = "<tr><th>Student</th><th>Today</th></tr>\n".to_owned();
    for student in school.students.iter().filter(|student| student.class == name) {
        let code = class.attendance.get(&student.id).map_or("-", String::as_str);
        rows += &format!("<tr><td>{}</td><td>{}</td></tr>\n", escaped(&student.name), escaped(code));
    }
    page(asked, &format!("Attendance of {name}"), &format!("<table>\n{rows}</table>"))
}

fn student_list(school: &School, asked: &Asked) -> Answer {
    let mut rows = "<tr><th>Name</th><th>Born</th><th>Building</th><th>Class</th></tr>\n".to_owned();
    for student in &school.students {
        let cells = [&student.name, &student.born, &student.building, &student.class];
        let cells: String = cells.map(|text| format!("<td>{}</td>", escaped(text))).concat();
        rows += &format!("<tr>{cells}</tr>\n");
    }
    page(asked, "All students", &format!("<table>\n{rows}</table>"))
}

fn page(asked: &Asked, title: &str, content: &str) -> Answer {
    let user = match &asked.user {
        Some(user) => format!("Signed in as {}", escaped(user)),
        None => "Not signed in".to_owned(),
    };
    let title = escaped(title);
    Answer::html(format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">\n<html>\n<head><title>{title}</title>\n\
        <link rel=\"stylesheet\" href=\"/assets/school.css\"></head>\n<body>\n<div id=\"frame\">\n\
        <div id=\"user\">{user}</div>\n<h1>SchoolBase: {title}</h1>\n<div id=\"content\">\n{content}\n</div>\n</div>\n\
        </body>\n</html>\n"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
