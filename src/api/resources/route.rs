//! Which number, flow and version would answer a call, and why.

use crate::api::Api;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::Query;
use crate::api::route::{Route, get};
use crate::call::route::{Start, route};
use crate::call::snapshot::{NOTHING_LOADED, Source};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::{IntoParams, ToSchema};

pub fn routes() -> Vec<Route> {
    vec![
        get(
            "/route",
            "testRoute",
            "Explains which number, flow and version would answer a call, as `cordboard route test` does.",
        )
        .tag("numbers")
        .needs(Permission::SetupRead)
        .query::<RouteQuery>()
        .gives::<RouteReport>(StatusCode::OK, "Where the call would go.")
        .to(test),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct RouteQuery {
    /// The number as it is dialled.
    #[param(min_length = 1, max_length = 120, pattern = "^[^ ]")]
    number: String,
    /// The caller's number; withheld where absent.
    #[param(max_length = 120, pattern = "^([^ ][\\s\\S]*)?$")]
    from: Option<String>,
    /// The caller's signalling address, such as `192.0.2.1:5060`; the first trunk where absent.
    #[param(max_length = 64)]
    source: Option<String>,
}

/// Where a call would go.
#[derive(Serialize, ToSchema)]
struct RouteReport {
    /// The trunk that the call comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk: Option<String>,
    /// The Smart Number.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// The SIP code that the call would be refused with.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<u16>,
    /// The decision, step by step.
    why: Vec<String>,
    /// The state of the set-up that says so, as `Cordboard-Revision` of a change.
    revision: u64,
}

fn refused(revision: u64, code: u16, why: String) -> Json<RouteReport> {
    Json(RouteReport {
        trunk: None,
        number: None,
        flow: None,
        version: None,
        refused: Some(code),
        why: vec![why],
        revision,
    })
}

async fn test(State(api): State<Api>, Query(query): Query<RouteQuery>) -> Result<Json<RouteReport>, Problem> {
    let snapshot = api.snapshot();
    if snapshot.awaits_database {
        return Ok(refused(snapshot.revision, 503, NOTHING_LOADED.to_owned()));
    }
    let source = match query.source.as_deref() {
        None => snapshot.trunks.first().map(Source::Trunk),
        Some(text) => {
            let address: Result<SocketAddr, _> = text.parse();
            let message = "is no address with a port, such as 192.0.2.1:5060";
            let address = address
                .map_err(|_| Problem::malformed(format!("source {message}")).at("?source", message))?;
            snapshot.caller_source(address)
        }
    };
    let Some(source) = source else {
        return Ok(refused(
            snapshot.revision,
            403,
            "the source is no trunk's and no agent's address".to_owned(),
        ));
    };
    Ok(match route(&snapshot, Some(source), &query.number, query.from.as_deref().unwrap_or_default()) {
        Err(error) => refused(snapshot.revision, error.sip_code(), error.to_string()),
        Ok(found) => {
            let version = match found.start {
                Start::Flow(version) => Some(version),
                Start::Service(_) | Start::Echo => None,
            };
            Json(RouteReport {
                trunk: if let Source::Trunk(trunk) = source { Some(trunk.id.clone()) } else { None },
                number: Some(found.number.pattern.text()),
                flow: version.map(|version| version.flow.id().to_owned()),
                version: version.map(|version| version.number),
                refused: None,
                why: found.why,
                revision: snapshot.revision,
            })
        }
    })
}
