//! What is odd about the set-up, over all objects.

use crate::api::Api;
use crate::api::aside::aside;
use crate::api::permission::Permission;
use crate::api::problem::{FindingSeverity, Problem};
use crate::api::request::Query;
use crate::api::route::{Route, get};
use crate::store::setup_findings::{Setup, SetupFinding};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a person reads; who has more has one cause for most of them.
const SHOWN_MAX: usize = 500;

pub fn routes() -> Vec<Route> {
    vec![
        get("/findings", "listFindings", "What in the set-up is wrong, or allowed but most likely not meant: what `cordboard check` says of files. What stops calls comes first.")
            .tag("setup")
            .needs(Permission::SetupRead)
            .query::<FindingQuery>()
            .gives::<Findings>(StatusCode::OK, "What there is to say.")
            .to(list),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct FindingQuery {
    /// Only of objects of that kind: `number`, `agent`, `trunk`, `list`, `schedule`, `simulation`, `account`, `flow`,
    /// `setup` (what is about all of it).
    #[param(max_length = 20)]
    kind: Option<String>,
    /// Only of the object of that id.
    #[param(max_length = 120)]
    id: Option<String>,
}

/// What there is to say about the set-up.
#[derive(Serialize, ToSchema)]
struct Findings {
    items: Vec<ObjectFinding>,
    /// There are more than are shown.
    more: bool,
}

/// One thing to say about an object.
#[derive(Serialize, ToSchema)]
struct ObjectFinding {
    /// `number`, `flow`, …
    kind: &'static str,
    /// Empty where it is about all of the kind.
    id: String,
    severity: FindingSeverity,
    /// Where in the object: a JSON pointer.
    pointer: String,
    message: String,
    /// What to do about it; may be empty.
    remedy: String,
}

impl From<SetupFinding> for ObjectFinding {
    fn from(finding: SetupFinding) -> Self {
        let SetupFinding { kind, id, is_error, pointer, message, remedy } = finding;
        let severity = if is_error { FindingSeverity::Error } else { FindingSeverity::Warning };
        ObjectFinding { kind, id, severity, pointer, message, remedy }
    }
}

/// The store is a copy of files: what is changed in it alone does not last.
fn overwritten(folder: &str) -> SetupFinding {
    SetupFinding {
        kind: "setup",
        id: String::new(),
        is_error: false,
        pointer: String::new(),
        message: format!(
            "the files in {folder} are the truth ([provision] mode = \"sync\"): what is changed over the API is \
             undone at the next SIGHUP or start"
        ),
        remedy: "change the files and send SIGHUP, or set mode = \"seed\"".to_owned(),
    }
}

async fn list(State(api): State<Api>, Query(query): Query<FindingQuery>) -> Result<Json<Findings>, Problem> {
    let setup = Setup::read(api.database()?).await?;
    let configured = api.settings.configured.clone();
    let work = move || setup.findings(&configured);
    let mut found = aside("the set-up could not be looked at", work).await?;
    found.extend(api.settings.sync_folder.as_deref().map(overwritten));
    found.retain(|finding| {
        query.kind.as_ref().is_none_or(|kind| kind == finding.kind)
            && query.id.as_ref().is_none_or(|id| *id == finding.id)
    });
    let more = found.len() > SHOWN_MAX;
    found.truncate(SHOWN_MAX);
    Ok(Json(Findings { items: found.into_iter().map(ObjectFinding::from).collect(), more }))
}
