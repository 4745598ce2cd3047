//! `[crm]`, `[salesforce]` and `[webhook]`: who is told of calls, and whom flows ask about callers.

use super::outside::url;
use super::reader::Section;
use std::time::Duration;

/// The CRM that this server is connected to.
#[derive(Clone, PartialEq, Eq)]
pub struct Crm {
    pub system: System,
    /// Which calls are written down there.
    pub tasks: Tasks,
}

/// Which CRM it is.
#[derive(Clone, PartialEq, Eq)]
pub enum System {
    /// A web service that stands for one.
    Bridge(Bridge),
    Salesforce(Box<Salesforce>),
}

/// `[crm] bridge`: a web service that answers callouts, queries and matches, and takes tasks.
#[derive(Clone, PartialEq, Eq)]
pub struct Bridge {
    pub url: String,
    /// Requests are signed with it.
    pub secret: Option<String>,
}

/// Which calls become a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tasks {
    #[default]
    All,
    /// Those of callers who gave up.
    Abandoned,
    None,
}

/// `[salesforce]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Salesforce {
    /// Where tokens are fetched: `https://login.salesforce.com`, `https://test.salesforce.com` for a sandbox, or a My Domain.
    pub login_url: String,
    /// The connected app's consumer key.
    pub client_id: String,
    pub grant: Grant,
    /// As in `62.0`.
    pub api_version: String,
    /// How long a request may take that no caller waits for.
    pub write_timeout: Duration,
    /// A field of Task with an external id, by which an upsert never makes a second one.
    pub task_id_field: Option<String>,
    /// Further fields of the Task, each with what it gets.
    pub task_fields: Vec<(String, String)>,
    /// An object like Revenue.io's Conversation that is written beside the Task.
    pub conversation: Option<Conversation>,
}

/// How tokens are got.
#[derive(Clone, PartialEq, Eq)]
pub enum Grant {
    /// OAuth 2.0 JWT bearer (RFC 7523): a user who has approved the app.
    JwtBearer { username: String, private_key: String, audience: String },
    /// OAuth 2.0 client credentials: the user that the app runs as.
    ClientCredentials { secret: String },
}

/// A custom object that has a record for each call.
#[derive(Clone, PartialEq, Eq)]
pub struct Conversation {
    pub object: String,
    /// The field that has the call's id, by which a record is not made twice.
    pub id_field: String,
    /// Whether that field is an external id.
    pub id_is_external: bool,
    /// Each field, and what it gets.
    pub fields: Vec<(String, String)>,
}

/// What a field can get. Beside these: `text:` and a text as it is.
pub const FACTS: [&str; 26] = [
    "abandoned",
    "agent",
    "call_flow",
    "call_id",
    "connected",
    "contact_id",
    "direction",
    "disposition",
    "duration_minutes",
    "duration_seconds",
    "end_time",
    "ended_by_agent",
    "final_step",
    "from_number",
    "lead_id",
    "node",
    "number_label",
    "outcome",
    "queue",
    "queue_hold_seconds",
    "start_time",
    "status",
    "to_number",
    "total_queue_hold_seconds",
    "voicemail",
    "wrap_up_seconds",
];
/// The object of the reference product. Its field names are those that Salesforce makes of the documented labels.
const CONVERSATION_OBJECT: &str = "ringdna__Conversation__c";
const CONVERSATION_ID_FIELD: &str = "ringdna__Call_Object_Identifier__c";
const CONVERSATION_FIELDS: [(&str, &str); 17] = [
    ("ringdna__Abandoned_Call__c", "abandoned"),
    ("ringdna__Call_Connected__c", "connected"),
    ("ringdna__Call_Direction__c", "direction"),
    ("ringdna__Call_Flow__c", "call_flow"),
    ("ringdna__Call_Status__c", "status"),
    ("ringdna__Contact__c", "contact_id"),
    ("ringdna__Disposition__c", "disposition"),
    ("ringdna__Duration_Minutes__c", "duration_minutes"),
    ("ringdna__Duration_Seconds__c", "duration_seconds"),
    ("ringdna__Ended_by_Agent__c", "ended_by_agent"),
    ("ringdna__From_Number__c", "from_number"),
    ("ringdna__Lead__c", "lead_id"),
    ("ringdna__Queue_Hold_Time__c", "queue_hold_seconds"),
    ("ringdna__Start_Time__c", "start_time"),
    ("ringdna__To_Number__c", "to_number"),
    ("ringdna__Total_Queue_Hold_Time__c", "total_queue_hold_seconds"),
    ("ringdna__Voicemail__c", "voicemail"),
];
/// What every Task gets from the server itself.
pub const TASK_FIELDS: [&str; 13] = [
    "Subject",
    "Description",
    "OwnerId",
    "WhoId",
    "WhatId",
    "CallDurationInSeconds",
    "CallDisposition",
    "CallType",
    "CallObject",
    "TaskSubtype",
    "Status",
    "Priority",
    "ActivityDate",
];
/// Fields of one object that are mapped: more than any object of calls has.
const FIELDS_MAX: usize = 100;

/// Where each call record is posted to.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    pub url: String,
    /// What it is signed with (HMAC-SHA256).
    pub secret: Option<String>,
}

pub(super) fn read(root: &Section<'_>) -> Option<Crm> {
    let section = root.section("crm");
    let words = [("all", Tasks::All), ("abandoned", Tasks::Abandoned), ("none", Tasks::None)];
    let tasks = section.parsed("tasks", |text| {
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, tasks)| *tasks).ok_or_else(|| "all, abandoned or none".to_owned())
    });
    let bridge = url(&section, "bridge");
    let secret = section.text("secret");
    let salesforce = read_salesforce(&root.section("salesforce"));
    let system = match (salesforce, bridge) {
        (Some(_), Some(_)) => {
            section.error(
                "bridge",
                "stands beside [salesforce]",
                "one CRM is connected: take one of them out",
            );
            return None;
        }
        (Some(salesforce), None) => {
            if secret.is_some() {
                section.warning("secret", "signs nothing beside [salesforce]", "take it out, or add bridge");
            }
            System::Salesforce(Box::new(salesforce))
        }
        (None, Some(url)) => System::Bridge(Bridge { url, secret }),
        (None, None) => {
            // One that is there and wrong has been told of.
            if tasks.is_some() && !root.has("salesforce") && !section.has("bridge") {
                section.warning("tasks", "says nothing without a CRM", "add [salesforce], or bridge");
            }
            return None;
        }
    };
    Some(Crm { system, tasks: tasks.unwrap_or_default() })
}

pub(super) fn read_webhook(root: &Section<'_>) -> Option<Webhook> {
    let section = root.section("webhook");
    let secret = section.text("secret");
    let url = url(&section, "url");
    if secret.is_some() && !section.has("url") {
        section.error("secret", "stands without url", "add url = \"https://HOST/PATH\"");
    }
    if url.is_some() && secret.is_none() {
        section.warning(
            "secret",
            "is missing: whoever gets the records cannot tell that they are from here",
            "add secret = \"${file:webhook.secret}\"",
        );
    }
    Some(Webhook { url: url?, secret })
}

fn read_salesforce(section: &Section<'_>) -> Option<Salesforce> {
    let login_url = url(section, "login_url").map(|url| url.trim_end_matches('/').to_owned());
    let client_id = section.text("client_id");
    let grant = read_grant(section, login_url.as_deref());
    let api_version = section.parsed("api_version", |text| match text.split_once('.') {
        Some((number, "0")) if number.parse().is_ok_and(|number: u32| (46..=200).contains(&number)) => {
            Ok(text.to_owned())
        }
        _ => Err("a version of Salesforce's API from 46.0 on, as in 62.0".to_owned()),
    });
    let timeout = section.integer("write_timeout_s", 1..=25);
    let task_id_field = field_name(section, "task_id_field");
    let own = section.section("task_fields");
    let task_fields = fields(&own);
    for (name, _) in &task_fields {
        if TASK_FIELDS.contains(&name.as_str()) || Some(name) == task_id_field.as_ref() {
            let remedy = "take it out: it would undo what the server writes, or have a call written twice";
            own.error(name, "is a field that the server fills", remedy);
        }
    }
    let conversation = read_conversation(&section.section("conversation"));
    if !section.exists() {
        return None;
    }
    if client_id.is_none() {
        section.error("client_id", "is missing", "the consumer key of the connected app");
    }
    Some(Salesforce {
        login_url: login_url.unwrap_or_else(|| "https://login.salesforce.com".to_owned()),
        client_id: client_id?,
        grant: grant?,
        api_version: api_version.unwrap_or_else(|| "62.0".to_owned()),
        // Three of them fit into a batch's time (services/sender.rs).
        write_timeout: Duration::from_secs(timeout.map_or(25, i64::unsigned_abs)),
        task_id_field,
        task_fields,
        conversation,
    })
}

fn read_grant(section: &Section<'_>, login_url: Option<&str>) -> Option<Grant> {
    let username = section.text("username");
    let private_key = section.text("private_key");
    let secret = section.text("client_secret");
    let audience = url(section, "audience");
    if !section.exists() {
        return None;
    }
    let host = login_url.unwrap_or_default().split("//").nth(1).unwrap_or_default();
    let is_loopback = ["127.", "localhost", "[::1]"].iter().any(|start| host.starts_with(start));
    if login_url.is_some_and(|url| url.starts_with("http://")) && !is_loopback {
        section.error(
            "login_url",
            "is asked without encryption",
            "https://; plain HTTP is for a test on this machine",
        );
    }
    if secret.is_some()
        && (host.is_empty() || host.starts_with("login.salesforce") || host.starts_with("test.salesforce"))
    {
        let remedy = "login_url = \"https://MYDOMAIN.my.salesforce.com\"";
        section.error("client_secret", "client credentials work with the org's own My Domain only", remedy);
    }
    match (private_key, secret) {
        (Some(_), Some(_)) => {
            section.error(
                "client_secret",
                "stands beside private_key",
                "take one of the two ways to sign in",
            );
            None
        }
        (Some(private_key), None) => {
            let Some(username) = username else {
                section.error("username", "is missing", "the user who has approved the connected app");
                return None;
            };
            if !private_key.contains("PRIVATE KEY") {
                let remedy = "private_key = \"${file:salesforce.key}\", a key in PEM";
                section.error("private_key", "is no private key", remedy);
            }
            let sandbox =
                login_url.is_some_and(|url| url.contains("test.salesforce") || url.contains(".sandbox."));
            let usual = if sandbox { "https://test.salesforce.com" } else { "https://login.salesforce.com" };
            Some(Grant::JwtBearer {
                username,
                private_key,
                audience: audience.unwrap_or_else(|| usual.to_owned()),
            })
        }
        (None, Some(secret)) => Some(Grant::ClientCredentials { secret }),
        (None, None) => {
            section.error(
                "",
                "has neither private_key nor client_secret",
                "private_key with username (JWT bearer), or client_secret (client credentials)",
            );
            None
        }
    }
}

fn read_conversation(section: &Section<'_>) -> Option<Conversation> {
    let object = field_name(section, "object");
    let id_field = field_name(section, "id_field");
    let id_is_external = section.boolean("id_is_external").unwrap_or(false);
    let own = section.section("fields");
    let mapped = fields(&own);
    if !section.exists() {
        return None;
    }
    let usual = || CONVERSATION_FIELDS.map(|(name, fact)| (name.to_owned(), fact.to_owned())).to_vec();
    Some(Conversation {
        object: object.unwrap_or_else(|| CONVERSATION_OBJECT.to_owned()),
        id_field: id_field.unwrap_or_else(|| CONVERSATION_ID_FIELD.to_owned()),
        id_is_external,
        fields: if own.exists() { mapped } else { usual() },
    })
}

fn field_name(section: &Section<'_>, key: &'static str) -> Option<String> {
    section.parsed(key, |text| match is_field_name(text) {
        true => Ok(text.to_owned()),
        false => Err("an API name of Salesforce, as in Call_Id__c".to_owned()),
    })
}

/// An API name, or one behind a relationship.
fn is_field_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 80
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn fields(section: &Section<'_>) -> Vec<(String, String)> {
    let mapped = section.all_texts();
    if mapped.len() > FIELDS_MAX {
        section.error("", format!("has {} entries", mapped.len()), format!("at most {FIELDS_MAX}"));
    }
    for (name, fact) in &mapped {
        if !is_field_name(name) {
            section.error(name, "is no API name of Salesforce", "as in Call_Outcome__c");
        }
        if !FACTS.contains(&fact.as_str()) && !fact.starts_with("text:") {
            let near = super::reader::nearest(fact, FACTS.into_iter());
            let remedy = near.map_or_else(
                || format!("one of {}, or text: and a text", FACTS.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            section.error(name, format!("\"{fact}\" is nothing that a field can get"), remedy);
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};
    use std::path::Path;

    fn read_text(text: &str) -> (Option<Crm>, Vec<String>) {
        let document = Document::parse(Path::new("x.toml"), text);
        let root = document.root();
        let crm = read(&root);
        read_webhook(&root);
        drop(root);
        (crm, document.into_findings().iter().map(Finding::to_string).collect())
    }

    #[test]
    fn salesforce_is_read_with_either_grant_and_the_usual_values() {
        let (crm, findings) = read_text(
            "[salesforce]\nlogin_url = \"https://acme.my.salesforce.com\"\nclient_id = \"app\"\nclient_secret = \"hidden\"\n[salesforce.conversation]\n",
        );
        assert_eq!(findings, Vec::<String>::new());
        let Some(Crm { system: System::Salesforce(settings), tasks: Tasks::All }) = crm else { panic!() };
        assert_eq!(settings.login_url, "https://acme.my.salesforce.com");
        assert_eq!(settings.api_version, "62.0");
        assert!(settings.grant == Grant::ClientCredentials { secret: "hidden".to_owned() });
        let conversation = settings.conversation.unwrap();
        assert_eq!(conversation.object, "ringdna__Conversation__c");
        assert_eq!(conversation.fields.len(), CONVERSATION_FIELDS.len());

        let (crm, findings) = read_text(
            "[crm]\ntasks = \"abandoned\"\n[salesforce]\nlogin_url = \"https://test.salesforce.com/\"\nclient_id = \"app\"\nusername = \"a@b\"\nprivate_key = \"-----BEGIN PRIVATE KEY-----\"\napi_version = \"60.0\"\ntask_id_field = \"Call_Id__c\"\n[salesforce.task_fields]\nOutcome__c = \"outcome\"\nSource__c = \"text:Phone\"\n",
        );
        assert_eq!(findings, Vec::<String>::new());
        let Some(Crm { system: System::Salesforce(settings), tasks: Tasks::Abandoned }) = crm else {
            panic!()
        };
        let Grant::JwtBearer { audience, .. } = &settings.grant else { panic!() };
        assert_eq!(audience, "https://test.salesforce.com");
        assert_eq!(settings.task_fields.len(), 2);
        assert!(settings.conversation.is_none());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let app = "[salesforce]\nclient_id = \"app\"\n";
        for (text, expected) in [
            (app.to_owned(), "neither private_key nor client_secret"),
            ("[salesforce]\nclient_secret = \"x\"\n".to_owned(), "is missing"),
            (format!("{app}private_key = \"x PRIVATE KEY\"\n"), "is missing"),
            (format!("{app}username = \"u\"\nprivate_key = \"x\"\n"), "is no private key"),
            (format!("{app}client_secret = \"x\"\nprivate_key = \"y\"\n"), "stands beside private_key"),
            (format!("{app}client_secret = \"x\"\napi_version = \"12\"\n"), "a version of Salesforce's API"),
            (format!("{app}client_secret = \"x\"\ntask_id_field = \"a b\"\n"), "an API name of Salesforce"),
            (
                format!("{app}client_secret = \"x\"\n[salesforce.task_fields]\nA__c = \"outcom\"\n"),
                "did you mean \"outcome\"",
            ),
            (
                format!("[crm]\nbridge = \"https://x\"\n{app}client_secret = \"x\"\n"),
                "stands beside [salesforce]",
            ),
            (
                format!(
                    "{app}client_secret = \"x\"\n[salesforce.task_fields]\nCallObject = \"from_number\"\n"
                ),
                "a field that the server fills",
            ),
            (
                format!("{app}client_secret = \"x\"\nlogin_url = \"http://acme.example\"\n"),
                "without encryption",
            ),
            (format!("{app}client_secret = \"x\"\n"), "My Domain only"),
            ("[webhook]\nurl = \"https://x\"\n".to_owned(), "cannot tell that they are from here"),
            ("[crm]\ntasks = \"most\"\n".to_owned(), "all, abandoned or none"),
            ("[crm]\ntasks = \"all\"\n".to_owned(), "says nothing without a CRM"),
        ] {
            let (_, findings) = read_text(&text);
            assert!(findings.iter().any(|found| found.contains(expected)), "{text}: {findings:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_once() {
        for text in [
            "[salesforce]\nlogin_url = \"https://a.my.salesforce.com\"\nclient_secret = \"x\"\n[crm]\ntasks = \"all\"\n",
            "[crm]\nbridge = \"ftp://x\"\ntasks = \"all\"\n",
            "[webhook]\nurl = \"ftp://x\"\nsecret = \"x\"\n",
        ] {
            let (_, findings) = read_text(text);
            assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        }
    }
}
