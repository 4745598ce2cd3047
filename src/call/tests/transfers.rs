//! Transfers: by REFER, blind and attended, and by an INVITE that takes the place of a leg.

use super::agents::talking;
use super::*;
use crate::call::record::EndReason;
use crate::flow::OutcomeKind;
use crate::sip::locate::Destination;
use crate::sip::message::SipUri;
use crate::sip::refer::status_of_fragment;

/// The Smart Number that rings Bob.
const TO_BOB: &str = "201";

fn bob() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 21], 5072))
}

fn strange_trunk() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 9], 5060))
}

/// Flows that hand the call over: at once, and after the answer.
const HANDED_OVER: [(&str, &str); 2] = [("300", "blind"), ("301", "attended")];

/// Bob beside Alice, a number that rings him, and a carrier that calls may be transferred to.
pub fn bench() -> Bench {
    let mut bench = Bench::new();
    let mut snapshot = Arc::into_inner(snapshot()).expect("the only one");
    let agent = Agent {
        id: "bob".to_owned(),
        name: "Bob".to_owned(),
        uri: Some(format!("sip:bob@{}", bob())),
        address: Some(bob()),
        ..snapshot.agents["alice"].clone()
    };
    snapshot.agents.insert("bob".to_owned(), agent);
    let of_flow = |id: &str| Answers::Flow(id.to_owned());
    let mut numbers: Vec<Number> = [(GREETED, "greeted"), (DIRECT, "direct"), (TWICE, "twice")]
        .map(|(number, id)| Number::new(Pattern::Exact(number.to_owned()), "", of_flow(id)))
        .into();
    numbers.push(Number::new(Pattern::Exact(TO_BOB.to_owned()), "", Answers::Agent("bob".to_owned())));
    let library = Arc::get_mut(&mut snapshot.library).unwrap();
    for (number, mode) in HANDED_OVER {
        let text = format!(
            r#"{{"schema": "callflow/1", "id": "{mode}", "name": "Over", "entry": "over", "steps": {{
            "over": {{"type": "dial", "name": "Over", "config": {{"target": {{"kind": "number",
             "value": "+14155550199"}}, "handOver": "{mode}"}}, "on": {{"no_response": "bye"}}}},
            "bye": {{"type": "hangup", "name": "Bye", "config": {{}}}}}}}}"#
        );
        let (flow, _) = Flow::compile(&text, &Resources::default()).unwrap_or_else(|e| panic!("{e:#?}"));
        library.flows.insert(mode.to_owned(), LiveFlow::new(Arc::new(flow), 1));
        numbers.push(Number::new(Pattern::Exact(number.to_owned()), "", of_flow(mode)));
    }
    snapshot.services = crate::call::services::of_numbers(&numbers, false);
    snapshot.numbers = numbers.into();
    let mut takes = crate::flow::CallerList::default();
    takes.add("+1415*").unwrap();
    snapshot.trunks.push(Trunk {
        id: "out".to_owned(),
        host: Destination::of(&SipUri::parse(&format!("sip:{}", strange_trunk())).unwrap()),
        sources: vec!["203.0.113.0/24".parse().unwrap()],
        transfer_to: takes,
        ..Trunk::default()
    });
    bench.handle(Input::Snapshot(Arc::new(snapshot)));
    bench
}

/// A REFER of the agent, in the dialog of the INVITE that it got.
pub fn refer(to_agent: &str, cseq: u32, to: &str) -> String {
    with(
        &of_agent(to_agent, "REFER", cseq, ""),
        &format!("Refer-To: {to}\nReferred-By: <sip:alice@cordboard.example>"),
    )
}

/// The status that a NOTIFY tells, its Event and its Subscription-State.
fn told(notify: &str) -> (u16, &str, &str) {
    let status = status_of_fragment(body(notify).as_bytes()).unwrap_or(0);
    (status, value(notify, "Event"), value(notify, "Subscription-State"))
}

/// Answers the NOTIFYs that are among what was sent, and gives what they told.
fn hear(bench: &mut Bench, sent: &[String]) -> Vec<u16> {
    let notifies: Vec<_> = sent.iter().filter(|text| head(text) == "NOTIFY").collect();
    for notify in &notifies {
        bench.receive(agent(), &response(notify, 200, ""));
    }
    notifies.iter().map(|notify| told(notify).0).collect()
}

/// A conversation that Alice transfers to Bob, who rings; gives the caller's 200, the INVITEs of Alice and of Bob.
fn transferring(bench: &mut Bench) -> (String, String, String) {
    let (answer, to_alice) = talking(bench);
    bench.receive(agent(), &refer(&to_alice, 1, "<sip:bob@cordboard.example>"));
    let sent = bench.sent();
    only(&sent, "202 REFER");
    let notify = only(&sent, "NOTIFY");
    assert_eq!(told(&notify), (100, "refer", "active;expires=60"));
    assert_eq!(value(&notify, "Content-Type"), "message/sipfrag;version=2.0");
    let to_bob = only(&sent, "INVITE");
    assert!(to_bob.starts_with(&format!("INVITE sip:bob@{}", bob())), "{to_bob}");
    assert_eq!(value(&to_bob, "Referred-By"), "<sip:alice@cordboard.example>");
    hear(bench, &sent);
    bench.receive(bob(), &response(&to_bob, 180, ""));
    let sent = bench.sent();
    assert_eq!(hear(bench, &sent), [180]);
    assert_eq!(bench.media(), ["play l1"], "the caller hears it ring");
    (answer, to_alice, to_bob)
}

#[test]
fn an_agent_who_transfers_is_told_how_it_goes_and_leaves_once_the_other_has_the_caller() {
    let mut bench = bench();
    let (_, to_alice, to_bob) = transferring(&mut bench);
    bench.receive(bob(), &response(&to_bob, 200, &sdp(bob().ip())));
    let sent = bench.sent();
    only(&sent, "ACK");
    let last = only(&sent, "NOTIFY");
    assert_eq!(told(&last), (200, "refer", "terminated;reason=noresource"));
    assert_eq!(sent.iter().filter(|text| head(text) == "BYE").count(), 0, "before it has heard");
    assert_eq!(bench.media(), ["open l3 198.51.100.21", "bridge l1 l3"]);
    bench.receive(agent(), &response(&last, 200, ""));
    let bye = only(&bench.sent(), "BYE");
    assert_eq!(value(&bye, "Call-ID"), value(&to_alice, "Call-ID"));
    bench.receive(agent(), &response(&bye, 200, ""));
    assert_eq!(bench.media(), ["close l2"]);
    bench.closed(2);
    bench.pass(5_000);
    let talking = &bench.switchboard.index.talking;
    assert!(talking.contains_key("bob") && !talking.contains_key("alice"));
    bench.receive(bob(), &of_agent(&to_bob, "BYE", 1, ""));
    assert_eq!(bench.heads(), ["200 BYE", "BYE"]);
    bench.closed(1);
    bench.closed(3);
    let record = bench.records().remove(0);
    let outcome = record.outcome.unwrap();
    assert_eq!((record.end_reason, outcome.outcome), (EndReason::AgentHungUp, OutcomeKind::Answered));
    assert_eq!(outcome.agent_id.as_deref(), Some("bob"));
    let offers: Vec<_> = outcome.offers.iter().map(|o| (o.agent.as_str(), o.result.as_str())).collect();
    assert_eq!(offers, [("alice", "answered"), ("bob", "transferred")]);
    bench.receive(bob(), &response("", 200, ""));
    bench.assert_clean();
}

#[test]
fn a_transfer_that_fails_leaves_the_caller_with_the_agent_who_hears_why() {
    let mut bench = bench();
    let (_, to_alice, to_bob) = transferring(&mut bench);
    bench.receive(bob(), &response(&to_bob, 486, ""));
    let sent = bench.sent();
    assert_eq!(told(&only(&sent, "NOTIFY")), (486, "refer", "terminated;reason=noresource"));
    assert_eq!(sent.iter().filter(|text| head(text) == "BYE").count(), 0);
    assert_eq!(bench.media(), ["stop l1"]);
    // The next one names its REFER.
    bench.receive(agent(), &refer(&to_alice, 2, "<sip:bob@cordboard.example>"));
    assert_eq!(told(&only(&bench.sent(), "NOTIFY")).1, "refer;id=2");
}

#[test]
fn music_plays_again_after_a_transfer_that_failed_while_the_agent_holds() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    bench.receive(agent(), &of_agent(&to_alice, "INVITE", 1, &(sdp(agent().ip()) + "a=sendonly\n")));
    bench.receive(agent(), &of_agent(&to_alice, "ACK", 1, ""));
    bench.receive(agent(), &refer(&to_alice, 2, "<sip:bob@cordboard.example>"));
    assert_eq!(bench.media(), ["update l2", "play l1"]);
    let to_bob = only(&bench.sent(), "INVITE");
    bench.receive(bob(), &response(&to_bob, 180, ""));
    bench.receive(bob(), &response(&to_bob, 603, ""));
    assert_eq!(bench.media(), ["play l1", "stop l1", "play l1"], "the tone, and music again");
}

#[test]
fn an_agent_may_leave_at_once_and_the_caller_waits_for_the_other() {
    for (code, ended) in [(200, false), (486, true)] {
        let mut bench = bench();
        let (_, to_alice, to_bob) = transferring(&mut bench);
        bench.receive(agent(), &of_agent(&to_alice, "BYE", 2, ""));
        assert_eq!(bench.heads(), ["200 BYE"], "the caller is not hung up");
        assert_eq!(bench.media(), ["close l2", "play l1"]);
        bench.closed(2);
        let body = if code == 200 { sdp(bob().ip()) } else { String::new() };
        bench.receive(bob(), &response(&to_bob, code, &body));
        let heads = bench.heads();
        assert_eq!(heads.contains(&"BYE".to_owned()), ended, "{heads:?}");
        assert!(!heads.contains(&"NOTIFY".to_owned()), "{heads:?}");
        assert_eq!(bench.media().contains(&"bridge l1 l3".to_owned()), !ended);
    }
}

#[test]
fn a_caller_who_hangs_up_ends_a_transfer_that_rings() {
    let mut bench = bench();
    let (answer, ..) = transferring(&mut bench);
    bench.receive(caller(), &request("BYE", DIRECT, 2, Transport::Udp, tag(&answer, "To"), ""));
    let sent = bench.sent();
    only(&sent, "CANCEL");
    only(&sent, "BYE");
    assert_eq!(told(&only(&sent, "NOTIFY")).0, 487);
    (1..=2).for_each(|leg| bench.closed(leg));
    assert_eq!(bench.records().len(), 1);
}

#[test]
fn a_transfer_that_nobody_answers_ends_after_a_minute() {
    let mut bench = bench();
    transferring(&mut bench);
    bench.pass(59_000);
    assert_eq!(bench.heads().iter().filter(|head| *head == "CANCEL").count(), 0);
    bench.pass(2_000);
    let sent = bench.sent();
    assert!(sent.iter().any(|text| head(text) == "CANCEL"));
    assert_eq!(sent.iter().filter(|text| head(text) == "NOTIFY").map(|text| told(text).0).next(), Some(408));
}

#[test]
fn who_wants_no_notify_gets_none_and_is_hung_up_at_once() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    bench.receive(agent(), &with(&refer(&to_alice, 1, "<sip:bob@x>"), "Refer-Sub: false"));
    let sent = bench.sent();
    assert_eq!(value(&only(&sent, "202 REFER"), "Refer-Sub"), "false");
    let to_bob = only(&sent, "INVITE");
    bench.receive(bob(), &response(&to_bob, 200, &sdp(bob().ip())));
    assert_eq!(bench.heads(), ["ACK", "BYE"]);
}

#[test]
fn a_transfer_to_a_smart_number_sends_the_caller_into_its_flow() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    bench.receive(agent(), &refer(&to_alice, 1, &format!("<sip:{GREETED}@cordboard.example>")));
    let sent = bench.sent();
    assert_eq!(hear(&mut bench, &sent), [100, 200]);
    assert_eq!(bench.media(), ["unbridge l1", "play l1", "close l2"]);
    assert_eq!(bench.heads(), ["BYE"], "to the agent");
    bench.closed(2);
    bench.handle(Input::HangUp(*bench.switchboard.calls.keys().next().unwrap()));
    bench.closed(1);
    let outcome = bench.records().remove(0).outcome.unwrap();
    let path: Vec<_> = outcome.path.iter().map(|visit| visit.step.as_str()).collect();
    assert_eq!((path, outcome.outcome), (vec!["agent", "hello"], OutcomeKind::Answered));
}

#[test]
fn a_number_is_called_only_over_a_trunk_that_takes_transfers_to_it() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    bench.receive(agent(), &refer(&to_alice, 1, "<sip:+1900-555-0100@evil.example>"));
    let refused = only(&bench.sent(), "403 REFER");
    assert!(value(&refused, "Warning").contains("no trunk takes transfers to +19005550100"), "{refused}");
    bench.receive(agent(), &refer(&to_alice, 2, "<sip:+14155550100@evil.example>"));
    let out = only(&bench.sent(), "INVITE");
    assert!(out.starts_with("INVITE sip:+14155550100@203.0.113.9"), "{out}");
    assert!(!out.contains("Referred-By") && !out.contains("X-Cordboard"), "{out}");
}

#[test]
fn transfers_that_may_not_be_are_refused_in_words_and_nothing_is_sent() {
    let mut bench = bench();
    let (answer, to_alice) = talking(&mut bench);
    let of_caller = request("REFER", DIRECT, 2, Transport::Udp, tag(&answer, "To"), "");
    bench.receive(caller(), &with(&of_caller, "Refer-To: <sip:bob@x>"));
    let refused = bench.sent();
    assert!(value(&only(&refused, "403 REFER"), "Warning").contains("a caller may not transfer"));
    for (cseq, to, code, why) in [
        (1, "<sip:mallory@evil.example>", 404, "no agent and no Smart Number 'mallory'"),
        (2, "<sip:bob@x;method=BYE>", 400, "another method"),
        (3, "nobody", 400, "no address"),
        (4, "<sip:bob@x?Replaces=1>", 400, "no whole dialog"),
    ] {
        bench.receive(agent(), &refer(&to_alice, cseq, to));
        let sent = bench.sent();
        let refused = only(&sent, &format!("{code} REFER"));
        assert!(value(&refused, "Warning").contains(why), "{refused}");
        assert_eq!(sent.len(), 1, "{sent:?}");
    }
    // While one goes on there is no other.
    bench.receive(agent(), &refer(&to_alice, 5, "<sip:bob@x>"));
    bench.sent();
    bench.receive(agent(), &refer(&to_alice, 6, "<sip:bob@x>"));
    only(&bench.sent(), "491 REFER");
}

/// Alice's own call to Bob, which he has answered; gives the 200 that she got, and his INVITE.
fn consulting(bench: &mut Bench) -> (String, String) {
    let call = invite(TO_BOB).replace("call-1", "call-2").replace("z9hG4bKINVITE1", "z9hG4bKconsult");
    bench.receive(agent(), &call);
    let to_bob = only(&bench.sent(), "INVITE");
    bench.receive(bob(), &response(&to_bob, 200, &sdp(bob().ip())));
    let answer = only(&bench.sent(), "200 INVITE");
    let ack = request("ACK", TO_BOB, 1, Transport::Udp, tag(&answer, "To"), "").replace("call-1", "call-2");
    bench.receive(agent(), &ack);
    bench.media();
    (answer, to_bob)
}

/// A Refer-To that names the dialog of an answer that was sent.
fn replacing(answer: &str) -> String {
    format!(
        "<sip:201@192.0.2.1?Replaces={}%3Bto-tag%3D{}%3Bfrom-tag%3D{}>",
        value(answer, "Call-ID"),
        tag(answer, "To"),
        tag(answer, "From")
    )
}

#[test]
fn an_attended_transfer_joins_the_caller_with_whom_the_agent_has_called() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    let (answer, to_bob) = consulting(&mut bench);
    bench.receive(agent(), &refer(&to_alice, 1, &replacing(&answer)));
    let sent = bench.sent();
    only(&sent, "202 REFER");
    let moving = only(&sent, "INVITE");
    assert_eq!(value(&moving, "Call-ID"), value(&to_bob, "Call-ID"), "in Bob's dialog");
    let (before, now) = (body(&to_bob).lines().nth(1).unwrap(), body(&moving).lines().nth(1).unwrap());
    let version = |origin: &str| origin.split(' ').nth(2).unwrap().parse::<u32>().unwrap();
    assert_eq!(before.split(' ').nth(1), now.split(' ').nth(1), "the same session");
    assert_eq!(version(now), version(before) + 1);
    // Alice's own call is over.
    let bye = only(&sent, "BYE");
    assert_eq!(value(&bye, "Call-ID"), "call-2");
    assert_eq!(bench.media(), ["close l4", "close l3"]);
    bench.closed(3);
    bench.closed(4);
    let record = bench.records().remove(0);
    assert_eq!((record.end_reason, record.legs.len()), (EndReason::Transferred, 2));
    hear(&mut bench, &sent);
    bench.receive(bob(), &response(&moving, 200, &sdp(bob().ip())));
    let sent = bench.sent();
    only(&sent, "ACK");
    assert_eq!(bench.media(), ["open l5 198.51.100.21", "bridge l1 l5"]);
    assert_eq!(hear(&mut bench, &sent), [200]);
    assert_eq!(value(&only(&bench.sent(), "BYE"), "Call-ID"), value(&to_alice, "Call-ID"));
    bench.closed(2);
    bench.receive(bob(), &of_agent(&to_bob, "BYE", 1, ""));
    assert_eq!(bench.heads(), ["200 BYE", "BYE"]);
    bench.closed(1);
    bench.closed(5);
    assert_eq!(bench.records().remove(0).outcome.unwrap().agent_id.as_deref(), Some("bob"));
    assert!(bench.switchboard.index.talking.is_empty());
    bench.receive(agent(), &response(&bye, 200, ""));
    bench.assert_clean();
}

#[test]
fn a_leg_that_does_not_take_its_new_media_ends_the_transfer_and_not_the_call() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    let (answer, _) = consulting(&mut bench);
    bench.receive(agent(), &refer(&to_alice, 1, &replacing(&answer)));
    let sent = bench.sent();
    hear(&mut bench, &sent);
    bench.receive(bob(), &response(&only(&sent, "INVITE"), 488, ""));
    let sent = bench.sent();
    assert_eq!(hear(&mut bench, &sent), [488]);
    only(&sent, "BYE");
    assert_eq!(bench.switchboard.counts().calls, 2, "the other is yet to close its media");
    (3..=4).for_each(|leg| bench.closed(leg));
    assert_eq!(bench.switchboard.counts().calls, 1);
}

#[test]
fn a_dialog_between_telephones_is_taken_over_by_the_agent_that_is_rung() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    let to = format!("<sip:bob@{}?Replaces=theirs%40x%3Bto-tag%3Db%3Bfrom-tag%3Da>", bob());
    bench.receive(agent(), &refer(&to_alice, 1, &to));
    let to_bob = only(&bench.sent(), "INVITE");
    assert_eq!(value(&to_bob, "Replaces"), "theirs@x;to-tag=b;from-tag=a");
}

/// An INVITE that is to take the place of the dialog that another INVITE of ours made.
fn in_place_of(to_agent: &str, more: &str) -> String {
    let replaces = format!(
        "Replaces: {};to-tag={};from-tag=agents{more}",
        value(to_agent, "Call-ID"),
        tag(to_agent, "From")
    );
    with(&invite("201").replace("call-1", "call-3").replace("z9hG4bKINVITE1", "z9hG4bKnew"), &replaces)
}

#[test]
fn another_telephone_takes_the_place_of_an_agents_and_the_leg_stays() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    bench.receive(bob(), &in_place_of(&to_alice, ""));
    let sent = bench.sent();
    let answer = only(&sent, "200 INVITE");
    let bye = only(&sent, "BYE");
    assert_eq!(value(&bye, "Call-ID"), value(&to_alice, "Call-ID"));
    assert_eq!(bench.media(), ["update l2"]);
    let ack = request("ACK", "201", 1, Transport::Udp, tag(&answer, "To"), "").replace("call-1", "call-3");
    bench.receive(bob(), &ack);
    bench.receive(agent(), &response(&bye, 200, ""));
    let talking = &bench.switchboard.index.talking;
    assert!(talking.contains_key("bob") && !talking.contains_key("alice"));
    let bye = request("BYE", "201", 2, Transport::Udp, tag(&answer, "To"), "").replace("call-1", "call-3");
    bench.receive(bob(), &bye);
    assert_eq!(bench.heads(), ["200 BYE", "BYE"]);
    (1..=2).for_each(|leg| bench.closed(leg));
    let outcome = bench.records().remove(0).outcome.unwrap();
    assert_eq!(outcome.agent_id.as_deref(), Some("bob"));
}

#[test]
fn a_trunk_puts_another_caller_into_the_place_of_its_own() {
    for offer in [sdp(caller().ip()), String::new()] {
        let mut bench = bench();
        let (answer, _) = talking(&mut bench);
        let replaces = format!("Replaces: call-1;to-tag={};from-tag=theirs", tag(&answer, "To"));
        let mut call = request("INVITE", "201", 1, Transport::Udp, "", &offer);
        call = with(&call.replace("call-1", "call-3").replace("z9hG4bKINVITE1", "z9hG4bKnew"), &replaces);
        call = call.replace("tag=theirs", "tag=new");
        let call = call.replacen("from-tag=new", "from-tag=theirs", 1);
        bench.receive(caller(), &call);
        let sent = bench.sent();
        let second = only(&sent, "200 INVITE");
        assert_eq!(tag(&only(&sent, "BYE"), "To"), "theirs", "the first one is hung up");
        let back = if offer.is_empty() { sdp(caller().ip()) } else { String::new() };
        let ack = request("ACK", "201", 1, Transport::Udp, tag(&second, "To"), &back);
        bench.receive(caller(), &ack.replace("call-1", "call-3").replace("tag=theirs", "tag=new"));
        let bye = request("BYE", "201", 2, Transport::Udp, tag(&second, "To"), "");
        bench.receive(caller(), &bye.replace("call-1", "call-3").replace("tag=theirs", "tag=new"));
        assert_eq!(bench.heads(), ["200 BYE", "BYE"], "the call ends with the second one");
    }
}

#[test]
fn an_invite_that_may_take_nobodys_place_is_refused_in_words() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    for (source, text, code) in [
        (strange_trunk(), in_place_of(&to_alice, ""), 403),
        (bob(), in_place_of(&to_alice, ";early-only"), 486),
        (bob(), in_place_of(&to_alice, "x"), 481),
        (bob(), in_place_of(&to_alice, "\nReplaces: 1;to-tag=2;from-tag=3"), 400),
        (bob(), in_place_of(&to_alice, "").replace("RTP/AVP 0", "RTP/AVP 3"), 488),
    ] {
        let text = text
            .replace("z9hG4bKnew", &format!("z9hG4bKnew{code}"))
            .replace("call-3", &format!("call-{code}"));
        bench.receive(source, &text);
        let sent = bench.sent();
        let refused = only(&sent, &format!("{code} INVITE"));
        assert!(value(&refused, "Warning").starts_with("399"), "{refused}");
        assert_eq!(sent.iter().filter(|text| head(text) == "BYE").count(), 0);
        assert_eq!(bench.records().remove(0).sip_code, Some(code));
    }
    assert_eq!(bench.media(), [""; 0], "the conversation goes on");
}

/// A request of the strange trunk in the dialog of its call `call-1`.
fn of_trunk(answer: &str, method: &str, cseq: u32) -> String {
    request(method, "300", cseq, Transport::Udp, tag(answer, "To"), "")
}

/// A NOTIFY of the trunk about our REFER.
fn notified(answer: &str, cseq: u32, state: &str, fragment: &str) -> String {
    let plain = of_trunk(answer, "NOTIFY", cseq).replace("Content-Length: 0\n\n", "");
    let length = length(fragment);
    format!(
        "{plain}Event: refer\nSubscription-State: {state}\nContent-Type: message/sipfrag\nContent-Length: {length}\n\n{fragment}"
    )
}

/// A call of the strange trunk to a number, up to the REFER that it gets; with the 200 that it got.
fn handed_over(bench: &mut Bench, number: &str) -> (String, Vec<String>) {
    bench.receive(strange_trunk(), &invite(number));
    let mut sent = bench.sent();
    if let Some(out) = sent.iter().find(|text| head(text) == "INVITE").cloned() {
        bench.receive(strange_trunk(), &response(&out, 200, &sdp(strange_trunk().ip())));
        sent = bench.sent();
        sent.push(out);
    }
    let answer = only(&sent, "200 INVITE");
    assert!(!sent.iter().any(|text| head(text) == "REFER"), "before the ACK");
    bench.receive(strange_trunk(), &request("ACK", number, 1, Transport::Udp, tag(&answer, "To"), ""));
    sent.extend(bench.sent());
    (answer, sent)
}

#[test]
fn the_trunk_takes_a_call_over_and_only_its_last_word_counts() {
    let mut bench = bench();
    let (answer, sent) = handed_over(&mut bench, "300");
    let refer = only(&sent, "REFER");
    assert_eq!(value(&refer, "Refer-To"), "<sip:+14155550199@203.0.113.9:5060>");
    assert_eq!(value(&refer, "Referred-By"), "<sip:cordboard.example>");
    bench.receive(strange_trunk(), &response(&refer, 202, ""));
    bench.receive(strange_trunk(), &notified(&answer, 2, "active;expires=60", "SIP/2.0 100 Trying\n"));
    assert_eq!(bench.heads(), ["200 NOTIFY"], "a 202 is no success");
    bench.receive(strange_trunk(), &notified(&answer, 3, "terminated;reason=noresource", "SIP/2.0 200 OK\n"));
    assert_eq!(bench.heads(), ["200 NOTIFY", "BYE"]);
    bench.closed(1);
    let record = bench.records().remove(0);
    let outcome = record.outcome.unwrap();
    assert_eq!((outcome.outcome, outcome.offers[0].result.as_str()), (OutcomeKind::Answered, "handed_over"));
    // Nobody asked for more.
    bench.receive(strange_trunk(), &notified(&answer, 4, "active", "SIP/2.0 200 OK\n"));
    assert_eq!(bench.heads(), ["481 NOTIFY"]);
}

#[test]
fn a_call_that_the_trunk_does_not_take_over_goes_on_in_its_flow() {
    for (refused, last, result) in [
        (Some(603), None, "rejected"),
        (None, Some("SIP/2.0 486 Busy Here\n"), "busy"),
        (None, Some(""), "failed"),
    ] {
        let mut bench = bench();
        let (answer, sent) = handed_over(&mut bench, "300");
        let refer = only(&sent, "REFER");
        bench.receive(strange_trunk(), &response(&refer, refused.unwrap_or(202), ""));
        if let Some(last) = last {
            bench.receive(strange_trunk(), &notified(&answer, 2, "terminated;reason=noresource", last));
        }
        assert!(bench.heads().contains(&"BYE".to_owned()), "the flow hangs up in its next step");
        bench.closed(1);
        let outcome = bench.records().remove(0).outcome.unwrap();
        assert_eq!((outcome.path.len(), outcome.offers[0].result.as_str()), (2, result));
    }
}

#[test]
fn the_trunk_joins_the_caller_with_the_leg_that_answered_over_it() {
    let mut bench = bench();
    let (answer, sent) = handed_over(&mut bench, "301");
    let (refer, out) = (only(&sent, "REFER"), only(&sent, "INVITE"));
    let replaces = format!("{}%3Bto-tag%3Dagents%3Bfrom-tag%3D{}", value(&out, "Call-ID"), tag(&out, "From"));
    assert_eq!(value(&refer, "Refer-To"), format!("<sip:alice@{}?Replaces={replaces}>", agent()));
    bench.receive(strange_trunk(), &response(&refer, 202, ""));
    bench.receive(strange_trunk(), &notified(&answer, 2, "terminated;reason=noresource", "SIP/2.0 200 OK\n"));
    assert_eq!(bench.heads(), ["200 NOTIFY", "BYE", "BYE"]);
    // Over another trunk than the caller's it stays here.
    let mut other = self::bench();
    other.receive(caller(), &invite("301"));
    let out = only(&other.sent(), "INVITE");
    other.receive(strange_trunk(), &response(&out, 200, &sdp(strange_trunk().ip())));
    let answer = only(&other.sent(), "200 INVITE");
    other.receive(caller(), &request("ACK", "301", 1, Transport::Udp, tag(&answer, "To"), ""));
    assert_eq!(other.heads(), [""; 0]);
    assert_eq!(other.switchboard.counts().calls, 1);
}

#[test]
fn a_notify_of_another_event_is_489_and_one_that_nobody_asked_for_481() {
    let mut bench = bench();
    let (answer, _) = talking(&mut bench);
    for (cseq, event, code) in [(2, "Event: presence", 489), (3, "Event: refer", 481), (4, "X: y", 489)] {
        let notify = request("NOTIFY", DIRECT, cseq, Transport::Udp, tag(&answer, "To"), "");
        bench.receive(caller(), &with(&notify, event));
        assert_eq!(bench.heads(), [format!("{code} NOTIFY")]);
    }
}

#[test]
fn a_refer_its_202_and_what_is_told_of_it_name_our_contact() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    bench.receive(agent(), &refer(&to_alice, 1, "<sip:bob@cordboard.example>"));
    let sent = bench.sent();
    assert_eq!(value(&only(&sent, "202 REFER"), "Contact"), "<sip:cordboard@192.0.2.1:5060>");
    assert_eq!(value(&only(&sent, "NOTIFY"), "Contact"), value(&to_alice, "Contact"));
    let (answer, sent) = handed_over(&mut self::bench(), "300");
    assert_eq!(value(&only(&sent, "REFER"), "Contact"), value(&answer, "Contact"));
}

#[test]
fn a_leg_whose_new_media_meet_a_change_of_its_own_is_asked_again() {
    let mut bench = bench();
    let (_, to_alice) = talking(&mut bench);
    let (answer, _) = consulting(&mut bench);
    bench.receive(agent(), &refer(&to_alice, 1, &replacing(&answer)));
    let sent = bench.sent();
    let moving = only(&sent, "INVITE");
    hear(&mut bench, &sent);
    bench.receive(agent(), &response(&only(&sent, "BYE"), 200, ""));
    bench.receive(bob(), &response(&moving, 491, ""));
    assert_eq!(bench.heads(), ["ACK"]);
    // We made the Call-ID of Bob's dialog, so we wait longer (RFC 3261 14.1).
    bench.pass(2_099);
    assert_eq!(bench.heads(), [""; 0]);
    let mut later = || {
        bench.pass(10);
        bench.sent().pop()
    };
    let again = (0..=190).find_map(|_| later()).expect("within four seconds");
    assert_eq!((value(&again, "Call-ID"), body(&again)), (value(&moving, "Call-ID"), body(&moving)));
    bench.receive(bob(), &response(&again, 200, &sdp(bob().ip())));
    let sent = bench.sent();
    only(&sent, "ACK");
    assert_eq!(hear(&mut bench, &sent), [200]);
    only(&bench.sent(), "BYE");
}
