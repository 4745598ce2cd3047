//! The steps of a test as they are told: what was tried, what came of it, and what helps.

use serde::Serialize;
use tokio::sync::mpsc;

/// What is tried, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Dns,
    Connection,
    Options,
    Register,
    Call,
    Audio,
    Keys,
    Quality,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::Dns,
        Kind::Connection,
        Kind::Options,
        Kind::Register,
        Kind::Call,
        Kind::Audio,
        Kind::Keys,
        Kind::Quality,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Dns => "DNS",
            Kind::Connection => "Connection",
            Kind::Options => "OPTIONS",
            Kind::Register => "REGISTER",
            Kind::Call => "Call",
            Kind::Audio => "Audio",
            Kind::Keys => "Keys",
            Kind::Quality => "Quality",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has begun; the step comes again with what became of it.
    Running,
    Ok,
    Failed,
    Skipped,
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Step {
    pub step: Kind,
    pub name: &'static str,
    /// Where it went, as in `udp 192.0.2.1:5060`, where there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub outcome: Outcome,
    /// What was done and found.
    pub text: String,
    /// What to do about it, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Where the steps go. Cloning shares it.
#[derive(Clone)]
pub struct Steps(mpsc::Sender<Step>);

impl Steps {
    pub fn new() -> (Self, mpsc::Receiver<Step>) {
        let (sender, receiver) = mpsc::channel(1);
        (Steps(sender), receiver)
    }

    /// Waits until nobody listens any more.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    pub async fn running(&self, step: Kind, target: Option<String>, text: impl Into<String>) {
        self.tell(step, target, Outcome::Running, text.into(), None).await;
    }

    pub async fn ok(&self, step: Kind, target: Option<String>, text: impl Into<String>) {
        self.tell(step, target, Outcome::Ok, text.into(), None).await;
    }

    pub async fn failed(
        &self,
        step: Kind,
        target: Option<String>,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.tell(step, target, Outcome::Failed, text.into(), Some(remedy.into())).await;
    }

    pub async fn skipped(&self, step: Kind, text: impl Into<String>) {
        self.tell(step, None, Outcome::Skipped, text.into(), None).await;
    }

    /// What became of a step that was worked out elsewhere.
    pub async fn found(&self, step: Kind, target: Option<String>, found: Found) {
        match found.remedy {
            None => self.ok(step, target, found.text).await,
            Some(remedy) => self.failed(step, target, found.text, remedy).await,
        }
    }

    async fn tell(
        &self,
        step: Kind,
        target: Option<String>,
        outcome: Outcome,
        text: String,
        remedy: Option<String>,
    ) {
        // Nobody may listen any more: the test ends by that.
        let _ = self.0.send(Step { step, name: step.name(), target, outcome, text, remedy }).await;
    }
}

/// What came of a step: it failed where there is a remedy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    pub text: String,
    pub remedy: Option<String>,
}

impl Found {
    pub fn ok(text: impl Into<String>) -> Self {
        Found { text: text.into(), remedy: None }
    }

    pub fn failed(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Found { text: text.into(), remedy: Some(remedy.into()) }
    }
}
