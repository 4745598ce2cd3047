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
use crate::sip::Peer;
use crate::sip::bans::Network;
use crate::sip::digest::{Authority, Claim, Counters as DigestCounters, Hash, Password, Verdict};
use crate::sip::message::{HeaderName, Request, SipUri};
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
    /// Requests that were refused for what they asked, not for who asked it.
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
    /// Of the telephones that are reached where the REGISTER came from now.
    pub moves: Vec<Move>,
}

impl Answer {
    fn new(code: u16) -> Self {
        Answer { code, reason: "", headers: Vec::new(), admits: None, guesses: false, moves: Vec::new() }
    }

    /// Who has an account is not known yet.
    pub fn later() -> Self {
        Answer::new(503).with("Retry-After", "5")
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
    pub fn stream_closed(&mut self, source: SocketAddr, connection: ConnectionId) {
        for name in self.table.names_at(source) {
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

    /// Whose telephone sends from that address: where several accounts share it, the one that is named `user`.
    pub fn owner_at(&self, source: SocketAddr, user: &str) -> Option<(&str, &Owner)> {
        let name = self.table.name_at(source, user)?;
        self.accounts.get(name).map(|account| (name, &account.owner))
    }

    /// Whether an account has registered from that address.
    pub fn knows(&self, source: SocketAddr) -> bool {
        self.table.name_at(source, "").is_some()
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
        let claim = Claim { method, uri, values: &values, source: peer.address.ip() };
        let accounts = &self.accounts;
        let verdict =
            self.authority.verify(now, &claim, |name| accounts.get(name).map(|known| &known.password));
        match verdict {
            Verdict::Proven { username } => match self.accounts.get(&username) {
                Some(account) => Ok((username, account.owner.clone())),
                None => Err(Answer::new(403)),
            },
            Verdict::Challenge(values) => {
                let challenge = |answer: Answer, value| answer.with("WWW-Authenticate", value);
                Err(values.into_iter().fold(Answer::new(401), challenge))
            }
            Verdict::Locked { host } => {
                Err(Answer { reason: "Too Many Wrong Passwords", guesses: host, ..Answer::new(403) })
            }
        }
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
            return Answer { reason: "That Is Another's Address", ..Answer::new(403) };
        }
        match self.change(now, &name, request, peer) {
            Ok(moves) => Answer { moves, ..self.listed(now, &name, request, peer) },
            Err(answer) => {
                self.counters.refused += 1;
                answer
            }
        }
    }

    /// Does what the Contacts say, all of it or nothing (RFC 3261 10.3 step 7).
    fn change(
        &mut self,
        now: Instant,
        name: &str,
        request: &Request,
        peer: Peer,
    ) -> Result<Vec<Move>, Answer> {
        let Contacts { changes, path } = Contacts::read(request, &self.limits)?;
        let order = (request.call_id(), request.cseq().number);
        let existing = self.table.of(name);
        if changes.iter().any(|change| existing.iter().any(|b| change.concerns(b) && b.is_after(order))) {
            // An older request that was overtaken: what it says is outdated.
            return Err(Answer { reason: "Out Of Order", ..Answer::new(500) });
        }
        let adds = changes.iter().filter(|change| matches!(change, Change::Bind { .. })).count();
        if self.table.len() + adds > self.limits.bindings_max {
            return Err(Answer::new(503).with("Retry-After", "60"));
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
                            || (path.is_empty() && binding.is_left_behind_at(peer, order.0))
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
        self.counters.displaced += self.table.keep_at_most(name, most) as u64;
        Ok(moves)
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

#[cfg(test)]
mod tests;
