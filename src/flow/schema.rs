//! The JSON Schema of the flow document, made from the readers themselves: each reader runs over nothing, and every field
//! that it asks for is noted with its type, its range and its default. So the schema says what the readers take, and a
//! field that one forgets to describe fails a test.
//!
//! A schema sees one place at a time. What hangs together over several (edges to steps, weights that add up, cycles) is
//! the validator's: a document that fits the schema may still have errors, one that does not fit has some.

use super::json::below;
use super::port::Port;
use super::reading::{Field, Reading};
use super::step::{Config, KINDS, LATER_KINDS};
use super::{fields, graph};
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
    objects: BTreeMap<String, Vec<Field>>,
}

impl Description {
    pub fn field(&mut self, pointer: String, schema: Value) {
        self.fields.entry(pointer).or_insert(schema);
    }

    pub fn required(&mut self, pointer: String) {
        self.required.insert(pointer);
    }

    pub fn object(&mut self, pointer: &str, known: &[Field]) {
        self.objects.insert(pointer.to_owned(), known.to_vec());
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
        for (key, meaning) in keys {
            let mut schema = self.schema(&below(pointer, key))?;
            // What a reader goes on with where a field is missing that must be there is nobody's default.
            if let (true, Some(fields)) =
                (self.required.contains(&below(pointer, key)), schema.as_object_mut())
            {
                fields.remove("default");
            }
            properties.insert((*key).to_owned(), described(schema, meaning));
        }
        let names = keys.iter().map(|(key, _)| *key);
        let required: Vec<&str> = names.filter(|key| self.required.contains(&below(pointer, key))).collect();
        let mut schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
        if let (false, Some(fields)) = (required.is_empty(), schema.as_object_mut()) {
            fields.insert("required".to_owned(), json!(required));
        }
        Some(schema)
    }
}

/// A field's schema with what it means, its range and its default in words.
fn described(mut schema: Value, meaning: &str) -> Value {
    let mut words = meaning.to_owned();
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    let range = |least: &str, most: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) if most < u64::from(u32::MAX) => Some((least, most)),
        _ => None,
    };
    if let Some((least, most)) = range("minimum", "maximum") {
        words += &format!(" {least} to {most}.");
    }
    if let Some((least, most)) = range("minItems", "maxItems").or(range("minProperties", "maxProperties")) {
        words += &format!(" {least} to {most} of them.");
    } else if let Some(most) = number("maxProperties") {
        words += &format!(" At most {most} of them.");
    }
    match schema.get("default") {
        Some(Value::String(word)) => words += &format!(" {word} where it is left out."),
        Some(Value::Bool(true)) => words += " Yes where it is left out.",
        Some(Value::Bool(false)) => words += " No where it is left out.",
        Some(default) => words += &format!(" {default} where it is left out."),
        None => {}
    }
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("description".to_owned(), words.into());
    }
    schema
}

/// Properties of an object, each with what it means.
fn properties(of: Value, known: &[Field]) -> Value {
    let Value::Object(of) = of else { return of };
    let meaning = |key: &str| known.iter().find(|(name, _)| *name == key).map_or("", |(_, meaning)| *meaning);
    of.into_iter()
        .map(|(key, schema)| {
            let schema = described(schema, meaning(&key));
            (key, schema)
        })
        .collect()
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
        "properties": properties(json!({
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
        }), &fields::FLOW_FIELDS),
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
        "properties": properties(json!({
            "type": {"const": kind},
            "name": {"type": "string", "minLength": 1, "maxLength": 60},
            "config": fields,
            "on": ports(kind, config.as_ref()),
            "ui": {"type": "object"},
        }), &fields::STEP_FIELDS),
    })
}

/// A step of the catalogue that this version cannot run: a document may have it, publishing it is refused.
fn later_step(kind: &str) -> Value {
    json!({
        "type": "object",
        "required": ["type"],
        "properties": properties(
            json!({"type": {"const": kind}, "config": {"type": "object"}, "on": {"type": "object"}}),
            &fields::STEP_FIELDS,
        ),
    })
}

fn ports(kind: &str, config: Option<&Config>) -> Value {
    let step_id = json!({"type": ["string", "null"], "pattern": STEP_ID});
    let Some(config) = config.filter(|config| config.has_edges()) else {
        return json!({"type": "object", "maxProperties": 0});
    };
    // Branches have ports by their ids, for which there is a pattern.
    let ports = config.ports().into_iter().filter(|port| !matches!(port, Port::Branch(_) | Port::Key(_)));
    let ports = ports.map(|port| config.port_name(port).into_owned());
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
        let fields = properties(fields, &super::audio::FIELDS);
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
                for (key, _) in keys {
                    let at = below(pointer, key);
                    assert!(description.schema(&at).is_some(), "{kind}: {at} is not described");
                }
            }
        }
    }

    /// Says of each property below a schema where it stands and what it means. Ports have no meaning but their step's.
    fn meanings(schema: &Value, at: &str, found: &mut Vec<(String, String)>) {
        match schema {
            Value::Object(map) => {
                for (key, inner) in map {
                    let at = format!("{at}/{key}");
                    if let ("properties", Value::Object(fields)) = (key.as_str(), inner) {
                        for (name, field) in fields {
                            let meaning = field["description"].as_str().unwrap_or_default().to_owned();
                            found.push((format!("{at}/{name}"), meaning));
                        }
                    }
                    if !at.ends_with("/properties/on") {
                        meanings(inner, &at, found);
                    }
                }
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| meanings(item, &format!("{at}/{i}"), found));
            }
            _ => {}
        }
    }

    #[test]
    fn no_field_is_without_a_sentence_that_says_what_it_means() {
        let mut found = Vec::new();
        meanings(&document(), "", &mut found);
        assert!(found.len() > 200, "{}", found.len());
        for (at, meaning) in found {
            let is_sentence =
                meaning.len() > 5 && meaning.starts_with(char::is_uppercase) && meaning.ends_with('.');
            assert!(is_sentence, "{at}: {meaning:?}");
        }
    }

    #[test]
    fn a_meaning_tells_range_and_default() {
        let steps = steps();
        let meaning = |kind: &str, field: &str| {
            steps[kind]["properties"]["config"]["properties"][field]["description"].clone()
        };
        assert_eq!(
            meaning("menu", "timeoutSec"),
            "How long the first key is waited for after the question, in seconds. 1 to 60. 5 where it is left out."
        );
        assert_eq!(
            meaning("sms", "oncePerCall"),
            "Whether the step sends once in a call, however often the call comes to it. Yes where it is left out."
        );
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
            let mut found = field(pointer);
            if let Some(fields) = found.as_object_mut() {
                fields.remove("description");
            }
            assert_eq!(found, expected, "{pointer}");
        }
    }
}
