//! `make bench`: the server on one core, the load on the other, over loopback.
//!
//! Prints a table and writes target/bench.json. CPU figures are the server's own, all threads, as the kernel
//! accounts them (/proc/PID/task/*/schedstat), so that they hold while the machine is noisy. Nothing is asserted.
//!
//! `bench [short] [prompt] [bridged] [key] [floor] [steps] [snapshot] [swap] [records] [pages] [--rate N] [--peer PID]`: only these parts; and of another
//! server that is running (docs/bench.md), in place of ours.

#![allow(clippy::disallowed_methods, reason = "a load generator: it owns sockets and reads clocks")]

mod floor;
mod flow;
mod media;
mod pages;
mod server;
mod signalling;
mod store;

use serde_json::{Value, json};
use server::Server;
use std::time::Duration;

/// Calls at one time in the media measurements.
const CALLS: usize = 100;
/// Each media measurement lasts so long.
const MEASURE: Duration = Duration::from_secs(10);
/// Short calls a second for the CPU of one, unless `--rate` says another: as many as the best peer carries.
const MODERATE: u32 = 450;

type Part = fn(&mut Report);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "floor-process") {
        return floor::run(&arguments[1..]);
    }
    server::pin_self(1);
    let parts: [(&str, Part); 10] = [
        ("short", report_short_calls),
        ("prompt", report_prompt_calls),
        ("bridged", report_bridged_calls),
        ("key", report_keys),
        ("floor", report_floor),
        ("steps", flow::report_steps),
        ("snapshot", flow::report_snapshot),
        ("swap", flow::report_swap),
        ("records", store::report_records),
        ("pages", store::report_pages),
    ];
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !parts.iter().any(|(name, _)| named(name));
    println!("{:<52} {:>12} {:<14} bar", "figure", "value", "unit");
    let mut report = Report::default();
    for (_, part) in parts.iter().filter(|(name, _)| all || named(name)) {
        part(&mut report);
    }
    if all && server::argument("--peer").is_none() {
        report.write("target/bench.json");
    }
}

/// What is printed and written.
#[derive(Default)]
struct Report(serde_json::Map<String, Value>);

impl Report {
    fn put(&mut self, name: &str, value: f64, digits: i32, unit: &str, bar: &str) {
        let value = (value * 10f64.powi(digits)).round() / 10f64.powi(digits);
        println!("{name:<52} {value:>12} {unit:<14} {bar}");
        self.0.insert(name.to_owned(), json!({ "value": value, "unit": unit, "bar": bar }));
    }

    fn write(self, path: &str) {
        let text = serde_json::to_string_pretty(&Value::Object(self.0)).unwrap_or_default();
        if let Err(error) = std::fs::write(path, text) {
            eprintln!("{path} cannot be written: {error}");
        }
    }
}

fn report_short_calls(report: &mut Report) {
    let (rate, cpu) = short_calls();
    report.put("short calls without a retransmission", rate.into(), 0, "calls/s", "peers 474, 189");
    report.put("CPU per 1,000 short calls", cpu, 3, "s", "<= 0.2 (peers 1.6, 4.1)");
}

fn report_prompt_calls(report: &mut Report) {
    let prompt = media_calls("prompt", media::Calls::prompt);
    let unit = "% of a core";
    report.put("CPU of 100 prompt calls that send audio", prompt.cpu, 1, unit, "<= 11.5 (peers 51, 46)");
    report.put("memory per prompt call", prompt.kib, 1, "KiB", "<= 30 (peers 156, 537)");
    let bars = ["peers 0.04, 0.3", "peers 2.9, 6", "<= 5 (peers 11, 21)"];
    for ((share, value), bar) in ["p50", "p99", "p99.9"].iter().zip(prompt.spacing).zip(bars) {
        report.put(&format!("spacing of prompt packets off 20 ms, {share}"), value, 3, "ms", bar);
    }
}

fn report_bridged_calls(report: &mut Report) {
    let bridged = media_calls("bridged", media::Calls::bridged);
    report.put("CPU of 100 bridged calls", bridged.cpu, 1, "% of a core", "<= 16 (peers 64, 83)");
    report.put("memory per bridged call", bridged.kib, 1, "KiB", "<= 50 (peers 463, 819)");
    report.put("delay of the bridge, p50", bridged.delay[0], 3, "ms", "peers 0.12, 11.8");
    report.put("delay of the bridge, p99", bridged.delay[1], 3, "ms", "peers 1.4, 26");
}

fn report_keys(report: &mut Report) {
    let answer = key_to_prompt();
    let name = "first packet of a key to the next prompt";
    report.put(&format!("{name}, p50"), answer[0], 3, "ms", "peers 0.40, 34 (from its end)");
    report.put(&format!("{name}, p99"), answer[1], 3, "ms", "peers 1.3");
}

fn report_floor(report: &mut Report) {
    report.put("kernel floor of 1,000 short calls", floor::short_calls(), 3, "s", "was 0.03");
    let unit = "% of a core";
    report.put("kernel floor of the prompt packets", floor::packets(CALLS) * 100.0, 1, unit, "was 4");
    report.put("kernel floor of the bridged packets", floor::packets(CALLS * 2) * 100.0, 1, unit, "was 8");
    report.put("lateness of a bare timer on this machine, p99.9", floor::lateness(), 3, "ms", "");
}

/// The highest rate without a retransmission, and CPU seconds for 1,000 calls at a moderate rate.
fn short_calls() -> (u32, f64) {
    let server = Server::start("short");
    signalling::run(&server, rate() * 2, rate());
    let cpu = cpu_of_short_calls(&server);
    let mut best = 0;
    for rate in [
        150, 200, 250, 300, 350, 400, 450, 500, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000, 2_400,
        2_800, 3_200, 3_600, 4_000,
    ] {
        let result = signalling::run(&server, rate * 3, rate);
        if result.failed > 0 || result.retransmissions > 0 || result.rate < f64::from(rate) * 0.95 {
            break;
        }
        best = rate;
    }
    (best, cpu)
}

/// CPU seconds for 1,000 calls at a moderate rate.
fn cpu_of_short_calls(server: &Server) -> f64 {
    let rate = rate();
    let (before, count) = (server.cpu(), rate * 15);
    let result = signalling::run(server, count, rate);
    if result.failed > 0 {
        eprintln!("{} of {count} calls failed at {rate}/s", result.failed);
    }
    (server.cpu() - before).as_secs_f64() / f64::from(count) * 1_000.0
}

struct Media {
    /// Percent of a core.
    cpu: f64,
    kib: f64,
    spacing: [f64; 3],
    delay: [f64; 2],
}

fn media_calls(name: &str, set_up: fn(&Server, usize) -> media::Calls) -> Media {
    let server = Server::start(name);
    // A first round, so that pools have grown and what is measured is what calls cost.
    let warm = set_up(&server, 20);
    warm.run(Duration::from_secs(1), &mut media::Seen::default());
    warm.end();
    let empty = server.resident();
    let calls = set_up(&server, CALLS);
    calls.run(Duration::from_secs(2), &mut media::Seen::default());
    let (full, before) = (server.resident(), server.cpu());
    let mut seen = media::Seen::default();
    let took = calls.run(MEASURE, &mut seen);
    let cpu = (server.cpu() - before).as_secs_f64() / took.as_secs_f64() * 100.0;
    calls.end();
    let (spacing, delay) = (seen.spacing_percentiles(), seen.delay_percentiles());
    Media { cpu, kib: full.saturating_sub(empty) as f64 / CALLS as f64, spacing, delay }
}

fn key_to_prompt() -> [f64; 2] {
    let server = Server::start("key");
    let mut waits: Vec<f64> = (0..100).map(|_| media::key_to_prompt(&server)).collect();
    waits.sort_by(f64::total_cmp);
    [waits[waits.len() / 2], waits[waits.len() - 1 - waits.len() / 100]]
}

fn rate() -> u32 {
    server::argument("--rate").unwrap_or(MODERATE)
}
