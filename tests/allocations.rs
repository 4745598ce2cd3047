//! The path of a packet neither allocates nor frees memory once a leg is warm.

use cordboard::audio::{Clip, Codec, Coding, tones};
use cordboard::clock::Instant;
use cordboard::ids::{LegId, PlaybackId, PortId, Random};
use cordboard::media::engine::{Engine, EngineConfig};
use cordboard::media::{Capture, Channel, Command, Item, LegConfig, Output, Playlist};
use cordboard::rtp::telephone_event::TelephoneEvent;
use cordboard::rtp::{Packet, SequenceNumber};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Counts what this thread asks of the system's allocator.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    CALLS.with(|calls| calls.set(calls.get() + 1));
    BYTES.with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call goes unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn calls() -> u64 {
    CALLS.with(Cell::get)
}

fn bytes_held() -> i64 {
    BYTES.with(Cell::get)
}

/// An engine that lives 20 ms at a time, with a peer on each leg.
struct Line {
    engine: Engine,
    out: Output,
    now: Instant,
    sequence: u16,
    timestamp: u32,
    sent: u64,
    keys: u64,
}

impl Line {
    fn new() -> Self {
        Line {
            engine: Engine::new(EngineConfig { max_legs: 1_000 }, Random::from_seed(1)),
            out: Output::default(),
            now: Instant::from_millis(1_000),
            sequence: 0,
            timestamp: 0,
            sent: 0,
            keys: 0,
        }
    }

    fn command(&mut self, command: Command) {
        self.engine.command(self.now, command, &mut self.out);
        self.out.clear();
    }

    fn open(&mut self, n: u64, config: LegConfig) {
        self.command(Command::Open { leg: LegId(n), port: PortId(n), config });
    }

    /// Gives the packet with the present numbers to leg `n`.
    fn receive(&mut self, n: u64, payload_type: u8, payload: &[u8]) {
        let mut bytes = [0u8; 512];
        bytes[..2].copy_from_slice(&[0x80, payload_type]);
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&(n as u32).to_be_bytes());
        bytes[12..12 + payload.len()].copy_from_slice(payload);
        let from = SocketAddr::from(([127, 0, 0, 1], 4_000 + n as u16));
        let datagram = &bytes[..12 + payload.len()];
        self.engine.packet(self.now, PortId(n), Channel::Rtp, from, datagram, &mut self.out);
        self.note();
    }

    fn note(&mut self) {
        self.sent += self.out.transmits.len() as u64;
        self.keys += self.out.events.len() as u64;
        self.out.clear();
    }

    fn step(&mut self, samples: u32) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(samples);
        let end = self.now + Duration::from_micros(u64::from(samples) * 125);
        while let Some(due) = self.engine.next_timeout().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.engine.tick(self.now, &mut self.out);
            self.note();
        }
        self.now = end;
    }
}

fn config(n: u64, codec: Codec, ptime_ms: u8) -> LegConfig {
    let address = SocketAddr::from(([127, 0, 0, 1], 4_000 + n as u16));
    LegConfig {
        coding: Coding::Law(codec),
        payload_type: if codec == Codec::Pcmu { 0 } else { 8 },
        receive: vec![(0, Coding::PCMU), (8, Coding::PCMA)],
        ptime_ms,
        telephone_event_send: Some(101),
        telephone_event_receive: Some(101),
        telephone_event_scale: 1,
        remote_rtp: address,
        remote_rtcp: address,
        signalling_ip: address.ip(),
        send: true,
        receive_enabled: true,
        inactivity: Some(Duration::from_secs(60)),
        secure: None,
        handshake: None,
    }
}

/// Runs `step` 500 times to warm up, then 5,000 times, in which it may not touch the allocator.
fn assert_no_allocation(line: &mut Line, name: &str, mut step: impl FnMut(&mut Line, u32)) {
    for n in 0..500 {
        step(line, n);
    }
    let (before, sent) = (calls(), line.sent);
    for n in 500..5_500 {
        step(line, n);
    }
    assert_eq!(calls() - before, 0, "{name}");
    assert!(line.sent - sent >= 3_000, "{name}: {} packets were sent", line.sent - sent);
}

#[test]
fn a_prompt_with_keys_in_the_audio_and_as_events_allocates_nothing() {
    let mut line = Line::new();
    line.open(1, config(1, Codec::Pcmu, 20));
    let music = Item::Clip(Arc::new(Clip::from_samples(&[1_000; 12_345])));
    line.command(Command::Play {
        leg: LegId(1),
        playback: PlaybackId(1),
        playlist: Playlist { items: vec![music], forever: true },
    });
    line.command(Command::Listen { leg: LegId(1), in_band: true });
    let tone: Vec<u8> =
        tones::dtmf('5', -10.0, 100).unwrap().iter().map(|&sample| Codec::Pcmu.encode(sample)).collect();
    assert_no_allocation(&mut line, "prompt", |line, n| {
        match n % 50 {
            // A tone of 100 ms each second, one packet in twenty lost.
            part @ 0..5 => line.receive(1, 0, &tone[part as usize * 160..][..160]),
            20 => {}
            40..43 => {
                let event = TelephoneEvent { event: 7, end: n % 50 == 42, volume: 10, duration: 160 };
                line.receive(1, 101, &event.bytes());
            }
            _ => line.receive(1, 0, &[0xFF; 160]),
        }
        line.step(160);
    });
    assert!(line.keys > 150, "{} keys", line.keys);
}

#[test]
fn bridges_that_relay_transcode_or_cut_anew_allocate_nothing() {
    for (codec, ptime, name) in [
        (Codec::Pcmu, 20, "relay"),
        (Codec::Pcma, 20, "transcode"),
        (Codec::Pcma, 30, "cut anew to 30 ms"),
        (Codec::Pcmu, 10, "cut anew to 10 ms"),
    ] {
        let mut line = Line::new();
        line.open(1, config(1, Codec::Pcmu, 20));
        line.open(2, config(2, codec, ptime));
        line.command(Command::Bridge { a: LegId(1), b: LegId(2) });
        assert_no_allocation(&mut line, name, |line, n| {
            if n % 20 != 7 {
                line.receive(1, 0, &[0x55; 160]);
                line.receive(2, if codec == Codec::Pcmu { 0 } else { 8 }, &[0x33; 160]);
            }
            line.step(160);
        });
    }
}

#[test]
fn a_bridge_under_capture_allocates_nothing_also_when_the_room_is_full() {
    let mut line = Line::new();
    for n in [1, 2] {
        line.open(n, config(n, Codec::Pcmu, 20));
        let capture = Box::new(Capture::until(Instant::from_millis(10_000_000)));
        line.command(Command::Capture { leg: LegId(n), capture });
    }
    line.command(Command::Bridge { a: LegId(1), b: LegId(2) });
    // 110 packets a second on each leg for 110 s: 12,000, and the room has 15,000; then as many again.
    for _ in 0..2 {
        assert_no_allocation(&mut line, "capture", |line, _| {
            line.receive(1, 0, &[0x55; 160]);
            line.receive(2, 0, &[0x33; 160]);
            line.step(160);
        });
    }
    line.engine.command(line.now, Command::EndCapture { leg: LegId(1) }, &mut line.out);
    let captured = line.out.events.iter().find_map(|event| match event {
        cordboard::media::Event::Captured { capture, .. } => Some(capture),
        _ => None,
    });
    let capture = captured.expect("what was noted");
    assert!(capture.headers.len() == 15_000 && capture.left_out > 1_000, "{} left out", capture.left_out);
}

#[test]
fn hostile_packets_allocate_nothing() {
    let mut line = Line::new();
    line.open(1, config(1, Codec::Pcmu, 20));
    line.command(Command::Listen { leg: LegId(1), in_band: true });
    let mut extended = Vec::new();
    let packet = Packet {
        marker: false,
        payload_type: 0,
        sequence: SequenceNumber(0),
        timestamp: 0,
        ssrc: 1,
        payload: &[0xBE, 0xDE, 0, 2, 0x10, 1, 0x20, 2, 0x30, 3, 0, 0, 0xFF, 0xFF],
    };
    packet.write(&mut extended);
    extended[0] |= 0x10;
    assert_no_allocation(&mut line, "hostile", |line, n| {
        let stranger = SocketAddr::from(([127, 0, 0, 66], 4_001));
        let peer = SocketAddr::from(([127, 0, 0, 1], 4_001));
        for (from, len) in [(stranger, extended.len()), (peer, extended.len()), (peer, n as usize % 20)] {
            let bytes = &extended[..len.min(extended.len())];
            line.engine.packet(line.now, PortId(1), Channel::Rtp, from, bytes, &mut line.out);
            line.engine.packet(line.now, PortId(1), Channel::Rtcp, from, bytes, &mut line.out);
        }
        line.step(160);
    });
}

#[test]
fn a_prompt_leg_takes_less_than_10_kib_and_gives_it_back() {
    const LEGS: u64 = 500;
    let mut line = Line::new();
    let clip = Arc::new(Clip::from_samples(&[1_000; 8_000]));
    let before = bytes_held();
    for n in 0..LEGS {
        line.open(n, config(n, Codec::Pcmu, 20));
        line.command(Command::Play {
            leg: LegId(n),
            playback: PlaybackId(n),
            playlist: Playlist { items: vec![Item::Clip(Arc::clone(&clip))], forever: true },
        });
        line.command(Command::Listen { leg: LegId(n), in_band: true });
    }
    for _ in 0..10 {
        line.step(160);
    }
    let each = (bytes_held() - before) / LEGS as i64;
    println!("{each} bytes a leg");
    assert!(each < 10 * 1_024, "{each} bytes a leg");
    for n in 0..LEGS {
        line.command(Command::Close { leg: LegId(n) });
    }
    let rest = (bytes_held() - before) / LEGS as i64;
    assert!(rest < 2_560, "{rest} bytes a leg are kept for the next ones");
}
