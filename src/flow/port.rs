//! The ways out of a step.

use std::borrow::Cow;

/// A step's way out. Options of a menu and branches are numbered in the order of the document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Port {
    Next,
    Error,
    NoInput,
    Invalid,
    NoResponse,
    Any,
    None,
    Open,
    Closed,
    Holiday,
    NoAnswer,
    Busy,
    Unavailable,
    Rejected,
    Failed,
    AfterCall,
    Body,
    Completed,
    Empty,
    Break,
    Match,
    NoMatch,
    Return,
    Success,
    HttpError,
    Found,
    NotFound,
    Key(u8),
    Branch(u8),
}

impl Port {
    /// Its name where it needs no look at the step.
    pub fn fixed_name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Port::Next => "next",
            Port::Error => "error",
            Port::NoInput => "no_input",
            Port::Invalid => "invalid",
            Port::NoResponse => "no_response",
            Port::Any => "any",
            Port::None => "none",
            Port::Open => "open",
            Port::Closed => "closed",
            Port::Holiday => "holiday",
            Port::NoAnswer => "no_answer",
            Port::Busy => "busy",
            Port::Unavailable => "unavailable",
            Port::Rejected => "rejected",
            Port::Failed => "failed",
            Port::AfterCall => "after_call",
            Port::Body => "body",
            Port::Completed => "completed",
            Port::Empty => "empty",
            Port::Break => "break",
            Port::Match => "match",
            Port::NoMatch => "no_match",
            Port::Return => "return",
            Port::Success => "success",
            Port::HttpError => "http_error",
            Port::Found => "found",
            Port::NotFound => "not_found",
            Port::Key(i) => return Cow::Owned(format!("key:{i}")),
            Port::Branch(i) => return Cow::Owned(format!("b:{i}")),
        })
    }

    /// Ports of the same step that stand in for it, in order, before the flow's fallback does.
    /// flows.md 1.2 rule 1 and, for `time`, 1.3.
    pub fn stand_ins(self) -> &'static [Port] {
        match self {
            Port::NoResponse => &[],
            Port::Empty => &[Port::Completed, Port::NoResponse],
            Port::Holiday => &[Port::Closed, Port::NoResponse],
            _ => &[Port::NoResponse],
        }
    }
}
