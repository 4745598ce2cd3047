//! Call flows of a few steps that several tests use. Their one prompt is `tone`.

use super::Setup;
use serde_json::{Value, json};

/// Half a second of a tone.
pub fn tone() -> Vec<i16> {
    (0..4_000).map(|n| (8_000.0 * (n as f32 * 0.3).sin()) as i16).collect()
}

/// Answers, and waits for the caller to hang up.
pub fn waits() -> Value {
    json!({"entry": "wait", "steps": {
        "wait": {"type": "wait", "name": "Wait", "config": {"seconds": 60, "audio": {"kind": "file", "id": "tone"}},
            "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}})
}

/// Answers, plays a tone over and over, and hangs up when the caller presses 1.
pub fn hangs_up_on_1() -> Value {
    json!({"entry": "menu", "steps": {
        "menu": {"type": "menu", "name": "Menu", "config": {"prompt": {"kind": "file", "id": "tone"},
            "options": {"1": {"label": "end"}}, "timeoutSec": 60}, "on": {"key:1": "bye", "no_response": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}})
}

/// Dials at once, for so many seconds at the most; where nobody answers it says something and hangs up.
pub fn dials(target: &Value, seconds: u32) -> Value {
    json!({"settings": {"shortAbandonSec": 0}, "entry": "ring", "steps": {
        "ring": {"type": "dial", "name": "Ring", "config": {"target": target, "ringSec": seconds},
            "on": {"no_response": "say"}},
        "say": {"type": "greeting", "name": "Say", "config": {"audio": {"kind": "file", "id": "tone"}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}})
}

/// Rings an agent for so many seconds.
pub fn rings(agent: &str, seconds: u32) -> Value {
    dials(&json!({"kind": "user", "value": agent}), seconds)
}

/// Calls a number over the trunks.
pub fn calls(number: &str) -> Value {
    dials(&json!({"kind": "number", "value": number}), 20)
}

/// Says something and hangs up.
pub fn speaks() -> Value {
    json!({"entry": "say", "steps": {
        "say": {"type": "greeting", "name": "Say", "config": {"audio": {"kind": "file", "id": "tone"}}, "on": {"next": "bye"}},
        "bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}})
}

impl Setup {
    /// The prompt of these flows.
    pub fn tone(self) -> Self {
        self.prompt("tone", &tone())
    }
}
