//! The printing of messages: bytes out, one header value a line, nothing that could break a line.

use super::head::{Head, HeaderName};
use bytes::Bytes;
use std::io::Write as _;

/// A message in the making. Content-Length is written last, from the body.
pub struct Writer {
    bytes: Vec<u8>,
}

/// Room for a usual message, so that it is allocated once.
const USUAL_BYTES: usize = 768;

impl Writer {
    pub fn request(method: &str, uri: &str) -> Self {
        let mut writer = Writer { bytes: Vec::with_capacity(USUAL_BYTES) };
        writer.text(method);
        writer.bytes.push(b' ');
        writer.text(uri);
        writer.bytes.extend_from_slice(b" SIP/2.0\r\n");
        writer
    }

    pub fn response(code: u16, reason: &str) -> Self {
        let mut writer = Writer { bytes: Vec::with_capacity(USUAL_BYTES) };
        // Writing into a Vec cannot fail.
        let _ = write!(writer.bytes, "SIP/2.0 {code} ");
        writer.text(reason);
        writer.bytes.extend_from_slice(b"\r\n");
        writer
    }

    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        self.text(name);
        self.bytes.extend_from_slice(b": ");
        self.text(value);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// A header whose value is printed straight into the message.
    pub fn header_fmt(&mut self, name: &str, value: std::fmt::Arguments<'_>) -> &mut Self {
        self.text(name);
        self.bytes.extend_from_slice(b": ");
        let start = self.bytes.len();
        let _ = self.bytes.write_fmt(value);
        for byte in self.bytes.iter_mut().skip(start).filter(|byte| breaks_a_line(**byte)) {
            *byte = b' ';
        }
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// All values of one header of a message that was received.
    pub fn copy(&mut self, head: &Head, name: HeaderName) -> &mut Self {
        for value in head.all(name, "") {
            self.header(name.as_str(), value);
        }
        self
    }

    /// All headers of a message except Content-Length.
    pub fn head_without_length(&mut self, head: &Head) -> &mut Self {
        for (name, value) in head.iter().filter(|(name, _)| *name != HeaderName::ContentLength.as_str()) {
            self.header(name, value);
        }
        self
    }

    /// How many bytes are written so far.
    pub fn position(&self) -> usize {
        self.bytes.len()
    }

    /// Content-Length, the empty line and the body.
    pub fn finish(mut self, body: &[u8]) -> Bytes {
        let _ = write!(self.bytes, "Content-Length: {}\r\n\r\n", body.len());
        self.bytes.extend_from_slice(body);
        Bytes::from(self.bytes)
    }

    /// What would end a line becomes a space, whoever wrote it.
    fn text(&mut self, text: &str) {
        if text.bytes().any(breaks_a_line) {
            self.bytes.extend(text.bytes().map(|byte| if breaks_a_line(byte) { b' ' } else { byte }));
        } else {
            self.bytes.extend_from_slice(text.as_bytes());
        }
    }
}

fn breaks_a_line(byte: u8) -> bool {
    byte == b'\r' || byte == b'\n'
}

/// The usual words for a status code (RFC 3261 21 and the registry); empty where there are none.
pub fn reason_phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        493 => "Undecipherable",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_start_a_line_of_its_own() {
        let mut writer = Writer::response(200, "OK\r\nX: 1");
        writer.header("Subject", "a\r\nEvil: yes").header_fmt("Reason", format_args!("b\n{}", 1));
        let text = writer.finish(b"x\r\n");
        assert_eq!(
            text.as_ref(),
            b"SIP/2.0 200 OK  X: 1\r\nSubject: a  Evil: yes\r\nReason: b 1\r\nContent-Length: 3\r\n\r\nx\r\n"
        );
    }
}
