//! Salesforce over its REST API.

mod answer;
mod check;
mod fields;
mod jwt;
mod person;
mod sign_in;
mod write;

pub use answer::records;

use super::{Crm, Deed, Done, Health, NotDone, Pending, Severity, failed};
use crate::clock::SystemClock;
use crate::config::crm::Salesforce as Settings;
use crate::flow::{
    Callout, HTTP_BYTES_MAX, HeaderValue, HttpRequest, LookupError, Match, Method, Person, Query, reply_json,
    url_escaped,
};
use crate::services::check::CheckSteps;
use crate::services::web::{Answer, WebClient};
use answer::Refusal;
use serde_json::{Map, Value};
use sign_in::{SignIn, Token};
use std::time::Duration;

/// An answer to what we ask ourselves: the description of Task has some hundred KB.
const ANSWER_BYTES_MAX: u32 = 4 * 1_024 * 1_024;
/// How Salesforce tells how much of the day's allowance is used.
const LIMIT_HEADER: &str = "sforce-limit-info";

/// The connection.
pub struct Salesforce {
    settings: Settings,
    sign_in: SignIn,
    /// For what callers wait for.
    asking: WebClient,
    /// For what is written, which nobody waits for.
    writing: WebClient,
    health: Health,
}

/// A request, without who makes it.
struct Ask<'a> {
    method: Method,
    /// From the instance's root.
    path: &'a str,
    body: Option<String>,
    timeout: Duration,
    bytes_max: u32,
}

impl<'a> Ask<'a> {
    fn get(path: &'a str, timeout: Duration) -> Self {
        Ask { method: Method::Get, path, body: None, timeout, bytes_max: ANSWER_BYTES_MAX }
    }

    fn post(path: &'a str, body: &Value, timeout: Duration) -> Self {
        Ask { method: Method::Post, path, body: Some(body.to_string()), timeout, bytes_max: ANSWER_BYTES_MAX }
    }
}

impl Salesforce {
    pub fn new(
        settings: Settings,
        [asking, writing, signing_in]: [WebClient; 3],
        clock: SystemClock,
    ) -> Self {
        let sign_in = SignIn::new(&settings, signing_in, clock);
        Salesforce { settings, sign_in, asking, writing, health: Health::new(clock) }
    }

    /// The path of a resource of the API.
    fn data(&self, resource: &str) -> String {
        format!("/services/data/v{}/{resource}", self.settings.api_version)
    }

    /// Sends a request with a token. One that Salesforce does not know any more is fetched anew, once: then the request
    /// was not carried out, and is sent again.
    async fn send(&self, via: &WebClient, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        let deadline = tokio::time::Instant::now() + ask.timeout;
        let result = self.send_within(via, ask, deadline).await;
        match &result {
            Ok(_) => self.health.worked(),
            // What is wrong with one request says nothing about the connection.
            Err(refusal) if refusal.severity() == Severity::Lasting => self.health.worked(),
            Err(refusal) => self.health.failed(&refusal.to_string()),
        }
        result
    }

    async fn send_within(
        &self,
        via: &WebClient,
        ask: &Ask<'_>,
        deadline: tokio::time::Instant,
    ) -> Result<Answer, Refusal> {
        let late = || Refusal::late(ask.timeout);
        let token = tokio::time::timeout_at(deadline, self.sign_in.token()).await.map_err(|_| late())??;
        self.health.is_at(&token.instance);
        let result = self.send_checked(via, ask, &token, deadline).await;
        // A class of Apex may answer 401 for reasons of its own, when it has done its work.
        let is_unknown = |refusal: &Refusal| refusal.status == 401 && refusal.code == "INVALID_SESSION_ID";
        if !result.as_ref().is_err_and(is_unknown) {
            return result;
        }
        self.sign_in.forget(&token);
        let token = tokio::time::timeout_at(deadline, self.sign_in.token()).await.map_err(|_| late())??;
        self.send_checked(via, ask, &token, deadline).await
    }

    async fn send_checked(
        &self,
        via: &WebClient,
        ask: &Ask<'_>,
        token: &Token,
        deadline: tokio::time::Instant,
    ) -> Result<Answer, Refusal> {
        let answer = self.send_once(via, ask, token, deadline).await?;
        answer::checked(answer).map_err(|refusal| refusal.without(&token.access))
    }

    async fn send_once(
        &self,
        via: &WebClient,
        ask: &Ask<'_>,
        token: &Token,
        deadline: tokio::time::Instant,
    ) -> Result<Answer, Refusal> {
        let request = HttpRequest {
            method: ask.method,
            url: format!("{}{}", token.instance, ask.path),
            headers: vec![(
                "Authorization".to_owned(),
                HeaderValue::Text(format!("Bearer {}", token.access)),
            )],
            body: ask.body.clone().map(|body| ("application/json", body)),
            timeout: deadline - tokio::time::Instant::now(),
            retries: 0,
            bytes_max: ask.bytes_max,
            sign_with: None,
        };
        let answer = via.send(&request).await.map_err(Refusal::unanswered)?;
        if let Some((used, all)) = answer.header(LIMIT_HEADER).and_then(answer::allowance) {
            self.health.used(used, all);
        }
        Ok(answer)
    }

    /// Runs a SELECT of our own or of a flow.
    async fn select(
        &self,
        via: &WebClient,
        soql: &str,
        timeout: Duration,
    ) -> Result<Vec<Map<String, Value>>, Refusal> {
        let path = format!("{}?q={}", self.data("query"), url_escaped(soql));
        let mut ask = Ask::get(&path, timeout);
        ask.bytes_max = HTTP_BYTES_MAX;
        let answer = self.send(via, &ask).await?;
        let reply = answer::json(&answer)?;
        records(reply).ok_or_else(|| Refusal::unreadable("an answer without records"))
    }
}

impl From<Refusal> for LookupError {
    fn from(refusal: Refusal) -> Self {
        refusal.error.unwrap_or_else(|| failed(format!("Salesforce: {}", refusal.words)))
    }
}

impl Crm for Salesforce {
    fn callout<'a>(&'a self, callout: &'a Callout) -> Pending<'a, Result<Map<String, Value>, LookupError>> {
        Box::pin(async move {
            let input: Map<String, Value> =
                callout.input.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            let path = format!("/services/apexrest/{}", callout.path.trim_start_matches('/'));
            let mut ask = Ask::post(&path, &input.into(), callout.timeout);
            ask.bytes_max = super::bridge::CALLOUT_BYTES_MAX;
            let answer = self.send(&self.asking, &ask).await?;
            match reply_json::read(&answer.body) {
                Ok(Value::Object(reply)) => Ok(reply),
                Ok(_) => Err(failed("Salesforce answered the callout with something that is no object.")),
                Err(error) => Err(failed(format!("The answer of Salesforce to the callout {error}."))),
            }
        })
    }

    fn query<'a>(&'a self, query: &'a Query) -> Pending<'a, Result<Vec<Map<String, Value>>, LookupError>> {
        Box::pin(async move { Ok(self.select(&self.asking, &query.soql, query.timeout).await?) })
    }

    fn try_query<'a>(
        &'a self,
        query: &'a Query,
    ) -> Pending<'a, Result<Vec<Map<String, Value>>, LookupError>> {
        Box::pin(async move { Ok(self.select(&self.writing, &query.soql, query.timeout).await?) })
    }

    fn person<'a>(&'a self, asked: &'a Match) -> Pending<'a, Result<Option<Person>, LookupError>> {
        Box::pin(async move { Ok(self.find(&self.asking, &asked.number, asked.timeout).await?) })
    }

    fn try_person<'a>(&'a self, asked: &'a Match) -> Pending<'a, Result<Option<Person>, LookupError>> {
        Box::pin(async move { Ok(self.find(&self.writing, &asked.number, asked.timeout).await?) })
    }

    fn write<'a>(&'a self, deeds: &'a [Deed]) -> Pending<'a, Vec<Result<Done, NotDone>>> {
        Box::pin(self.write_all(deeds))
    }

    fn check(&self, steps: CheckSteps) -> Pending<'_, ()> {
        Box::pin(self.check_all(steps))
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn preview(&self, deed: &Deed) -> Map<String, Value> {
        fields::of(deed, &self.settings, deed.task.contact.as_ref())
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::sample_task;
