//! SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966); others are carried as they are.

use super::params::iterate;
use super::text::{escape, escapes_are_whole, find_any, is_token, unescape};
use crate::sip::limits::URI_BYTES_MAX;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A checked URI. The text is kept as it came, and is what goes out again.
///
/// `==` compares as RFC 3261 19.1.4 says: the order and the case of what the RFC calls equal does not count.
#[derive(Clone)]
pub struct SipUri {
    text: Box<str>,
    scheme: Scheme,
    user: Option<(u16, u16)>,
    host: Host,
    port: Option<u16>,
    params: (u16, u16),
    headers: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    /// Known by its name alone.
    Other,
}

/// The host of a URI or of a Via.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Host {
    /// Lower case.
    Name(Box<str>),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    /// A `tel:` URI and those of other schemes have none.
    None,
}

impl Host {
    /// Reads a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']')?;
            return inner.parse().ok().or_else(|| with_bug_of_rfc_3261(inner)).map(Host::V6);
        }
        if let Ok(address) = text.parse() {
            return Some(Host::V4(address));
        }
        let named = !text.is_empty()
            && text.len() <= 255
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        named.then(|| Host::Name(text.to_ascii_lowercase().into()))
    }

    /// The address, where the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::V4(address) => Some(IpAddr::V4(*address)),
            Host::V6(address) => Some(IpAddr::V6(*address)),
            Host::Name(_) | Host::None => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::V4(address) => write!(f, "{address}"),
            Host::V6(address) => write!(f, "[{address}]"),
            Host::None => Ok(()),
        }
    }
}

impl SipUri {
    /// None where the text is no URI, a SIP URI breaks the grammar, or it is longer than [`URI_BYTES_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        let colon = text.find(':')?;
        let scheme_text = text.get(..colon)?;
        let well_formed = scheme_text.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme_text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && text.len() <= URI_BYTES_MAX
            && text.len() > colon + 1
            && !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || b"<>\"".contains(&byte))
            && (text.is_ascii() || !text.contains(|c: char| c.is_control() || c.is_whitespace()));
        if !well_formed {
            return None;
        }
        let rest = text.get(colon + 1..)?;
        let body = (colon + 1) as u16;
        let scheme = [("sip", Scheme::Sip), ("sips", Scheme::Sips), ("tel", Scheme::Tel)]
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(scheme_text))
            .map_or(Scheme::Other, |(_, scheme)| scheme);
        match scheme {
            Scheme::Sip | Scheme::Sips => Self::parse_sip(text, rest, body, scheme),
            Scheme::Tel => Self::parse_tel(text, rest, body),
            Scheme::Other => Some(Self::plain(text, Scheme::Other)),
        }
    }

    /// `sip:user@host:port`, escaping what the user part may not hold. Without a user where it is empty.
    pub fn sip(user: &str, host: &str, port: Option<u16>) -> Option<Self> {
        let mut text = String::from("sip:");
        if !user.is_empty() {
            text.push_str(&escape(user, b"&=+$,;?/"));
            text.push('@');
        }
        text.push_str(host);
        if let Some(port) = port {
            text.push_str(&format!(":{port}"));
        }
        Self::parse(&text)
    }

    fn plain(text: &str, scheme: Scheme) -> Self {
        let end = text.len() as u16;
        SipUri {
            text: text.into(),
            scheme,
            user: None,
            host: Host::None,
            port: None,
            params: (end, end),
            headers: None,
        }
    }

    fn parse_sip(text: &str, rest: &str, body: u16, scheme: Scheme) -> Option<Self> {
        let mut uri = Self::plain(text, scheme);
        // An at sign stands nowhere else unescaped: everything before it is the user, semicolons included.
        let mut host_start = 0;
        if let Some(at) = rest.find('@') {
            let user_end = rest.get(..at)?.find(':').unwrap_or(at);
            if user_end == 0 {
                return None;
            }
            uri.user = Some((body, body + user_end as u16));
            host_start = at + 1;
        }
        let after = rest.get(host_start..)?;
        if after.contains('@') || !escapes_are_whole(rest) {
            return None;
        }
        let hostport_end = find_any(after, b";?").unwrap_or(after.len());
        let (hostport, tail) = after.split_at(hostport_end);
        let host_end = match hostport.find(']') {
            Some(bracket) => bracket + 1,
            None => hostport.find(':').unwrap_or(hostport.len()),
        };
        let (host, port) = hostport.split_at(host_end);
        uri.host = Host::parse(host)?;
        uri.port = parse_port(port)?;
        let tail_start = text.len() - tail.len();
        let params_end = tail.find('?').unwrap_or(tail.len());
        uri.params = (tail_start as u16, (tail_start + params_end) as u16);
        uri.headers = (params_end < tail.len()).then_some((tail_start + params_end + 1) as u16);
        check_params(tail.get(..params_end)?)?;
        Some(uri)
    }

    fn parse_tel(text: &str, rest: &str, body: u16) -> Option<Self> {
        let mut uri = Self::plain(text, Scheme::Tel);
        let number_end = rest.find(';').unwrap_or(rest.len());
        let number = rest.get(..number_end)?;
        let well_formed = number.bytes().any(|byte| byte.is_ascii_hexdigit() || b"*#".contains(&byte))
            && number.bytes().all(|byte| byte.is_ascii_hexdigit() || b"+-.()*#".contains(&byte));
        check_params(rest.get(number_end..)?)?;
        uri.user = Some((body, body + number_end as u16));
        uri.params = (body + number_end as u16, text.len() as u16);
        well_formed.then_some(uri)
    }

    /// The URI as it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The user part with its escapes resolved, or the number of a `tel:` URI; empty where there is none.
    pub fn user(&self) -> String {
        unescape(self.raw_user().unwrap_or_default())
    }

    /// The user part as it came.
    pub fn raw_user(&self) -> Option<&str> {
        self.user.and_then(|(from, to)| self.text.get(from as usize..to as usize))
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether both name the same user at the same host and port, whatever else they say.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.user() == other.user() && self.host == other.host && self.port == other.port
    }

    /// Name and value of each parameter, in their order, escapes as they came.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        iterate(self.text.get(self.params.0 as usize..self.params.1 as usize).unwrap_or_default())
    }

    /// The value of a parameter with its escapes resolved; empty where it has none.
    pub fn param(&self, name: &str) -> Option<String> {
        self.params()
            .find(|(other, _)| unescape(other).eq_ignore_ascii_case(name))
            .map(|(_, value)| unescape(value.unwrap_or_default()))
    }

    /// What follows the question mark.
    pub fn headers(&self) -> Option<&str> {
        self.headers.and_then(|start| self.text.get(start as usize..))
    }

    /// The `transport` parameter, lower case.
    pub fn transport(&self) -> Option<String> {
        self.param("transport").map(|value| value.to_ascii_lowercase())
    }

    fn password(&self) -> Option<String> {
        let (_, user_end) = self.user?;
        let rest = self.text.get(user_end as usize..)?.strip_prefix(':')?;
        rest.find('@').and_then(|at| rest.get(..at)).map(unescape)
    }

    fn has_equal_params(&self, other: &Self) -> bool {
        // These count even where only one side has them; all others only where both have.
        const DECISIVE: [&str; 5] = ["transport", "user", "ttl", "method", "maddr"];
        let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        DECISIVE.iter().all(|name| same(&self.param(name), &other.param(name)))
            && self.params().all(|(name, value)| {
                let theirs = other.param(&unescape(name));
                theirs.is_none_or(|theirs| theirs.eq_ignore_ascii_case(&unescape(value.unwrap_or_default())))
            })
    }

    fn sorted_headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<_> = self
            .headers()
            .unwrap_or_default()
            .split('&')
            .filter(|header| !header.is_empty())
            .map(|header| header.split_once('=').unwrap_or((header, "")))
            .map(|(name, value)| (unescape(name).to_ascii_lowercase(), unescape(value)))
            .collect();
        headers.sort();
        headers
    }
}

/// The grammar of RFC 3261 has a colon too many before an IPv4 tail, and that has to be understood
/// (RFC 5118 4.10).
fn with_bug_of_rfc_3261(text: &str) -> Option<Ipv6Addr> {
    let (start, tail) = text.split_once(":::")?;
    tail.parse::<Ipv4Addr>().ok()?;
    format!("{start}::{tail}").parse().ok()
}

/// Nothing, or a colon and a number from 1 to 65535.
fn parse_port(text: &str) -> Option<Option<u16>> {
    let Some(digits) = text.strip_prefix(':') else { return text.is_empty().then_some(None) };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port != 0).map(Some)
}

/// Parameters of a URI have no white space and no quotes; each has a name.
fn check_params(text: &str) -> Option<()> {
    let named = |param: &str| {
        let (name, value) = param.split_once('=').map_or((param, None), |(name, value)| (name, Some(value)));
        let name_fits = is_token(name) || (!name.is_empty() && !name.contains([',', '\\']));
        name_fits && value != Some("")
    };
    match text.strip_prefix(';') {
        Some(rest) => rest.split(';').all(named).then_some(()),
        None => text.is_empty().then_some(()),
    }
}

impl PartialEq for SipUri {
    fn eq(&self, other: &Self) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Other => self.text == other.text,
            Scheme::Tel => {
                let digits = |uri: &Self| uri.user().replace(['-', '.', '(', ')'], "").to_ascii_lowercase();
                digits(self) == digits(other) && self.has_equal_params(other) && other.has_equal_params(self)
            }
            Scheme::Sip | Scheme::Sips => {
                self.user() == other.user()
                    && self.user.is_some() == other.user.is_some()
                    && self.password() == other.password()
                    && self.host == other.host
                    && self.port == other.port
                    && self.has_equal_params(other)
                    && other.has_equal_params(self)
                    && self.sorted_headers() == other.sorted_headers()
            }
        }
    }
}
impl Eq for SipUri {}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
