//! Erasure of a caller, as somebody may ask for whom records tell of.

use crate::api::Api;
use crate::api::access::Principal;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::Body;
use crate::api::route::{Route, post};
use crate::call::number::spellings;
use crate::hidden::Hidden;
use crate::store::erasure::not_reached;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    vec![
        post(
            "/records/erase",
            "eraseCaller",
            "Takes a caller out of all call records and of the outbox: number, names, keys, variables, texts. The calls stay, as those of an unknown caller.",
        )
        .tag("records")
        .needs(Permission::RecordsErase)
        .body::<ErasureWish>()
        .gives::<Erasure>(StatusCode::OK, "What was done, and what is left to do elsewhere.")
        .to(erase),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ErasureWish {
    /// The caller's number, with + and country code: it is found in all spellings that a record may have it in. Another
    /// one, or a name, is found as it stands.
    #[schema(min_length = 1, max_length = 64)]
    number: String,
}

/// What an erasure has done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Erasure {
    /// Call records that are an unknown caller's now.
    records: u64,
    /// Rows of the outbox that tell of nobody now.
    outbox_rows: u64,
    /// What was looked for.
    spellings: Vec<String>,
    /// Where the caller may still be found, and what to do there.
    not_reached: Vec<String>,
}

async fn erase(
    State(api): State<Api>,
    principal: Principal,
    Body(wish): Body<ErasureWish>,
) -> Result<Json<Erasure>, Problem> {
    if !(1..=64).contains(&wish.number.chars().count()) {
        return Err(Problem::value("/number", "has 1 to 64 characters"));
    }
    let spellings = spellings(&wish.number);
    if spellings.iter().all(String::is_empty) {
        return Err(Problem::value("/number", "is no number"));
    }
    let busy = |_| Problem::unavailable("another caller is erased at this moment").retry_after(5);
    let place = api.erasing.clone().try_acquire_owned().map_err(busy)?;
    let (database, at) = (api.database()?.clone(), api.now().wall);
    let searched = spellings.clone();
    // Whoever goes away meanwhile does not leave it half done.
    let erased = tokio::spawn(async move {
        let _place = place;
        let erased = database.erase_caller(&searched, principal.actor(), at).await?;
        tracing::info!(
            actor = principal.actor(), number = %Hidden::number(&wish.number), records = erased.records,
            outbox_rows = erased.rows, "a caller was erased"
        );
        Ok::<_, crate::store::database::DatabaseError>(erased)
    });
    let erased = erased.await.map_err(|error| Problem::internal(error.to_string()))??;
    let not_reached = not_reached(api.settings.records_file.as_deref(), api.settings.spool.as_deref());
    Ok(Json(Erasure { records: erased.records, outbox_rows: erased.rows, spellings, not_reached }))
}
