//! Hostile load: callers that never acknowledge and streams that never finish, beside callers that do nothing wrong.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::caller::Caller;
use support::{Server, Setup, address};

const NUMBER: &str = "+15550920";

fn start(name: &str) -> Server {
    let tone: Vec<i16> = (0..8_000).map(|n| (8_000.0 * (n as f32 * 0.3).sin()) as i16).collect();
    let flow = json!({"entry": "wait", "steps": {
        "wait": {"type": "wait", "name": "Wait", "config": {"seconds": 60, "audio": {"kind": "file", "id": "tone"}},
            "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    let mut setup = Setup::new(name).prompt("tone", &tone).flow(NUMBER, "wait", &flow);
    setup.filter = "warn,cordboard::server=info".to_owned();
    setup.start()
}

/// Threads that go on until they are told to stop.
struct Load(Arc<AtomicBool>, Vec<std::thread::JoinHandle<()>>);

/// Goes on until the flag is set.
type Work = Box<dyn FnOnce(&AtomicBool) + Send>;

impl Load {
    fn start(work: Vec<Work>) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = work.into_iter().map(|work| {
            let stop = stop.clone();
            std::thread::spawn(move || work(&stop))
        });
        let threads = threads.collect();
        Load(stop, threads)
    }

    fn end(self) {
        self.0.store(true, Ordering::Relaxed);
        for thread in self.1 {
            thread.join().expect("the load ran as it should");
        }
    }
}

/// `count` INVITEs from one address, spread over `seconds`; every answer is read and none acknowledged.
fn unacknowledged(mut caller: Caller, count: u32, seconds: f64) {
    let mut bytes = [0; 4_096];
    let start = Instant::now();
    for n in 0..count {
        let text = caller.invite(NUMBER, "127.0.0.1:9".parse().unwrap());
        caller.send(&text);
        let next = start + Duration::from_secs_f64(seconds * f64::from(n + 1) / f64::from(count));
        while let Some(left) = next.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
            caller.socket.set_read_timeout(Some(left)).unwrap();
            let _ = caller.socket.recv(&mut bytes);
        }
    }
}

/// Connections that send a byte each half second.
fn slow_streams(server: std::net::SocketAddr, count: usize, stop: &AtomicBool) {
    let streams: Vec<TcpStream> = (0..count).map(|_| TcpStream::connect(server).unwrap()).collect();
    let text = format!("INVITE sip:{NUMBER}@{server} SIP/2.0\r\nX-Long: {}", "x".repeat(4_000));
    for byte in text.bytes() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        for mut stream in &streams {
            // The server closes what stays incomplete for 30 s.
            let _ = stream.write(&[byte]);
        }
        std::thread::park_timeout(Duration::from_millis(500));
    }
}

#[test]
fn three_thousand_unacknowledged_invites_and_300_slow_streams_hurt_nobody_else() {
    let server = start("overload");
    let target = server.sip();
    let mut good = Caller::new(address(), target);
    for _ in 0..20 {
        good.call(NUMBER);
    }
    let before = server.resident();
    let flood = Caller::new(address(), target);
    let load = Load::start(vec![
        Box::new(move |_| unacknowledged(flood, 3_000, 20.0)),
        Box::new(move |stop| slow_streams(target, 300, stop)),
    ]);
    let (start, mut slowest, mut calls) = (Instant::now(), Duration::ZERO, 0);
    while start.elapsed() < Duration::from_secs(24) {
        slowest = slowest.max(good.call(NUMBER));
        calls += 1;
        std::thread::park_timeout(Duration::from_millis(50));
    }
    load.end();
    let ended = Instant::now();
    println!("{calls} other calls during the flood, the slowest set up in {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "a call took {slowest:?} to be set up");
    assert!(server.metric("cordboard_sip_rejected_total{reason=\"half_open\"}") >= 2_000);

    let limit = before + 32 * 1024;
    while server.resident() > limit || server.metric("cordboard_calls_active") > 0 {
        let waited = ended.elapsed();
        assert!(
            waited < Duration::from_secs(45),
            "{} KiB before, {} KiB {waited:?} later",
            before,
            server.resident()
        );
        std::thread::park_timeout(Duration::from_millis(200));
    }
    println!("{before} KiB before, {} KiB {:?} after the flood", server.resident(), ended.elapsed());
    server.until("slow streams closed", |s| s.metric("cordboard_sip_connections") == 0);
    server.assert_clean();
    good.call(NUMBER);
}
