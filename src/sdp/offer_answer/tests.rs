use super::*;
use crate::sdp::crypto::{KEY_AND_SALT, KeyAndSalt};

const CAPABILITIES: &[Capability] = &[Capability::fixed("PCMU", 0), Capability::fixed("PCMA", 8)];

fn local() -> Local {
    let address = "127.0.0.1".parse().unwrap();
    Local {
        address,
        rtp_port: 20_000,
        session_id: 7,
        session_version: 1,
        direction: Direction::SendReceive,
        ..Local::default()
    }
}

fn phone(media: &str) -> Description {
    let text = format!("v=0\r\no=a 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{media}");
    Description::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_first_codec_of_the_offer_that_we_have_is_taken() {
    let table = [
        ("m=audio 4000 RTP/AVP 0 8\r\n", 0, 0),
        ("m=audio 4000 RTP/AVP 8 0\r\n", 1, 8),
        ("m=audio 4000 RTP/AVP 9 18 8\r\n", 1, 8),
        ("m=audio 4000 RTP/AVP 97 0\r\na=rtpmap:97 pcma/8000\r\n", 1, 97),
        ("m=audio 4000 RTP/AVP 97 0\r\na=rtpmap:97 PCMA/8000/1\r\n", 1, 97),
        ("m=audio 4000 RTP/AVP 97 0\r\na=rtpmap:97 PCMA/16000\r\n", 0, 0),
        ("m=audio 4000 RTP/AVP 97 0\r\na=rtpmap:97 PCMA/8000/2\r\n", 0, 0),
    ];
    for (media, codec, payload_type) in table {
        let (_, agreed) = answer(&phone(media), CAPABILITIES, &local()).unwrap();
        assert_eq!((agreed.codec, agreed.payload_type), (codec, payload_type), "{media}");
    }
}

#[test]
fn an_answer_has_one_stream_for_each_offered_and_refuses_all_but_the_first_audio() {
    let offer = phone(
        "m=video 5000 RTP/AVP 96\r\nm=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\nm=audio 4002 RTP/AVP 0\r\n",
    );
    let (text, agreed) = answer(&offer, CAPABILITIES, &local()).unwrap();
    let ports: Vec<u16> = text.media.iter().map(|m| m.port).collect();
    assert_eq!(ports, [0, 0, 20_000, 0]);
    assert_eq!(agreed.remote_rtp, "192.0.2.9:4000".parse().unwrap());
    assert_eq!(agreed.telephone_event, Some(TelephoneEvent { clock_rate: 8_000, send: 101, receive: 101 }));
}

#[test]
fn direction_is_answered_by_the_table_of_rfc_3264() {
    use Direction::*;
    let table = [
        ("", "sendrecv", SendReceive),
        ("a=sendrecv\r\n", "sendrecv", SendReceive),
        ("a=sendonly\r\n", "recvonly", ReceiveOnly),
        ("a=recvonly\r\n", "sendonly", SendOnly),
        ("a=inactive\r\n", "inactive", Inactive),
        ("c=IN IP4 0.0.0.0\r\n", "recvonly", ReceiveOnly),
        ("c=IN IP4 0.0.0.0\r\na=recvonly\r\n", "inactive", Inactive),
    ];
    for (line, name, direction) in table {
        let (text, agreed) =
            answer(&phone(&format!("m=audio 4000 RTP/AVP 0\r\n{line}")), CAPABILITIES, &local()).unwrap();
        assert_eq!(agreed.direction, direction, "{line}");
        assert!(text.media[0].has(name), "{line}");
    }
}

/// The table of RFC 3264 section 6.1, over all that a peer can offer in each of its ways, and all that we may want.
#[test]
fn an_answer_has_the_direction_that_both_want_however_the_offer_says_it() {
    use Direction::*;
    let all = [SendReceive, SendOnly, ReceiveOnly, Inactive];
    let places = ["", "c=IN IP4 0.0.0.0\r\n", "c=IN IP6 ::\r\n", "c=IN IP6 ::ffff:0.0.0.0\r\n"];
    for (offered, wanted) in all.into_iter().flat_map(|o| all.map(|w| (o, w))) {
        for (in_session, is_explicit) in [(false, true), (true, true), (false, false)] {
            for place in places {
                let line = if is_explicit { format!("a={}\r\n", offered.name()) } else { String::new() };
                let (session, media) = if in_session { (&*line, "") } else { ("", &*line) };
                let offer =
                    phone(&format!("{session}m=audio 4000 RTP/AVP 0\r\na=fmtp:0 x\r\n{place}{media}"));
                let ours = Local { direction: wanted, ..local() };
                let (text, agreed) = answer(&offer, CAPABILITIES, &ours).unwrap();
                let what = format!("{offered:?} in session {in_session}, {place:?}, we want {wanted:?}");
                let peer = if is_explicit { offered } else { SendReceive };
                let sends = peer.receives() && wanted.sends() && place.is_empty();
                let receives = peer.sends() && wanted.receives();
                assert_eq!(
                    (agreed.direction.sends(), agreed.direction.receives()),
                    (sends, receives),
                    "{what}"
                );
                assert_eq!(direction(&text, &text.media[0]), agreed.direction, "{what}: the text says it");
                assert_eq!(text.media[0].port, 20_000, "{what}: held is not refused");
                // The offerer reads the same from the answer.
                let back = agreed.direction.reversed();
                assert_eq!(back.within(peer), back, "{what}: no more than was offered");
            }
        }
    }
}

#[test]
fn a_streams_own_direction_and_address_count_before_those_of_the_session() {
    let offer = phone("a=sendonly\r\nm=audio 4000 RTP/AVP 0\r\na=inactive\r\n");
    assert_eq!(answer(&offer, CAPABILITIES, &local()).unwrap().1.direction, Direction::Inactive);
    let text = "v=0\r\no=a 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
                m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\n";
    let offer = Description::parse(text.as_bytes()).unwrap();
    assert_eq!(answer(&offer, CAPABILITIES, &local()).unwrap().1.direction, Direction::SendReceive);
}

#[test]
fn an_answer_that_takes_more_than_we_offered_gets_no_more() {
    let ours =
        offer(CAPABILITIES, &[0], &[(101, 8_000)], 20, &Local { direction: Direction::SendOnly, ..local() });
    let agreed = accept_answer(&ours, &phone("m=audio 4000 RTP/AVP 0\r\n"), CAPABILITIES, None).unwrap();
    assert_eq!(agreed.direction, Direction::SendOnly);
}

#[test]
fn ptime_is_the_peers_wish_in_tens_between_10_and_60() {
    for (lines, ptime) in [
        ("", 20),
        ("a=ptime:10\r\n", 10),
        ("a=ptime:30\r\n", 30),
        ("a=ptime:60\r\n", 60),
        ("a=ptime:200\r\n", 60),
        ("a=ptime:1\r\n", 10),
        ("a=ptime:25\r\n", 20),
        ("a=ptime:40\r\na=maxptime:20\r\n", 20),
        ("a=ptime:NaN\r\n", 20),
        ("a=ptime:-5\r\n", 20),
    ] {
        let (_, agreed) =
            answer(&phone(&format!("m=audio 4000 RTP/AVP 0\r\n{lines}")), CAPABILITIES, &local()).unwrap();
        assert_eq!(agreed.ptime_ms, ptime, "{lines}");
    }
}

#[test]
fn nothing_is_sent_to_groups_of_hosts() {
    let to =
        |line: &str| answer(&phone(&format!("m=audio 4000 RTP/AVP 0\r\n{line}")), CAPABILITIES, &local());
    for line in [
        "c=IN IP4 224.2.1.1/127\r\n",
        "c=IN IP4 239.255.0.1\r\n",
        "c=IN IP4 255.255.255.255\r\n",
        "c=IN IP6 ff15::101\r\n",
        "c=IN IP6 ::ffff:224.2.1.1\r\n",
        "a=rtcp:4001 IN IP4 224.2.1.1\r\n",
    ] {
        assert!(matches!(to(line), Err(Refusal::NotUnicast(_))), "{line}");
    }
    assert!(to("c=IN IP4 192.0.2.1\r\n").is_ok());
}

#[test]
fn a_refusal_says_what_the_peer_has_and_what_we_have() {
    let wrong = phone("m=audio 4000 RTP/AVP 18 77 96\r\na=rtpmap:96 opus/48000/2\r\n");
    let refusal = answer(&wrong, CAPABILITIES, &local()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "no codec in common: the peer has G729, 77, opus; this server has PCMU, PCMA"
    );
    for (media, code) in [
        ("m=video 4000 RTP/AVP 96\r\n", 304),
        ("m=audio 0 RTP/AVP 0\r\n", 304),
        ("", 304),
        ("m=audio 4000 UDP/TLS/RTP/SAVP 0\r\n", 302),
        ("m=audio 4000 RTP/SAVP 0\r\n", 306),
        ("m=audio 4000 RTP/AVP 18\r\n", 305),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 phone.example\r\n", 300),
    ] {
        assert_eq!(
            answer(&phone(media), CAPABILITIES, &local()).unwrap_err().warning_code(),
            code,
            "{media}"
        );
    }
}

#[test]
fn the_answer_to_our_offer_is_read_with_both_sides_event_numbers() {
    let ours = offer(CAPABILITIES, &[1, 0], &[(101, 8_000)], 20, &local());
    assert_eq!(ours.media[0].formats, ["8", "0", "101"]);
    let theirs = phone("m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=sendonly\r\n");
    let agreed = accept_answer(&ours, &theirs, CAPABILITIES, None).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type), (0, 0));
    assert_eq!(agreed.receive, [(8, 1), (0, 0)]);
    assert_eq!(agreed.telephone_event, Some(TelephoneEvent { clock_rate: 8_000, send: 96, receive: 101 }));
    assert_eq!(agreed.direction, Direction::ReceiveOnly);
}

#[test]
fn rtcp_goes_where_rfc_3605_says() {
    for (line, expected) in [
        ("", "192.0.2.9:4001"),
        ("a=rtcp:5555\r\n", "192.0.2.9:5555"),
        ("a=rtcp:5555 IN IP4 192.0.2.77\r\n", "192.0.2.77:5555"),
        ("a=rtcp:0\r\n", "192.0.2.9:4001"),
    ] {
        let (_, agreed) =
            answer(&phone(&format!("m=audio 4000 RTP/AVP 0\r\n{line}")), CAPABILITIES, &local()).unwrap();
        assert_eq!(agreed.remote_rtcp, expected.parse().unwrap(), "{line}");
    }
}

#[test]
fn an_address_of_the_other_family_is_refused() {
    let wrong = phone("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::9\r\n");
    let refusal = answer(&wrong, CAPABILITIES, &local()).unwrap_err();
    assert_eq!((refusal.warning_code(), refusal), (301, Refusal::Family("2001:db8::9".parse().unwrap())));
}

const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

fn with_wish(wish: Wish) -> Local {
    let keys = [KeyAndSalt([1; KEY_AND_SALT]), KeyAndSalt([2; KEY_AND_SALT])];
    Local { protection: Protection { wish, keys }, ..local() }
}

fn stream(protocol: &str, lines: &[String]) -> Description {
    let lines: String = lines.iter().map(|line| format!("a=crypto:{line}\r\n")).collect();
    let text = format!(
        "v=0\r\no=a 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 {protocol} 0\r\n{lines}"
    );
    Description::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_stream_is_protected_where_both_sides_can_and_refused_where_one_of_them_has_to() {
    use Wish::{AsOffered, Off, Prefer, Require};
    let weak = format!("1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^31");
    let strong = format!("2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let foreign = format!("3 AEAD_AES_256_GCM inline:{KEY}");
    let (plain, weak_key, strong_key) = (Ok(None), Ok(Some((1, 2))), Ok(Some((2, 1))));
    for (wish, protocol, lines, expected) in [
        (AsOffered, "RTP/AVP", &[][..], plain.clone()),
        (AsOffered, "RTP/SAVP", &[weak.clone(), strong.clone()], weak_key.clone()),
        (AsOffered, "RTP/SAVP", &[foreign.clone(), strong.clone()], strong_key.clone()),
        (AsOffered, "RTP/AVP", std::slice::from_ref(&strong), strong_key.clone()),
        (AsOffered, "RTP/SAVP", std::slice::from_ref(&foreign), Err(Refusal::NoKey)),
        (AsOffered, "RTP/SAVP", &[], Err(Refusal::NoKey)),
        (Off, "RTP/SAVP", std::slice::from_ref(&strong), Err(Refusal::Encrypted)),
        (Off, "RTP/AVP", std::slice::from_ref(&strong), plain.clone()),
        (Prefer, "RTP/AVP", &[], plain),
        (Require, "RTP/AVP", &[], Err(Refusal::Plain)),
        (Require, "RTP/AVP", std::slice::from_ref(&strong), strong_key),
        (Require, "RTP/SAVP", std::slice::from_ref(&weak), weak_key),
    ] {
        let answered = answer(&stream(protocol, lines), CAPABILITIES, &with_wish(wish));
        let got = answered.map(|(ours, agreed)| {
            assert_eq!(ours.media[0].protocol, protocol);
            let line = ours.media[0].attribute("crypto").and_then(Crypto::parse);
            assert_eq!(line.is_some(), agreed.protected.is_some());
            line.map(|line| (line.tag, line.key_and_salt[0]))
        });
        assert_eq!(got, expected, "{wish:?} {protocol} {lines:?}");
    }
}

#[test]
fn an_offer_has_a_key_for_each_suite_and_the_answer_says_which_is_used() {
    let line = |tag: u32, suite: Suite| Crypto { tag, suite, key_and_salt: [9; KEY_AND_SALT] }.line();
    for (wish, protocol, offered_lines) in [
        (Wish::AsOffered, "RTP/AVP", 0),
        (Wish::Off, "RTP/AVP", 0),
        (Wish::Prefer, "RTP/AVP", 2),
        (Wish::Require, "RTP/SAVP", 2),
    ] {
        let ours = offer(CAPABILITIES, &[0, 1], &[(101, 8_000)], 20, &with_wish(wish));
        assert_eq!(ours.media[0].protocol, protocol);
        assert_eq!(ours.media[0].attributes("crypto").count(), offered_lines, "{wish:?}");
    }
    let ours = offer(CAPABILITIES, &[0, 1], &[(101, 8_000)], 20, &with_wish(Wish::Require));
    let settled = |answer: Description| {
        accept_answer(&ours, &answer, CAPABILITIES, None)
            .map(|agreed| agreed.protected.map(|keys| (keys.suite, keys.ours.0[0], keys.theirs.0[0])))
    };
    let (strong, weak) = (Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32);
    assert_eq!(settled(stream("RTP/SAVP", &[line(1, strong)])), Ok(Some((strong, 1, 9))));
    assert_eq!(settled(stream("RTP/SAVP", &[line(2, weak)])), Ok(Some((weak, 2, 9))));
    assert_eq!(
        settled(stream("RTP/SAVP", &[line(2, strong)])),
        Err(Refusal::NoKey),
        "that tag is another suite's"
    );
    assert_eq!(settled(stream("RTP/SAVP", &[])), Err(Refusal::NoKey));
    assert_eq!(settled(stream("RTP/AVP", &[])), Err(Refusal::Plain));
    let may_be_plain = offer(CAPABILITIES, &[0, 1], &[(101, 8_000)], 20, &with_wish(Wish::Prefer));
    let agreed = accept_answer(&may_be_plain, &stream("RTP/AVP", &[]), CAPABILITIES, None).unwrap();
    assert_eq!(agreed.protected, None);
    let never = offer(CAPABILITIES, &[0, 1], &[(101, 8_000)], 20, &local());
    assert_eq!(
        accept_answer(&never, &stream("RTP/SAVP", &[line(1, strong)]), CAPABILITIES, None),
        Err(Refusal::NoKey)
    );
}
