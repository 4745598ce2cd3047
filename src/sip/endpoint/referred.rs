//! Dialogs as transfers name them (RFC 3515, RFC 3891).

use super::Endpoint;
use crate::sip::DialogId;
use crate::sip::dialog::{Dialog, Phase};
use crate::sip::message::SipUri;
use crate::sip::refer::Replaces;

/// How far a dialog has come that another is to take the place of (RFC 3891 section 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Nobody has answered.
    Early,
    Established,
    /// We have ended it.
    Over,
}

impl Endpoint {
    /// The dialog that a peer names by its own view of it.
    pub fn find_replaced(&self, replaces: &Replaces) -> Option<(DialogId, Standing)> {
        let id = self.dialogs.find(&replaces.call_id, &replaces.to_tag, &replaces.from_tag)?;
        let standing = match &self.dialogs.by_id.get(&id)?.phase {
            Phase::Incoming { .. } | Phase::Outgoing(_) => Standing::Early,
            Phase::Established(established) if established.hangup.is_none() => Standing::Established,
            Phase::Established(_) | Phase::Ending { .. } => Standing::Over,
        };
        Some((id, standing))
    }

    /// An established dialog as its peer sees it, and where the peer is: what somebody else needs to take our place in it
    /// (RFC 3515, Refer-To with Replaces).
    pub fn named_for_others(&self, dialog: DialogId) -> Option<(SipUri, Replaces)> {
        let Dialog { phase: Phase::Established(established), .. } = self.dialogs.by_id.get(&dialog)? else {
            return None;
        };
        let state = &established.state;
        let replaces = Replaces {
            call_id: state.call_id.to_string(),
            to_tag: state.remote_tag.to_string(),
            from_tag: state.local_tag.to_string(),
            early_only: false,
        };
        Some((state.target.clone(), replaces))
    }

    /// Whether a re-INVITE could be sent in it now.
    pub fn takes_reinvite(&self, dialog: DialogId) -> bool {
        let phase = self.dialogs.by_id.get(&dialog).map(|owner| &owner.phase);
        matches!(phase, Some(Phase::Established(established))
            if established.hangup.is_none() && established.invite_in.is_none() && established.invite_out.is_none())
    }
}
