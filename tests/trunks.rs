//! Trunks and registrations at work, as the API tells of them.

#![allow(clippy::disallowed_methods, reason = "a test talks to a real server: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use support::api::{ask, http};
use support::caller::Caller;
use support::phone::PhoneSetup;
use support::trunk::{Audio, Trunk};
use support::{Server, Setup, address};

const OUT: &str = "+15550980";

/// What the API says of the trunk `carrier`.
fn carrier(server: &Server) -> Value {
    let (code, states) = ask(server, "GET", "/trunk-states");
    assert_eq!(code, 200, "{states}");
    let items = states["items"].as_array().unwrap();
    items.iter().find(|trunk| trunk["id"] == "carrier").unwrap_or_else(|| panic!("{states}")).clone()
}

#[test]
fn the_api_tells_how_a_trunk_is_and_why_its_last_call_came_to_nothing() {
    let peer = Trunk::start(address(), Audio::Echo);
    let out = json!({"entry": "dial", "steps": {
        "dial": {"type": "dial", "name": "Dial", "config": {"target": {"kind": "number", "value": "+15550199"},
            "ringSec": 20}, "on": {"no_response": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
    let mut setup = Setup::new("trunk-states").flow(OUT, "out", &out);
    setup.http = http();
    setup.trunks = format!(
        "[[trunk]]\nid = \"carrier\"\nhost = \"{}\"\nusername = \"4420\"\npassword = \"secret\"\nregister = true\n\
         register_expires_s = 300\noptions_interval_s = 3600\ncalls_max_out = 7\n",
        peer.address
    );
    peer.answers("REGISTER", "200 OK\nExpires: 120");
    let server = setup.start();
    server.until("the trunk to be up", |s| {
        let trunk = carrier(s);
        trunk["isUp"] == true && trunk["lastOptions"].is_object()
    });
    let trunk = carrier(&server);
    assert_eq!((&trunk["registration"], &trunk["grantedS"]), (&json!("registered"), &json!(120)), "{trunk}");
    assert_eq!((&trunk["callsMaxOut"], &trunk["callsMaxIn"]), (&json!(7), &Value::Null));
    assert_eq!(trunk["lastOptions"]["text"], "200 OK");
    assert!(trunk["lastOptions"]["tookMs"].is_u64() && trunk["lastOptions"]["at"].is_string(), "{trunk}");
    assert_eq!(trunk["lastRejectOut"], Value::Null);
    peer.answers("INVITE", "403 Forbidden\nWarning: 399 carrier \"User channel limit exceeded\"");
    let mut caller = Caller::new(address(), server.sip());
    let invite = caller.invite(OUT, "127.0.0.1:9".parse().unwrap());
    caller.send(&invite);
    caller.wait_for(" INVITE", &invite);
    server.until("the reject to be told", |s| carrier(s)["lastRejectOut"].is_object());
    let reject = carrier(&server)["lastRejectOut"].clone();
    assert_eq!(reject["code"], 403);
    assert_eq!(reject["text"], "403 Forbidden (\"User channel limit exceeded\")");
    assert!(reject["at"].as_str().unwrap().ends_with('Z'), "{reject}");
}

#[test]
fn registrations_are_listed_with_where_they_come_from_and_removed_by_an_operator() {
    let mut setup = Setup::new("registrations").registering_agent("alice", "s3cret");
    setup.http = http();
    let server = setup.start();
    assert_eq!(ask(&server, "GET", "/registrations"), (200, json!({"items": []})));
    let mut phone = PhoneSetup::new("alice");
    phone.registers = Some((format!("{};transport=tcp", server.sip()), "s3cret"));
    let phone = phone.start();
    phone.wait_for_words("200 OK (cordboard) [1 binding]");
    let (code, page) = ask(&server, "GET", "/registrations?account=alice");
    let [one] = page["items"].as_array().unwrap().as_slice() else { panic!("{code} {page}") };
    assert_eq!(
        (&one["agent"], &one["account"], &one["transport"]),
        (&json!("alice"), &json!("alice"), &json!("tcp"))
    );
    assert!(one["source"].as_str().unwrap().starts_with("127.0.0.1:"), "{one}");
    assert!(one["contact"].as_str().unwrap().starts_with("sip:alice"), "{one}");
    assert!(one["userAgent"].as_str().unwrap().starts_with("baresip"), "{one}");
    assert!((1..=60).contains(&one["expiresInS"].as_u64().unwrap()), "{one}");
    let path = format!("/registrations/alice/{}", one["id"].as_str().unwrap());
    assert_eq!(ask(&server, "DELETE", &path).0, 204);
    server.until("nobody to be registered", |s| s.metric("cordboard_registered_bindings") == 0);
    for gone in [path.as_str(), "/registrations/alice/zz", "/registrations/nobody/1"] {
        assert_eq!(ask(&server, "DELETE", gone).0, 404, "{gone}");
    }
    assert_eq!(ask(&server, "GET", "/registrations?cursor=c31").0, 400, "a cursor that was never given");
}

#[test]
fn the_api_gives_the_presets_of_carriers_in_the_words_of_its_trunks() {
    let mut setup = Setup::new("carriers");
    setup.http = http();
    let server = setup.start();
    let (code, carriers) = ask(&server, "GET", "/carriers");
    let items = carriers["items"].as_array().unwrap();
    assert_eq!((code, items.len()), (200, 14));
    let teams = items.iter().find(|carrier| carrier["id"] == "teams").unwrap();
    assert_eq!((&teams["kind"], &teams["trunk"]["srtp"]), (&json!("carrier"), &json!("require")));
    assert_eq!(teams["trunk"]["optionsIntervalS"], 60);
    assert_eq!(teams["needs"], json!(["match", "host"]));
}
