//! The text of a session description, RFC 8866. Reading is total: any bytes give a description or a reason.

use std::fmt;
use std::net::IpAddr;

/// A description with several encrypted video streams stays far below; one over it is no telephone call's.
const BYTES_MAX: usize = 16 * 1024;
/// Candidate lists of browsers reach about 60 lines a stream.
const LINES_MAX: usize = 512;
/// More streams than any telephone offers (audio, video, slides, chat, fax).
const MEDIA_MAX: usize = 16;
/// All payload types that exist.
const FORMATS_MAX: usize = 128;

/// What an `a=` line says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attribute {
    pub name: String,
    pub value: Option<String>,
}

/// A `c=` line: where the sender of the description receives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Connection {
    Address(IpAddr),
    /// A host name, which a telephone in practice never sends.
    Host(String),
}

/// An `m=` line and what follows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Media {
    /// `audio`, `video`, `image` …
    pub kind: String,
    /// 0 where the stream is refused or switched off.
    pub port: u16,
    /// `RTP/AVP` …
    pub protocol: String,
    /// Payload types, in order of preference, as written.
    pub formats: Vec<String>,
    pub connection: Option<Connection>,
    pub attributes: Vec<Attribute>,
}

impl Media {
    /// The value of the first attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }

    /// Values of all attributes of that name.
    pub fn attributes<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.attributes.iter().filter(move |a| a.name == name).map(|a| a.value.as_deref().unwrap_or(""))
    }

    pub fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|a| a.name == name)
    }
}

/// A whole description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    /// The `o=` line without its letter; two descriptions with the same one are the same (RFC 3264 section 8).
    pub origin: String,
    pub connection: Option<Connection>,
    pub attributes: Vec<Attribute>,
    pub media: Vec<Media>,
}

/// Why bytes are no session description.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    #[error("the session description has {0} bytes, more than {BYTES_MAX}")]
    TooLong(usize),
    #[error("the session description has more than {LINES_MAX} lines")]
    TooManyLines,
    #[error("the session description has more than {MEDIA_MAX} media streams")]
    TooManyMedia,
    #[error("line {line} of the session description is not of the form x=value")]
    NotALine { line: usize },
    #[error("the session description does not start with v=0")]
    NoVersion,
    #[error("the session description has no o= line")]
    NoOrigin,
    #[error("line {line} of the session description, {field}, cannot be read")]
    BadField { line: usize, field: &'static str },
}

impl Description {
    /// Reads a description. Lines of kinds that a telephone call does not need are passed over.
    pub fn parse(bytes: &[u8]) -> Result<Description, Malformed> {
        if bytes.len() > BYTES_MAX {
            return Err(Malformed::TooLong(bytes.len()));
        }
        let text = String::from_utf8_lossy(bytes);
        let mut description = Description {
            origin: String::new(),
            connection: None,
            attributes: Vec::new(),
            media: Vec::new(),
        };
        let mut lines = 0;
        for (index, line) in text.split('\n').map(|line| line.trim_end_matches('\r')).enumerate() {
            let number = index + 1;
            if line.is_empty() {
                continue;
            }
            lines += 1;
            if lines > LINES_MAX {
                return Err(Malformed::TooManyLines);
            }
            let (letter, value) = line
                .split_once('=')
                .filter(|(l, _)| l.len() == 1)
                .ok_or(Malformed::NotALine { line: number })?;
            if lines == 1 && (letter != "v" || value.trim() != "0") {
                return Err(Malformed::NoVersion);
            }
            description.take_line(number, letter, value)?;
        }
        match (lines, description.origin.is_empty()) {
            (0, _) => Err(Malformed::NoVersion),
            (_, true) => Err(Malformed::NoOrigin),
            _ => Ok(description),
        }
    }

    fn take_line(&mut self, line: usize, letter: &str, value: &str) -> Result<(), Malformed> {
        match letter {
            "o" if value.split_ascii_whitespace().count() == 6 => self.origin = value.trim().to_owned(),
            "o" => return Err(Malformed::BadField { line, field: "o=" }),
            "c" => {
                let connection = parse_connection(value).ok_or(Malformed::BadField { line, field: "c=" })?;
                match self.media.last_mut() {
                    // RFC 8866 section 5.7: the first one counts; layered multicast is not for telephones.
                    Some(media) => media.connection.get_or_insert(connection),
                    None => self.connection.get_or_insert(connection),
                };
            }
            "m" if self.media.len() == MEDIA_MAX => return Err(Malformed::TooManyMedia),
            "m" => self.media.push(parse_media(value).ok_or(Malformed::BadField { line, field: "m=" })?),
            "a" => {
                let attribute = match value.split_once(':') {
                    Some((name, value)) => {
                        Attribute { name: name.trim().to_owned(), value: Some(value.trim().to_owned()) }
                    }
                    None => Attribute { name: value.trim().to_owned(), value: None },
                };
                match self.media.last_mut() {
                    Some(media) => media.attributes.push(attribute),
                    None => self.attributes.push(attribute),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The value of the first session attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|a| a.name == name).map(|a| a.value.as_deref().unwrap_or(""))
}

/// `IN IP4 192.0.2.1`, with the TTL of multicast cut off.
fn parse_connection(value: &str) -> Option<Connection> {
    let mut words = value.split_ascii_whitespace();
    let (net, family, address) = (words.next()?, words.next()?, words.next()?);
    if !net.eq_ignore_ascii_case("IN") || words.next().is_some() {
        return None;
    }
    let host = address.split('/').next()?;
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_ipv4() == family.eq_ignore_ascii_case("IP4") => Some(Connection::Address(ip)),
        Ok(_) => None,
        Err(_) => Some(Connection::Host(host.to_owned())),
    }
}

/// `audio 49170/2 RTP/AVP 0 8 101`; a number of ports is read and not used.
fn parse_media(value: &str) -> Option<Media> {
    let mut words = value.split_ascii_whitespace();
    let kind = words.next()?.to_ascii_lowercase();
    let port = words.next()?.split('/').next()?.parse().ok()?;
    let protocol = words.next()?.to_owned();
    let formats: Vec<String> = words.take(FORMATS_MAX).map(str::to_owned).collect();
    Some(Media { kind, port, protocol, formats, connection: None, attributes: Vec::new() })
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Connection::Address(ip @ IpAddr::V4(_)) => write!(f, "IN IP4 {ip}"),
            Connection::Address(ip @ IpAddr::V6(_)) => write!(f, "IN IP6 {ip}"),
            Connection::Host(host) => write!(f, "IN IP4 {host}"),
        }
    }
}

fn write_attributes(f: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    for Attribute { name, value } in attributes {
        match value {
            Some(value) => write!(f, "a={name}:{value}\r\n")?,
            None => write!(f, "a={name}\r\n")?,
        }
    }
    Ok(())
}

/// The text to send.
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=0\r\no={}\r\ns=-\r\n", self.origin)?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        f.write_str("t=0 0\r\n")?;
        write_attributes(f, &self.attributes)?;
        for media in &self.media {
            write!(f, "m={} {} {}", media.kind, media.port, media.protocol)?;
            for format in &media.formats {
                write!(f, " {format}")?;
            }
            f.write_str("\r\n")?;
            if let Some(connection) = &media.connection {
                write!(f, "c={connection}\r\n")?;
            }
            write_attributes(f, &media.attributes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

    #[test]
    fn what_was_read_prints_and_reads_again_the_same() {
        let first = Description::parse(PHONE.as_bytes()).unwrap();
        assert_eq!(Description::parse(first.to_string().as_bytes()).unwrap(), first);
        assert_eq!(first.media[0].formats, ["0", "8", "101"]);
        assert!(first.media[0].has("sendrecv"));
    }

    #[test]
    fn each_fault_is_named() {
        use Malformed::*;
        let many = format!("v=0\r\no=a 1 1 IN IP4 1.1.1.1\r\n{}", "m=audio 1 RTP/AVP 0\r\n".repeat(17));
        let table: &[(&[u8], Malformed)] = &[
            (b"", NoVersion),
            (b"\r\n\r\n", NoVersion),
            (b"o=a 1 1 IN IP4 1.1.1.1\r\n", NoVersion),
            (b"v=1\r\n", NoVersion),
            (b"v=0\r\n", NoOrigin),
            (b"v=0\r\nnonsense\r\n", NotALine { line: 2 }),
            (b"v=0\r\no=a 1\r\n", BadField { line: 2, field: "o=" }),
            (b"v=0\no=a 1 1 IN IP4 1.1.1.1\nc=IN IP6 1.1.1.1\n", BadField { line: 3, field: "c=" }),
            (b"v=0\no=a 1 1 IN IP4 1.1.1.1\nm=audio 70000 RTP/AVP 0\n", BadField { line: 3, field: "m=" }),
            (many.as_bytes(), TooManyMedia),
            (&[b'x'; 20_000], TooLong(20_000)),
        ];
        for (bytes, fault) in table {
            assert_eq!(Description::parse(bytes).unwrap_err(), *fault, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_panic() {
        let mut random = crate::ids::Random::from_seed(3);
        for _ in 0..20_000 {
            let mut bytes = PHONE.as_bytes().to_vec();
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len() as u32) as usize;
                bytes[at] = random.next_u32() as u8;
            }
            let _ = Description::parse(&bytes);
        }
    }
}
