//! flows.md 1.4, rule by rule.

use super::*;

fn menu(extra: Value) -> Rig {
    let mut config =
        json!({"prompt": file("menu"), "options": {"1": {}, "12": {}, "5": {}}, "failPrompt": file("fail")});
    config.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    rig(
        json!({}),
        json!({"m": {"type": "menu", "config": config,
            "on": {"key:1": "one", "key:12": "twelve", "key:5": "five", "no_input": "none", "invalid": "wrong"}},
            "one": wait(), "twelve": wait(), "five": wait(), "none": wait(), "wrong": wait()}),
    )
}

fn wait() -> Value {
    json!({"type": "wait", "config": {"seconds": 100}})
}

#[test]
fn rule_1_the_no_input_timer_starts_when_the_prompt_ends() {
    let mut rig = menu(json!({"maxNoInput": 2}));
    assert_eq!(rig.take(), ["enter m", "answer", "play p1 menu"]);
    assert_eq!(rig.at(20_000).take(), [""; 0]);
    rig.ended(1);
    assert_eq!(rig.at(24_999).take(), [""; 0]);
    assert_eq!(rig.at(25_000).take(), ["play p2 menu"]);
}

#[test]
fn rule_1_a_key_stops_the_prompt_at_once_and_starts_the_inter_digit_timer() {
    let mut rig = menu(json!({}));
    rig.take();
    rig.at(700).keys("1");
    assert_eq!(rig.at(701).take(), ["stop p1"]);
    assert_eq!(rig.at(3_700).take(), [""; 0]);
    assert_eq!(rig.at(3_701).take(), ["leave key:1", "enter one"]);
}

#[test]
fn rule_2_the_key_that_interrupts_is_input() {
    let mut rig = menu(json!({}));
    rig.at(10).keys("5").at(11);
    assert_eq!(rig.step(), "five");
}

#[test]
fn rule_3_without_barge_in_the_prompt_plays_to_its_end_and_type_ahead_decides_over_the_keys() {
    for (type_ahead, expected) in [(true, "five"), (false, "m")] {
        let mut rig = menu(json!({"bargeIn": false, "typeAhead": type_ahead}));
        rig.take();
        rig.at(100).keys("5");
        assert_eq!(rig.at(2_000).take(), [""; 0]);
        rig.ended(1).at(2_001);
        assert_eq!(rig.step(), expected);
        rig.keys("5").at(2_002);
        assert_eq!(rig.step(), "five");
    }
}

#[test]
fn rule_4_a_key_that_may_go_on_waits_and_one_that_cannot_is_decided_at_once() {
    for (keys, after_ms, step) in
        [("1", 2_999, "m"), ("1", 3_001, "one"), ("12", 1, "twelve"), ("5", 1, "five")]
    {
        let mut rig = menu(json!({}));
        rig.keys(keys).at(after_ms);
        assert_eq!(rig.step(), step, "{keys} after {after_ms} ms");
    }
    for keys in ["9", "13"] {
        let mut rig = menu(json!({"maxInvalid": 1}));
        rig.take();
        rig.keys(keys);
        assert_eq!(rig.at(1).take(), ["stop p1", "play p2 fail"], "{keys}");
    }
}

#[test]
fn rule_5_no_input_and_invalid_are_counted_apart_and_anew_on_each_visit() {
    let mut rig = menu(json!({"maxNoInput": 2, "maxInvalid": 2}));
    rig.keys("9").at(1).ended(2).take();
    assert_eq!(rig.at(5_001).take(), ["play p3 menu"]);
    rig.keys("9");
    assert_eq!(rig.at(5_002).take(), ["stop p3", "play p4 fail"]);

    let steps = json!({"m": {"type": "menu", "config": {"prompt": file("m"), "options": {"1": {}}, "maxInvalid": 2},
        "on": {"key:1": "m", "no_response": "out"}}, "out": wait()});
    let mut rig = super::rig(json!({}), steps);
    rig.keys("9191").at(1);
    assert_eq!(rig.step(), "m");
    rig.keys("99").at(2);
    assert_eq!(rig.step(), "out");
}

#[test]
fn rule_6_the_fail_prompt_comes_before_the_port() {
    let mut rig = menu(json!({"maxNoInput": 1}));
    rig.take();
    rig.ended(1);
    assert_eq!(rig.at(5_000).take(), ["play p2 fail"]);
    rig.ended(2);
    assert_eq!(rig.take(), ["leave no_input", "enter none"]);
}

#[test]
fn rule_7_speech_that_does_not_start_within_three_seconds_counts_as_silence() {
    let mut rig = menu(json!({"prompt": say("Press 1"), "maxNoInput": 1}));
    rig.take();
    assert_eq!(rig.at(2_999).take(), [""; 0]);
    assert_eq!(rig.at(3_000).take(), ["late", "stop p1"]);
    assert_eq!(rig.at(7_999).take(), [""; 0]);
    assert_eq!(rig.at(8_000).take(), ["play p2 fail"]);

    let mut rig = menu(json!({"prompt": say("Press 1")}));
    rig.at(2_999).started(1).take();
    assert_eq!(rig.at(60_000).take(), [""; 0]);
}

#[test]
fn rule_8_a_hang_up_in_the_same_millisecond_as_a_key_wins() {
    let mut rig = menu(json!({}));
    rig.at(6_000).keys("5").event(Event::CallerHungUp);
    assert_eq!(rig.step(), "m");
    assert_eq!(rig.outcome().outcome, OutcomeKind::AbandonedInFlow);

    let mut rig = menu(json!({}));
    rig.at(6_000).keys("5").at(6_001).event(Event::CallerHungUp);
    assert_eq!(rig.step(), "five");
}

#[test]
fn a_full_buffer_takes_no_more_than_thirty_keys() {
    let steps = json!({
        "hi": {"type": "greeting", "config": {"audio": file("hi")}, "on": {"next": "ask"}},
        "ask": {"type": "prompt", "config": {"prompt": file("ask"), "saveAs": "number", "maxDigits": 30}, "on": {"next": "w"}},
        "w": wait()});
    let mut rig = rig(json!({}), steps);
    for i in 0..40u64 {
        rig.at(i).keys(if i < 20 { "1" } else { "2" });
    }
    rig.at(100).ended(1);
    assert_eq!((rig.step(), rig.var("number")), ("w", "1".repeat(20) + &"2".repeat(10)));
}

#[test]
fn barge_in_of_a_greeting_leaves_the_key_for_the_menu() {
    let steps = json!({
        "hi": {"type": "greeting", "config": {"audio": file("hi"), "bargeIn": true}, "on": {"next": "m"}},
        "m": {"type": "menu", "config": {"prompt": file("m"), "options": {"1": {}}}, "on": {"key:1": "w", "no_response": "w"}},
        "w": wait()});
    let mut rig = rig(json!({}), steps);
    rig.keys("1").at(1);
    assert_eq!(rig.take()[3..], ["stop p1", "leave next", "enter m", "leave key:1", "enter w"]);
}

#[test]
fn a_prompt_ends_by_finish_key_full_length_or_time() {
    for (config, keys, after_ms, saved, status) in [
        (json!({}), "123#", 1, "123", "ok"),
        (json!({"finishKey": "*"}), "1#*", 1, "1#", "ok"),
        (json!({"maxDigits": 3}), "123", 1, "123", "ok"),
        (json!({}), "12", 4_001, "12", "ok"),
        (json!({"minDigits": 0}), "#", 1, "", "ok"),
        (json!({"minDigits": 2, "attempts": 1}), "1#", 1, "", "invalid"),
        (json!({"attempts": 1}), "#", 1, "", "invalid"),
        (json!({"pattern": "[1-4]{2}", "attempts": 1}), "15#", 1, "", "invalid"),
        (json!({"pattern": "1|2", "attempts": 1}), "12#", 1, "", "invalid"),
        (json!({"cancelKey": "*"}), "12*34#", 1, "34", "ok"),
        (json!({"confirm": "readback"}), "12#1", 1, "12", "ok"),
        (json!({"confirm": "readback"}), "12#2345#1", 1, "345", "ok"),
        (json!({"confirm": "readback", "attempts": 2}), "12#88", 1, "", "invalid"),
    ] {
        let mut all = json!({"prompt": file("ask"), "saveAs": "n"});
        all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
        let steps = json!({"p": {"type": "prompt", "config": all, "on": {"next": "w", "no_response": "w"}}, "w": wait()});
        let mut rig = rig(json!({}), steps);
        rig.keys(keys).at(after_ms);
        assert_eq!(
            (rig.step(), rig.var("n"), rig.var("n_status")),
            ("w", saved.to_owned(), status.to_owned()),
            "{config} {keys}"
        );
    }
}
