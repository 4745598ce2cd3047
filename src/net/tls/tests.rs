//! Certificates as files: what is wrong with them is said, and a bad new one never takes the place of a good old one.

#![allow(clippy::disallowed_methods, reason = "the tests write certificates")]

use super::*;
use crate::config::{TlsClient, Transport};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cordboard-tls-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key of a host, good until the first day of a year.
fn issued(authority: &CertifiedIssuer<'_, KeyPair>, year: i32) -> (String, String) {
    let mut params = CertificateParams::new(["sip.example.net".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn listen(identity: &Identity, clients: ClientCertificates) -> Listen {
    Listen {
        transport: Transport::Tls,
        bind: "127.0.0.1:0".parse().unwrap(),
        advertise_host: "sip.example.net".to_owned(),
        advertise_port: 5061,
        media_advertise: None,
        tls: Some(TlsServer { identity: identity.clone(), clients }),
        origins: Vec::new(),
    }
}

fn load(identity: &Identity) -> Result<Tls, TlsError> {
    let listen = [listen(identity, ClientCertificates::NotAsked)];
    Tls::load(&TlsConfig::default(), &listen, SystemClock::start())
}

#[test]
fn a_renewed_certificate_is_taken_and_a_bad_one_is_refused_in_words_with_the_old_one_kept() {
    let folder = Folder::new("reload");
    let authority = authority();
    let (certificate, key) = issued(&authority, 2040);
    let identity = Identity {
        certificate: folder.write("cert.pem", &certificate),
        private_key: folder.write("key.pem", &key),
    };
    let tls = load(&identity).unwrap();
    let shown = || tls.server(ListenerId(0)).unwrap();
    let expires = || tls.ends()[0].1;
    let (first, ends) = (shown(), expires());
    assert_eq!(ends, 2_208_988_800);
    let (ended, its_key) = issued(&authority, 2021);
    for (certificate, key, words) in [
        ("", key.as_str(), "cert.pem holds no certificate in PEM"),
        (certificate.as_str(), "", "key.pem holds no private key in PEM"),
        (certificate.as_str(), its_key.as_str(), "do not belong together"),
        (ended.as_str(), its_key.as_str(), "ended at 2021-01-01T00:00:00.000Z: renew it"),
    ] {
        folder.write("cert.pem", certificate);
        folder.write("key.pem", key);
        let error = tls.reload().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(Arc::ptr_eq(&first, &shown()), "the old one is shown on");
        assert_eq!(expires(), ends);
    }
    let (renewed, its_key) = issued(&authority, 2041);
    folder.write("cert.pem", &renewed);
    folder.write("key.pem", &its_key);
    assert_ne!(tls.0.files.looks(), tls.loaded().looks, "a change of a file is seen");
    tls.reload().unwrap();
    assert!(!Arc::ptr_eq(&first, &shown()));
    assert_eq!(expires(), 2_240_611_200);
    assert_eq!(tls.0.files.looks(), tls.loaded().looks);
    std::fs::remove_file(&identity.certificate).unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("cannot be read"));
    assert_eq!(expires(), 2_240_611_200);
}

#[test]
fn each_certificate_is_told_with_its_file_and_when_it_ends() {
    let (folder, authority) = (Folder::new("ends"), authority());
    let identity = |name: &str, year| {
        let (certificate, key) = issued(&authority, year);
        let certificate = folder.write(&format!("{name}.pem"), &certificate);
        Identity { certificate, private_key: folder.write(&format!("{name}.key"), &key) }
    };
    let (own, ended) = (identity("own", 2040), identity("old", 2021));
    let client = TlsClient { name: "acme".to_owned(), ca: None, identity: Some(ended.clone()) };
    let config = TlsConfig { clients: vec![client], ..TlsConfig::default() };
    let listen = [listen(&own, ClientCertificates::NotAsked)];
    let tls = Tls::load(&config, &listen, SystemClock::start()).unwrap();
    let ends = [(own.certificate, 2_208_988_800), (ended.certificate.clone(), 1_609_459_200)];
    assert_eq!(tls.ends(), ends);
    assert_eq!(tls.ended(), Some(ended.certificate));
}

#[test]
fn settings_have_names_and_one_that_is_unknown_is_an_error() {
    let folder = Folder::new("named");
    let authority = authority();
    let (certificate, key) = issued(&authority, 2040);
    let identity = Identity {
        certificate: folder.write("cert.pem", &certificate),
        private_key: folder.write("key.pem", &key),
    };
    let tls = Tls::load(&TlsConfig::default(), &[], SystemClock::start()).unwrap();
    assert_eq!(tls.ends(), []);
    assert!(tls.server(ListenerId(0)).is_none());
    assert!(tls.client(None).is_ok());
    let error = tls.client(Some("acme")).unwrap_err().to_string();
    assert_eq!(error, "there are no settings for TLS named \"acme\"");
    let ca = folder.write("ca.pem", &authority.pem());
    let client = TlsClient { name: "acme".to_owned(), ca: Some(ca.clone()), identity: Some(identity) };
    let config = TlsConfig { clients: vec![client], ..TlsConfig::default() };
    let tls = Tls::load(&config, &[], SystemClock::start()).unwrap();
    let before = tls.client(Some("acme")).unwrap();
    assert_eq!(tls.ends().len(), 1, "the certificate of a trunk ends, too");
    folder.write("ca.pem", "");
    assert!(tls.reload().is_err());
    assert!(Arc::ptr_eq(&tls.client(Some("acme")).unwrap(), &before), "those that were there stay");
    folder.write("ca.pem", &authority.pem());
    tls.reload().unwrap();
    assert!(!Arc::ptr_eq(&tls.client(Some("acme")).unwrap(), &before));
}

#[test]
fn a_certificate_that_a_peer_made_itself_is_believed_where_it_is_in_ca_and_is_no_authority() {
    let folder = Folder::new("self-signed");
    let name = "sip.example.net";
    for (is_ca, is_believed) in
        [(IsCa::ExplicitNoCa, true), (IsCa::NoCa, true), (IsCa::Ca(BasicConstraints::Unconstrained), false)]
    {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = is_ca;
        let own = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let config = TlsConfig { ca: Some(folder.write("ca.pem", &own.pem())), ..TlsConfig::default() };
        let tls = Tls::load(&config, &[], SystemClock::start()).unwrap();
        let (name, now) = (ServerName::try_from(name).unwrap(), UnixTime::now());
        let checked = tls.loaded().client.verifier.verify_server_cert(own.der(), &[], &name, &[], now);
        let Err(error) = checked else {
            assert!(is_believed);
            continue;
        };
        assert!(!is_believed, "{error}");
        let helps = remedy(&std::io::Error::other(error));
        assert!(helps.contains("CA:FALSE"), "{helps}");
    }
}

#[test]
fn no_alpn_name_is_sent_or_asked_for() {
    let folder = Folder::new("alpn");
    let (certificate, key) = issued(&authority(), 2040);
    let identity = Identity {
        certificate: folder.write("cert.pem", &certificate),
        private_key: folder.write("key.pem", &key),
    };
    let tls = load(&identity).unwrap();
    assert!(tls.server(ListenerId(0)).unwrap().alpn_protocols.is_empty());
    assert!(tls.client(None).unwrap().alpn_protocols.is_empty());
}
