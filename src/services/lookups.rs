//! Answers what flows ask: web services, text messages, the CRM.

use super::crm::Crm;
use super::web::WebClient;
use crate::clock::SystemClock;
use crate::config::{Outside, SmsProvider};
use crate::flow::HeaderValue;
use crate::flow::{HttpRequest, LookupError, Method, Question, Reply, TextMessage};
use std::sync::Arc;
use std::time::Duration;

/// The provider of text messages answers within this time, or the message counts as not sent.
const SMS_TIMEOUT: Duration = Duration::from_secs(8);
/// Answers of the provider are not read further.
const SMS_REPLY_BYTES_MAX: u32 = 65_536;

/// All that flows may ask.
pub struct Lookups {
    web: Arc<WebClient>,
    sms: Option<SmsProvider>,
    crm: Option<Box<dyn Crm>>,
}

impl Lookups {
    /// From the configuration.
    pub fn new(outside: &Outside, clock: SystemClock) -> Result<Self, reqwest::Error> {
        let mut allowed = outside.allowed_hosts.clone();
        // Whoever wrote these into the configuration allowed them.
        allowed.extend(outside.sms.iter().map(|sms| &sms.url).chain(&outside.crm_bridge).filter_map(|url| {
            let url: reqwest::Url = url.parse().ok()?;
            Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
        }));
        let mut secrets = outside.secrets.clone();
        if let Some(token) = outside.sms.as_ref().and_then(|sms| sms.token.clone()) {
            secrets.insert(SMS_TOKEN.to_owned(), token);
        }
        let web = Arc::new(WebClient::new(allowed, secrets, clock)?);
        let bridge = outside.crm_bridge.clone();
        let crm = bridge.map(|url| Box::new(super::crm::Bridge::new(url, web.clone())) as Box<dyn Crm>);
        Ok(Lookups { web, sms: outside.sms.clone(), crm })
    }

    /// With another CRM.
    pub fn with_crm(self, crm: Box<dyn Crm>) -> Self {
        Lookups { crm: Some(crm), ..self }
    }

    pub async fn answer(&self, question: &Question) -> Result<Reply, LookupError> {
        let not_connected =
            || LookupError { code: "crm_not_connected", message: "No CRM is connected.".to_owned() };
        match question {
            Question::Http(request) => self.web.send(request).await,
            Question::Sms(message) => self.send_message(message).await,
            Question::Callout(callout) => {
                self.crm.as_ref().ok_or_else(not_connected)?.callout(callout).await.map(Reply::Callout)
            }
            Question::Query(query) => {
                self.crm.as_ref().ok_or_else(not_connected)?.query(query).await.map(Reply::Query)
            }
        }
    }

    async fn send_message(&self, message: &TextMessage) -> Result<Reply, LookupError> {
        let Some(provider) = &self.sms else {
            let message = "No provider of text messages is configured ([sms] url).".to_owned();
            return Err(LookupError { code: "sms_not_configured", message });
        };
        let field = |(name, value): (&str, &str)| format!("{name}={}", form_escaped(value));
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
            bytes_max: SMS_REPLY_BYTES_MAX,
            sign_with: None,
        };
        match self.web.send(&request).await? {
            Reply::Http { status: 200..300, .. } => Ok(Reply::Sms),
            Reply::Http { status, .. } => Err(LookupError {
                code: "sms_refused",
                message: format!("The provider of text messages answered {status}."),
            }),
            other => Ok(other),
        }
    }
}

/// No name that a configuration can have.
const SMS_TOKEN: &str = "[sms] token";

fn form_escaped(value: &str) -> String {
    let byte = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    value.bytes().map(byte).collect()
}
