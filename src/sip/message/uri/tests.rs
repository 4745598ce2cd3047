use super::*;

fn uri(text: &str) -> SipUri {
    SipUri::parse(text).unwrap_or_else(|| panic!("{text} is a URI"))
}

#[test]
fn the_parts_of_a_uri_are_found() {
    type Row = (&'static str, Scheme, &'static str, &'static str, Option<u16>, Option<&'static str>);
    let rows: [Row; 10] = [
        ("sip:john.smith@h.example", Scheme::Sip, "john.smith", "h.example", None, None),
        ("SIP:a@H.Example:5061;Transport=TCP", Scheme::Sip, "a", "h.example", Some(5061), Some("tcp")),
        ("sips:h.example;lr", Scheme::Sips, "", "h.example", None, None),
        ("sip:a:secret@192.0.2.1", Scheme::Sip, "a", "192.0.2.1", None, None),
        (
            "sip:a@[2001:db8::1]:5070;transport=udp",
            Scheme::Sip,
            "a",
            "[2001:db8::1]",
            Some(5070),
            Some("udp"),
        ),
        (
            "sip:user;par=u%40example.net@example.com",
            Scheme::Sip,
            "user;par=u@example.net",
            "example.com",
            None,
            None,
        ),
        ("sip:%75se%72@h?Subject=a%20b&x=y", Scheme::Sip, "user", "h", None, None),
        ("tel:+1-555-0100;phone-context=example.com", Scheme::Tel, "+1-555-0100", "", None, None),
        ("tel:7042", Scheme::Tel, "7042", "", None, None),
        ("isbn:2983792873", Scheme::Other, "", "", None, None),
    ];
    for (text, scheme, user, host, port, transport) in rows {
        let uri = uri(text);
        assert_eq!(uri.scheme(), scheme, "{text}");
        assert_eq!(uri.user(), user, "{text}");
        assert_eq!(uri.host().to_string(), host, "{text}");
        assert_eq!(uri.port(), port, "{text}");
        assert_eq!(uri.transport().as_deref(), transport, "{text}");
        assert_eq!(uri.to_string(), text);
    }
    assert_eq!(uri("sip:%75se%72@h?Subject=a%20b&x=y").headers(), Some("Subject=a%20b&x=y"));
}

#[test]
fn what_is_no_uri_is_refused() {
    for text in [
        "",
        "sip",
        "sip:",
        ":a",
        "1sip:a",
        "sip:@h",
        "sip:a@",
        "sip:a@h:",
        "sip:a@h:0",
        "sip:a@h:65536",
        "sip:a@h:5x",
        "sip:a@[2001:db8:::1]",
        "sip:a@[2001:db8::::192.0.2.1]",
        "sip:2001:db8::10",
        "sip:a@h;",
        "sip:a@h;;x",
        "sip:a@h;x=",
        "sip:a b@h",
        "sip:a%4@h",
        "sip:a@b@h",
        "<sip:a@h>",
        "sip:a@h\r\n",
        "tel:",
        "tel:abcz",
        "sip:a@h<",
        "sip:a@[::1",
        "sip:a@h[",
        "sip:a@-\u{e9}",
    ] {
        assert!(SipUri::parse(text).is_none(), "{text:?}");
    }
    assert!(SipUri::parse(&format!("sip:{}@h", "a".repeat(URI_BYTES_MAX))).is_none());
}

#[test]
fn uris_are_equal_as_rfc_3261_19_1_4_lists() {
    for (a, b) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1-555-0100", "tel:+1(555)0100"),
    ] {
        assert!(uri(a) == uri(b) && uri(b) == uri(a), "{a} equals {b}");
    }
    for (a, b) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@h", "sips:a@h"),
        ("sip:a:x@h", "sip:a:y@h"),
    ] {
        assert!(uri(a) != uri(b) && uri(b) != uri(a), "{a} differs from {b}");
    }
}

#[test]
fn a_built_uri_escapes_its_user() {
    let built = SipUri::sip("a b@c#", "h.example", Some(5070)).map(|uri| (uri.to_string(), uri.user()));
    assert_eq!(built, Some(("sip:a%20b%40c%23@h.example:5070".to_owned(), "a b@c#".to_owned())));
    assert_eq!(
        SipUri::sip("", "192.0.2.1", None).map(|uri| uri.to_string()),
        Some("sip:192.0.2.1".to_owned())
    );
}
