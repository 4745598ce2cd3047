//! From bytes to a checked message (RFC 3261 7, 18.3, 25.1).

use super::head::{Head, HeaderName};
use super::method::Method;
use super::name_addr::NameAddr;
use super::reject::{Fault, Reject, Subject};
use super::text::{decimal, is_space, is_token};
use super::uri::SipUri;
use super::via::Via;
use super::{CSeq, Common, Message, Request, Response};
use crate::sip::limits::*;
use bytes::Bytes;
use std::borrow::Cow;

/// Reads one datagram. Empty lines before the message are skipped. Content-Length larger than what is there
/// is an error, what follows a shorter one is not looked at, and without one the rest is the body.
///
/// None for a datagram of nothing but line ends, which keeps a NAT binding open.
pub fn parse_datagram(bytes: &[u8]) -> Option<Result<Message, Box<Reject>>> {
    let start = bytes.iter().position(|byte| *byte != b'\r' && *byte != b'\n')?;
    let bytes = bytes.get(start..)?;
    Some(parse(bytes, Framing::Datagram))
}

/// What delimits the body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// The end of the datagram.
    Datagram,
    /// Content-Length, which must be there; the caller hands over just as much.
    Stream,
}

/// Reads one message that starts at the first byte.
fn parse(bytes: &[u8], framing: Framing) -> Result<Message, Box<Reject>> {
    let end = head_end(bytes);
    let head = bytes.get(..end.map_or(bytes.len(), |(end, _)| end)).unwrap_or_default();
    let body = end.and_then(|(_, body)| bytes.get(body..)).unwrap_or_default();
    let mut sorted = sort(head);
    if end.is_none() {
        sorted.fault = sorted.fault.or(Some(Fault::HeadIncomplete));
    }
    sorted.finish(body, framing)
}

/// Where the headers end and where the body starts: at the first empty line, which may end in a bare LF.
pub(super) fn head_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let newline = from + bytes.get(from..)?.iter().position(|byte| *byte == b'\n')?;
        match bytes.get(newline + 1..)? {
            [b'\n', ..] => return Some((newline + 1, newline + 2)),
            [b'\r', b'\n', ..] => return Some((newline + 1, newline + 3)),
            _ => from = newline + 1,
        }
    }
}

/// A message whose lines are sorted into start line and headers, their values not looked at yet.
pub(super) struct Sorted {
    start: StartLine,
    head: Head,
    fault: Option<Fault>,
}

impl Sorted {
    /// How long the body will be. An error where that cannot be known, so that nothing after it on a stream
    /// can be read.
    pub(super) fn announced_length(&self) -> Result<usize, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        check_single(&self.head)?;
        match content_length(&self.head)? {
            Some(length) if length > BODY_BYTES_MAX => Err(Fault::BodyTooLarge),
            Some(length) => Ok(length),
            None => Err(Fault::Missing("Content-Length")),
        }
    }

    /// Checks everything.
    pub(super) fn finish(self, body: &[u8], framing: Framing) -> Result<Message, Box<Reject>> {
        match check(&self, body, framing) {
            Ok(checked) => Ok(checked.into_message(self.head)),
            Err(fault) => Err(Box::new(self.reject(fault))),
        }
    }

    pub(super) fn reject(self, fault: Fault) -> Reject {
        Reject { fault, subject: self.start.subject(), head: self.head }
    }
}

enum StartLine {
    Request { method: Method, uri: Result<SipUri, Fault> },
    Response { status: rsip::StatusCode },
    Broken { subject: Subject },
}

impl StartLine {
    fn subject(&self) -> Subject {
        match self {
            StartLine::Request { method, .. } => Subject::Request(method.clone()),
            StartLine::Response { .. } => Subject::Response,
            StartLine::Broken { subject } => subject.clone(),
        }
    }
}

/// Unfolds and sorts. The first fault is kept, and what can be read in spite of it.
pub(super) fn sort(bytes: &[u8]) -> Sorted {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    };
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).peekable();
    // A bare CR would be a line end to others.
    let (start, mut fault) = match lines.next().unwrap_or_default() {
        line if line.contains('\r') => start_line(&line.replace('\r', " ")),
        line => start_line(line),
    };
    let mut too_large = bytes.len() > HEAD_BYTES_MAX;
    let mut head = Head::with_capacity(text.len());
    while let Some(line) = lines.next() {
        let mut line = Cow::Borrowed(line);
        while let Some(continuation) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
            let joined = line.to_mut();
            joined.push(' ');
            joined.push_str(continuation.trim_start_matches(is_space));
        }
        if line.is_empty() {
            continue;
        }
        if line.contains('\r') {
            line = Cow::Owned(line.replace('\r', " "));
        }
        match line.split_once(':') {
            Some((name, value)) if is_token(name.trim_end_matches(is_space)) => {
                let (name, value) = (name.trim_end_matches(is_space), value.trim_matches(is_space));
                if !too_large || serves_an_answer(&head, name, value) {
                    head.push(name, value);
                }
            }
            _ => fault = fault.or(Some(Fault::HeaderLine)),
        }
        too_large |= head.len() > HEADERS_MAX;
    }
    if too_large && fault != Some(Fault::NotSip) {
        fault = Some(Fault::HeadTooLarge);
    }
    Sorted { start, head, fault }
}

/// Of a message that is too large only what its answer copies is kept, and that within limits.
fn serves_an_answer(head: &Head, name: &str, value: &str) -> bool {
    use HeaderName::*;
    let name = HeaderName::of(name);
    [Via, From, To, CallId, CSeq].contains(&name)
        && value.len() <= URI_BYTES_MAX
        && head.count(name) < VIA_MAX
        && head.len() <= HEADERS_MAX + VIA_MAX
}

fn start_line(line: &str) -> (StartLine, Option<Fault>) {
    let is_response = line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/"));
    if is_response {
        return match status_line(line) {
            Ok(status) => (StartLine::Response { status }, None),
            Err(fault) => (StartLine::Broken { subject: Subject::Response }, Some(fault)),
        };
    }
    let (method, rest) = line.split_once(' ').unwrap_or((line, ""));
    let looks_like_sip = rest.as_bytes().windows(3).any(|three| three.eq_ignore_ascii_case(b"SIP"));
    if !is_token(method) || method.len() > TOKEN_BYTES_MAX || !looks_like_sip {
        return (StartLine::Broken { subject: Subject::Nothing }, Some(Fault::NotSip));
    }
    let method = Method::of(method);
    let broken = |method, fault| (StartLine::Broken { subject: Subject::Request(method) }, Some(fault));
    // One space each: what has more of them, or any after the version, is refused (RFC 4475 3.1.2.8 to .10).
    let Some((uri, version)) = rest.split_once(' ').filter(|(uri, _)| !uri.is_empty()) else {
        return broken(method, Fault::RequestLine);
    };
    match version.get(..4) {
        Some(sip) if sip.eq_ignore_ascii_case("SIP/") => match version.get(4..) {
            Some("2.0") => {}
            Some(other) if is_version(other) => return broken(method, Fault::Version),
            _ => return broken(method, Fault::RequestLine),
        },
        _ => return broken(method, Fault::RequestLine),
    }
    let uri = if uri.len() > URI_BYTES_MAX { Err(Fault::UriTooLong) } else { request_uri(uri) };
    (StartLine::Request { method, uri }, None)
}

fn request_uri(text: &str) -> Result<SipUri, Fault> {
    // Headers are not allowed in a Request-URI (RFC 3261 19.1.1, Table 1).
    SipUri::parse(text).filter(|uri| uri.headers().is_none()).ok_or(Fault::RequestLine)
}

fn is_version(text: &str) -> bool {
    text.split_once('.').is_some_and(|(major, minor)| {
        decimal(major, u32::MAX).is_some() && decimal(minor, u32::MAX).is_some()
    })
}

fn status_line(line: &str) -> Result<rsip::StatusCode, Fault> {
    let (version, rest) = line.split_once(' ').ok_or(Fault::StatusLine)?;
    match version.get(4..) {
        Some("2.0") => {}
        Some(other) if is_version(other) => return Err(Fault::Version),
        _ => return Err(Fault::StatusLine),
    }
    // The space after the code is sometimes forgotten where there is no reason phrase.
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = decimal(code, 699).filter(|number| code.len() == 3 && *number >= 100);
    // `Other` for every code: the crate prints its own words in the place of the peer's otherwise.
    number.map(|number| rsip::StatusCode::Other(number as u16, reason.to_owned())).ok_or(Fault::StatusLine)
}

/// What the checks yield, apart from the headers themselves.
struct Checked {
    start: CheckedStart,
    via: Via,
    from: NameAddr,
    to: NameAddr,
    cseq: CSeq,
    contact: Option<NameAddr>,
    body: Bytes,
}

enum CheckedStart {
    Request { method: Method, uri: SipUri },
    Response { status: rsip::StatusCode },
}

impl Checked {
    fn into_message(self, head: Head) -> Message {
        let Checked { start, via, from, to, cseq, contact, body } = self;
        let common = Common { head, via, from, to, cseq, contact, body };
        match start {
            CheckedStart::Request { method, uri } => Message::Request(Request { method, uri, common }),
            CheckedStart::Response { status } => Message::Response(Response { status, common }),
        }
    }
}

fn check(sorted: &Sorted, body: &[u8], framing: Framing) -> Result<Checked, Fault> {
    if let Some(fault) = sorted.fault {
        return Err(fault);
    }
    let head = &sorted.head;
    let start = match &sorted.start {
        StartLine::Request { method, uri } => {
            CheckedStart::Request { method: method.clone(), uri: uri.clone()? }
        }
        StartLine::Response { status } => CheckedStart::Response { status: status.clone() },
        StartLine::Broken { .. } => return Err(Fault::NotSip),
    };
    check_single(head)?;
    let call_id = head.get(HeaderName::CallId, "").ok_or(Fault::Missing("Call-ID"))?;
    if call_id.is_empty() || call_id.len() > CALL_ID_BYTES_MAX || call_id.contains(is_space) {
        return Err(Fault::Malformed("Call-ID"));
    }
    let cseq = cseq(head.get(HeaderName::CSeq, "").ok_or(Fault::Missing("CSeq"))?)?;
    if matches!(&start, CheckedStart::Request { method, .. } if *method != cseq.method) {
        return Err(Fault::MethodMismatch);
    }
    let via = vias(head)?;
    let from = address(head, HeaderName::From)?;
    let to = address(head, HeaderName::To)?;
    let contact = contacts(head)?;
    for name in [HeaderName::Route, HeaderName::RecordRoute] {
        let well_formed = head.all(name, "").all(|value| {
            NameAddr::parse(value)
                .is_some_and(|address| value.contains('<') && address.uri.headers().is_none())
        });
        if !well_formed || head.count(name) > ROUTE_SET_MAX {
            return Err(Fault::Malformed(name.as_str()));
        }
    }
    check_numbers(head, &start)?;
    check_date(head)?;
    let body = check_body(head, body, framing)?;
    Ok(Checked { start, via, from, to, cseq, contact, body })
}

/// Headers that one message has at most once, where a second one leaves it open which is meant.
fn check_single(head: &Head) -> Result<(), Fault> {
    use HeaderName::*;
    for name in [CallId, CSeq, From, To, MaxForwards, ContentLength, ContentType] {
        if head.count(name) > 1 {
            return Err(Fault::Repeated(name.as_str()));
        }
    }
    Ok(())
}

fn cseq(value: &str) -> Result<CSeq, Fault> {
    let fault = Fault::Malformed("CSeq");
    let (number, method) = value.split_once(is_space).ok_or(fault)?;
    let method = method.trim_start_matches(is_space);
    let number = decimal(number, CSEQ_MAX).ok_or(fault)?;
    if !is_token(method) || method.len() > TOKEN_BYTES_MAX {
        return Err(fault);
    }
    Ok(CSeq { number, method: Method::of(method) })
}

fn vias(head: &Head) -> Result<Via, Fault> {
    let fault = Fault::Malformed("Via");
    let mut top = None;
    for (count, value) in head.all(HeaderName::Via, "").enumerate() {
        let via = Via::parse(value).filter(|_| count < VIA_MAX).ok_or(fault)?;
        if via.raw_branch().is_some_and(|branch| branch.len() > TOKEN_BYTES_MAX) {
            return Err(fault);
        }
        top.get_or_insert(via);
    }
    top.ok_or(Fault::Missing("Via"))
}

fn address(head: &Head, name: HeaderName) -> Result<NameAddr, Fault> {
    let value = head.get(name, "").ok_or(Fault::Missing(name.as_str()))?;
    NameAddr::parse(value)
        .filter(|address| address.tag().is_none_or(|tag| tag.len() <= TOKEN_BYTES_MAX))
        .ok_or(Fault::Malformed(name.as_str()))
}

fn contacts(head: &Head) -> Result<Option<NameAddr>, Fault> {
    let mut first = None;
    for value in head.all(HeaderName::Contact, "").filter(|value| *value != "*" && !value.is_empty()) {
        let contact = NameAddr::parse(value).ok_or(Fault::Malformed("Contact"))?;
        first.get_or_insert(contact);
    }
    Ok(first)
}

/// Ranges of RFC 3261 that a receiver is known to trip over (RFC 4475 3.1.2.4).
fn check_numbers(head: &Head, start: &CheckedStart) -> Result<(), Fault> {
    if let Some(value) = head.get(HeaderName::MaxForwards, "") {
        decimal(value, 255).ok_or(Fault::Malformed("Max-Forwards"))?;
    }
    if let (Some(value), CheckedStart::Request { .. }) = (head.get(HeaderName::Expires, ""), start) {
        decimal(value, u32::MAX).ok_or(Fault::Malformed("Expires"))?;
    }
    Ok(())
}

/// Date is in GMT or it is none (RFC 3261 20.17).
fn check_date(head: &Head) -> Result<(), Fault> {
    match head.get(HeaderName::Date, "") {
        Some(date) if !date.ends_with("GMT") => Err(Fault::Malformed("Date")),
        _ => Ok(()),
    }
}

fn check_body(head: &Head, body: &[u8], framing: Framing) -> Result<Bytes, Fault> {
    let body = match content_length(head)? {
        Some(length) if length > BODY_BYTES_MAX => return Err(Fault::BodyTooLarge),
        Some(length) => body.get(..length).ok_or(Fault::BodyIncomplete)?,
        None if framing == Framing::Stream => return Err(Fault::Missing("Content-Length")),
        None if body.len() > BODY_BYTES_MAX => return Err(Fault::BodyTooLarge),
        None => body,
    };
    Ok(Bytes::copy_from_slice(body))
}

/// The value of Content-Length; saturated where it is larger than any body may be.
fn content_length(head: &Head) -> Result<Option<usize>, Fault> {
    let Some(value) = head.get(HeaderName::ContentLength, "") else { return Ok(None) };
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Malformed("Content-Length"));
    }
    Ok(Some(decimal(value, u32::MAX).map_or(usize::MAX, |length| length as usize)))
}

/// What of a message must be known before it is worth reading whole: for requests from strangers.
pub(crate) struct Glance {
    pub subject: Subject,
    pub head: Head,
}

/// Sorts the lines of a message and checks nothing.
pub(crate) fn glance(bytes: &[u8]) -> Option<Glance> {
    let start = bytes.iter().position(|byte| *byte != b'\r' && *byte != b'\n')?;
    let bytes = bytes.get(start..)?;
    let end = head_end(bytes).map_or(bytes.len(), |(end, _)| end);
    let sorted = sort(bytes.get(..end)?);
    Some(Glance { subject: sorted.start.subject(), head: sorted.head })
}

#[cfg(test)]
mod tests;
