//! Numbers, agents, trunks, lists of callers, schedules, kept simulations and the account: documents that the store
//! checks, each with its etag.

use super::store::Pointers;
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::openapi::Schemas;
use crate::api::page::{Page, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{Document, IfMatch, InPath, Query, etag, given};
use crate::api::route::{Route, Schema, delete, get, post, put};
use crate::store::database::objects::StoredObject;
use crate::store::objects::{ACCOUNT_ID, Kind};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// A kind of object as the API has it.
struct Resource {
    kind: Kind,
    /// Paths and ids of the operations: list, create, read, replace, delete, pointers.
    all: &'static str,
    one: &'static str,
    pointers: &'static str,
    ids: [&'static str; 6],
    edit: Permission,
    schema: Schema,
}

const RESOURCES: [Resource; 6] = [
    Resource {
        kind: Kind::Number,
        all: "/numbers",
        one: "/numbers/{id}",
        pointers: "/numbers/{id}/pointers",
        ids: [
            "listNumbers",
            "createNumber",
            "getNumber",
            "replaceNumber",
            "deleteNumber",
            "getNumberPointers",
        ],
        edit: Permission::NumbersEdit,
        schema: number,
    },
    Resource {
        kind: Kind::Agent,
        all: "/agents",
        one: "/agents/{id}",
        pointers: "/agents/{id}/pointers",
        ids: ["listAgents", "createAgent", "getAgent", "replaceAgent", "deleteAgent", "getAgentPointers"],
        edit: Permission::AgentsEdit,
        schema: agent,
    },
    Resource {
        kind: Kind::Trunk,
        all: "/trunks",
        one: "/trunks/{id}",
        pointers: "/trunks/{id}/pointers",
        ids: ["listTrunks", "createTrunk", "getTrunk", "replaceTrunk", "deleteTrunk", "getTrunkPointers"],
        edit: Permission::SystemEdit,
        schema: trunk,
    },
    Resource {
        kind: Kind::List,
        all: "/lists",
        one: "/lists/{id}",
        pointers: "/lists/{id}/pointers",
        ids: ["listLists", "createList", "getList", "replaceList", "deleteList", "getListPointers"],
        edit: Permission::FlowsEdit,
        schema: list_of_callers,
    },
    Resource {
        kind: Kind::Schedule,
        all: "/schedules",
        one: "/schedules/{id}",
        pointers: "/schedules/{id}/pointers",
        ids: [
            "listSchedules",
            "createSchedule",
            "getSchedule",
            "replaceSchedule",
            "deleteSchedule",
            "getSchedulePointers",
        ],
        edit: Permission::SchedulesEdit,
        schema: schedule,
    },
    Resource {
        kind: Kind::Simulation,
        all: "/flow-tests",
        one: "/flow-tests/{id}",
        pointers: "/flow-tests/{id}/pointers",
        ids: [
            "listFlowTests",
            "createFlowTest",
            "getFlowTest",
            "replaceFlowTest",
            "deleteFlowTest",
            "getFlowTestPointers",
        ],
        edit: Permission::FlowsEdit,
        schema: flow_test,
    },
];

pub fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = RESOURCES.iter().flat_map(of_kind).collect();
    routes.push(
        get("/account", "getAccount", "Defaults of all flows, and the holiday calendar.")
            .tag("account")
            .needs(Permission::SetupRead)
            .gives_schema(StatusCode::OK, "The account.", account)
            .with_etag()
            .to(read_account),
    );
    routes.push(
        put("/account", "replaceAccount", "Changes the defaults of all flows, and the holiday calendar.")
            .tag("account")
            .needs(Permission::SystemEdit)
            .if_match()
            .body_schema(account)
            .gives_schema(StatusCode::OK, "The account as changed.", account)
            .with_etag()
            .to(replace_account),
    );
    routes
}

fn of_kind(resource: &'static Resource) -> Vec<Route> {
    reading(resource).into_iter().chain(changing(resource)).collect()
}

fn reading(resource: &'static Resource) -> Vec<Route> {
    let Resource { kind, all, one, pointers, ids, schema, .. } = resource;
    let (kind, schema, tag) = (*kind, *schema, all.trim_start_matches('/'));
    vec![
        get(all, ids[0], "These objects by id, a page at a time.")
            .tag(tag)
            .needs(Permission::SetupRead)
            .query::<ObjectQuery>()
            .gives_page::<ObjectItem>("A page of objects.")
            .to(move |State(api): State<Api>, query: Query<ObjectQuery>| list(api, kind, query)),
        get(one, ids[2], "One object.")
            .tag(tag)
            .needs(Permission::SetupRead)
            .gives_schema(StatusCode::OK, "The object.", schema)
            .with_etag()
            .to(move |State(api): State<Api>, id: InPath<String>| read(api, kind, id.0)),
        get(pointers, ids[5], "What points to an object: while anything does, it cannot be deleted.")
            .tag(tag)
            .needs(Permission::SetupRead)
            .gives::<Pointers>(StatusCode::OK, "What points to it.")
            .to(move |State(api): State<Api>, id: InPath<String>| pointers_to(api, kind, id.0)),
    ]
}

fn changing(resource: &'static Resource) -> Vec<Route> {
    let Resource { kind, all, one, ids, edit, schema, .. } = resource;
    let (kind, edit, schema, tag) = (*kind, *edit, *schema, all.trim_start_matches('/'));
    vec![
        post(all, ids[1], "Makes an object.")
            .tag(tag)
            .needs(edit)
            .idempotent()
            .body_schema(schema)
            .gives_schema(StatusCode::CREATED, "The object as it is kept.", schema)
            .with_etag()
            .with_headers(&[("Location", "Where it is.")])
            .problems(&[409])
            .to(move |State(api): State<Api>, principal: Principal, document: Document| {
                create(api, kind, all, principal, document)
            }),
        put(one, ids[3], "Replaces an object.")
            .tag(tag)
            .needs(edit)
            .if_match()
            .body_schema(schema)
            .gives_schema(StatusCode::OK, "The object as it is kept.", schema)
            .with_etag()
            .to(
                move |State(api): State<Api>,
                      principal: Principal,
                      id: InPath<String>,
                      if_match: IfMatch,
                      document: Document| {
                    replace(api, kind, principal, id.0, if_match, document)
                },
            ),
        delete(one, ids[4], "Deletes an object that nothing points to.")
            .tag(tag)
            .needs(edit)
            .may_match()
            .gives_nothing("It is gone.")
            .problems(&[409])
            .to(
                move |State(api): State<Api>,
                      principal: Principal,
                      id: InPath<String>,
                      if_match: Option<IfMatch>| {
                    remove(api, kind, principal, id.0, if_match)
                },
            ),
    ]
}

/// The etag of an account that was never saved.
const NO_ACCOUNT: &str = "none";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ObjectQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
    /// Only those whose id or name has this text.
    #[param(max_length = 200)]
    text: Option<String>,
}

/// An object of a list.
#[derive(Serialize, ToSchema)]
struct ObjectItem {
    id: String,
    name: String,
    etag: String,
    #[schema(format = "date-time")]
    updated: String,
    /// Absent for lists of callers, which may be large.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    document: Option<Value>,
}

fn shown(status: StatusCode, object: StoredObject) -> Response {
    (status, [(header::ETAG, etag(&object.etag))], Json(object.document)).into_response()
}

async fn list(api: Api, kind: Kind, query: Query<ObjectQuery>) -> Result<Json<Page<ObjectItem>>, Problem> {
    let Query(query) = query;
    let (limit, after) = (limit(query.limit)?, position(query.cursor.as_deref())?);
    let objects = api.database()?.objects(kind, query.text.as_deref(), after.as_deref(), limit + 1).await?;
    let item = |object: StoredObject| ObjectItem {
        id: object.id,
        name: object.name,
        etag: object.etag,
        updated: object.updated.to_string(),
        document: Some(object.document).filter(|_| kind != Kind::List),
    };
    Ok(Json(Page::new(objects, limit, |object| object.id.clone(), item)))
}

async fn create(
    api: Api,
    kind: Kind,
    path: &str,
    principal: Principal,
    Document(document): Document,
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    let object = change.create_object(kind, &document).await?;
    change.commit().await?;
    let location = format!("/api/v1{path}/{}", in_path(&object.id));
    Ok(([(header::LOCATION, location)], shown(StatusCode::CREATED, object)).into_response())
}

async fn read(api: Api, kind: Kind, id: String) -> Result<Response, Problem> {
    let object = api.database()?.object(kind, &id).await?;
    let missing = || Problem::not_found(format!("there is no {} \"{id}\"", kind.word()));
    Ok(shown(StatusCode::OK, object.ok_or_else(missing)?))
}

async fn remove(
    api: Api,
    kind: Kind,
    principal: Principal,
    id: String,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.delete_object(kind, &id, given(&if_match)).await?;
    change.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn pointers_to(api: Api, kind: Kind, id: String) -> Result<Json<Pointers>, Problem> {
    Ok(Json(api.database()?.pointers_to(kind.word(), &id).await?.into()))
}

async fn replace(
    api: Api,
    kind: Kind,
    principal: Principal,
    id: String,
    if_match: IfMatch,
    Document(document): Document,
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    let object = change.replace_object(kind, &id, if_match.tag(), &document).await?;
    change.commit().await?;
    Ok(shown(StatusCode::OK, object))
}

async fn read_account(State(api): State<Api>) -> Result<Response, Problem> {
    Ok(match api.database()?.object(Kind::Account, ACCOUNT_ID).await? {
        Some(object) => shown(StatusCode::OK, object),
        None => ([(header::ETAG, etag(NO_ACCOUNT))], Json(json!({}))).into_response(),
    })
}

async fn replace_account(
    State(api): State<Api>,
    principal: Principal,
    if_match: IfMatch,
    Document(document): Document,
) -> Result<Response, Problem> {
    let is_new = api.database()?.object(Kind::Account, ACCOUNT_ID).await?.is_none();
    if !is_new {
        return replace(api, Kind::Account, principal, ACCOUNT_ID.to_owned(), if_match, Document(document))
            .await;
    }
    if if_match.tag().is_some_and(|tag| tag != NO_ACCOUNT) {
        return Err(Problem::stale("there is no account yet: read it first"));
    }
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    let object = change.create_object(Kind::Account, &document).await?;
    change.commit().await?;
    Ok(shown(StatusCode::OK, object))
}

/// An id as a part of a path, RFC 3986 section 3.3.
pub fn in_path(id: &str) -> String {
    id.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

// Schemas of the documents; the readers of `store::objects` are what checks them.

fn id() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]+$" })
}

fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

fn text(max: u32) -> Value {
    json!({ "type": "string", "maxLength": max })
}

/// Puts a schema among the others. `others`: whether there are fields that it does not name.
fn put_schema(
    schemas: &mut Schemas,
    (name, about): (&str, &str),
    required: &[&str],
    others: bool,
    mut properties: Value,
) -> Value {
    // What may be left out may be null as well.
    for (key, schema) in properties.as_object_mut().into_iter().flatten() {
        if required.contains(&key.as_str()) {
            continue;
        }
        schema["type"] = json!([schema["type"], "null"]);
        if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            words.push(Value::Null);
        }
    }
    schemas.put(
        name,
        json!({
            "type": "object", "description": about, "required": required, "properties": properties,
            "additionalProperties": others,
        }),
    )
}

fn number(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "e164": { "type": "string", "description": "The number; or give prefix or pattern." },
        "prefix": { "type": "string", "description": "All numbers that begin so." },
        "pattern": { "type": "string", "description": "Digits, X for any digit, ranges in brackets: +1555010[0-4]X." },
        "label": text(80),
        "description": text(2_000),
        "kind": words(&["local", "toll_free", "mobile", "national", "sip"]),
        "assignment": words(&["flow", "user", "none", "queue", "voicemail"]),
        "flow": { "type": "string", "description": "The id of the flow that answers; or give user or service." },
        "user": { "type": "string", "description": "The id of the agent who is rung." },
        "service": words(&["echo"]),
        "status": words(&["active", "inactive"]),
        "unassignedBehaviour": words(&["not_in_service", "reject"]),
        "blockedCallers": { "type": "string", "description": "The id of a list of callers who are refused." },
        "maxConcurrentCalls": { "type": "integer", "minimum": 1, "maximum": 1_000_000 },
        "language": { "type": "string", "description": "BCP 47, for flows that name none." },
        "callerName": text(15),
        "recordingPolicy": words(&["inherit", "always", "never"]),
        "smsEnabled": { "type": "boolean" },
        "accountId": text(80),
        "campaign": text(80),
        "tags": { "type": "array", "maxItems": 50, "items": { "type": "string", "minLength": 1, "maxLength": 40 } },
    });
    put_schema(
        schemas,
        ("Number", "A Smart Number, or several by a prefix or a pattern."),
        &[],
        false,
        properties,
    )
}

fn agent(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "id": id(),
        "name": { "type": "string" },
        "skills": { "type": "array", "items": { "type": "string" } },
        "uri": { "type": "string", "description": "A fixed endpoint, such as sip:alice@192.0.2.5:5071." },
        "password": { "type": "string", "pattern": "^\\$\\{file:", "description": "A reference to a file on the server." },
    });
    put_schema(schemas, ("Agent", "A person who answers calls."), &["id"], false, properties)
}

fn trunk(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "id": id(),
        "match": { "type": "array", "items": { "type": "string" }, "description": "Address ranges that calls come from." },
        "host": { "type": "string", "description": "Where calls go out." },
        "defaultCountry": { "type": "string", "minLength": 2, "maxLength": 2, "description": "How numbers without a plus are read." },
    });
    put_schema(schemas, ("Trunk", "A carrier or PBX."), &["id"], false, properties)
}

fn list_of_callers(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "id": id(),
        "name": { "type": "string" },
        "numbers": { "type": "array", "items": { "type": "string" } },
    });
    put_schema(schemas, ("CallerList", "Callers who are treated alike."), &["id"], false, properties)
}

fn schedule(schemas: &mut Schemas) -> Value {
    let properties = json!({ "id": id(), "name": { "type": "string" }, "timeZone": { "type": "string" } });
    let about = "Opening times: a week, exceptions by date, and an override by hand.";
    put_schema(schemas, ("Schedule", about), &["id"], true, properties)
}

fn flow_test(schemas: &mut Schemas) -> Value {
    let properties = json!({ "id": id(), "name": { "type": "string" }, "flow": { "type": "string" } });
    let about = "A simulation that is kept as a test of a flow.";
    put_schema(schemas, ("FlowTest", about), &["id", "flow"], true, properties)
}

fn account(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "name": { "type": "string" },
        "timeZone": { "type": "string" },
        "language": { "type": "string" },
        "voice": text(100),
        "recording": words(&["inherit", "always", "never"]),
        "assignAbandonedTo": text(100),
        "appendFinalStep": { "type": "boolean" },
        "abandonedSubject": text(255),
        "abandonedComments": text(32_000),
        "shortAbandonSec": { "type": "integer", "minimum": 0, "maximum": 60 },
    });
    let about = "Defaults of all flows, and the holiday calendar.";
    put_schema(schemas, ("Account", about), &[], true, properties)
}
