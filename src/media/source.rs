//! Whose packets a leg takes: those from the address in the peer's SDP, until the rule lets another one in.
//!
//! The rule keeps out strangers who guess a media port (RTP bleed) and yet follows a peer behind NAT. Another
//! address is learned only if its IP is the SDP's or the one that the dialog's SIP comes from, after five packets
//! in sequence, and once the address before has been silent for 200 ms.

use crate::clock::Instant;
use crate::rtp::SequenceNumber;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Packets in sequence that a new address must send.
const PROOF: u8 = 5;
/// Silence of the old address that a move needs.
const SILENCE: Duration = Duration::from_millis(200);

/// What is to be done with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Accepted,
    /// Accepted, and the peer's address is this one from now on.
    Learned,
    Refused,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    address: SocketAddr,
    ssrc: u32,
    /// The number that continues its sequence.
    next: SequenceNumber,
    count: u8,
}

/// The address of one stream, RTP or RTCP.
#[derive(Clone, Debug)]
pub struct Source {
    sdp: SocketAddr,
    signalling_ip: IpAddr,
    current: SocketAddr,
    last_heard: Instant,
    candidate: Option<Candidate>,
    /// Somebody else says where the peer is: nothing is learned from packets.
    is_fixed: bool,
}

impl Source {
    /// Locked to the SDP's address, which is silent from `now` on.
    pub fn new(now: Instant, sdp: SocketAddr, signalling_ip: IpAddr) -> Self {
        let sdp = canonical(sdp);
        let signalling_ip = signalling_ip.to_canonical();
        Source { sdp, signalling_ip, current: sdp, last_heard: now, candidate: None, is_fixed: false }
    }

    /// A new answer came. What was learned stays where the SDP names the same address as before.
    pub fn update(&mut self, now: Instant, sdp: SocketAddr, signalling_ip: IpAddr) {
        if canonical(sdp) != self.sdp {
            *self = Source::new(now, sdp, signalling_ip);
        }
        self.signalling_ip = signalling_ip.to_canonical();
    }

    /// Somebody who can prove it says that the peer is there: packets are taken from there alone from now on.
    pub fn fix(&mut self, now: Instant, address: SocketAddr) {
        let address = canonical(address);
        *self = Source { current: address, last_heard: now, candidate: None, is_fixed: true, ..*self };
    }

    /// Nobody knows where the peer is until the next [`Source::fix`].
    pub fn forget(&mut self) {
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        *self = Source { current: nowhere, candidate: None, is_fixed: true, ..*self };
    }

    /// Where our packets go, if that is a place a packet can go to.
    pub fn destination(&self) -> Option<SocketAddr> {
        let ip = self.current.ip();
        let reachable = self.current.port() != 0 && !ip.is_unspecified() && !ip.is_multicast();
        reachable.then_some(self.current)
    }

    /// Judges a packet from `from`. For RTCP, which has no sequence numbers, any two packets of one SSRC are in
    /// sequence: `sequence` is none.
    pub fn judge(
        &mut self,
        now: Instant,
        from: SocketAddr,
        ssrc: u32,
        sequence: Option<SequenceNumber>,
    ) -> Verdict {
        let from = canonical(from);
        if from == self.current {
            self.last_heard = now;
            return Verdict::Accepted;
        }
        if self.is_fixed || !self.may_be_learned(from.ip()) {
            return Verdict::Refused;
        }
        let sequence_or_zero = sequence.unwrap_or_default();
        let count = match &self.candidate {
            Some(known)
                if known.address == from
                    && known.ssrc == ssrc
                    && (sequence.is_none() || known.next == sequence_or_zero) =>
            {
                known.count.saturating_add(1)
            }
            _ => 1,
        };
        let next = sequence_or_zero.plus(1);
        self.candidate = Some(Candidate { address: from, ssrc, next, count });
        if count < PROOF || now.since(self.last_heard) < SILENCE {
            return Verdict::Refused;
        }
        (self.current, self.last_heard, self.candidate) = (from, now, None);
        Verdict::Learned
    }

    /// Whether packets from this IP could ever be taken.
    pub fn may_be_learned(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        !ip.is_unspecified() && (ip == self.sdp.ip() || ip == self.signalling_ip)
    }

    pub fn current(&self) -> SocketAddr {
        self.current
    }
}

/// An IPv4 address that came mapped into IPv6 is the same address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "10.0.0.5:4000";
    const NAT: &str = "198.51.100.7:33000";
    const NAT_REBOUND: &str = "198.51.100.7:33001";
    const STRANGER: &str = "203.0.113.66:4000";

    fn source() -> Source {
        Source::new(Instant::ZERO, SDP.parse().unwrap(), "198.51.100.7".parse().unwrap())
    }

    /// Sends one packet each 20 ms and says how many were accepted.
    fn send(source: &mut Source, from: &str, start_ms: u64, numbers: impl Iterator<Item = u16>) -> usize {
        numbers
            .enumerate()
            .filter(|(index, number)| {
                let now = Instant::from_millis(start_ms + *index as u64 * 20);
                let verdict = source.judge(now, from.parse().unwrap(), 1, Some(SequenceNumber(*number)));
                verdict != Verdict::Refused
            })
            .count()
    }

    #[test]
    fn a_stranger_is_refused_however_long_it_sends_and_moves_nothing() {
        let mut source = source();
        assert_eq!(send(&mut source, STRANGER, 0, 0..1_000), 0);
        assert_eq!(source.current(), SDP.parse().unwrap());
    }

    #[test]
    fn a_private_address_in_the_sdp_gives_way_to_where_the_signalling_comes_from() {
        let mut source = source();
        // The first at 0 ms; accepted from 200 ms on.
        assert_eq!(send(&mut source, NAT, 0, 0..20), 10);
        assert_eq!(source.destination(), Some(NAT.parse().unwrap()));
    }

    #[test]
    fn a_rebinding_is_followed_after_five_packets_and_200_ms_of_silence() {
        let mut source = source();
        send(&mut source, NAT, 0, 0..50);
        // The last packet from the old port came at 980 ms.
        assert_eq!(send(&mut source, NAT_REBOUND, 1_000, 50..59), 0);
        assert_eq!(source.current(), NAT.parse().unwrap());
        assert_eq!(send(&mut source, NAT_REBOUND, 1_180, 59..60), 1);
        assert_eq!(source.current(), NAT_REBOUND.parse().unwrap());
    }

    #[test]
    fn four_packets_after_a_silence_are_not_enough_and_five_out_of_sequence_neither() {
        let mut source = source();
        assert_eq!(send(&mut source, NAT, 1_000, 0..4), 0);
        assert_eq!(send(&mut source, NAT, 2_000, [10, 12, 14, 16, 18, 20].into_iter()), 0);
        assert_eq!(send(&mut source, NAT, 3_000, 65_533..=65_535), 0);
        assert_eq!(send(&mut source, NAT, 3_060, 0..2), 1);
    }

    #[test]
    fn two_addresses_behind_one_nat_do_not_take_the_stream_from_each_other() {
        let mut source = source();
        send(&mut source, NAT, 0, 0..50);
        for n in 0..100u16 {
            let now = Instant::from_millis(1_000 + u64::from(n) * 20);
            let own = source.judge(now, NAT.parse().unwrap(), 1, Some(SequenceNumber(50 + n)));
            let other = source.judge(now, NAT_REBOUND.parse().unwrap(), 2, Some(SequenceNumber(n)));
            assert_eq!((own, other), (Verdict::Accepted, Verdict::Refused), "packet {n}");
        }
    }

    #[test]
    fn a_new_answer_locks_anew_only_where_it_names_another_address() {
        let mut source = source();
        send(&mut source, NAT, 0, 0..20);
        let signalling = "198.51.100.7".parse().unwrap();
        source.update(Instant::from_millis(500), SDP.parse().unwrap(), signalling);
        assert_eq!(source.current(), NAT.parse().unwrap());
        source.update(Instant::from_millis(500), "10.0.0.9:4000".parse().unwrap(), signalling);
        assert_eq!(source.current(), "10.0.0.9:4000".parse().unwrap());
    }

    #[test]
    fn nothing_is_sent_to_where_no_peer_can_be() {
        for address in ["0.0.0.0:4000", "10.0.0.5:0", "239.1.2.3:4000", "[::]:4000"] {
            let source = Source::new(Instant::ZERO, address.parse().unwrap(), "10.0.0.5".parse().unwrap());
            assert_eq!(source.destination(), None, "{address}");
        }
    }

    #[test]
    fn a_source_that_is_fixed_moves_only_by_the_word_of_who_fixed_it() {
        let mut source = source();
        source.fix(Instant::ZERO, STRANGER.parse().unwrap());
        assert_eq!(send(&mut source, STRANGER, 0, 0..5), 5);
        assert_eq!(send(&mut source, SDP, 5_000, 0..50), 0);
        source.forget();
        assert_eq!(source.destination(), None);
        assert_eq!(send(&mut source, STRANGER, 9_000, 5..50), 0);
        source.fix(Instant::from_millis(10_000), NAT.parse().unwrap());
        assert_eq!(source.destination(), Some(NAT.parse().unwrap()));
    }

    #[test]
    fn a_mapped_ipv4_address_is_the_ipv4_address() {
        let mut source = source();
        let mapped = "[::ffff:10.0.0.5]:4000".parse().unwrap();
        assert_eq!(source.judge(Instant::ZERO, mapped, 1, None), Verdict::Accepted);
    }
}
