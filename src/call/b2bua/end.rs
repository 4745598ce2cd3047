//! The end of a call, whoever ends it, and the call record.
//!
//! Invariants: the first reason given is the one that is recorded; a call is over when its flow is finished, its
//! caller gone and every media leg closed, and then leaves nothing but its record.

use super::caller::CallerState;
use super::transfer::Transfers;
use super::{Call, Context};
use crate::call::record::{CallRecord, EndReason};
use crate::call::switchboard::printable;
use crate::clock::{Now, Wall};
use crate::flow::{CancelReason, EndedBy, Event as FlowEvent, Interpreter, Outcome};

impl Call {
    /// Ends the call from our side, whatever its flow does.
    pub fn end(&mut self, reason: EndReason, context: &mut Context<'_>) {
        self.ended.get_or_insert((reason, None));
        let unanswered = matches!(self.caller.state, CallerState::Ringing { .. });
        // A trunk that hears 503 would try the call elsewhere.
        let code = if unanswered && reason != EndReason::OperatorHungUp { 503 } else { 480 };
        self.hang_up_caller(code, None, context);
        match &self.interpreter {
            Some(i) if !i.is_finished() => {
                // Who was hung up on did not give up, and is nobody's task.
                let by_us = matches!(reason, EndReason::OperatorHungUp | EndReason::Transferred);
                self.feed(if by_us { FlowEvent::EndedHere } else { FlowEvent::CallerVanished }, context);
            }
            _ => {}
        }
        self.close_all(context);
    }

    /// Its parties go on in another call.
    pub(in crate::call) fn end_joined(&mut self, context: &mut Context<'_>) {
        self.end(EndReason::Transferred, context);
    }

    /// Notes why the call ended: the first reason counts.
    pub(super) fn ended_for(&mut self, reason: EndReason, code: Option<u16>, note: Option<String>) {
        if self.ended.is_none() {
            (self.ended, self.end_note) = (Some((reason, code)), note);
        }
    }

    pub(super) fn finished(&mut self, outcome: Outcome, context: &mut Context<'_>) {
        let reason = match outcome.ended_by {
            EndedBy::Caller => EndReason::CallerHungUp,
            EndedBy::Agent => self.vanished.as_ref().map_or(EndReason::AgentHungUp, |gone| gone.reason),
            EndedBy::Flow => EndReason::FlowEnded,
            EndedBy::System => self.vanished.as_ref().map_or(EndReason::InternalError, |gone| gone.reason),
        };
        let note = self.vanished.take().filter(|gone| gone.reason == reason).and_then(|gone| gone.note);
        self.ended_for(reason, None, note);
        self.outcome = Some(outcome);
        self.hang_up_caller(480, None, context);
        self.close_all(context);
    }

    pub(super) fn close_all(&mut self, context: &mut Context<'_>) {
        let dials: Vec<_> = self.dialled.iter().map(|d| d.dial).collect();
        let cause = self.cause_said;
        for dial in dials {
            if let Some(dialled) = self.dialled_mut(dial) {
                dialled.cancel(CancelReason::CallerGone, cause, context);
            }
            self.close_dialled(dial, context);
        }
        self.waiting.clear();
        self.transfers = Transfers::default();
        self.handing_over = None;
        self.deadline = None;
        let leg = self.caller.media.leg;
        if !self.caller.media.is_closing() {
            if self.caller.media.close(context.now.instant, context.ports, context.actions) {
                self.closing += 1;
            } else {
                context.index.legs.remove(&leg);
            }
        }
    }

    /// Whether nothing of the call is left but its record.
    pub fn is_over(&self) -> bool {
        let flow_done = self.interpreter.as_ref().is_none_or(Interpreter::is_finished);
        matches!(self.caller.state, CallerState::Gone { .. })
            && flow_done
            && self.closing == 0
            && self.caller.media.is_closing()
    }

    /// Puts to the offers of the flow what it does not know of them: the trunk, and why they came to nothing.
    fn tell_offers(&mut self) {
        let Some(mut outcome) = self.outcome.take() else { return };
        for offer in &mut outcome.offers {
            if let Some(end) = self.end_of(offer.dial) {
                (offer.trunk, offer.reason) = (end.trunk.clone(), end.why.clone());
            }
        }
        self.outcome = Some(outcome);
    }

    /// The call record; the call is over.
    pub fn into_record(mut self, now: Now) -> CallRecord {
        self.tell_offers();
        let answer = match self.caller.state {
            CallerState::Answered(at) => Some(at),
            CallerState::Gone { answered } => answered,
            CallerState::Ringing { .. } => None,
        };
        let (end_reason, code) = self.ended.unwrap_or((EndReason::InternalError, None));
        let seconds = |from: Wall| (now.wall.as_unix_micros() - from.as_unix_micros()).max(0) as f64 / 1e6;
        let agent = self.outcome.as_ref().and_then(|o| o.agent_id.as_deref());
        CallRecord {
            call_id: self.facts.call_id,
            call_key: self.facts.call_key,
            sip_call_id: printable(self.caller.invite.call_id(), 128),
            trunk: self.trunk,
            source: self.source.to_string(),
            number: Some(self.number),
            flow_id: self.flow.as_ref().map(|f| f.flow.id().to_owned()),
            version: self.flow.as_ref().map(|f| f.number),
            from: self.facts.from,
            from_raw: self.identified.shown_raw(),
            diverted_from: self.identified.diverted_from().map(str::to_owned),
            to: self.facts.to,
            to_raw: self.to_raw,
            start: self.started.wall,
            answer,
            end: now.wall,
            duration_sec: seconds(self.started.wall),
            billed_sec: answer.map_or(0.0, seconds),
            sip_code: if answer.is_none() { code } else { None },
            end_reason,
            reason: self.end_note.unwrap_or_else(|| end_reason.sentence(agent))
                + &self.outcome.as_ref().map(error_at_the_end).unwrap_or_default(),
            outcome: self.outcome,
            keys: self.keys,
            legs: self.legs,
            troubles: self.trouble_records,
            failed_transfers: self.failed_transfers,
        }
    }
}

/// A flow whose last step failed came to its end as well; the record says so.
fn error_at_the_end(outcome: &Outcome) -> String {
    let variable =
        |name: &str| outcome.vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    match (&outcome.final_step, variable("error.step"), variable("error.message")) {
        (Some(last), Some(step), Some(message)) if last.id == step => {
            format!(", with an error in its last step \"{}\": {message}", last.name)
        }
        _ => String::new(),
    }
}
