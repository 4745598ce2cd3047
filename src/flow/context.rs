//! What all steps of one call share.

use super::graph::{Flow, Step};
use super::interpreter::contact::Contact;
use super::library::FlowVersion;
use super::step::repeat;
use super::variables::{Scope, VariableError, VariableValue, Variables};
use super::{Action, CallFacts, DialId, EndedBy, Library, LookupId, Offer, Party, Visit};
use crate::clock::{Instant, Now};
use crate::ids::{PlaybackId, Random};
use std::collections::{BTreeMap, VecDeque};

/// Keys kept for a step that reads them later. flows.md 1.2 rule 6.
pub const KEYS_MAX: usize = 30;
/// Visits and offers kept for the record; a caller who walks in circles for hours must not fill the memory.
const HISTORY_MAX: usize = 1_000;

/// How a step is left.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Exit {
    Port(super::port::Port),
    /// flows.md 1.2 rule 3.
    Error {
        code: &'static str,
        message: String,
    },
    /// Another flow goes on.
    Descend(Box<Descent>),
    /// The call ends here.
    End(End),
}

/// Another flow, with what it is given.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Descent {
    pub flow: FlowVersion,
    /// Names, values, and whether they are sensitive.
    pub params: Vec<(String, String, bool)>,
    /// Variables that it gives back; `None` where it does not come back.
    pub returns: Option<Vec<String>>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct End {
    /// For a caller who was not answered.
    pub sip_code: u16,
    pub q850: u8,
    pub outcome_text: Option<String>,
    pub by: EndedBy,
}

/// The lasting part.
#[derive(Debug)]
pub(super) struct CallState {
    pub facts: CallFacts,
    pub started: Now,
    pub variables: Variables,
    pub tags: BTreeMap<String, String>,
    /// The call's own, so that what one call draws does not hang on another.
    pub random: Random,
    /// Type-ahead.
    pub keys: VecDeque<char>,
    pub answered: bool,
    ringing_sent: bool,
    playbacks: u64,
    dials: u32,
    lookups: u32,
    /// Message steps that have sent theirs, by flow and index.
    pub messages_sent: Vec<(String, usize)>,
    /// How often a step began to ask for keys.
    pub asks: u32,
    /// Index of the current step.
    pub step: usize,
    pub entered: Now,
    /// Steps entered since one waited for the caller or a leg.
    pub steps_since_wait: u32,
    pub path: Vec<Visit>,
    /// Where the visit of the current step stands in the path, unless it was too many to be kept.
    pub visit: Option<usize>,
    pub offers: Vec<Offer>,
    pub agent_id: Option<String>,
    /// The conversation that goes on.
    pub talking_since: Option<Instant>,
    /// What the dial step of the last conversation says of the task that a CRM gets.
    pub task: Option<super::TaskText>,
    /// Who calls.
    pub contact: Contact,
    /// What the CRM answered to queries of this call, with the moment.
    pub answers: super::step::query::Answers,
    /// Conversations that ended.
    pub talked: std::time::Duration,
    /// How often a leg was connected.
    pub conversations: u32,
    /// Loops that the call is in, the outermost first; no step stands in it twice.
    pub loops: Vec<repeat::Active>,
}

/// The state with the moment and the list of actions; what a step gets to work with.
pub(super) struct Call<'a> {
    pub flow: &'a Flow,
    pub version: u32,
    pub library: &'a Library,
    pub now: Now,
    pub state: &'a mut CallState,
    pub actions: &'a mut Vec<Action>,
}

impl<'a> Call<'a> {
    /// Of parts of an interpreter, so that the others stay free to be used beside it.
    pub fn new(
        current: &'a FlowVersion,
        library: &'a Library,
        state: &'a mut CallState,
        now: Now,
        actions: &'a mut Vec<Action>,
    ) -> Self {
        Call { flow: &current.flow, version: current.number, library, now, state, actions }
    }
}

impl CallState {
    pub fn new(facts: CallFacts, random: Random, now: Now, entry: usize) -> Self {
        CallState {
            answered: facts.answered,
            facts,
            started: now,
            variables: Variables::default(),
            tags: BTreeMap::new(),
            random,
            keys: VecDeque::new(),
            ringing_sent: false,
            playbacks: 0,
            dials: 0,
            lookups: 0,
            messages_sent: Vec::new(),
            asks: 0,
            step: entry,
            entered: now,
            steps_since_wait: 0,
            path: Vec::new(),
            visit: None,
            offers: Vec::new(),
            agent_id: None,
            talking_since: None,
            task: None,
            contact: Contact::default(),
            answers: Default::default(),
            talked: std::time::Duration::ZERO,
            conversations: 0,
            loops: Vec::new(),
        }
    }

    pub fn new_dial(&mut self) -> DialId {
        let dial = DialId(self.dials);
        self.dials += 1;
        dial
    }

    /// A dial that was asked for at some time.
    pub fn knows_dial(&self, dial: DialId) -> bool {
        dial.0 < self.dials
    }

    pub fn push_visit(&mut self, visit: Visit) {
        self.visit = (self.path.len() < HISTORY_MAX).then_some(self.path.len());
        if self.visit.is_some() {
            self.path.push(visit);
        }
    }

    /// Notes the port on the visit that is current.
    pub fn leave_visit(&mut self, port: &str) {
        if let Some(visit) = self.visit.take().and_then(|at| self.path.get_mut(at)) {
            visit.port = Some(port.to_owned());
        }
    }

    pub fn push_offer(&mut self, offer: Offer) {
        if self.offers.len() < HISTORY_MAX {
            self.offers.push(offer);
        }
    }
}

impl Call<'_> {
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub fn step(&self) -> Option<&Step> {
        self.flow.step(self.state.step)
    }

    pub fn step_id(&self) -> &str {
        self.step().map_or("", |step| step.id.as_str())
    }

    pub fn scope(&self) -> Scope<'_> {
        Scope {
            flow: self.flow,
            version: self.version,
            facts: &self.state.facts,
            started: self.state.started.wall,
            variables: &self.state.variables,
        }
    }

    pub fn set(&mut self, name: &str, value: VariableValue, sensitive: bool) -> Result<(), VariableError> {
        self.state.variables.set(name, value, sensitive)
    }

    /// A variable of the engine's own.
    pub fn set_own(&mut self, name: &str, value: impl Into<String>) {
        self.state.variables.set_own(name, value.into());
    }

    /// Answers the caller, once.
    pub fn answer(&mut self) {
        if !self.state.answered {
            self.state.answered = true;
            self.act(Action::Answer);
            self.listen(true);
        }
    }

    /// Tells an unanswered caller that it rings, once.
    pub fn ringing(&mut self) {
        if !self.state.answered && !self.state.ringing_sent {
            self.state.ringing_sent = true;
            self.act(Action::Ringing);
        }
    }

    /// Keys of the caller are of interest, in steps that only play as well, because of type-ahead; in a flow
    /// that never reads a key they are not.
    pub fn listen(&mut self, keys: bool) {
        if self.flow.reads_keys() {
            self.act(Action::Listen { party: Party::Caller, keys });
        }
    }

    pub fn next_playback(&mut self) -> PlaybackId {
        self.state.playbacks += 1;
        PlaybackId(self.state.playbacks)
    }

    pub fn next_dial(&mut self) -> DialId {
        self.state.new_dial()
    }

    pub fn next_lookup(&mut self) -> LookupId {
        let lookup = LookupId(self.state.lookups);
        self.state.lookups += 1;
        lookup
    }

    /// Puts a key into the type-ahead buffer; a full one takes no more.
    pub fn keep_key(&mut self, key: char) {
        if self.state.keys.len() < KEYS_MAX {
            self.state.keys.push_back(key);
        }
    }

    /// The step has waited for the caller or a leg: it cannot be part of a runaway loop.
    pub fn waited(&mut self) {
        self.state.steps_since_wait = 0;
    }
}
