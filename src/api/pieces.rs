//! A body that is made while it is sent: pieces that come one after the other out of a task.

use crate::services::check::CheckStep;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
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

/// The steps of a check as they are done, a line of JSON each.
pub fn step_lines(mut steps: mpsc::Receiver<CheckStep>) -> Response {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    tokio::spawn(async move {
        while let Some(step) = steps.recv().await {
            let line = serde_json::to_string(&step).unwrap_or_default() + "\n";
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
