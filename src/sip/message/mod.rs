//! What is on the wire (RFC 3261 7, 20, 25), read tolerantly and written strictly.
//!
//! `rsip` gives the vocabulary (methods, status codes); framing, folding, compact names, lists, URIs, and the
//! printing are ours, because that crate's own lose data (see `clippy.toml`). A message keeps its headers as
//! one text with ranges into it; From, To, the top Via and CSeq are checked once and kept as types.

mod head;
mod method;
mod name_addr;
mod params;
mod parse;
mod reject;
mod stream;
pub(in crate::sip) mod text;
mod uri;
mod via;
mod write;

pub use head::{Head, HeaderName};
pub use method::Method;
pub use name_addr::NameAddr;
pub use params::Params;
pub use parse::parse_datagram;
pub(super) use parse::{Glance, glance};
pub use reject::{Fault, Reject, Subject, is_answerable};
pub use stream::{Framed, StreamFramer};
pub use text::delta_seconds;
pub use uri::{Host, Scheme, SipUri};
pub use via::Via;
pub use write::{Writer, reason_phrase};

use bytes::Bytes;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// One message, request or response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    Request(Request),
    Response(Response),
}

/// The number and the method of a CSeq header. The number is below 2^31.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CSeq {
    pub number: u32,
    pub method: Method,
}

/// A request that has passed all checks of its syntax.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) uri: SipUri,
    pub(super) common: Common,
}

/// A response that has passed all checks of its syntax.
#[derive(Clone)]
pub struct Response {
    pub(super) status: rsip::StatusCode,
    pub(super) common: Common,
}

/// What requests and responses share.
#[derive(Clone)]
pub(super) struct Common {
    pub(super) head: Head,
    pub(super) via: Via,
    pub(super) from: NameAddr,
    pub(super) to: NameAddr,
    pub(super) cseq: CSeq,
    pub(super) contact: Option<NameAddr>,
    pub(super) body: Bytes,
}

macro_rules! common_accessors {
    () => {
        /// The first value of a header, whatever the case of its name; compact names are long ones here.
        pub fn header(&self, name: &str) -> Option<&str> {
            self.common.head.get(HeaderName::of(name), name)
        }

        /// All values of a header in their order; comma lists come element by element where the header
        /// is one.
        pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
            self.common.head.all(HeaderName::of(name), name)
        }

        /// Start line apart, all headers in their order: name and value.
        pub fn head(&self) -> &Head {
            &self.common.head
        }

        pub fn from(&self) -> &NameAddr {
            &self.common.from
        }

        pub fn to(&self) -> &NameAddr {
            &self.common.to
        }

        /// The tag of From; empty where an RFC 2543 peer has none.
        pub fn from_tag(&self) -> &str {
            self.common.from.tag().unwrap_or_default()
        }

        /// The tag of To; empty outside a dialog.
        pub fn to_tag(&self) -> &str {
            self.common.to.tag().unwrap_or_default()
        }

        pub fn call_id(&self) -> &str {
            self.common.head.get(HeaderName::CallId, "").unwrap_or_default()
        }

        pub fn cseq(&self) -> &CSeq {
            &self.common.cseq
        }

        /// The topmost Via, as it was received.
        pub fn via(&self) -> &Via {
            &self.common.via
        }

        /// The first Contact; none where it is `*`.
        pub fn contact(&self) -> Option<&NameAddr> {
            self.common.contact.as_ref()
        }

        /// The body, byte for byte; empty where there is none.
        pub fn body(&self) -> &Bytes {
            &self.common.body
        }

        pub fn content_type(&self) -> Option<&str> {
            self.common.head.get(HeaderName::ContentType, "")
        }
    };
}

impl Request {
    common_accessors!();

    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The Request-URI.
    pub fn uri(&self) -> &SipUri {
        &self.uri
    }

    /// Whether the method is this one.
    pub fn is(&self, method: rsip::Method) -> bool {
        self.method == method
    }

    /// Notes in the top Via where the request came from (RFC 3261 18.2.1), for the responses that copy it.
    /// [`Request::via`] stays as it was received.
    pub(super) fn note_source(&mut self, source: SocketAddr) {
        let noted = self.common.via.received_from(source).to_string();
        self.common.head.replace_first(HeaderName::Via, &noted);
    }

    /// The request as bytes, one header value a line, Content-Length as it is.
    pub fn to_bytes(&self) -> Bytes {
        let mut writer = Writer::request(self.method.as_str(), self.uri.as_str());
        writer.head_without_length(&self.common.head);
        writer.finish(&self.common.body)
    }
}

impl Response {
    common_accessors!();

    /// 100 to 699.
    pub fn code(&self) -> u16 {
        self.status.code()
    }

    /// When the peer wants to be asked again: `120`, `120 (maintenance);duration=60` (RFC 3261 20.33).
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.head().get(HeaderName::RetryAfter, "")?.trim_start();
        let seconds = delta_seconds(text.split([' ', ';', '(']).next()?)?;
        Some(Duration::from_secs(u64::from(seconds)))
    }

    /// The reason phrase, possibly empty, in the peer's words.
    pub fn reason(&self) -> &str {
        match &self.status {
            rsip::StatusCode::Other(_, reason) => reason,
            _ => "",
        }
    }

    /// The class of the code.
    pub fn is_provisional(&self) -> bool {
        self.code() < 200
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code())
    }

    /// The response as bytes, one header value a line, Content-Length as it is.
    pub fn to_bytes(&self) -> Bytes {
        let mut writer = Writer::response(self.code(), self.reason());
        writer.head_without_length(&self.common.head);
        writer.finish(&self.common.body)
    }
}

impl Message {
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Message::Request(request) => request.to_bytes(),
            Message::Response(response) => response.to_bytes(),
        }
    }
}

/// Two messages are equal where start line, headers in their order and body are, byte for byte.
/// Content-Length belongs to the framing and is not compared.
impl PartialEq for Common {
    fn eq(&self, other: &Self) -> bool {
        let fields = |common: &Self| {
            common
                .head
                .iter()
                .filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Length"))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect::<Vec<_>>()
        };
        self.body == other.body && fields(self) == fields(other)
    }
}
impl Eq for Common {}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.method == other.method && self.uri.as_str() == other.uri.as_str() && self.common == other.common
    }
}
impl Eq for Request {}

impl PartialEq for Response {
    fn eq(&self, other: &Self) -> bool {
        self.status == other.status && self.common == other.common
    }
}
impl Eq for Response {}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} call-id {:?}", self.method, self.uri.as_str(), self.call_id())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} call-id {:?}", self.code(), self.cseq().method, self.call_id())
    }
}
