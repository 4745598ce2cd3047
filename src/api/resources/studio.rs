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
use utoipa::ToSchema;

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

async fn import(State(_): State<Api>, request: Request) -> Result<Json<StudioImport>, Problem> {
    let bytes = json_bytes(request, BYTES_MAX).await?;
    read_json::<Map<String, Value>>(&bytes)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::malformed("the body is no UTF-8"))?;
    let imported = aside("the flow could not be brought over", move || studio::import(&text)).await?;
    let imported = imported.map_err(|error| {
        let text = error.to_string();
        Problem::invalid(text.clone()).at("", text)
    })?;
    let summary = imported.summary();
    let report = imported.report.into_iter().map(StudioLine::from).collect();
    Ok(Json(StudioImport { document: imported.document, compiles: imported.compiles, summary, report }))
}
