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
pub const OVERWRITTEN_HEADER: &str = "cordboard-overwritten";

/// Headers of the answer to a change, with what they say.
pub const HEADERS: [(&str, &str); 2] = [
    ("Cordboard-Revision", "The state of the set-up that has the change. It counts up."),
    (
        "Cordboard-Applied",
        "`true` where new calls of this server follow the change already; `false` where they will.",
    ),
];

/// A header that is there only where it says something.
pub const OVERWRITTEN: (&str, &str) = (
    "Cordboard-Overwritten",
    "`at-reload` where files are the truth ([provision] mode = \"sync\"): the change is undone at the next SIGHUP or start.",
);

/// Files are the truth, and undo a change: the header that says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overwritten;

/// What new calls start on, for those who ask and those who wait.
pub struct Current {
    snapshot: watch::Sender<Option<Arc<Snapshot>>>,
}

/// A change that was made: the headers of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    revision: u64,
    is_followed: bool,
    overwritten: Option<Overwritten>,
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
    /// What becomes of a change, where files are the truth.
    pub fn overwritten(&self) -> Option<Overwritten> {
        self.settings.sync_folder.is_some().then_some(Overwritten)
    }

    /// Makes a change so, and waits until new calls follow it. The change stands however long that takes.
    pub async fn commit(&self, change: Change) -> Result<Applied, Problem> {
        let revision = change.commit().await.map_err(|error: DatabaseError| Problem::from(error))?;
        let is_followed = self.current.follows(revision).await;
        Ok(Applied { revision, is_followed, overwritten: self.overwritten() })
    }
}

impl IntoResponseParts for Overwritten {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        let value = axum::http::HeaderValue::from_static("at-reload");
        parts.headers_mut().insert(OVERWRITTEN_HEADER, value);
        Ok(parts)
    }
}

impl IntoResponseParts for Applied {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        let applied = if self.is_followed { "true" } else { "false" };
        parts.headers_mut().insert(REVISION_HEADER, self.revision.into());
        parts.headers_mut().insert(APPLIED_HEADER, axum::http::HeaderValue::from_static(applied));
        match self.overwritten {
            Some(overwritten) => overwritten.into_response_parts(parts),
            None => Ok(parts),
        }
    }
}
