//! What is wrong with a call, in sentences for whoever knows no SIP: what is seen, why, and what to do about it.
//!
//! One pure function from facts to sentences ([`troubles`]); where the facts come from stands in `b2bua/insight.rs`.

use super::said::capital;
use crate::clock::Instant;
use crate::media::{Condition, Unsecured};
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Our answer is acknowledged within a round trip; after so long it was lost, or the ACK was.
const ACK_LATE: Duration = Duration::from_secs(2);

/// What kind of trouble it is, for programs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    NotAcknowledged,
    NotSecured,
    NoAudio,
    UnusableAudio,
    Loss,
    LossThere,
    Jitter,
    OnHold,
}

/// How bad it is. The worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// People cannot talk.
    Error,
    /// People hear it.
    Warning,
    /// It may be meant so.
    Info,
}

/// One trouble of one leg.
#[derive(Clone, PartialEq, Debug)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// The leg's number within the call; 0 is the caller's.
    pub leg: u32,
    pub severity: Severity,
    /// In a few words, for lists.
    pub short: String,
    /// What is seen and why.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
}

/// What is known of one leg.
#[derive(Clone, PartialEq, Debug)]
pub struct LegFacts {
    pub leg: u32,
    /// As a sentence names it: "the caller", "alice".
    pub name: String,
    /// Where the peer's SDP says that it is; none before there was one.
    pub sdp: Option<SocketAddr>,
    /// Where its SIP messages come from.
    pub signalling: IpAddr,
    pub codec: &'static str,
    pub condition: Condition,
    /// Whether the peer's SDP lets it hear us, and lets it speak.
    pub hears: bool,
    pub speaks: bool,
    /// Since when our answer waits for its ACK.
    pub unacknowledged_since: Option<Instant>,
}

/// All troubles of a call, the worst first.
pub fn troubles(now: Instant, legs: &[LegFacts]) -> Vec<Trouble> {
    let mut found: Vec<_> = legs.iter().flat_map(|leg| of_leg(now, leg)).collect();
    found.sort_by_key(|trouble| (trouble.severity, trouble.leg, trouble.kind));
    found
}

fn of_leg(now: Instant, leg: &LegFacts) -> Vec<Trouble> {
    let unacknowledged = leg.unacknowledged_since.map(|since| now - since).filter(|time| *time >= ACK_LATE);
    let condition = &leg.condition;
    [
        unacknowledged.map(|time| not_acknowledged(leg, time)),
        condition.unsecured.filter(|_| unacknowledged.is_none()).map(|why| not_secured(leg, why)),
        condition
            .silent_since
            .filter(|_| unacknowledged.is_none() && condition.unsecured.is_none())
            .map(|since| no_audio(leg, now - since)),
        condition.is_unusable.then(|| unusable(leg)),
        (condition.loss > 0).then(|| loss(leg)),
        (condition.loss_there > 0).then(|| loss_there(leg)),
        (condition.jitter_ms > 0).then(|| jitter(leg)),
        (leg.sdp.is_some() && !leg.hears).then(|| on_hold(leg)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn trouble(leg: &LegFacts, kind: TroubleKind, severity: Severity, said: [String; 3]) -> Trouble {
    let [short, text, remedy] = said;
    Trouble { kind, leg: leg.leg, severity, short, text, remedy }
}

fn not_acknowledged(leg: &LegFacts, time: Duration) -> Trouble {
    let said = [
        format!("Our answer to {} is not acknowledged", leg.name),
        format!(
            "Our answer to {} was not acknowledged for {} s, so the call ends after 32 s. The 200 OK does not reach \
             {}, or the ACK does not reach us.",
            leg.name,
            time.as_secs(),
            leg.signalling
        ),
        "Check that [[sip.listen]] advertise names an address that the other side can reach, and that no firewall or router \
         between rewrites or drops SIP (SIP ALG)."
            .to_owned(),
    ];
    trouble(leg, TroubleKind::NotAcknowledged, Severity::Error, said)
}

fn not_secured(leg: &LegFacts, why: Unsecured) -> Trouble {
    let name = &leg.name;
    let (text, remedy) = match why {
        Unsecured::Unreached => (
            format!(
                "No audio from or to {name}: nothing of its connectivity checks (ICE) has reached us, by which a browser \
                 looks for the way to our media port."
            ),
            "Check that [media] advertise names an address that the browser can reach, and that its firewall and ours let \
             UDP through to the ports of [media].",
        ),
        Unsecured::Unfinished => (
            format!(
                "No audio from or to {name}: its handshake for the keys of the audio (DTLS) is not finished."
            ),
            "Look whether something between lets small UDP packets through and keeps large ones back.",
        ),
        Unsecured::WrongCertificate => (
            format!(
                "No audio from or to {name}: the certificate in its handshake is not the one that its SDP names. Somebody may \
                 stand between, or its SDP was changed on the way."
            ),
            "Let the SIP come over WSS, and switch off what rewrites SDP on the way.",
        ),
        Unsecured::NoProfile => (
            format!("No audio from or to {name}: it has no protection of audio that this server has."),
            "Let the other side offer SRTP_AES128_CM_HMAC_SHA1_80 or AES-GCM.",
        ),
        Unsecured::Broken => (
            format!(
                "No audio from or to {name}: its handshakes for the keys of the audio (DTLS) break again and again."
            ),
            "The server's log names the fault at the level debug; a browser that is up to date has none.",
        ),
    };
    let said = [format!("No keys for the audio of {name}"), text, remedy.to_owned()];
    trouble(leg, TroubleKind::NotSecured, Severity::Error, said)
}

fn no_audio(leg: &LegFacts, time: Duration) -> Trouble {
    let (why, remedy) = why_silent(leg);
    let text = format!("No audio from {} for {} s: {why}", leg.name, time.as_secs());
    let said = [format!("No audio from {}", leg.name), text, remedy];
    trouble(leg, TroubleKind::NoAudio, Severity::Error, said)
}

/// Why nothing is heard, and what to do.
fn why_silent(leg: &LegFacts) -> (String, String) {
    let said = leg.sdp.map_or_else(|| "no address".to_owned(), |sdp| sdp.to_string());
    if let Some(from) = leg.condition.refused {
        let is_known = leg.sdp.is_some_and(|sdp| sdp.ip() == from.ip()) || leg.signalling == from.ip();
        let why = if is_known {
            "because an address that changes is followed only after five packets in a row and 200 ms without any from \
             the one before"
        } else {
            "because neither the SDP nor the SIP messages come from that host, and anybody could send there"
        };
        let remedy = if is_known {
            "Look whether two devices send at once, or a router gives each packet another port."
        } else {
            "Let the other side name the address that its media really leave from, or send SIP and media from the same \
             host; switch off what rewrites SDP on the way (SIP ALG)."
        };
        let why = format!("the SDP said {said}, packets come from {from} and are not taken, {why}.");
        return (why, remedy.to_owned());
    }
    if leg.condition.was_heard {
        let why = format!("it was heard before, and nothing comes from {said} any more.");
        let remedy = "Its connection may be lost, or it sends nothing while nobody speaks (silence suppression): switch \
                      that off in the telephone.";
        return (why, remedy.to_owned());
    }
    let elsewhere = leg.sdp.filter(|sdp| is_private(sdp.ip()) && sdp.ip() != leg.signalling);
    if elsewhere.is_some() {
        let why = format!(
            "nothing came yet. The SDP said {said}, an address of a private network, while its SIP comes from {}: a \
             router between translates SIP but not media.",
            leg.signalling
        );
        let remedy = "Let the telephone learn its public address (STUN, \"external address\"), and let UDP through to \
                      the ports of [media].";
        return (why, remedy.to_owned());
    }
    let why = format!("nothing came yet. The SDP said {said}.");
    let remedy = "Check that the other side can reach the address of [media] advertise, and that its firewall and ours \
                  let UDP through to the ports of [media].";
    (why, remedy.to_owned())
}

fn unusable(leg: &LegFacts) -> Trouble {
    let codec = if leg.codec.is_empty() { "nothing" } else { leg.codec };
    let said = [
        format!("{} sends audio that cannot be used", capital(&leg.name)),
        format!("{} sends audio in a codec that was not agreed: {codec} was.", capital(&leg.name)),
        "Switch off all codecs but PCMU and PCMA in the telephone or the gateway.".to_owned(),
    ];
    trouble(leg, TroubleKind::UnusableAudio, Severity::Warning, said)
}

fn loss(leg: &LegFacts) -> Trouble {
    let said = [
        format!("Audio from {} is lost", leg.name),
        format!(
            "{} % of the audio from {} is lost on the way to us: words are missing.",
            leg.condition.loss, leg.name
        ),
        "Look for a wireless or busy connection on that side; give voice its priority there (DSCP EF)."
            .to_owned(),
    ];
    trouble(leg, TroubleKind::Loss, Severity::Warning, said)
}

fn loss_there(leg: &LegFacts) -> Trouble {
    let percent = leg.condition.loss_there;
    let said = [
        format!("Audio to {} is lost", leg.name),
        format!("{percent} % of our audio does not reach {}, by its own reports.", leg.name),
        "Look for a busy connection between here and there; give voice its priority (DSCP EF).".to_owned(),
    ];
    trouble(leg, TroubleKind::LossThere, Severity::Warning, said)
}

fn jitter(leg: &LegFacts) -> Trouble {
    let said = [
        format!("Audio from {} comes unevenly", leg.name),
        format!(
            "Audio from {} comes unevenly (jitter {} ms): more than a telephone evens out, so that it stutters.",
            leg.name, leg.condition.jitter_ms
        ),
        "Look for a wireless or busy connection on that side.".to_owned(),
    ];
    trouble(leg, TroubleKind::Jitter, Severity::Warning, said)
}

fn on_hold(leg: &LegFacts) -> Trouble {
    let speaks = if leg.speaks { "but sends some" } else { "and sends none" };
    let said = [
        format!("{} is on hold", capital(&leg.name)),
        format!("{} has put the call on hold: it wants no audio {speaks}.", capital(&leg.name)),
        "It ends when the call is taken back there.".to_owned(),
    ];
    trouble(leg, TroubleKind::OnHold, Severity::Info, said)
}

/// RFC 1918, RFC 6598, link-local and unique local addresses.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(60_000);

    fn facts() -> LegFacts {
        LegFacts {
            leg: 0,
            name: "the caller".to_owned(),
            sdp: "10.1.2.3:4000".parse().ok(),
            signalling: "198.51.100.7".parse().unwrap(),
            codec: "PCMU",
            condition: Condition::default(),
            hears: true,
            speaks: true,
            unacknowledged_since: None,
        }
    }

    fn silent(change: impl FnOnce(&mut Condition)) -> LegFacts {
        let mut condition =
            Condition { silent_since: Some(Instant::from_millis(57_000)), ..Condition::default() };
        change(&mut condition);
        LegFacts { condition, ..facts() }
    }

    fn with(change: impl FnOnce(&mut Condition)) -> LegFacts {
        let mut leg = facts();
        change(&mut leg.condition);
        leg
    }

    #[test]
    fn an_answer_that_is_not_acknowledged_is_mended_at_the_key_that_there_is() {
        let remedy = not_acknowledged(&facts(), Duration::from_secs(8)).remedy;
        assert!(remedy.contains("[[sip.listen]] advertise"), "{remedy}");
    }

    #[test]
    fn each_trouble_is_said_in_words() {
        let from = |text: &str| text.parse::<SocketAddr>().ok();
        for (leg, expected) in [
            (facts(), ""),
            (
                silent(|c| c.refused = from("127.0.0.9:5000")),
                "No audio from the caller for 3 s: the SDP said 10.1.2.3:4000, packets come from 127.0.0.9:5000 and are \
                 not taken, because neither the SDP nor the SIP messages come from that host, and anybody could send \
                 there.",
            ),
            (
                silent(|c| c.refused = from("198.51.100.7:9")),
                "No audio from the caller for 3 s: the SDP said 10.1.2.3:4000, packets come from 198.51.100.7:9 and are \
                 not taken, because an address that changes is followed only after five packets in a row and 200 ms \
                 without any from the one before.",
            ),
            (
                silent(|c| c.was_heard = true),
                "No audio from the caller for 3 s: it was heard before, and nothing comes from 10.1.2.3:4000 any more.",
            ),
            (
                silent(|_| ()),
                "No audio from the caller for 3 s: nothing came yet. The SDP said 10.1.2.3:4000, an address of a private \
                 network, while its SIP comes from 198.51.100.7: a router between translates SIP but not media.",
            ),
            (
                LegFacts { sdp: from("198.51.100.7:4000"), ..silent(|_| ()) },
                "No audio from the caller for 3 s: nothing came yet. The SDP said 198.51.100.7:4000.",
            ),
            (
                with(|c| c.is_unusable = true),
                "The caller sends audio in a codec that was not agreed: PCMU was.",
            ),
            (
                with(|c| c.loss = 12),
                "12 % of the audio from the caller is lost on the way to us: words are missing.",
            ),
            (with(|c| c.loss_there = 7), "7 % of our audio does not reach the caller, by its own reports."),
            (
                with(|c| c.jitter_ms = 80),
                "Audio from the caller comes unevenly (jitter 80 ms): more than a telephone evens out, so that it \
                 stutters.",
            ),
            (
                LegFacts { hears: false, speaks: false, ..facts() },
                "The caller has put the call on hold: it wants no audio and sends none.",
            ),
            (
                LegFacts { unacknowledged_since: Some(Instant::from_millis(55_000)), ..silent(|_| ()) },
                "Our answer to the caller was not acknowledged for 5 s, so the call ends after 32 s. The 200 OK does not \
                 reach 198.51.100.7, or the ACK does not reach us.",
            ),
            (LegFacts { unacknowledged_since: Some(Instant::from_millis(59_000)), ..facts() }, ""),
        ] {
            let found = troubles(NOW, &[leg]);
            let texts: Vec<_> = found.iter().map(|trouble| trouble.text.as_str()).collect();
            assert_eq!(texts.join("\n"), expected);
            assert!(found.iter().all(|trouble| trouble.remedy.ends_with('.') && trouble.short.len() < 60));
        }
    }

    #[test]
    fn the_worst_trouble_stands_first() {
        let agent = |leg: LegFacts| LegFacts { leg: 1, name: "alice".to_owned(), ..leg };
        let found = troubles(NOW, &[with(|c| c.loss = 9), agent(silent(|c| c.jitter_ms = 60))]);
        let kinds: Vec<_> = found.iter().map(|trouble| (trouble.leg, trouble.kind)).collect();
        assert_eq!(kinds, [(1, TroubleKind::NoAudio), (0, TroubleKind::Loss), (1, TroubleKind::Jitter)]);
        assert_eq!(found[0].short, "No audio from alice");
    }
}
