//! What the flow plays to a party: sounds are turned into audio, speech that is not rendered yet is waited for.
//!
//! Invariant: the flow hears nothing more of a playback that it stopped.

use super::{Call, Context};
use crate::audio::Clip;
use crate::call::sound::{self, Resolved};
use crate::call::{Action, RequestId};
use crate::flow::{Event as FlowEvent, Party, Sound};
use crate::ids::PlaybackId;
use crate::media::{Command, Playlist};
use std::collections::VecDeque;
use std::sync::Arc;

/// Texts rendered for one call that it keeps: a flow that speaks more in a loop renders again.
const RENDERED_MAX: usize = 32;

/// A playback that waits for its speech.
pub(super) struct Waiting {
    request: RequestId,
    party: Party,
    pub playback: PlaybackId,
    sounds: Vec<Sound>,
    forever: bool,
}

impl Call {
    pub(super) fn play(
        &mut self,
        party: Party,
        playback: PlaybackId,
        sounds: Vec<Sound>,
        forever: bool,
        events: &mut VecDeque<FlowEvent>,
        context: &mut Context<'_>,
    ) {
        match sound::resolve(&self.snapshot.prompts, &self.rendered, &sounds) {
            Resolved::Ready(items) if items.is_empty() => {
                events.push_back(FlowEvent::PlaybackStarted { playback });
                events.push_back(FlowEvent::PlaybackEnded { playback });
            }
            Resolved::Ready(items) => {
                if forever && party == Party::Caller {
                    self.early.plays(playback, &sounds);
                }
                let playlist = Playlist { items, forever };
                self.command(party, context, |leg| Command::Play { leg, playback, playlist });
                events.push_back(FlowEvent::PlaybackStarted { playback });
            }
            Resolved::NeedsSpeech(speech) => {
                let request = self.new_request();
                self.waiting.push(Waiting { request, party, playback, sounds, forever });
                context.actions.push(Action::Render { request, speech });
            }
            Resolved::Missing(message) => events.push_back(FlowEvent::PlaybackFailed { playback, message }),
        }
    }

    pub fn rendered(
        &mut self,
        request: RequestId,
        result: Result<Arc<Clip>, String>,
        context: &mut Context<'_>,
    ) {
        let Some(index) = self.waiting.iter().position(|w| w.request == request) else { return };
        let Waiting { party, playback, sounds, forever, .. } = self.waiting.remove(index);
        match result {
            Ok(clip) => {
                // Which of the sounds it was: the first that still has no audio.
                if let Resolved::NeedsSpeech(speech) =
                    sound::resolve(&self.snapshot.prompts, &self.rendered, &sounds)
                {
                    if self.rendered.len() >= RENDERED_MAX {
                        self.rendered.remove(0);
                    }
                    self.rendered.push((speech, clip));
                }
                let mut events = VecDeque::new();
                self.play(party, playback, sounds, forever, &mut events, context);
                self.feed_all(events, context);
            }
            Err(message) => self.feed(FlowEvent::PlaybackFailed { playback, message }, context),
        }
    }
}
