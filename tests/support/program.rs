//! A program that runs beside a test: what it says is kept, and it ends with the test, all that it has started too.

use super::PATIENCE;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub struct Program {
    pub name: String,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Program {
    /// Starts it in a process group of its own; what it writes to standard output and standard error is its log.
    pub fn start(name: &str, command: &mut Command) -> Program {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("{name}: {error} (make test installs what it needs)"));
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stdout.take().unwrap(), log.clone());
        keep(child.stderr.take().unwrap(), log.clone());
        Program { name: name.to_owned(), child, log }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap_or_else(|error| panic!("{}: {error}\n{}", self.name, self.log()));
    }

    /// Waits until its log says that; gives how far into the log that goes.
    pub fn wait_for(&self, words: &str) -> usize {
        self.wait_for_after(0, words)
    }

    /// The same for what it says from that place of its log on.
    pub fn wait_for_after(&self, from: usize, words: &str) -> usize {
        self.until(words, |log| log.get(from..)?.find(words).map(|at| from + at + words.len()))
    }

    /// Looks at its log until something is found there.
    pub fn until<T>(&self, what: &str, mut found: impl FnMut(&str) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = found(&self.log.lock().unwrap()) {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "{}: no \"{what}\"\n{}", self.name, self.log());
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    }

    /// Waits for it to end by itself.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "{} does not end\n{}", self.name, self.log());
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    }

    /// Ends it as a crash would, with all that it has started.
    pub fn kill(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
            && self.child.try_wait().is_ok_and(|ended| ended.is_none())
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("---- log of {} ----\n{}", self.name, self.log());
        }
    }
}

/// Keeps what a stream brings; it need be no valid text.
fn keep(stream: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            log.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}
