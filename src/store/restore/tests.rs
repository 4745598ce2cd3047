#![allow(clippy::disallowed_methods, reason = "the tests make files to be refused")]

use super::*;
use crate::clock::Wall;
use crate::store::database::testing::Folder;
use crate::store::objects::Kind;
use serde_json::json;

const NOON: Wall = Wall::from_unix_seconds(1_795_000_000);

fn store(folder: &Folder) -> Store {
    Store {
        url: format!("sqlite://{}/data/store.db", folder.0.display()),
        node: "east-1".to_owned(),
        spool: folder.0.join("spool"),
        spool_bytes: 1 << 20,
    }
}

/// Adds a list to the store, or to a new one.
async fn add(store: &Store, id: &str) {
    let database = Database::open(&store.url).await.unwrap();
    let mut change = database.change("ann", NOON).await.unwrap();
    change.create_object(Kind::List, &json!({"id": id, "numbers": []})).await.unwrap();
    change.commit().await.unwrap();
    database.close().await;
}

async fn lists(url: &str) -> Vec<String> {
    let database = Database::open(url).await.unwrap();
    let found = database.objects(Kind::List, None, None, 10).await.unwrap();
    database.close().await;
    found.into_iter().map(|object| object.id).collect()
}

async fn back_up(store: &Store, file: &Path) {
    let database = Database::open(&store.url).await.unwrap();
    database.backup(file).await.unwrap();
    database.close().await;
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn a_backup_is_the_store_again_and_what_was_there_is_kept_only_when_told_so() {
    block_on(async {
        let folder = Folder::new("restore");
        let (store, file) = (store(&folder), folder.0.join("backup.db"));
        add(&store, "one").await;
        back_up(&store, &file).await;
        add(&store, "two").await;
        let error = restore(&store, &file, false).await.unwrap_err();
        assert!(matches!(error, RestoreError::NotEmpty { .. }), "{error}");
        assert_eq!(lists(&store.url).await, ["one", "two"]);
        let former = restore(&store, &file, true).await.unwrap().unwrap();
        assert_eq!(lists(&store.url).await, ["one"]);
        assert_eq!(lists(&format!("sqlite://{}", former.display())).await, ["one", "two"]);
        // A second one does not take the place of what the first has kept.
        let second = restore(&store, &file, true).await.unwrap().unwrap();
        assert_ne!(former, second);
        assert_eq!(
            names(&folder.0.join("data")),
            ["store.db", "store.db.before-restore", "store.db.before-restore.2"]
        );
    });
}

#[test]
fn a_store_that_is_not_there_or_was_never_used_is_taken_without_a_word() {
    block_on(async {
        let folder = Folder::new("fresh");
        let (store, file) = (store(&folder), folder.0.join("backup.db"));
        let other = Store { url: format!("sqlite://{}/other.db", folder.0.display()), ..store.clone() };
        add(&other, "one").await;
        back_up(&other, &file).await;
        assert_eq!(restore(&store, &file, false).await.unwrap(), None);
        assert_eq!(lists(&store.url).await, ["one"]);
        let path = path_of(&store.url).unwrap();
        std::fs::remove_file(&path).unwrap();
        Database::open(&store.url).await.unwrap().close().await;
        assert!(restore(&store, &file, false).await.unwrap().is_some());
        assert_eq!(lists(&store.url).await, ["one"]);
    });
}

#[test]
fn a_store_in_use_is_left_alone_even_by_force() {
    block_on(async {
        let folder = Folder::new("in-use");
        let (store, file) = (store(&folder), folder.0.join("backup.db"));
        add(&store, "one").await;
        back_up(&store, &file).await;
        let is_in_use =
            async || matches!(restore(&store, &file, true).await, Err(RestoreError::InUse { .. }));
        // By a server, whose database may be closed just now.
        let server = Spool::open(&store.spool, &store.node, Limits::of(1 << 20)).unwrap();
        assert!(is_in_use().await);
        drop(server);
        // By another program, which has the database open.
        let other = Database::open(&store.url).await.unwrap();
        assert!(other.is_there().await);
        assert!(is_in_use().await);
        other.close().await;
        assert_eq!(names(&folder.0.join("data")), ["store.db"]);
        assert!(restore(&store, &file, true).await.is_ok());
    });
}

#[test]
fn what_is_no_backup_is_refused_and_the_store_stays() {
    block_on(async {
        let folder = Folder::new("no-backup");
        let store = store(&folder);
        add(&store, "one").await;
        let (text, foreign, file) =
            (folder.0.join("text.db"), folder.0.join("foreign.db"), folder.0.join("backup.db"));
        std::fs::write(&text, "no database at all, and long enough to be looked at ".repeat(99)).unwrap();
        std::fs::write(&foreign, "").unwrap();
        back_up(&store, &file).await;
        let mut bytes = std::fs::read(&file).unwrap();
        let end = bytes.len();
        bytes[end / 2..].fill(0xa5);
        std::fs::write(folder.0.join("torn.db"), bytes).unwrap();
        for name in ["text.db", "foreign.db", "torn.db", "missing.db"] {
            let error = restore(&store, &folder.0.join(name), true).await.unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        let path = path_of(&store.url).unwrap();
        assert!(matches!(restore(&store, &path, true).await, Err(RestoreError::Itself)));
        assert_eq!(lists(&store.url).await, ["one"]);
        assert_eq!(names(&folder.0.join("data")), ["store.db"]);
    });
}

#[test]
fn of_postgresql_it_is_said_which_tool_does_it() {
    let folder = Folder::new("postgres-restore");
    let store = Store { url: "postgres://ann@127.0.0.1:1/x".to_owned(), ..store(&folder) };
    block_on(async {
        let error = restore(&store, &folder.0.join("dump"), true).await.unwrap_err().to_string();
        assert!(error.contains("pg_restore") && error.contains("pg_dump"), "{error}");
    });
}

#[test]
fn a_file_that_is_no_database_is_told_before_anything_is_done_and_a_store_is_for_its_owner_alone() {
    block_on(async {
        let folder = Folder::new("junk");
        let (store, file) = (store(&folder), folder.0.join("junk.db"));
        std::fs::write(&file, "SQLite format 4").unwrap();
        let error = restore(&store, &file, false).await.unwrap_err();
        assert!(error.to_string().ends_with("junk.db is no SQLite database"), "{error}");
        assert_eq!(names(&folder.0), ["data", "junk.db"]);
        add(&store, "one").await;
        let backup = folder.0.join("backup.db");
        back_up(&store, &backup).await;
        std::fs::set_permissions(&backup, std::fs::Permissions::from_mode(0o644)).unwrap();
        let former = restore(&store, &backup, true).await.unwrap().unwrap();
        for path in [path_of(&store.url).unwrap(), former] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        }
    });
}
