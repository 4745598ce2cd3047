//! `[webhook]`: each call record is posted, signed, as it stands in the database at that moment.

use super::crm::{Done, NotDone, Severity};
use super::web::{Answer, Limits, WebClient};
use crate::clock::SystemClock;
use crate::config::Secret;
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
        // Whoever wrote it into the configuration allowed it.
        let host = settings.url.parse().ok().and_then(|url: reqwest::Url| {
            Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
        });
        let secret = |value: &String| (SECRET.to_owned(), Secret { value: value.clone(), hosts: None });
        let secrets = settings.secret.iter().map(secret).collect();
        let web = WebClient::new(host.into_iter().collect(), secrets, clock, LIMITS)?;
        Ok(Webhook { url: settings.url.clone(), is_signed: settings.secret.is_some(), web })
    }

    /// Posts the records of these rows, one after the other; where the receiver is away, the rest is not tried.
    pub async fn send(&self, database: &Database, rows: &[Entry]) -> Vec<Result<Done, NotDone>> {
        let mut results: Vec<Result<Done, NotDone>> = Vec::with_capacity(rows.len());
        let begun = tokio::time::Instant::now();
        for row in rows {
            let is_away = matches!(results.last(), Some(Err(before)) if before.severity != Severity::Lasting);
            results.push(match is_away || begun.elapsed() > BEGIN_WITHIN {
                true => {
                    Err(NotDone::new("It was not tried: the receiver is away or slow.", Severity::NotTried))
                }
                false => self.send_one(database, row).await,
            });
        }
        results
    }

    async fn send_one(&self, database: &Database, row: &Entry) -> Result<Done, NotDone> {
        let not_done = |words: String, severity| NotDone { words, severity };
        let (node, call_id) = row.key.split_once('/').unwrap_or(("", &row.key));
        let record = database.record(node, call_id).await;
        let record = record.map_err(|error| not_done(error.to_string(), Severity::Passing))?;
        let Some(record) = record else {
            return Err(not_done("The record is not kept any more.".to_owned(), Severity::Lasting));
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
                Err(not_done(format!("The receiver answered {status}."), severity))
            }
            Err(error) => Err(not_done(error.message, Severity::Away)),
        }
    }
}
