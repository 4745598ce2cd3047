use super::*;
use crate::clock::Wall;
use crate::flow::variables::{VariableValue, Variables};
use crate::flow::{CallFacts, Resources};

fn render(source: &str, escape: Escape, bytes_max: usize) -> Rendered {
    let document =
        r#"{"schema":"callflow/1","id":"f","name":"Flow","entry":"e","steps":{"e":{"type":"hangup"}}}"#;
    let flow = Flow::compile(document, &Resources::default()).unwrap().0;
    let facts = CallFacts {
        from: "+14155550100".into(),
        from_name: "Zoë {{call.from}}".into(),
        ..CallFacts::default()
    };
    let mut variables = Variables::default();
    let json = serde_json::json!({"items": [{"name": "first"}, 2], "text": "a\"b"});
    variables.set("data", VariableValue::Json(json), false).unwrap();
    variables.set("pin", VariableValue::Text("123456".into()), true).unwrap();
    variables.set("quote", VariableValue::Text("a\"b\\".into()), false).unwrap();
    let scope = Scope {
        flow: &flow,
        version: 1,
        facts: &facts,
        started: Wall::from_unix_seconds(0),
        variables: &variables,
    };
    Template::parse(source).unwrap().render(&scope, escape, bytes_max)
}

use crate::flow::Flow;

#[test]
fn values_are_filled_in_and_filtered() {
    for (source, expected) in [
        ("plain } {text", "plain } {text"),
        ("{{call.from}}", "+14155550100"),
        ("{{ call.from|digits }}!", "14155550100!"),
        ("{{call.from | last4 | say_digits}}", "0 1 0 0"),
        ("{{call.fromName | upper}}", "ZOË {{CALL.FROM}}"),
        ("{{nothing}}", ""),
        ("{{nothing | default: \"a \\\"few\\\"\"}}", "a \"few\""),
        ("{{nothing | default: 'it''s' }}", "x"),
        ("{{nothing | default: 12 | e164}}", "12"),
        ("{{data.items.0.name}}-{{data.items.1}}-{{data.items.9}}", "first-2-"),
        ("{{flow.id}} {{flow.name}} {{call.startedAt}}", "f Flow 1970-01-01T00:00:00.000Z"),
        ("{{call.fromName | trim | lower}}", "zoë {{call.from}}"),
    ] {
        if source.contains("it''s") {
            assert!(Template::parse(source).is_err());
            continue;
        }
        assert_eq!(render(source, Escape::Plain, 1_000).text, expected, "{source}");
    }
}

#[test]
fn json_text_is_escaped_and_json_values_go_in_whole() {
    assert_eq!(
        render(r#"{"q":"{{quote}}","l":{{data.items}}}"#, Escape::Json, 1_000).text,
        r#"{"q":"a\"b\\","l":[{"name":"first"},2]}"#
    );
}

#[test]
fn a_sensitive_value_is_noticed_unless_only_its_end_is_shown() {
    assert!(render("x{{pin}}", Escape::Plain, 100).sensitive);
    assert!(!render("x{{pin | last4}}", Escape::Plain, 100).sensitive);
}

#[test]
fn what_does_not_fit_is_cut_between_characters() {
    let rendered = render("{{call.fromName}}", Escape::Plain, 3);
    assert_eq!((rendered.text.as_str(), rendered.cut), ("Zo", true));
}

#[test]
fn mistakes_are_found_when_parsing_with_their_place() {
    use TemplateError::*;
    for (source, error) in [
        ("ä {{call.from", Unclosed { at: 2 }),
        ("{% if x %}", Statement { at: 0 }),
        ("{{}}", Name { at: 2 }),
        ("{{Call.from}}", Name { at: 2 }),
        ("{{a.}}", Name { at: 4 }),
        ("{{a b}}", Unexpected { at: 4 }),
        ("{{a | }}", FilterName { at: 6 }),
        ("{{a | size}}", UnknownFilter { at: 6, name: "size".into() }),
        ("{{a | default}}", Argument { at: 6, name: "default", takes: true }),
        ("{{a | upper: 'x'}}", Argument { at: 6, name: "upper", takes: false }),
        ("{{a.b.c.d.e.f.g.h.i}}", TooLong { at: 0, max: 8 }),
    ] {
        assert_eq!(Template::parse(source), Err(error), "{source}");
    }
}

#[test]
fn e164_goes_by_digits_alone() {
    for (value, expected) in [
        ("(415) 555-0100", "+14155550100"),
        ("1 415 555 0100", "+14155550100"),
        ("+44 20 7123 4567", "+442071234567"),
        ("0044 20 7123 4567", "+442071234567"),
        ("011 44 20 7123 4567", "+442071234567"),
        ("555 0100", "5550100"),
        ("anonymous", ""),
        ("+12345678901234567", "12345678901234567"),
    ] {
        assert_eq!(e164(value), expected, "{value}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the claim is about time")]
fn a_long_text_takes_no_longer_than_its_length() {
    // Where each place was counted in characters from the beginning, this took minutes.
    let source = "{{call.from | last4}} ".repeat(50_000);
    let start = std::time::Instant::now();
    assert_eq!(Template::parse(&source).unwrap().reads().count(), 50_000);
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
}
