//! `cordboard openapi`: what the API is, for whoever makes a client of it.

use super::flow::DONE;
use std::io::{self, Write};

pub fn print(out: &mut dyn Write) -> io::Result<u8> {
    writeln!(out, "{:#}", crate::api::openapi_document())?;
    Ok(DONE)
}
