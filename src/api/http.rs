//! Connections: how many, from whom, and how long each may keep us waiting.

use super::problem::Problem;
use super::proxy::is_in;
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
use tokio::time::Sleep;

/// Connections at a time: consoles with an event stream each, scripts, probes. Each costs some 20 KB.
const CONNECTIONS_MAX: usize = 1_024;
/// Of one address: an office behind one with some connections of each console, and never all: sixteen addresses would
/// be needed to keep everybody else out.
const CONNECTIONS_OF_SOURCE_MAX: usize = 64;
/// Of a proxy that we trust, which stands for all its clients: nearly all. Who comes without it, to see what is wrong,
/// finds room.
const PROXY_MAX: usize = CONNECTIONS_MAX - CONNECTIONS_OF_SOURCE_MAX;
/// From one request to the end of the head of the next: a slow client holds nobody up longer.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a client may take nothing of what is sent to it.
const STALL_TIME_MAX: Duration = Duration::from_secs(30);
/// Where a socket cannot be accepted (too many open files), how long to let others close.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves the routes until the process ends.
pub async fn serve(listener: TcpListener, router: Router, proxies: Arc<[IpNet]>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let sources = Arc::new(Sources::default());
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
        let (source, most) = (peer.ip(), if is_proxy { PROXY_MAX } else { CONNECTIONS_OF_SOURCE_MAX });
        let Some(of_source) = sources.clone().enter_among(source, most) else { continue };
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
        .serve_connection(TokioIo::new(Patient { stream, stalled: None }), service);
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
pub struct Sources(Mutex<HashMap<IpAddr, usize>>);

/// One of a source; leaves when dropped.
pub struct OfSource(Arc<Sources>, IpAddr);

impl Sources {
    /// One more, where the source has not as many as one may have.
    pub fn enter(self: Arc<Self>, source: IpAddr) -> Option<OfSource> {
        self.enter_among(source, CONNECTIONS_OF_SOURCE_MAX)
    }

    fn enter_among(self: Arc<Self>, source: IpAddr, most: usize) -> Option<OfSource> {
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

/// A stream whose peer must take what it is sent within [`STALL_TIME_MAX`].
struct Patient {
    stream: TcpStream,
    /// Runs while a write waits for room.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn judge<T>(&mut self, result: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let stalled = self.stalled.get_or_insert_with(patience);
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

#[expect(clippy::disallowed_methods, reason = "a shell that waits for a slow reader")]
fn patience() -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(STALL_TIME_MAX))
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
}
