//! The part of the configuration about the decision log.

use super::file::{Reader, optional};
use super::values;
use crate::policy::source::{Fields, Node, Value, choose};
use crate::telemetry::{Attribute, LogSettings, LogTo, MASK_KEY_BYTES_MIN, Mask, WhenFull};

const LOG: &[&str] = &["to", "queue", "reads", "writes", "mask", "mask_key_file"];
const FILE: &[&str] = &["file", "rotate_bytes", "keep"];
const PLACES: &[(&str, Place)] = &[("stdout", Place::Stdout), ("off", Place::Off)];

/// The size from which on a file makes way, where nothing else is said, in bytes.
const ROTATE_BYTES: u64 = 100 << 20;
/// How many older files there are, where nothing else is said.
const KEEP: usize = 5;

#[derive(Debug, Clone, Copy)]
enum Place {
    Stdout,
    Off,
}

impl Reader<'_> {
    pub(super) fn log(&mut self, node: &Node) -> Option<LogSettings> {
        if node.is_off() {
            return Some(LogSettings::off());
        }
        let fields = Fields::of(node, "a decision log", LOG, &mut self.diags)?;
        let default = LogSettings::default();
        let to = optional(&fields, "to", default.to, |node| self.log_to(node));
        let diags = &mut self.diags;
        let queue = optional(&fields, "queue", default.queue, |node| {
            values::number(node, "`queue`", 1..=1_048_576, diags)
        });
        let mut class = |name, default| {
            optional(&fields, name, default, |node| {
                choose(node, "what to do without a line", WhenFull::WORDS, diags)
            })
        };
        let (reads, writes) = (class("reads", default.reads), class("writes", default.writes));
        let mask = self.mask(&fields);
        Some(LogSettings { to: to?, queue: queue?, reads: reads?, writes: writes?, mask: mask? })
    }

    /// `stdout`, `off`, or a file.
    fn log_to(&mut self, node: &Node) -> Option<LogTo> {
        if matches!(node.value, Value::Text { .. } | Value::Bool(_)) {
            return choose(node, "where to log", PLACES, &mut self.diags).map(|place| match place {
                Place::Stdout => LogTo::Stdout,
                Place::Off => LogTo::Off,
            });
        }
        let fields = Fields::of(node, "`stdout`, `off` or a file", FILE, &mut self.diags)?;
        let path =
            fields.need("file", &mut self.diags).and_then(|node| self.path(node, "the file to log to"));
        let diags = &mut self.diags;
        let rotate_bytes = optional(&fields, "rotate_bytes", ROTATE_BYTES, |node| {
            values::size(node, 1 << 10..=1 << 40, diags)
        });
        let keep = optional(&fields, "keep", KEEP, |node| values::number(node, "`keep`", 1..=1000, diags));
        let keep = u32::try_from(keep?).ok()?;
        Some(LogTo::File { path: path?, rotate_bytes: rotate_bytes?, keep })
    }

    /// What is masked, and the key for it.
    fn mask(&mut self, fields: &Fields<'_>) -> Option<Mask> {
        let attributes = optional(fields, "mask", Vec::new(), |node| {
            let list = node.as_list("a list of attributes", &mut self.diags)?;
            let read = |node| choose(node, "an attribute", Attribute::WORDS, &mut self.diags);
            list.iter().map(read).collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()
        })?;
        let Some(node) = fields.get("mask_key_file") else {
            if attributes.is_empty() {
                return Some(Mask::none());
            }
            self.diags
                .error(fields.key_span("mask"), "missing_key", "there is a `mask`, and no `mask_key_file`")
                .help("write a secret into a file, with `openssl rand -hex 32` for instance, and name it");
            return None;
        };
        let path = self.path(node, "the file with the key")?;
        let bytes = values::bytes_of(&path, super::read_secret, node, &mut self.diags)?;
        // Editors and shells end a file with a line end, which is not meant to be part of a secret.
        let mask = Mask::new(bytes.trim_ascii_end(), &attributes);
        if mask.is_none() {
            let text = format!("the key in `{}` has fewer than {MASK_KEY_BYTES_MIN} bytes", path.display());
            self.diags.error(node.span, "short_key", text).help("`openssl rand -hex 32` makes a good one");
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Diagnostic, Source};
    use crate::proxy::Config;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn read(log: &str) -> (Option<Config>, Vec<String>) {
        let text = format!(
            "listen: 127.0.0.1:0\nupstream: {{address: '127.0.0.1:9000'}}\nbundle: policy\n\
             identity: {{trusted_header: {{name: X-Remote-User, issuer: gateway, peers: [10.1.2.3]}}}}\n{log}\n"
        );
        let source = Source { name: "hallpass.yaml".into(), bytes: text.into_bytes() };
        let (config, found) = super::super::read(&source, Path::new("/etc/hallpass"));
        let line = |d: &Diagnostic| format!("{}:{} {}: {}", d.place.line, d.place.column, d.code, d.message);
        (config.map(|settings| settings.proxy), found.iter().map(line).collect())
    }

    #[test]
    fn logs_to_standard_output_where_nothing_is_said() {
        let (config, found) = read("");
        let log = config.unwrap().log;
        assert!(matches!(log.to, LogTo::Stdout), "{found:?}");
        assert_eq!((log.reads, log.writes), (WhenFull::DropAndCount, WhenFull::RefuseIfNotLogged));
        assert_eq!(log.queue, 8192);
    }

    #[test]
    fn reads_a_file_with_its_sizes_and_the_classes() {
        let (config, found) = read(
            "log:\n  to: {file: decisions.log, rotate_bytes: 64KiB, keep: 2}\n  queue: 10\n  \
             reads: refuse-if-not-logged\n  writes: drop-and-count",
        );
        assert_eq!(found, Vec::<String>::new());
        let log = config.unwrap().log;
        let LogTo::File { path, rotate_bytes, keep } = log.to else { panic!("{log:?}") };
        assert_eq!(path, Path::new("/etc/hallpass/decisions.log"));
        assert_eq!((rotate_bytes, keep, log.queue), (64 * 1024, 2, 10));
        assert_eq!((log.reads, log.writes), (WhenFull::RefuseIfNotLogged, WhenFull::DropAndCount));
        let (config, _) = read("log: {to: {file: /var/log/hallpass.log}}");
        assert!(matches!(config.unwrap().log.to, LogTo::File { rotate_bytes: 104_857_600, keep: 5, .. }));
        for off in ["log: off", "log: {to: off}"] {
            assert!(matches!(read(off).0.unwrap().log.to, LogTo::Off), "{off}");
        }
    }

    #[test]
    fn reports_what_it_cannot_use() {
        for (log, code) in [
            ("log: on", "wrong_type"),
            ("log: {to: stderr}", "unknown"),
            ("log: {to: {path: x}}", "unknown_key"),
            ("log: {to: {rotate_bytes: 1MiB}}", "missing_key"),
            ("log: {to: {file: x, rotate_bytes: 100}}", "bad_size"),
            ("log: {to: {file: x, rotate_bytes: 100MB}}", "bad_size"),
            ("log: {to: {file: x, rotate_bytes: 0KiB}}", "out_of_range"),
            ("log: {to: {file: x, keep: 0}}", "out_of_range"),
            ("log: {queue: 0}", "out_of_range"),
            ("log: {reads: drop}", "unknown"),
            ("log: {mask: [subject]}", "missing_key"),
            ("log: {mask: [name], mask_key_file: k}", "unknown"),
            ("log: {mask: [subject], mask_key_file: nowhere}", "unreadable"),
        ] {
            let (config, found) = read(log);
            assert!(config.is_none() && found.iter().any(|found| found.contains(code)), "{log}: {found:?}");
        }
    }

    #[test]
    fn takes_a_key_from_a_file_unless_it_is_short() {
        let path = std::env::temp_dir().join(format!("hallpass-mask-{}", std::process::id()));
        std::fs::write(&path, format!("{}\n", "ab".repeat(32))).unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o600);
        let log = format!("log: {{mask: [subject, student], mask_key_file: {}}}", path.display());
        let (config, found) = read(&log);
        let mask = config.unwrap().log.mask;
        assert!(mask.covers(Attribute::Subject) && mask.covers(Attribute::Student), "{found:?}");
        assert!(!mask.covers(Attribute::Scope));
        mode(0o620);
        let (config, found) = read(&log);
        assert!(config.is_none() && found[0].contains("has mode 620"), "{found:?}");
        mode(0o600);
        std::fs::write(&path, "secret\n").unwrap();
        let (config, found) = read(&log);
        assert!(config.is_none() && found[0].contains("short_key"), "{found:?}");
        std::fs::remove_file(&path).unwrap();
    }
}
