//! Parts of SIP messages that calls write: bodies and warnings.

use crate::sip::endpoint::Body;

/// An SDP body.
pub(super) fn sdp_body(text: String) -> Body {
    Body { content_type: "application/sdp".to_owned(), bytes: text.into() }
}

pub(super) fn is_sdp(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|t| t.split(';').next())
        .is_some_and(|t| t.trim().eq_ignore_ascii_case("application/sdp"))
}

/// A Warning header (RFC 3261 section 20.43) that says a refusal in words.
pub(super) fn warning(code: u16, host: &str, reason: &dyn std::fmt::Display) -> (String, String) {
    let text: String = reason
        .to_string()
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == '"' { '\'' } else { c })
        .collect();
    ("Warning".to_owned(), format!("{code} {host} \"{}\"", text.replace('\\', "/")))
}
