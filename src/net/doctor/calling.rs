//! The last steps: a call to the trunk's echo. What is played has to come back, and so have the keys that are pressed.

use super::requests::{broke, without_password};
use super::step::Found;
use super::{Account, Examination, Kind, Tried};
use crate::audio::likeness::{Found as Place, find};
use crate::audio::{Clip, tones};
use crate::call::trial::{End, News, Talking, Why, Wish};
use crate::clock::Instant;
use crate::media::{DigitSource, Recording, Statistics};
use std::sync::Arc;
use std::time::Duration;

/// A call is given up after 20 s (`call::trial`).
const ANSWER_TIME_MAX: Duration = Duration::from_secs(25);
/// How long each round listens: the sound of a second, there and back within the other.
const LISTEN: Duration = Duration::from_secs(2);
/// Rounds: an echo may explain itself for 20 s before it begins.
const ROUNDS: u32 = 12;
/// Rounds in which not a single packet comes, at the begin: nothing will come in the others.
const ROUNDS_OF_NOTHING: u32 = 4;
/// A recording comes back when its time is over; what takes longer than this is lost.
const RECORDING_LATE: Duration = Duration::from_secs(4);
/// Keys of all rows and columns. None of them is `#`, by which some echoes end.
const KEYS: &str = "1590";
/// What may come back after the last key was let go.
const KEYS_LATE: Duration = Duration::from_secs(3);
/// Pressing so many keys takes less than a second.
const KEYS_TIME_MAX: Duration = Duration::from_secs(5);
/// The end of a call takes an answer to its BYE and the media thread's next turn.
const END_TIME_MAX: Duration = Duration::from_secs(3);
/// Of a random sound it is below 0.1. A voice codec that carries the call in between leaves more than half.
const LIKE: f32 = 0.3;
const CLEARLY_LIKE: f32 = 0.7;
/// Loss from which on words suffer, in percent.
const LOSS_MAX: f64 = 2.0;
/// The loudest sample of what is still silence: comfort noise lies below.
const SILENCE: u16 = 64;

/// What came back of the sound.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Echo {
    /// After that time.
    Back { place: Place, after: Duration },
    /// No packet at all.
    Nothing,
    /// Packets without a sound in them.
    Silence,
    /// Another sound.
    Other,
}

impl Examination {
    pub(super) async fn call(&mut self, tried: &Tried) {
        let Some(number) = self.trunk.test_number.clone() else {
            let text = "The trunk has no test_number: with the number of an echo (many providers have one; of another \
                        cordboard a number with service = \"echo\") a call with sound and keys is made here.";
            return self.skip_from(Kind::Call, text).await;
        };
        let place = Some(tried.words());
        let text = format!("Calling {} with {} as the caller.", self.trunk.numbers.dial(&number), self.shown);
        self.steps.running(Kind::Call, place.clone(), text).await;
        self.session.order(Wish::Call(tried.target.clone())).await;
        let talking = match self.answer().await {
            Ok(talking) => talking,
            Err(why) => {
                let dialled = self.trunk.numbers.dial(&number);
                let account = Account::of(&self.trunk);
                let found = refused(&why, &Made { dialled: &dialled, shown: &self.shown, account, tried });
                self.steps.found(Kind::Call, place, found).await;
                return self.skip_from(Kind::Audio, "There is no call.").await;
            }
        };
        self.steps.ok(Kind::Call, place, answered(&talking)).await;
        self.talk(&talking).await;
    }

    async fn answer(&mut self) -> Result<Talking, Why> {
        loop {
            match self.session.next(ANSWER_TIME_MAX).await {
                Some(News::Talks(talking)) => return Ok(talking),
                Some(News::Failed(why)) => return Err(why),
                Some(_) => {}
                None => return Err(Why::Silent),
            }
        }
    }

    async fn talk(&mut self, talking: &Talking) {
        self.steps.running(Kind::Audio, None, "Playing a sound until it comes back.").await;
        let mut ended = None;
        let echo = self.sound(&mut ended).await;
        if let Echo::Back { .. } | Echo::Silence | Echo::Other = echo
            && ended.is_none()
        {
            self.steps.found(Kind::Audio, None, audio(echo, talking, None, self.ports())).await;
            self.steps.running(Kind::Keys, None, format!("Pressing {KEYS}.")).await;
            let keys = self.keys(&mut ended).await;
            let end = self.hang_up(ended).await;
            self.steps.found(Kind::Keys, None, keys_found(&keys, talking, end.as_ref())).await;
            return self.quality(end.as_ref(), talking, echo).await;
        }
        // Why nothing came is known better once the call is over.
        let end = self.hang_up(ended).await;
        self.steps.found(Kind::Audio, None, audio(echo, talking, end.as_ref(), self.ports())).await;
        self.steps.skipped(Kind::Keys, "Without audio no key can come back.").await;
        self.quality(end.as_ref(), talking, echo).await;
    }

    fn ports(&self) -> (u16, u16) {
        self.doctor.0.settings.media_ports
    }

    /// Plays the sound until it comes back, or for all rounds.
    async fn sound(&mut self, ended: &mut Option<End>) -> Echo {
        let samples: Arc<[i16]> = tones::sweep().into();
        let clip = Arc::new(Clip::from_samples(&samples));
        let mut best = Echo::Nothing;
        for round in 1..=ROUNDS {
            self.session.order(Wish::Play { clip: clip.clone(), listen: LISTEN }).await;
            let Some((played, recording)) = self.heard(ended).await else { break };
            let samples = samples.clone();
            // Beside the runtime's threads, which carry streams.
            let looked = tokio::task::spawn_blocking(move || look(&samples, played, &recording)).await;
            best = match looked.unwrap_or(Echo::Nothing) {
                found @ Echo::Back { .. } => return found,
                Echo::Nothing if best == Echo::Nothing && round >= ROUNDS_OF_NOTHING => break,
                Echo::Nothing => best,
                Echo::Silence if best == Echo::Other => best,
                other => other,
            };
        }
        best
    }

    async fn heard(&mut self, ended: &mut Option<End>) -> Option<(Instant, Box<Recording>)> {
        loop {
            match self.session.next(RECORDING_LATE).await? {
                News::Heard { played, recording } => return Some((played, recording)),
                News::Ended(end) => {
                    *ended = Some(end);
                    return None;
                }
                _ => {}
            }
        }
    }

    /// Presses the keys, and gives those that come back.
    async fn keys(&mut self, ended: &mut Option<End>) -> Vec<(char, DigitSource)> {
        self.session.order(Wish::Press(KEYS.into())).await;
        let (mut back, mut patience) = (Vec::new(), KEYS_TIME_MAX);
        while back.len() < KEYS.len() {
            match self.session.next(patience).await {
                Some(News::Digit { digit, source }) => back.push((digit, source)),
                Some(News::Pressed) => patience = KEYS_LATE,
                Some(News::Ended(end)) => {
                    *ended = Some(end);
                    break;
                }
                Some(_) => {}
                None => break,
            }
        }
        back
    }

    /// Ends the call, where that has not happened, and gives how it was.
    async fn hang_up(&mut self, ended: Option<End>) -> Option<End> {
        if ended.is_some() {
            return ended;
        }
        self.session.order(Wish::HangUp).await;
        loop {
            if let News::Ended(end) = self.session.next(END_TIME_MAX).await? {
                return Some(end);
            }
        }
    }

    async fn quality(&self, end: Option<&End>, talking: &Talking, echo: Echo) {
        match end {
            Some(end) if end.statistics.packets_received > 0 => {
                self.steps.found(Kind::Quality, None, quality(&end.statistics, talking, echo)).await;
            }
            _ => self.steps.skipped(Kind::Quality, "No audio came that could be measured.").await,
        }
    }
}

/// Looks for the sound in what was heard.
fn look(sound: &[i16], played: Instant, recording: &Recording) -> Echo {
    let Some(begun) = recording.begun else { return Echo::Nothing };
    match find(sound, &recording.samples).filter(|place| place.likeness >= LIKE) {
        Some(place) => {
            let after = (begun - played) + Duration::from_micros(place.at as u64 * 125);
            Echo::Back { place, after }
        }
        None if recording.samples.iter().all(|sample| sample.unsigned_abs() < SILENCE) => Echo::Silence,
        None => Echo::Other,
    }
}

fn answered(talking: &Talking) -> String {
    let encrypted = if talking.is_protected { ", encrypted (SRTP)" } else { "" };
    let events =
        if talking.takes_events { "as telephone-events" } else { "as tones: it takes no telephone-events" };
    format!(
        "Answered after {} ms: {}{encrypted}, keys {events}, audio goes to {}.",
        talking.took.as_millis(),
        talking.codec,
        talking.media
    )
}

fn audio(echo: Echo, talking: &Talking, end: Option<&End>, ports: (u16, u16)) -> Found {
    match echo {
        Echo::Back { place, after } => {
            let gain = place.gain_db.round() as i32;
            let level = match gain {
                -1..=1 => "as loud as it was".to_owned(),
                quieter @ ..-1 => format!("{} dB softer", -quieter),
                louder => format!("{louder} dB louder"),
            };
            let likeness = if place.likeness >= CLEARLY_LIKE {
                "clearly the same"
            } else {
                "the same, and distorted (somebody in between uses another codec)"
            };
            Found::ok(format!(
                "The sound came back after {} ms, {likeness} (correlation {:.2}), {level}.",
                after.as_millis(),
                place.likeness
            ))
        }
        Echo::Silence => Found::failed(
            "Audio comes back, and is silent: what was played is not in it.",
            format!(
                "Look whether test_number is an echo. If it is, ours does not get there: {} has to be reached from {}.",
                talking.media, talking.own
            ),
        ),
        Echo::Other => Found::failed(
            "Audio comes back, and it is another sound than the one that was played.",
            "Look whether test_number is an echo: somebody or something else has answered.",
        ),
        Echo::Nothing => nothing_came(talking, end, ports),
    }
}

fn nothing_came(talking: &Talking, end: Option<&End>, (first, last): (u16, u16)) -> Found {
    if let Some(Some(why)) = end.map(|end| &end.by_peer) {
        let why = why.as_ref().map(|why| format!(", and says why: {why}")).unwrap_or_default();
        return Found::failed(
            format!("The peer hung up before the sound came back{why}."),
            "Look whether test_number is an echo that stays on the line.",
        );
    }
    if let Some(from) = end.and_then(|end| end.refused) {
        return Found::failed(
            format!(
                "Audio comes from {from}, and the peer's description said {}: it was refused.",
                talking.media
            ),
            "The peer sends from another host than it describes: have it describe that one, or send from where its SIP \
             comes from.",
        );
    }
    if end.is_some_and(|end| end.statistics.packets_unauthentic > 0) {
        return Found::failed(
            "Audio comes back that cannot be decrypted.",
            "Set srtp of the trunk to what the provider has it set to.",
        );
    }
    Found::failed(
        format!("No audio came: it was to be sent to {}.", talking.own),
        format!(
            "That address has to be reached from the provider: set advertise in [media] to your public address, and let UDP \
             to the ports {first} to {last} through the firewall."
        ),
    )
}

fn keys_found(back: &[(char, DigitSource)], talking: &Talking, end: Option<&End>) -> Found {
    let keys: String = back.iter().map(|(key, _)| *key).collect();
    let how = if talking.takes_events { "as telephone-events" } else { "as tones" };
    let mut sources: Vec<&str> = back
        .iter()
        .map(|(_, source)| match source {
            DigitSource::Rfc4733 => "telephone-events",
            DigitSource::InBand => "tones",
            DigitSource::Info => "SIP INFO",
        })
        .collect();
    sources.dedup();
    let sources = sources.join(" and ");
    if keys == KEYS {
        return Found::ok(format!("{KEYS} was pressed {how} and came back as {sources}."));
    }
    if let Some(Some(_)) = end.map(|end| &end.by_peer) {
        return Found::failed(
            format!("The peer hung up while {KEYS} was pressed."),
            "Look whether the echo takes keys for commands; if so, keys cannot be tested there.",
        );
    }
    if keys.is_empty() {
        return Found::failed(
            format!("{KEYS} was pressed {how}, and nothing of it came back."),
            "Look whether the echo sends keys back. If it does, set the trunk to RFC 2833 (telephone-events) at the \
             provider: keys of callers are lost in the same way.",
        );
    }
    Found::failed(
        format!("{KEYS} was pressed {how}, and {keys} came back as {sources}."),
        "Keys are lost, doubled or changed on the way: have the provider send them in one way alone, RFC 2833 best.",
    )
}

fn quality(statistics: &Statistics, talking: &Talking, echo: Echo) -> Found {
    let (received, lost) = (statistics.packets_received as f64, statistics.packets_lost as f64);
    let here = 100.0 * lost / (received + lost).max(1.0);
    let there = 100.0 * f64::from(statistics.reported_lost) / (statistics.packets_sent as f64).max(1.0);
    let mut text = format!(
        "{}, {here:.1} % of the packets lost on the way here, jitter {} ms",
        talking.codec,
        statistics.jitter_us / 1_000
    );
    if statistics.round_trip_us > 0 {
        text.push_str(&format!(
            ", {there:.1} % lost on the way there, round trip {} ms",
            statistics.round_trip_us / 1_000
        ));
    }
    if let Echo::Back { after, .. } = echo {
        text.push_str(&format!(", delay there and back {} ms", after.as_millis()));
    }
    text.push('.');
    if here.max(there) >= LOSS_MAX {
        let way = if here >= there { "from the provider to here" } else { "from here to the provider" };
        return Found::failed(
            text,
            format!(
                "Packets are lost on the way {way}: look at the lines between, and whether voice goes first there."
            ),
        );
    }
    Found::ok(text)
}

/// What a call was made with.
struct Made<'a> {
    /// The numbers as the trunk was told them.
    dialled: &'a str,
    shown: &'a str,
    account: Account,
    tried: &'a Tried,
}

/// Why there is no call, and what helps.
fn refused(why: &Why, made: &Made<'_>) -> Found {
    let Made { dialled, shown, account, tried } = *made;
    let own = tried.own.listed();
    let said = match why {
        Why::Said(said) => said,
        Why::Silent => {
            return Found::failed(
                "No answer to the INVITE.",
                format!(
                    "The peer drops calls of this server without a word: have the provider take calls from {own}."
                ),
            );
        }
        Why::NoAnswer => {
            return Found::failed(
                format!("{dialled} rings, and nobody answers within 20 s."),
                "Look whether test_number is an echo: that answers at once.",
            );
        }
        Why::Unreachable => {
            return broke(tried.target.transport);
        }
        Why::Unusable(why) => {
            return Found::failed(
                format!("It was answered, and the description of its audio cannot be used: {why}."),
                "Have the provider allow a codec that the trunk's codecs names (PCMU is everywhere), and set srtp as the provider has it.",
            );
        }
        Why::NotSent(why) => {
            return Found::failed(
                format!("The call could not be made: {why}."),
                "Put that right, or test again when there is room.",
            );
        }
    };
    let remedy = match said.code {
        401 | 407 if account == Account::Unreadable => {
            return without_password(&format!("{dialled} was refused: {said}."));
        }
        401 | 407 if account == Account::None => {
            return Found::failed(
                format!("{dialled} was refused: {said}. Credentials are wanted, and the trunk has no account."),
                format!(
                    "Have the provider take calls from {own} without credentials, or enter the username and password \
                     that it gave you."
                ),
            );
        }
        401 | 407 => "Compare username, password and auth_username with what the provider gave you.".to_owned(),
        403 => format!(
            "The trunk does not let this call out. Look whether {shown} may be shown as the caller (caller_id, from_user, \
             from_domain), whether the account may call {dialled}, whether as many calls are under way as it may have, and \
             whether the provider takes calls from {own}."
        ),
        404 | 410 | 484 | 485 | 604 => format!(
            "The trunk does not know {dialled}: look whether it wants another shape (number_format, prefix_out, \
             default_country), and at test_number."
        ),
        408 | 480 => format!("Nobody was reached at {dialled}: look at test_number."),
        486 | 600 => format!("{dialled} is busy: test again, or take another echo."),
        415 | 488 | 606 => {
            "The trunk does not take our audio (PCMU and PCMA with telephone-events): allow one of these codecs there, and set \
             srtp as the provider has it."
                .to_owned()
        }
        300..=399 => "The trunk would send the call elsewhere, which this server does not follow.".to_owned(),
        503 => "The trunk takes no calls now, or too many a second for what you have bought: test again, then ask the \
                provider."
            .to_owned(),
        603 | 607 | 608 => "Somebody declined the call: look at test_number.".to_owned(),
        _ => "Ask the provider what that answer means to a call.".to_owned(),
    };
    Found::failed(format!("{dialled} was refused: {said}."), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::said::Said;
    use crate::sip::Transport;

    fn talking() -> Talking {
        Talking {
            took: Duration::from_millis(120),
            codec: "PCMU",
            takes_events: true,
            is_protected: false,
            media: "192.0.2.1:4000".parse().unwrap(),
            own: "198.51.100.1:20000".parse().unwrap(),
        }
    }

    fn end() -> End {
        End { by_peer: None, statistics: Statistics::default(), refused: None }
    }

    fn made(account: Account, tried: &Tried) -> Made<'_> {
        Made { dialled: "9196", shown: "+15550100", account, tried }
    }

    #[test]
    fn a_call_that_is_asked_for_credentials_is_told_apart_by_what_the_trunk_has() {
        let tried = Tried::of(Transport::Udp);
        for (account, words, helps) in [
            (Account::None, "has no account", "enter the username and password"),
            (Account::Unreadable, "its file could not be read", "who may read it"),
            (Account::Known, "401 Words", "Compare username, password"),
        ] {
            let why = Why::Said(Said { code: 401, phrase: "Words".into(), more: None });
            let found = refused(&why, &made(account, &tried));
            assert!(found.text.contains(words), "{found:?}");
            assert!(found.remedy.as_ref().unwrap().contains(helps), "{found:?}");
        }
    }

    #[test]
    fn each_refusal_of_a_call_says_what_helps() {
        let tried = Tried::of(Transport::Tls);
        for (code, helps) in [
            (302, "does not follow"),
            (401, "Compare username"),
            (403, "+15550100 may be shown"),
            (403, "takes calls from 192.0.2.1"),
            (404, "another shape"),
            (480, "look at test_number"),
            (486, "is busy"),
            (488, "PCMU and PCMA"),
            (503, "takes no calls now"),
            (603, "declined"),
            (500, "Ask the provider"),
        ] {
            let why = Why::Said(Said { code, phrase: "Words".into(), more: Some("more".into()) });
            let found = refused(&why, &made(Account::Known, &tried));
            assert_eq!(found.text, format!("9196 was refused: {code} Words (\"more\")."));
            assert!(found.remedy.as_ref().unwrap().contains(helps), "{code}: {found:?}");
        }
        for (why, words) in [
            (Why::Silent, "No answer to the INVITE"),
            (Why::NoAnswer, "rings, and nobody answers"),
            (Why::Unreachable, "without an answer"),
            (Why::Unusable("no common codec".into()), "cannot be used: no common codec."),
            (Why::NotSent("the trunk is full".into()), "could not be made: the trunk is full."),
        ] {
            let found = refused(&why, &made(Account::Known, &tried));
            assert!(found.text.contains(words) && found.remedy.is_some(), "{found:?}");
        }
    }

    #[test]
    fn the_sound_is_found_in_what_came_back_and_its_time_is_that_of_the_way() {
        let at = Instant::from_millis;
        let sweep = tones::sweep();
        let recorded = |samples: &[i16]| {
            let mut recording = Recording::new(at(1_000), LISTEN);
            recording.take(at(1_060), 0, samples);
            recording
        };
        let mut echo = vec![0; 400];
        echo.extend(&sweep);
        let Echo::Back { place, after } = look(&sweep, at(1_000), &recorded(&echo)) else {
            panic!("an echo")
        };
        assert_eq!((place.at, after), (400, Duration::from_millis(110)));
        assert_eq!(look(&sweep, at(1_000), &recorded(&[3; 9_000])), Echo::Silence);
        assert_eq!(look(&sweep, at(1_000), &recorded(&tones::ringback()[..9_000])), Echo::Other);
        assert_eq!(look(&sweep, at(1_000), &Recording::new(at(1_000), LISTEN)), Echo::Nothing);
    }

    #[test]
    fn what_became_of_the_sound_is_said_with_what_helps() {
        let place = |likeness, gain_db| Place { likeness, at: 0, gain_db };
        let back =
            |likeness, gain| Echo::Back { place: place(likeness, gain), after: Duration::from_millis(90) };
        let say = |echo, end: Option<&End>| audio(echo, &talking(), end, (20_000, 29_999));
        let clear = say(back(0.99, -6.2), None);
        assert_eq!(
            clear.text,
            "The sound came back after 90 ms, clearly the same (correlation 0.99), 6 dB softer."
        );
        assert!(say(back(0.5, 0.4), None).text.contains("distorted") && clear.remedy.is_none());
        let refused = End { refused: Some("203.0.113.9:4".parse().unwrap()), ..end() };
        let hung_up = End { by_peer: Some(Some("busy".into())), ..end() };
        let sealed =
            End { statistics: Statistics { packets_unauthentic: 9, ..Statistics::default() }, ..end() };
        for (echo, end, words, helps) in [
            (Echo::Silence, None, "is silent", "has to be reached from 198.51.100.1:20000"),
            (Echo::Other, None, "another sound", "is an echo"),
            (Echo::Nothing, Some(&end()), "to be sent to 198.51.100.1:20000", "ports 20000 to 29999"),
            (Echo::Nothing, None, "No audio came", "advertise"),
            (Echo::Nothing, Some(&refused), "comes from 203.0.113.9:4", "another host"),
            (Echo::Nothing, Some(&hung_up), "says why: busy", "stays on the line"),
            (Echo::Nothing, Some(&sealed), "decrypted", "srtp"),
        ] {
            let found = say(echo, end);
            assert!(found.text.contains(words), "{found:?}");
            assert!(found.remedy.as_ref().unwrap().contains(helps), "{found:?}");
        }
    }

    #[test]
    fn keys_that_do_not_all_come_back_as_they_were_are_a_fault() {
        let keys = |text: &str, source| text.chars().map(|key| (key, source)).collect::<Vec<_>>();
        let say = |back: &[(char, DigitSource)], end: &End| keys_found(back, &talking(), Some(end));
        let fine = say(&keys(KEYS, DigitSource::InBand), &end());
        assert_eq!(fine.text, "1590 was pressed as telephone-events and came back as tones.");
        assert_eq!(fine.remedy, None);
        let hung_up = End { by_peer: Some(None), ..end() };
        for (back, end, words) in [
            ("", end(), "nothing of it came back"),
            ("19", end(), "19 came back as telephone-events"),
            ("11559900", end(), "11559900 came back"),
            ("15", hung_up, "hung up"),
        ] {
            let found = say(&keys(back, DigitSource::Rfc4733), &end);
            assert!(found.text.contains(words) && found.remedy.is_some(), "{found:?}");
        }
    }

    #[test]
    fn loss_of_two_percent_either_way_is_a_fault() {
        let statistics = |packets_lost, reported_lost, round_trip_us| Statistics {
            packets_received: 100 - packets_lost,
            packets_lost,
            packets_sent: 100,
            reported_lost,
            round_trip_us,
            jitter_us: 3_200,
            ..Statistics::default()
        };
        let fine = quality(&statistics(1, 1, 42_000), &talking(), Echo::Other);
        assert_eq!(
            fine.text,
            "PCMU, 1.0 % of the packets lost on the way here, jitter 3 ms, 1.0 % lost on the way there, round trip 42 ms."
        );
        assert_eq!(fine.remedy, None);
        for (lost, reported, words) in [(3, 0, "to here"), (0, 5, "to the provider")] {
            let found = quality(&statistics(lost, reported, 0), &talking(), Echo::Nothing);
            assert!(found.remedy.unwrap().contains(words));
        }
    }
}
