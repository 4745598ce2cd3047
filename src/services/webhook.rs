//! `[webhook]`: each call record is posted, signed, as it stands in the database at that moment.

use super::crm::{Done, NotDone, Severity, one_by_one};
use super::web::{Answer, Limits, WebClient};
use crate::clock::SystemClock;
use crate::config::crm::Webhook as Settings;
use crate::flow::{HeaderValue, HttpRequest, Method};
use crate::store::database::Database;
use crate::store::database::outbox::Entry;
use std::time::Duration;

/// A receiver that takes longer is tried again later.
const TIMEOUT: Duration = Duration::from_secs(10);
/// No record is begun later than this after the first of a batch: the others are sent with the next.
const BEGIN_WITHIN: Duration = Duration::from_secs(60);
/// As many as calls can end in a second here. Whoever is away is left alone by the sender.
const LIMITS: Limits = Limits { per_second: 200, burst: 500, under_way: 16, failures: u32::MAX };
/// No name that a configuration can have.
const SECRET: &str = "[webhook] secret";

/// Who wants call records.
pub struct Webhook {
    url: String,
    is_signed: bool,
    web: WebClient,
}

impl Webhook {
    pub fn new(settings: &Settings, clock: SystemClock) -> Result<Self, reqwest::Error> {
        let secret = settings.secret.as_deref().map(|secret| (SECRET, secret));
        let web = WebClient::for_own(&settings.url, secret, clock, LIMITS)?;
        Ok(Webhook { url: settings.url.clone(), is_signed: settings.secret.is_some(), web })
    }

    /// Posts the records of these rows, one after the other; where the receiver is away, the rest is not tried.
    pub async fn send(&self, database: &Database, rows: &[Entry]) -> Vec<Result<Done, NotDone>> {
        one_by_one(rows, BEGIN_WITHIN, |row| self.send_one(database, row)).await
    }

    async fn send_one(&self, database: &Database, row: &Entry) -> Result<Done, NotDone> {
        let (node, call_id) = row.key.split_once('/').unwrap_or(("", &row.key));
        let record = database.record(node, call_id).await;
        let record = record.map_err(|error| NotDone::new(error.to_string(), Severity::Passing))?;
        let Some(record) = record else {
            return Err(NotDone::new("The record is not kept any more.", Severity::Lasting));
        };
        let mut document = record.document;
        document["node"] = node.into();
        let request = HttpRequest {
            method: Method::Post,
            url: self.url.clone(),
            headers: vec![("Idempotency-Key".to_owned(), HeaderValue::Text(row.key.clone()))],
            body: Some(("application/json", document.to_string())),
            timeout: TIMEOUT,
            retries: 0,
            // Its status says whether it was taken.
            bytes_max: 0,
            sign_with: self.is_signed.then(|| SECRET.to_owned()),
        };
        match self.web.send(&request).await {
            Ok(Answer { status: 200..300, .. }) => Ok(Done { id: call_id.to_owned(), url: None }),
            Ok(Answer { status, .. }) => {
                let severity = if matches!(status, 400 | 409 | 410 | 413 | 422) {
                    Severity::Lasting
                } else {
                    Severity::Away
                };
                Err(NotDone::new(format!("The receiver answered {status}."), severity))
            }
            Err(error) => Err(NotDone::new(error.message, Severity::Away)),
        }
    }
}
