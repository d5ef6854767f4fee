//! One look at the lines of a head: which of the fields that are read here are there at all, and which must go. Most of
//! them are not there, and asking the headers for each of them by name would cost more than all else that is done here.

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};

use super::table::NameTable;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A field that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Authorization,
    Connection,
    ContentLength,
    Host,
    TransferEncoding,
    RequestId,
    Traceparent,
    Tracestate,
}

impl Field {
    fn of(name: &HeaderName) -> Option<Field> {
        Some(match () {
            () if *name == HOST => Field::Host,
            () if *name == AUTHORIZATION => Field::Authorization,
            () if *name == CONNECTION => Field::Connection,
            () if *name == CONTENT_LENGTH => Field::ContentLength,
            () if *name == TRANSFER_ENCODING => Field::TransferEncoding,
            () if *name == REQUEST_ID => Field::RequestId,
            () if *name == TRACEPARENT => Field::Traceparent,
            () if *name == TRACESTATE => Field::Tracestate,
            () => return None,
        })
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// What a look at the headers of a request showed. It speaks of the headers as they came: lines may be taken out after
/// it, and none may be added before the last reader is done.
#[derive(Debug, Default)]
pub struct Seen {
    fields: u16,
    repeated: u16,
    taken: Vec<HeaderName>,
}

impl Seen {
    /// Looks at each line once; `table` names what must go.
    pub(super) fn of(headers: &HeaderMap, table: &NameTable) -> Seen {
        let mut seen = Seen::default();
        for (name, _) in headers {
            let field = Field::of(name).map_or(0, Field::bit);
            seen.repeated |= seen.fields & field;
            seen.fields |= field;
            // Authorization is taken out by whoever reads it.
            if field != Field::Authorization.bit() && table.takes(name.as_str()) {
                seen.taken.push(name.clone());
            }
        }
        seen
    }

    /// Whether there is a line of this field.
    pub(super) fn has(&self, field: Field) -> bool {
        self.fields & field.bit() != 0
    }

    /// Whether there is more than one line of this field.
    pub(super) fn repeats(&self, field: Field) -> bool {
        self.repeated & field.bit() != 0
    }

    /// The names that no client may send on; one may stand here more than once.
    pub(super) fn taken(&self) -> &[HeaderName] {
        &self.taken
    }
}
