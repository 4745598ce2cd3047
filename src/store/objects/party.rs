//! Agents and trunks.

use super::{Checked, Object, id, is_reference, trunk_policy};
use crate::call::snapshot::{Agent, Trunk};
use crate::call::trunk::{CallLimits, FailOver, Login, Ping};
use crate::config::reader::Section;
use crate::sip::digest::Password;
use crate::sip::locate::Destination;
use crate::sip::message::SipUri;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub const AGENT_KEYS: [&str; 6] = ["id", "name", "skills", "uri", "password", "crm_user"];
/// Longest id of a user of a CRM, in characters: Salesforce's have 18.
const CRM_USER_CHARS_MAX: usize = 100;
/// Longest name or realm of a trunk's account, in characters.
const LOGIN_CHARS_MAX: usize = 200;
pub const TRUNK_KEYS: [&str; 36] = [
    "id",
    "match",
    "tls_names",
    "host",
    "tls_client",
    "default_country",
    "prefix_in",
    "number_format",
    "prefix_out",
    "caller_from",
    "diverted_from",
    "identity_out",
    "from_domain",
    "from_user",
    "caller_id",
    "srtp",
    "codecs",
    "username",
    "auth_username",
    "password",
    "realm",
    "authenticate",
    "dial_registered",
    "register",
    "register_expires_s",
    "options_interval_s",
    "options_threshold",
    "priority",
    "fail_over",
    "calls_max_in",
    "calls_max_out",
    "calls_per_second_in",
    "calls_per_second_out",
    "take_refer",
    "transfer_to",
    "test_number",
];
/// What is asked of a registrar where nothing is said: refreshed often enough to keep a NAT's mapping known to the trunk.
const REGISTER_EXPIRES_S: i64 = 600;
/// Calls without a good answer until a trunk is down: one that is lost is the network's, three are the trunk's.
const OPTIONS_THRESHOLD: i64 = 3;
/// Names of certificates of one trunk: those of a provider's sites.
const TLS_NAMES_MAX: usize = 32;
/// Longest number of an echo, in characters: as long as any that can be dialled.
const TEST_NUMBER_CHARS_MAX: usize = 64;
/// Most calls that a limit may name.
const CALLS_MAX: i64 = 1_000_000;

pub(super) fn agent(section: &Section<'_>) -> Option<Checked> {
    let id = id(section);
    let name = section.text("name");
    let skills = section.texts("skills").unwrap_or_default();
    let uri = section.text("uri");
    let password = password(section);
    if !section.has("uri") && !section.has("password") {
        section.warning(
            "",
            "has neither uri nor password: no call can reach this agent",
            "add password = \"${file:PATH}\", with which a telephone registers, or uri = \"sip:USER@HOST:PORT\"",
        );
    }
    let crm_user = section.text("crm_user").filter(|user| !user.is_empty());
    if crm_user
        .as_ref()
        .is_some_and(|user| user.chars().count() > CRM_USER_CHARS_MAX || user.contains(char::is_whitespace))
    {
        section.error("crm_user", "is no id of a user of the CRM", "as in 0055e000001AbCdAAK");
    }
    let address = uri.as_deref().and_then(|text| agent_address(section, text));
    let id = id?;
    let name = name.unwrap_or_else(|| id.clone());
    let agent = Agent { id: id.clone(), name: name.clone(), skills, uri, address, crm_user, password };
    Some(Checked { id, name, links: Vec::new(), object: Object::Agent(agent) })
}

/// A password: the text in a file on the server, or as it stands in a provisioned file. In a document of the store it is a
/// reference, which is resolved when calls get to know it (`passwords.rs`).
fn password(section: &Section<'_>) -> Option<Password> {
    let written = section.reference("password")?;
    if section.is_json() {
        if !is_reference(&written) {
            section.error(
                "password",
                "a secret is not kept in the store",
                "write it into a file on the server, and ${file:PATH} here",
            );
        }
        return None;
    }
    section.secret("password").filter(|text| !text.is_empty()).map(|text| Password::new(&text))
}

fn agent_address(section: &Section<'_>, text: &str) -> Option<SocketAddr> {
    let Some(destination) = SipUri::parse(text).as_ref().and_then(Destination::of) else {
        section.error(
            "uri",
            format!("\"{text}\" is not a SIP URI that this version can ring"),
            "sip:USER@HOST:PORT",
        );
        return None;
    };
    destination.numeric().map(|target| target.address)
}

pub(super) fn trunk(section: &Section<'_>) -> Option<Checked> {
    let id = id(section);
    let sources = section.texts("match").unwrap_or_default();
    let sources = sources.iter().filter_map(|text| {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(Into::into));
        net.map_err(|_| {
            section.error("match", format!("\"{text}\" is not an address range"), "for example 192.0.2.0/24")
        })
        .ok()
    });
    let sources: Vec<ipnet::IpNet> = sources.collect();
    let tls_names = tls_names(section);
    if !["match", "tls_names", "host", "username"].iter().any(|key| section.has(key)) {
        section.warning(
            "",
            "has neither match nor tls_names nor host nor username: no call comes from it or goes to it",
            "add match = [\"ADDRESS/BITS\"] for calls in, host for calls out",
        );
    }
    let tls_client = section.text("tls_client").filter(|name| !name.is_empty());
    let host = section.parsed("host", parse_host);
    let host = host.map(|host| Destination { tls_client: tls_client.map(Box::from), ..host });
    let numbers = trunk_policy::numbers(section);
    let identity = trunk_policy::identity(section);
    let media = trunk_policy::media(section);
    let login = login(section);
    let expires = section.integer("register_expires_s", 60..=86_400).unwrap_or(REGISTER_EXPIRES_S);
    let register = section.boolean("register").unwrap_or(false);
    let authenticate = section.boolean("authenticate").unwrap_or(false);
    let interval = section.integer("options_interval_s", 5..=3_600);
    let threshold = section.integer("options_threshold", 1..=100).unwrap_or(OPTIONS_THRESHOLD) as u32;
    let ping = interval.map(|seconds| Ping { interval: Duration::from_secs(seconds as u64), threshold });
    if (register || ping.is_some()) && !section.has("host") {
        let key = if register { "register" } else { "options_interval_s" };
        section.error(key, "needs a host that it is sent to", "add host = \"HOST:PORT\"");
    }
    if register && login.is_none() {
        section.error("register", "needs the account that is registered", "add username and password");
    }
    if authenticate && (register || login.is_none()) {
        section.error(
            "authenticate",
            "needs an account that the trunk has with this server, and which is not registered with the trunk",
            "add username and password, without register",
        );
    }
    let dial_registered = section.boolean("dial_registered").unwrap_or(false);
    if dial_registered && (register || login.is_none() || section.has("host")) {
        section.error(
            "dial_registered",
            "needs an account that the trunk registers with here, and no other place that calls go out to",
            "add username and password, without register and host",
        );
    }
    let limits = CallLimits {
        calls_in: section.integer("calls_max_in", 0..=CALLS_MAX).map(|n| n as u32),
        calls_out: section.integer("calls_max_out", 0..=CALLS_MAX).map(|n| n as u32),
        per_second_in: section.integer("calls_per_second_in", 1..=10_000).map(|n| n as u32),
        per_second_out: section.integer("calls_per_second_out", 1..=10_000).map(|n| n as u32),
    };
    let fail_over = section.integers("fail_over").map(|codes| fail_over(section, &codes));
    let priority = section.integer("priority", 0..=1_000).unwrap_or(0) as u16;
    let test_number = test_number(section);
    let id = id?;
    let register = register.then(|| Duration::from_secs(expires as u64));
    let fail_over = fail_over.unwrap_or_default();
    let trunk = Trunk {
        id: id.clone(),
        sources,
        tls_names,
        host,
        numbers,
        identity,
        media,
        login,
        register,
        authenticate,
        dial_registered,
        ping,
        limits,
        fail_over,
        takes_refer: section.boolean("take_refer").unwrap_or(false),
        transfer_to: trunk_policy::transfer_to(section),
        priority,
        test_number,
    };
    Some(Checked { name: id.clone(), id, links: Vec::new(), object: Object::Trunk(Box::new(trunk)) })
}

/// Names of the certificates that a trunk shows where it connects.
fn tls_names(section: &Section<'_>) -> Vec<String> {
    let names = section.texts("tls_names").unwrap_or_default();
    if names.len() > TLS_NAMES_MAX {
        section.error("tls_names", format!("has more than {TLS_NAMES_MAX} names"), "");
    }
    for name in &names {
        let host = name.strip_prefix("*.").unwrap_or(name);
        if !host.contains('.') || !crate::config::is_host_name(host) {
            let message = format!("\"{name}\" is no name that a certificate has");
            section.error("tls_names", message, "as its certificate says, such as sip.carrier.example");
        }
    }
    names.iter().map(|name| name.to_ascii_lowercase()).collect()
}

/// The account that this server has with a trunk, or the trunk with it.
fn login(section: &Section<'_>) -> Option<Login> {
    let username = section.text("username").filter(|text| !text.is_empty());
    let auth_username = section.text("auth_username").filter(|text| !text.is_empty());
    let realm = section.text("realm").filter(|text| !text.is_empty());
    let password = password(section);
    for key in ["username", "auth_username", "realm"] {
        let text = section.reference(key).unwrap_or_default();
        if text.chars().count() > LOGIN_CHARS_MAX || text.chars().any(char::is_control) {
            section.error(
                key,
                format!("is longer than {LOGIN_CHARS_MAX} characters or has control characters"),
                "",
            );
        }
    }
    match (section.has("username"), section.has("password")) {
        (false, true) => section.error("password", "is of no use without username", "add username"),
        // A document of the store has no password that stands in a provisioned file itself.
        (true, false) if section.is_json() => section.warning(
            "username",
            "is of no use without a password, unless trunks.toml of the provisioned folder has it",
            "add password = \"${file:PATH}\"",
        ),
        (true, false) => section.error("username", "is of no use without password", "add password"),
        _ => {}
    }
    let username = username?;
    let auth_username = auth_username.unwrap_or_else(|| username.clone());
    Some(Login { username, auth_username, password, realm })
}

/// Whom a test of the trunk calls: a number, or the user part of an address there.
fn test_number(section: &Section<'_>) -> Option<String> {
    let number = section.text("test_number").filter(|text| !text.is_empty())?;
    let is_written = number.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if !is_written || number.len() > TEST_NUMBER_CHARS_MAX {
        section.error("test_number", "is no number that can be dialled", "as in +14155550100 or echo");
    }
    if !section.has("host") {
        section.warning(
            "test_number",
            "is not used without a host that calls go out to",
            "add host = \"HOST:PORT\"",
        );
    }
    Some(number)
}

fn fail_over(section: &Section<'_>, codes: &[i64]) -> FailOver {
    let mut list = Vec::new();
    for code in codes {
        match u16::try_from(*code) {
            Ok(code) if (300..=699).contains(&code) => list.push(code),
            _ => section.error("fail_over", format!("{code} is no final code"), "codes from 300 to 699"),
        }
    }
    FailOver::After(list)
}

/// `host`, `host:port`, with `;transport=tcp` or `tls` where it is not what DNS says or UDP; or all of that as a URI.
fn parse_host(text: &str) -> Result<Destination, String> {
    let has_scheme = ["sip:", "sips:"].iter().any(|scheme| text.starts_with(scheme));
    let uri = SipUri::parse(&if has_scheme { text.to_owned() } else { format!("sip:{text}") });
    uri.as_ref()
        .and_then(Destination::of)
        .ok_or_else(|| "a host, with a port and ;transport=udp, tcp or tls where they are needed".to_owned())
}
