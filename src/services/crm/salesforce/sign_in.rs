//! Tokens: fetched when one is needed, kept until Salesforce knows it no more, and by one at a time.

use super::answer::Refusal;
use super::jwt::Key;
use crate::clock::SystemClock;
use crate::config::crm::{Grant, Salesforce as Settings};
use crate::flow::{HttpRequest, Method, url_escaped};
use crate::services::web::WebClient;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::Mutex;

/// To sign in; whoever waits for an answer has less time of its own.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A token is some hundred bytes.
const BYTES_MAX: u32 = 65_536;

/// Gets tokens.
pub struct SignIn {
    url: String,
    client_id: String,
    grant: Grant,
    key: Option<Result<Key, String>>,
    clock: SystemClock,
    token: Mutex<Option<Token>>,
}

/// What a request is made with.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub access: String,
    /// Where the org is, without a slash at the end.
    pub instance: String,
}

impl SignIn {
    pub fn new(settings: &Settings, clock: SystemClock) -> Self {
        let key = match &settings.grant {
            Grant::JwtBearer { private_key, .. } => Some(Key::read(private_key)),
            Grant::ClientCredentials { .. } => None,
        };
        SignIn {
            url: format!("{}/services/oauth2/token", settings.login_url),
            client_id: settings.client_id.clone(),
            grant: settings.grant.clone(),
            key,
            clock,
            token: Mutex::default(),
        }
    }

    /// The token that there is, or a new one; who comes meanwhile waits for the same.
    pub async fn token(&self, via: &WebClient) -> Result<Token, Refusal> {
        let mut kept = self.token.lock().await;
        if let Some(token) = &*kept {
            return Ok(token.clone());
        }
        let token = self.fetch(via).await?;
        *kept = Some(token.clone());
        Ok(token)
    }

    /// Salesforce does not know that one any more. Where another was fetched meanwhile, it stays.
    pub fn forget(&self, token: &Token) {
        if let Ok(mut kept) = self.token.try_lock()
            && kept.as_ref() == Some(token)
        {
            *kept = None;
        }
    }

    async fn fetch(&self, via: &WebClient) -> Result<Token, Refusal> {
        let refused = |words: &str| Refusal::new("sign_in", words);
        let body = self.form().map_err(|error| refused(&format!("Cannot sign in: {error}.")))?;
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
        let answer = via.send(&request).await.map_err(Refusal::unanswered)?;
        let reply: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text = |key: &str| reply.get(key).and_then(Value::as_str);
        match (text("access_token"), text("instance_url")) {
            (Some(access), Some(instance)) if answer.status == 200 => {
                Ok(Token { access: access.to_owned(), instance: instance.trim_end_matches('/').to_owned() })
            }
            _ => {
                let code = text("error").unwrap_or("no token");
                let words = text("error_description").unwrap_or_default();
                Err(refused(&format!("Sign-in refused with {} ({code}): {words}", answer.status)))
            }
        }
    }

    fn form(&self) -> Result<String, String> {
        let pairs = match &self.grant {
            Grant::ClientCredentials { secret } => vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", self.client_id.clone()),
                ("client_secret", secret.clone()),
            ],
            Grant::JwtBearer { username, audience, .. } => {
                let key = match &self.key {
                    Some(Ok(key)) => key,
                    Some(Err(error)) => return Err(error.clone()),
                    None => return Err("there is no private key".to_owned()),
                };
                let now = self.clock.now().wall.timestamp().as_second();
                let assertion = key.assertion(&self.client_id, username, audience, now)?;
                vec![
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
                    ("assertion", assertion),
                ]
            }
        };
        let field = |(name, value): (&str, String)| format!("{name}={}", url_escaped(&value));
        Ok(pairs.into_iter().map(field).collect::<Vec<_>>().join("&"))
    }
}
