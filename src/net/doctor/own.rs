//! Our end of the way to a target, for people who tell it to a provider.

use crate::net::dns::source_towards;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::locate::Target;
use std::net::IpAddr;

/// Where requests to a target leave, and what they say of that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Own {
    /// None where there is no way to the target.
    leaves: Option<IpAddr>,
    /// What Via and Contact name, where it is another.
    advertised: Option<String>,
}

impl Own {
    /// Of the listener that calls to that target leave by. One that listens everywhere leaves it to the routes.
    pub fn toward(endpoint: &EndpointConfig, target: &Target) -> Self {
        let listener = endpoint.listeners.get(usize::from(endpoint.listener_toward(target).0));
        let bound = listener.map(|listener| listener.bind.ip()).filter(|ip| !ip.is_unspecified());
        let leaves = bound.or(target.source).or_else(|| source_towards(target.address));
        let advertised = listener.map(|listener| listener.advertise_host.clone());
        let advertised = advertised.filter(|host| host.parse().ok() != leaves || leaves.is_none());
        Own { leaves, advertised }
    }

    #[cfg(test)]
    pub fn of(leaves: IpAddr) -> Self {
        Own { leaves: Some(leaves), advertised: None }
    }

    /// ` from 192.0.2.1`, with what is advertised; empty where nothing is known.
    pub fn from(&self) -> String {
        match (&self.leaves, &self.advertised) {
            (None, _) => String::new(),
            (Some(own), None) => format!(" from {own}"),
            (Some(own), Some(host)) => format!(" from {own} (advertised as {host})"),
        }
    }

    /// What a provider has to let in. Behind NAT that is the address that is advertised, not the one that requests leave from.
    pub fn listed(&self) -> String {
        match (&self.leaves, &self.advertised) {
            (None, None) => "this server's address".to_owned(),
            (None, Some(host)) => host.clone(),
            (Some(own), None) => own.to_string(),
            (Some(own), Some(host)) if host.parse::<IpAddr>().is_ok() => {
                format!("{host} ([[sip.listen]] advertises it, and requests leave from {own})")
            }
            (Some(own), Some(host)) => format!("{own} (advertised as {host})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Transport;
    use crate::sip::bans::BanPolicy;
    use crate::sip::endpoint::{Limits, Listener};

    fn toward(bind: &str, advertise: &str, source: Option<IpAddr>) -> Own {
        let listener = Listener {
            transport: Transport::Udp,
            bind: bind.parse().unwrap(),
            advertise_host: advertise.to_owned(),
            advertise_port: 5_060,
        };
        let endpoint = EndpointConfig {
            listeners: vec![listener],
            user_agent: String::new(),
            limits: Limits::default(),
            bans: BanPolicy::default(),
        };
        let address = "127.0.0.1:5060".parse().unwrap();
        Own::toward(&endpoint, &Target { transport: Transport::Udp, address, tls: None, source })
    }

    #[test]
    fn requests_leave_from_the_address_that_the_chosen_listener_binds() {
        for (bind, advertise, source, from, listed) in [
            ("127.0.0.20:5060", "127.0.0.20", None, " from 127.0.0.20", "127.0.0.20"),
            ("0.0.0.0:5060", "127.0.0.1", None, " from 127.0.0.1", "127.0.0.1"),
            ("0.0.0.0:5060", "192.0.2.9", Some([192, 0, 2, 9].into()), " from 192.0.2.9", "192.0.2.9"),
            (
                "10.0.0.5:5060",
                "203.0.113.5",
                None,
                " from 10.0.0.5 (advertised as 203.0.113.5)",
                "203.0.113.5 ([[sip.listen]] advertises it, and requests leave from 10.0.0.5)",
            ),
            (
                "10.0.0.5:5060",
                "sip.example.net",
                None,
                " from 10.0.0.5 (advertised as sip.example.net)",
                "10.0.0.5 (advertised as sip.example.net)",
            ),
        ] {
            let own = toward(bind, advertise, source);
            assert_eq!((own.from().as_str(), own.listed().as_str()), (from, listed), "{bind} {advertise}");
        }
    }
}
