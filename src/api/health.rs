//! Whether the server lives and takes calls, and its figures: for whoever watches it, without a sign-in.

use super::metrics;
use crate::call::snapshot::NOTHING_LOADED;
use crate::net::signalling::Figures;
use crate::services::crm::Crm;
use crate::services::sender::SenderTotals;
use crate::store::records::RecordFigures;
use crate::store::retention;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What the pages are made from.
#[derive(Clone)]
pub struct Sources {
    pub figures: Arc<Mutex<Figures>>,
    pub media: Vec<Arc<crate::net::media_thread::Totals>>,
    pub binder: Arc<crate::net::ports::Binder>,
    pub records: RecordFigures,
    /// What was deleted for its age.
    pub retention: Arc<retention::Totals>,
    /// Events of live calls that found no room.
    pub events_lost: Arc<AtomicU64>,
    /// Sign-ins that were refused.
    pub sign_ins_refused: Arc<super::SignInsRefused>,
    /// What trusted proxies said that names no client.
    pub forwarded_malformed: Arc<AtomicU64>,
    /// Set once the first media ports are bound and the sockets listen.
    pub ready: Arc<AtomicBool>,
    /// Set once numbers and flows came from the store; absent where they are files alone.
    pub loaded: Option<Arc<AtomicBool>>,
    /// While the database cannot be read; absent where there is none.
    pub away: Option<Arc<AtomicBool>>,
    /// What others are told of calls; absent where nobody is.
    pub sent: Option<Arc<SenderTotals>>,
    pub crm: Option<Arc<dyn Crm>>,
    pub tls: crate::net::tls::Tls,
    pub handshakes: Arc<crate::net::handshake::Figures>,
}

/// The routes that need no sign-in.
pub fn router(sources: Sources) -> Router {
    Router::new()
        .route("/livez", get(async || "live\n"))
        .route("/readyz", get(readyz))
        .route("/healthz", get(readyz))
        .route(
            "/metrics",
            get(async |State(sources): State<Sources>| {
                (
                    [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
                    metrics::text(&sources),
                )
            }),
        )
        .with_state(sources)
}

impl Sources {
    pub(super) fn figures(&self) -> Figures {
        self.figures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Whether the database did not answer when it was last asked, for numbers and flows or with call records.
    pub(super) fn is_database_away(&self) -> bool {
        self.records.is_database_away() || self.away.as_ref().is_some_and(|away| away.load(Ordering::Acquire))
    }
}

/// 200 only where a call would be taken; the body says for each part how it is.
async fn readyz(State(sources): State<Sources>) -> impl IntoResponse {
    let figures = sources.figures();
    let started = sources.ready.load(Ordering::Acquire);
    let ports = figures.ports_free > 0;
    let loaded = sources.loaded.as_ref().is_none_or(|loaded| loaded.load(Ordering::Acquire));
    let ready = started && ports && loaded && !figures.draining;
    let away = sources.is_database_away();
    let word = |ok: bool, bad: &'static str| if ok { "ok" } else { bad };
    let lost = sources.records.lost() + sources.records.stored_lost();
    let body = serde_json::json!({
        "ready": ready,
        "parts": {
            "sip": if started { word(loaded, NOTHING_LOADED) } else { "starting" },
            "numbers_and_flows": word(loaded, NOTHING_LOADED),
            "media_ports": word(!started || ports, "none free"),
            // Who looks refuses us then; calls of others go on.
            "certificates": word(sources.tls.ended().is_none(), "one has ended"),
            "drain": word(!figures.draining, "draining"),
            "call_records": word(lost == 0, "some were lost"),
            // Calls go on without it; their records wait on disk.
            "database": word(!away, "away"),
        },
        "calls": figures.counts.calls,
        "records_waiting": sources.records.stored_waiting(),
        "media_ports_free": figures.ports_free,
        "revision": figures.revision,
    });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}
