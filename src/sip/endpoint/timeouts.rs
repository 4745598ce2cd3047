//! What the time brings.

use super::schedule::Target;
use super::tables::{ClientMachine, Purpose, ServerMachine};
use super::{Action, Endpoint, Event, Failure};
use crate::clock::Instant;
use crate::sip::dialog::{Dialog, Due, GivingUp, Phase};
use crate::sip::transaction::{ClientOutput, ServerOutput};
use crate::sip::{DialogId, TransactionId};

impl Endpoint {
    /// One entry of the schedule came up.
    pub(super) fn on_due(&mut self, now: Instant, due: Instant, target: Target, actions: &mut Vec<Action>) {
        let scheduled = match target {
            Target::Server(id) => self.servers.by_id.get_mut(&id).map(|owner| &mut owner.scheduled),
            Target::Client(id) => self.clients.by_id.get_mut(&id).map(|owner| &mut owner.scheduled),
            Target::Dialog(id) => self.dialogs.by_id.get_mut(&id).map(|owner| &mut owner.scheduled),
            Target::Connection(id) => self.connections.by_id.get_mut(&id).map(|owner| &mut owner.scheduled),
        };
        // An entry that its owner does not know any more was overtaken by an earlier one.
        if scheduled.and_then(|at| at.take_if(|at| *at == due)).is_none() {
            return;
        }
        match target {
            Target::Server(id) => self.on_server_due(now, id, actions),
            Target::Client(id) => self.on_client_due(now, id, actions),
            Target::Dialog(id) => self.on_dialog_due(now, id, actions),
            Target::Connection(id) => self.on_connection_due(now, id, actions),
        }
    }

    fn on_server_due(&mut self, now: Instant, id: TransactionId, actions: &mut Vec<Action>) {
        let Some(owner) = self.servers.by_id.get_mut(&id) else { return };
        let mut out = Vec::new();
        match &mut owner.machine {
            ServerMachine::Invite(machine) => machine.on_timeout(now, &mut out),
            ServerMachine::Other(machine) => machine.on_timeout(now),
        }
        let (peer, reply_to) = (owner.peer, owner.reply_to);
        for output in out {
            match output {
                ServerOutput::Send(bytes) => {
                    self.counters.retransmissions_sent += 1;
                    self.send_response(now, peer, reply_to, bytes, actions);
                }
                ServerOutput::NotAcknowledged => self.counters.not_acknowledged += 1,
            }
        }
        self.rearm_or_drop_server(id);
    }

    /// Forgets a server transaction that is over, else waits for its next timer.
    pub(super) fn rearm_or_drop_server(&mut self, id: TransactionId) {
        let over = self.servers.by_id.get(&id).is_some_and(|owner| owner.machine.is_terminated());
        if !over {
            return self.arm_server(id);
        }
        if let Some(owner) = self.servers.remove(id) {
            self.request_is_answered(owner.dialog, id);
        }
    }

    fn on_client_due(&mut self, now: Instant, id: TransactionId, actions: &mut Vec<Action>) {
        let Some(owner) = self.clients.by_id.get_mut(&id) else { return };
        let mut out = Vec::new();
        match &mut owner.machine {
            ClientMachine::Invite { machine, .. } => machine.on_timeout(now, &mut out),
            ClientMachine::Other(machine) => machine.on_timeout(now, &mut out),
        }
        if out.contains(&ClientOutput::TimedOut) {
            return self.fail_client(now, id, Failure::Timeout, actions);
        }
        if owner.machine.is_terminated() {
            self.remove_client(id);
            return;
        }
        if out.contains(&ClientOutput::Silent) {
            self.give_up_silent(id, actions);
            return self.arm_client(id);
        }
        self.counters.retransmissions_sent += out.len() as u64;
        self.arm_client(id);
        self.send_outputs(now, id, out, actions);
    }

    /// Nothing was heard of a first INVITE, and another target waits. What comes of it yet is cancelled or ended, so that no
    /// telephone rings for nobody.
    fn give_up_silent(&mut self, id: TransactionId, actions: &mut Vec<Action>) {
        let Some(Purpose::Begin(dialog)) = self.clients.by_id.get(&id).map(|owner| owner.purpose) else {
            return;
        };
        if let Some(Dialog { phase: Phase::Outgoing(outgoing), .. }) = self.dialogs.by_id.get_mut(&dialog)
            && matches!(outgoing.giving_up, GivingUp::No)
        {
            outgoing.giving_up = GivingUp::AwaitsProvisional { reason: None };
            outgoing.is_told = true;
            actions.push(Action::Event(Event::Failed { dialog, failure: Failure::Timeout }));
        }
    }

    fn on_dialog_due(&mut self, now: Instant, id: DialogId, actions: &mut Vec<Action>) {
        let Some(owner) = self.dialogs.by_id.get_mut(&id) else { return };
        match &mut owner.phase {
            Phase::Outgoing(outgoing) => {
                let transaction = outgoing.transaction;
                if matches!(outgoing.giving_up, GivingUp::Cancelled { until } if until <= now) {
                    self.fail_client(now, transaction, Failure::Cancelled, actions);
                }
            }
            Phase::Established(established) => {
                let mut given_up = Vec::new();
                let mut again = Vec::new();
                established.unacknowledged.retain_mut(|answer| match answer.on_timeout(now) {
                    Due::Nothing => true,
                    Due::SendAgain => {
                        again.push((answer.peer, answer.reply_to, answer.response.clone()));
                        true
                    }
                    Due::GiveUp => {
                        given_up.push((answer.is_first, answer.peer.address.ip()));
                        false
                    }
                });
                for (peer, reply_to, bytes) in again {
                    self.counters.retransmissions_sent += 1;
                    self.send_response(now, peer, reply_to, bytes, actions);
                }
                for (is_first, source) in given_up {
                    if is_first {
                        self.half_open.remove(source);
                    }
                    self.on_never_acknowledged(now, id, actions);
                }
                self.on_session_due(now, id, actions);
            }
            Phase::Incoming { .. } => self.on_provisional_due(now, id, actions),
            Phase::Ending { .. } => {}
        }
        self.arm_dialog(id);
    }

    /// 64*T1 without an ACK of our 2xx.
    fn on_never_acknowledged(&mut self, now: Instant, id: DialogId, actions: &mut Vec<Action>) {
        self.counters.not_acknowledged += 1;
        let Some(Dialog { phase: Phase::Established(established), .. }) = self.dialogs.by_id.get_mut(&id)
        else {
            return;
        };
        match established.hangup.take() {
            Some(hangup) => self.send_bye(now, id, hangup.reason.as_deref(), actions),
            None => actions.push(Action::Event(Event::NotAcknowledged { dialog: id })),
        }
    }
}
