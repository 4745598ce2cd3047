//! What handlers take from a request, each refused with a problem that says what is wrong.

use super::problem::Problem;
use crate::flow::pointer_of;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The largest document: a list of 100,000 callers, or a flow of 512 KB.
pub const DOCUMENT_BYTES_MAX: usize = crate::store::objects::DOCUMENT_BYTES_MAX;
/// All other bodies are small; some are taken from whoever has not signed in.
const BODY_BYTES_MAX: usize = 64 * 1_024;

/// A small JSON body. Fields that nobody knows are refused.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = json_bytes(request, BODY_BYTES_MAX).await?;
        read_json(&bytes).map(Body)
    }
}

/// A JSON object that others look at.
pub struct Document(pub Value);

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = json_bytes(request, DOCUMENT_BYTES_MAX).await?;
        read_json::<Map<String, Value>>(&bytes).map(|fields| Document(Value::Object(fields)))
    }
}

/// The bytes of a JSON body.
pub async fn json_bytes(request: Request, limit: usize) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::media_type("the body is to be application/json"));
    }
    body_bytes(request, limit).await
}

/// The bytes of a body up to a limit.
pub async fn body_bytes(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::too_large(format!("the body may have {limit} bytes"));
    let said =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if said.is_some_and(|said: usize| said > limit) {
        return Err(too_large());
    }
    match axum::body::to_bytes(request.into_body(), limit).await {
        Ok(bytes) => Ok(bytes),
        // The limit is the one error of its own; everything else is a connection that broke.
        Err(error) if error.to_string().contains("limit") => Err(too_large()),
        Err(_) => Err(Problem::malformed("the body did not come whole")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Reads JSON: 400 where it is none, 422 with a pointer where it is another than was asked for.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // No database and no header takes it, and no text has it.
    if bytes.windows(6).any(|window| window == b"\\u0000") {
        return Err(Problem::invalid("the body has a NUL character").at("", "has a NUL character"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer_of(error.path());
        let error = error.into_inner();
        // Without the place in the text, which says less than the pointer.
        let text = error.to_string();
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        if error.is_data() {
            Problem::invalid(format!("{}: {message}", if pointer.is_empty() { "/" } else { &pointer }))
                .at(pointer, message)
        } else {
            Problem::malformed(format!("the body is no JSON: {text}"))
        }
    })?;
    reader.end().map_err(|error| Problem::malformed(format!("the body is no JSON: {error}")))?;
    Ok(value)
}

/// Parameters after the question mark. Those that nobody knows are refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Problem::malformed("a parameter has a NUL character"));
        }
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|query| Query(query.0)).map_err(|rejection| {
            let message = rejection.body_text();
            let message = message.rsplit_once("string: ").map_or(message.as_str(), |(_, message)| message);
            let pointer = message.split_once(": ").map_or(String::new(), |(name, _)| format!("?{name}"));
            Problem::malformed(format!("the parameters cannot be read: {message}")).at(pointer, message)
        })
    }
}

/// Parts of the path. What cannot be read names nothing that exists.
pub struct InPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || Problem::not_found("there is nothing of that name");
        if parts.uri.path().contains("%00") {
            return Err(nothing());
        }
        let path = <Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await;
        path.map(|path| InPath(path.0)).map_err(|_| nothing())
    }
}

/// The etag that a change goes by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IfMatch {
    /// `*`: whatever is there.
    Any,
    Tag(String),
}

impl IfMatch {
    /// The tag, where there is one.
    pub fn tag(&self) -> Option<&str> {
        match self {
            IfMatch::Any => None,
            IfMatch::Tag(tag) => Some(tag),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Err(Problem::precondition_required(
                "read it first, and send the ETag of the answer as If-Match: so nobody's change is lost",
            ));
        };
        let text = value.to_str().unwrap_or_default().trim();
        match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            _ if text == "*" => Ok(IfMatch::Any),
            Some(tag) if !tag.contains('"') => Ok(IfMatch::Tag(tag.to_owned())),
            // A list or a weak tag: none of them is what we gave.
            _ if text.contains('"') => Err(Problem::stale("If-Match is not one strong ETag as it was given")),
            _ => Err(Problem::malformed("If-Match is an ETag in quotes, or *")),
        }
    }
}

/// Where a change goes by an etag only if it is given one.
impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(header::IF_MATCH) {
            return Ok(None);
        }
        <IfMatch as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// The tag that was given, if any was.
pub fn given(if_match: &Option<IfMatch>) -> Option<&str> {
    if_match.as_ref().and_then(IfMatch::tag)
}

/// An ETag of a tag.
pub fn etag(tag: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Outer {
        list: Vec<Inner>,
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        #[serde(rename = "a/b")]
        number: u8,
    }

    #[test]
    fn what_is_wrong_with_a_body_is_told_with_its_place() {
        for (text, status, expected) in [
            ("{", 400, ""),
            ("[] x", 422, ""),
            (r#"{"list":[]} x"#, 400, ""),
            (r#"{"list":[{"a/b":1},{"a/b":"x"}]}"#, 422, "/list/1/a~1b"),
            (r#"{"list":[{"a/b":1,"c":2}]}"#, 422, "/list/0/c"),
            (r#"{"list":[{"a/b":1}],"x\u0000":2}"#, 422, ""),
            (r#"{}"#, 422, ""),
        ] {
            let problem = read_json::<Outer>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.status().as_u16(), status, "{text}");
            let shown = format!("{problem:?}");
            assert!(shown.contains(&format!("pointer: {expected:?}")) || status == 400, "{text}: {shown}");
        }
    }

    #[test]
    fn if_match_is_a_star_or_one_strong_tag() {
        let read = |text: Option<&str>| {
            let mut request = axum::http::Request::builder();
            if let Some(text) = text {
                request = request.header("If-Match", text);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read =
                runtime.block_on(<IfMatch as FromRequestParts<()>>::from_request_parts(&mut parts, &()));
            read.map_err(|problem| problem.status().as_u16())
        };
        for (text, expected) in [
            (None, Err(428)),
            (Some("*"), Ok(IfMatch::Any)),
            (Some("\"7\""), Ok(IfMatch::Tag("7".to_owned()))),
            (Some("W/\"7\""), Err(412)),
            (Some("\"7\", \"8\""), Err(412)),
            (Some("7"), Err(400)),
            (Some(""), Err(400)),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
