//! Call flows: checking a document.

use crate::api::Api;
use crate::api::aside::aside;
use crate::api::permission::Permission;
use crate::api::problem::{FindingSeverity, Problem, Wrong};
use crate::api::request::{DOCUMENT_BYTES_MAX, json_bytes, read_json};
use crate::api::route::{Route, get, post};
use crate::call::snapshot::{Answers, Snapshot};
use crate::flow::schema;
use crate::flow::{Finding, Flow, Resources};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    vec![
        post(
            "/flows/validate",
            "validateFlow",
            "Checks a flow document against what exists here, as publishing would.",
        )
        .tag("flows")
        .needs(Permission::SetupRead)
        .body::<FlowDocument>()
        .gives::<Validation>(StatusCode::OK, "What there is to say about it.")
        .to(validate),
        get("/schemas/callflow/1", "getFlowSchema", "The JSON Schema of flow documents.")
            .tag("flows")
            .gives::<JsonSchema>(StatusCode::OK, "A JSON Schema, 2020-12.")
            .to(async || Json(schema::document())),
        get(
            "/steps",
            "listSteps",
            "The catalogue of steps: the fields and ports of each type, as a JSON Schema.",
        )
        .tag("flows")
        .gives::<JsonSchema>(StatusCode::OK, "A schema for each type of step.")
        .to(async || Json(schema::steps())),
    ]
}

/// A flow document; its schema is at `/schemas/callflow/1`.
#[derive(ToSchema)]
#[schema(value_type = Object)]
pub struct FlowDocument(#[expect(dead_code, reason = "stands for its schema")] Map<String, Value>);

/// A JSON Schema, or several by name.
#[derive(ToSchema)]
#[schema(value_type = Object)]
struct JsonSchema(#[expect(dead_code, reason = "stands for its schema")] Map<String, Value>);

/// What there is to say about a flow document.
#[derive(Serialize, ToSchema)]
struct Validation {
    /// It could be published.
    valid: bool,
    findings: Vec<FlowFinding>,
}

/// One thing to say about a flow document.
#[derive(Serialize, ToSchema)]
pub struct FlowFinding {
    /// `E…` forbids publishing, `W…` is a warning, `N…` good to know.
    code: String,
    severity: FindingSeverity,
    /// Where: a JSON pointer.
    pointer: String,
    message: String,
    /// What to do about it.
    remedy: String,
}

impl From<Finding> for FlowFinding {
    fn from(finding: Finding) -> Self {
        FlowFinding {
            code: finding.code.to_string(),
            severity: finding.severity.into(),
            pointer: finding.pointer,
            message: finding.message,
            remedy: finding.remedy,
        }
    }
}

impl From<Finding> for Wrong {
    fn from(finding: Finding) -> Self {
        let (code, remedy) = (Some(finding.code.to_string()), Some(finding.remedy));
        let severity = Some(finding.severity.into());
        Wrong { pointer: finding.pointer, message: finding.message, severity, code, remedy }
    }
}

/// What flows may refer to.
fn resources(snapshot: &Snapshot, outside: Resources) -> Resources {
    let mut numbers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for number in snapshot.numbers.iter() {
        if let Answers::Flow(flow) = &number.answers {
            numbers.entry(flow.clone()).or_default().push(number.pattern.text());
        }
    }
    Resources {
        agents: Some(snapshot.agents.keys().cloned().collect()),
        prompts: Some(snapshot.prompts.files.keys().cloned().collect()),
        lists: Some(snapshot.library.caller_lists.keys().cloned().collect()),
        flows: Some(snapshot.library.flows.keys().cloned().collect()),
        numbers,
        schedules: Some(snapshot.library.schedules.keys().cloned().collect()),
        ..outside
    }
}

/// What exists: by the database, else by what calls get.
async fn what_exists(api: &Api) -> Result<Resources, Problem> {
    match api.database() {
        Ok(database) => Ok(database.resources().await?),
        Err(_) => Ok(resources(&api.snapshot(), api.settings.outside.clone())),
    }
}

/// Compiles a document: half a megabyte takes its time.
async fn compile(
    resources: Resources,
    text: String,
) -> Result<Result<(Flow, Vec<Finding>), Vec<Finding>>, Problem> {
    aside("the document could not be looked at", move || Flow::compile(&text, &resources)).await
}

/// A flow that can run; what is wrong with the document where it cannot.
pub async fn compiled(api: &Api, document: Map<String, Value>) -> Result<(Flow, Vec<Finding>), Problem> {
    compile(what_exists(api).await?, Value::Object(document).to_string()).await?.map_err(|findings| {
        let findings = findings.into_iter().map(Wrong::from).collect();
        Problem::invalid("the flow document has errors").with_findings(findings)
    })
}

async fn validate(State(api): State<Api>, request: Request) -> Result<Json<Validation>, Problem> {
    let bytes = json_bytes(request, DOCUMENT_BYTES_MAX).await?;
    // Only that it is an object; all else is what the findings are for.
    read_json::<Map<String, Value>>(&bytes)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::malformed("the body is no UTF-8"))?;
    let (valid, findings) = match compile(what_exists(&api).await?, text).await? {
        Ok((_, findings)) => (true, findings),
        Err(findings) => (false, findings),
    };
    Ok(Json(Validation { valid, findings: findings.into_iter().map(FlowFinding::from).collect() }))
}
