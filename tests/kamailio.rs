//! kamailio between telephones, carriers and the server: calls and registrations that have a proxy on their way, proxies that are
//! gone, and servers side by side.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use support::kamailio::{Kamailio, KamailioSetup};
use support::phone::{Phone, PhoneSetup};
use support::sipp::Sipp;
use support::{Server, Setup, address, flows, sound};

/// Rings the agent.
const RINGS: &str = "+15550960";
/// Calls [`FAR`] over the trunks.
const OUT: &str = "+15550961";
const FAR: &str = "+442079460000";
const MUSIC: &str = "All our agents are talking to other callers, please hold the line.";

fn setup(name: &str) -> Setup {
    Setup::new(name)
        .tone()
        .prompt("music", &sound::speak(MUSIC, "en-us+f2"))
        .flow(RINGS, "rings", &flows::rings("alice", 20))
        .flow(OUT, "out", &flows::calls(FAR))
        .registering_agent("alice", "s3cret")
}

/// A server, and a proxy in front of it that is reached by `transport` and is its trunk; `change` sets the proxy up.
fn behind(name: &str, transport: &str, change: impl FnOnce(&mut KamailioSetup)) -> (Server, Kamailio) {
    let mut setup = setup(name);
    let mut proxy = KamailioSetup::new(vec![format!("sip:{}:5060;transport={transport}", setup.address)]);
    change(&mut proxy);
    // Nobody but the proxy may call.
    setup.trusted = "127.255.255.254".to_owned();
    setup.trunks = format!(
        "[[trunk]]\nid = \"edge\"\nmatch = [\"{0}\"]\nhost = \"{0}:5060;transport={transport}\"\n",
        proxy.at
    );
    let server = setup.start();
    (server, proxy.start())
}

/// A telephone with a voice of its own.
fn telephone(name: &str, voice: Vec<i16>) -> PhoneSetup {
    let mut telephone = PhoneSetup::new(name);
    telephone.voice = voice;
    telephone
}

/// The agent's telephone, which has registered through the proxy.
fn agent(proxy: &Kamailio, transport: &str) -> Phone {
    let mut agent = telephone("alice", sound::agent_voice());
    agent.answers = true;
    agent.registers = Some((format!("{};transport={transport}", proxy.sip()), "s3cret"));
    let agent = agent.start();
    agent.wait_for_words("200 OK (cordboard) [1 binding]");
    agent
}

fn number(number: &str, proxy: &Kamailio, transport: &str) -> String {
    format!("sip:{number}@{};transport={transport}", proxy.sip())
}

#[test]
fn a_telephone_registers_by_path_through_a_proxy_is_rung_and_held_through_it_and_hangs_up_by_its_route() {
    // Between two transports the proxy stays on the way twice.
    let (server, proxy) = behind("path", "udp", |_| {});
    let mut agent = agent(&proxy, "tcp");
    let mut caller = telephone("caller", sound::caller_voice()).start();
    caller.dial(&number(RINGS, &proxy, "udp"));
    agent.wait_for("CALL_ESTABLISHED", 1);
    let through = format!("Record-Route: <sip:{};transport=tcp;r2=on", proxy.at);
    assert!(agent.log().contains(&through), "{through} in\n{}", agent.log());
    agent.listen(5.0);
    agent.hold();
    let held = caller.heard_seconds();
    caller.listen(held + 6.0);
    agent.resume();
    let resumed = caller.heard_seconds();
    caller.listen(resumed + 6.0);
    agent.hang_up();
    caller.wait_for("CALL_CLOSED", 1);
    let record = server.wait_records(1).remove(0);
    assert_eq!(
        (record["endReason"].as_str(), record["agentId"].as_str()),
        (Some("agent_hung_up"), Some("alice"))
    );
    agent.assert_hears("the caller", &sound::caller_voice());
    caller.assert_hears_after(held, "music", &sound::speak(MUSIC, "en-us+f2"));
    caller.assert_hears_after(resumed, "the agent again", &sound::agent_voice());
    server.assert_clean();
}

#[test]
fn a_call_in_over_two_proxies_and_out_over_one_is_ended_along_both_routes() {
    let mut far = PhoneSetup::new(FAR);
    far.answers = true;
    let mut far = far.start();
    let (server, inner) = behind("two-proxies", "udp", |proxy| proxy.carrier = far.uri());
    let outer = KamailioSetup::new(vec![format!("sip:{};transport=udp", inner.sip())]).start();
    let mut caller = PhoneSetup::new("+14155550123").start();
    caller.dial(&number(OUT, &outer, "udp"));
    far.wait_for("CALL_ESTABLISHED", 1);
    caller.wait_for("CALL_ESTABLISHED", 1);
    far.hang_up();
    caller.wait_for("CALL_CLOSED", 1);
    let log = caller.log();
    let (_, bye) = log.rsplit_once("BYE sip:").unwrap();
    let vias: Vec<&str> = bye.lines().filter(|line| line.starts_with("Via:")).take(3).collect();
    for (via, at) in vias.iter().zip([outer.at, inner.at, server.address]) {
        assert!(via.contains(&at.to_string()), "{at} in {vias:?}");
    }
    let record = server.wait_records(1).remove(0);
    assert_eq!((record["trunk"].as_str(), record["from"].as_str()), (Some("edge"), Some("+14155550123")));
    assert_eq!(record["outcome"], "answered", "{record:#}");
    server.assert_clean();
}

#[test]
fn a_caller_who_gives_up_is_cancelled_through_the_proxy_on_both_sides() {
    let (server, proxy) = behind("cancel", "tcp", |_| {});
    let mut agent = PhoneSetup::new("alice");
    agent.registers = Some((proxy.sip().to_string(), "s3cret"));
    let agent = agent.start();
    agent.wait_for_words("200 OK (cordboard) [1 binding]");
    let mut caller = PhoneSetup::new("caller").start();
    caller.dial(&number(RINGS, &proxy, "udp"));
    agent.wait_for("CALL_INCOMING", 1);
    caller.wait_for("CALL_RINGING", 1);
    caller.hang_up();
    agent.wait_for("CALL_CLOSED", 1);
    let record = server.wait_records(1).remove(0);
    assert_eq!(record["outcome"], "abandoned_ringing", "{record:#}");
    server.assert_clean();
}

#[test]
fn a_call_over_tcp_outlives_the_proxys_connections_and_is_ended_through_new_ones() {
    let (server, mut proxy) = behind("restart", "tcp", |_| {});
    let mut agent = agent(&proxy, "udp");
    let mut caller = PhoneSetup::new("caller").start();
    caller.dial(&number(RINGS, &proxy, "udp"));
    agent.wait_for("CALL_ESTABLISHED", 1);
    caller.wait_for("CALL_ESTABLISHED", 1);
    proxy.restart();
    agent.hang_up();
    caller.wait_for("CALL_CLOSED", 1);
    assert_eq!(server.wait_records(1)[0]["endReason"], "agent_hung_up");
    server.assert_clean();
}

#[test]
fn a_call_out_goes_past_a_proxy_that_is_gone_and_one_whose_carrier_is_gone_to_the_next_trunk() {
    let mut far = PhoneSetup::new(FAR);
    far.answers = true;
    let far = far.start();
    let mut cut_off = KamailioSetup::new(Vec::new());
    cut_off.carrier += ";transport=tcp";
    let mut setup = setup("gone");
    setup.trunks = format!(
        "[[trunk]]\nid = \"gone\"\nhost = \"{}:5060;transport=tcp\"\npriority = 1\n\
         [[trunk]]\nid = \"cut-off\"\nhost = \"{}:5060\"\npriority = 2\n\
         [[trunk]]\nid = \"next\"\nhost = \"127.0.0.1:{}\"\npriority = 3\n",
        address(),
        cut_off.at,
        far.port
    );
    let server = setup.start();
    cut_off.servers = vec![format!("sip:{};transport=udp", server.sip())];
    let _cut_off = cut_off.start();
    let mut caller = PhoneSetup::new("caller").start();
    caller.dial(&format!("sip:{OUT}@{}", server.sip()));
    caller.wait_for("CALL_ESTABLISHED", 1);
    caller.hang_up();
    let record = server.wait_records(1).remove(0);
    assert_eq!(record["outcome"], "answered", "{record:#}");
    let log = server.log();
    for words in [
        "a trunk did not take a call",
        "trunk=\"gone\" code=503 why=it cannot be reached",
        "trunk=\"cut-off\" code=477 why=477 ",
    ] {
        assert!(log.contains(words), "no {words} in\n{log}");
    }
    server.assert_clean();
}

#[test]
fn of_two_servers_behind_a_proxy_the_other_takes_the_calls_of_one_that_is_stopped_or_killed() {
    let waits = |name: &str| {
        let mut setup = Setup::new(name).tone().flow(RINGS, "waits", &flows::waits());
        setup.filter = "info".to_owned();
        setup.start()
    };
    let (first, second) = (waits("first"), waits("second"));
    let uri = |server: &Server| format!("sip:{};transport=udp", server.sip());
    let proxy = KamailioSetup::new(vec![uri(&first), uri(&second)]).start();
    let one_call = |server: &Server, count: usize| {
        let target = proxy.sip().to_string();
        Sipp::run("basic", address(), &["-s", RINGS, "-m", "1", &target]).passes("a caller", server);
        assert_eq!(server.wait_records(count).len(), count);
    };
    one_call(&first, 1);
    // A call that is held keeps the first server from ending: it takes no new ones.
    let mut held = PhoneSetup::new("held").start();
    held.dial(&number(RINGS, &proxy, "udp"));
    held.wait_for("CALL_ESTABLISHED", 1);
    first.signal("TERM");
    first.until("the server to drain", |server| server.get("/readyz").contains("draining"));
    one_call(&second, 1);
    held.hang_up();
    held.wait_for("CALL_CLOSED", 1);
    first.signal("KILL");
    one_call(&second, 2);
    second.assert_clean();
}

#[test]
fn we_register_with_a_carrier_are_called_by_our_contact_and_call_with_our_password() {
    let mut far = PhoneSetup::new(FAR);
    far.answers = true;
    let mut far = far.start();
    let mut setup = setup("carrier");
    let mut carrier = KamailioSetup::new(vec![format!("sip:{}:5060;transport=udp", setup.address)]);
    (carrier.carrier, carrier.account) = (far.uri(), Some(("acme", "s3cret")));
    setup.trusted = "127.255.255.254".to_owned();
    setup.trunks = format!(
        "[[trunk]]\nid = \"carrier\"\nhost = \"{}:5060\"\nusername = \"acme\"\npassword = \"s3cret\"\nregister = true\n",
        carrier.at
    );
    let carrier = carrier.start();
    let server = setup.start();
    server.until("the registration", |s| {
        s.metric_of("cordboard_registration_state{trunk=\"carrier\"}") == Some(1)
    });
    // By the Contact of our registration, with the number in To; the carrier has no other address of the server.
    let mut caller = PhoneSetup::new("+14155550123").start();
    caller.dial(&number(OUT, &carrier, "udp"));
    far.wait_for("CALL_ESTABLISHED", 1);
    caller.wait_for("CALL_ESTABLISHED", 1);
    far.hang_up();
    caller.wait_for("CALL_CLOSED", 1);
    let record = server.wait_records(1).remove(0);
    assert_eq!(
        (record["trunk"].as_str(), record["number"].as_str(), record["outcome"].as_str()),
        (Some("carrier"), Some(OUT), Some("answered"))
    );
    server.assert_clean();
}
