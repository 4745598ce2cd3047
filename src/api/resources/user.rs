//! Users and their roles.

use crate::api::Api;
use crate::api::access::Principal;
use crate::api::page::{Page, PageQuery, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{Body, IfMatch, InPath, Query, etag, given};
use crate::api::route::{Route, delete, get, post, put};
use crate::api::secret::PASSWORD_CHARS;
use crate::store::database::users::{Role, User, UserError, UserFields};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    let manage = Permission::UsersManage;
    vec![
        get("/users", "listUsers", "Users in order of their logins.")
            .tag("users")
            .needs(manage)
            .query::<PageQuery>()
            .gives_page::<PublicUser>("A page of users.")
            .to(list),
        post("/users", "createUser", "Makes a user.")
            .tag("users")
            .needs(manage)
            .idempotent()
            .body::<NewUser>()
            .gives::<PublicUser>(StatusCode::CREATED, "The user.")
            .with_etag()
            .with_headers(&[("Location", "Where the user is.")])
            .problems(&[409])
            .to(create),
        get("/users/{id}", "getUser", "One user.")
            .tag("users")
            .needs(manage)
            .gives::<PublicUser>(StatusCode::OK, "The user.")
            .with_etag()
            .to(read),
        put(
            "/users/{id}",
            "replaceUser",
            "Changes name, role and whether the user may sign in. Who may not is signed out.",
        )
        .tag("users")
        .needs(manage)
        .if_match()
        .body::<UserChange>()
        .gives::<PublicUser>(StatusCode::OK, "The user as changed.")
        .with_etag()
        .problems(&[409])
        .to(replace),
        delete("/users/{id}", "deleteUser", "Removes a user with all sign-ins and tokens.")
            .tag("users")
            .needs(manage)
            .may_match()
            .gives_nothing("The user is gone.")
            .problems(&[409])
            .to(remove),
        put(
            "/users/{id}/password",
            "setUserPassword",
            "Gives another user a new password; all sign-ins and tokens of that user end. The own one is changed with PUT /session/password, which asks for the current one.",
        )
        .tag("users")
        .needs(manage)
        .body::<NewPassword>()
        .gives_nothing("The password is set.")
        .to(set_password),
    ]
}

/// What a user may do goes by this.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    Admin,
    Editor,
    Supervisor,
    Agent,
    Viewer,
}

/// A user.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicUser {
    pub id: String,
    /// What is typed to sign in.
    pub login: String,
    pub name: String,
    pub role: RoleName,
    /// May not sign in.
    pub disabled: bool,
    #[schema(format = "date-time")]
    pub created: String,
    #[schema(format = "date-time")]
    pub updated: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewUser {
    #[schema(min_length = 1, max_length = 120, pattern = "^[A-Za-z0-9][A-Za-z0-9._@+-]*$")]
    login: String,
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    role: RoleName,
    #[schema(min_length = 10, max_length = 256)]
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct UserChange {
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    role: RoleName,
    disabled: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewPassword {
    #[schema(min_length = 10, max_length = 256)]
    password: String,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Admin => Role::Admin,
            RoleName::Editor => Role::Editor,
            RoleName::Supervisor => Role::Supervisor,
            RoleName::Agent => Role::Agent,
            RoleName::Viewer => Role::Viewer,
        }
    }
}

impl From<Role> for RoleName {
    fn from(role: Role) -> RoleName {
        match role {
            Role::Admin => RoleName::Admin,
            Role::Editor => RoleName::Editor,
            Role::Supervisor => RoleName::Supervisor,
            Role::Agent => RoleName::Agent,
            Role::Viewer => RoleName::Viewer,
        }
    }
}

impl From<User> for PublicUser {
    fn from(user: User) -> Self {
        PublicUser {
            id: user.id,
            login: user.login,
            name: user.name,
            role: user.role.into(),
            disabled: user.disabled,
            created: user.created.to_string(),
            updated: user.updated.to_string(),
        }
    }
}

/// A user with its etag.
fn shown(status: StatusCode, user: User) -> Response {
    let tag = etag(&user.revision.to_string());
    (status, [(header::ETAG, tag)], Json(PublicUser::from(user))).into_response()
}

async fn list(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PublicUser>>, Problem> {
    let (limit, after) = (limit(query.limit)?, position(query.cursor.as_deref())?);
    let users = api.database()?.users(&after.unwrap_or_default(), limit + 1).await?;
    Ok(Json(Page::new(users, limit, |user| user.login.clone(), PublicUser::from)))
}

async fn create(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewUser>,
) -> Result<Response, Problem> {
    principal.opens_ways_in()?;
    let (login, name) = (checked_login(&new.login)?, checked_name(&new.name)?);
    checked_password("/password", &new.password, &login)?;
    let hash = api.passwords.hash(new.password).await?;
    let fields = UserFields { name, role: new.role.into(), disabled: false };
    let by = principal.by(api.now().wall);
    let user = api.database()?.create_user(&api.mint.id("u-"), &login, &fields, &hash, by).await?;
    let location = format!("/api/v1/users/{}", user.id);
    Ok(([(header::LOCATION, location)], shown(StatusCode::CREATED, user)).into_response())
}

async fn read(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Response, Problem> {
    Ok(shown(StatusCode::OK, find(&api, &id).await?))
}

async fn find(api: &Api, id: &str) -> Result<User, Problem> {
    api.database()?.user(id).await?.ok_or_else(|| Problem::not_found("there is no such user"))
}

async fn replace(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: IfMatch,
    Body(change): Body<UserChange>,
) -> Result<Response, Problem> {
    let name = checked_name(&change.name)?;
    let revision = revision(if_match.tag())?;
    let fields = UserFields { name, role: change.role.into(), disabled: change.disabled };
    let revision = match principal.opens_ways_in() {
        Ok(()) => revision,
        Err(narrow) => {
            let old = find(&api, &id).await?;
            if old.disabled && !fields.disabled || Permission::are_more(old.role, fields.role) {
                return Err(narrow);
            }
            if revision.is_some_and(|revision| revision != old.revision) {
                return Err(UserError::Stale.into());
            }
            // What was looked at is what is changed.
            Some(old.revision)
        }
    };
    let by = principal.by(api.now().wall);
    let user = api.database()?.replace_user(&id, revision, &fields, by).await?;
    Ok(shown(StatusCode::OK, user))
}

/// The revision that a tag stands for.
fn revision(tag: Option<&str>) -> Result<Option<i64>, Problem> {
    tag.map(|tag| tag.parse().map_err(|_| UserError::Stale.into())).transpose()
}

async fn remove(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, Problem> {
    let revision = revision(given(&if_match))?;
    api.database()?.delete_user(&id, revision, principal.by(api.now().wall)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_password(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    principal.opens_ways_in()?;
    if principal.user().is_some_and(|own| own.id == id) {
        let message =
            "the own password is changed with PUT /session/password, which asks for the current one";
        return Err(Problem::forbidden(message));
    }
    let user = find(&api, &id).await?;
    checked_password("/password", &new.password, &user.login)?;
    let hash = api.passwords.hash(new.password).await?;
    api.database()?.set_password(&id, &hash, principal.by(api.now().wall)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A login in small letters.
pub fn checked_login(login: &str) -> Result<String, Problem> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
    let is_right = (1..=120).contains(&login.len())
        && login.chars().all(fits)
        && login.starts_with(|c: char| c.is_ascii_alphanumeric());
    if is_right {
        return Ok(login.to_ascii_lowercase());
    }
    Err(Problem::value(
        "/login",
        "is 1 to 120 of a-z, 0-9 and . _ @ + -, and begins with a letter or a digit",
    ))
}

/// A name without spaces at its ends.
pub fn checked_name(name: &str) -> Result<String, Problem> {
    let trimmed = name.trim();
    if (1..=120).contains(&trimmed.chars().count()) && !trimmed.chars().any(char::is_control) {
        return Ok(trimmed.to_owned());
    }
    Err(Problem::value("/name", "is 1 to 120 characters, and not only spaces"))
}

pub fn checked_password(pointer: &str, password: &str, login: &str) -> Result<(), Problem> {
    if !PASSWORD_CHARS.contains(&password.chars().count()) {
        let (least, most) = (PASSWORD_CHARS.start(), PASSWORD_CHARS.end());
        return Err(Problem::value(pointer, format!("has {least} to {most} characters")));
    }
    if password.eq_ignore_ascii_case(login) {
        return Err(Problem::value(pointer, "is the login"));
    }
    Ok(())
}
