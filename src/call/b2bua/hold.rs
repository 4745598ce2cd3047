//! Hold: who put the call on hold hears nothing, and the other one hears music until it is taken back.
//!
//! Invariant: music plays to a party exactly while it is joined with one that has put it on hold.

use super::{Call, Context};
use crate::call::sound::{self, Resolved};
use crate::flow::{DialId, Party, Sound};
use crate::ids::PlaybackId;
use crate::media::{Command, Playlist};

/// The flow counts its playbacks from 1; those of holds stand far away from them.
const FIRST_PLAYBACK: u64 = 1 << 48;

/// Who is joined with the caller, and to whom music plays.
#[derive(Default)]
pub(super) struct Hold {
    joined: Option<DialId>,
    music: Vec<(Party, PlaybackId)>,
    playbacks: u64,
}

impl Hold {
    /// Who talks with the caller.
    pub fn joined_with(&self) -> Option<DialId> {
        self.joined
    }

    pub fn is_joined(&self, dial: DialId) -> bool {
        self.joined == Some(dial)
    }

    /// Something else plays to that party.
    pub fn music_ended(&mut self, party: Party) {
        self.music.retain(|(other, _)| *other != party);
    }
}

impl Call {
    /// The caller and a dialled leg hear each other from now on.
    pub(super) fn joined(&mut self, dial: DialId, context: &mut Context<'_>) {
        // A bridge ends what played on both.
        self.hold.music.clear();
        self.early_media_became_talk();
        self.hold.joined = Some(dial);
        self.follow_hold(context);
    }

    /// A leg is closed; where it was joined with the caller nobody is on hold any more.
    pub(super) fn parted(&mut self, dial: DialId, context: &mut Context<'_>) {
        if self.hold.joined == Some(dial) {
            self.hold.joined = None;
            self.follow_hold(context);
        }
    }

    /// Begins and ends music as the descriptions of both parties say.
    pub(super) fn follow_hold(&mut self, context: &mut Context<'_>) {
        let dialled = self.hold.joined.map(Party::Dialled);
        for (held, holder) in [(Some(Party::Caller), dialled), (dialled, Some(Party::Caller))] {
            let Some(held) = held else { continue };
            let is_held = holder.and_then(|holder| self.media(holder)).is_some_and(|media| media.is_held());
            let playing = self.hold.music.iter().position(|(party, _)| *party == held);
            match playing {
                None if is_held => self.play_music(held, context),
                Some(index) if !is_held => {
                    let (_, playback) = self.hold.music.remove(index);
                    self.command(held, context, |leg| Command::Stop { leg, playback });
                }
                _ => {}
            }
        }
        self.hold.music.retain(|(party, _)| *party == Party::Caller || Some(*party) == dialled);
    }

    fn play_music(&mut self, party: Party, context: &mut Context<'_>) {
        let items = match sound::resolve(&self.snapshot.prompts, &[], &[Sound::Music]) {
            Resolved::Ready(items) => items,
            // Without music there is silence, which keeps the stream open.
            Resolved::NeedsSpeech(_) | Resolved::Missing(_) => return,
        };
        self.hold.playbacks += 1;
        let playback = PlaybackId(FIRST_PLAYBACK + self.hold.playbacks);
        self.hold.music.push((party, playback));
        let playlist = Playlist { items, forever: true };
        self.command(party, context, |leg| Command::Play { leg, playback, playlist });
    }
}
