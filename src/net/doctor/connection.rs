//! The second step: a connection to a target, with TLS and what it shows. It is the doctor's own, and closed again.

use super::step::Found;
use super::{Examination, Kind, Own, Tried, words};
use crate::clock::Wall;
use crate::net::handshake::{HANDSHAKE_TIME_MAX, open};
use crate::net::tls::{Facts, Shown, TlsError, facts, in_words, remedy};
use crate::sip::locate::Target;
use crate::sip::{TlsPeer, Transport};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ProtocolVersion};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Who takes longer to connect is behind something that drops what it does not like.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

impl Examination {
    /// Connects to a target; none where that cannot be done.
    pub(super) async fn connect(&self, target: Target) -> Option<Tried> {
        let (place, address) = (Some(words(&target)), target.address);
        let own = Own::toward(&self.doctor.0.settings.endpoint, &target);
        let (from, listed) = (own.from(), own.listed());
        let tried = Tried { target: target.clone(), own, answers: false };
        if target.transport == Transport::Udp {
            let text =
                format!("UDP has no connection: whether anybody is at {address} shows with OPTIONS{from}.");
            self.steps.ok(Kind::Connection, place, text).await;
            return Some(tried);
        }
        self.steps.running(Kind::Connection, place.clone(), format!("Connecting to {address}{from}.")).await;
        let begun = self.doctor.0.clock.instant();
        let stream = match tokio::time::timeout(CONNECT_TIME_MAX, open(self.bind(&target), address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.steps.found(Kind::Connection, place, refused(&error, address)).await;
                return None;
            }
            Err(_) => {
                self.steps.found(Kind::Connection, place, silent(address, &listed)).await;
                return None;
            }
        };
        let took = (self.doctor.0.clock.instant() - begun).as_millis();
        let connected = format!("Connected to {address}{from} within {took} ms.");
        let found = match &target.tls {
            None => Found::ok(connected),
            Some(peer) => {
                let now = self.doctor.0.clock.now().wall;
                let found = self.shake_hands(stream, peer, now).await;
                Found { text: format!("{connected} {}", found.text), ..found }
            }
        };
        let is_ok = found.remedy.is_none();
        self.steps.found(Kind::Connection, place, found).await;
        is_ok.then_some(tried)
    }

    /// Our end of a connection to that target, as the endpoint would choose it.
    fn bind(&self, target: &Target) -> SocketAddr {
        let endpoint = &self.doctor.0.settings.endpoint;
        let listener = endpoint.listeners.get(usize::from(endpoint.listener_toward(target).0));
        listener.map_or(SocketAddr::from(([0, 0, 0, 0], 0)), |listener| listener.bind)
    }

    async fn shake_hands(&self, stream: TcpStream, peer: &TlsPeer, now: Wall) -> Found {
        let (config, shown) = match self.doctor.0.tls.noting_client(peer.settings.as_deref()) {
            Ok(noting) => noting,
            Err(error) => return unusable(&error),
        };
        let Ok(name) = ServerName::try_from(peer.name.trim_end_matches('.').to_owned()) else {
            let text = format!("\"{}\" is no name that a certificate can have.", peer.name);
            return Found::failed(text, "Write the host by its name, as the provider gives it.");
        };
        let handshake = TlsConnector::from(config).connect(name, stream);
        match tokio::time::timeout(HANDSHAKE_TIME_MAX, handshake).await {
            Ok(Ok(stream)) => Found::ok(secured(stream.get_ref().1, &shown)),
            Ok(Err(error)) => {
                let mut text = format!("TLS fails: {}.", in_words(&error, true));
                if let Some(facts) = certificate(&shown) {
                    text.push_str(&format!(
                        " The certificate that it shows is {}.",
                        described(&facts, Some(now))
                    ));
                }
                Found::failed(text, remedy(&error))
            }
            Err(_) => {
                let seconds = HANDSHAKE_TIME_MAX.as_secs();
                let text = format!("TLS fails: the peer did not finish its handshake within {seconds} s.");
                Found::failed(text, "Look whether that is the port of TLS, most often 5061.")
            }
        }
    }
}

/// What connections to the trunk go by is not there, or cannot be used.
fn unusable(error: &TlsError) -> Found {
    let remedy = match error {
        TlsError::UnknownSettings(name) => format!(
            "Add a [[tls.client]] with name = \"{name}\" to cordboard.toml, and restart the server; or correct the trunk's \
             tls_client, or leave it out."
        ),
        _ => "Look at [tls] in cordboard.toml.".to_owned(),
    };
    Found::failed(format!("{error}."), remedy)
}

fn secured(connection: &ClientConnection, shown: &Shown) -> String {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS",
    };
    match certificate(shown) {
        Some(facts) => format!("{version} with a certificate that is believed: {}.", described(&facts, None)),
        None => format!("{version}."),
    }
}

fn certificate(shown: &Shown) -> Option<Facts> {
    shown.chain().first().and_then(facts)
}

/// Whose it is, who issued it, until when. `now`: why it fails may be its time.
fn described(facts: &Facts, now: Option<Wall>) -> String {
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let names = if facts.names.is_empty() { "no name at all".to_owned() } else { facts.names.join(", ") };
    let day = |at: Wall| at.timestamp().strftime("%Y-%m-%d").to_string();
    let mut text = format!(
        "for {names} (subject {}), issued by {}",
        or(&facts.subject, "without a name"),
        or(&facts.issuer, "nobody that it names")
    );
    if let Some(begins) = facts.begins.filter(|begins| now.is_some_and(|now| now < *begins)) {
        text.push_str(&format!(", valid from {} on", day(begins)));
    }
    if let Some(ends) = facts.ends {
        text.push_str(&format!(", valid until {}", day(ends)));
    }
    text
}

fn refused(error: &io::Error, address: SocketAddr) -> Found {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Found::failed(
            format!("{address} refuses the connection: nothing listens there."),
            format!(
                "Look whether the trunk's port and transport are right ({port} is tried; TLS is most often at 5061), and \
                 whether the peer is running."
            ),
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Found::failed(
            format!("There is no way to {address}: {error}."),
            "Look at this machine's routes and, for IPv6, whether it has any.",
        ),
        _ => Found::failed(
            format!("{address} cannot be connected to: {error}."),
            "Look at the address that [[sip.listen]] binds, and at this machine's network.",
        ),
    }
}

fn silent(address: SocketAddr, own: &str) -> Found {
    Found::failed(
        format!("{address} does not answer within {} s.", CONNECT_TIME_MAX.as_secs()),
        format!(
            "Look whether a firewall here or there drops connections to that port, and whether the provider takes them from \
             {own}."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_tls_that_are_not_there_are_to_be_added_by_their_section() {
        let found = unusable(&TlsError::UnknownSettings("foo".to_owned()));
        assert_eq!(found.text, "there are no settings for TLS named \"foo\".");
        assert!(found.remedy.unwrap().contains("Add a [[tls.client]] with name = \"foo\""));
    }

    #[test]
    fn a_certificate_is_described_with_its_time_where_that_may_be_the_fault() {
        let at = Wall::from_unix_seconds;
        let facts = Facts {
            subject: "CN=sip.example.net".into(),
            issuer: "CN=Authority".into(),
            names: vec!["sip.example.net".into(), "192.0.2.1".into()],
            begins: Some(at(1_577_836_800)),
            ends: Some(at(1_924_992_000)),
        };
        let whole = "for sip.example.net, 192.0.2.1 (subject CN=sip.example.net), issued by CN=Authority";
        assert_eq!(described(&facts, Some(at(1_600_000_000))), format!("{whole}, valid until 2031-01-01"));
        assert_eq!(
            described(&facts, Some(at(1_500_000_000))),
            format!("{whole}, valid from 2020-01-01 on, valid until 2031-01-01")
        );
        let nothing = "for no name at all (subject without a name), issued by nobody that it names";
        assert_eq!(described(&Facts::default(), None), nothing);
    }
}
