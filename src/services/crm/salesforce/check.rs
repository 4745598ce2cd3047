//! Trying the connection as an administrator would: step by step, with what to do about each that fails.

use super::super::Severity;
use super::answer::{Refusal, json};
use super::{Ask, Salesforce};
use crate::config::crm::{Grant, TASK_FIELDS};
use crate::services::check::{CheckStep, CheckSteps};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(15);
/// What is known of the fields of an object: whether each may be written, and whether it is an external id.
type Fields = BTreeMap<String, (bool, bool)>;

impl Salesforce {
    pub(super) async fn check_all(&self, steps: CheckSteps) {
        let signed_in = self.signs_in().await;
        let is_passed = signed_in.is_passed;
        steps.tell(signed_in).await;
        if !is_passed {
            return;
        }
        steps.tell(self.has_requests_left().await).await;
        steps.tell(self.finds_people().await).await;
        steps.tell(self.writes_tasks().await).await;
        if let Some(conversation) = &self.settings.conversation {
            let fields = conversation.fields.iter().map(|(field, _)| field.as_str());
            let external = conversation.id_is_external.then_some(conversation.id_field.as_str());
            let fields = fields.chain([conversation.id_field.as_str()]).collect();
            steps
                .tell(self.writes("Write conversations", &conversation.object, fields, external).await)
                .await;
        }
    }

    async fn signs_in(&self) -> CheckStep {
        let name = "Sign in";
        // A token that is kept would hide a secret that was changed, and a refusal that is kept one that was mended.
        self.sign_in.forget_all();
        let ask = Ask::get("/services/oauth2/userinfo", TIMEOUT);
        let answer = match self.send(&self.writing, &ask).await {
            Ok(answer) => answer,
            Err(refusal) => {
                return CheckStep::failed(name, refusal.to_string(), self.sign_in_remedy(&refusal));
            }
        };
        let reply = json(&answer).unwrap_or_default();
        let user =
            reply.get("preferred_username").and_then(Value::as_str).unwrap_or("the app's user").to_owned();
        let instance = self.health.shown().instance.unwrap_or_default();
        CheckStep::passed(name, format!("Signed in as {user} at {instance}."))
    }

    fn sign_in_remedy(&self, refusal: &Refusal) -> String {
        let words = &refusal.words;
        let text = if refusal.error.is_some() {
            "Look whether this server reaches the address of [salesforce] login_url."
        } else if words.contains("invalid_client") {
            "Look whether client_id is the connected app's Consumer Key and, with client_secret, whether that is its Consumer Secret."
        } else if words.contains("approved") {
            "In Salesforce: Manage Connected Apps, Edit Policies, Permitted Users: Admin approved users are pre-authorized; then give the user's profile or permission set the app."
        } else if matches!(self.settings.grant, Grant::JwtBearer { .. }) {
            "Look whether the certificate of private_key is the one that the connected app has, whether username is that user's, and whether this server's clock is right."
        } else {
            "Enable the Client Credentials Flow in the connected app, and choose its Run As user."
        };
        text.to_owned()
    }

    async fn has_requests_left(&self) -> CheckStep {
        let name = "Requests of the day";
        let path = self.data("limits");
        match self.send(&self.writing, &Ask::get(&path, TIMEOUT)).await {
            Err(refusal) => CheckStep::failed(name, refusal.to_string(), remedy(&refusal)),
            Ok(answer) => {
                let reply = json(&answer).unwrap_or_default();
                let number = |key: &str| {
                    reply
                        .get("DailyApiRequests")
                        .and_then(|requests| requests.get(key))
                        .and_then(Value::as_u64)
                };
                match (number("Remaining"), number("Max")) {
                    (Some(remaining), Some(max)) if remaining * 20 <= max => CheckStep::failed(
                        name,
                        format!("{remaining} of {max} requests are left today."),
                        "What is left is kept for callers; tasks are written tomorrow. Look in Setup, Company Information, which app uses them up.",
                    ),
                    (Some(remaining), Some(max)) => {
                        CheckStep::passed(name, format!("{remaining} of {max} are left."))
                    }
                    _ => CheckStep::passed(name, "The org does not say."),
                }
            }
        }
    }

    async fn finds_people(&self) -> CheckStep {
        let name = "Find a caller";
        match self.find(&self.writing, "+15550100", TIMEOUT).await {
            Ok(_) => {
                CheckStep::passed(name, "Contacts and leads can be searched by their telephone numbers.")
            }
            Err(refusal) => CheckStep::failed(name, refusal.to_string(), remedy(&refusal)),
        }
    }

    async fn writes_tasks(&self) -> CheckStep {
        let own = self.settings.task_fields.iter().map(|(field, _)| field.as_str());
        let external = self.settings.task_id_field.as_deref();
        let fields = TASK_FIELDS.into_iter().chain(own).chain(external).collect();
        self.writes("Write tasks", "Task", fields, external).await
    }

    /// Whether an object has those fields, the user may write them, and that one is an external id.
    async fn writes(&self, name: &str, object: &str, wanted: Vec<&str>, external: Option<&str>) -> CheckStep {
        let path = self.data(&format!("sobjects/{object}/describe"));
        let described = match self.send(&self.writing, &Ask::get(&path, TIMEOUT)).await {
            Ok(answer) => json(&answer).unwrap_or_default(),
            Err(refusal) => return CheckStep::failed(name, refusal.to_string(), remedy(&refusal)),
        };
        if described.get("createable").and_then(Value::as_bool) == Some(false) {
            let (text, remedy) = may_not_create(object);
            return CheckStep::failed(name, text, remedy);
        }
        let fields = fields_of(&described);
        let missing: Vec<&str> =
            wanted.iter().filter(|field| !fields.contains_key(**field)).copied().collect();
        if !missing.is_empty() {
            return CheckStep::failed(
                name,
                format!("{object} has no field {} that the user can see.", missing.join(", ")),
                "Make the field, or give the user access to it (Field-Level Security), or take it out of the mapping.",
            );
        }
        let is_closed = |field: &&&str| fields.get(**field).is_some_and(|(writable, _)| !writable);
        let closed: Vec<&str> = wanted.iter().filter(is_closed).copied().collect();
        if !closed.is_empty() {
            return CheckStep::failed(
                name,
                format!("The user may not write {} of {object}.", closed.join(", ")),
                "Give the user Edit access to them (Field-Level Security).",
            );
        }
        if let Some(field) =
            external.filter(|field| fields.get(*field).is_some_and(|(_, is_external)| !is_external))
        {
            return CheckStep::failed(
                name,
                format!("{field} of {object} is no external id."),
                "Mark the field as External ID and as unique; or take it out of the configuration: then a call's record is looked for before one is made.",
            );
        }
        let how = match external {
            Some(field) => format!("upserts by {field}"),
            None => "looks for the call's id before it writes".to_owned(),
        };
        CheckStep::passed(name, format!("{} fields of {object} can be written; {how}.", wanted.len()))
    }
}

fn may_not_create(object: &str) -> (String, &'static str) {
    let remedy = match object {
        "Task" => "Give the user the system permission Edit Tasks.",
        _ => "Give the user Create on the object (Object Settings of the permission set).",
    };
    (format!("The user may not make records of {object}."), remedy)
}

fn fields_of(described: &Value) -> Fields {
    let list = described.get("fields").and_then(Value::as_array).into_iter().flatten();
    let flag = |field: &Value, key: &str| field.get(key).and_then(Value::as_bool).unwrap_or(false);
    list.filter_map(|field| {
        let name = field.get("name")?.as_str()?.to_owned();
        Some((name, (flag(field, "createable"), flag(field, "externalId"))))
    })
    .collect()
}

fn remedy(refusal: &Refusal) -> &'static str {
    match (refusal.code.as_str(), refusal.severity()) {
        ("API_CURRENTLY_DISABLED" | "API_DISABLED_FOR_ORG", _) => "Give the user the permission API Enabled.",
        ("REQUEST_LIMIT_EXCEEDED", _) => {
            "The day's requests are used up; look in Setup, Company Information."
        }
        ("INVALID_TYPE" | "NOT_FOUND", _) => "The object does not exist, or the user may not see it.",
        ("INVALID_FIELD", _) => "Give the user access to that field (Field-Level Security).",
        (_, Severity::Lasting) => "Look which permission of the user is missing.",
        _ => "Try again; Salesforce says at status.salesforce.com how it is.",
    }
}
