//! What is known of a call while it runs: troubles of its audio, its SIP messages.

use super::*;
use crate::call::copies::MessageCopy;
use crate::call::record::EndReason;
use crate::call::troubles::TroubleKind;
use crate::ids::CallId;
use crate::media::{Condition, Unsecured};

fn info(number: &str, to_tag: &str, body: &str) -> String {
    request("INFO", number, 2, Transport::Udp, to_tag, body)
        .replace("application/sdp", "application/dtmf-relay")
}

impl Bench {
    /// Answers a call and acknowledges it; gives the answer.
    fn answered(&mut self, number: &str) -> String {
        self.receive(caller(), &invite(number));
        let answer = only(&self.sent(), "200 INVITE");
        self.receive(caller(), &ack(&answer, ""));
        answer
    }

    fn call(&self) -> CallId {
        *self.switchboard.calls.keys().next().expect("a call")
    }

    fn condition(&mut self, leg: u64, condition: Condition) {
        self.handle(Input::Media {
            thread: THREAD,
            event: media::Event::Condition { leg: LegId(leg), condition },
        });
    }
}

#[test]
fn a_leg_without_keys_is_told_in_place_of_its_silence() {
    for (unsecured, words) in [
        (Unsecured::Unreached, "nothing of its connectivity checks (ICE) has reached us"),
        (Unsecured::Unfinished, "its handshake for the keys of the audio (DTLS) is not finished"),
        (Unsecured::WrongCertificate, "is not the one that its SDP names"),
        (Unsecured::NoProfile, "no protection of audio that this server has"),
        (Unsecured::Broken, "break again and again"),
    ] {
        let mut bench = Bench::new();
        bench.answered(GREETED);
        bench.pass(4_000);
        let silent_since = Some(bench.now.instant);
        bench.condition(1, Condition { silent_since, unsecured: Some(unsecured), ..Condition::default() });
        let id = bench.call();
        bench.handle(Input::HangUp(id));
        bench.closed(1);
        let troubles = bench.records().remove(0).troubles;
        let [trouble] = &troubles[..] else { panic!("{troubles:?}") };
        assert_eq!(trouble.kind, TroubleKind::NotSecured);
        assert!(trouble.text.contains(words), "{}", trouble.text);
    }
}

#[test]
fn audio_that_stays_away_marks_the_call_in_the_list_until_it_comes_and_stays_in_its_record() {
    let mut bench = Bench::new();
    bench.answered(GREETED);
    assert!(bench.switchboard.changes(bench.now.instant).is_whole);
    bench.pass(4_000);
    let silent = Condition { silent_since: Some(bench.now.instant), ..Condition::default() };
    for (condition, mark) in [
        (silent, Some("No audio from the caller")),
        (Condition::default(), None),
        (silent, Some("No audio from the caller")),
    ] {
        bench.condition(1, condition);
        let changes = bench.switchboard.changes(bench.now.instant);
        let marks: Vec<_> =
            changes.calls.iter().map(|call| call.trouble.as_ref().map(|(_, text)| text.as_str())).collect();
        assert_eq!(marks, [mark]);
    }
    assert_eq!(bench.switchboard.changes(bench.now.instant).calls, [], "nothing changed since");
    let id = bench.call();
    bench.handle(Input::HangUp(id));
    bench.closed(1);
    assert_eq!(bench.switchboard.changes(bench.now.instant).ended, [id]);
    let record = bench.records().remove(0);
    assert_eq!(record.end_reason, EndReason::OperatorHungUp);
    let texts: Vec<_> =
        record.troubles.iter().map(|trouble| (trouble.party.as_str(), trouble.text.as_str())).collect();
    let text = "No audio from the caller for 0 s: nothing came yet. The SDP said 192.0.2.9:4000.";
    assert_eq!(texts, [("caller", text)]);
}

#[test]
fn a_row_is_told_anew_when_the_peer_holds_and_when_a_late_ack_comes() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(GREETED));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.pass(3_000);
    let mark = |bench: &mut Bench| {
        let changes = bench.switchboard.changes(bench.now.instant);
        changes.calls.iter().map(|call| call.trouble.clone().map(|(_, text)| text)).next()
    };
    let late = "Our answer to the caller is not acknowledged".to_owned();
    assert_eq!(mark(&mut bench), Some(Some(late)));
    bench.receive(caller(), &ack(&answer, ""));
    assert_eq!(mark(&mut bench), Some(None), "it is acknowledged");
    let held = sdp(caller().ip()).replace("o=- 1 1", "o=- 1 2") + "a=inactive\n";
    bench.receive(caller(), &request("INVITE", GREETED, 2, Transport::Udp, tag(&answer, "To"), &held));
    assert_eq!(mark(&mut bench), Some(Some("The caller is on hold".to_owned())));
}

#[test]
fn the_ladder_of_a_call_has_the_messages_of_all_its_legs_in_order_and_outlives_it() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(DIRECT));
    let id = bench.call();
    let ring = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &response(&ring, 180, ""));
    bench.receive(agent(), &response(&ring, 200, &sdp(agent().ip())));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.receive(caller(), &ack(&answer, ""));
    bench.receive(caller(), &info(DIRECT, tag(&answer, "To"), "Signal=7\nDuration=160\n"));
    bench.handle(Input::HangUp(id));
    bench.closed(1);
    let agents_leg = 2;
    bench.closed(agents_leg);
    let ladder = bench.switchboard.ladders().of(id).expect("its messages").clone();
    let lines: Vec<_> = ladder
        .messages
        .iter()
        .map(|message| {
            let text = String::from_utf8(message.text()).unwrap().replace('\r', "");
            assert!(!text.contains("Signal=7"), "{text}");
            format!("{} {} {}", message.leg, if message.is_sent { ">" } else { "<" }, head(&text))
        })
        .collect();
    let expected = [
        "0 < INVITE",
        "0 > 100 INVITE",
        "0 > 180 INVITE",
        "1 > INVITE",
        "1 < 180 INVITE",
        "1 < 200 INVITE",
        "1 > ACK",
        "0 > 200 INVITE",
        "0 < ACK",
        "0 < INFO",
        "0 > 200 INFO",
        "0 > BYE",
        "1 > BYE",
    ];
    assert_eq!(lines, expected);
    assert!(ladder.is_over);
    assert_eq!(ladder.parties, [(0, "caller".to_owned()), (1, "alice".to_owned())]);
}

#[test]
fn where_somebody_collects_every_message_is_copied_with_its_call_and_without_its_secrets() {
    let copies = |bench: &mut Bench| {
        bench.take(|action| match action {
            Action::Copy(copy) => Some(MessageCopy::clone(copy)),
            _ => None,
        })
    };
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(GREETED));
    assert_eq!(copies(&mut bench), [], "nobody collects");
    let mut bench = Bench::new();
    bench.switchboard.copy_messages();
    let answer = bench.answered(GREETED);
    let id = bench.call();
    let keys = info(GREETED, tag(&answer, "To"), "Signal=7\nDuration=160\n");
    bench.receive(caller(), &keys);
    let ping = request("OPTIONS", "ping", 1, Transport::Udp, "", "").replace("Call-ID: ", "Call-ID: ping-");
    bench.receive(caller(), &ping);
    bench.receive(caller(), "\r\n\r\n");
    let copies = copies(&mut bench);
    let lines: Vec<_> = copies
        .iter()
        .map(|copy| {
            let text = String::from_utf8(copy.text.clone()).unwrap();
            assert!(!text.contains("Signal=7"), "{text}");
            let way = if copy.passing.is_sent { ">" } else { "<" };
            (way, head(&text), copy.call)
        })
        .collect();
    let expected = [
        ("<", "INVITE", Some(id)),
        (">", "100 INVITE", Some(id)),
        (">", "200 INVITE", Some(id)),
        ("<", "ACK", Some(id)),
        ("<", "INFO", Some(id)),
        (">", "200 INFO", Some(id)),
        ("<", "OPTIONS", None),
        (">", "200 OPTIONS", None),
    ];
    let expected: Vec<_> = expected.map(|(way, head, call)| (way, head.to_owned(), call)).into();
    assert_eq!(lines, expected);
    assert!(copies.iter().all(|copy| copy.passing.peer == caller()));
}

#[test]
fn a_call_that_was_refused_has_a_ladder_too() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite("+19999999999"));
    let record = bench.records().remove(0);
    let ladder = bench.switchboard.ladders().of(record.call_id.parse().unwrap()).expect("its messages");
    assert_eq!(ladder.messages.len(), 3, "INVITE, 100 and 404");
}

#[test]
fn a_capture_follows_the_legs_of_a_call_and_is_kept_when_it_is_over() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(DIRECT));
    let id = bench.call();
    bench.handle(Input::BeginCapture(id));
    assert!(!bench.media().iter().any(|command| command.starts_with("capture")), "no leg is open yet");
    let ring = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &response(&ring, 200, &sdp(agent().ip())));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.receive(caller(), &ack(&answer, ""));
    let begun: Vec<_> = bench.media().into_iter().filter(|command| command.starts_with("capture")).collect();
    assert_eq!(begun, ["capture l2", "capture l1"]);
    bench.handle(Input::BeginCapture(id));
    assert_eq!(bench.media(), Vec::<String>::new(), "it runs already");
    bench.handle(Input::EndCapture(id));
    assert_eq!(bench.media(), ["end capture l2", "end capture l1"]);
    for leg in [1, 2] {
        let capture = Box::new(media::Capture::until(bench.now.instant));
        bench.handle(Input::Media {
            thread: THREAD,
            event: media::Event::Captured { leg: LegId(leg), capture },
        });
    }
    bench.handle(Input::HangUp(id));
    let capture = bench.switchboard.captures().of(id).unwrap();
    assert!(capture.is_whole(bench.now.instant));
    let legs: Vec<_> = capture.done.iter().map(|leg| (leg.leg, leg.own.port())).collect();
    assert_eq!(legs, [(0, 20_000), (1, 20_002)]);
}
