//! Settings that make the process less safe than it could be: allowed, and never silent. One row for each, told in one
//! line at the start and by `GET /status`.

use super::Settings;
use crate::admin::{Access, UnsafeSetting};
use crate::identity::{JwtIssuer, Peers, Remote};
use crate::proxy::Address;
use crate::telemetry::{LogTo, WhenFull};
use http::uri::Scheme;
use std::net::SocketAddr;
use std::time::Duration;

type Holds = fn(&Settings) -> bool;

/// How long a change may take from its file to its enforcement.
const CHANGE_MAX: Duration = Duration::from_secs(2);
/// How long something that is never quiet may put a look off: five times the wait for quiet.
const DEBOUNCE_MAX: Duration = Duration::from_millis(400);
/// How long a key that its issuer took back may be believed.
const REFRESH_MAX: Duration = Duration::from_secs(60 * 60);
/// By how much clocks may differ.
const LEEWAY_MAX: Duration = Duration::from_secs(60);
/// How long a client may take for what a browser sends at once.
const HEAD_MAX: Duration = Duration::from_secs(60);
/// How long a client or the app may do nothing in the middle of a request.
const BODY_MAX: Duration = Duration::from_secs(5 * 60);

/// Requests come without TLS from elsewhere.
const IN_THE_CLEAR: UnsafeSetting = UnsafeSetting {
    setting: "listen",
    why: "there is no TLS: whoever is on the way reads tokens and records and can change what is asked",
};

/// In the order of the configuration.
const ROWS: &[(&str, &str, Holds)] = &[
    (
        "(configuration file)",
        "group or others may write it, and with it everything that is configured",
        |settings| settings.writable,
    ),
    (IN_THE_CLEAR.setting, IN_THE_CLEAR.why, |settings| {
        settings.proxy.tls.is_none() && is_reachable(settings.proxy.listen)
    }),
    (
        "upstream.address",
        "the app is not on loopback, so others may reach it without asking here",
        |settings| !app_is_here(settings),
    ),
    (
        "upstream.tls",
        "the app is not on loopback and there is no TLS: whoever is on the way reads records and can make answers",
        |settings| !app_is_here(settings) && settings.proxy.upstream.tls.is_none(),
    ),
    (
        "reload",
        "a change, and be it a suspension, may take longer than 2 seconds to come into force",
        |settings| {
            let reload = &settings.proxy.reload;
            reload.poll > CHANGE_MAX || reload.debounce > DEBOUNCE_MAX
        },
    ),
    ("identity", "nobody can prove who they are, so only public routes are open", |settings| {
        let authenticator = &settings.proxy.authenticator;
        authenticator.issuers().is_empty() && authenticator.header().is_none()
    }),
    (
        "identity.jwt.keys.url",
        "keys come in the clear: whoever takes the place of the server at that address can be anybody",
        |settings| any_remote(settings, |remote| remote.url().scheme() == Some(&Scheme::HTTP)),
    ),
    (
        "identity.jwt.keys.refresh",
        "a key that its issuer takes back is believed for more than an hour",
        |settings| any_remote(settings, |remote| remote.refresh() > REFRESH_MAX),
    ),
    ("identity.jwt.leeway", "tokens hold for more than a minute longer than they say", |settings| {
        settings.proxy.authenticator.issuers().iter().any(|issuer| issuer.leeway() > LEEWAY_MAX)
    }),
    ("identity.trusted_header", "whoever can send from an address of `peers` can be anybody", |settings| {
        settings.proxy.authenticator.header().is_some()
    }),
    (
        "identity.trusted_header.peers",
        "a network of more than 256 addresses (of IPv6: more than a /64) is believed, all who are in it alike",
        |settings| any_peers(settings, Peers::has_wide_network),
    ),
    (
        "identity.trusted_header.peers",
        "loopback is believed: everything on this machine, in this pod, the app too, can be anybody",
        |settings| any_peers(settings, Peers::has_loopback),
    ),
    (
        "forward.authorization",
        "the app gets the tokens of its users, and could use them elsewhere",
        |settings| settings.proxy.forward.authorization,
    ),
    (
        "timeouts.head",
        "a client that sends a head slowly on purpose holds its place for more than a minute",
        |settings| settings.proxy.timeouts.head > HEAD_MAX,
    ),
    (
        "timeouts.body",
        "a client or the app that does nothing in the middle of a body holds a place for more than 5 minutes",
        |settings| settings.proxy.timeouts.body > BODY_MAX,
    ),
    (
        "answers.reason",
        "callers are told why they are refused, and can learn from it who may do what",
        |settings| settings.proxy.show_reason,
    ),
    ("log", "decisions are not logged: nobody can tell afterwards who saw what", |settings| {
        matches!(settings.proxy.log.to, LogTo::Off)
    }),
    ("log.writes", "what is changed while the log cannot be written is in no log", |settings| {
        let log = &settings.proxy.log;
        !matches!(log.to, LogTo::Off) && log.writes == WhenFull::DropAndCount
    }),
    (
        "admin.listen",
        "whoever gets hold of the token is told about people and roles over the network",
        |settings| admin_listens(settings).is_some(),
    ),
    (
        "admin.listen",
        "it is not on loopback, and the token and the answers cross the network in the clear",
        { |settings| admin_listens(settings) == Some(false) },
    ),
];

fn is_reachable(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// Puts right what `all` says of `listen`: a socket that a service manager passed may be at another address.
pub(super) fn listens(all: &mut Vec<UnsafeSetting>, at: SocketAddr, tls: bool) {
    all.retain(|one| *one != IN_THE_CLEAR);
    if !tls && is_reachable(at) {
        all.push(IN_THE_CLEAR);
    }
}

fn app_is_here(settings: &Settings) -> bool {
    match &settings.proxy.upstream.address {
        Address::Socket(address) => address.ip().to_canonical().is_loopback(),
        Address::Name(name, _) => name.eq_ignore_ascii_case("localhost"),
    }
}

fn any_remote(settings: &Settings, holds: fn(&Remote) -> bool) -> bool {
    let sources = settings.proxy.authenticator.issuers().iter().map(JwtIssuer::source);
    sources.into_iter().any(|source| source.remote().is_some_and(holds))
}

fn any_peers(settings: &Settings, holds: fn(&Peers) -> bool) -> bool {
    settings.proxy.authenticator.header().is_some_and(|header| holds(header.peers()))
}

/// Whether the admin listener on an address, if there is one, is on loopback.
fn admin_listens(settings: &Settings) -> Option<bool> {
    match settings.admin.as_ref().map(|admin| &admin.access) {
        Some(Access::Token { listen, .. }) => Some(listen.ip().to_canonical().is_loopback()),
        _ => None,
    }
}

/// Those in force.
pub(super) fn in_force(settings: &Settings) -> Vec<UnsafeSetting> {
    let rows = ROWS.iter().filter(|(_, _, holds)| holds(settings));
    rows.map(|(setting, why, _)| UnsafeSetting { setting, why }).collect()
}

#[cfg(test)]
mod tests {
    use crate::policy::Source;
    use crate::settings::read;
    use std::os::unix::fs::PermissionsExt;

    fn told(text: &str) -> Vec<&'static str> {
        let source = Source { name: "hallpass.yaml".into(), bytes: text.as_bytes().to_vec() };
        let settings = read(&source, std::path::Path::new("/")).0.unwrap();
        settings.unsafe_settings().iter().map(|one| one.setting).collect()
    }

    const LEAST: &str = "listen: 127.0.0.1:0\nbundle: policy\n";
    const LOCAL: &str = "upstream: {address: '127.0.0.1:9000'}\n";

    const QUIET: &str = "identity: {trusted_header: {name: X-User, issuer: gateway, peers: [10.1.2.3]}}\n\
                          health: {listen: '0.0.0.0:8081'}\nadmin: {socket: s}\n";

    /// What a configuration with this in it is told, but for that nobody can sign in.
    fn beyond(text: &str) -> Vec<&'static str> {
        let mut told = told(&format!("{LEAST}{LOCAL}{text}\n"));
        told.retain(|one| *one != "identity");
        told
    }

    #[test]
    fn tells_each_unsafe_setting_and_no_other() {
        assert_eq!(told(&format!("{LEAST}{LOCAL}")), ["identity"]);
        assert_eq!(told(&format!("{LEAST}{LOCAL}{QUIET}")), ["identity.trusted_header"]);
        for (text, wanted) in [
            ("reload: {poll: 2s, debounce: 400ms}", &[][..]),
            ("reload: {poll: 3s}", &["reload"]),
            ("reload: {debounce: 500ms}", &["reload"]),
            ("forward: {authorization: true}", &["forward.authorization"]),
            ("timeouts: {head: 60s, body: 5m, idle: 24h, upstream: 24h}", &[]),
            ("timeouts: {head: 61s, body: 6m}", &["timeouts.head", "timeouts.body"]),
            ("answers: {reason: true}", &["answers.reason"]),
            ("log: off", &["log"]),
            ("log: {to: off, writes: drop-and-count}", &["log"]),
            ("log: {writes: drop-and-count}", &["log.writes"]),
            ("log: {reads: refuse-if-not-logged}", &[]),
        ] {
            assert_eq!(beyond(text), wanted, "{text}");
        }
    }

    #[test]
    fn tells_of_what_is_on_the_network_without_tls() {
        let least = |listen: &str, upstream: &str| {
            told(&format!("listen: '{listen}'\nbundle: policy\nupstream: {{address: '{upstream}'}}\n{QUIET}"))
        };
        let known = "identity.trusted_header";
        assert_eq!(least("[::1]:80", "localhost:9000"), [known]);
        assert_eq!(least("0.0.0.0:80", "127.0.0.1:9000"), ["listen", known]);
        assert_eq!(least("127.0.0.1:80", "app.internal:80"), ["upstream.address", "upstream.tls", known]);
    }

    #[test]
    fn tells_of_the_address_of_a_socket_that_was_passed_and_not_of_the_one_that_is_configured() {
        let mut all = Vec::new();
        super::listens(&mut all, "[::]:8080".parse().unwrap(), true);
        assert_eq!(all, []);
        super::listens(&mut all, "[::]:8080".parse().unwrap(), false);
        assert_eq!(all, [super::IN_THE_CLEAR]);
        super::listens(&mut all, "127.0.0.1:8080".parse().unwrap(), false);
        assert_eq!(all, []);
    }

    #[test]
    fn tells_of_issuers_and_peers_that_are_easily_taken_for() {
        let jwt = |keys: &str, leeway: &str| {
            let identity = format!(
                "identity: {{jwt: [{{issuer: i, audience: a, algorithms: [ES256], leeway: {leeway}, keys: {keys}}}]}}\n"
            );
            told(&format!("{LEAST}{LOCAL}{identity}"))
        };
        let (url, refresh, leeway) =
            ("identity.jwt.keys.url", "identity.jwt.keys.refresh", "identity.jwt.leeway");
        assert_eq!(jwt("{url: 'http://127.0.0.1:1/k', refresh: 1h}", "60s"), [url]);
        assert_eq!(jwt("{url: 'http://127.0.0.1:1/k', refresh: 2h}", "61s"), [url, refresh, leeway]);
        let header = |peers: &str| {
            let identity =
                format!("identity: {{trusted_header: {{name: X-U, issuer: g, peers: [{peers}]}}}}\n");
            told(&format!("{LEAST}{LOCAL}{identity}")).len()
        };
        // The header itself, and its peers once for each thing that is wrong with them.
        assert_eq!((header("10.1.2.0/24"), header("10.1.0.0/16"), header("127.0.0.1")), (1, 2, 2));
        assert_eq!(header("'::/16'"), 3);
    }

    #[test]
    fn tells_of_an_admin_listener_that_others_can_reach() {
        let name = format!("hallpass-dangers-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        std::fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let admin = |listen: &str| {
            let admin = format!("admin: {{listen: '{listen}', token_file: {}}}", path.display());
            beyond(&admin).len()
        };
        let counts = (admin("127.0.0.1:8082"), admin("[::]:8082"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(counts, (1, 2));
    }

    /// Whoever adds a setting thinks about what it can do.
    #[test]
    fn every_section_of_the_configuration_was_thought_of() {
        const HARMLESS: &[(&str, &str)] = &[
            ("tls", "without it, `listen` tells"),
            ("bundle", "what is in it, `check` tells"),
            ("suspended", "without it, the bundle says who is suspended"),
            ("shutdown", "costs answers at the end, and gives nobody anything"),
            ("limits", "bounded by themselves"),
            ("cache", "what is remembered changes no answer"),
            ("workers", "how many, not what"),
            ("health", "names no person, role or file"),
        ];
        let told: Vec<&str> = super::ROWS.iter().map(|(name, ..)| name.split('.').next().unwrap()).collect();
        for key in crate::settings::file::KEYS {
            let harmless = HARMLESS.iter().any(|(name, _)| name == key);
            assert!(told.contains(key) != harmless, "`{key}` is in neither list, or in both");
        }
    }
}
