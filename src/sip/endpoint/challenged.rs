//! Challenges to our requests (RFC 3261 22.2): the same request once more, with credentials, where it has an account.
//!
//! A challenge is answered only to the host that the request went to, and for the realm of its account: whoever sits behind
//! a peer learns nothing of the password by challenging too. Nor by its Contact, where a dialog's requests go that no proxy
//! keeps: they have credentials only for a host of the account's peer.

use super::compose::borrowed;
use super::tables::{Again, Hop, OutsideContent, Purpose, Repeat, WithinContent};
use super::{Action, Endpoint};
use crate::clock::Instant;
use crate::sip::dialog::{Dialog, DialogState, GivingUp, Phase, SentInvite, next_hop};
use crate::sip::digest::{Account, Attempt, Rejection, Session};
use crate::sip::limits::DIGEST_SESSIONS_MAX;
use crate::sip::message::{HeaderName, Response};
use crate::sip::{DialogId, Peer, TransactionId};
use std::sync::Arc;

/// Name and value of a header with credentials.
pub(super) type Authorization = (&'static str, String);

impl Endpoint {
    /// Sends a challenged request once more. `Err` where that is not possible: with the reason where it had an account.
    pub(super) fn answer_challenge(
        &mut self,
        now: Instant,
        id: TransactionId,
        peer: Peer,
        response: &Response,
        actions: &mut Vec<Action>,
    ) -> Result<(), Option<Rejection>> {
        let (by_proxy, name) = match response.code() {
            401 => (false, HeaderName::WwwAuthenticate),
            407 => (true, HeaderName::ProxyAuthenticate),
            _ => return Err(None),
        };
        let owner = self.clients.by_id.get_mut(&id).ok_or(None)?;
        let mut again = owner.again.take().ok_or(None)?;
        let (purpose, hop) = (owner.purpose, owner.hop.clone());
        if peer.address.ip().to_canonical() != hop.destination.ip().to_canonical() {
            self.counters.challenges_refused += 1;
            return Err(Some(Rejection::OtherRealm));
        }
        let state = match &again.content {
            Repeat::Within(_) => Some(self.living_state(purpose).ok_or(None)?),
            Repeat::Outside(_) if !self.is_wanted(purpose) => return Err(None),
            Repeat::Outside(_) => None,
        };
        let (method, uri) = match (&again.content, &state) {
            (Repeat::Outside(content), _) => (content.method.clone(), content.uri.clone()),
            (Repeat::Within(content), Some(state)) => (content.method.clone(), next_hop(state).request_uri),
            (Repeat::Within(_), None) => return Err(None),
        };
        self.digest_session(&again.account);
        let Some((_, session)) = self.digests.get_mut(&again.account.owner) else { return Err(None) };
        let (account, attempt) = (again.account.clone(), &mut again.attempt);
        let values = response.head().all(name, "");
        let answer = session.on_challenge(
            &account,
            attempt,
            by_proxy,
            values,
            method.as_str(),
            uri.as_str(),
            &mut self.random,
        );
        let authorization = answer.map_err(|rejection| {
            self.counters.challenges_refused += 1;
            Some(rejection)
        })?;
        self.counters.challenges_answered += 1;
        self.set_aside(id);
        let Again { account, attempt, content } = *again;
        let again = Some((account, attempt));
        match (content, state) {
            (Repeat::Outside(mut content), _) => {
                content.cseq += 1;
                let purpose = match purpose {
                    Purpose::Outside { .. } => Purpose::Outside { cseq: content.cseq },
                    other => other,
                };
                self.start_outside(now, id, purpose, hop, *content, again, Some(authorization), actions);
            }
            (Repeat::Within(content), Some(state)) => {
                self.start_within(now, id, purpose, state, content, again, Some(authorization), actions);
            }
            (Repeat::Within(_), None) => {}
        }
        Ok(())
    }

    /// Says with what challenges to our requests in a dialog are answered.
    pub fn set_account(&mut self, dialog: DialogId, account: Option<Arc<Account>>) {
        if let Some(owner) = self.dialogs.by_id.get_mut(&dialog) {
            owner.account = account;
        }
    }

    /// Credentials for a request beside the INVITE of a dialog, to which nobody waits for an answer: by what is known
    /// already, for a challenge to it is not answered.
    pub(super) fn authorize_aside(
        &mut self,
        dialog: DialogId,
        method: &str,
        state: &DialogState,
    ) -> Option<Authorization> {
        let account = self.dialogs.by_id.get(&dialog)?.account.clone()?;
        if !self.goes_to_owner(state, &account) {
            return None;
        }
        let uri = next_hop(state).request_uri;
        self.authorize(&account, &mut Attempt::default(), method, uri.as_str())
    }

    /// Credentials for a request by what is known of the peer already.
    pub(super) fn authorize(
        &mut self,
        account: &Arc<Account>,
        attempt: &mut Attempt,
        method: &str,
        uri: &str,
    ) -> Option<Authorization> {
        self.digest_session(account);
        let (_, session) = self.digests.get_mut(&account.owner)?;
        session.authorize(account, attempt, method, uri)
    }

    /// Makes sure that there is a session for the account as it is now: one that changed begins anew.
    fn digest_session(&mut self, account: &Arc<Account>) {
        if self.digests.get(&account.owner).is_some_and(|(known, _)| *known == *account) {
            return;
        }
        if self.digests.len() >= DIGEST_SESSIONS_MAX {
            self.digests.clear();
        }
        self.digests.insert(account.owner.clone(), (account.clone(), Session::new(account)));
    }

    /// Sends a request that belongs to no dialog, or begins one.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    pub(super) fn start_outside(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: Purpose,
        hop: Hop,
        content: OutsideContent,
        again: Option<(Arc<Account>, Attempt)>,
        authorization: Option<Authorization>,
        actions: &mut Vec<Action>,
    ) {
        let (mut again, mut authorization) = (again, authorization);
        if let (Some((account, attempt)), None) = (&mut again, &authorization) {
            authorization = self.authorize(account, attempt, content.method.as_str(), content.uri.as_str());
        }
        let prepared = self.prepare_outside(hop, &content, authorization.as_ref());
        if content.method == rsip::Method::Invite {
            let sent = SentInvite {
                uri: prepared.uri.clone(),
                local_tag: content.local_tag.clone(),
                via: prepared.via.clone(),
                from: content.from.clone(),
                to: content.to.clone(),
                call_id: content.call_id.clone(),
                cseq: content.cseq,
                routes: content.routes.clone(),
                contact_user: content.contact_user.clone().unwrap_or_default(),
                credentials: authorization,
            };
            self.start_invite(now, id, purpose, prepared, sent, actions);
        } else {
            self.start_prepared(now, id, purpose, content.method.clone(), prepared, actions);
        }
        self.keep_for_challenge(id, again, Repeat::Outside(Box::new(content)));
    }

    /// Sends a request of a dialog, with its next number.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    pub(super) fn start_within(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: Purpose,
        mut state: DialogState,
        content: WithinContent,
        again: Option<(Arc<Account>, Attempt)>,
        authorization: Option<Authorization>,
        actions: &mut Vec<Action>,
    ) {
        let mut again = again.filter(|(account, _)| self.goes_to_owner(&state, account));
        let mut authorization = authorization.filter(|_| again.is_some());
        if let (Some((account, attempt)), None) = (&mut again, &authorization) {
            let uri = next_hop(&state).request_uri;
            authorization = self.authorize(account, attempt, content.method.as_str(), uri.as_str());
        }
        let WithinContent { method, headers, body } = &content;
        let mut extra = borrowed(headers);
        extra.extend(authorization.as_ref().map(|(name, value)| (*name, value.as_str())));
        let prepared = self.prepare_within(&mut state, method.as_str(), &extra, body.as_ref());
        if let Purpose::Within(dialog) | Purpose::End(dialog) = purpose
            && let Some(kept) = self.dialogs.by_id.get_mut(&dialog).and_then(Dialog::state_mut)
        {
            kept.local_cseq = state.local_cseq;
        }
        if *method == rsip::Method::Invite {
            let sent = SentInvite {
                uri: prepared.uri.clone(),
                local_tag: state.local_tag,
                via: prepared.via.clone(),
                from: state.local,
                to: state.remote,
                call_id: state.call_id,
                cseq: state.local_cseq,
                routes: prepared.routes.clone(),
                contact_user: state.contact_user,
                credentials: authorization,
            };
            self.start_invite(now, id, purpose, prepared, sent, actions);
        } else {
            self.start_prepared(now, id, purpose, method.clone(), prepared, actions);
        }
        self.keep_for_challenge(id, again, Repeat::Within(content));
    }

    /// Credentials for the ACK of a 2xx, those of its INVITE.
    pub(super) fn credentials_of_ack(
        &self,
        dialog: DialogId,
        state: &DialogState,
        of_invite: Option<Authorization>,
    ) -> Option<Authorization> {
        let account = self.dialogs.by_id.get(&dialog)?.account.as_ref()?;
        of_invite.filter(|_| self.goes_to_owner(state, account))
    }

    /// Whether a request of a dialog goes to the host that was dialled, to the one that began it, or to another one of the
    /// account's peer. A forged INVITE may name any host as its Contact, whose owner would see our credentials.
    fn goes_to_owner(&self, state: &DialogState, account: &Account) -> bool {
        let to = self.hop_within(state, &next_hop(state)).destination.ip().to_canonical();
        let is_dialled = state.dialled.is_some_and(|dialled| dialled.to_canonical() == to);
        let has_begun = !state.began && state.peer.address.ip().to_canonical() == to;
        is_dialled || has_begun || account.hosts.iter().any(|range| range.contains(&to))
    }

    /// What it takes to send a request once more, where it has an account.
    fn keep_for_challenge(
        &mut self,
        id: TransactionId,
        again: Option<(Arc<Account>, Attempt)>,
        content: Repeat,
    ) {
        if let (Some((account, attempt)), Some(owner)) = (again, self.clients.by_id.get_mut(&id)) {
            owner.again = Some(Box::new(Again { account, attempt, content }));
        }
    }

    /// A request that was answered makes room for the one that follows it under its id. It stays for what comes again.
    fn set_aside(&mut self, id: TransactionId) {
        let Some(mut old) = self.clients.by_id.remove(&id) else { return };
        self.forget_client_of(old.hop.connection, id);
        let aside = self.next_transaction_id();
        old.purpose = Purpose::Aside;
        old.scheduled = None;
        self.clients.by_key.insert(old.key.clone(), aside);
        self.clients.by_id.insert(aside, old);
        self.arm_client(aside);
    }

    /// The INVITE was not given up meanwhile.
    pub(super) fn is_wanted(&self, purpose: Purpose) -> bool {
        let Purpose::Begin(dialog) = purpose else { return true };
        self.dialogs.by_id.get(&dialog).is_some_and(|owner| {
            matches!(&owner.phase, Phase::Outgoing(outgoing) if matches!(outgoing.giving_up, GivingUp::No))
        })
    }

    /// The dialog of a request that is still of use in it.
    fn living_state(&self, purpose: Purpose) -> Option<DialogState> {
        let of = |dialog: DialogId| self.dialogs.by_id.get(&dialog);
        match purpose {
            Purpose::Within(dialog) => match &of(dialog)?.phase {
                Phase::Established(established) if established.hangup.is_none() => {
                    Some(established.state.clone())
                }
                _ => None,
            },
            Purpose::End(dialog) => match &of(dialog)?.phase {
                Phase::Ending { state } => Some((**state).clone()),
                _ => None,
            },
            _ => None,
        }
    }
}
