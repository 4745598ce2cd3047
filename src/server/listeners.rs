//! The ports that the server listens on: all are bound before the store is touched, and served once calls can be routed.

use super::ServerError;
use crate::api::{self, Api};
use crate::config::{Config, Transport};
use crate::net::ports::udp_socket;
use crate::net::streams::{Speech, Streams};
use crate::server::transport_of;
use crate::sip::ListenerId;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{SocketAddr, UdpSocket};
use tokio::net::TcpListener;

/// The socket that all callers share holds a second of a flood.
const SIGNALLING_BUFFER: usize = 8 * 1024 * 1024;
/// Connections that wait to be accepted: those of a burst while the signalling thread is behind.
const BACKLOG: i32 = 1_024;
/// Datagrams that are thrown away at the start: as many of the smallest as the buffer can hold.
const STALE_MAX: usize = 65_536;

/// Ports that are ours, and not yet served.
pub struct Listeners {
    /// In the order of the configuration, which gives them their ids.
    sip: Vec<Bound>,
    http: TcpListener,
}

enum Bound {
    Udp(UdpSocket),
    Stream(TcpListener, Speech),
}

impl Listeners {
    pub async fn bind(config: &Config) -> Result<Self, ServerError> {
        let mut sip = Vec::new();
        for (index, one) in config.sip.listen.iter().enumerate() {
            let fail = |what| move |error| ServerError::Listen { what, address: one.bind, error };
            sip.push(match one.transport {
                Transport::Udp => {
                    Bound::Udp(udp_socket(one.bind, SIGNALLING_BUFFER).map_err(fail("SIP over UDP"))?)
                }
                _ => {
                    let speech = Speech {
                        listener: ListenerId(u8::try_from(index).unwrap_or(u8::MAX)),
                        transport: transport_of(one.transport),
                        origins: one.origins.clone().into(),
                    };
                    let listener =
                        stream_listener(one.bind).map_err(fail("SIP over TCP, TLS or WebSocket"))?;
                    Bound::Stream(listener, speech)
                }
            });
            tracing::info!(transport = ?one.transport, address = %one.bind, "listening");
        }
        let address = config.http.bind;
        let http = TcpListener::bind(address).await;
        let http = http.map_err(|error| ServerError::Listen { what: "HTTP", address, error })?;
        Ok(Listeners { sip, http })
    }

    /// Takes connections and requests from now on, and says where the first user is made where there is none. Gives the
    /// UDP sockets, in the places of their ids.
    pub fn serve(self, streams: &Streams, api: Api, sources: api::Sources) -> Vec<Option<UdpSocket>> {
        tokio::spawn(api.clone().announce_setup());
        tokio::spawn(api.clone().sweep());
        tokio::spawn(api.serve(self.http, sources));
        let sockets = self.sip.into_iter().map(|bound| match bound {
            Bound::Udp(socket) => {
                throw_away_stale(&socket);
                Some(socket)
            }
            Bound::Stream(listener, speech) => {
                tokio::spawn(streams.clone().accept(listener, speech));
                None
            }
        });
        sockets.collect()
    }
}

/// A listener of one address family: an IPv6 one leaves IPv4 to another, like sockets of UDP.
fn stream_listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A server that starts again takes its port back while old connections are still ending.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Throws away what came while flows were loaded and texts spoken: whoever still waits has sent it again since, or will
/// (timers A and E, RFC 3261 17.1), and a caller who has given up must not be called back to life.
fn throw_away_stale(socket: &UdpSocket) {
    let mut byte = [0];
    // A datagram that is cut to a byte is gone as a whole; an error is the end, or one that a peer has caused.
    let stale = (0..STALE_MAX).take_while(|_| socket.recv_from(&mut byte).is_ok()).count();
    if stale > 0 {
        tracing::info!(datagrams = stale, "came before the server was ready, and were thrown away");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_the_start_is_gone_and_what_comes_then_is_read() {
        let socket = udp_socket("127.0.0.1:0".parse().unwrap(), SIGNALLING_BUFFER).unwrap();
        let peer = udp_socket("127.0.0.1:0".parse().unwrap(), SIGNALLING_BUFFER).unwrap();
        let (to, mut buffer) = (socket.local_addr().unwrap(), [0; 100]);
        for _ in 0..3 {
            peer.send_to(b"INVITE sip:early@127.0.0.1 SIP/2.0", to).unwrap();
        }
        throw_away_stale(&socket);
        assert!(socket.recv_from(&mut buffer).is_err());
        peer.send_to(b"late", to).unwrap();
        assert_eq!(socket.recv_from(&mut buffer).unwrap().0, 4);
    }
}
