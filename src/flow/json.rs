//! JSON text to a tree, noticing keys that stand twice (serde_json alone keeps the last and is silent).
//!
//! Nesting is limited to 128 levels by serde_json, so a tree can be walked by recursion.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// A document, and the pointers of keys that stood twice. The error is serde_json's, with line and column.
pub(super) fn parse(text: &str) -> Result<(Value, Vec<String>), serde_json::Error> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tree = Tree { pointer: &mut String::new(), duplicates: &mut duplicates };
    let value = tree.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, duplicates))
}

/// Adds a segment to a JSON pointer, RFC 6901 section 3.
pub(super) fn push_segment(pointer: &mut String, segment: &str) {
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

struct Tree<'a> {
    pointer: &'a mut String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
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

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        let end = self.pointer.len();
        loop {
            push_segment(self.pointer, &list.len().to_string());
            let next =
                items.next_element_seed(Tree { pointer: self.pointer, duplicates: self.duplicates })?;
            self.pointer.truncate(end);
            match next {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        /// One finding each; more would be noise.
        const DUPLICATES_MAX: usize = 100;
        let mut map = Map::new();
        let end = self.pointer.len();
        while let Some(key) = entries.next_key::<String>()? {
            push_segment(self.pointer, &key);
            let value =
                entries.next_value_seed(Tree { pointer: self.pointer, duplicates: self.duplicates })?;
            if map.insert(key, value).is_some() && self.duplicates.len() < DUPLICATES_MAX {
                self.duplicates.push(self.pointer.clone());
            }
            self.pointer.truncate(end);
        }
        Ok(Value::Object(map))
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
