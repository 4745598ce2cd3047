//! Erasure of a caller: what says whose call it was is taken out of its record, and the call stays, as one of an unknown
//! caller, so that counts and reports stay true.
//!
//! A record on its way must not come back: an erasure is kept as an order for [`ORDER_KEPT`], and whatever record of that
//! caller reaches the database meanwhile is written erased ([`Orders`]), whichever server's spool it waited in.

pub mod file;

use crate::call::record::EndReason;
use crate::clock::Wall;
use crate::ids::hex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// How long an order holds for records that come late: a server that was switched off with records in its spool is back by
/// then, or never.
pub const ORDER_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// What stands for a text within a list: a leg that was dialled by a number or an address may be the caller's.
const ERASED: &str = "(erased)";

/// Fields of a record, and of a task about one, that stay: what the call did, and what is ours. All others go, those that
/// a later version brings as well, until they stand here.
const KEPT: [&str; 20] = [
    "callId",
    "node",
    "trunk",
    "number",
    "flowId",
    "version",
    "to",
    "start",
    "answer",
    "end",
    "durationSec",
    "billedSec",
    "sipCode",
    "endReason",
    "outcome",
    "finalStep",
    "path",
    "agentId",
    "talkSec",
    "endedBy",
];
/// Those that every record or task has and readers may count on: they stay as empty texts. An empty `from` is that of a
/// caller who is not known.
const BLANKED: [&str; 6] = ["callKey", "sipCallId", "source", "from", "subject", "comments"];

/// Takes the caller out of a record or of a task about one. `at` is when that was asked for. Done again with the same time
/// it gives the same, so that a record that is written again is known.
pub fn erase(document: &mut Value, at: Wall) {
    let Value::Object(fields) = document else {
        *document = Value::Object(Map::new());
        return;
    };
    let mut kept = Map::new();
    for (name, value) in std::mem::take(fields) {
        let value = match name.as_str() {
            name if KEPT.contains(&name) => value,
            name if BLANKED.contains(&name) => Value::from(""),
            "reason" => Value::from(""),
            // Keys that were typed, and variables.
            "keys" | "vars" => Value::Array(Vec::new()),
            "legs" => with_parties(value, "party", &["codec"]),
            "offers" => with_parties(value, "agent", &["result", "trunk"]),
            // Not their sentences, which have addresses.
            "troubles" => with_parties(value, "party", &["at", "kind", "severity"]),
            "failedTransfers" => with_parties(value, "party", &["at"]),
            _ => continue,
        };
        kept.insert(name, value);
    }
    if kept.contains_key("reason") {
        kept.insert("reason".to_owned(), sentence(&kept).into());
    }
    kept.insert("erased".to_owned(), at.to_string().into());
    *fields = kept;
}

/// Why the call ended, in a sentence that has nothing of the call but its agent.
fn sentence(fields: &Map<String, Value>) -> String {
    let reason = fields.get("endReason").cloned().and_then(|reason| serde_json::from_value(reason).ok());
    let agent = fields.get("agentId").and_then(Value::as_str).filter(|agent| is_name(agent));
    reason.map_or_else(String::new, |reason: EndReason| reason.sentence(agent))
}

/// A list of which each item names who was at the other end: by the caller's number perhaps, where a flow dialled that.
/// Figures stay, and the texts of these fields.
fn with_parties(list: Value, name: &str, texts: &[&str]) -> Value {
    let Value::Array(items) = list else { return Value::Array(Vec::new()) };
    let field = |(key, value): (String, Value)| {
        let stays = match &value {
            Value::String(text) => texts.contains(&key.as_str()) || key == name && is_name(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
            Value::Array(_) | Value::Object(_) => false,
        };
        (key, if stays { value } else { Value::from(ERASED) })
    };
    let item = |item: Value| match item {
        Value::Object(fields) => Value::Object(fields.into_iter().map(field).collect()),
        _ => Value::Object(Map::new()),
    };
    items.into_iter().map(item).collect()
}

/// `caller`, or the id of an agent; not a number or an address that was dialled.
fn is_name(party: &str) -> bool {
    party.chars().any(char::is_alphabetic) && !party.contains(['@', ':', '+'])
}

/// Where a caller may still be found after an erasure of the store, and what to do there.
pub fn not_reached(file: Option<&Path>, spool: Option<&Path>) -> Vec<String> {
    let file = file.map(|file| {
        format!(
            "the file of call records, {} ([records] path), and what it was moved away to: run `cordboard records erase \
             NUMBER --file FILE` for each",
            file.display()
        )
    });
    let days = ORDER_KEPT.as_secs() / 86_400;
    let spool = spool.map(|spool| {
        format!(
            "records that wait for the database in {} ([store] spool), here and on other servers: they are erased on \
             their way in, for {days} days, and their files go when all in them is written; refused.jsonl and \
             refused.1.jsonl there are files for `--file`",
            spool.display()
        )
    });
    let others = [
        "backups of the database: erase again where one is put back",
        "log files: [log] numbers says how much of a number new lines show",
        "the memory of the servers, which has the SIP messages of the 500 calls that ended last and the latest events: \
         until newer ones take their place, or a restart",
        "lists of callers, flow tests and all else that people have set up with the number",
        "what other systems were told: tasks in a CRM, web services that flows asked, exports of records",
    ];
    file.into_iter().chain(spool).chain(others.map(str::to_owned)).collect()
}

/// Whether a text of a document is one of the spellings.
pub fn mentions(value: &Value, spellings: &[String]) -> bool {
    match value {
        Value::String(text) => spellings.contains(text),
        Value::Array(items) => items.iter().any(|item| mentions(item, spellings)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, spellings)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What stands for a number in an order. Whoever has it can find the number by trying all that there are: it keeps the
/// number from eyes, not from a search, and goes with the order.
pub fn digest(spelling: &str) -> String {
    hex(&Sha256::digest(spelling.as_bytes()))
}

/// Erasures that were asked for of late: the times, by the digest of each spelling.
#[derive(Clone, Debug, Default)]
pub struct Orders(HashMap<String, Vec<Wall>>);

impl Orders {
    pub fn add(&mut self, digest: String, at: Wall) {
        self.0.entry(digest).or_default().push(at);
    }

    /// The first erasure that is meant for a call of that caller that began then. What somebody does afterwards is not
    /// meant.
    pub fn for_call(&self, caller: &str, start: Wall) -> Option<Wall> {
        if self.0.is_empty() || caller.is_empty() {
            return None;
        }
        self.0.get(&digest(caller))?.iter().filter(|at| start < **at).min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::samples;
    use serde_json::json;

    const AT: Wall = Wall::from_unix_seconds(1_796_000_000);

    fn erased(mut document: Value) -> Value {
        erase(&mut document, AT);
        document
    }

    #[test]
    fn nothing_of_the_caller_is_left_and_what_the_call_did_stays() {
        let document = json!({
            "callId": "c1", "callKey": "key-1", "sipCallId": "x@192.0.2.9", "trunk": "carrier", "source": "192.0.2.9:5060",
            "number": "+15550100", "flowId": "main", "version": 3, "from": "+14155550123", "to": "+15550100",
            "start": "2026-11-23T00:00:00.000Z", "answer": "2026-11-23T00:00:01.000Z", "end": "2026-11-23T00:01:00.000Z",
            "durationSec": 60.0, "billedSec": 59.0, "endReason": "flow_ended",
            "reason": "the call flow came to its end, with an error in its last step \"Ann Archer\"",
            "outcome": "abandoned_in_flow", "outcomeText": "sold to Ann Archer",
            "finalStep": {"id": "team", "name": "Team", "secondsIn": 5},
            "path": [{"step": "team", "enteredAt": "2026-11-23T00:00:05.000Z"}],
            "offers": [{"agent": "alice", "ringSec": 6, "result": "busy"}, {"agent": "+14155550123", "ringSec": 1, "result": "busy",
                "trunk": "carrier", "reason": "404 +14155550123 Not Found"}],
            "failedTransfers": [{"at": "2026-11-23T00:00:09.000Z", "party": "alice", "to": "+14155550123", "code": 403,
                "reason": "no trunk takes transfers to +14155550123"}],
            "agentId": "alice", "talkSec": 0, "endedBy": "caller",
            "vars": [["name", "Ann Archer"]], "tags": {"account": "4711"},
            "abandonedTask": {"subject": "Call Ann Archer", "comments": "on +14155550123", "assignTo": "005"},
            "keys": [{"digit": "7", "source": "rfc4733", "msFromStart": 9}],
            "legs": [{"party": "caller", "codec": "PCMU", "packetsSent": 7}, {"party": "sip:ann@192.0.2.9", "codec": "PCMA"}],
            "troubles": [{"at": "2026-11-23T00:00:09.000Z", "party": "caller", "kind": "no_audio", "severity": "error",
                "text": "the SDP said 192.0.2.9:4000", "remedy": "Ask Ann Archer."}],
            "somethingNew": "Ann Archer",
        });
        let expected = json!({
            "callId": "c1", "callKey": "", "sipCallId": "", "trunk": "carrier", "source": "",
            "number": "+15550100", "flowId": "main", "version": 3, "from": "", "to": "+15550100",
            "start": "2026-11-23T00:00:00.000Z", "answer": "2026-11-23T00:00:01.000Z", "end": "2026-11-23T00:01:00.000Z",
            "durationSec": 60.0, "billedSec": 59.0, "endReason": "flow_ended", "reason": "the call flow came to its end",
            "outcome": "abandoned_in_flow",
            "finalStep": {"id": "team", "name": "Team", "secondsIn": 5},
            "path": [{"step": "team", "enteredAt": "2026-11-23T00:00:05.000Z"}],
            "offers": [{"agent": "alice", "ringSec": 6, "result": "busy"}, {"agent": "(erased)", "ringSec": 1, "result": "busy",
                "trunk": "carrier", "reason": "(erased)"}],
            "failedTransfers": [{"at": "2026-11-23T00:00:09.000Z", "party": "alice", "to": "(erased)", "code": 403,
                "reason": "(erased)"}],
            "agentId": "alice", "talkSec": 0, "endedBy": "caller", "vars": [], "keys": [],
            "legs": [{"party": "caller", "codec": "PCMU", "packetsSent": 7}, {"party": "(erased)", "codec": "PCMA"}],
            "troubles": [{"at": "2026-11-23T00:00:09.000Z", "party": "caller", "kind": "no_audio", "severity": "error",
                "text": "(erased)", "remedy": "(erased)"}],
            "erased": AT.to_string(),
        });
        assert_eq!(erased(document), expected);
    }

    #[test]
    fn what_is_erased_is_still_a_record_and_erasing_it_again_changes_nothing() {
        for n in 0..200 {
            let record = samples::record(n);
            let once = erased(serde_json::to_value(&record).unwrap());
            let text = once.to_string();
            for gone in [
                &record.from,
                &record.call_key,
                &record.sip_call_id,
                "a value of usual length",
                "Missed call",
                "autumn",
            ] {
                assert!(!text.contains(gone), "{gone} in {text}");
            }
            crate::store::database::call_records::NewRecord::read("east", &text).unwrap();
            assert_eq!(erased(once.clone()), once);
        }
    }

    #[test]
    fn what_is_no_record_has_nothing_left() {
        for text in ["null", "[1]", "\"+14155550123\"", "3"] {
            assert_eq!(erased(serde_json::from_str(text).unwrap()), json!({}), "{text}");
        }
        let odd =
            json!({"legs": "Ann", "offers": ["Ann"], "keys": 3, "endReason": "no such", "reason": "Ann"});
        let expected = json!({"legs": [], "offers": [{}], "keys": [], "endReason": "no such", "reason": "", "erased": AT.to_string()});
        assert_eq!(erased(odd), expected);
    }

    #[test]
    fn an_order_is_for_calls_that_began_before_it_and_the_first_one_counts() {
        let at = Wall::from_unix_seconds;
        let mut orders = Orders::default();
        assert_eq!(orders.for_call("+1", at(0)), None);
        for seconds in [200, 100] {
            orders.add(digest("+14155550123"), at(seconds));
        }
        for (caller, start, expected) in [
            ("+14155550123", 50, Some(100)),
            ("+14155550123", 100, Some(200)),
            ("+14155550123", 200, None),
            ("+14155550124", 50, None),
            ("", 50, None),
        ] {
            assert_eq!(orders.for_call(caller, at(start)), expected.map(at), "{caller} {start}");
        }
    }
}
