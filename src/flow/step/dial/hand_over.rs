//! A call that leaves this server: its trunk is asked to bring the caller to the number itself (REFER).

use super::machine::{end_talk, leave_failed, result_name};
use super::{Config, Ringback};
use crate::clock::Instant;
use crate::flow::audio::{Heard, Playing};
use crate::flow::context::{Call, End, Exit};
use crate::flow::{Action, DialFailure, DialId, DialTarget, EndedBy, Event, LogEvent, Offer, Party, Sound};
use std::ops::ControlFlow;

/// When a call leaves, if it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HandOver {
    Never,
    /// At once: nobody is rung from here.
    Blind,
    /// Once the called party has answered.
    Attended,
}

/// The trunk was asked, and says how it goes.
#[derive(Clone, PartialEq, Debug)]
pub struct HandingOver {
    dial: DialId,
    target: DialTarget,
    since: Instant,
    until: Instant,
    ringback: Option<Playing>,
}

impl HandingOver {
    /// Asks for it. The caller is answered first: only a call that stands can be handed over.
    pub fn begin(target: DialTarget, config: &Config, call: &mut Call) -> HandingOver {
        call.answer();
        let ringback = start_ringback(config, call);
        let (dial, now) = (call.next_dial(), call.now.instant);
        call.act(Action::HandOver { dial, target: Some(target.clone()) });
        HandingOver { dial, target, since: now, until: now + config.total, ringback }
    }

    pub fn on_event(&mut self, config: &Config, event: &Event, call: &mut Call) -> ControlFlow<Exit> {
        if let Some(ringback) = &mut self.ringback
            && matches!(ringback.on_event(event, call), Heard::End | Heard::Failure(_))
        {
            self.ringback = None;
        }
        match event {
            Event::HandedOver { dial } if *dial == self.dial => {
                self.stop(call);
                self.note("handed_over", call);
                // Somebody has the caller now, so nobody has to call back.
                call.state.conversations = call.state.conversations.saturating_add(1);
                end_talk(call.now.instant, config, call);
                handed_over(call)
            }
            Event::HandOverFailed { dial, cause, sip_code } if *dial == self.dial => {
                self.fail(*cause, *sip_code, call)
            }
            Event::Timeout if self.until <= call.now.instant => self.fail(DialFailure::NoAnswer, None, call),
            _ => ControlFlow::Continue(()),
        }
    }

    fn fail(&mut self, cause: DialFailure, sip_code: Option<u16>, call: &mut Call) -> ControlFlow<Exit> {
        self.stop(call);
        self.note(result_name(cause), call);
        call.waited();
        leave_failed(cause, sip_code, self.since, call)
    }

    pub fn next_timeout(&self) -> Instant {
        self.ringback.as_ref().and_then(Playing::next_timeout).map_or(self.until, |at| at.min(self.until))
    }

    /// Nobody waits for it any more.
    pub fn abandon(mut self, result: &str, call: &mut Call) {
        self.stop(call);
        self.note(result, call);
    }

    fn stop(&mut self, call: &mut Call) {
        if let Some(ringback) = self.ringback.take() {
            ringback.stop(call);
        }
    }

    fn note(&self, result: &str, call: &mut Call) {
        let ring_sec = (call.now.instant - self.since).as_secs();
        call.state.push_offer(Offer::new(self.dial, self.target.text(), ring_sec, result));
    }
}

/// The call has left: here it is over.
pub(super) fn handed_over<T>(call: &mut Call) -> ControlFlow<Exit, T> {
    call.set_own("dial.result", "handed_over");
    ControlFlow::Break(Exit::End(End { sip_code: 480, q850: 16, outcome_text: None, by: EndedBy::Flow }))
}

/// The conversation goes on here: the other side did not take the call over.
pub(super) fn not_handed_over(sip_code: Option<u16>, call: &mut Call) {
    let why = sip_code.map(|code| format!(": SIP {code}")).unwrap_or_default();
    let message = format!("The call was not handed over, and goes on here{why}.");
    let (step, code) = (call.step_id().to_owned(), "hand_over_failed".to_owned());
    call.act(Action::Log(LogEvent::StepError { step, code, message }));
}

/// What the caller hears while it rings. A tone needs no media before the answer: the caller's telephone makes it on a 180.
pub(super) fn start_ringback(config: &Config, call: &mut Call) -> Option<Playing> {
    let sounds = match &config.ringback {
        Ringback::Tone if !call.state.answered => {
            call.ringing();
            return None;
        }
        Ringback::Tone => vec![Sound::RingbackTone],
        Ringback::Music => vec![Sound::Music],
        Ringback::Audio(audio) => audio.sounds(call),
    };
    Playing::start(Party::Caller, sounds, true, call)
}
