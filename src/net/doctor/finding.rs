//! The first step: what DNS says of the trunk's host.

use super::{Examination, Kind, TARGETS_MAX, words};
use crate::net::dns::NotFound;
use crate::sip::Transport;
use crate::sip::locate::{Destination, LocateError, Naptr, Question, Reply, Srv, Target};
use std::fmt::Write;

/// Records of one reply that are shown.
const RECORDS_SHOWN: usize = 8;

impl Examination {
    /// Finds the trunk's targets, and gives those that are tried; none where there are none.
    pub(super) async fn find(&self, host: Destination) -> Option<Vec<Target>> {
        let name = host.host.to_string();
        let is_numeric = host.host.ip().is_some();
        let asked = (host.port, host.transport);
        self.steps.running(Kind::Dns, None, format!("Looking for {name}.")).await;
        let dns = match self.dns() {
            Ok(dns) => dns,
            Err(error) => {
                let text = format!("DNS cannot be asked: {error}.");
                self.steps.failed(Kind::Dns, None, text, "Look at [dns] servers in cordboard.toml.").await;
                return None;
            }
        };
        let mut noted = Vec::new();
        let note = |question: &Question, reply: &Reply| noted.push(in_words(question, reply));
        match dns.locate_noting(host, self.random(), note).await {
            Ok(targets) => {
                let text = found(&name, is_numeric, &noted, &targets);
                self.steps.ok(Kind::Dns, None, text).await;
                Some(targets.into_iter().take(TARGETS_MAX).collect())
            }
            Err(error) => {
                let text = with_noted(format!("{error}."), &noted);
                self.steps.failed(Kind::Dns, None, text, remedy(&error, asked)).await;
                None
            }
        }
    }
}

fn found(name: &str, is_numeric: bool, noted: &[String], targets: &[Target]) -> String {
    let listed: Vec<String> = targets.iter().map(words).collect();
    let mut text = if is_numeric {
        format!("{name} is an address: nothing has to be looked up.")
    } else {
        with_noted(String::new(), noted)
    };
    let _ = write!(text, " Calls go to {}", listed.join(", then "));
    text.push('.');
    if targets.len() > TARGETS_MAX {
        let _ = write!(text, " The first {TARGETS_MAX} are tried.");
    }
    text.trim_start().to_owned()
}

fn with_noted(mut text: String, noted: &[String]) -> String {
    for line in noted {
        let _ = write!(text, " {line}.");
    }
    text.trim_start().to_owned()
}

/// A question and its reply: `SRV _sip._udp.carrier.example: 10 5 5060 a.carrier.example`.
fn in_words(question: &Question, reply: &Reply) -> String {
    let asked = match question {
        Question::Naptr(name) => format!("NAPTR {name}"),
        Question::Srv(name) => format!("SRV {name}"),
        Question::Addresses(name) => format!("A and AAAA {name}"),
    };
    let records: Vec<String> = match reply {
        Reply::Naptr(records) => records.iter().map(naptr).collect(),
        Reply::Srv(records) => records.iter().map(srv).collect(),
        Reply::Addresses(addresses) => addresses.iter().map(ToString::to_string).collect(),
        Reply::Nothing => return format!("{asked}: none"),
        Reply::Failed(why) => return format!("{asked}: no usable reply ({})", why.trim_end_matches('.')),
    };
    let more = records.len().saturating_sub(RECORDS_SHOWN);
    let shown: Vec<String> = records.into_iter().take(RECORDS_SHOWN).collect();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{asked}: {}{rest}", shown.join(", "))
}

fn naptr(record: &Naptr) -> String {
    let Naptr { order, preference, service, replacement, .. } = record;
    format!("{order} {preference} {service} {}", replacement.trim_end_matches('.'))
}

fn srv(record: &Srv) -> String {
    let Srv { priority, weight, port, target } = record;
    format!("{priority} {weight} {port} {}", target.trim_end_matches('.'))
}

fn remedy(error: &NotFound, (port, transport): (Option<u16>, Option<Transport>)) -> String {
    match error {
        NotFound::Late { .. } | NotFound::Locate(LocateError::LookUpFailed { .. }) => {
            "Look whether this machine reaches its name servers ([dns] servers, else those of /etc/resolv.conf), and \
             whether those answer for the host's zone."
        }
        NotFound::Locate(LocateError::NoAddress { .. }) => return no_address(port, transport),
        NotFound::Locate(LocateError::OutOfReach { .. }) => {
            "Add a [[sip.listen]] with that transport and address family, or write the transport that you have behind \
             the host (;transport=udp, tcp or tls)."
        }
        NotFound::Locate(LocateError::NotOffered { .. }) => {
            "The host's owner says that there is no SIP: take another host, or write the port behind it."
        }
    }
    .to_owned()
}

/// What was asked for a host follows from what stands behind it (RFC 3263 4.1).
fn no_address(port: Option<u16>, transport: Option<Transport>) -> String {
    let srv = match (port, transport) {
        (Some(_), _) => {
            "; with the port behind it no SRV records are asked for: where the provider has some, leave it out".to_owned()
        }
        (None, Some(transport)) => format!(
            "; with ;transport={} SRV records of that transport alone are asked for",
            transport.name()
        ),
        (None, None) => String::new(),
    };
    format!("Look whether the host is spelled as the provider writes it{srv}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dns_says_is_shown_record_by_record_and_where_calls_go_after_it() {
        let target = |last| Target {
            transport: Transport::Tcp,
            address: ([192, 0, 2, last], 5_071).into(),
            tls: None,
            source: None,
        };
        let naptr = Naptr {
            order: 10,
            preference: 20,
            flags: "s".into(),
            service: "SIP+D2T".into(),
            replacement: "_sip._tcp.c.example.".into(),
        };
        let srv = Srv { priority: 1, weight: 2, port: 5_071, target: "a.c.example.".into() };
        let addresses = (1..=10).map(|last| [192, 0, 2, last].into()).collect();
        let noted = [
            in_words(&Question::Naptr("c.example".into()), &Reply::Naptr(vec![naptr])),
            in_words(&Question::Srv("_sip._tcp.c.example".into()), &Reply::Srv(vec![srv])),
            in_words(&Question::Addresses("a.c.example".into()), &Reply::Addresses(addresses)),
            in_words(&Question::Srv("b".into()), &Reply::Nothing),
            in_words(&Question::Srv("c".into()), &Reply::Failed("timed out.".into())),
        ];
        let text = found("c.example", false, &noted, &[target(1), target(2)]);
        assert_eq!(
            text,
            "NAPTR c.example: 10 20 SIP+D2T _sip._tcp.c.example. SRV _sip._tcp.c.example: 1 2 5071 a.c.example. \
             A and AAAA a.c.example: 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, 192.0.2.6, 192.0.2.7, \
             192.0.2.8 and 2 more. SRV b: none. SRV c: no usable reply (timed out). Calls go to tcp 192.0.2.1:5071, \
             then tcp 192.0.2.2:5071."
        );
        let many: Vec<Target> = (1..=4).map(target).collect();
        let text = found("192.0.2.1", true, &[], &many);
        assert!(
            text.starts_with("192.0.2.1 is an address: nothing") && text.ends_with("The first 3 are tried.")
        );
    }
    #[test]
    fn a_host_without_an_address_is_explained_by_what_was_asked_for_it() {
        let nobody = NotFound::Locate(LocateError::NoAddress { host: "nobody.test".into() });
        for (port, transport, srv) in [
            (None, None, None),
            (Some(5_060), None, Some("with the port behind it no SRV records are asked for")),
            (Some(5_061), Some(Transport::Tls), Some("with the port behind it no SRV records are asked for")),
            (None, Some(Transport::Tls), Some("with ;transport=tls SRV records of that transport alone")),
        ] {
            let remedy = remedy(&nobody, (port, transport));
            assert!(remedy.contains("spelled as the provider writes it"), "{remedy}");
            assert_eq!(remedy.contains("SRV"), srv.is_some(), "{remedy}");
            assert!(remedy.contains(srv.unwrap_or_default()), "{remedy}");
        }
    }
}
