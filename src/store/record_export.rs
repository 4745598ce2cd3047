//! Call records as text for other programs: CSV or JSON lines, a page after the other out of the database, so that no more
//! than a page is ever in memory.

mod asterisk;
mod csv;
mod fields;

use super::database::record_list::{Cursor, Filter, StoredRecord};
use super::database::{Database, DatabaseError};
use serde_json::Value;

/// Records of one page: some hundred KB, read in some milliseconds, during which one connection of eight is taken.
const PAGE: u32 = 200;

/// Which columns a table has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Columns {
    /// The fields of a record by their own names.
    Fields,
    /// Those of Asterisk's call detail records.
    Asterisk,
}

/// What records are written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// RFC 4180, with a row of names.
    Csv(Columns),
    /// A whole record a line, as it is stored, with the server that had the call.
    JsonLines,
}

/// A column: its name, and what a record has in it.
type Column = (&'static str, fn(&Row<'_>) -> String);

/// A record as columns look at it.
struct Row<'a> {
    node: &'a str,
    document: &'a Value,
}

impl<'a> Row<'a> {
    fn text(&self, pointer: &str) -> &'a str {
        self.document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A text or a figure in words; empty where there is neither.
    fn value(&self, pointer: &str) -> String {
        match self.document.pointer(pointer) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    fn list(&self, pointer: &str) -> &'a [Value] {
        self.document.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Columns {
    fn all(self) -> &'static [Column] {
        match self {
            Columns::Fields => &fields::COLUMNS,
            Columns::Asterisk => &asterisk::COLUMNS,
        }
    }
}

impl Format {
    /// What comes before the first record.
    fn head(self, out: &mut Vec<u8>) {
        if let Format::Csv(columns) = self {
            csv::row(columns.all().iter().map(|(name, _)| (*name).to_owned()), out);
        }
    }

    fn record(self, record: StoredRecord, out: &mut Vec<u8>) {
        let StoredRecord { node, mut document, .. } = record;
        match self {
            Format::Csv(columns) => {
                let row = Row { node: &node, document: &document };
                csv::row(columns.all().iter().map(|(_, cell)| cell(&row)), out);
            }
            Format::JsonLines => {
                if let Value::Object(fields) = &mut document {
                    fields.insert("node".to_owned(), node.into());
                }
                out.extend(document.to_string().into_bytes());
                out.push(b'\n');
            }
        }
    }
}

/// An export under way: records for which a filter holds, the latest call first.
pub struct Export {
    database: Database,
    filter: Filter,
    format: Format,
    place: Place,
    rows: u64,
}

enum Place {
    Begin,
    After(Cursor),
    End,
}

impl Export {
    pub fn new(database: Database, filter: Filter, format: Format) -> Self {
        Export { database, filter, format, place: Place::Begin, rows: 0 }
    }

    /// Records that were given so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next piece, of whole lines; `None` after the last. Calls that come in meanwhile move nothing.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, DatabaseError> {
        let mut out = Vec::new();
        let after = match &self.place {
            Place::Begin => {
                self.format.head(&mut out);
                None
            }
            Place::After(cursor) => Some(cursor),
            Place::End => return Ok(None),
        };
        let page = self.database.records(&self.filter, after, PAGE).await?;
        self.rows += page.len() as u64;
        self.place = match page.last() {
            Some(last) if page.len() == PAGE as usize => Place::After(last.cursor()),
            _ => Place::End,
        };
        page.into_iter().for_each(|record| self.format.record(record, &mut out));
        Ok(Some(out))
    }
}

#[cfg(test)]
mod tests;
