//! The media of a party that has no telephone: it hears packets, speaks, and presses keys (RFC 4733).

use super::{PATIENCE, address};
use cordboard::rtp::srtp::{MasterKey, Profile, Protect};
use cordboard::rtp::telephone_event::TelephoneEvent;
use cordboard::rtp::{Packet, SequenceNumber};
use std::net::{SocketAddr, UdpSocket};

pub struct Media {
    socket: UdpSocket,
    sequence: u16,
    protect: Option<Protect>,
}

impl Media {
    /// At an address of its own.
    pub fn new() -> Media {
        let socket = UdpSocket::bind((address(), 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Media { socket, sequence: 1, protect: None }
    }

    /// From now on what it sends is encrypted with `AES_CM_128_HMAC_SHA1_80`; `key` is key and salt.
    pub fn protect(&mut self, key: &[u8; 30]) {
        let (key, salt) = key.split_at(16);
        let master = MasterKey::new(key, salt);
        self.protect = Some(Protect::new(Profile::Tag80, &master));
    }

    /// Bytes of a packet that it hears: 20 ms at 8 kHz, and what protects them.
    pub fn packet_bytes(&self) -> usize {
        if self.protect.is_some() { 172 + 10 } else { 172 }
    }

    pub fn at(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Waits for a packet of RTP; gives its length and where it came from.
    pub fn hear(&self) -> (usize, SocketAddr) {
        let mut bytes = [0; 2_000];
        loop {
            let (length, source) =
                self.socket.recv_from(&mut bytes).unwrap_or_else(|error| panic!("nothing is heard: {error}"));
            // 200 to 207 in the second byte are RTCP (RFC 5761 section 4), though that has a port of its own.
            if !(200..=207).contains(&bytes[1]) {
                return (length, source);
            }
        }
    }

    /// Presses and releases a key, the last packet three times, as telephones do.
    pub fn press(&mut self, to: SocketAddr, key: u8, payload_type: u8) {
        for (duration, end) in [(160, false), (320, false), (480, true), (480, true), (480, true)] {
            let event = TelephoneEvent { event: key, end, volume: 10, duration };
            self.send(to, payload_type, 8_000, &event.bytes());
        }
    }

    fn send(&mut self, to: SocketAddr, payload_type: u8, timestamp: u32, payload: &[u8]) {
        let sequence = SequenceNumber(self.sequence);
        self.sequence += 1;
        let mut bytes = Vec::new();
        Packet { marker: false, payload_type, sequence, timestamp, ssrc: 0x00c0_ffee, payload }
            .write(&mut bytes);
        if let Some(protect) = &mut self.protect {
            protect.rtp(&mut bytes, 0);
        }
        self.socket.send_to(&bytes, to).unwrap();
    }
}
