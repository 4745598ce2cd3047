//! A web service that stands for the CRM: for those which no other file here speaks to, and for one's own programs.
//! `POST URL/callout/PATH` with the input as JSON; `POST URL/query` with `{"soql": …}`, answered by `{"records": […]}`;
//! `POST URL/match` with `{"number": …, "spellings": […]}`, answered by `{"person": {…}}` or null; `POST URL/tasks` with one
//! task, which carries `Idempotency-Key: CALL_ID` and is answered by any 2xx. Each is signed where there is a secret.

use super::spelling::spellings;
use super::{Crm, Deed, DeedKind, Done, Health, NotDone, Pending, Severity, failed, one_by_one};
use crate::clock::SystemClock;
use crate::config::crm::Bridge as Settings;
use crate::flow::{
    Callout, HTTP_BYTES_MAX, HeaderValue, HttpRequest, LookupError, Match, Method, Person, Query, reply_json,
};
use crate::services::check::{CheckStep, CheckSteps};
use crate::services::web::{Answer, WebClient};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Largest reply to a callout, in bytes. flows.md 1.3.
pub(super) const CALLOUT_BYTES_MAX: u32 = 65_536;
/// No name that a configuration can have.
pub(super) const SECRET: &str = "[crm] secret";
/// No task is begun later than this after the first of a batch: the others are sent with the next.
const BEGIN_WITHIN: Duration = Duration::from_secs(50);
/// A task that is not taken within it is tried again later.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// The web service.
pub struct Bridge {
    url: String,
    is_signed: bool,
    web: WebClient,
    health: Health,
}

impl Bridge {
    pub fn new(settings: &Settings, web: WebClient, clock: SystemClock) -> Self {
        let url = settings.url.trim_end_matches('/').to_owned();
        let health = Health::new(clock);
        health.is_at(&url);
        Bridge { url, is_signed: settings.secret.is_some(), web, health }
    }

    async fn send(
        &self,
        path: &str,
        body: &Value,
        headers: Vec<(String, HeaderValue)>,
        timeout: Duration,
        bytes_max: u32,
    ) -> Result<Answer, LookupError> {
        let request = HttpRequest {
            method: Method::Post,
            url: format!("{}/{path}", self.url),
            headers,
            body: Some(("application/json", body.to_string())),
            timeout,
            retries: 0,
            bytes_max,
            sign_with: self.is_signed.then(|| SECRET.to_owned()),
        };
        let answer = self.web.send(&request).await;
        match &answer {
            Ok(Answer { status: 200..300, .. }) => self.health.worked(),
            Ok(Answer { status, .. }) => self.health.failed(&format!("It answered {status} to {path}.")),
            Err(error) => self.health.failed(&error.message),
        }
        answer
    }

    async fn post(
        &self,
        path: &str,
        body: Value,
        timeout: Duration,
        bytes_max: u32,
    ) -> Result<Value, LookupError> {
        match self.send(path, &body, Vec::new(), timeout, bytes_max).await? {
            Answer { status: 200..300, body, .. } => {
                reply_json::read(&body).map_err(|error| failed(format!("The answer of the CRM {error}.")))
            }
            Answer { status, .. } => Err(failed(format!("The CRM answered {status}."))),
        }
    }

    async fn answers(&self) -> CheckStep {
        let name = "Ask who has a number";
        let body = json!({"number": "", "spellings": []});
        match self.send("match", &body, Vec::new(), CHECK_TIMEOUT, CALLOUT_BYTES_MAX).await {
            Ok(Answer { status: 200..300, .. }) => CheckStep::passed(name, format!("{} answers.", self.url)),
            Ok(Answer { status, .. }) => CheckStep::failed(
                name,
                format!("{}/match answered {status}.", self.url),
                "Answer POST /match with {\"person\": null} where nobody has the number (docs/salesforce.md).",
            ),
            Err(error) => CheckStep::failed(
                name,
                error.message,
                "Look whether [crm] bridge is the right address, and whether the service runs.",
            ),
        }
    }

    async fn write_one(&self, deed: &Deed) -> Result<Done, NotDone> {
        if deed.kind != DeedKind::Task {
            return Err(NotDone::new("The web service keeps tasks alone.", Severity::Lasting));
        }
        let key = ("Idempotency-Key".to_owned(), HeaderValue::Text(deed.task.call_id.clone()));
        let body = Value::Object(self.preview(deed));
        match self.send("tasks", &body, vec![key], WRITE_TIMEOUT, CALLOUT_BYTES_MAX).await {
            Ok(Answer { status: 200..300, body, .. }) => {
                let reply = reply_json::read(&body).unwrap_or_default();
                let text = |key: &str| reply.get(key).and_then(Value::as_str).map(str::to_owned);
                Ok(Done { id: text("id").unwrap_or_else(|| deed.task.call_id.clone()), url: text("url") })
            }
            Ok(Answer { status, body, .. }) => {
                let words: String = body.chars().filter(|c| !c.is_control()).take(200).collect();
                let severity =
                    if matches!(status, 400 | 409 | 410 | 422) { Severity::Lasting } else { Severity::Away };
                Err(NotDone::new(format!("The CRM answered {status}: {words}"), severity))
            }
            Err(error) => Err(NotDone::new(error.message, Severity::Away)),
        }
    }
}

impl Crm for Bridge {
    fn callout<'a>(&'a self, callout: &'a Callout) -> Pending<'a, Result<Map<String, Value>, LookupError>> {
        Box::pin(async move {
            let input: Map<String, Value> = callout
                .input
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect();
            let path = format!("callout/{}", callout.path.trim_start_matches('/'));
            match self.post(&path, input.into(), callout.timeout, CALLOUT_BYTES_MAX).await? {
                Value::Object(reply) => Ok(reply),
                _ => Err(failed("The CRM answered with something that is no object.")),
            }
        })
    }

    fn query<'a>(&'a self, query: &'a Query) -> Pending<'a, Result<Vec<Map<String, Value>>, LookupError>> {
        Box::pin(async move {
            let reply =
                self.post("query", json!({"soql": query.soql}), query.timeout, HTTP_BYTES_MAX).await?;
            super::salesforce::records(reply).ok_or_else(|| failed("The CRM answered without records."))
        })
    }

    fn person<'a>(&'a self, asked: &'a Match) -> Pending<'a, Result<Option<Person>, LookupError>> {
        Box::pin(async move {
            let body = json!({"number": asked.number, "spellings": spellings(&asked.number)});
            let mut reply = self.post("match", body, asked.timeout, CALLOUT_BYTES_MAX).await?;
            let person = reply.get_mut("person").map(Value::take).unwrap_or_default();
            serde_json::from_value(person)
                .map_err(|error| failed(format!("The CRM answered with no person: {error}.")))
        })
    }

    fn write<'a>(&'a self, deeds: &'a [Deed]) -> Pending<'a, Vec<Result<Done, NotDone>>> {
        Box::pin(one_by_one(deeds, BEGIN_WITHIN, |deed| self.write_one(deed)))
    }

    fn check(&self, steps: CheckSteps) -> Pending<'_, ()> {
        Box::pin(async move { steps.tell(self.answers().await).await })
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn preview(&self, deed: &Deed) -> Map<String, Value> {
        let mut fields = match serde_json::to_value(&deed.task) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        fields.insert("kind".to_owned(), "call_task".into());
        fields.insert("owner".to_owned(), deed.owner.clone().into());
        fields
    }
}
