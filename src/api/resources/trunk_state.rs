//! How trunks are at this moment, and the wish that a registration be tried again.

use super::call::{ask, stopping};
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::permission::Permission;
use crate::api::pieces::{JSON_LINES, step_lines};
use crate::api::problem::Problem;
use crate::api::request::InPath;
use crate::api::route::{Route, get, post};
use crate::call::trial::shown_number;
use crate::call::trunk::{LastPing, Reject, Status, TrunkStatus};
use crate::clock::{Instant, Now};
use crate::net::doctor::Busy;
use crate::net::signalling::Message;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Json, Response};
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    vec![
        get("/trunk-states", "listTrunkStates", "How each trunk is at this moment, as this server sees it.")
            .tag("trunks")
            .needs(Permission::SetupRead)
            .gives::<TrunkStates>(StatusCode::OK, "The trunks by their ids.")
            .to(list),
        post(
            "/trunks/{id}/register",
            "registerWithTrunk",
            "Try the registration with a trunk now, also where it was given up.",
        )
        .tag("trunks")
        .needs(Permission::SystemEdit)
        .gives_nothing("It is tried: see how the trunk is.")
        .problems(&[404, 503])
        .to(register),
        post(
            "/trunks/{id}/test",
            "testTrunk",
            "Try a trunk as its calls would go, step by step: DNS, connection, OPTIONS, REGISTER, and with a test_number a call with sound and keys. Nothing changes by it.",
        )
        .tag("trunks")
        .needs(Permission::SystemEdit)
        .gives_raw(JSON_LINES, "A line of JSON for each step: `step`, `name`, where it went as `target`, `outcome` (`running` when it begins, then `ok`, `failed` or `skipped`), `text`, and where it failed `remedy`. Who closes the connection gives the test up.")
        .problems(&[404, 409, 503])
        .to(test),
    ]
}

/// How trunks are.
#[derive(Serialize, ToSchema)]
struct TrunkStates {
    items: Vec<TrunkStateItem>,
}

/// How a trunk is at this moment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TrunkStateItem {
    id: String,
    /// Calls go out over it: it answers pings where it is pinged, and has this server registered where that is to be.
    is_up: bool,
    /// It is pinged, or this server registers with it. Where it is neither, `isUp` says no more than that calls go over it:
    /// whether anybody is there shows with them.
    is_watched: bool,
    /// Why not, or what the last try has met.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Absent where this server does not register with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    registration: Option<RegistrationState>,
    /// For how many seconds the trunk has this server registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_s: Option<u64>,
    /// For how many it said so when it did last.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted_s: Option<u64>,
    /// The last OPTIONS to it; absent where none was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_options: Option<LastOptions>,
    /// When the last call to it was answered.
    #[schema(format = "date-time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_answered_out: Option<String>,
    /// The last call from it that this server refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_reject_in: Option<RejectItem>,
    /// The last call to it that it refused, or that did not get there. Busy and declined calls are none of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_reject_out: Option<RejectItem>,
    calls_in: u32,
    calls_out: u32,
    /// What it may have at one time; no limit where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_max_in: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_max_out: Option<u32>,
    /// Calls above its limits since the start.
    refused_in: u64,
    refused_out: u64,
}

/// An OPTIONS, and what came of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LastOptions {
    #[schema(format = "date-time")]
    at: String,
    /// The answer, as in `200 OK`, or why there was none.
    text: String,
    /// Milliseconds until the answer; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
}

/// A call that came to nothing.
#[derive(Serialize, ToSchema)]
struct RejectItem {
    #[schema(format = "date-time")]
    at: String,
    /// The SIP code, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// Why, in words.
    text: String,
}

/// Of a registration: `failing` still holds, and its refresh has failed; `rejected` is not tried again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RegistrationState {
    Trying,
    Registered,
    Failing,
    Rejected,
    Ended,
}

impl From<&Status> for RegistrationState {
    fn from(status: &Status) -> Self {
        match status {
            Status::Trying { .. } => RegistrationState::Trying,
            Status::Registered { .. } => RegistrationState::Registered,
            Status::Failing { .. } => RegistrationState::Failing,
            Status::Rejected { .. } => RegistrationState::Rejected,
            Status::Ended => RegistrationState::Ended,
        }
    }
}

async fn list(State(api): State<Api>) -> Result<Json<TrunkStates>, Problem> {
    let (reply, answer) = oneshot::channel();
    ask(&api, Message::Trunks(reply)).await?;
    let (trunks, now) = (answer.await.map_err(|_| stopping())?, api.now());
    Ok(Json(TrunkStates { items: trunks.into_iter().map(|trunk| shown(trunk, now)).collect() }))
}

async fn register(State(api): State<Api>, InPath(id): InPath<String>) -> Result<StatusCode, Problem> {
    let (reply, answer) = oneshot::channel();
    ask(&api, Message::Register { trunk: id, reply }).await?;
    match answer.await {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(Problem::not_found("there is no such trunk that this server registers with")),
        Err(_) => Err(stopping()),
    }
}

async fn test(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
) -> Result<Response, Problem> {
    let snapshot = api.snapshot();
    let trunk = snapshot.trunk(&id);
    let trunk = trunk.ok_or_else(|| Problem::not_found("new calls of this server know no such trunk"))?;
    let doctor = api.doctor.as_ref().ok_or_else(|| Problem::unavailable("this server makes no calls"))?;
    let steps = doctor.examine(trunk.clone(), shown_number(&snapshot, trunk)).map_err(|busy| match busy {
        Busy::SameTrunk => Problem::conflict(busy.to_string()),
        Busy::TooMany => Problem::unavailable(busy.to_string()).retry_after(60),
    })?;
    tracing::info!(trunk = id, by = principal.actor(), "a test of the trunk was asked for");
    Ok(step_lines(steps))
}

fn shown(trunk: TrunkStatus, now: Now) -> TrunkStateItem {
    let until = match &trunk.registration {
        Some(Status::Registered { until } | Status::Failing { until, .. }) => Some(*until),
        _ => None,
    };
    let ([calls_in, calls_out], [refused_in, refused_out]) = (trunk.calls, trunk.refused);
    let when = |at: Instant| (now.wall - (now.instant - at)).to_string();
    let reject = |one: Reject| RejectItem { at: when(one.at), code: one.code, text: one.text };
    let [last_reject_in, last_reject_out] = trunk.rejects.map(|one| one.map(reject));
    let options = |ping: LastPing| LastOptions {
        at: when(ping.at),
        text: ping.text,
        took_ms: ping.took.and_then(|took| u64::try_from(took.as_millis()).ok()),
    };
    TrunkStateItem {
        id: trunk.id,
        is_up: trunk.is_up,
        is_watched: trunk.is_watched,
        why: trunk.why,
        registration: trunk.registration.as_ref().map(RegistrationState::from),
        expires_in_s: until.map(|until| (until - now.instant).as_secs()),
        granted_s: trunk.granted.map(|granted| granted.as_secs()),
        last_options: trunk.last_ping.map(options),
        last_answered_out: trunk.answered.map(when),
        last_reject_in,
        last_reject_out,
        calls_in,
        calls_out,
        calls_max_in: trunk.limits.calls_in,
        calls_max_out: trunk.limits.calls_out,
        refused_in,
        refused_out,
    }
}
