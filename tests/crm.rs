//! Calls and the CRM: real calls by baresip against the stand-in for Salesforce (tests/salesforce), and the Tasks that it
//! then holds.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::caller::Caller;
use support::phone::PhoneSetup;
use support::salesforce::{BEN, Org};
use support::service::{Asked, Service};
use support::{PATIENCE, Server, Setup, address, sound};

const NUMBER: &str = "+15550940";

/// Looks the caller up, branches on what was found, and rings the owner of the record; who is no customer gets a menu.
fn flow() -> Value {
    json!({
        "settings": {"shortAbandonSec": 0, "abandonedSubject": "Abandoned: {{call.from}}",
            "abandonedComments": "Ring {{contact.name | default: \"the caller\"}} back", "appendFinalStep": true, "assignAbandonedTo": "bob"},
        "entry": "account",
        "steps": {
            "account": {"type": "query", "name": "Account", "config": {"saveAs": "found", "limit": 1,
                "soql": "SELECT Id, Name, Account.Industry FROM Contact WHERE Id = '{{contact.id}}'"},
                "on": {"found": "tier", "not_found": "menu"}},
            "tier": {"type": "branch", "name": "Tier", "config": {"value": "{{found.0.Account.Industry}}",
                "branches": [{"id": "retail", "values": ["Retail"]}]}, "on": {"b:retail": "known", "any": "menu", "none": "menu"}},
            "known": {"type": "branch", "name": "Known", "config": {"value": "{{contact.type}}",
                "branches": [{"id": "contact", "values": ["Contact"]}]}, "on": {"b:contact": "owner", "any": "menu", "none": "menu"}},
            "owner": {"type": "dial", "name": "Owner", "config": {"target": {"kind": "record_owner"}, "ringSec": 20,
                "taskSubject": "Talked to {{contact.name}}", "taskComments": "For {{dial.talkSec}} s, {{found.0.Account.Industry}}"},
                "on": {"no_response": "menu"}},
            "menu": {"type": "menu", "name": "Menu", "config": {"prompt": {"kind": "file", "id": "menu"},
                "options": {"1": {"label": "agent"}}, "timeoutSec": 20}, "on": {"no_response": "bye"}},
            "bye": {"type": "hangup", "name": "Bye", "config": {}}
        }
    })
}

fn start(name: &str, org: &Org, agent: &str) -> Server {
    let mut setup = Setup::new(name)
        .prompt("menu", &sound::speak("For an agent, press one.", "en-us"))
        .flow(NUMBER, "main", &flow())
        .agent("bob", &format!("{agent}\"\ncrm_user = \"{}", &BEN[..15]));
    setup.store = "url = \"sqlite://x.db\"".to_owned();
    setup.more = org.config();
    setup.start()
}

/// Waits until the org has so many Tasks.
fn tasks(org: &Org, count: usize, server: &Server) -> Vec<Value> {
    let begin = Instant::now();
    loop {
        let tasks = org.records("Task");
        if tasks.len() >= count {
            return tasks;
        }
        assert!(begin.elapsed() < PATIENCE, "{} tasks\n{}", tasks.len(), server.log());
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
}

/// The fields of a Task that are not Salesforce's own doing.
fn written(task: &Value) -> Value {
    let fields = [
        "Subject",
        "Description",
        "OwnerId",
        "WhoId",
        "WhatId",
        "CallDurationInSeconds",
        "CallDisposition",
        "CallType",
        "CallObject",
        "TaskSubtype",
        "Status",
        "Priority",
        "ActivityDate",
    ];
    fields
        .into_iter()
        .map(|field| (field.to_owned(), task[field].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn a_customer_is_looked_up_reaches_the_owner_of_the_record_and_the_org_has_the_task() {
    let org = Org::start();
    let mut agent = PhoneSetup::new("bob");
    agent.answers = true;
    let agent = agent.start();
    let server = start("crm-owner", &org, &agent.uri());
    // Hal O'Brien, whose number stands in the org without a plus, and who belongs to Ben: bob here.
    let mut caller = PhoneSetup::new("+14155550102").start();
    caller.dial(&format!("sip:{NUMBER}@{}", server.sip()));
    agent.wait_for("CALL_ESTABLISHED", 1);
    caller.listen(3.0);
    caller.hang_up();
    let record = server.wait_records(1).remove(0);
    assert_eq!(
        (record["outcome"].as_str(), record["agentId"].as_str()),
        (Some("answered"), Some("bob")),
        "{record:#}"
    );
    assert_eq!(record["contact"]["name"], "Hal O'Brien");
    let task = tasks(&org, 1, &server).remove(0);
    let talked = record["talkSec"].as_u64().unwrap();
    let expected = json!({
        "Subject": "Talked to Hal O'Brien", "Description": format!("For {talked} s, Retail"), "OwnerId": BEN,
        "WhoId": "003Hs000000001BIAQ", "WhatId": null, "CallDurationInSeconds": talked, "CallDisposition": "answered",
        "CallType": "Inbound", "CallObject": record["callId"], "TaskSubtype": "Call", "Status": "Completed",
        "Priority": "Normal", "ActivityDate": record["start"].as_str().unwrap()[..10],
    });
    assert_eq!(written(&task), expected);
    let heard = agent.log();
    for line in [
        "X-Cordboard-Contact: Contact 003Hs000000001BIAQ",
        "X-Cordboard-Contact-Name: Hal O'Brien",
        &format!("Call-Info: <{}/003Hs000000001BIAQ>;purpose=info", org.url()),
    ] {
        assert!(heard.contains(line), "the agent's telephone was not told `{line}`:\n{heard}");
    }
    server.assert_clean();
}

#[test]
fn a_stranger_who_hangs_up_in_the_menu_is_a_task_of_whom_the_flow_names() {
    let org = Org::start();
    let server = start("crm-abandoned", &org, "sip:bob@127.0.0.1:5071");
    // A lead: the query finds no contact, so the flow comes to its menu.
    let mut caller = PhoneSetup::new("+14155550100").start();
    caller.dial(&format!("sip:{NUMBER}@{}", server.sip()));
    caller.wait_for("CALL_ESTABLISHED", 1);
    caller.listen(2.0);
    caller.hang_up();
    let record = server.wait_records(1).remove(0);
    assert_eq!(record["outcome"], "abandoned_in_flow", "{record:#}");
    let task = tasks(&org, 1, &server).remove(0);
    let seconds = record["finalStep"]["secondsIn"].as_u64().unwrap();
    let expected = json!({
        "Subject": "Abandoned: +14155550100",
        "Description": format!("Ring Jonas Weber back\nLast step: Menu (menu), for {seconds} s."),
        "OwnerId": BEN, "WhoId": "00QHs000000001AMAQ", "WhatId": null, "CallDurationInSeconds": 0,
        "CallDisposition": "abandoned_in_flow", "CallType": "Inbound", "CallObject": record["callId"],
        "TaskSubtype": "Call", "Status": "Not Started", "Priority": "Normal",
        "ActivityDate": record["start"].as_str().unwrap()[..10],
    });
    assert_eq!(written(&task), expected);
    server.assert_clean();
}

const ASKING: &str = "+15550941";
const PLAIN: &str = "+15550942";

/// Set-ups of calls that ask nobody: the median and the slowest.
fn set_ups(caller: &mut Caller, count: usize) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..count).map(|_| caller.call(PLAIN)).collect();
    times.sort_unstable();
    (times[count / 2], times[count - 1])
}

#[test]
fn a_salesforce_that_takes_ten_seconds_holds_callers_no_longer_than_their_step_and_other_calls_not_at_all() {
    let org = Org::start();
    let asking = json!({"settings": {"answer": "immediate"}, "entry": "ask", "steps": {
        "ask": {"type": "query", "config": {"soql": "SELECT Id FROM Contact WHERE Phone = '{{call.from}}'", "timeoutSec": 2}, "on": {"found": "say", "not_found": "say", "error": "say"}},
        "say": {"type": "greeting", "config": {"audio": {"kind": "file", "id": "menu"}}}}});
    let plain = json!({"entry": "say", "steps": {"say": {"type": "greeting", "config": {"audio": {"kind": "file", "id": "menu"}}}}});
    let mut setup = Setup::new("crm-slow")
        .prompt("menu", &sound::speak("For an agent, press one.", "en-us"))
        .flow(ASKING, "asking", &asking)
        .flow(PLAIN, "plain", &plain);
    setup.store = "url = \"sqlite://x.db\"".to_owned();
    setup.more = org.config();
    let server = setup.start();
    let mut good = Caller::new(address(), server.sip());
    let before = set_ups(&mut good, 40);
    org.control("POST", "slow", &json!({"ms": 10_000}));
    // Callers who wait for Salesforce, all the while.
    let mut waiting: Vec<(Caller, String)> = Vec::new();
    for _ in 0..30 {
        let mut caller = Caller::new(address(), server.sip());
        let invite = caller.invite(ASKING, "127.0.0.1:9".parse().unwrap());
        caller.send(&invite);
        let answer = caller.wait_for(" INVITE", &invite);
        let bye = caller.acknowledge(ASKING, &answer);
        waiting.push((caller, bye));
    }
    let during = set_ups(&mut good, 40);
    println!(
        "set-ups of other calls, median and slowest: {before:?} before, {during:?} while thirty callers wait for Salesforce"
    );
    assert!(during.1 < Duration::from_millis(500), "another call took {:?} to be set up", during.1);
    // Until each has gone on: the step gives up after its two seconds.
    std::thread::park_timeout(Duration::from_secs(4));
    for (caller, bye) in &waiting {
        caller.send(bye);
        caller.wait_for(" BYE", bye);
    }
    let records = server.wait_records(110);
    let asked: Vec<&Value> = records.iter().filter(|record| record["flowId"] == "asking").collect();
    assert_eq!(asked.len(), 30);
    for record in asked {
        let visits = record["path"].as_array().unwrap();
        let moment = |visit: &Value| visit["enteredAt"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert_eq!((visits[0]["step"].as_str(), visits[0]["port"].as_str()), (Some("ask"), Some("error")));
        let waited = moment(&visits[1]).duration_since(moment(&visits[0]));
        assert!(waited.as_millis() < 3_000, "a caller waited {waited} for a step of two seconds");
    }
    assert!(server.metric("cordboard_crm_requests_total{result=\"failed\"}") > 0);
    server.assert_clean();
}

#[test]
fn a_web_service_of_ones_own_gets_tasks_and_every_record_signed() {
    let service = Service::start(
        address(),
        &[("/crm/tasks", 201, r#"{"id": "T1", "url": "https://crm.example/T1"}"#), ("/records", 200, "{}")],
    );
    let host = service.address.to_string();
    let plain = json!({"settings": {"shortAbandonSec": 0, "abandonedSubject": "Lost {{call.from}}"}, "entry": "say", "steps": {"say": {"type": "greeting", "config": {"audio": {"kind": "file", "id": "menu"}}}}});
    let mut setup = Setup::new("crm-bridge")
        .prompt("menu", &sound::speak("Hello.", "en-us"))
        .flow(PLAIN, "plain", &plain);
    setup.store = "url = \"sqlite://x.db\"".to_owned();
    setup.more = format!(
        "[crm]\nbridge = \"http://{host}/crm\"\nsecret = \"one\"\n[webhook]\nurl = \"http://{host}/records\"\nsecret = \"two\"\n"
    );
    let server = setup.start();
    let mut caller = Caller::new(address(), server.sip());
    caller.call(PLAIN);
    let record = server.wait_records(1).remove(0);
    server
        .until("both are sent", |server| server.metric("cordboard_outbox_rows_total{result=\"sent\"}") == 2);
    let asked = service.asked();
    let to = |path: &str| asked.iter().filter(|asked| asked.path == path).collect::<Vec<_>>();
    let ([task], [sent]) = (&to("/crm/tasks")[..], &to("/records")[..]) else { panic!("{asked:?}") };
    let body = |asked: &Asked| serde_json::from_str::<Value>(&asked.body).unwrap();
    assert_eq!(body(task)["subject"], "Lost +14155550123");
    assert_eq!((&body(task)["callId"], &body(sent)["callId"]), (&record["callId"], &record["callId"]));
    assert_eq!(task.headers["x-cordboard-signature"], signature("one", &task.body));
    assert_eq!(sent.headers["x-cordboard-signature"], signature("two", &sent.body));
    assert_eq!(task.headers["idempotency-key"], record["callId"].as_str().unwrap());
    assert!(sent.headers["idempotency-key"].ends_with(record["callId"].as_str().unwrap()));
    server.assert_clean();
}

/// As whoever gets it would check it.
fn signature(secret: &str, body: &str) -> String {
    let output = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret, "-r"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), body.as_bytes())?;
            child.wait_with_output()
        })
        .expect("openssl is installed");
    format!("sha256={}", String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap())
}
