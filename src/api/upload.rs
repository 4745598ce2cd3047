//! Large bodies on their way in: no slower than a line has to be, so that none keeps its place for long.

use super::problem::Problem;
use axum::body::{Body, HttpBody};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::Instant;

/// How slowly a body may come.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Before it counts: a connection that warms up, a hiccup.
    pub grace: Duration,
    /// On the average, from the beginning.
    pub bytes_per_second: u32,
}

/// Half a megabit a second: mobile lines do it, and 50 MB are there after 13 minutes at the most.
pub const PACE: Pace = Pace { grace: Duration::from_secs(10), bytes_per_second: 64 * 1_024 };

/// The bytes of a body of up to `limit` that comes at that pace at least.
pub async fn receive(mut body: Body, limit: usize, pace: Pace) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::too_large(format!("the body may have {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let (start, mut bytes) = (Instant::now(), Vec::new());
    loop {
        let earned = Duration::from_secs_f64(bytes.len() as f64 / f64::from(pace.bytes_per_second));
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let frame = tokio::time::timeout_at(start + pace.grace + earned, frame).await;
        let slow = |_| {
            let rate = pace.bytes_per_second / 1_024;
            Problem::slow(format!("the body comes slower than {rate} KB/s: others wait for its place"))
        };
        match frame.map_err(slow)? {
            None => return Ok(bytes),
            Some(Err(_)) => return Err(Problem::malformed("the body did not come whole")),
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                if bytes.len() + data.len() > limit {
                    return Err(too_large());
                }
                bytes.extend_from_slice(&data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    /// Pieces of a kilobyte, and then nothing more or the end.
    struct Pieces {
        left: u32,
        ends: bool,
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return if self.ends { Poll::Ready(None) } else { Poll::Pending };
            }
            self.left -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![1; 1_024])))))
        }
    }

    #[test]
    fn a_body_comes_whole_or_is_refused_for_its_size_or_its_slowness() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let receive = |left, ends, limit| {
            let pace = Pace { grace: Duration::from_millis(20), bytes_per_second: 1_024 * 1_024 };
            let received = runtime.block_on(receive(Body::new(Pieces { left, ends }), limit, pace));
            received.map(|bytes| bytes.len()).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(receive(3, true, 3_072), Ok(3_072));
        assert_eq!(receive(0, true, 0), Ok(0));
        assert_eq!(receive(4, true, 3_072), Err(413));
        assert_eq!(receive(0, false, 3_072), Err(408));
        assert_eq!(receive(3, false, 4_096), Err(408));
    }
}
