//! Who calls, as far as the CRM knows: asked beside the first steps of a flow that reads it, and waited for by the first
//! step that does.

use super::{Interpreter, Phase};
use crate::clock::{Instant, Now};
use crate::flow::context::{Call, Exit};
use crate::flow::step::{Machine, lookup};
use crate::flow::{
    Action, CONTACT_STEP, Event, LogEvent, LookupError, LookupId, Match, Person, Question, Reply,
};
use std::ops::ControlFlow;
use std::time::Duration;

/// How long a caller waits for it at most, counted from the question: longer is heard as a dead line.
const TIME_MAX: Duration = Duration::from_secs(3);

/// What is known of the caller.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Contact {
    #[default]
    NotAsked,
    /// The answer is waited for until then; one that comes later counts all the same.
    Asked { lookup: LookupId, until: Instant },
    /// Absent where the CRM knows nobody with that number, or did not answer.
    Answered(Option<Person>),
}

impl Interpreter {
    /// Asks once, where the flow that the call is in reads it and the caller shows a number.
    pub(super) fn ask_who_calls(&mut self, now: Now, actions: &mut Vec<Action>) {
        let number = &self.state.facts.from;
        if self.state.contact != Contact::NotAsked || !self.current.flow.reads_contact || number.is_empty() {
            return;
        }
        let question = Question::Match(Match { number: number.clone(), timeout: TIME_MAX });
        let lookup = lookup::ask_as(CONTACT_STEP, question, &mut self.call(now, actions));
        self.state.contact = Contact::Asked { lookup, until: now.instant + TIME_MAX };
    }

    /// Takes the answer, where it is one to this question.
    pub(super) fn knows_who_calls(
        &mut self,
        lookup: LookupId,
        result: &Result<Reply, LookupError>,
        now: Now,
        actions: &mut Vec<Action>,
    ) -> bool {
        if !matches!(self.state.contact, Contact::Asked { lookup: asked, .. } if asked == lookup) {
            return false;
        }
        let person = match result {
            Ok(Reply::Match(person)) => person.clone(),
            _ => None,
        };
        if let Some(person) = &person {
            let own = [
                ("contact.id", &person.id),
                ("contact.type", &person.kind),
                ("contact.name", &person.name),
                ("contact.ownerId", &person.owner_id),
                ("owner_id", &person.owner_id),
            ];
            for (name, value) in own {
                self.state.variables.set_own(name, value.clone());
            }
            actions.push(Action::Log(LogEvent::Contact(person.clone())));
        }
        self.state.contact = Contact::Answered(person);
        if let Phase::Step(Machine::Contact(_)) = self.phase
            && let ControlFlow::Break(exit) = self.enter_now(now, actions)
        {
            self.follow(exit, now, actions);
        }
        true
    }

    /// The step that waited for the answer is entered for good.
    fn enter_now(&mut self, now: Now, actions: &mut Vec<Action>) -> ControlFlow<Exit> {
        let mut call = Call::new(&self.current, &self.library, &mut self.state, now, actions);
        if let Some(step) = call.flow.step(call.state.step) {
            self.phase = Phase::Step(step.config.enter(&mut call)?);
        }
        ControlFlow::Continue(())
    }

    /// Nobody is interested in the answer any more.
    pub(super) fn forget_who_calls(&mut self, actions: &mut Vec<Action>) {
        if let Contact::Asked { lookup, .. } = self.state.contact {
            self.state.contact = Contact::Answered(None);
            actions.push(Action::Forget { lookup });
        }
    }

    /// Whom the CRM knows under the caller's number.
    pub fn contact(&self) -> Option<&Person> {
        match &self.state.contact {
            Contact::Answered(person) => person.as_ref(),
            Contact::NotAsked | Contact::Asked { .. } => None,
        }
    }
}

/// A step that was entered and waits for the answer before it does anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    until: Instant,
}

impl Waiting {
    /// Whether a step that reads it has to wait, and until when.
    pub fn begin(call: &Call) -> Option<Waiting> {
        match call.state.contact {
            Contact::Asked { until, .. } if call.now.instant < until => Some(Waiting { until }),
            _ => None,
        }
    }

    pub fn is_over(&self, event: &Event, call: &Call) -> bool {
        *event == Event::Timeout && self.until <= call.now.instant
    }

    pub fn until(&self) -> Instant {
        self.until
    }
}
