//! A question to another system: the caller waits, with audio or in silence, until it is answered or time is up.

use crate::clock::Instant;
use crate::flow::audio::{Audio, Heard, Playing};
use crate::flow::context::Call;
use crate::flow::lookup::{LookupError, LookupId, Question};
use crate::flow::{Action, Event, Party, Sound};
use std::time::Duration;

/// Whoever asks keeps the time of the step; it is waited for a little longer, so that its reason is the one told.
const GRACE: Duration = Duration::from_millis(500);
/// A reply that comes within it is not waited for audibly: a scrap of music only disturbs.
const AUDIO_AFTER: Duration = Duration::from_secs(1);

/// A question that waits for its reply.
#[derive(Clone, PartialEq, Debug)]
pub struct Lookup {
    lookup: LookupId,
    until: Instant,
    /// Whether the question may be given up: a text message is sent to its end, also to who has hung up.
    may_stop: bool,
    /// What the caller is to hear from then on.
    audio: Option<(Instant, Vec<Sound>)>,
    playing: Option<Playing>,
}

impl Lookup {
    /// Asks, and plays what the caller hears meanwhile.
    pub fn start(question: Question, timeout: Duration, audio: Option<&Audio>, call: &mut Call) -> Lookup {
        let may_stop = !matches!(question, Question::Sms(_));
        let lookup = ask(question, call);
        let now = call.now.instant;
        let audio = audio.map(|audio| (now + AUDIO_AFTER, audio.sounds(call)));
        Lookup { lookup, until: now + timeout + GRACE, may_stop, audio, playing: None }
    }

    /// Whether a reply is the one that is waited for; then the caller hears nothing more.
    pub fn takes(&mut self, lookup: LookupId, call: &mut Call) -> bool {
        if lookup != self.lookup {
            return false;
        }
        if let Some(playing) = self.playing.take() {
            playing.stop(call);
        }
        true
    }

    /// The error of a question that time is up for.
    pub fn on_event(&mut self, event: &Event, call: &mut Call) -> Option<LookupError> {
        if *event == Event::Timeout && self.until <= call.now.instant {
            if let Some(playing) = self.playing.take() {
                playing.stop(call);
            }
            self.forget(call);
            return Some(LookupError { code: "timeout", message: "No reply came in time.".to_owned() });
        }
        if *event == Event::Timeout
            && let Some((_, sounds)) = self.audio.take_if(|(at, _)| *at <= call.now.instant)
        {
            self.playing = Playing::start(Party::Caller, sounds, true, call);
        }
        // What cannot be played while somebody waits is no reason not to wait.
        if self.playing.as_mut().is_some_and(|p| p.on_event(event, call) != Heard::Nothing) {
            self.playing = None;
        }
        None
    }

    fn forget(&self, call: &mut Call) {
        if self.may_stop {
            call.act(Action::Forget { lookup: self.lookup });
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        let speech = self.playing.as_ref().and_then(Playing::next_timeout);
        let audio = self.audio.as_ref().map(|(at, _)| *at);
        [speech, audio].into_iter().flatten().chain([self.until]).min()
    }

    pub fn abandon(self, call: &mut Call) {
        self.forget(call);
        if let Some(playing) = self.playing {
            playing.stop(call);
        }
    }
}

/// Asks without waiting.
pub fn ask(question: Question, call: &mut Call) -> LookupId {
    let step = call.step_id().to_owned();
    ask_as(&step, question, call)
}

/// The same for who is no step.
pub fn ask_as(step: &str, question: Question, call: &mut Call) -> LookupId {
    let lookup = call.next_lookup();
    let step = step.to_owned();
    call.act(Action::Ask { lookup, step, question: Box::new(question) });
    lookup
}
