//! Calls with media: telephones that send a packet each 20 ms and look at what comes.

use crate::server::{AGENT, LOAD, MENU, PLAYS, RINGS, SECOND, Server};
use crate::signalling::{invite_to, within};
use cordboard::audio::Codec;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const PACKET: Duration = Duration::from_millis(20);

/// What was seen of the packets that came.
#[derive(Default)]
pub struct Seen {
    /// Milliseconds between packets of one stream, less 20, without sign.
    spacing: Vec<f64>,
    /// Milliseconds from a telephone's send to its partner's receive.
    delay: Vec<f64>,
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted
        .get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

impl Seen {
    pub fn spacing_percentiles(&mut self) -> [f64; 3] {
        self.spacing.sort_by(f64::total_cmp);
        [0.5, 0.99, 0.999].map(|share| percentile(&self.spacing, share))
    }

    pub fn delay_percentiles(&mut self) -> [f64; 2] {
        self.delay.sort_by(f64::total_cmp);
        [0.5, 0.99].map(|share| percentile(&self.delay, share))
    }
}

/// One telephone's media.
struct Leg {
    socket: UdpSocket,
    server: SocketAddr,
}

/// Calls in progress.
pub struct Calls {
    signalling: UdpSocket,
    target: SocketAddr,
    legs: Vec<Leg>,
    /// To tags of the callers' dialogs.
    tags: Vec<String>,
}

impl Calls {
    /// Calls that hear a prompt.
    pub fn prompt(server: &Server, count: usize) -> Calls {
        let mut calls = Calls::new(server);
        for n in 0..count {
            calls.set_up(PLAYS, n, None);
        }
        calls
    }

    /// Calls that are bridged to an agent of ours.
    pub fn bridged(server: &Server, count: usize) -> Calls {
        let mut calls = Calls::new(server);
        let agent = UdpSocket::bind(AGENT).expect("the agent's socket");
        agent.set_read_timeout(Some(Duration::from_millis(5))).expect("a deadline");
        for n in 0..count {
            calls.set_up(RINGS, n, Some(&agent));
        }
        calls
    }

    fn new(server: &Server) -> Calls {
        let signalling = UdpSocket::bind((LOAD, 0)).expect("a socket");
        signalling.set_read_timeout(Some(Duration::from_millis(5))).expect("a deadline");
        Calls { signalling, target: server.sip(), legs: Vec::new(), tags: Vec::new() }
    }

    fn set_up(&mut self, number: &str, n: usize, agent: Option<&UdpSocket>) {
        let local = self.signalling.local_addr().expect("an address").to_string();
        let socket = UdpSocket::bind((LOAD, 0)).expect("a media socket");
        let port = socket.local_addr().expect("an address").port();
        let text = invite_to(number, n, &local, &self.target.to_string(), &LOAD.to_string(), port);
        self.signalling.send_to(text.as_bytes(), self.target).expect("loopback takes it");
        let (start, mut buffer) = (Instant::now(), [0u8; 4_096]);
        loop {
            assert!(start.elapsed() < Duration::from_secs(5), "call {n} was not set up");
            if let Some(agent) = agent
                && let Ok((length, from)) = agent.recv_from(&mut buffer)
            {
                self.answer_as_agent(agent, &String::from_utf8_lossy(&buffer[..length]), from);
            }
            let Ok((length, _)) = self.signalling.recv_from(&mut buffer) else { continue };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if !text.starts_with("SIP/2.0 200")
                || !text.contains(&format!("Call-ID: b{n}-"))
                || !text.contains("m=audio")
            {
                continue;
            }
            let tag =
                text.split(";tag=").nth(2).and_then(|t| t.split(['\r', ';']).next()).unwrap_or("").to_owned();
            let ack = within("ACK", 1, n, &local, &self.target.to_string(), &tag);
            self.signalling.send_to(ack.as_bytes(), self.target).expect("loopback takes it");
            self.legs.push(Leg { socket, server: media_of(&text) });
            self.tags.push(tag);
            return;
        }
    }

    fn answer_as_agent(&mut self, agent: &UdpSocket, text: &str, from: SocketAddr) {
        let lines = |names: &[&str]| -> String {
            text.lines()
                .filter(|l| names.iter().any(|n| l.starts_with(n)))
                .map(|l| format!("{l}\r\n"))
                .collect()
        };
        if text.starts_with("BYE") {
            let answer = format!(
                "SIP/2.0 200 OK\r\n{}Content-Length: 0\r\n\r\n",
                lines(&["Via", "From", "To", "Call-ID", "CSeq"])
            );
            let _ = agent.send_to(answer.as_bytes(), from);
        }
        if !text.starts_with("INVITE") {
            return;
        }
        let socket = UdpSocket::bind((AGENT.ip(), 0)).expect("a media socket");
        let port = socket.local_addr().expect("an address").port();
        let ip = AGENT.ip();
        let sdp = format!(
            "v=0\r\no=a 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        );
        let to = lines(&["To"]).trim_end().to_owned();
        let answer = format!(
            "SIP/2.0 200 OK\r\n{}{to};tag=a{port}\r\nContact: <sip:agent@{AGENT}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            lines(&["Via", "From", "Call-ID", "CSeq"]),
            sdp.len()
        );
        agent.send_to(answer.as_bytes(), from).expect("loopback takes it");
        self.legs.push(Leg { socket, server: media_of(text) });
    }

    /// Every leg sends 50 packets a second for a while; gives the time it took.
    pub fn run(&self, length: Duration, seen: &mut Seen) -> Duration {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll");
        for (n, leg) in self.legs.iter().enumerate() {
            leg.socket.set_nonblocking(true).expect("a socket that does not wait");
            let data = epoll::EventData::new_u64(n as u64);
            epoll::add(&epoll, &leg.socket, data, epoll::EventFlags::IN).expect("epoll takes it");
        }
        let count = self.legs.len();
        let (mut sent, mut last, mut buffer) = (0usize, vec![None::<Instant>; count], [0u8; 2_048]);
        // What came before is of another time.
        self.legs.iter().for_each(|leg| while leg.socket.recv(&mut buffer).is_ok() {});
        let start = Instant::now();
        let mut ready = Vec::with_capacity(512);
        while start.elapsed() < length {
            // Spread over the 20 ms, one leg after the other. The load never sleeps: its own late waking would be
            // measured as the server's, and what it costs to wake it charged to the server.
            let due = start + PACKET.mul_f64(sent as f64 / count as f64);
            ready.clear();
            let _ =
                epoll::wait(&epoll, spare_capacity(&mut ready), Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
            for event in &ready {
                let n = event.data.u64() as usize;
                let Ok(size) = self.legs[n].socket.recv(&mut buffer) else { continue };
                let now = Instant::now();
                if size < 172 {
                    continue;
                }
                if let Some(before) = last[n].replace(now) {
                    seen.spacing.push(((now - before).as_secs_f64() * 1e3 - 20.0).abs());
                }
                let stamp = u64::from_be_bytes(buffer[12..20].try_into().unwrap_or_default());
                let age = (start.elapsed().as_nanos() as u64).saturating_sub(stamp);
                if buffer[20..28] == MARK && age < 1_000_000_000 {
                    seen.delay.push(age as f64 / 1e6);
                }
            }
            if Instant::now() >= due {
                let (leg, number) = (&self.legs[sent % count], sent / count);
                let packet = audio(number as u32, sent % count, start.elapsed().as_nanos() as u64);
                let _ = leg.socket.send_to(&packet, leg.server);
                sent += 1;
            }
        }
        start.elapsed()
    }

    /// Hangs all callers up.
    pub fn end(&self) {
        let local = self.signalling.local_addr().expect("an address").to_string();
        for (n, tag) in self.tags.iter().enumerate() {
            let bye = within("BYE", 2, n, &local, &self.target.to_string(), tag);
            let _ = self.signalling.send_to(bye.as_bytes(), self.target);
        }
        let mut buffer = [0; 2_048];
        let mut left = self.tags.len();
        let start = Instant::now();
        while left > 0 && start.elapsed() < Duration::from_secs(3) {
            left -= usize::from(self.signalling.recv(&mut buffer).is_ok());
        }
    }
}

/// Tells our own packets from others.
const MARK: [u8; 8] = *b"cordmark";

fn audio(number: u32, leg: usize, stamp: u64) -> [u8; 172] {
    let mut packet = [0xD5; 172];
    packet[..2].copy_from_slice(&[0x80, 0]);
    packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&(number * 160).to_be_bytes());
    packet[8..12].copy_from_slice(&(leg as u32 + 77).to_be_bytes());
    packet[12..20].copy_from_slice(&stamp.to_be_bytes());
    packet[20..28].copy_from_slice(&MARK);
    packet
}

fn media_of(text: &str) -> SocketAddr {
    let port = text
        .split("m=audio ")
        .nth(1)
        .and_then(|t| t.split(' ').next())
        .and_then(|p| p.parse().ok())
        .unwrap_or(0);
    let ip = text.split("c=IN IP4 ").nth(1).and_then(|t| t.split('\r').next()).and_then(|a| a.parse().ok());
    SocketAddr::new(ip.unwrap_or(LOAD.into()), port)
}

/// Milliseconds from the first packet of a key to the first packet of the prompt that it leads to.
pub fn key_to_prompt(server: &Server) -> f64 {
    // A number of its own for each call: the system gives ports again, and an INVITE would be taken for an old one.
    static NEXT: AtomicUsize = AtomicUsize::new(1_000);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut calls = Calls::new(server);
    calls.set_up(MENU, number, None);
    let leg = &calls.legs[0];
    leg.socket.set_read_timeout(Some(Duration::from_secs(2))).expect("a deadline");
    let mut buffer = [0; 2_048];
    // The prompt runs; the key comes at any time within a packet.
    for _ in 0..5 {
        let _ = leg.socket.recv(&mut buffer);
    }
    let second = Codec::Pcmu.encode(SECOND);
    let mut event = [0x80, 0x80 | 101, 0, 1, 0, 0, 3, 0xE8, 0, 0, 0, 99, 1, 10, 0, 160];
    let start = Instant::now();
    let _ = leg.socket.send_to(&event, leg.server);
    (event[3], event[13]) = (2, 0x8A);
    let _ = leg.socket.send_to(&event, leg.server);
    let took = loop {
        match leg.socket.recv(&mut buffer) {
            Ok(size) if size >= 172 && buffer[100] == second => break start.elapsed(),
            Ok(_) => {}
            Err(_) => break Duration::from_secs(2),
        }
    };
    let local = calls.signalling.local_addr().expect("an address").to_string();
    let bye = within("BYE", 2, number, &local, &calls.target.to_string(), &calls.tags[0]);
    let _ = calls.signalling.send_to(bye.as_bytes(), calls.target);
    let _ = calls.signalling.recv(&mut buffer);
    took.as_secs_f64() * 1e3
}
