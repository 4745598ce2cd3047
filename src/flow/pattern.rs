//! Regular expressions in documents: linear time, limited in size.

use super::finding::Code;
use super::reading::Reading;
use regex::{Regex, RegexBuilder};

/// Longest pattern in characters.
pub(super) const PATTERN_CHARS_MAX: usize = 500;
/// Compiled size in bytes; enough for any number plan, small enough for 500 steps.
const COMPILED_BYTES_MAX: usize = 256 * 1_024;
/// Most patterns of one flow, which bounds what all of them together can take to 50 MB.
const PATTERNS_MAX: usize = 200;
/// Nesting of groups; deeper ones only exhaust the compiler.
const NESTING_MAX: u32 = 50;

/// A compiled pattern; two are equal if their texts are.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Pattern {
    /// Matches the whole text where `anchored`, else any part of it. A refused one is reported as E08.
    pub fn compile(source: &str, anchored: bool, pointer: &str, reading: &mut Reading) -> Option<Pattern> {
        let build = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(COMPILED_BYTES_MAX)
                .dfa_size_limit(COMPILED_BYTES_MAX)
                .nest_limit(NESTING_MAX)
                .build()
        };
        // Compiled by itself first: a stray parenthesis must not close the group that anchors it.
        reading.patterns += 1;
        let compiled = if reading.patterns > PATTERNS_MAX {
            Err("this flow has more than 200 of them".to_owned())
        } else if source.chars().count() > PATTERN_CHARS_MAX {
            Err("it is longer than 500 characters".to_owned())
        } else {
            build(source)
                .and_then(|regex| if anchored { build(&format!("^(?:{source})$")) } else { Ok(regex) })
                .map_err(|error| {
                    // The lines before the last draw the pattern with a mark below it.
                    let text = error.to_string();
                    let last = text.lines().last().unwrap_or_default();
                    last.strip_prefix("error: ").unwrap_or(last).to_owned()
                })
        };
        match compiled {
            Ok(regex) => Some(Pattern(regex)),
            Err(reason) => {
                reading.error(
                    Code::E08,
                    pointer,
                    format!("The regular expression is refused: {reason}."),
                    "Back-references and look-around are not allowed; the rest is the usual syntax.",
                );
                None
            }
        }
    }

    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}
