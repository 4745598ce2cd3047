//! What flows look up while they run: the same for all calls of one snapshot.

use super::schedule::{Account, Override, Schedule, State, Until};
use super::share::sticky_place;
use super::{CallerList, Flow};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Callers in lists, and flows: those that numbers lead to, and those that other flows run.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// By id.
    pub caller_lists: HashMap<String, CallerList>,
    /// By id.
    pub flows: HashMap<String, LiveFlow>,
    /// Agents by the user that each is in the CRM; [`crm_user_key`] of its id.
    pub crm_users: HashMap<String, String>,
    /// By id.
    pub schedules: HashMap<String, Schedule>,
    pub account: Account,
}

/// A flow with the versions of it that calls may run.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveFlow {
    /// What new calls start on.
    pub live: FlowVersion,
    /// What a share of the callers starts on instead.
    pub canary: Option<Canary>,
    /// Older versions that other flows ask for by number.
    pub pinned: BTreeMap<u32, Arc<Flow>>,
}

/// One version of a flow.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowVersion {
    pub flow: Arc<Flow>,
    /// Counted from 1; 0 where it was never published, as a file or a draft.
    pub number: u32,
}

/// A version that is tried on some of the callers.
#[derive(Clone, PartialEq, Debug)]
pub struct Canary {
    pub version: FlowVersion,
    /// How many of a hundred callers, 1 to 99.
    pub share: u8,
}

/// What of the id of a user tells it from others: Salesforce shows ids of 15 characters, and of 18, whose last three only
/// repeat which of them are capitals.
pub fn crm_user_key(id: &str) -> &str {
    match id.get(..15) {
        Some(key) if id.len() == 18 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => key,
        _ => id,
    }
}

/// The shape of a user's id in Salesforce: 15 or 18 letters and digits that begin with 005.
pub fn is_crm_user(id: &str) -> bool {
    matches!(id.len(), 15 | 18)
        && id.starts_with("005")
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Library {
    /// The agent of that id, or the one who is that user of the CRM; the id as it came where neither is known.
    pub fn agent<'a>(&'a self, id: &'a str) -> &'a str {
        self.crm_users.get(crm_user_key(id)).map_or(id, String::as_str)
    }

    /// The version of a flow that this caller gets: the one of that number, else the live one or its canary.
    pub fn version(&self, flow: &str, number: Option<u32>, caller: &str) -> Option<FlowVersion> {
        let flow = self.flows.get(flow)?;
        let Some(number) = number else { return Some(flow.choose(caller).clone()) };
        let published = [Some(&flow.live), flow.canary.as_ref().map(|canary| &canary.version)];
        let published = published.into_iter().flatten().find(|version| version.number == number).cloned();
        published.or_else(|| Some(FlowVersion { flow: flow.pinned.get(&number)?.clone(), number }))
    }
}

impl Library {
    /// The same, with schedules that go by their calendars alone.
    pub fn without_overrides(mut self) -> Library {
        self.schedules.values_mut().for_each(|schedule| schedule.manual = None);
        self
    }

    /// The same, with schedules of which something is assumed, whatever the calendar says.
    pub fn assuming(mut self, states: &BTreeMap<String, State>) -> Library {
        for (id, state) in states {
            let schedule = self.schedules.entry(id.clone()).or_default();
            schedule.manual = Some(Override { state: *state, since: None, until: Until::TakenBack });
        }
        self
    }
}

impl FlowVersion {
    /// A flow that has no version yet.
    pub fn unpublished(flow: Flow) -> Self {
        FlowVersion { flow: Arc::new(flow), number: 0 }
    }
}

impl LiveFlow {
    /// A flow with nothing but a live version.
    pub fn new(flow: Arc<Flow>, number: u32) -> Self {
        LiveFlow { live: FlowVersion { flow, number }, canary: None, pinned: BTreeMap::new() }
    }

    /// The version for a caller, the same in each call. Who shows no number cannot be told from others who do not,
    /// and gets the live one.
    pub fn choose(&self, caller: &str) -> &FlowVersion {
        match &self.canary {
            Some(canary)
                if !caller.is_empty()
                    && sticky_place(self.live.flow.id(), "", caller) < u32::from(canary.share) =>
            {
                &canary.version
            }
            _ => &self.live,
        }
    }
}
