//! A caller of a few lines over a stream, whatever it is made of: TCP, TLS, WebSocket.

use super::PATIENCE;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

/// What carries SIP messages.
pub trait Carrier {
    fn send(&mut self, text: &str);
    /// The next message; empty where the server has closed.
    fn receive(&mut self) -> String;
}

/// TCP, or TLS over it.
pub struct Bytes<S>(pub S);

impl<S: Read + Write> Carrier for Bytes<S> {
    fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
        self.0.flush().unwrap();
    }

    fn receive(&mut self) -> String {
        let (mut text, mut byte) = (Vec::new(), [0]);
        while !text.ends_with(b"\r\n\r\n") {
            match self.0.read(&mut byte) {
                Ok(1) => text.push(byte[0]),
                _ => return String::new(),
            }
        }
        let head = String::from_utf8(text).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        head + &String::from_utf8(body).unwrap()
    }
}

impl<S: Read + Write> Carrier for WebSocket<S> {
    fn send(&mut self, text: &str) {
        WebSocket::send(self, Message::text(text)).unwrap();
    }

    fn receive(&mut self) -> String {
        loop {
            match self.read() {
                Ok(Message::Text(text)) => return text.to_string(),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                _ => return String::new(),
            }
        }
    }
}

pub fn tcp(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// TLS to a server that has to show that name; the handshake comes with the first byte.
pub fn tls(
    server: SocketAddr,
    name: &str,
    config: Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, TcpStream> {
    tls_over(tcp(server), name, config)
}

/// The same over a stream that is open.
pub fn tls_over(
    stream: TcpStream,
    name: &str,
    config: Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(config, name).unwrap(), stream)
}

/// One call over a carrier; `via` is the transport's name there, `local` what stands in Via and Contact.
pub struct Caller<C> {
    pub carrier: C,
    pub via: &'static str,
    pub local: String,
    pub server: String,
    call: u32,
}

impl<C: Carrier> Caller<C> {
    pub fn new(carrier: C, via: &'static str, local: &str, server: &str) -> Self {
        static CALLS: AtomicU32 = AtomicU32::new(1);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        Caller { carrier, via, local: local.to_owned(), server: server.to_owned(), call }
    }

    fn head(&self, method: &str, number: &str, cseq: u32, to_tag: &str) -> String {
        let Caller { via, local, server, call, .. } = self;
        format!(
            "{method} sip:{number}@{server} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch=z9hG4bK-{call}-{cseq}-{method}\r\n\
             From: <sip:+14155550123@{local}>;tag=c\r\nTo: <sip:{number}@{server}>{to_tag}\r\n\
             Call-ID: {call}-over-{via}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
        )
    }

    pub fn options(&mut self) -> String {
        let text = format!("{}Content-Length: 0\r\n\r\n", self.head("OPTIONS", "", 9, "").replace(":@", ":"));
        self.carrier.send(&text);
        self.carrier.receive()
    }

    /// An INVITE with an offer of media at that address; gives its 200.
    pub fn invite(&mut self, number: &str, media: SocketAddr) -> String {
        let family = if media.is_ipv4() { "IP4" } else { "IP6" };
        let sdp = format!(
            "v=0\r\no=c 1 1 IN {family} {0}\r\ns=-\r\nc=IN {family} {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP 0\r\n",
            media.ip(),
            media.port()
        );
        let head = self.head("INVITE", number, 1, "");
        let contact = format!("Contact: <sip:caller@{}>\r\nContent-Type: application/sdp\r\n", self.local);
        self.carrier.send(&format!("{head}{contact}Content-Length: {}\r\n\r\n{sdp}", sdp.len()));
        loop {
            let text = self.carrier.receive();
            if !text.starts_with("SIP/2.0 1") {
                return text;
            }
        }
    }

    /// ACK and BYE.
    pub fn end(&mut self, number: &str, answer: &str) {
        let to = answer.lines().find(|l| l.starts_with("To:")).unwrap();
        let tag = format!(";tag={}", to.split_once(";tag=").unwrap().1.trim());
        let ack = format!("{}Content-Length: 0\r\n\r\n", self.head("ACK", number, 1, &tag));
        let bye = format!("{}Content-Length: 0\r\n\r\n", self.head("BYE", number, 2, &tag));
        self.carrier.send(&ack);
        self.carrier.send(&bye);
        let answer = self.carrier.receive();
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    }
}
