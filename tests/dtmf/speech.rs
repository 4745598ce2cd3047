//! Voices that talk and press no key: espeak-ng and flite read texts of ours, each voice in its own language,
//! speed and pitch. What was spoken once is kept under `target/tmp`.

use super::noise::Noise;
use cordboard::store::audio_file;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

/// What of the languages is not numbers. Numbers are spelled out by the synthesiser, so they never run out.
const TEXTS: [(&str, &str); 12] = [
    (
        "en-us",
        "Thank you for calling. Please hold the line, all of our agents are talking to other customers.",
    ),
    (
        "en-gb",
        "Your parcel left the warehouse this morning and will arrive before the weekend, weather permitting.",
    ),
    (
        "de",
        "Guten Tag. Bitte bleiben Sie in der Leitung, der nächste freie Mitarbeiter ist gleich für Sie da.",
    ),
    ("fr", "Bonjour. Merci de patienter, un conseiller va prendre votre appel dans quelques instants."),
    ("es", "Buenos días. Por favor, espere un momento mientras buscamos a alguien que pueda ayudarle."),
    ("it", "Buongiorno. La preghiamo di attendere in linea, un operatore sarà presto a sua disposizione."),
    ("nl", "Goedemorgen. Blijft u aan de lijn, er komt zo snel mogelijk iemand bij u terug."),
    ("pl", "Dzień dobry. Proszę poczekać na połączenie, nasz pracownik zaraz odbierze telefon."),
    ("pt", "Bom dia. Aguarde na linha, por favor, vamos atender a sua chamada dentro de momentos."),
    ("sv", "God morgon. Vänta kvar i telefonen så svarar vi så fort någon av oss är ledig."),
    ("tr", "Günaydın. Lütfen hatta kalın, en kısa sürede size yardımcı olacağız."),
    ("ru", "Доброе утро. Оставайтесь на линии, мы скоро ответим на ваш звонок."),
];
/// How often each language is read, each time by another voice. Twice makes some 50 minutes.
const ROUNDS: usize = 2;
const VARIANTS: [&str; 6] = ["", "+f2", "+m3", "+f4", "+m7", "+croak"];
const FLITE: [&str; 5] = ["kal", "awb", "rms", "slt", "kal16"];

/// One reading: who reads what, and how.
struct Reading {
    name: String,
    command: Vec<String>,
    text: String,
}

fn readings() -> Vec<Reading> {
    let mut noise = Noise::named(7, "speech", "readings");
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        for (place, (language, text)) in TEXTS.iter().enumerate() {
            let (speed, pitch) = (120 + noise.below(90), 10 + noise.below(80));
            let voice = format!("{language}{}", VARIANTS[(place + round) % VARIANTS.len()]);
            let words = ["espeak-ng", "-v", &voice, "-s", &speed.to_string(), "-p", &pitch.to_string()];
            let command = words.map(str::to_owned).to_vec();
            all.push(Reading {
                name: format!("{language}-{round}"),
                command,
                text: script(text, 14, &mut noise),
            });
        }
    }
    for voice in FLITE {
        let command = ["flite", "-voice", voice].map(str::to_owned).to_vec();
        all.push(Reading {
            name: format!("flite-{voice}"),
            command,
            text: script(TEXTS[0].1, 20, &mut noise),
        });
    }
    all
}

/// A text with numbers, times and amounts between its repetitions.
fn script(text: &str, lines: usize, noise: &mut Noise) -> String {
    let mut script = text.to_owned();
    for _ in 0..lines {
        let numbers = [noise.below(10_000), noise.below(1_000_000), noise.below(100)];
        script += &format!(" {}, {}. {}.", numbers[0], numbers[1], numbers[2]);
    }
    script + " " + text
}

#[expect(clippy::disallowed_methods, reason = "speech that is kept from run to run")]
fn speak(reading: &Reading) -> Vec<i16> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("speech");
    std::fs::create_dir_all(&folder).unwrap();
    let kept = folder.join(format!("{}-8k.raw", reading.name));
    if let Ok(bytes) = std::fs::read(&kept) {
        return bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    }
    let (text, wav) =
        (folder.join(format!("{}.txt", reading.name)), folder.join(format!("{}.wav", reading.name)));
    std::fs::write(&text, &reading.text).unwrap();
    let (read, write) = if reading.command[0] == "flite" { ("-f", "-o") } else { ("-f", "-w") };
    let mut command = Command::new(&reading.command[0]);
    command.args(&reading.command[1..]).arg(read).arg(&text).arg(write).arg(&wav);
    let status =
        command.status().unwrap_or_else(|e| panic!("{}: {e}; run make install-test", reading.command[0]));
    assert!(status.success(), "{command:?}");
    let samples = audio_file::decode(std::fs::read(&wav).unwrap(), "wav").unwrap();
    std::fs::remove_file(&wav).unwrap();
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    // Renamed when whole, so that a run that was stopped leaves no half.
    let part = kept.with_extension("part");
    std::fs::write(&part, bytes).unwrap();
    std::fs::rename(&part, &kept).unwrap();
    samples
}

/// One voice by its name.
pub fn voice(name: &str) -> Vec<i16> {
    speak(readings().iter().find(|reading| reading.name == name).unwrap())
}

/// All voices, spoken on as many cores as there are.
pub fn all() -> Vec<(String, Vec<i16>)> {
    let todo = Mutex::new(readings());
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(reading) = todo.lock().unwrap().pop() else { return };
                    let samples = speak(&reading);
                    done.lock().unwrap().push((reading.name, samples));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort();
    done
}
