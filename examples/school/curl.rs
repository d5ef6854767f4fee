//! The table as commands to paste into a shell.

use super::table::{Body, NOBODY, Row};
use std::net::SocketAddr;

/// The shell variable that holds somebody's token: `ARI`.
pub(crate) fn variable(who: &str) -> String {
    who.to_ascii_uppercase()
}

/// One command that sends the request of `row` to `address`.
pub(crate) fn command(row: &Row, address: SocketAddr) -> String {
    let hosts = row.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host")).count();
    if hosts > 1 {
        return raw(row, address);
    }
    let mut words = vec!["curl".to_owned()];
    match (row.method.as_str(), &row.body) {
        ("HEAD", _) => words.push("-I".to_owned()),
        ("GET", Body::None) => words.push("-i".to_owned()),
        ("POST", Body::Json(_) | Body::Bytes(_)) => words.push("-i".to_owned()),
        (method, _) => words.push(format!("-i -X {method}")),
    }
    let path = row.target.to_ascii_lowercase();
    if path.contains("..") || path.contains("%2e") || path.contains("//") {
        // curl would clean the path up, and the answer would be about another one.
        words.push("--path-as-is".to_owned());
    }
    if row.who != NOBODY {
        words.push(format!("-H \"Authorization: Bearer ${}\"", variable(&row.who)));
    }
    for (name, value) in &row.headers {
        words.push(format!("-H \"{name}: {}\"", with_variables(value)));
    }
    let mut before = String::new();
    match &row.body {
        Body::None => {}
        Body::Json(text) => {
            words.push(format!("-H \"Content-Type: application/json\" --data {}", quoted(text)))
        }
        Body::Bytes(count) => {
            before = format!("head -c {count} /dev/zero | ");
            words.push("--data-binary @-".to_owned());
        }
    }
    words.push(quoted(&format!("http://{address}{}", row.target)));
    before + &words.join(" ")
}

/// What curl does not send, two `Host` lines, by hand.
fn raw(row: &Row, address: SocketAddr) -> String {
    let mut lines = vec![format!("{} {} HTTP/1.1", row.method, row.target)];
    lines.extend(row.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend(["Authorization: Bearer %s", "Connection: close", "", ""].map(str::to_owned));
    let text = lines.join("\\r\\n");
    let who = variable(&row.who);
    format!("printf '{text}' \"${who}\" | nc {} {}", address.ip(), address.port())
}

/// `Bearer {helen}` as `Bearer $HELEN`.
fn with_variables(value: &str) -> String {
    match value.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (who, after))) => format!("{before}${}{after}", variable(who)),
        None => value.to_owned(),
    }
}

/// In single quotes, where the shell would read something into the text.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:.-_%=,".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
