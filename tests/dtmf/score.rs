//! Compares what was heard with what was sent.

use super::graded::{Expect, Graded, RATE, Sent};
use cordboard::audio::dtmf_detector::{Detected, DtmfDetector};
use std::collections::BTreeMap;
use std::fmt;

/// A packet of 20 ms.
pub const PACKET: usize = RATE / 50;

/// Keys of a recording, heard packet by packet as on a call.
pub fn hear(samples: &[i16]) -> Vec<Detected> {
    let mut detector = DtmfDetector::new();
    let mut heard = Vec::new();
    for packet in samples.chunks(PACKET) {
        detector.push(packet, &mut |key| heard.push(key));
    }
    heard
}

/// What became of the keys of a file or of many.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    pub files: usize,
    /// Files with every key found and nothing else.
    pub clean: usize,
    pub keys: usize,
    pub found: usize,
    pub extra: usize,
}

/// A key is found when it is heard to begin no earlier than 20 ms before it does and no later than it ends. What is
/// heard besides, or a second time, is extra.
pub fn tally(sent: &[Sent], heard: &[Detected]) -> Tally {
    let mut used = vec![false; heard.len()];
    let mut found = 0;
    for key in sent {
        let during = (key.start.saturating_sub(PACKET) as u64)..(key.start + key.samples) as u64;
        let place = (0..heard.len())
            .find(|&i| !used[i] && heard[i].digit == key.digit && during.contains(&heard[i].start_sample));
        if let Some(place) = place {
            used[place] = true;
            found += 1;
        }
    }
    let extra = used.iter().filter(|used| !**used).count();
    let clean = usize::from(found == sent.len() && extra == 0);
    Tally { files: 1, clean, keys: sent.len(), found, extra }
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.files += other.files;
        self.clean += other.clean;
        self.keys += other.keys;
        self.found += other.found;
        self.extra += other.extra;
    }

    pub fn percent(&self) -> f64 {
        if self.keys == 0 { 100.0 } else { 100.0 * self.found as f64 / self.keys as f64 }
    }
}

/// The figures of a set.
#[derive(Default)]
pub struct Table {
    groups: BTreeMap<(&'static str, Expect), Tally>,
    /// Files that fell short of their duty.
    pub short: Vec<String>,
    /// Figures of the files that have none.
    pub info: BTreeMap<String, Tally>,
}

impl Table {
    pub fn add(&mut self, file: &Graded) {
        // What must be rejected counts as if nothing had been sent.
        let sent: &[Sent] = if file.expect == Expect::Reject { &[] } else { &file.sent };
        let tally = tally(sent, &hear(&file.samples));
        self.groups.entry((file.group, file.expect)).or_default().add(tally);
        let name = format!("{} {}", file.group, file.name);
        if file.expect == Expect::Info {
            self.info.entry(name).or_default().add(tally);
        } else if tally.clean == 0 {
            self.short.push(format!("{name}: {} of {} keys, {} extra", tally.found, tally.keys, tally.extra));
        }
    }

    pub fn total(&self, expect: Expect) -> Tally {
        let mut total = Tally::default();
        self.groups.iter().filter(|((_, e), _)| *e == expect).for_each(|(_, tally)| total.add(*tally));
        total
    }

    pub fn group(&self, group: &str, expect: Expect) -> Tally {
        self.groups
            .iter()
            .find(|((g, e), _)| *g == group && *e == expect)
            .map_or(Tally::default(), |(_, t)| *t)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: String, t: &Tally| {
            writeln!(
                f,
                "{name:<38} {:>4} / {:<4} {:>6} / {:<6} {:>7.2} {:>6}",
                t.clean,
                t.files,
                t.found,
                t.keys,
                t.percent(),
                t.extra
            )
        };
        writeln!(f, "{:<38} files clean    keys found         %  extra", "")?;
        for ((group, expect), tally) in &self.groups {
            line(f, format!("{group} {expect:?}").to_lowercase(), tally)?;
        }
        for (name, tally) in &self.info {
            line(f, format!("  info: {name}"), tally)?;
        }
        for expect in [Expect::Must, Expect::Reject] {
            line(f, format!("all {expect:?}").to_lowercase(), &self.total(expect))?;
        }
        Ok(())
    }
}
