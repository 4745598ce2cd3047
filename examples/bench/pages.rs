//! Pages of call records over HTTP, from the server's own process, beside what the database takes for them.

use crate::server::{ADMIN_TOKEN, HERE, Server};
use cordboard::clock::Wall;
use cordboard::ids::hex;
use cordboard::store::database::record_list::Filter;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// A connection to a server that has the records of a database.
pub struct Lists {
    reader: BufReader<TcpStream>,
    _server: Server,
}

impl Lists {
    /// Starts a server over the database at `url`.
    pub fn of(url: &str) -> Lists {
        let store = format!("[store]\nurl = \"{url}\"\nnode = \"http\"\nspool = \"spool\"\n");
        let server = Server::start_with("pages", |_| store);
        let stream = TcpStream::connect((HERE, 8080)).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Lists { reader: BufReader::new(stream), _server: server }
    }

    /// Milliseconds for each of `pages` pages of the list from the first one on, or on from the call before `begin`.
    pub fn turn(&mut self, filter: &Filter, begin: Option<Wall>, limit: u32, pages: usize) -> Vec<f64> {
        let cursor =
            |begin: Wall| format!("c{}", hex(format!("{}\nbench\n", begin.as_unix_micros()).as_bytes()));
        let mut cursor = begin.map(cursor);
        let mut times = Vec::new();
        while times.len() < pages {
            let path = format!("/api/v1/records?limit={limit}{}", query(filter, cursor.as_deref()));
            let start = Instant::now();
            let body = self.get(&path);
            times.push(start.elapsed().as_secs_f64() * 1e3);
            let page: Value = serde_json::from_slice(&body).expect("a page");
            assert!(page["items"].is_array(), "{page}");
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        times
    }

    /// The body of an answer, with its last byte.
    fn get(&mut self, path: &str) -> Vec<u8> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n");
        self.reader.get_mut().write_all(request.as_bytes()).expect("the server takes it");
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).expect("the server answers");
            if let Some((_, value)) = line.split_once(": ").filter(|(name, _)| *name == "content-length") {
                length = value.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).expect("the whole body");
        body
    }
}

fn query(filter: &Filter, cursor: Option<&str>) -> String {
    let pairs = [
        ("number", filter.number.as_deref()),
        ("flow", filter.flow_id.as_deref()),
        ("outcome", filter.outcome.as_deref()),
        ("agent", filter.agent_id.as_deref()),
        ("caller", filter.caller.as_deref()),
        ("call", filter.call.as_deref()),
        ("cursor", cursor),
    ];
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    pairs.map(|(name, value)| format!("&{name}={}", value.replace('+', "%2B"))).collect()
}
