//! Between a call and the media engine: commands to its legs, and what the engine says of them.

use super::caller::CallerState;
use super::{Call, Context};
use crate::call::dialled::Stage;
use crate::call::media_leg::MediaLeg;
use crate::call::record::{EndReason, LegRecord};
use crate::flow::{DialFailure, Event as FlowEvent, Party};
use crate::ids::LegId;
use crate::media::{Command, DigitSource, Event, Statistics};
use std::time::Duration;

/// A party that is gone without a word.
pub(super) struct Vanished {
    pub reason: EndReason,
    /// Why, where the usual sentence does not say it.
    pub note: Option<String>,
}

impl Call {
    pub fn media_event(&mut self, party: Party, event: Event, context: &mut Context<'_>) {
        match event {
            Event::Digit { digit, source, .. } => {
                context.counters.digits[source as usize] += 1;
                tracing::debug!(call = %self.id, ?source, "key");
                if self.interpreter.is_none() {
                    self.keep_key(digit, source, context.now);
                }
                self.feed(FlowEvent::Digit { party, digit, source: source_name(source) }, context);
            }
            Event::PlaybackEnded { playback, .. } => {
                self.feed(FlowEvent::PlaybackEnded { playback }, context)
            }
            Event::Inactive { silent_for, .. } => self.silent(party, silent_for, context),
            Event::SourceLearned { from, .. } => {
                tracing::info!(call = %self.id, ?party, %from, "media comes from elsewhere than the SDP said; following it");
            }
            Event::Condition { condition, .. } => self.condition_changed(party, condition, context),
            Event::Captured { leg, capture } => self.captured(leg, *capture, context),
            // Only test calls of trunks are recorded.
            Event::Recorded { .. } => {}
            Event::Closed { leg, statistics, .. } => self.media_closed(party, leg, statistics, context),
        }
    }

    fn silent(&mut self, party: Party, silent_for: Duration, context: &mut Context<'_>) {
        tracing::info!(call = %self.id, ?party, seconds = silent_for.as_secs(), "no media for the limit: hanging up");
        self.lost(party, "SIP;cause=408;text=\"No media\"", None, context);
    }

    /// A party is gone without a word: it is hung up with that Reason, and the flow hears of it. `note` is what the
    /// record says where the usual sentence does not fit.
    pub(super) fn lost(
        &mut self,
        party: Party,
        reason: &str,
        note: Option<String>,
        context: &mut Context<'_>,
    ) {
        let reason = Some(reason);
        match party {
            Party::Caller => {
                let CallerState::Answered(_) = self.caller.state else { return };
                context.sip.bye(context.now.instant, self.caller.dialog, reason, context.sip_actions);
                self.vanished = Some(Vanished { reason: EndReason::CallerVanished, note });
                self.caller_vanished(context);
            }
            Party::Dialled(dial) => {
                let Some(dialled) = self.dialled_mut(dial) else { return };
                let stage = dialled.stage;
                dialled.hang_up(reason, context);
                match stage {
                    Stage::Answered(_) => {
                        self.vanished = Some(Vanished { reason: EndReason::AgentVanished, note });
                        self.dialled_hung_up(dial, context);
                        // Where the flow went on, whoever ends the call later is somebody else.
                        self.vanished = None;
                    }
                    // Early media that falls silent: nobody has answered yet, so nobody hangs up.
                    Stage::Ringing => {
                        self.dialled_failed(dial, DialFailure::NoAnswer, Some(408), context);
                    }
                    Stage::Over => {}
                }
            }
        }
    }

    fn media_closed(&mut self, party: Party, leg: LegId, statistics: Statistics, context: &mut Context<'_>) {
        context.index.legs.remove(&leg);
        let name = self.party_name(party);
        let Some(media) = self.media(party) else { return };
        media.closed(context.now.instant, context.ports);
        let codec = media.codec();
        self.closing = self.closing.saturating_sub(1);
        context.counters.rtp_lost += statistics.packets_lost;
        context.counters.rtp_refused += statistics.packets_refused;
        context.counters.rtp_bad += statistics.packets_bad;
        self.legs.push(LegRecord { party: name, codec, statistics });
        if let Party::Dialled(dial) = party {
            self.dialled.retain(|d| d.dial != dial);
        }
    }

    pub(super) fn party_name(&self, party: Party) -> String {
        match party {
            Party::Caller => "caller".to_owned(),
            Party::Dialled(dial) => self.dialled(dial).map(|d| d.name.clone()).unwrap_or_default(),
        }
    }

    pub(super) fn command(
        &mut self,
        party: Party,
        context: &mut Context<'_>,
        command: impl FnOnce(LegId) -> Command,
    ) {
        if let Some(media) = self.media(party) {
            let leg = media.leg;
            media.command(command(leg), context.actions);
        }
    }

    pub(super) fn media(&mut self, party: Party) -> Option<&mut MediaLeg> {
        match party {
            Party::Caller => Some(&mut self.caller.media),
            Party::Dialled(dial) => self.dialled_mut(dial).and_then(|d| d.media.as_mut()),
        }
    }
}

fn source_name(source: DigitSource) -> &'static str {
    match source {
        DigitSource::Rfc4733 => "rfc4733",
        DigitSource::InBand => "in_band",
        DigitSource::Info => "info",
    }
}
