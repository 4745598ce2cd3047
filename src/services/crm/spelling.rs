//! A telephone number in the ways in which people write it into a CRM.

use phonenumber::Mode;

/// Spellings of one number; each goes into a query for each field.
pub const SPELLINGS_MAX: usize = 20;

/// All usual spellings of a number, E.164 first; of one that is none, itself alone.
pub fn spellings(number: &str) -> Vec<String> {
    let mut found = vec![number.to_owned()];
    let mut add = |text: String| {
        if !text.is_empty() && !found.contains(&text) && found.len() < SPELLINGS_MAX {
            found.push(text);
        }
    };
    let Some(parsed) = number.starts_with('+').then(|| phonenumber::parse(None, number).ok()).flatten()
    else {
        return found;
    };
    let code = parsed.code().value();
    let national = parsed.national().to_string();
    let in_country = parsed.format().mode(Mode::National).to_string();
    let international = parsed.format().mode(Mode::International).to_string();
    let groups: Vec<&str> =
        international.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    let inner = groups.get(1..).unwrap_or_default();
    add(format!("{code}{national}"));
    add(in_country.clone());
    add(digits(&in_country));
    add(international.clone());
    add(international.replace('-', " "));
    add(national.clone());
    for between in ["-", ".", " "] {
        add(inner.join(between));
    }
    for between in ["-", ".", " "] {
        add(format!("+{code}{between}{}", inner.join(between)));
    }
    add(format!("00{code}{national}"));
    if code == 1
        && let [area, exchange, line] = inner
    {
        add(format!("({area}) {exchange}-{line}"));
        add(format!("({area}){exchange}-{line}"));
        add(format!("+1 ({area}) {exchange}-{line}"));
        add(format!("1 ({area}) {exchange}-{line}"));
        for between in ["-", "."] {
            add(format!("1{between}{}", inner.join(between)));
        }
    }
    found
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_however_it_was_typed() {
        for (number, typed) in [
            (
                "+14155550100",
                &[
                    "+14155550100",
                    "14155550100",
                    "4155550100",
                    "(415) 555-0100",
                    "(415)555-0100",
                    "415-555-0100",
                    "415.555.0100",
                    "415 555 0100",
                    "+1 415-555-0100",
                    "+1 415 555 0100",
                    "+1 (415) 555-0100",
                    "1-415-555-0100",
                    "1 (415) 555-0100",
                    "+1.415.555.0100",
                ][..],
            ),
            (
                "+442079460123",
                &["+442079460123", "02079460123", "020 7946 0123", "+44 20 7946 0123", "00442079460123"],
            ),
            (
                "+493012345678",
                &[
                    "+493012345678",
                    "03012345678",
                    "+49 30 12345678",
                    "004930 12345678".replace(' ', "").leak(),
                ],
            ),
        ] {
            let found = spellings(number);
            for typed in typed {
                assert!(found.iter().any(|known| known == typed), "{typed} is not in {found:?}");
            }
            assert!(found.len() <= SPELLINGS_MAX);
        }
    }

    #[test]
    fn what_is_no_number_is_looked_for_as_it_stands() {
        for text in ["anonymous", "1001", "+", "' OR Name != '"] {
            assert_eq!(spellings(text), [text]);
        }
    }
}
