//! Runs a flow without a telephone: a virtual clock, a caller who follows a script, agents with given outcomes.
//!
//! Only the world around the interpreter is modelled; the interpreter is the one that live calls run.

mod print;

pub use print::plain;

use super::{
    Action, BuiltIn, CallFacts, DialFailure, DialId, Event, FlowVersion, Interpreter, Library, LogEvent,
    LookupError, LookupId, Outcome, Party, Question, Reply, Sound,
};
use crate::clock::{Instant, Now, Wall};
use crate::ids::{PlaybackId, Random};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// From the moment a step takes input to the first key of a run.
const FIRST_KEY_AFTER: Duration = Duration::from_millis(300);
/// From key to key within a run.
pub const NEXT_KEY_AFTER: Duration = Duration::from_millis(200);
/// From dialling to 180.
pub const RINGS_AFTER: Duration = Duration::from_millis(200);
/// From dialling to an answer.
pub const ANSWERS_AFTER: Duration = Duration::from_secs(3);
/// From dialling to a refusal.
pub const REFUSES_AFTER: Duration = Duration::from_secs(1);
/// From a question to its reply.
const REPLIES_AFTER: Duration = Duration::from_millis(400);
/// How long an agent talks before hanging up.
const TALKS_FOR: Duration = Duration::from_secs(10);
/// From the end of the whisper to the agent's key.
const ACCEPTS_AFTER: Duration = Duration::from_secs(1);
/// Speech is never rendered; so long a character takes on average (some 150 words a minute).
const SPEECH_MS_PER_CHAR: u64 = 65;
/// What a prompt file is taken to last where nothing is known of it.
const FILE_LENGTH: Duration = Duration::from_secs(3);
/// Rungs of one ladder. A flow that makes more (hours of a caller walking in circles) is cut short by a hang-up.
const RUNGS_MAX: usize = 20_000;

/// What is assumed of the world.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    pub facts: CallFacts,
    /// When the call comes.
    pub at: Wall,
    /// What the caller does, in order; afterwards the caller waits.
    pub script: Vec<Press>,
    /// Outcomes by agent id, number or URI. Who is not named answers.
    pub dials: BTreeMap<String, DialOutcome>,
    /// Replies by step id. A question without one fails.
    pub replies: BTreeMap<String, SimulatedReply>,
    /// Lengths of prompt files by id.
    pub prompt_lengths: BTreeMap<String, Duration>,
    /// What flows look up.
    pub library: Arc<Library>,
    /// The caller hangs up then; never, where absent.
    pub hang_up_after: Option<Duration>,
    /// What a split that draws goes by; the same seed gives the same call again.
    pub seed: u64,
}

/// One thing that the caller does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Press {
    /// A run of keys, typed when a step next takes input: at a question that no run was typed into yet, or,
    /// directly after a pause, at any that is open.
    Keys(String),
    /// Time that passes before the next run.
    Wait(Duration),
}

/// What becomes of a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DialOutcome {
    /// After 3 s; presses 1 if asked to, talks for 10 s, hangs up.
    Answered,
    /// Rings until it is given up.
    NoAnswer,
    Busy,
    Rejected,
    Unavailable,
    Failed,
}

/// What another system answers.
#[derive(Clone, PartialEq, Debug)]
pub enum SimulatedReply {
    /// For http: `{"status": 200, "json": …}` or `{"status": 404, "body": "…"}`; for a callout its object; for a query
    /// its list of records; for sms anything.
    Value(Value),
    /// No reply, for this reason.
    Failure(String),
}

/// Why a script or an outcome could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("`{0}` is neither keys (0-9, *, #, A-D) nor a pause (wait:5)")]
    Press(String),
    #[error(
        "`{0}` is no outcome of a dial; known are answered, no_answer, busy, rejected, unavailable, failed"
    )]
    Outcome(String),
}

/// One thing that happened.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Rung {
    pub at_ms: u64,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum What {
    Answer,
    Ringing,
    Play {
        party: String,
        sounds: Vec<Sound>,
        forever: bool,
        /// Absent where it goes on until it is stopped.
        #[serde(skip_serializing_if = "Option::is_none")]
        length_ms: Option<u64>,
    },
    PlaybackEnd {
        party: String,
    },
    PlaybackStop {
        party: String,
    },
    Dial {
        dial: String,
        target: String,
    },
    DialRinging {
        target: String,
    },
    DialAnswered {
        target: String,
    },
    DialFailed {
        target: String,
        cause: DialFailure,
    },
    DialCancel {
        target: String,
        reason: super::CancelReason,
    },
    DialHangUp {
        target: String,
    },
    DialledHungUp {
        target: String,
    },
    Connect {
        target: String,
    },
    CallerHangUp,
    HangUp {
        sip_code: u16,
        q850: Option<u8>,
    },
    Ask {
        kind: &'static str,
        target: String,
    },
    Reply {
        kind: &'static str,
        /// Absent where it is usable.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    #[serde(untagged)]
    Log(LogEvent),
}

/// A whole call.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Ladder {
    pub rungs: Vec<Rung>,
    pub outcome: Outcome,
}

/// Runs a call through the flow until it has ended.
pub fn simulate(flow: FlowVersion, scenario: &Scenario) -> Ladder {
    let mut world = World::new(scenario);
    let mut actions = Vec::new();
    let mut interpreter = Interpreter::start(
        flow,
        scenario.library.clone(),
        scenario.facts.clone(),
        Random::from_seed(scenario.seed),
        world.now,
        &mut actions,
    );
    loop {
        for action in actions.drain(..) {
            world.do_action(action);
        }
        if let Some(outcome) = world.outcome.take() {
            return Ladder { rungs: world.rungs, outcome: *outcome };
        }
        world.follow_script(&interpreter);
        let event = world.next_event(&interpreter);
        interpreter.handle(world.now, event, &mut actions);
    }
}

/// Reads `2,wait:5,1`.
pub fn parse_script(text: &str) -> Result<Vec<Press>, ScenarioError> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| {
            let wrong = || ScenarioError::Press(item.to_owned());
            match item.strip_prefix("wait:") {
                Some(seconds) => {
                    let seconds: f64 = seconds.parse().map_err(|_| wrong())?;
                    let pause = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
                    Ok(Press::Wait(pause))
                }
                None if item.chars().all(|c| c.is_ascii_digit() || "*#ABCDabcd".contains(c)) => {
                    Ok(Press::Keys(item.to_ascii_uppercase()))
                }
                None => Err(wrong()),
            }
        })
        .collect()
}

impl std::str::FromStr for DialOutcome {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        Ok(match text {
            "answered" => DialOutcome::Answered,
            "no_answer" => DialOutcome::NoAnswer,
            "busy" => DialOutcome::Busy,
            "rejected" => DialOutcome::Rejected,
            "unavailable" => DialOutcome::Unavailable,
            "failed" => DialOutcome::Failed,
            other => return Err(ScenarioError::Outcome(other.to_owned())),
        })
    }
}

/// The reply that was given for a question, as the outside would have it.
pub fn reply(question: &Question, given: Option<&SimulatedReply>) -> Result<Reply, LookupError> {
    let failed = |code, message: &str| Err(LookupError { code, message: message.to_owned() });
    let value = match given {
        None if matches!(question, Question::Sms(_)) => return Ok(Reply::Sms),
        None => return failed("not_simulated", "No reply was given to this simulation."),
        Some(SimulatedReply::Failure(reason)) => return failed("simulated", reason),
        Some(SimulatedReply::Value(value)) => value,
    };
    match (question, value) {
        (Question::Http(_), Value::Object(given)) => {
            let status =
                given.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
            let json = given.get("json");
            let body = match (json, given.get("body")) {
                (Some(json), _) => json.to_string(),
                (None, Some(Value::String(body))) => body.clone(),
                (None, Some(other)) => other.to_string(),
                (None, None) => String::new(),
            };
            Reply::http(status.unwrap_or(200), body, json.is_some())
        }
        (Question::Sms(_), _) => Ok(Reply::Sms),
        (Question::Callout(_), Value::Object(reply)) => Ok(Reply::Callout(reply.clone())),
        (Question::Query(_), Value::Array(records)) => {
            Ok(Reply::Query(records.iter().filter_map(Value::as_object).cloned().collect()))
        }
        _ => failed("simulated", "The given reply is none to this question."),
    }
}

/// How long a sound is taken to last. Speech is never rendered; `prompt` gives the known length of a prompt file.
pub fn length(sound: &Sound, prompt: impl Fn(&str) -> Option<Duration>) -> Duration {
    match sound {
        Sound::File { id } => prompt(id).unwrap_or(FILE_LENGTH),
        Sound::Speech { text, .. } => {
            Duration::from_millis(500 + SPEECH_MS_PER_CHAR * text.chars().count() as u64)
        }
        Sound::Digits { digits, .. } => Duration::from_millis(500 * digits.chars().count() as u64),
        Sound::BuiltIn { prompt: BuiltIn::Goodbye | BuiltIn::YouEntered, .. } => Duration::from_secs(1),
        Sound::BuiltIn { .. } => Duration::from_secs(3),
        Sound::Silence { ms } => Duration::from_millis(u64::from(*ms)),
        Sound::RingbackTone => Duration::from_secs(6),
        Sound::Music => Duration::from_secs(60),
        Sound::Beep => Duration::from_millis(500),
    }
}

/// The SIP code that a failure comes from.
pub fn sip_code(cause: DialFailure) -> u16 {
    match cause {
        DialFailure::Busy => 486,
        DialFailure::Rejected => 603,
        DialFailure::NoAnswer => 408,
        DialFailure::Unavailable => 480,
        DialFailure::Failed => 500,
    }
}

impl DialOutcome {
    /// Why the leg fails at once, where it does.
    pub fn failure(self) -> Option<DialFailure> {
        match self {
            DialOutcome::Answered | DialOutcome::NoAnswer => None,
            DialOutcome::Busy => Some(DialFailure::Busy),
            DialOutcome::Rejected => Some(DialFailure::Rejected),
            DialOutcome::Unavailable => Some(DialFailure::Unavailable),
            DialOutcome::Failed => Some(DialFailure::Failed),
        }
    }
}

/// Everything around the interpreter.
struct World<'a> {
    scenario: &'a Scenario,
    now: Now,
    started: Instant,
    /// In no order; a call has few at a time. The number keeps equal times in order.
    events: Vec<(Instant, u64, Event)>,
    counter: u64,
    playing: Vec<(Party, PlaybackId, bool)>,
    targets: Vec<String>,
    /// Questions under way, with what will be answered.
    replies: Vec<(LookupId, &'static str, Option<String>)>,
    script: VecDeque<Press>,
    /// The caller does nothing before.
    idle_until: Instant,
    /// The question that the last run went into.
    answered_question: Option<u32>,
    rungs: Vec<Rung>,
    outcome: Option<Box<Outcome>>,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario) -> World<'a> {
        let now = Now { instant: Instant::ZERO, wall: scenario.at };
        let mut world = World {
            scenario,
            now,
            started: now.instant,
            events: Vec::new(),
            counter: 0,
            playing: Vec::new(),
            targets: Vec::new(),
            replies: Vec::new(),
            script: scenario.script.iter().cloned().collect(),
            idle_until: now.instant,
            answered_question: None,
            rungs: Vec::new(),
            outcome: None,
        };
        if let Some(after) = scenario.hang_up_after {
            world.after(after, Event::CallerHungUp);
        }
        world
    }

    fn after(&mut self, delay: Duration, event: Event) {
        self.counter += 1;
        self.events.push((self.now.instant + delay, self.counter, event));
    }

    fn note(&mut self, what: What) {
        let elapsed = self.now.instant - self.started;
        let at_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.rungs.push(Rung { at_ms, what });
    }

    fn target(&self, dial: DialId) -> String {
        self.targets.get(dial.0 as usize).cloned().unwrap_or_else(|| dial.to_string())
    }

    fn party(&self, party: Party) -> String {
        match party {
            Party::Caller => "caller".to_owned(),
            Party::Dialled(dial) => self.target(dial),
        }
    }

    /// Goes to whatever comes first and gives it.
    fn next_event(&mut self, interpreter: &Interpreter) -> Event {
        let script = match self.script.front() {
            Some(Press::Wait(_)) | None => None,
            Some(Press::Keys(_)) => (self.idle_until > self.now.instant).then_some(self.idle_until),
        };
        let timer = interpreter.next_timeout().unwrap_or(self.now.instant);
        let timer = script.map_or(timer, |script| script.min(timer));
        let first = self.events.iter().enumerate().min_by_key(|(_, (at, number, _))| (*at, *number));
        let first = first.map(|(i, (at, ..))| (i, *at));
        let (at, event) = match first {
            _ if self.rungs.len() > RUNGS_MAX => (self.now.instant, Event::CallerHungUp),
            Some((i, at)) if at <= timer => (at, self.events.swap_remove(i).2),
            _ => (timer, Event::Timeout),
        };
        self.now = self.now.later(at - self.now.instant);
        self.note_event(&event);
        event
    }

    fn note_event(&mut self, event: &Event) {
        match event {
            Event::CallerHungUp => self.note(What::CallerHangUp),
            Event::Ringing { dial } => self.note(What::DialRinging { target: self.target(*dial) }),
            Event::Answered { dial } => self.note(What::DialAnswered { target: self.target(*dial) }),
            Event::DialFailed { dial, cause, .. } => {
                self.note(What::DialFailed { target: self.target(*dial), cause: *cause });
            }
            Event::DialledHungUp { dial } => self.note(What::DialledHungUp { target: self.target(*dial) }),
            Event::Replied { lookup, .. } => {
                if let Some(i) = self.replies.iter().position(|(known, ..)| known == lookup) {
                    let (_, kind, error) = self.replies.swap_remove(i);
                    self.note(What::Reply { kind, error });
                }
            }
            Event::PlaybackEnded { playback } => {
                if let Some((party, ..)) = self.forget_playback(*playback) {
                    self.note(What::PlaybackEnd { party: self.party(party) });
                    if let Party::Dialled(_) = party {
                        let key = Event::Digit { party, digit: '1', source: "simulated" };
                        self.after(ACCEPTS_AFTER, key);
                    }
                }
            }
            _ => {}
        }
    }

    /// Types the next run if its time has come.
    fn follow_script(&mut self, interpreter: &Interpreter) {
        while let Some(Press::Wait(pause)) = self.script.front() {
            self.idle_until = self.idle_until.max(self.now.instant) + *pause;
            self.answered_question = None;
            self.script.pop_front();
        }
        let question = interpreter.open_question();
        if self.idle_until > self.now.instant || question.is_none() || question == self.answered_question {
            return;
        }
        if let Some(Press::Keys(keys)) = self.script.pop_front() {
            let mut delay = FIRST_KEY_AFTER;
            for digit in keys.chars() {
                self.after(delay, Event::Digit { party: Party::Caller, digit, source: "simulated" });
                delay += NEXT_KEY_AFTER;
            }
            self.answered_question = question;
            self.idle_until = self.now.instant + delay;
        }
    }

    fn do_action(&mut self, action: Action) {
        match action {
            Action::Answer => self.note(What::Answer),
            Action::Ringing => self.note(What::Ringing),
            Action::Listen { .. } => {}
            Action::Play { party, playback, sounds, forever } => self.play(party, playback, sounds, forever),
            Action::Stop { playback, .. } => {
                if let Some((party, ..)) = self.forget_playback(playback) {
                    self.note(What::PlaybackStop { party: self.party(party) });
                }
            }
            Action::Dial { dial, target, .. } => self.dial(dial, target.text().to_owned()),
            Action::Cancel { dial, reason } => {
                self.forget_dial(dial);
                self.note(What::DialCancel { target: self.target(dial), reason });
            }
            Action::HangUpDialled { dial } => {
                self.forget_dial(dial);
                self.note(What::DialHangUp { target: self.target(dial) });
            }
            Action::Connect { dial } => {
                self.after(TALKS_FOR, Event::DialledHungUp { dial });
                self.note(What::Connect { target: self.target(dial) });
            }
            Action::Ask { lookup, step, question } => {
                self.note(What::Ask { kind: question.kind(), target: question.target() });
                let result = reply(&question, self.scenario.replies.get(&step));
                let error = result.as_ref().err().map(ToString::to_string);
                self.replies.push((lookup, question.kind(), error));
                self.after(REPLIES_AFTER, Event::Replied { lookup, result });
            }
            // The reply comes all the same, and is ignored.
            Action::Forget { .. } => {}
            Action::HangUp { sip_code, q850 } => self.note(What::HangUp { sip_code, q850 }),
            Action::Log(log) => self.note(What::Log(log)),
            Action::Finished(outcome) => self.outcome = Some(outcome),
        }
    }

    fn play(&mut self, party: Party, playback: PlaybackId, sounds: Vec<Sound>, forever: bool) {
        let prompt = |id: &str| self.scenario.prompt_lengths.get(id).copied();
        let length: Duration = sounds.iter().map(|sound| length(sound, prompt)).sum();
        self.playing.push((party, playback, forever));
        self.after(Duration::ZERO, Event::PlaybackStarted { playback });
        let mut length_ms = None;
        if !forever {
            self.after(length, Event::PlaybackEnded { playback });
            length_ms = u64::try_from(length.as_millis()).ok();
        }
        self.note(What::Play { party: self.party(party), sounds, forever, length_ms });
    }

    fn dial(&mut self, dial: DialId, target: String) {
        let outcome = self.scenario.dials.get(&target).copied().unwrap_or(DialOutcome::Answered);
        self.targets.push(target.clone());
        self.note(What::Dial { dial: dial.to_string(), target });
        if let Some(cause) = outcome.failure() {
            let sip_code = Some(sip_code(cause));
            return self.after(REFUSES_AFTER, Event::DialFailed { dial, cause, sip_code });
        }
        if outcome == DialOutcome::Answered {
            self.after(ANSWERS_AFTER, Event::Answered { dial });
        }
        self.after(RINGS_AFTER, Event::Ringing { dial });
    }

    fn forget_playback(&mut self, playback: PlaybackId) -> Option<(Party, PlaybackId, bool)> {
        self.events.retain(|(_, _, event)| {
            !matches!(event,
                Event::PlaybackStarted { playback: known } | Event::PlaybackEnded { playback: known }
                    if *known == playback)
        });
        let i = self.playing.iter().position(|(_, known, _)| *known == playback)?;
        Some(self.playing.swap_remove(i))
    }

    fn forget_dial(&mut self, dial: DialId) {
        self.events.retain(|(_, _, event)| match event {
            Event::Ringing { dial: known }
            | Event::Answered { dial: known }
            | Event::DialFailed { dial: known, .. }
            | Event::DialledHungUp { dial: known }
            | Event::Digit { party: Party::Dialled(known), .. } => *known != dial,
            _ => true,
        });
    }
}
