//! Session timers (RFC 4028): how long a dialog lives without a sign of the peer, who gives that sign, and when.

use crate::clock::Instant;
use crate::sip::message::{Request, Response, delta_seconds};
use std::time::Duration;

/// No smaller Min-SE is allowed, RFC 4028 section 5: seconds.
pub const MIN_SE_FLOOR_S: u32 = 90;
/// An interval that a peer dictates in a 2xx is not taken below it: a refresh costs a transaction on both sides.
const INTERVAL_MIN_S: u32 = 30;
/// A refresh that got no usable answer is tried again after so long: some tries fit before the end, and a peer that
/// restarts is not hammered.
const RETRY: Duration = Duration::from_secs(5);
/// The end comes so long before the interval is over, or a third of it, RFC 4028 section 10.
const MARGIN_MAX: Duration = Duration::from_secs(32);

/// What we want of session timers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionPolicy {
    /// The interval that we ask for, seconds; 0 where we ask for none. A peer's wish is followed all the same.
    pub interval_s: u32,
    /// The smallest that we take, seconds: at least 90.
    pub min_se_s: u32,
}

impl Default for SessionPolicy {
    /// RFC 4028 section 4: 1,800 s is what it recommends, and what most peers have.
    fn default() -> Self {
        SessionPolicy { interval_s: 1_800, min_se_s: MIN_SE_FLOOR_S }
    }
}

/// What both sides agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTerms {
    pub interval_s: u32,
    pub we_refresh: bool,
}

/// The request's interval is smaller than we take: 422 with this Min-SE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooSmall {
    pub min_se_s: u32,
}

impl SessionTerms {
    /// What we answer to an INVITE or UPDATE, RFC 4028 section 9. None: no session timer. `now` are the terms so far.
    pub fn as_server(
        policy: SessionPolicy,
        request: &Request,
        now: Option<SessionTerms>,
    ) -> Result<Option<SessionTerms>, TooSmall> {
        let supports = supports_timer(request.headers("Supported"));
        let floor = request.header("Min-SE").and_then(seconds).unwrap_or(MIN_SE_FLOOR_S).max(MIN_SE_FLOOR_S);
        let Some((asked, refresher)) = request.header("Session-Expires").and_then(session_expires) else {
            // Whoever wants the timer refreshes; a peer that knows nothing of it refreshes nothing.
            let wanted = match now {
                Some(terms) => Some(SessionTerms { we_refresh: terms.we_refresh || !supports, ..terms }),
                None if supports && policy.interval_s > 0 => Some(SessionTerms {
                    interval_s: policy.interval_s.max(policy.min_se_s),
                    we_refresh: true,
                }),
                None => None,
            };
            return Ok(wanted.map(|terms| SessionTerms { interval_s: terms.interval_s.max(floor), ..terms }));
        };
        if asked < policy.min_se_s {
            // A proxy asked, and the peer would not understand a 422.
            return if supports { Err(TooSmall { min_se_s: policy.min_se_s }) } else { Ok(now) };
        }
        let ours = if policy.interval_s == 0 { asked } else { policy.interval_s };
        let we_refresh = match refresher {
            Some(Side::Client) => false,
            Some(Side::Server) => true,
            None => !supports,
        };
        Ok(Some(SessionTerms { interval_s: asked.min(ours.max(floor).max(policy.min_se_s)), we_refresh }))
    }

    /// What a 2xx to our INVITE or UPDATE says, RFC 4028 section 7.2. None: no session timer.
    pub fn as_client(response: &Response) -> Option<SessionTerms> {
        let (interval, refresher) = response.header("Session-Expires").and_then(session_expires)?;
        let we_refresh = refresher != Some(Side::Server);
        Some(SessionTerms { interval_s: interval.max(INTERVAL_MIN_S), we_refresh })
    }

    /// The value of Session-Expires in a response of ours, or in a request.
    pub fn header(self, in_response: bool) -> String {
        let side = if self.we_refresh == in_response { "uas" } else { "uac" };
        format!("{};refresher={side}", self.interval_s)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Client,
    Server,
}

fn supports_timer<'a>(mut supported: impl Iterator<Item = &'a str>) -> bool {
    supported.any(|option| option.eq_ignore_ascii_case("timer"))
}

/// Min-SE of a 422: how small the peer lets it be.
pub fn min_se(response: &Response) -> Option<u32> {
    response.header("Min-SE").and_then(seconds)
}

/// `1800;refresher=uac`, with whatever other parameters.
fn session_expires(value: &str) -> Option<(u32, Option<Side>)> {
    let mut parts = value.split(';');
    let interval = seconds(parts.next()?)?;
    let refresher = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim();
        match name.trim().eq_ignore_ascii_case("refresher") {
            true if value.eq_ignore_ascii_case("uac") => Some(Side::Client),
            true if value.eq_ignore_ascii_case("uas") => Some(Side::Server),
            _ => None,
        }
    });
    Some((interval, refresher))
}

/// Eleven days are as good as no end, and more is cut there.
fn seconds(text: &str) -> Option<u32> {
    const MAX: u32 = 1_000_000;
    delta_seconds(text.split(';').next()?).map(|seconds| seconds.min(MAX))
}

/// A session timer that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTimer {
    pub terms: SessionTerms,
    /// Nothing was heard in time: the end.
    end: Instant,
    /// When we refresh (again); none where the peer does, or while our refresh is on its way.
    refresh: Option<Instant>,
}

/// What the time brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionDue {
    Nothing,
    Refresh,
    End,
}

impl SessionTimer {
    /// Begins anew at a 2xx to an INVITE or UPDATE, RFC 4028 sections 7.2 and 10.
    pub fn start(now: Instant, terms: SessionTerms) -> Self {
        let interval = Duration::from_secs(u64::from(terms.interval_s));
        let end = now + (interval - MARGIN_MAX.min(interval / 3));
        SessionTimer { terms, end, refresh: terms.we_refresh.then(|| now + interval / 2) }
    }

    pub fn next_timeout(&self) -> Instant {
        self.refresh.map_or(self.end, |refresh| refresh.min(self.end))
    }

    /// Says once what is due. After [`SessionDue::Refresh`] the end is all that comes, until
    /// [`SessionTimer::try_again`].
    pub fn on_timeout(&mut self, now: Instant) -> SessionDue {
        if self.end <= now {
            // The end is told once; who does not end the dialog keeps it.
            (self.end, self.refresh) = (Instant::FAR, None);
            return SessionDue::End;
        }
        if self.refresh.is_some_and(|at| at <= now) {
            self.refresh = None;
            return SessionDue::Refresh;
        }
        SessionDue::Nothing
    }

    /// Our refresh failed, or could not be sent: another follows after `pause`, or soon.
    pub fn try_again(&mut self, now: Instant, pause: Option<Duration>) {
        if self.terms.we_refresh && self.end != Instant::FAR {
            self.refresh = Some(now + pause.unwrap_or(RETRY));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::{Message, parse_datagram};

    fn request(headers: &str) -> Request {
        let text = format!(
            "INVITE sip:1@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\nFrom: <sip:a@h>;tag=t\n\
             To: <sip:b@h>\nCall-ID: c\nCSeq: 1 INVITE\nContact: <sip:a@h>\n{headers}\n"
        );
        match parse_datagram(text.replace('\n', "\r\n").as_bytes()) {
            Some(Ok(Message::Request(request))) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn terms_follow_the_table_of_rfc_4028_section_9() {
        let policy = SessionPolicy::default();
        let terms = |interval_s, we_refresh| Ok(Some(SessionTerms { interval_s, we_refresh }));
        let small = Err(TooSmall { min_se_s: 90 });
        let current = Some(SessionTerms { interval_s: 1_800, we_refresh: false });
        let timer = "Supported: 100rel, timer\n";
        for (headers, now, expected) in [
            (String::new(), None, Ok(None)),
            (timer.to_owned(), None, terms(1_800, true)),
            (format!("{timer}Session-Expires: 1800\n"), None, terms(1_800, false)),
            (format!("{timer}x: 600;refresher=uas\n"), None, terms(600, true)),
            (format!("{timer}Session-Expires: 600 ; Refresher=UAC;x=y\n"), None, terms(600, false)),
            (format!("{timer}Session-Expires: 7200\n"), None, terms(1_800, false)),
            (format!("{timer}Session-Expires: 7200\nMin-SE: 3600\n"), None, terms(3_600, false)),
            (format!("{timer}Session-Expires: 89\n"), None, small),
            (format!("{timer}Session-Expires: 90\nMin-SE: 90\n"), None, terms(90, false)),
            ("Session-Expires: 1800\n".to_owned(), None, terms(1_800, true)),
            ("Session-Expires: 60\n".to_owned(), None, Ok(None)),
            ("Session-Expires: soon\n".to_owned(), None, Ok(None)),
            (format!("{timer}Session-Expires: 99999999999999\n"), None, terms(1_800, false)),
            // A later request that says nothing changes nothing, but who cannot refresh need not.
            (timer.to_owned(), current, terms(1_800, false)),
            (String::new(), current, terms(1_800, true)),
        ] {
            assert_eq!(SessionTerms::as_server(policy, &request(&headers), now), expected, "{headers}");
        }
        let none = SessionPolicy { interval_s: 0, ..policy };
        assert_eq!(SessionTerms::as_server(none, &request(timer), None), Ok(None));
        let asked = format!("{timer}Session-Expires: 7200\n");
        assert_eq!(SessionTerms::as_server(none, &request(&asked), None), terms(7_200, false));
    }

    #[test]
    fn the_refresher_is_named_as_the_transaction_has_the_sides() {
        for (we_refresh, in_response, value) in [
            (true, true, "90;refresher=uas"),
            (false, true, "90;refresher=uac"),
            (true, false, "90;refresher=uac"),
            (false, false, "90;refresher=uas"),
        ] {
            assert_eq!(SessionTerms { interval_s: 90, we_refresh }.header(in_response), value);
        }
    }

    #[test]
    fn a_refresh_is_due_at_half_and_the_end_32_s_or_a_third_before() {
        let s = |s: u64| Instant::from_millis(s * 1_000);
        for (interval_s, end) in [(1_800, 1_768), (90, 60), (96, 64)] {
            let terms = SessionTerms { interval_s, we_refresh: true };
            let mut timer = SessionTimer::start(Instant::ZERO, terms);
            let half = s(u64::from(interval_s) / 2);
            assert_eq!(timer.next_timeout(), half);
            assert_eq!(timer.on_timeout(half), SessionDue::Refresh);
            assert_eq!(timer.next_timeout(), s(end));
            timer.try_again(half, None);
            assert_eq!(timer.next_timeout(), half + RETRY);
            assert_eq!(timer.on_timeout(s(end)), SessionDue::End);
            timer.try_again(s(end), None);
            assert_eq!(timer.next_timeout(), Instant::FAR);
            let theirs = SessionTimer::start(Instant::ZERO, SessionTerms { we_refresh: false, ..terms });
            assert_eq!(theirs.next_timeout(), s(end));
        }
    }
}
