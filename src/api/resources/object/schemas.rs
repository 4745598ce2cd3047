//! Schemas of the documents of objects. The readers of `store::objects` are what checks them; these say the same to
//! whoever writes a client.

use crate::api::openapi::Schemas;
use crate::call::number_rule::PREFIX_CHARS_MAX;
use crate::flow::schedule::{EXCEPTIONS_MAX, INTERVALS_A_DAY_MAX};
use crate::store::objects::ID_CHARS_MAX;
use serde_json::{Map, Value, json};

/// Of an object that is closed: no field beside these. What may be left out may be null as well.
fn closed(about: &str, required: &[&str], properties: Value) -> Value {
    let mut properties = match properties {
        Value::Object(properties) => properties,
        _ => Map::new(),
    };
    for (_, schema) in properties.iter_mut().filter(|(key, _)| !required.contains(&key.as_str())) {
        if schema.get("type").is_some() {
            schema["type"] = json!([schema["type"], "null"]);
        }
        if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            words.push(Value::Null);
        }
    }
    json!({
        "type": "object", "description": about, "required": required, "properties": properties,
        "additionalProperties": false,
    })
}

fn put(schemas: &mut Schemas, name: &str, about: &str, required: &[&str], properties: Value) -> Value {
    schemas.put(name, closed(about, required, properties))
}

fn id() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": ID_CHARS_MAX,
        "pattern": "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]+$",
    })
}

fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

fn words_about(words: &[&str], about: &str) -> Value {
    json!({ "type": "string", "enum": words, "description": about })
}

fn prefix(about: &str) -> Value {
    json!({ "type": "string", "maxLength": PREFIX_CHARS_MAX, "pattern": "^[0-9+*#]*$", "description": about })
}

fn text(max: u32) -> Value {
    json!({ "type": "string", "maxLength": max })
}

fn about(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

pub fn number(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "e164": about("The number; or give prefix or pattern."),
        "prefix": about("All numbers that begin so."),
        "pattern": about("Digits, X for any digit, ranges in brackets: +1555010[0-4]X."),
        "label": text(80),
        "description": text(2_000),
        "kind": words(&["local", "toll_free", "mobile", "national", "sip"]),
        "assignment": words(&["flow", "user", "none", "queue", "voicemail"]),
        "flow": about("The id of the flow that answers; or give user or service."),
        "user": about("The id of the agent who is rung."),
        "service": words(&["echo"]),
        "status": words(&["active", "inactive"]),
        "unassignedBehaviour": words(&["not_in_service", "reject"]),
        "blockedCallers": about("The id of a list of callers who are refused."),
        "maxConcurrentCalls": { "type": "integer", "minimum": 1, "maximum": 1_000_000 },
        "language": about("BCP 47, for flows that name none."),
        "callerName": text(15),
        "recordingPolicy": words(&["inherit", "always", "never"]),
        "smsEnabled": { "type": "boolean" },
        "accountId": text(80),
        "campaign": text(80),
        "tags": { "type": "array", "maxItems": 50, "items": { "type": "string", "minLength": 1, "maxLength": 40 } },
    });
    put(schemas, "Number", "A Smart Number, or several by a prefix or a pattern.", &[], properties)
}

pub fn agent(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "id": id(),
        "name": { "type": "string" },
        "skills": list(json!({ "type": "string" })),
        "uri": about("A fixed endpoint, such as sip:alice@192.0.2.5:5071."),
        "crmUser": { "type": "string", "maxLength": 100, "description": "The id of the user that this agent is in the CRM, such as 0055e000001AbCdAAK." },
        "password": { "type": "string", "pattern": "^\\$\\{file:", "description": "With which telephones register as sip:ID@domain: a reference to a file on the server." },
    });
    put(schemas, "Agent", "A person who answers calls.", &["id"], properties)
}

pub fn trunk(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "id": id(),
        "match": { "type": "array", "items": { "type": "string" }, "description": "Address ranges that calls come from." },
        "tlsNames": { "type": "array", "items": { "type": "string" }, "maxItems": 32, "description": "Host names of the certificates that it shows where it connects over TLS: those calls are its too." },
        "host": about("Where calls go out."),
        "tlsClient": about("The [[tls.client]] of cordboard.toml that connections to it go by; [tls] where absent."),
        "defaultCountry": { "type": "string", "minLength": 2, "maxLength": 2, "description": "How numbers without a plus are read." },
        "prefixIn": prefix("Stands in front of numbers that come in, and is no part of them."),
        "numberFormat": words_about(&["plus_e164", "e164", "national", "as_is"], "The shape of numbers that go out; plus_e164 where absent."),
        "prefixOut": prefix("Goes in front of numbers that are dialled over it."),
        "callerFrom": list(words(&["p_asserted_identity", "p_preferred_identity", "remote_party_id", "from"])),
        "divertedFrom": list(words(&["diversion", "history_info"])),
        "identityOut": list(words(&["p_asserted_identity", "p_preferred_identity", "remote_party_id", "privacy", "diversion", "history_info"])),
        "fromDomain": { "type": "string", "minLength": 1, "maxLength": 255, "description": "The host of From and of the other addresses that name the caller." },
        "fromUser": { "type": "string", "minLength": 1, "maxLength": 64, "description": "The user of From, where the trunk wants its account there." },
        "srtp": words_about(&["as_offered", "off", "prefer", "require"], "Whether media are encrypted with keys in the description; as_offered where absent."),
        "codecs": list(words(&["PCMU", "PCMA", "G722", "opus", "G729"])),
        "callerId": { "type": "string", "minLength": 1, "maxLength": 64, "description": "The number that is shown in place of the caller's own." },
        "username": about("The account that this server has with the trunk, or the trunk with this server."),
        "authUsername": about("The user name of its credentials, where it is another."),
        "password": { "type": "string", "pattern": "^\\$\\{file:", "description": "A reference to a file on the server." },
        "realm": about("The realm that the password is for; the first that the trunk names where absent."),
        "authenticate": { "type": "boolean", "description": "Each call from the trunk has to bring its credentials." },
        "dialRegistered": { "type": "boolean", "description": "Calls go out to where the trunk has registered." },
        "register": { "type": "boolean", "description": "This server registers with the trunk's host." },
        "registerExpiresS": { "type": "integer", "minimum": 60, "maximum": 86_400, "description": "Seconds asked for; 600 where absent." },
        "optionsIntervalS": { "type": "integer", "minimum": 5, "maximum": 3_600, "description": "Seconds between OPTIONS; none are sent where absent." },
        "optionsThreshold": { "type": "integer", "minimum": 1, "maximum": 100, "description": "OPTIONS in a row without a good answer until the trunk is down; 3 where absent." },
        "priority": { "type": "integer", "minimum": 0, "maximum": 1_000, "description": "Calls go out over the trunk with the lowest first." },
        "failOver": { "type": "array", "items": { "type": "integer", "minimum": 300, "maximum": 699 }, "description": "Final codes after which the next trunk is tried; all but 486, 487, 600, 603, 604 and 606 where absent." },
        "callsMaxIn": { "type": "integer", "minimum": 0, "maximum": 1_000_000, "description": "Calls from the trunk at one time." },
        "callsMaxOut": { "type": "integer", "minimum": 0, "maximum": 1_000_000, "description": "Calls to the trunk at one time." },
        "callsPerSecondIn": { "type": "integer", "minimum": 1, "maximum": 10_000 },
        "callsPerSecondOut": { "type": "integer", "minimum": 1, "maximum": 10_000 },
        "takeRefer": { "type": "boolean", "description": "Who is reached over it may transfer calls by REFER." },
        "transferTo": { "type": "array", "items": { "type": "string" }, "description": "Numbers that calls may be transferred to over it, such as +1415*; none where absent." },
        "testNumber": { "type": "string", "minLength": 1, "maxLength": 64, "description": "Who is called there sends back all that is said: what a test of the trunk dials." },
    });
    put(schemas, "Trunk", "A carrier or PBX.", &["id"], properties)
}

pub fn list_of_callers(schemas: &mut Schemas) -> Value {
    let properties =
        json!({ "id": id(), "name": { "type": "string" }, "numbers": list(json!({ "type": "string" })) });
    put(schemas, "CallerList", "Callers who are treated alike.", &["id"], properties)
}

pub fn schedule(schemas: &mut Schemas) -> Value {
    let weekly = closed(
        "When it is open on some days of each week.",
        &["days", "open", "close"],
        json!({
            "days": list(words(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"])),
            "open": clock("From then on."),
            "close": clock("Up to then; not later than `open` is past midnight."),
        }),
    );
    let manual = closed(
        "Set by hand; beats all else.",
        &["state"],
        json!({
            "state": words(&["open", "closed", "holiday"]),
            "since": { "type": "string", "format": "date-time", "description": "From then on; at once where absent." },
            "until": {
                "type": "string", "anyOf": [{ "const": "next_edge" }, { "format": "date-time" }],
                "description": "`next_edge`: the calendar's next change after `since`; or a time. Until it is taken back where absent.",
            },
        }),
    );
    let properties = json!({
        "id": id(),
        "name": { "type": "string" },
        "timeZone": about("An IANA name; the account's where absent."),
        "useHolidays": { "type": "boolean", "description": "Whether the account's holidays count; true where absent." },
        "weekly": list(weekly),
        "exception": exceptions(schemas, "Days that are unlike the week."),
        "override": manual,
    });
    let about = "Opening times: a week, exceptions by date, and an override by hand.";
    put(schemas, "Schedule", about, &["id"], properties)
}

fn clock(about: &str) -> Value {
    json!({ "type": "string", "pattern": "^([01][0-9]|2[0-4]):[0-5][0-9]$", "description": about })
}

fn exceptions(schemas: &mut Schemas, about: &str) -> Value {
    let date = |about: &str| json!({ "type": "string", "format": "date", "description": about });
    let hours = json!({ "type": "string", "description": "Such as 09:00-13:00." });
    let properties = json!({
        "name": { "type": "string" },
        "date": date("One day; or give from, and to where there are several."),
        "from": date("The first day."),
        "to": date("The last day."),
        "yearly": { "type": "boolean", "description": "The same days of every year." },
        "kind": { "type": "string", "enum": ["holiday", "closed", "hours"], "description": "`hours` where there are some, else `holiday`." },
        "hours": { "type": "array", "maxItems": INTERVALS_A_DAY_MAX, "items": hours },
    });
    let exception = put(schemas, "ScheduleException", "Days that are unlike the week.", &[], properties);
    json!({ "type": "array", "maxItems": EXCEPTIONS_MAX, "items": exception, "description": about })
}

pub fn account(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "name": { "type": "string" },
        "timeZone": about("An IANA name; UTC where absent."),
        "language": about("BCP 47."),
        "voice": text(100),
        "recording": words(&["inherit", "always", "never"]),
        "assignAbandonedTo": text(100),
        "appendFinalStep": { "type": "boolean" },
        "abandonedSubject": text(255),
        "abandonedComments": text(32_000),
        "shortAbandonSec": { "type": "integer", "minimum": 0, "maximum": 60 },
        "holiday": exceptions(schemas, "The holiday calendar."),
    });
    put(schemas, "Account", "Defaults of all flows, and the holiday calendar.", &[], properties)
}
