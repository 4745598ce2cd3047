//! Running simulations that are kept as tests.

use super::flow::compiled;
use super::publish::{flow_head, version_document};
use super::simulation::{FAILED, facts, lengths};
use crate::api::Api;
use crate::api::aside::aside;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{InPath, Query};
use crate::api::route::{Route, post};
use crate::flow::FlowVersion;
use crate::flow::simulate::kept::{self, Difference, Prepared};
use crate::store::objects::Kind;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};

/// Tests that are run for one flow at once.
const TESTS_MAX: usize = 100;
/// No further test is begun after that time: the answer comes before the request's own time is over.
const TIME_MAX: Duration = Duration::from_secs(15);

pub fn routes() -> Vec<Route> {
    vec![
        post(
            "/flow-tests/{id}/run",
            "runFlowTest",
            "Runs a kept test, and gives the ladder that came of it: put it into `expected` to keep it.",
        )
        .tag("flow-tests")
        .needs(Permission::Simulate)
        .query::<VersionQuery>()
        .gives::<TestRun>(StatusCode::OK, "What came of it.")
        .problems(&[422])
        .to(run_one),
        post("/flows/{id}/test", "testFlow", "Runs the tests that are kept for a flow, 100 at the most.")
            .tag("flows")
            .needs(Permission::Simulate)
            .query::<VersionQuery>()
            .gives::<TestRuns>(StatusCode::OK, "What came of them.")
            .problems(&[422])
            .to(run_all),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct VersionQuery {
    /// Which version is tried: its number, `live` or `draft`; the draft where absent.
    #[param(pattern = "^([1-9][0-9]{0,8}|live|draft)$")]
    version: Option<String>,
}

/// What came of a kept test.
#[derive(Serialize, ToSchema)]
struct TestRun {
    /// The test's id.
    id: String,
    /// All is as expected.
    passed: bool,
    /// Why not, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The first line that is not as expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<LineDifference>,
    /// The ladder in words, ended by how the call ended or where it stands; of all tests of a flow only where it failed.
    lines: Vec<String>,
}

/// A line that is not as expected; absent where one of the two ends before it.
#[derive(Serialize, ToSchema)]
struct LineDifference {
    /// Counted from 1.
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<String>,
}

/// What came of the tests of a flow.
#[derive(Serialize, ToSchema)]
struct TestRuns {
    /// All are as expected. A flow without tests passes.
    passed: bool,
    /// There are more tests than were run: more than 100, or more than 15 seconds of them.
    more: bool,
    items: Vec<TestRun>,
}

impl From<Difference> for LineDifference {
    fn from(Difference { line, expected, actual }: Difference) -> Self {
        LineDifference { line, expected, actual }
    }
}

async fn kept_test(api: &Api, id: &str) -> Result<Prepared, Problem> {
    let object = api.database()?.object(Kind::Simulation, id).await?;
    let object = object.ok_or_else(|| Problem::not_found(format!("there is no flow test \"{id}\"")))?;
    kept::read(&object.document).map_err(|error| {
        let why = format!("the flow test \"{id}\" cannot be run: {error}");
        Problem::invalid(why)
    })
}

/// The version of a flow that is tried.
async fn version(api: &Api, id: &str, query: &VersionQuery) -> Result<FlowVersion, Problem> {
    let head = flow_head(api, id).await?;
    let document =
        version_document(api, &head, "version", query.version.as_deref().unwrap_or("draft")).await?;
    let Value::Object(document) = document else { return Err(Problem::invalid("the flow is no object")) };
    let (flow, _) = compiled(api, document).await?;
    Ok(FlowVersion::unpublished(flow))
}

async fn run(
    api: &Api,
    id: String,
    mut test: Prepared,
    flow: FlowVersion,
    place: &Arc<OwnedSemaphorePermit>,
) -> Result<TestRun, Problem> {
    let snapshot = api.snapshot();
    let numbers = std::mem::take(&mut test.setting.facts);
    test.setting.facts = facts(&snapshot, numbers.from, numbers.to);
    test.setting.prompt_lengths = lengths(&snapshot);
    test.setting.library = snapshot.library.clone();
    let asserts = test.asserts();
    // The work keeps the place, even where nobody waits for it any more.
    let place = place.clone();
    let run = aside(FAILED, move || {
        let _place = place;
        test.run(flow)
    });
    let run = run.await?;
    let why = match &run.difference {
        None => None,
        Some(_) if !asserts => Some("it says nothing of what it expects".to_owned()),
        Some(difference) => Some(format!("line {} is not as expected", difference.line)),
    };
    let difference = run.difference.filter(|_| asserts).map(LineDifference::from);
    Ok(TestRun { id, passed: why.is_none(), why, difference, lines: run.lines })
}

async fn run_one(
    State(api): State<Api>,
    InPath(id): InPath<String>,
    Query(query): Query<VersionQuery>,
) -> Result<Json<TestRun>, Problem> {
    let test = kept_test(&api, &id).await?;
    let flow = version(&api, &test.flow, &query).await?;
    run(&api, id, test, flow, &testing(&api)?).await.map(Json)
}

async fn run_all(
    State(api): State<Api>,
    InPath(id): InPath<String>,
    Query(query): Query<VersionQuery>,
) -> Result<Json<TestRuns>, Problem> {
    let flow = version(&api, &id, &query).await?;
    let place = testing(&api)?;
    let began = api.now().instant;
    let pointers = api.database()?.pointers_to("flow", &id).await?;
    let tests = pointers.into_iter().filter(|pointer| pointer.kind == Kind::Simulation.word());
    let mut ids: Vec<String> = tests.map(|pointer| pointer.id).collect();
    ids.sort();
    let mut more = ids.len() > TESTS_MAX;
    ids.truncate(TESTS_MAX);
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        if api.now().instant - began >= TIME_MAX {
            more = true;
            break;
        }
        let test = kept_test(&api, &id).await?;
        let mut item = run(&api, id, test, flow.clone(), &place).await?;
        if item.passed {
            item.lines = Vec::new();
        }
        items.push(item);
    }
    Ok(Json(TestRuns { passed: items.iter().all(|item| item.passed), more, items }))
}

/// One request at a time runs tests: they keep a core busy.
fn testing(api: &Api) -> Result<Arc<OwnedSemaphorePermit>, Problem> {
    let busy = |_| Problem::unavailable("tests of somebody else are running").retry_after(2);
    api.testing.clone().try_acquire_owned().map(Arc::new).map_err(busy)
}
