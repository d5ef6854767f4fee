//! Blocks: who may not come near whom or what, from when until when.

use super::{Word, names, relations};
use crate::policy::bundle::Bundle;
use crate::policy::relations::{Block, Blocked};
use crate::policy::source::{Diags, Fields, Node};
use jiff::tz::TimeZone;

const KNOWN: &[&str] = &["subject", "student", "scope", "from", "until", "reason"];

/// `blocks: [{subject, student | scope, from, until, reason}]`.
pub(super) fn read(bundle: &mut Bundle, root: &Fields<'_>, zone: &TimeZone, diags: &mut Diags) {
    let Some(node) = root.get("blocks") else { return };
    let mut blocks = Vec::new();
    for item in node.as_list("a list of blocks", diags).unwrap_or_default() {
        blocks.extend(read_block(bundle, item, zone, diags));
    }
    blocks.sort_by_key(|block: &Block| block.subject);
    bundle.relations.blocks = blocks;
}

fn read_block(bundle: &Bundle, node: &Node, zone: &TimeZone, diags: &mut Diags) -> Option<Block> {
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
        (None, Some(scope)) => {
            let found = bundle.scopes.find(&scope.text);
            if found.is_none() {
                names::unknown(
                    "scope",
                    &scope.text,
                    scope.span,
                    bundle.scopes.iter().map(|(_, name)| name),
                    diags,
                );
            }
            found.map(Blocked::Scope)
        }
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
