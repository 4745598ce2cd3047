//! SIP over WebSocket (RFC 7118): the upgrade, and messages in frames.

use super::signalling::{Post, Turns};
use super::streams::WRITE_TIME_MAX;
use crate::ids::ConnectionId;
use crate::sip::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Callback, ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as Frame, Utf8Bytes};

/// Between our pings: below the idle minute of most proxies (RFC 6455 5.5.2).
const PING_EVERY: Duration = Duration::from_secs(30);
/// Of a frame and of a message, each one SIP message (RFC 7118 5): what the endpoint takes.
const MESSAGE_BYTES_MAX: usize = HEAD_BYTES_MAX + BODY_BYTES_MAX;
/// Read at once: a SIP message has 1 to 3 KB, and there may be thousands of connections.
const READ_BYTES: usize = 8 * 1024;

/// Answers the request to upgrade; refused in words where it is not for SIP, or from an origin that may not come.
pub async fn upgrade<S>(stream: S, origins: &[String]) -> Result<WebSocketStream<S>, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        .read_buffer_size(READ_BYTES);
    let mut refused = None;
    let check = Check { origins, refused: &mut refused };
    let upgraded = tokio_tungstenite::accept_hdr_async_with_config(stream, check, Some(config)).await;
    upgraded.map_err(|error| match (refused, error) {
        (Some(refused), _) => format!("the request to upgrade to WebSocket was refused: {refused}"),
        (None, tungstenite::Error::Io(error)) => format!("the connection broke before its upgrade: {error}"),
        (None, error) => format!("the peer asks for no WebSocket as RFC 6455 says: {error}"),
    })
}

/// Looks at a request to upgrade.
struct Check<'a> {
    origins: &'a [String],
    refused: &'a mut Option<String>,
}

impl Callback for Check<'_> {
    fn on_request(self, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        match why_not(request.headers(), self.origins) {
            None => {
                let name = HeaderValue::from_static("sip");
                response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
                Ok(response)
            }
            Some((status, words)) => {
                let mut refusal = ErrorResponse::new(Some(format!("{words}\n")));
                *refusal.status_mut() = status;
                let plain = HeaderValue::from_static("text/plain; charset=utf-8");
                refusal.headers_mut().insert(header::CONTENT_TYPE, plain);
                *self.refused = Some(words);
                Err(refusal)
            }
        }
    }
}

/// Why a request with these headers is refused. No list of origins lets all of them in: SIP itself asks who it is, and
/// no cookie counts here.
fn why_not(headers: &HeaderMap, origins: &[String]) -> Option<(StatusCode, String)> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if !offered.any(|name| name.trim().eq_ignore_ascii_case("sip")) {
        let words = "it does not offer the subprotocol \"sip\" (RFC 7118 4.1)".to_owned();
        return Some((StatusCode::BAD_REQUEST, words));
    }
    let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or("?").to_ascii_lowercase();
    if origins.is_empty() || origins.contains(&origin) {
        return None;
    }
    let shown: String = origin.chars().filter(|c| !c.is_control()).take(100).collect();
    Some((StatusCode::FORBIDDEN, format!("the origin {shown} is not among those of this listener")))
}

/// Carries messages until either side ends it.
pub async fn carry<S>(
    socket: WebSocketStream<S>,
    connection: ConnectionId,
    mut queue: mpsc::Receiver<Bytes>,
    post: &Post,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let turns = Turns::default();
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + PING_EVERY, PING_EVERY);
    // Of two pings in a row at least one must be followed by something: a peer owes an answer to each.
    let mut unanswered = 0;
    loop {
        let frame = tokio::select! {
            came = stream.next() => {
                unanswered = 0;
                let bytes = match came {
                    Some(Ok(Frame::Text(text))) => Bytes::from(text),
                    Some(Ok(Frame::Binary(bytes))) => bytes,
                    // The library has put the answer to a ping into its buffer; it goes out with a flush.
                    Some(Ok(Frame::Ping(_))) => {
                        if !sent(sink.flush()).await { return }
                        continue;
                    }
                    Some(Ok(Frame::Pong(_) | Frame::Frame(_))) => continue,
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => {
                        let _ = sent(sink.close()).await;
                        return;
                    }
                };
                if post.send_data(&turns, connection, bytes).await.is_err() { return }
                continue;
            }
            next = queue.recv() => match next {
                Some(bytes) => framed(bytes),
                None => {
                    let _ = sent(sink.close()).await;
                    return;
                }
            },
            _ = tick.tick() => {
                unanswered += 1;
                if unanswered > 2 { return }
                Frame::Ping(Bytes::new())
            }
        };
        if !sent(sink.send(frame)).await {
            return;
        }
    }
}

/// A SIP message as a text frame; with a body that is no UTF-8, as a binary one (RFC 7118 5).
fn framed(bytes: Bytes) -> Frame {
    match Utf8Bytes::try_from(bytes.clone()) {
        Ok(text) => Frame::Text(text),
        Err(_) => Frame::Binary(bytes),
    }
}

async fn sent(sending: impl Future<Output = Result<(), tungstenite::Error>>) -> bool {
    matches!(tokio::time::timeout(WRITE_TIME_MAX, sending).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_is_for_sip_and_from_an_origin_that_may_come() {
        let own = ["https://console.example.net".to_owned()];
        for (protocols, origin, origins, status) in [
            ("sip", None, &own[..], None),
            ("chat, SIP", Some("https://evil.example"), &[][..], None),
            ("sip", Some("https://Console.example.net"), &own[..], None),
            ("sip", Some("https://evil.example"), &own[..], Some(403)),
            ("sip", Some("null"), &own[..], Some(403)),
            ("sips", None, &[][..], Some(400)),
            ("", None, &[][..], Some(400)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocols));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            let found = why_not(&headers, origins).map(|(status, _)| status.as_u16());
            assert_eq!(found, status, "{protocols} {origin:?}");
        }
    }
}
