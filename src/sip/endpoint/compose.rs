//! The texts of our responses and requests.

use super::types::{Body, Listener};
use crate::sip::Transport;
use crate::sip::dialog::SentInvite;
use crate::sip::message::{Head, HeaderName, Writer, reason_phrase};
use bytes::Bytes;
use std::net::Ipv6Addr;
use std::ops::Range;

/// What a request begins with, RFC 3261 section 8.1.1.6.
pub const MAX_FORWARDS: u8 = 70;
/// The methods that are really handled.
pub const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, REGISTER, SUBSCRIBE";
/// The extensions that are really handled: RFC 4028, RFC 3262, RFC 3891, RFC 4488.
pub const SUPPORTED: &str = "timer, 100rel, replaces, norefersub";

/// A header line to be: name and value.
pub type Extra<'a> = (&'a str, &'a str);

/// How our own address stands in Via and Contact.
pub struct OwnAddress {
    pub transport: Transport,
    /// `host:port`, an IPv6 address in brackets.
    sent_by: String,
}

impl OwnAddress {
    pub fn of(listener: &Listener) -> Self {
        let host = &listener.advertise_host;
        let port = listener.advertise_port;
        let sent_by = match host.parse::<Ipv6Addr>() {
            Ok(_) => format!("[{host}]:{port}"),
            Err(_) => format!("{host}:{port}"),
        };
        OwnAddress { transport: listener.transport, sent_by }
    }

    pub fn sent_by(&self) -> &str {
        &self.sent_by
    }

    pub fn via(&self, transport: Transport, branch: &str) -> String {
        format!("SIP/2.0/{} {};branch={branch};rport", transport.as_str(), self.sent_by)
    }

    /// `sips`: what the request was sent to, or its first Route, is a `sips:` URI, so that this is one too
    /// (RFC 3261 8.1.1.8, 12.1.1).
    pub fn contact(&self, user: &str, sips: bool) -> String {
        let at = if user.is_empty() { "" } else { "@" };
        let (scheme, transport) = match (sips, self.transport) {
            // A sips: URI means TLS where it says nothing else.
            (true, Transport::Tls) => ("sips", ""),
            (true, other) => ("sips", other.parameter()),
            (false, other) => ("sip", other.parameter()),
        };
        format!("<{scheme}:{user}{at}{}{transport}>", self.sent_by)
    }
}

/// What goes into a response besides what it copies from the request.
#[derive(Default)]
pub struct ResponseParts<'a> {
    /// Added to To where that has no tag.
    pub to_tag: &'a str,
    /// Repeats Record-Route: in what makes or confirms a dialog.
    pub record_route: bool,
    pub contact: Option<String>,
    /// Written as Server.
    pub server: &'a str,
    pub extra: &'a [Extra<'a>],
    pub body: Option<&'a Body>,
}

/// A response to the request with these headers, whose top Via was already noted with its source. What the
/// request lacks, a broken one that is, is left out.
pub fn response(head: &Head, code: u16, reason: &str, parts: &ResponseParts<'_>) -> Bytes {
    let reason = if reason.is_empty() { reason_phrase(code) } else { reason };
    let mut writer = Writer::response(code, reason);
    writer.copy(head, HeaderName::Via);
    if parts.record_route {
        writer.copy(head, HeaderName::RecordRoute);
    }
    for value in head.all(HeaderName::From, "").take(1) {
        writer.header("From", value);
    }
    for value in head.all(HeaderName::To, "").take(1) {
        if parts.to_tag.is_empty() {
            writer.header("To", value);
        } else {
            writer.header_fmt("To", format_args!("{value};tag={}", parts.to_tag));
        }
    }
    for name in [HeaderName::CallId, HeaderName::CSeq] {
        for value in head.all(name, "").take(1) {
            writer.header(name.as_str(), value);
        }
    }
    if code == 100 {
        writer.copy(head, HeaderName::Timestamp);
    }
    if let Some(contact) = &parts.contact {
        writer.header("Contact", contact);
    }
    if !parts.server.is_empty() {
        writer.header("Server", parts.server);
    }
    finish(writer, parts.extra, parts.body)
}

/// What goes into a request.
pub struct RequestParts<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    pub via: &'a str,
    pub routes: &'a [Box<str>],
    pub from: &'a str,
    pub to: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
    pub max_forwards: u8,
    pub contact: Option<String>,
    /// Tells what we can do: in what begins or changes a dialog.
    pub allow: bool,
    /// Written as User-Agent.
    pub user_agent: &'a str,
    pub extra: &'a [Extra<'a>],
    pub body: Option<&'a Body>,
}

/// A request, and where in it the value of Via stands.
pub fn request(parts: &RequestParts<'_>) -> (Bytes, Range<usize>) {
    let mut writer = Writer::request(parts.method, parts.uri);
    let via_start = writer.position() + "Via: ".len();
    writer.header("Via", parts.via);
    let via_span = via_start..via_start + parts.via.len();
    writer.header_fmt("Max-Forwards", format_args!("{}", parts.max_forwards));
    for route in parts.routes {
        writer.header("Route", route);
    }
    writer.header("From", parts.from).header("To", parts.to).header("Call-ID", parts.call_id);
    writer.header_fmt("CSeq", format_args!("{} {}", parts.cseq, parts.method));
    if let Some(contact) = &parts.contact {
        writer.header("Contact", contact);
    }
    if parts.allow {
        writer.header("Allow", ALLOW).header("Supported", SUPPORTED);
    }
    if !parts.user_agent.is_empty() {
        writer.header("User-Agent", parts.user_agent);
    }
    (finish(writer, parts.extra, parts.body), via_span)
}

/// The ACK of a final response other than 2xx: hop by hop, in the INVITE's own transaction
/// (RFC 3261 17.1.1.3). `to` is that of the response.
pub fn ack_of_failure(sent: &SentInvite, to: &str) -> Bytes {
    sibling(sent, "ACK", to, &[])
}

/// The CANCEL of an INVITE (RFC 3261 9.1).
pub fn cancel(sent: &SentInvite, extra: &[Extra<'_>]) -> Bytes {
    sibling(sent, "CANCEL", &sent.to, extra)
}

fn sibling(sent: &SentInvite, method: &str, to: &str, extra: &[Extra<'_>]) -> Bytes {
    let parts = RequestParts {
        method,
        uri: sent.uri.as_str(),
        via: &sent.via,
        routes: &sent.routes,
        from: &sent.from,
        to,
        call_id: &sent.call_id,
        cseq: sent.cseq,
        max_forwards: MAX_FORWARDS,
        contact: None,
        allow: false,
        user_agent: "",
        extra,
        body: None,
    };
    request(&parts).0
}

fn finish(mut writer: Writer, extra: &[Extra<'_>], body: Option<&Body>) -> Bytes {
    for (name, value) in extra {
        writer.header(name, value);
    }
    match body {
        Some(body) => {
            writer.header("Content-Type", &body.content_type);
            writer.finish(&body.bytes)
        }
        None => writer.finish(b""),
    }
}

/// Owned header lines as borrowed ones.
pub fn borrowed<N: AsRef<str>>(headers: &[(N, String)]) -> Vec<Extra<'_>> {
    headers.iter().map(|(name, value)| (name.as_ref(), value.as_str())).collect()
}
