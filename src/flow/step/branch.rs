//! branch: routes on a value, at once.

use crate::flow::context::{Call, Exit};
use crate::flow::finding::{Code, quoted};
use crate::flow::pattern::Pattern;
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::template::Template;
use crate::flow::variables::VALUE_BYTES_MAX;
use serde_json::{Value, json};

pub const FIELDS: [Field; 2] = [
    ("value", "What is looked at; variables are filled in, and blanks around it and capitals do not count."),
    ("branches", "The ways, looked at in this order; the first that fits is taken."),
];
const BRANCH_FIELDS: [Field; 4] = [
    ("id", "The name of the port, behind b:."),
    ("name", "What people read."),
    ("op", "How the value is compared."),
    ("values", "What it is compared with: one of them has to fit; two for between, none for blank."),
];
/// Most values of one branch: every area code of a continent, and some.
const VALUES_MAX: usize = 500;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    value: Template,
    /// In order; the first that fits wins.
    pub branches: Vec<Branch>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Branch {
    pub id: String,
    test: Test,
}

/// Texts are trimmed and in lower case.
#[derive(Clone, PartialEq, Debug)]
enum Test {
    Equals(Vec<String>),
    StartsWith(Vec<String>),
    Contains(Vec<String>),
    Regex(Vec<Pattern>),
    Less(f64),
    LessOrEqual(f64),
    Greater(f64),
    GreaterOrEqual(f64),
    Between(f64, f64),
    Blank,
}

#[derive(Clone, Copy, PartialEq)]
enum Op {
    Equals,
    StartsWith,
    Contains,
    Regex,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    Blank,
}

const OPS: [(&str, Op); 10] = [
    ("equals", Op::Equals),
    ("starts_with", Op::StartsWith),
    ("contains", Op::Contains),
    ("regex", Op::Regex),
    ("lt", Op::Lt),
    ("lte", Op::Lte),
    ("gt", Op::Gt),
    ("gte", Op::Gte),
    ("between", Op::Between),
    ("blank", Op::Blank),
];

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let value = fields.required_template("value", 4_000, reading);
        let mut branches: Vec<Branch> = Vec::new();
        for (item, pointer) in fields.list("branches", 1..=50, reading) {
            let fields = Fields::new(Some(item), pointer, &BRANCH_FIELDS, reading);
            let id = read_id(&fields, branches.iter().map(|branch| branch.id.as_str()), reading);
            let branch = Branch::read(id, &fields, reading);
            branches.push(branch);
        }
        Config { value, branches }
    }

    /// The port that the value leads to.
    pub fn decide(&self, call: &mut Call) -> Exit {
        let value = call.scope().render(&self.value, VALUE_BYTES_MAX).text;
        let value = value.trim();
        let lower = value.to_lowercase();
        Exit::Port(match self.branches.iter().position(|branch| branch.test.fits(value, &lower)) {
            Some(i) => Port::Branch(u8::try_from(i).unwrap_or(u8::MAX)),
            None if value.is_empty() => Port::None,
            None => Port::Any,
        })
    }
}

impl Branch {
    fn read(id: String, fields: &Fields, reading: &mut Reading) -> Branch {
        fields.text("name", 60, reading);
        fields.describe("values", reading, || {
            json!({"type": "array", "maxItems": VALUES_MAX, "items": {"type": ["string", "number", "boolean"]}})
        });
        let op = fields.choice("op", &OPS, Op::Equals, reading);
        if reading.description.is_some() {
            // Whether there have to be values depends on the comparison.
            return Branch { id, test: Test::Blank };
        }
        Branch { id, test: Test::read(op, fields, reading) }
    }
}

/// The id of a branch, which no other branch of the step may have.
pub fn read_id<'a>(
    fields: &Fields,
    mut others: impl Iterator<Item = &'a str>,
    reading: &mut Reading,
) -> String {
    let id = fields.required_text("id", 40, reading).unwrap_or_default();
    if !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        reading.error(
            Code::E03,
            &fields.at("id"),
            format!("{} is no id.", quoted(id)),
            "Take letters, digits, _ and -.",
        );
    }
    if !id.is_empty() && others.any(|other| other == id) {
        reading.error(
            Code::E06,
            &fields.at("id"),
            format!("Two branches have the id {}.", quoted(id)),
            "Give one of them another id.",
        );
    }
    id.to_owned()
}

impl Test {
    fn read(op: Op, fields: &Fields, reading: &mut Reading) -> Test {
        match op {
            Op::Blank => {
                if fields.get("values").is_some_and(|values| values.as_array().is_none_or(|v| !v.is_empty()))
                {
                    reading.unused(fields.at("values"), "A value beside `blank`");
                }
                Test::Blank
            }
            Op::Equals => {
                // A comma list in one value, as in the reference product.
                let lists = words(fields, reading);
                let items = lists.iter().flat_map(|list| list.split(','));
                Test::Equals(
                    items.map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect(),
                )
            }
            Op::StartsWith => Test::StartsWith(words(fields, reading)),
            Op::Contains => Test::Contains(words(fields, reading)),
            Op::Regex => {
                let mut patterns = Vec::new();
                for (value, pointer) in fields.list("values", 1..=VALUES_MAX, reading) {
                    if let Some(source) = text(value, &pointer, reading) {
                        patterns.extend(Pattern::compile(&source, false, &pointer, reading));
                    }
                }
                Test::Regex(patterns)
            }
            Op::Lt => Test::Less(number(fields, reading)),
            Op::Lte => Test::LessOrEqual(number(fields, reading)),
            Op::Gt => Test::Greater(number(fields, reading)),
            Op::Gte => Test::GreaterOrEqual(number(fields, reading)),
            Op::Between => {
                let [low, high] = numbers::<2>(fields, reading);
                if low > high {
                    reading.error(
                        Code::E14,
                        &fields.at("values"),
                        format!("The range goes from {low} to {high}."),
                        "Put the smaller number first.",
                    );
                }
                Test::Between(low, high)
            }
        }
    }

    fn fits(&self, value: &str, lower: &str) -> bool {
        let number = || parse_number(value);
        match self {
            Test::Equals(words) => words.iter().any(|word| word == lower),
            Test::StartsWith(words) => words.iter().any(|word| lower.starts_with(word)),
            Test::Contains(words) => words.iter().any(|word| lower.contains(word)),
            Test::Regex(patterns) => patterns.iter().any(|pattern| pattern.matches(value)),
            Test::Less(limit) => number().is_some_and(|number| number < *limit),
            Test::LessOrEqual(limit) => number().is_some_and(|number| number <= *limit),
            Test::Greater(limit) => number().is_some_and(|number| number > *limit),
            Test::GreaterOrEqual(limit) => number().is_some_and(|number| number >= *limit),
            Test::Between(low, high) => number().is_some_and(|number| (*low..=*high).contains(&number)),
            Test::Blank => value.is_empty(),
        }
    }
}

/// A finite decimal number. Rust reads "inf" and "nan" as numbers; a caller's value is none then.
fn parse_number(text: &str) -> Option<f64> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    text.parse::<f64>().ok().filter(|number| plain && number.is_finite())
}

fn text(value: &Value, pointer: &str, reading: &mut Reading) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        other => {
            crate::flow::reading::wrong_type(reading, pointer, "text or a number", other);
            None
        }
    }
}

fn words(fields: &Fields, reading: &mut Reading) -> Vec<String> {
    let mut words = Vec::new();
    for (value, pointer) in fields.list("values", 1..=VALUES_MAX, reading) {
        match text(value, &pointer, reading) {
            Some(word) if word.trim().is_empty() => reading.error(
                Code::E04,
                &pointer,
                "This value is empty.",
                "Fill it in, or use `blank` for a value that is empty.",
            ),
            Some(word) => words.push(word.trim().to_lowercase()),
            None => {}
        }
    }
    words
}

fn number(fields: &Fields, reading: &mut Reading) -> f64 {
    let [number] = numbers::<1>(fields, reading);
    number
}

fn numbers<const N: usize>(fields: &Fields, reading: &mut Reading) -> [f64; N] {
    let mut numbers = [0.0; N];
    let values = fields.list("values", N..=N, reading);
    for (slot, (value, pointer)) in numbers.iter_mut().zip(values) {
        let Some(text) = text(value, &pointer, reading) else { continue };
        match parse_number(text.trim()) {
            Some(number) => *slot = number,
            None => reading.error(
                Code::E03,
                &pointer,
                format!("{} is no number.", quoted(&text)),
                "Write a number such as 10 or 2.5.",
            ),
        }
    }
    numbers
}
