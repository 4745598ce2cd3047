//! Call records for tests and measurements: many, unlike each other, and the same in each run.

#![allow(dead_code, reason = "each test file uses its part")]

use cordboard::call::record::{CallRecord, EndReason, Key, LegRecord};
use cordboard::clock::Wall;
use cordboard::flow::{
    AbandonedTask, DialId, EndedBy, FinalStep, FlowName, Offer, Outcome, OutcomeKind, Visit,
};
use cordboard::ids::{CallIds, Random};
use cordboard::media::{DigitSource, Statistics};
use std::collections::BTreeMap;
use std::time::Duration;

/// 2026-11-23T00:00:00Z, when the first call came in.
pub const BEGIN: Wall = Wall::from_unix_seconds(1_795_392_000);

/// Every fifth call is one of an early version, whose ids were microseconds.
fn call_id(n: u64, start: Wall) -> String {
    match n % 5 {
        4 => format!("c{}", start.as_unix_micros()),
        _ => CallIds::new(Random::from_seed(!n)).next(start).to_string(),
    }
}

/// The record of the `n`th call: one each second, to 500 numbers and 200 flows, with 50 agents. One in ten is refused
/// before a flow begins.
pub fn record(n: u64) -> CallRecord {
    let mut random = Random::from_seed(n);
    let start = BEGIN + Duration::from_secs(n);
    let end = start + Duration::from_millis(30_000 + u64::from(random.below(60_000)));
    let number = format!("+155501{:05}", random.below(500));
    let from = format!("+1{}555{:04}", [212, 415, 617, 907][random.below(4) as usize], random.below(10_000));
    let outcome = (n % 10 != 9).then(|| outcome(n, start, end, &mut random));
    let agent = outcome.as_ref().and_then(|outcome| outcome.agent_id.clone());
    let end_reason = match &outcome {
        None => EndReason::Rejected,
        Some(outcome) if outcome.ended_by == EndedBy::Caller => EndReason::CallerHungUp,
        Some(_) => EndReason::FlowEnded,
    };
    let leg = |party: &str| LegRecord {
        party: party.to_owned(),
        codec: "PCMU",
        statistics: Statistics { packets_received: 1_500, packets_sent: 1_500, ..Statistics::default() },
    };
    CallRecord {
        call_id: call_id(n, start),
        call_key: random.token::<16>(),
        sip_call_id: format!("{}@carrier.example", random.token::<20>()),
        trunk: Some("carrier".to_owned()),
        source: "192.0.2.7:5060".to_owned(),
        to: number.clone(),
        number: outcome.is_some().then_some(number),
        flow_id: outcome.is_some().then(|| format!("flow-{}", random.below(200))),
        version: outcome.is_some().then_some(1 + (n % 3) as u32),
        to_raw: None,
        from_raw: n.is_multiple_of(3).then(|| from[1..].to_owned()),
        diverted_from: None,
        from,
        start,
        answer: outcome.is_some().then_some(start),
        end,
        duration_sec: (end.as_unix_micros() - start.as_unix_micros()) as f64 / 1e6,
        billed_sec: 0.0,
        sip_code: outcome.is_none().then_some(404),
        end_reason,
        reason: end_reason.sentence(agent.as_deref()),
        outcome,
        keys: (0..3)
            .map(|n| Key { digit: '1', source: DigitSource::Rfc4733, ms_from_start: n * 900 })
            .collect(),
        legs: std::iter::once("caller").chain(agent.as_deref()).map(leg).collect(),
        troubles: Vec::new(),
        failed_transfers: Vec::new(),
    }
}

/// The same as the line of JSON that the server writes.
pub fn document(n: u64) -> String {
    serde_json::to_string(&record(n)).unwrap()
}

/// Through a greeting, a menu, in every second call a sub-flow, to an agent or not.
fn outcome(n: u64, start: Wall, end: Wall, random: &mut Random) -> Outcome {
    const KINDS: [OutcomeKind; 8] = [
        OutcomeKind::Answered,
        OutcomeKind::Answered,
        OutcomeKind::Answered,
        OutcomeKind::AbandonedInFlow,
        OutcomeKind::AbandonedRinging,
        OutcomeKind::ShortAbandon,
        OutcomeKind::DisconnectedByFlow,
        OutcomeKind::LoopGuard,
    ];
    let kind = KINDS[random.below(8) as usize];
    let is_answered = kind == OutcomeKind::Answered;
    let is_abandoned = [OutcomeKind::AbandonedInFlow, OutcomeKind::AbandonedRinging].contains(&kind);
    let visit = |step: &str, port: &str, seconds: u64| Visit {
        flow: (step == "hours").then(|| FlowName { id: "opening".to_owned(), version: 7 }),
        step: step.to_owned(),
        port: Some(port.to_owned()),
        entered_at: (start + Duration::from_secs(seconds)).to_string(),
    };
    let mut path =
        vec![visit("welcome", "next", 0), visit("menu", ["1", "2", "no_input"][n as usize % 3], 4)];
    if n.is_multiple_of(2) {
        path.push(visit("hours", "open", 9));
    }
    path.push(Visit { port: None, ..visit("team", "", 10) });
    let agent_id = is_answered.then(|| format!("agent-{}", random.below(50)));
    let by_caller = is_abandoned || kind == OutcomeKind::ShortAbandon || n.is_multiple_of(4);
    Outcome {
        contact: None,
        call_task: None,
        outcome: kind,
        outcome_text: None,
        final_step: Some(FinalStep {
            flow: None,
            id: "team".to_owned(),
            name: "Ring the team".to_owned(),
            seconds_in: (end.as_unix_micros() - start.as_unix_micros()) as u64 / 1_000_000 - 10,
        }),
        path,
        offers: agent_id.iter().map(|agent| Offer::new(DialId(0), agent, 6, "answered")).collect(),
        agent_id,
        talk_sec: if is_answered { 20 } else { 0 },
        ended_by: if by_caller { EndedBy::Caller } else { EndedBy::Flow },
        vars: (0..6).map(|n| (format!("account.field_{n}"), "a value of usual length".to_owned())).collect(),
        tags: BTreeMap::from([("campaign".to_owned(), "autumn".to_owned())]),
        abandoned_task: is_abandoned.then(|| AbandonedTask {
            subject: format!("Missed call {n}"),
            comments: "Nobody spoke to the caller.".to_owned(),
            assign_to: n.is_multiple_of(2).then(|| "005xx0000012345".to_owned()),
        }),
    }
}
