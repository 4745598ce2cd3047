//! What needs no server; tests/salesforce.rs has one.

use super::*;
use crate::config::crm::Grant;
use crate::services::crm::DeedKind;
use crate::store::database::outbox::CrmTask;

pub fn settings() -> Settings {
    Settings {
        login_url: "https://login.salesforce.com".to_owned(),
        client_id: "app".to_owned(),
        grant: Grant::ClientCredentials { secret: "hidden".to_owned() },
        api_version: "62.0".to_owned(),
        write_timeout: Duration::from_secs(25),
        task_id_field: None,
        task_fields: Vec::new(),
        conversation: None,
    }
}

pub fn sample_task() -> CrmTask {
    deed().task
}

pub fn deed() -> Deed {
    let at: jiff::Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
    let task = CrmTask {
        subject: "Abandoned call".to_owned(),
        comments: "Last step: Menu".to_owned(),
        node: "east".to_owned(),
        call_id: "c01".to_owned(),
        from: "+14155550100".to_owned(),
        to: "+15550100".to_owned(),
        is_abandoned: true,
        outcome: Some("abandoned_in_flow".to_owned()),
        ..CrmTask::empty(at)
    };
    Deed {
        kind: DeedKind::Task,
        task,
        owner: Some("005000000000001AAA".to_owned()),
        day: "2026-11-30".parse().unwrap(),
    }
}
