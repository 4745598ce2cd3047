//! The transports of SIP: UDP, TCP and TLS (RFC 3261 18), WebSocket and secure WebSocket (RFC 7118).

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Transport {
    pub const ALL: [Transport; 5] =
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

    /// As a Via names it (RFC 3261 20.42, RFC 7118 5.2.1): `UDP`, `WSS`.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// As configurations and logs name it: `udp`, `wss`.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// Reads a name as a `transport` parameter or a configuration has it, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.name().eq_ignore_ascii_case(name))
    }

    /// What a URI of ours says, where it needs to say anything: UDP is what is taken for granted (RFC 3263 4.1), and
    /// WebSocket has one name whether it is secure or not (RFC 7118 5.2.4).
    pub fn parameter(self) -> &'static str {
        match self {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
            Transport::Ws | Transport::Wss => ";transport=ws",
        }
    }

    /// Whether the transport itself delivers, so that nothing is sent again (RFC 3261 17).
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// Whether nobody on the way can read it.
    pub fn is_secure(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    /// Whether only the peer can open a connection: a browser cannot be called back (RFC 7118 5).
    pub fn is_websocket(self) -> bool {
        matches!(self, Transport::Ws | Transport::Wss)
    }

    /// The port where none is named (RFC 3261 19.1.2, RFC 7118 5.2.3).
    pub fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }

    /// The same with TLS below, as a `sips:` URI wants it (RFC 3261 26.2.2); none for UDP.
    pub fn secured(self) -> Option<Self> {
        match self {
            Transport::Udp => None,
            Transport::Tcp | Transport::Tls => Some(Transport::Tls),
            Transport::Ws | Transport::Wss => Some(Transport::Wss),
        }
    }
}

/// Whom we expect at the other end of a TLS connection that we open.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TlsPeer {
    /// The host that was dialled, a name or an address without brackets: what the peer's certificate must name
    /// (RFC 5922 7.2), whatever DNS made of it.
    pub name: Box<str>,
    /// The settings for TLS by their name; none are those of `[tls]`.
    pub settings: Option<Box<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transport_has_its_names_and_its_port() {
        for (transport, via, name, parameter, port, secured) in [
            (Transport::Udp, "UDP", "udp", "", 5060, None),
            (Transport::Tcp, "TCP", "Tcp", ";transport=tcp", 5060, Some(Transport::Tls)),
            (Transport::Tls, "TLS", "TLS", ";transport=tls", 5061, Some(Transport::Tls)),
            (Transport::Ws, "WS", "ws", ";transport=ws", 80, Some(Transport::Wss)),
            (Transport::Wss, "WSS", "wss", ";transport=ws", 443, Some(Transport::Wss)),
        ] {
            assert_eq!(transport.as_str(), via);
            assert_eq!(Transport::from_name(name), Some(transport));
            assert_eq!((transport.parameter(), transport.default_port()), (parameter, port));
            assert_eq!((transport.secured(), transport.is_reliable()), (secured, via != "UDP"));
        }
        assert_eq!(Transport::from_name("sctp"), None);
    }
}
