//! Calls and the CRM: real calls by baresip against the stand-in for Salesforce (tests/salesforce), and the Tasks that it
//! then holds.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: sockets, files, deadlines")]

mod support;

use serde_json::{Value, json};
use std::time::Instant;
use support::phone::PhoneSetup;
use support::salesforce::{BEN, Org};
use support::{PATIENCE, Server, Setup, sound};

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
