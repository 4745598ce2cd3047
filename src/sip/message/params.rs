//! `;name=value` parameters of headers and URIs.

use super::text::{find_any, is_space, is_token, quoted_end, unquote};
use std::fmt;

/// Parameters in their order, white space taken out, otherwise as they came: `;tag=a;lr;x="y z"`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Params(String);

impl Params {
    /// Reads what follows an address or a sent-by: nothing, or parameters that each start with a semicolon.
    /// None where one has no name, a broken value, or something else stands between them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim_matches(is_space);
        let mut whole = String::with_capacity(rest.len());
        while !rest.is_empty() {
            rest = rest.strip_prefix(';')?.trim_start_matches(is_space);
            let name_end = find_any(rest, b";= \t").unwrap_or(rest.len());
            let (name, after) = rest.split_at(name_end);
            if !is_token(name) && !is_loose_name(name) {
                return None;
            }
            whole.push(';');
            whole.push_str(name);
            rest = after.trim_start_matches(is_space);
            if let Some(after) = rest.strip_prefix('=') {
                let after = after.trim_start_matches(is_space);
                let value_end = value_end(after)?;
                let (value, after) = after.split_at(value_end);
                whole.push('=');
                whole.push_str(value);
                rest = after.trim_start_matches(is_space);
            }
        }
        Some(Params(whole))
    }

    /// The value of a parameter, in any case of its name, without quotes' meaning taken out; empty where it
    /// has none. None where the parameter is not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.unwrap_or(""))
    }

    /// As [`Params::get`], a quoted value without its quotes.
    pub fn get_plain(&self, name: &str) -> Option<String> {
        self.get(name).map(unquote)
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds a parameter, or gives the one that is there another value. `value` must be a token or quoted.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let mut whole = String::with_capacity(self.0.len() + name.len() + 24);
        let mut found = false;
        for (other, old) in self.iter() {
            if other.eq_ignore_ascii_case(name) {
                if !found {
                    push(&mut whole, other, value);
                }
                found = true;
            } else {
                push(&mut whole, other, old);
            }
        }
        if !found {
            push(&mut whole, name, value);
        }
        self.0 = whole;
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) {
        let mut whole = String::with_capacity(self.0.len());
        for (other, value) in self.iter().filter(|(other, _)| !other.eq_ignore_ascii_case(name)) {
            push(&mut whole, other, value);
        }
        self.0 = whole;
    }

    /// Name and value of each, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        iterate(&self.0)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Parameters out of a text that was checked to hold some.
pub(super) fn iterate(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let after = rest.strip_prefix(';')?;
        let name_end = find_any(after, b";=").unwrap_or(after.len());
        let (name, after) = after.split_at(name_end);
        let Some(after) = after.strip_prefix('=') else {
            rest = after;
            return Some((name, None));
        };
        let (value, after) = after.split_at(value_end(after).unwrap_or(after.len()));
        rest = after;
        Some((name, Some(value)))
    })
}

fn push(whole: &mut String, name: &str, value: Option<&str>) {
    whole.push(';');
    whole.push_str(name);
    if let Some(value) = value {
        whole.push('=');
        whole.push_str(value);
    }
}

/// Names that are no token but that URIs allow (`param-unreserved`).
fn is_loose_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>;=,\\".contains(&byte))
}

/// Where a value ends: after its closing quote, or before the next separator.
fn value_end(text: &str) -> Option<usize> {
    if text.starts_with('"') {
        return quoted_end(text);
    }
    let end = find_any(text, b"; \t,\"<>").unwrap_or(text.len());
    let separated = text[end..].is_empty() || text[end..].starts_with([';', ' ', '\t']);
    (end > 0 && separated).then_some(end)
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_with_white_space_quotes_and_addresses() {
        for (text, expected) in [
            ("", Some("")),
            (" ; tag = 98asjd8 ", Some(";tag=98asjd8")),
            (";lr;x=1", Some(";lr;x=1")),
            (
                r#";+sip.instance="<urn:uuid:0;1>";expires="60""#,
                Some(r#";+sip.instance="<urn:uuid:0;1>";expires="60""#),
            ),
            (";received=2001:db8::9:255", Some(";received=2001:db8::9:255")),
            (";gr=urn:uuid:f81d", Some(";gr=urn:uuid:f81d")),
            (";;", None),
            (";", None),
            (";x=", None),
            (r#";x="a"#, None),
            (";a b", None),
            (";a=b c", None),
            ("x", None),
        ] {
            let read = Params::parse(text);
            assert_eq!(read.as_ref().map(Params::as_str), expected, "{text}");
        }
    }

    #[test]
    fn parameters_are_set_and_removed_in_any_case() {
        let mut params = Params::parse(";Branch=a;rport;x").unwrap_or_default();
        params.set("RPORT", Some("5060"));
        params.set("received", Some("192.0.2.1"));
        assert_eq!(params.as_str(), ";Branch=a;rport=5060;x;received=192.0.2.1");
        params.remove("branch");
        assert_eq!((params.as_str(), params.get("X")), (";rport=5060;x;received=192.0.2.1", Some("")));
    }
}
