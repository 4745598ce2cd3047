//! Simulations: a call that somebody steps through.

use super::flow::compiled;
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::aside::aside;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{Body, Document, InPath, read_json};
use crate::api::route::{Route, delete, post};
use crate::call::snapshot::Snapshot;
use crate::clock::Instant;
use crate::flow::simulate::Setting;
use crate::flow::simulate::stepped::{InputError, Simulation};
use crate::flow::simulate::words::{DialWords, InputWords, ReplyWords, ScheduleWords, WordError, wall};
use crate::flow::{CallFacts, FlowVersion};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;

/// Open simulations of one user: some windows.
const OF_USER_MAX: usize = 10;
/// Of all users: each may hold a flow of 512 KB and its events, some megabytes.
const OPEN_MAX: usize = 100;
/// One that nobody touched for so long is gone.
const IDLE_MAX: Duration = Duration::from_secs(900);
/// The values of all variables that come with an answer: a list to look at, not what another system sent in full.
const VARIABLES_BYTES_MAX: usize = 8 * 1_024;

/// Walking a day of a call that goes in circles takes its time: it is done beside the runtime's threads.
pub const FAILED: &str = "the call could not be simulated";

pub fn routes() -> Vec<Route> {
    vec![
        post("/simulations", "startSimulation", "Begins a call through a flow that one steps through: a document, or a version that calls may get. Gone after 15 minutes without input.")
            .tag("simulations")
            .needs(Permission::Simulate)
            .body::<NewSimulation>()
            .gives::<SimulationState>(StatusCode::CREATED, "The call after its first moment.")
            .problems(&[404, 409])
            .to(start),
        post("/simulations/{id}/input", "stepSimulation", "Does something to the call, and gives what happened.")
            .tag("simulations")
            .needs(Permission::Simulate)
            .body::<InputWords>()
            .gives::<SimulationState>(StatusCode::OK, "The call after it.")
            .problems(&[409])
            .to(put_in),
        delete("/simulations/{id}", "endSimulation", "Forgets a simulation.")
            .tag("simulations")
            .needs(Permission::Simulate)
            .gives_nothing("It is gone.")
            .to(end),
    ]
}

/// What is tried, and what is assumed of the world. Exactly one of `document` and `flow`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewSimulation {
    /// A flow document.
    #[schema(value_type = Option<Object>)]
    document: Option<serde_json::Map<String, Value>>,
    /// The id of a flow that is live.
    #[schema(min_length = 1, max_length = 120)]
    flow: Option<String>,
    /// Which of its versions; the live one where absent.
    #[schema(minimum = 1)]
    version: Option<u32>,
    /// When the call comes, RFC 3339; now where absent.
    #[schema(format = "date-time")]
    at: Option<String>,
    /// The caller's number.
    #[schema(max_length = 64)]
    #[serde(default)]
    from: String,
    /// The number that was dialled.
    #[schema(max_length = 64)]
    #[serde(default)]
    to: String,
    /// What becomes of dialled legs, by agent id, number or URI. Others ring until an input says.
    #[serde(default)]
    // Inline, like the two below: by name, all maps would be the first one.
    #[schema(inline)]
    dials: DialWords,
    /// What other systems reply, by the step that asks. Others are waited for.
    #[serde(default)]
    #[schema(inline)]
    replies: ReplyWords,
    /// What schedules say, by id: `open`, `closed` or `holiday`, as if somebody had set it by hand.
    #[serde(default)]
    #[schema(inline)]
    schedules: ScheduleWords,
    /// What draws go by: the same seed gives the same call.
    #[serde(default)]
    seed: u32,
}

/// A simulated call as it stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SimulationState {
    id: String,
    /// What happened since the answer before, about 1 MB at most.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// Not all fitted: more comes with the next input, which is best `next`.
    more: bool,
    /// Milliseconds since the call began.
    at_ms: u64,
    /// The clock on the wall.
    #[schema(format = "date-time")]
    now: String,
    /// The step it is in.
    step: SimulationStep,
    /// Whether keys are waited for.
    takes_keys: bool,
    /// Targets of dialled legs that are not over.
    legs: Vec<String>,
    /// Steps whose questions to other systems wait for a reply.
    questions: Vec<String>,
    /// All variables; sensitive ones masked, long ones cut where all together have more than 8 KB.
    variables: BTreeMap<String, String>,
    /// How the call ended, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    outcome: Option<Value>,
}

#[derive(Serialize, ToSchema)]
struct SimulationStep {
    id: String,
    name: String,
}

/// Simulations that are open.
#[derive(Default)]
pub struct Simulations(Mutex<HashMap<String, Open>>);

struct Open {
    owner: String,
    used: Instant,
    simulation: Arc<Mutex<Simulation>>,
}

impl Simulations {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room where there may be one more.
    fn admit(&self, owner: &str, now: Instant) -> Result<(), Problem> {
        Self::make_room(&mut self.all(), owner, now)
    }

    /// Takes one in; others may have come since it was admitted.
    fn put(&self, id: String, open: Open) -> Result<(), Problem> {
        let mut all = self.all();
        Self::make_room(&mut all, &open.owner, open.used)?;
        all.insert(id, open);
        Ok(())
    }

    fn make_room(all: &mut HashMap<String, Open>, owner: &str, now: Instant) -> Result<(), Problem> {
        all.retain(|_, open| now - open.used < IDLE_MAX);
        if all.values().filter(|open| open.owner == owner).count() >= OF_USER_MAX {
            return Err(Problem::conflict(format!("you have {OF_USER_MAX} open simulations: end one first")));
        }
        if all.len() >= OPEN_MAX {
            return Err(Problem::unavailable("too many simulations are open").retry_after(60));
        }
        Ok(())
    }

    fn find(&self, id: &str, owner: &str, now: Instant) -> Result<Arc<Mutex<Simulation>>, Problem> {
        let mut all = self.all();
        let open = all.get_mut(id).filter(|open| open.owner == owner && now - open.used < IDLE_MAX);
        let open = open.ok_or_else(|| Problem::not_found("there is no such open simulation of yours"))?;
        open.used = now;
        Ok(open.simulation.clone())
    }
}

async fn start(
    State(api): State<Api>,
    principal: Principal,
    Document(document): Document,
) -> Result<impl IntoResponse, Problem> {
    let new: NewSimulation = read_json(document.to_string().as_bytes())?;
    let now = api.now();
    api.simulations.admit(principal.id(), now.instant)?;
    let at = new.at.as_deref().map(|text| wall("at", text)).transpose()?.unwrap_or(now.wall);
    for (pointer, number) in [("/from", &new.from), ("/to", &new.to)] {
        if number.chars().count() > 64 {
            return Err(Problem::value(pointer, "has at most 64 characters"));
        }
    }
    let snapshot = api.snapshot();
    let flow = match (new.document, new.flow) {
        (Some(document), None) => {
            let (flow, _) = compiled(&api, document).await?;
            FlowVersion::unpublished(flow)
        }
        (None, Some(id)) => snapshot.library.version(&id, new.version, &new.from).ok_or_else(|| {
            Problem::not_found("there is no such flow, or calls do not get that version of it")
        })?,
        _ => {
            return Err(Problem::invalid("give either document or flow")
                .at("", "has not exactly one of document and flow"));
        }
    };
    let setting = Setting {
        facts: facts(&snapshot, new.from, new.to),
        at,
        dials: new.dials,
        replies: new.replies,
        schedules: new.schedules,
        prompt_lengths: lengths(&snapshot),
        library: snapshot.library.clone(),
        seed: u64::from(new.seed),
    };
    let id = api.mint.id("sim-");
    let of_id = id.clone();
    let (simulation, state) = aside(FAILED, move || {
        let mut simulation = Simulation::start(flow, setting);
        let state = state(&of_id, &mut simulation);
        (simulation, state)
    })
    .await?;
    let open = Open {
        owner: principal.id().to_owned(),
        used: now.instant,
        simulation: Arc::new(Mutex::new(simulation)),
    };
    api.simulations.put(id, open)?;
    Ok((StatusCode::CREATED, Json(state)))
}

async fn put_in(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    Body(input): Body<InputWords>,
) -> Result<Json<SimulationState>, Problem> {
    let input = input.read()?;
    let open = api.simulations.find(&id, principal.id(), api.now().instant)?;
    let stepped = aside(FAILED, move || {
        let mut simulation = open.lock().unwrap_or_else(PoisonError::into_inner);
        simulation.put_in(input).map(|()| state(&id, &mut simulation))
    });
    stepped.await?.map(Json).map_err(|error| match error {
        InputError::Over | InputError::NoSuchLeg | InputError::NoQuestion | InputError::Behind => {
            Problem::conflict(error.to_string())
        }
    })
}

async fn end(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Problem> {
    api.simulations.find(&id, principal.id(), api.now().instant)?;
    api.simulations.all().remove(&id);
    Ok(StatusCode::NO_CONTENT)
}

pub fn facts(snapshot: &Snapshot, from: String, to: String) -> CallFacts {
    let label =
        snapshot.numbers.iter().find(|number| number.pattern.text() == to).map(|number| number.label.clone());
    CallFacts {
        call_id: "simulated".to_owned(),
        call_key: "simulated".to_owned(),
        from_area_code: crate::call::number::area_code(&from).to_owned(),
        from_country_code: crate::call::number::country_code(&from).to_owned(),
        from,
        from_name: String::new(),
        diverted_from: String::new(),
        to,
        number_label: label.unwrap_or_default(),
        answered: false,
    }
}

pub fn lengths(snapshot: &Snapshot) -> BTreeMap<String, Duration> {
    let files = snapshot.prompts.files.iter();
    files.map(|(id, clip)| (id.clone(), clip.duration())).collect()
}

fn state(id: &str, simulation: &mut Simulation) -> SimulationState {
    let events =
        simulation.news().into_iter().map(|rung| serde_json::to_value(rung).unwrap_or_default()).collect();
    let interpreter = simulation.interpreter();
    let (step, name) = interpreter.current_step();
    SimulationState {
        id: id.to_owned(),
        events,
        more: simulation.is_behind(),
        at_ms: simulation.now().instant.as_micros() / 1_000,
        now: simulation.now().wall.to_string(),
        step: SimulationStep { id: step.to_owned(), name: name.to_owned() },
        takes_keys: interpreter.open_question().is_some(),
        legs: simulation.open_legs().map(str::to_owned).collect(),
        questions: simulation.open_questions().map(str::to_owned).collect(),
        variables: fitted(interpreter.variables().shown()),
        outcome: simulation.outcome().and_then(|outcome| serde_json::to_value(outcome).ok()),
    }
}

/// Variables with the longest values cut as far as it takes; short ones stay whole.
fn fitted<'a>(variables: impl Iterator<Item = (&'a str, Cow<'a, str>)>) -> BTreeMap<String, String> {
    let variables: Vec<_> = variables.collect();
    let mut longest = VARIABLES_BYTES_MAX;
    let bytes = |longest: usize| variables.iter().map(|(_, value)| value.len().min(longest)).sum::<usize>();
    while longest > 1 && bytes(longest) > VARIABLES_BYTES_MAX {
        longest /= 2;
    }
    variables.iter().map(|(name, value)| ((*name).to_owned(), cut(value, longest))).collect()
}

/// A text of so many bytes, or less where a character would be broken.
fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let start = (0..=bytes_max).rev().find_map(|end| text.get(..end));
    format!("{}…", start.unwrap_or_default())
}

impl From<WordError> for Problem {
    fn from(error: WordError) -> Problem {
        Problem::value(&format!("/{}", error.field), error.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_variables_are_cut_until_all_fit_and_short_ones_stay_whole() {
        let long = "ä".repeat(5_000);
        let given = [("a", long.as_str()), ("b", "short"), ("c", long.as_str())];
        let fitted = fitted(given.into_iter().map(|(name, value)| (name, Cow::Borrowed(value))));
        assert_eq!(fitted["b"], "short");
        assert!(fitted["a"].starts_with("ää") && fitted["a"].ends_with('…'));
        let bytes: usize = fitted.values().map(String::len).sum();
        assert!(bytes <= VARIABLES_BYTES_MAX + 2 * '…'.len_utf8(), "{bytes}");
    }

    #[test]
    fn variables_that_fit_are_not_cut() {
        let value = "x".repeat(VARIABLES_BYTES_MAX);
        let fitted = fitted([("a", Cow::Borrowed(value.as_str()))].into_iter());
        assert_eq!(fitted["a"], value);
    }
}
