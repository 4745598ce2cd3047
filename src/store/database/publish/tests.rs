use super::*;
use crate::store::database::change::AuditFilter;
use crate::store::database::flows::FlowHead;
use crate::store::database::testing::for_each_engine;
use crate::store::objects::Kind;
use serde_json::json;

const NOON: Wall = Wall::from_unix_seconds(1_795_000_000);
const LATER: Wall = Wall::from_unix_seconds(1_795_003_600);

/// A flow that says a text; `extra` steps stand beside it.
fn flow(id: &str, text: &str) -> Value {
    json!({
        "schema": "callflow/1", "id": id, "name": format!("The {id}"), "settings": {}, "entry": "say",
        "steps": {
            "say": {"type": "greeting", "name": "Say", "config": {"audio": {"kind": "tts", "text": text}}, "on": {"next": "bye"}},
            "bye": {"type": "hangup", "name": "Bye", "config": {}}
        }
    })
}

/// One that rings an agent and runs another flow.
fn pointing(id: &str, agent: &str, other: &str) -> Value {
    let mut flow = flow(id, "x");
    flow["steps"]["ring"] = json!({"type": "dial", "config": {"target": {"kind": "user", "value": agent}}, "on": {"no_response": "run"}});
    flow["steps"]["run"] = json!({"type": "subflow", "config": {"flowId": other}});
    flow["steps"]["say"]["on"]["next"] = "ring".into();
    flow
}

/// Does something in a change of its own.
macro_rules! change {
    ($database:expr, $change:ident => $result:expr) => {{
        let mut $change = $database.change("ann", NOON).await.unwrap();
        let result = $result.await;
        if result.is_ok() {
            $change.commit().await.unwrap();
        }
        result
    }};
}

async fn saved(database: &Database, document: &Value) {
    let id = document["id"].as_str().unwrap();
    if database.flow(id).await.unwrap().is_none() {
        change!(database, change => change.create_flow(document)).unwrap();
    } else {
        change!(database, change => change.save_draft(id, None, document)).unwrap();
    }
}

async fn published(database: &Database, document: &Value) -> Result<Published, StoreError> {
    saved(database, document).await;
    let id = document["id"].as_str().unwrap();
    change!(database, change => change.publish(id, None, "because", Rollout::Live))
}

async fn head(database: &Database, id: &str) -> FlowHead {
    database.flow(id).await.unwrap().unwrap()
}

fn version(published: Result<Published, StoreError>) -> u32 {
    match published.unwrap() {
        Published::Version { version, .. } => version,
        Published::Unchanged { version, .. } => panic!("version {version} already"),
    }
}

#[test]
fn a_draft_has_an_etag_and_a_stale_one_is_not_saved_or_published() {
    for_each_engine(async |database| {
        let (_, first) = change!(database, change => change.create_flow(&flow("a", "1"))).unwrap();
        let second =
            change!(database, change => change.save_draft("a", Some(&first), &flow("a", "2"))).unwrap();
        let error =
            change!(database, change => change.save_draft("a", Some(&first), &flow("a", "3"))).unwrap_err();
        assert!(matches!(&error, StoreError::Stale { current } if *current == second), "{error}");
        let error =
            change!(database, change => change.publish("a", Some(&first), "", Rollout::Live)).unwrap_err();
        assert!(matches!(error, StoreError::Stale { .. }), "{error}");
        assert_eq!(database.flow_draft("a").await.unwrap().unwrap(), (flow("a", "2"), second));
        assert_eq!(head(&database, "a").await.live, None);
    });
}

#[test]
fn publishing_makes_numbered_versions_and_equal_content_makes_none() {
    for_each_engine(async |database| {
        assert_eq!(version(published(&database, &flow("a", "1")).await), 1);
        let mut moved = flow("a", "1");
        moved["steps"]["say"]["ui"] = json!({"x": 5, "y": 6});
        assert_eq!(
            published(&database, &moved).await.unwrap(),
            Published::Unchanged { version: 1, ended_canary: None }
        );
        assert_eq!(version(published(&database, &flow("a", "2")).await), 2);
        let versions = database.flow_versions("a", None, 10).await.unwrap();
        let told: Vec<_> =
            versions.iter().map(|v| (v.version, v.author.as_str(), v.comment.as_str())).collect();
        assert_eq!(told, [(2, "ann", "because"), (1, "ann", "because")]);
        assert_eq!(database.flow_version("a", 1).await.unwrap().unwrap(), flow("a", "1"));
        assert_eq!(database.flow_versions("a", Some(2), 10).await.unwrap().len(), 1);
        assert_eq!(head(&database, "a").await.live, Some(2));
    });
}

#[test]
fn rollback_publishes_an_old_content_again_and_keeps_the_draft() {
    for_each_engine(async |database| {
        published(&database, &flow("a", "1")).await.unwrap();
        published(&database, &flow("a", "2")).await.unwrap();
        saved(&database, &flow("a", "3")).await;
        let done = change!(database, change => change.rollback("a", 1, "back"));
        assert_eq!(version(done), 3);
        assert_eq!(database.flow_version("a", 3).await.unwrap().unwrap(), flow("a", "1"));
        assert_eq!(database.flow_draft("a").await.unwrap().unwrap().0, flow("a", "3"));
        let done = change!(database, change => change.rollback("a", 1, "again")).unwrap();
        assert_eq!(done, Published::Unchanged { version: 3, ended_canary: None });
        assert!(change!(database, change => change.rollback("a", 9, "")).is_err());
    });
}

#[test]
fn what_has_errors_or_points_nowhere_is_not_published() {
    for_each_engine(async |database| {
        saved(&database, &flow("other", "x")).await;
        for (document, code) in [
            (json!({"schema": "callflow/1", "id": "a", "name": "A"}), Code::E01),
            (pointing("a", "nobody", "other"), Code::E05),
            (pointing("a", "alice", "gone"), Code::E05),
        ] {
            let agent = json!({"id": "alice", "uri": "sip:a@127.0.0.1"});
            let _ = change!(database, change => change.create_object(Kind::Agent, &agent));
            let error = published(&database, &document).await.unwrap_err();
            let StoreError::InvalidFlow(findings) = error else { panic!("{error}") };
            assert!(findings.iter().any(|finding| finding.code == code), "{findings:?}");
        }
        assert_eq!(version(published(&database, &pointing("a", "alice", "other")).await), 1);
        let mut pinned = pointing("a", "alice", "other");
        pinned["steps"]["run"]["config"]["version"] = 7.into();
        assert!(matches!(published(&database, &pinned).await, Err(StoreError::InvalidFlow(_))));
    });
}

#[test]
fn a_flow_is_deleted_only_where_it_is_paused_and_nothing_points_to_it() {
    for_each_engine(async |database| {
        let agent = json!({"id": "alice", "uri": "sip:a@127.0.0.1"});
        change!(database, change => change.create_object(Kind::Agent, &agent)).unwrap();
        published(&database, &flow("sub", "x")).await.unwrap();
        published(&database, &pointing("a", "alice", "sub")).await.unwrap();
        let number = json!({"e164": "+15550100", "flow": "a"});
        change!(database, change => change.create_object(Kind::Number, &number)).unwrap();
        let refused = async |id: &str| {
            change!(database, change => change.delete_flow(id, None)).unwrap_err().to_string()
        };
        assert_eq!(refused("sub").await, "the call flow \"a\" (version 1) points to it");
        assert_eq!(refused("a").await, "the number \"+15550100\" points to it");
        let alice =
            change!(database, change => change.delete_object(Kind::Agent, "alice", None)).unwrap_err();
        assert_eq!(alice.to_string(), "the call flow \"a\" (version 1) points to it");
        change!(database, change => change.delete_object(Kind::Number, "+15550100", None)).unwrap();
        assert!(refused("a").await.contains("a paused call flow goes on routing calls"));
        let mut paused = pointing("a", "alice", "sub");
        paused["settings"]["status"] = "paused".into();
        saved(&database, &paused).await;
        assert!(head(&database, "a").await.is_paused);
        change!(database, change => change.delete_flow("a", None)).unwrap();
        change!(database, change => change.delete_object(Kind::Agent, "alice", None)).unwrap();
        // A new one of that id does not take up the numbers of the old one's versions.
        assert_eq!(version(published(&database, &flow("a", "new")).await), 2);
    });
}

#[test]
fn a_flow_that_was_never_published_is_paused_where_its_draft_is() {
    for_each_engine(async |database| {
        let mut draft = flow("a", "x");
        saved(&database, &draft).await;
        let refused = change!(database, change => change.delete_flow("a", None)).unwrap_err();
        assert!(matches!(refused, StoreError::NotPaused(_)), "{refused}");
        draft["settings"]["status"] = "paused".into();
        saved(&database, &draft).await;
        change!(database, change => change.delete_flow("a", None)).unwrap();
    });
}

#[test]
fn a_secret_that_is_not_configured_is_not_published_and_nothing_is_said_where_none_is_known() {
    for_each_engine(async |database| {
        let mut document = flow("a", "x");
        document["steps"]["ask"] = json!({"type": "http", "name": "Ask", "config": {"url": "https://a.example/",
            "headers": {"Authorization": {"secret": "crm"}}}, "on": {"success": "bye", "http_error": "bye", "error": "bye"}});
        document["steps"]["say"]["on"]["next"] = "ask".into();
        let known =
            |name: &str| Resources { secrets: Some([name.to_owned()].into()), ..Resources::default() };
        let other = database.clone().with_outside(known("crn"));
        let Err(StoreError::InvalidFlow(found)) = published(&other, &document).await else {
            panic!("published")
        };
        let words: Vec<String> = found.iter().map(ToString::to_string).collect();
        let expected = "E05 /steps/ask/config/headers/Authorization/secret: There is no secret `crm`. Did you mean `crn`?";
        assert!(words.iter().any(|found| found == expected), "{words:?}");
        let same = database.clone().with_outside(known("crm"));
        assert_eq!(version(published(&same, &document).await), 1);
        document["name"] = "Another".into();
        assert_eq!(version(published(&database, &document).await), 2);
    });
}

#[test]
fn a_draft_has_no_more_steps_than_a_flow_may_have() {
    for_each_engine(async |database| {
        let with = |steps: usize| {
            let mut flow = flow("a", "x");
            // Two are there already.
            for n in 2..steps {
                flow["steps"][format!("s{n}")] = json!({"type": "hangup", "name": "S", "config": {}});
            }
            flow
        };
        let most = crate::flow::STEPS_MAX;
        let error = change!(database, change => change.create_flow(&with(most + 1))).unwrap_err();
        assert!(error.to_string().starts_with("the call flow has more than 500 steps"), "{error}");
        change!(database, change => change.create_flow(&with(most))).unwrap();
        let error = change!(database, change => change.save_draft("a", None, &with(most + 1))).unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
    });
}

#[test]
fn names_are_taken_once_by_drafts_and_by_what_is_live() {
    for_each_engine(async |database| {
        published(&database, &flow("a", "x")).await.unwrap();
        let named = |id: &str, name: &str| {
            let mut flow = flow(id, "x");
            flow["name"] = name.into();
            flow
        };
        let error = change!(database, change => change.create_flow(&named("b", "the A"))).unwrap_err();
        assert_eq!(error.to_string(), "the name \"the A\" is that of the call flow \"a\" already");
        saved(&database, &named("a", "Other")).await;
        // Still that of the live version.
        assert!(change!(database, change => change.create_flow(&named("b", "the A"))).is_err());
        published(&database, &named("a", "Other")).await.unwrap();
        // Equal but for its name: the name is content.
        assert_eq!(head(&database, "a").await.live, Some(2));
        saved(&database, &named("b", "the A")).await;
        assert!(matches!(
            change!(database, change => change.rollback("a", 1, "")),
            Err(StoreError::NameTaken { .. })
        ));
        for id in ["", "../a", ".a", "a b", &"a".repeat(81)] {
            assert!(change!(database, change => change.create_flow(&named(id, "c"))).is_err(), "{id}");
        }
    });
}

#[test]
fn a_canary_is_tried_promoted_or_taken_back() {
    for_each_engine(async |database| {
        saved(&database, &flow("a", "1")).await;
        let canary = Rollout::Canary(10);
        assert!(change!(database, change => change.publish("a", None, "", canary)).is_err());
        published(&database, &flow("a", "1")).await.unwrap();
        saved(&database, &flow("a", "2")).await;
        assert_eq!(version(change!(database, change => change.publish("a", None, "", canary))), 2);
        let now = head(&database, "a").await;
        assert_eq!((now.live, now.canary), (Some(1), Some((2, 10))));
        change!(database, change => change.cancel_canary("a")).unwrap();
        assert!(change!(database, change => change.cancel_canary("a")).is_err());
        for (version, share) in [(1, 10), (9, 10), (2, 0), (2, 100)] {
            assert!(
                change!(database, change => change.set_canary("a", version, share)).is_err(),
                "{version}"
            );
        }
        change!(database, change => change.set_canary("a", 2, 99)).unwrap();
        assert_eq!(change!(database, change => change.promote_canary("a")).unwrap(), 2);
        let now = head(&database, "a").await;
        assert_eq!((now.live, now.canary, now.last_version), (Some(2), None, 2));
    });
}

#[test]
fn whoever_publishes_what_is_live_already_for_all_ends_a_trial_of_something_else() {
    for_each_engine(async |database| {
        let on_trial = async || {
            saved(&database, &flow("a", "2")).await;
            change!(database, change => change.publish("a", None, "a try", Rollout::Canary(99))).unwrap();
            saved(&database, &flow("a", "1")).await;
            head(&database, "a").await.canary.map(|(version, _)| version)
        };
        published(&database, &flow("a", "1")).await.unwrap();
        let ended = Published::Unchanged { version: 1, ended_canary: on_trial().await };
        assert_eq!(change!(database, change => change.rollback("a", 1, "2 is broken")).unwrap(), ended);
        assert_eq!(head(&database, "a").await.canary, None);
        let ended = Published::Unchanged { version: 1, ended_canary: on_trial().await };
        assert_eq!(
            change!(database, change => change.publish("a", None, "for all", Rollout::Live)).unwrap(),
            ended
        );
        assert_eq!(head(&database, "a").await.canary, None);
        on_trial().await.unwrap();
        change!(database, change => change.schedule_publish("a", None, LATER, "at night")).unwrap();
        database.publish_due(LATER).await.unwrap();
        assert_eq!(head(&database, "a").await.canary, None);
    });
}

#[test]
fn a_publication_says_which_trial_it_ends_and_keeps_the_comment_where_nothing_has_changed() {
    for_each_engine(async |database| {
        published(&database, &flow("a", "1")).await.unwrap();
        saved(&database, &flow("a", "2")).await;
        change!(database, change => change.publish("a", None, "a try", Rollout::Canary(10))).unwrap();
        saved(&database, &flow("a", "3")).await;
        change!(database, change => change.schedule_publish("a", None, LATER, "at night")).unwrap();
        let done = database.publish_due(LATER).await.unwrap();
        assert!(
            matches!(done[0].result, Ok(Published::Version { version: 3, ended_canary: Some(2), .. })),
            "{done:?}"
        );
        let again =
            change!(database, change => change.publish("a", None, "once more", Rollout::Live)).unwrap();
        assert_eq!(again, Published::Unchanged { version: 3, ended_canary: None });
        let log = database.audit(&AuditFilter::default(), None, 3).await.unwrap();
        let details: Vec<&str> = log.iter().map(|entry| entry.detail.as_str()).collect();
        assert_eq!(details[0], "nothing has changed since version 3: once more");
        assert_eq!(details[1], "the trial of version 2 is over: version 3 takes its place");
    });
}

#[test]
fn what_is_due_is_published_once_though_two_servers_look() {
    for_each_engine(async |database| {
        published(&database, &flow("a", "1")).await.unwrap();
        saved(&database, &flow("a", "2")).await;
        change!(database, change => change.schedule_publish("a", None, LATER, "at night")).unwrap();
        // What is drawn later is not what was scheduled.
        saved(&database, &flow("a", "3")).await;
        assert_eq!(database.publish_due(NOON).await.unwrap().len(), 0);
        let (first, second) = tokio::join!(database.publish_due(LATER), database.publish_due(LATER));
        assert_eq!(first.unwrap().len() + second.unwrap().len(), 1);
        let now = head(&database, "a").await;
        assert_eq!((now.live, now.scheduled), (Some(2), None));
        assert_eq!(database.flow_version("a", 2).await.unwrap().unwrap(), flow("a", "2"));
        let versions = database.flow_versions("a", None, 1).await.unwrap();
        assert_eq!((versions[0].comment.as_str(), versions[0].author.as_str()), ("at night", "ann"));
    });
}

#[test]
fn a_publication_that_fails_at_its_time_is_kept_with_the_reason() {
    for_each_engine(async |database| {
        let agent = json!({"id": "alice", "uri": "sip:a@127.0.0.1"});
        let alice = change!(database, change => change.create_object(Kind::Agent, &agent)).unwrap();
        saved(&database, &flow("sub", "x")).await;
        saved(&database, &pointing("a", "alice", "sub")).await;
        change!(database, change => change.schedule_publish("a", None, LATER, "")).unwrap();
        let error =
            change!(database, change => change.delete_object(Kind::Agent, "alice", None)).unwrap_err();
        assert_eq!(error.to_string(), "the call flow \"a\" points to it");
        change!(database, change => change.remove_object(&alice)).unwrap();
        let executed = database.publish_due(LATER).await.unwrap();
        assert!(executed[0].result.is_err());
        assert_eq!(database.publish_due(LATER).await.unwrap().len(), 0);
        let failure = head(&database, "a").await.scheduled.unwrap().failure.unwrap();
        assert!(failure.contains("E05"), "{failure}");
        change!(database, change => change.cancel_scheduled("a")).unwrap();
        assert_eq!(head(&database, "a").await.scheduled, None);
        for due in [Wall::from_unix_seconds(1_794_000_000), Wall::from_unix_seconds(1_895_000_000)] {
            assert!(change!(database, change => change.schedule_publish("sub", None, due, "")).is_err());
        }
    });
}
