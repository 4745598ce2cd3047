//! What making the files the truth would do to the database, told without doing it.

use super::apply::{ApplyError, is_kept, original_of};
use super::database::flows::{self, FlowHead};
use super::database::prompts::{self, StoredPrompt};
use super::database::{Database, DatabaseError, objects as stored};
use super::objects::{Kind, etag};
use super::provision::Provisioned;
use crate::flow::{Flow, Resources};
use std::collections::{BTreeMap, BTreeSet};

/// What would be added, changed and removed, each as it is called in a sentence.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    pub add: Vec<String>,
    pub change: Vec<String>,
    pub remove: Vec<String>,
}

/// What the database has, as far as it is compared.
#[derive(Default)]
pub struct Present {
    /// With their etags.
    objects: BTreeMap<(Kind, String), String>,
    flows: BTreeMap<String, FlowHead>,
    /// Of the live versions, by flow.
    digests: BTreeMap<String, String>,
    prompts: BTreeMap<String, StoredPrompt>,
}

impl Present {
    /// Reads one moment of a database, which is left as it is: it may be that of a running server, or of a version whose
    /// tables are not known here.
    pub async fn read(database: &Database) -> Result<Self, DatabaseError> {
        let mut look = database.look().await?;
        let objects = stored::all(&mut look).await?.into_iter();
        let flows = flows::heads(&mut look).await?.into_iter();
        let present = Present {
            objects: objects.map(|object| ((object.kind, object.id), object.etag)).collect(),
            flows: flows.map(|flow| (flow.id.clone(), flow)).collect(),
            digests: flows::live_digests(&mut look).await?,
            prompts: prompts::all(&mut look).await?.into_iter().map(|p| (p.id.clone(), p)).collect(),
        };
        look.commit().await?;
        Ok(present)
    }
}

/// Compares a folder with what is there.
pub fn plan(provisioned: &Provisioned, present: &Present) -> Result<Plan, ApplyError> {
    let mut plan = Plan::default();
    let mut kept: BTreeSet<(Kind, &String)> = BTreeSet::new();
    for (kind, checked, document) in &provisioned.objects {
        kept.insert((*kind, &checked.id));
        let before = present.objects.get(&(*kind, checked.id.clone()));
        let is_same = before.map(|before| *before == etag(&document.to_string()));
        plan.put(is_same, || object(*kind, &checked.id));
    }
    let gone = present.objects.keys().filter(|(kind, id)| !kept.contains(&(*kind, id)));
    plan.remove.extend(gone.map(|(kind, id)| object(*kind, id)));
    plan.flows(provisioned, present);
    for file in &provisioned.prompt_files {
        let (name, language) = provisioned.prompt_about.get(&file.id).cloned().unwrap_or_default();
        let is_same = match present.prompts.get(&file.id) {
            Some(known) => Some(is_kept(known, file, &name, &language, &original_of(file)?)),
            None => None,
        };
        plan.put(is_same, || prompt(&file.id));
    }
    let is_file = |id: &String| provisioned.prompt_files.iter().any(|file| file.id == *id);
    let gone = present.prompts.keys().filter(|id| !is_file(id));
    plan.remove.extend(gone.map(|id| prompt(id)));
    Ok(plan)
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.change.is_empty() && self.remove.is_empty()
    }

    /// `is_same` of what is there already, `None` of what is not.
    fn put(&mut self, is_same: Option<bool>, name: impl FnOnce() -> String) {
        match is_same {
            None => self.add.push(name()),
            Some(false) => self.change.push(name()),
            Some(true) => {}
        }
    }

    fn flows(&mut self, provisioned: &Provisioned, present: &Present) {
        for source in &provisioned.sources {
            // With errors it would not be among the sources.
            let digest = Flow::compile(&source.live.document, &Resources::default())
                .map(|(flow, _)| flow.digest().to_owned())
                .unwrap_or_default();
            let is_live = present.digests.get(&source.id) == Some(&digest);
            let is_same = present.flows.contains_key(&source.id).then_some(is_live);
            self.put(is_same, || flow(&source.id));
        }
        for (id, document) in &provisioned.drafts {
            let before = present.flows.get(id);
            let is_same = before.map(|before| before.draft_etag == etag(&document.to_string()));
            self.put(is_same, || format!("draft of the call flow \"{id}\""));
        }
        let is_there = |id: &String| {
            provisioned.sources.iter().any(|source| source.id == *id)
                || provisioned.drafts.iter().any(|(draft, _)| draft == id)
        };
        self.remove.extend(present.flows.keys().filter(|id| !is_there(id)).map(|id| flow(id)));
    }
}

/// An object as it is called in a sentence.
pub(super) fn object(kind: Kind, id: &str) -> String {
    match kind {
        Kind::Account => "the account".to_owned(),
        Kind::List => format!("list of callers \"{id}\""),
        Kind::Simulation => format!("flow test \"{id}\""),
        Kind::Trunk | Kind::Agent | Kind::Schedule | Kind::Number => format!("{} \"{id}\"", kind.word()),
    }
}

pub(super) fn flow(id: &str) -> String {
    format!("call flow \"{id}\"")
}

pub(super) fn prompt(id: &str) -> String {
    format!("prompt \"{id}\"")
}
