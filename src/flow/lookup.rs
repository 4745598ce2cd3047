//! What a flow asks of other systems, and their replies. Whoever runs the flow puts the question and gives the reply as
//! an event; here is only what both are.

use super::reply_json;
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

/// A question that a step asked, numbered within its call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LookupId(pub u32);

/// Largest reply to an http step, in bytes. flows.md 1.3.
pub const HTTP_BYTES_MAX: u32 = 262_144;

/// A question. Its values may be a caller's secrets: it is printed without them.
#[derive(Clone, PartialEq)]
pub enum Question {
    Http(HttpRequest),
    Sms(TextMessage),
    Callout(Callout),
    Query(Query),
    Match(Match),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

#[derive(Clone, PartialEq)]
pub struct HttpRequest {
    pub method: Method,
    /// With scheme and host, as they stand in the flow.
    pub url: String,
    pub headers: Vec<(String, HeaderValue)>,
    /// Its media type and its text.
    pub body: Option<(&'static str, String)>,
    pub timeout: Duration,
    /// Further tries after a failure to connect, and after any failure of a GET.
    pub retries: u32,
    /// Largest reply that is read; 0: the status is all that matters, and the body is left alone.
    pub bytes_max: u32,
    /// The name of the secret that the body is signed with.
    pub sign_with: Option<String>,
}

/// What a header is set to.
#[derive(Clone, PartialEq)]
pub enum HeaderValue {
    Text(String),
    /// A secret by its name, behind a prefix such as `Bearer `.
    Secret {
        prefix: String,
        name: String,
    },
}

#[derive(Clone, PartialEq)]
pub struct TextMessage {
    pub to: String,
    pub from: String,
    pub body: String,
}

/// A call of an Apex REST class.
#[derive(Clone, PartialEq)]
pub struct Callout {
    pub path: String,
    pub input: Vec<(String, String)>,
    pub timeout: Duration,
}

#[derive(Clone, PartialEq)]
pub struct Query {
    pub soql: String,
    pub timeout: Duration,
}

/// Which person of the CRM has a telephone number.
#[derive(Clone, PartialEq)]
pub struct Match {
    /// E.164 where it could be read so.
    pub number: String,
    pub timeout: Duration,
}

/// Somebody whom the CRM knows.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub id: String,
    /// What kind of record it is: `Contact` or `Lead`.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub name: String,
    /// The CRM's user to whom the record belongs.
    #[serde(default)]
    pub owner_id: String,
    /// Where the record is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// An answer from outside.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    Http {
        status: u16,
        body: String,
        /// The body as JSON; `null` where it is none.
        json: Value,
    },
    /// The provider took the message.
    Sms,
    Callout(Map<String, Value>),
    /// A record each.
    Query(Vec<Map<String, Value>>),
    /// Nobody has that number where absent.
    Match(Option<Person>),
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct LookupError {
    /// What `error.code` becomes.
    pub code: &'static str,
    pub message: String,
}

impl Reply {
    /// An answer over HTTP, its JSON read: not for a thread that calls wait for. `is_json`: the other side says that it
    /// is JSON; then it must be.
    pub fn http(status: u16, body: String, is_json: bool) -> Result<Reply, LookupError> {
        let json = match reply_json::read(&body) {
            Ok(json) => json,
            Err(error) if is_json && !body.trim().is_empty() => {
                let message = format!("The reply is said to be JSON, and {error}.");
                return Err(LookupError { code: "http_bad_json", message });
            }
            Err(_) => Value::Null,
        };
        Ok(Reply::Http { status, body, json })
    }
}

impl Question {
    /// For logs: which system is asked, without what it is told.
    pub fn target(&self) -> String {
        match self {
            Question::Http(request) => {
                let end = request.url.find(['?', '#']).unwrap_or(request.url.len());
                let host = request.url.get(..end).unwrap_or_default();
                // Behind the host may stand what a caller typed.
                host.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
            }
            Question::Sms(_) => "sms".to_owned(),
            Question::Callout(callout) => callout.path.clone(),
            Question::Query(_) => "query".to_owned(),
            // The number is the caller's own.
            Question::Match(_) => "contact".to_owned(),
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Question::Http(_) => "http",
            Question::Sms(_) => "sms",
            Question::Callout(_) => "callout",
            Question::Query(_) => "query",
            Question::Match(_) => "match",
        }
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.kind(), self.target())
    }
}
