//! Finding peers (RFC 3263) on real sockets: a name server that misbehaves, and peers that are away.

#![allow(clippy::disallowed_methods, reason = "a test talks to a real server: sockets, files, deadlines")]

mod support;

use cordboard::config::Dns as DnsConfig;
use cordboard::ids::Random;
use cordboard::net::dns::Dns as Resolver;
use cordboard::sip::locate::{Destination, Reach};
use cordboard::sip::{SipUri, Transport};
use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;
use support::caller::Caller;
use support::certificates::{Authority, Issued};
use support::dns::{A, AAAA, Data, Dns, NAPTR, SRV, Say};
use support::stream::{Bytes, Carrier};
use support::{PATIENCE, Server, Setup, address, wait};

const RINGS: &str = "+15550930";

fn everything() -> Reach {
    let transports = [Transport::Udp, Transport::Tcp, Transport::Tls];
    Reach { ways: transports.into_iter().flat_map(|t| [(t, true), (t, false)]).collect() }
}

fn locate(resolver: &Resolver, uri: &str) -> Result<Vec<String>, String> {
    let destination = Destination::of(&SipUri::parse(uri).unwrap()).unwrap();
    let targets = tokio::runtime::Handle::current()
        .block_on(async { resolver.locate(destination, Random::from_seed(1)).await })?;
    Ok(targets.iter().map(|t| format!("{} {}", t.transport.name(), t.address)).collect())
}

#[test]
fn what_a_name_server_says_and_leaves_unsaid_becomes_targets_or_words() {
    let dns = Dns::start();
    let ip = |last| Ipv4Addr::new(192, 0, 2, last);
    let naptr = |service, to| Data::Naptr(10, 10, service, to);
    dns.has("carrier.test", NAPTR, [naptr("SIP+D2T", "_sip._tcp.carrier.test")]);
    dns.has(
        "_sip._tcp.carrier.test",
        SRV,
        [Data::Srv(2, 0, 5070, "b.carrier.test"), Data::Srv(1, 0, 5071, "a.carrier.test")],
    );
    dns.has("a.carrier.test", A, [Data::A(ip(1))]);
    dns.has("a.carrier.test", AAAA, [Data::Aaaa("2001:db8::1".parse().unwrap())]);
    dns.has("b.carrier.test", A, [Data::A(ip(2))]);
    dns.has("plain.test", A, [Data::A(ip(3))]);
    dns.says("broken.test", NAPTR, Say::ServFail);
    dns.says("_sip._udp.broken.test", SRV, Say::ServFail);
    dns.has("broken.test", A, [Data::A(ip(4))]);
    dns.says("dead.test", A, Say::ServFail);
    dns.says("dead.test", AAAA, Say::ServFail);
    dns.says("cut.test", A, Say::CutOff((1..=4).map(|n| Data::A(ip(n))).collect()));
    for kind in [A, AAAA] {
        dns.says("silent.test", kind, Say::Nothing);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = runtime.enter();
    let resolver = Resolver::new(&DnsConfig { servers: vec![dns.address] }, everything(), false).unwrap();
    for (uri, expected) in [
        ("sip:carrier.test", Ok(&["tcp 192.0.2.1:5071", "tcp [2001:db8::1]:5071", "tcp 192.0.2.2:5070"][..])),
        ("sip:plain.test", Ok(&["udp 192.0.2.3:5060"])),
        ("sip:broken.test", Ok(&["udp 192.0.2.4:5060"])),
        (
            "sip:cut.test:5060",
            Ok(&["udp 192.0.2.1:5060", "udp 192.0.2.2:5060", "udp 192.0.2.3:5060", "udp 192.0.2.4:5060"]),
        ),
        ("sip:nobody.test", Err("nobody.test has no address")),
        ("sip:dead.test:5060", Err("dead.test cannot be looked up: ")),
        ("sip:silent.test:5060", Err("silent.test ")),
    ] {
        let begun = Instant::now();
        match (locate(&resolver, uri), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{uri}"),
            (Err(words), Err(start)) => assert!(words.starts_with(start), "{words}"),
            other => panic!("{uri}: {other:?}"),
        }
        assert!(begun.elapsed().as_secs() < 7, "{uri} took {:?}", begun.elapsed());
    }
    // What was learned is kept for its TTL.
    let asked = dns.asked("carrier.test", NAPTR);
    assert!(locate(&resolver, "sip:carrier.test").is_ok());
    assert_eq!(dns.asked("carrier.test", NAPTR), asked);
}

fn rings() -> Value {
    json!({"entry": "ring", "steps": {
        "ring": {"type": "dial", "name": "Ring", "config": {"target": {"kind": "user", "value": "desk"}, "ringSec": 25},
            "on": {"no_response": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}})
}

/// A server whose one agent is found by that name server.
fn start(name: &str, agent: &str, dns: &Dns, prepare: impl FnOnce(&mut Setup)) -> Server {
    let mut setup = Setup::new(name).flow(RINGS, "rings", &rings()).agent("desk", agent);
    setup.more = format!("[dns]\nservers = [\"{}\"]\n", dns.address);
    prepare(&mut setup);
    setup.start()
}

/// The response to a request, as a peer that answers would send it.
fn response(request: &str, code: &str, contact: &str) -> String {
    let copied = request.lines().filter(|line| {
        ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name))
    });
    let copied: Vec<String> =
        copied.map(|l| if l.starts_with("To:") { format!("{l};tag=desk") } else { l.to_owned() }).collect();
    let sdp =
        "v=0\r\no=d 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
    let body = if code.starts_with("200") && request.starts_with("INVITE") { sdp } else { "" };
    format!(
        "SIP/2.0 {code}\r\n{}\r\nContact: {contact}\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        copied.join("\r\n"),
        body.len()
    )
}

/// A peer over UDP that answers every request with that code; gives the first lines of what it hears.
fn peer(at: SocketAddr, code: &'static str) -> Receiver<String> {
    let socket = UdpSocket::bind(at).unwrap();
    let (heard, hears) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_535];
        while let Ok((length, source)) = socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if heard.send(text.lines().next().unwrap_or_default().to_owned()).is_err() {
                return;
            }
            if !text.starts_with("ACK") && !code.is_empty() {
                let code = if text.starts_with("INVITE") { code } else { "200 OK" };
                let _ = socket.send_to(response(&text, code, &format!("<sip:desk@{at}>")).as_bytes(), source);
            }
        }
    });
    hears
}

fn call(server: &Server) -> std::time::Duration {
    Caller::new(address(), server.sip()).call(RINGS)
}

#[test]
fn a_call_goes_past_a_peer_that_is_silent_or_says_503_and_the_next_call_does_not_wait_for_it() {
    for (name, code, slow) in [("silent", "", true), ("busy-site", "503 Service Unavailable", false)] {
        let dns = Dns::start();
        let (first, second) = (address(), address());
        dns.has(
            "_sip._udp.desk.test",
            SRV,
            [Data::Srv(1, 0, 5070, "a.desk.test"), Data::Srv(2, 0, 5070, "b.desk.test")],
        );
        dns.has("a.desk.test", A, [Data::A(first)]);
        dns.has("b.desk.test", A, [Data::A(second)]);
        let at_first = peer((first, 5070).into(), code);
        let at_second = peer((second, 5070).into(), "200 OK");
        let server = start(name, "sip:desk@desk.test", &dns, |_| {});
        let took = call(&server);
        assert_eq!(took.as_secs() >= 7, slow, "{took:?}");
        let tried = wait(&at_first, "the first peer to be tried", || server.log());
        assert!(tried.starts_with("INVITE sip:desk@desk.test SIP/2.0"), "{tried}");
        let rung = wait(&at_second, "the second peer to be rung", || server.log());
        assert!(rung.starts_with("INVITE"), "{rung}");
        server.wait_records(1);
        while at_first.try_recv().is_ok() {}
        let took = call(&server);
        assert!(took.as_secs() < 5, "{took:?}");
        server.wait_records(2);
        assert!(at_first.try_recv().is_err(), "it is put back");
        server.assert_clean();
    }
}

#[test]
fn a_peer_that_refuses_is_believed_and_no_other_is_rung() {
    let dns = Dns::start();
    let (first, second) = (address(), address());
    dns.has(
        "_sip._udp.desk.test",
        SRV,
        [Data::Srv(1, 0, 5070, "a.desk.test"), Data::Srv(2, 0, 5070, "b.desk.test")],
    );
    dns.has("a.desk.test", A, [Data::A(first)]);
    dns.has("b.desk.test", A, [Data::A(second)]);
    let _at_first = peer((first, 5070).into(), "486 Busy Here");
    let at_second = peer((second, 5070).into(), "200 OK");
    let server = start("refuses", "sip:desk@desk.test", &dns, |_| {});
    let mut caller = Caller::new(address(), server.sip());
    let invite = caller.invite(RINGS, "127.0.0.1:9".parse().unwrap());
    caller.send(&invite);
    let answer = caller.wait_for(" INVITE", &invite);
    assert!(!answer.starts_with("SIP/2.0 200"), "{answer}");
    server.wait_records(1);
    assert!(at_second.try_recv().is_err());
}

/// A peer over TLS that answers one call; gives the first lines of what it hears.
fn secure_peer(at: SocketAddr, issued: &Issued) -> Receiver<String> {
    let (listener, config) = (TcpListener::bind(at).unwrap(), issued.server());
    let (heard, hears) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut carrier = Bytes(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream));
            loop {
                let request = carrier.receive();
                let Some(line) = request.lines().next() else { break };
                if heard.send(line.to_owned()).is_err() {
                    return;
                }
                if !line.starts_with("ACK") {
                    carrier.send(&response(&request, "200 OK", &format!("<sip:desk@{at};transport=tls>")));
                }
            }
        }
    });
    hears
}

#[test]
fn a_peer_that_naptr_finds_over_tls_must_show_the_name_that_was_dialled() {
    for (name, names, is_right) in [("tls-right", ["desk.test"], true), ("tls-wrong", ["a.desk.test"], false)]
    {
        let dns = Dns::start();
        let at = address();
        dns.has("desk.test", NAPTR, [Data::Naptr(1, 1, "SIPS+D2T", "_sips._tcp.desk.test")]);
        dns.has("_sips._tcp.desk.test", SRV, [Data::Srv(1, 0, 5071, "a.desk.test")]);
        dns.has("a.desk.test", A, [Data::A(at)]);
        let authority = Authority::new();
        let hears = secure_peer((at, 5071).into(), &authority.issue(&names, 2040));
        let server = start(name, "sip:desk@desk.test", &dns, |setup| {
            authority.issue(&["sip.cordboard.test"], 2040).write(&setup.folder, "own");
            std::fs::write(setup.folder.join("ca.pem"), authority.pem()).unwrap();
            setup.more += &format!(
                "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{}:5061\"\n\
                 [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\nca = \"ca.pem\"\n",
                setup.address
            );
        });
        if is_right {
            call(&server);
            for method in ["INVITE", "ACK", "BYE"] {
                let line = wait(&hears, method, || server.log());
                assert!(line.starts_with(method), "{line}");
            }
        } else {
            let mut caller = Caller::new(address(), server.sip());
            let invite = caller.invite(RINGS, "127.0.0.1:9".parse().unwrap());
            caller.send(&invite);
            assert!(!caller.wait_for(" INVITE", &invite).starts_with("SIP/2.0 200"));
            let words = "is for a.desk.test, not for desk.test: dial one of its names";
            server.until(words, |s| s.log().contains(words));
            assert!(hears.try_recv().is_err());
        }
        server.wait_records(1);
        server.assert_clean();
    }
}
