//! From what a flow wants heard to what a leg plays.

use super::snapshot::{Prompts, Speech};
use crate::flow::{BuiltIn, Sound};
use crate::media::{Item, Tone};
use std::sync::Arc;
use std::time::Duration;

/// Digits are parted by so much when they are read out.
const BETWEEN_DIGITS: Duration = Duration::from_millis(80);
/// More digits than this are not read out: no number that a person is told is longer.
const DIGITS_MAX: usize = 64;

/// What came of a list of sounds.
pub enum Resolved {
    Ready(Vec<Item>),
    /// This speech has to be rendered first; ask again when it is there.
    NeedsSpeech(Speech),
    /// In words for the log and for `error.message`.
    Missing(String),
}

/// Looks the sounds up. `rendered` holds speech that was made for this call.
pub fn resolve(
    prompts: &Prompts,
    rendered: &[(Speech, Arc<crate::audio::Clip>)],
    sounds: &[Sound],
) -> Resolved {
    let mut items = Vec::with_capacity(sounds.len());
    for sound in sounds {
        match sound {
            Sound::File { id } => match prompts.files.get(id) {
                Some(clip) => items.push(Item::Clip(clip.clone())),
                None => return Resolved::Missing(format!("there is no prompt \"{id}\"")),
            },
            Sound::Speech { text, .. } if text.trim().is_empty() => {}
            Sound::Speech { text, language, voice } => {
                let speech = Speech { text: text.clone(), language: language.clone(), voice: voice.clone() };
                let made = || rendered.iter().find(|(s, _)| *s == speech).map(|(_, clip)| clip);
                match prompts.speech.get(&speech).or_else(made) {
                    Some(clip) => items.push(Item::Clip(clip.clone())),
                    None => return Resolved::NeedsSpeech(speech),
                }
            }
            Sound::Digits { digits, language } => push_digits(prompts, digits, language, &mut items),
            Sound::BuiltIn { prompt, language } => {
                match built_in(prompts, language, built_in_name(*prompt)) {
                    Some(item) => items.push(item),
                    None => {
                        return Resolved::Missing(format!(
                            "the built-in prompt {} is missing",
                            built_in_name(*prompt)
                        ));
                    }
                }
            }
            Sound::Silence { ms } => items.push(Item::Silence(Duration::from_millis(u64::from(*ms)))),
            Sound::RingbackTone => items.push(Item::Tone(Tone::Ringback)),
            Sound::Beep => items.push(Item::Tone(Tone::Beep)),
            Sound::Music => match &prompts.music {
                Some(clip) => items.push(Item::Clip(clip.clone())),
                None => return Resolved::Missing("there is no music on hold".to_owned()),
            },
        }
    }
    Resolved::Ready(items)
}

fn push_digits(prompts: &Prompts, digits: &str, language: &str, items: &mut Vec<Item>) {
    for digit in digits.chars().take(DIGITS_MAX) {
        let Some(item) = digit_name(digit).and_then(|name| built_in(prompts, language, name)) else {
            continue;
        };
        if !items.is_empty() {
            items.push(Item::Silence(BETWEEN_DIGITS));
        }
        items.push(item);
    }
}

/// `en-GB`, then `en`, then English: a call is never silent for want of a language.
fn built_in(prompts: &Prompts, language: &str, name: &'static str) -> Option<Item> {
    let short = language.split(['-', '_']).next().unwrap_or(language);
    let found = [language, short, "en"]
        .into_iter()
        .find_map(|l| prompts.built_in.get(&(l.to_ascii_lowercase(), name)));
    found.map(|clip| Item::Clip(clip.clone()))
}

/// Names of the files in `prompts/en/built-in`.
fn built_in_name(prompt: BuiltIn) -> &'static str {
    match prompt {
        BuiltIn::Goodbye => "goodbye",
        BuiltIn::YouEntered => "you-entered",
        BuiltIn::ConfirmOptions => "confirm-options",
        BuiltIn::PressAnyToAccept => "press-any-to-accept",
        BuiltIn::PressOneToAccept => "press-one-to-accept",
    }
}

fn digit_name(digit: char) -> Option<&'static str> {
    Some(match digit.to_ascii_lowercase() {
        '0' => "0",
        '1' => "1",
        '2' => "2",
        '3' => "3",
        '4' => "4",
        '5' => "5",
        '6' => "6",
        '7' => "7",
        '8' => "8",
        '9' => "9",
        '*' => "star",
        '#' => "pound",
        'a' => "a",
        'b' => "b",
        'c' => "c",
        'd' => "d",
        '+' => "plus",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_has_its_built_in_prompt() {
        let names: Vec<_> = "0129*#ad+AD x".chars().map(digit_name).collect();
        let expected = ["0", "1", "2", "9", "star", "pound", "a", "d", "plus", "a", "d"].map(Some);
        assert_eq!(names[..11], expected);
        assert_eq!(names[11..], [None, None]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let prompts = Prompts::default();
        let missing = |sound: Sound| match resolve(&prompts, &[], &[sound]) {
            Resolved::Missing(text) => text,
            Resolved::NeedsSpeech(speech) => format!("speech {}", speech.text),
            Resolved::Ready(items) => format!("{} items", items.len()),
        };
        assert_eq!(missing(Sound::File { id: "x".into() }), "there is no prompt \"x\"");
        assert_eq!(missing(Sound::Music), "there is no music on hold");
        let speech = |text: &str| Sound::Speech {
            text: text.into(),
            language: "en-US".into(),
            voice: "default".into(),
        };
        assert_eq!(missing(speech("hello")), "speech hello");
        assert_eq!(missing(speech("  ")), "0 items");
        assert_eq!(missing(Sound::Digits { digits: "12".into(), language: "en".into() }), "0 items");
    }
}
