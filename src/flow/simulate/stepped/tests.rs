//! Simulations that are walked in pieces.

use super::super::{DialOutcome, REFUSES_AFTER, What};
use super::*;
use crate::flow::{Flow, Resources};
use serde_json::{Value, json};

fn simulation(steps: Value, dials: &[(&str, DialOutcome)]) -> Simulation {
    let document = json!({ "schema": "callflow/1", "id": "t", "name": "T", "entry": "a", "steps": steps });
    let (flow, _) = Flow::compile(&document.to_string(), &Resources::default()).unwrap();
    let dials = dials.iter().map(|(target, outcome)| ((*target).to_owned(), *outcome)).collect();
    let setting = Setting { dials, at: Wall::from_unix_seconds(1_795_000_000), ..Setting::default() };
    Simulation::start(FlowVersion::unpublished(flow), setting)
}

fn menu() -> Value {
    json!({
        "a": {"type": "menu", "name": "A", "config": {
            "prompt": {"kind": "tts", "text": "Press one"}, "options": {"1": {"label": "One"}}},
            "on": {"key:1": "d", "no_response": "b"}},
        "d": {"type": "dial", "name": "D", "config": {"target": {"kind": "user", "value": "alice"}},
            "on": {"no_response": "b"}},
        "b": {"type": "hangup", "name": "B", "config": {}, "on": {}},
    })
}

fn step(simulation: &Simulation) -> &str {
    simulation.interpreter().current_step().0
}

#[test]
fn the_clock_stands_still_until_something_is_put_in() {
    let mut simulation = simulation(menu(), &[]);
    assert_eq!((step(&simulation), simulation.now().instant), ("a", Instant::ZERO));
    assert!(!simulation.news().is_empty());
    assert!(simulation.news().is_empty());
    simulation.put_in(Input::Press("1".to_owned())).unwrap();
    assert_eq!(step(&simulation), "d");
    assert_eq!(simulation.open_legs().collect::<Vec<_>>(), ["alice"]);
    simulation.put_in(Input::Dial { target: None, result: LegInput::Answer }).unwrap();
    simulation.put_in(Input::Wait(Duration::from_secs(60))).unwrap();
    assert!(simulation.interpreter().talking_since().is_some());
    simulation.put_in(Input::Dial { target: Some("alice".to_owned()), result: LegInput::HangUp }).unwrap();
    let outcome = simulation.outcome().unwrap();
    assert_eq!((outcome.agent_id.as_deref(), outcome.talk_sec), (Some("alice"), 60));
    assert_eq!(simulation.put_in(Input::HangUp), Err(InputError::Over));
}

#[test]
fn outcomes_that_were_given_happen_by_themselves_and_next_goes_to_them() {
    let mut simulation = simulation(menu(), &[("alice", DialOutcome::Busy)]);
    simulation.put_in(Input::Press("1".to_owned())).unwrap();
    assert_eq!(step(&simulation), "d");
    simulation.put_in(Input::Wait(REFUSES_AFTER)).unwrap();
    assert!(simulation.outcome().is_some());
    let mut simulation = self::simulation(menu(), &[]);
    for _ in 0..100 {
        if simulation.put_in(Input::Next).is_err() {
            break;
        }
    }
    assert!(simulation.outcome().is_some());
}

/// Asks, gets no answer and asks again, for ever.
fn circle() -> Value {
    json!({"a": {"type": "menu", "name": "A", "config": {
        "prompt": {"kind": "tts", "text": "Press one"}, "options": {"1": {"label": "One"}}},
        "on": {"key:1": "a", "no_response": "a"}}})
}

#[test]
fn an_answer_takes_so_much_and_the_rest_comes_with_the_next_input() {
    let mut simulation = simulation(menu(), &[]);
    let before = simulation.news().len();
    assert!(before > 0 && !simulation.is_behind());
    let text = "x".repeat(8_000);
    for _ in 0..300 {
        simulation
            .world
            .rungs
            .push(Rung { at_ms: 0, what: What::Ask { kind: "http", target: text.clone() } });
    }
    simulation.collect();
    assert_eq!(simulation.put_in(Input::HangUp), Err(InputError::Behind));
    let mut told = 0;
    for _ in 0..3 {
        assert!(simulation.is_behind());
        simulation.put_in(Input::Wait(Duration::ZERO)).unwrap();
        let news = simulation.news();
        assert!(news.iter().map(json_bytes).sum::<usize>() <= NEWS_BYTES_MAX);
        told += news.len();
    }
    assert_eq!((told, simulation.is_behind(), simulation.news_bytes), (300, false, 0));
    simulation.put_in(Input::HangUp).unwrap();
}

#[test]
fn a_day_in_a_circle_is_walked_in_pieces_and_ends() {
    let mut simulation = simulation(circle(), &[]);
    for _ in 0..200 {
        if simulation.outcome().is_some() {
            break;
        }
        _ = simulation.put_in(Input::Wait(Duration::from_secs(86_400)));
        assert!(simulation.happened <= EVENTS_OF_INPUT_MAX + 1);
        assert!(simulation.news().len() <= RUNGS_OF_ANSWER_MAX);
    }
    assert!(simulation.outcome().is_some());
}

#[test]
fn a_leg_that_nobody_dialled_does_nothing() {
    let mut simulation = simulation(menu(), &[]);
    let input = Input::Dial { target: None, result: LegInput::Answer };
    assert_eq!(simulation.put_in(input), Err(InputError::NoSuchLeg));
}

#[test]
fn setting_the_clock_lets_no_time_pass() {
    let mut simulation = simulation(menu(), &[]);
    let wall = Wall::from_unix_seconds(1_800_000_000);
    simulation.put_in(Input::Clock(wall)).unwrap();
    assert_eq!(simulation.now(), Now { instant: Instant::ZERO, wall });
}
