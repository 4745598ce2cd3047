//! cordboard.toml: what one machine needs to know before it starts.

mod bans;
pub mod crm;
mod dns;
mod hep;
mod http;
mod listen;
mod outside;
mod ranges;
pub mod reader;
mod records;
mod store;
mod tls;

pub use bans::Bans;
pub use dns::Dns;
pub use hep::Hep;
pub use listen::{Listen, Transport};
pub use tls::{ClientCertificates, Identity, Tls, TlsClient, TlsServer};

pub use outside::{Outside, Secret, SmsProvider};

use crate::config::reader::{Document, Finding, Section};
use crate::hidden::Numbers;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use records::Records;
pub(crate) use records::is_writable;
pub use store::Store;

/// Prefix of the environment variables that set keys.
const VARIABLE_PREFIX: &str = "CORDBOARD__";

/// A checked configuration. Paths are made absolute or relative to the working folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub sip: Sip,
    pub tls: Tls,
    pub dns: Dns,
    pub bans: Bans,
    /// Who collects copies of SIP messages, if anybody does.
    pub hep: Option<Hep>,
    pub media: Media,
    pub http: Http,
    pub records: Records,
    pub store: Option<Store>,
    pub speech: Option<Vec<String>>,
    pub log: Log,
    pub provision: Option<Provision>,
    pub outside: Outside,
}

/// A folder with numbers, flows and so on as files.
#[derive(Clone, Debug, PartialEq)]
pub struct Provision {
    pub folder: PathBuf,
    pub mode: ProvisionMode,
}

/// What the files are to a store; without one they are all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ProvisionMode {
    /// They fill a store that is empty.
    #[default]
    Seed,
    /// They are the truth, at each start and reload.
    Sync,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sip {
    /// Realm and host of our own addresses.
    pub domain: String,
    pub user_agent: String,
    pub listen: Vec<Listen>,
    /// Calls at one time; more are answered 503.
    pub calls_max: usize,
    /// The digest algorithms that are offered to those who have to show who they are, the preferred first.
    pub digest: Vec<String>,
    /// Seconds that a dialog lives without a refresh (RFC 4028), 90 and more; 0: we ask for none.
    pub session_expires_s: u32,
    /// The smallest such time that a peer may ask for: 90 and more.
    pub session_min_s: u32,
}

/// Those that may be offered (RFC 8760).
const DIGESTS: [&str; 3] = ["SHA-512-256", "SHA-256", "MD5"];

#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    pub bind: std::net::IpAddr,
    pub advertise: std::net::IpAddr,
    /// For peers of IPv6, beside an `advertise` of IPv4.
    pub advertise_ipv6: Option<std::net::Ipv6Addr>,
    /// First and last port; even ones RTP, odd ones RTCP.
    pub ports: (u16, u16),
    /// Media threads; 0 is one per core.
    pub threads: usize,
    pub inactivity: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    pub bind: SocketAddr,
    pub admin_token: Option<String>,
    /// Where browsers reach us, without a slash at the end. With `https://` (TLS in front) cookies are Secure.
    pub public_url: String,
    /// Proxies in front of us, whose word about a client's address is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// They write Forwarded (RFC 7239), not X-Forwarded-For.
    pub reads_forwarded: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub json: bool,
    /// A `tracing` filter such as `info` or `cordboard::sip=debug`.
    pub filter: String,
    /// How much of telephone numbers it shows.
    pub numbers: Numbers,
}

/// Reads a configuration with the variables of the environment; the findings say all that is wrong with it.
/// `None` where an error is among them.
pub fn load(file: &Path) -> (Option<Config>, Vec<Finding>) {
    load_with(file, Folders::Needed)
}

/// The same for a command that works on the store alone: what it does not read may be missing.
pub fn load_for_store(file: &Path) -> (Option<Config>, Vec<Finding>) {
    load_with(file, Folders::Unread)
}

/// Whether the provisioned folder will be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folders {
    Needed,
    Unread,
}

#[expect(clippy::disallowed_methods, reason = "the configuration is read once, before anything runs")]
fn load_with(file: &Path, folders: Folders) -> (Option<Config>, Vec<Finding>) {
    match std::fs::read_to_string(file) {
        Ok(text) => parse_with(
            file,
            &text,
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
            folders,
        ),
        Err(error) => {
            let document = Document::parse(file, "");
            document.root().error("", format!("cannot be read: {error}"), "name the file with --config");
            (None, document.into_findings())
        }
    }
}

/// Reads a configuration from its text.
pub fn parse(
    file: &Path,
    text: &str,
    variables: impl Iterator<Item = (String, String)>,
) -> (Option<Config>, Vec<Finding>) {
    parse_with(file, text, variables, Folders::Needed)
}

fn parse_with(
    file: &Path,
    text: &str,
    variables: impl Iterator<Item = (String, String)>,
    folders: Folders,
) -> (Option<Config>, Vec<Finding>) {
    let mut document = Document::parse(file, text);
    document.overlay(VARIABLE_PREFIX, variables);
    let folder = file.parent().unwrap_or(Path::new(""));
    let config = read(&document.root(), folder, folders);
    let findings = document.into_findings();
    let broken = findings.iter().any(|f| f.severity == reader::Severity::Error);
    (config.filter(|_| !broken), findings)
}

fn read(root: &Section<'_>, folder: &Path, folders: Folders) -> Option<Config> {
    let tls = tls::read(&root.section("tls"), folder);
    let dns = dns::read(&root.section("dns"));
    let bans = bans::read(&root.section("bans"));
    let hep = hep::read(&root.section("hep"));
    let sip = read_sip(&root.section("sip"), &tls, folder);
    let media = read_media(&root.section("media"));
    let section = root.section("http");
    let http = http::read(&section);
    if let (Some(sip), Some(http)) = (&sip, &http)
        && sip.listen.iter().any(|l| l.transport != Transport::Udp && overlap(l.bind, http.bind))
    {
        section.error(
            "bind",
            format!("SIP over TCP is listened on at {} too", http.bind),
            "take another port",
        );
    }
    let store = store::read(&root.section("store"), folder);
    let records = records::read(&root.section("records"), folder, store.is_some());
    let speech = read_speech(&root.section("speech"));
    let log = read_log(&root.section("log"));
    let provision = read_provision(&root.section("provision"), folder, folders);
    let outside = outside::read(root);
    if store.is_none() && (outside.crm.is_some() || outside.webhook.is_some()) {
        let remedy = "add url = \"sqlite://data/cordboard.db\"";
        let what = "is missing: without a store nobody is told of calls, neither the CRM nor the webhook";
        root.section("store").warning("url", what, remedy);
    }
    let (sip, media, http) = (sip?, media?, http?);
    Some(Config { sip, tls, dns, bans, hep, media, http, records, store, speech, log, provision, outside })
}

/// Whether two TCP listeners would be in each other's way; those of all IPv6 addresses take IPv4 too.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let covers =
        |all: SocketAddr, one: SocketAddr| all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || covers(a, b) || covers(b, a))
}

fn read_speech(section: &Section<'_>) -> Option<Vec<String>> {
    let command = section.texts("command")?;
    if command.first().is_none_or(String::is_empty) {
        section.error("command", "names no program", "give the program and its arguments");
    }
    Some(command)
}

fn read_sip(section: &Section<'_>, tls: &Tls, folder: &Path) -> Option<Sip> {
    let domain = section.text("domain").unwrap_or_else(|| "cordboard.invalid".to_owned());
    if domain.is_empty() || !domain.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c)) {
        section.error("domain", format!("\"{domain}\" is not a host name"), "");
    }
    let user_agent = section.text("user_agent").unwrap_or_else(|| "cordboard".to_owned());
    if user_agent.chars().any(char::is_control) {
        section.error("user_agent", "has a control character", "");
    }
    // 20,000: four times what one core can carry of media (architecture.md), so the cap is never the first to bite.
    let calls_max = section.integer("calls_max", 1..=1_000_000).unwrap_or(20_000) as usize;
    let session_expires_s = section.integer("session_expires_s", 0..=86_400).unwrap_or(1_800) as u32;
    let session_min_s = section.integer("session_min_s", 90..=86_400).unwrap_or(90) as u32;
    if session_expires_s != 0 && session_expires_s < session_min_s {
        let remedy = "set it to 0, or to session_min_s or more";
        section.error(
            "session_expires_s",
            format!("is less than {session_min_s}, the least that is taken"),
            remedy,
        );
    }
    let sections = section.sections("listen");
    let read: Vec<_> = sections.iter().map(|one| listen::read(one, tls, folder)).collect();
    let is_wrong = read.iter().any(Option::is_none);
    let listen: Vec<Listen> = read.into_iter().flatten().collect();
    // One that could not be read was meant to be listened on: what is wrong with it has been said.
    if listen.is_empty() && !is_wrong {
        section.error("listen", "nothing is listened on", "add [[sip.listen]] with transport and bind");
    }
    if listen.len() > 16 {
        section.error("listen", "more than 16 listeners", "");
    }
    for (i, one) in listen.iter().enumerate() {
        let is_same = |other: &Listen| other.is_stream() == one.is_stream() && other.bind == one.bind;
        if listen[..i].iter().any(is_same) {
            section.error("listen", format!("{} is listened on twice", one.bind), "");
        }
    }
    // Telephones of some years ago give up where they see another than MD5, in whatever order.
    let digest = section.texts("digest").unwrap_or_else(|| vec!["MD5".to_owned()]);
    if digest.is_empty() || digest.iter().any(|name| !DIGESTS.contains(&name.as_str())) {
        let remedy = format!("some of {}", DIGESTS.join(", "));
        section.error("digest", "names no algorithm, or one that is not known", remedy);
    }
    Some(Sip { domain, user_agent, listen, calls_max, digest, session_expires_s, session_min_s })
}

/// `host`, `host:port`, `[v6]:port` or a bare IPv6 address; brackets go.
fn host_and_port(text: &str) -> Result<(String, Option<u16>), String> {
    let wrong = || "a host name or an address that peers can reach, with a port where it differs".to_owned();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, Some(port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?))
        }
        _ => (text, None),
    };
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let fits = match bare.parse::<std::net::IpAddr>() {
        Ok(ip) => !ip.is_unspecified(),
        Err(_) => is_host_name(bare),
    };
    if fits { Ok((bare.to_owned(), port)) } else { Err(wrong()) }
}

/// Labels of RFC 1123 2.1, with the underscore that is found in practice; a last label of digits would be an address.
pub(crate) fn is_host_name(text: &str) -> bool {
    let is_label = |l: &str| {
        (1..=63).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or("");
    name.len() <= 253 && name.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an address with a port, such as 127.0.0.1:5060".to_owned())
}

fn public_url(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host.filter(|host| !host.contains('/')).map(host_and_port) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("the address that browsers reach us at, such as https://phones.example.net".to_owned()),
    }
}

fn ip_address(text: &str) -> Result<std::net::IpAddr, String> {
    text.parse().map_err(|_| "an IP address".to_owned())
}

fn read_media(section: &Section<'_>) -> Option<Media> {
    let bind = section.parsed("bind", ip_address).unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
    let advertise = section.parsed("advertise", ip_address);
    if bind.is_unspecified() && !section.has("advertise") {
        section.error(
            "advertise",
            "is needed where bind is all addresses",
            "say the address that peers send media to",
        );
    }
    let advertise_ipv6 = section.parsed("advertise_ipv6", |text| {
        text.parse::<std::net::Ipv6Addr>().map_err(|_| "an IPv6 address".to_owned())
    });
    if advertise_ipv6.is_some() && bind != std::net::IpAddr::from(std::net::Ipv6Addr::UNSPECIFIED) {
        let remedy = "set bind = \"::\", which takes media of IPv4 and IPv6";
        section.error("advertise_ipv6", "is where nothing would be received", remedy);
    }
    let ports = section.integers("ports").unwrap_or_else(|| vec![20_000, 29_999]);
    let ports = match ports[..] {
        [low, high] if (1_024..=65_535).contains(&low) && (low + 1..=65_535).contains(&high) => {
            (low as u16, high as u16)
        }
        _ => {
            section.error(
                "ports",
                "is not [first, last] between 1024 and 65535",
                "for example [20000, 29999]",
            );
            (20_000, 29_999)
        }
    };
    let threads = section.integer("threads", 0..=256).unwrap_or(0) as usize;
    // From 5 s, since phones with comfort noise may be silent for some; to a day, which is as good as never.
    let inactivity = Duration::from_secs(section.integer("inactivity_s", 5..=86_400).unwrap_or(60) as u64);
    Some(Media { bind, advertise: advertise.unwrap_or(bind), advertise_ipv6, ports, threads, inactivity })
}

fn read_log(section: &Section<'_>) -> Log {
    let json = section.parsed("format", |text| match text {
        "text" => Ok(false),
        "json" => Ok(true),
        _ => Err("a log format: text or json".to_owned()),
    });
    let filter =
        section.parsed("filter", |text| match tracing_subscriber::EnvFilter::builder().parse(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err("a filter of the log, such as info or info,cordboard::sip=debug".to_owned()),
        });
    let numbers = section.parsed("numbers", |text| match text {
        "full" => Ok(Numbers::Full),
        "last4" => Ok(Numbers::Last4),
        "none" => Ok(Numbers::None),
        _ => Err("how much of a number the log shows: full, last4 or none".to_owned()),
    });
    Log {
        json: json.unwrap_or(false),
        filter: filter.unwrap_or_else(|| "info".to_owned()),
        numbers: numbers.unwrap_or_default(),
    }
}

fn read_provision(section: &Section<'_>, folder: &Path, folders: Folders) -> Option<Provision> {
    let mode = section.parsed("mode", |text| match text {
        "seed" => Ok(ProvisionMode::Seed),
        "sync" => Ok(ProvisionMode::Sync),
        _ => Err("a mode: seed or sync".to_owned()),
    });
    let folder = folder.join(section.text("dir")?);
    if !folder.is_dir() {
        let (message, remedy) =
            (format!("there is no folder {}", folder.display()), "make it, or change dir");
        match folders {
            Folders::Needed => section.error("dir", message, remedy),
            Folders::Unread => section.warning("dir", message, remedy),
        }
    }
    Some(Provision { folder, mode: mode.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Option<Config>, Vec<String>) {
        let (config, findings) = parse(Path::new("c/x.toml"), text, std::iter::empty());
        (config, findings.iter().map(Finding::to_string).collect())
    }

    #[test]
    fn one_listener_is_enough_and_all_else_has_a_default() {
        let (config, findings) =
            check("[[sip.listen]]\ntransport = \"udp\"\nbind = \"127.0.0.1:5060\"\n[records]\npath = \"r\"");
        assert_eq!(findings, [""; 0]);
        let config = config.unwrap();
        assert_eq!(config.media.ports, (20_000, 29_999));
        assert_eq!(config.sip.listen[0].advertise_host, "127.0.0.1");
        assert_eq!(config.records, Records { path: Some(PathBuf::from("c/r")), keep: None });
        assert_eq!(config.log.numbers, Numbers::Last4);
    }

    #[test]
    fn an_address_of_all_addresses_needs_one_to_advertise() {
        let (config, findings) = check(
            "[[sip.listen]]\ntransport = \"udp\"\nbind = \"0.0.0.0:5060\"\n[media]\nbind = \"::\"\n[records]\npath = \"r\"\n",
        );
        assert!(config.is_none());
        assert_eq!(findings.len(), 2, "{findings:?}");
        let (config, _) = check(
            "[[sip.listen]]\ntransport = \"udp\"\nbind = \"0.0.0.0:5060\"\nadvertise = \"sip.example.net:5070\"\n",
        );
        let listen = config.unwrap().sip.listen.remove(0);
        assert_eq!((listen.advertise_host.as_str(), listen.advertise_port), ("sip.example.net", 5_070));
    }

    #[test]
    fn each_wrong_value_is_named_with_its_place() {
        let (config, findings) = check(
            "[sip]\ndomain = \"a b\"\n[[sip.listen]]\ntransport = \"sctp\"\nbind = \"x\"\n[media]\nports = [5, 6]\n\
             threads = -1\n[store]\nurl = \"mysql://\"\n[http]\nbind = \"80\"\n[records]\npath = \"r\"\n",
        );
        assert!(config.is_none());
        let places: Vec<&str> = findings.iter().map(|f| f.split(':').nth(2).unwrap()).collect();
        assert_eq!(places, ["2", "4", "5", "7", "8", "12", "10"], "{findings:#?}");
    }

    /// What is found with some lines beside a listener that is right.
    fn check_beside(lines: &str) -> Vec<String> {
        let listener = "[[sip.listen]]\ntransport = \"tcp\"\nbind = \"127.0.0.1:5060\"\n";
        check(&format!("{listener}{lines}")).1
    }

    #[test]
    fn what_could_not_work_is_an_error_said_once() {
        for (lines, expected) in [
            ("[http]\nbind = \"127.0.0.1:5060\"", "c/x.toml:5: http.bind: SIP over TCP is listened on at"),
            ("[http]\nbind = \"0.0.0.0:5060\"", "c/x.toml:5: http.bind: SIP over TCP is listened on at"),
            ("advertise = \"a b\"", "c/x.toml:4: sip.listen[0].advertise: \"a b\" is not a host name"),
            ("advertise = \"a:99999\"", "\"a:99999\" is not a host name"),
            ("advertise = \"300.1.1.1\"", "is not a host name"),
            ("advertise = \"\"", "is not a host name"),
            ("[log]\nfilter = \"inof=,=,\"", "c/x.toml:5: log.filter: \"inof=,=,\" is not a filter"),
            ("[log]\nnumbers = \"some\"", "c/x.toml:5: log.numbers: \"some\" is not how much of a number"),
            ("[speech]\ncommand = []", "c/x.toml:5: speech.command: names no program"),
            ("[provision]\ndir = \"nosuch\"", "c/x.toml:5: provision.dir: there is no folder c/nosuch"),
        ] {
            let findings = check_beside(&format!("{lines}\n[records]\npath = \"r\"\n"));
            assert_eq!(findings.len(), 1, "{lines}: {findings:#?}");
            assert!(findings[0].starts_with("error: ") && findings[0].contains(expected), "{findings:#?}");
        }
    }

    #[test]
    fn a_name_an_address_and_a_port_can_be_advertised() {
        for (text, host, port) in [
            ("sip.example.net", "sip.example.net", None),
            ("sip.example.net:5070", "sip.example.net", Some(5_070)),
            ("[2001:db8::1]:5070", "2001:db8::1", Some(5_070)),
            ("2001:db8::1", "2001:db8::1", None),
            ("192.0.2.1", "192.0.2.1", None),
        ] {
            assert_eq!(host_and_port(text), Ok((host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn that_there_are_no_call_records_is_said() {
        let findings = check_beside("");
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert!(findings[0].starts_with("warning: c/x.toml: records: no call records"), "{findings:#?}");
    }

    /// The keys of a text, with those that are commented out: `sip`, `sip.domain`, `sip.listen[0].bind`.
    fn keys_shown(text: &str) -> std::collections::BTreeSet<String> {
        let (mut keys, mut section) = (std::collections::BTreeSet::new(), String::new());
        for line in text.lines() {
            let line = line.strip_prefix("# ").unwrap_or(line);
            let name = line.split(['=', '#']).next().unwrap_or_default().trim();
            if let Some(list) = name.strip_prefix("[[").and_then(|name| name.strip_suffix("]]")) {
                section = format!("{list}[0]");
                keys.insert(list.to_owned());
            } else if let Some(table) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
                section = table.to_owned();
                keys.insert(section.clone());
            } else if line.contains(" = ") && !name.contains(' ') {
                keys.insert(format!("{section}.{name}"));
            }
        }
        keys
    }

    #[test]
    fn the_example_shows_every_key_and_no_other() {
        let text = include_str!("../../config/cordboard.toml");
        let document = Document::parse(Path::new("config/cordboard.toml"), text);
        read(&document.root(), Path::new("config"), Folders::Unread);
        let asked = document.asked.borrow().clone();
        let mut shown = keys_shown(text);
        // Their keys are names that the user gives.
        let named =
            ["secrets.", "secret_hosts.", "salesforce.task_fields.", "salesforce.conversation.fields."];
        // The example has none, only a comment that shows one; that its keys are read is tested below.
        let optional = "tls.client[0].";
        shown.retain(|key| !named.iter().chain([&optional]).any(|section| key.starts_with(section)));
        let asked = asked.iter().map(|key| key.trim_start_matches('.').to_owned());
        let asked = asked.filter(|key| !key.starts_with("sip.listen[1]")).collect();
        assert_eq!(shown, asked);
    }

    #[test]
    fn settings_of_tls_for_one_trunk_are_read_by_their_name_and_each_name_once() {
        let listen = "[[sip.listen]]\ntransport = \"udp\"\nbind = \"127.0.0.1:5060\"\n";
        let parse = |clients: &str| {
            let text = format!("{listen}{clients}");
            parse_with(Path::new("config/x.toml"), &text, std::iter::empty(), Folders::Unread)
        };
        // A file that is there; what is in it does not matter here.
        let one = "[[tls.client]]\nname = \"acme\"\nca = \"cordboard.toml\"\n";
        let (config, findings) = parse(one);
        let client = &config.unwrap_or_else(|| panic!("{findings:?}")).tls.clients[0];
        assert_eq!(
            (client.name.as_str(), client.identity.is_none(), client.ca.is_some()),
            ("acme", true, true)
        );
        for (clients, expected) in [
            (one.repeat(2), "is there twice"),
            ("[[tls.client]]\nca = \"cordboard.toml\"\n".to_owned(), "is needed"),
            (
                "[[tls.client]]\nname = \"a\"\ncertificate = \"cordboard.toml\"\n".to_owned(),
                "stands without private_key",
            ),
        ] {
            let (config, findings) = parse(&clients);
            assert!(config.is_none());
            assert!(findings.iter().any(|finding| finding.to_string().contains(expected)), "{findings:?}");
        }
    }

    #[test]
    fn a_folder_that_a_command_does_not_read_may_be_missing() {
        let text =
            "[[sip.listen]]\ntransport = \"udp\"\nbind = \"127.0.0.1:5060\"\n[provision]\ndir = \"none\"\n";
        let none = std::iter::empty;
        assert!(parse(Path::new("c/x.toml"), text, none()).0.is_none());
        let (config, findings) = parse_with(Path::new("c/x.toml"), text, none(), Folders::Unread);
        assert!(config.is_some());
        assert!(findings.iter().any(|finding| finding.key() == Some("provision.dir")), "{findings:?}");
    }
}
