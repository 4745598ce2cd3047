//! dial: flows.md 1.3.

use super::*;

fn dial(config: Value) -> Rig {
    rig(
        json!({}),
        json!({"d": {"type": "dial", "config": config, "on": {"no_answer": "none", "busy": "busy",
            "unavailable": "away", "rejected": "rejected", "failed": "failed"}},
            "none": wait(), "busy": wait(), "away": wait(), "rejected": wait(), "failed": wait()}),
    )
}

fn wait() -> Value {
    json!({"type": "wait", "config": {"seconds": 100}})
}

fn two(extra: Value) -> Value {
    let mut config = json!({"target": {"kind": "users", "values": ["alice", "bob"]}});
    config.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    config
}

fn answered(dial: u32) -> Event {
    Event::Answered { dial: DialId(dial) }
}

fn failed(dial: u32, cause: DialFailure) -> Event {
    Event::DialFailed { dial: DialId(dial), cause, sip_code: None }
}

#[test]
fn the_first_answer_wins_and_a_late_one_is_hung_up() {
    let mut rig = dial(two(json!({})));
    assert_eq!(rig.take(), ["enter d", "ringing", "dial d0 alice", "dial d1 bob"]);
    rig.at(4_000).event(answered(1));
    assert_eq!(rig.take(), ["cancel d0 AnsweredElsewhere", "answer", "connect d1"]);
    rig.event(answered(0));
    assert_eq!(rig.take(), ["bye d0"]);
    rig.at(64_000).event(Event::DialledHungUp { dial: DialId(1) });
    assert_eq!(rig.var("dial.ringSec"), "4");
    let outcome = rig.outcome();
    assert_eq!(
        (outcome.outcome, outcome.ended_by, outcome.talk_sec),
        (OutcomeKind::Answered, EndedBy::Agent, 60)
    );
    assert_eq!(outcome.agent_id.as_deref(), Some("bob"));
    let results: Vec<_> = outcome.offers.iter().map(|o| (o.agent.as_str(), o.result.as_str())).collect();
    assert_eq!(results, [("alice", "answered_elsewhere"), ("bob", "answered")]);
}

#[test]
fn one_after_the_other_each_rings_for_its_time_and_all_for_theirs() {
    let mut rig = dial(two(json!({"strategy": "sequential", "ringSec": 10, "totalSec": 15})));
    rig.take();
    assert_eq!(rig.at(9_999).take(), [""; 0]);
    assert_eq!(rig.at(10_000).take(), ["cancel d0 RangOut", "dial d1 bob"]);
    assert_eq!(rig.at(15_000).take(), ["cancel d1 RangOut", "leave no_answer", "enter none"]);
    assert_eq!((rig.var("dial.result"), rig.var("dial.sipCode")), ("no_answer".into(), "487".into()));
}

#[test]
fn of_several_failures_the_one_nearest_to_a_person_names_the_port() {
    use DialFailure::*;
    for (a, b, step) in [
        (Busy, NoAnswer, "none"),
        (Unavailable, Busy, "busy"),
        (Failed, Rejected, "rejected"),
        (Unavailable, Failed, "failed"),
        (Unavailable, Unavailable, "away"),
    ] {
        let mut rig = dial(two(json!({})));
        rig.event(failed(0, a)).event(failed(1, b));
        assert_eq!(rig.step(), step);
    }
}

#[test]
fn a_screened_agent_must_press_1_while_the_others_go_on_ringing() {
    let mut rig = dial(two(json!({"screen": "press_1", "whisper": file("sales"), "screenSec": 10})));
    rig.take();
    rig.event(answered(0));
    assert_eq!(rig.take(), ["play p1 to d0 sales+PressOneToAccept"]);
    let key = |digit| Event::Digit { party: Party::Dialled(DialId(0)), digit, source: "rfc4733" };
    rig.event(key('2')).ended(1);
    assert_eq!(rig.at(9_999).take(), [""; 0]);
    assert_eq!(rig.at(10_000).take(), ["bye d0"]);
    rig.event(answered(1));
    assert_eq!(rig.take(), ["play p2 to d1 sales+PressOneToAccept"]);
    rig.event(Event::Digit { party: Party::Dialled(DialId(1)), digit: '1', source: "rfc4733" });
    assert_eq!(rig.take(), ["stop p2", "answer", "connect d1"]);
}

#[test]
fn music_answers_the_caller_and_goes_on_while_the_agent_hears_the_whisper() {
    let mut rig = dial(
        json!({"target": {"kind": "user", "value": "alice"}, "ringback": "music", "whisper": say("Sales")}),
    );
    assert_eq!(rig.take(), ["enter d", "answer", "play p1 Music", "dial d0 alice"]);
    rig.event(answered(0));
    assert_eq!(rig.take(), ["play p2 to d0 'Sales'"]);
    assert_eq!(rig.at(3_000).take(), ["late", "stop p2", "stop p1", "connect d0"]);
}

#[test]
fn a_caller_who_hangs_up_ends_ringing_and_talk() {
    let mut rig = dial(two(json!({})));
    rig.take();
    rig.at(6_000).event(Event::CallerHungUp);
    assert_eq!(rig.take(), ["cancel d0 CallerGone", "cancel d1 CallerGone", "finished AbandonedRinging"]);

    let mut rig = dial(two(json!({})));
    rig.event(answered(0)).at(9_000).take();
    rig.event(Event::CallerVanished);
    assert_eq!(rig.take(), ["bye d0", "hangup 480/16", "finished Answered"]);
}

#[test]
fn a_conversation_has_its_limit_and_the_flow_may_go_on_after_it() {
    let steps = json!({"d": {"type": "dial", "config": {"target": {"kind": "sip", "value": "sip:x@127.0.0.1"},
        "maxTalkSec": 30, "afterAnswered": "continue"}, "on": {"after_call": "w"}}, "w": wait()});
    let mut rig = rig(json!({}), steps);
    rig.event(answered(0)).take();
    assert_eq!(rig.at(29_999).take(), [""; 0]);
    assert_eq!(rig.at(30_000).take(), ["bye d0", "leave after_call", "enter w"]);
    assert_eq!(rig.var("dial.talkSec"), "30");
}

#[test]
fn a_call_that_is_handed_over_at_once_rings_nobody_here_and_ends_where_the_trunk_has_it() {
    let number =
        |mode: &str| dial(json!({"target": {"kind": "number", "value": "+15550199"}, "handOver": mode}));
    let begun = ["enter d", "answer", "play p1 RingbackTone", "hand over d0 +15550199"];
    let mut rig = number("blind");
    assert_eq!(rig.take(), begun);
    rig.event(Event::HandedOver { dial: DialId(0) });
    assert_eq!(rig.take(), ["stop p1", "hangup 480/16", "finished Answered"]);

    for (cause, port) in [(DialFailure::Busy, "busy"), (DialFailure::Unavailable, "unavailable")] {
        let mut rig = number("blind");
        rig.take();
        rig.event(Event::HandOverFailed { dial: DialId(0), cause, sip_code: Some(486) });
        let taken = rig.take();
        assert_eq!(taken[..2], ["stop p1".to_owned(), format!("leave {port}")]);
        assert_eq!(rig.var("dial.sipCode"), "486");
    }

    let mut rig = number("blind");
    rig.take();
    assert_eq!(rig.at(300_000).take()[..2], ["stop p1", "leave no_answer"], "the limit of the step");

    let mut rig = number("blind");
    rig.take();
    rig.at(9_000).event(Event::CallerHungUp);
    assert_eq!(rig.take(), ["stop p1", "finished AbandonedRinging"]);
}

#[test]
fn a_call_is_handed_over_after_the_answer_or_goes_on_here() {
    let number = || {
        let mut rig =
            dial(json!({"target": {"kind": "number", "value": "+15550199"}, "handOver": "attended"}));
        rig.take();
        rig.event(answered(0));
        assert_eq!(rig.take(), ["answer", "connect d0", "hand over d0"]);
        rig
    };
    let mut rig = number();
    rig.event(Event::HandedOver { dial: DialId(0) });
    assert_eq!(rig.take(), ["hangup 480/16", "finished Answered"]);
    let mut rig = number();
    rig.event(Event::HandOverFailed { dial: DialId(0), cause: DialFailure::Failed, sip_code: Some(501) });
    assert_eq!(rig.take(), ["error hand_over_failed"]);
    rig.event(Event::DialledHungUp { dial: DialId(0) });
    assert_eq!(rig.take(), ["hangup 480/16", "finished Answered"]);
}

#[test]
fn a_caller_who_was_transferred_talks_on_with_the_other_or_goes_through_another_flow() {
    let mut rig = dial(two(json!({})));
    rig.event(answered(0)).take();
    let (from, to, name) = (DialId(0), DialId(7), "carol".to_owned());
    rig.event(Event::Transferred { from, to, agent: Some(name.clone()), name });
    rig.event(Event::DialledHungUp { dial: from });
    assert_eq!(rig.take(), [""; 0], "who transferred is gone, the call goes on");
    assert_eq!(rig.var("dial.agentId"), "carol");
    rig.event(Event::DialledHungUp { dial: to });
    assert_eq!(rig.take(), ["hangup 480/16", "finished Answered"]);

    let mut rig = dial(two(json!({})));
    rig.event(answered(1)).take();
    let (flow, _) =
        Flow::compile(&document(json!({}), json!({"w": wait()})).to_string(), &Resources::default()).unwrap();
    rig.event(Event::SentInto { flow: FlowVersion { flow: Arc::new(flow), number: 9 } });
    assert_eq!(rig.take(), ["bye d1", "leave jump", "enter t/w"]);
}

#[test]
fn a_target_that_cannot_be_dialled_is_an_error_and_an_empty_one_is_unavailable() {
    for (kind, name, expected) in [
        ("number", "call me", "error bad_target"),
        ("sip", "sip:a@b\r\nEvil: 1", "error bad_target"),
        ("number", "", "leave unavailable"),
        ("user", "", "leave unavailable"),
        ("number", "+1 (415) 555-0100", "dial d0 +14155550100"),
    ] {
        let steps = json!({"d": {"type": "dial", "config": {"target": {"kind": kind, "value": "{{call.fromName}}"}}}});
        let facts = CallFacts { from_name: name.into(), ..CallFacts::default() };
        let taken = rig_for(facts, &document(json!({}), steps)).take();
        assert!(taken.contains(&expected.to_owned()), "{kind} {name:?}: {taken:?}");
    }
}
