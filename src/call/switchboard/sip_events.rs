//! What the endpoint tells of dialogs, and what others ask outside of them.

use super::{Switchboard, retry_after};
use crate::call::Action;
use crate::call::arrival::{FULL, NOT_KNOWN, STOPPING};
use crate::call::b2bua::Call;
use crate::call::dialled::code_of;
use crate::call::message_parts::warning;
use crate::clock::Now;
use crate::flow::Party;
use crate::sip::cause::Reason;
use crate::sip::message::{Request, Subject};
use crate::sip::{DialogId, Peer, TransactionId, endpoint as sip};
use std::sync::Arc;

impl Switchboard {
    pub(super) fn sip_event(&mut self, now: Now, event: sip::Event, actions: &mut Vec<Action>) {
        use sip::Event;
        let Some(event) = self.trial_event(now, event, actions) else { return };
        match event {
            Event::Invite { dialog, request, peer } => self.invite(now, dialog, request, peer, actions),
            Event::Knock { request, peer } => self.knocked(now, *request, peer),
            Event::Offended { peer, offence, reason } => self.offended(now.instant, peer, offence, reason),
            Event::Refused { peer, subject, code, why } => {
                let what =
                    if let Subject::Request(method) = &subject { method.as_str() } else { "a message" };
                tracing::info!(source = %peer.address, request = what, status = code, reason = why, "refused");
            }
            Event::Cancelled { dialog, reason } => {
                let reason = Reason::read(reason.as_deref().into_iter());
                self.with_caller(dialog, now, actions, |call, context| {
                    call.caller_cancelled(&reason, context);
                });
            }
            Event::Acknowledged { dialog, request } => {
                self.with_dialog(dialog, now, actions, |call, party, context| match party {
                    Party::Caller => call.acknowledged(&request, context),
                    // It has taken the place of a dialog of ours.
                    Party::Dialled(_) => call.acknowledged_again(party, &request, context),
                });
            }
            Event::AcknowledgedAgain { dialog, request } => {
                self.with_dialog(dialog, now, actions, |call, party, context| {
                    call.acknowledged_again(party, &request, context);
                });
            }
            Event::Pracked { dialog } => self.with_caller(dialog, now, actions, Call::pracked),
            Event::RefreshDue { dialog } => self.with_dialog(dialog, now, actions, |call, party, context| {
                call.refresh(party, dialog, context);
            }),
            Event::SessionExpired { dialog } => {
                self.with_dialog(dialog, now, actions, |call, party, context| {
                    call.session_expired(party, context);
                });
            }
            Event::Response { dialog, transaction, response } => {
                self.with_dialog(dialog, now, actions, |call, party, context| {
                    call.responded(party, transaction, response, context);
                });
            }
            Event::NotAcknowledged { dialog } => self.not_acknowledged(dialog, now, actions),
            Event::Request { dialog, transaction, request, peer } => {
                self.request(now, dialog, transaction, &request, peer, actions);
            }
            Event::Bye { dialog, request } => {
                let reason = Reason::of(request.head());
                self.with_dialog(dialog, now, actions, |call, party, context| match party {
                    Party::Caller => call.caller_hung_up(&reason, context),
                    Party::Dialled(dial) => call.dialled_said_bye(dial, &reason, context),
                })
            }
            Event::Provisional { dialog, response } if response.code() > 100 => {
                self.with_dialled(dialog, now, actions, |call, dial, context| {
                    call.dialled_rings(dial, dialog, &response, context);
                });
            }
            Event::Provisional { .. } => {}
            Event::Reply(reply) => self.replied_outside(now.instant, &reply, actions),
            Event::Answered { dialog, response } => {
                if self.index.dialogs.contains_key(&dialog) {
                    self.with_dialled(dialog, now, actions, |call, dial, context| {
                        call.dialled_answered(dial, dialog, &response, context);
                    });
                } else {
                    // Given up by us while the answer was on its way.
                    self.endpoint.bye(now.instant, dialog, None, &mut self.sip_actions);
                }
            }
            Event::Failed { dialog, failure } => {
                let code = code_of(&failure);
                self.with_dialog(dialog, now, actions, |call, party, context| match party {
                    Party::Caller => call.refused_by_endpoint(Some(code), context),
                    Party::Dialled(dial) => call.fork_failed(dial, dialog, &failure, context),
                });
            }
        }
    }

    /// A 2xx of ours that is never acknowledged: the first of a call ends it; one to a re-INVITE of an agent too.
    fn not_acknowledged(&mut self, dialog: DialogId, now: Now, actions: &mut Vec<Action>) {
        self.with_dialog(dialog, now, actions, |call, party, context| match party {
            Party::Caller => call.not_acknowledged(context),
            Party::Dialled(dial) => {
                context.sip.bye(context.now.instant, dialog, None, context.sip_actions);
                call.dialled_hung_up(dial, context);
            }
        });
    }

    fn request(
        &mut self,
        now: Now,
        dialog: Option<DialogId>,
        transaction: TransactionId,
        request: &Arc<Request>,
        peer: Peer,
        actions: &mut Vec<Action>,
    ) {
        if let Some(dialog) = dialog
            && let Some(of) = self.index.dialogs.get(&dialog).copied()
        {
            if request.is(rsip::Method::Refer) {
                return self.refer(now, of, transaction, request, actions);
            }
            return self.with_dialog(dialog, now, actions, |call, party, context| {
                call.request(party, transaction, request, context);
            });
        }
        match request.method().as_str() {
            "REGISTER" if dialog.is_none() => return self.register(now, transaction, request, peer),
            "SUBSCRIBE" if dialog.is_none() => return self.subscribe(now, transaction, request, peer),
            _ => {}
        }
        let is_known = self.is_admitted(now.instant, peer.transport, peer.address);
        let (code, why) = match request.method().as_str() {
            _ if dialog.is_some() => (481, "that call is over"),
            "OPTIONS" if !is_known => (403, NOT_KNOWN),
            // An OPTIONS ping asks whether calls may be sent here: only a server that takes them says yes.
            "OPTIONS" if self.draining => (503, STOPPING),
            "OPTIONS" if self.calls.len() >= self.calls_max => (503, FULL),
            "OPTIONS" if !self.has_ports() => (503, "no media port is ready"),
            "OPTIONS" => (200, ""),
            _ => (405, "this server does nothing by that method outside a call"),
        };
        let mut headers = Vec::new();
        if code == 503 {
            headers.push(retry_after());
        }
        if !why.is_empty() {
            headers.push(warning(399, &self.settings.domain, &why));
        }
        self.endpoint.respond(now.instant, transaction, code, "", &headers, None, &mut self.sip_actions);
    }
}
