//! What changed between two versions of a flow.

use super::publish::{flow_head, version_document};
use crate::api::Api;
use crate::api::aside::aside;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{InPath, Query};
use crate::api::route::{Route, get};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub fn routes() -> Vec<Route> {
    vec![
        get("/flows/{id}/diff", "diffVersions", "What changed between two versions, in sentences.")
            .tag("flows")
            .needs(Permission::SetupRead)
            .query::<DiffQuery>()
            .gives::<Sentences>(StatusCode::OK, "The changes; none where both say the same.")
            .to(diff),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DiffQuery {
    /// A version's number, `live` or `draft`.
    #[param(pattern = "^([1-9][0-9]{0,8}|live|draft)$")]
    from: String,
    /// A version's number, `live` or `draft`.
    #[param(pattern = "^([1-9][0-9]{0,8}|live|draft)$")]
    to: String,
}

/// What changed.
#[derive(Serialize, ToSchema)]
struct Sentences {
    sentences: Vec<String>,
}

async fn diff(
    State(api): State<Api>,
    InPath(id): InPath<String>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<Sentences>, Problem> {
    let flow = flow_head(&api, &id).await?;
    let from = version_document(&api, &flow, "from", &query.from).await?;
    let to = version_document(&api, &flow, "to", &query.to).await?;
    // Two documents of half a megabyte take their time.
    let sentences = aside("the two could not be compared", move || crate::flow::diff(&from, &to));
    Ok(Json(Sentences { sentences: sentences.await? }))
}
