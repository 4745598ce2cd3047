//! `make bench`: the server on one core, the load on the other, over loopback.
//!
//! Prints a table and writes target/bench.json. CPU figures are the server's own, all threads, as the kernel
//! accounts them (/proc/PID/task/*/schedstat), so that they hold while the machine is noisy. Nothing is asserted.

#![allow(clippy::disallowed_methods, reason = "a load generator: it owns sockets and reads clocks")]

mod floor;
mod media;
mod server;
mod signalling;

use serde_json::{Value, json};
use server::Server;
use std::time::Duration;

/// Calls at one time in the media measurements.
const CALLS: usize = 100;
/// Each media measurement lasts so long.
const MEASURE: Duration = Duration::from_secs(10);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|a| a == "floor") {
        return floor::run(&arguments[2..]);
    }
    server::pin_self(1);
    let mut figures = serde_json::Map::new();
    let mut put = |name: &str, value: Value, unit: &str, bar: &str| {
        println!("{name:<52} {value:>12} {unit:<14} {bar}");
        figures.insert(name.to_owned(), json!({ "value": value, "unit": unit, "bar": bar }));
    };
    println!("{:<52} {:>12} {:<14} bar", "figure", "value", "unit");

    let round = |x: f64, digits: i32| json!((x * 10f64.powi(digits)).round() / 10f64.powi(digits));
    let (rate, cpu) = short_calls();
    put("short calls without a retransmission", json!(rate), "calls/s", "peers 474, 189");
    put("CPU per 1,000 short calls", round(cpu, 3), "s", "<= 0.2 (peers 1.6, 4.1)");

    let prompt = prompt_calls();
    put(
        "CPU of 100 prompt calls that send audio",
        round(prompt.cpu * 100.0, 1),
        "% of a core",
        "<= 11.5 (peers 51, 46)",
    );
    put("memory per prompt call", round(prompt.kib, 1), "KiB", "<= 30 (peers 156, 537)");
    put("spacing of prompt packets off 20 ms, p50", round(prompt.spacing[0], 3), "ms", "peers 0.04, 0.3");
    put("spacing of prompt packets off 20 ms, p99", round(prompt.spacing[1], 3), "ms", "peers 2.9, 6");
    put(
        "spacing of prompt packets off 20 ms, p99.9",
        round(prompt.spacing[2], 3),
        "ms",
        "<= 5 (peers 11, 21)",
    );

    let bridged = bridged_calls();
    put("CPU of 100 bridged calls", round(bridged.cpu * 100.0, 1), "% of a core", "<= 16 (peers 64, 83)");
    put("memory per bridged call", round(bridged.kib, 1), "KiB", "<= 50 (peers 463, 819)");
    put("delay of the bridge, p50", round(bridged.delay[0], 3), "ms", "peers 0.12, 11.8");
    put("delay of the bridge, p99", round(bridged.delay[1], 3), "ms", "peers 1.4, 26");

    let answer = key_to_prompt();
    put(
        "first packet of a key to the next prompt, p50",
        round(answer[0], 3),
        "ms",
        "peers 0.40, 34 (from its end)",
    );
    put("first packet of a key to the next prompt, p99", round(answer[1], 3), "ms", "peers 1.3");

    put(
        "kernel floor of the prompt packets",
        round(floor::measure(CALLS, 1) * 100.0, 1),
        "% of a core",
        "was 4",
    );
    put(
        "kernel floor of the bridged packets",
        round(floor::measure(CALLS, 2) * 100.0, 1),
        "% of a core",
        "was 8",
    );
    let text = serde_json::to_string_pretty(&Value::Object(figures)).unwrap_or_default();
    if let Err(error) = std::fs::write("target/bench.json", text) {
        eprintln!("target/bench.json cannot be written: {error}");
    }
}

/// The highest rate without a retransmission, and CPU seconds for 1,000 calls at a moderate rate.
fn short_calls() -> (u32, f64) {
    let server = Server::start("short");
    signalling::run(&server, 500, 250);
    let before = server.cpu();
    let count = 5_000;
    let result = signalling::run(&server, count, 400);
    let cpu = (server.cpu() - before).as_secs_f64() / f64::from(count) * 1_000.0;
    assert_eq!(result.failed, 0, "a call failed at 400/s");
    let mut best = 0;
    for rate in [400, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000, 2_400, 2_800, 3_200, 3_600, 4_000] {
        let result = signalling::run(&server, rate * 3, rate);
        if result.failed > 0 || result.retransmissions > 0 || result.rate < f64::from(rate) * 0.95 {
            break;
        }
        best = rate;
    }
    (best, cpu)
}

struct Media {
    cpu: f64,
    kib: f64,
    spacing: [f64; 3],
    delay: [f64; 2],
}

fn prompt_calls() -> Media {
    let server = Server::start("prompt");
    // A first round, so that pools have grown and what is measured is what calls cost.
    let warm = media::Calls::prompt(&server, 20);
    warm.run(Duration::from_secs(1), &mut media::Seen::default());
    warm.end();
    let empty = server.resident();
    let calls = media::Calls::prompt(&server, CALLS);
    calls.run(Duration::from_secs(2), &mut media::Seen::default());
    let (full, before) = (server.resident(), server.cpu());
    let mut seen = media::Seen::default();
    let took = calls.run(MEASURE, &mut seen);
    let cpu = (server.cpu() - before).as_secs_f64() / took.as_secs_f64();
    calls.end();
    let spacing = seen.spacing_percentiles();
    Media { cpu, kib: per_call(empty, full, CALLS), spacing, delay: [0.0; 2] }
}

fn bridged_calls() -> Media {
    let server = Server::start("bridged");
    let warm = media::Calls::bridged(&server, 20);
    warm.run(Duration::from_secs(1), &mut media::Seen::default());
    warm.end();
    let empty = server.resident();
    let calls = media::Calls::bridged(&server, CALLS);
    calls.run(Duration::from_secs(2), &mut media::Seen::default());
    let (full, before) = (server.resident(), server.cpu());
    let mut seen = media::Seen::default();
    let took = calls.run(MEASURE, &mut seen);
    let cpu = (server.cpu() - before).as_secs_f64() / took.as_secs_f64();
    calls.end();
    Media { cpu, kib: per_call(empty, full, CALLS), spacing: [0.0; 3], delay: seen.delay_percentiles() }
}

fn per_call(empty: u64, full: u64, calls: usize) -> f64 {
    full.saturating_sub(empty) as f64 / calls as f64
}

fn key_to_prompt() -> [f64; 2] {
    let server = Server::start("key");
    let mut waits: Vec<f64> = (0..100).map(|_| media::key_to_prompt(&server)).collect();
    waits.sort_by(f64::total_cmp);
    [waits[waits.len() / 2], waits[waits.len() - 1 - waits.len() / 100]]
}
