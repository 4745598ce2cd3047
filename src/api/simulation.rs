//! A call through a flow that somebody steps through: the interpreter of live calls, a clock that stands still between
//! inputs, and a world that does what it is told.

use crate::clock::{Instant, Now, Wall};
use crate::flow::simulate::{
    ANSWERS_AFTER, DialOutcome, NEXT_KEY_AFTER, REFUSES_AFTER, RINGS_AFTER, Rung, SimulatedReply, What,
    length, reply, sip_code,
};
use crate::flow::{
    Action, CallFacts, DialFailure, DialId, Event, FlowVersion, Interpreter, Library, LookupId, Outcome,
    Party, Question, Sound,
};
use crate::ids::{PlaybackId, Random};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// From a question to a reply that was given beforehand.
const REPLIES_AFTER: Duration = Duration::from_millis(200);
/// Rungs of one answer: a flow that makes more before its clock stands still is stopped there, and goes on with the
/// next input.
const RUNGS_OF_ANSWER_MAX: usize = 1_000;
/// Bytes of the rungs of one answer, as JSON: what a browser takes at once.
const NEWS_BYTES_MAX: usize = 1_024 * 1_024;
/// Events of one input. Some leave no rung, and a day's worth of them would keep a core from the calls.
const EVENTS_OF_INPUT_MAX: usize = 10_000;
/// Rungs of a whole simulation; then the caller hangs up.
const RUNGS_MAX: usize = 20_000;

/// What is assumed of the world.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    pub facts: CallFacts,
    pub at: Wall,
    /// Outcomes by agent id, number or URI. Who is not named rings until somebody says what becomes of it.
    pub dials: BTreeMap<String, DialOutcome>,
    /// Replies of other systems by the step that asks. Who is not named is waited for.
    pub replies: BTreeMap<String, SimulatedReply>,
    /// Lengths of prompt files by id.
    pub prompt_lengths: HashMap<String, Duration>,
    pub library: Arc<Library>,
    /// What draws go by.
    pub seed: u64,
}

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

/// A leg that was dialled.
struct Leg {
    dial: DialId,
    target: String,
    is_over: bool,
}

/// A call that stands still until something is put in.
pub struct Simulation {
    interpreter: Interpreter,
    setting: Setting,
    now: Now,
    /// In no order; a call has few at a time. The number keeps equal times in order.
    events: Vec<(Instant, u64, Event)>,
    counter: u64,
    playing: Vec<(Party, PlaybackId)>,
    legs: Vec<Leg>,
    /// Questions without a reply, with the steps that ask.
    questions: Vec<(LookupId, String, Box<Question>)>,
    /// Rungs that were not given out yet, with their bytes as JSON.
    rungs: VecDeque<(Rung, usize)>,
    /// Bytes of those.
    rung_bytes: usize,
    /// Rungs that ever were.
    made: usize,
    /// Events since the last input.
    happened: usize,
    /// Whether the clock stopped before its time, since too much happened.
    is_stopped: bool,
    outcome: Option<Box<Outcome>>,
}

impl Simulation {
    /// Begins a call.
    pub fn start(flow: FlowVersion, setting: Setting) -> Simulation {
        let now = Now { instant: Instant::ZERO, wall: setting.at };
        let mut actions = Vec::new();
        let interpreter = Interpreter::start(
            flow,
            setting.library.clone(),
            setting.facts.clone(),
            Random::from_seed(setting.seed),
            now,
            &mut actions,
        );
        let mut simulation = Simulation {
            interpreter,
            setting,
            now,
            events: Vec::new(),
            counter: 0,
            playing: Vec::new(),
            legs: Vec::new(),
            questions: Vec::new(),
            rungs: VecDeque::new(),
            rung_bytes: 0,
            made: 0,
            happened: 0,
            is_stopped: false,
            outcome: None,
        };
        simulation.carry_out(actions);
        simulation.run_until(now.instant);
        simulation
    }

    /// Does something to the call.
    pub fn put_in(&mut self, input: Input) -> Result<(), InputError> {
        if self.outcome.is_some() {
            // What it ended with may not have fitted: it is fetched by letting time pass.
            let is_fetching = matches!(input, Input::Next | Input::Wait(_)) && !self.rungs.is_empty();
            return if is_fetching { Ok(()) } else { Err(InputError::Over) };
        }
        if self.is_full() && !matches!(input, Input::Next | Input::Wait(_) | Input::Clock(_)) {
            return Err(InputError::Behind);
        }
        (self.happened, self.is_stopped) = (0, false);
        match input {
            Input::Press(keys) => self.press(&keys),
            Input::Wait(time) => self.run_until(self.now.instant + time),
            Input::Next => {
                if let Some(at) = self.next_at() {
                    self.run_until(at);
                }
            }
            Input::HangUp => self.happen(Event::CallerHungUp),
            Input::Dial { target, result } => self.leg(target.as_deref(), result)?,
            Input::Reply { step, reply } => self.reply(step.as_deref(), &reply)?,
            Input::Clock(wall) => self.now.wall = wall,
        }
        self.run_until(self.now.instant);
        Ok(())
    }

    /// What happened since this was asked last, as much as an answer takes. It is not kept.
    pub fn news(&mut self) -> Vec<Rung> {
        let (mut news, mut bytes) = (Vec::new(), 0);
        while let Some((rung, size)) = self.rungs.pop_front() {
            // One alone is given, however large: else it would stand before the rest for ever.
            if !news.is_empty() && (bytes + size > NEWS_BYTES_MAX || news.len() == RUNGS_OF_ANSWER_MAX) {
                self.rungs.push_front((rung, size));
                break;
            }
            bytes += size;
            news.push(rung);
        }
        self.rung_bytes -= bytes;
        news
    }

    /// Whether there is more to come with the next input: rungs that did not fit, or time that did not pass.
    pub fn is_behind(&self) -> bool {
        !self.rungs.is_empty() || (self.is_stopped && self.outcome.is_none())
    }

    /// Whether what was not given out yet fills an answer.
    fn is_full(&self) -> bool {
        self.rungs.len() >= RUNGS_OF_ANSWER_MAX || self.rung_bytes >= NEWS_BYTES_MAX
    }

    pub fn now(&self) -> Now {
        self.now
    }

    pub fn interpreter(&self) -> &Interpreter {
        &self.interpreter
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_deref()
    }

    /// Targets of the legs that are not over.
    pub fn open_legs(&self) -> impl Iterator<Item = &str> {
        self.legs.iter().filter(|leg| !leg.is_over).map(|leg| leg.target.as_str())
    }

    /// Steps whose questions wait for a reply.
    pub fn open_questions(&self) -> impl Iterator<Item = &str> {
        self.questions.iter().map(|(_, step, _)| step.as_str())
    }

    fn reply(&mut self, step: Option<&str>, given: &SimulatedReply) -> Result<(), InputError> {
        let asked = self.questions.iter().find(|(_, known, _)| step.is_none_or(|step| step == known));
        let (lookup, _, question) = asked.ok_or(InputError::NoQuestion)?;
        let event = Event::Replied { lookup: *lookup, result: reply(question, Some(given)) };
        self.happen(event);
        Ok(())
    }

    fn ask(&mut self, lookup: LookupId, step: String, question: Box<Question>) {
        self.note(What::Ask { kind: question.kind(), target: question.target() });
        let given = self.setting.replies.get(&step);
        // Nobody waits for what becomes of a text message.
        if given.is_some() || matches!(*question, Question::Sms(_)) {
            let result = reply(&question, given);
            self.after(REPLIES_AFTER, Event::Replied { lookup, result });
        }
        self.questions.push((lookup, step, question));
    }

    fn press(&mut self, keys: &str) {
        let mut delay = Duration::ZERO;
        for (index, digit) in keys.chars().enumerate() {
            if index > 0 {
                delay += NEXT_KEY_AFTER;
            }
            // Put among the events: keys for which there is no room now are pressed with the next input.
            self.after(delay, Event::Digit { party: Party::Caller, digit, source: "simulated" });
        }
        // The interpreter reads keys when their millisecond is over.
        self.run_until(self.now.instant + delay + Duration::from_millis(1));
    }

    fn leg(&mut self, target: Option<&str>, input: LegInput) -> Result<(), InputError> {
        let found =
            self.legs.iter().find(|leg| !leg.is_over && target.is_none_or(|target| target == leg.target));
        let dial = found.ok_or(InputError::NoSuchLeg)?.dial;
        let event = match input {
            LegInput::Ring => Event::Ringing { dial },
            LegInput::Answer => Event::Answered { dial },
            LegInput::Fail(cause) => Event::DialFailed { dial, cause, sip_code: Some(sip_code(cause)) },
            LegInput::Press(digit) => {
                Event::Digit { party: Party::Dialled(dial), digit, source: "simulated" }
            }
            LegInput::HangUp => Event::DialledHungUp { dial },
        };
        self.happen(event);
        Ok(())
    }

    /// When something happens next by itself.
    fn next_at(&self) -> Option<Instant> {
        let first = self.events.iter().map(|(at, ..)| *at).min();
        [first, self.interpreter.next_timeout()].into_iter().flatten().min()
    }

    /// Lets time pass, with all that is due; the clock stops earlier where too much happens.
    fn run_until(&mut self, end: Instant) {
        while self.outcome.is_none() {
            if self.made >= RUNGS_MAX {
                self.happen(Event::CallerHungUp);
                return;
            }
            if self.is_full() || self.happened >= EVENTS_OF_INPUT_MAX {
                self.is_stopped = true;
                return;
            }
            let Some(at) = self.next_at().filter(|at| *at <= end) else {
                self.now = self.now.later(end - self.now.instant);
                return;
            };
            self.now = self.now.later(at - self.now.instant);
            let first = self.events.iter().enumerate().min_by_key(|(_, (at, number, _))| (*at, *number));
            let due = first.filter(|(_, (first, ..))| *first <= at).map(|(index, _)| index);
            let event = due.map_or(Event::Timeout, |index| self.events.swap_remove(index).2);
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        self.happened += 1;
        self.note_event(&event);
        let mut actions = Vec::new();
        self.interpreter.handle(self.now, event, &mut actions);
        self.carry_out(actions);
    }

    fn after(&mut self, delay: Duration, event: Event) {
        self.counter += 1;
        self.events.push((self.now.instant + delay, self.counter, event));
    }

    fn note(&mut self, what: What) {
        let at_ms = self.now.instant.as_micros() / 1_000;
        let rung = Rung { at_ms, what };
        let bytes = json_bytes(&rung);
        self.made += 1;
        self.rung_bytes += bytes;
        self.rungs.push_back((rung, bytes));
    }

    fn target(&self, dial: DialId) -> String {
        let leg = self.legs.iter().find(|leg| leg.dial == dial);
        leg.map_or_else(|| dial.to_string(), |leg| leg.target.clone())
    }

    fn party(&self, party: Party) -> String {
        match party {
            Party::Caller => "caller".to_owned(),
            Party::Dialled(dial) => self.target(dial),
        }
    }

    fn note_event(&mut self, event: &Event) {
        match event {
            Event::CallerHungUp => self.note(What::CallerHangUp),
            Event::Ringing { dial } => self.note(What::DialRinging { target: self.target(*dial) }),
            Event::Answered { dial } => self.note(What::DialAnswered { target: self.target(*dial) }),
            Event::DialFailed { dial, cause, .. } => {
                self.note(What::DialFailed { target: self.target(*dial), cause: *cause });
                self.end_leg(*dial);
            }
            Event::DialledHungUp { dial } => {
                self.note(What::DialledHungUp { target: self.target(*dial) });
                self.end_leg(*dial);
            }
            Event::Replied { lookup, result } => {
                if let Some(index) = self.questions.iter().position(|(known, ..)| known == lookup) {
                    let (_, _, question) = self.questions.remove(index);
                    let error = result.as_ref().err().map(ToString::to_string);
                    self.note(What::Reply { kind: question.kind(), error });
                }
            }
            Event::PlaybackEnded { playback } => {
                if let Some(party) = self.end_playback(*playback) {
                    self.note(What::PlaybackEnd { party: self.party(party) });
                }
            }
            _ => {}
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Answer => self.note(What::Answer),
                Action::Ringing => self.note(What::Ringing),
                Action::Listen { .. } => {}
                Action::Play { party, playback, sounds, forever } => {
                    self.play(party, playback, sounds, forever)
                }
                Action::Stop { playback, .. } => {
                    if let Some(party) = self.end_playback(playback) {
                        self.note(What::PlaybackStop { party: self.party(party) });
                    }
                }
                Action::Dial { dial, target, .. } => self.dial(dial, target.text().to_owned()),
                Action::Cancel { dial, reason } => {
                    self.note(What::DialCancel { target: self.target(dial), reason });
                    self.end_leg(dial);
                }
                Action::HangUpDialled { dial } => {
                    self.note(What::DialHangUp { target: self.target(dial) });
                    self.end_leg(dial);
                }
                Action::Connect { dial } => self.note(What::Connect { target: self.target(dial) }),
                Action::Ask { lookup, step, question } => self.ask(lookup, step, question),
                Action::Forget { lookup } => self.questions.retain(|(known, ..)| *known != lookup),
                Action::HangUp { sip_code, q850 } => self.note(What::HangUp { sip_code, q850 }),
                Action::Log(log) => self.note(What::Log(log)),
                Action::Finished(outcome) => self.outcome = Some(outcome),
            }
        }
    }

    fn play(&mut self, party: Party, playback: PlaybackId, sounds: Vec<Sound>, forever: bool) {
        let prompt = |id: &str| self.setting.prompt_lengths.get(id).copied();
        let length: Duration = sounds.iter().map(|sound| length(sound, prompt)).sum();
        self.playing.push((party, playback));
        self.after(Duration::ZERO, Event::PlaybackStarted { playback });
        if !forever {
            self.after(length, Event::PlaybackEnded { playback });
        }
        let length_ms = (!forever).then(|| u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        self.note(What::Play { party: self.party(party), sounds, forever, length_ms });
    }

    fn dial(&mut self, dial: DialId, target: String) {
        let outcome = self.setting.dials.get(&target).copied();
        self.legs.push(Leg { dial, target: target.clone(), is_over: false });
        self.note(What::Dial { dial: dial.to_string(), target });
        let Some(outcome) = outcome else { return };
        if let Some(cause) = outcome.failure() {
            let sip_code = Some(sip_code(cause));
            return self.after(REFUSES_AFTER, Event::DialFailed { dial, cause, sip_code });
        }
        self.after(RINGS_AFTER, Event::Ringing { dial });
        if outcome == DialOutcome::Answered {
            self.after(ANSWERS_AFTER, Event::Answered { dial });
        }
    }

    fn end_playback(&mut self, playback: PlaybackId) -> Option<Party> {
        self.events.retain(|(_, _, event)| {
            !matches!(event,
                Event::PlaybackStarted { playback: known } | Event::PlaybackEnded { playback: known }
                    if *known == playback)
        });
        let index = self.playing.iter().position(|(_, known)| *known == playback)?;
        Some(self.playing.swap_remove(index).0)
    }

    fn end_leg(&mut self, dial: DialId) {
        if let Some(leg) = self.legs.iter_mut().find(|leg| leg.dial == dial) {
            leg.is_over = true;
        }
        self.events.retain(|(_, _, event)| match event {
            Event::Ringing { dial: known }
            | Event::Answered { dial: known }
            | Event::DialFailed { dial: known, .. }
            | Event::DialledHungUp { dial: known } => *known != dial,
            _ => true,
        });
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
