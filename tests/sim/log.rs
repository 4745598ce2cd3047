//! The log of a run, kept to be looked at.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Kept;

    fn make_writer(&self) -> Kept {
        self.clone()
    }
}

/// All that this thread logs while it does something.
pub fn of(work: impl FnOnce()) -> String {
    let kept = Kept::default();
    // Where a process has but one log, a line that another test comes to first is off for that test's thread, and so for
    // all. With a second one all are asked.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(kept.clone());
    tracing::subscriber::with_default(log.with_ansi(false).finish(), work);
    String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
}
