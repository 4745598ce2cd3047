//! What came of a leg, for the record: over which trunk it went, and why it came to nothing.

use super::Dialled;
use crate::flow::DialId;

/// Ways of a leg of which it is kept why they came to nothing: as many as one reads.
const SAID_MAX: usize = 8;

/// What came of a leg, for the record.
#[derive(Clone, Debug)]
pub(in crate::call) struct LegEnd {
    pub dial: DialId,
    /// The trunk that it went over, of several the last.
    pub trunk: Option<String>,
    /// Why it came to nothing.
    pub why: Option<String>,
}

impl Dialled {
    /// Notes in words why the way that is tried came to nothing.
    pub fn note_words(&mut self, words: String) {
        let trunk = self.over.clone();
        self.note_words_of(trunk.as_deref(), words);
    }

    /// The same of a way over that trunk. Telephones of one agent say the same, mostly.
    pub(super) fn note_words_of(&mut self, trunk: Option<&str>, words: String) {
        let said = (trunk.map(str::to_owned), words);
        if self.said.len() < SAID_MAX && !self.said.contains(&said) {
            self.said.push(said);
        }
    }

    /// What came of it, for the record.
    pub fn end(&self) -> LegEnd {
        let of_trunk = |(trunk, words): &(Option<String>, String)| match trunk {
            Some(trunk) => format!("the trunk \"{trunk}\": {words}"),
            None => words.clone(),
        };
        let why = match &self.said[..] {
            [] => None,
            [(_, words)] => Some(words.clone()),
            several => Some(several.iter().map(of_trunk).collect::<Vec<_>>().join("; ")),
        };
        LegEnd { dial: self.dial, trunk: self.over.clone(), why }
    }
}
