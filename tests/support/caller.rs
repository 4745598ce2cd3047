//! A caller of a few lines on a UDP socket, for what SIPp cannot say: when each answer came.

use super::PATIENCE;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// One socket, one call after the other.
pub struct Caller {
    pub socket: UdpSocket,
    pub server: SocketAddr,
    calls: u32,
}

impl Caller {
    pub fn new(at: Ipv4Addr, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((at, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Caller { socket, server, calls: 0 }
    }

    /// An INVITE as text; `media` is where the call wants its media.
    pub fn invite(&mut self, number: &str, media: SocketAddr) -> String {
        self.calls += 1;
        let local = self.socket.local_addr().unwrap();
        let sdp = format!(
            "v=0\r\no=c 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP 0 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\n",
            media.ip(),
            media.port()
        );
        let head = self.head("INVITE", number, 1, "");
        format!(
            "{head}Contact: <sip:caller@{local}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
    }

    fn head(&self, method: &str, number: &str, cseq: u32, to_tag: &str) -> String {
        let (local, server, call) = (self.socket.local_addr().unwrap(), self.server, self.calls);
        format!(
            "{method} sip:{number}@{server} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-{call}-{cseq}-{method}\r\n\
             From: <sip:+14155550123@{local}>;tag=c{call}\r\nTo: <sip:{number}@{server}>{to_tag}\r\n\
             Call-ID: {call}-{local}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
        )
    }

    /// An OPTIONS and its answer, whatever it is: when it comes, all that was sent before has been read.
    pub fn ping(&mut self) {
        self.calls += 1;
        let text = format!("{}Content-Length: 0\r\n\r\n", self.head("OPTIONS", "ping", 1, ""));
        self.send(&text);
        self.wait_for(" OPTIONS", &text);
    }

    /// A whole call without media; gives the time from INVITE to 200.
    pub fn call(&mut self, number: &str) -> Duration {
        let invite = self.invite(number, "127.0.0.1:9".parse().unwrap());
        let start = Instant::now();
        self.send(&invite);
        let answer = self.wait_for(" INVITE", &invite);
        let took = start.elapsed();
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
        self.end(number, &answer);
        took
    }

    /// ACK and BYE for an answered call.
    pub fn end(&self, number: &str, answer: &str) {
        let bye = self.acknowledge(number, answer);
        self.send(&bye);
        let answer = self.wait_for(" BYE", &bye);
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    }

    /// Sends the ACK of an answered call; gives the BYE that would end it.
    pub fn acknowledge(&self, number: &str, answer: &str) -> String {
        let to = answer.lines().find(|l| l.starts_with("To:")).unwrap();
        let tag = format!(";tag={}", to.split_once(";tag=").unwrap().1.trim());
        self.send(&format!("{}Content-Length: 0\r\n\r\n", self.head("ACK", number, 1, &tag)));
        format!("{}Content-Length: 0\r\n\r\n", self.head("BYE", number, 2, &tag))
    }

    pub fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.server).unwrap();
    }

    /// The final response to a request of this call; the request is sent again each half second.
    pub fn wait_for(&self, method: &str, request: &str) -> String {
        let start = Instant::now();
        let mut bytes = [0; 4_096];
        self.socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        while start.elapsed() < PATIENCE {
            let Ok(length) = self.socket.recv(&mut bytes) else {
                self.send(request);
                continue;
            };
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let of_call = text.contains(&format!("Call-ID: {}-", self.calls));
            let of_method = text.lines().any(|l| l.starts_with("CSeq:") && l.ends_with(method));
            if of_call && of_method && !text.starts_with("SIP/2.0 1") {
                return text;
            }
        }
        panic!("no answer to {request}");
    }
}
