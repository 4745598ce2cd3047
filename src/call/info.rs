//! Keys in SIP INFO: `application/dtmf-relay` and `application/dtmf`, which no RFC describes and many phones send.

use std::time::Duration;

/// A key press of this length is assumed where the body names none.
const DURATION: Duration = Duration::from_millis(160);
/// No key is held longer than this; larger values are typing errors of machines.
const DURATION_MAX_MS: u64 = 5_000;

/// The key in the body of an INFO; `None` where it holds none.
pub fn key(content_type: &str, body: &[u8]) -> Option<(char, Duration)> {
    let content_type = content_type.split(';').next()?.trim();
    let text = std::str::from_utf8(body.get(..body.len().min(256))?).ok()?;
    if content_type.eq_ignore_ascii_case("application/dtmf") {
        return Some((digit(text.trim())?, DURATION));
    }
    if !content_type.eq_ignore_ascii_case("application/dtmf-relay") {
        return None;
    }
    let field = |name: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let milliseconds = field("Duration").and_then(|d| d.parse().ok()).map(|ms: u64| ms.min(DURATION_MAX_MS));
    Some((digit(field("Signal")?)?, milliseconds.map_or(DURATION, Duration::from_millis)))
}

/// A key by its character, or by its event number (RFC 4733 table 3) where some phones send that.
fn digit(text: &str) -> Option<char> {
    let mut chars = text.chars();
    match (chars.next()?.to_ascii_uppercase(), chars.as_str()) {
        (key @ ('0'..='9' | '*' | '#' | 'A'..='D'), "") => Some(key),
        ('1', "0") => Some('*'),
        ('1', "1") => Some('#'),
        ('1', rest @ ("2" | "3" | "4" | "5")) => Some(char::from(b'A' + rest.as_bytes()[0] - b'2')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_in_use_is_read() {
        let relay = "application/dtmf-relay";
        for (content_type, body, expected) in [
            (relay, "Signal=5\r\nDuration=160\r\n", Some(('5', 160))),
            (relay, "Signal= 5\r\nDuration= 250\r\n", Some(('5', 250))),
            (relay, "signal=*\n", Some(('*', 160))),
            (relay, "Signal=11\r\n", Some(('#', 160))),
            (relay, "Signal=15\r\n", Some(('D', 160))),
            (relay, "Signal=d\r\nDuration=99999999\r\n", Some(('D', 5_000))),
            ("Application/DTMF; x=y", "7", Some(('7', 160))),
            ("application/dtmf", "10", Some(('*', 160))),
            ("application/dtmf", "", None),
            (relay, "Signal=!\r\n", None),
            (relay, "Signal=16", None),
            (relay, "", None),
            ("text/plain", "5", None),
        ] {
            let found = key(content_type, body.as_bytes()).map(|(k, d)| (k, d.as_millis()));
            assert_eq!(found, expected, "{content_type} {body:?}");
        }
        assert_eq!(key("application/dtmf", &[0xFF, 0xFE]), None);
    }
}
