//! The graded set: keys under one condition a file, and what must not be taken for keys.
//!
//! Limits are those of ITU-T Q.24 annex A, the AT&T column where administrations differ. Levels are dBm0 a tone,
//! a sine of full scale has +3.14 dBm0 (G.711).

use super::noise::Noise;
use cordboard::audio::Codec;
use cordboard::audio::tones::dtmf_frequencies;
use std::f64::consts::TAU;

pub const RATE: usize = 8_000;
/// Amplitude of a sine at 0 dBm0.
const AT_0_DBM0: f64 = 22_826.0;
const KEYS: &str = "123A456B789C*0#D";

/// What is wanted of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Expect {
    /// Every key once and nothing else.
    Must,
    /// Nothing at all.
    Reject,
    /// Beyond both duties; the figure is printed.
    Info,
}

/// A key as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub digit: char,
    pub start: usize,
    pub samples: usize,
}

pub struct Graded {
    pub group: &'static str,
    pub name: String,
    pub expect: Expect,
    pub sent: Vec<Sent>,
    pub samples: Vec<i16>,
}

#[derive(Clone, Copy)]
enum Line {
    Linear,
    Codec(Codec),
}

/// What becomes of a lost packet of 20 ms in the audio.
#[derive(Clone, Copy)]
enum Gap {
    Silence,
    Repeated,
}

/// How the keys of one file are sent. `twist` is the high tone's level minus the low one's in dB, `level` that of
/// the stronger one.
#[derive(Clone)]
struct Keys<'a> {
    level: f64,
    twist: f64,
    /// Deviation of the low and the high tone as a part of the frequency.
    off_by: (f64, f64),
    on_ms: f64,
    off_ms: f64,
    /// Sixteen keys so often, unless `digits` names them.
    rounds: usize,
    digits: Option<String>,
    line: Line,
    /// White noise in dB under the key.
    snr: Option<f64>,
    /// Speech, and its level in dB beside the key's.
    speech: Option<(&'a [i16], f64)>,
    /// Steady tones: Hz and dBm0.
    hum: Vec<(f64, f64)>,
    /// A tone in the keys: Hz and dBm0.
    third: Option<(f64, f64)>,
    dc: f64,
    /// Delay in ms and level in dB of an echo.
    echo: Option<(f64, f64)>,
    /// A break in the middle of each key.
    break_ms: f64,
    ramp_ms: f64,
    loss: Option<(f64, Gap)>,
}

impl Default for Keys<'_> {
    fn default() -> Self {
        Keys {
            level: -10.0,
            twist: 0.0,
            off_by: (0.0, 0.0),
            on_ms: 50.0,
            off_ms: 50.0,
            rounds: 5,
            digits: None,
            line: Line::Codec(Codec::Pcmu),
            snr: None,
            speech: None,
            hum: Vec::new(),
            third: None,
            dc: 0.0,
            echo: None,
            break_ms: 0.0,
            ramp_ms: 0.0,
            loss: None,
        }
    }
}

/// Amplitude of a sine at so many dBm0.
fn amplitude(dbm0: f64) -> f64 {
    AT_0_DBM0 * gain(dbm0)
}

fn gain(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

fn samples_of(ms: f64) -> usize {
    (ms * RATE as f64 / 1_000.0).round() as usize
}

fn sine(hertz: f64, n: usize, phase: f64) -> f64 {
    (TAU * hertz * n as f64 / RATE as f64 + phase).sin()
}

fn over_the_line(line: Line, audio: &[f64]) -> Vec<i16> {
    let linear = audio.iter().map(|sample| sample.round().clamp(-32_768.0, 32_767.0) as i16);
    match line {
        Line::Linear => linear.collect(),
        Line::Codec(codec) => linear.map(|sample| codec.decode(codec.encode(sample))).collect(),
    }
}

impl Keys<'_> {
    fn digits(&self, noise: &mut Noise) -> Vec<char> {
        if let Some(digits) = &self.digits {
            return digits.chars().collect();
        }
        let mut digits: Vec<char> = KEYS.repeat(self.rounds).chars().collect();
        for i in (1..digits.len()).rev() {
            digits.swap(i, noise.below(i + 1));
        }
        digits
    }

    /// Power of a key while it is on.
    fn power(&self) -> f64 {
        let (low, high) = self.amplitudes();
        (low * low + high * high) / 2.0
    }

    fn amplitudes(&self) -> (f64, f64) {
        (amplitude(self.level - self.twist.max(0.0)), amplitude(self.level + self.twist.min(0.0)))
    }

    fn key(&self, digit: char, noise: &mut Noise) -> Vec<f64> {
        let (low, high) = dtmf_frequencies(digit).unwrap();
        let (low, high) = (f64::from(low) * (1.0 + self.off_by.0), f64::from(high) * (1.0 + self.off_by.1));
        let (a, b) = self.amplitudes();
        let phases = [(); 3].map(|()| noise.uniform() * TAU);
        let count = samples_of(self.on_ms);
        let (gap, ramp) = (samples_of(self.break_ms), samples_of(self.ramp_ms));
        let broken = count / 2 - gap / 2..count / 2 - gap / 2 + gap;
        let third = self.third.map_or((0.0, 0.0), |(hertz, dbm0)| (hertz, amplitude(dbm0)));
        (0..count)
            .map(|n| {
                if broken.contains(&n) {
                    return 0.0;
                }
                let edge = n.min(count - 1 - n);
                let size = if edge < ramp { edge as f64 / ramp as f64 } else { 1.0 };
                let tones = a * sine(low, n, phases[0]) + b * sine(high, n, phases[1]);
                size * (tones + third.1 * sine(third.0, n, phases[2]))
            })
            .collect()
    }

    fn send(&self, noise: &mut Noise) -> (Vec<Sent>, Vec<i16>) {
        let mut audio = vec![0.0; samples_of(300.0)];
        let mut sent = Vec::new();
        for digit in self.digits(noise) {
            let key = self.key(digit, noise);
            sent.push(Sent { digit, start: audio.len(), samples: key.len() });
            audio.extend(key);
            // Up to 13 ms more than asked, so that keys begin anywhere in a packet.
            audio.resize(audio.len() + samples_of(self.off_ms) + noise.below(103), 0.0);
        }
        audio.resize(audio.len() + samples_of(300.0), 0.0);
        self.disturb(&mut audio, noise);
        (sent, over_the_line(self.line, &audio))
    }

    fn disturb(&self, audio: &mut [f64], noise: &mut Noise) {
        if let Some((delay_ms, db)) = self.echo {
            let (delay, before) = (samples_of(delay_ms), audio.to_vec());
            for n in delay..audio.len() {
                audio[n] += before[n - delay] * gain(db);
            }
        }
        if let Some(snr) = self.snr {
            let size = (self.power() / 10f64.powf(snr / 10.0)).sqrt();
            audio.iter_mut().for_each(|sample| *sample += size * noise.normal());
        }
        for &(hertz, dbm0) in &self.hum {
            let phase = noise.uniform() * TAU;
            audio.iter_mut().enumerate().for_each(|(n, s)| *s += amplitude(dbm0) * sine(hertz, n, phase));
        }
        if let Some((speech, db)) = self.speech {
            let size = (self.power() / active_power(speech) * 10f64.powf(db / 10.0)).sqrt();
            audio.iter_mut().zip(speech.iter().cycle()).for_each(|(s, &v)| *s += size * f64::from(v));
        }
        if let Some((part, gap)) = self.loss {
            for packet in 1..audio.len() / 160 {
                if noise.uniform() < part {
                    let here = packet * 160;
                    match gap {
                        Gap::Silence => audio[here..here + 160].fill(0.0),
                        Gap::Repeated => audio.copy_within(here - 160..here, here),
                    }
                }
            }
        }
        audio.iter_mut().for_each(|sample| *sample += self.dc);
    }
}

/// Mean power of the packets in which somebody speaks: those within 35 dB of the loudest.
fn active_power(speech: &[i16]) -> f64 {
    let power =
        |packet: &[i16]| packet.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / packet.len() as f64;
    let powers: Vec<f64> = speech.chunks_exact(160).map(power).collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let active: Vec<f64> = powers.into_iter().filter(|p| *p > loudest * 10f64.powf(-3.5)).collect();
    active.iter().sum::<f64>() / active.len() as f64
}

/// All files of one seed. `speech` are two voices that talk under some keys.
pub fn set(seed: u64, speech: [(&str, &[i16]); 2], each: &mut dyn FnMut(Graded)) {
    let mut files = Files { seed, each };
    files.levels_and_twist();
    files.frequencies();
    files.times();
    files.disturbed();
    files.lost();
    for (voice, samples) in speech {
        files.over_speech(voice, samples);
    }
    files.no_keys();
}

/// Keys under no condition but their times.
pub fn clean(seed: u64, on_ms: f64, off_ms: f64, each: &mut dyn FnMut(Graded)) {
    let mut files = Files { seed, each };
    files.keys("clean", format!("{on_ms}-{off_ms}"), Must, Keys { on_ms, off_ms, ..Keys::default() });
}

type Pairs = &'static [(f64, f64)];

struct Files<'a> {
    seed: u64,
    each: &'a mut dyn FnMut(Graded),
}

use Expect::{Info, Must, Reject};

impl Files<'_> {
    fn keys(&mut self, group: &'static str, name: impl Into<String>, expect: Expect, keys: Keys<'_>) {
        let name = name.into();
        let (sent, samples) = keys.send(&mut Noise::named(self.seed, group, &name));
        (self.each)(Graded { group, name, expect, sent, samples });
    }

    fn levels_and_twist(&mut self) {
        let alaw = Line::Codec(Codec::Pcma);
        let usual = Keys::default;
        self.keys("A-clean", "80-80", Must, Keys { on_ms: 80.0, off_ms: 80.0, rounds: 10, ..usual() });
        self.keys("A-clean", "50-50", Must, Keys { rounds: 10, ..usual() });
        self.keys("A-clean", "50-50-alaw", Must, Keys { rounds: 10, line: alaw, ..usual() });
        let linear = Line::Linear;
        self.keys(
            "A-clean",
            "100-100-linear",
            Must,
            Keys { on_ms: 100.0, off_ms: 100.0, line: linear, ..usual() },
        );
        for level in [-3.0, -5.0, -10.0, -15.0, -20.0, -25.0] {
            self.keys("B-level", format!("{level}"), Must, Keys { level, ..usual() });
        }
        for level in [0.0, -27.0, -30.0, -33.0, -36.0, -40.0, -45.0] {
            self.keys("B-level", format!("{level}"), Info, Keys { level, ..usual() });
        }
        self.keys("B-level", "-55", Reject, Keys { level: -55.0, ..usual() });
        for twist in [-8.0, -6.0, -4.0, -2.0, 2.0, 4.0] {
            self.keys("C-twist", format!("{twist:+}"), Must, Keys { twist, ..usual() });
        }
        for twist in [-8.0, 4.0] {
            self.keys("C-twist", format!("{twist:+} at -16"), Must, Keys { twist, level: -16.0, ..usual() });
        }
        for twist in [-10.0, -12.0, -15.0, 6.0, 8.0, 10.0] {
            self.keys("C-twist", format!("{twist:+}"), Info, Keys { twist, ..usual() });
        }
    }

    fn frequencies(&mut self) {
        const EVERY_WAY: [(f64, f64); 8] = [
            (1.0, 0.0),
            (-1.0, 0.0),
            (0.0, 1.0),
            (0.0, -1.0),
            (1.0, 1.0),
            (-1.0, -1.0),
            (1.0, -1.0),
            (-1.0, 1.0),
        ];
        const SOME_WAYS: [(f64, f64); 4] = [(1.0, 1.0), (-1.0, -1.0), (1.0, 0.0), (0.0, -1.0)];
        let grades: [(Expect, &[f64], Pairs); 3] = [
            (Must, &[0.5, 1.0, 1.5], &EVERY_WAY),
            (Info, &[1.8, 2.0, 2.5, 3.0], &SOME_WAYS),
            (Reject, &[3.5, 4.0, 5.0], &EVERY_WAY),
        ];
        for (expect, percents, ways) in grades {
            for percent in percents {
                for (low, high) in ways {
                    let (low, high) = (low * percent, high * percent);
                    let keys = Keys { off_by: (low / 100.0, high / 100.0), rounds: 3, ..Keys::default() };
                    self.keys("D-freq", format!("{low:+} % {high:+} %"), expect, keys);
                }
            }
        }
    }

    fn times(&mut self) {
        let times: [(Expect, Pairs); 3] = [
            (
                Must,
                &[
                    (40.0, 53.0),
                    (45.0, 50.0),
                    (50.0, 40.0),
                    (70.0, 70.0),
                    (100.0, 40.0),
                    (100.0, 100.0),
                    (250.0, 100.0),
                ],
            ),
            (
                Info,
                &[
                    (35.0, 80.0),
                    (30.0, 80.0),
                    (25.0, 80.0),
                    (23.0, 80.0),
                    (60.0, 35.0),
                    (60.0, 30.0),
                    (60.0, 25.0),
                ],
            ),
            (Reject, &[(20.0, 80.0), (10.0, 80.0)]),
        ];
        for (expect, all) in times {
            for &(on_ms, off_ms) in all {
                self.keys(
                    "E-time",
                    format!("{on_ms}-{off_ms}"),
                    expect,
                    Keys { on_ms, off_ms, ..Keys::default() },
                );
            }
        }
        let named: [(&str, f64, f64, String); 4] = [
            ("long-2000", 2_000.0, 200.0, "159D0#".to_owned()),
            ("long-6000", 6_000.0, 300.0, "28*".to_owned()),
            ("same-50-40", 50.0, 40.0, "5".repeat(40) + &"0".repeat(40) + &"#".repeat(40)),
            ("same-100-45", 100.0, 45.0, "1".repeat(30) + &"9".repeat(30)),
        ];
        for (name, on_ms, off_ms, digits) in named {
            let keys = Keys { on_ms, off_ms, digits: Some(digits), ..Keys::default() };
            self.keys("E-time", name, Must, keys);
        }
        for (expect, on_ms, break_ms) in [(Must, 120.0, 5.0), (Must, 120.0, 10.0), (Info, 140.0, 20.0)] {
            let keys = Keys { on_ms, off_ms: 80.0, break_ms, rounds: 3, ..Keys::default() };
            self.keys("E-time", format!("break-{break_ms}"), expect, keys);
        }
        let ramp = Keys { on_ms: 70.0, off_ms: 60.0, ramp_ms: 10.0, ..Keys::default() };
        self.keys("E-time", "ramp-10", Must, ramp);
    }

    fn disturbed(&mut self) {
        let usual = Keys::default;
        for (snr, rounds) in [(24.0, 5), (20.0, 5), (18.0, 5), (15.0, 10)] {
            self.keys("F-noise", format!("snr-{snr}"), Must, Keys { snr: Some(snr), rounds, ..usual() });
        }
        let snr = Some(15.0);
        self.keys("F-noise", "snr-15 at -20", Must, Keys { snr, level: -20.0, ..usual() });
        self.keys("F-noise", "snr-15 alaw", Must, Keys { snr, line: Line::Codec(Codec::Pcma), ..usual() });
        self.keys("F-noise", "snr-18 twist -8", Must, Keys { snr: Some(18.0), twist: -8.0, ..usual() });
        let off_by = (0.015, -0.015);
        self.keys("F-noise", "snr-20 off by 1.5 %", Must, Keys { snr: Some(20.0), off_by, ..usual() });
        for snr in [12.0, 10.0, 8.0, 6.0, 3.0] {
            self.keys("F-noise", format!("snr-{snr}"), Info, Keys { snr: Some(snr), ..usual() });
        }
        let hums: [(Expect, &str, Pairs); 5] = [
            (Must, "hum-50", &[(50.0, -22.0), (150.0, -32.0)]),
            (Must, "hum-60", &[(60.0, -22.0), (180.0, -32.0)]),
            (Info, "dial tone 350+440 at -23", &[(350.0, -23.0), (440.0, -23.0)]),
            (Info, "dial tone 350+440 at -16", &[(350.0, -16.0), (440.0, -16.0)]),
            (Info, "dial tone 425 at -16", &[(425.0, -16.0)]),
        ];
        for (expect, name, hum) in hums {
            self.keys("F-noise", name, expect, Keys { hum: hum.to_vec(), ..usual() });
        }
        self.keys("F-noise", "dc", Must, Keys { dc: 500.0, ..usual() });
        for (expect, db) in [(Must, -16.0), (Info, -10.0)] {
            let keys = Keys { on_ms: 70.0, off_ms: 70.0, echo: Some((20.0, db)), ..usual() };
            self.keys("F-noise", format!("echo {db}"), expect, keys);
        }
        let keys = Keys { third: Some((1_100.0, -10.0)), on_ms: 80.0, off_ms: 80.0, rounds: 2, ..usual() };
        self.keys("I-other", "third tone 1100", Info, keys);
    }

    fn lost(&mut self) {
        for percent in [1.0, 3.0, 5.0] {
            for (name, gap) in [("silence", Gap::Silence), ("repeated", Gap::Repeated)] {
                let loss = Some((percent / 100.0, gap));
                let keys = Keys { on_ms: 120.0, off_ms: 120.0, loss, ..Keys::default() };
                self.keys("G-loss", format!("{percent} % {name}"), Info, keys);
            }
        }
        let loss = Some((0.05, Gap::Repeated));
        let keys = Keys { on_ms: 200.0, off_ms: 150.0, loss, ..Keys::default() };
        self.keys("G-loss", "5 % repeated, 200 ms", Info, keys);
    }

    fn over_speech(&mut self, voice: &str, speech: &[i16]) {
        for (expect, db) in [(Must, -20.0), (Must, -15.0), (Info, -10.0), (Info, -6.0), (Info, -3.0)] {
            let keys = Keys { speech: Some((speech, db)), on_ms: 100.0, off_ms: 100.0, ..Keys::default() };
            self.keys("H-speech", format!("{voice} {db}"), expect, keys);
        }
    }

    fn other(&mut self, name: impl Into<String>, expect: Expect, audio: &[f64]) {
        let samples = over_the_line(Line::Codec(Codec::Pcmu), audio);
        (self.each)(Graded { group: "I-other", name: name.into(), expect, sent: Vec::new(), samples });
    }

    fn no_keys(&mut self) {
        const SINGLE: [(f64, f64); 17] = [
            (697.0, -6.0),
            (770.0, -6.0),
            (852.0, -6.0),
            (941.0, -6.0),
            (1_209.0, -6.0),
            (1_336.0, -6.0),
            (1_477.0, -6.0),
            (1_633.0, -6.0),
            (425.0, -6.0),
            (1_004.0, 0.0),
            (1_000.0, -6.0),
            (985.0, -10.0),
            (1_428.0, -10.0),
            (1_777.0, -10.0),
            // Fax: CNG and CED.
            (1_100.0, -6.0),
            (2_100.0, -6.0),
            (2_600.0, -6.0),
        ];
        // Two tones of one group, dial, ringing and busy tone, CAS, a tone and its octave.
        const PAIRS: [(f64, f64, f64); 10] = [
            (697.0, 852.0, -8.0),
            (770.0, 941.0, -8.0),
            (1_209.0, 1_477.0, -8.0),
            (1_336.0, 1_633.0, -8.0),
            (350.0, 440.0, -13.0),
            (440.0, 480.0, -13.0),
            (480.0, 620.0, -13.0),
            (2_130.0, 2_750.0, -13.0),
            (770.0, 1_540.0, -8.0),
            (697.0, 1_394.0, -8.0),
        ];
        for (hertz, level) in SINGLE {
            self.other(format!("{hertz}"), Reject, &bursts(&[hertz], level));
        }
        for (a, b, level) in PAIRS {
            self.other(format!("{a}+{b}"), Reject, &bursts(&[a, b], level));
        }
        self.multi_frequency();
        let seconds = |n: usize| 0..n * RATE;
        let sweep = seconds(20).map(|n| {
            let t = n as f64 / RATE as f64;
            amplitude(-8.0) * (TAU * (300.0 * t + 3_100.0 * t * t / 40.0)).sin()
        });
        self.other("sweep 300 to 3400", Reject, &sweep.collect::<Vec<f64>>());
        let mut noise = Noise::named(self.seed, "I-other", "white noise");
        let white = seconds(60).map(|_| amplitude(-15.0) * noise.normal());
        self.other("white noise", Reject, &white.collect::<Vec<f64>>());
        self.other("silence", Reject, &vec![0.0; 5 * RATE]);
        let square = seconds(20).map(|n| amplitude(-8.0) * sine(697.0, n, 0.0).signum());
        self.other("square 697", Reject, &square.collect::<Vec<f64>>());
    }

    /// Signalling R1: pairs of six tones. Some lie near enough to a key to be none of our duties.
    fn multi_frequency(&mut self) {
        let tones = [700.0, 900.0, 1_100.0, 1_300.0, 1_500.0, 1_700.0];
        for (i, &a) in tones.iter().enumerate() {
            for &b in &tones[i + 1..] {
                let near = a < 1_000.0 && b > 1_000.0;
                let expect = if near { Info } else { Reject };
                self.other(format!("R1 {a}+{b}"), expect, &bursts(&[a, b], -8.0));
            }
        }
    }
}

/// Ten times 100 ms of tone and as much silence, then 1.5 s of tone.
fn bursts(hertz: &[f64], level: f64) -> Vec<f64> {
    let tone = |ms: f64| {
        (0..samples_of(ms)).map(move |n| {
            let each = hertz.iter().enumerate();
            each.map(|(i, &hertz)| amplitude(level) * sine(hertz, n, i as f64)).sum::<f64>()
        })
    };
    let mut audio = Vec::new();
    for _ in 0..10 {
        audio.extend(tone(100.0));
        audio.resize(audio.len() + samples_of(100.0), 0.0);
    }
    audio.extend(tone(1_500.0));
    audio
}
