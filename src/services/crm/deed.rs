//! What a CRM is told of a call, and what becomes of it.

use crate::store::database::outbox::CrmTask;
use std::fmt;

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

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
