//! Settings that make the process less safe than it could be: allowed, and never silent. One row for each, told in one
//! line at the start and by `GET /status`.

use super::Settings;
use crate::admin::{Access, UnsafeSetting};
use crate::proxy::Address;

type Holds = fn(&Settings) -> bool;

const ROWS: &[(&str, &str, Holds)] = &[
    ("identity", "nobody can prove who they are, so only public routes are open", |settings| {
        let authenticator = &settings.proxy.authenticator;
        authenticator.issuers().is_empty() && authenticator.header().is_none()
    }),
    ("identity.trusted_header", "whoever can send from an address of `peers` can be anybody", |settings| {
        settings.proxy.authenticator.header().is_some()
    }),
    (
        "answers.reason",
        "callers are told why they are refused, and can learn from it who may do what",
        |settings| settings.proxy.show_reason,
    ),
    (
        "forward.authorization",
        "the app gets the tokens of its users, and could use them elsewhere",
        |settings| settings.proxy.forward.authorization,
    ),
    (
        "upstream.address",
        "the app is not on loopback, so others may reach it without asking here",
        |settings| match &settings.proxy.upstream.address {
            Address::Socket(address) => !address.ip().to_canonical().is_loopback(),
            Address::Name(name, _) => !name.eq_ignore_ascii_case("localhost"),
        },
    ),
    (
        "admin.listen",
        "whoever gets hold of the token is told about people and roles over the network",
        |settings| {
            let access = settings.admin.as_ref().map(|admin| &admin.access);
            matches!(access, Some(Access::Token { .. }))
        },
    ),
];

/// Those in force.
pub(super) fn in_force(settings: &Settings) -> Vec<UnsafeSetting> {
    let rows = ROWS.iter().filter(|(_, _, holds)| holds(settings));
    rows.map(|(setting, why, _)| UnsafeSetting { setting, why }).collect()
}

#[cfg(test)]
mod tests {
    use crate::policy::Source;
    use crate::settings::read;

    fn told(text: &str) -> Vec<&'static str> {
        let source = Source { name: "hallpass.yaml".into(), bytes: text.as_bytes().to_vec() };
        let settings = read(&source, std::path::Path::new("/")).0.unwrap();
        settings.unsafe_settings().iter().map(|one| one.setting).collect()
    }

    const LEAST: &str = "listen: 127.0.0.1:0\nbundle: policy\n";
    const LOCAL: &str = "upstream: {address: '127.0.0.1:9000'}\n";
    const HEADER: &str = "identity: {trusted_header: {name: X-User, issuer: gateway, peers: [10.1.2.3]}}\n";

    #[test]
    fn tells_each_unsafe_setting_and_no_other() {
        assert_eq!(told(&format!("{LEAST}{LOCAL}")), ["identity"]);
        assert_eq!(
            told(&format!(
                "{LEAST}{LOCAL}{HEADER}health: {{listen: '0.0.0.0:8081'}}\nadmin: {{socket: s}}\n"
            )),
            ["identity.trusted_header"]
        );
        assert_eq!(
            told(&format!(
                "{LEAST}upstream: {{address: 'app.internal:80'}}\n{HEADER}answers: {{reason: true}}\n\
                 forward: {{authorization: true}}\n"
            )),
            ["identity.trusted_header", "answers.reason", "forward.authorization", "upstream.address"]
        );
    }
}
