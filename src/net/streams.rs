//! TCP connections: tokio tasks that carry bytes between sockets and the signalling thread's queue.

use super::signalling::{Message, Post};
use crate::ids::ConnectionId;
use crate::sip::ListenerId;
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;

/// Messages that wait for a peer that does not read. A peer that is so far behind is gone.
const WRITE_QUEUE: usize = 256;
/// Bytes read at once.
const READ_SIZE: usize = 16 * 1024;
/// As long as Timer B: nobody waits longer for the first response.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(32);
/// A peer that has taken nothing of a message for so long has gone: as long as Timer B.
const WRITE_TIME_MAX: Duration = Duration::from_secs(32);
/// How long answers may still go to a peer that has ended its half of a connection. Most have closed it whole, and the
/// endpoint must soon hear of that; who only sends no more has its answer long before.
const HALF_CLOSED: Duration = Duration::from_secs(1);
/// Time for the last messages to leave a connection that is being closed.
const LINGER: Duration = Duration::from_secs(2);

/// All open connections by their ids.
#[derive(Clone)]
pub struct Streams(Arc<Inner>);

struct Inner {
    writers: Mutex<HashMap<ConnectionId, mpsc::Sender<Bytes>>>,
    next: AtomicU64,
    post: Post,
}

impl Streams {
    pub fn new(post: Post) -> Self {
        Streams(Arc::new(Inner { writers: Mutex::default(), next: AtomicU64::new(1), post }))
    }

    /// Accepts connections for as long as the runtime lives.
    pub async fn accept(self, listener: TcpListener, id: ListenerId) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connection = ConnectionId(self.0.next.fetch_add(1, Ordering::Relaxed));
                    let receiver = self.register(connection);
                    // Awaited: while the signalling thread is behind, nothing more is accepted.
                    if self
                        .0
                        .post
                        .send(Message::StreamOpened { connection, listener: id, peer })
                        .await
                        .is_err()
                    {
                        return;
                    }
                    tokio::spawn(self.clone().carry(stream, connection, receiver));
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

    /// Opens a connection; what is sent meanwhile waits.
    pub fn connect(&self, connection: ConnectionId, from: SocketAddr, destination: SocketAddr) {
        let receiver = self.register(connection);
        let streams = self.clone();
        tokio::spawn(async move {
            match tokio::time::timeout(CONNECT_TIME_MAX, open(from, destination)).await {
                Ok(Ok(stream)) => streams.carry(stream, connection, receiver).await,
                Ok(Err(error)) => {
                    tracing::info!(%destination, %error, "cannot connect");
                    streams.forget(connection).await;
                }
                Err(_) => streams.forget(connection).await,
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

    async fn carry(self, stream: TcpStream, connection: ConnectionId, mut queue: mpsc::Receiver<Bytes>) {
        let _ = stream.set_nodelay(true);
        let (mut reader, mut writer) = stream.into_split();
        let read = async {
            let mut buffer = BytesMut::new();
            loop {
                buffer.reserve(READ_SIZE);
                match reader.read_buf(&mut buffer).await {
                    Ok(0) => return true,
                    Err(_) => return false,
                    Ok(_) => {
                        let bytes = buffer.split().freeze();
                        if self.0.post.send(Message::StreamData { connection, bytes }).await.is_err() {
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
                if !matches!(tokio::time::timeout(WRITE_TIME_MAX, writer.write_all(&bytes)).await, Ok(Ok(())))
                {
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

async fn open(from: SocketAddr, destination: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if destination.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if from.is_ipv4() == destination.is_ipv4() && !from.ip().is_unspecified() {
        socket.bind(SocketAddr::new(from.ip(), 0))?;
    }
    socket.connect(destination).await
}
