//! Prompts in the database, with the files as they were recorded: one database is the whole truth.

use super::change::{Audited, Change};
use super::objects::{StoreError, pointers};
use super::rows::{Page, searched};
use super::{Database, DatabaseError};
use crate::audio::Clip;
use crate::clock::Wall;
use crate::ids::hex;
use crate::store::audio_file::{self, AudioFileError, EXTENSIONS};
use crate::store::objects::etag;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::time::Duration;

/// A studio's recording of a few minutes fits; what is larger belongs into mp3, ogg or flac.
pub const BYTES_MAX: usize = 50 * 1024 * 1024;
/// Half an hour of music on hold; more would be kept in memory for nobody.
pub const LENGTH_MAX: Duration = Duration::from_secs(30 * 60);

/// A prompt without its sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredPrompt {
    /// What flows name it by: `welcome`, `sales/closed`.
    pub id: String,
    /// For people.
    pub name: String,
    /// BCP 47; empty where nobody said.
    pub language: String,
    pub etag: String,
    /// Of the original file.
    pub sha256: String,
    /// Of the original file: `wav`, `mp3`, …
    pub extension: String,
    pub length: Duration,
    /// Of the original file, in Hz.
    pub sample_rate: u32,
    pub bytes: u64,
    pub updated: Wall,
}

/// Why a file is not taken for a prompt.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error(
        "the file has {0} bytes; at most {BYTES_MAX} (50 MB) are taken: put it there as mp3, ogg or flac"
    )]
    TooLarge(usize),
    #[error("the prompt lasts longer than 30 min; at most 30 are taken")]
    TooLong,
    #[error("\".{extension}\" is no format of prompts here; known are {}", EXTENSIONS.join(", "))]
    Extension { extension: String },
    #[error(transparent)]
    Audio(#[from] AudioFileError),
}

/// A file that was read and can be played.
pub struct PromptAudio {
    original: Vec<u8>,
    extension: String,
    sha256: String,
    sample_rate: u32,
    samples: Vec<i16>,
}

/// What people say about a prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PromptAbout<'a> {
    pub id: &'a str,
    /// The id where empty.
    pub name: &'a str,
    pub language: &'a str,
}

impl PromptAudio {
    /// Reads a file. Takes seconds where it is long: not for a thread that others wait for.
    pub fn read(original: Vec<u8>, extension: &str) -> Result<Self, PromptError> {
        if original.len() > BYTES_MAX {
            return Err(PromptError::TooLarge(original.len()));
        }
        let extension = extension.to_ascii_lowercase();
        if !EXTENSIONS.contains(&extension.as_str()) {
            return Err(PromptError::Extension { extension });
        }
        let sha256 = hex(&Sha256::digest(&original));
        let decoded = audio_file::read(&original, &extension, LENGTH_MAX).map_err(|error| match error {
            AudioFileError::TooLong(_) => PromptError::TooLong,
            other => PromptError::Audio(other),
        })?;
        Ok(PromptAudio { original, extension, sha256, sample_rate: decoded.rate, samples: decoded.samples })
    }

    pub fn length(&self) -> Duration {
        let rate = u64::from(crate::audio::SAMPLE_RATE);
        Duration::from_millis(self.samples.len() as u64 * 1_000 / rate)
    }

    /// At 8 kHz, as callers hear it.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

const COLUMNS: &str =
    "id, name, language, etag, sha256, extension, length_ms, sample_rate, bytes, updated FROM prompts";

impl Database {
    pub async fn prompt(&self, id: &str) -> Result<Option<StoredPrompt>, DatabaseError> {
        find(&mut *self.pool.acquire().await?, id).await
    }

    /// A page of the prompts, by id, after the one of `after`; with `text` those whose id or name has it.
    pub async fn prompts(
        &self,
        text: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredPrompt>, DatabaseError> {
        let rows = self.page(&format!("SELECT {COLUMNS}"), "", None, Page { text, after, limit }).await?;
        rows.iter().map(of_row).collect()
    }

    /// The file of a prompt as it was put there.
    pub async fn prompt_original(&self, sha256: &str) -> Result<Option<Vec<u8>>, DatabaseError> {
        original(&mut *self.pool.acquire().await?, sha256).await
    }
}

impl Change {
    pub async fn create_prompt(
        &mut self,
        about: PromptAbout<'_>,
        audio: &PromptAudio,
    ) -> Result<StoredPrompt, StoreError> {
        check_id(about.id)?;
        if find(self.connection(), about.id).await?.is_some() {
            return Err(StoreError::Exists { kind: "prompt", id: about.id.to_owned() });
        }
        self.put_prompt(about, audio, None).await
    }

    /// Replaces the sound of a prompt, or what people say about it. `etag` as with objects.
    pub async fn replace_prompt(
        &mut self,
        about: PromptAbout<'_>,
        etag: Option<&str>,
        audio: &PromptAudio,
    ) -> Result<StoredPrompt, StoreError> {
        let old = self.expect_prompt(about.id, etag).await?;
        self.put_prompt(about, audio, Some(&old)).await
    }

    /// Deletes a prompt that no flow plays.
    pub async fn delete_prompt(&mut self, id: &str, etag: Option<&str>) -> Result<(), StoreError> {
        let old = self.expect_prompt(id, etag).await?;
        let pointers = pointers(self.connection(), "prompt", id).await?;
        if !pointers.is_empty() {
            return Err(StoreError::InUse(pointers));
        }
        self.remove_prompt(&old).await
    }

    /// Takes a prompt out, whatever plays it.
    pub(crate) async fn remove_prompt(&mut self, old: &StoredPrompt) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM prompts WHERE id = $1").bind(&old.id).execute(self.connection()).await?;
        self.forget_audio(&old.sha256).await?;
        let (object, before, detail) = (old.id.as_str(), Some(old.etag.as_str()), old.name.as_str());
        let entry = Audited { action: "delete", kind: "prompt", object, before, after: None, detail };
        Ok(self.audit(entry).await?)
    }

    async fn expect_prompt(&mut self, id: &str, etag: Option<&str>) -> Result<StoredPrompt, StoreError> {
        let found = find(self.connection(), id).await?;
        let old = found.ok_or_else(|| StoreError::Missing { kind: "prompt", id: id.to_owned() })?;
        match etag {
            Some(etag) if etag != old.etag => Err(StoreError::Stale { current: old.etag }),
            _ => Ok(old),
        }
    }

    /// Writes a prompt; one that is as it was before is left alone.
    pub(crate) async fn put_prompt(
        &mut self,
        about: PromptAbout<'_>,
        audio: &PromptAudio,
        old: Option<&StoredPrompt>,
    ) -> Result<StoredPrompt, StoreError> {
        let name = if about.name.is_empty() { about.id } else { about.name };
        let tag = etag(&[about.id, name, about.language, &audio.sha256, &audio.extension].join("\0"));
        if let Some(old) = old.filter(|old| old.etag == tag) {
            return Ok(old.clone());
        }
        sqlx::query(
            "INSERT INTO prompt_audio (sha256, original) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING",
        )
        .bind(&audio.sha256)
        .bind(audio.original.as_slice())
        .execute(self.connection())
        .await?;
        let at = self.at();
        sqlx::query(
            "INSERT INTO prompts (id, name, search, language, etag, sha256, extension, length_ms, sample_rate, \
             bytes, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, search = excluded.search, \
             language = excluded.language, etag = excluded.etag, sha256 = excluded.sha256, \
             extension = excluded.extension, length_ms = excluded.length_ms, \
             sample_rate = excluded.sample_rate, bytes = excluded.bytes, updated = excluded.updated",
        )
        .bind(about.id)
        .bind(name)
        .bind(searched(about.id, name))
        .bind(about.language)
        .bind(&tag)
        .bind(&audio.sha256)
        .bind(&audio.extension)
        .bind(audio.length().as_millis() as i64)
        .bind(i64::from(audio.sample_rate))
        .bind(audio.original.len() as i64)
        .bind(at.as_unix_micros())
        .execute(self.connection())
        .await?;
        if let Some(old) = old.filter(|old| old.sha256 != audio.sha256) {
            self.forget_audio(&old.sha256).await?;
        }
        self.audit(Audited {
            action: if old.is_some() { "replace" } else { "create" },
            kind: "prompt",
            object: about.id,
            before: old.map(|old| old.etag.as_str()),
            after: Some(&tag),
            detail: name,
        })
        .await?;
        let stored = find(self.connection(), about.id).await?;
        stored.ok_or_else(|| StoreError::Missing { kind: "prompt", id: about.id.to_owned() })
    }

    /// Throws a file out that no prompt has any more.
    async fn forget_audio(&mut self, sha256: &str) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM prompt_audio WHERE sha256 = $1 \
             AND NOT EXISTS (SELECT 1 FROM prompts WHERE prompts.sha256 = $1)",
        )
        .bind(sha256)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

/// The id is a path below the folder of prompts where they are exported: it leads nowhere else.
pub(crate) fn check_id(id: &str) -> Result<(), StoreError> {
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.chars().any(|c| c.is_control() || c == '\\')
    };
    if id.chars().count() <= 100 && id.split('/').all(is_part) {
        return Ok(());
    }
    let message = "the id of a prompt has up to 100 characters: names that do not begin with a dot, with / between them";
    Err(StoreError::Refused(message))
}

/// Decodes a file of the database for playing.
pub(crate) fn clip(original: Vec<u8>, extension: &str) -> Result<Clip, AudioFileError> {
    Ok(Clip::from_samples(&audio_file::decode_kept(&original, extension)?))
}

/// All prompts, by id.
pub(crate) async fn all(connection: &mut AnyConnection) -> Result<Vec<StoredPrompt>, DatabaseError> {
    let statement = format!("SELECT {COLUMNS} ORDER BY id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(connection).await?;
    rows.iter().map(of_row).collect()
}

pub(crate) async fn original(
    connection: &mut AnyConnection,
    sha256: &str,
) -> Result<Option<Vec<u8>>, DatabaseError> {
    let statement = sqlx::query("SELECT original FROM prompt_audio WHERE sha256 = $1").bind(sha256);
    let row = statement.fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<StoredPrompt>, DatabaseError> {
    let statement = format!("SELECT {COLUMNS} WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(of_row).transpose()
}

fn of_row(row: &AnyRow) -> Result<StoredPrompt, DatabaseError> {
    let (length, rate, bytes): (i64, i64, i64) = (row.try_get(6)?, row.try_get(7)?, row.try_get(8)?);
    Ok(StoredPrompt {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        language: row.try_get(2)?,
        etag: row.try_get(3)?,
        sha256: row.try_get(4)?,
        extension: row.try_get(5)?,
        length: Duration::from_millis(u64::try_from(length).unwrap_or(0)),
        sample_rate: u32::try_from(rate).unwrap_or(0),
        bytes: u64::try_from(bytes).unwrap_or(0),
        updated: Wall::from_unix_micros(row.try_get(9)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::testing::for_each_engine;
    use crate::store::sample_sound;

    const NOON: Wall = Wall::from_unix_seconds(1_795_000_000);

    /// A WAV file of so many samples at 16 kHz.
    fn wav(samples: usize) -> Vec<u8> {
        wav_at(16_000, samples)
    }

    fn wav_at(sample_rate: u32, samples: usize) -> Vec<u8> {
        sample_sound::wav(sample_rate, (0..samples).map(|n| (n % 99) as i16))
    }

    fn audio(samples: usize) -> PromptAudio {
        PromptAudio::read(wav(samples), "WAV").unwrap_or_else(|error| panic!("{error}"))
    }

    fn about(id: &str) -> PromptAbout<'_> {
        PromptAbout { id, name: "", language: "en" }
    }

    #[test]
    fn a_prompt_comes_back_as_it_was_put_there() {
        for_each_engine(async |database| {
            let mut change = database.change("ann", NOON).await.unwrap();
            let made = change.create_prompt(about("sales/closed"), &audio(32_000)).await.unwrap();
            assert!(matches!(
                change.create_prompt(about("sales/closed"), &audio(9)).await,
                Err(StoreError::Exists { .. })
            ));
            change.commit().await.unwrap();
            let found = database.prompt("sales/closed").await.unwrap().unwrap();
            assert_eq!(found, made);
            assert_eq!(
                (found.length, found.sample_rate, found.extension.as_str()),
                (Duration::from_secs(2), 16_000, "wav")
            );
            assert_eq!(database.prompt_original(&found.sha256).await.unwrap().unwrap(), wav(32_000));
            assert_eq!(database.prompts(Some("CLOSED"), None, 10).await.unwrap(), [made]);
        });
    }

    #[test]
    fn a_file_is_kept_once_and_goes_with_the_last_prompt_that_has_it() {
        for_each_engine(async |database| {
            let mut change = database.change("ann", NOON).await.unwrap();
            let first = change.create_prompt(about("a"), &audio(800)).await.unwrap();
            change.create_prompt(about("b"), &audio(800)).await.unwrap();
            let stale = change.replace_prompt(about("a"), Some("stale"), &audio(900)).await;
            assert!(matches!(stale, Err(StoreError::Stale { .. })));
            let second = change.replace_prompt(about("a"), Some(&first.etag), &audio(900)).await.unwrap();
            change.commit().await.unwrap();
            assert_ne!(first.sha256, second.sha256);
            assert!(database.prompt_original(&first.sha256).await.unwrap().is_some());
            let mut change = database.change("ann", NOON).await.unwrap();
            change.delete_prompt("b", None).await.unwrap();
            change.commit().await.unwrap();
            assert!(database.prompt_original(&first.sha256).await.unwrap().is_none());
            assert!(database.prompt_original(&second.sha256).await.unwrap().is_some());
        });
    }

    #[test]
    fn what_is_too_large_too_long_or_no_sound_is_refused_with_the_reason() {
        for (bytes, extension, expected) in [
            (vec![0; BYTES_MAX + 1], "wav", "at most 52428800 (50 MB)"),
            (b"no sound".to_vec(), "wav", "no sound format that is known"),
            (wav(10), "txt", "\".txt\" is no format of prompts here"),
            (wav_at(8_000, 8_000 * 60 * 31), "wav", "the prompt lasts longer than 30 min; at most 30"),
        ] {
            let error = PromptAudio::read(bytes, extension).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
        for id in ["", "../x", "/x", "a//b", ".a", "a/.b", "a\\b", "a\u{0}"] {
            assert!(check_id(id).is_err(), "{id}");
        }
        assert!(check_id("sales/Öffnungszeiten 2").is_ok());
    }
}
