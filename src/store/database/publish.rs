//! Publishing: a draft becomes a numbered version that calls get, at once, at a time, or on a share of the callers.

use super::change::{Audited, Change};
use super::flows::{comment, flow_name, version_text};
use super::objects::StoreError;
use super::{Database, DatabaseError};
use crate::clock::Wall;
use crate::flow::{Code, Finding, Flow, Resources, cycle};
use crate::store::flow_links;
use serde_json::Value;
use sqlx::Row;
use std::collections::BTreeMap;

/// How far ahead a publication can be set: a year and a day.
const SCHEDULE_DAYS_MAX: i64 = 366;
/// Publications of one look at the clock.
const DUE_MAX: i64 = 100;

/// Who gets a version that is published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rollout {
    /// All new calls.
    Live,
    /// So many of a hundred callers, 1 to 99, each the same in every call.
    Canary(u8),
}

/// What came of publishing.
#[derive(Clone, PartialEq, Debug)]
pub enum Published {
    /// A new version, with what there is to say about it: warnings and notes.
    Version {
        version: u32,
        digest: String,
        findings: Vec<Finding>,
        /// The version whose trial is over by that.
        ended_canary: Option<u32>,
    },
    /// The content is that of the live version already; no version was made.
    Unchanged { version: u32, ended_canary: Option<u32> },
}

/// What came of a publication whose time had come.
#[derive(Debug)]
pub struct Executed {
    pub flow: String,
    pub result: Result<Published, StoreError>,
}

impl Change {
    /// Publishes the draft. `etag` is that of the draft which the publisher has seen.
    pub async fn publish(
        &mut self,
        id: &str,
        etag: Option<&str>,
        comment: &str,
        rollout: Rollout,
    ) -> Result<Published, StoreError> {
        let (document, current) = self.existing_draft(id).await?;
        if etag.is_some_and(|etag| etag != current) {
            return Err(StoreError::Stale { current });
        }
        let author = self.actor().to_owned();
        self.publish_document(id, &document, comment, &author, rollout).await
    }

    /// Publishes the content of an older version again, as a new one. The draft stays as it is.
    pub async fn rollback(&mut self, id: &str, version: u32, comment: &str) -> Result<Published, StoreError> {
        let document = self.version_document(id, version).await?;
        let author = self.actor().to_owned();
        self.publish_document(id, &document, comment, &author, Rollout::Live).await
    }

    /// Sets a time at which the draft, as it is now, is published. It is checked now and then.
    pub async fn schedule_publish(
        &mut self,
        id: &str,
        etag: Option<&str>,
        due: Wall,
        text: &str,
    ) -> Result<(), StoreError> {
        let (document, current) = self.existing_draft(id).await?;
        if etag.is_some_and(|etag| etag != current) {
            return Err(StoreError::Stale { current });
        }
        let ahead = due.as_unix_micros().saturating_sub(self.at().as_unix_micros());
        if !(0..=SCHEDULE_DAYS_MAX * 86_400_000_000).contains(&ahead) {
            return Err(StoreError::Refused("a publication is set for a time within the coming year"));
        }
        self.compile(id, &document).await?;
        let author = self.actor().to_owned();
        sqlx::query(
            "INSERT INTO flow_schedule (flow_id, due, document, author, comment) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (flow_id) DO UPDATE SET due = excluded.due, document = excluded.document, \
             author = excluded.author, comment = excluded.comment, failure = NULL",
        )
        .bind(id)
        .bind(due.as_unix_micros())
        .bind(document.to_string())
        .bind(author)
        .bind(comment(text))
        .execute(self.connection())
        .await?;
        self.link_flow(id).await?;
        self.note("schedule", id, None, Some(&current), &due.to_string()).await
    }

    /// Takes a publication back whose time has not come, or that failed.
    pub async fn cancel_scheduled(&mut self, id: &str) -> Result<(), StoreError> {
        self.existing_flow(id).await?;
        let done = sqlx::query("DELETE FROM flow_schedule WHERE flow_id = $1")
            .bind(id)
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Refused("no publication is set for this call flow"));
        }
        self.link_flow(id).await?;
        self.note("cancel schedule", id, None, None, "").await
    }

    /// Tries a version, published before, on a share of the callers.
    pub async fn set_canary(&mut self, id: &str, version: u32, share: u8) -> Result<(), StoreError> {
        let flow = self.existing_flow(id).await?;
        let document = self.version_document(id, version).await?;
        match flow.live {
            None => return Err(StoreError::Refused("a call flow without a live version has no canary")),
            Some(live) if live == version => {
                return Err(StoreError::Refused("the live version cannot be its own canary"));
            }
            Some(_) => {}
        }
        self.compile(id, &document).await?;
        self.start_canary(id, version, share).await
    }

    async fn start_canary(&mut self, id: &str, version: u32, share: u8) -> Result<(), StoreError> {
        if !(1..=99).contains(&share) {
            return Err(StoreError::Refused("a canary has a share of 1 to 99 of a hundred callers"));
        }
        sqlx::query("UPDATE flows SET canary = $2, canary_share = $3 WHERE id = $1")
            .bind(id)
            .bind(i64::from(version))
            .bind(i64::from(share))
            .execute(self.connection())
            .await?;
        self.link_flow(id).await?;
        self.note("canary", id, None, None, &format!("version {version}, {share} of 100 callers")).await
    }

    /// Ends the trial: all callers get the live version.
    pub async fn cancel_canary(&mut self, id: &str) -> Result<(), StoreError> {
        let flow = self.existing_flow(id).await?;
        let Some((version, _)) = flow.canary else {
            return Err(StoreError::Refused("this call flow has no canary"));
        };
        self.end_canary(id).await?;
        self.link_flow(id).await?;
        self.note("cancel canary", id, None, None, &format!("version {version}")).await
    }

    /// Makes the version on trial the live one, as it is.
    pub async fn promote_canary(&mut self, id: &str) -> Result<u32, StoreError> {
        let flow = self.existing_flow(id).await?;
        let Some((version, _)) = flow.canary else {
            return Err(StoreError::Refused("this call flow has no canary"));
        };
        let document = self.version_document(id, version).await?;
        self.make_live(id, version, &document).await?;
        self.note("promote", id, None, None, &format!("version {version}")).await?;
        Ok(version)
    }

    /// Publishes a document, in the name of whoever wrote it.
    pub(crate) async fn publish_document(
        &mut self,
        id: &str,
        document: &Value,
        text: &str,
        author: &str,
        rollout: Rollout,
    ) -> Result<Published, StoreError> {
        let flow = self.existing_flow(id).await?;
        let (digest, findings) = self.compile(id, document).await?;
        self.check_name(id, &flow_name(document, id)).await?;
        let live = match flow.live {
            Some(live) => self.digest(id, live).await?.map(|digest| (live, digest)),
            None => None,
        };
        if let Some((version, live)) = &live
            && *live == digest
        {
            let detail = format!("nothing has changed since version {version}: {}", comment(text));
            self.note("publish", id, Some(live), Some(live), &detail).await?;
            // All callers were to get it: those of a trial get it from now on.
            let ended_canary = flow.canary.map(|(version, _)| version).filter(|_| rollout == Rollout::Live);
            if let Some(ended) = ended_canary {
                self.end_canary(id).await?;
                self.link_flow(id).await?;
                self.note_ended(id, ended, *version).await?;
            }
            return Ok(Published::Unchanged { version: *version, ended_canary });
        }
        if live.is_none() && rollout != Rollout::Live {
            return Err(StoreError::Refused("a call flow without a live version has no canary"));
        }
        let version = flow.last_version + 1;
        let at = self.at().as_unix_micros();
        sqlx::query(
            "INSERT INTO flow_versions (flow_id, version, digest, document, author, comment, published) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(i64::from(version))
        .bind(&digest)
        .bind(document.to_string())
        .bind(author)
        .bind(comment(text))
        .bind(at)
        .execute(self.connection())
        .await?;
        sqlx::query("UPDATE flows SET last_version = $2 WHERE id = $1")
            .bind(id)
            .bind(i64::from(version))
            .execute(self.connection())
            .await?;
        let before = live.map(|(_, digest)| digest);
        let detail = format!("version {version}: {}", comment(text));
        self.note("publish", id, before.as_deref(), Some(&digest), &detail).await?;
        match rollout {
            Rollout::Live => self.make_live(id, version, document).await?,
            Rollout::Canary(share) => self.start_canary(id, version, share).await?,
        }
        let ended_canary = flow.canary.map(|(version, _)| version);
        if let Some(ended) = ended_canary {
            self.note_ended(id, ended, version).await?;
        }
        Ok(Published::Version { version, digest, findings, ended_canary })
    }

    /// Every caller gets it: a trial of another version is over.
    async fn make_live(&mut self, id: &str, version: u32, document: &Value) -> Result<(), StoreError> {
        sqlx::query("UPDATE flows SET live = $2, live_name_key = $3 WHERE id = $1")
            .bind(id)
            .bind(i64::from(version))
            .bind(flow_name(document, id).to_lowercase())
            .execute(self.connection())
            .await?;
        self.end_canary(id).await?;
        self.link_flow(id).await
    }

    async fn end_canary(&mut self, id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE flows SET canary = NULL, canary_share = NULL WHERE id = $1")
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn note_ended(&mut self, id: &str, ended: u32, version: u32) -> Result<(), StoreError> {
        let detail = format!("the trial of version {ended} is over: version {version} takes its place");
        self.note("cancel canary", id, None, None, &detail).await
    }

    async fn note(
        &mut self,
        action: &str,
        object: &str,
        before: Option<&str>,
        after: Option<&str>,
        detail: &str,
    ) -> Result<(), StoreError> {
        Ok(self.audit(Audited { action, kind: "flow", object, before, after, detail }).await?)
    }

    async fn digest(&mut self, id: &str, version: u32) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT digest FROM flow_versions WHERE flow_id = $1 AND version = $2")
            .bind(id)
            .bind(i64::from(version))
            .fetch_optional(self.connection())
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    async fn version_document(&mut self, id: &str, version: u32) -> Result<Value, StoreError> {
        self.existing_flow(id).await?;
        let text = version_text(self.connection(), id, version).await?;
        let missing = || StoreError::MissingVersion { flow: id.to_owned(), version };
        Ok(serde_json::from_str(&text.ok_or_else(missing)?).map_err(DatabaseError::from)?)
    }

    /// Checks a document against all that exists. Gives its digest, and what there is to say.
    async fn compile(&mut self, id: &str, document: &Value) -> Result<(String, Vec<Finding>), StoreError> {
        let outside = self.outside().clone();
        let resources = super::resources::around(self.connection(), &outside).await?;
        let (flow, findings) =
            Flow::compile(&document.to_string(), &resources).map_err(StoreError::InvalidFlow)?;
        if flow.id() != id {
            return Err(StoreError::Renamed { id: id.to_owned(), document: flow.id().to_owned() });
        }
        for (other, version) in flow_links::pinned(document) {
            if version_text(self.connection(), &other, version).await?.is_none() {
                let message = format!("There is no version {version} of the call flow `{other}`.");
                let finding = Finding::new(Code::E05, "/steps", message, "Name another version, or `live`.");
                return Err(StoreError::InvalidFlow(vec![finding]));
            }
        }
        if !flow.runs().is_empty() {
            let others = self.live_flows(id).await?;
            if let Some(found) = cycle(&flow, |id| others.get(id).map(Flow::runs)) {
                return Err(StoreError::InvalidFlow(vec![found]));
            }
        }
        Ok((flow.digest().to_owned(), findings))
    }

    /// The live versions of all other flows, for looking whether one leads back.
    async fn live_flows(&mut self, except: &str) -> Result<BTreeMap<String, Flow>, StoreError> {
        let rows = sqlx::query(
            "SELECT f.id, v.document FROM flows f JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.live \
             WHERE f.id <> $1",
        )
        .bind(except)
        .fetch_all(self.connection())
        .await?;
        let mut flows = BTreeMap::new();
        for row in rows {
            let text: String = row.try_get(1)?;
            if let Ok((flow, _)) = Flow::compile(&text, &Resources::default()) {
                flows.insert(row.try_get(0)?, flow);
            }
        }
        Ok(flows)
    }
}

impl Database {
    /// Publishes what is due: each publication once, by whichever server takes it first. What cannot be published any
    /// more is kept with the reason.
    pub async fn publish_due(&self, now: Wall) -> Result<Vec<Executed>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT flow_id, due, author, comment, document FROM flow_schedule \
             WHERE due <= $1 AND failure IS NULL ORDER BY due LIMIT $2",
        )
        .bind(now.as_unix_micros())
        .bind(DUE_MAX)
        .fetch_all(&self.pool)
        .await?;
        let mut executed = Vec::new();
        for row in rows {
            let (flow, due): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let (author, comment): (String, String) = (row.try_get(2)?, row.try_get(3)?);
            let document: Value = serde_json::from_str(row.try_get(4)?)?;
            let mut change = self.change(&author, now).await?;
            // Whoever deletes the row has it; for all others it is gone.
            let taken =
                sqlx::query("DELETE FROM flow_schedule WHERE flow_id = $1 AND due = $2 AND failure IS NULL")
                    .bind(&flow)
                    .bind(due)
                    .execute(change.connection())
                    .await?;
            if taken.rows_affected() == 0 {
                continue;
            }
            let result = change.publish_document(&flow, &document, &comment, &author, Rollout::Live).await;
            match &result {
                Ok(_) => {
                    change.link_flow(&flow).await.map_err(database_error)?;
                    change.commit().await?;
                }
                Err(StoreError::Database(_)) => {}
                Err(error) => {
                    drop(change);
                    self.keep_failure(&flow, due, &error.to_string(), now).await?;
                }
            }
            executed.push(Executed { flow, result });
        }
        Ok(executed)
    }

    async fn keep_failure(&self, flow: &str, due: i64, why: &str, now: Wall) -> Result<(), DatabaseError> {
        let mut change = self.change("schedule", now).await?;
        sqlx::query("UPDATE flow_schedule SET failure = $3 WHERE flow_id = $1 AND due = $2")
            .bind(flow)
            .bind(due)
            .bind(why)
            .execute(change.connection())
            .await?;
        let entry = Audited {
            action: "publish failed",
            kind: "flow",
            object: flow,
            detail: why,
            ..Audited::default()
        };
        change.audit(entry).await?;
        change.commit_quietly().await
    }
}

/// Of what can go wrong beside the flow itself.
fn database_error(error: StoreError) -> DatabaseError {
    match error {
        StoreError::Database(error) => error,
        other => DatabaseError::Flow(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
