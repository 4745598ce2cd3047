//! A small name server on loopback: says what it is told to, and misbehaves where it is told to.

use super::address;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

pub const A: u16 = 1;
pub const AAAA: u16 = 28;
pub const SRV: u16 = 33;
pub const NAPTR: u16 = 35;

/// One record's data.
#[derive(Clone, Debug)]
pub enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Srv(u16, u16, u16, &'static str),
    /// Order, preference, service, replacement; the flag is always `s`.
    Naptr(u16, u16, &'static str, &'static str),
}

/// What is said to a question.
#[derive(Clone, Debug)]
pub enum Say {
    Records(Vec<Data>),
    /// The same, over UDP cut to nothing: the rest is to be had over TCP.
    CutOff(Vec<Data>),
    ServFail,
    Nothing,
}

/// Names that it does not know do not exist.
pub struct Dns {
    pub address: SocketAddr,
    zone: Arc<Mutex<HashMap<(String, u16), Say>>>,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Dns {
    pub fn start() -> Dns {
        let udp = UdpSocket::bind((address(), 0)).unwrap();
        let at = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(at).unwrap();
        let dns = Dns { address: at, zone: Arc::default(), asked: Arc::default() };
        let (zone, asked) = (dns.zone.clone(), dns.asked.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok((length, source)) = udp.recv_from(&mut buffer) {
                if let Some(reply) = reply(&buffer[..length], &zone, &asked, true) {
                    let _ = udp.send_to(&reply, source);
                }
            }
        });
        let (zone, asked) = (dns.zone.clone(), dns.asked.clone());
        std::thread::spawn(move || {
            for mut stream in tcp.incoming().flatten() {
                let mut length = [0; 2];
                while stream.read_exact(&mut length).is_ok() {
                    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                    if stream.read_exact(&mut query).is_err() {
                        break;
                    }
                    let Some(reply) = reply(&query, &zone, &asked, false) else { break };
                    let _ = stream.write_all(&(reply.len() as u16).to_be_bytes());
                    let _ = stream.write_all(&reply);
                }
            }
        });
        dns
    }

    pub fn says(&self, name: &str, kind: u16, say: Say) {
        self.zone.lock().unwrap().insert((name.to_owned(), kind), say);
    }

    pub fn has(&self, name: &str, kind: u16, records: impl Into<Vec<Data>>) {
        self.says(name, kind, Say::Records(records.into()));
    }

    /// How often that was asked.
    pub fn asked(&self, name: &str, kind: u16) -> usize {
        self.asked.lock().unwrap().iter().filter(|(n, k)| n == name && *k == kind).count()
    }
}

type Zone = Mutex<HashMap<(String, u16), Say>>;

fn reply(query: &[u8], zone: &Zone, asked: &Mutex<Vec<(String, u16)>>, is_udp: bool) -> Option<Vec<u8>> {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_lowercase());
        at += length + 1;
    }
    let question_end = at + 5;
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let name = labels.join(".");
    asked.lock().unwrap().push((name.clone(), kind));
    let zone = zone.lock().unwrap();
    let exists = zone.keys().any(|(other, _)| *other == name);
    let (code, cut, records) = match zone.get(&(name, kind)) {
        None => (if exists { 0 } else { 3 }, false, Vec::new()),
        Some(Say::Records(records)) => (0, false, records.clone()),
        Some(Say::CutOff(_)) if is_udp => (0, true, Vec::new()),
        Some(Say::CutOff(records)) => (0, false, records.clone()),
        Some(Say::ServFail) => (2, false, Vec::new()),
        Some(Say::Nothing) => return None,
    };
    // QR, RD, RA and the code; TC where it is cut.
    let mut message = query[..2].to_vec();
    message.extend([0x81 | if cut { 2 } else { 0 }, 0x80 | code, 0, 1]);
    message.extend((records.len() as u16).to_be_bytes());
    message.extend([0; 4]);
    message.extend(&query[12..question_end]);
    for record in &records {
        let (kind, data) = data_of(record);
        // The name of the question, class IN, a TTL of a minute.
        message.extend([0xc0, 12]);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1, 0, 0, 0, 60]);
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(data);
    }
    Some(message)
}

fn data_of(record: &Data) -> (u16, Vec<u8>) {
    match record {
        Data::A(ip) => (A, ip.octets().to_vec()),
        Data::Aaaa(ip) => (AAAA, ip.octets().to_vec()),
        Data::Srv(priority, weight, port, target) => {
            let numbers = [priority, weight, port].into_iter().flat_map(|n| n.to_be_bytes());
            (SRV, numbers.chain(name_of(target)).collect())
        }
        Data::Naptr(order, preference, service, replacement) => {
            let mut data: Vec<u8> = [order, preference].into_iter().flat_map(|n| n.to_be_bytes()).collect();
            for text in ["s", service, ""] {
                data.push(text.len() as u8);
                data.extend(text.bytes());
            }
            data.extend(name_of(replacement));
            (NAPTR, data)
        }
    }
}

fn name_of(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}
