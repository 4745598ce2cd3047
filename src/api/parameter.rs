//! Bounds of parameters: what the OpenAPI document says of them is what is checked, from the same schemas.

use super::openapi;
use super::problem::Problem;
use super::route::Operation;
use crate::clock::Wall;
use regex::Regex;
use serde_json::Value;

/// Parameters that are telephone numbers.
const NUMBERS: [&str; 3] = ["number", "caller", "from"];

/// What one parameter may be.
pub struct Rule {
    name: String,
    in_path: bool,
    chars: (u64, u64),
    range: (i64, i64),
    is_number: bool,
    pattern: Option<Regex>,
}

/// The time that a parameter names, RFC 3339.
pub fn time(name: &str, text: &str) -> Result<Wall, Problem> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(Wall::from).map_err(|_| {
        let plus = if text.contains(' ') { "; a + is written %2B here" } else { "" };
        let message = format!("is no time of RFC 3339, such as 2026-11-23T09:00:00Z{plus}");
        Problem::malformed(format!("{name} {message}")).at(format!("?{name}"), message)
    })
}

/// Rules of the parameters of a route, those of its headers aside.
pub fn rules(operation: &Operation) -> Vec<Rule> {
    let parameters = openapi::parameters(operation);
    parameters.iter().filter(|parameter| parameter["in"] != "header").map(rule).collect()
}

fn rule(parameter: &Value) -> Rule {
    let schema = &parameter["schema"];
    Rule {
        name: parameter["name"].as_str().unwrap_or_default().to_owned(),
        in_path: parameter["in"] == "path",
        chars: (schema["minLength"].as_u64().unwrap_or(0), schema["maxLength"].as_u64().unwrap_or(u64::MAX)),
        range: (
            schema["minimum"].as_i64().unwrap_or(i64::MIN),
            schema["maximum"].as_i64().unwrap_or(i64::MAX),
        ),
        is_number: schema["type"] == "integer",
        pattern: schema["pattern"].as_str().and_then(|pattern| Regex::new(pattern).ok()),
    }
}

/// Checks the values of a request, by name; `in_path` says where they stand.
pub fn check<'a>(
    rules: &[Rule],
    in_path: bool,
    values: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), Problem> {
    for (name, value) in values {
        let rule = rules.iter().find(|rule| rule.in_path == in_path && rule.name == name);
        let Some(rule) = rule else { continue };
        let Some(message) = lost_plus(rule, value).or_else(|| rule.broken_by(value)) else { continue };
        // What cannot be a name names nothing.
        if in_path {
            return Err(Problem::not_found("there is nothing of that name"));
        }
        return Err(Problem::malformed(format!("{name} {message}")).at(format!("?{name}"), message));
    }
    Ok(())
}

/// A telephone number whose plus came as a blank, as it does in a query where it is not encoded.
fn lost_plus(rule: &Rule, value: &str) -> Option<String> {
    let is_number = !rule.in_path && NUMBERS.contains(&rule.name.as_str());
    (is_number && value.starts_with(' ')).then(|| "begins with a blank: a + is written %2B here".to_owned())
}

impl Rule {
    fn broken_by(&self, value: &str) -> Option<String> {
        if self.is_number {
            let (least, most) = self.range;
            let fits = value.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number));
            return (!fits).then(|| format!("is a whole number from {least} to {most}"));
        }
        let (least, most) = self.chars;
        if !(least..=most).contains(&(value.chars().count() as u64)) {
            return Some(format!("has {least} to {most} characters"));
        }
        let pattern = self.pattern.as_ref()?;
        (!pattern.is_match(value)).then(|| format!("does not look like {pattern}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::resources;

    fn rules_of(id: &str) -> Vec<Rule> {
        let routes = resources::routes();
        rules(&routes.iter().find(|route| route.operation.id == id).unwrap().operation)
    }

    #[test]
    fn a_plus_that_was_not_encoded_is_told() {
        let (records, route, numbers) =
            (rules_of("listRecords"), rules_of("testRoute"), rules_of("listNumbers"));
        for (rules, name, value, fits) in [
            (&records, "caller", " 1555", false),
            (&records, "number", " 15550100", false),
            (&records, "caller", "+1555", true),
            (&records, "caller", "anonymous", true),
            (&records, "from", "2026-11-23T09:00:00Z", true),
            (&route, "number", " 15550100", false),
            (&route, "from", " 15550100", false),
            (&numbers, "text", " 1555", true),
        ] {
            let checked = check(rules, false, [(name, value)].into_iter());
            assert_eq!(checked.is_ok(), fits, "{name}={value}");
            let Err(problem) = checked else { continue };
            assert!(format!("{problem:?}").contains("written %2B"), "{problem:?}");
        }
    }

    #[test]
    fn what_the_document_says_of_a_parameter_holds() {
        let (numbers, diff) = (rules_of("listNumbers"), rules_of("diffVersions"));
        let long = "x".repeat(201);
        for (rules, name, value, fits) in [
            (&numbers, "limit", "1", true),
            (&numbers, "limit", "0", false),
            (&numbers, "limit", "201", false),
            (&numbers, "limit", "ten", false),
            (&numbers, "text", "", true),
            (&numbers, "text", long.as_str(), false),
            (&numbers, "unknown", "", true),
            (&diff, "from", "draft", true),
            (&diff, "from", "12", true),
            (&diff, "from", "-1", false),
        ] {
            let checked = check(rules, false, [(name, value)].into_iter());
            assert_eq!(checked.is_ok(), fits, "{name}={value}");
        }
        assert!(check(&diff, true, [("id", long.as_str())].into_iter()).is_err());
    }
}
