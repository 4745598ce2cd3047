//! How often one may try to sign in: by account and source together, so that a password cannot be guessed; by account
//! alone, so that it cannot be guessed from many places either; and by source, so that one place cannot try many
//! accounts.

use crate::clock::{Budget, Instant};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Of an account from one source: ten tries at once, then one a minute: 1,450 a day, hopeless against ten characters,
/// and who forgot the password comes in a minute later. By source too, so that nobody is locked out by whoever knows
/// the login and tries it from elsewhere.
const ACCOUNT_FROM_SOURCE: Rate = Rate { every: Duration::from_secs(60), at_once: 10 };
/// Of an account from all sources together: a hundred at once, then one in ten seconds: 8,700 a day, still hopeless
/// against ten characters. So high that to lock somebody out takes ten networks at least, six of which go on: a single
/// one never uses it up, because it has one try a minute.
const ACCOUNT: Rate = Rate { every: Duration::from_secs(10), at_once: 100 };
/// An office behind one address signs in on Monday morning: thirty at once, then one in five seconds.
const SOURCE: Rate = Rate { every: Duration::from_secs(5), at_once: 30 };
/// Lines in the log about the refusals of one source: one a minute.
const TOLD: Rate = Rate { every: Duration::from_secs(60), at_once: 1 };
/// Texts that a user has spoken for listening: who goes through a flow hears some thirty at once; then one in five
/// seconds, half of what the engine may take for one, so that calls find it free.
const SPEECH: Rate = Rate { every: Duration::from_secs(5), at_once: 30 };
/// Entries of each table: some 1 MB. Where it is full of tries that still count, the least burdened entry goes.
const ENTRIES_MAX: usize = 10_000;

struct Rate {
    every: Duration,
    at_once: u32,
}

/// Tries of late.
#[derive(Default)]
pub struct Throttle {
    from_sources: Table<(String, IpAddr)>,
    accounts: Table<String>,
    sources: Table<IpAddr>,
    speakers: Table<String>,
    /// Whose refusals stand in the log.
    told: Table<IpAddr>,
}

/// Sign-ins that were refused, since the start.
#[derive(Default)]
pub struct SignInsRefused {
    /// Login or password was wrong, or the user is disabled.
    pub wrong: AtomicU64,
    /// There were too many tries before.
    pub throttled: AtomicU64,
}

impl Throttle {
    /// Counts a try. Accounts count whether they exist or not, so that nothing is told about them.
    /// The error is after how long to try again.
    pub fn try_account(&mut self, login: &str, source: IpAddr, now: Instant) -> Result<(), Duration> {
        self.try_source(source, now)?;
        // Before the account's: what is refused here costs the account's owner nothing elsewhere.
        self.from_sources.take((login.to_owned(), network(source)), &ACCOUNT_FROM_SOURCE, now)?;
        self.accounts.take(login.to_owned(), &ACCOUNT, now)
    }

    /// Counts a try that names no account.
    pub fn try_source(&mut self, source: IpAddr, now: Instant) -> Result<(), Duration> {
        self.sources.take(network(source), &SOURCE, now)
    }

    /// Counts a text that a user wants to hear. The error is after how long to try again.
    pub fn try_speech(&mut self, user: &str, now: Instant) -> Result<(), Duration> {
        self.speakers.take(user.to_owned(), &SPEECH, now)
    }

    /// Whether a refusal of a source goes into the log: once a minute.
    pub fn is_told(&mut self, source: IpAddr, now: Instant) -> bool {
        self.told.take(network(source), &TOLD, now).is_ok()
    }

    /// The password was right: the tries before it from there were the owner's. Those from elsewhere still count: else
    /// every sign-in of the owner would give whoever guesses a hundred more.
    pub fn forget_account(&mut self, login: &str, source: IpAddr) {
        self.from_sources.entries.remove(&(login.to_owned(), network(source)));
    }
}

/// A whole IPv6 network counts as one source: whoever has one has all its addresses (RFC 6177).
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

struct Table<K> {
    entries: HashMap<K, (Budget, Instant)>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Table { entries: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone> Table<K> {
    fn take(&mut self, key: K, rate: &Rate, now: Instant) -> Result<(), Duration> {
        if self.entries.len() >= ENTRIES_MAX && !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        let (budget, free_at) = self.entries.entry(key).or_insert((Budget::default(), now));
        let burst = rate.every * (rate.at_once - 1);
        if !budget.allows(now, rate.every, burst) {
            return Err((*free_at - now).saturating_sub(burst).max(Duration::from_secs(1)));
        }
        *free_at = (*free_at).max(now) + rate.every;
        Ok(())
    }

    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|_, (_, free_at)| *free_at > now);
        if self.entries.len() >= ENTRIES_MAX {
            let least =
                self.entries.iter().min_by_key(|(_, (_, free_at))| *free_at).map(|(key, _)| key.clone());
            least.map(|key| self.entries.remove(&key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn seconds(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn from(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    #[test]
    fn an_account_has_ten_tries_from_one_source_then_one_a_minute() {
        let mut throttle = Throttle::default();
        let first = (0..20).filter(|_| throttle.try_account("ann", HERE, seconds(1)).is_ok()).count();
        assert_eq!(first, 10);
        let wait = throttle.try_account("ann", HERE, seconds(1)).unwrap_err();
        assert!((59..=60).contains(&wait.as_secs()), "{wait:?}");
        assert!(throttle.try_account("ann", HERE, seconds(62)).is_ok());
        assert!(throttle.try_account("ann", HERE, seconds(62)).is_err());
        assert!(throttle.try_account("bob", HERE, seconds(62)).is_ok());
        throttle.forget_account("ann", HERE);
        assert!(throttle.try_account("ann", HERE, seconds(62)).is_ok());
    }

    #[test]
    fn whoever_tries_an_account_for_hours_keeps_nobody_out_who_is_elsewhere() {
        let mut throttle = Throttle::default();
        for second in 1..10_000 {
            let _ = throttle.try_account("ann", HERE, seconds(second));
        }
        assert!(throttle.try_account("ann", HERE, seconds(10_000)).is_err());
        assert!(throttle.try_account("ann", from(2), seconds(10_000)).is_ok());
    }

    #[test]
    fn an_account_has_a_hundred_tries_then_one_in_ten_seconds_from_wherever_they_come() {
        let mut throttle = Throttle::default();
        let first = (0..200).filter(|n| throttle.try_account("ann", from(*n), seconds(1)).is_ok()).count();
        assert_eq!(first, 100);
        let wait = throttle.try_account("ann", from(200), seconds(1)).unwrap_err();
        assert!((9..=10).contains(&wait.as_secs()), "{wait:?}");
        throttle.forget_account("ann", from(0));
        assert!(throttle.try_account("ann", from(201), seconds(1)).is_err());
        assert!(throttle.try_account("ann", from(202), seconds(12)).is_ok());
        assert!(throttle.try_account("bob", from(203), seconds(12)).is_ok());
    }

    #[test]
    fn a_source_has_thirty_tries_whatever_the_accounts() {
        let mut throttle = Throttle::default();
        let tries = |throttle: &mut Throttle, source| {
            (0..100).filter(|n| throttle.try_account(&format!("a{n}"), source, seconds(1)).is_ok()).count()
        };
        assert_eq!(tries(&mut throttle, HERE), 30);
        assert_eq!(tries(&mut throttle, "::ffff:192.0.2.1".parse().unwrap()), 0);
        assert_eq!(tries(&mut throttle, "2001:db8::1".parse().unwrap()), 30);
        assert_eq!(tries(&mut throttle, "2001:db8::2:3".parse().unwrap()), 0);
    }

    #[test]
    fn a_user_hears_thirty_texts_at_once_then_one_in_five_seconds() {
        let mut throttle = Throttle::default();
        let heard = |throttle: &mut Throttle, at| {
            (0..100).filter(|_| throttle.try_speech("ann", seconds(at)).is_ok()).count()
        };
        assert_eq!((heard(&mut throttle, 1), heard(&mut throttle, 12)), (30, 2));
        assert!(throttle.try_speech("bob", seconds(12)).is_ok());
    }

    #[test]
    fn refusals_of_a_source_are_told_once_a_minute() {
        let mut throttle = Throttle::default();
        let told: Vec<u64> = (1..=121).filter(|n| throttle.is_told(HERE, seconds(*n))).collect();
        assert_eq!(told, [1, 61, 121]);
        assert!(throttle.is_told(from(2), seconds(2)));
    }

    #[test]
    fn the_tables_stay_bounded_under_a_flood_of_names_and_keep_the_most_burdened() {
        let mut throttle = Throttle::default();
        for _ in 0..ACCOUNT.at_once {
            throttle.accounts.take("ann".to_owned(), &ACCOUNT, seconds(1)).unwrap();
        }
        for n in 0..3 * ENTRIES_MAX {
            throttle.accounts.take(format!("a{n}"), &ACCOUNT, seconds(1)).unwrap();
        }
        assert_eq!(throttle.accounts.entries.len(), ENTRIES_MAX);
        assert!(throttle.accounts.take("ann".to_owned(), &ACCOUNT, seconds(1)).is_err());
    }
}
