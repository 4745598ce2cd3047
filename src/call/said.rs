//! What a peer's final response says, for people: its code, its words, and what it adds in Warning or Reason.

use super::switchboard::printable;
use crate::sip::cause::Reason;
use crate::sip::message::{Response, reason_phrase};
use std::fmt;

/// Characters of each part that are kept: a sentence.
const CHARS_MAX: usize = 160;

/// A final response in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    pub code: u16,
    /// The peer's own words, else the usual ones.
    pub phrase: String,
    /// The text of its Warning (RFC 3261 section 20.43), else what its Reason says (RFC 3326).
    pub more: Option<String>,
}

impl Said {
    pub fn of(response: &Response) -> Self {
        let own = printable(response.reason().trim(), CHARS_MAX);
        let phrase = if own.is_empty() { reason_phrase(response.code()).to_owned() } else { own };
        let warning = response.headers("Warning").find_map(warning_text);
        let more = warning.or_else(|| Reason::of(response.head()).remark());
        let more = more.filter(|more| !more.eq_ignore_ascii_case(&phrase));
        Said { code: response.code(), phrase, more }
    }
}

/// The text as a sentence begins.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// As in `403 Forbidden ("no more channels")`.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.phrase)?;
        match &self.more {
            Some(more) => write!(f, " (\"{more}\")"),
            None => Ok(()),
        }
    }
}

/// Of `399 host "text"`.
fn warning_text(value: &str) -> Option<String> {
    let (_, quoted) = value.split_once('"')?;
    let text = printable(quoted.rsplit_once('"').map_or(quoted, |(text, _)| text).trim(), CHARS_MAX);
    Some(text.replace('"', "'")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::{Message, parse_datagram};

    fn said(first: &str, more: &str) -> String {
        let text = format!(
            "SIP/2.0 {first}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n\
             Call-ID: x\r\nCSeq: 1 INVITE\r\n{more}Content-Length: 0\r\n\r\n"
        );
        match parse_datagram(text.as_bytes()) {
            Some(Ok(Message::Response(response))) => Said::of(&response).to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_peer_says_is_its_code_its_words_and_what_it_adds_once() {
        for (first, more, expected) in [
            ("404 No Such Number", "", "404 No Such Number"),
            ("486 ", "", "486 Busy Here"),
            (
                "403 Forbidden",
                "Warning: 399 carrier \"User channel limit exceeded\"\r\n",
                "403 Forbidden (\"User channel limit exceeded\")",
            ),
            ("403 Forbidden", "Warning: 399 carrier \"forbidden\"\r\n", "403 Forbidden"),
            ("403 Forbidden", "Warning: 399 carrier \"\"\r\n", "403 Forbidden"),
            ("403 Forbidden", "Warning: nothing\r\n", "403 Forbidden"),
            (
                "503 Service Unavailable",
                "Reason: Q.850;cause=34\r\n",
                "503 Service Unavailable (\"no circuit is available (Q.850 cause 34)\")",
            ),
            (
                "488 Nope",
                "Warning: 304 a \"\", 305 b \"say \"G.711\" now\"\r\n",
                "488 Nope (\"say 'G.711' now\")",
            ),
        ] {
            assert_eq!(said(first, more), expected, "{first} {more}");
        }
    }
}
