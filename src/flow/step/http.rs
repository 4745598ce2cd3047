//! http: asks a web service and keeps what it answers.
//!
//! The host stands in the flow as it is: values of a call go into the path, the query, headers and the body, never
//! into the part that says who is asked. Secrets are named, not written.

use super::lookup::Lookup;
use super::{failure, leave};
use crate::flow::audio::Audio;
use crate::flow::context::{Call, Exit};
use crate::flow::finding::{Code, quoted};
use crate::flow::json::below;
use crate::flow::lookup::{HTTP_BYTES_MAX, HeaderValue, HttpRequest, LookupError, Method, Question, Reply};
use crate::flow::port::Port;
use crate::flow::reading::{
    Field, Fields, Reading, template_schema, template_value, templates_schema, wrong_type,
};
use crate::flow::template::{Escape, Template};
use crate::flow::variables::VariableValue;
use serde_json::{Map, Value, json};
use std::ops::ControlFlow;
use std::time::Duration;

pub const FIELDS: [Field; 12] = [
    ("method", "The method of the request."),
    ("url", "The address that is asked; scheme and host are written out, variables may follow, escaped."),
    ("headers", "Headers of the request: a text, or an object that names a secret of the configuration."),
    (
        "body",
        "What is sent: nothing, the field json or the field form; without it, whichever of the two is there.",
    ),
    ("json", "JSON that is sent; variables in its texts are filled in."),
    ("form", "Names and values that are sent as a form; variables are filled in."),
    ("timeoutSec", "How long the reply is waited for, all tries together, in seconds."),
    ("retries", "Further tries after a failure to connect, and with GET after any failure."),
    ("saveAs", "The name of the variable that keeps status, body and json of the reply."),
    ("maxBytes", "The largest reply that is read, in bytes."),
    ("waitAudio", "What the caller hears where the reply takes longer than a second; silence without it."),
    (
        "signWith",
        "The name of a secret: the body is signed with it (HMAC-SHA256, header X-Cordboard-Signature).",
    ),
];
const SECRET_FIELDS: [Field; 2] = [
    ("secret", "The name of a secret of the configuration."),
    ("prefix", "A text that is put before it, as in \"Bearer \"."),
];
/// Longest URL, in bytes: what common servers take.
const URL_BYTES_MAX: usize = 4_096;
/// Headers, and fields of a form.
const PAIRS_MAX: usize = 20;
/// Longest header value and longest field of a form, in bytes.
const VALUE_BYTES_MAX: usize = 4_096;
/// Largest body, in bytes: far above what a caller's keys and a few look-ups come to.
const BODY_BYTES_MAX: usize = 65_536;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    method: Method,
    url: Template,
    headers: Vec<(String, Header)>,
    body: Body,
    timeout: Duration,
    retries: u32,
    save_as: Option<String>,
    bytes_max: u32,
    wait_audio: Option<Audio>,
    /// The name of a secret.
    sign_with: Option<String>,
}

#[derive(Clone, PartialEq, Debug)]
enum Header {
    Text(Template),
    Secret { prefix: String, name: String },
}

#[derive(Clone, PartialEq, Debug)]
enum Body {
    None,
    Json(Json),
    Form(Vec<(String, Template)>),
}

/// JSON whose texts are templates. One that is nothing but a variable takes over that variable's JSON.
#[derive(Clone, PartialEq, Debug)]
enum Json {
    Fixed(Value),
    Text(Template),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let methods = [
            ("GET", Method::Get),
            ("POST", Method::Post),
            ("PUT", Method::Put),
            ("PATCH", Method::Patch),
            ("DELETE", Method::Delete),
        ];
        let url = fields.required_template("url", URL_BYTES_MAX, reading);
        if !url.is_empty() && !has_fixed_host(&url) {
            reading.error(
                Code::E03,
                &fields.at("url"),
                "The address does not begin with a scheme and a host that are written out.",
                "Write it as in `https://crm.example/customers/{{call.from}}`.",
            );
        } else {
            reading.web_addresses.push((url.beginning().0.to_owned(), fields.at("url")));
        }
        let method = fields.choice("method", &methods, Method::Get, reading);
        let retries = fields.number("retries", 0..=2, 0, reading);
        Config {
            method,
            url,
            headers: read_headers(fields, reading),
            body: read_body(fields, reading),
            timeout: Duration::from_secs(fields.number("timeoutSec", 1..=20, 8, reading).into()),
            retries,
            save_as: fields.variable_name("saveAs", reading),
            bytes_max: fields.number("maxBytes", 1..=HTTP_BYTES_MAX, HTTP_BYTES_MAX, reading),
            wait_audio: Audio::read(fields, "waitAudio", reading),
            sign_with: read_secret("signWith", fields, reading),
        }
    }

    pub fn enter(&self, call: &mut Call) -> ControlFlow<Exit, Lookup> {
        let url = self.url.render(&call.scope(), Escape::Url, URL_BYTES_MAX);
        if url.cut {
            return failure("http_refused", "The address is longer than 4,096 characters.");
        }
        if has_dot_segments(&url.text) {
            return failure("http_refused", "With its values the address leads out of its path.");
        }
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, header) in &self.headers {
            let value = match header {
                Header::Text(template) => {
                    let text = call.scope().render(template, VALUE_BYTES_MAX).text;
                    // A line break would begin another header.
                    HeaderValue::Text(text.chars().filter(|c| !c.is_control()).collect())
                }
                Header::Secret { prefix, name } => {
                    HeaderValue::Secret { prefix: prefix.clone(), name: name.clone() }
                }
            };
            headers.push((name.clone(), value));
        }
        let body = match &self.body {
            Body::None => None,
            Body::Json(json) => Some(("application/json", json.render(call).to_string())),
            Body::Form(pairs) => Some(("application/x-www-form-urlencoded", form(pairs, call))),
        };
        if body.as_ref().is_some_and(|(_, text)| text.len() > BODY_BYTES_MAX) {
            return failure("http_refused", "The body is larger than 64 KB.");
        }
        let request = HttpRequest {
            method: self.method,
            url: url.text,
            headers,
            body,
            timeout: self.timeout,
            retries: self.retries,
            bytes_max: self.bytes_max,
            sign_with: self.sign_with.clone(),
        };
        let audio = self.wait_audio.as_ref();
        ControlFlow::Continue(Lookup::start(Question::Http(request), self.timeout, audio, call))
    }

    pub fn replied(&self, result: Result<Reply, LookupError>, call: &mut Call) -> ControlFlow<Exit> {
        let (status, body, json) = match result {
            Ok(Reply::Http { status, body, json }) => (status, body, json),
            Ok(_) => return failure("http_failed", "The reply is none to an HTTP request."),
            Err(error) => return failure(error.code, error.message),
        };
        if let Some(name) = &self.save_as {
            let mut reply = Map::new();
            reply.insert("status".to_owned(), json!(status));
            reply.insert("body".to_owned(), Value::String(body));
            reply.insert("json".to_owned(), json);
            if let Err(error) = call.state.variables.set_reply(name, VariableValue::Json(reply.into())) {
                return failure("variable_refused", format!("`{name}`: {error}."));
            }
        }
        leave(if (200..300).contains(&status) { Port::Success } else { Port::HttpError })
    }
}

/// `http://` or `https://`, a host, and then a `/` or the end before any variable.
fn has_fixed_host(url: &Template) -> bool {
    let (start, is_all) = url.beginning();
    let rest = start.strip_prefix("https://").or_else(|| start.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let end = rest.find(['/', '?', '#']);
        let host = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        !host.is_empty() && host.chars().all(is_host) && (end.is_some() || is_all)
    })
}

/// `.` and `..` in the path are folded away by whoever reads the address (RFC 3986 section 5.2.4): a caller who is
/// called `..` would ask for something else.
fn has_dot_segments(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.split(['/', '\\']).any(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    })
}

/// The named templates of an object.
fn read_pairs(key: &str, fields: &Fields, reading: &mut Reading) -> Vec<(String, Template)> {
    pairs(key, fields, reading)
        .into_iter()
        .filter_map(|(name, value, at)| {
            Some((name.to_owned(), template_value(value, name, &at, VALUE_BYTES_MAX, reading)?))
        })
        .collect()
}

fn pairs<'a>(key: &str, fields: &Fields<'a>, reading: &mut Reading) -> Vec<(&'a str, &'a Value, String)> {
    let pointer = fields.at(key);
    match fields.get(key) {
        None => Vec::new(),
        Some(Value::Object(map)) => {
            if map.len() > PAIRS_MAX {
                let message = format!("`{key}` has {} entries.", map.len());
                reading.error(Code::E14, &pointer, message, format!("At most {PAIRS_MAX} are allowed."));
            }
            let pairs = map.iter().take(PAIRS_MAX);
            pairs.map(|(name, value)| (name.as_str(), value, below(&pointer, name))).collect()
        }
        Some(other) => {
            wrong_type(reading, &pointer, "an object of names and values", other);
            Vec::new()
        }
    }
}

fn read_headers(fields: &Fields, reading: &mut Reading) -> Vec<(String, Header)> {
    /// Those that belong to the connection or say how long the body is.
    const OURS: [&str; 6] =
        ["host", "content-length", "content-type", "connection", "transfer-encoding", "upgrade"];
    fields.describe("headers", reading, || {
        let secret = json!({"type": "object", "additionalProperties": false, "required": ["secret"],
            "properties": {
                "secret": {"type": "string", "maxLength": 100, "description": SECRET_FIELDS[0].1},
                "prefix": {"type": "string", "maxLength": 100, "description": SECRET_FIELDS[1].1}}});
        json!({"type": "object", "maxProperties": PAIRS_MAX, "additionalProperties": {"anyOf": [template_schema(VALUE_BYTES_MAX), secret]}})
    });
    let mut headers = Vec::new();
    for (name, value, at) in pairs("headers", fields, reading) {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || name.len() > 100 || !name.chars().all(is_token) {
            reading.error(
                Code::E03,
                &at,
                format!("{} is no name of a header.", quoted(name)),
                "As in `X-Api-Key`.",
            );
            continue;
        }
        if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            let message = format!("The header {} is set by the server.", quoted(name));
            reading.error(Code::E03, &at, message, "Take it out.");
            continue;
        }
        let header = match value {
            Value::Object(_) => {
                let fields = Fields::new(Some(value), at, &SECRET_FIELDS, reading);
                if fields.get("secret").is_none() {
                    fields.missing("secret", reading);
                }
                let secret = read_secret("secret", &fields, reading).unwrap_or_default();
                let prefix = fields.text("prefix", 100, reading).unwrap_or_default().to_owned();
                Some(Header::Secret { prefix, name: secret })
            }
            value => template_value(value, name, &at, VALUE_BYTES_MAX, reading).map(Header::Text),
        };
        headers.extend(header.map(|header| (name.to_owned(), header)));
    }
    headers
}

/// The name of a secret, which the server's configuration holds.
fn read_secret(key: &str, fields: &Fields, reading: &mut Reading) -> Option<String> {
    let name = fields.text(key, 100, reading)?;
    reading.secrets.push((name.to_owned(), fields.at(key)));
    Some(name.to_owned())
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    None,
    Json,
    Form,
}

/// `body` says which of `json` and `form` is sent; without it, whichever is there.
fn read_body(fields: &Fields, reading: &mut Reading) -> Body {
    let default = match (fields.get("json"), fields.get("form")) {
        (Some(_), _) => Kind::Json,
        (None, Some(_)) => Kind::Form,
        (None, None) => Kind::None,
    };
    fields.describe("json", reading, || json!({"type": ["object", "array", "string", "number", "boolean"]}));
    fields.describe("form", reading, || templates_schema(PAIRS_MAX, VALUE_BYTES_MAX));
    fields.describe("body", reading, || json!({"enum": ["none", "json", "form"]}));
    let words = [("none", Kind::None), ("json", Kind::Json), ("form", Kind::Form)];
    let kind = fields.choice("body", &words, default, reading);
    for (key, of) in [("json", Kind::Json), ("form", Kind::Form)] {
        if fields.get(key).is_some() && kind != of {
            reading.unused(fields.at(key), format_args!("`{key}` beside another body"));
        } else if fields.get(key).is_none() && kind == of {
            fields.missing(key, reading);
        }
    }
    match kind {
        Kind::None => Body::None,
        Kind::Form => Body::Form(read_pairs("form", fields, reading)),
        Kind::Json => Body::Json(
            fields
                .get("json")
                .map_or(Json::Fixed(Value::Null), |v| Json::read(v, &fields.at("json"), reading)),
        ),
    }
}

impl Json {
    fn read(value: &Value, pointer: &str, reading: &mut Reading) -> Json {
        match value {
            Value::String(text) => {
                let template = reading.parse_template(text, pointer);
                match template.as_constant() {
                    Some(text) => Json::Fixed(text.into()),
                    None => Json::Text(template),
                }
            }
            Value::Array(items) => Json::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, v)| Json::read(v, &format!("{pointer}/{i}"), reading))
                    .collect(),
            ),
            Value::Object(map) => Json::Object(
                map.iter().map(|(k, v)| (k.clone(), Json::read(v, &below(pointer, k), reading))).collect(),
            ),
            fixed => Json::Fixed(fixed.clone()),
        }
    }

    fn render(&self, call: &Call) -> Value {
        match self {
            Json::Fixed(value) => value.clone(),
            Json::Text(template) => match template.as_variable().and_then(|path| call.scope().json(path)) {
                Some(value) => value.clone(),
                None => Value::String(call.scope().render(template, BODY_BYTES_MAX).text),
            },
            Json::List(items) => items.iter().map(|item| item.render(call)).collect(),
            Json::Object(pairs) => {
                Value::Object(pairs.iter().map(|(key, value)| (key.clone(), value.render(call))).collect())
            }
        }
    }
}

fn form(pairs: &[(String, Template)], call: &Call) -> String {
    let pair = |(name, value): &(String, Template)| {
        let value = value.render(&call.scope(), Escape::Plain, VALUE_BYTES_MAX).text;
        format!("{}={}", crate::flow::template::url_escaped(name), crate::flow::template::url_escaped(&value))
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}
