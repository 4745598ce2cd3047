//! Every step that needs no key and no agent, in real calls: SIPp calls, a service of our own stands for the outside.
//! Menus, prompts and dials have their real calls in `baresip.rs`.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use std::process::{Command, Stdio};
use support::service::Service;
use support::{Server, Setup, address};

const WALK: &str = "+15550920";
const GONE: &str = "+15550921";

const HANGING: &str = "+15550923";

const SERVICE: [(&str, u16, &str); 6] = [
    ("/hangs", 0, ""),
    ("/customers", 200, r#"{"tier": "gold", "name": "Ann"}"#),
    (
        "/crm/query",
        200,
        r#"{"records": [{"attributes": {"type": "Contact"}, "Id": "003A"}, {"Id": "003B"}]}"#,
    ),
    ("/crm/callout/callflow/owner", 200, r#"{"owner": "alice"}"#),
    ("/sms", 201, "{}"),
    ("/broken", 200, "{"),
];

/// All of them, one after the other.
fn walk(service: &str) -> Value {
    let set = |name: &str, value: &str, next: &str| json!({"type": "set", "config": {"variables": [{"name": name, "value": value}]}, "on": {"next": next}});
    json!({"entry": "set", "steps": {
        "set": set("greeting", "Hello", "tag"),
        "tag": {"type": "tag", "config": {"key": "campaign", "value": "{{greeting}}"}, "on": {"next": "split"}},
        "split": {"type": "split", "config": {"branches": [{"id": "all", "weight": 100}]}, "on": {"b:all": "list"}},
        "list": {"type": "caller_list", "config": {"listId": "vip"}, "on": {"match": "time"}},
        "time": {"type": "time", "config": {"scheduleId": "always"}, "on": {"open": "branch"}},
        "branch": {"type": "branch", "config": {"value": "{{call.fromAreaCode}}", "branches": [{"id": "sf", "values": ["415"]}]}, "on": {"b:sf": "http"}},
        "http": {"type": "http", "config": {"method": "POST", "url": format!("http://{service}/customers?phone={{{{call.from}}}}"), "saveAs": "customer",
            "headers": {"Authorization": {"secret": "crm", "prefix": "Bearer "}}, "json": {"from": "{{call.from}}"}, "signWith": "crm"}, "on": {"success": "query"}},
        "query": {"type": "query", "config": {"soql": "SELECT Id FROM Contact WHERE Phone = '{{call.from}}'", "limit": 2, "saveAs": "people"}, "on": {"found": "callout"}},
        "callout": {"type": "callout", "config": {"path": "/callflow/owner", "input": {"phone": "{{call.from}}"}, "saveAs": "owner"}, "on": {"next": "loop"}},
        "loop": {"type": "loop", "config": {"list": "{{people.ids}}", "itemName": "person"}, "on": {"body": "last", "completed": "sub"}},
        "last": {"type": "set", "config": {"variables": [{"name": "last", "value": "{{person}}"}]}},
        "sub": {"type": "subflow", "config": {"flowId": "sub", "params": {"who": "{{last}}"}, "returnVars": ["heard"]}, "on": {"return": "goto"}},
        "goto": {"type": "goto", "config": {"stepId": "sms"}},
        "sms": {"type": "sms", "config": {"body": "{{heard}} {{owner.owner}} & {{customer.json.name}}"}, "on": {"next": "wait"}},
        "wait": {"type": "wait", "config": {"seconds": 1}, "on": {"next": "say"}},
        "say": {"type": "greeting", "config": {"audio": {"kind": "file", "id": "tone"}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "config": {"outcome": "walked"}}}})
}

fn sub() -> Value {
    json!({"entry": "hear", "steps": {
        "hear": {"type": "set", "config": {"variables": [{"name": "heard", "value": "for {{who}}"}]}}}})
}

/// What goes wrong outside leads where the flow says.
fn gone(service: &str) -> Value {
    json!({"entry": "refused", "steps": {
        "refused": {"type": "http", "config": {"url": "http://169.254.169.254/latest/meta-data"}, "on": {"error": "closed"}},
        "closed": {"type": "http", "config": {"url": "http://127.0.0.1:1/"}, "on": {"error": "missing"}},
        "missing": {"type": "http", "config": {"url": format!("http://{service}/nothing"), "saveAs": "r"}, "on": {"http_error": "broken"}},
        "broken": {"type": "http", "config": {"url": format!("http://{service}/broken")}, "on": {"error": "say"}},
        "say": {"type": "greeting", "config": {"audio": {"kind": "file", "id": "tone"}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "config": {}}}})
}

/// The caller is gone long before there would be an answer.
fn hanging(service: &str) -> Value {
    json!({"settings": {"answer": "immediate"}, "entry": "ask", "steps": {
        "ask": {"type": "http", "config": {"url": format!("http://{service}/hangs"), "timeoutSec": 20}}}})
}

fn start(name: &str, service: &Service) -> Server {
    let host = service.address.to_string();
    let tone: Vec<i16> = (0..4_000).map(|n| (8_000.0 * (n as f32 * 0.3).sin()) as i16).collect();
    let mut setup = Setup::new(name).prompt("tone", &tone).flow(WALK, "walk", &walk(&host)).flow(
        GONE,
        "gone",
        &gone(&host),
    );
    setup = setup.flow("+15550922", "sub", &sub()).flow(HANGING, "hanging", &hanging(&host));
    setup.more = format!(
        "[http_client]\nallow = [\"{host}\", \"127.0.0.1:1\"]\n[secrets]\ncrm = \"topsecret\"\n\
         [sms]\nurl = \"http://{host}/sms\"\ntoken = \"smstoken\"\n[crm]\nbridge = \"http://{host}/crm/\"\n"
    );
    let file = |name: &str, text: &str| std::fs::write(setup.folder.join("p").join(name), text).unwrap();
    file("lists.toml", "[[list]]\nid = \"vip\"\nnumbers = [\"+1415*\"]\n");
    let week = "[[schedule.weekly]]\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\nopen = \"00:00\"\nclose = \"24:00\"\n";
    file("schedules.toml", &format!("[[schedule]]\nid = \"always\"\ntime_zone = \"Asia/Kolkata\"\n{week}"));
    setup.start()
}

/// A call by SIPp to a number, and its record.
fn call(server: &Server, number: &str) -> Value {
    call_by(server, number, "server_hangs_up")
}

fn call_by(server: &Server, number: &str, scenario: &str) -> Value {
    let scenario = format!("{}/tests/sipp/{scenario}.xml", env!("CARGO_MANIFEST_DIR"));
    let at = address();
    let status = Command::new("sipp")
        .args(["-sf", &scenario])
        .args(["-i", &at.to_string(), "-mi", &at.to_string(), "-p", "5060", "-nostdin", "-timeout_error"])
        .args(["-timeout", "60s", "-s", number, "-m", "1", &server.sip().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir(support::folder("steps-sipp"))
        .status()
        .expect("sipp is installed (make test installs it)");
    assert!(status.success(), "sipp says {status}\n{}", server.log());
    server.wait_records(1).remove(0)
}

fn path(record: &Value) -> Vec<String> {
    let word = |visit: &Value, key: &str| visit[key].as_str().unwrap_or("-").to_owned();
    let visits = record["path"].as_array().unwrap().iter();
    visits.map(|visit| format!("{} {}", word(visit, "step"), word(visit, "port"))).collect()
}

#[test]
fn a_real_call_walks_through_every_step_that_asks_nobody_for_keys() {
    let service = Service::start(address(), &SERVICE);
    let server = start("walk", &service);
    let record = call(&server, WALK);
    let expected = [
        "set next",
        "tag next",
        "split b:all",
        "list match",
        "time open",
        "branch b:sf",
        "http success",
        "query found",
        "callout next",
        "loop body",
        "last next",
        "loop body",
        "last next",
        "loop completed",
        "sub return",
        "hear next",
        "goto next",
        "sms next",
        "wait next",
        "say next",
        "bye -",
    ];
    assert_eq!(path(&record), expected, "{record:#}\n{}", server.log());
    assert_eq!((&record["outcomeText"], &record["tags"]["campaign"]), (&json!("walked"), &json!("Hello")));

    server.until("the message to be sent", |_| service.asked().len() == 4);
    let asked = service.asked();
    let [customer, query, callout, sms] = &asked[..] else { unreachable!() };
    assert_eq!(
        (customer.method.as_str(), customer.path.as_str()),
        ("POST", "/customers?phone=%2B14155550123")
    );
    assert_eq!(customer.headers["authorization"], "Bearer topsecret");
    assert_eq!(customer.body, r#"{"from":"+14155550123"}"#);
    assert!(customer.headers["x-cordboard-signature"].starts_with("sha256="));
    assert_eq!(query.body, r#"{"soql":"SELECT Id FROM Contact WHERE Phone = '+14155550123' LIMIT 2"}"#);
    assert_eq!(callout.body, r#"{"phone":"+14155550123"}"#);
    assert_eq!(sms.headers["authorization"], "Bearer smstoken");
    assert_eq!(sms.body, "To=%2B14155550123&From=%2B15550920&Body=for%20003B%20alice%20%26%20Ann");

    let kept = std::fs::read_to_string(server.folder.join("calls.jsonl")).unwrap();
    for text in [server.log(), kept] {
        assert!(!text.contains("topsecret") && !text.contains("smstoken"), "a secret was written down");
    }
    server.assert_clean();
}

#[test]
fn what_goes_wrong_outside_leads_where_the_flow_says() {
    let service = Service::start(address(), &SERVICE);
    let server = start("gone", &service);
    let record = call(&server, GONE);
    assert_eq!(
        path(&record),
        ["refused error", "closed error", "missing http_error", "broken error", "say next", "bye -"],
        "{record:#}\n{}",
        server.log()
    );
    assert_eq!(server.metric("cordboard_flow_lookups_total"), 4);
    assert_eq!(server.metric("cordboard_flow_lookups_failed_total"), 3);
    let asked: Vec<_> = service.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked, ["/nothing", "/broken"]);
}

#[test]
fn what_is_asked_for_a_caller_who_hangs_up_is_given_up_at_once() {
    let service = Service::start(address(), &SERVICE);
    let server = start("hanging", &service);
    let record = call_by(&server, HANGING, "basic");
    assert_eq!(record["endReason"], "caller_hung_up", "{record:#}");
    assert_eq!(service.asked().len(), 1);
    server.until("the request to be given up", |_| service.given_up() == 1);
    server.assert_clean();
}
