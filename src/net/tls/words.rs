//! Why a handshake failed, in words: who did what wrong, and what helps.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};
use std::fmt::Debug;
use std::io;

/// One sentence for the log. `we_connect`: we are the client of this handshake.
pub fn in_words(error: &io::Error, we_connect: bool) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => of_tls(error, we_connect),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the peer closed the connection in the middle of the handshake: it may refuse our certificate, our name \
             or TLS 1.2 and 1.3"
                .to_owned()
        }
        None => format!("the connection broke in the handshake: {error}"),
    }
}

fn of_tls(error: &Error, we_connect: bool) -> String {
    match error {
        Error::InvalidCertificate(fault) => of_certificate(fault, we_connect),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::NoCertificatesPresented => {
            "the peer shows no certificate, and one is required: give it one of client_ca, or set \
             client_certificates = \"optional\""
                .to_owned()
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the peer does not speak TLS: plain SIP or HTTP on a port of TLS, most likely".to_owned()
        }
        Error::InvalidMessage(fault) => format!("the peer sends what is no TLS ({})", spaced(fault)),
        Error::PeerIncompatible(fault) => of_incompatible(fault),
        Error::PeerMisbehaved(fault) => {
            format!("the peer breaks the rules of TLS ({})", spaced(fault))
        }
        other => format!("the handshake failed ({})", spaced(other)),
    }
}

fn of_certificate(fault: &CertificateError, we_connect: bool) -> String {
    let authorities = if we_connect { "ca" } else { "client_ca" };
    match fault {
        CertificateError::UnknownIssuer => format!(
            "the peer's certificate comes from an authority that is not believed here: put that authority's \
             certificate into {authorities}"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the peer's certificate has ended: it must be renewed there (or a clock is wrong)".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the peer's certificate is not valid yet: a clock is wrong, here or there".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the peer's certificate is for {}, not for {}: dial one of its names, or have one issued for that",
            names(presented),
            expected.to_str()
        ),
        CertificateError::NotValidForName => {
            "the peer's certificate is for another name than the one that was dialled".to_owned()
        }
        CertificateError::BadSignature => format!(
            "the peer's certificate is not signed by the authority that it names: that one has a new key, which \
             {authorities} lacks, or somebody forges"
        ),
        CertificateError::Revoked => "the peer's certificate was revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            let purpose = if we_connect { "servers" } else { "clients" };
            format!("the peer's certificate may not be used by {purpose} (its extended key usage)")
        }
        fault if is_authority(fault) => {
            "the peer's certificate is that of an authority (CA:TRUE), which may sign others and is none of a host: one that a \
             peer makes for itself is so unless it is told otherwise"
                .to_owned()
        }
        CertificateError::Other(_) => "the peer's certificate cannot be used".to_owned(),
        other => format!("the peer's certificate cannot be used ({})", spaced(other)),
    }
}

/// RFC 5280 4.2.1.9: a host shows a certificate that is none of an authority.
fn is_authority(fault: &CertificateError) -> bool {
    let CertificateError::Other(other) = fault else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// The name that a fault has in the library as words: `BadEncoding` is `bad encoding`. What follows it is left out.
fn spaced(fault: &impl Debug) -> String {
    let text = format!("{fault:?}");
    let mut words = String::new();
    for letter in text.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// The names of a certificate as people write them: the library has them as `DnsName("sip.example.net")` and
/// `IpAddress(192.0.2.1)`.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no name at all".to_owned();
    }
    let bare = |name: &str| {
        let inner = name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')'));
        inner.trim_matches('"').to_owned()
    };
    presented.iter().map(|name| bare(name)).collect::<Vec<_>>().join(", ")
}

fn of_alert(alert: AlertDescription) -> String {
    let what = match alert {
        AlertDescription::UnknownCA => {
            "it does not know the authority of our certificate: give it that, or take a certificate of one it knows, \
             with those above it in the file"
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => "it does not accept our certificate",
        AlertDescription::CertificateExpired => "our certificate has ended: renew it",
        AlertDescription::CertificateRequired => "it wants a certificate of ours: set [tls] certificate",
        AlertDescription::ProtocolVersion => "it speaks neither TLS 1.2 nor 1.3",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it has no cipher in common with us, or wants a certificate of ours ([tls] certificate)"
        }
        AlertDescription::UnrecognisedName => "it does not serve the name that was dialled",
        AlertDescription::NoApplicationProtocol => "it wants an ALPN name, and we send none",
        _ => return format!("the peer ended the handshake ({})", spaced(&alert)),
    };
    format!("the peer ended the handshake: {what}")
}

fn of_incompatible(fault: &PeerIncompatible) -> String {
    match fault {
        PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::ServerDoesNotSupportTls12Or13 => {
            "the peer speaks neither TLS 1.2 nor 1.3: older versions are not safe, and not spoken here"
                .to_owned()
        }
        PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon => {
            "no cipher or key exchange in common with the peer: it is too old, or set up too strictly"
                .to_owned()
        }
        PeerIncompatible::NoSignatureSchemesInCommon => {
            "the peer cannot check signatures of our key's kind: take an ECDSA P-256 or an RSA key".to_owned()
        }
        other => format!("nothing in common with the peer ({})", spaced(other)),
    }
}

/// What an administrator of ours can do about a handshake that failed, where we are the client.
pub fn remedy(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::InvalidCertificate(fault)) => match fault {
            CertificateError::UnknownIssuer => {
                "Put the certificate of the authority that issued the peer's into the file of [tls] ca, or of ca in the \
                 trunk's [[tls.client]]; with a certificate that the peer made itself, that one."
            }
            CertificateError::NotValidForNameContext { .. } | CertificateError::NotValidForName => {
                "Write one of the certificate's names as the trunk's host, or have the peer get a certificate for the \
                 name that is written there."
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                "Look whether this machine's clock is right; if it is, the peer has to renew its certificate."
            }
            fault if is_authority(fault) => {
                "Have the peer make one that is no authority (openssl req -x509 … -addext \
                 basicConstraints=critical,CA:FALSE), and put that into the file of [tls] ca, or of ca in the trunk's \
                 [[tls.client]]; or one that an authority \
                 signed, and put the authority's there."
            }
            CertificateError::Revoked => "Have the peer get a new certificate.",
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "Have the peer get a certificate for servers (extended key usage serverAuth)."
            }
            _ => "Have the peer get another certificate, and send whoever runs it this sentence.",
        },
        Some(Error::AlertReceived(_)) => {
            "Look which certificate the peer wants to see, and set [tls] certificate and private_key to it."
        }
        Some(Error::InvalidMessage(_)) => {
            "Look for the peer's port of TLS, most often 5061, or write ;transport=tcp or udp behind the trunk's host."
        }
        Some(Error::PeerIncompatible(_)) => "Have the peer switch TLS 1.2 or 1.3 on with today's ciphers.",
        _ => "Look whether the peer takes TLS at that port, and connections from this server's address.",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{OtherError, PeerMisbehaved};
    use std::sync::Arc;

    fn said(error: Error) -> (String, String) {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        (in_words(&error, true), remedy(&error))
    }

    #[test]
    fn a_certificate_that_is_an_authority_is_explained_with_a_way_to_make_another() {
        let other = OtherError(Arc::new(webpki::Error::CaUsedAsEndEntity));
        let (text, helps) = said(Error::InvalidCertificate(CertificateError::Other(other)));
        assert!(text.contains("is that of an authority (CA:TRUE)"), "{text}");
        assert!(helps.contains("basicConstraints=critical,CA:FALSE") && helps.contains("ca"), "{helps}");
    }

    #[test]
    fn names_and_addresses_of_a_certificate_stand_as_people_write_them() {
        let presented = [r#"DnsName("sip.example.net")"#, "IpAddress(127.0.0.30)"].map(str::to_owned);
        assert_eq!(names(&presented), "sip.example.net, 127.0.0.30");
        assert_eq!(names(&[]), "no name at all");
    }

    #[test]
    fn no_sentence_has_a_name_out_of_the_library() {
        let fault = |error| said(error).0;
        for (text, words) in [
            (fault(Error::AlertReceived(AlertDescription::InternalError)), "(internal error)"),
            (
                fault(Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived)),
                "(too much early data received)",
            ),
            (fault(Error::InvalidMessage(InvalidMessage::MissingKeyExchange)), "(missing key exchange)"),
            (
                fault(Error::PeerIncompatible(PeerIncompatible::EcPointsExtensionRequired)),
                "(ec points extension required)",
            ),
            (
                fault(Error::InvalidCertificate(CertificateError::BadEncoding)),
                "cannot be used (bad encoding)",
            ),
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
}
