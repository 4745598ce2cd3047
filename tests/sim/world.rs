//! Everything at once under one virtual clock: the switchboard, the engines, the network, the phones. One seed
//! decides all that happens.

use super::house::{self, FIRST_PORT, Role, THREADS, server};
use super::network::Network;
use super::phone::{Out, Phone};
use super::script::Script;
use super::wire::Wire;
use bytes::Bytes;
use cordboard::call::ports::{Port, ThreadId};
use cordboard::call::record::CallRecord;
use cordboard::call::snapshot::Snapshot;
use cordboard::call::switchboard::Switchboard;
use cordboard::call::{Action, Input, RequestId};
use cordboard::clock::{Instant, Now, Wall};
use cordboard::flow::{LookupError, Reply};
use cordboard::ids::{PortId, Random};
use cordboard::media::engine::{Engine, EngineConfig};
use cordboard::media::{self, Channel, Command, Output};
use cordboard::sip::{self, ListenerId};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A timer that is due again and again without the clock moving is stuck.
const DUE_AT_ONE_MOMENT_MAX: u32 = 10_000;
/// The calendar when the world begins, in seconds since 1970: 2026-11-22T20:45:37Z.
const BEGINNING: i64 = 1_795_380_337;

/// How a world is made.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub network: Network,
    pub port_pairs: usize,
    /// Call `n` begins after `n` times so long.
    pub between_calls: Duration,
    /// Whether phones keep what they hear.
    pub keeps_audio: bool,
}

/// What happens at some time.
enum Event {
    SipToServer { source: SocketAddr, bytes: Bytes },
    SipToPhone { to: SocketAddr, bytes: Bytes },
    RtpToServer { source: SocketAddr, port: PortId, bytes: Vec<u8> },
    RtpToPhone { phone: usize, bytes: Vec<u8> },
    Command { thread: ThreadId, command: Command },
    Told { thread: ThreadId, event: media::Event },
    Wake { phone: usize },
    Dial { call: usize },
    Bound { thread: ThreadId, asked: usize, ports: Vec<Port> },
    Rendered { request: RequestId, fails: bool },
    Resolved { request: RequestId, host: String },
    Replied { request: RequestId, result: Result<Reply, LookupError> },
    Order(Order),
}

/// What an operator does in the middle of a run.
#[derive(Clone)]
pub enum Order {
    Snapshot(Arc<Snapshot>),
    Drain,
    Stop,
    /// Bytes from somebody who is no phone of ours.
    Stranger(SocketAddr, Bytes),
}

struct Entry {
    at: Instant,
    number: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

pub struct World {
    pub settings: Settings,
    pub scripts: Vec<Script>,
    pub now: Instant,
    pub switchboard: Switchboard,
    pub engines: Vec<Engine>,
    pub phones: Vec<Phone>,
    pub records: Vec<CallRecord>,
    /// By call: an INVITE of its caller reached the server.
    pub invited: Vec<bool>,
    pub wire: Wire,
    /// Events that were handled.
    pub events: u64,
    heap: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    by_address: HashMap<SocketAddr, usize>,
    /// By [`PortId`].
    ports: Vec<ThreadId>,
    /// Questions that somebody waits for the answer of.
    pub asked: HashSet<RequestId>,
    /// What was handed over between threads last, each way: later things do not overtake it.
    handed: [Instant; 2 * THREADS],
    random: Random,
    trace: DefaultHasher,
    output: Output,
    actions: Vec<Action>,
    outs: Vec<Out>,
}

impl World {
    pub fn new(settings: Settings, scripts: Vec<Script>) -> Self {
        let mut random = Random::from_seed(settings.seed);
        let snapshot = house::snapshot(1, scripts.len());
        let config = house::switchboard_config(settings.port_pairs);
        let engine = |random: &mut Random| Engine::new(EngineConfig { max_legs: 8_192 }, random.fork());
        let mut world = World {
            switchboard: Switchboard::new(config, snapshot, random.fork()),
            engines: (0..THREADS).map(|_| engine(&mut random)).collect(),
            now: Instant::ZERO,
            phones: Vec::new(),
            records: Vec::new(),
            invited: vec![false; scripts.len()],
            wire: Wire::new(settings.network.is_lossless()),
            events: 0,
            heap: BinaryHeap::new(),
            entries: 0,
            by_address: HashMap::new(),
            ports: Vec::new(),
            asked: HashSet::new(),
            handed: [Instant::ZERO; 2 * THREADS],
            random,
            trace: DefaultHasher::new(),
            output: Output::default(),
            actions: Vec::new(),
            outs: Vec::new(),
            settings,
            scripts,
        };
        let now = world.clock();
        world.switchboard.handle_timeout(now, &mut world.actions);
        world.carry_out();
        for call in 0..world.scripts.len() {
            let at = Instant::from_millis(100) + world.settings.between_calls * call as u32;
            world.push(at, Event::Dial { call });
        }
        world
    }

    pub fn at(&mut self, at: Instant, order: Order) {
        self.push(at, Event::Order(order));
    }

    /// When the last call is dialled.
    pub fn last_dial(&self) -> Instant {
        Instant::from_millis(100) + self.settings.between_calls * self.scripts.len() as u32
    }

    /// The same for two runs in which the same things happened at the same times.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    /// The moment of a date in a record.
    pub fn since_beginning(&self, wall: Wall) -> Instant {
        let micros = wall.as_unix_micros() - BEGINNING * 1_000_000;
        Instant::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    pub fn phone(&self, role: Role, call: usize) -> Option<&Phone> {
        self.by_address.get(&house::address(role, call)).map(|index| &self.phones[*index])
    }

    /// Lets everything happen up to `until`.
    pub fn run(&mut self, until: Instant) {
        let mut at_this_moment = 0;
        loop {
            let first = self.heap.peek().map(|Reverse(entry)| entry.at);
            let timers =
                self.engines.iter().map(Engine::next_timeout).chain([self.switchboard.next_timeout()]);
            let timer = timers.flatten().min();
            let Some(next) = [first, timer].into_iter().flatten().min().filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            at_this_moment = if next > self.now { 0 } else { at_this_moment + 1 };
            assert!(at_this_moment < DUE_AT_ONE_MOMENT_MAX, "time stands still at {:?}", self.now);
            self.now = self.now.max(next);
            self.events += 1;
            if first == Some(next)
                && let Some(Reverse(entry)) = self.heap.pop()
            {
                self.happen(entry.event);
            } else {
                self.time_passes();
            }
        }
    }

    fn clock(&self) -> Now {
        let wall = Wall::from_unix_seconds(BEGINNING) + self.now.since(Instant::ZERO);
        Now { instant: self.now, wall }
    }

    fn push(&mut self, at: Instant, event: Event) {
        self.entries += 1;
        self.heap.push(Reverse(Entry { at, number: self.entries, event }));
    }

    fn note(&mut self, kind: u8, about: impl Hash) {
        (kind, self.now, about).hash(&mut self.trace);
    }

    fn time_passes(&mut self) {
        if self.switchboard.next_timeout().is_some_and(|due| due <= self.now) {
            self.note(0, ());
            let now = self.clock();
            self.switchboard.handle_timeout(now, &mut self.actions);
            self.carry_out();
        }
        for thread in 0..THREADS {
            if self.engines[thread].next_timeout().is_some_and(|due| due <= self.now) {
                self.engines[thread].tick(self.now, &mut self.output);
                self.put_out(ThreadId(thread));
            }
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        let now = self.clock();
        self.switchboard.handle(now, input, &mut self.actions);
        self.carry_out();
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::SipToServer { source, bytes } => {
                self.note(1, (source, &bytes[..]));
                if let Some((Role::Caller, call)) = house::owner(source)
                    && bytes.starts_with(b"INVITE ")
                {
                    self.invited[call] = true;
                }
                self.tell(Input::Datagram { listener: ListenerId(0), source, bytes: &bytes });
            }
            Event::SipToPhone { to, bytes } => {
                self.note(2, (to, &bytes[..]));
                if let Some(phone) = self.phone_at(to) {
                    self.with_phone(phone, |phone, now, outs| phone.receive(now, &bytes, outs));
                }
            }
            Event::RtpToServer { source, port, bytes } => {
                self.note(3, (source, port, &bytes));
                let thread = self.ports[port.0 as usize];
                let engine = &mut self.engines[thread.0];
                engine.packet(self.now, port, Channel::Rtp, source, &bytes, &mut self.output);
                self.put_out(thread);
            }
            Event::RtpToPhone { phone, bytes } => {
                self.note(4, (phone, &bytes));
                self.phones[phone].hear(&bytes);
            }
            Event::Command { thread, command } => {
                if let Command::Open { port, .. } = &command {
                    self.wire.opened(*port);
                }
                self.engines[thread.0].command(self.now, command, &mut self.output);
                self.put_out(thread);
            }
            Event::Told { thread, event } => {
                self.note(5, format!("{event:?}"));
                self.tell(Input::Media { thread, event });
            }
            Event::Wake { phone } => {
                if self.phones[phone].scheduled == Some(self.now) {
                    self.phones[phone].scheduled = None;
                    self.with_phone(phone, |phone, now, outs| phone.handle_timeout(now, outs));
                }
            }
            Event::Dial { call } => {
                self.note(6, call);
                let Some(phone) = self.phone_at(house::address(Role::Caller, call)) else { return };
                let number = self.scripts[call].number;
                self.with_phone(phone, |phone, now, outs| phone.dial(now, number, call_id(call), outs));
            }
            Event::Bound { thread, asked, ports } => self.tell(Input::PortsBound { thread, asked, ports }),
            Event::Rendered { request, fails } => {
                let result =
                    if fails { Err("the engine failed".to_owned()) } else { Ok(house::prompt(9, 600)) };
                self.tell(Input::Rendered { request, result });
            }
            Event::Resolved { request, host } => {
                self.tell(Input::Resolved { request, result: house::resolve(&host) })
            }
            Event::Replied { request, result } => {
                if self.asked.remove(&request) {
                    self.tell(Input::Replied { request, result });
                }
            }
            Event::Order(Order::Snapshot(snapshot)) => self.tell(Input::Snapshot(snapshot)),
            Event::Order(Order::Drain) => self.tell(Input::Drain),
            Event::Order(Order::Stop) => self.tell(Input::Stop),
            Event::Order(Order::Stranger(source, bytes)) => {
                self.tell(Input::Datagram { listener: ListenerId(0), source, bytes: &bytes });
            }
        }
    }

    /// Does what the switchboard wants, in its order.
    fn carry_out(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                Action::Sip(sip::Action::SendDatagram { destination, bytes, .. }) => {
                    for at in self.settings.network.arrivals(self.now, &mut self.random) {
                        self.push(at, Event::SipToPhone { to: destination, bytes: bytes.clone() });
                    }
                }
                Action::Sip(other) => panic!("nobody here takes streams: {other:?}"),
                Action::Media { thread, command } => {
                    let at = self.hand_over(2 * thread.0);
                    self.push(at, Event::Command { thread, command });
                }
                Action::Record(record) => {
                    self.note(7, format!("{record:?}"));
                    let left = self.asked.iter().find(|asked| asked.call.to_string() == record.call_id);
                    assert_eq!(left, None, "a question outlives its call");
                    self.records.push(*record);
                }
                Action::Live(event) => self.note(8, format!("{event:?}")),
                Action::Copy(copy) => panic!("nobody here collects messages: {copy:?}"),
                Action::Render { request, .. } => {
                    let after = Duration::from_millis(u64::from(50 + self.random.below(800)));
                    // Now and then speech comes too late, or not at all.
                    let (fails, slow) = (self.random.below(20) == 0, self.random.below(20) == 0);
                    let after = if slow && !self.wire.is_strict() { after * 8 } else { after };
                    let fails = fails && !self.wire.is_strict();
                    self.push(self.now + after, Event::Rendered { request, fails });
                }
                Action::Resolve { request, destination } => {
                    let host = destination.host.to_string();
                    let after = Duration::from_millis(u64::from(1 + self.random.below(300)));
                    self.push(self.now + after, Event::Resolved { request, host });
                }
                Action::Ask { request, question } => {
                    let after = Duration::from_millis(u64::from(20 + self.random.below(900)));
                    let fails = self.random.below(5) == 0;
                    self.asked.insert(request);
                    self.push(
                        self.now + after,
                        Event::Replied { request, result: house::reply(&question, fails) },
                    );
                }
                Action::Forget { request } => {
                    assert!(self.asked.remove(&request), "{request:?} is forgotten, and was not asked");
                }
                Action::BindPorts { thread, count } => self.bind(thread, count),
                Action::Trial { .. } => panic!("nobody here tries a trunk"),
            }
        }
        self.actions = actions;
    }

    fn bind(&mut self, thread: ThreadId, count: usize) {
        let first = self.ports.len();
        self.ports.extend(std::iter::repeat_n(thread, count));
        let number = |id: usize| FIRST_PORT + 2 * u16::try_from(id).expect("fewer ports than there are");
        let ports = (first..first + count).map(|id| Port { id: PortId(id as u64), number: number(id) });
        let ports = ports.collect();
        let at = self.now + Duration::from_millis(u64::from(1 + self.random.below(5)));
        self.push(at, Event::Bound { thread, asked: count, ports });
    }

    /// When something that goes from one thread to another now arrives there.
    fn hand_over(&mut self, lane: usize) -> Instant {
        let at = self.now + Duration::from_micros(u64::from(20 + self.random.below(400)));
        self.handed[lane] = self.handed[lane].max(at);
        self.handed[lane]
    }

    /// Sends what an engine said to send, and tells the switchboard what it said to tell.
    fn put_out(&mut self, thread: ThreadId) {
        let mut output = std::mem::take(&mut self.output);
        for transmit in &output.transmits {
            let bytes = output.packet(transmit);
            if transmit.channel == Channel::Rtcp {
                continue;
            }
            self.wire.sent(self.now, transmit.port, bytes);
            let to = SocketAddr::new(transmit.destination.ip(), 5_060);
            let Some(phone) = self.by_address.get(&to).copied() else { continue };
            for at in self.settings.network.arrivals(self.now, &mut self.random) {
                self.push(at, Event::RtpToPhone { phone, bytes: bytes.to_vec() });
            }
        }
        for event in output.events.drain(..) {
            let at = self.hand_over(2 * thread.0 + 1);
            self.push(at, Event::Told { thread, event });
        }
        output.clear();
        self.output = output;
    }

    /// The phone at an address; one that nobody has used yet is unpacked.
    fn phone_at(&mut self, address: SocketAddr) -> Option<usize> {
        if let Some(index) = self.by_address.get(&address) {
            return Some(*index);
        }
        let (role, call) = house::owner(address)?;
        let script = self.scripts.get(call)?;
        let conduct = match role {
            Role::Caller => &script.caller,
            Role::First => &script.first,
            Role::Second => &script.second,
        };
        let phone = Phone::new(role, call, conduct.clone(), self.settings.keeps_audio, self.random.fork());
        self.phones.push(phone);
        self.by_address.insert(address, self.phones.len() - 1);
        Some(self.phones.len() - 1)
    }

    /// Lets a phone act, sends what it sends, and wakes it when it next wants to.
    fn with_phone(&mut self, index: usize, act: impl FnOnce(&mut Phone, Instant, &mut Vec<Out>)) {
        let mut outs = std::mem::take(&mut self.outs);
        let phone = &mut self.phones[index];
        act(phone, self.now, &mut outs);
        let source = phone.address;
        let due = phone.next_timeout().map(|due| due.max(self.now));
        if due != phone.scheduled {
            phone.scheduled = due;
            if let Some(due) = due {
                self.push(due, Event::Wake { phone: index });
            }
        }
        for out in outs.drain(..) {
            let arrivals = self.settings.network.arrivals(self.now, &mut self.random);
            match out {
                Out::Sip(bytes) => {
                    for at in arrivals {
                        self.push(at, Event::SipToServer { source, bytes: bytes.clone() });
                    }
                }
                Out::Rtp { from, to, bytes } => {
                    assert_eq!(to.ip(), server().ip());
                    let port = PortId(u64::from((to.port() - FIRST_PORT) / 2));
                    for at in arrivals {
                        self.push(at, Event::RtpToServer { source: from, port, bytes: bytes.clone() });
                    }
                }
            }
        }
        self.outs = outs;
    }
}

/// The Call-ID of call `call`.
pub fn call_id(call: usize) -> String {
    format!("sim-{call}")
}
