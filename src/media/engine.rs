//! All legs of one media thread: the door of this room.

mod passing;

use super::ear::{Decoding, Ear};
use super::grid::Grid;
use super::leg::{Leg, Shared, Voice};
use super::player::Player;
use super::press::Press;
use super::receive::{Content, SECURE_MAX};
use super::tones::Tones;
use super::wheel::Wheel;
use super::{
    Capture, Channel, Command, DigitSource, Event, Figures, Identity, Item, LegConfig, Output, Playlist,
    Recording, Statistics,
};
use crate::audio::coding::LONGEST_PACKET;
use crate::audio::dtmf_detector::Detected;
use crate::clock::Instant;
use crate::ids::{LegId, PlaybackId, PortId, Random};
use crate::rtp::Packet;
use crate::rtp::reception::Reception;
use crate::rtp::telephone_event::KEYS;
use slab::Slab;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Port ids are small numbers, so a table finds the leg. There are no more ports than this on a host's address.
const MAX_PORT: usize = 65_536;
/// Ears kept for the next leg: the working set of a busy thread, 0.5 MiB.
const SPARE_EARS: usize = 64;

/// Limits of one engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EngineConfig {
    /// Legs at once; an [`Command::Open`] above it is answered by [`Event::Closed`].
    pub max_legs: usize,
}

/// What is alive in an engine. All zero when every leg is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub legs: usize,
    pub playbacks: usize,
    /// Pairs of legs.
    pub bridges: usize,
    pub timers: usize,
}

/// All legs of one media thread.
pub struct Engine {
    config: EngineConfig,
    legs: Slab<Leg>,
    by_id: HashMap<LegId, usize>,
    /// Index of the leg that has the port.
    by_port: Vec<Option<u32>>,
    wheel: Wheel,
    shared: Shared,
    /// What handshakes are made with; without it there are none.
    identity: Option<Arc<Identity>>,
    spare_ears: Vec<Box<Ear>>,
    /// Where packets of protected legs are opened.
    opened: Vec<u8>,
    /// Where packets that are not G.711 become that.
    converted: Vec<u8>,
}

impl Engine {
    pub fn new(config: EngineConfig, random: Random) -> Self {
        Engine {
            config,
            legs: Slab::new(),
            by_id: HashMap::new(),
            by_port: Vec::new(),
            wheel: Wheel::new(),
            shared: Shared { random, grid: Grid::default(), tones: Tones::new(), captures: 0 },
            identity: None,
            spare_ears: Vec::new(),
            opened: Vec::with_capacity(SECURE_MAX),
            converted: Vec::with_capacity(LONGEST_PACKET),
        }
    }

    /// With what handshakes are made.
    pub fn set_identity(&mut self, identity: Arc<Identity>) {
        self.identity = Some(identity);
    }

    /// Does what the signalling thread says. A command for a leg that is gone does nothing.
    pub fn command(&mut self, now: Instant, command: Command, out: &mut Output) {
        let first = out.transmits.len();
        match command {
            Command::Open { leg, port, config } => self.open(now, leg, port, config, out),
            Command::Update { leg, config } => self.update(now, leg, config, out),
            Command::Close { leg } => self.close(now, leg, out),
            Command::Play { leg, playback, playlist } => self.play(now, leg, playback, playlist, out),
            Command::Stop { leg, playback } => self.stop(leg, playback),
            Command::Press { leg, playback, keys } => self.press(now, leg, playback, keys, out),
            Command::Record { leg, recording } => self.record(now, leg, recording, out),
            Command::Listen { leg, in_band } => self.listen(now, leg, in_band, out),
            Command::InfoDigit { leg, digit, duration } => {
                self.info_digit(now, leg, digit, duration, out);
            }
            Command::Bridge { a, b } => self.bridge(now, a, b),
            Command::Unbridge { leg } => {
                if let Some(&index) = self.by_id.get(&leg) {
                    self.unbridge(now, index, out);
                }
            }
            Command::Capture { leg, capture } => self.capture(leg, capture, out),
            Command::EndCapture { leg } => {
                if let Some(leg) = self.by_id.get(&leg).and_then(|&index| self.legs.get_mut(index)) {
                    leg.end_capture(&mut self.shared, out);
                }
            }
        }
        self.note_sent(now, first, out);
    }

    /// A datagram that came from `source` to `port`.
    pub fn packet(
        &mut self,
        now: Instant,
        port: PortId,
        channel: Channel,
        source: SocketAddr,
        bytes: &[u8],
        out: &mut Output,
    ) {
        let index = usize::try_from(port.0).ok().and_then(|number| *self.by_port.get(number)?);
        let Some(index) = index.map(|index| index as usize) else { return };
        let Some(leg) = self.legs.get_mut(index) else { return };
        let first = out.transmits.len();
        if let Some(capture) = &mut leg.capture {
            capture.note(now, false, channel, source, bytes);
        }
        let mut opened = std::mem::take(&mut self.opened);
        let sorted = leg.sort(now, channel, source, bytes, self.identity.as_deref(), out);
        let content = sorted.and_then(|channel| Some((channel, leg.open(channel, bytes, &mut opened)?)));
        if content.is_some() {
            leg.confirm(now, source);
        }
        match content {
            None => {}
            Some((Channel::Rtcp, bytes)) => leg.receive_rtcp(now, source, bytes),
            Some((Channel::Rtp, bytes)) => match leg.receive_rtp(now, source, bytes, out) {
                Some((packet, Content::Audio(coding))) if !coding.is_law() => {
                    self.take_coded(now, index, &packet, coding, out);
                }
                Some((packet, content)) => {
                    self.pass_on(now, index, &packet, content, out);
                    self.decode(now, index, &packet, content, out);
                }
                None => {}
            },
        }
        self.opened = opened;
        self.wake_at_due(now, index);
        self.note_sent(now, first, out);
    }

    /// Does all that is due at `now`.
    pub fn tick(&mut self, now: Instant, out: &mut Output) {
        let first = out.transmits.len();
        while let Some(index) = self.wheel.pop(now) {
            self.serve(now, index, out);
        }
        self.note_sent(now, first, out);
    }

    /// When [`Engine::tick`] wants to be called next. O(1).
    pub fn next_timeout(&self) -> Option<Instant> {
        self.wheel.next()
    }

    pub fn counts(&self) -> Counts {
        let playbacks = self.legs.iter().filter(|(_, leg)| leg.playback.is_some()).count();
        let bridged =
            self.legs.iter().filter(|(index, leg)| leg.partner.is_some_and(|p| p != *index)).count();
        Counts { legs: self.legs.len(), playbacks, bridges: bridged / 2, timers: self.wheel.len() }
    }

    /// Totals of a leg up to now.
    pub fn statistics(&self, leg: LegId) -> Option<Statistics> {
        self.legs.get(*self.by_id.get(&leg)?).map(Leg::statistics)
    }

    /// How a leg's audio is now.
    pub fn figures(&self, now: Instant, leg: LegId) -> Option<Figures> {
        self.legs.get(*self.by_id.get(&leg)?).map(|leg| leg.figures(now))
    }

    fn open(&mut self, now: Instant, id: LegId, port: PortId, config: LegConfig, out: &mut Output) {
        let number = usize::try_from(port.0).unwrap_or(usize::MAX);
        let taken = self.by_port.get(number).is_some_and(Option::is_some) || self.by_id.contains_key(&id);
        if taken || number >= MAX_PORT || self.legs.len() >= self.config.max_legs {
            out.events.push(Event::Closed { leg: id, port, statistics: Statistics::default() });
            return;
        }
        if self.by_port.len() <= number {
            self.by_port.resize(number + 1, None);
        }
        let mut leg = Leg::new(now, id, port, config, &mut self.shared);
        leg.open_handshake(now, self.identity.as_deref(), out);
        let index = self.legs.insert(leg);
        self.by_id.insert(id, index);
        self.by_port[number] = u32::try_from(index).ok();
        self.wake_at_due(now, index);
    }

    fn update(&mut self, now: Instant, id: LegId, config: LegConfig, out: &mut Output) {
        let Some(&index) = self.by_id.get(&id) else { return };
        let Some(leg) = self.legs.get_mut(index) else { return };
        leg.update(now, config);
        leg.open_handshake(now, self.identity.as_deref(), out);
        let partner = leg.partner;
        self.stop_cutting(index);
        if let Some(partner) = partner {
            self.stop_cutting(partner);
        }
        self.wake_at_due(now, index);
    }

    fn close(&mut self, now: Instant, id: LegId, out: &mut Output) {
        let Some(index) = self.by_id.remove(&id) else { return };
        self.unbridge(now, index, out);
        let Some(mut leg) = self.legs.try_remove(index) else { return };
        self.wheel.remove(index);
        if let Some(place) = usize::try_from(leg.port.0).ok().and_then(|number| self.by_port.get_mut(number))
        {
            *place = None;
        }
        if let Voice::Own { phase, .. } = leg.voice {
            self.shared.grid.leave(phase);
        }
        if let Some(mut ear) = leg.ear.take() {
            let recording = ear.take_recording(Instant::FAR);
            out.events.extend(recording.map(|recording| Event::Recorded { leg: id, recording }));
            self.put_away(ear);
        }
        let first = out.transmits.len();
        leg.send_report(now, true, out);
        if let Some(capture) = &mut leg.capture {
            for sent in &out.transmits[first..] {
                capture.note(now, true, sent.channel, sent.destination, out.packet(sent));
            }
        }
        leg.end_capture(&mut self.shared, out);
        out.events.push(Event::Closed { leg: id, port: leg.port, statistics: leg.statistics() });
    }

    /// Notes the leg's packets from now on. Where there is no such leg, or it is done already, the room comes back.
    fn capture(&mut self, id: LegId, capture: Box<Capture>, out: &mut Output) {
        let leg = self.by_id.get(&id).and_then(|&index| self.legs.get_mut(index));
        match leg {
            Some(leg) if leg.capture.is_none() => {
                leg.capture = Some(capture);
                self.shared.captures += 1;
            }
            _ => out.events.push(Event::Captured { leg: id, capture }),
        }
    }

    /// Notes what was put out from `first` on, where anybody asked for it.
    fn note_sent(&mut self, now: Instant, first: usize, out: &Output) {
        if self.shared.captures == 0 {
            return;
        }
        for sent in out.transmits.iter().skip(first) {
            let place = usize::try_from(sent.port.0).ok().and_then(|number| *self.by_port.get(number)?);
            let leg = place.and_then(|index| self.legs.get_mut(index as usize));
            if let Some(capture) = leg.and_then(|leg| leg.capture.as_mut()) {
                capture.note(now, true, sent.channel, sent.destination, out.packet(sent));
            }
        }
    }

    fn play(&mut self, now: Instant, id: LegId, playback: PlaybackId, mut list: Playlist, out: &mut Output) {
        let Some(&index) = self.by_id.get(&id) else { return };
        let Some(leg) = self.legs.get_mut(index) else { return };
        for item in &mut list.items {
            if let Item::Tone(tone) = item {
                *item = Item::Clip(self.shared.tones.clip(*tone));
            }
        }
        leg.play(now, Player::new(Some(playback), list), &mut self.shared, out);
        self.serve(now, index, out);
    }

    fn press(&mut self, now: Instant, id: LegId, playback: PlaybackId, keys: Arc<str>, out: &mut Output) {
        let Some(&index) = self.by_id.get(&id) else { return };
        let Some(leg) = self.legs.get_mut(index) else { return };
        if leg.config.telephone_event_send.is_none() {
            let clips = keys.chars().filter_map(|key| self.shared.tones.key(key));
            let list = Playlist { items: clips.map(Item::Clip).collect(), forever: false };
            return self.play(now, id, playback, list, out);
        }
        leg.press(now, Press::new(playback, keys), &mut self.shared);
        self.serve(now, index, out);
    }

    /// Keeps what the leg hears. Where there is no such leg the room comes back, as does that of a recording before.
    fn record(&mut self, now: Instant, id: LegId, recording: Box<Recording>, out: &mut Output) {
        let index = self.by_id.get(&id).copied();
        let back = match index.and_then(|index| self.ear(index)) {
            Some(ear) => ear.record(recording),
            None => Some(recording),
        };
        out.events.extend(back.map(|recording| Event::Recorded { leg: id, recording }));
        if let Some(index) = index {
            self.wake_at_due(now, index);
        }
    }

    fn stop(&mut self, id: LegId, playback: PlaybackId) {
        if let Some(leg) = self.by_id.get(&id).and_then(|&index| self.legs.get_mut(index))
            && leg.playback.as_ref().is_some_and(|playing| playing.id() == Some(playback))
        {
            leg.playback = None;
        }
    }

    fn listen(&mut self, now: Instant, id: LegId, in_band: bool, out: &mut Output) {
        let Some(&index) = self.by_id.get(&id) else { return };
        if in_band {
            if let Some(ear) = self.ear(index) {
                ear.listening = true;
            }
            let Some(leg) = self.legs.get_mut(index) else { return };
            if matches!(leg.voice, Voice::Quiet) {
                leg.speak(now, &mut self.shared);
            }
        } else {
            if let Some(ear) = self.legs.get_mut(index).and_then(|leg| leg.ear.as_mut()) {
                ear.listening = false;
            }
            self.put_away_idle_ear(index);
        }
        self.serve(now, index, out);
    }

    fn info_digit(&mut self, now: Instant, id: LegId, digit: char, duration: Duration, out: &mut Output) {
        let Some(leg) = self.by_id.get(&id).and_then(|&index| self.legs.get_mut(index)) else { return };
        let digit = digit.to_ascii_uppercase();
        if KEYS.contains(digit) {
            // It was pressed before it was told of; a peer may claim any length, ten seconds are believed.
            let pressed = duration.min(Duration::from_secs(10)).as_micros() as u64;
            let from = Instant::from_micros(now.as_micros().saturating_sub(pressed));
            leg.see_key(now, digit, DigitSource::Info, from, out);
        }
    }

    fn bridge(&mut self, now: Instant, a: LegId, b: LegId) {
        let (Some(&first), Some(&second)) = (self.by_id.get(&a), self.by_id.get(&b)) else { return };
        for (index, partner) in [(first, second), (second, first)] {
            self.part(index);
            if let Some(leg) = self.legs.get_mut(index) {
                leg.partner = Some(partner);
                leg.playback = None;
                leg.await_partner(now);
            }
            self.wake_at_due(now, index);
        }
    }

    /// Parts a leg from its partner; both go on with silence of their own.
    fn unbridge(&mut self, now: Instant, index: usize, out: &mut Output) {
        let Some(partner) = self.part(index) else { return };
        for index in [index, partner] {
            if let Some(leg) = self.legs.get_mut(index) {
                leg.speak(now, &mut self.shared);
            }
            self.serve(now, index, out);
        }
    }

    /// Undoes a bridge and says who the partner was.
    fn part(&mut self, index: usize) -> Option<usize> {
        let partner = self.legs.get(index)?.partner;
        let partner =
            partner.filter(|&partner| self.legs.get(partner).is_some_and(|leg| leg.partner == Some(index)));
        for index in [Some(index), partner].into_iter().flatten() {
            self.stop_cutting(index);
            if let Some(leg) = self.legs.get_mut(index) {
                leg.partner = None;
                leg.forget_partner_numbers();
            }
        }
        partner
    }

    /// Hands a packet to the leg's ear, if it has one, and what the ear made of it to the partner.
    fn decode(
        &mut self,
        now: Instant,
        index: usize,
        packet: &Packet<'_>,
        content: Content,
        out: &mut Output,
    ) {
        let audio = matches!(content, Content::Audio(_));
        self.hear(now, index, out, |ear, decoding, found| ear.push(now, packet, audio, decoding, found));
    }

    /// Gives up packets that the leg's ear has waited for long enough.
    fn expire(&mut self, now: Instant, index: usize, out: &mut Output) {
        self.hear(now, index, out, |ear, decoding, found| ear.expire(now, decoding, found));
    }

    fn hear(
        &mut self,
        now: Instant,
        index: usize,
        out: &mut Output,
        act: impl FnOnce(&mut Ear, Decoding<'_>, &mut dyn FnMut(Detected)),
    ) {
        let Some(leg) = self.legs.get_mut(index) else { return };
        // Taken out while it works, because the keys it finds are noted on the leg.
        let Some(mut ear) = leg.ear.take() else { return };
        let partner = leg.partner;
        let coding = partner.and_then(|partner| self.legs.get(partner)).map(|partner| partner.config.coding);
        let Some(leg) = self.legs.get_mut(index) else { return };
        let receive = std::mem::take(&mut leg.config.receive);
        let decoding = Decoding { codings: &receive, partner: coding.unwrap_or(leg.config.coding).law() };
        act(&mut ear, decoding, &mut |found: Detected| {
            let heard = u64::from(found.duration_samples) * 125;
            let from = Instant::from_micros(now.as_micros().saturating_sub(heard));
            leg.see_key(now, found.digit, DigitSource::InBand, from, out);
        });
        leg.config.receive = receive;
        let ssrc = leg.reception.as_ref().map_or(0, Reception::ssrc);
        if let Some(samples) = ear.cutting
            && let Some(to) = partner.and_then(|partner| self.legs.get_mut(partner))
        {
            let grid = &mut self.shared.grid;
            while ear.cutter.cut(now, samples, ssrc, |restarted, packet| {
                if to.hears_partner() {
                    to.relay_cut(now, packet, restarted, grid, out);
                }
            }) {}
        }
        let recording = ear.take_recording(now);
        let is_recorded = recording.is_some();
        if let Some(leg) = self.legs.get_mut(index) {
            out.events.extend(recording.map(|recording| Event::Recorded { leg: leg.id, recording }));
            leg.ear = Some(ear);
        }
        if is_recorded {
            self.put_away_idle_ear(index);
        }
    }

    /// The leg's ear; it gets one where it has none.
    fn ear(&mut self, index: usize) -> Option<&mut Ear> {
        let leg = self.legs.get_mut(index)?;
        let spare = &mut self.spare_ears;
        Some(leg.ear.get_or_insert_with(|| spare.pop().unwrap_or_else(|| Box::new(Ear::new()))))
    }

    fn stop_cutting(&mut self, index: usize) {
        if let Some(ear) = self.legs.get_mut(index).and_then(|leg| leg.ear.as_mut()) {
            ear.stop_cutting();
        }
        self.put_away_idle_ear(index);
    }

    fn put_away_idle_ear(&mut self, index: usize) {
        let Some(leg) = self.legs.get_mut(index) else { return };
        if let Some(ear) = leg.ear.take_if(|ear| ear.is_idle()) {
            self.put_away(ear);
        }
    }

    fn put_away(&mut self, mut ear: Box<Ear>) {
        if self.spare_ears.len() < SPARE_EARS {
            ear.reset();
            self.spare_ears.push(ear);
        }
    }

    /// Does what is due for one leg, and sets its timer.
    fn serve(&mut self, now: Instant, index: usize, out: &mut Output) {
        if let Some(leg) = self.legs.get_mut(index) {
            leg.on_time(now, &mut self.shared, out);
            self.expire(now, index, out);
            if let Some(leg) = self.legs.get(index) {
                self.wheel.set(now, index, leg.due());
            }
        }
    }

    fn wake_at_due(&mut self, now: Instant, index: usize) {
        if let Some(leg) = self.legs.get(index) {
            self.wheel.set_at_most(now, index, leg.due());
        }
    }
}

#[cfg(test)]
mod tests;
