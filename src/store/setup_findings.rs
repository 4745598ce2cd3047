//! What there is to say about the set-up in the store: of each object, and of all together.

use super::assemble::Catalogue;
use super::database::flows::{self, FlowHead};
use super::database::objects::{self as stored, StoredObject};
use super::database::{Database, DatabaseError};
use super::doubts::{self, Doubt};
use super::objects::{self, Kind};
use super::passwords::{self, Passwords};
use crate::call::snapshot::Answers;
use crate::config::reader::Severity;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One thing to say about an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetupFinding {
    /// [`Kind::word`], or `flow`.
    pub kind: &'static str,
    /// Empty where it is about all of the kind.
    pub id: String,
    /// It stops calls, or a publication.
    pub is_error: bool,
    /// Where in the object: a JSON pointer.
    pub pointer: String,
    pub message: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

/// What the configuration says beside the objects.
#[derive(Clone, Default, Debug)]
pub struct Configured {
    /// The provisioned folder, which files of passwords are found from.
    pub folder: Option<PathBuf>,
    /// The names of `[[tls.client]]`.
    pub tls_clients: Vec<String>,
}

/// All of one moment, as it is kept.
pub struct Setup {
    objects: Vec<StoredObject>,
    flows: Vec<FlowHead>,
}

impl Setup {
    /// Holds up nobody who writes.
    pub async fn read(database: &Database) -> Result<Setup, DatabaseError> {
        let mut look = database.look().await?;
        let objects = stored::all(&mut look).await?;
        let flows = flows::heads(&mut look).await?;
        look.commit().await?;
        Ok(Setup { objects, flows })
    }

    /// Looks at each and at all together; lists of 100,000 callers take their time.
    pub fn findings(self, configured: &Configured) -> Vec<SetupFinding> {
        say(self.objects, &self.flows, configured)
    }
}

fn say(objects: Vec<StoredObject>, heads: &[FlowHead], configured: &Configured) -> Vec<SetupFinding> {
    let passwords = Passwords::of(configured.folder.as_deref());
    let mut found = Vec::new();
    let mut catalogue = Catalogue::default();
    let mut numbers = Vec::new();
    for object in objects {
        let id = object.id;
        let (checked, said) = match objects::check(object.kind, &object.document) {
            Ok((checked, _, said)) => (Some(checked), said),
            Err(said) => (None, said),
        };
        found.extend(said.into_iter().map(|finding| SetupFinding {
            kind: object.kind.word(),
            id: id.clone(),
            is_error: finding.severity == Severity::Error,
            pointer: finding.place,
            message: finding.message,
            remedy: finding.remedy,
        }));
        let Some(checked) = checked else { continue };
        found.extend(unreadable_password(&passwords, object.kind, &id, &object.document));
        if let objects::Object::Number(number) = &checked.object
            && let Answers::Flow(flow) = &number.answers
        {
            numbers.push((id.clone(), flow.clone()));
        }
        catalogue.add(id, checked.object);
    }
    let trunks = &catalogue.trunks;
    let accounts = doubts::shared_accounts(catalogue.agents.values(), trunks);
    let doubts = doubts::without_trunks(trunks).into_iter().chain(doubts::shared_ranges(trunks));
    let doubts = doubts.chain(accounts).chain(doubts::open_keys(trunks));
    let doubts = doubts.chain(doubts::unknown_settings(trunks, &configured.tls_clients));
    found.extend(doubts.map(|doubt| of_doubt(Kind::Trunk, doubt)));
    found.extend(doubts::without_numbers(&catalogue.numbers).map(|doubt| of_doubt(Kind::Number, doubt)));
    let shared = doubts::shared_crm_users(catalogue.agents.values());
    found.extend(shared.into_iter().map(|doubt| of_doubt(Kind::Agent, doubt)));
    found.extend(unpublished(numbers, heads));
    found.extend(heads.iter().filter_map(failed_publication));
    // What stops calls first.
    found.sort_by_key(|finding| !finding.is_error);
    found
}

fn of_doubt(kind: Kind, doubt: Doubt) -> SetupFinding {
    SetupFinding {
        kind: kind.word(),
        id: doubt.id,
        is_error: false,
        pointer: String::new(),
        message: doubt.message,
        remedy: doubt.remedy.to_owned(),
    }
}

/// An account without its password: nobody registers with it, and no challenge is answered.
fn unreadable_password(
    passwords: &Passwords,
    kind: Kind,
    id: &str,
    document: &Value,
) -> Option<SetupFinding> {
    let path = passwords.unreadable(document)?;
    Some(SetupFinding {
        kind: kind.word(),
        id: id.to_owned(),
        is_error: false,
        pointer: "/password".to_owned(),
        message: format!("the password cannot be read from {}: the account is without", path.display()),
        remedy: passwords::REMEDY.to_owned(),
    })
}

/// Numbers that lead to a flow without a live version.
fn unpublished(numbers: Vec<(String, String)>, heads: &[FlowHead]) -> impl Iterator<Item = SetupFinding> {
    let live: BTreeMap<String, bool> =
        heads.iter().map(|flow| (flow.id.clone(), flow.live.is_some())).collect();
    numbers.into_iter().filter(move |(_, flow)| !live.get(flow).copied().unwrap_or(false)).map(
        |(id, flow)| SetupFinding {
            kind: Kind::Number.word(),
            id,
            is_error: false,
            pointer: "/flow".to_owned(),
            message: format!(
                "leads to the call flow \"{flow}\", which was never published: its calls are refused"
            ),
            remedy: "publish the call flow".to_owned(),
        },
    )
}

fn failed_publication(flow: &FlowHead) -> Option<SetupFinding> {
    let scheduled = flow.scheduled.as_ref()?;
    let failure = scheduled.failure.as_ref()?;
    Some(SetupFinding {
        kind: "flow",
        id: flow.id.clone(),
        is_error: true,
        pointer: String::new(),
        message: format!("was not published at {}: {failure}", scheduled.due),
        remedy: "mend it and publish it, or take the publication back".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Wall;
    use crate::store::database::testing::for_each_engine;
    use serde_json::json;

    #[test]
    fn what_is_odd_about_the_store_is_said_by_object() {
        for_each_engine(async |database| {
            let noon = Wall::from_unix_seconds(1_795_000_000);
            let empty = Setup::read(&database).await.unwrap().findings(&Configured::default());
            let said: Vec<&str> = empty.iter().map(|finding| finding.message.as_str()).collect();
            assert_eq!(
                said,
                ["there is no trunk: nobody may call in", "there is no number: every call is refused"]
            );
            let mut change = database.change("ann", noon).await.unwrap();
            let flow = json!({"schema": "callflow/1", "id": "f", "name": "F", "entry": "bye",
                "steps": {"bye": {"type": "hangup", "name": "Bye", "config": {}, "on": {}}}});
            change.create_flow(&flow).await.unwrap();
            for (kind, document) in [
                (Kind::Trunk, json!({"id": "a", "match": ["192.0.2.0/24"], "defaultCountry": "US"})),
                (Kind::Trunk, json!({"id": "b", "match": ["192.0.2.0/24"], "defaultCountry": "US"})),
                (Kind::Agent, json!({"id": "alice"})),
                (Kind::Number, json!({"e164": "+15550100", "flow": "f"})),
            ] {
                change.create_object(kind, &document).await.unwrap();
            }
            change.commit().await.unwrap();
            let said = Setup::read(&database).await.unwrap().findings(&Configured::default());
            let said: Vec<(&str, &str)> =
                said.iter().map(|finding| (finding.id.as_str(), finding.message.as_str())).collect();
            for (id, part) in [
                ("b", "192.0.2.0/24 is another trunk's range too"),
                ("alice", "no call can reach this agent"),
                ("+15550100", "was never published"),
            ] {
                assert!(said.iter().any(|(of, text)| *of == id && text.contains(part)), "{part}: {said:?}");
            }
            let mut change = database.change("ann", noon).await.unwrap();
            let rollout = crate::store::database::publish::Rollout::Live;
            change.publish("f", None, "first", rollout).await.unwrap();
            change.commit().await.unwrap();
            assert!(
                !Setup::read(&database)
                    .await
                    .unwrap()
                    .findings(&Configured::default())
                    .iter()
                    .any(|finding| finding.id == "+15550100")
            );
        });
    }
    #[test]
    fn what_a_trunk_needs_of_the_server_and_is_not_there_is_said() {
        for_each_engine(async |database| {
            let mut change = database.change("ann", Wall::from_unix_seconds(1_795_000_000)).await.unwrap();
            let trunk = json!({"id": "a", "host": "192.0.2.1;transport=tls", "tlsClient": "foo", "username": "u",
                "password": "${file:secrets/none}"});
            change.create_object(Kind::Trunk, &trunk).await.unwrap();
            change.commit().await.unwrap();
            let configured =
                Configured { folder: Some("/nonexistent".into()), tls_clients: vec!["acme".to_owned()] };
            let said = Setup::read(&database).await.unwrap().findings(&configured);
            let of = |part: &str| said.iter().find(|finding| finding.message.contains(part));
            assert!(of("no [[tls.client]] is named \"foo\"").is_some(), "{said:?}");
            let unreadable = of("/nonexistent/secrets/none").unwrap_or_else(|| panic!("{said:?}"));
            assert_eq!((unreadable.kind, unreadable.id.as_str()), ("trunk", "a"));
            assert_eq!(unreadable.pointer, "/password");
            assert!(unreadable.remedy.contains("SIGHUP"), "{unreadable:?}");
        });
    }
}
