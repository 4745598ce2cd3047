//! Server-sent events of live calls.
//!
//! One ring holds what happened last, for all listeners; each has only a place in it. Who reads too slowly, or comes
//! back too late, finds its place gone, is told how much it missed, and goes on with the oldest that is there.

use super::Api;
use super::access::{self, Lost, Principal};
use super::permission::Permission;
use super::pieces::Pieces;
use super::problem::Problem;
use crate::net::signalling::LiveEvents;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

/// Events kept for those who come back: some seconds of a busy server, a few hundred KB.
const RING: usize = 4_096;
/// Of those events: 2 KB each, and most have a tenth of it.
const RING_BYTES_MAX: usize = 8 * 1_024 * 1_024;
/// Listeners at a time: a browser window each.
const LISTENERS_MAX: usize = 128;
/// Pieces that wait for one listener's connection; then its place in the ring stands still.
const PIECES_MAX: usize = 4;
/// Events in one piece, so that a listener who is behind gets some hundred KB at the most at once.
const PIECE_EVENTS_MAX: usize = 256;
/// And no more than that, and one event: four pieces may wait for each of 128 listeners.
const PIECE_BYTES_MAX: usize = 128 * 1_024;
/// Who may listen.
pub const PERMISSION: Permission = Permission::CallsRead;
/// So often something is sent, so that proxies keep the connection and a client sees that it lives, and so often it is
/// looked whether the listener may still listen: a question to the database for each of 128 listeners.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// After that time the client has to come back.
const STREAM_TIME_MAX: Duration = Duration::from_secs(3_600);

/// What happened to calls of late.
pub struct Events {
    ring: Mutex<Ring>,
    /// The number of the next event.
    next: watch::Sender<u64>,
    /// Tells events of this run of the server from those of another.
    run: String,
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct Ring {
    /// The number of the first that is kept.
    first: u64,
    events: VecDeque<Arc<Event>>,
    /// Of what they say.
    bytes: usize,
}

struct Event {
    call_id: String,
    data: String,
}

/// Where a listener stands.
struct Place {
    next: u64,
    /// Missed for sure, though nobody can say how much: another run's events.
    stranger: bool,
    /// Only events of this call.
    call: Option<String>,
}

impl Events {
    pub fn new(run: String) -> Self {
        Events {
            ring: Mutex::default(),
            next: watch::Sender::new(0),
            run,
            places: Arc::new(Semaphore::new(LISTENERS_MAX)),
        }
    }

    fn push(&self, event: Event) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.bytes += event.data.len();
        while ring.events.len() >= RING || ring.bytes > RING_BYTES_MAX {
            let Some(oldest) = ring.events.pop_front() else { break };
            ring.bytes -= oldest.data.len();
            ring.first += 1;
        }
        ring.events.push_back(Arc::new(event));
        let next = ring.first + ring.events.len() as u64;
        drop(ring);
        self.next.send_replace(next);
    }

    /// Takes what the signalling thread tells, for as long as it runs.
    pub async fn collect(self: Arc<Self>, mut live: LiveEvents) {
        let mut lost = 0;
        while let Some(event) = live.queue.recv().await {
            let now_lost = live.lost.load(Ordering::Relaxed);
            if now_lost > lost {
                let data = serde_json::json!({ "event": "missed", "count": now_lost - lost }).to_string();
                self.push(Event { call_id: String::new(), data });
                lost = now_lost;
            }
            match serde_json::to_string(&event) {
                Ok(data) => self.push(Event { call_id: event.call_id, data }),
                Err(error) => tracing::error!(%error, "an event of a call cannot be put in words"),
            }
        }
    }

    /// The place after the event of that id; the end where none is given; the oldest that is kept where it is `0`.
    fn place(&self, last_id: Option<&str>, call: Option<String>) -> Place {
        let end = *self.next.borrow();
        let Some(last_id) = last_id else { return Place { next: end, stranger: false, call } };
        if last_id == "0" {
            let first = self.ring.lock().unwrap_or_else(PoisonError::into_inner).first;
            return Place { next: first, stranger: false, call };
        }
        let number =
            last_id.strip_prefix(&self.run).and_then(|rest| rest.strip_prefix('.')?.parse::<u64>().ok());
        match number {
            Some(number) if number < end => Place { next: number + 1, stranger: false, call },
            _ => Place { next: end, stranger: true, call },
        }
    }

    /// What a place has not seen yet, as text of the stream, and moves it on; empty where there is nothing.
    fn read(&self, place: &mut Place) -> String {
        let mut text = String::new();
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = ring.first.saturating_sub(place.next);
        if missed > 0 || place.stranger {
            place.next = place.next.max(ring.first);
            let count = if place.stranger { serde_json::Value::Null } else { missed.into() };
            let data = serde_json::json!({ "event": "missed", "count": count });
            text.push_str(&format!("event: missed\ndata: {data}\n\n"));
            place.stranger = false;
        }
        let skip = usize::try_from(place.next - ring.first).unwrap_or(usize::MAX);
        for event in ring.events.iter().skip(skip).take(PIECE_EVENTS_MAX) {
            if text.len() > PIECE_BYTES_MAX {
                break;
            }
            let is_wanted =
                event.call_id.is_empty() || place.call.as_ref().is_none_or(|call| *call == event.call_id);
            if is_wanted {
                let kind = if event.call_id.is_empty() { "event: missed\n" } else { "" };
                text.push_str(&format!("id: {}.{}\n{kind}data: {}\n\n", self.run, place.next, event.data));
            }
            place.next += 1;
        }
        text
    }
}

/// A place among those who listen.
pub type Seat = OwnedSemaphorePermit;

/// Takes a place among those who listen, whichever stream it is.
pub fn seat(api: &Api) -> Result<Seat, Problem> {
    let seat = api.events.places.clone().try_acquire_owned();
    seat.map_err(|_| Problem::unavailable("too many listen already").retry_after(30))
}

/// Answers with the stream.
pub fn listen(
    api: &Api,
    headers: &HeaderMap,
    call: Option<String>,
    principal: Principal,
) -> Result<Response, Problem> {
    let seat = seat(api)?;
    let last_id = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let place = api.events.place(last_id, call);
    let (stream, response) = Stream::begin(api, principal);
    tokio::spawn(tell(api.clone(), stream, place, seat));
    Ok(response)
}

/// The text of a stream that is looked at often, until it ends.
#[cfg(test)]
pub async fn listen_for_test(api: &Api, principal: Principal, alive_every: Duration) -> String {
    let (stream, mut receiver) = Stream::new(api, principal, alive_every);
    tokio::spawn(tell(api.clone(), stream, api.events.place(None, None), seat(api).expect("a seat")));
    let mut text = String::new();
    while let Some(Ok(piece)) = receiver.recv().await {
        text.push_str(std::str::from_utf8(&piece).expect("text"));
    }
    text
}

/// Tells one who listens all that is new, until that one goes.
async fn tell(api: Api, mut stream: Stream, mut place: Place, _seat: Seat) {
    let mut next = api.events.next.subscribe();
    let mut is_behind = true;
    loop {
        let is_there = async { is_behind || next.changed().await.is_ok() };
        if stream.waits_for(is_there).await != Some(true) {
            return;
        }
        next.borrow_and_update();
        let before = place.next;
        let text = api.events.read(&mut place);
        if !text.is_empty() && stream.send(text).await.is_err() {
            return;
        }
        is_behind = place.next != before;
    }
}

type Receiver = mpsc::Receiver<Result<Bytes, Infallible>>;

/// The connection of one who listens: signs of life, whether that one still may, and its end.
pub struct Stream {
    api: Api,
    principal: Principal,
    sender: mpsc::Sender<Result<Bytes, Infallible>>,
    alive: tokio::time::Interval,
    end: tokio::time::Instant,
}

impl Stream {
    /// Begins to send; gives the answer in which it comes out.
    pub fn begin(api: &Api, principal: Principal) -> (Stream, Response) {
        let (stream, receiver) = Stream::new(api, principal, ALIVE_EVERY);
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (stream, (headers, Body::new(Pieces(receiver))).into_response())
    }

    fn new(api: &Api, principal: Principal, alive_every: Duration) -> (Stream, Receiver) {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        // The first sign of life comes at once: a client sees that it is connected.
        let alive = tokio::time::interval(alive_every);
        let end = tokio::time::Instant::now() + STREAM_TIME_MAX;
        (Stream { api: api.clone(), principal, sender, alive, end }, receiver)
    }

    /// Waits for something while it keeps the stream alive. `None` where the stream is over: the listener went, may not
    /// listen any more, or its time is up; the last two are told.
    pub async fn waits_for<T>(&mut self, something: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(something);
        loop {
            tokio::select! {
                // In this order: who is always behind, because it reads slowly, is looked at all the same.
                biased;
                () = self.sender.closed() => return None,
                _ = self.alive.tick() => {
                    if let Err(lost) = self.may_go_on().await {
                        self.send(closed(lost.word())).await.unwrap_or_default();
                        return None;
                    }
                    self.send(": alive\n\n".to_owned()).await.ok()?;
                }
                () = tokio::time::sleep_until(self.end) => {
                    self.send(closed("hour_over")).await.unwrap_or_default();
                    return None;
                }
                it = &mut something => return Some(it),
            }
        }
    }

    /// Whether the listener would be let in now. A database that is away ends no stream: calls go on without it too,
    /// and each stream has its end.
    async fn may_go_on(&self) -> Result<(), Lost> {
        access::still(&self.api, &self.principal, PERMISSION).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "whether a listener may go on cannot be seen now");
            Ok(())
        })
    }

    /// The error is that nobody takes it any more.
    pub async fn send(&self, text: String) -> Result<(), ()> {
        self.sender.send(Ok(Bytes::from(text))).await.map_err(drop)
    }
}

/// The last event of a stream that we end.
fn closed(reason: &str) -> String {
    let data = serde_json::json!({ "event": "closed", "reason": reason });
    format!("event: closed\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(count: u64) -> Events {
        let events = Events::new("r".to_owned());
        for n in 0..count {
            events.push(Event { call_id: format!("c{}", n % 2), data: n.to_string() });
        }
        events
    }

    fn data(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
    }

    #[test]
    fn a_listener_begins_at_the_end_and_goes_on_where_it_was() {
        let events = events(3);
        let mut place = events.place(None, None);
        assert_eq!(events.read(&mut place), "");
        events.push(Event { call_id: "c1".to_owned(), data: "3".to_owned() });
        assert_eq!(events.read(&mut place), "id: r.3\ndata: 3\n\n");
        assert_eq!(data(&events.read(&mut events.place(Some("r.1"), None))), ["2", "3"]);
        assert_eq!(events.read(&mut events.place(Some("r.3"), None)), "");
        assert_eq!(data(&events.read(&mut events.place(Some("0"), None))), ["0", "1", "2", "3"]);
        assert_eq!(data(&events.read(&mut events.place(Some("r.0"), Some("c1".to_owned())))), ["1", "3"]);
    }

    #[test]
    fn large_events_make_neither_the_ring_nor_a_piece_larger_than_they_may_be() {
        let events = Events::new("r".to_owned());
        for _ in 0..RING {
            events.push(Event { call_id: "c".to_owned(), data: "x".repeat(10_000) });
        }
        let ring = events.ring.lock().unwrap();
        let held: usize = ring.events.iter().map(|event| event.data.len()).sum();
        assert!(held <= RING_BYTES_MAX, "{held} bytes");
        assert_eq!(ring.first + ring.events.len() as u64, RING as u64);
        drop(ring);
        let mut place = events.place(Some("0"), None);
        let mut told = 0;
        loop {
            let text = events.read(&mut place);
            if text.is_empty() {
                break;
            }
            assert!(text.len() <= PIECE_BYTES_MAX + 11_000, "{} bytes", text.len());
            told += text.matches("id: r.").count();
        }
        assert_eq!(told, events.ring.lock().unwrap().events.len(), "each is told");
    }

    #[test]
    fn a_stream_that_we_end_says_why() {
        assert_eq!(
            closed("signed_out"),
            "event: closed\ndata: {\"event\":\"closed\",\"reason\":\"signed_out\"}\n\n"
        );
    }

    #[test]
    fn who_comes_too_late_is_told_how_much_was_missed() {
        let events = events(RING as u64 + 10);
        let mut place = events.place(Some("r.3"), None);
        let text = events.read(&mut place);
        assert!(
            text.starts_with("event: missed\ndata: {\"event\":\"missed\",\"count\":6}\n\nid: r.10\n"),
            "{text}"
        );
        assert_eq!(data(&text).len(), 1 + PIECE_EVENTS_MAX);
        for stranger in ["q.3", "r.99999", "r.x", "nonsense"] {
            let text = events.read(&mut events.place(Some(stranger), None));
            assert_eq!(data(&text), ["{\"event\":\"missed\",\"count\":null}"], "{stranger}");
        }
    }
}
