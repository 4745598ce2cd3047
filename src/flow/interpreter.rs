//! One call on its way through a flow: events in, actions out.
//!
//! Invariants: every call ends, with [`Action::Finished`] once and as the last action; the caller is answered
//! at most once; between two events no more steps are run than the loop guard allows (twice, with the fallback).

use super::audio::{Heard, Playing};
use super::context::{Call, CallState, End, Exit, KEYS_MAX};
use super::graph::{Flow, Way};
use super::port::Port;
use super::step::Machine;
use super::variables::Variables;
use super::{
    Action, BuiltIn, CallFacts, EndedBy, Event, FinalStep, LOOP_GUARD, Library, LogEvent, Outcome,
    OutcomeKind, Party, Sound, Visit,
};
use crate::clock::{Instant, Now};
use crate::ids::Random;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// What stands in a log for a key that must not be seen.
const MASKED_KEY: char = 'x';
/// The last word is cut after this: an end that is never reported must not keep a call.
const GOODBYE_LIMIT: Duration = Duration::from_secs(10);

/// Runs one call. Time and events come in through [`Interpreter::handle`]; call it with [`Event::Timeout`] when
/// [`Interpreter::next_timeout`] is due.
#[derive(Debug)]
pub struct Interpreter {
    flow: Arc<Flow>,
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
        flow: Arc<Flow>,
        library: Arc<Library>,
        facts: CallFacts,
        random: Random,
        now: Now,
        actions: &mut Vec<Action>,
    ) -> Interpreter {
        let entry = flow.entry;
        let mut interpreter = Interpreter {
            state: CallState::new(facts, random, now, entry),
            phase: Phase::Finished,
            fresh_keys: VecDeque::new(),
            keys_due: Instant::ZERO,
            ends_at: now.instant + flow.settings.max_call,
            guarded: false,
            flow,
            library,
        };
        let mut call = interpreter.call(now, actions);
        if call.state.answered {
            call.listen(true);
        } else if call.flow.settings.answer_immediately {
            call.answer();
        }
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
            Event::Digit { party: Party::Caller, digit, source } => {
                self.hear_key(digit, source, now, actions)
            }
            event => {
                self.read_fresh_keys(now, actions);
                // Timers that ran out before this event happened come first.
                if event != Event::Timeout && self.next_timeout().is_some_and(|due| due < now.instant) {
                    self.dispatch(&Event::Timeout, now, actions);
                }
                self.dispatch(&event, now, actions);
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

    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// Id and name of the step the call is in, or was in last.
    pub fn current_step(&self) -> (&str, &str) {
        self.flow.step(self.state.step).map_or(("", ""), |step| (step.id.as_str(), step.name.as_str()))
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
        Call { flow: &self.flow, library: &self.library, now, state: &mut self.state, actions }
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
            let mut call =
                Call { flow: &self.flow, library: &self.library, now, state: &mut self.state, actions };
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
        let mut call =
            Call { flow: &self.flow, library: &self.library, now, state: &mut self.state, actions };
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

    /// Goes on from an exit until a step takes time or the call ends. Ends, because [`Interpreter::enter`] lets
    /// only so many steps pass that wait for nobody.
    fn follow(&mut self, mut exit: Exit, now: Now, actions: &mut Vec<Action>) {
        loop {
            let port = match exit {
                Exit::End(end) => return self.hang_up(end, now, actions),
                Exit::Port(port) => port,
                Exit::Error { code, message } => {
                    self.note_error(code, message, now, actions);
                    Port::Error
                }
            };
            let Some(next) = self.leave(port, now, actions) else {
                return self.say_goodbye(EndedBy::Flow, now, actions);
            };
            match self.enter(next, now, actions) {
                ControlFlow::Continue(()) => return,
                ControlFlow::Break(next_exit) => exit = next_exit,
            }
        }
    }

    /// Enters a step. Where the loop guard strikes, it is the fallback instead, or the end.
    fn enter(&mut self, next: usize, now: Now, actions: &mut Vec<Action>) -> ControlFlow<Exit> {
        self.state.steps_since_wait += 1;
        let mut next = next;
        if self.state.steps_since_wait > self.flow.settings.max_steps_between_input {
            let fallback = self.flow.settings.fallback.filter(|_| !self.guarded);
            self.guarded = true;
            self.state.loops.clear();
            self.log_fallback(LOOP_GUARD, fallback, actions);
            let Some(fallback) = fallback else {
                self.say_goodbye(EndedBy::Flow, now, actions);
                return ControlFlow::Continue(());
            };
            self.state.steps_since_wait = 1;
            next = fallback;
        }
        self.state.step = next;
        self.state.entered = now;
        let mut call =
            Call { flow: &self.flow, library: &self.library, now, state: &mut self.state, actions };
        let Some(step) = call.flow.step(next) else {
            self.say_goodbye(EndedBy::Flow, now, actions);
            return ControlFlow::Continue(());
        };
        call.state.push_visit(Visit { step: step.id.clone(), port: None, entered_at: now.wall.to_string() });
        call.act(Action::Log(LogEvent::StepEnter {
            step: step.id.clone(),
            name: step.name.clone(),
            kind: step.config.kind(),
        }));
        self.phase = Phase::Step(step.config.enter(&mut call)?);
        ControlFlow::Continue(())
    }

    /// Leaves the current step; gives the next one, or `None` for the built-in end.
    fn leave(&mut self, port: Port, now: Now, actions: &mut Vec<Action>) -> Option<usize> {
        let step = self.flow.step(self.state.step)?;
        let name = step.config.port_name(port);
        self.state.leave_visit(&step.id, &name);
        actions.push(Action::Log(LogEvent::StepLeave {
            step: step.id.clone(),
            port: name.clone().into_owned(),
            ms: milliseconds(now.instant - self.state.entered.instant),
            vars: self.state.variables.take_changed(),
        }));
        let (next, was_connected) = match self.flow.way(step, port) {
            Way::Connected(next) => (Some(next), true),
            // The path of a loop's body that ends comes back to the loop.
            Way::Fallback(_) | Way::End if let Some(active) = self.state.loops.last() => {
                (Some(active.step), false)
            }
            Way::StandIn(next) | Way::Fallback(next) => (Some(next), false),
            Way::End => (None, false),
        };
        if !was_connected {
            self.log_fallback(&name, next, actions);
        }
        next
    }

    fn log_fallback(&self, port: &str, to: Option<usize>, actions: &mut Vec<Action>) {
        let id = |step: usize| self.flow.step(step).map_or("", |step| step.id.as_str());
        actions.push(Action::Log(LogEvent::Fallback {
            step: id(self.state.step).to_owned(),
            port: port.to_owned(),
            to: to.map_or("end", id).to_owned(),
        }));
    }

    /// flows.md 1.2 rule 3.
    fn note_error(&mut self, code: &'static str, message: String, now: Now, actions: &mut Vec<Action>) {
        let mut call = self.call(now, actions);
        let step = call.step_id().to_owned();
        call.set_own("error.code", code);
        call.set_own("error.step", step.clone());
        call.set_own("error.message", message.clone());
        call.act(Action::Log(LogEvent::StepError { step, code: code.to_owned(), message }));
    }

    fn time_is_up(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.abandon_step(false, now, actions);
        self.say_goodbye(EndedBy::System, now, actions);
    }

    /// Stops what the current step does.
    fn abandon_step(&mut self, caller_gone: bool, now: Now, actions: &mut Vec<Action>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Finished);
        let mut call = self.call(now, actions);
        match phase {
            Phase::Step(machine) => machine.abandon(caller_gone, &mut call),
            Phase::Goodbye { playing: Some(playing), .. } => playing.stop(&mut call),
            Phase::Goodbye { .. } | Phase::Finished => {}
        }
    }

    fn say_goodbye(&mut self, by: EndedBy, now: Now, actions: &mut Vec<Action>) {
        self.fresh_keys.clear();
        let language = self.flow.settings.language.clone();
        let sounds = vec![Sound::BuiltIn { prompt: BuiltIn::Goodbye, language }];
        let playing = Playing::start(Party::Caller, sounds, false, &mut self.call(now, actions));
        self.phase = Phase::Goodbye { playing, until: now.instant + GOODBYE_LIMIT, by };
    }

    fn hang_up(&mut self, end: End, now: Now, actions: &mut Vec<Action>) {
        actions.push(Action::HangUp { sip_code: end.sip_code, q850: Some(end.q850) });
        let kind = self.kind(OutcomeKind::DisconnectedByFlow);
        self.finish(kind, end.by, end.outcome_text, now, actions);
    }

    /// The caller hung up or died: flows.md 1.2 rule 2.
    fn caller_left(&mut self, by: EndedBy, now: Now, actions: &mut Vec<Action>) {
        self.fresh_keys.clear();
        let kind = match &self.phase {
            Phase::Goodbye { .. } => OutcomeKind::DisconnectedByFlow,
            _ if now.instant - self.state.started.instant < self.flow.settings.short_abandon => {
                OutcomeKind::ShortAbandon
            }
            Phase::Step(machine) if machine.is_ringing() => OutcomeKind::AbandonedRinging,
            _ => OutcomeKind::AbandonedInFlow,
        };
        self.abandon_step(true, now, actions);
        if by == EndedBy::System {
            actions.push(Action::HangUp { sip_code: 480, q850: Some(16) });
        }
        let kind = self.kind(kind);
        self.finish(kind, by, None, now, actions);
    }

    /// Who talked to somebody was answered, whatever came after; else a runaway flow is told as such.
    fn kind(&self, otherwise: OutcomeKind) -> OutcomeKind {
        if self.state.conversations > 0 {
            OutcomeKind::Answered
        } else if self.guarded {
            OutcomeKind::LoopGuard
        } else {
            otherwise
        }
    }

    fn finish(
        &mut self,
        outcome: OutcomeKind,
        ended_by: EndedBy,
        outcome_text: Option<String>,
        now: Now,
        actions: &mut Vec<Action>,
    ) {
        let state = &mut self.state;
        let final_step = self.flow.step(state.step).map(|step| FinalStep {
            id: step.id.clone(),
            name: step.name.clone(),
            seconds_in: (now.instant - state.entered.instant).as_secs(),
        });
        self.phase = Phase::Finished;
        actions.push(Action::Finished(Box::new(Outcome {
            outcome,
            outcome_text,
            final_step,
            path: std::mem::take(&mut state.path),
            offers: std::mem::take(&mut state.offers),
            agent_id: state.agent_id.clone(),
            talk_sec: state.talked.as_secs(),
            ended_by,
            vars: state.variables.open(),
            tags: std::mem::take(&mut state.tags),
        })));
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
