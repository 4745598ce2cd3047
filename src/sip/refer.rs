//! What transfers say: Refer-To (RFC 3515), Replaces (RFC 3891), and the pieces of SIP that NOTIFYs carry (RFC 3420).

use super::message::text::{escape, unescape};
use super::message::{NameAddr, Request, SipUri};
use std::fmt;

/// The body of a NOTIFY about a REFER.
pub const FRAGMENT_TYPE: &str = "message/sipfrag;version=2.0";
/// A dialog is named by texts of the peer; longer ones than this no server makes.
const ID_BYTES_MAX: usize = 256;

/// The dialog that an INVITE takes the place of, as the one who is asked sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replaces {
    pub call_id: String,
    /// The tag of the one who is asked.
    pub to_tag: String,
    /// The tag of its peer.
    pub from_tag: String,
    /// Only where nobody has answered yet.
    pub early_only: bool,
}

impl Replaces {
    /// None where a part is missing, or one is there twice.
    pub fn parse(text: &str) -> Option<Self> {
        let (call_id, rest) = text.split_once(';')?;
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        for part in rest.split(';') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim(), value.trim().to_owned());
            let place = match name.to_ascii_lowercase().as_str() {
                "to-tag" => &mut to_tag,
                "from-tag" => &mut from_tag,
                "early-only" => {
                    early_only = true;
                    continue;
                }
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let replaces =
            Replaces { call_id: call_id.trim().to_owned(), to_tag: to_tag?, from_tag: from_tag?, early_only };
        let parts = [&replaces.call_id, &replaces.to_tag, &replaces.from_tag];
        let fits = |part: &&String| {
            !part.is_empty() && part.len() <= ID_BYTES_MAX && part.bytes().all(|byte| byte.is_ascii_graphic())
        };
        parts.iter().all(fits).then_some(replaces)
    }

    /// The header of an INVITE: none where there is none, an error where it cannot be read or there are several.
    pub fn of(request: &Request) -> Option<Result<Self, &'static str>> {
        let mut values = request.headers("Replaces");
        let first = values.next()?;
        if values.next().is_some() {
            return Some(Err("there are several Replaces headers"));
        }
        Some(Self::parse(first).ok_or("its Replaces header names no dialog"))
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)?;
        if self.early_only { f.write_str(";early-only") } else { Ok(()) }
    }
}

/// Whom a REFER wants called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReferTo {
    /// Without headers.
    pub uri: SipUri,
    /// The dialog that the call is to take the place of: an attended transfer (RFC 5589).
    pub replaces: Option<Replaces>,
}

impl ReferTo {
    /// Reads the one Refer-To header of a REFER; what is wrong is said in words.
    pub fn of(request: &Request) -> Result<Self, &'static str> {
        let mut values = request.headers("Refer-To");
        let text = values.next().ok_or("it has no Refer-To header")?;
        if values.next().is_some() {
            return Err("it has several Refer-To headers");
        }
        let whole = NameAddr::parse(text).ok_or("its Refer-To header is no address")?.uri;
        let method = whole.param("method").unwrap_or_default();
        if !method.is_empty() && !method.eq_ignore_ascii_case("INVITE") {
            return Err("only calls are made for others: its Refer-To asks for another method");
        }
        let plain = whole.as_str().split('?').next().unwrap_or_default();
        let uri = SipUri::parse(plain).ok_or("its Refer-To header is no address")?;
        let mut of_dialog = whole.headers().unwrap_or_default().split('&').filter_map(|header| {
            let (name, value) = header.split_once('=')?;
            unescape(name).eq_ignore_ascii_case("Replaces").then(|| unescape(value))
        });
        let replaces = of_dialog.next();
        if of_dialog.next().is_some() {
            return Err("its Refer-To header names several dialogs");
        }
        let replaces = match replaces {
            Some(text) => Some(Replaces::parse(&text).ok_or("its Refer-To header names no whole dialog")?),
            None => None,
        };
        Ok(ReferTo { uri, replaces })
    }

    /// The value of a Refer-To header.
    pub fn value(&self) -> String {
        match &self.replaces {
            Some(replaces) => format!("<{}?Replaces={}>", self.uri, escape(&replaces.to_string(), b"")),
            None => format!("<{}>", self.uri),
        }
    }
}

/// The status that the body of a NOTIFY about a REFER tells.
pub fn status_of_fragment(body: &[u8]) -> Option<u16> {
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("SIP/2.0 ")?;
    let code: u16 = rest.get(..3)?.parse().ok()?;
    (100..700).contains(&code).then_some(code)
}

/// Whether a NOTIFY is about a REFER, and whether it is the last (RFC 6665 section 4.1.3).
pub fn is_last_notify(request: &Request) -> Option<bool> {
    let package = request.header("Event")?.split(';').next()?.trim();
    let state = request.header("Subscription-State").unwrap_or_default();
    package
        .eq_ignore_ascii_case("refer")
        .then(|| state.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("terminated"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::{Message, parse_datagram};

    fn refer(headers: &str) -> Request {
        let text = format!(
            "REFER sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:b@h>;tag=1\r\nTo: <sip:a@h>;tag=2\r\n\
             Call-ID: 1\r\nCSeq: 1 REFER\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        match parse_datagram(text.as_bytes()) {
            Some(Ok(Message::Request(request))) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whom_a_refer_wants_called_is_read_of_its_one_refer_to() {
        for (headers, expected) in [
            ("Refer-To: <sip:bob@h>\r\n", Ok(("sip:bob@h", None))),
            ("r: sip:bob@h\r\n", Ok(("sip:bob@h", None))),
            ("Refer-To: <sip:bob@h;method=INVITE>\r\n", Ok(("sip:bob@h;method=INVITE", None))),
            (
                "Refer-To: <sip:bob@h?Replaces=77%40h%3Bto-tag%3Dx%3Bfrom-tag%3Dy>\r\n",
                Ok(("sip:bob@h", Some("77@h;to-tag=x;from-tag=y"))),
            ),
            (
                "Refer-To: <sip:bob@h?Subject=hi&replaces=7%3Bfrom-tag%3Dy%3Bto-tag%3Dx%3Bearly-only>\r\n",
                Ok(("sip:bob@h", Some("7;to-tag=x;from-tag=y;early-only"))),
            ),
            ("", Err("it has no Refer-To header")),
            ("Refer-To: <sip:a@h>\r\nRefer-To: <sip:b@h>\r\n", Err("it has several Refer-To headers")),
            ("Refer-To: nobody\r\n", Err("its Refer-To header is no address")),
            (
                "Refer-To: <sip:a@h;method=BYE>\r\n",
                Err("only calls are made for others: its Refer-To asks for another method"),
            ),
            ("Refer-To: <sip:a@h?Replaces=7>\r\n", Err("its Refer-To header names no whole dialog")),
            (
                "Refer-To: <sip:a@h?Replaces=7%3Bto-tag%3Dx%3Bto-tag%3Dz%3Bfrom-tag%3Dy>\r\n",
                Err("its Refer-To header names no whole dialog"),
            ),
            (
                "Refer-To: <sip:a@h?Replaces=1%3Bto-tag%3D1%3Bfrom-tag%3D1&Replaces=2>\r\n",
                Err("its Refer-To header names several dialogs"),
            ),
        ] {
            let read = ReferTo::of(&refer(headers));
            let read = read.map(|to| (to.uri.to_string(), to.replaces.map(|replaces| replaces.to_string())));
            let expected = expected.map(|(uri, dialog)| (uri.to_owned(), dialog.map(str::to_owned)));
            assert_eq!(read, expected, "{headers}");
        }
    }

    #[test]
    fn a_refer_to_that_is_written_reads_back() {
        let replaces = Replaces::parse("a%b@h;to-tag=1;from-tag=2").unwrap();
        let uri = SipUri::parse("sip:bob@192.0.2.1:5071;transport=tcp").unwrap();
        let to = ReferTo { uri, replaces: Some(replaces) };
        let read = ReferTo::of(&refer(&format!("Refer-To: {}\r\n", to.value())));
        assert_eq!(read, Ok(to));
    }

    #[test]
    fn the_status_of_a_fragment_is_that_of_its_first_line() {
        for (body, status) in [
            ("SIP/2.0 200 OK\r\n", Some(200)),
            ("SIP/2.0 486 Busy Here\r\nTo: x\r\n", Some(486)),
            ("SIP/2.0 100", Some(100)),
            ("SIP/2.0 99 No", None),
            ("HTTP/1.1 200 OK", None),
            ("", None),
        ] {
            assert_eq!(status_of_fragment(body.as_bytes()), status, "{body}");
        }
    }

    #[test]
    fn a_notify_about_a_refer_says_whether_it_is_the_last() {
        for (headers, last) in [
            ("Event: refer\r\nSubscription-State: active;expires=60\r\n", Some(false)),
            ("Event: refer;id=2\r\nSubscription-State: terminated;reason=noresource\r\n", Some(true)),
            ("o: refer\r\n", Some(false)),
            ("Event: presence\r\nSubscription-State: terminated\r\n", None),
            ("", None),
        ] {
            assert_eq!(is_last_notify(&refer(headers)), last, "{headers}");
        }
    }
}
