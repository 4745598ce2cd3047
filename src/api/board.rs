//! The list of live calls as a state, for all who look at it.
//!
//! One task asks the signalling thread four times a second what changed, for as long as anybody looks, and puts each
//! changed row into words once. Who looks has a line of calls that were not told yet: a call that changes again keeps its
//! place in it and is told as it is by then, so that nothing is lost and nobody waits for ever where there is more than a
//! piece holds.

use super::Api;
use super::access::Principal;
use super::events::{self, Seat, Stream};
use super::problem::Problem;
use super::resources::call::row;
use crate::call::live::Changes;
use crate::ids::CallId;
use crate::net::signalling::Message;
use axum::response::Response;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How often what changed is told: as often as eyes follow.
const PIECE_EVERY: Duration = Duration::from_millis(250);
/// With four pieces a second, 50 KB/s for whoever looks: what a telephone's connection carries beside a call.
const PIECE_BYTES_MAX: usize = 12_500;
/// Of one piece what is not rows: names of fields, the lines of the stream.
const FRAME_BYTES: usize = 64;
/// A call that is over, in a piece.
const ENDED_BYTES: usize = 32;
/// The task goes on for so long after the last one left: who goes from page to page finds it there.
const LINGER: u32 = 20;

/// Rows as JSON.
type Rows = HashMap<CallId, Arc<str>>;

/// See the module.
#[derive(Default)]
pub struct Board {
    state: Mutex<State>,
    /// Counts the times that the rows were brought up to date.
    looked: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    rows: Rows,
    /// The rows were read since the task began.
    is_read: bool,
    runs: bool,
    readers: Vec<Weak<Mutex<Line>>>,
}

/// What somebody who looks was not told yet.
#[derive(Default)]
struct Line {
    /// Only this call is wanted.
    only: Option<CallId>,
    /// In the order in which they changed first.
    waiting: VecDeque<CallId>,
    waits: HashSet<CallId>,
    /// Calls that were told, and are not over as far as that one knows.
    told: HashSet<CallId>,
}

impl Line {
    fn changed(&mut self, id: CallId) {
        if self.only.is_none_or(|only| only == id) && self.waits.insert(id) {
            self.waiting.push_back(id);
        }
    }

    /// The end of a call that was never told is not told either.
    fn ended(&mut self, id: CallId) {
        if self.told.contains(&id) {
            self.changed(id);
        }
    }

    /// As many of those that wait as fit, as the lists of calls and of ids; one at least where any waits.
    fn take(&mut self, rows: &Rows, bytes_max: usize) -> Option<(String, String)> {
        let (mut calls, mut ended) = (String::new(), String::new());
        let mut left = bytes_max.saturating_sub(FRAME_BYTES);
        while let Some(id) = self.waiting.front().copied() {
            let row = rows.get(&id);
            let bytes = row.map_or(ENDED_BYTES, |row| row.len() + 1);
            if bytes > left && !(calls.is_empty() && ended.is_empty()) {
                break;
            }
            left = left.saturating_sub(bytes);
            self.waiting.pop_front();
            self.waits.remove(&id);
            match row {
                Some(row) => {
                    self.told.insert(id);
                    list(&mut calls, row);
                }
                // Begun and over before it was its turn: nothing to be told.
                None if self.told.remove(&id) => list(&mut ended, &format!("\"{id}\"")),
                None => {}
            }
        }
        (!calls.is_empty() || !ended.is_empty()).then_some((calls, ended))
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

fn list(list: &mut String, item: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(item);
}

/// A piece of the stream. The first clears what a client had before a break; while `more` comes the list is not whole.
fn piece(calls: &str, ended: &str, is_first: bool, more: bool) -> String {
    let first = if is_first { "\"first\":true," } else { "" };
    let more = if more { ",\"more\":true" } else { "" };
    format!("event: calls\ndata: {{{first}\"calls\":[{calls}],\"ended\":[{ended}]{more}}}\n\n")
}

impl State {
    /// Takes what the signalling thread said, each row put into words once.
    fn apply(&mut self, changes: &Changes, row: impl Fn(&crate::call::live::LiveCall) -> String) {
        let mut ended = changes.ended.clone();
        if changes.is_whole {
            let all: HashSet<_> = changes.calls.iter().map(|call| call.id).collect();
            ended.extend(self.rows.keys().filter(|id| !all.contains(id)));
        }
        ended.iter().for_each(|id| _ = self.rows.remove(id));
        let mut changed = Vec::with_capacity(changes.calls.len());
        for call in &changes.calls {
            let row = row(call);
            if self.rows.get(&call.id).is_none_or(|known| **known != *row) {
                self.rows.insert(call.id, row.into());
                changed.push(call.id);
            }
        }
        self.is_read = true;
        for line in self.readers.iter().filter_map(Weak::upgrade) {
            let mut line = locked(&line);
            ended.iter().for_each(|id| line.ended(*id));
            changed.iter().for_each(|id| line.changed(*id));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers with the stream of the list.
pub fn listen(api: &Api, only: Option<&str>, principal: Principal) -> Result<Response, Problem> {
    let seat = events::seat(api)?;
    // An id that no call can have is that of no call in progress.
    let only = only.map(|id| id.parse().unwrap_or(CallId::NONE));
    let line = Arc::new(Mutex::new(Line { only, ..Line::default() }));
    let runs = {
        let mut state = locked(&api.board.state);
        state.readers.push(Arc::downgrade(&line));
        std::mem::replace(&mut state.runs, true)
    };
    if !runs {
        tokio::spawn(follow(api.clone()));
    }
    let (stream, response) = Stream::begin(api, principal);
    tokio::spawn(tell(api.clone(), stream, line, seat));
    Ok(response)
}

/// Asks what changed for as long as anybody looks.
async fn follow(api: Api) {
    let mut tick = tokio::time::interval(PIECE_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut alone = 0;
    loop {
        tick.tick().await;
        {
            let mut state = locked(&api.board.state);
            state.readers.retain(|line| line.strong_count() > 0);
            alone = if state.readers.is_empty() { alone + 1 } else { 0 };
            if alone > LINGER {
                *state = State::default();
                break;
            }
        }
        let (reply, answer) = oneshot::channel();
        let asked = api.post.send(Message::Changes(reply)).await;
        let Ok(changes) = answer.await else {
            // The server is stopping: so does everything.
            locked(&api.board.state).runs = false;
            return;
        };
        if asked.is_ok() {
            locked(&api.board.state).apply(&changes, row);
            api.board.looked.send_modify(|count| *count += 1);
        }
    }
    // One that came at this moment began a task of its own, and is told the whole list again.
    let _ = api.post.send(Message::ForgetChanges).await;
}

/// Tells one who looks: first the whole list, as fast as the connection takes it, then a piece at a time.
async fn tell(api: Api, mut stream: Stream, line: Arc<Mutex<Line>>, _seat: Seat) {
    let mut looked = api.board.looked.subscribe();
    looked.mark_changed();
    let (mut is_first, mut is_whole) = (true, false);
    while stream.waits_for(async { looked.changed().await.is_ok() }).await == Some(true) {
        loop {
            let text = {
                let state = locked(&api.board.state);
                if !state.is_read {
                    break;
                }
                let mut line = locked(&line);
                if is_first {
                    let mut all: Vec<_> = state.rows.keys().copied().collect();
                    all.sort_unstable();
                    all.into_iter().for_each(|id| line.changed(id));
                }
                let taken = line.take(&state.rows, PIECE_BYTES_MAX);
                let more = !is_whole && !line.is_empty();
                let text = match taken {
                    Some((calls, ended)) => Some(piece(&calls, &ended, is_first, more)),
                    None => is_first.then(|| piece("", "", true, false)),
                };
                is_first = false;
                (text, more)
            };
            let (text, more) = text;
            if let Some(text) = text
                && stream.send(text).await.is_err()
            {
                return;
            }
            if !more {
                is_whole = true;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::live::{LegState, LiveCall};
    use crate::clock::Wall;

    fn id(n: u64) -> CallId {
        crate::ids::CallIds::new(crate::ids::Random::from_seed(n)).next(Wall::from_unix_seconds(n as i64))
    }

    /// A call whose row is as long as rows are.
    fn call(n: u64, step: u64) -> LiveCall {
        LiveCall {
            id: id(n),
            number: "+15550100".to_owned(),
            from: format!("+1415555{n:04}"),
            to: "+15550100".to_owned(),
            flow_id: Some("main_menu".to_owned()),
            version: Some(7),
            started: Wall::from_unix_seconds(1_795_380_337),
            answered: true,
            step: Some((
                format!("step_{step}"),
                format!("Step {step}"),
                Wall::from_unix_seconds(step as i64),
            )),
            legs: vec![(1, "alice".to_owned(), LegState::Ringing)],
            trouble: None,
        }
    }

    fn changes(is_whole: bool, calls: Vec<LiveCall>, ended: &[u64]) -> Changes {
        Changes { is_whole, calls, ended: ended.iter().map(|n| id(*n)).collect() }
    }

    /// A state and one who looks at it.
    fn watched() -> (State, Arc<Mutex<Line>>) {
        let line = Arc::new(Mutex::new(Line::default()));
        (State { readers: vec![Arc::downgrade(&line)], ..State::default() }, line)
    }

    fn taken(state: &State, line: &Mutex<Line>) -> String {
        let (calls, ended) = locked(line).take(&state.rows, PIECE_BYTES_MAX).unwrap_or_default();
        piece(&calls, &ended, false, false)
    }

    #[test]
    fn of_500_calls_that_change_all_the_time_no_piece_is_too_long_and_each_has_its_turn() {
        let (mut state, line) = watched();
        let mut told: HashMap<String, u64> = HashMap::new();
        let mut pieces = 0;
        for step in 0..80 {
            state.apply(&changes(step == 0, (0..500).map(|n| call(n, step)).collect(), &[]), row);
            let text = taken(&state, &line);
            assert!(text.len() <= PIECE_BYTES_MAX, "{} bytes", text.len());
            let data: serde_json::Value =
                serde_json::from_str(text.split_once("data: ").unwrap().1.trim()).unwrap();
            let rows = data["calls"].as_array().unwrap();
            assert!(rows.len() > 25, "{} rows in a piece", rows.len());
            for row in rows {
                assert_eq!(row["step"]["id"], format!("step_{step}"), "the newest row is told");
                *told.entry(row["id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            pieces += 1;
        }
        let (fewest, most) = (told.values().min().unwrap(), told.values().max().unwrap());
        assert_eq!((told.len(), pieces), (500, 80));
        assert!(most - fewest <= 1, "some were told {fewest} times, others {most}");
    }

    #[test]
    fn a_call_is_told_as_it_is_and_its_end_only_where_it_was_told() {
        let (mut state, line) = watched();
        state.apply(&changes(true, vec![call(1, 1), call(2, 1)], &[]), row);
        assert!(taken(&state, &line).contains("step_1"));
        // One that nobody heard of comes and goes; another ends; a third begins.
        state.apply(&changes(false, vec![call(3, 1), call(4, 1)], &[]), row);
        state.apply(&changes(false, vec![call(2, 2)], &[1, 4]), row);
        let text = taken(&state, &line);
        let row_of = |n: u64| text.contains(&format!("\"id\":\"{}\"", id(n)));
        assert_eq!([1, 2, 3, 4].map(row_of), [false, true, true, false], "{text}");
        assert!(text.contains(&format!("\"ended\":[\"{}\"]", id(1))), "{text}");
        assert_eq!(locked(&line).take(&state.rows, PIECE_BYTES_MAX), None);
    }

    #[test]
    fn a_whole_list_after_a_gap_ends_what_is_not_in_it_and_tells_only_what_differs() {
        let (mut state, line) = watched();
        state.apply(&changes(true, (0..3).map(|n| call(n, 1)).collect(), &[]), row);
        taken(&state, &line);
        state.apply(&changes(true, vec![call(1, 1), call(2, 2)], &[]), row);
        let text = taken(&state, &line);
        assert!(text.contains("step_2") && !text.contains("step_1"), "{text}");
        assert!(text.contains(&format!("\"ended\":[\"{}\"]", id(0))), "{text}");
    }
}
