//! Whose number it is: a Contact before a Lead, the one that was changed last before others.

use super::super::spelling::spellings;
use super::answer::{Refusal, json, quoted, records};
use super::{Ask, Salesforce};
use crate::flow::{Person, url_escaped};
use crate::services::web::WebClient;
use serde_json::{Map, Value, json as tree};
use std::time::Duration;

const CONTACT_PHONES: [&str; 5] = ["Phone", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone"];
const LEAD_PHONES: [&str; 2] = ["Phone", "MobilePhone"];

impl Salesforce {
    /// Both objects in one request.
    pub(super) async fn find(
        &self,
        via: &WebClient,
        number: &str,
        timeout: Duration,
    ) -> Result<Option<Person>, Refusal> {
        if !number.chars().any(|c| c.is_ascii_digit()) {
            return Ok(None);
        }
        let queries = [("contact", contacts(number)), ("lead", leads(number))];
        let query = |(name, soql): &(&str, String)| tree!({"method": "GET", "referenceId": name, "url": format!("{}?q={}", self.data("query"), url_escaped(soql))});
        let body =
            tree!({"allOrNone": false, "compositeRequest": queries.iter().map(query).collect::<Vec<_>>()});
        let path = self.data("composite");
        let answer = self.send(via, &Ask::post(&path, &body, timeout)).await?;
        let reply = json(&answer)?;
        let instance = self.health.shown().instance.unwrap_or_default();
        let parts = reply.get("compositeResponse").and_then(Value::as_array).cloned().unwrap_or_default();
        for (part, kind) in parts.into_iter().zip(["Contact", "Lead"]) {
            let status = part.get("httpStatusCode").and_then(Value::as_u64).unwrap_or_default();
            let mut body = part;
            let body = body.get_mut("body").map(Value::take).unwrap_or_default();
            if status != 200 {
                let first = body.get(0).cloned().unwrap_or_default();
                let text = |key: &str| first.get(key).and_then(Value::as_str).unwrap_or_default();
                return Err(Refusal::new(text("errorCode"), text("message")));
            }
            let found = records(body).ok_or_else(|| Refusal::unreadable("a match without records"))?;
            if let Some(record) = found.into_iter().next() {
                return Ok(person(kind, &record, &instance));
            }
        }
        Ok(None)
    }
}

fn contacts(number: &str) -> String {
    select("Contact", &CONTACT_PHONES, "", number)
}

/// A lead that was converted lives on as a contact, and takes no task.
fn leads(number: &str) -> String {
    select("Lead", &LEAD_PHONES, "IsConverted = false AND ", number)
}

fn select(object: &str, phones: &[&str], condition: &str, number: &str) -> String {
    let list = spellings(number).iter().map(|text| quoted(text)).collect::<Vec<_>>().join(",");
    let any = phones.iter().map(|field| format!("{field} IN ({list})")).collect::<Vec<_>>().join(" OR ");
    format!(
        "SELECT Id, Name, OwnerId FROM {object} WHERE {condition}({any}) ORDER BY LastModifiedDate DESC LIMIT 1"
    )
}

fn person(kind: &str, record: &Map<String, Value>, instance: &str) -> Option<Person> {
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = text("Id");
    let url = (!instance.is_empty()).then(|| format!("{instance}/{id}"));
    (!id.is_empty()).then(|| Person {
        id,
        kind: kind.to_owned(),
        name: text("Name"),
        owner_id: text("OwnerId"),
        url,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_who_sends_soql_for_a_number_is_looked_for_between_quotes() {
        let query = leads("1' OR Name != '");
        assert!(query.contains(r"Phone IN ('1\' OR Name != \'')"), "{query}");
        assert!(
            query.starts_with("SELECT Id, Name, OwnerId FROM Lead WHERE IsConverted = false AND ("),
            "{query}"
        );
        assert!(contacts("+14155550100").len() < 4_000);
    }
}
