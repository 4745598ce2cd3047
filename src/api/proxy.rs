//! Who a request comes from where a proxy stands in front of us: X-Forwarded-For, or Forwarded (RFC 7239) where the
//! configuration says so, and X-Forwarded-Proto, believed of `[http] trusted_proxies` alone.

use super::Api;
use super::http::{OfSource, Sources};
use super::problem::Problem;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Proxies one behind the other that are looked through: a cloud's, a company's, a machine's, with room. What a client
/// wrote itself stands left of theirs, however long it is.
const HOPS_MAX: usize = 16;

/// The client of a request: its address, and whether it speaks TLS to a proxy of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Client {
    pub ip: IpAddr,
    pub is_https: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let unknown = || Problem::internal("the client's address is unknown");
        parts.extensions.get().copied().ok_or_else(unknown)
    }
}

/// The proxies that are believed.
#[derive(Default)]
pub struct Proxies {
    trusted: Arc<[IpNet]>,
    /// They write Forwarded. Of the two only one is read: a proxy passes the other on as the client sent it.
    reads_forwarded: bool,
    /// What they said that names no client.
    malformed: Arc<AtomicU64>,
    /// Requests by client: behind a proxy the connections are the proxy's.
    under_way: Arc<Sources>,
}

impl Proxies {
    pub fn new(trusted: Vec<IpNet>, reads_forwarded: bool) -> Self {
        Proxies { trusted: trusted.into(), reads_forwarded, ..Proxies::default() }
    }

    /// The ranges that are believed.
    pub fn ranges(&self) -> Arc<[IpNet]> {
        self.trusted.clone()
    }

    /// Counts what proxies said that names no client.
    pub fn malformed(&self) -> Arc<AtomicU64> {
        self.malformed.clone()
    }

    /// One more request of a client, where it has not too many.
    pub fn enter(&self, client: IpAddr) -> Option<OfSource> {
        self.under_way.clone().enter(client)
    }

    /// Who a request of that peer comes from. Where the proxy's word cannot be read it is the last hop that is known.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        if !is_in(&self.trusted, peer) {
            return Client { ip: peer, is_https: false };
        }
        let name = if self.reads_forwarded { header::FORWARDED } else { X_FORWARDED_FOR };
        let ip = match headers.contains_key(&name) {
            true => self.last_stranger(peer, &elements(headers, &name)),
            false => peer,
        };
        Client { ip, is_https: self.is_https(headers) }
    }

    /// By what the first proxy, the one that the client speaks to, said. A client that forges it makes its own cookie
    /// stricter, no more.
    fn is_https(&self, headers: &HeaderMap) -> bool {
        let first = |name| elements(headers, name).first().copied();
        let forwarded = || self.reads_forwarded.then(|| pair(first(&header::FORWARDED)?, "proto")).flatten();
        let said = first(&X_FORWARDED_PROTO).or_else(forwarded);
        said.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    /// From the right, where the nearest proxy wrote, to the first address that is none of ours.
    fn last_stranger(&self, peer: IpAddr, elements: &[&str]) -> IpAddr {
        let mut last = peer;
        for element in elements.iter().rev().take(HOPS_MAX) {
            let text = if self.reads_forwarded { pair(element, "for") } else { Some(*element) };
            let Some(ip) = text.and_then(address) else {
                self.malformed.fetch_add(1, Ordering::Relaxed);
                break;
            };
            last = ip;
            if !is_in(&self.trusted, ip) {
                break;
            }
        }
        last
    }
}

/// Whether an address is in one of the ranges.
pub fn is_in(ranges: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    ranges.iter().any(|range| range.contains(&ip))
}

/// The elements of a list in all its lines. Addresses have no commas, so that quotes need no care: one that a client
/// left open spoils nothing that stands right of it.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(str::trim).collect()
}

/// The value of a pair of an element of Forwarded, RFC 7239 section 4.
fn pair<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.trim().trim_matches('"'))
}

/// An address, in brackets or not, with a port or not.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    ip.ok().map(|ip: IpAddr| ip.to_canonical())
}

/// Tells those that come after who the client is. One client of a proxy has as many requests at a time as one without
/// a proxy has connections.
pub async fn look(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() else {
        return Problem::internal("the client's address is unknown").into_response();
    };
    let client = api.proxies.client(peer.ip(), request.headers());
    request.extensions_mut().insert(client);
    if client.ip == peer.ip().to_canonical() {
        return next.run(request).await;
    }
    let Some(one) = api.proxies.enter(client.ip) else {
        let problem = Problem::unavailable("this address has too many requests at a time");
        return problem.retry_after(1).into_response();
    };
    // A request is under way until the last of its answer is sent: an event stream for an hour.
    next.run(request).await.map(|body| Body::new(Counted { body, _one: one }))
}

/// The body of an answer that counts as one of its client's.
struct Counted {
    body: Body,
    _one: OfSource,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, lines: &[(&'static str, &str)]) -> (String, bool, u64) {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
        // One proxy of each kind; what the other header says is the client's.
        let reads_forwarded = lines.iter().any(|(name, _)| *name == "forwarded");
        let proxies = Proxies::new(trusted.to_vec(), reads_forwarded);
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let client = proxies.client(peer.parse().unwrap(), &headers);
        (client.ip.to_string(), client.is_https, proxies.malformed.load(Ordering::Relaxed))
    }

    #[test]
    fn the_client_is_the_last_stranger_before_proxies_of_ours() {
        const XFF: &str = "x-forwarded-for";
        for (peer, lines, ip, malformed) in [
            // A stranger is not believed, whatever he says.
            ("192.0.2.1", &[(XFF, "198.51.100.9")][..], "192.0.2.1", 0),
            ("127.0.0.1", &[], "127.0.0.1", 0),
            ("127.0.0.1", &[(XFF, "198.51.100.9")], "198.51.100.9", 0),
            ("::ffff:127.0.0.1", &[(XFF, "::ffff:198.51.100.9")], "198.51.100.9", 0),
            // What stands left of a stranger is the stranger's own word.
            ("127.0.0.1", &[(XFF, "203.0.113.1, 198.51.100.9")], "198.51.100.9", 0),
            ("127.0.0.1", &[(XFF, "203.0.113.1"), (XFF, "198.51.100.9 , 10.1.2.3")], "198.51.100.9", 0),
            ("127.0.0.1", &[(XFF, "10.0.0.7, 10.0.0.8")], "10.0.0.7", 0),
            ("fd00::1", &[(XFF, "[2001:db8::7]:443")], "2001:db8::7", 0),
            ("127.0.0.1", &[(XFF, "198.51.100.9:5000")], "198.51.100.9", 0),
            ("127.0.0.1", &[(XFF, "203.0.113.1, unknown")], "127.0.0.1", 1),
            ("127.0.0.1", &[(XFF, "203.0.113.1, nonsense, 10.0.0.8")], "10.0.0.8", 1),
            ("127.0.0.1", &[(XFF, "")], "127.0.0.1", 1),
            ("127.0.0.1", &[(XFF, "\u{e4}")], "127.0.0.1", 1),
            (
                "127.0.0.1",
                &[("forwarded", "for=203.0.113.1, For=\"[2001:db8::7]:4711\";proto=http")],
                "2001:db8::7",
                0,
            ),
            ("127.0.0.1", &[("forwarded", "for=\"203.0.113.1, for=198.51.100.9")], "198.51.100.9", 0),
            ("127.0.0.1", &[("forwarded", "for=_hidden")], "127.0.0.1", 1),
            ("127.0.0.1", &[("forwarded", "proto=https")], "127.0.0.1", 1),
            // A proxy that writes one of the two passes the other on, which is the client's own.
            ("127.0.0.1", &[(XFF, "203.0.113.1"), ("forwarded", "for=198.51.100.9")], "198.51.100.9", 0),
        ] {
            let (seen_ip, _, seen_malformed) = seen(peer, lines);
            assert_eq!((seen_ip.as_str(), seen_malformed), (ip, malformed), "{peer} {lines:?}");
        }
    }

    #[test]
    fn where_the_proxy_writes_x_forwarded_for_nothing_else_is_read() {
        let proxies = Proxies::new(vec!["127.0.0.1/32".parse().unwrap()], false);
        let mut headers = HeaderMap::new();
        headers.append("forwarded", "for=203.0.113.1;proto=https".parse().unwrap());
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(proxies.client(peer, &headers), Client { ip: peer, is_https: false });
        headers.append(X_FORWARDED_FOR, "198.51.100.9".parse().unwrap());
        assert_eq!(proxies.client(peer, &headers).ip.to_string(), "198.51.100.9");
    }

    #[test]
    fn a_list_without_end_is_read_from_the_right_alone() {
        let long = format!("{}198.51.100.9", "10.0.0.1, ".repeat(HOPS_MAX * 2));
        assert_eq!(seen("127.0.0.1", &[("x-forwarded-for", &long)]).0, "198.51.100.9");
        let long = "10.0.0.1, ".repeat(HOPS_MAX * 2) + "10.0.0.2";
        assert_eq!(seen("127.0.0.1", &[("x-forwarded-for", &long)]).0, "10.0.0.1");
    }

    #[test]
    fn a_proxy_says_whether_the_client_speaks_tls() {
        for (peer, lines, is_https) in [
            ("127.0.0.1", &[("x-forwarded-proto", "https")][..], true),
            ("127.0.0.1", &[("x-forwarded-proto", "HTTPS, http")], true),
            ("127.0.0.1", &[("x-forwarded-proto", "http")], false),
            ("127.0.0.1", &[("forwarded", "for=192.0.2.1;proto=https")], true),
            ("127.0.0.1", &[], false),
            ("192.0.2.1", &[("x-forwarded-proto", "https")], false),
        ] {
            assert_eq!(seen(peer, lines).1, is_https, "{peer} {lines:?}");
        }
    }
}
