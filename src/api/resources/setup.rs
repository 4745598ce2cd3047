//! The first admin, for whoever has the link that the first start printed; and the API's own description.

use super::user::{PublicUser, checked_login, checked_name, checked_password};
use crate::api::Api;
use crate::api::problem::Problem;
use crate::api::proxy::Client;
use crate::api::request::Body;
use crate::api::route::{Route, get, post};
use crate::api::secret::digest;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json};
use serde::Deserialize;
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    vec![
        get("/openapi.json", "getOpenApi", "This description.")
            .tag("meta")
            .open()
            .gives_raw("application/json", "The OpenAPI 3.1 document.")
            .to(document),
        post(
            "/setup",
            "setUp",
            "Makes the first user, an admin, by the one-time link that the first start prints.",
        )
        .tag("meta")
        .open()
        .body::<SetUp>()
        .gives::<PublicUser>(StatusCode::CREATED, "The user; sign in next.")
        .problems(&[403, 409, 429])
        .to(set_up),
    ]
}

async fn document(State(api): State<Api>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], api.document.clone())
}

/// Who the first admin is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SetUp {
    /// `token` of the link.
    #[schema(min_length = 1, max_length = 200)]
    token: String,
    #[schema(min_length = 1, max_length = 120, pattern = "^[A-Za-z0-9][A-Za-z0-9._@+-]*$")]
    login: String,
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    #[schema(min_length = 10, max_length = 256)]
    password: String,
}

async fn set_up(
    State(api): State<Api>,
    Client { ip: source, .. }: Client,
    Body(wanted): Body<SetUp>,
) -> Result<impl IntoResponse, Problem> {
    let login = checked_login(&wanted.login)?;
    let name = checked_name(&wanted.name)?;
    checked_password("/password", &wanted.password, &login)?;
    let now = api.now();
    api.try_source(source, now.instant)?;
    let database = api.database()?;
    // Before the costly part: once there is a user no link works.
    let refused = || {
        Problem::forbidden(
            "the link was used, has run out, or is none; a server without users prints a new one when it starts",
        )
    };
    if !database.has_no_users().await? {
        return Err(refused());
    }
    let hash = api.passwords.hash(wanted.password).await?;
    let link = digest(wanted.token.as_bytes());
    let user = database.set_up(&link, &api.mint.id("u-"), &login, &name, &hash, now.wall).await?;
    let user = user.ok_or_else(refused)?;
    tracing::info!(%login, "the first user was made");
    Ok((StatusCode::CREATED, Json(PublicUser::from(user))))
}
