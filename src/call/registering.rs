//! Who registers, subscribes and shows who it is: the switchboard's part between the registrar and SIP; and the trunks' part.

use super::Action;
use super::message_parts::warning;
use super::snapshot::{NOTHING_LOADED, Snapshot, Source};
use super::switchboard::Switchboard;
use super::trunk::{Hands, TrunkStatus};
use crate::clock::{Instant, Now};
use crate::hidden::Hidden;
use crate::ids::ConnectionId;
use crate::registrar::{Answer, Counters, Notify};
pub use crate::registrar::{Binding, Listed, Owner};
use crate::sip::bans::Offence;
use crate::sip::digest::Counters as DigestCounters;
use crate::sip::endpoint::{self as sip, Body, Doors, Outside, Reply};
use crate::sip::message::Request;
use crate::sip::{Peer, TransactionId};
use std::net::SocketAddr;

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
        let registrar = &self.registrar;
        self.endpoint
            .set_strangers(refusal, |peer| may_stream(&self.snapshot, peer) || registrar.knows(peer));
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
        let answer = if self.snapshot.awaits_database {
            Answer::later()
        } else {
            let before = self.registrar.counters().displaced;
            let answer = self.registrar.register(now.instant, request, peer);
            if self.registrar.counters().displaced > before {
                let account = request.to().uri.user();
                tracing::warn!(
                    source = %peer.address, account = %Hidden::party(&account),
                    "an account has more telephones than are kept: the one that registered first is rung no more"
                );
            }
            answer
        };
        if let (Some(admits), Some(connection)) = (answer.admits, peer.connection) {
            let admitted = admits || may_stream(&self.snapshot, peer.address);
            self.endpoint.set_admitted(connection, admitted);
        }
        if answer.code == 200 && self.endpoint.lift_ban(peer.address.ip()).is_some() {
            tracing::info!(source = %peer.address, "no longer banned: a telephone has registered from there");
        }
        if answer.code == 403 {
            tracing::info!(source = %peer.address, reason = answer.reason, "a registration was refused");
        }
        let Answer { code, reason, headers, moves, guesses, .. } = answer;
        for moved in moves {
            self.endpoint.follow(&moved.contact, moved.from, peer);
        }
        let out = &mut self.sip_actions;
        self.endpoint.respond(now.instant, transaction, code, reason, &headers, None, out);
        self.note_guesses(now.instant, peer, guesses);
    }

    /// Too many wrong passwords came from a host.
    pub(super) fn note_guesses(&mut self, now: Instant, peer: Peer, guesses: bool) {
        if guesses {
            let reason = "it brought too many wrong passwords".to_owned();
            self.offended(now, peer, Offence::WrongPasswords, reason);
        }
    }

    /// A SUBSCRIBE: of telephones that are registered, for their waiting messages.
    pub(super) fn subscribe(&mut self, now: Now, transaction: TransactionId, request: &Request, peer: Peer) {
        let account = self.registrar.owner_at(peer.address, &request.from().uri.user());
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
        let out = &mut self.sip_actions;
        if self.snapshot.awaits_database || !self.registrar.has_challenged(&request, peer) {
            let asked = if self.snapshot.awaits_database {
                Err(Answer::later())
            } else {
                self.registrar.authenticate(now.instant, &request, peer)
            };
            if let Err(answer) = asked {
                let Answer { code, reason, headers, guesses, .. } = answer;
                self.endpoint.answer_apart(now.instant, peer, &request, code, reason, &headers, out);
                return self.note_guesses(now.instant, peer, guesses);
            }
        }
        self.endpoint.take_in(now.instant, peer, request, out);
    }

    /// Whose an INVITE is: by its address, by what is registered from there, or by the credentials it brings. `Err` where it
    /// first has to show that.
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
            let (_, owner) = self.registrar.owner_at(peer.address, &request.from().uri.user())?;
            snapshot.owned_by(owner)
        };
        let has_us = || {
            let id = self.trunks.registered_at(now, peer.address.ip())?;
            snapshot.owned_by(&Owner::Trunk(id.to_owned()))
        };
        let source = snapshot.source(peer.address).or_else(registered).or_else(has_us);
        let has_to_show = match source {
            Some(Source::Trunk(trunk)) => trunk.authenticate,
            Some(Source::Agent(_)) => false,
            None => snapshot.takes_credentials(),
        };
        if !has_to_show {
            return Ok(source);
        }
        let (_, owner) = self.registrar.authenticate(now, request, peer)?;
        match (source, &owner) {
            // Another's password opens nothing.
            (Some(Source::Trunk(trunk)), Owner::Trunk(id)) if trunk.id != *id => Ok(None),
            (Some(Source::Trunk(_)), Owner::Agent(_)) => Ok(None),
            _ => Ok(snapshot.owned_by(&owner)),
        }
    }

    /// Whether requests from that address are listened to.
    pub(super) fn is_admitted(&self, now: Instant, address: SocketAddr) -> bool {
        self.snapshot.source(address).is_some()
            || self.registrar.knows(address)
            || self.trunks.registered_at(now, address.ip()).is_some()
    }

    /// Those streams are let in no more, unless their host is known otherwise.
    fn shut_out(&mut self, connections: Vec<ConnectionId>) {
        for connection in connections {
            let Some((_, _, peer)) = self.endpoint.peer_of(connection) else { continue };
            let admitted = may_stream(&self.snapshot, peer) || self.registrar.knows(peer);
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

/// Whether requests over a stream from that address are listened to.
pub(super) fn may_stream(snapshot: &Snapshot, peer: SocketAddr) -> bool {
    snapshot.source(peer).is_some() || snapshot.may_stream(peer.ip())
}
