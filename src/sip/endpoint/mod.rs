//! The door of the room: bytes and the time in, bytes and events out.

mod types;

pub use types::{Action, Body, Counters, Counts, EndpointConfig, Event, Failure, Input, Listener, Outgoing};

use crate::clock::Instant;
use crate::ids::Random;
use crate::sip::{DialogId, Method, TransactionId};

/// All SIP of the server: transactions, dialogs and the streams they run over.
pub struct Endpoint {
    config: EndpointConfig,
    random: Random,
    counters: Counters,
}

#[expect(unused_variables, reason = "the door stands before the house")]
impl Endpoint {
    pub fn new(config: EndpointConfig, random: Random) -> Self {
        Endpoint { config, random, counters: Counters::default() }
    }
    /// Takes in what happened outside.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, actions: &mut Vec<Action>) {}
    /// Runs the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant, actions: &mut Vec<Action>) {}
    /// When [`Endpoint::handle_timeout`] next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        None
    }
    /// Sends a provisional response (101 to 199) to an INVITE outside a dialog.
    pub fn ring(
        &mut self,
        now: Instant,
        dialog: DialogId,
        code: u16,
        reason: &str,
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) {
    }
    /// Sends 200 to the INVITE that began the dialog.
    pub fn answer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        headers: &[(String, String)],
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) {
    }
    /// Sends a final response of 300 to 699 to the INVITE that began the dialog. The dialog is gone.
    pub fn reject(
        &mut self,
        now: Instant,
        dialog: DialogId,
        code: u16,
        reason: &str,
        headers: &[(String, String)],
        actions: &mut Vec<Action>,
    ) {
    }
    /// Responds to an [`Event::Request`].
    #[expect(clippy::too_many_arguments)]
    pub fn respond(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        code: u16,
        reason: &str,
        headers: &[(String, String)],
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) {
    }
    /// Sends an INVITE outside a dialog.
    pub fn invite(&mut self, now: Instant, outgoing: Outgoing, actions: &mut Vec<Action>) -> DialogId {
        DialogId(0)
    }
    /// Gives up an INVITE of ours. `reason` is the value of a Reason header.
    pub fn cancel(
        &mut self,
        now: Instant,
        dialog: DialogId,
        reason: Option<&str>,
        actions: &mut Vec<Action>,
    ) {
    }
    /// Ends a dialog. `reason` is the value of a Reason header.
    pub fn bye(&mut self, now: Instant, dialog: DialogId, reason: Option<&str>, actions: &mut Vec<Action>) {}
    /// Sends a request inside a dialog.
    pub fn request(
        &mut self,
        now: Instant,
        dialog: DialogId,
        method: Method,
        headers: &[(String, String)],
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) -> TransactionId {
        TransactionId(0)
    }
    /// What is kept now.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }
    /// What happened since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
