//! What the YAML parser says, in plain words: at a place a person recognises and with what is probably meant.

use super::text::{Lines, number, width};
use super::yaml::Open;
use super::{Diags, Span};
use saphyr_parser::ScanError;

/// Reports the error that ended a file; `open` are the lists and maps that had been begun.
pub(super) fn report(error: &ScanError, lines: &Lines<'_>, open: &[Open], file: u32, diags: &mut Diags) {
    let line = number(error.marker().line()).max(1);
    let column = number(error.marker().col()).saturating_add(1);
    let info = error.info();
    let case = Case { lines, here: Span { file, line, column, length: 1 }, info };
    let bracket = open.iter().rev().find_map(|(line, column)| {
        let sign = lines.rest(*line, *column).chars().next().filter(|c| matches!(c, '[' | '{'))?;
        Some((Span { file, line: *line, column: *column, length: 1 }, sign))
    });
    let said = case.unclosed(bracket).or_else(|| case.in_brackets(bracket)).unwrap_or_else(|| case.plain());
    let other = said.also.map(|(span, label)| (diags.place(lines.clamp(span)), label));
    let code = match info {
        info if info.contains("recursion limit") => "too_deep",
        info if info.contains("unknown anchor") => "alias",
        info if info.contains("handle wasn't declared") => "tag",
        _ => "syntax",
    };
    let diagnostic = diags.error(lines.clamp(said.span), code, said.message);
    diagnostic.maybe_help(said.help);
    if let Some((place, label)) = other {
        diagnostic.also(place, label);
    }
}

struct Said {
    span: Span,
    message: String,
    help: Option<String>,
    also: Option<(Span, String)>,
}

impl Said {
    fn new(span: Span, message: impl Into<String>, help: impl Into<String>) -> Said {
        Said { span, message: message.into(), help: Some(help.into()), also: None }
    }
}

struct Case<'a> {
    lines: &'a Lines<'a>,
    here: Span,
    info: &'a str,
}

impl Case<'_> {
    fn says(&self, words: &str) -> bool {
        self.info.contains(words)
    }

    fn character(&self) -> Option<char> {
        self.lines.rest(self.here.line, self.here.column).chars().next()
    }

    /// The text of a line without indentation and comment, and its place.
    fn content(&self, line: u32) -> (Span, &str) {
        let text = self.lines.line(line);
        let trimmed = text.trim_start();
        let column = width(text).saturating_sub(width(trimmed)).saturating_add(1);
        let end = if trimmed.starts_with('#') { Some(0) } else { trimmed.find(" #") };
        let trimmed = trimmed.get(..end.unwrap_or(trimmed.len())).unwrap_or_default().trim_end();
        (Span { line, column, length: width(trimmed).max(1), ..self.here }, trimmed)
    }

    /// A bracket that is still open where the next line goes on as if it were closed, or where the file ends.
    fn unclosed(&self, bracket: Option<(Span, char)>) -> Option<Said> {
        let (span, sign) = bracket?;
        let past_end = self.here.line > self.lines.count();
        let goes_on = self.here.line > span.line
            && (self.character() == Some(':') || self.says("invalid indentation in flow"));
        let nothing_left = (self.here.line..=self.lines.count()).all(|line| match line == self.here.line {
            true => self.lines.rest(line, self.here.column).trim().is_empty(),
            false => self.content(line).1.is_empty(),
        });
        if !past_end && !goes_on && !nothing_left || self.says("quoted") {
            return None;
        }
        let closing = if sign == '{' { '}' } else { ']' };
        let mut said =
            Said::new(span, format!("this `{sign}` is never closed"), format!("add the missing `{closing}`"));
        said.also = goes_on.then(|| {
            let (content, _) = self.content(self.here.line);
            (content, format!("read as part of the `{sign}` above"))
        });
        Some(said)
    }

    fn in_brackets(&self, bracket: Option<(Span, char)>) -> Option<Said> {
        let (opened, sign) = bracket?;
        let closing = if sign == '{' { '}' } else { ']' };
        if !self.says("did not find expected ',' or") && !self.says("expected ',' or") {
            if self.says("expected node content") {
                let message = match self.character() {
                    Some(',') => "nothing stands before this `,`".to_owned(),
                    Some(c) => format!("a value is missing before this `{c}`"),
                    None => "a value is missing here".to_owned(),
                };
                return Some(Said::new(self.here, message, "write the value, or remove the comma"));
            }
            return None;
        }
        let mut said = match self.character() {
            Some(c @ ('{' | '[')) => Said::new(
                self.here,
                format!("a plain text inside `{sign} {closing}` cannot contain `{c}`"),
                "put the whole text in quotes, such as `\"class/{class}\"`",
            ),
            Some(c @ ('}' | ']')) => Said::new(
                self.here,
                format!("this `{c}` does not close the `{sign}`"),
                format!("close it with `{closing}`"),
            ),
            _ => Said::new(
                self.here,
                format!("expected `,` or `{closing}`"),
                "separate the entries with `,`; put text with special signs in quotes",
            ),
        };
        said.also = Some((opened, "opened here".to_owned()));
        Some(said)
    }

    fn plain(&self) -> Said {
        if self.says("mapping values are not allowed") || self.says("illegal placement of ':'") {
            return self.second_colon();
        }
        if self.says("simple key expect") {
            return self.missing_colon();
        }
        if self.says("tab") {
            return self.tab();
        }
        if self.says("quoted scalar") || self.says("trailing content") {
            return self.quotes();
        }
        if self.says("expected key") || self.says("expected '-'") || self.says("wrongly indented") {
            let (span, text) = self.content(self.here.line);
            let what = if self.says("expected '-'") {
                "this line should be a further item of the list above, beginning with `- `"
            } else if text.starts_with("- ") || text == "-" {
                "this list item is in a column in which no list began"
            } else {
                "this line begins in a column in which no line above it begins"
            };
            let span = if span.column < self.here.column && self.says("expected key") && text.starts_with('-')
            {
                span
            } else if self.here.column > span.column {
                self.here
            } else {
                span
            };
            return Said::new(span, what, "put it in the same column as the entries it belongs with");
        }
        if self.says("unexpected character") {
            let c = self.character().unwrap_or('?');
            return Said::new(
                self.here,
                format!("a plain text cannot begin with `{c}`"),
                "put the text in quotes",
            );
        }
        if self.says("misplaced bracket") {
            let c = self.character().unwrap_or('?');
            return Said::new(
                self.here,
                format!("this `{c}` closes nothing"),
                "remove it, or put the text in quotes",
            );
        }
        if self.says("block sequence entries") {
            return Said::new(
                self.here,
                "a list cannot begin in the middle of a line",
                "begin it on a line of its own, or write it as `[a, b]`",
            );
        }
        if self.says("cannot start with '-'") {
            return Said::new(self.here, "a plain text cannot begin with `-` here", "put the text in quotes");
        }
        if self.says("recursion limit") {
            return Said::new(
                self.here,
                "too many brackets inside each other",
                "a policy file needs far fewer levels",
            );
        }
        if self.says("unknown anchor") || self.says("handle wasn't declared") {
            let what = if self.says("anchor") { "aliases" } else { "tags" };
            return Said::new(
                self.here,
                format!("{what} are not allowed; the rest of this file was not read"),
                "write the values out; put text that begins with `*` or `!` in quotes",
            );
        }
        let words = self.info.trim_start_matches("while ");
        Said { span: self.here, message: format!("not YAML: {words}"), help: None, also: None }
    }

    /// `a: b: c`, or a line that is indented below a key that already has a value.
    fn second_colon(&self) -> Said {
        let (content, text) = self.content(self.here.line);
        let before_width = self.here.column.saturating_sub(content.column);
        let before: String = text.chars().take(usize::try_from(before_width).unwrap_or(usize::MAX)).collect();
        if let Some(colon) = before.find(": ") {
            let value = text.get(colon + 1..).unwrap_or_default();
            let trimmed = value.trim_start();
            let skipped = width(text).saturating_sub(width(trimmed));
            let column = content.column.saturating_add(skipped);
            let span = Span { column, length: width(trimmed).max(1), ..content };
            return Said::new(
                span,
                "a plain text cannot contain `: `",
                format!("put it in quotes: `\"{}\"`", shorten(trimmed)),
            );
        }
        let before = before.trim_end();
        let span = Span { length: width(before).max(1), ..content };
        let above =
            (1..self.here.line).rev().map(|line| self.content(line)).find(|(_, text)| !text.is_empty());
        let mut said = Said::new(
            span,
            format!("`{}` stands inside the value of the line above", shorten(before)),
            "put it in the column of the key it belongs with, or remove the value above it",
        );
        said.also = above.map(|(span, _)| (span, "this already has a value".to_owned()));
        said
    }

    fn missing_colon(&self) -> Said {
        let last = self.here.line.min(self.lines.count());
        let first =
            if self.here.column > 1 && self.here.line <= self.lines.count() { last } else { last.max(1) };
        let found = (1..=first).rev().map(|line| self.content(line)).find(|(span, text)| {
            !text.is_empty() && (span.line < self.here.line || self.here.line > self.lines.count())
        });
        let (span, text) = found.unwrap_or_else(|| self.content(last));
        match text.split_once(':') {
            Some((key, value)) if !value.is_empty() => {
                let (key, value) = (shorten(key), shorten(value.trim_start()));
                Said::new(span, "no blank stands after the `:`", format!("write `{key}: {value}`"))
            }
            _ => match text.split_once(' ') {
                Some((key, value)) => Said::new(
                    span,
                    format!("there is no `:` in `{}`", shorten(text)),
                    format!("a key ends with `:`, as in `{}: {}`", shorten(key), shorten(value)),
                ),
                None => Said::new(
                    span,
                    format!("there is no `:` after `{}`", shorten(text)),
                    format!("a key ends with `:`, as in `{}: ...`", shorten(text)),
                ),
            },
        }
    }

    fn tab(&self) -> Said {
        let text = self.lines.line(self.here.line);
        let indentation = width(text).saturating_sub(width(text.trim_start()));
        let at =
            text.chars().position(|c| c == '\t').map_or(self.here.column, |at| number(at).saturating_add(1));
        let span = Span { column: at, length: 1, ..self.here };
        if at <= indentation {
            Said::new(span, "a tab in the indentation", "indent with spaces")
        } else {
            Said::new(span, "a tab cannot stand here", "write a space")
        }
    }

    fn quotes(&self) -> Said {
        let rest = self.lines.rest(self.here.line, self.here.column);
        let to_end = Span { length: width(rest.trim_end()).max(1), ..self.here };
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        if self.says("trailing content") {
            let before: String =
                self.lines.line(self.here.line).chars().take(self.here.column as usize - 1).collect();
            let help = match before.trim_end().chars().next_back() {
                Some('\'') => "a `'` inside single quotes is written twice: `''`",
                _ => "a `\"` inside double quotes is written `\\\"`",
            };
            return Said::new(to_end, "text after the closing quote", help);
        }
        if self.says("escape") || self.says("hexadecimal") {
            let bad = bad_escape(rest).unwrap_or(0);
            let column = self.here.column.saturating_add(number(bad));
            return Said::new(
                Span { column, length: 2, ..self.here },
                "no such escape in double quotes",
                "write `\\\\` for a backslash, or use single quotes, in which nothing is escaped",
            );
        }
        let quote = quote.unwrap_or('"');
        Said::new(
            to_end,
            format!("this `{quote}` is never closed"),
            format!("add the missing `{quote}`, or indent the lines that belong to the text"),
        )
    }
}

/// Where, in characters, the first escape stands that YAML does not know.
fn bad_escape(text: &str) -> Option<usize> {
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(c) = characters.get(at) {
        if *c == '\\' {
            let digits = match characters.get(at + 1) {
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                Some(c) if "0abt\tnvfre \"/\\N_LP".contains(*c) => 0,
                _ => return Some(at),
            };
            let hexadecimal = characters.get(at + 2..at + 2 + digits)?;
            let code = hexadecimal.iter().collect::<String>();
            if digits > 0 && u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).is_none() {
                return Some(at);
            }
            at += 1;
        }
        at += 1;
    }
    None
}

/// As much of a text as a message can bear.
fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_owned();
    }
    text.chars().take(57).chain("...".chars()).collect()
}
