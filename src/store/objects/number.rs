//! Smart Numbers. flows.md 2.4.

use super::account::{bounded, language};
use super::{Checked, Link, Object};
use crate::call::number::{self, LENGTH_MAX};
use crate::call::snapshot::{Answers, Number, Pattern, Shape, Unassigned};
use crate::config::reader::Section;
use serde_json::{Map, Value};

pub const KEYS: [&str; 21] = [
    "e164",
    "prefix",
    "pattern",
    "label",
    "description",
    "kind",
    "assignment",
    "flow",
    "user",
    "service",
    "status",
    "unassigned_behaviour",
    "blocked_callers",
    "max_concurrent_calls",
    "language",
    "caller_name",
    "recording_policy",
    "sms_enabled",
    "account_id",
    "campaign",
    "tags",
];
/// Digits from which on a number is hardly an extension of a PBX, but one of E.164 without its plus.
const INTERNATIONAL_DIGITS_MIN: usize = 8;
/// Names of callers are cut to so many characters by the networks.
const CALLER_NAME_CHARS_MAX: usize = 15;
const TAGS_MAX: usize = 50;

pub(super) fn read(section: &Section<'_>) -> Option<Checked> {
    let pattern = pattern(section);
    let label = bounded(section, "label", 80).unwrap_or_default();
    let answers = answers(section);
    about(section);
    let is_active = section.parsed("status", |text| match text {
        "active" => Ok(true),
        "inactive" => Ok(false),
        _ => Err("a status: active or inactive".to_owned()),
    });
    let unassigned = section.parsed("unassigned_behaviour", |text| match text {
        "not_in_service" => Ok(Unassigned::NotInService),
        "reject" => Ok(Unassigned::Refuse),
        _ => Err("a behaviour: not_in_service or reject".to_owned()),
    });
    let blocked_callers = bounded(section, "blocked_callers", super::ID_CHARS_MAX);
    let max_concurrent_calls = section.integer("max_concurrent_calls", 1..=1_000_000);
    let language = section.parsed("language", language);
    let (pattern, answers) = (pattern?, answers?);
    let links = link(&answers).into_iter().chain(blocked_callers.clone().map(|id| Link { kind: "list", id }));
    Some(Checked {
        id: pattern.text(),
        name: label.clone(),
        links: links.collect(),
        object: Object::Number(Number {
            pattern,
            label,
            answers,
            language,
            unassigned: unassigned.unwrap_or_default(),
            blocked_callers,
            max_concurrent_calls: max_concurrent_calls.and_then(|calls| u32::try_from(calls).ok()),
            is_active: is_active.unwrap_or(true),
        }),
    })
}

/// Writes the number as it is dialled.
pub(super) fn canonical(number: &Number, fields: &mut Map<String, Value>) {
    let (key, text) = match &number.pattern {
        Pattern::Exact(text) => ("e164", text.clone()),
        Pattern::Prefix(text) => ("prefix", text.clone()),
        Pattern::Shape(shape) => ("pattern", shape.to_string()),
    };
    fields.insert(key.to_owned(), text.into());
}

fn link(answers: &Answers) -> Option<Link> {
    match answers {
        Answers::Flow(id) => Some(Link { kind: "flow", id: id.clone() }),
        Answers::Agent(id) => Some(Link { kind: "agent", id: id.clone() }),
        Answers::Echo | Answers::Nothing => None,
    }
}

fn pattern(section: &Section<'_>) -> Option<Pattern> {
    let (exact, prefix, shape) = (section.text("e164"), section.text("prefix"), section.text("pattern"));
    let pattern = match (exact, prefix, shape) {
        (Some(text), None, None) => Pattern::Exact(number::read(&text, None).plain),
        (None, Some(text), None) => Pattern::Prefix(number::read(&text, None).plain),
        (None, None, Some(text)) => match Shape::parse(&text) {
            Ok(shape) => return Some(Pattern::Shape(shape)),
            Err(error) => {
                section.error(
                    "pattern",
                    format!("\"{text}\" is no pattern: {error}"),
                    "for example +1555010[0-4]X",
                );
                return None;
            }
        },
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            let message = "has more than one of e164, prefix and pattern: none of them wins";
            section.error("", message, "keep the one that the number goes by");
            return None;
        }
        (None, None, None) => {
            section.error("", "needs one of e164, prefix and pattern", "e164 = \"+15550100\"");
            return None;
        }
    };
    judge(section, &pattern);
    Some(pattern)
}

/// A number that nobody can dial is an error; one that is dialled otherwise than its author may think is doubted.
fn judge(section: &Section<'_>, pattern: &Pattern) {
    let (key, text) = match pattern {
        Pattern::Exact(text) => ("e164", text.as_str()),
        Pattern::Prefix(text) => ("prefix", text.as_str()),
        Pattern::Shape(_) => return,
    };
    let example = if key == "e164" { "for example +15550100" } else { "for example +1555" };
    let (plus, digits) = text.strip_prefix('+').map_or((false, text), |digits| (true, digits));
    let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
    match (plus, digits) {
        (false, "") => section.error(key, "the number is empty", example),
        (true, "") if key == "prefix" => {
            section.warning(
                key,
                "takes every call to a number with a plus that has no entry of its own",
                example,
            );
        }
        (true, "") => section.error(key, "is a plus without digits", example),
        _ if text.len() > LENGTH_MAX => {
            section.error(key, format!("is longer than {LENGTH_MAX} characters"), example);
        }
        (true, _) if !all_digits => {
            section.error(key, format!("\"{text}\" is no number: after a plus come digits"), example);
        }
        (false, _) if !digits.bytes().all(|b| b.is_ascii_digit() || b"*#".contains(&b)) => {
            let message = format!("\"{text}\" is no telephone number: only calls to sip:{text}@… come here");
            section.warning(key, message, example);
        }
        (false, _) if all_digits && digits.len() >= INTERNATIONAL_DIGITS_MIN => {
            let message = format!("has no plus: a call to {text} comes here, one to +{text} does not");
            section.warning(key, message, "write an international number with its plus");
        }
        _ => {}
    }
}

fn answers(section: &Section<'_>) -> Option<Answers> {
    let named = |key| {
        let id = section.text(key)?;
        if id.is_empty() {
            section.error(key, "is empty", "name one, or take the key out");
        }
        Some(id)
    };
    let (flow, user) = (named("flow"), named("user"));
    let service = section.parsed("service", |text| match text {
        "echo" => Ok(Answers::Echo),
        _ => Err("a service: echo".to_owned()),
    });
    let assignment = section.text("assignment");
    let named = [flow.map(Answers::Flow), user.map(Answers::Agent), service];
    let mut named = named.into_iter().flatten();
    let answers = named.next();
    if named.next().is_some() {
        section.error("", "leads to one place: flow, user or service", "take the others out");
        return None;
    }
    let fits = match (assignment.as_deref(), &answers) {
        (None, None) => {
            let any = ["flow", "user", "service"].iter().any(|key| section.has(key));
            if !any {
                let message = "needs a flow, a user or a service, or assignment = \"none\"";
                section.error("", message, "flow = \"ID\"");
            }
            return None;
        }
        (None, Some(_)) => true,
        (Some("flow"), Some(Answers::Flow(_))) | (Some("user"), Some(Answers::Agent(_))) => true,
        (Some("none"), None) => true,
        (Some("queue" | "voicemail"), _) => {
            let message = "is not possible yet: a later version has queues and mailboxes";
            section.error("assignment", message, "lead the number to a flow or a user");
            return None;
        }
        (Some("flow" | "user" | "none"), _) => false,
        (Some(other), _) => {
            let message = format!("\"{other}\" is not an assignment: flow, user, queue, voicemail or none");
            section.error("assignment", message, "");
            return None;
        }
    };
    if !fits {
        section.error(
            "assignment",
            "says another thing than flow, user and service",
            "write only one of them",
        );
        return None;
    }
    Some(answers.unwrap_or(Answers::Nothing))
}

/// What is kept for people and for other programs, and what a later version uses.
fn about(section: &Section<'_>) {
    bounded(section, "description", 2_000);
    section.parsed("kind", |text| match text {
        "local" | "toll_free" | "mobile" | "national" | "sip" => Ok(()),
        _ => Err("a kind of number: local, toll_free, mobile, national or sip".to_owned()),
    });
    bounded(section, "account_id", 80);
    bounded(section, "campaign", 80);
    let tags = section.texts("tags").unwrap_or_default();
    if tags.len() > TAGS_MAX || tags.iter().any(|tag| tag.is_empty() || tag.chars().count() > 40) {
        section.error(
            "tags",
            format!("has more than {TAGS_MAX} tags, an empty one or one over 40 characters"),
            "",
        );
    }
    if bounded(section, "caller_name", CALLER_NAME_CHARS_MAX).is_some() {
        section.warning("caller_name", "is kept, but not shown yet", "");
    }
    let recording = section.parsed("recording_policy", |text| match text {
        "inherit" => Ok(false),
        "always" | "never" => Ok(true),
        _ => Err("a recording policy: inherit, always or never".to_owned()),
    });
    if recording == Some(true) {
        section.warning("recording_policy", "is kept, but not used yet: this version records no calls", "");
    }
    section.boolean("sms_enabled");
}
