//! A new INVITE: whose it is, which number it is for, and whether it is taken.

use super::b2bua::{Arrival, Call};
use super::identity::{Identified, identify};
use super::media_leg::MediaLeg;
use super::message_parts::{is_sdp, warning};
use super::record::{CallRecord, EndReason};
use super::route::{Route, Start, Unroutable, route};
use super::snapshot::{Pattern, Snapshot, Source, Trunk};
use super::switchboard::{Switchboard, context, printable, retry_after};
use super::trunk::Direction;
use super::{Action, number, transfer};
use crate::clock::Now;
use crate::flow::{CallFacts, Party};
use crate::hidden::Hidden;
use crate::ids::CallId;
use crate::registrar::Answer;
use crate::sip::cause;
use crate::sip::message::Request;
use crate::sip::{DialogId, Peer};
use std::sync::Arc;

/// Why a request is turned away that a call room would else take.
pub(super) const NOT_KNOWN: &str = "no trunk and no agent has that address";
pub(super) const STOPPING: &str = "the server is being stopped and takes no new calls";
pub(super) const FULL: &str = "there are as many calls as the server takes";

impl Switchboard {
    pub(super) fn invite(
        &mut self,
        now: Now,
        dialog: DialogId,
        request: Arc<Request>,
        peer: Peer,
        actions: &mut Vec<Action>,
    ) {
        self.counters.invites += 1;
        let snapshot = self.snapshot.clone();
        let id = self.ids.next(now.wall);
        let source = match self.source_of(now.instant, &snapshot, &request, peer) {
            Ok(source) => source,
            Err(answer) => {
                let source = snapshot.source(peer.address);
                let caller = caller_of(source, &request);
                let knock = Knock { source, caller: &caller, request: &request, peer };
                return self.unproven(now, id, dialog, &knock, answer, actions);
            }
        };
        let caller = caller_of(source, &request);
        let knock = Knock { source, caller: &caller, request: &request, peer };
        // Carriers that challenge calls challenge a BYE or a re-INVITE of ours, too.
        let account = knock.trunk().and_then(Trunk::own_account);
        self.endpoint.set_account(dialog, account);
        let replaced =
            source.and_then(|source| self.take_place(now, dialog, source, &request, peer, actions));
        if let Some(Ok(())) = replaced {
            return;
        }
        if source.is_some() {
            self.ladders.begin(id, 0, "caller", request.call_id());
        }
        if let Some(Err(transfer::Refused { code, why })) = replaced {
            return self.refuse(now, id, dialog, &knock, Refused::new(code, why), actions);
        }
        match self.admit_by_trunk(now, id, &snapshot, &knock) {
            Ok((route, media)) => {
                let facts = self.facts(id, &route, &knock);
                let dialled = printable(&knock.dialled_number(), 64);
                let to_raw = (dialled != facts.to).then_some(dialled);
                tracing::debug!(call = %id, why = %Hidden::sentence(&route.why.join("; ")), "routed");
                let trunk = knock.trunk().map(|trunk| trunk.id.clone());
                let number = route.number.pattern.text();
                let start = route.start.version();
                let is_service = matches!(route.start, Start::Service(_));
                *self.number_calls.entry(number.clone()).or_default() += 1;
                let snapshot = snapshot.clone();
                let arrival = Arrival {
                    id,
                    dialog,
                    request,
                    peer,
                    trunk,
                    number,
                    start,
                    is_service,
                    facts,
                    to_raw,
                    caller,
                    media,
                    snapshot,
                };
                let mut context = context(self, now, actions);
                let call = Call::start(arrival, &mut context);
                self.calls.insert(id, call);
                self.after(id, now, actions);
            }
            Err(refusal) => self.refuse(now, id, dialog, &knock, refusal, actions),
        }
    }

    /// As [`Switchboard::admit`], where the call fits into its trunk.
    fn admit_by_trunk<'s>(
        &mut self,
        now: Now,
        id: CallId,
        snapshot: &'s Snapshot,
        knock: &Knock<'_>,
    ) -> Result<(Route<'s>, MediaLeg), Refused> {
        let Some(trunk) = knock.trunk() else { return self.admit(now, id, snapshot, knock) };
        if let Err(full) = self.trunks.begin_call(now.instant, &trunk.id, Direction::In) {
            return Err(Refused::later(&format!("the trunk \"{}\" is full: {full}", trunk.id)));
        }
        let admitted = self.admit(now, id, snapshot, knock);
        if admitted.is_err() {
            self.trunks.end_call(&trunk.id, Direction::In);
        }
        admitted
    }

    fn admit<'s>(
        &mut self,
        now: Now,
        id: CallId,
        snapshot: &'s Snapshot,
        knock: &Knock<'_>,
    ) -> Result<(Route<'s>, MediaLeg), Refused> {
        let Knock { source, caller, request, peer } = *knock;
        if source.is_none() {
            return Err(Refused::new(403, NOT_KNOWN.to_owned()));
        }
        if self.draining {
            return Err(Refused::later(STOPPING));
        }
        if self.calls.len() >= self.calls_max {
            return Err(Refused::later(FULL));
        }
        let route = route(snapshot, source, &knock.dialled_number(), caller.shown().0).map_err(|error| {
            match error {
                Unroutable::Blocked { .. } => self.counters.blocked += 1,
                Unroutable::NotInService { .. } => self.counters.not_in_service += 1,
                _ => {}
            }
            let refused = Refused::new(error.sip_code(), error.to_string());
            Refused { number: error.number().map(str::to_owned), ..refused }
        })?;
        let number = route.number.pattern.text();
        let of_number = |refused: Refused| Refused { number: Some(number.clone()), ..refused };
        let calls = self.number_calls.get(&route.number.pattern.text()).copied().unwrap_or(0);
        if let Some(most) = route.number.max_concurrent_calls.filter(|most| calls >= *most) {
            self.counters.number_full += 1;
            let text = format!("{number} has {calls} calls, and takes {most} at one time");
            return Err(of_number(Refused::new(486, text)));
        }
        if !request.body().is_empty() && !is_sdp(request.content_type()) {
            let text = format!(
                "a body of type {} is not understood",
                printable(request.content_type().unwrap_or(""), 64)
            );
            let headers = vec![("Accept".to_owned(), "application/sdp".to_owned())];
            return Err(of_number(Refused { headers, ..Refused::new(415, text) }));
        }
        let leg = self.index.new_leg(id, Party::Caller);
        let settings = &self.settings.media;
        let media = MediaLeg::new(now.instant, leg, &mut self.ports, None, settings, &mut self.random);
        let Some(mut media) = media else {
            self.index.legs.remove(&leg);
            return Err(of_number(Refused::later("no media port is free")));
        };
        media.set_address(settings.advertised(peer.listener, peer.address.ip()));
        media.offer_handshake(peer.transport.is_websocket());
        if let Some(trunk) = knock.trunk() {
            media.set_terms(&trunk.media);
        }
        if !request.body().is_empty()
            && let Err(refusal) = media.would_answer(request.body())
        {
            media.close(now.instant, &mut self.ports, &mut Vec::new());
            self.index.legs.remove(&leg);
            let headers = vec![warning(refusal.warning_code(), &self.settings.domain, &refusal)];
            return Err(of_number(Refused { headers, ..Refused::new(488, refusal.to_string()) }));
        }
        Ok((route, media))
    }

    /// Asks who it is, or refuses whoever has not shown that. Where the address is one of ours the record has it.
    fn unproven(
        &mut self,
        now: Now,
        id: CallId,
        dialog: DialogId,
        knock: &Knock<'_>,
        mut answer: Answer,
        actions: &mut Vec<Action>,
    ) {
        let why = answer.why.as_ref().map(|why| why.told.clone());
        self.say_why(now.instant, knock.request, knock.peer, &mut answer);
        let Answer { code, reason, mut headers, guesses, .. } = answer;
        match why.filter(|_| code != 401 && knock.source.is_some()) {
            Some(text) => {
                let refused = Refused { headers, ..Refused::new(code, text) };
                self.refuse(now, id, dialog, knock, refused, actions);
            }
            None => {
                if code != 401 {
                    headers.push(("Reason".to_owned(), cause::q850(cause::cause_of(code))));
                }
                let out = &mut self.sip_actions;
                self.endpoint.reject(now.instant, dialog, code, reason, &headers, out);
            }
        }
        self.note_guesses(now.instant, knock.peer, guesses);
    }

    fn refuse(
        &mut self,
        now: Now,
        id: CallId,
        dialog: DialogId,
        knock: &Knock<'_>,
        refused: Refused,
        actions: &mut Vec<Action>,
    ) {
        let Knock { source, caller, request, peer } = *knock;
        let Refused { code, text, mut headers, number } = refused;
        self.counters.rejected += 1;
        self.ladders.over(id);
        tracing::info!(
            call = %id, code, source = %peer.address, reason = %Hidden::sentence(&text),
            "call refused"
        );
        if !headers.iter().any(|(name, _)| name == "Warning") {
            headers.push(warning(399, &self.settings.domain, &text));
        }
        headers.push(("Reason".to_owned(), cause::q850(cause::cause_of(code))));
        self.endpoint.reject(now.instant, dialog, code, "", &headers, &mut self.sip_actions);
        if let Some(trunk) = knock.trunk() {
            self.trunks.note_reject(now.instant, &trunk.id, Direction::In, Some(code), &text);
        }
        // Strangers get no record: they could fill the disk.
        if source.is_none() {
            return;
        }
        actions.push(Action::Record(Box::new(CallRecord {
            call_id: id.to_string(),
            call_key: self.random.token::<24>(),
            sip_call_id: printable(request.call_id(), 128),
            trunk: knock.trunk().map(|trunk| trunk.id.clone()),
            source: peer.address.to_string(),
            number,
            flow_id: None,
            version: None,
            from: caller.shown().0.to_owned(),
            from_raw: caller.shown_raw(),
            diverted_from: caller.diverted_from().map(str::to_owned),
            to: printable(&knock.dialled_number(), 64),
            to_raw: None,
            start: now.wall,
            answer: None,
            end: now.wall,
            duration_sec: 0.0,
            billed_sec: 0.0,
            sip_code: Some(code),
            end_reason: EndReason::Rejected,
            reason: text,
            outcome: None,
            keys: Vec::new(),
            legs: Vec::new(),
            troubles: Vec::new(),
            failed_transfers: Vec::new(),
        })));
    }

    fn facts(&mut self, id: CallId, route: &Route<'_>, knock: &Knock<'_>) -> CallFacts {
        let (from, from_name) = knock.caller.shown();
        CallFacts {
            call_id: id.to_string(),
            call_key: self.random.token::<24>(),
            from_area_code: number::area_code(from).to_owned(),
            from_country_code: number::country_code(from).to_owned(),
            from: from.to_owned(),
            from_name: from_name.to_owned(),
            diverted_from: knock.caller.diverted_from().unwrap_or_default().to_owned(),
            to: match &route.number.pattern {
                Pattern::Exact(text) => text.clone(),
                _ => Source::rule(knock.source).read(&knock.dialled_number()).best().to_owned(),
            },
            number_label: route.number.label.clone(),
            answered: false,
        }
    }
}

/// Who calls, as far as its source is believed.
fn caller_of(source: Option<Source<'_>>, request: &Request) -> Identified {
    source.map(|from| identify(request, &from.identity(), Source::rule(source))).unwrap_or_default()
}

/// An INVITE that wants to be let in, and what is known of whose it is.
struct Knock<'a> {
    source: Option<Source<'a>>,
    caller: &'a Identified,
    request: &'a Request,
    peer: Peer,
}

impl<'a> Knock<'a> {
    /// The trunk that it came over.
    fn trunk(&self) -> Option<&'a Trunk> {
        match self.source? {
            Source::Trunk(trunk) => Some(trunk),
            Source::Agent(_) => None,
        }
    }

    /// The Request-URI's user part, To only where it is empty (contract), or is the name that we have registered with: then
    /// the number that was dialled is in To.
    fn dialled_number(&self) -> String {
        let user = self.request.uri().user();
        let is_ours = self.trunk().is_some_and(|trunk| {
            trunk.register.is_some() && trunk.login.as_ref().is_some_and(|login| login.username == user)
        });
        if user.is_empty() || is_ours { self.request.to().uri.user() } else { user }
    }
}

/// Why an INVITE is refused.
struct Refused {
    code: u16,
    text: String,
    headers: Vec<(String, String)>,
    /// The Smart Number, where it was found.
    number: Option<String>,
}

impl Refused {
    fn new(code: u16, text: String) -> Self {
        Refused { code, text, headers: Vec::new(), number: None }
    }

    fn later(text: &str) -> Self {
        Refused { headers: vec![retry_after()], ..Refused::new(503, text.to_owned()) }
    }
}
