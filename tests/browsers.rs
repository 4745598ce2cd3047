//! Chromium as a telephone: calls by WSS with media by ICE, DTLS and SRTP, heard both ways.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::json;
use std::f64::consts::TAU;
use support::browser::{Browser, Pages};
use support::certificates::Authority;
use support::phone::PhoneSetup;
use support::{Server, Setup};

const ECHO: &str = "+15550940";
const TONE: &str = "+15550941";
const AGENT: &str = "+15550942";
/// Hertz, multiples of the 20 by which the page tells tones apart.
const OF_BROWSER: u32 = 800;
const OF_SERVER: u32 = 1_200;
const OF_TELEPHONE: u32 = 1_600;

fn tone(hertz: u32, seconds: usize) -> Vec<i16> {
    let step = TAU * f64::from(hertz) / 8_000.0;
    (0..8_000 * seconds).map(|n| (8_000.0 * (n as f64 * step).sin()) as i16).collect()
}

/// The share of the loudest second of a sound that is in one tone: 1 is nothing else.
fn purity(heard: &[i16], hertz: u32) -> f64 {
    let share = |part: &[i16]| {
        let step = TAU * f64::from(hertz) / 8_000.0;
        let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
        for (n, sample) in part.iter().enumerate() {
            let (sample, phase) = (f64::from(*sample), n as f64 * step);
            sine += sample * phase.sin();
            cosine += sample * phase.cos();
            all += sample * sample;
        }
        if all < 1e9 { 0.0 } else { 2.0 * (sine * sine + cosine * cosine) / (part.len() as f64 * all) }
    };
    heard.chunks_exact(8_000).map(share).fold(0.0, f64::max)
}

/// A server that listens for browsers, and where the page comes from.
fn start(name: &str) -> (Server, Pages) {
    let playing = json!({"entry": "wait", "steps": {
        "wait": {"type": "wait", "name": "Wait", "config": {"seconds": 60, "audio": {"kind": "file", "id": "tone"}},
            "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    let ringing = json!({"settings": {"shortAbandonSec": 0}, "entry": "ring", "steps": {
        "ring": {"type": "dial", "name": "Ring", "on": {"no_response": "bye"},
            "config": {"target": {"kind": "users", "values": ["alice"]}, "ringSec": 20}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    let mut setup = Setup::new(name)
        .echo(ECHO)
        .prompt("tone", &tone(OF_SERVER, 2))
        .flow(TONE, "playing", &playing)
        .flow(AGENT, "ringing", &ringing)
        .registering_agent("alice", "s3cret");
    // Browsers cannot make MD5.
    setup.sip = "digest = [\"SHA-256\", \"MD5\"]".to_owned();
    let pages = Pages::serve(setup.address);
    Authority::new().issue(&["sip.cordboard.test"], 2040).write(&setup.folder, "own");
    setup.more = format!(
        "[[sip.listen]]\ntransport = \"wss\"\nbind = \"{}:8089\"\norigins = [\"{}\"]\n\
         [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\n",
        setup.address,
        pages.origin()
    );
    (setup.start(), pages)
}

fn query(server: &Server, rest: &str) -> String {
    format!("at=wss://{}:8089&{rest}", server.address)
}

/// The page calls that number, and hears the tone.
fn call(server: &Server, pages: &Pages, number: &str, hears: u32) {
    let number = number.replace('+', "%2B");
    let query = query(server, &format!("user=page&number={number}"));
    let _browser = Browser::open(pages, &query, &tone(OF_BROWSER, 2));
    pages.until("answered");
    pages.until(&format!("heard {hears}"));
    pages.hang_up();
    pages.until("ended");
}

#[test]
fn a_browser_calls_and_hears_what_the_server_plays() {
    let (server, pages) = start("browser-plays");
    call(&server, &pages, TONE, OF_SERVER);
    let record = server.wait_records(1).remove(0);
    assert_eq!(record["endedBy"], "caller", "{record}");
    server.assert_clean();
    assert_eq!(server.metric("cordboard_rtp_packets_bad_total"), 0);
}

#[test]
fn what_a_browser_says_comes_back_from_the_echo() {
    let (server, pages) = start("browser-echo");
    call(&server, &pages, ECHO, OF_BROWSER);
    server.assert_clean();
}

#[test]
fn an_agent_in_a_browser_is_rung_and_talks_with_a_telephone() {
    let (server, pages) = start("browser-rung");
    let query = query(&server, "user=alice&password=s3cret");
    let _browser = Browser::open(&pages, &query, &tone(OF_BROWSER, 2));
    pages.until("registered 200");
    let mut caller = PhoneSetup::new("caller");
    caller.voice = tone(OF_TELEPHONE, 60);
    let mut caller = caller.start();
    caller.dial(&format!("sip:{AGENT}@{};transport=udp", server.sip()));
    pages.until("rung");
    caller.wait_for("CALL_ESTABLISHED", 1);
    pages.until(&format!("heard {OF_TELEPHONE}"));
    let start = caller.heard_seconds();
    caller.listen(start + 3.0);
    caller.hang_up();
    pages.until("ended");
    caller.wait_for("CALL_CLOSED", 1);
    let heard = caller.heard();
    let purity = purity(&heard, OF_BROWSER);
    assert!(purity > 0.8, "{purity:.3} of {} samples", heard.len());
    let record = server.wait_records(1).remove(0);
    assert_eq!((record["outcome"].as_str(), record["agentId"].as_str()), (Some("answered"), Some("alice")));
    server.assert_clean();
}
