//! What operators reach: `health` and `admin`.

use super::values;
use crate::admin::{self, Access, Token};
use crate::health;
use crate::policy::source::{Diags, Fields, Node};
use http::uri::PathAndQuery;
use std::path::Path;

const HEALTH: &[&str] = &["listen", "upstream_path"];
const ADMIN: &[&str] = &["socket", "listen", "token_file"];

/// `health: {listen: 0.0.0.0:8081, upstream_path: /healthz}`.
pub(super) fn health(node: &Node, diags: &mut Diags) -> Option<health::Config> {
    let fields = Fields::of(node, "the health listener", HEALTH, diags)?;
    let listen = fields.need("listen", diags).and_then(|node| values::listen(node, diags));
    let upstream_path = match fields.get("upstream_path") {
        Some(node) => Some(path(node, diags)?),
        None => None,
    };
    Some(health::Config { listen: listen?, upstream_path })
}

/// A path of the app as it goes on the wire.
fn path(node: &Node, diags: &mut Diags) -> Option<PathAndQuery> {
    let text = values::text(node, "the path", diags)?;
    let parsed = PathAndQuery::try_from(text).ok();
    // `http` takes other forms too, and cuts a fragment off without a word (T1).
    let path = parsed.filter(|path| text.starts_with('/') && path.as_str() == text);
    if path.is_none() {
        diags
            .error(node.span, "bad_path", format!("`{text}` is not a path of the app"))
            .help("write it as it goes on the wire, such as `/healthz`");
    }
    path
}

/// `admin: {socket: admin.sock}`, or `admin: {listen: 127.0.0.1:8082, token_file: admin.token}`.
pub(super) fn admin(node: &Node, directory: &Path, diags: &mut Diags) -> Option<admin::Config> {
    let fields = Fields::of(node, "the admin listener", ADMIN, diags)?;
    let access = match (fields.get("socket"), fields.get("listen"), fields.get("token_file")) {
        (Some(socket), None, None) => {
            Access::Socket(directory.join(values::text(socket, "the socket", diags)?))
        }
        (None, Some(listen), Some(file)) => {
            let listen = values::listen(listen, diags);
            let token = token(file, directory, diags);
            Access::Token { listen: listen?, token: token? }
        }
        (None, Some(listen), None) => {
            diags
                .error(listen.span, "missing_key", "an admin listener on an address needs a `token_file`")
                .help("on loopback too, because the app shares it; or use `socket` instead");
            return None;
        }
        _ => {
            diags
                .error(node.span, "bad_admin", "an admin listener has one place")
                .help("write `socket`, or `listen` and `token_file`");
            return None;
        }
    };
    Some(admin::Config { access })
}

fn token(node: &Node, directory: &Path, diags: &mut Diags) -> Option<Token> {
    let path = directory.join(values::text(node, "the file of the token", diags)?);
    let bytes = values::bytes_of(&path, super::read_secret, node, diags)?;
    Token::read(&bytes)
        .map_err(|error| {
            diags
                .error(node.span, "bad_token", format!("`{}` holds no token: {error}", path.display()))
                .help("make one with `openssl rand -hex 32`");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Source;
    use crate::settings::{Settings, read};
    use std::os::unix::fs::PermissionsExt;

    fn read_text(text: &str) -> (Option<Settings>, Vec<String>) {
        let least = "listen: 127.0.0.1:0\nupstream: {address: '127.0.0.1:9000'}\nbundle: policy\n";
        let source = Source { name: "hallpass.yaml".into(), bytes: format!("{least}{text}\n").into_bytes() };
        let (settings, diagnostics) = read(&source, &std::env::temp_dir());
        let found = diagnostics.iter().filter(|one| one.code != "no_identity");
        (settings, found.map(|one| format!("{}: {}", one.code, one.message)).collect())
    }

    #[test]
    fn reads_health_and_admin() {
        let (settings, found) = read_text(
            "health: {listen: '0.0.0.0:8081', upstream_path: /healthz?deep=1}\nadmin: {socket: run/a.sock}",
        );
        assert_eq!(found, Vec::<String>::new());
        let settings = settings.unwrap();
        let health = settings.health.unwrap();
        assert_eq!(health.listen.to_string(), "0.0.0.0:8081");
        assert_eq!(health.upstream_path.unwrap().as_str(), "/healthz?deep=1");
        let Access::Socket(path) = settings.admin.unwrap().access else { panic!("not a socket") };
        assert_eq!(path, std::env::temp_dir().join("run/a.sock"));
        let (settings, _) = read_text("");
        assert!(settings.is_some_and(|settings| settings.health.is_none() && settings.admin.is_none()));
    }

    #[test]
    fn reads_a_token_from_its_file() {
        let name = format!("hallpass-token-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        std::fs::write(&path, "short\n").unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o602);
        let text = format!("admin: {{listen: '127.0.0.1:8082', token_file: {name}}}");
        let (settings, found) = read_text(&text);
        assert!(settings.is_none() && found[0].contains("has mode 602"), "{found:?}");
        mode(0o600);
        let (settings, found) = read_text(&text);
        assert!(settings.is_none() && found[0].starts_with("bad_token: "), "{found:?}");
        std::fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
        let (settings, found) = read_text(&text);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(found, Vec::<String>::new());
        assert!(matches!(settings.unwrap().admin.unwrap().access, Access::Token { .. }));
    }

    #[test]
    fn refuses_what_would_be_open_or_mean_two_things() {
        for (text, code) in [
            ("health: {upstream_path: /healthz}", "missing_key"),
            ("health: {listen: '0.0.0.0:8081', upstream_path: healthz}", "bad_path"),
            ("health: {listen: '0.0.0.0:8081', upstream_path: 'http://app/healthz'}", "bad_path"),
            ("health: {listen: '0.0.0.0:8081', upstream_path: '/a#b'}", "bad_path"),
            ("health: {listen: '0.0.0.0:8081', upstream_path: '/a b'}", "bad_path"),
            ("health: {listen: '0.0.0.0:8081', path: /}", "unknown_key"),
            ("admin: {listen: '127.0.0.1:8082'}", "missing_key"),
            ("admin: {listen: '127.0.0.1:8082', token_file: nowhere}", "unreadable"),
            ("admin: {token_file: nowhere}", "bad_admin"),
            ("admin: {socket: a, token_file: nowhere}", "bad_admin"),
            ("admin: {socket: a, listen: '127.0.0.1:8082', token_file: nowhere}", "bad_admin"),
            ("admin: {socket: ''}", "empty"),
            ("admin: {}", "bad_admin"),
        ] {
            let (settings, found) = read_text(text);
            assert!(settings.is_none(), "{text}");
            assert!(found.iter().any(|found| found.starts_with(code)), "{text}: {found:?}");
        }
    }
}
