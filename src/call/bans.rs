//! Who is banned, and who never is: the switchboard's part, which knows trunks, agents and telephones.

use super::snapshot::Snapshot;
use super::switchboard::Switchboard;
use crate::clock::Instant;
use crate::sip::Peer;
use crate::sip::bans::{Ban, Network, Offence};
use ipnet::IpNet;
use std::net::IpAddr;

/// What is kept and what happened of bans.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct BanFigures {
    pub active: usize,
    /// Since the start, by [`Offence`].
    pub made: [u64; 3],
}

impl Switchboard {
    /// A source that may send nothing has done what one is banned for.
    pub(super) fn offended(&mut self, now: Instant, peer: Peer, offence: Offence, reason: String) {
        let ip = peer.address.ip();
        if self.is_never_banned(now, Network::of(ip)) || self.is_known(now, peer) {
            // Else each of its messages would ask again.
            return self.endpoint.forgive(ip);
        }
        // A stream, and a challenge that came back, show that the source is no forged one.
        let is_proven = peer.transport.is_reliable() || offence == Offence::WrongPasswords;
        let said = reason.clone();
        let out = &mut self.sip_actions;
        if self.endpoint.ban(now, peer, offence, reason, is_proven, out) {
            tracing::warn!(source = %Network::of(ip), reason = said, is_proven, "banned");
        }
    }

    /// Whether somebody is set up or registered there, or the operator wants it: a ban of theirs would be the work of whoever
    /// forges their address, or shut an office out for one telephone that is set up wrongly.
    pub(super) fn is_never_banned(&self, now: Instant, network: Network) -> bool {
        is_set_up(&self.snapshot, &self.never_banned, network)
            || self.registrar.knows_network(network)
            || self.trunks.are_registered_in(now, network)
    }

    /// Ends the bans of those who are known since the snapshot changed.
    pub(super) fn lift_bans_of_the_known(&mut self) {
        let is_known = |network| is_set_up(&self.snapshot, &self.never_banned, network);
        for network in self.endpoint.bans.networks_where(is_known) {
            self.lift_ban(network.first());
        }
    }

    /// Ends the ban of the network that an address is in, which begins anew: with none of its floods and wrong passwords, and no
    /// name locked out there, else its next request would ban it again. Gives the ban where there was one.
    pub fn lift_ban(&mut self, ip: IpAddr) -> Option<Ban> {
        self.registrar.forgive(Network::of(ip));
        self.endpoint.lift_ban(ip)
    }

    /// All bans, those that end first in front.
    pub fn bans(&self) -> Vec<Ban> {
        self.endpoint.bans.list().cloned().collect()
    }

    pub fn ban_figures(&self) -> BanFigures {
        BanFigures { active: self.endpoint.bans.len(), made: self.endpoint.bans.totals() }
    }
}

/// Whether a trunk's range, an agent's fixed address or a range of the operator's has to do with a network.
fn is_set_up(snapshot: &Snapshot, never_banned: &[IpNet], network: Network) -> bool {
    let Ok(banned) = IpNet::new(network.first(), network.prefix()) else { return false };
    let overlaps = |range: &IpNet| range.contains(&banned) || banned.contains(range);
    let of_trunks = snapshot.trunks.iter().flat_map(|trunk| &trunk.sources);
    let mut of_agents = snapshot.agents.values().filter_map(|agent| agent.address);
    never_banned.iter().chain(of_trunks).any(overlaps)
        || of_agents.any(|address| Network::of(address.ip()) == network)
}
