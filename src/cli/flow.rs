//! `cordboard flow lint` and `cordboard flow simulate`.

use super::check::BAD_CONFIGURATION;
use crate::clock::Wall;
use crate::flow::simulate::{
    DialOutcome, Ladder, Press, Scenario, Setting, SimulatedReply, What, parse_script, simulate as run,
};
use crate::flow::{CONTACT_STEP, CallFacts, DOCUMENT_BYTES_MAX, Finding, Flow, FlowVersion, Resources};
use crate::store::provision::{flow_ids, library};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Exit codes of contract.md.
pub const DONE: u8 = 0;
pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;

#[derive(clap::Args, Debug)]
pub struct LintOptions {
    /// Flow documents (JSON)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Checked against the secrets and the hosts of this cordboard.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Findings as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args, Debug, Default)]
pub struct SimulateOptions {
    /// Flow document (JSON)
    pub file: PathBuf,
    /// When the call comes; now, where absent
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
    /// Who calls
    #[arg(long, value_name = "NUMBER", default_value = "")]
    pub from: String,
    /// The number that is called
    #[arg(long, value_name = "NUMBER", default_value = "")]
    pub to: String,
    /// Runs of keys and pauses, as in 2,wait:5,1234#
    #[arg(long, value_name = "KEYS", default_value = "")]
    pub press: String,
    /// What becomes of a leg: AGENT=answered|no_answer|busy|rejected|unavailable|failed; answered by default
    #[arg(long, value_name = "WHO=OUTCOME")]
    pub dial: Vec<String>,
    /// What a step that asks another system gets as reply
    #[arg(long, value_name = "STEP=JSON")]
    pub reply: Vec<String>,
    /// The caller hangs up after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub hang_up: Option<f64>,
    /// What a split that draws goes by; the same number gives the same call again
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,
    /// The ladder as JSON
    #[arg(long)]
    pub json: bool,
}

/// Checks files; [`FAILED`] if one cannot be read or has an error.
pub fn lint(options: &LintOptions, out: &mut dyn Write) -> io::Result<u8> {
    #[derive(Serialize)]
    struct File<'a> {
        file: String,
        ok: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        unreadable: Option<String>,
        findings: &'a [Finding],
    }
    let LintOptions { files, config, json } = options;
    let mut outside = Resources::default();
    if let Some(file) = config {
        let (config, findings) = crate::config::load(file);
        let Some(config) = config else {
            findings.iter().try_for_each(|finding| writeln!(out, "{finding}"))?;
            return Ok(BAD_CONFIGURATION);
        };
        outside = crate::store::outside::resources(&config.outside);
    }
    let mut code = DONE;
    let mut report = Vec::new();
    for file in files {
        let (ok, unreadable, findings) = match load_beside(file, outside.clone()) {
            Ok(Ok((_, findings))) => (true, None, findings),
            Ok(Err(findings)) => (false, None, findings),
            Err(error) => (false, Some(error.to_string()), Vec::new()),
        };
        if !ok {
            code = FAILED;
        }
        let name = file.display().to_string();
        if *json {
            let file = File { file: name, ok, unreadable, findings: &findings };
            report.push(serde_json::to_value(file)?);
            continue;
        }
        match unreadable {
            Some(error) => writeln!(out, "{name}: {error}")?,
            None if findings.is_empty() => writeln!(out, "{name}: nothing to say")?,
            None => findings.iter().try_for_each(|finding| writeln!(out, "{name}: {finding}"))?,
        }
    }
    if *json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    }
    Ok(code)
}

/// Prints the JSON Schema of flow documents.
pub fn schema(out: &mut dyn Write) -> io::Result<u8> {
    serde_json::to_writer_pretty(&mut *out, &crate::flow::schema::document())?;
    writeln!(out)?;
    Ok(DONE)
}

/// Runs a flow and prints the ladder; [`FAILED`] if it has errors, [`USAGE`] if an option cannot be read.
pub fn simulate(options: &SimulateOptions, now: Wall, out: &mut dyn Write) -> io::Result<u8> {
    let mut scenario = match read_scenario(options, now) {
        Ok(scenario) => scenario,
        Err(message) => {
            writeln!(out, "{message}")?;
            return Ok(USAGE);
        }
    };
    let name = options.file.display();
    let flow = match load(&options.file) {
        Err(error) => {
            writeln!(out, "{name}: {error}")?;
            return Ok(FAILED);
        }
        Ok(Err(findings)) => {
            findings.iter().try_for_each(|finding| writeln!(out, "{name}: {finding}"))?;
            return Ok(FAILED);
        }
        Ok(Ok((flow, _))) => FlowVersion::unpublished(flow),
    };
    let mut notes = Vec::new();
    for given in &options.reply {
        match read_reply(given, &flow.flow) {
            Ok((step, Some(reply))) => {
                scenario.setting.replies.insert(step, reply);
            }
            Ok((note, None)) => notes.push(note),
            Err(message) => {
                writeln!(out, "{message}")?;
                return Ok(USAGE);
            }
        }
    }
    if let Some(folder) = provisioned_folder(&options.file) {
        scenario.setting.library = Arc::new(library(&folder));
    }
    scenario.setting.prompt_lengths = prompt_lengths(&options.file, flow.flow.prompts());
    let ladder = run(flow.clone(), &scenario);
    notes.extend(unused_dials(&scenario, &ladder));
    if options.json {
        let mut value = serde_json::to_value(&ladder)?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("flow".to_owned(), flow.flow.id().into());
            fields.insert("digest".to_owned(), flow.flow.digest().into());
            fields.insert("at".to_owned(), scenario.setting.at.to_string().into());
            fields.insert("notes".to_owned(), notes.into());
        }
        serde_json::to_writer_pretty(&mut *out, &value)?;
        writeln!(out)?;
    } else {
        notes.iter().try_for_each(|note| writeln!(out, "{note}"))?;
        write!(out, "{ladder}")?;
    }
    Ok(DONE)
}

fn read_scenario(options: &SimulateOptions, now: Wall) -> Result<Scenario, String> {
    let at = match &options.at {
        None => now,
        Some(text) => text
            .parse::<jiff::Timestamp>()
            .map(Wall::from)
            .map_err(|_| format!("--at {text}: write a time as in 2026-11-22T09:00:00-05:00"))?,
    };
    let script: Vec<Press> = parse_script(&options.press).map_err(|error| format!("--press: {error}"))?;
    let mut dials = BTreeMap::new();
    for dial in &options.dial {
        // A SIP URI may hold a `=` of its own.
        let (who, outcome) =
            dial.rsplit_once('=').ok_or_else(|| format!("--dial {dial}: write WHO=OUTCOME"))?;
        let outcome: DialOutcome = outcome.parse().map_err(|error| format!("--dial {dial}: {error}"))?;
        dials.insert(who.to_owned(), outcome);
    }
    let hang_up_after = options
        .hang_up
        .map(Duration::try_from_secs_f64)
        .transpose()
        .map_err(|_| "--hang-up: write a number of seconds".to_owned())?;
    let facts = facts(&options.from, &options.to);
    let setting = Setting { facts, at, dials, seed: options.seed, ..Setting::default() };
    Ok(Scenario { setting, script, hang_up_after })
}

/// The caller by the North American shape of the number, as contract.md reads area codes.
pub(super) fn facts(from: &str, to: &str) -> CallFacts {
    let digits = from.strip_prefix('+').unwrap_or_default();
    let is_north_american =
        digits.len() == 11 && digits.starts_with('1') && digits.bytes().all(|b| b.is_ascii_digit());
    let area = if is_north_american { digits.get(1..4).unwrap_or_default() } else { "" };
    CallFacts {
        call_id: "simulated".to_owned(),
        call_key: "simulated".to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        from_area_code: area.to_owned(),
        from_country_code: country_code(digits),
        ..CallFacts::default()
    }
}

fn country_code(digits: &str) -> String {
    if digits.len() < 5 {
        return String::new();
    }
    let number: Result<phonenumber::PhoneNumber, _> = phonenumber::parse(None, format!("+{digits}"));
    match number {
        Ok(number) => number.code().value().to_string(),
        Err(_) if digits.starts_with('1') => "1".to_owned(),
        Err(_) => String::new(),
    }
}

/// Steps that ask other systems.
const ASKING: [&str; 4] = ["http", "sms", "callout", "query"];

/// `STEP=JSON`, or `STEP=!REASON` for a reply that does not come. One for a step that asks nobody has no effect, which
/// is to be noted; it must be JSON all the same.
fn read_reply(reply: &str, flow: &Flow) -> Result<(String, Option<SimulatedReply>), String> {
    let (step, json) = reply.split_once('=').ok_or_else(|| format!("--reply {reply}: write STEP=JSON"))?;
    // Who calls is asked by no step.
    let asked_beside = (step == CONTACT_STEP).then_some("query");
    let kind = flow.steps().find(|(id, _)| *id == step).map(|(_, kind)| kind).or(asked_beside);
    // The steps of a flow that this one runs are not known here.
    if kind.is_none() && !flow.steps().any(|(_, kind)| kind == "subflow") {
        return Err(format!("--reply {reply}: there is no step `{step}`"));
    }
    if let Some(reason) = json.strip_prefix('!') {
        return Ok((step.to_owned(), Some(SimulatedReply::Failure(reason.to_owned()))));
    }
    let value = serde_json::from_str(json).map_err(|_| {
        let example = r#"{"status":200,"json":{}}"#;
        format!(
            "--reply {reply}: `{json}` is no JSON, which is wanted after the `=`, as in '{step}={example}'"
        )
    })?;
    match kind {
        Some(kind) if !ASKING.contains(&kind) => {
            let note = format!("--reply {reply}: has no effect, `{step}` is a {kind} step and asks nobody");
            Ok((note, None))
        }
        _ => Ok((step.to_owned(), Some(SimulatedReply::Value(value)))),
    }
}

/// Outcomes that were given for somebody whom the call did not ring: most likely another was meant.
fn unused_dials(scenario: &Scenario, ladder: &Ladder) -> Vec<String> {
    let was_dialled = |who: &str| {
        ladder.rungs.iter().any(|r| matches!(&r.what, What::Dial { target, .. } if target == who))
    };
    let unused = scenario.setting.dials.keys().filter(|who| !was_dialled(who));
    unused.map(|who| format!("--dial {who}: has no effect, `{who}` was not dialled in this call")).collect()
}

pub(super) type Compiled = Result<(Flow, Vec<Finding>), Vec<Finding>>;

/// Reads a flow with what lies beside it: in a provisioned folder `DIR/flows/x.json` and `DIR/drafts/x.json` go with
/// `DIR/agents.toml`, `DIR/numbers.toml`, `DIR/lists.toml`, `DIR/schedules.toml` and `DIR/prompts/`.
pub(super) fn load(file: &Path) -> io::Result<Compiled> {
    load_beside(file, Resources::default())
}

fn load_beside(file: &Path, outside: Resources) -> io::Result<Compiled> {
    // One byte more than allowed, so that the flow room can say that it is too large.
    let text = read_text(file, DOCUMENT_BYTES_MAX + 1)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(Flow::compile(text, &resources(file, outside)))
}

#[expect(clippy::disallowed_methods, reason = "the command was given this file to read")]
pub(super) fn read_text(file: &Path, bytes_max: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(bytes_max as u64).read_to_end(&mut bytes)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        // The cut may have gone through a character.
        Err(error) if error.utf8_error().error_len().is_none() => {
            Ok(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8")),
    }
}

/// The provisioned folder of a flow file, if it lies in one.
fn provisioned_folder(file: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(file).ok()?;
    let folder = folder.parent()?;
    let is_of_flows = ["flows", "drafts"].iter().any(|name| folder.file_name() == Some(name.as_ref()));
    is_of_flows.then(|| folder.parent().map(Path::to_path_buf))?
}

fn resources(file: &Path, outside: Resources) -> Resources {
    let Some(folder) = provisioned_folder(file) else { return outside };
    let mut resources = Resources {
        agents: ids(&folder.join("agents.toml"), "agent"),
        prompts: prompt_ids(&folder.join("prompts")),
        schedules: ids(&folder.join("schedules.toml"), "schedule"),
        lists: ids(&folder.join("lists.toml"), "list"),
        flows: Some(flow_ids(&folder)),
        ..outside
    };
    for number in tables(&folder.join("numbers.toml"), "number").unwrap_or_default() {
        if let (Some(flow), Some(e164)) = (text(&number, "flow"), text(&number, "e164")) {
            resources.numbers.entry(flow).or_default().push(e164);
        }
    }
    resources
}

/// `[[key]]` of a TOML file; `None` where there is no such file, or it cannot be read, which `check` reports.
fn tables(file: &Path, key: &str) -> Option<Vec<toml::Table>> {
    /// Larger ones are no files for people.
    const BYTES_MAX: usize = 16 * 1_024 * 1_024;
    let table: toml::Table = read_text(file, BYTES_MAX).ok()?.parse().ok()?;
    let list = table.get(key).and_then(toml::Value::as_array).cloned().unwrap_or_default();
    Some(list.into_iter().filter_map(|item| item.as_table().cloned()).collect())
}

fn ids(file: &Path, key: &str) -> Option<BTreeSet<String>> {
    Some(tables(file, key)?.iter().filter_map(|table| text(table, "id")).collect())
}

fn text(table: &toml::Table, key: &str) -> Option<String> {
    table.get(key).and_then(toml::Value::as_str).map(str::to_owned)
}

/// Ids of the files below a folder: paths without the ending, with `/` between.
fn prompt_ids(folder: &Path) -> Option<BTreeSet<String>> {
    /// A prompts folder is not a tree to get lost in, and links could make it endless.
    const FILES_MAX: usize = 100_000;
    let mut found = BTreeSet::new();
    let mut open = vec![(folder.to_path_buf(), String::new())];
    let mut seen = 0;
    while let Some((folder, prefix)) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            if prefix.is_empty() {
                return None;
            }
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > FILES_MAX {
                return Some(found);
            }
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let part = if is_folder { path.file_name() } else { path.file_stem() };
            let Some(part) = part.and_then(|part| part.to_str()) else { continue };
            let id = format!("{prefix}{part}");
            if is_folder {
                open.push((path, format!("{id}/")));
            } else {
                found.insert(id);
            }
        }
    }
    Some(found)
}

/// Lengths of the wav files among the prompts; the simulator estimates the others.
pub(super) fn prompt_lengths(file: &Path, prompts: &BTreeSet<String>) -> BTreeMap<String, Duration> {
    let Some(folder) = provisioned_folder(file).map(|folder| folder.join("prompts")) else {
        return BTreeMap::new();
    };
    let is_inside = |id: &&String| !id.split(['/', '\\']).any(|part| part == "..") && !id.starts_with('/');
    let length = |id: &String| {
        let reader = hound::WavReader::open(folder.join(format!("{id}.wav"))).ok()?;
        let rate = reader.spec().sample_rate;
        (rate > 0)
            .then(|| (id.clone(), Duration::from_secs_f64(f64::from(reader.duration()) / f64::from(rate))))
    };
    prompts.iter().filter(is_inside).filter_map(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `simulate` prints for the demo's main line, and its exit code.
    fn printed(options: SimulateOptions) -> (u8, String) {
        let options = SimulateOptions { file: "config/demo/flows/main.json".into(), ..options };
        let mut out = Vec::new();
        let code = simulate(&options, Wall::default(), &mut out).unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_outcome_for_somebody_who_is_not_dialled_is_noted() {
        let (code, text) = printed(SimulateOptions { dial: vec!["zed=busy".into()], ..Default::default() });
        assert_eq!(code, DONE);
        assert!(text.starts_with("--dial zed: has no effect"), "{text}");
    }

    #[test]
    fn a_reply_that_is_no_json_is_told_what_is_wanted() {
        let flow = load(Path::new("config/demo/flows/main.json")).unwrap().unwrap().0;
        let step = flow.steps().next().unwrap().0.to_owned();
        let (code, text) =
            printed(SimulateOptions { reply: vec![format!("{step}=nojson")], ..Default::default() });
        assert_eq!(code, USAGE);
        assert!(text.contains("`nojson` is no JSON, which is wanted after the `=`"), "{text}");
    }
}
