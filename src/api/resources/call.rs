//! Calls in progress: the list, hanging up, and events as they happen.

use crate::api::Api;
use crate::api::access::Principal;
use crate::api::board;
use crate::api::events;
use crate::api::page::{Page, PageQuery, bad_cursor, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{InPath, Query};
use crate::api::resources::call_media::SeverityName;
use crate::api::route::{Route, delete, get};
use crate::call::live::{LegState, LiveCall};
use crate::clock::Instant;
use crate::ids::CallId;
use crate::net::signalling::Message;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Json, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

/// How old a list may be: whoever asks more often gets the same one, so that nobody keeps the signalling thread busy.
const LIST_AGE_MAX: Duration = Duration::from_millis(500);

pub fn routes() -> Vec<Route> {
    vec![
        get("/calls", "listCalls", "Calls in progress, the oldest first; at most half a second old.")
            .tag("calls")
            .needs(Permission::CallsRead)
            .query::<PageQuery>()
            .gives_page::<LiveCallItem>("A page of calls.")
            .to(list),
        get("/calls/{id}", "getCall", "One call in progress.")
            .tag("calls")
            .needs(Permission::CallsRead)
            .gives::<LiveCallItem>(StatusCode::OK, "The call.")
            .to(read),
        delete("/calls/{id}", "hangUpCall", "Hangs a call up.")
            .tag("calls")
            .needs(Permission::CallsSteer)
            .gives_nothing("The call ends.")
            .to(hang_up),
        get("/events", "watchCalls", "Server-sent events of live calls. After a break, Last-Event-ID goes on where it was; who missed some is told by an event `missed`. With `view=calls` the list as a state: first all of it, then four times a second at the most the rows that changed.")
            .tag("calls")
            .needs(events::PERMISSION)
            .query::<EventsQuery>()
            .gives_raw("text/event-stream", "Events as they happen.")
            .to(watch),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    /// Only events of the call with that id.
    #[param(max_length = 40)]
    call: Option<String>,
    /// `calls`: not what happened, but the list of calls as it is, told anew where a row changed.
    #[param(inline)]
    view: Option<View>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum View {
    Calls,
}

/// A call in progress.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LiveCallItem {
    id: String,
    /// The Smart Number.
    number: String,
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[schema(format = "date-time")]
    started: String,
    answered: bool,
    /// The step it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<LiveStep>,
    /// Legs that were dialled and are not over.
    legs: Vec<LiveLeg>,
    /// The worst that is wrong with it; `GET /calls/{id}/media` says all, with what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<TroubleMark>,
}

/// That something is wrong with a call.
#[derive(Serialize, ToSchema)]
struct TroubleMark {
    #[schema(inline)]
    severity: SeverityName,
    /// In a few words.
    text: String,
}

#[derive(Serialize, ToSchema)]
struct LiveStep {
    id: String,
    name: String,
    #[schema(format = "date-time")]
    entered: String,
}

#[derive(Serialize, ToSchema)]
struct LiveLeg {
    leg: u32,
    /// The agent's id, the number or the URI.
    party: String,
    state: LegStateName,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LegStateName {
    Dialled,
    Ringing,
    Answered,
    Connected,
    Ended,
}

impl From<LegState> for LegStateName {
    fn from(state: LegState) -> Self {
        match state {
            LegState::Dialled => LegStateName::Dialled,
            LegState::Ringing => LegStateName::Ringing,
            LegState::Answered => LegStateName::Answered,
            LegState::Connected => LegStateName::Connected,
            LegState::Ended => LegStateName::Ended,
        }
    }
}

fn shown(call: &LiveCall) -> LiveCallItem {
    LiveCallItem {
        id: call.id.to_string(),
        number: call.number.clone(),
        from: call.from.clone(),
        to: call.to.clone(),
        flow_id: call.flow_id.clone(),
        version: call.version,
        started: call.started.to_string(),
        answered: call.answered,
        step: call.step.as_ref().map(|(id, name, entered)| LiveStep {
            id: id.clone(),
            name: name.clone(),
            entered: entered.to_string(),
        }),
        legs: call
            .legs
            .iter()
            .map(|(leg, party, state)| LiveLeg { leg: *leg, party: party.clone(), state: (*state).into() })
            .collect(),
        trouble: call
            .trouble
            .as_ref()
            .map(|(severity, text)| TroubleMark { severity: (*severity).into(), text: text.clone() }),
    }
}

/// Legs in a row, and characters of whom each rings: a row is to be a small part of a piece of the stream.
const ROW_LEGS_MAX: usize = 16;
const ROW_PARTY_CHARS_MAX: usize = 64;

/// A call as JSON, as the list has it, its legs cut to what a row shows.
pub fn row(call: &LiveCall) -> String {
    let mut row = shown(call);
    row.legs.truncate(ROW_LEGS_MAX);
    for leg in &mut row.legs {
        if let Some((end, _)) = leg.party.char_indices().nth(ROW_PARTY_CHARS_MAX) {
            leg.party.truncate(end);
        }
    }
    serde_json::to_string(&row).unwrap_or_default()
}

/// The list that all share, and when it was made.
pub type CallList = Option<(Instant, Arc<Vec<LiveCall>>)>;

async fn calls(api: &Api) -> Result<Arc<Vec<LiveCall>>, Problem> {
    // Who comes while it is made waits for the same one.
    let mut kept = api.calls.lock().await;
    let now = api.now().instant;
    if let Some((_, calls)) = kept.as_ref().filter(|(made, _)| now - *made < LIST_AGE_MAX) {
        return Ok(calls.clone());
    }
    let (reply, answer) = oneshot::channel();
    ask(api, Message::Calls(reply)).await?;
    let calls = Arc::new(answer.await.map_err(|_| stopping())?);
    *kept = Some((now, calls.clone()));
    Ok(calls)
}

pub async fn ask(api: &Api, message: Message) -> Result<(), Problem> {
    api.post.send(message).await.map_err(|_| stopping())
}

pub fn stopping() -> Problem {
    Problem::unavailable("the server is stopping")
}

pub fn unknown() -> Problem {
    Problem::not_found("there is no such call in progress")
}

async fn list(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<LiveCallItem>>, Problem> {
    let limit = limit(query.limit)?;
    let after = position(query.cursor.as_deref())?;
    let after = after.map(|text| text.parse::<CallId>().map_err(|_| bad_cursor())).transpose()?;
    let calls = calls(&api).await?;
    let later = calls.iter().filter(|call| after.is_none_or(|after| call.id > after));
    let page = later.take(limit as usize + 1).collect();
    Ok(Json(Page::new(page, limit, |call| call.id.to_string(), shown)))
}

async fn read(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Json<LiveCallItem>, Problem> {
    let id = id.parse::<CallId>().map_err(|_| unknown())?;
    let calls = calls(&api).await?;
    calls.iter().find(|call| call.id == id).map(|call| Json(shown(call))).ok_or_else(unknown)
}

async fn hang_up(State(api): State<Api>, InPath(id): InPath<String>) -> Result<StatusCode, Problem> {
    let call = id.parse::<CallId>().map_err(|_| unknown())?;
    let (reply, answer) = oneshot::channel();
    ask(&api, Message::HangUp { call, reply }).await?;
    match answer.await {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(unknown()),
        Err(_) => Err(stopping()),
    }
}

async fn watch(
    State(api): State<Api>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
    principal: Principal,
) -> Result<Response, Problem> {
    match query.view {
        Some(View::Calls) => board::listen(&api, query.call.as_deref(), principal),
        None => events::listen(&api, &headers, query.call, principal),
    }
}
