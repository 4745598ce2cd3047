//! Creations that may be sent again: the same key with the same request gives the same answer.

use super::Api;
use super::access::{self, before};
use super::applied::REVISION_HEADER;
use super::problem::Problem;
use super::request::{DOCUMENT_BYTES_MAX, body_bytes};
use crate::ids::hex;
use crate::store::database::idempotency::{KeptAnswer, Known};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::time::Duration;

pub const KEY_HEADER: &str = "idempotency-key";
/// Says that an answer was given before.
pub const REPLAYED_HEADER: &str = "idempotency-replayed";
/// How long answers are kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Twice as long as any request may take: one that is not answered by then never will be.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);
/// A UUID has 36 characters; some put more into it.
pub const KEY_CHARS_MAX: usize = 128;
/// Bytes of an answer that are kept; most objects have some hundred.
const KEPT_BYTES_MAX: usize = 16 * 1_024;
/// Stands in the place of an answer that has more. No answer is this.
const TOO_LARGE: &[u8] = b"too large to be kept";
/// Keys of one user or token in a day: with answers of the largest size 160 MB.
const KEYS_OF_OWNER_MAX: u32 = 10_000;
/// Headers that an answer keeps.
const KEPT_HEADERS: [&str; 4] = ["content-type", "etag", "location", REVISION_HEADER];

type HmacSha256 = Hmac<Sha256>;

/// Runs a request, or gives the answer that it got before.
pub async fn once(api: &Api, owner: &str, request: Request, next: Next) -> Result<Response, Problem> {
    let Some(key) = request.headers().get(KEY_HEADER) else { return Ok(next.run(request).await) };
    let fits = |key: &&str| {
        (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let key = key.to_str().ok().filter(fits);
    let key = key.ok_or_else(|| {
        Problem::malformed(format!("Idempotency-Key is 1 to {KEY_CHARS_MAX} visible characters"))
    })?;
    let key = key.to_owned();
    let (parts, body) = request.into_parts();
    let bytes = body_bytes(Request::from_parts(parts.clone(), body), DOCUMENT_BYTES_MAX).await?;
    let secret =
        access::secret(api, &parts.headers).ok_or_else(|| Problem::not_signed_in("sign in first"))?;
    let fingerprint =
        fingerprint(secret, [parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), &bytes]);
    let (database, now) = (api.database()?, api.now().wall);
    let taken =
        database.take_key(owner, &key, &fingerprint, now, before(now, ABANDONED_AFTER), KEYS_OF_OWNER_MAX);
    match taken.await? {
        Known::New => {}
        Known::Running => {
            return Err(
                Problem::conflict("the first request with this Idempotency-Key still runs").retry_after(1)
            );
        }
        Known::OtherRequest => {
            return Err(Problem::invalid(
                "this Idempotency-Key came with another request before, or with another sign-in",
            ));
        }
        Known::Full => {
            let message = format!("{KEYS_OF_OWNER_MAX} Idempotency-Keys were used within a day");
            return Err(Problem::throttled(message).retry_after(3_600));
        }
        Known::Answered(answer) if answer.body.as_bytes() == TOO_LARGE => return Err(done_before(&answer)),
        Known::Answered(answer) => return Ok(again(answer)),
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(*name)?.to_str().ok()?;
        Some(format!("{name}: {value}"))
    });
    // A large document is not kept a second time: who asks again is sent to its place.
    let kept = if body.len() <= KEPT_BYTES_MAX { &body[..] } else { TOO_LARGE };
    let answer = KeptAnswer {
        status: parts.status.as_u16(),
        headers: headers.collect::<Vec<_>>().join("\n"),
        body: String::from_utf8_lossy(kept).into_owned(),
    };
    // What failed by us, or for want of room, may be tried again with the same key.
    let is_final = !parts.status.is_server_error() && parts.status != StatusCode::TOO_MANY_REQUESTS;
    // The change stands whether or not this can be kept: it is not to be answered as failed.
    if let Err(error) = database.keep_answer(owner, &key, is_final.then_some(&answer)).await {
        tracing::error!(%error, "the answer to an Idempotency-Key could not be kept");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// What a request is known by. A body may hold a password, which a plain digest would let anybody guess who gets hold of
/// the database: so it is keyed by what the client signs in with, 200 random bits that the database does not have. That
/// way it holds over restarts and on every server of one database.
fn fingerprint(secret: &str, parts: [&[u8]; 3]) -> String {
    let mut key = hmac::digest::Key::<HmacSha256>::default();
    let secret = Sha256::digest(format!("idempotency {secret}"));
    key.iter_mut().zip(secret).for_each(|(place, byte)| *place = byte);
    let mut mac = HmacSha256::new(&key);
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    hex(&mac.finalize().into_bytes())
}

/// What was carried out before, with an answer that is not kept.
fn done_before(answer: &KeptAnswer) -> Problem {
    let problem = Problem::conflict(
        "the first request with this Idempotency-Key was carried out; its answer was too large to be kept: see Location",
    );
    let mut lines = answer.headers.lines().filter_map(|line| line.split_once(": "));
    let location = lines.find(|(name, _)| *name == "location").map(|(_, value)| HeaderValue::try_from(value));
    match location {
        Some(Ok(location)) => problem.with_header(header::LOCATION, location),
        _ => problem,
    }
}

fn again(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in answer.headers.lines().filter_map(|line| line.split_once(": ")) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_follows_from_the_secret_and_from_each_part() {
        let of = |secret, parts| fingerprint(secret, parts);
        let one = of("secret", [b"POST", b"/users", b"{}"]);
        assert_eq!(one, of("secret", [b"POST", b"/users", b"{}"]));
        for other in [
            of("another", [b"POST", b"/users", b"{}"]),
            of("secret", [b"PUT", b"/users", b"{}"]),
            of("secret", [b"POST", b"/users{", b"}"]),
            of("secret", [b"POST", b"/users", b"{ }"]),
        ] {
            assert_ne!(one, other);
        }
    }
}
