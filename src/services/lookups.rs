//! Answers what flows ask: web services, text messages, the CRM.

use super::crm::Crm;
use super::web::{Answer, FAILURES_MAX, Limits, WebClient};
use crate::clock::SystemClock;
use crate::config::{Outside, SmsProvider};
use crate::flow::{HeaderValue, HttpRequest, LookupError, Method, Question, Reply, TextMessage, url_escaped};
use std::sync::Arc;
use std::time::Duration;

/// The provider of text messages answers within this time, or the message counts as not sent.
const SMS_TIMEOUT: Duration = Duration::from_secs(8);

/// All that flows may ask.
pub struct Lookups {
    /// For what flows ask by themselves.
    flows: WebClient,
    sms: Option<(WebClient, SmsProvider)>,
    crm: Option<Arc<dyn Crm>>,
}

/// Ten requests a second to one host, fifty at once: a flow in a circle shall not flood a service.
const LIMITS: Limits = Limits { per_second: 10, burst: 50, under_way: 32, failures: FAILURES_MAX };

impl Lookups {
    /// From the configuration.
    pub fn new(
        outside: &Outside,
        crm: Option<Arc<dyn Crm>>,
        clock: SystemClock,
    ) -> Result<Self, reqwest::Error> {
        let flows = WebClient::new(outside.allowed_hosts.clone(), outside.secrets.clone(), clock, LIMITS)?;
        let sms = outside.sms.clone().map(|provider| {
            let token = provider.token.as_deref().map(|token| (SMS_TOKEN, token));
            Ok((WebClient::for_own(&provider.url, token, clock, LIMITS)?, provider))
        });
        Ok(Lookups { flows, sms: sms.transpose()?, crm })
    }

    /// The answer, read to its end: nothing is left to parse for who waits for it.
    pub async fn answer(&self, question: &Question) -> Result<Reply, LookupError> {
        let not_connected =
            || LookupError { code: "crm_not_connected", message: "No CRM is connected.".to_owned() };
        match question {
            Question::Http(request) => {
                let Answer { status, body, is_json, .. } = self.flows.send(request).await?;
                Reply::http(status, body, is_json)
            }
            Question::Sms(message) => self.send_message(message).await,
            Question::Callout(callout) => {
                self.crm.as_ref().ok_or_else(not_connected)?.callout(callout).await.map(Reply::Callout)
            }
            Question::Query(query) => {
                self.crm.as_ref().ok_or_else(not_connected)?.query(query).await.map(Reply::Query)
            }
            Question::Match(asked) => match &self.crm {
                Some(crm) => crm.person(asked).await.map(Reply::Match),
                None => Ok(Reply::Match(None)),
            },
        }
    }

    async fn send_message(&self, message: &TextMessage) -> Result<Reply, LookupError> {
        let Some((web, provider)) = &self.sms else {
            let message = "No provider of text messages is configured ([sms] url).".to_owned();
            return Err(LookupError { code: "sms_not_configured", message });
        };
        let field = |(name, value): (&str, &str)| format!("{name}={}", url_escaped(value));
        let fields = [("To", message.to.as_str()), ("From", &message.from), ("Body", &message.body)];
        let token = provider.token.as_ref().map(|_| {
            let value = HeaderValue::Secret { prefix: "Bearer ".to_owned(), name: SMS_TOKEN.to_owned() };
            ("Authorization".to_owned(), value)
        });
        let request = HttpRequest {
            method: Method::Post,
            url: provider.url.clone(),
            headers: token.into_iter().collect(),
            body: Some(("application/x-www-form-urlencoded", fields.map(field).join("&"))),
            timeout: SMS_TIMEOUT,
            // Only where no connection came about: a message that was taken is not sent twice.
            retries: 1,
            // Its status says whether the message was taken.
            bytes_max: 0,
            sign_with: None,
        };
        match web.send(&request).await? {
            Answer { status: 200..300, .. } => Ok(Reply::Sms),
            Answer { status, .. } => Err(LookupError {
                code: "sms_refused",
                message: format!("The provider of text messages answered {status}."),
            }),
        }
    }
}

/// No name that a configuration can have.
const SMS_TOKEN: &str = "[sms] token";

#[cfg(test)]
mod tests;
