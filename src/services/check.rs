//! Trying something step by step, as an administrator would: what was tried, what came of it, and what to do about it.

use tokio::sync::mpsc;

/// One step of a check.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct CheckStep {
    /// What was tried.
    pub name: String,
    #[serde(rename = "passed")]
    pub is_passed: bool,
    /// What came of it.
    pub text: String,
    /// What to do about it, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl CheckStep {
    pub fn passed(name: &str, text: impl Into<String>) -> Self {
        CheckStep { name: name.to_owned(), is_passed: true, text: text.into(), remedy: None }
    }

    pub fn failed(name: &str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        CheckStep { name: name.to_owned(), is_passed: false, text: text.into(), remedy: Some(remedy.into()) }
    }
}

/// Where the steps of a check go, each as soon as it is done.
pub struct CheckSteps(mpsc::Sender<CheckStep>);

impl CheckSteps {
    pub fn new() -> (Self, mpsc::Receiver<CheckStep>) {
        let (sender, receiver) = mpsc::channel(1);
        (CheckSteps(sender), receiver)
    }

    /// Whoever does not listen any more is told nothing; the check goes on to its end.
    pub async fn tell(&self, step: CheckStep) {
        let _ = self.0.send(step).await;
    }
}
