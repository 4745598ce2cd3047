//! What the simulated server is set up with: numbers, flows, agents, prompts. Addresses of the simulated world
//! are in 10.0.0.0/8; nothing of it ever touches a socket.

use cordboard::audio::Clip;
use cordboard::call::b2bua::Settings;
use cordboard::call::media_leg::MediaSettings;
use cordboard::call::snapshot::{Agent, Answers, Number, Pattern, Prompts, Snapshot, Trunk};
use cordboard::call::switchboard::SwitchboardConfig;
use cordboard::flow::{Flow, Library, LiveFlow, LookupError, Question, Reply, Resources};
use cordboard::ids::Random;
use cordboard::sip::Transport;
use cordboard::sip::bans::BanPolicy;
use cordboard::sip::digest::Hash;
use cordboard::sip::endpoint::{EndpointConfig, Limits, Listener};
use cordboard::sip::locate::Target;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Threads with an engine each.
pub const THREADS: usize = 2;
/// No RTP for so long ends a call; shorter than the default so that a run is.
pub const INACTIVITY: Duration = Duration::from_secs(30);
/// `maxCallSec` of every flow.
pub const CALL_MAX: Duration = Duration::from_secs(120);
/// The first media port; pair `n` has RTP on this plus twice `n`.
pub const FIRST_PORT: u16 = 20_000;

/// The Smart Numbers.
pub const MAIN: &str = "+15550100";
pub const ECHO: &str = "+15550101";
pub const DIRECT: &str = "+15550102";
pub const BY_NAME: &str = "+15550103";
pub const ON_HOLD: &str = "+15550104";
/// No flow answers it.
pub const NOBODY: &str = "+15559999";

pub fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5060))
}

/// Who a phone belongs to: the caller of a call, or one of the two agents it may reach.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    Caller,
    First,
    Second,
}

/// The SIP address of a phone of call `call`.
pub fn address(role: Role, call: usize) -> SocketAddr {
    let net = match role {
        Role::Caller => 1,
        Role::First => 2,
        Role::Second => 3,
    };
    SocketAddr::from(([10, net, (call >> 8) as u8, call as u8], 5060))
}

/// The role and the call of an address.
pub fn owner(address: SocketAddr) -> Option<(Role, usize)> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    let [10, net, high, low] = ip.octets() else { return None };
    let role = match net {
        1 => Role::Caller,
        2 => Role::First,
        3 => Role::Second,
        _ => return None,
    };
    Some((role, usize::from(high) << 8 | usize::from(low)))
}

/// The caller's number; its last four digits are the call's, and so are those of the agents it reaches.
pub fn caller_number(call: usize) -> String {
    format!("+1415555{call:04}")
}

pub fn agent_id(role: Role, call: usize) -> String {
    match role {
        Role::Second => format!("second{call:04}"),
        _ => format!("first{call:04}"),
    }
}

pub fn switchboard_config(port_pairs: usize) -> SwitchboardConfig {
    let listener = |transport| Listener {
        transport,
        bind: server(),
        advertise_host: server().ip().to_string(),
        advertise_port: server().port(),
    };
    let endpoint = EndpointConfig {
        listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        user_agent: "cordboard".to_owned(),
        limits: Limits::default(),
        bans: BanPolicy::default(),
    };
    let media = MediaSettings {
        advertise: server().ip(),
        advertise_ipv6: None,
        advertise_of: Vec::new(),
        inactivity: INACTIVITY,
        certificates: Vec::new(),
    };
    SwitchboardConfig {
        endpoint,
        settings: Settings { domain: "cordboard.example".to_owned(), media, digest: vec![Hash::Md5] },
        media_threads: THREADS,
        port_pairs,
        calls_max: 20_000,
        never_banned: Vec::new(),
    }
}

/// A prompt that no other piece of audio can be taken for, and that holds no tone.
pub fn prompt(seed: u64, milliseconds: usize) -> Arc<Clip> {
    let mut random = Random::from_seed(seed);
    let samples: Vec<i16> = (0..milliseconds * 8).map(|_| random.below(4_000) as i16 - 2_000).collect();
    Arc::new(Clip::from_samples(&samples))
}

/// The flows' version is the snapshot's revision.
pub fn snapshot(revision: u64, calls: usize) -> Arc<Snapshot> {
    let number = |text: &str, answers| Number::new(Pattern::Exact(text.to_owned()), text, answers);
    let flow = |id: &str| Answers::Flow(id.to_owned());
    let numbers = vec![
        number(MAIN, flow("main")),
        number(ECHO, Answers::Echo),
        number(DIRECT, flow("direct")),
        number(BY_NAME, flow("by_name")),
        number(ON_HOLD, flow("on_hold")),
    ];
    let trunk = Trunk {
        id: "carrier".to_owned(),
        sources: vec!["10.0.0.0/8".parse().expect("a range")],
        ..Trunk::default()
    };
    let agent = |(role, call): (Role, usize)| {
        let (id, at) = (agent_id(role, call), address(role, call));
        let agent = Agent {
            id: id.clone(),
            name: id.clone(),
            skills: Vec::new(),
            uri: Some(format!("sip:{id}@{at}")),
            address: Some(at),
            crm_user: None,
            password: None,
        };
        (id, agent)
    };
    let agents = (0..calls).flat_map(|call| [(Role::First, call), (Role::Second, call)]).map(agent).collect();
    let files = [("hello", 700), ("menu", 900), ("rate", 400)];
    let files = files.into_iter().map(|(id, ms)| (id.to_owned(), prompt(ms as u64, ms)));
    let goodbye = (("en".to_owned(), "goodbye"), prompt(3, 300));
    let prompts = Prompts {
        files: files.collect(),
        speech: HashMap::new(),
        built_in: [goodbye].into(),
        music: Some(prompt(4, 1_500)),
    };
    let flows = [MAIN_FLOW, DIRECT_FLOW, BY_NAME_FLOW, ON_HOLD_FLOW].map(|text| compile(text, revision));
    Arc::new(Snapshot {
        revision,
        numbers: numbers.into(),
        trunks: vec![trunk],
        agents,
        library: Arc::new(Library { flows: flows.into(), ..Library::default() }),
        prompts,
        ..Snapshot::default()
    })
}

fn compile(text: &str, revision: u64) -> (String, LiveFlow) {
    let (flow, _) = Flow::compile(text, &Resources::default()).unwrap_or_else(|e| panic!("{e:#?}\n{text}"));
    (flow.id().to_owned(), LiveFlow::new(Arc::new(flow), revision as u32))
}

/// What other systems answer.
pub fn reply(question: &Question, fails: bool) -> Result<Reply, LookupError> {
    if fails {
        return Err(LookupError { code: "http_failed", message: "connection refused".to_owned() });
    }
    Ok(match question {
        Question::Http(_) => {
            return Reply::http(200, "{\"tier\": \"gold\"}".to_owned(), true);
        }
        Question::Sms(_) => Reply::Sms,
        Question::Callout(_) => Reply::Callout(serde_json::Map::new()),
        Question::Query(_) => Reply::Query(Vec::new()),
        Question::Match(_) => Reply::Match(None),
    })
}

/// Looks a host up: `call0012.desk.sim` is the first agent's of call 12, and nothing else exists.
pub fn resolve(host: &str) -> Result<Vec<Target>, String> {
    let call = host
        .strip_prefix("call")
        .and_then(|rest| rest.strip_suffix(".desk.sim"))
        .and_then(|n| n.parse().ok());
    let target = |address| vec![Target { transport: Transport::Udp, address, tls: None, source: None }];
    call.map(|call| target(address(Role::First, call))).ok_or_else(|| format!("{host} does not exist"))
}

const MAIN_FLOW: &str = r#"{
 "schema": "callflow/1", "id": "main", "name": "Main", "settings": {"maxCallSec": 120}, "entry": "hello",
 "steps": {
  "hello": {"type": "greeting", "name": "Hello", "config": {"audio": {"kind": "file", "id": "hello"}},
   "on": {"next": "tier"}},
  "tier": {"type": "http", "name": "Tier", "config": {"url": "https://crm.sim/tier", "saveAs": "tier"},
   "on": {"success": "menu", "http_error": "menu", "error": "menu"}},
  "menu": {"type": "menu", "name": "Menu", "config": {"prompt": {"kind": "file", "id": "menu"},
   "options": {"1": {"label": "agent"}, "2": {"label": "both"}, "3": {"label": "one by one"},
    "4": {"label": "code"}, "9": {"label": "bye"}}, "timeoutSec": 2, "maxNoInput": 2, "maxInvalid": 2},
   "on": {"key:1": "agent", "key:2": "both", "key:3": "oneby", "key:4": "code", "key:9": "bye",
    "no_response": "bye"}},
  "agent": {"type": "dial", "name": "Agent", "config": {"target": {"kind": "user",
   "value": "first{{call.from | last4}}"}, "ringSec": 6}, "on": {"no_response": "sorry"}},
  "both": {"type": "dial", "name": "Both", "config": {"target": {"kind": "users",
   "values": ["first{{call.from | last4}}", "second{{call.from | last4}}"]}, "ringSec": 6, "ringback": "music"},
   "on": {"no_response": "sorry"}},
  "oneby": {"type": "dial", "name": "One by one", "config": {"target": {"kind": "users",
   "values": ["first{{call.from | last4}}", "second{{call.from | last4}}"]}, "strategy": "sequential",
   "ringSec": 5, "totalSec": 12, "whisper": {"kind": "tts", "text": "A caller."}},
   "on": {"no_response": "sorry"}},
  "code": {"type": "prompt", "name": "Code", "config": {"prompt": {"kind": "file", "id": "rate"},
   "saveAs": "code", "minDigits": 4, "maxDigits": 4, "attempts": 1, "timeoutSec": 4},
   "on": {"next": "bye", "no_response": "sorry"}},
  "sorry": {"type": "hangup", "name": "Sorry", "config": {"audio": {"kind": "tts",
   "text": "Nobody for {{call.from | last4}}."}, "outcome": "sorry"}},
  "bye": {"type": "hangup", "name": "Bye", "config": {"outcome": "bye {{code}}"}}
 }}"#;

/// Rings before anything was answered; where nobody answers, the caller gets 486.
const DIRECT_FLOW: &str = r#"{
 "schema": "callflow/1", "id": "direct", "name": "Direct", "settings": {"maxCallSec": 120}, "entry": "agent",
 "steps": {
  "agent": {"type": "dial", "name": "Agent", "config": {"target": {"kind": "user",
   "value": "first{{call.from | last4}}"}, "ringSec": 6}, "on": {"no_response": "busy"}},
  "busy": {"type": "hangup", "name": "Busy", "config": {"sipReason": 486}}
 }}"#;

/// The agent's host has to be looked up; after the talk the caller is asked.
const BY_NAME_FLOW: &str = r#"{
 "schema": "callflow/1", "id": "by_name", "name": "By name", "settings": {"maxCallSec": 120}, "entry": "desk",
 "steps": {
  "desk": {"type": "dial", "name": "Desk", "config": {"target": {"kind": "sip", 
   "value": "sip:desk@call{{call.from | last4}}.desk.sim"},
   "ringSec": 6, "afterAnswered": "continue"}, "on": {"after_call": "rate", "no_response": "lost"}},
  "lost": {"type": "dial", "name": "Lost", "config": {"target": {"kind": "sip",
   "value": "sip:desk@nowhere.sim"}, "ringSec": 6}, "on": {"no_response": "rate"}},
  "rate": {"type": "menu", "name": "Rate", "config": {"prompt": {"kind": "file", "id": "rate"},
   "options": {"1": {"label": "good"}}, "timeoutSec": 2, "maxNoInput": 1, "maxInvalid": 1},
   "on": {"key:1": "bye", "no_response": "bye"}},
  "bye": {"type": "hangup", "name": "Bye", "config": {}}
 }}"#;

/// Plays for ten seconds and goes.
const ON_HOLD_FLOW: &str = r#"{
 "schema": "callflow/1", "id": "on_hold", "name": "On hold", "settings": {"maxCallSec": 120}, "entry": "wait",
 "steps": {
  "wait": {"type": "wait", "name": "Wait", "config": {"seconds": 10,
   "audio": {"kind": "file", "id": "menu"}}, "on": {"next": "bye"}},
  "bye": {"type": "hangup", "name": "Bye", "config": {}}
 }}"#;
