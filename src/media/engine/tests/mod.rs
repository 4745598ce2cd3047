//! One engine under a virtual clock, and peers that are numbers and bytes.

mod bridging;
mod browser;
mod coded;
mod playing;
mod pressing;
mod receiving;
mod secure;
mod watching;

use super::{Engine, EngineConfig};
use crate::audio::Coding;
use crate::audio::{Clip, Codec};
use crate::clock::Instant;
use crate::ids::{LegId, PlaybackId, PortId, Random};
use crate::media::{
    Channel, Command, Condition, DigitSource, Event, Item, LegConfig, Output, Playlist, Statistics,
};
use crate::rtp::telephone_event::TelephoneEvent;
use crate::rtp::{Packet, SequenceNumber};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A packet that the engine sent.
#[derive(Clone, Debug)]
struct Sent {
    at: Instant,
    port: PortId,
    channel: Channel,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl Sent {
    fn rtp(&self) -> Packet<'_> {
        Packet::parse(&self.bytes).unwrap()
    }

    fn at_ms(&self) -> f64 {
        self.at.as_micros() as f64 / 1_000.0
    }
}

/// An engine, its clock, and all that it did.
struct Stage {
    engine: Engine,
    now: Instant,
    out: Output,
    sent: Vec<Sent>,
    events: Vec<(Instant, Event)>,
    /// What was told of how the audio is, apart.
    conditions: Vec<(Instant, Condition)>,
}

impl Stage {
    fn new() -> Self {
        Self::with_seed(1)
    }

    fn with_seed(seed: u64) -> Self {
        Stage {
            engine: Engine::new(EngineConfig { max_legs: 100 }, Random::from_seed(seed)),
            now: Instant::from_millis(1_000),
            out: Output::default(),
            sent: Vec::new(),
            events: Vec::new(),
            conditions: Vec::new(),
        }
    }

    fn command(&mut self, command: Command) {
        self.engine.command(self.now, command, &mut self.out);
        self.collect();
    }

    fn receive(&mut self, port: u64, channel: Channel, from: &str, bytes: &[u8]) {
        let from = from.parse().unwrap();
        self.engine.packet(self.now, PortId(port), channel, from, bytes, &mut self.out);
        self.collect();
    }

    /// Lives on until `ms` milliseconds after the start of time, waking when the engine wants to.
    fn run_to(&mut self, ms: u64) {
        let end = Instant::from_millis(ms);
        while let Some(due) = self.engine.next_timeout().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.engine.tick(self.now, &mut self.out);
            self.collect();
        }
        self.now = end;
    }

    fn run(&mut self, ms: u64) {
        self.run_to(self.now.as_micros() / 1_000 + ms);
    }

    fn collect(&mut self) {
        for transmit in &self.out.transmits {
            self.sent.push(Sent {
                at: self.now,
                port: transmit.port,
                channel: transmit.channel,
                to: transmit.destination,
                bytes: self.out.packet(transmit).to_vec(),
            });
        }
        for event in self.out.events.drain(..) {
            match event {
                Event::Condition { condition, .. } => self.conditions.push((self.now, condition)),
                event => self.events.push((self.now, event)),
            }
        }
        self.out.clear();
    }

    /// RTP that left a port.
    fn rtp(&self, port: u64) -> Vec<&Sent> {
        self.sent.iter().filter(|s| s.port == PortId(port) && s.channel == Channel::Rtp).collect()
    }

    fn rtcp(&self, port: u64) -> Vec<&Sent> {
        self.sent.iter().filter(|s| s.port == PortId(port) && s.channel == Channel::Rtcp).collect()
    }

    /// The keys told, in order.
    fn digits(&self) -> String {
        self.events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Digit { digit, .. } => Some(*digit),
                _ => None,
            })
            .collect()
    }

    fn statistics(&self, leg: u64) -> Statistics {
        self.engine.statistics(LegId(leg)).unwrap()
    }

    /// Opens leg `n` on port `n`, whose peer is at 127.0.0.`n`:4000.
    fn open(&mut self, n: u64, config: LegConfig) {
        self.command(Command::Open { leg: LegId(n), port: PortId(n), config });
    }

    fn play(&mut self, leg: u64, playback: u64, items: Vec<Item>, forever: bool) {
        self.command(Command::Play {
            leg: LegId(leg),
            playback: PlaybackId(playback),
            playlist: Playlist { items, forever },
        });
    }

    fn bridge(&mut self) {
        self.command(Command::Bridge { a: LegId(1), b: LegId(2) });
    }
}

fn config(n: u8) -> LegConfig {
    let ip = [127, 0, 0, n];
    LegConfig {
        coding: Coding::PCMU,
        payload_type: 0,
        receive: vec![(0, Coding::PCMU), (8, Coding::PCMA)],
        ptime_ms: 20,
        telephone_event_send: Some(101),
        telephone_event_receive: Some(101),
        telephone_event_scale: 1,
        remote_rtp: SocketAddr::from((ip, 4_000)),
        remote_rtcp: SocketAddr::from((ip, 4_001)),
        signalling_ip: ip.into(),
        send: true,
        receive_enabled: true,
        inactivity: Some(Duration::from_secs(60)),
        secure: None,
        handshake: None,
    }
}

/// A clip in which every sample is loud.
fn clip(samples: usize) -> Item {
    Item::Clip(Arc::new(Clip::from_samples(&vec![8_000; samples])))
}

/// A peer that sends to port `n` from 127.0.0.`n`:4000.
struct Peer {
    n: u64,
    from: String,
    payload_type: u8,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Peer {
    fn new(n: u64) -> Self {
        Peer {
            n,
            from: format!("127.0.0.{n}:4000"),
            payload_type: 0,
            ssrc: 7_000 + n as u32,
            sequence: 100,
            timestamp: 16_000,
        }
    }

    fn bytes(&self, marker: bool, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let packet = Packet {
            marker,
            payload_type,
            sequence: SequenceNumber(self.sequence),
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            payload,
        };
        packet.write(&mut bytes);
        bytes
    }

    /// Takes the next number without sending: a lost packet.
    fn lose(&mut self, samples: usize) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(samples as u32);
    }

    fn audio(&mut self, stage: &mut Stage, payload: &[u8]) {
        let bytes = self.bytes(false, self.payload_type, payload);
        stage.receive(self.n, Channel::Rtp, &self.from, &bytes);
        self.lose(payload.len());
    }

    /// `count` packets of silence, one each 20 ms; time goes on by as much.
    fn talk(&mut self, stage: &mut Stage, count: usize) {
        for _ in 0..count {
            self.audio(stage, &[0xFF; 160]);
            stage.run(20);
        }
    }

    /// The packet of an event that began at the present timestamp.
    fn event(&mut self, stage: &mut Stage, marker: bool, event: u8, end: bool, duration: u16) {
        let payload = TelephoneEvent { event, end, volume: 10, duration }.bytes();
        let bytes = self.bytes(marker, 101, &payload);
        stage.receive(self.n, Channel::Rtp, &self.from, &bytes);
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// A whole key of 80 ms.
    fn key(&mut self, stage: &mut Stage, event: u8) {
        for (marker, end, duration) in
            [(true, false, 160), (false, false, 320), (false, false, 480), (false, true, 640)]
        {
            self.event(stage, marker, event, end, duration);
            stage.run(20);
        }
        self.event(stage, false, event, true, 640);
        self.event(stage, false, event, true, 640);
        self.timestamp = self.timestamp.wrapping_add(640);
    }

    /// Sends samples in packets of 20 ms, each of which is lost where `lost` says so.
    fn say(&mut self, stage: &mut Stage, samples: &[i16], mut lost: impl FnMut() -> bool) {
        for part in samples.chunks(160) {
            if lost() {
                self.lose(part.len());
            } else {
                let payload: Vec<u8> = part.iter().map(|&s| Codec::Pcmu.encode(s)).collect();
                self.audio(stage, &payload);
            }
            stage.run(20);
        }
    }
}

/// Asserts that sequence numbers have no gap and timestamps follow the clock: each packet's timestamp is that of
/// the one before plus the time between them, to within `slack` samples, and never less than its audio.
fn assert_continuous(packets: &[&Sent], slack: i64) {
    for pair in packets.windows(2) {
        let (a, b) = (pair[0].rtp(), pair[1].rtp());
        let place = format!("at {} ms", pair[1].at_ms());
        assert_eq!(a.ssrc, b.ssrc, "{place}");
        assert_eq!(b.sequence, a.sequence.plus(1), "{place}");
        let steps = i64::from(b.timestamp.wrapping_sub(a.timestamp));
        let elapsed = ((pair[1].at.as_micros() - pair[0].at.as_micros()) / 125) as i64;
        assert!((steps - elapsed).abs() <= slack, "{place}: timestamp {steps}, time {elapsed}");
        assert!(steps >= a.payload.len() as i64, "{place}: {steps} samples after {}", a.payload.len());
    }
}

#[test]
fn nothing_is_left_when_all_legs_are_closed() {
    let mut stage = Stage::new();
    for n in 1..=50 {
        stage.open(n, config(n as u8));
        stage.play(n, n, vec![clip(16_000)], true);
        stage.command(Command::Listen { leg: LegId(n), in_band: true });
    }
    stage.bridge();
    stage.run(3_000);
    let counts = stage.engine.counts();
    assert_eq!((counts.legs, counts.playbacks, counts.bridges, counts.timers), (50, 48, 1, 50));
    for n in 1..=50 {
        stage.command(Command::Close { leg: LegId(n) });
    }
    assert_eq!(stage.engine.counts(), Default::default());
    assert_eq!(stage.engine.next_timeout(), None);
    let closed = stage.events.iter().filter(|(_, event)| matches!(event, Event::Closed { .. })).count();
    assert_eq!(closed, 50);
}

#[test]
fn an_open_above_the_limit_or_on_a_taken_port_is_closed_at_once() {
    let mut stage = Stage::new();
    stage.engine = Engine::new(EngineConfig { max_legs: 2 }, Random::from_seed(1));
    stage.open(1, config(1));
    let config_of = |n| Command::Open { leg: LegId(n), port: PortId(1), config: config(1) };
    stage.command(config_of(2));
    assert!(matches!(stage.events[0].1, Event::Closed { leg: LegId(2), .. }));
    stage.open(3, config(3));
    stage.open(4, config(4));
    assert!(matches!(stage.events[1].1, Event::Closed { leg: LegId(4), port: PortId(4), .. }));
    assert_eq!(stage.engine.counts().legs, 2);
}

#[test]
fn commands_for_legs_that_are_gone_do_nothing() {
    let mut stage = Stage::new();
    let (leg, playback) = (LegId(9), PlaybackId(1));
    let playlist = Playlist { items: vec![clip(160)], forever: false };
    stage.open(1, config(1));
    for command in [
        Command::Update { leg, config: config(9) },
        Command::Close { leg },
        Command::Play { leg, playback, playlist },
        Command::Stop { leg, playback },
        Command::Listen { leg, in_band: true },
        Command::InfoDigit { leg, digit: '1', duration: Duration::ZERO },
        Command::Bridge { a: leg, b: LegId(1) },
        Command::Bridge { a: LegId(1), b: LegId(1) },
        Command::Unbridge { leg },
    ] {
        stage.command(command);
    }
    stage.run(100);
    assert!(stage.sent.is_empty() && stage.events.is_empty());
    assert_eq!(stage.engine.counts().bridges, 0);
}
