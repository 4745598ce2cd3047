//! dial: rings legs, at once or one after the other, and joins the first that accepts with the caller.

mod hand_over;
mod leg;
mod machine;

use super::dial_target::{Target, is_number, target_schema};
use crate::flow::CallerIdentity;
use crate::flow::audio::Audio;
use crate::flow::finding::{Code, quoted};
use crate::flow::reading::{Field, Fields, Reading, known_words, wrong_type};
use crate::flow::template::Template;
use crate::flow::{COMMENTS_CHARS_MAX, SUBJECT_CHARS_MAX};
use hand_over::HandOver;
pub use machine::Dial;
use serde_json::{Value, json};
use std::time::Duration;

pub const FIELDS: [Field; 19] = [
    ("target", "Who is rung."),
    ("strategy", "Whether several agents ring at once (simultaneous) or one after the other (sequential)."),
    ("ringSec", "How long one of them rings, in seconds."),
    (
        "totalSec",
        "How long the whole step rings, in seconds; without it 60 for several agents, 300 for one party.",
    ),
    (
        "callerId",
        "The number that the called party sees: that of the caller (caller), the Smart Number (dialled), or fixed: and a number.",
    ),
    ("ringback", "What the caller hears meanwhile: the ringing tone (tone), music, or audio."),
    ("recording", "Whether the conversation is recorded; this version does not record."),
    ("dispositionRequired", "Whether the agent has to say how the call went; this version does not ask."),
    (
        "taskSubject",
        "The subject of the task that the CRM gets of the conversation; variables are filled in.",
    ),
    ("taskComments", "The comments of that task; variables are filled in."),
    ("whisper", "What the called party hears before it is joined with the caller."),
    (
        "screen",
        "Whether the called party has to press a key to take the call: any (press_any), or 1 (press_1).",
    ),
    ("screenSec", "How long that key is waited for, in seconds."),
    ("amd", "Whether answering machines are told from people; this version does not."),
    ("maxTalkSec", "How long the conversation may last, in seconds; 0 for as long as the call may."),
    (
        "handOver",
        "Whether the call leaves this server: the caller's trunk is asked (REFER) to bring it to the number itself, at once (blind) or when it has answered (attended); it stays here with never.",
    ),
    ("onBusy", "Whether an agent who is in a conversation is left out (skip) or rung all the same (ring)."),
    (
        "fallbackOwner",
        "Who is rung where the caller has no record, its owner is no agent here, or has no telephone to ring.",
    ),
    (
        "afterAnswered",
        "Whether the call is over after the conversation (end) or leaves by the port after_call (continue).",
    ),
];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    target: Target,
    /// For a record that has no owner who can be rung.
    fallback: Vec<Template>,
    task_subject: Option<Template>,
    task_comments: Option<Template>,
    order: Order,
    /// Each leg.
    ring: Duration,
    /// The whole step, until somebody answers.
    total: Duration,
    identity: CallerIdentity,
    ringback: Ringback,
    whisper: Option<Audio>,
    screen: Screen,
    screen_time: Duration,
    max_talk: Option<Duration>,
    ring_busy: bool,
    hand_over: HandOver,
    /// The flow goes on after the conversation.
    pub continues: bool,
    /// The flow's, in which an agent is asked to accept.
    language: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    Simultaneous,
    Sequential,
}

/// What the caller hears while legs ring.
#[derive(Clone, PartialEq, Debug)]
enum Ringback {
    Tone,
    Music,
    Audio(Audio),
}

/// What a dialled party must press to accept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Screen {
    Off,
    PressAny,
    PressOne,
}

impl Config {
    /// Whom it rings, the CRM says.
    pub fn rings_owner(&self) -> bool {
        self.target == Target::RecordOwner
    }

    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let target = Target::read(fields, reading);
        fields.describe("totalSec", reading, || json!({"type": "integer", "minimum": 5, "maximum": 300}));
        let total_default = if target.is_list() { 60 } else { 300 };
        note_unused(fields, reading);
        if let Some(step) = reading.step {
            reading.writes.push((step, "dial".to_owned()));
        }
        Config {
            fallback: read_fallback_owner(fields, &target, reading),
            task_subject: fields.template("taskSubject", SUBJECT_CHARS_MAX, reading),
            task_comments: fields.template("taskComments", COMMENTS_CHARS_MAX, reading),
            order: read_order(fields, reading),
            ring: Duration::from_secs(fields.number("ringSec", 5..=120, 25, reading).into()),
            total: Duration::from_secs(fields.number("totalSec", 5..=300, total_default, reading).into()),
            identity: read_identity(fields, target.is_number(), reading),
            ringback: read_ringback(fields, reading),
            whisper: Audio::read(fields, "whisper", reading),
            screen: fields.choice(
                "screen",
                &[("off", Screen::Off), ("press_any", Screen::PressAny), ("press_1", Screen::PressOne)],
                Screen::Off,
                reading,
            ),
            screen_time: Duration::from_secs(fields.number("screenSec", 1..=60, 10, reading).into()),
            max_talk: match fields.number("maxTalkSec", 0..=14_400, 0, reading) {
                0 => None,
                seconds => Some(Duration::from_secs(seconds.into())),
            },
            hand_over: read_hand_over(fields, &target, reading),
            ring_busy: fields.choice("onBusy", &[("skip", false), ("ring", true)], false, reading),
            continues: fields.choice("afterAnswered", &[("end", false), ("continue", true)], false, reading),
            language: reading.language.clone(),
            target,
        }
    }
}

fn read_order(fields: &Fields, reading: &mut Reading) -> Order {
    const KNOWN: [(&str, Order); 2] =
        [("simultaneous", Order::Simultaneous), ("sequential", Order::Sequential)];
    if let Some(word @ ("longest_idle" | "round_robin")) = fields.get("strategy").and_then(Value::as_str) {
        reading.error(
            Code::E03,
            &fields.at("strategy"),
            format!("The strategy `{word}` is not supported by this version."),
            "Take `simultaneous` or `sequential`.",
        );
        return Order::Simultaneous;
    }
    fields.choice("strategy", &KNOWN, Order::Simultaneous, reading)
}

/// Only what a trunk can reach itself is handed over to.
fn read_hand_over(fields: &Fields, target: &Target, reading: &mut Reading) -> HandOver {
    const KNOWN: [(&str, HandOver); 3] =
        [("never", HandOver::Never), ("blind", HandOver::Blind), ("attended", HandOver::Attended)];
    let hand_over = fields.choice("handOver", &KNOWN, HandOver::Never, reading);
    let is_reachable = matches!(target, Target::Number(_) | Target::Sip(_));
    if hand_over != HandOver::Never && !is_reachable && reading.description.is_none() {
        let message = "Only a number or a SIP address is handed over to: a trunk does not know our agents.";
        let remedy = "Take `handOver` out, or take the target `number` or `sip`.";
        reading.error(Code::E03, &fields.at("handOver"), message, remedy);
    }
    hand_over
}

/// `caller`, `dialled` or `fixed:<number>`. A number is dialled over a trunk, which as a rule lets only our own
/// numbers through, so there the Smart Number is shown unless the document says otherwise.
fn read_identity(fields: &Fields, is_number_target: bool, reading: &mut Reading) -> CallerIdentity {
    let default = if is_number_target { CallerIdentity::Dialled } else { CallerIdentity::Caller };
    match fields.text("callerId", 60, reading) {
        None => default,
        Some("caller") => CallerIdentity::Caller,
        Some("dialled") => CallerIdentity::Dialled,
        Some(other) => match other.strip_prefix("fixed:").map(str::trim) {
            Some(number) if is_number(number) => CallerIdentity::Fixed(number.to_owned()),
            _ => {
                reading.error(
                    Code::E03,
                    &fields.at("callerId"),
                    format!("`callerId` cannot be {}.", quoted(other)),
                    "Take `caller`, `dialled` or `fixed:` with a number, as in `fixed:+15550100`.",
                );
                default
            }
        },
    }
}

/// `tone`, `music`, or an audio object.
fn read_ringback(fields: &Fields, reading: &mut Reading) -> Ringback {
    fields.describe(
        "ringback",
        reading,
        || json!({"anyOf": [{"enum": ["tone", "music"]}, {"$ref": "#/$defs/audio"}]}),
    );
    match fields.get("ringback") {
        None => Ringback::Tone,
        Some(Value::Object(_)) => {
            Audio::read(fields, "ringback", reading).map_or(Ringback::Tone, Ringback::Audio)
        }
        Some(Value::String(word)) => match word.as_str() {
            "tone" => Ringback::Tone,
            "music" => Ringback::Music,
            other => {
                let remedy = if other == "audio" {
                    "Put the audio object itself here.".to_owned()
                } else {
                    known_words(other, ["tone", "music", "audio"])
                };
                reading.error(
                    Code::E03,
                    &fields.at("ringback"),
                    format!("`ringback` cannot be {}.", quoted(other)),
                    remedy,
                );
                Ringback::Tone
            }
        },
        Some(other) => {
            wrong_type(reading, &fields.at("ringback"), "tone, music or an audio object", other);
            Ringback::Tone
        }
    }
}

/// Fields that are checked, so that a later version can rely on them, but do nothing yet.
fn note_unused(fields: &Fields, reading: &mut Reading) {
    let record =
        fields.choice("recording", &[("inherit", false), ("on", true), ("off", false)], false, reading);
    if record {
        let pointer = fields.at("recording");
        reading.unused(pointer.clone(), "Recording");
        super::super::validate::no_consent(pointer, reading);
    }
    if fields.choice("amd", &[("off", false), ("on", true)], false, reading) {
        reading.unused(fields.at("amd"), "Detection of answering machines (`amd`)");
    }
    fields.boolean("dispositionRequired", true, reading);
    if fields.get("dispositionRequired").is_some() {
        reading.unused(fields.at("dispositionRequired"), "`dispositionRequired`");
    }
}

/// Agents: the same object as a target, of the kind `user` or `users`.
fn read_fallback_owner(fields: &Fields, target: &Target, reading: &mut Reading) -> Vec<Template> {
    fields.describe("fallbackOwner", reading, || {
        let mut schema = target_schema();
        schema["properties"]["kind"]["enum"] = json!(["user", "users", "queue"]);
        schema
    });
    if reading.description.is_some() || fields.get("fallbackOwner").is_none() {
        return Vec::new();
    }
    let pointer = fields.at("fallbackOwner");
    if *target != Target::RecordOwner {
        let message = "`fallbackOwner` stands beside a target that is no record's owner.";
        reading.error(Code::E03, &pointer, message, "Take it out, or take the target `record_owner`.");
    }
    match Target::read_at(fields, "fallbackOwner", reading) {
        Target::Users(users) => users,
        _ => {
            reading.error(
                Code::E03,
                &pointer,
                "The fallback is no agent.",
                "Take the kind `user` or `users`.",
            );
            Vec::new()
        }
    }
}
