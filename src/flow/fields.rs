//! The fields of a document, of its settings and of each step, with what they mean.

use super::reading::Field;

pub(super) const FLOW_FIELDS: [Field; 7] = [
    ("schema", "The form of the document: callflow/1."),
    ("id", "What the flow is called by others; it never changes."),
    ("name", "What people call it; no other flow has the same name."),
    ("description", "What the flow is for, for people."),
    ("settings", "What holds for the whole call."),
    ("entry", "The id of the step that a call begins with."),
    ("steps", "The steps by their ids."),
];

/// Whether a document has such a key.
pub fn is_document_key(key: &str) -> bool {
    FLOW_FIELDS.iter().any(|(name, _)| *name == key)
}

pub(super) const STEP_FIELDS: [Field; 5] = [
    ("type", "What the step does."),
    ("name", "What people call it; no other step of the flow has the same name."),
    ("config", "The fields of its type."),
    ("on", "Where each port leads: the id of a step, or null for nowhere."),
    ("ui", "Where it is drawn; the server keeps it and does not read it."),
];

pub(super) const SETTINGS_FIELDS: [Field; 15] = [
    ("timeZone", "The IANA zone of the flow's times, as in America/New_York; the account's without it."),
    (
        "language",
        "The language of spoken texts and of built-in prompts (BCP 47); en-US where it is left out.",
    ),
    ("voice", "The voice of spoken texts; the engine's own where it is left out."),
    (
        "assignAbandonedTo",
        "Who gets the task for an abandoned call: a user of the CRM by id, or an agent who is one; whoever connected the CRM without it.",
    ),
    ("appendFinalStep", "Whether the comments of that task end with the last step of the call."),
    (
        "abandonedSubject",
        "The subject of that task; variables are filled in. Without it: Abandoned call from, and the number.",
    ),
    ("abandonedComments", "The comments of that task; variables are filled in."),
    ("shortAbandonSec", "Callers who hang up within so many seconds make no task."),
    ("recording", "Whether calls are recorded; this version does not record."),
    ("maxCallSec", "How long a call may last, in seconds."),
    ("maxStepsBetweenInput", "How many steps may follow each other without waiting for the caller or a leg."),
    ("maxSubflowDepth", "How many flows may run one another."),
    ("fallback", "The id of the step that ports lead to which are not connected."),
    (
        "answer",
        "When the caller is answered: at the first step that plays or collects (on_first_media), or at once (immediate).",
    ),
    ("status", "A paused flow may be deleted; calls go through it all the same."),
];
