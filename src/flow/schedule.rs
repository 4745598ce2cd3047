//! When somebody is there: hours by the day of the week, exceptions by date, holidays, and a manual override.
//!
//! All of it goes by the wall clock of a zone: an interval covers the minutes that the clock on the wall shows between
//! its edges, so a minute that the clock skips in spring does not match and one that it shows twice in autumn matches
//! twice (flows.md 1.3, time).

use crate::clock::Wall;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::fmt;

/// Intervals of one day. flows.md 1.3.
pub const INTERVALS_A_DAY_MAX: usize = 6;
/// Exceptions of a schedule, and holidays of an account: twenty a year for fifty years.
pub const EXCEPTIONS_MAX: usize = 1_000;
/// How far ahead the next change is looked for: a year, and a week of holidays.
const EDGE_DAYS_MAX: i32 = 373;
const MINUTES_A_DAY: u16 = 24 * 60;

/// The days of the week as they are written.
pub const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// What a schedule says of a moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScheduleState)]
pub enum State {
    Open,
    Closed,
    /// Closed, for a reason that callers may be told.
    Holiday,
}

/// Hours that flows refer to by an id.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Schedule {
    /// The account's where absent.
    pub zone: Option<TimeZone>,
    pub week: Week,
    /// Beat the week; of several for one date the first counts.
    pub exceptions: Vec<Exception>,
    /// The account's holidays beat the week, but not the schedule's own exceptions.
    pub uses_holidays: bool,
    pub manual: Option<Override>,
}

/// What was set by hand, whatever the calendar says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Override {
    pub state: State,
    /// From then on; always where absent.
    pub since: Option<Wall>,
    pub until: Until,
}

/// How long an override holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// Until somebody takes it back.
    TakenBack,
    Moment(Wall),
    /// Until the calendar next changes its mind after `since`.
    NextEdge,
}

/// Intervals by day, Monday first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Week([Vec<Interval>; 7]);

/// Minutes since midnight: [open, close), into the next day where `close` is not later than `open`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    open: u16,
    close: u16,
}

/// A date, or several in a row, that is not like its day of the week.
#[derive(Clone, PartialEq, Debug)]
pub struct Exception {
    pub first: Date,
    /// The same as `first` for a single day.
    pub last: Date,
    /// Every year on these days.
    pub yearly: bool,
    pub day: SpecialDay,
}

/// What such a date is.
#[derive(Clone, PartialEq, Debug)]
pub enum SpecialDay {
    Holiday,
    Closed,
    /// Hours of its own, such as a half day.
    Hours(Vec<Interval>),
}

/// Why hours cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("is no time of day: write 09:00 or 24:00")]
    Clock,
    #[error("cannot open at 24:00: open at 00:00 of the next day")]
    OpensAtMidnight,
    #[error("has more than 6 intervals")]
    TooManyIntervals,
    #[error("is no date: write 2026-12-25")]
    Date,
    #[error("ends before it begins")]
    Backwards,
    #[error("is no time zone")]
    Zone { near: Option<String> },
}

impl Schedule {
    /// What holds at a moment: what was set by hand, else the date's exception or holiday, else the week.
    pub fn state(&self, at: Wall, account: &Account) -> State {
        self.by_hand(at, account).unwrap_or_else(|| self.state_by_calendar(at, account))
    }

    /// Whether what holds at a moment was set by hand.
    pub fn is_by_hand(&self, at: Wall, account: &Account) -> bool {
        self.by_hand(at, account).is_some()
    }

    fn by_hand(&self, at: Wall, account: &Account) -> Option<State> {
        let holds = |manual: &Override| {
            let since = manual.since.unwrap_or_default();
            since <= at
                && match manual.until {
                    Until::TakenBack => true,
                    Until::Moment(until) => at < until,
                    Until::NextEdge => self.next_edge(since, account).is_none_or(|edge| at < edge),
                }
        };
        self.manual.filter(holds).map(|manual| manual.state)
    }

    /// When what the calendar says next changes; `None` where it does not within a year. A manual override that is to
    /// end at the next edge ends then.
    pub fn next_edge(&self, after: Wall, account: &Account) -> Option<Wall> {
        let now = self.state_by_calendar(after, account);
        let zone = self.zone(account);
        let today = zone.to_datetime(after.timestamp()).date();
        for ahead in 0..=EDGE_DAYS_MAX {
            let date = today.checked_add(jiff::Span::new().days(ahead)).ok()?;
            let mut edges: Vec<u16> = vec![0];
            for day in [Some(date), date.yesterday().ok()].into_iter().flatten() {
                let Day::Hours(intervals) = self.day(day, account) else { continue };
                edges.extend(intervals.iter().flat_map(|i| [i.open, i.close % MINUTES_A_DAY]));
            }
            edges.sort_unstable();
            edges.dedup();
            let moments = edges.into_iter().filter_map(|minute| {
                let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
                let zoned = zone.to_ambiguous_zoned(date.to_datetime(time)).compatible().ok()?;
                Some(Wall::from(zoned.timestamp()))
            });
            let mut later = moments.filter(|moment| *moment > after);
            if let Some(edge) = later.find(|moment| self.state_by_calendar(*moment, account) != now) {
                return Some(edge);
            }
        }
        None
    }

    fn zone<'a>(&'a self, account: &'a Account) -> &'a TimeZone {
        self.zone.as_ref().unwrap_or(&account.zone)
    }

    fn state_by_calendar(&self, at: Wall, account: &Account) -> State {
        let local: DateTime = self.zone(account).to_datetime(at.timestamp());
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        let intervals = match self.day(local.date(), account) {
            Day::Holiday => return State::Holiday,
            Day::Closed => return State::Closed,
            Day::Hours(intervals) => intervals,
        };
        let yesterday = local.date().yesterday().map(|date| self.day(date, account));
        let overnight = if let Ok(Day::Hours(intervals)) = yesterday { intervals } else { &[] };
        let is_open = intervals.iter().any(|today| today.covers(minute))
            || overnight.iter().any(|yesterday| yesterday.covers_next_day(minute));
        if is_open { State::Open } else { State::Closed }
    }

    fn day<'a>(&'a self, date: Date, account: &'a Account) -> Day<'a> {
        let holidays = if self.uses_holidays { account.holidays.as_slice() } else { &[] };
        match self.exceptions.iter().chain(holidays).find(|exception| exception.covers(date)) {
            Some(Exception { day: SpecialDay::Holiday, .. }) => Day::Holiday,
            Some(Exception { day: SpecialDay::Closed, .. }) => Day::Closed,
            Some(Exception { day: SpecialDay::Hours(intervals), .. }) => Day::Hours(intervals),
            None => Day::Hours(self.week.of(date.weekday())),
        }
    }
}

/// What all schedules of an account share.
#[derive(Clone, PartialEq, Debug)]
pub struct Account {
    /// Of whoever names none.
    pub zone: TimeZone,
    pub holidays: Vec<Exception>,
}

impl Default for Account {
    fn default() -> Self {
        Account { zone: TimeZone::UTC, holidays: Vec::new() }
    }
}

enum Day<'a> {
    Hours(&'a [Interval]),
    Closed,
    Holiday,
}

impl Week {
    /// Adds an interval to a day.
    pub fn push(&mut self, day: Weekday, interval: Interval) -> Result<(), ScheduleError> {
        let Some(intervals) = self.0.get_mut(index(day)) else { return Ok(()) };
        if intervals.len() == INTERVALS_A_DAY_MAX {
            return Err(ScheduleError::TooManyIntervals);
        }
        intervals.push(interval);
        Ok(())
    }

    fn of(&self, day: Weekday) -> &[Interval] {
        self.0.get(index(day)).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Interval {
    /// From minutes since midnight, as [`clock`] reads them.
    pub fn new(open: u16, close: u16) -> Result<Self, ScheduleError> {
        if open >= MINUTES_A_DAY { Err(ScheduleError::OpensAtMidnight) } else { Ok(Interval { open, close }) }
    }

    fn covers(self, minute: u16) -> bool {
        self.open <= minute && (minute < self.close || self.close <= self.open)
    }

    fn covers_next_day(self, minute: u16) -> bool {
        self.close <= self.open && minute < self.close
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interval { open, close } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", open / 60, open % 60, close / 60, close % 60)
    }
}

impl Exception {
    /// A single day where `last` is absent.
    pub fn new(
        first: Date,
        last: Option<Date>,
        yearly: bool,
        day: SpecialDay,
    ) -> Result<Self, ScheduleError> {
        let last = last.unwrap_or(first);
        // From the 30th of December to the 2nd of January is two days of one year to the next.
        if last < first && !yearly {
            Err(ScheduleError::Backwards)
        } else {
            Ok(Exception { first, last, yearly, day })
        }
    }

    fn covers(&self, date: Date) -> bool {
        if !self.yearly {
            return self.first <= date && date <= self.last;
        }
        let day = |date: Date| (date.month(), date.day());
        let (first, last, date) = (day(self.first), day(self.last), day(date));
        if first <= last { first <= date && date <= last } else { first <= date || date <= last }
    }
}

fn index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

/// "HH:MM", 00:00 to 24:00, as minutes since midnight.
pub fn clock(text: &str) -> Result<u16, ScheduleError> {
    let clock = text.split_once(':').and_then(|(hours, minutes)| {
        let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if !two_digits(hours) || !two_digits(minutes) {
            return None;
        }
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        Some(hours * 60 + minutes).filter(|clock| minutes < 60 && *clock <= MINUTES_A_DAY)
    });
    clock.ok_or(ScheduleError::Clock)
}

/// "2026-12-25".
pub fn date(text: &str) -> Result<Date, ScheduleError> {
    // The library reads times behind it as well, and drops them.
    if text.len() == 10 { text.parse().map_err(|_| ScheduleError::Date) } else { Err(ScheduleError::Date) }
}

/// A zone by its IANA name, from the bundled database, so that it is the same on every machine.
pub fn zone(name: &str) -> Result<TimeZone, ScheduleError> {
    let database = TimeZoneDatabase::bundled();
    // jiff takes any spelling of the letters' case; so do we.
    database.get(name).map_err(|_| {
        let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
        let near = super::finding::nearest(name, names.iter().map(String::as_str));
        ScheduleError::Zone { near: near.map(str::to_owned) }
    })
}
