//! Compose: a mood and a seed become notes, and the notes a loop of sound.

use studio_core::{
    ids::ContentHash,
    order::MusicOrder,
    units::{SAMPLE_RATE, Samples},
};

use super::{
    moods::{self, Drum, Mood, REST},
    synth::{self, Circle, Note, Waves},
};

/// Beats per bar of all draft music.
const BEATS: f64 = 4.0;
/// Longest loop that is composed; longer beds repeat it.
const LONGEST_LOOP: u64 = 150 * SAMPLE_RATE as u64;

/// Where the bars are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Samples of a bar.
    pub bar: usize,
    /// Bars of the loop.
    pub bars: usize,
    /// How often the bed repeats the loop.
    pub times: u64,
}

impl Grid {
    /// Whole bars of `tempo_bpm` that cover `at_least`; `cycle` bars are one round of the harmony.
    pub fn covering(at_least: Samples, tempo_bpm: f64, cycle: usize) -> Self {
        let bar = (f64::from(SAMPLE_RATE) * 60.0 * BEATS / tempo_bpm).round() as usize;
        let bars = at_least.0.div_ceil(bar as u64).max(1);
        if bars * bar as u64 <= LONGEST_LOOP {
            return Self { bar, bars: bars as usize, times: 1 };
        }
        let rounds = (LONGEST_LOOP as usize / (bar * cycle)).max(1);
        let looped = rounds * cycle;
        Self { bar, bars: looped, times: bars.div_ceil(looped as u64) }
    }

    /// Samples of the loop.
    pub fn length(self) -> usize {
        self.bar * self.bars
    }

    /// Samples of the whole bed.
    pub fn samples(self) -> Samples {
        Samples(self.length() as u64 * self.times)
    }
}

/// Numbers from a seed, always the same (splitmix64).
struct Draw(u64);

impl Draw {
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        (self.part() * count as f64) as usize % count.max(1)
    }
}

/// The music of an order: its loop and how often it is played. `None` when `stopped` said so.
pub fn compose(order: &MusicOrder, tell: &dyn Fn(f64), stopped: &dyn Fn() -> bool) -> Option<(Circle, Grid)> {
    let mood = moods::mood(&order.mood);
    let mut draw = Draw(ContentHash::of(format!("{} {}", mood.name, order.seed.0).as_bytes()).leading_u64());
    let chords = mood.chords[draw.below(mood.chords.len())];
    let natural = f64::from(mood.tempo) * (0.96 + 0.08 * draw.part());
    let tempo = order.tempo_bpm.map_or(natural, |bpm| f64::from(bpm.clamp(40, 200)));
    let grid = Grid::covering(order.at_least, tempo, chords.len() * mood.bars_per_chord);
    let tonic = mood.tonic + draw.below(6) as i32;

    let mut band = Band {
        mood,
        grid,
        soft: Waves::new(1.7),
        struck: Waves::new(1.25),
        dry: Circle::new(grid.length()),
        drums: Circle::new(grid.length()),
        draw,
    };
    for bar in 0..grid.bars {
        if stopped() {
            return None;
        }
        let (root, tones) = chords[bar / mood.bars_per_chord % chords.len()];
        band.bar(bar, tonic, root, tones);
        tell(0.7 * (bar + 1) as f64 / grid.bars as f64);
    }
    let mut sound = band.dry;
    synth::dull(&mut sound, mood.bright_hz);
    for (side, drums) in sound.sides.iter_mut().zip(&band.drums.sides) {
        side.iter_mut().zip(drums).for_each(|(sample, drum)| *sample += drum);
    }
    if stopped() {
        return None;
    }
    synth::hall(&mut sound, mood.room);
    tell(0.9);
    synth::no_rumble(&mut sound);
    (!stopped()).then_some((sound, grid))
}

struct Band {
    mood: &'static Mood,
    grid: Grid,
    soft: Waves,
    struck: Waves,
    dry: Circle,
    drums: Circle,
    draw: Draw,
}

impl Band {
    fn bar(&mut self, bar: usize, tonic: i32, root: i32, tones: &[i32]) {
        let start = bar * self.grid.bar;
        if bar.is_multiple_of(self.mood.bars_per_chord) {
            self.strings(bar, tonic, root, tones);
        }
        self.figure(start, tonic, root, tones);
        self.low(start, tonic + root);
        self.beat(start);
    }

    /// Held chord tones, folded into one octave so that the voices move in small steps.
    fn strings(&mut self, bar: usize, tonic: i32, root: i32, tones: &[i32]) {
        let length = self.mood.bars_per_chord.min(self.grid.bars - bar) * self.grid.bar;
        let lowest = tonic + 9;
        for (index, tone) in tones.iter().enumerate() {
            let key = lowest + (tonic + root + tone - lowest).rem_euclid(12);
            let pan = (index as f32 / (tones.len().max(2) - 1) as f32 - 0.5) * 0.8;
            let note = Note {
                at: bar * self.grid.bar,
                length,
                key,
                level: self.mood.pad * 0.5,
                pan,
                grain: self.draw.part() as f32,
            };
            synth::pad(&mut self.dry, &self.soft, note, self.mood.swell, self.mood.bright_hz);
        }
    }

    /// One of the mood's figures, and now and then a high note.
    fn figure(&mut self, start: usize, tonic: i32, root: i32, tones: &[i32]) {
        let figure = self.mood.figures[self.draw.below(self.mood.figures.len())];
        let eighth = self.grid.bar / 8;
        let tone = |index: usize| tonic + root + tones[index % tones.len()] + 12 * (index / tones.len()) as i32;
        for (step, index) in figure.into_iter().enumerate() {
            // Hands are never exact: up to 8 ms late, and a little softer or louder.
            let at = start + step * eighth + (self.draw.part() * 0.008 * f64::from(SAMPLE_RATE)) as usize;
            let weight = if step % 4 == 0 { 1.0 } else { 0.78 };
            let level = self.mood.pluck * weight * (0.85 + 0.15 * self.draw.part() as f32);
            let pan = (self.draw.part() as f32 - 0.5) * 0.7;
            if index != REST && level > 0.0 {
                let note = Note { at, length: eighth, key: tone(usize::from(index)) + 12, level, pan, grain: 0.0 };
                synth::pluck(&mut self.dry, &self.struck, note, self.mood.ring, self.mood.bright_hz);
            }
        }
        for half in 0..2 {
            let (chance, index, pan) = (self.draw.part(), self.draw.below(4), self.draw.part() as f32 - 0.5);
            if chance < self.mood.sparkle {
                let at = start + half * self.grid.bar / 2 + eighth * self.draw.below(3);
                let level = self.mood.pluck.max(0.12) * 0.55;
                let note = Note { at, length: eighth, key: tone(index) + 24, level, pan, grain: 0.0 };
                synth::pluck(&mut self.dry, &self.struck, note, self.mood.ring * 1.2, self.mood.bright_hz);
            }
        }
    }

    fn low(&mut self, start: usize, root: i32) {
        let eighth = self.grid.bar / 8;
        // Between E1 and D#2, where small speakers still have something.
        let key = 28 + (root - 28).rem_euclid(12);
        for (index, step) in self.mood.bass_steps.iter().enumerate() {
            let next = self.mood.bass_steps.get(index + 1).map_or(8, |next| *next);
            let length =
                (usize::from(next - step) * eighth * 9 / 10).saturating_sub(SAMPLE_RATE as usize / 6).max(2400);
            let at = start + usize::from(*step) * eighth;
            let level = self.mood.bass * if index == 0 { 0.6 } else { 0.45 };
            synth::bass(&mut self.dry, Note { at, length, key, level, pan: 0.0, grain: 0.0 });
        }
    }

    fn beat(&mut self, start: usize) {
        for hit in self.mood.beat {
            let at = start + usize::from(hit.step) * self.grid.bar / 16;
            let level = hit.force * (0.9 + 0.1 * self.draw.part() as f32);
            let grain = self.draw.part() as f32;
            let note = Note { at, length: 0, key: 0, level, pan: (grain - 0.5) * 0.5, grain };
            match hit.drum {
                Drum::Kick => {
                    synth::drum(&mut self.drums, Note { level: level * 0.6, pan: 0.0, ..note }, 120.0, 46.0, 0.3);
                }
                Drum::Taiko => {
                    synth::drum(&mut self.drums, Note { level: level * 0.6, ..note }, 130.0, 62.0, 0.7);
                    synth::hiss(&mut self.drums, Note { level: level * 0.25, ..note }, 0.12, 0.1);
                }
                Drum::Hat => synth::hiss(&mut self.drums, Note { level: level * 0.25, ..note }, 0.06, 1.0),
                Drum::Brush => synth::hiss(&mut self.drums, Note { level: level * 0.5, ..note }, 0.16, 0.4),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The bed covers what was asked for with whole bars and little more, and the loop stays small.
        #[test]
        fn whole_bars_cover(at_least in 0u64..600_000_000, tempo in 40.0f64..200.0, cycle in 1usize..9) {
            let grid = Grid::covering(Samples(at_least), tempo, cycle);
            prop_assert!(grid.samples().0 >= at_least);
            prop_assert!(grid.length() as u64 <= LONGEST_LOOP.max((grid.bar * cycle) as u64));
            let spare = if grid.times == 1 { grid.bar as u64 } else { grid.length() as u64 };
            prop_assert!(grid.samples().0 - at_least <= spare);
        }
    }
}
