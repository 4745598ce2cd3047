//! Five thousand INVITEs a second from strangers, and as many messages that are none: a trunk's calls go on being set up.

#![allow(clippy::disallowed_methods, reason = "a test talks to a real server: sockets, files, deadlines")]

mod support;

use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::caller::Caller;
use support::{Server, Setup, address};

const NUMBER: &str = "+15550921";
/// Datagrams a second of each kind.
const RATE: u32 = 5_000;
const SECONDS: u32 = 10;
/// Addresses that the second half of a flood comes from: those of a network, or forged ones. The first half comes from one.
const SOURCES: u8 = 250;
/// What the server may grow by, in KiB. Its tables of sources have room for 8,192 each, some 2 MiB together, and one kept
/// transaction for each of 100,000 datagrams would be 100 MiB.
const GROWTH_MAX: u64 = 8 * 1_024;

/// `extra` follows the trunk in its file.
fn start(name: &str, extra: &str) -> Server {
    let bye = json!({"type": "hangup", "name": "Bye", "config": {}, "on": {}});
    let tone: Vec<i16> = (0..8_000).map(|n| (8_000.0 * (n as f32 * 0.3).sin()) as i16).collect();
    let hello = json!({"type": "greeting", "name": "Hello", "config": {"audio": {"kind": "file", "id": "tone"}},
        "on": {"next": "bye"}});
    let flow = json!({"entry": "hello", "steps": {"hello": hello, "bye": bye}});
    let mut setup = Setup::new(name).prompt("tone", &tone).flow(NUMBER, "hello", &flow);
    let [a, b, ..] = setup.address.octets();
    setup.trusted = format!("{a}.{b}.0.0/16\"]\n{extra}# [\"");
    setup.filter = "warn,cordboard::server=info".to_owned();
    setup.registering_agent("alice", "s3cret").start()
}

/// Sends what `text` makes of a number to the server, at the rate and for the time above.
fn flood(
    server: SocketAddr,
    third: u8,
    text: impl Fn(u32) -> String + Send + 'static,
) -> JoinHandle<Duration> {
    // No test's own addresses reach as far (support::address).
    let at = move |last: u8| UdpSocket::bind((Ipv4Addr::new(127, 240, third, last), 0)).unwrap();
    std::thread::spawn(move || {
        let sockets: Vec<UdpSocket> = (1..=SOURCES).map(at).collect();
        let start = Instant::now();
        for n in 0..RATE * SECONDS {
            let from = if n % 2 == 0 { 0 } else { n as usize / 2 % sockets.len() };
            // What the kernel does not take is lost, as on any network.
            let _ = sockets[from].send_to(text(n).as_bytes(), server);
            let next = start + Duration::from_secs_f64(f64::from(n + 1) / f64::from(RATE));
            let early = next.saturating_duration_since(Instant::now());
            // In bursts of a few: a thread cannot wait for less than that and wake in time.
            if early > Duration::from_micros(500) {
                std::thread::park_timeout(early);
            }
        }
        start.elapsed()
    })
}

/// One of many INVITEs that nobody asked for.
fn invite(server: SocketAddr, n: u32) -> String {
    format!(
        "INVITE sip:{n}@{server} SIP/2.0\r\nVia: SIP/2.0/UDP 127.240.1.1;branch=z9hG4bKf{n};rport\r\n\
         From: <sip:a@127.240.1.1>;tag={n}\r\nTo: <sip:{n}@{server}>\r\nCall-ID: flood-{n}\r\nCSeq: 1 INVITE\r\n\
         Max-Forwards: 70\r\nContact: <sip:a@127.240.1.1>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// A message with a broken header, one that was cut, or no message at all.
fn broken(server: SocketAddr, n: u32) -> String {
    match n % 3 {
        0 => invite(server, n).replace("From:", "From"),
        1 => invite(server, n)[..10 + n as usize % 200].to_owned(),
        _ => "\0\u{1}\u{7f}".repeat(n as usize % 100 + 1),
    }
}

fn calls_go_on(name: &str, extra: &str) {
    let server = start(name, extra);
    let target = server.sip();
    let mut good = Caller::new(address(), target);
    for _ in 0..20 {
        good.call(NUMBER);
    }
    let before = server.resident();
    let floods = [flood(target, 1, move |n| invite(target, n)), flood(target, 2, move |n| broken(target, n))];
    let (mut slowest, mut calls) = (Duration::ZERO, 0);
    while floods.iter().any(|flood| !flood.is_finished()) {
        slowest = slowest.max(good.call(NUMBER));
        calls += 1;
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let took = floods.map(|flood| flood.join().unwrap());
    println!(
        "{name}: {calls} calls during the floods, which took {took:?}; the slowest was set up in {slowest:?}"
    );
    assert!(calls > 0);

    server.wait_records(20 + calls);
    server.assert_clean();
    let turned_away: u64 =
        ["malformed_dropped", "unknown_source", "unknown_source_dropped", "too_many_registers", "banned"]
            .into_iter()
            .map(|reason| server.metric(&format!("cordboard_sip_rejected_total{{reason=\"{reason}\"}}")))
            .sum();
    let challenged = server.metric("cordboard_sip_responses_total{direction=\"out\",class=\"4xx\"}");
    let after = server.resident();
    println!(
        "{name}: {turned_away} turned away, {challenged} responses; {before} KiB before, {after} KiB after"
    );
    let sent = u64::from(2 * RATE * SECONDS);
    assert!(turned_away + challenged > sent / 2, "the flood did not reach the server");
    assert!(after < before + GROWTH_MAX, "{before} KiB before, {after} KiB after");
    good.call(NUMBER);
}

#[test]
fn a_trunks_calls_are_set_up_during_ten_thousand_datagrams_of_strangers_a_second() {
    calls_go_on("flood-forbidden", "");
    // Where callers may show by their credentials who they are, each stranger has to be asked.
    let by_credentials =
        "[[trunk]]\nid = \"pbx\"\nusername = \"pbx\"\npassword = \"s3cret\"\nauthenticate = true\n";
    calls_go_on("flood-challenged", by_credentials);
}
