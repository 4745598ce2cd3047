//! Orders that wait for the outside: ports, looked-up names, rendered speech.

use super::*;
use crate::call::RequestId;
use crate::call::record::EndReason;
use crate::sip::locate::Target;

/// Takes the one question about a host.
fn asked(bench: &mut Bench) -> RequestId {
    let asked = bench.take(|action| match action {
        Action::Resolve { request, destination } => {
            Some((*request, destination.host.to_string(), destination.port))
        }
        _ => None,
    });
    let [(request, host, port)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((host.as_str(), *port), ("desk.example", None));
    *request
}

fn target() -> Target {
    Target { transport: Transport::Udp, address: agent(), tls: None, source: None }
}

fn spoken(bench: &mut Bench) -> RequestId {
    bench.receive(caller(), &invite(SPOKEN));
    let asked = bench.take(|action| match action {
        Action::Render { request, speech } => Some((*request, speech.text.clone())),
        _ => None,
    });
    let [(request, text)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(text, "Your number is +14155550123.");
    *request
}

#[test]
fn while_nothing_was_loaded_everybody_is_put_off_and_then_trunks_are_known_over_streams_too() {
    let mut bench = Bench::new();
    bench.handle(Input::Snapshot(Arc::new(Snapshot::awaiting_database())));
    bench.handle(Input::StreamOpened {
        connection: CONNECTION,
        listener: TCP,
        peer: caller(),
        names: Arc::default(),
    });
    let over_tcp = |method, cseq| request(method, GREETED, cseq, Transport::Tcp, "", "");
    let over_udp = |method, cseq| request(method, GREETED, cseq, Transport::Udp, "", "");
    for (n, method) in (1..).zip(["INVITE", "OPTIONS"]) {
        bench.receive(caller(), &over_udp(method, n));
        bench.receive_stream(&over_tcp(method, n));
        let sent = bench.sent();
        assert_eq!(sent.len(), 2, "{sent:#?}");
        for refusal in &sent {
            assert_eq!(head(refusal), format!("503 {method}"));
            assert_eq!(value(refusal, "Retry-After"), "5");
            let warning = "399 cordboard.example \"nothing was loaded yet: the database is away\"";
            assert_eq!(value(refusal, "Warning"), warning);
        }
    }
    assert!(bench.records().is_empty());
    let kept = bench.switchboard.counts().sip;
    assert_eq!((kept.server_transactions, kept.dialogs, kept.half_open), (0, 0, 0));
    bench.handle(Input::Snapshot(snapshot()));
    bench.receive(caller(), &over_udp("OPTIONS", 3));
    bench.receive_stream(&over_tcp("OPTIONS", 4));
    assert_eq!(bench.heads(), ["200 OPTIONS", "200 OPTIONS"]);
    bench.receive(SocketAddr::from(([198, 51, 100, 1], 5060)), &over_udp("OPTIONS", 5));
    assert_eq!(bench.heads(), ["403 OPTIONS"]);
}

#[test]
fn a_trunk_is_known_by_the_certificate_of_its_stream_from_whatever_address_and_others_are_not() {
    let named = |name: &str| {
        let mut snapshot = snapshot();
        let trunk = Trunk { id: "teams".to_owned(), tls_names: vec![name.to_owned()], ..Trunk::default() };
        Arc::get_mut(&mut snapshot).unwrap().trunks.push(trunk);
        snapshot
    };
    let mut bench = Bench::new();
    bench.handle(Input::Snapshot(named("sip.carrier.example")));
    let peer = SocketAddr::from(([198, 51, 100, 1], 40_000));
    for (connection, names) in
        [(1, ["sip.other.example", "sip.carrier.example"]), (2, ["carrier.example"; 2])]
    {
        let names = names.map(str::to_owned).into();
        bench.handle(Input::StreamOpened {
            connection: ConnectionId(connection),
            listener: TCP,
            peer,
            names,
        });
    }
    let mut number = 0;
    let mut ask = |bench: &mut Bench, connection, method| {
        number += 1;
        let text = request(method, "+19999999999", number, Transport::Tcp, "", "").replace('\n', "\r\n");
        let text = text.replace("Call-ID: ", &format!("Call-ID: {number}-"));
        let connection = ConnectionId(connection);
        bench.handle(Input::StreamData { connection, bytes: text.as_bytes() });
        bench.heads().pop().unwrap_or_default()
    };
    assert_eq!(ask(&mut bench, 1, "OPTIONS"), "200 OPTIONS");
    assert_eq!(ask(&mut bench, 2, "OPTIONS"), "403 OPTIONS");
    assert_eq!(ask(&mut bench, 1, "INVITE"), "404 INVITE");
    assert_eq!(bench.records().remove(0).trunk.as_deref(), Some("teams"));
    // Over a reload, and no more once its name is another's.
    bench.handle(Input::Snapshot(named("sip.carrier.example")));
    assert_eq!(ask(&mut bench, 1, "OPTIONS"), "200 OPTIONS");
    bench.handle(Input::Snapshot(named("sip.third.example")));
    assert_eq!(ask(&mut bench, 1, "OPTIONS"), "403 OPTIONS");
    for connection in [1, 2] {
        bench.handle(Input::StreamClosed { connection: ConnectionId(connection) });
    }
    assert!(bench.switchboard.certified.is_empty());
}

#[test]
fn ports_are_asked_for_ahead_and_a_call_that_finds_none_is_refused_until_some_come() {
    let mut bench = Bench::with_ports(0);
    let wanted = bench.take(|action| match action {
        Action::BindPorts { thread, count } => Some((*thread, *count)),
        _ => None,
    });
    assert_eq!(wanted, [(THREAD, 8)]);
    bench.receive(caller(), &invite(GREETED));
    let refusal = only(&bench.sent(), "503 INVITE");
    assert_eq!(value(&refusal, "Retry-After"), "5");
    assert_eq!(bench.records().remove(0).end_reason, EndReason::Rejected);
    bench.bind(1);
    bench.receive(caller(), &invite(GREETED).replace("call-1", "call-2").replace("INVITE1", "again"));
    only(&bench.sent(), "200 INVITE");
}

#[test]
fn a_leg_that_finds_no_port_fails_and_the_flow_goes_on() {
    let mut bench = Bench::with_ports(1);
    bench.receive(caller(), &invite(DIRECT));
    assert_eq!(bench.heads(), ["100 INVITE", "180 INVITE", "486 INVITE"]);
    assert_eq!(bench.records().len(), 1);
}

#[test]
fn a_leg_is_rung_when_the_address_of_its_host_comes() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(BY_NAME));
    assert_eq!(bench.heads(), ["100 INVITE", "180 INVITE"]);
    let request = asked(&mut bench);
    bench.pass(400);
    bench.handle(Input::Resolved { request, result: Ok(vec![target()]) });
    let destinations = bench.take(|action| match action {
        Action::Sip(sip::Action::SendDatagram { destination, bytes, .. }) => {
            Some((*destination, head(&String::from_utf8_lossy(bytes).replace('\r', ""))))
        }
        _ => None,
    });
    assert_eq!(destinations, [(agent(), "INVITE".to_owned())]);
    bench.handle(Input::Resolved { request, result: Ok(vec![target()]) });
    assert_eq!(bench.heads(), [""; 0], "a reply counts once");
}

#[test]
fn a_host_that_cannot_be_found_is_an_agent_who_does_not_answer() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(BY_NAME));
    let request = asked(&mut bench);
    bench.sent();
    bench.handle(Input::Resolved { request, result: Err("no such host".to_owned()) });
    assert_eq!(bench.heads(), ["486 INVITE"]);
    assert_eq!(bench.records().len(), 1);
}

#[test]
fn a_reply_for_a_caller_who_has_gone_does_nothing() {
    let mut bench = Bench::new();
    bench.receive(caller(), &invite(BY_NAME));
    let request = asked(&mut bench);
    bench.receive(
        caller(),
        &invite(BY_NAME).replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL"),
    );
    assert_eq!(bench.records().len(), 1);
    bench.sent();
    bench.handle(Input::Resolved { request, result: Ok(vec![target()]) });
    assert_eq!(bench.heads(), [""; 0]);
    bench.assert_clean();
}

#[test]
fn speech_is_played_when_it_is_rendered() {
    let mut bench = Bench::new();
    let request = spoken(&mut bench);
    assert_eq!(bench.media(), ["open l1 192.0.2.9"]);
    let clip = Arc::new(Clip::from_samples(&[1; 800]));
    bench.handle(Input::Rendered { request, result: Ok(clip.clone()) });
    assert_eq!(bench.media(), ["play l1"]);
    bench.handle(Input::Rendered { request, result: Ok(clip) });
    assert_eq!(bench.media(), [""; 0], "a reply counts once");
}

#[test]
fn speech_that_cannot_be_rendered_does_not_hold_the_call() {
    let mut bench = Bench::new();
    let request = spoken(&mut bench);
    bench.media();
    bench.handle(Input::Rendered { request, result: Err("no voice".to_owned()) });
    assert_eq!(bench.media(), ["close l1"], "there is nothing else to hear in that flow");
    bench.closed(1);
    let reason = bench.records().remove(0).reason;
    assert!(reason.starts_with("the call flow came to its end, with an error in its last step"), "{reason}");
}
