//! Places that get in each other's way: each of them is good by itself, and together they keep the process from starting,
//! now or, what is worse, the next time.

use super::Settings;
use crate::admin::Access;
use crate::policy::source::{Diags, Fields};
use crate::proxy::Address;
use crate::telemetry::LogTo;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Reports all of them.
pub(super) fn check(settings: &Settings, fields: &Fields<'_>, diags: &mut Diags) {
    let bundle = &settings.proxy.bundle;
    for (key, what, path) in written(settings) {
        if is_inside(path, bundle) {
            let (path, bundle) = (path.display(), bundle.display());
            diags
                .error(fields.key_span(key), "bad_path", format!("{what} `{path}` lies in the bundle `{bundle}`"))
                .help("what lies there is read as part of the policy, which then does not load; put it elsewhere");
        }
    }
    let mut taken = vec![("listen", settings.proxy.listen)];
    for (key, address) in listeners(settings) {
        if let Some((other, _)) = taken.iter().find(|(_, other)| is_one(address, *other)) {
            diags
                .error(
                    fields.key_span(key),
                    "bad_address",
                    format!("`{address}` is where `{other}` is already"),
                )
                .help("give each listener a port of its own");
        }
        taken.push((key, address));
    }
    if let Address::Socket(app) = settings.proxy.upstream.address
        && let Some((other, _)) = taken.iter().find(|(_, own)| is_one(app, *own))
    {
        diags
            .error(
                fields.key_span("upstream"),
                "bad_address",
                format!("`{app}` is hallpass itself (`{other}`)"),
            )
            .help("name the address of the app; bind the app to another port, on loopback");
    }
}

/// What is written while the process runs.
fn written(settings: &Settings) -> Vec<(&'static str, &'static str, &Path)> {
    let mut all: Vec<(_, _, &Path)> = Vec::new();
    if let LogTo::File { path, .. } = &settings.proxy.log.to {
        all.push(("log", "the decision log", path));
    }
    if let Some(Access::Socket(path)) = settings.admin.as_ref().map(|admin| &admin.access) {
        all.push(("admin", "the socket", path));
    }
    all
}

fn listeners(settings: &Settings) -> Vec<(&'static str, SocketAddr)> {
    let health = settings.health.as_ref().map(|health| ("health", health.listen));
    let admin = settings.admin.as_ref().and_then(|admin| match &admin.access {
        Access::Token { listen, .. } => Some(("admin", *listen)),
        Access::Socket(_) => None,
    });
    health.into_iter().chain(admin).collect()
}

/// Whether two addresses cannot be told apart by whoever connects. Port 0 is any free one.
fn is_one(one: SocketAddr, other: SocketAddr) -> bool {
    // All addresses of IPv6 are those of IPv4 too, on Linux.
    let covers = |wide: SocketAddr, narrow: SocketAddr| {
        wide.ip().is_unspecified() && (wide.is_ipv6() || narrow.ip().to_canonical().is_ipv4())
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip().to_canonical() == other.ip().to_canonical() || covers(one, other) || covers(other, one))
}

/// Whether `path` is read with the files of `directory`. Names that begin with a dot are not.
fn is_inside(path: &Path, directory: &Path) -> bool {
    let Some(parent) = path.parent() else { return false };
    let (parent, directory) = (resolved(parent), resolved(directory));
    let Ok(below) = parent.strip_prefix(directory) else { return false };
    let mut names = below.iter().chain(path.file_name());
    !names.any(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Without links, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::policy::Source;

    fn told(text: &str) -> Vec<String> {
        let source = Source { name: "hallpass.yaml".into(), bytes: text.as_bytes().to_vec() };
        let (settings, found) = crate::settings::read(&source, std::path::Path::new("/etc/hallpass"));
        let found: Vec<_> = found.into_iter().filter(|one| one.code != "no_identity").collect();
        assert_eq!(settings.is_some(), found.is_empty(), "{found:?}");
        found.iter().map(|one| format!("{}:{} {}", one.place.line, one.place.column, one.message)).collect()
    }

    fn with(more: &str) -> Vec<String> {
        told(&format!(
            "listen: '0.0.0.0:8080'\nbundle: policy\nupstream: {{address: '127.0.0.1:9000'}}\n{more}\n"
        ))
    }

    #[test]
    fn refuses_to_write_into_the_bundle_which_would_not_load_any_more() {
        assert_eq!(
            with("log: {to: {file: policy/decisions.log}}\nadmin: {socket: policy/sis/admin.sock}"),
            [
                "4:1 the decision log `/etc/hallpass/policy/decisions.log` lies in the bundle `/etc/hallpass/policy`",
                "5:1 the socket `/etc/hallpass/policy/sis/admin.sock` lies in the bundle `/etc/hallpass/policy`",
            ]
        );
        let fine = "log: {to: {file: policy/.decisions.log}}\nadmin: {socket: policy2/admin.sock}";
        assert_eq!(with(fine), Vec::<String>::new());
    }

    #[test]
    fn refuses_listeners_that_are_one() {
        let health = |address: &str| with(&format!("health: {{listen: '{address}'}}"));
        for address in ["0.0.0.0:8080", "127.0.0.1:8080", "[::]:8080", "[::ffff:127.0.0.1]:8080"] {
            assert_eq!(health(address).len(), 1, "{address}");
        }
        assert_eq!(health("127.0.0.1:8080"), ["4:1 `127.0.0.1:8080` is where `listen` is already"]);
        for address in ["0.0.0.0:8081", "[::1]:8080", "0.0.0.0:0"] {
            assert_eq!(health(address), Vec::<String>::new(), "{address}");
        }
    }

    #[test]
    fn refuses_an_app_that_is_hallpass_itself() {
        let app = |listen: &str, app: &str| {
            told(&format!("listen: '{listen}'\nbundle: policy\nupstream: {{address: '{app}'}}\n"))
        };
        assert_eq!(app("0.0.0.0:80", "127.0.0.1:80"), ["3:1 `127.0.0.1:80` is hallpass itself (`listen`)"]);
        assert_eq!(app("127.0.0.1:80", "127.0.0.1:81"), Vec::<String>::new());
        assert_eq!(app("127.0.0.1:80", "10.1.2.3:80"), Vec::<String>::new());
        let health = "health: {listen: '127.0.0.1:9000'}";
        assert_eq!(with(health), ["3:1 `127.0.0.1:9000` is hallpass itself (`health`)"]);
    }
}
