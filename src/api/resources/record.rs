//! Call records, counts per step, and what is to be told to others.

use super::record_filter::record_query;
use crate::api::Api;
use crate::api::page::{Page, bad_cursor, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{InPath, Query};
use crate::api::route::{Route, get, post};
use crate::clock::Wall;
use crate::store::database::counts::{ALL_DAYS, Day, StepCount, day_of};
use crate::store::database::outbox_list::OutboxRow;
use crate::store::database::record_list::{Cursor, StoredRecord};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

pub fn routes() -> Vec<Route> {
    let read = Permission::CallsRead;
    vec![
        get("/records", "listRecords", "Records of calls that are over, the latest first.")
            .tag("records")
            .needs(read)
            .query::<RecordQuery>()
            .gives_page::<RecordItem>("A page of records.")
            .to(list),
        get(
            "/records/{node}/{id}",
            "getRecord",
            "One whole record, with the call's path, keys, offers and legs; `told`: what others were told of it.",
        )
        .tag("records")
        .needs(read)
        .gives::<CallRecordDocument>(StatusCode::OK, "The record.")
        .to(one),
        get(
            "/flows/{id}/versions/{n}/counts",
            "getCounts",
            "What the calls of a version of a flow did, step by step; of all times, or of a period.",
        )
        .tag("flows")
        .needs(read)
        .query::<CountsQuery>()
        .gives::<Counts>(StatusCode::OK, "The counts; empty where no call went through that version.")
        .to(counts),
        get(
            "/outbox",
            "listOutbox",
            "What is to be told to other systems, and what became of it; the latest first.",
        )
        .tag("records")
        .needs(read)
        .query::<OutboxQuery>()
        .gives_page::<OutboxItem>("A page of the outbox.")
        .to(outbox),
        post("/outbox/{id}/retry", "retryOutbox", "Has a row that was set aside or given up tried anew, at once.")
            .tag("records")
            .needs(Permission::SystemEdit)
            .gives_nothing("It is tried anew.")
            .problems(&[409])
            .to(retry),
    ]
}

record_query! {
    struct RecordQuery {
        /// Items of the page.
        #[param(minimum = 1, maximum = 200, default = 50)]
        limit: Option<u32>,
        /// Where the page begins: `next` of the page before.
        #[param(max_length = 1024)]
        cursor: Option<String>,
    }
}

/// A call as lists show it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RecordItem {
    /// The server that had the call.
    node: String,
    call_id: String,
    #[schema(format = "date-time")]
    start: String,
    #[schema(format = "date-time")]
    end: String,
    answered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    from: String,
    to: String,
    duration_sec: f64,
    talk_sec: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    end_reason: String,
    /// Why it ended, in a sentence.
    reason: String,
}

/// A whole call record.
#[derive(ToSchema)]
#[schema(value_type = Object)]
struct CallRecordDocument(#[expect(dead_code, reason = "stands for its schema")] Value);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct CountsQuery {
    /// Only calls that came in on that day (UTC) or later.
    #[param(format = "date")]
    from: Option<String>,
    /// Only calls that came in on that day (UTC) or earlier.
    #[param(format = "date")]
    until: Option<String>,
}

/// What the calls of a version did.
#[derive(Serialize, ToSchema)]
struct Counts {
    steps: Vec<StepCountItem>,
}

/// What calls did in a step. A call that enters it twice counts twice.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StepCountItem {
    step: String,
    entered: u64,
    /// Callers who hung up in it without having talked to anybody.
    hung_up: u64,
    /// Calls that ended in it after a conversation.
    answered: u64,
    /// Seconds that calls spent in it.
    seconds: f64,
    /// How often it was left by each port.
    ports: BTreeMap<String, u64>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OutboxQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
    /// Only those in that state.
    #[param(inline)]
    state: Option<OutboxState>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OutboxState {
    Waiting,
    Claimed,
    Done,
    Dead,
    /// Somebody has to look at it.
    Parked,
    /// Not sent, as the caller was erased.
    Erased,
}

/// Something that is to be told to another system.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OutboxItem {
    id: i64,
    kind: String,
    /// Of what it tells: for a task of a CRM, node/call id.
    key: String,
    #[schema(value_type = Object)]
    payload: Value,
    #[schema(format = "date-time")]
    created: String,
    /// When it is tried next.
    #[schema(format = "date-time")]
    due: String,
    attempts: u32,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// What it became in the other system: its id, and where it is looked at.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
}

fn item(record: StoredRecord) -> RecordItem {
    let text = |key: &str| record.document.get(key).and_then(Value::as_str).map(str::to_owned);
    RecordItem {
        start: record.started.to_string(),
        end: record.ended.to_string(),
        answered: record.document.get("answer").is_some(),
        number: text("number"),
        flow_id: text("flowId"),
        version: record.document.get("version").and_then(Value::as_u64),
        from: text("from").unwrap_or_default(),
        to: text("to").unwrap_or_default(),
        duration_sec: record.document.get("durationSec").and_then(Value::as_f64).unwrap_or_default(),
        talk_sec: record.document.get("talkSec").and_then(Value::as_u64).unwrap_or_default(),
        outcome: text("outcome"),
        agent_id: text("agentId"),
        end_reason: text("endReason").unwrap_or_default(),
        reason: text("reason").unwrap_or_default(),
        node: record.node,
        call_id: record.call_id,
    }
}

/// Where a page of records begins: time, server and call, with a line between.
fn record_cursor(text: &str) -> Option<Cursor> {
    let mut parts = text.splitn(3, '\n');
    let started = Wall::from_unix_micros(parts.next()?.parse().ok()?);
    Some(Cursor { started, node: parts.next()?.to_owned(), call_id: parts.next()?.to_owned() })
}

async fn list(
    State(api): State<Api>,
    Query(query): Query<RecordQuery>,
) -> Result<Json<Page<RecordItem>>, Problem> {
    let limit = limit(query.limit)?;
    let after = position(query.cursor.as_deref())?;
    let after = after.map(|text| record_cursor(&text).ok_or_else(bad_cursor)).transpose()?;
    let filter = query.filter()?;
    let records = api.database()?.records(&filter, after.as_ref(), limit + 1).await?;
    let position = |record: &StoredRecord| {
        format!("{}\n{}\n{}", record.started.as_unix_micros(), record.node, record.call_id)
    };
    Ok(Json(Page::new(records, limit, position, item)))
}

async fn one(
    State(api): State<Api>,
    InPath((node, id)): InPath<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let database = api.database()?;
    let record = database.record(&node, &id).await?;
    let mut document = record.ok_or_else(|| Problem::not_found("there is no such record"))?.document;
    let told: Vec<OutboxItem> = database.outbox_of(&node, &id).await?.into_iter().map(shown).collect();
    document["told"] = serde_json::to_value(told).unwrap_or_default();
    document["node"] = node.into();
    Ok(Json(document))
}

/// The day that a parameter names.
fn day(name: &str, text: &str) -> Result<Day, Problem> {
    let date: Result<jiff::civil::Date, _> = text.parse();
    let zoned = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC));
    // A date alone: the library reads a date with a time as well.
    match zoned.ok().filter(|_| text.len() == "2026-11-23".len()) {
        Some(zoned) => Ok(day_of(zoned.timestamp())),
        None => {
            let message = "is no day, such as 2026-11-23";
            Err(Problem::malformed(format!("{name} {message}")).at(format!("?{name}"), message))
        }
    }
}

async fn counts(
    State(api): State<Api>,
    InPath((id, version)): InPath<(String, u32)>,
    Query(query): Query<CountsQuery>,
) -> Result<Json<Counts>, Problem> {
    let from = query.from.map_or(Ok(*ALL_DAYS.start()), |text| day("from", &text))?;
    let until = query.until.map_or(Ok(*ALL_DAYS.end()), |text| day("until", &text))?;
    let steps = api.database()?.step_counts(&id, version, from..=until).await?;
    let shown = |count: StepCount| StepCountItem {
        step: count.step,
        entered: count.entered,
        hung_up: count.hung_up,
        answered: count.answered,
        seconds: count.seconds,
        ports: count.ports,
    };
    Ok(Json(Counts { steps: steps.into_iter().map(shown).collect() }))
}

async fn outbox(
    State(api): State<Api>,
    Query(query): Query<OutboxQuery>,
) -> Result<Json<Page<OutboxItem>>, Problem> {
    let limit = limit(query.limit)?;
    let before = position(query.cursor.as_deref())?;
    let before = before.map_or(Ok(i64::MAX), |text| text.parse().map_err(|_| bad_cursor()))?;
    let state = query.state.map(|state| match state {
        OutboxState::Waiting => "waiting",
        OutboxState::Claimed => "claimed",
        OutboxState::Done => "done",
        OutboxState::Dead => "dead",
        OutboxState::Parked => "parked",
        OutboxState::Erased => "erased",
    });
    let rows = api.database()?.outbox(state, before, limit + 1).await?;
    Ok(Json(Page::new(rows, limit, |row| row.id.to_string(), shown)))
}

fn shown(row: OutboxRow) -> OutboxItem {
    OutboxItem {
        id: row.id,
        kind: row.kind,
        key: row.key,
        payload: serde_json::from_str(&row.payload).unwrap_or_default(),
        created: row.created.to_string(),
        due: row.due.to_string(),
        attempts: row.attempts,
        state: row.state,
        last_error: row.last_error,
        result: row.result.and_then(|result| serde_json::from_str(&result).ok()),
    }
}

async fn retry(State(api): State<Api>, InPath(id): InPath<i64>) -> Result<StatusCode, Problem> {
    match api.database()?.outbox_retry(id, api.now().wall).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::conflict(
            "no such row was set aside or given up; of a caller who was erased nothing is told",
        )),
    }
}
