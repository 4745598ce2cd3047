//! Sums over call records: how many calls of each flow came to which end, hour by hour.

use super::{Database, DatabaseError};
use crate::clock::Wall;
use sqlx::Row;

const HOUR_MICROS: i64 = 3_600_000_000;

/// Calls of one hour that went through one flow (or none) and ended alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallSum {
    /// Its beginning, counted from the beginning of the period in whole hours.
    pub hour: Wall,
    /// Absent for calls that reached no flow.
    pub flow_id: Option<String>,
    /// A word of flows.md 1.6; absent for calls that were refused before a flow began.
    pub outcome: Option<String>,
    pub calls: u64,
    /// From the call's start to its end, all together.
    pub seconds: u64,
}

impl Database {
    /// The sums of a period, by hour; `most` and one more at the most. The flow is one, or all.
    pub async fn call_sums(
        &self,
        from: Wall,
        until: Wall,
        flow_id: Option<&str>,
        most: u32,
    ) -> Result<Vec<CallSum>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT (started - $1) / $4 AS hour, flow_id, outcome, COUNT(*), \
             CAST(SUM((ended - started) / 1000000) AS BIGINT) FROM call_records \
             WHERE started >= $1 AND started < $2 AND ($3 = '' OR flow_id = $3) \
             GROUP BY 1, flow_id, outcome ORDER BY 1 LIMIT $5",
        )
        .bind(from.as_unix_micros())
        .bind(until.as_unix_micros())
        .bind(flow_id.unwrap_or_default().to_owned())
        .bind(HOUR_MICROS)
        .bind(i64::from(most) + 1)
        .fetch_all(&self.pool)
        .await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        rows.iter()
            .map(|row| {
                let hours: i64 = row.try_get(0)?;
                Ok(CallSum {
                    hour: Wall::from_unix_micros(from.as_unix_micros() + hours * HOUR_MICROS),
                    flow_id: row.try_get(1)?,
                    outcome: row.try_get(2)?,
                    calls: count(row.try_get(3)?),
                    seconds: count(row.try_get(4)?),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::call_records::NewRecord;
    use crate::store::database::outbox::Told;
    use crate::store::database::samples::{self, BEGIN};
    use crate::store::database::testing::for_each_engine;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn calls_are_summed_up_by_hour_flow_and_outcome() {
        let records: Vec<NewRecord> =
            (0..2_000).map(|n| NewRecord::read("east", &samples::document(n)).unwrap()).collect();
        let (from, until) = (BEGIN + Duration::from_secs(100), BEGIN + Duration::from_secs(100 + 2 * 3_600));
        let mut expected: BTreeMap<(i64, Option<String>, Option<String>), u64> = BTreeMap::new();
        for facts in records.iter().map(|record| &record.facts) {
            let start = Wall::from(facts.start);
            if (from..until).contains(&start) {
                let hour = (start.as_unix_micros() - from.as_unix_micros()) / HOUR_MICROS;
                *expected.entry((hour, facts.flow_id.clone(), facts.outcome.clone())).or_default() += 1;
            }
        }
        assert!(expected.len() > 3, "{expected:?}");
        for_each_engine(async |database| {
            database.write_records(&records, Told::default()).await.unwrap();
            let sums = database.call_sums(from, until, None, 10_000).await.unwrap();
            let found: BTreeMap<_, _> = sums
                .iter()
                .map(|sum| {
                    let hour = (sum.hour.as_unix_micros() - from.as_unix_micros()) / HOUR_MICROS;
                    ((hour, sum.flow_id.clone(), sum.outcome.clone()), sum.calls)
                })
                .collect();
            assert_eq!((found.len(), found), (sums.len(), expected.clone()));
            let one = expected.keys().find_map(|(_, flow, _)| flow.clone()).unwrap();
            let of_one = database.call_sums(from, until, Some(&one), 10_000).await.unwrap();
            assert!(!of_one.is_empty() && of_one.iter().all(|sum| sum.flow_id.as_ref() == Some(&one)));
            assert_eq!(database.call_sums(from, until, None, 1).await.unwrap().len(), 2);
        });
    }
}
