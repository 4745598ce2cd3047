//! What the configuration says of the outside world, for whoever checks flows.

use crate::config::Outside;
use crate::flow::Resources;

/// What flows may refer to of the configuration; nothing is said about all else.
pub fn resources(outside: &Outside) -> Resources {
    Resources {
        secrets: Some(outside.secrets.keys().cloned().collect()),
        allowed_hosts: Some(outside.allowed_hosts.clone()),
        sends_messages: Some(outside.sms.is_some()),
        asks_crm: Some(outside.crm.is_some()),
        ..Resources::default()
    }
}
