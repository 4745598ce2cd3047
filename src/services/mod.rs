//! The outside world that calls ask and that is told of them: speech, web services, text messages, the CRM.

mod breaker;
pub mod check;
pub mod crm;
pub mod lookups;
pub mod sender;
pub mod speech;
pub mod web;
pub mod webhook;
