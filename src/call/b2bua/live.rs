//! What a call tells of itself while it runs.

use super::caller::CallerState;
use super::{Call, Context};
use crate::call::Action;
use crate::call::live::{LegState, LiveCall, LiveEvent, What, leg_number, leg_state};
use crate::clock::Instant;
use crate::flow::DialId;

impl Call {
    /// Tells whoever watches.
    pub(in crate::call) fn tell(&mut self, what: What, context: &mut Context<'_>) {
        self.is_changed |= what.changes_row();
        let event = LiveEvent { call_id: self.facts.call_id.clone(), at: context.now.wall, what };
        context.actions.push(Action::Live(Box::new(event)));
    }

    pub(super) fn tell_start(&mut self, context: &mut Context<'_>) {
        let what = What::Started {
            number: self.number.clone(),
            from: self.facts.from.clone(),
            to: self.facts.to.clone(),
            flow_id: self.flow.as_ref().map(|version| version.flow.id().to_owned()),
            version: self.flow.as_ref().map(|version| version.number),
        };
        self.tell(what, context);
    }

    /// Tells how far a leg has come; nothing of one that is gone.
    pub(in crate::call) fn tell_leg(&mut self, dial: DialId, state: LegState, context: &mut Context<'_>) {
        if let Some(dialled) = self.dialled(dial) {
            let what = What::Leg { leg: leg_number(dial), party: dialled.name.clone(), state };
            self.tell(what, context);
        }
    }

    /// The call as a list shows it.
    pub(in crate::call) fn live(&self, now: Instant) -> LiveCall {
        let talking = self.interpreter.as_ref().is_some_and(|flow| flow.talking_since().is_some());
        let step = self.interpreter.as_ref().map(|flow| {
            let (id, name) = flow.current_step();
            (id.to_owned(), name.to_owned(), flow.step_entered().wall)
        });
        let legs = self.dialled.iter().map(|dialled| {
            (leg_number(dialled.dial), dialled.name.clone(), leg_state(dialled.stage, talking))
        });
        LiveCall {
            id: self.id,
            number: self.number.clone(),
            from: self.facts.from.clone(),
            to: self.facts.to.clone(),
            flow_id: self.flow.as_ref().map(|version| version.flow.id().to_owned()),
            version: self.flow.as_ref().map(|version| version.number),
            started: self.started.wall,
            answered: matches!(self.caller.state, CallerState::Answered(_)),
            step,
            legs: legs.collect(),
            trouble: self.troubles(now).into_iter().next().map(|trouble| (trouble.severity, trouble.short)),
        }
    }
}
