//! What a leg calls itself in checks and handshakes, and what the engine is told of the peer.

use crate::ids::Random;
use crate::media::{Fingerprint, HandshakeTerms, Hash, Ice, Role};
use crate::sdp::{AgreedHandshake, FingerprintHash, LocalHandshake, Setup};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::Arc;

/// RFC 8839 section 5.4 asks for 24 bits of chance in a name, and 128 in a password; a character has six.
const UFRAG_LEN: usize = 8;
const PASSWORD_LEN: usize = 24;

/// The names of a leg, made anew for each peer and each time that checks begin again.
pub(super) struct Names {
    secret: [u8; 32],
    generation: u32,
    /// Fingerprints of the certificates that there are, and which one is shown.
    certificates: Arc<[Vec<u8>]>,
    certificate: usize,
}

impl Names {
    pub(super) fn new(certificates: &[Vec<u8>], random: &mut Random) -> Self {
        Names { secret: secret(random), generation: 0, certificates: certificates.into(), certificate: 0 }
    }

    /// Of a leg in whose place another one comes: with another certificate, so that a browser begins a new handshake.
    pub(super) fn moved(&self, random: &mut Random) -> Self {
        Names {
            secret: secret(random),
            generation: 0,
            certificates: self.certificates.clone(),
            certificate: (self.certificate + 1) % self.certificates.len().max(1),
        }
    }

    /// Checks begin again, with the same peer.
    pub(super) fn renew(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    /// What is said of ourselves; none where there are no certificates.
    pub(super) fn handshake(&self, is_offered: bool) -> Option<LocalHandshake> {
        let fingerprint = self.certificates.get(self.certificate)?.clone();
        let (ufrag, password) = self.names();
        Some(LocalHandshake { ufrag, password, fingerprint, is_offered, role: None })
    }

    /// What the engine is told.
    pub(super) fn terms(&self, agreed: &AgreedHandshake) -> HandshakeTerms {
        let (ours, password) = self.names();
        let fingerprints = agreed.fingerprints.iter().map(|fingerprint| Fingerprint {
            hash: match fingerprint.hash {
                FingerprintHash::Sha256 => Hash::Sha256,
                FingerprintHash::Sha384 => Hash::Sha384,
                FingerprintHash::Sha512 => Hash::Sha512,
            },
            value: fingerprint.value.clone(),
        });
        HandshakeTerms {
            ice: agreed.ice.as_ref().map(|(theirs, _)| Ice { ours, theirs: theirs.clone(), password }),
            role: match agreed.role {
                Setup::Active => Role::Client,
                Setup::Passive => Role::Server,
            },
            certificate: self.certificate,
            fingerprints: fingerprints.collect(),
            mux: agreed.mux,
        }
    }

    fn names(&self) -> (String, String) {
        // A key of any length is taken.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret)
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
        mac.update(&self.generation.to_be_bytes());
        let mut text = STANDARD_NO_PAD.encode(mac.finalize().into_bytes());
        let mut password = text.split_off(UFRAG_LEN.min(text.len()));
        password.truncate(PASSWORD_LEN);
        (text, password)
    }
}

/// Of the source of randomness that tags have, too: nobody guesses what it gives.
fn secret(random: &mut Random) -> [u8; 32] {
    let mut secret = [0; 32];
    for part in secret.chunks_mut(8) {
        part.copy_from_slice(&random.next_u64().to_be_bytes());
    }
    secret
}
