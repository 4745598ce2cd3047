//! Real telephones: baresip as caller and as agents, what they heard compared with what was said.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use support::certificates::Authority;
use support::phone::PhoneSetup;
use support::sound::{agent_voice, caller_voice};
use support::{Server, Setup, sound};

const NUMBER: &str = "+15550900";

/// Greeting, menu, dial: `ring` is the configuration of the dial step.
fn menu_flow(ring: &Value) -> Value {
    json!({
        "entry": "greet",
        "steps": {
            "greet": {"type": "greeting", "name": "Greet", "config": {"audio": {"kind": "file", "id": "welcome"}},
                "on": {"next": "menu"}},
            "menu": {"type": "menu", "name": "Menu", "config": {"prompt": {"kind": "file", "id": "menu"},
                "options": {"1": {"label": "agent"}}, "timeoutSec": 20}, "on": {"key:1": "ring", "no_response": "bye"}},
            "ring": {"type": "dial", "name": "Ring", "config": ring, "on": {"no_response": "nobody"}},
            "nobody": {"type": "greeting", "name": "Nobody", "config": {"audio": {"kind": "file", "id": "nobody"}},
                "on": {"next": "bye"}},
            "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}
        }
    })
}

/// Dials at once.
fn dial_flow(ring: &Value) -> Value {
    json!({
        "settings": {"shortAbandonSec": 0},
        "entry": "ring",
        "steps": {
            "ring": {"type": "dial", "name": "Ring", "config": ring, "on": {"no_response": "nobody"}},
            "nobody": {"type": "greeting", "name": "Nobody", "config": {"audio": {"kind": "file", "id": "nobody"}},
                "on": {"next": "bye"}},
            "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}
        }
    })
}

fn ring(agents: &[&str]) -> Value {
    json!({"target": {"kind": "users", "values": agents}, "ringSec": 20})
}

fn welcome() -> Vec<i16> {
    sound::speak("Welcome to the test company. Thank you for calling us today.", "en-us")
}

fn setup(name: &str, flow: &Value) -> Setup {
    Setup::new(name)
        .prompt("welcome", &welcome())
        .prompt("menu", &sound::speak("For an agent, press one.", "en-us"))
        .prompt("nobody", &sound::speak("Nobody can take your call at the moment.", "en-us"))
        .flow(NUMBER, "main", flow)
}

fn number(server: &Server, transport: &str) -> String {
    format!("sip:{NUMBER}@{};transport={transport}", server.sip())
}

#[test]
fn a_telephone_that_registers_by_digest_is_rung_where_it_registered_from() {
    for transport in ["udp", "tcp"] {
        let server = setup(&format!("register-{transport}"), &dial_flow(&ring(&["alice"])))
            .registering_agent("alice", "s3cret")
            .start();
        let mut agent = PhoneSetup::new("alice");
        agent.answers = true;
        agent.registers = Some((format!("{};transport={transport}", server.sip()), "s3cret"));
        let agent = agent.start();
        agent.wait_for_words("200 OK (cordboard) [1 binding]");
        let mut caller = PhoneSetup::new("caller").start();
        caller.dial(&number(&server, "udp"));
        caller.wait_for("CALL_ESTABLISHED", 1);
        agent.wait_for("CALL_ESTABLISHED", 1);
        caller.hang_up();
        agent.wait_for("CALL_CLOSED", 1);
        let record = server.wait_records(1).remove(0);
        assert_eq!(
            (record["outcome"].as_str(), record["agentId"].as_str()),
            (Some("answered"), Some("alice"))
        );
    }
}

#[test]
fn a_telephone_registers_over_tls_is_rung_over_its_connection_and_holds_and_resumes() {
    let (authority, music) = (Authority::new(), sound::speak("Please hold the line.", "en-us+f2"));
    let mut setup = setup("register-tls", &dial_flow(&ring(&["alice"])))
        .prompt("music", &music)
        .registering_agent("alice", "s3cret");
    authority.issue(&[&setup.address.to_string()], 2040).write(&setup.folder, "own");
    let ca = setup.folder.join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    setup.more = format!(
        "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{}:5061\"\n\
         [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\n",
        setup.address
    );
    let server = setup.start();
    let mut agent = PhoneSetup::new("alice");
    (agent.voice, agent.answers, agent.authority) = (agent_voice(), true, Some(ca));
    agent.registers = Some((format!("{}:5061;transport=tls", server.address), "s3cret"));
    let mut agent = agent.start();
    agent.wait_for_words("200 OK (cordboard) [1 binding]");
    let mut caller = PhoneSetup::new("caller");
    caller.voice = caller_voice();
    let mut caller = caller.start();
    caller.dial(&number(&server, "udp"));
    agent.wait_for("CALL_ESTABLISHED", 1);
    agent.listen(5.0);
    agent.hold();
    let held = caller.heard_seconds();
    caller.listen(held + 5.0);
    agent.resume();
    let resumed = caller.heard_seconds();
    caller.listen(resumed + 6.0);
    agent.hang_up();
    caller.wait_for("CALL_CLOSED", 1);
    agent.assert_hears("the caller", &caller_voice());
    caller.assert_hears_after(held, "music", &music);
    caller.assert_hears_after(resumed, "the agent again", &agent_voice());
    assert_eq!(server.metric("cordboard_handshakes_total{result=\"done\"}"), 1);
    // After a hold it keeps no more of what it hears: some 5 s before and 6 s after it were sent.
    let record = server.wait_records(1).remove(0);
    let of_agent = record["legs"].as_array().unwrap().iter().find(|leg| leg["party"] == "alice").unwrap();
    assert!(of_agent["packetsSent"].as_u64().is_some_and(|sent| sent > 500), "{record:#}");
    server.assert_clean();
}

#[test]
fn a_telephone_with_a_wrong_password_does_not_register_and_is_locked_out() {
    let server =
        setup("register-wrong", &dial_flow(&ring(&["alice"]))).registering_agent("alice", "s3cret").start();
    let mut agent = PhoneSetup::new("alice");
    agent.registers = Some((server.sip().to_string(), "guess"));
    let agent = agent.start();
    agent.wait_for_words("SIP/2.0 403 Too Many Wrong Passwords");
}

/// Greeting heard, key pressed, agent reached, both voices heard, hung up by `hangs_up`.
fn whole_call(name: &str, transport: &str, keys: &'static str, caller_hangs_up: bool) {
    let mut agent = PhoneSetup::new("alice");
    (agent.voice, agent.answers) = (agent_voice(), true);
    let mut agent = agent.start();
    let uri = format!("{};transport={transport}", agent.uri());
    let server = setup(name, &menu_flow(&ring(&["alice"]))).agent("alice", &uri).start();

    let mut caller = PhoneSetup::new("caller");
    caller.voice = caller_voice();
    if keys == "in_band" {
        let key = cordboard::audio::tones::dtmf('1', -10.0, 150).unwrap();
        let mut with_key = vec![0; 8_000 * 8];
        with_key.extend(key);
        with_key.extend(vec![0; 4_000]);
        with_key.extend(&caller.voice);
        caller.voice = with_key;
    }
    let mut caller = caller.start();
    caller.dial(&number(&server, transport));
    caller.wait_for("CALL_ESTABLISHED", 1);
    match keys {
        "in_band" => {}
        "info" => {
            caller.listen(6.0);
            caller.press_by_info('1');
        }
        _ => {
            caller.listen(6.0);
            caller.press('1');
        }
    }
    agent.wait_for("CALL_ESTABLISHED", 1);
    agent.listen(6.0);
    if caller_hangs_up {
        caller.hang_up()
    } else {
        agent.hang_up()
    }
    caller.wait_for("CALL_CLOSED", 1);
    agent.wait_for("CALL_CLOSED", 1);

    let record = server.wait_records(1).remove(0);
    caller.assert_hears("the greeting", &welcome());
    caller.assert_hears("the agent", &agent_voice());
    agent.assert_hears("the caller", &caller_voice());
    let source = if keys == "rtpevent" { "rfc4733" } else { keys };
    assert_eq!(record["keys"].as_array().unwrap().len(), 1, "{record:#}");
    assert_eq!(
        (record["keys"][0]["digit"].as_str(), record["keys"][0]["source"].as_str()),
        (Some("1"), Some(source))
    );
    assert_eq!((record["outcome"].as_str(), record["agentId"].as_str()), (Some("answered"), Some("alice")));
    let ended = if caller_hangs_up { ("caller_hung_up", "caller") } else { ("agent_hung_up", "agent") };
    assert_eq!((record["endReason"].as_str(), record["endedBy"].as_str()), (Some(ended.0), Some(ended.1)));
    assert_eq!(server.metric(&format!("cordboard_dtmf_digits_total{{source=\"{source}\"}}")), 1);
    server.assert_clean();
}

#[test]
fn a_call_over_udp_with_rfc_4733_keys_reaches_the_agent_and_the_caller_hangs_up() {
    whole_call("udp-event", "udp", "rtpevent", true);
}

#[test]
fn a_call_over_udp_with_keys_in_the_audio_reaches_the_agent_who_hangs_up() {
    whole_call("udp-tone", "udp", "in_band", false);
}

#[test]
fn a_call_over_udp_with_info_keys_reaches_the_agent_who_hangs_up() {
    whole_call("udp-info", "udp", "info", false);
}

#[test]
fn a_call_over_tcp_with_rfc_4733_keys_reaches_the_agent_who_hangs_up() {
    whole_call("tcp-event", "tcp", "rtpevent", false);
}

#[test]
fn a_call_over_tcp_with_keys_in_the_audio_reaches_the_agent_and_the_caller_hangs_up() {
    whole_call("tcp-tone", "tcp", "in_band", true);
}

#[test]
fn a_call_over_tcp_with_info_keys_reaches_the_agent_who_hangs_up() {
    whole_call("tcp-info", "tcp", "info", false);
}

#[test]
fn pcmu_and_pcma_are_transcoded_so_that_both_hear_each_other() {
    let mut agent = PhoneSetup::new("alice");
    (agent.voice, agent.answers, agent.codecs) = (agent_voice(), true, "pcma");
    let agent = agent.start();
    let server = setup("transcode", &dial_flow(&ring(&["alice"]))).agent("alice", &agent.uri()).start();
    let mut caller = PhoneSetup::new("caller");
    (caller.voice, caller.codecs) = (caller_voice(), "pcmu");
    let mut caller = caller.start();
    caller.dial(&number(&server, "udp"));
    agent.wait_for("CALL_ESTABLISHED", 1);
    agent.listen(6.0);
    caller.hang_up();
    let record = server.wait_records(1).remove(0);
    let codecs: Vec<_> =
        record["legs"].as_array().unwrap().iter().map(|l| l["codec"].as_str().unwrap()).collect();
    assert!(codecs.contains(&"PCMU") && codecs.contains(&"PCMA"), "{record:#}");
    caller.assert_hears("the agent", &agent_voice());
    agent.assert_hears("the caller", &caller_voice());
    server.assert_clean();
}

#[test]
fn a_telephone_that_encrypts_its_media_and_one_that_does_not_hear_each_other() {
    for encryption in ["srtp-mand", "srtp"] {
        let mut agent = PhoneSetup::new("alice");
        (agent.voice, agent.answers) = (agent_voice(), true);
        let agent = agent.start();
        let server = setup(encryption, &dial_flow(&ring(&["alice"]))).agent("alice", &agent.uri()).start();
        let mut caller = PhoneSetup::new("caller");
        (caller.voice, caller.encryption) = (caller_voice(), encryption);
        let mut caller = caller.start();
        caller.dial(&number(&server, "udp"));
        agent.wait_for("CALL_ESTABLISHED", 1);
        agent.listen(6.0);
        caller.hang_up();
        let record = server.wait_records(1).remove(0);
        let legs = record["legs"].as_array().unwrap();
        // Its first reports leave before its keys are in place, and are dropped as all that is plain.
        let few = |leg: &Value| leg["packetsUnauthentic"].as_u64().is_some_and(|count| count < 5);
        assert!(legs.iter().all(few), "{record:#}");
        assert!(caller.log().to_lowercase().contains("srtp"), "{}", caller.log());
        caller.assert_hears("the agent", &agent_voice());
        agent.assert_hears("the caller", &caller_voice());
        server.assert_clean();
    }
}

#[test]
fn the_first_agent_to_answer_wins_and_the_other_is_told_that_the_call_went_elsewhere() {
    let mut first = PhoneSetup::new("alice");
    first.answers = true;
    let (first, second) = (first.start(), PhoneSetup::new("bob").start());
    let server = setup("first-wins", &menu_flow(&ring(&["alice", "bob"])))
        .agent("alice", &first.uri())
        .agent("bob", &second.uri())
        .start();
    let mut caller = PhoneSetup::new("caller").start();
    caller.dial(&number(&server, "udp"));
    caller.wait_for("CALL_ESTABLISHED", 1);
    caller.listen(5.0);
    caller.press('1');
    first.wait_for("CALL_ESTABLISHED", 1);
    second.wait_for("CALL_CLOSED", 1);
    assert!(
        second.log().contains("Reason: SIP;cause=200;text=\"Call completed elsewhere\""),
        "{}",
        second.log()
    );
    caller.hang_up();
    let record = server.wait_records(1).remove(0);
    assert_eq!(record["agentId"], "alice");
    server.assert_clean();
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_leaves_nothing_behind() {
    let agent = PhoneSetup::new("alice").start();
    let server = setup("ringing", &dial_flow(&ring(&["alice"]))).agent("alice", &agent.uri()).start();
    let mut caller = PhoneSetup::new("caller").start();
    caller.dial(&number(&server, "udp"));
    agent.wait_for("CALL_INCOMING", 1);
    caller.wait_for("CALL_RINGING", 1);
    caller.hang_up();
    agent.wait_for("CALL_CLOSED", 1);
    let record = server.wait_records(1).remove(0);
    assert_eq!(
        (record["outcome"].as_str(), record["sipCode"].as_u64()),
        (Some("abandoned_ringing"), Some(487))
    );
    server.assert_clean();
}

#[test]
fn an_agent_who_never_answers_is_given_up_and_the_flow_goes_on() {
    let agent = PhoneSetup::new("alice").start();
    let flow = dial_flow(&json!({"target": {"kind": "user", "value": "alice"}, "ringSec": 5}));
    let server = setup("no-answer", &flow).agent("alice", &agent.uri()).start();
    let mut caller = PhoneSetup::new("caller").start();
    caller.dial(&number(&server, "udp"));
    agent.wait_for("CALL_CLOSED", 1);
    caller.wait_for("CALL_CLOSED", 1);
    let record = server.wait_records(1).remove(0);
    assert_eq!(
        (record["outcome"].as_str(), record["endedBy"].as_str()),
        (Some("disconnected_by_flow"), Some("flow"))
    );
    assert_eq!(record["offers"][0]["result"], "no_answer");
    caller.assert_hears(
        "that nobody is there",
        &sound::speak("Nobody can take your call at the moment.", "en-us"),
    );
    server.assert_clean();
}

#[test]
fn an_agent_whose_telephone_dies_ends_the_call_after_the_inactivity_limit() {
    let mut agent = PhoneSetup::new("alice");
    agent.answers = true;
    let mut agent = agent.start();
    let mut setup = setup("vanished", &dial_flow(&ring(&["alice"]))).agent("alice", &agent.uri());
    setup.media = "inactivity_s = 5".to_owned();
    let server = setup.start();
    let mut caller = PhoneSetup::new("caller").start();
    caller.dial(&number(&server, "udp"));
    agent.wait_for("CALL_ESTABLISHED", 1);
    agent.listen(1.0);
    agent.kill();
    caller.wait_for("CALL_CLOSED", 1);
    let record = server.wait_records(1).remove(0);
    assert_eq!(record["endReason"], "agent_vanished", "{record:#}");
    server.assert_clean();
}

#[test]
fn a_caller_whose_telephone_dies_ends_the_call_after_the_inactivity_limit() {
    let mut agent = PhoneSetup::new("alice");
    agent.answers = true;
    let agent = agent.start();
    let mut setup = setup("caller-vanished", &dial_flow(&ring(&["alice"]))).agent("alice", &agent.uri());
    setup.media = "inactivity_s = 5".to_owned();
    let server = setup.start();
    let mut caller = PhoneSetup::new("caller").start();
    caller.dial(&number(&server, "udp"));
    agent.wait_for("CALL_ESTABLISHED", 1);
    agent.listen(1.0);
    caller.kill();
    agent.wait_for("CALL_CLOSED", 1);
    let record = server.wait_records(1).remove(0);
    assert_eq!(record["endReason"], "caller_vanished", "{record:#}");
    server.assert_clean();
}

#[test]
fn the_echo_number_sends_the_callers_own_voice_back() {
    let server = Setup::new("echo").echo("+15550901").start();
    let mut caller = PhoneSetup::new("caller");
    caller.voice = caller_voice();
    let mut caller = caller.start();
    caller.dial(&format!("sip:+15550901@{}", server.sip()));
    caller.wait_for("CALL_ESTABLISHED", 1);
    caller.listen(6.0);
    caller.hang_up();
    server.wait_records(1);
    caller.assert_hears("itself", &caller_voice());
    server.assert_clean();
}
