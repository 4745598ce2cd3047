//! From a call to the fields of its Task and of its Conversation. flows.md 2.9.

use super::super::{Deed, DeedKind};
use crate::config::crm::{FACTS, Salesforce as Settings};
use crate::flow::{COMMENTS_CHARS_MAX, Person, SUBJECT_CHARS_MAX};
use crate::store::database::outbox::CrmTask;
use serde_json::{Map, Value, json};

/// A conversation that lasted longer than this was one. flows.md 2.9.
const CONNECTED_S: u64 = 90;

/// The fields, by their API names.
pub fn of(deed: &Deed, settings: &Settings, contact: Option<&Person>) -> Map<String, Value> {
    match deed.kind {
        DeedKind::Task => task(deed, settings, contact),
        DeedKind::Conversation => conversation(deed, settings, contact),
    }
}

fn task(deed: &Deed, settings: &Settings, contact: Option<&Person>) -> Map<String, Value> {
    let call = &deed.task;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| _ = fields.insert(name.to_owned(), value);
    put("Subject", cut(&call.subject, SUBJECT_CHARS_MAX).into());
    put("Description", cut(&call.comments, COMMENTS_CHARS_MAX).into());
    if let Some(owner) = &deed.owner {
        put("OwnerId", owner.as_str().into());
    }
    if let Some(person) = contact {
        put("WhoId", person.id.as_str().into());
    }
    put("CallDurationInSeconds", call.talk_sec.into());
    put("CallDisposition", cut(&disposition(call), SUBJECT_CHARS_MAX).into());
    put("CallType", "Inbound".into());
    put("CallObject", call.call_id.as_str().into());
    put("TaskSubtype", "Call".into());
    put("Status", if call.is_abandoned { "Not Started" } else { "Completed" }.into());
    put("Priority", "Normal".into());
    put("ActivityDate", deed.day.to_string().into());
    if let Some(field) = &settings.task_id_field {
        put(field, call.call_id.as_str().into());
    }
    for (field, name) in &settings.task_fields {
        put(field, value(name, call, contact));
    }
    fields
}

fn conversation(deed: &Deed, settings: &Settings, contact: Option<&Person>) -> Map<String, Value> {
    let Some(object) = &settings.conversation else { return Map::new() };
    let mut fields: Map<String, Value> =
        object.fields.iter().map(|(field, name)| (field.clone(), value(name, &deed.task, contact))).collect();
    fields.insert(object.id_field.clone(), deed.task.call_id.as_str().into());
    fields
}

/// What the flow or the agent called it, else the outcome.
fn disposition(call: &CrmTask) -> String {
    call.outcome_text.clone().or_else(|| call.outcome.clone()).unwrap_or_default()
}

/// What a field gets: one of [`FACTS`], or `text:` and a text.
fn value(name: &str, call: &CrmTask, contact: Option<&Person>) -> Value {
    let person =
        |kind: &str| contact.filter(|person| person.kind == kind).map(|person| person.id.as_str()).into();
    let outcome = call.outcome.as_deref().unwrap_or_default();
    match name {
        "abandoned" => call.is_abandoned.into(),
        "agent" => call.agent_id.as_deref().into(),
        "call_flow" => call.flow_id.as_deref().into(),
        "call_id" => call.call_id.as_str().into(),
        "connected" => {
            (call.talk_sec > CONNECTED_S || disposition(call).to_lowercase().contains("connected")).into()
        }
        "contact_id" => person("Contact"),
        "direction" => "Inbound".into(),
        "disposition" => disposition(call).into(),
        "duration_minutes" => json!((call.talk_sec as f64 / 6.0).round() / 10.0),
        "duration_seconds" => call.talk_sec.into(),
        "end_time" => call.end.to_string().into(),
        "ended_by_agent" => (call.ended_by.as_deref() == Some("agent")).into(),
        "final_step" => call.final_step.as_ref().map(|step| step.name.as_str()).into(),
        "from_number" => call.from.as_str().into(),
        "lead_id" => person("Lead"),
        "node" => call.node.as_str().into(),
        "number_label" => call.number.as_deref().into(),
        "outcome" => outcome.into(),
        // No call of this version waits in a queue.
        "queue" => Value::Null,
        "queue_hold_seconds" | "total_queue_hold_seconds" | "wrap_up_seconds" => 0.into(),
        "start_time" => call.start.to_string().into(),
        // The reference product's picklist. flows.md 2.8.
        "status" => match outcome {
            "answered" => "Connected",
            "error" | "loop_guard" => "Failed",
            "abandoned_ringing" => "No answer",
            _ => "Missed",
        }
        .into(),
        "to_number" => call.to.as_str().into(),
        "voicemail" => (outcome == "voicemail_left").into(),
        other => {
            debug_assert!(!FACTS.contains(&other), "{other} is allowed and has no value");
            other.strip_prefix("text:").into()
        }
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{deed, settings};
    use super::*;

    #[test]
    fn a_task_has_the_fields_of_a_call() {
        let person = Person { id: "003A".into(), kind: "Contact".into(), ..Person::default() };
        let fields = of(&deed(), &settings(), Some(&person));
        assert_eq!(
            Value::Object(fields),
            json!({
                "Subject": "Abandoned call", "Description": "Last step: Menu", "OwnerId": "005000000000001AAA", "WhoId": "003A",
                "CallDurationInSeconds": 0, "CallDisposition": "abandoned_in_flow", "CallType": "Inbound",
                "CallObject": "c01", "TaskSubtype": "Call", "Status": "Not Started", "Priority": "Normal",
                "ActivityDate": "2026-11-30",
            })
        );
    }

    #[test]
    fn every_fact_of_the_configuration_has_a_value() {
        for fact in FACTS {
            value(fact, &deed().task, None);
        }
        assert_eq!(value("text:Phone", &deed().task, None), "Phone");
    }
}
