//! Split Based On as branch, or as several where a comparison is turned round or two must hold.

use super::conditions::{Test, dial_words, test};
use super::liquid::{Liquid, Place};
use super::plan::Import;
use super::report::Notes;
use super::source::State;
use crate::flow::finding::quoted;
use serde_json::json;

/// Most branches of one step.
const BRANCHES_MAX: usize = 50;
/// One for each key of a telephone.
const KEYS_MAX: usize = 12;

/// What can be decided of a split.
pub(super) struct Split {
    pub rules: Vec<Rule>,
    pub notes: Notes,
}

/// A way of a split.
#[derive(Clone)]
pub(super) struct Rule {
    /// Values (templates) and what they must be; all of them.
    pub tests: Vec<(String, Test)>,
    pub to: Option<usize>,
}

pub(super) fn read(state: &State, liquid: &mut Liquid) -> Split {
    let mut split = Split { rules: Vec::new(), notes: Notes::default() };
    let input = state.text("input");
    for way in state.transitions.iter().filter(|way| way.event == "match") {
        let mut tests = Vec::new();
        for condition in &way.conditions {
            let argument = if condition.argument.trim().is_empty() { &input } else { &condition.argument };
            match decide(&condition.kind, argument, &condition.value, liquid) {
                Ok(test) => tests.push(test),
                Err(reason) => {
                    split.notes.attention(format!("A condition {reason}; its way was taken out."));
                    tests.clear();
                    break;
                }
            }
        }
        if !tests.is_empty() {
            split.rules.push(Rule { tests, to: way.next });
        }
    }
    split
}

fn decide(kind: &str, argument: &str, value: &str, liquid: &mut Liquid) -> Result<(String, Test), String> {
    let mut found = test(kind, value)?;
    let mut notes = Notes::default();
    let argument = liquid.translate(argument.trim(), Place::Text, &mut notes);
    let shown = quoted(&argument);
    if notes.needs_attention() || argument.trim().is_empty() {
        return Err("is about something that is not known here".to_owned());
    }
    if argument.chars().count() > 4_000 {
        return Err(format!("is about {shown}, which is too long"));
    }
    if argument == "{{dial.result}}" && found.op == "equals" {
        found.values = dial_words(&found.values);
    }
    Ok((argument, found))
}

impl Split {
    /// It is a menu: each rule is for single keys of the variable.
    pub fn tells_keys_apart(&self, variable: &str) -> bool {
        let is_key =
            |key: &String| key.len() == 1 && key.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#');
        let keys = self.rules.iter().flat_map(|rule| &rule.tests).map(|(_, test)| test.values.len());
        !self.rules.is_empty()
            && !self.notes.needs_attention()
            && keys.sum::<usize>() <= KEYS_MAX
            && self.rules.iter().all(|rule| match rule.tests.as_slice() {
                [(value, test)] => {
                    value == variable
                        && !test.negated
                        && test.op == "equals"
                        && test.values.iter().all(is_key)
                }
                _ => false,
            })
    }
}

/// A rule whose way leads to a step.
type Way = (Vec<(String, Test)>, Option<String>);

/// Where a branch leads: a step, or the link of that number.
#[derive(Clone)]
enum Goal {
    Step(Option<String>),
    Link(usize),
}

/// One branch step.
struct Link {
    value: String,
    branches: Vec<(Test, Goal)>,
    otherwise: Goal,
}

pub(super) fn write(import: &mut Import, i: usize, state: &State, notes: &mut Notes) {
    let Some(split) = import.splits.get(&i) else { return };
    *notes = split.notes.clone();
    let rules: Vec<Way> = {
        let rules = split.rules.clone();
        rules.into_iter().map(|rule| (rule.tests, import.target(rule.to))).collect()
    };
    let no_match = import.target(state.next("noMatch"));
    let links = links(rules);
    let mut ids = vec![import.ids.get(i).cloned().unwrap_or_default()];
    while ids.len() < links.len() {
        ids.push(import.further_id(i));
    }
    let step = |goal: Goal| match goal {
        Goal::Step(step) => step,
        Goal::Link(link) => ids.get(link).cloned().or_else(|| no_match.clone()),
    };
    for (link, id) in links.into_iter().zip(ids.clone()) {
        let mut on = Vec::new();
        let mut branches = Vec::new();
        for (number, (test, goal)) in link.branches.into_iter().enumerate() {
            let branch = format!("b{}", number + 1);
            on.push((format!("b:{branch}"), step(goal)));
            branches.push(match test.values.as_slice() {
                [] => json!({"id": branch, "op": test.op}),
                values => json!({"id": branch, "op": test.op, "values": values}),
            });
        }
        let otherwise = step(link.otherwise);
        on.push(("any".to_owned(), otherwise.clone()));
        on.push(("none".to_owned(), otherwise));
        import.add_step(i, id, "branch", json!({"value": link.value, "branches": branches}), on);
    }
}

/// Rules in order as a chain of branch steps. A goal beyond the last link is "no match".
fn links(rules: Vec<Way>) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    // Whether rules may still be added to the last link.
    let mut is_open = false;
    for (tests, to) in rules {
        let count = links.len();
        let is_plain = tests.len() == 1 && tests.iter().all(|(_, test)| !test.negated);
        if is_plain
            && is_open
            && let (Some(link), Some((value, test))) = (links.last_mut(), tests.first())
            && link.value == *value
            && link.branches.len() < BRANCHES_MAX
        {
            link.branches.push((test.clone(), Goal::Step(to)));
            continue;
        }
        let rest = count + tests.len();
        let last = tests.len();
        for (number, (value, test)) in tests.into_iter().enumerate() {
            let holds =
                if number + 1 == last { Goal::Step(to.clone()) } else { Goal::Link(count + number + 1) };
            let (fits, otherwise) =
                if test.negated { (Goal::Link(rest), holds) } else { (holds, Goal::Link(rest)) };
            links.push(Link { value, branches: vec![(test, fits)], otherwise });
        }
        is_open = is_plain;
    }
    links
}
