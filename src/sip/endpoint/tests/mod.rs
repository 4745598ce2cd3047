//! Ladders through the public door, under virtual time.

mod bans;
mod challenged;
mod client;
mod pair;
mod reliable;
mod secure;
mod server;
mod sessions;
mod strangers;
mod streams;

use super::*;
use crate::sip::bans::BanPolicy;
use crate::sip::{NameAddr, SipUri};
use bytes::Bytes;
use std::time::Duration;

pub const UDP: ListenerId = ListenerId(0);
pub const TCP: ListenerId = ListenerId(1);

pub fn address(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], port))
}

/// Our own address.
pub fn ours() -> SocketAddr {
    address(1, 5060)
}

/// The peer's.
pub fn peer() -> SocketAddr {
    address(9, 5060)
}

pub fn endpoint(seed: u64, own: SocketAddr) -> Endpoint {
    let listener = |transport| Listener {
        transport,
        bind: own,
        advertise_host: own.ip().to_string(),
        advertise_port: own.port(),
    };
    let config = EndpointConfig {
        listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        user_agent: "cordboard".to_owned(),
        limits: Limits::default(),
        bans: BanPolicy::default(),
    };
    Endpoint::new(config, Random::from_seed(seed))
}

/// An endpoint and the hand-written messages of one peer.
pub struct Bench {
    pub endpoint: Endpoint,
    pub now: Instant,
    pub actions: Vec<Action>,
}

/// What came out: the first line of each message (with its time since the last look left out), and events.
impl Bench {
    pub fn new() -> Self {
        Bench { endpoint: endpoint(1, ours()), now: Instant::from_millis(1_000), actions: Vec::new() }
    }

    pub fn receive(&mut self, text: &str) {
        self.receive_from(peer(), text);
    }

    pub fn receive_from(&mut self, source: SocketAddr, text: &str) {
        let bytes = text.replace('\n', "\r\n");
        let input = Input::Datagram { listener: UDP, source, bytes: bytes.as_bytes(), admitted: true };
        self.endpoint.handle(self.now, input, &mut self.actions);
    }

    /// Lets time pass, timer by timer.
    pub fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(due) = self.endpoint.next_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now, &mut self.actions);
        }
        self.now = end;
    }

    /// Takes the messages that went out since the last look, as text with bare line ends.
    pub fn sent(&mut self) -> Vec<String> {
        let (sent, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.actions)
            .into_iter()
            .partition(|action| matches!(action, Action::SendDatagram { .. } | Action::SendStream { .. }));
        self.actions = kept;
        sent.into_iter()
            .map(|action| match action {
                Action::SendDatagram { bytes, .. } | Action::SendStream { bytes, .. } => {
                    String::from_utf8_lossy(&bytes).replace('\r', "")
                }
                _ => String::new(),
            })
            .collect()
    }

    /// The same, first lines only.
    pub fn lines(&mut self) -> Vec<String> {
        self.sent().iter().map(|text| first_line(text)).collect()
    }

    /// Takes the events since the last look.
    pub fn events(&mut self) -> Vec<Event> {
        let (events, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.actions)
            .into_iter()
            .partition(|action| matches!(action, Action::Event(_)));
        self.actions = kept;
        events
            .into_iter()
            .filter_map(|action| match action {
                Action::Event(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    /// The only event since the last look.
    #[track_caller]
    pub fn event(&mut self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    #[track_caller]
    pub fn assert_nothing(&mut self) {
        assert!(self.actions.is_empty(), "{:?}", self.actions);
    }

    /// After everything has run out nothing is kept.
    #[track_caller]
    pub fn assert_clean(&mut self) {
        self.pass(120_000);
        assert_eq!(self.endpoint.counts(), Counts::default());
    }
}

pub fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The value of a header of a message that was sent.
#[track_caller]
pub fn value<'a>(message: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}: ");
    message
        .lines()
        .find_map(|line| line.strip_prefix(&prefix))
        .unwrap_or_else(|| panic!("{name} in:\n{message}"))
}

pub fn has_header(message: &str, name: &str) -> bool {
    message.lines().any(|line| line.starts_with(&format!("{name}: ")))
}

/// The tag in the To or From of a message that was sent.
#[track_caller]
pub fn tag<'a>(message: &'a str, name: &str) -> &'a str {
    value(message, name).split(";tag=").nth(1).unwrap_or_else(|| panic!("tag of {name} in:\n{message}"))
}

/// An INVITE of the peer.
pub fn invite() -> String {
    request("INVITE", 1, "z9hG4bKinvite", "")
}

/// A request of the peer; in a dialog where `to_tag` is not empty.
pub fn request(method: &str, cseq: u32, branch: &str, to_tag: &str) -> String {
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    format!(
        "{method} sip:100@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch={branch}\n\
         Max-Forwards: 70\nFrom: <sip:caller@192.0.2.9>;tag=theirs\nTo: <sip:100@192.0.2.1>{to_tag}\n\
         Call-ID: call-1\nCSeq: {cseq} {method}\nContact: <sip:caller@192.0.2.9:5060>\nContent-Length: 0\n\n"
    )
}

/// A response of the peer to a request that was sent.
pub fn response(to: &str, code: u16, to_tag: &str) -> String {
    let mut text = format!("SIP/2.0 {code} Some Words\n");
    for line in to.lines() {
        let name = line.split(':').next().unwrap_or_default();
        if name == "To" && !line.contains(";tag=") && !to_tag.is_empty() {
            text.push_str(&format!("{line};tag={to_tag}\n"));
        } else if ["Via", "From", "To", "Call-ID", "CSeq"].contains(&name) {
            text.push_str(&format!("{line}\n"));
        }
    }
    text.push_str("Contact: <sip:agent@192.0.2.9:5060>\nContent-Length: 0\n\n");
    text
}

pub fn outgoing() -> Outgoing {
    let uri = |text| SipUri::parse(text).unwrap_or_else(|| panic!("{text}"));
    Outgoing {
        listener: UDP,
        destination: peer(),
        transport: Transport::Udp,
        request_uri: uri("sip:agent@192.0.2.9"),
        from: NameAddr::new(uri("sip:+15550100@cordboard.example")),
        to: NameAddr::new(uri("sip:agent@192.0.2.9")),
        headers: Vec::new(),
        body: Some(Body {
            content_type: "application/sdp".to_owned(),
            bytes: Bytes::from_static(b"v=0\r\n"),
        }),
        call_id: None,
        max_forwards: None,
        tls: None,
        connection: None,
        silent_max: None,
        routes: Vec::new(),
        account: None,
    }
}
