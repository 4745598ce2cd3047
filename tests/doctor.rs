//! `cordboard trunk test` against a running server: each step, and each way in which one may fail.

#![allow(clippy::disallowed_methods, reason = "a test talks to a real server: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Output};
use support::api::{http, open};
use support::certificates::Authority;
use support::dns::{A, AAAA, Data, Dns, SRV, Say};
use support::phone::PhoneSetup;
use support::trunk::{Audio, Trunk};
use support::{Server, Setup, address};

const ECHO: &str = "+15550177";
const MUSIC: &str = "+15550178";

/// A server that may be asked to try the trunk `carrier`, which is set up by those lines.
fn start(name: &str, trunk: &str, prepare: impl FnOnce(&mut Setup)) -> Server {
    let mut setup = Setup::new(name).echo("+15550100");
    setup.http = http();
    setup.trunks = format!("[[trunk]]\nid = \"carrier\"\n{trunk}\n");
    prepare(&mut setup);
    setup.start()
}

fn run(server: &Server, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cordboard"))
        .args(["trunk", "test", "carrier", "--config"])
        .arg(server.folder.join("cordboard.toml"))
        .args(arguments)
        .output()
        .unwrap()
}

/// The steps of a test, those that have only begun left out, and whether none failed by the exit code.
fn examine(server: &Server) -> (Vec<Value>, bool) {
    let output = run(server, &["--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let steps = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{text}")));
    (steps.filter(|step: &Value| step["outcome"] != "running").collect(), output.status.success())
}

fn field<'a>(step: &'a Value, name: &str) -> &'a str {
    step[name].as_str().unwrap_or_default()
}

/// Whether the metrics page has that sample; a trunk's are there a moment after the start.
fn shows(server: &Server, sample: &str, value: u64) -> bool {
    server.get("/metrics").lines().any(|line| line == format!("{sample} {value}"))
}

/// `dns ok`, `options failed` … in their order.
fn outcomes(steps: &[Value]) -> Vec<String> {
    steps.iter().map(|step| format!("{} {}", field(step, "step"), field(step, "outcome"))).collect()
}

#[track_caller]
fn step<'a>(steps: &'a [Value], kind: &str) -> &'a Value {
    steps.iter().find(|step| step["step"] == kind).unwrap_or_else(|| panic!("no {kind} in {steps:#?}"))
}

/// The step failed with these words, and its remedy has those.
#[track_caller]
fn assert_failed(steps: &[Value], kind: &str, words: &str, helps: &str) {
    let step = step(steps, kind);
    assert_eq!(field(step, "outcome"), "failed", "{steps:#?}");
    assert!(field(step, "text").contains(words), "{words} in {step:#}");
    assert!(field(step, "remedy").contains(helps), "{helps} in {step:#}");
}

const ALL_OK: [&str; 8] = [
    "dns ok",
    "connection ok",
    "options ok",
    "register skipped",
    "call ok",
    "audio ok",
    "keys ok",
    "quality ok",
];

#[test]
fn another_cordboard_with_an_echo_passes_every_step_over_udp() {
    let peer = Setup::new("doctor-echo").echo(ECHO).start();
    let trunk = format!("host = \"{}\"\ntest_number = \"{ECHO}\"", peer.sip());
    let server = start("doctor-udp", &trunk, |_| {});
    let (steps, is_fine) = examine(&server);
    assert_eq!((outcomes(&steps), is_fine), (ALL_OK.map(str::to_owned).to_vec(), true), "{steps:#?}");
    for (kind, words) in [
        ("dns", "is an address: nothing has to be looked up"),
        ("connection", "UDP has no connection"),
        ("options", "It answered 200 OK after"),
        ("call", "PCMU, keys as telephone-events"),
        ("audio", "clearly the same (correlation "),
        ("audio", "as loud as it was"),
        ("keys", "1590 was pressed as telephone-events and came back as telephone-events"),
        ("quality", "0.0 % of the packets lost on the way here"),
    ] {
        assert!(field(step(&steps, kind), "text").contains(words), "{words} in {:#}", step(&steps, kind));
    }
    // Nothing is left of it on either side, and it is no call of the server's.
    server.assert_clean();
    peer.assert_clean();
    assert!(server.records().is_empty());
    assert_eq!(peer.wait_records(1)[0]["from"], "+15550100", "the first Smart Number is shown");
    // For people the same.
    let text = String::from_utf8(run(&server, &[]).stdout).unwrap();
    assert!(text.starts_with("ok       DNS: ") && text.contains("\nskipped  REGISTER: "), "{text}");
}

#[test]
fn another_cordboard_passes_every_step_over_tls_with_registration_and_encrypted_audio() {
    let (dns, authority) = (Dns::start(), Authority::new());
    let secure = |setup: &mut Setup, name: &str| {
        authority.issue(&[name], 2040).write(&setup.folder, "own");
        std::fs::write(setup.folder.join("ca.pem"), authority.pem()).unwrap();
        setup.more += &format!(
            "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{}:5061\"\nadvertise = \"{name}\"\n\
             [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\nca = \"ca.pem\"\n\
             [dns]\nservers = [\"{}\"]\n",
            setup.address, dns.address
        );
    };
    let mut peer = Setup::new("doctor-registrar").echo(ECHO);
    peer.trusted = "192.0.2.0/24".to_owned();
    peer.trunks =
        "[[trunk]]\nid = \"customer\"\nusername = \"4420\"\npassword = \"secret\"\nsrtp = \"require\"\n"
            .to_owned();
    secure(&mut peer, "a.carrier.test");
    dns.has("_sips._tcp.carrier.test", SRV, [Data::Srv(1, 0, 5061, "a.carrier.test")]);
    dns.has("a.carrier.test", A, [Data::A(peer.address)]);
    // RFC 5922 7.2: it has to show the name that was dialled.
    authority.issue(&["carrier.test"], 2040).write(&peer.folder, "own");
    let _peer = peer.start();
    let trunk = format!(
        "host = \"carrier.test;transport=tls\"\nusername = \"4420\"\npassword = \"secret\"\nregister = true\n\
         register_expires_s = 7200\nsrtp = \"require\"\ntest_number = \"{ECHO}\""
    );
    let server = start("doctor-tls", &trunk, |setup| secure(setup, "b.customer.test"));
    let registered = "cordboard_registration_state{trunk=\"carrier\"}";
    server.until("the registration", |s| shows(s, registered, 1));
    let (steps, is_fine) = examine(&server);
    let expected = ALL_OK.map(|one| one.replace("register skipped", "register ok")).to_vec();
    assert_eq!((outcomes(&steps), is_fine), (expected, true), "{steps:#?}");
    for (kind, words) in [
        ("dns", "SRV _sips._tcp.carrier.test: 1 0 5061 a.carrier.test. A and AAAA a.carrier.test: 127."),
        ("connection", "TLS 1.3 with a certificate that is believed: for carrier.test (subject CN="),
        ("connection", "valid until 2040-01-01"),
        ("register", "Registered for 3600 s, asked were 7200."),
        ("call", "encrypted (SRTP)"),
        ("audio", "clearly the same"),
    ] {
        assert!(field(step(&steps, kind), "text").contains(words), "{words} in {:#}", step(&steps, kind));
    }
    assert_eq!(server.metric(registered), 1);
    server.assert_clean();
}

#[test]
fn baresip_as_an_echo_sends_sound_and_keys_back() {
    let mut setup = PhoneSetup::new("echo");
    setup.echoes = true;
    let phone = setup.start();
    let trunk =
        format!("host = \"127.0.0.1:{}\"\nnumber_format = \"as_is\"\ntest_number = \"echo\"", phone.port);
    let server = start("doctor-baresip", &trunk, |_| {});
    let (steps, is_fine) = examine(&server);
    assert!(is_fine, "{steps:#?}");
    assert_eq!(outcomes(&steps)[4..], ALL_OK[4..], "{steps:#?}");
    server.assert_clean();
}

#[test]
fn what_is_wrong_with_dns_is_said_with_what_was_asked() {
    let dns = Dns::start();
    dns.has("other.test", A, [Data::A(address())]);
    for kind in [A, AAAA] {
        dns.says("broken.test", kind, Say::ServFail);
    }
    dns.has("v6.test", AAAA, [Data::Aaaa("2001:db8::1".parse().unwrap())]);
    for (host, words, helps) in [
        ("nobody.test", "nobody.test has no address. NAPTR nobody.test: none.", "spelled as the provider"),
        ("broken.test:5060", "broken.test cannot be looked up", "reaches its name servers"),
        ("v6.test:5060", "that no listener of ours can send to (udp)", "Add a [[sip.listen]]"),
    ] {
        let server = start("doctor-dns", &format!("host = \"{host}\""), |setup| {
            setup.more = format!("[dns]\nservers = [\"{}\"]\n", dns.address);
        });
        let (steps, is_fine) = examine(&server);
        assert_failed(&steps, "dns", words, helps);
        assert!(!is_fine && outcomes(&steps)[1..].iter().all(|one| one.ends_with(" skipped")), "{steps:#?}");
        assert_eq!(steps.len(), 8);
    }
}

#[test]
fn a_trunk_without_a_host_has_nothing_that_can_be_tried() {
    let server = start("doctor-no-host", "match = [\"192.0.2.0/24\"]", |_| {});
    let (steps, is_fine) = examine(&server);
    assert!(is_fine && outcomes(&steps).iter().all(|one| one.ends_with(" skipped")), "{steps:#?}");
}

#[test]
fn a_connection_that_cannot_be_made_is_a_failed_step_and_the_other_site_is_tried_all_the_same() {
    let dns = Dns::start();
    let (closed, open) = (address(), address());
    dns.has(
        "_sip._tcp.carrier.test",
        SRV,
        [Data::Srv(1, 0, 5070, "a.carrier.test"), Data::Srv(2, 0, 5070, "b.carrier.test")],
    );
    dns.has("a.carrier.test", A, [Data::A(closed)]);
    dns.has("b.carrier.test", A, [Data::A(open)]);
    let listener = TcpListener::bind((open, 5070)).unwrap();
    std::thread::spawn(move || {
        // Takes connections, and says nothing.
        let taken: Vec<TcpStream> = listener.incoming().flatten().collect();
        drop(taken);
    });
    let server = start("doctor-refused", "host = \"carrier.test;transport=tcp\"", |setup| {
        setup.more = format!("[dns]\nservers = [\"{}\"]\n", dns.address);
    });
    let (steps, is_fine) = examine(&server);
    assert_failed(
        &steps,
        "connection",
        "refuses the connection: nothing listens there",
        "port and transport",
    );
    let expected = ["dns ok", "connection failed", "connection ok", "options failed", "register skipped"];
    assert_eq!((&outcomes(&steps)[..5], is_fine), (&expected.map(str::to_owned)[..], false));
    assert_eq!(field(&steps[2], "target"), format!("tcp {open}:5070"));
    assert_failed(&steps, "options", "No answer within 8 s", "takes the connection and says nothing");
}

#[test]
fn why_tls_is_not_made_is_said_with_the_certificate_that_was_shown() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    for (issued, words, helps) in [
        (theirs.issue(&["carrier.test"], 2040), "an authority that is not believed here", "[tls] ca"),
        (ours.issue(&["other.test"], 2040), "is for other.test, not for carrier.test", "certificate's names"),
        (ours.issue(&["carrier.test"], 2021), "has ended", "clock is right"),
    ] {
        let (dns, at) = (Dns::start(), address());
        dns.has("carrier.test", A, [Data::A(at)]);
        let (listener, config) = (TcpListener::bind((at, 5061)).unwrap(), issued.server());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
                let _ = tls.complete_io(&mut stream);
            }
        });
        let server = start("doctor-tls-wrong", "host = \"carrier.test:5061;transport=tls\"", |setup| {
            ours.issue(&["own.test"], 2040).write(&setup.folder, "own");
            std::fs::write(setup.folder.join("ca.pem"), ours.pem()).unwrap();
            setup.more = format!(
                "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{}:5061\"\n[dns]\nservers = [\"{}\"]\n\
                 [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\nca = \"ca.pem\"\n",
                setup.address, dns.address
            );
        });
        let (steps, is_fine) = examine(&server);
        assert_failed(&steps, "connection", words, helps);
        let text = field(step(&steps, "connection"), "text");
        assert!(
            text.contains("The certificate that it shows is for ") && text.contains("issued by CN=Authority")
        );
        assert!(!is_fine && outcomes(&steps)[2..].iter().all(|one| one.ends_with(" skipped")), "{steps:#?}");
    }
    // Plain SIP where TLS is expected.
    let at = address();
    let listener = TcpListener::bind((at, 5061)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"SIP/2.0 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 1_024]);
        }
    });
    let server = start("doctor-plain", &format!("host = \"{at}:5061;transport=tls\""), |setup| {
        ours.issue(&["own.test"], 2040).write(&setup.folder, "own");
        setup.more = format!(
            "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{}:5061\"\n[tls]\ncertificate = \"own.pem\"\n\
             private_key = \"own.key\"\n",
            setup.address
        );
    });
    assert_failed(&examine(&server).0, "connection", "does not speak TLS", "port of TLS");
}

#[test]
fn each_answer_of_a_trunk_that_keeps_calls_from_it_has_its_own_remedy() {
    let peer = Trunk::start(address(), Audio::Echo);
    let trunk = format!(
        "host = \"{}\"\nusername = \"4420\"\npassword = \"secret\"\nregister = true\ntest_number = \"{ECHO}\"\n\
         options_interval_s = 3600\noptions_threshold = 1",
        peer.address
    );
    let server = start("doctor-answers", &trunk, |_| {});
    // Where the call is not what is looked at, it is short.
    peer.answers("INVITE", "486 Busy");
    let up = "cordboard_trunk_up{trunk=\"carrier\"}";
    let registered = "cordboard_registration_state{trunk=\"carrier\"}";
    server.until("the trunk to be up and to have us", |s| shows(s, up, 1) && shows(s, registered, 1));
    for (method, answer, kind, words, helps) in [
        ("OPTIONS", "503 Closed", "options", "503 Closed", "takes no calls now"),
        ("OPTIONS", "", "options", "No answer within 8 s", "lets UDP through"),
        ("REGISTER", "403 Not You", "register", "403 Not You", "Credentials rejected, most likely"),
        ("REGISTER", "405 No", "register", "405 No", "leave register out"),
        (
            "REGISTER",
            "401 Who\nWWW-Authenticate: Digest realm=\"c\", nonce=\"n\", algorithm=MD5",
            "register",
            "Credentials rejected.",
            "Compare username, password",
        ),
        (
            "INVITE",
            "404 No Such Number",
            "call",
            &format!("{ECHO} was refused: 404 No Such Number"),
            "another shape",
        ),
        (
            "INVITE",
            "403 Forbidden\nWarning: 399 carrier \"User channel limit exceeded\"",
            "call",
            "User channel limit exceeded",
            "as many calls are under way as it may have",
        ),
        ("INVITE", "488 Not Here", "call", "488 Not Here", "PCMU and PCMA"),
        ("INVITE", "486 Busy", "call", "486 Busy", "is busy"),
    ] {
        peer.answers(method, answer);
        let (steps, is_fine) = examine(&server);
        assert_failed(&steps, kind, words, helps);
        assert!(!is_fine);
        peer.answers(method, if method == "INVITE" { "486 Busy" } else { "200 OK" });
    }
    // What the trunk looks like to calls was not changed by any of it.
    assert_eq!(server.metric(up), 1);
    assert_eq!(server.metric(registered), 1);
    assert_eq!(server.metric("cordboard_peers_put_back_total"), 0);
    server.assert_clean();
}

#[test]
fn a_refusal_names_the_address_that_the_chosen_listener_binds_and_fails_only_where_nothing_else_shows_it() {
    let peer = Trunk::start(address(), Audio::Echo);
    peer.answers("OPTIONS", "403 Who Are You");
    let host = format!("host = \"{}\"", peer.address);
    let server = start("doctor-refused-options", &host, |_| {});
    let listed = format!("put {} on its list of addresses", server.sip().ip());
    assert_failed(&examine(&server).0, "options", "403 Who Are You", &listed);
    let server = start("doctor-refused-alone", &format!("{host}\ntest_number = \"{ECHO}\""), |_| {});
    let (steps, is_fine) = examine(&server);
    assert_eq!((outcomes(&steps), is_fine), (ALL_OK.map(str::to_owned).to_vec(), true), "{steps:#?}");
    assert!(field(step(&steps, "options"), "text").contains("keeps no call from it"));
}

#[test]
fn audio_and_keys_that_do_not_come_back_are_failed_steps_that_say_why() {
    let music = json!({"entry": "wait", "steps": {
        "wait": {"type": "wait", "name": "Wait", "config": {"seconds": 60, "audio": {"kind": "file", "id": "tone"}},
            "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    let tone: Vec<i16> = (0..4_000).map(|n| (8_000.0 * (n as f32 * 0.3).sin()) as i16).collect();
    let player = Setup::new("doctor-music").prompt("tone", &tone).flow(MUSIC, "music", &music).start();
    let tries = |name: &str, peer: std::net::SocketAddr, number: &str| {
        let server = start(name, &format!("host = \"{peer}\"\ntest_number = \"{number}\""), |_| {});
        let (steps, is_fine) = examine(&server);
        assert!(!is_fine);
        server.assert_clean();
        steps
    };
    let other = std::thread::scope(|scope| {
        let sites: Vec<_> =
            [Audio::EchoWithoutKeys, Audio::Silence, Audio::Nothing, Audio::FromElsewhere(address())]
                .into_iter()
                .enumerate()
                .map(|(n, audio)| {
                    let peer = Trunk::start(address(), audio);
                    scope.spawn(move || tries(&format!("doctor-audio-{n}"), peer.address, ECHO))
                })
                .collect();
        let played = tries("doctor-other", player.sip(), MUSIC);
        let rows = [
            ("keys", "nothing of it came back", "RFC 2833"),
            ("audio", "is silent", "has to be reached from"),
            ("audio", "No audio came", "advertise in [media]"),
            ("audio", "and the peer's description said", "another host"),
        ];
        for (site, (kind, words, helps)) in sites.into_iter().zip(rows) {
            assert_failed(&site.join().unwrap(), kind, words, helps);
        }
        played
    });
    assert_failed(&other, "audio", "another sound", "is an echo");
    player.assert_clean();
}

/// Begins a test over HTTP, and reads its steps until one has that kind.
fn begin(server: &Server, until: &str) -> (TcpStream, String) {
    let stream = open(server, "POST", "/trunks/carrier/test");
    let mut seen = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while !seen.contains(until) {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "{seen}");
        seen.push_str(&line);
    }
    (stream, seen)
}

#[test]
fn a_test_that_is_given_up_hangs_up_and_a_trunk_is_tested_once_at_a_time() {
    let peer = Trunk::start(address(), Audio::Nothing);
    let trunk = format!("host = \"{}\"\ntest_number = \"{ECHO}\"", peer.address);
    let server = start("doctor-given-up", &trunk, |_| {});
    let (stream, seen) = begin(&server, "\"step\":\"audio\"");
    assert!(seen.starts_with("HTTP/1.1 200") && seen.contains("application/x-ndjson"), "{seen}");
    let refused = run(&server, &[]);
    let text = String::from_utf8(refused.stdout).unwrap();
    assert!(!refused.status.success() && text.contains("409: this trunk is being tested already"), "{text}");
    drop(stream);
    let mut heard = Vec::new();
    while !heard.iter().any(|line: &String| line.starts_with("BYE")) {
        heard.push(support::wait(&peer.hears, "the call to be hung up", || server.log()));
    }
    server.until("the test to be given up", |s| s.log().contains("the test of the trunk was given up"));
    server.assert_clean();
    // And anybody may begin another one.
    drop(begin(&server, "\"step\":\"options\""));
}

#[test]
fn whoever_may_not_test_a_trunk_or_names_none_is_told_so() {
    let server = start("doctor-refusals", &format!("host = \"{}:5060\"", Ipv4Addr::LOCALHOST), |setup| {
        setup.store = "url = \"sqlite://cordboard.db\"".to_owned();
    });
    let ask = |id: &str, token: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_cordboard"))
            .args(["trunk", "test", id, "--config"])
            .arg(server.folder.join("cordboard.toml"))
            .env("CORDBOARD_TOKEN", token)
            .output()
            .unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    };
    let (text, code) = ask("nobody", "");
    assert!(text.contains("404: new calls of this server know no such trunk") && code == Some(1), "{text}");
    let (text, code) = ask("carrier", "cb_wrong");
    assert!(text.contains("401: ") && code == Some(1), "{text}");
    let away = Command::new(env!("CARGO_BIN_EXE_cordboard"))
        .args(["trunk", "test", "carrier", "--url", "http://127.0.0.1:1", "--config"])
        .arg(server.folder.join("cordboard.toml"))
        .output()
        .unwrap();
    let text = String::from_utf8(away.stdout).unwrap();
    assert!(text.contains("cannot be asked") && text.contains("is it running?"), "{text}");
}
