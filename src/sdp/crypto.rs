//! Keys of a secure stream in its description: `a=crypto` (RFC 4568).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Key and salt of the suites that are known, in bytes.
pub const KEY_AND_SALT: usize = 30;
/// Lines of one stream that are looked at: telephones offer two to eight suites.
const LINES_MAX: usize = 16;

/// A suite that we have, the better one first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Suite {
    AesCm128HmacSha1_80,
    AesCm128HmacSha1_32,
}

impl Suite {
    pub const ALL: [Suite; 2] = [Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32];

    /// RFC 4568 section 6.2.
    pub fn name(self) -> &'static str {
        match self {
            Suite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }
}

/// A key with its salt. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyAndSalt(pub [u8; KEY_AND_SALT]);

impl fmt::Debug for KeyAndSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyAndSalt(…)")
    }
}

/// Whether a stream is to be protected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Wish {
    /// Where the peer offers it; we offer none.
    #[default]
    AsOffered,
    /// Never.
    Off,
    /// Where the peer can: we offer keys with a stream that may stay plain (RFC 8643).
    Prefer,
    /// Always.
    Require,
}

/// What we protect a stream with, if it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protection {
    pub wish: Wish,
    /// Our key for each suite, in the order of [`Suite::ALL`]: none is used with two.
    pub keys: [KeyAndSalt; 2],
}

impl Default for Protection {
    /// Nothing is protected, so that nobody relies on keys that all know.
    fn default() -> Self {
        let none = || KeyAndSalt([0; KEY_AND_SALT]);
        Protection { wish: Wish::Off, keys: [none(), none()] }
    }
}

impl Protection {
    /// Our line with the key for a suite.
    pub fn line(&self, tag: u32, suite: Suite) -> Crypto {
        let [first, second] = &self.keys;
        let key = if suite == Suite::AesCm128HmacSha1_80 { first } else { second };
        Crypto { tag, suite, key_and_salt: key.0 }
    }
}

/// What both sides protect a stream with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protected {
    pub suite: Suite,
    pub ours: KeyAndSalt,
    pub theirs: KeyAndSalt,
}

impl Protected {
    pub fn of(ours: &Crypto, theirs: &Crypto) -> Self {
        let key = |crypto: &Crypto| KeyAndSalt(crypto.key_and_salt);
        Protected { suite: theirs.suite, ours: key(ours), theirs: key(theirs) }
    }
}

/// One line. It is never shown whole: whoever has the key can listen.
#[derive(Clone, PartialEq, Eq)]
pub struct Crypto {
    /// 1 to 9 digits: an answer has that of the line it takes.
    pub tag: u32,
    pub suite: Suite,
    pub key_and_salt: [u8; KEY_AND_SALT],
}

impl fmt::Debug for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crypto({} {} …)", self.tag, self.suite.name())
    }
}

impl Crypto {
    /// The value of the attribute, with the key. Neither lifetime nor MKI are written: both are optional, and some carriers
    /// refuse an MKI.
    pub fn line(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite.name(), STANDARD.encode(self.key_and_salt))
    }

    /// Reads a value. None where we do not have its suite, it wants something that we do not have (an MKI, a parameter of the
    /// session other than a hint), or it is malformed: another line may do.
    pub fn parse(value: &str) -> Option<Crypto> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| (1..=9).contains(&tag.len()))?.parse().ok()?;
        let suite = words.next()?;
        let suite = Suite::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(suite))?;
        let keys = words.next()?;
        // A hint of how many packets may come late; all else changes what the packets are.
        if words.any(|parameter| !parameter.starts_with("WSH=")) {
            return None;
        }
        // Several keys are told apart by MKIs.
        let inline = keys.strip_prefix("inline:").filter(|rest| !rest.contains(';'))?;
        let mut parts = inline.split('|');
        let key = STANDARD.decode(parts.next()?).ok()?;
        // A lifetime is 2^31 or a number of packets: more than any call has. What has a colon is an MKI.
        if parts.any(|part| part.contains(':')) {
            return None;
        }
        Some(Crypto { tag, suite, key_and_salt: key.try_into().ok()? })
    }

    /// The first of an offer's lines that we have (RFC 4568 section 5.1.2: in the order of the offerer's preference).
    pub fn first_of<'a>(values: impl Iterator<Item = &'a str>) -> Option<Crypto> {
        values.take(LINES_MAX).find_map(Crypto::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn a_line_is_read_and_written_again() {
        let read = Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")).unwrap();
        assert_eq!((read.tag, read.suite), (1, Suite::AesCm128HmacSha1_80));
        assert_eq!(read.line(), format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"));
        assert!(!format!("{read:?}").contains("WVN"), "a key is never shown");
    }

    #[test]
    fn a_lifetime_and_a_hint_are_taken_and_what_changes_the_packets_is_not() {
        for (rest, is_taken) in [
            ("|2^31", true),
            ("|2^20", true),
            ("|1048576", true),
            ("|2^31 WSH=128", true),
            ("|2^20|1:4", false),
            ("|1:1", false),
            (" UNENCRYPTED_SRTP", false),
            (" KDR=1", false),
            (" FEC_ORDER=FEC_SRTP", false),
        ] {
            let value = format!("2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}{rest}");
            assert_eq!(Crypto::parse(&value).is_some(), is_taken, "{rest}");
        }
    }

    #[test]
    fn malformed_lines_are_none() {
        for value in [
            "",
            "1",
            "1 AES_CM_128_HMAC_SHA1_80",
            "x AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1234567890 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1 AES_256_CM_HMAC_SHA1_80 inline:AAAA",
            "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1 AES_CM_128_HMAC_SHA1_80 inline:!!!!",
            "1 AES_CM_128_HMAC_SHA1_80 uri:https://x",
        ] {
            assert_eq!(Crypto::parse(value), None, "{value}");
        }
        let two = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4;inline:{KEY}|2^20|2:4");
        assert_eq!(Crypto::parse(&two), None);
    }

    #[test]
    fn the_first_line_that_we_have_is_taken() {
        let lines = [
            format!("1 AEAD_AES_256_GCM inline:{KEY}"),
            format!("2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
            format!("3 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        ];
        assert_eq!(Crypto::first_of(lines.iter().map(String::as_str)).unwrap().tag, 2);
        let many = vec!["1 NO inline:x"; 1_000];
        assert_eq!(Crypto::first_of(many.into_iter()), None);
    }
}
