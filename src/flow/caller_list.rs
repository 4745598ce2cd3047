//! Lists of callers, such as those to turn away or to put through at once.

use std::collections::HashSet;

/// Most entries with `?` in a list; each of them is tried in turn while a call waits.
const SHAPES_MAX: usize = 1_000;
/// Most entries of a list in all: a few megabytes, and more than people keep by hand.
pub const ENTRIES_MAX: usize = 100_000;
/// Longest entry: E.164 has 15 digits, prefixes of carriers add up to ten.
const ENTRY_CHARS_MAX: usize = 32;

/// What people write between the digits of a number.
pub const SEPARATORS: &str = " -.()/";

/// Callers by number. Entries are numbers as `call.from` shows them (`+14155550100`), beginnings (`+1415*`), and
/// shapes with `?` for any one digit (`+1415555????`, `+1???555*`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallerList {
    numbers: HashSet<String>,
    /// Without their `*`.
    beginnings: HashSet<String>,
    shapes: Vec<Shape>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Shape {
    text: String,
    /// More may follow.
    open: bool,
}

/// Why an entry is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    #[error(
        "is no number: write digits with a + before them, ? for any one digit, and * at the end for any that follow"
    )]
    NoNumber,
    #[error("is longer than 32 characters")]
    TooLong,
    #[error("is one entry with ? more than the 1,000 that a list may have")]
    TooManyShapes,
    #[error("is one entry more than the 100,000 that a list may have")]
    TooMany,
}

impl CallerList {
    /// Adds an entry. White space, dots, dashes, slashes and brackets in it are left out.
    pub fn add(&mut self, entry: &str) -> Result<(), EntryError> {
        let entry: String =
            entry.chars().filter(|c| !SEPARATORS.contains(*c)).take(ENTRY_CHARS_MAX + 1).collect();
        if entry.chars().count() > ENTRY_CHARS_MAX {
            return Err(EntryError::TooLong);
        }
        let (text, open) = match entry.strip_suffix('*') {
            Some(text) => (text, true),
            None => (entry.as_str(), false),
        };
        let digits = text.strip_prefix('+').unwrap_or(text);
        // `*` alone is everyone who shows a number.
        if (digits.is_empty() && entry != "*") || !digits.chars().all(|c| c.is_ascii_digit() || c == '?') {
            return Err(EntryError::NoNumber);
        }
        if self.len() >= ENTRIES_MAX {
            return Err(EntryError::TooMany);
        }
        if digits.contains('?') {
            if self.shapes.len() >= SHAPES_MAX {
                return Err(EntryError::TooManyShapes);
            }
            self.shapes.push(Shape { text: text.to_owned(), open });
        } else if open {
            self.beginnings.insert(text.to_owned());
        } else {
            self.numbers.insert(text.to_owned());
        }
        Ok(())
    }

    /// Whether a caller stands in it. One who withholds the number stands in none.
    pub fn contains(&self, caller: &str) -> bool {
        if caller.is_empty() {
            return false;
        }
        let begins = |end: usize| caller.get(..end).is_some_and(|begin| self.beginnings.contains(begin));
        self.numbers.contains(caller)
            || (0..=caller.len().min(ENTRY_CHARS_MAX)).any(begins)
            || self.shapes.iter().any(|shape| shape.fits(caller))
    }

    /// Entries, each counted once but for those with `?`.
    pub fn len(&self) -> usize {
        self.numbers.len() + self.beginnings.len() + self.shapes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shape {
    fn fits(&self, caller: &str) -> bool {
        let mut rest = caller.chars();
        let begins = self.text.chars().all(|wanted| match rest.next() {
            Some(found) if wanted == '?' => found.is_ascii_digit(),
            found => found == Some(wanted),
        });
        begins && (self.open || rest.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_numbers_beginnings_and_shapes() {
        for (entry, caller, expected) in [
            ("+14155550100", "+14155550100", true),
            ("+1 (415) 555-0100", "+14155550100", true),
            ("+14155550100", "+141555501001", false),
            ("+1415*", "+14155550100", true),
            ("+1415*", "+1415", true),
            ("+1415*", "+1416", false),
            ("+1415555????", "+14155559999", true),
            ("+1415555????", "+141555599999", false),
            ("+1???555*", "+12125551", true),
            ("+1???555*", "+1212666", false),
            ("?", "+", false),
            ("*", "anonymous", true),
            ("*", "", false),
            ("100", "100", true),
            ("+ä*", "+ä1", false),
        ] {
            let mut list = CallerList::default();
            let _ = list.add(entry);
            assert_eq!(list.contains(caller), expected, "{entry} {caller}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_much_is_refused() {
        let mut list = CallerList::default();
        for entry in ["", "+", "+*", "alice", "+1*2", "++1", "1+"] {
            assert_eq!(list.add(entry), Err(EntryError::NoNumber), "{entry}");
        }
        assert_eq!(list.add(&"1".repeat(33)), Err(EntryError::TooLong));
        assert!((0..SHAPES_MAX).all(|i| list.add(&format!("+{i}?")).is_ok()));
        assert_eq!(list.add("+1?"), Err(EntryError::TooManyShapes));
        assert_eq!((list.add("+1"), list.len()), (Ok(()), SHAPES_MAX + 1));
    }

    #[test]
    fn any_caller_text_is_looked_up_without_a_panic() {
        let mut list = CallerList::default();
        list.add("+49*").unwrap();
        list.add("+1?").unwrap();
        for caller in ["ä", "+4", "\u{1f600}", "+49\u{e4}", &"9".repeat(10_000)] {
            assert_eq!(list.contains(caller), caller.starts_with("+49"), "{caller}");
        }
    }
}
