use super::*;
use crate::store::database::testing::for_each_engine;
use serde_json::json;

const NOON: Wall = Wall::from_unix_seconds(1_795_000_000);

async fn create(database: &Database, kind: Kind, document: Value) -> Result<StoredObject, StoreError> {
    let mut change = database.change("ann", NOON).await?;
    let stored = change.create_object(kind, &document).await?;
    change.commit().await?;
    Ok(stored)
}

async fn replace(
    database: &Database,
    id: &str,
    etag: Option<&str>,
    document: Value,
) -> Result<StoredObject, StoreError> {
    let mut change = database.change("bob", NOON).await?;
    let stored = change.replace_object(Kind::List, id, etag, &document).await?;
    change.commit().await?;
    Ok(stored)
}

fn list(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "numbers": ["+1666*"]})
}

#[test]
fn a_stale_write_is_refused_with_the_etag_of_now() {
    for_each_engine(async |database| {
        let first = create(&database, Kind::List, list("bad", "Bad")).await.unwrap();
        let second = replace(&database, "bad", Some(&first.etag), list("bad", "Worse")).await.unwrap();
        assert_ne!(first.etag, second.etag);
        let error = replace(&database, "bad", Some(&first.etag), list("bad", "Mine")).await.unwrap_err();
        assert!(matches!(&error, StoreError::Stale { current } if *current == second.etag), "{error}");
        assert_eq!(database.object(Kind::List, "bad").await.unwrap().unwrap(), second);
        let error = replace(&database, "bad", None, list("good", "")).await.unwrap_err();
        assert!(matches!(error, StoreError::Renamed { .. }), "{error}");
        let error = create(&database, Kind::List, list("bad", "")).await.unwrap_err();
        assert_eq!(error.to_string(), "the list \"bad\" exists already");
        let error = replace(&database, "gone", None, list("gone", "")).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no list \"gone\"");
    });
}

#[test]
fn a_write_that_changes_nothing_leaves_no_trace() {
    for_each_engine(async |database| {
        let first = create(&database, Kind::List, list("bad", "Bad")).await.unwrap();
        let again = replace(&database, "bad", Some(&first.etag), list("bad", "Bad")).await.unwrap();
        assert_eq!(first, again);
        let log = database.audit(&Default::default(), None, 10).await.unwrap();
        assert_eq!(log.len(), 1);
        assert_eq!((log[0].after.as_deref(), log[0].detail.as_str()), (Some(first.etag.as_str()), "Bad"));
    });
}

#[test]
fn what_is_pointed_to_is_not_deleted_and_says_by_what() {
    for_each_engine(async |database| {
        create(&database, Kind::List, list("bad", "Bad")).await.unwrap();
        let number = json!({"e164": "+15550100", "service": "echo", "blockedCallers": "bad"});
        create(&database, Kind::Number, number).await.unwrap();
        let mut change = database.change("ann", NOON).await.unwrap();
        let error = change.delete_object(Kind::List, "bad", None).await.unwrap_err();
        assert_eq!(error.to_string(), "the number \"+15550100\" points to it");
        let error = change.delete_object(Kind::Number, "+15550100", Some("stale")).await.unwrap_err();
        assert!(matches!(error, StoreError::Stale { .. }), "{error}");
        change.delete_object(Kind::Number, "+15550100", None).await.unwrap();
        change.delete_object(Kind::List, "bad", None).await.unwrap();
        change.commit().await.unwrap();
        assert_eq!(database.objects(Kind::List, None, None, 10).await.unwrap(), []);
    });
}

#[test]
fn what_is_named_must_be_there() {
    for_each_engine(async |database| {
        for (kind, document, expected) in [
            (
                Kind::Number,
                json!({"e164": "1", "flow": "gone"}),
                "error: number:/flow: there is no call flow \"gone\"",
            ),
            (
                Kind::Number,
                json!({"e164": "1", "user": "gone"}),
                "error: number:/user: there is no agent \"gone\"",
            ),
            (
                Kind::Account,
                json!({"assignAbandonedTo": "gone"}),
                "error: account:/assignAbandonedTo: there is no agent",
            ),
        ] {
            let error = create(&database, kind, document).await.unwrap_err();
            let StoreError::Invalid(findings) = error else { panic!("{error}") };
            assert!(findings[0].to_string().starts_with(expected), "{findings:?}");
        }
    });
}

#[test]
fn pages_go_by_id_and_are_searched_by_id_and_name() {
    for_each_engine(async |database| {
        for (id, name) in [("a_1", "Zoë"), ("B", "bad 100%"), ("a2", ""), ("c", "BAD")] {
            create(&database, Kind::List, list(id, name)).await.unwrap();
        }
        let ids = async |text, after, limit| {
            let page = database.objects(Kind::List, text, after, limit).await.unwrap();
            page.into_iter().map(|object| object.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(None, None, 10).await, ["B", "a2", "a_1", "c"]);
        assert_eq!(ids(None, Some("B"), 2).await, ["a2", "a_1"]);
        assert_eq!(ids(Some("bad"), None, 10).await, ["B", "c"]);
        assert_eq!(ids(Some("zoë"), None, 10).await, ["a_1"]);
        assert_eq!(ids(Some("0%"), None, 10).await, ["B"]);
        assert_eq!(ids(Some("_"), None, 10).await, ["a_1"]);
    });
}
