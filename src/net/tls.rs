//! TLS of SIP: certificates and keys as files, read again when they change; whom we believe, and whom we show what.
//!
//! TLS 1.2 and 1.3, no older ones. No ALPN is offered or asked for: some carriers refuse the name `sip`.

mod certificate;
mod noting;
mod words;

pub use certificate::{Facts, facts};
pub use noting::Shown;
pub use words::{in_words, remedy};

use crate::clock::{SystemClock, Wall};
use crate::config::{ClientCertificates, Identity, Listen, Tls as TlsConfig, TlsServer};
use crate::sip::ListenerId;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked whether a file has changed: whoever renews a certificate has days, and a look is a `stat`.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A certificate that ends within this is warned of at each load: renewal by ACME comes 30 days before.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);

/// Why a certificate, a key or the authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{} holds no certificate in PEM", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key in PEM (PKCS #8, PKCS #1 or SEC1, without a passphrase)", path.display())]
    NoKey { path: PathBuf },
    #[error("the certificate in {} and the key in {} do not belong together", identity.certificate.display(), identity.private_key.display())]
    Mismatch { identity: Identity },
    #[error("the certificate in {} ended at {ended}: renew it", path.display())]
    Ended { path: PathBuf, ended: Wall },
    #[error("{} cannot be used: {error}", path.display())]
    Unusable { path: PathBuf, error: String },
    #[error("there are no settings for TLS named \"{0}\"")]
    UnknownSettings(String),
}

/// What a connection of ours works with, by files; a trunk may have its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientFiles {
    /// Whose certificates are believed; else the system's authorities, or Mozilla's where the system has none.
    pub ca: Option<PathBuf>,
    /// What is shown to a server that asks.
    pub identity: Option<Identity>,
}

/// All TLS of the process. Cloning shares it.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: Files,
    clock: SystemClock,
    now: Mutex<Loaded>,
}

/// Where everything comes from.
struct Files {
    /// By [`ListenerId`].
    servers: Vec<Option<TlsServer>>,
    client: ClientFiles,
    /// Of trunks, by the name of the settings.
    named: Vec<(Box<str>, ClientFiles)>,
}

/// What handshakes that begin now go by.
struct Loaded {
    servers: Vec<Option<Arc<ServerConfig>>>,
    client: Client,
    named: HashMap<Box<str>, Client>,
    /// Each certificate of ours, and when it ends, in Unix seconds.
    ends: Vec<(PathBuf, u64)>,
    /// What the files looked like; a renewed one differs.
    looks: Vec<Look>,
}

/// What a connection of ours goes by, and who decides there whether a certificate is believed.
#[derive(Clone)]
struct Client {
    config: Arc<ClientConfig>,
    verifier: Arc<WebPkiServerVerifier>,
}

/// Size and time of change, in nanoseconds.
type Look = Option<(u64, i128)>;

impl Tls {
    /// Reads all files. A certificate that has ended is used all the same, and warned of: not every peer looks.
    pub fn load(config: &TlsConfig, listen: &[Listen], clock: SystemClock) -> Result<Self, TlsError> {
        let servers = listen.iter().map(|one| one.tls.clone()).collect();
        let client = ClientFiles { ca: config.ca.clone(), identity: config.identity.clone() };
        let named = config.clients.iter().map(|one| {
            let files = ClientFiles { ca: one.ca.clone(), identity: one.identity.clone() };
            (one.name.as_str().into(), files)
        });
        let files = Files { servers, client, named: named.collect() };
        let loaded = files.load()?;
        warn_of_ends(&loaded.ends, clock.now().wall);
        Ok(Tls(Arc::new(Inner { files, clock, now: Mutex::new(loaded) })))
    }

    /// What a listener shows and asks for; none where it speaks no TLS.
    pub fn server(&self, listener: ListenerId) -> Option<Arc<ServerConfig>> {
        self.loaded().servers.get(usize::from(listener.0)).cloned().flatten()
    }

    /// What a connection of ours goes by: `[tls]`, or the `[[tls.client]]` of that name.
    pub fn client(&self, settings: Option<&str>) -> Result<Arc<ClientConfig>, TlsError> {
        self.client_of(settings).map(|client| client.config)
    }

    /// As [`Tls::client`], for one handshake whose certificates are wanted, whether they are believed or not.
    pub fn noting_client(&self, settings: Option<&str>) -> Result<(Arc<ClientConfig>, Shown), TlsError> {
        let Client { config, verifier } = self.client_of(settings)?;
        Ok(noting::config(&config, verifier))
    }

    fn client_of(&self, settings: Option<&str>) -> Result<Client, TlsError> {
        let Some(name) = settings else { return Ok(self.loaded().client.clone()) };
        self.loaded().named.get(name).cloned().ok_or_else(|| TlsError::UnknownSettings(name.to_owned()))
    }

    /// Each certificate of ours, and when it ends, in Unix seconds.
    pub fn ends(&self) -> Vec<(PathBuf, u64)> {
        self.loaded().ends.clone()
    }

    /// A certificate of ours that has ended.
    pub fn ended(&self) -> Option<PathBuf> {
        let now = u64::try_from(self.0.clock.now().wall.timestamp().as_second()).unwrap_or(0);
        self.ends().into_iter().find(|(_, ends)| *ends <= now).map(|(path, _)| path)
    }

    /// Reads all files anew; where anything is wrong with any, all stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let loaded = self.0.files.load()?;
        let now = self.0.clock.now().wall;
        for (path, ends) in &loaded.ends {
            let ends = i64::try_from(*ends).ok().map(Wall::from_unix_seconds);
            if let Some(ended) = ends.filter(|ends| *ends <= now) {
                return Err(TlsError::Ended { path: path.clone(), ended });
            }
        }
        warn_of_ends(&loaded.ends, now);
        *self.loaded() = loaded;
        Ok(())
    }

    /// Reloads whenever a file has changed, for as long as the runtime lives.
    pub async fn watch(self) {
        if self.0.files.all().is_empty() {
            return;
        }
        // Of a change that could not be used: said once, not every ten seconds.
        let mut refused = None;
        let mut tick = tokio::time::interval(LOOK_EVERY);
        loop {
            tick.tick().await;
            let looks = self.0.files.looks();
            if looks == self.loaded().looks || refused.as_ref() == Some(&looks) {
                continue;
            }
            refused = (!self.reload_and_say()).then_some(looks);
        }
    }

    /// The same as [`Tls::reload`], with what came of it in the log. False where all stays as it was.
    pub fn reload_and_say(&self) -> bool {
        match self.reload() {
            Ok(()) if self.0.files.all().is_empty() => true,
            Ok(()) => {
                tracing::info!("certificates were read anew: connections that begin now get them");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the certificates that were there before are used on");
                false
            }
        }
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, Loaded> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn load(&self) -> Result<Loaded, TlsError> {
        // Before the files, so that what changes meanwhile is seen as a change.
        let looks = self.looks();
        let servers = self.servers.iter().map(|server| server.as_ref().map(server_config).transpose());
        let servers = servers.collect::<Result<_, _>>()?;
        let client = client_config(&self.client)?;
        let named = self.named.iter().map(|(name, files)| Ok((name.clone(), client_config(files)?)));
        let named = named.collect::<Result<_, TlsError>>()?;
        let mut ends: Vec<(PathBuf, u64)> = Vec::new();
        for Identity { certificate, .. } in self.identities() {
            let known = ends.iter().any(|(path, _)| path == certificate);
            let at = certificate::ends(&read_chain(certificate)?).filter(|_| !known);
            ends.extend(at.map(|at| (certificate.clone(), at)));
        }
        Ok(Loaded { servers, client, named, ends, looks })
    }

    fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.servers
            .iter()
            .flatten()
            .map(|server| &server.identity)
            .chain(self.clients().filter_map(|files| files.identity.as_ref()))
    }

    /// What all connections go by that we open.
    fn clients(&self) -> impl Iterator<Item = &ClientFiles> {
        std::iter::once(&self.client).chain(self.named.iter().map(|(_, files)| files))
    }

    fn all(&self) -> Vec<&Path> {
        let of_identities = self.identities().flat_map(|i| [&i.certificate, &i.private_key]);
        let of_clients = self.servers.iter().flatten().filter_map(|server| match &server.clients {
            ClientCertificates::Optional { ca } | ClientCertificates::Required { ca } => Some(ca),
            ClientCertificates::NotAsked => None,
        });
        of_identities
            .chain(of_clients)
            .chain(self.clients().filter_map(|files| files.ca.as_ref()))
            .map(PathBuf::as_path)
            .collect()
    }

    fn looks(&self) -> Vec<Look> {
        use std::os::unix::fs::MetadataExt;
        let look = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            let nanoseconds =
                i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
            Some((metadata.len(), nanoseconds))
        };
        self.all().into_iter().map(look).collect()
    }
}

fn warn_of_ends(ends: &[(PathBuf, u64)], now: Wall) {
    for (path, ends) in ends {
        let Ok(at) = i64::try_from(*ends) else { continue };
        let (left, ends, file) =
            (at - now.timestamp().as_second(), Wall::from_unix_seconds(at), path.display());
        if left <= 0 {
            tracing::error!(%file, ended = %ends, "a certificate has ended: peers that look refuse us; renew it");
        } else if left < ENDS_SOON.as_secs() as i64 {
            tracing::warn!(%file, %ends, "a certificate ends soon: renew it");
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn server_config(server: &TlsServer) -> Result<Arc<ServerConfig>, TlsError> {
    let identity = &server.identity;
    let (chain, key) = read_identity(identity)?;
    let unusable = |path: &Path, error: String| TlsError::Unusable { path: path.to_owned(), error };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&identity.certificate, error.to_string()))?;
    let builder = match &server.clients {
        ClientCertificates::NotAsked => builder.with_no_client_auth(),
        ClientCertificates::Optional { ca } | ClientCertificates::Required { ca } => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(read_roots(ca)?), provider());
            let is_optional = matches!(server.clients, ClientCertificates::Optional { .. });
            let verifier = if is_optional { verifier.allow_unauthenticated() } else { verifier };
            let verifier = verifier.build().map_err(|error| unusable(ca, error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(chain, key).map(Arc::new).map_err(|error| identity_error(identity, &error))
}

fn client_config(files: &ClientFiles) -> Result<Client, TlsError> {
    let (path, roots) = match &files.ca {
        Some(path) => (path.clone(), read_roots(path)?),
        None => (PathBuf::from("the system's authorities"), system_roots()),
    };
    let unusable = |error: String| TlsError::Unusable { path: path.clone(), error };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
    let verifier = verifier.build().map_err(|error| unusable(error.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_webpki_verifier(verifier.clone());
    let config = match &files.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = read_identity(identity)?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|error| identity_error(identity, &error))?
        }
    };
    Ok(Client { config: Arc::new(config), verifier })
}

fn identity_error(identity: &Identity, error: &rustls::Error) -> TlsError {
    match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { identity: identity.clone() },
        error => TlsError::Unusable { path: identity.certificate.clone(), error: error.to_string() },
    }
}

fn read_identity(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let key = read(&identity.private_key)?;
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| TlsError::NoKey { path: identity.private_key.clone() })?;
    Ok((read_chain(&identity.certificate)?, key))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    chain.ok().filter(|c| !c.is_empty()).ok_or_else(|| TlsError::NoCertificate { path: path.to_owned() })
}

fn read_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(read_chain(path)?);
    if added == 0 {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(roots)
}

/// The authorities of the operating system, or Mozilla's as they were when this was built.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are read at start and when they change, beside calls"
)]
fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests;
