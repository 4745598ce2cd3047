//! Trying a trunk: what leaves, what is told of it, and that nothing else changes.

use super::*;
use crate::call::trial::{End, News, Order, TrialId, Why, Wish};
use crate::call::trunk::{CallLimits, Login, Ping};
use crate::media::{DigitSource, Recording};
use crate::sip::digest::Password;
use crate::sip::locate::{Destination, Target};
use crate::sip::message::SipUri;

const TRIAL: TrialId = TrialId(7);
const ECHO: &str = "+15550177";

fn trunk_at() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 1], 5_060))
}

/// A trunk that registers, is pinged, and has an echo.
fn tried_trunk(change: impl FnOnce(&mut Trunk)) -> Input<'static> {
    let mut snapshot = Arc::into_inner(snapshot()).expect("the only one");
    let password = Some(Password::new("secret"));
    let mut trunk = Trunk {
        id: "first".to_owned(),
        host: SipUri::parse("sip:203.0.113.1").as_ref().and_then(Destination::of),
        login: Some(Login { username: "100".into(), auth_username: "100".into(), password, realm: None }),
        register: Some(Duration::from_secs(600)),
        ping: Some(Ping { interval: Duration::from_secs(60), threshold: 1 }),
        test_number: Some(ECHO.to_owned()),
        ..Trunk::default()
    };
    change(&mut trunk);
    snapshot.trunks.push(trunk);
    Input::Snapshot(Arc::new(snapshot))
}

fn target() -> Target {
    Target { transport: Transport::Udp, address: trunk_at(), tls: None, source: None }
}

impl Bench {
    /// One whose trunk has registered and answered its first ping.
    fn tried(change: impl FnOnce(&mut Trunk)) -> Self {
        let mut bench = Bench::new();
        bench.handle(tried_trunk(change));
        bench.pass(5_000);
        for request in bench.sent() {
            let code = 200;
            bench.receive(trunk_at(), &response(&request, code, ""));
        }
        bench.actions.clear();
        bench
    }

    fn order(&mut self, wish: Wish) {
        let order = Box::new(Order { trunk: "first".to_owned(), wish });
        self.handle(Input::Trial { trial: TRIAL, order });
    }

    /// What was told of the trial since the last look.
    fn news(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        let mut kept = Vec::new();
        for action in std::mem::take(&mut self.actions) {
            match action {
                Action::Trial { trial, news: one } => {
                    assert_eq!(trial, TRIAL);
                    news.push(*one);
                }
                other => kept.push(other),
            }
        }
        self.actions = kept;
        news
    }

    fn status(&self) -> crate::call::trunk::TrunkStatus {
        self.switchboard.trunks(self.now.instant).remove(1)
    }

    /// Places the call, and gives its INVITE.
    fn call_echo(&mut self) -> String {
        self.order(Wish::Call(target()));
        only(&self.sent(), "INVITE")
    }

    fn of_leg(&mut self, event: impl FnOnce(LegId) -> media::Event) {
        let event = event(LegId(1));
        self.handle(Input::Media { thread: THREAD, event });
    }
}

/// The one piece of news, as the reply to a request.
fn reply(news: Vec<News>) -> crate::call::trial::Answered {
    match <[News; 1]>::try_from(news) {
        Ok([News::Reply(answered)]) => answered,
        Ok(_) => panic!("other news"),
        Err(news) => panic!("{} pieces of news", news.len()),
    }
}

fn failure(news: Vec<News>) -> Why {
    let mut why = news.into_iter().filter_map(|one| match one {
        News::Failed(why) => Some(why),
        _ => None,
    });
    why.next().expect("a failure")
}

#[test]
fn what_an_options_of_a_trial_meets_is_told_and_neither_health_nor_targets_change_by_it() {
    let mut bench = Bench::tried(|_| {});
    for code in [200, 503] {
        bench.order(Wish::Options { number: 1, target: target() });
        let options = only(&bench.sent(), "OPTIONS");
        bench.pass(30);
        bench.receive(trunk_at(), &response(&options, code, ""));
        let told = reply(bench.news());
        assert_eq!((told.result.unwrap().code, told.took), (code, Duration::from_millis(30)));
    }
    bench.order(Wish::Options { number: 1, target: target() });
    bench.sent();
    bench.pass(32_000);
    assert_eq!(reply(bench.news()).result, Err(Why::Silent));
    assert!(bench.status().is_up);
    assert_eq!(bench.switchboard.blocked().total(), 0);
}

#[test]
fn a_register_of_a_trial_says_what_is_granted_and_leaves_our_registration_alone() {
    let mut bench = Bench::tried(|_| {});
    let before = bench.status().registration;
    assert_eq!(before.as_ref().unwrap().word(), "registered");
    let ask = |bench: &mut Bench, expires| {
        bench.order(Wish::Register { number: 1, target: target(), expires });
        only(&bench.sent(), "REGISTER")
    };
    let register = ask(&mut bench, None);
    assert_eq!((value(&register, "Expires"), value(&register, "CSeq")), ("600", "1 REGISTER"));
    assert_eq!(value(&register, "Contact"), "<sip:100@192.0.2.1:5060>");
    bench.receive(trunk_at(), &with(&response(&register, 200, ""), "Expires: 120"));
    assert_eq!(reply(bench.news()).time, Some(Duration::from_secs(120)));
    let register = ask(&mut bench, Some(Duration::from_secs(60)));
    assert_eq!(value(&register, "Expires"), "60");
    bench.receive(trunk_at(), &with(&response(&register, 423, ""), "Min-Expires: 1800"));
    assert_eq!(reply(bench.news()).time, Some(Duration::from_secs(1_800)));
    for code in [403, 500] {
        let register = ask(&mut bench, None);
        bench.receive(trunk_at(), &response(&register, code, ""));
        assert_eq!(reply(bench.news()).result.unwrap().code, code);
    }
    let register = ask(&mut bench, None);
    let challenge = |nonce: &str| format!("WWW-Authenticate: Digest realm=\"c\", nonce=\"{nonce}\"");
    bench.receive(trunk_at(), &with(&response(&register, 401, ""), &challenge("a")));
    let again = only(&bench.sent(), "REGISTER");
    assert!(again.contains("Authorization: Digest username=\"100\""), "{again}");
    bench.receive(trunk_at(), &with(&response(&again, 401, ""), &challenge("b")));
    assert!(reply(bench.news()).rejection.unwrap().to_string().starts_with("credentials rejected"));
    assert_eq!(bench.status().registration, before);
    assert!(bench.status().is_up);
}

#[test]
fn a_call_of_a_trial_plays_keeps_what_is_heard_presses_keys_and_says_how_it_was() {
    let mut bench = Bench::tried(|trunk| trunk.identity.caller_id = Some("+15550188".to_owned()));
    let invite = bench.call_echo();
    assert!(invite.starts_with(&format!("INVITE sip:{ECHO}@203.0.113.1 SIP/2.0\n")), "{invite}");
    assert!(value(&invite, "From").starts_with("<sip:+15550188@cordboard.example>"), "{invite}");
    assert_eq!(bench.status().calls, [0, 1]);
    bench.receive(trunk_at(), &response(&invite, 180, ""));
    bench.pass(200);
    bench.receive(trunk_at(), &response(&invite, 200, &sdp(trunk_at().ip())));
    let news = bench.news();
    assert!(matches!(news[0], News::Rings(180)));
    let News::Talks(talking) = &news[1] else { panic!("an answer") };
    assert_eq!((talking.codec, talking.takes_events, talking.is_protected), ("PCMU", false, false));
    assert_eq!((talking.took.as_millis(), talking.media.port()), (200, 4_000));
    let clip = Arc::new(Clip::from_samples(&[1; 800]));
    bench.order(Wish::Play { clip, listen: Duration::from_secs(2) });
    bench.order(Wish::Press("15".into()));
    assert_eq!(
        bench.media(),
        ["open l1 203.0.113.1", "listen l1 true", "record l1", "play l1", "press l1 15"]
    );
    let recording = Box::new(Recording::new(bench.now.instant, Duration::from_secs(2)));
    bench.of_leg(|leg| media::Event::Recorded { leg, recording });
    let at = bench.now.instant;
    bench.of_leg(|leg| media::Event::Digit { leg, digit: '1', source: DigitSource::Rfc4733, at });
    bench.of_leg(|leg| media::Event::PlaybackEnded { leg, playback: crate::ids::PlaybackId(1) });
    bench.of_leg(|leg| media::Event::PlaybackEnded { leg, playback: crate::ids::PlaybackId(2) });
    let news = bench.news();
    assert!(matches!(
        news[..],
        [News::Heard { .. }, News::Digit { digit: '1', source: DigitSource::Rfc4733 }, News::Pressed]
    ));
    bench.order(Wish::HangUp);
    let bye = only(&bench.sent(), "BYE");
    assert_eq!(bench.media(), ["close l1"]);
    assert_eq!(bench.status().calls, [0, 0]);
    bench.receive(trunk_at(), &response(&bye, 200, ""));
    let statistics = Statistics { packets_lost: 3, ..Statistics::default() };
    bench.of_leg(|leg| media::Event::Closed { leg, port: PortId(0), statistics });
    let news = bench.news();
    let [News::Ended(End { by_peer: None, statistics, refused: None })] = &news[..] else { panic!("an end") };
    assert_eq!(statistics.packets_lost, 3);
    bench.order(Wish::End);
    assert!(bench.records().is_empty(), "a trial leaves no call record");
    assert_eq!(bench.switchboard.counts().ports_lent, 0);
}

#[test]
fn why_a_call_of_a_trial_came_to_nothing_is_told_and_nothing_is_left_of_it() {
    for (code, more, expected) in [
        (
            403,
            "Warning: 399 c \"User channel limit exceeded\"",
            "403 Some Words (\"User channel limit exceeded\")",
        ),
        (486, "X-A: b", "486 Some Words"),
        (503, "X-A: b", "503 Some Words"),
    ] {
        let mut bench = Bench::tried(|_| {});
        let invite = bench.call_echo();
        bench.receive(trunk_at(), &with(&response(&invite, code, ""), more));
        let Why::Said(said) = failure(bench.news()) else { panic!("{code}") };
        assert_eq!(said.to_string(), expected);
        assert_eq!((bench.status().calls, bench.switchboard.counts().ports_lent), ([0, 0], 0));
        assert!(bench.status().is_up && bench.switchboard.blocked().total() == 0);
    }
    let mut bench = Bench::tried(|_| {});
    let invite = bench.call_echo();
    bench.receive(trunk_at(), &response(&invite, 180, ""));
    bench.pass(20_000);
    assert!(only(&bench.sent(), "CANCEL").contains("Rang for its time"));
    assert_eq!(failure(bench.news()), Why::NoAnswer);
    let mut bench = Bench::tried(|_| {});
    bench.call_echo();
    bench.pass(20_000);
    assert_eq!(failure(bench.news()), Why::Silent);
    assert_eq!((bench.status().calls, bench.switchboard.blocked().total()), ([0, 0], 0));
    let mut bench = Bench::tried(|_| {});
    let invite = bench.call_echo();
    let no_audio = sdp(trunk_at().ip()).replace("audio 4000", "video 4000");
    bench.receive(trunk_at(), &response(&invite, 200, &no_audio));
    let Why::Unusable(why) = failure(bench.news()) else { panic!("it can be used") };
    let bye = only(&bench.sent(), "BYE");
    assert!(bye.contains("cause=488") && !why.is_empty(), "{bye}");
    assert_eq!((bench.status().calls, bench.switchboard.counts().ports_lent), ([0, 0], 0));
}

#[test]
fn a_call_of_a_trial_that_cannot_begin_says_why_and_takes_nothing() {
    type Change = fn(&mut Trunk);
    let full = |trunk: &mut Trunk| {
        trunk.limits = CallLimits { calls_out: Some(0), ..CallLimits::default() };
    };
    let rows: [(Change, &str); 2] = [
        (full, "the trunk is full: it has 0 calls"),
        (|trunk| trunk.test_number = None, "the trunk has no test_number"),
    ];
    for (change, words) in rows {
        let mut bench = Bench::tried(change);
        bench.order(Wish::Call(target()));
        let Why::NotSent(why) = failure(bench.news()) else { panic!("{words}") };
        assert!(why.starts_with(words), "{why}");
        assert!(bench.sent().is_empty());
        assert_eq!((bench.status().calls, bench.switchboard.counts().ports_lent), ([0, 0], 0));
    }
    let mut bench = Bench::tried(|_| {});
    bench.handle(Input::Drain);
    bench.actions.clear();
    bench.order(Wish::Call(target()));
    assert!(matches!(failure(bench.news()), Why::NotSent(why) if why.contains("being stopped")));
}

#[test]
fn a_trial_whose_call_the_peer_ends_or_that_is_given_up_or_forgotten_leaves_nothing() {
    let talking = || {
        let mut bench = Bench::tried(|_| {});
        let invite = bench.call_echo();
        bench.receive(trunk_at(), &response(&invite, 200, &sdp(trunk_at().ip())));
        bench.news();
        bench.sent();
        (bench, invite)
    };
    let (mut bench, invite) = talking();
    let bye = with(&of_agent(&invite, "BYE", 1, ""), "Reason: Q.850;cause=34");
    bench.receive(trunk_at(), &bye);
    assert_eq!(bench.heads(), ["200 BYE"]);
    bench.closed(1);
    let news = bench.news();
    let [News::Ended(End { by_peer: Some(Some(why)), .. })] = &news[..] else { panic!("an end") };
    assert_eq!(why, "no circuit is available (Q.850 cause 34)");
    type Way = fn(&mut Bench);
    let ways: [Way; 3] =
        [|bench| bench.order(Wish::End), |bench| bench.handle(Input::Stop), |bench| bench.pass(180_000)];
    for way in ways {
        let (mut bench, _) = talking();
        way(&mut bench);
        only(&bench.sent(), "BYE");
        assert_eq!(bench.status().calls, [0, 0]);
        bench.closed(1);
        bench.pass(40_000);
        let counts = bench.switchboard.counts();
        assert_eq!((counts.ports_lent, counts.sip.dialogs), (0, 0));
        bench.order(Wish::Press("1".into()));
        assert!(bench.media().iter().all(|command| !command.starts_with("press")));
    }
}

#[test]
fn requests_of_the_peer_in_the_call_of_a_trial_are_answered() {
    let mut bench = Bench::tried(|_| {});
    let invite = bench.call_echo();
    bench.receive(trunk_at(), &response(&invite, 200, &sdp(trunk_at().ip())));
    bench.sent();
    let ip = trunk_at().ip();
    for (cseq, method, body, answer) in [
        (1, "INVITE", sdp(ip).replace("4000", "4010"), "200 INVITE"),
        (2, "OPTIONS", String::new(), "200 OPTIONS"),
        (3, "MESSAGE", String::new(), "405 MESSAGE"),
        (4, "UPDATE", sdp(ip).replace("audio", "video"), "488 UPDATE"),
    ] {
        bench.receive(trunk_at(), &of_agent(&invite, method, cseq, &body));
        assert!(bench.heads().contains(&answer.to_owned()), "{method}");
        if method == "INVITE" {
            bench.receive(trunk_at(), &of_agent(&invite, "ACK", cseq, ""));
        }
    }
    assert!(bench.media().contains(&"update l1".to_owned()));
}
