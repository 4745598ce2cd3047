//! `cordboard restore`: a backup as the store again.

use super::flow::{DONE, FAILED};
use super::store::configured;
use crate::store::restore::restore;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub struct RestoreOptions {
    /// A file that `cordboard backup` has made
    pub file: PathBuf,
    #[arg(long, default_value = "config/cordboard.toml")]
    pub config: PathBuf,
    /// Also in the place of a store that is not empty, which is kept beside it
    #[arg(long)]
    pub force: bool,
}

/// Puts a backup in the place of the store, which no server may use.
pub fn run(options: &RestoreOptions, out: &mut dyn Write) -> io::Result<u8> {
    let store = match configured(&options.config, out)? {
        Ok((store, _)) => store,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(restore(&store, &options.file, options.force)) {
        Ok(former) => {
            writeln!(out, "the store is that of {} again", options.file.display())?;
            if let Some(former) = former {
                writeln!(out, "the one before is kept as {}", former.display())?;
            }
            Ok(DONE)
        }
        Err(error) => {
            writeln!(out, "nothing was restored: {error}")?;
            Ok(FAILED)
        }
    }
}
