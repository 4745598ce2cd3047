use super::*;
use crate::sdp::{
    Agreed, Capability, Direction, Local, Protection, Refusal, Wish, accept_answer, answer, offer,
};

const CAPABILITIES: &[Capability] = &[Capability::fixed("PCMU", 0), Capability::fixed("PCMA", 8)];
const UFRAG_OF_PEER: &str = "EsAw";
const PASSWORD_OF_PEER: &str = "P2uYro0UCOQ4zxjKXaWCBui1";

fn local(is_offered: bool) -> Local {
    let handshake = LocalHandshake {
        ufrag: "ours+/12".to_owned(),
        password: "a/password+of/ours+12345".to_owned(),
        fingerprint: (0..32).collect(),
        is_offered,
        role: None,
    };
    let protection = Protection { wish: Wish::AsOffered, ..Protection::default() };
    let address = "192.0.2.1".parse().unwrap();
    Local { address, rtp_port: 20_000, protection, handshake: Some(handshake), ..Local::default() }
}

/// What a browser says, with other lines of the audio stream in place of some of its own.
fn browser(lines: &str) -> Description {
    let text = format!(
        "v=0\r\no=- 46117317 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 1 a\r\n\
         a=extmap-allow-mixed\r\na=msid-semantic: WMS s\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
         c=IN IP4 0.0.0.0\r\na=mid:1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 110\r\nc=IN IP4 0.0.0.0\r\n\
         a=rtcp:9 IN IP4 0.0.0.0\r\na=candidate:1 1 udp 2113937151 0a1b.local 54400 typ host\r\n\
         a=ice-ufrag:{UFRAG_OF_PEER}\r\na=ice-pwd:{PASSWORD_OF_PEER}\r\na=ice-options:trickle\r\n\
         a=mid:a\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n{lines}"
    );
    Description::parse(text.as_bytes()).unwrap()
}

fn line(length: usize) -> String {
    format!("a=fingerprint:sha-256 {}\r\n", fingerprint(length))
}

fn answered(lines: &str) -> Result<(Description, Agreed), Refusal> {
    answer(&browser(lines), CAPABILITIES, &local(false))
}

#[test]
fn a_browser_is_answered_by_a_lite_agent_that_waits_for_its_handshake() {
    let (ours, agreed) = answered(&format!("{}a=setup:actpass\r\na=sendrecv\r\n", line(32))).unwrap();
    let text = ours.to_string();
    for wanted in [
        "a=ice-lite\r\n",
        "a=group:BUNDLE a\r\n",
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n",
        "m=audio 20000 UDP/TLS/RTP/SAVPF 0\r\n",
        "a=ice-ufrag:ours+/12\r\na=ice-pwd:a/password+of/ours+12345\r\n",
        "a=candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host\r\n",
        "a=fingerprint:sha-256 00:01:02:",
        ":1F\r\n",
        "a=setup:passive\r\na=rtcp-mux\r\na=mid:a\r\n",
    ] {
        assert!(text.contains(wanted), "{wanted:?} in {text}");
    }
    assert!(!text.contains("a=crypto"));
    let handshake = agreed.handshake.unwrap();
    assert_eq!((handshake.role, handshake.mux), (Setup::Passive, true));
    assert_eq!(handshake.ice, Some((UFRAG_OF_PEER.to_owned(), PASSWORD_OF_PEER.to_owned())));
    assert_eq!(handshake.fingerprints[0].value, [0xAB; 32]);
    assert_eq!(agreed.direction, Direction::SendReceive, "an address that stands for none is no hold here");
    assert_eq!(agreed.protected, None);
}

#[test]
fn who_begins_is_settled_once() {
    for (setup, ours) in
        [("actpass", "passive"), ("active", "passive"), ("passive", "active"), ("", "passive")]
    {
        let (text, _) = answered(&format!("{}a=setup:{setup}\r\n", line(32))).unwrap();
        assert!(text.to_string().contains(&format!("a=setup:{ours}\r\n")), "{setup}");
    }
    let mut local = local(false);
    local.handshake.as_mut().unwrap().role = Some(Setup::Active);
    let offer = browser(&format!("{}a=setup:actpass\r\n", line(32)));
    let (text, _) = answer(&offer, CAPABILITIES, &local).unwrap();
    assert!(text.to_string().contains("a=setup:active\r\n"));
}

#[test]
fn what_cannot_be_checked_is_refused_in_words() {
    for lines in ["", "a=fingerprint:sha-1 AB:CD\r\n", &line(31)] {
        assert_eq!(answered(lines).unwrap_err(), Refusal::NoFingerprint, "{lines}");
    }
    let offer = browser(&line(32));
    let without = Local { handshake: None, ..local(false) };
    assert!(matches!(answer(&offer, CAPABILITIES, &without), Err(Refusal::Protocol(_))));
    let off = Local { protection: Protection::default(), ..local(false) };
    assert_eq!(answer(&offer, CAPABILITIES, &off).unwrap_err(), Refusal::Encrypted);
}

#[test]
fn without_checks_the_address_of_the_description_counts() {
    let text = format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{}a=setup:actpass\r\n\
         m=audio 4000 UDP/TLS/RTP/SAVP 8\r\n",
        line(32)
    );
    let offer = Description::parse(text.as_bytes()).unwrap();
    let (ours, agreed) = answer(&offer, CAPABILITIES, &local(false)).unwrap();
    let handshake = agreed.handshake.unwrap();
    assert_eq!((handshake.ice, handshake.mux), (None, false));
    assert_eq!(agreed.remote_rtp, "192.0.2.9:4000".parse().unwrap());
    assert_eq!(agreed.remote_rtcp.port(), 0, "RTCP would want a handshake of its own");
    let ours = ours.to_string();
    assert!(!ours.contains("ice") && !ours.contains("candidate") && !ours.contains("rtcp-mux"), "{ours}");
}

#[test]
fn what_we_offer_a_browser_is_what_it_takes() {
    let ours = offer(CAPABILITIES, &[0, 1], &[], 20, &local(true));
    let text = ours.to_string();
    for wanted in [
        "a=ice-lite\r\n",
        "a=group:BUNDLE 0\r\n",
        "m=audio 20000 UDP/TLS/RTP/SAVPF 0 8\r\n",
        "a=setup:actpass\r\na=rtcp-mux\r\na=mid:0\r\n",
        "typ host\r\n",
    ] {
        assert!(text.contains(wanted), "{wanted:?} in {text}");
    }
    let theirs = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8\r\n\
         c=IN IP4 0.0.0.0\r\na=ice-ufrag:{UFRAG_OF_PEER}\r\na=ice-pwd:{PASSWORD_OF_PEER}\r\n{}\
         a=setup:active\r\na=mid:0\r\na=rtcp-mux\r\n",
        line(32)
    );
    let theirs = Description::parse(theirs.as_bytes()).unwrap();
    let agreed = accept_answer(&ours, &theirs, CAPABILITIES, None).unwrap();
    assert_eq!((agreed.codec, agreed.handshake.unwrap().role), (1, Setup::Passive));
    let plain =
        "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
    let plain = Description::parse(plain.as_bytes()).unwrap();
    assert_eq!(accept_answer(&ours, &plain, CAPABILITIES, None).unwrap_err(), Refusal::Plain);
    let unasked = offer(CAPABILITIES, &[0, 1], &[], 20, &local(false));
    assert!(matches!(accept_answer(&unasked, &theirs, CAPABILITIES, None), Err(Refusal::Protocol(_))));
}

fn fingerprint(length: usize) -> String {
    vec!["AB"; length].join(":")
}

#[test]
fn a_fingerprint_is_read_where_its_hash_is_known_and_its_length_right() {
    for (value, length) in [
        (format!("sha-256 {}", fingerprint(32)), Some(32)),
        (format!("SHA-384 {}", fingerprint(48).to_lowercase()), Some(48)),
        (format!("sha-512 {}", fingerprint(64)), Some(64)),
        (format!("sha-1 {}", fingerprint(20)), None),
        (format!("sha-256 {}", fingerprint(31)), None),
        (format!("sha-256 {}", fingerprint(32).replace(':', "-")), None),
        (format!("sha-256 {}", fingerprint(32).replacen("AB", "+B", 1)), None),
        (fingerprint(32), None),
        (String::new(), None),
    ] {
        let read = PeerFingerprint::parse(&value).map(|fingerprint| fingerprint.value.len());
        assert_eq!(read, length, "{value}");
    }
}
