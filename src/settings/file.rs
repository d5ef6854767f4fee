//! The configuration file, key by key.

use super::keys::Keys;
use super::{Diagnostic, Settings, Source};
use super::{cores, operators, places, values};
use crate::identity::{Algorithm, Authenticator, ConfigError, JwtIssuer, JwtSettings, Peers, TrustedHeader};
use crate::pdp::Remember;
use crate::policy::source::{Diags, Fields, Key, Node, Span, Value, choose, read_document};
use crate::proxy::{Cache, Config, Fact, Forward, KeyFile, Limits, Shutdown, Timeouts, Upstream};
use crate::reload;
use crate::telemetry::LogSettings;
use http::HeaderName;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) const KEYS: &[&str] = &[
    "listen",
    "tls",
    "upstream",
    "bundle",
    "suspended",
    "reload",
    "identity",
    "forward",
    "timeouts",
    "shutdown",
    "limits",
    "cache",
    "answers",
    "log",
    "workers",
    "health",
    "admin",
];
const BUNDLE: &[&str] = &["path", "rosters"];
const UPSTREAM: &[&str] = &["address", "tls", "connections_max", "idle_max", "idle"];
const IDENTITY: &[&str] = &["jwt", "trusted_header"];
const JWT: &[&str] = &["issuer", "audience", "algorithms", "keys", "leeway"];
const TRUSTED_HEADER: &[&str] = &["name", "issuer", "peers"];
const FORWARD: &[&str] = &["headers", "authorization"];
const TIMEOUTS: &[&str] = &["head", "idle", "connect", "upstream", "body"];
const SHUTDOWN: &[&str] = &["wait", "drain"];
const LIMITS: &[&str] = &["connections", "head_bytes", "headers"];
const RELOAD: &[&str] = &["poll", "debounce"];
const CACHE: &[&str] = &["tokens", "decisions"];
const REMEMBER: &[(&str, Remember)] =
    &[("off", Remember::Off), ("costly", Remember::Costly), ("all", Remember::All)];
const ANSWERS: &[&str] = &["reason"];
const FACTS: &[(&str, Fact)] = &[("id", Fact::Id), ("kinds", Fact::Kinds), ("issuer", Fact::Issuer)];
const ALGORITHMS: &[(&str, Algorithm)] =
    &[("RS256", Algorithm::Rs256), ("ES256", Algorithm::Es256), ("EdDSA", Algorithm::EdDsa)];

pub(super) fn read(source: &Source, directory: &Path) -> (Option<Settings>, Vec<Diagnostic>) {
    let mut reader =
        Reader { diags: Diags::new(std::slice::from_ref(source)), directory, key_files: Vec::new() };
    let settings = read_document(source, 0, &mut reader.diags).and_then(|node| reader.settings(&node));
    let settings = settings.filter(|_| !reader.diags.has_errors());
    (settings, reader.diags.into_sorted())
}

pub(super) struct Reader<'a> {
    pub(super) diags: Diags,
    /// What paths are relative to.
    pub(super) directory: &'a Path,
    /// The files of keys, to be looked after.
    pub(super) key_files: Vec<KeyFile>,
}

impl Reader<'_> {
    fn settings(&mut self, node: &Node) -> Option<Settings> {
        let fields = Fields::of(node, "a configuration", KEYS, &mut self.diags)?;
        let proxy = self.proxy(&fields);
        let health = fields.get("health").map(|node| operators::health(node, &mut self.diags));
        let admin = fields.get("admin").map(|node| operators::admin(node, self.directory, &mut self.diags));
        let settings = Settings {
            proxy: proxy?,
            health: health.unwrap_or_default(),
            admin: admin.unwrap_or_default(),
            writable: false,
        };
        places::check(&settings, &fields, &mut self.diags);
        Some(settings)
    }

    fn proxy(&mut self, fields: &Fields<'_>) -> Option<Config> {
        // Each part is read whatever became of the one before, so that every mistake is found at once.
        let listen = self.listen(fields);
        let tls = optional(fields, "tls", None, |node| self.tls(node).map(Some));
        let upstream = fields.need("upstream", &mut self.diags).and_then(|node| self.upstream(node));
        let bundle = fields.need("bundle", &mut self.diags).and_then(|node| self.bundle(node));
        let suspended = optional(fields, "suspended", None, |node| {
            self.path(node, "the file that says who is suspended").map(Some)
        });
        let reload = fields.get("reload").map_or(Some(reload::Settings::default()), |node| self.reload(node));
        let authenticator = self.identity(fields);
        let forward = fields.get("forward").map_or(Some(Forward::default()), |node| self.forward(node));
        let timeouts = fields.get("timeouts").map_or(Some(Timeouts::default()), |node| self.timeouts(node));
        let shutdown = fields.get("shutdown").map_or(Some(Shutdown::default()), |node| self.shutdown(node));
        let limits = fields.get("limits").map_or(Some(Limits::default()), |node| self.limits(node));
        let cache = fields.get("cache").map_or(Some(Cache::default()), |node| self.cache(node));
        let show_reason = fields.get("answers").map_or(Some(false), |node| self.answers(node));
        let log = fields.get("log").map_or_else(|| Some(LogSettings::default()), |node| self.log(node));
        let workers = match fields.get("workers") {
            Some(node) => values::number(node, "the number of workers", 1..=1024, &mut self.diags),
            None => Some(cores::cores()),
        };
        Some(Config {
            listen: listen?,
            tls: tls?,
            upstream: upstream?,
            rosters: bundle.as_ref().map(|(_, rosters)| rosters.clone())?,
            bundle: bundle?.0,
            suspended: suspended?,
            reload: reload?,
            authenticator: authenticator?,
            key_files: std::mem::take(&mut self.key_files),
            forward: forward?,
            timeouts: timeouts?,
            shutdown: shutdown?,
            limits: limits?,
            cache: cache?,
            show_reason: show_reason?,
            log: log?,
            workers: workers?,
        })
    }

    fn listen(&mut self, fields: &Fields<'_>) -> Option<SocketAddr> {
        let node = fields.need("listen", &mut self.diags)?;
        values::listen(node, &mut self.diags)
    }

    pub(super) fn path(&mut self, node: &Node, what: &str) -> Option<PathBuf> {
        values::text(node, what, &mut self.diags).map(|path| self.directory.join(path))
    }

    /// The directory of the bundle, or `{path: policy, rosters: {sis: /srv/sis.zip}}`.
    fn bundle(&mut self, node: &Node) -> Option<(PathBuf, Vec<(String, PathBuf)>)> {
        if !matches!(node.value, Value::Map(_)) {
            return Some((self.path(node, "the bundle directory")?, Vec::new()));
        }
        let fields = Fields::of(node, "a bundle", BUNDLE, &mut self.diags)?;
        let path =
            fields.need("path", &mut self.diags).and_then(|node| self.path(node, "the bundle directory"));
        let rosters = optional(&fields, "rosters", Vec::new(), |node| {
            let map = node.as_map("rosters by name", &mut self.diags)?;
            let read = |(key, node): &(Key, Node)| {
                Some((key.text.clone(), self.path(node, "the folder or zip file of a roster")?))
            };
            map.iter().map(read).collect()
        });
        Some((path?, rosters?))
    }

    fn upstream(&mut self, node: &Node) -> Option<Upstream> {
        let fields = Fields::of(node, "an upstream", UPSTREAM, &mut self.diags)?;
        let address =
            fields.need("address", &mut self.diags).and_then(|node| values::upstream(node, &mut self.diags));
        let tls = optional(&fields, "tls", None, |node| self.upstream_tls(node, address.as_ref()).map(Some));
        let diags = &mut self.diags;
        let connections_max = optional(&fields, "connections_max", 256, |node| {
            values::number(node, "`connections_max`", 1..=65_536, diags)
        });
        let idle_max =
            optional(&fields, "idle_max", 64, |node| values::number(node, "`idle_max`", 0..=65_536, diags));
        let idle =
            optional(&fields, "idle", Duration::from_secs(30), |node| values::duration(node, false, diags));
        Some(Upstream {
            address: address?,
            tls: tls?,
            connections_max: connections_max?,
            idle_max: idle_max?,
            idle: idle?,
        })
    }

    fn identity(&mut self, fields: &Fields<'_>) -> Option<Authenticator> {
        let errors = self.diags.error_count();
        let mut issuers = Vec::new();
        let mut header = None;
        if let Some(node) = fields.get("identity") {
            let identity =
                Fields::of(node, "a list of ways to prove an identity", IDENTITY, &mut self.diags)?;
            if let Some(list) = identity.get("jwt") {
                let list = list.as_list("a list of issuers", &mut self.diags)?;
                issuers = list.iter().filter_map(|node| self.jwt(node)).collect();
            }
            header = identity.get("trusted_header").and_then(|node| self.trusted_header(node));
        }
        if self.diags.error_count() > errors {
            return None;
        }
        if issuers.is_empty() && header.is_none() {
            self.diags
                .warning(fields.key_span("identity"), "no_identity", "nobody can prove an identity")
                .help("every request to a route that is not public will be refused; add `identity`");
        }
        let span = fields.key_span("identity");
        Authenticator::new(issuers, header).map_err(|error| self.refuse(span, error)).ok()
    }

    fn jwt(&mut self, node: &Node) -> Option<JwtIssuer> {
        let diags = &mut self.diags;
        let fields = Fields::of(node, "an issuer of tokens", JWT, diags)?;
        let issuer = fields.need("issuer", diags).and_then(|node| values::text(node, "the issuer", diags));
        let audience =
            fields.need("audience", diags).and_then(|node| values::text(node, "the audience", diags));
        let algorithms = fields.need("algorithms", diags).and_then(|node| {
            let list = node.as_list("a list of algorithms", diags)?;
            // All of them, so that every mistake is found at once.
            let read: Vec<_> =
                list.iter().map(|node| choose(node, "an algorithm", ALGORITHMS, diags)).collect();
            read.into_iter().collect::<Option<Vec<_>>>()
        });
        let leeway = optional(&fields, "leeway", Duration::ZERO, |node| values::duration(node, true, diags));
        let keys = fields.need("keys", diags).and_then(|node| self.keys(node));
        let settings = JwtSettings {
            issuer: issuer?.to_owned(),
            audience: audience?.to_owned(),
            algorithms: algorithms?,
            leeway: leeway?,
        };
        let issuer = match keys? {
            Keys::File(set, path) => {
                self.key_files.push(KeyFile { issuer: settings.issuer.clone(), path });
                JwtIssuer::new(settings, set)
            }
            Keys::Url(remote) => JwtIssuer::fetched(settings, *remote),
        };
        issuer.map_err(|error| self.refuse(node.span, error)).ok()
    }

    fn trusted_header(&mut self, node: &Node) -> Option<TrustedHeader> {
        let diags = &mut self.diags;
        let fields = Fields::of(node, "a trusted header", TRUSTED_HEADER, diags)?;
        let name = fields.need("name", diags).and_then(|node| {
            let name = node.as_text("a header name", diags)?;
            values::header_name(name, node.span, diags)
        });
        let issuer = fields.need("issuer", diags).and_then(|node| values::text(node, "the issuer", diags));
        let peers = fields.need("peers", diags).and_then(|node| self.peers(node));
        // The name is judged whatever became of the peers.
        let known = peers.is_some();
        let header = TrustedHeader::new(name?, issuer?, peers.unwrap_or_default());
        header.map_err(|error| self.refuse(node.span, error)).ok().filter(|_| known)
    }

    fn peers(&mut self, node: &Node) -> Option<Peers> {
        let list = node.as_list("a list of addresses", &mut self.diags)?;
        let mut entries = Vec::new();
        let errors = self.diags.error_count();
        for node in list {
            let Some(entry) = values::text(node, "an address", &mut self.diags) else { continue };
            // One at a time first, so that each mistake is shown where it stands.
            if let Err(error) = Peers::parse(&[entry]) {
                self.refuse(node.span, error);
            }
            entries.push(entry);
        }
        if self.diags.error_count() > errors {
            return None;
        }
        if entries.is_empty() {
            self.diags
                .error(node.span, "empty", "the list of peers is empty, so nobody is believed")
                .help("list the addresses of the gateway");
            return None;
        }
        Peers::parse(&entries).map_err(|error| self.refuse(node.span, error)).ok()
    }

    fn forward(&mut self, node: &Node) -> Option<Forward> {
        let fields = Fields::of(node, "what is forwarded", FORWARD, &mut self.diags)?;
        let headers = optional(&fields, "headers", Vec::new(), |node| self.told_headers(node));
        let authorization =
            optional(&fields, "authorization", false, |node| node.as_bool("true or false", &mut self.diags));
        Some(Forward { headers: headers?, authorization: authorization? })
    }

    fn told_headers(&mut self, node: &Node) -> Option<Vec<(HeaderName, Fact)>> {
        let mut headers: Vec<(HeaderName, Fact)> = Vec::new();
        for (key, node) in node.as_map("header names", &mut self.diags)? {
            let name = values::told_header(&key.text, key.span, &mut self.diags);
            let fact = choose(node, "what to say of the subject", FACTS, &mut self.diags);
            let (Some(name), Some(fact)) = (name, fact) else { continue };
            if headers.iter().any(|(other, _)| *other == name) {
                self.diags
                    .error(key.span, "duplicate_key", format!("the header `{}` is there already", key.text))
                    .help("take one of the two out; upper and lower case are the same here");
            }
            headers.push((name, fact));
        }
        Some(headers)
    }

    fn timeouts(&mut self, node: &Node) -> Option<Timeouts> {
        let diags = &mut self.diags;
        let fields = Fields::of(node, "timeouts", TIMEOUTS, diags)?;
        let default = Timeouts::default();
        let mut read =
            |name, default| optional(&fields, name, default, |node| values::duration(node, false, diags));
        let head = read("head", default.head);
        let idle = read("idle", default.idle);
        let connect = read("connect", default.connect);
        let upstream = read("upstream", default.upstream);
        let body = read("body", default.body);
        Some(Timeouts { head: head?, idle: idle?, connect: connect?, upstream: upstream?, body: body? })
    }

    fn shutdown(&mut self, node: &Node) -> Option<Shutdown> {
        let diags = &mut self.diags;
        let fields = Fields::of(node, "how to stop", SHUTDOWN, diags)?;
        let default = Shutdown::default();
        // Not to wait for anybody is one way to stop.
        let mut read =
            |name, default| optional(&fields, name, default, |node| values::duration(node, true, diags));
        let (wait, drain) = (read("wait", default.wait), read("drain", default.drain));
        Some(Shutdown { wait: wait?, drain: drain? })
    }

    fn reload(&mut self, node: &Node) -> Option<reload::Settings> {
        let diags = &mut self.diags;
        let fields = Fields::of(node, "when files are read again", RELOAD, diags)?;
        let default = reload::Settings::default();
        let mut read =
            |name, default| optional(&fields, name, default, |node| values::duration(node, false, diags));
        let poll = read("poll", default.poll);
        let debounce = read("debounce", default.debounce);
        Some(reload::Settings { poll: poll?, debounce: debounce? })
    }

    fn limits(&mut self, node: &Node) -> Option<Limits> {
        let diags = &mut self.diags;
        let fields = Fields::of(node, "limits", LIMITS, diags)?;
        let default = Limits::default();
        let mut read = |name, what, default, range| {
            optional(&fields, name, default, |node| values::number(node, what, range, diags))
        };
        let connections = read("connections", "`connections`", default.connections, 1..=1_000_000);
        let head_bytes = read("head_bytes", "`head_bytes`", default.head_bytes, 1024..=1_048_576);
        let headers = read("headers", "`headers`", default.headers, 8..=1000);
        Some(Limits { connections: connections?, head_bytes: head_bytes?, headers: headers? })
    }

    fn cache(&mut self, node: &Node) -> Option<Cache> {
        let diags = &mut self.diags;
        let fields = Fields::of(node, "what is remembered", CACHE, diags)?;
        let default = Cache::default();
        let tokens = optional(&fields, "tokens", default.tokens, |node| {
            values::number(node, "`tokens`", 0..=10_000_000, diags)
        });
        let decisions = optional(&fields, "decisions", default.decisions, |node| {
            choose(node, "which decisions are remembered", REMEMBER, diags)
        });
        Some(Cache { tokens: tokens?, decisions: decisions? })
    }

    fn answers(&mut self, node: &Node) -> Option<bool> {
        let fields = Fields::of(node, "what is answered", ANSWERS, &mut self.diags)?;
        optional(&fields, "reason", false, |node| node.as_bool("true or false", &mut self.diags))
    }

    pub(super) fn refuse(&mut self, span: Span, error: ConfigError) {
        self.diags.error(span, "bad_identity", error.message).maybe_help(error.help);
    }
}

/// What stands at a key, or `default` where the key is not there; a key with nothing at it is not "not there".
pub(super) fn optional<'a, T>(
    fields: &Fields<'a>,
    name: &str,
    default: T,
    read: impl FnOnce(&'a Node) -> Option<T>,
) -> Option<T> {
    match fields.get(name) {
        Some(Node { value: Value::Broken, .. }) => None,
        Some(node) => read(node),
        None => Some(default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Address;

    fn read_text(text: &str) -> (Option<Config>, Vec<String>) {
        let source = Source { name: "hallpass.yaml".into(), bytes: text.as_bytes().to_vec() };
        let (settings, diagnostics) = read(&source, Path::new("/etc/hallpass"));
        let line = |d: &Diagnostic| format!("{}:{} {}: {}", d.place.line, d.place.column, d.code, d.message);
        (settings.map(|settings| settings.proxy), diagnostics.iter().map(line).collect())
    }

    const LEAST: &str = "listen: 127.0.0.1:0\nupstream: {address: '127.0.0.1:9000'}\nbundle: policy\n";
    const HEADER: &str =
        "identity: {trusted_header: {name: X-Remote-User, issuer: gateway, peers: [10.1.2.3]}}\n";

    #[test]
    fn reads_the_least_with_defaults_and_warns_that_nobody_can_sign_in() {
        let (config, found) = read_text(LEAST);
        let config = config.unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:0");
        assert_eq!(config.bundle, Path::new("/etc/hallpass/policy"));
        assert_eq!(config.upstream.connections_max, 256);
        assert_eq!(config.timeouts.head, Duration::from_secs(10));
        assert_eq!(config.limits.head_bytes, 65_536);
        assert!(config.workers >= 1 && !config.show_reason && config.suspended.is_none());
        assert_eq!((config.reload.poll.as_secs(), config.reload.debounce.as_millis()), (2, 100));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("no_identity"), "{found:?}");
    }

    #[test]
    fn reads_everything() {
        let (config, found) = read_text(&format!(
            "listen: '[::1]:8080'\n\
             upstream: {{address: 'app.internal:80', connections_max: 8, idle_max: 0, idle: 5s}}\n\
             bundle: /srv/policy\n\
             {HEADER}\
             forward: {{headers: {{X-School-User: id, X-School-Kinds: kinds, X-Idp: issuer}}, authorization: true}}\n\
             timeouts: {{head: 1s, idle: 2m, connect: 250ms, upstream: 1h, body: 3s}}\n\
             shutdown: {{wait: 0s, drain: 1m}}\n\
             limits: {{connections: 10, head_bytes: 8192, headers: 50}}\n\
             suspended: suspended.yaml\n\
             reload: {{poll: 1s, debounce: 50ms}}\n\
             cache: {{tokens: 500, decisions: costly}}\n\
             answers: {{reason: true}}\n\
             workers: 3\n"
        ));
        assert_eq!(found, Vec::<String>::new());
        let config = config.unwrap();
        assert_eq!(config.upstream.address, Address::Name("app.internal".into(), 80));
        assert_eq!(config.bundle, Path::new("/srv/policy"));
        assert_eq!(config.forward.headers.len(), 3);
        assert!(config.forward.authorization && config.show_reason);
        assert_eq!(config.timeouts.idle, Duration::from_secs(120));
        assert_eq!(config.timeouts.connect, Duration::from_millis(250));
        assert_eq!((config.shutdown.wait, config.shutdown.drain), (Duration::ZERO, Duration::from_secs(60)));
        assert_eq!((config.limits.connections, config.limits.headers, config.workers), (10, 50, 3));
        assert_eq!(config.suspended.unwrap(), Path::new("/etc/hallpass/suspended.yaml"));
        assert_eq!((config.reload.poll, config.reload.debounce.as_millis()), (Duration::from_secs(1), 50));
        assert_eq!((config.cache.tokens, config.cache.decisions), (500, Remember::Costly));
        assert_eq!(config.authenticator.header().unwrap().name(), "x-remote-user");
    }

    #[test]
    fn reads_where_rosters_lie_that_are_not_beside_the_bundle() {
        let text = LEAST.replace("policy", "{path: policy, rosters: {sis: sis.zip, other: /srv/other}}");
        let (config, _) = read_text(&text);
        let config = config.unwrap();
        assert_eq!(config.bundle, Path::new("/etc/hallpass/policy"));
        let wanted = [("sis", "/etc/hallpass/sis.zip"), ("other", "/srv/other")];
        assert_eq!(config.rosters, wanted.map(|(name, path)| (name.to_owned(), PathBuf::from(path))));
        for bundle in
            ["{rosters: {}}", "{path: policy, roster: {}}", "{path: policy, rosters: [sis]}", "[policy]"]
        {
            assert!(read_text(&LEAST.replace("policy", bundle)).0.is_none(), "{bundle}");
        }
    }

    #[test]
    fn reports_every_mistake_at_once_with_its_place() {
        let (config, found) = read_text(
            "listen: localhost\n\
             upstream: {adress: 'http://app'}\n\
             identity: {trusted_header: {name: X Remote, issuer: gateway, peers: [0.0.0.0/0]}}\n\
             timeouts: {head: 10, idle: 0s, body: 25h}\n\
             limits: {connections: 0}\n\
             workers: many\n",
        );
        assert!(config.is_none());
        let places: Vec<&str> = found.iter().map(|found| found.split(": ").next().unwrap()).collect();
        let expected = [
            "1:1 missing_key",
            "1:9 bad_address",
            "2:1 missing_key",
            "2:12 unknown_key",
            "3:35 bad_header",
            "3:70 bad_identity",
            "4:18 bad_duration",
            "4:28 out_of_range",
            "4:38 out_of_range",
            "5:23 out_of_range",
            "6:10 wrong_type",
        ];
        let mut sorted = places.clone();
        sorted.sort_unstable();
        let mut wanted: Vec<&str> = expected.to_vec();
        wanted.sort_unstable();
        assert_eq!(sorted, wanted, "{found:#?}");
    }

    #[test]
    fn finds_every_mistake_of_a_list_and_of_what_belongs_together() {
        let (config, found) = read_text(&format!(
            "{LEAST}identity: {{jwt: [{{issuer: i, audience: a, algorithms: [HS256, none], keys: {{url: 'ftp://x', refresh: 0s}}}}], \
             trusted_header: {{name: Host, issuer: g, peers: [10.0.0.0/33, foo]}}}}\n\
             log: {{mask: [name, subject, mail], mask_key_file: nowhere}}\n"
        ));
        assert!(config.is_none());
        for mistake in
            ["`HS256`", "`none`", "`ftp", "`0s`", "host", "`10.0.0.0/33`", "`foo`", "`name`", "`mail`"]
        {
            let told = found.iter().filter(|told| told.contains(mistake)).count();
            assert_eq!(told, 1, "{mistake}: {found:#?}");
        }
    }

    #[test]
    fn refuses_headers_that_mean_something_else() {
        for name in
            ["Host", "connection", "Content-Type", "X-Forwarded-For", "X_School", "X.School", "Via", ""]
        {
            let (config, found) = read_text(&format!("{LEAST}forward: {{headers: {{'{name}': id}}}}\n"));
            assert!(config.is_none(), "{name}: {found:?}");
        }
        let (config, found) = read_text(&format!("{LEAST}forward: {{headers: {{X-A: id, x-a: kinds}}}}\n"));
        assert!(config.is_none(), "{found:?}");
    }

    #[test]
    fn refuses_addresses_that_are_none() {
        for address in [
            "http://app:80",
            "app",
            "app:",
            "app:0",
            "app:+80",
            "app:99999",
            "127.1:80",
            "a b:80",
            ":80",
            "[::1]",
        ] {
            let text = format!("listen: 127.0.0.1:0\nbundle: policy\nupstream: {{address: '{address}'}}\n");
            let (config, found) = read_text(&text);
            assert!(config.is_none(), "{address}: {found:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in ["10", "s", "1.5s", "-1s", "+1s", "1 s", "1S", "99999999999s", "1d", "''"] {
            let (config, found) = read_text(&format!("{LEAST}timeouts: {{head: {text}}}\n"));
            assert!(config.is_none(), "{text}: {found:?}");
        }
    }

    #[test]
    fn names_the_file_of_keys_that_cannot_be_read() {
        let (config, found) = read_text(&format!(
            "{LEAST}identity: {{jwt: [{{issuer: i, audience: a, algorithms: [ES256], keys: jwks.json}}]}}\n"
        ));
        assert!(config.is_none());
        assert!(found.len() == 1 && found[0].contains("cannot read `/etc/hallpass/jwks.json`"), "{found:?}");
    }

    #[test]
    fn renders_a_mistake_for_a_person() {
        let directory = std::env::temp_dir();
        let path = directory.join(format!("hallpass-settings-{}.yaml", std::process::id()));
        std::fs::write(&path, "listen: nowhere\n").unwrap();
        let text = Config::load(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(
            text.contains("`nowhere` is not an address to listen on") && text.contains("^^^^^^^"),
            "{text}"
        );
        assert!(
            Config::load(Path::new("/nowhere/at.all")).unwrap_err().contains("cannot read `/nowhere/at.all`")
        );
    }
}
