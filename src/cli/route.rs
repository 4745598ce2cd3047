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

/// Explains the routing of a dialled number, as a live call of `caller` from `from` (or from the first trunk)
/// would have it.
pub fn test(
    number: &str,
    file: &Path,
    from: Option<SocketAddr>,
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
    let source = match from {
        Some(address) => snapshot.caller_source(address),
        None => snapshot.trunks.first().map(Source::Trunk),
    };
    let Some(source) = source else {
        let who = from.map_or_else(
            || "there is no trunk: nobody may call in".to_owned(),
            |a| format!("{a} is no trunk's and no agent's address"),
        );
        return refused(out, json, 403, &who);
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
