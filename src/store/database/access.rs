//! What gives access: sign-ins (the console's cookies), API tokens, the set-up link. Of each only a digest is kept.

use super::change::Audited;
use super::users::{By, User, user};
use super::{Database, DatabaseError, Engine};
use crate::clock::Wall;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Sign-ins of one user; the oldest goes when another begins. Twenty: some browsers on some machines.
const SIGN_INS_MAX: i64 = 20;

/// A browser that is signed in.
#[derive(Clone, PartialEq, Debug)]
pub struct SignIn {
    pub id: String,
    pub user_id: String,
    pub created: Wall,
    pub last_used: Wall,
    /// The address it came from.
    pub source: String,
    pub user_agent: String,
}

/// An API token, without its secret.
#[derive(Clone, PartialEq, Debug)]
pub struct Token {
    pub id: String,
    pub user_id: String,
    pub name: String,
    /// Words with a space between.
    pub scopes: String,
    pub created: Wall,
    pub expires: Option<Wall>,
    pub last_used: Option<Wall>,
}

const USER: &str = "u.id, u.login, u.name, u.role, u.disabled, u.revision, u.created, u.updated";
const SIGN_IN: &str = "s.id, s.user_id, s.created, s.last_used, s.source, s.user_agent";
const TOKEN: &str = "t.id, t.user_id, t.name, t.scopes, t.created, t.expires, t.last_used";

impl Database {
    /// For writes that nobody audits.
    pub(super) async fn begin_writing(&self) -> Result<sqlx::Transaction<'static, sqlx::Any>, DatabaseError> {
        let begin = if self.engine == Engine::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
        Ok(self.pool.begin_with(begin).await?)
    }

    /// Begins a sign-in of a user who may sign in and still has the password that was checked; false for any other.
    pub async fn sign_in(
        &self,
        hash: &str,
        sign_in: &SignIn,
        password_hash: &str,
    ) -> Result<bool, DatabaseError> {
        let mut transaction = self.begin_writing().await?;
        if !self.still_has(&mut transaction, &sign_in.user_id, password_hash).await? {
            return Ok(false);
        }
        sqlx::query(
            "DELETE FROM sign_ins WHERE user_id = $1 AND id NOT IN \
             (SELECT id FROM sign_ins WHERE user_id = $1 ORDER BY created DESC, id LIMIT $2)",
        )
        .bind(&sign_in.user_id)
        .bind(SIGN_INS_MAX - 1)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO sign_ins (id, hash, user_id, created, last_used, source, user_agent) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&sign_in.id)
        .bind(hash)
        .bind(&sign_in.user_id)
        .bind(sign_in.created.as_unix_micros())
        .bind(sign_in.last_used.as_unix_micros())
        .bind(&sign_in.source)
        .bind(&sign_in.user_agent)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Whether a user who may sign in has that password, until the transaction ends: SQLite has one writer at a time,
    /// PostgreSQL keeps others from the row. So a new password either is seen here, or ends what begins here.
    pub(super) async fn still_has(
        &self,
        connection: &mut AnyConnection,
        user_id: &str,
        password_hash: &str,
    ) -> Result<bool, DatabaseError> {
        let lock = if self.engine == Engine::Postgres { " FOR UPDATE" } else { "" };
        let statement =
            format!("SELECT 1 FROM users WHERE id = $1 AND password_hash = $2 AND disabled = 0{lock}");
        let user = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(user_id).bind(password_hash);
        Ok(user.fetch_optional(connection).await?.is_some())
    }

    /// The sign-in with that digest that began and was used after these times, with its user.
    pub async fn find_sign_in(
        &self,
        hash: &str,
        created_after: Wall,
        used_after: Wall,
    ) -> Result<Option<(SignIn, User)>, DatabaseError> {
        let statement = format!(
            "SELECT {USER}, {SIGN_IN} FROM sign_ins s JOIN users u ON u.id = s.user_id \
             WHERE s.hash = $1 AND s.created > $2 AND s.last_used > $3 AND u.disabled = 0"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(hash)
            .bind(created_after.as_unix_micros())
            .bind(used_after.as_unix_micros())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok((sign_in(&row, 8)?, user(&row)?))).transpose()
    }

    /// The sign-in of that id that began and was used after these times; for who was let in by it a while ago.
    pub async fn sign_in_of(
        &self,
        id: &str,
        created_after: Wall,
        used_after: Wall,
    ) -> Result<Option<SignIn>, DatabaseError> {
        let statement = format!(
            "SELECT {SIGN_IN} FROM sign_ins s WHERE s.id = $1 AND s.created > $2 AND s.last_used > $3"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(id)
            .bind(created_after.as_unix_micros())
            .bind(used_after.as_unix_micros())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| sign_in(&row, 0)).transpose()
    }

    /// Notes that a sign-in was used.
    pub async fn touch_sign_in(&self, id: &str, at: Wall) -> Result<(), DatabaseError> {
        let update = sqlx::query("UPDATE sign_ins SET last_used = $1 WHERE id = $2");
        update.bind(at.as_unix_micros()).bind(id).execute(&self.pool).await?;
        Ok(())
    }

    /// Sign-ins of a user, the latest first.
    pub async fn sign_ins(&self, user_id: &str) -> Result<Vec<SignIn>, DatabaseError> {
        let statement =
            format!("SELECT {SIGN_IN} FROM sign_ins s WHERE s.user_id = $1 ORDER BY s.created DESC, s.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(user_id).fetch_all(&self.pool).await?;
        rows.iter().map(|row| sign_in(row, 0)).collect()
    }

    /// Ends a sign-in of that user; false where there is none.
    pub async fn sign_out(&self, user_id: &str, id: &str) -> Result<bool, DatabaseError> {
        let delete = sqlx::query("DELETE FROM sign_ins WHERE user_id = $1 AND id = $2");
        Ok(delete.bind(user_id).bind(id).execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Removes sign-ins that have run out, used idempotency keys and old links.
    pub async fn forget_old_access(
        &self,
        created_before: Wall,
        used_before: Wall,
        keys_before: Wall,
        now: Wall,
    ) -> Result<(), DatabaseError> {
        let mut transaction = self.begin_writing().await?;
        sqlx::query("DELETE FROM sign_ins WHERE created <= $1 OR last_used <= $2")
            .bind(created_before.as_unix_micros())
            .bind(used_before.as_unix_micros())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM idempotency_keys WHERE created <= $1")
            .bind(keys_before.as_unix_micros())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM setup_links WHERE expires <= $1")
            .bind(now.as_unix_micros())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends all sign-ins, links to make the first user, and kept answers: those of a backup are of another time.
    pub async fn forget_access(&self) -> Result<(), DatabaseError> {
        let mut transaction = self.begin_writing().await?;
        for statement in ["DELETE FROM sign_ins", "DELETE FROM idempotency_keys", "DELETE FROM setup_links"] {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Makes a token for who is signed in by `sign_in`; false where that has ended meanwhile.
    pub async fn create_token(
        &self,
        hash: &str,
        token: &Token,
        sign_in: &str,
        by: By<'_>,
    ) -> Result<bool, DatabaseError> {
        let mut change = self.change(by.actor, by.at).await?;
        // Within the change: a new password ends this browser and all tokens, and one must not come after it.
        let statement = "SELECT 1 FROM sign_ins WHERE id = $1 AND user_id = $2";
        let signed_in = sqlx::query(statement).bind(sign_in).bind(&token.user_id);
        if signed_in.fetch_optional(change.connection()).await?.is_none() {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO tokens (id, hash, user_id, name, scopes, created, expires) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&token.id)
        .bind(hash)
        .bind(&token.user_id)
        .bind(&token.name)
        .bind(&token.scopes)
        .bind(token.created.as_unix_micros())
        .bind(token.expires.map(Wall::as_unix_micros))
        .execute(change.connection())
        .await?;
        let detail = format!("{} ({})", token.name, token.scopes);
        let entry = Audited {
            action: "create",
            kind: "token",
            object: &token.id,
            detail: &detail,
            ..Audited::default()
        };
        change.audit(entry).await?;
        change.commit_quietly().await?;
        Ok(true)
    }

    /// The token with that digest that has not run out, with its user.
    pub async fn find_token(&self, hash: &str, now: Wall) -> Result<Option<(Token, User)>, DatabaseError> {
        let statement = format!(
            "SELECT {USER}, {TOKEN} FROM tokens t JOIN users u ON u.id = t.user_id \
             WHERE t.hash = $1 AND (t.expires IS NULL OR t.expires > $2) AND u.disabled = 0"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(hash)
            .bind(now.as_unix_micros())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok((token(&row, 8)?, user(&row)?))).transpose()
    }

    /// The token of that id that has not run out; for who was let in by it a while ago.
    pub async fn token_of(&self, id: &str, now: Wall) -> Result<Option<Token>, DatabaseError> {
        let statement =
            format!("SELECT {TOKEN} FROM tokens t WHERE t.id = $1 AND (t.expires IS NULL OR t.expires > $2)");
        let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).bind(now.as_unix_micros());
        row.fetch_optional(&self.pool).await?.map(|row| token(&row, 0)).transpose()
    }

    /// Notes that a token was used.
    pub async fn touch_token(&self, id: &str, at: Wall) -> Result<(), DatabaseError> {
        let update = sqlx::query("UPDATE tokens SET last_used = $1 WHERE id = $2");
        update.bind(at.as_unix_micros()).bind(id).execute(&self.pool).await?;
        Ok(())
    }

    /// Tokens of a user after that id, in order of their ids.
    pub async fn tokens(&self, user_id: &str, after: &str, limit: u32) -> Result<Vec<Token>, DatabaseError> {
        let statement =
            format!("SELECT {TOKEN} FROM tokens t WHERE t.user_id = $1 AND t.id > $2 ORDER BY t.id LIMIT $3");
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(user_id).bind(after).bind(i64::from(limit));
        rows.fetch_all(&self.pool).await?.iter().map(|row| token(row, 0)).collect()
    }

    /// How many tokens a user has.
    pub async fn count_tokens(&self, user_id: &str) -> Result<i64, DatabaseError> {
        let row = sqlx::query("SELECT COUNT(*) FROM tokens WHERE user_id = $1").bind(user_id);
        Ok(row.fetch_one(&self.pool).await?.try_get(0)?)
    }

    /// Removes a token of that user; false where there is none.
    pub async fn delete_token(&self, user_id: &str, id: &str, by: By<'_>) -> Result<bool, DatabaseError> {
        let mut change = self.change(by.actor, by.at).await?;
        let delete = sqlx::query("DELETE FROM tokens WHERE user_id = $1 AND id = $2").bind(user_id).bind(id);
        if delete.execute(change.connection()).await?.rows_affected() == 0 {
            return Ok(false);
        }
        change.audit(Audited { action: "delete", kind: "token", object: id, ..Audited::default() }).await?;
        change.commit_quietly().await?;
        Ok(true)
    }

    /// Replaces all set-up links by this one.
    pub async fn set_setup_link(&self, hash: &str, expires: Wall) -> Result<(), DatabaseError> {
        let mut transaction = self.begin_writing().await?;
        sqlx::query("DELETE FROM setup_links").execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO setup_links (hash, expires) VALUES ($1, $2)")
            .bind(hash)
            .bind(expires.as_unix_micros())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn sign_in(row: &AnyRow, from: usize) -> Result<SignIn, DatabaseError> {
    Ok(SignIn {
        id: row.try_get(from)?,
        user_id: row.try_get(from + 1)?,
        created: Wall::from_unix_micros(row.try_get(from + 2)?),
        last_used: Wall::from_unix_micros(row.try_get(from + 3)?),
        source: row.try_get(from + 4)?,
        user_agent: row.try_get(from + 5)?,
    })
}

fn token(row: &AnyRow, from: usize) -> Result<Token, DatabaseError> {
    let time = |micros: Option<i64>| micros.map(Wall::from_unix_micros);
    Ok(Token {
        id: row.try_get(from)?,
        user_id: row.try_get(from + 1)?,
        name: row.try_get(from + 2)?,
        scopes: row.try_get(from + 3)?,
        created: Wall::from_unix_micros(row.try_get(from + 4)?),
        expires: time(row.try_get(from + 5)?),
        last_used: time(row.try_get(from + 6)?),
    })
}
