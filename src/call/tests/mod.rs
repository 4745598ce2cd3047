//! Ladders through the switchboard, under virtual time: SIP as text, media as the commands that the engine gets.

mod accounts;
mod acknowledgement;
mod agents;
mod bans;
mod credentials;
mod early;
mod hold;
mod insight;
mod log;
mod nothing_came;
mod numbers;
mod offers;
mod sessions;
mod telephones;
mod transfers;
mod trials;
mod trunks;
mod waiting;

use super::b2bua::Settings;
use super::media_leg::MediaSettings;
use super::ports::{Port, ThreadId};
use super::record::CallRecord;
use super::snapshot::{Agent, Answers, Number, Pattern, Prompts, Snapshot, Trunk};
use super::switchboard::{Counts, Switchboard, SwitchboardConfig};
use super::{Action, Input};
use crate::audio::Clip;
use crate::clock::{Instant, Now, Wall};
use crate::flow::{Flow, Library, LiveFlow, Party, Resources};
use crate::ids::{ConnectionId, LegId, PortId, Random};
use crate::media::{self, Command, Statistics};
use crate::sip::bans::BanPolicy;
use crate::sip::digest::Hash;
use crate::sip::endpoint::{self as sip, EndpointConfig, Limits, Listener};
use crate::sip::{ListenerId, Transport};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const UDP: ListenerId = ListenerId(0);
const TCP: ListenerId = ListenerId(1);
const CONNECTION: ConnectionId = ConnectionId(1);
const THREAD: ThreadId = ThreadId(0);

/// Numbers and what they do.
const GREETED: &str = "+15550100";
const DIRECT: &str = "+15550102";
const BY_NAME: &str = "+15550103";
const SPOKEN: &str = "+15550104";
const TWICE: &str = "+15550105";

const FLOWS: [(&str, &str); 5] = [
    (
        GREETED,
        r#"{"schema": "callflow/1", "id": "greeted", "name": "Greeted", "entry": "hello", "steps": {
        "hello": {"type": "greeting", "name": "Hello", "config": {"audio": {"kind": "file", "id": "hello"}},
         "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}}}}"#,
    ),
    (
        DIRECT,
        r#"{"schema": "callflow/1", "id": "direct", "name": "Direct", "entry": "agent", "steps": {
        "agent": {"type": "dial", "name": "Agent", "config": {"target": {"kind": "user", "value": "alice"},
         "ringSec": 20}, "on": {"no_response": "busy"}},
        "busy": {"type": "hangup", "name": "Busy", "config": {"sipReason": 486}}}}"#,
    ),
    (
        BY_NAME,
        r#"{"schema": "callflow/1", "id": "by_name", "name": "By name", "entry": "desk", "steps": {
        "desk": {"type": "dial", "name": "Desk", "config": {"target": {"kind": "sip",
         "value": "sip:desk@desk.example"}, "ringSec": 20}, "on": {"no_response": "busy"}},
        "busy": {"type": "hangup", "name": "Busy", "config": {"sipReason": 486}}}}"#,
    ),
    (
        TWICE,
        r#"{"schema": "callflow/1", "id": "twice", "name": "Twice", "entry": "first", "steps": {
        "first": {"type": "dial", "name": "First", "config": {"target": {"kind": "user", "value": "alice"},
         "ringSec": 20, "afterAnswered": "continue"}, "on": {"after_call": "second", "no_response": "second"}},
        "second": {"type": "dial", "name": "Second", "config": {"target": {"kind": "user", "value": "alice"},
         "ringSec": 20}, "on": {"no_response": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}}}}"#,
    ),
    (
        SPOKEN,
        r#"{"schema": "callflow/1", "id": "spoken", "name": "Spoken", "entry": "hello", "steps": {
        "hello": {"type": "greeting", "name": "Hello", "config": {"audio": {"kind": "tts",
         "text": "Your number is {{call.from}}."}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}}}}"#,
    ),
];

fn caller() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 9], 5060))
}

fn agent() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 20], 5071))
}

fn snapshot() -> Arc<Snapshot> {
    let number = |(number, text): (&str, &str)| {
        let (flow, _) = Flow::compile(text, &Resources::default()).unwrap_or_else(|e| panic!("{e:#?}"));
        let answers = Answers::Flow(flow.id().to_owned());
        let live = LiveFlow::new(Arc::new(flow), 1);
        (Number::new(Pattern::Exact(number.to_owned()), "", answers), live)
    };
    let (numbers, flows): (Vec<_>, Vec<_>) = FLOWS.into_iter().map(number).unzip();
    let alice = Agent {
        id: "alice".to_owned(),
        name: "Alice".to_owned(),
        skills: Vec::new(),
        uri: Some(format!("sip:alice@{}", agent())),
        address: Some(agent()),
        crm_user: None,
        password: None,
    };
    let trunk = Trunk {
        id: "carrier".to_owned(),
        sources: vec!["192.0.2.0/24".parse().unwrap()],
        ..Trunk::default()
    };
    let clip = Arc::new(Clip::from_samples(&[1; 800]));
    Arc::new(Snapshot {
        revision: 1,
        numbers: numbers.into(),
        trunks: vec![trunk],
        agents: [("alice".to_owned(), alice)].into(),
        library: Arc::new(Library {
            flows: flows.into_iter().map(|live| (live.live.flow.id().to_owned(), live)).collect(),
            ..Library::default()
        }),
        prompts: Prompts {
            files: [("hello".to_owned(), clip.clone())].into(),
            music: Some(clip),
            ..Prompts::default()
        },
        ..Snapshot::default()
    })
}

/// A switchboard, and what it wanted done since the last look.
struct Bench {
    switchboard: Switchboard,
    now: Now,
    actions: Vec<Action>,
}

impl Bench {
    /// With so many port pairs bound.
    fn with_ports(pairs: usize) -> Self {
        let own = SocketAddr::from(([192, 0, 2, 1], 5060));
        let listener = |transport| Listener {
            transport,
            bind: own,
            advertise_host: own.ip().to_string(),
            advertise_port: own.port(),
        };
        let config = SwitchboardConfig {
            endpoint: EndpointConfig {
                listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
                user_agent: "cordboard".to_owned(),
                limits: Limits::default(),
                bans: BanPolicy::default(),
            },
            settings: Settings {
                domain: "cordboard.example".to_owned(),
                digest: vec![Hash::Sha256, Hash::Md5],
                media: MediaSettings {
                    advertise: own.ip(),
                    advertise_ipv6: None,
                    advertise_of: Vec::new(),
                    inactivity: Duration::from_secs(60),
                    certificates: Vec::new(),
                },
            },
            media_threads: 1,
            port_pairs: 8,
            calls_max: 10,
            never_banned: vec!["203.0.113.64/26".parse().unwrap()],
        };
        let now = Now { instant: Instant::from_millis(1_000), wall: Wall::from_unix_seconds(1_795_380_337) };
        let switchboard = Switchboard::new(config, snapshot(), Random::from_seed(1));
        let mut bench = Bench { switchboard, now, actions: Vec::new() };
        bench.bind(pairs);
        bench
    }

    fn new() -> Self {
        Self::with_ports(8)
    }

    fn bind(&mut self, pairs: usize) {
        let port = |n: usize| Port { id: PortId(n as u64), number: 20_000 + 2 * n as u16 };
        let ports = (0..pairs).map(port).collect();
        self.handle(Input::PortsBound { thread: THREAD, asked: 8, ports });
    }

    fn handle(&mut self, input: Input<'_>) {
        self.switchboard.handle(self.now, input, &mut self.actions);
    }

    fn receive(&mut self, source: SocketAddr, text: &str) {
        let bytes = text.replace('\n', "\r\n");
        self.handle(Input::Datagram { listener: UDP, source, bytes: bytes.as_bytes() });
    }

    fn receive_stream(&mut self, text: &str) {
        let bytes = text.replace('\n', "\r\n");
        self.handle(Input::StreamData { connection: CONNECTION, bytes: bytes.as_bytes() });
    }

    /// Lets time pass, timer by timer.
    fn pass(&mut self, ms: u64) {
        let end = self.now.later(Duration::from_millis(ms));
        while let Some(due) = self.switchboard.next_timeout().filter(|due| *due <= end.instant) {
            self.now = self.now.later(due - self.now.instant);
            self.switchboard.handle_timeout(self.now, &mut self.actions);
        }
        self.now = end;
    }

    fn take<T>(&mut self, wanted: impl Fn(&Action) -> Option<T>) -> Vec<T> {
        let found = self.actions.iter().filter_map(&wanted).collect();
        self.actions.retain(|action| wanted(action).is_none());
        found
    }

    /// Takes the SIP messages that went out since the last look, with bare line ends.
    fn sent(&mut self) -> Vec<String> {
        self.take(|action| match action {
            Action::Sip(sip::Action::SendDatagram { bytes, .. } | sip::Action::SendStream { bytes, .. }) => {
                Some(String::from_utf8_lossy(bytes).replace('\r', ""))
            }
            _ => None,
        })
    }

    /// The same: methods and codes alone.
    fn heads(&mut self) -> Vec<String> {
        self.sent().iter().map(|text| head(text)).collect()
    }

    /// Takes what the engine was told since the last look, in words.
    fn media(&mut self) -> Vec<String> {
        self.take(|action| match action {
            Action::Media { command, .. } => Some(match command {
                Command::Open { leg, config, .. } => format!("open {leg} {}", config.remote_rtp.ip()),
                Command::Update { leg, .. } => format!("update {leg}"),
                Command::Close { leg } => format!("close {leg}"),
                Command::Play { leg, .. } => format!("play {leg}"),
                Command::Stop { leg, .. } => format!("stop {leg}"),
                Command::Listen { leg, in_band } => format!("listen {leg} {in_band}"),
                Command::InfoDigit { leg, digit, .. } => format!("info {leg} {digit}"),
                Command::Bridge { a, b } => format!("bridge {a} {b}"),
                Command::Unbridge { leg } => format!("unbridge {leg}"),
                Command::Capture { leg, .. } => format!("capture {leg}"),
                Command::EndCapture { leg } => format!("end capture {leg}"),
                Command::Press { leg, keys, .. } => format!("press {leg} {keys}"),
                Command::Record { leg, .. } => format!("record {leg}"),
            }),
            _ => None,
        })
    }

    /// Takes the records since the last look.
    fn records(&mut self) -> Vec<CallRecord> {
        self.take(|action| match action {
            Action::Record(record) => Some((**record).clone()),
            _ => None,
        })
    }

    /// Says that the engine has closed a leg.
    fn closed(&mut self, leg: u64) {
        let event =
            media::Event::Closed { leg: LegId(leg), port: PortId(0), statistics: Statistics::default() };
        self.handle(Input::Media { thread: THREAD, event });
    }

    /// The leg of a party that was dialled.
    fn dialled_leg(&self) -> LegId {
        let mut legs = self.switchboard.index.legs.iter();
        *legs.find(|(_, (_, party))| matches!(party, Party::Dialled(_))).expect("a dialled leg").0
    }

    /// After everything has run out nothing is kept.
    #[track_caller]
    fn assert_clean(&mut self) {
        self.pass(120_000);
        assert_eq!(self.switchboard.counts(), Counts::default());
    }
}

/// `INVITE`, or `200 INVITE`.
fn head(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    match first.strip_prefix("SIP/2.0 ") {
        Some(rest) => format!("{} {}", &rest[..3], value(message, "CSeq").split(' ').nth(1).unwrap_or("")),
        None => first.split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// The value of a header of a message that was sent.
#[track_caller]
fn value<'a>(message: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}: ");
    let found = message.lines().find_map(|line| line.strip_prefix(&prefix));
    found.unwrap_or_else(|| panic!("{name} in:\n{message}"))
}

fn tag<'a>(message: &'a str, name: &str) -> &'a str {
    value(message, name).split(";tag=").nth(1).unwrap_or_default()
}

/// The one message of that kind.
#[track_caller]
fn only(messages: &[String], kind: &str) -> String {
    let found: Vec<_> = messages.iter().filter(|text| head(text) == kind).collect();
    assert_eq!(found.len(), 1, "{kind} in {messages:#?}");
    found[0].clone()
}

/// An SDP body that wants media at a host.
fn sdp(host: IpAddr) -> String {
    format!("v=0\no=- 1 1 IN IP4 {host}\ns=-\nc=IN IP4 {host}\nt=0 0\nm=audio 4000 RTP/AVP 0\n")
}

/// A request of the caller; in a dialog where `to_tag` is not empty.
fn request(method: &str, number: &str, cseq: u32, transport: Transport, to_tag: &str, body: &str) -> String {
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let (at, transport) = (caller(), transport.as_str());
    let (kind, length) =
        if body.is_empty() { ("", 0) } else { ("Content-Type: application/sdp\n", length(body)) };
    format!(
        "{method} sip:{number}@192.0.2.1 SIP/2.0\nVia: SIP/2.0/{transport} {at};branch=z9hG4bK{method}{cseq}\n\
         Max-Forwards: 70\nFrom: <sip:+14155550123@{at}>;tag=theirs\nTo: <sip:{number}@192.0.2.1>{to_tag}\n\
         Call-ID: call-1\nCSeq: {cseq} {method}\nContact: <sip:caller@{at}>\n{kind}Content-Length: {length}\n\n{body}"
    )
}

/// An INVITE over UDP, with media at the host it comes from.
fn invite(number: &str) -> String {
    request("INVITE", number, 1, Transport::Udp, "", &sdp(caller().ip()))
}

/// The ACK of a 200 that was sent.
fn ack(answer: &str, body: &str) -> String {
    request("ACK", GREETED, 1, Transport::Udp, tag(answer, "To"), body)
}

/// A request of the agent in the dialog of an INVITE that it got.
fn of_agent(to_agent: &str, method: &str, cseq: u32, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!(
        "{method} sip:cordboard@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP {at};branch=z9hG4bKa{method}{cseq}\n\
         Max-Forwards: 70\nFrom: {from};tag=agents\nTo: {to}\nCall-ID: {id}\nCSeq: {cseq} {method}\n\
         Contact: <sip:alice@{at}>\n{kind}Content-Length: {length}\n\n{body}",
        at = agent(),
        from = value(to_agent, "To"),
        to = value(to_agent, "From"),
        id = value(to_agent, "Call-ID"),
        length = length(body),
    )
}

/// A message with one more header.
fn with(message: &str, header: &str) -> String {
    message.replacen("CSeq:", &format!("{header}\nCSeq:"), 1)
}

/// The body of a message that was sent.
fn body(message: &str) -> &str {
    message.split_once("\n\n").map_or("", |(_, body)| body)
}

/// A response of the agent to a request that was sent.
fn response(to: &str, code: u16, body: &str) -> String {
    let mut text = format!("SIP/2.0 {code} Some Words\n");
    for line in to.lines() {
        let name = line.split(':').next().unwrap_or_default();
        let tag = if name == "To" && !line.contains(";tag=") { ";tag=agents" } else { "" };
        if ["Via", "From", "To", "Call-ID", "CSeq"].contains(&name) {
            text.push_str(&format!("{line}{tag}\n"));
        }
    }
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    let length = length(body);
    format!("{text}Contact: <sip:alice@{}>\n{kind}Content-Length: {length}\n\n{body}", agent())
}

/// In bytes, with the line ends that go over the wire.
fn length(body: &str) -> usize {
    body.len() + body.matches('\n').count()
}
