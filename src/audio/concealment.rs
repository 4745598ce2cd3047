//! Hides lost audio by going on with the last pitch period, in the manner of ITU-T G.711 appendix I.

/// Longest pitch period looked for: 15 ms, a voice of 66 Hz.
const LONGEST_PITCH: usize = 120;
/// Shortest: 5 ms, 200 Hz; higher voices repeat within it.
const SHORTEST_PITCH: usize = 40;
/// What is compared to find the period: 20 ms.
const WINDOW: usize = 160;
const HISTORY: usize = WINDOW + LONGEST_PITCH;
/// Made-up audio is at full level for 10 ms, then fades to nothing at 60 ms.
const FULL: usize = 80;
const SILENT: usize = 480;
/// Over 4 ms the made-up audio gives way to what is heard again.
const OVERLAP: usize = 32;

/// One stream's memory of what it last said.
#[derive(Clone)]
pub struct Concealment {
    /// The oldest first.
    history: [i16; HISTORY],
    /// While audio is missing: the period repeated, and how much was made up.
    missing: Option<(usize, usize)>,
}

impl Default for Concealment {
    fn default() -> Self {
        Concealment { history: [0; HISTORY], missing: None }
    }
}

impl Concealment {
    /// Audio that came. Its beginning is blended with what was made up before it.
    pub fn heard(&mut self, samples: &mut [i16]) {
        if let Some((pitch, made)) = self.missing.take() {
            for (n, sample) in samples.iter_mut().take(OVERLAP).enumerate() {
                let weight = (n as i32 + 1) * 256 / (OVERLAP as i32 + 1);
                let made_up = i32::from(self.continuation(pitch, made + n));
                let blended = (i32::from(*sample) * weight + made_up * (256 - weight)) / 256;
                *sample = blended as i16;
            }
        }
        let keep = samples.len().min(HISTORY);
        self.history.copy_within(keep.., 0);
        self.history[HISTORY - keep..].copy_from_slice(&samples[samples.len() - keep..]);
    }

    /// Makes up audio for a gap.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        let (pitch, made) = self.missing.unwrap_or_else(|| (self.pitch(), 0));
        for (n, sample) in samples.iter_mut().enumerate() {
            *sample = self.continuation(pitch, made + n);
        }
        self.missing = Some((pitch, made.saturating_add(samples.len())));
    }

    /// Sample `n` after the end of the history: the last period again and again, fading.
    fn continuation(&self, pitch: usize, n: usize) -> i16 {
        let sample = i32::from(self.history[HISTORY - pitch + n % pitch]);
        let level = match n {
            0..FULL => 256,
            FULL..SILENT => (SILENT - n) as i32 * 256 / (SILENT - FULL) as i32,
            _ => 0,
        };
        (sample * level / 256) as i16
    }

    /// The lag at which the last 20 ms resemble most what came before.
    fn pitch(&self) -> usize {
        let recent = &self.history[HISTORY - WINDOW..];
        let mut best = (SHORTEST_PITCH, f32::MIN);
        for lag in SHORTEST_PITCH..=LONGEST_PITCH {
            let earlier = &self.history[HISTORY - WINDOW - lag..HISTORY - lag];
            let (mut product, mut energy) = (0i64, 1i64);
            for (&a, &b) in recent.iter().zip(earlier) {
                product += i64::from(a) * i64::from(b);
                energy += i64::from(b) * i64::from(b);
            }
            let likeness = product as f32 / (energy as f32).sqrt();
            if likeness > best.1 {
                best = (lag, likeness);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(n: usize) -> i16 {
        // 100 Hz and its third harmonic: a period of 80 samples.
        let phase = std::f32::consts::TAU * n as f32 / 80.0;
        (6_000.0 * phase.sin() + 3_000.0 * (3.0 * phase).sin()) as i16
    }

    fn power(samples: &[i16]) -> f64 {
        samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / samples.len() as f64
    }

    #[test]
    fn a_periodic_voice_goes_on_for_ten_milliseconds_as_if_nothing_were_lost() {
        let mut concealment = Concealment::default();
        let mut heard: Vec<i16> = (0..400).map(voice).collect();
        concealment.heard(&mut heard);
        let mut gap = [0; 80];
        concealment.conceal(&mut gap);
        let error: Vec<i16> = gap.iter().zip(400..).map(|(&s, n)| s - voice(n)).collect();
        assert!(power(&error) < power(&gap) / 100.0, "{} of {}", power(&error), power(&gap));
    }

    #[test]
    fn a_long_gap_fades_to_silence_within_60_ms() {
        let mut concealment = Concealment::default();
        let mut heard: Vec<i16> = (0..400).map(voice).collect();
        concealment.heard(&mut heard);
        let mut levels = Vec::new();
        for _ in 0..4 {
            let mut gap = [0; 160];
            concealment.conceal(&mut gap);
            levels.push(power(&gap) as i64);
        }
        assert!(levels[0] > levels[1] && levels[1] > levels[2] && levels[2] > 0, "{levels:?}");
        assert_eq!(levels[3], 0);
    }

    #[test]
    fn what_comes_after_a_gap_is_blended_in_and_then_untouched() {
        let mut concealment = Concealment::default();
        let mut heard = vec![8_000; 400];
        concealment.heard(&mut heard);
        concealment.conceal(&mut [0; 40]);
        let mut after = vec![0; 160];
        concealment.heard(&mut after);
        assert!(after[0] > 7_000 && after[16] > 2_000 && after[OVERLAP..].iter().all(|&s| s == 0));
    }
}
