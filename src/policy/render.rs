//! Diagnostics for a person: the line, what is meant underlined, what would be right.

use super::diagnostic::{Diagnostic, Place, Severity};
use super::source::Source;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Padding, Renderer, Snippet};
use std::collections::{BTreeMap, BTreeSet};

/// How many characters of a line are shown; of a longer one the part around the underline.
const SHOWN_MAX: usize = 120;
/// How many of them stand before the underline, at most.
const BEFORE_MAX: usize = 40;

/// All diagnostics, and a last line that counts them; nothing for none.
///
/// The text of the files and of the messages reaches the result without control characters and without characters that
/// change the direction of writing. Only the lines that are shown are copied.
pub fn render(diagnostics: &[Diagnostic], sources: &[Source], color: bool) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let lines = lines_of(diagnostics, sources);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(SHOWN_MAX + 40);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let (group, cut) = report(diagnostic, &lines);
        let mut shown = renderer.render(&[group]);
        for (from, to) in cut {
            // The renderer counts columns in what it was given; of a cut line that is not where the place is.
            shown = shown.replacen(&from, &to, 1);
        }
        text.push_str(&shown);
        text.push_str("\n\n");
    }
    text.push_str(&count(diagnostics));
    text.push('\n');
    text
}

/// The lines that are shown: file and line, from 1, to the bytes without line break.
type Shown<'s> = BTreeMap<(&'s str, u32), &'s [u8]>;

fn lines_of<'s>(diagnostics: &[Diagnostic], sources: &'s [Source]) -> Shown<'s> {
    let mut wanted: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for diagnostic in diagnostics {
        for place in std::iter::once(&diagnostic.place).chain(diagnostic.also.iter().map(|(place, _)| place))
        {
            wanted.entry(&place.file).or_default().insert(place.line);
        }
    }
    let mut shown = Shown::new();
    for source in sources {
        let Some(numbers) = wanted.remove(source.name.as_str()) else { continue };
        let bytes = source.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.bytes);
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let mut next = 1_u32;
        for number in numbers {
            let Some(skipped) = number.checked_sub(next) else { continue };
            let Some(line) = lines.nth(skipped as usize) else { break };
            shown.insert((&source.name, number), line.strip_suffix(b"\r").unwrap_or(line));
            next = number.saturating_add(1);
        }
    }
    shown
}

/// A diagnostic as the renderer wants it, and the places that it will not show right with what they should be.
fn report<'a>(diagnostic: &'a Diagnostic, lines: &Shown<'_>) -> (Group<'a>, Vec<(String, String)>) {
    let mut cut = Vec::new();
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let group = level.primary_title(safe(&diagnostic.message)).id(diagnostic.code);
    let place = &diagnostic.place;
    let same_line = |other: &Place| other.file == place.file && other.line == place.line;
    let mut shown = Window::of(place, lines);
    let mut elsewhere = Vec::new();
    for (other, label) in &diagnostic.also {
        match same_line(other).then(|| shown.span(other)).flatten() {
            Some(span) => shown.annotate(AnnotationKind::Context.span(span).label(safe(label))),
            None => elsewhere.push((other, label)),
        }
    }
    if let Some(span) = shown.span(place) {
        shown.annotate(AnnotationKind::Primary.span(span));
    }
    cut.extend(shown.misplaced(place));
    let mut group = group.element(shown.snippet(place));
    for (other, label) in elsewhere {
        let mut shown = Window::of(other, lines);
        if let Some(span) = shown.span(other) {
            shown.annotate(AnnotationKind::Context.span(span).label(safe(label)));
        }
        cut.extend(shown.misplaced(other));
        group = group.element(shown.snippet(other));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Element::from(Padding)).element(Level::HELP.message(safe(help)));
    }
    (group, cut)
}

/// The part of a line that is shown.
struct Window {
    text: String,
    line: usize,
    /// The first character shown, from 0, and how many signs for "cut" stand before it.
    first: usize,
    cut: usize,
    annotations: Vec<Annotation<'static>>,
}

impl Window {
    fn of(place: &Place, lines: &Shown<'_>) -> Window {
        let bytes = lines.get(&(place.file.as_str(), place.line)).copied().unwrap_or_default();
        let column = (place.column as usize).saturating_sub(1);
        // Only the part up to the window's end is ever decoded, and only the window is kept.
        let mut characters = characters(bytes).skip(column.saturating_sub(SHOWN_MAX));
        let early = column.min(SHOWN_MAX);
        let before: Vec<char> = characters.by_ref().take(early).collect();
        let after: Vec<char> = characters.by_ref().take(SHOWN_MAX + 1).collect();
        let whole = column <= SHOWN_MAX && before.len() + after.len() <= SHOWN_MAX;
        let kept = if whole { before.len() } else { before.len().min(BEFORE_MAX) };
        let first = column.saturating_sub(kept);
        let cut = if first > 0 { 3 } else { 0 };
        let room = SHOWN_MAX.saturating_sub(kept);
        let mut text = String::from(if first > 0 { "..." } else { "" });
        text.extend(
            before
                .iter()
                .skip(before.len() - kept)
                .chain(after.iter().take(room))
                .map(|c| safe_character(*c)),
        );
        if after.len() > room {
            text.push_str("...");
        }
        Window { text, line: place.line as usize, first, cut, annotations: Vec::new() }
    }

    /// Where a place of this line is in the window, in bytes; nothing if it is outside.
    fn span(&self, place: &Place) -> Option<std::ops::Range<usize>> {
        let column = (place.column as usize).saturating_sub(1).checked_sub(self.first)?;
        let from = column + self.cut;
        let offset = |index: usize| self.text.char_indices().nth(index).map_or(self.text.len(), |(at, _)| at);
        let start = offset(from);
        let end = offset(from.saturating_add(place.length as usize));
        (start < self.text.len() || self.text.is_empty() || from == self.text.chars().count())
            .then_some(start..end)
    }

    fn annotate(&mut self, annotation: Annotation<'static>) {
        self.annotations.push(annotation);
    }

    /// How the renderer will write a place of this line, and how it should.
    fn misplaced(&self, place: &Place) -> Option<(String, String)> {
        if self.first == 0 {
            return None;
        }
        let Place { file, line, column, .. } = place;
        let file = safe(file);
        let shown = (*column as usize).saturating_sub(self.first) + self.cut;
        Some((format!("{file}:{line}:{shown}"), format!("{file}:{line}:{column}")))
    }

    fn snippet(self, place: &Place) -> Snippet<'static, Annotation<'static>> {
        Snippet::source(self.text)
            .line_start(self.line)
            .path(safe(&place.file))
            .fold(false)
            .annotations(self.annotations)
    }
}

/// The characters of a line; what is not UTF-8 is U+FFFD, as it was when the places were counted.
fn characters(bytes: &[u8]) -> impl Iterator<Item = char> + '_ {
    bytes.utf8_chunks().flat_map(|chunk| {
        let invalid = (!chunk.invalid().is_empty()).then_some('\u{fffd}');
        chunk.valid().chars().chain(invalid)
    })
}

/// A character as it may reach a terminal: one for one, so that underlines stay where they belong.
fn safe_character(c: char) -> char {
    match c {
        '\t' => ' ',
        // Marks that change the direction of writing can make a line look like another one.
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        '\u{2028}' | '\u{2029}' | '\u{feff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

fn safe(text: &str) -> String {
    text.chars().map(safe_character).collect()
}

/// So many of something: `1 file`, `2 files`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

fn count(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let both = [(errors, "error"), (diagnostics.len() - errors, "warning")];
    let there = both.into_iter().filter(|(count, _)| *count > 0);
    let all: Vec<String> = there.map(|(count, what)| counted(count, what)).collect();
    let files: BTreeSet<&str> = diagnostics.iter().map(|d| d.place.file.as_str()).collect();
    format!("{} in {}", all.join(", "), counted(files.len(), "file"))
}

#[cfg(test)]
mod tests {
    use super::super::source::{Diags, Span, read_document};
    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn shows_the_line_the_place_the_help_and_the_other_places() {
        let sources = [source("a.yaml", "one: 1\nöne: {levl: 2}\n"), source("b.yaml", "x: y\n")];
        let mut diags = Diags::new(&sources);
        let other = diags.place(Span { file: 1, line: 1, column: 4, length: 1 });
        let near = diags.place(Span { file: 0, line: 2, column: 1, length: 3 });
        diags
            .error(
                Span { file: 0, line: 2, column: 7, length: 4 },
                "unknown_key",
                "unknown key `levl` in a role",
            )
            .help("did you mean `level`?")
            .also(near, "this role")
            .also(other, "used here");
        diags.warning(Span { file: 1, line: 1, column: 1, length: 1 }, "unused", "nothing uses `x`");
        let text = render(&diags.into_sorted(), &sources, false);
        let expected = "\
error[unknown_key]: unknown key `levl` in a role
 --> a.yaml:2:7
  |
2 | öne: {levl: 2}
  | ---   ^^^^
  | |
  | this role
  |
 ::: b.yaml:1:4
  |
1 | x: y
  |    - used here
  |
  = help: did you mean `level`?

warning[unused]: nothing uses `x`
 --> b.yaml:1:1
  |
1 | x: y
  | ^

1 error, 1 warning in 2 files
";
        assert_eq!(text, expected);
    }

    #[test]
    fn says_nothing_where_nothing_is_wrong() {
        assert_eq!(render(&[], &[], true), "");
    }

    #[test]
    fn cuts_a_long_line_and_keeps_the_true_column() {
        let sources =
            [source("a.yaml", &format!("[{}, *x, {}]\n", vec!["é"; 5_000].join(","), "b".repeat(10_000)))];
        let mut diags = Diags::new(&sources);
        read_document(&sources[0], 0, &mut diags);
        let text = render(&diags.into_sorted(), &sources, false);
        let expected = "\
error[alias]: `*x` is an alias, and aliases are not allowed
 --> a.yaml:1:10003
  |
1 | ...,é,é,é,é,é,é,é,é,é,é,é,é,é,é,é,é,é,é,é, *x, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb...
  |                                            ^^
  |
  = help: `*` begins an alias; if the text is meant, put it in quotes: `\"*x\"`

1 error in 1 file
";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_control_character_of_a_file_or_a_message_gets_through() {
        let sources = [source("a\u{7}.yaml", "a: \u{1b}[31m\u{202e}\tx\u{9b}\0\n")];
        let mut diags = Diags::new(&sources);
        let span = Span { file: 0, line: 1, column: 4, length: 4 };
        let place = diags.place(span);
        diags.error(span, "bad", "a \u{1b}]0;x\u{7} b\nc").help("\u{1b}").also(place, "\u{8}");
        for color in [false, true] {
            let text = render(&diags_of(&sources, span), &sources, color);
            let rest = text.replace("\u{1b}[", "");
            let escapes = text.matches("\u{1b}[31m").count();
            assert!(color || (escapes == 0 && !text.contains('\u{1b}')), "{text:?}");
            assert!(!rest.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
        }
        let text = render(&diags.into_sorted(), &sources, false);
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
    }

    fn diags_of(sources: &[Source], span: Span) -> Vec<Diagnostic> {
        let mut diags = Diags::new(sources);
        diags.error(span, "bad", "a \u{1b}[5mb");
        diags.into_sorted()
    }

    #[test]
    fn a_place_that_is_nowhere_is_still_shown() {
        let sources = [source("a.csv", "")];
        let mut diags = Diags::new(&sources);
        diags.error(Span::start_of(0), "truncated", "the table is empty");
        diags.error(Span { file: 7, line: 9, column: 9, length: 9 }, "x", "y");
        diags.error(Span { file: 0, line: 9, column: 900, length: 9 }, "x", "y");
        let text = render(&diags.into_sorted(), &sources, false);
        assert!(text.contains("error[truncated]: the table is empty\n --> a.csv:1:1\n"), "{text}");
        assert!(text.ends_with("3 errors in 2 files\n"), "{text}");
    }
}
