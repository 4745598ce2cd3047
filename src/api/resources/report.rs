//! Sums over call records, for charts and for the list of flows.

use crate::api::Api;
use crate::api::parameter::time;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::Query;
use crate::api::route::{Route, get};
use crate::store::database::report::CallSum;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A month by the hour: what a chart shows, and what is summed up in a moment.
const PERIOD_MAX_SECONDS: i64 = 32 * 86_400;
/// Sums of one answer: a month of hours with some flows and outcomes each, two megabytes.
const SUMS_MAX: u32 = 20_000;

pub fn routes() -> Vec<Route> {
    vec![
        get("/reports/calls", "reportCalls", "How many calls of each flow came to which end, hour by hour, in a period of 32 days at the most.")
            .tag("records")
            .needs(Permission::CallsRead)
            .query::<ReportQuery>()
            .gives::<CallReport>(StatusCode::OK, "The sums; hours without calls are left out.")
            .problems(&[422])
            .to(calls),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ReportQuery {
    /// Calls that started then or later; the hours are counted from here.
    #[param(format = "date-time")]
    from: String,
    /// Calls that started before.
    #[param(format = "date-time")]
    until: String,
    /// Only calls through the flow with that id.
    #[param(min_length = 1, max_length = 120)]
    flow: Option<String>,
}

/// The sums of a period.
#[derive(Serialize, ToSchema)]
struct CallReport {
    items: Vec<CallSumItem>,
    /// There are more sums than an answer takes: ask for a shorter period.
    more: bool,
}

/// Calls of one hour that went through one flow and ended alike.
#[derive(Serialize, ToSchema)]
struct CallSumItem {
    /// When the hour begins.
    #[schema(format = "date-time")]
    hour: String,
    /// Absent for calls that reached no flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<String>,
    /// Absent for calls that were refused before a flow began.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    calls: u64,
    /// How long they lasted, all together.
    seconds: u64,
}

impl From<CallSum> for CallSumItem {
    fn from(CallSum { hour, flow_id, outcome, calls, seconds }: CallSum) -> Self {
        CallSumItem { hour: hour.to_string(), flow: flow_id, outcome, calls, seconds }
    }
}

async fn calls(
    State(api): State<Api>,
    Query(query): Query<ReportQuery>,
) -> Result<Json<CallReport>, Problem> {
    let (from, until) = (time("from", &query.from)?, time("until", &query.until)?);
    let seconds = until.as_unix_micros().saturating_sub(from.as_unix_micros()) / 1_000_000;
    if !(0..=PERIOD_MAX_SECONDS).contains(&seconds) {
        let message = "is before from, or more than 32 days after it";
        return Err(Problem::invalid(format!("until {message}")).at("?until", message));
    }
    let mut sums = api.database()?.call_sums(from, until, query.flow.as_deref(), SUMS_MAX).await?;
    let more = sums.len() > SUMS_MAX as usize;
    sums.truncate(SUMS_MAX as usize);
    Ok(Json(CallReport { items: sums.into_iter().map(CallSumItem::from).collect(), more }))
}
