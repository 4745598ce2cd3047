//! A telephone behind a router that masquerades: it is rung and heard, and a call outlives a change of its ports.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::json;
use std::net::Ipv4Addr;
use std::time::Duration;
use support::network::Nat;
use support::phone::{Phone, PhoneSetup};
use support::sound::{agent_voice, caller_voice};
use support::{Server, Setup};

const NUMBER: &str = "+15550940";
/// baresip asks by STUN after 29 s at the most, registers anew 60 s at the most after it has seen another port there, else 54 s
/// after the last time.
const IDLE: Duration = Duration::from_secs(29 + 60 + 15);

/// A server outside, where calls to a number ring an agent at once. The carrier is a trunk.
fn start(name: &str, address: Ipv4Addr, agent: impl FnOnce(Setup) -> Setup) -> Server {
    let flow = json!({
        "entry": "ring",
        "steps": {
            "ring": {"type": "dial", "name": "Ring", "on": {"no_response": "bye"},
                "config": {"target": {"kind": "user", "value": "alice"}, "ringSec": 20}},
            "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}
        }
    });
    let mut setup = Setup::new(name).flow(NUMBER, "main", &flow);
    setup.address = address;
    setup.trusted = Nat::CARRIER.to_string();
    agent(setup).start()
}

fn phone(name: &str, address: Ipv4Addr, voice: Vec<i16>) -> PhoneSetup {
    let mut setup = PhoneSetup::new(name);
    (setup.address, setup.voice) = (address, voice);
    setup
}

/// Both have heard each other since the ports changed.
fn assert_talk(caller: &Phone, agent: &Phone, after: [f64; 2]) {
    caller.assert_hears_after(after[0], "the agent", &agent_voice());
    agent.assert_hears_after(after[1], "the caller", &caller_voice());
}

/// The ports have just changed: both hear each other on, until the agent hangs up.
fn talk_on_and_hang_up(server: &Server, caller: &Phone, agent: &mut Phone) {
    let changed = [caller.heard_seconds(), agent.heard_seconds()];
    caller.listen(changed[0] + 7.0);
    agent.listen(changed[1] + 7.0);
    agent.hang_up();
    caller.wait_for("CALL_CLOSED", 1);
    let record = server.wait_records(1).remove(0);
    assert_talk(caller, agent, changed);
    assert_eq!(record["endReason"], "agent_hung_up", "{record:#}");
    server.assert_clean();
}

/// An agent's telephone inside, registered.
fn agent_inside(nat: &Nat, server: &Server) -> Phone {
    let mut agent = phone("alice", Nat::INSIDE, agent_voice());
    agent.answers = true;
    agent.registers = Some((server.sip().to_string(), "s3cret"));
    let agent = nat.inside.run(|| agent.start());
    agent.wait_for_words("200 OK (cordboard) [1 binding]");
    agent
}

/// A caller of the carrier's, who calls the number.
fn caller(nat: &Nat, server: &Server) -> Phone {
    let mut caller = nat.carrier.run(|| phone("caller", Nat::CARRIER, caller_voice()).start());
    caller.dial(&format!("sip:{NUMBER}@{}", server.sip()));
    caller
}

#[test]
fn a_telephone_behind_nat_is_rung_and_a_call_outlives_a_change_of_its_ports() {
    let nat = Nat::new(Nat::PUBLIC);
    nat.outside.run(|| {
        let server = start("nat-agent", Nat::PUBLIC, |setup| setup.registering_agent("alice", "s3cret"));
        let mut agent = agent_inside(&nat, &server);
        let caller = caller(&nat, &server);
        agent.wait_for("CALL_ESTABLISHED", 1);
        agent.listen(6.0);
        caller.listen(6.0);

        nat.rebind();
        talk_on_and_hang_up(&server, &caller, &mut agent);
        assert_talk(&caller, &agent, [0.0, 0.0]);
    });
}

#[test]
fn a_telephone_behind_nat_in_an_office_of_private_addresses_is_rung_and_hung_up() {
    let nat = Nat::new(Nat::PRIVATE);
    nat.outside.run(|| {
        let server = start("nat-office", Nat::PRIVATE, |setup| setup.registering_agent("alice", "s3cret"));
        let agent = agent_inside(&nat, &server);
        let mut caller = caller(&nat, &server);
        // It has our ACK, and later our BYE, though its own address looks like one that could be reached.
        agent.wait_for("CALL_ESTABLISHED", 1);
        agent.listen(1.0);
        caller.listen(1.0);
        caller.hang_up();
        agent.wait_for("CALL_CLOSED", 1);
        server.assert_clean();
    });
}

/// How many INVITEs have come in.
fn invites(server: &Server) -> u64 {
    server.metric("cordboard_sip_requests_total{direction=\"in\",method=\"INVITE\"}")
}

#[test]
fn a_telephone_behind_nat_calls_and_is_hung_up_where_its_last_request_came_from() {
    let nat = Nat::new(Nat::PUBLIC);
    nat.outside.run(|| {
        let mut agent = phone("alice", Nat::CARRIER, agent_voice());
        agent.answers = true;
        let mut agent = nat.carrier.run(|| agent.start());
        let server = start("nat-caller", Nat::PUBLIC, |setup| {
            setup.agent("alice", &agent.uri()).registering_agent("bob", "s3cret")
        });
        let mut caller = phone("bob", Nat::INSIDE, caller_voice());
        caller.registers = Some((server.sip().to_string(), "s3cret"));
        let mut caller = nat.inside.run(|| caller.start());
        caller.wait_for_words("200 OK (cordboard) [1 binding]");
        caller.dial(&format!("sip:{NUMBER}@{}", server.sip()));
        agent.wait_for("CALL_ESTABLISHED", 1);
        nat.rebind();
        caller.offer_again();
        server.until("the caller's offer in mid-call", |s| invites(s) == 2);
        talk_on_and_hang_up(&server, &caller, &mut agent);
    });
}

#[test]
fn a_registration_behind_nat_is_kept_open_by_stun_and_is_rung_at_the_port_it_comes_from_anew() {
    let nat = Nat::new(Nat::PUBLIC);
    nat.outside.run(|| {
        let server = start("nat-idle", Nat::PUBLIC, |setup| setup.registering_agent("alice", "s3cret"));
        let mut agent = phone("alice", Nat::INSIDE, agent_voice());
        (agent.answers, agent.keeps_flow) = (true, true);
        agent.registers = Some((server.sip().to_string(), "s3cret"));
        let agent = nat.inside.run(|| agent.start());
        agent.wait_for_words("200 OK (cordboard) [1 binding]");
        server.until("a STUN request of the telephone", |s| {
            s.metric("cordboard_sip_stun_total{result=\"answered\"}") > 0
        });
        nat.rebind();
        let registrations = |s: &Server| s.metric("cordboard_registrations_total{result=\"registered\"}");
        let before = registrations(&server);
        server.until_within(IDLE, "the registration from the new port", |s| registrations(s) > before);
        assert_eq!(server.metric("cordboard_registered_bindings"), 1, "the old port is forgotten");
        let mut caller = caller(&nat, &server);
        agent.wait_for("CALL_ESTABLISHED", 1);
        caller.hang_up();
        agent.wait_for("CALL_CLOSED", 1);
        server.assert_clean();
    });
}
