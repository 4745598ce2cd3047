//! subflow: runs another flow, and comes back from it (`call`) or not (`jump`).
//!
//! A flow that is called has variables of its own: those in `params`, and what its steps set. Where it would come
//! to the built-in end it comes back by `return`, with the variables named in `returnVars`. A hangup step in it, or a
//! conversation in it that ends the flow, ends the call. A flow that is jumped to takes the place of the one that
//! jumps, with its variables; the settings of the flow that the call began with hold for the whole call.

use crate::flow::context::{Call, Descent, Exit};
use crate::flow::finding::{Code, quoted};
use crate::flow::reading::{Field, Fields, Reading, template_value, templates_schema, wrong_type};
use crate::flow::template::Template;
use crate::flow::variables::VALUE_BYTES_MAX;
use serde_json::{Value, json};
use std::ops::ControlFlow;

pub const FIELDS: [Field; 5] = [
    ("flowId", "The id of the call flow that is run."),
    ("mode", "Whether the call comes back when that flow is over (call), or stays in it (jump)."),
    ("version", "Which version is run: the live one (live), or the number of one that was published."),
    ("params", "Variables that the other flow begins with, by their names there; values are filled in here."),
    ("returnVars", "Names of the variables of the other flow that this one takes over when it comes back."),
];
/// Variables handed over, either way: as many as one `set` step takes.
const VARIABLES_MAX: usize = 20;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    pub flow: String,
    /// The live version where absent.
    version: Option<u32>,
    pub jumps: bool,
    params: Vec<(String, Template)>,
    returns: Vec<String>,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let flow = fields.required_text("flowId", 100, reading).unwrap_or_default().to_owned();
        if !flow.is_empty() {
            reading.flows.push((flow.clone(), fields.at("flowId")));
        }
        let jumps = fields.choice("mode", &[("call", false), ("jump", true)], false, reading);
        let version = read_version(fields, reading);
        let params = read_params(fields, reading);
        let mut returns = Vec::new();
        for (name, pointer) in fields.list("returnVars", 0..=VARIABLES_MAX, reading) {
            returns.extend(reading.written_name(name, &pointer));
        }
        if jumps && !returns.is_empty() {
            reading
                .unused(fields.at("returnVars"), "A flow that is jumped to does not come back: `returnVars`");
        }
        Config { flow, version, jumps, params, returns }
    }

    pub fn enter<T>(&self, call: &mut Call) -> ControlFlow<Exit, T> {
        let Some(flow) = call.library.version(&self.flow, self.version, &call.state.facts.from) else {
            let version = self.version.map(|number| format!(", version {number}")).unwrap_or_default();
            return super::failure(
                "flow_unavailable",
                format!("There is no call flow {}{version}.", quoted(&self.flow)),
            );
        };
        let mut params = Vec::with_capacity(self.params.len());
        for (name, template) in &self.params {
            let rendered = call.scope().render(template, VALUE_BYTES_MAX);
            if rendered.cut {
                return super::failure(
                    "variable_refused",
                    format!("`{name}`: the value is longer than 8 KB."),
                );
            }
            params.push((name.clone(), rendered.text, rendered.sensitive));
        }
        let returns = if self.jumps { None } else { Some(self.returns.clone()) };
        ControlFlow::Break(Exit::Descend(Box::new(Descent { flow, params, returns })))
    }
}

/// `"live"`, or the number of a version.
fn read_version(fields: &Fields, reading: &mut Reading) -> Option<u32> {
    fields.describe(
        "version",
        reading,
        || json!({"anyOf": [{"const": "live"}, {"type": "integer", "minimum": 1}]}),
    );
    match fields.get("version")? {
        Value::String(word) if word == "live" => None,
        Value::Number(_) => Some(fields.number("version", 1..=u32::MAX, 1, reading)),
        other => {
            wrong_type(reading, &fields.at("version"), "`live` or the number of a version", other);
            None
        }
    }
}

fn read_params(fields: &Fields, reading: &mut Reading) -> Vec<(String, Template)> {
    let pointer = fields.at("params");
    fields.describe("params", reading, || templates_schema(VARIABLES_MAX, VALUE_BYTES_MAX));
    let params = match fields.get("params") {
        None => return Vec::new(),
        Some(Value::Object(params)) => params,
        Some(other) => {
            wrong_type(reading, &pointer, "an object of names and values", other);
            return Vec::new();
        }
    };
    if params.len() > VARIABLES_MAX {
        reading.error(
            Code::E14,
            &pointer,
            format!("`params` has {} entries.", params.len()),
            format!("At most {VARIABLES_MAX} are allowed."),
        );
    }
    let params = params.iter().take(VARIABLES_MAX);
    params
        .filter_map(|(name, value)| {
            let at = crate::flow::json::below(&pointer, name);
            let template = template_value(value, name, &at, VALUE_BYTES_MAX, reading);
            // Set in the other flow, not in this one.
            Some((reading.variable_name(name, &at)?, template?))
        })
        .collect()
}
