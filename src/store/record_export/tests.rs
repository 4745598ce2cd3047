use super::*;
use crate::store::database::call_records::NewRecord;
use crate::store::database::outbox::Told;
use crate::store::database::samples::{self, BEGIN};
use crate::store::database::testing::for_each_engine;
use serde_json::json;
use std::time::Duration;

async fn filled(database: &Database, count: u64) {
    let records: Vec<_> =
        (0..count).map(|n| NewRecord::read("east", &samples::document(n)).unwrap()).collect();
    for part in records.chunks(700) {
        database.write_records(part, Told::default()).await.unwrap();
    }
}

/// All pieces, each as text.
async fn export(database: &Database, filter: Filter, format: Format) -> (Vec<String>, u64) {
    let mut export = Export::new(database.clone(), filter, format);
    let mut pieces = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        pieces.push(String::from_utf8(piece).unwrap());
    }
    (pieces, export.rows())
}

#[test]
fn every_record_is_a_line_the_latest_first_and_a_piece_is_a_page() {
    for_each_engine(async |database| {
        filled(&database, 650).await;
        for (count, pieces_expected) in [(650, 4), (400, 3), (0, 1)] {
            let until = Some(BEGIN + Duration::from_secs(count));
            let filter = Filter { until, ..Filter::default() };
            for format in [Format::JsonLines, Format::Csv(Columns::Fields), Format::Csv(Columns::Asterisk)] {
                let (pieces, rows) = export(&database, filter.clone(), format).await;
                assert_eq!((pieces.len(), rows), (pieces_expected, count), "{format:?}");
                let text = pieces.concat();
                let heads = u64::from(format != Format::JsonLines);
                let mut lines: Vec<&str> = text.lines().collect();
                assert_eq!(lines.len() as u64, count + heads, "{format:?}");
                let ids = (0..count).rev().map(|n| samples::record(n).call_id);
                lines.drain(..heads as usize);
                assert!(lines.iter().zip(ids).all(|(line, id)| line.contains(&id)), "{format:?}");
            }
        }
        let filter = Filter { outcome: Some("answered".to_owned()), ..Filter::default() };
        let (pieces, rows) = export(&database, filter, Format::JsonLines).await;
        assert!(rows > 100 && rows < 400);
        assert!(pieces.concat().lines().all(|line| line.contains("\"outcome\":\"answered\"")));
    });
}

#[test]
fn a_line_of_json_is_the_whole_record_with_its_server() {
    for_each_engine(async |database| {
        filled(&database, 30).await;
        let (pieces, _) = export(&database, Filter::default(), Format::JsonLines).await;
        for (n, line) in (0..30).rev().zip(pieces.concat().lines()) {
            let mut expected: Value = serde_json::from_str(&samples::document(n)).unwrap();
            expected["node"] = "east".into();
            assert_eq!(serde_json::from_str::<Value>(line).unwrap(), expected);
        }
    });
}

/// The cells of a record by the names of their columns.
fn cells(document: &Value, columns: Columns) -> Vec<(&'static str, String)> {
    let row = Row { node: "east", document };
    columns
        .all()
        .iter()
        .map(|(name, cell)| (*name, cell(&row)))
        .filter(|(_, cell)| !cell.is_empty())
        .collect()
}

fn call() -> Value {
    json!({
        "callId": "c1", "callKey": "k", "sipCallId": "x@y", "trunk": "carrier", "source": "192.0.2.7:5060",
        "number": "+15550100", "flowId": "main", "version": 3, "from": "+14155550123", "to": "+15550100",
        "start": "2026-11-23T09:00:00.250Z", "answer": "2026-11-23T09:00:01.000Z", "end": "2026-11-23T09:01:00.900Z",
        "durationSec": 60.65, "billedSec": 59.9, "endReason": "caller_hung_up", "reason": "the caller hung up",
        "outcome": "answered", "outcomeText": null, "finalStep": {"id": "team", "name": "Ring the team", "secondsIn": 50},
        "offers": [{"agent": "bob", "ringSec": 9, "result": "no_answer"}, {"agent": "alice", "ringSec": 6, "result": "answered"}],
        "agentId": "alice", "talkSec": 40, "endedBy": "caller", "vars": [["name", "Ann"], ["age", "40"]],
        "tags": {"campaign": "autumn"}, "abandonedTask": {"subject": "Call Ann", "comments": "soon", "assignTo": null},
        "keys": [{"digit": "1"}, {"digit": "•"}, {"digit": "#"}],
        "troubles": [{"party": "caller", "kind": "no_audio"}, {"party": "alice", "kind": "loss"}],
    })
}

#[test]
fn a_record_has_its_own_names() {
    let expected = [
        ("callId", "c1"),
        ("callKey", "k"),
        ("sipCallId", "x@y"),
        ("node", "east"),
        ("trunk", "carrier"),
        ("source", "192.0.2.7:5060"),
        ("number", "+15550100"),
        ("flowId", "main"),
        ("version", "3"),
        ("from", "+14155550123"),
        ("to", "+15550100"),
        ("start", "2026-11-23T09:00:00.250Z"),
        ("answer", "2026-11-23T09:00:01.000Z"),
        ("end", "2026-11-23T09:01:00.900Z"),
        ("durationSec", "60.65"),
        ("billedSec", "59.9"),
        ("talkSec", "40"),
        ("endReason", "caller_hung_up"),
        ("reason", "the caller hung up"),
        ("outcome", "answered"),
        ("finalStepId", "team"),
        ("finalStepName", "Ring the team"),
        ("finalStepSecondsIn", "50"),
        ("agentId", "alice"),
        ("endedBy", "caller"),
        ("keys", "1•#"),
        ("tags", "{\"campaign\":\"autumn\"}"),
        ("vars", "{\"name\":\"Ann\",\"age\":\"40\"}"),
        ("abandonedSubject", "Call Ann"),
        ("abandonedComments", "soon"),
        ("troubles", "caller:no_audio alice:loss"),
    ];
    let cells = cells(&call(), Columns::Fields);
    let cells: Vec<_> = cells.iter().map(|(name, cell)| (*name, cell.as_str())).collect();
    assert_eq!(cells, expected);
}

#[test]
fn a_record_has_asterisks_names() {
    let expected = [
        ("clid", "+14155550123"),
        ("src", "+14155550123"),
        ("dst", "+15550100"),
        ("dcontext", "main"),
        ("channel", "SIP/carrier-c1"),
        ("dstchannel", "SIP/alice-c1"),
        ("lastapp", "team"),
        ("lastdata", "Ring the team"),
        ("start", "2026-11-23 09:00:00"),
        ("answer", "2026-11-23 09:00:01"),
        ("end", "2026-11-23 09:01:00"),
        ("duration", "60"),
        ("billsec", "59"),
        ("disposition", "ANSWERED"),
        ("amaflags", "DOCUMENTATION"),
        ("accountcode", "+15550100"),
        ("peeraccount", "alice"),
        ("uniqueid", "c1"),
        ("linkedid", "c1"),
        ("sequence", "0"),
        ("userfield", "answered"),
    ];
    let cells = cells(&call(), Columns::Asterisk);
    let cells: Vec<_> = cells.iter().map(|(name, cell)| (*name, cell.as_str())).collect();
    assert_eq!(cells, expected);
}

#[test]
fn a_call_that_reached_nobody_has_few_cells_and_breaks_none() {
    let document =
        json!({"callId": "c2", "from": "", "endReason": "rejected", "sipCode": 404, "durationSec": 0.0});
    let asterisk: Vec<_> = cells(&document, Columns::Asterisk);
    let names: Vec<_> = asterisk.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["channel", "duration", "billsec", "disposition", "amaflags", "uniqueid", "linkedid", "sequence"]
    );
    assert_eq!(asterisk[0].1, "SIP/caller-c2");
    for odd in [json!(null), json!({"vars": 3, "keys": [1], "troubles": [2], "offers": [3], "start": "x"})] {
        cells(&odd, Columns::Asterisk);
        cells(&odd, Columns::Fields);
    }
}
