//! The console: a page and what it loads, built from `web/` and embedded in the binary, so that it works on a network
//! that leads nowhere else.

use super::Api;
use super::http::not_found;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

/// Built by `make console`; without that there is nothing in it, and one page says so.
#[derive(Embed)]
#[folder = "web/dist/app"]
#[allow_missing = true]
struct Files;

const PAGE: &str = "index.html";
/// Stands in the page for the nonce of its styles.
const NONCE: &str = "__CSP_NONCE__";
/// Names of these files hold what is in them: they never change.
const UNCHANGING: &str = "assets/";
/// What is shown where the console was not built.
const UNBUILT: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>cordboard</title></head><body>\
    <h1>cordboard is running</h1><p>This binary was built without its console. With Node 20 or newer, <code>make console</code> \
    builds it, and <code>cargo build --release</code> then puts it into the binary; <code>make run</code> does both.</p>\
    <p>The API is at <code>/api/v1</code>; <code>docs/api.md</code> describes it.</p></body></html>";

/// Answers whatever is neither the API nor a probe: a file of the console, or the page for an address within it.
pub async fn serve(State(api): State<Api>, request: Request) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return not_found().await;
    }
    let path = request.uri().path().trim_start_matches('/');
    if path != PAGE
        && let Some(file) = Files::get(path)
    {
        return asset(path, file, request.headers());
    }
    // A file that is missing is not the page: a browser would take it for a script.
    let is_page = path.is_empty() || path == PAGE || !path.rsplit('/').next().unwrap_or("").contains('.');
    if is_page && !path.starts_with("api/") && takes(request.headers(), header::ACCEPT, "text/html") {
        return page(&api.mint.id(""));
    }
    not_found().await
}

fn page(nonce: &str) -> Response {
    let Some(file) = Files::get(PAGE) else { return Html(UNBUILT).into_response() };
    let html = String::from_utf8_lossy(&file.data).replace(NONCE, nonce);
    // Styles that Mantine makes at run time carry the nonce. Sounds and files that the page itself makes are blobs.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = Html(html).into_response();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // For recording a prompt; nothing else of the device is asked for.
    response.headers_mut().insert(
        header::HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("microphone=(self), camera=(), geolocation=()"),
    );
    response
}

fn asset(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let age = if path.starts_with(UNCHANGING) {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    };
    let zipped =
        takes(headers, header::ACCEPT_ENCODING, "gzip").then(|| Files::get(&format!("{path}.gz"))).flatten();
    let is_zipped = zipped.is_some();
    let body = Body::from(zipped.unwrap_or(file).data.into_owned());
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(age));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_zipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether a header names something, not weighed with nought.
fn takes(headers: &HeaderMap, name: header::HeaderName, what: &str) -> bool {
    let values = headers.get_all(name);
    let mut items = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    items.any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|word| word.eq_ignore_ascii_case(what));
        is_named && !parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

/// The kinds of file that a build of the console has.
fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_weighs_something_with_nought_does_not_take_it() {
        for (value, taken) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br, gzip; q=0.0", false),
            ("x-gzip", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(takes(&headers, header::ACCEPT_ENCODING, "gzip"), taken, "{value}");
        }
    }
}
