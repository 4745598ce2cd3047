//! Legs towards agents.

use super::*;
use crate::call::record::EndReason;
use crate::flow::{EndedBy, OutcomeKind};

/// A caller and an agent who talk; the 200 that the caller got, and the INVITE that the agent got.
pub fn talking(bench: &mut Bench) -> (String, String) {
    bench.receive(caller(), &invite(DIRECT));
    let to_agent = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &response(&to_agent, 180, ""));
    bench.receive(agent(), &response(&to_agent, 200, &sdp(agent().ip())));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.receive(caller(), &ack(&answer, ""));
    assert_eq!(bench.media(), ["open l2 192.0.2.20", "open l1 192.0.2.9", "bridge l1 l2"]);
    (answer, to_agent)
}

/// The agent's BYE in the dialog of an INVITE that it got.
fn bye_of_agent(to_agent: &str) -> String {
    let from = value(to_agent, "To");
    format!(
        "BYE sip:cordboard@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP {};branch=z9hG4bKbye\nMax-Forwards: 70\n\
         From: {from};tag=agents\nTo: {}\nCall-ID: {}\nCSeq: 1 BYE\nContent-Length: 0\n\n",
        agent(),
        value(to_agent, "From"),
        value(to_agent, "Call-ID"),
    )
}

#[test]
fn an_agents_bye_ends_the_call_and_the_record_says_who_hung_up() {
    let mut bench = Bench::new();
    let (_, to_agent) = talking(&mut bench);
    bench.pass(10_000);
    bench.receive(agent(), &bye_of_agent(&to_agent));
    let sent = bench.sent();
    assert_eq!(sent.iter().map(|text| head(text)).collect::<Vec<_>>(), ["200 BYE", "BYE"]);
    assert_eq!(value(&sent[1], "Reason"), "Q.850;cause=16");
    assert_eq!(tag(&sent[1], "To"), "theirs", "to the caller");
    assert_eq!(bench.media(), ["close l2", "close l1"]);
    bench.closed(2);
    assert_eq!(bench.records().len(), 0, "the caller's media are still closing");
    bench.closed(1);
    let record = bench.records().remove(0);
    let outcome = record.outcome.unwrap();
    assert_eq!(
        (record.end_reason, record.reason.as_str(), record.sip_code),
        (EndReason::AgentHungUp, "the agent \"alice\" hung up", None)
    );
    assert_eq!((outcome.outcome, outcome.ended_by), (OutcomeKind::Answered, EndedBy::Agent));
    assert_eq!((outcome.agent_id.as_deref(), outcome.talk_sec), (Some("alice"), 10));
    let parties: Vec<_> = record.legs.iter().map(|leg| leg.party.as_str()).collect();
    assert_eq!((parties, record.billed_sec), (vec!["alice", "caller"], 10.0));
    bench.assert_clean();
}

#[test]
fn each_leg_that_is_dialled_has_one_hop_less_left_and_none_is_dialled_with_none() {
    for (theirs, ours) in [
        ("Max-Forwards: 70\n", Some("69")),
        ("", Some("69")),
        ("Max-Forwards: 255\n", Some("69")),
        ("Max-Forwards: 2\n", Some("1")),
        ("Max-Forwards: 1\n", None),
    ] {
        let mut bench = Bench::new();
        bench.receive(caller(), &invite(DIRECT).replace("Max-Forwards: 70\n", theirs));
        let sent = bench.sent();
        let to_agent = sent.iter().find(|text| head(text) == "INVITE");
        assert_eq!(to_agent.map(|text| value(text, "Max-Forwards")), ours, "{theirs}");
        if ours.is_none() {
            only(&sent, "486 INVITE");
            let record = bench.records().remove(0);
            let offer = &record.outcome.unwrap().offers[0];
            assert_eq!((offer.agent.as_str(), offer.result.as_str()), ("alice", "failed"));
        }
    }
}

#[test]
fn early_media_that_falls_silent_is_cancelled_and_nobody_is_said_to_have_vanished() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(DIRECT));
    let to_agent = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &response(&to_agent, 183, &sdp(agent().ip())));
    let leg = bench.dialled_leg();
    let event = media::Event::Inactive { leg, silent_for: Duration::from_secs(60) };
    bench.handle(Input::Media { thread: THREAD, event });
    let sent = bench.sent();
    assert_eq!(value(&only(&sent, "CANCEL"), "Reason"), "SIP;cause=408;text=\"No media\"");
    assert_eq!(sent.iter().filter(|text| head(text) == "BYE").count(), 0);
    only(&sent, "486 INVITE");
    bench.closed(2);
    bench.closed(1);
    let record = bench.records().remove(0);
    assert_eq!((record.end_reason, record.sip_code), (EndReason::FlowEnded, Some(486)));
    bench.receive(agent(), &response(&to_agent, 487, ""));
    bench.assert_clean();
}

#[test]
fn an_agent_who_falls_silent_in_a_conversation_gets_bye_and_is_said_to_have_vanished() {
    let mut bench = Bench::new();
    talking(&mut bench);
    let event = media::Event::Inactive { leg: LegId(2), silent_for: Duration::from_secs(60) };
    bench.handle(Input::Media { thread: THREAD, event });
    assert_eq!(bench.heads(), ["BYE", "BYE"]);
    bench.closed(1);
    bench.closed(2);
    assert_eq!(bench.records().remove(0).end_reason, EndReason::AgentVanished);
    bench.assert_clean();
}

#[test]
fn an_agent_who_vanished_earlier_does_not_end_a_later_conversation() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(TWICE));
    let first = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &response(&first, 200, &sdp(agent().ip())));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.receive(caller(), &ack(&answer, ""));
    let event = media::Event::Inactive { leg: LegId(2), silent_for: Duration::from_secs(60) };
    bench.handle(Input::Media { thread: THREAD, event });
    let second = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &response(&second, 200, &sdp(agent().ip())));
    bench.receive(agent(), &bye_of_agent(&second));
    (1..=3).for_each(|leg| bench.closed(leg));
    assert_eq!(bench.records().remove(0).end_reason, EndReason::AgentHungUp);
}

#[test]
fn each_side_is_told_the_cause_that_the_other_one_hung_up_with() {
    for (reason, told) in
        [("Reason: Q.850;cause=41;text=\"x\"", "Q.850;cause=41"), ("Subject: bye", "Q.850;cause=16")]
    {
        let mut bench = Bench::new();
        let (answer, _) = talking(&mut bench);
        let bye = request("BYE", DIRECT, 2, Transport::Udp, tag(&answer, "To"), "");
        bench.receive(caller(), &with(&bye, reason));
        assert_eq!(value(&only(&bench.sent(), "BYE"), "Reason"), told, "to the agent");
        let mut bench = Bench::new();
        let (_, to_agent) = talking(&mut bench);
        bench.receive(agent(), &with(&bye_of_agent(&to_agent), reason));
        assert_eq!(value(&only(&bench.sent(), "BYE"), "Reason"), told, "to the caller");
        // Before the answer it is a CANCEL.
        let mut bench = Bench::new();
        bench.receive(caller(), &invite(DIRECT));
        let to_agent = only(&bench.sent(), "INVITE");
        bench.receive(agent(), &response(&to_agent, 180, ""));
        let cancel =
            request("CANCEL", DIRECT, 1, Transport::Udp, "", "").replace("z9hG4bKCANCEL1", "z9hG4bKINVITE1");
        bench.receive(caller(), &with(&cancel, reason));
        assert_eq!(value(&only(&bench.sent(), "CANCEL"), "Reason"), told);
    }
}
