//! What flows look up while they run: the same for all calls of one snapshot.

use super::{CallerList, Flow};
use std::collections::HashMap;
use std::sync::Arc;

/// Callers in lists, and flows that other flows run.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// By id.
    pub caller_lists: HashMap<String, CallerList>,
    /// By id.
    pub flows: HashMap<String, LiveFlow>,
}

/// The version of a flow that new calls start on.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveFlow {
    pub flow: Arc<Flow>,
    pub version: u32,
}
