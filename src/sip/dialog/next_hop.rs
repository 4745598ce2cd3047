//! Where a request inside a dialog goes (RFC 3261 12.2.1.1, 16.12.1.2).

use super::DialogState;
use crate::sip::Transport;
use crate::sip::message::{NameAddr, Scheme, SipUri};
use std::net::{IpAddr, SocketAddr};

/// Request-URI, Route values and the address to send to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NextHop {
    pub request_uri: SipUri,
    pub routes: Vec<Box<str>>,
    pub destination: SocketAddr,
    pub transport: Transport,
}

/// Decides them from the route set and the remote target.
///
/// A numeric host is taken as it stands; a name is not resolved, the peer's last message shows the way. So it
/// does for a peer that sits behind NAT and does not know: it names an address that it wrongly believed to send from,
/// or has a public address and names a private one.
pub fn next_hop(state: &DialogState) -> NextHop {
    let first = state.route_set.first().and_then(|route| NameAddr::parse(route));
    let Some(first) = first else {
        let (destination, transport) = address(&state.target, state);
        return NextHop { request_uri: state.target.clone(), routes: Vec::new(), destination, transport };
    };
    let (destination, transport) = address(&first.uri, state);
    if first.uri.param("lr").is_some() {
        let routes = state.route_set.clone();
        return NextHop { request_uri: state.target.clone(), routes, destination, transport };
    }
    // A strict router wants its own URI in the request line and the target last in Route.
    let mut routes: Vec<Box<str>> = state.route_set.iter().skip(1).cloned().collect();
    routes.push(format!("<{}>", state.target).into());
    NextHop { request_uri: first.uri, routes, destination, transport }
}

fn address(uri: &SipUri, state: &DialogState) -> (SocketAddr, Transport) {
    let peer = &state.peer;
    // A browser has no address: the connection that it opened is the only way to it (RFC 7118 5).
    if peer.transport.is_websocket() {
        return (peer.address, peer.transport);
    }
    // RFC 3263 4.1 says UDP where nothing is named, but a peer that talks TCP or TLS is best reached over the
    // connection that it opened.
    let named = uri.transport().and_then(|name| Transport::from_name(&name)).unwrap_or(peer.transport);
    let sips = uri.scheme() == Scheme::Sips;
    let transport = if sips { named.secured().unwrap_or(Transport::Tls) } else { named };
    let port = uri.port().unwrap_or(transport.default_port());
    match uri.host().ip() {
        Some(ip) if state.mistaken != Some(ip) && (!is_private(ip) || is_private(peer.address.ip())) => {
            (SocketAddr::new(ip, port), transport)
        }
        _ => (peer.address, peer.transport),
    }
}

/// Addresses that cannot be reached from another network.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let carrier_grade = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || carrier_grade
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.segments()[0] & 0xfe00 == 0xfc00
                || v6.segments()[0] & 0xffc0 == 0xfe80
        }
    }
}
