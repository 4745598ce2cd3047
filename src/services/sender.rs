//! Sends what waits in the outbox: tasks to the CRM, call records to whoever wants them. Each row is claimed, sent, and
//! what became of it is noted; a crash anywhere between leaves a row that is tried again, and what it would write is looked
//! for first.

use super::crm::{Crm, Deed, DeedKind, Done, NotDone, Severity};
use super::webhook::Webhook;
use crate::clock::{SystemClock, Wall};
use crate::flow::is_crm_user;
use crate::hidden::Hidden;
use crate::store::database::outbox::{CrmTask, Entry, LEASE, Next, RETRIES, Verdict, kind};
use crate::store::database::{Database, DatabaseError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Rows that are sent together.
const BATCH_MAX: u32 = 50;
/// A batch is given up after it: well before its claim runs out, so that no other server tries the same meanwhile.
const BATCH_TIME_MAX: Duration = Duration::from_secs(90);
/// How often it is looked whether something is due; what is written just now waits so long at the most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a CRM that is away, the first pause before one row tries it; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// The longest: what waits goes on soon after it is back.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Who gets what, as agents and accounts have it at the moment.
pub trait Directory: Send + Sync {
    /// The CRM's user that an agent is.
    fn crm_user(&self, agent: &str) -> Option<String>;

    /// The day that a moment falls on where the account is.
    fn day(&self, at: jiff::Timestamp) -> jiff::civil::Date;
}

/// Of all rows since the start.
#[derive(Default, Debug)]
pub struct SenderTotals {
    pub sent: AtomicU64,
    /// Attempts that are made again.
    pub failed: AtomicU64,
    pub parked: AtomicU64,
    /// Given up after the last attempt.
    pub dead: AtomicU64,
}

/// Sends.
pub struct Sender {
    database: Database,
    crm: Option<Arc<dyn Crm>>,
    webhook: Option<Webhook>,
    directory: Arc<dyn Directory>,
    totals: Arc<SenderTotals>,
    crm_rest: Rest,
    webhook_rest: Rest,
}

/// A receiver that is away is left alone for a while, and then tried with one row.
#[derive(Default)]
struct Rest {
    until: Option<Wall>,
    pause: Duration,
}

impl Rest {
    fn is_over(&self, now: Wall) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// Rows to take: one, where it was away.
    fn limit(&self) -> u32 {
        if self.until.is_some() { 1 } else { BATCH_MAX }
    }

    /// `is_away`: nothing where nothing was sent.
    fn note(&mut self, is_away: Option<bool>, now: Wall) {
        match is_away {
            None => return,
            Some(false) => return *self = Rest::default(),
            Some(true) => {}
        }
        self.pause = (self.pause * 2).clamp(PAUSE_FIRST, PAUSE_MAX);
        self.until = Some(now + self.pause);
    }
}

impl Sender {
    pub fn new(
        database: Database,
        crm: Option<Arc<dyn Crm>>,
        webhook: Option<Webhook>,
        directory: Arc<dyn Directory>,
    ) -> Self {
        let totals = Arc::default();
        let (crm_rest, webhook_rest) = Default::default();
        Sender { database, crm, webhook, directory, totals, crm_rest, webhook_rest }
    }

    /// Counts with others.
    pub fn with_totals(self, totals: Arc<SenderTotals>) -> Self {
        Sender { totals, ..self }
    }

    /// Runs for ever. It may be dropped at any await: what it has claimed is tried again when the claim has run out.
    pub async fn run(mut self, clock: SystemClock) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_away = false;
        loop {
            look.tick().await;
            loop {
                match self.send_due(|| clock.now().wall).await {
                    Ok(sent) => {
                        is_away = false;
                        if sent < BATCH_MAX as usize {
                            break;
                        }
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut is_away, true) {
                            tracing::warn!(%error, "the outbox cannot be read: what waits there goes out later");
                        }
                        break;
                    }
                }
            }
        }
    }

    /// Sends what is due, once through; says how many rows were tried. `clock`: the time on the wall.
    pub async fn send_due(&mut self, clock: impl Fn() -> Wall) -> Result<usize, DatabaseError> {
        let mut tried = 0;
        if let Some(crm) = self.crm.clone()
            && self.crm_rest.is_over(clock())
        {
            let rows = self.claim(&[kind::TASK, kind::CONVERSATION], self.crm_rest.limit(), clock()).await?;
            tried += rows.len();
            if !rows.is_empty() {
                let (results, is_away) = self.to_crm(&*crm, &rows).await;
                self.settle(rows, results, clock()).await?;
                self.crm_rest.note(is_away, clock());
            }
        }
        if let Some(webhook) = &self.webhook
            && self.webhook_rest.is_over(clock())
        {
            let rows = self.claim(&[kind::RECORD], self.webhook_rest.limit(), clock()).await?;
            tried += rows.len();
            if !rows.is_empty() {
                let results = within(rows.len(), webhook.send(&self.database, &rows)).await;
                let is_away = is_away(&results);
                self.settle(rows, results, clock()).await?;
                self.webhook_rest.note(is_away, clock());
            }
        }
        Ok(tried)
    }

    async fn claim(&self, kinds: &[&str], limit: u32, now: Wall) -> Result<Vec<Entry>, DatabaseError> {
        let due = self.database.outbox_due(kinds, limit, now).await?;
        if due.is_empty() { Ok(due) } else { self.database.outbox_claim(&due, now).await }
    }

    /// What became of each row, and whether the CRM is away.
    async fn to_crm(&self, crm: &dyn Crm, rows: &[Entry]) -> (Vec<Result<Done, NotDone>>, Option<bool>) {
        // What cannot even be read is nobody's fault there.
        let deeds: Vec<Result<Deed, NotDone>> = rows.iter().map(|row| self.deed(row)).collect();
        let readable: Vec<Deed> = deeds.iter().filter_map(|deed| deed.as_ref().ok().cloned()).collect();
        let written = within(readable.len(), crm.write(&readable)).await;
        let is_away = is_away(&written);
        let mut written = written.into_iter();
        let missing = || Err(NotDone::new("Nothing was said of it.", Severity::Passing));
        let results = deeds.into_iter().map(|deed| match deed {
            Ok(_) => written.next().unwrap_or_else(missing),
            Err(not_done) => Err(not_done),
        });
        (results.collect(), is_away)
    }

    fn deed(&self, row: &Entry) -> Result<Deed, NotDone> {
        let lasting = |words: String| NotDone { words, severity: Severity::Lasting };
        let task: CrmTask = serde_json::from_str(&row.payload)
            .map_err(|error| lasting(format!("This row cannot be read by this version: {error}.")))?;
        let kind = if row.kind == kind::CONVERSATION { DeedKind::Conversation } else { DeedKind::Task };
        let owner = match (&task.assign_to, &task.agent_id) {
            (Some(user), _) if is_crm_user(user) => Some(user.clone()),
            (Some(agent), _) => Some(self.directory.crm_user(agent).ok_or_else(|| {
                lasting(format!(
                    "The flow assigns abandoned calls to \"{agent}\", who is no user of the CRM: give the agent of that id \
                     its CRM user, or write a user's id into the flow."
                ))
            })?),
            // Of an agent whom the CRM does not know, whoever connected it gets the task.
            (None, Some(agent)) => self.directory.crm_user(agent),
            (None, None) => None,
        };
        let day = self.directory.day(task.start);
        Ok(Deed { kind, task, owner, day })
    }

    async fn settle(
        &self,
        rows: Vec<Entry>,
        results: Vec<Result<Done, NotDone>>,
        now: Wall,
    ) -> Result<(), DatabaseError> {
        let verdict = |result: Result<Done, NotDone>| match result {
            Ok(done) => Verdict::Done(serde_json::to_string(&done).ok()),
            Err(NotDone { words, severity }) => match severity {
                Severity::Lasting => Verdict::Parked(words),
                Severity::Passing => Verdict::Failed(words),
                Severity::Away => Verdict::Away(words),
                Severity::Unknown => Verdict::Unknown(words),
                Severity::NotTried => Verdict::NotTried(words),
            },
        };
        let verdicts: Vec<_> = rows.into_iter().zip(results.into_iter().map(verdict)).collect();
        let next = self.database.outbox_settle(&verdicts, now).await?;
        for ((row, verdict), next) in verdicts.iter().zip(next) {
            self.note(row, verdict, next);
        }
        Ok(())
    }

    fn note(&self, row: &Entry, verdict: &Verdict, next: Next) {
        let words = match verdict {
            Verdict::Done(_) => "",
            Verdict::Failed(words)
            | Verdict::Parked(words)
            | Verdict::Away(words)
            | Verdict::Unknown(words)
            | Verdict::NotTried(words) => words.as_str(),
        };
        let (kind, key) = (&row.kind, &row.key);
        let count = |total: &AtomicU64| _ = total.fetch_add(1, Ordering::Relaxed);
        match next {
            Next::Done => count(&self.totals.sent),
            Next::At(due) => {
                count(&self.totals.failed);
                tracing::info!(%kind, %key, error = %Hidden::sentence(words), again = %due, "not sent, and tried again");
            }
            Next::Parked => {
                count(&self.totals.parked);
                tracing::warn!(%kind, %key, error = %Hidden::sentence(words), "not sent: somebody has to look at it (the console's page Outbox)");
            }
            Next::Dead => {
                count(&self.totals.dead);
                let attempts = RETRIES.len() + 1;
                tracing::error!(%kind, %key, error = %Hidden::sentence(words), attempts, "given up; it can be tried anew on the console's page Outbox");
            }
            // Another server has it, and says what became of it.
            Next::Gone => tracing::warn!(%kind, %key, "took longer than its claim of {} s", LEASE.as_secs()),
        }
    }
}

/// Gives a batch up after its time; then nobody knows what became of it.
async fn within(
    count: usize,
    sending: impl Future<Output = Vec<Result<Done, NotDone>>>,
) -> Vec<Result<Done, NotDone>> {
    let late = || NotDone {
        words: format!("No answer came within {} s.", BATCH_TIME_MAX.as_secs()),
        severity: Severity::Unknown,
    };
    tokio::time::timeout(BATCH_TIME_MAX, sending).await.unwrap_or_else(|_| vec![Err(late()); count])
}

/// Whether the receiver is away, by what became of rows that were sent; nothing where none was.
fn is_away(results: &[Result<Done, NotDone>]) -> Option<bool> {
    let is = |of: fn(Severity) -> bool| {
        results.iter().any(|result| result.as_ref().is_err_and(|error| of(error.severity)))
    };
    let is_taking = results.iter().any(|result| {
        result
            .as_ref()
            .map_or_else(|error| matches!(error.severity, Severity::Passing | Severity::Lasting), |_| true)
    });
    match is_taking {
        true => Some(false),
        false => (!results.is_empty()).then(|| is(|severity| severity != Severity::Passing)),
    }
}

#[cfg(test)]
mod tests;
