//! Objects in the database: made, replaced, deleted and listed, each with its etag.

use super::change::{Audited, Change};
use super::rows::{Page, searched};
use super::{Database, DatabaseError};
use crate::clock::Wall;
use crate::config::reader::{Finding, Severity};
use crate::store::objects::{self, Checked, Kind, Link};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::fmt;

/// An object as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredObject {
    pub kind: Kind,
    pub id: String,
    /// For people.
    pub name: String,
    pub etag: String,
    pub document: Value,
    pub updated: Wall,
}

/// What points to an object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
pub struct Pointer {
    pub kind: String,
    pub id: String,
    /// Of a flow, where calls may get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// Why something in the store was not changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the document has errors: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Invalid(Vec<Finding>),
    /// The codes of flows.md 1.5.
    #[error("the call flow has errors: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    InvalidFlow(Vec<crate::flow::Finding>),
    #[error("the {kind} \"{id}\" exists already")]
    Exists { kind: &'static str, id: String },
    #[error("there is no {kind} \"{id}\"")]
    Missing { kind: &'static str, id: String },
    #[error("the call flow \"{flow}\" has no version {version}")]
    MissingVersion { flow: String, version: u32 },
    #[error("it was changed by somebody else since it was read; its etag is {current} now")]
    Stale { current: String },
    #[error("{} {} to it", listed(.0), if .0.len() == 1 { "points" } else { "point" })]
    InUse(Vec<Pointer>),
    /// An id is what others go by.
    #[error("the document is of \"{document}\", not of \"{id}\": an id does not change")]
    Renamed { id: String, document: String },
    #[error("{0}")]
    Refused(&'static str),
    #[error("the name \"{name}\" is that of the call flow \"{flow}\" already")]
    NameTaken { name: String, flow: String },
    #[error(
        "the call flow \"{0}\" is active: set its status to paused first, and save that (a paused call flow goes on routing calls)"
    )]
    NotPaused(String),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::Database(error.into())
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} \"{}\"", if self.kind == "flow" { "call flow" } else { &self.kind }, self.id)?;
        self.version.map_or(Ok(()), |version| write!(f, " (version {version})"))
    }
}

fn listed(pointers: &[Pointer]) -> String {
    const SHOWN_MAX: usize = 10;
    let shown: Vec<String> = pointers.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    let rest = pointers.len().saturating_sub(SHOWN_MAX);
    if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { shown.join(", ") }
}

const COLUMNS: &str = "kind, id, name, etag, document, updated";

impl Database {
    pub async fn object(&self, kind: Kind, id: &str) -> Result<Option<StoredObject>, DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, kind, id).await
    }

    /// A page of the objects of a kind, by id, after the one of `after`; with `text` those whose id or name has it.
    pub async fn objects(
        &self,
        kind: Kind,
        text: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredObject>, DatabaseError> {
        let select = format!("SELECT {COLUMNS} FROM objects");
        let page = Page { text, after, limit };
        let rows = self.page(&select, "", Some(("kind", kind.word())), page).await?;
        rows.iter().map(of_row).collect()
    }

    /// What points to an object (`kind` is a [`Kind::word`], `flow` or `prompt`).
    pub async fn pointers_to(&self, kind: &str, id: &str) -> Result<Vec<Pointer>, DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        pointers(&mut connection, kind, id).await
    }
}

impl Change {
    /// Makes an object of a document.
    pub async fn create_object(&mut self, kind: Kind, document: &Value) -> Result<StoredObject, StoreError> {
        let (checked, document, _) = objects::check(kind, document).map_err(StoreError::Invalid)?;
        if find(self.connection(), kind, &checked.id).await?.is_some() {
            return Err(StoreError::Exists { kind: kind.word(), id: checked.id });
        }
        self.check_links(kind, &checked).await?;
        self.put_object(kind, &checked, document, None).await
    }

    /// Replaces an object. `etag` is that of the state which the editor has seen; `None` replaces any.
    pub async fn replace_object(
        &mut self,
        kind: Kind,
        id: &str,
        etag: Option<&str>,
        document: &Value,
    ) -> Result<StoredObject, StoreError> {
        let (checked, document, _) = objects::check(kind, document).map_err(StoreError::Invalid)?;
        if checked.id != id {
            return Err(StoreError::Renamed { id: id.to_owned(), document: checked.id });
        }
        let old = self.expect(kind, id, etag).await?;
        self.check_links(kind, &checked).await?;
        self.put_object(kind, &checked, document, Some(&old)).await
    }

    /// Deletes an object that nothing points to.
    pub async fn delete_object(
        &mut self,
        kind: Kind,
        id: &str,
        etag: Option<&str>,
    ) -> Result<(), StoreError> {
        let old = self.expect(kind, id, etag).await?;
        let pointers = pointers(self.connection(), kind.word(), id).await?;
        if !pointers.is_empty() {
            return Err(StoreError::InUse(pointers));
        }
        self.remove_object(&old).await
    }

    /// Takes an object out, whatever points to it.
    pub(crate) async fn remove_object(&mut self, old: &StoredObject) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM objects WHERE kind = $1 AND id = $2")
            .bind(old.kind.word())
            .bind(&old.id)
            .execute(self.connection())
            .await?;
        self.replace_links(old.kind.word(), &old.id, &[]).await?;
        let (kind, object, before) = (old.kind.word(), old.id.as_str(), Some(old.etag.as_str()));
        let entry =
            Audited { action: "delete", kind, object, before, detail: &old.name, ..Audited::default() };
        Ok(self.audit(entry).await?)
    }

    /// The object as it is, if that is what the editor has seen.
    async fn expect(&mut self, kind: Kind, id: &str, etag: Option<&str>) -> Result<StoredObject, StoreError> {
        let found = find(self.connection(), kind, id).await?;
        let old = found.ok_or_else(|| StoreError::Missing { kind: kind.word(), id: id.to_owned() })?;
        match etag {
            Some(etag) if etag != old.etag => Err(StoreError::Stale { current: old.etag }),
            _ => Ok(old),
        }
    }

    /// Writes a checked object; one that is as it was before is left alone.
    pub(crate) async fn put_object(
        &mut self,
        kind: Kind,
        checked: &Checked,
        document: Value,
        old: Option<&StoredObject>,
    ) -> Result<StoredObject, StoreError> {
        let text = document.to_string();
        let etag = objects::etag(&text);
        if let Some(old) = old.filter(|old| old.etag == etag) {
            return Ok(old.clone());
        }
        let at = self.at();
        sqlx::query(
            "INSERT INTO objects (kind, id, name, search, etag, document, place, updated) \
             VALUES ($1, $2, $3, $4, $5, $6, \
             (SELECT COALESCE(MAX(place), 0) + 1 FROM objects WHERE kind = $1), $7) \
             ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, search = excluded.search, \
             etag = excluded.etag, document = excluded.document, updated = excluded.updated",
        )
        .bind(kind.word())
        .bind(&checked.id)
        .bind(&checked.name)
        .bind(searched(&checked.id, &checked.name))
        .bind(&etag)
        .bind(&text)
        .bind(at.as_unix_micros())
        .execute(self.connection())
        .await?;
        let links: Vec<(u32, Link)> = checked.links.iter().map(|link| (0, link.clone())).collect();
        self.replace_links(kind.word(), &checked.id, &links).await?;
        self.audit(Audited {
            action: if old.is_some() { "replace" } else { "create" },
            kind: kind.word(),
            object: &checked.id,
            before: old.map(|old| old.etag.as_str()),
            after: Some(&etag),
            detail: &checked.name,
        })
        .await?;
        let (id, name) = (checked.id.clone(), checked.name.clone());
        Ok(StoredObject { kind, id, name, etag, document, updated: at })
    }

    /// Writes down what an object points to, each with the version of the flow that does (0 of other objects).
    pub(crate) async fn replace_links(
        &mut self,
        kind: &str,
        id: &str,
        links: &[(u32, Link)],
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM links WHERE from_kind = $1 AND from_id = $2")
            .bind(kind)
            .bind(id)
            .execute(self.connection())
            .await?;
        for (version, link) in links {
            sqlx::query(
                "INSERT INTO links (from_kind, from_id, version, to_kind, to_id) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(kind)
            .bind(id)
            .bind(i64::from(*version))
            .bind(link.kind)
            .bind(&link.id)
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }

    /// Whether all that an object points to is there.
    pub(crate) async fn check_links(&mut self, kind: Kind, checked: &Checked) -> Result<(), StoreError> {
        let mut findings = Vec::new();
        for link in &checked.links {
            let statement = match link.kind {
                "flow" => "SELECT COUNT(*) FROM flows WHERE id = $2 AND $1 <> ''",
                "prompt" => "SELECT COUNT(*) FROM prompts WHERE id = $2 AND $1 <> ''",
                _ => "SELECT COUNT(*) FROM objects WHERE kind = $1 AND id = $2",
            };
            let row =
                sqlx::query(statement).bind(link.kind).bind(&link.id).fetch_one(self.connection()).await?;
            if row.try_get::<i64, _>(0)? == 0 {
                let place = match (kind, link.kind) {
                    (Kind::Account, _) => "/assignAbandonedTo",
                    (_, "agent") => "/user",
                    (_, "list") => "/blockedCallers",
                    _ => "/flow",
                };
                findings.push(Finding {
                    severity: Severity::Error,
                    file: kind.word().to_owned(),
                    place: place.to_owned(),
                    message: format!("there is no {} \"{}\"", word(link.kind), link.id),
                    remedy: String::new(),
                });
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(StoreError::Invalid(findings)) }
    }
}

/// A kind in a sentence.
fn word(kind: &str) -> &str {
    match kind {
        "flow" => "call flow",
        "list" => "list of callers",
        other => other,
    }
}

/// All objects, each kind in the order in which they were made.
pub(crate) async fn all(connection: &mut AnyConnection) -> Result<Vec<StoredObject>, DatabaseError> {
    let statement = format!("SELECT {COLUMNS} FROM objects ORDER BY kind, place");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(connection).await?;
    rows.iter().map(of_row).collect()
}

async fn find(
    connection: &mut AnyConnection,
    kind: Kind,
    id: &str,
) -> Result<Option<StoredObject>, DatabaseError> {
    let statement = format!("SELECT {COLUMNS} FROM objects WHERE kind = $1 AND id = $2");
    let statement = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(kind.word()).bind(id);
    statement.fetch_optional(connection).await?.as_ref().map(of_row).transpose()
}

fn of_row(row: &AnyRow) -> Result<StoredObject, DatabaseError> {
    let kind: String = row.try_get(0)?;
    Ok(StoredObject {
        kind: Kind::of_word(&kind).ok_or(DatabaseError::Kind(kind))?,
        id: row.try_get(1)?,
        name: row.try_get(2)?,
        etag: row.try_get(3)?,
        document: serde_json::from_str(row.try_get(4)?)?,
        updated: Wall::from_unix_micros(row.try_get(5)?),
    })
}

pub(super) async fn pointers(
    connection: &mut AnyConnection,
    kind: &str,
    id: &str,
) -> Result<Vec<Pointer>, DatabaseError> {
    let rows = sqlx::query(
        "SELECT from_kind, from_id, version FROM links WHERE to_kind = $1 AND to_id = $2 \
         AND NOT (from_kind = $1 AND from_id = $2)",
    )
    .bind(kind)
    .bind(id)
    .fetch_all(connection)
    .await?;
    let pointers = rows.iter().map(|row| {
        let version: i64 = row.try_get(2)?;
        let version = u32::try_from(version).ok().filter(|version| *version > 0);
        Ok(Pointer { kind: row.try_get(0)?, id: row.try_get(1)?, version })
    });
    let mut pointers = pointers.collect::<Result<Vec<_>, DatabaseError>>()?;
    pointers.sort();
    Ok(pointers)
}

#[cfg(test)]
mod tests;
