//! How a trunk writes telephone numbers: what it puts in front of them, and which shape it wants them in.

use super::number::{self, Readings};
use phonenumber::country::Id as Country;

/// Characters of what stands in front of numbers: prefixes of carriers have ten at the most.
pub const PREFIX_CHARS_MAX: usize = 16;

/// The rule of one trunk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NumberRule {
    /// How numbers without a plus are read, and which country's national numbers are written.
    pub country: Option<Country>,
    /// Stands in front of numbers that come in, and is no part of them; empty where nothing does.
    pub prefix_in: String,
    pub format: NumberFormat,
    /// Goes in front of numbers that go out, after they were brought into shape.
    pub prefix_out: String,
}

/// The shape of numbers that go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NumberFormat {
    /// `+14155550123`.
    #[default]
    PlusE164,
    /// `14155550123`.
    E164,
    /// As it is dialled in the trunk's country: `4155550123`, and other countries behind the international prefix.
    National,
    /// As the flow or the caller wrote it.
    AsIs,
}

impl NumberFormat {
    /// By the words of the configuration.
    pub const WORDS: [(&'static str, NumberFormat); 4] = [
        ("plus_e164", NumberFormat::PlusE164),
        ("e164", NumberFormat::E164),
        ("national", NumberFormat::National),
        ("as_is", NumberFormat::AsIs),
    ];
}

impl NumberRule {
    /// What a number of this trunk may mean. Its plain form has the prefix yet: a Smart Number may be written so.
    pub fn read(&self, text: &str) -> Readings {
        let read = number::read(text, self.country);
        let stripped = read.plain.strip_prefix(&self.prefix_in).filter(|rest| !rest.is_empty());
        let Some(rest) = stripped.filter(|_| !self.prefix_in.is_empty()) else { return read };
        let by_rule = number::read(rest, self.country).by_rule.unwrap_or_else(|| rest.to_owned());
        Readings { plain: read.plain, by_rule: Some(by_rule) }
    }

    /// What reads numbers, for a sentence about one.
    pub fn in_words(&self) -> String {
        let country = self.country.map(|country| format!("its default country {}", country.as_ref()));
        let prefix = Some(format!("its prefix {}", self.prefix_in)).filter(|_| !self.prefix_in.is_empty());
        match (country, prefix) {
            (Some(country), Some(prefix)) => format!("{prefix} with {country}"),
            (Some(words), None) | (None, Some(words)) => words,
            (None, None) => "its rule".to_owned(),
        }
    }

    /// A number to be dialled over this trunk.
    pub fn dial(&self, number: &str) -> String {
        format!("{}{}", self.prefix_out, self.write(number))
    }

    /// A number in the shape that this trunk wants.
    pub fn write(&self, number: &str) -> String {
        let read = number::read(number, self.country);
        match (self.format, read.best().strip_prefix('+')) {
            (NumberFormat::AsIs, _) | (_, None) => read.plain,
            (NumberFormat::PlusE164, Some(_)) => read.best().to_owned(),
            (NumberFormat::E164, Some(digits)) => digits.to_owned(),
            (NumberFormat::National, Some(digits)) => self.national(digits),
        }
    }

    /// `digits`: a number of E.164 without its plus.
    fn national(&self, digits: &str) -> String {
        let Some(country) = self.country else { return digits.to_owned() };
        let own = number::national(digits, country);
        own.unwrap_or_else(|| format!("{}{digits}", number::international_prefix(country)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_off_and_the_rest_read_by_the_country() {
        let rule = |prefix: &str, country| NumberRule {
            country,
            prefix_in: prefix.to_owned(),
            ..NumberRule::default()
        };
        for (prefix, country, text, plain, by_rule) in [
            ("", Some(Country::US), "4155550123", "4155550123", Some("+14155550123")),
            ("77", Some(Country::US), "774155550123", "774155550123", Some("+14155550123")),
            ("77", None, "77+14155550123", "77+14155550123", Some("+14155550123")),
            ("77", None, "77100", "77100", Some("100")),
            ("", Some(Country::US), "911", "911", None),
            ("77", Some(Country::US), "77911", "77911", Some("911")),
            ("77", None, "77", "77", None),
            ("77", None, "+15550100", "+15550100", None),
            ("9#", Some(Country::GB), "9#020 7946 0018", "9#02079460018", Some("+442079460018")),
        ] {
            let read = rule(prefix, country).read(text);
            assert_eq!((read.plain.as_str(), read.by_rule.as_deref()), (plain, by_rule), "{prefix} {text}");
        }
    }

    #[test]
    fn numbers_go_out_in_the_shape_that_the_trunk_wants() {
        use NumberFormat::{AsIs, E164, National, PlusE164};
        for (format, country, prefix, number, expected) in [
            (PlusE164, None, "", "+14155550123", "+14155550123"),
            (PlusE164, Some(Country::US), "", "4155550123", "+14155550123"),
            (PlusE164, None, "", "100", "100"),
            (E164, None, "", "+14155550123", "14155550123"),
            (E164, Some(Country::GB), "", "020 7946 0018", "442079460018"),
            (National, Some(Country::US), "", "+14155550123", "4155550123"),
            (National, Some(Country::GB), "", "+442079460018", "02079460018"),
            (National, Some(Country::US), "", "+442079460018", "011442079460018"),
            (National, Some(Country::DE), "", "+14155550123", "0014155550123"),
            (National, None, "", "+14155550123", "14155550123"),
            (National, Some(Country::US), "", "911", "911"),
            (AsIs, Some(Country::US), "", "4155550123", "4155550123"),
            (E164, None, "0011#", "+14155550123", "0011#14155550123"),
            (PlusE164, Some(Country::US), "", "alice", "alice"),
            (PlusE164, Some(Country::US), "", "911", "911"),
            (PlusE164, Some(Country::US), "9", "911", "9911"),
            (E164, Some(Country::DE), "", "112", "112"),
            (PlusE164, Some(Country::GB), "", "999", "999"),
        ] {
            let rule =
                NumberRule { country, prefix_in: String::new(), format, prefix_out: prefix.to_owned() };
            assert_eq!(rule.dial(number), expected, "{format:?} {number}");
        }
    }
}
