//! Two endpoints that talk to each other over a network that loses, repeats and reorders.

use super::*;
use std::collections::BTreeMap;

/// How bad the network is, in per cent.
#[derive(Clone, Copy)]
struct Network {
    loss: u32,
    repeat: u32,
    delay_ms_max: u32,
}

struct World {
    sides: [Endpoint; 2],
    now: Instant,
    network: Network,
    random: Random,
    /// Datagrams under way: receiver and bytes, by the time of their arrival.
    flying: BTreeMap<(Instant, u64), (usize, Bytes)>,
    flown: u64,
    events: [Vec<Event>; 2],
}

impl World {
    fn new(seed: u64, network: Network) -> Self {
        World {
            sides: [endpoint(seed, ours()), endpoint(seed + 1_000_000, peer())],
            now: Instant::ZERO,
            network,
            random: Random::from_seed(seed),
            flying: BTreeMap::new(),
            flown: 0,
            events: [Vec::new(), Vec::new()],
        }
    }

    /// Lets one side act, and takes what it wants done.
    fn act(&mut self, side: usize, act: impl FnOnce(&mut Endpoint, Instant, &mut Vec<Action>)) {
        let mut actions = Vec::new();
        act(&mut self.sides[side], self.now, &mut actions);
        for action in actions {
            match action {
                Action::SendDatagram { bytes, .. } => self.post(1 - side, bytes),
                Action::Event(event) => self.events[side].push(event),
                other => panic!("{other:?}"),
            }
        }
    }

    fn post(&mut self, to: usize, bytes: Bytes) {
        if self.random.below(100) < self.network.loss {
            return;
        }
        let copies = if self.random.below(100) < self.network.repeat { 2 } else { 1 };
        for _ in 0..copies {
            let delay = u64::from(self.random.below(self.network.delay_ms_max + 1));
            self.flown += 1;
            self.flying.insert((self.now + Duration::from_millis(delay), self.flown), (to, bytes.clone()));
        }
    }

    /// Runs until nothing is under way and `until` is reached; the room of each side reacts by `room`.
    fn run(&mut self, until: Instant, mut room: impl FnMut(&mut World, usize, Event)) {
        loop {
            for side in 0..2 {
                for event in std::mem::take(&mut self.events[side]) {
                    room(self, side, event);
                }
            }
            if self.events.iter().any(|events| !events.is_empty()) {
                continue;
            }
            let arrival = self.flying.keys().next().map(|(at, _)| *at);
            let timers = self.sides.iter().filter_map(Endpoint::next_timeout).min();
            let Some(next) = arrival.into_iter().chain(timers).min().filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if arrival == Some(next)
                && let Some((_, (to, bytes))) = self.flying.pop_first()
            {
                let source = if to == 0 { peer() } else { ours() };
                self.act(to, |endpoint, now, actions| {
                    let input = Input::Datagram { listener: UDP, source, bytes: &bytes, admitted: true };
                    endpoint.handle(now, input, actions);
                });
            }
            for side in 0..2 {
                if self.sides[side].next_timeout().is_some_and(|due| due <= self.now) {
                    self.act(side, |endpoint, now, actions| endpoint.handle_timeout(now, actions));
                }
            }
        }
    }
}

/// How the call goes.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Script {
    CallerHangsUp,
    CalleeHangsUp,
    BothHangUp,
    CallerGivesUp,
    CalleeRejects,
}

/// What each side believes at the end: `None` no call, `Some(true)` answered and ended.
fn play(seed: u64, script: Script, network: Network) -> (bool, bool) {
    let mut world = World::new(seed, network);
    let mut dialog = DialogId(0);
    world.act(0, |endpoint, now, actions| dialog = endpoint.invite(now, outgoing(), actions));
    let mut ended = [0u32; 2];
    let mut answered = [false; 2];
    let mut callee = None;
    world.run(Instant::from_millis(400_000), |world, side, event| match event {
        Event::Invite { dialog, .. } => {
            assert_eq!(callee, None, "one INVITE makes one call");
            callee = Some(dialog);
            world.act(side, |endpoint, now, actions| {
                endpoint.ring(now, dialog, 180, "", None, actions);
                match script {
                    Script::CalleeRejects => endpoint.reject(now, dialog, 486, "", &[], actions),
                    Script::CallerGivesUp if seed.is_multiple_of(2) => {}
                    _ => endpoint.answer(now, dialog, &[], None, actions),
                }
            });
            answered[1] |= script != Script::CalleeRejects
                && !(script == Script::CallerGivesUp && seed.is_multiple_of(2));
            ended[1] += u32::from(script == Script::CalleeRejects);
        }
        Event::Provisional { dialog, .. } if script == Script::CallerGivesUp => {
            world.act(side, |endpoint, now, actions| endpoint.cancel(now, dialog, None, actions));
        }
        Event::Provisional { .. } => {}
        Event::Answered { dialog, .. } => {
            answered[0] = true;
            if script != Script::CalleeHangsUp {
                ended[0] += 1;
                world.act(side, |endpoint, now, actions| endpoint.bye(now, dialog, None, actions));
            }
        }
        Event::Acknowledged { dialog, .. }
            if matches!(script, Script::CalleeHangsUp | Script::BothHangUp) =>
        {
            ended[1] += 1;
            world.act(side, |endpoint, now, actions| endpoint.bye(now, dialog, None, actions));
        }
        Event::Acknowledged { .. } => {}
        Event::NotAcknowledged { dialog } => {
            ended[side] += 1;
            world.act(side, |endpoint, now, actions| endpoint.bye(now, dialog, None, actions));
        }
        Event::Bye { .. } | Event::Failed { .. } | Event::Cancelled { .. } => ended[side] += 1,
        other => panic!("{other:?}"),
    });
    for (side, ended) in ended.into_iter().enumerate() {
        let known = side == 0 || callee.is_some();
        // One that hangs up hears nothing more; a call that rings for ever is the room's to end.
        if known && ended == 0 {
            let dialog = if side == 0 { Some(dialog) } else { callee };
            assert!(side == 1 || network.loss > 0, "seed {seed} {script:?}");
            if let Some(dialog) = dialog {
                world.act(side, |endpoint, now, actions| endpoint.bye(now, dialog, None, actions));
            }
        } else {
            assert!(ended <= 1, "seed {seed} {script:?} side {side} ended {ended} times");
        }
    }
    let end = world.now + Duration::from_secs(200);
    world.run(end, |_, _, _| {});
    for (side, endpoint) in world.sides.iter().enumerate() {
        assert_eq!(endpoint.counts(), Counts::default(), "seed {seed} {script:?} side {side}");
    }
    (answered[0], answered[1])
}

#[test]
fn reinvites_that_cross_are_491_on_both_sides_and_the_call_goes_on() {
    let mut world = World::new(3, Network { loss: 0, repeat: 0, delay_ms_max: 0 });
    world.act(0, |endpoint, now, actions| {
        endpoint.invite(now, outgoing(), actions);
    });
    let mut refused = [0; 2];
    let mut dialogs = [None; 2];
    world.run(Instant::from_millis(10_000), |world, side, event| match event {
        Event::Invite { dialog, .. } => {
            dialogs[side] = Some(dialog);
            world.act(side, |endpoint, now, actions| endpoint.answer(now, dialog, &[], None, actions));
        }
        Event::Answered { dialog, .. } => dialogs[side] = Some(dialog),
        // Both ends are up: both send at the same moment.
        Event::Acknowledged { .. } => {
            for (side, dialog) in dialogs.into_iter().enumerate() {
                let Some(dialog) = dialog else { panic!("side {side}") };
                world.act(side, |endpoint, now, actions| {
                    endpoint.request(now, dialog, rsip::Method::Invite.into(), &[], None, actions);
                });
            }
        }
        Event::Response { response: Ok(response), .. } => {
            assert_eq!(response.code(), 491);
            refused[side] += 1;
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(refused, [1, 1]);
    let Some(dialog) = dialogs[0] else { panic!("caller") };
    world.act(0, |endpoint, now, actions| endpoint.bye(now, dialog, None, actions));
    let mut byes = 0;
    world.run(Instant::from_millis(100_000), |_, _, event| {
        byes += u32::from(matches!(event, Event::Bye { .. }))
    });
    assert_eq!(byes, 1);
    assert!(world.sides.iter().all(|endpoint| endpoint.counts() == Counts::default()));
}

const SCRIPTS: [Script; 5] = [
    Script::CallerHangsUp,
    Script::CalleeHangsUp,
    Script::BothHangUp,
    Script::CallerGivesUp,
    Script::CalleeRejects,
];

#[test]
fn calls_over_a_good_network_are_set_up_and_ended_without_one_retransmission() {
    let network = Network { loss: 0, repeat: 0, delay_ms_max: 0 };
    for script in SCRIPTS {
        play(1, script, network);
    }
    let mut world = World::new(1, network);
    world.act(0, |endpoint, now, actions| {
        endpoint.invite(now, outgoing(), actions);
    });
    world.run(Instant::from_millis(100_000), |world, side, event| match event {
        Event::Invite { dialog, .. } => {
            world.act(side, |endpoint, now, actions| endpoint.answer(now, dialog, &[], None, actions));
        }
        Event::Answered { dialog, .. } => {
            world.act(side, |endpoint, now, actions| endpoint.bye(now, dialog, None, actions));
        }
        _ => {}
    });
    for endpoint in &world.sides {
        let counters = endpoint.counters();
        assert_eq!((counters.retransmissions_sent, counters.retransmissions_absorbed), (0, 0));
        assert_eq!(endpoint.counts(), Counts::default());
    }
}

#[test]
fn calls_over_a_bad_network_leave_nothing_behind_and_end_once() {
    for seed in 0..200 {
        let network = Network {
            loss: [0, 5, 15, 30][(seed % 4) as usize],
            repeat: 10,
            delay_ms_max: [0, 20, 700][(seed % 3) as usize],
        };
        for script in SCRIPTS {
            play(seed, script, network);
        }
    }
}

#[test]
fn with_15_per_cent_lost_every_call_is_answered() {
    let answered = (0..100)
        .filter(|seed| {
            let network = Network { loss: 15, repeat: 5, delay_ms_max: 50 };
            play(*seed, Script::CallerHangsUp, network) == (true, true)
        })
        .count();
    assert_eq!(answered, 100);
}
