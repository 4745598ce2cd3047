//! linphone as an agent's telephone: it registers, is rung, holds and resumes; what both sides heard is compared with what was said.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use std::path::PathBuf;
use support::certificates::Authority;
use support::linphone::{Linphone, LinphoneSetup};
use support::phone::{Phone, PhoneSetup};
use support::{Server, Setup, flows, sound};

const NUMBER: &str = "+15550950";
const MUSIC: &str = "All our agents are talking to other callers, please hold the line.";

fn start(name: &str, prepare: impl FnOnce(&mut Setup)) -> Server {
    let mut setup = Setup::new(name)
        .tone()
        .prompt("music", &sound::speak(MUSIC, "en-us+f2"))
        .flow(NUMBER, "main", &flows::rings("alice", 20))
        .registering_agent("alice", "s3cret");
    prepare(&mut setup);
    setup.start()
}

/// The agent's telephone.
fn telephone(server: &Server, transport: &'static str, authority: Option<PathBuf>) -> Linphone {
    let mut agent = LinphoneSetup::new("alice", transport);
    let port = if transport == "tls" { 5_061 } else { 5_060 };
    agent.registers = Some((format!("{}:{port}", server.address), "s3cret"));
    (agent.voice, agent.authority) = (sound::agent_voice(), authority);
    agent.start()
}

/// The same, once it is registered.
fn agent(server: &Server, transport: &'static str, authority: Option<PathBuf>) -> Linphone {
    let agent = telephone(server, transport, authority);
    server.until("the telephone to register", |s| s.metric("cordboard_registered_bindings") == 1);
    agent
}

/// A caller with a voice, who calls.
fn caller(server: &Server) -> Phone {
    let mut caller = PhoneSetup::new("caller");
    caller.voice = sound::caller_voice();
    let mut caller = caller.start();
    caller.dial(&format!("sip:{NUMBER}@{}", server.sip()));
    caller
}

/// Rung, answered, talked to, hung up by the agent.
fn whole_call(server: &Server, agent: &mut Linphone) {
    let caller = caller(server);
    agent.wait_to_be_rung();
    agent.answer();
    caller.listen(6.0);
    agent.hang_up();
    caller.wait_for("CALL_CLOSED", 1);
    sound::assert_heard("the agent", &sound::caller_voice(), &agent.heard());
    caller.assert_hears("the agent", &sound::agent_voice());
    let record = server.wait_records(1).remove(0);
    assert_eq!(
        (record["endReason"].as_str(), record["agentId"].as_str()),
        (Some("agent_hung_up"), Some("alice"))
    );
    server.assert_clean();
}

#[test]
fn linphone_registers_by_digest_over_udp_and_tcp_is_rung_there_and_both_sides_hear_each_other() {
    for transport in ["udp", "tcp"] {
        let server = start(&format!("linphone-{transport}"), |_| {});
        let mut agent = agent(&server, transport, None);
        whole_call(&server, &mut agent);
    }
}

#[test]
fn linphone_registers_over_tls_only_where_it_knows_our_authority_and_is_rung_over_its_connection() {
    let authority = Authority::new();
    let server = start("linphone-tls", |setup| {
        let address = setup.address.to_string();
        authority.issue_to_host(&address, 2040).write(&setup.folder, "own");
        std::fs::write(setup.folder.join("ca.pem"), authority.pem()).unwrap();
        setup.more = format!(
            "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{address}:5061\"\n\
             [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\n"
        );
    });
    let another = server.folder.join("another.pem");
    std::fs::write(&another, Authority::new().pem()).unwrap();
    let stranger = telephone(&server, "tls", Some(another));
    server.until("one that does not believe our certificate to say so", |s| {
        s.log().contains("of our certificate")
    });
    drop(stranger);
    assert_eq!(server.metric("cordboard_registered_bindings"), 0);
    let mut agent = agent(&server, "tls", Some(server.folder.join("ca.pem")));
    whole_call(&server, &mut agent);
}

#[test]
fn a_caller_whom_linphone_puts_on_hold_hears_music_until_it_is_back() {
    let server = start("linphone-hold", |_| {});
    let mut agent = agent(&server, "udp", None);
    let mut caller = caller(&server);
    agent.wait_to_be_rung();
    agent.answer();
    caller.listen(1.0);
    agent.pause();
    let before = caller.heard_seconds();
    caller.listen(before + 6.0);
    agent.resume();
    let resumed = caller.heard_seconds();
    caller.listen(resumed + 6.0);
    caller.hang_up();
    agent.wait_until_over();
    let heard = caller.heard();
    let at = |seconds: f64| (seconds * 8_000.0) as usize;
    sound::assert_heard(
        "the caller on hold",
        &sound::speak(MUSIC, "en-us+f2"),
        &heard[at(before)..at(resumed)],
    );
    // To resume, linphone offers Opus first, which it is given.
    let again = &heard[at(resumed)..];
    sound::assert_heard_through_opus("the caller who is talked to again", &sound::agent_voice(), again);
    sound::assert_heard_through_opus("the agent", &sound::caller_voice(), &agent.heard());
    server.wait_records(1);
    server.assert_clean();
}
