//! What the tests with real peers share: a server of our own, telephones, recordings.
//!
//! Every server and every telephone has a loopback address of its own, so that tests run side by side on the
//! usual ports. Nothing here sleeps to be right: each wait ends with an event or fails with a deadline.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod api;
pub mod browser;
pub mod caller;
pub mod certificates;
pub mod database;
pub mod dns;
pub mod flows;
pub mod kamailio;
pub mod linphone;
pub mod media;
pub mod network;
pub mod phone;
pub mod program;
pub mod records;
pub mod salesforce;
pub mod service;
pub mod sipp;
pub mod sound;
pub mod stream;
pub mod trunk;
pub mod tunnel;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Longer than any of these takes on a loaded machine; a test that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A loopback address that no other test of this run uses.
pub fn address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let [_, _, high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    Ipv4Addr::new(127, network(), high, low)
}

/// The second number of all addresses of this process. Another test program that runs beside it has another one: a socket
/// holds it.
fn network() -> u8 {
    static HELD: OnceLock<(u8, UdpSocket)> = OnceLock::new();
    let claim = || {
        let begin = std::process::id() % 200;
        let mut free = (begin..200).chain(0..begin).map(|number| 16 + number as u8);
        let held = free.find_map(|number| {
            UdpSocket::bind((Ipv4Addr::new(127, number, 255, 254), 9)).ok().map(|socket| (number, socket))
        });
        held.expect("fewer than 200 test programs at a time")
    };
    HELD.get_or_init(claim).0
}

/// An empty folder for one test.
pub fn folder(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A running cordboard.
pub struct Server {
    pub address: Ipv4Addr,
    pub folder: PathBuf,
    child: Child,
    log: Arc<Mutex<String>>,
}

/// How a server is set up beside its flows and prompts.
pub struct Setup {
    pub folder: PathBuf,
    pub address: Ipv4Addr,
    /// Lines for the configuration's sections.
    pub sip: String,
    pub media: String,
    pub http: String,
    pub records: String,
    /// Lines of the section of the store; without them there is none.
    pub store: String,
    /// Address ranges of the trunk that every server has.
    pub trusted: String,
    /// Further trunks, as TOML.
    pub trunks: String,
    pub numbers: Vec<(String, String)>,
    pub agents: Vec<(String, String)>,
    /// The speech engine's command, as TOML.
    pub speech: String,
    /// Processors for `taskset`.
    pub cpu: Option<usize>,
    pub filter: String,
    /// Lines after `[provision] dir`: its mode, other sections.
    pub more: String,
    /// Variables that set keys in place of those above.
    pub environment: Vec<(&'static str, String)>,
}

impl Setup {
    pub fn new(name: &str) -> Self {
        let folder = folder(name);
        for sub in ["p/flows", "p/prompts"] {
            std::fs::create_dir_all(folder.join(sub)).unwrap();
        }
        Setup {
            folder,
            address: address(),
            sip: String::new(),
            media: String::new(),
            http: String::new(),
            records: String::new(),
            store: String::new(),
            trusted: "127.0.0.0/8".to_owned(),
            trunks: String::new(),
            numbers: Vec::new(),
            agents: Vec::new(),
            speech: r#"["espeak-ng", "--stdin", "--stdout", "-v", "{language}"]"#.to_owned(),
            cpu: None,
            filter: "info,cordboard=debug".to_owned(),
            more: String::new(),
            environment: Vec::new(),
        }
    }

    /// A flow, and a number that runs it.
    pub fn flow(mut self, number: &str, id: &str, document: &serde_json::Value) -> Self {
        let mut document = document.clone();
        let fields = document.as_object_mut().unwrap();
        fields.insert("schema".into(), "callflow/1".into());
        fields.insert("id".into(), id.into());
        fields.insert("name".into(), id.into());
        fields.entry("settings").or_insert_with(|| serde_json::json!({}));
        std::fs::write(self.folder.join(format!("p/flows/{id}.json")), document.to_string()).unwrap();
        self.numbers.push((number.to_owned(), format!("flow = \"{id}\"")));
        self
    }

    pub fn echo(mut self, number: &str) -> Self {
        self.numbers.push((number.to_owned(), "service = \"echo\"".to_owned()));
        self
    }

    pub fn agent(mut self, id: &str, uri: &str) -> Self {
        self.agents.push((id.to_owned(), format!("uri = \"{uri}\"")));
        self
    }

    /// An agent whose telephone registers.
    pub fn registering_agent(mut self, id: &str, password: &str) -> Self {
        self.agents.push((id.to_owned(), format!("password = \"{password}\"")));
        self
    }

    /// A trunk with the keys of its preset in `config/carriers`, whose name is its id, and these beside. It is pinged only
    /// where these say how often: a ping in the middle of another scenario would spoil it.
    pub fn trunk_of(mut self, preset: &str, keys: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/carriers/{preset}.toml"));
        let text = std::fs::read_to_string(path).unwrap();
        let (_, of_preset) = text.split_once("[trunk]\n").unwrap();
        let of_preset: Vec<&str> =
            of_preset.lines().filter(|line| !line.starts_with("options_interval_s")).collect();
        let of_preset = of_preset.join("\n");
        self.trunks += &format!("[[trunk]]\nid = \"{preset}\"\n{of_preset}\n{keys}\n");
        self
    }

    pub fn prompt(self, id: &str, samples: &[i16]) -> Self {
        sound::write(&self.folder.join(format!("p/prompts/{id}.wav")), samples);
        self
    }

    /// Starts the server and waits until it says that it is ready.
    pub fn start(self) -> Server {
        self.start_until(" ready ")
    }

    /// Starts the server and waits until its log says that.
    pub fn start_until(self, word: &'static str) -> Server {
        let Setup { folder, address, .. } = &self;
        let config = format!(
            "[sip]\ndomain = \"cordboard.test\"\n{}\n[[sip.listen]]\ntransport = \"udp\"\nbind = \"{address}:5060\"\n\
             [[sip.listen]]\ntransport = \"tcp\"\nbind = \"{address}:5060\"\n[media]\nbind = \"{address}\"\n\
             ports = [20000, 39999]\nthreads = 1\n{}\n[http]\nbind = \"{address}:8080\"\n{}\n[records]\npath = \"calls.jsonl\"\n{}\n\
             [speech]\ncommand = {}\n[log]\nfilter = \"{}\"\n[provision]\ndir = \"p\"\n{}\n",
            self.sip, self.media, self.http, self.records, self.speech, self.filter, self.more
        );
        let store = if self.store.is_empty() { String::new() } else { format!("[store]\n{}\n", self.store) };
        std::fs::write(folder.join("cordboard.toml"), config + &store).unwrap();
        let list = |key: &str, items: Vec<String>| {
            items.iter().map(|i| format!("[[{key}]]\n{i}\n")).collect::<String>()
        };
        let numbers = self.numbers.iter().map(|(n, rest)| format!("e164 = \"{n}\"\n{rest}")).collect();
        std::fs::write(folder.join("p/numbers.toml"), list("number", numbers)).unwrap();
        let agents = self.agents.iter().map(|(id, how)| format!("id = \"{id}\"\n{how}")).collect();
        std::fs::write(folder.join("p/agents.toml"), list("agent", agents)).unwrap();
        let trunk =
            format!("[[trunk]]\nid = \"test\"\nmatch = [\"{}\"]\ndefault_country = \"US\"\n", self.trusted);
        std::fs::write(folder.join("p/trunks.toml"), trunk + &self.trunks).unwrap();
        Server::spawn(self, word)
    }
}

impl Server {
    fn spawn(setup: Setup, word: &'static str) -> Server {
        let program = env!("CARGO_BIN_EXE_cordboard");
        let mut command = match setup.cpu {
            Some(cpu) => {
                let mut taskset = Command::new("taskset");
                taskset.args(["-c", &cpu.to_string(), program]);
                taskset
            }
            None => Command::new(program),
        };
        let mut child = command
            .args(["serve", "--config"])
            .arg(setup.folder.join("cordboard.toml"))
            .envs(setup.environment)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (said, ready) = channel();
        let (stderr, kept) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let is_ready = line.contains(word);
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
                if is_ready {
                    let _ = said.send(());
                }
            }
        });
        let server = Server { address: setup.address, folder: setup.folder, child, log };
        wait(&ready, "the server to be ready", || server.log());
        server
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn sip(&self) -> SocketAddr {
        SocketAddr::from((self.address, 5060))
    }

    /// The body of a page.
    pub fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect((self.address, 8080)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: test\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    /// A sample of the metrics page, by its whole name with labels.
    pub fn metric(&self, name: &str) -> u64 {
        self.metric_of(name).unwrap_or_else(|| panic!("no metric {name} in\n{}", self.get("/metrics")))
    }

    /// The same of a trunk, which is not there before the first look at it.
    pub fn metric_of(&self, name: &str) -> Option<u64> {
        let page = self.get("/metrics");
        let line =
            page.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        Some(line?.rsplit(' ').next()?.parse::<f64>().unwrap() as u64)
    }

    /// Looks at something until it holds; fails with the log after [`PATIENCE`].
    pub fn until(&self, what: &str, holds: impl FnMut(&Server) -> bool) {
        self.until_within(PATIENCE, what, holds);
    }

    /// The same with another patience.
    pub fn until_within(&self, patience: Duration, what: &str, mut holds: impl FnMut(&Server) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < patience, "waited for {what}\n{}", self.log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Call records written so far.
    pub fn records(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.join("calls.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for so many call records.
    pub fn wait_records(&self, count: usize) -> Vec<serde_json::Value> {
        self.until(&format!("{count} call records"), |s| s.records().len() >= count);
        self.records()
    }

    /// Nothing of any call is left: no leg, media port, dialog or transaction.
    pub fn assert_clean(&self) {
        for name in ["calls_active", "legs_active", "bridges_active", "ports_lent", "sip_half_open"] {
            let name = format!("cordboard_{name}");
            self.until(&format!("{name} to be 0"), |s| s.metric(&name) == 0);
        }
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn signal(&self, name: &str) {
        let _ = Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status();
    }

    /// Waits for the process to end.
    pub fn wait_exit(&mut self) -> std::process::ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the server does not end\n{}", self.log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- log of the server ----\n{}", self.log());
        }
    }
}

/// Waits for a message of another thread.
pub fn wait<T>(receiver: &Receiver<T>, what: &str, log: impl Fn() -> String) -> T {
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("waited for {what}\n{}", log()))
}
