//! Keys in the audio: eight Goertzel filters over overlapping blocks (ITU-T Q.23, Q.24).

/// A key heard in the audio.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Detected {
    /// `0-9 * # A-D`.
    pub digit: char,
    /// First sample of the tone, counted from the last [`DtmfDetector::reset`].
    pub start_sample: u64,
    /// How much of the tone was heard until it was sure.
    pub duration_samples: u32,
}

/// Finds keys in 8 kHz linear samples; says each once, as soon as it is sure.
pub struct DtmfDetector {
    block: [i16; BLOCK],
    filled: usize,
    position: u64,
    /// Key of the block before, and of the tone that was told last and has not ended.
    previous: Option<char>,
    told: Option<char>,
    /// Blocks without the told key; two end it.
    absent: u8,
}

/// 12.75 ms, the shortest block that tells the neighbouring tones apart.
const BLOCK: usize = 102;
const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

impl Default for DtmfDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl DtmfDetector {
    pub fn new() -> Self {
        DtmfDetector { block: [0; BLOCK], filled: 0, position: 0, previous: None, told: None, absent: 0 }
    }

    /// The next samples, in order.
    pub fn push(&mut self, samples: &[i16], found: &mut impl FnMut(Detected)) {
        for &sample in samples {
            self.block[self.filled] = sample;
            self.filled += 1;
            self.position += 1;
            if self.filled == BLOCK {
                self.filled = 0;
                self.block_done(found);
            }
        }
    }

    /// So many samples are missing here. A tone on both sides of the gap is one tone.
    pub fn lost(&mut self, samples: usize) {
        self.filled = 0;
        self.position += samples as u64;
        if samples > BLOCK * 6 {
            (self.previous, self.told, self.absent) = (None, None, 0);
        }
    }

    /// Starts afresh at sample 0.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    fn block_done(&mut self, found: &mut impl FnMut(Detected)) {
        let key = key_in(&self.block);
        if self.told.is_some() && key == self.told {
            self.absent = 0;
        } else if self.told.is_some() {
            self.absent += 1;
            if self.absent >= 2 {
                (self.told, self.absent) = (None, 0);
            }
        }
        if let Some(digit) = key
            && key == self.previous
            && self.told != key
        {
            (self.told, self.absent) = (key, 0);
            let duration = 2 * BLOCK;
            found(Detected {
                digit,
                start_sample: self.position.saturating_sub(duration as u64),
                duration_samples: duration as u32,
            });
        }
        self.previous = key;
    }
}

fn key_in(block: &[i16; BLOCK]) -> Option<char> {
    let energy: f32 = block.iter().map(|&s| f32::from(s) * f32::from(s)).sum();
    // Below -40 dBm0 a tone is not looked for.
    if energy / (BLOCK as f32) < 50_000.0 {
        return None;
    }
    let low = LOW.map(|f| power(block, f));
    let high = HIGH.map(|f| power(block, f));
    let (row, low_best) = strongest(&low);
    let (column, high_best) = strongest(&high);
    let twist = high_best / low_best.max(1.0);
    let pure = (low_best + high_best) * 2.0 / (BLOCK as f32) > 0.7 * energy;
    let clear = |all: &[f32; 4], best: usize| (0..4).all(|i| i == best || all[i] * 4.0 < all[best]);
    (pure && (0.1..4.0).contains(&twist) && clear(&low, row) && clear(&high, column))
        .then(|| KEYS[row][column])
}

fn strongest(powers: &[f32; 4]) -> (usize, f32) {
    let mut best = (0, powers[0]);
    for (index, &power) in powers.iter().enumerate() {
        if power > best.1 {
            best = (index, power);
        }
    }
    best
}

fn power(block: &[i16; BLOCK], frequency: f32) -> f32 {
    let coefficient = 2.0 * (std::f32::consts::TAU * frequency / 8_000.0).cos();
    let (mut s1, mut s2) = (0.0f32, 0.0f32);
    for &sample in block {
        let s0 = f32::from(sample) + coefficient * s1 - s2;
        (s2, s1) = (s1, s0);
    }
    s1 * s1 + s2 * s2 - coefficient * s1 * s2
}
