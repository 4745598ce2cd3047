//! The media of one dialog: its lent port, what was described to the peer, and what was agreed.

use super::Action;
use super::ports::{Port, Ports, ThreadId};
use crate::audio::Codec;
use crate::clock::Instant;
use crate::ids::{LegId, Random};
use crate::media::{Command, Condition, LegConfig};
use crate::sdp::{self, Agreed, Capability, Description, Local, Refusal};
use crate::sip::ListenerId;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// What we can speak, in our order of preference.
pub const CAPABILITIES: &[Capability] = &[
    Capability { encoding: "PCMU", clock_rate: 8_000, payload_type: 0 },
    Capability { encoding: "PCMA", clock_rate: 8_000, payload_type: 8 },
];
/// The telephone-event type offered where the caller named none. 101 is what nearly every peer uses.
const TELEPHONE_EVENT: u8 = 101;

/// Commands that wait: a flow leaves a handful, a peer that sends keys before it hears us is testing us.
const HELD_MAX: usize = 64;

/// What is known of the address that a peer's signalling comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// It gets what we send there: it made a TCP connection, or repeated a tag that we made up.
    Proven,
    /// A first datagram says so, and anybody may write any source address into one.
    Claimed,
}

/// One leg's media.
pub struct MediaLeg {
    pub leg: LegId,
    pub thread: ThreadId,
    port: Port,
    local: Local,
    state: State,
    /// The last news of its audio.
    pub condition: Condition,
    /// For the call record, which is written when the leg is closed.
    codec: &'static str,
}

enum State {
    /// Nothing said to the peer.
    Fresh,
    /// We offered and wait for the answer; commands wait with us.
    Offered { offer: Description, held: Vec<Command> },
    /// Agreed, but media would go to a host that nobody has shown to want it: nothing is sent, not even RTCP, and
    /// what comes is dropped, until [`MediaLeg::release`]; commands wait with us. Else one forged INVITE from the
    /// address of a trunk would have us stream to any third party until the call ends without an ACK, 64 T1 later.
    Unproven { ours: Description, agreed: Agreed, config: LegConfig, held: Vec<Command> },
    /// Agreed; the engine has the leg.
    Open { ours: Description, agreed: Agreed },
    /// The engine was told to close it.
    Closing,
}

/// What every leg shares.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    pub advertise: IpAddr,
    /// For peers of IPv6, where `advertise` is of IPv4 and both are listened on.
    pub advertise_ipv6: Option<Ipv6Addr>,
    /// What a listener says in place of both, by [`ListenerId`].
    pub advertise_of: Vec<Option<IpAddr>>,
    pub inactivity: Duration,
}

impl MediaSettings {
    /// Where a peer is told to send media that is reached over that listener, at that address.
    pub fn advertised(&self, listener: ListenerId, peer: IpAddr) -> IpAddr {
        let own = self.advertise_of.get(usize::from(listener.0)).copied().flatten();
        let of_family = self.advertise_ipv6.filter(|_| peer.is_ipv6()).map(IpAddr::V6);
        own.or(of_family).unwrap_or(self.advertise)
    }
}

impl MediaLeg {
    /// Lends a port; `None` where none is free (on that thread).
    pub fn new(
        now: Instant,
        leg: LegId,
        ports: &mut Ports,
        thread: Option<ThreadId>,
        settings: &MediaSettings,
        random: &mut Random,
    ) -> Option<Self> {
        let (thread, port) = ports.lend(now, thread)?;
        // RFC 8866 section 5.2: numeric, and no two of one user alike; kept in 62 bits for peers that read it signed.
        let session_id = random.next_u64() >> 2;
        let local =
            Local { address: settings.advertise, rtp_port: port.number, session_id, session_version: 1 };
        Some(MediaLeg {
            leg,
            thread,
            port,
            local,
            state: State::Fresh,
            condition: Condition::default(),
            codec: "",
        })
    }

    /// Says where the peer is to send its media, before anything is described to it.
    pub fn set_address(&mut self, address: IpAddr) {
        self.local.address = address;
    }

    /// Answers an offer, the first or a later one, and opens or updates the leg. Gives the answer's text. Where
    /// the first offer of a sender that is not proven wants media at another host than `peer`, which its signalling
    /// comes from, the leg opens at [`MediaLeg::release`].
    pub fn answer(
        &mut self,
        offer: &[u8],
        sender: Sender,
        peer: IpAddr,
        settings: &MediaSettings,
        actions: &mut Vec<Action>,
    ) -> Result<String, Refusal> {
        let offer = Description::parse(offer)?;
        let (mut ours, agreed) = sdp::answer(&offer, CAPABILITIES, &self.local)?;
        if let State::Open { ours: before, .. } | State::Unproven { ours: before, .. } = &self.state
            && before.media != ours.media
        {
            // RFC 3264 section 8: the version grows when the description differs from the one before.
            self.local.session_version += 1;
            (ours, _) = sdp::answer(&offer, CAPABILITIES, &self.local)?;
        }
        let text = ours.to_string();
        self.agree(ours, agreed, sender, peer, settings, actions);
        Ok(text)
    }

    /// Why an offer of the peer cannot be taken now: one of the two sides still owes an answer. RFC 3311 section 5.2.
    pub fn refuses_offer(&self) -> Option<(u16, &'static str)> {
        match &self.state {
            State::Fresh => Some((500, "Server Internal Error")),
            State::Offered { .. } => Some((491, "Request Pending")),
            State::Open { .. } | State::Unproven { .. } => None,
            State::Closing => Some((481, "Call/Transaction Does Not Exist")),
        }
    }

    /// Whether an offer could be answered, without saying anything.
    pub fn would_answer(&self, offer: &[u8]) -> Result<(), Refusal> {
        sdp::answer(&Description::parse(offer)?, CAPABILITIES, &self.local).map(|_| ())
    }

    /// Offers: like the other leg's agreement where there is one, so that media can be relayed.
    pub fn offer(&mut self, like: Option<&Agreed>) -> String {
        let first = like.map_or(0, |a| a.codec);
        let codecs: Vec<usize> =
            std::iter::once(first).chain((0..CAPABILITIES.len()).filter(|i| *i != first)).collect();
        let telephone_event = like.and_then(|a| a.telephone_event).map_or(TELEPHONE_EVENT, |t| t.receive);
        let offer =
            sdp::offer(CAPABILITIES, &codecs, telephone_event, like.map_or(20, |a| a.ptime_ms), &self.local);
        let text = offer.to_string();
        // An offer that goes to another target in place of the first: what waits goes on waiting.
        let held = match &mut self.state {
            State::Offered { held, .. } => std::mem::take(held),
            _ => Vec::new(),
        };
        self.state = State::Offered { offer, held };
        text
    }

    /// What was described last, for a re-INVITE without an offer.
    pub fn described(&self) -> Option<String> {
        match &self.state {
            State::Open { ours, .. } | State::Unproven { ours, .. } => Some(ours.to_string()),
            State::Offered { offer, .. } => Some(offer.to_string()),
            State::Fresh | State::Closing => None,
        }
    }

    /// Takes the answer to our offer (also to one repeated in a re-INVITE).
    pub fn accept(
        &mut self,
        answer: &[u8],
        peer: IpAddr,
        settings: &MediaSettings,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let answer = Description::parse(answer)?;
        let ours = match &self.state {
            State::Offered { offer, .. } => offer.clone(),
            State::Open { ours, .. } | State::Unproven { ours, .. } => ours.clone(),
            State::Fresh | State::Closing => return Err(Refusal::NoAudio),
        };
        let agreed = sdp::accept_answer(&ours, &answer, CAPABILITIES)?;
        self.agree(ours, agreed, Sender::Proven, peer, settings, actions);
        Ok(())
    }

    /// The peer has repeated our tag, so it gets what we send: a leg that waited for that opens, and does what it
    /// was told meanwhile.
    pub fn release(&mut self, actions: &mut Vec<Action>) {
        match std::mem::replace(&mut self.state, State::Closing) {
            State::Unproven { ours, agreed, config, held } => {
                let open = Command::Open { leg: self.leg, port: self.port.id, config };
                let commands = std::iter::once(open).chain(held);
                actions.extend(commands.map(|command| Action::Media { thread: self.thread, command }));
                self.state = State::Open { ours, agreed };
            }
            other => self.state = other,
        }
    }

    fn agree(
        &mut self,
        ours: Description,
        agreed: Agreed,
        sender: Sender,
        peer: IpAddr,
        settings: &MediaSettings,
        actions: &mut Vec<Action>,
    ) {
        let config = leg_config(&agreed, peer, settings);
        self.codec = CAPABILITIES.get(agreed.codec).map_or("", |c| c.encoding);
        let (leg, port) = (self.leg, self.port.id);
        let state = std::mem::replace(&mut self.state, State::Closing);
        let mut tell = |command| actions.push(Action::Media { thread: self.thread, command });
        match state {
            State::Open { agreed: before, .. } => {
                if before != agreed {
                    tell(Command::Update { leg, config });
                }
            }
            State::Fresh if sender == Sender::Claimed && goes_elsewhere(&config) => {
                self.state = State::Unproven { ours, agreed, config, held: Vec::new() };
                return;
            }
            State::Unproven { held, .. } => {
                self.state = State::Unproven { ours, agreed, config, held };
                return;
            }
            State::Fresh => tell(Command::Open { leg, port, config }),
            State::Offered { held, .. } => {
                tell(Command::Open { leg, port, config });
                held.into_iter().for_each(&mut tell);
            }
            State::Closing => return,
        }
        self.state = State::Open { ours, agreed };
    }

    /// Tells the engine something about this leg; held back until the leg is open.
    pub fn command(&mut self, command: Command, actions: &mut Vec<Action>) {
        match &mut self.state {
            State::Open { .. } => actions.push(Action::Media { thread: self.thread, command }),
            State::Offered { held, .. } | State::Unproven { held, .. } => hold(held, command),
            State::Fresh | State::Closing => {}
        }
    }

    /// Ends the leg. True where the engine will say when it is closed; else the port is free already.
    pub fn close(&mut self, now: Instant, ports: &mut Ports, actions: &mut Vec<Action>) -> bool {
        match std::mem::replace(&mut self.state, State::Closing) {
            State::Open { .. } => {
                actions
                    .push(Action::Media { thread: self.thread, command: Command::Close { leg: self.leg } });
                true
            }
            State::Fresh | State::Offered { .. } | State::Unproven { .. } => {
                ports.give_back(now, self.thread, self.port);
                false
            }
            State::Closing => true,
        }
    }

    /// The engine has closed the leg.
    pub fn closed(&self, now: Instant, ports: &mut Ports) {
        ports.give_back(now, self.thread, self.port);
    }

    /// Whether the engine has it.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Our address for its RTP.
    pub fn own(&self) -> SocketAddr {
        SocketAddr::new(self.local.address, self.local.rtp_port)
    }

    /// Whether [`MediaLeg::close`] was called.
    pub fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing)
    }

    /// The codec that was agreed last; empty where none was.
    pub fn codec(&self) -> &'static str {
        self.codec
    }

    pub fn agreed(&self) -> Option<&Agreed> {
        match &self.state {
            State::Open { agreed, .. } | State::Unproven { agreed, .. } => Some(agreed),
            _ => None,
        }
    }
}

/// Keeps a command for later. What it undoes needs to wait no longer, so that however long a flow goes on, what it
/// wants now is not turned away.
fn hold(held: &mut Vec<Command>, command: Command) {
    held.retain(|before| match (before, &command) {
        (Command::Play { .. }, Command::Play { .. } | Command::Bridge { .. }) => false,
        (Command::Play { playback, .. }, Command::Stop { playback: stopped, .. }) => playback != stopped,
        (Command::Listen { .. }, Command::Listen { .. }) => false,
        (Command::Bridge { .. }, Command::Bridge { .. }) => false,
        _ => true,
    });
    match command {
        Command::Stop { .. } => {}
        Command::InfoDigit { .. } if held.len() >= HELD_MAX => {}
        command => held.push(command),
    }
}

/// Whether media or reports would go to another host than the one that the signalling comes from.
fn goes_elsewhere(config: &LegConfig) -> bool {
    let signalling = config.signalling_ip.to_canonical();
    [config.remote_rtp, config.remote_rtcp].iter().any(|remote| remote.ip().to_canonical() != signalling)
}

fn codec(index: usize) -> Codec {
    if CAPABILITIES.get(index).is_some_and(|c| c.encoding == "PCMA") { Codec::Pcma } else { Codec::Pcmu }
}

fn leg_config(agreed: &Agreed, signalling_ip: IpAddr, settings: &MediaSettings) -> LegConfig {
    LegConfig {
        codec: codec(agreed.codec),
        payload_type: agreed.payload_type,
        receive: agreed.receive.iter().map(|(pt, index)| (*pt, codec(*index))).collect(),
        ptime_ms: agreed.ptime_ms,
        telephone_event_send: agreed.telephone_event.map(|t| t.send),
        telephone_event_receive: agreed.telephone_event.map(|t| t.receive),
        remote_rtp: agreed.remote_rtp,
        remote_rtcp: agreed.remote_rtcp,
        signalling_ip,
        send: agreed.direction.sends(),
        receive_enabled: agreed.direction.receives(),
        inactivity: Some(settings.inactivity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> MediaSettings {
        let inactivity = Duration::from_secs(60);
        let advertise = IpAddr::from([127, 0, 0, 1]);
        MediaSettings { advertise, advertise_ipv6: None, advertise_of: Vec::new(), inactivity }
    }

    #[test]
    fn a_listener_has_its_own_media_address_else_the_family_of_the_peer_decides() {
        let of = |text: &str| text.parse::<IpAddr>().unwrap();
        let advertise_of = vec![None, Some(of("198.51.100.7"))];
        let advertise_ipv6 = Some("2001:db8::7".parse().unwrap());
        let settings = MediaSettings { advertise_of, advertise_ipv6, ..settings() };
        for (listener, peer, expected) in [
            (0, "192.0.2.9", "127.0.0.1"),
            (0, "2001:db8::9", "2001:db8::7"),
            (1, "192.0.2.9", "198.51.100.7"),
            (1, "2001:db8::9", "198.51.100.7"),
            (9, "192.0.2.9", "127.0.0.1"),
        ] {
            assert_eq!(
                settings.advertised(ListenerId(listener), of(peer)),
                of(expected),
                "{listener} {peer}"
            );
        }
    }
    use crate::ids::{PlaybackId, PortId};
    use crate::media::Playlist;

    const OFFER: &[u8] = b"v=0\r\no=a 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

    fn leg() -> (MediaLeg, MediaSettings) {
        let mut ports = Ports::new(1, 0);
        ports.bound(ThreadId(0), 0, [Port { id: PortId(0), number: 20_000 }]);
        let settings = settings();
        let mut random = Random::from_seed(1);
        let leg = MediaLeg::new(Instant::ZERO, LegId(1), &mut ports, None, &settings, &mut random).unwrap();
        (leg, settings)
    }

    #[test]
    fn an_offer_is_taken_only_where_no_answer_is_owed() {
        let (mut leg, settings) = leg();
        let code = |leg: &MediaLeg| leg.refuses_offer().map(|(code, _)| code);
        assert_eq!(code(&leg), Some(500), "we owe the answer to the INVITE");
        leg.offer(None);
        assert_eq!(code(&leg), Some(491), "the peer owes one");
        leg.accept(OFFER, settings.advertise, &settings, &mut Vec::new()).unwrap();
        assert_eq!(code(&leg), None);
    }

    #[test]
    fn what_waits_for_an_answer_is_bounded() {
        let (mut leg, settings) = leg();
        leg.offer(None);
        let mut actions = Vec::new();
        for _ in 0..10_000 {
            let key = Command::InfoDigit { leg: LegId(1), digit: '5', duration: Duration::ZERO };
            leg.command(key, &mut actions);
        }
        leg.accept(OFFER, settings.advertise, &settings, &mut actions).unwrap();
        assert_eq!(actions.len(), 1 + HELD_MAX);
    }

    #[test]
    fn what_waits_is_what_is_still_wanted() {
        let leg = LegId(1);
        let play = |n| Command::Play {
            leg,
            playback: PlaybackId(n),
            playlist: Playlist { items: Vec::new(), forever: false },
        };
        let stop = |n| Command::Stop { leg, playback: PlaybackId(n) };
        let listen = |in_band| Command::Listen { leg, in_band };
        let bridge = |b| Command::Bridge { a: leg, b: LegId(b) };
        let word = |command: &Command| match command {
            Command::Play { playback, .. } => format!("play {playback}"),
            Command::Listen { in_band, .. } => format!("listen {in_band}"),
            Command::Bridge { b, .. } => format!("bridge {b}"),
            _ => "other".to_owned(),
        };
        for (commands, kept) in [
            (vec![listen(true), play(1)], vec!["listen true", "play p1"]),
            (vec![play(1), stop(1)], vec![]),
            (vec![play(1), play(2)], vec!["play p2"]),
            (vec![play(1), play(2), stop(1)], vec!["play p2"]),
            (vec![listen(true), play(1), listen(false), bridge(2)], vec!["listen false", "bridge l2"]),
            (vec![bridge(2), play(1)], vec!["bridge l2", "play p1"]),
            (vec![bridge(2), bridge(3)], vec!["bridge l3"]),
        ] {
            let mut held = Vec::new();
            commands.into_iter().for_each(|command| hold(&mut held, command));
            assert_eq!(held.iter().map(word).collect::<Vec<_>>(), kept);
        }
    }
}
