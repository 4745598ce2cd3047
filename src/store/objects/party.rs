//! Agents and trunks.

use super::{Checked, Object, id, is_reference, trunk_policy};
use crate::call::snapshot::{Agent, Trunk};
use crate::config::reader::Section;
use crate::sip::locate::Destination;
use crate::sip::message::SipUri;
use std::net::{IpAddr, SocketAddr};

pub const AGENT_KEYS: [&str; 6] = ["id", "name", "skills", "uri", "password", "crm_user"];
/// Longest id of a user of a CRM, in characters: Salesforce's have 18.
const CRM_USER_CHARS_MAX: usize = 100;
pub const TRUNK_KEYS: [&str; 13] = [
    "id",
    "match",
    "host",
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
];

pub(super) fn agent(section: &Section<'_>) -> Option<Checked> {
    let id = id(section);
    let name = section.text("name");
    let skills = section.texts("skills").unwrap_or_default();
    let uri = section.text("uri");
    match section.reference("password") {
        Some(password) if section.is_json() && !is_reference(&password) => section.error(
            "password",
            "a secret is not kept in the store",
            "write it into a file on the server, and ${file:PATH} here",
        ),
        Some(_) => section.warning(
            "password",
            "is not used yet: this version has no registrar",
            "give the agent a fixed uri",
        ),
        None => {}
    }
    if !section.has("uri") && !section.has("password") {
        section.warning(
            "",
            "has neither uri nor password: no call can reach this agent",
            "add uri = \"sip:USER@HOST:PORT\"",
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
    let agent = Agent { id: id.clone(), name: name.clone(), skills, uri, address, crm_user };
    Some(Checked { id, name, links: Vec::new(), object: Object::Agent(agent) })
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
    if !section.has("match") && !section.has("host") {
        section.warning(
            "",
            "has neither match nor host: no call comes from it or goes to it",
            "add match = [\"ADDRESS/BITS\"] for calls in, host for calls out",
        );
    }
    let host = section.parsed("host", parse_host);
    let numbers = trunk_policy::numbers(section);
    let identity = trunk_policy::identity(section);
    let id = id?;
    let trunk = Trunk { id: id.clone(), sources, host, numbers, identity };
    Some(Checked { name: id.clone(), id, links: Vec::new(), object: Object::Trunk(trunk) })
}

/// `host`, `host:port`, with `;transport=tcp` or `tls` where it is not what DNS says or UDP; or all of that as a URI.
fn parse_host(text: &str) -> Result<Destination, String> {
    let has_scheme = ["sip:", "sips:"].iter().any(|scheme| text.starts_with(scheme));
    let uri = SipUri::parse(&if has_scheme { text.to_owned() } else { format!("sip:{text}") });
    uri.as_ref()
        .and_then(Destination::of)
        .ok_or_else(|| "a host, with a port and ;transport=udp, tcp or tls where they are needed".to_owned())
}
