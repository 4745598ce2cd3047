//! The interpreter by ladders: what goes in at which millisecond, and what comes out.

mod crm;
mod dialling;
mod lookups;
mod property;
mod routing;
mod subflows;
mod timing;
mod validation;

use super::*;
use crate::clock::{Instant, Now, Wall};
use crate::ids::Random;
use serde_json::{Value, json};
use std::sync::Arc;

/// A call under test.
pub struct Rig {
    pub interpreter: Interpreter,
    now: Now,
    actions: Vec<Action>,
}

/// Compiles, and shows all findings where it cannot.
pub fn compile(document: &Value) -> Flow {
    Flow::compile(&document.to_string(), &Resources::default())
        .unwrap_or_else(|findings| {
            panic!("{}", findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })
        .0
}

/// A document with these steps, entered at the first; each gets its id as name.
pub fn document(settings: Value, steps: Value) -> Value {
    let entry = steps.as_object().unwrap().keys().next().unwrap().clone();
    json!({"schema": "callflow/1", "id": "t", "name": "T", "settings": settings, "entry": entry, "steps": steps})
}

/// One list of callers, `vip`.
pub fn library() -> Arc<Library> {
    let mut vip = CallerList::default();
    vip.add("+1415*").unwrap();
    Arc::new(Library { caller_lists: [("vip".to_owned(), vip)].into(), ..Library::default() })
}

pub fn rig(settings: Value, steps: Value) -> Rig {
    rig_for(CallFacts { from: "+14155550100".into(), ..CallFacts::default() }, &document(settings, steps))
}

pub fn rig_for(facts: CallFacts, document: &Value) -> Rig {
    let mut actions = Vec::new();
    // Monday, 2026-11-23, 15:00 UTC.
    let now = Now { instant: Instant::from_millis(1_000), wall: Wall::from_unix_seconds(1_795_446_000) };
    let interpreter = Interpreter::start(
        FlowVersion::unpublished(compile(document)),
        library(),
        facts,
        Random::from_seed(1),
        now,
        &mut actions,
    );
    Rig { interpreter, now, actions }
}

impl Rig {
    /// Goes to a millisecond after the start, firing timers on the way.
    pub fn at(&mut self, ms: u64) -> &mut Self {
        let to = Instant::from_millis(1_000 + ms);
        while let Some(due) = self.interpreter.next_timeout().filter(|due| *due <= to) {
            self.now = self.now.later(due - self.now.instant);
            self.interpreter.handle(self.now, Event::Timeout, &mut self.actions);
        }
        self.now = self.now.later(to - self.now.instant);
        self
    }

    pub fn event(&mut self, event: Event) -> &mut Self {
        self.interpreter.handle(self.now, event, &mut self.actions);
        self
    }

    pub fn keys(&mut self, keys: &str) -> &mut Self {
        for digit in keys.chars() {
            self.event(Event::Digit { party: Party::Caller, digit, source: "rfc4733" });
        }
        self
    }

    pub fn started(&mut self, playback: u64) -> &mut Self {
        self.event(Event::PlaybackStarted { playback: PlaybackId(playback) })
    }

    pub fn ended(&mut self, playback: u64) -> &mut Self {
        self.event(Event::PlaybackEnded { playback: PlaybackId(playback) })
    }

    pub fn step(&self) -> &str {
        self.interpreter.current_step().0
    }

    /// What came out since the last time, in short: `play p1 hello`, `stop p1`, `enter menu`, `leave key:1` …
    pub fn take(&mut self) -> Vec<String> {
        self.actions.drain(..).filter_map(|action| short(&action)).collect()
    }

    pub fn outcome(&mut self) -> Outcome {
        match self.actions.pop() {
            Some(Action::Finished(outcome)) => *outcome,
            other => panic!("not finished but {other:?}"),
        }
    }

    pub fn var(&self, name: &str) -> String {
        self.interpreter.variables().get(name).unwrap_or_default().into_owned()
    }
}

fn short(action: &Action) -> Option<String> {
    let who = |party: &Party| match party {
        Party::Caller => String::new(),
        Party::Dialled(dial) => format!(" to {dial}"),
    };
    Some(match action {
        Action::Answer => "answer".into(),
        Action::Ringing => "ringing".into(),
        Action::Play { party, playback, sounds, .. } => {
            let sounds: Vec<String> = sounds.iter().map(short_sound).collect();
            format!("play {playback}{} {}", who(party), sounds.join("+"))
        }
        Action::Stop { playback, .. } => format!("stop {playback}"),
        Action::Listen { .. } => return None,
        Action::Dial { dial, target, .. } => format!("dial {dial} {}", target.text()),
        Action::Cancel { dial, reason } => format!("cancel {dial} {reason:?}"),
        Action::Ask { lookup, question, .. } => format!("ask {} {}", lookup.0, question.kind()),
        Action::Forget { lookup } => format!("forget {}", lookup.0),
        Action::HangUpDialled { dial } => format!("bye {dial}"),
        Action::Connect { dial } => format!("connect {dial}"),
        Action::HandOver { dial, target: Some(target) } => format!("hand over {dial} {}", target.text()),
        Action::HandOver { dial, target: None } => format!("hand over {dial}"),
        Action::HangUp { sip_code, q850 } => format!("hangup {sip_code}/{}", q850.unwrap_or(0)),
        Action::Log(LogEvent::StepEnter { flow: Some(flow), step, .. }) => {
            format!("enter {}/{step}", flow.id)
        }
        Action::Log(LogEvent::StepEnter { step, .. }) => format!("enter {step}"),
        Action::Log(LogEvent::StepLeave { port, .. }) => format!("leave {port}"),
        Action::Log(LogEvent::TtsLate { .. }) => "late".into(),
        Action::Log(LogEvent::StepError { code, .. }) => format!("error {code}"),
        Action::Log(
            LogEvent::Key { .. } | LogEvent::Tag { .. } | LogEvent::Contact(_) | LogEvent::Fallback { .. },
        ) => return None,
        Action::Finished(outcome) => format!("finished {:?}", outcome.outcome),
    })
}

fn short_sound(sound: &Sound) -> String {
    match sound {
        Sound::File { id } => id.clone(),
        Sound::Speech { text, .. } => format!("'{text}'"),
        Sound::Digits { digits, .. } => digits.clone(),
        Sound::BuiltIn { prompt, .. } => format!("{prompt:?}"),
        other => format!("{other:?}"),
    }
}

pub fn file(id: &str) -> Value {
    json!({"kind": "file", "id": id})
}

pub fn say(text: &str) -> Value {
    json!({"kind": "tts", "text": text})
}

pub fn end() -> Value {
    json!({"type": "hangup", "config": {}})
}

#[test]
fn a_greeting_plays_and_goes_on_and_its_error_falls_to_goodbye() {
    let steps = json!({
        "hi": {"type": "greeting", "config": {"audio": file("hi"), "repeat": 2, "gapMs": 0}, "on": {"next": "bye"}},
        "bye": end()});
    let mut rig = rig(json!({}), steps);
    assert_eq!(rig.take(), ["enter hi", "answer", "play p1 hi+hi"]);
    rig.event(Event::PlaybackFailed { playback: PlaybackId(1), message: "no such file".into() });
    assert_eq!(rig.take(), ["error audio_failed", "leave error", "play p2 Goodbye"]);
    assert_eq!((rig.var("error.step"), rig.var("error.message")), ("hi".into(), "no such file".into()));
    rig.ended(2);
    assert_eq!(rig.take(), ["hangup 480/16", "finished DisconnectedByFlow"]);
    rig.event(Event::CallerHungUp);
    assert_eq!(rig.take(), [""; 0]);
}

#[test]
fn goodbye_that_never_ends_is_cut_after_ten_seconds() {
    let steps = json!({"w": {"type": "wait", "config": {"seconds": 1}}});
    let mut rig = rig(json!({}), steps);
    rig.at(10_999).take();
    assert!(!rig.interpreter.is_finished());
    assert_eq!(rig.at(11_000).take(), ["stop p1", "hangup 480/16", "finished DisconnectedByFlow"]);
}

#[test]
fn the_longest_call_ends_with_goodbye() {
    let steps = json!({
        "m": {"type": "menu", "config": {"prompt": file("m"), "options": {"1": {}}}, "on": {"no_response": "m"}}});
    let mut rig = rig(json!({"maxCallSec": 60}), steps);
    rig.take();
    assert_eq!(rig.at(60_000).take(), ["stop p1", "play p2 Goodbye"]);
    rig.ended(2);
    assert_eq!(rig.outcome().ended_by, EndedBy::System);
}

#[test]
fn the_loop_guard_goes_to_the_fallback_once_and_then_ends() {
    let nobody = json!({"type": "dial", "config": {"target": {"kind": "user", "value": "{{x | default: ''}}"}},
        "on": {"unavailable": "d"}});
    let steps = json!({"d": nobody, "f": {"type": "wait", "config": {"seconds": 1}, "on": {"next": "d"}}});
    let mut rig = rig(json!({"fallback": "f", "maxStepsBetweenInput": 10}), steps);
    let entered = |taken: Vec<String>| taken.iter().filter(|line| *line == "enter d").count();
    assert_eq!((entered(rig.take()), rig.step()), (10, "f"));
    let taken = rig.at(1_000).take();
    assert_eq!(taken.last().map(String::as_str), Some("play p1 Goodbye"));
    assert_eq!(entered(taken), 9);
    rig.ended(1);
    assert_eq!(rig.outcome().outcome, OutcomeKind::LoopGuard);
}

#[test]
fn who_hangs_up_within_the_threshold_is_a_short_abandon() {
    for (ms, kind) in [(4_999, OutcomeKind::ShortAbandon), (5_000, OutcomeKind::AbandonedInFlow)] {
        let steps = json!({"h": {"type": "greeting", "config": {"audio": file("h")}}});
        let mut rig = rig(json!({}), steps);
        rig.at(ms).event(Event::CallerHungUp);
        let outcome = rig.outcome();
        assert_eq!((outcome.outcome, outcome.ended_by), (kind, EndedBy::Caller));
        assert_eq!(outcome.path.len(), 1);
        assert_eq!(outcome.path[0].entered_at, "2026-11-23T15:00:00.000Z");
    }
}

#[test]
fn a_hangup_before_the_answer_sends_its_code() {
    for (config, expected) in [
        (json!({}), "hangup 480/16"),
        (json!({"sipReason": 17}), "hangup 486/17"),
        (json!({"sipReason": 603}), "hangup 603/21"),
    ] {
        let mut rig = rig(json!({}), json!({"e": {"type": "hangup", "config": config}}));
        assert_eq!(rig.take(), ["enter e", expected, "finished DisconnectedByFlow"]);
    }
}

#[test]
fn sensitive_keys_and_values_are_seen_nowhere() {
    let steps = json!({
        "card": {"type": "prompt", "config": {"prompt": file("c"), "saveAs": "card", "sensitive": true}, "on": {"next": "copy"}},
        "copy": {"type": "set", "config": {"variables": [
            {"name": "copy", "value": "x{{card}}"}, {"name": "tail", "value": "{{card | last4}}"}]}, "on": {"next": "w"}},
        "w": {"type": "wait", "config": {"seconds": 9}}});
    let mut rig = rig(json!({}), steps);
    rig.keys("4111222").keys("#").at(100);
    let log = format!("{:?}", rig.actions);
    assert!(log.contains("\"•••\"") && log.contains("1222") && !log.contains("4111"), "{log}");
    assert_eq!(rig.var("copy"), "x4111222");
    rig.event(Event::CallerHungUp);
    let vars = rig.outcome().vars;
    assert_eq!(vars, [("card_status".into(), "ok".into()), ("tail".to_owned(), "1222".to_owned())]);
}

#[test]
fn hours_follow_the_wall_clock_of_the_zone_past_midnight_and_through_summer_time() {
    let week = json!([
        {"days": ["mon", "tue"], "open": "09:00", "close": "17:00"},
        {"days": ["sat"], "open": "22:00", "close": "02:00"},
        {"days": ["sun"], "open": "02:30", "close": "03:00"},
        {"days": ["fri"], "open": "20:00", "close": "24:00"}]);
    let steps = json!({"t": {"type": "time", "config": {"timeZone": "America/New_York", "weekly": week},
        "on": {"open": "o", "closed": "c"}}, "o": end(), "c": end()});
    let flow = FlowVersion::unpublished(compile(&document(json!({}), steps)));
    for (at, expected) in [
        ("2026-11-23T09:00:00-05:00", "o"),
        ("2026-11-23T08:59:59-05:00", "c"),
        ("2026-11-23T16:59:59-05:00", "o"),
        ("2026-11-23T17:00:00-05:00", "c"),
        ("2026-11-21T22:00:00-05:00", "o"),
        ("2026-11-22T01:59:59-05:00", "o"),
        ("2026-11-22T02:00:00-05:00", "c"),
        ("2026-11-20T23:59:59-05:00", "o"),
        ("2026-11-21T00:00:00-05:00", "c"),
        // 02:30 does not exist on the day the clocks go forward, and 01:30 comes twice when they go back.
        ("2026-03-08T07:30:00Z", "c"),
        ("2026-11-01T05:30:00Z", "o"),
        ("2026-11-01T06:30:00Z", "o"),
    ] {
        let wall = Wall::from(at.parse::<jiff::Timestamp>().unwrap());
        let mut actions = Vec::new();
        let now = Now { instant: Instant::ZERO, wall };
        let call = Interpreter::start(
            flow.clone(),
            library(),
            CallFacts::default(),
            Random::from_seed(1),
            now,
            &mut actions,
        );
        assert_eq!(call.current_step().0, expected, "at {at}");
    }
}

#[test]
fn branches_compare_as_their_operation_says() {
    for (op, values, value, port) in [
        ("equals", json!(["415,650"]), " 650 ", "b:x"),
        ("equals", json!(["Gold"]), "gOLD", "b:x"),
        ("equals", json!(["a"]), "ab", "any"),
        ("starts_with", json!(["+1415"]), "+14155550100", "b:x"),
        ("contains", json!(["55"]), "+14155550100", "b:x"),
        ("regex", json!(["^[0-9]{3}$"]), "123", "b:x"),
        ("regex", json!(["^[0-9]{3}$"]), "1234", "any"),
        ("lt", json!([10]), "9.5", "b:x"),
        ("lt", json!([10]), "ten", "any"),
        ("gt", json!([10]), "inf", "any"),
        ("lte", json!(["10"]), "10", "b:x"),
        ("gte", json!([10]), "10", "b:x"),
        ("gt", json!([10]), "10", "any"),
        ("between", json!([1, 5]), "5", "b:x"),
        ("between", json!([1, 5]), "5.1", "any"),
        ("equals", json!(["a"]), "  ", "none"),
        ("blank", json!([]), "", "b:x"),
    ] {
        let steps = json!({"b": {"type": "branch", "config": {"value": "{{call.fromName}}",
            "branches": [{"id": "x", "op": op, "values": values}]}, "on": {"no_response": "e"}}, "e": end()});
        let facts = CallFacts { from_name: value.into(), ..CallFacts::default() };
        let taken = rig_for(facts, &document(json!({}), steps)).take();
        assert!(taken.contains(&format!("leave {port}")), "{op} {value:?}: {taken:?}");
    }
}
