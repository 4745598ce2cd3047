//! Erasure of a caller: in call records, in the rows of the outbox that tell of them, and as an order for records that are
//! still on their way.

use super::change::Audited;
use super::rows::{pattern, placeholders};
use super::{Database, DatabaseError, Engine};
use crate::clock::Wall;
use crate::hidden::{Hidden, Numbers};
use crate::store::erasure::{ORDER_KEPT, Orders, digest, erase, mentions};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Records of one transaction, so that other writers wait for some tens of milliseconds.
const RECORDS_MAX: u32 = 100;
/// What was done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Erased {
    pub records: u64,
    /// Of the outbox.
    pub rows: u64,
}

impl Database {
    /// Takes a caller out of all records and of the outbox; `spellings` are those that the number may have. Records that
    /// reach the database later are erased on their way in, if their call began before `at`. What was not sent of the
    /// outbox is not sent any more. The audit log says that it was begun, and what was done.
    pub async fn erase_caller(
        &self,
        spellings: &[String],
        actor: &str,
        at: Wall,
    ) -> Result<Erased, DatabaseError> {
        let spellings: Vec<String> = spellings.iter().filter(|text| !text.is_empty()).cloned().collect();
        let Some(first) = spellings.first() else { return Ok(Erased::default()) };
        let object = in_audit(first);
        self.order_erasure(&spellings, &object, actor, at).await?;
        let mut erased = Erased::default();
        while let Some(more) = self.erase_some(&spellings, at).await? {
            erased.records += more.records;
            erased.rows += more.rows;
        }
        erased.rows += self.erase_rows_that_mention(&spellings, at).await?;
        let detail = format!("{} call records, {} rows of the outbox", erased.records, erased.rows);
        let mut change = self.change(actor, at).await?;
        let entry = Audited {
            action: "erased",
            kind: "caller",
            object: &object,
            detail: &detail,
            ..Audited::default()
        };
        change.audit(entry).await?;
        change.commit_quietly().await?;
        Ok(erased)
    }

    /// From here on no record of that caller comes in whole: transactions that have read the orders already are over, and
    /// their records are there to be erased.
    async fn order_erasure(
        &self,
        spellings: &[String],
        object: &str,
        actor: &str,
        at: Wall,
    ) -> Result<(), DatabaseError> {
        let mut change = self.change(actor, at).await?;
        if self.engine == Engine::Postgres {
            // Whoever writes records holds the weakest lock of this table to his end; this one waits for all of them.
            let lock = sqlx::query("LOCK TABLE erasures IN ACCESS EXCLUSIVE MODE");
            lock.execute(change.connection()).await?;
        }
        for spelling in spellings {
            const ORDER: &str = "INSERT INTO erasures (digest, at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            let query = sqlx::query(ORDER).bind(digest(spelling)).bind(at.as_unix_micros());
            query.execute(change.connection()).await?;
        }
        let detail = "begun";
        let entry = Audited { action: "erase", kind: "caller", object, detail, ..Audited::default() };
        change.audit(entry).await?;
        change.commit_quietly().await
    }

    /// The next records of that caller, with what the outbox has of them; `None` where there are none left.
    async fn erase_some(&self, spellings: &[String], at: Wall) -> Result<Option<Erased>, DatabaseError> {
        let mut transaction = self.begin_writing().await?;
        let select = format!(
            "SELECT node, call_id, document FROM call_records WHERE caller IN ({}) LIMIT {RECORDS_MAX}",
            placeholders(1, spellings.len())
        );
        let found = bind_all(sqlx::query(sqlx::AssertSqlSafe(select)), spellings);
        let found = found.fetch_all(&mut *transaction).await?;
        let mut keys = Vec::new();
        for row in &found {
            let (node, call_id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let mut document: Value = serde_json::from_str(row.try_get(2)?)?;
            erase(&mut document, at);
            const UPDATE: &str = "UPDATE call_records SET caller = '', call_key = '', sip_call_id = '', document = $1 \
                                  WHERE node = $2 AND call_id = $3";
            let query = sqlx::query(UPDATE).bind(document.to_string()).bind(&node).bind(&call_id);
            query.execute(&mut *transaction).await?;
            keys.push(format!("{node}/{call_id}"));
        }
        if keys.is_empty() {
            return Ok(None);
        }
        let mut erased = Erased { records: found.len() as u64, rows: 0 };
        let select = format!("SELECT id, payload FROM outbox WHERE key IN ({})", placeholders(1, keys.len()));
        let query = bind_all(sqlx::query(sqlx::AssertSqlSafe(select)), &keys);
        for row in query.fetch_all(&mut *transaction).await? {
            erase_row(&mut transaction, &row, at).await?;
            erased.rows += 1;
        }
        transaction.commit().await?;
        Ok(Some(erased))
    }

    /// Rows of the outbox that outlived their record, or tell of that caller in another way.
    async fn erase_rows_that_mention(&self, spellings: &[String], at: Wall) -> Result<u64, DatabaseError> {
        let likes: Vec<_> =
            (0..spellings.len()).map(|n| format!("payload LIKE ${} ESCAPE '!'", n + 2)).collect();
        let select = format!(
            "SELECT id, payload FROM outbox WHERE id > $1 AND ({}) ORDER BY id LIMIT {RECORDS_MAX}",
            likes.join(" OR ")
        );
        // As it stands in JSON, in quotes: a whole text.
        let quoted = |spelling: &String| pattern(&Value::from(spelling.as_str()).to_string());
        let patterns: Vec<String> = spellings.iter().map(quoted).collect();
        let (mut last, mut erased) = (i64::MIN, 0);
        loop {
            let query = sqlx::query(sqlx::AssertSqlSafe(select.clone())).bind(last);
            let rows = bind_all(query, &patterns).fetch_all(&self.pool).await?;
            let Some(end) = rows.last() else { return Ok(erased) };
            last = end.try_get(0)?;
            // The search is long, and locks nobody out; what it has found is changed in no time.
            let mut transaction = self.begin_writing().await?;
            for row in &rows {
                let payload = serde_json::from_str(row.try_get(1)?).unwrap_or_default();
                if mentions(&payload, spellings) {
                    erase_row(&mut transaction, row, at).await?;
                    erased += 1;
                }
            }
            transaction.commit().await?;
        }
    }

    /// Forgets orders that are older than any record that could still come.
    pub async fn forget_old_erasures(&self, now: Wall) -> Result<(), DatabaseError> {
        let delete = sqlx::query("DELETE FROM erasures WHERE at < $1");
        delete.bind((now - ORDER_KEPT).as_unix_micros()).execute(&self.pool).await?;
        Ok(())
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind_all<'q>(query: Query<'q>, texts: &[String]) -> Query<'q> {
    texts.iter().fold(query, |query, text| query.bind(text.clone()))
}

/// The audit log is no place for a number that is to be forgotten, whatever the log shows.
fn in_audit(number: &str) -> String {
    let shown = Hidden::number(number).showing(Numbers::Last4).to_string();
    if shown == number { "…".to_owned() } else { shown }
}

/// Reads `id, payload`. What was sent stays as sent; what was not is `erased`, which nobody has to look after.
async fn erase_row(connection: &mut AnyConnection, row: &AnyRow, at: Wall) -> Result<(), DatabaseError> {
    const UPDATE: &str = "UPDATE outbox SET payload = $1, last_error = NULL, \
                          state = CASE WHEN state = 'done' THEN state ELSE 'erased' END WHERE id = $2";
    let mut payload = serde_json::from_str(row.try_get(1)?).unwrap_or_default();
    erase(&mut payload, at);
    let query = sqlx::query(UPDATE).bind(payload.to_string()).bind(row.try_get::<i64, _>(0)?);
    query.execute(connection).await?;
    Ok(())
}

/// The orders that hold. Whoever reads them in a transaction sees each order that is committed before his end.
pub(super) async fn orders(connection: &mut AnyConnection) -> Result<Orders, DatabaseError> {
    let rows = sqlx::query("SELECT digest, at FROM erasures").fetch_all(connection).await?;
    let mut orders = Orders::default();
    for row in &rows {
        orders.add(row.try_get(0)?, Wall::from_unix_micros(row.try_get(1)?));
    }
    Ok(orders)
}

#[cfg(test)]
mod tests;
