//! `cordboard check`: all that is wrong with the configuration and the provisioned files.

use crate::config::reader::{Finding, Severity};
use crate::config::{self, Config};
use crate::net::ports::Binder;
use crate::store::{prompts, provision};
use std::io::Write;
use std::path::Path;

/// Bad configuration, sysexits(3).
pub const BAD_CONFIGURATION: u8 = 78;

/// Prints every finding, and how many calls fit; gives the exit code.
pub fn run(file: &Path, json: bool, out: &mut dyn Write) -> std::io::Result<u8> {
    let (config, mut findings) = config::load(file);
    let mut summary = None;
    if let Some(config) = &config {
        findings.extend(provisioned(config));
        summary = Some(capacity(config, &mut findings));
    }
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    if json {
        let report = serde_json::json!({ "ok": errors == 0, "findings": findings, "calls": summary });
        writeln!(out, "{report:#}")?;
    } else {
        for finding in &findings {
            writeln!(out, "{finding}")?;
        }
        if let Some(calls) = summary {
            writeln!(out, "room for {calls} calls at a time that are bridged, {} that are not", calls * 2)?;
        }
        let word = if errors == 0 { "nothing is wrong" } else { "the server would not start" };
        writeln!(out, "{}: {errors} errors, {} warnings: {word}", file.display(), findings.len() - errors)?;
    }
    Ok(if errors == 0 { 0 } else { BAD_CONFIGURATION })
}

fn provisioned(config: &Config) -> Vec<Finding> {
    let Some(folder) = &config.provision else { return Vec::new() };
    let (provisioned, mut findings) = provision::read(folder);
    findings.extend(provisioned.prompt_files.iter().filter_map(|file| prompts::load(file).err()));
    if config.speech.is_none()
        && let Some(speech) = provisioned.speech.first()
    {
        let short: String = speech.text.chars().take(40).collect();
        findings.push(Finding {
            severity: Severity::Warning,
            file: "[speech]".to_owned(),
            place: String::new(),
            message: format!("no engine is configured, and call flows have texts to speak (\"{short}\")"),
            remedy: "set [speech] command, or use prompt files".to_owned(),
        });
    }
    findings
}

/// Bridged calls that the media ports and the limit of open files allow.
fn capacity(config: &Config, findings: &mut Vec<Finding>) -> usize {
    let pairs = Binder::pairs(config.media.ports);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    // Two sockets a leg; some hundred for everything else.
    let by_files =
        limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX).saturating_sub(256) / 2);
    if by_files < pairs {
        findings.push(Finding {
            severity: Severity::Warning,
            file: "[media]".to_owned(),
            place: "ports".to_owned(),
            message: format!("{pairs} pairs of media ports, but open files for {by_files}"),
            remedy: "raise the limit of open files (LimitNOFILE)".to_owned(),
        });
    }
    (pairs.min(by_files) / 2).min(config.sip.calls_max)
}
