//! JSON text to a tree under the eyes of somebody: who notices keys that stand twice (serde_json alone keeps the last and is
//! silent), or who counts.
//!
//! Nesting is limited to 128 levels by serde_json, so a tree can be walked by recursion.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// A document, and the pointers of keys that stood twice. The error is serde_json's, with line and column.
pub(super) fn parse(text: &str) -> Result<(Value, Vec<String>), serde_json::Error> {
    let mut places = Places::default();
    let value = read(text, &mut places)?;
    Ok((value, places.duplicates))
}

/// Adds a segment to a JSON pointer, RFC 6901 section 3.
pub fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for c in segment.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// The pointer of a place where reading stopped.
pub fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_segment(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    })
}

/// The pointer of a key of the object at `pointer`.
pub(super) fn below(pointer: &str, key: &str) -> String {
    let mut pointer = pointer.to_owned();
    push_segment(&mut pointer, key);
    pointer
}

/// Looks on while a text becomes a tree, and may end it.
pub(super) trait Watch {
    /// One more value comes.
    fn value(&mut self) -> Result<(), Stopped> {
        Ok(())
    }

    /// A list or an object begins.
    fn open(&mut self) -> Result<(), Stopped> {
        Ok(())
    }

    fn close(&mut self) {}

    /// What comes next is called so within the list or object that was opened last, until [`Watch::leave`].
    fn enter(&mut self, _segment: impl fmt::Display) {}

    /// `is_repeated`: the object had a value of that name before.
    fn leave(&mut self, _is_repeated: bool) {}
}

/// The one who looks on has seen enough, and knows why.
pub(super) struct Stopped;

/// Reads a text under somebody's eyes. Of keys that stand twice the last counts.
pub(super) fn read(text: &str, watch: &mut impl Watch) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Tree { watch }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Tree<'a, W> {
    watch: &'a mut W,
}

fn stopped<E: Error>(_: Stopped) -> E {
    E::custom("it was stopped")
}

impl<'de, W: Watch> DeserializeSeed<'de> for Tree<'_, W> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.watch.value().map_err(stopped)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de, W: Watch> Visitor<'de> for Tree<'_, W> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.watch.open().map_err(stopped)?;
        let mut list = Vec::new();
        loop {
            self.watch.enter(list.len());
            let next = items.next_element_seed(Tree { watch: self.watch })?;
            self.watch.leave(false);
            match next {
                Some(item) => list.push(item),
                None => break,
            }
        }
        self.watch.close();
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.watch.open().map_err(stopped)?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.watch.enter(&key);
            let value = entries.next_value_seed(Tree { watch: self.watch })?;
            let is_repeated = map.insert(key, value).is_some();
            self.watch.leave(is_repeated);
        }
        self.watch.close();
        Ok(Value::Object(map))
    }
}

/// Where in a document the reader is, and the keys that stood twice.
#[derive(Default)]
struct Places {
    pointer: String,
    /// Lengths of the pointer on the way here.
    above: Vec<usize>,
    duplicates: Vec<String>,
}

impl Watch for Places {
    fn enter(&mut self, segment: impl fmt::Display) {
        self.above.push(self.pointer.len());
        push_segment(&mut self.pointer, &segment.to_string());
    }

    fn leave(&mut self, is_repeated: bool) {
        /// One finding each; more would be noise.
        const DUPLICATES_MAX: usize = 100;
        if is_repeated && self.duplicates.len() < DUPLICATES_MAX {
            self.duplicates.push(self.pointer.clone());
        }
        self.pointer.truncate(self.above.pop().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_named_by_its_pointer() {
        let (value, duplicates) = parse(r#"{"a":{"x/y":1,"x/y":2},"b":[{"c":0,"c":1}]}"#).unwrap();
        assert_eq!(value["a"]["x/y"], 2);
        assert_eq!(duplicates, ["/a/x~1y", "/b/0/c"]);
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        assert!(parse(&"[".repeat(200_000)).is_err());
        assert!(parse(&"{\"a\":".repeat(100_000)).is_err());
    }
}
