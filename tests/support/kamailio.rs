//! kamailio as a proxy in front of servers, or as a carrier (`tests/kamailio/proxy.cfg`), at one loopback address and with a folder of its
//! own for all that it writes.

use super::program::Program;
use super::{PATIENCE, address, folder};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// A running kamailio.
pub struct Kamailio {
    pub at: Ipv4Addr,
    setup: KamailioSetup,
    program: Program,
}

/// How it is set up.
#[derive(Clone)]
pub struct KamailioSetup {
    pub at: Ipv4Addr,
    /// URIs of the servers behind it, the first first.
    pub servers: Vec<String>,
    /// Where calls of the servers go.
    pub carrier: String,
    /// Name and password of the servers' account, where it is the carrier.
    pub account: Option<(&'static str, &'static str)>,
    folder: PathBuf,
}

impl KamailioSetup {
    pub fn new(servers: Vec<String>) -> Self {
        let (at, folder) = (address(), folder("kamailio"));
        // Nobody is there unless a test says who.
        KamailioSetup { at, servers, carrier: format!("sip:{at}:1"), account: None, folder }
    }

    pub fn start(self) -> Kamailio {
        let program = self.spawn();
        Kamailio { at: self.at, setup: self, program }
    }

    /// Begins it, and waits until its ports are open.
    fn spawn(&self) -> Program {
        let (at, folder) = (self.at, &self.folder);
        let list = folder.join("servers");
        let lines = self.servers.iter().enumerate();
        // What stands in front has the higher priority.
        let lines = lines.map(|(index, uri)| format!("1 {uri} 0 {}\n", 100 - index));
        std::fs::write(&list, lines.collect::<String>()).unwrap();
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-m", "16", "-M", "4"]).arg("-Y").arg(folder).arg("-w").arg(folder);
        command.args(["-f", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kamailio/proxy.cfg")]);
        for transport in ["udp", "tcp"] {
            command.args(["-l", &format!("{transport}:{at}:5060")]);
        }
        let (carrier, list) = (&self.carrier, list.display());
        let mut defines =
            vec![format!("SOURCE={at}"), format!("SERVERS=\"{list}\""), format!("CARRIER=\"{carrier}\"")];
        if let Some((name, password)) = self.account {
            defines.extend([format!("ACCOUNT=\"{name}\""), format!("PASSWORD=\"{password}\"")]);
        }
        command.args(defines.iter().flat_map(|define| ["-A", define]));
        let program = Program::start("kamailio", &mut command);
        let start = Instant::now();
        while TcpStream::connect((at, 5_060)).is_err() {
            assert!(start.elapsed() < PATIENCE, "kamailio does not listen\n{}", program.log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
        program
    }
}

impl Kamailio {
    pub fn sip(&self) -> SocketAddr {
        SocketAddr::from((self.at, 5_060))
    }

    /// Ends it: connections are closed, and what it knew of transactions is lost.
    pub fn stop(&mut self) {
        self.program.kill();
    }

    /// Ends it and begins it anew.
    pub fn restart(&mut self) {
        self.stop();
        self.program = self.setup.spawn();
    }
}
