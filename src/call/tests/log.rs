//! What this thread logs while something is done.

use std::io::{self, Write};
use std::sync::mpsc::{self, Sender};

/// Hands on what is written: a line of the log at a time.
struct Lines(Sender<String>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(String::from_utf8_lossy(bytes).trim_end().to_owned()).unwrap();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that are logged at the level of an operator, without their time.
pub fn of(work: impl FnOnce()) -> Vec<String> {
    let (sender, lines) = mpsc::channel();
    // Where a process has but one log, a line that another test comes to first is off for all. With a second one all are asked.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let log = tracing_subscriber::fmt().with_writer(move || Lines(sender.clone())).without_time();
    tracing::subscriber::with_default(log.with_ansi(false).finish(), work);
    lines.try_iter().collect()
}
