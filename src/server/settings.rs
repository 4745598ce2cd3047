//! What the switchboard and the trunk doctor are told of the configuration.

use super::{has_choice, transport_of};
use crate::call::b2bua::Settings;
use crate::call::media_leg::MediaSettings;
use crate::call::switchboard::SwitchboardConfig;
use crate::config::{Bans, Config};
use crate::media::{CERTIFICATES, Identity};
use crate::net::doctor;
use crate::net::ports::Binder;
use crate::sip::SessionPolicy;
use crate::sip::bans::BanPolicy;
use crate::sip::digest::Algorithm;
use crate::sip::endpoint::{EndpointConfig, Limits as SipLimits, Listener};

fn endpoint_config(config: &Config) -> EndpointConfig {
    let listeners = config.sip.listen.iter().map(|l| Listener {
        transport: transport_of(l.transport),
        bind: l.bind,
        advertise_host: l.advertise_host.clone(),
        advertise_port: l.advertise_port,
    });
    EndpointConfig {
        listeners: listeners.collect(),
        user_agent: config.sip.user_agent.clone(),
        limits: SipLimits {
            session: SessionPolicy {
                interval_s: config.sip.session_expires_s,
                min_se_s: config.sip.session_min_s,
            },
            ..SipLimits::default()
        },
        bans: ban_policy(&config.bans),
    }
}

/// What the trunk doctor needs of the configuration.
pub fn doctor_settings(config: &Config) -> doctor::Settings {
    doctor::Settings {
        dns: config.dns.clone(),
        endpoint: endpoint_config(config),
        has_choice: has_choice(config),
        media_ports: config.media.ports,
    }
}

/// What the switchboard needs of the configuration.
///
/// `identity`: what handshakes for media are made with, the same that the media threads have.
pub fn switchboard_config(config: &Config, media_threads: usize, identity: &Identity) -> SwitchboardConfig {
    let endpoint = endpoint_config(config);
    let media = MediaSettings {
        advertise: config.media.advertise,
        advertise_ipv6: config.media.advertise_ipv6,
        advertise_of: config.sip.listen.iter().map(|one| one.media_advertise).collect(),
        inactivity: config.media.inactivity,
        certificates: (0..CERTIFICATES).map(|number| identity.fingerprint(number).value.clone()).collect(),
    };
    SwitchboardConfig {
        endpoint,
        settings: Settings {
            domain: config.sip.domain.clone(),
            media,
            digest: config
                .sip
                .digest
                .iter()
                .filter_map(|name| Algorithm::read(Some(name)))
                .map(|a| a.hash)
                .collect(),
        },
        media_threads,
        port_pairs: Binder::pairs(config.media.ports),
        calls_max: config.sip.calls_max,
        never_banned: config.bans.allow.clone(),
    }
}

fn ban_policy(bans: &Bans) -> BanPolicy {
    let usual = BanPolicy::default();
    BanPolicy { time: bans.time, scanners: bans.scanners.clone().unwrap_or(usual.scanners) }
}
