//! `[bans]`: for how long who is not answered, and who never is banned.

use super::ranges;
use super::reader::Section;
use ipnet::IpNet;
use std::time::Duration;

/// Ranges that are never banned: each is looked at when somebody is about to be.
const ALLOW_MAX: usize = 256;
/// Scanners: each is looked for in each message of a stranger.
const SCANNERS_MAX: usize = 64;
/// Letters of such a name. A shorter one would be the beginning of many.
const SCANNER_LETTERS: std::ops::RangeInclusive<usize> = 3..=64;

/// How strangers who scan, guess or flood are banned.
#[derive(Clone, Debug, PartialEq)]
pub struct Bans {
    /// Zero: nobody is.
    pub time: Duration,
    /// Beside trunks, agents and registered telephones.
    pub allow: Vec<IpNet>,
    /// Beginnings of the User-Agent of scanners; none are those that are built in.
    pub scanners: Option<Vec<String>>,
}

pub(super) fn read(section: &Section<'_>) -> Bans {
    // A week at the most: addresses change hands, and a ban is forgotten at a restart anyway.
    let minutes = section.integer("minutes", 0..=10_080).unwrap_or(60) as u64;
    let allow = ranges::read(section, "allow", ALLOW_MAX, "and nobody would be banned: that is minutes = 0");
    let scanners = section.texts("scanners");
    let names = scanners.as_deref().unwrap_or_default();
    if names.len() > SCANNERS_MAX {
        section.error("scanners", format!("has more than {SCANNERS_MAX} names"), "");
    }
    for name in names.iter().filter(|name| !SCANNER_LETTERS.contains(&name.len())) {
        let message = format!("\"{name}\" has not between 3 and 64 letters");
        section.error("scanners", message, "write how the User-Agent begins, such as \"friendly-scanner\"");
    }
    Bans { time: Duration::from_secs(minutes * 60), allow, scanners }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};
    use std::path::Path;

    fn check(lines: &str) -> (Bans, Vec<String>) {
        let document = Document::parse(Path::new("x.toml"), &format!("[bans]\n{lines}\n"));
        let bans = read(&document.root().section("bans"));
        (bans, document.into_findings().iter().map(Finding::to_string).collect())
    }

    #[test]
    fn a_ban_takes_an_hour_unless_it_is_set_and_allows_ranges() {
        let (bans, findings) = check("");
        assert_eq!(findings, [""; 0]);
        let usual = Bans { time: Duration::from_secs(3_600), allow: Vec::new(), scanners: None };
        assert_eq!(bans, usual);
        let (bans, findings) =
            check("minutes = 0\nallow = [\"192.0.2.7\", \"2001:db8::/32\"]\nscanners = [\"sipcli\"]");
        assert_eq!(findings, [""; 0]);
        let allow = bans.allow.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((allow.join(" ").as_str(), bans.time), ("192.0.2.7/32 2001:db8::/32", Duration::ZERO));
        assert_eq!(bans.scanners, Some(vec!["sipcli".to_owned()]));
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (lines, expected) in [
            ("minutes = -1", "x.toml:2: bans.minutes"),
            ("allow = [\"0.0.0.0/0\"]", "nobody would be banned"),
            ("allow = [\"office\"]", "no address and no range"),
            ("scanners = [\"s\"]", "\"s\" has not between 3 and 64 letters"),
        ] {
            let findings = check(lines).1;
            assert!(findings.len() == 1 && findings[0].contains(expected), "{lines}: {findings:?}");
        }
    }
}
