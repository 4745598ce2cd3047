//! The ladder of a simulated call in words.

use super::{Ladder, Rung, What};
use crate::flow::{LOOP_GUARD, LogEvent, Outcome, Sound};
use serde::Serialize;
use std::fmt;

/// The ladder for people: a line each, times in seconds from the start, steps at the margin.
impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rungs.iter().try_for_each(|rung| writeln!(f, "{rung}"))?;
        writeln!(f, "{}", self.outcome)
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = if matches!(self.what, What::Log(LogEvent::StepEnter { .. })) { "" } else { "  " };
        write!(f, "{:>5}.{:03}  {indent}{}", self.at_ms / 1_000, self.at_ms % 1_000, self.what)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "outcome {}", word(&self.outcome))?;
        if let Some(text) = &self.outcome_text {
            write!(f, " \"{}\"", plain(text))?;
        }
        write!(f, ", ended by {}", word(&self.ended_by))?;
        if let Some(agent) = &self.agent_id {
            write!(f, ", agent {}", plain(agent))?;
        }
        if self.talk_sec > 0 {
            write!(f, ", talked {} s", self.talk_sec)?;
        }
        Ok(())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Answer => f.write_str("answer"),
            What::Ringing => f.write_str("ringing"),
            What::Play { party, sounds, forever, length_ms } => {
                f.write_str("play")?;
                if party != "caller" {
                    write!(f, " to {}", plain(party))?;
                }
                for (i, sound) in sounds.iter().enumerate() {
                    write!(f, "{} {}", if i == 0 { "" } else { "," }, Heard(sound))?;
                }
                match length_ms {
                    Some(ms) => write!(f, " ({}.{:01} s)", ms / 1_000, ms % 1_000 / 100),
                    None if *forever => f.write_str(" (until stopped)"),
                    None => Ok(()),
                }
            }
            What::PlaybackEnd { party } if party == "caller" => f.write_str("heard to the end"),
            What::PlaybackEnd { party } => write!(f, "heard to the end by {}", plain(party)),
            What::PlaybackStop { .. } => f.write_str("playback stopped"),
            What::Dial { target, .. } => write!(f, "dial {}", plain(target)),
            What::DialRinging { target } => write!(f, "{} rings", plain(target)),
            What::DialAnswered { target } => write!(f, "{} answers", plain(target)),
            What::DialFailed { target, cause } => write!(f, "{}: {}", plain(target), word(cause)),
            What::DialCancel { target, reason } => write!(f, "cancel {} ({})", plain(target), word(reason)),
            What::DialHangUp { target } => write!(f, "hang up {}", plain(target)),
            What::DialledHungUp { target } => write!(f, "{} hangs up", plain(target)),
            What::Connect { target } => write!(f, "connect {}", plain(target)),
            What::HandOver { target } => write!(f, "hand over to {}", plain(target)),
            What::HandedOver { target } => write!(f, "{} has the call", plain(target)),
            What::CallerHangUp => f.write_str("caller hangs up"),
            What::HangUp { sip_code, q850 } => match q850 {
                Some(cause) => write!(f, "hang up (SIP {sip_code}, Q.850 {cause})"),
                None => write!(f, "hang up (SIP {sip_code})"),
            },
            What::Ask { kind, target } if kind == target => write!(f, "ask {kind}"),
            What::Ask { kind, target } => write!(f, "ask {kind} {}", plain(target)),
            What::Reply { kind, error: None } => write!(f, "{kind} replies"),
            What::Reply { kind, error: Some(error) } => write!(f, "no reply of {kind}: {}", plain(error)),
            What::Log(log) => write_log(log, f),
        }
    }
}

fn write_log(log: &LogEvent, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match log {
        LogEvent::StepEnter { flow, step, name, kind } => {
            if let Some(flow) = flow {
                write!(f, "{}/", plain(&flow.id))?;
            }
            write!(f, "{step} ({kind} \"{}\")", plain(name))
        }
        LogEvent::StepLeave { port, vars, .. } => {
            write!(f, "leave by {port}")?;
            for (name, value) in vars {
                write!(f, ", {name}=\"{}\"", plain(value))?;
            }
            Ok(())
        }
        LogEvent::Key { digit, .. } => write!(f, "key {digit}"),
        LogEvent::StepError { code, message, .. } => write!(f, "error {code}: {}", plain(message)),
        LogEvent::Contact(person) => {
            write!(f, "the caller is {} {} \"{}\"", person.kind, plain(&person.id), plain(&person.name))
        }
        LogEvent::Tag { key, value, .. } => write!(f, "tag {key}=\"{}\"", plain(value)),
        LogEvent::TtsLate { .. } => f.write_str("speech is late"),
        LogEvent::Fallback { port, to, .. } if port == LOOP_GUARD => {
            write!(f, "the loop guard strikes, goes to {to}")
        }
        LogEvent::Fallback { port, to, .. } => write!(f, "{port} is not connected, goes to {to}"),
    }
}

struct Heard<'a>(&'a Sound);

impl fmt::Display for Heard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Sound::File { id } => write!(f, "file {}", plain(id)),
            Sound::Speech { text, .. } => write!(f, "speech \"{}\"", plain(text)),
            Sound::Digits { digits, .. } => write!(f, "digits {digits}"),
            Sound::BuiltIn { prompt, .. } => f.write_str(&word(prompt)),
            Sound::Silence { ms } => write!(f, "silence {ms} ms"),
            Sound::RingbackTone => f.write_str("ringback tone"),
            Sound::Music => f.write_str("music"),
            Sound::Beep => f.write_str("beep"),
        }
    }
}

/// The word that JSON shows for a value.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Without control characters, so that a document or a caller cannot write to a terminal as it likes.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
