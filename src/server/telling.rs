//! The tasks that tell others of calls: tasks to the CRM, records to the webhook.

use super::ServerError;
use crate::api::{Api, CrmAbout};
use crate::clock::SystemClock;
use crate::config::{Outside, crm};
use crate::services::crm::Crm;
use crate::services::sender::{Directory, Receiver, Sender, SenderTotals};
use crate::services::webhook::Webhook;
use crate::store::database::Database;
use std::sync::Arc;

/// Starts them, where anybody is to be told anything.
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
    let receivers =
        [crm.map(|crm| Receiver::Crm(crm, Arc::new(Current(api.clone())))), webhook.map(Receiver::Webhook)];
    for receiver in receivers.into_iter().flatten() {
        tokio::spawn(Sender::new(database.clone(), receiver, totals.clone()).run(clock));
    }
    Ok(Some(totals))
}

/// The connection as people are told of it.
pub fn about(crm: &crm::Crm) -> CrmAbout {
    let (kind, address, conversation) = match &crm.system {
        crm::System::Bridge(bridge) => ("bridge", bridge.url.clone(), None),
        crm::System::Salesforce(salesforce) => {
            let object = salesforce.conversation.as_ref().map(|conversation| conversation.object.clone());
            ("salesforce", salesforce.login_url.clone(), object)
        }
    };
    let tasks = match crm.tasks {
        crm::Tasks::All => "all",
        crm::Tasks::Abandoned => "abandoned",
        crm::Tasks::None => "none",
    };
    CrmAbout { kind: Some(kind), address: Some(address), tasks: Some(tasks), conversation }
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
