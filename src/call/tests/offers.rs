//! Offers and answers in unusual places: late ones, moved media, requests that cross.

use super::agents::talking;
use super::*;
use crate::call::record::EndReason;

fn re_invite(answer: &str, cseq: u32, body: &str) -> String {
    request("INVITE", DIRECT, cseq, Transport::Udp, tag(answer, "To"), body)
}

fn re_ack(answer: &str, cseq: u32, body: &str) -> String {
    request("ACK", DIRECT, cseq, Transport::Udp, tag(answer, "To"), body)
}

#[test]
fn a_reinvite_without_a_description_is_answered_with_an_offer_whose_answer_is_in_the_ack() {
    let mut bench = Bench::new();
    let (answer, _) = talking(&mut bench);
    let held = sdp(caller().ip()) + "a=inactive\n";
    bench.receive(caller(), &re_invite(&answer, 2, &held));
    bench.receive(caller(), &re_ack(&answer, 2, ""));
    assert_eq!(bench.media(), ["update l1", "play l2"]);
    bench.sent();
    bench.receive(caller(), &re_invite(&answer, 3, ""));
    let offer = only(&bench.sent(), "200 INVITE");
    assert!(body(&offer).contains("a=sendrecv"), "a caller on hold may come back by it: {offer}");
    assert!(body(&offer).contains("m=audio 20000 RTP/AVP 0 8 9 111 18 101 110"), "{offer}");
    // An offer of the caller's meets ours, which waits for its answer.
    bench.receive(caller(), &request("UPDATE", DIRECT, 4, Transport::Udp, tag(&answer, "To"), &held));
    let pending = only(&bench.sent(), "491 UPDATE");
    assert!(value(&pending, "Warning").contains("an offer of this dialog still waits for its answer"));
    assert_eq!(bench.media(), [""; 0]);
    let moved = sdp(IpAddr::from([203, 0, 113, 6]));
    bench.receive(caller(), &re_ack(&answer, 3, &moved));
    assert_eq!(bench.media(), ["update l1", "stop l2"]);
    // An answer that cannot be used, or none at all, leaves the session as it was.
    for (cseq, body) in [(5, "v=0\n"), (6, "")] {
        bench.receive(caller(), &re_invite(&answer, cseq, ""));
        only(&bench.sent(), "200 INVITE");
        bench.receive(caller(), &re_ack(&answer, cseq, body));
        assert_eq!(bench.media(), [""; 0]);
    }
    bench.receive(caller(), &re_invite(&answer, 7, &moved));
    only(&bench.sent(), "200 INVITE");
}

#[test]
fn a_reinvite_that_moves_the_agents_media_leaves_the_callers_leg_alone() {
    let mut bench = Bench::new();
    let (_, to_agent) = talking(&mut bench);
    for (cseq, method) in [(1, "INVITE"), (2, "UPDATE")] {
        let moved =
            sdp(IpAddr::from([198, 51, 100, cseq as u8])).replace("- 1 1", &format!("- 1 {}", cseq + 1));
        bench.receive(agent(), &of_agent(&to_agent, method, cseq, &moved));
        only(&bench.sent(), &format!("200 {method}"));
        assert_eq!(bench.media(), ["update l2"]);
        bench.receive(agent(), &of_agent(&to_agent, "ACK", cseq, ""));
    }
}

#[test]
fn a_late_offer_may_go_out_with_ringing_that_is_acknowledged() {
    let mut bench = Bench::new();
    let text = with(&request("INVITE", DIRECT, 1, Transport::Udp, "", ""), "Require: 100rel");
    bench.receive(caller(), &text);
    let sent = bench.sent();
    let (ringing, to_agent) = (only(&sent, "180 INVITE"), only(&sent, "INVITE"));
    assert!(body(&ringing).contains("m=audio"), "the first reliable message has the offer");
    bench.receive(agent(), &response(&to_agent, 200, &sdp(agent().ip())));
    assert_eq!(bench.heads(), ["ACK"], "the answer waits for the PRACK");
    let rack = format!("RAck: {} 1 INVITE", value(&ringing, "RSeq"));
    let prack = request("PRACK", DIRECT, 2, Transport::Udp, tag(&ringing, "To"), &sdp(caller().ip()));
    bench.receive(caller(), &with(&prack, &rack));
    let sent = bench.sent();
    only(&sent, "200 PRACK");
    let answer = only(&sent, "200 INVITE");
    assert_eq!(body(&answer), "", "offer and answer are done");
    assert_eq!(bench.media(), ["open l2 192.0.2.20", "open l1 192.0.2.9", "bridge l1 l2"]);
    bench.receive(caller(), &ack(&answer, ""));
    assert_eq!((bench.heads(), bench.records().len()), (vec![], 0));
}

#[test]
fn ringing_that_is_never_acknowledged_ends_the_call_with_504() {
    let mut bench = Bench::new();
    bench.receive(caller(), &with(&invite(DIRECT), "Require: 100rel"));
    let to_agent = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &response(&to_agent, 200, &sdp(agent().ip())));
    bench.pass(32_000);
    let sent = bench.sent();
    only(&sent, "504 INVITE");
    only(&sent, "BYE");
    bench.closed(1);
    bench.closed(2);
    let record = bench.records().remove(0);
    assert_eq!((record.end_reason, record.sip_code), (EndReason::Rejected, Some(504)));
    assert_eq!(record.answer, None, "the caller never had our answer");
}

#[test]
fn a_call_that_is_refused_says_why_in_words_and_as_a_cause() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite("+15559999"));
    let refused = only(&bench.sent(), "404 INVITE");
    assert_eq!(value(&refused, "Reason"), "Q.850;cause=1");
    assert!(value(&refused, "Warning").starts_with("399 "));
}
