//! callout: calls an Apex REST class of Salesforce and keeps the texts that it returns.

use super::lookup::Lookup;
use super::{failure, leave};
use crate::flow::audio::Audio;
use crate::flow::context::{Call, Exit};
use crate::flow::finding::Code;
use crate::flow::json::below;
use crate::flow::lookup::{Callout, LookupError, Question, Reply};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading, template_value, templates_schema, wrong_type};
use crate::flow::template::Template;
use crate::flow::variables::{VALUE_BYTES_MAX, VariableValue};
use serde_json::Value;
use std::ops::ControlFlow;
use std::time::Duration;

pub const FIELDS: [Field; 5] = [
    ("path", "The path of the Apex REST class, as in /callflow/owner."),
    ("input", "Names and values that the class is given; variables are filled in."),
    ("saveAs", "The name of the variable that keeps the texts of the reply."),
    ("timeoutSec", "How long the reply is waited for, in seconds."),
    ("waitAudio", "What the caller hears where the reply takes longer than a second; silence without it."),
];
/// Parameters of an Apex method: it cannot have more than 32.
const INPUT_MAX: usize = 32;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    path: String,
    input: Vec<(String, Template)>,
    save_as: Option<String>,
    timeout: Duration,
    wait_audio: Option<Audio>,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let path = fields.required_text("path", 500, reading).unwrap_or_default();
        let is_path = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        if !path.is_empty() && (!path.chars().all(is_path) || path.split('/').any(|part| part == "..")) {
            reading.error(
                Code::E03,
                &fields.at("path"),
                "This is no path of an Apex REST class.",
                "Write the class's urlMapping, as in `/callflow/owner`.",
            );
        }
        Config {
            path: path.to_owned(),
            input: read_input(fields, reading),
            save_as: fields.variable_name("saveAs", reading),
            timeout: Duration::from_secs(fields.number("timeoutSec", 1..=15, 8, reading).into()),
            wait_audio: Audio::read(fields, "waitAudio", reading),
        }
    }

    pub fn enter(&self, call: &mut Call) -> ControlFlow<Exit, Lookup> {
        let render = |(name, value): &(String, Template)| {
            (name.clone(), call.scope().render(value, VALUE_BYTES_MAX).text)
        };
        let input = self.input.iter().map(render).collect();
        let question = Question::Callout(Callout { path: self.path.clone(), input, timeout: self.timeout });
        let audio = self.wait_audio.as_ref();
        ControlFlow::Continue(Lookup::start(question, self.timeout, audio, call))
    }

    pub fn replied(&self, result: Result<Reply, LookupError>, call: &mut Call) -> ControlFlow<Exit> {
        let reply = match result {
            Ok(Reply::Callout(reply)) => reply,
            Ok(_) => return failure("callout_failed", "The reply is none to a callout."),
            Err(error) => return failure(error.code, error.message),
        };
        if let Some((key, _)) = reply.iter().find(|(_, value)| !value.is_string() && !value.is_null()) {
            return failure("callout_not_flat", format!("`{key}` of the reply is no text."));
        }
        if let Some(name) = &self.save_as
            && let Err(error) = call.state.variables.set_reply(name, VariableValue::Json(reply.into()))
        {
            return failure("variable_refused", format!("`{name}`: {error}."));
        }
        leave(Port::Next)
    }
}

fn read_input(fields: &Fields, reading: &mut Reading) -> Vec<(String, Template)> {
    let pointer = fields.at("input");
    fields.describe("input", reading, || templates_schema(INPUT_MAX, VALUE_BYTES_MAX));
    let input = match fields.get("input") {
        None => return Vec::new(),
        Some(Value::Object(input)) => input,
        Some(other) => {
            wrong_type(reading, &pointer, "an object of names and values", other);
            return Vec::new();
        }
    };
    if input.len() > INPUT_MAX {
        let message = format!("`input` has {} entries.", input.len());
        reading.error(Code::E14, &pointer, message, format!("At most {INPUT_MAX} are allowed."));
    }
    let mut read = Vec::new();
    for (name, value) in input.iter().take(INPUT_MAX) {
        let at = below(&pointer, name);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_name) {
            reading.error(Code::E03, &at, "This is no name of an Apex parameter.", "Letters, digits and _.");
        }
        if let Some(value) = template_value(value, name, &at, VALUE_BYTES_MAX, reading) {
            read.push((name.clone(), value));
        }
    }
    read
}
