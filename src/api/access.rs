//! Who a request comes from: a cookie of a browser that is signed in, an API token, or the token of cordboard.toml.

use super::Api;
use super::permission::{Permission, Scopes};
use super::problem::Problem;
use super::secret::{TOKEN_PREFIX, csrf_token, digest, is_same};
use crate::clock::Wall;
use crate::store::database::DatabaseError;
use crate::store::database::access::SignIn;
use crate::store::database::users::{By, Role, User};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use std::time::Duration;

/// The header that a browser's changes carry, with the token that signing in gave.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Without a request for so long a browser is signed out: longer than a break, shorter than a night.
pub const IDLE_MAX: Duration = Duration::from_secs(2 * 3_600);
/// So long after signing in it is signed out in any case: one shift.
pub const AGE_MAX: Duration = Duration::from_secs(12 * 3_600);
/// Uses closer together than this are not noted one by one: each would be a write.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// Who may reach a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Everybody.
    Open,
    /// Whoever is signed in, in any way.
    SignedIn,
    Needs(Permission),
}

/// Who asks.
#[derive(Clone, PartialEq, Debug)]
pub struct Principal {
    pub who: Who,
    pub role: Role,
    pub scopes: Scopes,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Who {
    /// The token of cordboard.toml.
    ConfigToken,
    /// A browser; the token that its changes carry.
    Browser {
        user: User,
        sign_in: SignIn,
        csrf: String,
    },
    Token {
        user: User,
        token_id: String,
    },
}

impl Principal {
    pub fn may(&self, permission: Permission) -> bool {
        permission.is_held_by(self.role) && self.scopes.include(permission)
    }

    pub fn user(&self) -> Option<&User> {
        match &self.who {
            Who::ConfigToken => None,
            Who::Browser { user, .. } | Who::Token { user, .. } => Some(user),
        }
    }

    /// As the audit log names it.
    pub fn actor(&self) -> &str {
        self.user().map_or("cordboard.toml", |user| &user.login)
    }

    /// Names it among the owners of things that are not stored.
    pub fn id(&self) -> &str {
        self.user().map_or("", |user| &user.id)
    }

    pub fn by(&self, at: Wall) -> By<'_> {
        By { actor: self.actor(), at }
    }

    /// For routes that are about the own account.
    pub fn own_user(&self) -> Result<&User, Problem> {
        self.user().ok_or_else(|| Problem::forbidden("the token of cordboard.toml is no user"))
    }

    /// For ending the account's other ways in: a token that is for one task is not to shut them.
    pub fn whole_own_user(&self) -> Result<&User, Problem> {
        let user = self.own_user()?;
        if self.scopes == Scopes::All {
            return Ok(user);
        }
        Err(Problem::forbidden("this takes a browser that is signed in, or a token with the scope all"))
    }

    /// For what opens a way in that is not this one: a token that is for one task is not to outlive itself by a password
    /// that it sets, nor to make somebody who may do more.
    pub fn opens_ways_in(&self) -> Result<(), Problem> {
        if self.scopes == Scopes::All {
            return Ok(());
        }
        Err(Problem::forbidden(
            "a token that is narrower than its user opens no way in: it makes no user, sets no password, enables nobody \
             and widens no role; take a browser that is signed in, or a token with the scope all",
        ))
    }

    pub fn needs(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        let why = if permission.is_held_by(self.role) { "the token's scopes do" } else { "your role does" };
        Err(Problem::forbidden(format!("{why} not include {permission}")))
    }
}

/// Put into the request before any handler runs.
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::not_signed_in("sign in first"))
    }
}

/// Why somebody who was let in a while ago may not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    UserDeleted,
    UserDisabled,
    /// The browser was signed out, or was signed in for too long.
    SignedOut,
    /// The token was deleted or has run out.
    TokenEnded,
    /// The role has not the permission any more.
    RoleChanged,
}

impl Lost {
    /// The word for it in the API.
    pub fn word(self) -> &'static str {
        match self {
            Lost::UserDeleted => "user_deleted",
            Lost::UserDisabled => "user_disabled",
            Lost::SignedOut => "signed_out",
            Lost::TokenEnded => "token_ended",
            Lost::RoleChanged => "role_changed",
        }
    }
}

/// Whether somebody who was let in a while ago would be let in again now: `Err` where the database cannot say.
pub async fn still(
    api: &Api,
    principal: &Principal,
    permission: Permission,
) -> Result<Result<(), Lost>, DatabaseError> {
    let (Some(user), Some(database)) = (principal.user(), &api.database) else { return Ok(Ok(())) };
    let now = api.now().wall;
    let ended = match &principal.who {
        Who::ConfigToken => None,
        Who::Browser { sign_in, .. } => {
            let (created, used) = (before(now, AGE_MAX), before(now, IDLE_MAX));
            let found = database.sign_in_of(&sign_in.id, created, used).await?;
            found.is_none().then_some(Lost::SignedOut)
        }
        Who::Token { token_id, .. } => {
            database.token_of(token_id, now).await?.is_none().then_some(Lost::TokenEnded)
        }
    };
    // After the other question: who was deleted or disabled has lost what it asked for as well.
    let Some(user) = database.user(&user.id).await? else { return Ok(Err(Lost::UserDeleted)) };
    if user.disabled {
        return Ok(Err(Lost::UserDisabled));
    }
    let may = Principal { role: user.role, ..principal.clone() }.may(permission);
    Ok(match ended {
        Some(lost) => Err(lost),
        None if may => Ok(()),
        None => Err(Lost::RoleChanged),
    })
}

/// Who a request comes from, and whether that one may reach the route.
pub async fn admit(
    api: &Api,
    access: Access,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<Principal>, Problem> {
    if access == Access::Open {
        return Ok(None);
    }
    let principal = match bearer(headers) {
        Some(token) => by_token(api, token).await?,
        None => by_cookie(api, headers).await?,
    };
    if let Who::Browser { csrf, .. } = &principal.who
        && !method.is_safe()
    {
        let sent = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !is_same(sent, csrf) {
            return Err(Problem::forbidden(
                "a change by a browser carries the csrfToken of GET /api/v1/session as X-CSRF-Token",
            ));
        }
    }
    if let Access::Needs(permission) = access {
        principal.needs(permission)?;
    }
    Ok(Some(principal))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    // Any Authorization decides: a cookie never stands in for one that is wrong.
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

/// The secret that a request came with. It is kept nowhere here, unlike its digest.
pub fn secret<'a>(api: &Api, headers: &'a HeaderMap) -> Option<&'a str> {
    bearer(headers).or_else(|| cookie(headers, api.settings.cookie_name()))
}

async fn by_token(api: &Api, token: &str) -> Result<Principal, Problem> {
    let unknown = || Problem::not_signed_in("the token is unknown, has run out, or its user is disabled");
    if api.settings.admin_token.as_ref().is_some_and(|admin| is_same(admin, token)) {
        return Ok(Principal { who: Who::ConfigToken, role: Role::Admin, scopes: Scopes::All });
    }
    if !token.starts_with(TOKEN_PREFIX) {
        return Err(unknown());
    }
    let now = api.now().wall;
    let found = api.database()?.find_token(&digest(token.as_bytes()), now).await?;
    let (token, user) = found.ok_or_else(unknown)?;
    if token.last_used.is_none_or(|last| last + NOTE_EVERY < now) {
        api.database()?.touch_token(&token.id, now).await?;
    }
    // Words that were taken once are known; a later version may know more.
    let scopes = Scopes::from_words(token.scopes.split(' ').filter(|word| !word.is_empty()));
    Ok(Principal {
        role: user.role,
        who: Who::Token { user, token_id: token.id },
        scopes: scopes.unwrap_or(Scopes::Only(Vec::new())),
    })
}

async fn by_cookie(api: &Api, headers: &HeaderMap) -> Result<Principal, Problem> {
    let not_signed_in = || Problem::not_signed_in("sign in with POST /api/v1/session, or send an API token");
    let secret = cookie(headers, api.settings.cookie_name()).ok_or_else(not_signed_in)?;
    let now = api.now().wall;
    let hash = digest(secret.as_bytes());
    let found = api.database()?.find_sign_in(&hash, before(now, AGE_MAX), before(now, IDLE_MAX)).await?;
    let (sign_in, user) = found.ok_or_else(not_signed_in)?;
    if sign_in.last_used + NOTE_EVERY < now {
        api.database()?.touch_sign_in(&sign_in.id, now).await?;
    }
    let csrf = csrf_token(secret);
    Ok(Principal { role: user.role, who: Who::Browser { user, sign_in, csrf }, scopes: Scopes::All })
}

/// So long before a moment.
pub fn before(now: Wall, time: Duration) -> Wall {
    now - time
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_in_any_place() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "xcb=1; cb2=2; cb=3".parse().unwrap());
        headers.append(header::COOKIE, "other=4".parse().unwrap());
        assert_eq!(cookie(&headers, "cb"), Some("3"));
        assert_eq!(cookie(&headers, "other"), Some("4"));
        assert_eq!(cookie(&headers, "c"), None);
    }

    #[test]
    fn another_kind_of_authorization_is_a_token_that_nobody_has() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("Basic abc").as_deref(), Some(""));
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
