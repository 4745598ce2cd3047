//! `[dns]`: who is asked where the hosts of peers are.

use crate::config::reader::Section;
use std::net::{IpAddr, SocketAddr};

/// The port of DNS, RFC 1035 section 4.2.
const DNS_PORT: u16 = 53;
/// As many as a system's resolver takes at most (MAXNS); more only make the wait longer where none answers.
const SERVERS_MAX: usize = 3;

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Dns {
    /// Empty: those of the system.
    pub servers: Vec<SocketAddr>,
}

pub(super) fn read(section: &Section<'_>) -> Dns {
    let mut servers = Vec::new();
    for text in section.texts("servers").unwrap_or_default() {
        match server(&text) {
            Some(server) => servers.push(server),
            None => {
                let message = format!("\"{text}\" is not the address of a name server");
                section.error("servers", message, "for example 192.0.2.53, or 192.0.2.53:5353");
            }
        }
    }
    if servers.len() > SERVERS_MAX {
        section.error("servers", format!("more than {SERVERS_MAX} name servers"), "");
    }
    Dns { servers }
}

fn server(text: &str) -> Option<SocketAddr> {
    let bare = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, DNS_PORT));
    text.parse().ok().or_else(bare)
}
