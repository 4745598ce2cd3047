//! Digest access authentication in SIP (RFC 3261 22, RFC 7616, RFC 8760), both ways, and without `qop` where a peer knows no
//! more than RFC 2069.
//!
//! [`server::Authority`] challenges others and checks what they bring; [`client::Session`] answers those who challenge us.

mod challenge;
mod client;
mod credentials;
mod hash;
mod params;
mod server;

pub use challenge::Challenge;
pub use client::{Account, Attempt, Rejection, Session};
pub use credentials::Credentials;
pub use hash::{Algorithm, Hash, Qop};
pub use server::{Authority, Claim, Counters, Fault, Verdict};

use std::fmt;

/// A password. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Box<str>);

impl Password {
    pub fn new(text: &str) -> Self {
        Password(text.into())
    }

    /// Only for what is computed out of it.
    fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Whether two texts are the same, in a time that does not tell where they differ.
fn is_same(a: &str, b: &str) -> bool {
    let differences = a.bytes().zip(b.bytes()).fold(0, |found, (a, b)| found | (a ^ b));
    std::hint::black_box(differences) == 0 && a.len() == b.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed_and_texts_are_compared_whole() {
        assert_eq!(format!("{:?}", Password::new("open sesame")), "Password(..)");
        for (a, b, expected) in
            [("ab", "ab", true), ("ab", "ac", false), ("ab", "abc", false), ("", "", true)]
        {
            assert_eq!(is_same(a, b), expected, "{a} {b}");
        }
    }
}
