//! The grammar that challenges and credentials share: schemes, and behind each its parameters (RFC 7235 2.1, RFC 3261 25.1).

use crate::sip::message::text::{is_space, is_token_byte, quoted_end};

/// Schemes in one header line. Peers send one, or one for each algorithm.
const SCHEMES_MAX: usize = 16;
/// Parameters of a scheme. RFC 7616 knows eleven.
const PARAMS_MAX: usize = 32;

/// A scheme with its parameters. Values stand as they came, without their quotes: RFC 7616 3.4 computes with that text.
#[derive(Debug)]
pub(super) struct Scheme<'a> {
    pub name: &'a str,
    params: Vec<(&'a str, &'a str)>,
}

impl<'a> Scheme<'a> {
    pub fn is_digest(&self) -> bool {
        self.name.eq_ignore_ascii_case("Digest")
    }

    /// The value of a parameter, whatever the case of its name; none where it is missing or there twice, so that nobody reads
    /// one value where another read the other.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self.params.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        found.next().is_none().then_some(*value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.params.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }
}

/// Reads one header value, which may hold several schemes. None where it breaks the grammar or the limits.
pub(super) fn read(text: &str) -> Option<Vec<Scheme<'_>>> {
    let mut schemes: Vec<Scheme<'_>> = Vec::new();
    let mut rest = text.trim_matches(is_space);
    while !rest.is_empty() {
        rest = rest.trim_start_matches(|c| is_space(c) || c == ',');
        if rest.is_empty() {
            break;
        }
        let end = rest.bytes().position(|byte| !is_token_byte(byte)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after = after.trim_start_matches(is_space);
        if word.is_empty() {
            return None;
        }
        let Some(value) = after.strip_prefix('=') else {
            if schemes.len() >= SCHEMES_MAX {
                return None;
            }
            schemes.push(Scheme { name: word, params: Vec::new() });
            rest = after;
            continue;
        };
        let value = value.trim_start_matches(is_space);
        let (value, after) = if value.starts_with('"') {
            let end = quoted_end(value)?;
            (value.get(1..end - 1)?, value.get(end..)?)
        } else {
            // Some peers leave the quotes out around values that need them.
            let end = value.find(|c| c == ',' || is_space(c)).unwrap_or(value.len());
            value.split_at(end)
        };
        let scheme = schemes.last_mut().filter(|scheme| scheme.params.len() < PARAMS_MAX)?;
        scheme.params.push((word, value));
        rest = after.trim_start_matches(is_space);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
    Some(schemes)
}

/// Appends `, name="value"`. What would end the quotes or the line is left out.
pub(super) fn push_quoted(into: &mut String, name: &str, value: &str) {
    into.push_str(if into.is_empty() { "Digest " } else { ", " });
    into.push_str(name);
    into.push_str("=\"");
    let mut escaped = false;
    for c in value.chars().filter(|c| !c.is_control()) {
        if c == '"' && !escaped {
            into.push('\\');
        }
        escaped = c == '\\' && !escaped;
        into.push(c);
    }
    if escaped {
        into.pop();
    }
    into.push('"');
}

/// Appends `, name=value`.
pub(super) fn push_token(into: &mut String, name: &str, value: &str) {
    into.push_str(if into.is_empty() { "Digest " } else { ", " });
    into.push_str(name);
    into.push('=');
    into.push_str(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Some(schemes) = read(text) else { return "broken".to_owned() };
        let one = |scheme: &Scheme<'_>| {
            let params: Vec<_> =
                scheme.params.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            format!("{} {}", scheme.name, params.join("|"))
        };
        schemes.iter().map(one).collect::<Vec<_>>().join(" / ")
    }

    #[test]
    fn several_schemes_and_all_kinds_of_values_are_read_from_one_line() {
        for (text, expected) in [
            (r#"Digest realm="a, b", nonce="n=1""#, "Digest realm:a, b|nonce:n=1"),
            (
                r#"Digest realm="a",nonce="x" , Basic realm="b", Digest realm="c",qop="auth,auth-int""#,
                "Digest realm:a|nonce:x / Basic realm:b / Digest realm:c|qop:auth,auth-int",
            ),
            (r#"digest  Realm = "a\"b" ,, stale=TRUE"#, r#"digest Realm:a\"b|stale:TRUE"#),
            ("Digest nonce=a/b==, x=y", "Digest nonce:a/b==|x:y"),
            ("Negotiate", "Negotiate "),
            ("", ""),
            (r#"realm="a""#, "broken"),
            (r#"Digest realm="a"#, "broken"),
            (r#"Digest realm="a" nonce="b""#, "broken"),
            ("Digest =x", "broken"),
            ("Digest \"x\"", "broken"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_that_is_there_twice_is_none_and_floods_are_broken() {
        let schemes = read(r#"Digest realm="a", REALM="b", nonce="c""#).unwrap();
        assert_eq!((schemes[0].get("realm"), schemes[0].get("Nonce")), (None, Some("c")));
        let params: Vec<_> = (0..PARAMS_MAX + 1).map(|n| format!("p{n}=1")).collect();
        assert!(read(&format!("Digest {}", params.join(","))).is_none());
        assert!(read(&"Digest ".repeat(SCHEMES_MAX + 1)).is_none());
    }

    #[test]
    fn no_value_gets_out_of_its_quotes() {
        for (value, expected) in [
            (r#"a"b"#, r#"Digest x="a\"b""#),
            (r#"a\"b"#, r#"Digest x="a\"b""#),
            ("a\r\nb", r#"Digest x="ab""#),
            ("a\\", r#"Digest x="a""#),
        ] {
            let mut text = String::new();
            push_quoted(&mut text, "x", value);
            assert_eq!(text, expected);
        }
    }
}
