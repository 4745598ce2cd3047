//! What is wrong with a flow document, in words for the person who drew it.

use serde::Serialize;
use std::fmt;

/// The validation codes of flows.md 1.5, and four of our own: E15, W12, W13 and N01.
///
/// A code stands for a family. Where the list names no code for a mistake, the nearest one is used: a value
/// of the wrong JSON type or an unknown word is E03, a number or a length outside its range is E14.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Code {
    /// Entry missing.
    E01,
    /// Edge to an unknown step.
    E02,
    /// Unknown type, field or word; a document that is no JSON.
    E03,
    /// Required field empty.
    E04,
    /// Reference to something that does not exist.
    E05,
    /// Duplicate key, branch id or step name.
    E06,
    /// Template does not parse or uses an unknown filter.
    E07,
    /// Regular expression refused.
    E08,
    /// Loop without a body.
    E09,
    /// Cycle of flows that run one another without a wait.
    E10,
    /// Cycle with no step that waits for the caller or a leg.
    E11,
    /// Too large.
    E12,
    /// Weights of a split that do not add up to 100.
    E13,
    /// Minimum above maximum; a value outside its range.
    E14,
    /// A step or a target of the catalogue that this version cannot run. Not of flows.md: it keeps such apart from
    /// what no version knows.
    E15,
    /// Unreachable step.
    W01,
    /// Unconnected port that falls to the built-in end.
    W02,
    /// Variable read before any path sets it.
    W03,
    /// Menu whose `no_input` or `invalid` falls to the built-in end.
    W04,
    /// Dial without a no-answer route.
    W05,
    /// Queue variables not directly before a dial to a queue.
    W07,
    /// Time whose `closed` falls to the built-in end.
    W08,
    /// Number assigned to a paused flow.
    W09,
    /// More than five menu options.
    W10,
    /// Recording on and no consent audio.
    W11,
    /// An address that the server does not ask, unless its configuration allows it. Not of flows.md.
    W12,
    /// A step that asks what the configuration does not name: sms without [sms], query or callout without [crm]. Not of
    /// flows.md.
    W13,
    /// A field that is accepted, but does nothing in this version or in this place.
    N01,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The flow cannot be published or run.
    Error,
    Warning,
    /// Good to know.
    Note,
}

impl Code {
    pub fn severity(self) -> Severity {
        if self <= Code::E15 {
            Severity::Error
        } else if self == Code::N01 {
            Severity::Note
        } else {
            Severity::Warning
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One thing to say about a flow document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    pub code: Code,
    pub severity: Severity,
    /// Where: a JSON pointer, RFC 6901.
    pub pointer: String,
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    pub fn new(
        code: Code,
        pointer: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Finding {
            code,
            severity: code.severity(),
            pointer: pointer.into(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{} {pointer}: {} {}", self.code, self.message, self.remedy)
    }
}

/// Findings as they come up. Keeps the first 1,000: more help nobody, and a hostile document could otherwise
/// have us write a sentence for each of its bytes.
#[derive(Default, Debug)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

const FINDINGS_MAX: usize = 1_000;

impl Report {
    pub fn add(
        &mut self,
        code: Code,
        pointer: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if !self.is_full() {
            self.findings.push(Finding::new(code, pointer, message, remedy));
        }
    }

    /// No more is kept; looking for more is a waste of time.
    pub fn is_full(&self) -> bool {
        self.findings.len() >= FINDINGS_MAX
    }

    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }

    /// Errors first, otherwise in the order found.
    pub fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| finding.severity as u8);
        self.findings
    }
}

/// ", did you mean `x`?" for the known word that is nearest, where one is near.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer words are no slips of the pen, and comparing them costs their length squared.
    const WORD_MAX: usize = 64;
    if word.len() > WORD_MAX {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A word from a document, cut for a message, without control characters.
pub(super) fn quoted(word: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let mut text: String =
        word.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if word.chars().nth(SHOWN_CHARS_MAX).is_some() {
        text.push('…');
    }
    format!("`{text}`")
}
