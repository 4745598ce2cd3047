//! What schedules say at this moment.

use crate::api::Api;
use crate::api::permission::Permission;
use crate::api::route::{Route, get};
use crate::flow::schedule::State as ScheduleState;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    vec![
        get(
            "/schedule-states",
            "listScheduleStates",
            "What each schedule says at this moment to calls of this server.",
        )
        .tag("schedules")
        .needs(Permission::SetupRead)
        .gives::<ScheduleStates>(StatusCode::OK, "The schedules by their ids.")
        .to(list),
    ]
}

/// What schedules say.
#[derive(Serialize, ToSchema)]
struct ScheduleStates {
    items: Vec<ScheduleStateItem>,
}

/// What a schedule says at this moment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ScheduleStateItem {
    id: String,
    state: StateName,
    /// It was set by hand.
    by_hand: bool,
    /// When the calendar next changes its mind; absent where it does not within a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    next_edge: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateName {
    Open,
    Closed,
    Holiday,
}

impl From<ScheduleState> for StateName {
    fn from(state: ScheduleState) -> Self {
        match state {
            ScheduleState::Open => StateName::Open,
            ScheduleState::Closed => StateName::Closed,
            ScheduleState::Holiday => StateName::Holiday,
        }
    }
}

async fn list(State(api): State<Api>) -> Json<ScheduleStates> {
    let (snapshot, now) = (api.snapshot(), api.now().wall);
    let (schedules, account) = (&snapshot.library.schedules, &snapshot.library.account);
    let mut items: Vec<ScheduleStateItem> = schedules
        .iter()
        .map(|(id, schedule)| ScheduleStateItem {
            id: id.clone(),
            state: schedule.state(now, account).into(),
            by_hand: schedule.is_by_hand(now, account),
            next_edge: schedule.next_edge(now, account).map(|edge| edge.to_string()),
        })
        .collect();
    items.sort_by(|a, b| a.id.cmp(&b.id));
    Json(ScheduleStates { items })
}
