//! The outside world that calls ask: speech, web services, text messages, the CRM.

mod breaker;
pub mod crm;
pub mod lookups;
pub mod speech;
pub mod web;
