//! Exports of call records, and erasure of a caller.

use super::*;
use crate::api::resources::record_export::{EXPORTS_MAX, check_rows};
use crate::store::database::call_records::NewRecord;
use crate::store::database::outbox::Told;
use crate::store::database::record_list::Filter;
use crate::store::database::samples;

const CALLER: &str = "+14155550123";

async fn filled(world: &World, count: u64) {
    let read = |n: u64| {
        let text = samples::document(n);
        let text = if n == 7 { text.replace(&samples::record(7).from, CALLER) } else { text };
        NewRecord::read("east", &text).unwrap()
    };
    let records: Vec<_> = (0..count).map(read).collect();
    world.api.database().unwrap().write_records(&records, Told::default()).await.unwrap();
}

#[test]
fn records_are_exported_as_csv_and_as_json_lines_by_the_filters_of_the_list() {
    run(async |world| {
        filled(&world, 450).await;
        for (query, count) in
            [("", 450), ("?caller=%2B14155550123", 1), ("?endReason=rejected", 45), ("?call=nosuch", 0)]
        {
            let csv = world.as_admin("GET", &format!("/records.csv{query}"), None).await;
            assert_eq!(csv.status, 200, "{csv:?}");
            assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
            assert_eq!(csv.text.split("\r\n").count(), count + 2, "{query}");
            assert!(csv.text.starts_with("callId,callKey,sipCallId,node,"));
            let lines = world.as_admin("GET", &format!("/records.jsonl{query}"), None).await;
            assert_eq!(lines.header("content-type"), "application/x-ndjson");
            assert_eq!(lines.text.lines().count(), count, "{query}");
            for line in lines.text.lines() {
                assert_eq!(serde_json::from_str::<Value>(line).unwrap()["node"], "east");
            }
        }
        let asterisk =
            world.as_admin("GET", "/records.csv?columns=asterisk&caller=%2B14155550123", None).await;
        assert!(asterisk.text.starts_with("clid,src,dst,"), "{}", asterisk.text);
        assert!(asterisk.text.contains(&format!("\r\n{CALLER},{CALLER},+155501")), "{}", asterisk.text);
        let name = asterisk.header("content-disposition");
        assert!(name.starts_with("attachment; filename=\"records-20") && name.ends_with(".csv\""), "{name}");
        for wrong in [
            "/records.csv?columns=freeswitch",
            "/records.jsonl?columns=fields",
            "/records.csv?limit=5",
            "/records.csv?from=x",
        ] {
            assert_eq!(world.as_admin("GET", wrong, None).await.status, 400, "{wrong}");
        }
    });
}

#[test]
fn an_export_of_more_records_than_one_has_is_refused_with_what_to_do() {
    run(async |world| {
        filled(&world, 30).await;
        let database = world.api.database().unwrap();
        assert!(check_rows(database, &Filter::default(), 30).await.is_ok());
        let problem = check_rows(database, &Filter::default(), 29).await.unwrap_err();
        assert_eq!(problem.status(), 422);
        assert!(format!("{problem:?}").contains("more than 29 records are meant: ask for a shorter period"));
    });
}

#[test]
fn a_few_exports_run_at_a_time_and_one_that_nobody_takes_gives_its_place_back() {
    run(async |world| {
        filled(&world, 450).await;
        let begin = async || {
            let request = Request::builder().uri("/api/v1/records.jsonl");
            let request = request.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
            let mut request = request.body(Body::empty()).unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 5))));
            let service = TowerToHyperService::new(world.router.clone());
            hyper::service::Service::call(&service, request).await.unwrap()
        };
        let mut open = Vec::new();
        for _ in 0..EXPORTS_MAX {
            open.push(begin().await);
            assert_eq!(open.last().unwrap().status(), 200);
        }
        let refused = begin().await;
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()["retry-after"], "30");
        // 450 records are three pieces, of which two wait.
        drop(open);
        let places = world.api.exports.clone().acquire_many_owned(EXPORTS_MAX as u32);
        drop(tokio::time::timeout(Duration::from_secs(20), places).await.unwrap().unwrap());
    });
}

#[test]
fn an_export_that_the_database_fails_is_broken_off_and_not_ended() {
    run(async |world| {
        filled(&world, 900).await;
        let request = Request::builder().uri("/api/v1/records.csv");
        let request = request.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 5))));
        let service = TowerToHyperService::new(world.router.clone());
        let response = hyper::service::Service::call(&service, request).await.unwrap();
        assert_eq!(response.status(), 200);
        world.api.database().unwrap().close().await;
        assert!(axum::body::to_bytes(response.into_body(), usize::MAX).await.is_err());
    });
}

#[test]
fn a_caller_is_erased_and_what_is_out_of_reach_is_named() {
    run(async |world| {
        filled(&world, 40).await;
        let body = || Some(json!({"number": "+1 (415) 555-0123"}));
        let done = world.as_admin("POST", "/records/erase", body()).await;
        assert_eq!(done.status, 200, "{done:?}");
        let done = done.json();
        assert_eq!(done["records"], 1);
        assert!(done["spellings"].as_array().unwrap().contains(&json!("4155550123")), "{done}");
        let text = done["notReached"].to_string();
        for place in ["data/calls.jsonl", "data/spool", "backups", "log files", "CRM"] {
            assert!(text.contains(place), "{place}: {text}");
        }
        assert_eq!(world.as_admin("POST", "/records/erase", body()).await.json()["records"], 0);
        let id = samples::record(7).call_id;
        let record = world.as_admin("GET", &format!("/records/east/{id}"), None).await.json();
        assert_eq!(
            (&record["from"], &record["vars"], record["erased"].is_string()),
            (&json!(""), &json!([]), true)
        );
        let audit = world.as_admin("GET", "/audit?kind=caller", None).await;
        assert!(audit.text.contains("…0123") && !audit.text.contains("5550123"), "{}", audit.text);
        for wrong in
            [json!({"number": ""}), json!({"number": " - "}), json!({"number": "1".repeat(65)}), json!({})]
        {
            assert_eq!(
                world.as_admin("POST", "/records/erase", Some(wrong.clone())).await.status,
                422,
                "{wrong}"
            );
        }
    });
}

#[test]
fn only_an_admin_erases_and_a_token_may_do_nothing_else() {
    run(async |world| {
        world.user("sue", "supervisor").await;
        world.user("ann", "admin").await;
        let body = || Some(json!({"number": CALLER}));
        for (login, status) in [("sue", 403), ("ann", 200)] {
            let signed_in = world.sign_in(login, PASSWORD).await;
            let cookie = format!("cookie: {}", signed_in.cookie());
            let csrf = format!("x-csrf-token: {}", signed_in.json()["csrfToken"].as_str().unwrap());
            assert_eq!(
                world.ask("POST", "/records/erase", &[&cookie, &csrf], body()).await.status,
                status,
                "{login}"
            );
            if status == 403 {
                continue;
            }
            let wanted = Some(json!({"name": "erasures", "scopes": ["records.erase"]}));
            let token = world.ask("POST", "/tokens", &[&cookie, &csrf], wanted).await.json();
            let bearer = format!("authorization: Bearer {}", token["token"].as_str().unwrap());
            assert_eq!(world.ask("POST", "/records/erase", &[&bearer], body()).await.status, 200);
            assert_eq!(world.ask("GET", "/records", &[&bearer], None).await.status, 403);
        }
    });
}
