//! `cordboard route test`: which number, flow and version would answer, and why.

use crate::call::route::route;
use crate::call::snapshot::Source;
use crate::config;
use crate::store::provision;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::check::BAD_CONFIGURATION;
use crate::flow::simulate::plain;

/// Explains the routing of a dialled number, as a live call from `from` (or from the first trunk) would have it.
pub fn test(
    number: &str,
    file: &Path,
    from: Option<SocketAddr>,
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
    let folder = config.provision.unwrap_or_default();
    let (provisioned, mut findings) = provision::read(&folder);
    // No audio is needed to see where a call goes.
    let provisioned = provision::Provisioned { prompt_files: Vec::new(), ..provisioned };
    let snapshot = provision::snapshot(provisioned, 1, HashMap::new(), None, &mut findings);
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
    match route(&snapshot, Some(source), number) {
        Ok(found) => {
            let flow = found.flow.map(|live| (live.live.flow.id().to_owned(), live.live.number));
            if json {
                let trunk = if let Source::Trunk(trunk) = source { Some(&trunk.id) } else { None };
                let report = serde_json::json!({
                    "trunk": trunk,
                    "number": found.number.pattern.text(),
                    "flow": flow.as_ref().map(|f| &f.0),
                    "version": flow.as_ref().map(|f| f.1),
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

fn refused(out: &mut dyn Write, json: bool, code: u16, why: &str) -> std::io::Result<u8> {
    if json {
        writeln!(out, "{:#}", serde_json::json!({ "refused": code, "why": [why] }))?;
    } else {
        writeln!(out, "refused with {code}: {}", plain(why))?;
    }
    Ok(1)
}
