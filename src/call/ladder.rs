//! The SIP messages of calls, as they went over the network: of those in progress and of those that ended last.
//!
//! Cheap on the path of a call: a message is found by its Call-ID, its bytes are kept as they are, and it is put into words
//! only when somebody asks. What is secret leaves this room masked alone ([`super::masked`]).

use super::Action;
use super::copies::Copies;
use super::masked::masked;
use super::switchboard::Switchboard;
use crate::clock::{Now, Wall};
use crate::ids::CallId;
use crate::sip::endpoint as sip;
use crate::sip::{ListenerId, Transport};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

/// Of one call: a call with ten legs that ring has some 80; one whose peers go on re-INVITEing is testing us.
const MESSAGES_MAX: usize = 200;
/// Of one call: 200 messages of usual length.
const CALL_BYTES_MAX: usize = 128 * 1_024;
/// Of all calls, with what each message costs beside its text: those of 2,500 calls in progress with 12 KB each. Calls that
/// are over make room first.
const BYTES_MAX: usize = 32 * 1_024 * 1_024;
/// Of one call, those whose messages are kept: more than ever ring at once. A caller who waits for hours has others rung
/// every half minute.
const LEGS_MAX: usize = 64;
/// Calls that are over: some minutes of a busy server, hours of a quiet one.
const ENDED_MAX: usize = 500;
/// A longer Call-ID is not looked up: none that anybody sends has 128 characters.
const SIP_ID_BYTES_MAX: usize = 256;
/// Of a message beside its text, in a list that has up to twice the room it uses.
const MESSAGE_BYTES: usize = 2 * size_of::<LadderMessage>();

/// A message of a call.
#[derive(Clone, PartialEq, Debug)]
pub struct LadderMessage {
    pub at: Wall,
    /// By us.
    pub is_sent: bool,
    /// The leg's number within the call; 0 is the caller's.
    pub leg: u32,
    pub transport: Transport,
    /// Our address and the peer's.
    pub own: SocketAddr,
    pub peer: SocketAddr,
    /// A copy: what goes out is in a buffer with room to spare, which would stay as long as this does.
    bytes: Box<[u8]>,
}

impl LadderMessage {
    /// The message, as long as it was, with keys and credentials masked.
    pub fn text(&self) -> Vec<u8> {
        masked(&self.bytes)
    }
}

/// The messages of a call.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ladder {
    pub messages: Vec<LadderMessage>,
    /// Messages that were too many.
    pub left_out: u32,
    /// The names of its legs that messages were sent to or came from.
    pub parties: Vec<(u32, String)>,
    pub is_over: bool,
    bytes: usize,
    sip_ids: Vec<Box<str>>,
}

/// A message on its way.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Passing {
    pub is_sent: bool,
    pub transport: Transport,
    pub own: SocketAddr,
    pub peer: SocketAddr,
}

/// All ladders.
#[derive(Default)]
pub struct Ladders {
    calls: HashMap<CallId, Ladder>,
    by_sip_id: HashMap<Box<str>, (CallId, u32)>,
    /// The oldest first.
    ended: VecDeque<CallId>,
    bytes: usize,
    left_out: u64,
}

impl Ladders {
    /// A leg's messages have that Call-ID.
    pub fn begin(&mut self, call: CallId, leg: u32, party: &str, sip_id: &str) {
        let ladder = self.calls.entry(call).or_default();
        if sip_id.len() > SIP_ID_BYTES_MAX || ladder.parties.len() >= LEGS_MAX {
            return;
        }
        self.by_sip_id.insert(sip_id.into(), (call, leg));
        ladder.sip_ids.push(sip_id.into());
        ladder.parties.push((leg, party.to_owned()));
    }

    /// The call is over; its messages are kept until others take their place.
    pub fn over(&mut self, call: CallId) {
        if let Some(ladder) = self.calls.get_mut(&call) {
            ladder.is_over = true;
            self.ended.push_back(call);
            if self.ended.len() > ENDED_MAX {
                self.drop_oldest();
            }
        }
    }

    /// Keeps a message where it belongs to a call, and says to which; only then is it asked for the rest.
    pub fn note(&mut self, at: Wall, bytes: &[u8], passing: impl FnOnce() -> Passing) -> Option<CallId> {
        let (call, leg) = sip_id(bytes).and_then(|id| self.by_sip_id.get(id).copied())?;
        self.keep(call, leg, at, bytes, passing);
        Some(call)
    }

    fn keep(&mut self, call: CallId, leg: u32, at: Wall, bytes: &[u8], passing: impl FnOnce() -> Passing) {
        let cost = bytes.len() + MESSAGE_BYTES;
        let has_room =
            |ladder: &Ladder| ladder.messages.len() < MESSAGES_MAX && ladder.bytes + cost <= CALL_BYTES_MAX;
        // Others make room for what its own call has room for, and for nothing else.
        if self.calls.get(&call).is_some_and(has_room) {
            while self.bytes + cost > BYTES_MAX && self.drop_oldest() {}
        }
        let Some(ladder) = self.calls.get_mut(&call) else { return };
        if !has_room(ladder) || self.bytes + cost > BYTES_MAX {
            ladder.left_out = ladder.left_out.saturating_add(1);
            self.left_out += 1;
            return;
        }
        ladder.bytes += cost;
        self.bytes += cost;
        let Passing { is_sent, transport, own, peer } = passing();
        ladder.messages.push(LadderMessage { at, is_sent, leg, transport, own, peer, bytes: bytes.into() });
    }

    pub fn of(&self, call: CallId) -> Option<&Ladder> {
        self.calls.get(&call)
    }

    /// Messages that were too many, since the start.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// False where no call is over.
    fn drop_oldest(&mut self) -> bool {
        let Some(call) = self.ended.pop_front() else { return false };
        if let Some(ladder) = self.calls.remove(&call) {
            self.bytes -= ladder.bytes;
            for id in &ladder.sip_ids {
                // Who tries again has the same Call-ID and is another call.
                if self.by_sip_id.get(id).is_some_and(|(of, _)| *of == call) {
                    self.by_sip_id.remove(id);
                }
            }
        }
        true
    }
}

impl Switchboard {
    /// Keeps the SIP messages of calls that came, and then those that are to be sent, of the actions from `first` on; has them
    /// copied where somebody collects them.
    pub(super) fn keep_messages(
        &mut self,
        now: Now,
        datagram: Option<(ListenerId, SocketAddr, &[u8])>,
        first: usize,
        actions: &mut Vec<Action>,
    ) {
        let heard = self.endpoint.take_heard();
        let (endpoint, ladders, copies) = (&self.endpoint, &mut self.ladders, &mut self.copies);
        let mut note = |bytes: &[u8], is_sent, transport, listener, peer| {
            let passing = || Passing { is_sent, transport, own: endpoint.own_socket(listener), peer };
            let call = ladders.note(now.wall, bytes, passing);
            if let Some(copies) = copies {
                copies.note(now, bytes, call, passing());
            }
        };
        if let Some((listener, source, bytes)) = datagram {
            note(bytes, false, Transport::Udp, listener, source);
        }
        for (peer, bytes) in heard {
            note(&bytes, false, peer.transport, peer.listener, peer.address);
        }
        for action in actions.get(first..).unwrap_or_default() {
            match action {
                Action::Sip(sip::Action::SendDatagram { listener, destination, bytes }) => {
                    note(bytes, true, Transport::Udp, *listener, *destination);
                }
                Action::Sip(sip::Action::SendStream { connection, bytes }) => {
                    let Some((listener, transport, peer)) = endpoint.peer_of(*connection) else { continue };
                    note(bytes, true, transport, listener, peer);
                }
                _ => {}
            }
        }
        if let Some(copies) = copies {
            actions.extend(copies.take().map(|copy| Action::Copy(Box::new(copy))));
        }
    }

    /// From now on all messages are copied ([`Action::Copy`]).
    pub fn copy_messages(&mut self) {
        self.copies.get_or_insert_default();
    }

    /// Messages of no call that were too many to be copied.
    pub fn copies_left_out(&self) -> u64 {
        self.copies.as_ref().map_or(0, Copies::left_out)
    }
}

/// The Call-ID of a message, unread otherwise.
fn sip_id(bytes: &[u8]) -> Option<&str> {
    // Who keeps a way through a router open may send line ends before a message too.
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let bytes = bytes.get(start..)?;
    for line in bytes.split(|byte| *byte == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return None;
        }
        let colon = match line {
            [b'i' | b'I', ..] => 1,
            [b'c' | b'C', ..] if line.len() > 7 => 7,
            _ => continue,
        };
        let (name, value) = line.split_at_checked(colon)?;
        let is_id = name.eq_ignore_ascii_case(b"i") || name.eq_ignore_ascii_case(b"call-id");
        let value = value.trim_ascii_start().strip_prefix(b":");
        if let Some(value) = value.filter(|_| is_id) {
            return std::str::from_utf8(value.trim_ascii()).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CallIds, Random};

    fn ids(count: usize) -> Vec<CallId> {
        let mut ids = CallIds::new(Random::from_seed(1));
        (0..count).map(|n| ids.next(Wall::from_unix_seconds(n as i64))).collect()
    }

    fn note(ladders: &mut Ladders, sip_id: &str, length: usize) {
        let mut text = format!("BYE sip:a@b SIP/2.0\r\nCall-ID: {sip_id}\r\n\r\n");
        text.extend(std::iter::repeat_n('x', length.saturating_sub(text.len())));
        let peer = SocketAddr::from(([192, 0, 2, 9], 5060));
        let passing = Passing { is_sent: false, transport: Transport::Udp, own: peer, peer };
        ladders.note(Wall::from_unix_seconds(1), text.as_bytes(), || passing);
    }

    #[test]
    fn the_call_id_is_found_in_each_of_its_spellings() {
        for (text, expected) in [
            ("INVITE sip:a SIP/2.0\r\nCall-ID: abc@x\r\n\r\n", Some("abc@x")),
            ("INVITE sip:a SIP/2.0\nVia: x\ni:abc\n\n", Some("abc")),
            ("SIP/2.0 200 OK\r\nContact: <sip:i>\r\nCALL-ID :  abc \r\n", Some("abc")),
            ("SIP/2.0 200 OK\r\nContact: x\r\n\r\nCall-ID: body\r\n", None),
            ("Call-ID: of the first line\r\n", None),
            ("INVITE x\r\nC\r\ncall-id\r\n", None),
            ("\r\n\r\nBYE sip:a SIP/2.0\r\nCall-ID: abc\r\n\r\n", Some("abc")),
            ("\r\n", None),
            ("", None),
        ] {
            assert_eq!(sip_id(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn of_one_call_200_messages_are_kept_and_the_rest_is_counted() {
        let (mut ladders, call) = (Ladders::default(), ids(1)[0]);
        ladders.begin(call, 0, "caller", "a");
        (0..250).for_each(|_| note(&mut ladders, "a", 60));
        note(&mut ladders, "nobody's", 60);
        let ladder = ladders.of(call).unwrap();
        assert_eq!((ladder.messages.len(), ladder.left_out, ladders.left_out()), (200, 50, 50));
    }

    #[test]
    fn a_message_that_its_own_call_has_no_room_for_takes_none_from_others() {
        let mut ladders = Ladders::default();
        let calls = ids(304);
        for (n, call) in calls.iter().enumerate() {
            ladders.begin(*call, 0, "caller", &format!("id-{n}"));
            note(&mut ladders, &format!("id-{n}"), 110_000);
        }
        (1..304).for_each(|n| ladders.over(calls[n]));
        (0..100).for_each(|_| note(&mut ladders, "id-0", 130_000));
        let kept =
            calls.iter().filter(|call| ladders.of(**call).is_some_and(|of| !of.messages.is_empty())).count();
        assert_eq!(kept, 304);
    }

    #[test]
    fn a_call_that_rings_again_and_again_keeps_the_names_of_so_many_legs_only() {
        let (mut ladders, call) = (Ladders::default(), ids(1)[0]);
        for leg in 0..10_000 {
            ladders.begin(call, leg, "alice", &format!("id-{leg}"));
        }
        assert_eq!(ladders.of(call).map(|ladder| ladder.parties.len()), Some(LEGS_MAX));
        assert_eq!(ladders.by_sip_id.len(), LEGS_MAX);
    }

    #[test]
    fn calls_that_are_over_make_room_the_oldest_first_and_those_in_progress_do_not() {
        let mut ladders = Ladders::default();
        let calls = ids(ENDED_MAX + 2);
        for (n, call) in calls.iter().enumerate() {
            ladders.begin(*call, 0, "caller", &format!("id-{n}"));
            note(&mut ladders, &format!("id-{n}"), 60_000);
            note(&mut ladders, &format!("id-{n}"), 60_000);
            if n > 0 {
                ladders.over(*call);
            }
        }
        assert!(ladders.bytes <= BYTES_MAX, "{} bytes", ladders.bytes);
        assert_eq!(ladders.of(calls[0]).map(|ladder| ladder.messages.len()), Some(2), "it is in progress");
        assert_eq!(ladders.of(calls[1]), None);
        let last = ladders.of(calls[ENDED_MAX + 1]).map(|ladder| (ladder.messages.len(), ladder.is_over));
        assert_eq!((last, ladders.left_out()), (Some((2, true)), 0), "the latest finds room");
        assert_eq!(ladders.by_sip_id.len(), ladders.calls.len());
    }
}
