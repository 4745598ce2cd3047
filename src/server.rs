//! The only place that wires the rooms: builds, starts, reloads, drains, stops.

mod feed;
mod limits;
mod listeners;
mod node_name;
mod recording;
mod retention;
mod settings;
mod speaking;
mod telling;

use settings::doctor_settings;
pub use settings::switchboard_config;

use crate::api::{self, Api};
use crate::call::ports::ThreadId;
use crate::call::snapshot::Snapshot;
use crate::call::switchboard::Switchboard;
use crate::clock::SystemClock;
use crate::config::reader::{Finding, Severity, errors};
use crate::config::{Config, ProvisionMode, Transport};
use crate::hidden::Hidden;
use crate::ids::Random;
use crate::media::{Identity, IdentityError};
use crate::net::dns::Dns;
use crate::net::doctor::Doctor;
use crate::net::handshake::Handshakes;
use crate::net::hep::Collector;
use crate::net::media_thread::{self, MediaThread, Order};
use crate::net::ports::Binder;
use crate::net::signalling::{Figures, Message, Post, Signalling, Watchers};
use crate::net::streams::Streams;
use crate::net::tls::{Tls, TlsError};
use crate::services::crm;
use crate::services::lookups::Lookups;
use crate::services::speech::SpeechEngine;
use crate::store::apply::ApplyError;
use crate::store::database::{Database, DatabaseError};
use crate::store::loader::LoadError;
use crate::store::setup_findings::Configured;
use crate::store::spool::SpoolError;
use crate::store::{outside, provision};
use feed::{Control, Feed};
use listeners::Listeners;
use recording::Recording;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Orders that wait for a media thread: each call makes about five.
const ORDERS: usize = 16_384;
/// Threads of the runtime: streams, HTTP, speech. Calls do not run on them.
const RUNTIME_THREADS: usize = 2;

/// Why the server did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("{0} errors in the configuration or the provisioned files")]
    Findings(usize),
    #[error("cannot listen on {address} ({what}): {error}")]
    Listen { what: &'static str, address: std::net::SocketAddr, error: std::io::Error },
    #[error("the file of call records, {}, cannot be opened: {error} ([records] path)", path.display())]
    Records { path: PathBuf, error: std::io::Error },
    #[error("{0} ([store] url)")]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Snapshot(#[from] LoadError),
    #[error("no media port can be bound on {address} ([media] bind, ports): {error}")]
    MediaPorts { address: std::net::IpAddr, error: std::io::Error },
    #[error(transparent)]
    System(#[from] std::io::Error),
    #[error("TLS cannot be set up: {0} ([tls], [[sip.listen]])")]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("DNS cannot be asked: {0} ([dns] servers)")]
    Dns(#[from] hickory_resolver::net::NetError),
    #[error("copies of SIP messages cannot be sent to {address}: {error} ([hep] collector)")]
    Collector { address: std::net::SocketAddr, error: std::io::Error },
    #[error("the client for outgoing HTTP cannot be made: {0}")]
    WebClient(reqwest::Error),
    #[error("the files could not be loaded: {0}")]
    Load(String),
    #[error("the signalling thread ended: {0}")]
    Signalling(String),
}

/// Runs until it is told to stop. `file` is where the configuration came from: a reload looks at it again.
pub fn run(config: Config, file: &Path) -> Result<(), ServerError> {
    limits::raise_open_files();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(RUNTIME_THREADS).enable_all().build()?;
    let origin = Arc::new(Origin { config, file: file.to_owned() });
    let result = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        // While it starts there is nothing to drain.
        let running = tokio::select! {
            running = start(&origin.config) => running?,
            () = signals.stop() => return Ok(()),
        };
        carry_on(&origin, running, signals).await
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// The configuration, and where it came from.
struct Origin {
    config: Config,
    file: PathBuf,
}

/// A server whose calls run.
struct Running {
    post: Post,
    api: Api,
    speech: Arc<SpeechEngine>,
    figures: Arc<Mutex<Figures>>,
    tls: Tls,
    snapshot: Arc<Snapshot>,
    /// Of the task that follows the store, where there is one.
    control: Option<Control>,
    signalling: JoinHandle<std::io::Result<Vec<MediaThread>>>,
    recording: Recording,
    /// Ends the media threads.
    stop: Arc<AtomicBool>,
}

/// All that may be refused comes before the store is touched: a start that fails leaves it as it was.
async fn start(config: &Config) -> Result<Running, ServerError> {
    let clock = SystemClock::start();
    let (post, mailbox) = Post::new()?;
    let speech = Arc::new(SpeechEngine::new(config.speech.clone()));
    let crm = crm::connect(&config.outside, clock).map_err(ServerError::WebClient)?;
    let lookups =
        Arc::new(Lookups::new(&config.outside, crm.clone(), clock).map_err(ServerError::WebClient)?);
    crate::call::number::warm_up();
    let known = outside::resources(&config.outside);
    let database = config.store.as_ref().map(|store| Database::at(&store.url)).transpose()?;
    let database = database.map(|database| database.with_outside(known.clone()));
    let mut random = Random::from_system();
    let tls = load_tls(config, clock).await?;
    let handshakes = Handshakes::new(tls.clone(), clock);
    let listeners = Listeners::bind(config).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let identity = Arc::new(Identity::new(clock.origin())?);
    let media = start_media(config, clock, &mut random, &post, &identity, &stop)?;
    let binder = Arc::new(Binder::new(config.media.bind, config.media.ports));
    let address = config.media.bind;
    binder.probe().map_err(|error| ServerError::MediaPorts { address, error })?;
    let (records, mut recording) = Recording::start(config, database.as_ref())?;
    let settings = api::Settings {
        public_url: config.http.public_url.clone(),
        admin_token: config.http.admin_token.clone(),
        trusted_proxies: config.http.trusted_proxies.clone(),
        reads_forwarded: config.http.reads_forwarded,
        sync_folder: config
            .provision
            .as_ref()
            .filter(|provision| provision.mode == ProvisionMode::Sync)
            .map(|provision| provision.folder.display().to_string()),
        configured: Configured {
            folder: config.provision.as_ref().map(|provision| provision.folder.clone()),
            tls_clients: config.tls.clients.iter().map(|client| client.name.clone()).collect(),
        },
        outside: known,
        crm: config.outside.crm.as_ref().map(telling::about),
        records_file: config.records.path.clone(),
        spool: config.store.as_ref().map(|store| store.spool.clone()),
    };
    let doctor = Doctor::new(doctor_settings(config), tls.clone(), post.clone(), clock, random.fork());
    let helpers = api::Helpers { speech: speech.clone(), crm: crm.clone(), doctor: Some(doctor) };
    let api = Api::new(database.clone(), settings, clock, random.fork(), post.clone(), helpers)
        .map_err(|error| ServerError::Load(error.to_string()))?;
    let (shared, retained) = (database.clone(), Arc::<crate::store::retention::Totals>::default());
    let mut feed = database.map(|d| Feed::new(d, config.provision.clone(), speech.clone(), clock));
    let snapshot = match &mut feed {
        Some(feed) => feed.first().await?,
        None => Arc::new(load(config, &speech, 1, None).await?),
    };
    recording.upload();
    if let (Some(database), Some(store)) = (shared.clone(), &config.store) {
        tokio::spawn(node_name::watch(database.clone(), store.node.clone()));
        tokio::spawn(retention::watch(database, config.records.keep, clock, retained.clone()));
    }
    let control = feed.as_ref().map(Feed::control);
    let sent = match &shared {
        Some(database) => telling::start(database.clone(), &config.outside, crm.clone(), &api, clock)?,
        None => None,
    };
    let figures = Arc::new(Mutex::new(Figures::default()));
    let ready = Arc::new(AtomicBool::new(false));
    let (watchers, live) = Watchers::new();
    let sources = api::Sources {
        forwarded_malformed: api.forwarded_malformed(),
        sign_ins_refused: api.sign_ins_refused(),
        events_lost: live.lost.clone(),
        figures: figures.clone(),
        media: media.iter().map(|m| m.totals.clone()).collect(),
        binder: binder.clone(),
        records: records.figures(),
        retention: retained,
        ready: ready.clone(),
        loaded: control.as_ref().map(|control| control.loaded.clone()),
        away: control.as_ref().map(|control| control.away.clone()),
        sent,
        crm: crm.clone(),
        tls: tls.clone(),
        handshakes: handshakes.figures.clone(),
    };
    api.set_snapshot(snapshot.clone());
    tokio::spawn(api.clone().watch(live));
    let board = switchboard_config(config, media.len(), &identity);
    let dns = Dns::new(&config.dns, board.endpoint.reach(), has_choice(config))?;
    let streams = Streams::new(post.clone(), handshakes);
    tokio::spawn(tls.clone().watch());
    let sockets = listeners.serve(&streams, api.clone(), sources);
    let (ready_sender, ready_receiver) = tokio::sync::oneshot::channel();
    let collector = collector(config)?;
    let signalling_random = random.fork();
    let mut switchboard = Switchboard::new(board, snapshot.clone(), random);
    if collector.is_some() {
        switchboard.copy_messages();
    }
    let signalling = Signalling {
        random: signalling_random,
        dns,
        switchboard,
        collector,
        clock,
        mailbox,
        post: post.clone(),
        sockets,
        binds: config.sip.listen.iter().map(|l| l.bind).collect(),
        streams,
        late_orders: media.iter().map(|_| Default::default()).collect(),
        media,
        binder,
        records,
        watchers,
        speech: speech.clone(),
        lookups,
        asked: HashMap::new(),
        trials: HashMap::new(),
        figures: figures.clone(),
        runtime: tokio::runtime::Handle::current(),
        ready: Some(ready_sender),
    };
    let signalling_thread =
        std::thread::Builder::new().name("signalling".to_owned()).spawn(move || signalling.run())?;
    if ready_receiver.await.is_ok() {
        ready.store(true, Ordering::Release);
        match control.as_ref().is_none_or(|control| control.loaded.load(Ordering::Acquire)) {
            true => tracing::info!(http = %config.http.bind, "ready"),
            false => tracing::warn!("started; no calls are taken before the database answers"),
        }
    }
    if let Some(feed) = feed {
        tokio::spawn(watched(feed.run(post.clone(), api.clone()), control.clone()));
    }
    Ok(Running {
        post,
        api,
        speech,
        figures,
        tls,
        snapshot,
        control,
        signalling: signalling_thread,
        recording,
        stop,
    })
}

/// Who collects copies of SIP messages, if anybody does.
fn collector(config: &Config) -> Result<Option<Collector>, ServerError> {
    let Some(settings) = config.hep.clone() else { return Ok(None) };
    let address = settings.collector;
    let made = Collector::new(settings).map_err(|error| ServerError::Collector { address, error })?;
    tracing::info!(collector = %address, "copies of SIP messages go there");
    Ok(Some(made))
}

/// The task that follows the store has no end but that of the server.
async fn watched(feed: impl Future<Output = ()> + Send + 'static, control: Option<Control>) {
    if let Err(error) = tokio::spawn(feed).await {
        tracing::error!(%error, "the task that follows the store has ended: calls go on with what they have; restart the server");
        if let Some(control) = control {
            control.away.store(true, Ordering::Release);
        }
    }
}

/// Until it is told to stop, or its signalling thread ends by itself.
async fn carry_on(origin: &Arc<Origin>, running: Running, signals: Signals) -> Result<(), ServerError> {
    let Running { post, api, speech, figures, tls, snapshot, control, signalling, recording, stop } = running;
    let reload = Reloading { origin: origin.clone(), speech, tls, control };
    let mut ended = tokio::task::spawn_blocking(move || signalling.join());
    let joined = tokio::select! {
        () = steer(&reload, &post, &api, &figures, snapshot, signals) => (&mut ended).await,
        joined = &mut ended => joined,
    };
    let media = match joined {
        Ok(Ok(result)) => result?,
        _ => return Err(ServerError::Signalling("it panicked".to_owned())),
    };
    stop_media(media, &stop).await;
    recording.end().await;
    tracing::info!("stopped");
    Ok(())
}

/// What an operator tells the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn stop_media(media: Vec<MediaThread>, stop: &AtomicBool) {
    stop.store(true, Ordering::Relaxed);
    for MediaThread { orders, waker, thread, .. } in media {
        let _ = orders.send(Order::Stop).await;
        waker.wake();
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

/// Follows the signals until the server is to end: SIGTERM drains, a second one stops; SIGHUP reloads.
async fn steer(
    reload: &Reloading,
    post: &Post,
    api: &Api,
    figures: &Arc<Mutex<Figures>>,
    mut current: Arc<Snapshot>,
    mut signals: Signals,
) {
    let mut draining = false;
    // A reload reads files and speaks texts: seconds in which other signals must count.
    let (mut reloading, mut again) = (None, false);
    // Kept until no call uses them, so that the threads of calls never pay for dropping one.
    let mut old: Vec<Arc<Snapshot>> = Vec::new();
    let mut look = tokio::time::interval(Duration::from_millis(250));
    loop {
        let stop = tokio::select! {
            _ = signals.terminate.recv() => true,
            _ = signals.interrupt.recv() => true,
            _ = signals.hang_up.recv() => {
                again |= reloading.is_some();
                if reloading.is_none() {
                    reloading = Some(reload.begin(&current));
                }
                false
            }
            result = ended(&mut reloading) => {
                match result {
                    Ok(None) => {}
                    Ok(Some(snapshot)) => {
                        let snapshot = Arc::new(snapshot);
                        old.push(std::mem::replace(&mut current, snapshot.clone()));
                        let _ = post.send(Message::Snapshot { snapshot: snapshot.clone(), taken: None }).await;
                        api.set_snapshot(snapshot);
                        tracing::info!(revision = current.revision, "reloaded; calls in progress keep what they started with");
                    }
                    Err(error) => {
                        let error = error.to_string();
                        tracing::error!(error = %Hidden::sentence(&error), "not reloaded: the server goes on with what it has");
                    }
                }
                reloading = std::mem::take(&mut again).then(|| reload.begin(&current));
                false
            }
            _ = look.tick() => {
                old.retain(|snapshot| Arc::strong_count(snapshot) > 1);
                let figures = figures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if draining && figures.draining && figures.counts.calls == 0 {
                    break;
                }
                false
            }
        };
        if stop && draining {
            tracing::info!("stopping at once");
            break;
        }
        if stop {
            draining = true;
            tracing::info!("draining: no new calls; a second signal stops at once");
            let _ = post.send(Message::Drain).await;
        }
    }
    if let Some(reloading) = reloading {
        reloading.abort();
    }
    let _ = post.send(Message::Stop).await;
}

type Reload = tokio::task::JoinHandle<Result<Option<Snapshot>, ServerError>>;

/// What a reload needs.
struct Reloading {
    origin: Arc<Origin>,
    speech: Arc<SpeechEngine>,
    tls: Tls,
    control: Option<Control>,
}

impl Reloading {
    /// The provisioned files anew; with a store they go there, and no snapshot comes of it here. Of the configuration
    /// itself it is said what is wrong with it, and what waits for a restart.
    fn begin(&self, current: &Arc<Snapshot>) -> Reload {
        let (origin, speech, current) = (self.origin.clone(), self.speech.clone(), current.clone());
        let (control, tls) = (self.control.clone(), self.tls.clone());
        tokio::spawn(async move {
            // What came of it is said; numbers and flows are loaded whether certificates can be used or not.
            let _ = aside(move || tls.reload_and_say()).await?;
            let file = origin.file.clone();
            let (config, findings) = aside(move || crate::config::load(&file)).await?;
            let Some(config) = config else {
                say(&findings);
                return Err(ServerError::Findings(errors(&findings)));
            };
            let waiting = changed_sections(&origin.config, &config).join(", ");
            if !waiting.is_empty() {
                tracing::warn!(
                    sections = waiting,
                    "changed in the configuration, and used from the next restart on"
                );
            }
            if let Some(control) = control {
                control.reload.notify_one();
                return Ok(None);
            }
            load(&origin.config, &speech, current.revision + 1, Some(current)).await.map(Some)
        })
    }
}

/// Sections that a running server does not take over.
fn changed_sections(old: &Config, new: &Config) -> Vec<&'static str> {
    let sections = [
        ("[sip]", old.sip != new.sip),
        ("[tls] or [dns]", old.tls != new.tls || old.dns != new.dns),
        ("[bans] or [hep]", old.bans != new.bans || old.hep != new.hep),
        ("[media]", old.media != new.media),
        ("[http]", old.http != new.http),
        ("[records]", old.records != new.records),
        ("[store]", old.store != new.store),
        ("[speech]", old.speech != new.speech),
        ("[http_client], [sms], [crm], [salesforce], [webhook] or [secrets]", old.outside != new.outside),
        ("[log]", old.log != new.log),
        ("[provision]", old.provision != new.provision),
    ];
    sections.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

fn say(findings: &[Finding]) {
    for finding in findings {
        match finding.severity {
            Severity::Error => tracing::error!("{}", Hidden::sentence(&finding.to_string())),
            Severity::Warning => tracing::warn!("{}", Hidden::sentence(&finding.to_string())),
        }
    }
}

/// Waits for the reload that runs; for ever where none does.
async fn ended(reloading: &mut Option<Reload>) -> Result<Option<Snapshot>, ServerError> {
    let Some(task) = reloading else { return std::future::pending().await };
    let result = task.await;
    *reloading = None;
    result.unwrap_or_else(|error| Err(ServerError::Load(error.to_string())))
}

/// Reads the provisioned files, speaks their texts, and makes a snapshot. Says all that is wrong.
async fn load(
    config: &Config,
    speech: &Arc<SpeechEngine>,
    revision: u64,
    previous: Option<Arc<Snapshot>>,
) -> Result<Snapshot, ServerError> {
    // Files are read and decoded beside the runtime's threads, which carry streams.
    let folder = config.provision.as_ref().map(|p| p.folder.clone()).unwrap_or_default();
    let known = outside::resources(&config.outside);
    let tls = config.tls.clone();
    let read = move || {
        let (provisioned, mut findings) = provision::read_beside(&folder, &known);
        findings.extend(provision::unknown_settings(&folder, &provisioned, &tls));
        (provisioned, findings)
    };
    let (provisioned, mut findings) = aside(read).await?;
    if config.provision.is_none() {
        tracing::warn!("no [provision] dir: there are no numbers, and every call is refused");
        findings.clear();
    }
    let texts = provisioned.flows.speech.clone();
    let spoken = speaking::speak(texts, speech.clone(), speaking::AT_START).await;
    findings.extend(spoken.findings);
    let spoken = spoken.clips;
    let (snapshot, findings) = aside(move || {
        let previous = previous.as_deref();
        (provision::snapshot(provisioned, revision, spoken, previous, &mut findings), findings)
    })
    .await?;
    say(&findings);
    match errors(&findings) {
        0 => Ok(snapshot),
        errors => Err(ServerError::Findings(errors)),
    }
}

/// Work that takes its time, on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ServerError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ServerError::Load(error.to_string()))
}

/// Whether two listeners of one transport and address family are bound to different addresses.
fn has_choice(config: &Config) -> bool {
    let listen = &config.sip.listen;
    listen.iter().enumerate().any(|(i, one)| {
        let like = |other: &&crate::config::Listen| {
            other.transport == one.transport && other.bind.is_ipv4() == one.bind.is_ipv4()
        };
        listen.iter().take(i).any(|other| like(&other))
    })
}

async fn load_tls(config: &Config, clock: SystemClock) -> Result<Tls, ServerError> {
    let (tls, listen) = (config.tls.clone(), config.sip.listen.clone());
    Ok(aside(move || Tls::load(&tls, &listen, clock)).await??)
}

fn start_media(
    config: &Config,
    clock: SystemClock,
    random: &mut Random,
    post: &Post,
    identity: &Arc<Identity>,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<MediaThread>, ServerError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let count = if config.media.threads == 0 { cores } else { config.media.threads };
    let mut threads = Vec::with_capacity(count);
    for index in 0..count {
        let (post, thread) = (post.clone(), ThreadId(index));
        let report = move |event| {
            post.try_send(Message::Media { thread, event }).map_err(|message| match message {
                Message::Media { event, .. } => event,
                _ => unreachable!("the message that was sent comes back"),
            })
        };
        threads.push(media_thread::start(
            format!("media-{index}"),
            clock,
            random.fork(),
            ORDERS,
            identity.clone(),
            report,
            stop.clone(),
        )?);
    }
    Ok(threads)
}

pub(crate) fn transport_of(transport: Transport) -> crate::sip::Transport {
    match transport {
        Transport::Udp => crate::sip::Transport::Udp,
        Transport::Tcp => crate::sip::Transport::Tcp,
        Transport::Tls => crate::sip::Transport::Tls,
        Transport::Ws => crate::sip::Transport::Ws,
        Transport::Wss => crate::sip::Transport::Wss,
    }
}
