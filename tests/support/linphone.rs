//! linphonec as a telephone that speaks a recording, keeps what it hears, and is steered by its command line. It sends and listens
//! at one loopback address alone.

use super::program::Program;
use super::{PATIENCE, address, folder, sound};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// A running linphonec.
pub struct Linphone {
    pub at: Ipv4Addr,
    program: Program,
    folder: PathBuf,
    /// How far its log was read.
    read: usize,
}

/// How a telephone is set up.
pub struct LinphoneSetup {
    pub name: &'static str,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// What it says over and over, from the moment its audio starts.
    pub voice: Vec<i16>,
    /// Where it registers, and with which password.
    pub registers: Option<(String, &'static str)>,
    /// Whose certificates it believes.
    pub authority: Option<PathBuf>,
}

impl LinphoneSetup {
    pub fn new(name: &'static str, transport: &'static str) -> Self {
        LinphoneSetup { name, transport, voice: vec![0; 8_000], registers: None, authority: None }
    }

    pub fn start(self) -> Linphone {
        let (folder, at) = (folder(&format!("linphone-{}", self.name)), address());
        sound::write(&folder.join("voice.wav"), &self.voice);
        std::fs::create_dir_all(folder.join(".local/share/linphone")).unwrap();
        let port = |transport| if self.transport == transport { 5_060 } else { 0 };
        let mut config = format!(
            "[sip]\nbind_address={at}\nsip_port={}\nsip_tcp_port={}\nsip_tls_port={}\nuse_ipv6=0\nguess_hostname=0\n\
             contact=sip:{}@{at}\nauto_net_state_mon=0\nregister_only_when_network_is_up=0\ndefault_proxy=0\n\
             verify_server_certs=1\nverify_server_cn=1\n",
            port("udp"),
            port("tcp"),
            port("tls"),
            self.name
        );
        if let Some(authority) = &self.authority {
            config += &format!("root_ca={}\n", authority.display());
        }
        config += &format!("[rtp]\nbind_address={at}\naudio_rtp_port=7078\n[sound]\nechocancellation=0\n");
        if let Some((server, password)) = &self.registers {
            let (name, transport) = (self.name, self.transport);
            config += &format!(
                "[proxy_0]\nreg_proxy=<sip:{server};transport={transport}>\nreg_identity=sip:{name}@cordboard.test\n\
                 reg_expires=300\nreg_sendregister=1\npublish=0\n\
                 [auth_info_0]\nusername={name}\npasswd={password}\nrealm=cordboard.test\ndomain=cordboard.test\n"
            );
        }
        std::fs::write(folder.join("linphonerc"), config).unwrap();
        let mut command = Command::new("linphonec");
        command.arg("-c").arg(folder.join("linphonerc")).args(["-d", "6", "-l"]).arg(folder.join("log"));
        command.current_dir(&folder).env("HOME", &folder).env("PULSE_SERVER", "unix:/nowhere");
        let program = Program::start(self.name, &mut command);
        let mut linphone = Linphone { at, program, folder, read: 0 };
        linphone.say("soundcard use files", "Using wav files instead of soundcard.");
        let (voice, heard) = (linphone.folder.join("voice.wav"), linphone.heard_in());
        linphone.program.say(&format!("play {}", voice.display()));
        linphone.program.say(&format!("record {}", heard.display()));
        linphone
    }
}

impl Linphone {
    fn heard_in(&self) -> PathBuf {
        self.folder.join("heard.wav")
    }

    /// Says a command, and waits for words that come after it.
    fn say(&mut self, command: &str, words: &str) {
        self.program.say(command);
        self.wait_for(words);
    }

    /// Waits until it says that, after what it was waited for before.
    pub fn wait_for(&mut self, words: &str) {
        self.read = self.program.wait_for_after(self.read, words);
    }

    pub fn wait_to_be_rung(&mut self) {
        self.wait_for("Receiving new incoming call");
    }

    pub fn answer(&mut self) {
        self.say("answer", "Media streams established");
    }

    /// Puts the call on hold.
    pub fn pause(&mut self) {
        self.say("pause", "is now paused");
    }

    pub fn resume(&mut self) {
        self.say("resume", "Media streams established");
    }

    pub fn dial(&mut self, uri: &str) {
        self.program.say(&format!("call {uri}"));
    }

    /// Hands the call over to that URI, without asking (REFER).
    pub fn transfer(&mut self, uri: &str) {
        self.program.say(&format!("transfer {uri}"));
    }

    /// Joins the peers of its first and its second call (REFER with Replaces).
    pub fn join(&mut self) {
        self.program.say("transfer 1 --to-call 2");
    }

    pub fn hang_up(&mut self) {
        self.say("terminate", "ended (");
    }

    pub fn wait_until_over(&mut self) {
        self.wait_for("ended (");
    }

    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.program.name, self.at)
    }

    /// Waits until its log of SIP has these words.
    pub fn wait_for_sip(&self, words: &str) {
        let start = Instant::now();
        while !std::fs::read_to_string(self.folder.join("log")).is_ok_and(|log| log.contains(words)) {
            assert!(start.elapsed() < PATIENCE, "{}: no \"{words}\"", self.program.name);
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// What it has heard in its last call since its media began anew, once that is over.
    pub fn heard(&self) -> Vec<i16> {
        sound::read(&self.heard_in())
    }
}
