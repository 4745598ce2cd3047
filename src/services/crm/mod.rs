//! The CRM: what flows ask of it about a caller, and what it is told of calls. [`Crm`] is all that the rest of the server
//! knows; each CRM is a file or a folder beside it.

pub mod bridge;
mod deed;
mod health;
pub mod salesforce;
pub mod spelling;

pub use deed::{Deed, DeedKind, Done, NotDone, Severity, one_by_one, owner};
pub use health::{Health, HealthShown};

use super::check::CheckSteps;
use super::web::{FAILURES_MAX, Limits, WebClient};
use crate::clock::SystemClock;
use crate::config::Outside;
use crate::config::crm::System;
use crate::flow::{Callout, LookupError, Match, Person, Query};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer that is on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A CRM that is connected.
pub trait Crm: Send + Sync {
    /// Calls a class by its path; gives the names and texts it returned.
    fn callout<'a>(&'a self, callout: &'a Callout) -> Pending<'a, Result<Map<String, Value>, LookupError>>;

    /// Runs one SELECT; gives the records, without the attributes that Salesforce adds to each.
    fn query<'a>(&'a self, query: &'a Query) -> Pending<'a, Result<Vec<Map<String, Value>>, LookupError>>;

    /// The same for somebody who tries it: callers are not to suffer from it.
    fn try_query<'a>(
        &'a self,
        query: &'a Query,
    ) -> Pending<'a, Result<Vec<Map<String, Value>>, LookupError>> {
        self.query(query)
    }

    /// The person who has a number, in whatever spelling.
    fn person<'a>(&'a self, asked: &'a Match) -> Pending<'a, Result<Option<Person>, LookupError>>;

    /// The same for somebody who tries it.
    fn try_person<'a>(&'a self, asked: &'a Match) -> Pending<'a, Result<Option<Person>, LookupError>> {
        self.person(asked)
    }

    /// Writes down what happened in calls; says of each what became of it, in the same order. A deed that was done before
    /// is found and not done again.
    fn write<'a>(&'a self, deeds: &'a [Deed]) -> Pending<'a, Vec<Result<Done, NotDone>>>;

    /// Tries the connection, step by step, as an administrator would. It ends early where nobody wants to know any more.
    fn check(&self, steps: CheckSteps) -> Pending<'_, ()>;

    /// How the connection has been.
    fn health(&self) -> &Health;

    /// The fields that a deed would write, to be looked at.
    fn preview(&self, deed: &Deed) -> Map<String, Value>;
}

/// As many calls as one server takes in a second may each ask once; a flow in a circle shall not flood an org.
const LIMITS: Limits = Limits { per_second: 100, burst: 500, under_way: 64, failures: FAILURES_MAX };
/// What is written has its own: a CRM that is away is left alone by the sender, which knows what waits.
const WRITING: Limits = Limits { failures: u32::MAX, ..LIMITS };

/// The CRM of the configuration, where there is one.
pub fn connect(outside: &Outside, clock: SystemClock) -> Result<Option<Arc<dyn Crm>>, reqwest::Error> {
    let Some(settings) = &outside.crm else { return Ok(None) };
    Ok(Some(match &settings.system {
        System::Bridge(settings) => {
            let secret = settings.secret.as_deref().map(|secret| (bridge::SECRET, secret));
            let web = WebClient::for_own(&settings.url, secret, clock, LIMITS)?;
            Arc::new(bridge::Bridge::new(settings, web, clock))
        }
        System::Salesforce(settings) => {
            // What is written has a client of its own: look-ups that fail do not hold it up, nor it them.
            let client = |limits| WebClient::for_own(&settings.login_url, None, clock, limits);
            let clients = [client(LIMITS)?, client(WRITING)?, client(WRITING)?];
            Arc::new(salesforce::Salesforce::new((**settings).clone(), clients, clock))
        }
    }))
}

/// A failed look-up.
fn failed(message: impl Into<String>) -> LookupError {
    LookupError { code: "crm_failed", message: message.into() }
}
