//! SIPp with a scenario of `tests/sipp`.

use super::{PATIENCE, Server, folder};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

pub struct Sipp(Child, std::path::PathBuf);

impl Sipp {
    /// Runs it on port 5060 of that address.
    pub fn run(scenario: &str, at: Ipv4Addr, arguments: &[&str]) -> Sipp {
        let folder = folder("sipp");
        let errors = folder.join("errors.log");
        let child = Command::new("sipp")
            .args(["-sf", &format!("{}/tests/sipp/{scenario}.xml", env!("CARGO_MANIFEST_DIR"))])
            .args(["-i", &at.to_string(), "-mi", &at.to_string(), "-p", "5060", "-nostdin", "-timeout_error"])
            .args(["-timeout", "100s", "-trace_err", "-error_file"])
            .arg(&errors)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(&folder)
            .spawn()
            .expect("sipp is installed (make test installs it)");
        Sipp(child, errors)
    }

    /// One call to a number of a server over UDP, by a scenario that calls.
    pub fn call(scenario: &str, number: &str, server: &Server, arguments: &[&str]) -> Sipp {
        let target = server.sip().to_string();
        let mut all = vec!["-s", number, "-m", "1"];
        all.extend(arguments);
        all.push(&target);
        Sipp::run(scenario, super::address(), &all)
    }

    /// A scenario that waits for a call over TCP, from when its port is open.
    pub fn listen_on_tcp(scenario: &str, at: Ipv4Addr, arguments: &[&str]) -> Sipp {
        let sipp = Sipp::run(scenario, at, arguments);
        let start = Instant::now();
        while TcpStream::connect((at, 5060)).is_err() {
            assert!(start.elapsed() < PATIENCE, "sipp does not listen\n{}", sipp.errors());
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
        sipp
    }

    fn errors(&self) -> String {
        let errors = std::fs::read_to_string(&self.1).unwrap_or_default();
        errors.chars().take(6_000).collect()
    }

    /// Waits until its scenario is over, and holds that all of it happened.
    pub fn passes(mut self, what: &str, server: &Server) {
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{what}: sipp says {status}\n{}", server.log());
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        if std::thread::panicking() {
            eprintln!("---- errors of sipp ----\n{}", self.errors());
        }
    }
}
