//! Smart Numbers: which dialled numbers are meant, what is done with their calls, and the plan that finds them.

use super::number::LENGTH_MAX;
use std::collections::HashMap;
use std::fmt;

/// A Smart Number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Number {
    pub pattern: Pattern,
    pub label: String,
    pub answers: Answers,
    /// Of what is said, where the flow does not name a language (BCP 47).
    pub language: Option<String>,
    /// What a caller meets where the number leads nowhere or is not active.
    pub unassigned: Unassigned,
    /// The list of callers who are turned away.
    pub blocked_callers: Option<String>,
    /// Calls at one time; more are busy.
    pub max_concurrent_calls: Option<u32>,
    /// One that is not is answered as if it led nowhere.
    pub is_active: bool,
}

/// Which dialled numbers are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pattern {
    /// `+15550100`, or digits as they are dialled.
    Exact(String),
    /// Numbers of one length, each digit within bounds.
    Shape(Shape),
    /// Every number that starts so.
    Prefix(String),
}

/// `+1555010[0-4]X`: digits, `X` for any digit, and brackets with digits and ranges of which one may stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    text: String,
    plus: bool,
    /// For each digit which are meant, as bits.
    digits: Vec<u16>,
}

/// What a number does with a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answers {
    /// Runs the flow of that id.
    Flow(String),
    /// Rings that agent.
    Agent(String),
    /// Sends the caller's audio back: for testing a line.
    Echo,
    /// Leads nowhere yet.
    Nothing,
}

/// What a caller meets on a number that leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unassigned {
    /// The call is answered, "not in service" is said, and it is ended.
    #[default]
    NotInService,
    /// SIP 404, so that the carrier says it.
    Refuse,
}

/// Why a text is no shape of numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShapeError {
    #[error("a + stands at the beginning only")]
    Plus,
    #[error("digits, X for any digit and ranges such as [0-4] are known")]
    Character,
    #[error("a bracket holds digits and ranges such as [0-47], the smaller one first")]
    Bracket,
    #[error("it has no digit")]
    Empty,
    #[error("it is longer than 32 digits")]
    TooLong,
}

/// Numbers found by what is dialled, without looking through them: by hashing the whole number, then its beginnings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NumberPlan {
    numbers: Vec<Number>,
    exact: HashMap<String, usize>,
    /// By their length and the digits before the first that varies; those with fewer meanings first.
    shapes: HashMap<(usize, String), Vec<usize>>,
    prefixes: HashMap<String, usize>,
}

impl Number {
    /// An active number without limits.
    pub fn new(pattern: Pattern, label: &str, answers: Answers) -> Self {
        Number {
            pattern,
            label: label.to_owned(),
            answers,
            language: None,
            unassigned: Unassigned::default(),
            blocked_callers: None,
            max_concurrent_calls: None,
            is_active: true,
        }
    }
}

impl Pattern {
    /// As people write it: a prefix ends with `*`.
    pub fn text(&self) -> String {
        match self {
            Pattern::Exact(text) => text.clone(),
            Pattern::Shape(shape) => shape.text.clone(),
            Pattern::Prefix(text) => format!("{text}*"),
        }
    }

    pub fn is_exact(&self) -> bool {
        matches!(self, Pattern::Exact(_))
    }
}

impl Shape {
    /// Reads a shape; white space, dots, dashes outside of brackets, slashes and round brackets are left out.
    pub fn parse(text: &str) -> Result<Shape, ShapeError> {
        let (mut plus, mut digits, mut plain) = (false, Vec::new(), String::new());
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                ' ' | '-' | '.' | '(' | ')' | '/' => continue,
                '+' if plain.is_empty() => plus = true,
                '+' => return Err(ShapeError::Plus),
                '0'..='9' => digits.push(bit(c)),
                'X' | 'x' => digits.push(ANY),
                '[' => {
                    let (inner, after) = rest.as_str().split_once(']').ok_or(ShapeError::Bracket)?;
                    rest = after.chars();
                    let class = class(&inner.chars().collect::<Vec<_>>())?;
                    digits.push(class);
                    plain.push_str(&class_text(class));
                    continue;
                }
                _ => return Err(ShapeError::Character),
            }
            plain.push(c.to_ascii_uppercase());
        }
        match digits.len() {
            0 => Err(ShapeError::Empty),
            1..=LENGTH_MAX => Ok(Shape { text: plain, plus, digits }),
            _ => Err(ShapeError::TooLong),
        }
    }

    pub fn fits(&self, dialled: &str) -> bool {
        let rest = match (self.plus, dialled.strip_prefix('+')) {
            (true, Some(rest)) => rest,
            (false, None) => dialled,
            _ => return false,
        };
        rest.len() == self.digits.len()
            && rest.chars().zip(&self.digits).all(|(c, class)| c.is_ascii_digit() && bit(c) & class != 0)
    }

    /// How many numbers it means, at the most as many as can be counted.
    fn meanings(&self) -> u64 {
        self.digits.iter().fold(1, |count: u64, class| count.saturating_mul(u64::from(class.count_ones())))
    }

    /// Its length with a plus, and what stands before the first digit that varies.
    fn key(&self) -> (usize, String) {
        let fixed = self.digits.iter().take_while(|class| class.count_ones() == 1);
        let plus = if self.plus { "+" } else { "" };
        let digits = fixed.map(|class| char::from(b'0' + class.trailing_zeros() as u8));
        (plus.len() + self.digits.len(), plus.chars().chain(digits).collect())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// All ten digits.
const ANY: u16 = 0b11_1111_1111;

fn bit(digit: char) -> u16 {
    1 << digit.to_digit(10).unwrap_or(0)
}

/// What a bracket holds: `0-4`, `135`, `0-28`.
fn class(inner: &[char]) -> Result<u16, ShapeError> {
    let (mut class, mut i) = (0, 0);
    while let Some(from) = inner.get(i) {
        let from = from.to_digit(10).ok_or(ShapeError::Bracket)?;
        let to = match (inner.get(i + 1), inner.get(i + 2)) {
            (Some('-'), Some(to)) => {
                i += 3;
                to.to_digit(10).ok_or(ShapeError::Bracket)?
            }
            (Some('-'), None) => return Err(ShapeError::Bracket),
            _ => {
                i += 1;
                from
            }
        };
        if to < from {
            return Err(ShapeError::Bracket);
        }
        class |= (from..=to).fold(0, |bits, digit| bits | 1 << digit);
    }
    if class == 0 { Err(ShapeError::Bracket) } else { Ok(class) }
}

/// The one way in which a set of digits is written, so that one shape has one text.
fn class_text(class: u16) -> String {
    if class == ANY {
        return "X".to_owned();
    }
    let digits: Vec<u32> = (0..10).filter(|digit| class & 1 << digit != 0).collect();
    if let [one] = digits[..] {
        return one.to_string();
    }
    let mut text = "[".to_owned();
    for run in digits.chunk_by(|a, b| a + 1 == *b) {
        match run {
            [first, .., last] if run.len() > 2 => text.push_str(&format!("{first}-{last}")),
            run => run.iter().for_each(|digit| text.push_str(&digit.to_string())),
        }
    }
    text.push(']');
    text
}

impl NumberPlan {
    /// The number that is meant: the exact one, else the shape with the fewest meanings (of equals the one whose first
    /// digits are fixed the longest), else the longest prefix.
    pub fn find(&self, dialled: &str) -> Option<&Number> {
        let beginnings = || (0..=dialled.len().min(LENGTH_MAX)).rev().filter_map(|end| dialled.get(..end));
        let shape = || {
            let fitting = beginnings().filter_map(|begin| {
                let group = self.shapes.get(&(dialled.len(), begin.to_owned()))?;
                group.iter().find_map(|i| self.shape(*i).filter(|(shape, _)| shape.fits(dialled)))
            });
            fitting.min_by_key(|(shape, _)| shape.meanings()).map(|(_, number)| number)
        };
        let prefix = || beginnings().find_map(|begin| self.prefixes.get(begin));
        let exact = self.exact.get(dialled).and_then(|i| self.numbers.get(*i));
        exact
            .or_else(|| if self.shapes.is_empty() { None } else { shape() })
            .or_else(|| self.numbers.get(*prefix()?))
    }

    fn shape(&self, index: usize) -> Option<(&Shape, &Number)> {
        let number = self.numbers.get(index)?;
        if let Pattern::Shape(shape) = &number.pattern { Some((shape, number)) } else { None }
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Number> {
        self.numbers.iter()
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

impl From<Vec<Number>> for NumberPlan {
    /// Of two numbers with the same pattern the first counts.
    fn from(numbers: Vec<Number>) -> Self {
        let mut plan = NumberPlan::default();
        for (index, number) in numbers.iter().enumerate() {
            match &number.pattern {
                Pattern::Exact(text) => _ = plan.exact.entry(text.clone()).or_insert(index),
                Pattern::Prefix(text) => _ = plan.prefixes.entry(text.clone()).or_insert(index),
                Pattern::Shape(shape) => plan.shapes.entry(shape.key()).or_default().push(index),
            }
        }
        plan.numbers = numbers;
        let meanings = |numbers: &[Number], index: usize| match numbers.get(index).map(|n| &n.pattern) {
            Some(Pattern::Shape(shape)) => shape.meanings(),
            _ => u64::MAX,
        };
        for group in plan.shapes.values_mut() {
            group.sort_by_key(|index| meanings(&plan.numbers, *index));
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_means_the_numbers_that_it_says() {
        for (shape, dialled, expected) in [
            ("+1555010[0-4]X", "+15550100", false),
            ("+1555010[0-4]X", "+155501003", true),
            ("+1555010[0-4]X", "+155501053", false),
            ("+1555010[0-4]X", "155501003", false),
            ("+1 (555) 010-[0-4]x", "+155501049", true),
            ("1XX", "123", true),
            ("1XX", "1234", false),
            ("1XX", "+123", false),
            ("1XX", "12*", false),
            ("[13579]", "4", false),
            ("[0-28]", "8", true),
        ] {
            assert_eq!(Shape::parse(shape).unwrap().fits(dialled), expected, "{shape} {dialled}");
        }
    }

    #[test]
    fn one_shape_has_one_text_and_what_is_none_is_refused() {
        for (text, expected) in [
            ("+1 555-010[4-03]", Err(ShapeError::Bracket)),
            ("+1 555-01[0123]x", Ok("+155501[0-3]X")),
            ("[5][0-9][72]", Ok("5X[27]")),
            ("[]", Err(ShapeError::Bracket)),
            ("[a]", Err(ShapeError::Bracket)),
            ("[1-]", Err(ShapeError::Bracket)),
            ("[1", Err(ShapeError::Bracket)),
            ("[1]", Ok("1")),
            ("1+", Err(ShapeError::Plus)),
            ("+", Err(ShapeError::Empty)),
            ("", Err(ShapeError::Empty)),
            ("1*", Err(ShapeError::Character)),
        ] {
            assert_eq!(Shape::parse(text).map(|shape| shape.text), expected.map(str::to_owned), "{text}");
        }
        assert_eq!(Shape::parse(&"X".repeat(33)), Err(ShapeError::TooLong));
    }

    fn plan() -> NumberPlan {
        let shape = |text| Pattern::Shape(Shape::parse(text).unwrap());
        let patterns = [
            Pattern::Prefix("+1".into()),
            Pattern::Prefix("+1415".into()),
            Pattern::Exact("+14155550123".into()),
            shape("+1415555XXXX"),
            shape("+1415555012X"),
            shape("+141X5550120"),
            Pattern::Exact("100".into()),
        ];
        patterns.map(|pattern| Number::new(pattern, "", Answers::Echo)).to_vec().into()
    }

    #[test]
    fn exact_before_the_narrowest_shape_before_the_longest_prefix() {
        for (dialled, expected) in [
            ("+14155550123", Some("+14155550123")),
            ("+14155550124", Some("+1415555012X")),
            ("+14155550120", Some("+1415555012X")),
            ("+14165550120", Some("+141X5550120")),
            ("+14155559999", Some("+1415555XXXX")),
            ("+141555599999", Some("+1415*")),
            ("+12025550124", Some("+1*")),
            ("100", Some("100")),
            ("1000", None),
            ("", None),
            ("+\u{e4}", None),
        ] {
            let found = plan().find(dialled).map(|number| number.pattern.text());
            assert_eq!(found.as_deref(), expected, "{dialled}");
        }
    }

    #[test]
    fn a_hundred_thousand_numbers_are_found_without_looking_through_them() {
        let exact = (0..100_000).map(|n| Pattern::Exact(format!("+1555{n:06}")));
        let numbers: Vec<Number> = exact.map(|pattern| Number::new(pattern, "", Answers::Echo)).collect();
        let plan = NumberPlan::from(numbers);
        // A scan of each would compare ten thousand million texts.
        for n in 0..100_000 {
            assert!(plan.find(&format!("+1555{n:06}")).is_some());
            assert!(plan.find(&format!("+1666{n:06}")).is_none());
        }
    }
}
