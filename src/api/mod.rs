//! HTTP for people and programs: health and metrics, which need no sign-in, and the API under `/api/v1`.
//!
//! A route stands once, in the table of `routes`: what it needs and what it answers are checked and documented from the
//! same lines ([`route::Operation`]).

mod access;
mod applied;
mod aside;
mod board;
mod console;
mod events;
mod health;
mod http;
mod idempotency;
mod metrics;
mod openapi;
mod page;
mod parameter;
mod pcap;
mod permission;
mod pieces;
mod problem;
mod proxy;
mod request;
mod resources;
mod route;
mod secret;
mod throttle;
mod upload;

use crate::call::snapshot::Snapshot;
use crate::clock::{Now, SystemClock};
use crate::flow::Resources;
use crate::ids::Random;
use crate::net::doctor::Doctor;
use crate::net::signalling::{LiveEvents, Post};
use crate::services::crm::Crm;
use crate::services::speech::SpeechEngine;
use crate::store::database::Database;
use crate::store::setup_findings::Configured;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::MethodRouter;
pub use health::Sources;
use problem::Problem;
use route::{Gate, Route};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
pub use throttle::SignInsRefused;
use tokio::sync::Semaphore;

/// Requests at a time. A handler waits for the database at the most, which serves eight at a time.
const REQUESTS_MAX: usize = 256;
/// The same of those who have not signed in, apart: passwords are hashed one at a time, some 20 ms each, so that the
/// last of so many waits less than a second.
const OPEN_REQUESTS_MAX: usize = 32;
/// How often what has run out is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// How often a database that is away is asked whether there are users.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// A set-up link works for a day.
const SETUP_LINK_TIME: Duration = Duration::from_secs(24 * 3_600);

/// The name of the session's cookie without https.
const COOKIE: &str = "cordboard";

/// What the configuration says of HTTP.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where browsers reach us: scheme and host.
    pub public_url: String,
    pub admin_token: Option<String>,
    /// Proxies in front of us, whose word about a client's address is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// They write Forwarded, not X-Forwarded-For.
    pub reads_forwarded: bool,
    /// The folder whose files the store is brought to (`[provision] mode = "sync"`): what is changed over the API is
    /// undone at the next reload or start.
    pub sync_folder: Option<String>,
    /// What objects refer to of the configuration.
    pub configured: Configured,
    /// What flows may refer to of the configuration.
    pub outside: Resources,
    /// What the configuration says of the CRM.
    pub crm: Option<CrmAbout>,
    /// Where callers are found beside the database: the file of call records, and the folder where they wait.
    pub records_file: Option<PathBuf>,
    pub spool: Option<PathBuf>,
}

/// The connection to a CRM, as people are told of it.
#[derive(Clone, Default, Debug)]
pub struct CrmAbout {
    pub kind: Option<&'static str>,
    pub address: Option<String>,
    pub tasks: Option<&'static str>,
    pub conversation: Option<String>,
}

impl Settings {
    fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The cookie with its rules, for that client; an empty one with no time removes it.
    fn cookie(&self, secret: &str, age: Duration, client: proxy::Client) -> String {
        let secure = if self.is_https() || client.is_https { "; Secure" } else { "" };
        // Strict: the console is one page that asks for all else, so nothing is lost where another site links to it.
        format!(
            "{}={secret}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
            self.cookie_name(),
            age.as_secs()
        )
    }

    /// The prefix makes a browser insist on Secure and on this host alone (RFC 6265bis section 4.1.3).
    fn cookie_name(&self) -> &'static str {
        if self.is_https() { "__Host-cordboard" } else { COOKIE }
    }
}

/// Whom handlers have do things that take their time.
pub struct Helpers {
    pub speech: Arc<SpeechEngine>,
    pub crm: Option<Arc<dyn Crm>>,
    /// Tries trunks; none where no calls are made.
    pub doctor: Option<Doctor>,
}

/// What handlers work with.
#[derive(Clone)]
pub struct Api(Arc<Parts>);

/// See [`Api`].
pub struct Parts {
    database: Option<Database>,
    clock: SystemClock,
    mint: secret::Mint,
    passwords: secret::Passwords,
    throttle: Mutex<throttle::Throttle>,
    sign_ins_refused: Arc<SignInsRefused>,
    settings: Settings,
    proxies: proxy::Proxies,
    requests: Semaphore,
    /// For routes that nobody has to sign in for.
    open_requests: Semaphore,
    document: String,
    post: Post,
    speech: Arc<SpeechEngine>,
    crm: Option<Arc<dyn Crm>>,
    doctor: Option<Doctor>,
    events: Arc<events::Events>,
    board: board::Board,
    calls: tokio::sync::Mutex<resources::call::CallList>,
    looks: tokio::sync::Mutex<resources::call_media::Looks>,
    simulations: resources::simulation::Simulations,
    /// Sound files that come in at this moment.
    uploads: Semaphore,
    /// Sound files are decoded one at a time.
    decoding: Arc<Semaphore>,
    /// Kept tests are run for one at a time.
    testing: Arc<Semaphore>,
    /// Flows of other systems are brought over one at a time.
    importing: Arc<Semaphore>,
    /// Texts are spoken for listening one at a time.
    speaking: Semaphore,
    /// Exports of call records under way.
    exports: Arc<Semaphore>,
    /// Callers are erased one at a time.
    erasing: Arc<Semaphore>,
    /// What new calls start on.
    current: applied::Current,
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the API is, as an OpenAPI document. The cookie has the name that it has without https.
pub fn openapi_document() -> serde_json::Value {
    let routes = resources::routes();
    openapi::document(routes.iter().map(|route| &route.operation), COOKIE)
}

impl Api {
    pub fn new(
        database: Option<Database>,
        settings: Settings,
        clock: SystemClock,
        random: Random,
        post: Post,
        helpers: Helpers,
    ) -> Result<Self, secret::PasswordError> {
        let Helpers { speech, crm, doctor } = helpers;
        let mint = secret::Mint::new(random);
        let run = mint.id("");
        let routes = resources::routes();
        let document = openapi::document(routes.iter().map(|route| &route.operation), settings.cookie_name());
        Ok(Api(Arc::new(Parts {
            database,
            clock,
            passwords: secret::Passwords::new(mint.clone())?,
            mint,
            throttle: Mutex::default(),
            sign_ins_refused: Arc::default(),
            proxies: proxy::Proxies::new(settings.trusted_proxies.clone(), settings.reads_forwarded),
            settings,
            requests: Semaphore::new(REQUESTS_MAX),
            open_requests: Semaphore::new(OPEN_REQUESTS_MAX),
            document: document.to_string(),
            post,
            speech,
            crm,
            doctor,
            events: Arc::new(events::Events::new(run)),
            board: board::Board::default(),
            calls: tokio::sync::Mutex::default(),
            looks: tokio::sync::Mutex::default(),
            simulations: Default::default(),
            uploads: Semaphore::new(resources::prompt::UPLOADS_MAX),
            decoding: Arc::new(Semaphore::new(1)),
            testing: Arc::new(Semaphore::new(1)),
            importing: Arc::new(Semaphore::new(1)),
            speaking: Semaphore::new(1),
            exports: Arc::new(Semaphore::new(resources::record_export::EXPORTS_MAX)),
            erasing: Arc::new(Semaphore::new(1)),
            current: applied::Current::new(),
        })))
    }

    /// Counts sign-ins that were refused.
    pub fn sign_ins_refused(&self) -> Arc<SignInsRefused> {
        self.sign_ins_refused.clone()
    }

    /// Counts what trusted proxies said that names no client.
    pub fn forwarded_malformed(&self) -> Arc<AtomicU64> {
        self.proxies.malformed()
    }

    /// Serves all that there is until the process ends.
    pub async fn serve(self, listener: tokio::net::TcpListener, sources: Sources) {
        http::serve(listener, self.router(sources), self.proxies.ranges()).await;
    }

    /// The router of the whole server.
    fn router(&self, sources: Sources) -> Router {
        self.with_console(health::router(sources))
    }

    /// The API and the console beside other routes.
    fn with_console(&self, router: Router) -> Router {
        router
            .nest("/api/v1", self.api_router())
            .fallback_service(Router::new().fallback(console::serve).with_state(self.clone()))
            .layer(axum::middleware::from_fn(http::secure))
    }

    fn api_router(&self) -> Router {
        let mut paths: BTreeMap<&'static str, (MethodRouter<Api>, Vec<String>)> = BTreeMap::new();
        for Route { operation, handler } in resources::routes() {
            let (path, method) = (operation.path, operation.method.to_string());
            let rules = Arc::new(parameter::rules(&operation));
            let gate = Gate { api: self.clone(), operation: Arc::new(operation), rules };
            let handler = handler.route_layer(axum::middleware::from_fn_with_state(gate, route::guard));
            let entry = paths.entry(path).or_insert_with(|| (MethodRouter::new(), Vec::new()));
            entry.0 = std::mem::take(&mut entry.0).merge(handler);
            if method == "GET" {
                entry.1.push("HEAD".to_owned());
            }
            entry.1.push(method);
        }
        let mut router = Router::new();
        for (path, (handler, methods)) in paths {
            let allow = HeaderValue::try_from(methods.join(", ")).unwrap_or(HeaderValue::from_static(""));
            let handler = handler.fallback(async move || {
                let problem =
                    Problem::method_not_allowed("see the Allow header for the methods of this path");
                problem.with_header(header::ALLOW, allow).into_response()
            });
            router = router.route(path, handler);
        }
        let look = axum::middleware::from_fn_with_state(self.clone(), proxy::look);
        router.fallback(http::not_found).layer(look).with_state(self.clone())
    }

    /// Tells what new calls start on from now on.
    pub fn set_snapshot(&self, snapshot: Arc<Snapshot>) {
        self.current.set(snapshot);
    }

    /// What new calls start on.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.get()
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    /// The database, where there is one.
    fn database(&self) -> Result<&Database, Problem> {
        let none = || Problem::unavailable("this server has no store: set [store] url in cordboard.toml");
        self.database.as_ref().ok_or_else(none)
    }

    fn throttle(&self) -> std::sync::MutexGuard<'_, throttle::Throttle> {
        self.throttle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Where nobody can sign in yet: makes a link that makes the first admin, and gives it.
    async fn setup_link(&self) -> Result<Option<String>, crate::store::database::DatabaseError> {
        let Some(database) = &self.database else { return Ok(None) };
        if !database.has_no_users().await? {
            return Ok(None);
        }
        let secret = self.mint.secret();
        let expires = self.now().wall + SETUP_LINK_TIME;
        database.set_setup_link(&secret::digest(secret.as_bytes()), expires).await?;
        Ok(Some(format!("{}/setup?token={secret}", self.settings.public_url)))
    }

    /// Logs the set-up link where nobody can sign in yet; waits for a database that is away.
    pub async fn announce_setup(self) {
        let mut again = tokio::time::interval(ASK_AGAIN);
        loop {
            again.tick().await;
            match self.setup_link().await {
                Ok(Some(link)) => {
                    tracing::warn!(%link, "nobody can sign in yet: open this link within 24 hours to make the first user");
                    return;
                }
                Ok(None) => return,
                Err(error) => tracing::debug!(%error, "whether there are users cannot be seen yet"),
            }
        }
    }

    /// Shows what the signalling thread tells of calls to those who listen, for as long as it runs.
    pub async fn watch(self, live: LiveEvents) {
        self.events.clone().collect(live).await;
    }

    /// Removes what has run out, for as long as the server runs.
    pub async fn sweep(self) {
        let Some(database) = &self.database else { return };
        let mut tick = tokio::time::interval(SWEEP_EVERY);
        loop {
            tick.tick().await;
            let now = self.now().wall;
            let (age, idle) = (access::before(now, access::AGE_MAX), access::before(now, access::IDLE_MAX));
            let keys = access::before(now, idempotency::KEPT);
            if let Err(error) = database.forget_old_access(age, idle, keys, now).await {
                tracing::warn!(%error, "old sign-ins could not be removed");
            }
        }
    }
}

#[cfg(test)]
mod tests;
