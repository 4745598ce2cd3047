//! Connections of TCP, TLS and WebSocket: tokio tasks that carry bytes between sockets and the signalling thread's queue.

use super::handshake::{Handshakes, Place, client_names, open};
use super::signalling::{Message, Post, Turns};
use super::websocket;
use crate::ids::ConnectionId;
use crate::sip::{ListenerId, TlsPeer, Transport};
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Messages that wait for a peer that does not read. A peer that is so far behind is gone.
const WRITE_QUEUE: usize = 256;
/// Bytes read at once.
const READ_SIZE: usize = 16 * 1024;
/// As long as Timer B: nobody waits longer for the first response.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(32);
/// A peer that has taken nothing of a message for so long has gone: as long as Timer B.
pub(super) const WRITE_TIME_MAX: Duration = Duration::from_secs(32);
/// How long answers may still go to a peer that has ended its half of a connection. Most have closed it whole, and the
/// endpoint must soon hear of that; who only sends no more has its answer long before.
const HALF_CLOSED: Duration = Duration::from_secs(1);
/// Time for the last messages to leave a connection that is being closed.
const LINGER: Duration = Duration::from_secs(2);
/// A connection that is silent for so long is asked for by TCP itself whether its peer is there: a trunk may say nothing
/// for the whole of a call, and who has lost its power never says that it is gone.
const PROBE_AFTER: Duration = Duration::from_secs(60);
/// Between probes that get no answer; three of them end the connection.
const PROBE_EVERY: Duration = Duration::from_secs(20);
const PROBES: u32 = 3;

/// All open connections by their ids.
#[derive(Clone)]
pub struct Streams(Arc<Inner>);

struct Inner {
    writers: Mutex<HashMap<ConnectionId, mpsc::Sender<Bytes>>>,
    next: AtomicU64,
    post: Post,
    handshakes: Arc<Handshakes>,
}

/// What is spoken over the connections of a listener.
#[derive(Clone, Debug)]
pub struct Speech {
    pub listener: ListenerId,
    /// A stream's.
    pub transport: Transport,
    /// Of browsers, for WebSocket; empty is any.
    pub origins: Arc<[String]>,
}

impl Streams {
    pub fn new(post: Post, handshakes: Arc<Handshakes>) -> Self {
        Streams(Arc::new(Inner { writers: Mutex::default(), next: AtomicU64::new(1), post, handshakes }))
    }

    /// Accepts connections for as long as the runtime lives.
    pub async fn accept(self, listener: TcpListener, speech: Speech) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) if speech.transport == Transport::Tcp => {
                    // Awaited: while the signalling thread is behind, nothing more is accepted.
                    let opened = self.opened(speech.listener, peer, Arc::default()).await;
                    let Some((connection, receiver)) = opened else { return };
                    keep(&stream);
                    let (reader, writer) = stream.into_split();
                    tokio::spawn(self.clone().carry(reader, writer, connection, receiver));
                }
                Ok((stream, peer)) => {
                    if let Some(place) = self.0.handshakes.enter(peer) {
                        tokio::spawn(self.clone().shake_hands(stream, peer, speech.clone(), place));
                    }
                }
                Err(error) => {
                    // Out of descriptors, most likely: wait for some to come free.
                    tracing::warn!(%error, "a connection cannot be accepted");
                    let _ =
                        tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await;
                }
            }
        }
    }

    /// Carries a connection whose handshake is to come. The endpoint hears of it once that is done.
    async fn shake_hands(self, stream: TcpStream, peer: SocketAddr, speech: Speech, place: Place) {
        keep(&stream);
        let Speech { listener, transport, origins } = speech;
        let handshakes = self.0.handshakes.clone();
        match transport {
            Transport::Udp | Transport::Tcp => {}
            Transport::Tls => {
                let Some(stream) = handshakes.accept(stream, peer, listener).await else { return };
                let names = client_names(&stream);
                let Some((connection, receiver)) = self.opened(listener, peer, names).await else { return };
                drop(place);
                let (reader, writer) = tokio::io::split(stream);
                self.carry(reader, writer, connection, receiver).await;
            }
            Transport::Ws => {
                let Some(socket) = handshakes.within(peer, websocket::upgrade(stream, &origins)).await else {
                    return;
                };
                self.carry_websocket(socket, (listener, peer, Arc::default()), place).await;
            }
            Transport::Wss => {
                let Some(stream) = handshakes.accept(stream, peer, listener).await else { return };
                let names = client_names(&stream);
                let Some(socket) = handshakes.within(peer, websocket::upgrade(stream, &origins)).await else {
                    return;
                };
                self.carry_websocket(socket, (listener, peer, names), place).await;
            }
        }
    }

    async fn carry_websocket<S>(
        self,
        socket: tokio_tungstenite::WebSocketStream<S>,
        (listener, peer, names): (ListenerId, SocketAddr, Arc<[String]>),
        place: Place,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some((connection, receiver)) = self.opened(listener, peer, names).await else { return };
        drop(place);
        websocket::carry(socket, connection, receiver, &self.0.post).await;
        self.forget(connection).await;
    }

    /// Tells the signalling thread of a connection; none where that thread has ended.
    async fn opened(
        &self,
        listener: ListenerId,
        peer: SocketAddr,
        names: Arc<[String]>,
    ) -> Option<(ConnectionId, mpsc::Receiver<Bytes>)> {
        let connection = ConnectionId(self.0.next.fetch_add(1, Ordering::Relaxed));
        let receiver = self.register(connection);
        let told = self.0.post.send(Message::StreamOpened { connection, listener, peer, names }).await;
        told.is_ok().then_some((connection, receiver))
    }

    /// Opens a connection, with TLS where a peer is named for it; what is sent meanwhile waits.
    pub fn connect(
        &self,
        connection: ConnectionId,
        from: SocketAddr,
        destination: SocketAddr,
        tls: Option<Arc<TlsPeer>>,
    ) {
        let receiver = self.register(connection);
        let streams = self.clone();
        tokio::spawn(async move {
            let stream = match tokio::time::timeout(CONNECT_TIME_MAX, open(from, destination)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    tracing::info!(%destination, %error, "cannot connect");
                    return streams.forget(connection).await;
                }
                Err(_) => return streams.forget(connection).await,
            };
            keep(&stream);
            let Some(peer) = tls else {
                let (reader, writer) = stream.into_split();
                return streams.carry(reader, writer, connection, receiver).await;
            };
            match streams.0.handshakes.connect(stream, destination, &peer).await {
                Some(stream) => {
                    let (reader, writer) = tokio::io::split(stream);
                    streams.carry(reader, writer, connection, receiver).await;
                }
                None => streams.forget(connection).await,
            }
        });
    }

    /// Queues bytes; a connection whose queue is full is closed.
    pub fn send(&self, connection: ConnectionId, bytes: Bytes) {
        let writer = self.lock().get(&connection).cloned();
        if let Some(writer) = writer
            && writer.try_send(bytes).is_err()
        {
            tracing::info!(%connection, "the peer of a connection does not read: closing it");
            self.close(connection);
        }
    }

    /// Closes a connection after what was queued has gone out.
    pub fn close(&self, connection: ConnectionId) {
        self.lock().remove(&connection);
    }

    fn register(&self, connection: ConnectionId) -> mpsc::Receiver<Bytes> {
        let (sender, receiver) = mpsc::channel(WRITE_QUEUE);
        self.lock().insert(connection, sender);
        receiver
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ConnectionId, mpsc::Sender<Bytes>>> {
        self.0.writers.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn forget(&self, connection: ConnectionId) {
        self.close(connection);
        let _ = self.0.post.send(Message::StreamClosed { connection }).await;
    }

    async fn carry<R, W>(
        self,
        mut reader: R,
        mut writer: W,
        connection: ConnectionId,
        mut queue: mpsc::Receiver<Bytes>,
    ) where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let read = async {
            let (mut buffer, turns) = (BytesMut::new(), Turns::default());
            loop {
                buffer.reserve(READ_SIZE);
                match reader.read_buf(&mut buffer).await {
                    Ok(0) => return true,
                    Err(_) => return false,
                    Ok(_) => {
                        let bytes = buffer.split().freeze();
                        if self.0.post.send_data(&turns, connection, bytes).await.is_err() {
                            return false;
                        }
                    }
                }
            }
        };
        let write = async {
            while !queue.is_closed() {
                let Some(bytes) = queue.recv().await else { break };
                // A peer that takes nothing would hold its connection for ever.
                let written = async {
                    writer.write_all(&bytes).await?;
                    // TLS keeps a rest of a record else.
                    writer.flush().await
                };
                if !matches!(tokio::time::timeout(WRITE_TIME_MAX, written).await, Ok(Ok(()))) {
                    return;
                }
            }
            let rest = async {
                while let Some(bytes) = queue.recv().await {
                    writer.write_all(&bytes).await?;
                }
                writer.shutdown().await
            };
            let _ = tokio::time::timeout(LINGER, rest).await;
        };
        tokio::pin!(write);
        let half_closed = tokio::select! {
            ended = read => ended,
            () = &mut write => false,
        };
        if half_closed {
            let _ = tokio::time::timeout(HALF_CLOSED, write).await;
        }
        self.forget(connection).await;
    }
}

/// A message goes out at once, and a peer that is gone is noticed.
fn keep(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let probes = socket2::TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&probes.with_retries(PROBES));
}
