//! What a REGISTER asks for: its Contacts, for how long, and the Path it came by.

use super::binding::{Binding, thousandths};
use super::{Answer, Limits};
use crate::sip::NameAddr;
use crate::sip::message::{HeaderName, Request, delta_seconds};
use std::time::Duration;

/// Contacts in one REGISTER: a telephone names one or two, a PBX one for each of its addresses.
const CONTACTS_MAX: usize = 10;
/// Longest Contact, in bytes, parameters and all: the longest seen, of a telephone with feature tags, has 500.
const CONTACT_BYTES_MAX: usize = 2_048;
/// Proxies on the way. Real ones are one or two.
const PATH_MAX: usize = 8;

/// What a REGISTER changes; nothing where it only asks.
#[derive(Debug)]
pub(super) struct Contacts {
    pub changes: Vec<Change>,
    pub path: Vec<Box<str>>,
}

#[derive(Debug)]
pub(super) enum Change {
    /// `*`.
    RemoveAll,
    Remove {
        contact: NameAddr,
    },
    Bind {
        contact: NameAddr,
        expires: Duration,
    },
}

impl Change {
    /// Whether it is about that binding.
    pub fn concerns(&self, binding: &Binding) -> bool {
        match self {
            Change::RemoveAll => true,
            Change::Remove { contact } | Change::Bind { contact, .. } => binding.is_at(contact),
        }
    }
}

impl Contacts {
    pub fn read(request: &Request, limits: &Limits) -> Result<Contacts, Answer> {
        let head = request.head();
        let texts: Vec<&str> = head.all(HeaderName::Contact, "").filter(|text| !text.is_empty()).collect();
        let path: Vec<Box<str>> = head.all(HeaderName::Path, "").map(Box::from).collect();
        let general = head.get(HeaderName::Expires, "").map(delta_seconds);
        if texts.contains(&"*") {
            // RFC 3261 10.3 step 6.
            return match (texts.len(), general) {
                (1, Some(Some(0))) => Ok(Contacts { changes: vec![Change::RemoveAll], path }),
                _ => Err(bad("Contact Is All Or Each", "a Contact of * stands alone, with Expires: 0")),
            };
        }
        if texts.len() > CONTACTS_MAX || path.len() > PATH_MAX {
            let why =
                format!("more than {CONTACTS_MAX} Contacts, or {PATH_MAX} proxies in Path, are not taken");
            return Err(bad("Too Many Contacts", why));
        }
        let mut changes = Vec::new();
        for text in texts {
            let contact = NameAddr::parse(text).filter(|_| text.len() <= CONTACT_BYTES_MAX);
            let bad_contact = || bad("Bad Contact", "a Contact cannot be read, or its q is none from 0 to 1");
            let contact = contact.ok_or_else(bad_contact)?;
            if contact.params.get("q").is_some_and(|q| thousandths(q).is_none()) {
                return Err(bad_contact());
            }
            let own = contact.params.get("expires").map(delta_seconds);
            // What is no number counts as if it were not there (RFC 3261 10.3 step 6, 20.19).
            let wanted = own.flatten().or(general.flatten()).map(|s| Duration::from_secs(u64::from(s)));
            let wanted = wanted.unwrap_or(limits.expires_max);
            if wanted.is_zero() {
                changes.push(Change::Remove { contact });
                continue;
            }
            if wanted < limits.expires_min {
                let (asked, least) = (wanted.as_secs(), limits.expires_min.as_secs());
                let why = format!("a registration of {asked} s is too short: {least} s or more are taken");
                let remedy = "set the telephone's registration time to as much";
                return Err(Answer::refusal(423, why, remedy).with("Min-Expires", least.to_string()));
            }
            changes.push(Change::Bind { contact, expires: wanted.min(limits.expires_max) });
        }
        Ok(Contacts { changes, path })
    }
}

fn bad(reason: &'static str, why: impl Into<String>) -> Answer {
    let remedy = "look at the REGISTER that the telephone sends";
    Answer { reason, ..Answer::refusal(400, why, remedy) }
}
