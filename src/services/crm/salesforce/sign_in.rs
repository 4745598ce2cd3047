//! Tokens: fetched when one is needed, kept until Salesforce knows it no more. One fetch runs at a time, on its own: whoever
//! waits for it gives up when its own time is over, and the fetch goes on for the others.

use super::answer::Refusal;
use super::jwt::Key;
use crate::clock::{Instant, SystemClock};
use crate::config::crm::{Grant, Salesforce as Settings};
use crate::flow::{HttpRequest, Method, url_escaped};
use crate::services::web::WebClient;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// To sign in; whoever waits for an answer has less time of its own.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A token is some hundred bytes.
const BYTES_MAX: u32 = 65_536;
/// After a refusal nobody else asks for so long: Salesforce counts sign-ins, and locks users who fail too often.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Gets tokens.
pub struct SignIn(Arc<Inner>);

struct Inner {
    url: String,
    client_id: String,
    grant: Grant,
    key: Option<Result<Key, String>>,
    clock: SystemClock,
    web: WebClient,
    kept: Mutex<Kept>,
    /// Held by the one who fetches.
    gate: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    refused: Option<(Instant, Refusal)>,
}

/// What a request is made with.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub access: String,
    /// Where the org is, without a slash at the end.
    pub instance: String,
}

impl SignIn {
    pub fn new(settings: &Settings, web: WebClient, clock: SystemClock) -> Self {
        let key = match &settings.grant {
            Grant::JwtBearer { private_key, .. } => Some(Key::read(private_key)),
            Grant::ClientCredentials { .. } => None,
        };
        SignIn(Arc::new(Inner {
            url: format!("{}/services/oauth2/token", settings.login_url),
            client_id: settings.client_id.clone(),
            grant: settings.grant.clone(),
            key,
            clock,
            web,
            kept: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
        }))
    }

    /// The token that there is, or a new one.
    pub async fn token(&self) -> Result<Token, Refusal> {
        if let Some(token) = self.0.kept().token.clone() {
            return Ok(token);
        }
        let inner = self.0.clone();
        let fetching = tokio::spawn(async move { inner.fetch_once().await });
        fetching.await.unwrap_or_else(|_| Err(Refusal::new("sign_in", "Signing in broke off.")))
    }

    /// The next one who needs a token fetches it, whatever was said before.
    pub fn forget_all(&self) {
        *self.0.kept() = Kept::default();
    }

    /// Salesforce does not know that one any more. Where another was fetched meanwhile, it stays.
    pub fn forget(&self, token: &Token) {
        let mut kept = self.0.kept();
        if kept.token.as_ref() == Some(token) {
            kept.token = None;
        }
    }
}

impl Inner {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches a token, where nobody did while this waited for its turn.
    async fn fetch_once(&self) -> Result<Token, Refusal> {
        let _turn = self.gate.lock().await;
        {
            let kept = self.kept();
            if let Some(token) = &kept.token {
                return Ok(token.clone());
            }
            if let Some((at, refusal)) = &kept.refused
                && self.clock.instant() - *at < AGAIN_AFTER
            {
                return Err(refusal.clone());
            }
        }
        let fetched = self.fetch().await;
        let mut kept = self.kept();
        match &fetched {
            Ok(token) => *kept = Kept { token: Some(token.clone()), refused: None },
            // Where nothing answered, the next one finds out by itself.
            Err(refusal) if refusal.error.is_none() => {
                kept.refused = Some((self.clock.instant(), refusal.clone()));
            }
            Err(_) => {}
        }
        fetched
    }

    async fn fetch(&self) -> Result<Token, Refusal> {
        let refused = |words: &str| Refusal::new("sign_in", words);
        let (body, secret) = self.form().map_err(|error| refused(&format!("Cannot sign in: {error}.")))?;
        let request = HttpRequest {
            method: Method::Post,
            url: self.url.clone(),
            headers: Vec::new(),
            body: Some(("application/x-www-form-urlencoded", body)),
            timeout: TIMEOUT,
            retries: 0,
            bytes_max: BYTES_MAX,
            sign_with: None,
        };
        let answer = self.web.send(&request).await.map_err(Refusal::unanswered)?;
        let reply: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text = |key: &str| reply.get(key).and_then(Value::as_str);
        match (text("access_token"), text("instance_url")) {
            (Some(access), Some(instance)) if answer.status == 200 => {
                Ok(Token { access: access.to_owned(), instance: instance.trim_end_matches('/').to_owned() })
            }
            _ => {
                let code = text("error").unwrap_or("no token");
                let words = text("error_description").unwrap_or_default();
                let refusal = refused(&format!("Sign-in refused with {} ({code}): {words}", answer.status));
                Err(refusal.without(&secret))
            }
        }
    }

    /// The form, and what of it nobody may see.
    fn form(&self) -> Result<(String, String), String> {
        let (pairs, secret) = match &self.grant {
            Grant::ClientCredentials { secret } => (
                vec![
                    ("grant_type", "client_credentials".to_owned()),
                    ("client_id", self.client_id.clone()),
                    ("client_secret", secret.clone()),
                ],
                secret.clone(),
            ),
            Grant::JwtBearer { username, audience, .. } => {
                let key = match &self.key {
                    Some(Ok(key)) => key,
                    Some(Err(error)) => return Err(error.clone()),
                    None => return Err("there is no private key".to_owned()),
                };
                let now = self.clock.now().wall.timestamp().as_second();
                let assertion = key.assertion(&self.client_id, username, audience, now)?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned();
                (vec![("grant_type", grant), ("assertion", assertion.clone())], assertion)
            }
        };
        let field = |(name, value): (&str, String)| format!("{name}={}", url_escaped(&value));
        Ok((pairs.into_iter().map(field).collect::<Vec<_>>().join("&"), secret))
    }
}
