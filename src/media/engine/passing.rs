//! What becomes of a packet for the partner: passed on, translated, or cut anew.

use super::Engine;
use crate::audio::Coding;
use crate::audio::coding::Decoder;
use crate::clock::Instant;
use crate::media::bridge::Heard;
use crate::media::leg::Leg;
use crate::media::player::Player;
use crate::media::receive::Content;
use crate::media::{Item, Output, Playlist};
use crate::rtp::Packet;
use crate::rtp::telephone_event::Sighting;

impl Engine {
    /// Hands a packet to the partner, if there is one that can hear it.
    pub(super) fn pass_on(
        &mut self,
        now: Instant,
        index: usize,
        packet: &Packet<'_>,
        content: Content,
        out: &mut Output,
    ) {
        let Some(partner) = self.legs.get(index).and_then(|leg| leg.partner) else { return };
        if partner == index {
            return self.echo(now, index, packet, content, out);
        }
        let Ok([from, to]) = self.legs.get_disjoint_mut([index, partner]) else { return };
        let cutting = from.ear.as_ref().is_some_and(|ear| ear.cutting.is_some());
        match content {
            Content::ComfortNoise => {}
            Content::Audio(_) if !to.hears_partner() => {
                to.forget_partner_numbers();
                if let Some(ear) = &mut from.ear {
                    ear.cutter.restart();
                }
            }
            Content::Audio(coding) => {
                let heard = Heard::Law(coding.law());
                let samples = to.packet_samples();
                let fits = packet.payload.len() == samples;
                if cutting && from.ear.as_mut().is_some_and(|ear| ear.is_steady(fits)) {
                    to.forget_partner_numbers();
                    to.relay_audio(now, packet, heard, &mut self.shared.grid, out);
                    self.stop_cutting(index);
                } else if !cutting && fits {
                    to.relay_audio(now, packet, heard, &mut self.shared.grid, out);
                } else if !cutting && let Some(ear) = self.ear(index) {
                    ear.cutting = Some(samples);
                }
            }
            Content::Event(event, sighting) => {
                if to.config.telephone_event_send.is_some() {
                    if to.hears_partner() {
                        to.relay_event(now, packet, event, cutting, &mut self.shared.grid, out);
                    }
                } else if let Sighting::Key(digit) = sighting
                    && let Some(clip) = self.shared.tones.key(digit)
                {
                    let list = Playlist { items: vec![Item::Clip(clip)], forever: false };
                    to.play(now, Player::new(None, list), &mut self.shared, out);
                    self.wake_at_due(now, partner);
                }
            }
        }
    }

    /// Takes a packet that is not G.711: a partner that sends the same gets it as it came; whoever has to understand it gets
    /// it as G.711.
    pub(super) fn take_coded(
        &mut self,
        now: Instant,
        index: usize,
        packet: &Packet<'_>,
        coding: Coding,
        out: &mut Output,
    ) {
        let Some(samples) = coding.samples(packet.payload) else { return };
        let passed = self.pass_as_it_came(now, index, packet, coding, samples, out);
        let Some(leg) = self.legs.get_mut(index) else { return };
        if passed && leg.ear.is_none() {
            return;
        }
        if leg.decoder.as_ref().is_none_or(|decoder| decoder.coding() != coding) {
            leg.decoder = Decoder::new(coding);
        }
        let mut converted = std::mem::take(&mut self.converted);
        converted.clear();
        if leg.decoder.as_mut().is_some_and(|decoder| decoder.decode(packet.payload, &mut converted)) {
            let packet = Packet { payload: &converted, ..*packet };
            let content = Content::Audio(coding);
            if !passed {
                self.pass_on(now, index, &packet, content, out);
            }
            self.decode(now, index, &packet, content, out);
        } else {
            leg.totals.packets_bad += 1;
        }
        self.converted = converted;
    }

    /// True where the partner hears the packet without its being understood here.
    fn pass_as_it_came(
        &mut self,
        now: Instant,
        index: usize,
        packet: &Packet<'_>,
        coding: Coding,
        samples: usize,
        out: &mut Output,
    ) -> bool {
        let is_cutting = |leg: &Leg| leg.ear.as_ref().is_some_and(|ear| ear.cutting.is_some());
        let Some(leg) = self.legs.get(index).filter(|leg| !is_cutting(leg)) else { return false };
        let Some(partner) = leg.partner else { return false };
        let is_echo = partner == index;
        let Some(to) = self.legs.get_mut(partner).filter(|to| {
            let fits = is_echo || to.packet_samples() == samples;
            fits && to.config.coding == coding && to.hears_partner()
        }) else {
            return false;
        };
        to.relay_audio(now, packet, Heard::AsSent { samples }, &mut self.shared.grid, out);
        true
    }

    /// Sends a packet of a leg that is bridged with itself back to where it came from, whatever its length.
    fn echo(&mut self, now: Instant, index: usize, packet: &Packet<'_>, content: Content, out: &mut Output) {
        let Some(leg) = self.legs.get_mut(index).filter(|leg| leg.hears_partner()) else { return };
        match content {
            Content::Audio(coding) => {
                leg.relay_audio(now, packet, Heard::Law(coding.law()), &mut self.shared.grid, out);
            }
            Content::Event(event, _) => {
                leg.relay_event(now, packet, event, false, &mut self.shared.grid, out)
            }
            Content::ComfortNoise => {}
        }
    }
}
