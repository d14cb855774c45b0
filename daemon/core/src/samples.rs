//! Samples: a recording of people talking, cut where nobody speaks, and who is spoken of.

use std::{collections::BTreeSet, f64::consts::TAU, ops::Range};

/// Where voices are: what is outside of these frequencies is not listened to, in Hz.
const BAND: (f64, f64) = (200.0, 3000.0);
/// Parts that are listened to, in milliseconds.
const FRAME_MS: usize = 10;
/// This far below the louder parts nobody speaks, in dB.
const SILENT_DB: f64 = -32.0;
/// Nothing quieter than this is speech at all, as root of the mean square.
const NOTHING: f64 = 1e-3;
/// A pause this long ends a part, in frames.
const PAUSE: usize = 50;
/// Shorter parts are coughs and clicks, in frames.
const SHORTEST: usize = 100;
/// Longer parts are cut at their quietest place, in frames.
const LONGEST: usize = 3000;
/// Kept before and after what is said, in frames.
const AROUND: usize = 10;

/// A second-order filter, Butterworth (R. Bristow-Johnson's "Audio EQ Cookbook", Q = 1/sqrt 2).
struct Filter {
    b: [f64; 3],
    a: [f64; 2],
    x: [f64; 2],
    y: [f64; 2],
}

impl Filter {
    fn new(hertz: f64, rate: f64, high: bool) -> Self {
        let w = TAU * (hertz / rate).min(0.49);
        let (sin, cos) = w.sin_cos();
        let alpha = sin / std::f64::consts::SQRT_2;
        let edge = if high { f64::midpoint(1.0, cos) } else { f64::midpoint(1.0, -cos) };
        let middle = if high { -(1.0 + cos) } else { 1.0 - cos };
        let a0 = 1.0 + alpha;
        let b = [edge / a0, middle / a0, edge / a0];
        Self { b, a: [-2.0 * cos / a0, (1.0 - alpha) / a0], x: [0.0; 2], y: [0.0; 2] }
    }

    fn push(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.b[1] * self.x[0] + self.b[2] * self.x[1]
            - self.a[0] * self.y[0]
            - self.a[1] * self.y[1];
        (self.x, self.y) = ([x, self.x[0]], [y, self.y[0]]);
        y
    }
}

/// Where somebody speaks in `samples` at `rate`: ranges of samples in order, each of 1 to 30 s.
///
/// Only the band of voices counts; a pause of half a second ends a part.
pub fn spoken_parts(samples: &[f32], rate: u32) -> Vec<Range<usize>> {
    let frame = (rate as usize * FRAME_MS / 1000).max(1);
    let (mut high, mut low) = (Filter::new(BAND.0, f64::from(rate), true), Filter::new(BAND.1, f64::from(rate), false));
    let heard: Vec<f64> = samples.iter().map(|sample| low.push(high.push(f64::from(*sample)))).collect();
    let power = |part: &[f64]| (part.iter().map(|sample| sample * sample).sum::<f64>() / part.len() as f64).sqrt();
    let levels: Vec<f64> = heard.chunks(frame).map(power).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f64::total_cmp);
    let loud = sorted.get(sorted.len() * 9 / 10).copied().unwrap_or(0.0);
    let floor = (loud * 10f64.powf(SILENT_DB / 20.0)).max(NOTHING);
    let mut parts = Vec::new();
    let (mut from, mut last) = (None, 0);
    for (at, level) in levels.iter().enumerate() {
        if *level > floor {
            from.get_or_insert(at);
            last = at + 1;
        } else if at >= last + PAUSE {
            parts.extend(from.take().map(|from| from..last));
        }
    }
    parts.extend(from.map(|from| from..last));
    let around = |part: Range<usize>| {
        let (from, to) = (part.start.saturating_sub(AROUND) * frame, (part.end + AROUND) * frame);
        from..to.min(samples.len())
    };
    parts.into_iter().flat_map(|part| halved(part, &levels)).filter(|part| part.len() >= SHORTEST).map(around).collect()
}

/// A part that is too long, cut at the quietest places in the middle of it.
fn halved(part: Range<usize>, levels: &[f64]) -> Vec<Range<usize>> {
    if part.len() <= LONGEST {
        return vec![part];
    }
    let third = part.len() / 3;
    let middle = part.start + third..part.end - third;
    let cut = middle.min_by(|a, b| levels[*a].total_cmp(&levels[*b])).unwrap_or(part.start + part.len() / 2);
    let mut all = halved(part.start..cut, levels);
    all.extend(halved(cut..part.end, levels));
    all
}

/// Which of `names` are spoken of in a text, in the order of `names`; a letter that was misheard in a longer name is
/// forgiven.
pub fn spoken_of(text: &str, names: &[String]) -> Vec<String> {
    let word =
        |word: &str| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let said: BTreeSet<String> = text.split_whitespace().map(word).collect();
    let is = |name: &str| {
        let name = word(name);
        let forgiven = usize::from(name.chars().count() >= 4);
        !name.is_empty() && said.iter().any(|said| strsim::levenshtein(said, &name) <= forgiven)
    };
    let full = |name: &&String| name.split_whitespace().any(|part| part.chars().count() > 2 && is(part)) || is(name);
    names.iter().filter(full).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 22_050;

    /// Seconds of a tone, `None` of silence with a little hum.
    fn recording(parts: &[(Option<f64>, f64)]) -> Vec<f32> {
        let mut samples = Vec::new();
        for (hertz, seconds) in parts {
            for n in 0..(seconds * f64::from(RATE)) as usize {
                let t = n as f64 / f64::from(RATE);
                let voice = hertz.map_or(0.0, |hertz| 0.3 * (TAU * hertz * t).sin());
                // A hum of the mains is no voice.
                samples.push((voice + 0.02 * (TAU * 50.0 * t).sin()) as f32);
            }
        }
        samples
    }

    fn seconds(parts: &[Range<usize>]) -> Vec<(f64, f64)> {
        let second = |at: usize| (at as f64 / f64::from(RATE) * 10.0).round() / 10.0;
        parts.iter().map(|part| (second(part.start), second(part.end))).collect()
    }

    #[test]
    fn parts_begin_and_end_where_somebody_speaks() {
        let (talk, quiet) = (Some(800.0), None);
        let samples =
            recording(&[(quiet, 1.0), (talk, 2.0), (quiet, 0.3), (talk, 1.0), (quiet, 1.5), (talk, 3.0), (quiet, 0.4)]);
        assert_eq!(seconds(&spoken_parts(&samples, RATE)), [(0.9, 4.4), (5.7, 8.9)], "short pauses are within a part");
        assert!(spoken_parts(&recording(&[(quiet, 3.0)]), RATE).is_empty(), "a hum is no voice");
        assert!(spoken_parts(&vec![0.0; 22_050], RATE).is_empty());
        assert!(spoken_parts(&[], RATE).is_empty());
        assert!(spoken_parts(&recording(&[(quiet, 1.0), (talk, 0.5), (quiet, 1.0)]), RATE).is_empty(), "too short");
    }

    #[test]
    fn long_parts_are_cut() {
        let samples = recording(&[(Some(500.0), 70.0)]);
        let parts = spoken_parts(&samples, RATE);
        assert!(parts.len() >= 3, "{parts:?}");
        assert!(parts.iter().all(|part| part.len() <= 31 * RATE as usize), "{parts:?}");
        assert!(parts.windows(2).all(|two| two[0].start < two[1].start));
    }

    #[test]
    fn names_are_found_even_when_misheard() {
        let names = ["Mara".to_owned(), "Bo".to_owned(), "Captain Ahab".to_owned(), "Lina".to_owned()];
        assert_eq!(spoken_of("Mara, the captein is here.", &names), ["Mara", "Captain Ahab"]);
        assert_eq!(spoken_of("Marra! Bob?", &names), ["Mara"], "short names must be right");
        assert!(spoken_of("", &names).is_empty());
    }
}
