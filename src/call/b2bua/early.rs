//! Early media: what a dialled side sends before it answers (an announcement, its own ringing tone) goes to the caller.
//!
//! It stands for the ringing tone and for nothing else: a flow that plays music or words while it rings somebody goes on
//! to do so, and of several who ring at once nobody is heard before one answers.

use super::caller::{CallerState, Told};
use super::{Call, Context};
use crate::call::message_parts::{is_sdp, sdp_body};
use crate::flow::{DialId, Party, Sound};
use crate::ids::PlaybackId;
use crate::media::{Command, Item, Playlist, Tone};
use crate::sip::DialogId;
use crate::sip::message::Response;

/// Our ringing tone where the flow plays none: far from the numbers of the flow and of holds.
const OWN_TONE: PlaybackId = PlaybackId(1 << 49);

/// What the caller hears before somebody answers.
#[derive(Default)]
pub(super) struct EarlyMedia {
    /// Whose audio it is.
    from: Option<DialId>,
    /// What the flow plays to the caller without an end, and whether that is the ringing tone.
    endless: Option<(PlaybackId, bool)>,
}

impl EarlyMedia {
    /// The flow plays to the caller until it stops it.
    pub fn plays(&mut self, playback: PlaybackId, sounds: &[Sound]) {
        self.endless = Some((playback, *sounds == [Sound::RingbackTone]));
    }

    pub fn stopped(&mut self, playback: PlaybackId) {
        self.endless = self.endless.filter(|(other, _)| *other != playback);
    }
}

impl Call {
    /// A provisional response of a dialled side that may describe early media.
    pub(super) fn take_early_media(
        &mut self,
        dial: DialId,
        dialog: DialogId,
        response: &Response,
        context: &mut Context<'_>,
    ) {
        let is_described = !response.body().is_empty() && is_sdp(response.content_type());
        if !is_described {
            // It rang on its own before: now its side wants the caller's telephone to ring (RFC 3960 section 3.1).
            if self.early.from == Some(dial) && response.code() == 180 {
                self.ring_after_progress(context);
            }
            return;
        }
        let Some(dialled) = self.dialled_mut(dial) else { return };
        if let Err(refusal) = dialled.early(dialog, response, context) {
            // The 200 may bring a better one.
            tracing::debug!(call = %self.id, %dial, %refusal, "early media that cannot be used");
            return;
        }
        self.capture_legs(context);
        if self.early.from == Some(dial) || !self.may_hear_early_media(dial) || !self.open_caller(context) {
            return;
        }
        self.early.from = Some(dial);
        let Some(b) = self.media(Party::Dialled(dial)).map(|media| media.leg) else { return };
        self.command(Party::Caller, context, |a| Command::Bridge { a, b });
    }

    fn may_hear_early_media(&self, dial: DialId) -> bool {
        let others = self.dialled.iter().filter(|dialled| dialled.dial != dial && dialled.has_dialog());
        others.count() == 0 && self.early.endless.is_none_or(|(_, is_tone)| is_tone)
    }

    /// Makes sure that the caller can be sent audio: before the answer that takes a 183 with our description.
    fn open_caller(&mut self, context: &mut Context<'_>) -> bool {
        if self.caller.media.is_open() {
            return !matches!(self.caller.state, CallerState::Gone { .. });
        }
        let CallerState::Ringing { .. } = self.caller.state else { return false };
        let offer = self.caller.invite.body().clone();
        let (sender, peer, settings) = (self.caller.sender, self.caller.peer, &context.settings.media);
        if offer.is_empty() || !self.caller.media.would_open(&offer, sender, peer, settings) {
            return false;
        }
        let Ok(text) = self.caller.media.answer(&offer, sender, peer, settings, context.actions) else {
            return false;
        };
        let (now, dialog) = (context.now.instant, self.caller.dialog);
        self.was_told(Told::Progress, now);
        context.sip.ring(now, dialog, 183, "", Some(sdp_body(text)), context.sip_actions);
        true
    }

    fn ring_after_progress(&mut self, context: &mut Context<'_>) {
        if let CallerState::Ringing { told: Told::Progress } = self.caller.state {
            let (now, dialog) = (context.now.instant, self.caller.dialog);
            self.was_told(Told::Ringing, now);
            context.sip.ring(now, dialog, 180, "", None, context.sip_actions);
        }
    }

    /// The caller is joined with somebody: early media are over.
    pub(super) fn early_media_became_talk(&mut self) {
        self.early.from = None;
    }

    /// A dialled leg is closed: where the caller heard it ring, it hears our ringing tone while others are rung.
    pub(in crate::call) fn early_media_ended(&mut self, dial: DialId, context: &mut Context<'_>) {
        if self.early.from != Some(dial) {
            return;
        }
        self.early.from = None;
        let playback = match (self.early.endless, self.caller.state) {
            (Some((playback, true)), CallerState::Answered(_)) => playback,
            (None, CallerState::Ringing { .. }) => OWN_TONE,
            _ => return,
        };
        let playlist = Playlist { items: vec![Item::Tone(Tone::Ringback)], forever: true };
        self.command(Party::Caller, context, |leg| Command::Play { leg, playback, playlist });
    }
}
