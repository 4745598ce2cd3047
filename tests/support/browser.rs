//! Chromium as a telephone: a page of ours that speaks SIP over a WebSocket and tells what it does and hears.

use super::{PATIENCE, folder, sound};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PAGE: &str = include_str!("telephone.html");

/// Where the page comes from.
pub struct Pages {
    address: SocketAddr,
    said: Receiver<String>,
    orders: Sender<String>,
    /// All that was said.
    log: Arc<Mutex<Vec<String>>>,
}

impl Pages {
    pub fn serve(at: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((at, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (say, said) = channel();
        let (orders, ordered) = channel();
        let (log, ordered) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(ordered)));
        let kept = log.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (say, ordered, kept) = (say.clone(), ordered.clone(), kept.clone());
                std::thread::spawn(move || serve(stream, &say, &ordered, &kept));
            }
        });
        Pages { address, said, orders, log }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the page says that.
    pub fn until(&self, words: &str) {
        let start = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.said.recv_timeout(left) {
                Ok(said) if said == words => return,
                Ok(_) => {}
                Err(_) => panic!("the page does not say \"{words}\": {:?}", self.log.lock().unwrap()),
            }
        }
    }

    pub fn hang_up(&self) {
        self.orders.send("hang up".to_owned()).unwrap();
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

/// One request, and its answer.
fn serve(
    mut stream: TcpStream,
    say: &Sender<String>,
    ordered: &Mutex<Receiver<String>>,
    log: &Mutex<Vec<String>>,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    let _ = reader.read_line(&mut first);
    for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let line = line.to_ascii_lowercase();
        length = line.strip_prefix("content-length: ").and_then(|n| n.parse().ok()).unwrap_or(length);
    }
    let body = if first.starts_with("POST /said") {
        let mut said = vec![0; length];
        let _ = reader.read_exact(&mut said);
        let said = String::from_utf8_lossy(&said).into_owned();
        log.lock().unwrap().push(said.clone());
        let _ = say.send(said);
        String::new()
    } else if first.starts_with("GET /order") {
        // Who gave none any more is done.
        ordered.lock().unwrap().recv().unwrap_or_default()
    } else if first.starts_with("GET /?") {
        PAGE.to_owned()
    } else {
        String::new()
    };
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
}

/// A running browser.
pub struct Browser {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Browser {
    /// Opens the page with that query. `voice` is what its microphone hears, again and again.
    pub fn open(pages: &Pages, query: &str, voice: &[i16]) -> Self {
        let folder = folder("browser");
        let microphone = folder.join("voice.wav");
        sound::write(&microphone, voice);
        let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
        let mut child = Command::new(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--disable-extensions", "--no-proxy-server", "--mute-audio"])
            // The server's certificate is of an authority that the test made up.
            .arg("--ignore-certificate-errors")
            .args(["--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection"])
            .args(["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"])
            .arg(format!("--use-file-for-fake-audio-capture={}", microphone.display()))
            .arg("--enable-logging=stderr")
            .arg(format!("--user-data-dir={}", folder.join("profile").display()))
            .arg(format!("{}/?{query}", pages.origin()))
            .env("HOME", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium is installed (make test installs it)");
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, kept) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Browser { child, log }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to end, it takes its own processes along; a killed one may leave them behind for a moment.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(5) {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- log of the browser ----\n{}", self.log.lock().unwrap());
        }
    }
}
