//! What the calls of one version of a flow did, day by day: how often each step was entered, and how it was left.

use super::call_records::{Facts, Visit, key};
use super::{Database, DatabaseError, rows};
use sqlx::{AnyConnection, Row};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// One step of one version. A call that enters a step twice counts twice.
#[derive(Clone, PartialEq, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepCount {
    pub step: String,
    pub entered: u64,
    /// Callers who hung up in it without having talked to anybody.
    pub hung_up: u64,
    /// Calls that ended in it after a conversation.
    pub answered: u64,
    /// Seconds that calls spent in it, conversations included.
    pub seconds: f64,
    /// How often it was left by each port.
    pub ports: BTreeMap<String, u64>,
}

/// Days since 1970, UTC. What was counted before days were kept apart is of day 0.
pub type Day = i64;

/// All that was ever counted.
pub const ALL_DAYS: RangeInclusive<Day> = Day::MIN..=Day::MAX;

/// The day on which something was.
pub fn day_of(time: jiff::Timestamp) -> Day {
    time.as_second().div_euclid(86_400)
}

impl Database {
    /// The counts of one version (0 for a flow without versions), by the steps' names: of calls that came in on these
    /// days.
    pub async fn step_counts(
        &self,
        flow_id: &str,
        version: u32,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<StepCount>, DatabaseError> {
        const STEPS: &str = "SELECT step, CAST(SUM(entered) AS BIGINT), CAST(SUM(hung_up) AS BIGINT), \
             CAST(SUM(answered) AS BIGINT), CAST(SUM(spent) AS BIGINT) FROM step_counts \
             WHERE flow_id = $1 AND version = $2 AND day >= $3 AND day <= $4 GROUP BY step";
        const PORTS: &str = "SELECT step, port, CAST(SUM(passed) AS BIGINT) FROM port_counts \
             WHERE flow_id = $1 AND version = $2 AND day >= $3 AND day <= $4 GROUP BY step, port";
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let query = |text| {
            let query = sqlx::query(text).bind(flow_id.to_owned()).bind(i64::from(version));
            query.bind(*days.start()).bind(*days.end())
        };
        let mut steps = BTreeMap::new();
        for row in query(STEPS).fetch_all(&self.pool).await? {
            let step: String = row.try_get(0)?;
            let counts = StepCount {
                step: step.clone(),
                entered: count(row.try_get(1)?),
                hung_up: count(row.try_get(2)?),
                answered: count(row.try_get(3)?),
                seconds: count(row.try_get(4)?) as f64 / 1_000.0,
                ports: BTreeMap::new(),
            };
            steps.insert(step, counts);
        }
        for row in query(PORTS).fetch_all(&self.pool).await? {
            if let Some(step) = steps.get_mut(row.try_get::<&str, _>(0)?) {
                step.ports.insert(row.try_get(1)?, count(row.try_get(2)?));
            }
        }
        Ok(steps.into_values().collect())
    }
}

/// A step by its flow, version and name, and the day of the call.
type StepKey = (String, i64, String, Day);

/// The counts of some records, summed up before they are written.
#[derive(Default)]
pub(super) struct Tally {
    // In order: servers that write at the same time take the rows in the same one, and never wait for each other in turn.
    steps: BTreeMap<StepKey, Sums>,
    ports: BTreeMap<(StepKey, String), i64>,
}

#[derive(Default)]
struct Sums {
    entered: i64,
    hung_up: i64,
    answered: i64,
    /// Milliseconds.
    spent: i64,
}

impl Tally {
    pub fn add(&mut self, facts: &Facts) {
        let Some(flow) = &facts.flow_id else { return };
        let day = day_of(facts.start);
        let step_of = |visit: &Visit| -> StepKey {
            let (flow, version) = match &visit.flow {
                Some(sub_flow) => (sub_flow, visit.version),
                None => (flow, facts.version),
            };
            (key(flow), i64::from(version.unwrap_or(0)), key(&visit.step), day)
        };
        let left = facts.path.iter().skip(1).map(|visit| visit.entered_at).chain([facts.end]);
        for (visit, left) in facts.path.iter().zip(left) {
            let sums = self.steps.entry(step_of(visit)).or_default();
            sums.entered += 1;
            let spent = left.as_millisecond() - visit.entered_at.as_millisecond();
            sums.spent += spent.max(0);
            if let Some(port) = &visit.port {
                *self.ports.entry((step_of(visit), key(port))).or_default() += 1;
            }
        }
        // Where the call ended.
        let Some(last) = facts.path.last().filter(|visit| visit.port.is_none()) else { return };
        let sums = self.steps.entry(step_of(last)).or_default();
        if facts.outcome.as_deref() == Some("answered") {
            sums.answered += 1;
        } else if facts.ended_by.as_deref() == Some("caller") {
            sums.hung_up += 1;
        }
    }

    /// Adds the sums to those of the database.
    pub async fn write(&self, connection: &mut AnyConnection) -> Result<(), DatabaseError> {
        const STEP: &str = "ON CONFLICT (flow_id, version, step, day) DO UPDATE SET \
             entered = step_counts.entered + excluded.entered, hung_up = step_counts.hung_up + excluded.hung_up, \
             answered = step_counts.answered + excluded.answered, spent = step_counts.spent + excluded.spent";
        const PORT: &str = "ON CONFLICT (flow_id, version, step, port, day) DO UPDATE SET \
             passed = port_counts.passed + excluded.passed";
        let columns = ["flow_id", "version", "step", "day", "entered", "hung_up", "answered", "spent"];
        let steps: Vec<_> = self.steps.iter().collect();
        for part in rows::parts(&steps) {
            let mut query = sqlx::query(rows::insert("step_counts", &columns, part.len(), STEP));
            for ((flow, version, step, day), sums) in part {
                query = query.bind(flow).bind(version).bind(step).bind(day).bind(sums.entered);
                query = query.bind(sums.hung_up).bind(sums.answered).bind(sums.spent);
            }
            query.execute(&mut *connection).await?;
        }
        let columns = ["flow_id", "version", "step", "port", "day", "passed"];
        let ports: Vec<_> = self.ports.iter().collect();
        for part in rows::parts(&ports) {
            let mut query = sqlx::query(rows::insert("port_counts", &columns, part.len(), PORT));
            for (((flow, version, step, day), port), passed) in part {
                query = query.bind(flow).bind(version).bind(step).bind(port).bind(day).bind(*passed);
            }
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
