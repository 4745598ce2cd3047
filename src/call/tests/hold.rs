//! Hold and resume, by each of the ways in which telephones and trunks say it.

use super::agents::talking;
use super::*;
use crate::call::record::EndReason;

/// A description with these lines at its stream.
fn lines(host: IpAddr, version: u32, lines: &str) -> String {
    sdp(host).replace("o=- 1 1", &format!("o=- 1 {version}")) + lines
}

/// The ways to put a call on hold, and what the answer says.
const HOLDS: [(&str, &str); 4] = [
    ("a=sendonly\n", "a=recvonly"),
    ("a=inactive\n", "a=inactive"),
    ("c=IN IP4 0.0.0.0\n", "a=recvonly"),
    ("c=IN IP4 0.0.0.0\na=inactive\n", "a=inactive"),
];

fn version(message: &str) -> u32 {
    let origin = body(message).lines().find_map(|line| line.strip_prefix("o=")).unwrap();
    origin.split(' ').nth(2).unwrap().parse().unwrap()
}

#[test]
fn whoever_is_put_on_hold_by_the_agent_hears_music_until_the_agent_is_back() {
    for (hold, answered) in HOLDS {
        let mut bench = Bench::new();
        let (_, to_agent) = talking(&mut bench);
        let host = agent().ip();
        bench.receive(agent(), &of_agent(&to_agent, "INVITE", 1, &lines(host, 2, hold)));
        let held = only(&bench.sent(), "200 INVITE");
        assert!(body(&held).contains(answered), "{hold}: {held}");
        assert_eq!(bench.media(), ["update l2", "play l1"], "{hold}");
        bench.receive(agent(), &of_agent(&to_agent, "ACK", 1, ""));
        // A refresh of the hold changes nothing.
        bench.receive(agent(), &of_agent(&to_agent, "UPDATE", 2, &lines(host, 2, hold)));
        let again = only(&bench.sent(), "200 UPDATE");
        assert_eq!(version(&again), version(&held), "{hold}");
        assert_eq!(bench.media(), [""; 0], "{hold}");
        bench.receive(agent(), &of_agent(&to_agent, "INVITE", 3, &lines(host, 3, "a=sendrecv\n")));
        let back = only(&bench.sent(), "200 INVITE");
        assert!(body(&back).contains("a=sendrecv"), "{hold}");
        assert_eq!(version(&back), version(&held) + 1, "{hold}");
        assert_eq!(bench.media(), ["update l2", "stop l1"], "{hold}");
    }
}

#[test]
fn an_agent_whose_caller_holds_hears_music() {
    let mut bench = Bench::new();
    let (answer, _) = talking(&mut bench);
    for (cseq, line, media) in
        [(2, "a=sendonly\n", ["update l1", "play l2"]), (3, "a=sendrecv\n", ["update l1", "stop l2"])]
    {
        let offer = lines(caller().ip(), cseq, line);
        bench.receive(caller(), &request("UPDATE", DIRECT, cseq, Transport::Udp, tag(&answer, "To"), &offer));
        only(&bench.sent(), "200 UPDATE");
        assert_eq!(bench.media(), media);
    }
}

#[test]
fn an_agent_who_hangs_up_while_the_caller_waits_ends_the_music_and_the_call() {
    let mut bench = Bench::new();
    let (_, to_agent) = talking(&mut bench);
    bench.receive(agent(), &of_agent(&to_agent, "INVITE", 1, &lines(agent().ip(), 2, "a=inactive\n")));
    bench.media();
    bench.receive(agent(), &with(&of_agent(&to_agent, "BYE", 2, ""), "Reason: Q.850;cause=41"));
    assert_eq!(bench.media(), ["stop l1", "close l2", "close l1"]);
    bench.closed(1);
    bench.closed(2);
    let record = bench.records().remove(0);
    assert_eq!(
        (record.end_reason, record.reason.as_str()),
        (EndReason::AgentHungUp, "alice hung up: its side says temporary failure (Q.850 cause 41)")
    );
}

#[test]
fn a_caller_may_hold_while_a_prompt_plays_and_nobody_else_hears_of_it() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(GREETED));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.receive(caller(), &ack(&answer, ""));
    bench.media();
    let offer = lines(caller().ip(), 2, "a=inactive\n");
    bench.receive(caller(), &request("INVITE", GREETED, 2, Transport::Udp, tag(&answer, "To"), &offer));
    assert!(body(&only(&bench.sent(), "200 INVITE")).contains("a=inactive"));
    assert_eq!(bench.media(), ["update l1"]);
}
