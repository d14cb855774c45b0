//! Mixdown: levels, ducking curve and fades as numbers.

use serde::{Deserialize, Serialize};

use crate::units::{SAMPLE_RATE, Samples};

mod limiter;

pub use limiter::{Limiter, StereoFrame};

/// Linear gain of the music where nobody speaks.
pub const MUSIC_GAIN: f64 = 0.30;
/// Loudness every recorded voice is brought to before the mix, in LUFS.
pub const VOICE_LUFS: f64 = -16.0;
/// How long the music of a film takes to come in, in milliseconds.
pub const FADE_IN_MS: u64 = 1000;
/// How long the music of a film takes to go out, in milliseconds.
pub const FADE_OUT_MS: u64 = 1000;

/// Side-chain compression of the music by the voices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ducking {
    /// Linear level of the voices above which the music gives way; brought into 0.000976563 to 1.
    pub threshold: f64,
    /// How much it gives way, as the ratio of a compressor.
    #[cfg_attr(feature = "schema", schemars(range(min = 1.0, max = 20.0)))]
    pub ratio: f64,
    /// How fast it goes down, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 60_000.0)))]
    pub attack_ms: f64,
    /// How fast it comes back, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 60_000.0)))]
    pub release_ms: f64,
    /// How long before the first syllable it starts, in milliseconds; below 0 counts as 0.
    #[cfg_attr(feature = "schema", schemars(range(min = -10_000.0, max = 10_000.0)))]
    pub lookahead_ms: f64,
}

impl Default for Ducking {
    /// Music at 30 % falls to about 5 % under a voice at -16 LUFS and is down when the first syllable is heard.
    fn default() -> Self {
        Self { threshold: 0.02, ratio: 6.0, attack_ms: 200.0, release_ms: 1000.0, lookahead_ms: 250.0 }
    }
}

impl Ducking {
    /// How many samples the side chain runs ahead of the music; 0 when the look-ahead is negative.
    pub fn lookahead(&self) -> Samples {
        Samples((self.lookahead_ms.max(0.0) * f64::from(SAMPLE_RATE) / 1000.0).round() as u64)
    }
}

/// What the film's sound is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loudness {
    /// Integrated, in LUFS.
    pub integrated_lufs: f64,
    /// True peak never exceeded, in dBTP.
    pub true_peak_dbtp: f64,
}

impl Default for Loudness {
    /// Web loudness: -16 LUFS, true peak -1 dBTP.
    fn default() -> Self {
        Self { integrated_lufs: -16.0, true_peak_dbtp: -1.0 }
    }
}

/// Gain (0..=1) at sample `at` of a piece of `length` samples that fades in and out in straight lines.
///
/// A piece shorter than both fades never reaches 1.
pub fn fade(at: Samples, length: Samples) -> f64 {
    let ramp = |samples: u64, ms: u64| samples as f64 / (ms * u64::from(SAMPLE_RATE) / 1000) as f64;
    ramp(at.0, FADE_IN_MS).min(ramp((length - at).0, FADE_OUT_MS)).min(1.0)
}

/// Gain of the music from the level of the voices, sample by sample.
///
/// The law of ffmpeg's `sidechaincompress` (`libavfilter/af_sidechaincompress.c`) with its defaults: RMS detector,
/// soft knee of 2.82843 by a Hermite curve. The caller feeds it [`Ducking::lookahead`] samples early.
#[derive(Debug, Clone)]
pub struct Compressor {
    attack: f64,
    release: f64,
    ratio: f64,
    threshold_ln: f64,
    knee_start_ln: f64,
    knee_stop_ln: f64,
    /// Below this mean square the gain is 1.
    knee_start_square: f64,
    mean_square: f64,
}

/// Width of the soft knee around the threshold, as a ratio; ffmpeg's default.
const KNEE: f64 = 2.82843;

impl Compressor {
    /// At rest (gain 1). Threshold and ratio outside ffmpeg's ranges (0.000976563..=1, 1..=20) are brought into them.
    pub fn new(ducking: &Ducking) -> Self {
        let threshold = ducking.threshold.clamp(0.000_976_563, 1.0);
        // ffmpeg's times are those in which a step of the level is followed to 98 % (4 time constants).
        let follow = |ms: f64| (4000.0 / (ms.max(0.01) * f64::from(SAMPLE_RATE))).min(1.0);
        let knee_start = threshold / KNEE.sqrt();
        Self {
            attack: follow(ducking.attack_ms),
            release: follow(ducking.release_ms),
            ratio: ducking.ratio.clamp(1.0, 20.0),
            threshold_ln: threshold.ln(),
            knee_start_ln: knee_start.ln(),
            knee_stop_ln: (threshold * KNEE.sqrt()).ln(),
            knee_start_square: knee_start * knee_start,
            mean_square: 0.0,
        }
    }

    /// Linear gain (0..=1) after hearing one more sample of the side chain: the mean of its channels' magnitudes.
    pub fn gain(&mut self, side: f64) -> f64 {
        let square = side * side;
        let speed = if square > self.mean_square { self.attack } else { self.release };
        self.mean_square += (square - self.mean_square) * speed;
        if self.mean_square <= self.knee_start_square {
            return 1.0;
        }
        let level = self.mean_square.ln() * 0.5;
        let allowed = if level < self.knee_stop_ln { self.in_knee(level) } else { self.above(level) };
        (allowed - level).exp()
    }

    /// The straight part: the logarithm of what is left of a `level` above the threshold.
    fn above(&self, level: f64) -> f64 {
        (level - self.threshold_ln) / self.ratio + self.threshold_ln
    }

    /// The bent part: a cubic from slope 1 at the knee's start to slope 1/ratio at its end.
    fn in_knee(&self, level: f64) -> f64 {
        let width = self.knee_stop_ln - self.knee_start_ln;
        let (from, to) = (self.knee_start_ln, self.above(self.knee_stop_ln));
        let (slope_in, slope_out) = (width, width / self.ratio);
        let t = (level - self.knee_start_ln) / width;
        let cubic = 2.0 * from + slope_in - 2.0 * to + slope_out;
        let square = 3.0 * (to - from) - 2.0 * slope_in - slope_out;
        ((cubic * t + square) * t + slope_in) * t + from
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// Gains of the music under `seconds` of a stereo tone of `amplitude`.
    fn under_tone(compressor: &mut Compressor, amplitude: f64, seconds: f64) -> f64 {
        let mut gain = 1.0;
        for at in 0..(seconds * 48_000.0) as u64 {
            gain = compressor.gain((amplitude * (2.0 * PI * 1000.0 * at as f64 / 48_000.0).sin()).abs());
        }
        gain
    }

    #[test]
    fn music_falls_to_about_five_percent_under_a_voice_and_returns() {
        let mut compressor = Compressor::new(&Ducking::default());
        // A 1 kHz sine of this amplitude on both channels is -16 LUFS.
        let ducked = MUSIC_GAIN * under_tone(&mut compressor, 0.1585, 2.0);
        assert!((0.035..0.07).contains(&ducked), "{ducked}");
        let half = MUSIC_GAIN * under_tone(&mut compressor, 0.0, 0.5);
        assert!(half > ducked && half < 0.25, "it comes back slowly: {half}");
        let back = MUSIC_GAIN * under_tone(&mut compressor, 0.0, 1.5);
        assert!((back - MUSIC_GAIN).abs() < 1e-9, "{back}");
    }

    #[test]
    fn the_look_ahead_has_the_music_down_at_the_first_syllable() {
        let ducking = Ducking::default();
        let seconds = ducking.lookahead().0 as f64 / 48_000.0;
        let at_first_syllable = MUSIC_GAIN * under_tone(&mut Compressor::new(&ducking), 0.1585, seconds);
        assert!(at_first_syllable < 0.07, "{at_first_syllable}");
    }

    #[test]
    fn a_steady_level_follows_ffmpegs_law() {
        let mut compressor = Compressor::new(&Ducking::default());
        let steady = (0..480_000).fold(1.0, |_, _| compressor.gain(0.2));
        let law = 10f64.powf(1.0 / 6.0 - 1.0);
        assert!((steady - law).abs() < 1e-4, "{steady} {law}");
    }

    #[test]
    fn the_knee_joins_without_a_step() {
        let compressor = Compressor::new(&Ducking::default());
        let (start, stop) = (compressor.knee_start_ln, compressor.knee_stop_ln);
        assert!((compressor.in_knee(start) - start).abs() < 1e-12);
        assert!((compressor.in_knee(stop) - compressor.above(stop)).abs() < 1e-12);
        assert!(compressor.in_knee(compressor.threshold_ln) < compressor.threshold_ln);
    }

    #[test]
    fn fades_start_and_end_silent() {
        let length = Samples(480_000);
        assert_eq!((fade(Samples(0), length), fade(Samples(240_000), length), fade(length, length)), (0.0, 1.0, 0.0));
        assert!((fade(Samples(24_000), length) - 0.5).abs() < 1e-9);
        assert!((fade(Samples(456_000), length) - 0.5).abs() < 1e-9);
        assert!(fade(Samples(24_000), Samples(48_000)) <= 0.5);
    }
}
