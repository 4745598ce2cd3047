//! The server as its operator and its network see it: signals, a speech engine that hangs, half-closed streams.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use support::{PATIENCE, Setup};

const NUMBER: &str = "+15550960";

/// Says `text` and hangs up.
fn says(text: &str) -> Value {
    json!({"entry": "say", "steps": {
        "say": {"type": "greeting", "name": "Say", "config": {"audio": {"kind": "tts", "text": text}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}})
}

#[test]
fn a_reload_that_waits_for_a_hanging_speech_engine_does_not_hold_up_sigterm() {
    let mut setup = Setup::new("hanging-engine");
    let folder = setup.folder.display().to_string();
    // Speaks at the start; from then on it takes the text and never answers.
    let script = format!(
        "if [ -e {folder}/hang ]; then touch {folder}/asked; exec sleep 60; fi; exec espeak-ng --stdin --stdout"
    );
    setup.speech = format!("[\"sh\", \"-c\", \"{script}\"]");
    let mut server = setup.flow(NUMBER, "say", &says("Good morning")).start();
    std::fs::write(server.folder.join("hang"), "").unwrap();
    let flow = server.folder.join("p/flows/say.json");
    let changed = std::fs::read_to_string(&flow).unwrap().replace("Good morning", "Good evening");
    std::fs::write(&flow, changed).unwrap();
    server.signal("HUP");
    server.until("the engine to be asked", |server| server.folder.join("asked").exists());
    server.signal("TERM");
    assert!(server.wait_exit().success());
    let log = server.log();
    assert!(log.contains("draining") && !log.contains("cannot be spoken"), "{log}");
}

#[test]
fn who_half_closes_a_stream_after_a_request_still_gets_the_answer() {
    let server = Setup::new("half-closed").flow(NUMBER, "say", &says("Good morning")).start();
    let mut stream = TcpStream::connect(server.sip()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (ours, theirs) = (stream.local_addr().unwrap(), server.sip());
    let request = format!(
        "OPTIONS sip:{theirs} SIP/2.0\r\nVia: SIP/2.0/TCP {ours};branch=z9hG4bKhalf\r\nFrom: <sip:a@{ours}>;tag=a\r\n\
         To: <sip:{theirs}>\r\nCall-ID: half\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("SIP/2.0 200 OK"), "{answer:?}");
}
