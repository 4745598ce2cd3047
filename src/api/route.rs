//! A route: its handler beside all that the OpenAPI document says of it, so that neither is without the other.

use super::Api;
use super::access::{self, Access};
use super::idempotency;
use super::parameter::{self, Rule};
use super::permission::Permission;
use super::problem::Problem;
use super::request::{DOCUMENT_BYTES_MAX, body_bytes};
use axum::RequestExt;
use axum::body::Body;
use axum::extract::{Query, RawPathParams, Request, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

/// What most handlers need at the most, by far; longer is a database or a disk that hangs.
const TIME_MAX: Duration = Duration::from_secs(30);
/// A file of 50 MB over a slow line (`upload::PACE`), and its turn at the decoder.
const UPLOAD_TIME_MAX: Duration = Duration::from_secs(900);
/// A body of whoever has not signed in: a login and a password, which fit in one packet.
const OPEN_BODY_TIME_MAX: Duration = Duration::from_secs(5);
/// The same. They are read before a place is taken: all 1,024 connections with one hold 64 MB.
const OPEN_BODY_BYTES_MAX: usize = 64 * 1_024;

/// A schema and those that it refers to.
pub type Schema = fn(&mut super::openapi::Schemas) -> serde_json::Value;

/// The body of a request.
#[derive(Clone)]
pub enum RequestBody {
    None,
    Json(Schema),
    /// Bytes of any of these kinds.
    Raw {
        kinds: &'static [&'static str],
        about: &'static str,
    },
}

/// The body of an answer.
#[derive(Clone)]
pub enum AnswerBody {
    None,
    Json(Schema),
    /// Bytes or text of that kind.
    Raw(&'static str),
}

/// An answer that a route gives when all went well.
#[derive(Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub about: &'static str,
    pub body: AnswerBody,
    pub etag: bool,
    /// Other headers with what they say.
    pub headers: &'static [(&'static str, &'static str)],
}

/// What the OpenAPI document says, and what is checked before the handler runs.
#[derive(Clone)]
pub struct Operation {
    pub method: Method,
    /// Below `/api/v1`.
    pub path: &'static str,
    pub id: &'static str,
    pub tag: &'static str,
    pub about: &'static str,
    pub access: Access,
    pub query: Vec<Parameter>,
    pub body: RequestBody,
    pub answers: Vec<Answer>,
    /// Statuses of problems beside those that follow from the rest.
    pub problems: Vec<u16>,
    pub if_match: bool,
    /// If-Match is honoured where it is given.
    pub may_match: bool,
    pub idempotent: bool,
    /// Answered once new calls follow the change.
    pub is_applied: bool,
    /// Undone where files are the truth.
    pub is_overwritten: bool,
}

/// A route that can be served.
pub struct Route {
    pub operation: Operation,
    pub handler: MethodRouter<Api>,
}

/// Begins a route: its operation's id and what it does, in a sentence.
pub fn route(method: Method, path: &'static str, id: &'static str, about: &'static str) -> Operation {
    Operation {
        method,
        path,
        id,
        tag: "",
        about,
        access: Access::SignedIn,
        query: Vec::new(),
        body: RequestBody::None,
        answers: Vec::new(),
        problems: Vec::new(),
        if_match: false,
        may_match: false,
        idempotent: false,
        is_applied: false,
        is_overwritten: false,
    }
}

pub fn get(path: &'static str, id: &'static str, about: &'static str) -> Operation {
    route(Method::GET, path, id, about)
}

pub fn post(path: &'static str, id: &'static str, about: &'static str) -> Operation {
    route(Method::POST, path, id, about)
}

pub fn put(path: &'static str, id: &'static str, about: &'static str) -> Operation {
    route(Method::PUT, path, id, about)
}

pub fn delete(path: &'static str, id: &'static str, about: &'static str) -> Operation {
    route(Method::DELETE, path, id, about)
}

impl Operation {
    /// The subject it belongs to.
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// Nobody has to sign in.
    pub fn open(mut self) -> Self {
        self.access = Access::Open;
        self
    }

    pub fn needs(mut self, permission: Permission) -> Self {
        self.access = Access::Needs(permission);
        self
    }

    pub fn query<T: IntoParams>(mut self) -> Self {
        self.query.extend(T::into_params(|| Some(ParameterIn::Query)));
        self
    }

    /// Takes JSON.
    pub fn body<T: ToSchema + 'static>(mut self) -> Self {
        self.body = RequestBody::Json(super::openapi::schema::<T>);
        self
    }

    /// Takes JSON of that schema.
    pub fn body_schema(mut self, schema: Schema) -> Self {
        self.body = RequestBody::Json(schema);
        self
    }

    /// Takes bytes.
    pub fn raw_body(mut self, kinds: &'static [&'static str], about: &'static str) -> Self {
        self.body = RequestBody::Raw { kinds, about };
        self
    }

    /// Answers with JSON.
    pub fn gives<T: ToSchema + 'static>(self, status: StatusCode, about: &'static str) -> Self {
        self.answer(status, about, AnswerBody::Json(super::openapi::schema::<T>))
    }

    /// Answers with JSON of that schema.
    pub fn gives_schema(self, status: StatusCode, about: &'static str, schema: Schema) -> Self {
        self.answer(status, about, AnswerBody::Json(schema))
    }

    /// Answers with a page of items.
    pub fn gives_page<T: ToSchema + 'static>(self, about: &'static str) -> Self {
        self.answer(StatusCode::OK, about, AnswerBody::Json(super::openapi::page::<T>))
    }

    /// Answers with bytes or text.
    pub fn gives_raw(self, kind: &'static str, about: &'static str) -> Self {
        self.answer(StatusCode::OK, about, AnswerBody::Raw(kind))
    }

    /// Answers 204.
    pub fn gives_nothing(self, about: &'static str) -> Self {
        self.answer(StatusCode::NO_CONTENT, about, AnswerBody::None)
    }

    fn answer(mut self, status: StatusCode, about: &'static str, body: AnswerBody) -> Self {
        self.answers.push(Answer { status, about, body, etag: false, headers: &[] });
        self
    }

    /// The last answer has an ETag.
    pub fn with_etag(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.etag = true;
        }
        self
    }

    /// The last answer has these headers.
    pub fn with_headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers = headers;
        }
        self
    }

    /// If-Match is required.
    pub fn if_match(mut self) -> Self {
        self.if_match = true;
        self
    }

    /// If-Match is honoured where it is given.
    pub fn may_match(mut self) -> Self {
        self.may_match = true;
        self
    }

    /// Takes an Idempotency-Key.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Changes what calls read: answered once new calls follow it, with the headers that say so.
    pub fn once_applied(mut self) -> Self {
        self.is_applied = true;
        self.overwritten()
    }

    /// Undone at the next reload or start where files are the truth, which its answer says.
    pub fn overwritten(mut self) -> Self {
        self.is_overwritten = true;
        self
    }

    /// Further statuses of problems.
    pub fn problems(mut self, statuses: &[u16]) -> Self {
        self.problems.extend(statuses);
        self
    }

    pub fn to<H: Handler<T, Api>, T: 'static>(self, handler: H) -> Route {
        let filter = match self.method {
            Method::POST => MethodFilter::POST,
            Method::PUT => MethodFilter::PUT,
            Method::DELETE => MethodFilter::DELETE,
            Method::PATCH => MethodFilter::PATCH,
            _ => MethodFilter::GET,
        };
        Route { handler: on(filter, handler), operation: self }
    }

    fn time_max(&self) -> Duration {
        if matches!(self.body, RequestBody::Raw { .. }) { UPLOAD_TIME_MAX } else { TIME_MAX }
    }

    /// How large a body may be, and how long it may take to come. A handler may ask for less.
    fn body_max(&self) -> (usize, Duration) {
        match self.body {
            _ if self.access == Access::Open => (OPEN_BODY_BYTES_MAX, OPEN_BODY_TIME_MAX),
            _ => (DOCUMENT_BYTES_MAX, TIME_MAX),
        }
    }

    /// The kinds of body that the answers have.
    fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.answers.iter().map(|answer| match answer.body {
            AnswerBody::Raw(kind) => kind,
            AnswerBody::Json(_) | AnswerBody::None => "application/json",
        })
    }
}

/// What a guard needs.
#[derive(Clone)]
pub struct Gate {
    pub api: Api,
    pub operation: std::sync::Arc<Operation>,
    pub rules: std::sync::Arc<Vec<Rule>>,
}

/// Stands before every handler: kinds, access, parameters, the body, a place, keys, time.
pub async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let limit = gate.operation.time_max();
    match tokio::time::timeout(limit, pass(&gate, request, next)).await {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::late(format!("it took longer than {} s", limit.as_secs())).into_response(),
    }
}

async fn pass(gate: &Gate, mut request: Request, next: Next) -> Result<Response, Problem> {
    let Gate { api, operation, rules } = gate;
    let accept = request.headers().get(header::ACCEPT).map(|value| value.to_str().unwrap_or_default());
    if !accept.is_none_or(|accept| operation.kinds().any(|kind| is_accepted(accept, kind))) {
        let kinds: Vec<_> = operation.kinds().collect();
        return Err(Problem::not_acceptable(format!("the answer is {}", kinds.join(" or "))));
    }
    let principal = access::admit(api, operation.access, request.method(), request.headers()).await?;
    if operation.query.is_empty() && request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::malformed("there are no parameters here").at("?", "are not known here"));
    }
    check_parameters(rules, &mut request).await?;
    let owner = principal.as_ref().map(|principal| principal.id().to_owned()).unwrap_or_default();
    if let Some(principal) = principal {
        request.extensions_mut().insert(principal);
    }
    let request = whole(operation, request).await?;
    // Not earlier: nobody who has yet to say who he is, or to send the rest, holds a place of those who are ready.
    let _place = place(api, operation.access)?;
    if operation.idempotent {
        return idempotency::once(api, &owner, request, next).await;
    }
    Ok(next.run(request).await)
}

/// A place among the requests that are carried out. Whoever has not signed in takes none of those who have.
fn place(api: &Api, access: Access) -> Result<SemaphorePermit<'_>, Problem> {
    let places = if access == Access::Open { &api.open_requests } else { &api.requests };
    let full = |_| Problem::unavailable("too many requests at this moment").retry_after(1);
    places.try_acquire().map_err(full)
}

/// A request whose body has come whole. Where none is read it is left as it is, and so are sound files: their handler
/// takes a place in memory for them first.
async fn whole(operation: &Operation, request: Request) -> Result<Request, Problem> {
    if matches!(operation.body, RequestBody::None | RequestBody::Raw { .. }) {
        return Ok(request);
    }
    let (bytes_max, time_max) = operation.body_max();
    let (parts, body) = request.into_parts();
    let body = body_bytes(Request::from_parts(parts.clone(), body), bytes_max);
    let late = |_| Problem::late(format!("the body took longer than {} s", time_max.as_secs()));
    let bytes = tokio::time::timeout(time_max, body).await.map_err(late)??;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn check_parameters(rules: &[Rule], request: &mut Request) -> Result<(), Problem> {
    let named = |pairs: &[(String, String)], in_path| {
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        parameter::check(rules, in_path, pairs)
    };
    // What is no query at all is told by whoever reads it.
    if let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(request.uri()) {
        named(&pairs, false)?;
    }
    if let Ok(parts) = request.extract_parts::<RawPathParams>().await {
        let parts: Vec<_> = parts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        named(&parts, true)?;
    }
    Ok(())
}

/// Whether an Accept header (RFC 9110 section 12.5.1) takes a kind: by the most exact range that fits.
fn is_accepted(accept: &str, kind: &str) -> bool {
    let group = kind.split('/').next().unwrap_or_default();
    let mut best: Option<(u8, bool)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let exactness = match name.split_once('/') {
            _ if name.eq_ignore_ascii_case(kind) => 3,
            Some((of, "*")) if of.eq_ignore_ascii_case(group) => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        let refused = parts.any(|part| {
            part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
        });
        if best.is_none_or(|(known, _)| exactness > known) {
            best = Some((exactness, !refused));
        }
    }
    best.is_some_and(|(_, taken)| taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_range_of_accept_decides() {
        for (accept, taken) in [
            ("*/*", true),
            ("application/json", true),
            ("APPLICATION/JSON;charset=utf-8", true),
            ("text/html, application/*;q=0.5", true),
            ("text/html", false),
            ("", false),
            ("*/*, application/json;q=0", false),
            ("application/*;q=0, */*", false),
        ] {
            assert_eq!(is_accepted(accept, "application/json"), taken, "{accept}");
        }
    }
}
