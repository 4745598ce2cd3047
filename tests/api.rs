//! The API of a running server: what its OpenAPI document promises, and calls as they are watched and hung up.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use support::api::{TOKEN, ask, http, open};
use support::caller::Caller;
use support::{PATIENCE, Server, Setup};

const NUMBER: &str = "+15550970";

fn setup(name: &str) -> Setup {
    let mut setup = Setup::new(name);
    setup.http = http();
    setup.more = "[store]\nurl = \"sqlite://data/test.db\"\n".to_owned();
    setup
}

#[test]
fn a_call_is_watched_step_by_step_and_hung_up_over_the_api() {
    let waits = json!({"entry": "say", "steps": {
        "say": {"type": "wait", "name": "Wait", "config": {"seconds": 60}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    let server = setup("api-live").flow(NUMBER, "waits", &waits).start();
    let mut events = BufReader::new(open(&server, "GET", "/events")).lines().map(Result::unwrap);
    // The first sign of life: from now on nothing is missed.
    assert!(events.any(|line| line == ": alive"));
    let calling = std::thread::spawn({
        let sip = server.sip();
        move || {
            let mut caller = Caller::new(support::address(), sip);
            let invite = caller.invite(NUMBER, "127.0.0.1:9".parse().unwrap());
            caller.send(&invite);
            caller.wait_for(" INVITE", &invite)
        }
    });
    let mut data = events.filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let mut next = |name: &str| data.find(|event| event["event"] == name).unwrap();
    let started = next("started");
    assert_eq!((&started["number"], &started["flowId"]), (&json!(NUMBER), &json!("waits")), "{started}");
    assert_eq!(next("step_entered")["step"], "say");
    let id = started["callId"].as_str().unwrap();
    server.until("the call to be listed", |server| {
        let (_, list) = ask(server, "GET", "/calls");
        list["items"][0]["id"] == id && list["items"][0]["step"]["id"] == "say"
    });
    assert_eq!(ask(&server, "DELETE", &format!("/calls/{id}")).0, 204);
    assert_eq!(next("ended")["reason"], "operator_hung_up");
    assert_eq!(ask(&server, "DELETE", &format!("/calls/{id}")).0, 404);
    calling.join().unwrap();
    assert_eq!(server.wait_records(1)[0]["endReason"], "operator_hung_up");
}

/// Sends a change, and gives the whole answer in lower case.
fn change(server: &Server, method: &str, path: &str, body: &Value) -> String {
    let mut stream = TcpStream::connect((server.address, 8080)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let body = body.to_string();
    write!(
        stream,
        "{method} /api/v1{path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
         If-Match: *\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.to_ascii_lowercase()
}

#[test]
fn a_speech_engine_that_hangs_holds_up_no_change() {
    let waits = json!({"entry": "bye", "steps": {
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    let mut setup = setup("api-speech");
    setup.speech = "[\"sh\", \"-c\", \"sleep 60\"]".to_owned();
    let server = setup.flow(NUMBER, "waits", &waits).start();
    let says = json!({"schema": "callflow/1", "id": "says", "name": "Says", "entry": "say", "steps": {
        "say": {"type": "greeting", "name": "Say", "config": {"audio": {"kind": "tts", "text": "Good morning"}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    assert!(change(&server, "POST", "/flows", &says).starts_with("http/1.1 201"));
    let published = change(&server, "POST", "/flows/says/publish", &json!({"comment": "speaks"}));
    assert!(published.contains("cordboard-applied: true"), "{published}");
    // The engine is asked for the text, and does not answer.
    for id in ["a", "b", "c"] {
        let made = change(&server, "POST", "/lists", &json!({"id": id, "numbers": ["+15550199"]}));
        assert!(made.contains("cordboard-applied: true"), "{made}");
    }
}

/// An OPTIONS of a stranger, with that line among its headers; its answer, where one comes before the server is asked for its
/// life.
fn stranger(server: &Server, socket: &UdpSocket, n: u32, line: &str) -> Option<String> {
    let (local, target) = (socket.local_addr().unwrap(), server.sip());
    let text = format!(
        "OPTIONS sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKo{n}\r\nFrom: <sip:a@{local}>;tag=1\r\n\
         To: <sip:{target}>\r\nCall-ID: {n}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n{line}Content-Length: 0\r\n\r\n"
    );
    socket.send_to(text.as_bytes(), target).unwrap();
    // Its own OPTIONS is answered later, so that by then the stranger's has been.
    Caller::new(server.address, target).ping();
    let mut bytes = [0; 2_000];
    socket.set_nonblocking(true).unwrap();
    let length = socket.recv(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

#[test]
fn who_is_banned_is_listed_with_the_reason_and_let_in_again() {
    let mut setup = setup("api-bans").echo(NUMBER);
    setup.trusted = setup.address.to_string();
    let server = setup.start();
    // An address that no trunk has: that of no test (support::address).
    let socket = UdpSocket::bind("127.241.0.1:0").unwrap();
    let answer = stranger(&server, &socket, 1, "").unwrap();
    assert!(answer.starts_with("SIP/2.0 403 Forbidden\r\n"), "{answer}");
    assert!(answer.contains("no registered telephone has that source\"\r\n"), "{answer}");
    assert_eq!(stranger(&server, &socket, 2, "User-Agent: friendly-scanner\r\n"), None);
    assert_eq!(stranger(&server, &socket, 3, ""), None, "it is banned");
    server.until("the log to say so", |s| {
        s.log().contains("banned source=127.241.0.1 reason=\"its User-Agent")
    });
    let (status, list) = ask(&server, "GET", "/bans");
    let ban = &list["items"][0];
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 1), "{list}");
    assert_eq!(
        (&ban["address"], &ban["network"], &ban["offence"], &ban["isProven"], &ban["turnedAway"]),
        (&json!("127.241.0.1"), &json!("127.241.0.1"), &json!("scanner"), &json!(false), &json!(1))
    );
    assert_eq!(ban["reason"], "its User-Agent is that of a scanner: friendly-scanner");
    assert!(ban["since"].as_str() < ban["until"].as_str(), "{ban}");
    for (name, count) in [
        ("bans_active", 1),
        ("bans_total{reason=\"scanner\"}", 1),
        ("sip_rejected_total{reason=\"scanner\"}", 1),
        ("sip_rejected_total{reason=\"banned\"}", 1),
    ] {
        server.until(name, |s| s.metric(&format!("cordboard_{name}")) == count);
    }
    assert_eq!(ask(&server, "DELETE", "/bans/127.241.0.2").0, 404);
    assert_eq!(ask(&server, "DELETE", "/bans/nobody").0, 404);
    assert_eq!(ask(&server, "DELETE", "/bans/127.241.0.1").0, 204);
    assert_eq!(ask(&server, "DELETE", "/bans/127.241.0.1").0, 404);
    assert_eq!(ask(&server, "GET", "/bans").1["items"], json!([]));
    assert!(stranger(&server, &socket, 4, "").is_some_and(|answer| answer.starts_with("SIP/2.0 403")));
    let (_, audit) = ask(&server, "GET", "/audit?kind=ban");
    assert_eq!(
        (&audit["items"][0]["action"], &audit["items"][0]["object"], &audit["items"][0]["actor"]),
        (&json!("lift"), &json!("127.241.0.1"), &json!("cordboard.toml")),
        "{audit}"
    );
}

#[test]
fn a_host_that_floods_over_tcp_is_not_let_in_again() {
    let mut setup = setup("api-bans-tcp").echo(NUMBER);
    setup.trusted = setup.address.to_string();
    let server = setup.start();
    let connect = || {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"127.241.0.7:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        socket.connect(&server.sip().into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    let mut streams = [connect(), connect()];
    for n in 0..250 {
        let text = format!(
            "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK{n}\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:x>\r\n\
             Call-ID: {n}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        let _ = streams[0].write_all(text.as_bytes());
    }
    // Both are closed, and each that follows.
    for stream in &mut streams {
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(matches!(connect().read(&mut [0; 1]), Ok(0) | Err(_)));
    let (_, list) = ask(&server, "GET", "/bans");
    assert_eq!(
        (&list["items"][0]["offence"], &list["items"][0]["isProven"]),
        (&json!("flood"), &json!(true)),
        "{list}"
    );
}

#[test]
fn every_answer_is_one_that_the_openapi_document_promises() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/venv/bin/st");
    assert!(
        program.exists(),
        "schemathesis is not installed: run `tools/install-schemathesis`, as `make test` does"
    );
    let says = json!({"entry": "say", "steps": {
        "say": {"type": "greeting", "name": "Say", "config": {"audio": {"kind": "tts", "text": "Good morning"}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    let server = setup("api-schema").flow(NUMBER, "says", &says).start();
    let output = Command::new(program)
        .current_dir(&server.folder)
        .args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/tools/schemathesis.toml"), "run"])
        .arg(format!("http://{}:8080/api/v1/openapi.json", server.address))
        .args(["--header", &format!("Authorization: Bearer {TOKEN}"), "--no-color", "--seed", "1"])
        // A stream of events has no end; it has a test of its own.
        .args(["--exclude-path", "/events"])
        .args(["--phases", "coverage,fuzzing,stateful", "--checks", "all", "--max-examples", "10"])
        .args(["--generation-deterministic", "--request-timeout", "20"])
        .args(["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.get("/livez"), "live\n");
}
