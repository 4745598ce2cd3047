//! The server as its operator and its network see it: signals, a speech engine that hangs, half-closed streams.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use support::caller::Caller;
use support::{PATIENCE, Server, Setup};

const NUMBER: &str = "+15550960";

/// Says `text` and hangs up.
fn says(text: &str) -> Value {
    json!({"entry": "say", "steps": {
        "say": {"type": "greeting", "name": "Say", "config": {"audio": {"kind": "tts", "text": text}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}})
}

/// A server that has been told to reload with a new text, and whose speech engine from then on does `hangs`, a line of
/// shell that is given the server's folder as `$0`.
fn reloading(name: &str, hangs: &str) -> Server {
    let mut setup = Setup::new(name);
    let folder = setup.folder.display().to_string();
    let script = format!("if [ -e $0/hang ]; then {hangs}; fi; exec espeak-ng --stdin --stdout");
    setup.speech = format!("[\"sh\", \"-c\", \"{script}\", \"{folder}\"]");
    let server = setup.flow(NUMBER, "say", &says("Good morning")).start();
    std::fs::write(server.folder.join("hang"), "").unwrap();
    let flow = server.folder.join("p/flows/say.json");
    let changed = std::fs::read_to_string(&flow).unwrap().replace("Good morning", "Good evening");
    std::fs::write(&flow, changed).unwrap();
    server.signal("HUP");
    server
}

#[test]
fn a_reload_that_waits_for_a_hanging_speech_engine_does_not_hold_up_sigterm() {
    let mut server = reloading("hanging-engine", "touch $0/asked; exec sleep 60");
    server.until("the engine to be asked", |server| server.folder.join("asked").exists());
    server.signal("TERM");
    assert!(server.wait_exit().success());
    let log = server.log();
    assert!(log.contains("draining") && !log.contains("cannot be spoken"), "{log}");
}

#[test]
fn a_hanging_engine_and_what_it_started_end_with_the_server() {
    let mut server = reloading("engine-children", "sleep 61 & echo $! > $0/child; wait");
    let child = server.folder.join("child");
    let id = || std::fs::read_to_string(&child).ok().filter(|id| id.ends_with('\n'));
    server.until("the engine to have a child", |_| id().is_some());
    server.signal("TERM");
    assert!(server.wait_exit().success());
    let id = id().unwrap();
    // A process that has ended and is not collected yet counts as ended.
    let state = std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[test]
fn a_reload_says_what_is_wrong_with_the_configuration_and_what_waits_for_a_restart() {
    let server = Setup::new("reload-config").flow(NUMBER, "say", &says("Good morning")).start();
    let file = server.folder.join("cordboard.toml");
    let right = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, right.replace("[sip]", "[sip")).unwrap();
    server.signal("HUP");
    server.until("the reload to be refused", |server| server.log().contains("not reloaded"));
    std::fs::write(&file, right.replace("info,cordboard=debug", "info")).unwrap();
    server.signal("HUP");
    server.until("the reload", |server| server.log().contains("reloaded; calls"));
    assert!(server.log().contains("from the next restart on sections=\"[log]\""), "{}", server.log());
}

#[test]
fn records_go_to_a_new_file_when_the_old_one_was_moved_away() {
    let server = Setup::new("rotation").flow(NUMBER, "say", &says("Good morning")).start();
    let mut caller = Caller::new(support::address(), server.sip());
    caller.call(NUMBER);
    server.wait_records(1);
    let (file, moved) = (server.folder.join("calls.jsonl"), server.folder.join("calls.jsonl.1"));
    std::fs::rename(&file, &moved).unwrap();
    caller.call(NUMBER);
    server.until("a new file", |_| file.exists());
    server.wait_records(1);
    assert_eq!(std::fs::read_to_string(moved).unwrap().lines().count(), 1);
}

#[test]
fn a_source_that_may_not_call_is_named_in_the_log() {
    let mut setup = Setup::new("stranger").flow(NUMBER, "say", &says("Good morning"));
    setup.trusted = "192.0.2.0/24".to_owned();
    let server = setup.start();
    let mut caller = Caller::new(support::address(), server.sip());
    let invite = caller.invite(NUMBER, "127.0.0.1:9".parse().unwrap());
    caller.send(&invite);
    assert!(caller.wait_for(" INVITE", &invite).starts_with("SIP/2.0 403"));
    let source = caller.socket.local_addr().unwrap().to_string();
    server.until("the refusal in the log", |server| {
        server.log().lines().any(|line| line.contains("refused source=") && line.contains(&source))
    });
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

/// A server with a store of its own.
fn stored(name: &str, mode: &str) -> Setup {
    let mut setup = Setup::new(name).flow(NUMBER, "say", &says("Good morning"));
    setup.more = format!("mode = \"{mode}\"\n[store]\nurl = \"sqlite://store.db\"\n");
    setup
}

/// Runs a command of cordboard on the server's store; what it printed.
fn command(server: &Server, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cordboard"));
    let output =
        command.args(arguments).arg("--config").arg(server.folder.join("cordboard.toml")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

fn change_text(server: &Server) {
    let flow = server.folder.join("p/flows/say.json");
    let changed = std::fs::read_to_string(&flow).unwrap().replace("Good morning", "Good evening");
    std::fs::write(&flow, changed).unwrap();
}

#[test]
fn files_seed_a_store_and_an_import_reaches_the_next_call_within_a_second() {
    let server = stored("seeded", "seed").start();
    let mut caller = Caller::new(support::address(), server.sip());
    caller.call(NUMBER);
    assert_eq!(server.wait_records(1)[0]["version"], 1);
    change_text(&server);
    let folder = |name: &str| server.folder.join(name).display().to_string();
    assert!(command(&server, &["import", &folder("p")]).contains("1 flows published"));
    let start = std::time::Instant::now();
    server.until("the new version", |server| server.log().contains("reloaded; calls"));
    // The poll is each half second; a loaded machine has some room.
    assert!(start.elapsed() < std::time::Duration::from_secs(3), "{:?}", start.elapsed());
    caller.call(NUMBER);
    assert_eq!(server.wait_records(2)[1]["version"], 2);
    let why = command(&server, &["route", "test", NUMBER, "--source", "127.0.0.1:5060"]);
    assert!(why.contains("version 2"), "{why}");
    assert!(command(&server, &["export", &folder("out")]).contains("files written"));
    assert!(std::fs::read_to_string(folder("out/flows/say.json")).unwrap().contains("Good evening"));
    command(&server, &["backup", &folder("copy.db")]);
    assert!(std::path::Path::new(&folder("copy.db")).exists());
}

#[test]
fn with_mode_sync_a_reload_brings_the_files_into_the_store_and_wrong_ones_change_nothing() {
    let server = stored("synced", "sync").start();
    let numbers = server.folder.join("p/numbers.toml");
    let right = std::fs::read_to_string(&numbers).unwrap();
    std::fs::write(&numbers, right.replace("\"say\"", "\"sya\"")).unwrap();
    server.signal("HUP");
    server.until("the refusal", |server| server.log().contains("not reloaded"));
    std::fs::write(&numbers, right).unwrap();
    change_text(&server);
    server.signal("HUP");
    server.until("the reload", |server| server.log().contains("reloaded; calls"));
    let mut caller = Caller::new(support::address(), server.sip());
    caller.call(NUMBER);
    assert_eq!(server.wait_records(1)[0]["version"], 2);
    assert!(server.get("/readyz").contains("\"numbers_and_flows\":\"ok\""), "{}", server.get("/readyz"));
}

/// The chunks of a HEP3 packet that are asked for, in that order.
fn chunks<const N: usize>(packet: &[u8], wanted: [u16; N]) -> [Vec<u8>; N] {
    assert_eq!(&packet[..4], b"HEP3");
    let two = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    assert_eq!(usize::from(two(4)), packet.len());
    let (mut at, mut found) = (6, std::collections::HashMap::new());
    while at < packet.len() {
        let end = at + usize::from(two(at + 4));
        found.insert(two(at + 2), packet[at + 6..end].to_vec());
        at = end;
    }
    wanted.map(|kind| found.remove(&kind).unwrap_or_default())
}

#[test]
fn a_collector_is_sent_each_message_of_a_call_and_a_call_goes_on_when_it_is_away() {
    let collector = std::net::UdpSocket::bind((support::address(), 0)).unwrap();
    collector.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut setup = Setup::new("collector").flow(NUMBER, "say", &says("Good morning"));
    let at = collector.local_addr().unwrap();
    setup.more = format!("[hep]\ncollector = \"{at}\"\ncapture_id = 2001\npassword = \"pw\"\n");
    let server = setup.start();
    let mut caller = Caller::new(support::address(), server.sip());
    caller.call(NUMBER);
    let call = server.wait_records(1).remove(0)["callId"].as_str().unwrap().to_owned();
    let mut lines = Vec::new();
    let mut packet = vec![0; 65_535];
    while lines.last().is_none_or(|line| line != "200 BYE") {
        let length = collector.recv(&mut packet).expect("a copy");
        // Addresses, time, agent, password, payload, correlation.
        let [from, to, seconds, agent, password, text, correlation] =
            chunks(&packet[..length], [3, 4, 9, 12, 14, 15, 17]);
        let text = String::from_utf8(text).unwrap();
        let is_answer = text.starts_with("SIP/2.0");
        let method = text.lines().find_map(|line| line.strip_prefix("CSeq: ")?.split(' ').nth(1)).unwrap();
        let both = [caller.socket.local_addr().unwrap().ip(), server.sip().ip()].map(|ip| ip.to_string());
        let mut ends = [from, to].map(|ip| ip.iter().map(u8::to_string).collect::<Vec<_>>().join("."));
        let is_sent = ends[0] == both[1];
        ends.reverse();
        assert!(ends.contains(&both[0]) && ends.contains(&both[1]), "{ends:?}");
        assert_eq!((u32::from_be_bytes(agent.try_into().unwrap()), &password[..]), (2001, &b"pw"[..]));
        assert!(u32::from_be_bytes(seconds.try_into().unwrap()) > 1_700_000_000);
        assert_eq!(String::from_utf8(correlation).unwrap(), call, "{text}");
        assert!(is_sent || !is_answer || method == "BYE", "{text}");
        lines.push(if is_answer { format!("{} {method}", &text[8..11]) } else { method.to_owned() });
    }
    assert_eq!(lines, ["INVITE", "100 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]);
    server.until("all to be counted", |server| {
        server.metric("cordboard_hep_messages_total{result=\"sent\"}") == 6
    });
    drop(collector);
    caller.call(NUMBER);
    server.wait_records(2);
    server.until("copies that nobody takes", |server| {
        server.metric("cordboard_hep_messages_total{result=\"lost\"}") > 0
    });
}
