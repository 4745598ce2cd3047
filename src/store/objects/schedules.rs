//! Schedules and the account's holidays, as files and requests write them.

use crate::clock::Wall;
use crate::config::reader::{Section, nearest};
use crate::flow::schedule::{
    Account, DAYS, EXCEPTIONS_MAX, Exception, INTERVALS_A_DAY_MAX, Interval, Override, Schedule,
    ScheduleError, SpecialDay, State, Until, Week, clock, date, zone,
};
use jiff::tz::TimeZone;

/// What one `[[schedule]]` says beside its id and name.
pub fn schedule(section: &Section<'_>) -> Schedule {
    let manual = section.section("override");
    Schedule {
        zone: time_zone(section),
        week: week(section),
        exceptions: exceptions(section, "exception"),
        uses_holidays: section.boolean("use_holidays").unwrap_or(true),
        manual: manual.exists().then(|| manual_override(&manual)).flatten(),
    }
}

/// The zone and the holidays of `account.toml`.
pub fn account(section: &Section<'_>) -> Account {
    Account { zone: time_zone(section).unwrap_or(TimeZone::UTC), holidays: exceptions(section, "holiday") }
}

fn time_zone(section: &Section<'_>) -> Option<TimeZone> {
    let name = section.text("time_zone")?;
    let remedy = match zone(&name) {
        Ok(zone) => return Some(zone),
        Err(ScheduleError::Zone { near: Some(near) }) => format!("did you mean \"{near}\"?"),
        Err(_) => "an IANA name such as America/New_York".to_owned(),
    };
    section.error("time_zone", format!("\"{name}\" is no time zone"), remedy);
    None
}

fn week(section: &Section<'_>) -> Week {
    let mut week = Week::default();
    for item in section.sections("weekly") {
        let interval = minutes(&item, "open").zip(minutes(&item, "close"));
        let interval = interval.and_then(|(open, close)| {
            Interval::new(open, close).map_err(|error| item.error("open", error.to_string(), "")).ok()
        });
        if !item.has("days") {
            item.error("days", "is missing", "days = [\"mon\", \"tue\"]");
        }
        for word in item.texts("days").unwrap_or_default() {
            let Some((_, day)) = DAYS.iter().find(|(name, _)| *name == word) else {
                let near = nearest(&word, DAYS.iter().map(|(name, _)| *name));
                let remedy =
                    near.map_or("mon … sun".to_owned(), |near| format!("did you mean \"{near}\"?"));
                item.error("days", format!("\"{word}\" is no day"), remedy);
                continue;
            };
            if let Some(Err(error)) = interval.map(|interval| week.push(*day, interval)) {
                item.error("days", format!("{word} {error}"), "join some of them");
            }
        }
    }
    week
}

fn minutes(section: &Section<'_>, key: &'static str) -> Option<u16> {
    if !section.has(key) {
        section.error(key, "is missing", format!("{key} = \"09:00\""));
    }
    let text = section.text(key)?;
    clock(&text).map_err(|error| section.error(key, format!("\"{text}\" {error}"), "")).ok()
}

fn exceptions(section: &Section<'_>, key: &'static str) -> Vec<Exception> {
    let items = section.sections(key);
    if items.len() > EXCEPTIONS_MAX {
        section.error(key, format!("has {} entries", items.len()), format!("at most {EXCEPTIONS_MAX}"));
    }
    items.iter().take(EXCEPTIONS_MAX).filter_map(exception).collect()
}

/// `date`, or `from` and `to`; `kind` is holiday (where nothing is said), closed or hours.
fn exception(section: &Section<'_>) -> Option<Exception> {
    // For people.
    section.text("name");
    let day = |key: &'static str| {
        let text = section.text(key)?;
        date(&text).map_err(|error| section.error(key, format!("\"{text}\" {error}"), "")).ok()
    };
    let (single, from, to) = (day("date"), day("from"), day("to"));
    let yearly = section.boolean("yearly").unwrap_or(false);
    let hours = section.texts("hours").map(|texts| hours(section, &texts));
    let kind = section.text("kind");
    let special = match (kind.as_deref(), hours) {
        (None | Some("hours"), Some(hours)) => SpecialDay::Hours(hours),
        (None | Some("holiday"), None) => SpecialDay::Holiday,
        (Some("closed"), None) => SpecialDay::Closed,
        (Some("hours"), None) => {
            section.error("hours", "is missing", "hours = [\"09:00-13:00\"]");
            return None;
        }
        (Some("holiday" | "closed"), Some(_)) => {
            section.error("hours", "stands beside a kind that has none", "take one of them out");
            return None;
        }
        (Some(other), _) => {
            section.error("kind", format!("\"{other}\" is not known"), "holiday, closed or hours");
            return None;
        }
    };
    let (first, last) = match (single, from, to) {
        (Some(date), None, None) => (date, None),
        (None, Some(from), to) => (from, to),
        _ => {
            section.error("", "needs a date, or from and to", "date = \"2026-12-25\"");
            return None;
        }
    };
    Exception::new(first, last, yearly, special)
        .map_err(|error| section.error("to", error.to_string(), ""))
        .ok()
}

/// `09:00-13:00`.
fn hours(section: &Section<'_>, texts: &[String]) -> Vec<Interval> {
    if texts.len() > INTERVALS_A_DAY_MAX {
        section.error("hours", ScheduleError::TooManyIntervals.to_string(), "join some of them");
    }
    let read = |text: &String| {
        let (open, close) = text.split_once('-').ok_or(ScheduleError::Clock)?;
        Interval::new(clock(open.trim())?, clock(close.trim())?)
    };
    let intervals = texts.iter().take(INTERVALS_A_DAY_MAX).filter_map(|text| {
        let wrong = |error| section.error("hours", format!("\"{text}\" {error}"), "09:00-13:00");
        read(text).map_err(wrong).ok()
    });
    intervals.collect()
}

fn manual_override(section: &Section<'_>) -> Option<Override> {
    let state = section.parsed("state", |text| match text {
        "open" => Ok(State::Open),
        "closed" => Ok(State::Closed),
        "holiday" => Ok(State::Holiday),
        _ => Err("a state: open, closed or holiday".to_owned()),
    });
    if !section.has("state") {
        section.error("state", "is missing", "state = \"closed\"");
    }
    let time = |text: &str| {
        let time: Result<jiff::Timestamp, _> = text.parse();
        time.map(Wall::from).map_err(|_| "a time such as 2026-12-24T18:00:00Z".to_owned())
    };
    let since = section.parsed("since", time);
    let until = section.parsed("until", |text| match text {
        NEXT_EDGE => Ok(Until::NextEdge),
        text => time(text).map(Until::Moment),
    });
    match (since, until) {
        (None, Some(Until::NextEdge)) if !section.has("since") => {
            let remedy = "add since = the moment when it was set, such as 2026-12-24T18:00:00Z";
            section.error("until", "is \"next_edge\", and since is missing", remedy);
        }
        (Some(since), Some(Until::Moment(until))) if until <= since => {
            section.error("until", "is not after since", "");
        }
        _ => {}
    }
    Some(Override { state: state?, since, until: until.unwrap_or(Until::TakenBack) })
}

/// Stands for the moment when the calendar next changes its mind.
const NEXT_EDGE: &str = "next_edge";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};
    use crate::store::objects::{self, Checked, Kind, Object};
    use std::path::Path;

    fn read(text: &str) -> (Vec<(String, Schedule)>, Vec<String>) {
        let document = Document::parse(Path::new("schedules.toml"), text);
        let sections = document.root().sections("schedule");
        let read = sections.iter().filter_map(|section| match objects::read(Kind::Schedule, section)? {
            Checked { id, object: Object::Schedule(schedule), .. } => Some((id, schedule)),
            _ => None,
        });
        let found = read.collect();
        drop(sections);
        (found, document.into_findings().iter().map(Finding::to_string).collect())
    }

    fn wall(text: &str) -> Wall {
        Wall::from(text.parse::<jiff::Timestamp>().unwrap())
    }

    const OFFICE: &str = r#"
        [[schedule]]
        id = "office"
        name = "Office"
        time_zone = "America/New_York"
        [[schedule.weekly]]
        days = ["mon", "tue", "wed", "thu", "fri"]
        open = "09:00"
        close = "12:00"
        [[schedule.weekly]]
        days = ["mon", "tue", "wed", "thu", "fri"]
        open = "13:00"
        close = "17:00"
        [[schedule.weekly]]
        days = ["fri"]
        open = "22:00"
        close = "02:00"
        [[schedule.exception]]
        date = "2026-11-27"
        hours = ["10:00-14:00"]
        [[schedule.exception]]
        from = "2026-12-29"
        to = "2027-01-01"
        kind = "closed"
        [[schedule.exception]]
        from = "2020-12-31"
        to = "2020-01-02"
        yearly = true
    "#;

    fn account_of(text: &str) -> Account {
        let document = Document::parse(Path::new("account.toml"), text);
        let account = account(&document.root());
        assert_eq!(document.into_findings(), []);
        account
    }

    #[test]
    fn dates_beat_holidays_holidays_beat_the_week_and_the_hand_beats_all() {
        let (mut schedules, findings) = read(OFFICE);
        assert_eq!(findings, [""; 0]);
        let account = account_of(
            "[[holiday]]\nname = \"Thanksgiving\"\ndate = \"2026-11-26\"\n[[holiday]]\nfrom = \"2026-11-27\"\nto = \"2026-11-28\"\n",
        );
        let schedule = &mut schedules[0].1;
        for (at, expected) in [
            ("2026-11-23T09:00:00-05:00", State::Open),
            ("2026-11-23T12:00:00-05:00", State::Closed),
            ("2026-11-23T13:00:00-05:00", State::Open),
            ("2026-11-20T22:30:00-05:00", State::Open),
            // Open past midnight, into a Saturday.
            ("2026-11-21T01:59:59-05:00", State::Open),
            ("2026-11-21T02:00:00-05:00", State::Closed),
            ("2026-11-26T10:00:00-05:00", State::Holiday),
            ("2026-11-27T09:59:59-05:00", State::Closed),
            ("2026-11-27T13:59:59-05:00", State::Open),
            ("2026-11-28T12:00:00-05:00", State::Holiday),
            ("2026-12-29T10:00:00-05:00", State::Closed),
            ("2028-01-02T10:00:00-05:00", State::Holiday),
            ("2028-01-03T10:00:00-05:00", State::Open),
        ] {
            assert_eq!(schedule.state(wall(at), &account), expected, "{at}");
        }
        schedule.uses_holidays = false;
        assert_eq!(schedule.state(wall("2026-11-26T10:00:00-05:00"), &account), State::Open);
        schedule.manual = Some(Override {
            state: State::Closed,
            since: None,
            until: Until::Moment(wall("2026-11-26T11:00:00-05:00")),
        });
        assert_eq!(schedule.state(wall("2026-11-26T10:59:59-05:00"), &account), State::Closed);
        assert_eq!(schedule.state(wall("2026-11-26T11:00:00-05:00"), &account), State::Open);
        schedule.manual = Some(Override { state: State::Holiday, since: None, until: Until::TakenBack });
        assert_eq!(schedule.state(wall("2031-11-26T10:59:59-05:00"), &account), State::Holiday);
    }

    #[test]
    fn an_override_until_the_next_edge_ends_there() {
        let text = format!(
            "{OFFICE}\n[schedule.override]\nstate = \"closed\"\nuntil = \"next_edge\"\nsince = \"2026-11-23T09:30:00-05:00\"\n"
        );
        let (schedules, findings) = read(&text);
        assert_eq!(findings, [""; 0]);
        let state = |at: &str| schedules[0].1.state(wall(at), &Account::default());
        assert_eq!(state("2026-11-23T09:29:59-05:00"), State::Open);
        assert_eq!(state("2026-11-23T11:59:59-05:00"), State::Closed);
        // The lunch break was the edge.
        assert_eq!(state("2026-11-23T13:00:00-05:00"), State::Open);
    }

    #[test]
    fn the_next_edge_is_where_the_calendar_changes_its_mind() {
        let (schedules, _) = read(OFFICE);
        let account = account_of("[[holiday]]\ndate = \"2026-11-26\"\n");
        let schedule = &schedules[0].1;
        for (at, expected) in [
            ("2026-11-23T09:30:00-05:00", "2026-11-23T12:00:00-05:00"),
            ("2026-11-23T08:00:00-05:00", "2026-11-23T09:00:00-05:00"),
            ("2026-11-20T17:00:00-05:00", "2026-11-20T22:00:00-05:00"),
            ("2026-11-20T23:00:00-05:00", "2026-11-21T02:00:00-05:00"),
            ("2026-11-21T02:00:00-05:00", "2026-11-23T09:00:00-05:00"),
            ("2026-11-26T10:00:00-05:00", "2026-11-27T00:00:00-05:00"),
            // Over the change to summer time.
            ("2027-03-13T02:00:00-05:00", "2027-03-15T09:00:00-04:00"),
        ] {
            assert_eq!(schedule.next_edge(wall(at), &account), Some(wall(expected)), "{at}");
        }
        assert_eq!(Schedule::default().next_edge(wall("2026-11-23T09:30:00Z"), &account), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            (
                "time_zone = \"Europe/Berlyn\"",
                "\"Europe/Berlyn\" is no time zone (did you mean \"Europe/Berlin\"?)",
            ),
            (
                "[[schedule.weekly]]\ndays = [\"mon\"]\nopen = \"9\"\nclose = \"10:00\"",
                "\"9\" is no time of day",
            ),
            (
                "[[schedule.weekly]]\ndays = [\"mon\"]\nopen = \"24:00\"\nclose = \"10:00\"",
                "cannot open at 24:00",
            ),
            (
                "[[schedule.weekly]]\ndays = [\"mo\"]\nopen = \"09:00\"\nclose = \"10:00\"",
                "\"mo\" is no day (did you mean \"mon\"?)",
            ),
            ("[[schedule.exception]]\ndate = \"2026-13-01\"", "is no date"),
            ("[[schedule.exception]]\nfrom = \"2026-12-02\"\nto = \"2026-12-01\"", "ends before it begins"),
            ("[[schedule.exception]]\nname = \"x\"", "needs a date, or from and to"),
            ("[[schedule.exception]]\ndate = \"2026-12-01\"\nkind = \"party\"", "\"party\" is not known"),
            ("[schedule.override]\nstate = \"shut\"", "\"shut\" is not a state"),
            ("[schedule.override]\nstate = \"open\"\nuntil = \"next_edge\"", "and since is missing"),
            ("[schedule.override]\nstate = \"open\"\nuntil = \"noon\"", "is not a time"),
            (
                "[schedule.override]\nstate = \"open\"\nsince = \"2026-12-02T00:00:00Z\"\nuntil = \"2026-12-01T00:00:00Z\"",
                "is not after since",
            ),
            ("opens = 1", "opens"),
        ] {
            let (_, findings) = read(&format!("[[schedule]]\nid = \"s\"\n{text}\n"));
            assert!(findings.iter().any(|f| f.contains(expected)), "{text}: {findings:?}");
        }
    }
}
