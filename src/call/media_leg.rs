//! The media of one dialog: its lent port, what was described to the peer, and what was agreed.

mod codecs;
mod config;
mod names;

pub use codecs::{CAPABILITIES, Codecs, MediaTerms};

use super::Action;
use super::ports::{Port, Ports, ThreadId};
use crate::clock::Instant;
use crate::ids::{LegId, Random};
use crate::media::{Command, Condition, LegConfig};
use crate::sdp::crypto::KEY_AND_SALT;
use crate::sdp::{
    self, Agreed, Description, Direction, KeyAndSalt, Local, Protection, Refusal, Wish, wants_handshake,
};
use crate::sip::ListenerId;
use codecs::offer_like;
use config::{goes_elsewhere, inactivity, leg_config};
use names::Names;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

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
    /// Of checks and handshakes.
    names: Names,
    /// An offer that is out to another peer of the same leg, one with a handshake where the other is without: a browser
    /// and a telephone on a desk that ring at once.
    offered_beside: Option<Description>,
    state: State,
    /// What the peer was told last: the next description is compared with it.
    described: Option<Description>,
    /// Nobody has answered the call of this leg: media that come are those before the answer, and may stop.
    is_early: bool,
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
    Unproven { agreement: Agreement, held: Vec<Command> },
    /// Agreed; the engine has the leg.
    Open { agreement: Agreement },
    /// The engine was told to close it.
    Closing,
}

/// What stands between us and the peer.
struct Agreement {
    agreed: Agreed,
    /// What we said: the answer of the peer is read against it.
    ours: Description,
    /// A later offer of ours that the peer has not answered.
    offered: Option<Description>,
    /// What the engine was told, or will be.
    config: LegConfig,
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
    /// SHA-256 of our certificates for media, as the engines have them; none where there are no handshakes.
    pub certificates: Vec<Vec<u8>>,
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
        let local = Local {
            address: settings.advertise,
            rtp_port: port.number,
            session_id,
            session_version: 1,
            direction: Direction::SendReceive,
            protection: Protection { wish: Wish::AsOffered, keys: [new_key(random), new_key(random)] },
            handshake: None,
            codecs: Vec::new(),
        };
        let names = Names::new(&settings.certificates, random);
        let local = Local { handshake: names.handshake(false), ..local };
        Some(MediaLeg {
            leg,
            thread,
            port,
            local,
            names,
            offered_beside: None,
            state: State::Fresh,
            described: None,
            is_early: true,
            condition: Condition::default(),
            codec: "",
        })
    }

    /// The media of a dialog that goes on in another call: another port, on another media thread, in the same session
    /// (RFC 3264 section 8). Gives the leg, and the offer that moves the peer there; none where that cannot be now: no port
    /// is free, or an answer is owed.
    pub fn moved(
        &self,
        now: Instant,
        leg: LegId,
        ports: &mut Ports,
        thread: ThreadId,
        random: &mut Random,
    ) -> Option<(Self, String)> {
        let agreement = self.settled()?;
        let (thread, port) = ports.lend(now, Some(thread))?;
        let keys = [new_key(random), new_key(random)];
        let protection = Protection { keys, ..self.local.protection.clone() };
        let names = self.names.moved(random);
        let handshake = names.handshake(agreement.agreed.handshake.is_some());
        let mut moved = MediaLeg {
            leg,
            thread,
            port,
            local: Local { rtp_port: port.number, protection, handshake, ..self.local.clone() },
            names,
            offered_beside: None,
            state: State::Fresh,
            described: self.described.clone(),
            is_early: false,
            condition: Condition::default(),
            codec: "",
        };
        let offer = moved.offer_in_session(&agreement.agreed, agreement.ours.media.clone());
        let text = offer.to_string();
        moved.state = State::Offered { offer, held: Vec::new() };
        Some((moved, text))
    }

    /// Another peer takes the place of this one (RFC 3891): what was said to the old one is no key for the new one's media.
    pub fn renew_keys(&mut self, random: &mut Random) {
        self.local.protection.keys = [new_key(random), new_key(random)];
        self.names = self.names.moved(random);
        self.local.handshake = self.names.handshake(self.offers_handshake());
    }

    /// Whether what is offered from now on wants a handshake, as browsers do, who take nothing else.
    pub fn offer_handshake(&mut self, is_offered: bool) {
        if let Some(handshake) = &mut self.local.handshake {
            handshake.is_offered = is_offered;
        }
    }

    fn offers_handshake(&self) -> bool {
        self.local.handshake.as_ref().is_some_and(|handshake| handshake.is_offered)
    }

    /// Says where the peer is to send its media, before anything is described to it.
    pub fn set_address(&mut self, address: IpAddr) {
        self.local.address = address;
    }

    /// Says what is wanted of the media, before anything is described.
    pub fn set_terms(&mut self, terms: &MediaTerms) {
        self.local.protection.wish = terms.srtp;
        self.local.codecs.clone_from(&terms.codecs.0);
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
        let (ours, agreed) = self.answered(&offer)?;
        let ours = self.describe(ours);
        let text = ours.to_string();
        self.agree(ours, agreed, sender, peer, settings, actions);
        Ok(text)
    }

    fn answered(&mut self, offer: &Description) -> Result<(Description, Agreed), Refusal> {
        let (ours, agreed) = sdp::answer(offer, CAPABILITIES, &self.local)?;
        // RFC 8445 section 7.3.1.5: a peer that names itself anew is named anew, too, and its checks begin again.
        let ice = |agreed: &Agreed| agreed.handshake.as_ref().and_then(|handshake| handshake.ice.clone());
        let before = self.agreed().and_then(ice);
        if before.is_none() || before == ice(&agreed) {
            return Ok((ours, agreed));
        }
        self.names.renew();
        let role = self.role();
        self.local.handshake = self.names.handshake(self.offers_handshake());
        if let Some(handshake) = &mut self.local.handshake {
            handshake.role = role;
        }
        sdp::answer(offer, CAPABILITIES, &self.local)
    }

    /// Gives a description of ours its version: it grows by one where the description differs from the one before,
    /// and only there. RFC 3264 section 8.
    fn describe(&mut self, mut description: Description) -> Description {
        if let Some(before) = &self.described
            && (before.media != description.media || before.connection != description.connection)
        {
            self.local.session_version += 1;
        }
        description.set_origin(&self.local);
        self.described = Some(description.clone());
        description
    }

    /// Why an offer of the peer cannot be taken now: one of the two sides still owes an answer. RFC 3311 section 5.2.
    pub fn refuses_offer(&self) -> Option<(u16, &'static str)> {
        match &self.state {
            State::Fresh => Some((500, "Server Internal Error")),
            State::Closing => Some((481, "Call/Transaction Does Not Exist")),
            State::Offered { .. } => Some((491, "Request Pending")),
            State::Open { .. } | State::Unproven { .. } => {
                self.awaits_answer().then_some((491, "Request Pending"))
            }
        }
    }

    /// Whether an offer could be answered, without saying anything.
    pub fn would_answer(&self, offer: &[u8]) -> Result<(), Refusal> {
        sdp::answer(&Description::parse(offer)?, CAPABILITIES, &self.local).map(|_| ())
    }

    /// Whether answering that offer would open the leg at once, and not at [`MediaLeg::release`].
    pub fn would_open(&self, offer: &[u8], sender: Sender, peer: IpAddr, settings: &MediaSettings) -> bool {
        let Ok(offer) = Description::parse(offer) else { return false };
        let Ok((_, agreed)) = sdp::answer(&offer, CAPABILITIES, &self.local) else { return false };
        let config = leg_config(&agreed, None, true, peer, settings);
        let makes_checks = agreed.handshake.is_some_and(|handshake| handshake.ice.is_some());
        matches!(self.state, State::Fresh)
            && (sender == Sender::Proven || makes_checks || !goes_elsewhere(&config))
    }

    /// The first offer, while it waits for its answer.
    pub fn offered(&self) -> Option<String> {
        match &self.state {
            State::Offered { offer, .. } => Some(offer.to_string()),
            _ => None,
        }
    }

    /// Whether nothing was said to the peer yet.
    pub fn is_fresh(&self) -> bool {
        matches!(self.state, State::Fresh)
    }

    /// Offers: like the other leg's agreement where there is one, so that media can be relayed.
    pub fn offer(&mut self, like: Option<&Agreed>) -> String {
        let offer = self.describe(offer_like(like, &self.local));
        let text = offer.to_string();
        match &mut self.state {
            // An offer that goes to another target in place of the first: what waits goes on waiting.
            State::Offered { offer: before, .. } => {
                let before = std::mem::replace(before, offer);
                if has_handshake(&before) != self.offers_handshake() {
                    self.offered_beside = Some(before);
                }
            }
            // Early media of the first opened the leg, which stays open.
            State::Open { .. } | State::Unproven { .. } => self.owe(offer),
            State::Fresh => self.state = State::Offered { offer, held: Vec::new() },
            State::Closing => {}
        }
        text
    }

    /// Offers anew in a session that stands, all that we can and both ways, as a re-INVITE without an offer asks for:
    /// a peer that was on hold comes back by it. RFC 3261 section 14.2, RFC 6337 section 5.3. None where an answer is
    /// owed, or there is no session.
    pub fn offer_again(&mut self) -> Option<String> {
        let agreement = self.settled()?;
        let (agreed, streams) = (agreement.agreed.clone(), agreement.ours.media.clone());
        let offer = self.offer_in_session(&agreed, streams);
        let text = offer.to_string();
        self.owe(offer);
        Some(text)
    }

    /// An offer like what was agreed, in a session that has these streams: RFC 3264 section 8, none of them ever goes away,
    /// only its port becomes 0. What is protected stays so, also where we offer keys to nobody by ourselves.
    fn offer_in_session(&mut self, agreed: &Agreed, mut streams: Vec<sdp::Media>) -> Description {
        let mut local = self.local.clone();
        let stays_protected = agreed.protected.is_some() && local.protection.wish != Wish::Require;
        if stays_protected {
            local.protection.wish = Wish::Prefer;
        }
        let mut offer = offer_like(Some(agreed), &local);
        let place = streams.iter().position(|stream| stream.port != 0);
        if let (Some(place), Some(mut audio)) = (place, offer.media.pop()) {
            if stays_protected {
                audio.protocol.clone_from(&streams[place].protocol);
            }
            let before = std::mem::replace(&mut streams[place], audio);
            offer.media = streams;
            sdp::handshake::keep_name(&mut offer, &before);
        }
        self.describe(offer)
    }

    /// The description as it stands, offered again to keep the session alive. RFC 4028 section 7.4. None where an
    /// answer is owed, or there is no session.
    pub fn offer_unchanged(&mut self) -> Option<String> {
        let offer = self.settled()?.ours.clone();
        let text = offer.to_string();
        self.owe(offer);
        Some(text)
    }

    fn owe(&mut self, offer: Description) {
        if let Some(agreement) = self.agreement_mut() {
            agreement.offered = Some(offer);
        }
    }

    /// A later offer of ours came to nothing: the session is as it was before (RFC 3261 section 14.1).
    pub fn offer_declined(&mut self) {
        if let Some(agreement) = self.agreement_mut() {
            agreement.offered = None;
        }
    }

    /// The peer owes the answer to a later offer of ours.
    pub fn awaits_answer(&self) -> bool {
        self.agreement().is_some_and(|agreement| agreement.offered.is_some())
    }

    /// Takes the answer to our offer, the first or a later one. It may come more than once: what came with ringing is
    /// a promise, what comes with the 200 counts.
    pub fn accept(
        &mut self,
        answer: &[u8],
        peer: IpAddr,
        settings: &MediaSettings,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let answer = Description::parse(answer)?;
        let ours = match &self.state {
            State::Offered { offer, .. } => {
                let beside = self.offered_beside.as_ref();
                let fits = |offer: &&Description| has_handshake(offer) == has_handshake(&answer);
                [Some(offer), beside].into_iter().flatten().find(fits).unwrap_or(offer).clone()
            }
            State::Open { agreement } | State::Unproven { agreement, .. } => {
                agreement.offered.as_ref().unwrap_or(&agreement.ours).clone()
            }
            State::Fresh | State::Closing => return Err(Refusal::NoAudio),
        };
        let agreed = sdp::accept_answer(&ours, &answer, CAPABILITIES, self.role())?;
        self.agree(ours, agreed, Sender::Proven, peer, settings, actions);
        Ok(())
    }

    /// The peer has repeated our tag, so it gets what we send: a leg that waited for that opens, and does what it
    /// was told meanwhile.
    pub fn release(&mut self, actions: &mut Vec<Action>) {
        match std::mem::replace(&mut self.state, State::Closing) {
            State::Unproven { agreement, held } => {
                let config = agreement.config.clone();
                let open = Command::Open { leg: self.leg, port: self.port.id, config };
                let commands = std::iter::once(open).chain(held);
                actions.extend(commands.map(|command| Action::Media { thread: self.thread, command }));
                self.state = State::Open { agreement };
            }
            other => self.state = other,
        }
    }

    /// The call of this leg was answered: from now on silence of the peer counts.
    pub fn established(&mut self, settings: &MediaSettings, actions: &mut Vec<Action>) {
        self.is_early = false;
        let (is_open, leg, thread) = (self.is_open(), self.leg, self.thread);
        if let Some(agreement) = self.agreement_mut() {
            let inactivity = inactivity(&agreement.agreed, false, settings);
            if std::mem::replace(&mut agreement.config.inactivity, inactivity) != inactivity && is_open {
                let command = Command::Update { leg, config: agreement.config.clone() };
                actions.push(Action::Media { thread, command });
            }
        }
    }

    /// The peer has put the call on hold: it takes no audio.
    pub fn is_held(&self) -> bool {
        self.agreed().is_some_and(|agreed| !agreed.direction.sends())
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
        let makes_checks = agreed.handshake.as_ref().is_some_and(|handshake| handshake.ice.is_some());
        if let Some(handshake) = &mut self.local.handshake {
            handshake.is_offered = agreed.handshake.is_some();
            handshake.role = agreed.handshake.as_ref().map(|agreed| agreed.role);
        }
        let handshake = agreed.handshake.as_ref().map(|agreed| Box::new(self.names.terms(agreed)));
        let config = leg_config(&agreed, handshake, self.is_early, peer, settings);
        self.codec = CAPABILITIES.get(agreed.codec).map_or("", |c| c.encoding);
        let (leg, port) = (self.leg, self.port.id);
        let agreement = Agreement { agreed, ours, offered: None, config };
        let config = || agreement.config.clone();
        let state = std::mem::replace(&mut self.state, State::Closing);
        let mut tell = |command| actions.push(Action::Media { thread: self.thread, command });
        match state {
            State::Open { agreement: before } => {
                if before.config != agreement.config {
                    tell(Command::Update { leg, config: config() });
                }
            }
            State::Fresh
                if sender == Sender::Claimed && !makes_checks && goes_elsewhere(&agreement.config) =>
            {
                self.state = State::Unproven { agreement, held: Vec::new() };
                return;
            }
            State::Unproven { held, .. } => {
                self.state = State::Unproven { agreement, held };
                return;
            }
            State::Fresh => tell(Command::Open { leg, port, config: config() }),
            State::Offered { held, .. } => {
                tell(Command::Open { leg, port, config: config() });
                held.into_iter().for_each(&mut tell);
            }
            State::Closing => return,
        }
        self.state = State::Open { agreement };
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

    /// Who began the handshake, where that is settled.
    fn role(&self) -> Option<sdp::Setup> {
        self.local.handshake.as_ref().and_then(|handshake| handshake.role)
    }

    /// The codec that was agreed last; empty where none was.
    pub fn codec(&self) -> &'static str {
        self.codec
    }

    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreement().map(|agreement| &agreement.agreed)
    }

    fn agreement(&self) -> Option<&Agreement> {
        match &self.state {
            State::Open { agreement } | State::Unproven { agreement, .. } => Some(agreement),
            State::Fresh | State::Offered { .. } | State::Closing => None,
        }
    }

    fn agreement_mut(&mut self) -> Option<&mut Agreement> {
        match &mut self.state {
            State::Open { agreement } | State::Unproven { agreement, .. } => Some(agreement),
            State::Fresh | State::Offered { .. } | State::Closing => None,
        }
    }

    /// What stands, where nobody owes an answer.
    fn settled(&self) -> Option<&Agreement> {
        self.agreement().filter(|agreement| agreement.offered.is_none())
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

/// A key of the source of randomness that tags have, too: nobody guesses what it gives.
fn new_key(random: &mut Random) -> KeyAndSalt {
    let mut key = [0; KEY_AND_SALT];
    for part in key.chunks_mut(8) {
        let bytes = random.next_u64().to_be_bytes();
        part.copy_from_slice(&bytes[..part.len()]);
    }
    KeyAndSalt(key)
}

/// Whether a stream of a description wants a handshake.
fn has_handshake(description: &Description) -> bool {
    description.media.iter().any(|stream| stream.port != 0 && wants_handshake(stream))
}

#[cfg(test)]
mod tests;
