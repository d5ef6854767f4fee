//! JSON as a tree. `serde_json` says whether the text is JSON; what it accepts is read again here for the places,
//! because the YAML scanner does not know JSON's surrogate pairs.

use super::text::{Lines, number, width};
use super::yaml::unique;
use super::{DEPTH_MAX, Diags, Key, Node, Span, Value};
use serde::de::IgnoredAny;

/// Reads a file that is one JSON value. A syntax error is reported and ends it.
pub(super) fn read(text: &str, file: u32, diags: &mut Diags) -> Option<Node> {
    if text.trim_ascii().is_empty() {
        return Some(Node { span: Span::start_of(file), value: Value::Null });
    }
    read_from(text, Span::start_of(file), diags)
}

/// Reads a JSON value whose text begins at `start`.
pub(super) fn read_from(text: &str, start: Span, diags: &mut Diags) -> Option<Node> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        report(&error, text, start, diags);
        return None;
    }
    let mut reader = Reader {
        text,
        at: 0,
        line: start.line,
        column: start.column,
        file: start.file,
        too_deep: false,
        diags,
    };
    reader.blank();
    reader.value(None, 0)
}

fn report(error: &serde_json::Error, text: &str, start: Span, diags: &mut Diags) {
    let lines = Lines::of(text);
    let line = number(error.line()).max(1);
    // The column is counted in bytes, and points at the last one read.
    let bytes = error.column().saturating_sub(1);
    let before = lines.line(line).bytes().take(bytes).filter(|byte| !(0x80..0xc0).contains(byte)).count();
    let here = lines.clamp(Span { line, column: number(before).saturating_add(1), ..start });
    let span = Span { line: here.line.saturating_add(start.line).saturating_sub(1), ..here };
    let words = error.to_string();
    let words = words.rfind(" at line ").and_then(|end| words.get(..end)).unwrap_or(&words);
    let (message, help) = match words {
        "expected value" if matches!(lines.rest(here.line, here.column).chars().next(), Some(']' | '}')) => (
            "a value is missing before this bracket".to_owned(),
            Some("remove the comma before it, or write the value"),
        ),
        "trailing comma" => ("a comma before the closing bracket".to_owned(), Some("remove the comma")),
        "trailing characters" => {
            ("text after the end of the value".to_owned(), Some("one file or line holds one value"))
        }
        "key must be a string" => {
            ("a key must stand in double quotes".to_owned(), Some("write `\"key\": value`"))
        }
        "control character (\\u0000-\\u001F) found while parsing a string" => (
            "a line break or control character in quoted text".to_owned(),
            Some("close the quotes, or write it as an escape such as `\\n`"),
        ),
        "invalid escape" => ("no such escape".to_owned(), Some("write `\\\\` for a backslash")),
        words if words.starts_with("EOF while parsing a string") => {
            ("the file ends inside quoted text".to_owned(), Some("add the missing `\"`"))
        }
        words if words.starts_with("EOF while parsing") => {
            ("the text ends too early".to_owned(), Some("close every `{`, `[` and `\"`"))
        }
        words => (format!("not JSON: {words}"), None),
    };
    diags.error(span, "syntax", message).maybe_help(help.map(str::to_owned));
}

/// Reads text whose grammar has been checked; on any other text it stops.
struct Reader<'t, 'd> {
    text: &'t str,
    at: usize,
    line: u32,
    column: u32,
    file: u32,
    too_deep: bool,
    diags: &'d mut Diags,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) -> Option<char> {
        let c = self.text.get(self.at..)?.chars().next()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(c)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.step();
        }
    }

    /// Takes `byte` and what is blank before and after it.
    fn take(&mut self, byte: u8) -> bool {
        self.blank();
        let found = self.peek() == Some(byte);
        if found {
            self.step();
            self.blank();
        }
        found
    }

    fn here(&self) -> Span {
        Span { file: self.file, line: self.line, column: self.column, length: 1 }
    }

    /// From `start` to here if that is one line, else `start` alone.
    fn since(&self, start: Span) -> Span {
        if self.line != start.line {
            return start;
        }
        Span { length: self.column.saturating_sub(start.column).max(1), ..start }
    }

    fn value(&mut self, key: Option<Span>, depth: usize) -> Option<Node> {
        let start = self.here();
        match self.peek()? {
            b'{' | b'[' if depth >= DEPTH_MAX => {
                if !self.too_deep {
                    self.too_deep = true;
                    self.diags
                        .error(
                            start,
                            "too_deep",
                            format!("more than {DEPTH_MAX} lists and maps inside each other"),
                        )
                        .help("a policy file needs far fewer levels");
                }
                self.skip();
                Some(Node { span: key.unwrap_or(start), value: Value::Broken })
            }
            b'{' => self.object(start, key, depth),
            b'[' => {
                self.step();
                self.blank();
                let mut items = Vec::new();
                while self.peek()? != b']' {
                    items.push(self.value(None, depth + 1)?);
                    self.take(b',');
                }
                self.step();
                let mut span = self.since(start);
                if self.line != start.line
                    && let Some(first) = items.first()
                {
                    span = first.span;
                }
                Some(Node { span, value: Value::List(items) })
            }
            b'"' => {
                let text = self.string()?;
                Some(Node { span: self.since(start), value: Value::Text { text, plain: false } })
            }
            _ => {
                let from = self.at;
                while self
                    .peek()
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
                {
                    self.step();
                }
                let value = match self.text.get(from..self.at)? {
                    "" => return None,
                    "null" => Value::Null,
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    number => Value::Text { text: number.to_owned(), plain: true },
                };
                Some(Node { span: self.since(start), value })
            }
        }
    }

    fn object(&mut self, start: Span, key: Option<Span>, depth: usize) -> Option<Node> {
        self.step();
        self.blank();
        let mut entries = Vec::new();
        while self.peek()? != b'}' {
            let at = self.here();
            let text = self.string()?;
            let key = Key { text, span: self.since(at) };
            if !self.take(b':') {
                return None;
            }
            let value = self.value(Some(key.span), depth + 1)?;
            entries.push((key, value));
            self.take(b',');
        }
        self.step();
        let mut span = key.unwrap_or_else(|| self.since(start));
        if key.is_none()
            && self.line != start.line
            && let Some((first, _)) = entries.first()
        {
            span = first.span;
        }
        Some(Node { span, value: Value::Map(unique(entries, self.diags)) })
    }

    /// Passes over a list or object without keeping anything.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    self.step();
                    while let Some(byte) = self.peek()
                        && byte != b'"'
                    {
                        self.step();
                        if byte == b'\\' {
                            self.step();
                        }
                    }
                }
                _ => {}
            }
            self.step();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        if self.peek()? != b'"' {
            return None;
        }
        self.step();
        let mut text = String::new();
        loop {
            let start = self.here();
            match self.step()? {
                '"' => return Some(text),
                '\\' => match self.escape()? {
                    Some(c) => text.push(c),
                    None => {
                        let span = self.since(start);
                        self.diags
                            .error(span, "syntax", "half of a surrogate pair")
                            .help("a character above U+FFFF is two escapes, such as `\\ud83d\\ude00`");
                        text.push('\u{fffd}');
                    }
                },
                c => text.push(c),
            }
        }
    }

    /// The character that an escape stands for; `Some(None)` if it is half of one.
    fn escape(&mut self) -> Option<Option<char>> {
        let c = match self.step()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.hexadecimal()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return Some(char::from_u32(first));
                }
                let (at, column) = (self.at, self.column);
                if self.text.get(self.at..)?.starts_with("\\u") {
                    self.step();
                    self.step();
                    let second = self.hexadecimal()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        return Some(char::from_u32(code));
                    }
                }
                (self.at, self.column) = (at, column);
                return Some(None);
            }
            c => c,
        };
        Some(Some(c))
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at.checked_add(4)?)?;
        let code = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        self.column = self.column.saturating_add(width(digits));
        Some(code)
    }
}
