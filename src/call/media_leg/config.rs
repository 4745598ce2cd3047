//! What the engine is told of an agreement.

use super::MediaSettings;
use super::codecs::coding;
use crate::media::{HandshakeTerms, LegConfig, MasterKey, Profile, Secure};
use crate::sdp::{Agreed, Direction, KeyAndSalt, Protected, Suite};
use std::net::IpAddr;
use std::time::Duration;

/// Whether media or reports would go to another host than the one that the signalling comes from.
pub(super) fn goes_elsewhere(config: &LegConfig) -> bool {
    let signalling = config.signalling_ip.to_canonical();
    [config.remote_rtp, config.remote_rtcp].iter().any(|remote| remote.ip().to_canonical() != signalling)
}

fn secure(protected: &Protected) -> Secure {
    let profile = match protected.suite {
        Suite::AesCm128HmacSha1_80 => Profile::Tag80,
        Suite::AesCm128HmacSha1_32 => Profile::Tag32,
    };
    let master_key = |whole: &KeyAndSalt| {
        let (key, salt) = whole.0.split_at(profile.key_len());
        MasterKey::new(key, salt)
    };
    Secure { profile, send: master_key(&protected.ours), receive: master_key(&protected.theirs) }
}

/// How long the peer may be silent. Whoever is on hold or only listens may be for ever (contract); before the answer
/// the time of the ringing is the limit.
pub(super) fn inactivity(agreed: &Agreed, is_early: bool, settings: &MediaSettings) -> Option<Duration> {
    let talks = agreed.direction == Direction::SendReceive;
    (talks && !is_early).then_some(settings.inactivity)
}

/// The leg of an agreement; `handshake` where its keys come by one.
pub(super) fn leg_config(
    agreed: &Agreed,
    handshake: Option<Box<HandshakeTerms>>,
    is_early: bool,
    signalling_ip: IpAddr,
    settings: &MediaSettings,
) -> LegConfig {
    LegConfig {
        coding: coding(agreed.codec),
        payload_type: agreed.payload_type,
        receive: agreed.receive.iter().map(|(pt, index)| (*pt, coding(*index))).collect(),
        ptime_ms: agreed.ptime_ms,
        telephone_event_send: agreed.telephone_event.map(|t| t.send),
        telephone_event_receive: agreed.telephone_event.map(|t| t.receive),
        telephone_event_scale: agreed
            .telephone_event
            .map_or(1, |t| (t.clock_rate / 8_000).clamp(1, 6) as u16),
        remote_rtp: agreed.remote_rtp,
        remote_rtcp: agreed.remote_rtcp,
        signalling_ip,
        send: agreed.direction.sends(),
        receive_enabled: agreed.direction.receives(),
        inactivity: inactivity(agreed, is_early, settings),
        secure: agreed.protected.as_ref().map(|protected| Box::new(secure(protected))),
        handshake,
    }
}
