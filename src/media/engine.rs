//! All legs of one media thread: the door of this room.

use super::{Channel, Command, Output};
use crate::clock::Instant;
use crate::ids::{PortId, Random};
use std::net::SocketAddr;

/// Limits of one engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EngineConfig {
    /// Legs at once; an [`Command::Open`] above it is answered by [`super::Event::Closed`].
    pub max_legs: usize,
}

/// What is alive in an engine. All zero when every leg is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub legs: usize,
    pub playbacks: usize,
    /// Pairs of legs.
    pub bridges: usize,
    pub timers: usize,
}

/// All legs of one media thread.
pub struct Engine {
    config: EngineConfig,
    random: Random,
}

impl Engine {
    pub fn new(config: EngineConfig, random: Random) -> Self {
        Engine { config, random }
    }

    /// Does what the signalling thread says. A command for a leg that is gone does nothing.
    pub fn command(&mut self, _now: Instant, _command: Command, _out: &mut Output) {
        let _ = (self.config, &self.random);
    }

    /// A datagram that came from `source` to `port`.
    pub fn packet(
        &mut self,
        _now: Instant,
        _port: PortId,
        _channel: Channel,
        _source: SocketAddr,
        _bytes: &[u8],
        _out: &mut Output,
    ) {
    }

    /// Does all that is due at `now`.
    pub fn tick(&mut self, _now: Instant, _out: &mut Output) {}

    /// When [`Engine::tick`] wants to be called next. O(1).
    pub fn next_timeout(&self) -> Option<Instant> {
        None
    }

    pub fn counts(&self) -> Counts {
        Counts::default()
    }
}
