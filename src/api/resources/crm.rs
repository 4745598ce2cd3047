//! The CRM: how its connection is, trying it, trying a query, and what a flow's abandoned calls become there.

use super::flow::compiled;
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::permission::Permission;
use crate::api::pieces::{JSON_LINES, step_lines};
use crate::api::problem::Problem;
use crate::api::request::Body;
use crate::api::route::{Route, get, post};
use crate::flow::{LookupError, Match, Person, Query, trial};
use crate::services::check::CheckSteps;
use crate::services::crm::{Crm, Deed, DeedKind, owner};
use crate::store::database::outbox::CrmTask;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Json, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// A query that somebody tries is waited for as long as the step would at the most.
const QUERY_TIMEOUT: Duration = Duration::from_secs(15);

pub fn routes() -> Vec<Route> {
    vec![
        get("/crm", "getCrm", "How the connection to the CRM is, and what waits to be sent there.")
            .tag("crm")
            .needs(Permission::SetupRead)
            .gives::<CrmState>(StatusCode::OK, "The connection; `kind` is absent where none is configured.")
            .to(state),
        post("/crm/check", "checkCrm", "Tries the connection step by step: signs in, and looks whether everything can be read and written that is needed. Nothing is written.")
            .tag("crm")
            .needs(Permission::SystemEdit)
            .gives_raw(JSON_LINES, "A line of JSON for each step as soon as it is done: `name`, `passed`, `text`, and where it failed `remedy`.")
            .problems(&[409])
            .to(check),
        post("/crm/query", "tryQuery", "Runs the query of a query step with values for its variables.")
            .tag("crm")
            .needs(Permission::FlowsEdit)
            .body::<QueryTrial>()
            .gives::<QueryResult>(StatusCode::OK, "The statement as it was sent, and what it found.")
            .problems(&[409])
            .to(try_query),
        post("/crm/task-preview", "previewTask", "The task that a caller makes who hangs up in the flow's first step that waits.")
            .tag("crm")
            .needs(Permission::Simulate)
            .body::<PreviewRequest>()
            .gives::<TaskPreview>(StatusCode::OK, "The task, as the CRM would get it.")
            .to(preview),
    ]
}

/// The connection to the CRM.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CrmState {
    /// `salesforce` or `bridge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Which calls become a task: `all`, `abandoned` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<&'static str>,
    /// The object that has a record for each call beside the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<String>,
    #[schema(format = "date-time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<CrmError>,
    /// Whether the last thing that happened was an error.
    is_failing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_today: Option<Allowance>,
    /// Since this server started.
    requests: u64,
    failures: u64,
    outbox: Waiting,
}

#[derive(Serialize, ToSchema)]
struct CrmError {
    #[schema(format = "date-time")]
    at: String,
    text: String,
}

/// Requests of the day.
#[derive(Serialize, ToSchema)]
struct Allowance {
    used: u64,
    all: u64,
}

/// What is in the outbox, that of the webhook included.
#[derive(Serialize, ToSchema)]
struct Waiting {
    waiting: u64,
    /// Somebody has to look at them.
    parked: u64,
    /// Given up after the last attempt.
    dead: u64,
    /// When the first of those that wait was made.
    #[schema(format = "date-time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<String>,
}

/// A query to be tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QueryTrial {
    /// As it stands in the step.
    #[schema(min_length = 1, max_length = 4000)]
    soql: String,
    #[schema(minimum = 1, maximum = 10)]
    #[serde(default = "one")]
    limit: u32,
    /// Values of variables by their paths, such as `call.from`.
    #[serde(default)]
    values: BTreeMap<String, String>,
}

fn one() -> u32 {
    1
}

/// What a query found.
#[derive(Serialize, ToSchema)]
struct QueryResult {
    /// The statement that was sent, values filled in.
    soql: String,
    #[schema(value_type = Vec<Object>)]
    records: Vec<Map<String, Value>>,
    /// Paths of what the records have, as they are read behind the variable: `0.Id`, `0.Owner.Name`.
    paths: Vec<String>,
}

/// A flow whose task is to be looked at.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PreviewRequest {
    #[schema(value_type = Object)]
    document: Map<String, Value>,
    /// The caller's number.
    #[schema(max_length = 64)]
    #[serde(default)]
    from: String,
    /// The number that was dialled.
    #[schema(max_length = 64)]
    #[serde(default)]
    to: String,
    /// Asks the CRM whom it knows under the caller's number; for those who may edit flows.
    #[serde(default)]
    ask_who_calls: bool,
}

/// A task as it would be written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TaskPreview {
    subject: String,
    comments: String,
    /// As the flow says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    assign_to: Option<String>,
    /// Whom the CRM knows under the caller's number, where it was asked.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<Person>,
    /// Why nobody would get the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The fields by the CRM's names; empty where none is connected.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
}

async fn state(State(api): State<Api>) -> Result<Json<CrmState>, Problem> {
    let counts = match api.database() {
        Ok(database) => database.outbox_counts().await?,
        Err(_) => Default::default(),
    };
    let about = api.settings.crm.clone().unwrap_or_default();
    let shown = api.crm.as_ref().map(|crm| crm.health().shown()).unwrap_or_default();
    let error_is_last = shown
        .last_error
        .as_ref()
        .is_some_and(|(at, _)| shown.last_success.is_none_or(|success| success < *at));
    Ok(Json(CrmState {
        kind: about.kind,
        address: shown.instance.clone().or(about.address),
        tasks: about.tasks,
        conversation: about.conversation,
        last_success: shown.last_success.map(|at| at.to_string()),
        last_error: shown.last_error.map(|(at, text)| CrmError { at: at.to_string(), text }),
        is_failing: error_is_last,
        requests_today: shown.allowance.map(|(used, all)| Allowance { used, all }),
        requests: shown.requests,
        failures: shown.failures,
        outbox: Waiting {
            waiting: counts.waiting,
            parked: counts.parked,
            dead: counts.dead,
            oldest: counts.oldest.map(|at| at.to_string()),
        },
    }))
}

fn connected(api: &Api) -> Result<Arc<dyn Crm>, Problem> {
    let text = "no CRM is connected: cordboard.toml has neither [salesforce] nor [crm] bridge";
    api.crm.clone().ok_or_else(|| Problem::conflict(text))
}

async fn check(State(api): State<Api>) -> Result<Response, Problem> {
    let crm = connected(&api)?;
    let (steps, receiver) = CheckSteps::new();
    tokio::spawn(async move { crm.check(steps).await });
    Ok(step_lines(receiver))
}

async fn try_query(
    State(api): State<Api>,
    Body(trial): Body<QueryTrial>,
) -> Result<Json<QueryResult>, Problem> {
    let crm = connected(&api)?;
    if !(1..=10).contains(&trial.limit) {
        return Err(Problem::value("/limit", "is not from 1 to 10"));
    }
    let soql = trial::query(&trial.soql, trial.limit, &trial.values).map_err(|findings| {
        let findings = findings.into_iter().map(Into::into).collect();
        Problem::invalid("the query cannot be run").with_findings(findings)
    })?;
    let long = || Problem::value("/soql", "is longer than 4,000 characters with its values");
    let query = Query { soql: soql.ok_or_else(long)?, timeout: QUERY_TIMEOUT };
    let records = crm
        .try_query(&query)
        .await
        .map_err(|error| Problem::invalid(format!("the CRM refused it: {}", error.message)))?;
    let mut paths = BTreeSet::new();
    for (at, record) in records.iter().enumerate() {
        note_paths(&at.to_string(), record, &mut paths);
    }
    Ok(Json(QueryResult { soql: query.soql, records, paths: paths.into_iter().collect() }))
}

/// What can be read of a record, by its path.
fn note_paths(before: &str, record: &Map<String, Value>, paths: &mut BTreeSet<String>) {
    for (name, value) in record {
        let path = format!("{before}.{name}");
        match value {
            Value::Object(inner) => note_paths(&path, inner, paths),
            _ => _ = paths.insert(path),
        }
    }
}

/// Whom the CRM knows under that number; nobody where none is connected.
async fn who_calls(api: &Api, principal: &Principal, number: &str) -> Result<Option<Person>, Problem> {
    if !principal.may(Permission::FlowsEdit) {
        return Err(Problem::forbidden("the CRM is asked for those who may edit flows (flows.edit)"));
    }
    let Some(crm) = &api.crm else { return Ok(None) };
    let asked = Match { number: number.to_owned(), timeout: QUERY_TIMEOUT };
    let refused =
        |error: LookupError| Problem::invalid(format!("the CRM did not say who calls: {}", error.message));
    crm.try_person(&asked).await.map_err(refused)
}

async fn preview(
    State(api): State<Api>,
    principal: Principal,
    Body(request): Body<PreviewRequest>,
) -> Result<Json<TaskPreview>, Problem> {
    let contact = match request.ask_who_calls && !request.from.is_empty() {
        true => who_calls(&api, &principal, &request.from).await?,
        false => None,
    };
    let (flow, _) = compiled(&api, request.document).await?;
    let id = flow.id().to_owned();
    let snapshot = api.snapshot();
    let now = api.now();
    let facts = super::simulation::facts(&snapshot, request.from.clone(), request.to.clone());
    let task = trial::abandoned_task(flow, snapshot.library.clone(), facts, contact.as_ref(), now.wall);
    let task = task.ok_or_else(|| {
        Problem::invalid("a call through this flow is over before anybody could hang up in it")
    })?;
    let at = now.wall.timestamp();
    let call = CrmTask {
        subject: task.subject.clone(),
        comments: task.comments.clone(),
        assign_to: task.assign_to.clone(),
        call_id: "c00000000000000000000000000".to_owned(),
        from: request.from,
        to: request.to,
        is_abandoned: true,
        contact: contact.clone(),
        flow_id: Some(id),
        outcome: Some("abandoned_in_flow".to_owned()),
        ..CrmTask::empty(at)
    };
    let owner = owner(&call, |agent| snapshot.agents.get(agent)?.crm_user.clone());
    let problem = owner.as_ref().err().map(|error| format!("{error}: such a task is set aside"));
    let day = at.to_zoned(snapshot.library.account.zone.clone()).date();
    let deed = Deed { kind: DeedKind::Task, owner: owner.unwrap_or_default(), day, task: call };
    let fields = api.crm.as_ref().map(|crm| crm.preview(&deed)).unwrap_or_default();
    Ok(Json(TaskPreview {
        subject: task.subject,
        comments: task.comments,
        assign_to: task.assign_to,
        contact,
        problem,
        fields,
    }))
}
