//! Who changed what.

use crate::api::Api;
use crate::api::page::{Page, bad_cursor, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::Query;
use crate::api::route::{Route, get};
use crate::store::database::change::{AuditEntry, AuditFilter};
use axum::extract::State;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub fn routes() -> Vec<Route> {
    vec![
        get("/audit", "listAudit", "Changes, the latest first.")
            .tag("audit")
            .needs(Permission::AuditRead)
            .query::<AuditQuery>()
            .gives_page::<AuditItem>("A page of changes.")
            .to(list),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
    /// Only changes by that login.
    actor: Option<String>,
    /// Only changes of that kind of thing, such as `flow` or `user`.
    kind: Option<String>,
    /// Only changes of the thing with that id.
    object: Option<String>,
}

/// One change.
#[derive(Serialize, ToSchema)]
struct AuditItem {
    id: i64,
    #[schema(format = "date-time")]
    at: String,
    /// The login of whoever did it.
    actor: String,
    action: String,
    kind: String,
    object: String,
    /// Etag or digest before the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// Etag or digest after the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    detail: String,
}

fn shown(entry: AuditEntry) -> AuditItem {
    AuditItem {
        id: entry.id,
        at: entry.at.to_string(),
        actor: entry.actor,
        action: entry.action,
        kind: entry.kind,
        object: entry.object,
        before: entry.before,
        after: entry.after,
        detail: entry.detail,
    }
}

async fn list(
    State(api): State<Api>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditItem>>, Problem> {
    let limit = limit(query.limit)?;
    let before = position(query.cursor.as_deref())?
        .map(|text| text.parse::<i64>().map_err(|_| bad_cursor()))
        .transpose()?;
    let filter = AuditFilter { kind: query.kind, object: query.object, actor: query.actor };
    let rows = api.database()?.audit(&filter, before, limit + 1).await?;
    Ok(Json(Page::new(rows, limit, |row| row.id.to_string(), shown)))
}
