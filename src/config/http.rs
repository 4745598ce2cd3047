//! `[http]`: where the API listens, where browsers reach it, and which proxies stand in front of it.

use super::ranges;
use super::reader::Section;
use super::{Http, public_url, socket_address};
use std::net::SocketAddr;

/// Ranges of proxies: each is looked at for each request. A cloud's load balancers have a dozen.
const PROXIES_MAX: usize = 64;

pub(super) fn read(section: &Section<'_>) -> Option<Http> {
    let bind = section.parsed("bind", socket_address).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
    let admin_token = section.text("admin_token");
    if admin_token.as_ref().is_some_and(|t| t.len() < 16) {
        section.error("admin_token", "is shorter than 16 characters", "take a long random one");
    }
    let public_url = section.parsed("public_url", public_url).unwrap_or_else(|| format!("http://{bind}"));
    let trusted_proxies =
        ranges::read(section, "trusted_proxies", PROXIES_MAX, "who could then claim any address");
    if public_url.starts_with("https://") && !section.has("trusted_proxies") {
        section.warning(
            "public_url",
            "there is a proxy in front, and trusted_proxies does not name it: all clients count as one source",
            "trusted_proxies = [\"127.0.0.1\"]",
        );
    }
    let header = section.parsed("forwarded_header", |text| match text.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => Ok(false),
        "forwarded" => Ok(true),
        _ => Err("x-forwarded-for or forwarded".to_owned()),
    });
    let reads_forwarded = header.unwrap_or(false);
    Some(Http { bind, admin_token, public_url, trusted_proxies, reads_forwarded })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};
    use std::path::Path;

    fn check(lines: &str) -> (Vec<String>, Vec<String>) {
        let document = Document::parse(Path::new("x.toml"), &format!("[http]\n{lines}\n"));
        let http = read(&document.root().section("http")).unwrap();
        let ranges = http.trusted_proxies.iter().map(ToString::to_string).collect();
        (ranges, document.into_findings().iter().map(Finding::to_string).collect())
    }

    #[test]
    fn proxies_are_addresses_and_ranges() {
        let (ranges, findings) = check("trusted_proxies = [\"127.0.0.1\", \"10.1.2.3/8\", \"::1\"]");
        assert_eq!(findings, [""; 0]);
        assert_eq!(ranges, ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]);
        assert_eq!(check("").0, [""; 0]);
    }

    #[test]
    fn what_is_no_range_or_too_wide_is_said_and_so_is_a_proxy_that_nobody_names() {
        for (lines, expected) in [
            ("trusted_proxies = [\"proxy.example\"]", "\"proxy.example\" is no address and no range"),
            ("trusted_proxies = [\"0.0.0.0/0\"]", "is everybody"),
            ("trusted_proxies = \"127.0.0.1\"", "x.toml:2: http.trusted_proxies"),
            ("public_url = \"https://phones.example.net\"", "warning: x.toml:2: http.public_url"),
        ] {
            let (ranges, findings) = check(lines);
            assert_eq!(ranges, [""; 0], "{lines}");
            assert!(findings.len() == 1 && findings[0].contains(expected), "{lines}: {findings:?}");
        }
    }
}
