//! What the school has: a few students, classes, programmes and documents, in memory and new on every start.

use std::collections::BTreeMap;

/// Everything that the app stores.
pub(super) struct School {
    pub(super) students: Vec<Student>,
    pub(super) classes: BTreeMap<String, Class>,
    pub(super) programmes: BTreeMap<String, Programme>,
    pub(super) documents: BTreeMap<String, Document>,
    pub(super) safeguarding: BTreeMap<String, String>,
}

pub(super) struct Student {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) born: String,
    pub(super) building: String,
    pub(super) class: String,
}

pub(super) struct Class {
    pub(super) programme: String,
    pub(super) unit_plan: String,
    /// Today's, by student: `P` present, `A` absent, `L` late.
    pub(super) attendance: BTreeMap<String, String>,
}

#[derive(Default)]
pub(super) struct Programme {
    pub(super) calendar: Vec<String>,
    pub(super) announcements: Vec<String>,
}

pub(super) struct Document {
    pub(super) form: String,
    pub(super) student: String,
    pub(super) text: String,
    pub(super) attachment_bytes: usize,
}

impl School {
    /// The school as it is in the morning.
    pub(super) fn seeded() -> School {
        let students = [
            ("sam", "Sam Hale", "2017-03-14", "north", "1A"),
            ("mia", "Mia Duarte", "2017-05-02", "north", "1A"),
            ("theo", "Theo Brandt", "2016-11-23", "north", "1B"),
            ("aya", "Aya Rahman", "2016-09-30", "north", "2A"),
            ("lena", "Lena Fischer", "2011-06-08", "south", "7A"),
        ];
        let classes = [
            ("1A", "PYP", "Where we are in place and time: the streets around our school"),
            ("1B", "PYP", "How the world works: what floats and what sinks"),
            ("2A", "PYP", "Sharing the planet: water"),
            ("7A", "MYP", "Proportional reasoning: maps and scales"),
            ("7B", "MYP", "Proportional reasoning: recipes"),
        ];
        let programmes = [
            ("PYP", "2026-12-04 Winter fair", "The library is open on Thursdays until five."),
            ("MYP", "2026-12-09 Science evening", "Lockers are checked on Friday."),
        ];
        let documents = [
            ("iep-sam", "iep", "sam", "Reading goals, two hours a week with Ms Alvarez"),
            ("iep-sam-2", "iep", "sam", "Speech goals"),
            ("iep-lena", "iep", "lena", "Extended time in tests"),
            ("plan-sam", "plan_504", "sam", "A seat near the board"),
            ("trip-sam", "field_trip", "sam", "May come along to the museum"),
            ("card-sam", "health_card", "sam", "Allergic to hazelnuts"),
        ];
        School {
            students: students.into_iter().map(Student::seed).collect(),
            classes: classes.into_iter().map(Class::seed).collect(),
            programmes: programmes.into_iter().map(Programme::seed).collect(),
            documents: documents.into_iter().map(Document::seed).collect(),
            safeguarding: [("sg-1".to_owned(), "Confidential note of a conversation".to_owned())].into(),
        }
    }
}

impl Student {
    fn seed((id, name, born, building, class): (&str, &str, &str, &str, &str)) -> Student {
        Student {
            id: id.to_owned(),
            name: name.to_owned(),
            born: born.to_owned(),
            building: building.to_owned(),
            class: class.to_owned(),
        }
    }
}

impl Class {
    fn seed((name, programme, unit_plan): (&str, &str, &str)) -> (String, Class) {
        let class = Class {
            programme: programme.to_owned(),
            unit_plan: unit_plan.to_owned(),
            attendance: BTreeMap::new(),
        };
        (name.to_owned(), class)
    }
}

impl Programme {
    fn seed((name, event, announcement): (&str, &str, &str)) -> (String, Programme) {
        let programme =
            Programme { calendar: vec![event.to_owned()], announcements: vec![announcement.to_owned()] };
        (name.to_owned(), programme)
    }
}

impl Document {
    fn seed((id, form, student, text): (&str, &str, &str, &str)) -> (String, Document) {
        (id.to_owned(), Document::new(form, student, text))
    }

    pub(super) fn new(form: &str, student: &str, text: &str) -> Document {
        Document {
            form: form.to_owned(),
            student: student.to_owned(),
            text: text.to_owned(),
            attachment_bytes: 0,
        }
    }
}
