//! When a certificate ends: the one fact that we read out of X.509 ourselves (RFC 5280 4.1).

use rustls::pki_types::CertificateDer;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When a chain ends, in Unix seconds: when its first certificate does. None where that cannot be read.
pub fn ends(chain: &[CertificateDer<'_>]) -> Option<u64> {
    let (certificate, _) = element(chain.first()?, SEQUENCE)?;
    let (to_be_signed, _) = element(certificate, SEQUENCE)?;
    // The version may be absent; serial number, algorithm and issuer stand before the validity.
    let rest = element(to_be_signed, VERSION).map_or(to_be_signed, |(_, rest)| rest);
    let rest = skip(skip(skip(rest)?)?)?;
    let (validity, _) = element(rest, SEQUENCE)?;
    let not_after = skip(validity)?;
    let text = |tag| element(not_after, tag).and_then(|(text, _)| std::str::from_utf8(text).ok());
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
                ends(&[CertificateDer::from(der[..cut].to_vec())]);
            }
        }
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[CertificateDer::from(vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1])]), None);
    }
}
