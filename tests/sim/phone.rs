//! A model phone: a user agent of its own that follows a script, and breaks rules where the script says so.

use super::house::{self, Role, address, caller_number, server};
use super::script::{Answer, Conduct, KeyBy, Media, ms};
use super::voice::Voice;
use bytes::Bytes;
use cordboard::audio::Codec;
use cordboard::clock::Instant;
use cordboard::ids::Random;
use cordboard::sip::bans::BanPolicy;
use cordboard::sip::{
    Action, Body, DialogId, Endpoint, EndpointConfig, Event, Failure, Input, Limits, Listener, ListenerId,
    NameAddr, Outgoing, SipUri, Transport,
};
use std::net::SocketAddr;
use std::time::Duration;

/// Nobody stays on the line for longer.
const PATIENCE: Duration = Duration::from_secs(100);

/// What a phone sends.
pub enum Out {
    Sip(Bytes),
    Rtp { from: SocketAddr, to: SocketAddr, bytes: Vec<u8> },
}

/// What a person does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Answer,
    Refuse(u16),
    Key(char, KeyBy),
    HangUp,
    GiveUp,
    Crash,
    Hold,
    Resume,
    Garbage,
}

/// What became of the phone's calls.
#[derive(Default, Debug)]
pub struct Fate {
    pub rang: u32,
    pub answered: u32,
    pub refused_with: Option<u16>,
    pub hung_up_by_server: u32,
}

pub struct Phone {
    pub role: Role,
    pub call: usize,
    pub address: SocketAddr,
    pub conduct: Conduct,
    pub voice: Option<Voice>,
    pub fate: Fate,
    pub crashed: bool,
    pub endpoint: Endpoint,
    /// What the world's heap holds for this phone.
    pub scheduled: Option<Instant>,
    call_id: String,
    dialog: Option<DialogId>,
    deeds: Vec<(Instant, Deed)>,
    on_hold: bool,
    keeps_audio: bool,
    said_bye: bool,
    random: Random,
    actions: Vec<Action>,
}

impl Phone {
    pub fn new(role: Role, call: usize, conduct: Conduct, keeps_audio: bool, mut random: Random) -> Self {
        let address = address(role, call);
        let listener = Listener {
            transport: Transport::Udp,
            bind: address,
            advertise_host: address.ip().to_string(),
            advertise_port: address.port(),
        };
        let config = EndpointConfig {
            listeners: vec![listener],
            user_agent: "phone".to_owned(),
            limits: Limits::default(),
            bans: BanPolicy::default(),
        };
        Phone {
            role,
            call,
            address,
            conduct,
            voice: None,
            fate: Fate::default(),
            crashed: false,
            endpoint: Endpoint::new(config, random.fork()),
            scheduled: None,
            call_id: String::new(),
            dialog: None,
            deeds: Vec::new(),
            on_hold: false,
            keeps_audio,
            said_bye: false,
            random,
            actions: Vec::new(),
        }
    }

    /// Calls a Smart Number.
    pub fn dial(&mut self, now: Instant, number: &str, call_id: String, out: &mut Vec<Out>) {
        let uri = |user: &str, at: SocketAddr| {
            SipUri::sip(user, &at.ip().to_string(), Some(at.port())).expect("a user and an address")
        };
        let from = NameAddr::new(uri(&caller_number(self.call), self.address));
        let body = (!matches!(self.conduct.media, Media::NoOffer { .. })).then(|| self.describe(None));
        self.call_id.clone_from(&call_id);
        let outgoing = Outgoing {
            listener: ListenerId(0),
            destination: server(),
            transport: Transport::Udp,
            request_uri: uri(number, server()),
            from,
            to: NameAddr::new(uri(number, server())),
            headers: Vec::new(),
            body,
            max_forwards: None,
            routes: Vec::new(),
            account: None,
            call_id: Some(call_id),
            tls: None,
            connection: None,
            silent_max: None,
        };
        self.dialog = Some(self.endpoint.invite(now, outgoing, &mut self.actions));
        self.deeds.extend(self.conduct.gives_up.map(|after| (now + after, Deed::GiveUp)));
        self.settle(now, out);
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        if self.crashed {
            return None;
        }
        let deed = self.deeds.iter().map(|(at, _)| *at).min();
        let voice = self.voice.as_ref().and_then(Voice::next_timeout);
        [deed, voice, self.endpoint.next_timeout()].into_iter().flatten().min()
    }

    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Out>) {
        if self.crashed {
            return;
        }
        self.endpoint.handle_timeout(now, &mut self.actions);
        while let Some(index) = (0..self.deeds.len()).find(|i| self.deeds[*i].0 <= now) {
            let (_, deed) = self.deeds.remove(index);
            self.act(now, deed);
        }
        if let Some(voice) = self.voice.as_mut().filter(|_| !self.crashed) {
            let (from, to) = (voice.local, voice.remote);
            voice.handle_timeout(now, |bytes| out.push(Out::Rtp { from, to, bytes }));
        }
        self.settle(now, out);
    }

    pub fn receive(&mut self, now: Instant, bytes: &[u8], out: &mut Vec<Out>) {
        let oddities = self.conduct.oddities;
        let is_deaf = self.crashed
            || (self.role != Role::Caller && self.conduct.answer == Answer::Dead)
            || (oddities.ignores_bye && bytes.starts_with(b"BYE "))
            || (oddities.ignores_cancel && bytes.starts_with(b"CANCEL "));
        if !is_deaf {
            let input = Input::Datagram { listener: ListenerId(0), source: server(), bytes, admitted: true };
            self.endpoint.handle(now, input, &mut self.actions);
            self.settle(now, out);
        }
    }

    pub fn hear(&mut self, bytes: &[u8]) {
        if let Some(voice) = self.voice.as_mut().filter(|_| !self.crashed) {
            voice.hear(bytes);
        }
    }

    /// Carries out what the endpoint wants until it wants nothing more.
    fn settle(&mut self, now: Instant, out: &mut Vec<Out>) {
        while !self.actions.is_empty() {
            for action in std::mem::take(&mut self.actions) {
                match action {
                    Action::SendDatagram { bytes, .. } => self.send(bytes, out),
                    Action::Event(event) => self.event(now, event),
                    other => panic!("a phone has no streams: {other:?}"),
                }
            }
        }
    }

    /// The last thing before the network: here rules are broken.
    fn send(&mut self, bytes: Bytes, out: &mut Vec<Out>) {
        if self.crashed {
            return;
        }
        let oddities = self.conduct.oddities;
        if bytes.starts_with(b"ACK ") {
            if oddities.never_acknowledges {
                return;
            }
            if self.conduct.media == (Media::NoOffer { answers: true }) {
                return out.push(Out::Sip(self.with_answer(&bytes)));
            }
        }
        if oddities.bye_twice && bytes.starts_with(b"BYE ") && !self.said_bye {
            self.said_bye = true;
            out.push(Out::Sip(bytes.clone()));
            let text = String::from_utf8_lossy(&bytes).replace("branch=z9hG4bK", "branch=z9hG4bKagain");
            let number = text.split("CSeq: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("1");
            let next = number.parse::<u32>().unwrap_or(1) + 1;
            let text = text.replace(&format!("CSeq: {number} BYE"), &format!("CSeq: {next} BYE"));
            return out.push(Out::Sip(text.into()));
        }
        out.push(Out::Sip(bytes));
    }

    fn with_answer(&self, ack: &[u8]) -> Bytes {
        let body = self.describe(None).bytes;
        let text = String::from_utf8_lossy(ack);
        let length = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n", body.len());
        let text = text.replace("Content-Length: 0\r\n\r\n", &length);
        [text.as_bytes(), &body].concat().into()
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Invite { dialog, request, .. } => {
                self.dialog = Some(dialog);
                self.fate.rang += 1;
                self.endpoint.ring(now, dialog, 180, "", None, &mut self.actions);
                self.listen_to(now, request.body());
                match self.conduct.answer {
                    Answer::After(after) => self.deeds.push((now + after, Deed::Answer)),
                    Answer::Refuses(after, code) => self.deeds.push((now + after, Deed::Refuse(code))),
                    Answer::Never | Answer::Dead => {}
                }
            }
            Event::Answered { response, .. } => {
                self.fate.answered += 1;
                self.listen_to(now, response.body());
                self.begin(now);
            }
            Event::Failed { failure, .. } => {
                if let Failure::Response(response) = failure {
                    self.fate.refused_with = Some(response.code());
                }
                self.over();
            }
            Event::Cancelled { .. } => self.over(),
            Event::Bye { .. } => {
                self.fate.hung_up_by_server += 1;
                self.over();
            }
            Event::NotAcknowledged { dialog } => {
                self.endpoint.bye(now, dialog, None, &mut self.actions);
                self.over();
            }
            Event::Request { transaction, .. } => {
                self.endpoint.respond(now, transaction, 501, "", &[], None, &mut self.actions);
            }
            Event::Refused { .. }
            | Event::Knock { .. }
            | Event::Offended { .. }
            | Event::Acknowledged { .. }
            | Event::AcknowledgedAgain { .. }
            | Event::Pracked { .. }
            | Event::RefreshDue { .. }
            | Event::SessionExpired { .. }
            | Event::Provisional { .. }
            | Event::Response { .. }
            | Event::Reply(_) => {}
        }
    }

    /// The call stands: the script's clock starts.
    fn begin(&mut self, now: Instant) {
        let conduct = &self.conduct;
        let mut deeds = vec![(now + PATIENCE, Deed::HangUp)];
        deeds.extend(conduct.keys.iter().map(|(after, key, by)| (now + *after, Deed::Key(*key, *by))));
        deeds.extend(conduct.hangs_up.map(|after| (now + after, Deed::HangUp)));
        deeds.extend(conduct.crashes.map(|after| (now + after, Deed::Crash)));
        if let Some((after, length)) = conduct.holds {
            deeds.push((now + after, Deed::Hold));
            deeds.push((now + after + length, Deed::Resume));
        }
        if conduct.oddities.garbage_info {
            deeds.extend((1..4).map(|n| (now + ms(300 * n), Deed::Garbage)));
        }
        self.deeds.append(&mut deeds);
        if let Some(voice) = &mut self.voice {
            voice.resume(now);
        }
    }

    fn act(&mut self, now: Instant, deed: Deed) {
        let Some(dialog) = self.dialog else { return };
        match deed {
            Deed::Answer => {
                let body = self.describe(None);
                self.endpoint.answer(now, dialog, &[], Some(body), &mut self.actions);
                self.fate.answered += 1;
                self.begin(now);
            }
            Deed::Refuse(code) => self.endpoint.reject(now, dialog, code, "", &[], &mut self.actions),
            Deed::Key(digit, KeyBy::Info) => {
                self.info(now, "application/dtmf-relay", format!("Signal={digit}\r\nDuration=160\r\n"));
            }
            Deed::Key(digit, by) => {
                if let Some(voice) = &mut self.voice {
                    voice.press(digit, by);
                }
            }
            Deed::HangUp => {
                self.endpoint.bye(now, dialog, None, &mut self.actions);
                self.over();
            }
            Deed::GiveUp => {
                self.endpoint.cancel(now, dialog, None, &mut self.actions);
                if self.fate.answered > 0 {
                    self.over();
                }
            }
            Deed::Crash => self.crashed = true,
            Deed::Hold | Deed::Resume => {
                self.on_hold = matches!(deed, Deed::Hold);
                let body = self.describe(Some(if self.on_hold { "sendonly" } else { "sendrecv" }));
                let method = rsip::Method::Invite.into();
                self.endpoint.request(now, dialog, method, &[], Some(body), &mut self.actions);
                if let Some(voice) = &mut self.voice {
                    if self.on_hold { voice.sends = false } else { voice.resume(now) }
                }
            }
            Deed::Garbage => {
                let types = ["application/dtmf-relay", "text/plain", "application/dtmf"];
                let kind = types[self.random.below(3) as usize];
                self.info(now, kind, "Signal=?\r\nDuration=-1\u{0}\r\n".to_owned());
            }
        }
    }

    fn info(&mut self, now: Instant, content_type: &str, text: String) {
        let Some(dialog) = self.dialog else { return };
        let body = Body { content_type: content_type.to_owned(), bytes: text.into() };
        self.endpoint.request(now, dialog, rsip::Method::Info.into(), &[], Some(body), &mut self.actions);
    }

    /// Hung up, one way or the other. What was said to the network goes on by itself.
    fn over(&mut self) {
        self.deeds.clear();
        self.dialog = None;
        if let Some(voice) = &mut self.voice {
            voice.sends = false;
        }
    }

    fn describe(&self, direction: Option<&str>) -> Body {
        let ip = self.address.ip();
        let (formats, ptime, own) = match self.conduct.media {
            Media::Signalling => ("0 8 101", 20, "inactive"),
            Media::Full { codec: Codec::Pcmu, ptime_ms } => ("0 8 101", ptime_ms, "sendrecv"),
            Media::Full { codec: Codec::Pcma, ptime_ms } => ("8 0 101", ptime_ms, "sendrecv"),
            Media::Mute | Media::NoOffer { .. } => ("0 101", 20, "sendrecv"),
            Media::Unknown => ("3", 20, "sendrecv"),
        };
        let direction = if own == "inactive" { own } else { direction.unwrap_or(own) };
        let event_type = self.voice.as_ref().and_then(|voice| voice.event_type).unwrap_or(101).to_string();
        let formats = formats.replace("101", &event_type);
        let version = if self.on_hold { 2 } else { 1 };
        let text = format!(
            "v=0\r\no=- 1 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP {formats}\r\n\
             a=rtpmap:{event_type} telephone-event/8000\r\na=fmtp:{event_type} 0-15\r\na=ptime:{ptime}\r\na={direction}\r\n"
        );
        Body { content_type: "application/sdp".to_owned(), bytes: text.into() }
    }

    /// Reads where the server's media is and gets ready to speak there.
    fn listen_to(&mut self, now: Instant, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        let port =
            line("m=audio ").and_then(|rest| rest.split(' ').next()).and_then(|port| port.parse().ok());
        let Some(port) = port.filter(|port: &u16| *port >= house::FIRST_PORT) else { return };
        let Media::Full { codec, ptime_ms } = self.conduct.media else { return };
        let local = SocketAddr::new(self.address.ip(), 4_000);
        let remote = SocketAddr::new(server().ip(), port);
        let heard = self.voice.take().map(|voice| voice.heard).unwrap_or_default();
        let mut voice = Voice::new(now, self.role, local, remote, codec, ptime_ms, &mut self.random);
        voice.heard = heard;
        if self.keeps_audio && voice.heard.audio.is_none() {
            voice.heard.audio = Some(Vec::new());
        }
        let event = text.lines().find(|line| line.contains("telephone-event"));
        let event =
            event.and_then(|line| line.strip_prefix("a=rtpmap:")).and_then(|rest| rest.split(' ').next());
        voice.event_type = event.and_then(|number| number.parse().ok());
        voice.sends = false;
        self.voice = Some(voice);
    }
}
