//! A question to another system: the caller waits, with audio or in silence, until it is answered or time is up.

use crate::clock::Instant;
use crate::flow::audio::{Audio, Heard, Playing};
use crate::flow::context::Call;
use crate::flow::lookup::{LookupError, LookupId, Question, Reply};
use crate::flow::{Action, Event, Party};
use std::time::Duration;

/// Whoever asks keeps the time of the step; it is waited for a little longer, so that its reason is the one told.
const GRACE: Duration = Duration::from_millis(500);

/// A question that waits for its reply.
#[derive(Clone, PartialEq, Debug)]
pub struct Lookup {
    lookup: LookupId,
    until: Instant,
    playing: Option<Playing>,
}

impl Lookup {
    /// Asks, and plays what the caller hears meanwhile.
    pub fn start(question: Question, timeout: Duration, audio: Option<&Audio>, call: &mut Call) -> Lookup {
        let lookup = ask(question, call);
        let sounds = audio.map(|audio| audio.sounds(call)).unwrap_or_default();
        let playing = Playing::start(Party::Caller, sounds, true, call);
        Lookup { lookup, until: call.now.instant + timeout + GRACE, playing }
    }

    /// The reply, once it is there.
    pub fn on_event(&mut self, event: &Event, call: &mut Call) -> Option<Result<Reply, LookupError>> {
        let result = match event {
            Event::Replied { lookup, result } if *lookup == self.lookup => result.clone(),
            Event::Timeout if self.until <= call.now.instant => {
                Err(LookupError { code: "timeout", message: "No reply came in time.".to_owned() })
            }
            event => {
                // What cannot be played while somebody waits is no reason not to wait.
                if self.playing.as_mut().is_some_and(|p| p.on_event(event, call) != Heard::Nothing) {
                    self.playing = None;
                }
                return None;
            }
        };
        if let Some(playing) = self.playing.take() {
            playing.stop(call);
        }
        Some(result)
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        let speech = self.playing.as_ref().and_then(Playing::next_timeout);
        Some(speech.map_or(self.until, |speech| speech.min(self.until)))
    }

    pub fn abandon(self, call: &mut Call) {
        if let Some(playing) = self.playing {
            playing.stop(call);
        }
    }
}

/// Asks without waiting.
pub fn ask(question: Question, call: &mut Call) -> LookupId {
    let lookup = call.next_lookup();
    let step = call.step_id().to_owned();
    call.act(Action::Ask { lookup, step, question: Box::new(question) });
    lookup
}
