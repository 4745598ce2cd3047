//! From the database to files, in one way only: the same content gives the same bytes.

use super::database::flows;
use super::database::{Database, DatabaseError, objects as stored, prompts};
use super::flow_links;
use super::objects::{Kind, etag, toml_text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Why files were not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("{} cannot be written: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exported {
    /// Paths below the folder.
    pub files: BTreeSet<PathBuf>,
    /// Files that lay in the folder's places and are not of the store: they would be imported with the others.
    pub strangers: Vec<PathBuf>,
    /// What an empty store would not take, and why, in sentences.
    pub refused: Vec<String>,
}

/// Writes what the database has at one moment. Of a flow that is what is live, and its draft where that is other or
/// nothing is; older versions, canaries and publications to come have no place in files.
pub async fn export(database: &Database, folder: &Path) -> Result<Exported, ExportError> {
    let mut out = Writer { folder: folder.to_owned(), exported: Exported::default() };
    let mut look = database.look().await?;
    let objects = stored::all(&mut look).await?;
    for kind in Kind::ALL {
        let documents: Vec<Value> = objects
            .iter()
            .filter(|object| object.kind == kind)
            .map(|object| object.document.clone())
            .collect();
        if kind == Kind::Simulation {
            for document in &documents {
                let id = document["id"].as_str().unwrap_or_default();
                out.write(&format!("simulations/{}.json", file_name(id)), pretty(document).as_bytes())?;
            }
        } else if !documents.is_empty() {
            out.write(kind.file(), toml_text::file(kind, &documents).as_bytes())?;
        }
    }
    for flow in flows::heads(&mut look).await? {
        let live = match flow.live {
            Some(live) => flows::version_text(&mut look, &flow.id, live).await?,
            None => None,
        };
        if let Some(text) = &live {
            let document: Value = serde_json::from_str(text).map_err(DatabaseError::from)?;
            out.write(&format!("flows/{}.json", flow.id), pretty(&document).as_bytes())?;
            out.exported.refused.extend(flow_links::pinned(&document).into_iter().map(|(other, version)| {
                format!(
                    "the call flow \"{}\" runs version {version} of \"{other}\", which is not among the files: \
                     only a store that has it takes them",
                    flow.id
                )
            }));
        }
        if live.is_none_or(|text| etag(&text) != flow.draft_etag)
            && let Some((draft, _)) = flows::draft(&mut look, &flow.id).await?
        {
            out.write(&format!("drafts/{}.json", flow.id), pretty(&draft).as_bytes())?;
        }
    }
    let mut about = String::new();
    for prompt in prompts::all(&mut look).await? {
        let original = prompts::original(&mut look, &prompt.sha256).await?.unwrap_or_default();
        out.write(&format!("prompts/{}.{}", prompt.id, prompt.extension), &original)?;
        let mut fields = json!({ "id": prompt.id });
        if prompt.name != prompt.id {
            fields["name"] = prompt.name.into();
        }
        if !prompt.language.is_empty() {
            fields["language"] = prompt.language.into();
        }
        if let Value::Object(fields) = fields
            && fields.len() > 1
        {
            let gap = if about.is_empty() { "" } else { "\n" };
            about.push_str(&format!("{gap}[[prompt]]\n{}", toml_text::lines(&fields)));
        }
    }
    if !about.is_empty() {
        out.write("prompts.toml", about.as_bytes())?;
    }
    look.commit().await.map_err(DatabaseError::from)?;
    out.find_strangers();
    Ok(out.exported)
}

/// Deletes the files that [`Exported::strangers`] names.
pub fn prune(folder: &Path, exported: &Exported) -> Result<(), ExportError> {
    for path in &exported.strangers {
        let path = folder.join(path);
        std::fs::remove_file(&path).map_err(|error| ExportError::File { path, error })?;
    }
    Ok(())
}

struct Writer {
    folder: PathBuf,
    exported: Exported,
}

impl Writer {
    /// Writes a file whole: beside its place first, so that nobody ever reads half of it.
    #[expect(clippy::disallowed_methods, reason = "an export is made of files")]
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
        let path = self.folder.join(name);
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |error| ExportError::File { path, error }
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(fail(parent))?;
        }
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        std::fs::write(&beside, bytes).map_err(fail(&beside))?;
        std::fs::rename(&beside, &path).map_err(fail(&path))?;
        self.exported.files.insert(PathBuf::from(name));
        Ok(())
    }

    fn find_strangers(&mut self) {
        let mut found = Vec::new();
        for kind in Kind::ALL {
            found.push(self.folder.join(kind.file()));
        }
        found.push(self.folder.join("prompts.toml"));
        for folder in ["flows", "drafts", "simulations", "prompts"] {
            walk(&self.folder.join(folder), &mut found);
        }
        let below = found.iter().filter(|path| path.is_file());
        let below = below.filter_map(|path| path.strip_prefix(&self.folder).ok().map(Path::to_owned));
        let is_read = |path: &PathBuf| {
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
            match path.starts_with("prompts") {
                true => super::audio_file::EXTENSIONS.contains(&extension.as_str()),
                false => ["json", "toml"].contains(&extension.as_str()),
            }
        };
        let mut strangers: Vec<PathBuf> =
            below.filter(|path| is_read(path) && !self.exported.files.contains(path)).collect();
        strangers.sort();
        self.exported.strangers = strangers;
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() && !path.is_symlink() { walk(&path, found) } else { found.push(path) }
    }
}

/// As people read it, with a line's end at the end.
pub fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// An id as the name of a file: what names of files do not have stands as `%` and its code.
fn file_name(id: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
    let chars = id.chars().enumerate().map(|(i, c)| {
        if is_plain(c) && (i > 0 || c != '.') { c.to_string() } else { format!("%{:02x}", c as u32) }
    });
    chars.collect()
}
