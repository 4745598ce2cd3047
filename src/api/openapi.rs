//! The OpenAPI 3.1 document, made from the table of routes.

use super::access::{Access, CSRF_HEADER};
use super::applied;
use super::idempotency::{KEY_CHARS_MAX, KEY_HEADER, REPLAYED_HEADER};
use super::problem::{PROBLEM_JSON, ProblemDetails};
use super::route::{Answer, AnswerBody, Operation, RequestBody};
use axum::http::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Schemas that others refer to, by name.
#[derive(Default)]
pub struct Schemas(BTreeMap<String, Value>);

/// A reference to the schema of a type, which is put among the schemas with all that it refers to.
pub fn schema<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let mut all = Vec::new();
    T::schemas(&mut all);
    all.push((T::name().into_owned(), T::schema()));
    for (name, schema) in all {
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        with_bounds(&mut schema);
        schemas.0.entry(name).or_insert(schema);
    }
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

/// The same for a page of items.
pub fn page<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let items = schema::<T>(schemas);
    let page = json!({
        "type": "object",
        "description": "A page of a list.",
        "required": ["items"],
        "properties": {
            "items": { "type": "array", "items": items },
            "next": { "type": "string", "description": "The cursor of the next page; absent on the last." },
        },
    });
    schemas.put(&format!("PageOf{}", T::name()), page)
}

impl Schemas {
    /// Puts a schema among the others, and gives the reference to it.
    pub fn put(&mut self, name: &str, schema: Value) -> Value {
        self.0.entry(name.to_owned()).or_insert(schema);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }
}

/// Whole numbers without a sign are up to 2^32 - 1 where they have 32 bits; there is no format of that name.
fn with_bounds(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(with_bounds),
        Value::Object(fields) => {
            if fields.get("format").is_some_and(|format| format == "int32" || format == "int64") {
                let is_short = fields.shift_remove("format").is_some_and(|format| format == "int32");
                if is_short && fields.contains_key("minimum") {
                    fields.entry("maximum").or_insert(u32::MAX.into());
                }
            }
            fields.values_mut().for_each(with_bounds);
        }
        _ => {}
    }
}

/// The whole document.
pub fn document<'a>(operations: impl Iterator<Item = &'a Operation>, cookie: &str) -> Value {
    let mut schemas = Schemas::default();
    schema::<ProblemDetails>(&mut schemas);
    let mut paths: Map<String, Value> = Map::new();
    let mut tags = BTreeSet::new();
    for operation in operations {
        tags.insert(operation.tag);
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        item[operation.method.as_str().to_ascii_lowercase()] = one(operation, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "cordboard",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Numbers, call flows, calls and users of a cordboard server. Errors are problem details (RFC 9457).",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/api/v1" }],
        "tags": tags.into_iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "responses": { "Problem": {
                "description": "Why the request was not carried out.",
                "content": { PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/ProblemDetails" } } },
            } },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "An API token, or the admin_token of cordboard.toml." },
                "browser": {
                    "type": "apiKey", "in": "cookie", "name": cookie,
                    "description": "Given by POST /session. Changes carry its csrfToken as X-CSRF-Token.",
                },
            },
        },
    })
}

fn one(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for answer in &operation.answers {
        responses.insert(answer.status.as_u16().to_string(), good(answer, operation, schemas));
    }
    for status in problems(operation) {
        responses
            .entry(status.to_string())
            .or_insert_with(|| json!({ "$ref": "#/components/responses/Problem" }));
    }
    let mut value = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.about,
        "security": if operation.access == Access::Open { json!([]) } else { json!([{ "token": [] }, { "browser": [] }]) },
        "parameters": parameters(operation),
        "responses": responses,
    });
    if let Access::Needs(permission) = operation.access {
        value["description"] = json!(format!("Needs the permission `{permission}`."));
    }
    match &operation.body {
        RequestBody::None => {}
        RequestBody::Json(schema) => {
            value["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema(schemas) } } });
        }
        RequestBody::Raw { kinds, about } => {
            let content = kinds.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect::<Map<_, _>>();
            value["requestBody"] = json!({ "required": true, "description": about, "content": content });
        }
    }
    value
}

fn good(answer: &Answer, operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut value = json!({ "description": answer.about });
    match &answer.body {
        AnswerBody::None => {}
        AnswerBody::Json(schema) => {
            value["content"] = json!({ "application/json": { "schema": schema(schemas) } })
        }
        AnswerBody::Raw(kind) => value["content"] = json!({ *kind: {} }),
    }
    let mut headers = Map::new();
    let text = |about: &str, required: bool| json!({ "description": about, "required": required, "schema": { "type": "string" } });
    if answer.etag {
        headers.insert("ETag".to_owned(), text("Names this state, for If-Match.", true));
    }
    if operation.idempotent {
        headers.insert(REPLAYED_HEADER.to_owned(), text("`true` where the answer was given before.", false));
    }
    if operation.is_applied {
        // An answer that is given again says nothing of this moment.
        headers.extend(
            applied::HEADERS.map(|(name, about)| (name.to_owned(), text(about, !operation.idempotent))),
        );
    }
    if operation.is_overwritten {
        let (name, about) = applied::OVERWRITTEN;
        headers.insert(name.to_owned(), text(about, false));
    }
    for (name, about) in answer.headers {
        headers.insert((*name).to_owned(), text(about, true));
    }
    if !headers.is_empty() {
        value["headers"] = Value::Object(headers);
    }
    value
}

/// Statuses of problems: those that follow from what the route is, and its own.
fn problems(operation: &Operation) -> BTreeSet<u16> {
    let mut statuses: BTreeSet<u16> = [400, 406, 503, 504].into();
    statuses.extend(&operation.problems);
    if operation.access != Access::Open {
        statuses.extend([401, 403]);
    }
    if operation.path.contains('{') {
        statuses.insert(404);
    }
    match operation.body {
        RequestBody::None => {}
        RequestBody::Json(_) | RequestBody::Raw { .. } => statuses.extend([413, 415, 422]),
    }
    if operation.if_match {
        statuses.extend([412, 428]);
    }
    if operation.may_match {
        statuses.insert(412);
    }
    if operation.idempotent {
        statuses.extend([409, 422, 429]);
    }
    statuses
}

/// The schema of what is there.
fn without_null(schema: &mut Value) {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [only] = &kinds[..] {
            schema["type"] = only.clone();
        }
    }
    if let Some(kinds) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind["type"] != "null");
        if let [only] = &kinds[..] {
            *schema = only.clone();
        }
    }
}

/// The parameters of a route as the document has them.
pub fn parameters(operation: &Operation) -> Vec<Value> {
    let mut parameters: Vec<Value> = Vec::new();
    for name in operation.path.split('{').skip(1).filter_map(|part| part.split('}').next()) {
        let schema = if name == "n" {
            json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })
        } else {
            json!({ "type": "string", "minLength": 1, "maxLength": 120 })
        };
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    parameters.extend(operation.query.iter().map(|parameter| {
        let mut value = serde_json::to_value(parameter).unwrap_or_default();
        // A parameter is there or not: there is no text for null.
        if let Some(schema) = value.get_mut("schema") {
            with_bounds(schema);
            without_null(schema);
        }
        value
    }));
    let header = |name: &str, required: bool, about: &str, schema: Value| json!({ "name": name, "in": "header", "required": required, "description": about, "schema": schema });
    if operation.if_match || operation.may_match {
        let about = "The ETag of what is to be changed, or `*` for whatever is there.";
        parameters.push(header("If-Match", operation.if_match, about, json!({ "type": "string" })));
    }
    if operation.idempotent {
        let about = "The same key with the same request gives the same answer for 24 hours.";
        let schema =
            json!({ "type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX, "pattern": "^[!-~]+$" });
        parameters.push(header(KEY_HEADER, false, about, schema));
    }
    let is_change = ![Method::GET, Method::HEAD].contains(&operation.method);
    if is_change && operation.access != Access::Open {
        let about = "The csrfToken of the session; needed where a cookie signs in, not with a token.";
        parameters.push(header(CSRF_HEADER, false, about, json!({ "type": "string" })));
    }
    parameters
}
