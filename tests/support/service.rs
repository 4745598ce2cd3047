//! A web service of our own that stands for the outside: it answers by path and keeps what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What came in.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

pub struct Service {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    given_up: Arc<AtomicUsize>,
}

impl Service {
    /// `answers`: beginnings of paths, with a status and a JSON body; what fits none gets a 404. With status 0 there is
    /// never an answer.
    pub fn start(at: Ipv4Addr, answers: &[(&str, u16, &str)]) -> Service {
        let listener = TcpListener::bind((at, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let answers: Vec<(String, u16, String)> = answers
            .iter()
            .map(|(path, status, body)| ((*path).to_owned(), *status, (*body).to_owned()))
            .collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let given_up = Arc::new(AtomicUsize::new(0));
        let counter = given_up.clone();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answers, kept, counter) = (answers.clone(), kept.clone(), counter.clone());
                std::thread::spawn(move || serve(stream, &answers, &kept, &counter));
            }
        });
        Service { address, asked, given_up }
    }

    /// Connections that were closed before there was an answer.
    pub fn given_up(&self) -> usize {
        self.given_up.load(Ordering::Relaxed)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    stream: TcpStream,
    answers: &[(String, u16, String)],
    kept: &Mutex<Vec<Asked>>,
    given_up: &AtomicUsize,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = answers.iter().find(|(beginning, ..)| path.starts_with(beginning));
        let (status, body_out) = answer.map_or((404, "{}"), |(_, status, body)| (*status, body.as_str()));
        let body = String::from_utf8_lossy(&body).into_owned();
        kept.lock().unwrap().push(Asked { method, path, headers, body });
        if status == 0 {
            let _ = reader.read_to_end(&mut Vec::new());
            given_up.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        write!(
            writer,
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body_out}",
            body_out.len()
        )
        .ok()?;
    }
}
