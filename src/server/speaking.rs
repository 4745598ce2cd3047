//! Speaking texts ahead of calls. It never holds up a snapshot or a start for long: a call that comes to a text which was
//! not spoken yet has it spoken itself.

use crate::audio::Clip;
use crate::call::snapshot::Speech;
use crate::config::reader::{Finding, Severity};
use crate::services::speech::{SpeechEngine, SpeechError};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// For how long a start speaks before it takes calls: some hundred texts of a quick engine.
pub const AT_START: Duration = Duration::from_secs(5);
/// For how long one piece of work goes on: then calls get what was spoken so far.
const PIECE: Duration = Duration::from_secs(2);

/// What came of some texts.
#[derive(Default)]
pub struct Spoken {
    pub clips: HashMap<Speech, Arc<Clip>>,
    /// Those that cannot be spoken, or not in time.
    pub refused: Vec<Speech>,
    pub findings: Vec<Finding>,
}

/// Speaks texts one after the other; none is begun after that time. What cannot be spoken is said; it stops no start. Nor
/// does an engine that hangs: after one text that comes too late the rest is left to the calls.
pub async fn speak(texts: Vec<Speech>, engine: Arc<SpeechEngine>, within: Duration) -> Spoken {
    let mut done = Spoken::default();
    let end = tokio::time::Instant::now() + within;
    let mut texts = texts.into_iter();
    while tokio::time::Instant::now() < end {
        let Some(text) = texts.next() else { break };
        match engine.render(&text).await {
            Ok(clip) => _ = done.clips.insert(text, clip),
            Err(error) => {
                let short: String = text.text.chars().take(40).collect();
                done.findings.push(Finding {
                    severity: Severity::Warning,
                    file: "[speech]".to_owned(),
                    place: String::new(),
                    message: format!("\"{short}\" cannot be spoken: {error}"),
                    remedy: "install the engine, or use a prompt file".to_owned(),
                });
                done.refused.push(text);
                if matches!(error, SpeechError::Late) {
                    done.refused.extend(texts.by_ref());
                    tracing::warn!(texts = done.refused.len(), "left to be spoken when a call needs them");
                }
            }
        }
    }
    done
}

/// Texts that are spoken beside everything else, one piece of work at a time.
pub struct Speaking {
    engine: Arc<SpeechEngine>,
    task: Option<JoinHandle<Spoken>>,
    /// Not tried again until somebody asks for it: each try may take ten seconds.
    refused: HashSet<Speech>,
}

impl Speaking {
    pub fn new(engine: Arc<SpeechEngine>) -> Self {
        Speaking { engine, task: None, refused: HashSet::new() }
    }

    /// Begins with texts that nobody has tried, where nothing is under way.
    pub fn begin(&mut self, texts: Vec<Speech>) {
        let texts: Vec<Speech> = texts.into_iter().filter(|text| !self.refused.contains(text)).collect();
        if self.task.is_none() && !texts.is_empty() {
            self.task = Some(tokio::spawn(speak(texts, self.engine.clone(), PIECE)));
        }
    }

    /// Speaks for as long as a start may.
    pub async fn at_start(&mut self, texts: Vec<Speech>) -> HashMap<Speech, Arc<Clip>> {
        self.task = Some(tokio::spawn(speak(texts, self.engine.clone(), AT_START)));
        // One text may take longer than all of them should: it goes on beside the first calls.
        tokio::time::timeout(AT_START, self.finished()).await.unwrap_or_default()
    }

    /// Waits for the piece of work that is under way; for ever where none is.
    pub async fn finished(&mut self) -> HashMap<Speech, Arc<Clip>> {
        let Some(task) = &mut self.task else { return std::future::pending().await };
        let done = task.await;
        self.task = None;
        done.map_or_else(|_| HashMap::new(), |done| self.take(done))
    }

    /// What could not be spoken may be tried again.
    pub fn forget_refused(&mut self) {
        self.refused.clear();
    }

    fn take(&mut self, done: Spoken) -> HashMap<Speech, Arc<Clip>> {
        super::say(&done.findings);
        self.refused.extend(done.refused);
        done.clips
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
