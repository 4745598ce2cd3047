//! From step to step, into other flows and back.

use super::contact::Waiting;
use super::{Interpreter, Phase};
use crate::clock::Now;
use crate::flow::context::{Call, Descent, Exit};
use crate::flow::graph::{Flow, Way};
use crate::flow::library::FlowVersion;
use crate::flow::port::Port;
use crate::flow::step::{Machine, repeat};
use crate::flow::variables::{VariableValue, Variables};
use crate::flow::{Action, EndedBy, LOOP_GUARD, LogEvent, Visit};
use std::ops::ControlFlow;
use std::time::Duration;

/// What stands for the port of a step that jumped to another flow.
const JUMP: &str = "jump";

/// A flow that waits for the one it called.
#[derive(Debug)]
pub(super) struct Frame {
    flow: FlowVersion,
    /// Its `subflow` step.
    step: usize,
    entered: Now,
    visit: Option<usize>,
    loops: Vec<repeat::Active>,
    pub variables: Variables,
    /// What it gets back.
    returns: Vec<String>,
}

impl Interpreter {
    /// Goes on from an exit until a step takes time or the call ends. Ends, because [`Interpreter::enter`] lets
    /// only so many steps pass that wait for nobody.
    pub(super) fn follow(&mut self, mut exit: Exit, now: Now, actions: &mut Vec<Action>) {
        loop {
            let mut next = match exit {
                Exit::End(end) => return self.hang_up(end, now, actions),
                Exit::Port(port) => self.leave(port, now, actions),
                Exit::Error { code, message } => self.fail(code, message, now, actions),
                Exit::Descend(descent) => self.descend(*descent, now, actions),
            };
            while next.is_none()
                && let Some(frame) = self.frames.pop()
            {
                next = self.come_back(frame, now, actions);
            }
            let Some(next) = next else { return self.say_goodbye(EndedBy::Flow, now, actions) };
            match self.enter(next, now, actions) {
                ControlFlow::Continue(()) => return,
                ControlFlow::Break(next_exit) => exit = next_exit,
            }
        }
    }

    /// Enters a step. Where the loop guard strikes, it is the fallback instead, or the end.
    pub(super) fn enter(&mut self, next: usize, now: Now, actions: &mut Vec<Action>) -> ControlFlow<Exit> {
        self.state.steps_since_wait += 1;
        let mut next = next;
        if self.state.steps_since_wait > self.first.flow.settings.max_steps_between_input {
            let Some(fallback) = self.guard(actions) else {
                self.say_goodbye(EndedBy::Flow, now, actions);
                return ControlFlow::Continue(());
            };
            self.state.steps_since_wait = 1;
            next = fallback;
        }
        self.state.step = next;
        self.state.entered = now;
        let flow = self.subflow();
        let mut call = Call::new(&self.current, &self.library, &mut self.state, now, actions);
        let Some(step) = call.flow.step(next) else {
            self.say_goodbye(EndedBy::Flow, now, actions);
            return ControlFlow::Continue(());
        };
        let visit =
            Visit { flow: flow.clone(), step: step.id.clone(), port: None, entered_at: now.wall.to_string() };
        call.state.push_visit(visit);
        call.act(Action::Log(LogEvent::StepEnter {
            flow,
            step: step.id.clone(),
            name: step.name.clone(),
            kind: step.config.kind(),
        }));
        let waiting = step.reads_contact.then(|| Waiting::begin(&call)).flatten();
        self.phase = Phase::Step(match waiting {
            Some(waiting) => Machine::Contact(waiting),
            None => step.config.enter(&mut call)?,
        });
        ControlFlow::Continue(())
    }

    /// The loop guard strikes: back to the first flow, to its fallback, once.
    fn guard(&mut self, actions: &mut Vec<Action>) -> Option<usize> {
        let fallback = self.first.flow.settings.fallback.filter(|_| !self.guarded);
        self.guarded = true;
        let from = id_of(&self.current.flow, self.state.step).to_owned();
        self.leave_called_flows();
        self.current = self.first.clone();
        log_fallback(&self.first.flow, from, LOOP_GUARD, fallback, actions);
        fallback
    }

    /// No flow waits for another one any more: the variables are those of the outermost.
    fn leave_called_flows(&mut self) {
        self.state.loops.clear();
        if let Some(outermost) = self.frames.drain(..).next() {
            let inner = std::mem::replace(&mut self.state.variables, outermost.variables);
            // The engine's own only; of those no limit keeps any out.
            let _ = self.state.variables.take_from(&inner, &[]);
        }
    }

    /// Whoever talked to the caller has sent it into another flow, as a step that jumps does.
    pub(super) fn sent_into(&mut self, flow: FlowVersion, now: Now, actions: &mut Vec<Action>) {
        self.abandon_step(false, now, actions);
        let first = self.jump(flow, Vec::new(), now, actions);
        self.leave_called_flows();
        let mut call = self.call(now, actions);
        call.waited();
        call.listen(true);
        let Some(first) = first else { return self.say_goodbye(EndedBy::Flow, now, actions) };
        if let ControlFlow::Break(exit) = self.enter(first, now, actions) {
            self.follow(exit, now, actions);
        }
    }

    /// Leaves the current step; gives the next one, or `None` for the built-in end.
    fn leave(&mut self, port: Port, now: Now, actions: &mut Vec<Action>) -> Option<usize> {
        let flow = self.current.flow.clone();
        let step = flow.step(self.state.step)?;
        let name = step.config.port_name(port);
        self.note_leave(&name, now, actions);
        let (next, was_connected) = match flow.way(step, port) {
            Way::Connected(next) => (Some(next), true),
            // The path of a loop's body that ends comes back to the loop.
            Way::Fallback(_) | Way::End if let Some(active) = self.state.loops.last() => {
                (Some(active.step), false)
            }
            Way::StandIn(next) | Way::Fallback(next) => (Some(next), false),
            Way::End => (None, false),
        };
        // Where a flow that was called ends, it comes back: nothing was left unconnected.
        if !was_connected && (next.is_some() || self.frames.is_empty()) {
            log_fallback(&flow, step.id.clone(), &name, next, actions);
        }
        next
    }

    fn note_leave(&mut self, port: &str, now: Now, actions: &mut Vec<Action>) {
        self.state.leave_visit(port);
        actions.push(Action::Log(LogEvent::StepLeave {
            step: id_of(&self.current.flow, self.state.step).to_owned(),
            port: port.to_owned(),
            ms: milliseconds(now.instant - self.state.entered.instant),
            vars: self.state.variables.take_changed(),
        }));
    }

    /// Goes into another flow; gives its first step.
    fn descend(&mut self, descent: Descent, now: Now, actions: &mut Vec<Action>) -> Option<usize> {
        let Descent { flow, params, returns } = descent;
        let Some(returns) = returns else {
            return self.jump(flow, params, now, actions);
        };
        let depth_max = self.first.flow.settings.max_subflow_depth;
        if self.frames.len() >= depth_max as usize {
            let message = format!("More than {depth_max} flows would be in one another.");
            return self.fail("subflow_too_deep", message, now, actions);
        }
        let mut variables = self.state.variables.own();
        for (name, value, sensitive) in params {
            // Twenty at the most, and rendered to what a variable may hold.
            let _ = variables.set(&name, VariableValue::Text(value), sensitive);
        }
        let entry = flow.flow.entry;
        self.frames.push(Frame {
            flow: std::mem::replace(&mut self.current, flow),
            step: self.state.step,
            entered: self.state.entered,
            visit: self.state.visit.take(),
            loops: std::mem::take(&mut self.state.loops),
            variables: std::mem::replace(&mut self.state.variables, variables),
            returns,
        });
        self.ask_who_calls(now, actions);
        Some(entry)
    }

    fn jump(
        &mut self,
        flow: FlowVersion,
        params: Vec<(String, String, bool)>,
        now: Now,
        actions: &mut Vec<Action>,
    ) -> Option<usize> {
        for (name, value, sensitive) in params {
            if let Err(error) = self.state.variables.set(&name, VariableValue::Text(value), sensitive) {
                return self.fail("variable_refused", format!("`{name}`: {error}."), now, actions);
            }
        }
        self.note_leave(JUMP, now, actions);
        self.state.loops.clear();
        let entry = flow.flow.entry;
        self.current = flow;
        self.ask_who_calls(now, actions);
        Some(entry)
    }

    /// The flow that was called is over: goes on in the one that called it.
    fn come_back(&mut self, frame: Frame, now: Now, actions: &mut Vec<Action>) -> Option<usize> {
        self.current = frame.flow;
        self.state.step = frame.step;
        self.state.entered = frame.entered;
        self.state.visit = frame.visit;
        self.state.loops = frame.loops;
        let inner = std::mem::replace(&mut self.state.variables, frame.variables);
        match self.state.variables.take_from(&inner, &frame.returns) {
            Ok(()) => self.leave(Port::Return, now, actions),
            Err(error) => {
                let message = format!("What the flow gave back cannot be kept: {error}.");
                self.fail("variable_refused", message, now, actions)
            }
        }
    }

    /// flows.md 1.2 rule 3: leaves the current step by `error`.
    fn fail(
        &mut self,
        code: &'static str,
        message: String,
        now: Now,
        actions: &mut Vec<Action>,
    ) -> Option<usize> {
        self.note_error(code, message, now, actions);
        self.leave(Port::Error, now, actions)
    }

    fn note_error(&mut self, code: &'static str, message: String, now: Now, actions: &mut Vec<Action>) {
        let mut call = self.call(now, actions);
        let step = call.step_id().to_owned();
        call.set_own("error.code", code);
        call.set_own("error.step", step.clone());
        call.set_own("error.message", message.clone());
        call.act(Action::Log(LogEvent::StepError { step, code: code.to_owned(), message }));
    }
}

fn id_of(flow: &Flow, step: usize) -> &str {
    flow.step(step).map_or("", |step| step.id.as_str())
}

/// `to`: a step of `flow`.
fn log_fallback(flow: &Flow, step: String, port: &str, to: Option<usize>, actions: &mut Vec<Action>) {
    let to = to.map_or("end", |to| id_of(flow, to)).to_owned();
    actions.push(Action::Log(LogEvent::Fallback { step, port: port.to_owned(), to }));
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
