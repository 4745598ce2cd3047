//! Carriers and PBXs that are known, with what a trunk of each begins with.

use crate::api::permission::Permission;
use crate::api::route::{Route, get};
use crate::store::carriers::{self, Kind};
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    vec![
        get(
            "/carriers",
            "listCarriers",
            "Carriers and PBXs that are known, with what a trunk of each begins with, by their names.",
        )
        .tag("trunks")
        .needs(Permission::SetupRead)
        .gives::<Carriers>(StatusCode::OK, "All of them.")
        .to(list),
    ]
}

/// Carriers and PBXs.
#[derive(Serialize, ToSchema)]
struct Carriers {
    items: Vec<CarrierItem>,
}

/// A carrier or PBX that is known.
#[derive(Serialize, ToSchema)]
struct CarrierItem {
    id: &'static str,
    name: String,
    kind: CarrierKind,
    /// What is special about it.
    about: String,
    /// Keys of the trunk that only whoever sets it up knows.
    needs: Vec<String>,
    /// What to mind.
    notes: Vec<String>,
    /// What the trunk begins with.
    #[schema(value_type = Object)]
    trunk: Map<String, Value>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CarrierKind {
    Carrier,
    Pbx,
}

async fn list() -> Json<Carriers> {
    let items = carriers::all().iter().cloned().map(|known| CarrierItem {
        id: known.id,
        name: known.name,
        kind: match known.kind {
            Kind::Carrier => CarrierKind::Carrier,
            Kind::Pbx => CarrierKind::Pbx,
        },
        about: known.about,
        needs: known.needs,
        notes: known.notes,
        trunk: known.trunk,
    });
    Json(Carriers { items: items.collect() })
}
