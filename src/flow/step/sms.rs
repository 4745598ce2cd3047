//! sms: sends a text message, by default without waiting for what becomes of it.

use super::lookup::{Lookup, ask};
use super::{failure, leave};
use crate::flow::context::{Call, Exit};
use crate::flow::finding::Code;
use crate::flow::lookup::{LookupError, Question, Reply, TextMessage};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::template::Template;
use std::ops::ControlFlow;
use std::time::Duration;

pub const FIELDS: [Field; 5] = [
    ("to", "The number that the message goes to; the caller's where it is left out."),
    ("from", "The number that it comes from; the dialled one where it is left out."),
    ("body", "The text of the message; variables are filled in."),
    ("oncePerCall", "Whether the step sends once in a call, however often the call comes to it."),
    (
        "waitForResult",
        "Whether the call waits for the provider's answer, 10 seconds at the most, and takes error where it was not sent.",
    ),
];
/// Longest message in characters: seven parts of GSM 7-bit text.
const BODY_CHARS_MAX: usize = 1_000;
/// How long a step that waits does so.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The caller where absent.
    to: Option<Template>,
    /// The dialled number where absent.
    from: Option<Template>,
    body: Template,
    once_per_call: bool,
    waits: bool,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let body = fields.required_template("body", BODY_CHARS_MAX, reading);
        if let Some(text) =
            body.as_constant().filter(|text| text.chars().all(char::is_whitespace) && !text.is_empty())
        {
            let message = format!("The message has {} blank characters and no text.", text.chars().count());
            reading.error(Code::E04, &fields.at("body"), message, "Write a text.");
        }
        Config {
            to: fields.template("to", 100, reading),
            from: fields.template("from", 100, reading),
            body,
            once_per_call: fields.boolean("oncePerCall", true, reading),
            waits: fields.boolean("waitForResult", false, reading),
        }
    }

    pub fn enter(&self, call: &mut Call) -> ControlFlow<Exit, Lookup> {
        let step = (call.flow.id().to_owned(), call.state.step);
        if self.once_per_call && call.state.messages_sent.contains(&step) {
            return leave(Port::Next);
        }
        let number = |template: &Option<Template>, otherwise: &str| match template {
            Some(template) => call.scope().render(template, 100).text.trim().to_owned(),
            None => otherwise.to_owned(),
        };
        let message = TextMessage {
            to: number(&self.to, &call.state.facts.from),
            from: number(&self.from, &call.state.facts.to),
            body: call
                .scope()
                .render(&self.body, BODY_CHARS_MAX * 4)
                .text
                .chars()
                .take(BODY_CHARS_MAX)
                .collect(),
        };
        if message.to.is_empty() {
            return failure("sms_no_number", "There is no number to send the message to.");
        }
        if message.body.trim().is_empty() {
            return failure("sms_empty", "The message came out empty.");
        }
        call.state.messages_sent.push(step);
        let question = Question::Sms(message);
        if self.waits {
            ControlFlow::Continue(Lookup::start(question, TIMEOUT, None, call))
        } else {
            ask(question, call);
            leave(Port::Next)
        }
    }

    pub fn replied(&self, result: Result<Reply, LookupError>) -> ControlFlow<Exit> {
        match result {
            Ok(Reply::Sms) => leave(Port::Next),
            Ok(_) => failure("sms_failed", "The reply is none to a message."),
            Err(error) => failure(error.code, error.message),
        }
    }
}
