//! `cordboard check`: all that is wrong with the configuration and the provisioned files.

use super::plan::Told;
use super::store::is_there;
use crate::clock::SystemClock;
use crate::config::reader::{Finding, Severity, errors};
use crate::config::{self, Config, ProvisionMode, is_writable};
use crate::net::ports::Binder;
use crate::net::tls::Tls;
use crate::services::speech::is_installed;
use crate::store::apply::ApplyError;
use crate::store::database::Database;
use crate::store::outside;
use crate::store::plan::{Present, plan};
use crate::store::provision::{self, Provisioned};
use std::io::Write;
use std::path::Path;

/// Bad configuration, sysexits(3).
pub const BAD_CONFIGURATION: u8 = 78;

/// Prints every finding, and how many calls fit; gives the exit code.
pub fn run(file: &Path, json: bool, out: &mut dyn Write) -> std::io::Result<u8> {
    let (config, mut findings) = config::load(file);
    let (mut summary, mut sync) = (None, None);
    if let Some(config) = &config {
        let (provisioned, found) = provisioned(file, config);
        findings.extend(found);
        let answers = look_at_store(file, config, &mut findings)?;
        if let Some(provisioned) = provisioned.filter(|_| answers && errors(&findings) == 0) {
            sync = would_sync(file, config, &provisioned, &mut findings)?;
        }
        findings.extend(look_at_certificates(file, config));
        summary = Some(capacity(config, &mut findings));
    }
    let errors = errors(&findings);
    if json {
        let report =
            serde_json::json!({ "ok": errors == 0, "findings": findings, "calls": summary, "sync": sync });
        writeln!(out, "{report:#}")?;
    } else {
        for finding in &findings {
            writeln!(out, "{finding}")?;
        }
        if let Some(sync) = sync {
            write!(out, "{sync}")?;
        }
        if let Some(calls) = summary {
            writeln!(out, "room for {calls} calls at a time that are bridged, {} that are not", calls * 2)?;
        }
        writeln!(out, "{}: {}", file.display(), verdict(errors, findings.len() - errors))?;
    }
    Ok(if errors == 0 { 0 } else { BAD_CONFIGURATION })
}

fn verdict(errors: usize, warnings: usize) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let word = match (errors, warnings) {
        (0, 0) => "nothing is wrong",
        (0, _) => "the server starts, but look at the warnings",
        _ => "the server would not start",
    };
    format!("{}, {}: {word}", count(errors, "error"), count(warnings, "warning"))
}

fn warning(file: &Path, place: &str, message: String, remedy: &str) -> Finding {
    let (file, place, remedy) = (file.display().to_string(), place.to_owned(), remedy.to_owned());
    Finding { severity: Severity::Warning, file, place, message, remedy }
}

/// What is provisioned, and what is wrong with it.
fn provisioned(file: &Path, config: &Config) -> (Option<Provisioned>, Vec<Finding>) {
    let Some(config::Provision { folder, .. }) = &config.provision else {
        if config.store.is_some() {
            return (None, Vec::new());
        }
        let message = "there are no numbers, and every call is refused".to_owned();
        let remedy = "add [provision] with dir = \"FOLDER\"";
        return (None, vec![warning(file, "provision.dir", message, remedy)]);
    };
    let (provisioned, mut findings) = provision::read_beside(folder, &outside::resources(&config.outside));
    findings.extend(provision::unknown_settings(folder, &provisioned, &config.tls));
    findings.extend(provisioned.prompt_files.iter().filter_map(|file| provisioned.load(file).err()));
    if let Some(speech) = provisioned.flows.speech.first() {
        let short: String = speech.text.chars().take(40).collect();
        let texts = format!("call flows have texts to speak (\"{short}\")");
        match config.speech.as_deref() {
            None => {
                let message = format!("no engine is configured, and {texts}");
                findings.push(warning(file, "speech.command", message, "set it, or use prompt files"));
            }
            Some([program, ..]) if !is_installed(program) => {
                let message = format!("there is no program \"{program}\", and {texts}");
                findings.push(warning(file, "speech.command", message, "install it, or use prompt files"));
            }
            Some(_) => {}
        }
    }
    (Some(provisioned), findings)
}

/// What is wrong with certificates, keys and authorities, which are read as `serve` reads them.
fn look_at_certificates(file: &Path, config: &Config) -> Option<Finding> {
    match Tls::load(&config.tls, &config.sip.listen, SystemClock::start()) {
        Err(error) => {
            let finding = warning(file, "tls", error.to_string(), "");
            Some(Finding { severity: Severity::Error, ..finding })
        }
        Ok(tls) => tls.ended().map(|path| {
            let message =
                format!("the certificate in {} has ended: peers that look refuse us", path.display());
            warning(file, "tls.certificate", message, "renew it")
        }),
    }
}

/// Whether the store can be looked at, or made. What `serve` would end at is an error; a database that does not answer
/// may come later.
fn look_at_store(file: &Path, config: &Config, findings: &mut Vec<Finding>) -> std::io::Result<bool> {
    let Some(store) = &config.store else { return Ok(true) };
    let path = store.url.strip_prefix("sqlite://").map(Path::new);
    for (key, folder) in [("store.url", path.and_then(Path::parent)), ("store.spool", Some(&*store.spool))] {
        if let Some(message) = folder.and_then(cannot_be_made) {
            let remedy = "let the server write there, or take another folder";
            findings.push(Finding { severity: Severity::Error, ..warning(file, key, message, remedy) });
            return Ok(false);
        }
    }
    if !is_there(store) {
        return Ok(true);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async { Database::at(&store.url)?.connect().await });
    if let Err(error) = &answer {
        let message = format!("{error}: the server starts, and answers every call 503 until that is mended");
        findings.push(warning(file, "store.url", message, ""));
    }
    Ok(answer.is_ok())
}

/// Why a folder that may be missing cannot be made or written to.
fn cannot_be_made(folder: &Path) -> Option<String> {
    let present = folder.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists())?;
    let present = if present.as_os_str().is_empty() { Path::new(".") } else { present };
    let name = present.display();
    match present.is_dir() {
        false => Some(format!("{name} is not a folder")),
        true if !is_writable(present) => Some(format!("the folder {name} cannot be written by this user")),
        true => None,
    }
}

/// `None` where the files are not the truth. A store that cannot be looked at is a warning: the server starts without.
fn would_sync(
    file: &Path,
    config: &Config,
    provisioned: &Provisioned,
    findings: &mut Vec<Finding>,
) -> std::io::Result<Option<Told>> {
    let is_sync = config.provision.as_ref().is_some_and(|provision| provision.mode == ProvisionMode::Sync);
    let Some(store) = config.store.as_ref().filter(|_| is_sync) else { return Ok(None) };
    let present = if is_there(store) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Not brought to this version: that is for the server to do.
        runtime.block_on(async { Present::read(&Database::at(&store.url)?).await })
    } else {
        Ok(Present::default())
    };
    let told = present.map_err(ApplyError::from).and_then(|present| plan(provisioned, &present));
    match told {
        Ok(plan) => Ok(Some(Told::of("a sync", plan))),
        Err(error) => {
            let message = format!("what a sync would do to the store cannot be told: {error}");
            findings.push(warning(file, "store.url", message, ""));
            Ok(None)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_does_not_praise_what_has_warnings() {
        assert_eq!(verdict(0, 0), "0 errors, 0 warnings: nothing is wrong");
        assert_eq!(verdict(0, 1), "0 errors, 1 warning: the server starts, but look at the warnings");
        assert_eq!(verdict(1, 2), "1 error, 2 warnings: the server would not start");
    }
}
