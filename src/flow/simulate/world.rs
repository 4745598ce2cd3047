//! Everything around the interpreter, as simulations have it: a clock, what is due, who is rung, what is played and
//! asked. Both drivers of simulations, the script and the one that is stepped through, have this one world.

use super::words::ScheduleWords;
use super::{
    ANSWERS_AFTER, DialOutcome, REFUSES_AFTER, REPLIES_AFTER, RINGS_AFTER, Rung, SimulatedReply, What,
    length, reply,
};
use crate::clock::{Instant, Now, Wall};
use crate::flow::{
    Action, CallFacts, DialId, DialTarget, Event, FlowVersion, Interpreter, Library, LookupId, Outcome,
    Party, Question, Sound,
};
use crate::ids::{PlaybackId, Random};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an agent talks before hanging up.
const TALKS_FOR: Duration = Duration::from_secs(10);
/// From the end of the whisper to the agent's key.
const ACCEPTS_AFTER: Duration = Duration::from_secs(1);

/// What is assumed of the world.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    pub facts: CallFacts,
    /// When the call comes.
    pub at: Wall,
    /// Outcomes by agent id, number or URI.
    pub dials: BTreeMap<String, DialOutcome>,
    /// Replies by step id.
    pub replies: BTreeMap<String, SimulatedReply>,
    /// Lengths of prompt files by id.
    pub prompt_lengths: BTreeMap<String, Duration>,
    /// What flows look up.
    pub library: Arc<Library>,
    /// Schedules by id of which a state is assumed, whatever their calendars say.
    pub schedules: ScheduleWords,
    /// What a split that draws goes by; the same seed gives the same call again.
    pub seed: u64,
}

/// What happens where the setting says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Silence {
    /// Who is dialled answers, accepts, talks for a while and hangs up; who is asked has no reply.
    Obliging,
    /// Nothing, until somebody says what.
    Waits,
}

/// A leg that was dialled.
pub(super) struct Leg {
    pub dial: DialId,
    pub target: String,
    pub is_over: bool,
    /// Not rung from here: the call is handed over to it.
    pub is_handed_over: bool,
}

/// A question under way.
pub(super) struct Asked {
    pub lookup: LookupId,
    pub step: String,
    pub question: Box<Question>,
}

pub(super) struct World {
    interpreter: Interpreter,
    setting: Setting,
    silence: Silence,
    now: Now,
    /// In no order; a call has few at a time. The number keeps equal times in order.
    events: Vec<(Instant, u64, Event)>,
    counter: u64,
    playing: Vec<(Party, PlaybackId)>,
    legs: Vec<Leg>,
    questions: Vec<Asked>,
    /// What happened, until the driver takes it.
    pub rungs: Vec<Rung>,
    pub outcome: Option<Box<Outcome>>,
}

impl World {
    /// Begins a call.
    pub fn start(flow: FlowVersion, setting: Setting, silence: Silence) -> World {
        let now = Now { instant: Instant::ZERO, wall: setting.at };
        let mut actions = Vec::new();
        let random = Random::from_seed(setting.seed);
        let library = match setting.schedules.is_empty() {
            true => setting.library.clone(),
            false => Arc::new(Library::clone(&setting.library).assuming(&setting.schedules)),
        };
        let facts = setting.facts.clone();
        let interpreter = Interpreter::start(flow, library, facts, random, now, &mut actions);
        let mut world = World {
            interpreter,
            setting,
            silence,
            now,
            events: Vec::new(),
            counter: 0,
            playing: Vec::new(),
            legs: Vec::new(),
            questions: Vec::new(),
            rungs: Vec::new(),
            outcome: None,
        };
        world.carry_out(actions);
        world
    }

    pub fn interpreter(&self) -> &Interpreter {
        &self.interpreter
    }

    pub fn now(&self) -> Now {
        self.now
    }

    /// Sets the clock on the wall, without time passing.
    pub fn set_wall(&mut self, wall: Wall) {
        self.now.wall = wall;
    }

    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    pub fn questions(&self) -> &[Asked] {
        &self.questions
    }

    /// When something happens next by itself.
    pub fn next_at(&self) -> Option<Instant> {
        let first = self.events.iter().map(|(at, ..)| *at).min();
        [first, self.interpreter.next_timeout()].into_iter().flatten().min()
    }

    /// Lets time pass up to a moment, at which nothing happens.
    pub fn wait_until(&mut self, at: Instant) {
        self.now = self.now.later(at - self.now.instant);
    }

    /// Goes to a moment and lets one thing that is due happen: an event, or the interpreter's own time.
    pub fn go_to(&mut self, at: Instant) {
        self.wait_until(at);
        let first = self.events.iter().enumerate().min_by_key(|(_, (at, number, _))| (*at, *number));
        let due = first.filter(|(_, (first, ..))| *first <= at).map(|(index, _)| index);
        let event = due.map_or(Event::Timeout, |index| self.events.swap_remove(index).2);
        self.happen(event);
    }

    /// Something will happen.
    pub fn after(&mut self, delay: Duration, event: Event) {
        self.counter += 1;
        self.events.push((self.now.instant + delay, self.counter, event));
    }

    /// Something happens now.
    pub fn happen(&mut self, event: Event) {
        self.note_event(&event);
        let mut actions = Vec::new();
        self.interpreter.handle(self.now, event, &mut actions);
        self.carry_out(actions);
    }

    fn note(&mut self, what: What) {
        self.rungs.push(Rung { at_ms: self.now.instant.as_micros() / 1_000, what });
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
            Event::HandedOver { dial } => {
                self.note(What::HandedOver { target: self.target(*dial) });
                self.end_leg(*dial);
            }
            Event::HandOverFailed { dial, cause, .. } => {
                self.note(What::DialFailed { target: self.target(*dial), cause: *cause });
                self.end_leg(*dial);
            }
            Event::Replied { lookup, result } => {
                if let Some(index) = self.questions.iter().position(|asked| asked.lookup == *lookup) {
                    let kind = self.questions.remove(index).question.kind();
                    let error = result.as_ref().err().map(ToString::to_string);
                    self.note(What::Reply { kind, error });
                }
            }
            Event::PlaybackEnded { playback } => {
                if let Some(party) = self.end_playback(*playback) {
                    self.note(What::PlaybackEnd { party: self.party(party) });
                    if let (Party::Dialled(_), Silence::Obliging) = (party, self.silence) {
                        let key = Event::Digit { party, digit: '1', source: "simulated" };
                        self.after(ACCEPTS_AFTER, key);
                    }
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
                Action::Connect { dial } => {
                    if self.silence == Silence::Obliging {
                        self.after(TALKS_FOR, Event::DialledHungUp { dial });
                    }
                    self.note(What::Connect { target: self.target(dial) });
                }
                Action::HandOver { dial, target } => self.hand_over(dial, target),
                Action::Ask { lookup, step, question } => self.ask(lookup, step, question),
                Action::Forget { lookup } => self.forget(lookup),
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
        let given = self.setting.dials.get(&target).copied();
        let outcome = given.or((self.silence == Silence::Obliging).then_some(DialOutcome::Answered));
        self.legs.push(Leg { dial, target: target.clone(), is_over: false, is_handed_over: false });
        self.note(What::Dial { dial: dial.to_string(), target });
        let Some(outcome) = outcome else { return };
        if let Some(cause) = outcome.failure() {
            let sip_code = Some(cause.sip_code());
            return self.after(REFUSES_AFTER, Event::DialFailed { dial, cause, sip_code });
        }
        self.after(RINGS_AFTER, Event::Ringing { dial });
        if outcome == DialOutcome::Answered {
            self.after(ANSWERS_AFTER, Event::Answered { dial });
        }
    }

    /// What the setting says of a target becomes of a call that is handed over to it. One that stays until somebody has
    /// answered is a conversation here.
    fn hand_over(&mut self, dial: DialId, target: Option<DialTarget>) {
        let Some(target) = target else {
            return self.note(What::HandOver { target: self.target(dial) });
        };
        let target = target.text().to_owned();
        let given = self.setting.dials.get(&target).copied();
        let outcome = given.or((self.silence == Silence::Obliging).then_some(DialOutcome::Answered));
        self.legs.push(Leg { dial, target: target.clone(), is_over: false, is_handed_over: true });
        self.note(What::HandOver { target });
        match outcome.map(|outcome| (outcome, outcome.failure())) {
            Some((_, Some(cause))) => {
                let sip_code = Some(cause.sip_code());
                self.after(REFUSES_AFTER, Event::HandOverFailed { dial, cause, sip_code });
            }
            Some((DialOutcome::Answered, None)) => self.after(ANSWERS_AFTER, Event::HandedOver { dial }),
            _ => {}
        }
    }

    fn ask(&mut self, lookup: LookupId, step: String, question: Box<Question>) {
        self.note(What::Ask { kind: question.kind(), target: question.target() });
        let given = self.setting.replies.get(&step);
        // Nobody waits for what becomes of a text message.
        let is_sms = matches!(*question, Question::Sms(_));
        if given.is_some() || is_sms || self.silence == Silence::Obliging {
            let result = reply(&question, given);
            self.after(REPLIES_AFTER, Event::Replied { lookup, result });
        }
        self.questions.push(Asked { lookup, step, question });
    }

    /// Nobody waits for that reply any more.
    fn forget(&mut self, lookup: LookupId) {
        self.questions.retain(|asked| asked.lookup != lookup);
        self.events.retain(
            |(_, _, event)| !matches!(event, Event::Replied { lookup: known, .. } if *known == lookup),
        );
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
            | Event::DialledHungUp { dial: known }
            | Event::HandedOver { dial: known }
            | Event::HandOverFailed { dial: known, .. }
            | Event::Digit { party: Party::Dialled(known), .. } => *known != dial,
            _ => true,
        });
    }
}
