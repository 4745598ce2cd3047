//! The trunk doctor: tries a trunk as its calls would go, step by step, and says of each step that fails what helps.
//!
//! It finds the trunk's targets, connects to them, and has the signalling thread send what calls and pings send
//! (`call::trial`). It changes nothing, and ends where nobody looks any more.

mod calling;
mod connection;
mod finding;
mod own;
mod requests;
mod session;
mod step;

pub use step::{Kind, Outcome, Step};

use super::dns::Dns;
use super::signalling::Post;
use super::tls::Tls;
use crate::call::snapshot::Trunk;
use crate::clock::SystemClock;
use crate::config::Dns as DnsConfig;
use crate::ids::Random;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::locate::Target;
use own::Own;
use session::Session;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use step::Steps;
use tokio::sync::mpsc;

/// Trunks that are tried at one time: each has a call and waits for silent peers; nobody looks at more.
const AT_ONCE_MAX: usize = 4;
/// Targets of one trunk that are tried: a carrier's sites are two or three, and each that is silent takes half a minute.
const TARGETS_MAX: usize = 3;
/// The most that all steps take together, with room; a trial is forgotten after it (`call::trial`).
const TIME_MAX: Duration = Duration::from_secs(175);

/// What the doctor has to know of this server.
#[derive(Clone, Debug)]
pub struct Settings {
    pub dns: DnsConfig,
    /// What the calls that are tried like are made with.
    pub endpoint: EndpointConfig,
    /// Several listeners could send to one target: see [`Dns::new`].
    pub has_choice: bool,
    /// First and last port of media.
    pub media_ports: (u16, u16),
}

/// Why a trunk is not tried now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Busy {
    #[error("this trunk is being tested already: wait until that is done")]
    SameTrunk,
    #[error("{AT_ONCE_MAX} trunks are being tested, and no more at one time")]
    TooMany,
}

/// Cloning shares it.
#[derive(Clone)]
pub struct Doctor(Arc<Inner>);

struct Inner {
    settings: Settings,
    tls: Tls,
    post: Post,
    clock: SystemClock,
    random: Mutex<Random>,
    /// Ids of trunks that are being tried.
    under_way: Mutex<HashSet<String>>,
    trials: AtomicU64,
}

/// Keeps a trunk from being tried twice at a time.
struct Place(Doctor, String);

impl Doctor {
    pub fn new(settings: Settings, tls: Tls, post: Post, clock: SystemClock, random: Random) -> Self {
        let (random, under_way) = (Mutex::new(random), Mutex::default());
        Doctor(Arc::new(Inner { settings, tls, post, clock, random, under_way, trials: AtomicU64::new(1) }))
    }

    /// Begins to try a trunk, and gives its steps as they come. `shown`: the number that its call shows. Whoever drops the
    /// receiver gives the test up.
    pub fn examine(&self, trunk: Trunk, shown: String) -> Result<mpsc::Receiver<Step>, Busy> {
        let place = self.enter(&trunk.id)?;
        let (steps, receiver) = Steps::new();
        let session = Session::new(&self.0.post, self.0.trials.fetch_add(1, Ordering::Relaxed), &trunk.id);
        let examination = Examination { doctor: self.clone(), trunk, shown, steps, session };
        tokio::spawn(async move {
            examination.run().await;
            drop(place);
        });
        Ok(receiver)
    }

    fn enter(&self, trunk: &str) -> Result<Place, Busy> {
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.contains(trunk) {
            return Err(Busy::SameTrunk);
        }
        if under_way.len() >= AT_ONCE_MAX {
            return Err(Busy::TooMany);
        }
        under_way.insert(trunk.to_owned());
        Ok(Place(self.clone(), trunk.to_owned()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.0.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.remove(&self.1);
    }
}

/// One trunk that is tried.
struct Examination {
    doctor: Doctor,
    trunk: Trunk,
    shown: String,
    steps: Steps,
    session: Session,
}

/// A target with what was found of it so far.
#[derive(Clone)]
struct Tried {
    target: Target,
    own: Own,
    /// It answered OPTIONS well.
    answers: bool,
}

impl Tried {
    #[cfg(test)]
    fn of(transport: crate::sip::Transport) -> Self {
        let own = Own::of([192, 0, 2, 1].into());
        let address = ([198, 51, 100, 1], 5_060).into();
        Tried { target: Target { transport, address, tls: None, source: None }, own, answers: false }
    }

    /// As in `udp 192.0.2.1:5060`.
    fn words(&self) -> String {
        words(&self.target)
    }
}

/// What a trunk that challenges us can be answered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Account {
    None,
    /// The file of its password could not be read.
    Unreadable,
    Known,
}

impl Account {
    fn of(trunk: &Trunk) -> Self {
        match trunk.login.as_ref().map(|login| &login.password) {
            None => Account::None,
            Some(None) => Account::Unreadable,
            Some(Some(_)) => Account::Known,
        }
    }
}

fn words(target: &Target) -> String {
    format!("{} {}", target.transport.name(), target.address)
}

impl Examination {
    async fn run(mut self) {
        let id = self.trunk.id.clone();
        tracing::info!(trunk = id, "the trunk is being tested");
        let steps = self.steps.clone();
        let done = tokio::select! {
            done = tokio::time::timeout(TIME_MAX, self.examine()) => done.is_ok(),
            () = steps.closed() => {
                tracing::info!(trunk = id, "the test of the trunk was given up");
                return;
            }
        };
        if !done {
            let text = format!("The test has taken {} s, and ends here.", TIME_MAX.as_secs());
            steps
                .failed(Kind::Quality, None, text, "Test again; each step that failed says what helps.")
                .await;
        }
        tracing::info!(trunk = id, "the test of the trunk is done");
    }

    async fn examine(&mut self) {
        let Some(host) = self.trunk.host.clone() else {
            let text = "The trunk has no host: nothing goes out to it, and so nothing can be tried.";
            self.steps.skipped(Kind::Dns, text).await;
            return self.skip_from(Kind::Connection, "There is no host to try.").await;
        };
        let Some(targets) = self.find(host).await else {
            return self.skip_from(Kind::Connection, "The host was not found.").await;
        };
        let mut reached = Vec::new();
        for target in targets {
            let Some(mut tried) = self.connect(target).await else { continue };
            tried.answers = self.ask(&tried).await;
            reached.push(tried);
        }
        // Calls go to the first that answers.
        let best = reached.iter().find(|tried| tried.answers).or_else(|| reached.first()).cloned();
        let Some(best) = best else {
            return self.skip_from(Kind::Options, "None of the trunk's targets can be connected to.").await;
        };
        self.register(&best).await;
        self.call(&best).await;
    }

    /// Says of this step and those after it why they are not done.
    async fn skip_from(&self, first: Kind, why: &str) {
        for kind in Kind::ALL.into_iter().filter(|kind| *kind >= first) {
            self.steps.skipped(kind, why).await;
        }
    }

    fn dns(&self) -> Result<Dns, hickory_resolver::net::NetError> {
        let Settings { dns, endpoint, has_choice, .. } = &self.doctor.0.settings;
        // Its own, which has learned nothing yet: what was just put right in DNS is to be seen.
        Dns::new(dns, endpoint.reach(), *has_choice)
    }

    fn random(&self) -> Random {
        self.doctor.0.random.lock().unwrap_or_else(PoisonError::into_inner).fork()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tls as TlsConfig;
    use crate::sip::bans::BanPolicy;
    use crate::sip::endpoint::Limits;

    #[test]
    fn a_trunk_is_tested_once_at_a_time_and_four_at_the_most() {
        let clock = SystemClock::start();
        let settings = Settings {
            dns: DnsConfig::default(),
            endpoint: EndpointConfig {
                listeners: Vec::new(),
                user_agent: String::new(),
                limits: Limits::default(),
                bans: BanPolicy::default(),
            },
            has_choice: false,
            media_ports: (20_000, 29_999),
        };
        let tls = Tls::load(&TlsConfig::default(), &[], clock).unwrap();
        let (post, _) = Post::new().unwrap();
        let doctor = Doctor::new(settings, tls, post, clock, Random::from_seed(1));
        let mut places: Vec<Place> = ["a", "b", "c", "d"].map(|id| doctor.enter(id).unwrap()).into();
        let busy = |id| doctor.enter(id).map(|_| ()).unwrap_err();
        assert_eq!((busy("a"), busy("e")), (Busy::SameTrunk, Busy::TooMany));
        places.remove(0);
        assert_eq!(busy("b"), Busy::SameTrunk);
        assert!(doctor.enter("a").is_ok());
    }
}
