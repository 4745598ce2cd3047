//! A body that is made while it is sent: pieces that come one after the other out of a task.

use axum::body::Bytes;
use hyper::body::Frame;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Ends with its sender. An error breaks the answer off, so that nobody takes it for a whole one.
pub struct Pieces<E>(pub mpsc::Receiver<Result<Bytes, E>>);

impl<E> hyper::body::Body for Pieces<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
