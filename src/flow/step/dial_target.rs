//! Whom a dial step rings: read from the document, filled in when the step is entered.

use crate::flow::DialTarget;
use crate::flow::context::Call;
use crate::flow::finding::{Code, nearest, quoted};
use crate::flow::is_crm_user;
use crate::flow::reading::{Field, Fields, Reading, known_words, template_schema, template_value};
use crate::flow::template::Template;
use crate::flow::variables::OWNER_ID;
use serde_json::json;

const FIELDS: [Field; 3] = [
    (
        "kind",
        "An agent (user), several (users), whoever owns the caller's Lead or Contact in the CRM (record_owner), a telephone number (number) or a SIP address (sip).",
    ),
    (
        "value",
        "The id of the agent, or of the CRM's user that the agent is, the number or the SIP address; variables are filled in.",
    ),
    ("values", "The ids of several agents; variables are filled in."),
];
const KINDS: [&str; 5] = ["user", "users", "record_owner", "number", "sip"];
/// Target kinds of the catalogue that this version cannot ring.
const LATER_KINDS: [(&str, &str); 2] = [("queue", "queues"), ("skill", "agents found by their skills")];
/// Most agents rung by one step; more telephones than that do not fit one caller.
pub const TARGETS_MAX: usize = 50;
/// Longest target in bytes, as long as a SIP URI reasonably gets.
const TARGET_BYTES_MAX: usize = 256;

#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    /// Agents; a text may come out as several, with `|` or `,` between.
    Users(Vec<Template>),
    /// The agent who owns the caller's record in the CRM.
    RecordOwner,
    Number(Template),
    Sip(Template),
}

impl Target {
    pub fn read(step: &Fields, reading: &mut Reading) -> Target {
        step.describe("target", reading, target_schema);
        if reading.description.is_some() {
            step.missing("target", reading);
            return Target::Users(Vec::new());
        }
        if step.get("target").is_none() {
            step.missing("target", reading);
        }
        Target::read_at(step, "target", reading)
    }

    /// Reads the target that stands there under that key.
    pub fn read_at(step: &Fields, key: &str, reading: &mut Reading) -> Target {
        let fields = Fields::new(step.get(key), step.at(key), &FIELDS, reading);
        let Some(kind) = fields.get("kind").and_then(|kind| kind.as_str()) else {
            if step.get(key).is_some() {
                fields.required_text("kind", 40, reading);
            }
            return Target::Users(Vec::new());
        };
        match kind {
            "user" => {
                refuse(&fields, "values", "`values` is for the kind `users`.", reading);
                Target::Users(vec![read_user(&fields, reading)])
            }
            "users" => Target::Users(read_users(&fields, reading)),
            "record_owner" => {
                for key in ["value", "values"] {
                    if fields.get(key).is_some() {
                        let message = format!("`{key}` says nothing where the record's owner is rung.");
                        reading.error(Code::E03, &fields.at(key), message, "Take it out.");
                    }
                }
                reading.reads_contact(fields.at("kind"));
                Target::RecordOwner
            }
            "number" => {
                refuse(&fields, "values", "A number is dialled alone.", reading);
                Target::Number(fields.required_template("value", TARGET_BYTES_MAX, reading))
            }
            "sip" => {
                refuse(&fields, "values", "A SIP URI is dialled alone.", reading);
                let value = fields.required_template("value", TARGET_BYTES_MAX, reading);
                if let Some(uri) = value.as_constant().filter(|uri| !uri.is_empty())
                    && !is_sip_uri(uri)
                {
                    reading.error(
                        Code::E03,
                        &fields.at("value"),
                        format!("{} is no SIP URI.", quoted(uri)),
                        "Write it as in `sip:bob@example.net`.",
                    );
                }
                Target::Sip(value)
            }
            other => {
                let pointer = fields.at("kind");
                if let Some((_, needed)) = LATER_KINDS.iter().find(|(later, _)| *later == other) {
                    reading.error(
                        Code::E15,
                        &pointer,
                        format!(
                            "A dial to a `{other}` needs {needed}, which this version does not have yet."
                        ),
                        "Dial agents (`users`) instead.",
                    );
                } else {
                    let later = LATER_KINDS.iter().map(|(kind, _)| *kind);
                    let near = nearest(other, KINDS.into_iter().chain(later));
                    reading.error(
                        Code::E03,
                        &pointer,
                        format!("There is no kind of target {}.", quoted(other)),
                        near.map_or_else(
                            || known_words(other, KINDS),
                            |near| format!("Did you mean `{near}`?"),
                        ),
                    );
                }
                Target::Users(Vec::new())
            }
        }
    }

    /// A list: it has a limit of its own for the whole step.
    pub fn is_list(&self) -> bool {
        match self {
            Target::Users(users) => users.len() > 1 || users.iter().any(|user| user.as_constant().is_none()),
            Target::RecordOwner | Target::Number(_) | Target::Sip(_) => false,
        }
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Target::Number(_))
    }

    /// Whom to ring now; nobody where nothing was filled in. The error is a sentence for `error.message`.
    pub fn resolve(&self, call: &Call) -> Result<Vec<DialTarget>, String> {
        let render = |template: &Template| call.scope().render(template, 8_192).text;
        match self {
            Target::Users(users) => Ok(agents(users, call)),
            Target::RecordOwner => {
                let owner = call.state.variables.get(OWNER_ID).unwrap_or_default();
                let is_one = !owner.is_empty() && is_plain(&owner);
                Ok(is_one
                    .then(|| DialTarget::User(call.library.agent(&owner).to_owned()))
                    .into_iter()
                    .collect())
            }
            Target::Number(template) => {
                let text = render(template);
                let number: String =
                    text.chars().filter(|c| !c.is_whitespace() && !"()-./".contains(*c)).collect();
                if number.is_empty() {
                    return Ok(Vec::new());
                }
                if is_number(&number) {
                    Ok(vec![DialTarget::Number(number)])
                } else {
                    Err(format!("{} is no telephone number.", quoted(&text)))
                }
            }
            Target::Sip(template) => {
                let text = render(template);
                match text.trim() {
                    "" => Ok(Vec::new()),
                    uri if is_sip_uri(uri) => Ok(vec![DialTarget::Sip(uri.to_owned())]),
                    _ => Err(format!("{} is no SIP URI.", quoted(&text))),
                }
            }
        }
    }
}

/// The agents that these come out as.
pub fn agents(users: &[Template], call: &Call) -> Vec<DialTarget> {
    let mut targets: Vec<DialTarget> = Vec::new();
    for text in users.iter().map(|template| call.scope().render(template, 8_192).text) {
        for id in text.split(['|', ',']).map(str::trim).filter(|id| !id.is_empty()) {
            // A CRM names its own users, not our agents.
            let id = call.library.agent(id);
            let is_new = !targets.iter().any(|target| target.text() == id);
            if is_new && targets.len() < TARGETS_MAX && is_plain(id) {
                targets.push(DialTarget::User(id.to_owned()));
            }
        }
    }
    targets
}

pub fn target_schema() -> serde_json::Value {
    let value = template_schema(TARGET_BYTES_MAX);
    let kinds = KINDS.into_iter().chain(LATER_KINDS.map(|(kind, _)| kind)).collect::<Vec<_>>();
    json!({"type": "object", "additionalProperties": false, "required": ["kind"], "properties": {
        "kind": {"enum": kinds, "description": FIELDS[0].1},
        "value": {"type": value["type"], "maxLength": TARGET_BYTES_MAX, "description": FIELDS[1].1},
        "values": {"type": "array", "minItems": 1, "maxItems": TARGETS_MAX, "items": value, "description": FIELDS[2].1}}})
}

impl DialTarget {
    /// The agent's id, the number or the URI.
    pub fn text(&self) -> &str {
        match self {
            DialTarget::User(text) | DialTarget::Number(text) | DialTarget::Sip(text) => text,
        }
    }
}

/// `+`, digits, `*` and `#`, as a keypad can dial them.
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=32).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#')
}

/// The shape only; whoever dials reads it for good. No white space and no control character, so that nothing
/// can be smuggled into a message.
fn is_sip_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    matches!(scheme, Some((scheme, rest)) if (scheme == "sip" || scheme == "sips") && !rest.is_empty())
        && is_plain(text)
}

fn is_plain(text: &str) -> bool {
    text.len() <= TARGET_BYTES_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"".contains(c))
}

fn refuse(fields: &Fields, key: &str, message: &str, reading: &mut Reading) {
    if fields.get(key).is_some() {
        reading.error(Code::E03, &fields.at(key), message, "Use `value`.");
    }
}

fn read_user(fields: &Fields, reading: &mut Reading) -> Template {
    let template = fields.required_template("value", TARGET_BYTES_MAX, reading);
    note_agents(&template, fields.at("value"), reading);
    template
}

fn read_users(fields: &Fields, reading: &mut Reading) -> Vec<Template> {
    if fields.get("values").is_none() && fields.get("value").is_some() {
        return vec![read_user(fields, reading)];
    }
    refuse_both(fields, reading);
    let mut users = Vec::new();
    for (value, pointer) in fields.list("values", 1..=TARGETS_MAX, reading) {
        if value.as_str().is_some_and(|text| text.trim().is_empty()) {
            reading.error(Code::E04, &pointer, "This agent is empty.", "Name an agent, or take it out.");
        }
        if let Some(template) = template_value(value, "values", &pointer, TARGET_BYTES_MAX, reading) {
            note_agents(&template, pointer, reading);
            users.push(template);
        }
    }
    users
}

fn refuse_both(fields: &Fields, reading: &mut Reading) {
    if fields.get("value").is_some() {
        reading.error(
            Code::E03,
            &fields.at("value"),
            "`value` and `values` stand side by side.",
            "Use one of them.",
        );
    }
}

/// Agents that are named in so many words can be looked for before a call comes.
fn note_agents(template: &Template, pointer: String, reading: &mut Reading) {
    let constant = template.as_constant().unwrap_or_default();
    for id in constant.split(['|', ',']).map(str::trim).filter(|id| !id.is_empty()) {
        if !is_crm_user(id) {
            reading.agents.push((id.to_owned(), pointer.clone()));
        }
    }
}
