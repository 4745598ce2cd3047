//! `cordboard route test`: which number, flow and version would answer, and why.

use crate::call::route::{Start, route};
use crate::call::snapshot::{Snapshot, Source};
use crate::config::{self, Config};
use crate::store::apply::is_empty;
use crate::store::database::Database;
use crate::store::loader::{LoadError, Loader};
use crate::store::provision;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::check::BAD_CONFIGURATION;
use super::flow::FAILED;
use super::store::is_there;
use crate::flow::simulate::plain;

/// Where a call comes from.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// The first trunk.
    Anywhere,
    Address(SocketAddr),
    /// The trunk of that id.
    Trunk(&'a str),
}

impl Origin<'_> {
    /// What has that origin, or why nothing has: a sentence without its end.
    fn source(self, snapshot: &Snapshot) -> Result<Source<'_>, String> {
        let (found, otherwise) = match self {
            Origin::Anywhere => (
                snapshot.trunks.first().map(Source::Trunk),
                "there is no trunk: nobody may call in".to_owned(),
            ),
            Origin::Address(address) => {
                (snapshot.caller_source(address), format!("{address} is no trunk's and no agent's address"))
            }
            Origin::Trunk(id) => {
                (snapshot.trunk(id).map(Source::Trunk), format!("there is no trunk \"{id}\""))
            }
        };
        found.ok_or(otherwise)
    }
}

/// Explains the routing of a dialled number, as a live call of `caller` that comes from there would have it.
pub fn test(
    number: &str,
    file: &Path,
    from: Origin<'_>,
    caller: &str,
    json: bool,
    out: &mut dyn Write,
) -> std::io::Result<u8> {
    let (config, findings) = config::load(file);
    let Some(config) = config else {
        for finding in findings {
            writeln!(out, "{finding}")?;
        }
        return Ok(BAD_CONFIGURATION);
    };
    let snapshot = match of_store(&config) {
        Ok(Some(snapshot)) => snapshot,
        Ok(None) => of_files(&config),
        Err(error) => {
            writeln!(out, "{error}")?;
            return Ok(FAILED);
        }
    };
    let source = match from.source(&snapshot) {
        Ok(source) => source,
        Err(why) => return refused(out, json, 403, &why),
    };
    match route(&snapshot, Some(source), number, caller) {
        Ok(found) => {
            let flow = match found.start {
                Start::Flow(version) => Some((version.flow.id(), version.number)),
                Start::Service(_) | Start::Echo => None,
            };
            if json {
                let trunk = if let Source::Trunk(trunk) = source { Some(&trunk.id) } else { None };
                let report = serde_json::json!({
                    "trunk": trunk,
                    "number": found.number.pattern.text(),
                    "flow": flow.as_ref().map(|f| &f.0),
                    "version": flow.as_ref().map(|f| f.1),
                    "canary": flow.and_then(|(flow, _)| canary(&snapshot, flow)),
                    "why": found.why,
                });
                writeln!(out, "{report:#}")?;
            } else {
                for (index, line) in found.why.iter().enumerate() {
                    writeln!(out, "{}. {}", index + 1, plain(line))?;
                }
            }
            Ok(0)
        }
        Err(error) => refused(out, json, error.sip_code(), &error.to_string()),
    }
}

/// The version of a flow that a share of a hundred callers get in place of the live one.
fn canary(snapshot: &Snapshot, flow: &str) -> Option<serde_json::Value> {
    let canary = snapshot.library.flows.get(flow)?.canary.as_ref()?;
    Some(serde_json::json!({ "flow": flow, "version": canary.version.number, "share": canary.share }))
}

/// What calls read, as the store has it; `None` where there is no store, or nothing was ever put into it.
fn of_store(config: &Config) -> Result<Option<Snapshot>, LoadError> {
    let Some(store) = &config.store else { return Ok(None) };
    if !is_there(store) {
        return Ok(None);
    }
    let broken = |error: std::io::Error| LoadError::Broken(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(broken)?;
    runtime.block_on(async {
        let database = Database::open(&store.url).await?;
        if is_empty(&database).await? {
            return Ok(None);
        }
        Ok(Some(Loader::new(database).load(None, HashMap::new()).await?.snapshot))
    })
}

fn of_files(config: &Config) -> Snapshot {
    let folder = config.provision.as_ref().map(|provision| provision.folder.clone()).unwrap_or_default();
    let (provisioned, mut findings) = provision::read(&folder);
    // No audio is needed to see where a call goes.
    let provisioned = provision::Provisioned { prompt_files: Vec::new(), ..provisioned };
    provision::snapshot(provisioned, 1, HashMap::new(), None, &mut findings)
}

fn refused(out: &mut dyn Write, json: bool, code: u16, why: &str) -> std::io::Result<u8> {
    if json {
        writeln!(out, "{:#}", serde_json::json!({ "refused": code, "why": [why] }))?;
    } else {
        writeln!(out, "refused with {code}: {}", plain(why))?;
    }
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::snapshot::Trunk;

    #[test]
    fn a_call_comes_from_the_trunk_that_is_named_and_from_no_other() {
        let trunk = |id: &str| Trunk { id: id.to_owned(), ..Trunk::default() };
        let snapshot = Snapshot { trunks: vec![trunk("a"), trunk("b")], ..Snapshot::default() };
        let of = |from: Origin<'_>| {
            from.source(&snapshot).map(|source| match source {
                Source::Trunk(trunk) => trunk.id.clone(),
                Source::Agent(_) => panic!("a trunk"),
            })
        };
        assert_eq!(of(Origin::Anywhere), Ok("a".to_owned()));
        assert_eq!(of(Origin::Trunk("b")), Ok("b".to_owned()));
        assert_eq!(of(Origin::Trunk("c")), Err("there is no trunk \"c\"".to_owned()));
        let nobody = "192.0.2.1:5060".parse().unwrap();
        assert!(of(Origin::Address(nobody)).unwrap_err().contains("192.0.2.1:5060 is no trunk's"));
    }
}
