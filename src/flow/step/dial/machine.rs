//! The dial step as it runs.

use super::hand_over::{HandOver, HandingOver, handed_over, not_handed_over, start_ringback};
use super::leg::{Leg, Verdict};
use super::{Config, Order};
use crate::clock::Instant;
use crate::flow::audio::{Heard, Playing};
use crate::flow::context::{Call, End, Exit};
use crate::flow::port::Port;
use crate::flow::step::{dial_target, failure, leave};
use crate::flow::template::Template;
use crate::flow::variables::Scope;
use crate::flow::{
    Action, COMMENTS_CHARS_MAX, CancelReason, DialFailure, DialId, DialTarget, EndedBy, Event, LogEvent,
    Offer, Party, SUBJECT_CHARS_MAX, TaskText,
};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

/// A leg that fails sooner than this was not waited for: a step that is only ever refused must run into the
/// loop guard, not circle for hours.
const WAITED_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, PartialEq, Debug)]
pub enum Dial {
    Offering(Offering),
    HandingOver(HandingOver),
    Talking { dial: DialId, since: Instant, until: Option<Instant> },
}

/// Legs ring, or have answered and are asked to accept.
#[derive(Clone, PartialEq, Debug)]
pub struct Offering {
    since: Instant,
    /// After it nobody new is rung.
    until: Instant,
    legs: Vec<Leg>,
    /// Who comes next, where one is rung after the other.
    waiting: VecDeque<DialTarget>,
    ringback: Option<Playing>,
    /// Who is rung where the owner of the record cannot be.
    fallback: Vec<DialTarget>,
    /// The failure to leave by, and its SIP code.
    best: Option<(DialFailure, Option<u16>)>,
}

impl Dial {
    pub fn enter(config: &Config, call: &mut Call) -> ControlFlow<Exit, Dial> {
        for name in ["dial.result", "dial.agentId", "dial.talkSec", "dial.ringSec", "dial.sipCode"] {
            call.set_own(name, "");
        }
        let targets = match config.target.resolve(call) {
            Ok(targets) => targets,
            Err(message) => return failure("bad_target", message),
        };
        let mut fallback = dial_target::agents(&config.fallback, call);
        let targets = if targets.is_empty() { std::mem::take(&mut fallback) } else { targets };
        let now = call.now.instant;
        let mut offering = Offering {
            since: now,
            until: now + config.total,
            legs: Vec::new(),
            waiting: targets.into(),
            ringback: None,
            fallback,
            best: None,
        };
        if offering.waiting.is_empty() {
            offering.fail(DialFailure::Unavailable, None);
            return offering.leave(call);
        }
        if config.hand_over == HandOver::Blind
            && let Some(target) = offering.waiting.pop_front()
        {
            return ControlFlow::Continue(Dial::HandingOver(HandingOver::begin(target, config, call)));
        }
        offering.ringback = start_ringback(config, call);
        offering.ring_next(config, call);
        ControlFlow::Continue(Dial::Offering(offering))
    }

    pub fn on_event(&mut self, config: &Config, event: &Event, call: &mut Call) -> ControlFlow<Exit> {
        match self {
            Dial::Offering(offering) => {
                if let Some(dial) = offering.on_event(config, event, call)? {
                    *self = offering.connect(dial, config, call);
                }
                ControlFlow::Continue(())
            }
            Dial::HandingOver(handing) => handing.on_event(config, event, call),
            Dial::Talking { dial, since, until } => {
                let ended_by = match event {
                    Event::Transferred { from, to, name, agent } if from == dial => {
                        *dial = *to;
                        transferred(*to, name, agent.as_ref(), call);
                        return ControlFlow::Continue(());
                    }
                    Event::DialledHungUp { dial: gone } | Event::DialFailed { dial: gone, .. }
                        if gone == dial =>
                    {
                        EndedBy::Agent
                    }
                    Event::HandedOver { dial: gone } if gone == dial => {
                        end_talk(*since, config, call);
                        return handed_over(call);
                    }
                    Event::HandOverFailed { dial: stays, sip_code, .. } if stays == dial => {
                        not_handed_over(*sip_code, call);
                        return ControlFlow::Continue(());
                    }
                    Event::Timeout if until.is_some_and(|until| until <= call.now.instant) => {
                        call.act(Action::HangUpDialled { dial: *dial });
                        EndedBy::System
                    }
                    Event::Answered { dial: late } if late != dial => {
                        call.act(Action::HangUpDialled { dial: *late });
                        return ControlFlow::Continue(());
                    }
                    _ => return ControlFlow::Continue(()),
                };
                end_talk(*since, config, call);
                if config.continues {
                    call.listen(true);
                    return leave(Port::AfterCall);
                }
                let end = End { sip_code: 480, q850: 16, outcome_text: None, by: ended_by };
                ControlFlow::Break(Exit::End(end))
            }
        }
    }

    pub fn is_talking(&self) -> bool {
        matches!(self, Dial::Talking { .. })
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match self {
            Dial::Talking { until, .. } => *until,
            Dial::Offering(offering) => offering.next_timeout(),
            Dial::HandingOver(handing) => Some(handing.next_timeout()),
        }
    }

    pub fn abandon(self, config: &Config, caller_gone: bool, call: &mut Call) {
        match self {
            Dial::HandingOver(handing) => {
                handing.abandon(if caller_gone { "caller_gone" } else { "step_ended" }, call);
            }
            Dial::Talking { dial, since, .. } => {
                call.act(Action::HangUpDialled { dial });
                end_talk(since, config, call);
            }
            Dial::Offering(offering) => {
                let (reason, result) = if caller_gone {
                    (CancelReason::CallerGone, "caller_gone")
                } else {
                    (CancelReason::StepEnded, "step_ended")
                };
                for leg in &offering.legs {
                    leg.give_up(reason, call);
                    leg.note(result, call);
                }
                if let Some(ringback) = offering.ringback {
                    ringback.stop(call);
                }
            }
        }
    }
}

/// The conversation goes on with somebody else, who is the agent of the call from now on.
fn transferred(leg: DialId, name: &str, agent: Option<&String>, call: &mut Call) {
    call.state.push_offer(Offer::new(leg, name, 0, "transferred"));
    call.state.agent_id = agent.cloned();
    call.set_own("dial.agentId", agent.cloned().unwrap_or_default());
}

pub(super) fn end_talk(since: Instant, config: &Config, call: &mut Call) {
    let talked = call.now.instant - since;
    call.state.talked += talked;
    call.state.talking_since = None;
    call.set_own("dial.talkSec", talked.as_secs().to_string());
    call.state.task = task(config, call);
}

/// What the step says of the task that the CRM gets of the conversation. Sensitive values do not go into it.
fn task(config: &Config, call: &Call) -> Option<TaskText> {
    if config.task_subject.is_none() && config.task_comments.is_none() {
        return None;
    }
    let variables = call.state.variables.masked();
    let scope = Scope { variables: &variables, ..call.scope() };
    let text = |template: &Option<Template>, chars_max| {
        template.as_ref().map(|template| scope.render_chars(template, chars_max)).unwrap_or_default()
    };
    Some(TaskText {
        subject: text(&config.task_subject, SUBJECT_CHARS_MAX),
        comments: text(&config.task_comments, COMMENTS_CHARS_MAX),
    })
}

impl Offering {
    /// Gives the leg that accepted, if one did.
    fn on_event(
        &mut self,
        config: &Config,
        event: &Event,
        call: &mut Call,
    ) -> ControlFlow<Exit, Option<DialId>> {
        let accepted = match event {
            Event::Ringing { dial } => {
                if self.position(*dial).is_some() {
                    call.waited();
                }
                None
            }
            Event::Answered { dial } => match self.leg(*dial) {
                Some(leg) => {
                    let verdict = leg.on_answered(config, call);
                    call.waited();
                    (verdict == Verdict::Accepted).then_some(*dial)
                }
                None => {
                    call.act(Action::HangUpDialled { dial: *dial });
                    None
                }
            },
            Event::Digit { party: Party::Dialled(dial), digit, .. } => {
                let verdict = self.leg(*dial).map(|leg| leg.on_key(config, *digit));
                (verdict == Some(Verdict::Accepted)).then_some(*dial)
            }
            Event::DialFailed { dial, cause, sip_code } => {
                self.leg_failed(*dial, *cause, *sip_code, call);
                None
            }
            Event::DialledHungUp { dial } => {
                self.leg_failed(*dial, DialFailure::Rejected, None, call);
                None
            }
            _ => self.on_time_or_playback(config, event, call),
        };
        if accepted.is_none() {
            self.go_on(config, call)?;
        }
        ControlFlow::Continue(accepted)
    }

    fn on_time_or_playback(&mut self, config: &Config, event: &Event, call: &mut Call) -> Option<DialId> {
        self.hear_ringback(event, call);
        let mut i = 0;
        while let Some(leg) = self.legs.get_mut(i) {
            match leg.on_event(config, event, call) {
                Verdict::Accepted => return Some(leg.dial),
                Verdict::Pending => i += 1,
                Verdict::RangOut => {
                    let leg = self.legs.remove(i);
                    call.waited();
                    leg.give_up(CancelReason::RangOut, call);
                    leg.note("no_answer", call);
                    // What a server's own CANCEL ends an INVITE with, RFC 3261 section 9.2.
                    self.fail(DialFailure::NoAnswer, Some(487));
                }
                Verdict::NotAccepted => {
                    let leg = self.legs.remove(i);
                    leg.give_up(CancelReason::StepEnded, call);
                    leg.note("not_accepted", call);
                    self.fail(DialFailure::NoAnswer, None);
                }
            }
        }
        None
    }

    fn hear_ringback(&mut self, event: &Event, call: &mut Call) {
        let Some(ringback) = &mut self.ringback else { return };
        match ringback.on_event(event, call) {
            Heard::Nothing => {}
            Heard::End => self.ringback = None,
            Heard::Failure(message) => {
                let step = call.step_id().to_owned();
                let code = "audio_failed".to_owned();
                call.act(Action::Log(LogEvent::StepError { step, code, message }));
                self.ringback = None;
            }
        }
    }

    /// The next one is rung, or the step is left when there is nobody any more.
    fn go_on(&mut self, config: &Config, call: &mut Call) -> ControlFlow<Exit> {
        if call.now.instant >= self.until {
            self.waiting.clear();
        }
        if self.legs.is_empty() && !self.waiting.is_empty() {
            self.ring_next(config, call);
        }
        if self.legs.is_empty() {
            if let Some(ringback) = self.ringback.take() {
                ringback.stop(call);
            }
            return self.leave(call);
        }
        ControlFlow::Continue(())
    }

    fn ring_next(&mut self, config: &Config, call: &mut Call) {
        while let Some(target) = self.waiting.pop_front() {
            self.legs.push(Leg::ring(target, config, self.until, call));
            if config.order == Order::Sequential {
                break;
            }
        }
    }

    fn connect(&mut self, dial: DialId, config: &Config, call: &mut Call) -> Dial {
        let now = call.now.instant;
        for leg in std::mem::take(&mut self.legs) {
            if leg.dial == dial {
                leg.hush(config, call);
                leg.note("answered", call);
                let agent = match &leg.target {
                    DialTarget::User(id) => id.clone(),
                    DialTarget::Number(_) | DialTarget::Sip(_) => String::new(),
                };
                call.state.agent_id = (!agent.is_empty()).then(|| agent.clone());
                call.set_own("dial.agentId", agent);
            } else {
                leg.give_up(CancelReason::AnsweredElsewhere, call);
                leg.note("answered_elsewhere", call);
            }
        }
        call.set_own("dial.result", "answered");
        call.set_own("dial.sipCode", "200");
        call.set_own("dial.ringSec", (now - self.since).as_secs().to_string());
        if let Some(ringback) = self.ringback.take() {
            ringback.stop(call);
        }
        call.answer();
        call.listen(false);
        call.state.keys.clear();
        call.act(Action::Connect { dial });
        if config.hand_over == HandOver::Attended {
            call.act(Action::HandOver { dial, target: None });
        }
        call.state.conversations = call.state.conversations.saturating_add(1);
        call.state.talking_since = Some(now);
        Dial::Talking { dial, since: now, until: config.max_talk.map(|limit| now + limit) }
    }

    fn leg_failed(&mut self, dial: DialId, cause: DialFailure, sip_code: Option<u16>, call: &mut Call) {
        let Some(i) = self.position(dial) else { return };
        let leg = self.legs.remove(i);
        if leg.rang_for(call.now.instant) >= WAITED_AFTER {
            call.waited();
        }
        leg.note(result_name(cause), call);
        if cause == DialFailure::Unavailable {
            self.waiting.extend(self.fallback.drain(..));
        }
        self.fail(cause, sip_code);
    }

    fn fail(&mut self, cause: DialFailure, sip_code: Option<u16>) {
        if self.best.is_none_or(|(known, _)| nearness(cause) > nearness(known)) {
            self.best = Some((cause, sip_code));
        }
    }

    fn leave<T>(&self, call: &mut Call) -> ControlFlow<Exit, T> {
        let (cause, sip_code) = self.best.unwrap_or((DialFailure::Unavailable, None));
        leave_failed(cause, sip_code, self.since, call)
    }

    fn next_timeout(&self) -> Option<Instant> {
        let ringback = self.ringback.as_ref().and_then(Playing::next_timeout);
        self.legs.iter().map(Leg::next_timeout).chain(ringback).min()
    }

    fn position(&self, dial: DialId) -> Option<usize> {
        self.legs.iter().position(|leg| leg.dial == dial)
    }

    fn leg(&mut self, dial: DialId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.dial == dial)
    }
}

/// Nobody was reached: leaves by the port that says why.
pub(super) fn leave_failed<T>(
    cause: DialFailure,
    sip_code: Option<u16>,
    since: Instant,
    call: &mut Call,
) -> ControlFlow<Exit, T> {
    call.set_own("dial.result", result_name(cause));
    call.set_own("dial.sipCode", sip_code.map(|code| code.to_string()).unwrap_or_default());
    call.set_own("dial.ringSec", (call.now.instant - since).as_secs().to_string());
    call.set_own("dial.talkSec", "0");
    leave(match cause {
        DialFailure::NoAnswer => Port::NoAnswer,
        DialFailure::Busy => Port::Busy,
        DialFailure::Rejected => Port::Rejected,
        DialFailure::Unavailable => Port::Unavailable,
        DialFailure::Failed => Port::Failed,
    })
}

/// Of several legs that failed differently, the one that came nearest to a person names the way out.
fn nearness(cause: DialFailure) -> u8 {
    match cause {
        DialFailure::NoAnswer => 5,
        DialFailure::Busy => 4,
        DialFailure::Rejected => 3,
        DialFailure::Failed => 2,
        DialFailure::Unavailable => 1,
    }
}

pub(super) fn result_name(cause: DialFailure) -> &'static str {
    match cause {
        DialFailure::Busy => "busy",
        DialFailure::Rejected => "rejected",
        DialFailure::NoAnswer => "no_answer",
        DialFailure::Unavailable => "unavailable",
        DialFailure::Failed => "failed",
    }
}
