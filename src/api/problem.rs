//! Errors as problem details, RFC 9457.

use crate::flow::Severity;
use crate::store::database::DatabaseError;
use crate::store::database::users::UserError;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of problem details.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingSeverity {
    Error,
    Warning,
    Note,
}

impl From<Severity> for FindingSeverity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => FindingSeverity::Error,
            Severity::Warning => FindingSeverity::Warning,
            Severity::Note => FindingSeverity::Note,
        }
    }
}

/// One thing that is wrong with what was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Wrong {
    /// Where: a JSON pointer (RFC 6901) into the body, or `?name` for a parameter.
    pub pointer: String,
    pub message: String,
    /// Of what is said of call flows: an error is why it was refused, the rest is said beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<FindingSeverity>,
    /// A code of the validation of call flows, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Why a request was not carried out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// Names the kind of problem: `urn:cordboard:problem:…`.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong this time, in a sentence.
    pub detail: String,
    /// Each thing that is wrong with what was sent, where that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Wrong>,
}

/// An answer that says why there is no other.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
    findings: Vec<Wrong>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $slug:literal, $title:literal;)*) => {
        impl Problem {
            $($(#[$doc])*
            pub fn $name(detail: impl Into<String>) -> Problem {
                Problem {
                    status: StatusCode::$status,
                    slug: $slug,
                    title: $title,
                    detail: detail.into(),
                    findings: Vec::new(),
                    headers: Vec::new(),
                }
            })*
        }
    };
}

kinds! {
    /// What was sent cannot be read.
    malformed = BAD_REQUEST, "malformed", "The request cannot be read";
    /// Nobody is signed in.
    not_signed_in = UNAUTHORIZED, "not-signed-in", "Sign in first";
    /// Whoever is signed in may not do this.
    forbidden = FORBIDDEN, "forbidden", "This is not allowed";
    /// There is no such thing.
    not_found = NOT_FOUND, "not-found", "There is no such thing";
    /// The path knows other methods.
    method_not_allowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    /// No representation that the client takes.
    not_acceptable = NOT_ACCEPTABLE, "not-acceptable", "No acceptable form of the answer";
    /// The body comes too slowly.
    slow = REQUEST_TIMEOUT, "slow", "The body comes too slowly";
    /// It collides with something that is there.
    conflict = CONFLICT, "conflict", "This collides with what is there";
    /// Somebody else changed it meanwhile.
    stale = PRECONDITION_FAILED, "stale", "It was changed meanwhile";
    /// The body is too large.
    too_large = PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    /// The body is of a kind that is not read here.
    media_type = UNSUPPORTED_MEDIA_TYPE, "media-type", "The body is of an unknown kind";
    /// What was sent can be read but not taken.
    invalid = UNPROCESSABLE_ENTITY, "invalid", "The request cannot be carried out as it is";
    /// If-Match is missing.
    precondition_required = PRECONDITION_REQUIRED, "precondition-required", "If-Match is required";
    /// Too many tries.
    throttled = TOO_MANY_REQUESTS, "throttled", "Too many tries";
    /// Something in the server failed.
    internal = INTERNAL_SERVER_ERROR, "internal", "Something in the server failed";
    /// It cannot be done now.
    unavailable = SERVICE_UNAVAILABLE, "unavailable", "Not available now";
    /// It took too long.
    late = GATEWAY_TIMEOUT, "late", "It took too long";
}

impl Problem {
    #[cfg(test)]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// With one thing that is wrong with what was sent.
    pub fn at(mut self, pointer: impl Into<String>, message: impl Into<String>) -> Problem {
        let (pointer, message) = (pointer.into(), message.into());
        self.findings.push(Wrong { pointer, message, severity: None, code: None, remedy: None });
        self
    }

    pub fn with_findings(mut self, findings: Vec<Wrong>) -> Problem {
        self.findings.extend(findings);
        self
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.push((name, value));
        self
    }

    /// Says when to come back, in seconds.
    pub fn retry_after(self, seconds: u64) -> Problem {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// A value of a body that breaks a rule.
    pub fn value(pointer: &str, message: impl Into<String>) -> Problem {
        let message = message.into();
        Problem::invalid(format!("{pointer}: {message}")).at(pointer, message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = ProblemDetails {
            kind: format!("urn:cordboard:problem:{}", self.slug),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            findings: self.findings,
        };
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response =
            (self.status, [(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON))], body)
                .into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        tracing::error!(%error, "the database failed a request");
        // What the database says may show its tables: it is for the log only.
        Problem::unavailable("the database cannot be used now; the log says why").retry_after(5)
    }
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Unknown => Problem::not_found("there is no such user"),
            UserError::LoginTaken => {
                Problem::conflict("another user has that login").at("/login", "is taken")
            }
            UserError::LastAdmin | UserError::NotEmpty => Problem::conflict(error.to_string()),
            UserError::Stale => {
                Problem::stale("the user was changed by somebody else meanwhile: read it again")
            }
            UserError::PasswordChanged => Problem::value("/current", "is not the password any more"),
            UserError::SignedOut => Problem::not_signed_in("this browser was signed out meanwhile"),
            UserError::Database(error) => error.into(),
        }
    }
}
