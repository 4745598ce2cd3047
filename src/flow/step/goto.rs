//! goto: goes to another step of the flow, at once, as a drawn edge does.

use crate::flow::reading::{Field, Fields, Reading};

pub const FIELDS: [Field; 1] = [("stepId", "The id of the step of this flow at which the call goes on.")];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// Where its only port leads. None in a document with an error.
    pub step: Option<usize>,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let step = fields.required_text("stepId", 40, reading);
        Config { step: step.and_then(|id| reading.step_index(id, &fields.at("stepId"))) }
    }
}
