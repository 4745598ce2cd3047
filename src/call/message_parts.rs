//! Parts of SIP messages that calls write: bodies and warnings.

use crate::sip::endpoint::{Body, warning_value};

/// An SDP body.
pub(super) fn sdp_body(text: String) -> Body {
    Body { content_type: "application/sdp".to_owned(), bytes: text.into() }
}

pub(super) fn is_sdp(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|t| t.split(';').next())
        .is_some_and(|t| t.trim().eq_ignore_ascii_case("application/sdp"))
}

/// A Warning header that says a refusal in words.
pub(super) fn warning(code: u16, host: &str, reason: &dyn std::fmt::Display) -> (String, String) {
    ("Warning".to_owned(), warning_value(code, host, reason))
}
