//! Short calls: INVITE, 200, ACK, BYE, 200, from one socket at a set rate.

use crate::server::{LOAD, SILENT, Server};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// T1 of RFC 3261: a response that takes longer would have cost a retransmission.
const T1: Duration = Duration::from_millis(500);

#[derive(Clone, Copy)]
enum State {
    Invited(Instant),
    Ending(Instant),
    Done,
}

pub struct Outcome {
    pub failed: u32,
    pub retransmissions: u32,
    /// Calls a second that were really made.
    pub rate: f64,
}

/// Makes `count` calls at `rate` a second.
pub fn run(server: &Server, count: u32, rate: u32) -> Outcome {
    let socket = UdpSocket::bind((LOAD, 0)).expect("a socket");
    socket.set_nonblocking(true).expect("a socket that does not wait");
    let local = socket.local_addr().expect("an address").to_string();
    let target = server.sip();
    let mut states: Vec<State> = Vec::with_capacity(count as usize);
    let (start, mut buffer) = (Instant::now(), [0u8; 4_096]);
    let mut outcome = Outcome { failed: 0, retransmissions: 0, rate: 0.0 };
    let mut open = 0;
    while states.len() < count as usize || open > 0 {
        let due = start + Duration::from_secs_f64(states.len() as f64 / f64::from(rate));
        if states.len() < count as usize && Instant::now() >= due {
            let text = invite(states.len(), &local, &target.to_string());
            let _ = socket.send_to(text.as_bytes(), target);
            states.push(State::Invited(Instant::now()));
            open += 1;
        }
        while let Ok((length, _)) = socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]);
            let Some(number) = call_number(&text) else { continue };
            match states.get(number).copied() {
                Some(State::Invited(at)) if text.starts_with("SIP/2.0 2") => {
                    outcome.retransmissions += u32::from(at.elapsed() > T1);
                    let tag =
                        text.split(";tag=").nth(2).and_then(|t| t.split(['\r', ';']).next()).unwrap_or("");
                    for (method, cseq) in [("ACK", 1), ("BYE", 2)] {
                        let _ = socket.send_to(
                            within(method, cseq, number, &local, &target.to_string(), tag).as_bytes(),
                            target,
                        );
                    }
                    states[number] = State::Ending(Instant::now());
                }
                Some(State::Invited(_)) if !text.starts_with("SIP/2.0 1") => {
                    outcome.failed += 1;
                    open -= 1;
                    states[number] = State::Done;
                }
                Some(State::Ending(at)) if text.contains(" BYE") => {
                    outcome.retransmissions += u32::from(at.elapsed() > T1);
                    open -= 1;
                    states[number] = State::Done;
                }
                _ => {}
            }
        }
        if states.len() == count as usize
            && start.elapsed() > Duration::from_secs_f64(f64::from(count) / f64::from(rate)) + T1 * 4
        {
            outcome.failed += open;
            break;
        }
    }
    outcome.rate = f64::from(count) / start.elapsed().as_secs_f64();
    outcome
}

fn call_number(text: &str) -> Option<usize> {
    text.split("Call-ID: b").nth(1)?.split('-').next()?.parse().ok()
}

/// An INVITE of call `n`; the media address is one where nobody listens.
pub fn invite(n: usize, local: &str, target: &str) -> String {
    invite_to(SILENT, n, local, target, "127.9.0.2", 9)
}

pub fn invite_to(
    number: &str,
    n: usize,
    local: &str,
    target: &str,
    media_host: &str,
    media_port: u16,
) -> String {
    let sdp = format!(
        "v=0\r\no=b 1 1 IN IP4 {media_host}\r\ns=-\r\nc=IN IP4 {media_host}\r\nt=0 0\r\nm=audio {media_port} RTP/AVP 0 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    );
    format!(
        "INVITE sip:{number}@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKb{n}p{}\r\nFrom: <sip:+14155550123@{local}>;tag=f{n}\r\n\
         To: <sip:{number}@{target}>\r\nCall-ID: b{n}-{local}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:b@{local}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        port_of(local),
        sdp.len()
    )
}

/// ACK or BYE of call `n`.
pub fn within(method: &str, cseq: u32, n: usize, local: &str, target: &str, tag: &str) -> String {
    format!(
        "{method} sip:x@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{method}{n}p{}\r\nFrom: <sip:+14155550123@{local}>;tag=f{n}\r\n\
         To: <sip:x@{target}>;tag={tag}\r\nCall-ID: b{n}-{local}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        port_of(local)
    )
}

/// Makes branches differ between the rounds: a server keeps one for 32 s.
fn port_of(local: &str) -> &str {
    local.rsplit(':').next().unwrap_or_default()
}
