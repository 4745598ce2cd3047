//! The ways to the signalling thread and from it: what others tell it, and what it tells those who watch calls.

use super::Waker;
use super::media_thread::LegFigures;
use crate::call::RequestId;
use crate::call::b2bua::insight::Insight;
use crate::call::capture::CallCapture;
use crate::call::ladder::Ladder;
use crate::call::live::{Changes, LiveCall, LiveEvent};
use crate::call::ports::ThreadId;
use crate::call::registering::Listed;
use crate::call::snapshot::Snapshot;
use crate::call::trial::{News, Order, TrialId};
use crate::call::trunk::TrunkStatus;
use crate::flow::{LookupError, Reply};
use crate::ids::{CallId, ConnectionId};
use crate::media;
use crate::sip::ListenerId;
use crate::sip::bans::Ban;
use crate::sip::locate::Target;
use bytes::Bytes;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Messages that wait for the thread: a second of 100,000 packets' events. Streams then wait; media keeps its own.
pub const QUEUE: usize = 16_384;

/// What others tell the thread.
pub enum Message {
    StreamOpened {
        connection: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
        /// Of the certificate that the peer has shown, which an authority of ours vouches for; in small letters.
        names: Arc<[String]>,
    },
    StreamData {
        connection: ConnectionId,
        bytes: Bytes,
        turn: Turn,
    },
    StreamClosed {
        connection: ConnectionId,
    },
    Media {
        thread: ThreadId,
        event: media::Event,
    },
    PortsBound {
        thread: ThreadId,
        asked: usize,
        ports: Vec<crate::call::ports::Port>,
    },
    /// How the trunks are.
    Trunks(oneshot::Sender<Vec<TrunkStatus>>),
    /// Who is banned.
    Bans(oneshot::Sender<Vec<Ban>>),
    /// End the ban of the network that an address is in; told which that was.
    LiftBan {
        ip: IpAddr,
        reply: oneshot::Sender<Option<Ban>>,
    },
    /// Try the registration with that trunk now; told whether there is one.
    Register {
        trunk: String,
        reply: oneshot::Sender<bool>,
    },
    /// What is registered with us is wanted, a page of it.
    Registrations {
        /// Behind that account and number.
        behind: (String, u64),
        account: Option<String>,
        limit: usize,
        reply: oneshot::Sender<Vec<Listed>>,
    },
    /// Ring that account there no more; told whether there is such a binding.
    Unbind {
        account: String,
        binding: u64,
        reply: oneshot::Sender<bool>,
    },
    /// Somebody tries a trunk, and wants to hear what comes of it there.
    Trial {
        trial: TrialId,
        order: Box<Order>,
        news: mpsc::Sender<Box<News>>,
    },
    /// What new calls start on from now on.
    Snapshot {
        snapshot: Arc<Snapshot>,
        /// Told when it is so.
        taken: Option<oneshot::Sender<()>>,
    },
    Rendered {
        request: RequestId,
        result: Result<Arc<crate::audio::Clip>, String>,
    },
    Resolved {
        request: RequestId,
        result: Result<Vec<Target>, String>,
    },
    /// All calls in progress are wanted.
    Calls(oneshot::Sender<Vec<LiveCall>>),
    /// What changed in the list of calls since this was asked last is wanted.
    Changes(oneshot::Sender<Changes>),
    /// Nobody looks at the list any more.
    ForgetChanges,
    /// What is known of a call in progress is wanted, with the figures of its legs, which its media thread gives.
    Insight {
        call: CallId,
        reply: oneshot::Sender<Option<(Insight, oneshot::Receiver<LegFigures>)>>,
    },
    /// The SIP messages of a call are wanted.
    Ladder {
        call: CallId,
        reply: oneshot::Sender<Option<Ladder>>,
    },
    /// Note the headers of a call's packets from now on, stop that, or only say how far it is.
    Capture {
        call: CallId,
        wish: CaptureWish,
        reply: oneshot::Sender<CaptureView>,
    },
    /// Hang a call up, and say whether there was one.
    HangUp {
        call: CallId,
        reply: oneshot::Sender<bool>,
    },
    Replied {
        request: RequestId,
        /// Boxed: the queue has room for the largest message many times.
        result: Box<Result<Reply, LookupError>>,
    },
    /// Take no new calls.
    Drain,
    /// End all calls, then the thread.
    Stop,
}

/// What is wanted of a call's capture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CaptureWish {
    Begin,
    End,
    Look,
}

/// How far a call's capture is.
pub struct CaptureView {
    /// The call is.
    pub in_progress: bool,
    pub capture: Option<CallCapture>,
}

/// The way to the thread.
#[derive(Clone)]
pub struct Post {
    pub(super) queue: mpsc::Sender<Message>,
    pub(super) waker: Waker,
}

impl Post {
    /// A post and the thread's end of it.
    pub fn new() -> io::Result<(Post, Mailbox)> {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let waker = Waker::new()?;
        Ok((Post { queue, waker: waker.clone() }, Mailbox { queue: receiver, waker }))
    }

    /// Waits for room. Fails only when the thread has ended.
    pub async fn send(&self, message: Message) -> Result<(), ThreadEnded> {
        self.queue.send(message).await.map_err(|_| ThreadEnded)?;
        self.waker.wake();
        Ok(())
    }

    /// Hands on what a connection brought, once what it brought before was handled.
    pub async fn send_data(
        &self,
        turns: &Turns,
        connection: ConnectionId,
        bytes: Bytes,
    ) -> Result<(), ThreadEnded> {
        let turn = Turn(turns.0.clone().acquire_owned().await.map_err(|_| ThreadEnded)?);
        self.send(Message::StreamData { connection, bytes, turn }).await
    }

    /// Gives the message back where there is no room.
    pub fn try_send(&self, message: Message) -> Result<(), Message> {
        self.queue.try_send(message).map_err(mpsc::error::TrySendError::into_inner)?;
        self.waker.wake();
        Ok(())
    }
}

/// Those of one connection: it has one piece in the queue at a time. Else one peer that sends all that its line carries would
/// fill the queue, and calls, media and the connections of others would wait behind it.
pub struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Turns(Arc::new(Semaphore::new(1)))
    }
}

/// Goes back to its connection when it is dropped, with the message that was handled.
pub struct Turn(#[expect(dead_code, reason = "held, never looked at")] OwnedSemaphorePermit);

/// The signalling thread has ended.
#[derive(Debug)]
pub struct ThreadEnded;

/// The thread's end of a [`Post`].
pub struct Mailbox {
    pub(super) queue: mpsc::Receiver<Message>,
    pub(super) waker: Waker,
}

/// Events that wait for whoever shows them: a second of 1,000 calls/s. Above, they are lost and counted.
const EVENTS: usize = 16_384;

/// The thread's end of the way to those who watch calls; it never waits.
#[derive(Clone)]
pub struct Watchers {
    queue: mpsc::Sender<Box<LiveEvent>>,
    lost: Arc<AtomicU64>,
}

/// The other end.
pub struct LiveEvents {
    pub queue: mpsc::Receiver<Box<LiveEvent>>,
    /// Events that found no room.
    pub lost: Arc<AtomicU64>,
}

impl Watchers {
    pub fn new() -> (Watchers, LiveEvents) {
        let (queue, receiver) = mpsc::channel(EVENTS);
        let lost = Arc::new(AtomicU64::new(0));
        (Watchers { queue, lost: lost.clone() }, LiveEvents { queue: receiver, lost })
    }

    pub(super) fn tell(&self, event: Box<LiveEvent>) {
        if self.queue.try_send(event).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_connection_that_brings_much_has_one_piece_in_the_queue_and_others_come_in_between() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (post, mut mailbox) = Post::new().unwrap();
            let (greedy, modest) = (Turns::default(), Turns::default());
            let send = |turns, number| post.send_data(turns, ConnectionId(number), Bytes::from_static(b"x"));
            send(&greedy, 1).await.unwrap();
            let mut second = Box::pin(send(&greedy, 1));
            let waits = tokio::time::timeout(Duration::from_millis(20), &mut second).await;
            assert!(waits.is_err(), "its first piece was not handled yet");
            send(&modest, 2).await.unwrap();
            let handled = mailbox.queue.try_recv().unwrap();
            assert!(matches!(handled, Message::StreamData { connection: ConnectionId(1), .. }));
            drop(handled);
            second.await.unwrap();
            let next = mailbox.queue.try_recv().unwrap();
            assert!(matches!(next, Message::StreamData { connection: ConnectionId(2), .. }));
        });
    }
}
