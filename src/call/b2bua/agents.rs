//! What becomes of the legs that the flow dialled. How one is dialled stands in `dialled.rs`.
//!
//! Invariant: a leg that is closed has left the index of dialogs, and its agent is free again.

use super::media::Vanished;
use super::{Call, Context};
use crate::call::dialled::{LegEnd, Stage};
use crate::call::live::LegState;
use crate::call::record::{ENDS_MAX, EndReason};
use crate::flow::{DialFailure, DialId, Event as FlowEvent, Party};
use crate::sip::DialogId;
use crate::sip::cause::Reason;
use crate::sip::message::Response;

impl Call {
    pub fn dialled_rings(
        &mut self,
        dial: DialId,
        dialog: DialogId,
        response: &Response,
        context: &mut Context<'_>,
    ) {
        if self.transfer_rings(dial, response.code(), context) {
            return self.tell_leg(dial, LegState::Ringing, context);
        }
        self.take_early_media(dial, dialog, response, context);
        self.tell_leg(dial, LegState::Ringing, context);
        self.feed(FlowEvent::Ringing { dial }, context);
    }

    pub fn dialled_answered(
        &mut self,
        dial: DialId,
        dialog: DialogId,
        response: &Response,
        context: &mut Context<'_>,
    ) {
        let Some(dialled) = self.dialled_mut(dial) else { return };
        match dialled.answered(dialog, response, context) {
            Ok(()) => {
                self.capture_legs(context);
                self.tell_leg(dial, LegState::Answered, context);
                if self.transfer_answered(dial, context) {
                    return;
                }
                self.feed(FlowEvent::Answered { dial }, context);
            }
            Err(refusal) => {
                tracing::info!(call = %self.id, %dial, %refusal, "the answer of a dialled leg cannot be used");
                if let Some(dialled) = self.dialled_mut(dial) {
                    dialled.note_words(format!("its answer cannot be used: {refusal}"));
                }
                self.dialled_failed(dial, DialFailure::Failed, Some(488), context);
            }
        }
    }

    /// A dialled leg came to nothing, or hung up.
    pub fn dialled_failed(
        &mut self,
        dial: DialId,
        cause: DialFailure,
        sip_code: Option<u16>,
        context: &mut Context<'_>,
    ) {
        self.close_dialled(dial, context);
        if self.transfer_failed(dial, sip_code.unwrap_or(503), context) {
            return;
        }
        self.feed(FlowEvent::DialFailed { dial, cause, sip_code }, context);
    }

    /// BYE of a dialled leg, and what it says of why.
    pub fn dialled_said_bye(&mut self, dial: DialId, reason: &Reason, context: &mut Context<'_>) {
        if self.hold.is_joined(dial) {
            self.cause_said = self.cause_said.or(reason.cause);
        }
        let name = self.party_name(Party::Dialled(dial));
        let note = reason.remark().map(|remark| format!("{name} hung up: its side says {remark}"));
        self.vanished = note.map(|note| Vanished { reason: EndReason::AgentHungUp, note: Some(note) });
        self.dialled_hung_up(dial, context);
        (self.vanished, self.cause_said) = (None, None);
    }

    pub fn dialled_hung_up(&mut self, dial: DialId, context: &mut Context<'_>) {
        self.close_dialled(dial, context);
        if self.transfer_failed(dial, 480, context) || self.transferor_left(dial, context) {
            return;
        }
        self.feed(FlowEvent::DialledHungUp { dial }, context);
    }

    /// Keeps for the record what came of a leg; what is known first counts.
    pub(in crate::call) fn note_end(&mut self, end: LegEnd) {
        if self.end_of(end.dial).is_none() && self.ends.len() < ENDS_MAX {
            self.ends.push(end);
        }
    }

    /// What came of a leg that is over.
    pub(super) fn end_of(&self, dial: DialId) -> Option<&LegEnd> {
        self.ends.iter().rfind(|end| end.dial == dial)
    }

    /// Why a leg that is over came to nothing.
    pub(super) fn why_of(&self, dial: DialId) -> Option<&str> {
        self.end_of(dial)?.why.as_deref()
    }

    /// Gives up the dialog and the media of a dialled leg. Nothing happens where that was done before.
    pub(in crate::call) fn close_dialled(&mut self, dial: DialId, context: &mut Context<'_>) {
        self.early_media_ended(dial, context);
        self.parted(dial, context);
        let Some(index) = self.dialled.iter().position(|d| d.dial == dial) else { return };
        if self.dialled[index].media.as_ref().is_none_or(|media| !media.is_closing()) {
            self.tell_leg(dial, LegState::Ended, context);
        }
        self.note_end(self.dialled[index].end());
        let dialled = &mut self.dialled[index];
        dialled.release_forks(context);
        dialled.release_agent(context.index);
        dialled.stage = Stage::Over;
        let gone = match &mut dialled.media {
            None => true,
            Some(media) if media.is_closing() => false,
            Some(media) => {
                let waits = media.close(context.now.instant, context.ports, context.actions);
                if waits {
                    self.closing += 1;
                } else {
                    context.index.legs.remove(&media.leg);
                }
                !waits
            }
        };
        if gone {
            self.dialled.remove(index);
        }
    }
}
