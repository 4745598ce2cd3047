//! What calls read: numbers, trunks, agents, flows and prompts as they were when the snapshot was built.
//! It never changes; a new one replaces it whole, and calls in progress keep the one they started on.

pub use super::smart_number::{Answers, Number, NumberPlan, Pattern, Shape, Unassigned};

use super::identity::IdentityPolicy;
use super::media_leg::MediaTerms;
use super::number_rule::{NumberFormat, NumberRule};
use super::trunk::{CallLimits, FailOver, Login, Ping};
use crate::audio::Clip;
use crate::flow::{CallerList, Flow, Library, LiveFlow};
use crate::registrar::{Account, Owner};
pub use crate::sdp::Wish;
use crate::sip::digest::{self, Password};
use crate::sip::locate::Destination;
use ipnet::IpNet;
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// All that a call may look up.
#[derive(Default)]
pub struct Snapshot {
    pub revision: u64,
    /// Nothing was loaded yet, since the database is away: who may call is not known.
    pub awaits_database: bool,
    pub numbers: NumberPlan,
    pub trunks: Vec<Trunk>,
    pub agents: HashMap<String, Agent>,
    pub library: Arc<Library>,
    /// Flows that name no language, in those of the numbers that lead to them: by flow and language.
    pub in_language: HashMap<(String, String), LiveFlow>,
    /// What numbers do that lead to no flow, by their pattern.
    pub services: HashMap<String, Arc<Flow>>,
    pub prompts: Prompts,
}

/// A carrier or PBX.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Trunk {
    pub id: String,
    /// Sources whose calls belong to it.
    pub sources: Vec<IpNet>,
    /// Names of certificates that it shows where it connects to us over TLS: those calls belong to it too. In small letters.
    pub tls_names: Vec<String>,
    /// Where calls go out.
    pub host: Option<Destination>,
    /// How it writes numbers.
    pub numbers: NumberRule,
    /// What it is believed about callers, and what it is told.
    pub identity: IdentityPolicy,
    /// What is wanted of its media.
    pub media: MediaTerms,
    /// Our account with it, or its account with us.
    pub login: Option<Login>,
    /// We register with it, and ask for so long.
    pub register: Option<Duration>,
    /// Each of its calls has to bring its credentials.
    pub authenticate: bool,
    /// Calls go out to where it has registered.
    pub dial_registered: bool,
    pub ping: Option<Ping>,
    pub limits: CallLimits,
    pub fail_over: FailOver,
    /// Who is reached over it may transfer calls by REFER.
    pub takes_refer: bool,
    /// Numbers that calls may be transferred to over it.
    pub transfer_to: CallerList,
    /// Calls go out over the trunk with the lowest first, and in the order of the file among equals.
    pub priority: u16,
    /// Who is called there sends back all that is said: what a test of the trunk dials.
    pub test_number: Option<String>,
}

impl Trunk {
    /// Whether its registration and its pings are the same.
    pub fn works_like(&self, other: &Trunk) -> bool {
        (&self.host, &self.login, self.register, self.ping)
            == (&other.host, &other.login, other.register, other.ping)
    }

    /// The account it has with us: it registers here, or shows who it is with each call.
    pub fn account(&self) -> Option<(&str, &Password)> {
        let login = self.login.as_ref().filter(|_| self.register.is_none())?;
        Some((&login.auth_username, login.password.as_ref()?))
    }

    /// The account that we have with it, where it has a host that our requests go to.
    pub fn own_account(&self) -> Option<Arc<digest::Account>> {
        self.login.as_ref().filter(|_| self.host.is_some())?.account(self)
    }
}

/// A person who answers calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agent {
    pub id: String,
    pub name: String,
    pub skills: Vec<String>,
    /// A fixed endpoint, a SIP URI.
    pub uri: Option<String>,
    /// The endpoint's address where its URI names one, which is also where the agent's own calls come from.
    pub address: Option<SocketAddr>,
    /// The id of the user that this agent is in the CRM.
    pub crm_user: Option<String>,
    /// With which its telephones register as `sip:ID@domain`.
    pub password: Option<Password>,
}

/// Audio in memory.
#[derive(Default)]
pub struct Prompts {
    /// Prompt files by their id.
    pub files: HashMap<String, Arc<Clip>>,
    /// Speech that was rendered when the flows were loaded.
    pub speech: HashMap<Speech, Arc<Clip>>,
    /// Prompts embedded in the binary, by language and name.
    pub built_in: HashMap<(String, &'static str), Arc<Clip>>,
    pub music: Option<Arc<Clip>>,
}

/// A text to speak.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Speech {
    pub text: String,
    pub language: String,
    pub voice: String,
}

/// Who a request comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Source<'a> {
    Trunk(&'a Trunk),
    Agent(&'a Agent),
}

/// How numbers are read that no trunk brings: as they stand.
static NO_RULE: NumberRule = NumberRule {
    country: None,
    prefix_in: String::new(),
    format: NumberFormat::PlusE164,
    prefix_out: String::new(),
};

impl<'a> Source<'a> {
    /// How it writes numbers.
    pub fn rule(source: Option<Self>) -> &'a NumberRule {
        match source {
            Some(Source::Trunk(trunk)) => &trunk.numbers,
            Some(Source::Agent(_)) | None => &NO_RULE,
        }
    }

    /// What it is believed about callers.
    pub fn identity(self) -> Cow<'a, IdentityPolicy> {
        match self {
            Source::Trunk(trunk) => Cow::Borrowed(&trunk.identity),
            Source::Agent(_) => Cow::Owned(IdentityPolicy::default()),
        }
    }
}

/// Why a server whose snapshot awaits the database takes nothing.
pub const NOTHING_LOADED: &str = "nothing was loaded yet: the database is away";

impl Snapshot {
    /// What there is before anything could be loaded.
    pub fn awaiting_database() -> Self {
        Snapshot { awaits_database: true, ..Snapshot::default() }
    }

    /// Who may send from that address: the trunk whose range fits best, else a fixed agent (contract).
    pub fn source(&self, address: SocketAddr) -> Option<Source<'_>> {
        let ip = canonical(address.ip());
        let fits = self.trunks.iter().filter_map(|trunk| {
            let best = trunk.sources.iter().filter(|net| net.contains(&ip)).map(IpNet::prefix_len).max()?;
            Some((best, trunk))
        });
        // The first of equals: order in the file is the author's preference.
        let trunk = fits.reduce(|best, other| if other.0 > best.0 { other } else { best });
        let agent = || self.agents.values().find(|a| a.address == Some(SocketAddr::new(ip, address.port())));
        trunk.map(|(_, t)| Source::Trunk(t)).or_else(|| agent().map(Source::Agent))
    }

    /// The trunk that shows one of these names of a certificate, which are in small letters. A name with `*` is such a name, and
    /// means no other (RFC 5922 7.2).
    pub fn trunk_named(&self, names: &[String]) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.tls_names.iter().any(|name| names.contains(name)))
    }

    /// Whose call an INVITE from that address is; nobody's where there are no trunks at all (contract).
    pub fn caller_source(&self, address: SocketAddr) -> Option<Source<'_>> {
        if self.trunks.is_empty() { None } else { self.source(address) }
    }

    /// Whether a stream from that address may be an agent's, whose streams come from ports of their own.
    pub fn may_stream(&self, ip: IpAddr) -> bool {
        self.agents.values().any(|a| a.address.is_some_and(|at| at.ip() == canonical(ip)))
    }

    /// The flow that a number runs; `None` where it was never published.
    pub fn flow_of(&self, number: &Number, id: &str) -> Option<&LiveFlow> {
        let language = number.language.as_ref();
        let in_language =
            language.and_then(|language| self.in_language.get(&(id.to_owned(), language.clone())));
        in_language.or_else(|| self.library.flows.get(id))
    }

    /// The trunks that calls to telephone numbers go out over, the first one first.
    pub fn outgoing_trunks(&self) -> Vec<&Trunk> {
        let mut trunks: Vec<_> =
            self.trunks.iter().filter(|t| t.host.is_some() || t.dial_registered).collect();
        trunks.sort_by_key(|trunk| trunk.priority);
        trunks
    }

    /// Who may register, or show with each call who it is, by the user of its address.
    pub fn accounts(&self) -> HashMap<String, Account> {
        let of_trunks = self.trunks.iter().filter_map(|trunk| {
            let (name, password) = trunk.account()?;
            Some((
                name.to_owned(),
                Account { owner: Owner::Trunk(trunk.id.clone()), password: password.clone() },
            ))
        });
        let of_agents = self.agents.values().filter_map(|agent| {
            let password = agent.password.clone()?;
            Some((agent.id.clone(), Account { owner: Owner::Agent(agent.id.clone()), password }))
        });
        // Of a trunk and an agent of one name it is the agent's.
        of_trunks.chain(of_agents).collect()
    }

    pub fn trunk(&self, id: &str) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.id == id)
    }

    /// The one that an account is of.
    pub fn owned_by(&self, owner: &Owner) -> Option<Source<'_>> {
        match owner {
            Owner::Agent(id) => self.agents.get(id).map(Source::Agent),
            Owner::Trunk(id) => self.trunk(id).map(Source::Trunk),
        }
    }

    /// Whether a caller from an address that nobody has may show by its credentials who it is.
    pub fn takes_credentials(&self) -> bool {
        self.trunks.iter().any(|trunk| trunk.authenticate && trunk.account().is_some())
    }
}

/// An IPv4 address that a dual-stack socket shows as IPv6.
fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(id: &str, sources: &[&str]) -> Trunk {
        let sources = sources.iter().map(|s| s.parse().unwrap()).collect();
        Trunk { id: id.into(), sources, ..Trunk::default() }
    }

    #[test]
    fn the_narrowest_range_wins_then_a_fixed_agent_then_nobody() {
        let agent = Agent {
            id: "alice".into(),
            name: "Alice".into(),
            skills: vec![],
            uri: None,
            crm_user: None,
            password: None,
            address: Some("192.0.2.5:5071".parse().unwrap()),
        };
        let snapshot = Snapshot {
            trunks: vec![
                trunk("wide", &["10.0.0.0/8"]),
                trunk("narrow", &["10.1.0.0/16"]),
                trunk("twin", &["10.1.0.0/16"]),
            ],
            agents: [("alice".to_owned(), agent)].into(),
            ..Snapshot::default()
        };
        let who = |address: &str| match snapshot.source(address.parse().unwrap()) {
            Some(Source::Trunk(t)) => t.id.clone(),
            Some(Source::Agent(a)) => a.id.clone(),
            None => "nobody".into(),
        };
        for (address, expected) in [
            ("10.2.0.1:5060", "wide"),
            ("10.1.0.1:5060", "narrow"),
            ("[::ffff:10.1.0.1]:5060", "narrow"),
            ("192.0.2.5:5071", "alice"),
            ("192.0.2.5:5072", "nobody"),
        ] {
            assert_eq!(who(address), expected, "{address}");
        }
    }
}
