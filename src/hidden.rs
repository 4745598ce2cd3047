//! What the log shows of telephone numbers, and of the users and names that stand in for them: `[log] numbers`.
//!
//! Every line of the log that may have one writes it through [`Hidden`]. Records, events and answers of the API have their
//! own rules, and whole numbers.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};

/// How much of a number the log shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Numbers {
    Full,
    /// The last four digits: enough to find one's own call, too little to call somebody.
    #[default]
    Last4,
    None,
}

/// What all lines of this process go by, as the log itself is the process's.
static SHOWN: AtomicU8 = AtomicU8::new(Numbers::Last4 as u8);

/// Digits that stay under [`Numbers::Last4`].
const DIGITS_SHOWN: usize = 4;
/// Digits in a row that are taken for a number within a sentence: the shortest subscriber numbers have as many, and ports,
/// codes, times and counts of seconds have fewer.
const DIGITS_MIN: usize = 7;
/// E.164 has no more.
const DIGITS_MAX: usize = 15;
/// What stands for what is not shown.
const MASK: char = '…';
/// What may stand between the digits of a number with a plus.
const SEPARATORS: &str = " -.()/";

/// Sets it for all lines to come: once, when the log begins.
pub fn show(numbers: Numbers) {
    SHOWN.store(numbers as u8, Ordering::Relaxed);
}

fn shown() -> Numbers {
    match SHOWN.load(Ordering::Relaxed) {
        n if n == Numbers::Full as u8 => Numbers::Full,
        n if n == Numbers::None as u8 => Numbers::None,
        _ => Numbers::Last4,
    }
}

/// A text of the log with as much of its numbers as the setting allows. Nothing is worked out before it is written.
#[derive(Clone, Copy)]
pub struct Hidden<'a> {
    text: &'a str,
    kind: Kind,
    numbers: Option<Numbers>,
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Party,
    Sentence,
}

impl<'a> Hidden<'a> {
    /// A number, or the user of an address or a name that stands in its place: what is no number is not shown at all.
    pub fn number(text: &'a str) -> Self {
        Hidden { text, kind: Kind::Number, numbers: None }
    }

    /// Who is at the end of a leg: the id of an agent, which is shown, or a number or an address that was dialled.
    pub fn party(text: &'a str) -> Self {
        Hidden { text, kind: Kind::Party, numbers: None }
    }

    /// A sentence in which numbers and SIP addresses may stand.
    pub fn sentence(text: &'a str) -> Self {
        Hidden { text, kind: Kind::Sentence, numbers: None }
    }

    /// As much as that, whatever the log's setting is.
    pub fn showing(self, numbers: Numbers) -> Self {
        Hidden { numbers: Some(numbers), ..self }
    }
}

impl fmt::Display for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.numbers.unwrap_or_else(shown);
        if numbers == Numbers::Full {
            return f.write_str(self.text);
        }
        match self.kind {
            Kind::Number => number(self.text, numbers, f),
            Kind::Party if is_number(self.text) => number(self.text, numbers, f),
            Kind::Party if !self.text.contains(['@', ':']) => f.write_str(self.text),
            Kind::Party | Kind::Sentence => sentence(self.text, numbers, f),
        }
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c) || SEPARATORS.contains(c))
}

fn number(text: &str, numbers: Numbers, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    if numbers == Numbers::None || !is_number(text) {
        return f.write_char(MASK);
    }
    let digits = text.chars().filter(char::is_ascii_digit);
    let hidden = digits.clone().count().saturating_sub(DIGITS_SHOWN);
    if hidden > 0 {
        f.write_char(MASK)?;
    }
    digits.skip(hidden).try_for_each(|digit| f.write_char(digit))
}

fn sentence(mut text: &str, numbers: Numbers, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut before = ' ';
    while let Some(first) = text.chars().next() {
        // Not within a word or a fraction.
        let is_begin = !before.is_ascii_alphanumeric() && before != '.';
        let found =
            is_begin.then(|| user_of_address(text).or_else(|| Some((0, number_length(text)?)))).flatten();
        let Some((shown, hidden)) = found else {
            f.write_char(first)?;
            (before, text) = (first, text.get(first.len_utf8()..).unwrap_or_default());
            continue;
        };
        f.write_str(text.get(..shown).unwrap_or_default())?;
        number(text.get(shown..shown + hidden).unwrap_or_default(), numbers, f)?;
        (before, text) = ('0', text.get(shown + hidden..).unwrap_or_default());
    }
    Ok(())
}

/// How long `sip:` is where a text begins so, and how long the user behind it.
fn user_of_address(text: &str) -> Option<(usize, usize)> {
    let is_scheme =
        |scheme: &&str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    let scheme = ["sip:", "sips:"].iter().find(|scheme| is_scheme(scheme))?.len();
    let rest = text.get(scheme..)?;
    let user = rest.find(|c: char| c == '@' || c.is_whitespace() || "<>\",".contains(c))?;
    rest.get(user..)?.starts_with('@').then_some((scheme, user))
}

/// How many bytes of a text, from its beginning, are a number. With a plus its digits may stand in groups; without one
/// dashes may part them, unless they make a day (2026-11-23).
fn number_length(text: &str) -> Option<usize> {
    let has_plus = text.starts_with('+');
    let (mut length, mut digits, mut groups) = (0, 0, [0u8; DIGITS_MAX + 1]);
    let mut group = 0;
    for (at, c) in text.char_indices().skip(usize::from(has_plus)) {
        if c.is_ascii_digit() && digits < DIGITS_MAX {
            (digits, length) = (digits + 1, at + 1);
            groups[group] += 1;
        } else if c.is_ascii_alphanumeric() && !has_plus {
            // A word that has digits, such as an id.
            return None;
        } else if digits > 0 && at < length + 3 && (c == '-' || has_plus && SEPARATORS.contains(c)) {
            group += usize::from(at == length);
        } else {
            break;
        }
    }
    let is_day = !has_plus && groups.starts_with(&[4, 2, 2, 0]);
    (digits >= DIGITS_MIN && !is_day).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is shown with four digits, and with none.
    fn both(hidden: Hidden<'_>) -> [String; 2] {
        assert_eq!(hidden.showing(Numbers::Full).to_string(), hidden.text);
        [Numbers::Last4, Numbers::None].map(|numbers| hidden.showing(numbers).to_string())
    }

    #[test]
    fn a_number_keeps_its_last_four_digits_or_none_and_a_name_nothing() {
        for (text, last4, none) in [
            ("+14155550123", "…0123", "…"),
            ("4155550123", "…0123", "…"),
            ("+1 (415) 555-0123", "…0123", "…"),
            ("+155501*", "…5501", "…"),
            ("100", "100", "…"),
            ("alice", "…", "…"),
            ("Alice Archer 4155550123", "…", "…"),
            ("", "", ""),
        ] {
            assert_eq!(both(Hidden::number(text)), [last4, none], "{text}");
        }
    }

    #[test]
    fn an_agent_is_named_and_a_number_or_an_address_that_was_dialled_is_hidden() {
        for (text, last4, none) in [
            ("alice", "alice", "alice"),
            ("caller", "caller", "caller"),
            ("+14155550123", "…0123", "…"),
            ("sip:+14155550123@192.0.2.7:5070", "sip:…0123@192.0.2.7:5070", "sip:…@192.0.2.7:5070"),
            ("sip:bob@desk.example", "sip:…@desk.example", "sip:…@desk.example"),
        ] {
            assert_eq!(both(Hidden::party(text)), [last4, none], "{text}");
        }
    }

    #[test]
    fn a_sentence_keeps_all_but_its_numbers() {
        for (text, last4) in [
            (
                "the Smart Number +15550100 takes no calls from +16665550199",
                "the Smart Number …0100 takes no calls from …0199",
            ),
            ("no Smart Number is +442079460018 or 02079460018", "no Smart Number is …0018 or …0018"),
            ("\"+1 (415) 555-0123\" is no number", "\"…0123\" is no number"),
            (
                "its default country US reads 415-555-0123 as +14155550123",
                "its default country US reads …0123 as …0123",
            ),
            (
                "+155501001* is the longest prefix; +15550100: it leads nowhere",
                "…1001* is the longest prefix; …0100: it leads nowhere",
            ),
            ("\"SIP:bob@desk.example\" cannot be sent to", "\"SIP:…@desk.example\" cannot be sent to"),
            ("<sip:+14155550123@192.0.2.7:5060>", "<sip:…0123@192.0.2.7:5060>"),
            (
                "No audio from +14155550123 for 3 s: the SDP said 10.1.2.3:4000",
                "No audio from …0123 for 3 s: the SDP said 10.1.2.3:4000",
            ),
            ("grüße an +14155550123ü", "grüße an …0123ü"),
            ("+14155550123x", "…0123x"),
        ] {
            assert_eq!(both(Hidden::sentence(text))[0], last4, "{text}");
        }
        let none = "the Smart Number … takes no calls from …";
        let text = "the Smart Number +15550100 takes no calls from 16665550199";
        assert_eq!(Hidden::sentence(text).showing(Numbers::None).to_string(), none);
    }

    #[test]
    fn what_is_no_number_stays_in_a_sentence() {
        for text in [
            "",
            "a call from the trunk \"carrier\" to 100",
            "packets come from 198.51.100.7:40000 and are not taken",
            "it ended at 2026-11-23T09:00:00Z, and on 2026-11-23 again",
            "the call c01h4x9t5k2m7p3q8r6s1v0w2y3",
            "c1795392000000000 had 120000 packets",
            "sip:192.0.2.7:5060 and sip: alone, and +1 too, and +",
            "2001:db8::1 and 3.14159265",
            "ünïcödé … \u{1F600}",
        ] {
            assert_eq!(both(Hidden::sentence(text)), [text, text]);
        }
    }

    #[test]
    fn four_digits_are_shown_where_nobody_says_otherwise() {
        assert_eq!(Numbers::default(), Numbers::Last4);
        assert_eq!(Hidden::number("+14155550123").to_string(), "…0123");
    }
}
