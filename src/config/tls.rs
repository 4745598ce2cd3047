//! `[tls]`: the certificate that peers of TLS and secure WebSocket see, and whose certificates we believe.

use crate::config::reader::Section;
use std::path::{Path, PathBuf};

/// What TLS works with; all of it are files in PEM.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tls {
    /// For listeners that name no certificate of their own.
    pub server: Option<TlsServer>,
    /// Whose certificates of servers that we connect to are believed; else the system's authorities.
    pub ca: Option<PathBuf>,
    /// What we show to servers that ask for a certificate.
    pub identity: Option<Identity>,
    /// The same two for trunks that name them, `[[tls.client]]`.
    pub clients: Vec<TlsClient>,
}

/// What connections go by that we open to some trunks.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsClient {
    pub name: String,
    pub ca: Option<PathBuf>,
    pub identity: Option<Identity>,
}

/// A certificate with those above it, and its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    pub certificate: PathBuf,
    pub private_key: PathBuf,
}

/// What those who connect to us see, and must show.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsServer {
    pub identity: Identity,
    pub clients: ClientCertificates,
}

/// Whether those who connect must show a certificate of their own.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum ClientCertificates {
    #[default]
    NotAsked,
    /// They may; one that is shown must come from these authorities.
    Optional {
        ca: PathBuf,
    },
    Required {
        ca: PathBuf,
    },
}

pub(super) fn read(section: &Section<'_>, folder: &Path) -> Tls {
    let server = read_server(section, folder, None);
    let ca = read_file(section, folder, "ca");
    let identity = server.as_ref().map(|server| server.identity.clone());
    let mut clients: Vec<TlsClient> = Vec::new();
    for section in section.sections("client") {
        let Some(client) = read_client(&section, folder) else { continue };
        if clients.iter().any(|other| other.name == client.name) {
            section.error("name", format!("\"{}\" is there twice", client.name), "");
        } else {
            clients.push(client);
        }
    }
    Tls { server, ca, identity, clients }
}

fn read_client(section: &Section<'_>, folder: &Path) -> Option<TlsClient> {
    let ca = read_file(section, folder, "ca");
    let identity = read_identity(section, folder);
    let name = section.text("name").filter(|name| !name.is_empty());
    if name.is_none() {
        section.error("name", "is needed", "the name by which a trunk's tls_client means it");
    }
    Some(TlsClient { name: name?, ca, identity })
}

fn read_identity(section: &Section<'_>, folder: &Path) -> Option<Identity> {
    let certificate = read_file(section, folder, "certificate");
    let private_key = read_file(section, folder, "private_key");
    for (has, lacks) in [("certificate", "private_key"), ("private_key", "certificate")] {
        if section.has(has) && !section.has(lacks) {
            section.error(has, format!("stands without {lacks}"), format!("add {lacks}"));
        }
    }
    let own = certificate.zip(private_key);
    own.map(|(certificate, private_key)| Identity { certificate, private_key })
}

/// The four keys that a listener may have of its own; what it leaves out is as in `above`.
pub(super) fn read_server(
    section: &Section<'_>,
    folder: &Path,
    above: Option<&TlsServer>,
) -> Option<TlsServer> {
    let own = read_identity(section, folder);
    let ca = read_file(section, folder, "client_ca");
    let required = section.parsed("client_certificates", |text| match text {
        "none" => Ok(None),
        "optional" => Ok(Some(false)),
        "required" => Ok(Some(true)),
        _ => Err("what clients must show: none, optional or required".to_owned()),
    });
    let identity = own.or_else(|| above.map(|above| above.identity.clone()));
    let inherited = above.map(|above| above.clients.clone()).unwrap_or_default();
    let ca = ca.or_else(|| match &inherited {
        ClientCertificates::Optional { ca } | ClientCertificates::Required { ca } => Some(ca.clone()),
        ClientCertificates::NotAsked => None,
    });
    let clients = match (required, ca) {
        (Some(Some(_)), None) => {
            let remedy = "set client_ca to a file with the authorities that issue them";
            section.error("client_certificates", "cannot be checked without client_ca", remedy);
            ClientCertificates::NotAsked
        }
        (Some(Some(true)), Some(ca)) => ClientCertificates::Required { ca },
        (Some(Some(false)), Some(ca)) => ClientCertificates::Optional { ca },
        (Some(None), _) => ClientCertificates::NotAsked,
        // Who names authorities wants them to count.
        (None, Some(ca)) if section.has("client_ca") => ClientCertificates::Required { ca },
        (None, _) => inherited,
    };
    Some(TlsServer { identity: identity?, clients })
}

/// A file that is to be there.
fn read_file(section: &Section<'_>, folder: &Path, key: &'static str) -> Option<PathBuf> {
    let path = folder.join(section.text(key)?);
    if !path.is_file() {
        section.error(key, format!("there is no file {}", path.display()), "");
    }
    Some(path)
}
