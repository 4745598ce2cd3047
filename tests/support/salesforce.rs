//! The stand-in for Salesforce (tests/salesforce), as a process of its own, and its control.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

pub const CLIENT: &str = "cordboard-test-app";
pub const SECRET: &str = "cordboard-test-secret";
pub const BEN: &str = "005Hs000000001BIAQ";

/// An org with two users, three contacts and three leads (`seed.example.json`).
pub struct Org {
    pub address: SocketAddr,
    child: Child,
    /// It ends when this is closed.
    _stdin: ChildStdin,
}

impl Org {
    pub fn start() -> Org {
        let folder = format!("{}/tests/salesforce", env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new("node")
            .args([&format!("{folder}/server.mjs"), "--seed", &format!("{folder}/seed.example.json")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("the stand-in says where it is");
        let address = said["url"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
        let stdin = child.stdin.take().unwrap();
        Org { address, child, _stdin: stdin }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    #[allow(dead_code, reason = "not every test has a server")]
    /// `[salesforce]` of a server that is connected to it.
    pub fn config(&self) -> String {
        format!(
            "[salesforce]\nlogin_url = \"{}\"\nclient_id = \"{CLIENT}\"\nclient_secret = \"{SECRET}\"\n",
            self.url()
        )
    }

    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} /_control/{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {text}");
        let body = if head.to_lowercase().contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_owned()
        };
        serde_json::from_str(&body).unwrap_or_default()
    }

    pub fn records(&self, object: &str) -> Vec<Value> {
        let found = self.control("GET", &format!("records?object={object}"), &Value::Null);
        found["records"].as_array().unwrap().clone()
    }

    pub fn trouble(&self, rules: &Value) {
        self.control("POST", "trouble", &json!({"rules": rules}));
    }
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        text.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    text
}

impl Drop for Org {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
