//! What we read out of X.509 ourselves (RFC 5280 4.1): when a certificate ends, and for people whose it is.

use crate::clock::Wall;
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// Kinds of names among the alternative ones (RFC 5280 4.2.1.6).
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// Parts of a name that people look at (RFC 5280 A.1), and the extension with the alternative names (2.5.29.17).
const NAME_PARTS: [(&[u8], &str); 3] = [(&[0x55, 4, 3], "CN"), (&[0x55, 4, 10], "O"), (&[0x55, 4, 6], "C")];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 29, 17];
/// Characters of a name, and alternative names, that are shown.
const NAME_CHARS_MAX: usize = 100;
const NAMES_MAX: usize = 10;

/// What people want to know of a certificate. What is not there, or cannot be read, is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// As in `CN=sip.example.net, O=Example`.
    pub subject: String,
    pub issuer: String,
    /// Names and addresses that it is for.
    pub names: Vec<String>,
    pub begins: Option<Wall>,
    pub ends: Option<Wall>,
}

/// Reads a certificate; none where it is no such thing.
pub fn facts(certificate: &CertificateDer<'_>) -> Option<Facts> {
    let Parts { issuer, validity, subject, rest } = parts(certificate)?;
    let wall = |bytes| time(bytes).and_then(|at| i64::try_from(at).ok()).map(Wall::from_unix_seconds);
    Some(Facts {
        subject: name(subject),
        issuer: name(issuer),
        names: alternative_names(rest).unwrap_or_default(),
        begins: wall(validity),
        ends: skip(validity).and_then(wall),
    })
}

/// When a chain ends, in Unix seconds: when its first certificate does. None where that cannot be read.
pub fn ends(chain: &[CertificateDer<'_>]) -> Option<u64> {
    time(skip(parts(chain.first()?)?.validity)?)
}

/// Contents of elements of a certificate.
struct Parts<'a> {
    issuer: &'a [u8],
    validity: &'a [u8],
    subject: &'a [u8],
    /// The elements behind those.
    rest: &'a [u8],
}

fn parts<'a>(certificate: &'a CertificateDer<'_>) -> Option<Parts<'a>> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (to_be_signed, _) = element(certificate, SEQUENCE)?;
    // The version may be absent; serial number and algorithm stand before the issuer.
    let rest = element(to_be_signed, VERSION).map_or(to_be_signed, |(_, rest)| rest);
    let (issuer, rest) = element(skip(skip(rest)?)?, SEQUENCE)?;
    let (validity, rest) = element(rest, SEQUENCE)?;
    let (subject, rest) = element(rest, SEQUENCE)?;
    Some(Parts { issuer, validity, subject, rest })
}

/// The time that an element says, in Unix seconds.
fn time(bytes: &[u8]) -> Option<u64> {
    let text = |tag| element(bytes, tag).and_then(|(text, _)| std::str::from_utf8(text).ok());
    match (text(UTC_TIME), text(GENERALIZED_TIME)) {
        // RFC 5280 4.1.2.5.1: 50 and above are of the last century.
        (Some(short), _) => {
            let century = if short.get(..2)?.parse::<u8>().ok()? >= 50 { "19" } else { "20" };
            seconds(&format!("{century}{short}"))
        }
        (None, Some(long)) => seconds(long),
        (None, None) => None,
    }
}

/// A distinguished name, as much of it as people look at.
fn name(content: &[u8]) -> String {
    let mut shown = Vec::new();
    for (_, set, _) in elements(content).filter(|(tag, ..)| *tag == SET) {
        let Some((kind, rest)) =
            element(set, SEQUENCE).and_then(|(attribute, _)| element(attribute, OBJECT_ID))
        else {
            continue;
        };
        let known = NAME_PARTS.iter().find(|(id, _)| *id == kind);
        if let (Some((_, label)), Some((_, text, _))) = (known, first(rest)) {
            shown.push(format!("{label}={}", printable(text)));
        }
    }
    shown.join(", ")
}

/// Of the elements behind the subject.
fn alternative_names(rest: &[u8]) -> Option<Vec<String>> {
    let (_, content, _) = elements(rest).find(|(tag, ..)| *tag == EXTENSIONS)?;
    let (extensions, _) = element(content, SEQUENCE)?;
    let mut all = elements(extensions).filter_map(|(_, extension, _)| element(extension, OBJECT_ID));
    let (_, rest) = all.find(|(id, _)| *id == ALTERNATIVE_NAMES)?;
    // Whether it is critical may stand between.
    let (_, value, _) = elements(rest).find(|(tag, ..)| *tag == OCTET_STRING)?;
    let (names, _) = element(value, SEQUENCE)?;
    let shown = elements(names).filter_map(|(tag, content, _)| match tag {
        DNS_NAME => Some(printable(content)),
        IP_ADDRESS => match content.len() {
            4 => <[u8; 4]>::try_from(content).ok().map(|ip| IpAddr::from(ip).to_string()),
            _ => <[u8; 16]>::try_from(content).ok().map(|ip| IpAddr::from(ip).to_string()),
        },
        _ => None,
    });
    Some(shown.take(NAMES_MAX).collect())
}

fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

/// `YYYYMMDDHHMMSSZ` in Unix seconds.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.strip_suffix('Z').filter(|d| d.len() == 14 && d.bytes().all(|b| b.is_ascii_digit()))?;
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let date = jiff::civil::DateTime::new(
        digits.get(..4)?.parse().ok()?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        0,
    );
    let zoned = date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    u64::try_from(zoned.timestamp().as_second()).ok()
}

/// The content of the first element, where it has that tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = first(bytes)?;
    (found == tag).then_some((content, rest))
}

fn skip(bytes: &[u8]) -> Option<&[u8]> {
    first(bytes).map(|(_, _, rest)| rest)
}

/// Tag, content and what follows of each element.
fn elements(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8], &[u8])> {
    std::iter::from_fn(move || {
        let found = first(bytes)?;
        bytes = found.2;
        Some(found)
    })
}

/// Tag, content and what follows of the first element of DER (X.690 8.1, definite lengths of up to 4 bytes).
fn first(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        // Of indefinite length, which DER does not have.
        0x80 => return None,
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_ways_of_writing_it_and_of_no_other_bytes() {
        for (year, seconds) in [(2031, 1_924_992_000), (2120, 4_733_510_400)] {
            let mut params = rcgen::CertificateParams::new(["sip.example.net".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let der = certificate.der().clone();
            assert_eq!(ends(std::slice::from_ref(&der)), Some(seconds), "{year}");
            for cut in 0..der.len() {
                // Whatever is left of it: an answer or none, never a panic.
                let cut = CertificateDer::from(der[..cut].to_vec());
                ends(std::slice::from_ref(&cut));
                facts(&cut);
            }
        }
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[CertificateDer::from(vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1])]), None);
    }
    #[test]
    fn whose_a_certificate_is_is_read_for_people() {
        let names = ["sip.example.net".to_owned(), "192.0.2.7".to_owned(), "2001:db8::7".to_owned()];
        let mut params = rcgen::CertificateParams::new(names.clone()).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2031, 1, 1);
        let name = &mut params.distinguished_name;
        name.push(rcgen::DnType::CommonName, "sip.example.net");
        name.push(rcgen::DnType::OrganizationName, "Example\u{7} AG");
        name.push(rcgen::DnType::LocalityName, "Bern");
        let key = rcgen::KeyPair::generate().unwrap();
        let read = facts(params.self_signed(&key).unwrap().der()).unwrap();
        let own = |text: &str| {
            let mut parts: Vec<_> = text.split(", ").map(str::to_owned).collect();
            parts.sort();
            parts
        };
        for text in [&read.subject, &read.issuer] {
            assert_eq!(own(text), ["CN=sip.example.net", "O=Example AG"], "{text}");
        }
        assert_eq!(read.names, names);
        let times = (Wall::from_unix_seconds(1_577_836_800), Wall::from_unix_seconds(1_924_992_000));
        assert_eq!((read.begins, read.ends), (Some(times.0), Some(times.1)));
    }
}
