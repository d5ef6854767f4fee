//! Changes to assignments and roles in the decision log: what was to be changed, for whom, and that it was their own.

use crate::support::{OK, Proxy, Tap, Upstream, clock, config, only_ours};
use hallpass::decision::{Decision, authzen, decide};
use hallpass::policy::{Source, compile};
use hallpass::telemetry::LogSettings;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

const BUNDLE: &str = r#"
bundle: {name: changes, time_zone: UTC}
issuers: {gateway: {claim: sub, matches: id}}
domains:
  staff:
    precedence: union
    levels: [school]
    scopes: {school/n: ~}
    modules: {rights: {level: school, permissions: {set: ~}}, talk: {level: school, permissions: {send: ~}}}
    titles: {Support: [IT]}
    roles:
      leader: {level: school, grants: {rights: all}, assignable_by: [leader]}
      fixed: {level: school, locked: true}
  other: {precedence: union, levels: [school]}
people:
  lea: {kinds: [staff]}
  ali: {kinds: [staff]}
assignments:
  - {subject: lea, role: staff/leader, scope: school/n}
  - {subject: ali, role: staff/leader, scope: school/n}
routes:
  "PUT /{s}/{who}/roles/{role}": {change: give, domain: staff, role: "{role}", target: "{who}", on: "school/{s}"}
  "PUT /{s}/{who}/set?set={set}":
    require:
      - {change: permissions, domain: staff, target: "{who}", on: "school/{s}", permissions: "{set}"}
      - {permission: staff/rights.set, on: "school/{s}"}
  "PUT /{s}/{who}/title?c={c}&t={t}":
    require:
      - {change: title, domain: staff, target: "{who}", on: "school/{s}", category: "{c}", title: "{t}"}
      - {permission: staff/rights.set, on: "school/{s}"}
  "DELETE /roles/{role}":
    require: [{change: role, domain: staff, role: "{role}"}, {permission: staff/rights.set, on: school/n}]
"#;

/// A proxy with routes that change something, whose log goes to `tap`.
pub(crate) fn proxy(upstream: SocketAddr, tap: &Tap, name: &str) -> Proxy {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("changes-{name}-{}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("bundle.yaml"), BUNDLE).unwrap();
    only_ours(&path, 0o755);
    only_ours(&path.join("bundle.yaml"), 0o644);
    let mut config = config(upstream);
    config.bundle = path;
    config.log = LogSettings { to: tap.output(), ..LogSettings::default() };
    Proxy::with(config)
}

/// Decides again what a line says was asked.
fn again(line: &Value) -> Decision {
    let source = Source { name: "bundle.yaml".into(), bytes: BUNDLE.into() };
    let bundle = compile(&[source]).bundle.unwrap();
    let (kind, id) = line["resource"].as_str().unwrap().split_once('/').unwrap();
    let inputs = &line["inputs"];
    let mut about = json!({});
    for name in ["target", "role"] {
        if let Some(value) = inputs.get(name) {
            about[name] = value.clone();
        }
    }
    if let Some(set) = inputs.get("permissions") {
        about["permissions"] = set.as_str().unwrap().split(',').filter(|word| !word.is_empty()).collect();
    }
    if let Some((category, title)) = inputs["title"].as_str().and_then(|title| title.split_once('/')) {
        about["category"] = category.into();
        about["title"] = title.into();
    }
    let request = authzen::Request::read(&json!({
        "subject": {"type": line["kinds"][0], "id": line["subject"]},
        "action": {"name": line["action"], "properties": about},
        "resource": {"type": kind, "id": id},
    }));
    decide(&bundle, &request.unwrap().resolve(&bundle, clock().now()).unwrap().request())
}

#[test]
fn a_change_is_logged_with_what_it_names_and_can_be_asked_again() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let proxy = proxy(upstream.address, &tap, "again");
    let cases = [
        (
            "PUT /n/ali/roles/leader",
            json!(["staff/change:give", "school/n", "assignable_by", "granted", "staff/leader", null]),
            json!({"scope": "school/n", "target": "ali", "role": "leader"}),
        ),
        (
            "PUT /n/lea/roles/leader",
            json!(["staff/change:give", "school/n", "assignable_by", "granted", "staff/leader", true]),
            json!({"scope": "school/n", "target": "lea", "role": "leader"}),
        ),
        (
            "PUT /n/lea/set?set=talk.send",
            json!(["staff/change:permissions", "school/n", "self_update", "self_removal", null, null]),
            json!({"scope": "school/n", "target": "lea", "permissions": "talk.send"}),
        ),
        (
            "PUT /n/ali/set?set=",
            json!(["staff/change:permissions", "school/n", "change", "granted", null, null]),
            json!({"scope": "school/n", "target": "ali", "permissions": ""}),
        ),
        (
            "PUT /n/ali/title?c=Support&t=IT",
            json!(["staff/change:title", "school/n", "titles", "granted", null, null]),
            json!({"scope": "school/n", "target": "ali", "title": "Support/IT"}),
        ),
        (
            "PUT /n/ali/title?c=Support&t=Boss",
            json!(["staff/change:title", "school/n", "titles", "unknown_title", null, null]),
            json!({"scope": "school/n", "target": "ali", "title": "Support/Boss"}),
        ),
        (
            "DELETE /roles/fixed",
            json!(["staff/change:role", "role/fixed", "locked", "role_locked", "staff/fixed", null]),
            json!({"role": "fixed"}),
        ),
    ];
    for (at, (request, wanted, inputs)) in cases.iter().enumerate() {
        let allowed = wanted[3] == "granted";
        let answer = proxy.ask(&format!("{request} HTTP/1.1\r\nHost: app\r\nX-Remote-User: lea\r\n\r\n"));
        assert_eq!(answer.status, if allowed { 200 } else { 403 }, "{request}");
        let line = tap.until_lines(at + 1).pop().unwrap();
        let said = ["action", "resource", "rule", "reason", "role", "self_update"].map(|name| &line[name]);
        assert_eq!(json!(said), *wanted, "{request}");
        assert_eq!(line["inputs"], *inputs, "{request}");
        let again = again(&line);
        assert_eq!((again.reason.as_str(), again.is_allow()), (wanted[3].as_str().unwrap(), allowed));
        assert_eq!(again.self_update, wanted[5] == true, "{request}");
    }
}
