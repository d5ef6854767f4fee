//! The tour: sends the table through real sockets and says where an answer is not the expected one.

use super::client::{self, Reply};
use super::stage::Stage;
use super::table::{Body, NOBODY, Row};
use std::io::{self, Write};

/// Sends every request of the table, prints what came back, and returns how many answers were a surprise.
pub(crate) fn walk(stage: &Stage, out: &mut dyn Write) -> io::Result<usize> {
    let width = |of: fn(&Row) -> usize| stage.table.rows().map(of).max().unwrap_or_default();
    let columns = Columns {
        who: width(|row| row.who.len()),
        request: width(|row| row.request().len()).min(REQUEST_MAX),
        answer: width(|row| row.expected().len()).max(FROM_THE_APP.len() + 4),
    };
    columns.print(out, "no", "who", "request", "expected", "got", "", "why")?;

    let (mut number, mut surprises) = (0, 0);
    for section in &stage.table.sections {
        writeln!(out, "\n{}", section.title)?;
        for row in &section.rows {
            number += 1;
            let outcome = Outcome::of(stage, row);
            let verdict = if outcome.surprises.is_empty() { "ok" } else { "SURPRISE" };
            let (number, request) = (number.to_string(), shortened(&row.request()));
            columns.print(
                out,
                &number,
                &row.who,
                &request,
                &row.expected(),
                &outcome.got,
                verdict,
                &row.why,
            )?;
            for surprise in &outcome.surprises {
                writeln!(out, "      {surprise}")?;
            }
            surprises += usize::from(!outcome.surprises.is_empty());
        }
    }
    match surprises {
        0 => writeln!(out, "\n{number} requests, all answered as expected")?,
        count => writeln!(out, "\n{number} requests, {count} not answered as expected")?,
    }
    Ok(surprises)
}

/// Longer requests are cut in the printed table, in characters.
const REQUEST_MAX: usize = 72;
const FROM_THE_APP: &str = "from the app";

/// What came of one request.
struct Outcome {
    got: String,
    /// In sentences, what is not as expected.
    surprises: Vec<String>,
}

impl Outcome {
    fn of(stage: &Stage, row: &Row) -> Outcome {
        let seen = stage.app.seen();
        let reply = match send(stage, row) {
            Ok(reply) => reply,
            Err(error) => {
                return Outcome { got: "no answer".to_owned(), surprises: vec![error.to_string()] };
            }
        };
        let reached = stage.app.seen() - seen;
        let reason = reason(&reply);
        let got = match (&reason, reached) {
            (_, 1..) => format!("{} {FROM_THE_APP}", reply.status),
            (Some(reason), 0) => format!("{} {reason}", reply.status),
            (None, 0) => reply.status.to_string(),
        };
        let mut surprises = differences(row, &reply, reason.as_deref(), reached);
        if !surprises.is_empty() {
            surprises.push(format!("the body begins: {}", beginning(&reply.body)));
        }
        Outcome { got, surprises }
    }
}

fn send(stage: &Stage, row: &Row) -> io::Result<Reply> {
    let mut headers = Vec::new();
    if row.who != NOBODY {
        headers.push(("Authorization".to_owned(), format!("Bearer {}", stage.token(&row.who))));
    }
    for (name, value) in &row.headers {
        headers.push((name.clone(), with_tokens(stage, value)));
    }
    let body = match &row.body {
        Body::None => None,
        Body::Json(text) => {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            Some(text.clone().into_bytes())
        }
        Body::Bytes(count) => Some(vec![b'.'; *count]),
    };
    client::send(stage.address(), &row.request(), &headers, body.as_deref())
}

/// `Bearer {helen}` with Helen's token in it.
fn with_tokens(stage: &Stage, value: &str) -> String {
    let people = stage.table.people.iter();
    people.fold(value.to_owned(), |value, (id, _)| value.replace(&format!("{{{id}}}"), stage.token(id)))
}

/// The reason that hallpass gives in its own answers, where `answers: {reason: true}` tells it to.
fn reason(reply: &Reply) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(&reply.body).ok()?;
    body.get("reason")?.as_str().map(str::to_owned)
}

fn differences(row: &Row, reply: &Reply, reason: Option<&str>, reached: u64) -> Vec<String> {
    let mut found = Vec::new();
    if reply.status != row.status {
        found.push(format!("the status is {}, not {}", reply.status, row.status));
    }
    match (row.reaches_the_app(), reached) {
        (true, 1) | (false, 0) => {}
        (true, 0) => found.push("the app has not seen the request".to_owned()),
        (true, times) => found.push(format!("the app has seen the request {times} times")),
        (false, _) => found.push("the app has seen a request that is refused".to_owned()),
    }
    if let Some(wanted) = row.reason.as_deref().filter(|_| !row.reaches_the_app() && reached == 0) {
        match reason {
            Some(reason) if reason == wanted => {}
            Some(reason) => found.push(format!("the reason is {reason}, not {wanted}")),
            None => found.push("the answer gives no reason".to_owned()),
        }
    }
    let answer = format!("{}\r\n\r\n{}", reply.head, reply.body).to_lowercase();
    let has = |text: &String| answer.contains(&text.to_lowercase());
    if let Some(text) = row.contains.as_ref().filter(|text| !has(text)) {
        found.push(format!("the answer does not contain `{text}`"));
    }
    if let Some(text) = row.lacks.as_ref().filter(|text| has(text)) {
        found.push(format!("the answer contains `{text}`"));
    }
    found
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= REQUEST_MAX {
        return text.to_owned();
    }
    text.chars().take(REQUEST_MAX - 3).chain("...".chars()).collect()
}

fn beginning(body: &str) -> String {
    body.chars().take(200).collect::<String>().escape_debug().to_string()
}

/// The widths of the columns, in characters.
struct Columns {
    who: usize,
    request: usize,
    /// Of two columns: expected and got.
    answer: usize,
}

impl Columns {
    #[allow(clippy::too_many_arguments)] // one for each column
    fn print(
        &self,
        out: &mut dyn Write,
        number: &str,
        who: &str,
        request: &str,
        expected: &str,
        got: &str,
        verdict: &str,
        why: &str,
    ) -> io::Result<()> {
        let Columns { who: a, request: b, answer: c } = *self;
        writeln!(out, "{number:>3}  {who:a$}  {request:b$}  {expected:c$}  {got:c$}  {verdict:8}  {why}")
    }
}
