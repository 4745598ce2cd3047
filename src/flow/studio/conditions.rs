//! A split's comparisons as those of our branch step.

use crate::flow::finding::quoted;
use crate::flow::pattern::Pattern;
use crate::flow::reading::Reading;

/// Most values of one comparison; more are no list that somebody drew.
const VALUES_MAX: usize = 100;

/// One comparison of a branch step.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Test {
    pub op: &'static str,
    pub values: Vec<String>,
    /// It is to hold where the comparison does not.
    pub negated: bool,
}

/// The comparison, or why there is none.
pub(super) fn test(kind: &str, value: &str) -> Result<Test, String> {
    let value = value.trim();
    if value.contains("{{") || value.contains("{%") {
        return Err(format!("compares with {}, and a branch compares with fixed values", quoted(value)));
    }
    let (op, values) = match kind {
        "equal_to" | "not_equal_to" if value.is_empty() => ("blank", Vec::new()),
        // Ours takes a comma list apart.
        "equal_to" | "not_equal_to" if value.contains(',') => {
            ("regex", vec![format!("(?i)^{}$", regex::escape(value))])
        }
        "equal_to" | "not_equal_to" => ("equals", vec![value.to_owned()]),
        "matches_any_of" | "does_not_match_any_of" => {
            let values = value.split(',').map(str::trim).filter(|value| !value.is_empty());
            ("equals", values.take(VALUES_MAX + 1).map(str::to_owned).collect())
        }
        "contains" | "does_not_contain" => ("contains", vec![value.to_owned()]),
        "starts_with" | "does_not_start_with" => ("starts_with", vec![value.to_owned()]),
        "is_blank" | "is_not_blank" => ("blank", Vec::new()),
        "regex" => ("regex", vec![value.to_owned()]),
        "less_than" | "greater_than" => {
            if !is_number(value) {
                return Err(format!("compares with {}, which is no number", quoted(value)));
            }
            (if kind == "less_than" { "lt" } else { "gt" }, vec![value.to_owned()])
        }
        "is_before_time" | "is_after_time" | "is_before_date" | "is_after_date" => {
            return Err(format!("compares times ({}); use a time step with a schedule", quoted(kind)));
        }
        other => return Err(format!("has the comparison {}, which is not known", quoted(other))),
    };
    if op != "blank" && (values.is_empty() || values.iter().any(String::is_empty)) {
        return Err("compares with nothing".to_owned());
    }
    if values.len() > VALUES_MAX {
        return Err(format!("compares with more than {VALUES_MAX} values"));
    }
    if op == "regex" {
        let mut reading = Reading::default();
        let compiles = values.iter().all(|value| Pattern::compile(value, false, "", &mut reading).is_some());
        if !compiles {
            return Err(format!("has the expression {}, which ours does not take", quoted(value)));
        }
    }
    let negated = kind.contains("not_");
    Ok(Test { op, values, negated })
}

/// What a dial is called when it is over, in our words for Studio's.
pub(super) fn dial_words(values: &[String]) -> Vec<String> {
    let ours = |word: &String| match word.to_ascii_lowercase().as_str() {
        "completed" | "answered" => vec!["answered".to_owned()],
        "no-answer" => vec!["no_answer".to_owned()],
        "busy" => vec!["busy".to_owned(), "rejected".to_owned()],
        "failed" => vec!["failed".to_owned(), "unavailable".to_owned()],
        _ => vec![word.clone()],
    };
    values.iter().flat_map(ours).collect()
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}
