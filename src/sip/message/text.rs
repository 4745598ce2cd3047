//! Character classes and splitting of RFC 3261 25.1.

/// A character of a `token`.
pub(in crate::sip) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// White space as it is left after unfolding.
pub(in crate::sip) fn is_space(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// Where the first of some ASCII characters stands. Faster than `str::find`, which decodes.
pub(super) fn find_any(text: &str, wanted: &[u8]) -> Option<usize> {
    text.bytes().position(|byte| wanted.contains(&byte))
}

/// A number of decimal digits alone, however many zeros lead. None where it is none, or above `max`.
pub(in crate::sip) fn decimal(text: &str, max: u32) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = text.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    digits.parse::<u32>().ok().filter(|number| *number <= max)
}

/// Seconds as headers have them (RFC 3261 25.1): decimal digits alone. What is too large is the largest (20.19).
pub fn delta_seconds(text: &str) -> Option<u32> {
    let digits = text.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| decimal(digits, u32::MAX).unwrap_or(u32::MAX))
}

/// The byte ranges of the elements of a comma list, trimmed, empty ones left out. Commas inside quotes and
/// angle brackets separate nothing.
pub(super) fn split_list(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut position = Some(0);
    std::iter::from_fn(move || {
        loop {
            let start = position?;
            let end = find_outside(text, start, b',');
            position = end.map(|at| at + 1);
            let piece = text.get(start..end.unwrap_or(text.len()))?;
            let trimmed = piece.trim_matches(is_space);
            if !trimmed.is_empty() {
                let from = start + (piece.len() - piece.trim_start_matches(is_space).len());
                return Some((from, from + trimmed.len()));
            }
        }
    })
}

/// Where `wanted` next stands outside quotes and angle brackets, from `start` on.
pub(super) fn find_outside(text: &str, start: usize, wanted: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quoted, mut bracketed, mut at) = (false, false, start);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            _ if byte == wanted && !bracketed => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the quoted string that starts at the first byte of `text` ends: the index after its closing quote.
/// None where it is not closed.
pub(in crate::sip) fn quoted_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The text of a quoted string without its quotes and backslashes.
pub(super) fn unquote(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    let mut plain = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(c);
            escaped = false;
        }
    }
    plain
}

/// A quoted string that [`unquote`] turns back into the text. Control characters become spaces.
pub(super) fn quote(plain: &str, into: &mut String) {
    into.push('"');
    for c in plain.chars() {
        match c {
            '"' | '\\' => into.extend(['\\', c]),
            c if c.is_control() => into.push(' '),
            c => into.push(c),
        }
    }
    into.push('"');
}

/// Whether every `%` starts an escape of two hexadecimal digits.
pub(super) fn escapes_are_whole(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// The text with all but unreserved characters (RFC 3261 section 25.1), and those of `besides`, escaped.
pub(in crate::sip) fn escape(text: &str, besides: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) || besides.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// The text with its escapes resolved; bytes that are no UTF-8 become U+FFFD.
pub(in crate::sip) fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(value) if byte == b'%' => {
                plain.push(value);
                at += 3;
            }
            _ => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_split_at_bare_commas_only() {
        let text = r#" "a,\",b" <x,y> , c,,d "#;
        let pieces: Vec<_> = split_list(text).map(|(from, to)| &text[from..to]).collect();
        assert_eq!(pieces, [r#""a,\",b" <x,y>"#, "c", "d"]);
    }

    #[test]
    fn decimals_have_digits_only_and_a_ceiling() {
        for (text, expected) in [
            ("0068", Some(68)),
            ("000", Some(0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("300", None),
            ("36893488147419103232", None),
        ] {
            assert_eq!(decimal(text, 255), expected, "{text}");
        }
    }

    #[test]
    fn quoting_and_escaping_are_undone() {
        let mut quoted = String::new();
        quote(r#"a "b" \c"#, &mut quoted);
        assert_eq!((quoted.as_str(), unquote(&quoted).as_str()), (r#""a \"b\" \\c""#, r#"a "b" \c"#));
        assert_eq!(unescape("%75se%72%2"), "user%2");
        assert!(!escapes_are_whole("a%2"));
        assert_eq!(quoted_end(r#""a\"" x"#), Some(5));
        assert_eq!(quoted_end(r#""a\"#), None);
    }
}
