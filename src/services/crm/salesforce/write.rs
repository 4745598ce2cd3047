//! Writing: never twice. What stands there already is looked for first, by the call's id; the rest is made in one request.
//! Where the org has a field with an external id, that request is an upsert, and two servers at one moment still make one.
//! A save that nobody answered is not sent again before it must be over: what it made is found then.

use super::super::{Deed, DeedKind, Done, NotDone, Severity};
use super::answer::{Refusal, json, quoted};
use super::fields;
use super::{Ask, Salesforce};
use crate::flow::{Method, Person};
use serde_json::{Map, Value, json as tree};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// Records of one request. Salesforce takes 200; a trigger of the org has to bear them too.
pub const BATCH_MAX: usize = 50;
/// No look for a person, and no request of a second round, is begun later than this after the first: what a batch takes in
/// all stays below its time (`services/sender.rs`), and what was not tried is tried with the next.
const BEGIN_WITHIN: Duration = Duration::from_secs(35);
/// What fails for a reason that passes, before anything was sent or for that record alone, is tried again at once so often: a
/// dropped connection or a lock should not make a task a minute late.
const ROUNDS_MAX: usize = 3;
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
type People = BTreeMap<String, Result<Option<Person>, NotDone>>;
/// By the deeds' places; `None` where nothing was sent yet.
type Results = Vec<Option<Result<Done, NotDone>>>;

impl Salesforce {
    pub(super) async fn write_all(&self, deeds: &[Deed]) -> Vec<Result<Done, NotDone>> {
        let mut results: Results = vec![None; deeds.len()];
        // What is to be said of those that nothing was sent of.
        let mut unsent = NotDone::new("No time was left to send it.", Severity::NotTried);
        let begun = Instant::now();
        for _ in 0..ROUNDS_MAX {
            let is_open = |at: &usize| match results.get(*at) {
                Some(Some(Err(not_done))) => not_done.severity == Severity::Passing,
                Some(None) => true,
                _ => false,
            };
            let open: Vec<usize> = (0..deeds.len()).filter(is_open).collect();
            if open.is_empty() || begun.elapsed() > BEGIN_WITHIN {
                break;
            }
            if let Err(refusal) = self.write_open(deeds, &open, begun, &mut results).await {
                unsent = refusal;
            }
            // Where it refuses us it does so at once again.
            if unsent.severity == Severity::NotTried && results.iter().any(Option::is_none) {
                break;
            }
        }
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(unsent.clone()))).collect()
    }

    /// Once through those which are not done. The error is that of those of which nothing was sent.
    async fn write_open(
        &self,
        deeds: &[Deed],
        open: &[usize],
        begun: Instant,
        results: &mut Results,
    ) -> Result<(), NotDone> {
        let mut last = Ok(());
        for kind in [DeedKind::Task, DeedKind::Conversation] {
            let of_kind = |at: &&usize| deeds.get(**at).is_some_and(|deed| deed.kind == kind);
            let places: Vec<usize> = open.iter().filter(of_kind).copied().collect();
            for part in places.chunks(BATCH_MAX) {
                let written = self.write_part(kind, deeds, part, begun, results).await;
                last = last.and(written);
            }
        }
        last
    }

    async fn write_part(
        &self,
        kind: DeedKind,
        deeds: &[Deed],
        places: &[usize],
        begun: Instant,
        results: &mut Results,
    ) -> Result<(), NotDone> {
        if self.health.is_nearly_used_up() {
            let words = "Less than a twentieth of the day's requests is left, and kept for callers.";
            return Err(NotDone::new(words, Severity::NotTried));
        }
        let Some(kept) = self.kept(kind) else {
            let words = "[salesforce.conversation] is not in the configuration any more.";
            places.iter().for_each(|at| set(results, *at, Err(NotDone::new(words, Severity::Lasting))));
            return Ok(());
        };
        let call_id = |at: usize| deeds.get(at).map(|deed| deed.task.call_id.as_str());
        let known = self.known(&kept, places.iter().filter_map(|at| call_id(*at))).await;
        // What is wrong with this question is wrong with the set-up, not with a record.
        let known = known.map_err(|refusal| NotDone::new(refusal.to_string(), Severity::Away))?;
        let mut missing = Vec::new();
        for (at, deed) in places.iter().filter_map(|at| Some((*at, deeds.get(*at)?))) {
            match known.get(deed.task.call_id.as_str()) {
                Some(id) => set(results, at, Ok(self.done(id))),
                None => missing.push((at, deed)),
            }
        }
        let people = self.people(missing.iter().map(|(_, deed)| *deed), begun).await;
        let mut records = Vec::with_capacity(missing.len());
        for (at, deed) in missing {
            let contact = match (&deed.task.contact, people.get(&deed.task.from)) {
                (Some(person), _) => Some(person),
                (None, Some(Ok(person))) => person.as_ref(),
                (None, Some(Err(not_done))) => {
                    set(results, at, Err(not_done.clone()));
                    continue;
                }
                (None, None) => None,
            };
            let mut record = fields::of(deed, &self.settings, contact);
            record.insert("attributes".to_owned(), tree!({"type": kept.object}));
            records.push((at, Value::Object(record)));
        }
        for (at, saved) in self.save(&kept, records, &call_id).await {
            set(results, at, saved.map(|id| self.done(&id)));
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
    async fn people<'a>(&self, deeds: impl Iterator<Item = &'a Deed>, begun: Instant) -> People {
        let mut people = People::new();
        let mut failures = (0, None);
        for deed in deeds.filter(|deed| deed.task.contact.is_none() && !deed.task.from.is_empty()) {
            if people.contains_key(&deed.task.from) {
                continue;
            }
            let timeout = FIND_TIMEOUT.min(self.settings.write_timeout);
            let found = match &failures {
                _ if begun.elapsed() > BEGIN_WITHIN => {
                    Err(NotDone::new("No time was left to look for the caller.", Severity::NotTried))
                }
                // An org that is away is not asked for each caller.
                (FAILURES_MAX.., Some(not_done)) => Err(NotDone::clone(not_done)),
                _ => {
                    self.find(&self.writing, &deed.task.from, timeout).await.map_err(|refusal| match refusal
                        .severity()
                    {
                        Severity::Lasting => NotDone::new(refusal.to_string(), Severity::Away),
                        // Nothing was written.
                        Severity::Unknown | Severity::Passing => {
                            NotDone::new(refusal.to_string(), Severity::Passing)
                        }
                        _ if refusal.error.is_some() => NotDone::new(refusal.to_string(), Severity::Passing),
                        severity => NotDone::new(refusal.to_string(), severity),
                    })
                }
            };
            failures = match &found {
                Ok(_) => (0, None),
                Err(not_done) => (failures.0 + 1, Some(not_done.clone())),
            };
            people.insert(deed.task.from.clone(), found);
        }
        people
    }

    /// Saves records, all at once; where that is refused as a whole, one after the other, to find the one that is to blame.
    async fn save<'a>(
        &self,
        kept: &Kept<'_>,
        records: Vec<(usize, Value)>,
        call_id: &impl Fn(usize) -> Option<&'a str>,
    ) -> Vec<(usize, Result<String, NotDone>)> {
        if records.is_empty() {
            return Vec::new();
        }
        let refusal = match self.save_once(kept, &records).await {
            Ok(saved) => return self.judged(kept, saved, call_id).await,
            Err(refusal) => refusal,
        };
        let is_one = records.len() == 1;
        if refusal.severity() == Severity::Lasting && !is_one {
            let mut results = Vec::with_capacity(records.len());
            for record in records {
                results.extend(Box::pin(self.save(kept, vec![record], call_id)).await);
            }
            return results;
        }
        let severity = match refusal.severity() {
            // It may be on its way yet.
            Severity::Away if refusal.error.is_some() => Severity::Unknown,
            severity => severity,
        };
        let not_done = NotDone::new(refusal.to_string(), severity);
        records.into_iter().map(|(at, _)| (at, Err(not_done.clone()))).collect()
    }

    async fn save_once(
        &self,
        kept: &Kept<'_>,
        records: &[(usize, Value)],
    ) -> Result<Vec<(usize, Result<String, Refusal>)>, Refusal> {
        let list: Vec<&Value> = records.iter().map(|(_, record)| record).collect();
        let body = tree!({"allOrNone": false, "records": list});
        let path = match kept.is_external {
            true => self.data(&format!("composite/sobjects/{}/{}", kept.object, kept.field)),
            false => self.data("composite/sobjects"),
        };
        let mut ask = Ask::post(&path, &body, self.settings.write_timeout);
        if kept.is_external {
            ask.method = Method::Patch;
        }
        let answer = self.send(&self.writing, &ask).await?;
        // It was carried out, whatever this says of it: the next try finds what was made.
        let Ok(Value::Array(saved)) = json(&answer) else {
            return Err(Refusal::unreadable("An answer that is no list"));
        };
        if saved.len() != records.len() {
            return Err(Refusal::unreadable("An answer with another number of records"));
        }
        Ok(records.iter().map(|(at, _)| *at).zip(saved.iter().map(one)).collect())
    }

    /// What became of each record. One that another server made a moment ago is found.
    async fn judged<'a>(
        &self,
        kept: &Kept<'_>,
        saved: Vec<(usize, Result<String, Refusal>)>,
        call_id: &impl Fn(usize) -> Option<&'a str>,
    ) -> Vec<(usize, Result<String, NotDone>)> {
        const OF_ANOTHER: [&str; 3] =
            ["INVALID_FIELD_FOR_INSERT_UPDATE", "DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID"];
        let is_late = |saved: &Result<String, Refusal>| {
            saved.as_ref().is_err_and(|refusal| OF_ANOTHER.contains(&refusal.code.as_str()))
        };
        let late = saved.iter().filter(|(_, saved)| is_late(saved)).filter_map(|(at, _)| call_id(*at));
        let made = self.known(kept, late).await;
        let judge = |(at, saved): (usize, Result<String, Refusal>)| {
            let refusal = match saved {
                Ok(id) => return (at, Ok(id)),
                Err(refusal) => refusal,
            };
            let is_of_another = OF_ANOTHER.contains(&refusal.code.as_str());
            let found = call_id(at)
                .filter(|_| is_of_another)
                .zip(made.as_ref().ok())
                .and_then(|(call, made)| made.get(call));
            let severity = match (found, made.is_err() && is_of_another) {
                (Some(id), _) => return (at, Ok(id.clone())),
                // Whether it is there could not be seen now.
                (None, true) => Severity::Passing,
                (None, false) => refusal.severity(),
            };
            (at, Err(NotDone::new(refusal.to_string(), severity)))
        };
        saved.into_iter().map(judge).collect()
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

fn set(results: &mut Results, at: usize, result: Result<Done, NotDone>) {
    if let Some(place) = results.get_mut(at) {
        *place = Some(result);
    }
}
