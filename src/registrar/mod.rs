//! Who registers with us (RFC 3261 10.3): telephones of agents, and PBXs that register as a trunk. Pure: requests and the
//! time in, answers out.
//!
//! Bindings live in memory alone: after a restart each telephone is back with its next registration.

mod binding;
mod contact;
mod waiting;

pub use binding::Binding;
pub use waiting::{Messages, Notify, Subscribed, Waiting};

use crate::clock::Instant;
use crate::ids::{ConnectionId, Random};
use crate::sip::bans::Network;
use crate::sip::digest::{Authority, Claim, Counters as DigestCounters, Fault, Hash, Password, Verdict};
use crate::sip::message::{HeaderName, Request, SipUri};
use crate::sip::{Peer, Transport};
use binding::Table;
use contact::{Change, Contacts};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Who has an account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Owner {
    /// The id of an agent.
    Agent(String),
    /// The id of a trunk.
    Trunk(String),
}

/// An account that registers, or shows with each call who it is. Its name is the user of its address and of its credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    pub owner: Owner,
    pub password: Password,
}

/// How long and how many.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A shorter time is answered 423: each registration costs two requests.
    pub expires_min: Duration,
    /// A longer time is cut: a telephone that is gone is not rung for longer.
    pub expires_max: Duration,
    /// Of one account: a desk phone, a softphone, a mobile, and what their restarts left behind. The one that would expire
    /// first makes room.
    pub bindings_of_account_max: usize,
    /// Of all, some 1 KiB each.
    pub bindings_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            expires_min: Duration::from_secs(60),
            expires_max: Duration::from_secs(3_600),
            bindings_of_account_max: 10,
            bindings_max: 50_000,
        }
    }
}

/// What happened since the start. Each field only grows.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Registrations and refreshes that were taken.
    pub registered: u64,
    /// Bindings taken back by their telephones, or by an operator.
    pub removed: u64,
    /// Bindings whose time ran out.
    pub expired: u64,
    /// Bindings that made room, since their account had too many.
    pub displaced: u64,
    /// REGISTERs that were refused: for what they asked, or for credentials that were wrong.
    pub refused: u64,
}

/// A telephone that is reached elsewhere than before: its NAT has given it another port, or it has moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Move {
    /// What the telephone calls itself, before and after.
    pub contact: SipUri,
    pub from: Peer,
}

/// A binding, and whose it is.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The user of the address that was registered.
    pub account: String,
    pub owner: Owner,
    pub binding: Binding,
}

/// The answer to a REGISTER.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub code: u16,
    /// Empty where the usual words do.
    pub reason: &'static str,
    pub headers: Vec<(String, String)>,
    /// Whether requests over the stream it came by are let in from now on, where that changes.
    pub admits: Option<bool>,
    /// The host has brought too many wrong passwords, for whatever names.
    pub guesses: bool,
    /// For how long passwords are not looked at, where that is so.
    pub wait: Option<Duration>,
    /// Where it refuses: a first challenge does not.
    pub why: Option<Box<Why>>,
    /// Of the telephones that are reached where the REGISTER came from now.
    pub moves: Vec<Move>,
    /// Telephones that made room for this one, and are rung no more.
    pub displaced: usize,
}

/// Why an answer refuses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// As the sender of the request is told: nothing in it says which names there are.
    pub told: String,
    /// As the log says it.
    pub known: String,
    /// What to do about it.
    pub remedy: &'static str,
    /// The user name of the credentials; empty where none could be read.
    pub account: String,
}

impl Answer {
    fn new(code: u16) -> Self {
        Answer {
            code,
            reason: "",
            headers: Vec::new(),
            admits: None,
            guesses: false,
            wait: None,
            why: None,
            moves: Vec::new(),
            displaced: 0,
        }
    }

    /// One that refuses, and says the same to everybody.
    pub fn refusal(code: u16, why: impl Into<String>, remedy: &'static str) -> Self {
        let told: String = why.into();
        let why = Why { known: told.clone(), told, remedy, account: String::new() };
        Answer { why: Some(why.into()), ..Answer::new(code) }
    }

    /// Who has an account is not known yet.
    pub fn later(why: &str) -> Self {
        Answer::refusal(503, why, "see that the database comes back").with("Retry-After", "5")
    }

    /// Another's credentials than those that an address has to show.
    pub fn not_theirs(trunk: &str, account: String) -> Self {
        let why = Why {
            told: "these are the credentials of another than whose address that is".to_owned(),
            known: format!(
                "the address is that of the trunk \"{trunk}\", and the credentials are those of another"
            ),
            remedy: "set the trunk's own user name and password up at its peer, or correct the trunk's match",
            account,
        };
        Answer { why: Some(why.into()), ..Answer::new(403) }
    }

    fn of_account(mut self, name: &str) -> Self {
        if let Some(why) = &mut self.why {
            name.clone_into(&mut why.account);
        }
        self
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// All accounts and their bindings.
pub struct Registrar {
    limits: Limits,
    authority: Authority,
    accounts: HashMap<String, Account>,
    table: Table,
    counters: Counters,
}

impl Registrar {
    /// `realm` is the domain of our addresses; `offered` are digest algorithms, the preferred first.
    pub fn new(realm: &str, offered: Vec<Hash>, limits: Limits, random: &mut Random) -> Self {
        Registrar {
            limits,
            authority: Authority::new(realm, offered, random),
            accounts: HashMap::new(),
            table: Table::default(),
            counters: Counters::default(),
        }
    }

    /// Puts other accounts in the place of those before. Bindings of accounts that are gone, or have another password, are
    /// dropped: who knew the old one has to show that it knows the new one. Gives the streams that are let in no more.
    pub fn set_accounts(&mut self, accounts: HashMap<String, Account>) -> Vec<ConnectionId> {
        let before = std::mem::replace(&mut self.accounts, accounts);
        let changed = before.iter().filter(|(name, account)| self.accounts.get(*name) != Some(*account));
        changed.flat_map(|(name, _)| self.table.remove_all(name)).filter_map(|b| b.peer.connection).collect()
    }

    /// Whether anybody has an account.
    pub fn has_accounts(&self) -> bool {
        !self.accounts.is_empty()
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn digest_counters(&self) -> &DigestCounters {
        self.authority.counters()
    }

    /// How many bindings there are.
    pub fn bindings(&self) -> usize {
        self.table.len()
    }

    /// When [`Registrar::handle_timeout`] has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.table.next_expiry()
    }

    /// Drops the bindings whose time ran out, and gives the streams that are let in no more.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<ConnectionId> {
        let expired = self.table.expire(now);
        self.counters.expired += expired.len() as u64;
        expired.into_iter().filter_map(|binding| binding.peer.connection).collect()
    }

    /// A stream is gone: who registered over it is not reached there any more (RFC 5626 5.3), and will register anew.
    pub fn stream_closed(&mut self, transport: Transport, address: SocketAddr, connection: ConnectionId) {
        for name in self.table.names_at((transport, address)) {
            let gone = self.table.remove_where(&name, |binding| binding.peer.connection == Some(connection));
            self.counters.expired += gone.len() as u64;
        }
    }

    /// Where an account is to be rung: the most preferred first (`q`), of those the latest.
    pub fn bindings_of(&self, name: &str) -> Vec<&Binding> {
        self.table.of(name)
    }

    /// The same, where that account is this owner's: a trunk may have an account of the name of an agent's.
    pub fn bindings_owned(&self, name: &str, owner: &Owner) -> Vec<&Binding> {
        let is_owned = self.accounts.get(name).is_some_and(|account| account.owner == *owner);
        if is_owned { self.bindings_of(name) } else { Vec::new() }
    }

    /// What is registered, by account: up to `limit` behind that place, those of one account where it is named.
    pub fn list(&self, behind: (&str, u64), account: Option<&str>, limit: usize) -> Vec<Listed> {
        let (name, number) = behind;
        // What stands before the account is passed over at once.
        let (name, number) = match account {
            Some(account) if account > name => (account, 0),
            _ => (name, number),
        };
        let listed = self.table.behind(name, number).filter_map(|(name, binding)| {
            let owner = self.accounts.get(name)?.owner.clone();
            Some(Listed { account: name.to_owned(), owner, binding: binding.clone() })
        });
        let of_account = listed.take_while(|listed| account.is_none_or(|account| listed.account == account));
        of_account.take(limit).collect()
    }

    /// Whether an account has a binding of that id.
    pub fn has(&self, account: &str, id: u64) -> bool {
        self.table.of(account).iter().any(|binding| binding.id() == id)
    }

    /// Drops a binding, and gives the stream that is let in no more. Its telephone is back with its next registration.
    pub fn remove(&mut self, account: &str, id: u64) -> Vec<ConnectionId> {
        let gone = self.table.remove_where(account, |binding| binding.id() == id);
        self.counters.removed += gone.len() as u64;
        gone.into_iter().filter_map(|binding| binding.peer.connection).collect()
    }

    /// Whose telephone sends from there: where several accounts share it, the one that is named `user`.
    pub fn owner_at(&self, peer: Peer, user: &str) -> Option<(&str, &Owner)> {
        let name = self.table.name_at((peer.transport, peer.address), user)?;
        self.accounts.get(name).map(|account| (name, &account.owner))
    }

    /// Whether an account has registered from that address by that transport.
    pub fn knows(&self, transport: Transport, address: SocketAddr) -> bool {
        self.table.name_at((transport, address), "").is_some()
    }

    /// Whether an account has registered from that network.
    pub fn knows_network(&self, network: Network) -> bool {
        self.table.is_in_use(network)
    }

    /// Lets a network begin anew with its wrong passwords.
    pub fn forgive(&mut self, network: Network) {
        self.authority.forgive(network);
    }

    /// Whether a request brings back a challenge that we sent to its host, so that its source is not forged.
    pub fn has_challenged(&self, request: &Request, peer: Peer) -> bool {
        let mut values = request.head().all(HeaderName::Authorization, "");
        values.any(|value| self.authority.has_challenged(value, peer.address.ip()))
    }

    /// Who a request shows to come from, by its credentials.
    pub fn authenticate(
        &mut self,
        now: Instant,
        request: &Request,
        peer: Peer,
    ) -> Result<(String, Owner), Answer> {
        let values: Vec<&str> = request.head().all(HeaderName::Authorization, "").collect();
        let (method, uri) = (request.method().as_str(), request.uri());
        let name = request.to().uri.user();
        let is_refresh = request.is(rsip::Method::Register)
            && self.table.of(&name).iter().any(|binding| binding.is_refreshed_by(request.call_id(), peer));
        let refreshes = is_refresh.then_some(&*name);
        let claim = Claim { method, uri, values: &values, source: peer.address.ip(), refreshes };
        let accounts = &self.accounts;
        let verdict =
            self.authority.verify(now, &claim, |name| accounts.get(name).map(|known| &known.password));
        let refused = match verdict {
            Verdict::Proven { username } => match self.accounts.get(&username) {
                Some(account) => return Ok((username, account.owner.clone())),
                None => Answer::refusal(403, "that account is gone", "").of_account(&username),
            },
            Verdict::Challenge(values) => return Err(challenge(values)),
            Verdict::Wrong { username, fault, challenges } => {
                let why = Some(self.why(fault, username).into());
                Answer { why, ..challenge(challenges) }
            }
            Verdict::Locked { username, host, wait } => locked(&username, host, wait),
        };
        self.counters.refused += u64::from(request.is(rsip::Method::Register));
        Err(refused)
    }

    /// What is wrong with credentials. Whose name and whose password they are not is said alike to whoever brought them, who
    /// may be guessing.
    fn why(&self, fault: Fault, account: String) -> Why {
        let owner = self.accounts.get(&account).map(|known| match &known.owner {
            Owner::Agent(id) => format!("the agent \"{id}\""),
            Owner::Trunk(id) => format!("the trunk \"{id}\""),
        });
        let owner = owner.unwrap_or_default();
        let (known, remedy) = match fault {
            Fault::Realm => {
                let realm = self.authority.realm();
                let told = format!("the credentials are none for the realm {realm}");
                let remedy =
                    "leave the realm empty where the telephone is set up: it takes that of the challenge";
                return Why { known: told.clone(), told, remedy, account };
            }
            Fault::Name => (
                "no agent and no trunk has an account of that name".to_owned(),
                "the user name is the id of an agent that has a password, or the user name of a trunk",
            ),
            Fault::Password => (
                format!("the password is not that of {owner}"),
                "set the same password up where the telephone or the PBX is set up, and here",
            ),
            Fault::Form => (
                format!(
                    "the answer for the account of {owner} was made in a way that was not offered, or for another address"
                ),
                "the algorithm has to be one of those of [sip] digest, with the protection auth",
            ),
        };
        Why { told: "the user name or the password is wrong".to_owned(), known, remedy, account }
    }

    /// A REGISTER. The name is the user of its To; the host is taken to be ours, for telephones are set up with the domain,
    /// with a name of the server or with its address.
    pub fn register(&mut self, now: Instant, request: &Request, peer: Peer) -> Answer {
        let (name, _) = match self.authenticate(now, request, peer) {
            Ok(known) => known,
            Err(answer) => return answer,
        };
        if request.to().uri.user() != name {
            self.counters.refused += 1;
            let why = "the credentials are not those of the address in To";
            let remedy = "set the same name up as the telephone's user name and for its authentication";
            let answer = Answer::refusal(403, why, remedy).of_account(&name);
            return Answer { reason: "That Is Another's Address", ..answer };
        }
        match self.change(now, &name, request, peer) {
            Ok((moves, displaced)) => Answer { moves, displaced, ..self.listed(now, &name, request, peer) },
            Err(answer) => {
                self.counters.refused += 1;
                answer.of_account(&name)
            }
        }
    }

    /// Does what the Contacts say, all of it or nothing (RFC 3261 10.3 step 7). Gives whose telephones are elsewhere now, and how
    /// many made room.
    fn change(
        &mut self,
        now: Instant,
        name: &str,
        request: &Request,
        peer: Peer,
    ) -> Result<(Vec<Move>, usize), Answer> {
        let Contacts { changes, path } = Contacts::read(request, &self.limits)?;
        let order = (request.call_id(), request.cseq().number);
        let existing = self.table.of(name);
        if changes.iter().any(|change| existing.iter().any(|b| change.concerns(b) && b.is_after(order))) {
            // An older request that was overtaken: what it says is outdated.
            let why = "a later registration of that telephone has come before this one";
            let remedy = "nothing, unless it goes on: then two telephones say that they are the same";
            return Err(Answer { reason: "Out Of Order", ..Answer::refusal(500, why, remedy) });
        }
        let adds = changes.iter().filter(|change| matches!(change, Change::Bind { .. })).count();
        if self.table.len() + adds > self.limits.bindings_max {
            let why = format!("there are {} registrations, as many as the server keeps", self.table.len());
            let remedy = "remove registrations that nobody needs";
            return Err(Answer::refusal(503, why, remedy).with("Retry-After", "60"));
        }
        let mut moves = Vec::new();
        for change in changes {
            match change {
                Change::RemoveAll => {
                    self.counters.removed += self.table.remove_all(name).len() as u64;
                }
                Change::Remove { .. } => {
                    let gone = self.table.remove_where(name, |binding| change.concerns(binding));
                    self.counters.removed += gone.len() as u64;
                }
                Change::Bind { ref contact, expires, .. } => {
                    let gone = self.table.remove_where(name, |binding| {
                        change.concerns(binding)
                            || (path.is_empty() && binding.is_left_behind_at(peer, order.0, contact))
                    });
                    let moved = gone.iter().filter(|binding| path.is_empty() && binding.was_elsewhere(peer));
                    moves.extend(moved.map(|old| Move { contact: old.contact.uri.clone(), from: old.peer }));
                    let agent = request.header("User-Agent").unwrap_or_default();
                    let binding =
                        Binding::new(now, contact.clone(), expires, path.clone(), peer, agent, order);
                    self.table.add(name, binding);
                    self.counters.registered += 1;
                }
            }
        }
        let most = self.limits.bindings_of_account_max;
        let displaced = self.table.keep_at_most(name, most);
        self.counters.displaced += displaced as u64;
        Ok((moves, displaced))
    }

    /// 200, with what is bound now.
    fn listed(&self, now: Instant, name: &str, request: &Request, peer: Peer) -> Answer {
        let mut answer = Answer::new(200);
        let bindings = self.table.of(name);
        for binding in &bindings {
            answer = answer.with("Contact", binding.written(now));
        }
        for path in request.head().all(HeaderName::Path, "") {
            answer = answer.with("Path", path);
        }
        answer = answer.with("Supported", "path, outbound");
        if bindings.iter().any(|binding| binding.peer == peer && binding.is_flow()) {
            // RFC 5626 6: the telephone learns that its flow is used.
            answer = answer.with("Require", "outbound");
        }
        answer.admits = peer.connection.map(|_| bindings.iter().any(|binding| binding.peer == peer));
        answer
    }
}

/// 401 with these challenges.
fn challenge(values: Vec<String>) -> Answer {
    values.into_iter().fold(Answer::new(401), |answer, value| answer.with("WWW-Authenticate", value))
}

/// 403 while passwords are not looked at.
fn locked(username: &str, host: bool, wait: Duration) -> Answer {
    let (why, remedy) = if host {
        (
            "too many wrong passwords from that address",
            "correct the passwords of the telephones there; where the address is banned, lift the ban",
        )
    } else {
        (
            "too many wrong passwords for that user name from that address",
            "correct the password where the telephone is set up: after the time of Retry-After it is looked at again",
        )
    };
    let answer = Answer::refusal(403, why, remedy).of_account(username);
    Answer { reason: "Too Many Wrong Passwords", guesses: host, wait: Some(wait), ..answer }
}

#[cfg(test)]
mod tests;
