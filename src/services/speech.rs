//! Speech by a command: text goes to its standard input, WAV comes from its standard output.

use crate::audio::{Clip, Codec};
use crate::call::snapshot::Speech;
use crate::store::audio_file;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

/// A text that takes longer than this to speak is given up; the flow has gone on long before.
const TIME_MAX: Duration = Duration::from_secs(10);
/// A WAV of three minutes at 48 kHz, stereo. 4,000 characters are about five minutes of mono at 22 kHz.
const WAV_MAX: u64 = 64 * 1024 * 1024;
/// Processes at one time: more would only slow each other down and late packets follow.
const PROCESSES: usize = 2;
/// Texts that wait for a process; above, they fail at once.
const WAITING_MAX: usize = 256;
/// Seconds of speech kept in memory (16 KB each), the oldest text forgotten first: a caller's name may be part of a
/// text, so that each call can bring a new one.
const CACHE_SECONDS_MAX: u64 = 3_600;

/// Why a text was not spoken.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    #[error("no speech engine is configured ([speech] command)")]
    NotConfigured,
    #[error("the speech engine \"{program}\" cannot be started: {error}")]
    Start { program: String, error: std::io::Error },
    #[error("the speech engine ended with {0}")]
    Failed(String),
    #[error("the speech engine took longer than {} s", TIME_MAX.as_secs())]
    Late,
    #[error("the speech engine gave no usable audio: {0}")]
    Audio(#[from] audio_file::AudioFileError),
    #[error("too many texts wait for the speech engine")]
    Overload,
}

/// The configured engine and what it has spoken.
pub struct SpeechEngine {
    command: Option<Vec<String>>,
    processes: Semaphore,
    waiting: Semaphore,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    clips: HashMap<[u8; 32], Arc<Clip>>,
    order: std::collections::VecDeque<[u8; 32]>,
    length: std::time::Duration,
}

impl SpeechEngine {
    /// `command`: program and arguments, with `{language}` and `{voice}` filled in for each text.
    pub fn new(command: Option<Vec<String>>) -> Self {
        SpeechEngine {
            command,
            processes: Semaphore::new(PROCESSES),
            waiting: Semaphore::new(WAITING_MAX),
            cache: Mutex::default(),
        }
    }

    /// Speaks a text, or gives it from the cache.
    pub async fn render(&self, speech: &Speech) -> Result<Arc<Clip>, SpeechError> {
        let key = digest(speech);
        if let Some(clip) = self.kept(&key) {
            return Ok(clip);
        }
        let clip = self.speak(speech).await?;
        self.lock().keep(key, clip.clone());
        Ok(clip)
    }

    fn kept(&self, key: &[u8; 32]) -> Option<Arc<Clip>> {
        self.lock().clips.get(key).cloned()
    }

    async fn speak(&self, speech: &Speech) -> Result<Arc<Clip>, SpeechError> {
        let _place = self.waiting.try_acquire().map_err(|_| SpeechError::Overload)?;
        // The wait for others counts: a text that comes late is of no use to its call.
        let speak = async {
            let process = self.processes.acquire().await.map_err(|_| SpeechError::Overload)?;
            Ok::<_, SpeechError>((self.run(speech).await?, process))
        };
        let (wav, _process) =
            tokio::time::timeout(TIME_MAX, speak).await.map_err(|_| SpeechError::Late)??;
        let samples = tokio::task::spawn_blocking(move || audio_file::decode(wav, "wav"))
            .await
            .map_err(|e| SpeechError::Failed(e.to_string()))??;
        Ok(Arc::new(Clip::from_samples(&samples)))
    }

    /// The same as samples, 8 kHz, with the loss that the telephone brings: for listening to it elsewhere. It is not kept:
    /// whoever tries many texts takes no room from those of calls.
    pub async fn samples(&self, speech: &Speech) -> Result<Vec<i16>, SpeechError> {
        let clip = match self.kept(&digest(speech)) {
            Some(clip) => clip,
            None => self.speak(speech).await?,
        };
        Ok(clip.bytes(Codec::Pcmu).iter().map(|byte| Codec::Pcmu.decode(*byte)).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn run(&self, speech: &Speech) -> Result<Vec<u8>, SpeechError> {
        let command = self.command.as_ref().ok_or(SpeechError::NotConfigured)?;
        let (program, arguments) = command.split_first().ok_or(SpeechError::NotConfigured)?;
        let fill = |argument: &String| {
            argument.replace("{language}", &word(&speech.language)).replace("{voice}", &word(&speech.voice))
        };
        let mut child = tokio::process::Command::new(program)
            .args(arguments.iter().map(fill))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .map_err(|error| SpeechError::Start { program: program.clone(), error })?;
        let group = Group(child.id());
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let text = speech.text.clone();
        let write = async move {
            if let Some(mut stdin) = stdin {
                // An engine that reads no more than it needs closes early; its exit status tells.
                let _ = stdin.write_all(text.as_bytes()).await;
            }
        };
        let read = async move {
            let mut wav = Vec::new();
            match stdout {
                Some(stdout) => stdout.take(WAV_MAX).read_to_end(&mut wav).await.map(|_| wav),
                None => Ok(wav),
            }
        };
        let ((), wav, status) = tokio::join!(write, read, child.wait());
        drop(group);
        let status = status.map_err(|e| SpeechError::Failed(e.to_string()))?;
        if !status.success() {
            return Err(SpeechError::Failed(status.to_string()));
        }
        wav.map_err(|e| SpeechError::Failed(e.to_string()))
    }
}

/// The engine and all that it has started. They end together: with the engine, and when it is given up.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let group = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // Fails where nothing of it is left, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Cache {
    fn keep(&mut self, key: [u8; 32], clip: Arc<Clip>) {
        self.length += clip.duration();
        match self.clips.insert(key, clip) {
            // Two calls wanted the same text at one time.
            Some(same) => self.length -= same.duration(),
            None => self.order.push_back(key),
        }
        while self.length.as_secs() > CACHE_SECONDS_MAX {
            let Some(oldest) = self.order.pop_front() else { return };
            self.length -= self.clips.remove(&oldest).map_or_else(Default::default, |clip| clip.duration());
        }
    }
}

/// Whether that program can be started: a path as it stands, a name by PATH. Nothing is run.
pub fn is_installed(program: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let is_program = |path: &std::path::Path| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_program(program.as_ref());
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)))
}

fn digest(speech: &Speech) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [&speech.language, &speech.voice, &speech.text] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Only what a language tag or the name of a voice may hold: it becomes an argument of a program.
fn word(text: &str) -> String {
    let word: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || "-_+.".contains(*c)).take(64).collect();
    word.trim_start_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(text: &str) -> Speech {
        Speech { text: text.into(), language: "en-US".into(), voice: "default".into() }
    }

    fn engine(command: &[&str]) -> SpeechEngine {
        SpeechEngine::new(Some(command.iter().map(|s| (*s).to_owned()).collect()))
    }

    #[test]
    fn a_program_is_found_by_its_path_or_by_path() {
        for (program, found) in [
            ("sh", true),
            ("/bin/sh", true),
            ("nosuch", false),
            ("/bin", false),
            ("Cargo.toml", false),
            ("", false),
        ] {
            assert_eq!(is_installed(program), found, "{program}");
        }
    }

    #[test]
    fn an_argument_holds_nothing_but_a_word() {
        assert_eq!(word("--help; rm -rf $HOME"), "helprm-rfHOME");
        assert_eq!(word("en-US"), "en-US");
    }

    #[test]
    fn the_cache_keeps_an_hour_of_speech_and_forgets_the_oldest() {
        let mut cache = Cache::default();
        let minutes = |m: usize| Arc::new(Clip::from_samples(&vec![0; m * 60 * 8_000]));
        for (key, m) in [(1, 30), (1, 30), (2, 20), (3, 20)] {
            cache.keep([key; 32], minutes(m));
        }
        let mut kept: Vec<_> = cache.clips.keys().map(|key| key[0]).collect();
        kept.sort_unstable();
        assert_eq!((kept, cache.length.as_secs()), (vec![2, 3], 2_400));
    }

    #[tokio::test]
    async fn each_way_to_fail_is_told_apart() {
        let none = SpeechEngine::new(None).render(&speech("x")).await;
        assert!(matches!(none, Err(SpeechError::NotConfigured)));
        let missing = engine(&["/nowhere/engine"]).render(&speech("x")).await;
        assert!(matches!(missing, Err(SpeechError::Start { .. })));
        let failed = engine(&["false"]).render(&speech("x")).await;
        assert!(matches!(failed, Err(SpeechError::Failed(_))));
        let garbage = engine(&["cat"]).render(&speech("no wav at all")).await;
        assert!(matches!(garbage, Err(SpeechError::Audio(_))));
    }
}
