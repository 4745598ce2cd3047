//! JSON that other systems send: read by whoever fetched it, beside the threads of calls, and bounded, since a call walks
//! the tree and drops it between two packets of others.

use super::json::{self, Stopped, Watch};
use serde_json::Value;

/// Longest text in bytes: the largest reply of an http step, flows.md 1.3.
pub const BYTES_MAX: usize = super::lookup::HTTP_BYTES_MAX as usize;
/// Levels of lists and objects within each other. What services send has some ten; a tree is walked by recursion.
pub const DEPTH_MAX: usize = 64;
/// Values in all, names of fields not counted: a text of [`BYTES_MAX`] whose values have thirteen bytes. The signalling
/// thread drops as many within a millisecond; two bytes each would make ten times as many.
pub const NODES_MAX: usize = 20_000;

/// Why a text is not taken as JSON.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotTaken {
    #[error("is larger than {BYTES_MAX} bytes")]
    TooLarge,
    #[error("has more than {NODES_MAX} values")]
    TooMany,
    #[error("has lists or objects more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("is no JSON")]
    NoJson,
}

/// Reads a text.
pub fn read(text: &str) -> Result<Value, NotTaken> {
    if text.len() > BYTES_MAX {
        return Err(NotTaken::TooLarge);
    }
    let mut room = Room { nodes: NODES_MAX, depth: 0, excess: None };
    json::read(text, &mut room).map_err(|_| room.excess.unwrap_or(NotTaken::NoJson))
}

/// What may still come.
struct Room {
    nodes: usize,
    depth: usize,
    /// What there was too much of.
    excess: Option<NotTaken>,
}

impl Watch for Room {
    fn value(&mut self) -> Result<(), Stopped> {
        let Some(rest) = self.nodes.checked_sub(1) else {
            self.excess = Some(NotTaken::TooMany);
            return Err(Stopped);
        };
        self.nodes = rest;
        Ok(())
    }

    fn open(&mut self) -> Result<(), Stopped> {
        if self.depth == DEPTH_MAX {
            self.excess = Some(NotTaken::TooDeep);
            return Err(Stopped);
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_read_is_what_stands_there() {
        for text in [
            "null",
            "[]",
            "{}",
            "-3",
            "1.5",
            "\"a\\u00e4\"",
            "[1,{\"a\":[true,null,\"x\"]},18446744073709551615]",
        ] {
            assert_eq!(read(text), Ok(serde_json::from_str(text).unwrap()), "{text}");
        }
        for text in ["", " ", "{", "[1,]", "1 2", "nul", "{1:2}", "\u{0}"] {
            assert_eq!(read(text), Err(NotTaken::NoJson), "{text:?}");
        }
        assert_eq!(
            read("{\"a\":1,\"a\":2}"),
            Ok(json!({"a": 2})),
            "as with most readers the last one counts"
        );
    }

    #[test]
    fn as_much_as_is_allowed_is_read_and_one_more_is_not() {
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        for (text, expected) in [
            (list(NODES_MAX), None),
            (list(NODES_MAX + 1), Some(NotTaken::TooMany)),
            (deep(DEPTH_MAX), None),
            (deep(DEPTH_MAX + 1), Some(NotTaken::TooDeep)),
            (nested(DEPTH_MAX), None),
            (nested(DEPTH_MAX + 1), Some(NotTaken::TooDeep)),
            (deep(100_000), Some(NotTaken::TooDeep)),
            (long(BYTES_MAX), None),
            (long(BYTES_MAX + 1), Some(NotTaken::TooLarge)),
        ] {
            assert_eq!(read(&text).err(), expected, "{} bytes: {:.20}", text.len(), text);
        }
    }
}
