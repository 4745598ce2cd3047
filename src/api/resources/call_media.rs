//! How the audio of a call in progress is, leg by leg, and what is wrong with it in words.

use crate::api::Api;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::InPath;
use crate::api::resources::call::{ask, stopping, unknown};
use crate::api::route::{Route, get};
use crate::call::b2bua::insight::Insight;
use crate::call::troubles::{LegFacts, Severity, Trouble, TroubleKind, troubles};
use crate::clock::Instant;
use crate::ids::CallId;
use crate::media::Figures;
use crate::net::signalling::Message;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use utoipa::ToSchema;

/// How old an answer may be: whoever asks more often gets the same one, so that nobody keeps the threads of calls busy.
const AGE_MAX: Duration = Duration::from_millis(500);
/// A media thread answers between two packets; one that does not stands still, and nothing is said of its legs.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

pub fn routes() -> Vec<Route> {
    vec![
        get(
            "/calls/{id}/media",
            "getCallMedia",
            "The audio of a call in progress, leg by leg, and what is wrong with it; at most half a second old.",
        )
        .tag("calls")
        .needs(Permission::CallsRead)
        .gives::<CallMedia>(StatusCode::OK, "The audio now.")
        .to(read),
    ]
}

/// The audio of a call at a moment.
#[derive(Clone, Serialize, ToSchema)]
pub struct CallMedia {
    #[schema(format = "date-time")]
    at: String,
    /// The caller's first.
    legs: Vec<LegMedia>,
    /// The worst first.
    troubles: Vec<TroubleItem>,
}

/// The audio of a leg.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LegMedia {
    /// Numbered within the call; 0 is the caller's.
    leg: u32,
    /// `caller`, or the agent's id, the number or the URI.
    party: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec: Option<String>,
    /// Where the peer's SDP says that its audio is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp: Option<String>,
    /// Whether the peer is on hold: it wants no audio.
    on_hold: bool,
    /// Absent before the leg is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<AudioItem>,
}

/// What went through a leg since it was opened.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AudioItem {
    /// Where packets are taken from.
    source: String,
    /// Whether they come from elsewhere than the SDP said.
    is_elsewhere: bool,
    packets_received: u64,
    packets_sent: u64,
    bytes_received: u64,
    bytes_sent: u64,
    packets_lost: u64,
    /// From sources that are not taken.
    packets_refused: u64,
    /// Not audio in a codec that was agreed.
    packets_unusable: u64,
    /// Lost on the way to us, of the last five seconds.
    loss_percent: f32,
    jitter_ms: f32,
    /// Lost on the way to the peer, by its last report.
    loss_there_percent: f32,
    /// There and back by RTCP; absent where the peer never reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip_ms: Option<f32>,
    /// An estimate, not a measurement: the mean opinion score of what comes to us (ITU-T G.107, simplified), 1 to 4.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    mos: Option<f32>,
    /// Seconds since the last packet of audio; absent where none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    since_last_sec: Option<f32>,
}

/// Something that is wrong.
#[derive(Clone, Serialize, ToSchema)]
pub struct TroubleItem {
    #[schema(inline)]
    kind: TroubleKindName,
    #[schema(inline)]
    severity: SeverityName,
    /// The leg's number; 0 is the caller's.
    leg: u32,
    /// What is seen and why.
    text: String,
    /// What to do about it.
    remedy: String,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TroubleKindName {
    NotAcknowledged,
    NotSecured,
    NoAudio,
    UnusableAudio,
    Loss,
    LossThere,
    Jitter,
    OnHold,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeverityName {
    Error,
    Warning,
    Info,
}

impl From<Severity> for SeverityName {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => SeverityName::Error,
            Severity::Warning => SeverityName::Warning,
            Severity::Info => SeverityName::Info,
        }
    }
}

impl From<TroubleKind> for TroubleKindName {
    fn from(kind: TroubleKind) -> Self {
        match kind {
            TroubleKind::NotAcknowledged => TroubleKindName::NotAcknowledged,
            TroubleKind::NotSecured => TroubleKindName::NotSecured,
            TroubleKind::NoAudio => TroubleKindName::NoAudio,
            TroubleKind::UnusableAudio => TroubleKindName::UnusableAudio,
            TroubleKind::Loss => TroubleKindName::Loss,
            TroubleKind::LossThere => TroubleKindName::LossThere,
            TroubleKind::Jitter => TroubleKindName::Jitter,
            TroubleKind::OnHold => TroubleKindName::OnHold,
        }
    }
}

/// Answers that are young enough to be given again.
pub type Looks = HashMap<CallId, (Instant, Arc<CallMedia>)>;

async fn read(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Json<CallMedia>, Problem> {
    let id = id.parse::<CallId>().map_err(|_| unknown())?;
    // Who comes while it is made waits for the same one.
    let mut kept = api.looks.lock().await;
    let now = api.now();
    kept.retain(|_, (made, _)| now.instant - *made < AGE_MAX);
    if let Some((_, media)) = kept.get(&id) {
        return Ok(Json((**media).clone()));
    }
    let (reply, answer) = oneshot::channel();
    ask(&api, Message::Insight { call: id, reply }).await?;
    let (insight, figures) = answer.await.map_err(|_| stopping())?.ok_or_else(unknown)?;
    let figures = tokio::time::timeout(ANSWER_TIME_MAX, figures).await;
    let figures = figures.ok().and_then(Result::ok).unwrap_or_default();
    let media = shown(now, insight, &figures);
    kept.insert(id, (now.instant, Arc::new(media.clone())));
    Ok(Json(media))
}

fn shown(now: crate::clock::Now, insight: Insight, figures: &[Option<Figures>]) -> CallMedia {
    let mut facts: Vec<LegFacts> = Vec::with_capacity(insight.legs.len());
    let mut legs = Vec::with_capacity(insight.legs.len());
    for (at, (_, mut leg)) in insight.legs.into_iter().enumerate() {
        let figures = figures.get(at).copied().flatten();
        if let Some(figures) = &figures {
            leg.condition = figures.condition;
        }
        legs.push(LegMedia {
            leg: leg.leg,
            party: if leg.leg == 0 { "caller".to_owned() } else { leg.name.clone() },
            codec: (!leg.codec.is_empty()).then(|| leg.codec.to_owned()),
            sdp: leg.sdp.map(|address| address.to_string()),
            on_hold: leg.sdp.is_some() && !leg.hears,
            audio: figures.as_ref().map(audio),
        });
        facts.push(leg);
    }
    let troubles = troubles(now.instant, &facts).into_iter().map(TroubleItem::from).collect();
    CallMedia { at: now.wall.to_string(), legs, troubles }
}

fn audio(figures: &Figures) -> AudioItem {
    let statistics = &figures.statistics;
    let rounded = |value: f32| (value * 10.0).round() / 10.0;
    let round_trip = statistics.round_trip_us;
    AudioItem {
        source: figures.source.to_string(),
        is_elsewhere: figures.source != figures.sdp,
        packets_received: statistics.packets_received,
        packets_sent: statistics.packets_sent,
        bytes_received: figures.bytes_received,
        bytes_sent: figures.bytes_sent,
        packets_lost: statistics.packets_lost,
        packets_refused: statistics.packets_refused,
        packets_unusable: statistics.packets_bad,
        loss_percent: rounded(figures.loss_percent),
        jitter_ms: rounded(statistics.jitter_us as f32 / 1_000.0),
        loss_there_percent: rounded(figures.loss_there_percent),
        round_trip_ms: (round_trip > 0).then(|| rounded(round_trip as f32 / 1_000.0)),
        mos: figures.opinion().map(rounded),
        since_last_sec: figures.since_last.map(|since| rounded(since.as_secs_f32())),
    }
}

impl From<Trouble> for TroubleItem {
    fn from(trouble: Trouble) -> Self {
        TroubleItem {
            kind: trouble.kind.into(),
            severity: trouble.severity.into(),
            leg: trouble.leg,
            text: trouble.text,
            remedy: trouble.remedy,
        }
    }
}
