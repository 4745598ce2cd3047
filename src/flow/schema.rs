//! The JSON Schema of the flow document, made from the readers themselves: each reader runs over nothing, and every field
//! that it asks for is noted with its type, its range and its default. So the schema says what the readers take, and a
//! field that one forgets to describe fails a test.
//!
//! A schema sees one place at a time. What hangs together over several (edges to steps, weights that add up, cycles) is
//! the validator's: a document that fits the schema may still have errors, one that does not fit has some.

use super::graph;
use super::json::below;
use super::reading::Reading;
use super::step::{Config, KINDS, LATER_KINDS};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Where the schema of documents is to be found by its name.
pub const SCHEMA_ID: &str = "https://cordboard.example/schemas/callflow/1";

/// What readers asked for, by JSON pointers.
#[derive(Default)]
pub(super) struct Description {
    fields: BTreeMap<String, Value>,
    required: BTreeSet<String>,
    /// Keys of each object in the order of the reader's list.
    objects: BTreeMap<String, Vec<String>>,
}

impl Description {
    pub fn field(&mut self, pointer: String, schema: Value) {
        self.fields.entry(pointer).or_insert(schema);
    }

    pub fn required(&mut self, pointer: String) {
        self.required.insert(pointer);
    }

    pub fn object(&mut self, pointer: &str, known: &[&str]) {
        self.objects.insert(pointer.to_owned(), known.iter().map(|key| (*key).to_owned()).collect());
    }

    /// The schema of what stands at a pointer; `None` where no reader asked for it.
    fn schema(&self, pointer: &str) -> Option<Value> {
        let Some(keys) = self.objects.get(pointer) else {
            let mut schema = self.fields.get(pointer)?.clone();
            let item = self.schema(&format!("{pointer}/0"));
            if let (Some(item), Some(fields)) = (item, schema.as_object_mut()) {
                fields.insert("items".to_owned(), item);
            }
            return Some(schema);
        };
        let mut properties = Map::new();
        for key in keys {
            properties.insert(key.clone(), self.schema(&below(pointer, key))?);
        }
        let required: Vec<&String> =
            keys.iter().filter(|key| self.required.contains(&below(pointer, key))).collect();
        let mut schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
        if let (false, Some(fields)) = (required.is_empty(), schema.as_object_mut()) {
            fields.insert("required".to_owned(), json!(required));
        }
        Some(schema)
    }
}

/// The schema of a whole document, JSON Schema 2020-12.
pub fn document() -> Value {
    let later = LATER_KINDS.map(|(kind, _)| kind);
    let all = KINDS.iter().chain(&later);
    let kinds: Vec<Value> = all.map(|kind| json!({"$ref": format!("#/$defs/{kind}")})).collect();
    let mut definitions: Map<String, Value> =
        KINDS.iter().map(|kind| ((*kind).to_owned(), step(kind))).collect();
    definitions.extend(later.map(|kind| (kind.to_owned(), later_step(kind))));
    definitions.insert("audio".to_owned(), audio());
    let step_id = json!({"type": "string", "pattern": STEP_ID});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Call flow",
        "type": "object",
        "additionalProperties": false,
        "required": ["schema", "id", "name", "entry", "steps"],
        "properties": {
            "schema": {"const": "callflow/1"},
            "id": {"type": "string", "minLength": 1, "maxLength": 100},
            "name": {"type": "string", "minLength": 1, "maxLength": 80},
            "description": {"type": "string", "maxLength": 2_000},
            "settings": settings(),
            "entry": step_id,
            "steps": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": graph::STEPS_MAX,
                "propertyNames": step_id,
                "additionalProperties": {"oneOf": kinds},
            },
        },
        "$defs": definitions,
    })
}

/// What a step of each type may hold, for a palette: its fields with types, ranges and defaults, and its ports.
pub fn steps() -> Map<String, Value> {
    KINDS.iter().map(|kind| ((*kind).to_owned(), step(kind))).collect()
}

const STEP_ID: &str = "^[a-z][a-z0-9_]{0,39}$";

fn settings() -> Value {
    let mut reading = Reading { description: Some(Description::default()), ..Reading::default() };
    graph::describe_settings(&mut reading);
    reading.description.and_then(|description| description.schema("/settings")).unwrap_or(Value::Bool(true))
}

fn step(kind: &str) -> Value {
    let mut reading =
        Reading { description: Some(Description::default()), step: Some(0), ..Reading::default() };
    let config = Config::read(kind, None, "/config".to_owned(), &mut reading);
    let fields = reading.description.and_then(|description| description.schema("/config"));
    let has_required = fields.as_ref().is_some_and(|fields| fields.get("required").is_some());
    let mut required = vec!["type"];
    if has_required {
        required.push("config");
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": {
            "type": {"const": kind},
            "name": {"type": "string", "minLength": 1, "maxLength": 60},
            "config": fields,
            "on": ports(kind, config.as_ref()),
            "ui": {"type": "object"},
        },
    })
}

/// A step of the catalogue that this version cannot run: a document may have it, publishing it is refused.
fn later_step(kind: &str) -> Value {
    json!({
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"const": kind}, "config": {"type": "object"}, "on": {"type": "object"}},
    })
}

fn ports(kind: &str, config: Option<&Config>) -> Value {
    let step_id = json!({"type": ["string", "null"], "pattern": STEP_ID});
    let Some(config) = config.filter(|config| config.has_edges()) else {
        return json!({"type": "object", "maxProperties": 0});
    };
    let ports = config.ports().into_iter().map(|port| config.port_name(port).into_owned());
    let ports: Map<String, Value> =
        ports.chain(["no_response".to_owned()]).map(|port| (port, step_id.clone())).collect();
    let numbered = match kind {
        "menu" => Some("^key:[0-9*#]{1,4}$"),
        "branch" | "split" => Some("^b:[A-Za-z0-9_-]{1,40}$"),
        _ => None,
    };
    let numbered: Map<String, Value> =
        numbered.map(|pattern| (pattern.to_owned(), step_id)).into_iter().collect();
    json!({"type": "object", "additionalProperties": false, "properties": ports, "patternProperties": numbered})
}

/// Of one of three kinds; a sequence holds others.
fn audio() -> Value {
    let of = |kind: &str, required: &str, mut fields: Value| {
        fields["kind"] = json!({"const": kind});
        json!({"type": "object", "additionalProperties": false, "required": ["kind", required], "properties": fields})
    };
    json!({"oneOf": [
        of("tts", "text", json!({
            "text": {"type": ["string", "number"], "minLength": 1, "maxLength": super::audio::TEXT_CHARS_MAX},
            "voice": {"type": "string", "maxLength": 100},
            "language": {"type": "string", "maxLength": 35},
        })),
        of("file", "id", json!({"id": {"type": "string", "minLength": 1, "maxLength": 200}})),
        of("seq", "items", json!({
            "items": {"type": "array", "minItems": 1, "maxItems": 10, "items": {"$ref": "#/$defs/audio"}},
        })),
    ]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_every_step_and_setting_is_described() {
        assert!(settings().get("properties").is_some(), "a setting is not described");
        for kind in KINDS {
            let mut reading =
                Reading { description: Some(Description::default()), step: Some(0), ..Reading::default() };
            Config::read(kind, None, "/config".to_owned(), &mut reading);
            let description = reading.description.unwrap();
            for (pointer, keys) in &description.objects {
                for key in keys {
                    let at = below(pointer, key);
                    assert!(description.schema(&at).is_some(), "{kind}: {at} is not described");
                }
            }
        }
    }

    #[test]
    fn ranges_and_defaults_are_those_of_the_readers() {
        let steps = steps();
        let field = |pointer: &str| {
            steps[pointer.split('/').next().unwrap()]
                .pointer(&pointer[pointer.find('/').unwrap()..])
                .cloned()
                .unwrap_or(Value::Null)
        };
        for (pointer, expected) in [
            (
                "menu/properties/config/properties/timeoutSec",
                json!({"type": "integer", "minimum": 1, "maximum": 60, "default": 5}),
            ),
            ("menu/properties/config/required", json!(["prompt", "options"])),
            (
                "prompt/properties/config/properties/finishKey",
                json!({"enum": ["#", "*", "none"], "default": "#"}),
            ),
            ("http/properties/config/properties/timeoutSec/default", json!(8)),
            ("greeting/properties/config/properties/audio", json!({"$ref": "#/$defs/audio"})),
            ("split/properties/config/properties/branches/items/properties/weight/maximum", json!(100)),
            ("time/properties/on/properties/holiday/type", json!(["string", "null"])),
            (
                "menu/properties/on/patternProperties",
                json!({"^key:[0-9*#]{1,4}$": {"type": ["string", "null"], "pattern": STEP_ID}}),
            ),
            ("hangup/properties/on", json!({"type": "object", "maxProperties": 0})),
        ] {
            assert_eq!(field(pointer), expected, "{pointer}");
        }
    }
}
