//! Outgoing HTTP that a flow's author cannot turn against the server's own network.
//!
//! Names are looked up by ourselves and addresses that are not public are dropped, so that a name that changes its
//! address between a check and the connection is checked all the same. Redirects are not followed: a service could
//! send us anywhere. No proxy of the environment is used, no cookie is kept.

use super::breaker::{Breakers, Refusal};
pub use super::breaker::{FAILURES_MAX, Limits};
use crate::clock::SystemClock;
use crate::config::Secret;
use crate::flow::web_address::is_public;
use crate::flow::{HeaderValue, HttpRequest, LookupError, Method};
use crate::hidden::Hidden;
use crate::ids::hex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests under way at one time: callers wait for them, so more than this means that something is down.
const REQUESTS_MAX: usize = 256;
/// To connect: a third of the usual time of a step.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The client that all flows share.
pub struct WebClient {
    client: reqwest::Client,
    /// For hosts that were allowed: their addresses are not looked at.
    trusting: reqwest::Client,
    allowed: Vec<String>,
    secrets: BTreeMap<String, Secret>,
    clock: SystemClock,
    breakers: Mutex<Breakers>,
    places: Semaphore,
}

/// Why there is no reply, for the flow.
fn failed(code: &'static str, message: impl Into<String>) -> LookupError {
    LookupError { code, message: message.into() }
}

impl WebClient {
    /// `allowed`: hosts, with a port where it is not the usual one, that may have private addresses and plain HTTP.
    pub fn new(
        allowed: Vec<String>,
        secrets: BTreeMap<String, Secret>,
        clock: SystemClock,
        limits: Limits,
    ) -> Result<Self, reqwest::Error> {
        // The process may have one already: whichever was there first does.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_rustls()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT)
                .user_agent(concat!("cordboard/", env!("CARGO_PKG_VERSION")))
        };
        Ok(WebClient {
            client: builder().dns_resolver(PublicOnly).build()?,
            trusting: builder().build()?,
            allowed,
            secrets,
            clock,
            breakers: Mutex::new(Breakers::new(limits)),
            places: Semaphore::new(REQUESTS_MAX),
        })
    }

    /// For one address of the configuration, with the secret that goes there, by its name. Whoever wrote them there allowed
    /// them, for this alone: flows cannot ask it by themselves.
    pub fn for_own(
        url: &str,
        secret: Option<(&str, &str)>,
        clock: SystemClock,
        limits: Limits,
    ) -> Result<Self, reqwest::Error> {
        let host = url.parse().ok().map(|url| host_and_port(&url));
        let secret =
            secret.map(|(name, value)| (name.to_owned(), Secret { value: value.to_owned(), hosts: None }));
        WebClient::new(host.into_iter().collect(), secret.into_iter().collect(), clock, limits)
    }

    /// Sends a request, within its time. A future that is dropped gives the request up; its place is free at once, and the
    /// host is not blamed.
    pub async fn send(&self, request: &HttpRequest) -> Result<Answer, LookupError> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(failed("http_refused", "Too many requests are under way."));
        };
        let late =
            || failed("http_timeout", format!("No reply came within {} s.", request.timeout.as_secs()));
        let deadline = tokio::time::Instant::now() + request.timeout;
        let mut tries = 0;
        loop {
            let error = match self.try_once(request, deadline, late).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if !failure.may_repeat || tries >= request.retries => return Err(failure.error),
                Err(failure) => failure.error,
            };
            tries += 1;
            tracing::debug!(error = %Hidden::sentence(&error.message), tries, "trying again");
        }
    }

    async fn try_once(
        &self,
        request: &HttpRequest,
        deadline: tokio::time::Instant,
        late: impl Fn() -> LookupError,
    ) -> Result<Answer, Failure> {
        let never = |error| Failure { error, may_repeat: false };
        let (url, is_allowed) = self.check(&request.url).map_err(never)?;
        let host = host_and_port(&url);
        let headers = self.headers(request, &url).map_err(never)?;
        self.may_ask(&host).map_err(never)?;
        let mut asked = Asked { client: self, host: &host, worked: None };
        let client = if is_allowed { &self.trusting } else { &self.client };
        let mut sending = client.request(method(request.method), url).headers(headers);
        if let Some((_, body)) = &request.body {
            sending = sending.body(body.clone());
        }
        match tokio::time::timeout_at(deadline, exchange(sending, request)).await {
            Err(_) => {
                asked.worked = Some(false);
                Err(never(late()))
            }
            Ok((host_worked, result)) => {
                asked.worked = Some(host_worked);
                result
            }
        }
    }

    /// The address, and whether its host was allowed by name.
    fn check(&self, text: &str) -> Result<(reqwest::Url, bool), LookupError> {
        let refused = |message: String| failed("http_refused", message);
        let url: reqwest::Url = text.parse().map_err(|_| refused("This is no web address.".to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("The address has a password in it.".to_owned()));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let is_allowed = self.allowed.iter().any(|known| {
            known.eq_ignore_ascii_case(&host) && url.port().is_none()
                || known.eq_ignore_ascii_case(&host_and_port(&url))
        });
        if is_allowed {
            return Ok((url, true));
        }
        if url.scheme() != "https" {
            return Err(refused(format!(
                "{host} is asked without encryption, and is not in [http_client] allow."
            )));
        }
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if literal.is_some_and(|ip| !is_public(ip)) {
            return Err(refused(format!(
                "{host} is not a public address, and is not in [http_client] allow."
            )));
        }
        Ok((url, false))
    }

    fn headers(&self, request: &HttpRequest, url: &reqwest::Url) -> Result<HeaderMap, LookupError> {
        let mut headers = HeaderMap::new();
        let secret = |name: &String| {
            let missing = || format!("There is no secret `{name}` in the configuration.");
            let secret = self.secrets.get(name).ok_or_else(|| failed("http_no_secret", missing()))?;
            let host = url.host_str().unwrap_or_default();
            let is_meant = |known: &String| *known == host || *known == host_and_port(url);
            match &secret.hosts {
                Some(hosts) if !hosts.iter().any(is_meant) => {
                    let message = format!("The secret `{name}` is not meant for {host} ([secret_hosts]).");
                    Err(failed("http_refused", message))
                }
                _ => Ok(&secret.value),
            }
        };
        for (name, value) in &request.headers {
            let (text, is_secret) = match value {
                HeaderValue::Text(text) => (text.clone(), false),
                HeaderValue::Secret { prefix, name } => (format!("{prefix}{}", secret(name)?), true),
            };
            let wrong = || {
                failed("http_refused", format!("The header `{name}` has a value that no header can have."))
            };
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let mut value = reqwest::header::HeaderValue::from_str(&text).map_err(|_| wrong())?;
            value.set_sensitive(is_secret);
            headers.append(name, value);
        }
        if let Some((kind, _)) = &request.body {
            headers.insert(CONTENT_TYPE, reqwest::header::HeaderValue::from_static(kind));
        }
        if let Some(name) = &request.sign_with {
            let body = request.body.as_ref().map_or("", |(_, body)| body.as_str());
            let signature = hmac_sha256(secret(name)?.as_bytes(), body.as_bytes());
            if let Ok(value) = reqwest::header::HeaderValue::from_str(&format!("sha256={}", hex(&signature)))
            {
                headers.insert("x-cordboard-signature", value);
            }
        }
        Ok(headers)
    }

    fn may_ask(&self, host: &str) -> Result<(), LookupError> {
        self.breakers().ask(host, self.clock.instant()).map_err(|refusal| match refusal {
            Refusal::Broken => failed(
                "http_circuit_open",
                format!("{host} failed several times in a row and is left alone for 30 s."),
            ),
            Refusal::TooMany => failed("http_refused", format!("Too many requests to {host} are under way.")),
            Refusal::TooOften => failed(
                "http_too_often",
                format!("{host} is asked more often than this server allows itself."),
            ),
        })
    }

    fn breakers(&self) -> std::sync::MutexGuard<'_, Breakers> {
        self.breakers.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct Failure {
    error: LookupError,
    may_repeat: bool,
}

/// An answer, whatever its status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// The other side says that it is JSON.
    pub is_json: bool,
    pub headers: HeaderMap,
}

impl Answer {
    /// The value of a header; nothing where it is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request that the breaker counts as under way, until this is dropped.
struct Asked<'a> {
    client: &'a WebClient,
    host: &'a str,
    /// Whether the host did its work; nothing where the request was given up before that was known.
    worked: Option<bool>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let (mut breakers, now) = (self.client.breakers(), self.client.clock.instant());
        match self.worked {
            Some(worked) => breakers.tell(self.host, worked, now),
            None => breakers.forget(self.host, now),
        }
    }
}

/// Sends, and reads the answer. Says beside it whether the host did its work, whatever that is to the flow.
async fn exchange(
    sending: reqwest::RequestBuilder,
    request: &HttpRequest,
) -> (bool, Result<Answer, Failure>) {
    let response = match sending.send().await {
        Ok(response) => response,
        Err(error) => {
            let may_repeat = error.is_connect() || request.method == Method::Get;
            let error = failed("http_failed", in_words(&error));
            return (false, Err(Failure { error, may_repeat }));
        }
    };
    let status = response.status();
    let headers = response.headers().clone();
    let is_json = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || kind.ends_with("+json")
    });
    let body = match request.bytes_max {
        0 => Ok(String::new()),
        bytes_max => read(response, bytes_max).await,
    };
    let answer = body.map(|body| Answer { status: status.as_u16(), body, is_json, headers });
    (!status.is_server_error(), answer.map_err(|error| Failure { error, may_repeat: false }))
}

async fn read(mut response: reqwest::Response, bytes_max: u32) -> Result<String, LookupError> {
    let bytes_max = bytes_max as usize;
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= bytes_max => body.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                return Err(failed("http_too_large", format!("The reply is larger than {bytes_max} bytes.")));
            }
            Ok(None) => break,
            Err(error) => return Err(failed("http_failed", in_words(&error))),
        }
    }
    Ok(match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The innermost cause, without the address, in which a caller's data may stand.
fn in_words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() { "The service cannot be reached" } else { "The request failed" };
    format!("{what}: {cause}.")
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn host_and_port(url: &reqwest::Url) -> String {
    let port = url.port_or_known_default().unwrap_or(0);
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// RFC 2104.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// Looks names up and keeps the public addresses.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.iter().copied().filter(|at| is_public(at.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                let message =
                    format!("{} has no public address, and is not in [http_client] allow", name.as_str());
                return Err(message.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(allowed: &[&str]) -> WebClient {
        let allowed = allowed.iter().map(|host| (*host).to_owned()).collect();
        WebClient::new(
            allowed,
            BTreeMap::new(),
            SystemClock::start(),
            Limits { per_second: 10, burst: 50, under_way: 32, failures: FAILURES_MAX },
        )
        .unwrap()
    }

    #[test]
    fn private_addresses_and_plain_http_are_refused_unless_allowed_by_name_and_port() {
        let client = client(&["127.0.0.1:9000", "crm.internal"]);
        for (url, expected) in [
            ("https://example.com/", Ok(false)),
            ("http://example.com/", Err("without encryption")),
            ("https://127.0.0.1/", Err("not a public address")),
            ("https://[::1]/", Err("not a public address")),
            ("https://[::ffff:10.0.0.1]/", Err("not a public address")),
            // Other spellings of 127.0.0.1.
            ("https://2130706433/", Err("not a public address")),
            ("https://0x7f.1/", Err("not a public address")),
            ("https://169.254.169.254/latest/meta-data", Err("not a public address")),
            ("http://127.0.0.1:9000/x", Ok(true)),
            ("http://127.0.0.1:9001/x", Err("without encryption")),
            ("http://crm.internal/x", Ok(true)),
            ("https://CRM.internal/x", Ok(true)),
            ("http://crm.internal:22/x", Err("without encryption")),
            ("https://user:password@example.com/", Err("password")),
            ("ftp://example.com/", Err("without encryption")),
            ("//example.com/", Err("no web address")),
        ] {
            match (client.check(url), expected) {
                (Ok((_, is_allowed)), Ok(expected)) => assert_eq!(is_allowed, expected, "{url}"),
                (Err(error), Err(expected)) => assert!(error.message.contains(expected), "{url}: {error}"),
                (found, _) => panic!("{url}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        let hex = |key: &[u8], text: &[u8]| {
            hmac_sha256(key, text).iter().map(|b| format!("{b:02x}")).collect::<String>()
        };
        assert_eq!(
            hex(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
