//! `cordboard import`, `cordboard export` and `cordboard backup`.

use super::check::BAD_CONFIGURATION;
use super::flow::{DONE, FAILED};
use super::plan::{Listed, Told};
use crate::clock::Wall;
use crate::config::reader::{Finding, errors};
use crate::config::{self, Config};
use crate::flow::Resources;
use crate::store::apply::{ApplyError, Others, apply};
use crate::store::database::{Database, Engine};
use crate::store::export::{export as write, prune};
use crate::store::plan::{Present, plan};
use crate::store::{outside, provision};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Who writes what is imported.
const ACTOR: &str = "cordboard import";

#[derive(clap::Args, Debug)]
pub struct ImportOptions {
    /// A folder with numbers.toml, flows/ and so on
    pub folder: PathBuf,
    #[arg(long, default_value = "config/cordboard.toml")]
    pub config: PathBuf,
    /// Take out of the store what the folder does not have
    #[arg(long)]
    pub remove_others: bool,
    /// Say what would be added, changed and taken out, and leave the store as it is
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args, Debug)]
pub struct ExportOptions {
    /// Where the files are written
    pub folder: PathBuf,
    #[arg(long, default_value = "config/cordboard.toml")]
    pub config: PathBuf,
    /// Delete files in the folder's places that are not of the store
    #[arg(long)]
    pub prune: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args, Debug)]
pub struct BackupOptions {
    /// The file that is made
    pub file: PathBuf,
    #[arg(long, default_value = "config/cordboard.toml")]
    pub config: PathBuf,
}

/// Brings a folder into the store, whole or not at all.
pub fn import(options: &ImportOptions, now: Wall, out: &mut dyn Write) -> io::Result<u8> {
    if options.remove_others && !provision::is_set_up(&options.folder) {
        let name = options.folder.display();
        writeln!(out, "{name}: none of the files of a set-up is there; nothing was taken out")?;
        return Ok(FAILED);
    }
    let others = if options.remove_others { Others::Go } else { Others::Stay };
    with_store(&options.config, out, async |database, out| {
        // Where others stay, files may refer to them.
        let around = match others {
            Others::Stay => database.resources().await,
            Others::Go => Ok(database.outside().clone()),
        };
        let around = match around {
            Ok(around) => around,
            Err(error) => {
                writeln!(out, "nothing was imported: {error}")?;
                return Ok(FAILED);
            }
        };
        let (provisioned, findings) = provision::read_beside(&options.folder, &around);
        if !options.json || errors(&findings) > 0 {
            findings.iter().try_for_each(|finding| writeln!(out, "{finding}"))?;
        }
        if errors(&findings) > 0 {
            return Ok(FAILED);
        }
        if options.dry_run {
            return would_import(database, &provisioned, others, (options.json, &findings), out).await;
        }
        match apply(database, &provisioned, others, ACTOR, now).await {
            Ok(done) if options.json => {
                let removed = Listed::from(done.removed);
                let report = serde_json::json!({
                    "written": done.written, "published": done.published, "removed": removed.count,
                    "removedNames": removed.names(), "findings": findings,
                });
                writeln!(out, "{report:#}")?;
            }
            Ok(done) => {
                let removed = Listed::from(done.removed);
                if removed.count > 0 {
                    writeln!(out, "taken out: {removed}")?;
                }
                writeln!(
                    out,
                    "{} objects written, {} flows published, {} taken out",
                    done.written, done.published, removed.count
                )?;
            }
            Err(error) => {
                writeln!(out, "nothing was imported: {error}")?;
                return Ok(FAILED);
            }
        }
        Ok(DONE)
    })
}

/// Says what an import would do. The store is brought to this version, and otherwise left as it is.
async fn would_import(
    database: &Database,
    provisioned: &provision::Provisioned,
    others: Others,
    (json, findings): (bool, &[Finding]),
    out: &mut dyn Write,
) -> io::Result<u8> {
    let present = Present::read(database).await.map_err(ApplyError::from);
    let mut plan = match present.and_then(|present| plan(provisioned, &present)) {
        Ok(plan) => plan,
        Err(error) => {
            writeln!(out, "what would be imported cannot be told: {error}")?;
            return Ok(FAILED);
        }
    };
    if others == Others::Stay {
        plan.remove.clear();
    }
    let told = Told::of("the import", plan);
    if json {
        writeln!(out, "{:#}", serde_json::json!({ "would": told, "findings": findings }))?;
    } else {
        write!(out, "{told}")?;
    }
    Ok(DONE)
}

/// Writes the store into a folder.
pub fn export(options: &ExportOptions, out: &mut dyn Write) -> io::Result<u8> {
    with_store(&options.config, out, async |database, out| {
        let exported = write(database, &options.folder).await.and_then(|exported| {
            if options.prune {
                prune(&options.folder, &exported)?;
            }
            Ok(exported)
        });
        match exported {
            Ok(exported) if options.json => {
                let report = serde_json::json!({
                    "files": exported.files, "strangers": exported.strangers, "refused": exported.refused,
                });
                writeln!(out, "{report:#}")?;
            }
            Ok(exported) => {
                for path in &exported.strangers {
                    let what =
                        if options.prune { "was deleted" } else { "lies there too (--prune deletes it)" };
                    writeln!(out, "{} is not of the store and {what}", path.display())?;
                }
                exported.refused.iter().try_for_each(|said| writeln!(out, "{said}"))?;
                writeln!(out, "{} files written to {}", exported.files.len(), options.folder.display())?;
            }
            Err(error) => {
                writeln!(out, "{error}")?;
                return Ok(FAILED);
            }
        }
        Ok(DONE)
    })
}

/// Copies the whole database into a file, while the server runs.
pub fn backup(options: &BackupOptions, out: &mut dyn Write) -> io::Result<u8> {
    with_store(&options.config, out, async |database, out| {
        if database.engine() == Engine::Postgres {
            writeln!(out, "the store is a PostgreSQL database: back it up with `pg_dump --format=custom`")?;
            return Ok(FAILED);
        }
        let file = options.file.display();
        if options.file.exists() {
            writeln!(out, "{file} exists already: name another file")?;
            return Ok(FAILED);
        }
        match database.backup(&options.file).await {
            Ok(()) => writeln!(out, "the store is in {file}")?,
            Err(error) => {
                writeln!(out, "{file} was not written: {error}")?;
                return Ok(FAILED);
            }
        }
        Ok(DONE)
    })
}

/// The configuration of a command that works on the store, with what flows may refer to of it; the exit code where it
/// names no store, or has errors, which are said.
fn configuration(file: &Path, out: &mut dyn Write) -> io::Result<Result<(Config, config::Store), u8>> {
    let (config, findings) = config::load_for_store(file);
    let Some(config) = config else {
        findings.iter().try_for_each(|finding| writeln!(out, "{finding}"))?;
        return Ok(Err(BAD_CONFIGURATION));
    };
    let missing = findings.iter().filter(|finding| finding.key() == Some("provision.dir"));
    missing.for_each(|finding| eprintln!("{finding}"));
    let Some(store) = config.store.clone() else {
        writeln!(out, "{} names no store: add [store] with url = \"sqlite://…\"", file.display())?;
        return Ok(Err(BAD_CONFIGURATION));
    };
    Ok(Ok((config, store)))
}

/// The store that a configuration names, with what flows may refer to of it.
pub(super) fn configured(
    file: &Path,
    out: &mut dyn Write,
) -> io::Result<Result<(config::Store, Resources), u8>> {
    let found = configuration(file, out)?;
    Ok(found.map(|(config, store)| (store, outside::resources(&config.outside))))
}

/// Whether there is a store to look at: a file that is missing would be made by opening it.
pub(super) fn is_there(store: &config::Store) -> bool {
    store.url.strip_prefix("sqlite://").is_none_or(|path| Path::new(path).exists())
}

/// Opens the store of a configuration for a command.
fn with_store(
    file: &Path,
    out: &mut dyn Write,
    work: impl AsyncFnOnce(&Database, &mut dyn Write) -> io::Result<u8>,
) -> io::Result<u8> {
    match configuration(file, out)? {
        Ok((config, store)) => with_opened(&config, &store, out, work),
        Err(code) => Ok(code),
    }
}

/// The same where it has to be there, for a command that looks at what is in it.
pub(super) fn with_present_store(
    file: &Path,
    out: &mut dyn Write,
    work: impl AsyncFnOnce(&Database, &Config, &mut dyn Write) -> io::Result<u8>,
) -> io::Result<u8> {
    let (config, store) = match configuration(file, out)? {
        Ok(found) => found,
        Err(code) => return Ok(code),
    };
    if !is_there(&store) {
        writeln!(out, "there is no store at {} yet", store.url)?;
        return Ok(FAILED);
    }
    with_opened(&config, &store, out, async |database, out| work(database, &config, out).await)
}

fn with_opened(
    config: &Config,
    store: &config::Store,
    out: &mut dyn Write,
    work: impl AsyncFnOnce(&Database, &mut dyn Write) -> io::Result<u8>,
) -> io::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let database = match Database::open(&store.url).await {
            Ok(database) => database.with_outside(outside::resources(&config.outside)),
            Err(error) => {
                writeln!(out, "{error}")?;
                return Ok(FAILED);
            }
        };
        let code = work(&database, out).await;
        database.close().await;
        code
    })
}
