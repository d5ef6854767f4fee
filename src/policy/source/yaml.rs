//! YAML 1.2 as a tree. The parser's events come with places; aliases, anchors, tags and merge keys are refused here,
//! never expanded.

use super::text::{Lines, is_forbidden, number, width};
use super::{DEPTH_MAX, Diags, Key, Node, Span, Value, syntax};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// How many undeclared aliases and tag handles are passed over in one file; the next one ends it.
const PASSED_OVER_MAX: usize = 32;

/// Reads a file. A syntax error is reported and ends it.
pub(super) fn read(text: &str, file: u32, diags: &mut Diags) -> Option<Node> {
    let cleaned = clean(text, file, diags);
    let mut refused = HashSet::new();
    let masked = mask(&cleaned, file, diags, &mut refused);
    let mut reader = Reader {
        parser: Parser::new_from_str(&masked),
        original: Lines::of(&cleaned),
        file,
        refused,
        open: Vec::new(),
        too_deep: false,
        diags,
    };
    match reader.stream() {
        Ok(node) => Some(node),
        Err(error) => {
            let Reader { original, open, diags, .. } = reader;
            syntax::report(&error, &original, &open, file, diags);
            None
        }
    }
}

/// Reports control characters and lone carriage returns and puts spaces in their place: the parser would take a NUL
/// for the end of the text and count lines differently from everybody else.
fn clean<'t>(text: &'t str, file: u32, diags: &mut Diags) -> Cow<'t, str> {
    let suspicious = text.bytes().any(|byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n'));
    if !suspicious && !text.chars().any(|c| is_forbidden(c) || c == '\u{feff}') {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let (mut line, mut column) = (1_u32, 1_u32);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let lone_return = c == '\r' && characters.peek() != Some(&'\n');
        if lone_return || is_forbidden(c) || c == '\u{feff}' {
            let span = Span { file, line, column, length: 1 };
            let what =
                if lone_return { "carriage return without a line feed" } else { "invisible character" };
            diags
                .error(span, "syntax", format!("{what} (U+{:04X})", u32::from(c)))
                .help("remove it; in double quotes it can be written as an escape such as `\\u0007`");
            cleaned.push(' ');
        } else {
            cleaned.push(c);
        }
        if c == '\n' {
            (line, column) = (line.saturating_add(1), 1);
        } else {
            column = column.saturating_add(1);
        }
    }
    Cow::Owned(cleaned)
}

/// The parser stops at an alias without an anchor and at a tag without a handle. Both are mistakes anyway, so they are
/// replaced by something harmless of the same width, as often as it takes, and reading goes on.
fn mask<'t>(text: &'t str, file: u32, diags: &mut Diags, refused: &mut HashSet<(u32, u32)>) -> Cow<'t, str> {
    let mut masked = Cow::Borrowed(text);
    if !text.contains(['*', '&', '!']) {
        return masked;
    }
    for _ in 0..PASSED_OVER_MAX {
        let mut parser = Parser::new_from_str(&masked);
        let error = loop {
            match parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => return masked,
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
            }
        };
        let (line, column) = (number(error.marker().line()), number(error.marker().col()).saturating_add(1));
        let rest = Lines::of(&masked).rest(line, column);
        if rest.is_empty() {
            return masked;
        }
        let at = rest.as_ptr() as usize - masked.as_ptr() as usize;
        let word = property(rest);
        let info = error.info();
        let mut replaced = String::with_capacity(masked.len());
        replaced.push_str(masked.get(..at).unwrap_or_default());
        let kept = if info.contains("unknown anchor")
            || (info.contains("anchor or alias") && rest.starts_with('*'))
        {
            // `*:` is an alias by the letter; whoever writes it means a key.
            let word = word.strip_suffix(':').unwrap_or(word);
            alias(Span { file, line, column, length: width(word) }, word, diags);
            refused.insert((line, column));
            replaced.extend(word.chars().map(|_| 'x'));
            word.len()
        } else if info.contains("anchor or alias") && rest.starts_with('&') {
            let span = Span { file, line, column, length: 1 };
            diags.error(span, "anchor", "a plain text cannot begin with `&`").help("put the text in quotes");
            refused.insert((line, column));
            replaced.push('x');
            1
        } else if info.contains("handle") {
            let Some(tag) = rest.find('!') else { return masked };
            let word = property(rest.get(tag..).unwrap_or_default());
            replaced.push_str(rest.get(..tag).unwrap_or_default());
            replaced.push('!');
            replaced.extend(word.chars().skip(1).map(|_| 'x'));
            tag + word.len()
        } else {
            return masked;
        };
        replaced.push_str(rest.get(kept..).unwrap_or_default());
        let after_line = at.saturating_add(rest.len());
        replaced.push_str(masked.get(after_line..).unwrap_or_default());
        masked = Cow::Owned(replaced);
    }
    masked
}

/// The anchor, alias or tag that a text begins with.
fn property(text: &str) -> &str {
    let end = if text.starts_with("!<") {
        text.find('>').map(|at| at + 1)
    } else {
        text.find(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '{' | '}' | ','))
    };
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

fn alias(span: Span, word: &str, diags: &mut Diags) {
    let help = format!("`*` begins an alias; if the text is meant, put it in quotes: `\"{word}\"`");
    diags.error(span, "alias", format!("`{word}` is an alias, and aliases are not allowed")).help(help);
}

/// A list or map that has been begun and not ended, where it began.
pub(super) type Open = (u32, u32);

struct Reader<'t, 'd> {
    parser: Parser<'t, StrInput<'t>>,
    original: Lines<'t>,
    file: u32,
    /// Line and column of what was masked as an alias.
    refused: HashSet<(u32, u32)>,
    open: Vec<Open>,
    too_deep: bool,
    diags: &'d mut Diags,
}

type Spanned<'t> = (Event<'t>, saphyr_parser::Span);

impl<'t> Reader<'t, '_> {
    fn next(&mut self) -> Result<Spanned<'t>, ScanError> {
        match self.parser.next_event() {
            Some(event) => event,
            None => Err(ScanError::new_str(Marker::default(), "unexpected eof")),
        }
    }

    fn stream(&mut self) -> Result<Node, ScanError> {
        let mut root = None;
        let mut documents = 0_u32;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents == 2 {
                        let span = self.place(span);
                        self.diags.error(span, "multiple_documents", "a second document begins here").help(
                            "one file holds one document: remove the `---`, or make it a file of its own",
                        );
                    }
                }
                event => {
                    let node = self.node(event, span, None, 0)?;
                    root.get_or_insert(node);
                }
            }
        }
        Ok(root.unwrap_or(Node { span: Span::start_of(self.file), value: Value::Null }))
    }

    fn node(
        &mut self,
        event: Event<'t>,
        span: saphyr_parser::Span,
        key: Option<Span>,
        depth: usize,
    ) -> Result<Node, ScanError> {
        let here = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let here = self.scalar_place(here, style);
                let bare = anchor == 0 && tag.is_none();
                self.properties(span, anchor, tag.is_some());
                if self.refused.contains(&(here.line, here.column)) {
                    return Ok(Node { span: here, value: Value::Broken });
                }
                let value = scalar(text, style);
                let nothing = bare
                    && matches!(value, Value::Null)
                    && !self.original.rest(here.line, here.column).starts_with(['~', 'n']);
                let span = if nothing { key.unwrap_or_else(|| self.original.clamp(here)) } else { here };
                Ok(Node { span, value })
            }
            Event::Alias(_) => {
                self.alias(here);
                Ok(Node { span: here, value: Value::Broken })
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) if depth >= DEPTH_MAX => {
                self.properties(span, anchor, tag.is_some());
                self.skip(here)?;
                Ok(Node { span: key.unwrap_or(here), value: Value::Broken })
            }
            Event::SequenceStart(anchor, tag) => {
                self.properties(span, anchor, tag.is_some());
                self.open.push((here.line, here.column));
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(event, span, None, depth + 1)?),
                    }
                };
                self.open.pop();
                let first = items.first().map(|item| item.span);
                Ok(Node { span: self.extent(span, end, first), value: Value::List(items) })
            }
            Event::MappingStart(anchor, tag) => {
                self.properties(span, anchor, tag.is_some());
                self.open.push((here.line, here.column));
                let (entries, end) = self.entries(depth)?;
                self.open.pop();
                let first = entries.first().map(|(key, _)| key.span);
                let entries = unique(entries, self.diags);
                let span = key.unwrap_or_else(|| self.extent(span, end, first));
                Ok(Node { span, value: Value::Map(entries) })
            }
            _ => Err(ScanError::new_str(span.start, "unexpected event")),
        }
    }

    fn entries(&mut self, depth: usize) -> Result<(Vec<(Key, Node)>, saphyr_parser::Span), ScanError> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let here = self.place(span);
            let key = match event {
                Event::MappingEnd => return Ok((entries, span)),
                Event::Scalar(text, style, anchor, tag) => {
                    let here = self.scalar_place(here, style);
                    self.properties(span, anchor, tag.is_some());
                    let plain = style == ScalarStyle::Plain;
                    if self.refused.contains(&(here.line, here.column)) {
                        None
                    } else if plain && text.is_empty() {
                        let here = self.original.clamp(here);
                        self.diags
                            .error(here, "complex_key", "a key is missing before this `:`")
                            .help("write the key, or remove the `:`");
                        None
                    } else if plain && text == "<<" {
                        self.diags
                            .error(here, "merge_key", "`<<` is a merge key, and merge keys are not allowed")
                            .help("write the keys out");
                        None
                    } else {
                        Some(Key { text: text.into_owned(), span: here })
                    }
                }
                Event::Alias(_) => {
                    self.alias(here);
                    None
                }
                event => {
                    let help = match event {
                        Event::MappingStart(..) => "if `{` belongs to the text, put the whole key in quotes",
                        _ => "if `[` belongs to the text, put the whole key in quotes",
                    };
                    let node = self.node(event, span, None, depth + 1)?;
                    let message = format!("a key must be text, found {}", node.kind());
                    self.diags.error(node.span, "complex_key", message).help(help);
                    None
                }
            };
            let (event, span) = self.next()?;
            let introduced = key.as_ref().map_or(here, |key| key.span);
            let value = self.node(event, span, Some(introduced), depth + 1)?;
            if let Some(key) = key {
                entries.push((key, value));
            }
        }
    }

    /// Passes over a list or map that stands too deep; what is inside costs nothing but its events.
    fn skip(&mut self, here: Span) -> Result<(), ScanError> {
        if !self.too_deep {
            self.too_deep = true;
            self.diags
                .error(here, "too_deep", format!("more than {DEPTH_MAX} lists and maps inside each other"))
                .help("a policy file needs far fewer levels");
        }
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()?.0 {
                Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
                Event::SequenceEnd | Event::MappingEnd => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    fn alias(&mut self, here: Span) {
        if self.diags.is_full() {
            self.diags.error(here, "alias", String::new());
            return;
        }
        let word = property(self.original.rest(here.line, here.column));
        alias(here, word, self.diags);
    }

    /// Reports the anchor and the tag that stand before a value; the place of the value begins with them.
    fn properties(&mut self, span: saphyr_parser::Span, anchor: usize, tag: bool) {
        let here = self.place(span);
        for code in [(anchor > 0).then_some("anchor"), tag.then_some("tag")].into_iter().flatten() {
            if self.diags.is_full() {
                self.diags.error(here, code, String::new());
                continue;
            }
            let (sign, help) = match code {
                "anchor" => ('&', "remove it; if `&` belongs to the text, put the text in quotes"),
                _ => ('!', "remove it; if `!` belongs to the text, put the text in quotes"),
            };
            let rest = self.original.rest(here.line, here.column);
            let before = rest.split_whitespace().find(|word| word.starts_with(sign));
            let at = before.map_or(0, |word| word.as_ptr() as usize - rest.as_ptr() as usize);
            let word = property(rest.get(at..).unwrap_or_default());
            let column = here.column.saturating_add(width(rest.get(..at).unwrap_or_default()));
            let span = Span { column, length: width(word).max(1), ..here };
            let word = word.to_owned();
            self.diags
                .error(
                    span,
                    code,
                    format!(
                        "`{word}` is {} {code}, and {code}s are not allowed",
                        if tag && code == "tag" { "a" } else { "an" }
                    ),
                )
                .help(help);
        }
    }

    /// Where a list or map is: its brackets if they are on one line, the opening one if not, else its first entry.
    fn extent(&self, start: saphyr_parser::Span, end: saphyr_parser::Span, first: Option<Span>) -> Span {
        let here = self.place(start);
        let bracketed = !end.is_empty();
        match first {
            _ if bracketed && start.start.line() == end.end.line() => {
                let length = end.end.col().saturating_sub(start.start.col());
                Span { length: number(length).max(1), ..here }
            }
            Some(first) => first,
            None => Span { length: 1, ..here },
        }
    }

    /// The parser counts the blanks and the comment behind a quoted text to it; here it ends with its quote.
    fn scalar_place(&self, here: Span, style: ScalarStyle) -> Span {
        let quote = match style {
            ScalarStyle::SingleQuoted => '\'',
            ScalarStyle::DoubleQuoted => '"',
            _ => return here,
        };
        let rest = self.original.rest(here.line, here.column);
        if !rest.starts_with(quote) {
            return here;
        }
        let mut characters = rest.chars().skip(1).peekable();
        let mut length = 1_u32;
        while let Some(c) = characters.next() {
            length = length.saturating_add(1);
            if c == '\\' && quote == '"' || c == '\'' && quote == c && characters.peek() == Some(&c) {
                length = length.saturating_add(u32::from(characters.next().is_some()));
            } else if c == quote {
                return Span { length, ..here };
            }
        }
        // It goes on in the next line.
        Span { length: width(rest.trim_end()).max(1), ..here }
    }

    fn place(&self, span: saphyr_parser::Span) -> Span {
        let line = number(span.start.line()).max(1);
        let column = number(span.start.col()).saturating_add(1);
        let length = if span.start.line() == span.end.line() {
            number(span.end.col().saturating_sub(span.start.col()))
        } else {
            width(self.original.rest(line, column).trim_end())
        };
        Span { file: self.file, line, column, length: length.max(1) }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    let plain = style == ScalarStyle::Plain;
    match text.as_ref() {
        "" | "~" | "null" if plain => Value::Null,
        "true" if plain => Value::Bool(true),
        "false" if plain => Value::Bool(false),
        _ => Value::Text { text: text.into_owned(), plain },
    }
}

/// Reports every key that occurs again and keeps the first.
pub(super) fn unique(entries: Vec<(Key, Node)>, diags: &mut Diags) -> Vec<(Key, Node)> {
    let mut first = HashMap::with_capacity(entries.len());
    let mut again = HashSet::new();
    for (index, (key, _)) in entries.iter().enumerate() {
        match first.entry(key.text.as_str()) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(key.span);
            }
            std::collections::hash_map::Entry::Occupied(entry) => {
                again.insert(index);
                let other = diags.place(*entry.get());
                diags
                    .error(key.span, "duplicate_key", format!("`{}` stands twice in this map", key.text))
                    .also(other, "first here")
                    .help("remove one of them, or bring the two together");
            }
        }
    }
    if again.is_empty() {
        return entries;
    }
    entries
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !again.contains(index))
        .map(|(_, entry)| entry)
        .collect()
}
