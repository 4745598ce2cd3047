//! Reading TOML, and JSON documents of the same shape, so that all that is wrong is said at once, each with its place
//! and a remedy.

mod finding;
mod tree;

pub use finding::{Finding, Severity, errors};
use std::cell::{Cell, RefCell};
use std::path::Path;
use toml::de::DeTable;
pub use tree::camel_case;
use tree::{Node, Value, convert_json, convert_table, set, to_json, value_of_variable};

/// A file or document that was read, and what was found wrong with it so far.
pub struct Document {
    file: String,
    /// Where files that it refers to lie; a JSON document may refer to none.
    folder: Option<std::path::PathBuf>,
    root: Node,
    /// Faults of the syntax; what else is found then is mostly their echo.
    syntax_errors: usize,
    findings: RefCell<Vec<Finding>>,
    /// Keys that a reader asked for, with those of their sections.
    #[cfg(test)]
    pub(super) asked: RefCell<std::collections::BTreeSet<String>>,
}

impl Document {
    /// Reads the text of the file named `file`. Syntax errors become findings; what could be read is kept.
    pub fn parse(file: &Path, text: &str) -> Document {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let line_of = |at: usize| {
            (1 + text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count()).to_string()
        };
        let name = file.display().to_string();
        let findings = errors.iter().map(|error| Finding {
            severity: Severity::Error,
            file: name.clone(),
            place: error.span().map(|s| line_of(s.start)).unwrap_or_default(),
            message: format!("not TOML: {}", error.message()),
            remedy: String::new(),
        });
        let findings = RefCell::new(findings.collect());
        let syntax_errors = errors.len();
        let root = Node { place: String::new(), value: convert_table(table.get_ref(), &line_of) };
        let folder = Some(file.parent().unwrap_or(Path::new("")).to_owned());
        Document {
            file: name,
            folder,
            root,
            syntax_errors,
            findings,
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    /// Takes a JSON document: places are JSON pointers, keys are in camel case. `name` says whose it is. `${file:…}` in
    /// it stays as it stands: whoever may write a document may not read the server's files by it.
    pub fn from_json(name: &str, value: &serde_json::Value) -> Document {
        let mut root = convert_json(value, "");
        let mut findings = Vec::new();
        if !matches!(root.value, Value::Table(_)) {
            let (file, message) = (name.to_owned(), "is no JSON object".to_owned());
            findings.push(Finding {
                severity: Severity::Error,
                file,
                place: String::new(),
                message,
                remedy: String::new(),
            });
            root.value = Value::Table(Vec::new());
        }
        let findings = RefCell::new(findings);
        Document {
            file: name.to_owned(),
            folder: None,
            root,
            syntax_errors: 0,
            findings,
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    /// Lets variables such as `CORDBOARD__HTTP__BIND` set or replace keys.
    pub fn overlay(&mut self, prefix: &str, variables: impl Iterator<Item = (String, String)>) {
        let mut variables: Vec<_> = variables.filter(|(name, _)| name.starts_with(prefix)).collect();
        variables.sort();
        for (name, text) in variables {
            let path: Vec<String> = name[prefix.len()..].split("__").map(str::to_ascii_lowercase).collect();
            let place = format!("environment {name}");
            let node = Node { place: place.clone(), value: value_of_variable(&text, &place) };
            if set(&mut self.root.value, &path, node).is_none() {
                self.say(
                    Severity::Error,
                    &place,
                    "names no place that a value can be put in".into(),
                    String::new(),
                );
            }
        }
    }

    pub fn root(&self) -> Section<'_> {
        Section {
            document: self,
            path: String::new(),
            node: Some(&self.root),
            seen: RefCell::default(),
            accepts_rest: Cell::default(),
        }
    }

    /// What was found; where the file is not TOML, only that.
    pub fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        if self.syntax_errors > 0 {
            findings.truncate(self.syntax_errors);
        }
        findings
    }

    /// An error that somebody else has found, at a place of the document.
    pub fn error_at(&self, place: &str, message: String) {
        self.say(Severity::Error, place, message, String::new());
    }

    fn say(&self, severity: Severity, place: &str, message: String, remedy: String) {
        let finding = Finding { severity, file: self.file.clone(), place: place.to_owned(), message, remedy };
        self.findings.borrow_mut().push(finding);
    }
}

/// Stands among the keys that were asked for where all were.
const ANY: &str = "*";

/// A table of the document that is being read. Keys that nobody asked for are found when it is dropped.
pub struct Section<'a> {
    document: &'a Document,
    path: String,
    node: Option<&'a Node>,
    seen: RefCell<Vec<&'static str>>,
    accepts_rest: Cell<bool>,
}

impl<'a> Section<'a> {
    pub fn exists(&self) -> bool {
        self.node.is_some()
    }

    /// Whether a key was written, rightly or not.
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The place of the section itself.
    pub fn place(&self) -> &str {
        self.node.map_or("", |n| &n.place)
    }

    /// An error about the section or one of its keys.
    pub fn error(&self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.report(Severity::Error, key, message.into(), remedy.into());
    }

    pub fn warning(&self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.report(Severity::Warning, key, message.into(), remedy.into());
    }

    fn report(&self, severity: Severity, key: &str, message: String, remedy: String) {
        let place = self.find(key).map_or_else(|| self.place().to_owned(), |n| n.place.clone());
        if self.is_json() {
            return self.document.say(severity, &place, message, remedy);
        }
        let name =
            [self.path.as_str(), key].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(".");
        let place = [place, name].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(": ");
        self.document.say(severity, &place, message, remedy);
    }

    fn find(&self, key: &str) -> Option<&'a Node> {
        match self.node.map(|n| &n.value) {
            Some(Value::Table(entries)) => entries.iter().find(|(k, _)| k == key).map(|(_, n)| n),
            _ => None,
        }
    }

    fn take(&self, key: &'static str) -> Option<&'a Node> {
        self.seen.borrow_mut().push(key);
        #[cfg(test)]
        self.document.asked.borrow_mut().insert(format!("{}.{key}", self.path));
        self.find(key)
    }

    fn wrong_kind(&self, key: &str, wanted: &str, node: &Node) {
        self.error(key, format!("{wanted} is wanted here, not {}", node.value.kind()), "");
    }

    /// A string; `${file:PATH}` is replaced by the trimmed content of that file (secrets).
    pub fn text(&self, key: &'static str) -> Option<String> {
        let node = self.take(key)?;
        match &node.value {
            Value::Text(text) => self.resolve_file(key, text, Severity::Error),
            _ => {
                self.wrong_kind(key, "a string", node);
                None
            }
        }
    }

    /// As [`Section::text`], of a secret that may come later: where its file cannot be read, that is a warning. Files that are
    /// brought from another server have no secrets.
    pub fn secret(&self, key: &'static str) -> Option<String> {
        match &self.take(key)?.value {
            Value::Text(text) => self.resolve_file(key, text, Severity::Warning),
            _ => self.text(key),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a secret is kept in a file of its own and read once, at start"
    )]
    fn resolve_file(&self, key: &str, text: &str, severity: Severity) -> Option<String> {
        let Some(path) = text.strip_prefix("${file:").and_then(|rest| rest.strip_suffix('}')) else {
            return Some(text.to_owned());
        };
        let Some(folder) = &self.document.folder else { return Some(text.to_owned()) };
        let path = folder.join(path);
        match std::fs::read_to_string(&path) {
            Ok(content) => Some(content.trim_end().to_owned()),
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                self.report(severity, key, message, "give the file, readable by the server".to_owned());
                None
            }
        }
    }

    /// A string as it stands: of a secret the reference `${file:PATH}`, not what it refers to.
    pub fn reference(&self, key: &'static str) -> Option<String> {
        match &self.take(key)?.value {
            Value::Text(text) => Some(text.clone()),
            _ => self.text(key),
        }
    }

    /// The whole section as JSON, with keys in camel case.
    pub fn to_json(&self) -> serde_json::Value {
        self.node.map_or(serde_json::Value::Null, |node| to_json(&node.value))
    }

    /// Whether this is of a JSON document, which may come from anybody who may write objects.
    pub fn is_json(&self) -> bool {
        self.document.folder.is_none()
    }

    /// Takes all keys that were not read for good: they are another's to check.
    pub fn accept_rest(&self) {
        self.accepts_rest.set(true);
    }

    /// A whole number within the range.
    pub fn integer(&self, key: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let node = self.take(key)?;
        match node.value {
            Value::Integer(number) if range.contains(&number) => return Some(number),
            Value::Integer(number) => {
                let (low, high) = (range.start(), range.end());
                self.error(key, format!("{number} is not between {low} and {high}"), "");
            }
            _ => self.wrong_kind(key, "a whole number", node),
        }
        None
    }

    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        let node = self.take(key)?;
        match node.value {
            Value::Bool(value) => return Some(value),
            _ => self.wrong_kind(key, "true or false", node),
        }
        None
    }

    /// A list of strings.
    pub fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        let node = self.take(key)?;
        let texts = match &node.value {
            Value::List(items) => items
                .iter()
                .map(|i| if let Value::Text(t) = &i.value { Some(t.clone()) } else { None })
                .collect(),
            _ => None,
        };
        if texts.is_none() {
            self.wrong_kind(key, "a list of strings", node);
        }
        texts
    }

    /// A list of whole numbers.
    pub fn integers(&self, key: &'static str) -> Option<Vec<i64>> {
        let node = self.take(key)?;
        let numbers = match &node.value {
            Value::List(items) => {
                items.iter().map(|i| if let Value::Integer(n) = i.value { Some(n) } else { None }).collect()
            }
            _ => None,
        };
        if numbers.is_none() {
            self.wrong_kind(key, "a list of whole numbers", node);
        }
        numbers
    }

    /// A value read by `parse`, whose error names what is wanted.
    pub fn parsed<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|wanted| self.error(key, format!("\"{text}\" is not {wanted}"), "")).ok()
    }

    /// All keys of the section, whatever their names; each must hold a string.
    pub fn all_texts(&self) -> Vec<(String, String)> {
        self.seen.borrow_mut().push(ANY);
        let Some(Value::Table(entries)) = self.node.map(|node| &node.value) else { return Vec::new() };
        let text = |(key, node): &(String, Node)| match &node.value {
            Value::Text(text) => Some((key.clone(), self.resolve_file(key, text, Severity::Error)?)),
            _ => {
                self.wrong_kind(key, "a string", node);
                None
            }
        };
        entries.iter().filter_map(text).collect()
    }

    /// A table below this one; one without keys where it is missing.
    pub fn section(&self, key: &'static str) -> Section<'a> {
        let node = self.take(key);
        let table = node.filter(|n| matches!(n.value, Value::Table(_)));
        if let (Some(node), None) = (node, table) {
            self.wrong_kind(key, "a section", node);
        }
        self.below(key, table)
    }

    /// The tables of `[[key]]`.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.wrong_kind(key, "a list of sections ([[…]])", node);
            return Vec::new();
        };
        let tables = items.iter().filter(|item| {
            let is_table = matches!(item.value, Value::Table(_));
            if !is_table {
                self.wrong_kind(key, "a section", item);
            }
            is_table
        });
        tables.enumerate().map(|(i, item)| self.below(&format!("{key}[{i}]"), Some(item))).collect()
    }

    fn below(&self, key: &str, node: Option<&'a Node>) -> Section<'a> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Section {
            document: self.document,
            path,
            node,
            seen: RefCell::default(),
            accepts_rest: Cell::default(),
        }
    }

    /// Keys that a later version brings: accepted, and said not to be used yet.
    pub fn later(&self, keys: &[&'static str]) {
        for key in keys {
            if self.take(key).is_some() {
                self.warning(key, "is not used yet: a later version brings it", "");
            }
        }
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let Some(Node { value: Value::Table(entries), .. }) = self.node else { return };
        if self.accepts_rest.get() {
            return;
        }
        let seen = self.seen.borrow();
        if seen.contains(&ANY) {
            return;
        }
        for (key, _) in entries {
            if !seen.contains(&key.as_str()) {
                let is_json = self.is_json();
                let known = nearest(key.trim_matches('"'), seen.iter().copied());
                let known = known.map(|known| if is_json { camel_case(known) } else { known.to_owned() });
                let remedy = known.map(|known| format!("did you mean \"{known}\"?")).unwrap_or_default();
                self.error(key, "unknown key", remedy);
            }
        }
    }
}

/// The known name that a misspelt one most likely means.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|(d, k)| *d <= 1 + k.len() / 3)
        .min()
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str, read: impl FnOnce(&Section<'_>)) -> Vec<String> {
        let document = Document::parse(Path::new("x.toml"), text);
        read(&document.root());
        document.into_findings().iter().map(Finding::to_string).collect()
    }

    #[test]
    fn every_fault_is_found_with_its_line() {
        let text = "bind = 5\nports = [1, \"a\"]\nthread = 3\n[http]\nbnid = \"x\"\n";
        let found = findings(text, |root| {
            root.text("bind");
            root.integers("ports");
            root.integer("threads", 0..=64);
            root.section("http").text("bind");
        });
        assert_eq!(
            found,
            [
                "error: x.toml:1: bind: a string is wanted here, not a whole number",
                "error: x.toml:2: ports: a list of whole numbers is wanted here, not a list",
                "error: x.toml:5: http.bnid: unknown key (did you mean \"bind\"?)",
                "error: x.toml:3: thread: unknown key (did you mean \"threads\"?)",
            ]
        );
    }

    #[test]
    fn a_variable_replaces_a_key_and_an_unknown_one_is_named() {
        let mut document =
            Document::parse(Path::new("x.toml"), "[http]\nbind = \"a\"\n[[listen]]\nbind = \"b\"\n");
        let variables = [
            ("C__HTTP__BIND", "127.0.0.1:9"),
            ("C__LISTEN__0__BIND", "c"),
            ("C__HTTP__BNID", "x"),
            ("OTHER", "y"),
        ];
        document.overlay("C__", variables.iter().map(|(k, v)| (k.to_string(), v.to_string())));
        let root = document.root();
        assert_eq!(root.section("http").text("bind").as_deref(), Some("127.0.0.1:9"));
        assert_eq!(root.sections("listen")[0].text("bind").as_deref(), Some("c"));
        drop(root);
        let found: Vec<String> = document.into_findings().iter().map(Finding::to_string).collect();
        assert_eq!(
            found,
            ["error: x.toml: environment C__HTTP__BNID: http.bnid: unknown key (did you mean \"bind\"?)"]
        );
    }

    #[test]
    fn line_and_key_of_a_place_are_told_apart() {
        for (place, line, key) in [
            ("5: http.bind", Some(5), Some("http.bind")),
            ("5", Some(5), None),
            ("records", None, Some("records")),
            ("environment C__HTTP__BIND: http.bind", None, Some("http.bind")),
            ("environment C__X", None, None),
            ("/steps/a: b", None, None),
            ("", None, None),
        ] {
            let (file, message, remedy) = (String::new(), String::new(), String::new());
            let severity = Severity::Error;
            let finding = Finding { severity, file, place: place.to_owned(), message, remedy };
            assert_eq!((finding.line(), finding.key()), (line, key), "{place}");
        }
    }

    #[test]
    fn a_fault_of_the_syntax_hides_its_echoes_and_a_byte_order_mark_is_none() {
        let found = findings("[sip\nbind = 1\n", |root| {
            root.section("http").error("bind", "is missing", "");
        });
        assert!(!found.is_empty() && found.iter().all(|f| f.contains("not TOML")), "{found:#?}");
        assert_eq!(findings("\u{feff}a = 1\n", |root| _ = root.integer("a", 0..=9)), [""; 0]);
    }

    #[test]
    fn a_json_document_is_read_by_the_same_names_with_pointers_for_places() {
        let value = serde_json::json!({
            "maxCalls": "two", "trunk_id": "x", "steps": [{"id": 5}], "label": null, "secret": "${file:/etc/hostname}",
            "flwo": 1,
        });
        let document = Document::from_json("number", &value);
        let root = document.root();
        root.integer("max_calls", 0..=9);
        root.text("trunk_id");
        root.text("label");
        root.text("flow");
        assert_eq!(root.text("secret").as_deref(), Some("${file:/etc/hostname}"));
        let steps = root.sections("steps");
        assert_eq!(steps[0].to_json(), serde_json::json!({"id": 5}));
        steps[0].text("id");
        drop((steps, root));
        let found: Vec<String> = document.into_findings().iter().map(Finding::to_string).collect();
        assert_eq!(
            found,
            [
                "error: number:/maxCalls: a whole number is wanted here, not a string",
                "error: number:/steps/0/id: a string is wanted here, not a whole number",
                "error: number:/trunk_id: unknown key (did you mean \"trunkId\"?)",
                "error: number:/flwo: unknown key (did you mean \"flow\"?)",
            ]
        );
        let list = Document::from_json("number", &serde_json::json!([]));
        assert_eq!(list.into_findings()[0].to_string(), "error: number: is no JSON object");
    }

    #[test]
    fn broken_toml_is_a_finding_and_no_panic() {
        for text in ["[", "a = ", "a = 1\na = 2", "\u{0}", "= =", "a = 99999999999999999999"] {
            let found = findings(text, |root| {
                root.integer("a", 0..=9);
            });
            assert!(!found.is_empty(), "{text:?}");
        }
    }
}
