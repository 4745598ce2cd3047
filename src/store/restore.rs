//! A backup of SQLite as the store again.

use super::database::{Database, DatabaseError, Engine};
use super::spool::{Limits, Spool, SpoolError};
use crate::config::Store;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why a backup did not become the store, which is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(
        "the store is a PostgreSQL database: stop the servers, and bring its dump back with \
         `pg_restore --clean --if-exists --dbname=URL FILE` (made by `pg_dump --format=custom`)"
    )]
    Postgres,
    #[error("{} cannot be read or written: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("{} is no SQLite database", path.display())]
    NoSqlite { path: PathBuf },
    #[error("{} is no backup of a store: {error}", path.display())]
    NoBackup { path: PathBuf, error: DatabaseError },
    #[error("{} is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("the store {} is in use: stop the server first", path.display())]
    InUse { path: PathBuf },
    #[error("the store {} is not empty: --force puts the backup in its place, and keeps it beside", path.display())]
    NotEmpty { path: PathBuf },
    #[error("the backup is the store itself")]
    Itself,
    #[error(transparent)]
    Spool(SpoolError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Puts a copy of a backup in the place of the store. With `force` a store that is not empty is kept beside it; its
/// path is given. Call records that wait on disk stay there, and reach the restored store.
pub async fn restore(store: &Store, backup: &Path, force: bool) -> Result<Option<PathBuf>, RestoreError> {
    let path = path_of(&store.url)?;
    if let (Ok(one), Ok(other)) = (backup.canonicalize(), path.canonicalize())
        && one == other
    {
        return Err(RestoreError::Itself);
    }
    look_at(backup)?;
    // A server holds the folder of its waiting records from its start to its end.
    let _held = match Spool::open(&store.spool, &store.node, Limits::of(store.spool_bytes)) {
        Ok(held) => held,
        Err(SpoolError::InUse { .. }) => return Err(RestoreError::InUse { path }),
        Err(error) => return Err(RestoreError::Spool(error)),
    };
    let copy = beside(&path, ".restoring");
    let prepared = match prepare(backup, &path, &copy).await {
        Ok(()) => give_way(store, &path, force).await,
        Err(error) => Err(error),
    };
    let replaced = prepared.and_then(|former| {
        rename(&copy, &path)?;
        Ok(former)
    });
    for left in [copy.clone(), beside(&copy, "-wal"), beside(&copy, "-shm")] {
        let _ = std::fs::remove_file(left);
    }
    replaced
}

/// Whether a file begins as one of SQLite does: opening one that does not takes seconds of trying.
#[expect(clippy::disallowed_methods, reason = "a command reads the file that it was given")]
fn look_at(backup: &Path) -> Result<(), RestoreError> {
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    let mut begin = Vec::new();
    let read = std::fs::File::open(backup).and_then(|file| file.take(16).read_to_end(&mut begin));
    read.map_err(|error| RestoreError::File { path: backup.to_owned(), error })?;
    if begin == MAGIC { Ok(()) } else { Err(RestoreError::NoSqlite { path: backup.to_owned() }) }
}

/// Lets nobody but the owner read a file: the store has what callers and people are entitled to have kept.
fn close_to_others(path: &Path) -> Result<(), RestoreError> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| RestoreError::File { path: path.to_owned(), error })
}

/// Copies a backup beside the store, looks whether it is whole, and brings it to this version.
async fn prepare(backup: &Path, path: &Path, copy: &Path) -> Result<(), RestoreError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |error| RestoreError::File { path, error }
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail(folder))?;
    }
    std::fs::copy(backup, copy).map_err(fail(backup))?;
    // A copy has the mode of what was copied.
    close_to_others(copy)?;
    let database = Database::alone(&format!("sqlite://{}", copy.display()))?;
    let no_backup = |error| RestoreError::NoBackup { path: backup.to_owned(), error };
    // Before any table is made: a file of another program is not to become a store.
    database.revision().await.map_err(no_backup)?;
    let what = database.check_whole().await.map_err(no_backup)?;
    if let Some(what) = what {
        return Err(RestoreError::Damaged { path: backup.to_owned(), what });
    }
    database.prepare().await?;
    database.forget_access().await?;
    match database.leave_alone().await? {
        true => Ok(()),
        false => Err(RestoreError::InUse { path: copy.to_owned() }),
    }
}

/// Moves the store out of the way, if nobody uses it and it is empty or may be replaced. Gives where it is now.
async fn give_way(store: &Store, path: &Path, force: bool) -> Result<Option<PathBuf>, RestoreError> {
    let mut numbered = (2..).map(|n| beside(path, &format!(".before-restore.{n}")));
    let mut former = beside(path, ".before-restore");
    while former.exists() {
        former = numbered.next().unwrap_or_default();
    }
    let is_there = path.exists();
    if is_there {
        let database = Database::alone(&store.url)?;
        // One that cannot be read is not to be thrown away without a word either.
        let is_used = database.is_used().await.unwrap_or(true);
        // Of a file that is no database nothing is elsewhere.
        if !database.leave_alone().await.unwrap_or(true) {
            return Err(RestoreError::InUse { path: path.to_owned() });
        }
        if is_used && !force {
            return Err(RestoreError::NotEmpty { path: path.to_owned() });
        }
        rename(path, &former)?;
        close_to_others(&former)?;
    }
    // What is left of one that was broken off would be taken for changes of the new one.
    for ending in ["-wal", "-shm"] {
        let left = beside(path, ending);
        if left.exists() {
            rename(&left, &beside(&former, ending))?;
        }
    }
    Ok(is_there.then_some(former))
}

fn rename(from: &Path, to: &Path) -> Result<(), RestoreError> {
    std::fs::rename(from, to).map_err(|error| RestoreError::File { path: to.to_owned(), error })
}

fn path_of(url: &str) -> Result<PathBuf, RestoreError> {
    match Database::at(url)?.engine() {
        Engine::Postgres => Err(RestoreError::Postgres),
        Engine::Sqlite => Ok(PathBuf::from(url.strip_prefix("sqlite://").unwrap_or(url))),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
