//! What in a provisioned folder is allowed, but most likely not what its author meant.

use super::{finding, nearest};
use crate::call::snapshot::{Agent, Number, Trunk};
use crate::config::reader::{Finding, Severity};
use crate::store::doubts;
use crate::store::objects::Kind;
use crate::store::prompts::is_aside;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// What a folder may hold that is read, or is known not to be read yet.
const KNOWN: [&str; 13] = [
    "account.toml",
    "numbers.toml",
    "agents.toml",
    "queues.toml",
    "schedules.toml",
    "trunks.toml",
    "lists.toml",
    "prompts.toml",
    "secrets",
    "simulations",
    "flows",
    "drafts",
    "prompts",
];
/// Files of one folder that are named; of more, which are no slip of the pen, the rest is counted.
const NAMED_MAX: usize = 20;
/// Files that lie where only others are read.
pub(super) fn unread_files(folder: &Path, findings: &mut Vec<Finding>) {
    let of_passwords = of_passwords(folder);
    let is_known = |path: &PathBuf| is_known(path) || of_passwords.contains(path);
    let stray = entries(folder).into_iter().filter(|path| !is_known(path));
    report(folder, stray.collect(), findings, |path| {
        let name = path.file_name()?.to_str()?;
        nearest(name, KNOWN.into_iter()).map(|known| format!("did you mean {known}?"))
    });
    // What `cordboard flow test` expects of a flow lies beside it.
    let is_golden =
        |path: &Path| path.extension().is_some_and(|e| e == "txt") && path.with_extension("json").exists();
    let is_flow = |path: &Path| path.extension().is_some_and(|e| e == "json");
    for flows in ["flows", "drafts"].map(|name| folder.join(name)) {
        let stray = entries(&flows).into_iter().filter(|path| !is_flow(path) && !is_golden(path));
        report(&flows, stray.collect(), findings, |_| Some("a call flow is a file NAME.json".to_owned()));
    }
}

/// Files and folders right in the folder that hold the passwords which its objects refer to.
#[expect(clippy::disallowed_methods, reason = "provisioned files are read when a snapshot is built")]
fn of_passwords(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for kind in [Kind::Agent, Kind::Trunk] {
        let text = std::fs::read_to_string(folder.join(kind.file())).unwrap_or_default();
        let references = text.split("${file:").skip(1).filter_map(|rest| rest.split_once('}'));
        let first = |(path, _): (&str, &str)| Some(folder.join(Path::new(path).components().next()?));
        found.extend(references.filter_map(first));
    }
    found
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
    for (kind, doubt) in
        [(Kind::Trunk, doubts::without_trunks(trunks)), (Kind::Number, doubts::without_numbers(numbers))]
    {
        let path = folder.join(kind.file());
        let name = path.display().to_string();
        let is_broken = findings.iter().any(|f| f.file == name && f.severity == Severity::Error);
        if folder.is_dir() && !is_broken {
            findings
                .extend(doubt.map(|doubt| finding(Severity::Warning, &path, doubt.message, doubt.remedy)));
        }
    }
}

/// Ranges that two trunks have, and accounts of one name.
pub(super) fn trunk_ranges(
    folder: &Path,
    trunks: &[Trunk],
    agents: &HashMap<String, Agent>,
    findings: &mut Vec<Finding>,
) {
    let file = folder.join(Kind::Trunk.file());
    let accounts = doubts::shared_accounts(agents.values(), trunks);
    let doubts = doubts::shared_ranges(trunks).into_iter().chain(accounts).chain(doubts::open_keys(trunks));
    findings.extend(doubts.map(|doubt| finding(Severity::Warning, &file, doubt.message, doubt.remedy)));
}

/// Users of the CRM that two agents are.
pub(super) fn crm_users(folder: &Path, agents: &HashMap<String, Agent>, findings: &mut Vec<Finding>) {
    let file = folder.join(Kind::Agent.file());
    let doubts = doubts::shared_crm_users(agents.values()).into_iter();
    findings.extend(doubts.map(|doubt| finding(Severity::Warning, &file, doubt.message, doubt.remedy)));
}

#[cfg(test)]
mod tests;
