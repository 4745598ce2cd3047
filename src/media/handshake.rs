//! What comes before the audio of a browser: connectivity checks, answered by a side that makes none itself (ICE-lite, RFC
//! 8445), and the handshake for keys (RFC 5764), both on the socket of the audio (RFC 7983).
//!
//! Until both are done nothing is sent and nothing is taken. The handshake listens only to an address whose check bore our
//! password, so that nobody who merely guesses the port can begin one in the peer's place.

use super::leg::Leg;
use super::receive::SECURE_MAX;
use super::{Channel, LegConfig, Output, Secure};
use crate::clock::{Budget, Instant};
use crate::ids::PortId;
use crate::rtp::dtls::{self, Agreement, Association, Failure, Fingerprint, Identity, Outcome, Role};
use crate::rtp::srtp::{MasterKey, Protect, Unprotect};
use crate::rtp::stun;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Addresses of one peer whose checks were right: a machine with two networks, each in IPv4 and IPv6.
const ADDRESSES_MAX: usize = 4;
/// Handshakes of one leg. One that breaks may have been broken by a forged datagram, so another begins; but not for ever,
/// because each costs a millisecond of the thread.
const HANDSHAKES_MAX: u8 = 8;
/// 50 checks a second are answered: browsers make 20 while they look, one in some seconds afterwards.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
const CHECK_BURST: Duration = Duration::from_secs(2);
/// RFC 7675 section 5.1: who has not been heard for so long does not want what we send any more.
const CONSENT: Duration = Duration::from_secs(30);
/// An address that is better by the peer's own word stays, unless it was silent for so long.
const BETTER_STAYS: Duration = Duration::from_secs(1);
/// So long a handshake may take before somebody is told. A browser on the other side of the world needs one second.
const SLOW: Duration = Duration::from_secs(3);

/// What was agreed on of checks and handshake.
#[derive(Clone, PartialEq, Debug)]
pub struct HandshakeTerms {
    /// None where the peer makes no checks: its handshake is taken from where its SDP or its SIP says that it is.
    pub ice: Option<Ice>,
    pub role: Role,
    /// Which of [`Identity`]'s certificates our SDP names.
    pub certificate: usize,
    /// Those that the peer's SDP names. One of them has to be its certificate's.
    pub fingerprints: Arc<[Fingerprint]>,
    /// RTCP comes and goes by the socket of RTP (RFC 5761). Else there is none.
    pub mux: bool,
}

/// Names and password of the checks. RFC 8445 section 5.3.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ice {
    pub ours: String,
    pub theirs: String,
    /// Ours: the peer's checks are made with it.
    pub password: String,
}

/// Why a leg has no keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unsecured {
    /// No check of the peer has come.
    Unreached,
    /// Checks came, and no handshake.
    Unfinished,
    WrongCertificate,
    NoProfile,
    /// Handshakes broke again and again.
    Broken,
}

/// Where the audio goes, by the peer's word.
#[derive(Clone, Copy, Debug)]
struct Nominated {
    address: SocketAddr,
    priority: u32,
    /// When a check or a packet last came from there.
    confirmed: Instant,
}

/// The state of it, of one leg.
pub struct Handshake {
    terms: HandshakeTerms,
    since: Instant,
    checks: Budget,
    last_check: Instant,
    /// Whose checks were right, the last one in front.
    addresses: Vec<SocketAddr>,
    nominated: Option<Nominated>,
    association: Option<Association>,
    /// Where its datagrams go.
    peer: Option<SocketAddr>,
    begun: u8,
    is_keyed: bool,
    failed: Option<Unsecured>,
}

impl Handshake {
    pub fn new(now: Instant, terms: HandshakeTerms) -> Self {
        Handshake {
            terms,
            since: now,
            checks: Budget::default(),
            last_check: now,
            addresses: Vec::with_capacity(ADDRESSES_MAX + 1),
            nominated: None,
            association: None,
            peer: None,
            begun: 0,
            is_keyed: false,
            failed: None,
        }
    }

    /// Takes a new agreement with the same peer. False where it is one with another, and everything begins anew.
    pub fn update(&mut self, terms: &HandshakeTerms) -> bool {
        let is_same = self.terms.fingerprints == terms.fingerprints
            && self.terms.certificate == terms.certificate
            && self.terms.ice.is_some() == terms.ice.is_some();
        if is_same {
            // Who began stays, and with other names of checks the address stays until they have been made (RFC 8445
            // section 7.3.1.5, RFC 8842 section 5.5).
            self.terms = HandshakeTerms { role: self.terms.role, ..terms.clone() };
        }
        is_same
    }

    /// Whether packets may go and come.
    pub fn is_keyed(&self) -> bool {
        self.is_keyed
    }

    pub fn mux(&self) -> bool {
        self.terms.mux
    }

    pub fn makes_checks(&self) -> bool {
        self.terms.ice.is_some()
    }

    /// When the handshake has something to send again.
    pub fn due(&self) -> Option<Instant> {
        self.association.as_ref().and_then(Association::due)
    }

    /// What to tell of it.
    pub fn trouble(&self, now: Instant) -> Option<Unsecured> {
        let is_slow = now.since(self.since) >= SLOW;
        let waits = || {
            let is_reached = !self.addresses.is_empty() || !self.makes_checks();
            if is_reached { Unsecured::Unfinished } else { Unsecured::Unreached }
        };
        self.failed.or_else(|| (!self.is_keyed && is_slow).then(waits))
    }

    fn note_address(&mut self, address: SocketAddr) {
        self.addresses.retain(|known| *known != address);
        self.addresses.insert(0, address);
        self.addresses.truncate(ADDRESSES_MAX);
    }

    /// The peer says that this address is the one to use. True where it is another one than before.
    fn nominate(&mut self, now: Instant, address: SocketAddr, priority: u32) -> bool {
        let stays = self.nominated.is_some_and(|known| {
            let is_alive = now.since(known.confirmed) < BETTER_STAYS;
            known.address != address && known.priority > priority && is_alive
        });
        if stays {
            return false;
        }
        let before = self.nominated.replace(Nominated { address, priority, confirmed: now });
        before.is_none_or(|before| before.address != address)
    }
}

impl Leg {
    /// Begins to wait for checks and a handshake, where the agreement has them.
    pub fn await_handshake(&mut self, now: Instant) {
        self.handshake = self.config.handshake.clone().map(|terms| Box::new(Handshake::new(now, *terms)));
        if self.handshake.as_ref().is_some_and(|handshake| handshake.makes_checks()) {
            self.rtp_source.forget();
            self.rtcp_source.forget();
        }
    }

    /// Takes over how the media of a new answer are protected. False where they have nothing in common with those before: the
    /// peer is another one, or its keys come in another way.
    pub fn take_terms(&mut self, config: &LegConfig) -> bool {
        let goes_on = match (&mut self.handshake, &config.handshake) {
            (Some(handshake), Some(terms)) => handshake.update(terms),
            (None, None) => true,
            _ => false,
        };
        if goes_on && self.handshake.is_none() {
            self.rekey(config);
        } else if !goes_on {
            self.sender.secure(protect(config));
            self.unprotect = unprotect(config);
        }
        goes_on
    }

    /// A key that stays keeps its place: its packets go on where they were, and none is taken twice.
    fn rekey(&mut self, config: &LegConfig) {
        let key = |config: &LegConfig, of: fn(&Secure) -> &MasterKey| {
            config.secure.as_ref().map(|secure| (secure.profile, of(secure).clone()))
        };
        if key(config, |secure| &secure.send) != key(&self.config, |secure| &secure.send) {
            self.sender.secure(protect(config));
        }
        if key(config, |secure| &secure.receive) != key(&self.config, |secure| &secure.receive) {
            self.unprotect = unprotect(config);
        }
    }

    /// Keys are there, where they come by a handshake.
    pub fn is_ready(&self) -> bool {
        self.handshake.as_ref().is_none_or(|handshake| handshake.is_keyed())
    }

    /// Takes what is neither RTP nor RTCP, and says by which of the two what is left came. None where nothing is left.
    pub fn sort(
        &mut self,
        now: Instant,
        channel: Channel,
        source: SocketAddr,
        bytes: &[u8],
        identity: Option<&Identity>,
        out: &mut Output,
    ) -> Option<Channel> {
        let Some(handshake) = &mut self.handshake else { return Some(channel) };
        if channel == Channel::Rtcp {
            self.totals.packets_refused += 1;
            return None;
        }
        if stun::is_stun(bytes) {
            self.take_check(now, source, bytes, identity, out);
            return None;
        }
        if dtls::is_dtls(bytes) {
            self.take_handshake(now, source, bytes, identity, out);
            return None;
        }
        if !handshake.is_keyed {
            self.totals.packets_unauthentic += 1;
            return None;
        }
        // RFC 5761 section 4.
        let is_rtcp = handshake.terms.mux && bytes.get(1).is_some_and(|kind| (192..=223).contains(kind));
        Some(if is_rtcp { Channel::Rtcp } else { Channel::Rtp })
    }

    fn take_check(
        &mut self,
        now: Instant,
        source: SocketAddr,
        bytes: &[u8],
        identity: Option<&Identity>,
        out: &mut Output,
    ) {
        let (Some(handshake), port) = (&mut self.handshake, self.port) else { return };
        let Some(ice) = handshake.terms.ice.clone() else {
            self.totals.packets_refused += 1;
            return;
        };
        let request = stun::read_request(bytes, &ice.ours, &ice.theirs, &ice.password);
        let request = match request {
            Ok(request) => request,
            // Answers and indications that keep a path open.
            Err(stun::StunError::NoRequest) => return,
            Err(_) => {
                self.totals.packets_refused += 1;
                return;
            }
        };
        if !handshake.checks.allows(now, CHECK_INTERVAL, CHECK_BURST) {
            self.totals.packets_excess += 1;
            return;
        }
        let mut answer = |write: &dyn Fn(&mut Vec<u8>)| out.send(port, Channel::Rtp, source, write);
        let password = &ice.password;
        if let Some(kind) = request.unknown {
            return answer(&|bytes| {
                stun::write_unknown_attribute(bytes, request.transaction, kind, password)
            });
        }
        if request.is_controlled {
            return answer(&|bytes| stun::write_role_conflict(bytes, request.transaction, password));
        }
        answer(&|bytes| stun::write_success(bytes, request.transaction, source, password));
        handshake.last_check = now;
        handshake.note_address(source);
        if request.use_candidate {
            if handshake.nominate(now, source, request.priority) {
                self.follow(now, source);
            }
            self.begin_handshake(now, identity, out);
        }
    }

    /// Audio and reports go there from now on, and are taken from there.
    fn follow(&mut self, now: Instant, address: SocketAddr) {
        self.rtp_source.fix(now, address);
        self.rtcp_source.fix(now, address);
    }

    /// Begins with a peer that makes no checks, where that is ours.
    pub fn open_handshake(&mut self, now: Instant, identity: Option<&Identity>, out: &mut Output) {
        if self.handshake.as_ref().is_some_and(|handshake| !handshake.makes_checks()) {
            self.begin_handshake(now, identity, out);
        }
    }

    /// Begins where that is ours.
    fn begin_handshake(&mut self, now: Instant, identity: Option<&Identity>, out: &mut Output) {
        let Some(handshake) = &mut self.handshake else { return };
        let is_ours = handshake.terms.role == Role::Client;
        if !is_ours || handshake.association.is_some() || handshake.is_keyed || handshake.failed.is_some() {
            return;
        }
        let peer = handshake.nominated.map(|nominated| nominated.address);
        handshake.peer = peer.or_else(|| self.rtp_source.destination());
        handshake.associate(now, identity);
        self.serve_handshake(now, out);
    }

    fn take_handshake(
        &mut self,
        now: Instant,
        source: SocketAddr,
        bytes: &[u8],
        identity: Option<&Identity>,
        out: &mut Output,
    ) {
        let Some(handshake) = &mut self.handshake else { return };
        let is_known = match handshake.terms.ice {
            Some(_) => handshake.addresses.contains(&source),
            None => self.rtp_source.may_be_learned(source.ip()),
        };
        if !is_known || bytes.len() > SECURE_MAX {
            self.totals.packets_refused += 1;
            return;
        }
        if handshake.association.is_none() && !handshake.is_keyed && handshake.failed.is_none() {
            handshake.associate(now, identity);
        }
        handshake.peer = Some(source);
        let Some(association) = &mut handshake.association else { return };
        let outcome = association.receive(now, bytes, &mut to_peer(self.port, source, out));
        self.take_outcome(now, outcome);
    }

    /// Sends again what is due, and begins what is ours to begin.
    pub fn serve_handshake(&mut self, now: Instant, out: &mut Output) {
        let Some(handshake) = &mut self.handshake else { return };
        let nominated = handshake.nominated.map(|nominated| nominated.address);
        let (Some(association), Some(peer)) = (&mut handshake.association, nominated.or(handshake.peer))
        else {
            return;
        };
        let outcome = association.on_time(now, &mut to_peer(self.port, peer, out));
        self.take_outcome(now, outcome);
    }

    fn take_outcome(&mut self, now: Instant, outcome: Outcome) {
        let Some(handshake) = &mut self.handshake else { return };
        match outcome {
            Outcome::Going => {}
            Outcome::Agreed(agreement) => {
                handshake.is_keyed = true;
                handshake.failed = None;
                if let (None, Some(peer)) = (&handshake.terms.ice, handshake.peer) {
                    self.follow(now, peer);
                }
                self.take_keys(&agreement);
            }
            Outcome::Failed(failure) => {
                tracing::debug!(leg = %self.id, %failure, "a handshake for media failed");
                handshake.association = None;
                handshake.failed = match failure {
                    Failure::WrongCertificate => Some(Unsecured::WrongCertificate),
                    Failure::NoProfile => Some(Unsecured::NoProfile),
                    Failure::Late | Failure::Broken(_) if handshake.begun < HANDSHAKES_MAX => None,
                    Failure::Late | Failure::Broken(_) => Some(Unsecured::Broken),
                };
            }
        }
    }

    fn take_keys(&mut self, agreement: &Agreement) {
        self.sender.secure(Some(Box::new(Protect::new(agreement.profile, &agreement.send))));
        self.unprotect = Some(Box::new(Unprotect::new(agreement.profile, &agreement.receive)));
    }

    /// A packet that opened came from there.
    pub fn confirm(&mut self, now: Instant, source: SocketAddr) {
        let nominated = self.handshake.as_mut().and_then(|handshake| handshake.nominated.as_mut());
        if let Some(nominated) = nominated.filter(|nominated| nominated.address == source) {
            nominated.confirmed = now;
        }
    }

    /// Whether the peer still wants what we send.
    pub fn look_for_consent(&mut self, now: Instant) {
        let Some(handshake) = &mut self.handshake else { return };
        if handshake.nominated.is_some() && now.since(handshake.last_check) >= CONSENT {
            handshake.nominated = None;
            handshake.addresses.clear();
            self.rtp_source.forget();
            self.rtcp_source.forget();
        }
    }
}

impl Handshake {
    fn associate(&mut self, now: Instant, identity: Option<&Identity>) {
        let Some(identity) = identity.filter(|_| self.begun < HANDSHAKES_MAX) else { return };
        self.begun += 1;
        let HandshakeTerms { certificate, role, fingerprints, .. } = &self.terms;
        let association = Association::new(now, identity, *certificate, *role, fingerprints.clone());
        self.association = Some(association);
    }
}

fn to_peer(port: PortId, peer: SocketAddr, out: &mut Output) -> impl FnMut(&[u8]) {
    move |datagram| out.send(port, Channel::Rtp, peer, |bytes| bytes.extend_from_slice(datagram))
}

/// What protects what we send, where both sides know the keys already.
pub fn protect(config: &LegConfig) -> Option<Box<Protect>> {
    config.secure.as_ref().map(|secure| Box::new(Protect::new(secure.profile, &secure.send)))
}

/// What opens what the peer sends.
pub fn unprotect(config: &LegConfig) -> Option<Box<Unprotect>> {
    config.secure.as_ref().map(|secure| Box::new(Unprotect::new(secure.profile, &secure.receive)))
}
