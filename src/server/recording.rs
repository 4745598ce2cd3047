//! What writes call records beside the threads of calls.

use super::ServerError;
use crate::config::crm::System;
use crate::config::{Config, Outside};
use crate::store::database::Database;
use crate::store::database::outbox::Told;
use crate::store::records::Records;
use crate::store::spool::{Limits, Spool};
use crate::store::uploader::Uploader;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the last call records may take into the database when the server stops.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// The thread that writes records to disk, and the task that brings them into the database.
#[derive(Default)]
pub struct Recording {
    thread: Option<JoinHandle<()>>,
    /// Until it runs: records of an earlier run wait with it.
    uploader: Option<Uploader>,
    upload: Option<tokio::task::JoinHandle<()>>,
}

impl Recording {
    /// Starts writing call records to the file and to the disk, as far as they are configured. The database is left
    /// alone until [`Recording::upload`].
    pub fn start(config: &Config, database: Option<&Database>) -> Result<(Records, Self), ServerError> {
        let mut recording = Recording::default();
        let mut spool = None;
        if let (Some(store), Some(database)) = (&config.store, database) {
            let (writer, backlog) = Spool::open(&store.spool, &store.node, Limits::of(store.spool_bytes))?;
            recording.uploader = Some(Uploader::new(database.clone(), backlog, told(&config.outside)));
            spool = Some(writer);
        }
        let path = config.records.path.as_deref();
        if path.is_none() && spool.is_none() {
            return Ok((Records::nowhere(), recording));
        }
        let (records, thread) = Records::open(path, spool).map_err(|error| ServerError::Records {
            path: config.records.path.clone().unwrap_or_default(),
            error,
        })?;
        recording.thread = Some(thread);
        Ok((records, recording))
    }

    /// Brings records into the database from now on.
    pub fn upload(&mut self) {
        self.upload = self.uploader.take().map(|uploader| tokio::spawn(uploader.run()));
    }

    /// The last records are on their way; the queue's other end is gone.
    pub async fn end(self) {
        if let Some(thread) = self.thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        let Some(upload) = self.upload else { return };
        if tokio::time::timeout(LAST_RECORDS, upload).await.is_err() {
            tracing::warn!("the database is away: call records wait on disk for the next start");
        }
    }
}

/// What the configuration wants others to be told of calls.
fn told(outside: &Outside) -> Told {
    let usual = Told { records: outside.webhook.is_some(), ..Told::default() };
    let Some(crm) = &outside.crm else { return usual };
    let conversations =
        matches!(&crm.system, System::Salesforce(salesforce) if salesforce.conversation.is_some());
    Told { tasks: crm.tasks, conversations, ..usual }
}
