//! Message-waiting indication (RFC 3842): who wants to know of waiting messages, and what they are told.
//!
//! There is no voicemail yet, so each telephone hears that it has none; [`Waiting::set`] is where it will say otherwise.

use crate::clock::Instant;
use crate::sip::message::{HeaderName, Request};
use crate::sip::{NameAddr, Peer, SipUri};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Subscriptions at once, some 1 KiB each: one for each telephone of a large house.
const SUBSCRIPTIONS_MAX: usize = 20_000;
/// Those of one account: one for each of its bindings.
const OF_ACCOUNT_MAX: usize = 10;
/// A shorter time would be more requests than news (RFC 6665 4.2.1.1).
const EXPIRES_MIN: Duration = Duration::from_secs(60);
/// Longest, and what is given where nothing is asked (RFC 3842 3.4).
const EXPIRES_MAX: Duration = Duration::from_secs(3_600);
/// The only event package.
const PACKAGE: &str = "message-summary";

/// How many messages an account has.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Messages {
    pub new: u32,
    pub old: u32,
}

impl Messages {
    /// As `application/simple-message-summary` (RFC 3842 5.2).
    fn summary(self, account: &str) -> String {
        let Messages { new, old } = self;
        let waiting = if new > 0 { "yes" } else { "no" };
        format!(
            "Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {new}/{old} (0/0)\r\n"
        )
    }
}

/// A NOTIFY that is to be sent.
#[derive(Clone, Debug)]
pub struct Notify {
    pub peer: Peer,
    pub request_uri: SipUri,
    pub routes: Vec<Box<str>>,
    /// With our tag.
    pub from: NameAddr,
    pub to: NameAddr,
    pub call_id: Box<str>,
    pub cseq: u32,
    pub contact_user: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// The answer to a SUBSCRIBE.
#[derive(Debug)]
pub struct Subscribed {
    pub code: u16,
    pub headers: Vec<(String, String)>,
    /// To be sent after the answer (RFC 6665 4.2.1.4).
    pub notify: Option<Notify>,
}

impl Subscribed {
    fn refused(code: u16, header: Option<(&str, String)>) -> Self {
        let headers = header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Subscribed { code, headers, notify: None }
    }
}

#[derive(Debug)]
struct Subscription {
    account: Box<str>,
    peer: Peer,
    target: SipUri,
    routes: Vec<Box<str>>,
    local: NameAddr,
    remote: NameAddr,
    call_id: Box<str>,
    cseq: u32,
    remote_cseq: u32,
    expires: Instant,
}

/// All subscriptions, by our tag.
#[derive(Default)]
pub struct Waiting {
    by_tag: HashMap<Box<str>, Subscription>,
    by_expiry: BTreeMap<(Instant, Box<str>), ()>,
    messages: HashMap<Box<str>, Messages>,
}

impl Waiting {
    pub fn len(&self) -> usize {
        self.by_tag.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_tag.is_empty()
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.by_expiry.first_key_value().map(|((at, _), ())| *at)
    }

    /// A SUBSCRIBE of an account's telephone. `own_tag` is that of our answer.
    pub fn subscribe(
        &mut self,
        now: Instant,
        account: &str,
        request: &Request,
        peer: Peer,
        own_tag: &str,
    ) -> Subscribed {
        let package = request.head().get(HeaderName::Event, "").unwrap_or_default();
        let package = package.split(';').next().unwrap_or_default().trim();
        if package != PACKAGE {
            return Subscribed::refused(489, Some(("Allow-Events", PACKAGE.to_owned())));
        }
        let asked = request.head().get(HeaderName::Expires, "").and_then(|text| text.trim().parse().ok());
        let asked = asked.map_or(EXPIRES_MAX, Duration::from_secs);
        if !asked.is_zero() && asked < EXPIRES_MIN {
            return Subscribed::refused(423, Some(("Min-Expires", EXPIRES_MIN.as_secs().to_string())));
        }
        let expires = asked.min(EXPIRES_MAX);
        let tag: Box<str> = match request.to_tag() {
            "" => match self.begin(account, request, peer, own_tag) {
                Some(tag) => tag,
                None => return Subscribed::refused(503, Some(("Retry-After", "60".to_owned()))),
            },
            known => known.into(),
        };
        let Some(subscription) = self.by_tag.get_mut(&tag) else { return Subscribed::refused(481, None) };
        let is_of_it = *subscription.call_id == *request.call_id()
            && subscription.remote.tag().unwrap_or_default() == request.from_tag();
        if !is_of_it {
            return Subscribed::refused(481, None);
        }
        if !request.to_tag().is_empty() && request.cseq().number <= subscription.remote_cseq {
            return Subscribed::refused(500, Some(("Retry-After", "5".to_owned())));
        }
        subscription.remote_cseq = request.cseq().number;
        subscription.peer = peer;
        if let Some(contact) = request.contact() {
            subscription.target = contact.uri.clone();
        }
        self.by_expiry.remove(&(subscription.expires, tag.clone()));
        subscription.expires = now + expires;
        self.by_expiry.insert((subscription.expires, tag.clone()), ());
        let notify = if expires.is_zero() { self.end(&tag, "timeout") } else { self.tell(now, &tag) };
        let seconds = expires.as_secs().to_string();
        Subscribed { code: 200, headers: vec![("Expires".to_owned(), seconds)], notify }
    }

    /// Other messages wait: what is to be told to whom.
    pub fn set(&mut self, now: Instant, account: &str, messages: Messages) -> Vec<Notify> {
        if messages == Messages::default() {
            self.messages.remove(account);
        } else {
            self.messages.insert(account.into(), messages);
        }
        let of_account = self.by_tag.iter().filter(|(_, subscription)| *subscription.account == *account);
        let mut tags: Vec<Box<str>> = of_account.map(|(tag, _)| tag.clone()).collect();
        tags.sort_unstable();
        tags.iter().filter_map(|tag| self.tell(now, tag)).collect()
    }

    /// Ends the subscriptions whose time ran out, and gives what is told of it.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Notify> {
        let mut told = Vec::new();
        while let Some(((at, tag), ())) = self.by_expiry.first_key_value().filter(|((at, _), ())| *at <= now)
        {
            let (at, tag) = (*at, tag.clone());
            told.extend(self.end(&tag, "timeout"));
            self.by_expiry.remove(&(at, tag));
        }
        told
    }

    /// The telephone does not take its NOTIFYs (RFC 6665 4.2.2): the subscription with that tag of ours is over.
    pub fn forget(&mut self, tag: &str) {
        if let Some(gone) = self.by_tag.remove(tag) {
            self.by_expiry.remove(&(gone.expires, tag.into()));
        }
    }

    fn begin(&mut self, account: &str, request: &Request, peer: Peer, own_tag: &str) -> Option<Box<str>> {
        let of_account = self.by_tag.values().filter(|other| *other.account == *account);
        if self.by_tag.len() >= SUBSCRIPTIONS_MAX || of_account.count() >= OF_ACCOUNT_MAX {
            return None;
        }
        let target = request.contact().map_or(&request.from().uri, |contact| &contact.uri).clone();
        let subscription = Subscription {
            account: account.into(),
            peer,
            target,
            routes: request.head().all(HeaderName::RecordRoute, "").take(8).map(Box::from).collect(),
            local: request.to().clone().with_tag(own_tag),
            remote: request.from().clone(),
            call_id: request.call_id().into(),
            cseq: 0,
            remote_cseq: 0,
            expires: Instant::ZERO,
        };
        self.by_tag.insert(own_tag.into(), subscription);
        Some(own_tag.into())
    }

    fn tell(&mut self, now: Instant, tag: &str) -> Option<Notify> {
        let left = (self.by_tag.get(tag)?.expires - now).as_secs();
        self.notify(tag, format!("active;expires={left}"))
    }

    fn end(&mut self, tag: &str, reason: &str) -> Option<Notify> {
        let notify = self.notify(tag, format!("terminated;reason={reason}"));
        self.forget(tag);
        notify
    }

    fn notify(&mut self, tag: &str, state: String) -> Option<Notify> {
        let subscription = self.by_tag.get_mut(tag)?;
        subscription.cseq += 1;
        let messages = self.messages.get(&subscription.account).copied().unwrap_or_default();
        let account = subscription.local.uri.as_str();
        Some(Notify {
            peer: subscription.peer,
            request_uri: subscription.target.clone(),
            routes: subscription.routes.clone(),
            from: subscription.local.clone(),
            to: subscription.remote.clone(),
            call_id: subscription.call_id.clone(),
            cseq: subscription.cseq,
            contact_user: subscription.local.uri.raw_user().unwrap_or_default().to_owned(),
            headers: vec![("Event".to_owned(), PACKAGE.to_owned()), ("Subscription-State".to_owned(), state)],
            body: messages.summary(account),
        })
    }
}
