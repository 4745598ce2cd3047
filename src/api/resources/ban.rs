//! Who is not answered for a while, and an end to that.

use super::call::{ask, stopping};
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::page::{Page, PageQuery, bad_cursor, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{InPath, Query};
use crate::api::route::{Route, delete, get};
use crate::clock::{Instant, Now};
use crate::net::signalling::Message;
use crate::sip::bans::{Ban, Network, Offence};
use crate::store::database::DatabaseError;
use crate::store::database::change::Audited;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use std::cmp::Reverse;
use std::net::IpAddr;
use tokio::sync::oneshot;
use utoipa::ToSchema;

pub fn routes() -> Vec<Route> {
    vec![
        get("/bans", "listBans", "Hosts that this server does not answer for a while, the latest first.")
            .tag("trunks")
            .needs(Permission::SetupRead)
            .query::<PageQuery>()
            .gives_page::<BanItem>("A page of bans.")
            .problems(&[503])
            .to(list),
        delete("/bans/{address}", "liftBan", "End a ban: of the host or network that an address is in.")
            .tag("trunks")
            .needs(Permission::SystemEdit)
            .gives_nothing("It is answered again.")
            .problems(&[404, 503])
            .to(lift),
    ]
}

/// A host that is not answered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BanItem {
    /// An address of IPv4, or the first of a network of IPv6: names the ban in `DELETE /bans/{address}`.
    address: String,
    /// All that is banned: the address, or of IPv6 the network of 64 bits, such as `2001:db8:1:2::/64`.
    network: String,
    #[schema(inline)]
    offence: OffenceName,
    /// Why, in a sentence.
    reason: String,
    #[schema(format = "date-time")]
    since: String,
    /// When it ends by itself.
    #[schema(format = "date-time")]
    until: String,
    /// What it is banned for came from its address for certain. Where not, somebody may have forged it: telephones there
    /// may still register, and streams are taken.
    is_proven: bool,
    /// Messages and streams that were turned away since.
    turned_away: u64,
}

/// What a host is banned for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OffenceName {
    Scanner,
    WrongPasswords,
    Flood,
}

impl From<Offence> for OffenceName {
    fn from(offence: Offence) -> Self {
        match offence {
            Offence::Scanner => OffenceName::Scanner,
            Offence::WrongPasswords => OffenceName::WrongPasswords,
            Offence::Flood => OffenceName::Flood,
        }
    }
}

fn shown(ban: Ban, now: Now) -> BanItem {
    BanItem {
        address: ban.network.first().to_string(),
        network: ban.network.to_string(),
        offence: ban.offence.into(),
        reason: ban.reason,
        since: (now.wall - (now.instant - ban.since)).to_string(),
        until: (now.wall + (ban.until - now.instant)).to_string(),
        is_proven: ban.is_proven,
        turned_away: ban.turned_away,
    }
}

/// The latest first; of two at once by their networks.
type Position = (Reverse<Instant>, Network);

fn position_of(ban: &Ban) -> Position {
    (Reverse(ban.since), ban.network)
}

fn written((Reverse(since), network): Position) -> String {
    format!("{} {}", since.as_micros(), network.first())
}

fn read(text: &str) -> Option<Position> {
    let (since, address) = text.split_once(' ')?;
    let since = Instant::from_micros(since.parse().ok()?);
    Some((Reverse(since), Network::of(address.parse().ok()?)))
}

async fn list(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<BanItem>>, Problem> {
    let limit = limit(query.limit)?;
    let after = position(query.cursor.as_deref())?;
    let after = after.map(|text| read(&text).ok_or_else(bad_cursor)).transpose()?;
    let (reply, answer) = oneshot::channel();
    ask(&api, Message::Bans(reply)).await?;
    let mut bans = answer.await.map_err(|_| stopping())?;
    bans.sort_by_key(position_of);
    bans.retain(|ban| after.is_none_or(|after| position_of(ban) > after));
    bans.truncate(limit as usize + 1);
    let now = api.now();
    Ok(Json(Page::new(bans, limit, |ban| written(position_of(ban)), |ban| shown(ban, now))))
}

async fn lift(
    State(api): State<Api>,
    InPath(address): InPath<String>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    let nobody = || Problem::not_found("nobody of that address is banned");
    let ip = address.parse::<IpAddr>().map_err(|_| nobody())?;
    let (reply, answer) = oneshot::channel();
    ask(&api, Message::LiftBan { ip, reply }).await?;
    let Some(ban) = answer.await.map_err(|_| stopping())? else { return Err(nobody()) };
    tracing::info!(actor = principal.actor(), source = %ban.network, "a ban was lifted");
    // A database that is away keeps nobody out.
    if let Err(error) = note(&api, principal.actor(), &ban).await {
        tracing::warn!(%error, source = %ban.network, "the audit log does not say who has lifted a ban");
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn note(api: &Api, actor: &str, ban: &Ban) -> Result<(), DatabaseError> {
    let Some(database) = &api.database else { return Ok(()) };
    let mut change = database.change(actor, api.now().wall).await?;
    let (object, detail) = (ban.network.to_string(), format!("it was banned: {}", ban.reason));
    let entry =
        Audited { action: "lift", kind: "ban", object: &object, detail: &detail, ..Audited::default() };
    change.audit(entry).await?;
    change.commit_quietly().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_were_written_and_others_are_none() {
        let network = Network::of("2001:db8::7".parse().unwrap());
        let position = (Reverse(Instant::from_millis(1_500)), network);
        assert_eq!(written(position), "1500000 2001:db8::");
        assert_eq!(read(&written(position)), Some(position));
        for wrong in ["", "1", "x 192.0.2.1", "1 x", "-1 192.0.2.1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
