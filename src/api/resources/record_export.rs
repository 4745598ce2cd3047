//! Call records as files for other programs.

use super::record_filter::record_query;
use crate::api::Api;
use crate::api::access::{self, Principal};
use crate::api::permission::Permission;
use crate::api::pieces::{JSON_LINES, Pieces};
use crate::api::problem::Problem;
use crate::api::request::Query;
use crate::api::route::{Route, get};
use crate::store::database::Database;
use crate::store::database::record_list::Filter;
use crate::store::record_export::{Columns, Export, Format};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use utoipa::ToSchema;

/// Exports at a time. Each reads one page after the other, as fast as it is taken: two of the eight connections to the
/// database, so that the console and the records that come in have the others.
pub const EXPORTS_MAX: usize = 2;
/// Records of one: as many as a spreadsheet has rows (1,048,576), to the next round number. It is a month of a busy
/// server; more is taken month by month, or with the command on the server, which has no limit.
pub const ROWS_MAX: u32 = 1_000_000;
/// Pages that wait for a client; then none is read.
const PIECES_MAX: usize = 2;
/// The longest, at 300 records a second over a slow line; a place is not held for ever.
const TIME_MAX: Duration = Duration::from_secs(3_600);
/// So often it is looked whether whoever exports still may, as with streams of events.
const LOOK_EVERY: Duration = Duration::from_secs(15);

const CSV: &str = "text/csv";

pub fn routes() -> Vec<Route> {
    let read = Permission::CallsRead;
    vec![
        get(
            "/records.csv",
            "exportRecordsCsv",
            "Records of calls that are over as CSV (RFC 4180), the latest first; a million at the most.",
        )
        .tag("records")
        .needs(read)
        .query::<CsvQuery>()
        .gives_raw(CSV, "The file. One that cannot be brought to its end is broken off.")
        .problems(&[422])
        .to(csv),
        get(
            "/records.jsonl",
            "exportRecordsJsonLines",
            "Whole records of calls that are over, a line of JSON each, the latest first; a million at the most.",
        )
        .tag("records")
        .needs(read)
        .query::<LinesQuery>()
        .gives_raw(JSON_LINES, "The file. One that cannot be brought to its end is broken off.")
        .problems(&[422])
        .to(lines),
    ]
}

/// Which columns a table has.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ColumnsName {
    /// The fields of a record by their own names.
    Fields,
    /// Those of Asterisk's call detail records.
    Asterisk,
}

record_query! {
    struct CsvQuery {
        /// Which columns: a record's own fields, or those of Asterisk's call detail records; else its own.
        #[param(inline)]
        columns: Option<ColumnsName>,
    }
}

record_query! {
    struct LinesQuery {}
}

async fn csv(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<CsvQuery>,
) -> Result<Response, Problem> {
    let columns = match query.columns {
        None | Some(ColumnsName::Fields) => Columns::Fields,
        Some(ColumnsName::Asterisk) => Columns::Asterisk,
    };
    begin(api, principal, query.filter()?, Format::Csv(columns)).await
}

async fn lines(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<LinesQuery>,
) -> Result<Response, Problem> {
    begin(api, principal, query.filter()?, Format::JsonLines).await
}

/// Refuses more records than one export has.
pub async fn check_rows(database: &Database, filter: &Filter, most: u32) -> Result<(), Problem> {
    if !database.are_more_than(most, filter).await? {
        return Ok(());
    }
    Err(Problem::invalid(format!(
        "more than {most} records are meant: ask for a shorter period (from, until), or run `cordboard records export` \
         on the server"
    )))
}

async fn begin(api: Api, principal: Principal, filter: Filter, format: Format) -> Result<Response, Problem> {
    let place = api.exports.clone().try_acquire_owned();
    let full = |_| Problem::unavailable("as many exports run as may at a time").retry_after(30);
    let place = place.map_err(full)?;
    let database = api.database()?.clone();
    check_rows(&database, &filter, ROWS_MAX).await?;
    let mut export = Export::new(database, filter, format);
    // A database that is away is told as such, not by an answer that breaks off.
    let first = export.next().await?.unwrap_or_default();
    let (kind, ending) = match format {
        Format::Csv(_) => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::JsonLines => (JSON_LINES, "jsonl"),
    };
    let day = api.now().wall.timestamp().strftime("%Y-%m-%d");
    let name = HeaderValue::try_from(format!("attachment; filename=\"records-{day}.{ending}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, name.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    tokio::spawn(run(api, principal, export, first, sender, place));
    Ok((headers, Body::new(Pieces(receiver))).into_response())
}

/// Why an export was broken off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the database failed")]
    Database,
    #[error("it took longer than an hour")]
    Late,
    #[error("whoever asked for it may not read records any more")]
    Lost,
}

async fn run(
    api: Api,
    principal: Principal,
    mut export: Export,
    first: Vec<u8>,
    sender: mpsc::Sender<Result<Bytes, Broken>>,
    _place: OwnedSemaphorePermit,
) {
    let sent = send(&api, &principal, &mut export, first, &sender);
    let sent = tokio::time::timeout(TIME_MAX, sent).await.unwrap_or(Err(Broken::Late));
    let (actor, records) = (principal.actor().to_owned(), export.rows());
    match sent {
        Ok(true) => tracing::info!(actor, records, "call records were exported"),
        Ok(false) => tracing::info!(actor, records, "an export of call records was given up by its client"),
        Err(error) => {
            tracing::warn!(actor, records, %error, "an export of call records was broken off");
            // Behind the pieces that wait: without it the answer would look whole.
            let _ = sender.send(Err(error)).await;
        }
    }
}

/// Whether all was taken.
async fn send(
    api: &Api,
    principal: &Principal,
    export: &mut Export,
    first: Vec<u8>,
    sender: &mpsc::Sender<Result<Bytes, Broken>>,
) -> Result<bool, Broken> {
    let mut piece = Some(first);
    let mut looked = api.now().instant;
    while let Some(text) = piece {
        if sender.send(Ok(text.into())).await.is_err() {
            return Ok(false);
        }
        let now = api.now().instant;
        if now - looked > LOOK_EVERY {
            looked = now;
            // A database that is away fails the next page.
            if let Ok(Err(_)) = access::still(api, principal, Permission::CallsRead).await {
                return Err(Broken::Lost);
            }
        }
        piece = export.next().await.map_err(|error| {
            tracing::error!(%error, "the database failed an export of call records");
            Broken::Database
        })?;
    }
    Ok(true)
}
