//! From what SIP and media name to the call it belongs to, and which agents talk at this moment.

use crate::flow::Party;
use crate::ids::{CallId, LegId};
use crate::sip::DialogId;
use std::collections::HashMap;

/// From what SIP and media name to the call it belongs to.
#[derive(Default)]
pub(super) struct Index {
    pub dialogs: HashMap<DialogId, (CallId, Party)>,
    pub legs: HashMap<LegId, (CallId, Party)>,
    /// Agents who talk, with the number of their conversations.
    pub talking: HashMap<String, u32>,
    next_leg: u64,
}

impl Index {
    pub fn starts_talking(&mut self, agent: &str) {
        *self.talking.entry(agent.to_owned()).or_default() += 1;
    }

    pub fn stops_talking(&mut self, agent: &str) {
        if let Some(count) = self.talking.get_mut(agent) {
            *count -= 1;
            if *count == 0 {
                self.talking.remove(agent);
            }
        }
    }

    pub fn new_leg(&mut self, call: CallId, party: Party) -> LegId {
        let leg = self.leg_of_no_call();
        self.legs.insert(leg, (call, party));
        leg
    }

    /// A leg that belongs to nothing that is in here.
    pub fn leg_of_no_call(&mut self) -> LegId {
        self.next_leg += 1;
        LegId(self.next_leg)
    }
}
