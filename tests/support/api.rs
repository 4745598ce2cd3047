//! The API of a server, asked with the token of its configuration.

use super::{PATIENCE, Server};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;

/// For `[http] admin_token`.
pub const TOKEN: &str = "a token for tests alone";

/// Lines of `[http]`.
pub fn http() -> String {
    format!("admin_token = \"{TOKEN}\"")
}

/// Status and body of an answer.
pub fn ask(server: &Server, method: &str, path: &str) -> (u16, Value) {
    let mut stream = open(server, method, path);
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// Sends a request, whose answer is still to be read.
pub fn open(server: &Server, method: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect((server.address, 8080)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} /api/v1{path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    )
    .unwrap();
    stream
}
