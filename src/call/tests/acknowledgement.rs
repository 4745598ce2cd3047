//! What waits for the caller's ACK.

use super::*;
use crate::call::record::EndReason;

/// A host that never asked for anything.
fn elsewhere() -> IpAddr {
    IpAddr::from([203, 0, 113, 5])
}

fn invite_for(number: &str, media: IpAddr) -> String {
    request("INVITE", number, 1, Transport::Udp, "", &sdp(media))
}

#[test]
fn media_begin_at_the_200_where_they_go_to_the_host_that_called() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite_for(GREETED, caller().ip()));
    only(&bench.sent(), "200 INVITE");
    assert_eq!(bench.media(), ["open l1 192.0.2.9", "play l1"]);
}

#[test]
fn media_begin_at_the_200_where_the_caller_came_over_tcp() {
    let mut bench = Bench::new();
    bench.handle(Input::StreamOpened {
        connection: CONNECTION,
        listener: TCP,
        peer: caller(),
        names: Arc::default(),
    });
    bench.receive_stream(&request("INVITE", GREETED, 1, Transport::Tcp, "", &sdp(elsewhere())));
    only(&bench.sent(), "200 INVITE");
    assert_eq!(bench.media(), ["open l1 203.0.113.5", "play l1"]);
}

#[test]
fn media_to_another_host_begin_at_the_ack_as_if_nothing_had_been() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite_for(GREETED, elsewhere()));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.pass(3_000);
    assert_eq!(bench.media(), [""; 0], "not one packet to a host that has not asked");
    let forged = ack(&answer, "").replace(tag(&answer, "To"), "guessed");
    bench.receive(caller(), &forged);
    assert_eq!(bench.media(), [""; 0], "the tag is ours to make up");
    bench.receive(caller(), &ack(&answer, ""));
    assert_eq!(bench.media(), ["open l1 203.0.113.5", "play l1"]);
    bench.receive(caller(), &ack(&answer, ""));
    assert_eq!(bench.media(), [""; 0], "once");
    let ended = media::Event::PlaybackEnded { leg: LegId(1), playback: crate::ids::PlaybackId(1) };
    bench.handle(Input::Media { thread: THREAD, event: ended });
    only(&bench.sent(), "BYE");
}

#[test]
fn an_ack_that_never_comes_ends_the_call_after_64_t1_and_nothing_was_sent_elsewhere() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite_for(GREETED, elsewhere()));
    bench.pass(31_999);
    assert_eq!(bench.records().len(), 0);
    bench.pass(1);
    let record = bench.records().remove(0);
    assert_eq!((record.end_reason, record.legs.len()), (EndReason::NotAcknowledged, 0));
    assert_eq!(bench.media(), [""; 0]);
    bench.assert_clean();
}

#[test]
fn a_new_description_before_the_ack_does_not_open_what_waits_for_it() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite_for(GREETED, elsewhere()));
    let answer = only(&bench.sent(), "200 INVITE");
    let moved = sdp(IpAddr::from([203, 0, 113, 6]));
    bench.receive(caller(), &request("UPDATE", GREETED, 2, Transport::Udp, tag(&answer, "To"), &moved));
    only(&bench.sent(), "200 UPDATE");
    assert_eq!(bench.media(), [""; 0]);
    bench.receive(caller(), &ack(&answer, ""));
    assert_eq!(bench.media(), ["open l1 203.0.113.6", "play l1"]);
}

#[test]
fn an_agent_who_answers_first_is_joined_at_the_ack() {
    for body in [sdp(elsewhere()), String::new()] {
        let mut bench = Bench::new();
        bench.receive(caller(), &request("INVITE", DIRECT, 1, Transport::Udp, "", &body));
        let to_agent = only(&bench.sent(), "INVITE");
        bench.receive(agent(), &response(&to_agent, 200, &sdp(agent().ip())));
        let answer = only(&bench.sent(), "200 INVITE");
        assert_eq!(bench.media(), ["open l2 192.0.2.20"]);
        let late_answer = if body.is_empty() { sdp(elsewhere()) } else { String::new() };
        bench.receive(caller(), &ack(&answer, &late_answer));
        assert_eq!(bench.media(), ["open l1 203.0.113.5", "bridge l1 l2"], "{body}");
    }
}
