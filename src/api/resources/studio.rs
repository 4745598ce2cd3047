//! Flows of Twilio Studio, brought over.

use super::flow::FlowDocument;
use crate::api::Api;
use crate::api::aside::aside;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{json_bytes, read_json};
use crate::api::route::{Route, post};
use crate::flow::studio::{self, BYTES_MAX, Line, Outcome};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;
use utoipa::ToSchema;

/// Longest wait for others whose flows are brought over: some of the largest, which take half a second each.
const TURN_TIME_MAX: Duration = Duration::from_secs(10);

pub fn routes() -> Vec<Route> {
    vec![
        post("/flows/import-studio", "importStudioFlow", "Makes a flow document of a flow definition of Twilio Studio, with a report of what became of each widget. Nothing is kept.")
            .tag("flows")
            .needs(Permission::FlowsEdit)
            .body::<StudioDefinition>()
            .gives::<StudioImport>(StatusCode::OK, "The document and the report.")
            .to(import),
    ]
}

/// A flow definition of Twilio Studio, by itself or as `definition` in what its REST API returns.
#[derive(ToSchema)]
#[schema(value_type = Object)]
struct StudioDefinition(#[expect(dead_code, reason = "stands for its schema")] Map<String, Value>);

/// A flow that was brought over.
#[derive(Serialize, ToSchema)]
struct StudioImport {
    #[schema(value_type = FlowDocument)]
    document: Value,
    /// The document has no errors.
    compiles: bool,
    /// How many widgets were mapped, in a sentence.
    summary: String,
    /// A line for each widget, in the order of the file.
    report: Vec<StudioLine>,
}

/// What became of one widget.
#[derive(Serialize, ToSchema)]
struct StudioLine {
    widget: String,
    /// Studio's word for its type, such as `say-play`.
    kind: String,
    outcome: StudioOutcome,
    /// The steps it became; for one that is left out, a step that stands in for it.
    steps: Vec<String>,
    sentence: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StudioOutcome {
    Mapped,
    /// Mapped, and somebody has to look at it.
    Attention,
    LeftOut,
}

impl From<Line> for StudioLine {
    fn from(Line { widget, kind, outcome, steps, sentence }: Line) -> Self {
        let outcome = match outcome {
            Outcome::Mapped => StudioOutcome::Mapped,
            Outcome::Attention => StudioOutcome::Attention,
            Outcome::LeftOut => StudioOutcome::LeftOut,
        };
        StudioLine { widget, kind, outcome, steps, sentence }
    }
}

async fn import(State(api): State<Api>, request: Request) -> Result<Json<StudioImport>, Problem> {
    let bytes = json_bytes(request, BYTES_MAX).await?;
    read_json::<Map<String, Value>>(&bytes)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::malformed("the body is no UTF-8"))?;
    let busy = || Problem::unavailable("others bring flows over at this moment").retry_after(5);
    let turn = tokio::time::timeout(TURN_TIME_MAX, api.importing.clone().acquire_owned()).await;
    let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
    let imported = aside("the flow could not be brought over", move || {
        // Held to the end of the work, which goes on where the client does not wait for it.
        let _turn = turn;
        studio::import(&text)
    });
    let imported = imported.await?;
    let imported = imported.map_err(|error| {
        let text = error.to_string();
        Problem::invalid(text.clone()).at("", text)
    })?;
    let summary = imported.summary();
    let report = imported.report.into_iter().map(StudioLine::from).collect();
    Ok(Json(StudioImport { document: imported.document, compiles: imported.compiles, summary, report }))
}
