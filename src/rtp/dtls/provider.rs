//! The cryptography of the handshake: ring's, in the shape that the DTLS library asks for. Nothing is computed here.
//!
//! The library checks all of it against known values when a configuration is built.

use aes::Aes128;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use dimpl::crypto::{
    Aad, ActiveKeyExchange, Buf, Cipher, CryptoProvider, Dtls12CipherSuite, Dtls13CipherSuite, HashAlgorithm,
    HashContext, HashProvider, HmacProvider, KeyProvider, NamedGroup, Nonce, SecureRandom,
    SignatureAlgorithm, SignatureVerifier, SigningKey, SupportedDtls12CipherSuite,
    SupportedDtls13CipherSuite, SupportedKxGroup, TmpBuf,
};
use dimpl::{CryptoError, CryptoOperation};
use ring::aead::{AES_128_GCM, AES_256_GCM, LessSafeKey, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use ring::{aead, agreement, digest, hmac, rand};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use std::fmt;

const GCM_TAG: usize = 16;

/// What a handshake is done with.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: &[&Group::X25519, &Group::P256],
        signature_verification: &Ring,
        key_provider: &Ring,
        secure_random: &Ring,
        hash_provider: &Ring,
        hmac_provider: &Ring,
        cipher_suites: &[&Suite::Aes128, &Suite::Aes256],
        dtls13_cipher_suites: &[&Suite::Aes128],
    }
}

fn failed(operation: CryptoOperation) -> CryptoError {
    CryptoError::OperationFailed(operation)
}

/// What needs no state of its own.
#[derive(Debug)]
struct Ring;

/// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256` and `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384` (RFC 5289).
#[derive(Debug)]
enum Suite {
    Aes128,
    Aes256,
}

impl Suite {
    fn cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        let algorithm = match self {
            Suite::Aes128 => &AES_128_GCM,
            Suite::Aes256 => &AES_256_GCM,
        };
        let key = UnboundKey::new(algorithm, key).map_err(|_| failed(CryptoOperation::CreateCipher))?;
        Ok(Box::new(Gcm(LessSafeKey::new(key))))
    }
}

impl SupportedDtls12CipherSuite for Suite {
    fn suite(&self) -> Dtls12CipherSuite {
        match self {
            Suite::Aes128 => Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
            Suite::Aes256 => Dtls12CipherSuite::ECDHE_ECDSA_AES256_GCM_SHA384,
        }
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        match self {
            Suite::Aes128 => HashAlgorithm::SHA256,
            Suite::Aes256 => HashAlgorithm::SHA384,
        }
    }

    fn key_lengths(&self) -> (usize, usize, usize) {
        match self {
            Suite::Aes128 => (0, 16, 4),
            Suite::Aes256 => (0, 32, 4),
        }
    }

    fn explicit_nonce_len(&self) -> usize {
        8
    }

    fn tag_len(&self) -> usize {
        GCM_TAG
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        self.cipher(key)
    }
}

/// The library wants one suite of DTLS 1.3 to be there; it is switched off in the configuration.
impl SupportedDtls13CipherSuite for Suite {
    fn suite(&self) -> Dtls13CipherSuite {
        Dtls13CipherSuite::AES_128_GCM_SHA256
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn key_len(&self) -> usize {
        16
    }

    fn iv_len(&self) -> usize {
        12
    }

    fn tag_len(&self) -> usize {
        GCM_TAG
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        self.cipher(key)
    }

    fn encrypt_sn(&self, sn_key: &[u8], sample: &[u8; 16]) -> [u8; 16] {
        let mut block = Block::<Aes128>::from(*sample);
        if let Ok(cipher) = Aes128::new_from_slice(sn_key) {
            cipher.encrypt_block(&mut block);
        }
        block.into()
    }
}

struct Gcm(LessSafeKey);

impl fmt::Debug for Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gcm(…)")
    }
}

impl Cipher for Gcm {
    fn encrypt(&mut self, plaintext: &mut Buf, aad: Aad, nonce: Nonce) -> Result<(), CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce.0);
        self.0
            .seal_in_place_append_tag(nonce, aead::Aad::from(&aad[..]), plaintext)
            .map_err(|_| failed(CryptoOperation::Encrypt))
    }

    fn decrypt(&mut self, ciphertext: &mut TmpBuf, aad: Aad, nonce: Nonce) -> Result<(), CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce.0);
        let length = self
            .0
            .open_in_place(nonce, aead::Aad::from(&aad[..]), ciphertext.as_mut())
            .map_err(|_| failed(CryptoOperation::Decrypt))?
            .len();
        ciphertext.truncate(length);
        Ok(())
    }
}

/// Curves of the key exchange.
#[derive(Debug)]
enum Group {
    X25519,
    P256,
}

impl Group {
    fn algorithm(&self) -> &'static agreement::Algorithm {
        match self {
            Group::X25519 => &X25519,
            Group::P256 => &ECDH_P256,
        }
    }
}

impl SupportedKxGroup for Group {
    fn name(&self) -> NamedGroup {
        match self {
            Group::X25519 => NamedGroup::X25519,
            Group::P256 => NamedGroup::Secp256r1,
        }
    }

    fn start_exchange(&self, mut public: Buf) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        let private = EphemeralPrivateKey::generate(self.algorithm(), &SystemRandom::new())
            .map_err(|_| failed(CryptoOperation::GenerateEphemeralKey))?;
        let computed = private.compute_public_key().map_err(|_| failed(CryptoOperation::ComputePublicKey))?;
        public.clear();
        public.extend_from_slice(computed.as_ref());
        Ok(Box::new(Exchange { group: self.name(), algorithm: self.algorithm(), private, public }))
    }
}

struct Exchange {
    group: NamedGroup,
    algorithm: &'static agreement::Algorithm,
    private: EphemeralPrivateKey,
    public: Buf,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({:?} …)", self.group)
    }
}

impl ActiveKeyExchange for Exchange {
    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn complete(self: Box<Self>, peer_pub: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        let peer = UnparsedPublicKey::new(self.algorithm, peer_pub);
        agree_ephemeral(self.private, &peer, |secret| {
            out.clear();
            out.extend_from_slice(secret);
        })
        .map_err(|_| CryptoError::InvalidPublicKey(self.group))
    }

    fn group(&self) -> NamedGroup {
        self.group
    }
}

impl SignatureVerifier for Ring {
    fn verify_signature(
        &self,
        cert_der: &[u8],
        data: &[u8],
        signature: &[u8],
        hash_alg: HashAlgorithm,
        sig_alg: SignatureAlgorithm,
    ) -> Result<(), CryptoError> {
        use webpki::ring::{ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384};
        // In DTLS 1.2 the hash and the curve are chosen apart from each other: that of the certificate fits one of the two.
        let algorithms: [&dyn SignatureVerificationAlgorithm; 2] = match (sig_alg, hash_alg) {
            (SignatureAlgorithm::ECDSA, HashAlgorithm::SHA256) => [ECDSA_P256_SHA256, ECDSA_P384_SHA256],
            (SignatureAlgorithm::ECDSA, HashAlgorithm::SHA384) => [ECDSA_P256_SHA384, ECDSA_P384_SHA384],
            _ => return Err(CryptoError::UnsupportedSignatureAlgorithm(sig_alg)),
        };
        let certificate = CertificateDer::from(cert_der);
        let certificate =
            webpki::EndEntityCert::try_from(&certificate).map_err(|_| CryptoError::CertificateParseFailed)?;
        let fits = |algorithm| certificate.verify_signature(algorithm, data, signature).is_ok();
        if algorithms.into_iter().any(fits) { Ok(()) } else { Err(failed(CryptoOperation::VerifySignature)) }
    }
}

impl KeyProvider for Ring {
    fn load_private_key(&self, key_der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key_der, &SystemRandom::new());
        Ok(Box::new(Signer(pair.map_err(|_| CryptoError::InvalidPrivateKey)?)))
    }
}

struct Signer(EcdsaKeyPair);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl SigningKey for Signer {
    fn sign(&mut self, data: &[u8], hash_alg: HashAlgorithm, out: &mut Buf) -> Result<(), CryptoError> {
        if hash_alg != HashAlgorithm::SHA256 {
            return Err(CryptoError::SigningKeyHashMismatch {
                key_hash: HashAlgorithm::SHA256,
                requested: hash_alg,
            });
        }
        let signature = self.0.sign(&SystemRandom::new(), data).map_err(|_| failed(CryptoOperation::Sign))?;
        out.clear();
        out.extend_from_slice(signature.as_ref());
        Ok(())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn supported_hash_algorithms(&self) -> &[HashAlgorithm] {
        &[HashAlgorithm::SHA256]
    }
}

impl SecureRandom for Ring {
    fn fill(&self, buf: &mut [u8]) -> Result<(), CryptoError> {
        rand::SecureRandom::fill(&SystemRandom::new(), buf).map_err(|_| failed(CryptoOperation::FillRandom))
    }
}

struct Hash(digest::Context);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

impl HashContext for Hash {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn clone_and_finalize(&self, out: &mut Buf) {
        out.clear();
        out.extend_from_slice(self.0.clone().finish().as_ref());
    }
}

impl HashProvider for Ring {
    /// Of the two hashes that the suites above have; the library asks for no other.
    fn create_hash(&self, algorithm: HashAlgorithm) -> Box<dyn HashContext> {
        let algorithm = match algorithm {
            HashAlgorithm::SHA384 => &digest::SHA384,
            _ => &digest::SHA256,
        };
        Box::new(Hash(digest::Context::new(algorithm)))
    }
}

impl HmacProvider for Ring {
    fn hmac(
        &self,
        hash: HashAlgorithm,
        key: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let algorithm = match hash {
            HashAlgorithm::SHA256 => hmac::HMAC_SHA256,
            HashAlgorithm::SHA384 => hmac::HMAC_SHA384,
            _ => return Err(CryptoError::UnsupportedHmacHash(hash)),
        };
        let tag = hmac::sign(&hmac::Key::new(algorithm, key), data);
        let place = out.get_mut(..tag.as_ref().len()).ok_or(failed(CryptoOperation::ComputeHmac))?;
        place.copy_from_slice(tag.as_ref());
        Ok(tag.as_ref().len())
    }
}
