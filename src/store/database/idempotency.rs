//! Answers to creations by the key that came with them.

use super::{Database, DatabaseError};
use crate::clock::Wall;
use sqlx::Row;

/// An answer that is given again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptAnswer {
    pub status: u16,
    /// Lines of `name: value`.
    pub headers: String,
    pub body: String,
}

/// What is known of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Known {
    /// Nothing until now: the request is to be carried out, and its answer kept.
    New,
    /// The first request with it still runs.
    Running,
    /// New, and the owner has used as many as may be used at a time.
    Full,
    /// It came with another request.
    OtherRequest,
    Answered(KeptAnswer),
}

impl Database {
    /// Takes a key for a request. One that was taken before `abandoned_before` and never answered is taken over: its
    /// server has gone.
    pub async fn take_key(
        &self,
        owner: &str,
        key: &str,
        request: &str,
        now: Wall,
        abandoned_before: Wall,
        most: u32,
    ) -> Result<Known, DatabaseError> {
        let mut transaction = self.begin_writing().await?;
        sqlx::query(
            "DELETE FROM idempotency_keys WHERE owner = $1 AND key = $2 AND status IS NULL AND created <= $3",
        )
        .bind(owner)
        .bind(key)
        .bind(abandoned_before.as_unix_micros())
        .execute(&mut *transaction)
        .await?;
        let inserted = sqlx::query(
            "INSERT INTO idempotency_keys (owner, key, request, headers, body, created) \
             VALUES ($1, $2, $3, '', '', $4) ON CONFLICT (owner, key) DO NOTHING",
        )
        .bind(owner)
        .bind(key)
        .bind(request)
        .bind(now.as_unix_micros())
        .execute(&mut *transaction)
        .await?;
        let known = if inserted.rows_affected() == 1 {
            let count = sqlx::query("SELECT COUNT(*) FROM idempotency_keys WHERE owner = $1").bind(owner);
            let count: i64 = count.fetch_one(&mut *transaction).await?.try_get(0)?;
            if count > i64::from(most) {
                // Dropped, it has never been.
                return Ok(Known::Full);
            }
            Known::New
        } else {
            let row = sqlx::query(
                "SELECT request, status, headers, body FROM idempotency_keys WHERE owner = $1 AND key = $2",
            )
            .bind(owner)
            .bind(key)
            .fetch_one(&mut *transaction)
            .await?;
            match (row.try_get::<String, _>(0)? == request, row.try_get::<Option<i64>, _>(1)?) {
                (false, _) => Known::OtherRequest,
                (true, None) => Known::Running,
                (true, Some(status)) => Known::Answered(KeptAnswer {
                    status: u16::try_from(status).unwrap_or(500),
                    headers: row.try_get(2)?,
                    body: row.try_get(3)?,
                }),
            }
        };
        transaction.commit().await?;
        Ok(known)
    }

    /// Keeps the answer of a key that was taken; without one the key is free again.
    pub async fn keep_answer(
        &self,
        owner: &str,
        key: &str,
        answer: Option<&KeptAnswer>,
    ) -> Result<(), DatabaseError> {
        let Some(answer) = answer else {
            let delete = "DELETE FROM idempotency_keys WHERE owner = $1 AND key = $2 AND status IS NULL";
            sqlx::query(delete).bind(owner).bind(key).execute(&self.pool).await?;
            return Ok(());
        };
        let statement =
            "UPDATE idempotency_keys SET status = $3, headers = $4, body = $5 WHERE owner = $1 AND key = $2";
        sqlx::query(statement)
            .bind(owner)
            .bind(key)
            .bind(i64::from(answer.status))
            .bind(&answer.headers)
            .bind(&answer.body)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
