//! A leg that passes: from one call to another, or from one dialog to another (see `transfer.rs`).

use super::{Dialled, Fork, Stage};
use crate::call::b2bua::Context;
use crate::call::index::Index;
use crate::call::transfer::Moved;
use crate::call::trunk::FailOver;
use crate::sdp::Refusal;
use crate::sip::DialogId;
use crate::sip::message::Response;
use std::collections::VecDeque;
use std::net::IpAddr;

impl Dialled {
    /// A leg that talked in another call, and whose peer is asked to send its media here.
    pub fn moved(moved: Moved) -> Self {
        let Moved { dial, dialog, media, name, peer, agent, trunk, .. } = moved;
        Dialled {
            dial,
            name,
            talking: agent.is_some(),
            agent,
            stage: Stage::Answered(dialog),
            media: Some(media),
            max_forwards: 0,
            peer,
            over: trunk.clone(),
            said: Vec::new(),
            forks: vec![Fork { dialog, peer, trunk, fail_over: FailOver::Usual, next: None }],
            resolving: Vec::new(),
            groups: VecDeque::new(),
            failed: None,
        }
    }

    /// Lets its dialog go, which goes on in another call; the media here are yet to be closed.
    pub fn release(&mut self, moved: Moved) -> Moved {
        self.stage = Stage::Over;
        let fork = self.forks.pop();
        let agent = self.agent.clone().filter(|_| std::mem::take(&mut self.talking));
        let trunk = fork.and_then(|fork| fork.trunk);
        Moved { name: self.name.clone(), peer: self.peer, agent, trunk, ..moved }
    }

    /// The answer to the offer that moved its media.
    pub fn moved_answered(&mut self, response: &Response, context: &mut Context<'_>) -> Result<(), Refusal> {
        let media = self.media.as_mut().ok_or(Refusal::NoAudio)?;
        media.accept(response.body(), self.peer, &context.settings.media, context.actions)
    }

    /// Another dialog takes the place of the one that was answered, which is given back; the agent may be another, too.
    pub fn succeeded(
        &mut self,
        dialog: DialogId,
        peer: IpAddr,
        agent: Option<&str>,
        index: &mut Index,
    ) -> Option<DialogId> {
        let Stage::Answered(old) = self.stage else { return None };
        let fork = self.forks.first_mut()?;
        (fork.dialog, fork.peer) = (dialog, peer);
        (self.stage, self.peer) = (Stage::Answered(dialog), peer);
        if let Some(agent) = agent {
            self.release_agent(index);
            index.starts_talking(agent);
            (self.agent, self.name, self.talking) = (Some(agent.to_owned()), agent.to_owned(), true);
        }
        Some(old)
    }
}
