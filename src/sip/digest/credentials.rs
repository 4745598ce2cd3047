//! Credentials: Authorization and Proxy-Authorization (RFC 7616 3.4).

use super::hash::{Algorithm, Qop};
use super::params::{self, push_quoted, push_token};

/// Longest value taken of a peer: names and URIs of people fit, and a nonce of ours has 64 characters.
const VALUE_BYTES_MAX: usize = 1_024;

/// One Digest answer. Texts stand as they are between the quotes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    pub username: String,
    pub realm: String,
    pub nonce: String,
    pub uri: String,
    /// Hexadecimal digits as they came.
    pub response: String,
    pub algorithm: Algorithm,
    pub opaque: Option<String>,
    /// With `qop`: which, the eight hexadecimal digits of `nc`, and the cnonce.
    pub protection: Option<Protection>,
    /// `username` is a hash of the name (RFC 7616 3.4.4).
    pub has_userhash: bool,
}

/// What comes with `qop`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protection {
    pub qop: Qop,
    pub nc: u32,
    pub cnonce: String,
}

impl Credentials {
    /// The first Digest credentials of one header value; none where there are none that are whole.
    pub fn read(value: &str) -> Option<Credentials> {
        let schemes = params::read(value)?;
        let scheme = schemes.iter().find(|scheme| scheme.is_digest())?;
        let text = |name: &str| scheme.get(name).filter(|v| v.len() <= VALUE_BYTES_MAX).map(str::to_owned);
        let protection = match scheme.get("qop") {
            Some(qop) => Some(Protection {
                qop: Qop::read(qop)?,
                nc: nonce_count(scheme.get("nc")?)?,
                cnonce: text("cnonce")?,
            }),
            None if scheme.has("qop") => return None,
            None => None,
        };
        Some(Credentials {
            username: text("username")?,
            realm: text("realm")?,
            nonce: text("nonce")?,
            uri: text("uri")?,
            response: text("response")?,
            algorithm: Algorithm::read(scheme.get("algorithm"))?,
            opaque: text("opaque"),
            protection,
            has_userhash: scheme.get("userhash").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }

    /// As the value of a header. `qop` and `nc` go without quotes (RFC 7616 3.4).
    pub fn write(&self) -> String {
        let mut text = String::with_capacity(300);
        push_quoted(&mut text, "username", &self.username);
        push_quoted(&mut text, "realm", &self.realm);
        push_quoted(&mut text, "nonce", &self.nonce);
        push_quoted(&mut text, "uri", &self.uri);
        push_quoted(&mut text, "response", &self.response);
        push_token(&mut text, "algorithm", self.algorithm.as_str());
        if let Some(Protection { qop, nc, cnonce }) = &self.protection {
            push_quoted(&mut text, "cnonce", cnonce);
            push_token(&mut text, "qop", qop.as_str());
            push_token(&mut text, "nc", &format!("{nc:08x}"));
        }
        if let Some(opaque) = &self.opaque {
            push_quoted(&mut text, "opaque", opaque);
        }
        text
    }
}

/// `nc`: eight hexadecimal digits, from one on.
fn nonce_count(text: &str) -> Option<u32> {
    let is_hex = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|count| is_hex && *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"Digest username="bob", realm="r", nonce="n", uri="sip:r", response="0a", algorithm=MD5, cnonce="c", qop=auth, nc=0000000a, opaque="o""#;

    #[test]
    fn credentials_are_read_and_written() {
        let read = Credentials::read(GOOD).unwrap();
        assert_eq!(read.protection.as_ref().map(|p| (p.qop, p.nc)), Some((Qop::Auth, 10)));
        assert_eq!(read.write(), GOOD);
        let old = r#"Digest username="bob",realm="r",nonce="n",uri="sip:r",response="0a",unknown=x"#;
        assert_eq!(Credentials::read(old).map(|c| c.protection), Some(None));
    }

    #[test]
    fn what_is_broken_is_none() {
        for (from, to) in [
            ("nc=0000000a", "nc=a"),
            ("nc=0000000a", "nc=00000000"),
            ("nc=0000000a", "nc=+000000a"),
            ("nc=0000000a, ", ""),
            ("qop=auth", "qop=x"),
            ("cnonce=\"c\", ", ""),
            ("username=\"bob\", ", ""),
            ("algorithm=MD5", "algorithm=x"),
            ("Digest", "Basic"),
            ("realm=\"r\"", "realm=\"r\", realm=\"s\""),
        ] {
            assert_eq!(Credentials::read(&GOOD.replacen(from, to, 1)), None, "{to}");
        }
        let long = GOOD.replacen("bob", &"b".repeat(VALUE_BYTES_MAX + 1), 1);
        assert_eq!(Credentials::read(&long), None);
    }
}
