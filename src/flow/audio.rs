//! The audio object of flows.md 1.2 rule 8, and one playback of it.

use super::context::Call;
use super::finding::Code;
use super::reading::{Field, Fields, Reading, Speech, known_words};
use super::template::Template;
use super::{Action, Event, LogEvent, Party, SPEECH_START_LIMIT, Sound};
use crate::clock::Instant;
use crate::ids::PlaybackId;
use serde_json::Value;

/// What is to be played, not filled in yet.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Audio {
    pieces: Vec<Piece>,
}

#[derive(Clone, PartialEq, Debug)]
enum Piece {
    File(String),
    Speech { text: Template, language: String, voice: String },
}

/// Which of them an audio object has depends on its kind.
pub(super) const FIELDS: [Field; 6] = [
    ("kind", "A text that is spoken (tts), a prompt (file), or several one after the other (seq)."),
    ("text", "The text that is spoken; variables are filled in."),
    ("voice", "The voice; the flow's where it is left out."),
    ("language", "The language of the text (BCP 47); the flow's where it is left out."),
    ("id", "The id of the prompt: the path of its file without the ending."),
    ("items", "Audio objects that are played one after the other."),
];

/// Most pieces of one audio object, nested lists included: the list's own limit.
const PIECES_MAX: usize = 10;
/// Longest text to speak, in characters (and, filled in, in bytes four times as many).
pub(super) const TEXT_CHARS_MAX: usize = 4_000;

impl Audio {
    /// The audio under `key`; absent reads as `None`.
    pub fn read(fields: &Fields, key: &str, reading: &mut Reading) -> Option<Audio> {
        fields.describe(key, reading, || serde_json::json!({"$ref": "#/$defs/audio"}));
        let value = fields.get(key)?;
        let mut audio = Audio::default();
        audio.push(value, fields.at(key), reading);
        Some(audio)
    }

    /// [`Audio::read`] that must be there.
    pub fn read_required(fields: &Fields, key: &str, reading: &mut Reading) -> Audio {
        let audio = Audio::read(fields, key, reading);
        if audio.is_none() {
            fields.missing(key, reading);
        }
        audio.unwrap_or_default()
    }

    fn push(&mut self, value: &Value, pointer: String, reading: &mut Reading) {
        if self.pieces.len() >= PIECES_MAX {
            reading.error(
                Code::E14,
                &pointer,
                "This audio has more than 10 pieces.",
                "Take some out, or use two steps.",
            );
            return;
        }
        let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
        let known: Vec<Field> = FIELDS
            .into_iter()
            .filter(|(key, _)| match kind {
                "tts" => ["kind", "text", "voice", "language"].contains(key),
                "file" => ["kind", "id"].contains(key),
                "seq" => ["kind", "items"].contains(key),
                _ => true,
            })
            .collect();
        let fields = Fields::new(Some(value), pointer, &known, reading);
        match kind {
            "tts" => self.push_speech(&fields, reading),
            "file" => {
                if let Some(id) = fields.required_text("id", 200, reading) {
                    reading.prompts.push((id.to_owned(), fields.at("id")));
                    self.pieces.push(Piece::File(id.to_owned()));
                }
            }
            "seq" => {
                for (item, pointer) in fields.list("items", 1..=PIECES_MAX, reading) {
                    self.push(item, pointer, reading);
                }
            }
            other if value.is_object() => {
                reading.error(
                    Code::E03,
                    &fields.at("kind"),
                    "This kind of audio is not known.",
                    known_words(other, ["tts", "file", "seq"]),
                );
            }
            _ => {}
        }
    }

    fn push_speech(&mut self, fields: &Fields, reading: &mut Reading) {
        let text = fields.required_template("text", TEXT_CHARS_MAX, reading);
        let language = read_language(fields, reading).unwrap_or_else(|| reading.language.clone());
        let voice = fields.text("voice", 100, reading).map_or_else(|| reading.voice.clone(), str::to_owned);
        if let Some(constant) = text.as_constant().filter(|text| !text.is_empty()) {
            reading.speech.insert(Speech {
                text: constant.to_owned(),
                language: language.clone(),
                voice: voice.clone(),
            });
        }
        self.pieces.push(Piece::Speech { text, language, voice });
    }

    /// Variables filled in; speech that comes out blank is left out.
    pub fn sounds(&self, call: &Call) -> Vec<Sound> {
        let sound = |piece: &Piece| match piece {
            Piece::File(id) => Some(Sound::File { id: id.clone() }),
            Piece::Speech { text, language, voice } => {
                let text = call.scope().render(text, TEXT_CHARS_MAX * 4).text;
                (!text.trim().is_empty()).then(|| Sound::Speech {
                    text,
                    language: language.clone(),
                    voice: voice.clone(),
                })
            }
        };
        self.pieces.iter().filter_map(sound).collect()
    }
}

/// A BCP 47 tag under `language`, by its shape.
pub(super) fn read_language(fields: &Fields, reading: &mut Reading) -> Option<String> {
    let tag = fields.text("language", 35, reading)?;
    let subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if tag.split('-').all(subtag) {
        return Some(tag.to_owned());
    }
    reading.error(
        Code::E03,
        &fields.at("language"),
        "This is no language tag.",
        "Write it as in `en-US` or `de`.",
    );
    None
}

/// A playback under way.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Playing {
    pub party: Party,
    playback: PlaybackId,
    /// Speech that has not started by then counts as silence. flows.md 1.4 rule 7.
    start_by: Option<Instant>,
}

/// What an event means for a playback.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// It goes on.
    Nothing,
    /// It is over, or counts as over.
    End,
    /// It cannot be played.
    Failure(String),
}

impl Playing {
    /// Starts it; `None` where there is nothing to hear. An unanswered caller is answered.
    pub fn start(party: Party, sounds: Vec<Sound>, forever: bool, call: &mut Call) -> Option<Playing> {
        if sounds.is_empty() {
            return None;
        }
        if party == Party::Caller {
            call.answer();
        }
        let playback = call.next_playback();
        let has_speech = sounds.iter().any(|sound| matches!(sound, Sound::Speech { .. }));
        let start_by = has_speech.then(|| call.now.instant + SPEECH_START_LIMIT);
        call.act(Action::Play { party, playback, sounds, forever });
        Some(Playing { party, playback, start_by })
    }

    pub fn on_event(&mut self, event: &Event, call: &mut Call) -> Heard {
        match event {
            Event::PlaybackStarted { playback } if *playback == self.playback => {
                self.start_by = None;
                Heard::Nothing
            }
            Event::PlaybackEnded { playback } if *playback == self.playback => Heard::End,
            Event::PlaybackFailed { playback, message } if *playback == self.playback => {
                Heard::Failure(message.clone())
            }
            Event::Timeout if self.start_by.is_some_and(|start_by| start_by <= call.now.instant) => {
                let step = call.step_id().to_owned();
                call.act(Action::Log(LogEvent::TtsLate { step }));
                call.act(Action::Stop { party: self.party, playback: self.playback });
                Heard::End
            }
            _ => Heard::Nothing,
        }
    }

    pub fn stop(self, call: &mut Call) {
        call.act(Action::Stop { party: self.party, playback: self.playback });
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.start_by
    }
}
