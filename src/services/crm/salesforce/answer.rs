//! What Salesforce answers, and what its refusals mean: whether to try again, or to ask a person.

use super::super::Severity;
use crate::flow::LookupError;
use crate::services::web::Answer;
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

/// Characters of Salesforce's words that are kept.
const WORDS_MAX: usize = 600;

/// A request that came to nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Salesforce's own, such as `INVALID_FIELD`; empty where it did not answer.
    pub code: String,
    pub words: String,
    /// The status of the answer; 0 where it stood within one.
    pub status: u16,
    /// Where no answer came.
    pub error: Option<LookupError>,
}

/// Codes of trouble that passes by itself.
const PASSING: [&str; 9] = [
    "UNABLE_TO_LOCK_ROW",
    "QUERY_TIMEOUT",
    "REQUEST_RUNNING_TOO_LONG",
    "UNKNOWN_EXCEPTION",
    "SERVER_ERROR",
    "CONCURRENT_REQUESTS_LIMIT_EXCEEDED",
    "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
    "TXN_SECURITY_METERING_ERROR",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
];
/// Codes of a connection that is refused altogether: every other request would fare the same.
const AWAY: [&str; 13] = [
    "REQUEST_LIMIT_EXCEEDED",
    "SERVER_UNAVAILABLE",
    "SERVICE_UNAVAILABLE",
    "INVALID_SESSION_ID",
    "INVALID_AUTH_HEADER",
    "API_CURRENTLY_DISABLED",
    "API_DISABLED_FOR_ORG",
    "CLIENT_NOT_ACCESSIBLE_FOR_USER",
    "LOGIN_MUST_USE_SECURITY_TOKEN",
    "ORG_LOCKED",
    "UNSUPPORTED_API_VERSION",
    "STORAGE_LIMIT_EXCEEDED",
    "sign_in",
];

impl Refusal {
    pub fn new(code: impl Into<String>, words: &str) -> Self {
        let words = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect();
        Refusal { code: code.into(), words, status: 0, error: None }
    }

    /// No answer came.
    pub fn unanswered(error: LookupError) -> Self {
        Refusal { code: String::new(), words: error.message.clone(), status: 0, error: Some(error) }
    }

    pub fn late(timeout: Duration) -> Self {
        let message = format!("No reply came within {} s.", timeout.as_secs_f32().ceil());
        Refusal::unanswered(LookupError { code: "http_timeout", message })
    }

    pub fn unreadable(what: &str) -> Self {
        Refusal::new("UNKNOWN_EXCEPTION", &format!("{what} came."))
    }

    /// The same where the other side repeats what it must not.
    pub fn without(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.words = self.words.replace(secret, "•••");
        }
        self
    }

    pub fn severity(&self) -> Severity {
        let is_in = |known: &[&str]| known.contains(&self.code.as_str());
        if self.error.is_some() || is_in(&AWAY) {
            Severity::Away
        } else if is_in(&PASSING) {
            Severity::Passing
        } else if !matches!(self.status, 0 | 400) {
            // A proxy's page, a moved instance, a missing permission: nothing that one record could be blamed for.
            Severity::Away
        } else {
            Severity::Lasting
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.as_str() {
            "" | "sign_in" => f.write_str(&self.words),
            code => write!(f, "{code}: {}", self.words),
        }
    }
}

/// An answer that says that the request was carried out.
pub fn checked(answer: Answer) -> Result<Answer, Refusal> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let errors: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let first = errors.as_array().and_then(|errors| errors.first()).unwrap_or(&errors);
    let text = |key: &str| first.get(key).and_then(Value::as_str);
    let code = match (text("errorCode"), answer.status) {
        (Some(code), _) => code.to_owned(),
        (None, 429 | 500..) => "SERVER_UNAVAILABLE".to_owned(),
        (None, 401) => "INVALID_SESSION_ID".to_owned(),
        (None, status) => format!("HTTP {status}"),
    };
    let words = text("message").map_or_else(|| format!("It answered {}.", answer.status), str::to_owned);
    Err(Refusal { status: answer.status, ..Refusal::new(code, &words) })
}

/// The body, as a tree.
pub fn json(answer: &Answer) -> Result<Value, Refusal> {
    serde_json::from_str(&answer.body).map_err(|_| Refusal::unreadable("an answer that is no JSON"))
}

/// The records of a query, without the attributes that Salesforce adds to each, at every depth.
pub fn records(mut reply: Value) -> Option<Vec<Map<String, Value>>> {
    let Some(Value::Array(records)) = reply.get_mut("records").map(Value::take) else { return None };
    let plain = |record| match plain(record) {
        Value::Object(record) => Some(record),
        _ => None,
    };
    records.into_iter().map(plain).collect()
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            map.shift_remove("attributes");
            Value::Object(map.into_iter().map(|(key, value)| (key, plain(value))).collect())
        }
        Value::Array(list) => list.into_iter().map(plain).collect(),
        other => other,
    }
}

/// `api-usage=18/5000`: how many requests of the day are used, and how many there are.
pub fn allowance(header: &str) -> Option<(u64, u64)> {
    let usage = header.split(';').find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, all) = usage.split_once('/')?;
    Some((used.trim().parse().ok()?, all.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?))
}

/// A text between quotes of a SOQL statement.
pub fn quoted(text: &str) -> String {
    format!("'{}'", crate::flow::soql_escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned(), is_json: true, headers: Default::default() }
    }

    #[test]
    fn each_refusal_is_told_with_salesforces_words_and_what_to_do_about_it() {
        for (status, body, words, severity) in [
            (
                400,
                r#"[{"errorCode":"INVALID_FIELD","message":"No such column 'X'","fields":[]}]"#,
                "INVALID_FIELD: No such column 'X'",
                Severity::Lasting,
            ),
            (
                400,
                r#"[{"errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","message":"Say why"}]"#,
                "FIELD_CUSTOM_VALIDATION_EXCEPTION: Say why",
                Severity::Lasting,
            ),
            (
                400,
                r#"[{"errorCode":"CANNOT_UPDATE_CONVERTED_LEAD","message":"c"}]"#,
                "CANNOT_UPDATE_CONVERTED_LEAD: c",
                Severity::Lasting,
            ),
            (
                400,
                r#"[{"errorCode":"UNABLE_TO_LOCK_ROW","message":"busy"}]"#,
                "UNABLE_TO_LOCK_ROW: busy",
                Severity::Passing,
            ),
            (
                403,
                r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]"#,
                "REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.",
                Severity::Away,
            ),
            (
                403,
                r#"[{"errorCode":"API_CURRENTLY_DISABLED","message":"off"}]"#,
                "API_CURRENTLY_DISABLED: off",
                Severity::Away,
            ),
            (
                401,
                r#"[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]"#,
                "INVALID_SESSION_ID: Session expired or invalid",
                Severity::Away,
            ),
            (503, "<html>", "SERVER_UNAVAILABLE: It answered 503.", Severity::Away),
            (500, "", "SERVER_UNAVAILABLE: It answered 500.", Severity::Away),
            (302, "", "HTTP 302: It answered 302.", Severity::Away),
        ] {
            let refusal = checked(answer(status, body)).unwrap_err();
            assert_eq!(
                (refusal.to_string().as_str(), refusal.severity()),
                (words, severity),
                "{status} {body}"
            );
        }
        assert!(checked(answer(204, "")).is_ok());
    }

    #[test]
    fn records_lose_their_attributes_at_every_depth() {
        let reply = json!({"totalSize": 1, "records": [
            {"attributes": {"type": "Contact"}, "Id": "1", "Account": {"attributes": {}, "Name": "Acme"}, "Cases": {"records": [{"attributes": {}, "Id": "2"}]}}]});
        let found = records(reply).unwrap();
        assert_eq!(
            json!(found),
            json!([{"Id": "1", "Account": {"Name": "Acme"}, "Cases": {"records": [{"Id": "2"}]}}])
        );
        assert_eq!(records(json!({"records": 3})), None);
        assert_eq!(records(json!({"records": [3]})), None);
    }

    #[test]
    fn the_allowance_is_read_from_its_header() {
        for (text, expected) in [
            ("api-usage=18/5000", Some((18, 5_000))),
            ("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)", Some((25, 5_000))),
            ("per-app-api-usage=17/250(appName=x); api-usage=3/100", Some((3, 100))),
            ("api-usage=x/1", None),
            ("", None),
        ] {
            assert_eq!(allowance(text), expected, "{text}");
        }
    }
}
