//! Which call records are meant: the same parameters wherever records are asked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeName {
    Answered,
    VoicemailLeft,
    AbandonedInFlow,
    AbandonedInQueue,
    AbandonedRinging,
    ShortAbandon,
    DisconnectedByFlow,
    CallbackRequested,
    LoopGuard,
    Error,
}

/// The word that a name has in records.
pub fn word(name: impl Serialize) -> Option<String> {
    serde_json::to_value(name).ok()?.as_str().map(str::to_owned)
}

/// Parameters of a route: its own, and those that say which records are meant.
macro_rules! record_query {
    (struct $name:ident { $($own:tt)* }) => {
        #[derive(serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        struct $name {
            $($own)*
            /// Only calls to that Smart Number. A + is written %2B.
            #[param(pattern = "^([^ ][\\s\\S]*)?$")]
            number: Option<String>,
            /// Only calls through the flow with that id.
            flow: Option<String>,
            /// Only calls with that outcome.
            #[param(inline)]
            outcome: Option<$crate::api::resources::record_filter::OutcomeName>,
            /// Only calls that ended for that reason; `rejected`: those that were refused before a flow began.
            #[serde(rename = "endReason")]
            #[param(inline)]
            end_reason: Option<$crate::call::record::EndReason>,
            /// Only calls that the agent with that id took.
            agent: Option<String>,
            /// How the caller's number begins. A + is written %2B.
            #[param(pattern = "^([^ ][\\s\\S]*)?$")]
            caller: Option<String>,
            /// How the call's id, its key or the caller's Call-ID begins.
            call: Option<String>,
            /// Calls that started not before, RFC 3339.
            #[param(format = "date-time")]
            from: Option<String>,
            /// Calls that started before, RFC 3339.
            #[param(format = "date-time")]
            until: Option<String>,
        }

        impl $name {
            fn filter(
                &self,
            ) -> Result<$crate::store::database::record_list::Filter, $crate::api::problem::Problem> {
                use $crate::api::{parameter::time, resources::record_filter::word};
                Ok($crate::store::database::record_list::Filter {
                    number: self.number.clone(),
                    flow_id: self.flow.clone(),
                    outcome: self.outcome.and_then(word),
                    agent_id: self.agent.clone(),
                    end_reason: self.end_reason.and_then(word),
                    caller: self.caller.clone(),
                    call: self.call.clone(),
                    from: self.from.as_deref().map(|text| time("from", text)).transpose()?,
                    until: self.until.as_deref().map(|text| time("until", text)).transpose()?,
                })
            }
        }
    };
}
pub(super) use record_query;
