//! Who calls, and who is told: the headers that name a caller, which of them are believed of a trunk, and which of them its
//! calls get. RFC 3325 (P-Asserted-Identity, P-Preferred-Identity), RFC 3323 (Privacy), RFC 5806 (Diversion), RFC 7044
//! (History-Info), draft-ietf-sip-privacy-04 (Remote-Party-ID).

use super::number_rule::NumberRule;
use super::switchboard::printable;
use crate::sip::message::{NameAddr, Request, SipUri};
use std::fmt::Write;

/// Characters of a number, and of a name, that are kept.
const CHARS_MAX: usize = 64;
/// Diversions that are read and passed on: the hops of a call are as many at the most (Max-Forwards), and a longer list says
/// nothing that anybody looks at.
const DIVERSIONS_MAX: usize = 10;

/// A header that may say who calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallerHeader {
    AssertedIdentity,
    PreferredIdentity,
    RemotePartyId,
    From,
}

/// A header that may say who was called before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiversionHeader {
    Diversion,
    HistoryInfo,
}

/// A header that a call out may get beside From.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WrittenHeader {
    AssertedIdentity,
    PreferredIdentity,
    RemotePartyId,
    Privacy,
    Diversion,
    HistoryInfo,
}

/// What of a trunk is believed, and what it is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentityPolicy {
    /// Who calls is what the first of these says that is there.
    pub caller_from: Vec<CallerHeader>,
    /// Who was called before is what the first of these says that is there; nothing is believed where there is none.
    pub diverted_from: Vec<DiversionHeader>,
    pub written: Vec<WrittenHeader>,
    /// The host of the addresses that are written; the server's own domain where absent.
    pub domain: Option<String>,
    /// The user of From, where the trunk wants its account there; the caller's number is in the other headers then.
    pub from_user: Option<String>,
    /// The number that is shown in place of the caller's own, where the flow names none.
    pub caller_id: Option<String>,
}

impl Default for IdentityPolicy {
    /// From is what every peer has; a wish for privacy is passed on to everybody.
    fn default() -> Self {
        IdentityPolicy {
            caller_from: vec![CallerHeader::From],
            diverted_from: Vec::new(),
            written: vec![WrittenHeader::Privacy],
            domain: None,
            from_user: None,
            caller_id: None,
        }
    }
}

/// Who calls, as far as the trunk is believed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identified {
    /// By the trunk's rule for numbers; empty where nobody says it.
    pub number: String,
    /// As it came.
    pub raw: String,
    pub name: String,
    /// Whoever is called is not to see it.
    pub is_private: bool,
    /// Who was called before, the latest first.
    pub diverted: Vec<Diverted>,
}

/// Somebody whose calls were sent on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diverted {
    pub number: String,
    /// As Diversion names it (RFC 5806 section 4): `unconditional`, `user-busy`, `no-answer` …; `unknown` where nobody says.
    pub reason: String,
}

impl Identified {
    /// The number that was called last before ours.
    pub fn diverted_from(&self) -> Option<&str> {
        self.diverted.first().map(|diverted| diverted.number.as_str())
    }

    /// The number as it came, where that says more than what was read, and where it may be seen.
    pub fn shown_raw(&self) -> Option<String> {
        (!self.is_private && self.raw != self.number).then(|| self.raw.clone())
    }

    /// What the called party may see: both empty where the caller does not want to be seen.
    pub fn shown(&self) -> (&str, &str) {
        if self.is_private { ("", "") } else { (&self.number, &self.name) }
    }
}

/// Reads who calls.
pub fn identify(request: &Request, policy: &IdentityPolicy, rule: &NumberRule) -> Identified {
    let found = policy.caller_from.iter().find_map(|header| named_by(*header, request));
    let from_is_anonymous = is_anonymous(request.from());
    let mut identified = Identified {
        is_private: from_is_anonymous || wants_privacy(request) || remote_party_is_private(request, policy),
        diverted: diverted(request, policy, rule),
        ..Identified::default()
    };
    if let Some(address) = found {
        let user = address.uri.user();
        identified.number = printable(rule.read(&user).best(), CHARS_MAX);
        identified.raw = printable(&user, CHARS_MAX);
        identified.name = printable(&address.display, CHARS_MAX);
    }
    identified
}

/// The address in the first value of a header that has a user part and is not anonymous.
fn named_by(header: CallerHeader, request: &Request) -> Option<NameAddr> {
    let name = match header {
        CallerHeader::From => {
            return Some(request.from().clone()).filter(|from| !is_anonymous(from));
        }
        CallerHeader::AssertedIdentity => "P-Asserted-Identity",
        CallerHeader::PreferredIdentity => "P-Preferred-Identity",
        CallerHeader::RemotePartyId => "Remote-Party-ID",
    };
    let mut values = request.headers(name).filter_map(NameAddr::parse);
    values.find(|address| {
        // A Remote-Party-ID may be that of the called party.
        let party = address.params.get("party").unwrap_or("calling");
        party.eq_ignore_ascii_case("calling") && !is_anonymous(address)
    })
}

fn is_anonymous(address: &NameAddr) -> bool {
    let user = address.uri.user();
    // RFC 3323 section 4.1.1.3, RFC 3325 section 9.
    user.is_empty()
        || user.eq_ignore_ascii_case("anonymous")
        || address.uri.host().to_string().eq_ignore_ascii_case("anonymous.invalid")
}

/// RFC 3323 section 4.2 and RFC 3325 section 9.3.
fn wants_privacy(request: &Request) -> bool {
    const WISHES: [&str; 3] = ["id", "user", "header"];
    let mut wishes = request.headers("Privacy").flat_map(|value| value.split([';', ',']));
    wishes.any(|wish| WISHES.iter().any(|known| wish.trim().eq_ignore_ascii_case(known)))
}

fn remote_party_is_private(request: &Request, policy: &IdentityPolicy) -> bool {
    let is_hidden = |address: NameAddr| {
        address.params.get("privacy").is_some_and(|privacy| !privacy.eq_ignore_ascii_case("off"))
    };
    policy.caller_from.contains(&CallerHeader::RemotePartyId)
        && request.headers("Remote-Party-ID").filter_map(NameAddr::parse).any(is_hidden)
}

fn diverted(request: &Request, policy: &IdentityPolicy, rule: &NumberRule) -> Vec<Diverted> {
    let read = |address: &NameAddr, reason: &str| {
        let user = address.uri.user();
        (!is_anonymous(address)).then(|| Diverted {
            number: printable(rule.read(&user).best(), CHARS_MAX),
            reason: reason_word(reason),
        })
    };
    for header in &policy.diverted_from {
        let found: Vec<Diverted> = match header {
            DiversionHeader::Diversion => request
                .headers("Diversion")
                .filter_map(NameAddr::parse)
                .filter_map(|address| read(&address, address.params.get("reason").unwrap_or("unknown")))
                .take(DIVERSIONS_MAX)
                .collect(),
            DiversionHeader::HistoryInfo => {
                let entries: Vec<NameAddr> =
                    request.headers("History-Info").filter_map(NameAddr::parse).collect();
                // Each entry but the last was left for the next one, whose URI says why.
                let left = entries.iter().zip(entries.iter().skip(1)).rev();
                left.filter_map(|(entry, next)| read(entry, &history_reason(&next.uri)))
                    .take(DIVERSIONS_MAX)
                    .collect()
            }
        };
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// A token of RFC 5806, or `unknown`: it goes out again as it stands.
fn reason_word(reason: &str) -> String {
    let reason = reason.trim_matches('"');
    let is_token = !reason.is_empty()
        && reason.len() <= 32
        && reason.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_token { reason.to_ascii_lowercase() } else { "unknown".to_owned() }
}

/// Why an entry of History-Info was made: `Reason=SIP;cause=486` in the URI's headers (RFC 7044 section 5), or the parameter
/// `cause` of RFC 4458.
fn history_reason(uri: &SipUri) -> String {
    let headers = uri.headers().unwrap_or_default().to_ascii_lowercase();
    let cause = headers.find("cause%3d").map(|at| at + "cause%3d".len());
    let cause =
        cause.and_then(|at| headers.get(at..at + 3)).map(str::to_owned).or_else(|| uri.param("cause"));
    match cause.as_deref() {
        Some("302") => "unconditional",
        Some("486") => "user-busy",
        Some("408") => "no-answer",
        Some("480") => "deflection",
        Some("503" | "404") => "unavailable",
        _ => "unknown",
    }
    .to_owned()
}

/// Who is said to call, of a call out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Presented<'a> {
    /// What the called party sees; empty for nobody.
    pub number: &'a str,
    pub name: &'a str,
    /// Whose call it is, also where that is not to be seen; empty where nobody knows.
    pub asserted: &'a str,
    pub asserted_name: &'a str,
    /// The call is one that came in to this number, and is sent on; empty where it is our own.
    pub sent_on_from: &'a str,
    pub diverted: &'a [Diverted],
    /// Where it goes, as History-Info has it.
    pub target: &'a str,
}

/// From and the other headers that say who calls. `None` where no address can be made of it.
pub fn present(
    presented: &Presented<'_>,
    policy: &IdentityPolicy,
    rule: &NumberRule,
    own_domain: &str,
) -> Option<(NameAddr, Vec<(String, String)>)> {
    let domain = policy.domain.as_deref().unwrap_or(own_domain);
    let is_private = presented.number.is_empty();
    let shown = policy.caller_id.as_deref().filter(|_| !is_private).unwrap_or(presented.number);
    let address = |number: &str, name: &str| named(&rule.write(number), name, domain);
    let from = match (&policy.from_user, is_private) {
        // RFC 3323 section 4.1.1.3.
        (_, true) => named("anonymous", "Anonymous", "anonymous.invalid"),
        (Some(user), false) => named(user, presented.name, domain),
        (None, false) => address(shown, presented.name),
    }?;
    let asserted = match (presented.asserted, &policy.caller_id) {
        ("", _) => None,
        (_, Some(own)) if !is_private => address(own, presented.asserted_name),
        (number, _) => address(number, presented.asserted_name),
    };
    let mut headers = Vec::new();
    for header in &policy.written {
        let value = match (header, &asserted) {
            (WrittenHeader::AssertedIdentity | WrittenHeader::PreferredIdentity, Some(address)) => {
                Some(address.to_string())
            }
            (WrittenHeader::RemotePartyId, Some(address)) => {
                let privacy = if is_private { "full" } else { "off" };
                Some(format!("{address};party=calling;screen=yes;privacy={privacy}"))
            }
            (WrittenHeader::Privacy, _) if is_private => Some("id".to_owned()),
            (WrittenHeader::Diversion, _) => diversions(presented, &address),
            (WrittenHeader::HistoryInfo, _) => history(presented, &address),
            _ => None,
        };
        headers.extend(value.map(|value| (header.name().to_owned(), value)));
    }
    Some((from, headers))
}

fn named(user: &str, name: &str, domain: &str) -> Option<NameAddr> {
    let mut address = NameAddr::new(SipUri::sip(user, domain, None)?);
    address.display = name.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect();
    Some(address)
}

/// The latest first: we send the call on, from the number that was called (RFC 5806 section 5).
fn diversions(
    presented: &Presented<'_>,
    address: &impl Fn(&str, &str) -> Option<NameAddr>,
) -> Option<String> {
    let ours = Some((presented.sent_on_from, "unconditional")).filter(|(number, _)| !number.is_empty());
    let before =
        presented.diverted.iter().map(|diverted| (diverted.number.as_str(), diverted.reason.as_str()));
    let mut value = String::new();
    for (number, reason) in ours.into_iter().chain(before).take(DIVERSIONS_MAX) {
        let Some(address) = address(number, "") else { continue };
        let comma = if value.is_empty() { "" } else { ", " };
        let _ = write!(value, "{comma}{address};reason={reason};counter=1");
    }
    Some(value).filter(|value| !value.is_empty())
}

/// The oldest first, and the target last (RFC 7044 section 5).
fn history(presented: &Presented<'_>, address: &impl Fn(&str, &str) -> Option<NameAddr>) -> Option<String> {
    if presented.sent_on_from.is_empty() {
        return None;
    }
    let before = presented.diverted.iter().rev().map(|diverted| diverted.number.as_str());
    let all = before.chain([presented.sent_on_from, presented.target]);
    let (mut value, mut index) = (String::new(), String::new());
    for address in all.filter_map(|number| address(number, "")) {
        index.push_str(if index.is_empty() { "1" } else { ".1" });
        let comma = if value.is_empty() { "" } else { ", " };
        let _ = write!(value, "{comma}{address};index={index}");
    }
    Some(value)
}

impl WrittenHeader {
    fn name(self) -> &'static str {
        match self {
            WrittenHeader::AssertedIdentity => "P-Asserted-Identity",
            WrittenHeader::PreferredIdentity => "P-Preferred-Identity",
            WrittenHeader::RemotePartyId => "Remote-Party-ID",
            WrittenHeader::Privacy => "Privacy",
            WrittenHeader::Diversion => "Diversion",
            WrittenHeader::HistoryInfo => "History-Info",
        }
    }

    /// By the words of the configuration.
    pub const WORDS: [(&'static str, WrittenHeader); 6] = [
        ("p_asserted_identity", WrittenHeader::AssertedIdentity),
        ("p_preferred_identity", WrittenHeader::PreferredIdentity),
        ("remote_party_id", WrittenHeader::RemotePartyId),
        ("privacy", WrittenHeader::Privacy),
        ("diversion", WrittenHeader::Diversion),
        ("history_info", WrittenHeader::HistoryInfo),
    ];
}

impl CallerHeader {
    /// By the words of the configuration.
    pub const WORDS: [(&'static str, CallerHeader); 4] = [
        ("p_asserted_identity", CallerHeader::AssertedIdentity),
        ("p_preferred_identity", CallerHeader::PreferredIdentity),
        ("remote_party_id", CallerHeader::RemotePartyId),
        ("from", CallerHeader::From),
    ];
}

impl DiversionHeader {
    /// By the words of the configuration.
    pub const WORDS: [(&'static str, DiversionHeader); 2] =
        [("diversion", DiversionHeader::Diversion), ("history_info", DiversionHeader::HistoryInfo)];
}

#[cfg(test)]
mod tests;
