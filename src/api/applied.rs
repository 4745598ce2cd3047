//! A change is answered once new calls of this server follow it, so that whoever made it sees it wherever they look next.

use super::Api;
use super::problem::Problem;
use crate::call::snapshot::Snapshot;
use crate::store::database::DatabaseError;
use crate::store::database::change::Change;
use axum::response::{IntoResponseParts, ResponseParts};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long an answer waits for calls to follow. Loading 500 numbers and 200 flows takes some 25 ms; longer than this is
/// a database that is away, and the change is safe in it.
const WAIT_MAX: Duration = Duration::from_secs(2);

pub const REVISION_HEADER: &str = "cordboard-revision";
pub const APPLIED_HEADER: &str = "cordboard-applied";

/// Headers of the answer to a change, with what they say.
pub const HEADERS: [(&str, &str); 2] = [
    ("Cordboard-Revision", "The state of the set-up that has the change. It counts up."),
    (
        "Cordboard-Applied",
        "`true` where new calls of this server follow the change already; `false` where they will.",
    ),
];

/// What new calls start on, for those who ask and those who wait.
pub struct Current {
    snapshot: watch::Sender<Option<Arc<Snapshot>>>,
}

/// A change that was made: the headers of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    revision: u64,
    is_followed: bool,
}

impl Current {
    pub fn new() -> Current {
        Current { snapshot: watch::Sender::new(None) }
    }

    pub fn set(&self, snapshot: Arc<Snapshot>) {
        self.snapshot.send_replace(Some(snapshot));
    }

    pub fn get(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone().unwrap_or_default()
    }

    /// Whether calls follow a revision, waiting for it. Where nothing was ever loaded nobody is on the way to it.
    async fn follows(&self, revision: u64) -> bool {
        if self.snapshot.borrow().is_none() {
            return false;
        }
        let mut snapshot = self.snapshot.subscribe();
        let reached =
            |snapshot: &Option<Arc<Snapshot>>| snapshot.as_ref().is_some_and(|s| s.revision >= revision);
        let waiting = snapshot.wait_for(reached);
        matches!(tokio::time::timeout(WAIT_MAX, waiting).await, Ok(Ok(_)))
    }
}

impl Api {
    /// Makes a change so, and waits until new calls follow it. The change stands however long that takes.
    pub async fn commit(&self, change: Change) -> Result<Applied, Problem> {
        let revision = change.commit().await.map_err(|error: DatabaseError| Problem::from(error))?;
        Ok(Applied { revision, is_followed: self.current.follows(revision).await })
    }
}

impl IntoResponseParts for Applied {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        let applied = if self.is_followed { "true" } else { "false" };
        parts.headers_mut().insert(REVISION_HEADER, self.revision.into());
        parts.headers_mut().insert(APPLIED_HEADER, axum::http::HeaderValue::from_static(applied));
        Ok(parts)
    }
}
