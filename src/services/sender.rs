//! Sends what waits in the outbox: tasks to the CRM, call records to whoever wants them. Each row is claimed, sent, and
//! what became of it is noted; a crash anywhere between leaves a row that is tried again, and what it would write is looked
//! for first.

use super::crm::{Crm, Deed, DeedKind, Done, NotDone, Severity, owner};
use super::webhook::Webhook;
use crate::clock::{SystemClock, Wall};
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

/// Sends to one receiver: another that is slow does not hold it up.
pub struct Sender {
    database: Database,
    receiver: Receiver,
    totals: Arc<SenderTotals>,
    rest: Rest,
}

/// Who is told.
pub enum Receiver {
    Crm(Arc<dyn Crm>, Arc<dyn Directory>),
    Webhook(Webhook),
}

impl Receiver {
    /// Rows that are for it.
    fn kinds(&self) -> &'static [&'static str] {
        match self {
            Receiver::Crm(..) => &[kind::TASK, kind::CONVERSATION],
            Receiver::Webhook(_) => &[kind::RECORD],
        }
    }
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
    /// `totals`: counted with others.
    pub fn new(database: Database, receiver: Receiver, totals: Arc<SenderTotals>) -> Self {
        Sender { database, receiver, totals, rest: Rest::default() }
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
        if !self.rest.is_over(clock()) {
            return Ok(0);
        }
        let due = self.database.outbox_due(self.receiver.kinds(), self.rest.limit(), clock()).await?;
        let rows = if due.is_empty() { due } else { self.database.outbox_claim(&due, clock()).await? };
        if rows.is_empty() {
            return Ok(0);
        }
        let tried = rows.len();
        let (results, is_away) = match &self.receiver {
            Receiver::Crm(crm, directory) => to_crm(&**crm, &**directory, &rows).await,
            Receiver::Webhook(webhook) => {
                let results = within(tried, webhook.send(&self.database, &rows)).await;
                let is_away = is_away(&results);
                (results, is_away)
            }
        };
        self.settle(rows, results, clock()).await?;
        self.rest.note(is_away, clock());
        Ok(tried)
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
        let words = verdict.words();
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

/// What became of each row, and whether the CRM is away.
async fn to_crm(
    crm: &dyn Crm,
    directory: &dyn Directory,
    rows: &[Entry],
) -> (Vec<Result<Done, NotDone>>, Option<bool>) {
    // What cannot even be read is nobody's fault there.
    let deeds: Vec<Result<Deed, NotDone>> = rows.iter().map(|row| deed(row, directory)).collect();
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

fn deed(row: &Entry, directory: &dyn Directory) -> Result<Deed, NotDone> {
    let lasting = |words: String| NotDone::new(words, Severity::Lasting);
    let task: CrmTask = serde_json::from_str(&row.payload)
        .map_err(|error| lasting(format!("This row cannot be read by this version: {error}.")))?;
    let kind = if row.kind == kind::CONVERSATION { DeedKind::Conversation } else { DeedKind::Task };
    let owner = owner(&task, |agent| directory.crm_user(agent))
        .map_err(|error| lasting(format!("The flow's abandoned calls are for nobody: {error}.")))?;
    let day = directory.day(task.start);
    Ok(Deed { kind, task, owner, day })
}

/// Gives a batch up after its time; then nobody knows what became of it.
async fn within(
    count: usize,
    sending: impl Future<Output = Vec<Result<Done, NotDone>>>,
) -> Vec<Result<Done, NotDone>> {
    let words = || format!("No answer came within {} s.", BATCH_TIME_MAX.as_secs());
    let late = |_| vec![Err(NotDone::new(words(), Severity::Unknown)); count];
    tokio::time::timeout(BATCH_TIME_MAX, sending).await.unwrap_or_else(late)
}

/// Whether the receiver is away, by what became of rows that were sent; nothing where none was.
fn is_away(results: &[Result<Done, NotDone>]) -> Option<bool> {
    let is_taken = |result: &Result<Done, NotDone>| match result {
        Ok(_) => true,
        Err(error) => matches!(error.severity, Severity::Passing | Severity::Lasting),
    };
    (!results.is_empty()).then(|| !results.iter().any(is_taken))
}

#[cfg(test)]
mod tests;
