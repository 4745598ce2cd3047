//! Simulations that are kept beside flows as tests: what was put in, and the ladder that came of it.

use super::Rung;
use super::stepped::{Input, Simulation};
use super::words::{DialWords, InputWords, ReplyWords, ScheduleWords, WordError, wall};
use super::world::Setting;
use crate::clock::Wall;
use crate::flow::{FlowVersion, pointer_of};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// When a kept call comes that does not say: Wednesday, 2026-11-18, 11:06:40 UTC. Always the same, so that it goes the
/// same way.
pub const MOMENT: Wall = Wall::from_unix_seconds(1_795_000_000);
/// Inputs of one test: a call that somebody clicked together, not a day of calls.
pub const INPUTS_MAX: usize = 500;
/// Lines of one ladder: as many as a call of so many inputs makes.
pub const LINES_MAX: usize = 5_000;
/// Bytes of one ladder: what a browser and a file in Git take.
const LADDER_BYTES_MAX: usize = 512 * 1_024;
/// Characters of one line: a step may play texts of 4,000 characters, ten in a row.
const LINE_CHARS_MAX: usize = 500;
/// Answers that a whole test is walked in: a second or two of one core at the most.
const PIECES_MAX: usize = 1_000;
/// Characters of a number.
const NUMBER_CHARS_MAX: usize = 64;

/// A call that is kept as a test of a flow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = FlowTest)]
pub struct KeptTest {
    #[schema(min_length = 1, max_length = 80)]
    pub id: String,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub name: Option<String>,
    /// The id of the flow that is tried.
    #[schema(min_length = 1, max_length = 120)]
    pub flow: String,
    /// When the call comes, RFC 3339; a moment that is always the same where absent.
    #[serde(default)]
    #[schema(format = "date-time")]
    pub at: Option<String>,
    /// The caller's number.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub from: Option<String>,
    /// The number that was dialled.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub to: Option<String>,
    /// What becomes of dialled legs, by agent id, number or URI. Others ring until an input says.
    #[serde(default)]
    // Inline, like the two below: by name, all maps would be the first one.
    #[schema(inline)]
    pub dials: Option<DialWords>,
    /// What other systems reply, by the step that asks. Others are waited for.
    #[serde(default)]
    #[schema(inline)]
    pub replies: Option<ReplyWords>,
    /// What schedules say, by id: `open`, `closed` or `holiday`. Others go by their calendars; what somebody set by hand
    /// does not count in a kept test.
    #[serde(default)]
    #[schema(inline)]
    pub schedules: Option<ScheduleWords>,
    /// What draws go by.
    #[serde(default)]
    pub seed: Option<u32>,
    /// What is done to the call, one after the other.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub inputs: Option<Vec<InputWords>>,
    /// The ladder in words, line by line, as a run gives it. A test without one asserts nothing, and fails.
    #[serde(default)]
    #[schema(max_items = 5000)]
    pub expected: Option<Vec<String>>,
}

/// What is wrong with a document of a test, and where: a JSON pointer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct KeptError {
    pub pointer: String,
    pub message: String,
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// The ladder in words, line by line, ended by how the call ended or where it stands.
    pub lines: Vec<String>,
    /// The first line that is not as expected, from 1; absent where all are.
    pub difference: Option<Difference>,
}

/// A line that is not as expected; absent where one of the two ends before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub line: usize,
    pub expected: Option<String>,
    pub actual: Option<String>,
}

/// A test that can be run.
pub struct Prepared {
    pub flow: String,
    /// Of its library, prompts and facts beside the numbers nothing is set.
    pub setting: Setting,
    inputs: Vec<Input>,
    expected: Vec<String>,
}

/// Reads the document of a test.
pub fn read(document: &Value) -> Result<Prepared, KeptError> {
    let test: KeptTest = serde_path_to_error::deserialize(document).map_err(|error| KeptError {
        pointer: pointer_of(error.path()),
        message: error.into_inner().to_string(),
    })?;
    let wrong = |pointer: String, message: String| KeptError { pointer, message };
    let inputs = test.inputs.unwrap_or_default();
    let expected = test.expected.unwrap_or_default();
    for (field, count, max) in [("inputs", inputs.len(), INPUTS_MAX), ("expected", expected.len(), LINES_MAX)]
    {
        if count > max {
            return Err(wrong(format!("/{field}"), format!("has {count} entries; at most {max} are taken")));
        }
    }
    let of_field = |error: WordError| wrong(format!("/{}", error.field), error.message.to_owned());
    let mut setting = Setting {
        at: test.at.map(|text| wall("at", &text)).transpose().map_err(of_field)?.unwrap_or(MOMENT),
        dials: test.dials.unwrap_or_default(),
        replies: test.replies.unwrap_or_default(),
        schedules: test.schedules.unwrap_or_default(),
        seed: test.seed.unwrap_or_default().into(),
        ..Setting::default()
    };
    (setting.facts.from, setting.facts.to) = (test.from.unwrap_or_default(), test.to.unwrap_or_default());
    for (field, number) in [("from", &setting.facts.from), ("to", &setting.facts.to)] {
        if number.chars().count() > NUMBER_CHARS_MAX {
            return Err(wrong(format!("/{field}"), format!("has at most {NUMBER_CHARS_MAX} characters")));
        }
    }
    let inputs = inputs.into_iter().enumerate().map(|(index, input)| {
        let of_input =
            |error: WordError| wrong(format!("/inputs/{index}/{}", error.field), error.message.to_owned());
        input.read().map_err(of_input)
    });
    let inputs = inputs.collect::<Result<_, _>>()?;
    Ok(Prepared { flow: test.flow, setting, inputs, expected })
}

impl Prepared {
    /// Whether it says what it expects.
    pub fn asserts(&self) -> bool {
        !self.expected.is_empty()
    }

    /// The ladder that is expected, line by line.
    pub fn expected(&self) -> &[String] {
        &self.expected
    }

    /// Walks a version of the flow, and compares what comes of it. What somebody set by hand does not count: it is of a
    /// day, and the test is for all days.
    pub fn run(mut self, flow: FlowVersion) -> Run {
        let library = Arc::unwrap_or_clone(std::mem::take(&mut self.setting.library));
        self.setting.library = Arc::new(library.without_overrides());
        let lines = walk(flow, self.setting, self.inputs);
        let longer = lines.len().max(self.expected.len());
        let first = (0..longer).find(|&index| lines.get(index) != self.expected.get(index));
        let difference = first.map(|index| Difference {
            line: index + 1,
            expected: self.expected.get(index).cloned(),
            actual: lines.get(index).cloned(),
        });
        Run { lines, difference }
    }
}

/// The ladder in words.
fn walk(flow: FlowVersion, setting: Setting, inputs: Vec<Input>) -> Vec<String> {
    let mut simulation = Simulation::start(flow, setting);
    let mut room = Room { pieces: PIECES_MAX, bytes: LADDER_BYTES_MAX };
    let mut lines = news(&mut simulation, &mut room);
    for (index, input) in inputs.into_iter().enumerate() {
        if let Err(error) = simulation.put_in(input) {
            lines.push(format!("input {}: {error}", index + 1));
            break;
        }
        lines.extend(news(&mut simulation, &mut room));
        if room.is_full() || lines.len() >= LINES_MAX {
            lines.truncate(LINES_MAX - 2);
            lines.push("more happens than a test can hold: the rest is left out".to_owned());
            break;
        }
    }
    lines.push(match simulation.outcome() {
        Some(outcome) => outcome.to_string(),
        None => format!("the call is in step {}", simulation.interpreter().current_step().0),
    });
    lines
}

/// What happened since the input before, to the end of what it set off.
fn news(simulation: &mut Simulation, room: &mut Room) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    while !room.is_full() {
        room.pieces -= 1;
        for rung in simulation.news() {
            let line = line(&rung);
            room.bytes = room.bytes.saturating_sub(line.len());
            lines.push(line);
        }
        if !simulation.is_behind() || lines.len() >= LINES_MAX {
            break;
        }
        if simulation.put_in(Input::Wait(Duration::ZERO)).is_err() {
            break;
        }
    }
    lines
}

/// A rung in words, cut where it is longer than anybody reads.
fn line(rung: &Rung) -> String {
    let line = rung.to_string();
    match line.char_indices().nth(LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// What a ladder may still take.
struct Room {
    pieces: usize,
    bytes: usize,
}

impl Room {
    fn is_full(&self) -> bool {
        self.pieces == 0 || self.bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Flow, Resources};
    use serde_json::json;

    fn flow() -> FlowVersion {
        let document = json!({
            "schema": "callflow/1", "id": "t", "name": "T", "entry": "a", "steps": {
            "a": {"type": "menu", "name": "A", "config": {
                "prompt": {"kind": "tts", "text": "Press one"}, "options": {"1": {"label": "One"}}},
                "on": {"key:1": "d", "no_response": "b"}},
            "d": {"type": "dial", "name": "D", "config": {"target": {"kind": "user", "value": "alice"}},
                "on": {"no_response": "b"}},
            "b": {"type": "hangup", "name": "B", "config": {}, "on": {}}}});
        FlowVersion::unpublished(Flow::compile(&document.to_string(), &Resources::default()).unwrap().0)
    }

    fn test(expected: &[String]) -> Value {
        json!({"id": "x", "flow": "t", "from": "+15550199", "dials": {"alice": "busy"}, "inputs": [
            {"input": "press", "keys": "1"}, {"input": "wait", "seconds": 5}], "expected": expected})
    }

    #[test]
    fn a_run_gives_the_ladder_that_the_next_run_expects() {
        let first = read(&test(&[])).unwrap();
        assert!(!first.asserts());
        let first = first.run(flow());
        assert_eq!(first.difference.unwrap().line, 1);
        assert!(first.lines.iter().any(|line| line.contains("alice: busy")), "{:?}", first.lines);
        assert!(first.lines.last().unwrap().starts_with("outcome "), "{:?}", first.lines);
        let again = read(&test(&first.lines)).unwrap();
        assert!(again.asserts());
        assert_eq!(again.run(flow()).difference, None);
    }

    #[test]
    fn the_first_line_that_is_different_is_told() {
        let lines = read(&test(&[])).unwrap().run(flow()).lines;
        let mut other = lines.clone();
        other[2] = "something else".to_owned();
        let difference = read(&test(&other)).unwrap().run(flow()).difference.unwrap();
        assert_eq!((difference.line, difference.actual.as_ref()), (3, lines.get(2)));
        let shorter = read(&test(&lines[..3])).unwrap().run(flow()).difference.unwrap();
        assert_eq!((shorter.line, shorter.expected), (4, None));
    }

    #[test]
    fn what_was_set_by_hand_does_not_count_and_what_the_test_assumes_does() {
        use crate::flow::Library;
        use crate::flow::schedule::{Override, Schedule, State, Until};
        let document = json!({
            "schema": "callflow/1", "id": "t", "name": "T", "entry": "h", "steps": {
            "h": {"type": "time", "name": "H", "config": {"scheduleId": "office"},
                "on": {"open": "o", "closed": "c", "holiday": "c"}},
            "o": {"type": "hangup", "name": "O", "config": {}, "on": {}},
            "c": {"type": "hangup", "name": "C", "config": {}, "on": {}}}});
        // By its calendar the office is never open; somebody opened it by hand.
        let manual = Override { state: State::Open, since: None, until: Until::TakenBack };
        let office = Schedule { manual: Some(manual), ..Schedule::default() };
        let mut library = Library::default();
        library.schedules.insert("office".to_owned(), office);
        let library = Arc::new(library);
        let ends_in = |test: Value| {
            let flow = Flow::compile(&document.to_string(), &Resources::default()).unwrap().0;
            let mut test = read(&test).unwrap();
            test.setting.library = library.clone();
            let lines = test.run(FlowVersion::unpublished(flow)).lines;
            lines.iter().any(|line| line.contains("o (hangup"))
        };
        assert!(!ends_in(json!({"id": "x", "flow": "t"})));
        assert!(ends_in(json!({"id": "x", "flow": "t", "schedules": {"office": "open"}})));
        assert!(!ends_in(json!({"id": "x", "flow": "t", "schedules": {"office": "holiday"}})));
        assert!(library.schedules["office"].manual.is_some());
    }

    #[test]
    fn an_input_that_makes_no_sense_ends_the_ladder() {
        let document = json!({"id": "x", "flow": "t", "inputs": [
            {"input": "dial", "result": "answered"}, {"input": "next"}]});
        let lines = read(&document).unwrap().run(flow()).lines;
        assert_eq!(lines[lines.len() - 2], "input 1: no leg to that target was dialled that is not over");
        assert_eq!(lines.last().unwrap(), "the call is in step a");
    }

    #[test]
    fn a_caller_who_walks_in_circles_ends_with_the_lines_that_a_test_may_have() {
        let document = json!({
            "schema": "callflow/1", "id": "t", "name": "T", "entry": "a", "steps": {
            "a": {"type": "menu", "name": "A", "config": {
                "prompt": {"kind": "tts", "text": "Press one"}, "options": {"1": {"label": "One"}}},
                "on": {"key:1": "a", "no_response": "a"}}}});
        let flow =
            FlowVersion::unpublished(Flow::compile(&document.to_string(), &Resources::default()).unwrap().0);
        let inputs = vec![json!({"input": "wait", "seconds": 86_400}); 20];
        let run = read(&json!({"id": "x", "flow": "t", "inputs": inputs})).unwrap().run(flow);
        assert!(run.lines.len() <= LINES_MAX, "{}", run.lines.len());
    }

    #[test]
    fn long_texts_are_cut_and_a_ladder_has_an_end() {
        let text = "x".repeat(3_900);
        let items = vec![json!({"kind": "tts", "text": text}); 10];
        let document = json!({
            "schema": "callflow/1", "id": "t", "name": "T", "entry": "a", "steps": {
            "a": {"type": "menu", "name": "A", "config": {"maxInvalid": 5,
                "prompt": {"kind": "seq", "items": items}, "options": {"1": {"label": "One"}}},
                "on": {"key:1": "a", "no_response": "a"}}}});
        let flow =
            FlowVersion::unpublished(Flow::compile(&document.to_string(), &Resources::default()).unwrap().0);
        let inputs = vec![json!({"input": "press", "keys": "1111111111"}); 500];
        let run = read(&json!({"id": "x", "flow": "t", "inputs": inputs})).unwrap().run(flow);
        let bytes: usize = run.lines.iter().map(String::len).sum();
        assert!(bytes < LADDER_BYTES_MAX + 64 * 1_024, "{bytes}");
        assert!(run.lines.iter().all(|line| line.chars().count() <= LINE_CHARS_MAX + 1));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_place() {
        for (document, pointer) in [
            (json!({"id": "x"}), ""),
            (json!({"id": "x", "flow": "t", "inputs": [{"input": "press", "keys": "x"}]}), "/inputs/0/keys"),
            (json!({"id": "x", "flow": "t", "inputs": [{"input": "sing"}]}), "/inputs/0/input"),
            (json!({"id": "x", "flow": "t", "at": "noon"}), "/at"),
            (json!({"id": "x", "flow": "t", "dials": {"alice": "sings"}}), "/dials/alice"),
            (json!({"id": "x", "flow": "t", "press": "1"}), "/press"),
            (json!({"id": "x", "flow": "t", "schedules": {"office": "shut"}}), "/schedules/office"),
            (json!({"id": "x", "flow": "t", "inputs": vec![json!({"input": "next"}); 501]}), "/inputs"),
        ] {
            assert_eq!(read(&document).err().unwrap().pointer, pointer, "{document}");
        }
    }
}
