//! What the store says, in the words of the API.

use crate::api::problem::{Problem, Wrong};
use crate::api::request::etag;
use crate::store::database::objects::{Pointer, StoreError};
use axum::http::header;
use serde::Serialize;
use utoipa::ToSchema;

/// Something that points to an object.
#[derive(Serialize, ToSchema)]
pub struct PointerItem {
    /// `number`, `flow`, …
    kind: String,
    id: String,
    /// Of a flow, the version that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

/// What points to an object.
#[derive(Serialize, ToSchema)]
pub struct Pointers {
    items: Vec<PointerItem>,
}

impl From<Vec<Pointer>> for Pointers {
    fn from(pointers: Vec<Pointer>) -> Self {
        let shown =
            |pointer: Pointer| PointerItem { kind: pointer.kind, id: pointer.id, version: pointer.version };
        Pointers { items: pointers.into_iter().map(shown).collect() }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Invalid(findings) => {
                let wrong = findings.into_iter().map(|finding| Wrong {
                    pointer: finding.place,
                    message: finding.message,
                    severity: None,
                    code: None,
                    remedy: Some(finding.remedy).filter(|remedy| !remedy.is_empty()),
                });
                Problem::invalid("the document has errors").with_findings(wrong.collect())
            }
            StoreError::InvalidFlow(findings) => Problem::invalid("the call flow has errors")
                .with_findings(findings.into_iter().map(Wrong::from).collect()),
            StoreError::Missing { .. } | StoreError::MissingVersion { .. } => Problem::not_found(text),
            StoreError::Stale { current } => {
                Problem::stale("it was changed by somebody else since it was read: read it again")
                    .with_header(header::ETAG, etag(&current))
            }
            StoreError::Renamed { .. } => Problem::invalid(text.clone()).at("/id", text),
            StoreError::Refused(_) => Problem::invalid(text),
            StoreError::Exists { .. }
            | StoreError::InUse(_)
            | StoreError::NameTaken { .. }
            | StoreError::NotPaused(_) => Problem::conflict(text),
            StoreError::Database(error) => error.into(),
        }
    }
}
