//! Prompts in memory: those embedded in the binary, and the files of a folder.

use super::audio_file::{self, BYTES_MAX, EXTENSIONS};
use crate::audio::Clip;
use crate::config::reader::{Finding, Severity};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders below the prompts; deeper ones are a loop of links.
const DEPTH_MAX: usize = 8;
/// Files below the prompts: a large contact centre has hundreds.
const FILES_MAX: usize = 20_000;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../prompts/en/built-in/", $name, ".flac")).as_slice())),*]
    };
}

/// What a call cannot do without, in English.
const BUILT_IN: &[(&str, &[u8])] = embedded![
    "goodbye",
    "you-entered",
    "confirm-options",
    "press-any-to-accept",
    "press-one-to-accept",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "star",
    "pound",
    "a",
    "b",
    "c",
    "d",
    "plus",
];

const MUSIC: &[u8] = include_bytes!("../../prompts/music.flac");

/// The embedded prompts by language and name.
pub fn built_in() -> HashMap<(String, &'static str), Arc<Clip>> {
    let decoded = BUILT_IN.iter().filter_map(|(file, bytes)| {
        Some((("en".to_owned(), *file), Arc::new(decode_embedded(file, bytes)?)))
    });
    decoded.collect()
}

/// The embedded music on hold.
pub fn music() -> Option<Arc<Clip>> {
    decode_embedded("music", MUSIC).map(Arc::new)
}

fn decode_embedded(name: &str, bytes: &[u8]) -> Option<Clip> {
    match audio_file::decode(bytes.to_vec(), "flac") {
        Ok(samples) => Some(Clip::from_samples(&samples)),
        Err(error) => {
            tracing::error!(name, %error, "an embedded prompt cannot be decoded");
            None
        }
    }
}

/// A prompt file by the id that flows use: its path below the folder without the ending.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromptFile {
    pub id: String,
    pub path: PathBuf,
}

/// Lists the prompt files of a folder; two of one id are an error.
pub fn list(folder: &Path, findings: &mut Vec<Finding>) -> Vec<PromptFile> {
    let mut files = Vec::new();
    walk(folder, folder, 0, &mut files, findings);
    files.sort_by(|a, b| (&a.id, &a.path).cmp(&(&b.id, &b.path)));
    for pair in files.windows(2).filter(|pair| pair[0].id == pair[1].id) {
        let message = format!("has the same id, \"{}\", as {}", pair[1].id, pair[0].path.display());
        findings.push(finding(Severity::Error, &pair[1].path, message, "give each prompt a name of its own"));
    }
    files.dedup_by(|b, a| a.id == b.id);
    files
}

fn walk(root: &Path, folder: &Path, depth: usize, files: &mut Vec<PromptFile>, findings: &mut Vec<Finding>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if depth < DEPTH_MAX {
                walk(root, &path, depth + 1, files, findings);
            }
            continue;
        }
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        if !EXTENSIONS.contains(&extension.as_str()) {
            if OTHER_SOUNDS.contains(&extension.as_str()) {
                let message = "is not read: that is no format of prompts here".to_owned();
                let remedy = format!("known are {}", EXTENSIONS.join(", "));
                findings.push(finding(Severity::Warning, &path, message, &remedy));
            }
            continue;
        }
        if files.len() == FILES_MAX {
            findings.push(finding(Severity::Error, root, format!("more than {FILES_MAX} prompt files"), ""));
            return;
        }
        let relative = path.strip_prefix(root).unwrap_or(&path).with_extension("");
        match relative.to_str() {
            Some(id) => files.push(PromptFile { id: id.replace('\\', "/"), path }),
            None => findings.push(finding(
                Severity::Error,
                &path,
                "has a name that is not UTF-8".into(),
                "rename it",
            )),
        }
    }
}

/// Endings of sound files that we do not read. Scripts and notes lie beside prompts on purpose.
const OTHER_SOUNDS: [&str; 14] =
    ["opus", "aif", "aiff", "wma", "amr", "gsm", "g722", "g729", "ulaw", "alaw", "sln", "au", "raw", "pcm"];

/// Whether a file is kept beside the others for people and tools: hidden, or about the rest.
pub(super) fn is_aside(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".", "README", "LICENSE", "COPYING"].iter().any(|start| name.starts_with(start))
}

/// Reads and decodes one file.
#[expect(clippy::disallowed_methods, reason = "prompt files are read when a snapshot is built")]
pub fn load(file: &PromptFile) -> Result<Clip, Finding> {
    let path = &file.path;
    let fail =
        |message: String| finding(Severity::Error, path, message, "put a sound file of a known format there");
    let size = std::fs::metadata(path).map_err(|e| fail(format!("cannot be read: {e}")))?.len();
    if size > BYTES_MAX {
        let message = format!("has {size} bytes, more than {BYTES_MAX}");
        return Err(finding(
            Severity::Error,
            path,
            message,
            "shorten it, or put it there as mp3, ogg or flac",
        ));
    }
    let bytes = std::fs::read(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let samples = audio_file::decode(bytes, &extension).map_err(|e| fail(e.to_string()))?;
    Ok(Clip::from_samples(&samples))
}

pub(super) fn finding(severity: Severity, path: &Path, message: String, remedy: &str) -> Finding {
    let file = path.display().to_string();
    Finding { severity, file, place: String::new(), message, remedy: remedy.to_owned() }
}
