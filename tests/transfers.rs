//! baresip and linphone hand the caller on by REFER: without asking (blind), and after a call of their own (attended).

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use support::linphone::{Linphone, LinphoneSetup};
use support::phone::{Phone, PhoneSetup};
use support::{Server, Setup, flows, sound};

/// Rings Alice.
const ALICE: &str = "+15550970";
/// Rings Bob.
const BOB: &str = "+15550971";

fn bob_voice() -> Vec<i16> {
    sound::voice("Hello, this is Bob of the second floor, what can I do for you?", "en-us+m7")
}

/// Bob with baresip, who answers.
fn bob() -> Phone {
    let mut bob = PhoneSetup::new("bob");
    (bob.voice, bob.answers) = (bob_voice(), true);
    bob.start()
}

/// A server that Alice may register with, and Bob is at that address.
fn start(name: &str, bob: &str) -> Server {
    let mut setup = Setup::new(name)
        .tone()
        .flow(ALICE, "alice", &flows::rings("alice", 20))
        .registering_agent("alice", "s3cret")
        .agent("bob", bob);
    setup.numbers.push((BOB.to_owned(), "user = \"bob\"".to_owned()));
    setup.start()
}

/// The caller, who calls Alice.
fn caller(server: &Server) -> Phone {
    let mut caller = PhoneSetup::new("caller");
    caller.voice = sound::caller_voice();
    let mut caller = caller.start();
    caller.dial(&format!("sip:{ALICE}@{}", server.sip()));
    caller
}

/// Alice with baresip, who has answered the caller.
fn with_baresip(server: &Server) -> (Phone, Phone) {
    let mut alice = PhoneSetup::new("alice");
    (alice.voice, alice.answers) = (sound::agent_voice(), true);
    alice.registers = Some((server.sip().to_string(), "s3cret"));
    let alice = alice.start();
    alice.wait_for_words("200 OK (cordboard) [1 binding]");
    let caller = caller(server);
    alice.wait_for("CALL_ESTABLISHED", 1);
    caller.wait_for("CALL_ESTABLISHED", 1);
    (alice, caller)
}

/// Alice with linphone, who has answered the caller.
fn with_linphone(server: &Server) -> (Linphone, Phone) {
    let mut alice = LinphoneSetup::new("alice", "udp");
    alice.registers = Some((server.sip().to_string(), "s3cret"));
    alice.voice = sound::agent_voice();
    let mut alice = alice.start();
    server.until("the telephone to register", |s| s.metric("cordboard_registered_bindings") == 1);
    let caller = caller(server);
    alice.wait_to_be_rung();
    alice.answer();
    (alice, caller)
}

/// Bob and the caller hear each other from now on, and Bob hangs up.
fn talk_with_bob(mut bob: Phone, caller: &Phone) {
    let (of_bob, of_caller) = (bob.heard_seconds(), caller.heard_seconds());
    caller.listen(of_caller + 7.0);
    bob.hang_up();
    caller.wait_for("CALL_CLOSED", 1);
    bob.assert_hears_after(of_bob, "the caller", &sound::caller_voice());
    caller.assert_hears_after(of_caller, "Bob", &bob_voice());
}

/// The record of the call that Alice has handed on to Bob.
fn assert_handed_on(server: &Server, records: usize, end: &str) {
    let records = server.wait_records(records);
    let record = records.iter().find(|record| record["number"] == ALICE).unwrap();
    assert_eq!(record["agentId"], "bob", "{record:#}");
    assert_eq!(record["endReason"], end, "{record:#}");
    let offers = record["offers"].as_array().unwrap().iter();
    let offers: Vec<_> =
        offers.map(|o| (o["agent"].as_str().unwrap(), o["result"].as_str().unwrap())).collect();
    assert_eq!(offers, [("alice", "answered"), ("bob", "transferred")]);
    server.assert_clean();
}

#[test]
fn baresip_hands_the_caller_on_without_asking_and_is_out_of_the_call() {
    let bob = bob();
    let server = start("blind-baresip", &bob.uri());
    let (mut alice, caller) = with_baresip(&server);
    alice.transfer("sip:bob@cordboard.test");
    bob.wait_for("CALL_ESTABLISHED", 1);
    alice.wait_for("CALL_CLOSED", 1);
    talk_with_bob(bob, &caller);
    assert_handed_on(&server, 1, "agent_hung_up");
}

#[test]
fn linphone_hands_the_caller_on_without_asking_and_is_out_of_the_call() {
    let bob = bob();
    let server = start("blind-linphone", &bob.uri());
    let (mut alice, caller) = with_linphone(&server);
    alice.transfer(&format!("sip:bob@{}", server.sip()));
    bob.wait_for("CALL_ESTABLISHED", 1);
    alice.wait_until_over();
    talk_with_bob(bob, &caller);
    assert_handed_on(&server, 1, "agent_hung_up");
}

/// Bob has linphone, too: baresip drops what it gets after a re-INVITE where its numbers are lower than those before.
#[test]
fn linphone_asks_bob_first_and_joins_the_caller_with_him() {
    let mut bob = LinphoneSetup::new("bob", "udp");
    bob.voice = bob_voice();
    let mut bob = bob.start();
    let server = start("attended-linphone", &bob.uri());
    let (mut alice, mut caller) = with_linphone(&server);
    alice.pause();
    alice.dial(&format!("sip:{BOB}@{}", server.sip()));
    bob.wait_to_be_rung();
    bob.answer();
    alice.wait_for("Media streams established");
    alice.join();
    alice.wait_until_over();
    alice.wait_until_over();
    let joined = caller.heard_seconds();
    caller.listen(joined + 7.0);
    caller.hang_up();
    bob.wait_until_over();
    caller.assert_hears_after(joined, "Bob", &bob_voice());
    sound::assert_heard("Bob, who should hear the caller,", &sound::caller_voice(), &bob.heard());
    assert_handed_on(&server, 2, "caller_hung_up");
    let other = server.records().into_iter().find(|record| record["number"] == BOB).unwrap();
    assert_eq!(other["endReason"], "transferred", "{other:#}");
}

#[test]
fn linphone_keeps_the_caller_whom_it_hands_on_to_nobody() {
    let server = start("nobody", "sip:bob@127.0.0.1:9");
    let (mut alice, mut caller) = with_linphone(&server);
    alice.transfer(&format!("sip:nobody@{}", server.sip()));
    alice.wait_for_sip("SIP/2.0 404 Not Found");
    let before = caller.heard_seconds();
    caller.listen(before + 6.0);
    caller.hang_up();
    alice.wait_until_over();
    caller.assert_hears_after(before, "Alice still", &sound::agent_voice());
    let record = server.wait_records(1).remove(0);
    assert_eq!(
        (record["agentId"].as_str(), record["endReason"].as_str()),
        (Some("alice"), Some("caller_hung_up"))
    );
    server.assert_clean();
}
