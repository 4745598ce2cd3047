//! time: open or closed, at once, by the wall clock of a zone.

use crate::flow::context::{Call, Exit};
use crate::flow::finding::{Code, quoted};
use crate::flow::port::Port;
use crate::flow::reading::{Fields, Reading, known_words, wrong_type};
use jiff::civil::Weekday;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;

pub const FIELDS: [&str; 4] = ["scheduleId", "timeZone", "weekly", "useHolidays"];
const INTERVAL_FIELDS: [&str; 3] = ["days", "open", "close"];
/// Intervals of one day. flows.md 1.3.
const INTERVALS_A_DAY_MAX: usize = 6;
const MINUTES_A_DAY: u16 = 24 * 60;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

#[derive(Clone, PartialEq, Debug)]
pub enum Config {
    Inline {
        zone: TimeZone,
        week: Week,
    },
    /// A schedule by its id. Nothing can be looked up yet, so the step takes `error`.
    Schedule(String),
}

/// Intervals by day, Monday first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Week([Vec<Interval>; 7]);

/// Minutes since midnight: [open, close), into the next day where `close` is not later than `open`.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Interval {
    open: u16,
    close: u16,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        if fields.boolean("useHolidays", true, reading) && fields.get("useHolidays").is_some() {
            reading.unused(fields.at("useHolidays"), "The list of holidays");
        }
        if let Some(id) = fields.text("scheduleId", 100, reading) {
            for key in ["timeZone", "weekly"] {
                if fields.get(key).is_some() {
                    reading.unused(fields.at(key), format_args!("`{key}` beside `scheduleId`"));
                }
            }
            let pointer = fields.at("scheduleId");
            reading.schedules.push((id.to_owned(), pointer.clone()));
            reading.report.add(
                Code::N01,
                pointer,
                "Schedules by id are not read by this version: the step takes `error`, and where that leads nowhere, `open`.",
                "Write the hours into `weekly`.",
            );
            return Config::Schedule(id.to_owned());
        }
        if fields.get("weekly").is_none() {
            fields.missing("weekly", reading);
        }
        let zone = read_zone(fields, reading).or_else(|| reading.zone.clone()).unwrap_or_else(|| {
            reading.report.add(
                Code::N01,
                fields.pointer(),
                "No time zone is set here or in the flow's settings: UTC is taken.",
                "Set `timeZone` in the flow's settings.",
            );
            TimeZone::UTC
        });
        Config::Inline { zone, week: Week::read(fields, reading) }
    }

    /// Open or closed now.
    pub fn decide(&self, call: &mut Call) -> Exit {
        match self {
            Config::Schedule(id) => Exit::Error {
                code: "schedule_unavailable",
                message: format!("The schedule {} cannot be looked up.", quoted(id)),
            },
            Config::Inline { zone, week } => {
                let local = zone.to_datetime(call.now.wall.timestamp());
                let minute = local.hour() as u16 * 60 + local.minute() as u16;
                let is_open = week.is_open(local.weekday(), minute);
                Exit::Port(if is_open { Port::Open } else { Port::Closed })
            }
        }
    }
}

impl Week {
    fn read(fields: &Fields, reading: &mut Reading) -> Week {
        let mut week = Week::default();
        for (item, pointer) in fields.list("weekly", 0..=7 * INTERVALS_A_DAY_MAX, reading) {
            let fields = Fields::new(Some(item), pointer, &INTERVAL_FIELDS, reading);
            let open = read_clock(&fields, "open", reading);
            let close = read_clock(&fields, "close", reading);
            if open == Some(MINUTES_A_DAY) {
                reading.error(
                    Code::E14,
                    &fields.at("open"),
                    "An interval cannot open at 24:00.",
                    "Open at 00:00 of the next day.",
                );
            }
            let interval = open.zip(close).map(|(open, close)| Interval { open, close });
            for (day, pointer) in fields.list("days", 1..=7, reading) {
                if let (Some(day), Some(interval)) = (read_day(day, &pointer, reading), interval) {
                    week.push(day, interval, &pointer, reading);
                }
            }
        }
        week
    }

    fn push(&mut self, day: Weekday, interval: Interval, pointer: &str, reading: &mut Reading) {
        let Some(intervals) = self.0.get_mut(index(day)) else { return };
        if intervals.len() == INTERVALS_A_DAY_MAX {
            reading.error(Code::E14, pointer, "This day has more than 6 intervals.", "Join some of them.");
            return;
        }
        intervals.push(interval);
    }

    fn is_open(&self, day: Weekday, minute: u16) -> bool {
        let of = |day: Weekday| self.0.get(index(day)).map(Vec::as_slice).unwrap_or_default();
        of(day)
            .iter()
            .any(|today| today.open <= minute && (minute < today.close || today.close <= today.open))
            || of(day.previous())
                .iter()
                .any(|yesterday| yesterday.close <= yesterday.open && minute < yesterday.close)
    }
}

fn index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
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

/// "HH:MM", 00:00 to 24:00, as minutes since midnight.
fn read_clock(fields: &Fields, key: &str, reading: &mut Reading) -> Option<u16> {
    let text = fields.required_text(key, 5, reading)?;
    let clock = text.split_once(':').and_then(|(hours, minutes)| {
        let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if !two_digits(hours) || !two_digits(minutes) {
            return None;
        }
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        Some(hours * 60 + minutes).filter(|clock| minutes < 60 && *clock <= MINUTES_A_DAY)
    });
    if clock.is_none() {
        reading.error(
            Code::E03,
            &fields.at(key),
            format!("{} is no time of day.", quoted(text)),
            "Write it as in `09:00` or `24:00`.",
        );
    }
    clock
}

/// The zone under `timeZone`, from the bundled database, so that it is the same on every machine.
pub fn read_zone(fields: &Fields, reading: &mut Reading) -> Option<TimeZone> {
    let name = fields.text("timeZone", 64, reading)?;
    let database = TimeZoneDatabase::bundled();
    // jiff takes any spelling of the letters' case; so do we.
    if let Ok(zone) = database.get(name) {
        return Some(zone);
    }
    let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    reading.error(
        Code::E03,
        &fields.at("timeZone"),
        format!("There is no time zone {}.", quoted(name)),
        match crate::flow::finding::nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Write an IANA name as in `America/New_York`.".to_owned(),
        },
    );
    None
}
