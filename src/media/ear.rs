//! Where a leg's audio is decoded: in order, for the detector of keys and for packets to be cut anew.
//! Only legs that need it have one; engines keep them for the next leg.

use super::bridge::Cutter;
use super::recording::Recording;
use crate::audio::dtmf_detector::{Detected, DtmfDetector};
use crate::audio::{Codec, Coding};
use crate::clock::Instant;
use crate::rtp::Packet;
use crate::rtp::jitter_buffer::{Frame, JitterBuffer};

/// Packets in a row that fit before cutting ends: 2 s of the common 20 ms.
const STEADY: u8 = 100;

/// The decoding half of a leg.
pub struct Ear {
    jitter: JitterBuffer,
    detector: DtmfDetector,
    pub cutter: Cutter,
    /// Keys are looked for.
    pub listening: bool,
    /// The partner needs packets of so many samples, another length than the peer's.
    pub cutting: Option<usize>,
    /// Packets in a row that need no cutting.
    fitting: u8,
    /// While what is heard is kept.
    recording: Option<Box<Recording>>,
}

/// What the frames are for.
#[derive(Clone, Copy)]
pub struct Decoding<'a> {
    /// What the peer may send, by payload type.
    pub codings: &'a [(u8, Coding)],
    /// What the partner hears.
    pub partner: Codec,
}

impl Decoding<'_> {
    /// How the payload of that type is coded by now.
    fn law(&self, payload_type: u8) -> Option<Codec> {
        let known = self.codings.iter().find(|(number, _)| *number == payload_type);
        known.map(|(_, coding)| coding.law())
    }
}

impl Ear {
    pub fn new() -> Self {
        Ear {
            jitter: JitterBuffer::default(),
            detector: DtmfDetector::new(),
            cutter: Cutter::new(),
            listening: false,
            cutting: None,
            fitting: 0,
            recording: None,
        }
    }

    /// As new, for another leg.
    pub fn reset(&mut self) {
        self.jitter = JitterBuffer::default();
        self.detector.reset();
        self.listening = false;
        self.recording = None;
        self.stop_cutting();
    }

    pub fn is_idle(&self) -> bool {
        !self.listening && self.cutting.is_none() && self.recording.is_none()
    }

    /// Keeps what is heard from now on, and gives back what was kept before.
    pub fn record(&mut self, recording: Box<Recording>) -> Option<Box<Recording>> {
        self.recording.replace(recording)
    }

    /// What was kept, where its time is over.
    pub fn take_recording(&mut self, now: Instant) -> Option<Box<Recording>> {
        self.recording.take_if(|recording| recording.until <= now)
    }

    /// A packet came; `audio` is false for an event and for comfort noise, whose number must not be missed.
    pub fn push(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        audio: bool,
        decoding: Decoding<'_>,
        found: &mut dyn FnMut(Detected),
    ) {
        let payload_type = audio.then_some(packet.payload_type);
        let (jitter, mut listeners) = self.listeners();
        jitter.push(now, packet.sequence, packet.timestamp, payload_type, packet.payload, &mut |frame| {
            listeners.hear(now, frame, decoding, found);
        });
    }

    /// Gives up what has been waited for long enough.
    pub fn expire(&mut self, now: Instant, decoding: Decoding<'_>, found: &mut dyn FnMut(Detected)) {
        let (jitter, mut listeners) = self.listeners();
        jitter.expire(now, &mut |frame| listeners.hear(now, frame, decoding, found));
    }

    /// The buffer, and who hears what comes out of it.
    fn listeners(&mut self) -> (&mut JitterBuffer, Listeners<'_>) {
        let listeners = Listeners {
            detector: self.listening.then_some(&mut self.detector),
            cutter: self.cutting.is_some().then_some(&mut self.cutter),
            recording: self.recording.as_deref_mut(),
        };
        (&mut self.jitter, listeners)
    }

    /// When [`Ear::expire`] has something to do, a packet is ready to be cut, or a recording is over.
    pub fn deadline(&self) -> Option<Instant> {
        let cut = self.cutting.and_then(|samples| self.cutter.due(samples));
        let recording = self.recording.as_ref().map(|recording| recording.until);
        [self.jitter.deadline(), cut, recording].into_iter().flatten().min()
    }

    /// Whether packets have fitted for so long that cutting can end: an odd one at the end of a talkspurt is no
    /// reason to cut for the rest of the call.
    pub fn is_steady(&mut self, fits: bool) -> bool {
        self.fitting = if fits { self.fitting.saturating_add(1) } else { 0 };
        self.fitting >= STEADY
    }

    /// Stops cutting; what is left of it is forgotten.
    pub fn stop_cutting(&mut self) {
        (self.cutting, self.fitting) = (None, 0);
        self.cutter.restart();
    }
}

/// Who hears a frame. A frame is decoded once for all of them.
struct Listeners<'a> {
    detector: Option<&'a mut DtmfDetector>,
    cutter: Option<&'a mut Cutter>,
    recording: Option<&'a mut Recording>,
}

impl Listeners<'_> {
    fn hear(
        &mut self,
        now: Instant,
        frame: Frame<'_>,
        decoding: Decoding<'_>,
        found: &mut dyn FnMut(Detected),
    ) {
        match frame {
            Frame::Audio { payload_type, timestamp, payload } => {
                let Some(codec) = decoding.law(payload_type) else { return };
                for (place, bytes) in payload.chunks(160).enumerate() {
                    let timestamp = timestamp.wrapping_add(place as u32 * 160);
                    let mut samples = [0i16; 160];
                    let count = codec.decode_into(bytes, &mut samples);
                    self.samples(now, timestamp, &mut samples[..count], decoding.partner, found);
                }
            }
            Frame::Lost { samples } => {
                if let Some(detector) = &mut self.detector {
                    detector.lost(samples as usize);
                }
                if let Some(cutter) = &mut self.cutter {
                    cutter.lost(samples, decoding.partner);
                }
            }
            Frame::Restart => self.restart(),
        }
    }

    /// The cutter comes last: it changes the samples.
    fn samples(
        &mut self,
        now: Instant,
        timestamp: u32,
        samples: &mut [i16],
        partner: Codec,
        found: &mut dyn FnMut(Detected),
    ) {
        if let Some(recording) = &mut self.recording {
            recording.take(now, timestamp, samples);
        }
        if let Some(detector) = &mut self.detector {
            detector.push(samples, &mut |detected| found(detected));
        }
        if let Some(cutter) = &mut self.cutter {
            cutter.heard(timestamp, samples, partner);
        }
    }

    fn restart(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.restart();
        }
        if let Some(detector) = &mut self.detector {
            detector.reset();
        }
        if let Some(cutter) = &mut self.cutter {
            cutter.restart();
        }
    }
}
