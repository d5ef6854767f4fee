//! How much documents may hold, told before they are read: a tree takes a hundred times the memory of its text.

use super::{Diags, Source, Span};

/// Values in all documents of a bundle together. Tables are read row by row and have no such limit.
pub const VALUES_MAX: usize = 2_000_000;

/// Takes what a document holds from what is `left`; says whether that was enough, and tells the line where it was not.
///
/// What stands between values is counted, in texts and comments too: at least every second value has something before it.
///
/// Code: `too_large`.
pub fn take_values(source: &Source, file: u32, left: &mut usize, diags: &mut Diags) -> bool {
    let mut line = 1_u32;
    let mut bytes = source.bytes.iter().peekable();
    while let Some(byte) = bytes.next() {
        let separates = match byte {
            b'\n' | b',' | b'[' | b'{' | b':' => true,
            b'-' | b'?' => bytes.peek().is_some_and(|next| next.is_ascii_whitespace()),
            _ => false,
        };
        if separates {
            let Some(rest) = left.checked_sub(1) else {
                let message = format!("the documents hold more than {VALUES_MAX} values up to here");
                diags
                    .error(Span { line, ..Span::start_of(file) }, "too_large", message)
                    .help("write people, assignments and the like as tables, which take less memory");
                return false;
            };
            *left = rest;
        }
        line = line.saturating_add(u32::from(*byte == b'\n'));
    }
    true
}
