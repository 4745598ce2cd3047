//! One call on its way through a flow: events in, actions out.
//!
//! Invariants: every call ends, with [`Action::Finished`] once and as the last action; the caller is answered
//! at most once; between two events no more steps are run than the loop guard allows (twice, with the fallback).

pub(super) mod contact;
mod end;
mod way;

use super::audio::{Heard, Playing};
use super::context::{Call, CallState, End, KEYS_MAX};
use super::graph::Flow;
use super::library::FlowVersion;
use super::lookup::{LookupError, LookupId, Reply};
use super::step::Machine;
use super::variables::Variables;
use super::{Action, CallFacts, DialId, EndedBy, Event, FlowName, Library, LogEvent, Party};
use crate::clock::{Instant, Now};
use crate::ids::Random;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use way::Frame;

/// What stands in a log for a key that must not be seen.
const MASKED_KEY: char = '•';

/// Runs one call. Time and events come in through [`Interpreter::handle`]; call it with [`Event::Timeout`] when
/// [`Interpreter::next_timeout`] is due.
#[derive(Debug)]
pub struct Interpreter {
    /// The flow that the call began with. Its settings hold for the whole call.
    first: FlowVersion,
    /// The flow that the call is in.
    current: FlowVersion,
    /// Flows that wait for the one they called, the outermost first.
    frames: Vec<Frame>,
    library: Arc<Library>,
    state: CallState,
    phase: Phase,
    /// Keys of the current millisecond: a hang-up within it wins over them (flows.md 1.4 rule 8), so they are
    /// looked at when it is over.
    fresh_keys: VecDeque<(char, &'static str)>,
    keys_due: Instant,
    /// `maxCallSec`.
    ends_at: Instant,
    /// The loop guard has struck.
    guarded: bool,
}

#[derive(Debug)]
enum Phase {
    Step(Machine),
    /// The built-in end of flows.md 1.2 rule 1.
    Goodbye {
        playing: Option<Playing>,
        until: Instant,
        by: EndedBy,
    },
    Finished,
}

impl Interpreter {
    /// Enters the flow; the call keeps to it and to this library. The same flow, library, facts, source of chance and
    /// events give the same actions.
    pub fn start(
        flow: FlowVersion,
        library: Arc<Library>,
        facts: CallFacts,
        random: Random,
        now: Now,
        actions: &mut Vec<Action>,
    ) -> Interpreter {
        let entry = flow.flow.entry;
        let mut interpreter = Interpreter {
            state: CallState::new(facts, random, now, entry),
            phase: Phase::Finished,
            fresh_keys: VecDeque::new(),
            keys_due: Instant::ZERO,
            ends_at: now.instant + flow.flow.settings.max_call,
            guarded: false,
            current: flow.clone(),
            first: flow,
            frames: Vec::new(),
            library,
        };
        let mut call = interpreter.call(now, actions);
        if call.state.answered {
            call.listen(true);
        } else if call.flow.settings.answer_immediately {
            call.answer();
        }
        interpreter.ask_who_calls(now, actions);
        if let ControlFlow::Break(exit) = interpreter.enter(entry, now, actions) {
            interpreter.follow(exit, now, actions);
        }
        interpreter
    }

    /// Takes what happened. Events about playbacks and legs that are over are ignored, save that a leg that
    /// answers too late is hung up.
    pub fn handle(&mut self, now: Now, event: Event, actions: &mut Vec<Action>) {
        if self.is_finished() {
            return;
        }
        match event {
            Event::CallerHungUp => self.caller_left(EndedBy::Caller, now, actions),
            Event::CallerVanished => self.caller_left(EndedBy::System, now, actions),
            Event::EndedHere => self.ended_here(now, actions),
            Event::SentInto { flow } => self.sent_into(flow, now, actions),
            Event::Digit { party: Party::Caller, digit, source } => {
                self.hear_key(digit, source, now, actions)
            }
            event => {
                self.read_fresh_keys(now, actions);
                // Timers that ran out before this event happened come first.
                if event != Event::Timeout && self.next_timeout().is_some_and(|due| due < now.instant) {
                    self.dispatch(&Event::Timeout, now, actions);
                }
                match event {
                    Event::Replied { lookup, result } => self.replied(lookup, result, now, actions),
                    event => self.dispatch(&event, now, actions),
                }
            }
        }
    }

    /// When to call with [`Event::Timeout`]; `None` once the call is over.
    pub fn next_timeout(&self) -> Option<Instant> {
        let own = match &self.phase {
            Phase::Finished => return None,
            Phase::Step(machine) => machine.next_timeout().unwrap_or(Instant::FAR).min(self.ends_at),
            Phase::Goodbye { until, playing, .. } => {
                playing.as_ref().and_then(Playing::next_timeout).unwrap_or(Instant::FAR).min(*until)
            }
        };
        Some(if self.fresh_keys.is_empty() { own } else { own.min(self.keys_due) })
    }

    /// [`Action::Finished`] was given.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished)
    }

    /// The flow that the call is in.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.current.flow
    }

    /// The flow that the call is in, where it is not the one that the call began with.
    pub fn subflow(&self) -> Option<FlowName> {
        let name = FlowName { id: self.current.flow.id().to_owned(), version: self.current.number };
        let is_first = self.current.number == self.first.number && self.first.flow.id() == name.id;
        (!is_first).then_some(name)
    }

    /// Id and name of the step the call is in, or was in last.
    pub fn current_step(&self) -> (&str, &str) {
        self.current
            .flow
            .step(self.state.step)
            .map_or(("", ""), |step| (step.id.as_str(), step.name.as_str()))
    }

    /// A number for a leg that is rung beside those of the flow.
    pub fn new_dial(&mut self) -> DialId {
        self.state.new_dial()
    }

    /// When the current step was entered.
    pub fn step_entered(&self) -> Now {
        self.state.entered
    }

    pub fn variables(&self) -> &Variables {
        &self.state.variables
    }

    /// The caller has been answered.
    pub fn is_answered(&self) -> bool {
        self.state.answered
    }

    /// When the conversation that goes on began.
    pub fn talking_since(&self) -> Option<Instant> {
        self.state.talking_since
    }

    /// Which question of the call is open for keys now, counted from 1.
    pub fn open_question(&self) -> Option<u32> {
        match &self.phase {
            Phase::Step(machine) if machine.takes_input() => Some(self.state.asks),
            _ => None,
        }
    }

    fn call<'a>(&'a mut self, now: Now, actions: &'a mut Vec<Action>) -> Call<'a> {
        Call::new(&self.current, &self.library, &mut self.state, now, actions)
    }

    fn hear_key(&mut self, digit: char, source: &'static str, now: Now, actions: &mut Vec<Action>) {
        let digit = digit.to_ascii_uppercase();
        if !(digit.is_ascii_digit() || matches!(digit, '*' | '#' | 'A'..='D')) {
            return;
        }
        if now.instant >= self.keys_due || self.fresh_keys.len() >= KEYS_MAX {
            self.read_fresh_keys(now, actions);
            let millisecond = now.instant.as_micros() / 1_000;
            self.keys_due = Instant::from_micros(millisecond.saturating_add(1).saturating_mul(1_000));
        }
        if self.next_timeout().is_some_and(|due| due < now.instant) {
            self.dispatch(&Event::Timeout, now, actions);
        }
        if !self.is_finished() {
            self.fresh_keys.push_back((digit, source));
        }
    }

    fn read_fresh_keys(&mut self, now: Now, actions: &mut Vec<Action>) {
        while let Some((key, source)) = self.fresh_keys.pop_front() {
            let Phase::Step(machine) = &mut self.phase else { continue };
            let mut call = Call::new(&self.current, &self.library, &mut self.state, now, actions);
            let Some(step) = call.flow.step(call.state.step) else { continue };
            // A key that is kept may be the first of a card number that a later step asks for.
            let sensitive = step.config.is_sensitive() || (call.flow.has_sensitive && !machine.takes_input());
            call.act(Action::Log(LogEvent::Key {
                step: step.id.clone(),
                digit: if sensitive { MASKED_KEY } else { key },
                source,
                sensitive,
            }));
            if let ControlFlow::Break(exit) = machine.on_key(&step.config, key, &mut call) {
                self.follow(exit, now, actions);
            }
        }
    }

    fn replied(
        &mut self,
        lookup: LookupId,
        result: Result<Reply, LookupError>,
        now: Now,
        actions: &mut Vec<Action>,
    ) {
        if now.instant >= self.ends_at {
            return self.dispatch(&Event::Timeout, now, actions);
        }
        if self.knows_who_calls(lookup, &result, now, actions) {
            return;
        }
        let Phase::Step(machine) = &mut self.phase else { return };
        let mut call = Call::new(&self.current, &self.library, &mut self.state, now, actions);
        let Some(step) = call.flow.step(call.state.step) else { return };
        if let ControlFlow::Break(exit) = machine.on_reply(&step.config, lookup, result, &mut call) {
            self.follow(exit, now, actions);
        }
    }

    fn dispatch(&mut self, event: &Event, now: Now, actions: &mut Vec<Action>) {
        if let Event::Answered { dial } = event {
            let is_dialling = matches!(self.phase, Phase::Step(Machine::Dial(_)));
            if !self.state.knows_dial(*dial) {
                return;
            }
            if !is_dialling {
                return actions.push(Action::HangUpDialled { dial: *dial });
            }
        }
        let is_over = now.instant >= self.ends_at;
        let mut call = Call::new(&self.current, &self.library, &mut self.state, now, actions);
        match &mut self.phase {
            Phase::Finished => {}
            Phase::Step(_) if is_over => self.time_is_up(now, actions),
            Phase::Step(machine) => {
                let Some(step) = call.flow.step(call.state.step) else { return };
                if let ControlFlow::Break(exit) = machine.on_event(&step.config, event, &mut call) {
                    self.follow(exit, now, actions);
                }
            }
            Phase::Goodbye { playing, until, by } => {
                let heard = playing.as_mut().map_or(Heard::End, |playing| playing.on_event(event, &mut call));
                let is_late = *event == Event::Timeout && *until <= now.instant;
                if heard == Heard::Nothing && !is_late {
                    return;
                }
                if heard == Heard::Nothing
                    && let Some(playing) = playing.take()
                {
                    playing.stop(&mut call);
                }
                let by = *by;
                self.hang_up(End { sip_code: 480, q850: 16, outcome_text: None, by }, now, actions);
            }
        }
    }
}
