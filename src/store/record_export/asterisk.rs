//! The columns of Asterisk's call detail records, for programs that read those. `docs/call-records.md` has the table.

use super::{Column, Row};
use serde_json::Value;

pub const COLUMNS: [Column; 21] = [
    // There is no name beside it in a record.
    ("clid", |row| row.value("/from")),
    ("src", |row| row.value("/from")),
    ("dst", |row| row.value("/to")),
    ("dcontext", |row| row.value("/flowId")),
    ("channel", |row| channel(row.document.get("trunk").map_or("caller", |_| row.text("/trunk")), row)),
    ("dstchannel", |row| last_rung(row).map_or_else(String::new, |agent| channel(agent, row))),
    ("lastapp", |row| row.value("/finalStep/id")),
    ("lastdata", |row| row.value("/finalStep/name")),
    ("start", |row| time(row.text("/start"))),
    ("answer", |row| time(row.text("/answer"))),
    ("end", |row| time(row.text("/end"))),
    ("duration", |row| seconds(row, "/durationSec")),
    ("billsec", |row| seconds(row, "/billedSec")),
    ("disposition", |row| disposition(row).to_owned()),
    ("amaflags", |_| "DOCUMENTATION".to_owned()),
    ("accountcode", |row| row.value("/number")),
    ("peeraccount", |row| row.value("/agentId")),
    ("uniqueid", |row| row.value("/callId")),
    // One record a call: it is linked to nothing but itself.
    ("linkedid", |row| row.value("/callId")),
    ("sequence", |_| "0".to_owned()),
    ("userfield", |row| row.value("/outcome")),
];

/// As the channels of Asterisk are called, which have the peer and something that tells them apart.
fn channel(peer: &str, row: &Row<'_>) -> String {
    format!("SIP/{peer}-{}", row.text("/callId"))
}

/// Who took the call, or was rung last.
fn last_rung<'a>(row: &Row<'a>) -> Option<&'a str> {
    let taken = row.document.get("agentId").and_then(Value::as_str);
    taken.or_else(|| row.list("/offers").last()?.get("agent")?.as_str())
}

/// UTC, as Asterisk writes it with `usegmtime`.
fn time(text: &str) -> String {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// Whole ones.
fn seconds(row: &Row<'_>, pointer: &str) -> String {
    let seconds = row.document.pointer(pointer).and_then(Value::as_f64).unwrap_or_default();
    (seconds.max(0.0) as u64).to_string()
}

/// What became of the caller's channel: one whom a flow has answered is ANSWERED, whether somebody talked to him or not.
fn disposition(row: &Row<'_>) -> &'static str {
    if row.document.get("answer").is_some_and(Value::is_string) {
        return "ANSWERED";
    }
    let code = row.document.get("sipCode").and_then(Value::as_u64);
    match (code, row.text("/endReason")) {
        (Some(486 | 600), _) => "BUSY",
        (_, "rejected" | "internal_error" | "bad_answer" | "not_acknowledged") => "FAILED",
        // He gave up (487), nobody came (408), or the flow had nobody for him (480); without a code he hung up.
        (None | Some(408 | 480 | 487), _) => "NO ANSWER",
        (Some(_), _) => "FAILED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_became_of_the_callers_channel_has_asterisks_words() {
        for (answer, code, reason, expected) in [
            (true, None, "caller_hung_up", "ANSWERED"),
            (true, Some(486), "flow_ended", "ANSWERED"),
            (false, Some(487), "caller_hung_up", "NO ANSWER"),
            (false, None, "caller_hung_up", "NO ANSWER"),
            (false, Some(480), "flow_ended", "NO ANSWER"),
            (false, Some(486), "rejected", "BUSY"),
            (false, Some(486), "flow_ended", "BUSY"),
            (false, Some(600), "flow_ended", "BUSY"),
            (false, Some(404), "rejected", "FAILED"),
            (false, Some(480), "rejected", "FAILED"),
            (false, Some(503), "server_stopped", "FAILED"),
            (false, Some(603), "flow_ended", "FAILED"),
            (false, None, "internal_error", "FAILED"),
        ] {
            let mut document = json!({"endReason": reason, "sipCode": code});
            if answer {
                document["answer"] = "2026-11-23T00:00:00.000Z".into();
            }
            let row = Row { node: "east", document: &document };
            assert_eq!(disposition(&row), expected, "{document}");
        }
    }
}
