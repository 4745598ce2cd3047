//! Prompts: recordings that flows play, put there and fetched over HTTP.

use super::object::in_path;
use super::store::Pointers;
use crate::api::Api;
use crate::api::access::Principal;
use crate::api::page::{Page, SearchQuery, limit, position};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::request::{IfMatch, InPath, Query, etag, given};
use crate::api::route::{Route, delete, get, post, put};
use crate::api::upload::{self, PACE};
use crate::store::audio_file::AudioFileError;
use crate::store::database::prompts::{BYTES_MAX, PromptAbout, PromptAudio, PromptError, StoredPrompt};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::{IntoParams, ToSchema};

/// The kinds of file that are read, and the endings that stand for them. `application/octet-stream` says nothing.
const KINDS: [(&str, &str); 9] = [
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/flac", "flac"),
    ("audio/x-flac", "flac"),
    ("audio/mp4", "m4a"),
    ("audio/x-m4a", "m4a"),
    ("application/octet-stream", ""),
];
const KIND_NAMES: [&str; 9] = {
    let mut names = [""; 9];
    let mut index = 0;
    while index < names.len() {
        names[index] = KINDS[index].0;
        index += 1;
    }
    names
};
/// Points of a waveform where nobody says how many; the most is a wide screen's.
const POINTS: u32 = 400;
const POINTS_MAX: u32 = 4_000;
/// Samples a second of what callers hear.
const WAV_RATE: u32 = 8_000;

/// Sound files in memory at a time, each of up to 50 MB and once more what it is decoded to.
const LARGE_MAX: usize = 4;
/// Of them those that come in, so that whoever uploads over a slow line does not keep everybody from listening.
pub const UPLOADS_MAX: usize = 2;
/// Those who wait for a place to listen, each with one of the API's places for requests: a small share of them.
const WAITING_MAX: usize = 16;
/// When to send a file again that found no place: a few MB are through by then.
const UPLOAD_AGAIN_S: u64 = 10;
/// Longest wait for a place among them; then the client is told to come again.
const PLACE_TIME_MAX: Duration = Duration::from_secs(5);
/// Longest wait for the decoder: the three others before, with half an hour of sound each.
const TURN_TIME_MAX: Duration = Duration::from_secs(20);
/// Of the process, since its memory is what is short.
static LARGE: Semaphore = Semaphore::const_new(LARGE_MAX);
/// The same.
static WAITING: Semaphore = Semaphore::const_new(WAITING_MAX);

/// A place of one large file in memory, taken before it is loaded and kept as long as it is there.
type Place = SemaphorePermit<'static>;

pub fn routes() -> Vec<Route> {
    let (read, edit) = (Permission::SetupRead, Permission::FlowsEdit);
    const ABOUT: &str = "A sound file of up to 50 MB and 30 minutes: wav, mp3, ogg/vorbis, flac or m4a. What it is goes by its bytes; a Content-Type that says otherwise is refused.";
    vec![
        get("/prompts", "listPrompts", "Prompts by id, a page at a time.")
            .tag("prompts")
            .needs(read)
            .query::<SearchQuery>()
            .gives_page::<PromptItem>("A page of prompts.")
            .to(list),
        post("/prompts", "createPrompt", "Puts a sound file there as a prompt.")
            .tag("prompts")
            .needs(edit)
            .once_applied()
            .query::<NewPromptQuery>()
            .raw_body(&KIND_NAMES, ABOUT)
            .gives::<PromptItem>(StatusCode::CREATED, "The prompt.")
            .with_etag()
            .with_headers(&[("Location", "Where it is.")])
            .problems(&[408, 409])
            .to(create),
        get("/prompts/{id}", "getPrompt", "One prompt, without its sound.")
            .tag("prompts")
            .needs(read)
            .gives::<PromptItem>(StatusCode::OK, "The prompt.")
            .with_etag()
            .to(one),
        put("/prompts/{id}", "replacePrompt", "Replaces the sound of a prompt.")
            .tag("prompts")
            .needs(edit)
            .once_applied()
            .if_match()
            .query::<AboutQuery>()
            .raw_body(&KIND_NAMES, ABOUT)
            .gives::<PromptItem>(StatusCode::OK, "The prompt.")
            .with_etag()
            .problems(&[408])
            .to(replace),
        delete("/prompts/{id}", "deletePrompt", "Deletes a prompt that no flow plays.")
            .tag("prompts")
            .needs(edit)
            .once_applied()
            .may_match()
            .gives_nothing("It is gone.")
            .problems(&[409])
            .to(remove),
        get("/prompts/{id}/pointers", "getPromptPointers", "Which flows play a prompt.")
            .tag("prompts")
            .needs(read)
            .gives::<Pointers>(StatusCode::OK, "What plays it.")
            .to(pointers),
        get("/prompts/{id}/original", "getPromptFile", "The file as it was put there.")
            .tag("prompts")
            .needs(read)
            .gives_raw("application/octet-stream", "The file.")
            .to(original),
        get("/prompts/{id}/wav", "getPromptWav", "The sound as callers hear it: 8 kHz, mono, 16 bits.")
            .tag("prompts")
            .needs(read)
            .gives_raw("audio/wav", "The sound.")
            .to(wav),
        get("/prompts/{id}/peaks", "getPromptPeaks", "The sound's waveform, for drawing it.")
            .tag("prompts")
            .needs(read)
            .query::<PeaksQuery>()
            .gives::<Peaks>(StatusCode::OK, "The waveform.")
            .to(peaks),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct NewPromptQuery {
    /// What flows name it by, such as `welcome` or `sales/closed`; in a path the slash is written `%2F`.
    #[param(min_length = 1, max_length = 80, pattern = "^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")]
    id: String,
    /// For people; the id where absent.
    #[param(max_length = 120)]
    name: Option<String>,
    /// BCP 47.
    #[param(max_length = 35)]
    language: Option<String>,
    /// What the file is, where the Content-Type is application/octet-stream; by its bytes where absent.
    #[param(inline)]
    format: Option<Format>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AboutQuery {
    /// For people; as it was where absent.
    #[param(max_length = 120)]
    name: Option<String>,
    /// BCP 47; as it was where absent.
    #[param(max_length = 35)]
    language: Option<String>,
    /// What the file is, where the Content-Type is application/octet-stream; by its bytes where absent.
    #[param(inline)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    Wav,
    Mp3,
    Ogg,
    Flac,
    M4a,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Format::Wav => "wav",
            Format::Mp3 => "mp3",
            Format::Ogg => "ogg",
            Format::Flac => "flac",
            Format::M4a => "m4a",
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PeaksQuery {
    /// How many points.
    #[param(minimum = 1, maximum = 4000, default = 400)]
    points: Option<u32>,
}

/// A prompt without its sound.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PromptItem {
    id: String,
    name: String,
    language: String,
    /// Of the original file.
    sha256: String,
    /// Of the original file.
    format: String,
    length_ms: u64,
    /// Of the original file, in Hz.
    sample_rate: u32,
    bytes: u64,
    #[schema(format = "date-time")]
    updated: String,
}

/// A waveform.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Peaks {
    length_ms: u64,
    /// The lowest and highest sample of each stretch, -1 to 1, one after the other.
    peaks: Vec<f32>,
}

impl From<PromptError> for Problem {
    fn from(error: PromptError) -> Self {
        let text = error.to_string();
        match error {
            PromptError::TooLarge(_) => Problem::too_large(text),
            PromptError::TooLong | PromptError::Extension { .. } | PromptError::Audio(_) => {
                Problem::invalid(text.clone()).at("", text)
            }
        }
    }
}

fn item(prompt: StoredPrompt) -> PromptItem {
    PromptItem {
        id: prompt.id,
        name: prompt.name,
        language: prompt.language,
        sha256: prompt.sha256,
        format: prompt.extension,
        length_ms: u64::try_from(prompt.length.as_millis()).unwrap_or(u64::MAX),
        sample_rate: prompt.sample_rate,
        bytes: prompt.bytes,
        updated: prompt.updated.to_string(),
    }
}

fn shown(status: StatusCode, prompt: StoredPrompt) -> Response {
    (status, [(header::ETAG, etag(&prompt.etag))], Json(item(prompt))).into_response()
}

/// What a request says that its file is, by the file's ending; `None` where it leaves that to the bytes.
fn told(headers: &HeaderMap, format: Option<Format>) -> Result<Option<&'static str>, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let known = KINDS.iter().find(|(name, _)| kind.eq_ignore_ascii_case(name));
    let (_, by_kind) = known
        .ok_or_else(|| Problem::media_type(format!("the body is to be one of {}", KIND_NAMES.join(", "))))?;
    let by_kind = Some(*by_kind).filter(|ending| !ending.is_empty());
    match (by_kind, format.map(Format::extension)) {
        (Some(kind), Some(format)) if kind != format => {
            let message = format!("is {format}, and the Content-Type says {kind}");
            Err(Problem::malformed(format!("format {message}: leave one of them out")).at("?format", message))
        }
        (kind, format) => Ok(kind.or(format)),
    }
}

/// The ending that a file is read by: what its bytes say, which is to be what was told.
fn extension(told: Option<&'static str>, bytes: &[u8]) -> Result<&'static str, Problem> {
    match (told, by_bytes(bytes)) {
        (Some(told), Some(found)) if told != found => {
            let kind = KINDS.iter().find(|(_, ending)| *ending == found).map_or("", |(kind, _)| kind);
            Err(Problem::media_type(format!(
                "the file is {found} by its bytes, and the request says {told}: send it as {kind}"
            )))
        }
        (Some(known), _) | (None, Some(known)) => Ok(known),
        (None, None) => {
            let text = AudioFileError::Format.to_string();
            Err(Problem::invalid(text.clone()).at("", text))
        }
    }
}

/// What a file is by how it begins; `None` for what only a decoder can tell.
fn by_bytes(bytes: &[u8]) -> Option<&'static str> {
    let at = |from: usize, text: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(text));
    match bytes {
        _ if at(0, b"RIFF") && at(8, b"WAVE") => Some("wav"),
        _ if at(0, b"fLaC") => Some("flac"),
        _ if at(0, b"OggS") => Some("ogg"),
        _ if at(4, b"ftyp") => Some("m4a"),
        _ if at(0, b"ID3") => Some("mp3"),
        // A frame's eleven bits of synchronisation, with layer III (ISO 11172-3 section 2.4.1.3).
        [0xff, second, ..] if second & 0xe6 == 0xe2 => Some("mp3"),
        _ => None,
    }
}

/// What came of waiting for something that few may have at a time.
fn had<T>(
    waited: Result<Result<T, tokio::sync::AcquireError>, tokio::time::error::Elapsed>,
) -> Result<T, Problem> {
    match waited {
        Ok(Ok(had)) => Ok(had),
        Ok(Err(_)) => Err(Problem::unavailable("the server is stopping")),
        Err(_) => Err(Problem::unavailable("too many sound files are read at this moment").retry_after(5)),
    }
}

/// A place for a file that is about to be loaded.
async fn place() -> Result<Place, Problem> {
    let full = |_| Problem::unavailable("too many wait for sound files at this moment").retry_after(5);
    let _waiting = WAITING.try_acquire().map_err(full)?;
    had(tokio::time::timeout(PLACE_TIME_MAX, LARGE.acquire()).await)
}

/// Reads a file beside the runtime's threads, one at a time: decoding takes a core, and calls need them. The place goes
/// along, since the work goes on where the client does not wait for it.
async fn read_audio(
    api: &Api,
    place: Place,
    bytes: Vec<u8>,
    extension: &str,
) -> Result<(PromptAudio, Place), Problem> {
    let turn = had(tokio::time::timeout(TURN_TIME_MAX, api.decoding.clone().acquire_owned()).await)?;
    let extension = extension.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        PromptAudio::read(bytes, &extension).map(|audio| (audio, place))
    });
    match read.await {
        Ok(read) => Ok(read?),
        // A decoder that panics on a file says that the file is none.
        Err(error) => {
            tracing::error!(%error, "a sound file could not be read");
            Err(Problem::invalid("the file cannot be read").at("", "cannot be read"))
        }
    }
}

/// The sound file of a request with its place, which is taken before the first byte is read.
async fn received(api: &Api, request: Request) -> Result<(Vec<u8>, Place), Problem> {
    let full = |_| {
        let text =
            format!("{UPLOADS_MAX} sound files come in already: send this one again in {UPLOAD_AGAIN_S} s");
        Problem::unavailable(text).retry_after(UPLOAD_AGAIN_S)
    };
    let _coming_in = api.uploads.try_acquire().map_err(full)?;
    let place = place().await?;
    Ok((upload::receive(request.into_body(), BYTES_MAX, PACE).await?, place))
}

/// A prompt that is there.
async fn find(api: &Api, id: &str) -> Result<StoredPrompt, Problem> {
    let prompt = api.database()?.prompt(id).await?;
    prompt.ok_or_else(|| Problem::not_found(format!("there is no prompt \"{id}\"")))
}

async fn file(api: &Api, prompt: &StoredPrompt) -> Result<Vec<u8>, Problem> {
    let file = api.database()?.prompt_original(&prompt.sha256).await?;
    file.ok_or_else(|| Problem::not_found("the prompt was replaced just now"))
}

/// A body that keeps its place until it is sent.
struct Kept {
    bytes: Vec<u8>,
    _place: Place,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn sent(bytes: Vec<u8>, place: Place) -> Body {
    Body::from(Bytes::from_owner(Kept { bytes, _place: place }))
}

async fn list(
    State(api): State<Api>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<PromptItem>>, Problem> {
    let (limit, after) = (limit(query.limit)?, position(query.cursor.as_deref())?);
    let prompts = api.database()?.prompts(query.text.as_deref(), after.as_deref(), limit + 1).await?;
    Ok(Json(Page::new(prompts, limit, |prompt| prompt.id.clone(), item)))
}

async fn create(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<NewPromptQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let told = told(request.headers(), query.format)?;
    let (bytes, place) = received(&api, request).await?;
    let extension = extension(told, &bytes)?;
    let (audio, _place) = read_audio(&api, place, bytes, extension).await?;
    let (name, language) = (query.name.unwrap_or_default(), query.language.unwrap_or_default());
    let about = PromptAbout { id: &query.id, name: &name, language: &language };
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    let prompt = change.create_prompt(about, &audio).await?;
    let applied = api.commit(change).await?;
    let location = format!("/api/v1/prompts/{}", in_path(&prompt.id));
    Ok((applied, [(header::LOCATION, location)], shown(StatusCode::CREATED, prompt)).into_response())
}

async fn one(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Response, Problem> {
    Ok(shown(StatusCode::OK, find(&api, &id).await?))
}

async fn replace(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    Query(query): Query<AboutQuery>,
    if_match: IfMatch,
    request: Request,
) -> Result<Response, Problem> {
    let told = told(request.headers(), query.format)?;
    let old = find(&api, &id).await?;
    let (bytes, place) = received(&api, request).await?;
    let extension = extension(told, &bytes)?;
    let (audio, _place) = read_audio(&api, place, bytes, extension).await?;
    let (name, language) = (query.name.unwrap_or(old.name), query.language.unwrap_or(old.language));
    let about = PromptAbout { id: &id, name: &name, language: &language };
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    let prompt = change.replace_prompt(about, if_match.tag(), &audio).await?;
    Ok((api.commit(change).await?, shown(StatusCode::OK, prompt)).into_response())
}

async fn remove(
    State(api): State<Api>,
    principal: Principal,
    InPath(id): InPath<String>,
    if_match: Option<IfMatch>,
) -> Result<Response, Problem> {
    let mut change = api.database()?.change(principal.actor(), api.now().wall).await?;
    change.delete_prompt(&id, given(&if_match)).await?;
    Ok((api.commit(change).await?, StatusCode::NO_CONTENT).into_response())
}

async fn pointers(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Json<Pointers>, Problem> {
    find(&api, &id).await?;
    Ok(Json(api.database()?.pointers_to("prompt", &id).await?.into()))
}

async fn original(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Response, Problem> {
    let prompt = find(&api, &id).await?;
    let place = place().await?;
    let bytes = file(&api, &prompt).await?;
    let name: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{}\"", prompt.extension)),
    ];
    Ok((headers, sent(bytes, place)).into_response())
}

async fn wav(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Response, Problem> {
    let prompt = find(&api, &id).await?;
    let place = place().await?;
    let (audio, place) = read_audio(&api, place, file(&api, &prompt).await?, &prompt.extension).await?;
    let body = sent(wav_file(audio.samples()), place);
    Ok(([(header::CONTENT_TYPE, "audio/wav")], body).into_response())
}

/// A WAVE file of 16 bits.
pub fn wav_file(samples: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&bytes.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel.
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&WAV_RATE.to_le_bytes());
    file.extend_from_slice(&(WAV_RATE * 2).to_le_bytes());
    file.extend_from_slice(&2u16.to_le_bytes());
    file.extend_from_slice(&16u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&bytes.to_le_bytes());
    samples.iter().for_each(|sample| file.extend_from_slice(&sample.to_le_bytes()));
    file
}

async fn peaks(
    State(api): State<Api>,
    InPath(id): InPath<String>,
    Query(query): Query<PeaksQuery>,
) -> Result<Json<Peaks>, Problem> {
    let points = query.points.unwrap_or(POINTS);
    if !(1..=POINTS_MAX).contains(&points) {
        let message = format!("is 1 to {POINTS_MAX}");
        return Err(Problem::malformed(format!("points {message}")).at("?points", message));
    }
    let prompt = find(&api, &id).await?;
    let place = place().await?;
    let (audio, _place) = read_audio(&api, place, file(&api, &prompt).await?, &prompt.extension).await?;
    let length_ms = u64::try_from(audio.length().as_millis()).unwrap_or(u64::MAX);
    Ok(Json(Peaks { length_ms, peaks: waveform(audio.samples(), points as usize) }))
}

/// Lowest and highest of as many stretches; fewer where there are fewer samples.
fn waveform(samples: &[i16], points: usize) -> Vec<f32> {
    let stretch = samples.len().div_ceil(points).max(1);
    let scaled = |sample: Option<&i16>| f32::from(sample.copied().unwrap_or_default()) / 32_768.0;
    samples
        .chunks(stretch)
        .flat_map(|chunk| [scaled(chunk.iter().min()), scaled(chunk.iter().max())])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waveform_has_the_lowest_and_the_highest_of_each_stretch() {
        assert_eq!(waveform(&[0, 16_384, -16_384, 8_192], 2), [0.0, 0.5, -0.5, 0.25]);
        assert_eq!(waveform(&[-32_768], 400), [-1.0, -1.0]);
        assert_eq!(waveform(&[], 400), [0.0; 0]);
    }

    #[test]
    fn a_body_keeps_its_place_until_it_is_sent() {
        static PLACES: Semaphore = Semaphore::const_new(1);
        let body = sent(vec![1, 2, 3], PLACES.try_acquire().unwrap());
        assert!(PLACES.try_acquire().is_err());
        drop(body);
        assert!(PLACES.try_acquire().is_ok());
    }

    #[test]
    fn a_file_is_what_its_bytes_say_and_who_says_otherwise_is_told() {
        for (bytes, told, read_by) in [
            (&b"RIFF\x10\0\0\0WAVEfmt "[..], Some("wav"), Ok("wav")),
            (b"RIFF\x10\0\0\0WAVEfmt ", None, Ok("wav")),
            (b"RIFF\x10\0\0\0WAVEfmt ", Some("mp3"), Err(415)),
            (b"RIFF\x10\0\0\0AVI ", Some("wav"), Ok("wav")),
            (b"fLaC\0\0", None, Ok("flac")),
            (b"OggS\0\x02", Some("flac"), Err(415)),
            (b"\0\0\0\x20ftypM4A ", None, Ok("m4a")),
            (b"ID3\x03", None, Ok("mp3")),
            (b"\xff\xfb\x90", Some("mp3"), Ok("mp3")),
            // AAC in ADTS has the same synchronisation and no layer.
            (b"\xff\xf1\x50", None, Err(422)),
            (b"nothing", None, Err(422)),
            (b"nothing", Some("ogg"), Ok("ogg")),
            (b"", None, Err(422)),
        ] {
            let read = extension(told, bytes).map_err(|problem| problem.status().as_u16());
            assert_eq!(read, read_by, "{bytes:?} {told:?}");
        }
    }

    #[test]
    fn a_wav_file_can_be_read_back() {
        let samples: Vec<i16> = (0..800).map(|n| (n * 20) as i16).collect();
        let audio = PromptAudio::read(wav_file(&samples), "wav").unwrap();
        assert_eq!(audio.samples(), samples);
    }
}
