//! What has to be so when a run is over, whatever the network and the phones did.

use super::house::{CALL_MAX, ECHO, INACTIVITY, NOBODY, Role};
use super::script::{Answer, Media, Oddities, Script};
use super::world::{World, call_id};
use cordboard::call::record::{CallRecord, EndReason};
use cordboard::call::switchboard::Counts;
use cordboard::clock::Now;
use cordboard::media::engine;
use cordboard::sip;
use std::collections::HashMap;
use std::time::Duration;

/// What beside phones and network ended calls in a run.
#[derive(Clone, Copy, Default)]
pub struct Interference {
    /// The server was told to drain or to stop, or has few ports: INVITEs are refused.
    pub refuses: bool,
    pub stops: bool,
}

/// All that is wrong; nothing where all is well. The world has run until everything was over.
pub fn faults(world: &mut World, interference: Interference) -> Vec<String> {
    let mut faults = std::mem::take(&mut world.wire.faults);
    nothing_is_left(world, &mut faults);
    records_fit(world, interference, &mut faults);
    phones_are_idle(world, &mut faults);
    faults
}

fn nothing_is_left(world: &mut World, faults: &mut Vec<String>) {
    let counts = world.switchboard.counts();
    if counts != Counts::default() {
        faults.push(format!("the switchboard keeps {counts:?}"));
    }
    let free = world.switchboard.ports_free();
    if free != world.settings.port_pairs {
        faults.push(format!("{free} of {} pairs of ports are free", world.settings.port_pairs));
    }
    for (thread, engine) in world.engines.iter().enumerate() {
        if engine.counts() != engine::Counts::default() || engine.next_timeout().is_some() {
            faults.push(format!("engine {thread} keeps {:?}", engine.counts()));
        }
    }
    // An entry that means nothing any more may wait in the heap; it must do nothing.
    while let Some(due) = world.switchboard.next_timeout() {
        let mut actions = Vec::new();
        let now = Now { instant: due, ..Now::default() };
        world.switchboard.handle_timeout(now, &mut actions);
        if !actions.is_empty() {
            faults.push(format!("a timer at {due:?} still did something"));
        }
    }
}

fn records_fit(world: &World, interference: Interference, faults: &mut Vec<String>) {
    let mut records: HashMap<&str, Vec<&CallRecord>> = HashMap::new();
    for record in &world.records {
        records.entry(&record.sip_call_id).or_default().push(record);
    }
    for (call, script) in world.scripts.iter().enumerate() {
        let of_call = records.remove(call_id(call).as_str()).unwrap_or_default();
        let expected = usize::from(world.invited[call]);
        if of_call.len() != expected {
            faults.push(format!("call {call} has {} records, not {expected}: {script:?}", of_call.len()));
        }
        for record in of_call {
            let loses = world.settings.network.loss > 0;
            if !may_end_by(script, record.end_reason, loses, interference) {
                let (reason, outcome) = (record.end_reason, &record.outcome);
                faults.push(format!("call {call} ended by {reason:?} ({outcome:?}): {script:?}"));
            }
            let longest = CALL_MAX + INACTIVITY + Duration::from_secs(40);
            if record.duration_sec > longest.as_secs_f64() || record.billed_sec > record.duration_sec {
                faults.push(format!("call {call} lasted {} s: {script:?}", record.duration_sec));
            }
        }
    }
    faults.extend(records.keys().map(|id| format!("a record of {id}, which nobody called")));
    let counters = world.switchboard.counters();
    if counters.invites != counters.ended + counters.rejected {
        faults.push(format!("calls do not add up: {counters:?}"));
    }
}

/// Whether a call may end so; a bad network makes some phones seem dead that are not.
fn may_end_by(script: &Script, reason: EndReason, loses: bool, interference: Interference) -> bool {
    let Script { number, caller, first, second } = script;
    let agents = [first, second];
    let silent = |media: Media| !matches!(media, Media::Signalling | Media::Full { .. });
    match reason {
        // Whoever waits loses patience in the end.
        EndReason::CallerHungUp => *number != NOBODY,
        EndReason::AgentHungUp => agents.iter().any(|agent| matches!(agent.answer, Answer::After(_))),
        EndReason::FlowEnded => *number != NOBODY && *number != ECHO,
        EndReason::CallerVanished => {
            caller.crashes.is_some() || loses || silent(caller.media) || is_odd(caller.oddities)
        }
        EndReason::AgentVanished => {
            loses || agents.iter().any(|a| a.crashes.is_some() || silent(a.media) || is_odd(a.oddities))
        }
        EndReason::NotAcknowledged => loses || caller.oddities.never_acknowledges || caller.crashes.is_some(),
        EndReason::Rejected => *number == NOBODY || caller.media == Media::Unknown || interference.refuses,
        EndReason::BadAnswer => caller.media == Media::NoOffer { answers: false },
        EndReason::ServerStopped => interference.stops,
        // Nobody steers or transfers calls in these runs.
        EndReason::OperatorHungUp | EndReason::Transferred | EndReason::InternalError => false,
    }
}

fn is_odd(oddities: Oddities) -> bool {
    oddities != Oddities::default()
}

fn phones_are_idle(world: &World, faults: &mut Vec<String>) {
    for phone in world.phones.iter().filter(|phone| !phone.crashed) {
        let (role, call, counts) = (phone.role, phone.call, phone.endpoint.counts());
        let conduct = &phone.conduct;
        // One that hears nothing of the end waits for ever.
        let only_rings = role != Role::Caller && !matches!(conduct.answer, Answer::After(_));
        let is_deaf = is_odd(conduct.oddities) || only_rings;
        if counts != sip::Counts::default() && !is_deaf {
            faults.push(format!("the phone {role:?} of call {call} keeps {counts:?}"));
        }
    }
}
