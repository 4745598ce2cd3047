//! Forty minutes of a call, with session timers in both roles and a refresh that is lost.

use super::agents::talking;
use super::*;
use crate::call::record::EndReason;

const MINUTE: u64 = 60_000;

/// A caller with these headers who talks with an agent whose 200 has those.
fn talk(bench: &mut Bench, callers: &str, agents: &str) -> (String, String) {
    bench.receive(caller(), &with(&invite(DIRECT), callers));
    let to_agent = only(&bench.sent(), "INVITE");
    bench.receive(agent(), &with(&response(&to_agent, 200, &sdp(agent().ip())), agents));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.receive(caller(), &ack(&answer, ""));
    bench.media();
    (answer, to_agent)
}

#[test]
fn forty_minutes_pass_while_we_refresh_both_sides_and_one_refresh_is_lost() {
    let mut bench = Bench::new();
    let callers = "Supported: timer\nAllow: INVITE, UPDATE\nSession-Expires: 1800;refresher=uas";
    // The agent takes no UPDATE: a re-INVITE refreshes it.
    let (answer, to_agent) = talk(&mut bench, callers, "Session-Expires: 1800;refresher=uac");
    assert_eq!(value(&to_agent, "Session-Expires"), "1800");
    assert_eq!(value(&answer, "Session-Expires"), "1800;refresher=uas");
    let (mut updates, mut invites, mut lost) = (0, 0, 0);
    let mut branches = Vec::new();
    for _ in 0..40 * 60 {
        bench.pass(1_000);
        for text in bench.sent() {
            let branch = value(&text, "Via").to_owned();
            match head(&text).as_str() {
                // The first refresh of the caller is lost, however often it is sent.
                "UPDATE" if branches.is_empty() || branches[0] == branch => {
                    lost += 1;
                    branches.push(branch);
                }
                "UPDATE" => {
                    updates += 1;
                    assert_eq!(value(&text, "Session-Expires"), "1800;refresher=uac");
                    bench.receive(
                        caller(),
                        &with(&response(&text, 200, ""), "Session-Expires: 1800;refresher=uac"),
                    );
                }
                "INVITE" => {
                    invites += 1;
                    assert_eq!(body(&text), body(&to_agent), "what stands is offered again");
                    let ok = response(&text, 200, &sdp(agent().ip()));
                    bench.receive(agent(), &with(&ok, "Session-Expires: 1800;refresher=uac"));
                }
                "ACK" => {}
                other => panic!("{other}: {text}"),
            }
        }
    }
    assert!(lost > 5, "sent {lost} times until Timer F");
    assert_eq!((updates, invites), (2, 2));
    assert_eq!((bench.media(), bench.records().len()), (vec![], 0), "the call goes on as it was");
    assert_eq!(bench.switchboard.counts().calls, 1);
}

#[test]
fn forty_minutes_pass_while_the_other_sides_refresh_and_the_call_ends_when_one_stops() {
    let mut bench = Bench::new();
    let callers = "Supported: timer\nSession-Expires: 1800;refresher=uac";
    let (answer, to_agent) = talk(&mut bench, callers, "Require: timer\nSession-Expires: 1800;refresher=uas");
    assert_eq!(
        (value(&answer, "Session-Expires"), value(&answer, "Require")),
        ("1800;refresher=uac", "timer")
    );
    let session = "Supported: timer\nSession-Expires: 1800;refresher=uac";
    for round in 1..=2 {
        bench.pass(15 * MINUTE);
        assert_eq!(bench.heads(), [""; 0], "nothing of ours");
        // The caller by the whole description again, the agent by an UPDATE; the first of the agent's is lost.
        let text =
            request("INVITE", DIRECT, 1 + round, Transport::Udp, tag(&answer, "To"), &sdp(caller().ip()));
        bench.receive(caller(), &with(&text, session));
        let ok = only(&bench.sent(), "200 INVITE");
        assert_eq!((value(&ok, "Session-Expires"), body(&ok)), ("1800;refresher=uac", body(&answer)));
        bench.receive(caller(), &request("ACK", DIRECT, 1 + round, Transport::Udp, tag(&answer, "To"), ""));
        bench.pass(10_000 * u64::from(round % 2));
        bench.receive(agent(), &with(&of_agent(&to_agent, "UPDATE", round, ""), session));
        let ok = only(&bench.sent(), "200 UPDATE");
        assert_eq!(value(&ok, "Session-Expires"), "1800;refresher=uac");
    }
    bench.pass(10 * MINUTE);
    assert_eq!((bench.heads().len(), bench.media().len(), bench.records().len()), (0, 0, 0));
    // Half an hour after its last sign, less 32 s, the caller is given up.
    bench.pass(20 * MINUTE - 33_000);
    assert_eq!(bench.heads(), [""; 0]);
    bench.pass(1_000);
    let byes = bench.sent();
    assert_eq!(byes.iter().map(|text| head(text)).collect::<Vec<_>>(), ["BYE", "BYE"]);
    assert_eq!(value(&byes[0], "Reason"), "SIP;cause=408;text=\"Session expired\"");
    bench.closed(1);
    bench.closed(2);
    let record = bench.records().remove(0);
    assert_eq!(record.end_reason, EndReason::CallerVanished);
    assert_eq!(
        record.reason,
        "the session with caller was not refreshed in time (RFC 4028), so it may be gone"
    );
    bench.assert_clean();
}

#[test]
fn a_peer_that_knows_nothing_of_the_call_when_it_is_refreshed_ends_it() {
    let mut bench = Bench::new();
    let (_, to_agent) =
        talk(&mut bench, "Priority: normal", "Allow: UPDATE\nSession-Expires: 1800;refresher=uac");
    assert!(!to_agent.is_empty());
    bench.pass(15 * MINUTE);
    let refresh = only(&bench.sent(), "UPDATE");
    bench.receive(agent(), &response(&refresh, 481, ""));
    assert_eq!(bench.heads(), ["BYE", "BYE"]);
    bench.closed(1);
    bench.closed(2);
    let record = bench.records().remove(0);
    assert_eq!(
        (record.end_reason, record.reason.as_str()),
        (EndReason::AgentVanished, "the other side no longer knew of the call when it was asked")
    );
}

#[test]
fn calls_of_peers_without_session_timers_are_not_asked_after() {
    let mut bench = Bench::new();
    talking(&mut bench);
    bench.sent();
    bench.pass(40 * MINUTE);
    assert_eq!(bench.heads(), [""; 0]);
}
