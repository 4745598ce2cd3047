//! `[[sip.listen]]`: the sockets that SIP comes to, what peers are told of each, and its TLS.

use super::tls::{self, Tls, TlsServer};
use super::{host_and_port, ip_address, socket_address};
use crate::config::reader::Section;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// One socket that is listened on.
#[derive(Clone, Debug, PartialEq)]
pub struct Listen {
    pub transport: Transport,
    pub bind: SocketAddr,
    /// What peers are told where it differs: a host, or a host with a port.
    pub advertise_host: String,
    pub advertise_port: u16,
    /// Where peers of this listener send media; else what `[media]` says.
    pub media_advertise: Option<IpAddr>,
    /// Always there with `tls` and `wss`.
    pub tls: Option<TlsServer>,
    /// Origins that a browser may come from (RFC 6454); empty is any.
    pub origins: Vec<String>,
}

impl Listen {
    pub fn is_stream(&self) -> bool {
        self.transport != Transport::Udp
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

/// `None` where it cannot be read; what is wrong with it has been said.
pub(super) fn read(section: &Section<'_>, tls: &Tls, folder: &Path) -> Option<Listen> {
    let transport = section.parsed("transport", |text| match text {
        "udp" => Ok(Transport::Udp),
        "tcp" => Ok(Transport::Tcp),
        "tls" => Ok(Transport::Tls),
        "ws" => Ok(Transport::Ws),
        "wss" => Ok(Transport::Wss),
        _ => Err("a transport: udp, tcp, tls, ws or wss".to_owned()),
    });
    let bind = section.parsed("bind", socket_address);
    let advertise = section.parsed("advertise", host_and_port);
    let media_advertise = section.parsed("media_advertise", ip_address);
    if media_advertise.is_some_and(|ip| ip.is_unspecified()) {
        section.error("media_advertise", "is no address that peers can send media to", "");
    }
    let server = tls::read_server(section, folder, tls.server.as_ref());
    let origins = section.texts("origins").unwrap_or_default();
    for (key, remedy) in [("transport", "transport = \"udp\""), ("bind", "bind = \"ADDRESS:PORT\"")] {
        if !section.has(key) {
            section.error("", format!("has no {key}"), format!("add {remedy}"));
        }
    }
    let (transport, bind) = (transport?, bind?);
    let is_secure = matches!(transport, Transport::Tls | Transport::Wss);
    if is_secure && server.is_none() {
        let remedy = "set certificate and private_key in [tls], or here";
        section.error("transport", "has no certificate to show to peers", remedy);
    }
    let is_websocket = matches!(transport, Transport::Ws | Transport::Wss);
    if !is_websocket && section.has("origins") {
        section.warning("origins", "counts for ws and wss alone", "");
    }
    for origin in origins.iter().filter(|origin| !is_origin(origin)) {
        let message = format!("\"{origin}\" is not an origin");
        section.error("origins", message, "for example https://console.example.net, without a path");
    }
    let (host, port) = match advertise {
        Some((host, port)) => (host, port.unwrap_or(bind.port())),
        None => (bind.ip().to_string(), bind.port()),
    };
    if bind.ip().is_unspecified() && !section.has("advertise") {
        section.error(
            "advertise",
            "is needed where bind is all addresses",
            "say the address that peers reach us at",
        );
    }
    let tls = server.filter(|_| is_secure);
    let origins = origins.iter().map(|origin| origin.to_ascii_lowercase()).collect();
    Some(Listen {
        transport,
        bind,
        advertise_host: host,
        advertise_port: port,
        media_advertise,
        tls,
        origins,
    })
}

/// Scheme, host and port as a browser writes them.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| host_and_port(host).is_ok())
}
