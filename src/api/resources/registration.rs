//! Who is registered with this server: telephones of agents, and PBXs.

use super::call::{ask, stopping};
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::page::{Page, bad_cursor, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{InPath, Query};
use crate::api::route::{Route, delete, get};
use crate::call::registering::{Listed, Owner};
use crate::clock::Instant;
use crate::net::signalling::Message;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

pub fn routes() -> Vec<Route> {
    vec![
        get("/registrations", "listRegistrations", "Where agents and PBXs are reached that have registered with this server, by account.")
            .tag("agents")
            .needs(Permission::SetupRead)
            .query::<RegistrationQuery>()
            .gives_page::<RegistrationItem>("A page of registrations.")
            .problems(&[503])
            .to(list),
        delete(
            "/registrations/{account}/{id}",
            "removeRegistration",
            "Ring an account there no more. A telephone that is still set up is back with its next registration.",
        )
        .tag("agents")
        .needs(Permission::AgentsEdit)
        .gives_nothing("It is not rung there any more.")
        .problems(&[503])
        .to(remove),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct RegistrationQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
    /// Only those of that account, such as the id of an agent.
    #[param(max_length = 200)]
    account: Option<String>,
}

/// One place where somebody is reached.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RegistrationItem {
    /// Names it among those of its account, over all refreshes.
    id: String,
    /// The user of the address that was registered.
    account: String,
    /// The agent's id, where it is an agent's.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// The trunk's id, where it is a PBX that registers as a trunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk: Option<String>,
    /// The URI that it wants to be reached at.
    contact: String,
    /// Where its registration came from, and where it is rung: the address behind a NAT is another than in `contact`.
    source: String,
    /// `udp`, `tcp`, `tls`, `ws` or `wss`.
    transport: &'static str,
    /// What it says that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// Seconds until it is forgotten, unless it registers again.
    expires_in_s: u64,
    /// 0 to 1: of several the highest is rung first.
    preference: f32,
    /// The telephone's own id (`+sip.instance`).
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Which of its ways this is (`reg-id`, RFC 5626).
    #[serde(skip_serializing_if = "Option::is_none")]
    reg_id: Option<u32>,
    /// Proxies on the way there (Path, RFC 3327).
    path: Vec<String>,
}

async fn list(
    State(api): State<Api>,
    Query(query): Query<RegistrationQuery>,
) -> Result<Json<Page<RegistrationItem>>, Problem> {
    let limit = limit(query.limit)?;
    let behind = match position(query.cursor.as_deref())? {
        None => (String::new(), 0),
        Some(text) => {
            let (number, account) = text.split_once(' ').ok_or_else(bad_cursor)?;
            (account.to_owned(), number.parse().map_err(|_| bad_cursor())?)
        }
    };
    let (reply, answer) = oneshot::channel();
    let wanted = limit as usize + 1;
    ask(&api, Message::Registrations { behind, account: query.account, limit: wanted, reply }).await?;
    let (found, now) = (answer.await.map_err(|_| stopping())?, api.now().instant);
    let place = |one: &Listed| format!("{} {}", one.binding.number(), one.account);
    Ok(Json(Page::new(found, limit, place, |one| shown(one, now))))
}

async fn remove(
    State(api): State<Api>,
    principal: Principal,
    InPath((account, id)): InPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found("nobody is registered there");
    let binding = u64::from_str_radix(&id, 16).map_err(|_| unknown())?;
    let (reply, answer) = oneshot::channel();
    ask(&api, Message::Unbind { account: account.clone(), binding, reply }).await?;
    match answer.await {
        Ok(true) => {
            tracing::info!(account, by = principal.actor(), "a registration was removed");
            Ok(StatusCode::NO_CONTENT)
        }
        Ok(false) => Err(unknown()),
        Err(_) => Err(stopping()),
    }
}

fn shown(one: Listed, now: Instant) -> RegistrationItem {
    let Listed { account, owner, binding } = one;
    let (agent, trunk) = match owner {
        Owner::Agent(id) => (Some(id), None),
        Owner::Trunk(id) => (None, Some(id)),
    };
    let (instance, reg_id) = binding.flow();
    RegistrationItem {
        id: format!("{:016x}", binding.id()),
        account,
        agent,
        trunk,
        contact: binding.contact.uri.as_str().to_owned(),
        source: binding.peer.address.to_string(),
        transport: binding.peer.transport.name(),
        user_agent: Some(binding.user_agent.to_string()).filter(|agent| !agent.is_empty()),
        expires_in_s: (binding.expires - now).as_secs(),
        preference: f32::from(binding.q) / 1_000.0,
        instance: instance.map(str::to_owned),
        reg_id,
        path: binding.path.iter().map(ToString::to_string).collect(),
    }
}
