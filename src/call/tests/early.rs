//! Early media: what a dialled side says and sends before it answers.

use super::*;

/// A response of the agent under another tag, as of another branch of a call that forked.
fn fork(to: &str, code: u16, tag: &str, body: &str) -> String {
    response(to, code, body).replace(";tag=agents", &format!(";tag={tag}"))
}

fn host(last: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, last])
}

/// A caller whose agent rings.
fn ringing(bench: &mut Bench) -> String {
    bench.receive(caller(), &invite(DIRECT));
    let sent = bench.sent();
    only(&sent, "180 INVITE");
    only(&sent, "INVITE")
}

#[test]
fn early_media_reach_the_caller_by_a_183_and_the_200_repeats_its_description() {
    let mut bench = Bench::new();
    let to_agent = ringing(&mut bench);
    bench.receive(agent(), &response(&to_agent, 183, &sdp(agent().ip())));
    let progress = only(&bench.sent(), "183 INVITE");
    assert_eq!(bench.media(), ["open l2 192.0.2.20", "open l1 192.0.2.9", "bridge l1 l2"]);
    // 180 after 183, as mobile networks do it.
    bench.receive(agent(), &response(&to_agent, 180, ""));
    assert_eq!(bench.heads(), ["180 INVITE"]);
    bench.receive(agent(), &response(&to_agent, 180, ""));
    assert_eq!(bench.heads(), [""; 0]);
    assert_eq!(bench.media(), [""; 0], "what came early is heard on");
    bench.receive(agent(), &response(&to_agent, 200, &sdp(agent().ip())));
    let answer = only(&bench.sent(), "200 INVITE");
    assert_eq!(body(&answer), body(&progress));
    // From the answer on silence counts.
    assert_eq!(bench.media(), ["update l2", "update l1", "bridge l1 l2"]);
}

#[test]
fn of_several_early_branches_the_last_is_heard_and_the_one_that_answers_counts() {
    let mut bench = Bench::new();
    let to_agent = ringing(&mut bench);
    for (code, tag, at, media) in [
        (183, "a", 1, vec!["open l2 198.51.100.1", "open l1 192.0.2.9", "bridge l1 l2"]),
        (183, "b", 2, vec!["update l2"]),
        (183, "b", 2, vec![]),
    ] {
        bench.receive(agent(), &fork(&to_agent, code, tag, &sdp(host(at))));
        assert_eq!(bench.media(), media);
    }
    // A branch that describes what we cannot play harms nobody.
    bench.receive(agent(), &fork(&to_agent, 183, "c", "v=0\n"));
    bench.receive(agent(), &fork(&to_agent, 183, "d", &sdp(host(3)).replace("AVP 0", "AVP 3")));
    assert_eq!(bench.media(), [""; 0]);
    bench.receive(agent(), &fork(&to_agent, 200, "a", &sdp(host(4))));
    let media = bench.media();
    assert!(
        media.contains(&"update l2".to_owned()) && media.contains(&"bridge l1 l2".to_owned()),
        "{media:?}"
    );
    only(&bench.sent(), "200 INVITE");
}

#[test]
fn a_200_without_a_description_stands_by_the_reliable_183_before_it() {
    let mut bench = Bench::new();
    let to_agent = ringing(&mut bench);
    let early = with(&response(&to_agent, 183, &sdp(agent().ip())), "Require: 100rel\nRSeq: 7");
    bench.receive(agent(), &early);
    let prack = only(&bench.sent(), "PRACK");
    assert_eq!(value(&prack, "RAck"), "7 1 INVITE");
    bench.receive(agent(), &response(&to_agent, 200, ""));
    only(&bench.sent(), "200 INVITE");
    bench.media();
    bench.receive(agent(), &response(&prack, 200, ""));
    assert_eq!(bench.records().len(), 0);
}

#[test]
fn a_caller_who_made_no_offer_or_wants_media_elsewhere_only_hears_that_it_rings() {
    for body in [String::new(), sdp(host(9))] {
        let mut bench = Bench::new();
        bench.receive(caller(), &request("INVITE", DIRECT, 1, Transport::Udp, "", &body));
        let to_agent = only(&bench.sent(), "INVITE");
        bench.receive(agent(), &response(&to_agent, 183, &sdp(agent().ip())));
        assert_eq!(bench.heads(), [""; 0], "{body}");
        assert_eq!(bench.media(), ["open l2 192.0.2.20"]);
    }
}

#[test]
fn a_caller_who_is_answered_hears_the_ringing_tone_again_when_early_media_end() {
    let mut bench = Bench::new();
    let text = with(&invite(TWICE), "Priority: normal");
    bench.receive(caller(), &text);
    let first = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &response(&first, 183, &sdp(agent().ip())));
    bench.media();
    bench.receive(agent(), &response(&first, 486, ""));
    let media = bench.media();
    assert_eq!(media.first().map(String::as_str), Some("play l1"), "{media:?}");
    only(&bench.sent(), "INVITE");
}

#[test]
fn a_caller_who_is_not_answered_is_told_so_each_minute() {
    // RFC 3261 section 13.3.1.1: proxies end what says nothing for three minutes.
    for (code, description) in [(180, String::new()), (183, sdp(agent().ip()))] {
        let mut bench = Bench::new();
        let mut snapshot = Arc::into_inner(snapshot()).expect("the only one");
        let (_, text) = FLOWS[1];
        let text = text.replace("\"ringSec\": 20", "\"ringSec\": 120");
        let (flow, _) = Flow::compile(&text, &Resources::default()).unwrap_or_else(|e| panic!("{e:#?}"));
        let library = Arc::get_mut(&mut snapshot.library).unwrap();
        library.flows.insert("direct".to_owned(), LiveFlow::new(Arc::new(flow), 1));
        bench.handle(Input::Snapshot(Arc::new(snapshot)));
        bench.receive(caller(), &invite(DIRECT));
        let to_agent = only(&bench.sent(), "INVITE");
        bench.receive(agent(), &response(&to_agent, code, &description));
        bench.pass(1_000);
        bench.sent();
        let to_caller = |bench: &mut Bench| {
            let heads = bench.heads().into_iter();
            heads.filter(|head| head.ends_with(" INVITE")).collect::<Vec<_>>()
        };
        bench.pass(58_000);
        assert_eq!(to_caller(&mut bench), [""; 0]);
        bench.pass(1_500);
        assert_eq!(to_caller(&mut bench), [format!("{code} INVITE")]);
        bench.receive(agent(), &response(&to_agent, 200, &sdp(agent().ip())));
        only(&bench.sent(), "200 INVITE");
        bench.pass(20_000);
        assert_eq!(to_caller(&mut bench).iter().filter(|head| **head == format!("{code} INVITE")).count(), 0);
    }
}
