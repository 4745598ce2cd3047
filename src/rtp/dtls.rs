//! The handshake that gives both sides of a leg their keys: DTLS 1.2 with `use_srtp` (RFC 5764). The protocol is a library's
//! that knows no sockets and no clock; what is here is who may come in, how long it may take, and what it leads to.

mod provider;

use super::srtp::{MasterKey, Profile};
use crate::clock::Instant;
use dimpl::crypto::SrtpProfile;
use dimpl::{Config, Dtls, DtlsCertificate, Error, Output};
use ring::digest;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Of the whole handshake: four round trips, and each of its flights lost twice.
const HANDSHAKE_TIME: Duration = Duration::from_secs(15);
/// Browsers begin with 50 ms; a flight that is sent too early costs little.
const FLIGHT_TIME: Duration = Duration::from_millis(250);
/// 0.25 s, doubled each time, stays within the time of the handshake.
const FLIGHT_RETRIES: usize = 5;
/// Fits each network, with what tunnels take of it.
const MTU: usize = 1_200;
/// Datagrams that one association looks at in its life: a handshake has a dozen, and as many again for each flight that is
/// lost; nothing but a farewell comes afterwards.
const DATAGRAMS_MAX: u32 = 200;
/// Timers farther away are none.
const TIMER_MAX: Duration = Duration::from_secs(3_600);

/// Which certificates there are. A browser begins a new handshake where the other side's certificate is another one, and
/// only there: whoever moves a browser to another port takes the other one.
pub const CERTIFICATES: usize = 2;

/// What this process shows of itself in a handshake: certificates of its own, made when it starts. Nobody signs them: the
/// session description names them.
pub struct Identity {
    config: Arc<Config>,
    certificates: [Certificate; CERTIFICATES],
    /// The library counts from a moment of the machine's clock; which one does not matter.
    epoch: std::time::Instant,
}

#[derive(Clone)]
struct Certificate {
    pair: DtlsCertificate,
    fingerprint: Fingerprint,
}

/// Why there is no identity. Either the machine gives no random numbers, or this is built wrong.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("no certificate can be made for the media of browsers: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("the handshake for the media of browsers cannot be set up: {0}")]
    Setup(#[from] Error),
}

impl Identity {
    /// Makes the certificates. ECDSA with P-256, which all browsers take and make (RFC 8827 section 6.5).
    pub fn new(epoch: std::time::Instant) -> Result<Self, IdentityError> {
        let config = Config::builder()
            .with_crypto_provider(provider::provider())
            .dtls13_cipher_suites(&[])
            .mtu(MTU)
            .flight_start_rto(FLIGHT_TIME)
            .flight_retries(FLIGHT_RETRIES)
            .handshake_timeout(HANDSHAKE_TIME)
            .build()?;
        let certificates = [certificate()?, certificate()?];
        Ok(Identity { config: Arc::new(config), certificates, epoch })
    }

    /// Of the certificate of that number; from the last one on they begin again.
    pub fn fingerprint(&self, number: usize) -> &Fingerprint {
        &self.certificate(number).fingerprint
    }

    fn certificate(&self, number: usize) -> &Certificate {
        let [first, second] = &self.certificates;
        if number.is_multiple_of(CERTIFICATES) { first } else { second }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

fn certificate() -> Result<Certificate, IdentityError> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "cordboard");
    let der = params.self_signed(&key)?.der().to_vec();
    let fingerprint = Fingerprint::of(Hash::Sha256, &der);
    let pair = DtlsCertificate { certificate: der, private_key: key.serialize_der() };
    Ok(Certificate { pair, fingerprint })
}

/// A hash that a fingerprint may have. MD5 and SHA-1, which RFC 8122 knows too, prove nothing any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The hash of a certificate, as a session description names it (RFC 8122 section 5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    pub hash: Hash,
    pub value: Vec<u8>,
}

impl Fingerprint {
    fn of(hash: Hash, certificate: &[u8]) -> Self {
        let algorithm = match hash {
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
            Hash::Sha512 => &digest::SHA512,
        };
        Fingerprint { hash, value: digest::digest(algorithm, certificate).as_ref().to_vec() }
    }

    fn is_of(&self, certificate: &[u8]) -> bool {
        *self == Fingerprint::of(self.hash, certificate)
    }
}

/// Who begins. RFC 8842 section 5.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// The peer begins: `a=setup:passive` of ours.
    Server,
    /// We begin.
    Client,
}

/// What a handshake led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreement {
    pub profile: Profile,
    pub send: MasterKey,
    pub receive: MasterKey,
}

/// Why a handshake led to nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    #[error("the certificate of the other side is not the one that its session description names")]
    WrongCertificate,
    #[error("the other side has no protection of media that this server has")]
    NoProfile,
    #[error("the handshake was not finished in {} s", HANDSHAKE_TIME.as_secs())]
    Late,
    #[error("{0}")]
    Broken(String),
}

/// What a step of it came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It goes on, or nothing is left to do.
    Going,
    /// It is finished. Said once.
    Agreed(Box<Agreement>),
    /// It is over: the association is to be dropped.
    Failed(Failure),
}

/// One handshake, and what remains of it while a leg lives.
pub struct Association {
    dtls: Dtls,
    role: Role,
    epoch: std::time::Instant,
    fingerprints: Arc<[Fingerprint]>,
    due: Option<Instant>,
    datagrams: u32,
    is_peer_known: bool,
    agreed: Option<Box<Agreement>>,
    is_over: bool,
}

impl Association {
    /// With a peer that shows a certificate of one of these fingerprints. Whoever begins says so at the first
    /// [`Association::on_time`].
    pub fn new(
        now: Instant,
        identity: &Identity,
        certificate: usize,
        role: Role,
        fingerprints: Arc<[Fingerprint]>,
    ) -> Self {
        let (config, epoch) = (identity.config.clone(), identity.epoch);
        let pair = identity.certificate(certificate).pair.clone();
        let mut dtls = Dtls::new_12(config, pair, moment(epoch, now));
        dtls.set_active(role == Role::Client);
        Association {
            dtls,
            role,
            epoch,
            fingerprints,
            due: None,
            datagrams: 0,
            is_peer_known: false,
            agreed: None,
            is_over: false,
        }
    }

    /// Takes a datagram. `send` is called with each that is to go back.
    pub fn receive(&mut self, now: Instant, datagram: &[u8], send: &mut dyn FnMut(&[u8])) -> Outcome {
        if self.datagrams >= DATAGRAMS_MAX {
            return Outcome::Going;
        }
        self.datagrams += 1;
        let at = moment(self.epoch, now);
        self.step(now, send, |dtls| dtls.handle_timeout(at).and_then(|()| dtls.handle_packet(datagram)))
    }

    /// Does what is due, and begins where that is ours.
    pub fn on_time(&mut self, now: Instant, send: &mut dyn FnMut(&[u8])) -> Outcome {
        let at = moment(self.epoch, now);
        self.step(now, send, |dtls| dtls.handle_timeout(at))
    }

    /// When [`Association::on_time`] wants to be called next.
    pub fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_over)
    }

    fn step(
        &mut self,
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
        act: impl FnOnce(&mut Dtls) -> Result<(), Error>,
    ) -> Outcome {
        if self.is_over {
            return Outcome::Going;
        }
        // The library reads what strangers send, and this thread carries the audio of others: should it ever stand on bytes
        // that it did not expect, this handshake alone is over.
        let outcome = catch_unwind(AssertUnwindSafe(|| match act(&mut self.dtls) {
            Ok(()) => self.drain(now, send),
            Err(error) => Outcome::Failed(self.failure(&error)),
        }));
        let outcome =
            outcome.unwrap_or_else(|_| Outcome::Failed(Failure::Broken("an internal error".into())));
        let was_finished = self.agreed.is_some();
        match outcome {
            Outcome::Failed(failure) => {
                self.is_over = true;
                // What goes wrong with an association that has done its work, a farewell among it, changes nothing.
                if was_finished { Outcome::Going } else { Outcome::Failed(failure) }
            }
            Outcome::Agreed(agreement) if !was_finished => {
                self.agreed = Some(agreement.clone());
                Outcome::Agreed(agreement)
            }
            _ => Outcome::Going,
        }
    }

    /// Takes all that the library has to say.
    fn drain(&mut self, now: Instant, send: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut room = vec![0; MTU + 256];
        let (mut is_connected, mut agreement) = (false, None);
        loop {
            match self.dtls.poll_output(&mut room) {
                Output::Packet(datagram) => send(datagram),
                Output::BufferTooSmall { needed } => room.resize(needed, 0),
                Output::Timeout(at) => {
                    self.due = instant(self.epoch, at).filter(|at| at.since(now) < TIMER_MAX);
                    break;
                }
                Output::PeerCert(der) => {
                    if !self.fingerprints.iter().any(|fingerprint| fingerprint.is_of(der)) {
                        return Outcome::Failed(Failure::WrongCertificate);
                    }
                    self.is_peer_known = true;
                }
                Output::Connected => is_connected = true,
                Output::KeyingMaterial(keys, profile) => agreement = self.agreement(&keys, profile),
                _ => {}
            }
        }
        match agreement {
            Some(_) if !self.is_peer_known => Outcome::Failed(Failure::WrongCertificate),
            Some(agreement) => Outcome::Agreed(Box::new(agreement)),
            None if is_connected => Outcome::Failed(Failure::NoProfile),
            None => Outcome::Going,
        }
    }

    /// Keys of the client, keys of the server, and their salts in that order. RFC 5764 section 4.2.
    fn agreement(&self, keys: &[u8], profile: SrtpProfile) -> Option<Agreement> {
        let profile = match profile {
            SrtpProfile::AES128_CM_SHA1_80 => Profile::Tag80,
            SrtpProfile::AEAD_AES_128_GCM => Profile::Gcm128,
            SrtpProfile::AEAD_AES_256_GCM => Profile::Gcm256,
            _ => return None,
        };
        let (client_key, rest) = keys.split_at_checked(profile.key_len())?;
        let (server_key, rest) = rest.split_at_checked(profile.key_len())?;
        let (client_salt, rest) = rest.split_at_checked(profile.salt_len())?;
        let (server_salt, _) = rest.split_at_checked(profile.salt_len())?;
        let client = MasterKey::new(client_key, client_salt);
        let server = MasterKey::new(server_key, server_salt);
        let (send, receive) = match self.role {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        Some(Agreement { profile, send, receive })
    }

    fn failure(&self, error: &Error) -> Failure {
        match error {
            Error::Timeout(_) => Failure::Late,
            error => Failure::Broken(error.to_string()),
        }
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Association({:?} …)", self.role)
    }
}

/// Whether a datagram on a media socket is one of a handshake. RFC 7983 section 7.
pub fn is_dtls(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| (20..64).contains(first))
}

fn moment(epoch: std::time::Instant, at: Instant) -> std::time::Instant {
    epoch + Duration::from_micros(at.as_micros())
}

/// Rounded up, so that what is due is due.
fn instant(epoch: std::time::Instant, at: std::time::Instant) -> Option<Instant> {
    let micros = at.saturating_duration_since(epoch).as_nanos().div_ceil(1_000);
    u64::try_from(micros).ok().map(Instant::from_micros)
}

#[cfg(test)]
mod tests;
