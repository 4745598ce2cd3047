//! The call and its flow: events in, and what the flow wants done.
//!
//! Invariant: the flow is never entered from within what it wants done; events that this causes wait in a list.

use super::{Asked, Call, Context};
use crate::call::dialled::Ring;
use crate::call::live::{LegState, What, variables};
use crate::call::record::{KEYS_MAX, Key};
use crate::clock::Now;
use crate::flow::{Action, Event, LogEvent, Party};
use crate::hidden::Hidden;
use crate::media::{Command, DigitSource};
use std::collections::VecDeque;

impl Call {
    pub(super) fn feed(&mut self, event: Event, context: &mut Context<'_>) {
        self.feed_all(VecDeque::from([event]), context);
    }

    pub(super) fn feed_all(&mut self, mut events: VecDeque<Event>, context: &mut Context<'_>) {
        while let Some(event) = events.pop_front() {
            let Some(interpreter) = &mut self.interpreter else { return };
            if interpreter.is_finished() {
                return;
            }
            let mut actions = std::mem::take(&mut self.flow_actions);
            interpreter.handle(context.now, event, &mut actions);
            self.perform_all(actions, &mut events, context);
        }
    }

    pub(super) fn perform_all(
        &mut self,
        mut actions: Vec<Action>,
        events: &mut VecDeque<Event>,
        context: &mut Context<'_>,
    ) {
        for action in actions.drain(..) {
            self.perform(action, events, context);
        }
        self.flow_actions = actions;
    }

    fn perform(&mut self, action: Action, events: &mut VecDeque<Event>, context: &mut Context<'_>) {
        match action {
            Action::Answer => self.answer(context),
            Action::Ringing => self.ring(context),
            Action::Play { party, playback, sounds, forever } => {
                self.play(party, playback, sounds, forever, events, context);
            }
            Action::Stop { party, playback } => {
                self.waiting.retain(|w| w.playback != playback);
                self.early.stopped(playback);
                self.command(party, context, |leg| Command::Stop { leg, playback });
            }
            Action::Listen { party, keys } => {
                self.command(party, context, |leg| Command::Listen { leg, in_band: keys })
            }
            Action::Dial { dial, target, identity, ring_busy } => {
                let ring = Ring { identity: &identity, ring_busy, transfer: None };
                let failed = self.dial(dial, target, ring, context);
                events.extend(failed.map(|(cause, sip_code)| Event::DialFailed { dial, cause, sip_code }));
            }
            Action::Cancel { dial, reason } => {
                let cause = self.cause_said;
                if let Some(dialled) = self.dialled_mut(dial) {
                    dialled.cancel(reason, cause, context);
                }
                self.close_dialled(dial, context);
            }
            Action::HangUpDialled { dial } => {
                if self.stop_transfer(dial, context) {
                    return;
                }
                let cause = self.cause_said;
                if let Some(dialled) = self.dialled_mut(dial) {
                    dialled.clear(cause, context);
                }
                self.close_dialled(dial, context);
            }
            Action::Connect { dial } => {
                // By the caller's leg, which may still wait for its ACK; the leg that answered is open.
                let Some(b) = self.media(Party::Dialled(dial)).map(|media| media.leg) else { return };
                self.command(Party::Caller, context, |a| Command::Bridge { a, b });
                self.joined(dial, context);
                self.tell_leg(dial, LegState::Connected, context);
            }
            Action::HandOver { dial, target } => {
                let failed = self.hand_over(dial, target, context);
                events.extend(failed.map(|(cause, sip_code)| Event::HandOverFailed {
                    dial,
                    cause,
                    sip_code,
                }));
            }
            Action::Ask { lookup, step, question } => {
                let request = self.new_request();
                context.counters.lookups += 1;
                tracing::debug!(call = %self.id, %step, ?question, "asked");
                let (kind, since) = (question.kind(), context.now.instant);
                self.asked.push(Asked { request, lookup, step, kind, since });
                context.actions.push(crate::call::Action::Ask { request, question });
            }
            Action::Forget { lookup } => {
                let Some(index) = self.asked.iter().position(|asked| asked.lookup == lookup) else { return };
                let Asked { request, .. } = self.asked.remove(index);
                context.actions.push(crate::call::Action::Forget { request });
            }
            Action::HangUp { sip_code, q850 } => self.hang_up_caller(sip_code, q850, context),
            Action::Log(event) => self.log(event, context),
            Action::Finished(outcome) => self.finished(*outcome, context),
        }
    }

    fn log(&mut self, event: LogEvent, context: &mut Context<'_>) {
        match event {
            LogEvent::Key { step, digit, source, sensitive } => {
                let (digit, source) = (if sensitive { '•' } else { digit }, source_of(source));
                self.keep_key(digit, source, context.now);
                self.tell(What::Key { step, digit, source }, context);
            }
            LogEvent::StepEnter { flow, step, name, kind } => {
                context.counters.flow_steps += 1;
                tracing::debug!(call = %self.id, %step, kind, "step");
                self.tell(What::StepEntered { flow, step, name, kind }, context);
            }
            LogEvent::StepError { step, code, message } => {
                context.counters.flow_step_errors += 1;
                tracing::warn!(call = %self.id, %step, %code, message = %Hidden::sentence(&message), "step failed");
                self.tell(What::StepFailed { step, code, message }, context);
            }
            LogEvent::TtsLate { step } => {
                tracing::warn!(call = %self.id, %step, "speech did not start in time: tts_late")
            }
            LogEvent::Fallback { step, port, to } => {
                tracing::debug!(call = %self.id, %step, %port, %to, "unconnected port")
            }
            LogEvent::StepLeave { step, port, vars, .. } => {
                self.tell(What::StepLeft { step, port, vars: variables(vars) }, context)
            }
            LogEvent::Contact(person) => {
                tracing::debug!(call = %self.id, kind = %person.kind, id = %person.id, "the CRM knows the caller");
                self.tell(What::Contact(person), context);
            }
            LogEvent::Tag { .. } => {}
        }
    }

    pub(super) fn keep_key(&mut self, digit: char, source: DigitSource, now: Now) {
        if self.keys.len() < KEYS_MAX {
            let ms_from_start = (now.instant - self.started.instant).as_millis() as u64;
            self.keys.push(Key { digit, source, ms_from_start });
        }
    }
}

fn source_of(name: &str) -> DigitSource {
    match name {
        "in_band" => DigitSource::InBand,
        "info" => DigitSource::Info,
        _ => DigitSource::Rfc4733,
    }
}
