//! Flows that run one another.

use super::finding::{Code, Finding, quoted};
use super::graph::Flow;
use std::collections::BTreeSet;

/// A `subflow` step.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// The flow that it runs.
    pub flow: String,
    /// Where that is written.
    pub pointer: String,
    /// A call can come here without having waited for the caller or an agent.
    pub at_once: bool,
}

/// E10: the first `subflow` step of the flow through which a call comes back to the flow without having waited for
/// anybody. `runs_of` gives the steps of other flows; of one that is not known, nothing is said.
pub fn cycle<'a>(flow: &'a Flow, runs_of: impl Fn(&str) -> Option<&'a [Run]>) -> Option<Finding> {
    let at_once = |runs: &'a [Run]| runs.iter().filter(|run| run.at_once);
    for run in at_once(flow.runs()) {
        let (mut seen, mut open) = (BTreeSet::new(), vec![run.flow.as_str()]);
        while let Some(id) = open.pop() {
            if id == flow.id() {
                let message = format!(
                    "The call can come back from {} to this flow without ever waiting for the caller or an agent.",
                    quoted(&run.flow)
                );
                let remedy = "Put a menu, a prompt or a dial into the circle, or break it.";
                return Some(Finding::new(Code::E10, run.pointer.clone(), message, remedy));
            }
            if seen.insert(id) {
                open.extend(runs_of(id).map(at_once).into_iter().flatten().map(|run| run.flow.as_str()));
            }
        }
    }
    None
}
