//! prompt: collects digits.

use super::ask::{Answer, Ask, Manner};
use super::menu::special_or;
use super::{failure, leave};
use crate::clock::Instant;
use crate::flow::audio::Audio;
use crate::flow::context::{Call, Exit};
use crate::flow::finding::{Code, quoted};
use crate::flow::pattern::{PATTERN_CHARS_MAX, Pattern};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::variables::VariableValue;
use crate::flow::{BuiltIn, Event, Sound};
use std::ops::ControlFlow;
use std::time::Duration;

pub const FIELDS: [Field; 16] = [
    ("prompt", "The question that the caller hears."),
    ("retryPrompt", "What is heard in its place when it is asked again."),
    ("invalidPrompt", "What is heard when it is asked again because of wrong digits."),
    (
        "saveAs",
        "The name of the variable that keeps the digits; NAME_status says how it went (ok, no_input, invalid).",
    ),
    ("minDigits", "How many digits are wanted at least."),
    ("maxDigits", "How many digits are taken at most; the last one ends the input."),
    ("finishKey", "The key that ends the input and is not part of it."),
    ("cancelKey", "The key that throws away what was typed and asks again; none without it."),
    ("timeoutSec", "How long the first digit is waited for after the question, in seconds."),
    ("interDigitSec", "How long each further digit is waited for, in seconds."),
    (
        "attempts",
        "How often nothing may be pressed, and how often something wrong, before the port no_input or invalid is taken.",
    ),
    ("pattern", "A regular expression that the whole input must fit."),
    ("confirm", "Whether the digits are read back and 1 has to be pressed (readback)."),
    ("sensitive", "Whether the digits are left out of logs, events and the call record."),
    ("bargeIn", "Whether a key ends the question; the key counts."),
    ("typeAhead", "Whether keys that were pressed before the question count."),
];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    prompt: Audio,
    retry_prompt: Option<Audio>,
    invalid_prompt: Option<Audio>,
    save_as: String,
    min_digits: usize,
    max_digits: usize,
    finish_key: Option<char>,
    cancel_key: Option<char>,
    manner: Manner,
    /// Tries for each of no-input and invalid. flows.md 1.4 rule 5.
    attempts: u32,
    pattern: Option<Pattern>,
    confirm: bool,
    pub sensitive: bool,
    /// The flow's, in which digits are read back.
    language: String,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let save_as = fields.variable_name("saveAs", reading);
        if fields.get("saveAs").is_none_or(|name| name.as_str() == Some("")) {
            fields.missing("saveAs", reading);
        }
        if let (Some(name), Some(step)) = (&save_as, reading.step) {
            reading.writes.push((step, format!("{name}_status")));
        }
        let min_digits = fields.number("minDigits", 0..=30, 1, reading);
        let max_digits = fields.number("maxDigits", 1..=30, 20, reading);
        if min_digits > max_digits {
            reading.error(
                Code::E14,
                &fields.at("minDigits"),
                format!("`minDigits` is {min_digits} and `maxDigits` is {max_digits}."),
                "The minimum must not be above the maximum.",
            );
        }
        let pattern = fields.text("pattern", PATTERN_CHARS_MAX, reading);
        Config {
            prompt: Audio::read_required(fields, "prompt", reading),
            retry_prompt: Audio::read(fields, "retryPrompt", reading),
            invalid_prompt: Audio::read(fields, "invalidPrompt", reading),
            save_as: save_as.unwrap_or_default(),
            min_digits: min_digits as usize,
            max_digits: max_digits as usize,
            finish_key: fields.choice(
                "finishKey",
                &[("#", Some('#')), ("*", Some('*')), ("none", None)],
                Some('#'),
                reading,
            ),
            cancel_key: read_cancel_key(fields, reading),
            manner: Manner {
                timeout: Duration::from_secs(fields.number("timeoutSec", 1..=60, 5, reading).into()),
                inter_digit: Duration::from_secs(fields.number("interDigitSec", 1..=15, 4, reading).into()),
                barge_in: fields.boolean("bargeIn", true, reading),
                type_ahead: fields.boolean("typeAhead", true, reading),
            },
            attempts: fields.number("attempts", 1..=5, 3, reading),
            pattern: pattern
                .and_then(|source| Pattern::compile(source, true, &fields.at("pattern"), reading)),
            confirm: fields.choice("confirm", &[("off", false), ("readback", true)], false, reading),
            sensitive: fields.boolean("sensitive", false, reading),
            language: reading.language.clone(),
        }
    }

    fn accepts(&self, typed: &str) -> bool {
        typed.len() >= self.min_digits && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(typed))
    }

    fn readback(&self, typed: &str) -> Vec<Sound> {
        let built_in = |prompt| Sound::BuiltIn { prompt, language: self.language.clone() };
        vec![
            built_in(BuiltIn::YouEntered),
            Sound::Digits { digits: typed.to_owned(), language: self.language.clone() },
            built_in(BuiltIn::ConfirmOptions),
        ]
    }
}

fn read_cancel_key(fields: &Fields, reading: &mut Reading) -> Option<char> {
    let key = fields.text("cancelKey", 4, reading)?;
    match key.chars().next() {
        _ if key == "none" => None,
        Some(c) if key.len() == 1 && (c.is_ascii_digit() || c == '*' || c == '#') => {
            if fields.get("finishKey").and_then(|v| v.as_str()).unwrap_or("#") == key {
                reading.error(
                    Code::E06,
                    &fields.at("cancelKey"),
                    format!("{} is `finishKey` as well.", quoted(key)),
                    "Take another key for one of them.",
                );
            }
            Some(c)
        }
        _ => {
            reading.error(
                Code::E03,
                &fields.at("cancelKey"),
                format!("{} is no key.", quoted(key)),
                "Take one of 0-9, * and #, or none.",
            );
            None
        }
    }
}

/// Collecting, or with `confirming` asking whether what was collected is right.
#[derive(Clone, PartialEq, Debug)]
pub struct Prompt {
    ask: Ask,
    typed: String,
    confirming: bool,
    no_inputs: u32,
    invalids: u32,
}

/// What is played next.
enum Question {
    Prompt,
    NoInput,
    Invalid,
    Readback,
}

impl Prompt {
    pub fn enter(config: &Config, call: &mut Call) -> ControlFlow<Exit, Prompt> {
        if !config.manner.type_ahead {
            call.state.keys.clear();
        }
        let ask = Ask::start(config.manner, |call| config.prompt.sounds(call), call);
        let mut prompt = Prompt { ask, typed: String::new(), confirming: false, no_inputs: 0, invalids: 0 };
        prompt.read_kept_keys(config, call)?;
        ControlFlow::Continue(prompt)
    }

    pub fn on_key(&mut self, config: &Config, key: char, call: &mut Call) -> ControlFlow<Exit> {
        if let Some(key) = self.ask.on_key(key, call) {
            self.press(config, key, call)?;
            self.read_kept_keys(config, call)?;
        }
        ControlFlow::Continue(())
    }

    pub fn on_event(&mut self, config: &Config, event: &Event, call: &mut Call) -> ControlFlow<Exit> {
        match self.ask.on_event(event, call) {
            Answer::Nothing => ControlFlow::Continue(()),
            Answer::PromptOver => self.read_kept_keys(config, call),
            Answer::NoInput => self.no_input(config, call),
            Answer::LastDigit => self.complete(config, call),
            Answer::Failure(message) => failure("audio_failed", message),
        }
    }

    pub fn takes_input(&self) -> bool {
        self.ask.takes_input()
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.ask.next_timeout()
    }

    pub fn abandon(self, call: &mut Call) {
        self.ask.abandon(call);
    }

    fn read_kept_keys(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        while let Some(key) = self.ask.next_kept_key(call) {
            self.press(config, key, call)?;
        }
        ControlFlow::Continue(())
    }

    fn press(&mut self, config: &Config, key: char, call: &mut Call) -> ControlFlow<Exit> {
        if self.confirming {
            return self.confirm(config, key, call);
        }
        if Some(key) == config.cancel_key {
            self.typed.clear();
            self.ask(config, Question::Prompt, call);
            return ControlFlow::Continue(());
        }
        if Some(key) == config.finish_key {
            return self.complete(config, call);
        }
        self.typed.push(key);
        if self.typed.len() >= config.max_digits {
            return self.complete(config, call);
        }
        ControlFlow::Continue(())
    }

    fn confirm(&mut self, config: &Config, key: char, call: &mut Call) -> ControlFlow<Exit> {
        match key {
            '1' => self.accept(config, call),
            '2' => {
                self.confirming = false;
                self.typed.clear();
                self.ask(config, Question::Prompt, call);
                ControlFlow::Continue(())
            }
            _ => self.invalid(config, call),
        }
    }

    /// What was typed is all there will be.
    fn complete(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        if !config.accepts(&self.typed) {
            return self.invalid(config, call);
        }
        if config.confirm && !self.typed.is_empty() {
            self.confirming = true;
            self.ask(config, Question::Readback, call);
            return ControlFlow::Continue(());
        }
        self.accept(config, call)
    }

    fn accept(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        let value = VariableValue::Text(std::mem::take(&mut self.typed));
        if let Err(error) = call.set(&config.save_as, value, config.sensitive) {
            return failure("variable_refused", error.to_string());
        }
        self.finish(config, "ok", Port::Next, call)
    }

    fn no_input(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        self.no_inputs += 1;
        if self.no_inputs >= config.attempts {
            return self.finish(config, "no_input", Port::NoInput, call);
        }
        self.ask(config, if self.confirming { Question::Readback } else { Question::NoInput }, call);
        ControlFlow::Continue(())
    }

    fn invalid(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        self.invalids += 1;
        if self.invalids >= config.attempts {
            return self.finish(config, "invalid", Port::Invalid, call);
        }
        if self.confirming {
            self.ask(config, Question::Readback, call);
        } else {
            self.typed.clear();
            self.ask(config, Question::Invalid, call);
        }
        ControlFlow::Continue(())
    }

    fn ask(&mut self, config: &Config, question: Question, call: &mut Call) {
        let retry = config.retry_prompt.as_ref();
        let typed = &self.typed;
        let sounds = |call: &Call| match question {
            Question::Prompt => config.prompt.sounds(call),
            Question::NoInput => special_or(None, retry, &config.prompt).sounds(call),
            Question::Invalid => {
                special_or(config.invalid_prompt.as_ref(), retry, &config.prompt).sounds(call)
            }
            Question::Readback => config.readback(typed),
        };
        self.ask = Ask::start(config.manner, sounds, call);
    }

    fn finish(&mut self, config: &Config, status: &str, port: Port, call: &mut Call) -> ControlFlow<Exit> {
        let name = format!("{}_status", config.save_as);
        if let Err(error) = call.set(&name, VariableValue::Text(status.to_owned()), false) {
            return failure("variable_refused", error.to_string());
        }
        leave(port)
    }
}
