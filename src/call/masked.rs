//! A SIP message with what is secret masked, as long as it was: keys, credentials, keys of encrypted media.

/// Headers whose value, behind the word of the scheme, proves who somebody is (RFC 3261 section 22).
const CREDENTIALS: [&[u8]; 2] = [b"authorization", b"proxy-authorization"];
/// What stands for what is not shown.
const MASK: u8 = b'*';

/// Attributes of SDP that are secret: keys (RFC 4568, RFC 4567) and the word that proves who may connect (RFC 8839).
const SECRET_ATTRIBUTES: [&[u8]; 3] = [b"a=crypto:", b"a=key-mgmt:", b"a=ice-pwd:"];

/// Of bodies only descriptions of media are shown: any other may hold keys (dtmf-relay, dtmf, KPML) or what people write.
pub fn masked(message: &[u8]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    let (mut head, body) = bytes.split_at_mut(head_length(message));
    let mut is_sdp = false;
    while !head.is_empty() {
        let (line, rest) = head.split_at_mut(header_length(head));
        is_sdp |= mask_header(line);
        head = rest;
    }
    if !is_sdp {
        hide(body);
        return bytes;
    }
    for line in body.split_mut(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some(name) = SECRET_ATTRIBUTES.iter().find(|name| line.starts_with(name)) {
            hide(line.split_at_mut(name.len()).1);
        } else if line.starts_with(b"k=") {
            hide(line.split_at_mut(2).1);
        }
    }
    bytes
}

/// Masks a header, all its lines together, and says whether it tells that the body describes media.
fn mask_header(header: &mut [u8]) -> bool {
    let Some(colon) = header.iter().position(|byte| *byte == b':') else { return false };
    let (name, value) = header.split_at_mut(colon + 1);
    let name = name.strip_suffix(b":").unwrap_or(name).trim_ascii().to_ascii_lowercase();
    if CREDENTIALS.contains(&name.as_slice()) {
        let scheme = value.len() - value.trim_ascii_start().len();
        let word = value.iter().skip(scheme).position(u8::is_ascii_whitespace);
        let is_alone = word.is_none_or(|word| value.iter().skip(scheme + word).all(u8::is_ascii_whitespace));
        let shown = word.filter(|_| !is_alone).map_or(0, |word| scheme + word);
        hide(value.split_at_mut(shown).1);
    }
    let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    matches!(name.as_slice(), b"content-type" | b"c") && kind.eq_ignore_ascii_case(b"application/sdp")
}

/// How long a header is with the lines that go on with it: those that begin with a blank.
fn header_length(head: &[u8]) -> usize {
    let ends = head.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let mut ends = ends.skip_while(|end| matches!(head.get(*end), Some(b' ' | b'\t')));
    ends.next().unwrap_or(head.len())
}

/// All but line ends and blanks.
fn hide(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| !byte.is_ascii_whitespace()) {
        *byte = MASK;
    }
}

/// Where the body begins: behind the first empty line that follows a line, as our parser has it. A line may end in a bare
/// LF, and another one otherwise.
fn head_length(message: &[u8]) -> usize {
    let mut at = message.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    while let Some(line) = message.get(at..).and_then(|rest| rest.split_inclusive(|b| *b == b'\n').next()) {
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return at;
        }
    }
    message.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_credentials_are_masked_and_the_rest_stands() {
        let message = |head: &str, body: &str| format!("INFO sip:a SIP/2.0\r\n{head}\r\n\r\n{body}");
        for (head, body, expected_head, expected_body) in [
            (
                "Content-Type: application/dtmf-relay",
                "Signal=5\r\nDuration=160\r\n",
                "",
                "********\r\n************\r\n",
            ),
            ("c: application/dtmf", "7", "", "*"),
            ("Content-Type: application/kpml-response+xml", "<x digits=\"12\"/>", "", "** *************"),
            ("X: no type", "1234", "", "****"),
            (
                "Content-Type: Application/SDP ; x=y",
                "v=0\r\na=crypto:1 AES inline:abc\r\nm=audio 4000\r\n",
                "",
                "v=0\r\na=crypto:* *** **********\r\nm=audio 4000\r\n",
            ),
            (
                "Authorization: Digest username=\"bob\", response=\"ab\"\r\nFrom: x",
                "",
                "Authorization: Digest *************** *************\r\nFrom: x",
                "",
            ),
            (
                "proxy-authorization:Basic Ym9i\r\n  folded=1\r\nTo: y",
                "",
                "proxy-authorization:Basic ****\r\n  ********\r\nTo: y",
                "",
            ),
            ("Authorization: tokenalone", "", "Authorization: **********", ""),
            ("Authorization\r\n : Digest\r\n a=b", "", "Authorization\r\n : Digest\r\n ***", ""),
            (
                "c: application/sdp",
                "a=ice-pwd:abc\na=key-mgmt:mikey xyz\ra=crypto:1 A inline:b\n",
                "",
                "a=ice-pwd:***\na=key-mgmt:***** ***\ra=crypto:* * ********\n",
            ),
        ] {
            let expected_head = if expected_head.is_empty() { head } else { expected_head };
            let shown = masked(message(head, body).as_bytes());
            assert_eq!(String::from_utf8(shown).unwrap(), message(expected_head, expected_body));
        }
    }

    #[test]
    fn a_body_begins_where_whoever_reads_the_message_sees_it_begin() {
        // Our parser takes each of these line ends, and so do telephones.
        for end in ["\r\n\r\n", "\n\n", "\n\r\n", "\r\n\n"] {
            for before in ["", "\r\n\r\n"] {
                let head = format!("{before}INFO sip:a SIP/2.0\nContent-Type: application/dtmf-relay");
                let shown = masked(format!("{head}{end}Signal=5").as_bytes());
                assert_eq!(String::from_utf8(shown).unwrap(), format!("{head}{end}********"));
            }
        }
    }

    #[test]
    fn whatever_comes_stays_as_long_as_it_was() {
        for bytes in
            [&b""[..], b"\r\n\r\n", b":", b"a:\xFF\nAuthorization:", b"Authorization: \n \n\n\xFF\xFE"]
        {
            assert_eq!(masked(bytes).len(), bytes.len());
        }
    }
}
