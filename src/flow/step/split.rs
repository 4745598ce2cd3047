//! split: sends shares of the callers different ways, at once.

use super::branch::read_id;
use crate::flow::context::{Call, Exit};
use crate::flow::finding::Code;
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::share::{WHOLE, sticky_place};

pub const FIELDS: [Field; 2] = [
    (
        "by",
        "Whether a caller gets the same branch in each call (caller), or a new one is drawn each time (random).",
    ),
    ("branches", "The ways that the callers are shared among; their weights add up to 100."),
];
const BRANCH_FIELDS: [Field; 3] = [
    ("id", "The name of the port, behind b:."),
    ("name", "What people read."),
    ("weight", "How many of a hundred callers go this way."),
];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    by: By,
    pub branches: Vec<Branch>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Branch {
    pub id: String,
    /// Hundredths of the callers; 0 switches a branch off.
    weight: u32,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum By {
    /// A caller gets the same branch in each call, in every version of the flow with the same weights.
    Caller,
    /// Each visit draws anew.
    Random,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let by = fields.choice("by", &[("caller", By::Caller), ("random", By::Random)], By::Caller, reading);
        let mut branches: Vec<Branch> = Vec::new();
        let before = reading.report.has_errors();
        for (item, pointer) in fields.list("branches", 1..=50, reading) {
            let fields = Fields::new(Some(item), pointer, &BRANCH_FIELDS, reading);
            let id = read_id(&fields, branches.iter().map(|branch| branch.id.as_str()), reading);
            fields.text("name", 60, reading);
            if fields.get("weight").is_none() {
                fields.missing("weight", reading);
            }
            branches.push(Branch { id, weight: fields.number("weight", 0..=WHOLE, 0, reading) });
        }
        let sum: u32 = branches.iter().map(|branch| branch.weight).sum();
        // A weight that could not be read has its own finding.
        if sum != WHOLE && !branches.is_empty() && (before || !reading.report.has_errors()) {
            reading.error(
                Code::E13,
                &fields.at("branches"),
                format!("The weights add up to {sum}."),
                "Make them add up to 100.",
            );
        }
        Config { by, branches }
    }

    /// The branch whose share the caller falls into. By the caller's number where it is to be the same each time;
    /// a withheld number tells nobody apart, so such a caller is drawn like all are with `random`: one draw of a
    /// number below 100 for each visit, and no other step draws.
    pub fn decide(&self, call: &mut Call) -> Exit {
        let caller = call.state.facts.from.as_str();
        let place = match self.by {
            By::Caller if !caller.is_empty() => sticky_place(call.flow.id(), call.step_id(), caller),
            By::Caller | By::Random => call.state.random.below(WHOLE),
        };
        let mut end = 0;
        let chosen = self.branches.iter().position(|branch| {
            end += branch.weight;
            place < end
        });
        Exit::Port(chosen.map_or(Port::NoResponse, |i| Port::Branch(u8::try_from(i).unwrap_or(u8::MAX))))
    }
}
