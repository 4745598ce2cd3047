//! A call through a flow that somebody steps through: a clock that stands still between inputs, and a world that does
//! what it is told.

use super::world::{Setting, Silence, World};
use super::{NEXT_KEY_AFTER, Rung, SimulatedReply, reply};
use crate::clock::{Instant, Now, Wall};
use crate::flow::{DialFailure, Event, FlowVersion, Interpreter, Outcome, Party};
use std::collections::VecDeque;
use std::time::Duration;

/// Rungs of one answer: a flow that makes more before its clock stands still is stopped there, and goes on with the
/// next input.
const RUNGS_OF_ANSWER_MAX: usize = 1_000;
/// Bytes of the rungs of one answer, as JSON: what a browser takes at once.
const NEWS_BYTES_MAX: usize = 1_024 * 1_024;
/// Events of one input. Some leave no rung, and a day's worth of them would keep a core from the calls.
const EVENTS_OF_INPUT_MAX: usize = 10_000;
/// Rungs of a whole simulation; then the caller hangs up.
const RUNGS_MAX: usize = 20_000;

/// What somebody does to the call.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The caller types these keys.
    Press(String),
    /// Time passes.
    Wait(Duration),
    /// Time passes until something happens.
    Next,
    HangUp,
    /// A dialled leg: by what was dialled; the first that rings where none is named.
    Dial {
        target: Option<String>,
        result: LegInput,
    },
    /// The reply to the question that has waited longest, or to that of a step.
    Reply {
        step: Option<String>,
        reply: SimulatedReply,
    },
    /// The clock on the wall is set, without time passing.
    Clock(Wall),
}

/// What a dialled leg does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LegInput {
    Ring,
    Answer,
    Fail(DialFailure),
    /// Presses a key, such as the one that accepts the call.
    Press(char),
    HangUp,
}

/// Why an input makes no sense now.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InputError {
    #[error("the call is over")]
    Over,
    #[error("no leg to that target was dialled that is not over")]
    NoSuchLeg,
    #[error("no question waits for a reply")]
    NoQuestion,
    #[error("more has happened than one answer takes: fetch the rest with the input \"next\" first")]
    Behind,
}

/// A call that stands still until something is put in.
pub struct Simulation {
    world: World,
    /// Rungs that were not given out yet, with their bytes as JSON.
    news: VecDeque<(Rung, usize)>,
    /// Bytes of those.
    news_bytes: usize,
    /// Rungs that ever were.
    made: usize,
    /// Events since the last input.
    happened: usize,
    /// Whether the clock stopped before its time, since too much happened.
    is_stopped: bool,
}

impl Simulation {
    /// Begins a call. Who is not named in the setting rings, and a question without a reply there is waited for, until
    /// an input says what becomes of them.
    pub fn start(flow: FlowVersion, setting: Setting) -> Simulation {
        let mut simulation = Simulation {
            world: World::start(flow, setting, Silence::Waits),
            news: VecDeque::new(),
            news_bytes: 0,
            made: 0,
            happened: 0,
            is_stopped: false,
        };
        simulation.collect();
        simulation.run_until(simulation.now().instant);
        simulation
    }

    /// Does something to the call.
    pub fn put_in(&mut self, input: Input) -> Result<(), InputError> {
        if self.outcome().is_some() {
            // What it ended with may not have fitted: it is fetched by letting time pass.
            let is_fetching = matches!(input, Input::Next | Input::Wait(_)) && !self.news.is_empty();
            return if is_fetching { Ok(()) } else { Err(InputError::Over) };
        }
        if self.is_full() && !matches!(input, Input::Next | Input::Wait(_) | Input::Clock(_)) {
            return Err(InputError::Behind);
        }
        (self.happened, self.is_stopped) = (0, false);
        match input {
            Input::Press(keys) => self.press(&keys),
            Input::Wait(time) => self.run_until(self.now().instant + time),
            Input::Next => {
                if let Some(at) = self.world.next_at() {
                    self.run_until(at);
                }
            }
            Input::HangUp => self.happen(Event::CallerHungUp),
            Input::Dial { target, result } => self.leg(target.as_deref(), result)?,
            Input::Reply { step, reply } => self.reply(step.as_deref(), &reply)?,
            Input::Clock(wall) => self.world.set_wall(wall),
        }
        self.run_until(self.now().instant);
        Ok(())
    }

    /// What happened since this was asked last, as much as an answer takes. It is not kept.
    pub fn news(&mut self) -> Vec<Rung> {
        let (mut news, mut bytes) = (Vec::new(), 0);
        while let Some((rung, size)) = self.news.pop_front() {
            // One alone is given, however large: else it would stand before the rest for ever.
            if !news.is_empty() && (bytes + size > NEWS_BYTES_MAX || news.len() == RUNGS_OF_ANSWER_MAX) {
                self.news.push_front((rung, size));
                break;
            }
            bytes += size;
            news.push(rung);
        }
        self.news_bytes -= bytes;
        news
    }

    /// Whether there is more to come with the next input: rungs that did not fit, or time that did not pass.
    pub fn is_behind(&self) -> bool {
        !self.news.is_empty() || (self.is_stopped && self.outcome().is_none())
    }

    /// Whether what was not given out yet fills an answer.
    fn is_full(&self) -> bool {
        self.news.len() >= RUNGS_OF_ANSWER_MAX || self.news_bytes >= NEWS_BYTES_MAX
    }

    pub fn now(&self) -> Now {
        self.world.now()
    }

    pub fn interpreter(&self) -> &Interpreter {
        self.world.interpreter()
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.world.outcome.as_deref()
    }

    /// Targets of the legs that are not over.
    pub fn open_legs(&self) -> impl Iterator<Item = &str> {
        self.world.legs().iter().filter(|leg| !leg.is_over).map(|leg| leg.target.as_str())
    }

    /// Steps whose questions wait for a reply.
    pub fn open_questions(&self) -> impl Iterator<Item = &str> {
        self.world.questions().iter().map(|asked| asked.step.as_str())
    }

    fn reply(&mut self, step: Option<&str>, given: &SimulatedReply) -> Result<(), InputError> {
        let asked = self.world.questions().iter().find(|asked| step.is_none_or(|step| step == asked.step));
        let asked = asked.ok_or(InputError::NoQuestion)?;
        let event = Event::Replied { lookup: asked.lookup, result: reply(&asked.question, Some(given)) };
        self.happen(event);
        Ok(())
    }

    fn press(&mut self, keys: &str) {
        let mut delay = Duration::ZERO;
        for (index, digit) in keys.chars().enumerate() {
            if index > 0 {
                delay += NEXT_KEY_AFTER;
            }
            // Put among the events: keys for which there is no room now are pressed with the next input.
            self.world.after(delay, Event::Digit { party: Party::Caller, digit, source: "simulated" });
        }
        // The interpreter reads keys when their millisecond is over.
        self.run_until(self.now().instant + delay + Duration::from_millis(1));
    }

    fn leg(&mut self, target: Option<&str>, input: LegInput) -> Result<(), InputError> {
        let mut open = self.world.legs().iter().filter(|leg| !leg.is_over);
        let found = open.find(|leg| target.is_none_or(|target| target == leg.target));
        let found = found.ok_or(InputError::NoSuchLeg)?;
        let (dial, is_handed_over) = (found.dial, found.is_handed_over);
        let event = match input {
            LegInput::Answer if is_handed_over => Event::HandedOver { dial },
            LegInput::Fail(cause) if is_handed_over => {
                Event::HandOverFailed { dial, cause, sip_code: Some(cause.sip_code()) }
            }
            LegInput::Ring => Event::Ringing { dial },
            LegInput::Answer => Event::Answered { dial },
            LegInput::Fail(cause) => Event::DialFailed { dial, cause, sip_code: Some(cause.sip_code()) },
            LegInput::Press(digit) => {
                Event::Digit { party: Party::Dialled(dial), digit, source: "simulated" }
            }
            LegInput::HangUp => Event::DialledHungUp { dial },
        };
        self.happen(event);
        Ok(())
    }

    /// Lets time pass, with all that is due; the clock stops earlier where too much happens.
    fn run_until(&mut self, end: Instant) {
        while self.outcome().is_none() {
            if self.made >= RUNGS_MAX {
                self.happen(Event::CallerHungUp);
                return;
            }
            if self.is_full() || self.happened >= EVENTS_OF_INPUT_MAX {
                self.is_stopped = true;
                return;
            }
            let Some(at) = self.world.next_at().filter(|at| *at <= end) else {
                return self.world.wait_until(end);
            };
            self.happened += 1;
            self.world.go_to(at);
            self.collect();
        }
    }

    fn happen(&mut self, event: Event) {
        self.happened += 1;
        self.world.happen(event);
        self.collect();
    }

    /// Takes what happened among what is to be told.
    fn collect(&mut self) {
        for rung in self.world.rungs.drain(..) {
            let bytes = json_bytes(&rung);
            self.made += 1;
            self.news_bytes += bytes;
            self.news.push_back((rung, bytes));
        }
    }
}

/// The bytes of a rung as JSON, counted without writing it down.
fn json_bytes(rung: &Rung) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // What cannot be written is given out as null.
    _ = serde_json::to_writer(&mut count, rung);
    count.0
}

#[cfg(test)]
mod tests;
