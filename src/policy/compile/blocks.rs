//! Blocks: who may not come near whom or what, from when until when.

use super::{Word, relations};
use crate::policy::bundle::Revision;
use crate::policy::relations::{Block, Blocked};
use crate::policy::source::{Diags, Fields, Node};
use jiff::tz::TimeZone;

const KNOWN: &[&str] = &["subject", "student", "scope", "from", "until", "reason"];

/// `blocks: [{subject, student | scope, from, until, reason}]`.
pub(super) fn read(bundle: &mut Revision, root: &Fields<'_>, zone: &TimeZone, diags: &mut Diags) {
    bundle.held_off.blocks = blocks(bundle, root, zone, diags).into();
}

/// The blocks of a bundle, or of a file beside it, ordered by subject.
pub(super) fn blocks(bundle: &Revision, root: &Fields<'_>, zone: &TimeZone, diags: &mut Diags) -> Vec<Block> {
    let list = root.get("blocks").and_then(|node| node.as_list("a list of blocks", diags));
    let read = list.unwrap_or_default().iter().filter_map(|item| read_block(bundle, item, zone, diags));
    let mut blocks: Vec<Block> = read.collect();
    blocks.sort_by_key(|block| block.subject);
    blocks
}

fn read_block(bundle: &Revision, node: &Node, zone: &TimeZone, diags: &mut Diags) -> Option<Block> {
    let fields = Fields::of(node, "a block", KNOWN, diags)?;
    let word = |name: &str, diags: &mut Diags| {
        let node = fields.get(name)?;
        Some(Word { text: node.as_text("text", diags)?.to_owned(), span: node.span })
    };
    fields.need("subject", diags);
    fields.need("reason", diags);
    let subject = word("subject", diags).and_then(|word| relations::person(bundle, &word, diags));
    let from_what = match (word("student", diags), word("scope", diags)) {
        (Some(student), None) => relations::person(bundle, &student, diags).map(Blocked::Student),
        (None, Some(scope)) => relations::scope(bundle, &scope.text, scope.span, diags).map(Blocked::Scope),
        _ => {
            diags
                .error(
                    fields.span(),
                    "missing_key",
                    "a block keeps somebody away from a student or from a scope",
                )
                .help("write either `student` or `scope`");
            None
        }
    };
    let span = relations::days(word("from", diags).as_ref(), word("until", diags).as_ref(), zone, diags);
    let reason = word("reason", diags)?.text;
    Some(Block { subject: subject?, from_what: from_what?, span: span?, reason })
}
