//! How a call ends, and what is kept of it.

use super::{Interpreter, Phase};
use crate::clock::Now;
use crate::flow::audio::Playing;
use crate::flow::context::End;
use crate::flow::variables::{Scope, Variables};
use crate::flow::{
    AbandonedTask, Action, BuiltIn, COMMENTS_CHARS_MAX, EndedBy, FinalStep, Outcome, OutcomeKind, Party,
    SUBJECT_CHARS_MAX, Sound,
};
use std::time::Duration;

/// The last word is cut after this: an end that is never reported must not keep a call.
const GOODBYE_LIMIT: Duration = Duration::from_secs(10);

impl Interpreter {
    pub(super) fn time_is_up(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.abandon_step(false, now, actions);
        self.say_goodbye(EndedBy::System, now, actions);
    }

    /// Stops what the current step does.
    pub(super) fn abandon_step(&mut self, caller_gone: bool, now: Now, actions: &mut Vec<Action>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Finished);
        let mut call = self.call(now, actions);
        match phase {
            Phase::Step(machine) => {
                let config = call.flow.step(call.state.step).map(|step| &step.config);
                machine.abandon(config, caller_gone, &mut call);
            }
            Phase::Goodbye { playing: Some(playing), .. } => playing.stop(&mut call),
            Phase::Goodbye { .. } | Phase::Finished => {}
        }
    }

    pub(super) fn say_goodbye(&mut self, by: EndedBy, now: Now, actions: &mut Vec<Action>) {
        self.fresh_keys.clear();
        let language = self.current.flow.settings.language.clone();
        let sounds = vec![Sound::BuiltIn { prompt: BuiltIn::Goodbye, language }];
        let playing = Playing::start(Party::Caller, sounds, false, &mut self.call(now, actions));
        self.phase = Phase::Goodbye { playing, until: now.instant + GOODBYE_LIMIT, by };
    }

    pub(super) fn hang_up(&mut self, end: End, now: Now, actions: &mut Vec<Action>) {
        actions.push(Action::HangUp { sip_code: end.sip_code, q850: Some(end.q850) });
        let kind = self.kind(OutcomeKind::DisconnectedByFlow);
        self.finish(kind, end.by, end.outcome_text, now, actions);
    }

    /// The caller hung up or died: flows.md 1.2 rule 2.
    pub(super) fn caller_left(&mut self, by: EndedBy, now: Now, actions: &mut Vec<Action>) {
        self.fresh_keys.clear();
        let kind = match &self.phase {
            Phase::Goodbye { .. } => OutcomeKind::DisconnectedByFlow,
            _ if now.instant - self.state.started.instant < self.first.flow.settings.short_abandon => {
                OutcomeKind::ShortAbandon
            }
            Phase::Step(machine) if machine.is_ringing() => OutcomeKind::AbandonedRinging,
            _ => OutcomeKind::AbandonedInFlow,
        };
        self.abandon_step(true, now, actions);
        if by == EndedBy::System {
            actions.push(Action::HangUp { sip_code: 480, q850: Some(16) });
        }
        let kind = self.kind(kind);
        self.finish(kind, by, None, now, actions);
    }

    /// An operator hung the call up.
    pub(super) fn ended_here(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.fresh_keys.clear();
        self.abandon_step(true, now, actions);
        actions.push(Action::HangUp { sip_code: 480, q850: Some(16) });
        let kind = self.kind(OutcomeKind::DisconnectedByFlow);
        self.finish(kind, EndedBy::System, None, now, actions);
    }

    /// Who talked to somebody was answered, whatever came after; else a runaway flow is told as such.
    fn kind(&self, otherwise: OutcomeKind) -> OutcomeKind {
        if self.state.conversations > 0 {
            OutcomeKind::Answered
        } else if self.guarded {
            OutcomeKind::LoopGuard
        } else {
            otherwise
        }
    }

    fn finish(
        &mut self,
        outcome: OutcomeKind,
        ended_by: EndedBy,
        outcome_text: Option<String>,
        now: Now,
        actions: &mut Vec<Action>,
    ) {
        let final_step = self.current.flow.step(self.state.step).map(|step| FinalStep {
            flow: self.subflow(),
            id: step.id.clone(),
            name: step.name.clone(),
            seconds_in: (now.instant - self.state.entered.instant).as_secs(),
        });
        let variables = self.all_variables();
        let abandoned_task =
            is_abandoned(outcome).then(|| self.abandoned_task(&variables, final_step.as_ref()));
        self.phase = Phase::Finished;
        let contact = self.contact().cloned();
        self.forget_who_calls(actions);
        let state = &mut self.state;
        actions.push(Action::Finished(Box::new(Outcome {
            outcome,
            outcome_text,
            final_step,
            path: std::mem::take(&mut state.path),
            offers: std::mem::take(&mut state.offers),
            agent_id: state.agent_id.clone(),
            talk_sec: state.talked.as_secs(),
            ended_by,
            vars: variables.open(),
            tags: std::mem::take(&mut state.tags),
            contact,
            call_task: state.task.take(),
            abandoned_task,
        })));
    }

    /// Those of all flows that the call is in; of one name the innermost.
    fn all_variables(&self) -> Variables {
        let inner = self.frames.iter().skip(1).map(|frame| &frame.variables).chain([&self.state.variables]);
        let outermost = self.frames.first().map_or(&self.state.variables, |frame| &frame.variables);
        inner.fold(outermost.clone(), |mut all, inner| {
            all.overlay(inner);
            all
        })
    }

    /// As the settings of the first flow say. Sensitive values do not go into it.
    fn abandoned_task(&self, variables: &Variables, last: Option<&FinalStep>) -> AbandonedTask {
        let settings = &self.first.flow.settings;
        let masked = variables.masked();
        let scope = Scope {
            flow: &self.first.flow,
            version: self.first.number,
            facts: &self.state.facts,
            started: self.state.started.wall,
            variables: &masked,
        };
        let text = |template, chars_max| scope.render_chars(template, chars_max);
        let line = last
            .filter(|_| settings.append_final_step)
            .map(|step| format!("Last step: {} ({}), for {} s.", step.name, step.id, step.seconds_in));
        let room = COMMENTS_CHARS_MAX - line.as_ref().map_or(0, |line| line.chars().count() + 1);
        let mut comments = text(&settings.abandoned_comments, room);
        if let Some(line) = line {
            if !comments.is_empty() {
                comments.push('\n');
            }
            comments.push_str(&line);
        }
        AbandonedTask {
            subject: text(&settings.abandoned_subject, SUBJECT_CHARS_MAX),
            comments,
            assign_to: settings.assign_abandoned_to.clone(),
        }
    }
}

/// The caller gave up while it was the flow's or the queue's turn. Short abandons are nobody's task.
fn is_abandoned(outcome: OutcomeKind) -> bool {
    matches!(
        outcome,
        OutcomeKind::AbandonedInFlow | OutcomeKind::AbandonedInQueue | OutcomeKind::AbandonedRinging
    )
}
