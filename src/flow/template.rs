//! Templates of flows.md 1.2 rule 5: text with `{{path}}`, `{{path | filter}}` and `{{path | default: "x"}}`.
//!
//! Written by us, because this grammar is smaller than any library's: minijinja writes `default("x")`, liquid
//! brings tags and blocks, and both find an unknown filter only when they render, which is when a caller is on
//! the line. Here all of that is an error of parsing, with its place.
//!
//! ```text
//! template = *( text / "{{" path *( "|" filter ) "}}" )
//! path     = name *( "." segment )          ; at most 8 segments
//! filter   = "default" ":" argument / "digits" / "upper" / "lower" / "trim" / "last4" / "say_digits" / "e164"
//! argument = a string in "…" or '…' with \ before a quote or a backslash, or a number
//! ```
//!
//! A missing variable is empty text. Values are put in once: braces in a value stay what they are. Speech is
//! handed on as plain text, not SSML, so nothing is escaped there; in JSON, text is escaped as inside a string.

use super::variables::Scope;
use std::borrow::Cow;

/// A template that parses.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Debug)]
enum Part {
    Text(String),
    Value { path: Path, filters: Vec<Filter> },
}

/// A dotted name, such as `call.from`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    /// As written, without white space.
    pub full: String,
    root_end: usize,
}

#[derive(Clone, PartialEq, Debug)]
enum Filter {
    Default(String),
    Digits,
    Upper,
    Lower,
    Trim,
    Last4,
    SayDigits,
    E164,
}

/// Names of the filters, for messages.
pub(super) const FILTERS: [&str; 8] =
    ["default", "digits", "upper", "lower", "trim", "last4", "say_digits", "e164"];

/// Why a template does not parse. `at` counts characters from 0.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("The `{{{{` at character {at} has no `}}}}`.")]
    Unclosed { at: usize },
    #[error("At character {at} stands a statement (`{{%`); templates only put values in.")]
    Statement { at: usize },
    #[error("At character {at} a variable's name is expected.")]
    Name { at: usize },
    #[error("At character {at} a filter's name is expected.")]
    FilterName { at: usize },
    #[error("There is no filter `{name}` (character {at}).")]
    UnknownFilter { at: usize, name: String },
    #[error("The filter `{name}` at character {at} takes {} argument.", if *.takes { "an" } else { "no" })]
    Argument { at: usize, name: &'static str, takes: bool },
    #[error("At character {at} stands something unexpected; `|` or `}}}}` would fit.")]
    Unexpected { at: usize },
    #[error("The value at character {at} has more than {max} parts or filters.")]
    TooLong { at: usize, max: usize },
}

/// Longest path and longest chain of filters; nobody reads more.
const CHAIN_MAX: usize = 8;

/// How a value is written into its surroundings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Escape {
    Plain,
    /// Inside a JSON document; JSON values go in as they are.
    Json,
    /// Inside a URL: everything but the unreserved characters of RFC 3986 section 2.3.
    Url,
    /// Between the quotes of a SOQL text.
    Soql,
}

/// A filled-in template.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Rendered {
    pub text: String,
    /// It did not fit and was cut.
    pub cut: bool,
    /// A sensitive value is in it, more of it than its last four characters.
    pub sensitive: bool,
}

impl Template {
    pub fn parse(source: &str) -> Result<Template, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = Cursor { source, at: 0 };
        let mut text_start = 0;
        while let Some(offset) = source.get(rest.at..).and_then(|tail| tail.find('{')) {
            let open = rest.at + offset;
            match source.as_bytes().get(open + 1) {
                Some(b'%') => return Err(TemplateError::Statement { at: rest.char_index(open) }),
                Some(b'{') => {}
                _ => {
                    rest.at = open + 1;
                    continue;
                }
            }
            if text_start < open {
                parts.push(Part::Text(source[text_start..open].to_owned()));
            }
            rest.at = open + 2;
            parts.push(rest.value(open)?);
            text_start = rest.at;
        }
        if text_start < source.len() {
            parts.push(Part::Text(source[text_start..].to_owned()));
        }
        Ok(Template { parts })
    }

    /// The text itself, where there is nothing to fill in.
    pub fn as_constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Nothing at all.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The text before the first variable, and whether that is all.
    pub(super) fn beginning(&self) -> (&str, bool) {
        match self.parts.as_slice() {
            [] => ("", true),
            [Part::Text(text), rest @ ..] => (text, rest.is_empty()),
            _ => ("", false),
        }
    }

    /// The variable, where there is nothing else in it.
    pub(super) fn as_variable(&self) -> Option<&Path> {
        match self.parts.as_slice() {
            [Part::Value { path, filters }] if filters.is_empty() => Some(path),
            _ => None,
        }
    }

    /// What stands outside of single quotes, each text in quotes as `''`; an error where a variable does, or where a
    /// quote is not closed.
    pub(super) fn outside_quotes(&self) -> Result<String, ()> {
        let (mut outside, mut quoted, mut escaped) = (String::new(), false, false);
        for part in &self.parts {
            let Part::Text(text) = part else {
                if !quoted || escaped {
                    return Err(());
                }
                continue;
            };
            for c in text.chars() {
                if quoted && escaped {
                    escaped = false;
                } else if quoted && c == '\\' {
                    escaped = true;
                } else if c == '\'' {
                    quoted = !quoted;
                    outside.push(c);
                } else if !quoted {
                    outside.push(c);
                }
            }
        }
        if quoted { Err(()) } else { Ok(outside) }
    }

    /// Each variable that is read, and whether a default stands behind it.
    pub(super) fn reads(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value { path, filters } => {
                Some((path, filters.iter().any(|filter| matches!(filter, Filter::Default(_)))))
            }
        })
    }

    /// Fills in; the result is at most `bytes_max` long.
    pub(super) fn render(&self, scope: &Scope, escape: Escape, bytes_max: usize) -> Rendered {
        let mut out = Rendered { text: String::new(), cut: false, sensitive: false };
        for part in &self.parts {
            match part {
                Part::Text(text) => push_cut(&mut out, text, bytes_max),
                Part::Value { path, filters } => {
                    let found = scope.find(path);
                    let raw = escape == Escape::Json && found.is_json && filters.is_empty();
                    out.sensitive |=
                        found.sensitive && !filters.iter().any(|filter| matches!(filter, Filter::Last4));
                    let value = filters.iter().fold(found.text, |value, filter| filter.apply(value));
                    match escape {
                        Escape::Json if !raw => push_cut(&mut out, &json_escaped(&value), bytes_max),
                        Escape::Url => push_cut(&mut out, &url_escaped(&value), bytes_max),
                        Escape::Soql => push_cut(&mut out, &soql_escaped(&value), bytes_max),
                        _ => push_cut(&mut out, &value, bytes_max),
                    }
                }
            }
        }
        out
    }
}

impl Path {
    pub fn root(&self) -> &str {
        &self.full[..self.root_end]
    }

    /// What follows the root, without its dot.
    pub fn rest(&self) -> Option<&str> {
        self.full.get(self.root_end + 1..)
    }
}

impl Filter {
    fn apply<'a>(&self, value: Cow<'a, str>) -> Cow<'a, str> {
        match self {
            Filter::Default(text) if value.is_empty() => Cow::Owned(text.clone()),
            Filter::Default(_) => value,
            Filter::Digits => Cow::Owned(value.chars().filter(char::is_ascii_digit).collect()),
            Filter::Upper => Cow::Owned(value.to_uppercase()),
            Filter::Lower => Cow::Owned(value.to_lowercase()),
            Filter::Trim => Cow::Owned(value.trim().to_owned()),
            Filter::Last4 => {
                let start = value.char_indices().rev().nth(3).map_or(0, |(i, _)| i);
                Cow::Owned(value[start..].to_owned())
            }
            Filter::SayDigits => Cow::Owned(say_digits(&value)),
            Filter::E164 => Cow::Owned(e164(&value)),
        }
    }
}

/// "415" to "4 1 5", so that a voice reads digits and no number.
fn say_digits(value: &str) -> String {
    let mut text = String::with_capacity(value.len() * 2);
    for c in value.chars().filter(|c| c.is_alphanumeric() || "+*#".contains(*c)) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push(c);
    }
    text
}

/// A telephone number with a plus, by its digits alone: `+…` and `00…` and `011…` are international, ten digits
/// (or eleven that start with 1) are North American; anything else stays its bare digits, because no country is
/// known here. No table of numbers is asked: a template must not cost what a first look-up there does.
fn e164(value: &str) -> String {
    let trimmed = value.trim();
    let digits: String = trimmed.chars().filter(char::is_ascii_digit).collect();
    let international = |number: &str| match number.len() {
        1..=15 => format!("+{number}"),
        _ => number.to_owned(),
    };
    if digits.is_empty() {
        String::new()
    } else if trimmed.starts_with('+') {
        international(&digits)
    } else if let Some(number) = digits.strip_prefix("011").or_else(|| digits.strip_prefix("00")) {
        international(number)
    } else if digits.len() == 10 && !digits.starts_with(['0', '1']) {
        format!("+1{digits}")
    } else if digits.len() == 11 && digits.starts_with('1') {
        format!("+{digits}")
    } else {
        digits
    }
}

/// As one part of a URL or a form: all but the unreserved characters of RFC 3986 section 2.3 as `%XX`.
pub fn url_escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// As the SOQL reference wants it; other control characters have no place in a value.
pub fn soql_escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\'' | '"' | '\\' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// As between the quotes of a JSON string, RFC 8259 section 7.
fn json_escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

fn push_cut(out: &mut Rendered, text: &str, bytes_max: usize) {
    let room = bytes_max.saturating_sub(out.text.len());
    if text.len() <= room {
        out.text.push_str(text);
    } else {
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        out.text.push_str(&text[..end]);
        out.cut = true;
    }
}

/// A place in a template's source.
struct Cursor<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A byte's place in characters, which an error names. It counts from the beginning: not for each value of a text.
    fn char_index(&self, byte: usize) -> usize {
        self.source.char_indices().take_while(|(i, _)| *i < byte).count()
    }

    fn here(&self) -> usize {
        self.char_index(self.at)
    }

    fn tail(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let tail = self.tail();
        self.at += tail.len() - tail.trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.tail().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn word(&mut self) -> &'a str {
        let tail = self.tail();
        let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(tail.len());
        self.at += end;
        &tail[..end]
    }

    /// All between `{{` (at `open`) and `}}`.
    fn value(&mut self, open: usize) -> Result<Part, TemplateError> {
        let path = self.path(open)?;
        let mut filters = Vec::new();
        loop {
            self.skip_space();
            if self.take("}}") {
                return Ok(Part::Value { path, filters });
            }
            if self.tail().is_empty() {
                return Err(TemplateError::Unclosed { at: self.char_index(open) });
            }
            if !self.take("|") {
                return Err(TemplateError::Unexpected { at: self.here() });
            }
            if filters.len() == CHAIN_MAX {
                return Err(TemplateError::TooLong { at: self.char_index(open), max: CHAIN_MAX });
            }
            filters.push(self.filter()?);
        }
    }

    fn path(&mut self, open: usize) -> Result<Path, TemplateError> {
        self.skip_space();
        let start = self.at;
        let root = self.word();
        if !root.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(TemplateError::Name { at: self.char_index(start) });
        }
        for _ in 0..CHAIN_MAX {
            if !self.take(".") {
                let full = self.source[start..self.at].to_owned();
                return Ok(Path { full, root_end: root.len() });
            }
            if self.word().is_empty() {
                return Err(TemplateError::Name { at: self.here() });
            }
        }
        Err(TemplateError::TooLong { at: self.char_index(open), max: CHAIN_MAX })
    }

    fn filter(&mut self) -> Result<Filter, TemplateError> {
        self.skip_space();
        let start = self.at;
        let (name, filter) = match self.word() {
            "default" => return self.argument(start).map(Filter::Default),
            "digits" => ("digits", Filter::Digits),
            "upper" => ("upper", Filter::Upper),
            "lower" => ("lower", Filter::Lower),
            "trim" => ("trim", Filter::Trim),
            "last4" => ("last4", Filter::Last4),
            "say_digits" => ("say_digits", Filter::SayDigits),
            "e164" => ("e164", Filter::E164),
            "" => return Err(TemplateError::FilterName { at: self.char_index(start) }),
            other => {
                let at = self.char_index(start);
                return Err(TemplateError::UnknownFilter { at, name: other.chars().take(40).collect() });
            }
        };
        self.skip_space();
        if self.tail().starts_with(':') {
            return Err(TemplateError::Argument { at: self.char_index(start), name, takes: false });
        }
        Ok(filter)
    }

    /// The argument of the filter `default`, which begins at byte `filter`.
    fn argument(&mut self, filter: usize) -> Result<String, TemplateError> {
        let missing = |cursor: &Self| {
            let at = cursor.char_index(filter);
            TemplateError::Argument { at, name: "default", takes: true }
        };
        self.skip_space();
        if !self.take(":") {
            return Err(missing(self));
        }
        self.skip_space();
        let tail = self.tail();
        let quote = match tail.chars().next() {
            Some(quote @ ('"' | '\'')) => quote,
            Some(c) if c.is_ascii_digit() || c == '-' => {
                let end =
                    tail.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(tail.len());
                self.at += end;
                return Ok(tail[..end].to_owned());
            }
            _ => return Err(missing(self)),
        };
        let mut text = String::new();
        let mut chars = tail.char_indices().skip(1);
        while let Some((i, c)) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                c if c == quote => {
                    self.at += i + 1;
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(missing(self))
    }
}

#[cfg(test)]
mod tests;
