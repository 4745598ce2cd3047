//! What is computed: A1, A2 and the response (RFC 7616 3.4.1 to 3.4.3).

use super::Password;
use crate::ids::hex;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// The hash functions of RFC 8760, the stronger the greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

impl Hash {
    /// In hexadecimal digits, the parts joined by colons.
    pub(super) fn of(self, parts: &[&str]) -> String {
        let text = parts.join(":");
        match self {
            Hash::Md5 => hex(&Md5::digest(text.as_bytes())),
            Hash::Sha256 => hex(&Sha256::digest(text.as_bytes())),
            Hash::Sha512_256 => hex(&Sha512_256::digest(text.as_bytes())),
        }
    }
}

/// The `algorithm` of a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Algorithm {
    pub hash: Hash,
    /// `-sess`: A1 holds the nonce and the cnonce of the first request.
    pub is_session: bool,
}

const ALGORITHMS: [(&str, Algorithm); 6] = [
    ("MD5", Algorithm { hash: Hash::Md5, is_session: false }),
    ("MD5-sess", Algorithm { hash: Hash::Md5, is_session: true }),
    ("SHA-256", Algorithm { hash: Hash::Sha256, is_session: false }),
    ("SHA-256-sess", Algorithm { hash: Hash::Sha256, is_session: true }),
    ("SHA-512-256", Algorithm { hash: Hash::Sha512_256, is_session: false }),
    ("SHA-512-256-sess", Algorithm { hash: Hash::Sha512_256, is_session: true }),
];

impl Algorithm {
    /// MD5 where the parameter is missing. None where it is one that we do not know: then the challenge is to be passed over
    /// (RFC 7616 3.3).
    pub fn read(text: Option<&str>) -> Option<Self> {
        let text = text.unwrap_or("MD5");
        ALGORITHMS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, algorithm)| *algorithm)
    }

    pub fn as_str(self) -> &'static str {
        ALGORITHMS.iter().find(|(_, algorithm)| *algorithm == self).map_or("MD5", |(name, _)| name)
    }
}

/// How much of a request is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Qop {
    Auth,
    /// With the body.
    AuthInt,
}

impl Qop {
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("auth") {
            Some(Qop::Auth)
        } else if text.eq_ignore_ascii_case("auth-int") {
            Some(Qop::AuthInt)
        } else {
            None
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }
}

/// What goes into a response beside the password.
pub(super) struct Input<'a> {
    pub algorithm: Algorithm,
    pub username: &'a str,
    pub realm: &'a str,
    pub nonce: &'a str,
    /// Of `-sess` and of `qop`.
    pub cnonce: &'a str,
    /// With `qop=auth`: the eight digits of `nc` as they are on the wire. None is RFC 2069.
    pub nc: Option<&'a str>,
    pub method: &'a str,
    pub uri: &'a str,
}

/// The value of `response`, in lower case.
pub(super) fn response(input: &Input<'_>, password: &Password) -> String {
    let Input { algorithm: Algorithm { hash, is_session }, nonce, cnonce, .. } = *input;
    let mut a1 = hash.of(&[input.username, input.realm, password.reveal()]);
    if is_session {
        a1 = hash.of(&[&a1, nonce, cnonce]);
    }
    let a2 = hash.of(&[input.method, input.uri]);
    match input.nc {
        Some(nc) => hash.of(&[&a1, nonce, nc, cnonce, Qop::Auth.as_str(), &a2]),
        None => hash.of(&[&a1, nonce, &a2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC_7616_NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const RFC_7616_CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn compute(
        algorithm: &str,
        user: [&str; 3],
        nonce: &str,
        cnonce: &str,
        nc: Option<&str>,
        uri: &str,
    ) -> String {
        let [username, realm, password] = user;
        let algorithm = Algorithm::read(Some(algorithm)).unwrap();
        let input = Input { algorithm, username, realm, nonce, cnonce, nc, method: "GET", uri };
        response(&input, &Password::new(password))
    }

    #[test]
    fn the_vectors_of_the_rfcs_come_out() {
        let nc = Some("00000001");
        let mufasa_2069 = ["Mufasa", "testrealm@host.com", "CircleOfLife"];
        let mufasa_2617 = ["Mufasa", "testrealm@host.com", "Circle Of Life"];
        let mufasa_7616 = ["Mufasa", "http-auth@example.org", "Circle of Life"];
        let (nonce_2617, index) = ("dcd98b7102dd2f0e8b11d0f600bfb0c093", "/dir/index.html");
        // RFC 2069 2.4 as its erratum 749 has it.
        assert_eq!(
            compute("MD5", mufasa_2069, nonce_2617, "", None, index),
            "1949323746fe6a43ef61f9606e7febea"
        );
        // RFC 2617 3.5.
        assert_eq!(
            compute("MD5", mufasa_2617, nonce_2617, "0a4f113b", nc, index),
            "6629fae49393a05397450978507c4ef1"
        );
        // RFC 7616 3.9.1.
        assert_eq!(
            compute("MD5", mufasa_7616, RFC_7616_NONCE, RFC_7616_CNONCE, nc, index),
            "8ca523f5e9506fed4657c9700eebdbec"
        );
        assert_eq!(
            compute("SHA-256", mufasa_7616, RFC_7616_NONCE, RFC_7616_CNONCE, nc, index),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn the_sess_variants_hash_a1_once_more_with_both_nonces() {
        let user = ["Mufasa", "http-auth@example.org", "Circle of Life"];
        for (name, hash) in [("MD5", Hash::Md5), ("SHA-256", Hash::Sha256), ("SHA-512-256", Hash::Sha512_256)]
        {
            let a1 = hash.of(&[&hash.of(&user), "n", "c"]);
            let expected = hash.of(&[&a1, "n", "00000002", "c", "auth", &hash.of(&["GET", "/"])]);
            let computed = compute(&format!("{name}-sess"), user, "n", "c", Some("00000002"), "/");
            assert_eq!(computed, expected, "{name}");
            assert_ne!(computed, compute(name, user, "n", "c", Some("00000002"), "/"));
        }
    }

    #[test]
    fn sha_512_256_is_that_of_fips_180_and_not_half_of_sha_512() {
        // The digest of "abc", FIPS 180-4's example.
        let expected = "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23";
        assert_eq!(Hash::Sha512_256.of(&["abc"]), expected);
    }

    #[test]
    fn algorithms_are_read_in_any_case_and_printed_as_registered() {
        for (name, algorithm) in ALGORITHMS {
            assert_eq!(Algorithm::read(Some(&name.to_lowercase())), Some(algorithm));
            assert_eq!(algorithm.as_str(), name);
        }
        assert_eq!(Algorithm::read(None).map(Algorithm::as_str), Some("MD5"));
        assert_eq!(Algorithm::read(Some("AKAv1-MD5")), None);
        assert!(Hash::Md5 < Hash::Sha256 && Hash::Sha256 < Hash::Sha512_256);
    }
}
