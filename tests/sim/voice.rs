//! The media of a model phone: what it sends packet by packet, and what it hears.

use super::house::Role;
use super::script::KeyBy;
use cordboard::audio::Codec;
use cordboard::clock::Instant;
use cordboard::ids::Random;
use cordboard::rtp::telephone_event::TelephoneEvent;
use cordboard::rtp::{Packet, SequenceNumber};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// A key is held for so long.
const KEY_MS: u32 = 100;
/// End packets of an event, RFC 4733 section 2.5.1.4.
const END_PACKETS: u32 = 3;
/// Rows and columns of the keypad in Hz (ITU-T Q.23).
const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYPAD: &str = "123A456B789C*0#D";

/// Each party says one level all the time, so that whoever hears it knows who speaks, through any codec and
/// any cutting into packets.
pub fn level(role: Role) -> i16 {
    match role {
        Role::Caller => 620,
        Role::First => -988,
        Role::Second => 1_884,
    }
}

/// What a phone heard.
#[derive(Default, Debug)]
pub struct Heard {
    pub packets: u32,
    /// Packets that hold nothing but the level of a role: caller, first, second.
    pub levels: [u32; 3],
    /// All payload in order of arrival, where it is kept.
    pub audio: Option<Vec<u8>>,
}

struct Key {
    digit: char,
    by: KeyBy,
    sent_ms: u32,
}

pub struct Voice {
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub payload_type: u8,
    /// Of telephone-events, where the server takes them.
    pub event_type: Option<u8>,
    pub codec: Codec,
    pub sends: bool,
    pub heard: Heard,
    role: Role,
    ptime_ms: u8,
    ssrc: u32,
    sequence: SequenceNumber,
    timestamp: u32,
    next: Instant,
    key: Option<Key>,
    keys: VecDeque<(char, KeyBy)>,
}

impl Voice {
    pub fn new(
        now: Instant,
        role: Role,
        local: SocketAddr,
        remote: SocketAddr,
        codec: Codec,
        ptime_ms: u8,
        random: &mut Random,
    ) -> Self {
        Voice {
            local,
            remote,
            payload_type: if codec == Codec::Pcmu { 0 } else { 8 },
            event_type: None,
            codec,
            sends: true,
            heard: Heard::default(),
            role,
            ptime_ms,
            ssrc: random.next_u32(),
            sequence: SequenceNumber(random.next_u32() as u16),
            timestamp: random.next_u32(),
            next: now + Duration::from_micros(random.below(20_000).into()),
            key: None,
            keys: VecDeque::new(),
        }
    }

    pub fn press(&mut self, digit: char, by: KeyBy) {
        self.keys.push_back((digit, by));
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.sends.then_some(self.next)
    }

    /// Goes on after a silence: the clock of the stream ran on meanwhile.
    pub fn resume(&mut self, now: Instant) {
        let missed = now.since(self.next).as_micros() / 1_000 / u128::from(self.ptime_ms);
        self.timestamp = self.timestamp.wrapping_add(missed as u32 * self.samples());
        self.next = self.next.max(now);
        self.sends = true;
    }

    fn samples(&self) -> u32 {
        u32::from(self.ptime_ms) * 8
    }

    /// Makes the packets that are due.
    pub fn handle_timeout(&mut self, now: Instant, mut send: impl FnMut(Vec<u8>)) {
        while self.sends && self.next <= now {
            self.next += Duration::from_millis(self.ptime_ms.into());
            if self.key.is_none() {
                self.key = self.keys.pop_front().map(|(digit, by)| Key { digit, by, sent_ms: 0 });
            }
            match self.key.take() {
                Some(key) if key.by == KeyBy::Event && self.event_type.is_some() => {
                    self.send_event(key, &mut send)
                }
                Some(key) => self.send_tone(key, &mut send),
                None => {
                    let byte = self.codec.encode(level(self.role));
                    self.send_audio(vec![byte; self.samples() as usize], &mut send);
                }
            }
        }
    }

    fn send_audio(&mut self, payload: Vec<u8>, send: &mut impl FnMut(Vec<u8>)) {
        self.send(self.payload_type, false, &payload, send);
        self.timestamp = self.timestamp.wrapping_add(payload.len() as u32);
    }

    fn send(&mut self, payload_type: u8, marker: bool, payload: &[u8], send: &mut impl FnMut(Vec<u8>)) {
        let (sequence, timestamp, ssrc) = (self.sequence, self.timestamp, self.ssrc);
        let packet = Packet { marker, payload_type, sequence, timestamp, ssrc, payload };
        let mut bytes = Vec::with_capacity(12 + payload.len());
        packet.write(&mut bytes);
        self.sequence = self.sequence.plus(1);
        send(bytes);
    }

    /// All packets of an event bear the timestamp of its start (RFC 4733 section 2.2.1).
    fn send_event(&mut self, mut key: Key, send: &mut impl FnMut(Vec<u8>)) {
        let event = "0123456789*#ABCD".find(key.digit).unwrap_or(0) as u8;
        let marker = key.sent_ms == 0;
        key.sent_ms += u32::from(self.ptime_ms);
        let end = key.sent_ms >= KEY_MS;
        let duration = (key.sent_ms * 8) as u16;
        let payload = TelephoneEvent { event, end, volume: 10, duration }.bytes();
        for _ in 0..if end { END_PACKETS } else { 1 } {
            self.send(self.event_type.unwrap_or(101), marker, &payload, send);
        }
        if end {
            self.timestamp = self.timestamp.wrapping_add(key.sent_ms * 8);
        } else {
            self.key = Some(key);
        }
    }

    fn send_tone(&mut self, mut key: Key, send: &mut impl FnMut(Vec<u8>)) {
        let place = KEYPAD.find(key.digit).unwrap_or(0);
        let (row, column) = (ROWS[place / 4], COLUMNS[place % 4]);
        let start = key.sent_ms * 8;
        let sample = |n: u32| {
            let t = f64::from(start + n) / 8_000.0 * std::f64::consts::TAU;
            self.codec.encode(((t * row).sin() * 5_000.0 + (t * column).sin() * 5_000.0) as i16)
        };
        let payload = (0..self.samples()).map(sample).collect();
        self.send_audio(payload, send);
        key.sent_ms += u32::from(self.ptime_ms);
        if key.sent_ms < KEY_MS {
            self.key = Some(key);
        }
    }

    pub fn hear(&mut self, bytes: &[u8]) {
        let Ok(packet) = Packet::parse(bytes) else { panic!("the server sent what is no RTP: {bytes:?}") };
        let codec = match packet.payload_type {
            0 => Codec::Pcmu,
            8 => Codec::Pcma,
            _ => return,
        };
        self.heard.packets += 1;
        if let Some(audio) = &mut self.heard.audio {
            audio.extend_from_slice(packet.payload);
        }
        let Some(&first) = packet.payload.first() else { return };
        if packet.payload.iter().all(|byte| *byte == first) {
            let sample = i32::from(codec.decode(first));
            for (count, role) in self.heard.levels.iter_mut().zip([Role::Caller, Role::First, Role::Second]) {
                *count += u32::from((sample - i32::from(level(role))).abs() < 80);
            }
        }
    }
}
