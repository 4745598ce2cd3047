//! Writing: never twice. What stands there already is looked for first, by the call's id; the rest is made in one request.
//! Where the org has a field with an external id, that request is an upsert, and two servers at one moment still make one.

use super::super::{Deed, DeedKind, Done, NotDone, Severity};
use super::answer::{Refusal, json, quoted};
use super::fields;
use super::{Ask, Salesforce};
use crate::flow::{Method, Person};
use serde_json::{Map, Value, json as tree};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Records of one request. Salesforce takes 200; a trigger of the org has to bear them too.
pub const BATCH_MAX: usize = 50;
/// What fails for a reason that passes is tried again at once, so often and as long as it fails quickly: a dropped connection
/// or a lock should not make a task a minute late.
const ROUNDS_MAX: usize = 3;
const AGAIN_WITHIN: Duration = Duration::from_secs(10);
/// To find whose number it is: without an answer the task is written later rather than without its person.
const FIND_TIMEOUT: Duration = Duration::from_secs(10);
/// Failures in a row after which nobody else is looked for in the same batch.
const FAILURES_MAX: u32 = 3;

/// An object that is written, and the field that has the call's id.
struct Kept<'a> {
    object: &'a str,
    field: &'a str,
    is_external: bool,
}

/// By their numbers.
type People = BTreeMap<String, Result<Option<Person>, Refusal>>;
type Results = Vec<Option<Result<Done, NotDone>>>;

impl Salesforce {
    pub(super) async fn write_all(&self, deeds: &[Deed]) -> Vec<Result<Done, NotDone>> {
        let mut results: Results = vec![None; deeds.len()];
        let begun = tokio::time::Instant::now();
        for _ in 0..ROUNDS_MAX {
            let is_open = |at: &usize| match results.get(*at) {
                Some(Some(Err(not_done))) => not_done.severity != Severity::Lasting,
                Some(None) => true,
                _ => false,
            };
            let open: Vec<usize> = (0..deeds.len()).filter(is_open).collect();
            if open.is_empty() || begun.elapsed() > AGAIN_WITHIN {
                break;
            }
            self.write_open(deeds, &open, &mut results).await;
        }
        let unsaid =
            || NotDone { words: "Salesforce said nothing of it.".to_owned(), severity: Severity::Passing };
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(unsaid()))).collect()
    }

    /// Once through those which are not done.
    async fn write_open(&self, deeds: &[Deed], open: &[usize], results: &mut Results) {
        for kind in [DeedKind::Task, DeedKind::Conversation] {
            let of_kind = |at: &&usize| deeds.get(**at).is_some_and(|deed| deed.kind == kind);
            let places: Vec<usize> = open.iter().filter(of_kind).copied().collect();
            for part in places.chunks(BATCH_MAX) {
                part.iter().for_each(|at| clear(results, *at));
                if let Err(refusal) = self.write_part(kind, deeds, part, results).await {
                    for at in part {
                        if let Some(result @ None) = results.get_mut(*at) {
                            *result = Some(Err(not_done(&refusal)));
                        }
                    }
                }
            }
        }
    }

    /// An error where it is that of all which have no result yet.
    async fn write_part(
        &self,
        kind: DeedKind,
        deeds: &[Deed],
        places: &[usize],
        results: &mut Results,
    ) -> Result<(), Refusal> {
        if self.health.is_nearly_used_up() {
            let words = "less than a twentieth of the day's requests is left, and kept for callers";
            return Err(Refusal::new("REQUEST_LIMIT_EXCEEDED", words));
        }
        let Some(kept) = self.kept(kind) else {
            return Err(Refusal::new(
                "not_configured",
                "[salesforce.conversation] is not in the configuration any more",
            ));
        };
        let deed = |at: &usize| deeds.get(*at);
        let known =
            self.known(&kept, places.iter().filter_map(deed).map(|deed| deed.task.call_id.as_str())).await?;
        let mut missing = Vec::new();
        for at in places {
            let Some(deed) = deed(at) else { continue };
            match known.get(deed.task.call_id.as_str()) {
                Some(id) => set(results, *at, Ok(self.done(id))),
                None => missing.push((*at, deed)),
            }
        }
        let people = self.people(missing.iter().map(|(_, deed)| *deed)).await;
        let mut records = Vec::with_capacity(missing.len());
        let mut written = Vec::with_capacity(missing.len());
        for (at, deed) in missing {
            let contact = match (&deed.task.contact, people.get(&deed.task.from)) {
                (Some(person), _) => Some(person),
                (None, Some(Ok(person))) => person.as_ref(),
                // Without its person a task is of little use: it is written when the person can be looked for.
                (None, Some(Err(refusal))) => {
                    set(results, at, Err(not_done(refusal)));
                    continue;
                }
                (None, None) => None,
            };
            let mut record = fields::of(deed, &self.settings, contact);
            record.insert("attributes".to_owned(), tree!({"type": kept.object}));
            records.push(Value::Object(record));
            written.push(at);
        }
        if records.is_empty() {
            return Ok(());
        }
        let saved = self.save(&kept, records).await?;
        for (at, result) in written.into_iter().zip(saved) {
            set(results, at, result.map(|id| self.done(&id)).map_err(|refusal| not_done(&refusal)));
        }
        Ok(())
    }

    fn kept(&self, kind: DeedKind) -> Option<Kept<'_>> {
        match kind {
            DeedKind::Task => {
                let external = self.settings.task_id_field.as_deref();
                // CallObject is made for the id that a telephone system has of a call.
                Some(Kept {
                    object: "Task",
                    field: external.unwrap_or("CallObject"),
                    is_external: external.is_some(),
                })
            }
            DeedKind::Conversation => {
                let object = self.settings.conversation.as_ref()?;
                Some(Kept {
                    object: &object.object,
                    field: &object.id_field,
                    is_external: object.id_is_external,
                })
            }
        }
    }

    /// Of these calls those that have a record, by their ids.
    async fn known<'a>(
        &self,
        kept: &Kept<'_>,
        calls: impl Iterator<Item = &'a str>,
    ) -> Result<HashMap<String, String>, Refusal> {
        let list = calls.map(quoted).collect::<Vec<_>>().join(",");
        if list.is_empty() {
            return Ok(HashMap::new());
        }
        let Kept { object, field, .. } = kept;
        let soql = format!("SELECT Id, {field} FROM {object} WHERE {field} IN ({list})");
        let found = self.select(&self.writing, &soql, self.settings.write_timeout).await?;
        let text = |record: &Map<String, Value>, key: &str| Some(record.get(key)?.as_str()?.to_owned());
        Ok(found.iter().filter_map(|record| Some((text(record, field)?, text(record, "Id")?))).collect())
    }

    /// Whose numbers these are, where the call did not ask.
    async fn people<'a>(&self, deeds: impl Iterator<Item = &'a Deed>) -> People {
        let mut people = People::new();
        let mut failures = 0;
        for deed in deeds.filter(|deed| deed.task.contact.is_none() && !deed.task.from.is_empty()) {
            if people.contains_key(&deed.task.from) {
                continue;
            }
            // An org that is away is not asked for each caller.
            let last = people
                .values()
                .rev()
                .find_map(|found| found.as_ref().err())
                .filter(|_| failures >= FAILURES_MAX);
            let found = match last {
                Some(refusal) => Err(refusal.clone()),
                None => {
                    self.find(&self.writing, &deed.task.from, FIND_TIMEOUT.min(self.settings.write_timeout))
                        .await
                }
            };
            failures = if found.is_err() { failures + 1 } else { 0 };
            people.insert(deed.task.from.clone(), found);
        }
        people
    }

    async fn save(
        &self,
        kept: &Kept<'_>,
        records: Vec<Value>,
    ) -> Result<Vec<Result<String, Refusal>>, Refusal> {
        let count = records.len();
        let body = tree!({"allOrNone": false, "records": records});
        let path = match kept.is_external {
            true => self.data(&format!("composite/sobjects/{}/{}", kept.object, kept.field)),
            false => self.data("composite/sobjects"),
        };
        let mut ask = Ask::post(&path, &body, self.settings.write_timeout);
        if kept.is_external {
            ask.method = Method::Patch;
        }
        let answer = self.send(&self.writing, &ask).await?;
        let Value::Array(saved) = json(&answer)? else {
            return Err(Refusal::unreadable("an answer that is no list"));
        };
        if saved.len() != count {
            return Err(Refusal::unreadable("an answer with another number of records"));
        }
        Ok(saved.iter().map(one).collect())
    }

    fn done(&self, id: &str) -> Done {
        let instance = self.health.shown().instance;
        Done { id: id.to_owned(), url: instance.map(|instance| format!("{instance}/{id}")) }
    }
}

/// What became of one record.
fn one(saved: &Value) -> Result<String, Refusal> {
    if saved.get("success").and_then(Value::as_bool) == Some(true)
        && let Some(id) = saved.get("id").and_then(Value::as_str)
    {
        return Ok(id.to_owned());
    }
    let first = saved.get("errors").and_then(|errors| errors.get(0)).cloned().unwrap_or_default();
    let text = |key: &str| first.get(key).and_then(Value::as_str).unwrap_or_default();
    let fields: Vec<&str> = first
        .get("fields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let words = match fields.as_slice() {
        [] => text("message").to_owned(),
        fields => format!("{} ({})", text("message"), fields.join(", ")),
    };
    let code = if text("statusCode").is_empty() { "UNKNOWN_EXCEPTION" } else { text("statusCode") };
    Err(Refusal::new(code, &words))
}

fn not_done(refusal: &Refusal) -> NotDone {
    NotDone { words: refusal.to_string(), severity: refusal.severity() }
}

fn clear(results: &mut Results, at: usize) {
    if let Some(place) = results.get_mut(at) {
        *place = None;
    }
}

fn set(results: &mut Results, at: usize, result: Result<Done, NotDone>) {
    if let Some(place) = results.get_mut(at) {
        *place = Some(result);
    }
}
