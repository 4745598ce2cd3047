//! Which web addresses flows may ask: whoever draws flows shall not reach into the server's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why the address with which a URL begins is not asked, unless it is in `[http_client] allow`; with how it is named
/// there. `None` where nothing speaks against it, as far as is known before a name is looked up.
pub(super) fn needs_leave(url: &str) -> Option<(&'static str, String)> {
    let (is_plain, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let (host, _) = host_and_port(&authority);
    let why = match literal(host) {
        Some(ip) if !is_public(ip) => "this is not a public address",
        None if host == "localhost" || host.ends_with(".localhost") => "this is not a public address",
        _ if is_plain => "it is asked without encryption",
        _ => return None,
    };
    Some((why, authority))
}

/// Whether one of the hosts of `[http_client] allow` is that of a URL: with its port, or alone where the URL has none.
pub(super) fn is_allowed(url: &str, allowed: &[String]) -> bool {
    let usual = if url.starts_with("https://") { "443" } else { "80" };
    let authority =
        url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let (host, port) = host_and_port(authority);
    let with_port = format!("{host}:{}", port.unwrap_or(usual));
    allowed.iter().any(|known| {
        known.eq_ignore_ascii_case(&with_port)
            || (port.is_none_or(|port| port == usual) && known.eq_ignore_ascii_case(host))
    })
}

/// An IPv6 address stands in brackets.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority.get(end..).and_then(|rest| rest.rfind(':')) {
        Some(colon) => authority
            .split_at_checked(end + colon)
            .map_or((authority, None), |(host, port)| (host, port.get(1..).filter(|port| !port.is_empty()))),
        None => (authority, None),
    }
}

/// The address that a host is, in any of the spellings that clients read: `127.0.0.1`, `0x7f.1`, `2130706433`.
fn literal(host: &str) -> Option<IpAddr> {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inner.parse().ok();
    }
    let number = |part: &str| match part.strip_prefix("0x") {
        Some("") => Some(0),
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if part.len() > 1 && part.starts_with('0') => u64::from_str_radix(part, 8).ok(),
        None => part.parse::<u64>().ok(),
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let parts: Vec<u64> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    // The last part fills all bytes that are left.
    let room = 4usize.checked_sub(first.len())?;
    if first.iter().any(|part| *part > 255) || *last >= 1 << (8 * room) {
        return None;
    }
    let high = first.iter().zip([24, 16, 8]).fold(0u64, |sum, (part, shift)| sum | (part << shift));
    u32::try_from(high | last).ok().map(|bits| IpAddr::V4(Ipv4Addr::from(bits)))
}

/// Reachable from everywhere: none of the ranges that RFC 6890 and its successors set aside.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let set_aside = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        // This network, and the reserved range above multicast.
        || a == 0
        || a >= 240
        // Carrier-grade NAT (RFC 6598), protocol assignments, benchmarks (RFC 2544), 6to4 relays.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 88 && c == 99);
    !set_aside
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    // Addresses that carry an IPv4 one are as public as that: mapped, NAT64 and 6to4.
    let carried = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(carried(high, low))
        }
        [0x2002, high, low, ..] => is_public_v4(carried(high, low)),
        // Global unicast only, without Teredo, documentation and benchmarks.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_everybody_can_reach_are_public() {
        for (ip, expected) in [
            ("8.8.8.8", true),
            ("1.1.1.1", true),
            ("172.15.255.255", true),
            ("172.32.0.1", true),
            ("2606:4700::1111", true),
            ("2a00:1450::1", true),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::a00:1", false),
            ("64:ff9b::808:808", true),
            ("2002:7f00:1::", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("fc00::1", false),
            ("fd12::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    #[test]
    fn private_addresses_localhost_and_plain_http_need_leave_in_any_spelling() {
        for (url, expected) in [
            ("https://example.com/", None),
            ("https://example.com:8443/a?b", None),
            ("https://8.8.8.8/", None),
            ("https://crm.internal/", None),
            ("http://example.com/", Some("example.com")),
            ("https://127.0.0.1/", Some("127.0.0.1")),
            ("http://127.0.0.1:9000/x", Some("127.0.0.1:9000")),
            ("https://2130706433/", Some("2130706433")),
            ("https://0x7f.1/", Some("0x7f.1")),
            ("https://0177.0.0.1/", Some("0177.0.0.1")),
            ("https://10.1/", Some("10.1")),
            ("https://169.254.169.254/latest", Some("169.254.169.254")),
            ("https://[::1]:8080/", Some("[::1]:8080")),
            ("https://[::ffff:10.0.0.1]/", Some("[::ffff:10.0.0.1]")),
            ("https://[2606:4700::1111]/", None),
            ("https://LOCALHOST:1/", Some("localhost:1")),
            ("https://a.localhost/", Some("a.localhost")),
            ("https://localhost.example.com/", None),
            ("https://1.2.3.4.5/", None),
            ("https://300.1.1.1/", None),
            ("https://", None),
            ("https://]:[", None),
        ] {
            assert_eq!(needs_leave(url).map(|(_, host)| host).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn leave_is_given_by_host_and_port() {
        let allowed = ["127.0.0.1:9000", "crm.internal", "[::1]:443"].map(str::to_owned);
        for (url, expected) in [
            ("http://127.0.0.1:9000/x", true),
            ("http://127.0.0.1:9001/x", false),
            ("http://127.0.0.1/", false),
            ("http://CRM.internal/x", true),
            ("https://crm.internal:443/x", true),
            ("http://crm.internal:22/x", false),
            ("https://[::1]/", true),
            ("http://[::1]/", false),
        ] {
            assert_eq!(is_allowed(url, &allowed), expected, "{url}");
        }
    }
}
