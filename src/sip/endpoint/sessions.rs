//! Session timers at work (RFC 4028): what requests and responses say of them, refreshes, and the end without one.

use super::serve::Refusal;
use super::{Action, Body, Endpoint, Event, Failure};
use crate::clock::Instant;
use crate::sip::dialog::{Dialog, Established, Phase, SessionDue, SessionPolicy, SessionTerms, min_se};
use crate::sip::message::{Request, Response};
use crate::sip::{DialogId, TransactionId};
use std::sync::Arc;
use std::time::Duration;

/// A re-INVITE that cannot be sent now because another is under way is looked at again after so long.
const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// A peer that is loaded says when to come back; for longer than this a session does not wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);
/// And for no shorter time than this, or a peer that says 0 is asked without end.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

impl Endpoint {
    /// Sends the re-INVITE that [`Event::RefreshDue`] asked for, with the description as it stands. Without one, because
    /// an offer is under way, the timer asks again. Ends in [`Event::Response`]; what the timer makes of it is done
    /// then, the answer in it is the caller's.
    pub fn refresh(&mut self, now: Instant, dialog: DialogId, body: Option<Body>, actions: &mut Vec<Action>) {
        let Some(established) = self.established_mut(dialog) else { return };
        let is_busy = established.invite_in.is_some() || established.invite_out.is_some();
        let Some(body) = body.filter(|_| !is_busy) else {
            if let Some(session) = &mut established.session {
                session.try_again(now, Some(BUSY_PAUSE));
            }
            return self.arm_dialog(dialog);
        };
        let id = self.request(now, dialog, rsip::Method::Invite.into(), &[], Some(body), actions);
        if let Some(established) = self.established_mut(dialog) {
            established.refresh = Some(id);
        }
    }

    /// The session timer of an established dialog is due.
    pub(super) fn on_session_due(&mut self, now: Instant, dialog: DialogId, actions: &mut Vec<Action>) {
        let Some(established) = self.established_mut(dialog) else { return };
        if established.hangup.is_some() {
            return;
        }
        let Some(session) = &mut established.session else { return };
        match session.on_timeout(now) {
            SessionDue::Nothing => {}
            SessionDue::Refresh if established.state.allows_update => {
                let id = self.request(now, dialog, rsip::Method::Update.into(), &[], None, actions);
                if let Some(established) = self.established_mut(dialog) {
                    established.refresh = Some(id);
                }
            }
            SessionDue::Refresh => actions.push(Action::Event(Event::RefreshDue { dialog })),
            SessionDue::End => {
                self.counters.sessions_expired += 1;
                actions.push(Action::Event(Event::SessionExpired { dialog }));
            }
        }
    }

    /// Whether the session interval of an INVITE or UPDATE is large enough.
    pub(super) fn check_interval(&mut self, request: &Request) -> Result<(), Refusal<'static>> {
        let changes = request.is(rsip::Method::Invite) || request.is(rsip::Method::Update);
        match SessionTerms::as_server(self.config.limits.session, request, None) {
            Err(small) if changes => {
                self.counters.intervals_rejected += 1;
                Err(Refusal { code: 422, extra: vec![("Min-SE", small.min_se_s.to_string())] })
            }
            _ => Ok(()),
        }
    }

    /// What our 2xx to a request of the peer says of the session, with the headers that say it.
    pub(super) fn session_answer(
        &self,
        request: &Request,
        now: Option<SessionTerms>,
    ) -> (Option<SessionTerms>, Vec<(&'static str, String)>) {
        let policy = self.config.limits.session;
        let Some(terms) = SessionTerms::as_server(policy, request, now).ok().flatten() else {
            return (None, Vec::new());
        };
        let mut headers = vec![("Session-Expires", terms.header(true))];
        if !terms.we_refresh {
            // RFC 4028 section 9: the peer must know that it is up to it.
            headers.push(("Require", "timer".to_owned()));
        }
        (Some(terms), headers)
    }

    /// What the timer makes of the end of a request of ours inside a dialog.
    pub(super) fn on_session_response(
        &mut self,
        now: Instant,
        dialog: DialogId,
        transaction: TransactionId,
        response: &Result<Arc<Response>, Failure>,
    ) {
        let glare = self.glare_pause(dialog);
        let Some(established) = self.established_mut(dialog) else { return };
        let is_refresh = established.refresh == Some(transaction);
        established.refresh = established.refresh.filter(|other| *other != transaction);
        if let Ok(response) = response {
            established.state.note_allow(response.head());
        }
        match response {
            Ok(response) if response.is_success() => {
                let method = &response.cseq().method;
                if *method == rsip::Method::Invite || *method == rsip::Method::Update {
                    established.set_session(now, SessionTerms::as_client(response));
                }
            }
            _ if !is_refresh => {}
            Ok(response) => {
                let pause = pause_after(established, response, glare);
                if let Some(session) = &mut established.session {
                    session.try_again(now, pause);
                }
            }
            Err(_) => {
                if let Some(session) = &mut established.session {
                    session.try_again(now, None);
                }
            }
        }
        self.arm_dialog(dialog);
    }

    /// How long to wait after a 491 to a re-INVITE of ours (RFC 3261 14.1): the side that made the Call-ID waits longer,
    /// so that they do not meet again.
    pub fn glare_pause(&mut self, dialog: DialogId) -> Duration {
        let is_owner = self.established_mut(dialog).is_some_and(|established| established.state.began);
        let tens = if is_owner { 210 + self.random.below(191) } else { self.random.below(201) };
        Duration::from_millis(u64::from(tens) * 10)
    }

    pub(super) fn established_mut(&mut self, dialog: DialogId) -> Option<&mut Established> {
        match self.dialogs.by_id.get_mut(&dialog) {
            Some(Dialog { phase: Phase::Established(established), .. }) => Some(established),
            _ => None,
        }
    }
}

/// When a refresh that was refused is tried again, and how: none is the usual pause.
fn pause_after(established: &mut Established, response: &Response, glare: Duration) -> Option<Duration> {
    match response.code() {
        422 => {
            let min = min_se(response)?;
            let session = established.session.as_mut()?;
            // One that asks for less than it got would ask for ever.
            let grows = min > session.terms.interval_s;
            session.terms.interval_s = session.terms.interval_s.max(min);
            grows.then_some(Duration::ZERO)
        }
        491 => Some(glare),
        // The peer said it takes UPDATE, and does not: RFC 4028 section 7.4 leaves the re-INVITE.
        405 | 420 | 501 if response.cseq().method == rsip::Method::Update => {
            established.state.allows_update = false;
            Some(Duration::ZERO)
        }
        _ => response.retry_after().map(|wait| wait.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX)),
    }
}

/// What a first INVITE of ours says of its session.
pub(super) fn wish(policy: SessionPolicy, min_se_s: Option<u32>) -> Vec<(&'static str, String)> {
    if policy.interval_s == 0 && min_se_s.is_none() {
        return Vec::new();
    }
    let least = min_se_s.unwrap_or(policy.min_se_s);
    let mut headers = vec![("Session-Expires", policy.interval_s.max(least).to_string())];
    // 90 s need not be said (RFC 4028 section 5), but after a 422 its value is repeated.
    if min_se_s.is_some() || least > crate::sip::dialog::MIN_SE_FLOOR_S {
        headers.push(("Min-SE", least.to_string()));
    }
    headers
}
