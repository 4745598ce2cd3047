//! Users of the console and the API.

use super::change::{Audited, Change};
use super::{Database, DatabaseError};
use crate::clock::Wall;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// What a user may do goes by this.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    Admin,
    Editor,
    Supervisor,
    Agent,
    Viewer,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Admin, Role::Editor, Role::Supervisor, Role::Agent, Role::Viewer];

    /// The word for it in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Editor => "editor",
            Role::Supervisor => "supervisor",
            Role::Agent => "agent",
            Role::Viewer => "viewer",
        }
    }

    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// A user as stored, without the password's hash.
#[derive(Clone, PartialEq, Debug)]
pub struct User {
    pub id: String,
    /// What is typed to sign in; lower case, unique.
    pub login: String,
    pub name: String,
    pub role: Role,
    pub disabled: bool,
    /// Counts changes.
    pub revision: i64,
    pub created: Wall,
    pub updated: Wall,
}

/// What is changed of a user at once.
#[derive(Clone, PartialEq, Debug)]
pub struct UserFields {
    pub name: String,
    pub role: Role,
    pub disabled: bool,
}

/// Why a user is not changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("there is no such user")]
    Unknown,
    #[error("another user has that login")]
    LoginTaken,
    #[error("there is no other admin who can sign in: make one first")]
    LastAdmin,
    #[error("the user was changed by somebody else meanwhile")]
    Stale,
    #[error("there are users already")]
    NotEmpty,
    #[error("the password was changed by somebody else meanwhile")]
    PasswordChanged,
    #[error("the browser was signed out meanwhile")]
    SignedOut,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for UserError {
    fn from(error: sqlx::Error) -> Self {
        let is_taken = error.as_database_error().is_some_and(|error| error.is_unique_violation());
        if is_taken { UserError::LoginTaken } else { UserError::Database(error.into()) }
    }
}

/// Who changes something, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub actor: &'a str,
    pub at: Wall,
}

const COLUMNS: &str = "id, login, name, role, disabled, revision, created, updated";

impl Database {
    /// Whether nobody can sign in yet.
    pub async fn has_no_users(&self) -> Result<bool, DatabaseError> {
        Ok(sqlx::query("SELECT 1 FROM users LIMIT 1").fetch_optional(&self.pool).await?.is_none())
    }

    /// Users in order of their logins, after that one.
    pub async fn users(&self, after: &str, limit: u32) -> Result<Vec<User>, DatabaseError> {
        let statement = format!("SELECT {COLUMNS} FROM users WHERE login > $1 ORDER BY login LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(after).bind(i64::from(limit));
        rows.fetch_all(&self.pool).await?.iter().map(user).collect()
    }

    pub async fn user(&self, id: &str) -> Result<Option<User>, DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, id).await
    }

    /// A user with the hash of the password, for signing in.
    pub async fn user_by_login(&self, login: &str) -> Result<Option<(User, String)>, DatabaseError> {
        let statement = format!("SELECT {COLUMNS}, password_hash FROM users WHERE login = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(login).fetch_optional(&self.pool).await?;
        row.map(|row| Ok((user(&row)?, row.try_get(8)?))).transpose()
    }

    /// The hash of a user's password.
    pub async fn password_hash(&self, id: &str) -> Result<Option<String>, DatabaseError> {
        let row = sqlx::query("SELECT password_hash FROM users WHERE id = $1").bind(id);
        let row = row.fetch_optional(&self.pool).await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Makes a user whose `revision`, `created` and `updated` are set here.
    pub async fn create_user(
        &self,
        id: &str,
        login: &str,
        fields: &UserFields,
        password_hash: &str,
        by: By<'_>,
    ) -> Result<User, UserError> {
        let mut change = self.change(by.actor, by.at).await?;
        let user = insert(&mut change, id, login, fields, password_hash).await?;
        change.commit_quietly().await?;
        Ok(user)
    }

    /// Makes the first user, an admin, for whoever has a set-up link; the link works once.
    /// `Ok(None)` where there is no such link.
    pub async fn set_up(
        &self,
        link_hash: &str,
        id: &str,
        login: &str,
        name: &str,
        password_hash: &str,
        at: Wall,
    ) -> Result<Option<User>, UserError> {
        let mut change = self.change("set-up link", at).await?;
        let link = sqlx::query("DELETE FROM setup_links WHERE hash = $1 AND expires > $2")
            .bind(link_hash)
            .bind(at.as_unix_micros())
            .execute(change.connection())
            .await?;
        if link.rows_affected() == 0 {
            return Ok(None);
        }
        if sqlx::query("SELECT 1 FROM users LIMIT 1").fetch_optional(change.connection()).await?.is_some() {
            return Err(UserError::NotEmpty);
        }
        let fields = UserFields { name: name.to_owned(), role: Role::Admin, disabled: false };
        let user = insert(&mut change, id, login, &fields, password_hash).await?;
        change.commit_quietly().await?;
        Ok(Some(user))
    }

    /// Changes a user who is at `revision`, or at any where none is given. Who is disabled is signed out.
    pub async fn replace_user(
        &self,
        id: &str,
        revision: Option<i64>,
        fields: &UserFields,
        by: By<'_>,
    ) -> Result<User, UserError> {
        let mut change = self.change(by.actor, by.at).await?;
        let old = find(change.connection(), id).await?.ok_or(UserError::Unknown)?;
        if revision.is_some_and(|revision| revision != old.revision) {
            return Err(UserError::Stale);
        }
        if old.role == Role::Admin && !old.disabled && (fields.role != Role::Admin || fields.disabled) {
            another_admin(change.connection(), id).await?;
        }
        sqlx::query("UPDATE users SET name = $1, role = $2, disabled = $3, revision = revision + 1, updated = $4 WHERE id = $5")
            .bind(&fields.name)
            .bind(fields.role.word())
            .bind(i64::from(fields.disabled))
            .bind(by.at.as_unix_micros())
            .bind(id)
            .execute(change.connection())
            .await?;
        if fields.disabled {
            sqlx::query("DELETE FROM sign_ins WHERE user_id = $1")
                .bind(id)
                .execute(change.connection())
                .await?;
        }
        let detail = format!("{} -> {}", state(&old.fields()), state(fields));
        change
            .audit(Audited {
                action: "replace",
                kind: "user",
                object: id,
                detail: &detail,
                ..Audited::default()
            })
            .await?;
        let new = find(change.connection(), id).await?.ok_or(UserError::Unknown)?;
        change.commit_quietly().await?;
        Ok(new)
    }

    /// Removes a user who is at `revision`, or at any where none is given, with all sign-ins and tokens.
    pub async fn delete_user(&self, id: &str, revision: Option<i64>, by: By<'_>) -> Result<(), UserError> {
        let mut change = self.change(by.actor, by.at).await?;
        let old = find(change.connection(), id).await?.ok_or(UserError::Unknown)?;
        if revision.is_some_and(|revision| revision != old.revision) {
            return Err(UserError::Stale);
        }
        if old.role == Role::Admin && !old.disabled {
            another_admin(change.connection(), id).await?;
        }
        sqlx::query("DELETE FROM users WHERE id = $1").bind(id).execute(change.connection()).await?;
        let detail = old.login;
        change
            .audit(Audited {
                action: "delete",
                kind: "user",
                object: id,
                detail: &detail,
                ..Audited::default()
            })
            .await?;
        change.commit_quietly().await?;
        Ok(())
    }

    /// Sets a password and ends all sign-ins of the user and all tokens: whoever knew the old password may have made some.
    pub async fn set_password(&self, id: &str, password_hash: &str, by: By<'_>) -> Result<(), UserError> {
        let change = self.change(by.actor, by.at).await?;
        write_password(change, id, password_hash, "").await
    }

    /// The same by the user, who still has the password that was checked, and is still signed in by the sign-in `but`,
    /// which goes on. Of two at once the later finds another password than it has checked.
    pub async fn change_own_password(
        &self,
        id: &str,
        (old_hash, new_hash): (&str, &str),
        but: &str,
        by: By<'_>,
    ) -> Result<(), UserError> {
        let mut change = self.change(by.actor, by.at).await?;
        if !self.still_has(change.connection(), id, old_hash).await? {
            return Err(UserError::PasswordChanged);
        }
        let signed_in =
            sqlx::query("SELECT 1 FROM sign_ins WHERE id = $1 AND user_id = $2").bind(but).bind(id);
        if signed_in.fetch_optional(change.connection()).await?.is_none() {
            return Err(UserError::SignedOut);
        }
        write_password(change, id, new_hash, but).await
    }
}

/// Sets a password and ends all else that lets the user in but that sign-in.
async fn write_password(mut change: Change, id: &str, hash: &str, but: &str) -> Result<(), UserError> {
    let at = change.at().as_unix_micros();
    let set = sqlx::query(
        "UPDATE users SET password_hash = $1, revision = revision + 1, updated = $2 WHERE id = $3",
    )
    .bind(hash)
    .bind(at)
    .bind(id)
    .execute(change.connection())
    .await?;
    if set.rows_affected() == 0 {
        return Err(UserError::Unknown);
    }
    sqlx::query("DELETE FROM sign_ins WHERE user_id = $1 AND id <> $2")
        .bind(id)
        .bind(but)
        .execute(change.connection())
        .await?;
    sqlx::query("DELETE FROM tokens WHERE user_id = $1").bind(id).execute(change.connection()).await?;
    let entry = Audited { action: "password", kind: "user", object: id, ..Audited::default() };
    change.audit(entry).await?;
    change.commit_quietly().await?;
    Ok(())
}

impl User {
    pub fn fields(&self) -> UserFields {
        UserFields { name: self.name.clone(), role: self.role, disabled: self.disabled }
    }
}

fn state(fields: &UserFields) -> String {
    format!("{} ({}{})", fields.name, fields.role.word(), if fields.disabled { ", disabled" } else { "" })
}

pub(super) fn user(row: &AnyRow) -> Result<User, DatabaseError> {
    let role: String = row.try_get(3)?;
    Ok(User {
        id: row.try_get(0)?,
        login: row.try_get(1)?,
        name: row.try_get(2)?,
        // A word of a later version gives the least.
        role: Role::from_word(&role).unwrap_or(Role::Agent),
        disabled: row.try_get::<i64, _>(4)? != 0,
        revision: row.try_get(5)?,
        created: Wall::from_unix_micros(row.try_get(6)?),
        updated: Wall::from_unix_micros(row.try_get(7)?),
    })
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<User>, DatabaseError> {
    let statement = format!("SELECT {COLUMNS} FROM users WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(user).transpose()
}

async fn insert(
    change: &mut Change,
    id: &str,
    login: &str,
    fields: &UserFields,
    password_hash: &str,
) -> Result<User, UserError> {
    let at = change.at();
    sqlx::query(
        "INSERT INTO users (id, login, name, role, disabled, password_hash, revision, created, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)",
    )
    .bind(id)
    .bind(login)
    .bind(&fields.name)
    .bind(fields.role.word())
    .bind(i64::from(fields.disabled))
    .bind(password_hash)
    .bind(at.as_unix_micros())
    .execute(change.connection())
    .await?;
    let detail = format!("{login}: {}", state(fields));
    let entry = Audited { action: "create", kind: "user", object: id, detail: &detail, ..Audited::default() };
    change.audit(entry).await?;
    Ok(User {
        id: id.to_owned(),
        login: login.to_owned(),
        name: fields.name.clone(),
        role: fields.role,
        disabled: fields.disabled,
        revision: 1,
        created: at,
        updated: at,
    })
}

/// Fails unless somebody else could still do everything. Changes run one after the other, so it stays true.
async fn another_admin(connection: &mut AnyConnection, but: &str) -> Result<(), UserError> {
    let other = sqlx::query("SELECT 1 FROM users WHERE role = 'admin' AND disabled = 0 AND id <> $1 LIMIT 1")
        .bind(but)
        .fetch_optional(connection)
        .await?;
    other.map(drop).ok_or(UserError::LastAdmin)
}

#[cfg(test)]
mod tests;
