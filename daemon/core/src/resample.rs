//! Resample: sound from any rate to any other, by a windowed-sinc polyphase filter.
//!
//! Every output sample is the ideal band-limited interpolation at its own moment, cut to a finite window
//! (Kaiser, beta 9: about 90 dB of image rejection). Because both rates are whole numbers, only `to / gcd`
//! different fractional positions occur, and one row of coefficients is kept for each.
//! Source: J. O. Smith, "Digital Audio Resampling", ccrma.stanford.edu/~jos/resample.

/// Zero crossings of the sinc on each side, at the lower of both rates.
const CROSSINGS: usize = 24;
/// Shape of the Kaiser window.
const BETA: f64 = 9.0;
/// Pass band as a share of the lower Nyquist frequency: leaves room for the filter to fall.
const PASS_BAND: f64 = 0.93;

/// Rates this filter takes, in samples per second.
pub const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// A rate outside [`RATES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} samples per second is not a rate of sound; 4000 to 384000 are")]
pub struct BadRate(pub u32);

/// One channel on its way from one rate to another; keeps only the window's few samples.
///
/// `n` samples in give `ceil(n * to / from)` samples out, and the first of both sound at the same moment.
#[derive(Debug, Clone)]
pub struct Resampler {
    /// Output positions between two input samples.
    up: u64,
    /// Input samples between two output positions, in units of 1/`up`.
    down: u64,
    /// Coefficients of one position.
    taps: usize,
    /// `up` rows of `taps` coefficients; empty when nothing is to do.
    rows: Vec<f32>,
    /// The input from sample `first - (taps / 2 - 1)` on; silence stands before the beginning.
    held: Vec<f32>,
    /// Input index (shifted by the silence) of `held[0]`.
    first: u64,
    /// Samples pushed so far.
    taken: u64,
    /// Samples given so far.
    given: u64,
}

impl Resampler {
    /// From `from` to `to` samples per second.
    ///
    /// # Errors
    /// One of the rates is none that sound has.
    pub fn new(from: u32, to: u32) -> Result<Self, BadRate> {
        if let Some(bad) = [from, to].into_iter().find(|rate| !RATES.contains(rate)) {
            return Err(BadRate(bad));
        }
        let common = greatest_common_divisor(from, to);
        let (up, down) = (u64::from(to / common), u64::from(from / common));
        // Going down, the window widens with the period of the lower rate.
        let stretch = (down as f64 / up as f64).max(1.0);
        let taps = 2 * (CROSSINGS as f64 * stretch).ceil() as usize;
        let rows = if up == down { Vec::new() } else { rows(up, taps, PASS_BAND / stretch) };
        Ok(Self { up, down, taps, rows, held: vec![0.0; taps / 2 - 1], first: 0, taken: 0, given: 0 })
    }

    /// Takes more input and appends to `out` what is complete.
    pub fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        self.taken += input.len() as u64;
        if self.rows.is_empty() {
            self.given = self.taken;
            out.extend_from_slice(input);
            return;
        }
        self.held.extend_from_slice(input);
        self.give(u64::MAX, out);
    }

    /// Appends the rest to `out`; the input is followed by silence.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if self.rows.is_empty() {
            return;
        }
        let total = (self.taken * self.up).div_ceil(self.down);
        self.held.extend(std::iter::repeat_n(0.0, self.taps));
        self.give(total, out);
    }

    /// Gives samples while their whole window is there, up to `total` in all.
    fn give(&mut self, total: u64, out: &mut Vec<f32>) {
        while self.given < total {
            let (whole, part) = (self.given * self.down / self.up, self.given * self.down % self.up);
            let start = (whole - self.first) as usize;
            let Some(window) = self.held.get(start..start + self.taps) else { break };
            let row = &self.rows[part as usize * self.taps..][..self.taps];
            out.push(window.iter().zip(row).map(|(sample, weight)| sample * weight).sum());
            self.given += 1;
        }
        let next = self.given * self.down / self.up;
        let spent = ((next - self.first) as usize).min(self.held.len());
        self.held.drain(..spent);
        self.first += spent as u64;
    }
}

/// A whole channel from `from` to `to` samples per second.
///
/// # Errors
/// One of the rates is none that sound has.
pub fn resample(input: &[f32], from: u32, to: u32) -> Result<Vec<f32>, BadRate> {
    let mut filter = Resampler::new(from, to)?;
    let mut out = Vec::with_capacity((input.len() as u64 * u64::from(to) / u64::from(from)) as usize + 1);
    filter.push(input, &mut out);
    filter.finish(&mut out);
    Ok(out)
}

fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The coefficients of each fractional position; every row sums to one, so that a constant stays what it is.
fn rows(up: u64, taps: usize, cutoff: f64) -> Vec<f32> {
    let half = taps as f64 / 2.0;
    let mut rows = Vec::with_capacity(up as usize * taps);
    for position in 0..up {
        let fraction = position as f64 / up as f64;
        let weights: Vec<f64> = (0..taps)
            .map(|tap| {
                let at = tap as f64 - (half - 1.0) - fraction;
                cutoff * sinc(at * cutoff) * kaiser(at / half)
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        rows.extend(weights.iter().map(|weight| (weight / sum) as f32));
    }
    rows
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// The Kaiser window, `x` from -1 to 1.
fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { bessel_i0(BETA * (1.0 - x * x).sqrt()) / bessel_i0(BETA) }
}

/// The modified Bessel function of order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..60 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tone(hertz: f64, rate: u32, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|i| (0.5 * (i as f64 * hertz * std::f64::consts::TAU / f64::from(rate)).sin()) as f32)
            .collect()
    }

    /// Level of the difference in dB below the tone, edges left out.
    fn error_db(got: &[f32], want: &[f32]) -> f64 {
        let range = 400..got.len().min(want.len()) - 400;
        let power = |of: f32| f64::from(of) * f64::from(of);
        let (mut noise, mut signal) = (0.0, 0.0);
        for i in range {
            noise += power(got[i] - want[i]);
            signal += power(want[i]);
        }
        10.0 * (noise / signal).log10()
    }

    #[test]
    fn tones_keep_their_shape_and_their_moment() {
        for (from, hertz) in
            [(22_050, 440.0), (22_050, 8_000.0), (44_100, 15_000.0), (16_000, 3_000.0), (96_000, 9_000.0)]
        {
            let got = resample(&tone(hertz, from, from as usize / 2), from, 48_000).unwrap();
            let error = error_db(&got, &tone(hertz, 48_000, 24_000));
            assert!(error < -70.0, "{hertz} Hz from {from}: {error:.1} dB");
        }
    }

    /// What the lower rate cannot hold must vanish, not fold down as another tone.
    #[test]
    fn nothing_folds_down() {
        let got = resample(&tone(30_000.0, 96_000, 48_000), 96_000, 48_000).unwrap();
        let loudest = got[400..got.len() - 400].iter().fold(0.0f32, |most, s| most.max(s.abs()));
        assert!(loudest < 0.5e-4, "{loudest}");
    }

    #[test]
    fn odd_rates_are_refused() {
        assert_eq!(Resampler::new(0, 48_000).unwrap_err(), BadRate(0));
        assert!(resample(&[0.0; 4], 48_000, 1_000_000).is_err());
    }

    proptest! {
        /// Length is exact and the pieces in which sound arrives do not matter.
        #[test]
        fn pieces_make_the_same_whole(len in 0usize..3000, piece in 1usize..700, from in prop_oneof![Just(22_050u32), Just(44_100), Just(48_000), Just(32_000), Just(96_000)]) {
            let input = tone(300.0, from, len);
            let whole = resample(&input, from, 48_000).unwrap();
            prop_assert_eq!(whole.len() as u64, (len as u64 * 48_000).div_ceil(u64::from(from)));
            let mut filter = Resampler::new(from, 48_000).unwrap();
            let mut pieces = Vec::new();
            for part in input.chunks(piece) {
                filter.push(part, &mut pieces);
            }
            filter.finish(&mut pieces);
            prop_assert_eq!(whole, pieces);
        }
    }
}
