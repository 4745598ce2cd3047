//! tag: writes a word about the call into its record, at once.

use crate::flow::context::{Call, Exit};
use crate::flow::finding::{Code, quoted};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::template::Template;
use crate::flow::variables::{MASK, is_variable_name};
use crate::flow::{Action, LogEvent};

pub const FIELDS: [Field; 2] = [
    (
        "key",
        "The name under which the value stands in the call record: a letter, then letters, digits and _.",
    ),
    ("value", "What stands there; variables are filled in."),
];
/// Longest value: tags are sorted and counted by, like a task's subject, and hold no documents.
const VALUE_CHARS_MAX: usize = 255;
/// Longest value in bytes; a character has four at most.
const VALUE_BYTES_MAX: usize = VALUE_CHARS_MAX * 4;
/// Most tags of one call: a record stays a line that people can read.
const TAGS_MAX: usize = 50;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    key: String,
    value: Template,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let key = fields.required_text("key", 40, reading).unwrap_or_default();
        if !key.is_empty() && !is_variable_name(key) {
            reading.error(
                Code::E03,
                &fields.at("key"),
                format!("{} is no key for a tag.", quoted(key)),
                "Start with a small letter; letters, digits and _ may follow, 40 in all.",
            );
        }
        Config { key: key.to_owned(), value: fields.required_template("value", VALUE_CHARS_MAX, reading) }
    }

    /// A key that is there already gets the new value. What is sensitive is masked: records are read by many.
    pub fn run(&self, call: &mut Call) -> Exit {
        let refused =
            |what: &str| Exit::Error { code: "tag_refused", message: format!("`{}`: {what}.", self.key) };
        let rendered = call.scope().render(&self.value, VALUE_BYTES_MAX);
        if rendered.cut || rendered.text.chars().count() > VALUE_CHARS_MAX {
            return refused("the value is longer than 255 characters");
        }
        let tags = &mut call.state.tags;
        if !tags.contains_key(&self.key) && tags.len() >= TAGS_MAX {
            return refused("the call has 50 tags already");
        }
        let value = if rendered.sensitive { MASK.to_owned() } else { rendered.text };
        tags.insert(self.key.clone(), value.clone());
        let step = call.step_id().to_owned();
        call.act(Action::Log(LogEvent::Tag { step, key: self.key.clone(), value }));
        Exit::Port(Port::Next)
    }
}
