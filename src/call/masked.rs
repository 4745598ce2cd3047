//! A SIP message with what is secret masked, as long as it was: keys, credentials, keys of encrypted media.

/// Headers whose value, behind the word of the scheme, proves who somebody is (RFC 3261 section 22).
const CREDENTIALS: [&[u8]; 2] = [b"authorization", b"proxy-authorization"];
/// What stands for what is not shown.
const MASK: u8 = b'*';

/// Of bodies only descriptions of media are shown: any other may hold keys (dtmf-relay, dtmf, KPML) or what people write.
pub fn masked(message: &[u8]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    let body = head_length(message);
    let (head, body) = bytes.split_at_mut(body);
    let mut is_sdp = false;
    let mut hides = false;
    for line in head.split_mut(|byte| *byte == b'\n') {
        let is_continued = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if is_continued {
            if hides {
                hide(line);
            }
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at_mut(colon + 1);
        let name = name.strip_suffix(b":").unwrap_or(name).trim_ascii_end().to_ascii_lowercase();
        hides = CREDENTIALS.contains(&name.as_slice());
        if hides {
            let scheme = value.len() - value.trim_ascii_start().len();
            let word =
                value.iter().skip(scheme).position(|byte| *byte == b' ').map_or(0, |word| scheme + word);
            hide(value.split_at_mut(word).1);
        }
        if name == b"content-type" || name == b"c" {
            let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            is_sdp = kind.eq_ignore_ascii_case(b"application/sdp");
        }
    }
    if is_sdp {
        for line in body.split_mut(|byte| *byte == b'\n') {
            // RFC 4568, and the key of RFC 8866.
            if line.starts_with(b"a=crypto:") || line.starts_with(b"k=") {
                hide(line.split_at_mut(2).1);
            }
        }
    } else {
        hide(body);
    }
    bytes
}

/// All but line ends and blanks.
fn hide(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| !byte.is_ascii_whitespace()) {
        *byte = MASK;
    }
}

/// Where the body begins.
fn head_length(message: &[u8]) -> usize {
    let end =
        |mark: &[u8]| message.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len());
    [end(b"\r\n\r\n"), end(b"\n\n")].into_iter().flatten().min().unwrap_or(message.len())
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
                "v=0\r\na=******** *** **********\r\nm=audio 4000\r\n",
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
        ] {
            let expected_head = if expected_head.is_empty() { head } else { expected_head };
            let shown = masked(message(head, body).as_bytes());
            assert_eq!(String::from_utf8(shown).unwrap(), message(expected_head, expected_body));
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
