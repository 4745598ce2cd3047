//! Lists of addresses and ranges.

use super::reader::Section;
use ipnet::IpNet;
use std::net::IpAddr;

/// Reads a list of at most `max`. A range of all addresses is refused, with `everybody` as what is wrong with it.
pub(super) fn read(section: &Section<'_>, key: &'static str, max: usize, everybody: &str) -> Vec<IpNet> {
    let texts = section.texts(key).unwrap_or_default();
    if texts.len() > max {
        section.error(key, format!("has more than {max} ranges"), "");
    }
    let mut ranges = Vec::new();
    for text in texts {
        match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(range) if range.prefix_len() == 0 => {
                section.error(
                    key,
                    format!("\"{text}\" is everybody, {everybody}"),
                    "name those alone that are meant",
                );
            }
            Ok(range) => ranges.push(range.trunc()),
            Err(_) => {
                let message = format!("\"{text}\" is no address and no range");
                section.error(key, message, "for example 127.0.0.1 or 10.0.0.0/8");
            }
        }
    }
    ranges
}
