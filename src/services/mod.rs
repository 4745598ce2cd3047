//! The outside world that calls ask: speech, and later CRM, webhooks and mail.

pub mod speech;
