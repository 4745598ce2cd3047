//! The life of a flow: its draft, its versions, and who gets which.

use super::flow::{FlowDocument, FlowFinding};
use super::object::in_path;
use super::store::Pointers;
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::page::{Page, PageQuery, SearchQuery, bad_cursor, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{Body, Document, IfMatch, InPath, Query, etag, given};
use crate::api::route::{Route, delete, get, post, put};
use crate::flow::simulate::words::wall;
use crate::flow::{is_document_key, push_segment};
use crate::store::database::change::Change;
use crate::store::database::flows::{FlowHead, PublishedVersion};
use crate::store::database::publish::{Published, Rollout};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    drafts().into_iter().chain(versions()).collect()
}

fn drafts() -> Vec<Route> {
    let (read, edit) = (Permission::SetupRead, Permission::FlowsEdit);
    vec![
        get("/flows", "listFlows", "Flows by id, a page at a time, without their documents.")
            .tag("flows")
            .needs(read)
            .query::<SearchQuery>()
            .gives_page::<FlowItem>("A page of flows.")
            .to(list),
        post("/flows", "createFlow", "Makes a flow with a draft and no version. The document says its id.")
            .tag("flows")
            .needs(edit)
            .idempotent()
            .overwritten()
            .body::<FlowDocument>()
            .gives::<FlowItem>(StatusCode::CREATED, "The flow; its ETag is the draft's.")
            .with_etag()
            .with_headers(&[("Location", "Where it is.")])
            .problems(&[409])
            .to(create),
        get("/flows/{id}", "getFlow", "One flow: its draft, its versions, who gets which.")
            .tag("flows")
            .needs(read)
            .gives::<FlowItem>(StatusCode::OK, "The flow; its ETag is the draft's.")
            .with_etag()
            .to(one),
        delete("/flows/{id}", "deleteFlow", "Deletes a flow with all versions: only one that is paused and that no number and no other flow leads to. (A paused flow goes on routing calls.)")
            .tag("flows")
            .needs(edit)
            .once_applied()
            .may_match()
            .gives_nothing("It is gone.")
            .problems(&[409])
            .to(remove),
        get("/flows/{id}/pointers", "getFlowPointers", "What points to a flow: while anything does, it cannot be deleted.")
            .tag("flows")
            .needs(read)
            .gives::<Pointers>(StatusCode::OK, "What points to it.")
            .to(pointers),
        get("/flows/{id}/draft", "getDraft", "The draft of a flow.")
            .tag("flows")
            .needs(read)
            .gives::<FlowDocument>(StatusCode::OK, "The document.")
            .with_etag()
            .to(draft),
        put("/flows/{id}/draft", "saveDraft", "Saves the draft. It may have errors until it is published.")
            .tag("flows")
            .needs(edit)
            .if_match()
            .body::<FlowDocument>()
            .gives::<FlowItem>(StatusCode::OK, "The flow; its ETag is the draft's.")
            .with_etag()
            .problems(&[409])
            .to(save),
    ]
}

fn versions() -> Vec<Route> {
    let (read, edit) = (Permission::SetupRead, Permission::FlowsEdit);
    vec![
        post("/flows/{id}/publish", "publishFlow", "Publishes the draft as a new version, for all callers or a share of them. Calls in progress keep theirs.")
            .tag("flows")
            .needs(edit)
            .once_applied()
            .if_match()
            .body::<Publication>()
            .gives::<PublishedItem>(StatusCode::OK, "The version, or the live one where nothing has changed.")
            .problems(&[409])
            .to(publish),
        post("/flows/{id}/rollback", "rollbackFlow", "Publishes the content of an older version again, as a new one.")
            .tag("flows")
            .needs(edit)
            .once_applied()
            .may_match()
            .body::<Rollback>()
            .gives::<PublishedItem>(StatusCode::OK, "The version.")
            .problems(&[409])
            .to(rollback),
        put("/flows/{id}/scheduled", "schedulePublication", "Sets a time at which the draft, as it is now, is published for all callers: what is saved after is not part of it (`scheduled.draftChanged`). A trial that runs then is over.")
            .tag("flows")
            .needs(edit)
            .once_applied()
            .if_match()
            .body::<ScheduledPublication>()
            .gives::<FlowItem>(StatusCode::OK, "The flow.")
            .problems(&[409])
            .to(schedule),
        delete("/flows/{id}/scheduled", "cancelPublication", "Takes a publication back whose time has not come.")
            .tag("flows")
            .needs(edit)
            .once_applied()
            .may_match()
            .gives_nothing("It is taken back.")
            .problems(&[409, 422])
            .to(cancel_scheduled),
        put("/flows/{id}/canary", "setCanary", "Tries a published version on a share of the callers, each the same in every call.")
            .tag("flows")
            .needs(edit)
            .once_applied()
            .may_match()
            .body::<CanaryItem>()
            .gives::<FlowItem>(StatusCode::OK, "The flow.")
            .problems(&[409])
            .to(set_canary),
        delete("/flows/{id}/canary", "cancelCanary", "Ends the trial: all callers get the live version.")
            .tag("flows")
            .needs(edit)
            .once_applied()
            .may_match()
            .gives_nothing("The trial is over.")
            .problems(&[409, 422])
            .to(cancel_canary),
        post("/flows/{id}/canary/promote", "promoteCanary", "Makes the version on trial the live one.")
            .tag("flows")
            .needs(edit)
            .once_applied()
            .may_match()
            .gives::<FlowItem>(StatusCode::OK, "The flow.")
            .problems(&[409, 422])
            .to(promote),
        get("/flows/{id}/versions", "listVersions", "Versions of a flow, the latest first.")
            .tag("flows")
            .needs(read)
            .query::<PageQuery>()
            .gives_page::<VersionItem>("A page of versions.")
            .to(list_versions),
        get("/flows/{id}/versions/{n}", "getVersion", "The document of a version.")
            .tag("flows")
            .needs(read)
            .gives::<FlowDocument>(StatusCode::OK, "The document.")
            .to(version),
    ]
}

/// A flow without its documents.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FlowItem {
    id: String,
    /// Of the draft.
    name: String,
    /// By the live version, before there is one by the draft. A paused flow goes on routing calls; it may be deleted.
    paused: bool,
    draft_etag: String,
    draft_author: String,
    #[schema(format = "date-time")]
    draft_saved: String,
    /// What calls get; absent until it is published for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<u32>,
    /// The highest number that was given.
    last_version: u32,
    /// A version that a share of the callers gets instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<CanaryItem>,
    /// A publication to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled: Option<ScheduledItem>,
}

/// A version on trial.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CanaryItem {
    #[schema(minimum = 1)]
    version: u32,
    /// Of a hundred callers so many.
    #[schema(minimum = 1, maximum = 99)]
    share: u8,
}

/// A publication to come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ScheduledItem {
    #[schema(format = "date-time")]
    due: String,
    author: String,
    comment: String,
    /// Of the draft as it was when the time was set: that one is published, whatever is saved after.
    etag: String,
    /// The draft was changed since: what is in it now is not what is published. Set the time again to take it.
    draft_changed: bool,
    /// Why it was not published when its time had come.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Publication {
    /// For whoever reads the list of versions.
    #[schema(min_length = 1, max_length = 1000, pattern = "\\S")]
    comment: String,
    /// Of a hundred callers so many get it; all, where absent.
    #[schema(minimum = 1, maximum = 99)]
    share: Option<u8>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rollback {
    #[schema(minimum = 1)]
    version: u32,
    #[schema(min_length = 1, max_length = 1000, pattern = "\\S")]
    comment: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScheduledPublication {
    /// When, within the coming year. The draft of this moment is kept for it: what is saved after is not published then.
    #[schema(format = "date-time")]
    due: String,
    #[schema(min_length = 1, max_length = 1000, pattern = "\\S")]
    comment: String,
}

/// What came of publishing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublishedItem {
    version: u32,
    /// Nothing has changed since that version: none was made, and the comment stands in the audit log alone.
    unchanged: bool,
    /// The version whose trial on a share of the callers this ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_canary: Option<u32>,
    /// Warnings and notes.
    findings: Vec<FlowFinding>,
}

/// A version without its document.
#[derive(Serialize, ToSchema)]
struct VersionItem {
    version: u32,
    /// SHA-256 of what matters in the document.
    digest: String,
    author: String,
    comment: String,
    #[schema(format = "date-time")]
    published: String,
}

fn item(flow: FlowHead) -> FlowItem {
    let draft_etag = flow.draft_etag;
    FlowItem {
        id: flow.id,
        name: flow.name,
        paused: flow.is_paused,
        draft_etag: draft_etag.clone(),
        draft_author: flow.draft_author,
        draft_saved: flow.draft_saved.to_string(),
        live: flow.live,
        last_version: flow.last_version,
        canary: flow.canary.map(|(version, share)| CanaryItem { version, share }),
        scheduled: flow.scheduled.map(|scheduled| ScheduledItem {
            draft_changed: scheduled.etag != draft_etag,
            etag: scheduled.etag,
            due: scheduled.due.to_string(),
            author: scheduled.author,
            comment: scheduled.comment,
            failure: scheduled.failure,
        }),
    }
}

fn published(result: Published) -> Json<PublishedItem> {
    Json(match result {
        Published::Version { version, findings, ended_canary, digest: _ } => PublishedItem {
            version,
            unchanged: false,
            ended_canary,
            findings: findings.into_iter().map(FlowFinding::from).collect(),
        },
        Published::Unchanged { version, ended_canary } => {
            PublishedItem { version, unchanged: true, ended_canary, findings: Vec::new() }
        }
    })
}

pub async fn flow_head(api: &Api, id: &str) -> Result<FlowHead, Problem> {
    let flow = api.database()?.flow(id).await?;
    flow.ok_or_else(|| Problem::not_found(format!("there is no call flow \"{id}\"")))
}

/// The flow with the draft's etag.
fn shown(status: StatusCode, flow: FlowHead) -> Response {
    (status, [(header::ETAG, etag(&flow.draft_etag))], Json(item(flow))).into_response()
}

/// Makes a change so, and shows the flow as the change left it: what others do before calls follow is theirs, and so is
/// its etag.
async fn committed(api: &Api, mut change: Change, id: &str) -> Result<Response, Problem> {
    let flow = change.existing_flow(id).await?;
    Ok((api.commit(change).await?, shown(StatusCode::OK, flow)).into_response())
}

async fn list(
    State(api): State<Api>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<FlowItem>>, Problem> {
    let (limit, after) = (limit(query.limit)?, position(query.cursor.as_deref())?);
    let flows = api.database()?.flows(query.text.as_deref(), after.as_deref(), limit + 1).await?;
    Ok(Json(Page::new(flows, limit, |flow| flow.id.clone(), item)))
}

async fn create(
    State(api): State<Api>,
    principal: Principal,
    Document(document): Document,
) -> Result<Response, Problem> {
    known_keys(&document)?;
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    let (id, _) = change.create_flow(&document).await?;
    let flow = change.existing_flow(&id).await?;
    change.commit_quietly().await?;
    let location = format!("/api/v1/flows/{}", in_path(&id));
    let shown = shown(StatusCode::CREATED, flow);
    Ok((api.overwritten(), [(header::LOCATION, location)], shown).into_response())
}

/// A draft may have errors, but what it is made of has to be a flow: a key beside those of a document is most likely a
/// document that was wrapped in something.
fn known_keys(document: &Value) -> Result<(), Problem> {
    let mut keys = document.as_object().into_iter().flat_map(|fields| fields.keys());
    match keys.find(|key| !is_document_key(key)) {
        Some(key) => {
            let message = "is no key of a flow document, which is the whole body";
            let mut pointer = String::new();
            push_segment(&mut pointer, key);
            Err(Problem::value(&pointer, message))
        }
        None => Ok(()),
    }
}

async fn one(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Response, Problem> {
    Ok(shown(StatusCode::OK, flow_head(&api, &id).await?))
}

async fn remove(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: Option<IfMatch>,
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.delete_flow(&id, given(&if_match)).await?;
    Ok((api.commit(change).await?, StatusCode::NO_CONTENT).into_response())
}

async fn pointers(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Json<Pointers>, Problem> {
    flow_head(&api, &id).await?;
    Ok(Json(api.database()?.pointers_to("flow", &id).await?.into()))
}

async fn draft(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Response, Problem> {
    let draft = api.database()?.flow_draft(&id).await?;
    let (document, tag) =
        draft.ok_or_else(|| Problem::not_found(format!("there is no call flow \"{id}\"")))?;
    Ok(([(header::ETAG, etag(&tag))], Json(document)).into_response())
}

async fn save(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: IfMatch,
    Document(document): Document,
) -> Result<Response, Problem> {
    known_keys(&document)?;
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.save_draft(&id, if_match.tag(), &document).await?;
    let flow = change.existing_flow(&id).await?;
    change.commit_quietly().await?;
    Ok(shown(StatusCode::OK, flow))
}

/// A comment that says something, and is not cut.
fn comment(text: &str) -> Result<&str, Problem> {
    const CHARS_MAX: usize = 1_000;
    if text.trim().is_empty() {
        return Err(Problem::value("/comment", "says what has changed: it cannot be empty"));
    }
    if text.chars().count() > CHARS_MAX {
        return Err(Problem::value("/comment", format!("has at most {CHARS_MAX} characters")));
    }
    Ok(text)
}

fn share(share: Option<u8>) -> Result<Rollout, Problem> {
    match share {
        None => Ok(Rollout::Live),
        Some(share @ 1..=99) => Ok(Rollout::Canary(share)),
        Some(_) => Err(Problem::value("/share", "is 1 to 99 of a hundred callers")),
    }
}

async fn publish(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: IfMatch,
    Body(publication): Body<Publication>,
) -> Result<Response, Problem> {
    let rollout = share(publication.share)?;
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    let result = change.publish(&id, if_match.tag(), comment(&publication.comment)?, rollout).await?;
    Ok((api.commit(change).await?, published(result)).into_response())
}

async fn rollback(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: Option<IfMatch>,
    Body(to): Body<Rollback>,
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.expect_flow(&id, given(&if_match)).await?;
    let result = change.rollback(&id, to.version, comment(&to.comment)?).await?;
    Ok((api.commit(change).await?, published(result)).into_response())
}

async fn schedule(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: IfMatch,
    Body(publication): Body<ScheduledPublication>,
) -> Result<Response, Problem> {
    let (due, now) = (wall("due", &publication.due)?, api.now().wall);
    if due < now {
        return Err(Problem::value("/due", format!("is in the past: it is {now} now")));
    }
    let mut change = api.database()?.change(principal.actor(), now).await?;
    change.schedule_publish(&id, if_match.tag(), due, comment(&publication.comment)?).await?;
    committed(&api, change, &id).await
}

async fn cancel_scheduled(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: Option<IfMatch>,
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.expect_flow(&id, given(&if_match)).await?;
    change.cancel_scheduled(&id).await?;
    Ok((api.commit(change).await?, StatusCode::NO_CONTENT).into_response())
}

async fn set_canary(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: Option<IfMatch>,
    Body(canary): Body<CanaryItem>,
) -> Result<Response, Problem> {
    share(Some(canary.share))?;
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.expect_flow(&id, given(&if_match)).await?;
    change.set_canary(&id, canary.version, canary.share).await?;
    committed(&api, change, &id).await
}

async fn cancel_canary(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: Option<IfMatch>,
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.expect_flow(&id, given(&if_match)).await?;
    change.cancel_canary(&id).await?;
    Ok((api.commit(change).await?, StatusCode::NO_CONTENT).into_response())
}

async fn promote(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: Option<IfMatch>,
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.expect_flow(&id, given(&if_match)).await?;
    change.promote_canary(&id).await?;
    committed(&api, change, &id).await
}

async fn list_versions(
    State(api): State<Api>,
    InPath(id): InPath<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<VersionItem>>, Problem> {
    let limit = limit(query.limit)?;
    let before = position(query.cursor.as_deref())?;
    let before = before.map(|text| text.parse().map_err(|_| bad_cursor())).transpose()?;
    flow_head(&api, &id).await?;
    let versions = api.database()?.flow_versions(&id, before, limit + 1).await?;
    let shown = |version: PublishedVersion| VersionItem {
        version: version.version,
        digest: version.digest,
        author: version.author,
        comment: version.comment,
        published: version.published.to_string(),
    };
    Ok(Json(Page::new(versions, limit, |version| version.version.to_string(), shown)))
}

async fn document(api: &Api, id: &str, version: u32) -> Result<Value, Problem> {
    let document = api.database()?.flow_version(id, version).await?;
    document.ok_or_else(|| Problem::not_found(format!("the call flow \"{id}\" has no version {version}")))
}

/// The document that a parameter names: a version's number, `live` or `draft`.
pub async fn version_document(
    api: &Api,
    flow: &FlowHead,
    parameter: &str,
    text: &str,
) -> Result<Value, Problem> {
    match text {
        "draft" => {
            let draft = api.database()?.flow_draft(&flow.id).await?;
            draft.map(|(document, _)| document).ok_or_else(|| Problem::not_found("the flow is gone"))
        }
        "live" => match flow.live {
            Some(version) => document(api, &flow.id, version).await,
            None => Err(Problem::not_found("the flow was never published")),
        },
        number => match number.parse() {
            Ok(version) => document(api, &flow.id, version).await,
            Err(_) => {
                let message = "is a version's number, live or draft";
                Err(Problem::malformed(format!("{parameter} {message}")).at(format!("?{parameter}"), message))
            }
        },
    }
}

async fn version(
    State(api): State<Api>,
    InPath((id, version)): InPath<(String, u32)>,
) -> Result<Json<Value>, Problem> {
    document(&api, &id, version).await.map(Json)
}
