//! time: open, closed or a holiday, at once, by the wall clock of a zone.

use crate::flow::context::{Call, Exit};
use crate::flow::finding::{Code, quoted};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading, known_words, wrong_type};
use crate::flow::schedule::{
    DAYS, INTERVALS_A_DAY_MAX, Interval, Schedule, ScheduleError, State, Week, clock, zone,
};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde_json::Value;

pub const FIELDS: [Field; 5] = [
    (
        "scheduleId",
        "The id of the schedule that says when it is open; it takes the place of the hours written here.",
    ),
    (
        "timeZone",
        "The IANA zone of the hours written here, as in Europe/Berlin; that of the flow without it.",
    ),
    ("weekly", "The hours at which it is open; at all others it is closed."),
    ("useHolidays", "Whether the account's holidays count as closed."),
    (
        "onMissing",
        "The port that is taken where the schedule cannot be read and the error port is not connected.",
    ),
];
const INTERVAL_FIELDS: [Field; 3] = [
    ("days", "The days on which it begins."),
    ("open", "When it begins, as in 09:00."),
    ("close", "When it ends, as in 17:30 or 24:00; one that is not after the beginning is on the next day."),
];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    hours: Hours,
    /// What an `error` that leads nowhere counts as. flows.md 1.3: open, so that callers are not stranded.
    pub on_missing: Port,
}

#[derive(Clone, PartialEq, Debug)]
enum Hours {
    Inline(Box<Schedule>),
    /// A schedule by its id; without the account's holidays where the step says so.
    Schedule {
        id: String,
        without_holidays: bool,
    },
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let uses_holidays = fields.boolean("useHolidays", true, reading);
        let words = [("open", Port::Open), ("closed", Port::Closed)];
        let on_missing = fields.choice("onMissing", &words, Port::Open, reading);
        if let Some(id) = fields.text("scheduleId", 100, reading) {
            for key in ["timeZone", "weekly"] {
                if fields.get(key).is_some() {
                    reading.unused(fields.at(key), format_args!("`{key}` beside `scheduleId`"));
                }
            }
            reading.schedules.push((id.to_owned(), fields.at("scheduleId")));
            let hours = Hours::Schedule { id: id.to_owned(), without_holidays: !uses_holidays };
            return Config { hours, on_missing };
        }
        // The schema does not know one without the other.
        if fields.get("weekly").is_none() && reading.description.is_none() {
            fields.missing("weekly", reading);
        }
        let zone = read_zone(fields, reading).or_else(|| reading.zone.clone());
        if zone.is_none() {
            reading.report.add(
                Code::N01,
                fields.pointer(),
                "No time zone is set here or in the flow's settings: the account's is taken.",
                "Set `timeZone` in the flow's settings.",
            );
        }
        let week = read_week(fields, reading);
        let schedule = Schedule { zone, week, uses_holidays, ..Schedule::default() };
        Config { hours: Hours::Inline(Box::new(schedule)), on_missing }
    }

    /// Open, closed or a holiday now.
    pub fn decide(&self, call: &mut Call) -> Exit {
        let (at, account) = (call.now.wall, &call.library.account);
        let state = match &self.hours {
            Hours::Inline(schedule) => schedule.state(at, account),
            Hours::Schedule { id, without_holidays } => match call.library.schedules.get(id) {
                Some(schedule) if *without_holidays => {
                    Schedule { uses_holidays: false, ..schedule.clone() }.state(at, account)
                }
                Some(schedule) => schedule.state(at, account),
                None => {
                    return Exit::Error {
                        code: "schedule_unavailable",
                        message: format!("There is no schedule {}.", quoted(id)),
                    };
                }
            },
        };
        Exit::Port(match state {
            State::Open => Port::Open,
            State::Closed => Port::Closed,
            State::Holiday => Port::Holiday,
        })
    }
}

fn read_week(fields: &Fields, reading: &mut Reading) -> Week {
    let mut week = Week::default();
    for (item, pointer) in fields.list("weekly", 0..=7 * INTERVALS_A_DAY_MAX, reading) {
        let fields = Fields::new(Some(item), pointer, &INTERVAL_FIELDS, reading);
        let open = read_clock(&fields, "open", reading);
        let close = read_clock(&fields, "close", reading);
        let interval = open.zip(close).and_then(|(open, close)| {
            let interval = Interval::new(open, close);
            interval
                .map_err(|error| refused(Code::E14, &fields.at("open"), "An interval", &error, reading))
                .ok()
        });
        for (day, pointer) in fields.list("days", 1..=7, reading) {
            if let (Some(day), Some(interval)) = (read_day(day, &pointer, reading), interval)
                && let Err(error) = week.push(day, interval)
            {
                refused(Code::E14, &pointer, "This day", &error, reading);
            }
        }
    }
    week
}

fn read_day(value: &Value, pointer: &str, reading: &mut Reading) -> Option<Weekday> {
    let Some(word) = value.as_str() else {
        wrong_type(reading, pointer, "a day such as mon", value);
        return None;
    };
    let day = DAYS.iter().find(|(name, _)| *name == word);
    if day.is_none() {
        reading.error(
            Code::E03,
            pointer,
            format!("{} is no day.", quoted(word)),
            known_words(word, DAYS.iter().map(|(name, _)| *name)),
        );
    }
    day.map(|(_, day)| *day)
}

fn read_clock(fields: &Fields, key: &str, reading: &mut Reading) -> Option<u16> {
    let text = fields.required_text(key, 5, reading)?;
    clock(text).map_err(|error| refused(Code::E03, &fields.at(key), &quoted(text), &error, reading)).ok()
}

fn refused(code: Code, pointer: &str, what: &str, error: &ScheduleError, reading: &mut Reading) {
    let error = error.to_string();
    let (message, remedy) = error.split_once(": ").unwrap_or((&error, "take some of them out"));
    let mut remedy = remedy.to_owned();
    remedy[..1].make_ascii_uppercase();
    reading.error(code, pointer, format!("{what} {message}."), format!("{remedy}."));
}

/// The zone under `timeZone`.
pub fn read_zone(fields: &Fields, reading: &mut Reading) -> Option<TimeZone> {
    let name = fields.text("timeZone", 64, reading)?;
    let remedy = match zone(name) {
        Ok(zone) => return Some(zone),
        Err(ScheduleError::Zone { near: Some(near) }) => format!("Did you mean `{near}`?"),
        Err(_) => "Write an IANA name as in `America/New_York`.".to_owned(),
    };
    let message = format!("There is no time zone {}.", quoted(name));
    reading.error(Code::E03, &fields.at("timeZone"), message, remedy);
    None
}
