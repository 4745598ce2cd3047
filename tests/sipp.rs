//! SIPp as caller and as agent: the ladders of RFC 3261 on real sockets, with loss, and at a rate.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::Value;
use std::net::Ipv4Addr;
use support::caller::Caller;
use support::sipp::Sipp;
use support::{Server, Setup, address, flows};

/// Answers, and waits for the caller to hang up.
const ANSWERS: &str = "+15550910";
/// Rings the agent, then says something and hangs up.
const RINGS: &str = "+15550911";
/// Says something and hangs up.
const SPEAKS: &str = "+15550912";

fn start(name: &str, agent: Ipv4Addr) -> Server {
    let mut setup = Setup::new(name)
        .tone()
        .flow(ANSWERS, "answers", &flows::waits())
        .flow(RINGS, "rings", &flows::rings("alice", 5))
        .flow(SPEAKS, "speaks", &flows::speaks())
        .agent("alice", &format!("sip:alice@{agent}:5060"));
    setup.filter = "info".to_owned();
    setup.start()
}

/// One call of a scenario to a number over a transport (`u1` or `t1`), and its record.
fn one_call(scenario: &str, number: &str, transport: &str) -> Value {
    let server = start(scenario, address());
    let target = server.sip().to_string();
    Sipp::run(scenario, address(), &["-s", number, "-m", "1", "-t", transport, &target])
        .passes(scenario, &server);
    let record = server.wait_records(1).remove(0);
    server.assert_clean();
    assert_eq!(server.records().len(), 1, "each call has one record");
    record
}

macro_rules! caller_ladders {
    ($($name:ident: $scenario:literal to $number:expr, ends $reason:literal;)*) => {
        $(#[test]
        fn $name() {
            let record = one_call($scenario, $number, "u1");
            assert_eq!(record["endReason"], $reason, "{record:#}");
        })*
    };
}

caller_ladders! {
    a_basic_call_is_answered_and_ended: "basic" to ANSWERS, ends "caller_hung_up";
    a_cancel_before_the_answer_ends_the_call_with_487: "cancel_before_200" to RINGS, ends "caller_hung_up";
    a_cancel_after_the_answer_changes_nothing: "cancel_after_200" to ANSWERS, ends "caller_hung_up";
    a_reinvite_with_the_same_description_gets_the_same_one: "reinvite_same_sdp" to ANSWERS, ends "caller_hung_up";
    a_trunk_with_the_defaults_of_asterisk_holds_resumes_and_refreshes: "asterisk_defaults" to ANSWERS, ends "caller_hung_up";
    delayed_offers_are_made_and_made_again: "cucm_delayed_offer" to ANSWERS, ends "caller_hung_up";
    an_invite_without_an_offer_gets_one: "offerless_invite" to ANSWERS, ends "caller_hung_up";
    no_codec_in_common_is_488_with_the_reason: "wrong_codec" to ANSWERS, ends "rejected";
    an_unknown_number_is_404: "unknown_number" to "+15559999", ends "rejected";
    a_flow_that_ends_hangs_the_caller_up: "server_hangs_up" to SPEAKS, ends "flow_ended";
}

#[test]
fn an_answer_comes_again_until_its_ack() {
    let server = start("lost_ack", address());
    let target = server.sip().to_string();
    Sipp::run("lost_ack", address(), &["-s", ANSWERS, "-m", "1", &target]).passes("lost_ack", &server);
    assert_eq!(server.wait_records(1)[0]["endReason"], "caller_hung_up");
    server.until("two retransmissions", |s| {
        s.metric("cordboard_sip_retransmissions_total{direction=\"out\"}") == 2
    });
    server.assert_clean();
}

/// By a caller of our own: SIPp takes the answers to the first INVITE, which come at once, for unexpected ones.
#[test]
fn an_invite_that_comes_twice_is_one_call() {
    let server = start("twice", address());
    let mut caller = Caller::new(address(), server.sip());
    let invite = caller.invite(ANSWERS, "127.0.0.1:9".parse().unwrap());
    caller.send(&invite);
    caller.send(&invite);
    let answer = caller.wait_for(" INVITE", &invite);
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    caller.end(ANSWERS, &answer);
    server.wait_records(1);
    server.assert_clean();
    assert_eq!(server.records().len(), 1);
    server.until("an INVITE that came again", |s| {
        s.metric("cordboard_sip_retransmissions_total{direction=\"in\"}") >= 1
    });
}

/// By a caller of our own: SIPp loses answers by chance, and once in some runs all of one call.
#[test]
fn a_bye_that_comes_again_is_answered_again() {
    let server = start("bye_again", address());
    let mut caller = Caller::new(address(), server.sip());
    let invite = caller.invite(ANSWERS, "127.0.0.1:9".parse().unwrap());
    caller.send(&invite);
    let bye = caller.acknowledge(ANSWERS, &caller.wait_for(" INVITE", &invite));
    for time in ["first", "second", "third"] {
        caller.send(&bye);
        let answer = caller.wait_for(" BYE", &bye);
        assert!(answer.starts_with("SIP/2.0 200"), "the {time} time: {answer}");
    }
    assert_eq!(server.wait_records(1).len(), 1);
    server.until("BYEs that came again", |s| {
        s.metric("cordboard_sip_retransmissions_total{direction=\"in\"}") >= 2
    });
    server.assert_clean();
}

#[test]
fn a_basic_call_over_tcp_is_answered_and_ended() {
    assert_eq!(one_call("basic", ANSWERS, "t1")["endReason"], "caller_hung_up");
}

/// A caller whose agent does what `scenario` says; gives the offer's result.
fn with_agent(scenario: &str) -> (String, Value) {
    let agent = address();
    let server = start(scenario, agent);
    let uas = Sipp::run(scenario, agent, &["-m", "1"]);
    let target = server.sip().to_string();
    Sipp::run("server_hangs_up", address(), &["-s", RINGS, "-m", "1", &target]).passes("the caller", &server);
    uas.passes(scenario, &server);
    let record = server.wait_records(1).remove(0);
    server.assert_clean();
    (record["offers"][0]["result"].as_str().unwrap_or_default().to_owned(), record)
}

#[test]
fn a_busy_agent_lets_the_flow_go_on() {
    let (result, record) = with_agent("agent_busy");
    assert_eq!(result, "busy", "{record:#}");
}

#[test]
fn an_agent_who_declines_lets_the_flow_go_on() {
    let (result, record) = with_agent("agent_rejects");
    assert_eq!(result, "rejected", "{record:#}");
}

#[test]
fn an_agent_who_does_not_answer_is_cancelled_and_the_flow_goes_on() {
    let (result, record) = with_agent("agent_no_answer");
    assert_eq!(result, "no_answer", "{record:#}");
}

#[test]
fn with_15_percent_of_datagrams_lost_both_ways_every_call_is_set_up_and_ended() {
    let server = start("loss", address());
    let target = server.sip().to_string();
    let arguments =
        ["-s", ANSWERS, "-m", "100", "-r", "20", "-lost", "15", "-recv_timeout", "40000", &target];
    Sipp::run("basic", address(), &arguments).passes("100 calls with loss", &server);
    server.wait_records(100);
    server.assert_clean();
    assert_eq!(server.records().len(), 100);
}

#[test]
fn a_thousand_calls_at_a_hundred_a_second_have_no_failure() {
    let server = start("rate", address());
    let target = server.sip().to_string();
    Sipp::run("basic", address(), &["-s", ANSWERS, "-m", "1000", "-r", "100", &target])
        .passes("1,000 calls", &server);
    let records = server.wait_records(1_000);
    assert!(records.iter().all(|r| r["endReason"] == "caller_hung_up"));
    server.assert_clean();
}

#[test]
fn an_agent_registers_with_a_challenge_over_udp_and_is_rung_by_the_contact_it_gave() {
    let mut setup = Setup::new("register_digest")
        .tone()
        .flow(RINGS, "rings", &flows::rings("alice", 20))
        .registering_agent("alice", "s3cret");
    setup.filter = "info".to_owned();
    let (server, telephone) = (setup.start(), address());
    let target = server.sip().to_string();
    let who =
        ["-s", "alice", "-m", "1", "-au", "alice", "-ap", "s3cret", "-auth_uri", "cordboard.test", &target];
    Sipp::run("register_digest", telephone, &who).passes("the registration", &server);
    let rung = Sipp::run("registered_answers", telephone, &["-m", "1"]);
    Sipp::call("basic", RINGS, &server, &[]).passes("the caller", &server);
    rung.passes("the telephone", &server);
    let record = server.wait_records(1).remove(0);
    assert_eq!((record["agentId"].as_str(), record["outcome"].as_str()), (Some("alice"), Some("answered")));
    server.assert_clean();
}

/// A server that knows a branch by its credentials alone, and nobody by an address.
fn start_branch(name: &str) -> Server {
    let mut setup = Setup::new(name).tone().flow(ANSWERS, "answers", &flows::waits());
    setup.trusted = "127.255.255.254".to_owned();
    setup.trunks =
        "[[trunk]]\nid = \"branch\"\nusername = \"branch\"\npassword = \"s3cret\"\nauthenticate = true\n"
            .to_owned();
    setup.filter = "info".to_owned();
    setup.start()
}

#[test]
fn a_call_that_is_challenged_comes_in_with_the_password_over_udp_and_tcp() {
    let server = start_branch("invite_digest");
    for (count, transport) in ["u1", "t1"].into_iter().enumerate() {
        let uri = format!("{ANSWERS}@{}", server.sip());
        let credentials = ["-au", "branch", "-ap", "s3cret", "-auth_uri", &uri, "-t", transport];
        Sipp::call("invite_digest", ANSWERS, &server, &credentials).passes(transport, &server);
        let record = server.wait_records(count + 1).remove(count);
        assert_eq!(
            (record["trunk"].as_str(), record["endReason"].as_str()),
            (Some("branch"), Some("caller_hung_up"))
        );
    }
    server.assert_clean();
}

#[test]
fn a_call_with_a_wrong_password_is_challenged_again_and_makes_no_call() {
    let server = start_branch("wrong_password");
    let uri = format!("{ANSWERS}@{}", server.sip());
    let credentials = ["-au", "branch", "-ap", "guess", "-auth_uri", &uri];
    Sipp::call("invite_wrong_password", ANSWERS, &server, &credentials).passes("the stranger", &server);
    server.assert_clean();
    assert!(server.records().is_empty(), "{:#?}", server.records());
}
