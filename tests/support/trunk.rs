//! A trunk over UDP that answers each request as it is told to, and sends audio back in the way it is told to.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// What becomes of the audio of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audio {
    /// All packets go back.
    Echo,
    /// All but those of keys.
    EchoWithoutKeys,
    /// Silence goes back in place of each packet.
    Silence,
    /// Nothing goes back.
    Nothing,
    /// All packets go back from another host than the one that is described.
    FromElsewhere(Ipv4Addr),
}

/// Running until the test's process ends.
pub struct Trunk {
    pub address: SocketAddr,
    /// First lines of requests.
    pub hears: Receiver<String>,
    answers: Arc<Mutex<HashMap<&'static str, String>>>,
}

impl Trunk {
    /// Answers 200 to everything, until it is told otherwise.
    pub fn start(at: Ipv4Addr, audio: Audio) -> Trunk {
        let socket = UdpSocket::bind((at, 5060)).unwrap();
        let address = socket.local_addr().unwrap();
        let media = UdpSocket::bind((at, 0)).unwrap();
        let media_at = media.local_addr().unwrap();
        let answers: Arc<Mutex<HashMap<&'static str, String>>> = Arc::default();
        let (heard, hears) = channel();
        let kept = answers.clone();
        std::thread::spawn(move || serve(&socket, media_at, &kept, &heard));
        std::thread::spawn(move || echo(&media, audio));
        Trunk { address, hears, answers }
    }

    /// From now on that method is answered by `code words`, with further header lines behind; not at all where it is empty.
    pub fn answers(&self, method: &'static str, answer: &str) {
        self.answers.lock().unwrap().insert(method, answer.to_owned());
    }
}

fn serve(
    socket: &UdpSocket,
    media: SocketAddr,
    answers: &Mutex<HashMap<&'static str, String>>,
    heard: &Sender<String>,
) {
    let mut buffer = [0; 65_535];
    while let Ok((length, source)) = socket.recv_from(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let Some(line) = text.lines().next().filter(|line| !line.starts_with("SIP/2.0")) else { continue };
        let _ = heard.send(line.to_owned());
        let method = line.split(' ').next().unwrap_or_default();
        let answer = answers.lock().unwrap().get(method).cloned();
        let answer = answer.unwrap_or_else(|| "200 OK".to_owned());
        if method != "ACK" && !answer.is_empty() {
            let _ = socket.send_to(response(&text, &answer, media).as_bytes(), source);
        }
    }
}

fn response(request: &str, answer: &str, media: SocketAddr) -> String {
    let copied = request.lines().filter(|line| {
        ["Via:", "From:", "To:", "Call-ID:", "CSeq:", "Contact:"].iter().any(|name| line.starts_with(name))
    });
    let is_invite = request.starts_with("INVITE");
    let copied: Vec<String> = copied
        .filter(|line| !(is_invite && line.starts_with("Contact:")))
        .map(|line| if line.starts_with("To:") { format!("{line};tag=trunk") } else { line.to_owned() })
        .collect();
    let (code, more) = answer.split_once('\n').unwrap_or((answer, ""));
    let more = if more.is_empty() { String::new() } else { format!("{}\r\n", more.replace('\n', "\r\n")) };
    let (contact, body) = if is_invite && code.starts_with("200") {
        (format!("Contact: <sip:trunk@{}:5060>\r\nContent-Type: application/sdp\r\n", media.ip()), sdp(media))
    } else {
        (String::new(), String::new())
    };
    format!(
        "SIP/2.0 {code}\r\n{}\r\n{more}{contact}Content-Length: {}\r\n\r\n{body}",
        copied.join("\r\n"),
        body.len()
    )
}

fn sdp(media: SocketAddr) -> String {
    format!(
        "v=0\r\no=t 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP 0 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\n",
        media.ip(),
        media.port()
    )
}

fn echo(socket: &UdpSocket, audio: Audio) {
    let elsewhere = match audio {
        Audio::FromElsewhere(at) => Some(UdpSocket::bind((at, 0)).unwrap()),
        _ => None,
    };
    let mut packet = [0; 2_048];
    while let Ok((length, source)) = socket.recv_from(&mut packet) {
        let is_key = packet[1] & 0x7f == 101;
        match audio {
            Audio::Nothing => continue,
            Audio::EchoWithoutKeys if is_key => continue,
            Audio::Silence => packet[12..length].fill(0xff),
            _ => {}
        }
        let _ = elsewhere.as_ref().unwrap_or(socket).send_to(&packet[..length], source);
    }
}
