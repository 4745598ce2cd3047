//! From the database to what calls read. Only what changed is read, checked, compiled or decoded anew.

use super::assemble::{self, Catalogue, Compiler, FlowSource, Flows, VersionSource};
use super::database::flows::{self, FlowHead};
use super::database::objects::{self as stored, StoredObject};
use super::database::{Database, DatabaseError, prompts};
use super::flow_links;
use super::objects::{self, Kind, Object};
use super::passwords::Passwords;
use crate::audio::Clip;
use crate::call::snapshot::{Snapshot, Speech};
use serde_json::Value;
use sqlx::AnyConnection;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the loading was broken off: {0}")]
    Broken(String),
}

/// Loads one snapshot after the other, and keeps what they share.
pub struct Loader {
    database: Database,
    /// The provisioned folder, for the passwords that the database does not keep.
    folder: Option<PathBuf>,
    cache: Cache,
}

/// What was read before, by what tells whether it is still so.
#[derive(Default)]
struct Cache {
    /// With their etags.
    objects: HashMap<(Kind, String), (String, Object)>,
    /// Versions never change.
    versions: HashMap<(String, u32), Version>,
    compiler: Compiler,
    /// By the SHA-256 of their files.
    clips: HashMap<String, Arc<Clip>>,
}

#[derive(Clone)]
struct Version {
    document: Arc<str>,
    /// Versions of other flows that it runs by number.
    pinned: Vec<(String, u32)>,
}

/// What the database says at one moment.
struct Contents {
    revision: u64,
    objects: Vec<StoredObject>,
    sources: Vec<FlowSource>,
    /// The hash of each prompt, by its id.
    prompts: Vec<(String, String)>,
}

/// A snapshot, and the texts in it that are still to be spoken.
pub struct Loaded {
    pub snapshot: Snapshot,
    pub unspoken: Vec<Speech>,
}

impl Loader {
    pub fn new(database: Database) -> Self {
        Loader { database, folder: None, cache: Cache::default() }
    }

    /// With a provisioned folder, where passwords are.
    pub fn with_folder(self, folder: Option<PathBuf>) -> Self {
        Loader { folder, ..self }
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Loads what the database has now. `spoken` is speech that was rendered already.
    pub async fn load(
        &mut self,
        previous: Option<Arc<Snapshot>>,
        spoken: HashMap<Speech, Arc<Clip>>,
    ) -> Result<Loaded, LoadError> {
        let contents = self.read().await?;
        let mut cache = std::mem::take(&mut self.cache);
        // Compiling takes its time: beside the threads of the runtime, which carry streams.
        let folder = self.folder.clone();
        let work = move || {
            let passwords = Passwords::of(folder.as_deref());
            let loaded = cache.build(contents, &passwords, previous.as_deref(), spoken);
            (loaded, cache)
        };
        let (loaded, cache) =
            tokio::task::spawn_blocking(work).await.map_err(|error| LoadError::Broken(error.to_string()))?;
        self.cache = cache;
        Ok(loaded)
    }

    /// Reads all of one moment, without holding up whoever writes.
    async fn read(&mut self) -> Result<Contents, LoadError> {
        let mut look = self.database.look().await?;
        let revision = super::database::change::revision(&mut look).await?;
        let objects = stored::all(&mut look).await?;
        let heads = flows::heads(&mut look).await?;
        let sources = self.sources(&mut look, &heads).await?;
        let mut prompts_by_id = Vec::new();
        for prompt in prompts::all(&mut look).await? {
            // One at a time: the files of a large contact centre together are gigabytes.
            if !self.cache.clips.contains_key(&prompt.sha256) {
                let original = prompts::original(&mut look, &prompt.sha256).await?.unwrap_or_default();
                self.decode(&prompt.sha256, prompt.extension, original).await?;
            }
            prompts_by_id.push((prompt.id, prompt.sha256));
        }
        look.commit().await.map_err(DatabaseError::from)?;
        Ok(Contents { revision, objects, sources, prompts: prompts_by_id })
    }

    /// Keeps the sound of a file, decoded beside the threads of the runtime.
    async fn decode(&mut self, sha256: &str, extension: String, original: Vec<u8>) -> Result<(), LoadError> {
        let decoded = tokio::task::spawn_blocking(move || prompts::clip(original, &extension)).await;
        match decoded.map_err(|error| LoadError::Broken(error.to_string()))? {
            Ok(clip) => _ = self.cache.clips.insert(sha256.to_owned(), Arc::new(clip)),
            // It was decoded before it was put there.
            Err(error) => tracing::error!(sha256, %error, "a prompt in the database cannot be played"),
        }
        Ok(())
    }

    /// The versions that calls may get of each flow that was published.
    async fn sources(
        &mut self,
        look: &mut AnyConnection,
        heads: &[FlowHead],
    ) -> Result<Vec<FlowSource>, DatabaseError> {
        let (mut sources, mut open, mut used) = (Vec::new(), Vec::new(), BTreeSet::new());
        for head in heads {
            let Some(live) = head.live else { continue };
            let Some(version) = self.version(look, &head.id, live, &mut used, &mut open).await? else {
                continue;
            };
            let mut canary = None;
            if let Some((number, share)) = head.canary {
                let version = self.version(look, &head.id, number, &mut used, &mut open).await?;
                canary = version.map(|version| (version, share));
            }
            sources.push(FlowSource { id: head.id.clone(), live: version, canary, pinned: Vec::new() });
        }
        while let Some((id, number)) = open.pop() {
            if used.contains(&(id.clone(), number)) {
                continue;
            }
            let Some(version) = self.version(look, &id, number, &mut used, &mut open).await? else {
                continue;
            };
            if let Some(source) = sources.iter_mut().find(|source| source.id == id) {
                source.pinned.push(version);
            }
        }
        self.cache.versions.retain(|key, _| used.contains(key));
        Ok(sources)
    }

    async fn version(
        &mut self,
        look: &mut AnyConnection,
        id: &str,
        number: u32,
        used: &mut BTreeSet<(String, u32)>,
        open: &mut Vec<(String, u32)>,
    ) -> Result<Option<VersionSource>, DatabaseError> {
        let key = (id.to_owned(), number);
        let version = match self.cache.versions.get(&key) {
            Some(version) => version.clone(),
            None => {
                let Some(document) = flows::version_text(look, id, number).await? else { return Ok(None) };
                let value: Value = serde_json::from_str(&document)?;
                let version = Version { document, pinned: flow_links::pinned(&value) };
                self.cache.versions.insert(key.clone(), version.clone());
                version
            }
        };
        used.insert(key);
        open.extend(version.pinned);
        Ok(Some(VersionSource { number, document: version.document }))
    }
}

impl Cache {
    fn build(
        &mut self,
        contents: Contents,
        passwords: &Passwords,
        previous: Option<&Snapshot>,
        spoken: HashMap<Speech, Arc<Clip>>,
    ) -> Loaded {
        let catalogue = self.catalogue(contents.objects, passwords);
        let flows = assemble::flows(&contents.sources, &catalogue, &mut self.compiler);
        let files: HashMap<_, _> = contents
            .prompts
            .into_iter()
            .filter_map(|(id, sha256)| Some((id, (self.clips.get(&sha256)?.clone(), sha256))))
            .collect();
        let used: BTreeSet<&String> = files.values().map(|(_, sha256)| sha256).collect();
        self.clips.retain(|sha256, _| used.contains(sha256));
        let files = files.into_iter().map(|(id, (clip, _))| (id, clip)).collect();
        let Flows { speech, .. } = &flows;
        let unspoken = speech.iter().filter(|text| !spoken.contains_key(text)).cloned().collect();
        let mut spoken = spoken;
        let wanted: BTreeSet<_> = speech.iter().map(|s| (&s.text, &s.language, &s.voice)).collect();
        spoken.retain(|s, _| wanted.contains(&(&s.text, &s.language, &s.voice)));
        let snapshot = assemble::snapshot(contents.revision, catalogue, flows, files, spoken, previous);
        Loaded { snapshot, unspoken }
    }

    /// Checks the objects that changed. One that was written by a later version of the server may not be understood.
    fn catalogue(&mut self, objects: Vec<StoredObject>, passwords: &Passwords) -> Catalogue {
        let mut catalogue = Catalogue::default();
        let mut kept = HashMap::new();
        for object in objects {
            let key = (object.kind, object.id);
            let known = self.objects.remove(&key).filter(|(etag, _)| *etag == object.etag);
            let read =
                known.map(|(_, read)| read).or_else(|| match objects::check(object.kind, &object.document) {
                    Ok((checked, ..)) => Some(checked.object),
                    Err(findings) => {
                        let error = findings.first().map(ToString::to_string).unwrap_or_default();
                        tracing::error!(
                            kind = object.kind.word(),
                            id = key.1,
                            error,
                            "an object in the database cannot be read"
                        );
                        None
                    }
                });
            let Some(mut read) = read else { continue };
            passwords.fill(object.kind, &key.1, &object.document, &mut read);
            catalogue.add(key.1.clone(), read.clone());
            kept.insert(key, (object.etag, read));
        }
        self.objects = kept;
        catalogue
    }
}

#[cfg(test)]
mod tests;
