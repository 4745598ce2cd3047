//! Call records: written once each, listed a page at a time.

use super::{Database, DatabaseError};
use crate::clock::Wall;
use serde_json::Value;
use sqlx::{AnyConnection, Row};

/// Records of one page; a reader that wants more asks again.
pub const PAGE_MAX: u32 = 500;

/// A record as it is written: JSON, with what lists go by beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredRecord {
    /// The server that had the call.
    pub node: String,
    pub call_id: String,
    pub started: Wall,
    pub ended: Wall,
    pub document: Value,
}

/// What a list shows.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Filter {
    pub number: Option<String>,
    pub flow_id: Option<String>,
    /// Not before, and before.
    pub from: Option<Wall>,
    pub until: Option<Wall>,
}

/// Where the next page begins: after this record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    pub started: Wall,
    pub node: String,
    pub call_id: String,
}

impl StoredRecord {
    /// Reads a record as the server writes it.
    pub fn from_document(node: &str, document: Value) -> Option<Self> {
        let time = |key: &str| {
            let timestamp: jiff::Timestamp = document.get(key)?.as_str()?.parse().ok()?;
            Some(Wall::from(timestamp))
        };
        let (call_id, started, ended) =
            (document.get("callId")?.as_str()?.to_owned(), time("start")?, time("end")?);
        Some(StoredRecord { node: node.to_owned(), call_id, started, ended, document })
    }

    pub fn cursor(&self) -> Cursor {
        Cursor { started: self.started, node: self.node.clone(), call_id: self.call_id.clone() }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.document.get(key)?.as_str()
    }
}

impl Database {
    /// Writes records in one transaction, and says how many were new. One that is there already stays as it is, so that
    /// whoever does not know whether a write went through may do it again.
    pub async fn write_records(&self, records: &[StoredRecord]) -> Result<u64, DatabaseError> {
        let mut transaction = self.pool.begin().await?;
        let mut new = 0;
        for record in records {
            new += insert(&mut transaction, record).await?;
        }
        transaction.commit().await?;
        Ok(new)
    }

    /// A page of records, the latest call first.
    pub async fn records(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, DatabaseError> {
        // Unused conditions compare with what matches all, so that there is one statement for each index.
        let after = after.cloned().unwrap_or(Cursor {
            started: Wall::from_unix_micros(i64::MAX),
            node: String::new(),
            call_id: String::new(),
        });
        let statement = match (&filter.number, &filter.flow_id) {
            (Some(_), _) => LIST_OF_NUMBER,
            (None, Some(_)) => LIST_OF_FLOW,
            (None, None) => LIST,
        };
        let rows = sqlx::query(statement)
            .bind(filter.number.as_deref().unwrap_or_default())
            .bind(filter.flow_id.as_deref().unwrap_or_default())
            .bind(filter.from.map_or(i64::MIN, Wall::as_unix_micros))
            .bind(filter.until.map_or(i64::MAX, Wall::as_unix_micros))
            .bind(after.started.as_unix_micros())
            .bind(after.node)
            .bind(after.call_id)
            .bind(i64::from(limit.clamp(1, PAGE_MAX)))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(StoredRecord {
                    node: row.try_get(0)?,
                    call_id: row.try_get(1)?,
                    started: Wall::from_unix_micros(row.try_get(2)?),
                    ended: Wall::from_unix_micros(row.try_get(3)?),
                    document: serde_json::from_str(row.try_get(4)?)?,
                })
            })
            .collect()
    }
}

macro_rules! list {
    ($condition:literal) => {
        concat!(
            "SELECT node, call_id, started, ended, document FROM call_records WHERE ",
            $condition,
            " AND started >= $3 AND started < $4 AND (started < $5 OR (started = $5 AND (node, call_id) > ($6, $7))) ",
            "ORDER BY started DESC, node, call_id LIMIT $8"
        )
    };
}
// Each names all parameters: PostgreSQL wants to know the type of every one.
const LIST: &str = list!("$1 = '' AND $2 = ''");
const LIST_OF_NUMBER: &str = list!("number = $1 AND ($2 = '' OR flow_id = $2)");
const LIST_OF_FLOW: &str = list!("$1 = '' AND flow_id = $2");

async fn insert(connection: &mut AnyConnection, record: &StoredRecord) -> Result<u64, DatabaseError> {
    let result = sqlx::query(
        "INSERT INTO call_records (node, call_id, started, ended, number, flow_id, version, caller, agent_id, \
         end_reason, outcome, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (node, call_id) DO NOTHING",
    )
    .bind(&record.node)
    .bind(&record.call_id)
    .bind(record.started.as_unix_micros())
    .bind(record.ended.as_unix_micros())
    .bind(record.text("number"))
    .bind(record.text("flowId"))
    .bind(record.document.get("version").and_then(Value::as_i64))
    .bind(record.text("from").unwrap_or_default())
    .bind(record.text("agentId"))
    .bind(record.text("endReason").unwrap_or_default())
    .bind(record.text("outcome"))
    .bind(record.document.to_string())
    .execute(connection)
    .await?;
    Ok(result.rows_affected())
}
