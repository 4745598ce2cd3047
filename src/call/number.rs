//! Telephone numbers as peers write them.

use crate::flow::SEPARATORS;
use phonenumber::country::Id as Country;

/// A number longer than this is none: E.164 has 15 digits, prefixes of carriers add up to ten.
pub const LENGTH_MAX: usize = 32;

/// Numbers with no more digits are those of services within a country or an office (911, 112, 110, an extension): they have
/// no form with a plus, and the shortest number of E.164 has four digits behind the code of its country.
const SERVICE_DIGITS_MAX: usize = 3;

/// What a dialled or calling number may mean, most likely first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Readings {
    /// As it came, without separators.
    pub plain: String,
    /// By the trunk's rule, where it has no plus and the rule reads it.
    pub by_rule: Option<String>,
}

/// Reads a number: parameters and separators go; one with a plus stands as it is, with no check of validity;
/// others are read by the rule of their trunk (contract).
pub fn read(text: &str, country: Option<Country>) -> Readings {
    let plain: String =
        without_parameters(text).chars().filter(|c| !SEPARATORS.contains(*c)).take(LENGTH_MAX + 1).collect();
    let digits = !plain.is_empty() && plain.len() <= LENGTH_MAX && plain.bytes().all(|b| b.is_ascii_digit());
    let by_rule = if digits { country.and_then(|country| international(&plain, country)) } else { None };
    Readings { plain, by_rule }
}

/// `+15550100;npdi` without what carriers put behind a number: a user part may hold the parameters of a `tel:` URI
/// (RFC 3261 19.1.6, RFC 3966 5, RFC 4694). What is no number stays whole: a name may have a semicolon.
fn without_parameters(text: &str) -> &str {
    let is_number = |text: &str| {
        text.bytes().any(|b| b.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c) || SEPARATORS.contains(c))
    };
    text.split_once(';').map(|(number, _)| number).filter(|number| is_number(number)).unwrap_or(text)
}

fn international(digits: &str, country: Country) -> Option<String> {
    if digits.len() <= SERVICE_DIGITS_MAX {
        return None;
    }
    // No national number begins so: where 00 is not the country's own prefix (011 in the US), it means nothing.
    if digits.starts_with("00") && !has_international_prefix(digits, country) {
        return None;
    }
    let number = phonenumber::parse(Some(country), digits).ok()?;
    Some(number.format().mode(phonenumber::Mode::E164).to_string())
}

/// Whether the digits begin with what is dialled in that country before the code of another.
fn has_international_prefix(digits: &str, country: Country) -> bool {
    let metadata = phonenumber::metadata::DATABASE.by_id(country.as_ref());
    let prefix = metadata.and_then(|m| m.international_prefix());
    prefix.and_then(|prefix| prefix.find(digits)).is_some_and(|found| found.start() == 0)
}

impl Readings {
    /// The best reading, for showing and for calling back.
    pub fn best(&self) -> &str {
        self.by_rule.as_deref().unwrap_or(&self.plain)
    }
}

/// The three digits after +1 of a number of North American shape; empty otherwise.
pub fn area_code(e164: &str) -> &str {
    match e164.strip_prefix("+1") {
        Some(national)
            if national.len() == 10
                && national.bytes().all(|b| b.is_ascii_digit())
                && matches!(national.as_bytes()[0], b'2'..=b'9') =>
        {
            &national[..3]
        }
        _ => "",
    }
}

/// Country calling codes of one and of two digits (ITU-T E.164 annex); all others have three.
const ONE_DIGIT: [&str; 2] = ["1", "7"];
const TWO_DIGITS: [&str; 44] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
    "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
    "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// The country calling code of a number with a plus; empty where it is none. By the plan of E.164 alone: looking
/// a number up in the tables of the library costs more than the rest of a call's set-up.
pub fn country_code(e164: &str) -> &str {
    let Some(digits) =
        e164.strip_prefix('+').filter(|d| d.len() >= 4 && d.bytes().all(|b| b.is_ascii_digit()))
    else {
        return "";
    };
    let starts = |length: usize, codes: &[&str]| codes.contains(&&digits[..length]);
    match () {
        () if digits.starts_with('0') => "",
        () if starts(1, &ONE_DIGIT) => &digits[..1],
        () if starts(2, &TWO_DIGITS) => &digits[..2],
        () => &digits[..3],
    }
}

/// A number of E.164, without its plus, as it is dialled in that country; nothing where it is of another one.
pub fn national(digits: &str, country: Country) -> Option<String> {
    let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
    let code = phonenumber::metadata::DATABASE.by_id(country.as_ref())?.country_code();
    (number.code().value() == code).then(|| {
        let national = number.format().mode(phonenumber::Mode::National).to_string();
        national.chars().filter(char::is_ascii_digit).collect()
    })
}

/// What is dialled in that country in front of the code of another: the one that is used most where there are several.
pub fn international_prefix(country: Country) -> &'static str {
    let code = phonenumber::metadata::DATABASE.by_id(country.as_ref()).map(|m| m.country_code());
    match (code, country) {
        (Some(1), _) => "011",
        (Some(7), _) | (_, Country::BY) => "810",
        (_, Country::AU) => "0011",
        (_, Country::JP) => "010",
        _ => "00",
    }
}

/// What is dialled in front of the code of another country: in most, in North America, Australia, Japan and Russia.
const INTERNATIONAL_PREFIXES: [&str; 5] = ["00", "011", "0011", "010", "810"];
/// Fewer digits without anything in front say nothing: an extension somewhere may be written so.
const BARE_DIGITS_MIN: usize = 7;

/// All that a caller's number may be written as where it was kept as it came: by E.164, without its plus, behind the
/// prefixes of international calls, and as it is written in its country. What is not given as E.164 is only itself.
pub fn spellings(text: &str) -> Vec<String> {
    let plain = read(text, None).plain;
    let is_e164 = |digits: &&str| digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    let digits =
        plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")).filter(is_e164).unwrap_or_default();
    let e164 = format!("+{digits}");
    let code = country_code(&e164);
    if code.is_empty() {
        return vec![plain];
    }
    let number = phonenumber::parse(None, &e164).ok();
    let national = number.map(|number| number.format().mode(phonenumber::Mode::National).to_string());
    let national = national.map(|text| text.chars().filter(char::is_ascii_digit).collect::<String>());
    let bare = [Some(digits.to_owned()), digits.strip_prefix(code).map(str::to_owned), national];
    let bare = bare.into_iter().flatten().filter(|digits| digits.len() >= BARE_DIGITS_MIN);
    let mut all = vec![plain.clone(), e164.clone()];
    all.extend(INTERNATIONAL_PREFIXES.map(|prefix| format!("{prefix}{digits}")));
    all.extend(bare);
    let mut kept: Vec<String> = Vec::new();
    for spelling in all {
        if !kept.contains(&spelling) {
            kept.push(spelling);
        }
    }
    kept
}

/// Reads the tables of the library, which takes a tenth of a second the first time.
pub fn warm_up() {
    let _ = international("2025550100", Country::US);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_plus_stands_and_others_are_read_by_the_rule() {
        let us = Some(Country::US);
        for (text, country, plain, by_rule) in [
            ("+15550100", us, "+15550100", None),
            ("+1 (555) 01-00", us, "+15550100", None),
            ("4155550123", us, "4155550123", Some("+14155550123")),
            ("14155550123", us, "14155550123", Some("+14155550123")),
            ("01144207946 0018", us, "011442079460018", Some("+442079460018")),
            ("00442079460018", us, "00442079460018", None),
            ("0015550100", us, "0015550100", None),
            ("0014155550123", Some(Country::GB), "0014155550123", Some("+14155550123")),
            ("0014155550123", Some(Country::DE), "0014155550123", Some("+14155550123")),
            ("0014155550123", Some(Country::RU), "0014155550123", None),
            ("81014155550123", Some(Country::RU), "81014155550123", Some("+14155550123")),
            ("020 7946 0018", Some(Country::GB), "02079460018", Some("+442079460018")),
            ("4155550123", None, "4155550123", None),
            ("alice", us, "alice", None),
            ("", us, "", None),
        ] {
            let expected = Readings { plain: plain.into(), by_rule: by_rule.map(str::to_owned) };
            assert_eq!(read(text, country), expected, "{text}");
        }
    }

    #[test]
    fn parameters_of_a_number_are_no_part_of_it_and_a_name_keeps_its_semicolon() {
        let us = Some(Country::US);
        for (text, plain, by_rule) in [
            ("+1(555)0100;npdi", "+15550100", None),
            ("+15550100;rn=+14155550000;cic=+10288;npdi", "+15550100", None),
            ("415-555-0123;isub=12", "4155550123", Some("+14155550123")),
            ("*98;phone-context=example.net", "*98", None),
            ("alice;day=tuesday", "alice;day=tuesday", None),
            (";npdi", ";npdi", None),
        ] {
            let expected = Readings { plain: plain.into(), by_rule: by_rule.map(str::to_owned) };
            assert_eq!(read(text, us), expected, "{text}");
        }
    }

    #[test]
    fn a_number_is_known_in_all_its_spellings_and_one_without_a_country_is_itself_alone() {
        for (text, expected) in [
            (
                "+1 (415) 555-0123",
                "+14155550123 0014155550123 01114155550123 001114155550123 01014155550123 81014155550123 \
                 14155550123 4155550123",
            ),
            (
                "00442079460018",
                "00442079460018 +442079460018 011442079460018 0011442079460018 010442079460018 \
                 810442079460018 442079460018 2079460018 02079460018",
            ),
            ("+49110", "+49110 0049110 01149110 001149110 01049110 81049110"),
            ("4155550123", "4155550123"),
            ("100", "100"),
            ("alice", "alice"),
            ("", ""),
        ] {
            assert_eq!(spellings(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn hostile_numbers_are_cut_and_never_panic() {
        assert_eq!(read(&"9".repeat(10_000), Some(Country::US)).by_rule, None);
        for text in ["++1", "+", "\u{1F600}", "+1\u{0}", ";;;", "%00"] {
            read(text, Some(Country::US));
            spellings(text);
            country_code(text);
            area_code(text);
        }
    }

    #[test]
    fn the_area_code_goes_by_the_north_american_shape() {
        for (number, area, country) in [
            ("+14155550123", "415", "1"),
            ("+15550100", "", "1"),
            ("+11155550123", "", "1"),
            ("+442079460018", "", "44"),
            ("+3545551234", "", "354"),
            ("+79161234567", "", "7"),
            ("+0123456", "", ""),
            ("+44", "", ""),
            ("14155550123", "", ""),
            ("anonymous", "", ""),
        ] {
            assert_eq!((area_code(number), country_code(number)), (area, country), "{number}");
        }
    }
}
