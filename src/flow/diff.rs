//! What changed between two documents of a flow, in sentences for the person who draws it.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// More sentences help nobody.
const SENTENCES_MAX: usize = 500;
/// Longest piece of a text that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 60;
/// A draft may have keys of any length: no sentence becomes a page by that.
const SENTENCE_CHARS_MAX: usize = 1_000;

/// The sentences, in order: the flow itself, its settings, steps that came, went and changed, ports that lead elsewhere.
/// Empty where both say the same. Where steps are drawn does not count.
pub fn diff(old: &Value, new: &Value) -> Vec<String> {
    let mut diff = Diff { names: names(old, new), sentences: Vec::new() };
    diff.flow(old, new);
    diff.settings(&fields(old, "settings"), &fields(new, "settings"));
    let (before, after) = (fields(old, "steps"), fields(new, "steps"));
    let renamed = renamed(&before, &after);
    let new_ids: BTreeSet<&String> = renamed.values().collect();
    for (id, step) in &after {
        if !before.contains_key(id) && !new_ids.contains(id) {
            diff.say(format!("The step {} was added ({}).", diff.step(id), kind(step)));
        }
    }
    for (id, step) in &before {
        match (after.get(id), renamed.get(id)) {
            (Some(new), _) => diff.changed(id, step, new, &renamed),
            (None, Some(new_id)) => {
                diff.say(format!("The step \"{id}\" has the id \"{new_id}\" now."));
                if let Some(new) = after.get(new_id) {
                    diff.changed(new_id, step, new, &renamed);
                }
            }
            (None, None) => {
                let name = text(step, "name").unwrap_or(id);
                diff.say(format!("The step \"{name}\" was removed ({}).", kind(step)));
            }
        }
    }
    diff.sentences
}

struct Diff {
    /// Steps by id, as people know them.
    names: BTreeMap<String, String>,
    sentences: Vec<String>,
}

impl Diff {
    fn say(&mut self, sentence: String) {
        if self.sentences.len() < SENTENCES_MAX {
            self.sentences.push(cut_to(&sentence, SENTENCE_CHARS_MAX));
        }
    }

    fn step(&self, id: &str) -> String {
        format!("\"{}\"", self.names.get(id).map_or(id, String::as_str))
    }

    fn flow(&mut self, old: &Value, new: &Value) {
        for (key, what) in [("name", "name"), ("description", "description")] {
            let (before, after) = (text(old, key).unwrap_or(""), text(new, key).unwrap_or(""));
            if before != after {
                self.say(format!("The flow's {what} is {} instead of {}.", quoted(after), quoted(before)));
            }
        }
        let (before, after) = (text(old, "entry").unwrap_or(""), text(new, "entry").unwrap_or(""));
        if before != after {
            let (after, before) = (self.step(after), self.step(before));
            self.say(format!("Calls start with the step {after} instead of {before}."));
        }
    }

    fn settings(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        for key in keys(old, new) {
            let (before, after) = (present(old, key), present(new, key));
            if before == after {
                continue;
            }
            if key == "fallback" {
                let step = |value: Option<&Value>| value.and_then(Value::as_str).map(|id| self.step(id));
                let sentence = match (step(before), step(after)) {
                    (_, None) => "There is no fallback step any more.".to_owned(),
                    (None, Some(after)) => format!("The fallback is the step {after}."),
                    (Some(before), Some(after)) => {
                        format!("The fallback is the step {after} instead of {before}.")
                    }
                };
                self.say(sentence);
                continue;
            }
            let what = format!("The setting \"{key}\"");
            self.say(change(&what, before, after));
        }
    }

    fn changed(&mut self, id: &str, old: &Value, new: &Value, renamed: &BTreeMap<String, String>) {
        let step = self.step(id);
        let (before, after) = (text(old, "name").unwrap_or(id), text(new, "name").unwrap_or(id));
        if before != after {
            self.say(format!("The step \"{before}\" is called \"{after}\" now."));
        }
        if kind(old) != kind(new) {
            self.say(format!("The step {step} is a {} instead of a {}.", kind(new), kind(old)));
        }
        let (before, after) = (fields(old, "config"), fields(new, "config"));
        self.config(&step, "", &before, &after);
        self.ports(&step, &fields(old, "on"), &fields(new, "on"), renamed);
    }

    /// Fields of a step, and of what is inside them.
    fn config(&mut self, step: &str, path: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        for key in keys(old, new) {
            let (before, after) = (present(old, key), present(new, key));
            if before == after {
                continue;
            }
            let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            match (before, after) {
                (Some(Value::Object(before)), Some(Value::Object(after))) => {
                    self.config(step, &path, before, after);
                }
                _ => {
                    let sentence = known(step, key, before, after)
                        .unwrap_or_else(|| change(&format!("The step {step}: \"{path}\""), before, after));
                    self.say(sentence);
                }
            }
        }
    }

    fn ports(
        &mut self,
        step: &str,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        renamed: &BTreeMap<String, String>,
    ) {
        for port in keys(old, new) {
            let before = present(old, port).and_then(Value::as_str);
            let before = before.map(|id| renamed.get(id).map_or(id, String::as_str));
            let after = present(new, port).and_then(Value::as_str);
            if before == after {
                continue;
            }
            let sentence = match (before, after) {
                (None, Some(after)) => format!("leads to {}", self.step(after)),
                (Some(before), None) => format!("leads nowhere instead of to {}", self.step(before)),
                (Some(before), Some(after)) => {
                    format!("leads to {} instead of {}", self.step(after), self.step(before))
                }
                (None, None) => continue,
            };
            self.say(format!("The port \"{port}\" of the step {step} {sentence}."));
        }
    }
}

/// What people change most, in their words.
fn known(step: &str, key: &str, before: Option<&Value>, after: Option<&Value>) -> Option<String> {
    let seconds = |value: Option<&Value>| value.and_then(Value::as_u64);
    let (verb, what) = match key {
        "timeoutSec" => ("waits", "for a key"),
        "interDigitSec" => ("waits", "for the next key"),
        "ringSec" => ("rings", "for each agent"),
        "totalSec" => ("rings", "in all"),
        "maxTalkSec" => ("lets them talk", "at most"),
        _ => {
            return match key {
                "text" => {
                    Some(format!("The step {step} says {} instead of {}.", shown(after?), shown(before?)))
                }
                _ => None,
            };
        }
    };
    let (before, after) = (seconds(before)?, seconds(after)?);
    Some(format!("The step {step} {verb} {after} s {what} instead of {before} s."))
}

fn change(what: &str, before: Option<&Value>, after: Option<&Value>) -> String {
    match (before, after) {
        (None, Some(after)) => format!("{what} is {} now, which was not set.", shown(after)),
        (Some(before), None) => format!("{what} is not set any more; it was {}.", shown(before)),
        (Some(before), Some(after)) if is_long(before) || is_long(after) => format!("{what} was changed."),
        (Some(before), Some(after)) => format!("{what} is {} instead of {}.", shown(after), shown(before)),
        (None, None) => format!("{what} was changed."),
    }
}

/// Lists and objects that would not fit a sentence.
fn is_long(value: &Value) -> bool {
    !value.is_string() && value.to_string().chars().count() > SHOWN_CHARS_MAX
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        other => cut(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "empty".to_owned() } else { format!("\"{}\"", cut(text)) }
}

fn cut(text: &str) -> String {
    cut_to(text, SHOWN_CHARS_MAX)
}

fn cut_to(text: &str, chars_max: usize) -> String {
    let mut cut: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(chars_max).collect();
    if text.chars().nth(chars_max).is_some() {
        cut.push('…');
    }
    cut
}

/// Steps that went and came under another id with the same content: their ids.
fn renamed(before: &Map<String, Value>, after: &Map<String, Value>) -> BTreeMap<String, String> {
    // By content: to compare each that went with each that came would take minutes for some thousands.
    let mut came: HashMap<String, VecDeque<&String>> = HashMap::new();
    for (id, step) in after.iter().filter(|(id, _)| !before.contains_key(*id)) {
        came.entry(content(step)).or_default().push_back(id);
    }
    let gone = before.iter().filter(|(id, _)| !after.contains_key(*id));
    gone.filter_map(|(id, step)| {
        let new = came.get_mut(&content(step))?.pop_front()?;
        Some((id.clone(), new.clone()))
    })
    .collect()
}

/// What makes a step the same under another id, in one text whatever the order of its keys.
fn content(step: &Value) -> String {
    let part = |key| step.get(key).cloned().unwrap_or_default();
    let mut content = Value::from(vec![part("type"), part("config"), text(step, "name").into()]);
    content.sort_all_objects();
    content.to_string()
}

/// The names of all steps, the new ones first in doubt.
fn names(old: &Value, new: &Value) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for document in [old, new] {
        for (id, step) in fields(document, "steps") {
            // Cut, since a name comes in as many sentences as ports lead to its step.
            let name = cut(text(&step, "name").unwrap_or(&id));
            names.insert(id, name);
        }
    }
    names
}

fn fields(value: &Value, key: &str) -> Map<String, Value> {
    value.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn kind(step: &Value) -> &str {
    text(step, "type").unwrap_or("step without a type")
}

/// A field; null counts as absent.
fn present<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.get(key).filter(|value| !value.is_null())
}

/// The keys of both, sorted.
fn keys<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> BTreeSet<&'a str> {
    old.keys().chain(new.keys()).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn base() -> Value {
        json!({
            "schema": "callflow/1", "id": "main", "name": "Main", "description": "",
            "settings": {"language": "en-US", "fallback": "bye"}, "entry": "menu",
            "steps": {
                "menu": {
                    "type": "menu", "name": "Menu",
                    "config": {"prompt": {"kind": "tts", "text": "Press 1"}, "timeoutSec": 5, "options": {"1": {"label": "Sales"}}},
                    "on": {"key:1": "ring", "no_response": "bye"}, "ui": {"x": 0, "y": 0}
                },
                "ring": {"type": "dial", "name": "Ring", "config": {"target": {"kind": "user", "value": "alice"}, "ringSec": 25}},
                "bye": {"type": "hangup", "name": "Bye", "config": {}}
            }
        })
    }

    /// The sentences about what `change` does to the flow.
    fn said(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut new = base();
        change(&mut new);
        diff(&base(), &new)
    }

    #[test]
    fn each_change_is_one_sentence() {
        let step = |value: &mut Value, id: &str| value["steps"][id].take();
        type Case = (Box<dyn Fn(&mut Value)>, &'static str);
        let cases: Vec<Case> = vec![
            (
                Box::new(|f| f["steps"]["menu"]["config"]["timeoutSec"] = 8.into()),
                "The step \"Menu\" waits 8 s for a key instead of 5 s.",
            ),
            (
                Box::new(|f| f["steps"]["ring"]["config"]["ringSec"] = 9.into()),
                "The step \"Ring\" rings 9 s for each agent instead of 25 s.",
            ),
            (
                Box::new(|f| f["steps"]["menu"]["config"]["prompt"]["text"] = "Press 2".into()),
                "The step \"Menu\" says \"Press 2\" instead of \"Press 1\".",
            ),
            (
                Box::new(|f| f["steps"]["menu"]["config"]["bargeIn"] = false.into()),
                "The step \"Menu\": \"bargeIn\" is off now, which was not set.",
            ),
            (
                Box::new(|f| f["steps"]["menu"]["config"]["options"]["2"] = json!({"label": "Help"})),
                "The step \"Menu\": \"options.2\" is {\"label\":\"Help\"} now, which was not set.",
            ),
            (
                Box::new(|f| f["steps"]["ring"]["config"]["target"]["value"] = "bob".into()),
                "The step \"Ring\": \"target.value\" is \"bob\" instead of \"alice\".",
            ),
            (
                Box::new(|f| {
                    _ = f["steps"]["ring"]["config"]["target"].as_object_mut().unwrap().remove("value")
                }),
                "The step \"Ring\": \"target.value\" is not set any more; it was \"alice\".",
            ),
            (
                Box::new(|f| f["steps"]["menu"]["name"] = "Choice".into()),
                "The step \"Menu\" is called \"Choice\" now.",
            ),
            (
                Box::new(|f| f["steps"]["bye"]["type"] = "greeting".into()),
                "The step \"Bye\" is a greeting instead of a hangup.",
            ),
            (
                Box::new(|f| f["steps"]["menu"]["on"]["key:1"] = "bye".into()),
                "The port \"key:1\" of the step \"Menu\" leads to \"Bye\" instead of \"Ring\".",
            ),
            (
                Box::new(|f| f["steps"]["menu"]["on"]["key:1"] = Value::Null),
                "The port \"key:1\" of the step \"Menu\" leads nowhere instead of to \"Ring\".",
            ),
            (
                Box::new(|f| f["steps"]["ring"]["on"] = json!({"no_answer": "bye"})),
                "The port \"no_answer\" of the step \"Ring\" leads to \"Bye\".",
            ),
            (
                Box::new(|f| f["steps"]["extra"] = json!({"type": "wait", "name": "Pause", "config": {}})),
                "The step \"Pause\" was added (wait).",
            ),
            (
                Box::new(|f| _ = f["steps"].as_object_mut().unwrap().remove("bye")),
                "The step \"Bye\" was removed (hangup).",
            ),
            (
                Box::new(|f| f["entry"] = "ring".into()),
                "Calls start with the step \"Ring\" instead of \"Menu\".",
            ),
            (Box::new(|f| f["name"] = "Other".into()), "The flow's name is \"Other\" instead of \"Main\"."),
            (
                Box::new(|f| f["description"] = "x".into()),
                "The flow's description is \"x\" instead of empty.",
            ),
            (
                Box::new(|f| f["settings"]["language"] = "de".into()),
                "The setting \"language\" is \"de\" instead of \"en-US\".",
            ),
            (
                Box::new(|f| f["settings"]["fallback"] = "ring".into()),
                "The fallback is the step \"Ring\" instead of \"Bye\".",
            ),
            (Box::new(|f| f["settings"]["fallback"] = Value::Null), "There is no fallback step any more."),
            (
                Box::new(|f| f["settings"]["maxCallSec"] = 60.into()),
                "The setting \"maxCallSec\" is 60 now, which was not set.",
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(said(change), [expected]);
        }
        let renamed = said(|f| {
            let ring = step(f, "ring");
            f["steps"].as_object_mut().unwrap().remove("ring");
            f["steps"]["agent"] = ring;
            f["steps"]["menu"]["on"]["key:1"] = "agent".into();
        });
        assert_eq!(renamed, ["The step \"ring\" has the id \"agent\" now."]);
    }

    #[test]
    fn moving_a_step_or_sorting_keys_says_nothing() {
        assert_eq!(said(|f| f["steps"]["menu"]["ui"] = json!({"x": 9})), [""; 0]);
        assert_eq!(said(Value::sort_all_objects), [""; 0]);
    }

    #[test]
    fn thousands_of_steps_that_were_renamed_are_found_each_once() {
        let steps = |prefix: &str, range: std::ops::Range<usize>| -> Value {
            let step = |n: usize| json!({"type": "wait", "name": "Pause", "config": {"a": n / 2, "b": 1}});
            let steps: Map<String, Value> = range.map(|n| (format!("{prefix}{n}"), step(n))).collect();
            json!({ "steps": steps })
        };
        let (old, new) = (steps("a", 0..4_000), steps("b", 0..4_000));
        let renamed = renamed(&fields(&old, "steps"), &fields(&new, "steps"));
        assert_eq!(renamed.values().collect::<BTreeSet<_>>().len(), 4_000);
        let said = diff(&old, &new);
        assert_eq!(said.len(), SENTENCES_MAX);
        assert!(said.iter().all(|sentence| sentence.contains(" has the id ")));
    }

    #[test]
    fn no_sentence_grows_with_a_name_or_a_key() {
        let long = "x".repeat(100_000);
        let said = said(|f| {
            f["steps"]["ring"]["name"] = long.clone().into();
            f["steps"]["menu"]["on"][&long] = "ring".into();
        });
        assert!(!said.is_empty());
        assert!(said.iter().all(|sentence| sentence.chars().count() <= SENTENCE_CHARS_MAX + 1));
    }

    #[test]
    fn any_two_documents_can_be_compared() {
        for (a, b) in
            [(json!(null), base()), (base(), json!([1])), (json!({"steps": 5}), json!({"steps": {"a": 1}}))]
        {
            let _ = diff(&a, &b);
        }
        let many: Map<String, Value> = (0..2_000).map(|n| (format!("s{n}"), json!({}))).collect();
        assert_eq!(diff(&base(), &json!({"steps": many})).len(), SENTENCES_MAX);
    }
}
