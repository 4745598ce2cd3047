//! Calls whose end is certain on a network that loses nothing: what each does, and what must come of it.

use super::house::{BY_NAME, DIRECT, ECHO, MAIN, NOBODY, ON_HOLD, Role, agent_id, prompt};
use super::script::{Answer, Conduct, KeyBy, Media, Script, ms};
use super::world::{World, call_id};
use cordboard::audio::Codec;
use cordboard::call::record::EndReason;
use cordboard::flow::OutcomeKind;

/// What must come of a call.
pub struct Expected {
    reason: EndReason,
    sip_code: Option<u16>,
    agent: Option<Role>,
    outcome_text: Option<&'static str>,
    keys: &'static str,
    /// Packets of so many milliseconds at least that the caller and its agent heard of one another.
    talk_ms: u32,
}

pub struct Case {
    pub name: &'static str,
    pub script: Script,
    pub expected: Expected,
}

impl Case {
    /// A call of phones with media to `number` that ends by `reason`.
    fn new(name: &'static str, number: &'static str, reason: EndReason) -> Self {
        let expected =
            Expected { reason, sip_code: None, agent: None, outcome_text: None, keys: "", talk_ms: 0 };
        Case { name, script: Script::new(number, FULL), expected }
    }

    fn caller(mut self, change: impl FnOnce(&mut Conduct)) -> Self {
        change(&mut self.script.caller);
        self
    }

    fn first(mut self, change: impl FnOnce(&mut Conduct)) -> Self {
        change(&mut self.script.first);
        self
    }

    fn second(mut self, change: impl FnOnce(&mut Conduct)) -> Self {
        change(&mut self.script.second);
        self
    }

    /// The caller presses a key so long after the answer.
    fn key(mut self, after: u64, key: char, by: KeyBy) -> Self {
        self.script.caller.keys.push((ms(after), key, by));
        self
    }

    fn expect(mut self, change: impl FnOnce(&mut Expected)) -> Self {
        change(&mut self.expected);
        self
    }

    fn talks(self, agent: Role, keys: &'static str, talk_ms: u32) -> Self {
        self.expect(|e| (e.agent, e.keys, e.talk_ms) = (Some(agent), keys, talk_ms))
    }
}

const FULL: Media = Media::Full { codec: Codec::Pcmu, ptime_ms: 20 };

pub fn all() -> Vec<Case> {
    [talking(), nobody_answers(), alone(), refused(), vanishing(), odd()].into_iter().flatten().collect()
}

/// To the agent by key 1; the caller hangs up after eight seconds.
fn to_agent(name: &'static str, by: KeyBy) -> Case {
    Case::new(name, MAIN, EndReason::CallerHungUp)
        .key(1_200, '1', by)
        .caller(|caller| caller.hangs_up = Some(ms(8_000)))
        .talks(Role::First, "1", 3_500)
}

fn talking() -> Vec<Case> {
    let media = |codec, ptime_ms| Media::Full { codec, ptime_ms };
    let agent_ends =
        Case::new("the agent hangs up", MAIN, EndReason::AgentHungUp).key(1_200, '1', KeyBy::Event);
    let fastest = Case::new("two ring and the second is faster", MAIN, EndReason::CallerHungUp);
    let next = Case::new("the first declines and the second takes it", MAIN, EndReason::CallerHungUp);
    vec![
        to_agent("key by telephone-event", KeyBy::Event),
        to_agent("key by tone", KeyBy::Tone),
        to_agent("key by INFO", KeyBy::Info),
        agent_ends.first(|agent| agent.hangs_up = Some(ms(4_000))).talks(Role::First, "1", 3_000),
        fastest
            .key(1_200, '2', KeyBy::Event)
            .caller(|caller| caller.hangs_up = Some(ms(9_000)))
            .first(|agent| agent.answer = Answer::After(ms(3_500)))
            .second(|agent| agent.answer = Answer::After(ms(1_000)))
            .talks(Role::Second, "2", 4_000),
        next.key(1_200, '3', KeyBy::Event)
            .caller(|caller| caller.hangs_up = Some(ms(12_000)))
            .first(|agent| agent.answer = Answer::Refuses(ms(500), 603))
            .talks(Role::Second, "3", 4_000),
        to_agent("A-law to mu-law", KeyBy::Event).caller(|caller| caller.media = media(Codec::Pcma, 20)),
        to_agent("30 ms to 20 ms", KeyBy::Event).caller(|caller| caller.media = media(Codec::Pcmu, 30)),
        to_agent("10 ms to 60 ms A-law", KeyBy::Event)
            .caller(|caller| caller.media = media(Codec::Pcmu, 10))
            .first(|agent| agent.media = media(Codec::Pcma, 60)),
        to_agent("the caller holds and resumes", KeyBy::Event).caller(|caller| {
            (caller.holds, caller.hangs_up) = (Some((ms(5_000), ms(2_000))), Some(ms(12_000)))
        }),
        to_agent("the agent holds and resumes", KeyBy::Event)
            .first(|agent| agent.holds = Some((ms(2_000), ms(1_000))))
            .caller(|caller| caller.hangs_up = Some(ms(10_000))),
        Case::new("answered by the agent itself", DIRECT, EndReason::CallerHungUp)
            .caller(|caller| caller.hangs_up = Some(ms(5_000)))
            .talks(Role::First, "", 4_000),
        Case::new("the agent's host is looked up, and a menu follows", BY_NAME, EndReason::FlowEnded)
            .key(4_000, '1', KeyBy::Event)
            .first(|agent| agent.hangs_up = Some(ms(3_000)))
            .expect(|e| e.keys = "1"),
    ]
}

fn nobody_answers() -> Vec<Case> {
    let case = |name| {
        let case = Case::new(name, MAIN, EndReason::FlowEnded).key(1_200, '1', KeyBy::Info);
        case.expect(|e| (e.keys, e.outcome_text) = ("1", Some("sorry")))
    };
    let direct =
        |name, code| Case::new(name, DIRECT, EndReason::FlowEnded).expect(|e| e.sip_code = Some(code));
    vec![
        case("busy").first(|agent| agent.answer = Answer::Refuses(ms(300), 486)),
        case("declined").first(|agent| agent.answer = Answer::Refuses(ms(300), 603)),
        case("nobody is there").first(|agent| agent.answer = Answer::Never),
        case("the phone is unplugged").first(|agent| agent.answer = Answer::Dead),
        case("its codec is of no use").first(|agent| agent.media = Media::Unknown),
        direct("busy before the answer", 486).first(|agent| agent.answer = Answer::Refuses(ms(300), 486)),
        Case::new("given up while it rings", DIRECT, EndReason::CallerHungUp)
            .caller(|caller| caller.gives_up = Some(ms(900)))
            .expect(|e| e.sip_code = Some(487)),
        Case::new("hung up while it rings", MAIN, EndReason::CallerHungUp)
            .key(1_200, '1', KeyBy::Event)
            .first(|agent| agent.answer = Answer::Never)
            .caller(|caller| caller.hangs_up = Some(ms(4_000)))
            .expect(|e| e.keys = "1"),
    ]
}

fn alone() -> Vec<Case> {
    let code = Case::new("a code", MAIN, EndReason::FlowEnded).key(1_200, '4', KeyBy::Tone);
    let code =
        (0..4).fold(code, |case, n| case.key(2_500 + 900 * n, char::from(b'5' + n as u8), KeyBy::Tone));
    vec![
        code.expect(|e| (e.keys, e.outcome_text) = ("45678", Some("bye 5678"))),
        Case::new("nothing is pressed", MAIN, EndReason::FlowEnded).expect(|e| e.outcome_text = Some("bye ")),
        Case::new("hung up in the greeting", MAIN, EndReason::CallerHungUp)
            .caller(|caller| caller.hangs_up = Some(ms(300))),
        Case::new("an echo", ECHO, EndReason::CallerHungUp)
            .caller(|caller| caller.hangs_up = Some(ms(3_000))),
        Case::new("music to its end", ON_HOLD, EndReason::FlowEnded),
        Case::new("signalling only", MAIN, EndReason::CallerHungUp)
            .key(1_200, '1', KeyBy::Info)
            .caller(|caller| (caller.media, caller.hangs_up) = (Media::Signalling, Some(ms(60_000))))
            .first(|agent| agent.media = Media::Signalling)
            .expect(|e| (e.agent, e.keys) = (Some(Role::First), "1")),
        Case::new("the answer comes with the ACK", MAIN, EndReason::FlowEnded)
            .key(1_500, '9', KeyBy::Info)
            .caller(|caller| caller.media = Media::NoOffer { answers: true })
            .expect(|e| (e.keys, e.outcome_text) = ("9", Some("bye "))),
    ]
}

fn refused() -> Vec<Case> {
    vec![
        Case::new("an unknown number", NOBODY, EndReason::Rejected).expect(|e| e.sip_code = Some(404)),
        Case::new("an unknown codec", MAIN, EndReason::Rejected)
            .caller(|caller| caller.media = Media::Unknown)
            .expect(|e| e.sip_code = Some(488)),
        Case::new("no answer in the ACK", MAIN, EndReason::BadAnswer)
            .caller(|caller| caller.media = Media::NoOffer { answers: false }),
    ]
}

fn vanishing() -> Vec<Case> {
    let forever = |name, reason| {
        let mut case = to_agent(name, KeyBy::Event);
        (case.script.caller.hangs_up, case.expected.reason, case.expected.talk_ms) = (None, reason, 0);
        case
    };
    vec![
        forever("the caller vanishes", EndReason::CallerVanished)
            .caller(|caller| caller.crashes = Some(ms(6_000))),
        forever("the agent vanishes", EndReason::AgentVanished)
            .first(|agent| agent.crashes = Some(ms(3_000))),
        forever("the agent sends nothing", EndReason::AgentVanished).first(|agent| agent.media = Media::Mute),
        Case::new("the caller vanishes from an echo", ECHO, EndReason::CallerVanished)
            .caller(|caller| caller.crashes = Some(ms(2_000))),
    ]
}

fn odd() -> Vec<Case> {
    vec![
        Case::new("never acknowledged", MAIN, EndReason::NotAcknowledged)
            .key(1_200, '1', KeyBy::Event)
            .caller(|caller| caller.oddities.never_acknowledges = true)
            .expect(|e| (e.agent, e.keys) = (Some(Role::First), "1")),
        to_agent("BYE twice", KeyBy::Event).caller(|caller| caller.oddities.bye_twice = true),
        to_agent("BYE is passed over", KeyBy::Event).first(|agent| agent.oddities.ignores_bye = true),
        to_agent("nonsense in INFO", KeyBy::Event)
            .caller(|caller| caller.oddities.garbage_info = true)
            .first(|agent| agent.oddities.garbage_info = true),
    ]
}

impl Case {
    /// What is wrong with how this case went as call `call`.
    pub fn faults(&self, world: &World, call: usize) -> Vec<String> {
        let Expected { reason, sip_code, agent, outcome_text, keys, talk_ms } = &self.expected;
        let mut faults = Vec::new();
        let mut differ = |what: &str, found: String, expected: String| {
            if found != expected {
                faults.push(format!("\"{}\" (call {call}): {what} is {found}, not {expected}", self.name));
            }
        };
        let Some(record) = world.records.iter().find(|record| record.sip_call_id == call_id(call)) else {
            return vec![format!("\"{}\" (call {call}) has no record", self.name)];
        };
        let outcome = record.outcome.as_ref();
        let found_keys: String = record.keys.iter().map(|key| key.digit).collect();
        differ("the end reason", format!("{:?}", record.end_reason), format!("{reason:?}"));
        differ("the SIP code", format!("{:?}", record.sip_code), format!("{sip_code:?}"));
        differ("the keys", found_keys, (*keys).to_owned());
        let found_agent = outcome.and_then(|outcome| outcome.agent_id.clone());
        if self.script.number != BY_NAME {
            differ(
                "the agent",
                format!("{found_agent:?}"),
                format!("{:?}", agent.map(|role| agent_id(role, call))),
            );
            let is_answered = outcome.is_some_and(|outcome| outcome.outcome == OutcomeKind::Answered);
            differ("answered", is_answered.to_string(), agent.is_some().to_string());
        }
        if let Some(text) = outcome_text {
            let found = outcome.and_then(|outcome| outcome.outcome_text.clone()).unwrap_or_default();
            differ("the outcome's text", found.trim().to_owned(), text.trim().to_owned());
        }
        if let Some(agent) = agent.filter(|_| *talk_ms > 0) {
            let (first, second) = (
                self.heard_ms(world, call, Role::Caller, agent),
                self.heard_ms(world, call, agent, Role::Caller),
            );
            if first < *talk_ms || second < *talk_ms {
                differ("heard of one another", format!("{first} and {second} ms"), format!("{talk_ms} ms"));
            }
        }
        if self.hears_the_greeting() && !self.heard_whole(world, call) {
            differ("the greeting", "cut".to_owned(), "whole".to_owned());
        }
        faults
    }

    /// For how long `by` heard `of`.
    fn heard_ms(&self, world: &World, call: usize, by: Role, of: Role) -> u32 {
        let voice = world.phone(by, call).and_then(|phone| phone.voice.as_ref());
        let conduct = if by == Role::Caller { &self.script.caller } else { &self.script.first };
        let ptime = if let Media::Full { ptime_ms, .. } = conduct.media { u32::from(ptime_ms) } else { 20 };
        voice.map_or(0, |voice| voice.heard.levels[of as usize] * ptime)
    }

    fn hears_the_greeting(&self) -> bool {
        let caller = &self.script.caller;
        let stays = caller.hangs_up.is_none_or(|at| at > ms(1_000));
        let hears = matches!(caller.media, Media::Full { .. });
        self.script.number == MAIN && stays && hears && self.expected.reason != EndReason::NotAcknowledged
    }

    fn heard_whole(&self, world: &World, call: usize) -> bool {
        let Media::Full { codec, .. } = self.script.caller.media else { return false };
        let clip = prompt(700, 700);
        let heard = world.phone(Role::Caller, call).and_then(|phone| phone.voice.as_ref());
        let heard = heard.and_then(|voice| voice.heard.audio.as_deref()).unwrap_or_default();
        heard.windows(clip.len()).any(|window| window == clip.bytes(codec))
    }
}
