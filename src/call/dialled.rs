//! A leg that the flow dialled: whom it rings, and how far it has come.

use super::b2bua::{Call, Context};
use super::index::Index;
use super::live::{LegState, leg_number};
use super::media_leg::MediaLeg;
use super::message_parts::sdp_body;
use super::snapshot::{Host, Snapshot};
use super::{Action, RequestId};
use crate::flow::{CallFacts, CallerIdentity, CancelReason, DialFailure, DialId, DialTarget, Party};
use crate::hidden::Hidden;
use crate::sdp::{Agreed, Refusal};
use crate::sip::cause::{Reason, response_of};
use crate::sip::endpoint::{Failure, Outgoing};
use crate::sip::message::{NameAddr, Response, SipUri};
use crate::sip::{DialogId, ListenerId, Transport};
use std::net::{IpAddr, SocketAddr};

/// The default port of SIP, RFC 3261 section 19.1.2.
const SIP_PORT: u16 = 5060;

/// A leg towards an agent, a number or a URI.
pub(super) struct Dialled {
    pub dial: DialId,
    /// The agent's id, the number or the URI as it was dialled.
    pub name: String,
    /// The agent's id, where an agent was dialled.
    agent: Option<String>,
    /// Whether the agent is counted as talking.
    talking: bool,
    pub stage: Stage,
    pub media: Option<MediaLeg>,
    invite: Invite,
    peer: IpAddr,
}

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// The host is being looked up.
    Resolving(RequestId),
    Inviting(DialogId),
    Answered(DialogId),
    /// Nothing of the dialog is left; the engine may still be closing the media.
    Over,
}

/// What the INVITE says.
struct Invite {
    request_uri: SipUri,
    from: NameAddr,
    tcp: bool,
    max_forwards: u8,
    headers: Vec<(String, String)>,
}

/// Where a target is rung.
struct Destination {
    name: String,
    request_uri: SipUri,
    host: Host,
}

impl Call {
    /// Begins to ring a target; gives the failure where that cannot even begin.
    pub(super) fn dial(
        &mut self,
        dial: DialId,
        target: DialTarget,
        identity: &CallerIdentity,
        ring_busy: bool,
        context: &mut Context<'_>,
    ) -> Option<(DialFailure, Option<u16>)> {
        let snapshot = self.snapshot();
        let agent = if let DialTarget::User(id) = &target { Some(id.clone()) } else { None };
        if !ring_busy && agent.as_ref().is_some_and(|id| context.index.talking.contains_key(id)) {
            tracing::debug!(call = %self.id, %dial, "the agent talks already");
            return Some((DialFailure::Busy, None));
        }
        let Destination { name, request_uri, host } = match destination(&snapshot, target) {
            Ok(destination) => destination,
            Err(message) => {
                tracing::info!(call = %self.id, %dial, message = %Hidden::sentence(&message), "cannot be dialled");
                return Some((DialFailure::Unavailable, None));
            }
        };
        let Some(from) = caller_address(self.facts(), identity, &context.settings.domain) else {
            return Some((DialFailure::Failed, None));
        };
        let Some(max_forwards) = self.hops_left() else {
            tracing::warn!(call = %self.id, %dial, "the call has gone round in a circle, or through too many servers");
            return Some((DialFailure::Failed, Some(483)));
        };
        let thread = self.caller_media().thread;
        let leg = context.index.new_leg(self.id, Party::Dialled(dial));
        let settings = &context.settings.media;
        let media =
            MediaLeg::new(context.now.instant, leg, context.ports, Some(thread), settings, context.random);
        let Some(media) = media else {
            context.index.legs.remove(&leg);
            tracing::warn!(call = %self.id, %dial, "no media port is free for a dialled leg");
            return Some((DialFailure::Failed, Some(503)));
        };
        let request = self.new_request();
        let headers = if agent.is_some() { self.screen_pop() } else { Vec::new() };
        let invite = Invite { request_uri, from, tcp: host.tcp, max_forwards, headers };
        let peer = IpAddr::from([0, 0, 0, 0]);
        let stage = Stage::Resolving(request);
        let mut dialled =
            Dialled { dial, name, agent, talking: false, stage, media: Some(media), invite, peer };
        match host.name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(ip) => {
                let like = self.caller_media().agreed().cloned();
                dialled.send_invite(SocketAddr::new(ip, host.port), like.as_ref(), context);
                context.index.dialogs.extend(dialled.dialog().map(|d| (d, (self.id, Party::Dialled(dial)))));
            }
            Err(_) => context.actions.push(Action::Resolve { request, host: host.name, port: host.port }),
        }
        self.dialled.push(dialled);
        self.tell_leg(dial, LegState::Dialled, context);
        None
    }
}

/// Characters of a name in a header.
const NAME_CHARS_MAX: usize = 100;

impl Call {
    /// What an agent's telephone or its program shows of the caller: the call, and the record that the CRM has. Only
    /// agents get it; whoever else is dialled is a stranger to the CRM.
    fn screen_pop(&self) -> Vec<(String, String)> {
        let mut headers = vec![("X-Cordboard-Call-Id".to_owned(), self.id.to_string())];
        let Some(person) = self.contact() else { return headers };
        let plain =
            |text: &str| text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect::<String>();
        headers.push(("X-Cordboard-Contact".to_owned(), plain(&format!("{} {}", person.kind, person.id))));
        if !person.name.is_empty() {
            headers.push(("X-Cordboard-Contact-Name".to_owned(), plain(&person.name)));
        }
        // RFC 3261 section 20.9: telephones open it, or show it to be opened.
        let is_plain = |url: &&String| url.chars().all(|c| c.is_ascii_graphic() && !"<>\"".contains(c));
        if let Some(url) = person.url.as_ref().filter(is_plain) {
            headers.push(("Call-Info".to_owned(), format!("<{url}>;purpose=info")));
        }
        headers
    }
}

impl Dialled {
    pub fn waits_for(&self, request: RequestId) -> bool {
        self.stage == Stage::Resolving(request)
    }

    pub fn dialog(&self) -> Option<DialogId> {
        match self.stage {
            Stage::Inviting(dialog) | Stage::Answered(dialog) => Some(dialog),
            Stage::Resolving(_) | Stage::Over => None,
        }
    }

    /// Sends the INVITE to an address that is known now.
    pub fn send_invite(&mut self, destination: SocketAddr, like: Option<&Agreed>, context: &mut Context<'_>) {
        let Some(media) = &mut self.media else { return };
        self.peer = destination.ip();
        let outgoing = Outgoing {
            listener: ListenerId(0),
            destination,
            transport: if self.invite.tcp { Transport::Tcp } else { Transport::Udp },
            request_uri: self.invite.request_uri.clone(),
            from: self.invite.from.clone(),
            to: NameAddr::new(self.invite.request_uri.clone()),
            headers: self.invite.headers.clone(),
            body: Some(sdp_body(media.offer(like))),
            call_id: None,
            max_forwards: Some(self.invite.max_forwards),
        };
        context.counters.dialled += 1;
        let dialog = context.sip.invite(context.now.instant, outgoing, context.sip_actions);
        self.stage = Stage::Inviting(dialog);
        let call = context.index.legs.get(&media.leg).map(|(call, _)| *call);
        if let (Some(call), Some(sip_id)) = (call, context.sip.call_id_of(dialog)) {
            context.ladders.begin(call, leg_number(self.dial), &self.name, sip_id);
        }
    }

    /// The leg described its media before it answered: they open, or move where another branch of a forked call did.
    pub fn early(&mut self, response: &Response, context: &mut Context<'_>) -> Result<(), Refusal> {
        let (Stage::Inviting(_), Some(media)) = (self.stage, self.media.as_mut()) else { return Ok(()) };
        media.accept(response.body(), self.peer, &context.settings.media, context.actions)
    }

    /// The leg answered: its media opens, unless its answer cannot be used; then it is hung up.
    pub fn answered(&mut self, response: &Response, context: &mut Context<'_>) -> Result<(), Refusal> {
        let Stage::Inviting(dialog) = self.stage else { return Err(Refusal::NoAudio) };
        self.stage = Stage::Answered(dialog);
        if let Some(agent) = &self.agent {
            context.index.starts_talking(agent);
            self.talking = true;
        }
        let media = self.media.as_mut().ok_or(Refusal::NoAudio)?;
        media.established(&context.settings.media, context.actions);
        // A 200 without a description stands by the one that came reliably before it (RFC 3262 section 5).
        let accepted = if response.body().is_empty() && media.agreed().is_some() {
            Ok(())
        } else {
            media.accept(response.body(), self.peer, &context.settings.media, context.actions)
        };
        if let Err(refusal) = &accepted {
            let reason = format!("SIP;cause=488;text=\"{}\"", refusal.to_string().replace(['"', '\\'], "'"));
            self.hang_up(Some(&reason), context);
        }
        accepted
    }

    /// Gives the leg up, however far it has come: where it still rings, the CANCEL says why.
    pub fn cancel(&mut self, reason: CancelReason, context: &mut Context<'_>) {
        let reason = match reason {
            // RFC 3326 section 3.1: so that a forked phone shows no missed call.
            CancelReason::AnsweredElsewhere => Some("SIP;cause=200;text=\"Call completed elsewhere\""),
            CancelReason::RangOut => Some("SIP;cause=408;text=\"Rang for its time\""),
            CancelReason::CallerGone | CancelReason::StepEnded => None,
        };
        let rings = matches!(self.stage, Stage::Inviting(_));
        self.hang_up(reason.filter(|_| rings), context);
    }

    /// Ends the leg with CANCEL before its answer and BYE after it (RFC 3261 sections 9.1 and 15); `reason` is the
    /// value of a Reason header.
    pub fn hang_up(&mut self, reason: Option<&str>, context: &mut Context<'_>) {
        let now = context.now.instant;
        match self.stage {
            Stage::Inviting(dialog) => context.sip.cancel(now, dialog, reason, context.sip_actions),
            Stage::Answered(dialog) => context.sip.bye(now, dialog, reason, context.sip_actions),
            Stage::Resolving(_) | Stage::Over => {}
        }
        if let Some(dialog) = self.dialog() {
            context.index.dialogs.remove(&dialog);
        }
        self.stage = Stage::Over;
    }

    /// The agent does not talk here any more.
    pub fn release_agent(&mut self, index: &mut Index) {
        if let Some(agent) = self.agent.as_ref().filter(|_| self.talking) {
            index.stops_talking(agent);
            self.talking = false;
        }
    }

    pub fn media_at(&self) -> Option<(&MediaLeg, IpAddr)> {
        self.media.as_ref().map(|media| (media, self.peer))
    }

    pub fn media_and_peer(&mut self) -> Option<(&mut MediaLeg, IpAddr)> {
        self.media.as_mut().map(|media| (media, self.peer))
    }
}

/// What a failed INVITE means to the flow. flows.md 1.3, dial.
pub(super) fn failure_of(failure: &Failure) -> (DialFailure, Option<u16>) {
    let code = match failure {
        Failure::Response(response) => response.code(),
        // RFC 3261 section 8.1.3.1.
        Failure::Timeout => 408,
        Failure::Transport | Failure::HalfOpen => 503,
        Failure::Cancelled => 487,
        Failure::NotPracked => 504,
    };
    // A gateway hides what the telephone network said behind a code that says little (RFC 6432).
    let said = match failure {
        Failure::Response(response) if matches!(code, 480 | 500 | 502 | 503) => {
            Reason::of(response.head()).cause.and_then(response_of)
        }
        _ => None,
    };
    let cause = match said.unwrap_or(code) {
        486 | 600 => DialFailure::Busy,
        603 => DialFailure::Rejected,
        408 | 487 => DialFailure::NoAnswer,
        404 | 410 | 480 => DialFailure::Unavailable,
        _ => DialFailure::Failed,
    };
    (cause, Some(code))
}

fn destination(snapshot: &Snapshot, target: DialTarget) -> Result<Destination, String> {
    match target {
        DialTarget::User(id) => {
            let agent = snapshot.agents.get(&id).ok_or_else(|| format!("there is no agent \"{id}\""))?;
            let uri = agent.uri.as_deref().ok_or_else(|| format!("the agent \"{id}\" has no endpoint"))?;
            to_uri(id, uri)
        }
        DialTarget::Sip(uri) => to_uri(uri.clone(), &uri),
        DialTarget::Number(number) => {
            let (trunk, host) =
                snapshot.outgoing_trunk().ok_or("no trunk has a host that calls go out to")?;
            let digits = super::number::read(&number, trunk.default_country).best().to_owned();
            let bare = host.name.trim_matches(['[', ']']);
            let port = (host.port != SIP_PORT).then_some(host.port);
            let request_uri =
                SipUri::sip(&digits, bare, port).ok_or_else(|| format!("\"{number}\" is no number"))?;
            Ok(Destination { name: number, request_uri, host: host.clone() })
        }
    }
}

fn to_uri(name: String, text: &str) -> Result<Destination, String> {
    let request_uri = SipUri::parse(text).ok_or_else(|| format!("\"{text}\" is no SIP URI"))?;
    let host =
        host_of(&request_uri).ok_or_else(|| format!("\"{text}\" cannot be sent to by this version"))?;
    Ok(Destination { name, request_uri, host })
}

/// Where a URI is sent to, where this version can send there.
pub fn host_of(uri: &SipUri) -> Option<Host> {
    if uri.scheme() != crate::sip::message::Scheme::Sip {
        return None;
    }
    let tcp = match uri.transport().map(|t| t.to_ascii_lowercase()).as_deref() {
        None | Some("udp") => false,
        Some("tcp") => true,
        Some(_) => return None,
    };
    Some(Host { name: uri.host().to_string(), port: uri.port().unwrap_or(SIP_PORT), tcp })
}

/// Whom the called party sees calling.
fn caller_address(facts: &CallFacts, identity: &CallerIdentity, domain: &str) -> Option<NameAddr> {
    let (user, name) = match identity {
        CallerIdentity::Caller => (facts.from.as_str(), facts.from_name.as_str()),
        CallerIdentity::Dialled => (facts.to.as_str(), facts.number_label.as_str()),
        CallerIdentity::Fixed(number) => (number.as_str(), ""),
    };
    if user.is_empty() {
        // RFC 3323 section 4.1.1.3.
        let mut anonymous = NameAddr::new(SipUri::sip("anonymous", "anonymous.invalid", None)?);
        anonymous.display = "Anonymous".to_owned();
        return Some(anonymous);
    }
    let mut address = NameAddr::new(SipUri::sip(user, domain, None)?);
    address.display = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Some(address)
}
