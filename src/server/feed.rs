//! Snapshots out of the database: loaded at the start, after each change, and again while it is away.

use super::ServerError;
use super::speaking::Speaking;
use crate::api::Api;
use crate::audio::Clip;
use crate::call::snapshot::{Snapshot, Speech};
use crate::clock::SystemClock;
use crate::config::reader::errors;
use crate::config::{Provision, ProvisionMode};
use crate::hidden::Hidden;
use crate::net::signalling::{Message, Post};
use crate::services::speech::SpeechEngine;
use crate::store::apply::{self, Others};
use crate::store::database::Database;
use crate::store::database::publish::Published;
use crate::store::loader::{LoadError, Loader};
use crate::store::provision;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// How often the database is asked whether another server has changed something, and whether a publication is due.
const POLL: Duration = Duration::from_millis(500);
/// How long a database that does not answer is left alone.
const AGAIN: Duration = Duration::from_secs(2);
/// How long calls may take to get a snapshot: far more than a full queue lasts.
const TAKEN_WITHIN: Duration = Duration::from_secs(1);
/// Who writes what comes from files.
const ACTOR: &str = "provisioning";

/// The task that keeps the snapshot up to date.
pub struct Feed {
    loader: Loader,
    provision: Option<Provision>,
    speaking: Speaking,
    clock: SystemClock,
    spoken: HashMap<Speech, Arc<Clip>>,
    unspoken: Vec<Speech>,
    /// Texts were spoken that the current snapshot does not have.
    is_stale: bool,
    current: Option<Arc<Snapshot>>,
    /// Kept until no call uses them, so that the threads of calls never pay for dropping one.
    old: Vec<Arc<Snapshot>>,
    control: Control,
    is_provisioned: bool,
}

/// What others see of the feed, and tell it.
#[derive(Clone, Default)]
pub struct Control {
    /// The files are to be looked at again.
    pub reload: Arc<Notify>,
    /// A snapshot was loaded: calls can be routed.
    pub loaded: Arc<AtomicBool>,
    pub away: Arc<AtomicBool>,
}

impl Feed {
    pub fn new(
        database: Database,
        provision: Option<Provision>,
        speech: Arc<SpeechEngine>,
        clock: SystemClock,
    ) -> Self {
        Feed {
            loader: Loader::new(database).with_folder(provision.as_ref().map(|p| p.folder.clone())),
            provision,
            speaking: Speaking::new(speech),
            clock,
            spoken: HashMap::new(),
            unspoken: Vec::new(),
            is_stale: false,
            current: None,
            old: Vec::new(),
            control: Control::default(),
            is_provisioned: false,
        }
    }

    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The first snapshot; one that puts all callers off where the database is away. What is wrong with the
    /// provisioned files stops the start.
    pub async fn first(&mut self) -> Result<Arc<Snapshot>, ServerError> {
        match self.load().await {
            Ok(snapshot) => {
                // At the start nobody waits yet: texts are spoken before the first call, for some seconds.
                let texts = std::mem::take(&mut self.unspoken);
                if texts.is_empty() {
                    return Ok(snapshot);
                }
                let clips = self.speaking.at_start(texts).await;
                self.spoken.extend(clips);
                self.load().await
            }
            Err(error @ (ServerError::Findings(_) | ServerError::Apply(_))) if !is_away(&error) => Err(error),
            Err(error) => {
                tracing::error!(%error, "the database is away: no calls are taken until it answers");
                self.control.away.store(true, Ordering::Release);
                Ok(Arc::new(Snapshot::awaiting_database()))
            }
        }
    }

    /// Runs until it is dropped.
    pub async fn run(mut self, post: Post, api: Api) {
        let mut look = tokio::time::interval(POLL);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let control = self.control.clone();
            tokio::select! {
                () = control.reload.notified() => self.reload(),
                clips = self.speaking.finished() => {
                    self.is_stale = true;
                    self.spoken.extend(clips);
                }
                () = self.loader.database().changed() => {}
                _ = look.tick() => {}
            }
            self.old.retain(|snapshot| Arc::strong_count(snapshot) > 1);
            match self.look(&post, &api).await {
                Ok(()) => {
                    if control.away.swap(false, Ordering::AcqRel) {
                        tracing::info!("the database answers again");
                    }
                }
                Err(error @ (ServerError::Findings(_) | ServerError::Apply(_))) if !is_away(&error) => {
                    // Said, and not tried again before somebody asks for it: the files are wrong.
                    let error = error.to_string();
                    tracing::error!(error = %Hidden::sentence(&error), "not reloaded: the server goes on with what it has");
                    self.is_provisioned = true;
                }
                Err(error) => {
                    let was_away = control.away.swap(true, Ordering::AcqRel);
                    if !is_away(&error) {
                        let error = error.to_string();
                        tracing::error!(error = %Hidden::sentence(&error), "the set-up cannot be loaded: the server goes on with what it has");
                    } else if !was_away {
                        tracing::error!(%error, "the database is away: the server goes on with what it has");
                    }
                    tokio::select! {
                        () = control.reload.notified() => self.reload(),
                        _ = wait(AGAIN) => {}
                    }
                }
            }
        }
    }

    /// Publishes what is due, loads where something has changed, and speaks texts that are new.
    async fn look(&mut self, post: &Post, api: &Api) -> Result<(), ServerError> {
        if self.is_provisioned && self.current.is_some() {
            let database = self.loader.database();
            for done in database.publish_due(self.clock.now().wall).await? {
                match done.result {
                    Ok(published) => say_published(&done.flow, &published),
                    Err(error) => tracing::error!(flow = done.flow, %error, "not published at its time"),
                }
            }
            let known = self.current.as_ref().map(|snapshot| snapshot.revision);
            if Some(database.revision().await?) == known && !self.is_stale {
                return Ok(());
            }
        }
        let was_loaded = self.control.loaded.load(Ordering::Acquire);
        let snapshot = self.load().await?;
        self.send(post, api, snapshot).await;
        if !was_loaded {
            tracing::info!("ready");
        }
        // Calls get the new flows at once, and speak their texts themselves until this is done. Nothing waits for it:
        // an engine that is slow holds up no change.
        self.speaking.begin(self.unspoken.clone());
        Ok(())
    }

    /// Somebody asks for the files to be looked at again, and for what failed to be tried again.
    fn reload(&mut self) {
        self.is_provisioned = false;
        self.speaking.forget_refused();
    }

    async fn send(&self, post: &Post, api: &Api, snapshot: Arc<Snapshot>) {
        tracing::info!(
            revision = snapshot.revision,
            "reloaded; calls in progress keep what they started with"
        );
        // Calls first: an answer of the API that waits for the change comes once they have it.
        let (taken, told) = tokio::sync::oneshot::channel();
        let message = Message::Snapshot { snapshot: snapshot.clone(), taken: Some(taken) };
        if post.send(message).await.is_ok() {
            let _ = tokio::time::timeout(TAKEN_WITHIN, told).await;
        }
        api.set_snapshot(snapshot);
    }

    async fn load(&mut self) -> Result<Arc<Snapshot>, ServerError> {
        if !self.is_provisioned {
            self.loader.database().prepare().await?;
            self.provision().await?;
            self.is_provisioned = true;
        }
        let loaded = self.loader.load(self.current.clone(), self.spoken.clone()).await?;
        self.unspoken = loaded.unspoken;
        let snapshot = Arc::new(loaded.snapshot);
        self.spoken = snapshot.prompts.speech.clone();
        self.is_stale = false;
        self.old.extend(self.current.replace(snapshot.clone()));
        self.control.loaded.store(true, Ordering::Release);
        Ok(snapshot)
    }

    /// Brings the provisioned files into the database, as the mode says.
    async fn provision(&self) -> Result<(), ServerError> {
        let Some(Provision { folder, mode }) = &self.provision else { return Ok(()) };
        let (database, at) = (self.loader.database(), self.clock.now().wall);
        if *mode == ProvisionMode::Seed && !apply::is_empty(database).await? {
            return Ok(());
        }
        let folder = folder.clone();
        let known = database.outside().clone();
        let (provisioned, findings) = super::aside(move || provision::read_beside(&folder, &known)).await?;
        super::say(&findings);
        let errors = errors(&findings);
        if errors > 0 {
            return Err(ServerError::Findings(errors));
        }
        let applied = match mode {
            ProvisionMode::Seed => apply::seed(database, &provisioned, ACTOR, at).await?.unwrap_or_default(),
            ProvisionMode::Sync => apply::apply(database, &provisioned, Others::Go, ACTOR, at).await?,
        };
        let apply::Applied { written, published, removed } = applied;
        let removed = removed.len();
        tracing::info!(written, published, removed, "the provisioned files are in the database");
        Ok(())
    }
}

fn say_published(flow: &str, published: &Published) {
    match published {
        Published::Version { version, ended_canary: Some(ended), .. } => {
            tracing::info!(
                flow,
                version,
                ended,
                "published at its time; the trial of another version is over"
            );
        }
        Published::Version { version, .. } => tracing::info!(flow, version, "published at its time"),
        Published::Unchanged { version, .. } => {
            tracing::info!(flow, version, "its time came, and nothing has changed since the live version");
        }
    }
}

/// Whether it is the database, and not what is to be put into it.
fn is_away(error: &ServerError) -> bool {
    matches!(
        error,
        ServerError::Database(_)
            | ServerError::Snapshot(LoadError::Database(_))
            | ServerError::Apply(apply::ApplyError::Database(_))
    )
}

#[expect(clippy::disallowed_methods, reason = "a database that is away is asked again after a while")]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
