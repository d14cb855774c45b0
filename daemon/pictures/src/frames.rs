//! Frames: which of the sampled frames of a video become pictures: sharp ones, and different ones.

use image::{GrayImage, RgbImage};
use studio_core::ids::ContentHash;

use crate::{print, sharpness, table::distance};

/// Milliseconds around a cut in which pictures are still mixed, or compressed badly.
const AROUND_CUT: u64 = 300;
/// Milliseconds in which one frame is chosen at most.
const WINDOW: u64 = 1_500;
/// Standard deviation of brightness below which a frame is black, white or a fade, of 127.5.
const LEAST_DEVIATION: f32 = 12.0;
/// Share of the shot's median sharpness below which a frame is blurred by movement.
const LEAST_SHARPNESS: f32 = 0.7;
/// Bits of the DCT hash up to which two frames of a shot show the same.
const SAME: u32 = 40;
/// Bits of the DCT hash beyond which frames that follow each other closely belong to different shots.
const OTHER_SHOT: u32 = 64;
/// Milliseconds within which frames follow each other closely.
const CLOSELY: u64 = 250;
/// Share of the brightness by which a frame jumps that begins a new shot.
const SCENE_SCORE: f32 = 0.3;
/// Most frames of one shot.
const MOST_OF_SHOT: usize = 5;

/// A frame that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Where it is in the video, in milliseconds; samples are given in this order.
    pub at_ms: u64,
    /// Hash of its subject by the signs of its frequencies: 256 bits.
    pub dct: ContentHash,
    /// Hash of its subject by those of its gradients: 256 bits.
    pub gradient: ContentHash,
    /// Its sharpness, see [`crate::sharpness::sharpness`].
    pub sharpness: f32,
    /// Standard deviation of its brightness, see [`crate::sharpness::deviation`].
    pub deviation: f32,
    /// A new shot is known to begin with it.
    pub cut: bool,
}

/// Looks at the frames of a video, one after the other, and keeps nothing of them but what [`choose`] needs.
#[derive(Debug, Default)]
pub struct Watcher {
    /// Brightness of the frame before.
    before: Option<GrayImage>,
    /// Mean difference between it and the one before it, 0..=255.
    moved: f32,
}

impl Watcher {
    /// What there is to know of the next frame, given by the brightness of its pixels.
    pub fn look(&mut self, at_ms: u64, frame: GrayImage) -> Sample {
        let moved = self.before.as_ref().filter(|before| before.len() == frame.len()).map(|before| {
            let apart = before.as_raw().iter().zip(frame.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b)));
            apart.sum::<u64>() as f32 / frame.len().max(1) as f32
        });
        // As ffmpeg's scene score: what moves all the time is no cut.
        let score = moved.map_or(0.0, |moved| moved.min((moved - self.moved).abs()) / 255.0);
        let pixels =
            RgbImage::from_fn(frame.width(), frame.height(), |x, y| image::Rgb([frame.get_pixel(x, y).0[0]; 3]));
        let (dct, gradient, deviation) = print::subject(&pixels);
        self.moved = moved.unwrap_or(0.0);
        self.before = Some(frame);
        let sharpness = sharpness::sharpness(&pixels);
        Sample { at_ms, dct, gradient, sharpness, deviation, cut: score > SCENE_SCORE }
    }
}

/// Chooses at most `most` frames, as places in `samples`, in their order.
///
/// Within each shot: not at its ends, no fade, of each window the sharpest one, and of those that show the same the sharper.
/// Of what is left the most different ones, at most 5 of a shot; the first of all is the sharpest within its shot.
pub fn choose(samples: &[Sample], most: usize) -> Vec<usize> {
    let mut chosen: Vec<Candidate> = Vec::new();
    for shot in shots(samples) {
        chosen.extend(of_shot(samples, shot));
    }
    let mut chosen: Vec<usize> = spread(samples, chosen, most);
    chosen.sort_unstable();
    chosen
}

/// A frame that may be chosen: its place, and its sharpness as a share of its shot's median.
#[derive(Clone, Copy)]
struct Candidate {
    at: usize,
    sharp: f32,
}

/// Places of the samples of each shot.
fn shots(samples: &[Sample]) -> Vec<std::ops::Range<usize>> {
    let begins = |at: usize| {
        let (before, here) = (&samples[at - 1], &samples[at]);
        let close = here.at_ms.saturating_sub(before.at_ms) <= CLOSELY;
        here.cut || close && apart(before, here).0 > OTHER_SHOT
    };
    let mut ends: Vec<usize> = (1..samples.len()).filter(|at| begins(*at)).collect();
    ends.push(samples.len());
    let mut start = 0;
    ends.into_iter().map(|end| std::mem::replace(&mut start, end)..end).filter(|shot| !shot.is_empty()).collect()
}

/// Bits by which the DCT and the gradient hashes of two subjects differ.
fn apart(a: &Sample, b: &Sample) -> (u32, u32) {
    (distance(&a.dct, &b.dct), distance(&a.gradient, &b.gradient))
}

fn of_shot(samples: &[Sample], shot: std::ops::Range<usize>) -> Vec<Candidate> {
    let mut sharpness: Vec<f32> = samples[shot.clone()].iter().map(|sample| sample.sharpness).collect();
    let middle = sharpness.len() / 2;
    let median = sharpness.select_nth_unstable_by(middle, f32::total_cmp).1.max(f32::MIN_POSITIVE);
    // The video's own ends are no cuts.
    let from = if shot.start == 0 { 0 } else { samples[shot.start].at_ms + AROUND_CUT };
    let to = samples.get(shot.end).map_or(u64::MAX, |next| next.at_ms.saturating_sub(AROUND_CUT));
    let begins = samples[shot.start].at_ms;
    let mut best: Vec<(u64, Candidate)> = Vec::new();
    for at in shot {
        let sample = &samples[at];
        let candidate = Candidate { at, sharp: sample.sharpness / median };
        let plain = sample.deviation < LEAST_DEVIATION;
        if plain || candidate.sharp < LEAST_SHARPNESS || sample.at_ms < from || sample.at_ms > to {
            continue;
        }
        let window = (sample.at_ms - begins) / WINDOW;
        match best.last_mut().filter(|(last, _)| *last == window) {
            Some((_, last)) if last.sharp >= candidate.sharp => {}
            Some((_, last)) => *last = candidate,
            None => best.push((window, candidate)),
        }
    }
    let mut best: Vec<Candidate> = best.into_iter().map(|(_, candidate)| candidate).collect();
    best.sort_by(|a, b| b.sharp.total_cmp(&a.sharp).then(a.at.cmp(&b.at)));
    let mut different: Vec<Candidate> = Vec::new();
    for candidate in best {
        let same = |other: &Candidate| apart(&samples[other.at], &samples[candidate.at]).0 <= SAME;
        if !different.iter().any(same) {
            different.push(candidate);
        }
    }
    let kept = spread(samples, different.clone(), MOST_OF_SHOT);
    different.retain(|candidate| kept.contains(&candidate.at));
    different
}

/// The sharpest one, then again and again the one that is most unlike all that were taken.
fn spread(samples: &[Sample], candidates: Vec<Candidate>, most: usize) -> Vec<usize> {
    let mut waiting: Vec<(u32, Candidate)> = candidates.into_iter().map(|candidate| (u32::MAX, candidate)).collect();
    let mut taken = Vec::new();
    while taken.len() < most {
        let better = |a: &(u32, Candidate), b: &(u32, Candidate)| {
            a.0.cmp(&b.0).then(a.1.sharp.total_cmp(&b.1.sharp)).then(b.1.at.cmp(&a.1.at))
        };
        let Some(next) = (0..waiting.len()).max_by(|a, b| better(&waiting[*a], &waiting[*b])) else { break };
        let (_, candidate) = waiting.swap_remove(next);
        taken.push(candidate.at);
        for (unlike, other) in &mut waiting {
            let (dct, gradient) = apart(&samples[candidate.at], &samples[other.at]);
            *unlike = (*unlike).min(dct + gradient);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame whose hash has its first `bits` set.
    fn sample(at_ms: u64, bits: usize, sharpness: f32) -> Sample {
        let mut hash = ContentHash([0; 32]);
        (0..bits).for_each(|bit| hash.0[bit / 8] |= 1 << (bit % 8));
        Sample { at_ms, dct: hash, gradient: hash, sharpness, deviation: 40.0, cut: false }
    }

    #[test]
    fn a_cut_is_a_jump_and_not_what_moves_all_the_time() {
        let plain = |shade: u8| GrayImage::from_pixel(64, 48, image::Luma([shade]));
        let cuts = |shades: &[u8]| {
            let mut watcher = Watcher::default();
            let looks = shades.iter().map(|shade| watcher.look(0, plain(*shade)).cut);
            looks.collect::<Vec<_>>()
        };
        assert_eq!(cuts(&[20, 24, 200, 204]), [false, false, true, false]);
        assert_eq!(cuts(&[0, 60, 120, 180]), [false; 4], "a pan, a fade");
        let mut rng = fastrand::Rng::with_seed(3);
        let noise = GrayImage::from_fn(64, 48, |_, _| image::Luma([rng.u8(..)]));
        let sample = Watcher::default().look(40, noise);
        assert!(sample.deviation > 20.0 && sample.sharpness > 1.0 && sample.at_ms == 40, "{sample:?}");
    }

    #[test]
    fn of_each_window_the_sharpest_is_taken_and_what_shows_the_same_once() {
        let samples: Vec<Sample> = (0..12u64)
            .map(|n| sample(n * 500, if n < 6 { 0 } else { 50 }, if n % 3 == 1 { 2.0 + n as f32 / 100.0 } else { 1.5 }))
            .collect();
        assert_eq!(choose(&samples, 9), [4, 10], "four windows, two of which show what another shows");
        assert_eq!(choose(&samples, 1), [10], "the sharpest");
        assert_eq!(choose(&samples, 0), [0usize; 0]);
        assert_eq!(choose(&[], 9), [0usize; 0]);
    }

    #[test]
    fn no_frame_beside_a_cut_none_blurred_and_no_fade_is_taken() {
        let mut samples: Vec<Sample> = (0..8u64).map(|n| sample(n * 200, if n < 4 { 0 } else { 120 }, 1.0)).collect();
        // The jump at 800 ms is a cut; only what is more than 300 ms away counts.
        samples[7].sharpness = 1.4;
        samples[1].sharpness = 1.2;
        samples[3].sharpness = 9.0;
        samples[4].sharpness = 9.0;
        assert_eq!(choose(&samples, 9), [1, 7]);
        samples[7].sharpness = 0.1;
        samples[1].deviation = 3.0;
        let chosen = choose(&samples, 9);
        assert!(!chosen.contains(&7) && !chosen.contains(&1), "{chosen:?}");
        samples[6].cut = true;
        assert!(!choose(&samples, 9).contains(&6), "a cut that is known");
    }

    #[test]
    fn at_most_five_of_a_shot_and_the_most_different_ones() {
        let samples: Vec<Sample> = (0..6u64).map(|n| sample(n * 2_000, n as usize * 50, 1.0)).collect();
        let chosen = choose(&samples, 99);
        assert_eq!(chosen.len(), 5);
        let three = choose(&samples, 3);
        assert!(three.contains(&0) && three.contains(&5) && three.len() == 3, "{three:?}");
    }
}
