//! What in a provisioned folder is allowed, but most likely not what its author meant.

use super::{finding, nearest};
use crate::call::number::LENGTH_MAX;
use crate::call::snapshot::{Number, Pattern, Trunk};
use crate::config::reader::{Finding, Section, Severity};
use crate::store::prompts::is_aside;
use ipnet::IpNet;
use std::path::{Path, PathBuf};

/// What a folder may hold that is read, or is known not to be read yet.
const KNOWN: [&str; 9] = [
    "numbers.toml",
    "account.toml",
    "agents.toml",
    "queues.toml",
    "schedules.toml",
    "trunks.toml",
    "lists.toml",
    "flows",
    "prompts",
];
/// Files of one folder that are named; of more, which are no slip of the pen, the rest is counted.
const NAMED_MAX: usize = 20;
/// Digits from which on a number is hardly an extension of a PBX, but one of E.164 without its plus.
const INTERNATIONAL_DIGITS_MIN: usize = 8;

/// Files that lie where only others are read.
pub(super) fn unread_files(folder: &Path, findings: &mut Vec<Finding>) {
    let stray = entries(folder).into_iter().filter(|path| !is_known(path));
    report(folder, stray.collect(), findings, |path| {
        let name = path.file_name()?.to_str()?;
        nearest(name, KNOWN.into_iter()).map(|known| format!("did you mean {known}?"))
    });
    let flows = folder.join("flows");
    let stray = entries(&flows).into_iter().filter(|path| path.extension().is_none_or(|e| e != "json"));
    report(&flows, stray.collect(), findings, |_| Some("a call flow is a file NAME.json".to_owned()));
}

fn is_known(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
    KNOWN.contains(&name)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| !is_aside(path)).collect();
    paths.sort();
    paths
}

fn report(
    folder: &Path,
    stray: Vec<PathBuf>,
    findings: &mut Vec<Finding>,
    remedy: impl Fn(&Path) -> Option<String>,
) {
    for path in stray.iter().take(NAMED_MAX) {
        let remedy = remedy(path).unwrap_or_default();
        findings.push(finding(Severity::Warning, path, "is not read".to_owned(), &remedy));
    }
    if stray.len() > NAMED_MAX {
        let message = format!("{} more files are not read", stray.len() - NAMED_MAX);
        findings.push(finding(Severity::Warning, folder, message, ""));
    }
}

/// Without trunks or numbers every call is refused. Silent where the file has errors, which say more.
pub(super) fn nobody_can_call(
    folder: &Path,
    trunks: &[Trunk],
    numbers: &[Number],
    findings: &mut Vec<Finding>,
) {
    for (file, is_empty, message, remedy) in [
        (
            "trunks.toml",
            trunks.is_empty(),
            "there is no trunk: nobody may call in",
            "add [[trunk]] with id and match",
        ),
        (
            "numbers.toml",
            numbers.is_empty(),
            "there is no number: every call is refused",
            "add [[number]] with e164 and flow",
        ),
    ] {
        let path = folder.join(file);
        let name = path.display().to_string();
        let is_broken = findings.iter().any(|f| f.file == name && f.severity == Severity::Error);
        if folder.is_dir() && is_empty && !is_broken {
            findings.push(finding(Severity::Warning, &path, message.to_owned(), remedy));
        }
    }
}

/// An agent whom no call can reach.
pub(super) fn agent(section: &Section<'_>) {
    if !section.has("uri") && !section.has("password") {
        section.warning(
            "",
            "has neither uri nor password: no call can reach this agent",
            "add uri = \"sip:USER@HOST:PORT\"",
        );
    }
}

/// A trunk without a use, or one whose calls are another's. `ranges` are those of the trunks before it.
pub(super) fn trunk(section: &Section<'_>, sources: &[IpNet], ranges: &mut Vec<IpNet>) {
    if !section.has("match") && !section.has("host") {
        section.warning(
            "",
            "has neither match nor host: no call comes from it or goes to it",
            "add match = [\"ADDRESS/BITS\"] for calls in, host for calls out",
        );
    }
    for net in sources.iter().map(IpNet::trunc) {
        if ranges.contains(&net) {
            let message = format!("{net} is another trunk's range too, which takes all its calls");
            section.warning("match", message, "give each range to one trunk");
        }
    }
    ranges.extend(sources.iter().map(IpNet::trunc));
}

/// A number that nobody can dial is an error; one that is dialled otherwise than its author may think is doubted.
pub(super) fn number(section: &Section<'_>, pattern: &Pattern) {
    let (key, text) = match pattern {
        Pattern::Exact(text) => ("e164", text.as_str()),
        Pattern::Prefix(text) => ("prefix", text.as_str()),
    };
    let example = if key == "e164" { "for example +15550100" } else { "for example +1555" };
    let (plus, digits) = text.strip_prefix('+').map_or((false, text), |digits| (true, digits));
    let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
    match (plus, digits) {
        (false, "") => section.error(key, "the number is empty", example),
        (true, "") if key == "prefix" => {
            section.warning(
                key,
                "takes every call to a number with a plus that has no entry of its own",
                example,
            );
        }
        (true, "") => section.error(key, "is a plus without digits", example),
        _ if text.len() > LENGTH_MAX => {
            section.error(key, format!("is longer than {LENGTH_MAX} characters"), example);
        }
        (true, _) if !all_digits => {
            section.error(key, format!("\"{text}\" is no number: after a plus come digits"), example);
        }
        (false, _) if !digits.bytes().all(|b| b.is_ascii_digit() || b"*#".contains(&b)) => {
            let message = format!("\"{text}\" is no telephone number: only calls to sip:{text}@… come here");
            section.warning(key, message, example);
        }
        (false, _) if all_digits && digits.len() >= INTERNATIONAL_DIGITS_MIN => {
            let message = format!("has no plus: a call to {text} comes here, one to +{text} does not");
            section.warning(key, message, "write an international number with its plus");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
