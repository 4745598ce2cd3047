//! `cordboard flow import-studio`.

use super::flow::{DONE, FAILED};
use crate::flow::studio::{BYTES_MAX, Imported, import, printed};
use serde_json::json;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Debug)]
pub struct Options {
    /// Flow definition of Twilio Studio (JSON)
    pub file: PathBuf,
    /// Where to write the call flow; standard output, where absent
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write over a file that is there already
    #[arg(long)]
    pub force: bool,
    /// The report as JSON, with the call flow in it where it is not written to a file
    #[arg(long)]
    pub json: bool,
}

/// Brings a flow over. Where the call flow goes to standard output, the report goes to `err`. [`FAILED`] if the file
/// cannot be read or the call flow not be written, or if it does not compile; it is written then all the same.
pub fn run(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let name = options.file.display();
    let imported = match read(&options.file).map(|text| import(&text)) {
        Ok(Ok(imported)) => imported,
        Ok(Err(error)) => {
            writeln!(err, "{name}: {error}")?;
            return Ok(FAILED);
        }
        Err(error) => {
            writeln!(err, "{name}: {error}")?;
            return Ok(FAILED);
        }
    };
    if let Some(file) = &options.out
        && let Err(error) = write(file, options.force, &imported)
    {
        let file = file.display();
        match error.kind() {
            io::ErrorKind::AlreadyExists => writeln!(
                err,
                "{file} exists already and was left as it is: name another file, or write over it with --force"
            )?,
            _ => writeln!(err, "{file}: {error}")?,
        }
        return Ok(FAILED);
    }
    match (&options.out, options.json) {
        (_, true) => write_json(&imported, options.out.is_none(), out)?,
        (Some(_), false) => write_report(&imported, out)?,
        (None, false) => {
            write!(out, "{}", printed(&imported.document))?;
            write_report(&imported, err)?;
        }
    }
    Ok(if imported.compiles { DONE } else { FAILED })
}

fn write_report(imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    imported.report.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    writeln!(out, "{}", imported.summary())
}

fn write_json(imported: &Imported, with_document: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut value = json!({
        "ok": imported.compiles, "summary": imported.summary(), "widgets": imported.report,
    });
    if with_document {
        value["document"] = imported.document.clone();
    }
    write!(out, "{}", printed(&value))
}

#[expect(clippy::disallowed_methods, reason = "the command was given this file to read")]
fn read(file: &Path) -> io::Result<String> {
    // One byte more than allowed, so that the flow room can say that it is too large.
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    // A cut may have gone through a character; what is too large is not read any further.
    if bytes.len() > BYTES_MAX {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8"))
}

#[expect(clippy::disallowed_methods, reason = "the command was told to write this file")]
fn write(file: &Path, force: bool, imported: &Imported) -> io::Result<()> {
    let file = if force { std::fs::File::create(file) } else { std::fs::File::create_new(file) };
    file?.write_all(printed(&imported.document).as_bytes())
}
