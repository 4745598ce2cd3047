//! A partner's packets on their way out of a leg.

use super::{Leg, PARTNER_SILENT, Voice, at_clock};
use crate::clock::Instant;
use crate::media::Output;
use crate::media::bridge::{Anchor, Heard, Run};
use crate::media::grid::Grid;
use crate::media::sender::Numbers;
use crate::rtp::Packet;
use crate::rtp::telephone_event::TelephoneEvent;

impl Leg {
    /// Readies the stream for the partner's packet and says how its numbers become ours.
    fn anchor(&mut self, now: Instant, packet: &Packet<'_>, grid: &mut Grid, fits: bool) -> Anchor {
        if let Voice::Relayed { anchor: Some(anchor), .. } = &self.voice
            && fits
        {
            return *anchor;
        }
        self.sender.change_source(now);
        let anchor = Anchor::new(&self.sender, packet.ssrc, packet.sequence, packet.timestamp);
        if let Voice::Own { phase, .. } = self.voice {
            grid.leave(phase);
        }
        let check = match self.voice {
            Voice::Relayed { check, .. } => check,
            _ => now + PARTNER_SILENT,
        };
        self.voice = Voice::Relayed { anchor: Some(anchor), check };
        anchor
    }

    fn keep(&mut self, kept: Anchor) {
        if let Voice::Relayed { anchor, .. } = &mut self.voice {
            *anchor = Some(kept);
        }
    }

    fn run_of(&mut self, packet: &Packet<'_>) -> Run {
        match &mut self.voice {
            Voice::Relayed { anchor: Some(anchor), .. } => anchor.run_of(packet),
            _ => Run::New,
        }
    }

    /// Sends a packet of the partner's audio.
    pub fn relay_audio(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        heard: Heard,
        grid: &mut Grid,
        out: &mut Output,
    ) {
        let Some(route) = self.route() else { return self.forget_partner_numbers() };
        let run = self.run_of(packet);
        if run == Run::Unclear {
            return;
        }
        let mut anchor = self.anchor(now, packet, grid, run == Run::Same);
        let sequence = anchor.sequence(packet.sequence);
        self.keep(anchor);
        let Some(sequence) = sequence else { return };
        let to = self.config.coding.law();
        let numbers = Numbers {
            sequence,
            timestamp: anchor.timestamp(packet.timestamp),
            marker: packet.marker,
            payload_type: self.config.payload_type,
            samples: if let Heard::AsSent { samples } = heard { samples } else { packet.payload.len() },
        };
        let encoder = &mut self.encoder;
        self.sender.send(now, out, route, numbers, |bytes| match (heard, encoder) {
            (Heard::AsSent { .. }, _) => bytes.extend_from_slice(packet.payload),
            (Heard::Law(law), Some(encoder)) => encoder.encode(law, packet.payload, bytes),
            (Heard::Law(law), None) => law.convert_onto(to, packet.payload, bytes),
        });
    }

    /// Sends the packet of a key. `own_numbers` where the audio around it is cut anew, so that the partner's
    /// sequence numbers say nothing. Does nothing where the peer takes no telephone-events.
    pub fn relay_event(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        event: TelephoneEvent,
        own_numbers: bool,
        grid: &mut Grid,
        out: &mut Output,
    ) {
        let Some(payload_type) = self.config.telephone_event_send else { return };
        let Some(route) = self.route() else { return self.forget_partner_numbers() };
        let run = match &self.voice {
            Voice::Relayed { anchor: Some(anchor), .. } if own_numbers && anchor.is_from(packet.ssrc) => {
                Run::Same
            }
            _ if own_numbers => Run::New,
            _ => self.run_of(packet),
        };
        if run == Run::Unclear {
            return;
        }
        let mut anchor = self.anchor(now, packet, grid, run == Run::Same);
        let sequence =
            if own_numbers { Some(self.sender.next_sequence()) } else { anchor.sequence(packet.sequence) };
        self.keep(anchor);
        let Some(sequence) = sequence else { return };
        let numbers = Numbers {
            sequence,
            timestamp: anchor.timestamp(packet.timestamp),
            marker: packet.marker,
            payload_type,
            // All packets of an event bear the time of its start; the audio after it bears the time it took.
            samples: 0,
        };
        let event = at_clock(event, self.config.telephone_event_scale);
        self.sender.send(now, out, route, numbers, |bytes| bytes.extend_from_slice(&event.bytes()));
    }

    /// Sends a packet cut from the partner's audio: in our codec, under the partner's SSRC and timestamp.
    /// `restarted` where those timestamps began anew.
    pub fn relay_cut(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        restarted: bool,
        grid: &mut Grid,
        out: &mut Output,
    ) {
        let Some(route) = self.route() else { return self.forget_partner_numbers() };
        let fits = matches!(&self.voice, Voice::Relayed { anchor: Some(anchor), .. }
            if !restarted && anchor.is_from(packet.ssrc));
        let anchor = self.anchor(now, packet, grid, fits);
        let numbers = Numbers {
            sequence: self.sender.next_sequence(),
            timestamp: anchor.timestamp(packet.timestamp),
            marker: false,
            payload_type: self.config.payload_type,
            samples: packet.payload.len(),
        };
        let (law, encoder) = (self.config.coding.law(), &mut self.encoder);
        self.sender.send(now, out, route, numbers, |bytes| match encoder {
            Some(encoder) => encoder.encode(law, packet.payload, bytes),
            None => bytes.extend_from_slice(packet.payload),
        });
    }
}
