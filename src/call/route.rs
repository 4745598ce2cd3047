//! Which Smart Number a call is for, and why: the same answer for a live call and for `cordboard route test`.

use super::number;
use super::snapshot::{Answers, Number, Pattern, Snapshot, Source};
use crate::flow::LiveFlow;

/// Where a call goes.
pub struct Route<'a> {
    pub number: &'a Number,
    /// The flow of the number; `None` for an echo.
    pub flow: Option<&'a LiveFlow>,
    /// The steps of the decision in words.
    pub why: Vec<String>,
}

/// Why a call goes nowhere.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unroutable {
    #[error("the request names no number: neither its URI nor its To has a user part")]
    NoNumber,
    #[error("no Smart Number is {}", .tried.join(" or "))]
    UnknownNumber { tried: Vec<String> },
    #[error("the Smart Number {number} points to the call flow \"{flow}\", which does not exist")]
    NoFlow { number: String, flow: String },
}

impl Unroutable {
    /// The SIP code that says it best.
    pub fn sip_code(&self) -> u16 {
        match self {
            Unroutable::NoNumber => 484,
            Unroutable::UnknownNumber { .. } => 404,
            Unroutable::NoFlow { .. } => 500,
        }
    }
}

/// Finds the number: exact before the longest prefix, the trunk's reading before the plain one (contract).
pub fn route<'a>(
    snapshot: &'a Snapshot,
    source: Option<Source<'_>>,
    dialled: &str,
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
        .find_map(|text| find(snapshot, text))
        .ok_or(Unroutable::UnknownNumber { tried: tried.clone() })?;
    why.push(match &number.pattern {
        Pattern::Exact(text) => format!("the Smart Number {text} is that number"),
        Pattern::Prefix(text) => format!("no number is exactly that; {text} is the longest prefix"),
    });
    let flow = match &number.answers {
        Answers::Flow(id) => {
            let no_flow =
                || Unroutable::NoFlow { number: number.pattern.text().to_owned(), flow: id.clone() };
            let live = snapshot.library.flows.get(id).ok_or_else(no_flow)?;
            why.push(format!("it runs the call flow \"{id}\", version {}", live.live.number));
            Some(live)
        }
        Answers::Echo => {
            why.push("it sends the caller's audio back".to_owned());
            None
        }
    };
    Ok(Route { number, flow, why })
}

fn find<'a>(snapshot: &'a Snapshot, text: &str) -> Option<&'a Number> {
    let exact = snapshot.numbers.iter().find(|n| matches!(&n.pattern, Pattern::Exact(t) if t == text));
    let prefix = || {
        let fits = snapshot
            .numbers
            .iter()
            .filter(|n| matches!(&n.pattern, Pattern::Prefix(t) if text.starts_with(t.as_str())));
        fits.max_by_key(|n| n.pattern.text().len())
    };
    exact.or_else(prefix)
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::Trunk;
    use super::*;

    fn number(pattern: Pattern) -> Number {
        Number { pattern, label: String::new(), answers: Answers::Echo }
    }

    #[test]
    fn exact_before_longest_prefix_and_the_trunks_reading_before_the_plain_one() {
        let snapshot = Snapshot {
            numbers: vec![
                number(Pattern::Prefix("+1".into())),
                number(Pattern::Prefix("+1415".into())),
                number(Pattern::Exact("+14155550123".into())),
                number(Pattern::Exact("100".into())),
            ],
            ..Snapshot::default()
        };
        let country = Some(phonenumber::country::Id::US);
        let trunk = Trunk { id: "t".into(), sources: vec![], host: None, default_country: country };
        for (dialled, expected) in [
            ("+14155550123", Ok("+14155550123")),
            ("415-555-0123", Ok("+14155550123")),
            ("+14155550124", Ok("+1415")),
            ("+12025550124", Ok("+1")),
            ("100", Ok("100")),
            ("+442079460018", Err(404)),
            ("", Err(484)),
        ] {
            let found = route(&snapshot, Some(Source::Trunk(&trunk)), dialled);
            let found = found.map(|r| r.number.pattern.text()).map_err(|e| e.sip_code());
            assert_eq!(found, expected, "{dialled}");
        }
    }

    #[test]
    fn a_number_without_its_flow_says_so() {
        let answers = Answers::Flow("gone".into());
        let lost = Number { pattern: Pattern::Exact("1".into()), label: String::new(), answers };
        let snapshot = Snapshot { numbers: vec![lost], ..Snapshot::default() };
        let error = route(&snapshot, None, "1").err().unwrap();
        assert_eq!(
            error.to_string(),
            "the Smart Number 1 points to the call flow \"gone\", which does not exist"
        );
    }
}
