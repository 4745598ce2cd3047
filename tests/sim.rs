//! The whole core under a virtual clock: the real switchboard and the real media engines, model phones, and a
//! network that loses, delays, reorders and repeats. One seed decides all; a failure prints it and how to run
//! it again.

use bytes::Bytes;
use cordboard::audio::Codec;
use cordboard::call::record::EndReason;
use cordboard::clock::Instant;
use cordboard::ids::Random;
use sim::network::Network;
use sim::oracle::{self, Interference};
use sim::script::{KeyBy, Media, Script, ms};
use sim::world::{Order, Settings, World};
use sim::{cases, house, log};
use std::net::SocketAddr;
use std::time::Duration;

mod sim {
    pub mod cases;
    pub mod house;
    pub mod log;
    pub mod network;
    pub mod oracle;
    pub mod phone;
    pub mod script;
    pub mod voice;
    pub mod wire;
    pub mod world;
}

/// A number from the environment.
fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is \"{text}\", which is no number")),
        Err(_) => otherwise,
    }
}

/// The seeds of a test, or the one that `SIM_SEED` names.
fn seeds(usual: std::ops::Range<u64>) -> std::ops::Range<u64> {
    if std::env::var_os("SIM_SEED").is_none() {
        return usual;
    }
    let seed = setting("SIM_SEED", 0);
    seed..seed + 1
}

/// Says how to run again what failed, a panic in the server's own code included.
struct Again {
    test: &'static str,
    seed: u64,
}

impl Drop for Again {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("\nto run it again: SIM_SEED={} cargo test --test sim {}", self.seed, self.test);
        }
    }
}

impl Again {
    #[track_caller]
    fn check(&self, faults: &[String]) {
        assert!(faults.is_empty(), "seed {}: {} faults\n{}", self.seed, faults.len(), faults.join("\n"));
    }
}

/// Runs until the last timer of the last call must be over.
fn run_out(world: &mut World) {
    let end = world.last_dial() + Duration::from_secs(240 + 600);
    world.run(end);
}

fn settings(seed: u64, network: Network) -> Settings {
    Settings {
        seed,
        network,
        port_pairs: 2_000,
        between_calls: Duration::from_millis(50),
        keeps_audio: false,
    }
}

#[test]
fn a_thousand_calls_on_a_bad_network_leave_nothing_and_one_record_each() {
    let calls = setting("SIM_CALLS", 1_000) as usize;
    let with_media = setting("SIM_MEDIA_CALLS", 50) as usize;
    for seed in seeds(1..2) {
        let again = Again { test: "a_thousand_calls", seed };
        let mut random = Random::from_seed(seed);
        let network = Network { loss: 10, repeated: 5, delay_ms: 20, jitter_ms: 60 };
        let media_every = calls / with_media.max(1);
        let is_media = |call: usize| {
            media_every > 0 && call.is_multiple_of(media_every) && call / media_every < with_media
        };
        let scripts = (0..calls).map(|call| Script::random(&mut random, is_media(call))).collect();
        let between_calls = Duration::from_millis(20);
        let mut world =
            World::new(Settings { port_pairs: 16_000, between_calls, ..settings(seed, network) }, scripts);
        run_out(&mut world);
        println!(
            "{calls} calls ({with_media} with media), seed {seed}: {:?} of virtual time, {} events, {} RTP packets, {} records",
            world.now,
            world.events,
            world.wire.packets,
            world.records.len()
        );
        let faults = oracle::faults(&mut world, Interference::default());
        again.check(&faults);
    }
}

#[test]
fn thirty_per_cent_loss_leaves_nothing_and_one_record_each() {
    for seed in seeds(1..9) {
        let again = Again { test: "thirty_per_cent_loss", seed };
        let mut random = Random::from_seed(seed);
        let network = Network { loss: 30, ..Network::some(&mut random, 30) };
        let scripts = (0..60).map(|call| Script::random(&mut random, call % 3 == 0)).collect();
        let mut world = World::new(settings(seed, network), scripts);
        run_out(&mut world);
        let faults = oracle::faults(&mut world, Interference::default());
        again.check(&faults);
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in seeds(1..4) {
        let again = Again { test: "the_same_seed", seed };
        let run = || {
            let mut random = Random::from_seed(seed);
            let network = Network::some(&mut random, 30);
            let scripts = (0..40).map(|call| Script::random(&mut random, call % 2 == 0)).collect();
            let mut world = World::new(settings(seed, network), scripts);
            world.at(world.last_dial(), Order::Stop);
            run_out(&mut world);
            (world.events, world.trace())
        };
        let (first, second) = (run(), run());
        if first != second {
            again.check(&[format!("{first:?} and {second:?}")]);
        }
    }
}

#[test]
fn on_a_good_network_every_call_goes_as_it_must() {
    for seed in seeds(1..7) {
        let again = Again { test: "on_a_good_network", seed };
        let cases = cases::all();
        let scripts = cases.iter().map(|case| case.script.clone()).collect();
        let network = Network { delay_ms: [1, 20, 80][(seed % 3) as usize], ..Network::PERFECT };
        let mut world = World::new(Settings { keeps_audio: true, ..settings(seed, network) }, scripts);
        run_out(&mut world);
        let mut faults = oracle::faults(&mut world, Interference::default());
        faults.extend(cases.iter().enumerate().flat_map(|(call, case)| case.faults(&world, call)));
        again.check(&faults);
    }
}

#[test]
fn agents_who_vanish_in_a_conversation_are_noticed_and_named() {
    for seed in seeds(1..7) {
        let again = Again { test: "agents_who_vanish", seed };
        let mut random = Random::from_seed(seed);
        let network = Network { loss: 0, ..Network::some(&mut random, 0) };
        let script = |random: &mut Random| {
            let mut script = Script::new(house::MAIN, Media::Full { codec: Codec::Pcmu, ptime_ms: 20 });
            script.caller.keys.push((ms(1_200), '1', KeyBy::Info));
            script.first.crashes = Some(ms(u64::from(random.below(8_000))));
            script
        };
        let scripts: Vec<_> = (0..30).map(|_| script(&mut random)).collect();
        let mut world = World::new(settings(seed, network), scripts);
        run_out(&mut world);
        let mut faults = oracle::faults(&mut world, Interference::default());
        for record in &world.records {
            let agent = record.outcome.as_ref().and_then(|outcome| outcome.agent_id.as_deref());
            if (record.end_reason, agent.is_some()) != (EndReason::AgentVanished, true)
                || record.duration_sec > 50.0
            {
                let (reason, seconds) = (record.end_reason, record.duration_sec);
                faults.push(format!("{} ended by {reason:?} after {seconds} s", record.sip_call_id));
            }
        }
        again.check(&faults);
    }
}

#[test]
fn a_stop_in_the_middle_ends_all_calls_at_once() {
    for seed in seeds(1..7) {
        let again = Again { test: "a_stop_in_the_middle", seed };
        let mut random = Random::from_seed(seed);
        let network = Network::some(&mut random, 20);
        let scripts = (0..80).map(|call| Script::random(&mut random, call % 4 == 0)).collect();
        let mut world = World::new(settings(seed, network), scripts);
        let stop = Instant::from_millis(1_000 + u64::from(random.below(5_000)));
        world.at(stop, Order::Stop);
        world.run(stop + Duration::from_millis(100));
        let mut faults = Vec::new();
        let (calls, lent) = (world.switchboard.counts().calls, world.switchboard.counts().ports_lent);
        if (calls, lent) != (0, 0) {
            faults.push(format!("{calls} calls and {lent} ports are left after the stop"));
        }
        run_out(&mut world);
        faults.extend(oracle::faults(&mut world, Interference { refuses: true, stops: true }));
        if !world.records.iter().any(|record| record.end_reason == EndReason::ServerStopped) {
            faults.push("no call was under way when the server stopped".to_owned());
        }
        again.check(&faults);
    }
}

#[test]
fn a_drain_refuses_new_calls_and_lets_the_others_end_on_the_flows_they_began_with() {
    for seed in seeds(1..7) {
        let again = Again { test: "a_drain", seed };
        let mut random = Random::from_seed(seed);
        let network = Network::some(&mut random, 20);
        let scripts = (0..80).map(|call| Script::random(&mut random, call % 4 == 0)).collect();
        let mut world = World::new(settings(seed, network), scripts);
        let (swap, drain) = (Instant::from_millis(1_500), Instant::from_millis(3_000));
        world.at(swap, Order::Snapshot(house::snapshot(2, 80)));
        world.at(drain, Order::Drain);
        run_out(&mut world);
        let mut faults = oracle::faults(&mut world, Interference { refuses: true, stops: false });
        for record in &world.records {
            let start = world.since_beginning(record.start);
            let version = if start < swap { 1 } else { 2 };
            let refused = record.sip_code == Some(503) && record.end_reason == EndReason::Rejected;
            if record.version.is_some_and(|found| found != version) || refused != (start >= drain) {
                faults.push(format!("{} began at {start:?}: {record:?}", record.sip_call_id));
            }
        }
        again.check(&faults);
    }
}

#[test]
fn where_ports_run_out_calls_are_refused_and_every_port_comes_back() {
    for seed in seeds(1..7) {
        let again = Again { test: "where_ports_run_out", seed };
        let mut random = Random::from_seed(seed);
        let network = Network::some(&mut random, 20);
        let scripts = (0..80).map(|call| Script::random(&mut random, call % 4 == 0)).collect();
        let mut world = World::new(Settings { port_pairs: 12, ..settings(seed, network) }, scripts);
        run_out(&mut world);
        let mut faults = oracle::faults(&mut world, Interference { refuses: true, stops: false });
        let refused = world.records.iter().filter(|record| record.sip_code == Some(503)).count();
        if refused == 0 || refused == world.records.len() {
            faults.push(format!("{refused} of {} calls were refused", world.records.len()));
        }
        again.check(&faults);
    }
}

#[test]
fn strangers_and_noise_leave_no_trace() {
    for seed in seeds(1..4) {
        let again = Again { test: "strangers_and_noise", seed };
        let mut random = Random::from_seed(seed);
        let scripts = (0..20).map(|call| Script::random(&mut random, call % 4 == 0)).collect();
        let mut world = World::new(settings(seed, Network::PERFECT), scripts);
        for n in 0..300u32 {
            let at = Instant::from_millis(u64::from(random.below(3_000)));
            let source = SocketAddr::from(([192, 0, 2, (n % 5) as u8], 5_060));
            let invite = format!(
                "INVITE sip:+15550100@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bKx{n}\r\n\
                 From: <sip:x@192.0.2.1>;tag=x\r\nTo: <sip:y@10.0.0.1>\r\nCall-ID: stranger-{n}\r\n\
                 CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:x@{source}>\r\nContent-Length: 0\r\n\r\n"
            );
            let length = if n % 2 == 0 { invite.len() } else { random.below(invite.len() as u32) as usize };
            let bytes = Bytes::copy_from_slice(&invite.as_bytes()[..length]);
            world.at(at, Order::Stranger(source, bytes));
        }
        run_out(&mut world);
        let faults = oracle::faults(&mut world, Interference::default());
        again.check(&faults);
    }
}

#[test]
fn no_line_of_the_log_has_a_whole_number() {
    const CALLS: usize = 300;
    for seed in seeds(1..2) {
        let _again = Again { test: "no_line_of_the_log", seed };
        let log = log::of(|| {
            let mut random = Random::from_seed(seed);
            let scripts = (0..CALLS).map(|call| Script::random(&mut random, call % 10 == 0)).collect();
            let network = Network { loss: 5, ..Network::some(&mut random, 30) };
            run_out(&mut World::new(settings(seed, network), scripts));
        });
        for line in ["routed", "call ended", "call refused", "trouble", "a look-up failed"] {
            assert!(log.contains(line), "no line says \"{line}\"");
        }
        // What is found of a number is enough to tell one's own.
        for four in ["\u{2026}0100", "\u{2026}9999"] {
            assert!(log.contains(four), "{four} is not shown");
        }
        let numbers =
            [house::MAIN, house::ECHO, house::DIRECT, house::BY_NAME, house::ON_HOLD, house::NOBODY];
        let numbers = numbers.map(str::to_owned).into_iter().chain((0..CALLS).map(house::caller_number));
        for number in numbers {
            let digits = number.trim_start_matches('+');
            let line = log.lines().find(|line| line.contains(digits));
            assert_eq!(line, None, "{number} is shown");
        }
    }
}
