//! set: gives variables their values, at once.

use super::super::template::Escape;
use crate::flow::context::{Call, Exit};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading, template_schema};
use crate::flow::template::Template;
use crate::flow::variables::{VALUE_BYTES_MAX, VariableValue};

pub const FIELDS: [Field; 1] =
    [("variables", "The variables that are set, one after the other: a later one may read an earlier one.")];
const ASSIGNMENT_FIELDS: [Field; 3] = [
    ("name", "The name of the variable."),
    ("value", "What it is set to; variables are filled in."),
    ("type", "What the value is read as."),
];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    assignments: Vec<Assignment>,
}

#[derive(Clone, PartialEq, Debug)]
struct Assignment {
    name: String,
    value: Template,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Text,
    Number,
    Bool,
    Json,
}

const KINDS: [(&str, Kind); 4] =
    [("text", Kind::Text), ("number", Kind::Number), ("bool", Kind::Bool), ("json", Kind::Json)];

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let mut assignments = Vec::new();
        for (item, pointer) in fields.list("variables", 1..=20, reading) {
            let fields = Fields::new(Some(item), pointer, &ASSIGNMENT_FIELDS, reading);
            fields.describe("value", reading, || template_schema(VALUE_BYTES_MAX));
            // The value is read before the name is noted as set: it may read what the name held before.
            let value = match fields.get("value") {
                Some(_) => fields.template("value", VALUE_BYTES_MAX, reading).unwrap_or_default(),
                None => {
                    fields.missing("value", reading);
                    Template::default()
                }
            };
            let kind = fields.choice("type", &KINDS, Kind::Text, reading);
            if fields.get("name").is_none_or(|name| name.as_str() == Some("")) {
                fields.missing("name", reading);
            }
            if let Some(name) = fields.variable_name("name", reading) {
                assignments.push(Assignment { name, value, kind });
            }
        }
        Config { assignments }
    }

    /// In order; later ones see what earlier ones set.
    pub fn run(&self, call: &mut Call) -> Exit {
        for assignment in &self.assignments {
            if let Err(exit) = assignment.run(call) {
                return exit;
            }
        }
        Exit::Port(Port::Next)
    }
}

impl Assignment {
    fn run(&self, call: &mut Call) -> Result<(), Exit> {
        let escape = if self.kind == Kind::Json { Escape::Json } else { Escape::Plain };
        let rendered = self.value.render(&call.scope(), escape, VALUE_BYTES_MAX);
        let refused = |what: &str| Exit::Error {
            code: "variable_refused",
            message: format!("`{}`: {what}.", self.name),
        };
        if rendered.cut {
            return Err(refused("the value is longer than 8 KB"));
        }
        let sensitive = rendered.sensitive;
        let value = self.kind.convert(rendered.text).map_err(refused)?;
        call.set(&self.name, value, sensitive).map_err(|error| refused(&error.to_string()))
    }
}

impl Kind {
    fn convert(self, text: String) -> Result<VariableValue, &'static str> {
        match self {
            Kind::Text => Ok(VariableValue::Text(text)),
            Kind::Number => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(VariableValue::Text(number.to_string())),
                _ => Err("the value is no number"),
            },
            Kind::Bool => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Ok(VariableValue::Text("true".to_owned())),
                "false" | "no" | "0" | "" => Ok(VariableValue::Text("false".to_owned())),
                _ => Err("the value is neither true nor false"),
            },
            Kind::Json => {
                serde_json::from_str(&text).map(VariableValue::Json).map_err(|_| "the value is no JSON")
            }
        }
    }
}
