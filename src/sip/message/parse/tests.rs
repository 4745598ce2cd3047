use super::*;
use crate::sip::message::Message;

fn options(lines: &str) -> String {
    format!(
        "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:h>\r\n\
         Call-ID: c\r\nCSeq: 1 OPTIONS\r\n{lines}\r\n"
    )
}

fn read(text: &str) -> Result<Message, Fault> {
    match parse_datagram(text.as_bytes()) {
        Some(read) => read.map_err(|reject| reject.fault),
        None => panic!("nothing in {text:?}"),
    }
}

#[test]
fn each_fault_is_named() {
    let long = "y".repeat(600);
    for (text, fault) in [
        (options("Content-Length: 5\r\n"), Fault::BodyIncomplete),
        (options("Content-Length: -1\r\n"), Fault::Malformed("Content-Length")),
        (options("Content-Length: 99999999999999999999\r\n"), Fault::BodyTooLarge),
        (options("Content-Length: 0\r\nl: 0\r\n"), Fault::Repeated("Content-Length")),
        (options("t: <sip:h>\r\n"), Fault::Repeated("To")),
        (options("no colon\r\n"), Fault::HeaderLine),
        (options(": no name\r\n"), Fault::HeaderLine),
        (options("bad name: x\r\n"), Fault::HeaderLine),
        (options("Contact: <sip:a@h\r\n"), Fault::Malformed("Contact")),
        (options("Route: sip:a@h\r\n"), Fault::Malformed("Route")),
        (options("Max-Forwards: -1\r\n"), Fault::Malformed("Max-Forwards")),
        (options("").replace("Call-ID: c", "Call-ID: "), Fault::Malformed("Call-ID")),
        (options("").replace("Call-ID: c", &format!("Call-ID: {long}")), Fault::Malformed("Call-ID")),
        (options("").replace("z9hG4bKa", &long), Fault::Malformed("Via")),
        (options("").replace("tag=1", &format!("tag={long}")), Fault::Malformed("From")),
        (options("").replace("CSeq: 1 ", "CSeq: 2147483648 "), Fault::Malformed("CSeq")),
        (options("").replace("CSeq: 1 OPTIONS", "CSeq: 1"), Fault::Malformed("CSeq")),
        (options("").replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"), Fault::MethodMismatch),
        (options("").replace("CSeq: 1 OPTIONS\r\n", ""), Fault::Missing("CSeq")),
        (options("").replace("SIP/2.0\r\nVia", "SIP/2.1\r\nVia"), Fault::Version),
        (options("").replace("SIP/2.0\r\nVia", "SIP/x\r\nVia"), Fault::RequestLine),
        (options("").replace("sip:h SIP", "sip:h?a=b SIP"), Fault::RequestLine),
        (options(&"X: y\r\n".repeat(HEADERS_MAX)), Fault::HeadTooLarge),
        (options(&"Via: SIP/2.0/UDP h\r\n".repeat(VIA_MAX)), Fault::Malformed("Via")),
        (options(&format!("X: {}\r\n", "y".repeat(HEAD_BYTES_MAX))), Fault::HeadTooLarge),
        ("SIP/2.0 99 x\r\n\r\n".to_owned(), Fault::StatusLine),
        ("SIP/2.0 700 x\r\n\r\n".to_owned(), Fault::StatusLine),
        ("SIP/3.0 200 x\r\n\r\n".to_owned(), Fault::Version),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), Fault::NotSip),
        ("\u{1}\u{2}".to_owned(), Fault::NotSip),
    ] {
        assert_eq!(read(&text).err(), Some(fault), "{}", text.get(..200).unwrap_or(&text));
    }
}

#[test]
fn a_message_cut_inside_its_headers_is_refused_and_still_answerable() {
    let whole = options("Content-Length: 0\r\n");
    for end in whole.find("CSeq: 1 OPTIONS").unwrap_or_default() + 15..whole.len() - 2 {
        let Some(Err(reject)) = parse_datagram(&whole.as_bytes()[..end]) else { panic!("cut at {end}") };
        assert!(reject.is_answerable(), "cut at {end}: {reject:?}");
    }
}

#[test]
fn bare_line_feeds_leading_line_ends_and_lower_case_versions_are_read() {
    let text = format!("\r\n\n{}", options("Subject: a\r\n\tb\r\n  c\r\n"))
        .replace("SIP/2.0\r\nVia", "sip/2.0\r\nVia");
    for text in [text.clone(), text.replace("\r\n", "\n")] {
        let Ok(Message::Request(request)) = read(&text) else { panic!("{:?}", read(&text)) };
        assert_eq!(request.header("s"), Some("a b c"));
    }
}

#[test]
fn bytes_that_are_no_utf_8_are_replaced_in_headers_and_kept_in_the_body() {
    let mut bytes = options("Subject: J\u{e9}\r\nContent-Length: 2\r\n").replace('\u{e9}', "@@").into_bytes();
    let at = bytes.windows(2).rposition(|pair| pair == b"@@").unwrap_or_default();
    bytes[at] = 0xe9;
    bytes[at + 1] = b'x';
    bytes.extend([0xff, 0x00]);
    let Some(Ok(Message::Request(request))) = parse_datagram(&bytes) else { panic!("readable") };
    assert_eq!((request.header("Subject"), &request.body()[..]), (Some("J\u{fffd}x"), &[0xff, 0x00][..]));
}

#[test]
fn what_is_too_large_keeps_what_its_answer_needs() {
    let text = options("").replace("Call-ID", &format!("X: {}\r\nCall-ID", "y".repeat(HEAD_BYTES_MAX)));
    let Some(Err(reject)) = parse_datagram(text.as_bytes()) else { panic!("too large") };
    let names: Vec<_> = reject.head.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(
        (reject.fault.status().0, names),
        (513, ["Via", "From", "To", "Call-ID", "CSeq"].map(str::to_owned).to_vec())
    );
}

#[test]
fn a_datagram_of_line_ends_is_nothing() {
    assert!(parse_datagram(b"\r\n\r\n").is_none());
    assert!(parse_datagram(b"").is_none());
}
