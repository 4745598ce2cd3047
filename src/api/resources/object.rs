//! Numbers, agents, trunks, lists of callers, schedules, kept simulations and the account: documents that the store
//! checks, each with its etag.

mod schemas;

use super::store::Pointers;
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::openapi;
use crate::api::page::{Page, SearchQuery, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{Document, IfMatch, InPath, Query, etag, given};
use crate::api::route::{Route, Schema, delete, get, post, put};
use crate::flow::simulate::kept::KeptTest;
use crate::store::database::objects::StoredObject;
use crate::store::objects::{ACCOUNT_ID, Kind};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use schemas::{account, agent, list_of_callers, number, schedule, trunk};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

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
        schema: openapi::schema::<KeptTest>,
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
            .once_applied()
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
            .query::<SearchQuery>()
            .gives_page::<ObjectItem>("A page of objects.")
            .to(move |State(api): State<Api>, query: Query<SearchQuery>| list(api, kind, query)),
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
            .once_applied()
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
            .once_applied()
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
            .once_applied()
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

async fn list(api: Api, kind: Kind, query: Query<SearchQuery>) -> Result<Json<Page<ObjectItem>>, Problem> {
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
    let applied = api.commit(change).await?;
    let location = format!("/api/v1{path}/{}", in_path(&object.id));
    Ok((applied, [(header::LOCATION, location)], shown(StatusCode::CREATED, object)).into_response())
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
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.delete_object(kind, &id, given(&if_match)).await?;
    Ok((api.commit(change).await?, StatusCode::NO_CONTENT).into_response())
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
    Ok((api.commit(change).await?, shown(StatusCode::OK, object)).into_response())
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
    Ok((api.commit(change).await?, shown(StatusCode::OK, object)).into_response())
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
