//! The server under measurement, on core 0: our own, or a peer's that is already running.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where the load sends from.
pub const LOAD: Ipv4Addr = Ipv4Addr::new(127, 9, 0, 2);
/// Where the server listens.
pub const HERE: Ipv4Addr = Ipv4Addr::new(127, 9, 0, 1);
/// What lets the load use the API.
pub const ADMIN_TOKEN: &str = "a token for the bench alone";
/// The agents of the bridged calls.
pub const AGENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(127, 9, 0, 3)), 5060);
/// Answers and is silent.
pub const SILENT: &str = "+15550933";
/// Answers and plays.
pub const PLAYS: &str = "+15550930";
/// Rings the agent.
pub const RINGS: &str = "+15550931";
/// A menu: key 1 leads to another prompt.
pub const MENU: &str = "+15550932";
/// What the two prompts hold, as µ-law bytes that no silence has.
pub const FIRST: i16 = 8_000;
pub const SECOND: i16 = -8_000;

pub struct Server {
    /// Our own; a peer is started and ended by whoever measures it.
    own: Option<(Child, PathBuf)>,
    pid: u32,
}

/// The number after an argument's name.
pub fn argument(name: &str) -> Option<u32> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
}

pub fn pin_self(core: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        eprintln!("cannot be pinned to core {core}: {error}");
    }
}

pub fn wav(path: PathBuf, sample: i16) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a prompt can be written");
    for _ in 0..8_000 * 5 {
        writer.write_sample(sample).expect("a sample can be written");
    }
    writer.finalize().expect("a prompt can be written");
}

const FLOWS: [(&str, &str); 4] = [
    (
        "silent",
        r#""entry":"w","steps":{"w":{"type":"wait","name":"W","config":{"seconds":120},"on":{"next":"b"}},"b":{"type":"hangup","name":"B","config":{},"on":{}}}"#,
    ),
    (
        "plays",
        r#""entry":"w","steps":{"w":{"type":"wait","name":"W","config":{"seconds":120,"audio":{"kind":"file","id":"first"}},"on":{"next":"b"}},"b":{"type":"hangup","name":"B","config":{},"on":{}}}"#,
    ),
    (
        "rings",
        r#""entry":"d","steps":{"d":{"type":"dial","name":"D","config":{"target":{"kind":"sip","value":"sip:agent@127.9.0.3:5060"}},"on":{"no_response":"b"}},"b":{"type":"hangup","name":"B","config":{},"on":{}}}"#,
    ),
    (
        "menu",
        r#""entry":"m","steps":{"m":{"type":"menu","name":"M","config":{"prompt":{"kind":"file","id":"first"},"options":{"1":{"label":"x"}}},"on":{"key:1":"w","no_response":"b"}},"w":{"type":"wait","name":"W","config":{"seconds":60,"audio":{"kind":"file","id":"second"}},"on":{"next":"b"}},"b":{"type":"hangup","name":"B","config":{},"on":{}}}"#,
    ),
];

impl Server {
    /// A fresh server of ours, or the peer with the process id of `--peer`, which listens at the same address and
    /// has the same numbers (docs/bench.md).
    pub fn start(name: &str) -> Server {
        Server::start_with(name, |_| String::new())
    }

    /// The same with more in its folder, and more lines of configuration, which begin within `[provision]`.
    pub fn start_with(name: &str, more: impl FnOnce(&Path) -> String) -> Server {
        if let Some(pid) = argument("--peer") {
            return Server::of(pid);
        }
        let folder = PathBuf::from(format!("target/tmp/bench-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        for sub in ["p/flows", "p/prompts"] {
            std::fs::create_dir_all(folder.join(sub)).expect("a folder under target");
        }
        wav(folder.join("p/prompts/first.wav"), FIRST);
        wav(folder.join("p/prompts/second.wav"), SECOND);
        let mut numbers = String::new();
        for ((id, steps), number) in FLOWS.iter().zip([SILENT, PLAYS, RINGS, MENU]) {
            let text = format!(
                r#"{{"schema":"callflow/1","id":"{id}","name":"{id}","settings":{{"answer":"immediate"}},{steps}}}"#
            );
            std::fs::write(folder.join(format!("p/flows/{id}.json")), text).expect("a flow can be written");
            numbers += &format!("[[number]]\ne164 = \"{number}\"\nflow = \"{id}\"\n");
        }
        let write =
            |file: &str, text: &str| std::fs::write(folder.join(file), text).expect("a file under target");
        write("p/numbers.toml", &numbers);
        write("p/trunks.toml", "[[trunk]]\nid = \"load\"\nmatch = [\"127.0.0.0/8\"]\n");
        let more = more(&folder);
        write(
            "c.toml",
            &format!(
                "[[sip.listen]]\ntransport = \"udp\"\nbind = \"{HERE}:5060\"\n[media]\nbind = \"{HERE}\"\n\
                 ports = [10000, 59999]\nthreads = 1\n[http]\nbind = \"{HERE}:8080\"\n[log]\nfilter = \"error,cordboard::server=info\"\n\
                 [provision]\ndir = \"p\"\n{more}"
            ),
        );
        let mut child = Command::new("taskset")
            .args(["-c", "0", "target/release/cordboard", "serve", "--config"])
            .arg(folder.join("c.toml"))
            .env("CORDBOARD__HTTP__ADMIN_TOKEN", ADMIN_TOKEN)
            .stderr(Stdio::piped())
            .spawn()
            .expect("target/release/cordboard starts (make bench builds it)");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        while !lines.next().expect("the server says ready").expect("text").contains(" ready ") {}
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        let pid = child.id();
        Server { own: Some((child, folder)), pid }
    }

    /// Another process at our server's address.
    pub fn of(pid: u32) -> Server {
        Server { own: None, pid }
    }

    pub fn sip(&self) -> SocketAddr {
        (HERE, 5060).into()
    }

    /// CPU time of all threads so far.
    pub fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid)).into_iter().flatten().flatten();
        let nanoseconds = tasks.filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_ascii_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        line.split_ascii_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((mut child, folder)) = self.own.take() {
            let _ = child.kill();
            let _ = child.wait();
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
