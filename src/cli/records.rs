//! `cordboard records export` and `cordboard records erase`.

use super::flow::{DONE, FAILED};
use super::store::with_present_store;
use crate::call::number::spellings;
use crate::clock::Wall;
use crate::store::database::record_list::Filter;
use crate::store::erasure::file::{ErasedFile, erase_in_file};
use crate::store::erasure::not_reached;
use crate::store::record_export::{Columns, Export, Format};
use std::io::{self, Write};
use std::path::PathBuf;

/// Who erases, in the audit log.
const ACTOR: &str = "cordboard records erase";

#[derive(clap::Subcommand, Debug)]
pub enum RecordsCommand {
    /// Writes the store's call records to standard output, the latest call first.
    Export(ExportOptions),
    /// Takes a caller out of the store's call records, or out of files of call records.
    Erase(EraseOptions),
}

#[derive(clap::Args, Debug)]
pub struct ExportOptions {
    #[arg(long, default_value = "config/cordboard.toml")]
    pub config: PathBuf,
    #[arg(long, value_enum, default_value = "csv")]
    pub format: FormatName,
    /// Of CSV: a record's own fields, or those of Asterisk's call detail records
    #[arg(long, value_enum, default_value = "fields")]
    pub columns: ColumnsName,
    /// Only calls that started then (RFC 3339) or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Wall>,
    /// Only calls that started before
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Wall>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum FormatName {
    Csv,
    Jsonl,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum ColumnsName {
    Fields,
    Asterisk,
}

#[derive(clap::Args, Debug)]
pub struct EraseOptions {
    /// The caller's number, with + and country code; another one is found as it stands
    pub number: String,
    #[arg(long, default_value = "config/cordboard.toml")]
    pub config: PathBuf,
    /// A file of call records, as that of [records] path: it is written anew, and the store is left alone. May be given
    /// more than once
    #[arg(long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    #[arg(long)]
    pub json: bool,
}

fn time(text: &str) -> Result<Wall, String> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(Wall::from).map_err(|_| "is no time of RFC 3339, such as 2026-11-23T09:00:00Z".to_owned())
}

pub fn run(command: &RecordsCommand, now: Wall, out: &mut dyn Write) -> io::Result<u8> {
    match command {
        RecordsCommand::Export(options) => export(options, out),
        RecordsCommand::Erase(options) if options.file.is_empty() => erase(options, now, out),
        RecordsCommand::Erase(options) => erase_files(options, now, out),
    }
}

fn export(options: &ExportOptions, out: &mut dyn Write) -> io::Result<u8> {
    let format = match (options.format, options.columns) {
        (FormatName::Jsonl, _) => Format::JsonLines,
        (FormatName::Csv, ColumnsName::Fields) => Format::Csv(Columns::Fields),
        (FormatName::Csv, ColumnsName::Asterisk) => Format::Csv(Columns::Asterisk),
    };
    let filter = Filter { from: options.from, until: options.until, ..Filter::default() };
    // What goes wrong is not among the records.
    with_present_store(&options.config, &mut io::stderr(), async |database, _, said| {
        let mut export = Export::new(database.clone(), filter, format);
        loop {
            match export.next().await {
                Ok(Some(piece)) => out.write_all(&piece)?,
                Ok(None) => return Ok(DONE),
                Err(error) => {
                    writeln!(said, "the export is not whole: {error}")?;
                    return Ok(FAILED);
                }
            }
        }
    })
}

fn erase(options: &EraseOptions, now: Wall, out: &mut dyn Write) -> io::Result<u8> {
    let spellings = spellings(&options.number);
    if spellings.iter().all(String::is_empty) {
        writeln!(out, "\"{}\" is no number", options.number)?;
        return Ok(FAILED);
    }
    with_present_store(&options.config, out, async |database, config, out| {
        let erased = match database.erase_caller(&spellings, ACTOR, now).await {
            Ok(erased) => erased,
            Err(error) => {
                writeln!(out, "not all was erased, run it again: {error}")?;
                return Ok(FAILED);
            }
        };
        let spool = config.store.as_ref().map(|store| store.spool.as_path());
        let not_reached = not_reached(config.records.path.as_deref(), spool);
        if options.json {
            let report = serde_json::json!({
                "records": erased.records, "outboxRows": erased.rows, "spellings": spellings,
                "notReached": not_reached,
            });
            writeln!(out, "{report:#}")?;
            return Ok(DONE);
        }
        writeln!(out, "{} call records and {} rows of the outbox were erased", erased.records, erased.rows)?;
        writeln!(out, "not reached:")?;
        not_reached.iter().try_for_each(|place| writeln!(out, "- {place}"))?;
        Ok(DONE)
    })
}

fn erase_files(options: &EraseOptions, now: Wall, out: &mut dyn Write) -> io::Result<u8> {
    let spellings = spellings(&options.number);
    if spellings.iter().all(String::is_empty) {
        writeln!(out, "\"{}\" is no number", options.number)?;
        return Ok(FAILED);
    }
    let mut code = DONE;
    for file in &options.file {
        let done = erase_in_file(file, &spellings, now);
        let name = file.display();
        match &done {
            Ok(ErasedFile { lines, erased, removed }) if options.json => {
                let report = serde_json::json!({
                    "file": file, "lines": lines, "erased": erased, "removed": removed,
                });
                writeln!(out, "{report}")?;
            }
            Ok(ErasedFile { lines, erased, removed }) => {
                writeln!(out, "{name}: {erased} of {lines} records were erased")?;
                if *removed > 0 {
                    writeln!(
                        out,
                        "{name}: {removed} lines that are no records had the number, and are gone"
                    )?;
                }
            }
            Err(error) => {
                writeln!(out, "{error}")?;
                code = FAILED;
            }
        }
    }
    Ok(code)
}
