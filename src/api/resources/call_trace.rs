//! What went over the network for a call: its SIP messages, and the headers of its audio where somebody asked for them.
//!
//! For those who may look into calls ([`Permission::CallsInspect`]): addresses of peers and what they send word for word are
//! more than who only watches calls has to know.

use crate::api::Api;
use crate::api::pcap::{self, Packet};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::InPath;
use crate::api::resources::call::{ask, stopping, unknown};
use crate::api::route::{Route, delete, get, post};
use crate::call::capture::CallCapture;
use crate::call::ladder::{Ladder, LadderMessage};
use crate::clock::{Instant, Wall};
use crate::ids::CallId;
use crate::media::Channel;
use crate::net::signalling::{CaptureView, CaptureWish, Message};
use crate::sip::Transport;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use std::net::SocketAddr;
use tokio::sync::oneshot;
use utoipa::ToSchema;

const PCAP: &str = "application/vnd.tcpdump.pcap";

pub fn routes() -> Vec<Route> {
    let inspect = Permission::CallsInspect;
    vec![
        get(
            "/calls/{id}/ladder",
            "getCallLadder",
            "The SIP messages of a call, in progress or just over, with keys and credentials masked.",
        )
        .tag("calls")
        .needs(inspect)
        .gives::<LadderItem>(StatusCode::OK, "The messages, the first one first.")
        .to(ladder),
        post(
            "/calls/{id}/capture",
            "beginCapture",
            "Notes the headers of a call's RTP and RTCP from now on, for two minutes at the most; neither voice nor keys.",
        )
        .tag("calls")
        .needs(inspect)
        .gives::<CaptureState>(StatusCode::OK, "How far it is.")
        .to(begin),
        delete("/calls/{id}/capture", "endCapture", "Ends the capture of a call; what was noted stays.")
            .tag("calls")
            .needs(inspect)
            .gives_nothing("It ends.")
            .to(end),
        get("/calls/{id}/capture/state", "getCaptureState", "How far the capture of a call is.")
            .tag("calls")
            .needs(inspect)
            .gives::<CaptureState>(StatusCode::OK, "How far it is.")
            .to(state),
        get(
            "/calls/{id}/capture",
            "getCapture",
            "The packets of a call as a file for Wireshark or tcpdump: its SIP messages, masked, and what was captured.",
        )
        .tag("calls")
        .needs(inspect)
        .gives_raw(PCAP, "The file.")
        .to(file),
    ]
}

/// The messages of a call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LadderItem {
    /// The caller and whoever was dialled, by the number of the leg.
    legs: Vec<LadderLeg>,
    messages: Vec<MessageItem>,
    /// Messages that were too many to be kept.
    left_out: u32,
    /// Whether the call is over.
    is_over: bool,
}

#[derive(Serialize, ToSchema)]
struct LadderLeg {
    leg: u32,
    /// `caller`, or the agent's id, the number or the URI.
    party: String,
}

/// A message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MessageItem {
    #[schema(format = "date-time")]
    at: String,
    #[schema(inline)]
    direction: DirectionName,
    /// The leg's number; 0 is the caller's.
    leg: u32,
    #[schema(inline)]
    transport: TransportName,
    from: String,
    to: String,
    first_line: String,
    /// The whole message; what is secret is written as `*`.
    text: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DirectionName {
    Sent,
    Received,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TransportName {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl From<Transport> for TransportName {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Udp => TransportName::Udp,
            Transport::Tcp => TransportName::Tcp,
            Transport::Tls => TransportName::Tls,
            Transport::Ws => TransportName::Ws,
            Transport::Wss => TransportName::Wss,
        }
    }
}

/// How far the capture of a call is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CaptureState {
    #[schema(inline)]
    state: CaptureStateName,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    began: Option<String>,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    ends: Option<String>,
    /// Packets of audio that were noted and are there.
    packets: u64,
    /// Packets that there was no room for.
    left_out: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CaptureStateName {
    /// Nobody asked for one.
    None,
    Running,
    /// It ends, and what was noted is on its way.
    Ending,
    Done,
}

fn gone() -> Problem {
    Problem::not_found(
        "nothing is kept of such a call: the SIP messages of calls in progress and of the 500 that ended last are",
    )
}

async fn ladder_of(api: &Api, call: CallId) -> Result<Option<Ladder>, Problem> {
    let (reply, answer) = oneshot::channel();
    ask(api, Message::Ladder { call, reply }).await?;
    answer.await.map_err(|_| stopping())
}

async fn capture_of(api: &Api, call: CallId, wish: CaptureWish) -> Result<CaptureView, Problem> {
    let (reply, answer) = oneshot::channel();
    ask(api, Message::Capture { call, wish, reply }).await?;
    answer.await.map_err(|_| stopping())
}

async fn ladder(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Json<LadderItem>, Problem> {
    let call = id.parse().map_err(|_| gone())?;
    let ladder = ladder_of(&api, call).await?.ok_or_else(gone)?;
    Ok(Json(LadderItem {
        legs: ladder
            .parties
            .iter()
            .map(|(leg, party)| LadderLeg { leg: *leg, party: party.clone() })
            .collect(),
        messages: ladder.messages.iter().map(message).collect(),
        left_out: ladder.left_out,
        is_over: ladder.is_over,
    }))
}

fn ends(message: &LadderMessage) -> (SocketAddr, SocketAddr) {
    if message.is_sent { (message.own, message.peer) } else { (message.peer, message.own) }
}

fn message(message: &LadderMessage) -> MessageItem {
    let text = String::from_utf8_lossy(&message.text()).into_owned();
    let (from, to) = ends(message);
    MessageItem {
        at: message.at.to_string(),
        direction: if message.is_sent { DirectionName::Sent } else { DirectionName::Received },
        leg: message.leg,
        transport: message.transport.into(),
        from: from.to_string(),
        to: to.to_string(),
        first_line: text.lines().next().unwrap_or_default().to_owned(),
        text,
    }
}

fn shown(api: &Api, capture: Option<&CallCapture>) -> CaptureState {
    let now = api.now().instant;
    let Some(capture) = capture else {
        return CaptureState {
            state: CaptureStateName::None,
            began: None,
            ends: None,
            packets: 0,
            left_out: 0,
        };
    };
    let state = match () {
        () if capture.is_running(now) => CaptureStateName::Running,
        () if !capture.is_whole(now) => CaptureStateName::Ending,
        () => CaptureStateName::Done,
    };
    CaptureState {
        state,
        began: Some(capture.began.wall.to_string()),
        ends: Some(wall(capture, capture.until).to_string()),
        packets: capture.done.iter().map(|leg| leg.capture.headers.len() as u64).sum(),
        left_out: capture.done.iter().map(|leg| u64::from(leg.capture.left_out)).sum(),
    }
}

fn wall(capture: &CallCapture, at: Instant) -> Wall {
    capture.began.wall + (at - capture.began.instant)
}

async fn begin(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Json<CaptureState>, Problem> {
    let call = id.parse().map_err(|_| unknown())?;
    let view = capture_of(&api, call, CaptureWish::Begin).await?;
    if !view.in_progress {
        return Err(unknown());
    }
    let now = api.now().instant;
    if view.capture.as_ref().is_none_or(|capture| capture.is_whole(now)) {
        let text = "as many captures run as may at a time; one ends after two minutes";
        return Err(Problem::unavailable(text).retry_after(30));
    }
    Ok(Json(shown(&api, view.capture.as_ref())))
}

async fn end(State(api): State<Api>, InPath(id): InPath<String>) -> Result<StatusCode, Problem> {
    let call = id.parse().map_err(|_| unknown())?;
    let view = capture_of(&api, call, CaptureWish::End).await?;
    if view.in_progress || view.capture.is_some() { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

async fn state(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Json<CaptureState>, Problem> {
    let call = id.parse().map_err(|_| unknown())?;
    let view = capture_of(&api, call, CaptureWish::Look).await?;
    if !view.in_progress && view.capture.is_none() {
        return Err(unknown());
    }
    Ok(Json(shown(&api, view.capture.as_ref())))
}

async fn file(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Response, Problem> {
    let call: CallId = id.parse().map_err(|_| gone())?;
    let ladder = ladder_of(&api, call).await?;
    let capture = capture_of(&api, call, CaptureWish::Look).await?.capture;
    if ladder.is_none() && capture.is_none() {
        return Err(gone());
    }
    // Some MB of headers: beside the threads that carry streams.
    let bytes = tokio::task::spawn_blocking(move || packets(ladder.as_ref(), capture.as_ref()));
    let bytes = bytes.await.map_err(|error| Problem::internal(error.to_string()))?;
    let name = HeaderValue::try_from(format!("attachment; filename=\"{call}.pcap\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(PCAP)),
        (header::CONTENT_DISPOSITION, name.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, bytes).into_response())
}

/// All that there is of a call, in the order of time.
fn packets(ladder: Option<&Ladder>, capture: Option<&CallCapture>) -> Vec<u8> {
    let messages = ladder.map_or(&[][..], |ladder| &ladder.messages);
    let texts: Vec<_> = messages.iter().map(LadderMessage::text).collect();
    let mut all: Vec<Packet<'_>> = Vec::new();
    for (message, text) in messages.iter().zip(&texts) {
        let (from, to) = ends(message);
        all.push(Packet {
            at: message.at.as_unix_micros(),
            from,
            to,
            payload: text,
            payload_bytes: text.len(),
        });
    }
    for (capture, leg) in
        capture.iter().flat_map(|capture| capture.done.iter().map(move |leg| (capture, leg)))
    {
        for header in &leg.capture.headers {
            let port = leg.own.port().saturating_add(u16::from(header.channel == Channel::Rtcp));
            let own = SocketAddr::new(leg.own.ip(), port);
            let (from, to) = if header.is_sent { (own, header.peer) } else { (header.peer, own) };
            all.push(Packet {
                at: wall(capture, header.at).as_unix_micros(),
                from,
                to,
                payload: header.bytes(),
                payload_bytes: header.packet_bytes.into(),
            });
        }
    }
    all.sort_by_key(|packet| packet.at);
    let mut out = pcap::header();
    all.iter().for_each(|packet| pcap::write(&mut out, packet));
    out
}
