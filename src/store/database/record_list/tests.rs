use super::*;
use crate::store::database::call_records::NewRecord;
use crate::store::database::outbox::Told;
use crate::store::database::samples::{self, BEGIN};
use crate::store::database::testing::for_each_engine;
use std::time::Duration;

const RECORDS: u64 = 3_000;

fn samples() -> Vec<NewRecord> {
    // Two servers, and calls of both in the same microsecond.
    let read = |n: u64| NewRecord::read(["east", "West"][n as usize % 2], &samples::document(n / 2)).unwrap();
    (0..RECORDS).map(read).collect()
}

fn begins(filter: &Option<String>, texts: &[&str]) -> bool {
    filter.as_ref().is_none_or(|beginning| texts.iter().any(|text| text.starts_with(beginning)))
}

fn equals(filter: &Option<String>, text: &Option<String>) -> bool {
    filter.is_none() || filter == text
}

/// The keys of the records that a filter means, in the order of the list; by the records alone.
fn expected(records: &[NewRecord], filter: &Filter) -> Vec<(i64, String, String)> {
    let start = |record: &NewRecord| Wall::from(record.facts.start);
    let chosen = records.iter().filter(|record| {
        let facts = &record.facts;
        equals(&filter.number, &facts.number)
            && equals(&filter.flow_id, &facts.flow_id)
            && equals(&filter.outcome, &facts.outcome)
            && equals(&filter.agent_id, &facts.agent_id)
            && filter.end_reason.as_ref().is_none_or(|reason| *reason == facts.end_reason)
            && begins(&filter.caller, &[&facts.from])
            && begins(&filter.call, &[&facts.call_id, &facts.call_key, &facts.sip_call_id])
            && filter.from.is_none_or(|from| start(record) >= from)
            && filter.until.is_none_or(|until| start(record) < until)
    });
    let mut keys: Vec<_> =
        chosen.map(|r| (start(r).as_unix_micros(), r.node().to_owned(), r.call_id().to_owned())).collect();
    keys.sort_by(|a, b| b.cmp(a));
    keys
}

fn filters(records: &[NewRecord]) -> Vec<Filter> {
    let one = &records[700].facts;
    let all = Filter::default();
    let some = |text: &str| Some(text.to_owned());
    let at = |seconds: u64| Some(BEGIN + Duration::from_secs(seconds));
    vec![
        all.clone(),
        Filter { from: at(100), until: at(900), ..all.clone() },
        Filter { number: one.number.clone(), ..all.clone() },
        Filter { number: one.number.clone(), outcome: one.outcome.clone(), from: at(10), ..all.clone() },
        Filter { number: one.number.clone(), flow_id: one.flow_id.clone(), ..all.clone() },
        Filter { flow_id: some("flow-7"), ..all.clone() },
        Filter { flow_id: some("flow-7"), caller: some("+1415"), ..all.clone() },
        Filter { outcome: some("answered"), ..all.clone() },
        Filter { outcome: some("abandoned_in_flow"), until: at(700), caller: some("+1"), ..all.clone() },
        Filter { agent_id: some("agent-7"), ..all.clone() },
        Filter { end_reason: Some(one.end_reason.clone()), ..all.clone() },
        Filter { end_reason: some("rejected"), from: at(10), ..all.clone() },
        Filter { agent_id: some("agent-7"), outcome: some("answered"), ..all.clone() },
        // Nearly all begin so, some, one.
        Filter { caller: some("+1"), ..all.clone() },
        Filter { caller: some("+14155551"), ..all.clone() },
        Filter { caller: Some(one.from.clone()), outcome: one.outcome.clone(), ..all.clone() },
        Filter { call: some("c17"), ..all.clone() },
        Filter { call: Some(one.call_id.clone()), ..all.clone() },
        Filter { call: Some(one.call_key.clone()), ..all.clone() },
        Filter { call: Some(one.sip_call_id[..6].to_owned()), caller: some("+1"), ..all.clone() },
        Filter { caller: some(""), call: some(""), ..all.clone() },
    ]
}

#[test]
fn every_filter_shows_what_it_means_in_order_on_pages_of_any_size() {
    for_each_engine(async |database| {
        let records = samples();
        for part in records.chunks(700) {
            assert_eq!(database.write_records(part, Told::default()).await.unwrap().new, part.len() as u64);
        }
        for (n, filter) in filters(&records).iter().enumerate() {
            let expected = expected(&records, filter);
            assert!(!expected.is_empty(), "filter {n}");
            let count = expected.len() as u32;
            for (most, are_more) in [(count - 1, true), (count, false)] {
                assert_eq!(database.are_more_than(most, filter).await.unwrap(), are_more, "filter {n}");
            }
            for limit in [if expected.len() > 200 { 97 } else { 3 }, PAGE_MAX] {
                let (mut seen, mut after) = (Vec::new(), None);
                loop {
                    let page = database.records(filter, after.as_ref(), limit).await.unwrap();
                    assert!(page.len() <= limit as usize);
                    after = page.last().map(StoredRecord::cursor);
                    seen.extend(page.into_iter().map(|r| (r.started.as_unix_micros(), r.node, r.call_id)));
                    if after.is_none() {
                        break;
                    }
                }
                assert!(seen == expected, "filter {n}, {limit} a page: {} of {}", seen.len(), expected.len());
            }
        }
    });
}

#[test]
fn a_filter_that_matches_nothing_or_is_hostile_gives_an_empty_page() {
    for_each_engine(async |database| {
        let records: Vec<_> = samples().into_iter().take(50).collect();
        database.write_records(&records, Told::default()).await.unwrap();
        for text in
            ["nosuch", "'; DROP TABLE call_records; --", "%", "\0", "\u{10FFFF}", "$1", &"x".repeat(10_000)]
        {
            let some = Some(text.to_owned());
            for filter in [
                Filter { number: some.clone(), ..Filter::default() },
                Filter { outcome: some.clone(), agent_id: some.clone(), ..Filter::default() },
                Filter { caller: some.clone(), ..Filter::default() },
                Filter { call: some.clone(), flow_id: some.clone(), ..Filter::default() },
            ] {
                assert_eq!(database.records(&filter, None, 10).await.unwrap(), [], "{filter:?}");
            }
        }
        let far = Wall::from_unix_micros(i64::MAX);
        let cursor = Cursor { started: far, node: "\0".to_owned(), call_id: "'".to_owned() };
        let filter =
            Filter { from: Some(Wall::from_unix_micros(i64::MIN)), until: Some(far), ..Filter::default() };
        assert_eq!(database.records(&filter, Some(&cursor), 0).await.unwrap().len(), 1);
    });
}

#[test]
fn a_record_is_found_by_its_key_with_all_that_was_written() {
    for_each_engine(async |database| {
        let records: Vec<_> = samples().into_iter().take(20).collect();
        database.write_records(&records, Told::default()).await.unwrap();
        for record in &records {
            let stored = database.record(record.node(), record.call_id()).await.unwrap().unwrap();
            assert_eq!(stored.document.to_string(), record.document());
        }
        assert_eq!(database.record("east", "nosuch").await.unwrap(), None);
    });
}
