//! The assertion of the JWT bearer grant: RFC 7519 and 7523, signed with RS256 (RFC 7518 section 3.3).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

/// How long an assertion is good for, in seconds: Salesforce takes up to five minutes, and clocks differ.
const LIFETIME_S: i64 = 180;

/// A key that signs.
pub struct Key(RsaKeyPair);

impl Key {
    /// From PEM, PKCS #8 or PKCS #1. The error says what is wrong with it, without any of it.
    pub fn read(pem: &str) -> Result<Key, String> {
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| "the private key cannot be read as PEM".to_owned())?;
        let pair = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err("the private key is none for RSA".to_owned()),
        };
        pair.map(Key).map_err(|error| format!("the private key is refused: {error}"))
    }

    /// `now`: seconds since 1970.
    pub fn assertion(
        &self,
        client_id: &str,
        username: &str,
        audience: &str,
        now: i64,
    ) -> Result<String, String> {
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let claims = json!({"iss": client_id, "sub": username, "aud": audience, "exp": now + LIFETIME_S});
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| "the assertion could not be signed".to_owned())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
