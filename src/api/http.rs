//! Connections: how many, from whom, and how long each may keep us waiting.

use super::problem::Problem;
use super::proxy::is_in;
use crate::sip::bans::Network;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};

/// Connections at a time: consoles with an event stream each, scripts, probes. Each costs some 20 KB.
const CONNECTIONS_MAX: usize = 1_024;
/// Of one address, of IPv6 a line: an office behind one with some connections of each console, and never all: sixteen addresses would
/// be needed to keep everybody else out.
const CONNECTIONS_OF_SOURCE_MAX: usize = 64;
/// Of a proxy that we trust, which stands for all its clients: nearly all. Who comes without it, to see what is wrong,
/// finds room.
const PROXY_MAX: usize = CONNECTIONS_MAX - CONNECTIONS_OF_SOURCE_MAX;
/// From one request to the end of the head of the next: a slow client holds nobody up longer.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a client may take nothing of what is sent to it; and how long it may be behind one that takes
/// [`BYTES_PER_SECOND_MIN`], so that a byte now and then keeps no sound file in memory.
const STALL_TIME_MAX: Duration = Duration::from_secs(30);
/// A hundredth of a slow line.
const BYTES_PER_SECOND_MIN: u32 = 16 * 1_024;
/// Where a socket cannot be accepted (too many open files), how long to let others close.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves the routes until the process ends.
pub async fn serve(listener: TcpListener, router: Router, proxies: Arc<[IpNet]>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (sources, of_proxies) = (Arc::new(Sources::default()), Arc::new(Sources::default()));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be accepted");
                wait(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else { continue };
        let is_proxy = is_in(&proxies, peer.ip());
        // Apart: a proxy may stand in the network of those who come without it.
        let (among, most) =
            if is_proxy { (&of_proxies, PROXY_MAX) } else { (&sources, CONNECTIONS_OF_SOURCE_MAX) };
        let Some(of_source) = among.clone().enter_among(peer.ip(), most) else { continue };
        let router = router.clone();
        tokio::spawn(async move {
            connection(stream, peer, router).await;
            drop((place, of_source));
        });
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router) {
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        hyper::service::Service::call(&router, request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_headers(64)
        // A client that closes its half after the request still gets the answer.
        .half_close(true)
        .serve_connection(TokioIo::new(Patient { stream, waits: None, debt: Debt::default() }), service);
    if let Err(error) = served.await {
        tracing::debug!(%peer, %error, "an HTTP connection ended early");
    }
}

#[expect(clippy::disallowed_methods, reason = "a shell that waits for room")]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Connections, or requests, by their source.
#[derive(Default)]
pub struct Sources(Mutex<HashMap<Network, usize>>);

/// One of a source; leaves when dropped.
pub struct OfSource(Arc<Sources>, Network);

impl Sources {
    /// One more, where the source has not as many as one may have.
    pub fn enter(self: Arc<Self>, source: IpAddr) -> Option<OfSource> {
        self.enter_among(source, CONNECTIONS_OF_SOURCE_MAX)
    }

    fn enter_among(self: Arc<Self>, source: IpAddr, most: usize) -> Option<OfSource> {
        let source = Network::of(source);
        let mut open = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = open.entry(source).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(OfSource(self, source))
    }
}

impl Drop for OfSource {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// How far a reader is behind one that takes the least: what it let us wait, less what it took.
#[derive(Default)]
struct Debt(Duration);

impl Debt {
    fn left(&self) -> Duration {
        STALL_TIME_MAX.saturating_sub(self.0)
    }

    fn waited(&mut self, time: Duration) {
        self.0 += time;
    }

    fn took(&mut self, bytes: usize) {
        let worth = Duration::from_secs_f64(bytes as f64 / f64::from(BYTES_PER_SECOND_MIN));
        self.0 = self.0.saturating_sub(worth);
    }
}

/// A stream whose peer must take what it is sent, by [`STALL_TIME_MAX`].
struct Patient {
    stream: TcpStream,
    /// Since when a write waits for room, and until when it may.
    waits: Option<(Instant, Pin<Box<Sleep>>)>,
    debt: Debt,
}

impl Patient {
    fn judge(
        &mut self,
        result: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = result {
            if let Some((since, _)) = self.waits.take() {
                self.debt.waited(since.elapsed());
            }
            self.debt.took(*result.as_ref().unwrap_or(&0));
            return Poll::Ready(result);
        }
        let left = self.debt.left();
        let (_, end) = self.waits.get_or_insert_with(|| (Instant::now(), patience(left)));
        ready!(end.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

#[expect(clippy::disallowed_methods, reason = "a shell that waits for a slow reader")]
fn patience(time: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(time))
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What every answer says to browsers: nothing of it is a page, a script or a frame, and no other site reads it.
/// Cross-origin requests are never allowed, so there is no header that allows them.
pub async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// For paths that nobody serves.
pub async fn not_found() -> Response {
    Problem::not_found("there is nothing at this path").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_who_takes_a_byte_now_and_then_runs_out_of_time_and_a_slow_one_does_not() {
        // Seconds until it was cut, of a reader who takes so many bytes each second.
        let lasts = |bytes_per_second: usize| {
            let mut debt = Debt::default();
            (0..3_600).find(|_| {
                debt.waited(Duration::from_secs(1));
                debt.took(bytes_per_second);
                debt.left().is_zero()
            })
        };
        for (bytes_per_second, cut) in
            [(0, Some(29)), (1, Some(30)), (8_192, Some(59)), (16_384, None), (1 << 20, None)]
        {
            assert_eq!(lasts(bytes_per_second), cut, "{bytes_per_second}");
        }
    }

    #[test]
    fn one_source_does_not_take_all_connections_and_gets_its_own_back() {
        let sources = Arc::new(Sources::default());
        let source: IpAddr = [192, 0, 2, 1].into();
        let mut open: Vec<_> = (0..300).filter_map(|_| sources.clone().enter(source)).collect();
        assert_eq!(open.len(), CONNECTIONS_OF_SOURCE_MAX);
        assert!(sources.clone().enter([192, 0, 2, 2].into()).is_some());
        open.pop();
        assert!(sources.clone().enter(source).is_some());
        drop(open);
        assert!(sources.0.lock().unwrap().is_empty());
    }

    #[test]
    fn one_line_takes_not_all_connections_with_whatever_addresses_it_has() {
        let sources = Arc::new(Sources::default());
        let enter = |address: String| sources.clone().enter(address.parse().unwrap());
        let open: Vec<_> = (0..300).filter_map(|n| enter(format!("2001:db8::{n:x}"))).collect();
        assert_eq!(open.len(), CONNECTIONS_OF_SOURCE_MAX);
        assert!(enter("2001:db8:0:1::1".to_owned()).is_some());
    }
}
