//! API tokens of the own account.

use crate::api::Api;
use crate::api::access::{Principal, Who};
use crate::api::page::{Page, PageQuery, limit, position};
use crate::api::permission::{Permission, Scopes};
use crate::api::problem::Problem;
use crate::api::request::{Body, InPath, Query};
use crate::api::resources::user::checked_name;
use crate::api::route::{Route, delete, get, post};
use crate::api::secret::{TOKEN_PREFIX, digest};
use crate::clock::Wall;
use crate::store::database::access::Token;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Tokens of one user: one for each script, and room.
const TOKENS_MAX: i64 = 100;

pub fn routes() -> Vec<Route> {
    vec![
        get("/tokens", "listTokens", "The own API tokens, without their secrets.")
            .tag("tokens")
            .query::<PageQuery>()
            .gives_page::<PublicToken>("A page of tokens.")
            .to(list),
        post("/tokens", "createToken", "Makes an API token; its secret is in this answer and nowhere else.")
            .tag("tokens")
            .body::<NewToken>()
            .gives::<CreatedToken>(StatusCode::CREATED, "The token with its secret.")
            .problems(&[409])
            .to(create),
        delete("/tokens/{id}", "deleteToken", "Makes a token worthless.")
            .tag("tokens")
            .gives_nothing("The token works no more.")
            .to(remove),
    ]
}

/// A token without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublicToken {
    id: String,
    name: String,
    /// Permissions, or `all`.
    scopes: Vec<String>,
    #[schema(format = "date-time")]
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    last_used: Option<String>,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CreatedToken {
    id: String,
    /// The secret: sent as `Authorization: Bearer …`.
    token: String,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    expires: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewToken {
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    /// Of the user's permissions those that the token gives.
    #[schema(min_items = 1, max_items = 20)]
    scopes: Vec<Scope>,
    /// Days until it stops to work; never, where absent.
    #[schema(minimum = 1, maximum = 3650)]
    days: Option<u32>,
}

/// A permission, or `all` of the user's.
#[derive(Clone, Copy, Deserialize, ToSchema)]
enum Scope {
    #[serde(rename = "all")]
    All,
    #[serde(rename = "setup.read")]
    SetupRead,
    #[serde(rename = "flows.edit")]
    FlowsEdit,
    #[serde(rename = "numbers.edit")]
    NumbersEdit,
    #[serde(rename = "schedules.edit")]
    SchedulesEdit,
    #[serde(rename = "agents.edit")]
    AgentsEdit,
    #[serde(rename = "system.edit")]
    SystemEdit,
    #[serde(rename = "simulate")]
    Simulate,
    #[serde(rename = "calls.read")]
    CallsRead,
    #[serde(rename = "calls.steer")]
    CallsSteer,
    #[serde(rename = "calls.inspect")]
    CallsInspect,
    #[serde(rename = "records.erase")]
    RecordsErase,
    #[serde(rename = "audit.read")]
    AuditRead,
    #[serde(rename = "users.manage")]
    UsersManage,
}

impl Scope {
    /// `None` for all.
    fn permission(self) -> Option<Permission> {
        Some(match self {
            Scope::All => return None,
            Scope::SetupRead => Permission::SetupRead,
            Scope::FlowsEdit => Permission::FlowsEdit,
            Scope::NumbersEdit => Permission::NumbersEdit,
            Scope::SchedulesEdit => Permission::SchedulesEdit,
            Scope::AgentsEdit => Permission::AgentsEdit,
            Scope::SystemEdit => Permission::SystemEdit,
            Scope::Simulate => Permission::Simulate,
            Scope::CallsRead => Permission::CallsRead,
            Scope::CallsSteer => Permission::CallsSteer,
            Scope::CallsInspect => Permission::CallsInspect,
            Scope::RecordsErase => Permission::RecordsErase,
            Scope::AuditRead => Permission::AuditRead,
            Scope::UsersManage => Permission::UsersManage,
        })
    }
}

fn shown(token: Token) -> PublicToken {
    PublicToken {
        id: token.id,
        name: token.name,
        scopes: token.scopes.split(' ').map(str::to_owned).collect(),
        created: token.created.to_string(),
        expires: token.expires.map(|at| at.to_string()),
        last_used: token.last_used.map(|at| at.to_string()),
    }
}

async fn list(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PublicToken>>, Problem> {
    let (limit, after) = (limit(query.limit)?, position(query.cursor.as_deref())?);
    let user = principal.own_user()?;
    let tokens = api.database()?.tokens(&user.id, &after.unwrap_or_default(), limit + 1).await?;
    Ok(Json(Page::new(tokens, limit, |token| token.id.clone(), shown)))
}

async fn create(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewToken>,
) -> Result<impl IntoResponse, Problem> {
    // One that leaked would else make others, which stay when it runs out or is deleted.
    let Who::Browser { user, sign_in, .. } = &principal.who else {
        return Err(match principal.own_user() {
            Ok(_) => Problem::forbidden("a token makes no tokens: sign in with a browser"),
            Err(problem) => problem,
        });
    };
    let name = checked_name(&new.name)?;
    let scopes = match new.scopes.iter().map(|scope| scope.permission()).collect::<Option<Vec<_>>>() {
        Some(only) if only.is_empty() => return Err(Problem::value("/scopes", "names none")),
        Some(only) => Scopes::from_words(only.iter().map(|permission| permission.word())),
        None => Ok(Scopes::All),
    };
    let scopes = scopes.map_err(|word| Problem::value("/scopes", format!("{word} is no scope")))?;
    if new.days.is_some_and(|days| !(1..=3_650).contains(&days)) {
        return Err(Problem::value("/days", "is 1 to 3650"));
    }
    let (database, now) = (api.database()?, api.now().wall);
    if database.count_tokens(&user.id).await? >= TOKENS_MAX {
        return Err(Problem::conflict(format!("there are {TOKENS_MAX} tokens already: delete one first")));
    }
    let secret = format!("{TOKEN_PREFIX}{}", api.mint.secret());
    let days = new.days.map(|days| std::time::Duration::from_secs(u64::from(days) * 86_400));
    let expires: Option<Wall> = days.map(|days| now + days);
    let token = Token {
        id: api.mint.id("t-"),
        user_id: user.id.clone(),
        name,
        scopes: scopes.words().join(" "),
        created: now,
        expires,
        last_used: None,
    };
    if !database.create_token(&digest(secret.as_bytes()), &token, &sign_in.id, principal.by(now)).await? {
        return Err(Problem::not_signed_in("this browser was signed out meanwhile"));
    }
    let created = CreatedToken {
        id: token.id,
        token: secret,
        scopes: scopes.words().into_iter().map(str::to_owned).collect(),
        expires: expires.map(|at| at.to_string()),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

async fn remove(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Problem> {
    // What leaked can always be ended by itself.
    let is_itself = matches!(&principal.who, Who::Token { token_id, .. } if *token_id == id);
    let user = if is_itself { principal.own_user()? } else { principal.whole_own_user()? };
    if api.database()?.delete_token(&user.id, &id, principal.by(api.now().wall)).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("there is no such token of yours"))
}
