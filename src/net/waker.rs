//! Wakes a thread that waits in epoll.

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by the thread that waits and all that wake it.
#[derive(Clone)]
pub struct Waker(Arc<Inner>);

struct Inner {
    descriptor: OwnedFd,
    /// Set from the first wake until the thread has seen it, so that a burst costs one system call.
    set: AtomicBool,
}

impl Waker {
    pub fn new() -> io::Result<Self> {
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Waker(Arc::new(Inner { descriptor, set: AtomicBool::new(false) })))
    }

    /// Makes the descriptor readable.
    pub fn wake(&self) {
        if !self.0.set.swap(true, Ordering::AcqRel) {
            // Fails only where it is readable already.
            let _ = rustix::io::write(&self.0.descriptor, &1u64.to_ne_bytes());
        }
    }

    /// Called by the thread before it looks at its queues, so that what comes after wakes it again.
    pub fn clear(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.0.descriptor, &mut count);
        self.0.set.store(false, Ordering::Release);
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.descriptor.as_fd()
    }
}
