use super::*;
use crate::call::number_rule::NumberFormat;
use crate::sip::message::{Message, parse_datagram};

/// An INVITE with that From and those further headers.
fn invite(from: &str, headers: &[&str]) -> Request {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let text = format!(
        "INVITE sip:+15550100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nFrom: {from};tag=1\r\n\
         To: <sip:+15550100@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n"
    );
    match parse_datagram(text.as_bytes()) {
        Some(Ok(Message::Request(request))) => *Box::new(request),
        other => panic!("no request: {other:?}"),
    }
}

fn policy(caller_from: &[CallerHeader]) -> IdentityPolicy {
    IdentityPolicy {
        caller_from: caller_from.to_vec(),
        diverted_from: vec![DiversionHeader::Diversion, DiversionHeader::HistoryInfo],
        ..IdentityPolicy::default()
    }
}

const ANN: &str = "\"Ann\" <sip:+14155550123@carrier.example>";
const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

#[test]
fn who_calls_is_what_the_first_believed_header_says() {
    use CallerHeader::{AssertedIdentity, From, RemotePartyId};
    let asserted = "P-Asserted-Identity: \"Bo\" <sip:+12025550199@carrier.example>, <tel:+12025550199>";
    let remote = "Remote-Party-ID: \"Cy\" <sip:3125550188@x>;party=calling;screen=yes;privacy=off";
    let called = "Remote-Party-ID: <sip:+15550100@x>;party=called";
    for (believed, from, headers, number, name, is_private) in [
        (&[From][..], ANN, &[asserted][..], "+14155550123", "Ann", false),
        (&[AssertedIdentity, From], ANN, &[asserted], "+12025550199", "Bo", false),
        (&[AssertedIdentity, From], ANN, &[], "+14155550123", "Ann", false),
        (&[AssertedIdentity], ANN, &[], "", "", false),
        (&[RemotePartyId, From], ANN, &[called, remote], "3125550188", "Cy", false),
        (&[RemotePartyId, From], ANN, &[called], "+14155550123", "Ann", false),
        (&[From], ANONYMOUS, &[asserted], "", "", true),
        (&[AssertedIdentity, From], ANONYMOUS, &[asserted], "+12025550199", "Bo", true),
        (&[AssertedIdentity], ANN, &[asserted, "Privacy: id;critical"], "+12025550199", "Bo", true),
        (&[From], ANN, &["Privacy: header"], "+14155550123", "Ann", true),
        (&[From], ANN, &["Privacy: none"], "+14155550123", "Ann", false),
        (&[RemotePartyId], ANN, &["Remote-Party-ID: <sip:+1@x>;privacy=full"], "+1", "", true),
        (&[From], "<sip:192.0.2.7>", &[], "", "", true),
        (&[AssertedIdentity, From], ANN, &["P-Asserted-Identity: <<<"], "+14155550123", "Ann", false),
    ] {
        let found = identify(&invite(from, headers), &policy(believed), &NumberRule::default());
        let got = (found.number.as_str(), found.name.as_str(), found.is_private);
        assert_eq!(got, (number, name, is_private), "{believed:?} {from} {headers:?}");
        let shown = if is_private { ("", "") } else { (number, name) };
        assert_eq!(found.shown(), shown);
    }
}

#[test]
fn the_number_is_kept_as_it_came_beside_what_it_was_read_as() {
    let rule = NumberRule { country: Some(phonenumber::country::Id::US), ..NumberRule::default() };
    let found = identify(&invite("<sip:4155550123@x>", &[]), &IdentityPolicy::default(), &rule);
    assert_eq!((found.number.as_str(), found.raw.as_str()), ("+14155550123", "4155550123"));
    assert_eq!(found.shown_raw().as_deref(), Some("4155550123"));
}

#[test]
fn who_was_called_before_is_read_of_either_header_the_latest_first() {
    let diversion =
        "Diversion: <sip:+15550111@x>;reason=user-busy;counter=1, <sip:+15550112@x>;reason=\"no answer!\"";
    let history = "History-Info: <sip:+15550121@x>;index=1, \
                   <sip:+15550122@x?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1.1, \
                   <sip:+15550100@x;cause=408>;index=1.1.1";
    for (headers, expected) in [
        (&[diversion][..], &[("+15550111", "user-busy"), ("+15550112", "unknown")][..]),
        (&[history], &[("+15550122", "no-answer"), ("+15550121", "user-busy")]),
        (&["History-Info: <sip:+15550100@x>;index=1"], &[]),
        (
            &["Diversion: <sip:anonymous@anonymous.invalid>;reason=unconditional", history],
            &[("+15550122", "no-answer"), ("+15550121", "user-busy")],
        ),
        (&[], &[]),
    ] {
        let found = identify(&invite(ANN, headers), &policy(&[]), &NumberRule::default()).diverted;
        let found: Vec<_> = found.iter().map(|d| (d.number.as_str(), d.reason.as_str())).collect();
        assert_eq!(found, expected, "{headers:?}");
    }
    let nothing = identify(&invite(ANN, &[diversion]), &IdentityPolicy::default(), &NumberRule::default());
    assert_eq!(nothing.diverted, [], "a trunk that is not believed says nothing");
}

#[test]
fn a_list_of_diversions_without_end_is_cut() {
    let long = format!("Diversion: {}", vec!["<sip:1@x>;reason=unknown"; 60].join(", "));
    assert_eq!(
        identify(&invite(ANN, &[&long]), &policy(&[]), &NumberRule::default()).diverted.len(),
        DIVERSIONS_MAX
    );
}

fn call() -> Presented<'static> {
    Presented {
        number: "+14155550123",
        name: "Ann \"Q\"",
        asserted: "+14155550123",
        asserted_name: "Ann",
        sent_on_from: "+15550100",
        diverted: &[],
        target: "+12025550199",
    }
}

#[test]
fn a_call_out_gets_the_headers_that_the_trunk_wants_and_no_others() {
    use WrittenHeader::{
        AssertedIdentity, Diversion, HistoryInfo, PreferredIdentity, Privacy, RemotePartyId,
    };
    let hidden = Presented { number: "", name: "", ..call() };
    let from = "\"Ann \\\"Q\\\"\" <sip:+14155550123@pbx.example>";
    let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    let ann = "\"Ann\" <sip:+14155550123@pbx.example>";
    let all = [AssertedIdentity, PreferredIdentity, RemotePartyId, Privacy];
    for (presented, written, expected_from, expected) in [
        (call(), &[][..], from, vec![]),
        (call(), &[Privacy], from, vec![]),
        (hidden.clone(), &[Privacy], anonymous, vec!["Privacy: id".to_owned()]),
        (hidden.clone(), &[], anonymous, vec![]),
        (
            call(),
            &all,
            from,
            vec![
                format!("P-Asserted-Identity: {ann}"),
                format!("P-Preferred-Identity: {ann}"),
                format!("Remote-Party-ID: {ann};party=calling;screen=yes;privacy=off"),
            ],
        ),
        (
            hidden,
            &all,
            anonymous,
            vec![
                format!("P-Asserted-Identity: {ann}"),
                format!("P-Preferred-Identity: {ann}"),
                format!("Remote-Party-ID: {ann};party=calling;screen=yes;privacy=full"),
                "Privacy: id".to_owned(),
            ],
        ),
        (
            call(),
            &[Diversion, HistoryInfo],
            from,
            vec![
                "Diversion: <sip:+15550100@pbx.example>;reason=unconditional;counter=1".to_owned(),
                "History-Info: <sip:+15550100@pbx.example>;index=1, <sip:+12025550199@pbx.example>;index=1.1"
                    .to_owned(),
            ],
        ),
        (
            Presented { number: "", asserted: "", sent_on_from: "", ..call() },
            &[AssertedIdentity, Diversion],
            anonymous,
            vec![],
        ),
    ] {
        let policy = IdentityPolicy { written: written.to_vec(), ..IdentityPolicy::default() };
        let (from, headers) = present(&presented, &policy, &NumberRule::default(), "pbx.example").unwrap();
        assert_eq!(from.to_string(), expected_from, "{written:?}");
        let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(headers, expected, "{written:?}");
    }
}

#[test]
fn an_account_in_from_or_a_number_of_ones_own_hides_nothing_else_and_no_anonymous_caller() {
    let rule = NumberRule { format: NumberFormat::E164, prefix_out: "0011#".into(), ..NumberRule::default() };
    let asserted = vec![WrittenHeader::AssertedIdentity];
    let account = IdentityPolicy {
        from_user: Some("acme".into()),
        domain: Some("carrier.example".into()),
        written: asserted.clone(),
        ..IdentityPolicy::default()
    };
    let (from, headers) = present(&call(), &account, &rule, "pbx.example").unwrap();
    assert_eq!(from.uri.to_string(), "sip:acme@carrier.example");
    assert_eq!(
        headers[0].1, "\"Ann\" <sip:14155550123@carrier.example>",
        "no prefix is part of a caller's number"
    );
    let own = IdentityPolicy {
        caller_id: Some("+15550199".into()),
        written: asserted,
        ..IdentityPolicy::default()
    };
    let (from, headers) = present(&call(), &own, &NumberRule::default(), "pbx.example").unwrap();
    assert_eq!(from.uri.to_string(), "sip:+15550199@pbx.example");
    assert_eq!(headers[0].1, "\"Ann\" <sip:+15550199@pbx.example>");
    let hidden = Presented { number: "", ..call() };
    let (from, headers) = present(&hidden, &own, &NumberRule::default(), "pbx.example").unwrap();
    assert_eq!(from.uri.to_string(), "sip:anonymous@anonymous.invalid");
    assert_eq!(headers[0].1, "\"Ann\" <sip:+14155550123@pbx.example>");
}

#[test]
fn what_a_caller_writes_into_names_and_numbers_adds_no_header() {
    for hostile in ["x\r\nEvil: 1", "\"><sip:evil@x>", "a;tag=2", "\u{0}", "%0d%0aEvil: 1"] {
        let presented =
            Presented { number: hostile, name: hostile, asserted: hostile, asserted_name: hostile, ..call() };
        let policy = IdentityPolicy {
            written: vec![WrittenHeader::AssertedIdentity, WrittenHeader::RemotePartyId],
            ..IdentityPolicy::default()
        };
        let Some((from, headers)) = present(&presented, &policy, &NumberRule::default(), "pbx.example")
        else {
            continue;
        };
        let values = headers.iter().map(|(_, value)| value.clone()).chain([from.to_string()]);
        for value in values {
            assert!(!value.contains(['\r', '\n', '\u{0}']), "{value:?}");
            let read = NameAddr::parse(&value).expect("an address");
            assert_eq!(read.uri.host().to_string(), "pbx.example", "{value}");
        }
    }
}
