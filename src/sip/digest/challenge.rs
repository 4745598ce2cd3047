//! Challenges: WWW-Authenticate and Proxy-Authenticate (RFC 7616 3.3, RFC 8760 2).

use super::hash::{Algorithm, Qop};
use super::params::{self, push_quoted, push_token};

/// One Digest challenge. Texts stand as they are between the quotes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    pub realm: String,
    pub nonce: String,
    pub opaque: Option<String>,
    /// The nonce of the request was too old, its credentials were right.
    pub is_stale: bool,
    pub algorithm: Algorithm,
    /// What is offered, in the order of the peer; empty where RFC 2069 is all it knows.
    pub qop: Vec<Qop>,
}

impl Challenge {
    /// The Digest challenges of one header value that can be answered: those of another scheme, with an algorithm or only
    /// `qop` values that we do not know, and without realm or nonce are passed over.
    pub fn read_all(value: &str) -> Vec<Challenge> {
        let schemes = params::read(value).unwrap_or_default();
        schemes.iter().filter(|scheme| scheme.is_digest()).filter_map(Self::of).collect()
    }

    fn of(scheme: &params::Scheme<'_>) -> Option<Challenge> {
        let algorithm = Algorithm::read(scheme.get("algorithm"))?;
        let offered = scheme.get("qop").filter(|text| !text.trim().is_empty());
        let qop: Vec<Qop> = offered.iter().flat_map(|text| text.split(',')).filter_map(Qop::read).collect();
        if scheme.has("qop") && offered.is_some() && qop.is_empty() {
            return None;
        }
        Some(Challenge {
            realm: scheme.get("realm")?.to_owned(),
            nonce: scheme.get("nonce").filter(|nonce| !nonce.is_empty())?.to_owned(),
            opaque: scheme.get("opaque").map(str::to_owned),
            is_stale: scheme.get("stale").is_some_and(|value| value.eq_ignore_ascii_case("true")),
            algorithm,
            qop,
        })
    }

    /// Whether we can answer it: `auth-int` alone we cannot, since a body is put together after the headers; `-sess` without
    /// `qop` nobody can, since the peer would not learn the cnonce.
    pub fn is_answerable(&self) -> bool {
        self.qop.contains(&Qop::Auth) || (self.qop.is_empty() && !self.algorithm.is_session)
    }

    /// As the value of a header.
    pub fn write(&self) -> String {
        let mut text = String::with_capacity(200);
        push_quoted(&mut text, "realm", &self.realm);
        push_quoted(&mut text, "nonce", &self.nonce);
        if let Some(opaque) = &self.opaque {
            push_quoted(&mut text, "opaque", opaque);
        }
        if self.is_stale {
            push_token(&mut text, "stale", "true");
        }
        push_token(&mut text, "algorithm", self.algorithm.as_str());
        if !self.qop.is_empty() {
            let qop: Vec<_> = self.qop.iter().map(|qop| qop.as_str()).collect();
            push_quoted(&mut text, "qop", &qop.join(","));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_and_those_that_nobody_can_answer_are_passed_over() {
        for (text, expected) in [
            (r#"Digest realm="r", nonce="n""#, "r n MD5 []"),
            (
                r#"Digest realm="r",nonce="n",stale=TRUE,algorithm="sha-256",qop="auth-int, AUTH,x",domain="sip:a",charset=UTF-8,new=1"#,
                "r n SHA-256 [AuthInt, Auth] stale",
            ),
            (r#"Basic realm="r", Digest realm="s", nonce="n", qop="auth""#, "s n MD5 [Auth]"),
            (r#"Digest realm="r", nonce="n", qop="""#, "r n MD5 []"),
            (r#"Digest realm="r", nonce="n", qop="x""#, ""),
            (r#"Digest realm="r", nonce="n", algorithm=AKAv1-MD5"#, ""),
            (r#"Digest realm="r", nonce="""#, ""),
            (r#"Digest nonce="n""#, ""),
            (r#"Basic realm="r""#, ""),
        ] {
            let shown: Vec<_> = Challenge::read_all(text)
                .iter()
                .map(|c| {
                    let stale = if c.is_stale { " stale" } else { "" };
                    format!("{} {} {} {:?}{stale}", c.realm, c.nonce, c.algorithm.as_str(), c.qop)
                })
                .collect();
            assert_eq!(shown.join(";"), expected, "{text}");
        }
    }

    #[test]
    fn a_challenge_that_is_written_is_read_back() {
        let challenge = Challenge {
            realm: "a b".into(),
            nonce: "n=".into(),
            opaque: Some("o".into()),
            is_stale: true,
            algorithm: Algorithm::read(Some("SHA-512-256-sess")).unwrap(),
            qop: vec![Qop::Auth, Qop::AuthInt],
        };
        assert_eq!(Challenge::read_all(&challenge.write()), [challenge]);
    }
}
