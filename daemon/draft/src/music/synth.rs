//! Instruments, room and levels of the draft music, all on a circle of samples.
//!
//! Every sound is added at its place modulo the loop's length, and every filter first hears the end of the loop
//! before its beginning: what rings over the end rings at the beginning, so the loop has no seam.

use std::f32::consts::TAU;

use studio_core::units::SAMPLE_RATE;

const RATE: f32 = SAMPLE_RATE as f32;
const TABLE: usize = 2048;
/// Richest wave that is kept, in partials.
const MOST_PARTIALS: usize = 20;
/// Filters and room hear this much of the end before the beginning: their longest memory, in samples.
const WARM_UP: usize = 6 * SAMPLE_RATE as usize;

/// A loop of stereo sound.
#[derive(Debug, Clone)]
pub struct Circle {
    /// Left and right, of equal length, never empty.
    pub sides: [Vec<f32>; 2],
}

impl Circle {
    /// Silence of `length` samples, at least one.
    pub fn new(length: usize) -> Self {
        Self { sides: [vec![0.0; length.max(1)], vec![0.0; length.max(1)]] }
    }

    /// Adds a mono sound at `at`, between left (-1) and right (1) at constant power.
    fn add(&mut self, at: usize, pan: f32, sound: impl Iterator<Item = f32>) {
        let angle = (pan.clamp(-1.0, 1.0) + 1.0) * TAU / 8.0;
        let (left, right) = (angle.cos(), angle.sin());
        let length = self.sides[0].len();
        let mut place = at % length;
        for sample in sound {
            self.sides[0][place] += sample * left;
            self.sides[1][place] += sample * right;
            place += 1;
            if place == length {
                place = 0;
            }
        }
    }
}

/// Band-limited waves with one to twenty partials.
pub struct Waves(Vec<Vec<f32>>);

impl Waves {
    /// Waves whose partial `k` has the level `1 / k^tilt`.
    pub fn new(tilt: f32) -> Self {
        let mut waves = Vec::with_capacity(MOST_PARTIALS);
        let mut sum = vec![0.0f32; TABLE];
        for partial in 1..=MOST_PARTIALS {
            let level = (partial as f32).powf(-tilt);
            for (at, sample) in sum.iter_mut().enumerate() {
                *sample += level * (TAU * (at * partial % TABLE) as f32 / TABLE as f32).sin();
            }
            waves.push(sum.clone());
        }
        Self(waves)
    }

    /// The richest wave whose partials at `hertz` stay below `bright_hz`.
    fn below(&self, hertz: f32, bright_hz: f32) -> &[f32] {
        let partials = (bright_hz / hertz) as usize;
        &self.0[partials.clamp(1, MOST_PARTIALS) - 1]
    }
}

/// Runs through a wave at a pitch.
struct Oscillator<'a> {
    wave: &'a [f32],
    phase: f32,
    step: f32,
}

impl<'a> Oscillator<'a> {
    fn new(wave: &'a [f32], hertz: f32, phase: f32) -> Self {
        Self { wave, phase: phase * TABLE as f32, step: hertz * TABLE as f32 / RATE }
    }

    fn next(&mut self) -> f32 {
        let at = self.phase as usize;
        let part = self.phase - at as f32;
        let (a, b) = (self.wave[at & (TABLE - 1)], self.wave[(at + 1) & (TABLE - 1)]);
        self.phase += self.step;
        if self.phase >= TABLE as f32 {
            self.phase -= TABLE as f32;
        }
        a + (b - a) * part
    }
}

/// Frequency of a MIDI note in Hz, A4 = 440.
pub fn hertz(key: i32) -> f32 {
    440.0 * 2f32.powf((key - 69) as f32 / 12.0)
}

/// A note to be played.
#[derive(Debug, Clone, Copy)]
pub struct Note {
    /// Sample of the loop at which it begins; past the end it goes round.
    pub at: usize,
    /// Samples until it is let go.
    pub length: usize,
    /// Pitch as a MIDI note: 69 is A4, 440 Hz.
    pub key: i32,
    /// How loud, 0-1.
    pub level: f32,
    /// From left (-1) to right (1).
    pub pan: f32,
    /// A number that makes equal notes differ a little, 0-1.
    pub grain: f32,
}

/// A chord tone of slow strings: three players, slightly apart in pitch and place.
pub fn pad(out: &mut Circle, waves: &Waves, note: Note, swell: f32, bright_hz: f32) {
    let base = hertz(note.key);
    let wave = waves.below(base, bright_hz * 1.5);
    let attack = ((swell * RATE) as usize).clamp(1, note.length.max(1));
    let release = (swell * 1.2 * RATE) as usize + 4800;
    let total = note.length + release;
    for (player, cents) in [-5.0f32, 0.5, 6.0].into_iter().enumerate() {
        let pitch = base * 2f32.powf((cents + note.grain) / 1200.0);
        let mut wave = Oscillator::new(wave, pitch, (note.grain * 7.3 + player as f32 * 0.37).fract());
        // Slow breathing, each player at his own pace.
        let mut breath = Oscillator::new(&waves.0[0], 0.11 + 0.05 * player as f32, note.grain);
        let sound = (0..total).map(|i| {
            let rise = ease((i as f32 / attack as f32).min(1.0));
            let fall = if i < note.length { 1.0 } else { ease((total - i) as f32 / release as f32) };
            wave.next() * rise * fall * (1.0 + 0.15 * breath.next()) * note.level / 3.0
        });
        out.add(note.at, note.pan + (player as f32 - 1.0) * 0.45, sound);
    }
}

/// A struck or plucked string: bright at first, then nearly pure.
pub fn pluck(out: &mut Circle, waves: &Waves, note: Note, ring: f32, bright_hz: f32) {
    let base = hertz(note.key);
    let mut bright = Oscillator::new(waves.below(base, bright_hz * 2.0), base, 0.0);
    let mut pure = Oscillator::new(&waves.0[1.min(waves.0.len() - 1)], base * 1.000_6, 0.0);
    // High strings ring shorter.
    let ring = ring * (300.0 / base).powf(0.35).clamp(0.4, 1.6);
    let (mut quick, mut slow) = (0.55f32, 0.75f32);
    let (quick_fall, slow_fall) = (fall_per_sample(ring * 0.22), fall_per_sample(ring));
    let total = (ring * RATE) as usize;
    let strike = RATE as usize / 250;
    let sound = (0..total).map(|i| {
        quick *= quick_fall;
        slow *= slow_fall;
        let edges = ease((i as f32 / strike as f32).min(1.0)) * ease(((total - i) as f32 / 2400.0).min(1.0));
        (bright.next() * quick + pure.next() * slow) * edges * note.level
    });
    out.add(note.at, note.pan, sound);
}

/// A round low note.
pub fn bass(out: &mut Circle, note: Note) {
    let base = hertz(note.key);
    let (attack, release) = (RATE as usize / 40, RATE as usize / 6);
    let total = note.length + release;
    let step = TAU * base / RATE;
    let sound = (0..total).map(|i| {
        let x = step * i as f32 % TAU;
        let tone = x.sin() + 0.35 * (2.0 * x).sin() + 0.12 * (3.0 * x).sin();
        let rise = ease((i as f32 / attack as f32).min(1.0));
        let fall = if i < note.length { 1.0 } else { ease((total - i) as f32 / release as f32) };
        // It sinks a little while it is held.
        tone * rise * fall * (0.65 + 0.35 * (-(i as f32) / (0.6 * RATE)).exp()) * note.level
    });
    out.add(note.at, 0.0, sound);
}

/// A drum skin: a tone that sinks from `from_hz` to `to_hz` and dies away within `ring` seconds.
pub fn drum(out: &mut Circle, note: Note, from_hz: f32, to_hz: f32, ring: f32) {
    let total = (ring * RATE) as usize;
    let (mut phase, mut level) = (0.0f32, 1.0f32);
    let fall = fall_per_sample(ring);
    let sound = (0..total).map(|i| {
        let hertz = to_hz + (from_hz - to_hz) * (-(i as f32) / (0.04 * RATE)).exp();
        phase = (phase + TAU * hertz / RATE) % TAU;
        level *= fall;
        let edges = ease((i as f32 / 96.0).min(1.0)) * ease(((total - i) as f32 / 960.0).min(1.0));
        phase.sin() * level * edges * note.level
    });
    out.add(note.at, note.pan, sound);
}

/// A breath of noise within `ring` seconds; `bright` 0 is a swish, 1 a hiss.
pub fn hiss(out: &mut Circle, note: Note, ring: f32, bright: f32) {
    let total = (ring * RATE) as usize;
    let mut state = (note.grain * 16_777_216.0) as u32 ^ note.at as u32 ^ 0x9e37_79b9;
    let (mut low, mut body, mut level) = (0.0f32, 0.0f32, 1.0f32);
    let fall = fall_per_sample(ring);
    let sound = (0..total).map(|i| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = (state >> 8) as f32 / 8_388_608.0 - 1.0;
        low += (white - low) * (0.05 + 0.45 * bright);
        body += (low - body) * 0.04;
        level *= fall;
        let edges =
            ease((i as f32 / (96.0 + 900.0 * (1.0 - bright))).min(1.0)) * ease(((total - i) as f32 / 480.0).min(1.0));
        (low - body) * level * edges * note.level
    });
    out.add(note.at, note.pan, sound);
}

/// Factor per sample that is -60 dB after `seconds`.
fn fall_per_sample(seconds: f32) -> f32 {
    0.001f32.powf(1.0 / (seconds.max(0.01) * RATE))
}

/// Smooth from 0 to 1.
fn ease(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// Runs a filter around the circle, its memory filled by the end of the loop.
fn around(side: &mut [f32], mut filter: impl FnMut(f32) -> f32) {
    let length = side.len();
    let start = (length - WARM_UP % length) % length;
    for i in 0..WARM_UP {
        filter(side[(start + i) % length]);
    }
    for sample in side {
        *sample = filter(*sample);
    }
}

/// Takes the edge off above `hertz`, 12 dB per octave.
pub fn dull(sound: &mut Circle, hertz: f32) {
    let share = 1.0 - (-TAU * hertz / RATE).exp();
    for side in &mut sound.sides {
        let (mut one, mut two) = (0.0f32, 0.0f32);
        around(side, |sample| {
            one += (sample - one) * share;
            two += (one - two) * share;
            two
        });
    }
}

/// Removes what is below hearing, and the mean.
pub fn no_rumble(sound: &mut Circle) {
    let share = 1.0 - (-TAU * 24.0 / RATE).exp();
    for side in &mut sound.sides {
        let mut low = 0.0f32;
        around(side, |sample| {
            low += (sample - low) * share;
            sample - low
        });
        let mean = (side.iter().map(|sample| f64::from(*sample)).sum::<f64>() / side.len() as f64) as f32;
        for sample in side.iter_mut() {
            *sample -= mean;
        }
    }
}

/// Delays of the room's combs and all-passes at 44.1 kHz (Freeverb by "Jezar at Dreampoint", public domain).
const COMBS: [usize; 8] = [1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617];
const ALL_PASSES: [usize; 4] = [556, 441, 341, 225];
/// The right side's delays are longer by this, which makes the room wide.
const SPREAD: usize = 23;

/// A hall around the sound: `amount` of it is added, 0-1.
pub fn hall(sound: &mut Circle, amount: f32) {
    let (feedback, damping) = (0.80 + 0.09 * amount, 0.35);
    for (index, side) in sound.sides.iter_mut().enumerate() {
        let delay = |samples: usize| vec![0.0f32; (samples + index * SPREAD) * 480 / 441];
        let mut combs: Vec<(Vec<f32>, usize, f32)> = COMBS.iter().map(|samples| (delay(*samples), 0, 0.0)).collect();
        let mut passes: Vec<(Vec<f32>, usize)> = ALL_PASSES.iter().map(|samples| (delay(*samples), 0)).collect();
        around(side, |dry| {
            let mut wet = 0.0;
            for (line, at, damped) in &mut combs {
                let out = line[*at];
                *damped += (out - *damped) * (1.0 - damping);
                line[*at] = dry * 0.03 + *damped * feedback;
                *at = if *at + 1 == line.len() { 0 } else { *at + 1 };
                wet += out;
            }
            for (line, at) in &mut passes {
                let out = line[*at];
                line[*at] = wet + out * 0.5;
                wet = out - wet;
                *at = if *at + 1 == line.len() { 0 } else { *at + 1 };
            }
            dry * (1.0 - 0.3 * amount) + wet * amount * 1.6
        });
    }
}

/// Rounds what is above `knee` so that nothing reaches `top`; without memory, so it cannot make a seam.
pub fn round_peaks(sound: &mut Circle, knee: f32, top: f32) {
    let room = top - knee;
    for sample in sound.sides.iter_mut().flatten() {
        let over = sample.abs() - knee;
        if over > 0.0 {
            *sample = (knee + room * (over / room).tanh()).copysign(*sample);
        }
    }
}
