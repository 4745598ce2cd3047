//! What in a set-up is allowed, but most likely not what was meant: seen across objects, wherever they are kept.

use crate::call::snapshot::{Agent, Number, Trunk, Wish};
use crate::flow::crm_user_key;
use crate::sip::Transport;
use crate::sip::locate::Destination;
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

/// Trunks whose `tls_client` names no settings of the configuration: no connection to them is made.
pub fn unknown_settings(trunks: &[Trunk], known: &[String]) -> Vec<Doubt> {
    let named = trunks.iter().filter_map(|trunk| Some((trunk, trunk.host.as_ref()?.tls_client.as_deref()?)));
    let unknown = named.filter(|(_, name)| !known.iter().any(|known| known == name));
    unknown
        .map(|(Trunk { id, .. }, name)| Doubt {
            id: id.clone(),
            message: format!(
                "the trunk \"{id}\": no [[tls.client]] is named \"{name}\", so that no call goes out"
            ),
            remedy: "add one with that name to cordboard.toml and restart, or correct tls_client",
        })
        .collect()
}

/// Trunks that want encrypted media, and are told the keys in plain text. What DNS says of a host is not known here.
pub fn open_keys(trunks: &[Trunk]) -> Vec<Doubt> {
    let requires = |trunk: &&Trunk| trunk.media.srtp == Wish::Require;
    let is_open = |host: &Destination| {
        let by_dns = host.transport.is_none() && host.port.is_none() && host.host.ip().is_none();
        !host.sips && !by_dns && !host.transport.is_some_and(Transport::is_secure)
    };
    let open = trunks.iter().filter(requires).filter(|trunk| trunk.host.as_ref().is_some_and(is_open));
    open.map(|Trunk { id, .. }| Doubt {
        id: id.clone(),
        message: format!(
            "the trunk \"{id}\": srtp = \"require\", and host is not reached by TLS: the keys go there in plain text"
        ),
        remedy: "write ;transport=tls behind the host",
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::objects::{self, Kind, Object};
    use serde_json::{Value, json};

    fn trunk(document: Value) -> Trunk {
        match objects::check(Kind::Trunk, &document).unwrap().0.object {
            Object::Trunk(trunk) => *trunk,
            _ => panic!("a trunk"),
        }
    }

    fn of(doubts: Vec<Doubt>) -> Vec<String> {
        doubts.into_iter().map(|doubt| format!("{} {}: {}", doubt.id, doubt.message, doubt.remedy)).collect()
    }

    #[test]
    fn settings_of_tls_that_a_trunk_names_and_nobody_has_are_doubted() {
        let trunks = [json!("foo"), json!("acme"), Value::Null].map(|name| {
            trunk(json!({"id": "a", "host": "sip.example.net;transport=tls", "tlsClient": name}))
        });
        let said = of(unknown_settings(&trunks, &["acme".to_owned()]));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("no [[tls.client]] is named \"foo\""), "{said:?}");
    }

    #[test]
    fn keys_of_media_that_go_over_udp_or_tcp_are_doubted() {
        for (host, srtp, is_doubted) in [
            ("192.0.2.1", "require", true),
            ("sip.example.net:5060", "require", true),
            ("sip.example.net;transport=tcp", "require", true),
            ("sip.example.net;transport=tls", "require", false),
            // What DNS says of it is not known here.
            ("sip.example.net", "require", false),
            ("192.0.2.1", "prefer", false),
            ("192.0.2.1", "as_offered", false),
        ] {
            let said = of(open_keys(&[trunk(json!({"id": "a", "host": host, "srtp": srtp}))]));
            assert_eq!(!said.is_empty(), is_doubted, "{host} {srtp} {said:?}");
            assert!(said.iter().all(|text| text.contains(";transport=tls")), "{said:?}");
        }
    }
}
