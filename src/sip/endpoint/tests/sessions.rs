//! Session timers, RFC 4028.

use super::server::established;
use super::*;

fn with(message: &str, header: &str) -> String {
    message.replacen("CSeq:", &format!("{header}\nCSeq:"), 1)
}

fn update(cseq: u32, to_tag: &str) -> String {
    request("UPDATE", cseq, &format!("z9hG4bKu{cseq}"), to_tag)
}

/// A call of the peer whose INVITE and whose 200 have these headers.
fn incoming(bench: &mut Bench, header: &str) -> (DialogId, String) {
    bench.receive(&with(&invite(), header));
    let dialog = match bench.event() {
        Event::Invite { dialog, .. } => dialog,
        other => panic!("{other:?}"),
    };
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    let ok = bench.sent().pop().unwrap();
    bench.receive(&request("ACK", 1, "z9hG4bKack", tag(&ok, "To")));
    bench.events();
    (dialog, ok)
}

/// A call of ours whose 200 has these headers.
fn outgoing_call(bench: &mut Bench, header: &str) -> (DialogId, String) {
    let dialog = bench.endpoint.invite(bench.now, outgoing(), &mut bench.actions);
    let invite = bench.sent().remove(0);
    bench.receive(&with(&response(&invite, 200, "a1"), header));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    bench.sent();
    (dialog, invite)
}

#[test]
fn an_interval_that_is_too_small_is_422_with_what_we_take() {
    let mut bench = Bench::new();
    bench.receive(&with(&invite(), "Supported: timer\nSession-Expires: 60"));
    let sent = bench.sent();
    assert_eq!(
        (first_line(&sent[0]).as_str(), value(&sent[0], "Min-SE")),
        ("SIP/2.0 422 Session Interval Too Small", "90")
    );
    bench.assert_nothing();
    let mut bench = Bench::new();
    let (_, ours) = established(&mut bench);
    bench.receive(&with(&update(2, &ours), "Supported: timer\nSession-Expires: 60"));
    assert_eq!(bench.lines(), ["SIP/2.0 422 Session Interval Too Small"]);
    assert_eq!(bench.endpoint.counters().intervals_rejected, 1);
}

#[test]
fn a_422_to_our_invite_is_answered_by_the_same_invite_with_a_larger_interval() {
    let mut bench = Bench::new();
    let dialog = bench.endpoint.invite(bench.now, outgoing(), &mut bench.actions);
    let first = bench.sent().remove(0);
    assert_eq!((value(&first, "Session-Expires"), value(&first, "Supported")), ("1800", compose::SUPPORTED));
    assert!(!has_header(&first, "Min-SE"));
    bench.receive(&with(&response(&first, 422, "a1"), "Min-SE: 3600"));
    let sent = bench.sent();
    assert_eq!(sent.iter().map(|text| value(text, "CSeq")).collect::<Vec<_>>(), ["1 ACK", "2 INVITE"]);
    let second = &sent[1];
    assert_eq!((value(second, "Session-Expires"), value(second, "Min-SE")), ("3600", "3600"));
    assert_eq!(
        (value(second, "From"), value(second, "Call-ID")),
        (value(&first, "From"), value(&first, "Call-ID"))
    );
    assert!(!value(second, "To").contains("tag"));
    bench.assert_nothing();
    bench.receive(&response(second, 200, "a2"));
    assert!(matches!(bench.event(), Event::Answered { dialog: known, .. } if known == dialog));
    assert_eq!(value(&bench.sent()[0], "CSeq"), "2 ACK");
}

#[test]
fn a_422_that_asks_for_no_more_than_before_fails_the_call() {
    let mut bench = Bench::new();
    bench.endpoint.invite(bench.now, outgoing(), &mut bench.actions);
    let mut invite = bench.sent().remove(0);
    for least in [2_000, 2_000] {
        bench.receive(&with(&response(&invite, 422, "a1"), &format!("Min-SE: {least}")));
        invite = bench.sent().pop().unwrap();
    }
    assert!(matches!(bench.event(), Event::Failed { .. }));
    bench.assert_clean();
}

#[test]
fn we_refresh_by_update_where_the_peer_takes_it_at_half_of_the_interval() {
    let mut bench = Bench::new();
    let (_, ok) =
        incoming(&mut bench, "Supported: timer\nAllow: INVITE, UPDATE\nSession-Expires: 600;refresher=uas");
    assert_eq!(value(&ok, "Session-Expires"), "600;refresher=uas");
    assert!(!has_header(&ok, "Require"));
    bench.pass(299_999);
    bench.assert_nothing();
    for _ in 0..4 {
        bench.pass(1);
        let sent = bench.sent().remove(0);
        assert!(first_line(&sent).starts_with("UPDATE sip:"), "{sent}");
        assert_eq!(
            (value(&sent, "Session-Expires"), value(&sent, "Content-Length")),
            ("600;refresher=uac", "0")
        );
        bench.receive(&with(&response(&sent, 200, ""), "Session-Expires: 600;refresher=uac"));
        assert!(matches!(bench.event(), Event::Response { .. }));
        bench.pass(299_999);
        bench.assert_nothing();
    }
}

#[test]
fn we_refresh_by_a_reinvite_where_the_peer_names_no_update_or_refuses_it() {
    for (allow, refuses) in
        [("Allow: INVITE, ACK", false), ("Priority: normal", false), ("Allow: UPDATE", true)]
    {
        let mut bench = Bench::new();
        let header = format!("{allow}\nSupported: timer\nSession-Expires: 600;refresher=uas");
        let (dialog, _) = incoming(&mut bench, &header);
        bench.pass(300_000);
        if refuses {
            let sent = bench.sent().remove(0);
            bench.receive(&response(&sent, 405, ""));
            bench.pass(0);
            assert!(matches!(bench.events()[..], [Event::Response { .. }, Event::RefreshDue { .. }]));
        } else {
            let events = bench.events();
            assert!(
                matches!(events[..], [Event::RefreshDue { .. }]),
                "{allow} {events:?} {:?}",
                bench.sent()
            );
        }
        // The room cannot now: it is asked again.
        bench.endpoint.refresh(bench.now, dialog, None, &mut bench.actions);
        bench.pass(2_000);
        assert!(matches!(bench.event(), Event::RefreshDue { .. }));
        let body = outgoing().body;
        bench.endpoint.refresh(bench.now, dialog, body, &mut bench.actions);
        let sent = bench.sent().remove(0);
        assert_eq!(value(&sent, "Session-Expires"), "600;refresher=uac");
        bench.receive(&with(&response(&sent, 200, ""), "Session-Expires: 600;refresher=uac"));
        assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9:5060 SIP/2.0"]);
        bench.events();
        bench.pass(299_000);
        bench.assert_nothing();
    }
}

#[test]
fn a_refresh_that_is_lost_is_tried_again_and_without_any_the_session_ends() {
    let mut bench = Bench::new();
    let (dialog, _) = outgoing_call(&mut bench, "Allow: UPDATE\nSession-Expires: 300;refresher=uac");
    bench.pass(150_000);
    assert_eq!(bench.lines().len(), 1);
    // Timer F, and a pause.
    bench.pass(32_000);
    bench.sent();
    assert!(matches!(bench.event(), Event::Response { response: Err(Failure::Timeout), .. }));
    bench.pass(5_000);
    let again = bench.sent().remove(0);
    bench.receive(&with(&response(&again, 503, ""), "Retry-After: 7 (busy)"));
    bench.events();
    bench.pass(6_999);
    bench.assert_nothing();
    bench.pass(1);
    let again = bench.sent().remove(0);
    bench.receive(&with(&response(&again, 200, ""), "Session-Expires: 300;refresher=uac"));
    bench.events();
    // Now nothing comes back at all.
    bench.pass(267_999);
    assert!(bench.events().iter().all(|event| matches!(event, Event::Response { .. })));
    bench.pass(1);
    assert!(matches!(bench.event(), Event::SessionExpired { dialog: known } if known == dialog));
    assert_eq!(bench.endpoint.counters().sessions_expired, 1);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    bench.assert_clean();
}

#[test]
fn a_peer_that_refreshes_keeps_the_session_and_one_that_does_not_loses_it() {
    let mut bench = Bench::new();
    let (dialog, invite) = outgoing_call(&mut bench, "Require: timer\nSession-Expires: 90;refresher=uas");
    for number in 1..=3 {
        bench.pass(59_999);
        bench.assert_nothing();
        let refresh = with(
            &update(number, tag(&invite, "From")),
            "Supported: timer\nSession-Expires: 90;refresher=uac",
        )
        .replace("theirs", "a1")
        .replace("call-1", value(&invite, "Call-ID"));
        bench.receive(&refresh);
        let Event::Request { transaction, .. } = bench.event() else { panic!("UPDATE") };
        bench.endpoint.respond(bench.now, transaction, 200, "", &[], None, &mut bench.actions);
        let ok = bench.sent().remove(0);
        assert_eq!((value(&ok, "Session-Expires"), value(&ok, "Require")), ("90;refresher=uac", "timer"));
    }
    bench.pass(60_000);
    assert!(matches!(bench.event(), Event::SessionExpired { dialog: known } if known == dialog));
    bench.pass(200_000);
    bench.assert_nothing();
}

#[test]
fn who_knows_no_session_timers_has_none() {
    let mut bench = Bench::new();
    let (_, ok) = incoming(&mut bench, "Priority: normal");
    assert!(!has_header(&ok, "Session-Expires"));
    let mut bench = Bench::new();
    outgoing_call(&mut bench, "Priority: normal");
    bench.pass(10_000_000);
    bench.assert_nothing();
}

#[test]
fn after_glare_the_side_that_made_the_call_id_waits_longer() {
    for (ours, range) in [(true, 2_100..=4_000), (false, 0..=2_000)] {
        let mut bench = Bench::new();
        let terms = "Supported: timer\nSession-Expires: 600;refresher=";
        let dialog = if ours {
            outgoing_call(&mut bench, &format!("{terms}uac")).0
        } else {
            incoming(&mut bench, &format!("{terms}uas")).0
        };
        bench.pass(300_000);
        bench.events();
        bench.endpoint.refresh(bench.now, dialog, outgoing().body, &mut bench.actions);
        let sent = bench.sent().remove(0);
        bench.receive(&response(&sent, 491, ""));
        bench.events();
        bench.sent();
        let from = bench.now;
        let mut waited = 0;
        while bench.events().is_empty() {
            bench.pass(10);
            waited = bench.now.since(from).as_millis();
            assert!(waited <= 4_000);
        }
        assert!(range.contains(&waited), "{waited}");
    }
}
