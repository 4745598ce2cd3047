//! Via (RFC 3261 20.42, response routing of RFC 3581).

use super::params::Params;
use super::text::{is_space, is_token};
use super::uri::Host;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Port of a sent-by that names none (RFC 3261 18.2.2).
const DEFAULT_PORT: u16 = 5060;

/// What a branch starts with that is unique by RFC 3261 8.1.1.7.
const MAGIC_COOKIE: &str = "z9hG4bK";

/// One Via entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Via {
    /// As it came: `UDP`, `TCP`, or one that nobody knows.
    pub transport: Box<str>,
    pub host: Host,
    pub port: Option<u16>,
    pub params: Params,
}

impl Via {
    /// Reads one entry, with white space around the slashes, the colon and the parameters. None where the
    /// protocol is not SIP/2.0 or a part is broken.
    pub fn parse(text: &str) -> Option<Self> {
        let (protocol, rest) = text.split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        let version_fits = version.trim_matches(is_space) == "2.0";
        if !protocol.trim_matches(is_space).eq_ignore_ascii_case("SIP") || !version_fits {
            return None;
        }
        let rest = rest.trim_start_matches(is_space);
        let (transport, rest) = rest.split_at(rest.find(is_space)?);
        let rest = rest.trim_start_matches(is_space);
        let (sent_by, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let sent_by = sent_by.trim_end_matches(is_space);
        let host_end = match sent_by.find(']') {
            Some(bracket) => bracket + 1,
            None => sent_by.find(':').unwrap_or(sent_by.len()),
        };
        let (host, port) = sent_by.split_at(host_end);
        let port = match port.trim_start_matches(is_space).strip_prefix(':') {
            Some(digits) => Some(digits.trim_matches(is_space).parse().ok().filter(|port| *port != 0)?),
            None if port.is_empty() => None,
            None => return None,
        };
        let host = Host::parse(host.trim_end_matches(is_space))?;
        is_token(transport).then_some(())?;
        Some(Via { transport: transport.into(), host, port, params: Params::parse(params)? })
    }

    /// The branch, where it identifies a transaction (RFC 3261 17.2.3). None where it is missing, comes from
    /// before RFC 3261, or is the magic cookie and nothing else.
    pub fn branch(&self) -> Option<&str> {
        self.raw_branch().filter(|branch| branch.len() > MAGIC_COOKIE.len() && starts_with_cookie(branch))
    }

    /// The branch as it came.
    pub fn raw_branch(&self) -> Option<&str> {
        self.params.get("branch")
    }

    /// The same entry as a server notes it down: where the request really came from (RFC 3261 18.2.1,
    /// RFC 3581 4). What the client wrote into these two itself is not believed.
    pub fn received_from(&self, source: SocketAddr) -> Self {
        let mut via = self.clone();
        let asks_port = via.params.has("rport");
        via.params.remove("received");
        if asks_port {
            via.params.set("rport", Some(&source.port().to_string()));
        }
        if asks_port || via.host.ip() != Some(source.ip()) {
            let received = match source.ip() {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => address.to_string(),
            };
            via.params.set("received", Some(&received));
        }
        via
    }

    /// Where a response over UDP goes: always to the address that the request came from, to the port it came
    /// from where the client asked so, else to the one it says it listens on. A name is never resolved and
    /// `maddr` never followed: both would let a stranger aim our responses at others.
    pub fn response_address(&self, source: SocketAddr) -> SocketAddr {
        if self.params.has("rport") {
            return source;
        }
        SocketAddr::new(source.ip(), self.port.unwrap_or(DEFAULT_PORT))
    }
}

fn starts_with_cookie(branch: &str) -> bool {
    branch.get(..MAGIC_COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.params.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn via_is_read_with_white_space_and_addresses_of_all_kinds() {
        for (text, host, port, branch) in [
            ("SIP/2.0/UDP h.example;branch=z9hG4bKa", "h.example", None, Some("z9hG4bKa")),
            (
                "SIP / 2.0 / TCP     Spindle.example   ; branch  =   z9hG4bK9",
                "spindle.example",
                None,
                Some("z9hG4bK9"),
            ),
            ("sip/2.0/UDP h : 5061 ;branch=z9hG4bK", "h", Some(5061), None),
            (
                "SIP/2.0/UNKNOWN [2001:db8::9:1]:6050;received=2001:db8::9:255",
                "[2001:db8::9:1]",
                Some(6050),
                None,
            ),
            ("SIP/2.0/UDP 192.0.2.2;branch=390skdjuw", "192.0.2.2", None, None),
            ("SIP/2.0/UDP h;received=[2001:db8::1];branch=z9hG4bK1", "h", None, Some("z9hG4bK1")),
        ] {
            let Some(via) = Via::parse(text) else { panic!("{text} is a Via") };
            assert_eq!(
                (via.host.to_string().as_str(), via.port, via.branch()),
                (host, port, branch),
                "{text}"
            );
        }
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/7.0/UDP h",
            "HTTP/2.0/TCP h",
            "SIP/2.0/UDP h;;",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP h:0",
            "SIP/2.0/UDP h i",
            "SIP/2.0/UDP ;branch=x",
            "SIP/2.0/ h",
        ] {
            assert!(Via::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_response_goes_to_the_source_and_to_the_port_that_via_asks_for() {
        let source: SocketAddr = SocketAddr::from(([192, 0, 2, 9], 40_000));
        for (text, noted, port) in [
            ("SIP/2.0/UDP h;branch=a", "SIP/2.0/UDP h;branch=a;received=192.0.2.9", 5060),
            ("SIP/2.0/UDP 192.0.2.9:5070;branch=a", "SIP/2.0/UDP 192.0.2.9:5070;branch=a", 5070),
            (
                "SIP/2.0/UDP 10.0.0.1:5070;rport;branch=a",
                "SIP/2.0/UDP 10.0.0.1:5070;rport=40000;branch=a;received=192.0.2.9",
                40_000,
            ),
            (
                "SIP/2.0/UDP h;rport=1;received=203.0.113.1",
                "SIP/2.0/UDP h;rport=40000;received=192.0.2.9",
                40_000,
            ),
            ("SIP/2.0/UDP h;maddr=203.0.113.1", "SIP/2.0/UDP h;maddr=203.0.113.1;received=192.0.2.9", 5060),
        ] {
            let Some(via) = Via::parse(text) else { panic!("{text} is a Via") };
            assert_eq!(via.received_from(source).to_string(), noted);
            assert_eq!(via.response_address(source), SocketAddr::new(source.ip(), port), "{text}");
        }
    }
}
