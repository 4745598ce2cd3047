//! Twilio Studio's flow definitions as documents of ours, with a report of what became of each widget.
//!
//! Relied on: the flow definition's JSON schema (`schemas.twilio.com/studio/draft/2019-09/flow-definition`:
//! `initial_state`, 1 to 1,000 `states` of `name`, `type`, `properties` and `transitions`), Twilio's widget library
//! (`twilio.com/docs/studio/widget-library`: properties, transitions and variables of each widget; that conditions
//! ignore case and outer white space stands at Split Based On), and for the spelling of properties and events in JSON
//! the types of `RJPearson94/twilio-sdk-go` (`studio/widgets`). Nothing of theirs is copied.
//!
//! Steps are made from the entry on, only for widgets that a call can come to. A widget that has no step is left out,
//! and what led to it leads on to where its own good way goes, so that the flow stays whole.

mod conditions;
mod http;
mod liquid;
mod names;
mod plan;
mod reach;
mod report;
mod say;
mod source;
mod split;

pub use report::{Line, Outcome};

use super::finding::Finding;
use super::graph::{Flow, Resources};
use plan::Import;
use serde_json::{Value, json};
use source::Source;

/// Largest file in bytes: twice our own largest document, because Studio writes more words for the same.
pub const BYTES_MAX: usize = 1_024 * 1_024;
/// Most widgets: the schema's own limit.
pub const STATES_MAX: usize = 1_000;

/// A flow that was brought over.
#[derive(Clone, PartialEq, Debug)]
pub struct Imported {
    /// In the form of `callflow/1`. It compiles, unless the report says what keeps it from that.
    pub document: Value,
    /// A line for each widget, in the order of the file.
    pub report: Vec<Line>,
    /// The document has no errors.
    pub compiles: bool,
}

/// Why a file is no flow that could be brought over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("The file has more than 1 MB; Studio's flows are smaller.")]
    TooLarge,
    #[error("The file is no JSON: {0}.")]
    NotJson(#[from] serde_json::Error),
    #[error("The file is no flow definition of Twilio Studio: it has no list of `states`.")]
    NoStates,
    #[error("The flow has {count} widgets; Studio allows 1,000.")]
    TooManyStates { count: usize },
    #[error("The flow begins with {name}, which is none of its widgets.")]
    NoStart { name: String },
    #[error(
        "The flow does nothing with calls: its trigger leads nowhere for an incoming call, request or parent."
    )]
    NoCalls,
}

/// Reads a flow definition, by itself or as `definition` in what Studio's REST API returns.
pub fn import(text: &str) -> Result<Imported, ImportError> {
    if text.len() > BYTES_MAX {
        return Err(ImportError::TooLarge);
    }
    let source = Source::read(text)?;
    let entry = plan::entry(&source)?;
    let mut import = Import::new(&source);
    let entry_step = import.run(entry);
    let (steps, mut report) = import.finish(entry);
    let document = json!({
        "schema": "callflow/1",
        "id": source.id(),
        "name": source.name,
        "description": source.description,
        "settings": {},
        "entry": entry_step,
        "steps": steps,
    });
    let found = match Flow::compile(&printed(&document), &Resources::default()) {
        Ok(_) => Vec::new(),
        Err(findings) => findings.into_iter().filter(Finding::is_error).collect(),
    };
    let compiles = found.is_empty();
    report::add_findings(&found, &mut report, source.start);
    Ok(Imported { document, report, compiles })
}

/// The document as it is written to a file.
pub fn printed(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

impl Imported {
    /// "9 of 12 widgets mapped, of which 1 needs attention; 3 left out".
    pub fn summary(&self) -> String {
        let count = |outcome| self.report.iter().filter(|line| line.outcome == outcome).count();
        let attention = count(Outcome::Attention);
        let mapped = count(Outcome::Mapped) + attention;
        let total = self.report.len();
        let widgets = if total == 1 { "widget" } else { "widgets" };
        let attention = match attention {
            0 => String::new(),
            1 => ", of which 1 needs attention".to_owned(),
            more => format!(", of which {more} need attention"),
        };
        let left_out = match count(Outcome::LeftOut) {
            0 => String::new(),
            left_out => format!("; {left_out} left out"),
        };
        format!("{mapped} of {total} {widgets} mapped{attention}{left_out}")
    }
}

#[cfg(test)]
mod tests;
