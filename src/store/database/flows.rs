//! The life of a flow: one draft, published into versions that never change, of which one is live.

use super::change::{Audited, Change};
use super::objects::{StoreError, pointers};
use super::rows::{Page, searched};
use super::{Database, DatabaseError};
use crate::clock::Wall;
use crate::store::flow_links;
use crate::store::objects::{Link, etag};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Versions of one page.
const PAGE_MAX: u32 = 500;
/// Longest comment of a version, in characters.
const COMMENT_CHARS_MAX: usize = 1_000;

/// A flow without its documents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlowHead {
    pub id: String,
    /// Of the draft.
    pub name: String,
    /// Of the draft. A paused flow goes on routing calls; it may be deleted.
    pub is_paused: bool,
    pub draft_etag: String,
    pub draft_author: String,
    pub draft_saved: Wall,
    /// What calls get; `None` until it is published for the first time.
    pub live: Option<u32>,
    /// The highest number that was given.
    pub last_version: u32,
    /// A version that so many of a hundred callers get instead.
    pub canary: Option<(u32, u8)>,
    pub scheduled: Option<Scheduled>,
}

/// A publication to come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scheduled {
    pub due: Wall,
    pub author: String,
    pub comment: String,
    /// Of the draft as it was when the time was set: that one is published.
    pub etag: String,
    /// Why it was not published when its time had come.
    pub failure: Option<String>,
}

/// What was published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishedVersion {
    pub version: u32,
    /// SHA-256 of what matters in the document (not where its steps are drawn).
    pub digest: String,
    pub author: String,
    pub comment: String,
    pub published: Wall,
}

const HEAD: &str = "SELECT f.id, f.name, f.status, f.draft_etag, f.draft_author, f.draft_saved, f.live, \
     f.last_version, f.canary, f.canary_share, s.due, s.author, s.comment, s.failure, s.document \
     FROM flows f LEFT JOIN flow_schedule s ON s.flow_id = f.id";

impl Database {
    pub async fn flow(&self, id: &str) -> Result<Option<FlowHead>, DatabaseError> {
        head(&mut *self.pool.acquire().await?, id).await
    }

    /// A page of the flows, by id, after the one of `after`; with `text` those whose id or name has it.
    pub async fn flows(
        &self,
        text: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<FlowHead>, DatabaseError> {
        let rows = self.page(HEAD, "f.", None, Page { text, after, limit }).await?;
        rows.iter().map(head_of_row).collect()
    }

    /// The draft with its etag.
    pub async fn flow_draft(&self, id: &str) -> Result<Option<(Value, String)>, DatabaseError> {
        draft(&mut *self.pool.acquire().await?, id).await
    }

    /// The document of a version.
    pub async fn flow_version(&self, id: &str, version: u32) -> Result<Option<Value>, DatabaseError> {
        let text = version_text(&mut *self.pool.acquire().await?, id, version).await?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// A page of a flow's versions, the latest first, before the version `before`.
    pub async fn flow_versions(
        &self,
        id: &str,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PublishedVersion>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT version, digest, author, comment, published FROM flow_versions \
             WHERE flow_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3",
        )
        .bind(id)
        .bind(before.map_or(i64::MAX, i64::from))
        .bind(i64::from(limit.clamp(1, PAGE_MAX)))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(PublishedVersion {
                    version: number(row.try_get(0)?),
                    digest: row.try_get(1)?,
                    author: row.try_get(2)?,
                    comment: row.try_get(3)?,
                    published: Wall::from_unix_micros(row.try_get(4)?),
                })
            })
            .collect()
    }
}

impl Change {
    /// Makes a flow with a draft and no version. Gives its id and the draft's etag.
    pub async fn create_flow(&mut self, document: &Value) -> Result<(String, String), StoreError> {
        let id = flow_id(document)?;
        if head(self.connection(), &id).await?.is_some() {
            return Err(StoreError::Exists { kind: "call flow", id });
        }
        let row = sqlx::query("SELECT last_version FROM flow_tombstones WHERE id = $1")
            .bind(&id)
            .fetch_optional(self.connection())
            .await?;
        let last: i64 = row.map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
        sqlx::query(
            "INSERT INTO flows (id, name, search, name_key, status, draft, draft_etag, draft_author, draft_saved, \
             last_version) VALUES ($1, '', '', $1, '', '', '', '', 0, $2)",
        )
        .bind(&id)
        .bind(last)
        .execute(self.connection())
        .await?;
        let etag = self.write_draft(&id, document, None).await?;
        Ok((id, etag))
    }

    /// Saves the draft. `etag` is that of the draft which the editor has seen; `None` replaces any. A draft may have
    /// errors; they are looked at when it is published.
    pub async fn save_draft(
        &mut self,
        id: &str,
        etag: Option<&str>,
        document: &Value,
    ) -> Result<String, StoreError> {
        let own = flow_id(document)?;
        if own != id {
            return Err(StoreError::Renamed { id: id.to_owned(), document: own });
        }
        let (_, current) = self.existing_draft(id).await?;
        if etag.is_some_and(|etag| etag != current) {
            return Err(StoreError::Stale { current });
        }
        self.write_draft(id, document, Some(&current)).await
    }

    async fn write_draft(
        &mut self,
        id: &str,
        document: &Value,
        before: Option<&str>,
    ) -> Result<String, StoreError> {
        let text = document.to_string();
        if text.len() > crate::flow::DOCUMENT_BYTES_MAX {
            return Err(StoreError::Refused("the call flow is larger than 512 KB"));
        }
        // More could never be published, and whoever compares drafts would pay for it.
        let steps = document.get("steps").and_then(Value::as_object).map_or(0, serde_json::Map::len);
        if steps > crate::flow::STEPS_MAX {
            return Err(StoreError::Refused(
                "the call flow has more than 500 steps: split it into several that lead to each other",
            ));
        }
        let name = flow_name(document, id);
        self.check_name(id, &name).await?;
        let tag = etag(&text);
        if before == Some(tag.as_str()) {
            return Ok(tag);
        }
        let (at, author) = (self.at().as_unix_micros(), self.actor().to_owned());
        sqlx::query(
            "UPDATE flows SET name = $2, search = $3, name_key = $4, status = $5, draft = $6, draft_etag = $7, \
             draft_author = $8, draft_saved = $9 WHERE id = $1",
        )
        .bind(id)
        .bind(&name)
        .bind(searched(id, &name))
        .bind(name.to_lowercase())
        .bind(status(document))
        .bind(&text)
        .bind(&tag)
        .bind(author)
        .bind(at)
        .execute(self.connection())
        .await?;
        let action = if before.is_some() { "save draft" } else { "create" };
        let (after, detail) = (Some(tag.as_str()), name.as_str());
        self.audit(Audited { action, kind: "flow", object: id, before, after, detail }).await?;
        Ok(tag)
    }

    /// Names tell flows apart in lists and reports: each is taken once, by a draft or by what is live.
    pub(super) async fn check_name(&mut self, id: &str, name: &str) -> Result<(), StoreError> {
        let row =
            sqlx::query("SELECT id FROM flows WHERE id <> $1 AND (name_key = $2 OR live_name_key = $2)")
                .bind(id)
                .bind(name.to_lowercase())
                .fetch_optional(self.connection())
                .await?;
        match row {
            Some(row) => Err(StoreError::NameTaken { name: name.to_owned(), flow: row.try_get(0)? }),
            None => Ok(()),
        }
    }

    /// Deletes a flow that is paused and that nothing points to, with all its versions.
    pub async fn delete_flow(&mut self, id: &str, etag: Option<&str>) -> Result<(), StoreError> {
        let flow = self.existing_flow(id).await?;
        if etag.is_some_and(|etag| etag != flow.draft_etag) {
            return Err(StoreError::Stale { current: flow.draft_etag });
        }
        let pointers = pointers(self.connection(), "flow", id).await?;
        if !pointers.is_empty() {
            return Err(StoreError::InUse(pointers));
        }
        if !flow.is_paused {
            return Err(StoreError::NotPaused(id.to_owned()));
        }
        self.remove_flow(&flow).await
    }

    /// Takes a flow out, whatever points to it.
    pub(crate) async fn remove_flow(&mut self, flow: &FlowHead) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO flow_tombstones (id, last_version) VALUES ($1, $2) \
             ON CONFLICT (id) DO UPDATE SET last_version = excluded.last_version",
        )
        .bind(&flow.id)
        .bind(i64::from(flow.last_version))
        .execute(self.connection())
        .await?;
        for statement in [
            "DELETE FROM flow_versions WHERE flow_id = $1",
            "DELETE FROM flow_schedule WHERE flow_id = $1",
            "DELETE FROM flows WHERE id = $1",
        ] {
            sqlx::query(statement).bind(&flow.id).execute(self.connection()).await?;
        }
        self.replace_links("flow", &flow.id, &[]).await?;
        let (object, before) = (flow.id.as_str(), Some(flow.draft_etag.as_str()));
        let detail = flow.name.as_str();
        Ok(self
            .audit(Audited { action: "delete", kind: "flow", object, before, after: None, detail })
            .await?)
    }

    /// That the draft of a flow is the one of `etag`, where one is given: for what changes other things of the flow.
    pub async fn expect_flow(&mut self, id: &str, etag: Option<&str>) -> Result<(), StoreError> {
        let current = self.existing_flow(id).await?.draft_etag;
        if etag.is_some_and(|etag| etag != current) {
            return Err(StoreError::Stale { current });
        }
        Ok(())
    }

    /// A flow as the change has it so far.
    pub async fn existing_flow(&mut self, id: &str) -> Result<FlowHead, StoreError> {
        let found = head(self.connection(), id).await?;
        found.ok_or_else(|| StoreError::Missing { kind: "call flow", id: id.to_owned() })
    }

    pub(super) async fn existing_draft(&mut self, id: &str) -> Result<(Value, String), StoreError> {
        let found = draft(self.connection(), id).await?;
        found.ok_or_else(|| StoreError::Missing { kind: "call flow", id: id.to_owned() })
    }

    /// Writes down what those versions of a flow point to that calls may get, or will get at a time that is set.
    pub(super) async fn link_flow(&mut self, id: &str) -> Result<(), StoreError> {
        let flow = self.existing_flow(id).await?;
        let mut links: Vec<(u32, Link)> = Vec::new();
        for version in flow.live.into_iter().chain(flow.canary.map(|(version, _)| version)) {
            let text = version_text(self.connection(), id, version).await?.unwrap_or_default();
            let document: Value = serde_json::from_str(&text).map_err(DatabaseError::from)?;
            links.extend(flow_links::links(&document).into_iter().map(|link| (version, link)));
        }
        if let Some(document) = scheduled_document(self.connection(), id).await? {
            links.extend(flow_links::links(&document).into_iter().map(|link| (0, link)));
        }
        self.replace_links("flow", id, &links).await
    }
}

/// The id that a document says. It is the name of a file as well, where flows are exported.
pub(crate) fn flow_id(document: &Value) -> Result<String, StoreError> {
    let id = document.get("id").and_then(Value::as_str).unwrap_or_default();
    let fits = (1..=80).contains(&id.len())
        && !id.starts_with('.')
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if fits {
        return Ok(id.to_owned());
    }
    Err(StoreError::Refused(
        "the id of a call flow has 1 to 80 letters, digits, dots, dashes and underscores",
    ))
}

/// The name that a document says, cut to what a name may have.
pub(super) fn flow_name(document: &Value, id: &str) -> String {
    let name = document.get("name").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    name.unwrap_or(id).chars().take(80).collect()
}

/// The status that a document sets.
fn status(document: &Value) -> &'static str {
    if document["settings"]["status"] == "paused" { "paused" } else { "active" }
}

/// A comment that is not too long.
pub(super) fn comment(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(COMMENT_CHARS_MAX).collect()
}

pub(super) fn number(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

pub(super) async fn head(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<FlowHead>, DatabaseError> {
    let statement = format!("{HEAD} WHERE f.id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(head_of_row).transpose()
}

/// All flows, by id.
pub(crate) async fn heads(connection: &mut AnyConnection) -> Result<Vec<FlowHead>, DatabaseError> {
    let statement = format!("{HEAD} ORDER BY f.id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(connection).await?;
    rows.iter().map(head_of_row).collect()
}

/// The digests of the live versions, by flow.
pub(crate) async fn live_digests(
    connection: &mut AnyConnection,
) -> Result<BTreeMap<String, String>, DatabaseError> {
    let rows = sqlx::query(
        "SELECT f.id, v.digest FROM flows f JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.live",
    );
    let rows = rows.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

fn head_of_row(row: &AnyRow) -> Result<FlowHead, DatabaseError> {
    let status: String = row.try_get(2)?;
    let (live, canary, share): (Option<i64>, Option<i64>, Option<i64>) =
        (row.try_get(6)?, row.try_get(8)?, row.try_get(9)?);
    let due: Option<i64> = row.try_get(10)?;
    let scheduled = match due {
        Some(due) => Some(Scheduled {
            due: Wall::from_unix_micros(due),
            author: row.try_get(11)?,
            comment: row.try_get(12)?,
            etag: etag(row.try_get(14)?),
            failure: row.try_get(13)?,
        }),
        None => None,
    };
    Ok(FlowHead {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        is_paused: status == "paused",
        draft_etag: row.try_get(3)?,
        draft_author: row.try_get(4)?,
        draft_saved: Wall::from_unix_micros(row.try_get(5)?),
        live: live.map(number),
        last_version: number(row.try_get(7)?),
        canary: canary.zip(share).map(|(version, share)| (number(version), u8::try_from(share).unwrap_or(1))),
        scheduled,
    })
}

/// The draft of a flow, and its etag.
pub(crate) async fn draft(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<(Value, String)>, DatabaseError> {
    let statement = sqlx::query("SELECT draft, draft_etag FROM flows WHERE id = $1").bind(id);
    let Some(row) = statement.fetch_optional(connection).await? else { return Ok(None) };
    Ok(Some((serde_json::from_str(row.try_get(0)?)?, row.try_get(1)?)))
}

pub(crate) async fn version_text(
    connection: &mut AnyConnection,
    id: &str,
    version: u32,
) -> Result<Option<Arc<str>>, DatabaseError> {
    let row = sqlx::query("SELECT document FROM flow_versions WHERE flow_id = $1 AND version = $2")
        .bind(id)
        .bind(i64::from(version))
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| row.try_get::<String, _>(0)).transpose()?.map(Arc::from))
}

async fn scheduled_document(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<Value>, DatabaseError> {
    let row = sqlx::query("SELECT document FROM flow_schedule WHERE flow_id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    let text = row.map(|row| row.try_get::<String, _>(0)).transpose()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}
