//! The endpoint, by sequences of what may happen: messages that fit each other half the time, broken ones, timers, streams that
//! open and close, and whatever the call room may ask for. When all is over nothing may be left.
#![no_main]

use arbitrary::Arbitrary;
use cordboard_fuzz::clock::Instant;
use cordboard_fuzz::ids::{ConnectionId, Random};
use cordboard_fuzz::sip::bans::BanPolicy;
use cordboard_fuzz::sip::message::{Method, NameAddr, SipUri};
use cordboard_fuzz::sip::{
    Action, Body, DialogId, Endpoint, EndpointConfig, Event, Input, Limits, Listener, ListenerId, Outgoing,
    TransactionId, Transport,
};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Arbitrary, Debug)]
enum Step {
    Request { method: u8, call: u8, cseq: u8, branch: u8, to_tag: u8, headers: u8, over: Over, admitted: bool },
    Response { code: u16, to: u8, cseq_method: u8, with_tag: bool, headers: u8 },
    Raw { over: Over, bytes: Vec<u8> },
    Open { stream: u8 },
    Close { stream: u8 },
    Wait { ms: u16 },
    Ring(u8),
    Answer(u8),
    Reject { dialog: u8, code: u16 },
    Respond { request: u8, code: u16 },
    Invite { tcp: bool },
    Cancel(u8),
    Bye(u8),
    Ask { dialog: u8, method: u8 },
    Refresh(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Over {
    Datagram(u8),
    Stream(u8),
}

const METHODS: [&str; 14] = [
    "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "REGISTER", "PRACK", "REFER", "NOTIFY", "SUBSCRIBE",
    "MESSAGE", "ODD",
];
const HEADERS: [&str; 12] = [
    "", "Require: 100rel\r\n", "Supported: 100rel, timer, replaces\r\n", "Session-Expires: 90;refresher=uas\r\nMin-SE: 90\r\n",
    "Contact: *\r\n", "Record-Route: <sip:192.0.2.7;lr>\r\n", "RSeq: 1\r\nRequire: 100rel\r\n", "RAck: 1 1 INVITE\r\n",
    "Refer-To: <sip:+15550199@x?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>\r\n", "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n",
    "Replaces: c0;to-tag=t0;from-tag=f0\r\n", "Max-Forwards: 0\r\n",
];

/// All that the endpoint has said so far.
#[derive(Default)]
struct Seen {
    dialogs: Vec<DialogId>,
    requests: Vec<TransactionId>,
    /// Branch, From tag, Call-ID and CSeq of requests of ours.
    ours: Vec<String>,
    tags: Vec<String>,
    steps: usize,
}

struct World {
    endpoint: Endpoint,
    now: Instant,
    actions: Vec<Action>,
    seen: Seen,
}

fuzz_target!(|steps: Vec<Step>| {
    let listener = |transport, port| Listener {
        transport,
        bind: SocketAddr::from(([192, 0, 2, 1], port)),
        advertise_host: "192.0.2.1".to_owned(),
        advertise_port: port,
    };
    let config = EndpointConfig {
        listeners: vec![listener(Transport::Udp, 5060), listener(Transport::Tcp, 5060)],
        user_agent: "fuzz".to_owned(),
        limits: Limits::default(),
        bans: BanPolicy::default(),
    };
    let mut world = World {
        endpoint: Endpoint::new(config, Random::from_seed(1)),
        now: Instant::ZERO,
        actions: Vec::new(),
        seen: Seen::default(),
    };
    for step in steps.into_iter().take(200) {
        world.step(step);
    }
    world.end();
});

impl World {
    fn step(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Request { method, call, cseq, branch, to_tag, headers, over, admitted } => {
                let text = self.request(method, call, cseq, branch, to_tag, headers);
                self.bring(over, text.as_bytes(), admitted);
            }
            Step::Response { code, to, cseq_method, with_tag, headers } => {
                if let Some(text) = self.response(code, to, cseq_method, with_tag, headers) {
                    self.bring(Over::Datagram(1), text.as_bytes(), true);
                }
            }
            Step::Raw { over, bytes } => self.bring(over, &bytes, true),
            Step::Open { stream } => self.handle(Input::StreamOpened {
                connection: ConnectionId(u64::from(stream % 4)),
                listener: ListenerId(1),
                peer: SocketAddr::from(([192, 0, 2, 9], 40_000 + u16::from(stream % 4))),
                admitted: true,
            }),
            Step::Close { stream } => {
                self.handle(Input::StreamClosed { connection: ConnectionId(u64::from(stream % 4)) });
            }
            Step::Wait { ms } => self.wait(Duration::from_millis(u64::from(ms))),
            Step::Ring(at) => {
                if let Some(dialog) = self.dialog(at) {
                    self.endpoint.ring(now, dialog, 180, "", None, &mut self.actions);
                }
            }
            Step::Answer(at) => {
                if let Some(dialog) = self.dialog(at) {
                    self.endpoint.answer(now, dialog, &[], Some(body()), &mut self.actions);
                }
            }
            Step::Reject { dialog, code } => {
                if let Some(dialog) = self.dialog(dialog) {
                    self.endpoint.reject(now, dialog, code, "", &[], &mut self.actions);
                }
            }
            Step::Respond { request, code } => {
                let known = &self.seen.requests;
                if let Some(transaction) = known.get(usize::from(request) % known.len().max(1)).copied() {
                    self.endpoint.respond(now, transaction, code, "", &[], None, &mut self.actions);
                }
            }
            Step::Invite { tcp } => self.invite(tcp),
            Step::Cancel(at) => {
                if let Some(dialog) = self.dialog(at) {
                    self.endpoint.cancel(now, dialog, None, &mut self.actions);
                }
            }
            Step::Bye(at) => {
                if let Some(dialog) = self.dialog(at) {
                    self.endpoint.bye(now, dialog, None, &mut self.actions);
                }
            }
            Step::Refresh(at) => {
                if let Some(dialog) = self.dialog(at) {
                    self.endpoint.refresh(now, dialog, Some(body()), &mut self.actions);
                }
            }
            Step::Ask { dialog, method } => {
                let known = [rsip::Method::Invite, rsip::Method::Update, rsip::Method::Info, rsip::Method::Options];
                let method = Method::from(known[usize::from(method) % known.len()].clone());
                if let Some(dialog) = self.dialog(dialog) {
                    self.endpoint.request(now, dialog, method, &[], Some(body()), &mut self.actions);
                }
            }
        }
        self.look();
    }

    fn bring(&mut self, over: Over, bytes: &[u8], admitted: bool) {
        let input = match over {
            Over::Datagram(source) => Input::Datagram {
                listener: ListenerId(0),
                source: SocketAddr::from(([192, 0, 2, 9], 5_060 + u16::from(source % 3))),
                bytes,
                admitted,
            },
            Over::Stream(stream) => Input::StreamData { connection: ConnectionId(u64::from(stream % 4)), bytes },
        };
        self.handle(input);
    }

    fn handle(&mut self, input: Input<'_>) {
        self.endpoint.handle(self.now, input, &mut self.actions);
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            let Some(due) = self.endpoint.next_timeout().filter(|due| *due <= end) else { break };
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now, &mut self.actions);
            self.look();
        }
        self.now = end;
    }

    fn dialog(&self, at: u8) -> Option<DialogId> {
        self.seen.dialogs.get(usize::from(at) % self.seen.dialogs.len().max(1)).copied()
    }

    fn request(&self, method: u8, call: u8, cseq: u8, branch: u8, to_tag: u8, headers: u8) -> String {
        let method = METHODS[usize::from(method) % METHODS.len()];
        let (call, headers) = (call % 4, HEADERS[usize::from(headers) % HEADERS.len()]);
        let tag = match self.seen.tags.get(usize::from(to_tag)) {
            Some(tag) => format!(";tag={tag}"),
            None if to_tag % 3 == 0 => ";tag=t0".to_owned(),
            None => String::new(),
        };
        format!(
            "{method} sip:+15550100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5061;branch=z9hG4bK{};rport\r\n\
             From: <sip:a@192.0.2.9>;tag=f{call}\r\nTo: <sip:+15550100@192.0.2.1>{tag}\r\nCall-ID: c{call}\r\n\
             CSeq: {} {method}\r\nContact: <sip:a@192.0.2.9:5061>\r\n{headers}Content-Length: 0\r\n\r\n",
            branch % 8,
            cseq % 8,
        )
    }

    /// To a request of ours.
    fn response(&self, code: u16, to: u8, method: u8, with_tag: bool, headers: u8) -> Option<String> {
        let ours = &self.seen.ours;
        let request = ours.get(usize::from(to) % ours.len().max(1))?;
        let line = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        let tag = if with_tag { ";tag=theirs" } else { "" };
        let cseq = match method % 4 {
            0 => format!("CSeq: 1 {}", METHODS[usize::from(method) % METHODS.len()]),
            _ => line("CSeq").to_owned(),
        };
        let to_line = line("To").split(";tag").next().unwrap_or_default();
        let headers = HEADERS[usize::from(headers) % HEADERS.len()];
        Some(format!(
            "SIP/2.0 {:03} X\r\n{}\r\n{}\r\n{to_line}{tag}\r\n{}\r\n{cseq}\r\nContact: <sip:b@192.0.2.9:5060>\r\n{headers}Content-Length: 0\r\n\r\n",
            100 + code % 600,
            line("Via"),
            line("From"),
            line("Call-ID"),
        ))
    }

    fn invite(&mut self, tcp: bool) {
        let uri = |text: &str| SipUri::parse(text).expect("a URI");
        let outgoing = Outgoing {
            listener: ListenerId(0),
            destination: SocketAddr::from(([192, 0, 2, 9], 5_060)),
            transport: if tcp { Transport::Tcp } else { Transport::Udp },
            request_uri: uri("sip:b@192.0.2.9"),
            from: NameAddr::new(uri("sip:a@192.0.2.1")),
            to: NameAddr::new(uri("sip:b@192.0.2.9")),
            headers: Vec::new(),
            body: Some(body()),
            call_id: None,
            max_forwards: None,
            tls: None,
            connection: None,
            silent_max: None,
            routes: Vec::new(),
            account: None,
        };
        let dialog = self.endpoint.invite(self.now, outgoing, &mut self.actions);
        self.seen.dialogs.push(dialog);
    }

    /// Takes note of what the endpoint said.
    fn look(&mut self) {
        self.seen.steps += 1;
        for action in std::mem::take(&mut self.actions) {
            match action {
                Action::SendDatagram { bytes, .. } | Action::SendStream { bytes, .. } => self.note(&bytes),
                Action::Event(Event::Invite { dialog, .. }) => self.seen.dialogs.push(dialog),
                Action::Event(Event::Request { transaction, .. }) => self.seen.requests.push(transaction),
                _ => {}
            }
        }
    }

    fn note(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        assert!(cordboard_fuzz::sip::message::parse_datagram(bytes).is_none_or(|read| read.is_ok()), "{text}");
        if text.starts_with("SIP/2.0") {
            let to = text.lines().find(|line| line.starts_with("To:")).unwrap_or_default();
            self.seen.tags.extend(to.split(";tag=").nth(1).map(str::to_owned));
        } else {
            self.seen.ours.push(text.into_owned());
        }
        for list in [&mut self.seen.ours, &mut self.seen.tags] {
            let surplus = list.len().saturating_sub(32);
            list.drain(..surplus);
        }
    }

    /// Everything is hung up; after an hour nothing is left.
    fn end(&mut self) {
        for stream in 0..4 {
            self.handle(Input::StreamClosed { connection: ConnectionId(stream) });
        }
        for dialog in std::mem::take(&mut self.seen.dialogs) {
            self.endpoint.reject(self.now, dialog, 480, "", &[], &mut self.actions);
            self.endpoint.cancel(self.now, dialog, None, &mut self.actions);
            self.endpoint.bye(self.now, dialog, None, &mut self.actions);
        }
        for transaction in std::mem::take(&mut self.seen.requests) {
            self.endpoint.respond(self.now, transaction, 480, "", &[], None, &mut self.actions);
        }
        self.wait(Duration::from_secs(3_600));
        let counts = self.endpoint.counts();
        let left = (counts.server_transactions, counts.client_transactions, counts.dialogs, counts.half_open);
        assert_eq!(left, (0, 0, 0, 0), "{counts:?}");
    }
}

fn body() -> Body {
    Body { content_type: "application/sdp".to_owned(), bytes: "v=0\r\n".into() }
}
