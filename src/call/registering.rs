//! Who registers, subscribes and shows who it is: the switchboard's part between the registrar and SIP; and the trunks' part.

use super::Action;
use super::message_parts::warning;
use super::snapshot::{NOTHING_LOADED, Snapshot, Source, Trunk};
use super::switchboard::{Switchboard, printable};
use super::trunk::{Hands, TrunkStatus};
use crate::clock::{Instant, Now};
use crate::hidden::Hidden;
use crate::ids::ConnectionId;
use crate::registrar::{Answer, Counters, Notify};
pub use crate::registrar::{Binding, Listed, Owner};
use crate::sip::bans::{Network, Offence};
use crate::sip::cause::{cause_of, q850};
use crate::sip::digest::Counters as DigestCounters;
use crate::sip::endpoint::{self as sip, Body, Doors, Outside, Reply};
use crate::sip::limits::{REFUSAL_TOLD_BURST, REFUSAL_TOLD_INTERVAL};
use crate::sip::message::Request;
use crate::sip::{Peer, TransactionId, Transport};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What the log shows of a user name: those of telephones and PBXs have far fewer.
const ACCOUNT_CHARS_MAX: usize = 64;

/// What is kept and what happened of accounts.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct AccountFigures {
    /// Places where accounts are reached.
    pub bindings: usize,
    /// Of telephones to their waiting messages.
    pub subscriptions: usize,
    pub registrar: Counters,
    pub digest: DigestCounters,
}

impl Switchboard {
    /// Lets the endpoint know whom the snapshot knows: trunks keep their streams open over reloads.
    pub(super) fn admit_by_snapshot(&mut self) {
        let refusal = if self.snapshot.awaits_database {
            let (_, warning) = warning(399, &self.settings.domain, &NOTHING_LOADED);
            sip::Refusal::NotYet { warning }
        } else {
            sip::Refusal::Forbidden
        };
        let (snapshot, registrar, certified) = (&self.snapshot, &self.registrar, &self.certified);
        self.endpoint.set_strangers(refusal, |connection, transport, peer| {
            may_stream(snapshot, certified, connection, peer) || registrar.knows(transport, peer)
        });
    }

    /// Takes accounts and trunks of the snapshot as it is now.
    pub(super) fn take_accounts(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let accounts = self.snapshot.accounts();
        let gone = self.registrar.set_accounts(accounts);
        self.shut_out(gone);
        let doors =
            Doors { register: self.registrar.has_accounts(), invite: self.snapshot.takes_credentials() };
        self.endpoint.set_doors(doors);
        let snapshot = self.snapshot.clone();
        self.with_trunks(actions, |trunks, hands| trunks.set(now, &snapshot.trunks, hands));
    }

    /// Does something with the trunks, which may want SIP and look-ups done.
    pub(super) fn with_trunks<T>(
        &mut self,
        actions: &mut Vec<Action>,
        handle: impl FnOnce(&mut super::trunk::Trunks, &mut Hands<'_>) -> T,
    ) -> T {
        let mut hands = Hands { sip: &mut self.endpoint, sip_actions: &mut self.sip_actions, actions };
        handle(&mut self.trunks, &mut hands)
    }

    /// What of this room is due beside calls.
    pub(super) fn accounts_due(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let gone = self.registrar.handle_timeout(now);
        self.shut_out(gone);
        for notify in self.messages_waiting.handle_timeout(now) {
            self.notify(now, notify);
        }
        self.with_trunks(actions, |trunks, hands| trunks.handle_timeout(now, hands));
    }

    pub(super) fn next_of_accounts(&self) -> Option<Instant> {
        let times =
            [self.registrar.next_timeout(), self.messages_waiting.next_timeout(), self.trunks.next_timeout()];
        times.into_iter().flatten().min()
    }

    /// A request of ours outside dialogs is over.
    pub(super) fn replied_outside(&mut self, now: Instant, reply: &Reply, actions: &mut Vec<Action>) {
        if self.with_trunks(actions, |trunks, hands| trunks.on_reply(now, reply, hands))
            || self.trial_replied(now, reply, actions)
        {
            return;
        }
        let Some(tag) = self.notifies.remove(&reply.transaction) else { return };
        if !reply.response.as_ref().is_ok_and(|response| response.is_success()) {
            self.messages_waiting.forget(&tag);
        }
    }

    pub(super) fn register(&mut self, now: Now, transaction: TransactionId, request: &Request, peer: Peer) {
        let mut answer = if self.snapshot.awaits_database {
            Answer::later(NOTHING_LOADED)
        } else {
            self.registrar.register(now.instant, request, peer)
        };
        if answer.displaced > 0 {
            let account = request.to().uri.user();
            tracing::warn!(
                source = %peer.address, account = %Hidden::party(&account),
                "an account has more telephones than are kept: the one that registered first is rung no more"
            );
        }
        if let (Some(admits), Some(connection)) = (answer.admits, peer.connection) {
            let admitted = admits || self.may_stream(connection, peer.address);
            self.endpoint.set_admitted(connection, admitted);
        }
        if answer.code == 200 && self.endpoint.lift_ban(peer.address.ip()).is_some() {
            tracing::info!(source = %peer.address, "no longer banned: a telephone has registered from there");
        }
        self.say_why(now.instant, request, peer, &mut answer);
        let Answer { code, reason, headers, moves, guesses, .. } = answer;
        for moved in moves {
            self.endpoint.follow(&moved.contact, moved.from, peer);
        }
        let out = &mut self.sip_actions;
        self.endpoint.respond(now.instant, transaction, code, reason, &headers, None, out);
        self.note_guesses(now.instant, peer, guesses);
    }

    /// Says why an answer refuses: to the peer in its headers, and in the log, where a flood shall not fill it.
    pub(super) fn say_why(&mut self, now: Instant, request: &Request, peer: Peer, answer: &mut Answer) {
        let Some(why) = answer.why.take() else { return };
        if let Some(wait) = answer.wait {
            let is_banned = answer.guesses && self.may_be_banned(now, peer.address.ip());
            let wait = if is_banned { self.endpoint.bans.time() } else { wait };
            let seconds = wait.as_millis().div_ceil(1_000);
            answer.headers.push(("Retry-After".to_owned(), seconds.to_string()));
        }
        answer.headers.push(warning(399, &self.settings.domain, &why.told));
        if self.refusals_told.allows(now, REFUSAL_TOLD_INTERVAL, REFUSAL_TOLD_BURST) {
            tracing::info!(
                source = %peer.address,
                request = request.method().as_str(),
                account = %Hidden::party(&printable(&why.account, ACCOUNT_CHARS_MAX)),
                status = answer.code,
                reason = %Hidden::sentence(&why.known),
                remedy = why.remedy,
                "refused"
            );
        }
    }

    /// Too many wrong passwords came from a host.
    pub(super) fn note_guesses(&mut self, now: Instant, peer: Peer, guesses: bool) {
        if guesses {
            let reason = "it brought too many wrong passwords".to_owned();
            self.offended(now, peer, Offence::WrongPasswords, reason);
        }
    }

    /// Whether too many wrong passwords ban a host, rather than lock it out.
    fn may_be_banned(&self, now: Instant, ip: IpAddr) -> bool {
        !self.endpoint.bans.time().is_zero() && !self.is_never_banned(now, Network::of(ip))
    }

    /// A SUBSCRIBE: of telephones that are registered, for their waiting messages.
    pub(super) fn subscribe(&mut self, now: Now, transaction: TransactionId, request: &Request, peer: Peer) {
        let account = self.registrar.owner_at(peer, &request.from().uri.user());
        let agent = self.snapshot.source(peer.address).and_then(|source| match source {
            Source::Agent(agent) => Some(agent.id.clone()),
            Source::Trunk(_) => None,
        });
        let Some(account) = account.map(|(name, _)| name.to_owned()).or(agent) else {
            let why =
                warning(399, &self.settings.domain, &"only telephones of agents hear of waiting messages");
            let out = &mut self.sip_actions;
            return self.endpoint.respond(now.instant, transaction, 403, "", &[why], None, out);
        };
        let own_tag = self.endpoint.own_tag(transaction).unwrap_or_default().to_owned();
        let answer = self.messages_waiting.subscribe(now.instant, &account, request, peer, &own_tag);
        let out = &mut self.sip_actions;
        self.endpoint.respond(now.instant, transaction, answer.code, "", &answer.headers, None, out);
        if let Some(notify) = answer.notify {
            self.notify(now.instant, notify);
        }
    }

    fn notify(&mut self, now: Instant, notify: Notify) {
        let tag = notify.from.tag().unwrap_or_default().into();
        let outside = Outside {
            method: rsip::Method::Notify.into(),
            listener: notify.peer.listener,
            destination: notify.peer.address,
            transport: notify.peer.transport,
            connection: notify.peer.connection,
            request_uri: notify.request_uri,
            routes: notify.routes,
            from: notify.from,
            to: notify.to,
            call_id: Some(notify.call_id.into()),
            cseq: notify.cseq,
            contact_user: Some(notify.contact_user),
            headers: notify.headers,
            body: Some(Body {
                content_type: "application/simple-message-summary".to_owned(),
                bytes: notify.body.into(),
            }),
            account: None,
        };
        let transaction = self.endpoint.send_outside(now, outside, &mut self.sip_actions);
        self.notifies.insert(transaction, tag);
    }

    /// An INVITE or a REGISTER of one who is not known, and may show who it is.
    pub(super) fn knocked(&mut self, now: Now, request: Request, peer: Peer) {
        if self.snapshot.awaits_database || !self.registrar.has_challenged(&request, peer) {
            let asked = if self.snapshot.awaits_database {
                Err(Answer::later(NOTHING_LOADED))
            } else {
                self.registrar.authenticate(now.instant, &request, peer)
            };
            if let Err(mut answer) = asked {
                self.say_why(now.instant, &request, peer, &mut answer);
                let Answer { code, reason, mut headers, guesses, .. } = answer;
                if request.is(rsip::Method::Invite) && code != 401 {
                    headers.push(("Reason".to_owned(), q850(cause_of(code))));
                }
                let out = &mut self.sip_actions;
                self.endpoint.answer_apart(now.instant, peer, &request, code, reason, &headers, out);
                return self.note_guesses(now.instant, peer, guesses);
            }
        }
        self.endpoint.take_in(now.instant, peer, request, &mut self.sip_actions);
    }

    /// Whose an INVITE is: by the certificate of its stream, by its address, by what is registered from there, or by the
    /// credentials it brings. `Err` where it first has to show that.
    pub(super) fn source_of<'s>(
        &mut self,
        now: Instant,
        snapshot: &'s Snapshot,
        request: &Request,
        peer: Peer,
    ) -> Result<Option<Source<'s>>, Answer> {
        if snapshot.trunks.is_empty() {
            // Contract.
            return Ok(None);
        }
        let registered = || {
            let (_, owner) = self.registrar.owner_at(peer, &request.from().uri.user())?;
            snapshot.owned_by(owner)
        };
        let has_us = || {
            let id = self.trunks.registered_at(now, peer.address.ip())?;
            snapshot.owned_by(&Owner::Trunk(id.to_owned()))
        };
        let certified = trunk_of(snapshot, &self.certified, peer.connection).map(Source::Trunk);
        let source = certified.or_else(|| snapshot.source(peer.address)).or_else(registered).or_else(has_us);
        let has_to_show = match source {
            Some(Source::Trunk(trunk)) => trunk.authenticate,
            Some(Source::Agent(_)) => false,
            None => snapshot.takes_credentials(),
        };
        if !has_to_show {
            return Ok(source);
        }
        let (account, owner) = self.registrar.authenticate(now, request, peer)?;
        match source {
            // Another's password opens nothing.
            Some(Source::Trunk(trunk)) if !matches!(&owner, Owner::Trunk(id) if *id == trunk.id) => {
                Err(Answer::not_theirs(&trunk.id, account))
            }
            _ => Ok(snapshot.owned_by(&owner)),
        }
    }

    /// Whether requests that come from there are listened to.
    pub(super) fn is_admitted(&self, now: Instant, transport: Transport, address: SocketAddr) -> bool {
        self.snapshot.source(address).is_some()
            || self.registrar.knows(transport, address)
            || self.trunks.registered_at(now, address.ip()).is_some()
    }

    /// The same of a peer that may have shown who it is by the certificate of its stream.
    pub(super) fn is_known(&self, now: Instant, peer: Peer) -> bool {
        trunk_of(&self.snapshot, &self.certified, peer.connection).is_some()
            || self.is_admitted(now, peer.transport, peer.address)
    }

    /// Whether requests over that stream from that address are listened to.
    pub(super) fn may_stream(&self, connection: ConnectionId, peer: SocketAddr) -> bool {
        may_stream(&self.snapshot, &self.certified, connection, peer)
    }

    /// Lets a stream in whose host has us registered: it may have been opened before that, and stays over reloads.
    pub(super) fn admit_registrar(&mut self, now: Instant, connection: ConnectionId) {
        let Some((_, _, peer)) = self.endpoint.peer_of(connection) else { return };
        if self.trunks.registered_at(now, peer.ip()).is_some() {
            self.endpoint.set_admitted(connection, true);
        }
    }

    /// Those streams are let in no more, unless their host is known otherwise.
    fn shut_out(&mut self, connections: Vec<ConnectionId>) {
        for connection in connections {
            let Some((_, transport, peer)) = self.endpoint.peer_of(connection) else { continue };
            let admitted = self.may_stream(connection, peer) || self.registrar.knows(transport, peer);
            self.endpoint.set_admitted(connection, admitted);
        }
    }

    /// How the trunks are, by id.
    pub fn trunks(&self, now: Instant) -> Vec<TrunkStatus> {
        self.trunks.statuses(now)
    }

    /// Whether we register with a trunk of that id.
    pub fn registers_with(&self, trunk: &str) -> bool {
        self.trunks.registers(trunk)
    }

    /// Whether registrations that are taken back wait for their answers.
    pub fn is_leaving(&self) -> bool {
        self.trunks.is_leaving()
    }

    /// What is registered with us: up to `limit` behind that place, those of one account where it is named.
    pub fn registrations(&self, behind: (&str, u64), account: Option<&str>, limit: usize) -> Vec<Listed> {
        self.registrar.list(behind, account, limit)
    }

    pub fn has_registration(&self, account: &str, binding: u64) -> bool {
        self.registrar.has(account, binding)
    }

    pub(super) fn unbind(&mut self, account: &str, binding: u64) {
        let gone = self.registrar.remove(account, binding);
        self.shut_out(gone);
    }

    pub fn account_figures(&self) -> AccountFigures {
        AccountFigures {
            bindings: self.registrar.bindings(),
            subscriptions: self.messages_waiting.len(),
            registrar: *self.registrar.counters(),
            digest: *self.registrar.digest_counters(),
        }
    }
}

/// The names of the certificates of streams.
pub(super) type Certified = HashMap<ConnectionId, Arc<[String]>>;

fn may_stream(
    snapshot: &Snapshot,
    certified: &Certified,
    connection: ConnectionId,
    peer: SocketAddr,
) -> bool {
    trunk_of(snapshot, certified, Some(connection)).is_some()
        || snapshot.source(peer).is_some()
        || snapshot.may_stream(peer.ip())
}

/// The trunk that has one of the names of a stream's certificate.
fn trunk_of<'s>(
    snapshot: &'s Snapshot,
    certified: &Certified,
    connection: Option<ConnectionId>,
) -> Option<&'s Trunk> {
    snapshot.trunk_named(certified.get(&connection?)?)
}
