//! What in a set-up is allowed, but most likely not what was meant: seen across objects, wherever they are kept.

use crate::call::snapshot::{Agent, Number, Trunk};
use crate::flow::crm_user_key;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// What is odd about an object; about all of a kind where no id is named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doubt {
    pub id: String,
    pub message: String,
    pub remedy: &'static str,
}

/// No trunk at all: nobody may call in.
pub fn without_trunks(trunks: &[Trunk]) -> Option<Doubt> {
    trunks.is_empty().then(|| Doubt {
        id: String::new(),
        message: "there is no trunk: nobody may call in".to_owned(),
        remedy: "add a trunk with an id and the ranges that its calls come from (match)",
    })
}

/// No number at all: every call is refused.
pub fn without_numbers(numbers: &[Number]) -> Option<Doubt> {
    numbers.is_empty().then(|| Doubt {
        id: String::new(),
        message: "there is no number: every call is refused".to_owned(),
        remedy: "add a number with e164 and the flow that answers",
    })
}

/// Ranges that two trunks have: the first of them takes all calls from there.
pub fn shared_ranges(trunks: &[Trunk]) -> Vec<Doubt> {
    let (mut ranges, mut doubts): (Vec<IpNet>, Vec<Doubt>) = (Vec::new(), Vec::new());
    for trunk in trunks {
        for net in trunk.sources.iter().map(IpNet::trunc).filter(|net| ranges.contains(net)) {
            let message = format!(
                "the trunk \"{}\": {net} is another trunk's range too, which takes all its calls",
                trunk.id
            );
            doubts.push(Doubt { id: trunk.id.clone(), message, remedy: "give each range to one trunk" });
        }
        ranges.extend(trunk.sources.iter().map(IpNet::trunc));
    }
    doubts
}

/// Trunks whose account has the name of an agent's, or of another trunk's: only one of them can register with it.
pub fn shared_accounts<'a>(agents: impl Iterator<Item = &'a Agent>, trunks: &[Trunk]) -> Vec<Doubt> {
    let mut names: Vec<&str> = agents.map(|agent| agent.id.as_str()).collect();
    let mut doubts = Vec::new();
    for trunk in trunks.iter().filter(|trunk| trunk.register.is_none()) {
        let Some(login) = &trunk.login else { continue };
        let name = login.auth_username.as_str();
        // What this server has with a trunk that it does not let in by it may be named alike.
        if names.contains(&name) && (trunk.authenticate || trunk.sources.is_empty()) {
            let message =
                format!("the trunk \"{}\": its account \"{name}\" has the name of another's here", trunk.id);
            let remedy = "give the trunk another username";
            doubts.push(Doubt { id: trunk.id.clone(), message, remedy });
        }
        names.push(name);
    }
    doubts
}

/// Agents who are the same user of the CRM: the first of them by id is rung for it.
pub fn shared_crm_users<'a>(agents: impl Iterator<Item = &'a Agent>) -> Vec<Doubt> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut doubts = Vec::new();
    let mut agents: Vec<&Agent> = agents.collect();
    agents.sort_by_key(|agent| &agent.id);
    for agent in agents {
        let Some(user) = &agent.crm_user else { continue };
        let other = *first.entry(crm_user_key(user)).or_insert(&agent.id);
        if other != agent.id {
            let message = format!(
                "the agent \"{}\" has the crm_user of \"{other}\", who is rung for that user",
                agent.id
            );
            let remedy = "give each user of the CRM to one agent";
            doubts.push(Doubt { id: agent.id.clone(), message, remedy });
        }
    }
    doubts
}
