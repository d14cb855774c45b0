//! Limiter: no true peak above the ceiling, and no change to sound that stays below it.

use std::{collections::VecDeque, f64::consts::PI};

use crate::units::SAMPLE_RATE;

/// One moment of stereo sound, left and right, full scale 1.0.
pub type StereoFrame = [f32; 2];

/// Look-ahead limiter: frames in, the same number of frames out, later, none above the ceiling.
///
/// Peaks are measured four times oversampled, so that the true peak between samples is held too. Where nothing
/// comes near the ceiling the sound passes bit for bit.
#[derive(Debug, Clone)]
pub struct Limiter {
    ceiling: f32,
    /// Peaks are brought here: a little lower, for what moving the gain adds between the samples.
    aim: f32,
    taps: [[f32; PHASE_TAPS]; 3],
    /// Samples below this cannot make a peak between them that exceeds `aim`.
    quiet: f32,
    /// The newest frames, newest first: what the interpolator looks at.
    recent: [StereoFrame; PHASE_TAPS],
    loud_for: usize,
    waiting: VecDeque<StereoFrame>,
    /// Falling gains that may still be the smallest of their window, with their times.
    smallest: VecDeque<(u64, f64)>,
    window: VecDeque<f64>,
    window_sum: f64,
    released: f64,
    time: u64,
}

/// Time over which the gain glides down before a peak: 5 ms.
const GLIDE: usize = SAMPLE_RATE as usize / 200;
/// Taps of each phase of the interpolator, and how far its output lies behind its newest input.
const PHASE_TAPS: usize = 12;
const INTERPOLATOR_DELAY: usize = PHASE_TAPS / 2;
/// Share of the missing gain that comes back per sample: time constant 80 ms.
const RELEASE: f64 = 1.0 / (0.080 * SAMPLE_RATE as f64);

impl Limiter {
    /// How many frames the output lies behind the input.
    pub const LATENCY: usize = GLIDE + INTERPOLATOR_DELAY;

    /// A limiter that keeps the true peak at or below `true_peak_dbtp`.
    pub fn new(true_peak_dbtp: f64) -> Self {
        let ceiling = 10f64.powf(true_peak_dbtp / 20.0);
        let taps = interpolator();
        let overshoot = taps.iter().map(|phase| phase.iter().map(|tap| tap.abs()).sum::<f32>()).fold(1.0, f32::max);
        let aim = (ceiling * 10f64.powf(-0.1 / 20.0)) as f32;
        Self {
            ceiling: ceiling as f32,
            aim,
            taps,
            quiet: aim / overshoot,
            recent: [[0.0; 2]; PHASE_TAPS],
            loud_for: 0,
            waiting: VecDeque::with_capacity(Self::LATENCY + 1),
            smallest: VecDeque::with_capacity(GLIDE + 3),
            window: std::iter::repeat_n(1.0, GLIDE).collect(),
            window_sum: GLIDE as f64,
            released: 1.0,
            time: 0,
        }
    }

    /// Takes one frame; gives one back once [`Self::LATENCY`] frames are inside. Not-a-number counts as silence.
    pub fn push(&mut self, frame: StereoFrame) -> Option<StereoFrame> {
        let frame = frame.map(|sample| if sample.is_nan() { 0.0 } else { sample.clamp(-1e6, 1e6) });
        self.waiting.push_back(frame);
        let gain = self.next_gain(frame);
        if self.waiting.len() <= Self::LATENCY {
            return None;
        }
        let frame = self.waiting.pop_front()?;
        Some(frame.map(|sample| (sample * gain).clamp(-self.ceiling, self.ceiling)))
    }

    /// The frames still inside, after the last one was pushed.
    pub fn finish(mut self) -> Vec<StereoFrame> {
        let inside = self.waiting.len();
        (0..Self::LATENCY).filter_map(|_| self.push([0.0; 2])).take(inside).collect()
    }

    /// The gain of the frame that is `LATENCY` behind `newest`.
    ///
    /// The wanted gain, its minimum over the glide and two frames, then its mean over the glide: every value in
    /// that mean already knows the peak, so the mean is never above what the peak allows.
    fn next_gain(&mut self, newest: StereoFrame) -> f32 {
        let peak = self.peak(newest);
        let wanted = if peak > self.aim { f64::from(self.aim / peak) } else { 1.0 };
        while self.smallest.back().is_some_and(|(_, gain)| *gain >= wanted) {
            self.smallest.pop_back();
        }
        self.smallest.push_back((self.time, wanted));
        while self.smallest.front().is_some_and(|(at, _)| at + GLIDE as u64 + 1 < self.time) {
            self.smallest.pop_front();
        }
        self.time += 1;
        let least = self.smallest.front().map_or(1.0, |(_, gain)| *gain);
        let back = self.released + (least - self.released) * RELEASE;
        self.released = if least <= back || least - back < 1e-6 { least } else { back };
        self.window.push_back(self.released);
        self.window_sum += self.released - self.window.pop_front().unwrap_or(1.0);
        (self.window_sum / GLIDE as f64) as f32
    }

    /// The highest magnitude at and after the frame that is `INTERPOLATOR_DELAY` behind `newest`, up to the next.
    fn peak(&mut self, newest: StereoFrame) -> f32 {
        self.recent.copy_within(..PHASE_TAPS - 1, 1);
        self.recent[0] = newest;
        self.loud_for = if newest.iter().any(|sample| sample.abs() > self.quiet) {
            PHASE_TAPS
        } else {
            self.loud_for.saturating_sub(1)
        };
        if self.loud_for == 0 {
            return 0.0;
        }
        let middle = self.recent[INTERPOLATOR_DELAY];
        let mut peak = middle[0].abs().max(middle[1].abs());
        for phase in &self.taps {
            let (mut left, mut right) = (0.0, 0.0);
            for (tap, frame) in phase.iter().zip(&self.recent) {
                left += tap * frame[0];
                right += tap * frame[1];
            }
            peak = peak.max(left.abs()).max(right.abs());
        }
        peak
    }
}

/// The three phases between samples of a four times oversampling filter: 49 taps of sinc under a Hann window,
/// as libebur128 measures true peaks (ITU-R BS.1770 annex 2).
fn interpolator() -> [[f32; PHASE_TAPS]; 3] {
    std::array::from_fn(|phase| {
        std::array::from_fn(|tap| {
            let at = (4 * tap + phase + 1) as f64;
            let x = PI * (at - 24.0) / 4.0;
            (x.sin() / x * 0.5 * (1.0 - (2.0 * PI * at / 48.0).cos())) as f32
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limited(dbtp: f64, sound: &[StereoFrame]) -> Vec<StereoFrame> {
        let mut limiter = Limiter::new(dbtp);
        let mut out: Vec<_> = sound.iter().filter_map(|frame| limiter.push(*frame)).collect();
        out.extend(limiter.finish());
        out
    }

    /// True peak by an interpolator that shares nothing with the limiter's: 16 times, 64 taps, Blackman window.
    fn true_peak(sound: &[StereoFrame]) -> f64 {
        let mut peak = 0.0f64;
        for at in 0..sound.len() {
            for phase in 0..16 {
                let part = f64::from(phase) / 16.0;
                let mut sum = 0.0;
                for tap in -31i64..=32 {
                    let Some(frame) = usize::try_from(at as i64 + tap).ok().and_then(|index| sound.get(index)) else {
                        continue;
                    };
                    let x = tap as f64 - part;
                    let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) };
                    let window = 0.42 + 0.5 * (PI * x / 33.0).cos() + 0.08 * (2.0 * PI * x / 33.0).cos();
                    sum += f64::from(frame[0]) * sinc * window;
                }
                peak = peak.max(sum.abs());
            }
        }
        peak
    }

    #[test]
    fn true_peaks_between_samples_are_held() {
        // A quarter of the sample rate, at 45 degrees: samples at 0.85, the curve between them at 1.2.
        let sound: Vec<StereoFrame> =
            (0..4800).map(|at| [(1.2 * (PI / 2.0 * f64::from(at) + PI / 4.0).sin()) as f32; 2]).collect();
        assert!(true_peak(&sound[1000..3000]) > 1.15);
        let peak = 20.0 * true_peak(&limited(-1.0, &sound)[1000..3000]).log10();
        assert!(peak <= -1.0 && peak > -1.4, "{peak} dBTP");
    }

    #[test]
    fn a_burst_of_speech_stays_under_the_true_peak() {
        let sound: Vec<StereoFrame> = (0..9600)
            .map(|at| {
                let t = f64::from(at) / 48_000.0;
                let burst = if (0.05..0.12).contains(&t) { 2.5 } else { 0.2 };
                [(burst * (2.0 * PI * 3000.0 * t).sin() * (2.0 * PI * 170.0 * t).cos()) as f32; 2]
            })
            .collect();
        let peak = 20.0 * true_peak(&limited(-1.0, &sound)).log10();
        assert!(peak <= -1.0, "{peak} dBTP");
    }

    #[test]
    fn quiet_sound_passes_bit_for_bit() {
        let sound: Vec<StereoFrame> = (0..5000)
            .map(|at| [(0.7 * (f64::from(at) * 0.05).sin()) as f32, (0.5 * (f64::from(at) * 0.03).cos()) as f32])
            .collect();
        assert!(limited(-1.0, &sound) == sound);
    }

    #[test]
    fn after_a_peak_the_gain_returns_to_one() {
        let mut sound = vec![[0.5f32; 2]; 96_000];
        sound[1000] = [4.0, 0.0];
        let out = limited(-1.0, &sound);
        assert!(out[1000][0] <= 0.892 && out[1200][1] < 0.4, "{:?} {:?}", out[1000], out[1200]);
        assert!(out[90_000..] == sound[90_000..]);
    }

    proptest! {
        #[test]
        fn no_sample_exceeds_the_ceiling_and_none_is_lost(sound in prop::collection::vec(prop::array::uniform2(-4.0f32..4.0), 0..1500), dbtp in -9.0f64..0.0) {
            let out = limited(dbtp, &sound);
            prop_assert_eq!(out.len(), sound.len());
            let ceiling = 10f64.powf(dbtp / 20.0) as f32;
            prop_assert!(out.iter().flatten().all(|sample| sample.abs() <= ceiling));
        }
    }
}
