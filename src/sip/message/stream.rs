//! Messages out of a stream of bytes (RFC 3261 18.3), with the keep-alive of RFC 5626.

use super::Message;
use super::parse::{Framing, Sorted, head_end, sort};
use super::reject::{Fault, Reject};
use crate::clock::Instant;
use crate::sip::limits::{HEAD_BYTES_MAX, STREAM_MESSAGE_TIME_MAX};

/// Cuts a stream into messages. Holds at most one head and one body of the allowed sizes, beside the bytes of
/// the last push.
#[derive(Default)]
pub struct StreamFramer {
    buffer: Vec<u8>,
    /// Bytes of the buffer that were taken already.
    taken: usize,
    /// Up to where no end of the headers was found, so that no byte is looked at twice.
    searched: usize,
    /// We have sent a ping, and the next line end between messages answers it.
    awaits_pong: bool,
    state: State,
}

#[derive(Default)]
enum State {
    /// Between messages.
    #[default]
    Between,
    /// The same after one line end; a second one makes a ping.
    AfterLineEnd,
    Head {
        deadline: Instant,
    },
    Body {
        deadline: Instant,
        sorted: Box<Sorted>,
        length: usize,
    },
    /// The rest cannot be read any more.
    Broken,
}

/// What a stream brought.
#[expect(clippy::large_enum_variant, reason = "handed on at once, never kept")]
#[derive(Debug)]
pub enum Framed {
    Message(Message),
    /// One message is wrong, the next one is found again.
    Rejected(Box<Reject>),
    /// What follows cannot be told apart: answer where possible, and close.
    Broken(Box<Reject>),
    /// Two line ends: answer one (RFC 5626 4.4.1).
    Ping,
}

impl StreamFramer {
    /// Takes in what the stream brought. Call [`StreamFramer::next`] until it yields nothing.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Broken) {
            return;
        }
        self.buffer.drain(..self.taken);
        self.searched = self.searched.saturating_sub(self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, ping or fault in what was pushed.
    pub fn next(&mut self, now: Instant) -> Option<Framed> {
        loop {
            match &self.state {
                State::Between | State::AfterLineEnd => {
                    if let Some(framed) = self.skip_line_ends(now)? {
                        return Some(framed);
                    }
                }
                State::Head { deadline } => {
                    let deadline = *deadline;
                    if let Some(framed) = self.read_head(deadline)? {
                        return Some(framed);
                    }
                }
                State::Body { length, .. } => {
                    let end = self.taken.saturating_add(*length);
                    if self.buffer.len() < end {
                        return None;
                    }
                    return self.read_body(end);
                }
                State::Broken => return None,
            }
        }
    }

    /// We have sent a ping: one line end may come in answer, and is not half of a ping (RFC 5626 4.4.1).
    pub fn expect_pong(&mut self) {
        self.awaits_pong = true;
    }

    /// When the message that has begun must be whole. None between messages.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Head { deadline } | State::Body { deadline, .. } => Some(*deadline),
            State::Between | State::AfterLineEnd | State::Broken => None,
        }
    }

    /// None: more bytes are needed. Some(None): go on.
    fn skip_line_ends(&mut self, now: Instant) -> Option<Option<Framed>> {
        let rest = self.buffer.get(self.taken..)?;
        let step = match rest {
            [] => {
                // Between messages a connection costs nothing.
                self.buffer = Vec::new();
                self.taken = 0;
                return None;
            }
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            [b'\r'] => return None,
            _ => {
                self.searched = self.taken;
                self.state = State::Head { deadline: now + STREAM_MESSAGE_TIME_MAX };
                return Some(None);
            }
        };
        self.taken += step;
        if std::mem::take(&mut self.awaits_pong) {
            return Some(None);
        }
        if matches!(self.state, State::AfterLineEnd) {
            self.state = State::Between;
            return Some(Some(Framed::Ping));
        }
        self.state = State::AfterLineEnd;
        Some(None)
    }

    fn read_head(&mut self, deadline: Instant) -> Option<Option<Framed>> {
        let from = self.searched.max(self.taken);
        let found = head_end(self.buffer.get(from..)?);
        let Some((end, body)) = found else {
            let length = self.buffer.len() - self.taken;
            if length > HEAD_BYTES_MAX {
                let sorted = sort(self.buffer.get(self.taken..)?);
                return Some(Some(self.give_up(sorted, Fault::HeadTooLarge)));
            }
            // The end is found by three bytes at most that are there already.
            self.searched = self.buffer.len().saturating_sub(3).max(self.taken);
            return None;
        };
        let sorted = sort(self.buffer.get(self.taken..from + end)?);
        self.taken = from + body;
        match sorted.announced_length() {
            Ok(length) => {
                self.state = State::Body { deadline, sorted: Box::new(sorted), length };
                Some(None)
            }
            Err(fault) => Some(Some(self.give_up(sorted, fault))),
        }
    }

    fn read_body(&mut self, end: usize) -> Option<Framed> {
        let State::Body { sorted, .. } = std::mem::take(&mut self.state) else { return None };
        let body = self.buffer.get(self.taken..end)?;
        let framed = match sorted.finish(body, Framing::Stream) {
            Ok(message) => Framed::Message(message),
            Err(reject) => Framed::Rejected(reject),
        };
        self.taken = end;
        Some(framed)
    }

    fn give_up(&mut self, sorted: Sorted, fault: Fault) -> Framed {
        self.state = State::Broken;
        self.buffer = Vec::new();
        self.taken = 0;
        Framed::Broken(Box::new(sorted.reject(fault)))
    }
}

#[cfg(test)]
mod tests;
