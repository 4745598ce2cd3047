//! The steps, one file each: its fields, its ports, and the machine that runs it.

pub(super) mod ask;
pub(super) mod branch;
pub(super) mod caller_list;
pub(super) mod callout;
pub(super) mod dial;
pub(super) mod dial_target;
pub(super) mod goto;
pub(super) mod greeting;
pub(super) mod hangup;
pub(super) mod http;
pub(super) mod lookup;
pub(super) mod menu;
pub(super) mod prompt;
pub(super) mod query;
pub(super) mod repeat;
pub(super) mod set;
pub(super) mod sms;
pub(super) mod split;
pub(super) mod subflow;
pub(super) mod tag;
pub(super) mod time;
pub(super) mod wait;

use super::Event;
use super::context::{Call, Exit};
use super::interpreter::contact;
use super::lookup::{LookupError, LookupId, Reply};
use super::port::Port;
use super::reading::{Field, Fields, Reading};
use crate::clock::Instant;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Step types of this version.
pub(super) const KINDS: [&str; 19] = [
    "greeting",
    "menu",
    "prompt",
    "branch",
    "split",
    "caller_list",
    "time",
    "dial",
    "callout",
    "query",
    "http",
    "sms",
    "goto",
    "subflow",
    "loop",
    "set",
    "tag",
    "wait",
    "hangup",
];
/// Step types of the catalogue that this version cannot run, each with what it waits for.
pub(super) const LATER_KINDS: [(&str, &str); 4] =
    [("voicemail", "mailboxes"), ("record", "recording"), ("queue_check", "queues"), ("callback", "queues")];

/// A step's fields, read and checked.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Config {
    Greeting(greeting::Config),
    Menu(menu::Config),
    Prompt(prompt::Config),
    Branch(branch::Config),
    Split(split::Config),
    CallerList(caller_list::Config),
    Time(time::Config),
    Dial(Box<dial::Config>),
    Callout(callout::Config),
    Query(query::Config),
    Http(Box<http::Config>),
    Sms(sms::Config),
    Goto(goto::Config),
    Subflow(subflow::Config),
    Loop(repeat::Config),
    Set(set::Config),
    Tag(tag::Config),
    Wait(wait::Config),
    Hangup(hangup::Config),
}

/// A step that takes time; the others are over at once.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Machine {
    /// The step has not begun.
    Contact(contact::Waiting),
    Greeting(greeting::Greeting),
    Menu(menu::Menu),
    Prompt(prompt::Prompt),
    Dial(dial::Dial),
    Lookup(lookup::Lookup),
    Wait(wait::Wait),
    Hangup(hangup::Hangup),
}

impl Config {
    /// Reads `config` of a step of type `kind`; `None` where there is no such type.
    pub fn read(kind: &str, value: Option<&Value>, pointer: String, reading: &mut Reading) -> Option<Config> {
        let fields = |known: &[Field], reading: &mut Reading| Fields::new(value, pointer, known, reading);
        Some(match kind {
            "greeting" => {
                Config::Greeting(greeting::Config::read(&fields(&greeting::FIELDS, reading), reading))
            }
            "menu" => Config::Menu(menu::Config::read(&fields(&menu::FIELDS, reading), reading)),
            "prompt" => Config::Prompt(prompt::Config::read(&fields(&prompt::FIELDS, reading), reading)),
            "branch" => Config::Branch(branch::Config::read(&fields(&branch::FIELDS, reading), reading)),
            "split" => Config::Split(split::Config::read(&fields(&split::FIELDS, reading), reading)),
            "caller_list" => {
                Config::CallerList(caller_list::Config::read(&fields(&caller_list::FIELDS, reading), reading))
            }
            "time" => Config::Time(time::Config::read(&fields(&time::FIELDS, reading), reading)),
            "dial" => Config::Dial(Box::new(dial::Config::read(&fields(&dial::FIELDS, reading), reading))),
            "callout" => Config::Callout(callout::Config::read(&fields(&callout::FIELDS, reading), reading)),
            "query" => Config::Query(query::Config::read(&fields(&query::FIELDS, reading), reading)),
            "http" => Config::Http(Box::new(http::Config::read(&fields(&http::FIELDS, reading), reading))),
            "sms" => Config::Sms(sms::Config::read(&fields(&sms::FIELDS, reading), reading)),
            "goto" => Config::Goto(goto::Config::read(&fields(&goto::FIELDS, reading), reading)),
            "subflow" => Config::Subflow(subflow::Config::read(&fields(&subflow::FIELDS, reading), reading)),
            "loop" => Config::Loop(repeat::Config::read(&fields(&repeat::FIELDS, reading), reading)),
            "set" => Config::Set(set::Config::read(&fields(&set::FIELDS, reading), reading)),
            "tag" => Config::Tag(tag::Config::read(&fields(&tag::FIELDS, reading), reading)),
            "wait" => Config::Wait(wait::Config::read(&fields(&wait::FIELDS, reading), reading)),
            "hangup" => Config::Hangup(hangup::Config::read(&fields(&hangup::FIELDS, reading), reading)),
            _ => return None,
        })
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Config::Greeting(_) => "greeting",
            Config::Menu(_) => "menu",
            Config::Prompt(_) => "prompt",
            Config::Branch(_) => "branch",
            Config::Split(_) => "split",
            Config::CallerList(_) => "caller_list",
            Config::Time(_) => "time",
            Config::Dial(_) => "dial",
            Config::Callout(_) => "callout",
            Config::Query(_) => "query",
            Config::Http(_) => "http",
            Config::Sms(_) => "sms",
            Config::Goto(_) => "goto",
            Config::Subflow(_) => "subflow",
            Config::Loop(_) => "loop",
            Config::Set(_) => "set",
            Config::Tag(_) => "tag",
            Config::Wait(_) => "wait",
            Config::Hangup(_) => "hangup",
        }
    }

    /// The ports it can be left by, without `no_response`, which every step but the last ones may have.
    pub fn ports(&self) -> Vec<Port> {
        match self {
            Config::Greeting(_)
            | Config::Set(_)
            | Config::Tag(_)
            | Config::Wait(_)
            | Config::Callout(_)
            | Config::Sms(_) => vec![Port::Next, Port::Error],
            Config::Query(_) => vec![Port::Found, Port::NotFound, Port::Error],
            Config::Http(_) => vec![Port::Success, Port::HttpError, Port::Error],
            Config::Menu(menu) => {
                let mut ports: Vec<_> = (0..menu.options.len()).map(|i| Port::Key(i as u8)).collect();
                ports.extend([Port::NoInput, Port::Invalid, Port::Error]);
                ports
            }
            Config::Prompt(_) => vec![Port::Next, Port::NoInput, Port::Invalid, Port::Error],
            Config::Branch(branch) => {
                let mut ports: Vec<_> = (0..branch.branches.len()).map(|i| Port::Branch(i as u8)).collect();
                ports.extend([Port::Any, Port::None, Port::Error]);
                ports
            }
            Config::Split(split) => (0..split.branches.len()).map(|i| Port::Branch(i as u8)).collect(),
            Config::CallerList(_) => vec![Port::Match, Port::NoMatch, Port::Error],
            Config::Time(_) => vec![Port::Open, Port::Closed, Port::Holiday, Port::Error],
            Config::Dial(_) => vec![
                Port::NoAnswer,
                Port::Busy,
                Port::Unavailable,
                Port::Rejected,
                Port::Failed,
                Port::AfterCall,
                Port::Error,
            ],
            Config::Goto(_) => vec![Port::Next],
            Config::Subflow(config) if config.jumps => vec![Port::Error],
            Config::Subflow(_) => vec![Port::Return, Port::Error],
            Config::Loop(_) => vec![Port::Body, Port::Completed, Port::Empty, Port::Break, Port::Error],
            Config::Hangup(_) => Vec::new(),
        }
    }

    /// Ways out of it can be drawn: none leads out of a hangup, and that of a goto is a field.
    pub fn has_edges(&self) -> bool {
        !matches!(self, Config::Hangup(_) | Config::Goto(_))
    }

    pub fn port_name(&self, port: Port) -> Cow<'_, str> {
        match (self, port) {
            (Config::Menu(menu), Port::Key(i)) => match menu.options.get(usize::from(i)) {
                Some(key) => Cow::Owned(format!("key:{key}")),
                None => port.fixed_name(),
            },
            (Config::Branch(branch), Port::Branch(i)) => match branch.branches.get(usize::from(i)) {
                Some(branch) => Cow::Owned(format!("b:{}", branch.id)),
                None => port.fixed_name(),
            },
            (Config::Split(split), Port::Branch(i)) => match split.branches.get(usize::from(i)) {
                Some(branch) => Cow::Owned(format!("b:{}", branch.id)),
                None => port.fixed_name(),
            },
            _ => port.fixed_name(),
        }
    }

    /// The port of this name, if the step has it.
    pub fn port_named(&self, name: &str) -> Option<Port> {
        if !self.has_edges() {
            return None;
        }
        let ports = self.ports().into_iter().chain([Port::NoResponse]);
        ports.into_iter().find(|port| self.port_name(*port) == name)
    }

    /// It waits for the caller or for a leg, so a cycle through it cannot run away. Whether another flow waits is not
    /// known here; the loop guard is there for those that do not.
    pub fn waits(&self) -> bool {
        matches!(self, Config::Menu(_) | Config::Prompt(_) | Config::Dial(_) | Config::Subflow(_))
    }

    /// It reads keys, or a key changes what it does.
    pub fn reads_keys(&self) -> bool {
        match self {
            // Keys that are pressed before another flow asks for them are not lost.
            Config::Menu(_) | Config::Prompt(_) | Config::Subflow(_) => true,
            Config::Greeting(greeting) => greeting.barge_in,
            _ => false,
        }
    }

    /// What is keyed in here must not be seen in logs.
    pub fn is_sensitive(&self) -> bool {
        matches!(self, Config::Prompt(prompt) if prompt.sensitive)
    }

    pub fn enter(&self, call: &mut Call) -> ControlFlow<Exit, Machine> {
        ControlFlow::Continue(match self {
            Config::Greeting(config) => Machine::Greeting(greeting::Greeting::enter(config, call)?),
            Config::Menu(config) => Machine::Menu(menu::Menu::enter(config, call)?),
            Config::Prompt(config) => Machine::Prompt(prompt::Prompt::enter(config, call)?),
            Config::Dial(config) => Machine::Dial(dial::Dial::enter(config, call)?),
            Config::Callout(config) => Machine::Lookup(config.enter(call)?),
            Config::Query(config) => Machine::Lookup(config.enter(call)?),
            Config::Http(config) => Machine::Lookup(config.enter(call)?),
            Config::Sms(config) => Machine::Lookup(config.enter(call)?),
            Config::Wait(config) => Machine::Wait(wait::Wait::enter(config, call)?),
            Config::Hangup(config) => Machine::Hangup(hangup::Hangup::enter(config, call)?),
            Config::Branch(config) => return ControlFlow::Break(config.decide(call)),
            Config::Split(config) => return ControlFlow::Break(config.decide(call)),
            Config::CallerList(config) => return ControlFlow::Break(config.decide(call)),
            Config::Time(config) => return ControlFlow::Break(config.decide(call)),
            Config::Goto(_) => return leave(Port::Next),
            Config::Subflow(config) => return config.enter(call),
            Config::Loop(config) => return ControlFlow::Break(config.decide(call)),
            Config::Set(config) => return ControlFlow::Break(config.run(call)),
            Config::Tag(config) => return ControlFlow::Break(config.run(call)),
        })
    }
}

impl Config {
    /// What another system answered to the step's question.
    fn replied(&self, result: Result<Reply, LookupError>, call: &mut Call) -> ControlFlow<Exit> {
        match self {
            Config::Callout(config) => config.replied(result, call),
            Config::Query(config) => config.replied(result, call),
            Config::Http(config) => config.replied(result, call),
            Config::Sms(config) => config.replied(result),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Machine {
    /// Anything but a key of the caller.
    pub fn on_event(&mut self, config: &Config, event: &Event, call: &mut Call) -> ControlFlow<Exit> {
        match (self, config) {
            (machine @ Machine::Contact(_), config) => {
                if matches!(machine, Machine::Contact(waiting) if waiting.is_over(event, call)) {
                    *machine = config.enter(call)?;
                }
                ControlFlow::Continue(())
            }
            (Machine::Greeting(machine), Config::Greeting(config)) => machine.on_event(config, event, call),
            (Machine::Menu(machine), Config::Menu(config)) => machine.on_event(config, event, call),
            (Machine::Prompt(machine), Config::Prompt(config)) => machine.on_event(config, event, call),
            (Machine::Dial(machine), Config::Dial(config)) => machine.on_event(config, event, call),
            (Machine::Lookup(machine), config) => match machine.on_event(event, call) {
                Some(error) => config.replied(Err(error), call),
                None => ControlFlow::Continue(()),
            },
            (Machine::Wait(machine), Config::Wait(_)) => machine.on_event(event, call),
            (Machine::Hangup(machine), Config::Hangup(config)) => machine.on_event(config, event, call),
            _ => ControlFlow::Continue(()),
        }
    }

    /// What another system answered. It may be large: it is handed on and not copied.
    pub fn on_reply(
        &mut self,
        config: &Config,
        lookup: LookupId,
        result: Result<Reply, LookupError>,
        call: &mut Call,
    ) -> ControlFlow<Exit> {
        if let Machine::Lookup(machine) = self
            && machine.takes(lookup, call)
        {
            return config.replied(result, call);
        }
        ControlFlow::Continue(())
    }

    /// A key of the caller. Steps that read none keep it for one that does.
    pub fn on_key(&mut self, config: &Config, key: char, call: &mut Call) -> ControlFlow<Exit> {
        match (self, config) {
            (Machine::Menu(machine), Config::Menu(config)) => machine.on_key(config, key, call),
            (Machine::Prompt(machine), Config::Prompt(config)) => machine.on_key(config, key, call),
            (Machine::Greeting(machine), Config::Greeting(config)) => machine.on_key(config, key, call),
            // In a conversation keys belong to the two who talk.
            (Machine::Dial(dial), _) if dial.is_talking() => ControlFlow::Continue(()),
            _ => {
                call.keep_key(key);
                ControlFlow::Continue(())
            }
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match self {
            Machine::Contact(waiting) => Some(waiting.until()),
            Machine::Greeting(machine) => machine.next_timeout(),
            Machine::Menu(machine) => machine.next_timeout(),
            Machine::Prompt(machine) => machine.next_timeout(),
            Machine::Dial(machine) => machine.next_timeout(),
            Machine::Lookup(machine) => machine.next_timeout(),
            Machine::Wait(machine) => machine.next_timeout(),
            Machine::Hangup(machine) => machine.next_timeout(),
        }
    }

    /// Stops what goes on, because the caller is gone or the call must end.
    pub fn abandon(self, config: Option<&Config>, caller_gone: bool, call: &mut Call) {
        match self {
            Machine::Contact(_) => {}
            Machine::Greeting(machine) => machine.abandon(call),
            Machine::Menu(machine) => machine.abandon(call),
            Machine::Prompt(machine) => machine.abandon(call),
            Machine::Dial(machine) => {
                if let Some(Config::Dial(config)) = config {
                    machine.abandon(config, caller_gone, call);
                }
            }
            Machine::Lookup(machine) => machine.abandon(call),
            Machine::Wait(machine) => machine.abandon(call),
            Machine::Hangup(machine) => machine.abandon(call),
        }
    }

    /// A key pressed now would be read as an answer.
    pub fn takes_input(&self) -> bool {
        match self {
            Machine::Menu(machine) => machine.takes_input(),
            Machine::Prompt(machine) => machine.takes_input(),
            _ => false,
        }
    }

    /// Legs are being rung.
    pub fn is_ringing(&self) -> bool {
        matches!(self, Machine::Dial(dial) if !dial.is_talking())
    }
}

/// A step error, as a way out.
pub(super) fn failure<T>(code: &'static str, message: impl Into<String>) -> ControlFlow<Exit, T> {
    ControlFlow::Break(Exit::Error { code, message: message.into() })
}

/// A port, as a way out.
pub(super) fn leave<T>(port: Port) -> ControlFlow<Exit, T> {
    ControlFlow::Break(Exit::Port(port))
}
