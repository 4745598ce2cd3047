//! What strangers do that they are banned for, and how those are turned away that are.

use super::{Action, Endpoint, Event};
use crate::clock::Instant;
use crate::ids::ConnectionId;
use crate::sip::Peer;
use crate::sip::bans::{Ban, Network, Offence};
use crate::sip::limits::{OFFENCES_BURST, OFFENCES_PER_SECOND};
use crate::sip::message::{Glance, HeaderName};
use std::net::IpAddr;

impl Endpoint {
    /// Whether what a stranger has sent is looked at. Not what belongs to a dialog of ours, and no response: that comes in
    /// whoever is banned.
    pub(super) fn may_speak(&mut self, peer: Peer, glance: &Glance, actions: &mut Vec<Action>) -> bool {
        let is_forgeable = !peer.transport.is_reliable();
        let may_show_itself = self.is_door_open(&glance.subject);
        if let Some(ban) = self.bans.of(peer.address.ip()) {
            // Whoever forges a source shall shut nobody else out.
            let counts = ban.is_proven || (is_forgeable && !may_show_itself);
            if counts {
                ban.turned_away += 1;
                self.counters.banned_dropped += 1;
                return false;
            }
        }
        let user_agent = glance.head.get(HeaderName::UserAgent, "").unwrap_or_default();
        if let Some(reason) = self.bans.policy.scanner(user_agent) {
            self.counters.scanners_dropped += 1;
            let offence = Offence::Scanner;
            actions.push(Action::Event(Event::Offended { peer, offence, reason }));
            return false;
        }
        true
    }

    /// Counts a message that nobody of that address may send, or that is none. More than a stranger's mistakes are a flood.
    pub(super) fn note_offence(&mut self, now: Instant, peer: Peer, actions: &mut Vec<Action>) {
        if !self.offences.of(peer.transport).allows(now, peer.address.ip()) {
            let reason = format!(
                "it sent more than {OFFENCES_BURST} messages at once, or {OFFENCES_PER_SECOND} a second, that are no SIP \
                 or that nobody of its address may send"
            );
            let offence = Offence::Flood;
            actions.push(Action::Event(Event::Offended { peer, offence, reason }));
        }
    }

    /// Whether a new stream is closed at once, for its host is banned. Only for what is proven: the stream shows that its
    /// address is none that was forged.
    pub(super) fn is_shut_out(&mut self, ip: IpAddr) -> bool {
        let Some(ban) = self.bans.of(ip).filter(|ban| ban.is_proven) else { return false };
        ban.turned_away += 1;
        self.counters.banned_dropped += 1;
        true
    }

    /// Bans the host of a peer, and says whether it was not before. Its streams are closed where nothing that is proven could
    /// come over them, but for those that carry a call.
    pub fn ban(
        &mut self,
        now: Instant,
        peer: Peer,
        offence: Offence,
        reason: String,
        is_proven: bool,
        actions: &mut Vec<Action>,
    ) -> bool {
        let ip = peer.address.ip();
        if self.bans.place(now, ip, offence, reason, is_proven).is_none() {
            return false;
        }
        if is_proven {
            let network = Network::of(ip);
            let is_idle = |connection: &super::tables::Connection| {
                Network::of(connection.way.address.ip()) == network && connection.is_idle_strangers()
            };
            let streams = self.connections.by_id.iter().filter(|(_, connection)| is_idle(connection));
            let streams: Vec<ConnectionId> = streams.map(|(id, _)| *id).collect();
            for stream in streams {
                self.close_stream(now, stream, actions);
            }
        }
        true
    }

    /// Ends a ban and forgets what led to it; gives it where there was one.
    pub fn lift_ban(&mut self, ip: IpAddr) -> Option<Ban> {
        self.forgive(ip);
        self.bans.lift(Network::of(ip))
    }

    /// Forgets what a source has sent that nobody of its address may send.
    pub fn forgive(&mut self, ip: IpAddr) {
        self.offences.both().into_iter().for_each(|offences| offences.forget(ip));
    }
}
