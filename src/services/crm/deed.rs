//! What a CRM is told of a call, and what becomes of it.

use crate::flow::is_crm_user;
use crate::store::database::outbox::CrmTask;
use std::fmt;
use std::time::Duration;

/// Something to be written down, once for each call.
#[derive(Clone, PartialEq, Debug)]
pub struct Deed {
    pub kind: DeedKind,
    pub task: CrmTask,
    /// The CRM's user who gets it; whoever connected the CRM where absent.
    pub owner: Option<String>,
    /// The day of the call where the account is.
    pub day: jiff::civil::Date,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeedKind {
    Task,
    /// A record of an object of its own, like Revenue.io's Conversation.
    Conversation,
}

/// It stands in the CRM.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Done {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// It does not stand there, or nobody knows whether it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotDone {
    /// The CRM's own, where it answered.
    pub words: String,
    pub severity: Severity,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// It was not even tried: no time was left, or what is left of the day's requests is kept for callers.
    NotTried,
    /// The CRM is away, refuses us altogether, or is at its limits: others would fare the same.
    Away,
    /// It was sent, and nobody knows whether it was taken: it may be yet.
    Unknown,
    /// This one may work when it is tried again.
    Passing,
    /// This one never works as it is: somebody has to do something about it.
    Lasting,
}

impl NotDone {
    pub fn new(words: impl Into<String>, severity: Severity) -> Self {
        NotDone { words: words.into(), severity }
    }
}

/// Does one after the other; where the receiver is away, or no time is left to begin another, the rest is not tried.
pub async fn one_by_one<'a, T, F: Future<Output = Result<Done, NotDone>>>(
    items: &'a [T],
    begin_within: Duration,
    send: impl Fn(&'a T) -> F,
) -> Vec<Result<Done, NotDone>> {
    let mut results: Vec<Result<Done, NotDone>> = Vec::with_capacity(items.len());
    let begun = tokio::time::Instant::now();
    for item in items {
        let is_away = matches!(results.last(), Some(Err(before)) if before.severity != Severity::Lasting);
        results.push(match is_away || begun.elapsed() > begin_within {
            true => Err(NotDone::new("It was not tried: the receiver is away or slow.", Severity::NotTried)),
            false => send(item).await,
        });
    }
    results
}

/// The user of the CRM who gets a task; whoever connected the CRM where there is none. `crm_user`: the user that an agent
/// is. The error says why nobody would get it.
pub fn owner(task: &CrmTask, crm_user: impl Fn(&str) -> Option<String>) -> Result<Option<String>, String> {
    match (&task.assign_to, &task.agent_id) {
        (Some(user), _) if is_crm_user(user) => Ok(Some(user.clone())),
        (Some(agent), _) => crm_user(agent).map(Some).ok_or_else(|| {
            format!(
                "\"{agent}\" is neither a user of the CRM nor an agent with a CRM user: give the agent of that id its CRM \
                 user, or write a user's id into the flow"
            )
        }),
        // Of an agent whom the CRM does not know, whoever connected it gets the task.
        (None, Some(agent)) => Ok(crm_user(agent)),
        (None, None) => Ok(None),
    }
}

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
