//! One leg of a dial step, from the first ring to its acceptance.

use super::{Config, Screen};
use crate::clock::Instant;
use crate::flow::audio::{Heard, Playing};
use crate::flow::context::Call;
use crate::flow::{Action, BuiltIn, CancelReason, DialId, DialTarget, Event, LogEvent, Offer, Party, Sound};
use std::time::Duration;

/// A whisper, or the question of the screen, is heard so long at most; then it counts as over. Nothing else
/// would end a leg whose playback never reports its end.
const WHISPER_LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, PartialEq, Debug)]
pub struct Leg {
    pub dial: DialId,
    pub target: DialTarget,
    since: Instant,
    state: State,
}

#[derive(Clone, PartialEq, Debug)]
enum State {
    Ringing {
        until: Instant,
    },
    /// Answered; hears the whisper and then, where it is screened, the question.
    Whispering {
        playing: Playing,
        until: Instant,
    },
    /// All was heard; where it is screened, a key is awaited.
    Screening {
        until: Instant,
    },
}

/// What a leg has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Pending,
    Accepted,
    RangOut,
    /// It answered, but nobody accepted.
    NotAccepted,
}

impl Leg {
    pub fn ring(target: DialTarget, config: &Config, until: Instant, call: &mut Call) -> Leg {
        let dial = call.next_dial();
        call.act(Action::Dial {
            dial,
            target: target.clone(),
            identity: config.identity.clone(),
            ring_busy: config.ring_busy,
        });
        let since = call.now.instant;
        Leg { dial, target, since, state: State::Ringing { until: until.min(since + config.ring) } }
    }

    pub fn on_answered(&mut self, config: &Config, call: &mut Call) -> Verdict {
        if !self.is_ringing() {
            return Verdict::Pending;
        }
        let mut sounds = config.whisper.as_ref().map(|audio| audio.sounds(call)).unwrap_or_default();
        let party = Party::Dialled(self.dial);
        let question = match config.screen {
            Screen::Off => None,
            Screen::PressAny => Some(BuiltIn::PressAnyToAccept),
            Screen::PressOne => Some(BuiltIn::PressOneToAccept),
        };
        if let Some(prompt) = question {
            sounds.push(Sound::BuiltIn { prompt, language: config.language.clone() });
            call.act(Action::Listen { party, keys: true });
        }
        match Playing::start(party, sounds, false, call) {
            Some(playing) => {
                self.state = State::Whispering { playing, until: call.now.instant + WHISPER_LIMIT };
                Verdict::Pending
            }
            None => Verdict::Accepted,
        }
    }

    pub fn on_key(&mut self, config: &Config, key: char) -> Verdict {
        let accepts = match config.screen {
            Screen::Off => false,
            Screen::PressAny => true,
            Screen::PressOne => key == '1',
        };
        if accepts && !self.is_ringing() { Verdict::Accepted } else { Verdict::Pending }
    }

    /// Ends of playback and timers.
    pub fn on_event(&mut self, config: &Config, event: &Event, call: &mut Call) -> Verdict {
        let now = call.now.instant;
        let is_timeout = matches!(event, Event::Timeout);
        match &mut self.state {
            State::Ringing { until } if is_timeout && *until <= now => Verdict::RangOut,
            State::Screening { until } if is_timeout && *until <= now => Verdict::NotAccepted,
            State::Whispering { playing, until } => {
                let is_late = is_timeout && *until <= now;
                match playing.on_event(event, call) {
                    Heard::Nothing if is_late => playing.clone().stop(call),
                    Heard::Nothing => return Verdict::Pending,
                    Heard::End => {}
                    Heard::Failure(message) => {
                        let step = call.step_id().to_owned();
                        let code = "audio_failed".to_owned();
                        call.act(Action::Log(LogEvent::StepError { step, code, message }));
                    }
                }
                self.state = State::Screening { until: now + config.screen_time };
                if config.screen == Screen::Off { Verdict::Accepted } else { Verdict::Pending }
            }
            _ => Verdict::Pending,
        }
    }

    pub fn is_ringing(&self) -> bool {
        matches!(self.state, State::Ringing { .. })
    }

    pub fn rang_for(&self, now: Instant) -> Duration {
        now - self.since
    }

    pub fn next_timeout(&self) -> Instant {
        match &self.state {
            State::Ringing { until } | State::Screening { until } => *until,
            State::Whispering { playing, until } => {
                playing.next_timeout().map_or(*until, |speech| speech.min(*until))
            }
        }
    }

    /// What was being played to it falls silent, because it is about to be joined.
    pub fn hush(&self, config: &Config, call: &mut Call) {
        if let State::Whispering { playing, .. } = &self.state {
            playing.clone().stop(call);
        }
        if config.screen != Screen::Off {
            call.act(Action::Listen { party: Party::Dialled(self.dial), keys: false });
        }
    }

    /// Gives it up: CANCEL while it rings, BYE once it has answered.
    pub fn give_up(&self, reason: CancelReason, call: &mut Call) {
        match &self.state {
            State::Ringing { .. } => call.act(Action::Cancel { dial: self.dial, reason }),
            State::Whispering { playing, .. } => {
                playing.clone().stop(call);
                call.act(Action::HangUpDialled { dial: self.dial });
            }
            State::Screening { .. } => call.act(Action::HangUpDialled { dial: self.dial }),
        }
    }

    /// For the record.
    pub fn note(&self, result: &str, call: &mut Call) {
        let ring_sec = self.rang_for(call.now.instant).as_secs();
        call.state.push_offer(Offer::new(self.dial, self.target.text(), ring_sec, result));
    }
}
