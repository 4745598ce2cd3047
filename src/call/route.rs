//! Which Smart Number a call is for, and why: the same answer for a live call and for `cordboard route test`.

use super::number;
use super::snapshot::{Answers, Number, Pattern, Snapshot, Source, Unassigned};
use crate::flow::{Flow, FlowVersion, LiveFlow};
use std::sync::Arc;

/// Where a call goes.
pub struct Route<'a> {
    pub number: &'a Number,
    pub start: Start<'a>,
    /// The steps of the decision in words.
    pub why: Vec<String>,
}

/// What a call begins with.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// The version of the number's flow that this caller gets.
    Flow(&'a FlowVersion),
    /// What a number does that leads to no flow.
    Service(&'a Arc<Flow>),
    Echo,
}

/// Why a call goes nowhere.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unroutable {
    #[error("the request names no number: neither its URI nor its To has a user part")]
    NoNumber,
    #[error("no Smart Number is {}", .tried.join(" or "))]
    UnknownNumber { tried: Vec<String> },
    #[error("the Smart Number {number} is not in service: {why}")]
    NotInService { number: String, why: String },
    #[error("the Smart Number {number} takes no calls from {caller}")]
    Blocked { number: String, caller: String },
}

impl Unroutable {
    /// The Smart Number that was dialled, where there is one.
    pub fn number(&self) -> Option<&str> {
        match self {
            Unroutable::NotInService { number, .. } | Unroutable::Blocked { number, .. } => Some(number),
            Unroutable::NoNumber | Unroutable::UnknownNumber { .. } => None,
        }
    }

    /// The SIP code that says it best.
    pub fn sip_code(&self) -> u16 {
        match self {
            Unroutable::NoNumber => 484,
            Unroutable::UnknownNumber { .. } | Unroutable::NotInService { .. } => 404,
            Unroutable::Blocked { .. } => 603,
        }
    }
}

impl Start<'_> {
    /// What the interpreter runs; `None` for an echo.
    pub fn version(&self) -> Option<FlowVersion> {
        match self {
            Start::Flow(version) => Some((*version).clone()),
            Start::Service(flow) => Some(FlowVersion { flow: (*flow).clone(), number: 0 }),
            Start::Echo => None,
        }
    }
}

/// Finds the number: exact before the narrowest pattern before the longest prefix, the trunk's reading before the plain
/// one (contract). `caller` is the caller's number, empty where withheld.
pub fn route<'a>(
    snapshot: &'a Snapshot,
    source: Option<Source<'_>>,
    dialled: &str,
    caller: &str,
) -> Result<Route<'a>, Unroutable> {
    let (country, from) = match source {
        Some(Source::Trunk(trunk)) => (trunk.default_country, format!("the trunk \"{}\"", trunk.id)),
        Some(Source::Agent(agent)) => (None, format!("the agent \"{}\"", agent.id)),
        None => (None, "nowhere in particular".to_owned()),
    };
    let readings = number::read(dialled, country);
    if readings.plain.is_empty() {
        return Err(Unroutable::NoNumber);
    }
    let mut why = vec![format!("a call from {from} to {}", readings.plain)];
    if let (Some(read), Some(country)) = (&readings.by_rule, country) {
        why.push(format!("its default country {} reads {} as {read}", country.as_ref(), readings.plain));
    }
    let tried: Vec<String> = readings.by_rule.iter().chain([&readings.plain]).cloned().collect();
    let number = tried
        .iter()
        .find_map(|text| snapshot.numbers.find(text))
        .ok_or(Unroutable::UnknownNumber { tried: tried.clone() })?;
    why.push(match &number.pattern {
        Pattern::Exact(text) => format!("the Smart Number {text} is that number"),
        Pattern::Shape(shape) => format!("no number is exactly that; {shape} is the narrowest pattern"),
        Pattern::Prefix(text) => format!("no number is exactly that; {text} is the longest prefix"),
    });
    turn_away(snapshot, number, caller, &mut why)?;
    let start = start(snapshot, number, caller, &mut why)?;
    if let Some(most) = number.max_concurrent_calls {
        why.push(format!("at most {most} calls at one time: more are answered 486"));
    }
    Ok(Route { number, start, why })
}

/// Callers in the number's list.
fn turn_away(
    snapshot: &Snapshot,
    number: &Number,
    caller: &str,
    why: &mut Vec<String>,
) -> Result<(), Unroutable> {
    let Some(id) = &number.blocked_callers else { return Ok(()) };
    if snapshot.library.caller_lists.get(id).is_some_and(|list| list.contains(caller)) {
        return Err(Unroutable::Blocked { number: number.pattern.text(), caller: caller.to_owned() });
    }
    why.push(format!("callers in the list \"{id}\" are turned away"));
    Ok(())
}

fn start<'a>(
    snapshot: &'a Snapshot,
    number: &Number,
    caller: &str,
    why: &mut Vec<String>,
) -> Result<Start<'a>, Unroutable> {
    let nowhere = match &number.answers {
        _ if !number.is_active => "it is not active".to_owned(),
        Answers::Flow(id) => match snapshot.flow_of(number, id) {
            Some(live) => {
                let version = live.choose(caller);
                why.push(format!("it runs the call flow \"{id}\", version {}", version.number));
                why.extend(about_canary(live, version));
                let language = number.language.as_ref();
                let spoken = |language: &&String| {
                    snapshot.in_language.contains_key(&(id.clone(), (*language).clone()))
                };
                let spoken = language.filter(spoken);
                why.extend(spoken.map(|language| format!("it speaks {language}, the number's language")));
                return Ok(Start::Flow(version));
            }
            None => format!("it leads to the call flow \"{id}\", which was never published"),
        },
        Answers::Agent(id) => match snapshot.services.get(&number.pattern.text()) {
            Some(flow) => {
                why.push(format!("it rings the agent \"{id}\""));
                return Ok(Start::Service(flow));
            }
            None => format!("it leads to the agent \"{id}\", who cannot be rung"),
        },
        Answers::Echo => {
            why.push("it sends the caller's audio back".to_owned());
            return Ok(Start::Echo);
        }
        Answers::Nothing => "it leads nowhere".to_owned(),
    };
    let service = snapshot.services.get(super::services::NOT_IN_SERVICE);
    match (number.unassigned, service) {
        (Unassigned::NotInService, Some(flow)) => {
            why.push(format!("{nowhere}: the caller hears that it is not in service"));
            Ok(Start::Service(flow))
        }
        _ => Err(Unroutable::NotInService { number: number.pattern.text(), why: nowhere }),
    }
}

fn about_canary(live: &LiveFlow, version: &FlowVersion) -> Option<String> {
    let canary = live.canary.as_ref()?;
    let (trial, live) = (canary.version.number, live.live.number);
    let this =
        if version.number == trial { "this caller is one of them" } else { "this caller is none of them" };
    let others = 100 - canary.share.min(100);
    Some(format!(
        "version {trial} is on trial (a canary): {} of 100 callers get it, {others} version {live}; {this}",
        canary.share
    ))
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::Trunk;
    use super::*;

    fn number(pattern: Pattern) -> Number {
        Number::new(pattern, "", Answers::Echo)
    }

    #[test]
    fn exact_before_longest_prefix_and_the_trunks_reading_before_the_plain_one() {
        let snapshot = Snapshot {
            numbers: vec![
                number(Pattern::Prefix("+1".into())),
                number(Pattern::Prefix("+1415".into())),
                number(Pattern::Exact("+14155550123".into())),
                number(Pattern::Exact("100".into())),
            ]
            .into(),
            ..Snapshot::default()
        };
        let country = Some(phonenumber::country::Id::US);
        let trunk = Trunk { id: "t".into(), default_country: country, ..Trunk::default() };
        for (dialled, expected) in [
            ("+14155550123", Ok("+14155550123")),
            ("415-555-0123", Ok("+14155550123")),
            ("+14155550124", Ok("+1415*")),
            ("+12025550124", Ok("+1*")),
            ("100", Ok("100")),
            ("+442079460018", Err(404)),
            ("", Err(484)),
        ] {
            let found = route(&snapshot, Some(Source::Trunk(&trunk)), dialled, "");
            let found = found.map(|r| r.number.pattern.text()).map_err(|e| e.sip_code());
            assert_eq!(found, expected.map(str::to_owned), "{dialled}");
        }
    }

    /// Two versions of a flow, the second as a canary; what is in a list; services.
    fn world(number: Number) -> Snapshot {
        let flow = |name: &str| {
            let text = format!(
                r#"{{"schema": "callflow/1", "id": "main", "name": "{name}", "settings": {{"language": "fr"}},
                "entry": "a", "steps": {{"a": {{"type": "hangup", "config": {{}}}}}}}}"#
            );
            Arc::new(Flow::compile(&text, &crate::flow::Resources::default()).unwrap().0)
        };
        let mut live = LiveFlow::new(flow("one"), 1);
        let version = FlowVersion { flow: flow("two"), number: 2 };
        live.canary = Some(crate::flow::Canary { version, share: 50 });
        let mut blocked = crate::flow::CallerList::default();
        blocked.add("+1666*").unwrap();
        let library = crate::flow::Library {
            flows: [("main".to_owned(), live)].into(),
            caller_lists: [("bad".to_owned(), blocked)].into(),
            ..Default::default()
        };
        let services = super::super::services::of_numbers(std::slice::from_ref(&number), false);
        Snapshot { numbers: vec![number].into(), library: Arc::new(library), services, ..Snapshot::default() }
    }

    fn to_main() -> Number {
        Number::new(Pattern::Exact("1".into()), "", Answers::Flow("main".into()))
    }

    /// What becomes of a call, in a word.
    fn outcome(number: Number, caller: &str) -> String {
        match route(&world(number), None, "1", caller) {
            Ok(Route { start: Start::Flow(version), .. }) => format!("version {}", version.number),
            Ok(Route { start: Start::Service(flow), .. }) => flow.id().to_owned(),
            Ok(Route { start: Start::Echo, .. }) => "echo".to_owned(),
            Err(error) => format!("{} {error}", error.sip_code()),
        }
    }

    #[test]
    fn a_number_that_leads_nowhere_says_so_or_is_answered_404() {
        let refuses = |number| Number { unassigned: Unassigned::Refuse, ..number };
        let lost = || Number { answers: Answers::Flow("gone".into()), ..to_main() };
        let inactive = || Number { is_active: false, ..to_main() };
        let nothing = || Number { answers: Answers::Nothing, ..to_main() };
        for (number, why) in [
            (lost(), "it leads to the call flow \"gone\", which was never published"),
            (inactive(), "it is not active"),
            (nothing(), "it leads nowhere"),
        ] {
            assert_eq!(outcome(number.clone(), ""), "not-in-service");
            let refusal = format!("404 the Smart Number 1 is not in service: {why}");
            assert_eq!(outcome(refuses(number), ""), refusal);
        }
        let agent = Number { answers: Answers::Agent("alice".into()), ..to_main() };
        assert_eq!(outcome(agent.clone(), ""), "ring-an-agent");
        assert_eq!(outcome(Number { is_active: false, ..agent }, ""), "not-in-service");
    }

    #[test]
    fn a_caller_in_the_list_is_turned_away_and_others_are_not() {
        let number = || Number { blocked_callers: Some("bad".into()), ..to_main() };
        assert_eq!(
            outcome(number(), "+16665550100"),
            "603 the Smart Number 1 takes no calls from +16665550100"
        );
        assert!(outcome(number(), "+15555550100").starts_with("version"));
        assert_eq!(outcome(number(), ""), "version 1");
        let unknown = Number { blocked_callers: Some("gone".into()), ..to_main() };
        assert!(outcome(unknown, "+16665550100").starts_with("version"));
    }

    #[test]
    fn a_canary_has_its_share_of_the_callers_each_time_the_same() {
        let snapshot = world(to_main());
        let callers: Vec<String> = (0..1_000).map(|n| format!("+1555{n:07}")).collect();
        let versions = |callers: &[String]| -> Vec<u32> {
            let version =
                |caller: &String| route(&snapshot, None, "1", caller).unwrap().start.version().unwrap();
            callers.iter().map(|caller| version(caller).number).collect()
        };
        let first = versions(&callers);
        let share = first.iter().filter(|version| **version == 2).count();
        assert!((430..570).contains(&share), "{share} of 1,000");
        assert_eq!(versions(&callers), first);
        let why = route(&snapshot, None, "1", "").unwrap().why.join("; ");
        assert!(
            why.contains(
                "version 2 is on trial (a canary): 50 of 100 callers get it, 50 version 1; this caller is"
            ),
            "{why}"
        );
    }
}
