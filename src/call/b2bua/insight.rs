//! What is known of a call's legs for whoever looks into it, and what of it is trouble.

use super::caller::CallerState;
use super::{Call, Context};
use crate::call::live::leg_number;
use crate::call::media_leg::MediaLeg;
use crate::call::ports::ThreadId;
use crate::call::record::TroubleRecord;
use crate::call::switchboard::Switchboard;
use crate::call::troubles::{LegFacts, Severity, Trouble, troubles};
use crate::clock::{Instant, Now, Wall};
use crate::flow::{DialId, Party};
use crate::hidden::Hidden;
use crate::ids::{CallId, LegId};
use crate::media::Condition;
use std::net::IpAddr;

/// Troubles kept for a record: a few of each leg; one that comes and goes is kept once.
const TROUBLES_MAX: usize = 8;

/// What of a call can be looked into.
#[derive(Clone, PartialEq, Debug)]
pub struct Insight {
    /// The thread that has its media.
    pub thread: ThreadId,
    /// The caller's first.
    pub legs: Vec<(LegId, LegFacts)>,
    pub answered: Option<Wall>,
}

impl Switchboard {
    /// What is known of a call in progress, its audio apart, which its media thread knows.
    pub fn insight(&self, id: CallId) -> Option<Insight> {
        self.calls.get(&id).map(Call::insight)
    }
}

impl Call {
    fn insight(&self) -> Insight {
        let answered = match self.caller.state {
            CallerState::Answered(at) => Some(at),
            CallerState::Gone { answered } => answered,
            CallerState::Ringing { .. } => None,
        };
        Insight { thread: self.caller.media.thread, legs: self.leg_facts(), answered }
    }

    fn leg_facts(&self) -> Vec<(LegId, LegFacts)> {
        let caller = &self.caller;
        let answered = matches!(caller.state, CallerState::Answered(_));
        let mut first = facts(0, "the caller".to_owned(), caller.peer, &caller.media);
        first.unacknowledged_since = caller.unacknowledged_since.filter(|_| answered);
        let mut legs = vec![(caller.media.leg, first)];
        for dialled in &self.dialled {
            if let Some((media, peer)) = dialled.media_at() {
                let number = leg_number(dialled.dial);
                legs.push((media.leg, facts(number, dialled.name.clone(), peer, media)));
            }
        }
        legs
    }

    /// What is wrong with the call now, as far as the last news of its media says.
    pub(in crate::call) fn troubles(&self, now: Instant) -> Vec<Trouble> {
        let legs: Vec<_> = self.leg_facts().into_iter().map(|(_, facts)| facts).collect();
        troubles(now, &legs)
    }

    pub(super) fn condition_changed(
        &mut self,
        party: Party,
        condition: Condition,
        context: &mut Context<'_>,
    ) {
        let Some(media) = self.media(party) else { return };
        media.condition = condition;
        self.is_changed = true;
        self.note_troubles(context.now);
    }

    /// Keeps for the record what is wrong now and was not noted yet.
    pub(super) fn note_troubles(&mut self, now: Now) {
        for trouble in self.troubles(now.instant) {
            let is_known = self.noted.iter().any(|(leg, kind)| (*leg, *kind) == (trouble.leg, trouble.kind));
            if is_known || trouble.severity == Severity::Info || self.noted.len() >= TROUBLES_MAX {
                continue;
            }
            self.noted.push((trouble.leg, trouble.kind));
            let party = match trouble.leg.checked_sub(1) {
                None => Party::Caller,
                Some(dial) => Party::Dialled(DialId(dial)),
            };
            let party = self.party_name(party);
            tracing::info!(
                call = %self.id, party = %Hidden::party(&party), trouble = %Hidden::sentence(&trouble.text),
                "trouble"
            );
            let Trouble { kind, severity, text, remedy, .. } = trouble;
            self.trouble_records.push(TroubleRecord { at: now.wall, party, kind, severity, text, remedy });
        }
    }
}

fn facts(leg: u32, name: String, signalling: IpAddr, media: &MediaLeg) -> LegFacts {
    let agreed = media.agreed();
    LegFacts {
        leg,
        name,
        sdp: agreed.map(|agreed| agreed.remote_rtp),
        signalling,
        codec: media.codec(),
        condition: media.condition,
        hears: agreed.is_none_or(|agreed| agreed.direction.sends()),
        speaks: agreed.is_none_or(|agreed| agreed.direction.receives()),
        unacknowledged_since: None,
    }
}
