//! SIPp in the manner of the PBXs and carriers of the compatibility table, each behind a trunk with the keys of its preset
//! (`config/carriers`): they call a Smart Number, and are called by a flow.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use support::caller::Caller;
use support::certificates::Authority;
use support::dns::{A, Data, Dns};
use support::media::Media;
use support::sipp::Sipp;
use support::tunnel::Tunnel;
use support::{Server, Setup, address, flows};

/// Answers, and hangs up when 1 is pressed.
const KEYED: &str = "+15550940";
/// Calls [`FAR`] over the trunk.
const OUT: &str = "+15550941";
const FAR: &str = "+442079460000";

/// A peer of a kind, and the server that has a trunk for it.
struct Peer {
    /// Of its preset, which is its trunk's.
    name: &'static str,
    server: Server,
    at: Ipv4Addr,
    /// Who calls what it is called for.
    caller: Ipv4Addr,
    media: Media,
    /// SIPp's word for how it is reached.
    transport: &'static str,
    /// Where it sends what begins.
    door: SocketAddr,
}

impl Peer {
    /// `keys` are lines of the trunk beside its preset; `AT` in them is the peer's address. Of others the server knows the
    /// caller alone.
    fn start(preset: &'static str, keys: &str, prepare: impl FnOnce(&mut Setup)) -> Peer {
        let (at, caller) = (address(), address());
        let mut setup = Setup::new(preset)
            .tone()
            .flow(KEYED, "keyed", &flows::hangs_up_on_1())
            .flow(OUT, "out", &flows::calls(FAR))
            .trunk_of(preset, &keys.replace("AT", &at.to_string()));
        setup.trusted = caller.to_string();
        setup.filter = "info,cordboard::call=debug".to_owned();
        prepare(&mut setup);
        let server = setup.start();
        Peer { name: preset, door: server.sip(), server, at, caller, media: Media::new(), transport: "u1" }
    }

    /// Runs a scenario of the peer: one that calls has `more` arguments.
    fn scenario(&self, name: &str, more: &[&str]) -> Sipp {
        let (ip, port) = (self.media.at().ip().to_string(), self.media.at().port().to_string());
        let keys = ["-m", "1", "-t", self.transport, "-key", "ear_ip", &ip, "-key", "ear_port", &port];
        let all = [&keys, more].concat();
        let waits_on_tcp = more.is_empty() && self.transport == "t1";
        if waits_on_tcp { Sipp::listen_on_tcp(name, self.at, &all) } else { Sipp::run(name, self.at, &all) }
    }

    /// Waits until its trunk is up (1) or down (0).
    fn until_it_is(&self, up: u64) {
        let metric = format!("cordboard_trunk_up{{trunk=\"{}\"}}", self.name);
        self.server.until(&format!("{metric} {up}"), |server| server.metric_of(&metric) == Some(up));
    }

    /// The peer calls; its media, where it has moved them in the end, hear the flow and press 1, by which the flow hangs up.
    /// Gives the record.
    fn calls(&mut self, scenario: &str, more: &[&str]) -> Value {
        let target = self.door.to_string();
        let sipp = self.scenario(scenario, &[&["-s", KEYED], more, &[&target]].concat());
        let (length, from) = self.media.hear();
        assert_eq!(length, self.media.packet_bytes());
        self.media.press(from, 1, 101);
        sipp.passes(scenario, &self.server);
        let record = self.server.wait_records(1).remove(0);
        self.server.assert_clean();
        assert_eq!(record["endReason"], "flow_ended", "{record:#}");
        assert_eq!(record["keys"][0]["digit"], "1", "{record:#}");
        assert_eq!(record["keys"][0]["source"], "rfc4733", "{record:#}");
        record
    }

    /// A flow calls the peer, whose media, where it has moved them in the end, hear something; the caller hangs up. Gives
    /// the record.
    fn is_called(&mut self, scenario: &str) -> Value {
        let sipp = self.scenario(scenario, &[]);
        let mut caller = Caller::new(self.caller, self.server.sip());
        let invite = caller.invite(OUT, "127.0.0.1:9".parse().unwrap());
        caller.send(&invite);
        let answer = caller.wait_for(" INVITE", &invite);
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}\n{}", self.server.log());
        let bye = caller.acknowledge(OUT, &answer);
        assert_eq!(self.media.hear().0, self.media.packet_bytes());
        caller.send(&bye);
        assert!(caller.wait_for(" BYE", &bye).starts_with("SIP/2.0 200"));
        sipp.passes(scenario, &self.server);
        let record = self.server.wait_records(1).remove(0);
        self.server.assert_clean();
        assert_eq!(record["endReason"], "caller_hung_up", "{record:#}");
        assert_eq!(record["outcome"], "answered", "{record:#}");
        record
    }
}

/// A trunk that is known by its address.
const PLAIN: &str = "match = [\"AT\"]\nhost = \"AT\"";

#[test]
fn asterisk_that_moves_its_media_is_heard_where_it_moved_to() {
    let record = Peer::start("asterisk", PLAIN, |_| {}).calls("asterisk_moves_media", &[]);
    assert_eq!((record["trunk"].as_str(), record["from"].as_str()), (Some("asterisk"), Some("+14155550123")));
}

#[test]
fn asterisk_that_is_called_updates_who_is_connected_and_moves_its_media() {
    Peer::start("asterisk", PLAIN, |_| {}).is_called("asterisk_called");
}

#[test]
fn freeswitch_updates_the_display_holds_resumes_and_is_known_by_its_remote_party_id() {
    let record = Peer::start("freeswitch", PLAIN, |_| {}).calls("freeswitch_calls", &[]);
    assert_eq!(record["from"], "+14155550199", "{record:#}");
}

#[test]
fn freeswitch_that_is_called_has_its_smallest_interval_asked_for_and_refreshes_itself() {
    let small = |setup: &mut Setup| setup.sip = "session_expires_s = 90".to_owned();
    Peer::start("freeswitch", PLAIN, small).is_called("freeswitch_called");
}

/// 3CX, which has registered.
fn start_3cx() -> Peer {
    let peer = Peer::start("3cx", "username = \"branch\"\npassword = \"s3cret\"", |_| {});
    let target = peer.server.sip().to_string();
    let who = ["-s", "branch", "-au", "branch", "-ap", "s3cret", "-auth_uri", "cordboard.test", &target];
    peer.scenario("register_digest", &who).passes("the registration", &peer.server);
    peer
}

#[test]
fn a_3cx_that_has_registered_calls_by_its_credentials_and_keeps_its_asserted_caller() {
    let mut peer = start_3cx();
    let uri = format!("{KEYED}@{}", peer.server.sip());
    let record = peer.calls("3cx_calls", &["-au", "branch", "-ap", "s3cret", "-auth_uri", &uri]);
    assert_eq!((record["trunk"].as_str(), record["from"].as_str()), (Some("3cx"), Some("+14155550123")));
}

#[test]
fn a_3cx_is_called_by_the_contact_that_it_registered_with_its_rinstance() {
    start_3cx().is_called("3cx_called");
}

/// CUCM, whose trunk is one TCP connection.
fn start_cucm(keys: &str) -> Peer {
    let reached = "match = [\"AT\"]\nhost = \"AT:5060;transport=tcp\"\n";
    Peer { transport: "t1", ..Peer::start("cucm", &format!("{reached}{keys}"), |_| {}) }
}

#[test]
fn a_cucm_pings_calls_without_an_offer_and_is_hung_up_over_the_one_connection_that_it_opened() {
    let record = start_cucm("").calls("cucm_calls", &[]);
    assert_eq!(
        (record["from"].as_str(), record["divertedFrom"].as_str()),
        (Some("+14155550123"), Some("+14155550177"))
    );
}

#[test]
fn a_cucm_is_called_over_tcp_and_puts_music_in_place_of_its_telephone_without_an_offer() {
    start_cucm("").is_called("cucm_called");
}

#[test]
fn a_cucm_that_is_away_is_down_and_up_when_it_answers_a_ping_over_tcp() {
    let cucm = start_cucm("options_interval_s = 5\noptions_threshold = 1");
    cucm.until_it_is(0);
    cucm.scenario("options_answered", &[]).passes("the ping", &cucm.server);
    cucm.until_it_is(1);
}

#[test]
fn an_avaya_that_calls_gets_100_within_its_four_seconds_and_its_first_codec() {
    Peer::start("avaya", PLAIN, |_| {}).calls("avaya_calls", &[]);
}

#[test]
fn an_avaya_that_is_busy_says_so_by_486_and_the_flow_goes_on_to_no_other_trunk() {
    let avaya = Peer::start("avaya", PLAIN, |setup| {
        setup.trunks += "[[trunk]]\nid = \"next\"\nhost = \"127.255.255.253\"\npriority = 9\n";
    });
    let busy = avaya.scenario("avaya_busy", &[]);
    let target = avaya.server.sip().to_string();
    let who_calls = ["-s", OUT, "-m", "1", &target];
    Sipp::run("server_hangs_up", avaya.caller, &who_calls).passes("the caller", &avaya.server);
    busy.passes("avaya_busy", &avaya.server);
    let record = avaya.server.wait_records(1).remove(0);
    assert_eq!(record["offers"][0]["result"], "busy", "{record:#}");
    avaya.server.assert_clean();
}

/// Teams behind TLS: its name is known to a name server, ours is the one of our certificate, and both sides show theirs.
struct Teams {
    peer: Peer,
    _dns: Dns,
    _tunnel: Tunnel,
}

/// The name in our certificate.
const SBC: &str = "sbc.cordboard.test";

impl Teams {
    fn start(keys: &str) -> Teams {
        let (dns, authority) = (Dns::start(), Authority::new());
        let reached = "match = [\"AT\"]\nhost = \"sip.pstnhub.test:5061;transport=tls\"\nfrom_domain = \"sbc.cordboard.test\"\n";
        let mut peer = Peer::start("teams", &format!("{reached}{keys}"), |setup| {
            authority.issue(&[SBC], 2040).write(&setup.folder, "own");
            std::fs::write(setup.folder.join("ca.pem"), authority.pem()).unwrap();
            setup.more = format!(
                "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{}:5061\"\nadvertise = \"{SBC}\"\n\
                 [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\nca = \"ca.pem\"\nclient_ca = \"ca.pem\"\n\
                 [dns]\nservers = [\"{}\"]\n",
                setup.address, dns.address
            );
        });
        dns.has("sip.pstnhub.test", A, [Data::A(peer.at)]);
        let own = authority.issue(&["sip.pstnhub.test"], 2040);
        let (server, ca) = ((peer.server.address, 5061).into(), peer.server.folder.join("ca.pem"));
        let tunnel = Tunnel::start(peer.at, &own, &ca, server, SBC);
        (peer.transport, peer.door) = ("t1", (peer.at, Tunnel::DOOR).into());
        // What stands in its descriptions.
        peer.media.protect(&std::array::from_fn(|index| index as u8));
        Teams { peer, _dns: dns, _tunnel: tunnel }
    }
}

#[test]
fn teams_pings_and_calls_over_tls_with_names_for_hosts_and_keys_for_its_media() {
    let record = Teams::start("").peer.calls("teams_calls", &[]);
    assert_eq!(
        (record["from"].as_str(), record["divertedFrom"].as_str()),
        (Some("+14155550123"), Some("+14155550177"))
    );
    let unauthentic = record["legs"][0]["packetsUnauthentic"].as_u64();
    assert_eq!(unauthentic.unwrap_or(0), 0, "{record:#}");
}

#[test]
fn teams_is_called_over_tls_and_of_its_endpoints_that_ring_the_one_that_answers_is_talked_to() {
    Teams::start("").peer.is_called("teams_called");
}

#[test]
fn teams_is_pinged_over_tls_by_the_name_of_our_certificate() {
    let teams = Teams::start("options_interval_s = 5\noptions_threshold = 1");
    // Its tunnel is there, and nobody behind it.
    teams.peer.until_it_is(0);
    teams.peer.scenario("teams_pinged", &[]).passes("the ping", &teams.peer.server);
    teams.peer.until_it_is(1);
}

#[test]
fn twilio_calls_with_a_plus_from_a_private_contact_behind_its_edge() {
    let record = Peer::start("twilio", PLAIN, |_| {}).calls("twilio_calls", &[]);
    assert_eq!((record["trunk"].as_str(), record["from"].as_str()), (Some("twilio"), Some("+14155550123")));
}

#[test]
fn twilio_is_called_at_the_domain_of_the_trunk_with_the_password_of_its_credential_list() {
    let dns = Dns::start();
    let keys =
        "match = [\"AT\"]\nhost = \"acme.pstn.twilio.test:5060\"\nusername = \"acme\"\npassword = \"s3cret\"";
    let mut twilio = Peer::start("twilio", keys, |setup| {
        setup.more = format!("[dns]\nservers = [\"{}\"]\n", dns.address);
    });
    dns.has("acme.pstn.twilio.test", A, [Data::A(twilio.at)]);
    twilio.is_called("twilio_called");
}
