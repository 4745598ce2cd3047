//! Why calls end, in the numbers of telephone networks (Q.850) and of SIP, and the Reason header that carries both
//! (RFC 3326, RFC 6432). The tables are those of RFC 3398 sections 7.2.4.1 and 8.2.6.1.

use super::message::Head;
use super::message::HeaderName;

/// The cause of a call that ends as calls do.
pub const NORMAL_CLEARING: u8 = 16;
/// Text of a Reason that is kept: a sentence.
const TEXT_CHARS_MAX: usize = 120;

/// Cause, its words, and the final response that says the same; none for the end of a call that was fine.
const CAUSES: &[(u8, &str, Option<u16>)] = &[
    (1, "the number is not assigned", Some(404)),
    (2, "no route to the network", Some(404)),
    (3, "no route to the destination", Some(404)),
    (16, "normal call clearing", None),
    (17, "busy", Some(486)),
    (18, "nobody responded", Some(408)),
    (19, "nobody answered", Some(480)),
    (20, "the subscriber is absent", Some(480)),
    (21, "the call was rejected", Some(403)),
    (22, "the number has changed", Some(410)),
    (23, "the number was redirected", Some(410)),
    (25, "the call went round in a circle", Some(483)),
    (26, "another telephone took the call", Some(404)),
    (27, "the destination is out of order", Some(502)),
    (28, "the number is incomplete", Some(484)),
    (29, "the facility was rejected", Some(501)),
    (31, "normal, unspecified", Some(480)),
    (34, "no circuit is available", Some(503)),
    (38, "the network is out of order", Some(503)),
    (41, "temporary failure", Some(503)),
    (42, "the exchange is congested", Some(503)),
    (47, "no resources are available", Some(503)),
    (55, "incoming calls are barred", Some(403)),
    (57, "the kind of call is not allowed", Some(403)),
    (58, "the kind of call is not available now", Some(503)),
    (63, "the service is not available", Some(503)),
    (65, "the kind of call is not implemented", Some(488)),
    (70, "only restricted digital calls are possible", Some(488)),
    (79, "the service is not implemented", Some(501)),
    (87, "not a member of the closed user group", Some(403)),
    (88, "the destination is not compatible", Some(503)),
    (102, "a timer ran out", Some(504)),
    (111, "protocol error", Some(500)),
    (127, "interworking, unspecified", Some(500)),
];

/// Final responses and their cause.
const RESPONSES: &[(u16, u8)] = &[
    (400, 41),
    (401, 21),
    (402, 21),
    (403, 21),
    (404, 1),
    (405, 63),
    (406, 79),
    (407, 21),
    (408, 102),
    (410, 22),
    (413, 127),
    (414, 127),
    (415, 79),
    (416, 127),
    (420, 127),
    (421, 127),
    (423, 127),
    (480, 18),
    (481, 41),
    (482, 25),
    (483, 25),
    (484, 28),
    (485, 1),
    (486, 17),
    (488, 65),
    (500, 41),
    (501, 79),
    (502, 38),
    (503, 41),
    (504, 102),
    (505, 127),
    (513, 127),
    (600, 17),
    (603, 21),
    (604, 1),
    (606, 65),
];

/// The final response that says what a Q.850 cause (0 to 127) says. None for the normal end of a call, which is a BYE or
/// a CANCEL, and for causes that nobody uses.
pub fn response_of(cause: u8) -> Option<u16> {
    CAUSES.iter().find(|(known, ..)| *known == cause).and_then(|(_, _, code)| *code)
}

/// The Q.850 cause of a final response, 300 to 699. What has none of its own is an interworking cause; 487 is the
/// caller's own doing.
pub fn cause_of(code: u16) -> u8 {
    match code {
        487 => 16,
        code => RESPONSES.iter().find(|(known, _)| *known == code).map_or(127, |(_, cause)| *cause),
    }
}

/// A Q.850 cause in words.
pub fn words(cause: u8) -> &'static str {
    CAUSES.iter().find(|(known, ..)| *known == cause).map_or("a cause without a name", |(_, words, _)| words)
}

/// The value of a Reason header for a Q.850 cause.
pub fn q850(cause: u8) -> String {
    format!("Q.850;cause={cause}")
}

/// What a peer says of the end of a call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reason {
    /// Q.850, 0 to 127.
    pub cause: Option<u8>,
    /// A SIP status, 200 to 699.
    pub code: Option<u16>,
    /// In the peer's words: printable, at most a sentence.
    pub text: Option<String>,
}

impl Reason {
    /// Reads all Reason headers of a message; what cannot be read is passed over.
    pub fn of(head: &Head) -> Reason {
        Self::read(head.all(HeaderName::Reason, ""))
    }

    /// Reads values such as `Q.850;cause=16;text="Terminated"`; the first of each protocol counts.
    pub fn read<'a>(values: impl Iterator<Item = &'a str>) -> Reason {
        let mut reason = Reason::default();
        for value in values {
            let mut parts = value.split(';');
            let protocol = parts.next().unwrap_or_default().trim();
            let number = parameter(value, "cause").and_then(|text| text.parse::<u16>().ok());
            if protocol.eq_ignore_ascii_case("Q.850") {
                let cause = number.and_then(|number| u8::try_from(number).ok()).filter(|cause| *cause < 128);
                reason.cause = reason.cause.or(cause);
            } else if protocol.eq_ignore_ascii_case("SIP") {
                reason.code = reason.code.or(number.filter(|code| (200..700).contains(code)));
            }
            if reason.text.is_none() {
                let plain = |text: &str| -> String {
                    text.chars().filter(|c| !c.is_control() && *c != '"').take(TEXT_CHARS_MAX).collect()
                };
                reason.text = parameter(value, "text").map(plain).filter(|text| !text.trim().is_empty());
            }
        }
        reason
    }

    /// What is worth telling of it: nothing of a call that ended as calls do.
    pub fn remark(&self) -> Option<String> {
        match (self.cause, self.code) {
            (Some(16 | 31), _) | (None, Some(200)) | (None, None) => None,
            (Some(cause), _) => Some(format!("{} (Q.850 cause {cause})", words(cause))),
            (None, Some(code)) => Some(match &self.text {
                Some(text) => format!("\"{text}\" (SIP {code})"),
                None => format!("SIP {code}"),
            }),
        }
    }
}

/// The value of a parameter, without its quotes; a quoted one may hold semicolons.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = value;
    while let Some((_, after)) = rest.split_once(';') {
        let (key, text) = after.split_once('=')?;
        let text = text.trim_start();
        let (found, left) = match text.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => {
                let end = text.find(';').unwrap_or(text.len());
                text.split_at_checked(end).unwrap_or((text, ""))
            }
        };
        if key.rsplit(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(name) {
            return Some(found.trim());
        }
        rest = left;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_and_responses_map_as_rfc_3398_says_and_back_to_the_same_kind() {
        for (cause, code) in
            [(1, 404), (17, 486), (18, 408), (21, 403), (27, 502), (28, 484), (34, 503), (102, 504)]
        {
            assert_eq!(response_of(cause), Some(code), "{cause}");
        }
        for (code, cause) in
            [(404, 1), (486, 17), (600, 17), (603, 21), (480, 18), (503, 41), (487, 16), (499, 127)]
        {
            assert_eq!(cause_of(code), cause, "{code}");
        }
        assert_eq!((response_of(16), response_of(126)), (None, None));
        for (code, cause) in RESPONSES {
            assert_ne!(words(*cause), words(126), "{code} has a cause with a name");
            assert!(response_of(*cause).is_some(), "{code}");
        }
        assert!(CAUSES.is_sorted_by(|(a, ..), (b, ..)| a < b) && RESPONSES.is_sorted());
    }

    #[test]
    fn a_reason_is_read_however_it_is_written() {
        let read = |value: &str| {
            let reason = Reason::read([value].into_iter());
            (reason.cause, reason.code, reason.text)
        };
        let text = |text: &str| Some(text.to_owned());
        for (value, expected) in [
            ("Q.850;cause=16;text=\"Terminated\"", (Some(16), None, text("Terminated"))),
            ("q.850 ; Cause=17", (Some(17), None, None)),
            ("SIP;text=\"a; cause=3\";cause=600", (None, Some(600), text("a; cause=3"))),
            ("Q.850;cause=900", (None, None, None)),
            ("SIP;cause=12", (None, None, None)),
            ("Q.850;cause", (None, None, None)),
            ("preemption;cause=1;text=\"UA\"", (None, None, text("UA"))),
            ("Q.850;text=\"open;cause=1", (None, None, text("open;cause=1"))),
            ("", (None, None, None)),
            (";;;=;=", (None, None, None)),
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
        let both = Reason::read(["SIP;cause=486", "Q.850;cause=17"].into_iter());
        assert_eq!((both.cause, both.code), (Some(17), Some(486)));
    }

    #[test]
    fn only_what_is_unusual_is_remarked() {
        let remark = |value: &str| Reason::read([value].into_iter()).remark();
        assert_eq!(remark("Q.850;cause=16"), None);
        assert_eq!(remark("SIP;cause=200;text=\"Call completed elsewhere\""), None);
        assert_eq!(remark("Q.850;cause=41").as_deref(), Some("temporary failure (Q.850 cause 41)"));
        assert_eq!(remark("SIP;cause=408;text=\"x\"").as_deref(), Some("\"x\" (SIP 408)"));
    }

    #[test]
    fn any_text_is_read_without_harm() {
        let mut random = crate::ids::Random::from_seed(9);
        let pieces = ["Q.850", ";", "cause", "=", "\"", "16", "ü", " ", "text", ",", "SIP"];
        for _ in 0..20_000 {
            let value: String = (0..random.below(12)).map(|_| pieces[random.below(11) as usize]).collect();
            let _ = Reason::read([value.as_str()].into_iter()).remark();
        }
    }
}
