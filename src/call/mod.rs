//! Calls: the one place where signalling, call flows and media meet.
//!
//! The door is [`switchboard::Switchboard`]. Everything that happens to any call comes in through it, in order,
//! and everything that is to be done goes out of it as one list.

pub mod number;
pub mod number_rule;
pub mod ports;
pub mod record;
pub mod route;
pub mod services;
pub mod smart_number;
pub mod snapshot;
pub mod sound;

mod arrival;
pub mod b2bua;
pub mod bans;
pub mod capture;
pub mod copies;
pub mod dialled;
pub mod identity;
mod index;
mod info;
pub mod ladder;
mod later_offer;
pub mod live;
mod masked;
pub mod media_leg;
mod message_parts;
pub mod registering;
pub mod said;
pub mod switchboard;
#[cfg(test)]
mod tests;
mod transfer;
pub mod trial;
pub mod troubles;
pub mod trunk;
pub mod ways;

use crate::audio::Clip;
use crate::flow::{LookupError, Question, Reply};
use crate::ids::CallId;
use crate::media;
use crate::sip::locate::{Destination, Target};
use ports::ThreadId;
use record::CallRecord;
use snapshot::{Snapshot, Speech};
use std::net::SocketAddr;
use std::sync::Arc;

/// What the outside tells the switchboard.
pub enum Input<'a> {
    /// From the network.
    Datagram {
        listener: crate::sip::ListenerId,
        source: SocketAddr,
        bytes: &'a [u8],
    },
    StreamOpened {
        connection: crate::ids::ConnectionId,
        listener: crate::sip::ListenerId,
        peer: SocketAddr,
        /// Of the peer's certificate, where it has shown one that an authority of ours vouches for; in small letters.
        names: Arc<[String]>,
    },
    StreamData {
        connection: crate::ids::ConnectionId,
        bytes: &'a [u8],
    },
    /// Closed by the peer, broken, or never opened.
    StreamClosed {
        connection: crate::ids::ConnectionId,
    },
    /// From a media thread.
    Media {
        thread: ThreadId,
        event: media::Event,
    },
    /// Port pairs that were bound; fewer than asked for where other programs hold some.
    PortsBound {
        thread: ThreadId,
        asked: usize,
        ports: Vec<ports::Port>,
    },
    /// A new snapshot for new calls.
    Snapshot(Arc<Snapshot>),
    /// The reply to [`Action::Render`].
    Rendered {
        request: RequestId,
        result: Result<Arc<Clip>, String>,
    },
    /// The reply to [`Action::Resolve`].
    Resolved {
        request: RequestId,
        /// Where to try, in that order; never empty.
        result: Result<Vec<Target>, String>,
    },
    /// The reply to [`Action::Ask`].
    Replied {
        request: RequestId,
        result: Result<Reply, LookupError>,
    },
    /// An operator wants the registration with that trunk tried now.
    Register(String),
    /// An operator wants that account rung there no more.
    Unbind {
        account: String,
        binding: u64,
    },
    /// Somebody tries a trunk.
    Trial {
        trial: trial::TrialId,
        order: Box<trial::Order>,
    },
    /// Take no new calls.
    Drain,
    /// End this call: somebody who may has said so.
    HangUp(CallId),
    /// Note the headers of this call's packets, or stop that.
    BeginCapture(CallId),
    EndCapture(CallId),
    /// End all calls at once.
    Stop,
}

/// What the switchboard wants done, in order.
pub enum Action {
    /// To the network. Never [`crate::sip::endpoint::Action::Event`].
    Sip(crate::sip::endpoint::Action),
    Media {
        thread: ThreadId,
        command: media::Command,
    },
    /// A call is over.
    Record(Box<CallRecord>),
    /// For whoever watches calls; may be lost.
    Live(Box<live::LiveEvent>),
    /// For whoever collects SIP messages; may be lost.
    Copy(Box<copies::MessageCopy>),
    /// Speak a text; answered by [`Input::Rendered`], within 10 s.
    Render {
        request: RequestId,
        speech: Speech,
    },
    /// Ask another system; answered by [`Input::Replied`] within the time of the question.
    Ask {
        request: RequestId,
        question: Box<Question>,
    },
    /// Nobody waits for the answer to this [`Action::Ask`] any more: the request is given up.
    Forget {
        request: RequestId,
    },
    /// Find a peer (RFC 3263); answered by [`Input::Resolved`], within 5 s.
    Resolve {
        request: RequestId,
        destination: Destination,
    },
    /// For whoever tries a trunk.
    Trial {
        trial: trial::TrialId,
        news: Box<trial::News>,
    },
    /// Bind so many more port pairs for a thread.
    BindPorts {
        thread: ThreadId,
        count: usize,
    },
}

/// Names a question to the outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RequestId {
    pub call: CallId,
    pub number: u32,
}
