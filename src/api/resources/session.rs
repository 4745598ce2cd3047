//! Signing in and out, the own account.

use super::user::{PublicUser, RoleName, checked_password};
use crate::api::Api;
use crate::api::access::{AGE_MAX, Principal, Who};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::proxy::Client;
use crate::api::request::{Body, InPath};
use crate::api::route::{Route, delete, get, post, put};
use crate::api::secret::{csrf_token, digest};
use crate::clock::Instant;
use crate::flow::simulate::plain;
use crate::store::database::access::SignIn;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    vec![
        post(
            "/session",
            "signIn",
            "Signs a browser in: gives a cookie, and the token that its changes carry.",
        )
        .tag("session")
        .open()
        .body::<Credentials>()
        .gives::<SessionInfo>(StatusCode::OK, "Signed in.")
        .with_headers(&[("Set-Cookie", "The session's cookie: HttpOnly, SameSite=Strict.")])
        .problems(&[401, 429])
        .to(sign_in),
        get("/session", "getSession", "Who is signed in, and what that one may do.")
            .tag("session")
            .gives::<SessionInfo>(StatusCode::OK, "Who is signed in.")
            .to(read),
        delete("/session", "signOut", "Signs this browser out.")
            .tag("session")
            .gives_nothing("Signed out.")
            .with_headers(&[("Set-Cookie", "Removes the cookie.")])
            .to(sign_out),
        put(
            "/session/password",
            "changeOwnPassword",
            "Changes the own password; all other sign-ins and all tokens end.",
        )
        .tag("session")
        .body::<PasswordChange>()
        .gives_nothing("The password is changed.")
        .problems(&[429])
        .to(change_password),
        get("/sessions", "listSessions", "Where the own account is signed in.")
            .tag("session")
            .gives::<Sessions>(StatusCode::OK, "The browsers, the latest first.")
            .to(list),
        delete("/sessions/{id}", "endSession", "Signs another browser of the own account out.")
            .tag("session")
            .gives_nothing("That browser is signed out.")
            .to(end),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Credentials {
    #[schema(max_length = 256)]
    login: String,
    #[schema(max_length = 256)]
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PasswordChange {
    #[schema(max_length = 256)]
    current: String,
    #[schema(min_length = 10, max_length = 256)]
    new: String,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionInfo {
    /// Absent for the token of cordboard.toml.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<PublicUser>,
    role: RoleName,
    /// What the role and the token's scopes allow.
    permissions: Vec<String>,
    /// What a browser's changes carry as X-CSRF-Token; absent for tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// When a browser is signed out in any case; earlier after 2 hours without a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    ends: Option<String>,
}

/// Browsers that are signed in.
#[derive(Serialize, ToSchema)]
struct Sessions {
    items: Vec<Session>,
}

/// A browser that is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Session {
    id: String,
    #[schema(format = "date-time")]
    created: String,
    #[schema(format = "date-time")]
    last_used: String,
    /// The address it signed in from.
    source: String,
    user_agent: String,
    /// This is the browser that asks.
    current: bool,
}

impl Api {
    /// Counts a try at an account.
    fn try_account(&self, login: &str, source: IpAddr, now: Instant) -> Result<(), Problem> {
        let tried = self.throttle().try_account(login, source, now);
        tried.map_err(|wait| self.throttled(wait, login, source, now))
    }

    /// Counts a try that names no account.
    pub fn try_source(&self, source: IpAddr, now: Instant) -> Result<(), Problem> {
        let tried = self.throttle().try_source(source, now);
        tried.map_err(|wait| self.throttled(wait, "", source, now))
    }

    fn throttled(&self, wait: Duration, login: &str, source: IpAddr, now: Instant) -> Problem {
        self.sign_ins_refused.throttled.fetch_add(1, Ordering::Relaxed);
        if self.throttle().is_told(source, now) {
            let login = in_log(login);
            tracing::warn!(%source, login, "too many tries to sign in: refused; told once a minute for a source");
        }
        let seconds = wait.as_secs().max(1);
        Problem::throttled(format!("too many tries: try again in {seconds} s")).retry_after(seconds)
    }
}

/// A login as the log has it: whoever sent it can neither fill the log nor write lines of it.
fn in_log(login: &str) -> String {
    const CHARS_MAX: usize = 64;
    let mut text = plain(&login.chars().take(CHARS_MAX).collect::<String>());
    if login.chars().nth(CHARS_MAX).is_some() {
        text.push('…');
    }
    text
}

async fn sign_in(
    State(api): State<Api>,
    client: Client,
    headers: HeaderMap,
    Body(credentials): Body<Credentials>,
) -> Result<Response, Problem> {
    let (now, source) = (api.now(), client.ip);
    // Longer than any login: told as wrong, and kept in no table.
    let login: String = credentials.login.chars().take(256).collect::<String>().to_ascii_lowercase();
    api.try_account(&login, source, now.instant)?;
    let database = api.database()?;
    let found = database.user_by_login(&login).await?;
    let password: String = credentials.password.chars().take(257).collect();
    let is_right = api.passwords.is_right(password, found.as_ref().map(|(_, hash)| hash.clone())).await?;
    // One answer whatever was wrong, after the same time.
    let refused = || {
        api.sign_ins_refused.wrong.fetch_add(1, Ordering::Relaxed);
        tracing::info!(%source, login = in_log(&login), "a sign-in was refused");
        Problem::not_signed_in("login or password is wrong, or the user is disabled")
    };
    let (user, hash) = found.filter(|(user, _)| is_right && !user.disabled).ok_or_else(refused)?;
    let secret = api.mint.secret();
    let user_agent =
        headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let sign_in = SignIn {
        id: api.mint.id("s-"),
        user_id: user.id.clone(),
        created: now.wall,
        last_used: now.wall,
        source: source.to_string(),
        user_agent: user_agent.chars().take(200).collect(),
    };
    // The check took its time, in which an admin may have given another password.
    if !database.sign_in(&digest(secret.as_bytes()), &sign_in, &hash).await? {
        return Err(refused());
    }
    api.throttle().forget_account(&login, source);
    tracing::info!(%source, user = user.login, "signed in");
    let principal = Principal {
        role: user.role,
        who: Who::Browser { user, sign_in, csrf: csrf_token(&secret) },
        scopes: crate::api::permission::Scopes::All,
    };
    let cookie = api.settings.cookie(&secret, AGE_MAX, client);
    Ok(([(header::SET_COOKIE, cookie)], Json(info(&principal))).into_response())
}

fn info(principal: &Principal) -> SessionInfo {
    let (csrf_token, ends) = match &principal.who {
        Who::Browser { csrf, sign_in, .. } => {
            (Some(csrf.clone()), Some((sign_in.created + AGE_MAX).to_string()))
        }
        Who::ConfigToken | Who::Token { .. } => (None, None),
    };
    SessionInfo {
        user: principal.user().cloned().map(PublicUser::from),
        role: principal.role.into(),
        permissions: Permission::all().filter(|p| principal.may(*p)).map(|p| p.word().to_owned()).collect(),
        csrf_token,
        ends,
    }
}

async fn read(principal: Principal) -> Json<SessionInfo> {
    Json(info(&principal))
}

async fn sign_out(State(api): State<Api>, client: Client, principal: Principal) -> Result<Response, Problem> {
    let Who::Browser { user, sign_in, .. } = &principal.who else {
        return Err(Problem::forbidden("a token signs nobody in: delete it instead"));
    };
    api.database()?.sign_out(&user.id, &sign_in.id).await?;
    let gone = api.settings.cookie("", Duration::ZERO, client);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

async fn change_password(
    State(api): State<Api>,
    Client { ip: source, .. }: Client,
    principal: Principal,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, Problem> {
    // By a browser alone: a token that leaked must not be able to lock its user out.
    let Who::Browser { user, sign_in, .. } = &principal.who else {
        return Err(Problem::forbidden("the own password is changed in a browser, not by a token"));
    };
    checked_password("/new", &change.new, &user.login)?;
    let now = api.now();
    api.try_account(&user.login, source, now.instant)?;
    let database = api.database()?;
    let old = database.password_hash(&user.id).await?;
    let is_right = api.passwords.is_right(change.current, old.clone()).await?;
    let Some(old) = old.filter(|_| is_right) else {
        return Err(Problem::value("/current", "is not the password"));
    };
    api.throttle().forget_account(&user.login, source);
    let new = api.passwords.hash(change.new).await?;
    database.change_own_password(&user.id, (&old, &new), &sign_in.id, principal.by(now.wall)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list(State(api): State<Api>, principal: Principal) -> Result<Json<Sessions>, Problem> {
    let own = match &principal.who {
        Who::Browser { sign_in, .. } => sign_in.id.as_str(),
        Who::ConfigToken | Who::Token { .. } => "",
    };
    let all = api.database()?.sign_ins(&principal.own_user()?.id).await?;
    let items = all.into_iter().map(|sign_in| Session {
        current: sign_in.id == own,
        id: sign_in.id,
        created: sign_in.created.to_string(),
        last_used: sign_in.last_used.to_string(),
        source: sign_in.source,
        user_agent: sign_in.user_agent,
    });
    Ok(Json(Sessions { items: items.collect() }))
}

async fn end(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Problem> {
    if api.database()?.sign_out(&principal.whole_own_user()?.id, &id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("there is no such session of yours"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_in_the_log_is_short_and_one_line() {
        assert_eq!(in_log("ann"), "ann");
        assert_eq!(in_log("a\nINFO all is well"), "a INFO all is well");
        assert_eq!(in_log(&"x".repeat(200)), format!("{}…", "x".repeat(64)));
    }
}
