//! What exists around flows, for checking a document against it.

use super::{Database, DatabaseError};
use crate::flow::Resources;
use crate::store::objects::Kind;
use sqlx::{AnyConnection, Row};
use std::collections::BTreeSet;

impl Database {
    /// What flows may refer to at one moment. It holds up no writer and waits for none.
    pub async fn resources(&self) -> Result<Resources, DatabaseError> {
        let mut look = self.look().await?;
        let resources = around(&mut look, self.outside()).await?;
        look.commit().await?;
        Ok(resources)
    }
}

/// What flows may refer to, as a connection sees it: within a change with all that it has done.
/// `outside` is what the configuration has.
pub(super) async fn around(
    connection: &mut AnyConnection,
    outside: &Resources,
) -> Result<Resources, DatabaseError> {
    let mut resources = Resources {
        agents: Some(ids(connection, Kind::Agent.word()).await?),
        lists: Some(ids(connection, Kind::List.word()).await?),
        schedules: Some(ids(connection, Kind::Schedule.word()).await?),
        prompts: Some(ids(connection, "prompt").await?),
        flows: Some(ids(connection, "flow").await?),
        ..outside.clone()
    };
    let numbers = sqlx::query(
        "SELECT to_id, from_id FROM links WHERE from_kind = 'number' AND to_kind = 'flow' ORDER BY from_id",
    );
    for row in numbers.fetch_all(connection).await? {
        resources.numbers.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
    }
    Ok(resources)
}

async fn ids(connection: &mut AnyConnection, kind: &str) -> Result<BTreeSet<String>, DatabaseError> {
    let statement = match kind {
        "flow" => "SELECT id FROM flows WHERE $1 <> ''",
        "prompt" => "SELECT id FROM prompts WHERE $1 <> ''",
        _ => "SELECT id FROM objects WHERE kind = $1",
    };
    let rows = sqlx::query(statement).bind(kind).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

#[cfg(test)]
mod tests {
    use crate::clock::Wall;
    use crate::store::database::testing::for_each_engine;
    use crate::store::objects::Kind;
    use serde_json::json;

    #[test]
    fn what_exists_is_told_while_another_changes_it_and_as_it_was_before() {
        for_each_engine(async |database| {
            let noon = Wall::from_unix_seconds(1_795_000_000);
            let agent = |id: &str| json!({"id": id, "uri": "sip:a@127.0.0.1:5070"});
            let mut change = database.change("ann", noon).await.unwrap();
            change.create_object(Kind::Agent, &agent("alice")).await.unwrap();
            change.create_object(Kind::Number, &json!({"e164": "+1", "user": "alice"})).await.unwrap();
            change.commit().await.unwrap();
            // With the lock of the writer this would wait for ever: the change is not ended before it.
            let mut open = database.change("bob", noon).await.unwrap();
            open.create_object(Kind::Agent, &agent("carol")).await.unwrap();
            let seen = database.resources().await.unwrap();
            assert_eq!(seen.agents, Some(["alice".to_owned()].into()));
            assert_eq!((seen.flows, seen.prompts), (Some([].into()), Some([].into())));
            let within = super::around(open.connection(), &Default::default()).await.unwrap();
            assert_eq!(within.agents, Some(["alice".to_owned(), "carol".to_owned()].into()));
            open.commit().await.unwrap();
            assert_eq!(database.resources().await.unwrap().agents, within.agents);
        });
    }
}
