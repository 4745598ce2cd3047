//! A body that is made while it is sent: pieces that come one after the other out of a task.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Serialize;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// The media type of values that come one a line.
pub const JSON_LINES: &str = "application/x-ndjson";

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

/// How often an empty line is sent while a step takes its time: only who is sent something is known to be there yet, since
/// one that has closed its half may still listen.
const EMPTY_LINE_EVERY: Duration = Duration::from_secs(1);

/// The steps of a check as they are done, a line of JSON each, with empty lines between. Whoever makes them learns within
/// some seconds that nobody listens any more: their channel is closed.
pub fn step_lines<T: Serialize + Send + 'static>(mut steps: mpsc::Receiver<T>) -> Response {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    tokio::spawn(async move {
        let mut alive = tokio::time::interval(EMPTY_LINE_EVERY);
        loop {
            let line = tokio::select! {
                step = steps.recv() => match step {
                    Some(step) => serde_json::to_string(&step).unwrap_or_default(),
                    None => return,
                },
                () = sender.closed() => return,
                _ = alive.tick() => String::new(),
            };
            let line = line + "\n";
            if sender.send(Ok(line.into())).await.is_err() {
                return;
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(JSON_LINES)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::new(Pieces(receiver))).into_response()
}
