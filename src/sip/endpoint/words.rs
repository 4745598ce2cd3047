//! Why the endpoint refuses a request, in a sentence for whoever sent it (Warning, RFC 3261 20.43).

use super::Endpoint;
use crate::sip::ListenerId;
use std::fmt;

/// Why a stranger's request is turned away.
pub const UNKNOWN_SOURCE: &str =
    "no trunk's range, no agent's address and no registered telephone has that source";
/// Why requests are turned away under pressure.
pub const TOO_MUCH: &str = "there are as many requests and calls under way as the server keeps";
pub const TOO_MANY_HALF_OPEN: &str =
    "too many calls of that address were answered and never acknowledged: its ACKs do not arrive";

/// What a code means that the endpoint refuses a request with; none where no word is needed.
pub fn of_code(code: u16) -> Option<&'static str> {
    Some(match code {
        405 => "this server does nothing by that method here",
        416 => "only URIs of the schemes sip, sips and tel are known here",
        420 => "an extension is required that is not known here: Unsupported names it",
        422 => "the session interval is shorter than Min-SE allows",
        481 => "there is no call or transaction of these identifiers here, or no more",
        482 => "the same request has come by another way before",
        491 => "a change of this call by the other side is under way",
        500 => "an earlier request of this call waits for its answer, or this one is out of order",
        501 => "that method is not known here",
        503 => TOO_MUCH,
        _ => return None,
    })
}

impl Endpoint {
    /// A value of Warning that says `why`.
    pub(super) fn warning(&self, listener: ListenerId, why: &dyn fmt::Display) -> String {
        let agent = self.own_address(listener).map_or("", |own| own.sent_by());
        warning_value(399, agent, why)
    }
}

/// A value of Warning (RFC 3261 section 20.43) that says a refusal in words. What would end a line is left out, what
/// would end the quoted string is replaced.
pub fn warning_value(code: u16, agent: &str, why: &dyn fmt::Display) -> String {
    let text = why.to_string();
    let quotable = text.chars().filter(|c| !c.is_control()).map(|c| match c {
        '"' => '\'',
        '\\' => '/',
        other => other,
    });
    format!("{code} {agent} \"{}\"", quotable.collect::<String>())
}
