//! `docs/steps.md` is made from the schema, and so from the readers of the steps: this writes it
//! (`CORDBOARD_WRITE_DOCS=1 cargo test --test steps_page`), and fails where it is not up to date.

#![allow(clippy::disallowed_methods, reason = "the test reads and writes a document of the project")]

use cordboard::flow::schema;
use serde_json::Value;

const PAGE: &str = "docs/steps.md";
const HEAD: &str = "# Every field of every step

Made from the JSON Schema of call flows (`cordboard flow schema`), by `tests/steps_page.rs`; not edited by hand. What steps do
together is in [call-flows.md](call-flows.md). A field in **bold** has to be there.
";

fn page() -> String {
    let document = schema::document();
    let mut text = HEAD.to_owned();
    text += "\n## The document\n\n";
    table(&mut text, &document);
    text += "\n## settings\n\n";
    table(&mut text, &document["properties"]["settings"]);
    for (kind, step) in schema::steps() {
        text += &format!("\n## {kind}\n\n");
        table(&mut text, &step["properties"]["config"]);
        let on = &step["properties"]["on"];
        let patterns =
            on["patternProperties"].as_object().into_iter().flatten().map(|(pattern, _)| match pattern {
                keys if keys.starts_with("^key:") => "`key:KEYS`".to_owned(),
                _ => "`b:ID`".to_owned(),
            });
        let named = on["properties"].as_object().into_iter().flatten().map(|(port, _)| format!("`{port}`"));
        let ports: Vec<String> = patterns.chain(named).collect();
        if !ports.is_empty() {
            text += &format!("\nPorts: {}.\n", ports.join(", "));
        }
    }
    text += "\n## Audio\n\nOne of three kinds.\n";
    for kind in document["$defs"]["audio"]["oneOf"].as_array().into_iter().flatten() {
        text += &format!("\n`{}`:\n\n", kind["properties"]["kind"]["const"].as_str().unwrap_or_default());
        table(&mut text, kind);
    }
    text
}

fn table(text: &mut String, object: &Value) {
    *text += "| field | is | means |\n|---|---|---|\n";
    rows(text, "", object);
}

fn rows(text: &mut String, above: &str, object: &Value) {
    let required: Vec<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in object["properties"].as_object().into_iter().flatten() {
        let path = format!("{above}{name}");
        let shown =
            if required.contains(&name.as_str()) { format!("**`{path}`**") } else { format!("`{path}`") };
        let meaning = field["description"].as_str().unwrap_or_default().replace('|', "\\|");
        *text += &format!("| {shown} | {} | {meaning} |\n", kind_of(field));
        // What the page has chapters of its own for is not told twice.
        if !["settings", "config", "on"].contains(&name.as_str()) {
            rows(text, &format!("{path}."), field);
            rows(text, &format!("{path}[]."), &field["items"]);
            let values = &field["additionalProperties"];
            let object = values["anyOf"].as_array().into_iter().flatten().find(|one| one["type"] == "object");
            rows(text, &format!("{path}.*."), object.unwrap_or(values));
        }
    }
}

fn kind_of(field: &Value) -> String {
    if let Some(words) = field["enum"].as_array() {
        let words: Vec<String> =
            words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    if let Some(word) = field["const"].as_str() {
        return format!("`{word}`");
    }
    if field["$ref"] == "#/$defs/audio" {
        return "[audio](#audio)".to_owned();
    }
    let characters =
        field["maxLength"].as_u64().map(|most| format!(", at most {most} characters")).unwrap_or_default();
    let types: Vec<&str> = match &field["type"] {
        Value::Array(types) => {
            types.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect()
        }
        Value::String(kind) => vec![kind.as_str()],
        _ => field["anyOf"].as_array().into_iter().flatten().filter_map(|one| one["type"].as_str()).collect(),
    };
    match types.as_slice() {
        ["string", "number"] | ["string"] => format!("text{characters}"),
        ["integer"] => "whole number".to_owned(),
        ["boolean"] => "yes or no".to_owned(),
        ["array"] => "list".to_owned(),
        ["object"] => "object".to_owned(),
        [] => "text, or a list of texts".to_owned(),
        _ => "JSON".to_owned(),
    }
}

#[test]
fn the_page_of_steps_says_what_the_readers_take() {
    let page = page();
    if std::env::var_os("CORDBOARD_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap_or_default();
    let differs = kept.lines().zip(page.lines()).find(|(kept, made)| kept != made);
    assert!(
        kept == page,
        "{PAGE} is not up to date (first: {differs:?}); write it with CORDBOARD_WRITE_DOCS=1 cargo test --test steps_page"
    );
}
