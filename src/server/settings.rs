//! What the switchboard is told of the configuration.

use super::*;

/// What the switchboard needs of the configuration.
pub fn switchboard_config(config: &Config, media_threads: usize) -> SwitchboardConfig {
    let listeners = config.sip.listen.iter().map(|l| Listener {
        transport: transport_of(l.transport),
        bind: l.bind,
        advertise_host: l.advertise_host.clone(),
        advertise_port: l.advertise_port,
    });
    let endpoint = EndpointConfig {
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
    };
    let media = MediaSettings {
        advertise: config.media.advertise,
        advertise_ipv6: config.media.advertise_ipv6,
        advertise_of: config.sip.listen.iter().map(|one| one.media_advertise).collect(),
        inactivity: config.media.inactivity,
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
