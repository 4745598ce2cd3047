use super::*;
use crate::flow::{Callout, LookupError, Match, Person, Query};
use crate::services::check::CheckSteps;
use crate::services::crm::{Health, Pending};
use crate::store::database::call_records::NewRecord;
use crate::store::database::outbox::Told;
use crate::store::database::samples;
use crate::store::database::testing::for_each_engine;
use serde_json::{Map, Value};
use std::sync::Mutex;

/// A CRM that answers as it is told to, and keeps what was written.
struct Fake {
    health: Health,
    written: Mutex<Vec<String>>,
    answer: Mutex<Option<(Severity, &'static str)>>,
}

impl Fake {
    fn new() -> Arc<Self> {
        let health = Health::new(SystemClock::start());
        Arc::new(Fake { health, written: Mutex::default(), answer: Mutex::default() })
    }

    fn answers(&self, answer: Option<(Severity, &'static str)>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn written(&self) -> Vec<String> {
        self.written.lock().unwrap().clone()
    }
}

impl Crm for Fake {
    fn callout<'a>(&'a self, _: &'a Callout) -> Pending<'a, Result<Map<String, Value>, LookupError>> {
        Box::pin(async { Ok(Map::new()) })
    }

    fn query<'a>(&'a self, _: &'a Query) -> Pending<'a, Result<Vec<Map<String, Value>>, LookupError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn person<'a>(&'a self, _: &'a Match) -> Pending<'a, Result<Option<Person>, LookupError>> {
        Box::pin(async { Ok(None) })
    }

    fn write<'a>(&'a self, deeds: &'a [Deed]) -> Pending<'a, Vec<Result<Done, NotDone>>> {
        Box::pin(async move {
            let answer = *self.answer.lock().unwrap();
            deeds
                .iter()
                .map(|deed| match answer {
                    Some((severity, words)) => Err(NotDone { words: words.to_owned(), severity }),
                    None => {
                        self.written.lock().unwrap().push(deed.task.call_id.clone());
                        Ok(Done { id: "00T".to_owned(), url: None })
                    }
                })
                .collect()
        })
    }

    fn check(&self, _: CheckSteps) -> Pending<'_, ()> {
        Box::pin(async {})
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn preview(&self, _: &Deed) -> Map<String, Value> {
        Map::new()
    }
}

struct Nobody;

impl Directory for Nobody {
    fn crm_user(&self, agent: &str) -> Option<String> {
        (agent == "alice").then(|| "005000000000001AAA".to_owned())
    }

    fn day(&self, at: jiff::Timestamp) -> jiff::civil::Date {
        at.to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

fn to(crm: &Arc<Fake>) -> Receiver {
    Receiver::Crm(crm.clone(), Arc::new(Nobody))
}

/// A hundred abandoned calls or so in the outbox, and a moment after them.
async fn calls(database: &Database) -> (usize, Wall) {
    let records: Vec<_> = (0..400).map(|n| NewRecord::read("east", &samples::document(n)).unwrap()).collect();
    database.write_records(&records, Told::default()).await.unwrap();
    let waiting = database.outbox_counts().await.unwrap().waiting;
    (usize::try_from(waiting).unwrap(), samples::BEGIN + Duration::from_secs(86_400))
}

/// Sends until nothing is due.
async fn drain(sender: &mut Sender, now: Wall) -> usize {
    let mut all = 0;
    loop {
        match sender.send_due(|| now).await.unwrap() {
            0 => return all,
            tried => all += tried,
        }
    }
}

#[test]
fn a_crm_that_is_away_is_tried_with_one_row_at_a_time_and_then_gets_all() {
    for_each_engine(async |database| {
        let (count, mut now) = calls(&database).await;
        assert!(count > 60);
        let crm = Fake::new();
        let mut sender = Sender::new(database.clone(), to(&crm), Arc::default());
        crm.answers(Some((Severity::Away, "away")));
        assert_eq!(drain(&mut sender, now).await, BATCH_MAX as usize, "the first batch finds out");
        for pause in [5, 10, 20, 40, 60, 60] {
            let soon = now + Duration::from_secs(pause - 1);
            assert_eq!(drain(&mut sender, soon).await, 0, "after {pause} s less one");
            now = now + Duration::from_secs(pause);
            assert_eq!(drain(&mut sender, now).await, 1, "after {pause} s");
        }
        crm.answers(None);
        for _ in 0..3_000 {
            now = now + Duration::from_secs(60);
            drain(&mut sender, now).await;
            if crm.written().len() == count {
                break;
            }
        }
        let mut written = crm.written();
        written.sort();
        written.dedup();
        assert_eq!((written.len(), crm.written().len()), (count, count));
        let counts = database.outbox_counts().await.unwrap();
        assert_eq!((counts.waiting, counts.parked, counts.dead), (0, 0, 0));
    });
}

#[test]
fn what_never_works_is_parked_with_the_crms_words_and_the_others_go_on() {
    for_each_engine(async |database| {
        let (count, now) = calls(&database).await;
        let crm = Fake::new();
        let mut sender = Sender::new(database.clone(), to(&crm), Arc::default());
        crm.answers(Some((Severity::Lasting, "INVALID_FIELD: No such column")));
        sender.send_due(|| now).await.unwrap();
        crm.answers(None);
        drain(&mut sender, now).await;
        let parked = database.outbox(Some("parked"), i64::MAX, 100).await.unwrap();
        assert_eq!(parked.len(), BATCH_MAX as usize);
        assert_eq!(parked[0].last_error.as_deref(), Some("INVALID_FIELD: No such column"));
        assert_eq!(crm.written().len(), count - parked.len());
        for row in &parked {
            assert!(database.outbox_retry(row.id, now).await.unwrap());
        }
        drain(&mut sender, now).await;
        assert_eq!(crm.written().len(), count);
        let done = database.outbox(Some("done"), i64::MAX, 1).await.unwrap();
        assert_eq!(done[0].result.as_deref(), Some("{\"id\":\"00T\"}"));
    });
}

#[test]
fn whom_a_flow_names_for_abandoned_calls_has_to_be_a_user_of_the_crm() {
    let mut task = crate::services::crm::salesforce::sample_task();
    let mut owner = |assign_to: Option<&str>, agent: Option<&str>| {
        task.assign_to = assign_to.map(str::to_owned);
        task.agent_id = agent.map(str::to_owned);
        let payload = serde_json::to_string(&task).unwrap();
        let (created, due) = (samples::BEGIN, samples::BEGIN);
        let row = Entry {
            id: 1,
            kind: kind::TASK.to_owned(),
            key: "east/c1".to_owned(),
            payload,
            created,
            due,
            attempts: 1,
            round: 0,
            failures: 0,
            last_error: None,
        };
        deed(&row, &Nobody).map(|deed| deed.owner).map_err(|error| error.severity)
    };
    let alice = || Ok(Some("005000000000001AAA".to_owned()));
    assert_eq!(owner(Some("0055e000001AbCdAAK"), None), Ok(Some("0055e000001AbCdAAK".to_owned())));
    assert_eq!(owner(Some("alice"), None), alice());
    assert_eq!(owner(Some("nobody"), None), Err(Severity::Lasting));
    assert_eq!(owner(None, Some("alice")), alice());
    assert_eq!(owner(None, Some("bob")), Ok(None));
    assert_eq!(owner(None, None), Ok(None));
}
