//! A set of header names that finds them in every spelling.
//!
//! Servers and languages fold names before an app sees them: CGI and WSGI turn `-` into `_`, PHP turns `.` into `_` too.
//! Names are therefore compared without case and without any byte that is not a letter or digit (oauth2-proxy
//! CVE-2025-64484, and the dot alias that came after its fix in others).

use std::ops::Range;

use super::names::{ONE_SPELLING, TAKEN};

/// The most bytes of a folded name that are compared. A longer one in the table stands for all that begin like it.
const FOLDED_BYTES_MAX: usize = 64;

/// What browsers and apps send with nearly every request, in lower case. The table asks itself which of them it takes, once;
/// the others need no folding and no search. Nothing but speed depends on this list.
const ORDINARY: &str = "
    host accept accept-charset accept-encoding accept-language cache-control content-encoding content-length content-type
    cookie date dnt if-match if-modified-since if-none-match if-range if-unmodified-since origin pragma priority range
    referer sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user
    traceparent tracestate upgrade-insecure-requests user-agent via x-csrf-token x-request-id x-requested-with
";

/// A compiled set of names, looked up without allocating.
#[derive(Debug)]
pub(super) struct NameTable {
    /// Names of [`ORDINARY`] that this table does not take, by their length: nearly all that a request carries.
    ordinary: Box<[Vec<&'static str>]>,
    /// Sorted, distinct, and none begins with another one that is a prefix: the greatest entry that is not above a name is
    /// then the only one that can match it.
    entries: Box<[Entry]>,
    /// Which entries begin with a byte; most headers begin with one that few entries have.
    by_first_byte: Box<[Range<usize>]>,
}

#[derive(Debug)]
struct Entry {
    folded: Box<[u8]>,
    kind: Kind,
}

/// In the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Every name that begins so.
    Prefix,
    /// This name in every spelling.
    Whole,
    /// This name in every spelling but the one given.
    Alias(&'static str),
}

impl NameTable {
    /// The built-in lists and these names.
    pub(super) fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> NameTable {
        let built_in = TAKEN.into_iter().flat_map(str::split_whitespace);
        let mut entries: Vec<Entry> = built_in.map(Entry::new).collect();
        entries.extend(ONE_SPELLING.iter().map(|name| Entry { kind: Kind::Alias(name), ..Entry::new(name) }));
        entries.extend(names.into_iter().map(|name| Entry::new(name.as_ref())));
        // A name without a letter or digit folds to nothing, and nothing must not stand for everything.
        entries.retain(|entry| !entry.folded.is_empty());
        entries.sort_by(|a, b| (&a.folded, a.kind).cmp(&(&b.folded, b.kind)));
        let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
        for entry in entries {
            // What a prefix covers stands right behind it.
            let covered = kept.last().is_some_and(|last| last.matches_spelling(&entry.folded));
            if !covered {
                kept.push(entry);
            }
        }
        let starts = |byte: u8| kept.partition_point(|entry| entry.folded.first() < Some(&byte));
        let ends = |byte: u8| kept.partition_point(|entry| entry.folded.first() <= Some(&byte));
        let by_first_byte = (0..=u8::MAX).map(|byte| starts(byte)..ends(byte)).collect();
        let mut table = NameTable { ordinary: Box::default(), entries: kept.into(), by_first_byte };
        let ordinary = || ORDINARY.split_whitespace().filter(|name| !table.takes(name));
        let longest = ordinary().map(str::len).max().unwrap_or(0);
        let of_length = |length| ordinary().filter(|name| name.len() == length).collect();
        table.ordinary = (0..=longest).map(of_length).collect();
        table
    }

    /// Whether a header with this name, in lower case, is one of the table: as it is, or as CGI would name it (`HTTP_…`).
    pub(super) fn takes(&self, name: &str) -> bool {
        let first = name.as_bytes().first();
        let alike = |other: &&str| other.as_bytes().first() == first && *other == name;
        if self.ordinary.get(name.len()).is_some_and(|names| names.iter().any(alike)) {
            return false;
        }
        let mut buffer = [0; FOLDED_BYTES_MAX];
        let folded = fold(name, &mut buffer);
        self.finds(name, folded) || folded.strip_prefix(b"http").is_some_and(|rest| self.finds(name, rest))
    }

    fn finds(&self, name: &str, folded: &[u8]) -> bool {
        let Some(first) = folded.first() else { return false };
        let range = self.by_first_byte.get(usize::from(*first)).cloned().unwrap_or_default();
        let candidates = self.entries.get(range).unwrap_or_default();
        let above = candidates.partition_point(|entry| &*entry.folded <= folded);
        let nearest = above.checked_sub(1).and_then(|index| candidates.get(index));
        nearest.is_some_and(|entry| match entry.kind {
            Kind::Alias(spelling) => *entry.folded == *folded && name != spelling,
            Kind::Whole | Kind::Prefix => entry.matches_spelling(folded),
        })
    }
}

impl Entry {
    fn new(name: &str) -> Entry {
        let mut buffer = [0; FOLDED_BYTES_MAX];
        let folded = fold(name, &mut buffer);
        let prefix = name.ends_with('*') || folded.len() == FOLDED_BYTES_MAX;
        Entry { folded: folded.into(), kind: if prefix { Kind::Prefix } else { Kind::Whole } }
    }

    /// Whether this entry speaks of names that fold to `folded`.
    fn matches_spelling(&self, folded: &[u8]) -> bool {
        *self.folded == *folded || (self.kind == Kind::Prefix && folded.starts_with(&self.folded))
    }
}

/// The first [`FOLDED_BYTES_MAX`] letters and digits of `name`, in lower case.
fn fold<'b>(name: &str, buffer: &'b mut [u8; FOLDED_BYTES_MAX]) -> &'b [u8] {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    let mut length = 0;
    for (slot, byte) in buffer.iter_mut().zip(letters) {
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    buffer.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table() -> NameTable {
        NameTable::new(["X-School-User", "X-School-Kinds"])
    }

    #[test]
    fn finds_names_in_every_spelling() {
        let table = table();
        for name in [
            "x-school-user",
            "x_school_user",
            "x.school.user",
            "xschooluser",
            "x-school_user",
            "http_x_school_user",
            "remote-user",
            "remote_user",
            "http_remote_user",
            "x-forwarded-for",
            "x_forwarded_prefix",
            "x-forwarded-client-cert",
            "forwarded",
            "x-http-method-override",
            "x_original.url",
            "ssl_client_s_dn",
            "shib-session-id",
            "content_length",
            "content.length",
            "contentlength",
            "transfer_encoding",
            "http_host",
            "proxy",
            "proxy-connection",
            "te",
            "expect",
        ] {
            assert!(table.takes(name), "{name}");
        }
    }

    #[test]
    fn leaves_what_a_browser_and_an_app_need() {
        let needed = "
            host content-length content-type content-encoding cookie accept accept-charset
            accept-encoding accept-language cache-control pragma date dnt from if-match
            if-modified-since if-none-match if-range if-unmodified-since max-forwards origin range
            referer user-agent via warning upgrade-insecure-requests sec-fetch-site sec-ch-ua save-data
            priority depth prefer soapaction x-requested-with x-csrf-token x-xsrf-token x-csrftoken
            x-request-id x-correlation-id x-api-key x-auth-token x-access-token x-school-users-page
            traceparent tracestate baggage b3 content-language content-disposition content-location
            content-md5 last-event-id hx-request turbo-frame x-inertia x-livewire x-microsoftajax x-pjax
            x-user-agent x-turbolinks-referrer - http
        ";
        let table = table();
        for name in needed.split_whitespace() {
            assert!(!table.takes(name), "{name}");
        }
    }

    #[test]
    fn compares_names_longer_than_the_buffer_by_their_beginning() {
        let long = "x-".to_owned() + &"a".repeat(FOLDED_BYTES_MAX);
        let table = NameTable::new([&long]);
        assert!(table.takes(&long));
        assert!(table.takes(&format!("{long}b")));
        assert!(table.takes(&format!("x-forwarded-{}", "z".repeat(200))));
        assert!(!table.takes(&"a".repeat(300)));
    }

    #[test]
    fn a_name_of_signs_alone_does_not_stand_for_everything() {
        let table = NameTable::new(["--", "*"]);
        assert!(!table.takes("accept"));
        assert!(!table.takes("--"));
    }

    #[test]
    fn a_configured_name_outweighs_the_one_spelling_that_stays() {
        assert!(NameTable::new(["Cookie"]).takes("cookie"));
    }

    /// What the table must answer, by looking at every entry.
    fn plainly(table: &NameTable, name: &str) -> bool {
        let mut buffer = [0; FOLDED_BYTES_MAX];
        let folded = fold(name, &mut buffer);
        let any = |folded: &[u8]| {
            table.entries.iter().any(|entry| match entry.kind {
                Kind::Prefix => folded.starts_with(&entry.folded),
                Kind::Whole => *entry.folded == *folded,
                Kind::Alias(spelling) => *entry.folded == *folded && name != spelling,
            })
        };
        any(folded) || folded.strip_prefix(b"http").is_some_and(any)
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(name in "(http[_-]?)?[a-z]{0,3}[_.-]?[a-z0-9]{0,10}", at in any::<usize>()) {
            let table = table();
            prop_assert_eq!(table.takes(&name), plainly(&table, &name));
            let listed = str::from_utf8(&table.entries[at % table.entries.len()].folded).unwrap().to_owned();
            for near in [format!("{listed}{name}"), format!("{name}{listed}"), listed] {
                prop_assert_eq!(table.takes(&near), plainly(&table, &near), "{}", near);
            }
        }

        #[test]
        fn a_listed_name_is_found_whatever_signs_stand_in_it(at in any::<usize>(), signs in "[-_.!~^]{24}") {
            let all: Vec<_> = TAKEN.into_iter().flat_map(str::split_whitespace).collect();
            let name = all[at % all.len()].trim_end_matches('*').to_ascii_lowercase();
            let spelled: String = name.replace('-', "").chars().zip(signs.chars()).flat_map(|(a, b)| [a, b]).collect();
            prop_assume!(name.replace('-', "").len() <= 24);
            prop_assert!(table().takes(&spelled), "{} as {}", name, spelled);
        }
    }
}
