//! Reads typed fields out of a document's tree and reports all that is wrong on the way.
//!
//! A reader always returns something to go on with (the default, an empty template), so that one mistake does
//! not hide the next; a document with an error is never run.

use super::finding::{Code, Report, nearest, quoted};
use super::json::below;
use super::schema::Description;
use super::template::{FILTERS, Template, TemplateError};
use super::variables::{OWNER_ID, RESERVED, is_variable_name};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// A variable that a template reads.
pub(super) struct Read {
    pub step: Option<usize>,
    pub path: String,
    pub root: String,
    pub has_default: bool,
    pub pointer: String,
}

/// A text without variables that will have to be spoken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Speech {
    pub text: String,
    pub language: String,
    pub voice: String,
}

/// What is gathered while a document is read.
#[derive(Default)]
pub(super) struct Reading {
    pub report: Report,
    /// The step being read; none in the settings.
    pub step: Option<usize>,
    /// The document's steps with their places.
    pub step_ids: BTreeMap<String, usize>,
    /// The flow's language and voice.
    pub language: String,
    pub voice: String,
    /// The flow's zone.
    pub zone: Option<jiff::tz::TimeZone>,
    pub reads: Vec<Read>,
    /// Variables that a step may set, by their first word.
    pub writes: Vec<(usize, String)>,
    /// Prompt files, with where they are named.
    pub prompts: Vec<(String, String)>,
    pub agents: Vec<(String, String)>,
    pub schedules: Vec<(String, String)>,
    pub lists: Vec<(String, String)>,
    pub flows: Vec<(String, String)>,
    /// Secrets by their names.
    pub secrets: Vec<(String, String)>,
    /// Beginnings of web addresses, with their hosts.
    pub web_addresses: Vec<(String, String)>,
    pub speech: BTreeSet<Speech>,
    /// How many regular expressions were compiled.
    pub patterns: usize,
    /// Where it is not a document that is read, but what readers ask for that is gathered.
    pub description: Option<Description>,
}

/// A field that an object may have, and what it means, in a sentence for people.
pub(super) type Field = (&'static str, &'static str);

/// An object of the document whose keys are known.
pub(super) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    pointer: String,
}

impl Reading {
    pub fn error(
        &mut self,
        code: Code,
        pointer: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.report.add(code, pointer, message, remedy);
    }

    /// The place of a step that is named at `pointer`; E02 where there is none.
    pub fn step_index(&mut self, id: &str, pointer: &str) -> Option<usize> {
        let found = self.step_ids.get(id).copied();
        if found.is_none() {
            let remedy = known_words(id, self.step_ids.keys().map(String::as_str));
            self.error(Code::E02, pointer, format!("There is no step {}.", quoted(id)), remedy);
        }
        found
    }

    /// A name that a variable may have.
    pub fn variable_name(&mut self, name: &str, pointer: &str) -> Option<String> {
        let (message, remedy) = if RESERVED.contains(&name) {
            (format!("The name {} belongs to the engine.", quoted(name)), "Take another name.")
        } else if !is_variable_name(name) {
            let remedy = "Start with a small letter; letters, digits and _ may follow, 40 in all.";
            (format!("{} is no name for a variable.", quoted(name)), remedy)
        } else {
            return Some(name.to_owned());
        };
        self.error(Code::E03, pointer, message, remedy);
        None
    }

    /// An item of a list of names that the step sets.
    pub fn written_name(&mut self, name: &Value, pointer: &str) -> Option<String> {
        if let Some(description) = &mut self.description {
            description.field(pointer.to_owned(), variable_schema());
            return None;
        }
        let Value::String(text) = name else {
            wrong_type(self, pointer, "the name of a variable", name);
            return None;
        };
        let name = self.variable_name(text, pointer)?;
        self.note_write(&name);
        Some(name)
    }

    /// Notes that the step being read may set a variable.
    fn note_write(&mut self, name: &str) {
        if let Some(step) = self.step {
            self.writes.push((step, name.to_owned()));
        }
    }

    /// The step being read goes by who calls, as the CRM knows it.
    pub fn reads_contact(&mut self, pointer: String) {
        let (path, root) = (OWNER_ID.to_owned(), OWNER_ID.to_owned());
        self.reads.push(Read { step: self.step, path, root, has_default: true, pointer });
    }

    /// Says that a field is read and does nothing yet.
    pub fn unused(&mut self, pointer: String, what: impl Display) {
        self.report.add(
            Code::N01,
            pointer,
            format!("{what} is not used by this version."),
            "Leave it in for a later version, or take it out.",
        );
    }

    /// Parses a template and notes what it reads.
    pub fn parse_template(&mut self, source: &str, pointer: &str) -> Template {
        match Template::parse(source) {
            Ok(template) => {
                for (path, has_default) in template.reads() {
                    self.reads.push(Read {
                        step: self.step,
                        path: path.full.clone(),
                        root: path.root().to_owned(),
                        has_default,
                        pointer: pointer.to_owned(),
                    });
                }
                template
            }
            Err(error) => {
                let remedy = match &error {
                    TemplateError::UnknownFilter { name, .. } => known_words(name, FILTERS),
                    _ => "Write {{name}} or {{name | filter}}.".to_owned(),
                };
                self.error(Code::E07, pointer, error.to_string(), remedy);
                Template::default()
            }
        }
    }
}

impl<'a> Fields<'a> {
    /// `value` as an object with no keys but `known`. An absent or broken object reads as an empty one.
    pub fn new(value: Option<&'a Value>, pointer: String, known: &[Field], reading: &mut Reading) -> Self {
        let map = match value {
            Some(Value::Object(map)) => Some(map),
            None | Some(Value::Null) => None,
            Some(other) => {
                wrong_type(reading, &pointer, "an object", other);
                None
            }
        };
        let fields = Fields { map, pointer };
        if let Some(description) = &mut reading.description {
            description.object(&fields.pointer, known);
        }
        for key in map.into_iter().flat_map(Map::keys) {
            if reading.report.is_full() {
                break;
            }
            if !known.iter().any(|(name, _)| name == key) {
                let pointer = fields.at(key);
                reading.error(
                    Code::E03,
                    &pointer,
                    format!("There is no field {} here.", quoted(key)),
                    known_words(key, known.iter().map(|(name, _)| *name)),
                );
            }
        }
        fields
    }

    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The pointer of one of its fields.
    pub fn at(&self, key: &str) -> String {
        below(&self.pointer, key)
    }

    /// A field; `null` counts as absent.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.and_then(|map| map.get(key)).filter(|value| !value.is_null())
    }

    /// Notes what a field may hold, where that is asked for.
    pub fn describe(&self, key: &str, reading: &mut Reading, schema: impl FnOnce() -> Value) {
        if let Some(description) = &mut reading.description {
            description.field(self.at(key), schema());
        }
    }

    pub fn missing(&self, key: &str, reading: &mut Reading) {
        let pointer = self.at(key);
        if let Some(description) = &mut reading.description {
            return description.required(pointer);
        }
        reading.error(Code::E04, &pointer, format!("`{key}` is required and empty."), "Fill it in.");
    }

    pub fn boolean(&self, key: &str, default: bool, reading: &mut Reading) -> bool {
        self.describe(key, reading, || json!({"type": "boolean", "default": default}));
        match self.get(key) {
            None => default,
            Some(Value::Bool(value)) => *value,
            Some(other) => {
                wrong_type(reading, &self.at(key), "true or false", other);
                default
            }
        }
    }

    /// A whole number within a range.
    pub fn number(&self, key: &str, range: RangeInclusive<u32>, default: u32, reading: &mut Reading) -> u32 {
        self.describe(key, reading, || {
            json!({"type": "integer", "minimum": range.start(), "maximum": range.end(), "default": default})
        });
        let Some(value) = self.get(key) else { return default };
        let Some(number) = value.as_f64() else {
            wrong_type(reading, &self.at(key), "a number", value);
            return default;
        };
        match value.as_u64().and_then(|number| u32::try_from(number).ok()) {
            Some(number) if range.contains(&number) => number,
            _ => {
                reading.error(
                    Code::E14,
                    &self.at(key),
                    format!("`{key}` is {number}."),
                    format!("Take a whole number from {} to {}.", range.start(), range.end()),
                );
                default
            }
        }
    }

    /// One of several words.
    pub fn choice<T: Copy + PartialEq>(
        &self,
        key: &str,
        words: &[(&str, T)],
        default: T,
        reading: &mut Reading,
    ) -> T {
        self.describe(key, reading, || {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let default = words.iter().find(|(_, value)| *value == default).map(|(word, _)| *word);
            json!({"enum": known, "default": default})
        });
        match self.get(key) {
            None => default,
            Some(Value::String(word)) => match words.iter().find(|(known, _)| known == word) {
                Some((_, value)) => *value,
                None => {
                    reading.error(
                        Code::E03,
                        &self.at(key),
                        format!("`{key}` cannot be {}.", quoted(word)),
                        known_words(word, words.iter().map(|(known, _)| *known)),
                    );
                    default
                }
            },
            Some(other) => {
                wrong_type(reading, &self.at(key), "a word", other);
                default
            }
        }
    }

    /// Text of at most `chars_max` characters; blank counts as absent.
    pub fn text(&self, key: &str, chars_max: usize, reading: &mut Reading) -> Option<&'a str> {
        self.describe(key, reading, || json!({"type": "string", "maxLength": chars_max}));
        match self.get(key)? {
            Value::String(text) => {
                check_length(text, key, chars_max, &self.at(key), reading);
                Some(text.as_str()).filter(|text| !text.trim().is_empty())
            }
            other => {
                wrong_type(reading, &self.at(key), "text", other);
                None
            }
        }
    }

    /// [`Fields::text`] that must be there.
    pub fn required_text(&self, key: &str, chars_max: usize, reading: &mut Reading) -> Option<&'a str> {
        let text = self.text(key, chars_max, reading);
        if text.is_none() && self.get(key).is_none_or(Value::is_string) {
            self.missing(key, reading);
        }
        text
    }

    /// A template; absent reads as `None`. A number is taken as its text.
    pub fn template(&self, key: &str, chars_max: usize, reading: &mut Reading) -> Option<Template> {
        self.describe(key, reading, || template_schema(chars_max));
        template_value(self.get(key)?, key, &self.at(key), chars_max, reading)
    }

    /// [`Fields::template`] that must be there.
    pub fn required_template(&self, key: &str, chars_max: usize, reading: &mut Reading) -> Template {
        match self.get(key) {
            Some(Value::String(text)) if text.trim().is_empty() => self.missing(key, reading),
            None => self.missing(key, reading),
            Some(_) => {}
        }
        self.template(key, chars_max, reading).unwrap_or_default()
    }

    /// The items of a list whose length is within a range; too many are cut off, so that nothing unbounded is read.
    pub fn list(
        &self,
        key: &str,
        length: RangeInclusive<usize>,
        reading: &mut Reading,
    ) -> Vec<(&'a Value, String)> {
        let pointer = self.at(key);
        self.describe(
            key,
            reading,
            || json!({"type": "array", "minItems": length.start(), "maxItems": length.end()}),
        );
        if reading.description.is_some() {
            if *length.start() > 0 {
                self.missing(key, reading);
            }
            return vec![(&Value::Null, format!("{pointer}/0"))];
        }
        let items = match self.get(key) {
            Some(Value::Array(items)) => items.as_slice(),
            None => &[],
            Some(other) => {
                wrong_type(reading, &pointer, "a list", other);
                return Vec::new();
            }
        };
        if items.is_empty() && *length.start() > 0 {
            self.missing(key, reading);
        } else if !length.contains(&items.len()) {
            reading.error(
                Code::E14,
                &pointer,
                format!("`{key}` has {} entries.", items.len()),
                format!("{} to {} are allowed.", length.start(), length.end()),
            );
        }
        let numbered = items.iter().take(*length.end()).enumerate();
        numbered.map(|(i, item)| (item, format!("{pointer}/{i}"))).collect()
    }

    /// The name of a variable that the step sets.
    pub fn variable_name(&self, key: &str, reading: &mut Reading) -> Option<String> {
        self.describe(key, reading, variable_schema);
        let name = self.text(key, 40, reading)?;
        let name = reading.variable_name(name, &self.at(key))?;
        reading.note_write(&name);
        Some(name)
    }
}

/// What a template may be, for the schema.
pub(super) fn template_schema(chars_max: usize) -> Value {
    json!({"type": ["string", "number"], "maxLength": chars_max})
}

/// What the name of a variable may be, for the schema.
pub(super) fn variable_schema() -> Value {
    json!({"type": "string", "pattern": "^[a-z][a-zA-Z0-9_]{0,39}$"})
}

/// An object whose keys are names of the author's and whose values are templates, for the schema.
pub(super) fn templates_schema(length_max: usize, chars_max: usize) -> Value {
    json!({"type": "object", "maxProperties": length_max, "additionalProperties": template_schema(chars_max)})
}

/// A template from a string or a number.
pub(super) fn template_value(
    value: &Value,
    key: &str,
    pointer: &str,
    chars_max: usize,
    reading: &mut Reading,
) -> Option<Template> {
    match value {
        Value::String(text) => {
            check_length(text, key, chars_max, pointer, reading);
            Some(reading.parse_template(text, pointer))
        }
        Value::Number(number) => Template::parse(&number.to_string()).ok(),
        other => {
            wrong_type(reading, pointer, "text", other);
            None
        }
    }
}

/// "Known here are …; did you mean …?"
pub(super) fn known_words<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => {
            const SHOWN_MAX: usize = 40;
            let mut known = known.into_iter();
            let list: Vec<_> = known.by_ref().take(SHOWN_MAX).map(|word| format!("`{word}`")).collect();
            let rest = if known.next().is_some() { ", …" } else { "" };
            if list.is_empty() {
                "Take it out.".to_owned()
            } else {
                format!("Known are {}{rest}.", list.join(", "))
            }
        }
    }
}

pub(super) fn wrong_type(reading: &mut Reading, pointer: &str, wanted: &str, found: &Value) {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    reading.error(Code::E03, pointer, format!("Here stands {found}."), format!("It must be {wanted}."));
}

fn check_length(text: &str, key: &str, chars_max: usize, pointer: &str, reading: &mut Reading) {
    let chars = text.chars().count();
    if chars > chars_max {
        reading.error(
            Code::E14,
            pointer,
            format!("`{key}` has {chars} characters."),
            format!("At most {chars_max} are allowed."),
        );
    }
}
