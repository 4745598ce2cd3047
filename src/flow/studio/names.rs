//! Names by our grammar for what Studio names freely.

use crate::flow::variables::RESERVED;
use std::collections::{HashMap, HashSet};

/// Longest name before a number or an ending is put behind it, so that all of it stays within 40 characters.
const BASE_CHARS_MAX: usize = 28;

/// Hands out names, none twice.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The last number put behind a name.
    last: HashMap<String, usize>,
}

impl Names {
    /// `base`, or with the first number behind it that makes it a new name.
    pub fn unique(&mut self, base: String) -> String {
        if self.taken.insert(base.clone()) {
            return base;
        }
        let last = self.last.entry(base.clone()).or_insert(1);
        loop {
            *last += 1;
            let name = format!("{base}_{last}");
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// A step's id before it is made unique.
pub(super) fn step_id(name: &str) -> String {
    slug(name, BASE_CHARS_MAX)
}

/// A variable's name before it is made unique.
pub(super) fn variable(name: &str) -> String {
    let mut out: String =
        name.chars().take(BASE_CHARS_MAX).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if let Some(first) = out.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    if !out.starts_with(|c: char| c.is_ascii_lowercase()) || RESERVED.contains(&out.as_str()) {
        out.insert_str(0, "v_");
    }
    out
}

/// Small letters, digits and `_`, beginning with a letter.
pub(super) fn slug(name: &str, chars_max: usize) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if out.len() >= chars_max {
            break;
        }
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    if out.starts_with(|c: char| c.is_ascii_lowercase()) {
        out.to_owned()
    } else {
        format!("s_{out}").trim_end_matches('_').to_owned()
    }
}
