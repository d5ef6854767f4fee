//! `eval DIR`: AuthZEN requests as JSON lines in, decisions as JSON lines out, in the same order.

use super::{Outcome, load};
use crate::decision::{AccessRequest, Ask, Decision, Obligations, Reason, Record, authzen, decide, judge};
use crate::json;
use crate::policy::Bundle;
use crate::policy::records::Shown;
use crate::time::Time;
use serde_json::{Map, Value};
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn run(path: &Path, rosters: &[(String, PathBuf)], now: Time) -> io::Result<Outcome> {
    let Some(bundle) = load(path, rosters)? else { return Ok(Outcome::No) };
    evaluate(&bundle, now, &mut io::stdin().lock(), &mut io::BufWriter::new(io::stdout().lock()))
}

fn evaluate(
    bundle: &Bundle,
    now: Time,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<Outcome> {
    let mut outcome = Outcome::Yes;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let too_long = read as u64 > LINE_BYTES_MAX;
        if too_long {
            skip_line(input)?;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let asked = match too_long {
            true => Err(format!("a line is longer than {LINE_BYTES_MAX} bytes")),
            false => read_request(text),
        };
        let answer = match asked {
            Ok(request) => {
                let (decision, parts) = answer(bundle, &request, now);
                if !decision.is_allow() && outcome == Outcome::Yes {
                    outcome = Outcome::No;
                }
                let mut answer = describe(bundle, &decision);
                answer.extend(parts);
                answer.into()
            }
            Err(message) => {
                outcome = Outcome::CouldNotAnswer;
                malformed(message)
            }
        };
        serde_json::to_writer(&mut *output, &answer)?;
        output.write_all(b"\n")?;
        // Whoever asks line by line waits for the answer.
        output.flush()?;
    }
    Ok(outcome)
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let (used, done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn read_request(text: &[u8]) -> Result<authzen::Request, String> {
    let value = json::parse(text).map_err(|error| format!("{} in column {}", error.message, error.column))?;
    authzen::Request::read(&value).map_err(|error| error.to_string())
}

/// Decides a request by name; of a record comes also what becomes of its parts.
fn answer(bundle: &Bundle, request: &authzen::Request, now: Time) -> (Decision, Map<String, Value>) {
    let resolved = match request.resolve(bundle, now) {
        Ok(resolved) => resolved,
        Err(reason) => return (Decision::before_any_rule(reason), Map::new()),
    };
    let asked = resolved.request();
    let parts = match asked.ask {
        Ask::Record(record) => parts(bundle, &asked, record, resolved.fields()),
        Ask::Permission { .. } | Ask::Document(_) | Ask::Change(_) => Map::new(),
    };
    (decide(bundle, &asked), parts)
}

/// `fields`: the paths that stay, of those that are asked about or else of the catalogue. `related`: the places of the
/// records that it goes on to point at.
fn parts(
    bundle: &Bundle,
    asked: &AccessRequest<'_>,
    record: &dyn Record,
    fields: Option<&[String]>,
) -> Map<String, Value> {
    let judged = judge(bundle, asked.viewer(), record, asked.now);
    let mut parts = Map::new();
    if !judged.decision().is_allow() {
        return parts;
    }
    let shown = |path: &str| judged.shows(path) == Shown::Whole;
    let stay: Vec<&str> = match fields {
        Some(paths) => paths.iter().map(String::as_str).filter(|path| shown(path)).collect(),
        None => {
            let fields = bundle.records().types()[record.record_type()].fields.iter();
            fields.map(|(_, field)| field.path.as_str()).filter(|path| shown(path)).collect()
        }
    };
    let related = (0..).take_while(|place| record.related(*place).is_some());
    let kept: Vec<usize> = related.filter(|place| judged.keeps(*place)).collect();
    parts.insert("fields".into(), stay.into());
    parts.insert("related".into(), kept.into());
    parts
}

/// A decision as `eval` writes it. `role` and `scope` are null where no role decided.
fn describe(bundle: &Bundle, decision: &Decision) -> Map<String, Value> {
    let domain = decision.domain.map(|id| (id, &bundle.domains()[id]));
    let role = domain.and_then(|(id, domain)| {
        let role = &domain.roles()[decision.role?];
        Some((bundle.outside_name(id, &role.name), domain.level_name(role.level)))
    });
    let (role, level) = role.unzip();
    let mut answer = Map::new();
    answer.insert("decision".into(), decision.is_allow().into());
    answer.insert("reason".into(), decision.reason.as_str().into());
    answer.insert("role".into(), role.into());
    answer.insert("level".into(), level.into());
    answer.insert("scope".into(), decision.scope.map(|scope| bundle.scopes().name(scope)).into());
    answer.insert("rule".into(), decision.rule.as_str().into());
    if decision.power {
        answer.insert("power".into(), true.into());
    }
    if decision.self_update {
        answer.insert("self_update".into(), true.into());
    }
    let Obligations { catalogue, own, through } = decision.obligations;
    let applications = [own, through].into_iter().flatten();
    let applications = applications.map(|id| format!("sharing/{}", bundle.people().row(id).id));
    let obligations: Vec<String> =
        catalogue.then(|| "catalogue".to_owned()).into_iter().chain(applications).collect();
    if !obligations.is_empty() {
        answer.insert("obligations".into(), obligations.into());
    }
    answer
}

fn malformed(message: String) -> Value {
    let mut answer = Map::new();
    answer.insert("decision".into(), false.into());
    answer.insert("reason".into(), Reason::Malformed.as_str().into());
    answer.insert("error".into(), message.into());
    answer.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Source, compile};

    fn bundle() -> Bundle {
        let text = "bundle: {name: t, time_zone: UTC}\n\
                    domains: {d: {precedence: union, levels: [class], scopes: {class/1A: ~}, \
                    modules: {m: {level: class, permissions: {see: ~}}}, roles: {r: {level: class, grants: {m: all}}}}}\n\
                    people: {ari: {kinds: [staff]}}\n\
                    assignments: [{subject: ari, role: r, scope: class/1A, until: 2026-06-30}]\n";
        compile(&[Source { name: "b.yaml".into(), bytes: text.into() }]).bundle.unwrap()
    }

    fn run(input: &str) -> (Outcome, String) {
        let mut output = Vec::new();
        let now = Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let outcome = evaluate(&bundle(), now, &mut input.as_bytes(), &mut output).unwrap();
        (outcome, String::from_utf8(output).unwrap())
    }

    const YES: &str = r#"{"subject":{"type":"staff","id":"ari"},"action":{"name":"m.see"},"resource":{"type":"class","id":"1A"}}"#;

    #[test]
    fn answers_line_by_line_in_order() {
        let later = YES.replace("\"1A\"}", "\"1A\"},\"context\":{\"time\":\"2026-07-01T00:00:00Z\"}");
        let (outcome, output) = run(&format!("{YES}\n\n{later}\n"));
        assert_eq!(outcome, Outcome::No);
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains(r#""decision":true"#) && lines[0].contains(r#""scope":"class/1A""#));
        assert!(lines[1].contains(r#""reason":"no_role_in_context""#), "{}", lines[1]);
        assert_eq!(run(YES).0, Outcome::Yes);
    }

    #[test]
    fn a_line_that_is_not_a_request_is_answered_too_and_the_rest_goes_on() {
        let twice = YES.replace("\"type\":\"staff\"", "\"type\":\"student\",\"type\":\"staff\"");
        for bad in ["{", "[]", "{\"subject\":{}}", twice.as_str(), &format!("\"{}\"", "x".repeat(2 << 20))] {
            let (outcome, output) = run(&format!("{bad}\n{YES}\n"));
            assert_eq!(outcome, Outcome::CouldNotAnswer);
            let lines: Vec<&str> = output.lines().collect();
            assert_eq!(lines.len(), 2, "{output}");
            assert!(lines[0].contains(r#""decision":false,"error""#) || lines[0].contains("malformed"));
            assert!(lines[1].contains(r#""decision":true"#));
        }
    }

    #[test]
    fn a_subject_of_another_kind_is_not_that_subject() {
        let (_, output) = run(&YES.replace("staff", "student"));
        assert!(output.contains("unknown_subject"));
    }
}
