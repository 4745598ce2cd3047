//! The task that tells others of calls: tasks to the CRM, records to the webhook.

use super::ServerError;
use crate::api::Api;
use crate::clock::SystemClock;
use crate::config::Outside;
use crate::services::crm::Crm;
use crate::services::sender::{Directory, Sender, SenderTotals};
use crate::services::webhook::Webhook;
use crate::store::database::Database;
use std::sync::Arc;

/// Starts it, where anybody is to be told anything.
pub fn start(
    database: Database,
    outside: &Outside,
    crm: Option<Arc<dyn Crm>>,
    api: &Api,
    clock: SystemClock,
) -> Result<Option<Arc<SenderTotals>>, ServerError> {
    let webhook = outside.webhook.as_ref().map(|settings| Webhook::new(settings, clock)).transpose();
    let webhook = webhook.map_err(ServerError::WebClient)?;
    if crm.is_none() && webhook.is_none() {
        return Ok(None);
    }
    let totals: Arc<SenderTotals> = Arc::default();
    let directory: Arc<dyn Directory> = Arc::new(Current(api.clone()));
    let start = |crm, webhook| {
        let sender = Sender::new(database.clone(), crm, webhook, directory.clone());
        tokio::spawn(sender.with_totals(totals.clone()).run(clock));
    };
    // Each on its own: one that is slow does not hold up the other.
    if crm.is_some() {
        start(crm, None);
    }
    if webhook.is_some() {
        start(None, webhook);
    }
    Ok(Some(totals))
}

/// Agents and the account as calls have them now.
struct Current(Api);

impl Directory for Current {
    fn crm_user(&self, agent: &str) -> Option<String> {
        self.0.snapshot().agents.get(agent)?.crm_user.clone()
    }

    fn day(&self, at: jiff::Timestamp) -> jiff::civil::Date {
        at.to_zoned(self.0.snapshot().library.account.zone.clone()).date()
    }
}
