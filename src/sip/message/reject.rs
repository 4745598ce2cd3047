//! What is wrong with a message, and what is left of it to answer with.

use super::head::{Head, HeaderName};
use super::method::Method;
use thiserror::Error;

/// The sender's fault. Each maps to one status.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Fault {
    #[error("the sender's first line is neither a request line nor a status line")]
    NotSip,
    #[error("the sender's request line breaks the grammar")]
    RequestLine,
    #[error("the sender's status line breaks the grammar")]
    StatusLine,
    #[error("the sender speaks another version than SIP/2.0")]
    Version,
    #[error("the sender's Request-URI is too long")]
    UriTooLong,
    #[error("the sender's headers do not end")]
    HeadIncomplete,
    #[error("the sender's headers are too long or too many")]
    HeadTooLarge,
    #[error("the sender wrote a line that is no header")]
    HeaderLine,
    #[error("the sender left {0} out")]
    Missing(&'static str),
    #[error("the sender wrote {0} more than once")]
    Repeated(&'static str),
    #[error("the sender's {0} breaks the grammar")]
    Malformed(&'static str),
    #[error("the sender's CSeq names another method than its request line")]
    MethodMismatch,
    #[error("the sender's Content-Length is larger than the datagram")]
    BodyIncomplete,
    #[error("the sender's body is too long")]
    BodyTooLarge,
}

impl Fault {
    /// Status and reason phrase that say so (RFC 3261 21.4, 21.5).
    pub fn status(self) -> (u16, &'static str) {
        match self {
            Fault::NotSip => (400, "Bad Request"),
            Fault::RequestLine => (400, "Bad Request Line"),
            Fault::StatusLine => (400, "Bad Status Line"),
            Fault::Version => (505, "Version Not Supported"),
            Fault::UriTooLong => (414, "Request-URI Too Long"),
            Fault::HeadIncomplete => (400, "Headers Do Not End"),
            Fault::HeadTooLarge => (513, "Message Too Large"),
            Fault::HeaderLine => (400, "Bad Header Line"),
            Fault::Missing(_) => (400, "Missing Header"),
            Fault::Repeated(_) => (400, "Repeated Header"),
            Fault::Malformed(_) => (400, "Bad Header"),
            Fault::MethodMismatch => (400, "CSeq Method Mismatch"),
            Fault::BodyIncomplete => (400, "Body Shorter Than Content-Length"),
            Fault::BodyTooLarge => (413, "Request Entity Too Large"),
        }
    }

    /// The header at fault, where it is one.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Fault::Missing(name) | Fault::Repeated(name) | Fault::Malformed(name) => Some(name),
            _ => None,
        }
    }
}

/// What the broken message was meant to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    Request(Method),
    Response,
    Nothing,
}

/// A message that was turned away, with as much of it as could be read.
#[derive(Clone)]
pub struct Reject {
    pub fault: Fault,
    pub subject: Subject,
    /// The headers up to the fault; Via, From, To, Call-ID and CSeq may be missing or broken.
    pub head: Head,
}

impl Reject {
    /// See [`is_answerable`].
    pub fn is_answerable(&self) -> bool {
        is_answerable(&self.subject, &self.head)
    }
}

/// Whether a response can be made and may be sent: never to a response or an ACK, and only where there is a
/// Via and a CSeq for the sender to know it by.
pub fn is_answerable(subject: &Subject, head: &Head) -> bool {
    let is_request = matches!(subject, Subject::Request(method) if *method != rsip::Method::Ack);
    is_request && head.count(HeaderName::Via) > 0 && head.count(HeaderName::CSeq) > 0
}

impl std::fmt::Debug for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.subject, self.fault)
    }
}
