//! What an INVITE of ours that failed means: as a code, in words, and to the flow.

use crate::call::said::Said;
use crate::flow::DialFailure;
use crate::sip::cause::{Reason, response_of};
use crate::sip::endpoint::Failure;

/// The code that a failed INVITE comes to.
pub(in crate::call) fn code_of(failure: &Failure) -> u16 {
    match failure {
        Failure::Response(response) => response.code(),
        // RFC 3261 section 8.1.3.1.
        Failure::Timeout => 408,
        Failure::Transport | Failure::HalfOpen => 503,
        Failure::Cancelled => 487,
        Failure::NotPracked => 504,
    }
}

/// Why a call out came to nothing, where that is not our own doing.
pub(in crate::call) fn in_words(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Response(response) => Some(Said::of(response).to_string()),
        Failure::Timeout => Some("it does not answer".to_owned()),
        Failure::Transport => Some("it cannot be reached, or the connection broke".to_owned()),
        Failure::Cancelled | Failure::HalfOpen | Failure::NotPracked => None,
    }
}

/// What a failed INVITE says of itself: its code, or the one that a gateway hides behind another that says little (RFC 6432).
pub(super) fn meant_by(failure: &Failure) -> u16 {
    let said = match failure {
        Failure::Response(response) if matches!(response.code(), 480 | 500 | 502 | 503) => {
            Reason::of(response.head()).cause.and_then(response_of)
        }
        _ => None,
    };
    said.unwrap_or_else(|| code_of(failure))
}

/// What a failed leg means to the flow. flows.md 1.3, dial.
pub(in crate::call) fn cause_of(code: u16) -> DialFailure {
    match code {
        486 | 600 => DialFailure::Busy,
        603 => DialFailure::Rejected,
        408 | 487 => DialFailure::NoAnswer,
        404 | 410 | 480 => DialFailure::Unavailable,
        _ => DialFailure::Failed,
    }
}
