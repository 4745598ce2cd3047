//! `[hep]`: who collects copies of SIP messages, such as Homer.

use super::reader::Section;
use super::socket_address;
use std::net::SocketAddr;

/// Of a password of the protocol's: longer ones are a mistake.
const PASSWORD_BYTES_MAX: usize = 128;

/// A collector of SIP messages, by HEP version 3.
#[derive(Clone, PartialEq)]
pub struct Hep {
    pub collector: SocketAddr,
    /// Names this server among those that send there.
    pub capture_id: u32,
    pub password: Option<String>,
}

impl std::fmt::Debug for Hep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} as {}", self.collector, self.capture_id)
    }
}

/// None where nobody collects.
pub(super) fn read(section: &Section<'_>) -> Option<Hep> {
    let capture_id = section.integer("capture_id", 1..=i64::from(u32::MAX)).unwrap_or(1) as u32;
    let password = section.text("password");
    let collector = section.parsed("collector", socket_address);
    if section.exists() && !section.has("collector") {
        section.error(
            "collector",
            "is missing",
            "the collector's address and port for UDP, such as 192.0.2.9:9060",
        );
    }
    if password.as_deref().is_some_and(|password| password.len() > PASSWORD_BYTES_MAX || password.is_empty())
    {
        section.error("password", format!("has not between 1 and {PASSWORD_BYTES_MAX} bytes"), "");
    }
    Some(Hep { collector: collector?, capture_id, password })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};
    use std::path::Path;

    fn check(text: &str) -> (Option<Hep>, Vec<String>) {
        let document = Document::parse(Path::new("x.toml"), text);
        let hep = read(&document.root().section("hep"));
        (hep, document.into_findings().iter().map(Finding::to_string).collect())
    }

    #[test]
    fn without_the_section_nobody_collects_and_with_it_a_collector_is_named() {
        assert_eq!(check(""), (None, Vec::new()));
        let (hep, findings) =
            check("[hep]\ncollector = \"192.0.2.9:9060\"\ncapture_id = 2001\npassword = \"x\"\n");
        assert_eq!(findings, [""; 0]);
        let collector = "192.0.2.9:9060".parse().unwrap();
        assert_eq!(hep, Some(Hep { collector, capture_id: 2001, password: Some("x".to_owned()) }));
        for (text, expected) in [
            ("[hep]\ncapture_id = 7\n", "collector: is missing"),
            ("[hep]\ncollector = \"homer\"\n", "an address with a port"),
            ("[hep]\ncollector = \"192.0.2.9:9060\"\ncapture_id = 0\n", "capture_id"),
            ("[hep]\ncollector = \"192.0.2.9:9060\"\npassword = \"\"\n", "between 1 and 128 bytes"),
        ] {
            let (_, findings) = check(text);
            assert!(findings.len() == 1 && findings[0].contains(expected), "{text}: {findings:?}");
        }
    }
}
