//! All trunks at work: their registrations, their pings, their calls. What is set up of them is the snapshot's.

mod health;
mod load;
mod registration;
mod settings;

pub use health::LastPing;
pub use load::{Direction, Full};
pub use registration::Status;
pub(super) use registration::{granted, seconds};
pub use settings::{CallLimits, FINAL, FailOver, Login, Ping};

use super::snapshot::Trunk;
use super::ways::uri_at;
use super::{Action, RequestId};
use crate::clock::Instant;
use crate::ids::{CallId, ConnectionId, Random};
use crate::sip::TransactionId;
use crate::sip::bans::Network;
use crate::sip::endpoint::{Endpoint, Failure, Outside, Reply};
use crate::sip::locate::{self, Target};
use crate::sip::message::{NameAddr, SipUri};
use health::Health;
use load::Load;
use registration::{Order, Registration};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

/// Stands where a question is not that of a call.
const NO_CALL: CallId = CallId::NONE;

/// What a trunk looks like now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrunkStatus {
    pub id: String,
    /// Calls go out over it: it answers pings where it is pinged, and has us registered where we register.
    pub is_up: bool,
    /// It is pinged, or we register with it. Of one that is not, nothing is known but what its calls show.
    pub is_watched: bool,
    /// Why not, or why not soon.
    pub why: Option<String>,
    /// None where we do not register.
    pub registration: Option<Status>,
    /// For how long it took us when it did so last.
    pub granted: Option<Duration>,
    /// None where it is not pinged, or was not yet.
    pub last_ping: Option<LastPing>,
    /// When the last call out was answered.
    pub answered: Option<Instant>,
    /// The last call in, and out, that came to nothing.
    pub rejects: [Option<Reject>; 2],
    /// Calls in and out.
    pub calls: [u32; 2],
    pub limits: CallLimits,
    /// Calls in and out that were one too many.
    pub refused: [u64; 2],
}

/// Why a call came to nothing: what the trunk said of a call out, or we of a call in. Busy and declined calls are none of
/// these: people said that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reject {
    pub at: Instant,
    pub code: Option<u16>,
    /// A sentence without its end, of 300 characters at the most.
    pub text: String,
}

/// Characters of a [`Reject`].
const REJECT_CHARS_MAX: usize = 300;

/// Where what trunks want done is put.
pub(super) struct Hands<'a> {
    pub sip: &'a mut Endpoint,
    pub sip_actions: &'a mut Vec<crate::sip::endpoint::Action>,
    pub actions: &'a mut Vec<Action>,
}

/// One trunk at work.
struct Line {
    trunk: Trunk,
    registration: Option<Registration>,
    health: Option<Health>,
    load: Load,
    /// When the last call out was answered.
    answered: Option<Instant>,
    /// The last, in and out.
    rejects: [Option<Reject>; 2],
    /// Where its registrar was found: while it has us registered, its calls come from there.
    registrar: Option<IpAddr>,
    /// The stream that it has us registered over.
    stream: Option<ConnectionId>,
}

/// A request to a trunk.
#[derive(Clone, Copy, Debug)]
enum Job {
    Register(Order),
    Ping,
}

/// A request that is out.
struct Sent {
    trunk: String,
    job: Job,
    /// Where it went, and where else it may go.
    targets: locate::FailOver,
}

/// All trunks.
pub(super) struct Trunks {
    domain: String,
    random: Random,
    lines: BTreeMap<String, Line>,
    /// Requests that are out, and whose host is looked up.
    sent: HashMap<TransactionId, Sent>,
    resolving: HashMap<u32, (String, Job)>,
    last_request: u32,
    /// When the earliest line has something to do.
    due: Option<Instant>,
    is_stopping: bool,
}

impl Trunks {
    pub fn new(domain: &str, random: Random) -> Self {
        Trunks {
            domain: domain.to_owned(),
            random,
            lines: BTreeMap::new(),
            sent: HashMap::new(),
            resolving: HashMap::new(),
            last_request: 0,
            due: None,
            is_stopping: false,
        }
    }

    /// Takes the trunks of a new snapshot. What did not change of one goes on; a registration that is no longer wanted is taken
    /// back.
    pub fn set(&mut self, now: Instant, trunks: &[Trunk], hands: &mut Hands<'_>) {
        let mut before = std::mem::take(&mut self.lines);
        for trunk in trunks {
            let known = before.remove(&trunk.id);
            let line = match known {
                Some(mut line) if line.trunk.works_like(trunk) => {
                    line.trunk = trunk.clone();
                    line
                }
                Some(line) => {
                    let (load, answered, rejects) = (line.load, line.answered, line.rejects.clone());
                    self.leave(now, line, hands);
                    Line { load, answered, rejects, ..self.begin(now, trunk) }
                }
                None => self.begin(now, trunk),
            };
            self.lines.insert(trunk.id.clone(), line);
        }
        for (_, line) in before {
            self.leave(now, line, hands);
        }
        self.plan();
    }

    fn begin(&mut self, now: Instant, trunk: &Trunk) -> Line {
        let is_reachable = trunk.host.is_some() && !self.is_stopping;
        let registers = trunk.register.filter(|_| is_reachable && trunk.login.is_some());
        let registration = registers.map(|expires| Registration::new(now, expires, &mut self.random));
        let health = trunk.ping.filter(|_| is_reachable).map(|ping| Health::new(now, ping, &mut self.random));
        let (load, rejects) = (Load::default(), [None, None]);
        let (answered, registrar, stream) = (None, None, None);
        Line { trunk: trunk.clone(), registration, health, load, answered, rejects, registrar, stream }
    }

    /// Takes the registration of a line back that is no more, without waiting for the answer. What else is under way for it
    /// is forgotten: a new line of that id must not take the answer for its own.
    fn leave(&mut self, now: Instant, mut line: Line, hands: &mut Hands<'_>) {
        let id = &line.trunk.id;
        self.sent.retain(|_, sent| sent.trunk != *id);
        self.resolving.retain(|_, (trunk, _)| trunk != id);
        let order = line.registration.as_mut().and_then(|registration| registration.stop(now));
        let numeric = line.trunk.host.as_ref().and_then(|host| host.numeric());
        if let (Some(order), Some(target)) = (order, numeric)
            && let Some(outside) = self.request(&line, Job::Register(order), &target, hands.sip)
        {
            hands.sip.send_outside(now, outside, hands.sip_actions);
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.due
    }

    pub fn handle_timeout(&mut self, now: Instant, hands: &mut Hands<'_>) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let mut jobs = Vec::new();
        for (id, line) in &mut self.lines {
            let order = line.registration.as_mut().and_then(|registration| registration.handle_timeout(now));
            jobs.extend(order.map(|order| (id.clone(), Job::Register(order))));
            if line.health.as_mut().is_some_and(|health| health.handle_timeout(now)) {
                jobs.push((id.clone(), Job::Ping));
            }
        }
        for (id, job) in jobs {
            self.start(now, id, job, hands);
        }
        self.plan();
    }

    /// What became of a request outside dialogs. False where it was not a trunk's.
    pub fn on_reply(&mut self, now: Instant, reply: &Reply, hands: &mut Hands<'_>) -> bool {
        let Some(Sent { trunk: id, job, mut targets }) = self.sent.remove(&reply.transaction) else {
            return false;
        };
        let failure = match &reply.response {
            Ok(response) if response.code() < 300 => None,
            Ok(response) => Some(Failure::Response(response.clone())),
            Err(failure) => Some(failure.clone()),
        };
        match failure {
            None => targets.answered(&mut hands.sip.blocked),
            // RFC 3263 4.3: another server of that host may do.
            Some(failure) if targets.failed(now, &failure, &mut hands.sip.blocked) => {
                self.send(now, id, job, targets, hands);
                return true;
            }
            Some(_) => {}
        }
        let next = match (self.lines.get_mut(&id), job) {
            (Some(Line { registration: Some(registration), trunk, stream, .. }), Job::Register(_)) => {
                let user = trunk.login.as_ref().map_or("", |login| &login.username);
                let before = registration.status(now);
                let next = registration.on_reply(now, reply, user, &mut self.random);
                let after = registration.status(now);
                tell(&id, &before, &after);
                if let (Some(connection), Status::Registered { .. }) = (reply.connection, after) {
                    // Its calls come back over the stream that we opened.
                    hands.sip.set_admitted(connection, true);
                    *stream = Some(connection);
                }
                next
            }
            (Some(Line { health: Some(health), .. }), Job::Ping) => {
                if health.on_reply(now, reply, &mut self.random) {
                    tell_health(&id, health);
                }
                None
            }
            _ => None,
        };
        if let Some(order) = next {
            self.start(now, id, Job::Register(order), hands);
        }
        self.plan();
        true
    }

    /// The reply to an [`Action::Resolve`]. False where it was not a trunk's.
    pub fn resolved(
        &mut self,
        now: Instant,
        request: RequestId,
        result: &Result<Vec<Target>, String>,
        hands: &mut Hands<'_>,
    ) -> bool {
        if request.call != NO_CALL {
            return false;
        }
        let Some((id, job)) = self.resolving.remove(&request.number) else { return true };
        match result {
            Ok(targets) => self.go(now, id, job, targets.clone(), hands),
            Err(why) => self.unreachable(now, &id, job, why),
        }
        self.plan();
        true
    }

    /// A stream is gone: who has us registered over it reaches us no more.
    pub fn stream_closed(&mut self, now: Instant, connection: ConnectionId) {
        let over_it = self.lines.iter_mut().filter(|(_, line)| line.stream == Some(connection));
        for (id, line) in over_it {
            line.stream = None;
            if let Some(registration) = &mut line.registration {
                let before = registration.status(now);
                registration.on_stream_closed(now, &mut self.random);
                tell(id, &before, &registration.status(now));
            }
        }
        self.plan();
    }

    /// The trunk that has us registered at that host.
    pub fn registered_at(&self, now: Instant, host: IpAddr) -> Option<&str> {
        let host = host.to_canonical();
        let has_us = |line: &Line| {
            line.registrar == Some(host)
                && line.registration.as_ref().is_some_and(|of| of.status(now).figure() == 1)
        };
        self.lines.iter().find(|(_, line)| has_us(line)).map(|(id, _)| id.as_str())
    }

    /// Whether a trunk has us registered at a host of that network.
    pub fn are_registered_in(&self, now: Instant, network: Network) -> bool {
        self.lines.values().any(|line| {
            let is_there = line.registrar.is_some_and(|host| Network::of(host) == network);
            is_there && line.registration.as_ref().is_some_and(|of| of.status(now).figure() == 1)
        })
    }

    /// Whether we register with it.
    pub fn registers(&self, id: &str) -> bool {
        self.lines.get(id).is_some_and(|line| line.registration.is_some())
    }

    /// An operator wants the registration tried now.
    pub fn try_again(&mut self, now: Instant, id: &str) {
        if let Some(registration) = self.lines.get_mut(id).and_then(|line| line.registration.as_mut()) {
            registration.try_again(now);
        }
        self.plan();
    }

    /// Takes all registrations back: no new calls shall come.
    pub fn stop(&mut self, now: Instant, hands: &mut Hands<'_>) {
        self.is_stopping = true;
        let stop = |(id, line): (&String, &mut Line)| {
            let order = line.registration.as_mut()?.stop(now)?;
            Some((id.clone(), Job::Register(order)))
        };
        let jobs: Vec<_> = self.lines.iter_mut().filter_map(stop).collect();
        for (id, job) in jobs {
            self.start(now, id, job, hands);
        }
        self.plan();
    }

    /// Whether registrations that are taken back wait for their answers.
    pub fn is_leaving(&self) -> bool {
        let waits =
            |line: &Line| line.registration.as_ref().is_some_and(|registration| !registration.is_ended());
        self.is_stopping && self.lines.values().any(waits)
    }

    /// Takes one more call in or out into account, where it fits.
    pub fn begin_call(&mut self, now: Instant, id: &str, direction: Direction) -> Result<(), Full> {
        match self.lines.get_mut(id) {
            Some(line) => line.load.begin(now, direction, &line.trunk.limits),
            None => Ok(()),
        }
    }

    pub fn end_call(&mut self, id: &str, direction: Direction) {
        if let Some(line) = self.lines.get_mut(id) {
            line.load.end(direction);
        }
    }

    /// A call out was answered.
    pub fn note_answered(&mut self, now: Instant, id: &str) {
        if let Some(line) = self.lines.get_mut(id) {
            line.answered = Some(now);
        }
    }

    /// A call came to nothing: that is kept until the next one does.
    pub fn note_reject(
        &mut self,
        now: Instant,
        id: &str,
        direction: Direction,
        code: Option<u16>,
        text: &str,
    ) {
        let is_peoples = code.is_some_and(|code| [486, 487, 600, 603].contains(&code));
        if let Some(line) = self.lines.get_mut(id).filter(|_| !is_peoples) {
            let text = text.chars().filter(|c| !c.is_control()).take(REJECT_CHARS_MAX).collect();
            line.rejects[direction as usize] = Some(Reject { at: now, code, text });
        }
    }

    /// Why calls are not to be tried over it: it has refused us, or was found to be down. None where they may be.
    pub fn why_unusable(&self, now: Instant, id: &str) -> Option<String> {
        let line = self.lines.get(id)?;
        let status = line.registration.as_ref().map(|registration| registration.status(now));
        if let Some(Status::Rejected { why }) = status {
            return Some(why);
        }
        let health = line.health.as_ref().filter(|health| !health.is_up())?;
        Some(health.why().unwrap_or("it answers no pings").to_owned())
    }

    /// All of them, by id.
    pub fn statuses(&self, now: Instant) -> Vec<TrunkStatus> {
        self.lines.iter().map(|(id, line)| line.status(id, now)).collect()
    }

    fn start(&mut self, now: Instant, id: String, job: Job, hands: &mut Hands<'_>) {
        let Some(host) = self.lines.get(&id).and_then(|line| line.trunk.host.clone()) else { return };
        if let Some(target) = hands.sip.plain_target(&host) {
            return self.go(now, id, job, vec![target], hands);
        }
        self.last_request = self.last_request.wrapping_add(1);
        self.resolving.insert(self.last_request, (id, job));
        let request = RequestId { call: NO_CALL, number: self.last_request };
        hands.actions.push(Action::Resolve { request, destination: host });
    }

    fn go(&mut self, now: Instant, id: String, job: Job, targets: Vec<Target>, hands: &mut Hands<'_>) {
        match locate::FailOver::new(now, targets, &hands.sip.blocked) {
            Some(targets) => self.send(now, id, job, targets, hands),
            None => self.unreachable(now, &id, job, "its host has no address"),
        }
    }

    fn send(&mut self, now: Instant, id: String, job: Job, targets: locate::FailOver, hands: &mut Hands<'_>) {
        let line = self.lines.get(&id);
        let outside = line.and_then(|line| self.request(line, job, targets.target(), hands.sip));
        match outside {
            Some(outside) => {
                if let (Job::Register(_), Some(line)) = (job, self.lines.get_mut(&id)) {
                    line.registrar = Some(targets.target().address.ip().to_canonical());
                }
                let transaction = hands.sip.send_outside(now, outside, hands.sip_actions);
                self.sent.insert(transaction, Sent { trunk: id, job, targets });
            }
            None => self.unreachable(now, &id, job, "its host makes no SIP address"),
        }
    }

    fn unreachable(&mut self, now: Instant, id: &str, job: Job, why: &str) {
        let Some(line) = self.lines.get_mut(id) else { return };
        match job {
            Job::Register(_) => {
                if let Some(registration) = &mut line.registration {
                    let before = registration.status(now);
                    registration.on_unreachable(now, why.to_owned(), &mut self.random);
                    tell(id, &before, &registration.status(now));
                }
            }
            Job::Ping => {
                if let Some(health) = &mut line.health
                    && health.missed(now, why.to_owned(), &mut self.random)
                {
                    tell_health(id, health);
                }
            }
        }
    }

    fn request(&self, line: &Line, job: Job, target: &Target, sip: &Endpoint) -> Option<Outside> {
        let host = line.trunk.host.as_ref()?;
        let request_uri = uri_at("", host)?;
        let plain = Outside {
            method: rsip::Method::Options.into(),
            listener: sip.listener_toward(target),
            destination: target.address,
            transport: target.transport,
            connection: None,
            from: NameAddr::new(SipUri::sip("", &self.domain, None)?),
            to: NameAddr::new(request_uri.clone()),
            request_uri,
            routes: Vec::new(),
            call_id: None,
            cseq: 1,
            contact_user: Some(String::new()),
            headers: vec![("Accept".to_owned(), "application/sdp".to_owned())],
            body: None,
            account: None,
        };
        let Job::Register(order) = job else { return Some(plain) };
        let call_id = line.registration.as_ref()?.call_id.clone();
        let register = line.register(order.expires, plain)?;
        Some(Outside { call_id: Some(call_id), cseq: order.cseq, ..register })
    }

    /// A request to that target of a trunk which nobody here waits for: an OPTIONS, or with a time a REGISTER of our account
    /// there, under a Call-ID of its own.
    pub fn outside_of(
        &self,
        id: &str,
        register_for: Option<Duration>,
        target: &Target,
        sip: &Endpoint,
    ) -> Option<Outside> {
        let line = self.lines.get(id)?;
        let plain = self.request(line, Job::Ping, target, sip)?;
        match register_for {
            Some(expires) => line.register(expires, plain),
            None => Some(plain),
        }
    }

    fn plan(&mut self) {
        let of_line = |line: &Line| {
            let registration = line.registration.as_ref().and_then(Registration::next_timeout);
            [registration, line.health.as_ref().and_then(Health::next_timeout)].into_iter().flatten().min()
        };
        self.due = self.lines.values().filter_map(of_line).min();
    }
}

impl Line {
    /// The REGISTER that a request to the trunk becomes.
    fn register(&self, expires: Duration, plain: Outside) -> Option<Outside> {
        let (login, host) = (self.trunk.login.as_ref()?, self.trunk.host.as_ref()?);
        let address = NameAddr::new(SipUri::sip(&login.username, &host.host.to_string(), None)?);
        Some(Outside {
            method: rsip::Method::Register.into(),
            from: address.clone(),
            to: address,
            contact_user: Some(login.username.clone()),
            headers: vec![("Expires".to_owned(), expires.as_secs().to_string())],
            account: login.account(&self.trunk),
            ..plain
        })
    }

    fn status(&self, id: &str, now: Instant) -> TrunkStatus {
        let registration = self.registration.as_ref().map(|registration| registration.status(now));
        let is_registered = registration.as_ref().is_none_or(|status| status.figure() == 1);
        let health = self.health.as_ref();
        let why = registration.as_ref().and_then(Status::why).or_else(|| health.and_then(Health::why));
        TrunkStatus {
            id: id.to_owned(),
            is_up: is_registered && health.is_none_or(Health::is_up),
            why: why.map(str::to_owned),
            granted: self.registration.as_ref().and_then(Registration::last_granted),
            last_ping: health.and_then(Health::last).cloned(),
            is_watched: self.registration.is_some() || health.is_some(),
            answered: self.answered,
            rejects: self.rejects.clone(),
            limits: self.trunk.limits,
            calls: [self.load.calls(Direction::In), self.load.calls(Direction::Out)],
            refused: self.load.refused,
            registration,
        }
    }
}

/// The log's line for a registration whose state is another now.
fn tell(id: &str, before: &Status, after: &Status) {
    if before.word() == after.word() && before.why() == after.why() {
        return;
    }
    match after {
        Status::Registered { .. } => tracing::info!(trunk = id, "registered with the trunk"),
        Status::Rejected { why } => {
            tracing::error!(
                trunk = id,
                why,
                "the trunk does not take our registration: it is not tried again"
            )
        }
        Status::Trying { why: Some(why) } | Status::Failing { why, .. } => {
            tracing::warn!(trunk = id, why, "the registration with the trunk failed, and is tried again");
        }
        Status::Trying { why: None } | Status::Ended => {}
    }
}

fn tell_health(id: &str, health: &Health) {
    match health.why() {
        Some(why) if !health.is_up() => {
            tracing::warn!(trunk = id, why, "the trunk is down: no calls go out over it")
        }
        _ => tracing::info!(trunk = id, "the trunk is back"),
    }
}
