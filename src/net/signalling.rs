//! The signalling thread: owns the switchboard, waits for datagrams and messages, carries its actions out.

use super::dns::Dns;
use super::gather::{Gather, wait_for_orders};
use super::hep::{Collector, HepFigures};
use super::media_thread::{LegFigures, MediaThread, Order};
use super::ports::Binder;
pub use super::post::{
    CaptureView, CaptureWish, LiveEvents, Mailbox, Message, Post, ThreadEnded, Turns, Watchers,
};
use super::streams::Streams;
use crate::call::b2bua::insight::Insight;
use crate::call::bans::BanFigures;
use crate::call::ports::ThreadId;
use crate::call::registering::AccountFigures;
use crate::call::switchboard::{Counters, Counts, Switchboard};
use crate::call::trial::{News, TrialId, Wish};
use crate::call::trunk::TrunkStatus;
use crate::call::{Action, Input, RequestId};
use crate::clock::{Now, SystemClock};
use crate::ids::{CallId, Random};
use crate::services::lookups::Lookups;
use crate::services::speech::SpeechEngine;
use crate::sip::ListenerId;
use crate::sip::endpoint as sip;
use crate::store::records::Records;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

/// The largest datagram there is.
const DATAGRAM_MAX: usize = 65_535;
/// Datagrams or messages taken before the other kind has its turn.
const BATCH: usize = 64;
/// And bytes of streams: as many as that many usual messages have.
const BATCH_BYTES: usize = 64 * 1024;
/// Datagrams of 20 ms from which on they may gather: some 130 calls a second.
const BUSY: usize = 8;
/// How long they gather: a hundredth of the time after which a telephone asks again (T1 of RFC 3261).
const GATHER: Duration = Duration::from_millis(5);
/// Names the waker among the epoll data.
const WAKER: u64 = u64::MAX;
/// Orders kept for a media thread that is behind, beside those in its queue: two minutes of a thousand calls/s.
const LATE_ORDERS_MAX: usize = 524_288;
/// When to offer them again.
const ORDER_AGAIN: Duration = Duration::from_millis(5);
/// How often the figures for the metrics page are copied out.
const PUBLISH_EVERY: Duration = Duration::from_millis(250);

/// What the metrics and health pages show.
#[derive(Clone, Default)]
pub struct Figures {
    pub counters: Counters,
    pub sip: sip::Counters,
    pub counts: Counts,
    pub ports_free: usize,
    pub draining: bool,
    /// SIP messages of calls that were too many to be kept.
    pub ladder_left_out: u64,
    /// Captures that were too many, and packets that found no room in one.
    pub captures_refused: u64,
    pub capture_left_out: u64,
    /// Targets that are put back now, and how often one was.
    pub peers_blocked: usize,
    pub peers_put_back: u64,
    pub revision: u64,
    pub accounts: AccountFigures,
    pub trunks: Vec<TrunkStatus>,
    pub bans: BanFigures,
    /// Where copies of SIP messages are collected: what became of them, and those of no call that were too many.
    pub hep: Option<(HepFigures, u64)>,
}

/// Everything the thread works with.
pub struct Signalling {
    pub switchboard: Switchboard,
    pub clock: SystemClock,
    pub mailbox: Mailbox,
    pub post: Post,
    /// By [`ListenerId`]; `None` for those of streams.
    pub sockets: Vec<Option<UdpSocket>>,
    /// Addresses of all listeners, for connections that we open.
    pub binds: Vec<SocketAddr>,
    pub streams: Streams,
    pub dns: Dns,
    /// Chooses among the SRV records of peers.
    pub random: Random,
    pub media: Vec<MediaThread>,
    /// Orders that a media thread had no room for, in their order, by [`ThreadId`]: one that got lost could leave a
    /// leg open for ever.
    pub late_orders: Vec<VecDeque<Order>>,
    pub binder: Arc<Binder>,
    pub records: Records,
    pub watchers: Watchers,
    pub collector: Option<Collector>,
    pub speech: Arc<SpeechEngine>,
    pub lookups: Arc<Lookups>,
    /// Requests to other systems that calls wait for.
    pub asked: HashMap<RequestId, AbortHandle>,
    /// Who tries a trunk.
    pub trials: HashMap<TrialId, mpsc::Sender<Box<News>>>,
    pub figures: Arc<Mutex<Figures>>,
    pub runtime: Handle,
    /// Told once, when the first media ports are there.
    pub ready: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Signalling {
    /// Runs until [`Message::Stop`]; gives the media threads back so that they can be joined.
    pub fn run(mut self) -> io::Result<Vec<MediaThread>> {
        let _runtime = self.runtime.clone();
        let _inside = _runtime.enter();
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &self.mailbox.waker, epoll::EventData::new_u64(WAKER), epoll::EventFlags::IN)?;
        for (index, socket) in self.sockets.iter().enumerate() {
            if let Some(socket) = socket {
                epoll::add(&epoll, socket, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
            }
        }
        let mut ready = Vec::with_capacity(32);
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut actions = Vec::new();
        let mut publish_at = self.clock.instant();
        // The first look asks for the first media ports.
        self.switchboard.handle_timeout(self.clock.now(), &mut actions);
        self.carry_out(&mut actions);
        let (mut stopping, mut gather) = (None, Gather::new(BUSY));
        loop {
            // Once for all that was handled: a media thread has a higher priority, and each wake is a switch to it.
            (0..self.late_orders.len()).for_each(|thread| self.hand_over(thread));
            ready.clear();
            let timeout = self.timeout();
            match epoll::wait(&epoll, spare_capacity(&mut ready), Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let mut datagrams = 0;
            for event in &ready {
                match event.data.u64() {
                    WAKER => {
                        self.mailbox.waker.clear();
                        if self.take_messages(&mut actions) {
                            stopping.get_or_insert(self.clock.instant());
                        }
                    }
                    listener => datagrams += self.read(listener as usize, &mut buffer, &mut actions),
                }
            }
            let now = self.clock.now();
            if self.switchboard.next_timeout().is_some_and(|at| at <= now.instant) {
                self.switchboard.handle_timeout(now, &mut actions);
                self.carry_out(&mut actions);
            }
            if self.switchboard.has_ports()
                && let Some(ready) = self.ready.take()
            {
                let _ = ready.send(());
            }
            if publish_at <= now.instant {
                publish_at = now.instant + PUBLISH_EVERY;
                self.publish();
            }
            // The last messages of all calls have gone out, and a second for their answers.
            let done = stopping.is_some_and(|at| {
                let is_empty = self.switchboard.counts().calls == 0 && !self.switchboard.is_leaving();
                is_empty || now.instant - at > Duration::from_secs(1)
            });
            if done {
                self.publish();
                return Ok(self.media);
            }
            if gather.is_busy(now.instant, datagrams) && datagrams < BATCH {
                self.let_datagrams_gather();
            }
        }
    }

    fn let_datagrams_gather(&mut self) {
        // Media starts and ends without that delay.
        (0..self.late_orders.len()).for_each(|thread| self.hand_over(thread));
        let due = self.switchboard.next_timeout().map_or(GATHER, |at| at.since(self.clock.instant()));
        wait_for_orders(&self.mailbox.waker, due.min(GATHER));
    }

    fn timeout(&self) -> Timespec {
        let due = self.switchboard.next_timeout().map(|at| at.since(self.clock.instant()));
        let longest =
            if self.late_orders.iter().all(VecDeque::is_empty) { PUBLISH_EVERY } else { ORDER_AGAIN };
        let wait = due.unwrap_or(longest).min(longest);
        Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 })
    }

    /// True where the server is to stop.
    fn take_messages(&mut self, actions: &mut Vec<Action>) -> bool {
        let (mut stop, mut of_streams) = (false, 0);
        for _ in 0..BATCH {
            if of_streams >= BATCH_BYTES {
                break;
            }
            let Ok(message) = self.mailbox.queue.try_recv() else { return stop };
            let now = self.clock.now();
            let mut told = None;
            let input = match message {
                Message::StreamOpened { connection, listener, peer, names } => {
                    Input::StreamOpened { connection, listener, peer, names }
                }
                Message::StreamData { connection, ref bytes, .. } => {
                    of_streams += bytes.len();
                    Input::StreamData { connection, bytes }
                }
                Message::StreamClosed { connection } => Input::StreamClosed { connection },
                Message::Media { thread, event } => Input::Media { thread, event },
                Message::PortsBound { thread, asked, ports } => Input::PortsBound { thread, asked, ports },
                Message::Snapshot { snapshot, taken } => {
                    told = taken;
                    Input::Snapshot(snapshot)
                }
                Message::Rendered { request, result } => Input::Rendered { request, result },
                Message::Resolved { request, result } => Input::Resolved { request, result },
                Message::Calls(reply) => {
                    // Who asked may be gone.
                    let _ = reply.send(self.switchboard.live_calls(now.instant));
                    continue;
                }
                Message::Changes(reply) => {
                    let _ = reply.send(self.switchboard.changes(now.instant));
                    continue;
                }
                Message::ForgetChanges => {
                    self.switchboard.forget_changes();
                    continue;
                }
                Message::Insight { call, reply } => {
                    let _ = reply.send(self.insight(call));
                    continue;
                }
                Message::Ladder { call, reply } => {
                    let _ = reply.send(self.switchboard.ladders().of(call).cloned());
                    continue;
                }
                Message::Capture { call, wish, reply } => {
                    self.capture(now, call, wish, reply, actions);
                    continue;
                }
                Message::HangUp { call, reply } => {
                    let _ = reply.send(self.switchboard.has_call(call));
                    Input::HangUp(call)
                }
                Message::Replied { request, result } => {
                    self.asked.remove(&request);
                    Input::Replied { request, result: *result }
                }
                Message::Trunks(reply) => {
                    let _ = reply.send(self.switchboard.trunks(now.instant));
                    continue;
                }
                Message::Bans(reply) => {
                    let _ = reply.send(self.switchboard.bans());
                    continue;
                }
                Message::LiftBan { ip, reply } => {
                    let _ = reply.send(self.switchboard.lift_ban(ip));
                    continue;
                }
                Message::Register { trunk, reply } => {
                    let _ = reply.send(self.switchboard.registers_with(&trunk));
                    Input::Register(trunk)
                }
                Message::Registrations { behind, account, limit, reply } => {
                    let behind = (behind.0.as_str(), behind.1);
                    let _ = reply.send(self.switchboard.registrations(behind, account.as_deref(), limit));
                    continue;
                }
                Message::Unbind { account, binding, reply } => {
                    let _ = reply.send(self.switchboard.has_registration(&account, binding));
                    Input::Unbind { account, binding }
                }
                Message::Trial { trial, order, news } => {
                    match order.wish {
                        Wish::End => _ = self.trials.remove(&trial),
                        _ => _ = self.trials.insert(trial, news),
                    }
                    Input::Trial { trial, order }
                }
                Message::Drain => Input::Drain,
                Message::Stop => {
                    stop = true;
                    Input::Stop
                }
            };
            self.switchboard.handle(now, input, actions);
            self.carry_out(actions);
            if let Some(told) = told {
                // Who waits may have given up.
                let _ = told.send(());
            }
        }
        // More may wait: come back after the sockets had their turn.
        self.mailbox.waker.wake();
        stop
    }

    /// Handles what has come to a listener, and says how many datagrams that were.
    fn read(&mut self, listener: usize, buffer: &mut [u8], actions: &mut Vec<Action>) -> usize {
        for count in 0..BATCH {
            let Some(socket) = self.sockets.get(listener).and_then(Option::as_ref) else { return count };
            match socket.recv_from(buffer) {
                Ok((length, source)) => {
                    let Some(bytes) = buffer.get(..length) else { return count };
                    let listener = ListenerId(listener as u8);
                    let input = Input::Datagram { listener, source, bytes };
                    self.switchboard.handle(self.clock.now(), input, actions);
                    self.carry_out(actions);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return count,
                // An ICMP refusal of something sent before; the transaction's timers deal with it.
                Err(_) => {}
            }
        }
        BATCH
    }

    fn carry_out(&mut self, actions: &mut Vec<Action>) {
        for action in actions.drain(..) {
            match action {
                Action::Sip(action) => self.carry_out_sip(action),
                Action::Media { thread, command } => self.order(thread, Order::Command(command)),
                Action::Record(record) => self.records.write(record),
                Action::Live(event) => self.watchers.tell(event),
                Action::Copy(copy) => {
                    if let Some(collector) = &mut self.collector {
                        collector.send(&copy);
                    }
                }
                Action::Render { request, speech } => {
                    let (engine, post) = (self.speech.clone(), self.post.clone());
                    self.runtime.spawn(async move {
                        let result = engine.render(&speech).await.map_err(|e| e.to_string());
                        let _ = post.send(Message::Rendered { request, result }).await;
                    });
                }
                Action::Ask { request, question } => {
                    let (lookups, post) = (self.lookups.clone(), self.post.clone());
                    let task = self.runtime.spawn(async move {
                        let result = Box::new(lookups.answer(&question).await);
                        let _ = post.send(Message::Replied { request, result }).await;
                    });
                    self.asked.insert(request, task.abort_handle());
                }
                Action::Forget { request } => {
                    if let Some(task) = self.asked.remove(&request) {
                        task.abort();
                    }
                }
                Action::Resolve { request, destination } => {
                    let (dns, post, random) = (self.dns.clone(), self.post.clone(), self.random.fork());
                    self.runtime.spawn(async move {
                        let result = dns.locate(destination, random).await;
                        let _ = post.send(Message::Resolved { request, result }).await;
                    });
                }
                Action::BindPorts { thread, count } => self.bind_ports(thread, count),
                Action::Trial { trial, news } => {
                    // Whoever does not listen any more has its trial ended.
                    let listens = self.trials.get(&trial).is_some_and(|to| to.try_send(news).is_ok());
                    if !listens {
                        self.trials.remove(&trial);
                    }
                }
            }
        }
    }

    fn carry_out_sip(&mut self, action: sip::Action) {
        match action {
            sip::Action::SendDatagram { listener, destination, bytes } => {
                let socket = self.sockets.get(usize::from(listener.0)).and_then(Option::as_ref);
                // What cannot be sent is lost as on any network; the transaction sends it again.
                if let Some(Err(error)) = socket.map(|s| s.send_to(&bytes, destination)) {
                    tracing::debug!(%destination, %error, "a datagram could not be sent");
                }
            }
            sip::Action::Connect { connection, listener, destination, tls } => {
                let any = SocketAddr::from(([0, 0, 0, 0], 0));
                let from = self.binds.get(usize::from(listener.0)).copied().unwrap_or(any);
                self.streams.connect(connection, from, destination, tls);
            }
            sip::Action::SendStream { connection, bytes } => self.streams.send(connection, bytes),
            sip::Action::CloseStream { connection } => self.streams.close(connection),
            sip::Action::Event(_) => {}
        }
    }

    fn capture(
        &mut self,
        now: Now,
        call: CallId,
        wish: CaptureWish,
        reply: oneshot::Sender<CaptureView>,
        actions: &mut Vec<Action>,
    ) {
        let wanted = match wish {
            CaptureWish::Begin => Some(Input::BeginCapture(call)),
            CaptureWish::End => Some(Input::EndCapture(call)),
            CaptureWish::Look => None,
        };
        if let Some(input) = wanted {
            self.switchboard.handle(now, input, actions);
            self.carry_out(actions);
        }
        let _ = reply.send(CaptureView {
            in_progress: self.switchboard.has_call(call),
            capture: self.switchboard.captures().of(call).cloned(),
        });
    }

    fn insight(&mut self, call: CallId) -> Option<(Insight, oneshot::Receiver<LegFigures>)> {
        let insight = self.switchboard.insight(call)?;
        let (reply, figures) = oneshot::channel();
        let legs = insight.legs.iter().map(|(leg, _)| *leg).collect();
        self.order(insight.thread, Order::Look { legs, reply });
        Some((insight, figures))
    }

    fn order(&mut self, thread: ThreadId, order: Order) {
        let Some(late) = self.late_orders.get_mut(thread.0) else { return };
        if late.len() >= LATE_ORDERS_MAX {
            tracing::error!(thread = thread.0, "a media thread stands still: an order is lost");
            return;
        }
        late.push_back(order);
    }

    /// Hands a media thread as many orders as it has room for.
    fn hand_over(&mut self, thread: usize) {
        let (Some(late), Some(media)) = (self.late_orders.get_mut(thread), self.media.get(thread)) else {
            return;
        };
        let mut any = false;
        while let Some(order) = late.pop_front() {
            match media.orders.try_send(order) {
                Ok(()) => any = true,
                Err(TrySendError::Full(order)) => {
                    late.push_front(order);
                    break;
                }
                // The thread has ended: so does the server.
                Err(TrySendError::Closed(_)) => late.clear(),
            }
        }
        if any {
            media.waker.wake();
        }
    }

    fn bind_ports(&self, thread: ThreadId, count: usize) {
        let Some(media) = self.media.get(thread.0) else { return };
        let (binder, post) = (self.binder.clone(), self.post.clone());
        let (orders, waker) = (media.orders.clone(), media.waker.clone());
        self.runtime.spawn_blocking(move || {
            let pairs = binder.bind(count);
            let ports = pairs.iter().map(|pair| pair.port).collect();
            // The media thread first: a port that is lent must be there.
            if orders.blocking_send(Order::Ports(pairs)).is_ok() {
                waker.wake();
                let _ = post.queue.blocking_send(Message::PortsBound { thread, asked: count, ports });
                post.waker.wake();
            }
        });
    }

    fn publish(&self) {
        let figures = Figures {
            counters: *self.switchboard.counters(),
            sip: self.switchboard.sip_counters().clone(),
            counts: self.switchboard.counts(),
            ports_free: self.switchboard.ports_free(),
            draining: self.switchboard.is_draining(),
            captures_refused: self.switchboard.captures().refused(),
            capture_left_out: self.switchboard.captures().left_out(),
            ladder_left_out: self.switchboard.ladders().left_out(),
            peers_blocked: self.switchboard.blocked().now(self.clock.instant()).count(),
            peers_put_back: self.switchboard.blocked().total(),
            revision: self.switchboard.revision(),
            accounts: self.switchboard.account_figures(),
            trunks: self.switchboard.trunks(self.clock.instant()),
            bans: self.switchboard.ban_figures(),
            hep: self.collector.as_ref().map(|one| (one.figures(), self.switchboard.copies_left_out())),
        };
        *self.figures.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = figures;
    }
}
