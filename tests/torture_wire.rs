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
/// Another host of it, whose calls have to succeed: of the first so many are never acknowledged that it gets 503.
const GOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 200, 0, 2);
const METHODS: [&str; 9] =
    ["ACK", "BYE", "CANCEL", "INFO", "OPTIONS", "PRACK", "REGISTER", "SUBSCRIBE", "UPDATE"];
/// Mutations after which calls have to succeed.
const ROUND: usize = 1_000;
/// Datagrams that go out before the server has to have read them, so that none is lost in the socket.
const UNREAD_MAX: usize = 20;
/// Timer H or L, then the BYE that nobody answers, each 64*T1, and room.
const ALL_RUNS_OUT: Duration = Duration::from_secs(32 + 32 + 20);
/// What a server may have grown by since the first round, in KiB, when all has run out. 10,000 messages leave 8 MiB: what is kept
/// of each for 32 s and 200 calls that are never acknowledged, of which the allocator gives little back, and what is kept on
/// purpose, the ladders of 500 calls and 4,096 events. With 200,000 these are full; a leak of 1 KiB a message would be 200 MiB.
const GROWTH_MAX: [u64; 2] = [12 * 1_024, 24 * 1_024];

/// The messages of the RFCs.
fn of_rfcs() -> Vec<Vec<u8>> {
    let folders = ["tests/torture/rfc4475", "tests/torture/rfc5118"].map(Path::new);
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten());
    let mut paths: Vec<_> = files.map(|file| file.path()).collect();
    paths.sort();
    let messages: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(messages.len(), 49 + 12);
    messages
}

/// The n-th message that reaches further: an INVITE that is answered, or what may follow one.
fn of_call(n: usize, method: &str) -> Vec<u8> {
    let sdp = format!(
        "v=0\r\no=c 1 1 IN IP4 {TRUNK}\r\ns=-\r\nc=IN IP4 {TRUNK}\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    );
    format!(
        "{method} sip:{NUMBER}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {TRUNK}:5070;rport;branch=z9hG4bKm{n}\r\n\
         Max-Forwards: 70\r\nFrom: \"A\" <sip:+14155550123@{TRUNK}>;tag=a{n}\r\nTo: <sip:{NUMBER}@127.0.0.1>\r\n\
         Call-ID: m{n}\r\nCSeq: 1 {method}\r\nContact: <sip:a@{TRUNK}:5070>\r\nSupported: timer, 100rel\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
    .into_bytes()
}

/// The world of the test: a server, and how to speak with it.
struct World {
    server: Server,
    authority: Authority,
    random: Random,
    of_rfcs: Vec<Vec<u8>>,
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
        World { server, authority, random: Random::from_seed(seed), of_rfcs: of_rfcs(), sent: 0 }
    }

    fn mutation(&mut self) -> Vec<u8> {
        self.sent += 1;
        let original = match self.random.below(12) {
            // As it stands: what follows meets a call.
            0 => return of_call(self.sent, "INVITE"),
            1..3 => of_call(self.sent, "INVITE"),
            3 => of_call(self.sent, METHODS[self.random.below(METHODS.len() as u32) as usize]),
            _ => self.of_rfcs[self.random.below(self.of_rfcs.len() as u32) as usize].clone(),
        };
        mutate(&mut self.random, original)
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
        let mut control = Caller::new(GOOD, self.server.sip());
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
        Caller::new(GOOD, self.server.sip()).call(NUMBER);
        let tcp = connect(GOOD, self.server.sip());
        one_call(stream::Bytes(tcp), "TCP");
        let tcp = connect(GOOD, (Ipv4Addr::LOCALHOST, 5061).into());
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
    let mut caller = stream::Caller::new(carrier, via, &format!("{GOOD}:5060"), "127.0.0.1");
    let ok = caller.invite(NUMBER, (GOOD, 9).into());
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
        let answered = world.server.metric("cordboard_calls_total{direction=\"in\",result=\"answered\"}");
        let malformed = world.server.metric("cordboard_sip_rejected_total{reason=\"malformed\"}");
        println!("{answered} calls answered, {malformed} malformed messages answered");
        assert!(answered > 100 && malformed > 1_000, "the mutations reached far and near");
        world.calls_succeed();
        let after = world.server.resident();
        println!("{before} KiB after the first round, {after} KiB after {:?} more", ended.elapsed());
        let growth = GROWTH_MAX[usize::from(rounds > 10)];
        assert!(after < before + growth, "{before} KiB before, {after} KiB after");
    });
}
