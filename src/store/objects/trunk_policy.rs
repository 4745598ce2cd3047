//! How a trunk writes numbers, and what it is believed and told about callers.

use crate::call::identity::{CallerHeader, DiversionHeader, IdentityPolicy, WrittenHeader};
use crate::call::media_leg::{Codecs, MediaTerms};
use crate::call::number_rule::{NumberFormat, NumberRule, PREFIX_CHARS_MAX};
use crate::call::snapshot::Wish;
use crate::config::reader::{Section, nearest};
use crate::flow::CallerList;
use crate::sip::message::{Host, SipUri};

/// The rule for numbers of a trunk.
pub(super) fn numbers(section: &Section<'_>) -> NumberRule {
    let country = section.parsed("default_country", |text| {
        text.parse().map_err(|_| "a country of two letters, such as US".to_owned())
    });
    let format = section.parsed("number_format", |text| word(text, &NumberFormat::WORDS)).unwrap_or_default();
    if format == NumberFormat::National && country.is_none() && !section.has("default_country") {
        section.warning(
            "number_format",
            "is national, but of no country: numbers go out with their country code",
            "add default_country",
        );
    }
    NumberRule {
        country,
        prefix_in: section.parsed("prefix_in", prefix).unwrap_or_default(),
        format,
        prefix_out: section.parsed("prefix_out", prefix).unwrap_or_default(),
    }
}

/// What is wanted of the media of a trunk.
pub(super) fn media(section: &Section<'_>) -> MediaTerms {
    MediaTerms { srtp: srtp(section), codecs: codecs(section) }
}

/// Whether they are protected.
fn srtp(section: &Section<'_>) -> Wish {
    const WORDS: [(&str, Wish); 4] = [
        ("as_offered", Wish::AsOffered),
        ("off", Wish::Off),
        ("prefer", Wish::Prefer),
        ("require", Wish::Require),
    ];
    section.parsed("srtp", |text| word(text, &WORDS)).unwrap_or_default()
}

/// Which codecs are used; all where nothing is said.
fn codecs(section: &Section<'_>) -> Codecs {
    let mut codecs = Codecs::default();
    for text in section.texts("codecs").unwrap_or_default() {
        if !codecs.add(&text) {
            let known = Codecs::known().collect::<Vec<_>>().join(", ");
            section.error(
                "codecs",
                format!("\"{text}\" is no codec of this server"),
                format!("one of {known}"),
            );
        }
    }
    codecs
}

/// Numbers that calls may be transferred to over a trunk; none where nothing is said.
pub(super) fn transfer_to(section: &Section<'_>) -> CallerList {
    let mut numbers = CallerList::default();
    for text in section.texts("transfer_to").unwrap_or_default() {
        if let Err(error) = numbers.add(&text) {
            section.error(
                "transfer_to",
                format!("\"{text}\": {error}"),
                "as in \"+15550100\", \"+1555*\", or \"*\" for all numbers",
            );
        }
    }
    numbers
}

/// What a trunk is believed and told about callers.
pub(super) fn identity(section: &Section<'_>) -> IdentityPolicy {
    let usual = IdentityPolicy::default();
    IdentityPolicy {
        caller_from: words(section, "caller_from", &CallerHeader::WORDS).unwrap_or(usual.caller_from),
        diverted_from: words(section, "diverted_from", &DiversionHeader::WORDS).unwrap_or_default(),
        written: words(section, "identity_out", &WrittenHeader::WORDS).unwrap_or(usual.written),
        domain: section.parsed("from_domain", domain),
        from_user: section.parsed("from_user", |text| user(text, "the name of an account")),
        caller_id: section.parsed("caller_id", |text| user(text, "a telephone number")),
    }
}

fn word<T: Copy>(text: &str, known: &[(&'static str, T)]) -> Result<T, String> {
    if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let words = || known.iter().map(|(word, _)| *word);
    Err(match nearest(text, words()) {
        Some(near) => format!("known: did you mean \"{near}\"?"),
        None => format!("one of {}", words().collect::<Vec<_>>().join(", ")),
    })
}

/// Each once, in their order.
fn words<T: Copy + PartialEq>(
    section: &Section<'_>,
    key: &'static str,
    known: &[(&'static str, T)],
) -> Option<Vec<T>> {
    let mut values: Vec<T> = Vec::new();
    for text in section.texts(key)? {
        match word(&text, known) {
            Ok(value) if values.contains(&value) => {}
            Ok(value) => values.push(value),
            Err(wanted) => section.error(key, format!("\"{text}\" is not {wanted}"), ""),
        }
    }
    Some(values)
}

fn prefix(text: &str) -> Result<String, String> {
    let fits =
        text.len() <= PREFIX_CHARS_MAX && text.bytes().all(|b| b.is_ascii_digit() || b"+*#".contains(&b));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("made of digits, +, * and #, {PREFIX_CHARS_MAX} at the most"))
    }
}

fn domain(text: &str) -> Result<String, String> {
    Host::parse(text).map(|_| text.to_owned()).ok_or_else(|| "a host, such as sip.carrier.example".to_owned())
}

fn user(text: &str, wanted: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 64 && SipUri::sip(text, "x.invalid", None).is_some();
    if fits { Ok(text.to_owned()) } else { Err(wanted.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};
    use std::path::Path;

    fn read(text: &str) -> (NumberRule, IdentityPolicy, Vec<String>) {
        let document = Document::parse(Path::new("x.toml"), text);
        let root = document.root();
        let (numbers, identity) = (numbers(&root), identity(&root));
        drop(root);
        (numbers, identity, document.into_findings().iter().map(Finding::to_string).collect())
    }

    #[test]
    fn a_policy_is_read_and_what_is_left_out_is_as_usual() {
        let (rule, policy, findings) = read("");
        assert_eq!((rule, policy, findings.len()), (NumberRule::default(), IdentityPolicy::default(), 0));
        let (rule, policy, findings) = read(
            "default_country = \"GB\"\nprefix_in = \"77\"\nnumber_format = \"national\"\nprefix_out = \"0011#\"\n\
             caller_from = [\"p_asserted_identity\", \"from\"]\ndiverted_from = [\"history_info\"]\n\
             identity_out = []\nfrom_domain = \"acme.zoom.example\"\nfrom_user = \"acme\"\ncaller_id = \"+442079460018\"\n",
        );
        assert_eq!(findings, Vec::<String>::new());
        assert_eq!((rule.format, rule.prefix_out.as_str()), (NumberFormat::National, "0011#"));
        assert_eq!(policy.caller_from, [CallerHeader::AssertedIdentity, CallerHeader::From]);
        assert_eq!(policy.diverted_from, [DiversionHeader::HistoryInfo]);
        assert!(policy.written.is_empty());
        assert_eq!(policy.from_user.as_deref(), Some("acme"));
    }

    #[test]
    fn numbers_that_may_be_transferred_to_are_a_list_and_none_where_nothing_is_said() {
        let read = |text: &str| {
            let document = Document::parse(Path::new("x.toml"), text);
            let root = document.root();
            let numbers = transfer_to(&root);
            drop(root);
            let findings: Vec<_> = document.into_findings().iter().map(Finding::to_string).collect();
            (numbers, findings)
        };
        assert!(read("").0.is_empty());
        let (numbers, findings) = read("transfer_to = [\"+1415*\", \"+15550100\"]");
        assert_eq!(findings, Vec::<String>::new());
        assert!(
            numbers.contains("+14155550123") && numbers.contains("+15550100") && !numbers.contains("+1900")
        );
        let (_, findings) = read("transfer_to = [\"everywhere\"]");
        assert!(findings[0].contains("\"everywhere\""), "{findings:?}");
    }

    #[test]
    fn what_is_wrong_with_a_policy_is_said() {
        for (text, expected) in [
            ("number_format = \"e146\"", "did you mean \"e164\""),
            ("number_format = \"national\"", "of no country"),
            ("prefix_in = \"9 \"", "made of digits"),
            ("caller_from = [\"paid\"]", "one of p_asserted_identity"),
            ("identity_out = [\"diversions\"]", "did you mean \"diversion\""),
            ("from_domain = \"a b\"", "a host"),
            ("caller_id = \"\"", "a telephone number"),
        ] {
            let (_, _, findings) = read(text);
            assert!(findings.iter().any(|found| found.contains(expected)), "{text}: {findings:?}");
        }
    }
}
