//! What a leg hears from us, read in pieces of a packet.

use super::{Item, Playlist};
use crate::audio::Codec;
use crate::ids::PlaybackId;

/// A playlist on its way.
pub struct Player {
    /// None for the tones of a key that are passed on to a leg without telephone-events.
    pub id: Option<PlaybackId>,
    playlist: Playlist,
    index: usize,
    /// Samples of the present item that were read.
    offset: u64,
}

impl Player {
    /// `playlist` holds no [`Item::Tone`]: those are clips by now.
    pub fn new(id: Option<PlaybackId>, mut playlist: Playlist) -> Self {
        // What lasts no time and is to last for ever would be searched for ever.
        if playlist.items.iter().all(|item| len(item) == 0) {
            playlist.items.clear();
        }
        Player { id, playlist, index: 0, offset: 0 }
    }

    /// Appends up to `count` samples to `out` and says how many. Fewer than `count` is the end.
    pub fn read(&mut self, codec: Codec, count: usize, out: &mut Vec<u8>) -> usize {
        self.advance(count, |item, offset, take| match item {
            Item::Clip(clip) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                out.extend_from_slice(clip.bytes(codec).get(offset..offset + take).unwrap_or_default());
            }
            Item::Silence(_) | Item::Tone(_) => out.resize(out.len() + take, codec.silence()),
        })
    }

    /// Passes over up to `count` samples that nobody may hear.
    pub fn skip(&mut self, count: usize) -> usize {
        self.advance(count, |_, _, _| {})
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        self.playlist.items.get(self.index..).unwrap_or_default().iter().enumerate().all(|(place, item)| {
            let read = if place == 0 { self.offset } else { 0 };
            len(item) <= read
        }) && !self.loops()
    }

    fn loops(&self) -> bool {
        self.playlist.forever && !self.playlist.items.is_empty()
    }

    fn advance(&mut self, count: usize, mut piece: impl FnMut(&Item, u64, usize)) -> usize {
        let mut done = 0;
        while done < count {
            let Some(item) = self.playlist.items.get(self.index) else {
                if self.loops() {
                    (self.index, self.offset) = (0, 0);
                    continue;
                }
                break;
            };
            let left = len(item).saturating_sub(self.offset);
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(count - done);
            if take > 0 {
                piece(item, self.offset, take);
                done += take;
                self.offset += take as u64;
            } else {
                (self.index, self.offset) = (self.index + 1, 0);
            }
        }
        done
    }
}

/// Samples of an item.
fn len(item: &Item) -> u64 {
    match item {
        Item::Clip(clip) => clip.len() as u64,
        Item::Silence(duration) => u64::try_from(duration.as_micros() / 125).unwrap_or(u64::MAX),
        Item::Tone(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Clip;
    use std::sync::Arc;
    use std::time::Duration;

    fn clip(samples: usize) -> Item {
        Item::Clip(Arc::new(Clip::from_samples(&vec![1_000; samples])))
    }

    fn lengths(items: Vec<Item>, forever: bool, pieces: usize) -> Vec<usize> {
        let mut player = Player::new(None, Playlist { items, forever });
        (0..pieces).map(|_| player.read(Codec::Pcmu, 160, &mut Vec::new())).collect()
    }

    #[test]
    fn items_follow_one_another_without_a_gap_and_a_short_piece_is_the_end() {
        let silence = Item::Silence(Duration::from_millis(10));
        assert_eq!(lengths(vec![clip(100), silence, clip(150)], false, 4), [160, 160, 10, 0]);
    }

    #[test]
    fn a_loop_goes_on_and_what_lasts_no_time_does_not_hang_it() {
        assert_eq!(lengths(vec![clip(100), clip(0)], true, 3), [160, 160, 160]);
        assert_eq!(lengths(vec![clip(0)], true, 2), [0, 0]);
        assert_eq!(lengths(vec![], true, 1), [0]);
    }

    #[test]
    fn it_is_over_with_its_last_sample() {
        let mut player = Player::new(None, Playlist { items: vec![clip(320), clip(0)], forever: false });
        assert_eq!((player.skip(160), player.is_over()), (160, false));
        let mut out = Vec::new();
        assert_eq!((player.read(Codec::Pcma, 160, &mut out), player.is_over()), (160, true));
        assert_eq!(out, [Codec::Pcma.encode(1_000); 160]);
    }
}
