//! A media thread: waits, reads what came, ticks what is due, sends. It shares nothing with other threads but
//! two queues, and its loop allocates nothing once its buffers have grown.

use super::Waker;
use super::gather::{Gather, wait_for_orders};
use super::ports::Pair;
use crate::clock::{Instant, SystemClock};
use crate::ids::{LegId, PortId, Random};
use crate::media::engine::{Counts, Engine, EngineConfig};
use crate::media::{Channel, Command, Event, Figures, Identity, Output};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The largest datagram there is.
const DATAGRAM_MAX: usize = 65_535;
/// Sockets looked at in one wait.
const READY_MAX: usize = 256;
/// Legs of one thread; a core carries some 2,600 (spec of the media path).
const LEGS_MAX: usize = 8_192;
/// Packets of 20 ms from which on they may gather: those of 40 legs.
const BUSY: usize = 40;
/// How long they gather while audio is relayed: a twentieth of a packet, which no jitter buffer sees.
const GATHER_BRIDGED: Duration = Duration::from_millis(1);
/// While audio is only listened to, for keys: the step in which packets leave.
const GATHER_HEARD: Duration = Duration::from_millis(2);
/// Names the waker among the epoll data; ports take the rest.
const WAKER: u64 = u64::MAX;

/// How the audio of legs is, in the order in which they were asked for; `None` for one that is not open.
pub type LegFigures = Vec<Option<Figures>>;

/// What the signalling thread hands over.
pub enum Order {
    Command(Command),
    /// How the audio of these legs is.
    Look {
        legs: Vec<LegId>,
        reply: oneshot::Sender<LegFigures>,
    },
    /// New ports, bound elsewhere.
    Ports(Vec<Pair>),
    Stop,
}

/// The signalling thread's end.
pub struct MediaThread {
    pub orders: mpsc::Sender<Order>,
    pub waker: Waker,
    pub totals: Arc<Totals>,
    pub thread: JoinHandle<()>,
}

/// Figures for the metrics page.
#[derive(Default)]
pub struct Totals {
    pub packets_received: AtomicU64,
    pub packets_sent: AtomicU64,
    pub send_errors: AtomicU64,
    /// Ticks that came more than 5 ms after they were due.
    pub late_ticks: AtomicU64,
    pub legs: AtomicU64,
    pub bridges: AtomicU64,
}

/// Starts a thread. `identity`: what handshakes are made with. `report` hands an event to the signalling thread, and gives it back where its queue is full.
pub fn start(
    name: String,
    clock: SystemClock,
    random: Random,
    orders: usize,
    identity: Arc<Identity>,
    report: impl FnMut(Event) -> Result<(), Event> + Send + 'static,
    stop: Arc<AtomicBool>,
) -> io::Result<MediaThread> {
    let (sender, receiver) = mpsc::channel(orders);
    let waker = Waker::new()?;
    let totals = Arc::new(Totals::default());
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &waker, epoll::EventData::new_u64(WAKER), epoll::EventFlags::IN)?;
    let mut engine = Engine::new(EngineConfig { max_legs: LEGS_MAX }, random);
    engine.set_identity(identity);
    let mut thread = Thread {
        epoll,
        engine,
        clock,
        ports: Vec::new(),
        orders: receiver,
        waker: waker.clone(),
        output: Output::default(),
        buffer: vec![0; DATAGRAM_MAX],
        backlog: VecDeque::new(),
        report,
        totals: totals.clone(),
        stop,
    };
    let thread = std::thread::Builder::new().name(name).spawn(move || thread.run())?;
    Ok(MediaThread { orders: sender, waker, totals, thread })
}

struct Thread<R> {
    epoll: OwnedFd,
    engine: Engine,
    clock: SystemClock,
    /// By [`PortId`].
    ports: Vec<Option<Pair>>,
    orders: mpsc::Receiver<Order>,
    waker: Waker,
    output: Output,
    buffer: Vec<u8>,
    /// Events that the signalling thread had no room for.
    backlog: VecDeque<Event>,
    report: R,
    totals: Arc<Totals>,
    stop: Arc<AtomicBool>,
}

impl<R: FnMut(Event) -> Result<(), Event>> Thread<R> {
    fn run(&mut self) {
        raise_priority();
        let mut gather = Gather::new(BUSY);
        let mut ready = Vec::with_capacity(READY_MAX);
        while !self.stop.load(Ordering::Relaxed) {
            ready.clear();
            let timeout = self.timeout();
            match epoll::wait(&self.epoll, spare_capacity(&mut ready), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!(%error, "a media thread cannot wait");
                    return;
                }
            }
            let now = self.clock.instant();
            let busy = gather.is_busy(now, ready.len());
            for event in &ready {
                match event.data.u64() {
                    WAKER => {
                        self.waker.clear();
                        if !self.take_orders(now) {
                            return;
                        }
                    }
                    data => self.read(now, data),
                }
            }
            self.tick();
            self.publish();
            if busy && ready.len() < READY_MAX {
                self.let_packets_gather();
            }
        }
    }

    fn let_packets_gather(&self) {
        let longest = if self.engine.counts().bridges > 0 { GATHER_BRIDGED } else { GATHER_HEARD };
        let due = self.engine.next_timeout().map_or(longest, |at| at.since(self.clock.instant()));
        wait_for_orders(&self.waker, due.min(longest));
    }

    fn timeout(&self) -> Option<Timespec> {
        // With events waiting for room, look again soon.
        let retry = (!self.backlog.is_empty()).then(|| Duration::from_millis(10));
        let due = self.engine.next_timeout().map(|at| at.since(self.clock.instant()));
        let wait = [retry, due].into_iter().flatten().min()?;
        Timespec::try_from(wait).ok()
    }

    /// False where the thread is to end.
    fn take_orders(&mut self, now: Instant) -> bool {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Command(command) => {
                    self.engine.command(now, command, &mut self.output);
                    self.flush();
                }
                Order::Look { legs, reply } => {
                    let figures = legs.iter().map(|leg| self.engine.figures(now, *leg)).collect();
                    // Who asked may be gone.
                    let _ = reply.send(figures);
                }
                Order::Ports(pairs) => pairs.into_iter().for_each(|pair| self.add(pair)),
                Order::Stop => return false,
            }
        }
        true
    }

    fn add(&mut self, pair: Pair) {
        let index = pair.port.id.0 as usize;
        for (channel, socket) in [(0, &pair.rtp), (1, &pair.rtcp)] {
            let data = epoll::EventData::new_u64(pair.port.id.0 << 1 | channel);
            if let Err(error) = epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN) {
                tracing::error!(%error, port = pair.port.number, "a media port cannot be waited on");
            }
        }
        if self.ports.len() <= index {
            self.ports.resize_with(index + 1, || None);
        }
        self.ports[index] = Some(pair);
    }

    fn read(&mut self, now: Instant, data: u64) {
        let port = PortId(data >> 1);
        let channel = if data & 1 == 0 { Channel::Rtp } else { Channel::Rtcp };
        // One datagram: telephones send one at a time, and what is left makes the socket ready again after the
        // others have had their turn, so that a flood on one port holds up nobody.
        let Some(pair) = pair(&self.ports, port) else { return };
        let socket = of_channel(pair, channel);
        // Nothing more; or an ICMP refusal of something sent, which ends no leg.
        let Ok((length, source)) = socket.recv_from(&mut self.buffer) else { return };
        let source = SocketAddr::new(source.ip().to_canonical(), source.port());
        self.totals.packets_received.fetch_add(1, Ordering::Relaxed);
        if let Some(bytes) = self.buffer.get(..length) {
            self.engine.packet(now, port, channel, source, bytes, &mut self.output);
            self.flush();
        }
    }

    fn tick(&mut self) {
        let now = self.clock.instant();
        let Some(due) = self.engine.next_timeout().filter(|at| *at <= now) else { return };
        if (now - due).as_millis() > 5 {
            self.totals.late_ticks.fetch_add(1, Ordering::Relaxed);
        }
        self.engine.tick(now, &mut self.output);
        self.flush();
    }

    /// Sends what the engine has put out.
    fn flush(&mut self) {
        for transmit in &self.output.transmits {
            let Some(pair) = pair(&self.ports, transmit.port) else { continue };
            let socket = of_channel(pair, transmit.channel);
            match socket.send_to(self.output.packet(transmit), pair.destination(transmit.destination)) {
                Ok(_) => self.totals.packets_sent.fetch_add(1, Ordering::Relaxed),
                // Refused by the peer's host, or no room in the kernel: this packet is lost, as on any network.
                Err(_) => self.totals.send_errors.fetch_add(1, Ordering::Relaxed),
            };
        }
        self.backlog.extend(self.output.events.drain(..));
        self.output.clear();
        while let Some(event) = self.backlog.pop_front() {
            if let Err(event) = (self.report)(event) {
                self.backlog.push_front(event);
                break;
            }
        }
    }

    fn publish(&self) {
        let Counts { legs, bridges, .. } = self.engine.counts();
        self.totals.legs.store(legs as u64, Ordering::Relaxed);
        self.totals.bridges.store(bridges as u64, Ordering::Relaxed);
    }
}

/// Packets are due every 20 ms whatever else runs on the machine. Without the right to it (CAP_SYS_NICE) the thread
/// goes on as it is.
fn raise_priority() {
    const NICE: i32 = -15;
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "a media thread runs at the usual priority");
    }
}

fn pair(ports: &[Option<Pair>], port: PortId) -> Option<&Pair> {
    ports.get(usize::try_from(port.0).ok()?)?.as_ref()
}

fn of_channel(pair: &Pair, channel: Channel) -> &UdpSocket {
    match channel {
        Channel::Rtp => &pair.rtp,
        Channel::Rtcp => &pair.rtcp,
    }
}
