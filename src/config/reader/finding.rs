//! What is wrong in a file, and how it is said.

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The server does not start with it.
    Error,
    /// The server starts; something will not be as its author thinks.
    Warning,
}

/// Something wrong in a file, said so that a person can mend it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    pub severity: Severity,
    pub file: String,
    /// A line or an environment variable, the key, or both (`5: http.bind`); or a JSON pointer. Empty for the whole
    /// file.
    pub place: String,
    pub message: String,
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}: {}", self.file)?;
        match self.place.as_bytes().first() {
            None => {}
            Some(b'0'..=b'9' | b'/') => write!(f, ":{}", self.place)?,
            Some(_) => write!(f, ": {}", self.place)?,
        }
        write!(f, ": {}", self.message)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, " ({})", self.remedy) }
    }
}

/// How many findings are errors.
pub fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.severity == Severity::Error).count()
}

impl Finding {
    /// The line, where the place has one.
    pub fn line(&self) -> Option<usize> {
        self.place.split(": ").next()?.parse().ok()
    }

    /// The key with the names of its sections (`http.bind`), where the place has one.
    pub fn key(&self) -> Option<&str> {
        if self.place.starts_with('/') {
            return None;
        }
        let last = self.place.rsplit(": ").next()?;
        let is_key = !last.is_empty() && !last.contains(' ') && last.parse::<usize>().is_err();
        is_key.then_some(last)
    }
}

impl serde::Serialize for Finding {
    /// With line and key apart, for programs.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("Finding", 7)?;
        fields.serialize_field("severity", &self.severity)?;
        fields.serialize_field("file", &self.file)?;
        fields.serialize_field("place", &self.place)?;
        fields.serialize_field("line", &self.line())?;
        fields.serialize_field("key", &self.key())?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("remedy", &self.remedy)?;
        fields.end()
    }
}
