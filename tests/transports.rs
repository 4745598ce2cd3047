//! SIP over TLS, WebSocket and IPv6 on real sockets: calls, certificates, and peers that misbehave.

#![allow(clippy::disallowed_methods, reason = "a test talks to a real server: sockets, files, deadlines")]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use support::certificates::{Authority, Issued, VERSIONS};
use support::stream::{Bytes, Caller, Carrier, tcp, tls};
use support::{PATIENCE, Server, Setup, flows};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, WebSocket, http::HeaderValue};

const ECHO: &str = "+15550920";
const WAITS: &str = "+15550921";
/// The name in the server's certificate.
const NAME: &str = "sip.cordboard.test";

/// A server with listeners of TLS, WS and WSS, and the authority of its certificate.
fn start(name: &str, more: &str) -> (Server, Authority) {
    let authority = Authority::new();
    let mut setup = Setup::new(name).echo(ECHO).tone().flow(WAITS, "waits", &flows::waits());
    authority.issue(&[NAME], 2040).write(&setup.folder, "own");
    std::fs::write(setup.folder.join("ca.pem"), authority.pem()).unwrap();
    let address = setup.address;
    setup.more = format!(
        "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{address}:5061\"\nadvertise = \"{NAME}\"\n\
         [[sip.listen]]\ntransport = \"ws\"\nbind = \"{address}:8088\"\n\
         [[sip.listen]]\ntransport = \"wss\"\nbind = \"{address}:8089\"\norigins = [\"https://console.test\"]\n\
         [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\n{more}\n"
    );
    (setup.start(), authority)
}

fn at(server: &Server, port: u16) -> SocketAddr {
    (server.address, port).into()
}

fn nowhere() -> SocketAddr {
    "127.0.0.1:9".parse().unwrap()
}

/// A caller over TLS.
fn secure_caller(
    server: &Server,
    config: std::sync::Arc<rustls::ClientConfig>,
) -> Caller<Bytes<impl Read + Write>> {
    let stream = tls(at(server, 5061), NAME, config);
    let local = stream.sock.local_addr().unwrap().to_string();
    Caller::new(Bytes(stream), "TLS", &local, &server.address.to_string())
}

fn one_call<C: Carrier>(mut caller: Caller<C>, contact: &str) {
    let ok = caller.invite(ECHO, nowhere());
    assert!(ok.starts_with("SIP/2.0 200"), "{ok}");
    assert!(ok.contains(contact), "{contact} in {ok}");
    caller.end(ECHO, &ok);
}

/// The sample that says when the server's certificate ends.
fn expires(server: &Server) -> String {
    let file = server.folder.join("own.pem");
    format!("cordboard_tls_certificate_expires_seconds{{file=\"{}\"}}", file.display())
}

#[test]
fn a_call_runs_over_tls_1_2_and_1_3_and_the_answer_leads_back_there() {
    let (server, authority) = start("tls", "");
    for versions in VERSIONS {
        one_call(
            secure_caller(&server, authority.client(versions, None)),
            &format!("Contact: <sip:{ECHO}@{NAME}:5061;transport=tls>"),
        );
    }
    server.wait_records(2);
    server.assert_clean();
    assert_eq!(server.metric("cordboard_handshakes_total{result=\"done\"}"), 2);
    assert_eq!(server.metric(&expires(&server)), 2_208_988_800);
}

#[test]
fn openssl_verifies_the_certificate_and_is_given_no_alpn_name() {
    let (server, _authority) = start("openssl", "");
    let ca = server.folder.join("ca.pem");
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", NAME, "-servername", NAME])
        .args(["-alpn", "sip", "-CAfile", ca.to_str().unwrap(), "-connect", &at(&server, 5061).to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let text = format!(
        "OPTIONS sip:{0} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKo\r\nFrom: <sip:a@{0}>;tag=1\r\n\
         To: <sip:{0}>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        server.address
    );
    client.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    let mut answer = [0; 12];
    client.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"SIP/2.0 200 ");
    client.kill().unwrap();
    client.wait().unwrap();
}

#[test]
fn peers_that_misbehave_in_a_handshake_are_told_of_in_words_and_hold_up_nobody() {
    let (server, authority) = start("torture", "");
    let port = at(&server, 5061);
    let garbage: [(&[u8], &str); 3] = [
        (b"OPTIONS sip:x SIP/2.0\r\n\r\n", "does not speak TLS"),
        (&[0x16, 3, 1, 0xff, 0xff, 0, 0], "no connection"),
        (&[0x16, 3, 1, 0, 5, 1, 0xff, 0xff, 0xff, 0xff], "no connection"),
    ];
    for (bytes, words) in garbage {
        let mut stream = tcp(port);
        stream.write_all(bytes).unwrap();
        let _ = stream.shutdown(Shutdown::Write);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        server.until(words, |s| s.log().contains(words));
    }
    // One that does not believe our certificate says so, and we say it to the operator.
    let mut stranger = tls(port, NAME, Authority::new().client(VERSIONS[1], None));
    assert!(stranger.write_all(b"\r\n").is_err());
    server.until("the stranger's word", |s| {
        s.log().contains("it does not know the authority of our certificate")
    });
    // Half a message, then half-closed: forgotten, and the next call is served.
    let mut half = tls(port, NAME, authority.client(VERSIONS[1], None));
    half.write_all(b"OPTIONS sip:").unwrap();
    half.sock.shutdown(Shutdown::Write).unwrap();
    server.until("half a message to be forgotten", |s| s.metric("cordboard_sip_connections") == 0);
    // A handshake that stalls, and more of them than one source may have.
    let before = server.metric("cordboard_handshakes_total{result=\"failed\"}");
    let mut stalled: Vec<TcpStream> = (0..70).map(|_| tcp(port)).collect();
    server.until("those above the limit to be turned away", |s| {
        s.metric("cordboard_handshakes_total{result=\"turned_away\"}") == 6
    });
    let closed = |stream: &mut TcpStream| matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_));
    assert!(stalled.iter_mut().rev().take(6).all(closed));
    drop(stalled);
    server.until("the stalled ones to be counted", |s| {
        s.metric("cordboard_handshakes_total{result=\"failed\"}") == before + 64
    });
    one_call(secure_caller(&server, authority.client(VERSIONS[1], None)), "200 OK");
    server.assert_clean();
}

#[test]
fn a_message_that_comes_a_byte_at_a_time_is_a_message() {
    let (server, authority) = start("bytes", "");
    let caller = secure_caller(&server, authority.client(VERSIONS[1], None));
    struct Slow<S>(Bytes<S>);
    impl<S: Read + Write> Carrier for Slow<S> {
        fn send(&mut self, text: &str) {
            text.bytes().for_each(|byte| self.0.send(&char::from(byte).to_string()));
        }
        fn receive(&mut self) -> String {
            self.0.receive()
        }
    }
    let Caller { carrier, local, server: host, .. } = caller;
    one_call(Caller::new(Slow(carrier), "TLS", &local, &host), "200 OK");
}

#[test]
fn certificates_are_read_anew_at_a_reload_and_bad_ones_are_refused_with_the_old_kept() {
    let (server, authority) = start("renewal", "");
    let until = |until: u64| server.metric(&expires(&server)) == until;
    let options = || {
        let mut caller = secure_caller(&server, authority.client(VERSIONS[1], None));
        assert!(caller.options().starts_with("SIP/2.0 200"));
    };
    options();
    authority.issue(&[NAME], 2041).write(&server.folder, "own");
    server.signal("HUP");
    server.until("the renewed certificate", |_| until(2_240_611_200));
    options();
    std::fs::write(server.folder.join("own.key"), "nothing").unwrap();
    server.signal("HUP");
    server.until("the refusal in words", |s| s.log().contains("own.key holds no private key in PEM"));
    assert!(until(2_240_611_200));
    options();
    // Without a signal: a file that changed is seen by itself.
    authority.issue(&[NAME], 2042).write(&server.folder, "own");
    server.until("the change to be seen", |_| until(2_272_147_200));
    options();
}

#[test]
fn where_certificates_of_clients_are_required_only_those_of_the_authority_come_in() {
    let required = "client_ca = \"ca.pem\"\nclient_certificates = \"required\"";
    let (server, authority) = start("mutual", required);
    let refused = |own: Option<&Issued>| {
        let mut stream = tls(at(&server, 5061), NAME, authority.client(VERSIONS[1], own));
        let _ = stream.write_all(b"\r\n\r\n");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        rest.is_empty()
    };
    assert!(refused(None));
    server.until("that a certificate is required", |s| s.log().contains("the peer shows no certificate"));
    let foreign = Authority::new().issue(&["phone.test"], 2040);
    assert!(refused(Some(&foreign)));
    server.until("that the authority is unknown", |s| s.log().contains("into client_ca"));
    let known = authority.issue(&["phone.test"], 2040);
    for versions in VERSIONS {
        let mut caller = secure_caller(&server, authority.client(versions, Some(&known)));
        assert!(caller.options().starts_with("SIP/2.0 200"));
    }
}

#[test]
fn a_trunk_is_known_by_the_name_in_the_certificate_that_it_shows() {
    let authority = Authority::new();
    let mut setup = Setup::new("tls-names").echo(ECHO);
    authority.issue(&[NAME], 2040).write(&setup.folder, "own");
    std::fs::write(setup.folder.join("ca.pem"), authority.pem()).unwrap();
    // Nobody's address is believed.
    setup.trusted = "192.0.2.0/24".to_owned();
    setup.trunks = "[[trunk]]\nid = \"carrier\"\ntls_names = [\"SIP.carrier.test\"]\n".to_owned();
    setup.more = format!(
        "[[sip.listen]]\ntransport = \"tls\"\nbind = \"{}:5061\"\nadvertise = \"{NAME}\"\n\
         [tls]\ncertificate = \"own.pem\"\nprivate_key = \"own.key\"\nclient_ca = \"ca.pem\"\n\
         client_certificates = \"optional\"\n",
        setup.address
    );
    let server = setup.start();
    for names in [&["elsewhere.test", "sip.carrier.test"][..], &["carrier.test"], &[]] {
        let shown = (!names.is_empty()).then(|| authority.issue(names, 2040));
        let mut caller = secure_caller(&server, authority.client(VERSIONS[1], shown.as_ref()));
        let is_carrier = names.len() == 2;
        let answer = caller.invite(ECHO, nowhere());
        assert!(
            answer.starts_with(if is_carrier { "SIP/2.0 200" } else { "SIP/2.0 403" }),
            "{names:?}: {answer}"
        );
        if is_carrier {
            caller.end(ECHO, &answer);
        }
    }
    let record = server.wait_records(1).remove(0);
    assert_eq!(record["trunk"], "carrier");
}

/// The upgrade over a stream, with these headers.
fn upgrade<S: Read + Write>(
    stream: S,
    protocol: &str,
    origin: Option<&'static str>,
) -> Result<WebSocket<S>, tungstenite::Error> {
    let mut request = format!("ws://{NAME}/sip").into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_str(protocol).unwrap());
    if let Some(origin) = origin {
        request.headers_mut().insert("Origin", HeaderValue::from_static(origin));
    }
    match tungstenite::client::client(request, stream) {
        Ok((socket, response)) => {
            assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "sip");
            Ok(socket)
        }
        Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
        Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("a blocking stream does not interrupt"),
    }
}

#[test]
fn a_browser_calls_over_websocket_and_over_secure_websocket() {
    let (server, authority) = start("websocket", "");
    let local = "df7jal23ls0d.invalid";
    let host = server.address.to_string();
    let socket = upgrade(tcp(at(&server, 8088)), "sip", None).unwrap();
    let caller = Caller::new(socket, "WS", local, &host);
    one_call(caller, &format!("Contact: <sip:{ECHO}@{host}:8088;transport=ws>"));
    let secure = tls(at(&server, 8089), NAME, authority.client(VERSIONS[1], None));
    let socket = upgrade(secure, "sip", Some("https://console.test")).unwrap();
    one_call(Caller::new(socket, "WSS", local, &host), "Via: SIP/2.0/WSS df7jal23ls0d.invalid");
    server.wait_records(2);
    server.assert_clean();
}

#[test]
fn an_upgrade_that_is_not_for_sip_or_from_another_origin_is_refused_in_words() {
    let (server, authority) = start("origins", "");
    for (protocol, origin, status, words) in [
        ("chat", None, 400, "it does not offer the subprotocol"),
        ("sip", Some("https://evil.test"), 403, "the origin https://evil.test is not among those"),
    ] {
        let stream = tls(at(&server, 8089), NAME, authority.client(VERSIONS[1], None));
        let Err(tungstenite::Error::Http(response)) = upgrade(stream, protocol, origin) else {
            panic!("{protocol} {origin:?}")
        };
        assert_eq!(response.status().as_u16(), status);
        server.until(words, |s| s.log().contains(words));
    }
    // What is no HTTP at all.
    let mut stream = tcp(at(&server, 8088));
    stream.write_all(b"\x16\x03\x01 not http\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    server.until("the words", |s| s.log().contains("asks for no WebSocket"));
}

#[test]
fn a_call_over_ipv6_has_its_media_over_ipv6_on_the_same_server_that_takes_ipv4() {
    let mut setup = Setup::new("ipv6").tone().flow(WAITS, "waits", &flows::waits());
    setup.trusted = "::1\", \"127.0.0.0/8".to_owned();
    setup.more = "[[sip.listen]]\ntransport = \"tcp\"\nbind = \"[::1]:5960\"\n\
                  [[sip.listen]]\ntransport = \"udp\"\nbind = \"[::1]:5960\"\n\
                  [[sip.listen]]\ntransport = \"tcp\"\nbind = \"127.0.0.1:5960\"\nmedia_advertise = \"127.0.0.99\"\n"
        .to_owned();
    setup.media = format!("advertise = \"{}\"\nadvertise_ipv6 = \"::1\"", setup.address);
    setup.environment.push(("CORDBOARD__MEDIA__BIND", "::".to_owned()));
    let server = setup.start();
    for (sip, local, said) in [
        ("[::1]:5960".parse::<SocketAddr>().unwrap(), "[::1]:0", "c=IN IP6 ::1".to_owned()),
        (server.sip(), "127.0.0.1:0", format!("c=IN IP4 {}", server.address)),
        ("127.0.0.1:5960".parse().unwrap(), "127.0.0.1:0", "c=IN IP4 127.0.0.99".to_owned()),
    ] {
        let media = UdpSocket::bind(local).unwrap();
        media.set_read_timeout(Some(PATIENCE)).unwrap();
        let stream = tcp(sip);
        let at = stream.local_addr().unwrap().to_string();
        let mut caller = Caller::new(Bytes(stream), "TCP", &at, &sip.to_string());
        let ok = caller.invite(WAITS, media.local_addr().unwrap());
        assert!(ok.contains(&said), "{said} in {ok}");
        let (length, source) = media.recv_from(&mut [0; 2_000]).unwrap();
        assert_eq!((length, source.is_ipv6()), (172, sip.is_ipv6()));
        caller.end(WAITS, &ok);
    }
    server.assert_clean();
}
