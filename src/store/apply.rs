//! From a provisioned folder into the database: at the first start, at every start and reload, or by `cordboard import`.

use super::database::change::Change;
use super::database::flows::FlowHead;
use super::database::objects::{StoreError, StoredObject};
use super::database::prompts::{self, PromptAbout, PromptAudio, PromptError, StoredPrompt};
use super::database::publish::{Published, Rollout};
use super::database::{Database, DatabaseError, flows, objects as stored};
use super::objects::Kind;
use super::plan;
use super::prompts::PromptFile;
use super::provision::Provisioned;
use crate::clock::Wall;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The comment of versions that come from files.
const COMMENT: &str = "provisioned";

/// What becomes of what the files do not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    Stay,
    /// The files are the truth.
    Go,
}

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    pub written: usize,
    pub published: usize,
    /// What was taken out, each as it is called in a sentence.
    pub removed: Vec<String>,
}

/// Why a folder was not taken into the database. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("{} cannot be read: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("{}: {error}", path.display())]
    Prompt { path: PathBuf, error: PromptError },
    #[error("the {kind} \"{id}\": {error}")]
    Object { kind: &'static str, id: String, error: StoreError },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("reading prompts was broken off: {0}")]
    Broken(String),
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> Self {
        ApplyError::Database(error.into())
    }
}

/// A prompt file as it is to be kept; without audio where the database has it already.
struct NewPrompt {
    id: String,
    name: String,
    language: String,
    audio: PromptAudio,
}

/// Fills a store that nothing was ever put into; any other is left alone. Whether it was filled.
pub async fn seed(
    database: &Database,
    provisioned: &Provisioned,
    actor: &str,
    at: Wall,
) -> Result<Option<Applied>, ApplyError> {
    if !is_empty(database).await? {
        return Ok(None);
    }
    apply(database, provisioned, Others::Stay, actor, at).await.map(Some)
}

/// Whether a store was never filled.
pub async fn is_empty(database: &Database) -> Result<bool, DatabaseError> {
    let mut look = database.look().await?;
    let row = sqlx::query(
        "SELECT seeded + (SELECT COUNT(*) FROM objects) + (SELECT COUNT(*) FROM flows) \
         + (SELECT COUNT(*) FROM prompts) FROM changes WHERE id = 1",
    );
    let row = row.fetch_one(&mut *look).await?;
    let count: i64 = sqlx::Row::try_get(&row, 0)?;
    look.commit().await?;
    Ok(count == 0)
}

/// Brings the database to what the files say, in one change or not at all. What is the same already is not touched, so
/// that applying the same files again changes nothing.
pub async fn apply(
    database: &Database,
    provisioned: &Provisioned,
    others: Others,
    actor: &str,
    at: Wall,
) -> Result<Applied, ApplyError> {
    let known: BTreeMap<String, StoredPrompt> = {
        let mut look = database.look().await?;
        let all = prompts::all(&mut look).await?;
        all.into_iter().map(|prompt| (prompt.id.clone(), prompt)).collect()
    };
    // Decoded before the change begins: others wait for its end.
    let new_prompts = read_prompts(provisioned, &known).await?;
    let mut work = Work { change: database.change(actor, at).await?, applied: Applied::default() };
    work.prompts(&new_prompts, &known).await?;
    let before = stored::all(work.change.connection()).await?;
    let before: BTreeMap<(Kind, String), StoredObject> =
        before.into_iter().map(|object| ((object.kind, object.id.clone()), object)).collect();
    work.objects(provisioned, &before, |kind| !matches!(kind, Kind::Number | Kind::Simulation)).await?;
    let flows = work.flows(provisioned).await?;
    work.objects(provisioned, &before, |kind| matches!(kind, Kind::Number | Kind::Simulation)).await?;
    if others == Others::Go {
        work.remove(provisioned, before, flows, known).await?;
    }
    sqlx::query("UPDATE changes SET seeded = 1 WHERE id = 1").execute(work.change.connection()).await?;
    // Nobody needs to load what is as it was.
    if work.applied == Applied::default() {
        work.change.commit_quietly().await?;
    } else {
        work.change.commit().await?;
    }
    Ok(work.applied)
}

struct Work {
    change: Change,
    applied: Applied,
}

impl Work {
    async fn prompts(
        &mut self,
        new: &[NewPrompt],
        known: &BTreeMap<String, StoredPrompt>,
    ) -> Result<(), ApplyError> {
        for prompt in new {
            prompts::check_id(&prompt.id).map_err(of("prompt", &prompt.id))?;
            let about = PromptAbout { id: &prompt.id, name: &prompt.name, language: &prompt.language };
            let put = self.change.put_prompt(about, &prompt.audio, known.get(&prompt.id)).await;
            put.map_err(of("prompt", &prompt.id))?;
            self.applied.written += 1;
        }
        Ok(())
    }

    async fn objects(
        &mut self,
        provisioned: &Provisioned,
        before: &BTreeMap<(Kind, String), StoredObject>,
        wanted: impl Fn(Kind) -> bool,
    ) -> Result<(), ApplyError> {
        for (kind, checked, document) in provisioned.objects.iter().filter(|(kind, ..)| wanted(*kind)) {
            let old = before.get(&(*kind, checked.id.clone()));
            let put = self.change.put_object(*kind, checked, document.clone(), old).await;
            let put = put.map_err(of(kind.word(), &checked.id))?;
            if old.is_none_or(|old| old.etag != put.etag) {
                self.applied.written += 1;
                // What the files lean on in the store may have gone since they were read.
                if *kind == Kind::Number {
                    let found = self.change.check_links(*kind, checked).await;
                    found.map_err(of(kind.word(), &checked.id))?;
                }
            }
        }
        Ok(())
    }

    /// Flows whose live version is another are published, then drafts saved. A draft of a flow that did not change stays
    /// where the files have none. Gives the flows as they were before.
    async fn flows(&mut self, provisioned: &Provisioned) -> Result<Vec<FlowHead>, ApplyError> {
        let before = flows::heads(self.change.connection()).await?;
        let mut documents = Vec::new();
        for source in &provisioned.sources {
            let document: Value = serde_json::from_str(&source.live.document).map_err(DatabaseError::from)?;
            documents.push((&source.id, document));
        }
        // All are there before the first is published: they may run one another.
        let mut known: BTreeSet<&String> = before.iter().map(|flow| &flow.id).collect();
        let drafts = provisioned.drafts.iter().map(|(id, document)| (id, document));
        for (id, document) in documents.iter().map(|(id, document)| (*id, document)).chain(drafts) {
            if known.insert(id) {
                self.change.create_flow(document).await.map_err(of("call flow", id))?;
            }
        }
        for (id, document) in documents {
            let actor = self.change.actor().to_owned();
            let published = self.change.publish_document(id, &document, COMMENT, &actor, Rollout::Live).await;
            if let Published::Version { .. } = published.map_err(of("call flow", id))? {
                self.change.save_draft(id, None, &document).await.map_err(of("call flow", id))?;
                self.applied.published += 1;
            }
        }
        for (id, document) in &provisioned.drafts {
            let etag = self.change.save_draft(id, None, document).await.map_err(of("draft", id))?;
            if before.iter().find(|flow| flow.id == *id).is_none_or(|flow| flow.draft_etag != etag) {
                self.applied.written += 1;
            }
        }
        Ok(before)
    }

    /// Takes out what the files do not have. They were checked as a whole: nothing in them points to it.
    async fn remove(
        &mut self,
        provisioned: &Provisioned,
        objects: BTreeMap<(Kind, String), StoredObject>,
        flows: Vec<FlowHead>,
        prompts: BTreeMap<String, StoredPrompt>,
    ) -> Result<(), ApplyError> {
        let kept: BTreeSet<(Kind, &str)> =
            provisioned.objects.iter().map(|(kind, checked, _)| (*kind, checked.id.as_str())).collect();
        for ((kind, id), object) in &objects {
            if !kept.contains(&(*kind, id.as_str())) {
                self.change.remove_object(object).await.map_err(of(kind.word(), id))?;
                self.applied.removed.push(plan::object(*kind, id));
            }
        }
        for flow in &flows {
            let is_kept = provisioned.sources.iter().any(|source| source.id == flow.id)
                || provisioned.drafts.iter().any(|(id, _)| *id == flow.id);
            if !is_kept {
                self.change.remove_flow(flow).await.map_err(of("call flow", &flow.id))?;
                self.applied.removed.push(plan::flow(&flow.id));
            }
        }
        for (id, prompt) in &prompts {
            if !provisioned.prompt_files.iter().any(|file| file.id == *id) {
                self.change.remove_prompt(prompt).await.map_err(of("prompt", id))?;
                self.applied.removed.push(plan::prompt(id));
            }
        }
        Ok(())
    }
}

fn of(kind: &'static str, id: &str) -> impl FnOnce(StoreError) -> ApplyError {
    let id = id.to_owned();
    move |error| match error {
        StoreError::Database(error) => ApplyError::Database(error),
        error => ApplyError::Object { kind, id, error },
    }
}

/// Prompts that are new or other than those in the database.
async fn read_prompts(
    provisioned: &Provisioned,
    known: &BTreeMap<String, StoredPrompt>,
) -> Result<Vec<NewPrompt>, ApplyError> {
    let mut new = Vec::new();
    for file in &provisioned.prompt_files {
        let (name, language) = provisioned.prompt_about.get(&file.id).cloned().unwrap_or_default();
        let (file, known) = (file.clone(), known.get(&file.id).cloned());
        let is_played = provisioned.plays(&file.id);
        let read = tokio::task::spawn_blocking(move || read_prompt(&file, name, language, known.as_ref()));
        match read.await.map_err(|error| ApplyError::Broken(error.to_string()))? {
            Ok(prompt) => new.extend(prompt),
            // As with files alone: a broken one that no flow plays stops nothing.
            Err(ApplyError::Prompt { path, error }) if !is_played => {
                tracing::warn!(path = %path.display(), %error, "a prompt that no call flow plays is left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(new)
}

fn read_prompt(
    file: &PromptFile,
    name: String,
    language: String,
    known: Option<&StoredPrompt>,
) -> Result<Option<NewPrompt>, ApplyError> {
    let original = original_of(file)?;
    if known.is_some_and(|known| is_kept(known, file, &name, &language, &original)) {
        return Ok(None);
    }
    let path = file.path.clone();
    let audio =
        PromptAudio::read(original, &extension(file)).map_err(|error| ApplyError::Prompt { path, error })?;
    Ok(Some(NewPrompt { id: file.id.clone(), name, language, audio }))
}

/// A prompt file as it was recorded.
#[expect(clippy::disallowed_methods, reason = "a provisioned file on its way into the database")]
pub(super) fn original_of(file: &PromptFile) -> Result<Vec<u8>, ApplyError> {
    std::fs::read(&file.path).map_err(|error| ApplyError::File { path: file.path.clone(), error })
}

/// Whether the database has a prompt file already, and what people say about it.
pub(super) fn is_kept(
    known: &StoredPrompt,
    file: &PromptFile,
    name: &str,
    language: &str,
    original: &[u8],
) -> bool {
    known.extension == extension(file)
        && known.language == language
        && known.name == if name.is_empty() { &file.id } else { name }
        && known.sha256 == crate::ids::hex(&<sha2::Sha256 as sha2::Digest>::digest(original))
}

fn extension(file: &PromptFile) -> String {
    file.path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
