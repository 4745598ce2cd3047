//! Where transfers lead, and what of them concerns two calls: a REFER that joins them, and an INVITE that takes the place of
//! a leg (RFC 3891).
//!
//! No host that a REFER names is ever sent to: its user part is looked up as whom we know ourselves.

use super::Action;
use super::b2bua::{Call, NewHome, Order, Successor, refuse};
use super::media_leg::MediaLeg;
use super::route::{Start, route};
use super::snapshot::{Answers, Snapshot, Source, Trunk};
use super::switchboard::Switchboard;
use crate::clock::Now;
use crate::flow::{DialId, DialTarget, FlowVersion, Party, is_number};
use crate::ids::CallId;
use crate::registrar::Registrar;
use crate::sip::endpoint::Standing;
use crate::sip::message::{Request, SipUri};
use crate::sip::refer::{ReferTo, Replaces};
use crate::sip::{DialogId, Peer, TransactionId};
use std::net::IpAddr;
use std::sync::Arc;

/// Why a transfer is turned down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refused {
    pub code: u16,
    pub why: String,
}

impl Refused {
    pub fn new(code: u16, why: impl Into<String>) -> Self {
        Refused { code, why: why.into() }
    }
}

/// Where a transfer leads.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Where {
    Party(DialTarget),
    Flow(FlowVersion),
}

/// A leg on its way from one call to another.
pub(super) struct Moved {
    /// Its number in the new call.
    pub dial: DialId,
    pub dialog: DialogId,
    pub media: MediaLeg,
    /// What its peer is offered there.
    pub offer: String,
    pub name: String,
    pub peer: IpAddr,
    /// The agent that it is, who goes on to talk.
    pub agent: Option<String>,
    /// The trunk that counts it as a call out.
    pub trunk: Option<String>,
}

impl Moved {
    pub fn new(dial: DialId, dialog: DialogId, media: MediaLeg, offer: String) -> Self {
        let (name, peer) = (String::new(), IpAddr::from([0, 0, 0, 0]));
        Moved { dial, dialog, media, offer, name, peer, agent: None, trunk: None }
    }
}

impl Switchboard {
    /// A REFER inside a dialog of a call.
    pub(super) fn refer(
        &mut self,
        now: Now,
        (id, party): (CallId, Party),
        transaction: TransactionId,
        request: &Arc<Request>,
        actions: &mut Vec<Action>,
    ) {
        let by = self.calls.get(&id).map(|call| call.may_transfer(party));
        let Some(by) = by else { return };
        let order = |by| Order { by, transaction, request };
        let mut decline = |refused: Refused, switchboard: &mut Self| {
            switchboard.with_call(id, now, actions, |call, context| {
                refuse(call, party, &order(DialId(0)), &refused, context);
            });
        };
        let by = match by {
            Ok(by) => by,
            Err(refused) => return decline(refused, self),
        };
        let to = match ReferTo::of(request) {
            Ok(to) => to,
            Err(why) => return decline(Refused::new(400, why), self),
        };
        let named = to.replaces.as_ref().and_then(|replaces| self.endpoint.find_replaced(replaces));
        let named = named.and_then(|(dialog, _)| self.index.dialogs.get(&dialog).copied());
        let outcome = match named {
            Some((other, _)) if other == id => {
                Err(Refused::new(403, "it names the dialog of this call itself"))
            }
            Some((other, of)) => self.join(now, id, other, of, &order(by), actions),
            None => self.find_target(id, &to).map(|whereto| {
                let headers = headers_of(request, &to);
                self.with_call(id, now, actions, |call, context| {
                    call.transfer_to(&order(by), whereto, headers, context);
                });
            }),
        };
        if let Err(refused) = outcome {
            self.with_call(id, now, actions, |call, context| {
                refuse(call, party, &order(by), &refused, context);
            });
        }
    }

    /// The party of another call that the sender of the REFER talks with there comes into this call, and the other ends.
    fn join(
        &mut self,
        now: Now,
        id: CallId,
        other: CallId,
        of: Party,
        order: &Order<'_>,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refused> {
        let gone = || Refused::new(481, "the call that the transfer names is over");
        let home = self.calls.get_mut(&id).and_then(|call| {
            let thread = call.caller_media().thread;
            Some(NewHome { call: id, dial: call.new_dial()?, thread })
        });
        let home = home.ok_or_else(gone)?;
        let mut released = Err(gone());
        self.with_call(other, now, actions, |call, context| {
            released = call.release_partner(of, home, context);
        });
        let moved = released?;
        // Before the other call ends, so that the dialog is this one's.
        self.with_call(id, now, actions, |call, context| call.take_over(order, moved, context));
        self.with_call(other, now, actions, Call::end_joined);
        Ok(())
    }

    /// An INVITE that is to take the place of a dialog of ours (RFC 3891 section 3); none where it is a call like any other.
    pub(super) fn take_place(
        &mut self,
        now: Now,
        dialog: DialogId,
        source: Source<'_>,
        request: &Arc<Request>,
        peer: Peer,
        actions: &mut Vec<Action>,
    ) -> Option<Result<(), Refused>> {
        let replaces = match Replaces::of(request)? {
            Ok(replaces) => replaces,
            Err(why) => return Some(Err(Refused::new(400, why))),
        };
        let found = self.endpoint.find_replaced(&replaces);
        let found = found.and_then(|(old, standing)| Some((standing, *self.index.dialogs.get(&old)?)));
        let (id, party) = match found {
            Some((Standing::Established, _)) if replaces.early_only => {
                return Some(Err(Refused::new(
                    486,
                    "the call whose place it is to take was answered already",
                )));
            }
            Some((Standing::Established, of)) => of,
            Some((Standing::Over, _)) => {
                return Some(Err(Refused::new(603, "the call whose place it is to take is over")));
            }
            Some((Standing::Early, _)) | None => {
                return Some(Err(Refused::new(481, "the call whose place it is to take is not known")));
            }
        };
        let mut taken = Err(Refused::new(481, "the call whose place it is to take is over"));
        self.with_call(id, now, actions, |call, context| {
            let successor = Successor { dialog, request, peer, source };
            taken = call.take_successor(party, &successor, context);
        });
        Some(taken)
    }

    fn find_target(&self, id: CallId, to: &ReferTo) -> Result<Where, Refused> {
        let call = self.calls.get(&id).ok_or_else(|| Refused::new(481, "the call is over"))?;
        let snapshot = call.snapshot();
        whom(&to.uri, &call.facts().from, &snapshot, &self.registrar)
    }
}

/// What the party that is rung is told of a transfer.
fn headers_of(request: &Request, to: &ReferTo) -> Vec<(String, String)> {
    let replaces = to.replaces.as_ref().map(|replaces| ("Replaces".to_owned(), replaces.to_string()));
    let by = request.header("Referred-By").map(|by| ("Referred-By".to_owned(), by.to_owned()));
    replaces.into_iter().chain(by).collect()
}

/// Whom the user part of an address means: an agent, a Smart Number, or a number that may be transferred to.
fn whom(uri: &SipUri, caller: &str, snapshot: &Snapshot, registrar: &Registrar) -> Result<Where, Refused> {
    let user = uri.user();
    let agent = |id: &str| Where::Party(DialTarget::User(id.to_owned()));
    if snapshot.agents.contains_key(&user) {
        return Ok(agent(&user));
    }
    // A telephone names another by its address, as that one's Contact says it.
    let is_at = |id: &str, own: Option<&String>| {
        let own = own.and_then(|text| SipUri::parse(text));
        let registered = registrar.bindings_of(id).into_iter().map(|binding| &binding.contact.uri);
        own.iter().chain(registered).any(|known| known == uri)
    };
    if let Some(known) = snapshot.agents.values().find(|known| is_at(&known.id, known.uri.as_ref())) {
        return Ok(agent(&known.id));
    }
    if snapshot.numbers.find(&user).is_some() {
        let route = route(snapshot, None, &user, caller)
            .map_err(|error| Refused::new(error.sip_code(), error.to_string()))?;
        return match (&route.number.answers, route.start) {
            (Answers::Agent(id), _) => Ok(agent(id)),
            (_, Start::Flow(flow)) => Ok(Where::Flow(flow.clone())),
            _ => {
                Err(Refused::new(404, format!("the Smart Number {user} leads to no call flow and no agent")))
            }
        };
    }
    let number: String = user.chars().filter(|c| !"-.() ".contains(*c)).collect();
    if !is_number(&number) {
        return Err(Refused::new(404, format!("there is no agent and no Smart Number \"{user}\"")));
    }
    let takes = |trunk: &&Trunk| takes_transfer(trunk, &number);
    if snapshot.outgoing_trunks().iter().any(takes) {
        return Ok(Where::Party(DialTarget::Number(number)));
    }
    Err(Refused::new(403, format!("no trunk takes transfers to {number}: see transfer_to")))
}

/// Whether calls may be transferred to a number over a trunk.
pub(super) fn takes_transfer(trunk: &Trunk, number: &str) -> bool {
    trunk.transfer_to.contains(trunk.numbers.read(number).best())
}
