//! stunnel (OpenSSL) for programs that speak no TLS: Debian's SIPp is one.

use super::certificates::Issued;
use super::folder;
use super::program::Program;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

/// Both directions of one peer: what comes to [`Tunnel::DOOR`] in plain TCP goes to the server over TLS, and what comes over TLS to
/// port 5061 goes to port 5060 in plain TCP.
pub struct Tunnel(Program);

impl Tunnel {
    /// The port of a peer's address by which it reaches the server.
    pub const DOOR: u16 = 5062;

    /// `server` has to show `name`; whoever comes has to show a certificate of the same authority, as the peer shows `own`.
    pub fn start(at: Ipv4Addr, own: &Issued, authority: &Path, server: SocketAddr, name: &str) -> Tunnel {
        let folder = folder("tunnel");
        let (certificate, key) = own.write(&folder, "own");
        let (certificate, key, authority) = (certificate.display(), key.display(), authority.display());
        let config = format!(
            "foreground = yes\npid =\nCAfile = {authority}\ncert = {certificate}\nkey = {key}\nverifyChain = yes\n\
             [to-server]\nclient = yes\naccept = {at}:{}\nconnect = {server}\nlocal = {at}\nsni = {name}\ncheckHost = {name}\n\
             [from-server]\naccept = {at}:5061\nconnect = {at}:5060\nlocal = {at}\nrequireCert = yes\n",
            Tunnel::DOOR
        );
        let path = folder.join("stunnel.conf");
        std::fs::write(&path, config).unwrap();
        let program = Program::start("stunnel", Command::new("stunnel4").arg(&path));
        program.wait_for("Configuration successful");
        Tunnel(program)
    }
}
