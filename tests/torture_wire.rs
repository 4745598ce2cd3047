//! The messages of RFC 4475 and 5118 and mutations of them against a running server, over UDP, TCP and TLS.
//!
//! They name foreign addresses, so the server and the test live in a network with a loopback and nothing else. A round is a
//! thousand mutations, a third over each transport, from a trunk and from a stranger in turns; after it a call over each
//! transport has to succeed. `MUTATIONS` and `MUTATIONS_SEED` are other numbers than 10,000 and 4475.

#![allow(clippy::disallowed_methods, reason = "a test talks to a real server: sockets, files, deadlines")]

#[path = "torture/mutate.rs"]
mod mutate;
mod support;

use cordboard::ids::Random;
use mutate::mutate;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::caller::Caller;
use support::certificates::{Authority, VERSIONS};
use support::network::Namespace;
use support::{PATIENCE, Server, Setup, stream};

const NUMBER: &str = "+15550950";
/// The name in the server's certificate.
const NAME: &str = "sip.cordboard.test";
/// Whoever sends from here is a trunk.
const TRUNK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 200, 0, 2);
/// Mutations after which calls have to succeed.
const ROUND: usize = 1_000;
/// Datagrams that go out before the server has to have read them, so that none is lost in the socket.
const UNREAD_MAX: usize = 20;
/// Timer H or L, then the BYE that nobody answers, each 64*T1, and room.
const ALL_RUNS_OUT: Duration = Duration::from_secs(32 + 32 + 20);
/// What a server may have grown by since the first round, in KiB, when all has run out: what is kept of 10,000 messages for
/// the 32 s of their transactions is 5 MiB, and the allocator gives little of that back.
const GROWTH_MAX: u64 = 8 * 1_024;
/// The same for each mutation where they are more than in a window of 32 s. A leak of 1 KiB a message would be five times that.
const GROWTH_OF_ONE: f64 = 0.2;

/// What is mutated: the messages of the RFCs, and those of a call that is answered.
fn originals(server: SocketAddr) -> Vec<Vec<u8>> {
    let folders = ["tests/torture/rfc4475", "tests/torture/rfc5118"].map(Path::new);
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten());
    let mut paths: Vec<_> = files.map(|file| file.path()).collect();
    paths.sort();
    let mut messages: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(messages.len(), 49 + 12);
    let mut caller = Caller::new(TRUNK, server);
    // The same bytes in each run.
    let port = caller.socket.local_addr().unwrap().port().to_string();
    for _ in 0..20 {
        let invite = caller.invite(NUMBER, (TRUNK, 9).into()).replace(&port, "5070");
        messages.push(invite.replace("INVITE", "REGISTER").into_bytes());
        messages.push(invite.replace("INVITE", "CANCEL").into_bytes());
        messages.push(invite.into_bytes());
    }
    messages
}

/// The world of the test: a server, and how to speak with it.
struct World {
    server: Server,
    authority: Authority,
    random: Random,
    originals: Vec<Vec<u8>>,
    sent: usize,
}

impl World {
    fn start(seed: u64) -> World {
        let authority = Authority::new();
        let mut setup = Setup::new("torture-wire").echo(NUMBER);
        setup.address = Ipv4Addr::LOCALHOST;
        setup.trusted = "127.0.0.0/16".to_owned();
        setup.filter = "info".to_owned();
        authority.issue(&[NAME], 2040).write(&setup.folder, "own");
        // A stranger that is banned would try nothing any more.
        setup.more = format!("[bans]\nallow = [\"{STRANGER}\"]\n");
        setup.more += "[[sip.listen]]\ntransport = \"tls\"\nbind = \"127.0.0.1:5061\"\n\
                      [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\n";
        let server = setup.start();
        let originals = originals(server.sip());
        World { server, authority, random: Random::from_seed(seed), originals, sent: 0 }
    }

    fn mutation(&mut self) -> Vec<u8> {
        let index = self.random.below(self.originals.len() as u32) as usize;
        self.sent += 1;
        mutate(&mut self.random, self.originals[index].clone())
    }

    /// Some on one stream, as long as the server takes them.
    fn some(&mut self) -> Vec<Vec<u8>> {
        (0..=self.random.below(4)).map(|_| self.mutation()).collect()
    }

    fn source(&mut self) -> Ipv4Addr {
        if self.random.below(2) == 0 { TRUNK } else { STRANGER }
    }

    fn over_udp(&mut self, count: usize) {
        let sockets = [TRUNK, STRANGER].map(|source| UdpSocket::bind((source, 0)).unwrap());
        let mut control = Caller::new(TRUNK, self.server.sip());
        for n in 0..count {
            let bytes = self.mutation();
            let socket = &sockets[self.random.below(2) as usize];
            let _ = socket.send_to(&bytes, self.server.sip());
            if n % UNREAD_MAX == 0 {
                control.ping();
            }
        }
    }

    fn over_tcp(&mut self, count: usize) {
        let (end, mut streams) = (self.sent + count, Vec::new());
        while self.sent < end {
            let mut stream = connect(self.source(), self.server.sip());
            for bytes in self.some() {
                // The server may have closed: it does where the bytes are no SIP.
                let _ = stream.write_all(&bytes);
            }
            let _ = stream.shutdown(Shutdown::Write);
            streams.push(stream);
        }
        // At the end alone: the server waits for a second before it closes what its peer has half closed.
        streams.iter().for_each(read_to_end);
    }

    fn over_tls(&mut self, count: usize) {
        let end = self.sent + count;
        let config = self.authority.client(VERSIONS[1], None);
        while self.sent < end {
            let tcp = connect(self.source(), (Ipv4Addr::LOCALHOST, 5061).into());
            let mut secure = stream::tls_over(tcp, NAME, Arc::clone(&config));
            for bytes in self.some() {
                let _ = secure.write_all(&bytes).and_then(|()| secure.flush());
            }
            let _ = secure.sock.shutdown(Shutdown::Write);
            read_to_end(&mut secure);
        }
    }

    /// A call over each transport.
    fn calls_succeed(&self) {
        Caller::new(TRUNK, self.server.sip()).call(NUMBER);
        let tcp = connect(TRUNK, self.server.sip());
        one_call(stream::Bytes(tcp), "TCP");
        let tcp = connect(TRUNK, (Ipv4Addr::LOCALHOST, 5061).into());
        one_call(stream::Bytes(stream::tls_over(tcp, NAME, self.authority.client(VERSIONS[0], None))), "TLS");
    }

    fn assert_unharmed(&self) {
        let log = self.server.log();
        assert!(!log.contains("panicked"), "{log}");
        for name in ["calls_active", "legs_active", "bridges_active", "ports_lent", "sip_half_open"]
            .into_iter()
            .chain(["sip_dialogs", "sip_transactions", "sip_connections"])
        {
            assert_eq!(self.server.metric(&format!("cordboard_{name}")), 0, "{name}");
        }
    }
}

fn connect(source: Ipv4Addr, server: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn one_call<C: stream::Carrier>(carrier: C, via: &'static str) {
    let mut caller = stream::Caller::new(carrier, via, &format!("{TRUNK}:5060"), "127.0.0.1");
    let ok = caller.invite(NUMBER, (TRUNK, 9).into());
    assert!(ok.starts_with("SIP/2.0 200"), "{ok}");
    caller.end(NUMBER, &ok);
}

/// Until the server has closed: then it has read everything.
fn read_to_end(mut stream: impl Read) {
    let (start, mut bytes) = (Instant::now(), [0; 4_096]);
    while stream.read(&mut bytes).is_ok_and(|length| length > 0) {}
    assert!(start.elapsed() < PATIENCE, "the server keeps a stream that its peer has ended");
}

fn number_from_environment(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

#[test]
fn ten_thousand_mutations_over_udp_tcp_and_tls_harm_nobody_and_leave_nothing() {
    let seed = number_from_environment("MUTATIONS_SEED", 4_475);
    let rounds = number_from_environment("MUTATIONS", 10_000).div_ceil(ROUND);
    println!("MUTATIONS_SEED={seed}");
    Namespace::new().run(|| {
        let mut world = World::start(seed as u64);
        world.calls_succeed();
        let mut before = 0;
        for round in 0..rounds {
            world.over_udp(ROUND / 3 + ROUND % 3);
            world.over_tcp(ROUND / 3);
            world.over_tls(ROUND / 3);
            world.calls_succeed();
            println!("{} mutations, {} KiB", world.sent, world.server.resident());
            if round == 0 {
                before = world.server.resident();
            }
        }
        let ended = Instant::now();
        let is_idle = |server: &Server| {
            ["sip_dialogs", "sip_transactions", "sip_connections", "ports_lent"]
                .iter()
                .all(|name| server.metric(&format!("cordboard_{name}")) == 0)
        };
        while !is_idle(&world.server) && ended.elapsed() < ALL_RUNS_OUT {
            std::thread::park_timeout(Duration::from_millis(200));
        }
        world.assert_unharmed();
        world.calls_succeed();
        let after = world.server.resident();
        println!("{before} KiB after the first round, {after} KiB after {:?} more", ended.elapsed());
        let growth = GROWTH_MAX.max((world.sent as f64 * GROWTH_OF_ONE) as u64);
        assert!(after < before + growth, "{before} KiB before, {after} KiB after");
    });
}
