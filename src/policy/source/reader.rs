//! What the compiler asks of a node. A wrong kind is reported once, where it is, with what was expected.

use super::{Diags, Key, Node, Span, Value, nearest};

impl Node {
    /// What it is, for a message.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Text { .. } => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Broken => "something that was refused",
        }
    }

    /// Whether it is a switch that is off: `false` or a plain `off`.
    pub fn is_off(&self) -> bool {
        match &self.value {
            Value::Bool(on) => !on,
            Value::Text { text, plain } => *plain && text == "off",
            _ => false,
        }
    }

    /// The text; `what` names what was expected (`a role`).
    pub fn as_text<'a>(&'a self, what: &str, diags: &mut Diags) -> Option<&'a str> {
        match &self.value {
            Value::Text { text, .. } => return Some(text),
            Value::Bool(on) => {
                self.wrong(what, diags)
                    .map(|d| d.help(format!("if the word is meant, put it in quotes: `\"{on}\"`")));
            }
            // `on: {class}` is a map in YAML, however much it looks like a template.
            Value::Map(entries) => {
                let name = match entries.as_slice() {
                    [(key, Node { value: Value::Null, .. })] => Some(&key.text),
                    _ => None,
                };
                let help = name.map(|name| format!("text with braces stands in quotes: `\"{{{name}}}\"`"));
                self.wrong(what, diags).map(|d| d.maybe_help(help));
            }
            _ => {
                self.wrong(what, diags);
            }
        }
        None
    }

    /// The items.
    pub fn as_list<'a>(&'a self, what: &str, diags: &mut Diags) -> Option<&'a [Node]> {
        match &self.value {
            Value::List(items) => return Some(items),
            Value::Text { text, .. } if text.len() <= 60 && !text.contains('\n') => {
                self.wrong(what, diags).map(|d| d.help(format!("a list stands in brackets: `[{text}]`")));
            }
            Value::Null => {
                self.wrong(what, diags).map(|d| d.help("an empty list is `[]`"));
            }
            _ => {
                self.wrong(what, diags);
            }
        }
        None
    }

    /// The entries, in the order of the file.
    pub fn as_map<'a>(&'a self, what: &str, diags: &mut Diags) -> Option<&'a [(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => return Some(entries),
            Value::Null => {
                self.wrong(what, diags).map(|d| d.help("an empty map is `{}`"));
            }
            Value::List(_) => {
                self.wrong(what, diags)
                    .map(|d| d.help("the entries of a map are `key: value`, without `- `"));
            }
            _ => {
                self.wrong(what, diags);
            }
        }
        None
    }

    /// A switch: `true`, or `false` or a plain `off`.
    pub fn as_bool(&self, what: &str, diags: &mut Diags) -> Option<bool> {
        if self.is_off() {
            return Some(false);
        }
        match &self.value {
            Value::Bool(on) => Some(*on),
            value => {
                let help = match value {
                    Value::Text { text, .. } => match text.to_ascii_lowercase().as_str() {
                        "true" | "yes" | "on" | "y" | "1" => "write `true`",
                        "false" | "no" | "off" | "n" | "0" => "write `false`",
                        _ => "write `true` or `false`",
                    },
                    _ => "write `true` or `false`",
                };
                self.wrong(what, diags).map(|d| d.help(help));
                None
            }
        }
    }

    /// A whole number from 0 to 4,294,967,295, written plainly.
    pub fn as_u32(&self, what: &str, diags: &mut Diags) -> Option<u32> {
        let help = match &self.value {
            Value::Text { text, plain } => {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                match text.parse() {
                    Ok(number) if digits && *plain => return Some(number),
                    Ok(_) if digits => "write it without quotes",
                    _ if digits => "the largest number is 4294967295",
                    _ => "write a whole number, such as `12`",
                }
            }
            _ => "write a whole number, such as `12`",
        };
        self.wrong(what, diags).map(|d| d.help(help));
        None
    }

    /// Reports `wrong_type`: `what` was expected here. What is broken has been reported before.
    fn wrong<'d>(
        &self,
        what: &str,
        diags: &'d mut Diags,
    ) -> Option<&'d mut crate::policy::diagnostic::Diagnostic> {
        let found = match &self.value {
            Value::Broken => return None,
            Value::Bool(on) => format!("`{on}`"),
            Value::Text { text, .. } => format!("`{}`", shown(text)),
            _ => self.kind().to_owned(),
        };
        Some(diags.error(self.span, "wrong_type", format!("expected {what}, found {found}")))
    }
}

/// A map read field by field. Keys that are not known are a mistake each.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    entries: &'a [(Key, Node)],
    span: Span,
}

impl<'a> Fields<'a> {
    /// The fields of a map; `what` names what was expected (`a role`), `known` are all keys that may occur.
    pub fn of(node: &'a Node, what: &str, known: &[&str], diags: &mut Diags) -> Option<Fields<'a>> {
        let entries = node.as_map(what, diags)?;
        for (key, _) in entries {
            if !known.contains(&key.text.as_str()) {
                let help = suggestion(&key.text, known);
                diags
                    .error(key.span, "unknown_key", format!("unknown key `{}` in {what}", shown(&key.text)))
                    .maybe_help(help);
            }
        }
        Some(Fields { entries, span: node.span })
    }

    /// The value of a key, if the key is there.
    pub fn get(&self, name: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// The value of a key that must be there.
    pub fn need(&self, name: &str, diags: &mut Diags) -> Option<&'a Node> {
        let found = self.get(name);
        if found.is_none() {
            diags
                .error(self.span, "missing_key", format!("`{name}` is missing"))
                .help(format!("add `{name}: ...`"));
        }
        found
    }

    /// Where a key is; the map, if it is not there.
    pub fn key_span(&self, name: &str) -> Span {
        self.entries.iter().find(|(key, _)| key.text == name).map_or(self.span, |(key, _)| key.span)
    }

    /// Where the map is.
    pub fn span(&self) -> Span {
        self.span
    }
}

/// One of a few words. `false` is read as `off` where `off` is one of them.
pub fn choose<T: Copy>(node: &Node, what: &str, words: &[(&'static str, T)], diags: &mut Diags) -> Option<T> {
    let find = |word: &str| words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    if node.is_off()
        && let Some(value) = find("off")
    {
        return Some(value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let Value::Text { text, .. } = &node.value else {
        if let Some(diagnostic) = node.wrong(what, diags) {
            diagnostic.help(format!("write {}", listed(&known)));
        }
        return None;
    };
    let value = find(text);
    if value.is_none() {
        diags
            .error(node.span, "unknown_word", format!("expected {what}, found `{}`", shown(text)))
            .maybe_help(suggestion(text, &known));
    }
    value
}

/// The nearest of the known words, else all of them.
pub(super) fn suggestion(name: &str, known: &[&str]) -> Option<String> {
    match nearest(name, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", listed(known))),
    }
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// As much of a text as a message can bear.
pub(super) fn shown(text: &str) -> String {
    if text.chars().count() <= 80 {
        return text.to_owned();
    }
    text.chars().take(77).chain("...".chars()).collect()
}
