//! What a peer describes within its dialog, by a re-INVITE or an UPDATE, and what it is answered (RFC 3261
//! section 14.2, RFC 3311).

use super::Action;
use super::b2bua::Settings;
use super::media_leg::{MediaLeg, Sender};
use super::message_parts::{is_sdp, sdp_body, warning};
use crate::sip::endpoint::Body;
use crate::sip::message::Request;
use std::net::IpAddr;

/// The response that such a request gets.
pub(super) struct Answered {
    pub code: u16,
    pub reason: &'static str,
    pub headers: Vec<(String, String)>,
    pub body: Option<Body>,
    /// The peer offered, and its media are now as it wanted: it may be on hold, or no more.
    pub is_agreed: bool,
}

impl Answered {
    fn new(code: u16, reason: &'static str) -> Self {
        Answered { code, reason, headers: Vec::new(), body: None, is_agreed: false }
    }
}

/// Answers an INVITE or an UPDATE of a peer whose signalling comes from `peer`.
pub(super) fn answer(
    media: &mut MediaLeg,
    request: &Request,
    peer: IpAddr,
    settings: &Settings,
    actions: &mut Vec<Action>,
) -> Answered {
    let ok = Answered::new(200, "OK");
    let wants_offer = request.body().is_empty() && request.method().as_str() == "INVITE";
    if request.body().is_empty() && !wants_offer {
        // An UPDATE that only refreshes.
        return ok;
    }
    if !wants_offer && !is_sdp(request.content_type()) {
        let headers = vec![("Accept".to_owned(), "application/sdp".to_owned())];
        return Answered { headers, ..Answered::new(415, "Unsupported Media Type") };
    }
    if let Some((code, reason)) = media.refuses_offer() {
        let why = "an offer of this dialog still waits for its answer";
        let mut headers = vec![warning(399, &settings.domain, &why)];
        if code == 500 {
            headers.push(("Retry-After".to_owned(), "2".to_owned()));
        }
        return Answered { headers, ..Answered::new(code, reason) };
    }
    if wants_offer {
        return Answered { body: media.offer_again().map(sdp_body), ..ok };
    }
    match media.answer(request.body(), Sender::Proven, peer, &settings.media, actions) {
        Ok(text) => Answered { body: Some(sdp_body(text)), is_agreed: true, ..ok },
        Err(refusal) => {
            let headers = vec![warning(refusal.warning_code(), &settings.domain, &refusal)];
            Answered { headers, ..Answered::new(488, "Not Acceptable Here") }
        }
    }
}
