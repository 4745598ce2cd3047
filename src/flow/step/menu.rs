//! menu: one choice.

use super::ask::{Answer, Ask, Manner};
use super::{failure, leave};
use crate::clock::Instant;
use crate::flow::audio::{Audio, Heard, Playing};
use crate::flow::context::{Call, Exit};
use crate::flow::finding::{Code, quoted};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::variables::VariableValue;
use crate::flow::{Event, Party};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::time::Duration;

pub const FIELDS: [Field; 13] = [
    ("prompt", "The question that the caller hears."),
    ("retryPrompt", "What is heard in its place when it is asked again."),
    ("noInputPrompt", "What is heard when it is asked again because nothing was pressed."),
    ("invalidPrompt", "What is heard when it is asked again because of a wrong key."),
    (
        "options",
        "What may be pressed: one to four of 0-9, * and #, each with a label for people; each becomes a port.",
    ),
    ("timeoutSec", "How long the first key is waited for after the question, in seconds."),
    ("interDigitSec", "How long a further key is waited for where one could follow, in seconds."),
    ("maxNoInput", "How often nothing may be pressed before the port no_input is taken."),
    ("maxInvalid", "How often something wrong may be pressed before the port invalid is taken."),
    ("bargeIn", "Whether a key ends the question; the key counts."),
    ("typeAhead", "Whether keys that were pressed before the question count."),
    ("saveAs", "The name of the variable that keeps what was pressed."),
    ("failPrompt", "What is heard before no_input or invalid is taken."),
];
const OPTION_FIELDS: [Field; 1] = [("label", "What the key stands for, for people.")];
/// One for each key of a telephone.
const OPTIONS_MAX: usize = 12;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    prompt: Audio,
    retry_prompt: Option<Audio>,
    no_input_prompt: Option<Audio>,
    invalid_prompt: Option<Audio>,
    fail_prompt: Option<Audio>,
    /// The key strings, in the order of the document.
    pub options: Vec<String>,
    manner: Manner,
    max_no_input: u32,
    max_invalid: u32,
    save_as: Option<String>,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        Config {
            prompt: Audio::read_required(fields, "prompt", reading),
            retry_prompt: Audio::read(fields, "retryPrompt", reading),
            no_input_prompt: Audio::read(fields, "noInputPrompt", reading),
            invalid_prompt: Audio::read(fields, "invalidPrompt", reading),
            fail_prompt: Audio::read(fields, "failPrompt", reading),
            options: read_options(fields, reading),
            manner: Manner {
                timeout: Duration::from_secs(fields.number("timeoutSec", 1..=60, 5, reading).into()),
                inter_digit: Duration::from_secs(fields.number("interDigitSec", 1..=10, 3, reading).into()),
                barge_in: fields.boolean("bargeIn", true, reading),
                type_ahead: fields.boolean("typeAhead", true, reading),
            },
            max_no_input: fields.number("maxNoInput", 1..=5, 3, reading),
            max_invalid: fields.number("maxInvalid", 1..=5, 3, reading),
            save_as: fields.variable_name("saveAs", reading),
        }
    }

    /// What the keys typed so far amount to. flows.md 1.4 rule 4.
    fn judge(&self, typed: &str) -> Judgement {
        let exact = self.options.iter().position(|option| option == typed);
        let longer =
            self.options.iter().any(|option| option.len() > typed.len() && option.starts_with(typed));
        match (exact, longer) {
            (Some(option), false) => Judgement::Chosen(option),
            (_, true) => Judgement::Open,
            (None, false) => Judgement::Invalid,
        }
    }

    fn retry<'a>(&'a self, special: Option<&'a Audio>) -> &'a Audio {
        special_or(special, self.retry_prompt.as_ref(), &self.prompt)
    }
}

/// The first of the three that is there: what is said when a question is asked again.
pub fn special_or<'a>(special: Option<&'a Audio>, retry: Option<&'a Audio>, prompt: &'a Audio) -> &'a Audio {
    special.or(retry).unwrap_or(prompt)
}

fn read_options(fields: &Fields, reading: &mut Reading) -> Vec<String> {
    let pointer = fields.at("options");
    fields.describe("options", reading, || {
        let option = json!({"type": "object", "additionalProperties": false, "properties": {"label": {"type": "string", "maxLength": 60, "description": OPTION_FIELDS[0].1}}});
        json!({"type": "object", "minProperties": 1, "maxProperties": OPTIONS_MAX,
            "propertyNames": {"pattern": "^[0-9*#]{1,4}$"}, "additionalProperties": option})
    });
    let map = match fields.get("options") {
        Some(Value::Object(map)) if !map.is_empty() => map,
        Some(other) if !other.is_object() => {
            super::super::reading::wrong_type(reading, &pointer, "an object of keys", other);
            return Vec::new();
        }
        _ => {
            fields.missing("options", reading);
            return Vec::new();
        }
    };
    if map.len() > OPTIONS_MAX {
        reading.error(
            Code::E14,
            &pointer,
            format!("This menu has {} options.", map.len()),
            "At most 12 are allowed; use a second menu.",
        );
    } else if map.len() > 5 {
        reading.report.add(
            Code::W10,
            pointer.clone(),
            format!("This menu has {} options; few callers remember more than five.", map.len()),
            "Put some into a second menu.",
        );
    }
    let mut options = Vec::new();
    for (key, option) in map.iter().take(OPTIONS_MAX) {
        let mut pointer = pointer.clone();
        super::super::json::push_segment(&mut pointer, key);
        if !(1..=4).contains(&key.len()) || !key.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#') {
            reading.error(
                Code::E03,
                &pointer,
                format!("{} cannot be keyed in.", quoted(key)),
                "Take one to four of 0-9, * and #.",
            );
        }
        let option = Fields::new(Some(option), pointer, &OPTION_FIELDS, reading);
        option.text("label", 200, reading);
        options.push(key.clone());
    }
    options
}

enum Judgement {
    Chosen(usize),
    /// More keys may follow.
    Open,
    Invalid,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Menu {
    Asking {
        ask: Ask,
        typed: String,
        no_inputs: u32,
        invalids: u32,
    },
    /// The last failure is told to the caller. flows.md 1.4 rule 6.
    Failing {
        playing: Playing,
        port: Port,
    },
}

impl Menu {
    pub fn enter(config: &Config, call: &mut Call) -> ControlFlow<Exit, Menu> {
        if !config.manner.type_ahead {
            call.state.keys.clear();
        }
        let ask = Ask::start(config.manner, |call| config.prompt.sounds(call), call);
        let mut menu = Menu::Asking { ask, typed: String::new(), no_inputs: 0, invalids: 0 };
        menu.read_kept_keys(config, call)?;
        ControlFlow::Continue(menu)
    }

    pub fn on_key(&mut self, config: &Config, key: char, call: &mut Call) -> ControlFlow<Exit> {
        match self {
            Menu::Asking { ask, .. } => match ask.on_key(key, call) {
                Some(key) => {
                    self.press(config, key, call)?;
                    self.read_kept_keys(config, call)
                }
                None => ControlFlow::Continue(()),
            },
            Menu::Failing { .. } => {
                call.keep_key(key);
                ControlFlow::Continue(())
            }
        }
    }

    pub fn on_event(&mut self, config: &Config, event: &Event, call: &mut Call) -> ControlFlow<Exit> {
        match self {
            Menu::Asking { ask, typed, .. } => match ask.on_event(event, call) {
                Answer::Nothing => ControlFlow::Continue(()),
                Answer::PromptOver => self.read_kept_keys(config, call),
                Answer::NoInput => self.no_input(config, call),
                Answer::LastDigit => match config.options.iter().position(|option| option == typed) {
                    Some(option) => choose(config, option, call),
                    None => self.invalid(config, call),
                },
                Answer::Failure(message) => failure("audio_failed", message),
            },
            Menu::Failing { playing, port } => match playing.on_event(event, call) {
                Heard::Nothing => ControlFlow::Continue(()),
                Heard::End => leave(*port),
                Heard::Failure(message) => failure("audio_failed", message),
            },
        }
    }

    pub fn takes_input(&self) -> bool {
        matches!(self, Menu::Asking { ask, .. } if ask.takes_input())
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match self {
            Menu::Asking { ask, .. } => ask.next_timeout(),
            Menu::Failing { playing, .. } => playing.next_timeout(),
        }
    }

    pub fn abandon(self, call: &mut Call) {
        match self {
            Menu::Asking { ask, .. } => ask.abandon(call),
            Menu::Failing { playing, .. } => playing.stop(call),
        }
    }

    fn read_kept_keys(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        while let Menu::Asking { ask, .. } = self
            && let Some(key) = ask.next_kept_key(call)
        {
            self.press(config, key, call)?;
        }
        ControlFlow::Continue(())
    }

    fn press(&mut self, config: &Config, key: char, call: &mut Call) -> ControlFlow<Exit> {
        let Menu::Asking { typed, .. } = self else { return ControlFlow::Continue(()) };
        typed.push(key);
        match config.judge(typed) {
            Judgement::Chosen(option) => choose(config, option, call),
            Judgement::Open => ControlFlow::Continue(()),
            Judgement::Invalid => self.invalid(config, call),
        }
    }

    fn no_input(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        let Menu::Asking { no_inputs, .. } = self else { return ControlFlow::Continue(()) };
        *no_inputs += 1;
        if *no_inputs >= config.max_no_input {
            return self.fail(config, Port::NoInput, call);
        }
        self.ask_again(config, config.retry(config.no_input_prompt.as_ref()), call)
    }

    fn invalid(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        let Menu::Asking { invalids, .. } = self else { return ControlFlow::Continue(()) };
        *invalids += 1;
        if *invalids >= config.max_invalid {
            return self.fail(config, Port::Invalid, call);
        }
        self.ask_again(config, config.retry(config.invalid_prompt.as_ref()), call)
    }

    fn ask_again(&mut self, config: &Config, audio: &Audio, call: &mut Call) -> ControlFlow<Exit> {
        if let Menu::Asking { ask, typed, .. } = self {
            typed.clear();
            *ask = Ask::start(config.manner, |call| audio.sounds(call), call);
        }
        ControlFlow::Continue(())
    }

    fn fail(&mut self, config: &Config, port: Port, call: &mut Call) -> ControlFlow<Exit> {
        let sounds = config.fail_prompt.as_ref().map(|audio| audio.sounds(call)).unwrap_or_default();
        match Playing::start(Party::Caller, sounds, false, call) {
            Some(playing) => {
                *self = Menu::Failing { playing, port };
                ControlFlow::Continue(())
            }
            None => leave(port),
        }
    }
}

fn choose(config: &Config, option: usize, call: &mut Call) -> ControlFlow<Exit> {
    if let Some((name, key)) = config.save_as.as_ref().zip(config.options.get(option))
        && let Err(error) = call.set(name, VariableValue::Text(key.clone()), false)
    {
        return failure("variable_refused", error.to_string());
    }
    leave(Port::Key(u8::try_from(option).unwrap_or(u8::MAX)))
}
