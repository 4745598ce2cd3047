//! Which ways lead to whom the flow dials: an agent's telephones, the trunks to a number, an address.

use super::media_leg::MediaTerms;
use super::snapshot::{Snapshot, Trunk};
use super::transfer::takes_transfer;
use super::trunk::{FINAL, FailOver, Trunks};
use crate::clock::Instant;
use crate::flow::DialTarget;
use crate::registrar::{Binding, Owner, Registrar};
use crate::sip::digest::Account;
use crate::sip::locate::Destination;
use crate::sip::message::SipUri;
use crate::sip::{Peer, Transport};
use std::collections::VecDeque;
use std::sync::Arc;

/// Where a target is rung: the ways of a group at once, the groups one after the other.
pub(super) struct Plan {
    /// For people: the agent's id, the number or the URI.
    pub name: String,
    pub groups: VecDeque<Vec<Way>>,
}

/// One INVITE to be.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub request_uri: SipUri,
    /// Whom To names, where that is not the Request-URI: a PBX that registered is reached by its Contact, and reads there
    /// which number was dialled.
    pub called: Option<SipUri>,
    /// Values of Route.
    pub routes: Vec<Box<str>>,
    pub to: Place,
    /// The id of the trunk it goes over.
    pub trunk: Option<String>,
    pub media: MediaTerms,
    pub account: Option<Arc<Account>>,
    /// After which codes the next group is tried.
    pub fail_over: FailOver,
}

/// Where an INVITE is sent.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Host(Destination),
    /// Back where a telephone registered from, over the stream that it opened.
    Flow(Peer),
}

/// What tells the ways.
pub(super) struct Guides<'a> {
    pub now: Instant,
    pub snapshot: &'a Snapshot,
    pub registrar: &'a Registrar,
    pub trunks: &'a Trunks,
    /// Only trunks that take transfers to the number are ways.
    pub is_transfer: bool,
    /// Of our own addresses.
    pub domain: &'a str,
}

impl Guides<'_> {
    /// The ways to a target, or why there is none.
    pub fn plan(&self, target: DialTarget) -> Result<Plan, String> {
        match target {
            DialTarget::User(id) => self.to_agent(id),
            DialTarget::Sip(uri) => {
                let way = to_uri(&uri)?;
                Ok(Plan { name: uri, groups: [vec![way]].into() })
            }
            DialTarget::Number(number) => self.to_number(number),
        }
    }

    /// An agent's fixed endpoint, else the telephones that are registered, by their preference (`q`, RFC 3261 16.6).
    fn to_agent(&self, id: String) -> Result<Plan, String> {
        let agent = self.snapshot.agents.get(&id).ok_or_else(|| format!("there is no agent \"{id}\""))?;
        if let Some(uri) = &agent.uri {
            let way = to_uri(uri)?;
            return Ok(Plan { name: id, groups: [vec![way]].into() });
        }
        let mut groups: VecDeque<Vec<Way>> = VecDeque::new();
        let mut last = None;
        for binding in self.registrar.bindings_of(&id) {
            let way = to_binding(binding);
            match groups.back_mut().filter(|_| last == Some(binding.q)) {
                Some(group) => group.push(way),
                None => groups.push_back(vec![way]),
            }
            last = Some(binding.q);
        }
        if groups.is_empty() {
            let why = if agent.password.is_some() { "is not registered" } else { "has no endpoint" };
            return Err(format!("the agent \"{id}\" {why}"));
        }
        Ok(Plan { name: id, groups })
    }

    /// The trunks that calls go out over, in their order, without those that are down.
    fn to_number(&self, number: String) -> Result<Plan, String> {
        let mut trunks: Vec<&Trunk> = self.snapshot.outgoing_trunks();
        if trunks.is_empty() {
            return Err("no trunk has a host that calls go out to".to_owned());
        }
        trunks.retain(|trunk| !self.is_transfer || takes_transfer(trunk, &number));
        if trunks.is_empty() {
            return Err(format!("no trunk takes transfers to {number}: see transfer_to"));
        }
        let mut down = Vec::new();
        trunks.retain(|trunk| {
            let why = self.trunks.why_unusable(self.now, &trunk.id);
            down.extend(why.as_ref().map(|why| format!("the trunk \"{}\" ({why})", trunk.id)));
            why.is_none()
        });
        if trunks.is_empty() {
            return Err(format!("all trunks that calls go out over are down: {}", down.join(", ")));
        }
        let is_somewhere = |trunk: &&Trunk| trunk.host.is_some() || !self.bindings_of(trunk).is_empty();
        trunks.retain(is_somewhere);
        if trunks.is_empty() {
            return Err("no trunk that calls go out over has registered".to_owned());
        }
        let ways = trunks.into_iter().flat_map(|trunk| self.over_trunk(&number, trunk));
        let groups: VecDeque<Vec<Way>> = ways.map(|way| vec![way]).collect();
        if groups.is_empty() {
            return Err(format!("\"{number}\" is no number"));
        }
        Ok(Plan { name: number, groups })
    }

    /// To its host, else to each place where it has registered, one after the other.
    fn over_trunk(&self, number: &str, trunk: &Trunk) -> Vec<Way> {
        let user = trunk.numbers.dial(number);
        if let Some(host) = &trunk.host {
            return to_host(&user, trunk, host).into_iter().collect();
        }
        let Some(called) = SipUri::sip(&user, self.domain, None) else { return Vec::new() };
        let over = |binding: &Binding| Way {
            called: Some(called.clone()),
            trunk: Some(trunk.id.clone()),
            media: trunk.media.clone(),
            fail_over: trunk.fail_over.clone(),
            ..to_binding(binding)
        };
        self.bindings_of(trunk).into_iter().map(over).collect()
    }

    /// Where a trunk has registered, where calls go out to that.
    fn bindings_of(&self, trunk: &Trunk) -> Vec<&Binding> {
        match trunk.account().filter(|_| trunk.dial_registered) {
            Some((name, _)) => self.registrar.bindings_owned(name, &Owner::Trunk(trunk.id.clone())),
            None => Vec::new(),
        }
    }
}

/// The way to a user at the host of a trunk; none where no address can be made of it.
pub(super) fn to_host(user: &str, trunk: &Trunk, host: &Destination) -> Option<Way> {
    Some(Way {
        request_uri: uri_at(user, host)?,
        called: None,
        routes: Vec::new(),
        to: Place::Host(host.clone()),
        trunk: Some(trunk.id.clone()),
        media: trunk.media.clone(),
        account: trunk.own_account(),
        fail_over: trunk.fail_over.clone(),
    })
}

/// By the Contact that registered, over the way that it came. No challenge is answered there: who registers has a password,
/// and asks for none.
fn to_binding(binding: &Binding) -> Way {
    Way {
        request_uri: binding.contact.uri.clone(),
        called: None,
        routes: binding.path.clone(),
        to: Place::Flow(binding.peer),
        trunk: None,
        media: MediaTerms::default(),
        account: None,
        fail_over: FailOver::Usual,
    }
}

/// A user at a trunk's host, with the transport where that is named.
pub(super) fn uri_at(user: &str, host: &Destination) -> Option<SipUri> {
    let plain = SipUri::sip(user, &host.host.to_string(), host.port)?;
    if host.sips {
        return SipUri::parse(&plain.as_str().replacen("sip:", "sips:", 1));
    }
    let parameter = host.transport.map_or("", Transport::parameter);
    SipUri::parse(&format!("{plain}{parameter}"))
}

fn to_uri(text: &str) -> Result<Way, String> {
    let request_uri = SipUri::parse(text).ok_or_else(|| format!("\"{text}\" is no SIP URI"))?;
    let destination = Destination::of(&request_uri)
        .ok_or_else(|| format!("\"{text}\" cannot be sent to by this version"))?;
    let (routes, to) = (Vec::new(), Place::Host(destination));
    let (media, fail_over) = (MediaTerms::default(), FailOver::Usual);
    Ok(Way { request_uri, called: None, routes, to, trunk: None, media, account: None, fail_over })
}

/// Which of two failures of a group is told: that of a person before that of a machine (RFC 3261 16.7 step 6).
pub(super) fn better(one: Option<u16>, other: Option<u16>) -> Option<u16> {
    let rank = |code: &u16| match *code {
        600.. => 0,
        code if FINAL.contains(&code) => 1,
        401 | 407 | 415 | 420 | 484 => 3,
        400..=499 if *code != 408 => 2,
        300..=399 => 4,
        _ => 5,
    };
    [one, other].into_iter().flatten().min_by_key(rank)
}
