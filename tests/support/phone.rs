//! baresip as a telephone that speaks a recording, keeps what it hears, and is steered over a socket.

use super::program::Program;
use super::{PATIENCE, folder, sound};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A running baresip.
pub struct Phone {
    pub name: String,
    address: Ipv4Addr,
    /// Of SIP.
    pub port: u16,
    folder: PathBuf,
    program: Program,
    control: TcpStream,
    events: Arc<Mutex<Vec<serde_json::Value>>>,
}

/// How a telephone is set up.
pub struct PhoneSetup {
    pub name: String,
    /// 127.0.0.1 unless the telephone is in a network of its own: baresip sends its media from there whatever other loopback
    /// address it is given.
    pub address: Ipv4Addr,
    /// What it says, from the moment its audio starts; silence follows.
    pub voice: Vec<i16>,
    pub answers: bool,
    pub codecs: &'static str,
    /// Where it registers, and with which password.
    pub registers: Option<(String, &'static str)>,
    /// Whose certificates it believes, over TLS.
    pub authority: Option<PathBuf>,
    /// Its registrations are flows of RFC 5626, which it keeps open by STUN.
    pub keeps_flow: bool,
    /// How its media are encrypted: `srtp` where it can be, `srtp-mand` always; empty for not at all.
    pub encryption: &'static str,
    /// Answers each call and sends back what it hears.
    pub echoes: bool,
}

impl PhoneSetup {
    pub fn new(name: &str) -> Self {
        let voice = vec![0; 8_000];
        PhoneSetup {
            name: name.into(),
            address: Ipv4Addr::LOCALHOST,
            voice,
            answers: false,
            codecs: "pcmu,pcma",
            registers: None,
            authority: None,
            keeps_flow: false,
            encryption: "",
            echoes: false,
        }
    }

    pub fn start(self) -> Phone {
        let folder = folder(&format!("phone-{}", self.name));
        let mut voice = self.voice.clone();
        // A source that ends hangs the call up.
        voice.extend(std::iter::repeat_n(0, 8_000 * 240));
        sound::write(&folder.join("voice.wav"), &voice);
        let port = free_ports(self.address);
        let control = port + 2;
        let (home, modules, address) = (folder.display(), modules(), self.address);
        let (source, echo) = match self.echoes {
            true => ("aubridge,nil".to_owned(), "module_app echo.so\n"),
            false => (format!("aufile,{home}/voice.wav"), ""),
        };
        let config = format!(
            "poll_method epoll\nsip_listen {address}:{port}\nnet_interface {address}\naudio_player aubridge,nil\n\
             audio_source {source}\naudio_alert aubridge,nil\nctrl_tcp_listen {address}:{control}\n\
             module_path {modules}\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\nmodule srtp.so\n\
             snd_path {home}\nmodule_tmp uuid.so\nmodule_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n{echo}"
        );
        let authority = self.authority.as_ref().map(|path| format!("sip_cafile {}\n", path.display()));
        std::fs::write(folder.join("config"), config + &authority.unwrap_or_default()).unwrap();
        let mode = if self.answers { "auto" } else { "manual" };
        let (at, more) = match &self.registers {
            Some((server, password)) => (
                "cordboard.test".to_owned(),
                format!(
                    "regint=60;auth_pass={password};outbound=\"sip:{server}\"{}",
                    if self.keeps_flow { ";sipnat=outbound" } else { "" }
                ),
            ),
            None => (format!("{address}:{port}"), "regint=0".to_owned()),
        };
        let (name, codecs) = (&self.name, self.codecs);
        let encryption = match self.encryption {
            "" => String::new(),
            kind => format!(";mediaenc={kind}"),
        };
        let account =
            format!("<sip:{name}@{at}>;{more};answermode={mode};audio_codecs={codecs}{encryption}\n");
        std::fs::write(folder.join("accounts"), account).unwrap();
        std::fs::write(folder.join("contacts"), "").unwrap();
        Phone::spawn(self, folder, port, control)
    }
}

/// The first of three ports for one telephone: SIP over UDP and TCP, SIP over TLS (which baresip opens beside it), and
/// control. They lie above baresip's own media ports and below those that the system hands out to anybody, who could
/// take one between this look and baresip's start.
fn free_ports(address: Ipv4Addr) -> u16 {
    const FIRST: u32 = 21_000;
    const COUNT: u32 = 11_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let turn = std::process::id().wrapping_mul(64).wrapping_add(NEXT.fetch_add(4, Ordering::Relaxed));
        let port = (FIRST + turn % COUNT) as u16;
        let stream = |port: u16| TcpListener::bind((address, port)).is_ok();
        if UdpSocket::bind((address, port)).is_ok() && (port..port + 3).all(stream) {
            return port;
        }
    }
}

/// Where Debian keeps baresip's modules.
fn modules() -> String {
    let places = ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules"];
    let found = places.iter().find(|p| std::path::Path::new(p).is_dir());
    (*found.expect("baresip is installed (make test installs it)")).to_owned()
}

impl Phone {
    fn spawn(setup: PhoneSetup, folder: PathBuf, port: u16, control: u16) -> Phone {
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&folder).args(["-s", "-v"]);
        let program = Program::start(&setup.name, &mut command);
        let start = Instant::now();
        let control = loop {
            match TcpStream::connect((setup.address, control)) {
                Ok(stream) => break stream,
                Err(_) => {
                    assert!(start.elapsed() < PATIENCE, "baresip does not start\n{}", program.log());
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            }
        };
        let events = Arc::new(Mutex::new(Vec::new()));
        let (reader, kept) = (control.try_clone().unwrap(), events.clone());
        std::thread::spawn(move || read_events(reader, &kept));
        Phone { name: setup.name, address: setup.address, port, folder, program, control, events }
    }

    pub fn uri(&self) -> String {
        format!("sip:{}@{}:{}", self.name, self.address, self.port)
    }

    pub fn log(&self) -> String {
        self.program.log()
    }

    fn command(&mut self, command: &str, parameters: &str) {
        let text = serde_json::json!({ "command": command, "params": parameters, "token": "t" }).to_string();
        write!(self.control, "{}:{text},", text.len()).unwrap();
    }

    /// Calls `sip:NUMBER@…`.
    pub fn dial(&mut self, uri: &str) {
        self.command("dial", uri);
    }

    pub fn accept(&mut self) {
        self.command("accept", "");
    }

    pub fn hang_up(&mut self) {
        self.command("hangup", "");
    }

    /// Puts the call on hold.
    pub fn hold(&mut self) {
        self.command("hold", "");
    }

    pub fn resume(&mut self) {
        self.command("resume", "");
    }

    /// Hands the call over to that URI, without asking (REFER).
    pub fn transfer(&mut self, uri: &str) {
        self.command("transfer", uri);
    }

    /// Sends a re-INVITE with the same offer.
    pub fn offer_again(&mut self) {
        self.command("reinvite", "");
    }

    /// Presses and releases a key.
    pub fn press(&mut self, key: char) {
        self.command("sndcode", &key.to_string());
    }

    /// Sends a key by SIP INFO within its call. Debian's baresip (1.0.0) cannot, so the request is written here
    /// from the call's own identifiers and sent beside it; the peer sees it as the telephone's.
    pub fn press_by_info(&self, key: char) {
        let log = self.log();
        let answer = log
            .split("SIP/2.0 200 OK")
            .skip(1)
            .find(|m| m.contains("CSeq:") && m.contains(" INVITE"))
            .expect("a 200");
        let field = |name: &str| {
            let line = answer
                .lines()
                .find(|l| l.starts_with(name))
                .unwrap_or_else(|| panic!("no {name} in {answer}"));
            line[name.len()..].trim().to_owned()
        };
        let contact = field("Contact:").split_once('<').unwrap().1.split('>').next().unwrap().to_owned();
        let number: u32 = field("CSeq:").split(' ').next().unwrap().parse().unwrap();
        let body = format!("Signal={key}\r\nDuration=160\r\n");
        let socket = UdpSocket::bind((self.address, 0)).unwrap();
        let request = format!(
            "INFO {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK-info-{number};rport\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: {} INFO\r\nMax-Forwards: 70\r\nContent-Type: application/dtmf-relay\r\n\
             Content-Length: {}\r\n\r\n{body}",
            socket.local_addr().unwrap(),
            field("From:"),
            field("To:"),
            field("Call-ID:"),
            number + 1,
            body.len()
        );
        let server = contact.split_once('@').unwrap().1.split(';').next().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.send_to(request.as_bytes(), server).unwrap();
        let mut response = [0; 2_048];
        let length = socket.recv(&mut response).expect("an answer to the INFO");
        assert!(
            response[..length].starts_with(b"SIP/2.0 200"),
            "{}",
            String::from_utf8_lossy(&response[..length])
        );
    }

    /// Waits until its log says that: what happened before its control was there is in no event.
    pub fn wait_for_words(&self, words: &str) {
        self.program.wait_for(words);
    }

    /// Waits for the n-th event of a kind (counted from 1).
    pub fn wait_for(&self, kind: &str, count: usize) -> serde_json::Value {
        let start = Instant::now();
        loop {
            let found = {
                let events = self.events.lock().unwrap();
                events.iter().filter(|e| e["type"] == kind).nth(count - 1).cloned()
            };
            if let Some(event) = found {
                return event;
            }
            let waited = start.elapsed();
            assert!(
                waited < PATIENCE,
                "{}: no {kind}\n{:#?}\n{}",
                self.name,
                self.events.lock().unwrap(),
                self.log()
            );
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    pub fn has(&self, kind: &str) -> bool {
        self.events.lock().unwrap().iter().any(|e| e["type"] == kind)
    }

    /// What it has heard in all its calls.
    pub fn heard(&self) -> Vec<i16> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&self.folder).unwrap().flatten().map(|e| e.path()).collect();
        files.retain(|p| p.to_string_lossy().ends_with("-dec.wav"));
        files.sort();
        files.iter().flat_map(|p| sound::read(p)).collect()
    }

    /// A second and a half of a voice was heard as it was spoken.
    pub fn assert_hears(&self, what: &str, said: &[i16]) {
        self.assert_hears_after(0.0, what, said);
    }

    /// The same, among what came after so many seconds.
    pub fn assert_hears_after(&self, seconds: f64, what: &str, said: &[i16]) {
        let heard = self.heard();
        let after = &heard[heard.len().min((seconds * 8_000.0) as usize)..];
        sound::assert_heard(&format!("{}, who should hear {what},", self.name), said, after);
    }

    /// Seconds of audio it has kept so far, read from the size of the file that is being written.
    pub fn heard_seconds(&self) -> f64 {
        let files = std::fs::read_dir(&self.folder).unwrap().flatten();
        let sizes = files
            .filter(|e| e.file_name().to_string_lossy().ends_with("-dec.wav"))
            .map(|e| e.metadata().unwrap().len());
        sizes.sum::<u64>() as f64 / 16_000.0
    }

    /// Waits until it has kept so many seconds.
    pub fn listen(&self, seconds: f64) {
        let start = Instant::now();
        while self.heard_seconds() < seconds {
            assert!(
                start.elapsed() < PATIENCE + Duration::from_secs_f64(seconds),
                "{} hears nothing\n{}",
                self.name,
                self.log()
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Ends it as a crash would: no BYE.
    pub fn kill(&mut self) {
        self.program.kill();
    }
}

/// Netstrings of JSON.
fn read_events(stream: TcpStream, events: &Mutex<Vec<serde_json::Value>>) {
    let mut reader = BufReader::new(stream);
    let mut length = Vec::new();
    while reader.read_until(b':', &mut length).is_ok_and(|n| n > 1) {
        let Ok(count) = String::from_utf8_lossy(&length[..length.len() - 1]).trim().parse::<usize>() else {
            return;
        };
        let mut text = vec![0; count + 1];
        if reader.read_exact(&mut text).is_err() {
            return;
        }
        if let Ok(event) = serde_json::from_slice(&text[..count]) {
            events.lock().unwrap().push(event);
        }
        length.clear();
    }
}
