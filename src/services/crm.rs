//! The CRM, as callouts and queries see it.

use super::web::{Answer, WebClient};
use crate::flow::{Callout, HTTP_BYTES_MAX, HttpRequest, LookupError, Method, Query, reply_json};
use serde_json::{Map, Value, json};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Largest reply to a callout, in bytes. flows.md 1.3.
const CALLOUT_BYTES_MAX: u32 = 65_536;

/// A reply that is on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, LookupError>> + Send + 'a>>;

/// What answers callouts and queries.
pub trait Crm: Send + Sync {
    /// Calls a class by its path; gives the names and texts it returned.
    fn callout<'a>(&'a self, callout: &'a Callout) -> Pending<'a, Map<String, Value>>;

    /// Runs one SELECT; gives the records, without the attributes that Salesforce adds to each.
    fn query<'a>(&'a self, query: &'a Query) -> Pending<'a, Vec<Map<String, Value>>>;
}

/// A web service that stands for the CRM: `POST URL/callout/PATH` with the input as JSON, and `POST URL/query` with
/// `{"soql": …}`, answered by `{"records": […]}`.
pub struct Bridge {
    url: String,
    web: Arc<WebClient>,
}

impl Bridge {
    pub fn new(url: String, web: Arc<WebClient>) -> Self {
        Bridge { url: url.trim_end_matches('/').to_owned(), web }
    }

    async fn post(
        &self,
        path: &str,
        body: Value,
        timeout: Duration,
        bytes_max: u32,
    ) -> Result<Value, LookupError> {
        let request = HttpRequest {
            method: Method::Post,
            url: format!("{}/{path}", self.url),
            headers: Vec::new(),
            body: Some(("application/json", body.to_string())),
            timeout,
            retries: 0,
            bytes_max,
            sign_with: None,
        };
        match self.web.send(&request).await? {
            Answer { status: 200..300, body, .. } => {
                reply_json::read(&body).map_err(|error| failed(format!("The answer of the CRM {error}.")))
            }
            Answer { status, .. } => Err(failed(format!("The CRM answered {status}."))),
        }
    }
}

impl Crm for Bridge {
    fn callout<'a>(&'a self, callout: &'a Callout) -> Pending<'a, Map<String, Value>> {
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

    fn query<'a>(&'a self, query: &'a Query) -> Pending<'a, Vec<Map<String, Value>>> {
        Box::pin(async move {
            let mut reply =
                self.post("query", json!({"soql": query.soql}), query.timeout, HTTP_BYTES_MAX).await?;
            let Some(Value::Array(records)) = reply.get_mut("records").map(Value::take) else {
                return Err(failed("The CRM answered without records."));
            };
            let read = |record| match record {
                Value::Object(mut record) => {
                    record.remove("attributes");
                    Ok(record)
                }
                _ => Err(failed("The CRM answered with a record that is no object.")),
            };
            records.into_iter().map(read).collect()
        })
    }
}

fn failed(message: impl Into<String>) -> LookupError {
    LookupError { code: "crm_failed", message: message.into() }
}
