//! loop: goes through a list, item by item.
//!
//! A path from `body` that ends unconnected comes back to the loop, as one does that is drawn back to it; then the
//! next item follows. A path that leads somewhere else and never ends there stays a body path: a loop is over
//! when its list is, when somebody was talked to on the way, or when an outer loop goes on.

use crate::flow::context::{Call, Exit};
use crate::flow::finding::Code;
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading, template_schema, template_value};
use crate::flow::template::Template;
use crate::flow::variables::{VALUE_BYTES_MAX, VariableValue};
use serde_json::{Value, json};
use std::collections::VecDeque;

pub const FIELDS: [Field; 3] = [
    (
        "list",
        "What is gone through: a text with | between, a JSON list, or a list of texts; variables are filled in.",
    ),
    ("itemName", "The name of the variable that holds the current item."),
    ("maxItems", "How many items are gone through at most."),
];
/// Most items of one loop. flows.md 1.3.
const ITEMS_MAX: u32 = 100;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    list: List,
    item_name: String,
    /// What the list has beyond is left out.
    max_items: u32,
}

#[derive(Clone, PartialEq, Debug)]
enum List {
    /// Comes out as `a|b|c` or as a JSON array.
    Text(Template),
    /// Written out in the document.
    Items(Vec<Template>),
}

/// A loop that a call is in.
#[derive(Clone, PartialEq, Debug)]
pub struct Active {
    /// Index of the loop step.
    pub step: usize,
    left: VecDeque<VariableValue>,
    sensitive: bool,
    /// Conversations that the call had before.
    conversations: u32,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        fields.describe("list", reading, || {
            let items = json!({"type": "array", "minItems": 1, "maxItems": ITEMS_MAX, "items": template_schema(VALUE_BYTES_MAX)});
            json!({"anyOf": [template_schema(VALUE_BYTES_MAX), items]})
        });
        let list = match fields.get("list") {
            Some(Value::Array(_)) => List::Items(
                fields
                    .list("list", 1..=ITEMS_MAX as usize, reading)
                    .into_iter()
                    .filter_map(|(item, pointer)| {
                        template_value(item, "list", &pointer, VALUE_BYTES_MAX, reading)
                    })
                    .collect(),
            ),
            _ => List::Text(fields.required_template("list", VALUE_BYTES_MAX, reading)),
        };
        if fields.get("itemName").is_none_or(|name| name.as_str() == Some("")) {
            fields.missing("itemName", reading);
        }
        Config {
            list,
            item_name: fields.variable_name("itemName", reading).unwrap_or_default(),
            max_items: fields.number("maxItems", 1..=ITEMS_MAX, 20, reading),
        }
    }

    /// Begins the loop, or goes on in it where the call is in it already.
    pub fn decide(&self, call: &mut Call) -> Exit {
        let step = call.state.step;
        if let Some(i) = call.state.loops.iter().position(|active| active.step == step) {
            // Inner loops that were left by a drawn edge are over.
            call.state.loops.truncate(i + 1);
        } else {
            let active = self.begin(step, call);
            if active.left.is_empty() {
                return Exit::Port(Port::Empty);
            }
            call.state.loops.push(active);
        }
        let conversations = call.state.conversations;
        let Some(active) = call.state.loops.last_mut() else { return Exit::Port(Port::Completed) };
        let answered = conversations > active.conversations;
        let sensitive = active.sensitive;
        let item = active.left.pop_front().filter(|_| !answered);
        let set = item.map(|item| call.set(&self.item_name, item, sensitive));
        if let Some(Ok(())) = set {
            return Exit::Port(Port::Body);
        }
        call.state.loops.pop();
        match set {
            Some(Err(error)) => {
                Exit::Error { code: "variable_refused", message: format!("`{}`: {error}.", self.item_name) }
            }
            _ => Exit::Port(if answered { Port::Break } else { Port::Completed }),
        }
    }

    fn begin(&self, step: usize, call: &Call) -> Active {
        let render = |template: &Template| call.scope().render(template, VALUE_BYTES_MAX);
        let rendered: Vec<_> = match &self.list {
            List::Text(template) => vec![render(template)],
            List::Items(templates) => templates.iter().map(render).collect(),
        };
        let sensitive = rendered.iter().any(|rendered| rendered.sensitive);
        let items: Vec<VariableValue> = match (&self.list, rendered.first()) {
            (List::Text(_), Some(rendered)) => items(&rendered.text),
            _ => rendered.into_iter().map(|rendered| VariableValue::Text(rendered.text)).collect(),
        };
        let left = items.into_iter().take(self.max_items as usize).collect();
        Active { step, left, sensitive, conversations: call.state.conversations }
    }
}

/// The items of a JSON array or of a text with `|` between; blank ones are left out.
fn items(text: &str) -> Vec<VariableValue> {
    if let Ok(Value::Array(items)) = serde_json::from_str(text) {
        let items = items.into_iter().map(VariableValue::Json);
        return items.filter(|item| !item.text().trim().is_empty()).collect();
    }
    let items = text.split('|').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| VariableValue::Text(item.to_owned())).collect()
}

/// E09.
pub fn without_body(step: &str, reading: &mut Reading) {
    reading.error(
        Code::E09,
        &format!("/steps/{step}/on"),
        "The loop has no body: nothing happens with its items.",
        "Connect `body` to the step that is run for each item.",
    );
}
