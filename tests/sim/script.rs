//! What the people of a simulated call do, and how badly their phones behave.

use super::house::{BY_NAME, DIRECT, ECHO, MAIN, NOBODY, ON_HOLD};
use cordboard::audio::Codec;
use cordboard::ids::Random;
use std::time::Duration;

/// One call: who dials what, and what both ends do.
#[derive(Clone, Debug)]
pub struct Script {
    pub number: &'static str,
    pub caller: Conduct,
    /// The agent that is rung, or the first of two.
    pub first: Conduct,
    pub second: Conduct,
}

/// One party.
#[derive(Clone, Debug)]
pub struct Conduct {
    pub media: Media,
    pub answer: Answer,
    /// Since the answer (the server's to a caller, its own of an agent).
    pub keys: Vec<(Duration, char, KeyBy)>,
    /// Since the answer.
    pub hangs_up: Option<Duration>,
    /// Since the INVITE: CANCEL, or BYE where the answer came first.
    pub gives_up: Option<Duration>,
    /// Since the answer: sends nothing and hears nothing any more.
    pub crashes: Option<Duration>,
    /// Since the answer: on hold by re-INVITE, and back after so long.
    pub holds: Option<(Duration, Duration)>,
    pub oddities: Oddities,
}

/// What a phone describes and sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Media {
    /// Describes itself as inactive, so that nothing flows either way.
    Signalling,
    /// RTP both ways.
    Full { codec: Codec, ptime_ms: u8 },
    /// Wants RTP and sends none: the server hangs up after its limit.
    Mute,
    /// A codec that the server has not.
    Unknown,
    /// An INVITE without an offer; the answer is in the ACK where `answers`.
    NoOffer { answers: bool },
}

/// How an agent takes a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    After(Duration),
    Refuses(Duration, u16),
    /// Rings for ever.
    Never,
    /// Not even 100 comes back.
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyBy {
    Event,
    Tone,
    Info,
}

/// What no phone should do.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Oddities {
    pub never_acknowledges: bool,
    pub ignores_bye: bool,
    /// A second BYE with the next number behind the first.
    pub bye_twice: bool,
    /// INFOs that say nothing, or nonsense.
    pub garbage_info: bool,
    pub ignores_cancel: bool,
}

pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Conduct {
    pub fn new(media: Media) -> Self {
        Conduct {
            media,
            answer: Answer::After(ms(1_500)),
            keys: Vec::new(),
            hangs_up: None,
            gives_up: None,
            crashes: None,
            holds: None,
            oddities: Oddities::default(),
        }
    }
}

impl Script {
    pub fn new(number: &'static str, media: Media) -> Self {
        let party = Conduct::new(media);
        Script { number, caller: party.clone(), first: party.clone(), second: party }
    }

    /// A caller who hangs up after 20 s at the latest, whatever else happens.
    pub fn random(random: &mut Random, with_media: bool) -> Self {
        let number = match random.below(20) {
            0..=11 => MAIN,
            12..=13 => ECHO,
            14..=15 => DIRECT,
            16..=17 => BY_NAME,
            18 => ON_HOLD,
            _ => NOBODY,
        };
        let mut script = Script {
            number,
            caller: random_conduct(random, with_media),
            first: random_conduct(random, with_media),
            second: random_conduct(random, with_media),
        };
        let caller = &mut script.caller;
        let limit = ms(3_000 + u64::from(random.below(17_000)));
        if random.below(10) > 0 {
            caller.hangs_up = Some(limit);
        }
        if number == MAIN && random.below(5) > 0 {
            let key = char::from(b"11123349*"[random.below(9) as usize]);
            let at = ms(200 + u64::from(random.below(4_000)));
            let by = key_way(random, caller.media);
            caller.keys.push((at, key, by));
            if key == '4' {
                let code = (0..4).map(|n| (at + ms(1_500 + 900 * n), char::from(b'5' + n as u8), by));
                caller.keys.extend(code);
            }
        }
        if random.below(8) == 0 {
            caller.gives_up = Some(ms(u64::from(random.below(6_000))));
        }
        match random.below(40) {
            0 => caller.media = Media::NoOffer { answers: true },
            1 => caller.media = Media::NoOffer { answers: false },
            2 => caller.media = Media::Unknown,
            _ => {}
        }
        script
    }
}

fn key_way(random: &mut Random, media: Media) -> KeyBy {
    match (media, random.below(3)) {
        (Media::Full { .. }, 0) => KeyBy::Event,
        (Media::Full { .. }, 1) => KeyBy::Tone,
        _ => KeyBy::Info,
    }
}

fn random_conduct(random: &mut Random, with_media: bool) -> Conduct {
    let mut conduct = Conduct::new(random_media(random, with_media));
    let some = |random: &mut Random, max: u32| ms(u64::from(random.below(max)));
    conduct.answer = match random.below(12) {
        0 => Answer::Never,
        1 => Answer::Dead,
        2 => Answer::Refuses(some(random, 3_000), [486, 603, 480, 404, 500, 600][random.below(6) as usize]),
        _ => Answer::After(some(random, 5_000)),
    };
    if random.below(3) == 0 {
        conduct.hangs_up = Some(some(random, 15_000));
    }
    if random.below(12) == 0 {
        conduct.holds = Some((some(random, 5_000), some(random, 4_000)));
    }
    // Nobody would notice a phone that vanishes where no media is expected of it.
    if conduct.media != Media::Signalling && random.below(12) == 0 {
        conduct.crashes = Some(some(random, 8_000));
    }
    let once_in = |random: &mut Random, n: u32| random.below(n) == 0;
    conduct.oddities = Oddities {
        never_acknowledges: once_in(random, 40),
        ignores_bye: once_in(random, 40),
        bye_twice: once_in(random, 20),
        garbage_info: once_in(random, 20),
        ignores_cancel: once_in(random, 40),
    };
    conduct
}

fn random_media(random: &mut Random, with_media: bool) -> Media {
    if !with_media {
        return if random.below(20) == 0 { Media::Mute } else { Media::Signalling };
    }
    let codec = if random.below(4) == 0 { Codec::Pcma } else { Codec::Pcmu };
    let ptime_ms = [20, 20, 20, 20, 10, 30, 60][random.below(7) as usize];
    Media::Full { codec, ptime_ms }
}
