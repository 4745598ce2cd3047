//! What became of each widget, in words.

use crate::flow::finding::{Finding, quoted};
use serde::Serialize;
use std::fmt;

/// What became of one widget.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub widget: String,
    /// Studio's word for its type, such as `say-play`.
    pub kind: String,
    pub outcome: Outcome,
    /// The steps it became, the first first; for a widget that is left out, a step that stands in for it.
    pub steps: Vec<String>,
    pub sentence: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Mapped,
    /// Mapped, and somebody has to look at it before the flow goes live.
    Attention,
    LeftOut,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Mapped => "mapped",
            Outcome::Attention => "needs attention",
            Outcome::LeftOut => "left out",
        };
        let (widget, kind) = (quoted(&self.widget), quoted(&self.kind));
        write!(f, "{widget} ({}): {outcome}. {}", kind.trim_matches('`'), self.sentence)
    }
}

/// Sentences about one widget. More than a few help nobody.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Notes {
    remarks: Vec<String>,
    attention: Vec<String>,
    more: usize,
}

const NOTES_MAX: usize = 8;

impl Notes {
    /// Good to know; nothing has to be done.
    pub fn remark(&mut self, sentence: impl Into<String>) {
        if self.remarks.len() < NOTES_MAX {
            self.remarks.push(sentence.into());
        }
    }

    /// Something that a person has to look at.
    pub fn attention(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if self.attention.contains(&sentence) {
            return;
        }
        if self.attention.len() < NOTES_MAX {
            self.attention.push(sentence);
        } else {
            self.more += 1;
        }
    }

    pub fn needs_attention(&self) -> bool {
        !self.attention.is_empty()
    }

    /// All of it after a first sentence.
    pub fn after(self, first: String) -> String {
        let mut sentences = vec![first];
        sentences.extend(self.remarks);
        sentences.extend(self.attention);
        if self.more > 0 {
            sentences.push(format!("There are {} more such places.", self.more));
        }
        sentences.join(" ")
    }
}

/// Puts what keeps the document from compiling into the lines of the widgets it is about, or of the one at `start`.
pub(super) fn add_findings(findings: &[Finding], report: &mut [Line], start: usize) {
    for finding in findings {
        let step = finding.pointer.strip_prefix("/steps/").and_then(|rest| rest.split('/').next());
        let owner = step.and_then(|step| report.iter().position(|line| line.steps.iter().any(|s| s == step)));
        if let Some(line) = report.get_mut(owner.unwrap_or(start)) {
            if line.outcome == Outcome::Mapped || owner.is_none() {
                line.outcome = Outcome::Attention;
            }
            line.sentence.push_str(&format!(" The flow does not compile: {finding}"));
        }
    }
}
