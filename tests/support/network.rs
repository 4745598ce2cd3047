//! Network namespaces: worlds with loopback and wires of their own. Nothing of them is left when a test ends, however it ends:
//! the kernel takes each away with its last file and process.

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Why a test cannot go on without one.
const REMEDY: &str = "this test needs network namespaces: run it as root (CAP_SYS_ADMIN and CAP_NET_ADMIN), on a kernel that has \
                      them, with iproute2, nftables and conntrack installed (make install-test)";

/// A network of its own, with its loopback up and nothing else.
pub struct Namespace(File);

impl Namespace {
    pub fn new() -> Namespace {
        let made = std::thread::spawn(|| {
            // SAFETY: of a flag other than FILES no descriptor of another thread knows.
            unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
            File::open("/proc/thread-self/ns/net")
        });
        let file = made.join().unwrap().unwrap_or_else(|error| panic!("{error}: {REMEDY}"));
        let namespace = Namespace(file);
        namespace.command("ip", &["link", "set", "lo", "up"]);
        namespace
    }

    /// Does something on a thread of this network. Its sockets and its child processes stay here, also when they are used
    /// from elsewhere.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let done = std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            });
            inside.join()
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Runs a program here; it has to succeed.
    pub fn command(&self, program: &str, arguments: &[&str]) {
        let done = self.run(|| Command::new(program).args(arguments).stdin(Stdio::null()).output());
        let output = done.unwrap_or_else(|error| panic!("{program}: {error}: {REMEDY}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {}: {}: {REMEDY}", arguments.join(" "), said.trim());
    }

    /// Its name for `ip`, as long as this process lives.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Lays a wire to another network; each end has its address, in a network of 256.
    fn wire(&self, own: (&str, Ipv4Addr), other: &Namespace, there: (&str, Ipv4Addr)) {
        let path = other.path();
        self.command("ip", &["link", "add", own.0, "type", "veth", "peer", "name", there.0, "netns", &path]);
        for (namespace, (name, address)) in [(self, own), (other, there)] {
            namespace.command("ip", &["address", "add", &format!("{address}/24"), "dev", name]);
            namespace.command("ip", &["link", "set", name, "up"]);
        }
    }
}

/// Two networks and a router between them, as homes and offices have one: what goes out of the inner gets the router's address
/// and a port of its choice, and only answers come back.
pub struct Nat {
    pub inside: Namespace,
    pub outside: Namespace,
    /// Another one, with a wire to the one outside.
    pub carrier: Namespace,
    router: Namespace,
    rebound: AtomicU32,
}

impl Nat {
    /// Of the one inside.
    pub const INSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 2);
    /// For the one outside: documentation addresses count as public ones.
    pub const PUBLIC: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
    /// For the one outside, where that is an office of its own.
    pub const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 51, 100, 1);
    /// Of the other one outside.
    pub const CARRIER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 3);

    /// The one outside has this address, and the router another of the same network.
    pub fn new(outside_address: Ipv4Addr) -> Nat {
        let [a, b, c, _] = outside_address.octets();
        let router_address = Ipv4Addr::new(a, b, c, 254);
        let (inside, outside, router) = (Namespace::new(), Namespace::new(), Namespace::new());
        let carrier = Namespace::new();
        let (gateway, exchange) = (Ipv4Addr::new(192, 168, 77, 1), Ipv4Addr::new(203, 0, 113, 1));
        router.wire(("lan", gateway), &inside, ("eth0", Self::INSIDE));
        router.wire(("wan", router_address), &outside, ("eth0", outside_address));
        outside.wire(("eth1", exchange), &carrier, ("eth0", Self::CARRIER));
        inside.command("ip", &["route", "add", "default", "via", &gateway.to_string()]);
        carrier.command("ip", &["route", "add", "default", "via", &exchange.to_string()]);
        router.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap());
        let nat = Nat { inside, outside, carrier, router, rebound: AtomicU32::new(0) };
        nat.rebind();
        nat
    }

    /// From now on all that goes out has another port than before, as after a restart of the router: what is sent to the old
    /// ports reaches nobody.
    pub fn rebind(&self) {
        let first = 30_000 + 2_000 * self.rebound.fetch_add(1, Ordering::Relaxed);
        let rules = format!(
            "add table ip nat; delete table ip nat; add table ip nat; \
             add chain ip nat out {{ type nat hook postrouting priority srcnat; }}; \
             add rule ip nat out oifname wan meta l4proto {{ tcp, udp }} masquerade to :{first}-{}",
            first + 1_999
        );
        self.router.command("nft", &[&rules]);
        self.router.command("conntrack", &["--flush"]);
    }
}
