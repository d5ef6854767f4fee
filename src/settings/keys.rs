//! What the configuration says of an issuer's keys: a file, which is read here, or a URL, which is not.

use super::file::{Reader, optional};
use super::values;
use crate::identity::{FETCH_MAX, KeySet, Remote, RemoteSettings};
use crate::policy::source::{Fields, Node, Value};
use std::path::PathBuf;
use std::time::Duration;

const KEYS: &[&str] = &["url", "refresh", "cool_down", "ca"];

/// How often a key set at a URL is fetched, unless the configuration says otherwise.
const REFRESH: Duration = Duration::from_secs(10 * 60);
/// At most how often it is fetched for want of a key.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// The keys of an issuer.
pub(super) enum Keys {
    File(KeySet, PathBuf),
    Url(Box<Remote>),
}

impl Reader<'_> {
    /// The keys of an issuer: the name of a file, or a map with a URL.
    pub(super) fn keys(&mut self, node: &Node) -> Option<Keys> {
        match node.value {
            Value::Map(_) => self.keys_at_url(node).map(|remote| Keys::Url(Box::new(remote))),
            _ => self.keys_in_file(node).map(|(set, path)| Keys::File(set, path)),
        }
    }

    fn keys_at_url(&mut self, node: &Node) -> Option<Remote> {
        let fields = Fields::of(node, "keys at a URL", KEYS, &mut self.diags)?;
        let diags = &mut self.diags;
        let url = fields
            .need("url", diags)
            .and_then(|node| Some((values::text(node, "the URL", diags)?, node.span)));
        let mut duration =
            |name, default| optional(&fields, name, default, |node| values::duration(node, false, diags));
        let (refresh, cool_down) = (duration("refresh", REFRESH), duration("cool_down", COOL_DOWN));
        let ca = optional(&fields, "ca", None, |_| self.authorities(&fields).map(Some));
        let (url, span) = url?;
        let settings = RemoteSettings {
            url: url.to_owned(),
            // The URL is judged whatever became of the times.
            refresh: refresh.unwrap_or(REFRESH),
            cool_down: cool_down.unwrap_or(COOL_DOWN),
            patience: FETCH_MAX,
            ca: ca?,
        };
        let remote = Remote::new(settings).map_err(|error| self.refuse(span, error)).ok();
        refresh.and(cool_down).and(remote)
    }

    fn keys_in_file(&mut self, node: &Node) -> Option<(KeySet, PathBuf)> {
        let path = self.path(node, "the file of keys")?;
        let bytes = values::bytes_of(&path, super::read_bounded, node, &mut self.diags)?;
        match KeySet::parse(&bytes) {
            Ok(keys) => {
                for key in keys.ignored() {
                    let text = format!("key {} of `{}` is not used: {}", key.index, path.display(), key.why);
                    self.diags.warning(node.span, "unused_key", text);
                }
                Some((keys, path))
            }
            Err(error) => {
                let text = format!("`{}` is no set of keys: {error}", path.display());
                self.diags
                    .error(node.span, "bad_keys", text)
                    .help("name a JWK Set, `{\"keys\": [...]}` (RFC 7517)");
                None
            }
        }
    }
}
