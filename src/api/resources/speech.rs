//! Texts of flows, spoken: for whoever writes them to hear what callers will hear.

use super::prompt::wav_file;
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::Body;
use crate::api::route::{Route, post};
use crate::call::snapshot::Speech;
use crate::services::speech::SpeechError;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// As in flows, where a text of an audio has no more either.
const TEXT_CHARS_MAX: usize = 4_000;
/// As in flows.
const WORD_CHARS_MAX: usize = 100;
/// Longest wait for others who listen: two texts that take the engine's whole time.
const TURN_TIME_MAX: Duration = Duration::from_secs(15);

pub fn routes() -> Vec<Route> {
    vec![
        post("/speech", "speak", "Speaks a text by this server's speech engine, as callers would hear it. Thirty texts at once, then one in five seconds.")
            .tag("prompts")
            .needs(Permission::FlowsEdit)
            .body::<SpeechText>()
            .gives_raw("audio/wav", "The sound: 8 kHz, mono, 16 bits.")
            .problems(&[429])
            .to(speak),
    ]
}

/// What is to be spoken. Variables are not filled in: two braces are read as they stand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SpeechText {
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
    /// Such as `de-DE`; `en-US` where there is none.
    #[schema(max_length = 100)]
    language: Option<String>,
    /// `default` where there is none.
    #[schema(max_length = 100)]
    voice: Option<String>,
}

impl SpeechText {
    fn read(self) -> Result<Speech, Problem> {
        let word = |pointer: &str, given: Option<String>, default: &str| {
            let word = given.filter(|word| !word.is_empty()).unwrap_or_else(|| default.to_owned());
            match word.chars().count() {
                ..=WORD_CHARS_MAX => Ok(word),
                _ => Err(Problem::value(pointer, format!("has more than {WORD_CHARS_MAX} characters"))),
            }
        };
        let count = self.text.chars().count();
        if count > TEXT_CHARS_MAX {
            return Err(Problem::value(
                "/text",
                format!("has {count} characters; {TEXT_CHARS_MAX} are spoken at the most"),
            ));
        }
        if self.text.trim().is_empty() {
            return Err(Problem::value("/text", "has nothing to speak"));
        }
        Ok(Speech {
            language: word("/language", self.language, "en-US")?,
            voice: word("/voice", self.voice, "default")?,
            text: self.text,
        })
    }
}

/// None of them is a failure of this server's own: it says what there is to do.
impl From<SpeechError> for Problem {
    fn from(error: SpeechError) -> Self {
        tracing::debug!(%error, "a text was not spoken for listening");
        match error {
            SpeechError::NotConfigured => Problem::invalid(
                "this server speaks no texts: install a speech engine and name it in cordboard.toml ([speech] command)",
            ),
            // The command stands in the configuration, which whoever draws flows need not see.
            SpeechError::Start { .. } => Problem::invalid(
                "this server speaks no texts: the speech engine of cordboard.toml ([speech] command) is not installed",
            ),
            SpeechError::Failed(_) | SpeechError::Audio(_) => Problem::invalid(
                "the speech engine did not speak this text; it may not know the language or the voice",
            ),
            SpeechError::Late => Problem::invalid(
                "the speech engine took too long for this text, and so it would in a call: make it shorter",
            ),
            SpeechError::Overload => {
                Problem::unavailable("the speech engine is busy with calls at this moment").retry_after(5)
            }
        }
    }
}

async fn speak(
    State(api): State<Api>,
    principal: Principal,
    Body(text): Body<SpeechText>,
) -> Result<Response, Problem> {
    let speech = text.read()?;
    let tried = api.throttle().try_speech(principal.id(), api.now().instant);
    tried.map_err(|wait| {
        let text = "you had many texts spoken just now: try again in a few seconds";
        Problem::throttled(text).retry_after(wait.as_secs())
    })?;
    let full = || Problem::unavailable("others have texts spoken at this moment").retry_after(5);
    let turn = tokio::time::timeout(TURN_TIME_MAX, api.speaking.acquire()).await.map_err(|_| full())?;
    let _turn = turn.map_err(|_| full())?;
    let samples = api.speech.samples(&speech).await?;
    let headers = [(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, wav_file(&samples)).into_response())
}
